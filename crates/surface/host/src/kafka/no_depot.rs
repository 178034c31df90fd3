//! In the place of the snapshots in an object store, where the program is built without it: there
//! is no such depot.

use std::path::Path;

/// The snapshots of a chain in an object store; there are none.
#[derive(Clone, Debug)]
pub enum Depot {}

/// Why snapshots could not be fetched or kept; nobody tries.
#[derive(Debug, thiserror::Error)]
pub enum DepotError {}

impl Depot {
    pub(crate) fn fetch(&self, _: u32, _: &Path) -> Result<usize, DepotError> {
        match *self {}
    }

    pub(crate) fn keep(&self, _: u32, _: &Path) -> Result<Option<u64>, DepotError> {
        match *self {}
    }
}

impl DepotError {
    pub(crate) fn code(&self) -> &'static str {
        match *self {}
    }

    pub(crate) fn hint(&self) -> &'static str {
        match *self {}
    }
}
