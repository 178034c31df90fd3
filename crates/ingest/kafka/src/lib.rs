//! Apache Kafka as the log: the same traits as the embedded log, exactly once.
//!
//! The input of a partition is what producers have committed to one partition of the input topic;
//! its output goes into transactions that hold the input position as well. It must never hand out
//! a record twice, never let two processes write for one partition, and never decide anything about
//! a shop. Only this crate knows `rdkafka`.

mod address;
mod avro;
mod book;
mod claim;
mod client;
mod deadline;
mod error;
mod feed;
mod init;
mod input;
mod lists;
mod log;
mod members;
mod merge;
mod once;
mod outbox;
mod output;
mod place;
mod progress;
mod reader;
mod registry;
mod source;
mod standby;
mod topics;
mod transaction;
mod written;

pub use address::{Connection, Mechanism, Sasl, Secret, Tls};
pub use avro::{Avro, Unread};
pub use claim::Claim;
pub use error::KafkaError;
pub use feed::Feed;
pub use init::{Difference, Initialized, check, check_sources, init};
pub use input::InputLog;
pub use lists::{Agreed, Lists};
pub use log::KafkaLog;
pub use members::{Assignment, Membership, MembershipOptions};
pub use once::OnceFeed;
pub use outbox::Outbox;
pub use output::OutputLog;
pub use place::{Committed, Place};
pub use progress::{Progress, committed_of};
pub use reader::{Message, Reader};
pub use registry::RegistryOptions;
pub use source::{MergeOptions, SOURCES_GROUP, SourceClaim, Taken};
pub use standby::StandbyLog;
pub use topics::{
    ALERTS, FOREIGN, ForeignTopic, LOG_EFFECTS, LOG_EVENTS, REJECTED, SOURCE_BOOK, SOURCES, Topic,
    TopicOptions, VISITS, topic_of, topics,
};
pub use transaction::Delivery;
