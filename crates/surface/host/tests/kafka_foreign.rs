//! Messages of other systems on a real broker: whatever partitions they lie in and however often
//! who takes them is killed, the log holds what a reader of all of them in one order makes, once.

#![cfg(feature = "kafka")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "the helpers of tests fail like tests"
)]

#[path = "fixture/chain.rs"]
mod chain;
#[path = "fixture/kafka.rs"]
mod kafka;
#[path = "fixture/taker.rs"]
mod taking;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chain::replay;
use kafka::{Embedded, alone, python, read_all, settings, topics_of, wait_for};
use shelf_domain::{Body, Effects, Event, Note, Store, Stores, Timestamp, state_hash};
use shelf_engine::partition_of;
use shelf_events::{Defaults, decode_event};
use shelf_host::{ForeignOptions, IntakeOptions, KafkaWorker};
use shelf_kafka::{Connection, FOREIGN, LOG_EVENTS, MergeOptions, TopicOptions, init};
use shelf_sources::{Foreign, Format, Known, LineReader};
use shelf_testkit::kafka::{Broker, Release};
use taking::{Taker, connected, take};

const PARTITIONS: u32 = 4;
const PREFIX: &str = "foreign";
const ROUNDS: u32 = 3_500;
const KILLS: u64 = 10;

fn foreign() -> ForeignOptions {
    let topics = FOREIGN
        .map(|topic| (topic.name.to_owned(), Format::of_name(topic.format).expect("a format")));
    let foreign = Foreign::new(Format::Auto, "UTC").expect("a zone");
    ForeignOptions::new(topics.to_vec(), foreign)
}

fn intake() -> IntakeOptions {
    IntakeOptions {
        commit_every: Duration::from_millis(5),
        // Small transactions, one after the other: a kill finds one open, or a commit under way.
        // Time enough for a machine that is busy.
        merge: MergeOptions { batch: 20, settle: Duration::from_millis(250) },
        foreign: Some(foreign()),
        ..IntakeOptions::new(&["shelf_events"], PARTITIONS)
    }
}

/// What a process that takes messages does until its input ends; in the suite itself, nothing.
#[test]
fn taker() {
    take(intake());
}

/// All messages of the topics, in the order in which they were written.
struct Sent {
    written_ms: i64,
    topic: usize,
    partition: u32,
    offset: i64,
    bytes: Vec<u8>,
}

fn sent(address: &str) -> Vec<Sent> {
    let plain = connected(address, "");
    let mut all = Vec::new();
    for (topic, of) in FOREIGN.iter().enumerate() {
        read_all(&plain, of.name, 0, |message| {
            all.push(Sent {
                written_ms: message.written_ms,
                topic,
                partition: message.partition,
                offset: message.offset,
                bytes: message.payload.unwrap_or_default().to_vec(),
            });
        });
    }
    let spread: BTreeSet<_> = all.iter().map(|one| (one.topic, one.partition)).collect();
    // Three topics of one partition each were made with three by their own system.
    assert!(spread.len() >= 3 + 3 + 1 + 2 + 2 + 3 + 3 + 3 - 2, "{spread:?}");
    // Within a partition the order is that of the brokers, whatever the times say.
    let mut queues: BTreeMap<(usize, u32), VecDeque<Sent>> = BTreeMap::new();
    all.sort_by_key(|one| one.offset);
    for one in all {
        queues.entry((one.topic, one.partition)).or_default().push_back(one);
    }
    let mut merged = Vec::new();
    while let Some((_, queue)) = queues
        .iter_mut()
        .filter(|(_, queue)| !queue.is_empty())
        .min_by_key(|(place, queue)| (queue.front().map(|one| one.written_ms), **place))
    {
        merged.extend(queue.pop_front());
    }
    merged
}

/// What the reader of the embedded log makes of them, one after the other.
fn embedded(sent: &[Sent]) -> Embedded {
    let zone = Foreign::new(Format::Auto, "UTC").expect("a zone");
    let mut reader = LineReader::new(zone, Known::default());
    let mut events: Vec<Vec<Event>> = vec![Vec::new(); PARTITIONS as usize];
    for one in sent {
        let of = &FOREIGN[one.topic];
        let received_at = Timestamp(one.written_ms * 1_000);
        let defaults = Defaults { store: None, received_at };
        let format = Format::of_name(of.format).expect("a format");
        let made = match reader.read_as(format, &one.bytes, &defaults) {
            Ok(lines) => lines.declarations.into_iter().chain(lines.events).collect(),
            Err(error) => {
                let source = format!("{}/{}", of.name, one.partition);
                let json = shelf_events::JsonError {
                    code: shelf_events::ErrorCode::WrongType,
                    field: "",
                    detail: String::new(),
                };
                let line = one.offset.unsigned_abs();
                let mut event =
                    shelf_events::rejected_event(&json, &one.bytes, &source, line, &defaults);
                let Body::Rejected(rejected) = &mut event.body else { unreachable!() };
                rejected.reason = Note::cut(error.code());
                vec![event]
            }
        };
        for event in made {
            events[partition_of(event.store, PARTITIONS) as usize].push(event);
        }
    }
    let effects = events.iter().map(|events| replay(events)).collect();
    let mut all: Vec<Stores> = Vec::new();
    for events in &events {
        let (mut stores, mut effects) = (Stores::default(), Effects::default());
        for event in events {
            stores.step(event, &mut effects);
            effects.items.clear();
        }
        all.push(stores);
    }
    let mut stores: Vec<&Store> = all.iter().flat_map(Stores::iter).collect();
    stores.sort_unstable_by_key(|store| store.id());
    let hash = state_hash(stores.iter().copied()).expect("a state");
    Embedded { events, effects, hash }
}

/// The log, by partition.
fn log(connection: &Connection, expected: u64) -> Vec<Vec<Event>> {
    let mut found: Vec<Vec<Event>> = vec![Vec::new(); PARTITIONS as usize];
    read_all(connection, LOG_EVENTS, expected as usize, |message| {
        let event = decode_event(message.payload.expect("an event")).expect("an event");
        found[message.partition as usize].push(event);
    });
    found
}

fn same(found: &[Vec<Event>], expected: &[Vec<Event>]) {
    for (partition, (found, expected)) in found.iter().zip(expected).enumerate() {
        for (number, (found, expected)) in found.iter().zip(expected).enumerate() {
            assert_eq!(found, expected, "event {number} of partition {partition}");
        }
        assert_eq!(found.len(), expected.len(), "partition {partition}");
    }
}

fn declares(event: &Event) -> bool {
    matches!(event.body, Body::Store(_) | Body::Product(_) | Body::Shelf(_) | Body::OpeningStock(_))
}

/// Has messages of so many rounds taken, with so many kills of who takes them, and compares the
/// log with what a reader of all of them makes.
fn taken_in_one_order(broker: &Broker, (rounds, kills): (u32, u64)) -> (Connection, Embedded) {
    let address = broker.address();
    // One system has made its topics itself, and not as we would.
    let there: Vec<&str> =
        FOREIGN.iter().filter(|topic| topic.format == "basket").map(|topic| topic.name).collect();
    python("administer.py", &[&[address.as_str(), "make"], there.as_slice()].concat());
    let options = TopicOptions {
        partitions: PARTITIONS,
        foreign: FOREIGN.map(|topic| (topic.name.to_owned(), topic.partitions)).to_vec(),
        ..TopicOptions::default()
    };
    let connection = topics_of(&address, PREFIX, &options);
    let again = init(&connection, &options).expect("topics");
    assert_eq!((again.created.len(), again.present.len()), (0, 21 + 8));
    assert_eq!(again.differences, [], "topics of others are their own matter");

    let rounds = rounds.to_string();
    let names = FOREIGN.map(|topic| topic.name);
    let said = python("produce_foreign.py", &[&[address.as_str(), &rounds], &names[..]].concat());
    let sent = sent(&address);
    assert_eq!(said["sent"].as_u64(), Some(sent.len() as u64));
    let expected = embedded(&sent);
    let declared: Vec<_> =
        expected.events.iter().flatten().filter(|event| declares(event)).collect();
    let ids: BTreeSet<_> = declared.iter().map(|event| event.id).collect();
    assert_eq!(ids.len(), declared.len(), "each declaration has an id of its own");
    assert!(declared.len() > 200, "{}", declared.len());

    Taker::killed_in_turn(&address, PREFIX, kills, 350);
    let last = Taker::start(&address, PREFIX);
    let found = log(&connection, expected.total());
    last.leave();
    same(&found, &expected.events);
    let found: Vec<_> =
        found.iter().flatten().filter(|event| declares(event)).map(|event| event.id).collect();
    assert_eq!(found.len(), ids.len(), "declarations, each once");
    (connection, expected)
}

/// Has a worker step what is in the log, and compares what comes of it.
fn worked_on(connection: &Connection, expected: &Embedded) {
    let folder = tempfile::tempdir().expect("a folder");
    let worker = KafkaWorker::join(connection, &settings(folder.path(), PARTITIONS));
    let (worker, stop) = (worker.expect("a group"), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let running = scope.spawn(|| {
            worker.run(&stop).expect("a group");
            drop(worker);
        });
        wait_for(connection, &expected.ends());
        stop.store(true, Ordering::Release);
        running.join().expect("a worker");
    });
    expected.check(connection, folder.path());
}

#[test]
fn messages_of_other_systems_are_taken_once_in_one_order_however_often_the_taker_is_killed() {
    let _alone = alone();
    let broker = Broker::start();
    let address = broker.address();
    let (connection, expected) = taken_in_one_order(&broker, (ROUNDS, KILLS));
    // What brokers do with a group that is away for too long changes nothing.
    let group = connection.name("shelf-sources");
    python("administer.py", &[address.as_str(), "forget", group.as_str()]);
    let anew = Taker::start(&address, PREFIX);
    std::thread::sleep(Duration::from_secs(12));
    assert_eq!(anew.taken(), 0);
    anew.leave();
    same(&log(&connection, expected.total()), &expected.events);
    worked_on(&connection, &expected);
}

#[test]
fn on_an_older_release_they_are_taken_in_the_same_order() {
    let _alone = alone();
    let broker = Broker::start_release(Release::Before4);
    let (connection, expected) = taken_in_one_order(&broker, (ROUNDS / 3, 3));
    worked_on(&connection, &expected);
}
