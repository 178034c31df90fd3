//! Running a chain on Apache Kafka: any number of workers share its partitions.
//!
//! A worker is a member of a consumer group. Each partition that the group gives it runs in a lane
//! of its own: the lane claims the partition, opens the newest snapshot, replays up to what was
//! committed and goes on. Whatever fails, the lane is dropped and begun anew from what the brokers
//! have; there is no other way of recovering.

mod cadence;
mod chain;
#[cfg_attr(not(feature = "snapshots-s3"), path = "kafka/no_depot.rs")]
mod depot;
mod elected;
mod figures;
mod foreign;
mod intake;
mod lane;
mod lanes;
mod records;
mod standby;
mod taker;
mod takers;
mod worker;

pub use chain::{KafkaChain, KafkaReader};
pub use depot::{Depot, DepotError};
pub use elected::Elected;
pub use figures::{KafkaFigures, LaneFigures, LaneState, StandbyFigures};
pub use foreign::ForeignOptions;
pub use intake::{IntakeOptions, KafkaIntake};
pub use records::record_key;
pub use worker::{KafkaWorker, WorkerSettings};
