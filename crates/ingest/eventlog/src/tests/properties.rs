//! Whatever happens in whatever order: the log is a prefix of what was appended, at least up to
//! what was durable.

use std::fs;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::format::HEADER_BYTES;

#[derive(Clone, Debug)]
enum Act {
    Append(Vec<Vec<u8>>),
    Sync,
    Reopen,
    Trim {
        share: u8,
    },
    /// The process dies. Of the bytes beyond the durable ones, a share survives, then come
    /// `garbage` bytes that mean nothing.
    Crash {
        share: u8,
        garbage: usize,
    },
}

fn act() -> impl Strategy<Value = Act> {
    let records = vec(vec(any::<u8>(), 0..60), 0..8);
    prop_oneof![
        6 => records.prop_map(Act::Append),
        2 => Just(Act::Sync),
        1 => Just(Act::Reopen),
        1 => any::<u8>().prop_map(|share| Act::Trim { share }),
        3 => (any::<u8>(), 0_usize..30).prop_map(|(share, garbage)| Act::Crash { share, garbage }),
    ]
}

/// Cuts the newest segment somewhere behind its durable bytes.
fn crash(dir: &Path, appended: &[Vec<u8>], durable: Offset, share: u8, garbage: usize) {
    let file = segment_files(dir, 0).pop().unwrap();
    let base: usize = file.file_stem().unwrap().to_str().unwrap().parse().unwrap();
    let kept = &appended[base..durable as usize];
    let mut floor = HEADER_BYTES + kept.iter().map(|record| record.len() + 12).sum::<usize>();
    if kept.is_empty() && base > 0 {
        floor = 0;
    }
    let mut bytes = fs::read(&file).unwrap();
    let cut = floor + (bytes.len() - floor) * usize::from(share) / 255;
    bytes.truncate(cut);
    bytes.extend(vec![0xEE; garbage]);
    fs::write(&file, bytes).unwrap();
}

fn check_against(log: &mut Partition, appended: &[Vec<u8>]) -> Result<(), TestCaseError> {
    let mut read = RecordBatch::new();
    let mut next = log.start_offset();
    while next < log.end_offset() {
        let after = log.read(next, 150, &mut read).unwrap();
        prop_assert_eq!(read.len() as u64, after - next);
        for (found, expected) in read.iter().zip(&appended[next as usize..]) {
            prop_assert_eq!(found, expected.as_slice());
        }
        next = after;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 150,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_interleaving_leaves_a_prefix(acts in vec(act(), 1..40)) {
        let dir = TempDir::new().unwrap();
        let options = LogOptions { segment_bytes: 400, ..small() };
        let mut log = open(dir.path(), options);
        let mut appended: Vec<Vec<u8>> = Vec::new();
        for act in acts {
            match act {
                Act::Append(records) => {
                    let mut batch = RecordBatch::new();
                    for record in &records {
 batch.push(record);
}
                    prop_assert_eq!(log.append(&batch).unwrap(), appended.len() as u64);
                    appended.extend(records);
                }
                Act::Sync => prop_assert_eq!(log.sync().unwrap(), appended.len() as u64),
                Act::Reopen => {
                    drop(log);
                    log = open(dir.path(), options);
                    prop_assert_eq!(log.end_offset(), appended.len() as u64);
                }
                Act::Trim { share } => {
                    let below = log.durable_offset() * u64::from(share) / 255;
                    let start = log.start_offset();
prop_assert!(log.trim(below).unwrap() <= below.max(start));
                }
                Act::Crash { share, garbage } => {
                    let durable = log.durable_offset();
                    let start = log.start_offset();
                    drop(log);
                    crash(dir.path(), &appended, durable, share, garbage);
                    log = open(dir.path(), options);
                    prop_assert!(log.end_offset() >= durable);
                    prop_assert!(log.end_offset() <= appended.len() as u64);
                    prop_assert_eq!(log.start_offset(), start);
                    appended.truncate(log.end_offset() as usize);
                }
            }
            prop_assert_eq!(log.end_offset(), appended.len() as u64);
            check_against(&mut log, &appended)?;
        }
        log.sync().unwrap();
        drop(log);
        let report = crate::verify(dir.path(), |_| {}).unwrap();
        prop_assert!(report.sound(), "{report:?}");
        prop_assert_eq!(report.partitions[0].end, appended.len() as u64);
    }
}
