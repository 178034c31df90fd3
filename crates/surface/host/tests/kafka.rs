//! A chain on a real broker comes to what it comes to on the embedded log: the same states, the
//! same effects under the same ids, each once, whatever becomes of workers and brokers.
//!
//! `SHELF_KAFKA_KILLS=n` asks for n kills, `SHELF_KAFKA_SEED=s` repeats their order.

#![cfg(feature = "kafka")]

#[path = "fixture/chain.rs"]
mod chain;
#[path = "fixture/kafka.rs"]
mod kafka;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use chain::minute;
use kafka::{PATIENCE, Worker, embedded, positions, read_all, settings, topics, wait_for, work};
use shelf_domain::{Body, Event};
use shelf_events::{decode_event, write_event};
use shelf_host::{IntakeOptions, KafkaIntake, KafkaWorker};
use shelf_kafka::{Claim, LOG_EVENTS};
use shelf_ports::PartitionLog as _;
use shelf_testkit::kafka::Broker;

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
    let broker = broker();
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

#[test]
fn workers_that_come_and_go_share_the_partitions() {
    const PARTITIONS: u32 = 16;
    let broker = broker();
    let (address, prefix) = (broker.address(), "shared");
    let expected = embedded(22, 6, PARTITIONS, minute(12 * HOUR));
    let connection = topics(&address, prefix, PARTITIONS);
    let folder = tempfile::tempdir().unwrap();
    let start = || Worker::start(&address, prefix, PARTITIONS, folder.path());
    std::thread::scope(|scope| {
        let (first, second) = (start(), start());
        let feeding = scope.spawn(|| {
            expected.feed(&connection, 200, Duration::from_millis(60));
        });
        std::thread::sleep(Duration::from_secs(6));
        let third = start();
        std::thread::sleep(Duration::from_secs(5));
        first.leave();
        std::thread::sleep(Duration::from_secs(3));
        let fourth = start();
        feeding.join().unwrap();
        wait_for(&connection, &expected.ends());
        for worker in [second, third, fourth] {
            worker.leave();
        }
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
    let start = || Worker::start(&address, prefix, PARTITIONS, folder.path());
    std::thread::scope(|scope| {
        let first = start();
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
        let second = start();
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

#[test]
fn messages_of_others_come_into_the_partition_of_their_store_each_once() {
    const PARTITIONS: u32 = 4;
    let broker = broker();
    let connection = topics(&broker.address(), "intake", PARTITIONS);
    let expected = embedded(25, 3, PARTITIONS, minute(11 * HOUR));
    // Keyed by something else, in partitions that are none of ours.
    let mut sent = 0;
    for (number, events) in (0..).zip(&expected.events) {
        let mut writer = Claim::take(&connection, number % 3).unwrap();
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
    let options = IntakeOptions {
        topics: vec!["shelf_events".to_owned()],
        partitions: PARTITIONS,
        store: None,
        commit_every: Duration::from_millis(20),
    };
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

/// A sequence of numbers that looks like chance and can be repeated.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % end
    }
}

#[test]
fn kills_of_workers_and_of_the_broker_change_nothing() {
    const PARTITIONS: u32 = 4;
    let number = |name: &str| -> Option<u64> { std::env::var(name).ok()?.parse().ok() };
    let kills = number("SHELF_KAFKA_KILLS").unwrap_or(10);
    let seed = number("SHELF_KAFKA_SEED").unwrap_or_else(|| std::process::id().into());
    eprintln!("repeat with SHELF_KAFKA_KILLS={kills} SHELF_KAFKA_SEED={seed}");
    let mut chance = Chance(seed);
    let mut broker = broker();
    let (address, prefix) = (broker.address(), "kills");
    let expected = embedded(24, 4, PARTITIONS, minute(14 * HOUR));
    let connection = topics(&address, prefix, PARTITIONS);
    let folder = tempfile::tempdir().unwrap();
    let start = || Worker::start(&address, prefix, PARTITIONS, folder.path());
    std::thread::scope(|scope| {
        let mut workers = [start(), start()];
        let feeding = scope.spawn(|| {
            expected.feed(&connection, kills * 10, Duration::from_millis(200));
        });
        for kill in 0..kills {
            std::thread::sleep(Duration::from_millis(200 + chance.below(4_000)));
            match chance.below(5) {
                // Some kills of the broker whatever chance says.
                _ if kill % 7 == 3 => {
                    broker.kill();
                    std::thread::sleep(Duration::from_millis(chance.below(2_000)));
                    broker.resume();
                }
                0 => {
                    let [first, second] = workers;
                    first.kill();
                    second.kill();
                    workers = [start(), start()];
                }
                which => {
                    let one = (which % 2) as usize;
                    let fresh = start();
                    if let Some(worker) = workers.get_mut(one) {
                        std::mem::replace(worker, fresh).kill();
                    }
                }
            }
        }
        feeding.join().unwrap();
        wait_for(&connection, &expected.ends());
        for worker in workers {
            worker.leave();
        }
    });
    expected.check(&connection, folder.path());
}
