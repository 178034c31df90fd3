//! Serving copies in other databases, kept in step with the log; and what people set in their
//! tables, as events.
//!
//! It knows PostgreSQL and nothing of the log or the engine: whoever follows the log hands it
//! stepped events, and whoever writes the log takes the events of changed rows. It must never
//! decide anything about a shop, and never hold up whoever feeds it.

mod config;
mod connect;
mod error;
mod lines;
mod migrate;
mod recorder;
mod table;
mod writer;

pub use config::{Changes, ConfigFollower, ReadEvent, Shop};
pub use connect::Postgres;
pub use error::MirrorError;
pub use recorder::{Gathered, Recorder, Step};
pub use writer::{Committed, MirrorWriter};
