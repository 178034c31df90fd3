//! What the pages remember of past hours: figures and levels. A thread reads it back from the log
//! once, and goes on with the feed.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use shelf_domain::{HOUR, StoreId};
use shelf_host::{ChainReader, Folder, HostError, step_behind_people};
use shelf_views::{Chain, LevelHistory, NowView, PatternsView, ReadingHistory};

use super::live::Lives;
use crate::app::{App, Weakly};
use crate::feed::Present;

/// How often the feed is looked at for another hour.
const LOOK: Duration = Duration::from_millis(250);
/// The most events of a partition that are read back.
const READ_BACK: u64 = 500_000;

/// What the pages share.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    past: RwLock<Past>,
    /// The pages that are open.
    pub(super) lives: Lives,
}

/// Past hours.
#[derive(Debug, Default)]
pub(super) struct Past {
    pub(super) readings: ReadingHistory,
    pub(super) levels: LevelHistory,
    /// Whether the log has been read back.
    pub(super) read_back: bool,
}

impl Memory {
    /// The first page: one store, or all that are seen.
    pub(crate) fn now_view(
        &self,
        present: &Present<'_>,
        chain: &Chain<'_>,
        store: Option<StoreId>,
    ) -> NowView {
        NowView::new(chain, present.clock, store, &self.past().readings, present.rates)
    }

    /// The hours of the last week of one store, or of all that are seen.
    pub(crate) fn patterns(&self, chain: &Chain<'_>, store: Option<StoreId>) -> PatternsView {
        PatternsView::new(chain, store, &self.past().readings)
    }

    pub(super) fn past(&self) -> RwLockReadGuard<'_, Past> {
        self.past.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Remembers for a server for as long as it lives. Without such a thread the figures of past hours
/// are not known, and the pages say so.
pub(crate) fn remember(app: &App) {
    let weak = app.weakly();
    let thread = std::thread::Builder::new().name("web-memory".to_owned());
    if let Err(error) = thread.spawn(move || follow(&weak)) {
        tracing::warn!(error = %error, "past hours are not remembered");
    }
}

fn follow(weak: &Weakly) {
    let read = weak.app().map(|app| {
        // Nobody waits for it. What comes after it holds locks that others wait for.
        let reading = || {
            step_behind_people();
            read_back(&app)
        };
        std::thread::scope(|scope| scope.spawn(reading).join())
    });
    if let Some(Ok(Err(error))) = read {
        tracing::warn!(code = error.code(), error = %error, "the log cannot be read back");
    }
    while let Some(app) = weak.app() {
        app.feed().read(|present| {
            let mut past = app.memory().past.write().unwrap_or_else(PoisonError::into_inner);
            past.readings.look(present.chain().stores());
            past.levels.look(present.chain().stores());
        });
        drop(app);
        std::thread::sleep(LOOK);
    }
}

/// The hours of the last week of one store, or of all together, as far as the end of the log tells
/// them. Blocks while that is read.
pub fn patterns(folder: &Folder, store: Option<StoreId>) -> Result<PatternsView, HostError> {
    let ends = folder.log_ends()?;
    let mut reader = open_back(folder, &ends)?;
    let mut readings = ReadingHistory::default();
    // A running chain goes on: what it has written meanwhile is not waited for.
    let behind = |reader: &ChainReader| {
        reader.positions().iter().zip(&ends).any(|((_, position), end)| position < end)
    };
    while behind(&reader) {
        let stepped = reader.follow(|_, stepped| {
            if let Some(store) = stepped.stores.get(stepped.event.store) {
                readings.look(&[store]);
            }
        })?;
        if stepped == 0 {
            break;
        }
    }
    Ok(PatternsView::new(&Chain::new(reader.partitions()), store, &readings))
}

/// A reader from before the last events of these ends of the log.
fn open_back(folder: &Folder, ends: &[u64]) -> Result<ChainReader, HostError> {
    let from: Vec<u64> = ends.iter().map(|end| end.saturating_sub(READ_BACK)).collect();
    ChainReader::open_before(folder, &from)
}

fn read_back(app: &App) -> Result<(), HostError> {
    let ends = app.feed().read(|present| present.reader().positions());
    let ends: Vec<u64> = ends.into_iter().map(|(_, end)| end).collect();
    let mut reader = open_back(app.feed().folder(), &ends)?;
    let (mut past, mut last) = (Past::default(), None);
    loop {
        let stepped = reader.follow(|_, stepped| {
            if let Some(store) = stepped.stores.get(stepped.event.store) {
                past.readings.look(&[store]);
                past.levels.look(&[store]);
            }
        })?;
        if *app.stopping().borrow() {
            break;
        }
        if stepped == 0 {
            // A simulation that lives through its first days passes hours between two looks, and
            // may not have begun yet.
            let now = reader.stores().iter().map(|store| store.now()).max();
            if now.is_some_and(|now| last.is_some_and(|last| now.since(last) < HOUR)) {
                break;
            }
            last = now;
            std::thread::sleep(LOOK);
        }
    }
    past.read_back = true;
    *app.memory().past.write().unwrap_or_else(PoisonError::into_inner) = past;
    Ok(())
}
