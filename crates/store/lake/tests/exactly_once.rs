//! Each event is in the lake once, wherever a round of commits was cut off and however often it
//! came again.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the helpers of tests fail like tests"
)]

#[path = "fixture/log.rs"]
mod log;

use log::{check, follow, lake, rows};
use shelf_lake::{FaultKind, FaultPoint, Faults, LakeError, LakeWriter};

/// The rows of a lake that nothing happened to.
async fn straight(days: i64) -> Vec<(String, u64)> {
    let dir = tempfile::tempdir().unwrap();
    let lake = lake(dir.path(), Faults::none());
    follow(lake.clone(), &log::log(days), 64).await.unwrap();
    check(&lake).await;
    rows(&lake).await
}

/// All tables but the one that tells of rounds: how many there are depends on the faults.
fn of_events(rows: &[(String, u64)]) -> Vec<&(String, u64)> {
    rows.iter().filter(|(name, _)| name != LakeWriter::OWN_TABLE).collect()
}

#[tokio::test]
async fn a_lake_holds_what_the_log_says() {
    let rows = straight(3).await;
    let of = |name: &str| rows.iter().find(|(table, _)| table == name).unwrap().1;
    // Two stores, three days, twenty visits a day.
    assert_eq!(of("raw.pos_transactions"), 120);
    assert_eq!(of("raw.pos_lines"), 240);
    assert_eq!(of("raw.foot_traffic"), 240);
    assert_eq!(of("raw.shelf_events"), 120);
    assert_eq!(of("raw.wh_events"), 6);
    assert_eq!(of("raw.price_changes"), 6);
    assert_eq!(of("raw.products"), 4);
    assert_eq!(of("raw.stores"), 2);
    assert_eq!(of("quarantine.events"), 12);
    assert!(of("cleansed.shelf_state") > 100 && of("cleansed.lots") > 100);
}

#[tokio::test]
async fn following_again_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let lake = lake(dir.path(), Faults::none());
    let log = log::log(2);
    let first = follow(lake.clone(), &log, 50).await.unwrap();
    assert_eq!(first.events as usize, log[0].len() + log[1].len());
    let before = rows(&lake).await;
    assert_eq!(follow(lake.clone(), &log, 17).await.unwrap(), shelf_lake::Committed::default());
    assert_eq!(rows(&lake).await, before);
}

#[tokio::test]
async fn a_round_that_is_cut_off_anywhere_comes_once() {
    let expected = straight(2).await;
    let log = log::log(2);
    for point in [FaultPoint::BeforeWrite, FaultPoint::BeforeCommit, FaultPoint::AfterCommit] {
        for nth in [1, 9, 33] {
            let dir = tempfile::tempdir().unwrap();
            let broken = lake(dir.path(), Faults::at(point, nth, FaultKind::Fail));
            let failed = follow(broken.clone(), &log, 64).await;
            assert!(matches!(failed, Err(LakeError::Injected { .. })), "{point:?} {nth}");
            assert!(broken.faults().fired());
            let mended = lake(dir.path(), Faults::none());
            follow(mended.clone(), &log, 40).await.unwrap();
            let rows = rows(&mended).await;
            assert_eq!(of_events(&rows), of_events(&expected), "{point:?} {nth}");
            check(&mended).await;
        }
    }
}

#[tokio::test]
async fn a_table_that_was_removed_is_filled_again() {
    let dir = tempfile::tempdir().unwrap();
    let lake = lake(dir.path(), Faults::none());
    let log = log::log(2);
    follow(lake.clone(), &log, 64).await.unwrap();
    let before = rows(&lake).await;
    let table = shelf_lake::find_table("raw.pos_lines").unwrap();
    std::fs::remove_dir_all(lake.local_folder(table).unwrap()).unwrap();
    // It is filled in several rounds, and one of them is cut off.
    let cut = log::lake(dir.path(), Faults::at(FaultPoint::AfterCommit, 3, FaultKind::Fail));
    assert!(follow(cut, &log, 64).await.is_err());
    follow(lake.clone(), &log, 64).await.unwrap();
    assert_eq!(of_events(&rows(&lake).await), of_events(&before));
    check(&lake).await;
}

#[tokio::test]
async fn a_second_writer_is_told_and_writes_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    let log = log::log(2);
    let one = lake(dir.path(), Faults::none());
    let mut first = LakeWriter::open(one.clone(), 2).await.unwrap();
    follow(one.clone(), &log, 64).await.unwrap();
    let before = rows(&one).await;
    // It opened before the other committed, and has read nothing since.
    let round = shelf_lake::Round { positions: vec![5, 5], ..shelf_lake::Round::default() };
    let told = first.commit(Vec::new(), &round).await;
    assert!(matches!(told, Err(LakeError::InUse { .. })), "{told:?}");
    assert_eq!(of_events(&rows(&one).await), of_events(&before));
}
