//! What many clients cost: streams and reads against a running chain, and how much longer the
//! engine works for a minute of the shop. `shelf bench` calls it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;
use shelf_domain::{DAY, HOUR, MINUTE, Timestamp};
use shelf_host::{ChainWriter, Control, Folder, HostError, TownPlan, WriterOptions};
use shelf_simulator::TownOptions;
use shelf_sources::Foreign;
use shelf_views::QualityLimits;

use crate::app::Parts;
use crate::door::ChannelDoor;
use crate::error::WebError;
use crate::options::HttpOptions;
use crate::serve::Server;

/// What the clients read, in turn.
const READS: [&str; 5] = [
    "/api/v1/status",
    "/api/v1/alerts?limit=20",
    "/api/v1/shelves?limit=50",
    "/api/v1/orders?limit=20",
    "/api/v1/tasks?limit=20",
];
/// Clients that read, each on a connection of its own.
const READERS: u64 = 16;
/// How long a client waits for the server.
const PATIENCE: Duration = Duration::from_secs(10);
/// Minutes of the shop that pass between two looks at the time, in one piece of work of the engine.
const STEP_US: i64 = MINUTE;
/// Minutes that pass before anything is measured.
const WARM_UP: u32 = 20;

/// How much is asked of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadPlan {
    /// Streams that are open all the time.
    pub streams: usize,
    /// Reads in a second, all clients together.
    pub reads_per_s: u64,
    /// Minutes of the shop that pass without clients, and again with them.
    pub minutes: u32,
    /// Minutes of the shop in a second.
    pub minutes_per_s: u32,
}

impl Default for LoadPlan {
    fn default() -> Self {
        Self { streams: 200, reads_per_s: 1_000, minutes: 300, minutes_per_s: 10 }
    }
}

/// What was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LoadReport {
    /// How much longer the engine worked for a minute of the shop with clients than without, by the
    /// medians, in per cent.
    pub slower_percent: f64,
    /// The median work for a minute without clients, in microseconds.
    pub work_alone_us: u64,
    /// The same with clients.
    pub work_loaded_us: u64,
    /// Reads that were answered.
    pub reads: u64,
    /// Reads that were not.
    pub failed_reads: u64,
    /// Reads answered in a second.
    pub reads_per_s: f64,
    /// Half of the reads took no longer, in microseconds.
    pub read_p50_us: u64,
    /// Of a hundred, 99 took no longer.
    pub read_p99_us: u64,
    /// Streams that were open at the end.
    pub streams: u64,
    /// Lines that streams got.
    pub lines: u64,
    /// Memory of the process with all clients, which are in it, in bytes; `None` where the system
    /// does not say.
    pub resident_bytes: Option<u64>,
}

/// What clients share.
#[derive(Debug, Default)]
struct Counts {
    stop: AtomicBool,
    failed: AtomicU64,
    streams: AtomicU64,
    lines: AtomicU64,
}

/// Runs a chain of one store in a folder that is not there yet, without clients and with them.
pub fn http_load(folder: &Folder, plan: LoadPlan) -> Result<LoadReport, WebError> {
    let town = TownOptions::default();
    let start = town.start.plus(DAY + 10 * HOUR);
    let town = Some(TownPlan { stores: 1, options: town });
    let options = WriterOptions { town, threads: 1, ..WriterOptions::default() };
    let mut chain = ChainWriter::open(folder, &options)?;
    chain.simulate(start, |_| {})?;
    chain.commit()?;
    let control = Control::listen(folder, Timestamp::default)?;
    let parts = Parts {
        folder: folder.clone(),
        door: Arc::new(ChannelDoor::new(control.sender())),
        clock: Arc::new(Timestamp::default),
        foreign: Foreign::default(),
        quality: QualityLimits::default(),
        sql: None,
        lake: None,
        links: None,
        simulation: Some(Arc::new(shelf_host::Pace::new(start, Some(60.0)))),
        stages: None,
        settings: None,
    };
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let serving = Server::start(HttpOptions { listen, ..HttpOptions::default() }, parts)?;
    // Half of the minutes before the clients come and half after they have gone: the shop has more
    // to do at some hours than at others.
    let half = LoadPlan { minutes: plan.minutes.div_ceil(2), ..plan };
    drive(&mut chain, LoadPlan { minutes: WARM_UP, ..plan })?;
    let mut alone = drive(&mut chain, half)?;
    let counts = Arc::new(Counts::default());
    let begun = Instant::now();
    let (streams, readers) = clients(serving.address(), plan, &counts);
    let loaded = drive(&mut chain, plan);
    let resident_bytes = crate::operation::resident_bytes();
    let open = counts.streams.load(Ordering::Relaxed);
    counts.stop.store(true, Ordering::Relaxed);
    let mut took: Vec<u64> = readers.into_iter().flat_map(joined).collect();
    let seconds = begun.elapsed().as_secs_f64();
    alone.extend(drive(&mut chain, half)?);
    serving.stop();
    streams.into_iter().for_each(joined);
    chain.close()?;
    let (alone, loaded) = (middle(alone, 2), middle(loaded?, 2));
    let reads = took.len() as u64;
    took.sort_unstable();
    Ok(LoadReport {
        slower_percent: (loaded as f64 / alone.max(1) as f64 - 1.0) * 100.0,
        work_alone_us: alone,
        work_loaded_us: loaded,
        reads,
        failed_reads: counts.failed.load(Ordering::Relaxed),
        reads_per_s: reads as f64 / seconds,
        read_p50_us: middle(took.clone(), 2),
        read_p99_us: took.get(took.len() * 99 / 100).copied().unwrap_or(0),
        streams: open,
        lines: counts.lines.load(Ordering::Relaxed),
        resident_bytes,
    })
}

/// What a client has, or nothing where it has ended before its time.
fn joined<T: Default>(client: std::thread::JoinHandle<T>) -> T {
    client.join().unwrap_or_default()
}

fn middle(mut times: Vec<u64>, part: usize) -> u64 {
    times.sort_unstable();
    times.get(times.len() / part).copied().unwrap_or(0)
}

/// How long the engine worked for each minute of the shop, at the speed of the plan.
fn drive(chain: &mut ChainWriter, plan: LoadPlan) -> Result<Vec<u64>, HostError> {
    let pause = Duration::from_secs(1) / plan.minutes_per_s.max(1);
    let (mut now, mut took) = (chain.town_now().unwrap_or_default(), Vec::new());
    for _ in 0..plan.minutes {
        now = now.plus(STEP_US);
        let begun = Instant::now();
        chain.pace(now)?;
        chain.commit()?;
        let worked = begun.elapsed();
        took.push(worked.as_micros() as u64);
        std::thread::sleep(pause.saturating_sub(worked));
    }
    Ok(took)
}

type Clients<T> = Vec<std::thread::JoinHandle<T>>;

fn clients(
    address: SocketAddr,
    plan: LoadPlan,
    counts: &Arc<Counts>,
) -> (Clients<()>, Clients<Vec<u64>>) {
    let streams = (0..plan.streams).map(|_| {
        let counts = Arc::clone(counts);
        std::thread::spawn(move || {
            // A stream that breaks off is counted by its absence at the end.
            let _ = follow(address, &counts);
        })
    });
    let streams = streams.collect();
    let readers = (0..READERS).map(|_| {
        let counts = Arc::clone(counts);
        let pause = Duration::from_secs_f64(READERS as f64 / plan.reads_per_s.max(1) as f64);
        std::thread::spawn(move || read(address, pause, &counts))
    });
    (streams, readers.collect())
}

fn follow(address: SocketAddr, counts: &Counts) -> std::io::Result<()> {
    let mut socket = connected(address)?;
    let head = format!("GET /api/v1/stream HTTP/1.1\r\nhost: {address}\r\n\r\n");
    socket.write_all(head.as_bytes())?;
    let (mut lines, mut line) = (BufReader::new(socket), String::new());
    lines.read_line(&mut line)?;
    if !line.starts_with("HTTP/1.1 200 ") {
        return Err(std::io::ErrorKind::ConnectionRefused.into());
    }
    counts.streams.fetch_add(1, Ordering::Relaxed);
    while !counts.stop.load(Ordering::Relaxed) {
        line.clear();
        match lines.read_line(&mut line) {
            Ok(0) | Err(_) => break,
            Ok(_) if line.starts_with("event: effect") => {
                counts.lines.fetch_add(1, Ordering::Relaxed);
            }
            Ok(_) => {}
        }
    }
    counts.streams.fetch_sub(1, Ordering::Relaxed);
    Ok(())
}

fn connected(address: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpStream::connect_timeout(&address, PATIENCE)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_nodelay(true)?;
    Ok(socket)
}

/// Reads at a pace, and returns how long each read took, in microseconds.
fn read(address: SocketAddr, pause: Duration, counts: &Counts) -> Vec<u64> {
    let (mut took, mut client) = (Vec::new(), None);
    let mut next = Instant::now();
    for path in READS.iter().cycle() {
        if counts.stop.load(Ordering::Relaxed) {
            break;
        }
        let known = client.take().or_else(|| connected(address).ok().map(BufReader::new));
        let begun = Instant::now();
        match known.and_then(|mut known| one(&mut known, address, path).ok().map(|()| known)) {
            Some(known) => {
                took.push(begun.elapsed().as_micros() as u64);
                client = Some(known);
            }
            None => _ = counts.failed.fetch_add(1, Ordering::Relaxed),
        }
        next += pause;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    took
}

/// One read on a connection that stays open.
fn one(client: &mut BufReader<TcpStream>, address: SocketAddr, path: &str) -> std::io::Result<()> {
    let head = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n");
    client.get_mut().write_all(head.as_bytes())?;
    let (mut line, mut length, mut good) = (String::new(), 0, None);
    loop {
        line.clear();
        if client.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let text = line.trim_end().to_ascii_lowercase();
        good = good.or(Some(text.starts_with("http/1.1 200")));
        if let Some(value) = text.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if text.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    client.read_exact(&mut body)?;
    if good == Some(true) { Ok(()) } else { Err(std::io::ErrorKind::InvalidData.into()) }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// How many streams a client counts while it follows a server that answers with this.
    fn counted(answer: &'static str) -> u64 {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let counts = Arc::new(Counts::default());
        let shared = Arc::clone(&counts);
        let client = std::thread::spawn(move || follow(address, &shared));
        let (mut socket, _) = listener.accept().unwrap();
        socket.write_all(answer.as_bytes()).unwrap();
        // The client has read what it was answered once it has counted a line, or has gone.
        while counts.lines.load(Ordering::Relaxed) == 0 && !client.is_finished() {
            std::thread::yield_now();
        }
        let streams = counts.streams.load(Ordering::Relaxed);
        drop(socket);
        let _ = client.join().unwrap();
        assert_eq!(counts.streams.load(Ordering::Relaxed), 0);
        streams
    }

    #[test]
    fn only_a_stream_that_was_let_in_is_counted() {
        assert_eq!(counted("HTTP/1.1 200 OK\r\n\r\nevent: effect\n"), 1);
        assert_eq!(counted("HTTP/1.1 503 Service Unavailable\r\n\r\nevent: effect\n"), 0);
    }
}
