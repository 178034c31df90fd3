//! Producers that key one store's messages by something else, over partitions and topics, on a real
//! broker: the log holds what a store sent in the order in which it was written, each once.

#![cfg(feature = "kafka")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of tests fail like tests"
)]

#[path = "fixture/chain.rs"]
mod chain;
#[path = "fixture/kafka.rs"]
mod kafka;
#[path = "fixture/taker.rs"]
mod taking;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kafka::{End, PATIENCE, alone, ends_of, python, read_all, topics_of};
use shelf_domain::{Body, Event, StoreId};
use shelf_engine::partition_of;
use shelf_events::decode_event;
use shelf_host::{IntakeOptions, KafkaIntake};
use shelf_kafka::{
    Avro, Connection, LOG_EVENTS, MergeOptions, RegistryOptions, SOURCE_BOOK, SOURCES, TopicOptions,
};
use shelf_testkit::kafka::Broker;
use shelf_testkit::servers::RegistryServer;
use taking::{Taker, take};

const PARTITIONS: u32 = 2;
const SOURCE_PARTITIONS: u32 = 4;
const PREFIX: &str = "order";
const MESSAGES: u64 = 4_000;
const LIVE: u64 = 400;
const KILLS: u64 = 8;

/// All of our topics: most of them have nothing, and hold nobody up.
fn options() -> IntakeOptions {
    IntakeOptions {
        commit_every: Duration::from_millis(5),
        // Small transactions, one after the other: a kill finds one open, or a commit under way.
        // And time enough for a machine that is busy.
        merge: MergeOptions { batch: 20, settle: Duration::from_secs(1) },
        ..IntakeOptions::new(&SOURCES, PARTITIONS)
    }
}

/// The same topics as if they were keyed by store.
fn keyed() -> IntakeOptions {
    IntakeOptions {
        topics: Vec::new(),
        keyed_by_store: SOURCES.map(str::to_owned).to_vec(),
        merge: MergeOptions::default(),
        ..options()
    }
}

/// What a process that takes messages does until its input ends; in the suite itself, nothing.
#[test]
fn taker() {
    take(options());
}

/// One that takes each partition by itself, and has a transaction open for seconds.
#[test]
fn keyed_taker() {
    let merge = MergeOptions { batch: 20, ..MergeOptions::default() };
    take(IntakeOptions { commit_every: Duration::from_secs(5), merge, ..keyed() });
}

fn topics(broker: &Broker, prefix: &str) -> Connection {
    let (partitions, source_partitions) = (PARTITIONS, SOURCE_PARTITIONS);
    let options = TopicOptions { partitions, source_partitions, ..TopicOptions::default() };
    topics_of(&broker.address(), prefix, &options)
}

fn produce(connection: &Connection, prefix: &str, (first, count): (u64, u64), when: &str) {
    let (first, count) = (first.to_string(), count.to_string());
    let words = [connection.brokers(), prefix, &first, &count, when];
    assert_eq!(python("produce_shelves.py", &words)["sent"].to_string(), count);
}

/// The partitions of both topics in which messages of each store lie.
fn spread(connection: &Connection) -> BTreeMap<String, BTreeSet<(usize, u32)>> {
    let mut spread: BTreeMap<String, BTreeSet<(usize, u32)>> = BTreeMap::new();
    for (number, topic) in ["shelf_events", "pos_transactions"].into_iter().enumerate() {
        read_all(connection, topic, 1, |message| {
            let value: serde_json::Value =
                serde_json::from_slice(message.payload.unwrap()).unwrap();
            let store = value["store_id"].as_str().unwrap().to_owned();
            spread.entry(store).or_default().insert((number, message.partition));
        });
    }
    spread
}

/// The events of the log by store, in its order: each is in the partition of its store, and once.
fn log(connection: &Connection, expected: u64) -> BTreeMap<StoreId, Vec<Event>> {
    let mut found: BTreeMap<StoreId, Vec<Event>> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    read_all(connection, LOG_EVENTS, expected as usize, |message| {
        let event = decode_event(message.payload.unwrap()).unwrap();
        assert_eq!(message.partition, partition_of(event.store, PARTITIONS));
        assert!(!matches!(event.body, Body::Rejected(_)), "{event:?}");
        assert!(ids.insert((event.store, event.id)), "{event:?} is there twice");
        found.entry(event.store).or_default().push(event);
    });
    assert_eq!(ids.len() as u64, expected);
    found
}

/// How many events of the log come behind one of their store that was written later.
fn out_of_order(found: &BTreeMap<StoreId, Vec<Event>>) -> usize {
    let behind = |events: &Vec<Event>| {
        events.windows(2).filter(|pair| pair[0].received_at >= pair[1].received_at).count()
    };
    found.values().map(behind).sum()
}

#[test]
fn what_a_store_sent_is_in_order_whatever_it_is_keyed_by_and_however_often_the_taker_is_killed() {
    let _alone = alone();
    let broker = Broker::start();
    let (address, connection) = (broker.address(), topics(&broker, PREFIX));
    produce(&connection, PREFIX, (0, MESSAGES), "past");
    let spread = spread(&connection);
    let everywhere = (2 * SOURCE_PARTITIONS) as usize;
    assert!(spread.len() == 3 && spread.values().all(|of| of.len() == everywhere), "{spread:?}");
    Taker::killed_in_turn(&address, PREFIX, KILLS, 250);
    // One that waits takes over from one that is killed, without anybody starting it.
    let (last, waits) = (Taker::start(&address, PREFIX), Taker::start(&address, PREFIX));
    let began = Instant::now();
    while last.taken() + waits.taken() < 20 {
        assert!(began.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(1));
    }
    let (works, waits) = if last.taken() > 0 { (last, waits) } else { (waits, last) };
    works.kill();
    let found = log(&connection, MESSAGES);
    assert_eq!(out_of_order(&found), 0);
    // What is written while it is taken is in order as well.
    produce(&connection, PREFIX, (MESSAGES, LIVE), "now");
    let found = log(&connection, MESSAGES + LIVE);
    assert_eq!(out_of_order(&found), 0);
    waits.leave();
    let again = Taker::start(&address, PREFIX);
    std::thread::sleep(Duration::from_secs(8));
    assert_eq!(again.taken(), 0);
    again.leave();
    log(&connection, MESSAGES + LIVE);
}

/// Takes so many messages, and leaves.
fn take_here(connection: &Connection, options: IntakeOptions, messages: u64) {
    let (intake, stop) = (KafkaIntake::join(connection, options).unwrap(), AtomicBool::new(false));
    let started = Instant::now();
    std::thread::scope(|scope| {
        let running = scope.spawn(|| intake.run(&stop).unwrap());
        while intake.messages() < messages {
            assert!(started.elapsed() < PATIENCE, "{} of {messages}", intake.messages());
            std::thread::sleep(Duration::from_millis(5));
        }
        // For what there may be too much of.
        std::thread::sleep(Duration::from_secs(1));
        stop.store(true, Ordering::Release);
        running.join().unwrap();
    });
    assert_eq!((intake.failures(), intake.trouble()), (0, Vec::new()));
    assert_eq!(intake.leave(), messages);
}

#[test]
fn topics_that_are_said_to_be_keyed_by_store_are_taken_partition_by_partition() {
    const PREFIX: &str = "keyed";
    let _alone = alone();
    let broker = Broker::start();
    let connection = topics(&broker, PREFIX);
    produce(&connection, PREFIX, (0, MESSAGES), "past");
    // They are not, and nothing brings them into order.
    take_here(&connection, keyed(), MESSAGES);
    let found = log(&connection, MESSAGES);
    assert!(out_of_order(&found) > 0, "nothing is shown by messages that come in order anyway");
    // Either way goes on where the other has stopped.
    produce(&connection, PREFIX, (MESSAGES, LIVE), "past");
    take_here(&connection, options(), LIVE);
    produce(&connection, PREFIX, (MESSAGES + LIVE, LIVE), "past");
    take_here(&connection, keyed(), LIVE);
    log(&connection, MESSAGES + 2 * LIVE);
}

#[test]
fn who_goes_by_other_lists_is_refused_while_anybody_takes_messages_and_not_afterwards() {
    const PREFIX: &str = "lists";
    let _alone = alone();
    let broker = Broker::start();
    let connection = topics(&broker, PREFIX);
    produce(&connection, PREFIX, (0, LIVE), "past");
    let (intake, stop) =
        (KafkaIntake::join(&connection, options()).unwrap(), AtomicBool::new(false));
    let takes = |messages: u64| {
        let began = Instant::now();
        while intake.messages() < messages {
            assert!(began.elapsed() < PATIENCE, "{} of {messages}", intake.messages());
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    std::thread::scope(|scope| {
        let running = scope.spawn(|| intake.run(&stop).unwrap());
        takes(LIVE);
        let refused = KafkaIntake::join(&connection, keyed()).err().expect("a refusal");
        let (topic, said) = (connection.name("shelf_events"), refused.to_string());
        let differs = format!("{topic} is taken in one order there and keyed by store here");
        assert_eq!((refused.code(), said.contains(&differs)), ("kafka_lists", true), "{said}");
        // Whoever takes messages was not disturbed.
        produce(&connection, PREFIX, (LIVE, LIVE), "past");
        takes(2 * LIVE);
        stop.store(true, Ordering::Release);
        running.join().unwrap();
    });
    assert_eq!((intake.failures(), intake.trouble()), (0, Vec::new()));
    assert_eq!(intake.leave(), 2 * LIVE);
    produce(&connection, PREFIX, (2 * LIVE, LIVE), "past");
    take_here(&connection, keyed(), LIVE);
    log(&connection, 3 * LIVE);
}

#[test]
fn one_who_took_partitions_by_themselves_and_was_frozen_is_fenced_when_the_lists_change() {
    const PREFIX: &str = "unkeyed";
    let _alone = alone();
    let broker = Broker::start();
    let (address, connection) = (broker.address(), topics(&broker, PREFIX));
    produce(&connection, PREFIX, (0, LIVE), "past");
    let frozen = Taker::start_as("keyed_taker", &address, PREFIX);
    frozen.takes(20);
    frozen.signal("STOP");
    let mut committed = 0;
    read_all(&connection, LOG_EVENTS, 0, |_| committed += 1);
    assert_eq!(committed, 0, "what it has taken is in transactions that are open");
    // The group has to forget it first.
    let began = Instant::now();
    let intake = loop {
        match KafkaIntake::join(&connection, options()) {
            Ok(intake) => break intake,
            Err(error) => assert_eq!(error.code(), "kafka_lists", "{error}"),
        }
        assert!(began.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(100));
    };
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let running = scope.spawn(|| intake.run(&stop).unwrap());
        let takes = |messages: u64| {
            while intake.messages() < messages {
                assert!(began.elapsed() < PATIENCE, "{:?}", intake.trouble());
                std::thread::sleep(Duration::from_millis(1));
            }
        };
        takes(1);
        eprintln!("it is revived {:?} after the freeze", began.elapsed());
        frozen.signal("CONT");
        // What it had open is ended, and what it begins anew goes by lists that are none any more.
        frozen.is_held_up("kafka_lists");
        takes(LIVE);
        log(&connection, LIVE);
        stop.store(true, Ordering::Release);
        running.join().unwrap();
    });
    frozen.leave();
    assert_eq!((intake.failures(), intake.leave()), (0, LIVE));
    log(&connection, LIVE);
}

#[test]
fn messages_in_avro_wait_while_the_registry_is_away_and_nothing_is_lost() {
    const PREFIX: &str = "avro";
    const SCHEMA: &str =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/schemas/avro/event.avsc");
    let _alone = alone();
    let (broker, registry) = (Broker::start(), RegistryServer::start());
    let plain = topics(&broker, PREFIX);
    let (url, topic) = (registry.url(), plain.name("foot_traffic_realistic"));
    let send = |first: u64, count: u64| {
        let (first, count) = (first.to_string(), count.to_string());
        let words = [plain.brokers(), &topic, &url, SCHEMA, &first, &count];
        python("produce_avro.py", &words)["schema"].as_u64().unwrap()
    };
    // Some are read without a registry, some wait for it, and some of the first kind are behind.
    produce(&plain, PREFIX, (0, 30), "now");
    let number = send(30, 40);
    produce(&plain, PREFIX, (70, 30), "now");
    registry.freeze();
    let mut connection = plain.clone();
    let known = RegistryOptions { url: url.clone(), ..RegistryOptions::default() };
    connection.avro = Some(Avro::new(&known).unwrap());
    let (intake, stop) =
        (KafkaIntake::join(&connection, options()).unwrap(), AtomicBool::new(false));
    let until = |what: &str, is: &dyn Fn() -> bool| {
        let began = Instant::now();
        while !is() {
            let found = (intake.messages(), intake.trouble(), intake.lag());
            assert!(began.elapsed() < PATIENCE, "{what}: {found:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    std::thread::scope(|scope| {
        let running = scope.spawn(|| intake.run(&stop).unwrap());
        until("it says what is in the way", &|| !intake.trouble().is_empty());
        assert_eq!(log(&plain, 30).len(), 3, "what was written before is in the log");
        std::thread::sleep(Duration::from_secs(2));
        let trouble = intake.trouble();
        let [(of, _, code, message)] = trouble.as_slice() else { panic!("{trouble:?}") };
        assert_eq!((of, *code), (&topic, "registry_unreachable"));
        assert!(message.contains(&url), "{message}");
        assert_eq!((intake.messages(), intake.failures()), (30, 0), "it stands still");
        until("how much waits is known", &|| intake.lag().get(&topic) == Some(&Some(40)));
        registry.thaw();
        assert_eq!(send(100, 1), number);
        until("all are taken", &|| intake.messages() == 101);
        until("nothing is in the way", &|| intake.trouble().is_empty());
        stop.store(true, Ordering::Release);
        running.join().unwrap();
    });
    assert_eq!((intake.failures(), intake.leave()), (0, 101));
    assert_eq!(out_of_order(&log(&plain, 101)), 0);
}

/// Freezes the only taker when it has a transaction open in which there are events.
fn freeze_in_transaction(taker: &Taker, connection: &Connection) {
    let began = Instant::now();
    loop {
        assert!(began.elapsed() < PATIENCE, "no transaction is ever open");
        taker.signal("STOP");
        if ends_of(connection, &[LOG_EVENTS]).iter().any(End::open) {
            return;
        }
        taker.signal("CONT");
        // Not always at the same moment of a transaction.
        std::thread::sleep(Duration::from_millis(began.elapsed().as_millis() as u64 % 5));
    }
}

#[test]
fn a_taker_that_is_frozen_in_a_transaction_and_revived_writes_nothing_twice() {
    const PREFIX: &str = "frozen";
    let _alone = alone();
    let broker = Broker::start();
    let (address, connection) = (broker.address(), topics(&broker, PREFIX));
    produce(&connection, PREFIX, (0, MESSAGES), "past");
    let frozen = Taker::start(&address, PREFIX);
    frozen.takes(20);
    freeze_in_transaction(&frozen, &connection);
    // When the group has given it up, somebody else goes on where it was.
    let next = Taker::start(&address, PREFIX);
    next.takes(20);
    frozen.signal("CONT");
    assert_eq!(out_of_order(&log(&connection, MESSAGES)), 0);
    // Longer than one that was fenced waits before it claims again.
    std::thread::sleep(Duration::from_secs(5));
    log(&connection, MESSAGES);
    // It is one of those who wait, and takes over in its turn.
    next.kill();
    produce(&connection, PREFIX, (MESSAGES, LIVE), "now");
    assert_eq!(out_of_order(&log(&connection, MESSAGES + LIVE)), 0);
    frozen.leave();
}

#[test]
fn a_broker_that_is_killed_under_those_who_take_messages_loses_and_repeats_nothing() {
    const PREFIX: &str = "torn";
    let _alone = alone();
    let mut broker = Broker::start();
    let (address, connection) = (broker.address(), topics(&broker, PREFIX));
    produce(&connection, PREFIX, (0, MESSAGES), "past");
    let first = Taker::start(&address, PREFIX);
    first.takes(20);
    // Nobody else could end what is open while the broker is killed.
    freeze_in_transaction(&first, &connection);
    broker.kill();
    broker.resume();
    let before = first.taken();
    first.signal("CONT");
    first.takes(before + 200);
    // Once more, and the taker is killed with it.
    freeze_in_transaction(&first, &connection);
    broker.kill();
    first.kill();
    broker.resume();
    for topic in [LOG_EVENTS, SOURCE_BOOK] {
        // It answers for what they need.
        read_all(&connection, topic, 0, |_| {});
    }
    let next = Taker::start(&address, PREFIX);
    assert_eq!(out_of_order(&log(&connection, MESSAGES)), 0);
    next.leave();
}
