//! What people set in PostgreSQL becomes events of a chain on Kafka, each change once, whoever is
//! killed on the way: on real servers.

#![cfg(feature = "kafka")]
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail like tests")]

#[path = "fixture/chain.rs"]
mod chain;
#[path = "fixture/database.rs"]
mod database;
#[path = "fixture/workers.rs"]
mod workers;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use chain::{seen, wait_until};
use database::{number, session};
use shelf_domain::{Body, Event, EventId, Product, Sku, Stores};
use shelf_events::decode_event;
use shelf_host::{Following as _, KafkaChain};
use shelf_kafka::{Connection, LOG_EVENTS, Reader};
use shelf_links::{ConfigOptions, LinkState, LinkThread, start_config_on_kafka};
use shelf_mirrors::Postgres;
use shelf_testkit::kafka::Broker;
use shelf_testkit::servers::PostgresServer;
use workers::{Ends, Worker, join, topics, work};

/// A shop that nobody but the tables tells of.
const SHOP: &str = "
    INSERT INTO config.stores (store_id, name) VALUES ('S1', 'First');
    INSERT INTO config.suppliers (store_id, supplier_id, name, cutoffs, deliveries, lead_minutes)
    VALUES ('S1', 'SUP', 'Supplier', '[{\"weekday\": \"tue\", \"time\": \"12:00\"}]',
            '[{\"weekday\": \"thu\", \"time\": \"08:00\"}]', 60);
    INSERT INTO config.products
        (store_id, shelf_id, name, item_category, item_subcategory, price, item_weight, supplier_id)
    VALUES ('S1', 'MILK', 'Milk', 'DAIRY', 'Fresh', 1.29, 1000, 'SUP');
    INSERT INTO config.shelf_profiles (store_id, shelf_id, item_weight, capacity_units)
    VALUES ('S1', 'MILK', 1030.000, 40);
    INSERT INTO config.shelf_policies (policy_id, threshold_pct, min_qty)
    VALUES ('everywhere', 30, 1);";

fn link(chain: KafkaChain, url: &str) -> LinkThread {
    let options = ConfigOptions::new(Postgres::parse(url).unwrap());
    start_config_on_kafka(chain, options).unwrap()
}

/// What a worker process does; in the suite itself, nothing.
#[test]
fn worker() {
    work(link);
}

/// All events of the log.
fn events(connection: &Connection) -> Vec<Event> {
    let mut reader = Reader::open(connection, LOG_EVENTS).unwrap();
    let mut events = Vec::new();
    while !reader.at_end() {
        let keep = |message: &shelf_kafka::Message<'_>| {
            events.push(decode_event(message.payload.unwrap()).unwrap());
        };
        reader.next(Duration::from_millis(100), keep).unwrap();
    }
    events
}

/// How many events the log has of each policy. No event is in it twice.
fn policies(connection: &Connection) -> BTreeMap<String, usize> {
    let (mut ids, mut found) = (BTreeMap::<EventId, usize>::new(), BTreeMap::new());
    for event in events(connection) {
        *ids.entry(event.id).or_default() += 1;
        if let Body::Policy(policy) = &event.body {
            *found.entry(policy.policy.to_string()).or_default() += 1;
        }
    }
    ids.retain(|_, times| *times > 1);
    assert!(ids.is_empty(), "{ids:?}");
    found
}

/// The milk as the workers know it.
fn milk(connection: &Connection, snapshots: &Path) -> Option<Product> {
    let mut reader = workers::chain(connection, snapshots).open().unwrap();
    reader.catch_up().unwrap();
    let mut stores = reader.partitions().into_iter().flat_map(Stores::iter);
    let store = stores.next()?;
    store.product(store.sku(Sku::cut("MILK"))?).cloned()
}

fn schemas(url: &str) {
    let there = "SELECT count(*) FROM information_schema.tables WHERE table_name = 'followed'";
    wait_until("the schemas", || number(&mut session(url), there) == 1);
}

#[test]
fn a_changed_row_is_an_event_of_the_log_within_a_second_and_only_once() {
    let (server, broker) = (PostgresServer::start(), Broker::start());
    let snapshots = tempfile::tempdir().unwrap();
    let (url, connection) = (server.url(), topics(&broker, "config"));
    let start = || link(workers::chain(&connection, snapshots.path()), &url);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _ends = Ends(&stop);
        scope.spawn(|| join(&connection, snapshots.path()).run(&stop).unwrap());
        let first = start();
        schemas(&url);
        let mut client = session(&url);
        client.batch_execute(SHOP).unwrap();
        wait_until("the policy", || policies(&connection).len() == 1);
        seen("the shop", &first, |view| view.events >= 5);
        let mut fastest = Duration::MAX;
        for percent in [40, 30, 40, 55] {
            let before = first.status().view().events;
            let statement = format!("UPDATE config.shelf_policies SET threshold_pct = {percent}");
            client.batch_execute(&statement).unwrap();
            let begun = Instant::now();
            seen("the policy", &first, |view| view.events == before + 1);
            fastest = fastest.min(begun.elapsed());
        }
        // The machine may be busy for one of them.
        assert!(fastest < Duration::from_secs(1), "{fastest:?}");
        assert_eq!(policies(&connection).get("everywhere"), Some(&5));
        // A part of a product is laid over what is known of it, which has just been handed over.
        client.batch_execute("UPDATE config.products SET price = 1.39").unwrap();
        client.batch_execute("DELETE FROM config.products").unwrap();
        client.batch_execute("UPDATE config.shelf_profiles SET item_weight = 1031").unwrap();
        wait_until("the weight", || {
            milk(&connection, snapshots.path()).is_some_and(|milk| milk.unit_weight_g == 1_031)
        });
        // It ended before it had noted what it handed over last: that is left out by who is next.
        client.batch_execute("UPDATE config.shelf_policies SET threshold_pct = 61").unwrap();
        wait_until("the policy", || policies(&connection).get("everywhere") == Some(&6));
        let noted = "SELECT count(*) FROM config.followed WHERE revision = \
                     (SELECT max(revision) FROM config.changes)";
        wait_until("the note", || number(&mut client, noted) == 1);
        assert!(first.stop());
        client.batch_execute("UPDATE config.followed SET revision = revision - 1").unwrap();
        let second = start();
        let view = seen("the same again", &second, |view| view.known == 1);
        assert_eq!((view.events, view.state), (1, LinkState::Following));
        client.batch_execute("UPDATE config.shelf_policies SET threshold_pct = 62").unwrap();
        wait_until("the next", || policies(&connection).get("everywhere") == Some(&7));
        assert!(second.stop());
    });
}

#[test]
fn a_link_waits_until_each_partition_has_a_position() {
    let (server, broker) = (PostgresServer::start(), Broker::start());
    let snapshots = tempfile::tempdir().unwrap();
    let (url, connection) = (server.url(), topics(&broker, "unclaimed"));
    let waits = link(workers::chain(&connection, snapshots.path()), &url);
    let view = seen("what it waits for", &waits, |view| {
        view.failure.as_ref().is_some_and(|failure| failure.message.contains("the position"))
    });
    assert_eq!(view.state, LinkState::Waiting);
    assert_eq!(view.failure.unwrap().code, "kafka_silent");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _ends = Ends(&stop);
        scope.spawn(|| join(&connection, snapshots.path()).run(&stop).unwrap());
        seen("the link", &waits, |view| view.state == LinkState::Following);
        session(&url).batch_execute(SHOP).unwrap();
        seen("the shop", &waits, |view| view.events >= 5);
        assert!(waits.stop());
    });
}

#[test]
fn each_row_is_one_event_whoever_is_killed() {
    const KILLS: usize = 8;
    let (server, broker) = (PostgresServer::start(), Broker::start());
    let snapshots = tempfile::tempdir().unwrap();
    let (url, connection) = (server.url(), topics(&broker, "killed"));
    let start = || Worker::start(&connection, snapshots.path(), &url);
    let mut crew = vec![start(), start()];
    schemas(&url);
    let mut client = session(&url);
    client.batch_execute(SHOP).unwrap();
    wait_until("the policy", || policies(&connection).len() == 1);
    for kill in 0..KILLS {
        // Many changes, of which some are under way whenever somebody is killed.
        for row in 1..=20 {
            let statement = format!(
                "INSERT INTO config.shelf_policies (policy_id, store_id, min_qty) \
                 VALUES ('p-{kill}-{row}', 'S1', {row})"
            );
            client.batch_execute(&statement).unwrap();
            std::thread::sleep(Duration::from_millis(5));
        }
        crew.remove(kill % 2).kill();
        if kill % 3 == 2 {
            crew.remove(0).kill();
            crew.push(start());
        }
        crew.push(start());
        let all = 1 + (kill + 1) * 20;
        wait_until("every policy", || policies(&connection).len() == all);
    }
    client.batch_execute("UPDATE config.shelf_policies SET min_qty = 99").unwrap();
    let all = 1 + KILLS * 20;
    wait_until("the last change", || {
        policies(&connection).values().filter(|times| **times == 2).count() == all
    });
}
