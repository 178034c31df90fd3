//! Wires log, engine and environment: what running, simulating, importing and watching share.
//!
//! A [`ChainWriter`] is the one writer of a data folder: all partitions, each with the towns of its
//! stores where the environment is simulated. A [`ChainReader`] is the same state as another
//! process sees it. Neither decides anything about a shop.

mod audit;
mod control;
mod error;
mod folder;
#[cfg(feature = "kafka")]
mod kafka;
mod pace;
mod plan_event;
mod priority;
mod quality;
mod quarantine;
mod reader;
mod seat;
mod shard;
mod sources;
mod stages;
mod writer;

pub use audit::{HostAct, note_act, noted_acts};
pub use control::{Ack, AckStatus, Control, Request, connect, send, send_events};
pub use error::HostError;
pub use folder::{ChainId, DATA_FORMAT, Folder, FolderMeta, TownPlan};
#[cfg(feature = "kafka")]
pub use kafka::{
    Depot, DepotError, Elected, ForeignOptions, IntakeOptions, KafkaChain, KafkaFigures,
    KafkaIntake, KafkaReader, KafkaWorker, LaneFigures, LaneState, StandbyFigures, WorkerSettings,
    record_key,
};
pub use pace::Pace;
pub use priority::{step_behind_engine, step_behind_people};
pub use quality::{
    CheckNote, Latencies, LatencyFigures, Measured, QualityBook, QualityChange, quality_history,
};
pub use quarantine::{LogPlace, QuarantineBook, event_at, events_between};
pub use reader::{ChainReader, Follow, Following, OutputTail, Retrace};
pub use shelf_engine::{Stepped, partition_of};
pub use sources::{RegisteredSource, SourceKind, SourceName, Sources, wall_now};
pub use stages::{Stage, StageFigures, StageTimes};
pub use writer::{ChainWriter, Recovery, Submitted, Tally, WriterOptions};
