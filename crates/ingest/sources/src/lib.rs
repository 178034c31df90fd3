//! How foreign files get into the log: NDJSON, and CSV and Parquet with a mapping.
//!
//! Every line becomes an event. What cannot be read, or breaks a rule of its mapping, becomes a
//! [`Body::Rejected`](shelf_domain::Body::Rejected) with its source, line, reason and bytes: no
//! line is ever lost. This crate decides nothing about a shop.

mod blocks;
mod error;
mod input;
mod ndjson;
mod parallel;
mod rejected;
mod source;
mod zone;

pub use error::SourceError;
pub use input::{FileKind, Progress, STDIN, find_files};
pub use ndjson::NdjsonSource;
pub use parallel::{MAX_WORKERS, ParallelParser};
pub use source::{LineCounts, Source};
pub use zone::local_clock;

mod mapping {
    pub(crate) fn shipped_names() -> impl Iterator<Item = &'static str> {
        ["uci"].into_iter()
    }
}
