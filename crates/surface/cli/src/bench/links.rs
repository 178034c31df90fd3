//! Benches of what joins a chain with Redis and PostgreSQL, which run beside it on the same cores.

use std::time::{Duration, Instant};

use redis::{Connection as RedisConnection, Value};
use serde_json::json;
use shelf_domain::{DAY, Event, Outcome, Timestamp};
use shelf_engine::Options as EngineOptions;
use shelf_eventlog::LogOptions;
use shelf_host::{ChainWriter, Folder, TownPlan, WriterOptions};
use shelf_links::{
    LinkError, LinkStatus, LinkThread, MirrorFollower, MirrorOptions, StreamOptions, Until,
    start_streams,
};
use shelf_mirrors::Postgres;
use shelf_redis::{EventLog, Options, Redis, SinkError};
use shelf_simulator::{TownOptions, store_id};
use tokio_postgres::NoTls;

use super::Measured;
use super::place::Place;
use super::steady::gave_up;
use crate::acts::wall_now;
use crate::failure::Failure;

/// Entries of a stream.
pub(super) const ENTRIES: u64 = 400_000;
/// Entries that are added at once.
const CHUNK: u64 = 10_000;
const STORES: u64 = 4;
const PATIENCE: Duration = Duration::from_mins(3);

fn redis_failed(error: &redis::RedisError) -> Failure {
    gave_up(&format!("Redis: {error}"))
}

/// A stream of pickups, removed when it is dropped.
pub(super) struct Stream {
    pub(super) name: String,
    connection: RedisConnection,
}

impl Stream {
    pub(super) fn filled(url: &str) -> Result<Self, Failure> {
        let name = format!("bench-{:x}", wall_now().0);
        let client = redis::Client::open(url).map_err(|error| redis_failed(&error))?;
        let connection = client.get_connection().map_err(|error| redis_failed(&error))?;
        let mut stream = Self { name, connection };
        for first in (0..ENTRIES).step_by(CHUNK as usize) {
            let mut pipeline = redis::pipe();
            for number in first..first + CHUNK {
                let store = store_id((number % STORES) as u32);
                let data = format!(
                    "{{\"event_type\":\"pickup\",\"customer_id\":\"c-{number}\",\
                     \"item_id\":\"MILK\",\"quantity\":1,\"weight\":1000.0,\
                     \"timestamp\":\"2026-01-01T09:00:00+00:00\",\"store_id\":\"{store}\"}}"
                );
                let add = pipeline.cmd("XADD").arg(&stream.name).arg("*");
                add.arg("data").arg(data).arg("key").arg(number).ignore();
            }
            let added = pipeline.exec(&mut stream.connection);
            added.map_err(|error| redis_failed(&error))?;
        }
        Ok(stream)
    }

    /// How it is read.
    pub(super) fn options(&self, url: &str) -> Result<StreamOptions, Failure> {
        let redis = Redis::parse(url).map_err(LinkError::from)?;
        let options = Options { streams: vec![self.name.clone()], ..Options::default() };
        Ok(StreamOptions { redis, options, store: None })
    }

    /// Waits until a link has taken everything and has acknowledged it. Returns the seconds since
    /// it was started, and how often it failed.
    pub(super) fn taken_by(link: LinkThread, begun: Instant) -> Result<(f64, u64), Failure> {
        let status = link.status().clone();
        while status.view().events < ENTRIES {
            if begun.elapsed() > PATIENCE {
                return Err(gave_up(&format!("the link stands: {:?}", status.view())));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        link.stop();
        Ok((begun.elapsed().as_secs_f64(), status.view().failures))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // A server that is gone has none.
        let _ = redis::cmd("DEL").arg(&self.name).query::<Value>(&mut self.connection);
    }
}

fn options(town: Option<TownPlan>) -> WriterOptions {
    WriterOptions {
        log: LogOptions::default(),
        engine: EngineOptions::default(),
        town,
        batch_events: 4_096,
        threads: 1,
        windows: None,
    }
}

struct Log(ChainWriter);

impl EventLog for Log {
    fn append(&mut self, events: Vec<Event>) -> Result<Vec<Outcome>, SinkError> {
        Ok(self.0.submit(&events)?.outcomes)
    }

    fn now(&mut self) -> Timestamp {
        wall_now()
    }
}

/// Entries of a stream a second into the log of a data folder, on disk and stepped.
pub(super) fn entries(place: &Place, url: &str) -> Result<Measured, Failure> {
    let (dir, stream) = (place.folder()?, Stream::filled(url)?);
    let folder = Folder::at(dir.path().join("data"));
    let log = Log(ChainWriter::open(&folder, &options(None))?);
    let begun = Instant::now();
    let link = start_streams(stream.options(url)?, log)?;
    // There is no store of these events: what is measured is the way into the log.
    let (seconds, failures) = Stream::taken_by(link, begun)?;
    Ok(Measured {
        unit: "entries/s",
        value: ENTRIES as f64 / seconds,
        target: "none",
        detail: json!({ "entries": ENTRIES, "seconds": seconds, "failures": failures }),
    })
}

/// A database of one measurement's own.
struct Database {
    runtime: tokio::runtime::Runtime,
    server: String,
    name: String,
}

impl Database {
    fn make(url: &str) -> Result<Self, Failure> {
        let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = built.map_err(super::place::io)?;
        let name = format!("bench_{:x}", wall_now().0);
        let made = Self { runtime, server: url.to_owned(), name };
        made.tell(&format!("CREATE DATABASE {}", made.name))?;
        Ok(made)
    }

    fn url(&self) -> String {
        let server = self.server.rsplit_once('/').map_or(self.server.as_str(), |(head, _)| head);
        format!("{server}/{}", self.name)
    }

    fn tell(&self, statement: &str) -> Result<(), Failure> {
        self.runtime.block_on(async {
            let failed = |error: tokio_postgres::Error| gave_up(&format!("PostgreSQL: {error}"));
            let (client, connection) =
                tokio_postgres::connect(&self.server, NoTls).await.map_err(failed)?;
            let speaking = tokio::spawn(connection);
            let told = client.batch_execute(statement).await.map_err(failed);
            speaking.abort();
            told
        })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A server that is gone has none.
        let _ = self.tell(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

/// Rows a second from the log of ten days of a store into PostgreSQL.
pub(super) fn mirrored(place: &Place, url: &str) -> Result<Measured, Failure> {
    let (dir, database) = (place.folder()?, Database::make(url)?);
    let folder = Folder::at(dir.path().join("data"));
    let town = TownOptions::default();
    let until = town.start.plus(10 * DAY);
    let plan = TownPlan { stores: 1, options: town };
    let mut chain = ChainWriter::open(&folder, &options(Some(plan)))?;
    chain.simulate(until, |_| {})?;
    chain.close()?;
    let begun = Instant::now();
    let postgres = Postgres::parse(&database.url()).map_err(LinkError::from)?;
    let mut follower = MirrorFollower::open(&folder, MirrorOptions::new(postgres))?;
    let status = LinkStatus::new("mirror");
    let followed = follower.follow(Until::CaughtUp, || false, &status)?;
    let seconds = begun.elapsed().as_secs_f64();
    drop(follower);
    Ok(Measured {
        unit: "rows/s",
        value: followed.rows as f64 / seconds,
        target: "at least 50,000",
        detail: json!({
            "rows": followed.rows, "events": followed.events, "rounds": followed.rounds,
            "seconds": seconds, "events_per_s": followed.events as f64 / seconds,
        }),
    })
}
