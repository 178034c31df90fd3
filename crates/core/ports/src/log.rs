//! One partition of an ordered, durable log, as the engine needs it.

use std::path::PathBuf;

use thiserror::Error;

use crate::RecordBatch;

/// The position of a record in its partition: 0 for the first one ever, then dense.
pub type Offset = u64;

/// One partition of an ordered, durable log. One owner writes; any number may read copies of it.
///
/// What an implementation guarantees:
/// - records keep the order and the bytes of their `append`; offsets are dense and never reused;
/// - everything below `durable_offset` survives `kill -9` and a loss of power;
/// - after a crash the log is a prefix of what was appended, at least up to `durable_offset`;
/// - damage below that is an error that names the place; it is never skipped.
pub trait PartitionLog: Send {
    /// The first offset that is still kept.
    fn start_offset(&self) -> Offset;

    /// The offset that the next record will get.
    fn end_offset(&self) -> Offset;

    /// Everything below this offset is on disk.
    fn durable_offset(&self) -> Offset;

    /// Appends the records and returns the offset of the first. They are readable at once and
    /// durable later. On an error nothing of the batch counts as appended.
    fn append(&mut self, batch: &RecordBatch) -> Result<Offset, LogError>;

    /// Asks for what was appended to become durable, and returns without waiting.
    fn request_sync(&mut self) -> Result<(), LogError>;

    /// Waits until all that was appended is durable, and returns the durable offset.
    fn sync(&mut self) -> Result<Offset, LogError>;

    /// Reads records from `from` into `into` (cleared first): at least one where there is one, then
    /// on to about `max_bytes`. Returns the offset after the last one read.
    fn read(
        &mut self,
        from: Offset,
        max_bytes: usize,
        into: &mut RecordBatch,
    ) -> Result<Offset, LogError>;

    /// Gives up whole segments that lie below `below`. Returns the new first offset.
    fn trim(&mut self, below: Offset) -> Result<Offset, LogError>;
}

/// One partition of a log that somebody else writes, as a reader in another process sees it: only
/// what is durable.
pub trait PartitionTail {
    /// The first offset that is still kept.
    fn start_offset(&mut self) -> Result<Offset, LogError>;

    /// Everything below this offset can be read.
    fn end_offset(&mut self) -> Result<Offset, LogError>;

    /// Reads like [`PartitionLog::read`]; nothing where `from` is the end.
    fn read(
        &mut self,
        from: Offset,
        max_bytes: usize,
        into: &mut RecordBatch,
    ) -> Result<Offset, LogError>;
}

/// What can go wrong with a log, by what the caller can do.
#[derive(Debug, Error)]
pub enum LogError {
    /// The disk, or the broker, refuses: full, read-only, gone. Retry once that is mended.
    #[error("cannot {action} {path}")]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or address.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Bytes that were durable are not what was written. Restore the file from a copy.
    #[error("{path} is damaged at byte {at}: {what}")]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// The place in it.
        at: u64,
        /// What is wrong there.
        what: &'static str,
    },
    /// The offset was given up by retention, or is beyond the end.
    #[error("offset {wanted} is not kept: the log holds {start} to {end}")]
    OutOfRange {
        /// The offset asked for.
        wanted: Offset,
        /// The first offset kept.
        start: Offset,
        /// The next offset to be written.
        end: Offset,
    },
    /// A record is larger than the log takes.
    #[error("a record of {bytes} bytes is over the limit of {limit}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Another process writes to this log.
    #[error("{path} is in use by another process")]
    InUse {
        /// The lock file or address.
        path: PathBuf,
    },
    /// The folder was written by another version of the format.
    #[error("{path} has format {found}, this program reads up to {known}")]
    Format {
        /// The file that says so.
        path: PathBuf,
        /// The version found.
        found: u32,
        /// The newest version known here.
        known: u32,
    },
}
