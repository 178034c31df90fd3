//! The bench of what a person sees: from the moment at which an event is due to the moment at which
//! a follower in another process has printed its alert, both logs fsynced.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::process::{ChildStdout, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shelf_domain::{Body, DAY, Event, EventId, HOUR, StoreId, Timestamp};
use shelf_engine::partition_of;
use shelf_eventlog::LogReader;
use shelf_events::{decode_event, write_event};
use shelf_host::{Ack, AckStatus, ChainWriter, Folder, WriterOptions, connect};
use shelf_ports::RecordBatch;
use shelf_simulator::TownOptions;

use super::place::{Place, Running, io, shelf};
use super::process::ALONE;
use super::{Measured, town_events};
use crate::acts::{fresh_id, wall_now};
use crate::failure::Failure;

/// Events that are sent in a second.
const RATE: f64 = 10_000.0;
/// A row that does not hold this rate measures something else.
const RATE_MIN: f64 = 9_900.0;
const SECONDS: f64 = 12.0;
/// The town's events come as those of so many stores.
const STORES: u32 = 4;
const DAYS: i64 = 3;
/// How often due events are sent.
const STEP: Duration = Duration::from_millis(1);
/// So long before the first event: the clock tells the stores today's date, and what that leads to,
/// for all products at once, is none of the events' doing.
const SETTLING: Duration = Duration::from_secs(4);
/// Fewer alerts say nothing about the slowest of a hundred.
const ALERTS_MIN: usize = 100;
/// How long anything may take before the bench gives up on it.
const PATIENCE: Duration = Duration::from_secs(30);

/// An alert as the follower printed it.
struct Seen {
    at: Instant,
    store: StoreId,
    offset: u64,
}

pub(super) fn event_to_alert(place: &Place) -> Result<Measured, Failure> {
    let dir = place.folder()?;
    let folder = Folder::at(dir.path().join("data"));
    let (opening, events) = events_of_stores();
    let mut chain = ChainWriter::open(&folder, &WriterOptions::default())?;
    chain.submit(&opening)?;
    chain.close()?;
    let args: Vec<&str> = ["run", "--no-demo", "--plain"].into_iter().chain(ALONE).collect();
    let mut running = shelf(folder.root(), &args)?;
    let _running = Running(running.spawn().map_err(io)?);
    let socket = connection(&folder)?;
    let mut following = shelf(folder.root(), &["log", "tail", "-f", "-n", "0", "--effects"])?;
    following.arg("--json").stdout(Stdio::piped());
    let mut follower = Running(following.spawn().map_err(io)?);
    let printed = follower.0.stdout.take().ok_or_else(|| gave_up("the follower prints nothing"))?;

    let (ready, ended) = (AtomicBool::new(false), AtomicBool::new(false));
    let (sent, seen) = std::thread::scope(|scope| {
        let seen = scope.spawn(|| alerts_of(printed, &ready, &ended));
        let sent = wake(&folder, &ready).and_then(|()| {
            std::thread::sleep(SETTLING);
            send_all(&socket, &events)
        });
        // What the last events led to is printed in that time, or not in time at all.
        std::thread::sleep(Duration::from_secs(1));
        ended.store(true, Ordering::Release);
        drop(follower);
        (sent, seen.join().unwrap_or_default())
    });
    let sent = sent?;
    if sent.rate < RATE_MIN {
        let message = format!("only {:.0} events/s were taken, not 10,000", sent.rate);
        return Err(Failure::new("bench", message, "run it while nothing else runs"));
    }
    let delays = delays_ms(&folder, &seen, sent.begun)?;
    if delays.len() < ALERTS_MIN {
        return Err(gave_up(&format!("only {} alerts were seen", delays.len())));
    }
    let at =
        |part: f64| delays.get((delays.len() as f64 * part) as usize).copied().unwrap_or(f64::NAN);
    Ok(Measured {
        unit: "ms (p99)",
        value: at(0.99),
        target: "under 50",
        detail: json!({
            "events": events.len(), "events_per_s": sent.rate, "accepted": sent.accepted,
            "stores": STORES, "alerts": delays.len(), "p50_ms": at(0.5), "p99_ms": at(0.99),
            "max_ms": delays.last().copied(),
        }),
    })
}

fn gave_up(what: &str) -> Failure {
    Failure::new("bench", what, "run `shelf doctor` for a look at the machine")
}

/// What declares the stores, and what happens in them: of a town that began some days ago, so that
/// its dates are those of today.
fn events_of_stores() -> (Vec<Event>, Vec<Event>) {
    let midnight = wall_now().0 / DAY * DAY;
    let start = Timestamp(midnight - (DAYS + 1) * DAY + 6 * HOUR);
    let options = TownOptions { start, ..TownOptions::default() };
    let (opening, events) = town_events(&options, DAYS);
    let wanted = (RATE * SECONDS) as usize;
    let of_all_stores = |events: Vec<Event>| -> Vec<Event> {
        let each = |event: Event| {
            (0..STORES).map(move |store| {
                let store = shelf_simulator::store_id(store);
                Event { id: fresh_id(), store, ..event.clone() }
            })
        };
        events.into_iter().flat_map(each).collect()
    };
    let happened = events.into_iter().filter(|event| event.body != Body::Clock).collect();
    let numbered = of_all_stores(happened).into_iter().take(wanted).zip(1..);
    let numbered = numbered.map(|(event, number)| Event { id: EventId(number), ..event });
    (of_all_stores(opening), numbered.collect())
}

/// A connection to the running process, once it listens.
fn connection(folder: &Folder) -> Result<UnixStream, Failure> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if let Some(stream) = connect(folder) {
            return Ok(stream);
        }
        std::thread::sleep(STEP);
    }
    Err(gave_up("the running process does not listen"))
}

/// Sends what is refused until the follower prints something: it has begun to follow.
fn wake(folder: &Folder, ready: &AtomicBool) -> Result<(), Failure> {
    let begun = Instant::now();
    while !ready.load(Ordering::Acquire) {
        if begun.elapsed() > PATIENCE {
            return Err(gave_up("the follower does not follow"));
        }
        let line =
            br#"{"event_type":"clock","store_id":"none","timestamp":"2026-01-01T00:00:00Z"}"#;
        shelf_host::send(folder, &[line.to_vec()])?;
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// What sending came to.
struct Sent {
    begun: Instant,
    rate: f64,
    accepted: usize,
}

/// Sends each event when it is due, and waits for the last answer.
fn send_all(socket: &UnixStream, events: &[Event]) -> Result<Sent, Failure> {
    let begun = Instant::now();
    let accepted = std::thread::scope(|scope| {
        let answers = scope.spawn(|| {
            let answers = BufReader::new(socket).lines().take(events.len());
            let acks = answers.map_while(Result::ok).map(|line| serde_json::from_str::<Ack>(&line));
            acks.map(|ack| ack.is_ok_and(|ack| ack.status == AckStatus::Accepted)).collect()
        });
        let mut sent = 0;
        while sent < events.len() {
            let due = ((begun.elapsed().as_secs_f64() * RATE) as usize).min(events.len());
            let mut text = Vec::new();
            let now = wall_now();
            for event in events.get(sent..due).unwrap_or_default() {
                write_event(&Event { at: now, received_at: now, ..event.clone() }, &mut text);
                text.push(b'\n');
            }
            let mut socket = socket;
            socket.write_all(&text).map_err(io)?;
            sent = due;
            std::thread::sleep(STEP);
        }
        answers.join().map_err(|_| gave_up("the answers are not read"))
    })?;
    let accepted: Vec<bool> = accepted;
    if accepted.len() < events.len() {
        return Err(gave_up("the running process does not answer"));
    }
    let rate = events.len() as f64 / begun.elapsed().as_secs_f64();
    Ok(Sent { begun, rate, accepted: accepted.into_iter().filter(|accepted| *accepted).count() })
}

/// The alerts that the follower prints as opened, until it ends.
fn alerts_of(printed: ChildStdout, ready: &AtomicBool, ended: &AtomicBool) -> Vec<Seen> {
    let mut seen = Vec::new();
    for line in BufReader::new(printed).lines().map_while(Result::ok) {
        let at = Instant::now();
        ready.store(true, Ordering::Release);
        if ended.load(Ordering::Acquire) {
            break;
        }
        let effect: Value = serde_json::from_str(&line).unwrap_or_default();
        let text = |name: &str| effect.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("effect") == "alert" && text("status") == "open" {
            let offset = effect.get("input_offset").and_then(Value::as_u64).unwrap_or(u64::MAX);
            seen.push(Seen { at, store: StoreId::cut(text("store_id")), offset });
        }
    }
    seen
}

/// From due to printed, in order of length, of the alerts that the sent events opened.
fn delays_ms(folder: &Folder, seen: &[Seen], begun: Instant) -> Result<Vec<f64>, Failure> {
    let mut sent: HashMap<(u32, u64), u128> = HashMap::new();
    let reader = LogReader::open(folder.log())?;
    let partitions = reader.partition_count();
    let mut read = RecordBatch::new();
    for (partition, mut tail) in (0..).zip(reader.into_partitions()) {
        let mut offset = tail.start_offset()?;
        while offset < tail.end_offset()? {
            let next = tail.read(offset, 1 << 20, &mut read)?;
            for (offset, record) in (offset..).zip(read.iter()) {
                if let Ok(event) = decode_event(record) {
                    sent.insert((partition, offset), event.id.0);
                }
            }
            offset = next;
        }
    }
    let last = (RATE * SECONDS) as u128;
    let mut delays: Vec<f64> = seen
        .iter()
        .filter_map(|alert| {
            let key = (partition_of(alert.store, partitions), alert.offset);
            // Others than the sent ones have larger ids.
            let number = sent.get(&key).copied().filter(|number| *number <= last)?;
            let due_s = number as f64 / RATE;
            Some((alert.at.duration_since(begun).as_secs_f64() - due_s) * 1_000.0)
        })
        .collect();
    delays.sort_unstable_by(f64::total_cmp);
    Ok(delays)
}
