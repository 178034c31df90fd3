//! What opening does with the remains of a crash and with damage.

use std::fs::{self, OpenOptions};

use super::*;
use crate::format::HEADER_BYTES;
use crate::{Recovered, TailDamage};

/// A log with ten durable records, five more that are not, in one segment, and its file.
fn unfinished_log() -> (TempDir, PathBuf, usize) {
    let dir = TempDir::new().unwrap();
    let options = LogOptions { segment_bytes: 1 << 20, ..small() };
    let mut log = open(dir.path(), options);
    append_to(&mut log, 10, 5);
    log.sync().unwrap();
    let file = segment_files(dir.path(), 0).remove(0);
    let durable_bytes = fs::metadata(&file).unwrap().len() as usize;
    append_to(&mut log, 15, 5);
    drop(log);
    (dir, file, durable_bytes)
}

fn flip(file: &Path, at: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[at] ^= 0x10;
    fs::write(file, bytes).unwrap();
}

fn cut(file: &Path, bytes: u64) {
    OpenOptions::new().write(true).open(file).unwrap().set_len(bytes).unwrap();
}

fn damage_at(error: &LogError) -> (&Path, u64) {
    let LogError::Damaged { path, at, .. } = error else { panic!("{error}") };
    (path, *at)
}

#[test]
fn whole_records_that_were_not_durable_survive_a_kill_and_become_durable() {
    let (dir, ..) = unfinished_log();
    assert_eq!(reader_end(dir.path()), 10);
    let log = EventLog::open(dir.path(), small()).unwrap();
    assert_eq!(log.recovered(), []);
    assert_eq!(reader_end(dir.path()), 15);
    check_content(&mut log.into_partitions().remove(0));
}

#[test]
fn a_torn_tail_is_cut_and_told() {
    let (dir, file, _) = unfinished_log();
    let last = record(0, 14).len() as u64;
    let length = fs::metadata(&file).unwrap().len();
    cut(&file, length - 1);
    let log = EventLog::open(dir.path(), small()).unwrap();
    let cut_off = Recovered { partition: 0, offset: 14, bytes_cut: last + 12 - 1 };
    assert_eq!(log.recovered(), [cut_off]);
    drop(log);
    let mut log = open(dir.path(), small());
    append_to(&mut log, 30, 4);
    check_content(&mut log);
}

#[test]
fn a_bad_last_record_is_torn_above_the_durable_offset() {
    let (dir, file, _) = unfinished_log();
    let length = fs::metadata(&file).unwrap().len() as usize;
    flip(&file, length - 1);
    let log = EventLog::open(dir.path(), small()).unwrap();
    assert_eq!(log.recovered()[0].offset, 14);
}

#[test]
fn a_bad_record_with_good_ones_behind_it_is_damage_unless_a_person_says_to_cut() {
    let (dir, file, durable_bytes) = unfinished_log();
    flip(&file, durable_bytes + 4);
    let before = fs::read(&file).unwrap();
    let error = open_error(dir.path(), small());
    assert_eq!(damage_at(&error), (file.as_path(), durable_bytes as u64));
    assert_eq!(fs::read(&file).unwrap(), before, "refusing changes nothing");
    let options = LogOptions { tail_damage: TailDamage::Cut, ..small() };
    let log = EventLog::open(dir.path(), options).unwrap();
    assert_eq!(log.recovered()[0].offset, 10);
}

#[test]
fn damage_below_the_durable_offset_is_never_cut() {
    let (dir, file, durable_bytes) = unfinished_log();
    flip(&file, durable_bytes - 1);
    let options = LogOptions { tail_damage: TailDamage::Cut, ..small() };
    let LogError::Damaged { path, at, .. } = open_error(dir.path(), options) else { panic!() };
    assert_eq!((path, at), (file, (durable_bytes - 12 - record(0, 9).len()) as u64));
}

#[test]
fn a_file_that_ends_below_the_durable_offset_is_damage() {
    let (dir, file, durable_bytes) = unfinished_log();
    let ninth = (durable_bytes - 12 - record(0, 9).len()) as u64;
    for bytes in [durable_bytes as u64 - 1, ninth, 0] {
        cut(&file, bytes);
        let error = open_error(dir.path(), small());
        let expected = if bytes == 0 { 0 } else { ninth };
        assert_eq!(damage_at(&error), (file.as_path(), expected));
    }
}

#[test]
fn a_missing_or_unreadable_mark_loses_nothing() {
    for mark in [None, Some(vec![]), Some(vec![0; 12]), Some(vec![9; 12])] {
        let dir = closed_log(40);
        let path = dir.path().join("p00/durable");
        fs::remove_file(&path).unwrap();
        if let Some(bytes) = mark {
            fs::write(&path, bytes).unwrap();
        }
        let newest = *segment_bases(dir.path()).last().unwrap();
        assert_eq!(reader_end(dir.path()), newest);
        check_content(&mut open(dir.path(), small()));
        assert_eq!(reader_end(dir.path()), 40);
    }
}

fn segment_bases(dir: &Path) -> Vec<Offset> {
    let stem = |file: PathBuf| file.file_stem().unwrap().to_str().unwrap().parse().unwrap();
    segment_files(dir, 0).into_iter().map(stem).collect()
}

#[test]
fn a_crash_in_the_middle_of_a_roll_is_mended() {
    let header = {
        let dir = closed_log(3);
        fs::read(&segment_files(dir.path(), 0)[0]).unwrap()[..HEADER_BYTES].to_vec()
    };
    let zeros = vec![0; 4096];
    for remains in [&header[..0], &header[..1], &header[..HEADER_BYTES - 1], &zeros] {
        let dir = closed_log(40);
        let next = dir.path().join("p00/00000000000000000040.log");
        fs::write(&next, remains).unwrap();
        let report = crate::verify(dir.path(), |_| {}).unwrap();
        assert!(report.sound(), "{report:?}");
        let mut log = open(dir.path(), small());
        assert_eq!(log.end_offset(), 40);
        append_to(&mut log, 60, 3);
        check_content(&mut log);
        log.sync().unwrap();
        drop(log);
        assert!(crate::verify(dir.path(), |_| {}).unwrap().sound());
    }
}

#[test]
fn a_segment_that_is_missing_cut_or_in_another_place_is_damage() {
    let count = segment_files(closed_log(100).path(), 0).len();
    assert!(count > 4);
    for missing in 1..count {
        let dir = closed_log(100);
        let files = segment_files(dir.path(), 0);
        fs::remove_file(&files[missing]).unwrap();
        assert!(matches!(open_error(dir.path(), small()), LogError::Damaged { .. }), "{missing}");
        assert!(!crate::verify(dir.path(), |_| {}).unwrap().sound(), "{missing}");
    }
    for shorter in 0..count {
        let dir = closed_log(100);
        let file = segment_files(dir.path(), 0).remove(shorter);
        cut(&file, fs::metadata(&file).unwrap().len() - 1);
        assert!(matches!(open_error(dir.path(), small()), LogError::Damaged { .. }), "{shorter}");
        assert!(!crate::verify(dir.path(), |_| {}).unwrap().sound(), "{shorter}");
    }
    let dir = closed_log(100);
    let last = segment_files(dir.path(), 0).pop().unwrap();
    let elsewhere = last.with_file_name("00000000000000000777.log");
    fs::rename(&last, &elsewhere).unwrap();
    let before = fs::read(&elsewhere).unwrap();
    assert!(matches!(open_error(dir.path(), small()), LogError::Damaged { .. }));
    assert_eq!(fs::read(&elsewhere).unwrap(), before);
}

#[test]
fn a_log_without_its_meta_is_refused_when_it_holds_records_and_made_again_when_not() {
    let dir = closed_log(10);
    fs::remove_file(dir.path().join("meta")).unwrap();
    assert!(matches!(open_error(dir.path(), small()), LogError::Damaged { .. }));
    let empty = closed_log(0);
    fs::remove_file(empty.path().join("meta")).unwrap();
    append_to(&mut open(empty.path(), small()), 5, 5);
    let bare = closed_log(10);
    fs::remove_dir_all(bare.path().join("p00")).unwrap();
    assert!(open_error(bare.path(), small()).to_string().contains("p00"));
}

#[test]
fn every_flipped_byte_below_the_durable_offset_is_found() {
    let dir = closed_log(25);
    let files = segment_files(dir.path(), 0);
    assert!(files.len() >= 3);
    for (number, file) in files.iter().enumerate() {
        let original = fs::read(file).unwrap();
        for at in 0..original.len() {
            for mask in [0x01, 0xFF] {
                let mut bytes = original.clone();
                bytes[at] ^= mask;
                fs::write(file, &bytes).unwrap();
                let place = format!("{} byte {at} mask {mask}", file.display());
                if number + 1 == files.len() {
                    assert!(is_damage(&open_error(dir.path(), small())), "{place}");
                } else {
                    assert!(is_damage(&first_error(dir.path())), "{place}");
                }
                match crate::verify(dir.path(), |_| {}) {
                    Ok(report) => assert!(!report.sound(), "{place}"),
                    Err(error) => assert!(is_damage(&error), "{place}"),
                }
                assert_eq!(fs::read(file).unwrap(), bytes, "{place}: nothing is mended");
            }
        }
        fs::write(file, original).unwrap();
    }
    check_content(&mut open(dir.path(), small()));
}

fn is_damage(error: &LogError) -> bool {
    matches!(error, LogError::Damaged { .. })
}

/// The error that opening the log and reading all of it runs into.
fn first_error(dir: &Path) -> LogError {
    let mut log = match EventLog::open(dir, small()) {
        Ok(log) => log.into_partitions().remove(0),
        Err(error) => return error,
    };
    let mut read = RecordBatch::new();
    let mut next = log.start_offset();
    while next < log.end_offset() {
        match log.read(next, 300, &mut read) {
            Ok(after) => check_batch(0, next, after, &read),
            Err(error) => return error,
        }
        next += read.len() as u64;
    }
    panic!("the damage was not found")
}
