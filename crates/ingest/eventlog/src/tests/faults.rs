//! A disk that is full, that loses a sync, that is read-only. Every injected fault has to fire.

use std::io::ErrorKind;

use super::*;
use crate::faults::Call;

const FULL: ErrorKind = ErrorKind::StorageFull;

fn fault(call: Call, name: &'static str) -> Fault {
    Fault { call, name, kind: FULL, part: 0 }
}

fn is_io(error: &LogError, kind: ErrorKind) -> bool {
    matches!(error, LogError::Io { source, .. } if source.kind() == kind)
}

#[test]
fn a_full_disk_in_the_middle_of_an_append_leaves_whole_batches_and_a_usable_log() {
    let whole_bytes = batch(0, 10..20).byte_len() + 10 * 12;
    for part in 0..=whole_bytes {
        let dir = TempDir::new().unwrap();
        let disk = Disk::new(SyncMode::None);
        let mut log = open_on(&disk, dir.path(), LogOptions { segment_bytes: 1 << 20, ..small() });
        append_to(&mut log, 10, 5);
        let file = segment_files(dir.path(), 0).remove(0);
        let before = std::fs::metadata(&file).unwrap().len();
        arm(&disk, Fault { part, ..fault(Call::Write, ".log") });
        let error = log.append(&batch(0, 10..20)).unwrap_err();
        assert!(is_io(&error, FULL), "{error}");
        assert_eq!(disk.faults.fired(), 1);
        assert_eq!(log.end_offset(), 10);
        assert_eq!(std::fs::metadata(&file).unwrap().len(), before);
        check_content(&mut log);
        append_to(&mut log, 30, 7);
        check_content(&mut log);
        assert_eq!(log.sync().unwrap(), 30);
    }
}

#[test]
fn a_part_that_cannot_be_cut_off_at_once_is_cut_before_the_next_append() {
    let dir = TempDir::new().unwrap();
    let disk = Disk::new(SyncMode::None);
    let mut log = open_on(&disk, dir.path(), small());
    append_to(&mut log, 4, 4);
    arm(&disk, Fault { part: 100, ..fault(Call::Write, ".log") });
    arm(&disk, fault(Call::Truncate, ".log"));
    arm(&disk, fault(Call::Truncate, ".log"));
    log.append(&batch(0, 4..8)).unwrap_err();
    assert_eq!(disk.faults.fired(), 2);
    check_content(&mut log);
    let error = log.append(&batch(0, 4..5)).unwrap_err();
    assert!(is_io(&error, FULL) && disk.faults.fired() == 3, "{error}");
    append_to(&mut log, 40, 3);
    check_content(&mut log);
    log.sync().unwrap();
    drop(log);
    let mut log = open(dir.path(), small());
    assert_eq!(log.end_offset(), 40);
    check_content(&mut log);
}

#[test]
fn a_full_disk_at_a_roll_is_overcome_and_survives_a_crash_in_between() {
    for (call, part) in [(Call::Create, 0), (Call::Write, 0), (Call::Write, 20)] {
        for reopen in [false, true] {
            let dir = TempDir::new().unwrap();
            let disk = Disk::new(SyncMode::None);
            let mut log = open_on(&disk, dir.path(), small());
            append_to(&mut log, 4, 1);
            let segments = log.segment_count();
            let mut large = batch(0, 4..4);
            large.push(&[1; 600]);
            arm(&disk, Fault { part, ..fault(call, ".log") });
            let error = log.append(&large).unwrap_err();
            assert!(is_io(&error, FULL) && disk.faults.fired() == 1, "{error}");
            assert_eq!((log.segment_count(), log.end_offset()), (segments, 4));
            check_content(&mut log);
            if reopen {
                drop(log);
                log = open_on(&disk, dir.path(), small());
            }
            append_to(&mut log, 40, 1);
            check_content(&mut log);
            log.sync().unwrap();
            drop(log);
            assert!(crate::verify(dir.path(), |_| {}).unwrap().sound());
            check_content(&mut open(dir.path(), small()));
        }
    }
}

#[test]
fn after_a_failed_sync_the_partition_takes_nothing_more_and_never_pretends() {
    let dir = TempDir::new().unwrap();
    let disk = Disk::new(SyncMode::Fsync);
    let options = LogOptions { sync: SyncMode::Fsync, segment_bytes: 1 << 20, ..small() };
    let mut log = open_on(&disk, dir.path(), options);
    append_to(&mut log, 5, 5);
    assert_eq!(log.sync().unwrap(), 5);
    append_to(&mut log, 9, 2);
    arm(&disk, Fault { kind: ErrorKind::QuotaExceeded, ..fault(Call::Sync, ".log") });
    assert!(is_io(&log.sync().unwrap_err(), ErrorKind::QuotaExceeded));
    assert_eq!(disk.faults.fired(), 1);
    for _ in 0..2 {
        assert!(is_io(&log.append(&batch(0, 9..10)).unwrap_err(), ErrorKind::QuotaExceeded));
        assert!(is_io(&log.request_sync().unwrap_err(), ErrorKind::QuotaExceeded));
        assert!(is_io(&log.sync().unwrap_err(), ErrorKind::QuotaExceeded));
    }
    assert_eq!((log.durable_offset(), log.end_offset(), reader_end(dir.path())), (5, 9, 5));
    check_content(&mut log);
    drop(log);
    let mut log = open(dir.path(), options);
    append_to(&mut log, 20, 4);
    assert_eq!(log.sync().unwrap(), 20);
    check_content(&mut log);
}

#[test]
fn a_failed_sync_that_nobody_waits_for_is_told_by_the_next_append() {
    let dir = TempDir::new().unwrap();
    let disk = Disk::new(SyncMode::None);
    let mut log = open_on(&disk, dir.path(), small());
    append_to(&mut log, 3, 3);
    arm(&disk, fault(Call::Sync, ".log"));
    log.request_sync().unwrap();
    while disk.faults.fired() == 0 {
        std::thread::yield_now();
    }
    assert!(is_io(&log.sync().unwrap_err(), FULL), "the thread has stored it, or is about to");
    assert!(is_io(&log.append(&batch(0, 3..4)).unwrap_err(), FULL));
    assert_eq!(log.durable_offset(), 0);
}

#[test]
fn a_mark_that_cannot_be_written_is_told_once_and_tried_again() {
    let dir = TempDir::new().unwrap();
    let disk = Disk::new(SyncMode::None);
    let mut log = open_on(&disk, dir.path(), small());
    append_to(&mut log, 3, 3);
    arm(&disk, fault(Call::Write, "durable"));
    assert!(is_io(&log.sync().unwrap_err(), FULL));
    assert_eq!((disk.faults.fired(), log.durable_offset()), (1, 0));
    assert_eq!(log.sync().unwrap(), 3);
    append_to(&mut log, 30, 3);
    check_content(&mut log);
    assert_eq!((log.sync().unwrap(), reader_end(dir.path())), (30, 30));
}

#[test]
fn a_fault_while_opening_is_an_error_and_the_next_opening_is_whole() {
    for (call, name) in [(Call::Write, "durable"), (Call::Sync, ".log"), (Call::Truncate, ".log")] {
        let dir = closed_log(30);
        let file = segment_files(dir.path(), 0).pop().unwrap();
        let mut bytes = std::fs::read(&file).unwrap();
        bytes.extend_from_slice(b"torn");
        std::fs::write(&file, bytes).unwrap();
        let disk = Disk::new(SyncMode::Fsync);
        arm(&disk, fault(call, name));
        let error = EventLog::open_on(&disk, dir.path(), small()).map(|_| ()).unwrap_err();
        assert!(is_io(&error, FULL) && disk.faults.fired() == 1, "{error}");
        let mut log = open(dir.path(), small());
        assert_eq!(log.end_offset(), 30);
        check_content(&mut log);
    }
}

#[test]
fn the_index_forgets_the_places_of_a_batch_that_failed() {
    let dir = TempDir::new().unwrap();
    let disk = Disk::new(SyncMode::None);
    let mut log = open_on(&disk, dir.path(), LogOptions { segment_bytes: 8 << 20, ..small() });
    append_to(&mut log, 10, 5);
    let mut large = RecordBatch::new();
    (0..500).for_each(|_| large.push(&[3; 900]));
    arm(&disk, Fault { part: 300_000, ..fault(Call::Write, ".log") });
    assert!(is_io(&log.append(&large).unwrap_err(), FULL) && disk.faults.fired() == 1);
    append_to(&mut log, 10_000, 100);
    let mut read = RecordBatch::new();
    for from in (0..140).rev().map(|step| step * 71) {
        let after = log.read(from, 500, &mut read).unwrap();
        check_batch(0, from, after, &read);
    }
}
