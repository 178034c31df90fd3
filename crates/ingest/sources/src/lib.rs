//! How foreign files get into the log: NDJSON, and CSV and Parquet with a mapping.
//!
//! Every line becomes an event. What cannot be read, or breaks a rule of its mapping, becomes a
//! [`Body::Rejected`](shelf_domain::Body::Rejected) with its source, line, reason and bytes: no
//! line is ever lost. This crate decides nothing about a shop.

mod blocks;
mod convert;
mod csv_rows;
mod decimal;
mod error;
mod first_sight;
mod foreign;
mod input;
mod lookup;
mod mapped;
mod mapping;
mod ndjson;
mod parallel;
#[cfg(feature = "parquet")]
mod parquet_rows;
mod receipts;
mod rejected;
mod row;
mod source;
mod zone;

use std::path::PathBuf;

pub use error::SourceError;
pub use first_sight::Known;
pub use foreign::{
    Broken, Foreign, ForeignSource, Format, LineError, LineReader, Lines, Remembered,
    may_be_another_systems,
};
pub use input::{FileKind, Progress, STDIN, find_files};
pub use mapped::{MappedOptions, MappedSource};
pub use mapping::{Mapping, shipped_names};
pub use ndjson::{NdjsonSource, read_event};
pub use parallel::{MAX_WORKERS, ParallelParser};
pub use source::{LineCounts, Source};
pub use zone::local_clock;

/// The source that fits what a person names: [`find_files`] says which files, `mapping` how their
/// columns are read. Without a mapping the files must be NDJSON, and `workers` threads parse them
/// (none: the caller's own). Lines of
/// other systems are read among them where the options say how.
pub fn open(
    wanted: &str,
    mapping: Option<Mapping>,
    options: MappedOptions,
    workers: usize,
) -> Result<Box<dyn Source>, SourceError> {
    let paths: Vec<PathBuf> = find_files(wanted)?;
    if let Some(mapping) = mapping {
        return Ok(Box::new(MappedSource::open(paths, mapping, options)?));
    }
    for path in &paths {
        if FileKind::of(path)? != FileKind::Ndjson {
            return Err(SourceError::NoMapping { path: path.clone() });
        }
    }
    let defaults = options.defaults;
    let own: Box<dyn Source> = if workers == 0 {
        Box::new(NdjsonSource::open(paths, defaults)?)
    } else {
        Box::new(ParallelParser::open(paths, defaults, workers)?)
    };
    Ok(match options.foreign {
        Some(foreign) => Box::new(ForeignSource::new(own, foreign, options.known, defaults)),
        None => own,
    })
}
