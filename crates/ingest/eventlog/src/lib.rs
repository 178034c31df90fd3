//! The embedded durable log: append-only segments with group commit.
//!
//! A log is a folder. Its number of partitions is fixed when it is created:
//!
//! ```text
//! meta                             format version, number of partitions
//! lock                             held by the one writer
//! p00/durable                      the offset below which everything is on disk
//! p00/00000000000000000000.log     a segment, named by its first offset
//! p00/00000000000000012345.log     the next one; the last one is the active one
//! ```
//!
//! [`EventLog`] is the one writer, [`LogReader`] follows it from any process and sees only what is
//! durable, and [`verify`] reads every byte. A log never skips damage and never gives an offset out
//! twice for durable records.
//!
//! Invariants that the modules keep for each other:
//! - a segment is created only when all earlier segments are durable, so a crash can tear the last
//!   segment only;
//! - the `durable` file is written only after the records below it are on disk;
//! - a batch lies in one segment.

mod cursor;
mod disk;
mod eventlog;
mod format;
mod mark;
mod meta;
mod options;
mod partition;
mod reader;
mod recovery;
mod scan;
mod segment;
mod sync;
mod tail;
mod verify;

#[cfg(test)]
mod faults;
#[cfg(test)]
mod tests;

pub use eventlog::EventLog;
pub use options::{LogOptions, SyncMode, TailDamage};
pub use partition::Partition;
pub use reader::{LogReader, PartitionReader};
pub use recovery::Recovered;
pub use verify::{Damage, PartitionReport, VerifyProgress, VerifyReport, verify};
