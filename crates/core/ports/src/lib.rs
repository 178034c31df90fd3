//! The few traits that the outside implements for the hosts of the core, with their guarantees.
//!
//! `ingest`, `process` and `store` do not know each other. They meet here, and the binary wires
//! them. Nothing in this crate does work of its own beyond holding a batch of bytes together.

mod batch;
mod log;

pub use batch::RecordBatch;
pub use log::{LogError, Offset, PartitionLog, PartitionTail};
