//! `shelf bridge`: the entries of Redis Streams into topics, and what it tells of itself.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shelf_links::{LinkFailure, LinkView, check_bridge, start_bridge};

use crate::args::BridgeArgs;
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;
use crate::stop::Stop;

/// How often it tells how it stands.
const TELL: Duration = Duration::from_secs(1);
/// How often it looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(50);

pub(super) fn run(args: &BridgeArgs, settings: &Settings, output: Output) -> Result<(), Failure> {
    let connection = settings.kafka.connection()?;
    let streams = settings.redis.streams()?.ok_or_else(|| {
        Failure::new("settings", "no streams are named", "name them with --stream")
    })?;
    check_bridge(&streams, &connection)?;
    let stop = Stop::on_signals()?;
    output.say(&format!("a bridge from {} to {connection}", streams.redis));
    let link = start_bridge(streams, connection)?;
    let deadline = args
        .for_seconds
        .and_then(|seconds| Instant::now().checked_add(Duration::from_secs(seconds)));
    let status = link.status().clone();
    let (mut told, mut before, mut entries) = (Instant::now(), Value::Null, 0);
    while !stop.asked() && deadline.is_none_or(|deadline| Instant::now() < deadline) {
        std::thread::sleep(LOOK);
        if told.elapsed() < TELL {
            continue;
        }
        let view = status.view();
        let rate = (view.events - entries) as f64 / told.elapsed().as_secs_f64();
        (told, entries) = (Instant::now(), view.events);
        let standing = standing(&view, rate);
        if standing != before {
            output.view(&standing, |_| line(&view, rate))?;
            before = standing;
        }
    }
    // What is under way arrives and is acknowledged before it ends.
    link.stop();
    let view = status.view();
    output.view(&standing(&view, 0.0), |_| line(&view, 0.0))
}

/// How it stands.
fn standing(view: &LinkView, entries_per_s: f64) -> Value {
    json!({
        "state": view.state, "entries": view.events, "entries_per_s": entries_per_s.round(),
        "quarantined": view.quarantined, "lost": view.lost, "failures": view.failures,
        "failure": view.failure,
    })
}

fn line(view: &LinkView, entries_per_s: f64) -> String {
    let LinkView { events, quarantined, failures, .. } = view;
    let text = format!(
        "{events} entries, {entries_per_s:.0} a second; {quarantined} are no events; \
         {failures} failures"
    );
    match &view.failure {
        Some(LinkFailure { code, message, hint }) => {
            format!("{text}\n  {message} [{code}]; {hint}")
        }
        None => text,
    }
}
