//! What a verification reports.

use super::*;
use crate::PartitionReport;
use crate::format::HEADER_BYTES;

#[test]
fn a_whole_log_is_reported_in_figures() {
    let dir = closed_log(50);
    let mut log = open(dir.path(), small());
    let start = log.trim(20).unwrap();
    drop(log);
    let files = segment_files(dir.path(), 0);
    let bytes = files.iter().map(|file| std::fs::metadata(file).unwrap().len()).sum();
    let mut seen = Vec::new();
    let report = crate::verify(dir.path(), |progress| seen.push(progress.bytes)).unwrap();
    assert!(report.sound());
    let expected = PartitionReport {
        partition: 0,
        segments: files.len() as u64,
        records: 50 - start,
        bytes,
        start,
        end: 50,
        durable: Some(50),
        tail_bytes: 0,
        damage: None,
    };
    assert_eq!(report.partitions, [expected]);
    assert_eq!((seen.len(), seen.last()), (files.len(), Some(&bytes)));
}

#[test]
fn the_first_damage_is_named_and_other_partitions_are_still_read() {
    let dir = TempDir::new().unwrap();
    let options = LogOptions { partitions: 2, ..small() };
    for mut log in EventLog::open(dir.path(), options).unwrap().into_partitions() {
        append_to(&mut log, 40, 4);
        log.sync().unwrap();
    }
    let file = segment_files(dir.path(), 0).remove(1);
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[50] ^= 4;
    std::fs::write(&file, bytes).unwrap();
    let report = crate::verify(dir.path(), |_| {}).unwrap();
    let damage = report.partitions[0].damage.as_ref().unwrap();
    assert_eq!((&damage.path, damage.at), (&file, HEADER_BYTES as u64));
    assert_eq!((report.partitions[1].records, report.partitions[1].damage.as_ref()), (40, None));
}

#[test]
fn a_log_that_is_being_written_can_be_verified() {
    let dir = TempDir::new().unwrap();
    let mut log = open(dir.path(), small());
    append_to(&mut log, 40, 4);
    log.sync().unwrap();
    append_to(&mut log, 43, 3);
    let report = crate::verify(dir.path(), |_| {}).unwrap();
    assert!(report.sound(), "{report:?}");
    assert_eq!(report.partitions[0].end, 43);
}
