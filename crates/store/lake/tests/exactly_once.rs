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
use shelf_lake::{FaultKind, FaultPoint, Faults, Lake, LakeError, LakeWriter, Table, Version};

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
    let mut first = LakeWriter::open(one.clone(), 2, None).await.unwrap();
    follow(one.clone(), &log, 64).await.unwrap();
    let before = rows(&one).await;
    // It opened before the other committed, and has read nothing since.
    let round = shelf_lake::Round { positions: vec![5, 5], ..shelf_lake::Round::default() };
    let told = first.commit(Vec::new(), &round).await;
    assert!(matches!(told, Err(LakeError::InUse { .. })), "{told:?}");
    assert_eq!(of_events(&rows(&one).await), of_events(&before));
}

#[tokio::test]
async fn a_lake_is_that_of_the_first_chain_that_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let lake = lake(dir.path(), Faults::none());
    // An earlier version of the program noted no chain.
    follow(lake.clone(), &log::log(1), 64).await.unwrap();
    let mut first = LakeWriter::open(lake.clone(), 2, Some("first")).await.unwrap();
    let round = shelf_lake::Round { positions: vec![900, 900], ..shelf_lake::Round::default() };
    first.commit(Vec::new(), &round).await.unwrap();
    let before = rows(&lake).await;
    let other = LakeWriter::open(lake.clone(), 2, Some("second")).await;
    let own = LakeWriter::OWN_TABLE;
    assert!(matches!(&other, Err(LakeError::OtherChain { table }) if table == own), "{other:?}");
    let checked = lake.check_chain(Some("second")).await;
    assert!(matches!(checked, Err(LakeError::OtherChain { .. })), "{checked:?}");
    assert_eq!(rows(&lake).await, before);
    for name in [Some("first"), None] {
        let again = LakeWriter::open(lake.clone(), 2, name).await.unwrap();
        assert_eq!(again.positions().highest(2), [900, 900]);
    }
}

#[tokio::test]
async fn who_has_a_table_open_sees_that_it_was_removed_and_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let lake = lake(dir.path(), Faults::none());
    let log = log::log(2);
    let part: Vec<_> = log.iter().map(|events| events[..60].to_vec()).collect();
    follow(lake.clone(), &part, 64).await.unwrap();
    let table = shelf_lake::find_table("raw.pos_lines").unwrap();
    let reading = shelf_lake::Reading::of(table);
    let rows_read = async || match reading.newest(&lake).await.unwrap() {
        Some(snapshot) => snapshot.rows().await.unwrap(),
        None => None,
    };
    let before = rows_read().await;
    assert!(before > Some(0));
    let mut writer = LakeWriter::open(lake.clone(), 2, None).await.unwrap();
    let own = shelf_lake::find_table(LakeWriter::OWN_TABLE).unwrap();
    for removed in [table, own] {
        std::fs::remove_dir_all(lake.local_folder(removed).unwrap()).unwrap();
    }
    assert_eq!(rows_read().await, None);
    let round = shelf_lake::Round { positions: vec![61, 61], ..shelf_lake::Round::default() };
    let told = writer.commit(Vec::new(), &round).await;
    assert!(matches!(&told, Err(error @ LakeError::Removed { .. }) if error.passing()), "{told:?}");
    assert!(!lake.local_folder(own).unwrap().exists(), "nothing is written in its place");
    follow(lake.clone(), &part, 64).await.unwrap();
    assert_eq!(rows_read().await, before);
    follow(lake.clone(), &log, 64).await.unwrap();
    assert!(rows_read().await > before);
}

/// 2026-01-01T00:00:00Z, in hours.
const NEW_YEAR: u64 = 490_896;

/// Sets the time at which each entry of a table's log was written.
fn written_at(lake: &Lake, table: &Table, hours: &[u64]) {
    let folder = lake.local_folder(table).unwrap().join("_delta_log");
    for (number, hour) in hours.iter().enumerate() {
        let file = std::fs::File::open(folder.join(format!("{number:020}.json"))).unwrap();
        let at = std::time::UNIX_EPOCH + std::time::Duration::from_hours(NEW_YEAR + hour);
        file.set_modified(at).unwrap();
    }
}

#[tokio::test]
async fn a_time_means_the_version_of_then_and_none_that_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let lake = lake(dir.path(), Faults::none());
    follow(lake.clone(), &log::log(2), 40).await.unwrap();
    let table = shelf_lake::find_table("raw.pos_lines").unwrap();
    let reading = shelf_lake::Reading::of(table);
    let rows_at = async |hour: u64| -> Result<Option<usize>, String> {
        let hours = (NEW_YEAR + hour) as i64;
        let at = Version::At(shelf_domain::Timestamp(hours * shelf_domain::HOUR));
        let found = reading.version(&lake, at).await.map_err(|error| error.to_string())?;
        Ok(found.rows().await.unwrap())
    };
    // A clock was put back between the third and the fourth entry.
    written_at(&lake, table, &[10, 20, 30, 15, 40]);
    let of = async |number: u64| {
        let found = reading.version(&lake, Version::Number(number)).await.unwrap();
        found.rows().await.unwrap()
    };
    assert_eq!(rows_at(10).await, Ok(Some(0)));
    assert_eq!(rows_at(25).await, Ok(of(1).await));
    assert_eq!(rows_at(35).await, Ok(of(3).await));
    assert!(of(3).await > of(1).await);
    // Before it was made it had no row.
    assert_eq!(rows_at(9).await, Ok(Some(0)));
    lake.checkpoint(table).await.unwrap();
    let folder = lake.local_folder(table).unwrap().join("_delta_log");
    std::fs::remove_file(folder.join(format!("{:020}.json", 0))).unwrap();
    let gone = rows_at(15).await.unwrap_err();
    assert!(gone.contains("the oldest version that is kept is of 2026-01-01T20:00:00Z"), "{gone}");
}
