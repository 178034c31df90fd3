//! Benches of how soon an event is seen by who asks with SQL: in the state of this moment, and in
//! the lake.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::Measured;
use super::place::{Place, Running, io};
use super::steady::{Delays, Shop, gave_up};
use crate::failure::Failure;

/// How far `live` is, in one line.
const LIVE: &str = "SELECT string_agg(concat(partition, ':', position), ' ') FROM live.pipeline";
/// How far every table of the lake is, in one line.
const LAKE: &str = "SELECT string_agg(concat(log_partition, ':', position), ' ') FROM (SELECT \
                    log_partition, max(position) AS position FROM ops.lake_commits GROUP BY 1) a";

/// A free port of this machine.
const ANY: &str = "127.0.0.1:0";

/// How far something was at a moment: the next offset of each partition.
struct Answer {
    at: Instant,
    positions: Vec<(u32, u64)>,
}

/// From due to answered by a client of Postgres, at 10,000 events a second.
pub(super) fn live(place: &Place) -> Result<Measured, Failure> {
    const SECONDS: u32 = 12;
    let shop = Shop::open(place, &["--no-lake", "--listen", "off", "--sql-listen", ANY], SECONDS)?;
    let pause = Duration::from_millis(1);
    let (delays, detail) = watched(&shop, LIVE, pause, Duration::from_secs(1))?;
    Ok(Measured { unit: "ms (p99)", value: delays.at(0.99) * 1_000.0, target: "under 50", detail })
}

/// From due to in every table of the lake, at 10,000 events a second.
pub(super) fn lake(place: &Place) -> Result<Measured, Failure> {
    const SECONDS: u32 = 40;
    let shop = Shop::open(place, &["--listen", "off", "--sql-listen", ANY], SECONDS)?;
    let pause = Duration::from_millis(20);
    let (delays, detail) = watched(&shop, LAKE, pause, Duration::from_secs(15))?;
    Ok(Measured {
        unit: "s (slowest)",
        value: delays.at(1.0),
        target: "under 12: the commit interval and 2",
        detail,
    })
}

/// Sends the events while a client asks again and again. Returns how long each event took to be
/// seen, in seconds.
fn watched(
    shop: &Shop,
    statement: &str,
    pause: Duration,
    rest: Duration,
) -> Result<(Delays, serde_json::Value), Failure> {
    let ended = AtomicBool::new(false);
    let address = shop.sql()?;
    let (sent, answers) = std::thread::scope(|scope| {
        let asking = scope.spawn(|| ask(address, statement, pause, &ended));
        let sent = shop.send();
        std::thread::sleep(rest);
        ended.store(true, Ordering::Release);
        (sent, asking.join().unwrap_or_else(|_| Err(gave_up("the client has stopped"))))
    });
    let (sent, answers) = (sent?, answers?);
    let due_s = shop.due_s()?;
    // An answer never tells less than the one before.
    let seen_at = |(partition, offset): (u32, u64)| {
        let next = |answer: &Answer| {
            let of = answer.positions.iter().find(|(of, _)| *of == partition);
            of.map_or(0, |(_, next)| *next)
        };
        let place = answers.partition_point(|answer| next(answer) <= offset);
        answers.get(place).map(|answer| answer.at)
    };
    let mut delays = Vec::with_capacity(due_s.len());
    for (event, due_s) in &due_s {
        let at = seen_at(*event).ok_or_else(|| gave_up("an event was never seen"))?;
        delays.push(at.saturating_duration_since(sent.begun).as_secs_f64() - due_s);
    }
    let delays = Delays::of(delays);
    let mut detail = delays.detail(&sent);
    if let Some(detail) = detail.as_object_mut() {
        detail.insert("answers".to_owned(), answers.len().into());
    }
    Ok((delays, detail))
}

/// Asks with psql, one statement after the other, until it is told to end.
fn ask(
    address: &str,
    statement: &str,
    pause: Duration,
    ended: &AtomicBool,
) -> Result<Vec<Answer>, Failure> {
    let (host, port) = address.rsplit_once(':').ok_or_else(|| gave_up("SQL has no port"))?;
    let mut command = Command::new("psql");
    command.args(["-X", "-q", "-A", "-t", "-d", "shelf", "-h", host, "-p", port]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut psql = Running(command.spawn().map_err(io)?);
    let silent = || gave_up("psql does not answer");
    let mut to = psql.0.stdin.take().ok_or_else(silent)?;
    let mut answers = BufReader::new(psql.0.stdout.take().ok_or_else(silent)?).lines();
    let mut seen: Vec<Answer> = Vec::new();
    while !ended.load(Ordering::Acquire) {
        writeln!(to, "{statement};").map_err(io)?;
        let line = answers.next().ok_or_else(silent)?.map_err(io)?;
        let at = Instant::now();
        let of = |word: &str| {
            let (partition, position) = word.split_once(':')?;
            Some((partition.parse().ok()?, position.parse().ok()?))
        };
        let positions: Vec<(u32, u64)> = line.split_whitespace().filter_map(of).collect();
        if seen.last().is_none_or(|last| last.positions != positions) {
            seen.push(Answer { at, positions });
        }
        std::thread::sleep(pause);
    }
    Ok(seen)
}
