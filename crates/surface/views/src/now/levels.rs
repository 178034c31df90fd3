//! The levels of the shelves in past hours.

use std::collections::{BTreeMap, VecDeque};

use shelf_domain::{HOUR, Sku, Store, StoreId, Timestamp};

/// So many hours are kept.
const HOURS: usize = 8 * 24;
/// Shelves of all stores together for which levels are kept: beyond, the first ones only.
const MAX_SHELVES: usize = 100_000;

/// What a shelf had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// Units on the floor.
    pub floor_units: u16,
    /// Units in the warehouse.
    pub warehouse_units: u16,
}

#[derive(Clone, Debug, Default)]
struct Hours {
    first: i64,
    /// For each hour the levels of all skus, in the order of the store's skus.
    levels: VecDeque<Vec<Level>>,
    places: BTreeMap<Sku, usize>,
}

/// The level of each shelf at the beginning of each of the last hours.
#[derive(Clone, Debug, Default)]
pub struct LevelHistory {
    stores: BTreeMap<StoreId, Hours>,
}

impl LevelHistory {
    /// Notes the levels of stores whose time has come to another hour.
    pub fn look(&mut self, stores: &[&Store]) {
        for store in stores {
            let shelves: usize = self.stores.values().map(|hours| hours.places.len()).sum();
            let hour = store.now().0.div_euclid(HOUR);
            let hours = self.stores.entry(store.id()).or_default();
            let next = hours.first + hours.levels.len() as i64;
            if (!hours.levels.is_empty() && hour < next) || shelves > MAX_SHELVES {
                continue;
            }
            hours.note(store, hour);
        }
    }

    /// The levels of a shelf, the oldest first.
    pub fn of(&self, store: StoreId, sku: Sku) -> Vec<(Timestamp, Level)> {
        let Some(hours) = self.stores.get(&store) else { return Vec::new() };
        let Some(&place) = hours.places.get(&sku) else { return Vec::new() };
        let known = (hours.first..).zip(&hours.levels);
        let level = |(hour, levels): (i64, &Vec<Level>)| {
            levels.get(place).map(|&level| (Timestamp(hour * HOUR), level))
        };
        known.filter_map(level).collect()
    }
}

impl Hours {
    fn note(&mut self, store: &Store, hour: i64) {
        if self.levels.is_empty() {
            self.first = hour;
        }
        let mut levels = Vec::with_capacity(store.sku_count());
        for (place, index) in store.skus().enumerate() {
            let Some(shelf) = store.shelf(index) else { continue };
            self.places.entry(shelf.sku).or_insert(place);
            let units = |units: u32| u16::try_from(units).unwrap_or(u16::MAX);
            levels.push(Level {
                floor_units: units(shelf.floor_units),
                warehouse_units: units(shelf.warehouse_units),
            });
        }
        // Hours in which nothing happened were as the last one before them.
        while self.first + (self.levels.len() as i64) < hour && self.levels.len() < HOURS {
            let same = self.levels.back().cloned().unwrap_or_default();
            self.levels.push_back(same);
        }
        self.levels.push_back(levels);
        while self.levels.len() > HOURS {
            self.levels.pop_front();
            self.first += 1;
        }
    }
}
