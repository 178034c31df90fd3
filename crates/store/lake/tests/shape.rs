//! Tables that an earlier version of the program made, that others have changed, that are kept in
//! shape.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the helpers of tests fail like tests"
)]

#[path = "fixture/log.rs"]
mod log;

use deltalake::arrow::array::RecordBatch;
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake::kernel::{StructField, StructType};
use deltalake::protocol::SaveMode;
use deltalake::{DeltaTable, ensure_table_uri};
use log::{check, follow, lake, rows};
use shelf_domain::{Body, DAY, Event, EventId, HOUR};
use shelf_lake::{Compaction, Faults, Lake, LakeError, LakeWriter, Removal, Table};

fn table(name: &str) -> &'static Table {
    shelf_lake::find_table(name).unwrap()
}

/// The rows of a statement, as text.
async fn sql(lake: &Lake, statement: &str) -> String {
    let session = lake.session().await.unwrap();
    session.sql(statement).await.unwrap().to_string().await.unwrap()
}

/// A table of these columns of ours, as an earlier version of the program would have made it.
async fn make_earlier(lake: &Lake, table: &Table, columns: &[&str]) -> DeltaTable {
    let schema = table.arrow_schema();
    let places: Vec<usize> = columns.iter().map(|name| schema.index_of(name).unwrap()).collect();
    let kernel: StructType = (&schema.project(&places).unwrap()).try_into_kernel().unwrap();
    let fields: Vec<StructField> = kernel.fields().cloned().collect();
    let folder = lake.local_folder(table).unwrap();
    std::fs::create_dir_all(&folder).unwrap();
    let url = ensure_table_uri(folder.to_str().unwrap()).unwrap();
    let unmade = DeltaTable::try_from_url(url).await.unwrap();
    unmade
        .create()
        .with_columns(fields)
        .with_partition_columns(table.partition_columns().iter().copied())
        .with_save_mode(SaveMode::ErrorIfExists)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_table_of_an_earlier_version_is_read_and_widened() {
    let log = log::log(1);
    let newer = tempfile::tempdir().unwrap();
    let full = lake(newer.path(), Faults::none());
    follow(full.clone(), &log, 64).await.unwrap();
    let table = table("raw.customer_events");
    let dir = tempfile::tempdir().unwrap();
    let old = lake(dir.path(), Faults::none());
    // The columns that came later may be missing; here the last one is.
    let columns: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
    let (_, earlier) = columns.split_last().unwrap();
    let earlier: Vec<&str> = earlier.iter().copied().chain([shelf_lake::MONTH_COLUMN]).collect();
    let made = make_earlier(&old, table, &earlier).await;
    let source = shelf_lake_row(table, &earlier);
    let made = made.write(vec![source]).with_save_mode(SaveMode::Append).await.unwrap();
    assert_eq!(made.version(), Some(1));
    follow(old.clone(), &log, 64).await.unwrap();
    let text = sql(&old, "SELECT event_type, sku FROM raw.customer_events").await;
    assert!(text.contains("| view       |     |"), "{text}");
    assert_eq!(old.size(table).await.unwrap().rows, 1);
    check(&old).await;
}

#[tokio::test]
async fn what_a_late_receipt_says_of_a_day_that_has_ended_holds() {
    let mut log = log::log(3);
    let events = &mut log[0];
    let first = events.iter().find(|event| matches!(event.body, Body::Receipt(_))).unwrap().clone();
    // It comes behind the first event of the next day, which ends the day that it is of.
    let next_day = |event: &Event| event.at >= log::START.plus(DAY + HOUR);
    let place = events.iter().position(next_day).unwrap() + 1;
    let received_at = events[place].received_at;
    events.insert(place, Event { id: EventId(u128::MAX), received_at, ..first });
    let dir = tempfile::tempdir().unwrap();
    let lake = lake(dir.path(), Faults::none());
    follow(lake.clone(), &log, 64).await.unwrap();
    let said = |rank: &str| {
        format!(
            "SELECT CAST(value AS DECIMAL(12, 2)) AS net FROM (SELECT value, ROW_NUMBER() OVER \
             (ORDER BY log_offset {rank}) AS place FROM analytics.kpis WHERE store_id = 'R1' \
             AND event_date = DATE '2026-01-30' AND kpi = 'net_revenue') WHERE place = 1"
        )
    };
    let sold = "SELECT CAST(sum(total) AS DECIMAL(12, 2)) AS net FROM raw.pos_lines \
                WHERE store_id = 'R1' AND event_date = DATE '2026-01-30'";
    assert_eq!(sql(&lake, &said("DESC")).await, sql(&lake, sold).await);
    assert_ne!(sql(&lake, &said("ASC")).await, sql(&lake, sold).await);
    check(&lake).await;
}

/// One row of an earlier table: every text is `view`, every number 1.
fn shelf_lake_row(table: &Table, columns: &[&str]) -> RecordBatch {
    use deltalake::arrow::array::{Array, ArrayRef, StringArray, new_null_array};
    use deltalake::arrow::compute::cast;
    let schema = table.arrow_schema();
    let places: Vec<usize> = columns.iter().map(|name| schema.index_of(name).unwrap()).collect();
    let schema = std::sync::Arc::new(schema.project(&places).unwrap());
    let arrays = schema.fields().iter().map(|field| -> ArrayRef {
        let text = match field.data_type() {
            deltalake::arrow::datatypes::DataType::Utf8 => "view",
            deltalake::arrow::datatypes::DataType::Date32 => "2026-01-30",
            deltalake::arrow::datatypes::DataType::Timestamp(..) => "2026-01-30T10:00:00Z",
            _ => "1",
        };
        if field.is_nullable() {
            return new_null_array(field.data_type(), 1);
        }
        cast(&StringArray::from(vec![text]), field.data_type()).unwrap()
    });
    let arrays: Vec<ArrayRef> = arrays.collect();
    assert!(arrays.iter().all(|array| array.len() == 1));
    RecordBatch::try_new(schema, arrays).unwrap()
}

/// Adds a column to a table, as another program does.
async fn add_colour(lake: &Lake, table: &Table) {
    let kernel: StructType =
        (&deltalake::arrow::datatypes::Schema::new(vec![deltalake::arrow::datatypes::Field::new(
            "colour",
            deltalake::arrow::datatypes::DataType::Utf8,
            true,
        )]))
            .try_into_kernel()
            .unwrap();
    let delta = lake.open(table).await.unwrap().unwrap();
    let fields: Vec<StructField> = kernel.fields().cloned().collect();
    delta.add_columns().with_fields(fields).await.unwrap();
}

/// Whether the lake was refused for this.
fn foreign<T>(answer: &Result<T, LakeError>, of: &Table, why: &str) -> bool {
    matches!(answer, Err(LakeError::Foreign { table, what }) if *table == of.full_name()
        && what.contains(why))
}

#[tokio::test]
async fn columns_that_others_added_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let ours = lake(dir.path(), Faults::none());
    follow(ours.clone(), &log::log(1), 64).await.unwrap();
    let changed = table("raw.foot_traffic");
    add_colour(&ours, changed).await;
    let refused = LakeWriter::open(ours, 2, None).await;
    assert!(foreign(&refused, changed, "a column colour that this program lacks"), "{refused:?}");
}

#[tokio::test]
async fn columns_whose_type_others_changed_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let ours = lake(dir.path(), Faults::none());
    follow(ours.clone(), &log::log(1), 64).await.unwrap();
    let changed = table("raw.foot_traffic");
    let folder = ours.local_folder(changed).unwrap().join("_delta_log");
    let entry = |version: u64| folder.join(format!("{version:020}.json"));
    let first = std::fs::read_to_string(entry(0)).unwrap();
    let declared = first.lines().find(|line| line.starts_with("{\"metaData\"")).unwrap();
    let customer = |kind: &str| format!(r#"\"name\":\"customer_id\",\"type\":\"{kind}\""#);
    let other = declared.replace(&customer("string"), &customer("binary"));
    assert_ne!(other, declared);
    let newest = ours.size(changed).await.unwrap().version.unwrap();
    std::fs::write(entry(newest + 1), other + "\n").unwrap();
    let refused = LakeWriter::open(ours, 2, None).await;
    assert!(foreign(&refused, changed, "its column customer_id is Binary"), "{refused:?}");
}

#[tokio::test]
async fn who_has_a_table_open_sees_that_others_added_a_column() {
    let dir = tempfile::tempdir().unwrap();
    let ours = lake(dir.path(), Faults::none());
    follow(ours.clone(), &log::log(1), 64).await.unwrap();
    let mut writer = LakeWriter::open(ours.clone(), 2, None).await.unwrap();
    let before = rows(&ours).await;
    let changed = table(LakeWriter::OWN_TABLE);
    add_colour(&ours, changed).await;
    let round = shelf_lake::Round { positions: vec![900, 900], ..shelf_lake::Round::default() };
    let told = writer.commit(Vec::new(), &round).await;
    assert!(foreign(&told, changed, "a column colour"), "{told:?}");
    assert_eq!(rows(&ours).await, before);
}

/// How long a table keeps the entries of its log, and files that were replaced, in hours.
async fn kept_hours(lake: &Lake, table: &Table) -> [u64; 2] {
    let delta = lake.open(table).await.unwrap().unwrap();
    let told = delta.snapshot().unwrap().table_config();
    [told.log_retention_duration, told.deleted_file_retention_duration]
        .map(|span| span.unwrap().as_secs() / 3_600)
}

#[tokio::test]
async fn tables_keep_their_history_for_as_long_as_is_set() {
    let dir = tempfile::tempdir().unwrap();
    let plain = lake(dir.path(), Faults::none());
    follow(plain.clone(), &log::log(1), 64).await.unwrap();
    let table = table("raw.pos_lines");
    assert_eq!(kept_hours(&plain, table).await, [168, 168]);
    let before = rows(&plain).await;
    for hours in [30, 240] {
        let set = plain.clone().with_history(hours);
        let version = plain.size(table).await.unwrap().version.unwrap();
        for _ in 0..2 {
            LakeWriter::open(set.clone(), 2, None).await.unwrap();
        }
        assert_eq!(kept_hours(&plain, table).await, [u64::from(hours); 2]);
        // Said once.
        assert_eq!(plain.size(table).await.unwrap().version, Some(version + 1));
    }
    assert_eq!(rows(&plain).await, before);
    check(&plain).await;
    // Where it stood is still known.
    let set = plain.with_history(240);
    assert_eq!(follow(set, &log::log(1), 64).await.unwrap().events, 0);
}

#[tokio::test]
async fn others_cannot_remove_rows() {
    let dir = tempfile::tempdir().unwrap();
    let ours = lake(dir.path(), Faults::none());
    follow(ours.clone(), &log::log(1), 64).await.unwrap();
    let delta = ours.open(table("raw.pos_lines")).await.unwrap().unwrap();
    // The table says of itself that rows are only ever added.
    let removed = delta.delete().with_predicate("line_no = 1").await;
    assert!(removed.is_err());
}

#[tokio::test]
async fn compaction_keeps_every_row_and_puts_days_together() {
    let dir = tempfile::tempdir().unwrap();
    let ours = lake(dir.path(), Faults::none());
    let log = log::log(3);
    follow(ours.clone(), &log, 20).await.unwrap();
    let before = rows(&ours).await;
    let lines = table("raw.pos_lines");
    let files = ours.size(lines).await.unwrap().files;
    assert!(files > 3, "{files}");
    for table in shelf_lake::tables() {
        ours.compact(table, Compaction::Whole).await.unwrap();
    }
    assert_eq!(rows(&ours).await, before);
    // January and February.
    assert_eq!(ours.size(lines).await.unwrap().files, 2);
    check(&ours).await;
    let vacuumed = ours.vacuum(lines, 0, Removal::OnlySay).await.unwrap();
    assert_eq!(vacuumed.files.len() as u64, files);
    ours.vacuum(lines, 0, Removal::Remove).await.unwrap();
    check(&ours).await;
    // The positions are still known, so nothing is written again.
    assert_eq!(follow(ours.clone(), &log, 64).await.unwrap().rows, 0);
    for table in shelf_lake::FOLLOWING {
        ours.checkpoint(table).await.unwrap();
    }
    assert_eq!(follow(ours.clone(), &log, 64).await.unwrap().rows, 0);
}

/// What a death leaves in the middle of a removal of files, and of a checkpoint.
#[tokio::test]
async fn half_of_a_vacuum_and_half_of_a_checkpoint_are_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let ours = lake(dir.path(), Faults::none());
    let log = log::log(2);
    follow(ours.clone(), &log, 30).await.unwrap();
    let before = rows(&ours).await;
    let lines = table("raw.pos_lines");
    let folder = ours.local_folder(lines).unwrap();
    ours.compact(lines, Compaction::Whole).await.unwrap();
    let replaced = ours.vacuum(lines, 0, Removal::OnlySay).await.unwrap().files;
    assert!(replaced.len() > 2, "{replaced:?}");
    for file in replaced.iter().step_by(2) {
        std::fs::remove_file(folder.join(file)).unwrap();
    }
    check(&ours).await;
    ours.vacuum(lines, 0, Removal::Remove).await.unwrap();
    assert!(replaced.iter().all(|file| !folder.join(file).exists()), "{replaced:?}");
    check(&ours).await;
    // Until it is whole it has another name, and nothing tells of it.
    ours.checkpoint(lines).await.unwrap();
    let version = ours.size(lines).await.unwrap().version.unwrap();
    let made = folder.join(format!("_delta_log/{version:020}.checkpoint.parquet"));
    let bytes = std::fs::read(&made).unwrap();
    let half = folder.join(format!("_delta_log/{version:020}.checkpoint.parquet#1"));
    std::fs::write(half, &bytes[..bytes.len() / 2]).unwrap();
    std::fs::remove_file(made).unwrap();
    let hint = folder.join("_delta_log/_last_checkpoint");
    if hint.exists() {
        std::fs::remove_file(hint).unwrap();
    }
    assert_eq!(rows(&ours).await, before);
    assert_eq!(follow(ours.clone(), &log, 30).await.unwrap().events, 0);
    ours.checkpoint(lines).await.unwrap();
    check(&ours).await;
}

#[tokio::test]
async fn a_compaction_between_two_rounds_is_no_rival() {
    let dir = tempfile::tempdir().unwrap();
    let ours = lake(dir.path(), Faults::none());
    let log = log::log(2);
    let part: Vec<_> = log.iter().map(|events| events[..60].to_vec()).collect();
    follow(ours.clone(), &part, 20).await.unwrap();
    let mut writer = LakeWriter::open(ours.clone(), 2, None).await.unwrap();
    for table in shelf_lake::FOLLOWING {
        ours.compact(table, Compaction::Whole).await.unwrap();
    }
    // The writer does not know of it, and commits all the same.
    let round = shelf_lake::Round { positions: vec![61, 61], ..shelf_lake::Round::default() };
    let done = writer.commit(Vec::new(), &round).await.unwrap();
    assert_eq!(done.events, 2);
}

#[test]
fn every_table_and_column_says_what_it_is() {
    for table in shelf_lake::tables() {
        let name = table.full_name();
        assert!(table.comment().ends_with('.'), "{name}: {}", table.comment());
        for column in table.columns {
            let comment = column.comment();
            assert!(comment.ends_with('.'), "{name}.{}: {comment}", column.name);
        }
        let named = table.sorted_by.iter().chain(table.key());
        assert!(named.clone().all(|name| table.column(name).is_some()), "{name}");
        assert!(!table.key().is_empty() && !table.sorted_by.is_empty(), "{name}");
    }
    assert_eq!(shelf_lake::tables().count(), 44);
}
