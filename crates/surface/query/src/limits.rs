//! What statements may use. Every limit ends in an error that names it.

use std::time::Duration;

/// The least that a statement needs to sort or group anything, in bytes.
pub const MIN_MEMORY_BYTES: usize = 8 << 20;

/// What statements may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Memory for sorting, grouping, joining and windows, all statements together.
    pub memory_bytes: usize,
    /// What of that may go to temporary files when memory does not suffice; 0 for none.
    pub spill_bytes: u64,
    /// How long one statement may take.
    pub timeout: Duration,
    /// The most rows of one answer.
    pub max_rows: u64,
    /// Threads that work on statements.
    pub threads: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 96 << 20,
            spill_bytes: 1 << 30,
            timeout: Duration::from_mins(1),
            max_rows: 1_000_000,
            threads: 2,
        }
    }
}
