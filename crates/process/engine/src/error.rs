//! What can go wrong with an engine, by what the caller can do.

use std::path::PathBuf;

use shelf_events::DecodeError;
use shelf_ports::{LogError, Offset};
use thiserror::Error;

/// What can go wrong with an engine.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The log refuses.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The disk refuses. Retry once that is mended.
    #[error("cannot {action} {path}")]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A snapshot was written by a newer program. Use that program.
    #[error("{path} has format {found}, this program reads up to {known}")]
    Format {
        /// The file.
        path: PathBuf,
        /// The version found.
        found: u32,
        /// The newest version known here.
        known: u32,
    },
    /// The log does not reach back to the newest snapshot that can be read. Restore a snapshot or
    /// the log from a copy.
    #[error(
        "partition {partition}: the log begins at {log_start}, \
         the newest snapshot stands for {snapshot}"
    )]
    Gap {
        /// The partition.
        partition: u32,
        /// The position of the newest readable snapshot; 0 where there is none.
        snapshot: Offset,
        /// The first offset that the log keeps.
        log_start: Offset,
    },
    /// The log ends before the position of the snapshot, or of the newest effect: they are not of
    /// one run. Restore all from one copy.
    #[error("partition {partition}: the log ends at {log_end}, the snapshot stands for {snapshot}")]
    Ahead {
        /// The partition.
        partition: u32,
        /// The position of the snapshot.
        snapshot: Offset,
        /// The offset after the last record of the log.
        log_end: Offset,
    },
    /// A sound record does not hold what it should.
    #[error("partition {partition}: the record at offset {offset} cannot be read")]
    Record {
        /// The partition.
        partition: u32,
        /// The offset of the record.
        offset: Offset,
        /// What is wrong with it.
        #[source]
        source: DecodeError,
    },
    /// The state cannot be written as bytes.
    #[error("partition {partition}: the state cannot be saved")]
    State {
        /// The partition.
        partition: u32,
    },
}
