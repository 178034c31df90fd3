//! `shelf replay`: step the whole log again from its first event, and compare with the snapshots.

use std::time::Instant;

use serde::Serialize;
use shelf_domain::Timestamp;
use shelf_host::{ChainReader, Follow};
use shelf_views::{Chain, HostFacts, StatusView, render_status};

use crate::args::ReplayArgs;
use crate::failure::Failure;
use crate::output::Output;
use crate::progress;
use crate::settings::Settings;

/// How often two readers of a log that is written are brought to the same place.
const TRIES: usize = 1_000;

#[derive(Debug, Serialize)]
struct ReplayView {
    events: u64,
    wall_s: f64,
    events_per_s: f64,
    state_hash: String,
    snapshot_state_hash: String,
    equal: bool,
}

pub(crate) fn run(args: &ReplayArgs, settings: &Settings, output: Output) -> Result<(), Failure> {
    if let Some(until) = &args.until {
        return show_past(until, settings, output);
    }
    let folder = settings.folder();
    let begun = Instant::now();
    let mut replay = ChainReader::open_behind(&folder, Follow::FromStart)?;
    let bar = progress::bar(output, 0, "{spinner} {pos} events  {per_sec}");
    let events = replay.catch_up(|_, _| bar.inc(1))?;
    bar.finish_and_clear();
    let wall_s = begun.elapsed().as_secs_f64();
    let mut snapshot = ChainReader::open(&folder, Follow::FromSnapshot)?;
    bring_together(&mut replay, &mut snapshot)?;
    let (hash, other) = (replay.state_hash()?, snapshot.state_hash()?);
    let equal = hash == other;
    let view = ReplayView {
        events,
        wall_s,
        events_per_s: (events as f64 / wall_s.max(1e-9)).round(),
        state_hash: format!("{hash:032x}"),
        snapshot_state_hash: format!("{other:032x}"),
        equal,
    };
    output.view(&view, |view| {
        let verdict = if view.equal { "equal to" } else { "NOT equal to" };
        format!(
            "{} events replayed in {:.2} s, {} events/s\nstate {} is {verdict} snapshot and tail",
            view.events, view.wall_s, view.events_per_s, view.state_hash
        )
    })?;
    if !equal {
        return Err(Failure::new(
            "replay_differs",
            "the replayed state is not that of snapshot and tail",
            "run `shelf log verify`; if the log is sound, report this as a defect",
        ));
    }
    Ok(())
}

/// A process may be writing: both read on until they stand at the same events.
fn bring_together(one: &mut ChainReader, other: &mut ChainReader) -> Result<(), Failure> {
    for _ in 0..TRIES {
        one.catch_up(|_, _| {})?;
        other.catch_up(|_, _| {})?;
        if one.positions() == other.positions() {
            return Ok(());
        }
    }
    Err(Failure::new(
        "always_moving",
        "the running process writes faster than this can follow",
        "stop it, or slow it down with --speed, and replay again",
    ))
}

/// The state as it was when the last event received by a time had been stepped.
fn show_past(until: &str, settings: &Settings, output: Output) -> Result<(), Failure> {
    let until: jiff::Timestamp = until.parse().map_err(|error: jiff::Error| {
        Failure::usage(error.to_string(), "give a time such as 2026-01-05T12:00:00Z")
    })?;
    let until = Timestamp(until.as_microsecond());
    let past = ChainReader::open_until(&settings.folder(), until)?;
    let view = StatusView::new(&Chain::new(past.partitions()), &HostFacts::default());
    output.view(&view, |view| render_status(view, &output.style(), output.width()))
}
