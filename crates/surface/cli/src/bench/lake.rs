//! Benches of the lake: how fast the log becomes tables, how large a year is, what following costs
//! the engine.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::Measured;
use super::place::{Place, Running, io, shelf};
use crate::failure::Failure;

/// Days of the log that is made into tables.
const DAYS: &str = "60";

/// Runs this program in a process of its own, and returns what it printed as JSON lines.
fn lines(data: &Path, words: &[&str]) -> Result<Vec<Value>, Failure> {
    let mut command = shelf(data, words)?;
    command.arg("--json");
    let output = command.stdout(Stdio::piped()).output().map_err(io)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let parsed: Result<Vec<Value>, _> = text.lines().map(serde_json::from_str).collect();
    match parsed {
        Ok(lines) if output.status.success() => Ok(lines),
        _ => {
            let message = format!("`shelf {words:?}` ended with {}", output.status);
            Err(Failure::new("bench", message, "run it by hand"))
        }
    }
}

fn one(data: &Path, words: &[&str]) -> Result<Value, Failure> {
    Ok(lines(data, words)?.into_iter().next().unwrap_or_default())
}

pub(super) fn number(view: &Value, name: &str) -> f64 {
    view.get(name).and_then(Value::as_f64).unwrap_or(f64::NAN)
}

/// Rows a second from the log to committed tables, all tables together.
pub(super) fn rows(place: &Place) -> Result<Measured, Failure> {
    let dir = place.folder()?;
    let data = dir.path().join("data");
    one(&data, &["simulate", "--days", DAYS])?;
    let followed = one(&data, &["lake", "follow", "--until-caught-up"])?;
    Ok(Measured {
        unit: "rows/s",
        value: number(&followed, "rows") / number(&followed, "wall_s"),
        target: "at least 500,000",
        detail: json!({ "days": 60, "followed": followed }),
    })
}

/// A year of one store, in the lake and in its star schema.
pub(super) struct DataYear {
    simulated: Value,
    followed: Value,
    build_s: f64,
    data: PathBuf,
    _dir: TempDir,
}

impl DataYear {
    pub(super) fn simulated(place: &Place) -> Result<Self, Failure> {
        let dir = place.folder()?;
        let data = dir.path().join("data");
        let simulated = one(&data, &["simulate", "--days", "365"])?;
        let followed = one(&data, &["lake", "follow", "--until-caught-up"])?;
        let begun = Instant::now();
        lines(&data, &["lake", "build", "--from", "2000-01-01"])?;
        let build_s = begun.elapsed().as_secs_f64();
        Ok(Self { simulated, followed, build_s, data, _dir: dir })
    }

    /// The data folder.
    pub(super) fn data(&self) -> &Path {
        &self.data
    }

    /// What `shelf simulate` told.
    pub(super) fn simulated_report(&self) -> &Value {
        &self.simulated
    }
}

/// The bytes of a year of one store, and how long its star schema takes to build.
pub(super) fn year(place: &Place) -> Result<Measured, Failure> {
    let year = DataYear::simulated(place)?;
    let before = sizes(&year.data)?;
    lines(&year.data, &["lake", "optimize"])?;
    let after = sizes(&year.data)?;
    let shown = format!("{:.1} s, {:.0} files", year.build_s, before.most_files);
    Ok(Measured {
        unit: "MB",
        value: before.bytes / 1e6,
        target: "under 600, star schema in under 60 s, under 200 files of a table",
        detail: json!({
            "shown": shown, "events": year.simulated.get("events"), "followed": year.followed,
            "build_s": year.build_s, "most_files": before.most_files,
            "most_files_optimized": after.most_files, "megabytes_optimized": after.bytes / 1e6,
            "rows": after.rows,
        }),
    })
}

struct Sizes {
    bytes: f64,
    rows: f64,
    most_files: f64,
}

fn sizes(data: &Path) -> Result<Sizes, Failure> {
    let view = one(data, &["lake", "tables"])?;
    let tables = view.get("tables").and_then(Value::as_array).cloned().unwrap_or_default();
    let sum = |name: &str| tables.iter().map(|table| number(table, name)).sum();
    let most_files = tables.iter().map(|table| number(table, "files")).fold(0.0, f64::max);
    Ok(Sizes { bytes: sum("bytes"), rows: sum("rows"), most_files })
}

/// How much slower the engine is while another process follows its log into the lake.
pub(super) fn slowdown(place: &Place) -> Result<Measured, Failure> {
    const RUNS: usize = 3;
    let (mut alone, mut followed) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        alone.push(speed(place, Following::No)?);
        followed.push(speed(place, Following::Yes)?);
    }
    let best = |rates: &[f64]| rates.iter().copied().fold(0.0, f64::max);
    let lost = 1.0 - best(&followed) / best(&alone);
    Ok(Measured {
        unit: "%",
        value: lost * 100.0,
        target: "under 15",
        detail: json!({ "events_per_s_alone": alone, "events_per_s_followed": followed }),
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Following {
    Yes,
    No,
}

/// Events a second of a simulation.
fn speed(place: &Place, following: Following) -> Result<f64, Failure> {
    let dir = place.folder()?;
    let data = dir.path().join("data");
    one(&data, &["simulate", "--days", "0"])?;
    let follower = match following {
        Following::No => None,
        Following::Yes => {
            let mut command = shelf(&data, &["lake", "follow"])?;
            let child = Running(command.spawn().map_err(io)?);
            std::thread::sleep(Duration::from_secs(2));
            Some(child)
        }
    };
    let simulated = one(&data, &["simulate", "--days", DAYS])?;
    drop(follower);
    Ok(number(&simulated, "events_per_s"))
}
