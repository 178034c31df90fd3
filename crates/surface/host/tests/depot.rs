//! Snapshots in an object store: a partition moves with its snapshot to a worker that shares no
//! folder with the one that had it, and one that is late changes nothing.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail like tests")]
#![cfg(feature = "snapshots-s3")]

#[path = "fixture/chain.rs"]
mod chain;
#[path = "fixture/kafka.rs"]
mod kafka;

use std::collections::BTreeMap;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chain::minute;
use kafka::{PATIENCE, embedded, settings, topics, wait_for};
use shelf_domain::Stores;
use shelf_engine::SnapshotStore;
use shelf_host::{Depot, KafkaFigures, KafkaWorker, LaneState, WorkerSettings};
use shelf_kafka::Connection;
use shelf_testkit::kafka::Broker;
use shelf_testkit::servers::python;

/// An object store of S3's kind, with a bucket; it ends with the test.
struct Bucket {
    child: Child,
    port: u16,
}

const MAKE: &str = r#"
import sys, boto3
boto3.client("s3", endpoint_url=sys.argv[1], region_name="us-east-1", aws_access_key_id="k",
             aws_secret_access_key="s").create_bucket(Bucket="chain")
"#;

impl Bucket {
    fn start() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(python()).args(["-m", "moto.server", "-p"]);
        command.arg(port.to_string()).stdout(Stdio::null()).stderr(Stdio::null());
        let bucket = Self { child: command.spawn().unwrap(), port };
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(started.elapsed() < PATIENCE, "no object store");
            std::thread::sleep(Duration::from_millis(50));
        }
        let made = Command::new(python()).args(["-c", MAKE, &bucket.url()]).status().unwrap();
        assert!(made.success());
        bucket
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn depot(&self, prefix: &str) -> Depot {
        depot_at(&self.url(), prefix)
    }
}

/// What keeps snapshots in the object store at this endpoint.
fn depot_at(url: &str, prefix: &str) -> Depot {
    let options = [
        ("aws_access_key_id", "k"),
        ("aws_secret_access_key", "s"),
        ("aws_region", "us-east-1"),
        ("aws_endpoint_url", url),
    ];
    let options: BTreeMap<String, String> =
        options.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    Depot::open(&format!("s3://chain/{prefix}"), &options).unwrap()
}

impl Drop for Bucket {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn save(folder: &Path, position: u64, companion: &[u8]) {
    SnapshotStore::new(folder, 3).save(position, &Stores::default(), companion).unwrap();
}

fn companion(folder: &Path) -> (u64, Vec<u8>) {
    let newest = SnapshotStore::new(folder, 3).newest().unwrap().snapshot.unwrap();
    (newest.position, newest.companion)
}

#[test]
fn whoever_is_late_neither_overwrites_a_snapshot_nor_takes_a_newer_one_away() {
    let bucket = Bucket::start();
    let depot = bucket.depot("late");
    let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let [late, owner, next] = folders.each_ref().map(tempfile::TempDir::path);
    save(late, 10, b"of the late");
    save(owner, 10, b"of the owner");
    assert_eq!(depot.keep(3, owner).unwrap(), Some(10));
    assert_eq!(depot.keep(3, late).unwrap(), Some(10));
    depot.fetch(3, next).unwrap();
    assert_eq!(companion(next), (10, b"of the owner".to_vec()), "it was there already");
    for position in [20, 30, 40] {
        save(owner, position, b"of the owner");
        depot.keep(3, owner).unwrap();
    }
    assert_eq!(depot.positions(3).unwrap(), [40, 30]);
    save(late, 25, b"of the late");
    assert_eq!(depot.keep(3, late).unwrap(), Some(40));
    assert_eq!(depot.positions(3).unwrap(), [40, 30]);
    assert_eq!(depot.fetch(3, next).unwrap(), 2);
    assert_eq!(companion(next), (40, b"of the owner".to_vec()));
    assert_eq!(depot.fetch(3, next).unwrap(), 0, "what is there is not fetched again");
    assert_eq!(depot.positions(4).unwrap(), Vec::<u64>::new());
}

#[test]
fn those_who_fetch_the_same_snapshot_at_the_same_time_each_have_it_whole() {
    let bucket = Bucket::start();
    let depot = bucket.depot("together");
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let companion_of = |position: u64| vec![position as u8; 4 << 20];
    // What somebody left who was killed in the middle of one, and what is being written.
    let folder = to.path().join("p03");
    std::fs::create_dir_all(&folder).unwrap();
    let half = |name: &str, age: Duration| {
        let path = folder.join(name);
        let file = std::fs::File::create(&path).unwrap();
        file.set_modified(std::time::SystemTime::now() - age).unwrap();
        path
    };
    let left = half("00000000000000000001.0000000000000007.part", Duration::from_hours(1));
    let fresh = half("00000000000000000001.0000000000000008.part", Duration::ZERO);
    for position in [1, 2, 3] {
        save(from.path(), position, &companion_of(position));
        depot.keep(3, from.path()).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    depot.fetch(3, to.path()).unwrap();
                    // Whoever has fetched finds it, whatever others are doing.
                    assert_eq!(companion(to.path()), (position, companion_of(position)));
                });
            }
        });
    }
    assert!(!left.exists() && fresh.exists());
    let names = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let halves = names.filter(|path| path.extension().is_some_and(|ending| ending == "part"));
    assert_eq!(halves.count(), 1, "nothing else is left");
}

#[test]
fn a_store_that_is_away_is_named_in_words() {
    let bucket = Bucket::start();
    let depot = bucket.depot("away");
    let code = |url: &str| Depot::open(url, &BTreeMap::new()).unwrap_err().code();
    assert_eq!(code("s3://"), "snapshots_address");
    assert_eq!(code("/folder"), "snapshots_address");
    let url = bucket.url();
    drop(bucket);
    let error = depot.positions(0).unwrap_err();
    assert_eq!(error.code(), "snapshots_away");
    assert!(error.to_string().contains("s3://chain/away"), "{error} at {url}");
}

/// Works until all partitions stand at their ends.
fn work(connection: &Connection, settings: &WorkerSettings, ends: &[u64]) -> (u64, u64, u64) {
    let worker = KafkaWorker::join(connection, settings).unwrap();
    let figures = worker.figures().clone();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let running = scope.spawn(|| {
            worker.run(&stop).unwrap();
            drop(worker);
        });
        let started = Instant::now();
        while !all_there(&figures, ends) {
            assert!(started.elapsed() < PATIENCE, "{:?}", figures.lanes());
            std::thread::sleep(Duration::from_millis(50));
        }
        wait_for(connection, ends);
        stop.store(true, Ordering::Release);
        running.join().unwrap();
    });
    (figures.events(), figures.replayed(), figures.failures())
}

fn all_there(figures: &KafkaFigures, ends: &[u64]) -> bool {
    let lanes = figures.lanes();
    lanes.len() == ends.len()
        && lanes.values().all(|lane| lane.state == LaneState::Running)
        && lanes.values().zip(ends).all(|(lane, end)| lane.position == *end)
}

#[test]
fn a_partition_moves_with_its_snapshot_to_a_worker_with_a_folder_of_its_own() {
    let bucket = Bucket::start();
    let broker = Broker::start();
    let expected = embedded(23, 2, 2, minute(12 * 60));
    let connection = topics(&broker.address(), "depot", 2);
    expected.feed(&connection, 10, Duration::ZERO);
    let of = |folder: &Path| {
        let depot = Some(bucket.depot("moves"));
        WorkerSettings { depot, ..settings(folder, 2) }
    };
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let worked = work(&connection, &of(first.path()), &expected.ends());
    assert_eq!(worked, (expected.total(), 0, 0));
    // Nothing is stepped again: all that there is comes with the snapshots.
    let worked = work(&connection, &of(second.path()), &expected.ends());
    assert_eq!(worked, (0, 0, 0));
    expected.check(&connection, second.path());
}

#[test]
fn a_worker_whose_lanes_cannot_open_gives_its_partitions_up_at_once() {
    const PARTITIONS: u32 = 4;
    /// How long the group takes to meet, and some time besides; the store is given 30 s.
    const AT_ONCE: Duration = Duration::from_secs(20);
    let broker = Broker::start();
    let expected = embedded(35, 4, PARTITIONS, minute(10 * 60));
    let connection = topics(&broker.address(), "silent", PARTITIONS);
    expected.feed(&connection, 10, Duration::ZERO);
    // A store that listens and never answers: each lane stands still in the middle of its opening.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let depot = Some(depot_at(&url, "silent"));
    let hung = WorkerSettings { depot, ..settings(folders[0].path(), PARTITIONS) };
    let hung = KafkaWorker::join(&connection, &hung).unwrap();
    let (lanes, stops) = (hung.figures().clone(), [AtomicBool::new(false), AtomicBool::new(false)]);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| {
            hung.run(&stops[0]).unwrap();
            let asked = Instant::now();
            drop(hung);
            asked.elapsed()
        });
        let _held: Vec<_> = (0..PARTITIONS).map(|_| silent.accept().unwrap()).collect();
        assert_eq!(lanes.lanes().len(), PARTITIONS as usize);
        let worker =
            KafkaWorker::join(&connection, &settings(folders[1].path(), PARTITIONS)).unwrap();
        let (figures, joined) = (worker.figures().clone(), Instant::now());
        let second = scope.spawn(|| {
            worker.run(&stops[1]).unwrap();
            drop(worker);
        });
        let run = || {
            let lanes = figures.lanes();
            lanes.values().filter(|lane| lane.state == LaneState::Running).count()
        };
        while run() < 2 {
            assert!(joined.elapsed() < AT_ONCE, "{:?}, {:?}", figures.lanes(), lanes.lanes());
            std::thread::sleep(Duration::from_millis(20));
        }
        eprintln!("the next one runs two after {:?}", joined.elapsed());
        assert_eq!(lanes.lanes().len(), 2, "the first one keeps the others");
        stops[0].store(true, Ordering::Release);
        let left = first.join().unwrap();
        assert!(left < AT_ONCE, "it took {left:?} to leave");
        wait_for(&connection, &expected.ends());
        stops[1].store(true, Ordering::Release);
        second.join().unwrap();
    });
    expected.check(&connection, folders[1].path());
}
