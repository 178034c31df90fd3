//! The sums behind the tiles, of one store or several, at one moment.

use shelf_domain::{MINUTE, Measure, Shelf, SkuIndex, Store, Timestamp, WindowScope};

use crate::chain::{self, Opening};
use crate::shelves;
use crate::tally::ExpiryTally;
use crate::windows::kind_named;

/// Over so many days deliveries and cover are worked out, the present one included.
const DAYS: i32 = 7;
/// Over so many minutes the pace of sales is measured.
const PACE_MINUTES: i64 = 10;

/// The sums of one store or several at one moment. Figures are made from sums of readings, never
/// from other figures.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reading {
    /// The latest event time.
    pub at: Timestamp,
    /// Shelves that have ever been given stock.
    pub shelves: u64,
    /// Of these, those that are empty.
    pub empty_shelves: u64,
    /// Alerts that stand.
    pub alerts: u64,
    /// What customers would have bought today of shelves while these stood empty, at list price.
    pub lost_today_cents: i64,
    /// Units that suppliers were to bring within the last days.
    pub ordered_units: u64,
    /// Of these, units that came.
    pub delivered_units: u64,
    /// Units in the shop that expire within three days.
    pub expiring_units: u64,
    /// What was thrown away today had cost.
    pub waste_today_cents: i64,
    /// What today's receipts come to.
    pub net_today_cents: i64,
    /// Units whose whereabouts nobody could explain, ever.
    pub unexplained_units: i64,
    /// Restock tasks that stand.
    pub restocks: u64,
    /// The age of the oldest of them, in seconds.
    pub oldest_restock_s: Option<i64>,
    /// Units in the shop.
    pub on_hand_units: u64,
    /// Units sold within the last days, less those brought back.
    pub sold_units: i64,
    /// The time of these days, in microseconds; of several stores the longest.
    pub elapsed_us: i64,
    /// Customers in the store.
    pub customers: u64,
    /// What the receipts of the last minutes come to.
    pub pace_cents: i64,
    /// So many minutes these are.
    pub pace_minutes: i64,
}

impl Reading {
    /// The reading of these stores together.
    pub fn of(stores: &[&Store]) -> Self {
        Self::sum(stores.iter().map(|store| Self::of_store(store)))
    }

    /// Readings of several stores together.
    pub fn sum(readings: impl Iterator<Item = Self>) -> Self {
        readings.fold(Self::default(), |mut sum, reading| {
            sum.merge(&reading);
            sum
        })
    }

    /// Adds another store's reading.
    pub fn merge(&mut self, other: &Self) {
        self.at = self.at.max(other.at);
        self.shelves += other.shelves;
        self.empty_shelves += other.empty_shelves;
        self.alerts += other.alerts;
        self.lost_today_cents = self.lost_today_cents.saturating_add(other.lost_today_cents);
        self.ordered_units += other.ordered_units;
        self.delivered_units += other.delivered_units;
        self.expiring_units += other.expiring_units;
        self.waste_today_cents = self.waste_today_cents.saturating_add(other.waste_today_cents);
        self.net_today_cents = self.net_today_cents.saturating_add(other.net_today_cents);
        self.unexplained_units += other.unexplained_units;
        self.restocks += other.restocks;
        self.oldest_restock_s = self.oldest_restock_s.max(other.oldest_restock_s);
        self.on_hand_units += other.on_hand_units;
        self.sold_units += other.sold_units;
        self.elapsed_us = self.elapsed_us.max(other.elapsed_us);
        self.customers += other.customers;
        self.pace_cents = self.pace_cents.saturating_add(other.pace_cents);
        self.pace_minutes = self.pace_minutes.max(other.pace_minutes);
    }

    fn of_store(store: &Store) -> Self {
        let mut reading = StoreReading::begin(store);
        for index in store.skus() {
            let Some(shelf) = store.shelf(index) else { continue };
            reading.add(index, shelf, &ExpiryTally::of(store, index, shelf));
        }
        reading.reading()
    }

    fn add_pace(&mut self, store: &Store) {
        let Some(kind) = kind_named(&[store], Measure::Sales, WindowScope::Store) else { return };
        let size_minutes = (kind.size_us / MINUTE).max(1);
        if kind.slide_us != kind.size_us {
            return;
        }
        let from = store.now().plus(-PACE_MINUTES * MINUTE);
        let wanted = (PACE_MINUTES / size_minutes + 1) as usize;
        for result in store.recent_windows(kind.name, wanted) {
            if result.start >= from {
                let net = result.rows.iter().map(|row| row.sales.net_cents).sum::<i64>();
                self.pace_cents = self.pace_cents.saturating_add(net);
            }
        }
        self.pace_minutes = PACE_MINUTES;
    }
}

/// A store's reading that is being made: shelf after shelf, by whom walks through them.
#[derive(Debug)]
pub(super) struct StoreReading<'a> {
    store: &'a Store,
    opening: Opening,
    reading: Reading,
}

impl<'a> StoreReading<'a> {
    /// What is known without the shelves.
    pub(super) fn begin(store: &'a Store) -> Self {
        let today = store.flow_since(store.day());
        let week = store.flow_since(store.day().plus(1 - DAYS));
        let ages_s = store.tasks().map(|task| chain::age_s(store, task.created_at));
        let mut reading = Reading {
            at: store.now(),
            alerts: store.alerts_standing().count() as u64,
            ordered_units: week.ordered,
            delivered_units: week.delivered,
            waste_today_cents: today.waste_cents,
            net_today_cents: today.net_cents,
            unexplained_units: store.units().unexplained,
            restocks: store.tasks().count() as u64,
            oldest_restock_s: ages_s.max(),
            sold_units: week.units,
            elapsed_us: (week.elapsed_ms as i64).saturating_mul(1_000),
            customers: u64::from(store.visits().present),
            ..Reading::default()
        };
        reading.add_pace(store);
        Self { store, opening: Opening::of(store), reading }
    }

    /// Adds a shelf, of which so much expires soon.
    pub(super) fn add(&mut self, index: SkuIndex, shelf: &Shelf, expiring: &ExpiryTally) {
        let reading = &mut self.reading;
        reading.on_hand_units += u64::from(shelf.on_hand_units());
        if shelf.tracked {
            reading.shelves += 1;
            reading.empty_shelves += u64::from(shelf.floor_units == 0);
            reading.expiring_units += expiring.within_3_days_units;
            let lost_cents = shelves::lost_today_cents(self.store, index, shelf, self.opening);
            reading.lost_today_cents += lost_cents;
        }
    }

    /// The reading, once all shelves are in it.
    pub(super) fn reading(self) -> Reading {
        self.reading
    }
}
