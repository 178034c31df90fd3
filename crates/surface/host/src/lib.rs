//! Wires log, engine and environment: what running, simulating, importing and watching share.
//!
//! A [`Chain`] is the one writer of a data folder: all partitions, each with the towns of its
//! stores where the environment is simulated. A [`Mirror`] is the same state as another process
//! sees it. Neither decides anything about a shop.

mod chain;
mod control;
mod error;
mod folder;
mod mirror;
mod seat;
mod shard;

pub use chain::{Chain, ChainOptions, Recovery, Submitted, Tally};
pub use control::{Ack, AckStatus, Control, Request, send};
pub use error::HostError;
pub use folder::{DATA_FORMAT, Folder, FolderMeta, TownPlan};
pub use mirror::{Follow, Mirror, OutputTail};
