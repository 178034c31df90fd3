//! Server-sent events: what comes, where a stream goes on, and how many there may be.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers fail like tests")]

#[path = "fixture/shop.rs"]
mod shop;

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use shelf_web::{HttpLimits, HttpOptions, LakeFacts, LakeJob, LakeTable, Parts, Server};
use shop::Shop;

/// An open stream.
struct Events(BufReader<TcpStream>);

/// One server-sent event.
#[derive(Debug, Default)]
struct Sent {
    id: String,
    event: String,
    data: String,
}

impl Events {
    fn open(shop: &Shop, path: &str, last: &str) -> Self {
        Self::at(shop.address(), path, last)
    }

    fn at(address: SocketAddr, path: &str, last: &str) -> Self {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let last =
            if last.is_empty() { String::new() } else { format!("last-event-id: {last}\r\n") };
        let head = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n{last}\r\n");
        socket.write_all(head.as_bytes()).unwrap();
        Self(BufReader::new(socket))
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.0.read_line(&mut line).unwrap() > 0, "the stream has ended");
        line.trim_end().to_owned()
    }

    /// The next event of this kind.
    fn next(&mut self, event: &str) -> Sent {
        let mut sent = Sent::default();
        loop {
            let line = self.line();
            match line.split_once(": ") {
                Some(("id", id)) => id.clone_into(&mut sent.id),
                Some(("event", event)) => event.clone_into(&mut sent.event),
                Some(("data", data)) => data.clone_into(&mut sent.data),
                _ if line.is_empty() && sent.event == event => return sent,
                _ if line.is_empty() => sent = Sent::default(),
                _ => {}
            }
        }
    }
}

#[test]
fn what_happens_is_sent_and_a_stream_goes_on() {
    let shop = Shop::open();
    let mut events = Events::open(&shop, "/api/v1/stream", "");
    let mut of_second = Events::open(&shop, "/api/v1/stream?store=S002", "");
    shop.pace.set_speed(Some(600.0));
    shop.pace.set_paused(false);
    let first = events.next("effect");
    assert!(first.data.starts_with('{') && !first.id.is_empty(), "{first:?}");
    let seen: Vec<Sent> = (0..5).map(|_| events.next("effect")).collect();
    events.next("tick");
    let mut again = Events::open(&shop, "/api/v1/stream", &first.id);
    for sent in &seen {
        assert_eq!(again.next("effect").data, sent.data);
    }
    let stores = shop.get("/api/v1/stores").json();
    if stores["stores"][1]["store"] == "S002" {
        assert!(of_second.next("effect").data.contains("\"store\":\"S002\""));
    }
    // What nobody can know any more is said.
    Events::open(&shop, "/api/v1/stream", "0:x").next("gap");
    for wrong in ["?kind=what", "?colour=blue", "?severity=awful"] {
        assert_eq!(shop.get(&format!("/api/v1/stream{wrong}")).code(), "bad_request");
    }
}

#[test]
fn one_stream_too_many_is_refused_and_a_place_is_free_again() {
    let limits = HttpLimits { streams: 3, ..HttpLimits::default() };
    let shop = Shop::with(HttpOptions { limits, ..HttpOptions::default() }, |_| {});
    shop.pace.set_paused(false);
    let mut open: Vec<Events> = (0..3).map(|_| Events::open(&shop, "/api/v1/stream", "")).collect();
    for events in &mut open {
        events.next("tick");
    }
    let refused = shop.get("/api/v1/stream");
    assert_eq!((refused.status, refused.code().as_str()), (503, "too_many_streams"));
    assert!(refused.header("retry-after").is_some());
    drop(open);
    let begun = Instant::now();
    loop {
        let mut socket = BufReader::new(TcpStream::connect(shop.address()).unwrap());
        let head = format!("GET /api/v1/stream HTTP/1.1\r\nhost: {}\r\n\r\n", shop.address());
        socket.get_mut().write_all(head.as_bytes()).unwrap();
        let mut line = String::new();
        socket.read_line(&mut line).unwrap();
        if line.contains(" 200 ") {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{line}");
    }
}

/// As many streams as one machine of a large chain may have open.
const THOUSANDS: usize = 2_000;
/// Pages that are open beside them, each with another address.
const LOOKING: usize = 300;

/// Room for both ends of so many connections; the system gives a process less at first.
fn room_for_files(files: usize) {
    let id = std::process::id().to_string();
    let prlimit = |limit: &str| {
        let asked = ["--pid", &id, limit, "--output=SOFT", "--noheadings"];
        Command::new("prlimit").args(asked).output().unwrap()
    };
    let known = String::from_utf8(prlimit("--nofile").stdout).unwrap();
    // Where there is no limit, it is a word.
    if known.trim().parse().is_ok_and(|soft: usize| soft < files) {
        let raised = ["--pid", &id, &format!("--nofile={files}:")];
        let raised = Command::new("prlimit").args(raised).status().unwrap();
        assert!(raised.success(), "no room for {files} open files");
    }
}

/// The threads of all servers of this process.
fn web_threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let name = |task: std::io::Result<std::fs::DirEntry>| {
        std::fs::read_to_string(task.ok()?.path().join("comm")).ok()
    };
    tasks.filter_map(name).filter(|name| name.trim() == "web").count()
}

#[test]
fn thousands_of_streams_hold_nobody_up() {
    room_for_files(3 * THOUSANDS);
    let streams = THOUSANDS + LOOKING;
    let limits = HttpLimits { streams, connections: streams + 100, ..HttpLimits::default() };
    let shop = Shop::with(HttpOptions { limits, ..HttpOptions::default() }, |_| {});
    let mut open: Vec<Events> =
        (0..THOUSANDS).map(|_| Events::open(&shop, "/api/v1/stream", "")).collect();
    let page = |number: usize| Events::open(&shop, &format!("/live/alerts?text={number}"), "");
    let mut looking: Vec<Events> = (0..LOOKING).map(page).collect();
    for events in open.iter().chain(&looking) {
        // Each has begun; most of them never read a byte.
        events.0.get_ref().peek(&mut [0]).unwrap();
    }
    let metrics = shop.get("/metrics").text();
    assert!(metrics.contains(&format!("shelf_http_streams {streams}\n")), "{metrics}");
    let beyond = shop.get("/api/v1/stream");
    assert_eq!((beyond.status, beyond.code().as_str()), (503, "too_many_streams"));
    assert!(beyond.header("retry-after").is_some());
    // The engine takes acts and time goes on, pages and lists are answered, readers are told.
    let accepted =
        |shop: &Shop| shop.get("/api/v1/status").json()["events"]["accepted"].as_u64().unwrap();
    let before = accepted(&shop);
    shop.pace.set_speed(Some(120.0));
    shop.pace.set_paused(false);
    let begun = Instant::now();
    let policy = serde_json::json!({"fields": {"threshold_pct": 35}});
    let put = serde_json::to_vec(&policy).unwrap();
    let json = [("content-type", "application/json")];
    for round in 0..5 {
        let path = format!("/api/v1/policies/S001/mine-{round}");
        assert_eq!(shop.ask("PUT", &path, &json, &put).status, 200);
        for path in ["/", "/alerts", "/api/v1/alerts", "/readyz"] {
            assert_eq!(shop.get(path).status, 200, "{path}");
        }
        // However many pages are open, few of them are drawn at once.
        let threads = web_threads();
        assert!(threads < 100, "{threads} threads");
    }
    for page in looking.iter_mut().step_by(20) {
        page.next("parts");
    }
    while accepted(&shop) < before + 50 {
        assert!(begun.elapsed() < Duration::from_mins(1), "the engine stands");
    }
    let now = shop.get("/api/v1/status").json()["events"]["accepted"].as_u64().unwrap();
    for events in open.iter_mut().step_by(20) {
        let first = events.next("tick");
        // What is sent in parts has the same tick behind each.
        while events.next("tick").data == first.data {}
    }
    assert!(now > before && begun.elapsed() < Duration::from_mins(2), "{:?}", begun.elapsed());
    // Half of them go away without a word, and their places are free again.
    open.truncate(THOUSANDS / 2);
    let begun = Instant::now();
    while !first_line(&shop, "/api/v1/stream").contains(" 200 ") {
        assert!(begun.elapsed() < Duration::from_secs(30), "no place is free");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn who_never_reads_does_not_hold_the_server() {
    let limits = HttpLimits {
        streams: 2,
        write_timeout: Duration::from_millis(500),
        ..HttpLimits::default()
    };
    let mut shop = Shop::with(HttpOptions { limits, ..HttpOptions::default() }, |_| {});
    // Fills the buffers of both sockets, and is never read.
    let silent = Events::open(&shop, "/api/v1/stream", "0:0.0");
    let mut reads = Events::open(&shop, "/api/v1/stream", "");
    shop.pace.set_speed(Some(20_000.0));
    shop.pace.set_paused(false);
    let begun = Instant::now();
    while shop.get("/api/v1/status").status != 200 {}
    // Who reads is told on and on.
    let told: Vec<String> = (0..20).map(|_| reads.next("tick").data).collect();
    assert_ne!(told.first(), told.last());
    // The server stops in order even if somebody never reads.
    shop.serving.take().unwrap().stop();
    assert!(begun.elapsed() < Duration::from_secs(20));
    drop(silent);
}

/// The first line that the server answers to a request of this path.
fn first_line(shop: &Shop, path: &str) -> String {
    let mut socket = BufReader::new(TcpStream::connect(shop.address()).unwrap());
    socket.get_ref().set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", shop.address());
    socket.get_mut().write_all(head.as_bytes()).unwrap();
    let mut line = String::new();
    socket.read_line(&mut line).unwrap();
    line
}

#[test]
fn the_place_of_who_never_reads_becomes_free() {
    for path in ["/api/v1/stream", "/live/shelves"] {
        let limits = HttpLimits {
            streams: 1,
            write_timeout: Duration::from_millis(300),
            ..HttpLimits::default()
        };
        let shop = Shop::with(HttpOptions { limits, ..HttpOptions::default() }, |_| {});
        let silent = Events::open(&shop, path, "");
        // The stream has begun, and nothing of it is ever read.
        silent.0.get_ref().peek(&mut [0]).unwrap();
        assert!(first_line(&shop, path).contains(" 503 "), "{path}: the only place is taken");
        shop.pace.set_speed(Some(20_000.0));
        shop.pace.set_paused(false);
        let begun = Instant::now();
        while !first_line(&shop, path).contains(" 200 ") {
            assert!(begun.elapsed() < Duration::from_mins(1), "{path}: the place is never free");
            std::thread::sleep(Duration::from_millis(50));
        }
        // Its end is still open: the server gave it up, and not the client.
        drop(silent);
    }
}

#[test]
fn the_place_of_who_closes_an_open_page_becomes_free() {
    let limits = HttpLimits { streams: 1, ..HttpLimits::default() };
    let shop = Shop::with(HttpOptions { limits, ..HttpOptions::default() }, |_| {});
    let path = "/live/alerts?store=S001";
    let mut open = Events::open(&shop, path, "");
    open.next("parts");
    assert!(first_line(&shop, path).contains(" 503 "), "the only place is taken");
    drop(open);
    let begun = Instant::now();
    // Nothing changes in the stores: it is the age of the data that finds the client gone.
    while !first_line(&shop, path).contains(" 200 ") {
        assert!(begun.elapsed() < Duration::from_secs(30), "the place is never free");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A lake that answers nobody while its lock is held, and counts who asks.
#[derive(Default)]
struct SlowLake {
    asked: AtomicUsize,
    held: Mutex<()>,
}

impl LakeFacts for SlowLake {
    fn tables(&self) -> Result<Vec<LakeTable>, (String, String)> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let _held = self.held.lock().unwrap();
        Ok(Vec::new())
    }

    fn jobs(&self) -> Vec<LakeJob> {
        Vec::new()
    }
}

#[test]
fn pages_that_wait_for_the_lake_hold_no_other_page_up() {
    let shop = Shop::open();
    let lake = Arc::new(SlowLake::default());
    let options = HttpOptions {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        ..HttpOptions::default()
    };
    let parts = Parts { lake: Some(Arc::clone(&lake) as _), ..shop.parts() };
    let server = Server::start(options, parts).unwrap();
    let held = lake.held.lock().unwrap();
    let page =
        |number: usize| Events::at(server.address(), &format!("/live/pipeline?text={number}"), "");
    // More than are ever drawn at once.
    let mut waiting: Vec<Events> = (0..4).map(page).collect();
    let begun = Instant::now();
    while lake.asked.load(Ordering::Relaxed) < waiting.len() {
        assert!(begun.elapsed() < Duration::from_secs(20), "the lake is not asked");
        std::thread::sleep(Duration::from_millis(10));
    }
    Events::at(server.address(), "/live/alerts", "").next("parts");
    drop(held);
    for events in &mut waiting {
        events.next("parts");
    }
}
