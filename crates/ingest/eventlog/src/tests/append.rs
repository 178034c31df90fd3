//! Appending, reading, rolling, trimming, and who may open a log.

use super::*;
use crate::segment::INDEX_EVERY_BYTES;

#[test]
fn records_come_back_across_segments_and_after_reopening() {
    let dir = TempDir::new().unwrap();
    let mut log = open(dir.path(), small());
    append_to(&mut log, 100, 7);
    assert!(log.segment_count() > 5);
    check_content(&mut log);
    let newest = segment_files(dir.path(), 0).pop().unwrap();
    let base: Offset = newest.file_stem().unwrap().to_str().unwrap().parse().unwrap();
    assert_eq!(log.durable_offset(), base, "a roll syncs what lies before it");
    assert_eq!(log.sync().unwrap(), 100);
    drop(log);
    let mut log = open(dir.path(), small());
    assert_eq!((log.start_offset(), log.end_offset(), log.durable_offset()), (0, 100, 100));
    check_content(&mut log);
    append_to(&mut log, 150, 4);
    check_content(&mut log);
}

#[test]
fn a_read_brings_at_least_one_record_and_at_most_about_what_was_asked() {
    let dir = TempDir::new().unwrap();
    let mut log = open(dir.path(), small());
    append_to(&mut log, 40, 40);
    let mut read = RecordBatch::new();
    for from in 0..40 {
        assert_eq!(log.read(from, 0, &mut read).unwrap(), from + 1);
        let after = log.read(from, 400, &mut read).unwrap();
        check_batch(0, from, after, &read);
        assert!(read.len() == 1 || read.byte_len() <= 400);
    }
    assert_eq!(log.read(40, 400, &mut read).unwrap(), 40);
    assert!(read.is_empty());
    assert_eq!(log.read(0, usize::MAX, &mut read).unwrap(), 40, "over all segments");
}

#[test]
fn an_offset_outside_is_refused_with_the_range_that_is_kept() {
    let dir = closed_log(60);
    let mut log = open(dir.path(), small());
    let start = log.trim(30).unwrap();
    let mut read = RecordBatch::new();
    for wanted in [0, start - 1, 61] {
        let error = log.read(wanted, 100, &mut read).unwrap_err();
        let LogError::OutOfRange { start: from, end, .. } = error else { panic!("{error}") };
        assert_eq!((from, end), (start, 60));
    }
}

#[test]
fn random_reads_in_a_large_segment_use_and_fill_the_index() {
    let dir = TempDir::new().unwrap();
    let options = LogOptions { segment_bytes: 8 << 20, ..small() };
    let mut log = open(dir.path(), options);
    let end = 20_000;
    assert!(end * 50 > 4 * INDEX_EVERY_BYTES);
    append_to(&mut log, end, 1_000);
    for opening in 0..2 {
        let mut read = RecordBatch::new();
        for step in 0..200 {
            let from = (step * 7_919 + opening) % end;
            let after = log.read(from, 500, &mut read).unwrap();
            check_batch(0, from, after, &read);
        }
        drop(log);
        log = open(dir.path(), options);
    }
}

#[test]
fn trimming_gives_up_whole_segments_below_and_never_the_active_one() {
    let dir = closed_log(100);
    let mut log = open(dir.path(), small());
    let before = log.segment_count();
    assert_eq!(log.trim(0).unwrap(), 0);
    let start = log.trim(50).unwrap();
    assert!(start > 0 && start <= 50 && log.segment_count() < before);
    check_content(&mut log);
    let last = log.trim(u64::MAX).unwrap();
    assert!(last < 100 && log.segment_count() == 1);
    drop(log);
    let mut log = open(dir.path(), small());
    assert_eq!((log.start_offset(), log.end_offset()), (last, 100));
    append_to(&mut log, 120, 5);
    check_content(&mut log);
}

#[test]
fn a_record_over_the_limit_is_refused_and_leaves_nothing() {
    let dir = TempDir::new().unwrap();
    let mut log = open(dir.path(), small());
    append_to(&mut log, 3, 3);
    let mut large = batch(0, 3..5);
    large.push(&[7; 1_001]);
    let error = log.append(&large).unwrap_err();
    assert!(matches!(error, LogError::TooLarge { bytes: 1_001, limit: 1_000 }), "{error}");
    assert_eq!(log.append(&RecordBatch::new()).unwrap(), 3, "an empty batch takes no offset");
    append_to(&mut log, 9, 2);
    check_content(&mut log);
}

#[test]
fn a_batch_larger_than_a_segment_stays_in_one() {
    let dir = TempDir::new().unwrap();
    let mut log = open(dir.path(), small());
    append_to(&mut log, 5, 5);
    append_to(&mut log, 105, 100);
    append_to(&mut log, 110, 5);
    assert_eq!(log.segment_count(), 3);
    check_content(&mut log);
}

#[test]
fn partitions_work_on_their_own_threads_and_hold_the_lock_together() {
    let dir = TempDir::new().unwrap();
    let options = LogOptions { partitions: 4, sync: SyncMode::Fsync, ..small() };
    let partitions = EventLog::open(dir.path(), options).unwrap().into_partitions();
    let workers: Vec<_> = partitions
        .into_iter()
        .map(|mut log| {
            std::thread::spawn(move || {
                append_to(&mut log, 50, 6);
                assert_eq!(log.sync().unwrap(), 50);
                log
            })
        })
        .collect();
    let mut logs: Vec<_> = workers.into_iter().map(|worker| worker.join().unwrap()).collect();
    while let Some(mut log) = logs.pop() {
        check_content(&mut log);
        assert!(matches!(open_error(dir.path(), options), LogError::InUse { .. }));
    }
    let log = EventLog::open(dir.path(), options).unwrap();
    assert_eq!((log.partition_count(), log.recovered().len()), (4, 0));
}

#[test]
fn a_request_becomes_durable_without_being_waited_for() {
    let dir = TempDir::new().unwrap();
    let mut log = open(dir.path(), LogOptions { segment_bytes: 1 << 20, ..small() });
    append_to(&mut log, 10, 5);
    assert_eq!((log.durable_offset(), reader_end(dir.path())), (0, 0));
    log.request_sync().unwrap();
    while log.durable_offset() < 10 {
        std::thread::yield_now();
    }
    assert_eq!(reader_end(dir.path()), 10);
    append_to(&mut log, 20, 5);
    log.request_sync().unwrap();
    drop(log);
    assert_eq!(reader_end(dir.path()), 20, "closing serves what was requested");
}

#[test]
fn the_number_of_partitions_is_fixed_at_creation_and_another_one_is_told() {
    let dir = TempDir::new().unwrap();
    let log = EventLog::open(dir.path(), LogOptions { partitions: 3, ..small() }).unwrap();
    assert_eq!((log.partition_count(), log.partitions_ignored()), (3, None));
    drop(log);
    let mut log = EventLog::open(dir.path(), LogOptions { partitions: 5, ..small() }).unwrap();
    assert_eq!((log.partition_count(), log.partitions_ignored()), (3, Some(5)));
    assert!(log.partition(2).is_some() && log.partition(3).is_none());
    drop(log);
    assert_eq!(LogReader::open(dir.path()).unwrap().partition_count(), 3);
}

#[test]
fn a_newer_format_is_refused_by_everyone() {
    let dir = closed_log(10);
    let check = |error: LogError| {
        assert!(matches!(error, LogError::Format { found: 2, known: 1, .. }), "{error}");
    };
    for file in [dir.path().join("meta"), segment_files(dir.path(), 0).pop().unwrap()] {
        let original = std::fs::read(&file).unwrap();
        let mut newer = original.clone();
        newer[8] = 2;
        let crc = crc32fast::hash(&newer[..12]);
        newer[12..16].copy_from_slice(&crc.to_le_bytes());
        std::fs::write(&file, newer).unwrap();
        check(open_error(dir.path(), small()));
        check(crate::verify(dir.path(), |_| {}).unwrap_err());
        std::fs::write(&file, original).unwrap();
    }
    open(dir.path(), small());
}
