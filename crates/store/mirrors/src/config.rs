//! The other direction: what people set in the tables of `config` becomes events.
//!
//! Every change of a row has a number, given in the order of commits. A follower reads what is
//! above the last number that it noted for a store, hands the events to the log, and notes the new
//! number when they are durable. An event's id comes from its table, key, number and content, so
//! that rows that are read again are events that are known already. A note says in which log the
//! events are, and how far that reached: for any other log all rows are read.

mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use shelf_domain::{Event, Product, ShelfPlan, Sku, StoreId, Timestamp};
use shelf_events::{Defaults, JsonError};
use tokio_postgres::{Client, IsolationLevel};

use crate::MirrorError;
use crate::connect::{Postgres, Told};
use crate::migrate::migrate;

/// The channel that the triggers of the tables notify.
const LISTEN: &str = "LISTEN shelf_config";

/// What a follower must know of the shop: rows may say a part of what an event says as a whole.
pub trait Shop {
    /// The stores that there are.
    fn stores(&self) -> Vec<StoreId>;
    /// A product as it is known.
    fn product(&self, store: StoreId, sku: Sku) -> Option<Product>;
    /// A shelf as it is known.
    fn shelf(&self, store: StoreId, sku: Sku) -> Option<ShelfPlan>;
    /// The present of a store, at which a change counts as made.
    fn now(&self, store: StoreId) -> Timestamp;
}

/// Reads an event from its JSON.
pub type ReadEvent = fn(&[u8], &Defaults) -> Result<Event, JsonError>;

/// Changes that were read and are not noted yet.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The events, for each store in the order in which they can be applied.
    pub events: Vec<Event>,
    noted: Vec<(StoreId, i64)>,
}

impl Changes {
    /// Whether there is nothing to hand over or to note.
    pub fn is_empty(&self) -> bool {
        self.noted.is_empty()
    }
}

/// Follows the tables of `config`. Needs a tokio runtime.
pub struct ConfigFollower {
    client: Client,
    told: Told,
    name: String,
    chain: String,
    read: ReadEvent,
    noted: BTreeMap<StoreId, i64>,
}

impl std::fmt::Debug for ConfigFollower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = f.debug_struct("ConfigFollower");
        text.field("name", &self.name).field("noted", &self.noted).finish_non_exhaustive()
    }
}

impl ConfigFollower {
    /// Connects, migrates the schemas, and listens. `name` says who follows, and `chain` into the
    /// log of which chain, whose partitions end at `ends`: each notes for itself what it has taken.
    /// What was noted for a log that reached further is not in this one: those rows are read again.
    pub async fn open(
        postgres: &Postgres,
        name: &str,
        chain: Option<&str>,
        ends: &[u64],
        read: ReadEvent,
    ) -> Result<Self, MirrorError> {
        let (mut client, told) = postgres.connect().await?;
        migrate(&mut client).await?;
        client.batch_execute(LISTEN).await.map_err(MirrorError::of("listen to", "config"))?;
        let chain = chain.unwrap_or_default();
        let noted = notes(&client, name, chain, ends).await?;
        Ok(Self { client, told, name: name.to_owned(), chain: chain.to_owned(), read, noted })
    }

    /// Reads what has changed, in one snapshot of the database. Hand the events to the log, and
    /// call [`ConfigFollower::noted`] when they are durable; until then the same comes again.
    pub async fn changes(&mut self, shop: &impl Shop) -> Result<Changes, MirrorError> {
        let failed = || MirrorError::of("read", "config");
        let snapshot = self
            .client
            .build_transaction()
            .isolation_level(IsolationLevel::RepeatableRead)
            .read_only(true)
            .start()
            .await
            .map_err(failed())?;
        let newest = "SELECT store_id, max(revision) FROM config.changes GROUP BY store_id";
        let newest = snapshot.query(newest, &[]).await.map_err(failed())?;
        let newest: Vec<(Option<String>, i64)> =
            newest.iter().map(|row| (row.get(0), row.get(1))).collect();
        let Some(upto) = newest.iter().map(|(_, revision)| *revision).max() else {
            return Ok(Changes::default());
        };
        let declared =
            snapshot.query("SELECT store_id FROM config.stores", &[]).await.map_err(failed())?;
        let declared = declared.iter().filter_map(|row| StoreId::new(row.get(0)).ok());
        let stores: BTreeSet<StoreId> = shop.stores().into_iter().chain(declared).collect();
        let mut changes = Changes::default();
        for store in stores {
            let noted = self.noted.get(&store).copied().unwrap_or(0);
            let own =
                newest.iter().filter(|(of, _)| of.as_deref().is_none_or(|of| of == store.as_str()));
            if own.map(|(_, revision)| *revision).max().is_none_or(|newest| newest <= noted) {
                continue;
            }
            let read = rows::Reading { store, noted, read: self.read, shop };
            read.all(&snapshot, &mut changes.events).await.map_err(failed())?;
            changes.noted.push((store, upto));
        }
        snapshot.commit().await.map_err(failed())?;
        Ok(changes)
    }

    /// Notes that the events of these changes are durable in the log, whose partitions reach up to
    /// `reached` with them.
    pub async fn noted(&mut self, changes: Changes, reached: &[u64]) -> Result<(), MirrorError> {
        if changes.noted.is_empty() {
            return Ok(());
        }
        let stores: Vec<&str> = changes.noted.iter().map(|(store, _)| store.as_str()).collect();
        let revisions: Vec<i64> = changes.noted.iter().map(|(_, revision)| *revision).collect();
        self.client
            .execute(
                "INSERT INTO config.followed AS f (follower, chain, log_ends, store_id, revision) \
                 SELECT $1, $2, $3::bigint[], unnest($4::text[]), unnest($5::bigint[]) \
                 ON CONFLICT (follower, chain, store_id) DO UPDATE \
                 SET revision = greatest(f.revision, EXCLUDED.revision), \
                 log_ends = EXCLUDED.log_ends, followed_at = now()",
                &[&self.name, &self.chain, &offsets(reached), &stores, &revisions],
            )
            .await
            .map_err(MirrorError::of("write", "config.followed"))?;
        self.noted.extend(changes.noted);
        Ok(())
    }

    /// Waits until somebody changes a table, or as long as `at_most`: a notification may be lost
    /// with a connection, so that looking now and then is the net below it.
    /// Returns whether somebody did.
    pub async fn wait(&mut self, at_most: Duration) -> Result<bool, MirrorError> {
        match tokio::time::timeout(at_most, self.told.recv()).await {
            Ok(Some(_)) => {
                while self.told.try_recv().is_ok() {}
                Ok(true)
            }
            Err(_) if !self.client.is_closed() => Ok(false),
            Ok(None) | Err(_) => Err(MirrorError::Unreachable {
                action: "listen to config".to_owned(),
                what: "the connection has ended".to_owned(),
            }),
        }
    }
}

/// Up to which change a follower has taken the rows of each store into a log that ends there. Notes
/// without a chain are of a data folder, from before chains had names: they become those of the
/// first folder that has none of its own, and never those of a chain on Kafka.
async fn notes(
    client: &Client,
    name: &str,
    chain: &str,
    ends: &[u64],
) -> Result<BTreeMap<StoreId, i64>, MirrorError> {
    client
        .execute(
            "UPDATE config.followed SET chain = $2, log_ends = $3 \
             WHERE follower = $1 AND chain = '' AND $2 <> '' AND $2 NOT LIKE 'kafka:%' \
             AND NOT EXISTS \
             (SELECT FROM config.followed o WHERE o.follower = $1 AND o.chain = $2)",
            &[&name, &chain, &offsets(ends)],
        )
        .await
        .map_err(MirrorError::of("write", "config.followed"))?;
    let statement = "SELECT store_id, revision, log_ends FROM config.followed \
                     WHERE follower = $1 AND chain = $2";
    let rows = client
        .query(statement, &[&name, &chain])
        .await
        .map_err(MirrorError::of("read", "config.followed"))?;
    let mut noted = BTreeMap::new();
    for row in &rows {
        let reached: Vec<i64> = row.get(2);
        let ahead = reached.iter().zip(ends).any(|(&reached, &end)| reached as u64 > end);
        if ahead || reached.len() > ends.len() {
            continue;
        }
        if let Ok(store) = StoreId::new(row.get(0)) {
            noted.insert(store, row.get(1));
        }
    }
    Ok(noted)
}

/// Places of a log as the database has them.
fn offsets(places: &[u64]) -> Vec<i64> {
    places.iter().map(|&place| place as i64).collect()
}
