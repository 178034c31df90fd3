//! A chain on a real broker comes to what it comes to on the embedded log: the same states, the
//! same effects under the same ids, each once, however many workers share it.

#![cfg(feature = "kafka")]
#![expect(clippy::unwrap_used, reason = "a test says by it what must be")]

#[path = "fixture/chain.rs"]
mod chain;
#[path = "fixture/kafka.rs"]
mod kafka;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use chain::minute;
use kafka::{
    Crew, PATIENCE, Worker, embedded, positions, read_all, settings, topics, wait_for, work,
};
use shelf_domain::{Body, Event};
use shelf_events::{decode_event, write_event};
use shelf_host::{IntakeOptions, KafkaIntake, KafkaWorker, LaneState, WorkerSettings};
use shelf_kafka::{Claim, Connection, LOG_EVENTS};
use shelf_ports::PartitionLog as _;
use shelf_testkit::kafka::{Broker, Release};

const HOUR: i64 = 60;

/// One broker, and one test at a time: each has the machine to itself.
fn broker() -> MutexGuard<'static, Broker> {
    static BROKER: OnceLock<Mutex<Broker>> = OnceLock::new();
    let broker = BROKER.get_or_init(|| Mutex::new(Broker::start()));
    broker.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a worker process does; in the suite itself, nothing.
#[test]
fn worker() {
    work();
}

#[test]
fn a_straight_run_comes_to_what_the_embedded_log_does() {
    straight(&broker());
}

#[test]
fn workers_that_come_and_go_share_the_partitions() {
    shared(&broker());
}

#[test]
fn on_an_older_release_one_worker_and_several_come_to_the_same() {
    let _alone = broker();
    let older = Broker::start_release(Release::Before4);
    straight(&older);
    shared(&older);
}

/// One worker takes what lies in the log.
fn straight(broker: &Broker) {
    let expected = embedded(21, 2, 4, minute(16 * HOUR));
    let connection = topics(&broker.address(), "straight", 4);
    expected.feed(&connection, 20, Duration::ZERO);
    let folder = tempfile::tempdir().unwrap();
    let worker = KafkaWorker::join(&connection, &settings(folder.path(), 4)).unwrap();
    let figures = worker.figures().clone();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let running = scope.spawn(|| {
            worker.run(&stop).unwrap();
            drop(worker);
        });
        wait_for(&connection, &expected.ends());
        stop.store(true, Ordering::Release);
        running.join().unwrap();
    });
    assert_eq!((figures.events(), figures.failures()), (expected.total(), 0));
    let effects: usize = expected.effects.iter().map(Vec::len).sum();
    assert_eq!(figures.effects(), effects as u64);
    assert!(figures.commits() > 0 && figures.records() > 0 && figures.snapshots() > 0);
    expected.check(&connection, folder.path());
}

/// Workers come, leave and are killed while events are fed.
fn shared(broker: &Broker) {
    const PARTITIONS: u32 = 16;
    let (address, prefix) = (broker.address(), "shared");
    let expected = embedded(22, 6, PARTITIONS, minute(12 * HOUR));
    let connection = topics(&address, prefix, PARTITIONS);
    let folder = tempfile::tempdir().unwrap();
    let crew = Crew::new(&address, prefix, PARTITIONS, folder.path());
    let enough = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (first, second) = (crew.start(), crew.start());
        let feeding = scope.spawn(|| {
            expected.feed_until(&connection, 600, Duration::from_millis(60), &enough);
        });
        // All partitions run, spread evenly, and each worker is in the middle of work.
        let shared = |workers: &[&Worker]| {
            let least = u64::from(PARTITIONS) / workers.len() as u64;
            let began = Instant::now();
            let each = || workers.iter().map(|worker| worker.partitions()).collect::<Vec<_>>();
            while each().iter().sum::<u64>() != u64::from(PARTITIONS)
                || each().iter().any(|partitions| *partitions < least)
            {
                assert!(began.elapsed() < PATIENCE, "{:?}", each());
                std::thread::sleep(Duration::from_millis(20));
            }
            for worker in workers {
                assert!(worker.steps(PATIENCE), "{:?}", each());
            }
            eprintln!("{:?} partitions run after {:?}", each(), began.elapsed());
        };
        shared(&[&first, &second]);
        let third = crew.start();
        shared(&[&first, &second, &third]);
        first.leave();
        shared(&[&second, &third]);
        let fourth = crew.start();
        shared(&[&second, &third, &fourth]);
        fourth.kill();
        shared(&[&second, &third]);
        enough.store(true, Ordering::Release);
        feeding.join().unwrap();
        wait_for(&connection, &expected.ends());
        for worker in [second, third] {
            worker.leave();
        }
    });
    expected.check(&connection, folder.path());
    expected.check_elsewhere(&connection, folder.path());
}

#[test]
fn a_worker_that_stands_by_goes_on_from_memory() {
    const PARTITIONS: u32 = 4;
    let broker = broker();
    let (address, prefix) = (broker.address(), "standby");
    let expected = embedded(27, 4, PARTITIONS, minute(14 * HOUR));
    let connection = topics(&address, prefix, PARTITIONS);
    let folder = tempfile::tempdir().unwrap();
    let first = Crew::new(&address, prefix, PARTITIONS, folder.path()).start();
    expected.feed(&connection, 20, Duration::ZERO);
    wait_for(&connection, &expected.ends());
    let usual = settings(folder.path(), PARTITIONS);
    let worker =
        KafkaWorker::join(&connection, &WorkerSettings { standby: true, ..usual }).unwrap();
    let figures = worker.figures().clone();
    let until = |what: &str, is: &dyn Fn() -> bool| {
        let began = Instant::now();
        while !is() {
            let known = (figures.lanes(), figures.standing_by());
            assert!(began.elapsed() < PATIENCE, "{what}: {known:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    let running = || {
        let lanes = figures.lanes().into_values();
        lanes.filter(|lane| lane.state == LaneState::Running).count()
    };
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let worked = scope.spawn(|| {
            worker.run(&stop).unwrap();
            drop(worker);
        });
        // It gets some of the partitions, and follows the others to their ends.
        until("a part of the partitions, and the others followed", &|| {
            let (ours, followed) = (running(), figures.standing_by().positions);
            let ends = expected.ends();
            let all_of = |(&number, &at): (&u32, &u64)| ends.get(number as usize) == Some(&at);
            ours > 0 && ours + followed.len() == ends.len() && followed.iter().all(all_of)
        });
        let replayed = figures.replayed();
        first.kill();
        until("all partitions", &|| running() == PARTITIONS as usize);
        assert_eq!(figures.replayed(), replayed, "all of it was in memory");
        let standing_by = figures.standing_by();
        assert!(standing_by.positions.is_empty(), "its own are followed by nobody");
        assert_eq!(standing_by.error, None);
        stop.store(true, Ordering::Release);
        worked.join().unwrap();
    });
    expected.check(&connection, folder.path());
}

#[test]
fn a_killed_worker_is_replaced_and_a_frozen_one_writes_nothing_more() {
    const PARTITIONS: u32 = 4;
    let broker = broker();
    let (address, prefix) = (broker.address(), "frozen");
    let expected = embedded(23, 4, PARTITIONS, minute(14 * HOUR));
    let connection = topics(&address, prefix, PARTITIONS);
    let folder = tempfile::tempdir().unwrap();
    let crew = Crew::new(&address, prefix, PARTITIONS, folder.path());
    std::thread::scope(|scope| {
        let first = crew.start();
        let feeding = scope.spawn(|| {
            expected.feed(&connection, 300, Duration::from_millis(60));
        });
        let moved = |from: &[u64], what: &str| {
            let began = Instant::now();
            loop {
                let now = positions(&connection, PARTITIONS);
                let ends = expected.ends();
                let mut all = now.iter().zip(from).zip(&ends);
                if now.len() == from.len() && all.all(|((now, from), end)| now > from || now == end)
                {
                    eprintln!("{what}: every partition went on after {:?}", began.elapsed());
                    return began.elapsed();
                }
                assert!(began.elapsed() < PATIENCE, "{what}: {now:?} after {from:?}");
                std::thread::sleep(Duration::from_millis(50));
            }
        };
        moved(&vec![0; PARTITIONS as usize], "the first worker");
        let from = positions(&connection, PARTITIONS);
        first.signal("STOP");
        let second = crew.start();
        moved(&from, "after a freeze");
        // The frozen one takes itself for a member until it hears otherwise.
        first.signal("CONT");
        std::thread::sleep(Duration::from_secs(2));
        let from = positions(&connection, PARTITIONS);
        second.kill();
        let taken_over = moved(&from, "after a kill");
        assert!(taken_over < Duration::from_secs(10), "{taken_over:?}");
        feeding.join().unwrap();
        wait_for(&connection, &expected.ends());
        first.leave();
    });
    expected.check(&connection, folder.path());
}

/// Claims a partition of topics that have just been made: their leaders are chosen in a moment.
fn claimed(connection: &Connection, partition: u32) -> Claim {
    let started = Instant::now();
    loop {
        match Claim::take(connection, partition) {
            Ok(claim) => return claim,
            Err(error) => assert!(started.elapsed() < PATIENCE, "{error:?}"),
        }
    }
}

#[test]
fn messages_of_others_come_into_the_partition_of_their_store_each_once() {
    const PARTITIONS: u32 = 4;
    let broker = broker();
    let connection = topics(&broker.address(), "intake", PARTITIONS);
    let expected = embedded(25, 3, PARTITIONS, minute(11 * HOUR));
    // Keyed by something else, in partitions that are none of ours.
    let mut sent = 0;
    for (number, events) in (0..).zip(&expected.events) {
        let mut writer = claimed(&connection, number % 3);
        let mut line = Vec::new();
        for event in events {
            line.clear();
            write_event(event, &mut line);
            let key = format!("customer-{}", sent % 7);
            let output = writer.output.output().unwrap();
            output.publish("shelf_events", &key, Some(&line)).unwrap();
            sent += 1;
        }
        let output = writer.output.output().unwrap();
        output.publish("shelf_events", "nobody", Some(b"no event")).unwrap();
        writer.output.sync().unwrap();
    }
    let usual = IntakeOptions::new(&["shelf_events"], PARTITIONS);
    let options = IntakeOptions { commit_every: Duration::from_millis(20), ..usual };
    let all = sent + expected.events.len() as u64;
    // It is stopped and begun anew on the way.
    let mut taken = 0;
    let started = Instant::now();
    while taken < all {
        let intake = KafkaIntake::join(&connection, options.clone()).unwrap();
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let running = scope.spawn(|| intake.run(&stop).unwrap());
            let began = taken;
            let until = all.min(began + all / 3 + 1);
            while began + intake.messages() < until {
                assert!(started.elapsed() < PATIENCE, "{} of {all}", intake.messages());
                std::thread::sleep(Duration::from_millis(5));
            }
            stop.store(true, Ordering::Release);
            running.join().unwrap();
            assert_eq!(intake.failures(), 0);
        });
        taken += intake.leave();
    }
    let mut found: Vec<Vec<Event>> = vec![Vec::new(); PARTITIONS as usize];
    let mut rejected = 0;
    read_all(&connection, LOG_EVENTS, all as usize, |message| {
        let event = decode_event(message.payload.unwrap()).unwrap();
        match event.body {
            Body::Rejected(_) => rejected += 1,
            _ => found.get_mut(message.partition as usize).unwrap().push(event),
        }
    });
    for (found, expected) in found.iter().zip(&expected.events) {
        let ids = |events: &[Event]| events.iter().map(|event| event.id).collect::<Vec<_>>();
        let known = |event: &&Event| !matches!(event.body, Body::Rejected(_));
        let expected: Vec<Event> = expected.iter().filter(known).cloned().collect();
        assert_eq!(ids(found), ids(&expected));
    }
    let unreadable = |event: &&Event| matches!(event.body, Body::Rejected(_));
    let of_towns = expected.events.iter().flatten().filter(unreadable).count();
    assert_eq!(rejected, of_towns + expected.events.len());
}
