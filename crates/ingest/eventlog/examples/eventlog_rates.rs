//! Measures a log on this machine: `cargo run --release -p shelf-eventlog --example eventlog_rates
//! -- [folder]`. Every figure that it prints was measured in this run.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use shelf_eventlog::{EventLog, LogOptions, Partition, SyncMode, verify};
use shelf_ports::{PartitionLog, RecordBatch};

const RECORDS: u64 = 10_000_000;
const BATCH_RECORDS: u64 = 1_000;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    for (name, partitions) in [("one", 1), ("sixteen", 16)] {
        let dir = folder.join(format!("eventlog-rates-{name}"));
        let measured = measure(&dir, partitions);
        std::fs::remove_dir_all(&dir)?;
        measured?;
    }
    Ok(())
}

fn measure(dir: &Path, partitions: u32) -> Result<(), Box<dyn Error>> {
    let options = LogOptions { partitions, sync: SyncMode::None, ..LogOptions::default() };
    let mut batch = RecordBatch::new();
    for number in 0..BATCH_RECORDS {
        batch.push(&vec![number as u8; 60 + (number % 61) as usize]);
    }
    let mut logs = EventLog::open(dir, options)?.into_partitions();
    let started = Instant::now();
    for _ in 0..RECORDS / BATCH_RECORDS / u64::from(partitions) {
        for log in &mut logs {
            log.append(&batch)?;
        }
    }
    report(partitions, "append to the page cache", RECORDS, started.elapsed());
    for log in &mut logs {
        log.sync()?;
    }
    let started = Instant::now();
    for log in &mut logs {
        read_all(log)?;
    }
    report(partitions, "read", RECORDS, started.elapsed());
    drop(logs);
    let fsync = LogOptions { sync: SyncMode::Fsync, ..options };
    EventLog::open(dir, fsync)?;
    let started = Instant::now();
    let mut logs = EventLog::open(dir, fsync)?.into_partitions();
    println!("{partitions} partitions: open {RECORDS} records: {:?}", started.elapsed());
    measure_sync(&mut logs, &batch)?;
    drop(logs);
    let started = Instant::now();
    assert!(verify(dir, |_| {})?.sound());
    report(partitions, "verify", RECORDS, started.elapsed());
    Ok(())
}

fn read_all(log: &mut Partition) -> Result<(), Box<dyn Error>> {
    let mut read = RecordBatch::new();
    let mut next = log.start_offset();
    while next < log.end_offset() {
        next = log.read(next, 256 << 10, &mut read)?;
    }
    Ok(())
}

/// Appends a batch to every partition and waits until all are on disk, again and again.
fn measure_sync(logs: &mut [Partition], batch: &RecordBatch) -> Result<(), Box<dyn Error>> {
    let mut took: Vec<Duration> = Vec::new();
    for _ in 0..100 {
        let started = Instant::now();
        for log in &mut *logs {
            log.append(batch)?;
            log.request_sync()?;
        }
        for log in &mut *logs {
            log.sync()?;
        }
        took.push(started.elapsed());
    }
    took.sort_unstable();
    let at = |share: usize| took.get(took.len() * share / 100).copied().unwrap_or_default();
    let partitions = logs.len();
    println!("{partitions} partitions: append and fsync all: p50 {:?}, p99 {:?}", at(50), at(99));
    Ok(())
}

fn report(partitions: u32, what: &str, records: u64, took: Duration) {
    let rate = records as f64 / took.as_secs_f64() / 1e6;
    println!("{partitions} partitions: {what}: {rate:.2} million records/s in {took:?}");
}
