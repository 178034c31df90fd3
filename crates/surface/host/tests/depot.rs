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
        let options = [
            ("aws_access_key_id", "k"),
            ("aws_secret_access_key", "s"),
            ("aws_region", "us-east-1"),
            ("aws_endpoint_url", &self.url()),
        ];
        let options: BTreeMap<String, String> =
            options.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Depot::open(&format!("s3://chain/{prefix}"), &options).unwrap()
    }
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
