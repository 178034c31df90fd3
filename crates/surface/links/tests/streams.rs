//! Entries of Redis Streams reach the log once each, whatever happens on the way: on a real server.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of tests fail like tests"
)]

#[path = "fixture/chain.rs"]
mod chain;

use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use chain::{WrittenLog, present, seen, state, wait_until};
use redis::{Commands as _, Connection, cmd};
use shelf_domain::{Body, Event, EventId, Origin, Product, Sku, SourceId, StoreId, StoreSettings};
use shelf_engine::Stepped;
use shelf_host::{ChainReader, Folder, Follow, Request};
use shelf_links::{
    LinkState, LiveOptions, RequestLog, StreamOptions, start_live_keys, start_streams,
};
use shelf_redis::{
    EntryReader, EventLog as _, EventSink, LiveKeys, Now, Options, ReadEvents, Reading, Redis,
    Source, Taken,
};
use shelf_sources::read_event;
use shelf_testkit::servers::RedisServer;

const STREAM: &str = "shelf_events";

fn store() -> StoreId {
    StoreId::cut("S1")
}

/// A log of a store with one product.
fn log(dir: &tempfile::TempDir) -> (Folder, WrittenLog) {
    let folder = Folder::at(dir.path().join("data"));
    let mut log = WrittenLog::open(&folder);
    let event = |id, body| Event {
        id: EventId(id),
        store: store(),
        at: present(),
        received_at: present(),
        origin: Origin::default(),
        body,
    };
    let sku = Sku::cut("MILK");
    let product = Product {
        sku,
        category: shelf_domain::Category::cut("DAIRY"),
        price_cents: 100,
        ..Product::default()
    };
    let declared = vec![
        event(1, Body::Store(StoreSettings::default().into())),
        event(2, Body::Product(product.into())),
    ];
    log.append(declared).unwrap();
    (folder, log)
}

/// A pickup as the reference's producers send it; the number makes it one of its own.
fn pickup(number: u64) -> String {
    format!(
        "{{\"event_type\":\"pickup\",\"customer_id\":\"c-{number}\",\"item_id\":\"MILK\",\
         \"quantity\":1,\"weight\":1000.0,\"timestamp\":\"2026-01-01T09:00:00+00:00\"}}"
    )
}

fn connection(server: &RedisServer) -> Connection {
    redis::Client::open(server.url()).unwrap().get_connection().unwrap()
}

fn add(connection: &mut Connection, data: &str) {
    let fields = [("data", data), ("key", "c-1")];
    let _: String = connection.xadd(STREAM, "*", &fields).unwrap();
}

/// Many at once, which the server writes to its disk together.
fn add_all(connection: &mut Connection, numbers: std::ops::Range<u64>) {
    let mut pipeline = redis::pipe();
    for number in numbers {
        pipeline.cmd("XADD").arg(STREAM).arg("*").arg("data").arg(pickup(number)).ignore();
    }
    pipeline.query::<redis::Value>(connection).unwrap();
}

fn pending(connection: &mut Connection) -> i64 {
    let summary: redis::Value = cmd("XPENDING").arg(STREAM).arg("shelf").query(connection).unwrap();
    match summary {
        redis::Value::Array(parts) => match parts[0] {
            redis::Value::Int(count) => count,
            _ => panic!("{parts:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn options(consumer: &str) -> Options {
    Options {
        streams: vec![STREAM.to_owned(), "pos_transactions".to_owned()],
        consumer: consumer.to_owned(),
        block: Duration::from_millis(50),
        claim_after: Duration::from_millis(200),
        batch: 64,
        ..Options::default()
    }
}

fn sink(log: WrittenLog) -> EventSink<WrittenLog> {
    let streams = options("").streams.into_iter().map(|name| (name, Some(store())));
    let read: ReadEvents =
        Box::new(|data, defaults| read_event(data, defaults).map(|event| vec![event]));
    EventSink::new(log, EntryReader::new(read, streams.collect()))
}

fn address(server: &RedisServer) -> Redis {
    Redis::parse(&server.url()).unwrap()
}

/// Reads until nothing comes, and acknowledges.
fn drain(source: &mut Source, sink: &mut EventSink<WrittenLog>) -> Taken {
    let mut all = Taken::default();
    let mut quiet = 0;
    while quiet < 3 {
        let taken = source.step(sink).unwrap();
        all.read += taken.read;
        all.kept += taken.kept;
        all.known += taken.known;
        all.quarantined += taken.quarantined;
        all.claimed += taken.claimed;
        all.lost += taken.lost;
        quiet = if taken.read == 0 { quiet + 1 } else { 0 };
    }
    source.flush().unwrap();
    all
}

/// Pickups that the log has accepted; the store and the product are two events more.
fn accepted(folder: &Folder) -> u64 {
    state(folder).counts().accepted - 2
}

#[test]
fn entries_of_several_streams_become_events_and_are_acknowledged() {
    let (dir, server) = (tempfile::tempdir().unwrap(), RedisServer::start());
    let (folder, log) = log(&dir);
    let mut client = connection(&server);
    add_all(&mut client, 0..1_000);
    let receipt = "{\"event_type\":\"pos_transaction\",\"transaction_id\":\"t1\",\"items\":\
                   [{\"item_id\":\"MILK\",\"quantity\":2,\"unit_price\":1.0,\"discount\":0.0,\
                   \"total_price\":2.0}],\"timestamp\":\"2026-01-01T09:30:00+00:00\"}";
    let _: String = client.xadd("pos_transactions", "*", &[("data", receipt)]).unwrap();
    let mut source = Source::open(&address(&server), options("a")).unwrap();
    let taken = drain(&mut source, &mut sink(log.clone()));
    assert_eq!((taken.read, taken.kept), (1_001, 1_001), "{taken:?}");
    assert_eq!(pending(&mut client), 0);
    assert_eq!(accepted(&folder), 1_001);
    // Acknowledged entries stay until somebody removes them, and do not come again.
    let length: u64 = client.xlen(STREAM).unwrap();
    assert_eq!(length, 1_000);
    let mut again = Source::open(&address(&server), options("a")).unwrap();
    assert_eq!(drain(&mut again, &mut sink(log)).read, 0);
}

#[test]
fn what_was_not_acknowledged_survives_a_kill_of_redis() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = RedisServer::start();
    let (folder, log) = log(&dir);
    let mut client = connection(&server);
    add_all(&mut client, 0..500);
    let mut source = Source::open(&address(&server), options("a")).unwrap();
    let mut to_log = sink(log.clone());
    // Some are in the log, and the server dies before it hears of it; others the log refuses.
    let taken = source.step(&mut to_log).unwrap();
    assert_eq!(taken.kept, 64);
    *log.broken.lock().unwrap() = true;
    let refused = source.step(&mut to_log).unwrap_err();
    assert_eq!(refused.code(), "redis_sink");
    *log.broken.lock().unwrap() = false;
    let mut second = sink(log.clone());
    let mut unheard = Source::open(&address(&server), options("a")).unwrap();
    assert!(unheard.step(&mut second).unwrap().read > 0);
    server.kill();
    assert!(unheard.step(&mut second).is_err());
    server.run();
    let mut client = connection(&server);
    assert!(pending(&mut client) > 0);
    let mut source = Source::open(&address(&server), options("a")).unwrap();
    let taken = drain(&mut source, &mut to_log);
    assert!(taken.known > 0, "what the log had is known: {taken:?}");
    assert_eq!(pending(&mut client), 0);
    assert_eq!(accepted(&folder), 500);
}

#[test]
fn the_entries_of_a_dead_consumer_are_claimed() {
    let (dir, server) = (tempfile::tempdir().unwrap(), RedisServer::start());
    let (folder, log) = log(&dir);
    let mut client = connection(&server);
    add_all(&mut client, 0..200);
    // It is given a batch, has it not taken, and is never seen again.
    *log.broken.lock().unwrap() = true;
    let mut dead = Source::open(&address(&server), options("dead")).unwrap();
    while dead.step(&mut sink(log.clone())).is_ok() {}
    drop(dead);
    *log.broken.lock().unwrap() = false;
    assert_eq!(pending(&mut client), 64);
    std::thread::sleep(Duration::from_millis(250));
    let mut living = Source::open(&address(&server), options("living")).unwrap();
    let taken = drain(&mut living, &mut sink(log));
    assert_eq!((taken.claimed, taken.kept), (64, 200), "{taken:?}");
    assert_eq!(pending(&mut client), 0);
    assert_eq!(accepted(&folder), 200);
}

/// Deletes the first entries of the stream, whoever has them.
fn delete_first(client: &mut Connection, count: usize) {
    let found: redis::streams::StreamRangeReply =
        client.xrange_count(STREAM, "-", "+", count).unwrap();
    let ids: Vec<String> = found.ids.into_iter().map(|entry| entry.id).collect();
    let deleted: usize = client.xdel(STREAM, &ids).unwrap();
    assert_eq!(deleted, count);
}

#[test]
fn entries_that_were_deleted_while_pending_are_counted_as_lost() {
    let (dir, server) = (tempfile::tempdir().unwrap(), RedisServer::start());
    let (folder, log) = log(&dir);
    let mut client = connection(&server);
    add_all(&mut client, 0..100);
    *log.broken.lock().unwrap() = true;
    // One consumer is given a batch, another one the rest; the log takes nothing of either.
    for consumer in ["dead", "returning"] {
        let mut source = Source::open(&address(&server), options(consumer)).unwrap();
        while source.step(&mut sink(log.clone())).is_ok() {}
    }
    *log.broken.lock().unwrap() = false;
    assert_eq!(pending(&mut client), 100);
    // Of those of the first.
    delete_first(&mut client, 7);
    // The second reads again what it was given itself, and claims what the other one was given.
    let streams = StreamOptions {
        redis: address(&server),
        options: options("returning"),
        store: Some(store()),
    };
    let link = start_streams(streams, log).unwrap();
    let view = seen("all", &link, |view| view.events == 100);
    assert_eq!((view.lost, view.known, view.quarantined), (7, 0, 0), "{view:?}");
    wait_until("the acknowledgements", || pending(&mut client) == 0);
    assert_eq!(accepted(&folder), 93);
    assert!(link.stop());
}

/// Has the stream keep so many entries alone, whether anybody has read the others or not.
fn trim(client: &mut Connection, keep: u64) {
    let mut trim = cmd("XTRIM");
    trim.arg(STREAM).arg("MAXLEN").arg(keep).query::<redis::Value>(client).unwrap();
}

#[test]
fn entries_that_were_trimmed_before_anybody_read_them_are_counted_as_lost_once() {
    let (dir, server) = (tempfile::tempdir().unwrap(), RedisServer::start());
    let (folder, log) = log(&dir);
    let mut client = connection(&server);
    let streams =
        StreamOptions { redis: address(&server), options: options("a"), store: Some(store()) };
    let follow = |events: u64, lost: u64| {
        let link = start_streams(streams.clone(), log.clone()).unwrap();
        // When all is taken and it has asked again, nothing waits, and nothing is lost twice.
        let view = seen("the rest", &link, |view| {
            view.events == events && view.lost >= lost && view.lag == Some(0)
        });
        assert_eq!((view.lost, view.quarantined), (lost, 0), "{view:?}");
        assert!(link.stop());
    };
    add_all(&mut client, 0..100);
    trim(&mut client, 40);
    follow(40, 60);
    // It has read before, and nobody reads for a while.
    add_all(&mut client, 100..200);
    trim(&mut client, 30);
    follow(30, 70);
    // What all have read may go.
    trim(&mut client, 0);
    follow(0, 0);
    add_all(&mut client, 200..210);
    trim(&mut client, 0);
    follow(0, 10);
    // Some of what waits is deleted one by one.
    add_all(&mut client, 210..230);
    delete_first(&mut client, 5);
    let link = start_streams(streams, log.clone()).unwrap();
    let view = seen("the last", &link, |view| view.events == 15);
    assert_eq!((view.lost, view.quarantined), (5, 0), "{view:?}");
    assert!(link.stop());
    assert_eq!(accepted(&folder), 40 + 30 + 15);
}

#[test]
fn own_entries_that_were_deleted_are_counted_as_lost() {
    let (dir, server) = (tempfile::tempdir().unwrap(), RedisServer::start());
    let (folder, log) = log(&dir);
    let mut client = connection(&server);
    add_all(&mut client, 0..20);
    *log.broken.lock().unwrap() = true;
    let mut source = Source::open(&address(&server), options("a")).unwrap();
    assert!(source.step(&mut sink(log.clone())).is_err());
    *log.broken.lock().unwrap() = false;
    delete_first(&mut client, 3);
    let mut source = Source::open(&address(&server), options("a")).unwrap();
    let taken = drain(&mut source, &mut sink(log));
    assert_eq!((taken.read, taken.lost, taken.kept), (20, 3, 17), "{taken:?}");
    assert_eq!((pending(&mut client), accepted(&folder)), (0, 17));
}

#[test]
fn a_poisoned_entry_goes_to_quarantine_with_its_bytes() {
    let (dir, server) = (tempfile::tempdir().unwrap(), RedisServer::start());
    let (folder, log) = log(&dir);
    let mut client = connection(&server);
    add(&mut client, "{\"event_type\":\"pick");
    let _: String = client.xadd(STREAM, "*", &[("payload", "other")]).unwrap();
    add(&mut client, &pickup(1));
    let unknown = pickup(2).replace("MILK", "PEAR");
    add(&mut client, &unknown);
    let mut source = Source::open(&address(&server), options("a")).unwrap();
    let taken = drain(&mut source, &mut sink(log));
    assert_eq!((taken.read, taken.kept, taken.quarantined), (4, 1, 3), "{taken:?}");
    assert_eq!(pending(&mut client), 0);
    assert_eq!(accepted(&folder), 1);
    let mut kept = Vec::new();
    let mut reader = ChainReader::open_behind(&folder, Follow::FromStart).unwrap();
    reader
        .catch_up(|_, stepped| {
            if let Body::Rejected(rejected) = &stepped.event.body {
                let raw = String::from_utf8(rejected.raw.clone()).unwrap();
                kept.push((rejected.reason.to_string(), raw));
                assert!(rejected.source.as_str().starts_with("redis:shelf_events "));
            }
        })
        .unwrap();
    let expected = [
        ("malformed_json".to_owned(), "{\"event_type\":\"pick".to_owned()),
        ("missing_field".to_owned(), "payload=other\n".to_owned()),
    ];
    assert_eq!(kept, expected);
}

#[test]
fn nothing_is_removed_that_a_group_has_not_acknowledged() {
    let (dir, server) = (tempfile::tempdir().unwrap(), RedisServer::start());
    let (_, log) = log(&dir);
    let mut client = connection(&server);
    let other = |command: &mut redis::Cmd, client: &mut Connection| {
        command.query::<redis::Value>(client).unwrap()
    };
    other(
        cmd("XGROUP").arg("CREATE").arg(STREAM).arg("others").arg("0").arg("MKSTREAM"),
        &mut client,
    );
    add_all(&mut client, 0..5_000);
    let trimming = || Options { trim_every: Some(Duration::ZERO), ..options("a") };
    let mut source = Source::open(&address(&server), trimming()).unwrap();
    assert_eq!(drain(&mut source, &mut sink(log.clone())).kept, 5_000);
    let length: u64 = client.xlen(STREAM).unwrap();
    assert_eq!(length, 5_000, "the other group has read nothing");
    // It reads all and acknowledges none: its first entry is needed still.
    let mut read = cmd("XREADGROUP");
    read.arg("GROUP").arg("others").arg("o").arg("COUNT").arg(10_000);
    other(read.arg("STREAMS").arg(STREAM).arg(">"), &mut client);
    drain(&mut source, &mut sink(log.clone()));
    let length: u64 = client.xlen(STREAM).unwrap();
    assert_eq!(length, 5_000);
    other(cmd("XGROUP").arg("SETID").arg(STREAM).arg("others").arg("$"), &mut client);
    other(cmd("XGROUP").arg("DELCONSUMER").arg(STREAM).arg("others").arg("o"), &mut client);
    drain(&mut source, &mut sink(log));
    let length: u64 = client.xlen(STREAM).unwrap();
    assert!(length < 1_000, "all groups have done with them: {length}");
}

#[test]
fn kills_of_redis_under_load_lose_and_double_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = RedisServer::start();
    let (folder, log) = log(&dir);
    let streams =
        StreamOptions { redis: address(&server), options: options("a"), store: Some(store()) };
    let link = start_streams(streams, log).unwrap();
    let mut number = 0;
    for _ in 0..5 {
        let mut client = connection(&server);
        let read = link.status().view().events;
        for _ in 0..8 {
            add_all(&mut client, number..number + 50);
            number += 50;
        }
        wait_until("some of them", || link.status().view().events > read);
        server.kill();
        wait_until("a failure that is seen", || link.status().view().state == LinkState::Waiting);
        server.run();
    }
    wait_until("all", || accepted(&folder) == number);
    let mut client = connection(&server);
    wait_until("the acknowledgements", || pending(&mut client) == 0);
    // The keys were deleted, and with them the group: it is made again.
    let _: redis::Value = cmd("FLUSHALL").query(&mut client).unwrap();
    add(&mut client, &pickup(number));
    wait_until("one more", || accepted(&folder) == number + 1);
    assert!(link.stop());
}

/// Serves requests as a running chain does, until nobody can send any more.
fn serve(mut log: WrittenLog) -> (SyncSender<Request>, JoinHandle<()>) {
    let (sender, requests) = sync_channel::<Request>(16);
    let served = std::thread::spawn(move || {
        while let Ok(request) = requests.recv() {
            let outcomes = log.append(vec![request.event]).unwrap();
            request.reply.send(outcomes[0]).unwrap();
        }
    });
    (sender, served)
}

#[test]
fn a_running_chain_takes_them_and_knows_where_they_came_from() {
    let (dir, server) = (tempfile::tempdir().unwrap(), RedisServer::start());
    let (folder, log) = log(&dir);
    let mut client = connection(&server);
    add_all(&mut client, 0..300);
    add(&mut client, "{\"event_type\":\"pick");
    let streams =
        StreamOptions { redis: address(&server), options: options("a"), store: Some(store()) };
    let (sender, served) = serve(log);
    let to_chain = RequestLog::new(sender, SourceId(7), present);
    let link = start_streams(streams.clone(), to_chain).unwrap();
    wait_until("all", || link.status().view().events == 301);
    assert_eq!(link.status().view().quarantined, 1);
    assert!(link.stop());
    served.join().unwrap();
    assert_eq!(pending(&mut client), 0);
    assert_eq!(accepted(&folder), 300);
    let mut from = 0;
    let mut reader = ChainReader::open_behind(&folder, Follow::FromStart).unwrap();
    let count = |_: u32, stepped: Stepped<'_>| {
        from += u64::from(stepped.event.origin.source == SourceId(7));
    };
    reader.catch_up(count).unwrap();
    assert_eq!(from, 301);
    // A chain that has ended takes nothing, and nothing is acknowledged.
    let (sender, requests) = sync_channel(16);
    drop(requests);
    add(&mut client, &pickup(300));
    let link = start_streams(streams, RequestLog::new(sender, SourceId(7), present)).unwrap();
    wait_until("a failure", || link.status().view().failure.is_some());
    assert_eq!(link.status().view().failure.unwrap().code, "redis_sink");
    assert!(link.stop());
    assert_eq!(pending(&mut client), 1);
}

#[test]
fn who_may_not_come_in_is_told_why() {
    let (dir, server) =
        (tempfile::tempdir().unwrap(), RedisServer::start_with_password("right-word"));
    let (_, log) = log(&dir);
    for redis in [address(&server), address(&server).with_password("wrong-word").unwrap()] {
        let refused = Source::open(&redis, options("a")).unwrap_err();
        assert_eq!(refused.code(), "redis_refused", "{refused}");
        assert!(!format!("{refused} {redis} {redis:?}").contains("wrong-word"));
    }
    let right = address(&server).with_password("right-word").unwrap();
    assert!(Source::open(&right, options("a")).is_ok());
    let wrong = StreamOptions { redis: address(&server), options: options("a"), store: None };
    let link = start_streams(wrong, log).unwrap();
    wait_until("a refusal", || link.status().view().state == LinkState::Refused);
    assert!(link.stop());
    assert_eq!(Redis::parse("nonsense").unwrap_err().code(), "redis_address");
}

#[test]
fn a_chain_keeps_its_live_keys_fresh_through_a_restart_of_redis() {
    let (dir, mut server) = (tempfile::tempdir().unwrap(), RedisServer::start());
    let (folder, mut log) = log(&dir);
    let options = LiveOptions {
        redis: address(&server),
        every: Duration::from_millis(50),
        expiry: Duration::from_secs(1),
    };
    let read = |reader: &ChainReader| {
        let now = Now { now: "2026-01-01T09:00:00Z".to_owned(), today: "2026-01-01".to_owned() };
        let products = reader.stores().iter().map(|store| store.sku_count()).sum::<usize>();
        let (name, value) = ("products".to_owned(), products.to_string());
        (now, vec![Reading { store: "S1".to_owned(), name, value }])
    };
    let link = start_live_keys(&folder, options, Box::new(read)).unwrap();
    let products = |server: &RedisServer| -> Option<u64> {
        connection(server).hget("shelf:kpi:S1", "products").unwrap()
    };
    wait_until("a figure", || products(&server) == Some(1));
    let sku = Sku::cut("BREAD");
    let category = shelf_domain::Category::cut("BAKERY");
    let product = Product { sku, category, price_cents: 200, ..Product::default() };
    let event = Event {
        id: EventId(3),
        store: store(),
        at: present(),
        received_at: present(),
        origin: Origin::default(),
        body: Body::Product(product.into()),
    };
    log.append(vec![event]).unwrap();
    wait_until("the next figure", || products(&server) == Some(2));
    server.kill();
    seen("the trouble", &link, |view| view.state == LinkState::Waiting);
    server.run();
    seen("the end of the trouble", &link, |view| view.state == LinkState::Following);
    wait_until("the figure again", || products(&server) == Some(2));
    assert!(link.stop());
    wait_until("the expiry", || products(&server).is_none());
    let today: String = connection(&server).get("sim:today").unwrap();
    assert_eq!(today, "2026-01-01");
}

#[test]
fn live_keys_say_what_is_now_and_expire() {
    let server = RedisServer::start();
    let mut keys = LiveKeys::open(&address(&server), Duration::from_millis(300)).unwrap();
    let now = Now { now: "2026-01-01T09:00:00Z".to_owned(), today: "2026-01-01".to_owned() };
    let readings =
        [Reading { store: "S1".to_owned(), name: "revenue".to_owned(), value: "12.5".to_owned() }];
    keys.publish(&now, &readings).unwrap();
    let mut client = connection(&server);
    let told: String = client.get("sim:today").unwrap();
    assert_eq!(told, "2026-01-01");
    let figure: String = client.hget("shelf:kpi:S1", "revenue").unwrap();
    assert_eq!(figure, "12.5");
    wait_until("the expiry", || !client.exists::<_, bool>("shelf:kpi:S1").unwrap());
}
