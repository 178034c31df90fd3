//! Where the partitions of a chain go on when what the brokers remember of them is gone, or old.

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

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chain::minute;
use kafka::{
    Crew, Embedded, PATIENCE, alone, embedded, open_feed, python, read_all, settings, topics, until,
};
use shelf_events::decode_effect;
use shelf_host::{KafkaWorker, LaneState, WorkerSettings};
use shelf_kafka::{Claim, Connection, Delivery, LOG_EFFECTS, committed_of};
use shelf_testkit::kafka::Broker;

const PARTITIONS: u32 = 4;
const HOUR: i64 = 60;
/// What is fed comes in so many parts.
const PARTS: usize = 3;

/// What a worker process does; in the suite itself, nothing.
#[test]
fn worker() {
    kafka::work();
}

/// How many events each partition has when so many parts were fed.
fn ends(expected: &Embedded, parts: usize) -> Vec<u64> {
    expected.ends().into_iter().map(|end| end * parts as u64 / PARTS as u64).collect()
}

/// Feeds the next part.
fn feed(connection: &Connection, expected: &Embedded, fed: usize) {
    let mut feed = open_feed(connection);
    let (begin, end) = (ends(expected, fed), ends(expected, fed + 1));
    for (partition, events) in expected.events.iter().enumerate() {
        for event in &events[begin[partition] as usize..end[partition] as usize] {
            feed.add(partition as u32, event).unwrap();
        }
    }
    feed.commit().unwrap();
}

/// Works until all partitions have committed that far, and leaves.
fn work(connection: &Connection, settings: &WorkerSettings, ends: &[u64]) {
    let worker = KafkaWorker::join(connection, settings).unwrap();
    let (figures, stop) = (Arc::clone(worker.figures()), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let running = scope.spawn(|| {
            worker.run(&stop).unwrap();
            drop(worker);
        });
        let there = || {
            let lanes = figures.lanes();
            lanes.len() == ends.len()
                && lanes.values().all(|lane| lane.state == LaneState::Running)
                && lanes.values().map(|lane| lane.position).eq(ends.iter().copied())
        };
        let started = Instant::now();
        while !there() {
            assert!(started.elapsed() < PATIENCE, "{:?} of {ends:?}", figures.lanes());
            std::thread::sleep(Duration::from_millis(20));
        }
        stop.store(true, Ordering::Release);
        running.join().unwrap();
    });
}

#[test]
fn a_chain_whose_group_was_forgotten_goes_on_where_it_was() {
    let _alone = alone();
    let broker = Broker::start();
    let expected = embedded(36, 4, PARTITIONS, minute(12 * HOUR));
    let connection = topics(&broker.address(), "forgotten", PARTITIONS);
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let settings = folders.each_ref().map(|folder| settings(folder.path(), PARTITIONS));
    let forget = || {
        let group = connection.name("shelf");
        python("administer.py", &[&broker.address(), "forget", &group]);
        let known = committed_of(&connection, PARTITIONS, Delivery::ExactlyOnce).unwrap();
        assert!(known.iter().all(Option::is_none), "{known:?}");
    };
    feed(&connection, &expected, 0);
    work(&connection, &settings[0], &ends(&expected, 1));
    forget();
    feed(&connection, &expected, 1);
    work(&connection, &settings[0], &ends(&expected, 2));
    // Once more, without any snapshot: what was written last is all that says where it was.
    forget();
    feed(&connection, &expected, 2);
    work(&connection, &settings[1], &ends(&expected, 3));
    expected.check(&connection, folders[1].path());
    expected.check_elsewhere(&connection, folders[1].path());
}

/// Takes a partition as one does who fences nobody.
fn taken(connection: &Connection, partition: u32) -> Claim {
    let started = Instant::now();
    loop {
        match Claim::take_for(connection, partition, Delivery::AtLeastOnce) {
            Ok(claim) => return claim,
            Err(error) => assert!(started.elapsed() < PATIENCE, "{error:?}"),
        }
    }
}

#[test]
fn an_old_position_that_somebody_commits_late_is_passed_over_where_a_snapshot_is_further() {
    let _alone = alone();
    let broker = Broker::start();
    let expected = embedded(37, 4, PARTITIONS, minute(12 * HOUR));
    let connection = topics(&broker.address(), "late", PARTITIONS);
    let folder = tempfile::tempdir().unwrap();
    let delivery = Delivery::AtLeastOnce;
    let settings = WorkerSettings { delivery, ..settings(folder.path(), PARTITIONS) };
    let mut frozen: Vec<Claim> = (0..PARTITIONS).map(|number| taken(&connection, number)).collect();
    feed(&connection, &expected, 0);
    feed(&connection, &expected, 1);
    work(&connection, &settings, &ends(&expected, 2));
    // Now they are revived, and commit what they know.
    for claim in &mut frozen {
        claim.output.output().unwrap().renew().unwrap();
    }
    let known = committed_of(&connection, PARTITIONS, delivery).unwrap();
    assert!(known.iter().flatten().all(|one| one.place.position == 0), "{known:?}");
    feed(&connection, &expected, 2);
    work(&connection, &settings, &ends(&expected, 3));
    expected.check(&connection, folder.path());
}

#[test]
fn without_transactions_one_that_was_frozen_and_revived_goes_on_where_the_next_one_was() {
    let _alone = alone();
    let broker = Broker::start();
    let expected = embedded(38, 4, PARTITIONS, minute(12 * HOUR));
    let connection = topics(&broker.address(), "revived", PARTITIONS);
    let folder = tempfile::tempdir().unwrap();
    let usual = Crew::new(&broker.address(), "revived", PARTITIONS, folder.path());
    let (session, delivery) = (Duration::from_millis(800), Delivery::AtLeastOnce);
    let crew = Crew { session, delivery, ..usual };
    let at = |ends: &[u64]| {
        let known = committed_of(&connection, PARTITIONS, delivery).unwrap();
        let position = known.iter().map(|one| one.map_or(0, |one| one.place.position));
        position.eq(ends.iter().copied())
    };
    feed(&connection, &expected, 0);
    // What it steps is not committed for a while.
    let first = Crew { commit_every: Duration::from_secs(4), ..crew.clone() }.start();
    until("it has all partitions", || first.partitions() == u64::from(PARTITIONS));
    feed(&connection, &expected, 1);
    assert!(first.steps(PATIENCE));
    first.signal("STOP");
    let second = crew.start();
    until("the next one has taken all", || at(&ends(&expected, 2)));
    second.leave();
    // It commits where it was, and is told then that it has lost its partitions.
    first.signal("CONT");
    feed(&connection, &expected, 2);
    until("it goes on", || at(&ends(&expected, 3)));
    first.leave();
    let mut found = vec![BTreeSet::new(); PARTITIONS as usize];
    let most = expected.effects.iter().map(Vec::len).sum();
    read_all(&connection, LOG_EFFECTS, most, |message| {
        let effect = decode_effect(message.payload.unwrap()).unwrap();
        found[message.partition as usize].insert((effect.input_offset, effect.index));
    });
    for (expected, found) in expected.effects.iter().zip(found) {
        let expected = expected.iter().map(|one| (one.input_offset, one.index));
        assert!(found.iter().copied().eq(expected), "each at least once, and no other");
    }
}
