//! Benches of whole processes: their time, their memory, their restart.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shelf_eventlog::LogReader;
use shelf_host::{ChainWriter, Folder, WriterOptions};
use shelf_web::LoadPlan;

use super::Measured;
use super::place::{Place, Running, io, shelf};
use crate::failure::Failure;

/// What `shelf run` is told where neither lake, SQL nor dashboard is measured.
pub(super) const ALONE: [&str; 5] = ["--no-lake", "--sql-listen", "off", "--listen", "off"];

/// A figure of a report; null where it has none.
fn shown<'a>(report: &'a Value, name: &str) -> &'a Value {
    report.get(name).unwrap_or(&Value::Null)
}

/// Runs `shelf simulate` in a process of its own and returns its report.
fn simulate(place: &Place, args: &[&str]) -> Result<Value, Failure> {
    let dir = place.folder()?;
    let mut all = vec!["simulate", "--json"];
    all.extend(args);
    let mut command = shelf(&dir.path().join("data"), &all)?;
    let output = command.stdout(Stdio::piped()).output().map_err(io)?;
    serde_json::from_slice(&output.stdout).map_err(|error| {
        Failure::new("bench", format!("`shelf {all:?}` gave no report: {error}"), "run it by hand")
    })
}

fn figure(report: &Value, field: &str) -> f64 {
    report.get(field).and_then(Value::as_f64).unwrap_or(f64::NAN)
}

pub(super) fn simulate_year(place: &Place) -> Result<Measured, Failure> {
    let report = simulate(place, &["--days", "365"])?;
    Ok(Measured {
        unit: "s",
        value: figure(&report, "wall_s"),
        target: "under 60",
        detail: json!({
            "events": shown(&report, "events"), "events_per_s": shown(&report, "events_per_s"),
            "peak_rss_bytes": shown(&report, "peak_rss_bytes"),
            "invariant_violations": shown(&report, "invariant_violations"),
            "on_shelf_availability": shown(&report, "on_shelf_availability"),
        }),
    })
}

pub(super) fn restart(place: &Place) -> Result<Measured, Failure> {
    const EVENTS: u64 = 10_000_000;
    let dir = place.folder()?;
    let folder = Folder::at(dir.path().join("data"));
    let mut command = shelf(folder.root(), &["simulate", "--json", "--days", "800"])?;
    let child = Running(command.spawn().map_err(io)?);
    let begun = Instant::now();
    loop {
        std::thread::sleep(Duration::from_millis(50));
        let Ok(mut reader) = LogReader::open(folder.log()) else { continue };
        let mut events = 0;
        for partition in 0..reader.partition_count() {
            events += reader.end_offset(partition)?;
        }
        if events >= EVENTS {
            break;
        }
        if begun.elapsed() > Duration::from_mins(5) {
            let message = format!("only {events} events after five minutes");
            return Err(Failure::new("bench", message, "run it on a faster disk"));
        }
    }
    drop(child);
    let begun = Instant::now();
    let mut chain = ChainWriter::open(&folder, &WriterOptions::default())?;
    let seconds = begun.elapsed().as_secs_f64();
    let events: u64 = chain.positions()?.iter().map(|(_, position, _)| position).sum();
    let replayed = chain.recovery().replayed;
    Ok(Measured {
        unit: "s",
        value: seconds,
        target: "under 2",
        detail: json!({ "events": events, "replayed": replayed }),
    })
}

/// The memory of a demo by itself.
pub(super) fn resident_demo(place: &Place) -> Result<Measured, Failure> {
    resident(place, &ALONE, "under 150")
}

/// The memory of a demo with the lake following, SQL open and the dashboard served.
pub(super) fn resident_with_lake(place: &Place) -> Result<Measured, Failure> {
    resident(place, &["--sql-listen", "127.0.0.1:0", "--listen", "127.0.0.1:0"], "under 300")
}

/// How much slower the engine gets with clients of the dashboard and the API.
pub(super) fn http_load(place: &Place) -> Result<Measured, Failure> {
    let dir = place.folder()?;
    let report = shelf_web::http_load(&Folder::at(dir.path().join("data")), LoadPlan::default())?;
    let resident_mb = report.resident_bytes.map(|bytes| bytes as f64 / f64::from(1 << 20));
    let shown = resident_mb.map_or("memory unknown".to_owned(), |mb| format!("{mb:.0} MB"));
    Ok(Measured {
        unit: "% slower",
        value: report.slower_percent,
        target: "under 10, memory under 300 MB",
        detail: json!({
            "shown": shown, "work_alone_us": report.work_alone_us,
            "work_loaded_us": report.work_loaded_us, "reads": report.reads,
            "failed_reads": report.failed_reads, "reads_per_s": report.reads_per_s,
            "read_p50_us": report.read_p50_us, "read_p99_us": report.read_p99_us,
            "streams": report.streams, "lines": report.lines,
        }),
    })
}

fn resident(place: &Place, more: &[&str], target: &'static str) -> Result<Measured, Failure> {
    const SECONDS: u64 = 30;
    let dir = place.folder()?;
    let seconds = SECONDS.to_string();
    let mut args = vec!["run", "--plain", "--for-seconds", &seconds];
    args.extend(more);
    let mut command = shelf(&dir.path().join("data"), &args)?;
    let mut child = Running(command.spawn().map_err(io)?);
    let status = format!("/proc/{}/status", child.0.id());
    let (mut resident, mut peak) = (0, 0);
    while child.0.try_wait().map_err(io)?.is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let kilobytes = |field: &str| -> Option<u64> {
            let line = text.lines().find_map(|line| line.strip_prefix(field))?;
            line.split_whitespace().next()?.parse().ok()
        };
        resident = kilobytes("VmRSS:").unwrap_or(resident);
        peak = kilobytes("VmHWM:").unwrap_or(peak);
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(Measured {
        unit: "MB",
        value: peak as f64 / 1_024.0,
        target,
        detail: json!({
            "seconds": SECONDS, "peak_mb": peak / 1_024, "at_end_mb": resident / 1_024,
        }),
    })
}

pub(super) fn hundred_stores(place: &Place) -> Result<Measured, Failure> {
    // About as many events as the hundred: what starting costs is little beside them.
    let one = simulate(place, &["--days", "400", "--threads", "1"])?;
    let hundred = simulate(place, &["--days", "4", "--stores", "100", "--threads", "1"])?;
    let both_cores = simulate(place, &["--days", "4", "--stores", "100"])?;
    let (alone, together) = (figure(&one, "events_per_s"), figure(&hundred, "events_per_s"));
    let peak = figure(&hundred, "peak_rss_bytes").max(figure(&both_cores, "peak_rss_bytes"));
    Ok(Measured {
        unit: "% of one store's events/s per core",
        value: together / alone * 100.0,
        target: "at least 70, memory under 2 GB",
        detail: json!({
            "shown": format!("{:.0} MB of memory at the peak", peak / f64::from(1 << 20)),
            "one_store_events_per_s": alone, "hundred_stores_events_per_s": together,
            "hundred_stores_all_cores_events_per_s": shown(&both_cores, "events_per_s"),
            "peak_rss_bytes": shown(&hundred, "peak_rss_bytes"),
            "peak_rss_bytes_all_cores": shown(&both_cores, "peak_rss_bytes"),
            "events": shown(&hundred, "events"),
            "invariant_violations": shown(&hundred, "invariant_violations"),
        }),
    })
}
