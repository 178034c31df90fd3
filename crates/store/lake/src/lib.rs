//! Open Delta tables of everything that happened.
//!
//! It knows Delta and nothing of the log or the engine: whoever follows the log hands it stepped
//! events. It must never decide anything about a shop, and never hold up whoever feeds it.

mod chain;
mod column;
mod durable;
mod error;
mod export;
mod faults;
mod inspect;
mod lake;
mod maintain;
mod positions;
mod recorder;
mod rows;
mod session;
mod snapshot;
mod star;
mod table;
mod tables;
mod writer;

pub use column::Kind;
pub use error::LakeError;
pub use export::ExportFormat;
pub use faults::{FaultKind, FaultPoint, Faults};
pub use inspect::{TableCheck, TableCommit, TableDifference, TableSize};
pub use lake::Lake;
pub use maintain::{Compacted, Compaction, Removal, Vacuumed};
pub use positions::Positions;
pub use recorder::{Recorder, Step};
pub use rows::Batch;
pub use snapshot::{DataFile, Reading, Snapshot, Version};
pub use star::{Built, Days, STAR_TESTS, StarTest, VIEWS, View, ViewColumn};
pub use table::{COMMENT_KEY, Column, Filled, Layout, MONTH_COLUMN, Table};
pub use tables::{BUILT, FOLLOWING, all as tables, find as find_table};
pub use writer::{Committed, LakeWriter, Round};
