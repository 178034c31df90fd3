//! From stepped events to rows that wait: pure, in memory.
//!
//! What happened becomes rows at once. Of the state only what changed is noted, and its rows are
//! made from the stores when a round is taken: they show the moment for which its positions stand.

mod happened;
mod standing;

use std::collections::{HashMap, HashSet};

use shelf_domain::{
    Body, Day, Effect, Effects, Event, Outcome, SkuIndex, Store, StoreId, Stores, Timestamp,
};

use crate::lines::{Line, Waiting};
use crate::table::{Name, TABLES};

/// An event that has been stepped, as the recorder needs it.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// The partition of the log.
    pub partition: u32,
    /// The event's place in it.
    pub offset: u64,
    /// The event.
    pub event: &'a Event,
    /// What it came to.
    pub outcome: Outcome,
    /// What followed.
    pub effects: &'a Effects,
    /// The store after it; `None` where there is no such store.
    pub store: Option<&'a Store>,
}

/// What has changed in a store since the last round.
#[derive(Debug, Default)]
struct Changed {
    reference: bool,
    skus: HashSet<SkuIndex>,
}

/// Rows that wait for a commit.
#[derive(Debug)]
pub struct Gathered {
    tables: Vec<Waiting>,
    /// Stores of which everything that stands has a row here, each with its present.
    whole: Vec<(StoreId, Timestamp)>,
}

impl Gathered {
    fn new() -> Self {
        let tables = TABLES.iter().map(crate::table::Table::waiting).collect();
        Self { tables, whole: Vec::new() }
    }

    /// How many rows wait.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(Waiting::rows).sum()
    }

    /// The rows of the tables that have any, or have keys under which none stand any more.
    pub(crate) fn tables(&self) -> impl Iterator<Item = (&'static crate::table::Table, &Waiting)> {
        TABLES.iter().zip(&self.tables).filter(|(_, waiting)| !waiting.is_empty())
    }

    /// The stores of which everything that stands has a row here: what else stands in the tables
    /// has ended. Each with its present.
    pub(crate) fn whole(&self) -> &[(StoreId, Timestamp)] {
        &self.whole
    }

    #[cfg(test)]
    fn text(&self, table: Name) -> String {
        self.tables.get(table as usize).map(Waiting::text).unwrap_or_default()
    }

    fn add(&mut self, table: Name, line: &mut Line) {
        if let Some(waiting) = self.tables.get_mut(table as usize) {
            waiting.add(line);
        }
    }

    fn set(&mut self, table: Name, line: &mut Line) {
        if let Some(waiting) = self.tables.get_mut(table as usize) {
            waiting.set(line);
        }
    }

    fn clear(&mut self, table: Name, line: &Line) {
        if let Some(waiting) = self.tables.get_mut(table as usize) {
            waiting.clear(line);
        }
    }
}

/// Gathers the rows of stepped events.
#[derive(Debug)]
pub struct Recorder {
    positions: Vec<u64>,
    gathered: Gathered,
    changed: HashMap<StoreId, Changed>,
    days: HashMap<StoreId, Day>,
    line: Line,
}

impl Recorder {
    /// A recorder for a mirror that holds everything below these positions, one for each
    /// partition.
    pub fn new(positions: &[u64]) -> Self {
        Self {
            positions: positions.to_vec(),
            gathered: Gathered::new(),
            changed: HashMap::new(),
            days: HashMap::new(),
            line: Line::default(),
        }
    }

    /// Takes stores as they are before the first event that will be recorded.
    pub fn begin_at(&mut self, stores: &Stores) {
        self.days.extend(stores.iter().map(|store| (store.id(), store.day())));
    }

    /// Takes everything in these stores as changed, and what does not stand in them as ended: for a
    /// mirror that is empty or was away, where the log no longer has what led to them.
    pub fn note_all(&mut self, stores: &Stores) {
        for store in stores.iter() {
            let skus = store.skus().collect();
            self.changed.insert(store.id(), Changed { reference: true, skus });
            self.record_standing(store);
        }
    }

    /// About how many rows wait.
    pub fn rows(&self) -> u64 {
        let skus: usize = self.changed.values().map(|changed| changed.skus.len()).sum();
        self.gathered.rows() + skus as u64
    }

    /// Notes one event.
    pub fn record(&mut self, step: &Step<'_>) {
        let from = self.positions.get(step.partition as usize).copied().unwrap_or(0);
        let before = match step.store {
            Some(store) => self.days.insert(store.id(), store.day()),
            None => None,
        };
        if step.offset < from || step.outcome == Outcome::Duplicate {
            return;
        }
        let Some(store) = step.store else { return };
        if matches!(step.outcome, Outcome::Accepted | Outcome::Late) {
            self.record_event(step);
        }
        self.record_effects(step, store);
        self.note_changes(step, store);
        if let Some(day) = before.filter(|day| *day < store.day()) {
            self.record_day(store, day);
        }
    }

    /// Notes what a step changed.
    fn note_changes(&mut self, step: &Step<'_>, store: &Store) {
        let changed = self.changed.entry(store.id()).or_default();
        changed.skus.extend(&step.effects.touched);
        // What a step reserves or marks down changes lots and prices, and no stock.
        let told = step.effects.items.iter().filter_map(|effect| match effect {
            Effect::Task(task) => Some(task.sku),
            Effect::Price(notice) => Some(notice.sku),
            Effect::Removed(notice) => Some(notice.sku),
            Effect::Explained(found) => Some(found.sku),
            _ => None,
        });
        changed.skus.extend(told.filter_map(|sku| store.sku(sku)));
        let declared = match &step.event.body {
            Body::Product(product) => Some(product.sku),
            Body::Shelf(plan) => Some(plan.sku),
            Body::Price(change) => Some(change.sku),
            _ => None,
        };
        changed.skus.extend(declared.and_then(|sku| store.sku(sku)));
        changed.reference |=
            matches!(step.event.body, Body::Store(_) | Body::Supplier(_) | Body::Policy(_));
    }

    /// Takes the rows, those of the state as it stands in these stores, which must be where the
    /// last recorded events left them.
    pub fn take<'a>(&mut self, stores: impl IntoIterator<Item = &'a Store>) -> Gathered {
        let changed = std::mem::take(&mut self.changed);
        for store in stores {
            let Some(changed) = changed.get(&store.id()) else { continue };
            if changed.reference {
                self.record_reference(store);
            }
            for &index in &changed.skus {
                self.record_sku(store, index);
            }
        }
        std::mem::replace(&mut self.gathered, Gathered::new())
    }
}

#[cfg(test)]
mod tests;
