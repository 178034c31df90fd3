//! Benches of a chain on Apache Kafka: how much a worker takes, how soon its alerts are seen, how
//! much a bridge brings. The broker runs beside it, on the same cores.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shelf_domain::{Body, Event, EventId, StoreId, Timestamp};
use shelf_engine::partition_of;
use shelf_host::{HostError, KafkaFigures, KafkaWorker, LaneState, WorkerSettings};
use shelf_kafka::{ALERTS, Connection, Feed, KafkaError, Reader, TopicOptions, init};
use shelf_links::start_bridge;
use shelf_simulator::TownOptions;
use tempfile::TempDir;

use super::links::{ENTRIES, Stream};
use super::place::Place;
use super::steady::{Delays, SETTLING, gave_up, town_until_today};
use super::{Measured, as_stores, town_events};
use crate::acts::wall_now;
use crate::failure::Failure;

pub(super) const PARTITIONS: u32 = 4;
/// The town's events come as those of so many stores.
const STORES: u32 = 4;
pub(super) const DAYS: i64 = 14;
/// Of so many days events are produced, to see their alerts.
const ALERT_DAYS: i64 = 8;
/// The first of the ids of events that tell the time: no other event has as large a one.
const CLOCK_IDS: u128 = u128::MAX - 1_000;
/// Events that are committed together while the log is filled.
pub(super) const BATCH: usize = 16_384;
/// Events that are produced in a second.
const RATE: f64 = 5_000.0;
const SECONDS: f64 = 12.0;
/// Events of so many seconds before are not measured: a broker that was just started still
/// compiles what it runs.
const WARMING_S: i64 = 20;
/// How often due events are produced.
const STEP: Duration = Duration::from_millis(10);
/// Fewer alerts say nothing about the slowest of a hundred.
const ALERTS_MIN: usize = 100;
const PATIENCE: Duration = Duration::from_mins(3);

pub(super) fn kafka(error: KafkaError) -> Failure {
    HostError::from(error).into()
}

/// A worker on topics of its own.
pub(super) struct Worker {
    pub(super) figures: Arc<KafkaFigures>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<(), HostError>>>,
    /// Removed with the worker, where they are its own.
    snapshots: Option<TempDir>,
}

impl Worker {
    fn start(place: &Place, connection: &Connection) -> Result<Self, Failure> {
        let snapshots = place.folder()?;
        let settings = WorkerSettings::new(snapshots.path(), PARTITIONS);
        let mut started = Self::with(connection, &settings)?;
        started.snapshots = Some(snapshots);
        Ok(started)
    }

    /// The same with settings of one's own.
    pub(super) fn with(
        connection: &Connection,
        settings: &WorkerSettings,
    ) -> Result<Self, Failure> {
        let worker = KafkaWorker::join(connection, settings)?;
        let (figures, stop) = (Arc::clone(worker.figures()), Arc::new(AtomicBool::new(false)));
        let asked = Arc::clone(&stop);
        let thread = Some(std::thread::spawn(move || worker.run(&asked)));
        Ok(Self { figures, stop, thread, snapshots: None })
    }

    /// Waits until what its figures say is true.
    pub(super) fn wait(
        &self,
        what: &str,
        is: impl Fn(&KafkaFigures) -> bool,
    ) -> Result<Instant, Failure> {
        let begun = Instant::now();
        while !is(&self.figures) {
            if begun.elapsed() > PATIENCE {
                return Err(gave_up(what));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(Instant::now())
    }

    fn runs(&self) -> Result<Instant, Failure> {
        self.wait("the worker gets no partitions", |figures| {
            let lanes = figures.lanes();
            lanes.len() == PARTITIONS as usize
                && lanes.values().all(|lane| lane.state == LaneState::Running)
        })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            // What it failed at was seen in what it counted.
            let _ = thread.join();
        }
    }
}

/// Topics of their own for one measurement.
pub(super) fn topics(url: &str) -> Result<Connection, Failure> {
    let prefix = format!("bench-{:x}", wall_now().0);
    let connection: Connection = format!("{url}/{prefix}").parse().map_err(kafka)?;
    let options = TopicOptions { partitions: PARTITIONS, ..Default::default() };
    init(&connection, &options).map_err(kafka)?;
    Ok(connection)
}

/// The events of a town as those of several stores: the opening, and the rest.
pub(super) fn events(town: &TownOptions, days: i64) -> (Vec<Event>, Vec<Event>) {
    let (opening, events) = town_events(town, days);
    (as_stores(opening, STORES).collect(), as_stores(events, STORES).collect())
}

/// Tells each store what time it is: what follows from that for all products at once is none of the
/// doing of the events that come then.
fn today(opening: &[Event]) -> Vec<Event> {
    let now = wall_now();
    let stores: BTreeMap<StoreId, &Event> = opening.iter().map(|one| (one.store, one)).collect();
    let clock = |(event, id): (&&Event, u128)| {
        let id = EventId(id);
        Event { id, at: now, received_at: now, body: Body::Clock, ..(*event).clone() }
    };
    stores.values().zip(CLOCK_IDS..).map(clock).collect()
}

pub(super) fn feed(feed: &mut Feed, events: &[Event]) -> Result<(), Failure> {
    for event in events {
        feed.add(partition_of(event.store, PARTITIONS), event).map_err(kafka)?;
    }
    feed.commit().map_err(kafka)
}

/// Events a second from the log to state, effects and state records, in transactions.
pub(super) fn taken(place: &Place, url: &str) -> Result<Measured, Failure> {
    let connection = topics(url)?;
    let (opening, happened) = events(&TownOptions::default(), DAYS);
    let mut feeding = Feed::open(&connection, "bench").map_err(kafka)?;
    for batch in opening.chunks(BATCH).chain(happened.chunks(BATCH)) {
        feed(&mut feeding, batch)?;
    }
    let total = (opening.len() + happened.len()) as u64;
    let joined = Instant::now();
    let worker = Worker::start(place, &connection)?;
    let begun = worker.wait("the worker takes nothing", |figures| figures.events() > 0)?;
    let first = worker.figures.events();
    worker.wait("the worker does not take everything", |figures| figures.events() >= total)?;
    // What has been stepped counts when it is committed.
    let ended = worker.wait("the worker does not commit", |figures| {
        figures.lanes().values().map(|lane| lane.position).sum::<u64>() >= total
    })?;
    let seconds = ended.duration_since(begun).as_secs_f64();
    let figures = &worker.figures;
    Ok(Measured {
        unit: "events/s",
        value: (total - first) as f64 / seconds,
        target: "at least 100,000",
        detail: json!({
            "events": total, "stores": STORES, "seconds": seconds,
            "joined_s": begun.duration_since(joined).as_secs_f64(),
            "effects": figures.effects(), "records": figures.records(),
            "commits": figures.commits(), "failures": figures.failures(),
        }),
    })
}

/// Entries of Redis Streams a second into the topics that workers take events from, acknowledged by
/// the brokers and to Redis.
pub(super) fn bridged(redis: &str, kafka: &str) -> Result<Measured, Failure> {
    let (connection, stream) = (topics(kafka)?, Stream::filled(redis)?);
    let begun = Instant::now();
    let link = start_bridge(stream.options(redis)?, connection)?;
    let (seconds, failures) = Stream::taken_by(link, begun)?;
    Ok(Measured {
        unit: "entries/s",
        value: ENTRIES as f64 / seconds,
        target: "at least 50,000",
        detail: json!({ "entries": ENTRIES, "seconds": seconds, "failures": failures }),
    })
}

/// From an event that is produced to its alert that a reader of committed records gets.
pub(super) fn alerted(place: &Place, url: &str) -> Result<Measured, Failure> {
    let connection = topics(url)?;
    let (opening, happened) = events(&town_until_today(ALERT_DAYS), ALERT_DAYS);
    let mut feeding = Feed::open(&connection, "bench").map_err(kafka)?;
    feed(&mut feeding, &opening)?;
    let worker = Worker::start(place, &connection)?;
    worker.runs()?;
    worker.wait("the stores are not set up", |figures| figures.events() >= opening.len() as u64)?;
    feed(&mut feeding, &today(&opening))?;
    std::thread::sleep(SETTLING);
    let mut reader = Reader::open(&connection, ALERTS).map_err(kafka)?;
    let ended = AtomicBool::new(false);
    let mut delays = Vec::new();
    let from = wall_now().plus(WARMING_S * shelf_domain::SECOND);
    let produced = std::thread::scope(|scope| {
        let producing = scope.spawn(|| {
            let produced = produce(&mut feeding, &happened);
            std::thread::sleep(Duration::from_secs(2));
            ended.store(true, Ordering::Release);
            produced
        });
        while !ended.load(Ordering::Acquire) {
            let read = reader.next(Duration::from_millis(20), |message| {
                let alert: Value =
                    serde_json::from_slice(message.payload.unwrap_or_default()).unwrap_or_default();
                let opened = alert.get("status").and_then(Value::as_str) == Some("open");
                if let Some(at) = at(&alert).filter(|at| opened && *at >= from) {
                    delays.push((wall_now().0 - at.0) as f64 / 1_000.0);
                }
            });
            read.map_err(kafka)?;
        }
        producing.join().map_err(|_| gave_up("the producer has stopped"))?
    })?;
    let delays = Delays::of(delays);
    if delays.len() < ALERTS_MIN {
        return Err(gave_up(&format!("only {} alerts were seen", delays.len())));
    }
    Ok(Measured {
        unit: "ms (p99)",
        value: delays.at(0.99),
        target: "under 250",
        detail: json!({
            "events": produced.0, "events_per_s": produced.1, "seen": delays.len(),
            "warming_s": WARMING_S,
            "p50": delays.at(0.5), "p99": delays.at(0.99), "max": delays.at(1.0),
        }),
    })
}

/// The time that an alert tells: that of the event which opened it.
fn at(alert: &Value) -> Option<Timestamp> {
    let text = alert.get("timestamp").and_then(Value::as_str)?;
    let time: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp(time.as_microsecond()))
}

/// Produces each event when it is due. Returns how many, and how many a second.
fn produce(feeding: &mut Feed, happened: &[Event]) -> Result<(usize, f64), Failure> {
    let happened: Vec<&Event> = happened.iter().filter(|event| event.body != Body::Clock).collect();
    let seconds = WARMING_S as f64 + SECONDS;
    let wanted = ((RATE * seconds) as usize).min(happened.len());
    let (begun, mut sent) = (Instant::now(), 0);
    while sent < wanted {
        let due = ((begun.elapsed().as_secs_f64() * RATE) as usize).min(wanted);
        for (event, number) in happened.get(sent..due).unwrap_or_default().iter().zip(sent..) {
            let at = wall_now();
            let id = EventId(number as u128 + 1);
            let event = Event { id, at, received_at: at, ..(*event).clone() };
            feeding.add(partition_of(event.store, PARTITIONS), &event).map_err(kafka)?;
        }
        feeding.commit().map_err(kafka)?;
        sent = due;
        std::thread::sleep(STEP);
    }
    Ok((sent, sent as f64 / begun.elapsed().as_secs_f64()))
}
