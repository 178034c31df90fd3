//! Benches of a chain on Apache Kafka: what transactions cost, and how soon the partitions of a
//! killed worker go on. The broker runs beside it, on the same cores.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use shelf_domain::Event;
use shelf_host::{KafkaFigures, LaneState, WorkerSettings};
use shelf_kafka::{Connection, Delivery, Feed, committed_of};
use shelf_simulator::TownOptions;

use super::Measured;
use super::kafka::{BATCH, DAYS, PARTITIONS, Worker, events, feed, kafka, topics};
use super::place::{Place, Running, io, shelf};
use super::steady::gave_up;
use crate::failure::Failure;

/// How often each is measured; the one in the middle counts, of take-overs the slowest.
const ROUNDS: usize = 3;
/// Events that are fed together while a worker is killed, and how often.
const FED: usize = 250;
const FED_EVERY: Duration = Duration::from_millis(50);
/// How long both workers work before one is killed.
const WORKED: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_mins(2);

/// How many percent fewer events a second a worker takes with transactions than without.
pub(super) fn transactions(place: &Place, url: &str) -> Result<Measured, Failure> {
    let (opening, happened) = events(&TownOptions::default(), DAYS);
    let all = [opening, happened].concat();
    let (mut exactly, mut at_least) = (Vec::new(), Vec::new());
    // By turns, so that a busy minute of the machine meets both.
    for _ in 0..ROUNDS {
        exactly.push(rate(place, url, &all, Delivery::ExactlyOnce)?);
        at_least.push(rate(place, url, &all, Delivery::AtLeastOnce)?);
    }
    let (with, without) = (middle(&exactly), middle(&at_least));
    Ok(Measured {
        unit: "% fewer events/s",
        value: (1.0 - with / without) * 100.0,
        target: "under 20",
        detail: json!({
            "events": all.len(), "with": with, "without": without,
            "exactly_once": exactly, "at_least_once": at_least,
        }),
    })
}

fn middle(rates: &[f64]) -> f64 {
    let mut sorted = rates.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The events a second that a worker takes from a full log, committed.
fn rate(place: &Place, url: &str, all: &[Event], delivery: Delivery) -> Result<f64, Failure> {
    let connection = topics(url)?;
    let mut feeding = Feed::open(&connection, "bench").map_err(kafka)?;
    for batch in all.chunks(BATCH) {
        feed(&mut feeding, batch)?;
    }
    let (total, snapshots) = (all.len() as u64, place.folder()?);
    let usual = WorkerSettings::new(snapshots.path(), PARTITIONS);
    let worker = Worker::with(&connection, &WorkerSettings { delivery, ..usual })?;
    let begun = worker.wait("the worker takes nothing", |figures| figures.events() > 0)?;
    let first = worker.figures.events();
    let ended = worker.wait("the worker does not commit everything", |figures| {
        figures.lanes().values().map(|lane| lane.position).sum::<u64>() >= total
    })?;
    Ok((total - first) as f64 / ended.duration_since(begun).as_secs_f64())
}

/// From the kill of one of two workers to the first commit in each of its partitions.
pub(super) fn take_over(place: &Place, url: &str) -> Result<Measured, Failure> {
    let rounds: Result<Vec<f64>, Failure> = (0..ROUNDS).map(|_| taken_over(place, url)).collect();
    let rounds = rounds?;
    Ok(Measured {
        unit: "s",
        value: rounds.iter().copied().fold(0.0, f64::max),
        target: "under 10",
        detail: json!({ "partitions": PARTITIONS, "of_them_moved": PARTITIONS / 2, "s": rounds }),
    })
}

fn taken_over(place: &Place, url: &str) -> Result<f64, Failure> {
    let (connection, snapshots) = (topics(url)?, place.folder()?);
    let (opening, happened) = events(&TownOptions::default(), 3);
    let mut feeding = Feed::open(&connection, "bench").map_err(kafka)?;
    feed(&mut feeding, &opening)?;
    let victim = start(&connection, snapshots.path())?;
    until_committed(&connection)?;
    let worker = Worker::with(&connection, &WorkerSettings::new(snapshots.path(), PARTITIONS))?;
    let half = PARTITIONS as usize / 2;
    worker.wait("the workers do not share", |figures| running(figures).len() == half)?;
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let fed = scope.spawn(|| {
            for batch in happened.chunks(FED).take_while(|_| !ended.load(Ordering::Acquire)) {
                feed(&mut feeding, batch)?;
                std::thread::sleep(FED_EVERY);
            }
            Ok(())
        });
        let measured = killed(&worker, victim);
        ended.store(true, Ordering::Release);
        let fed = fed.join().unwrap_or_else(|_| Err(gave_up("nobody feeds")));
        fed.and(measured)
    })
}

/// Kills the other worker, and waits until this one has committed something in every partition
/// that it did not have.
fn killed(worker: &Worker, victim: Running) -> Result<f64, Failure> {
    std::thread::sleep(WORKED);
    let own = running(&worker.figures);
    let killed_at = Instant::now();
    drop(victim);
    let began = std::cell::RefCell::new(BTreeMap::new());
    let ended = worker.wait("the partitions are not taken over", |figures| {
        let mut began = began.borrow_mut();
        let moved = running(figures).into_iter().filter(|(number, _)| !own.contains_key(number));
        let went_on = moved.filter(|(number, at)| at > began.entry(*number).or_insert(*at));
        went_on.count() == PARTITIONS as usize - own.len()
    })?;
    Ok(ended.duration_since(killed_at).as_secs_f64())
}

/// The position of each partition that runs.
fn running(figures: &KafkaFigures) -> BTreeMap<u32, u64> {
    let lanes = figures.lanes().into_iter();
    let run = lanes.filter(|(_, lane)| lane.state == LaneState::Running);
    run.map(|(number, lane)| (number, lane.position)).collect()
}

/// A worker in a process of its own.
fn start(connection: &Connection, snapshots: &Path) -> Result<Running, Failure> {
    let url = connection.to_string();
    let mut command = shelf(snapshots, &["run", "--log", &url, "--listen", "off"])?;
    command.env("SHELF_LOG__PARTITIONS", PARTITIONS.to_string());
    command.env("SHELF_KAFKA__SNAPSHOTS", snapshots);
    command.env("SHELF_KAFKA__INTAKE", "false");
    Ok(Running(command.spawn().map_err(io)?))
}

/// Waits until every partition has stepped what it was fed.
fn until_committed(connection: &Connection) -> Result<(), Failure> {
    let begun = Instant::now();
    loop {
        let found = committed_of(connection, PARTITIONS, Delivery::ExactlyOnce).map_err(kafka)?;
        let stepped = found.iter().flatten().filter(|one| one.place.position > 0);
        if stepped.count() == PARTITIONS as usize {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            return Err(gave_up("the first worker does not begin"));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
