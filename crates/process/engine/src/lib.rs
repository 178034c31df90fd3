//! Runs the core over log partitions: batches, snapshots, recovery.
//!
//! A [`Partition`] owns the state of the stores of one log partition. It appends events to the
//! input log, steps them, writes what follows to the output log, and now and then saves the state
//! with the position that it stands for. Opening one is always the same: the newest snapshot, then
//! the rest of the log. It never knows what a log is made of, and never decides anything about a
//! shop.

mod error;
mod partition;
mod replica;
mod route;
mod snapshot;

pub use error::EngineError;
pub use partition::{Opened, Options, Partition, Stepped};
pub use replica::Replica;
pub use route::partition_of;
pub use snapshot::{Newest, SNAPSHOT_VERSION, Snapshot, SnapshotStore};
