//! Readings of past hours, so that a figure can be shown beside the same hour a week ago.

use std::collections::{BTreeMap, VecDeque};

use shelf_domain::{HOUR, Store, StoreId, Timestamp};

use super::reading::Reading;

/// So many hours are kept: a week and a day.
const HOURS: usize = 8 * 24;
/// A week, in hours.
const WEEK: i64 = 7 * 24;

/// One reading for each hour and store.
#[derive(Clone, Debug, Default)]
pub struct ReadingHistory {
    stores: BTreeMap<StoreId, VecDeque<(i64, Reading)>>,
}

impl ReadingHistory {
    /// Takes a reading of each of these stores whose time has come to another hour. Returns how
    /// many were taken.
    pub fn look(&mut self, stores: &[&Store]) -> usize {
        let due: Vec<&Store> = stores
            .iter()
            .filter(|store| {
                let last = self.stores.get(&store.id()).and_then(|kept| kept.back());
                last.is_none_or(|(hour, _)| *hour < hour_of(store.now()))
            })
            .copied()
            .collect();
        for store in &due {
            let kept = self.stores.entry(store.id()).or_default();
            kept.push_back((hour_of(store.now()), Reading::of(&[store])));
            while kept.len() > HOURS {
                kept.pop_front();
            }
        }
        due.len()
    }

    /// The last reading by the beginning of the hour that was so many hours before a time, of these
    /// stores together; `None` where any of them has none that old.
    pub fn before(&self, stores: &[StoreId], at: Timestamp, hours: i64) -> Option<Reading> {
        let hour = hour_of(at) - hours;
        let mut sum: Option<Reading> = None;
        for id in stores {
            let kept = self.stores.get(id)?;
            // An hour in which nothing happened was as the one before it.
            let behind = kept.partition_point(|(known, _)| *known <= hour);
            let (_, reading) = kept.get(behind.checked_sub(1)?)?;
            sum.get_or_insert_default().merge(reading);
        }
        sum
    }

    /// The reading of the same hour a week before.
    pub fn week_before(&self, stores: &[StoreId], at: Timestamp) -> Option<Reading> {
        self.before(stores, at, WEEK)
    }
}

fn hour_of(at: Timestamp) -> i64 {
    at.0.div_euclid(HOUR)
}
