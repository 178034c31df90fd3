//! Workers and brokers of a chain are killed, frozen, moved and cut off: what is written is what
//! the embedded log comes to, each effect once, also for a client that is none of ours.
//!
//! `SHELF_KAFKA_KILLS=n` asks for n kills, `SHELF_KAFKA_SEED=s` repeats their order.

#![cfg(feature = "kafka")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the helpers of tests fail like tests"
)]

#[path = "fixture/chain.rs"]
mod chain;
#[path = "fixture/kafka.rs"]
mod kafka;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chain::minute;
use kafka::{
    Crew, Embedded, End, PATIENCE, Worker, alone, embedded, ends_of, open_feed, positions, python,
    read_all, settings, topics, topics_of, until, wait_for, work,
};
use shelf_domain::{
    Body, Category, Day, Event, EventId, LotCode, OpeningStock, Origin, Product, ShelfPlan, Sku,
    StoreId, StoreSettings, Timestamp,
};
use shelf_engine::partition_of;
use shelf_events::{StateKind, decode_event};
use shelf_host::{IntakeOptions, KafkaIntake, KafkaWorker};
use shelf_kafka::{ALERTS, Connection, LOG_EFFECTS, LOG_EVENTS, SOURCES, TopicOptions};
use shelf_testkit::kafka::{Broker, Cluster, Release};

const PARTITIONS: u32 = 4;
const HOUR: i64 = 60;
/// Workers that are killed are given up after this time, so that a kill costs little.
const SHORT_SESSION: Duration = Duration::from_millis(800);
/// How long workers may do nothing before one is killed all the same.
const IDLE_AT_MOST: Duration = Duration::from_secs(10);
/// How long a kill waits for the worker that chance has chosen, before another one is hit.
const PREFERRED_FOR: Duration = Duration::from_millis(150);
/// After so long brokers end a transaction whose writer has gone silent.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(15);
/// One of so many kills is that of the only broker, which takes longer to start than a worker.
const BROKER_EVERY: u64 = 20;

/// What a worker process does; in the suite itself, nothing.
#[test]
fn worker() {
    work();
}

/// A sequence of numbers that looks like chance and can be repeated.
struct Chance(u64);

impl Chance {
    /// From the environment, or another one each time.
    fn new() -> Self {
        let seed = number("SHELF_KAFKA_SEED").unwrap_or_else(|| std::process::id().into());
        eprintln!("repeat with SHELF_KAFKA_SEED={seed}");
        Self(seed)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % end
    }

    fn pause(&mut self, below_ms: u64) {
        std::thread::sleep(Duration::from_millis(self.below(below_ms)));
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// What a series of kills came to.
#[derive(Debug, Default)]
struct Kills {
    workers: u64,
    /// How many of those stepped events when they were killed.
    in_work: u64,
    brokers: u64,
}

/// Which of the workers steps events at this moment, the one that is asked for first; `None` where
/// none does in all the time that a worker may do nothing.
fn at_work(workers: &[Worker; 2], first: usize) -> Option<usize> {
    let before = workers.each_ref().map(Worker::events);
    let began = Instant::now();
    while began.elapsed() < IDLE_AT_MOST {
        let stepped = |at: usize| workers.get(at).map(Worker::events) > before.get(at).copied();
        if stepped(first) {
            return Some(first);
        }
        if began.elapsed() > PREFERRED_FOR && stepped(1 - first) {
            return Some(1 - first);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    None
}

/// Two workers, of which one or both are killed in the middle of work, and a broker now and then.
fn kill(
    crew: &Crew,
    expected: &Embedded,
    connection: &Connection,
    (kills, broker_every): (u64, u64),
    mut kill_broker: impl FnMut(&mut Chance),
) -> Kills {
    let mut chance = Chance::new();
    let (enough, mut done) = (AtomicBool::new(false), Kills::default());
    std::thread::scope(|scope| {
        let mut workers = [crew.start(), crew.start()];
        let feeding = scope.spawn(|| {
            expected.feed_until(connection, kills * 20, Duration::from_millis(20), &enough);
        });
        assert!(workers.iter().any(|worker| worker.steps(PATIENCE)), "nobody begins");
        let began = Instant::now();
        while done.workers + done.brokers < kills {
            let (which, number) = (chance.below(16), done.workers + done.brokers);
            let found = at_work(&workers, (which % 2) as usize);
            chance.pause(120);
            let in_work = u64::from(found.is_some());
            if number >= done.brokers * broker_every + broker_every / 4 {
                kill_broker(&mut chance);
                done.brokers += 1;
            } else if which == 0 {
                workers.into_iter().for_each(Worker::kill);
                workers = [crew.start(), crew.start()];
                done.workers += 2;
                done.in_work += 2 * in_work;
            } else if let Some(worker) = workers.get_mut(found.unwrap_or_default()) {
                std::mem::replace(worker, crew.start()).kill();
                done.workers += 1;
                done.in_work += in_work;
            }
        }
        eprintln!("{done:?} in {:?}", began.elapsed());
        enough.store(true, Ordering::Release);
        feeding.join().unwrap();
        wait_for(connection, &expected.ends());
        workers.into_iter().for_each(Worker::leave);
        // One that was just opening a partition again has not saved it.
        let last = crew.start();
        let began = Instant::now();
        while last.partitions() < u64::from(PARTITIONS) {
            assert!(began.elapsed() < PATIENCE, "it has {}", last.partitions());
            std::thread::sleep(Duration::from_millis(20));
        }
        last.leave();
    });
    done
}

/// What is written is right, and kills did end what was open.
fn check(expected: &Embedded, connection: &Connection, crew: &Crew, done: &Kills) {
    let began = Instant::now();
    expected.check(connection, &crew.snapshots);
    let aborted = expected.check_elsewhere(connection, &crew.snapshots);
    eprintln!(
        "{aborted} records of transactions that were ended; checked in {:?}",
        began.elapsed()
    );
    assert!(done.in_work > 0, "kills hit workers at work: {done:?}");
    assert!(aborted > 0 && done.brokers > 0, "kills hit open transactions: {done:?}");
}

/// Kills so many workers, and the broker once in so many, and compares what comes of it.
fn killed(broker: &mut Broker, (kills, broker_every): (u64, u64)) {
    let expected = embedded(24, 4, PARTITIONS, minute((14 + kills as i64 / 25) * HOUR));
    let connection = topics(&broker.address(), "kills", PARTITIONS);
    let folder = tempfile::tempdir().unwrap();
    let mut crew = Crew::new(&broker.address(), "kills", PARTITIONS, folder.path());
    crew.session = SHORT_SESSION;
    let done = kill(&crew, &expected, &connection, (kills, broker_every), |chance| {
        broker.kill();
        chance.pause(500);
        broker.resume();
    });
    check(&expected, &connection, &crew, &done);
}

#[test]
fn kills_of_workers_and_of_the_broker_change_nothing() {
    let _alone = alone();
    let kills = number("SHELF_KAFKA_KILLS").unwrap_or(100);
    killed(&mut Broker::start(), (kills, BROKER_EVERY));
}

#[test]
fn one_of_three_brokers_is_killed_again_and_again_and_nothing_is_lost_or_doubled() {
    let _alone = alone();
    let mut cluster = Cluster::start();
    let expected = embedded(26, 4, PARTITIONS, minute(14 * HOUR));
    let options = TopicOptions { partitions: PARTITIONS, replication: 3, ..Default::default() };
    let connection = topics_of(&cluster.address(), "three", &options);
    let folder = tempfile::tempdir().unwrap();
    let mut crew = Crew::new(&cluster.address(), "three", PARTITIONS, folder.path());
    crew.session = SHORT_SESSION;
    let leads = |address: &str, node: usize, wanted: &str| {
        let words = [address, &connection.name(LOG_EVENTS), &node.to_string(), wanted];
        python("leaders.py", &words)["led"].as_u64().unwrap()
    };
    let (mut node, mut moved) = (0, 0);
    let done = kill(&crew, &expected, &connection, (16, 4), |chance| {
        // What it has led is led by others, and by itself again when it has caught up.
        node = node % 3 + 1;
        let address = cluster.address();
        moved += leads(&address, node, "some");
        cluster.broker(node).kill();
        leads(&address, node, "none");
        chance.pause(1_000);
        cluster.broker(node).resume();
        leads(&address, node, "some");
    });
    eprintln!("{moved} times a partition was led by another broker for a while");
    assert!(moved > 0);
    check(&expected, &connection, &crew, &done);
}

/// A network of its own for workers, joined with this machine by a cable. It is gone with this.
struct Cable {
    name: String,
    ours: String,
    host: String,
}

impl Cable {
    fn new() -> Self {
        let number = std::process::id();
        let (name, ours) = (format!("shelf-{number}"), format!("shelf{number}"));
        // One of the networks that are set apart for tests; its other half is the worker's.
        let third = number % 250 + 1;
        let (host, worker) = (format!("198.18.{third}.1"), format!("198.18.{third}.2"));
        let cable = Self { name, ours, host };
        let Self { name, ours, host } = &cable;
        ip(&format!("netns add {name}"));
        ip(&format!("link add {ours} type veth peer name cable netns {name}"));
        ip(&format!("addr add {host}/30 dev {ours}"));
        ip(&format!("link set {ours} up"));
        ip(&format!("-n {name} addr add {worker}/30 dev cable"));
        cable.join();
        cable
    }

    fn cut(&self) {
        ip(&format!("-n {} link set cable down", self.name));
    }

    fn join(&self) {
        ip(&format!("-n {} link set cable up", self.name));
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        // The cable goes with one of its ends.
        let _ = Command::new("ip").args(["link", "del", &self.ours]).status();
        let _ = Command::new("ip").args(["netns", "del", &self.name]).status();
    }
}

fn ip(words: &str) {
    let output = Command::new("ip").args(words.split(' ')).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {words}, which root may do: {said}");
}

#[test]
fn a_worker_whose_network_is_cut_loses_its_partitions_and_comes_back() {
    let _alone = alone();
    let cable = Cable::new();
    let broker = Broker::start_at(&cable.host);
    let expected = embedded(27, 4, PARTITIONS, minute(14 * HOUR));
    let connection = topics(&broker.address(), "cut", PARTITIONS);
    let folder = tempfile::tempdir().unwrap();
    let near = Crew::new(&broker.address(), "cut", PARTITIONS, folder.path());
    let words = ["ip", "netns", "exec", &cable.name].map(str::to_owned).to_vec();
    let far = Crew { within: words, ..near.clone() };
    let enough = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (here, there) = (near.start(), far.start());
        let feeding = scope.spawn(|| {
            expected.feed_until(&connection, 1_500, Duration::from_millis(60), &enough);
        });
        let until = |what: &str, is: &dyn Fn() -> bool| {
            let began = Instant::now();
            while !is() {
                assert!(began.elapsed() < PATIENCE, "{what}");
                std::thread::sleep(Duration::from_millis(10));
            }
            eprintln!("{what} after {:?}", began.elapsed());
        };
        let share = || here.partitions() == 2 && there.partitions() == 2;
        until("both have partitions", &share);
        assert!(there.steps(PATIENCE));
        cable.cut();
        until("the other one has them all", &|| here.partitions() == 4);
        let stepped = there.events();
        assert!(here.steps(PATIENCE));
        cable.join();
        until("both have partitions again", &share);
        assert!(there.steps(PATIENCE) && there.events() > stepped);
        enough.store(true, Ordering::Release);
        feeding.join().unwrap();
        wait_for(&connection, &expected.ends());
        here.leave();
        there.leave();
    });
    expected.check(&connection, folder.path());
    expected.check_elsewhere(&connection, folder.path());
}

#[test]
fn what_a_worker_cannot_do_it_says_in_words() {
    let _alone = alone();
    let broker = Broker::start();
    let folder = tempfile::tempdir().unwrap();
    let refused = |connection: &Connection, partitions: u32| {
        let joined = KafkaWorker::join(connection, &settings(folder.path(), partitions));
        let error = joined.err().expect("a refusal");
        (error.code(), error.to_string())
    };
    let missing: Connection = format!("kafka://{}/nowhere", broker.address()).parse().unwrap();
    let (code, message) = refused(&missing, PARTITIONS);
    assert_eq!((code, message.contains("nowhere.log_events")), ("kafka_no_topic", true));
    // A topic of effects that takes no effect of many bytes.
    let small =
        TopicOptions { partitions: PARTITIONS, max_message_bytes: 100, ..TopicOptions::default() };
    let connection = topics_of(&broker.address(), "small", &small);
    let (code, message) = refused(&connection, 16);
    assert_eq!((code, message.contains("4 partitions, not 16")), ("kafka_partitions", true));
    // The events are let in, as somebody might who does not know of the other topics.
    python("let_in.py", &[&broker.address(), &connection.name(LOG_EVENTS)]);
    let expected = embedded(28, 1, PARTITIONS, minute(8 * HOUR));
    expected.feed(&connection, 2, Duration::ZERO);
    let worker = KafkaWorker::join(&connection, &settings(folder.path(), PARTITIONS)).unwrap();
    let (figures, stop) = (Arc::clone(worker.figures()), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let running = scope.spawn(|| worker.run(&stop));
        let began = Instant::now();
        let said = loop {
            let lanes = figures.lanes();
            // Of a lane that was told of what was given up with the record, that is said first.
            let errors = lanes.values().filter_map(|lane| lane.error.clone());
            if let Some(error) = errors.into_iter().find(|(code, _)| *code == "record_too_large") {
                break error;
            }
            assert!(began.elapsed() < PATIENCE, "{lanes:?}");
            std::thread::sleep(Duration::from_millis(10));
        };
        assert!(said.1.contains("log_effects"), "{said:?}");
        let failures = figures.failures();
        std::thread::sleep(Duration::from_secs(2));
        assert!(figures.failures() <= failures + 1, "it is not tried at full speed");
        stop.store(true, Ordering::Release);
        running.join().unwrap().unwrap();
    });
}

#[test]
fn a_frozen_worker_that_is_revived_is_fenced_and_writes_nothing() {
    let _alone = alone();
    frozen(&Broker::start());
}

/// Freezes a worker until another one has its partitions, revives it, and compares what comes of
/// it.
fn frozen(broker: &Broker) {
    let expected = embedded(29, 4, PARTITIONS, minute(20 * HOUR));
    let connection = topics(&broker.address(), "frozen", PARTITIONS);
    let folder = tempfile::tempdir().unwrap();
    let mut crew = Crew::new(&broker.address(), "frozen", PARTITIONS, folder.path());
    crew.session = SHORT_SESSION;
    let (enough, all) = (AtomicBool::new(false), u64::from(PARTITIONS));
    std::thread::scope(|scope| {
        let first = crew.start();
        let feeding = scope.spawn(|| {
            expected.feed_until(&connection, 3_000, Duration::from_millis(20), &enough);
        });
        until("it has all partitions", || first.partitions() == all);
        assert!(first.steps(PATIENCE));
        first.signal("STOP");
        let second = crew.start();
        until("the next one has all partitions", || second.partitions() == all);
        assert!(second.steps(PATIENCE));
        let stepped = first.events();
        first.signal("CONT");
        until("it is fenced", || first.fenced() > 0);
        eprintln!("fenced {} times after {stepped} events", first.fenced());
        first.kill();
        enough.store(true, Ordering::Release);
        feeding.join().unwrap();
        wait_for(&connection, &expected.ends());
        second.leave();
    });
    expected.check(&connection, folder.path());
    expected.check_elsewhere(&connection, folder.path());
}

/// The ends of all that a worker writes to.
fn ends(connection: &Connection) -> Vec<End> {
    let kinds = StateKind::ALL.into_iter().map(StateKind::name);
    let topics: Vec<&str> = [LOG_EFFECTS, ALERTS].into_iter().chain(kinds).collect();
    ends_of(connection, &topics)
}

/// Those with a transaction that is open.
fn open_ends(connection: &Connection) -> Vec<End> {
    ends(connection).into_iter().filter(End::open).collect()
}

/// Freezes the only worker that writes when it has a transaction open in which there are effects.
/// Returns what is open then.
fn freeze_in_transaction(worker: &Worker, connection: &Connection) -> Vec<End> {
    let (effects, began) = (connection.name(LOG_EFFECTS), Instant::now());
    loop {
        assert!(began.elapsed() < PATIENCE, "no transaction is ever open");
        assert!(worker.steps(PATIENCE));
        worker.signal("STOP");
        let open = open_ends(connection);
        let of_effects = open.iter().filter(|end| end.topic == effects).count();
        if of_effects > 0 {
            eprintln!("frozen with {} partitions open, {of_effects} of effects", open.len());
            return open;
        }
        worker.signal("CONT");
    }
}

#[test]
fn a_worker_that_is_frozen_in_a_transaction_never_ends_it() {
    let _alone = alone();
    let broker = Broker::start();
    let expected = embedded(31, 4, PARTITIONS, minute(14 * HOUR));
    let connection = topics(&broker.address(), "amid", PARTITIONS);
    let folder = tempfile::tempdir().unwrap();
    let usual = Crew::new(&broker.address(), "amid", PARTITIONS, folder.path());
    let crew = Crew { session: SHORT_SESSION, ..usual };
    // Between its commits, a transaction is open for seconds.
    let slow = Crew { commit_every: Duration::from_secs(4), ..crew.clone() };
    let (enough, all) = (AtomicBool::new(false), u64::from(PARTITIONS));
    std::thread::scope(|scope| {
        let first = slow.start();
        let feeding = scope.spawn(|| {
            expected.feed_until(&connection, 3_000, Duration::from_millis(20), &enough);
        });
        until("it has all partitions", || first.partitions() == all);
        // It is the only one who writes there: what is open while it is frozen is its own.
        let open = freeze_in_transaction(&first, &connection);
        let frozen = Instant::now();
        let second = crew.start();
        until("the next one has all partitions", || second.partitions() == all);
        // Whoever claims a partition ends what is open there: nobody waits for a time limit.
        until("what it had open is ended", || {
            let now = ends(&connection);
            let same =
                |one: &End, end: &End| (&end.topic, end.partition) == (&one.topic, one.partition);
            let ended =
                |one: &End| now.iter().any(|end| same(one, end) && end.committed > one.committed);
            open.iter().all(ended)
        });
        let taken_over = frozen.elapsed();
        assert!(taken_over < TRANSACTION_TIMEOUT, "{taken_over:?}");
        enough.store(true, Ordering::Release);
        feeding.join().unwrap();
        // What the frozen one had written without ending it lies in between, and is nobody's.
        wait_for(&connection, &expected.ends());
        until("nothing is open", || open_ends(&connection).is_empty());
        let before = ends(&connection);
        let stepped = first.events();
        first.signal("CONT");
        until("it is fenced", || first.fenced() > 0);
        // Longer than a fenced lane waits before it begins anew.
        std::thread::sleep(Duration::from_secs(4));
        assert_eq!(ends(&connection), before, "it has written something");
        eprintln!(
            "taken over after {taken_over:?}, fenced {} times after {stepped} events",
            first.fenced()
        );
        first.kill();
        second.leave();
    });
    expected.check(&connection, folder.path());
    let aborted = expected.check_elsewhere(&connection, folder.path());
    assert!(aborted > 0, "what it had open was ended, and not committed");
}

#[test]
fn a_broker_that_is_killed_with_transactions_open_loses_and_repeats_nothing() {
    let _alone = alone();
    let mut broker = Broker::start();
    let expected = embedded(33, 4, PARTITIONS, minute(14 * HOUR));
    let connection = topics(&broker.address(), "torn", PARTITIONS);
    let folder = tempfile::tempdir().unwrap();
    let crew = Crew::new(&broker.address(), "torn", PARTITIONS, folder.path());
    // Between its commits, a transaction is open for seconds.
    let slow = Crew { commit_every: Duration::from_secs(4), ..crew.clone() };
    let (enough, all) = (AtomicBool::new(false), u64::from(PARTITIONS));
    std::thread::scope(|scope| {
        let first = slow.start();
        let feeding = scope.spawn(|| {
            expected.feed_until(&connection, 3_000, Duration::from_millis(20), &enough);
        });
        until("it has all partitions", || first.partitions() == all);
        // Nobody else could end what is open while the broker is killed.
        freeze_in_transaction(&first, &connection);
        broker.kill();
        broker.resume();
        let before = positions(&connection, PARTITIONS);
        first.signal("CONT");
        until("it commits again", || positions(&connection, PARTITIONS) != before);
        // Once more, and its writer is killed with it.
        freeze_in_transaction(&first, &connection);
        broker.kill();
        first.kill();
        broker.resume();
        let second = crew.start();
        until("the next one has all partitions", || second.partitions() == all);
        enough.store(true, Ordering::Release);
        feeding.join().unwrap();
        wait_for(&connection, &expected.ends());
        second.leave();
    });
    expected.check(&connection, folder.path());
    let aborted = expected.check_elsewhere(&connection, folder.path());
    assert!(aborted > 0, "what was open at last was ended, and not committed");
}

#[test]
fn on_an_older_release_who_was_frozen_is_fenced_too_and_kills_change_nothing() {
    let _alone = alone();
    let mut broker = Broker::start_release(Release::Before4);
    frozen(&broker);
    killed(&mut broker, (16, 8));
}

#[test]
fn workers_with_snapshots_of_their_own_come_to_the_same() {
    let _alone = alone();
    let broker = Broker::start();
    let expected = embedded(30, 4, PARTITIONS, minute(20 * HOUR));
    let connection = topics(&broker.address(), "own", PARTITIONS);
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let crews = folders.each_ref().map(|folder| {
        let usual = Crew::new(&broker.address(), "own", PARTITIONS, folder.path());
        Crew { session: SHORT_SESSION, ..usual }
    });
    let enough = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let feeding = scope.spawn(|| {
            expected.feed_until(&connection, 3_000, Duration::from_millis(20), &enough);
        });
        let all = u64::from(PARTITIONS);
        let mut working = crews[0].start();
        // The partitions go to one that has nothing of them, and back to one whose own are old;
        // some of these have saved as they left, and some have not.
        for round in 0..6 {
            until("it has all partitions", || working.partitions() == all);
            assert!(working.steps(PATIENCE));
            let next = &crews[(round + 1) % 2];
            if round % 3 == 2 {
                working.leave();
                working = next.start();
            } else {
                let other = next.start();
                until("both have some", || other.partitions() > 0);
                assert!(other.steps(PATIENCE));
                working.kill();
                working = other;
            }
        }
        enough.store(true, Ordering::Release);
        feeding.join().unwrap();
        until("the last one has all", || working.partitions() == all);
        wait_for(&connection, &expected.ends());
        working.leave();
    });
    expected.check(&connection, folders[0].path());
    expected.check_elsewhere(&connection, folders[0].path());
}

/// A store with milk on its floor and in its warehouse, in the morning.
fn declared(store: StoreId) -> Vec<Event> {
    let (sku, lot) = (Sku::cut("MILK"), LotCode::cut("L0"));
    let category = Category::cut("DAIRY");
    let product =
        Product { sku, category, price_cents: 129, unit_weight_g: 1_030, ..Product::default() };
    // 1 January 2026.
    let day = Day(20_454);
    let stock = OpeningStock {
        sku,
        lot,
        received_day: day,
        floor_units: 150,
        warehouse_units: 40,
        ..OpeningStock::default()
    };
    let at = Timestamp(i64::from(day.0) * 86_400_000_000 + 8 * 3_600_000_000);
    let bodies = vec![
        Body::Store(StoreSettings::default().into()),
        Body::Product(product.into()),
        Body::Shelf(ShelfPlan { sku, capacity_units: 200, ..ShelfPlan::default() }),
        Body::OpeningStock(stock),
    ];
    let event = |(number, body)| {
        let (id, origin) = (EventId(number), Origin::default());
        Event { id, store, at, received_at: at, origin, body }
    };
    (1..).zip(bodies).map(event).collect()
}

#[test]
fn a_stock_client_sends_what_the_reference_sends_and_reads_what_follows() {
    const SHOPPERS: u64 = 50;
    let _alone = alone();
    let broker = Broker::start();
    let (address, store) = (broker.address(), StoreId::cut("S1"));
    let connection = topics(&address, "stock", PARTITIONS);
    let partition = partition_of(store, PARTITIONS);
    let declared = declared(store);
    let mut feed = open_feed(&connection);
    for event in &declared {
        feed.add(partition, event).unwrap();
    }
    feed.commit().unwrap();
    let client = |what: &str| {
        python("stock_client.py", &[address.as_str(), "stock", what, &SHOPPERS.to_string()])
    };
    // It tells each visit twice, and one of both is passed over. Its messages name no store.
    let taken = SOURCES.into_iter().filter(|topic| *topic != "foot_traffic");
    let taken: Vec<&str> = taken.collect();
    let options = IntakeOptions {
        store: Some(store),
        commit_every: Duration::from_millis(20),
        ..IntakeOptions::new(&taken, PARTITIONS)
    };
    let intake = KafkaIntake::join(&connection, options).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let worker = KafkaWorker::join(&connection, &settings(folder.path(), PARTITIONS)).unwrap();
    let (stop, mut sent) = (AtomicBool::new(false), 0);
    std::thread::scope(|scope| {
        let taking = scope.spawn(|| intake.run(&stop).unwrap());
        let working = scope.spawn(|| worker.run(&stop).unwrap());
        assert_eq!(client("sessions")["sent"], SHOPPERS);
        for what in ["entries", "touches", "receipts", "exits", "deliveries"] {
            sent += client(what)["sent"].as_u64().unwrap();
            until("all messages are taken", || intake.messages() >= sent);
        }
        until("nothing is left of any topic", || {
            let lag = intake.lag();
            lag.len() == taken.len() && lag.values().all(|lag| *lag == Some(0))
        });
        let mut ends = vec![0; PARTITIONS as usize];
        ends[partition as usize] = declared.len() as u64 + sent;
        wait_for(&connection, &ends);
        stop.store(true, Ordering::Release);
        taking.join().unwrap();
        working.join().unwrap();
    });
    assert_eq!((sent, intake.trouble(), intake.failures()), (SHOPPERS * 7 + 1, Vec::new(), 0));
    let (events, customers) = taken_of(&connection, store, declared.len() + sent as usize);
    assert_eq!(customers as u64, SHOPPERS);
    intake.leave();
    drop(worker);
    let expected = Embedded::of(events);
    expected.check(&connection, folder.path());
    expected.check_elsewhere(&connection, folder.path());
    let stores = kafka::stores_of(&expected.events[partition as usize]);
    let visited = stores.get(store).unwrap();
    let counted = (visited.stats().entries, visited.stats().exits, visited.visits().present);
    assert_eq!(counted, (SHOPPERS, SHOPPERS, 0), "two at the same moment are two");
    let told = client("read");
    check_milk(&told, SHOPPERS);
    check_told(&told, &stores, &expected);
}

/// So many events of a store by partition, and how many customers touched something. Each message
/// is one event of the store's partition; those of a customer, who were sent to one partition of a
/// topic, are in their order, whatever came in between.
fn taken_of(connection: &Connection, store: StoreId, count: usize) -> (Vec<Vec<Event>>, usize) {
    let partition = partition_of(store, PARTITIONS);
    let (mut ids, mut last) = (BTreeSet::new(), BTreeMap::new());
    let mut events: Vec<Vec<Event>> = vec![Vec::new(); PARTITIONS as usize];
    read_all(connection, LOG_EVENTS, count, |message| {
        let event = decode_event(message.payload.unwrap()).unwrap();
        assert_eq!((message.partition, event.store), (partition, store));
        assert!(!matches!(event.body, Body::Rejected(_)), "{event:?}");
        assert!(ids.insert(event.id), "{event:?} is there twice");
        let customer = match &event.body {
            Body::Pickup(touch) | Body::Putback(touch) => touch.customer,
            _ => None,
        };
        if let Some(before) = customer.and_then(|customer| last.insert(customer, event.at)) {
            assert!(before < event.at, "{event:?} comes behind one of {before:?}");
        }
        events[partition as usize].push(event);
    });
    (events, last.len())
}

/// The client reads the records and the alerts that the embedded log comes to, and no other.
fn check_told(told: &serde_json::Value, stores: &shelf_domain::Stores, expected: &Embedded) {
    let parsed = |text: String| -> serde_json::Value { serde_json::from_str(&text).unwrap() };
    for kind in StateKind::ALL {
        let rows = stores.iter().flat_map(|store| kind.rows(store));
        let rows = rows.map(|row| {
            (shelf_host::record_key(&row), parsed(serde_json::to_string(&row).unwrap()))
        });
        let rows: serde_json::Map<String, serde_json::Value> = rows.collect();
        assert_eq!(told[kind.name()], serde_json::Value::Object(rows), "{}", kind.name());
    }
    let of_alerts = expected.effects.iter().flatten();
    let of_alerts = of_alerts.filter(|one| matches!(one.effect, shelf_domain::Effect::Alert(_)));
    let alerts = of_alerts.map(|one| parsed(shelf_events::effect_json(one).to_string()));
    assert_eq!(told[ALERTS], serde_json::Value::Array(alerts.collect()));
}

/// What the client reads of the state: every shopper bought one.
fn check_milk(told: &serde_json::Value, shoppers: u64) {
    let shelf = &told["shelf_state"]["S1::MILK"];
    assert_eq!(shelf["current_stock"], 150 - shoppers, "{told}");
    assert_eq!(told["wh_state"]["S1::MILK"]["wh_current_stock"], 40 + 12, "{told}");
    let lots = told["wh_batch_state"].as_object().unwrap();
    assert!(lots.keys().any(|key| key.contains("SUP-20260101-MILK-1")), "{told}");
}
