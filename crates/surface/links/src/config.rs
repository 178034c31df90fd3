//! What people set in PostgreSQL, into a log.

use std::time::Duration;

use shelf_domain::{Outcome, Product, ShelfPlan, Sku, Store, StoreId, Stores, Timestamp};
use shelf_host::{ChainId, ChainReader, Folder, Follow, Following};
use shelf_mirrors::{ConfigFollower, MirrorError, Postgres, Shop};
use shelf_redis::EventLog;
use shelf_sources::read_event;
use tokio::runtime::Runtime;

use crate::LinkError;
use crate::mirror::runtime;
use crate::status::LinkStatus;

/// How often a link looks whether it is to stop, and the log for what it says of the shop.
const LOOK: Duration = Duration::from_millis(200);

/// Of more events than this that are to be stepped, it looks on the way whether it is to stop.
const BACKLOG: u64 = 1_000;

/// How the tables are followed.
#[derive(Clone, Debug)]
pub struct ConfigOptions {
    /// Where.
    pub postgres: Postgres,
    /// Who follows: each notes for itself, and for each chain, what it has taken.
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
    reader: Box<dyn Following>,
    look_every: Duration,
}

impl std::fmt::Debug for ConfigLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConfigLink").field("follower", &self.follower).finish_non_exhaustive()
    }
}

/// The shop as a reader of the log knows it.
struct Known<'a> {
    reader: &'a dyn Following,
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
        let stores = self.reader.partitions().into_iter().flat_map(Stores::iter);
        stores.map(Store::id).collect()
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
        let meta = folder.meta()?;
        let ends = folder.log_ends()?;
        let chain = meta.chain.as_ref().map(ChainId::as_str);
        let runtime = runtime()?;
        let follower = runtime.block_on(ConfigFollower::open(
            &options.postgres,
            &options.follower,
            chain,
            &ends,
            read_event,
        ))?;
        let reader = Box::new(ChainReader::open(folder, Follow::FromSnapshot)?);
        Ok(Self { runtime, follower, reader, look_every: options.look_every })
    }

    /// Connects, and opens a chain on Kafka to look at the shop.
    #[cfg(feature = "kafka")]
    pub fn open_on_kafka(
        chain: &shelf_host::KafkaChain,
        options: &ConfigOptions,
    ) -> Result<Self, LinkError> {
        let progress = chain.progress()?;
        // A log that seems to end before what was noted would be given all rows again.
        let (ends, name) = (chain.known_ends(&progress)?, progress.chain()?);
        let runtime = runtime()?;
        let follower = runtime.block_on(ConfigFollower::open(
            &options.postgres,
            &options.follower,
            Some(&name),
            &ends,
            read_event,
        ))?;
        let reader = Box::new(chain.open()?);
        Ok(Self { runtime, follower, reader, look_every: options.look_every })
    }

    /// Follows until `stopped` says so. It has caught up with the log before it says that it
    /// follows, and brings nothing before that.
    pub fn follow(
        &mut self,
        log: &mut impl EventLog,
        stopped: impl Fn() -> bool,
        status: &LinkStatus,
    ) -> Result<(), LinkError> {
        while self.lags()? {
            if stopped() {
                return Ok(());
            }
        }
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
                self.reader.follow(&mut |_, _| {})?;
            }
        }
        Ok(())
    }

    /// Steps a part of what has come. Returns whether there is much more of it, or may be.
    fn lags(&mut self) -> Result<bool, LinkError> {
        let stepped = self.reader.follow(&mut |_, _| {})?;
        let left = self.reader.behind().unwrap_or_default();
        Ok(stepped.max(left) > BACKLOG)
    }

    /// Brings what has changed into the log.
    fn bring(&mut self, log: &mut impl EventLog, status: &LinkStatus) -> Result<(), LinkError> {
        self.reader.catch_up()?;
        let shop = Known { reader: &*self.reader, now: log.now() };
        let changes = self.runtime.block_on(self.follower.changes(&shop))?;
        if changes.is_empty() {
            return Ok(());
        }
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
        // As far as the log reaches with these events: one that ends before it lacks some.
        self.reader.catch_up()?;
        let reached = self.reader.positions();
        self.runtime.block_on(self.follower.noted(changes, &reached))?;
        Ok(())
    }
}
