//! The bench of what a person types to take a file in: `shelf import`, in a process of its own.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use serde_json::{Value, json};
use shelf_domain::{Body, Event};
use shelf_events::write_event;

use super::place::{Place, io, shelf};
use super::{Measured, events_of_a_town};
use crate::failure::Failure;

/// Days of the town in the file.
const FILE_DAYS: i64 = 28;
/// How often the file's days are in it, as different stores.
const FILE_STORES: u32 = 4;
/// How often it is imported, each time into a new folder.
const RUNS: usize = 5;

/// From a JSON file to the fsynced log, the state, the alerts and the snapshots: all lines by the
/// time of the whole process, the median of some runs.
pub(super) fn import(place: &Place, threads: usize) -> Result<Measured, Failure> {
    let dir = place.folder()?;
    let file = dir.path().join("events.ndjson");
    let (lines, bytes) = write_file(&file)?;
    let mut rates = Vec::new();
    let mut report = Value::Null;
    for run in 0..RUNS {
        let data = dir.path().join(format!("data{run}"));
        let (name, count) = (file.display().to_string(), threads.to_string());
        let mut command = shelf(&data, &["import", &name, "--json", "--threads", &count])?;
        let begun = Instant::now();
        let output = command.stdout(Stdio::piped()).output().map_err(io)?;
        let seconds = begun.elapsed().as_secs_f64();
        report = serde_json::from_slice(&output.stdout).unwrap_or_default();
        if report.get("lines").and_then(Value::as_u64) != Some(lines) {
            let message = format!("`shelf import` took {report}, not {lines} lines");
            return Err(Failure::new("bench", message, "run it by hand"));
        }
        rates.push(lines as f64 / seconds);
        std::fs::remove_dir_all(&data).map_err(io)?;
    }
    let mut sorted = rates.clone();
    sorted.sort_unstable_by(f64::total_cmp);
    Ok(Measured {
        unit: "events/s",
        value: sorted.get(RUNS / 2).copied().unwrap_or(f64::NAN),
        target: if threads == 1 { "at least 600,000" } else { "at least 1,000,000" },
        detail: json!({
            "events": lines, "bytes": bytes, "threads": threads, "stores": FILE_STORES,
            "value_is": "the median of the runs", "runs": rates, "last_report": report,
        }),
    })
}

/// The town's events as JSON lines, for several stores, without the clock's; they are on disk
/// before anything is measured.
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
    let file = file.into_inner().map_err(|error| io(error.into_error()))?;
    file.sync_all().map_err(io)?;
    Ok((lines, bytes))
}
