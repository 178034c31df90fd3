//! Readers that follow a writer, each in a thread of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::*;

#[test]
fn a_reader_sees_only_what_is_durable() {
    let dir = TempDir::new().unwrap();
    let mut log = open(dir.path(), LogOptions { segment_bytes: 1 << 20, ..small() });
    let mut reader = LogReader::open(dir.path()).unwrap();
    let mut read = RecordBatch::new();
    append_to(&mut log, 7, 7);
    assert_eq!(reader.end_offset(0).unwrap(), 0);
    assert_eq!(reader.read(0, 0, 1_000, &mut read).unwrap(), 0);
    log.sync().unwrap();
    append_to(&mut log, 9, 2);
    assert_eq!(reader.read(0, 0, 100_000, &mut read).unwrap(), 7);
    check_batch(0, 0, 7, &read);
    let error = reader.read(0, 8, 1_000, &mut read).unwrap_err();
    assert!(matches!(error, LogError::OutOfRange { wanted: 8, start: 0, end: 7 }), "{error}");
    assert!(matches!(reader.end_offset(1).unwrap_err(), LogError::Io { .. }));
}

#[test]
fn a_reader_needs_a_log() {
    let dir = TempDir::new().unwrap();
    assert!(matches!(LogReader::open(dir.path()).unwrap_err(), LogError::Io { .. }));
    assert_eq!(dir.path().read_dir().unwrap().count(), 0, "and creates nothing");
}

#[test]
fn a_reader_follows_a_writer_across_rolls() {
    const END: Offset = 20_000;
    let dir = TempDir::new().unwrap();
    let options = LogOptions { segment_bytes: 20_000, ..small() };
    let mut log = open(dir.path(), options);
    let mut reader = LogReader::open(dir.path()).unwrap().into_partitions().remove(0);
    let seen = Arc::new(AtomicU64::new(0));
    let seen_by_writer = Arc::clone(&seen);
    let writer = thread::spawn(move || {
        while log.end_offset() < END {
            let end = log.end_offset() + 37;
            append_to(&mut log, end.min(END), 37);
            log.request_sync().unwrap();
            log.trim(seen_by_writer.load(Ordering::SeqCst)).unwrap();
        }
        log.sync().unwrap();
        assert!(log.segment_count() < 50);
    });
    let mut read = RecordBatch::new();
    let mut next = 0;
    while next < END {
        let after = reader.read(next, 4_000, &mut read).unwrap();
        if after > next {
            check_batch(0, next, after, &read);
            next = after;
            seen.store(next, Ordering::SeqCst);
        } else {
            thread::yield_now();
        }
    }
    writer.join().unwrap();
    assert_eq!(reader.end_offset().unwrap(), END);
}

#[test]
fn a_slow_reader_is_told_what_is_still_kept_and_goes_on_from_there() {
    const END: Offset = 20_000;
    let dir = TempDir::new().unwrap();
    let mut log = open(dir.path(), LogOptions { segment_bytes: 3_000, ..small() });
    let mut reader = LogReader::open(dir.path()).unwrap();
    let writer = thread::spawn(move || {
        while log.end_offset() < END {
            let end = log.end_offset() + 50;
            append_to(&mut log, end.min(END), 50);
            log.trim(u64::MAX).unwrap();
        }
        log.sync().unwrap();
    });
    let mut read = RecordBatch::new();
    let (mut next, mut skipped) = (0, 0);
    while next < END {
        match reader.read(0, next, 700, &mut read) {
            Ok(after) if after == next => thread::yield_now(),
            Ok(after) => {
                check_batch(0, next, after, &read);
                next = after;
            }
            Err(LogError::OutOfRange { start, .. }) => {
                assert!(start > next);
                skipped += start - next;
                next = start;
            }
            Err(error) => panic!("{error}"),
        }
    }
    writer.join().unwrap();
    assert!(skipped < END);
    assert!(matches!(reader.read(0, 0, 9, &mut read).unwrap_err(), LogError::OutOfRange { .. }));
    assert!(reader.start_offset(0).unwrap() > 0);
}

#[test]
fn a_reader_reports_durable_records_that_are_missing_or_bad() {
    for (bytes, flipped) in [(55, false), (55, true)] {
        let dir = closed_log(20);
        let file = segment_files(dir.path(), 0).remove(0);
        let mut content = std::fs::read(&file).unwrap();
        if flipped {
            content[bytes] ^= 1;
        } else {
            content.truncate(bytes);
        }
        std::fs::write(&file, content).unwrap();
        let mut reader = LogReader::open(dir.path()).unwrap();
        let error = reader.read(0, 0, 10_000, &mut RecordBatch::new()).unwrap_err();
        assert!(matches!(error, LogError::Damaged { .. }), "{error}");
    }
    let dir = closed_log(60);
    std::fs::remove_file(&segment_files(dir.path(), 0)[1]).unwrap();
    let mut reader = LogReader::open(dir.path()).unwrap();
    let mut read = RecordBatch::new();
    let next = reader.read(0, 0, 10_000, &mut read).unwrap();
    let error = reader.read(0, next, 10_000, &mut read).unwrap_err();
    assert!(matches!(error, LogError::Damaged { .. }), "{error}");
}
