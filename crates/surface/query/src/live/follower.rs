//! The state that statements read: followed from the log, held still while a statement is planned.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use shelf_domain::LocalClock;
use shelf_host::{ChainReader, Folder, Follow};
use tokio::sync::OwnedRwLockReadGuard;

use crate::QueryError;
use crate::moment::Past;

/// The state of a data folder. Whoever holds a guard sees it stand still.
#[derive(Debug)]
pub(crate) struct Follower {
    folder: Folder,
    present: Arc<tokio::sync::RwLock<ChainReader>>,
    clocks: StoreClocks,
    /// The last moment of the past that was asked for. It never changes, and costs a replay.
    past: tokio::sync::Mutex<Option<(Past, Arc<ChainReader>)>>,
}

/// How local time follows from UTC in each store.
#[derive(Clone, Debug, Default)]
pub(crate) struct StoreClocks {
    clocks: Arc<RwLock<BTreeMap<String, LocalClock>>>,
}

impl StoreClocks {
    /// The clock of a store, if there is such a store.
    pub(crate) fn with<R>(&self, store: &str, read: impl FnOnce(&LocalClock) -> R) -> Option<R> {
        let clocks = self.clocks.read().unwrap_or_else(PoisonError::into_inner);
        clocks.get(store).map(read)
    }

    fn take_from(&self, reader: &ChainReader) {
        let of = |store: &shelf_domain::Store| {
            (store.id().as_str().to_owned(), store.settings().clock.clone())
        };
        let clocks = reader.stores().into_iter().map(of).collect();
        *self.clocks.write().unwrap_or_else(PoisonError::into_inner) = clocks;
    }
}

impl Follower {
    /// Opens a data folder, whether a process writes it or not.
    pub(crate) fn open(folder: &Folder) -> Result<Self, QueryError> {
        let reader = ChainReader::open(folder, Follow::FromSnapshot)?;
        let clocks = StoreClocks::default();
        clocks.take_from(&reader);
        let (folder, past) = (folder.clone(), tokio::sync::Mutex::default());
        Ok(Self { folder, present: Arc::new(tokio::sync::RwLock::new(reader)), clocks, past })
    }

    /// How local time follows from UTC in each store.
    pub(crate) fn clocks(&self) -> &StoreClocks {
        &self.clocks
    }

    /// Goes on from the newest snapshots where these are ahead: where nobody has asked for anything
    /// yet, nothing in between is missed. Must not be called from a worker of the runtime.
    pub(crate) fn leap(&self) -> Result<(), QueryError> {
        let mut reader = self.present.blocking_write();
        reader.leap(&self.folder)?;
        self.clocks.take_from(&reader);
        Ok(())
    }

    /// Steps what has come onto the disk. Must not be called from a worker of the runtime.
    pub(crate) fn catch_up(&self) -> Result<u64, QueryError> {
        let mut reader = self.present.blocking_write();
        let stepped = reader.catch_up(|_, _| {})?;
        if stepped > 0 {
            self.clocks.take_from(&reader);
        }
        Ok(stepped)
    }

    /// The state of this moment, which stands still while the guard is held.
    async fn hold(&self) -> Result<OwnedRwLockReadGuard<ChainReader>, QueryError> {
        let mut reader = Arc::clone(&self.present).write_owned().await;
        let clocks = self.clocks.clone();
        let caught_up = tokio::task::spawn_blocking(move || {
            if reader.catch_up(|_, _| {})? > 0 {
                clocks.take_from(&reader);
            }
            Ok(reader.downgrade())
        });
        caught_up.await.map_err(|error| QueryError::Failed(error.to_string()))?
    }

    /// The state as it was when the last event received by a time had been stepped, or the last
    /// before the positions of a version.
    pub(crate) async fn at(&self, past: &Past) -> Result<Arc<ChainReader>, QueryError> {
        let mut known = self.past.lock().await;
        if let Some((_, reader)) = known.as_ref().filter(|(then, _)| then == past) {
            return Ok(Arc::clone(reader));
        }
        // What was kept goes first: two pasts at once would be one more than is needed.
        *known = None;
        let (folder, wanted) = (self.folder.clone(), past.clone());
        let replayed = tokio::task::spawn_blocking(move || replayed(&folder, &wanted));
        let replayed = replayed.await.map_err(|error| QueryError::Failed(error.to_string()))?;
        let reader = Arc::new(replayed?);
        let is_over = match past {
            Past::Time(at) => {
                self.present.read().await.stores().iter().any(|store| store.now() > *at)
            }
            Past::Version(_) => true,
        };
        if is_over {
            *known = Some((past.clone(), Arc::clone(&reader)));
        }
        Ok(reader)
    }
}

/// The state of a data folder at a moment of the past, stepped again.
fn replayed(folder: &Folder, past: &Past) -> Result<ChainReader, QueryError> {
    let wanted = match past {
        Past::Time(at) => return Ok(ChainReader::open_until(folder, *at)?),
        Past::Version(positions) => positions,
    };
    let partitions = folder.meta()?.partitions as usize;
    if wanted.len() != partitions {
        let numbers = if partitions == 1 { "one number" } else { "a list of numbers in quotes" };
        return Err(QueryError::NoMoment(format!(
            "the log has {partitions} partitions: a version of live is {numbers}, the position of \
             each as in live.pipeline"
        )));
    }
    let reader = ChainReader::open_at(folder, wanted)?;
    for ((partition, end), &wanted) in reader.positions().into_iter().zip(wanted) {
        if end < wanted {
            let text = format!("partition {partition} ends before {wanted}, at {end}");
            return Err(QueryError::NoMoment(text));
        }
    }
    Ok(reader)
}

/// The moment that one statement sees: all its tables show the same state.
#[derive(Debug, Default)]
pub(crate) struct Moment {
    gate: tokio::sync::Mutex<()>,
    held: Mutex<Option<Arc<OwnedRwLockReadGuard<ChainReader>>>>,
}

impl Moment {
    /// The state, which the first table of the statement fixes.
    pub(crate) async fn hold(
        &self,
        follower: &Follower,
    ) -> Result<Arc<OwnedRwLockReadGuard<ChainReader>>, QueryError> {
        let _one_at_a_time = self.gate.lock().await;
        if let Some(held) = self.slot().as_ref() {
            return Ok(Arc::clone(held));
        }
        let held = Arc::new(follower.hold().await?);
        *self.slot() = Some(Arc::clone(&held));
        Ok(held)
    }

    /// Lets the state go on: the rows of the statement have been taken.
    pub(crate) fn release(&self) {
        self.slot().take();
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Arc<OwnedRwLockReadGuard<ChainReader>>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
