//! The bench of what a person sees: from the moment at which an event is due to the moment at which
//! a follower in another process has printed its alert, both logs fsynced.

use std::io::{BufRead, BufReader};
use std::process::{ChildStdout, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use shelf_domain::StoreId;
use shelf_engine::partition_of;
use shelf_eventlog::LogReader;
use shelf_host::Folder;

use super::Measured;
use super::place::{Place, Running, io, shelf};
use super::process::ALONE;
use super::steady::{Delays, PATIENCE, Shop, gave_up};
use crate::failure::Failure;

/// Fewer alerts say nothing about the slowest of a hundred.
const ALERTS_MIN: usize = 100;

/// An alert as the follower printed it.
struct Seen {
    at: Instant,
    store: StoreId,
    offset: u64,
}

pub(super) fn event_to_alert(place: &Place) -> Result<Measured, Failure> {
    const SECONDS: u32 = 12;
    let shop = Shop::open(place, &ALONE, SECONDS)?;
    let mut following =
        shelf(shop.folder().root(), &["log", "tail", "-f", "-n", "0", "--effects"])?;
    following.arg("--json").stdout(Stdio::piped());
    let mut follower = Running(following.spawn().map_err(io)?);
    let printed = follower.0.stdout.take().ok_or_else(|| gave_up("the follower prints nothing"))?;

    let (ready, ended) = (AtomicBool::new(false), AtomicBool::new(false));
    let (sent, seen) = std::thread::scope(|scope| {
        let seen = scope.spawn(|| alerts_of(printed, &ready, &ended));
        let sent = wake(shop.folder(), &ready).and_then(|()| shop.send());
        // What the last events led to is printed in that time, or not in time at all.
        std::thread::sleep(Duration::from_secs(1));
        ended.store(true, Ordering::Release);
        drop(follower);
        (sent, seen.join().unwrap_or_default())
    });
    let sent = sent?;
    let delays = delays_ms(&shop, &seen, sent.begun)?;
    if delays.len() < ALERTS_MIN {
        return Err(gave_up(&format!("only {} alerts were seen", delays.len())));
    }
    Ok(Measured {
        unit: "ms (p99)",
        value: delays.at(0.99),
        target: "under 50",
        detail: delays.detail(&sent),
    })
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

/// From due to printed of the alerts that the sent events opened.
fn delays_ms(shop: &Shop, seen: &[Seen], begun: Instant) -> Result<Delays, Failure> {
    let due_s = shop.due_s()?;
    let partitions = LogReader::open(shop.folder().log())?.partition_count();
    let delay = |alert: &Seen| {
        let due_s = due_s.get(&(partition_of(alert.store, partitions), alert.offset))?;
        Some((alert.at.duration_since(begun).as_secs_f64() - due_s) * 1_000.0)
    };
    Ok(Delays::of(seen.iter().filter_map(delay).collect()))
}
