//! The mirror of a chain on Kafka equals that of the same events in a data folder, whichever of its
//! workers is killed on the way: on real servers.

#![cfg(feature = "kafka")]
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail like tests")]

#[path = "fixture/chain.rs"]
mod chain;
#[path = "fixture/database.rs"]
mod database;
#[path = "fixture/workers.rs"]
mod workers;

use std::path::Path;
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use chain::{seen, simulated, wait_until};
use database::{another_database, fingerprint, number, session};
use shelf_domain::Event;
use shelf_host::{ChainReader, Folder, Follow, Stepped};
use shelf_kafka::{Connection, Delivery, LOG_EVENTS, Place, committed_of};
use shelf_links::{
    LinkState, LinkStatus, MirrorFollower, MirrorOptions, Until, start_mirror_on_kafka,
};
use shelf_mirrors::Postgres;
use shelf_testkit::kafka::Broker;
use shelf_testkit::servers::{PostgresServer, python};
use workers::{Ends, PARTITIONS, Worker, join, open_feed, topics, work};

/// Small rounds, so that there are many places at which one can be cut off.
fn small_rounds(url: &str) -> MirrorOptions {
    let postgres = Postgres::parse(url).unwrap();
    MirrorOptions { commit_every: Duration::ZERO, commit_rows: 1, ..MirrorOptions::new(postgres) }
}

/// What a worker process does; in the suite itself, nothing.
#[test]
fn worker() {
    work(|chain, url| start_mirror_on_kafka(chain, small_rounds(url)).unwrap());
}

/// All events of each partition of a data folder.
fn events(folder: &Folder) -> Vec<Vec<Event>> {
    let mut reader = ChainReader::open_behind(folder, Follow::FromStart).unwrap();
    let mut events = vec![Vec::new(); PARTITIONS as usize];
    let keep = |partition: u32, stepped: Stepped<'_>| {
        events.get_mut(partition as usize).unwrap().push(stepped.event.clone());
    };
    reader.catch_up(keep).unwrap();
    events
}

/// Feeds a part of the events of each partition.
fn feed(connection: &Connection, events: &[Vec<Event>], part: usize, parts: usize) {
    let mut feed = open_feed(connection);
    for (partition, events) in (0..).zip(events) {
        let cut = |part: usize| events.len() * part / parts;
        for event in events.get(cut(part)..cut(part + 1)).unwrap() {
            feed.add(partition, event).unwrap();
        }
    }
    feed.commit().unwrap();
}

/// Up to where a mirror stands, partition by partition; `None` where it does not yet.
fn positions(url: &str) -> Option<Vec<i64>> {
    let statement = "SELECT position FROM shelf.positions ORDER BY log_partition";
    let rows = session(url).query(statement, &[]).ok()?;
    Some(rows.iter().map(|row| row.get(0)).collect())
}

fn sum(url: &str) -> i64 {
    positions(url).unwrap_or_default().iter().sum()
}

/// What is served: everything but up to where, and of which chain.
fn served(url: &str) -> Vec<(String, i64, String)> {
    let mut all = fingerprint(url);
    all.retain(|(table, ..)| table != "shelf.positions");
    all
}

/// The mirror of a data folder, in a database of its own.
fn embedded(folder: &Folder, url: &str) -> Vec<i64> {
    let mut follower = MirrorFollower::open(folder, small_rounds(url)).unwrap();
    follower.follow(Until::CaughtUp, || false, &LinkStatus::new("mirror")).unwrap();
    positions(url).unwrap()
}

/// A simulated chain in a data folder, its events, and its mirror.
fn expected(dir: &Path, url: &str) -> (Vec<Vec<Event>>, Vec<i64>) {
    let folder = Folder::at(dir.join("data"));
    simulated(&folder, 60);
    let ends = embedded(&folder, url);
    let events = events(&folder);
    assert!(events.iter().map(Vec::len).sum::<usize>() > 10_000);
    (events, ends)
}

#[test]
fn it_equals_that_of_the_same_events_whoever_is_killed() {
    const KILLS: usize = 8;
    let (server, broker) = (PostgresServer::start(), Broker::start());
    let (dir, snapshots) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (url, straight) = (server.url(), another_database(&server.url(), "straight"));
    let (events, ends) = expected(dir.path(), &straight);
    let connection = topics(&broker, "mirrored");
    let start = || Worker::start(&connection, snapshots.path(), &url);
    let mut crew = vec![start(), start()];
    for kill in 0..KILLS {
        let before = sum(&url);
        feed(&connection, &events, kill, KILLS + 1);
        wait_until("the mirror", || sum(&url) > before);
        // Into what comes next, or behind it.
        std::thread::sleep(Duration::from_millis(kill as u64 * 37 % 120));
        // One of the two, the one that has the mirror or the other; now and then both.
        crew.remove(kill % 2).kill();
        if kill % 3 == 2 {
            crew.remove(0).kill();
            crew.push(start());
        }
        crew.push(start());
    }
    feed(&connection, &events, KILLS, KILLS + 1);
    wait_until("the end", || positions(&url).is_some_and(|found| found == ends));
    // What follows again changes nothing.
    drop(crew);
    let before = fingerprint(&url);
    assert_eq!(served(&url), served(&straight));
    let chain = workers::chain(&connection, snapshots.path());
    let mut again = MirrorFollower::open_on_kafka(&chain, small_rounds(&url)).unwrap();
    let status = LinkStatus::new("mirror");
    let followed = again.follow(Until::CaughtUp, || false, &status).unwrap();
    assert_eq!((followed.events, status.view().lag), (0, Some(0)));
    assert_eq!(fingerprint(&url), before);
    // Forgotten, it is filled again, from snapshots or from the beginning of the log.
    session(&url).batch_execute("SELECT shelf.forget()").unwrap();
    let mut again = MirrorFollower::open_on_kafka(&chain, small_rounds(&url)).unwrap();
    again.follow(Until::CaughtUp, || false, &status).unwrap();
    assert_eq!(served(&url), served(&straight));
}

#[test]
fn one_worker_has_it_and_the_other_stands_by_until_that_one_leaves() {
    let (mut server, broker) = (PostgresServer::start(), Broker::start());
    let (dir, snapshots) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (url, straight) = (server.url(), another_database(&server.url(), "straight"));
    let (events, ends) = expected(dir.path(), &straight);
    let connection = topics(&broker, "elected");
    let chain = workers::chain(&connection, snapshots.path());
    let link = || start_mirror_on_kafka(chain.clone(), small_rounds(&url)).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _ends = Ends(&stop);
        scope.spawn(|| join(&connection, snapshots.path()).run(&stop).unwrap());
        let first = link();
        seen("the first", &first, |view| view.state == LinkState::Following);
        let second = link();
        feed(&connection, &events, 0, 3);
        wait_until("the mirror", || sum(&url) > 0);
        seen("the other", &second, |view| view.state == LinkState::StandingBy);
        assert_eq!(first.status().view().state, LinkState::Following);
        // One that leaves has committed what it has, and somebody else goes on.
        assert!(first.stop());
        feed(&connection, &events, 1, 3);
        seen("the second", &second, |view| view.state == LinkState::Following);
        // The server is gone for a while: the log goes on, and so does the mirror behind it.
        server.crash();
        feed(&connection, &events, 2, 3);
        let failed = seen("the trouble", &second, |view| view.failure.is_some());
        assert_eq!(failed.failure.unwrap().code, "mirror_unreachable");
        server.run();
        wait_until("the end", || positions(&url).is_some_and(|found| found == ends));
        assert_eq!(served(&url), served(&straight));
        assert!(second.stop());
    });
    // Another chain has no business here.
    let other = workers::chain(&topics(&broker, "other"), snapshots.path());
    let refused = MirrorFollower::open_on_kafka(&other, small_rounds(&url)).unwrap_err();
    assert_eq!(refused.code(), "mirror_other_chain");
}

/// Has the brokers forget the partitions of a topic below offsets, as retention does.
const FORGET: &str = r#"
import sys
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
brokers, topic, *places = sys.argv[1:]
places = [TopicPartition(topic, *map(int, place.split(":"))) for place in places]
# What answers ends with the client.
admin = AdminClient({"bootstrap.servers": brokers})
for done in admin.delete_records(places).values():
    done.result(60)
"#;

/// Up to where the workers have committed.
fn places(connection: &Connection) -> Vec<Place> {
    let committed = committed_of(connection, PARTITIONS, Delivery::default()).unwrap_or_default();
    committed.into_iter().flatten().map(|committed| committed.place).collect()
}

#[test]
fn where_the_log_no_longer_reaches_back_the_state_is_complete() {
    let (server, broker) = (PostgresServer::start(), Broker::start());
    let (dir, snapshots) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (url, straight) = (server.url(), another_database(&server.url(), "straight"));
    let (events, ends) = expected(dir.path(), &straight);
    let connection = topics(&broker, "trimmed");
    feed(&connection, &events, 0, 1);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _ends = Ends(&stop);
        scope.spawn(|| join(&connection, snapshots.path()).run(&stop).unwrap());
        wait_until("the end", || {
            let reached = places(&connection).into_iter().map(|place| place.position as i64);
            reached.eq(ends.iter().copied())
        });
    });
    // The worker has left, with a snapshot of where it was.
    let words = places(&connection).into_iter().enumerate();
    let words = words.map(|(number, place)| format!("{number}:{}", place.offset));
    let mut forget = Command::new(python());
    forget.args(["-c", FORGET, connection.brokers(), &connection.name(LOG_EVENTS)]);
    assert!(forget.args(words).status().unwrap().success());
    let chain = workers::chain(&connection, snapshots.path());
    let mut follower = MirrorFollower::open_on_kafka(&chain, small_rounds(&url)).unwrap();
    follower.follow(Until::CaughtUp, || false, &LinkStatus::new("mirror")).unwrap();
    assert_eq!(positions(&url).unwrap(), ends);
    for what in [
        "count(*) FROM ref.products",
        "count(*) FROM ref.policies",
        "count(*) FROM state.shelf_state",
        "sum(current_stock)::bigint FROM state.shelf_state",
        "sum(wh_current_stock)::bigint FROM state.wh_state",
        "sum(batch_quantity_store)::bigint FROM state.shelf_batch_state",
        "sum(batch_quantity_warehouse)::bigint FROM state.wh_batch_state",
    ] {
        let of = |url: &str| number(&mut session(url), &format!("SELECT {what}"));
        assert_eq!(of(&url), of(&straight), "{what}");
    }
    assert_eq!(number(&mut session(&url), "SELECT count(*) FROM ops.pos_transactions"), 0);
}
