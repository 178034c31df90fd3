//! What the tests share: records that tell by themselves where they belong, and small logs.

mod append;
mod crash;
mod faults;
mod follow;
mod properties;
mod recovery;
mod verify;

use std::path::{Path, PathBuf};

use shelf_ports::{LogError, Offset, PartitionLog, RecordBatch};
use tempfile::TempDir;

use crate::disk::Disk;
use crate::faults::Fault;
use crate::{EventLog, LogOptions, LogReader, Partition, SyncMode};

/// The record that tests write at an offset: its length and bytes follow from the place.
fn record(partition: u32, offset: Offset) -> Vec<u8> {
    let seed = offset.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ u64::from(partition);
    let length = (seed >> 32) % 90;
    (0..length).map(|at| (seed >> (at % 57)) as u8 ^ at as u8).collect()
}

fn batch(partition: u32, offsets: std::ops::Range<Offset>) -> RecordBatch {
    let mut batch = RecordBatch::new();
    offsets.for_each(|offset| batch.push(&record(partition, offset)));
    batch
}

/// One partition, segments of a few records, durable without the disk.
fn small() -> LogOptions {
    LogOptions {
        partitions: 1,
        segment_bytes: 600,
        max_record_bytes: 1_000,
        sync: SyncMode::None,
        ..LogOptions::default()
    }
}

fn open(dir: &Path, options: LogOptions) -> Partition {
    EventLog::open(dir, options).unwrap().into_partitions().remove(0)
}

fn open_error(dir: &Path, options: LogOptions) -> LogError {
    EventLog::open(dir, options).map(|_| ()).unwrap_err()
}

/// A partition whose files fail as `faults` say.
fn open_on(disk: &Disk, dir: &Path, options: LogOptions) -> Partition {
    EventLog::open_on(disk, dir, options).unwrap().into_partitions().remove(0)
}

/// Appends the records from the end up to `end`, `step` at a time.
fn append_to(log: &mut Partition, end: Offset, step: u64) {
    while log.end_offset() < end {
        let from = log.end_offset();
        let offsets = from..(from + step).min(end);
        assert_eq!(log.append(&batch(log.number(), offsets)).unwrap(), from);
    }
}

/// Reads everything and checks each record against its place.
fn check_content(log: &mut Partition) {
    let mut read = RecordBatch::new();
    let mut next = log.start_offset();
    while next < log.end_offset() {
        let after = log.read(next, 300, &mut read).unwrap();
        check_batch(log.number(), next, after, &read);
        next = after;
    }
}

fn check_batch(partition: u32, from: Offset, after: Offset, read: &RecordBatch) {
    assert!(after > from, "a read before the end brings something");
    assert_eq!(read.len() as u64, after - from);
    for (found, offset) in read.iter().zip(from..) {
        assert_eq!(found, record(partition, offset), "offset {offset}");
    }
}

/// The segment files of a partition, oldest first.
fn segment_files(dir: &Path, partition: u32) -> Vec<PathBuf> {
    let segments = crate::segment::list(&crate::meta::partition_dir(dir, partition)).unwrap();
    segments.into_iter().map(|segment| segment.path).collect()
}

/// A closed log of `records` durable records in several segments.
fn closed_log(records: Offset) -> TempDir {
    let dir = TempDir::new().unwrap();
    let mut log = open(dir.path(), small());
    append_to(&mut log, records, 3);
    assert_eq!(log.sync().unwrap(), records);
    dir
}

fn arm(disk: &Disk, fault: Fault) {
    disk.faults.arm(fault);
}

fn reader_end(dir: &Path) -> Offset {
    LogReader::open(dir).unwrap().end_offset(0).unwrap()
}
