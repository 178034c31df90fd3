//! How the chain and each of its stores stand: what `shelf status` shows.

use serde::Serialize;
use shelf_domain::{Day, SECOND, Store, StoreId, Timestamp};

use crate::chain::Chain;
use crate::tally::{Intake, StockTotals};
use crate::{form, wording};

/// What time the events carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClockKind {
    /// The simulated town's.
    Simulated,
    /// The world's.
    #[default]
    Real,
}

/// Where a partition stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PartitionFacts {
    /// Its number.
    pub partition: u32,
    /// The offset of the next event that will be written to its log.
    pub log_end_offset: u64,
    /// The offset of the next event that will be stepped.
    pub position: u64,
    /// The position of its newest snapshot; `None` where there is none.
    pub snapshot_position: Option<u64>,
    /// When that was saved, by the clock of the machine; `None` where there is none.
    #[serde(serialize_with = "form::maybe")]
    #[schema(value_type = Option<String>)]
    pub snapshot_saved_at: Option<Timestamp>,
}

impl PartitionFacts {
    /// How many events it has stepped that its newest snapshot does not stand for.
    pub fn snapshot_lag(&self) -> u64 {
        self.position.saturating_sub(self.snapshot_position.unwrap_or_default())
    }

    /// How long before `now` its newest snapshot was saved, in seconds; `None` where there is none.
    pub fn snapshot_age_s(&self, now: Timestamp) -> Option<i64> {
        self.snapshot_saved_at.map(|at| (now.since(at) / SECOND).max(0))
    }
}

/// What only the host of the core knows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HostFacts {
    /// What time the events carry.
    pub clock: ClockKind,
    /// Where the partitions stand, in order of their numbers.
    pub partitions: Vec<PartitionFacts>,
}

/// How one store stands.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct StoreStatus {
    /// Which.
    #[schema(value_type = String)]
    pub store: StoreId,
    /// Its name for people.
    pub name: String,
    /// The highest event time that it has seen.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub now: Timestamp,
    /// The local date of that.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub day: Day,
    /// The local weekday and time of that: `Mon 14:32:05`.
    pub local_time: String,
    /// The name of its time zone.
    pub time_zone: String,
    /// Days that have ended.
    pub days_ended: u64,
    /// Its sums.
    #[serde(flatten)]
    pub totals: StockTotals,
    /// What came in.
    pub events: Intake,
}

impl StoreStatus {
    /// The status of a store.
    pub fn new(store: &Store) -> Self {
        let settings = store.settings();
        let time = wording::local_time(&settings.clock, store.now());
        Self {
            store: store.id(),
            name: settings.name.as_str().to_owned(),
            now: store.now(),
            day: store.day(),
            local_time: format!("{} {time}", wording::weekday(store.day())),
            time_zone: settings.time_zone.as_str().to_owned(),
            days_ended: store.stats().days,
            totals: StockTotals::new(&[store]),
            events: Intake::of_store(store.stats()),
        }
    }
}

/// How the chain stands.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct StatusView {
    /// What time the events carry.
    pub clock: ClockKind,
    /// The latest event time of any store; `None` where there is no store.
    #[serde(serialize_with = "form::maybe")]
    #[schema(value_type = Option<String>)]
    pub now: Option<Timestamp>,
    /// The sums over all stores.
    #[serde(flatten)]
    pub totals: StockTotals,
    /// What came in, also that of no known store.
    pub events: Intake,
    /// Each store, in order of their ids.
    pub stores: Vec<StoreStatus>,
    /// Where each partition stands.
    pub partitions: Vec<PartitionFacts>,
}

impl StatusView {
    /// The status of a chain.
    pub fn new(chain: &Chain<'_>, host: &HostFacts) -> Self {
        let stores: Vec<StoreStatus> =
            chain.stores().iter().map(|store| StoreStatus::new(store)).collect();
        let totals = match stores.as_slice() {
            [only] => only.totals.clone(),
            _ => StockTotals::new(chain.stores()),
        };
        Self {
            clock: host.clock,
            now: chain.now(),
            totals,
            events: Intake::of_partitions(chain.counts()),
            stores,
            partitions: host.partitions.clone(),
        }
    }

    /// How long before `now` the last snapshot of any partition was saved, in seconds; `None` where
    /// there is none.
    pub fn snapshot_age_s(&self, now: Timestamp) -> Option<i64> {
        self.partitions.iter().filter_map(|facts| facts.snapshot_age_s(now)).min()
    }

    /// A store of it.
    pub fn store(&self, id: StoreId) -> Option<&StoreStatus> {
        self.stores.iter().find(|store| store.store == id)
    }
}
