//! How fast links are on this machine, against servers that run: entries of a stream into a log a
//! second, and rows into the mirror a second.
//!
//! `rates <redis url> <postgres url> <folder>`: makes chains in the folder, adds entries to a
//! stream `rates`, and writes the mirror's schemas.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "who runs it sees where it stops, and why"
)]

use std::path::Path;
use std::time::{Duration, Instant};

use shelf_domain::{
    Body, Category, DAY, Event, EventId, Origin, Outcome, Product, Sku, StoreId, StoreSettings,
    Timestamp,
};
use shelf_engine::Options as EngineOptions;
use shelf_eventlog::LogOptions;
use shelf_host::{ChainWriter, Folder, TownPlan, WriterOptions};
use shelf_links::{LinkStatus, MirrorFollower, MirrorOptions, Until};
use shelf_mirrors::Postgres;
use shelf_redis::{EventLog, EventSink, Options, Redis, SinkError, Source};
use shelf_simulator::TownOptions;
use shelf_sources::read_event;

const STREAM: &str = "rates";
const ENTRIES: u64 = 400_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [redis, postgres, folder] = arguments.as_slice() else {
        eprintln!("rates <redis url> <postgres url> <folder>");
        return;
    };
    let folder = Path::new(folder);
    streams(redis, &Folder::at(folder.join("streams")));
    mirror(postgres, &Folder::at(folder.join("mirror")));
}

fn options(town: Option<TownPlan>) -> WriterOptions {
    WriterOptions {
        log: LogOptions::default(),
        engine: EngineOptions::default(),
        town,
        batch_events: 4_096,
        threads: 1,
        windows: None,
    }
}

struct Log(ChainWriter, Timestamp);

impl EventLog for Log {
    fn append(&mut self, events: Vec<Event>) -> Result<Vec<Outcome>, SinkError> {
        Ok(self.0.submit(&events)?.outcomes)
    }

    fn now(&mut self) -> Timestamp {
        self.1
    }
}

fn streams(url: &str, folder: &Folder) {
    let at = TownOptions::default().start.plus(DAY);
    let store = StoreId::cut("S1");
    let mut log = Log(ChainWriter::open(folder, &options(None)).unwrap(), at);
    let event = |id, body| Event {
        id: EventId(id),
        store,
        at,
        received_at: at,
        origin: Origin::default(),
        body,
    };
    let sku = Sku::cut("MILK");
    let category = Category::cut("DAIRY");
    let product = Product { sku, category, price_cents: 100, ..Product::default() };
    let declared = vec![
        event(1, Body::Store(StoreSettings::default().into())),
        event(2, Body::Product(product.into())),
    ];
    log.append(declared).unwrap();
    let mut client = redis::Client::open(url).unwrap().get_connection().unwrap();
    for first in (0..ENTRIES).step_by(10_000) {
        let mut pipeline = redis::pipe();
        for number in first..first + 10_000 {
            let data = format!(
                "{{\"event_type\":\"pickup\",\"customer_id\":\"c-{number}\",\"item_id\":\"MILK\",\
                 \"quantity\":1,\"weight\":1000.0,\"timestamp\":\"2026-01-01T09:00:00+00:00\"}}"
            );
            pipeline.cmd("XADD").arg(STREAM).arg("*").arg("data").arg(data).ignore();
        }
        pipeline.exec(&mut client).unwrap();
    }
    let options = Options { streams: vec![STREAM.to_owned()], ..Options::default() };
    let mut source = Source::open(&Redis::parse(url).unwrap(), options).unwrap();
    let read = Box::new(|data: &[u8], defaults: &shelf_events::Defaults| {
        read_event(data, defaults).map(|event| vec![event])
    });
    let mut sink = EventSink::new(log, read, vec![(STREAM.to_owned(), Some(store))]);
    let (begun, mut taken) = (Instant::now(), 0);
    while taken < ENTRIES {
        taken += source.step(&mut sink).unwrap().read;
    }
    source.flush().unwrap();
    say("entries", taken, begun.elapsed());
}

fn mirror(url: &str, folder: &Folder) {
    let town = TownOptions::default();
    let until = town.start.plus(10 * DAY);
    let plan = TownPlan { stores: 1, options: town };
    let mut chain = ChainWriter::open(folder, &options(Some(plan))).unwrap();
    chain.simulate(until, |_| {}).unwrap();
    chain.close().unwrap();
    let begun = Instant::now();
    let options = MirrorOptions::new(Postgres::parse(url).unwrap());
    let mut follower = MirrorFollower::open(folder, options).unwrap();
    let followed =
        follower.follow(Until::CaughtUp, || false, &LinkStatus::new("mirror")).expect("a mirror");
    say("events into the mirror", followed.events, begun.elapsed());
    say("rows", followed.rows, begun.elapsed());
}

fn say(what: &str, count: u64, took: Duration) {
    let seconds = took.as_secs_f64();
    println!("{count} {what} in {seconds:.2} s: {:.0}/s", count as f64 / seconds);
}
