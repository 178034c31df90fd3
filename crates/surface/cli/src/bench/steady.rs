//! A chain that takes 10,000 events a second through its socket, for benches of how soon something
//! is seen.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shelf_domain::{Body, DAY, Event, EventId, HOUR, Timestamp};
use shelf_eventlog::LogReader;
use shelf_events::{decode_event, write_event};
use shelf_host::{Ack, AckStatus, ChainWriter, Folder, WriterOptions, connect};
use shelf_ports::RecordBatch;
use shelf_simulator::TownOptions;
use tempfile::TempDir;

use super::place::{Place, Running, io, shelf};
use super::{as_stores, town_events};
use crate::acts::wall_now;
use crate::failure::Failure;

/// Events that are sent in a second.
const RATE: f64 = 10_000.0;
/// A row that does not hold this rate measures something else.
const RATE_MIN: f64 = 9_900.0;
/// The town's events come as those of so many stores.
const STORES: u32 = 4;
const DAYS: i64 = 3;
/// How often due events are sent.
const STEP: Duration = Duration::from_millis(1);
/// So long before the first event: the clock tells the stores today's date, and what that leads to,
/// for all products at once, is none of the events' doing.
pub(super) const SETTLING: Duration = Duration::from_secs(4);
/// How long anything may take before the bench gives up on it.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A running chain, and what will be sent to it.
pub(super) struct Shop {
    _running: Running,
    folder: Folder,
    socket: UnixStream,
    /// Where clients of Postgres connect, if it serves any.
    sql: Option<String>,
    events: Vec<Event>,
    _dir: TempDir,
}

impl Shop {
    /// Starts a chain with these words after `run`, for events of so many seconds.
    pub(super) fn open(place: &Place, words: &[&str], seconds: u32) -> Result<Self, Failure> {
        let dir = place.folder()?;
        let folder = Folder::at(dir.path().join("data"));
        let (opening, events) = events_of_stores(seconds);
        let mut chain = ChainWriter::open(&folder, &WriterOptions::default())?;
        chain.submit(&opening)?;
        chain.close()?;
        let args: Vec<&str> =
            ["run", "--no-demo", "--plain"].iter().chain(words).copied().collect();
        let mut command = shelf(folder.root(), &args)?;
        command.stderr(Stdio::piped());
        let mut running = Running(command.spawn().map_err(io)?);
        let socket = connection(&folder)?;
        let said = running.0.stderr.take().ok_or_else(|| gave_up("the chain says nothing"))?;
        let serves = !words.windows(2).any(|words| words == ["--sql-listen", "off"]);
        let sql = serves.then(|| sql_address(BufReader::new(said).lines())).flatten();
        Ok(Self { _running: running, folder, socket, sql, events, _dir: dir })
    }

    pub(super) fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Where clients of Postgres connect.
    pub(super) fn sql(&self) -> Result<&str, Failure> {
        self.sql.as_deref().ok_or_else(|| gave_up("the chain serves no SQL"))
    }

    /// Waits until the stores have today's date, then sends each event when it is due.
    pub(super) fn send(&self) -> Result<Sent, Failure> {
        std::thread::sleep(SETTLING);
        let sent = send_all(&self.socket, &self.events)?;
        if sent.rate < RATE_MIN {
            let message = format!("only {:.0} events/s were taken, not 10,000", sent.rate);
            return Err(Failure::new("bench", message, "run it while nothing else runs"));
        }
        Ok(sent)
    }

    /// When each sent event was due, in seconds from the first, by partition and offset.
    pub(super) fn due_s(&self) -> Result<HashMap<(u32, u64), f64>, Failure> {
        // Others than the sent ones have larger ids.
        let last = self.events.len() as u128;
        let mut due = HashMap::new();
        let reader = LogReader::open(self.folder.log())?;
        let mut read = RecordBatch::new();
        for (partition, mut tail) in (0..).zip(reader.into_partitions()) {
            let mut offset = tail.start_offset()?;
            while offset < tail.end_offset()? {
                let next = tail.read(offset, 1 << 20, &mut read)?;
                for (offset, record) in (offset..).zip(read.iter()) {
                    let id = decode_event(record).map_or(u128::MAX, |event| event.id.0);
                    if id <= last {
                        due.insert((partition, offset), id as f64 / RATE);
                    }
                }
                offset = next;
            }
        }
        Ok(due)
    }
}

/// Where a chain says that it serves SQL; what it says later is read too, so that it never waits.
fn sql_address<B: BufRead + Send + 'static>(mut lines: std::io::Lines<B>) -> Option<String> {
    let mut address = None;
    while address.is_none() {
        let line = lines.next()?.ok()?;
        address = line
            .strip_prefix("SQL at ")
            .and_then(|rest| rest.split(": ").next().map(str::to_owned));
    }
    std::thread::spawn(move || lines.for_each(drop));
    address
}

pub(super) fn gave_up(what: &str) -> Failure {
    Failure::new("bench", what, "run `shelf doctor` for a look at the machine")
}

/// The quantiles of delays, as a bench tells them.
pub(super) struct Delays(Vec<f64>);

impl Delays {
    pub(super) fn of(mut delays: Vec<f64>) -> Self {
        delays.sort_unstable_by(f64::total_cmp);
        Self(delays)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// All of them, the shortest first.
    pub(super) fn all(&self) -> Vec<f64> {
        self.0.clone()
    }

    pub(super) fn at(&self, part: f64) -> f64 {
        let place = (self.0.len() as f64 * part) as usize;
        self.0.get(place).or(self.0.last()).copied().unwrap_or(f64::NAN)
    }

    pub(super) fn detail(&self, sent: &Sent) -> Value {
        json!({
            "events": sent.events, "events_per_s": sent.rate, "accepted": sent.accepted,
            "stores": STORES, "seen": self.len(), "p50": self.at(0.5), "p99": self.at(0.99),
            "max": self.at(1.0),
        })
    }
}

/// A town that began so many days and one ago, so that its dates are those of today.
pub(super) fn town_until_today(days: i64) -> TownOptions {
    let midnight = wall_now().0 / DAY * DAY;
    let start = Timestamp(midnight - (days + 1) * DAY + 6 * HOUR);
    TownOptions { start, ..TownOptions::default() }
}

/// What declares the stores, and what happens in them.
fn events_of_stores(seconds: u32) -> (Vec<Event>, Vec<Event>) {
    let (opening, events) = town_events(&town_until_today(DAYS), DAYS);
    let wanted = (RATE * f64::from(seconds)) as usize;
    let happened = events.into_iter().filter(|event| event.body != Body::Clock).collect();
    let numbered = as_stores(happened, STORES).take(wanted).zip(1..);
    let numbered = numbered.map(|(event, number)| Event { id: EventId(number), ..event });
    (as_stores(opening, STORES).collect(), numbered.collect())
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

/// What sending came to.
pub(super) struct Sent {
    /// When the first event was due.
    pub(super) begun: Instant,
    events: usize,
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
    let events = events.len();
    let accepted = accepted.into_iter().filter(|accepted| *accepted).count();
    Ok(Sent { begun, events, rate, accepted })
}
