//! The state records of a partition's stores, each published when it changes.
//!
//! What is published is always that of the committed position: the records of a transaction are
//! those that changed since the last one. So after a crash the state itself says what is known.

use std::collections::{BTreeMap, BTreeSet};

use shelf_domain::{Body, Day, Effect, SkuIndex, Store, StoreId, Stores};
use shelf_engine::Stepped;
use shelf_events::{StateKind, StateRecord, StateRow};
use xxhash_rust::xxh3::xxh3_64;

/// A change of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// The topic.
    pub(crate) topic: &'static str,
    /// Which record of all stores.
    pub(crate) key: String,
    /// The record; `None` where it is gone.
    pub(crate) payload: Option<Vec<u8>>,
}

/// A record that was published.
#[derive(Debug)]
struct Shown {
    topic: &'static str,
    key: String,
    hash: u64,
}

/// The records of one store.
#[derive(Debug, Default)]
struct StoreRecords {
    day: Day,
    by_sku: BTreeMap<SkuIndex, Vec<Shown>>,
    others: BTreeMap<&'static str, Vec<Shown>>,
}

/// What was touched of one store since the last transaction.
#[derive(Debug, Default)]
struct Touched {
    skus: BTreeSet<SkuIndex>,
    others: BTreeSet<&'static str>,
}

/// The records of all stores of a partition.
#[derive(Debug, Default)]
pub(crate) struct Records {
    stores: BTreeMap<StoreId, StoreRecords>,
    touched: BTreeMap<StoreId, Touched>,
}

impl Records {
    /// Those of a state whose records have been published.
    pub(crate) fn published(stores: &Stores) -> Self {
        let mut records = Self::default();
        for store in stores.iter() {
            records.stores.entry(store.id()).or_default().refresh_all(store, &mut Vec::new());
        }
        records
    }

    /// Notes what a step may have changed.
    pub(crate) fn touch(&mut self, stepped: &Stepped<'_>) {
        let touched = self.touched.entry(stepped.event.store).or_default();
        touched.skus.extend(&stepped.effects.touched);
        for effect in &stepped.effects.items {
            match effect {
                Effect::Task(_) => {
                    touched.others.insert(StateKind::ShelfRestockPlan.name());
                }
                Effect::Order(_) => {
                    touched.others.insert(StateKind::WhSupplierPlan.name());
                }
                _ => {}
            }
        }
        if matches!(stepped.event.body, Body::Policy(_)) {
            let kinds = [StateKind::ShelfPolicies, StateKind::WhPolicies];
            touched.others.extend(kinds.map(StateKind::name));
        }
        // What a product or a shelf says of itself is in records of its sku.
        if matches!(stepped.event.body, Body::Product(_) | Body::Shelf(_)) {
            touched.others.insert(ALL);
        }
    }

    /// The records that have changed since the last call.
    pub(crate) fn changes(&mut self, stores: &Stores) -> Vec<Change> {
        let mut changes = Vec::new();
        for (id, touched) in std::mem::take(&mut self.touched) {
            let Some(store) = stores.get(id) else { continue };
            let records = self.stores.entry(id).or_default();
            if records.day != store.day() || touched.others.contains(ALL) {
                records.refresh_all(store, &mut changes);
                continue;
            }
            for sku in touched.skus {
                records.refresh_sku(store, sku, &mut changes);
            }
            for kind in StateKind::ALL {
                if touched.others.contains(kind.name()) {
                    records.refresh_kind(store, kind, &mut changes);
                }
            }
        }
        changes
    }
}

/// Says that any record of the store may have changed.
const ALL: &str = "";

impl StoreRecords {
    fn refresh_all(&mut self, store: &Store, changes: &mut Vec<Change>) {
        self.day = store.day();
        for sku in store.skus() {
            self.refresh_sku(store, sku, changes);
        }
        for kind in StateKind::ALL.into_iter().filter(|kind| !kind.by_sku()) {
            self.refresh_kind(store, kind, changes);
        }
    }

    fn refresh_sku(&mut self, store: &Store, sku: SkuIndex, changes: &mut Vec<Change>) {
        let kinds = StateKind::ALL.into_iter().filter(|kind| kind.by_sku());
        let rows = kinds.flat_map(|kind| {
            kind.rows_of_sku(store, sku).into_iter().map(move |row| (kind.name(), row))
        });
        refresh(self.by_sku.entry(sku).or_default(), rows, changes);
    }

    fn refresh_kind(&mut self, store: &Store, kind: StateKind, changes: &mut Vec<Change>) {
        let rows = kind.rows(store).into_iter().map(|row| (kind.name(), row));
        refresh(self.others.entry(kind.name()).or_default(), rows, changes);
    }
}

/// The key of a record among those of all stores. The code of a lot says which it is only beside
/// its sku.
pub fn record_key(row: &StateRow) -> String {
    match &row.record {
        StateRecord::BatchCatalog(lot) => {
            format!("{}::{}::{}", row.store_id, lot.shelf_id, row.key)
        }
        _ => format!("{}::{}", row.store_id, row.key),
    }
}

/// Compares rows with those that were published. Of rows with the same key the last one stands.
fn refresh(
    shown: &mut Vec<Shown>,
    rows: impl Iterator<Item = (&'static str, StateRow)>,
    changes: &mut Vec<Change>,
) {
    let mut latest: BTreeMap<(&'static str, String), Vec<u8>> = BTreeMap::new();
    for (topic, row) in rows {
        let key = record_key(&row);
        // Cannot fail: a row holds texts and numbers.
        let bytes = serde_json::to_vec(&row).unwrap_or_default();
        latest.insert((topic, key), bytes);
    }
    shown.retain_mut(|known| {
        let key = (known.topic, std::mem::take(&mut known.key));
        let kept = match latest.remove_entry(&key) {
            None => {
                changes.push(Change { topic: key.0, key: key.1.clone(), payload: None });
                false
            }
            Some((_, bytes)) => {
                let hash = xxh3_64(&bytes);
                if hash != known.hash {
                    known.hash = hash;
                    let (topic, payload) = (key.0, Some(bytes));
                    changes.push(Change { topic, key: key.1.clone(), payload });
                }
                true
            }
        };
        known.key = key.1;
        kept
    });
    for ((topic, key), bytes) in latest {
        shown.push(Shown { topic, key: key.clone(), hash: xxh3_64(&bytes) });
        changes.push(Change { topic, key, payload: Some(bytes) });
    }
}
