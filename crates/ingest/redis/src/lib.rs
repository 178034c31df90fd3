//! Redis Streams as a source of events, and the live keys that others read there.
//!
//! An entry is acknowledged when whoever takes it says that it is durable, never before. What
//! takes entries is a trait: a log of events, or another bus. This crate decides nothing about a
//! shop, and loses no entry: what is no event goes to quarantine with its bytes.

mod connect;
mod entry;
mod error;
mod events;
mod follow;
mod groups;
mod live;
mod source;

pub use connect::Redis;
pub use entry::{Entry, EntryId};
pub use error::RedisError;
pub use events::{EntryReader, EventLog, EventSink, ReadEvents};
pub use follow::{Counts, FollowState, follow};
pub use live::{LiveKeys, Now, Reading};
pub use source::{Options, Sink, SinkError, Source, Taken, Took};
