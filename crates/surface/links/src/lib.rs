//! Joins a chain with PostgreSQL and Redis: what follows its durable log into the mirror, what
//! brings the entries of streams and the rows that people set into its log.
//!
//! Each link is a thread of its own with a state that can be seen. Whatever happens to the other
//! side, the chain goes on, and the link goes on where it stopped. It must never decide anything
//! about a shop.

#[cfg(feature = "kafka")]
mod bridge;
mod config;
mod error;
#[cfg(feature = "kafka")]
mod kafka;
mod live;
mod mirror;
mod request_log;
mod status;
mod streams;
mod thread;

#[cfg(feature = "kafka")]
pub use bridge::{TopicSink, check_bridge};
pub use config::{ConfigLink, ConfigOptions};
pub use error::LinkError;
#[cfg(feature = "kafka")]
pub use kafka::{start_config_on_kafka, start_mirror_on_kafka};
pub use live::{LiveOptions, ReadLive};
pub use mirror::{Followed, MirrorFollower, MirrorOptions, Until};
pub use request_log::RequestLog;
pub use status::{LinkFailure, LinkState, LinkStatus, LinkView};
pub use streams::StreamOptions;
#[cfg(feature = "kafka")]
pub use thread::start_bridge;
pub use thread::{LinkThread, start_config, start_live_keys, start_mirror, start_streams};
