//! A small demo chain with its server, without the command line: for work on pages and the API, and
//! for their tests.
//!
//! ```sh
//! cargo run -p shelf-web --example serve -- 127.0.0.1:8080 60 2
//! ```
//!
//! The arguments are the address, how many times as fast as the clock it goes, and how many stores
//! there are. It prints one line with its URL when it serves, and ends with its standard input.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use shelf_domain::{DAY, Event};
use shelf_host::{ChainWriter, Control, Folder, Pace, Request, TownPlan, WriterOptions};
use shelf_simulator::TownOptions;
use shelf_sources::Foreign;
use shelf_views::QualityLimits;
use shelf_web::{ChannelDoor, HttpOptions, Parts, Server};

/// How long the engine waits for a request before it looks at the time again.
const PAUSE: Duration = Duration::from_millis(5);
/// The most requests that share one wait for the disk.
const REQUESTS: usize = 4_096;
/// Days that are lived through before it serves.
const WARM_UP_DAYS: i64 = 3;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let listen = args.next().unwrap_or_else(|| "127.0.0.1:8080".to_owned()).parse()?;
    let speed: f64 = args.next().map_or(Ok(60.0), |speed| speed.parse())?;
    let stores: u32 = args.next().map_or(Ok(2), |stores| stores.parse())?;

    let dir = tempfile::tempdir()?;
    let folder = Folder::at(dir.path().join("data"));
    let options = TownOptions::default();
    let town = Some(TownPlan { stores, options: options.clone() });
    let mut chain =
        ChainWriter::open(&folder, &WriterOptions { town, ..WriterOptions::default() })?;
    let start = options.start.plus(WARM_UP_DAYS * DAY);
    chain.simulate(start, |_| {})?;
    chain.commit()?;

    let pace = Arc::new(Pace::new(start, Some(speed)));
    let (socket_pace, http_pace) = (Arc::clone(&pace), Arc::clone(&pace));
    let control = Control::listen(&folder, move || socket_pace.now())?;
    let parts = Parts {
        folder,
        door: Arc::new(ChannelDoor::new(control.sender())),
        clock: Arc::new(move || http_pace.now()),
        foreign: Foreign::default(),
        quality: QualityLimits::default(),
        sql: None,
        lake: None,
        links: None,
        simulation: Some(Arc::clone(&pace) as _),
        stages: None,
        settings: None,
    };
    let serving = Server::start(HttpOptions { listen, ..HttpOptions::default() }, parts)?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", serving.url())?;
    out.flush()?;

    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    std::thread::spawn(move || {
        // Whoever started it has seen enough when this ends.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        asked.store(true, Ordering::Relaxed);
    });
    while !stop.load(Ordering::Relaxed) {
        drive(&mut chain, &control, &pace)?;
    }
    serving.stop();
    chain.close()?;
    Ok(())
}

/// What the environment sends until now, and what others ask for.
fn drive(chain: &mut ChainWriter, control: &Control, pace: &Pace) -> Result<(), Failure> {
    if chain.pace(pace.now())? > 0 {
        chain.commit()?;
    }
    let Some(first) = control.next(PAUSE) else { return Ok(()) };
    let mut requests = vec![first];
    while requests.len() < REQUESTS
        && let Some(next) = control.waiting()
    {
        requests.push(next);
    }
    let received_at = pace.now();
    let (events, replies): (Vec<Event>, Vec<_>) = requests
        .into_iter()
        .map(|Request { event, reply, .. }| (Event { received_at, ..event }, reply))
        .unzip();
    let submitted = chain.submit(&events)?;
    for (reply, outcome) in replies.into_iter().zip(submitted.outcomes) {
        // A sender that has gone does not wait for its answer.
        let _ = reply.send(outcome);
    }
    Ok(())
}
