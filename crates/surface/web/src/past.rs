//! States of past moments, for reads with `as_of`. Each is stepped from the beginning of the log,
//! so the latest ones that were asked for are kept.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use shelf_domain::Timestamp;
use shelf_host::{ChainReader, Folder, HostError};

/// How many are kept.
const KEPT: usize = 4;

/// The past moments of a data folder.
#[derive(Debug)]
pub struct Pasts {
    folder: Folder,
    kept: Mutex<VecDeque<(Timestamp, Arc<ChainReader>)>>,
    /// Held by whoever steps a log: one at a time, so that many who ask cost no more than one.
    stepping: Mutex<()>,
}

impl Pasts {
    /// Those of a folder.
    pub fn new(folder: &Folder) -> Self {
        Self { folder: folder.clone(), kept: Mutex::new(VecDeque::new()), stepping: Mutex::new(()) }
    }

    /// The chain as it was when the last event received by then had been stepped. Blocks while the
    /// log is stepped.
    pub fn at(&self, until: Timestamp) -> Result<Arc<ChainReader>, HostError> {
        if let Some(known) = self.known(until) {
            return Ok(known);
        }
        let _one = self.stepping.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever was before may have asked for the same.
        if let Some(known) = self.known(until) {
            return Ok(known);
        }
        let reader = Arc::new(ChainReader::open_until(&self.folder, until)?);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_front((until, Arc::clone(&reader)));
        kept.truncate(KEPT);
        Ok(reader)
    }

    fn known(&self, until: Timestamp) -> Option<Arc<ChainReader>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|(known, _)| *known == until)?;
        let found = kept.remove(at)?;
        let reader = Arc::clone(&found.1);
        kept.push_front(found);
        Some(reader)
    }
}
