//! Benches of the way from a file, or an event, to what follows from it.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use shelf_domain::{AlertStatus, Body, Effect, Event};
use shelf_events::write_event;
use shelf_host::{ChainWriter, Folder, OutputTail, Tally, WriterOptions};

use super::{Measured, events_of_a_town};
use crate::failure::Failure;
use crate::import::{Feed, feed};

/// Days of the town in the file.
const FILE_DAYS: i64 = 28;
/// How often the file's days are in it, as different stores.
const FILE_STORES: u32 = 4;

#[expect(clippy::needless_pass_by_value, reason = "it stands where `map_err` hands errors over")]
fn io(error: std::io::Error) -> Failure {
    Failure::new("io", error.to_string(), "run `shelf doctor` for a look at the machine")
}

/// From a JSON file to the fsynced log, the state and the alerts.
pub(super) fn import(threads: usize) -> Result<Measured, Failure> {
    let dir = tempfile::tempdir().map_err(io)?;
    let file = dir.path().join("events.ndjson");
    let (lines, bytes) = write_file(&file)?;
    let options = WriterOptions { threads, ..WriterOptions::default() };
    let mut chain = ChainWriter::open(&Folder::at(dir.path().join("data")), &options)?;
    let begun = Instant::now();
    let mut source = Feed::open(&[file.display().to_string()], threads)?;
    let mut tally = Tally::default();
    feed(&mut chain, &mut source, &mut tally, |_| {})?;
    chain.commit()?;
    let seconds = begun.elapsed().as_secs_f64();
    let alerts: u64 = chain
        .partitions()?
        .iter()
        .flat_map(|stores| stores.iter())
        .map(|store| store.stats().alerts_opened.total())
        .sum();
    Ok(Measured {
        unit: "events/s",
        value: lines as f64 / seconds,
        target: if threads == 1 { "at least 600,000" } else { "at least 1,000,000" },
        detail: json!({
            "events": lines, "bytes": bytes, "wall_s": seconds, "threads": threads,
            "stores": FILE_STORES, "accepted": tally.accepted, "alerts_opened": alerts,
        }),
    })
}

/// The town's events as JSON lines, for several stores, without the clock's.
fn write_file(path: &Path) -> Result<(u64, u64), Failure> {
    let (opening, events) = events_of_a_town(FILE_DAYS);
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).map_err(io)?);
    let (mut lines, mut bytes) = (0, 0);
    let mut line = Vec::new();
    for event in opening.iter().chain(&events).filter(|event| event.body != Body::Clock) {
        for store in 1..=FILE_STORES {
            let mut event: Event = event.clone();
            event.store = shelf_simulator::store_id(store - 1);
            event.id.0 ^= u128::from(store);
            line.clear();
            write_event(&event, &mut line);
            line.push(b'\n');
            file.write_all(&line).map_err(io)?;
            lines += 1;
            bytes += line.len() as u64;
        }
    }
    file.flush().map_err(io)?;
    Ok((lines, bytes))
}

/// From the moment at which an event is due to the moment at which its alert can be read from the
/// output log, both logs fsynced.
pub(super) fn event_to_alert() -> Result<Measured, Failure> {
    const RATE: f64 = 10_000.0;
    const SECONDS: f64 = 12.0;
    let dir = tempfile::tempdir().map_err(io)?;
    let folder = Folder::at(dir.path().join("data"));
    let (opening, events) = events_of_a_town(6);
    let mut chain = ChainWriter::open(&folder, &WriterOptions::default())?;
    chain.submit(&opening)?;
    let mut outputs = OutputTail::open(&folder)?;
    outputs.catch_up(|_, _| {})?;
    let wanted = ((RATE * SECONDS) as usize).min(events.len());
    let events = events.get(..wanted).unwrap_or(&events);
    let offset_of_first = opening.len() as u64;
    let mut delays = Vec::new();
    let mut sent = 0;
    let begun = Instant::now();
    while sent < events.len() {
        let due = ((begun.elapsed().as_secs_f64() * RATE) as usize).min(events.len());
        let Some(batch) = events.get(sent..due).filter(|batch| !batch.is_empty()) else {
            std::thread::sleep(Duration::from_micros(200));
            continue;
        };
        chain.submit(batch)?;
        sent = due;
        let mut opened = Vec::new();
        outputs.catch_up(|_, record| {
            if let Effect::Alert(alert) = &record.effect
                && alert.status == AlertStatus::Open
            {
                opened.push(record.input_offset);
            }
        })?;
        let visible = begun.elapsed().as_secs_f64();
        for offset in opened {
            let due_at = (offset - offset_of_first) as f64 / RATE;
            delays.push((visible - due_at) * 1_000.0);
        }
    }
    delays.sort_unstable_by(f64::total_cmp);
    let at =
        |part: f64| delays.get((delays.len() as f64 * part) as usize).copied().unwrap_or(f64::NAN);
    Ok(Measured {
        unit: "ms (p99)",
        value: at(0.99),
        target: "under 50",
        detail: json!({
            "events": events.len(), "events_per_s": sent as f64 / begun.elapsed().as_secs_f64(),
            "alerts": delays.len(), "p50_ms": at(0.5), "p99_ms": at(0.99),
            "max_ms": delays.last().copied(),
        }),
    })
}
