//! Entries of Redis Streams reach the topics of Kafka, whatever is killed on the way: on real
//! servers.

#![cfg(feature = "kafka")]
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail like tests")]
#![expect(clippy::expect_used, reason = "the helpers of tests fail like tests")]

#[path = "fixture/chain.rs"]
mod chain;

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use chain::{seen, wait_until};
use redis::{Connection as RedisConnection, Value, cmd};
use shelf_domain::{Body, Timestamp};
use shelf_events::{Defaults, parse_event};
use shelf_kafka::{Connection, REJECTED, Reader, SOURCES, TopicOptions, init};
use shelf_links::{LinkState, StreamOptions, check_bridge, start_bridge};
use shelf_redis::{Options, Redis};
use shelf_testkit::kafka::Broker;
use shelf_testkit::servers::RedisServer;

const STREAM: &str = "shelf_events";
const GROUP: &str = "shelf-bridge";
/// What tells a child where to work.
const REDIS: &str = "SHELF_BRIDGE_REDIS";
const KAFKA: &str = "SHELF_BRIDGE_KAFKA";

/// A message: its key, and what it says.
type Said = (Vec<u8>, Vec<u8>);

fn streams(url: &str) -> StreamOptions {
    let options = Options {
        streams: vec![STREAM.to_owned(), "pos_transactions".to_owned()],
        group: GROUP.to_owned(),
        block: Duration::from_millis(50),
        claim_after: Duration::from_secs(2),
        batch: 64,
        ..Options::default()
    };
    StreamOptions { redis: Redis::parse(url).unwrap(), options, store: None }
}

fn topics(broker: &Broker) -> Connection {
    let connection: Connection = format!("kafka://{}/bridge", broker.address()).parse().unwrap();
    init(&connection, &TopicOptions { partitions: 2, ..TopicOptions::default() }).unwrap();
    connection
}

fn client(server: &RedisServer) -> RedisConnection {
    redis::Client::open(server.url()).unwrap().get_connection().unwrap()
}

/// A pickup in one of three stores; the number makes it one of its own.
fn pickup(number: u64) -> String {
    format!(
        "{{\"event_type\":\"pickup\",\"customer_id\":\"c-{number}\",\"item_id\":\"MILK\",\
         \"quantity\":1,\"store_id\":\"S{}\",\"timestamp\":\"2026-01-01T09:00:00+00:00\"}}",
        number % 3
    )
}

fn add_all(client: &mut RedisConnection, numbers: std::ops::Range<u64>) {
    let mut pipeline = redis::pipe();
    for number in numbers {
        pipeline.cmd("XADD").arg(STREAM).arg("*").arg("data").arg(pickup(number)).ignore();
    }
    pipeline.query::<Value>(client).unwrap();
}

fn add(client: &mut RedisConnection, stream: &str, data: &str) {
    cmd("XADD").arg(stream).arg("*").arg("data").arg(data).exec(client).unwrap();
}

/// How many entries were given to the bridge and not acknowledged, and how many nobody was given.
fn open(client: &mut RedisConnection) -> Option<(i64, i64)> {
    let groups: Vec<BTreeMap<String, Value>> =
        cmd("XINFO").arg("GROUPS").arg(STREAM).query(client).ok()?;
    let group = groups.first()?;
    let number = |name: &str| match group.get(name) {
        Some(Value::Int(number)) => Some(*number),
        _ => None,
    };
    Some((number("pending")?, number("lag")?))
}

fn acknowledged(client: &mut RedisConnection) {
    wait_until("every acknowledgement", || open(client) == Some((0, 0)));
}

/// Everything that a topic holds.
fn read(connection: &Connection, topic: &str) -> Vec<Said> {
    let mut reader = Reader::open(connection, topic).unwrap();
    let mut found = Vec::new();
    while !reader.at_end() {
        let keep = |message: &shelf_kafka::Message<'_>| {
            found.push((message.key.to_vec(), message.payload.unwrap_or_default().to_vec()));
        };
        reader.next(Duration::from_millis(100), keep).unwrap();
    }
    found
}

/// Each pickup is there, under its store; how often the most frequent one is.
fn every_pickup(connection: &Connection, count: u64) -> usize {
    let mut found: BTreeMap<Said, usize> = BTreeMap::new();
    for said in read(connection, STREAM) {
        *found.entry(said).or_default() += 1;
    }
    for number in 0..count {
        let said = (format!("S{}", number % 3).into_bytes(), pickup(number).into_bytes());
        assert!(found.contains_key(&said), "pickup {number} is lost");
    }
    assert_eq!(found.len() as u64, count, "nothing else is there");
    found.values().copied().max().unwrap_or_default()
}

#[test]
fn entries_reach_the_topics_of_their_kinds_once_and_are_acknowledged() {
    let (server, broker) = (RedisServer::start(), Broker::start());
    let connection = topics(&broker);
    let mut client = client(&server);
    add_all(&mut client, 0..1_000);
    let receipt = "{\"event_type\":\"pos_transaction\",\"transaction_id\":\"t1\",\"items\":\
                   [{\"item_id\":\"MILK\",\"quantity\":2,\"unit_price\":1.0,\"discount\":0.0,\
                   \"total_price\":2.0}],\"timestamp\":\"2026-01-01T09:30:00+00:00\"}";
    // It does not name its store, which is set for the streams.
    add(&mut client, "pos_transactions", receipt);
    add(&mut client, "pos_transactions", "{\"event_type\":\"pos_tra");
    cmd("XADD").arg("pos_transactions").arg("*").arg("other").arg("x").exec(&mut client).unwrap();
    let mut streams = streams(&server.url());
    streams.store = Some(shelf_domain::StoreId::cut("S7"));
    check_bridge(&streams, &connection).unwrap();
    let link = start_bridge(streams, connection.clone()).unwrap();
    acknowledged(&mut client);
    let view = seen("everything", &link, |view| view.events == 1_003 && view.quarantined == 2);
    assert_eq!((view.state, view.failures), (LinkState::Following, 0));
    assert!(link.stop());
    assert_eq!(every_pickup(&connection, 1_000), 1);
    let receipts = read(&connection, "pos_transactions");
    assert_eq!(receipts.len(), 1);
    let defaults = Defaults { store: None, received_at: Timestamp(0) };
    let same = Defaults { store: Some(shelf_domain::StoreId::cut("S7")), ..defaults };
    let (sent, wanted) = (
        parse_event(&receipts[0].1, &defaults).unwrap(),
        parse_event(receipt.as_bytes(), &same).unwrap(),
    );
    assert_eq!((sent.id, sent.store, &sent.body), (wanted.id, wanted.store, &wanted.body));
    assert_eq!(receipts[0].0, b"S7");
    let rejected: Vec<(String, Vec<u8>)> = read(&connection, REJECTED)
        .into_iter()
        .map(|(_, said)| match parse_event(&said, &defaults).unwrap().body {
            Body::Rejected(rejected) => (rejected.source.as_str().to_owned(), rejected.raw),
            other => unreachable!("{other:?}"),
        })
        .collect();
    assert_eq!(rejected.len(), 2);
    assert!(rejected.iter().all(|(source, _)| source.starts_with("redis:pos_transactions ")));
    assert!(rejected.iter().any(|(_, raw)| raw == b"{\"event_type\":\"pos_tra"));
    assert!(rejected.iter().any(|(_, raw)| raw == b"other=x\n"));
    let others = SOURCES.into_iter().filter(|topic| topic.starts_with("foot"));
    assert!(others.into_iter().all(|topic| read(&connection, topic).is_empty()));
}

/// What the child does; in the suite itself, nothing.
#[test]
fn child() {
    let (Some(redis), Some(kafka)) = (std::env::var(REDIS).ok(), std::env::var(KAFKA).ok()) else {
        return;
    };
    let _link = start_bridge(streams(&redis), kafka.parse().unwrap()).unwrap();
    std::thread::sleep(Duration::from_mins(2));
}

fn child_of(server: &RedisServer, connection: &Connection) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .envs([(REDIS, server.url()), (KAFKA, connection.to_string())])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a child")
}

#[test]
fn a_bridge_that_is_killed_at_any_moment_loses_nothing() {
    const KILLS: u64 = 8;
    let (server, broker) = (RedisServer::start(), Broker::start());
    let connection = topics(&broker);
    let mut client = client(&server);
    let mut added = 0;
    for kill in 0..KILLS {
        add_all(&mut client, added..added + 3_000);
        added += 3_000;
        let mut child = child_of(&server, &connection);
        // From before it has read anything to when it may have finished.
        let length: u64 = cmd("XLEN").arg(STREAM).query(&mut client).unwrap();
        assert_eq!(length, added, "nothing is ever removed");
        if kill % 4 != 0 {
            wait_until("the bridge", || open(&mut client).is_some_and(|(_, lag)| lag < 3_000));
        }
        std::thread::sleep(Duration::from_millis(kill * 7 % 40));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let link = start_bridge(streams(&server.url()), connection.clone()).unwrap();
    acknowledged(&mut client);
    assert!(link.stop());
    every_pickup(&connection, added);
}

#[test]
fn either_server_is_killed_with_entries_under_way() {
    let (mut server, mut broker) = (RedisServer::start(), Broker::start());
    let connection = topics(&broker);
    let mut redis = client(&server);
    let link = start_bridge(streams(&server.url()), connection.clone()).unwrap();
    add_all(&mut redis, 0..4_000);
    wait_until("the bridge", || open(&mut redis).is_some_and(|(_, lag)| lag < 4_000));
    server.kill();
    let view = seen("the trouble", &link, |view| view.failure.is_some());
    assert_eq!(view.failure.map(|failure| failure.code).as_deref(), Some("redis_unreachable"));
    server.run();
    let mut redis = client(&server);
    add_all(&mut redis, 4_000..8_000);
    acknowledged(&mut redis);
    // The brokers are gone for longer than a message waits, and what is added meanwhile waits.
    broker.kill();
    add_all(&mut redis, 8_000..12_000);
    let view = seen("the trouble", &link, |view| view.failure.is_some());
    assert_eq!(view.failure.map(|failure| failure.code).as_deref(), Some("kafka_unreachable"));
    assert!(open(&mut redis).is_some_and(|(pending, _)| pending > 0), "it is not acknowledged");
    broker.resume();
    acknowledged(&mut redis);
    seen("the end of the trouble", &link, |view| view.state == LinkState::Following);
    assert!(link.stop());
    every_pickup(&connection, 12_000);
}

#[test]
fn what_cannot_be_is_said_before_it_starts() {
    let (server, broker) = (RedisServer::start(), Broker::start());
    let bare: Connection = format!("kafka://{}/bare", broker.address()).parse().unwrap();
    let refused = check_bridge(&streams(&server.url()), &bare).unwrap_err();
    assert_eq!(refused.code(), "kafka_no_topic");
    cmd("SET").arg(STREAM).arg("a text").exec(&mut client(&server)).unwrap();
    let refused = check_bridge(&streams(&server.url()), &topics(&broker)).unwrap_err();
    assert_eq!(refused.code(), "redis_unfit");
}

#[test]
fn who_enters_keeps_the_name_that_only_the_key_of_the_entry_says() {
    const VISITS: &str = "foot_traffic:realistic";
    let (server, broker) = (RedisServer::start(), Broker::start());
    let connection = topics(&broker);
    let mut client = client(&server);
    // It says everything else itself, and the message of each is keyed by store.
    let data = "{\"event_type\":\"entry\",\"store_id\":\"S7\",\"time\":\"2026-01-01T09:00:00Z\"}";
    for customer in ["anna", "bert"] {
        let mut add = cmd("XADD");
        add.arg(VISITS).arg("*").arg("key").arg(customer).arg("data").arg(data);
        add.exec(&mut client).unwrap();
    }
    let StreamOptions { redis, options, store } = streams(&server.url());
    let options = Options { streams: vec![VISITS.to_owned()], ..options };
    let link = start_bridge(StreamOptions { redis, options, store }, connection.clone()).unwrap();
    seen("both", &link, |view| view.events == 2);
    assert!(link.stop());
    let defaults = Defaults { store: None, received_at: Timestamp(0) };
    let mut found = BTreeMap::new();
    for (key, said) in read(&connection, shelf_kafka::VISITS) {
        let event = parse_event(&said, &defaults).unwrap();
        assert_eq!((key.as_slice(), event.store.as_str()), (&b"S7"[..], "S7"));
        let Body::Entry(Some(customer)) = event.body else { unreachable!("{event:?}") };
        found.insert(customer.as_str().to_owned(), event.id);
    }
    assert_eq!(found.keys().collect::<Vec<_>>(), ["anna", "bert"]);
    assert!(found["anna"] != found["bert"]);
}
