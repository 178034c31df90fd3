//! The figures that a store is judged by at this moment, each beside the same hour a week ago.

mod history;
mod levels;
mod reading;
mod tile;

use serde::Serialize;
use shelf_domain::{Store, StoreId, Timestamp};

use crate::alerts::{AlertFilter, AlertsView};
use crate::chain::{self, Chain};
use crate::status::ClockKind;
use crate::watch::Rates;
use crate::zones::ZonesView;
use crate::{form, wording};

pub use history::ReadingHistory;
pub use levels::{Level, LevelHistory};
pub use reading::Reading;
use reading::StoreReading;
pub use tile::{Better, Tile, TileKind};

/// The most urgent alerts that are shown.
const URGENT: usize = 5;

/// One store of the chain, for the list that leads to it.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct StoreCard {
    /// Which.
    #[schema(value_type = String)]
    pub store: StoreId,
    /// Its name for people.
    pub name: String,
    /// The alerts that stand.
    pub alerts: crate::tally::SeverityTally,
    /// Shelves that have stock or had it.
    pub shelves: u64,
    /// Of these, those that are empty.
    pub empty_shelves: u64,
    /// Restock tasks that stand.
    pub restocks: u64,
    /// Customers in the store.
    pub customers_present: u64,
    /// What today's receipts come to, in cents.
    pub net_today_cents: i64,
    /// What was thrown away today had cost, in cents.
    pub waste_today_cents: i64,
}

/// The first page: one store, or all together.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct NowView {
    /// The store; `None` where several are shown together.
    #[schema(value_type = Option<String>)]
    pub store: Option<StoreId>,
    /// Its name, or how many stores there are.
    pub title: String,
    /// What time the events carry.
    pub clock: ClockKind,
    /// The latest event time; `None` where there is no store.
    #[serde(serialize_with = "form::maybe")]
    #[schema(value_type = Option<String>)]
    pub now: Option<Timestamp>,
    /// The same on the store's own clock, or in UTC for several stores.
    pub local_time: String,
    /// How fast things go.
    pub rates: Rates,
    /// The figures.
    pub tiles: Vec<Tile>,
    /// The floor.
    pub zones: ZonesView,
    /// The most urgent alerts.
    pub urgent: AlertsView,
    /// Each store, where several are shown together.
    pub stores: Vec<StoreCard>,
}

impl NowView {
    /// The page of one store, or of all together.
    pub fn new(
        chain: &Chain<'_>,
        clock: ClockKind,
        store: Option<StoreId>,
        history: &ReadingHistory,
        rates: Rates,
    ) -> Self {
        let stores = chain.select(store);
        let mut readings: Vec<_> = stores.iter().map(|store| StoreReading::begin(store)).collect();
        let zones = ZonesView::with_each(&stores, |number, index, shelf, expiring| {
            if let Some(reading) = readings.get_mut(number) {
                reading.add(index, shelf, expiring);
            }
        });
        let readings: Vec<Reading> = readings.into_iter().map(StoreReading::reading).collect();
        let reading = Reading::sum(readings.iter().copied());
        let ids: Vec<StoreId> = stores.iter().map(|store| store.id()).collect();
        let only = if let [only] = stores.as_slice() { Some(*only) } else { None };
        let several = stores.len() > 1;
        let (title, local_time) = heading(&stores);
        let filter = AlertFilter { store, limit: Some(URGENT), ..AlertFilter::default() };
        let cards = || stores.iter().zip(&readings).map(|(store, reading)| card(store, reading));
        Self {
            store: only.map(Store::id),
            title,
            clock,
            now: stores.iter().map(|store| store.now()).max(),
            local_time,
            rates,
            tiles: tile::tiles(store, &ids, &reading, history),
            zones,
            urgent: AlertsView::new(chain, &filter),
            stores: if several { cards().collect() } else { vec![] },
        }
    }
}

/// What stands above a page: the store's name or how many there are, and their time.
pub fn heading(stores: &[&Store]) -> (String, String) {
    let now = stores.iter().map(|store| store.now()).max();
    match (stores, now) {
        ([store], Some(now)) => {
            let time = wording::local_time(&store.settings().clock, now);
            let day = store.day();
            let name = chain::store_name(store);
            (name, format!("{} {} {time}", wording::weekday(day), wording::date(day)))
        }
        (_, Some(now)) => {
            let count = wording::counted(stores.len() as u64, "store");
            (count, format!("{} UTC", wording::second_utc(now)))
        }
        _ => ("No store yet".to_owned(), String::new()),
    }
}

fn card(store: &Store, reading: &Reading) -> StoreCard {
    let mut alerts = crate::tally::SeverityTally::default();
    for alert in store.alerts_standing() {
        alerts.add(alert.severity);
    }
    StoreCard {
        store: store.id(),
        name: chain::store_name(store),
        alerts,
        shelves: reading.shelves,
        empty_shelves: reading.empty_shelves,
        restocks: reading.restocks,
        customers_present: reading.customers,
        net_today_cents: reading.net_today_cents,
        waste_today_cents: reading.waste_today_cents,
    }
}
