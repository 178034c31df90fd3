//! What people set in PostgreSQL, into a log.

use std::time::Duration;

use shelf_domain::{Outcome, Product, ShelfPlan, Sku, Store, StoreId, Timestamp};
use shelf_host::{ChainReader, Folder, Follow};
use shelf_mirrors::{ConfigFollower, MirrorError, Postgres, Shop};
use shelf_redis::EventLog;
use shelf_sources::read_event;
use tokio::runtime::Runtime;

use crate::LinkError;
use crate::mirror::runtime;
use crate::status::LinkStatus;

/// How often a link looks whether it is to stop, and the log for what it says of the shop.
const LOOK: Duration = Duration::from_millis(200);

/// How the tables are followed.
#[derive(Clone, Debug)]
pub struct ConfigOptions {
    /// Where.
    pub postgres: Postgres,
    /// Whose log it is: each notes for itself what it has taken.
    pub follower: String,
    /// How often the tables are looked at where no notification comes.
    pub look_every: Duration,
}

impl ConfigOptions {
    /// The usual pace: a look every 30 seconds beside the notifications.
    pub fn new(postgres: Postgres) -> Self {
        let look_every = Duration::from_secs(30);
        Self { postgres, follower: "shelf".to_owned(), look_every }
    }
}

/// The tables that people set, followed into a log.
pub struct ConfigLink {
    runtime: Runtime,
    follower: ConfigFollower,
    reader: ChainReader,
    look_every: Duration,
}

impl std::fmt::Debug for ConfigLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConfigLink").field("follower", &self.follower).finish_non_exhaustive()
    }
}

/// The shop as a reader of the log knows it.
struct Known<'a> {
    reader: &'a ChainReader,
    /// The present of a store that is not there yet.
    now: Timestamp,
}

impl Known<'_> {
    fn store(&self, id: StoreId) -> Option<&Store> {
        self.reader.partitions().into_iter().find_map(|stores| stores.get(id))
    }
}

impl Shop for Known<'_> {
    fn stores(&self) -> Vec<StoreId> {
        self.reader.stores().iter().map(|store| store.id()).collect()
    }

    fn product(&self, store: StoreId, sku: Sku) -> Option<Product> {
        let store = self.store(store)?;
        store.product(store.sku(sku)?).cloned()
    }

    fn shelf(&self, store: StoreId, sku: Sku) -> Option<ShelfPlan> {
        let store = self.store(store)?;
        let shelf = store.shelf(store.sku(sku)?)?;
        Some(ShelfPlan {
            sku,
            capacity_units: shelf.capacity_units,
            warehouse_capacity_units: shelf.warehouse_capacity_units,
            sensor: shelf.sensor,
            ..ShelfPlan::default()
        })
    }

    fn now(&self, store: StoreId) -> Timestamp {
        self.store(store).map_or(self.now, Store::now)
    }
}

impl ConfigLink {
    /// Connects, and opens the log to look at the shop.
    pub fn open(folder: &Folder, options: &ConfigOptions) -> Result<Self, LinkError> {
        let runtime = runtime()?;
        let follower = ConfigFollower::open(&options.postgres, &options.follower, read_event);
        let follower = runtime.block_on(follower)?;
        let reader = ChainReader::open(folder, Follow::FromSnapshot)?;
        Ok(Self { runtime, follower, reader, look_every: options.look_every })
    }

    /// Follows until `stopped` says so.
    pub fn follow(
        &mut self,
        log: &mut impl EventLog,
        stopped: impl Fn() -> bool,
        status: &LinkStatus,
    ) -> Result<(), LinkError> {
        status.follows();
        while !stopped() {
            self.bring(log, status)?;
            let mut waited = Duration::ZERO;
            while waited < self.look_every && !stopped() {
                let told = self.runtime.block_on(self.follower.wait(LOOK))?;
                if told {
                    break;
                }
                waited += LOOK;
                self.reader.follow(|_, _| {})?;
            }
        }
        Ok(())
    }

    /// Brings what has changed into the log.
    fn bring(&mut self, log: &mut impl EventLog, status: &LinkStatus) -> Result<(), LinkError> {
        self.reader.catch_up(|_, _| {})?;
        let shop = Known { reader: &self.reader, now: log.now() };
        let changes = self.runtime.block_on(self.follower.changes(&shop))?;
        if !changes.events.is_empty() {
            let outcomes = log.append(changes.events.clone()).map_err(MirrorError::Log)?;
            let count = |wanted: fn(&Outcome) -> bool| {
                outcomes.iter().filter(|outcome| wanted(outcome)).count() as u64
            };
            let known = count(|outcome| matches!(outcome, Outcome::Duplicate));
            let quarantined = count(|outcome| matches!(outcome, Outcome::Quarantined(_)));
            status.change(|view| {
                view.events += outcomes.len() as u64;
                view.known += known;
                view.quarantined += quarantined;
            });
        }
        self.runtime.block_on(self.follower.noted(changes))?;
        Ok(())
    }
}
