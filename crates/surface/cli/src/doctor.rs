//! `shelf doctor`: looks at the machine and the data, and says what is wrong and what to do.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use serde::Serialize;
use shelf_host::{ChainReader, Follow};
use shelf_query::Listener;
use shelf_web::{Server, Users, WebError};

use crate::acts::wall_now;
use crate::failure::Failure;
use crate::log::snapshots;
use crate::output::Output;
use crate::settings::Settings;

/// Below so much room the disk is nearly full.
const ROOM_BYTES: u64 = 1 << 30;
/// Before this the clock is wrong: 2026-01-01.
const EARLIEST_CLOCK_US: i64 = 1_767_225_600_000_000;

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    check: &'static str,
    state: State,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ok,
    Warn,
    Fail,
}

pub(crate) fn run(settings: &Settings, output: Output) -> Result<ExitCode, Failure> {
    let checks = [
        machine(),
        clock(),
        disk_room(&settings.data),
        disk_sync(&settings.data),
        port("http", settings.http.server()?.map(|http| http.listen), settings),
        port("sql", settings.sql.server()?.map(|sql| sql.listen), settings),
        access(settings)?,
        data(settings),
    ];
    for check in &checks {
        output.view(check, |check| {
            let word = match check.state {
                State::Ok => "ok  ",
                State::Warn => "WARN",
                State::Fail => "FAIL",
            };
            let hint = check.hint.as_ref().map_or(String::new(), |hint| format!("\n      {hint}"));
            format!("{word}  {:<10} {}{hint}", check.check, check.found)
        })?;
    }
    let failed = checks.iter().any(|check| check.state == State::Fail);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn ok(check: &'static str, found: String) -> Check {
    Check { check, state: State::Ok, found, hint: None }
}

fn bad(check: &'static str, state: State, found: String, hint: &str) -> Check {
    Check { check, state, found, hint: Some(hint.to_owned()) }
}

fn machine() -> Check {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = memory.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kilobytes: Option<u64> =
        total.and_then(|text| text.split_whitespace().next()).and_then(|text| text.parse().ok());
    let memory = kilobytes.map_or("unknown memory".to_owned(), |kilobytes| {
        format!("{:.1} GB of memory", kilobytes as f64 / 1_048_576.0)
    });
    ok("machine", format!("{cores} cores, {memory}"))
}

fn clock() -> Check {
    let now = jiff::Timestamp::now();
    if wall_now().0 < EARLIEST_CLOCK_US {
        return bad("clock", State::Fail, now.to_string(), "set the system's clock");
    }
    ok("clock", now.to_string())
}

/// The nearest folder above that is there.
fn existing(path: &Path) -> &Path {
    let mut at = path;
    while !at.exists() {
        match at.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => at = parent,
            _ => return Path::new("."),
        }
    }
    at
}

fn disk_room(data: &Path) -> Check {
    let place = existing(data);
    let df = Command::new("df").arg("--output=avail").arg("-B1").arg(place).output();
    let free: Option<u64> = df.ok().and_then(|df| {
        let text = String::from_utf8_lossy(&df.stdout).into_owned();
        text.lines().nth(1)?.trim().parse().ok()
    });
    match free {
        None => bad("disk", State::Warn, "room unknown".into(), "see `df` for the room left"),
        Some(free) if free < ROOM_BYTES => {
            let found = format!("{} MB left", free >> 20);
            bad("disk", State::Warn, found, "make room: a full disk stops the store's events")
        }
        Some(free) => ok("disk", format!("{} GB left at {}", free >> 30, place.display())),
    }
}

fn disk_sync(data: &Path) -> Check {
    let path = existing(data).join(format!(".shelf-doctor-{}", std::process::id()));
    let timed = (|| -> std::io::Result<f64> {
        let mut file = std::fs::File::create(&path)?;
        let begun = Instant::now();
        for _ in 0..10 {
            file.write_all(&[0; 4_096])?;
            file.sync_data()?;
        }
        Ok(begun.elapsed().as_secs_f64() * 100.0)
    })();
    // It may never have been made.
    let _ = std::fs::remove_file(&path);
    match timed {
        Ok(ms) if ms > 20.0 => {
            let hint = "acknowledgements wait for the disk: use a faster one for many events";
            bad("fsync", State::Warn, format!("{ms:.1} ms"), hint)
        }
        Ok(ms) => ok("fsync", format!("{ms:.2} ms")),
        Err(error) => {
            let hint = "check who owns the folder and whether it may be written";
            bad("fsync", State::Fail, error.to_string(), hint)
        }
    }
}

/// Whether a chain that is started here could serve at an address.
fn port(check: &'static str, listen: Option<SocketAddr>, settings: &Settings) -> Check {
    let Some(address) = listen else { return ok(check, "nobody is to connect".to_owned()) };
    match TcpListener::bind(address) {
        Ok(_) => ok(check, format!("{address} is free")),
        Err(_) if shelf_host::connect(&settings.folder()).is_some() => {
            ok(check, format!("{address} is taken, and a chain runs in the data folder"))
        }
        Err(error) => {
            let hint = format!("another program listens there: set {check}.listen to another one");
            bad(check, State::Warn, format!("{address}: {error}"), &hint)
        }
    }
}

/// Whether a chain that is started here could tell who may connect: users, passwords, certificates.
fn access(settings: &Settings) -> Result<Check, Failure> {
    let folder = settings.folder();
    let of_web = |error: &WebError| bad("access", State::Fail, error.to_string(), error.hint());
    let users = match Users::open(&folder) {
        Ok(users) => users.list().len(),
        Err(error) => return Ok(of_web(&error)),
    };
    if let Some(options) = settings.http.server()?
        && let Err(error) = Server::check(&options, &folder)
    {
        return Ok(of_web(&error));
    }
    if let Some(options) = settings.sql.server()?
        && let Err(error) = Listener::check(&options)
    {
        // Where nobody has asked for an address by name, a chain does without.
        let state = if settings.sql.asked_to_listen() { State::Fail } else { State::Warn };
        return Ok(bad("access", state, error.to_string(), error.hint()));
    }
    Ok(ok("access", format!("{users} user(s)")))
}

fn data(settings: &Settings) -> Check {
    let folder = settings.folder();
    if !folder.meta_path().exists() {
        return ok("data", format!("{} is new", settings.data.display()));
    }
    let reader = match ChainReader::open(&folder, Follow::FromSnapshot) {
        Ok(reader) => reader,
        Err(error) => return bad("data", State::Fail, error.to_string(), error.hint()),
    };
    let stores = reader.stores();
    let broken: usize = stores.iter().map(|store| store.violations().len()).sum();
    let events: u64 = reader.positions().iter().map(|(_, position)| position).sum();
    let found = format!("{} store(s), {events} events, {broken} invariants broken", stores.len());
    if broken > 0 {
        let hint = "run `shelf replay` and `shelf log verify`, and report this as a defect";
        return bad("data", State::Fail, found, hint);
    }
    match snapshots(&folder) {
        Err(failure) => bad("data", State::Fail, failure.message, &failure.hint),
        Ok(view) => match view.damaged.first() {
            None => ok("data", found),
            Some(path) => {
                let found = format!("{found}; the snapshot {} is damaged", path.display());
                let hint = "an older one or the log stands in: remove it, or copy the folder anew";
                bad("data", State::Warn, found, hint)
            }
        },
    }
}
