//! The settings of a log and their limits.

/// The most partitions that a log can have.
pub(crate) const PARTITIONS_MAX: u32 = 1024;

/// The largest record that the format is used for, whatever the options say.
const RECORD_BYTES_MAX: usize = 1 << 30;

/// How a log is kept. Only `partitions` is fixed at creation; the rest may differ at each opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogOptions {
    /// How many partitions a new log gets, between 1 and 1024. A log that exists keeps its own.
    pub partitions: u32,
    /// A segment is closed before it would grow past this. One batch is never split, so a batch
    /// that is larger makes one segment that is larger.
    pub segment_bytes: u64,
    /// The largest record that is taken.
    pub max_record_bytes: usize,
    /// Whether durable means on disk.
    pub sync: SyncMode,
    /// What opening does about a damaged record with good ones after it, above the durable offset.
    pub tail_damage: TailDamage,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            partitions: 16,
            segment_bytes: 64 << 20,
            max_record_bytes: 4 << 20,
            sync: SyncMode::Fsync,
            tail_damage: TailDamage::Refuse,
        }
    }
}

impl LogOptions {
    /// The same options with every value inside what the format can hold.
    pub(crate) fn limited(self) -> Self {
        Self {
            partitions: self.partitions.clamp(1, PARTITIONS_MAX),
            max_record_bytes: self.max_record_bytes.min(RECORD_BYTES_MAX),
            ..self
        }
    }
}

/// Whether durable means on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncMode {
    /// Durable survives a loss of power.
    Fsync,
    /// Durable means in the page cache: it survives `kill -9` only. For benches and tests.
    None,
}

/// What opening does when a record above the durable offset fails its check and a valid record
/// with a higher offset follows in the same segment.
///
/// The file `durable` is not itself synced, so after a loss of power it can be older than the last
/// acknowledgement. Damage above it is then either a write that the system had not finished, with
/// a later page on disk before an earlier one, or an acknowledged record gone bad. Only a person
/// can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TailDamage {
    /// Report [`LogError::Damaged`](shelf_ports::LogError::Damaged) and change nothing.
    Refuse,
    /// Cut the segment at the damaged record. It is listed in
    /// [`EventLog::recovered`](crate::EventLog::recovered).
    Cut,
}
