//! The star schema: built bit by bit it is what a build of all days makes, and its tests find what
//! is wrong with it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the helpers of tests fail like tests"
)]

#[path = "fixture/log.rs"]
mod log;

use std::path::Path;
use std::sync::Arc;

use deltalake::arrow::datatypes::DataType;
use deltalake::datafusion::datasource::MemTable;
use log::{check, follow, lake};
use shelf_domain::{Body, DAY, Day, Event, EventId, HOUR, MINUTE, PriceChange, Sku};
use shelf_lake::{
    Compaction, Days, FaultKind, FaultPoint, Faults, Lake, LakeWriter, STAR_TESTS, VIEWS,
};

const TABLES: [&str; 9] = [
    "dim_product",
    "dim_store",
    "dim_category",
    "dim_date",
    "fact_sales",
    "fact_inventory",
    "fact_deliveries",
    "fact_alerts",
    "fact_waste",
];

/// The rows of each table of the star, as text, in an order of their own.
async fn star(lake: &Lake) -> Vec<(&'static str, Vec<String>)> {
    let session = lake.session().await.unwrap();
    let mut all = Vec::new();
    for table in TABLES {
        let rows = session.sql(&format!("SELECT * FROM curated.{table}")).await.unwrap();
        let text = rows.to_string().await.unwrap();
        // Borders and spaces follow from the longest value, which is that of any order.
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        all.push((table, lines));
    }
    all
}

async fn build(lake: &Lake, days: Days) -> Vec<(String, Option<String>, Option<String>)> {
    let positions = LakeWriter::open(lake.clone(), 2, None).await.unwrap().positions();
    let built = lake.build(days, &positions).await.unwrap();
    built.into_iter().map(|built| (built.table, built.from, built.to)).collect()
}

/// A log of four days, and what comes late to its first store.
fn late() -> (Vec<Vec<Event>>, Vec<Vec<Event>>) {
    let whole = log::log(4);
    let events = &whole[0];
    let receipt = events.iter().find(|event| matches!(event.body, Body::Receipt(_))).unwrap();
    let received_at = events.last().unwrap().received_at;
    let again = Event { id: EventId(u128::MAX), received_at, ..receipt.clone() };
    // Before the last receipts of the day before the last one, which are in the facts by then.
    let change = PriceChange { sku: Sku::cut("APPLE"), price_cents: 999, ..PriceChange::default() };
    let at = log::START.plus(2 * DAY + 16 * HOUR + 5 * MINUTE);
    let price =
        Event { id: EventId(u128::MAX - 1), at, body: Body::Price(change), ..again.clone() };
    let before: Vec<Vec<Event>> = whole
        .iter()
        .map(|events| {
            let last = |event: &&Event| event.at < log::START.plus(3 * DAY);
            events.iter().take_while(last).cloned().collect()
        })
        .collect();
    let mut after = before.clone();
    after[0].extend([again, price]);
    (before, after)
}

#[tokio::test]
async fn what_comes_late_has_its_days_built_again() {
    let (before, after) = late();
    let dir = tempfile::tempdir().unwrap();
    let lake = lake(dir.path(), Faults::none());
    follow(lake.clone(), &before, 64).await.unwrap();
    build(&lake, Days::Stale).await;
    let first = star(&lake).await;
    let nothing = build(&lake, Days::Stale).await;
    assert!(nothing.iter().all(|(table, ..)| !table.contains("fact_")), "{nothing:?}");
    follow(lake.clone(), &after, 64).await.unwrap();
    let again = build(&lake, Days::Stale).await;
    let days = |name: &str| -> Vec<(String, String)> {
        let of = again.iter().filter(|(table, ..)| table == name);
        of.map(|(_, from, to)| (from.clone().unwrap(), to.clone().unwrap())).collect()
    };
    // The receipt is of the first day, and the price holds from the third on.
    let day = |day: &str| (day.to_owned(), day.to_owned());
    assert_eq!(days("curated.fact_sales"), [day("2026-01-30"), day("2026-02-01")]);
    let by_bits = star(&lake).await;
    assert_ne!(by_bits, first);
    let (from, to) = (Day((log::START.0 / DAY) as i32), Day((log::START.0 / DAY) as i32 + 9));
    build(&lake, Days::Between(from, to)).await;
    for (bits, whole) in by_bits.iter().zip(star(&lake).await) {
        assert_eq!(bits.1, whole.1, "{}", bits.0);
    }
    let fresh = tempfile::tempdir().unwrap();
    let other = log::lake(fresh.path(), Faults::none());
    follow(other.clone(), &after, 200).await.unwrap();
    build(&other, Days::Stale).await;
    for (bits, whole) in by_bits.iter().zip(star(&other).await) {
        assert_eq!(bits.1, whole.1, "{}", bits.0);
    }
    check(&lake).await;
    for (name, broken) in lake.test_star().await.unwrap() {
        assert_eq!(broken, 0, "{name}");
    }
}

/// A build that is cut off between two spans of days leaves the second one stale.
#[tokio::test]
async fn a_build_that_is_cut_off_goes_on() {
    let (before, after) = late();
    let dir = tempfile::tempdir().unwrap();
    let plain = lake(dir.path(), Faults::none());
    follow(plain.clone(), &before, 64).await.unwrap();
    build(&plain, Days::Stale).await;
    follow(plain.clone(), &after, 64).await.unwrap();
    // Eight dimensions, the first span of the sales; the next one is the second.
    let broken = lake(dir.path(), Faults::at(FaultPoint::InBuild, 10, FaultKind::Fail));
    let positions = LakeWriter::open(plain.clone(), 2, None).await.unwrap().positions();
    assert!(broken.build(Days::Stale, &positions).await.is_err() && broken.faults().fired());
    build(&plain, Days::Stale).await;
    let fresh = tempfile::tempdir().unwrap();
    let other = log::lake(fresh.path(), Faults::none());
    follow(other.clone(), &after, 200).await.unwrap();
    build(&other, Days::Stale).await;
    for (bits, whole) in star(&plain).await.iter().zip(star(&other).await) {
        assert_eq!(bits.1, whole.1, "{}", bits.0);
    }
}

/// A shop that sells every other day: each of its days is built by itself, and leaves a file.
#[tokio::test]
async fn facts_that_are_built_day_by_day_come_to_few_files() {
    let before = log::log(1);
    let receipt = before[0].iter().find(|event| matches!(event.body, Body::Receipt(_)));
    let receipt = receipt.unwrap().clone();
    let sales = (1..=124_i64).map(|nth| {
        let at = receipt.at.plus(2 * nth * DAY);
        let id = EventId(u128::MAX - nth.unsigned_abs() as u128);
        Event { id, at, received_at: at.plus(7), ..receipt.clone() }
    });
    let mut after = before.clone();
    after[0].extend(sales);
    let dir = tempfile::tempdir().unwrap();
    let lake = lake(dir.path(), Faults::none());
    follow(lake.clone(), &before, 200).await.unwrap();
    build(&lake, Days::Stale).await;
    follow(lake.clone(), &after, 200).await.unwrap();
    let spans = build(&lake, Days::Stale).await;
    let of_sales = spans.iter().filter(|(table, ..)| table == "curated.fact_sales");
    assert_eq!(of_sales.count(), 124);
    let table = shelf_lake::find_table("curated.fact_sales").unwrap();
    let files = async || lake.size(table).await.unwrap().files;
    assert!(files().await > 120, "{}", files().await);
    let rows = star(&lake).await;
    lake.compact_all(Compaction::WhenDue).await.unwrap();
    // One for each month from January to October.
    assert!(files().await <= 10, "{}", files().await);
    for (compacted, before) in star(&lake).await.iter().zip(&rows) {
        assert_eq!(compacted.1, before.1, "{}", before.0);
    }
    check(&lake).await;
    // What has been built is still known.
    let nothing = build(&lake, Days::Stale).await;
    assert!(nothing.iter().all(|(table, ..)| !table.contains("fact_")), "{nothing:?}");
}

/// The name that SQL has for a type.
fn sql_type(of: &DataType) -> &'static str {
    match of {
        DataType::Utf8 | DataType::Utf8View => "text",
        DataType::Int32 => "integer",
        DataType::Int64 | DataType::UInt64 => "bigint",
        DataType::Float64 => "double precision",
        DataType::Boolean => "boolean",
        DataType::Date32 => "date",
        DataType::Timestamp(..) => "timestamp with time zone",
        DataType::Decimal128(..) => "numeric",
        _ => "another",
    }
}

#[tokio::test]
async fn every_column_of_a_view_is_named_and_says_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let lake = lake(dir.path(), Faults::none());
    follow(lake.clone(), &log::log(2), 200).await.unwrap();
    build(&lake, Days::Stale).await;
    let session = lake.session().await.unwrap();
    for view in VIEWS {
        let shown = session.sql(view.sql).await.unwrap();
        let fields = shown.schema().fields().iter();
        let columns: Vec<(&str, &str)> =
            fields.map(|field| (field.name().as_str(), sql_type(field.data_type()))).collect();
        let named = view.columns();
        let named: Vec<_> = named.iter().map(|column| (column.name, column.sql_type)).collect();
        assert_eq!(named, columns, "{}", view.name);
        for column in view.columns() {
            let comment = column.comment;
            assert!(comment.ends_with('.'), "{}.{}: {comment}", view.name, column.name);
        }
        assert!(view.comment().ends_with('.'), "{}", view.comment());
        // Those that follow may read it.
        session.register_table(format!("curated.{}", view.name), shown.into_view()).unwrap();
    }
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, target).unwrap();
        }
    }
}

/// The fixture was written by a version of the program whose products had no dates of validity.
#[tokio::test]
async fn a_table_that_an_earlier_program_wrote_is_read_and_built_on() {
    let dir = tempfile::tempdir().unwrap();
    let lake = lake(dir.path(), Faults::none());
    let table = shelf_lake::find_table("curated.dim_product").unwrap();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixture");
    copy(&fixture.join("dim_product_without_dates"), &lake.local_folder(table).unwrap());
    let products = async |columns: &str| {
        let session = lake.session().await.unwrap();
        let sql = format!("SELECT {columns} FROM curated.dim_product");
        session.sql(&sql).await.unwrap().to_string().await.unwrap()
    };
    let earlier = products("sku, price, current").await;
    assert!(earlier.contains("| APPLE | 1.20  | true    |"), "{earlier}");
    let reading = shelf_lake::Reading::of(table);
    let rows = |snapshot: shelf_lake::Snapshot| async move { snapshot.rows().await.unwrap() };
    assert_eq!(rows(reading.newest(&lake).await.unwrap().unwrap()).await, Some(1));
    follow(lake.clone(), &log::log(3), 64).await.unwrap();
    build(&lake, Days::Stale).await;
    let now = products("count(*) AS rows, count(valid_from_date) AS dated").await;
    assert!(now.contains("| 8    | 8     |"), "{now}");
    let then = reading.version(&lake, shelf_lake::Version::Number(1)).await.unwrap();
    assert_eq!(rows(then).await, Some(1));
    check(&lake).await;
}

/// What breaks each test: a table, and what stands in its place.
const BROKEN: [(&str, &str, &str); 14] = [
    ("dates_are_known", "curated.dim_date", "* FROM curated.dim_date WHERE day_of_month <> 31"),
    ("products_are_known", "curated.dim_product", "* FROM curated.dim_product WHERE sku <> 'MILK'"),
    ("stores_are_known", "curated.dim_store", "* FROM curated.dim_store WHERE store_id <> 'R2'"),
    (
        "other_dimensions_are_known",
        "curated.dim_category",
        "* FROM curated.dim_category WHERE category <> 'Fruit'",
    ),
    (
        "product_history_has_no_gap_and_no_overlap",
        "curated.dim_product",
        "* FROM curated.dim_product WHERE NOT current",
    ),
    (
        "sales_add_up_to_receipts",
        "curated.fact_sales",
        "* FROM curated.fact_sales WHERE receipt_id <> 'R1-0-0'",
    ),
    (
        "sales_add_up_to_receipts",
        "curated.fact_sales",
        "* REPLACE (revenue + 0.01 AS revenue) FROM curated.fact_sales",
    ),
    (
        "inventory_is_conserved",
        "curated.fact_inventory",
        "* REPLACE (close_units + 1 AS close_units) FROM curated.fact_inventory",
    ),
    (
        "a_day_opens_as_the_day_before_closed",
        "curated.fact_inventory",
        "* REPLACE (open_units + 1 AS open_units) FROM curated.fact_inventory",
    ),
    (
        "deliveries_add_up_to_warehouse_events",
        "curated.fact_deliveries",
        "* FROM curated.fact_deliveries WHERE store_id <> 'R2'",
    ),
    (
        "alerts_are_all_there",
        "curated.fact_alerts",
        "* FROM curated.fact_alerts WHERE store_id <> 'R1'",
    ),
    (
        "waste_adds_up_to_removals",
        "curated.fact_waste",
        "* REPLACE (units + 1 AS units) FROM curated.fact_waste",
    ),
    (
        "values_are_in_their_range",
        "curated.fact_inventory",
        "* REPLACE (-1 AS close_units) FROM curated.fact_inventory",
    ),
    (
        "values_are_in_their_range",
        "curated.fact_waste",
        "* REPLACE ('eaten' AS cause) FROM curated.fact_waste",
    ),
];

#[tokio::test]
async fn every_test_of_the_star_finds_what_it_is_for() {
    let dir = tempfile::tempdir().unwrap();
    let lake = lake(dir.path(), Faults::none());
    follow(lake.clone(), &log::log(4), 64).await.unwrap();
    build(&lake, Days::Stale).await;
    for test in STAR_TESTS {
        let broken: Vec<_> = BROKEN.iter().filter(|(name, ..)| *name == test.name).collect();
        assert!(!broken.is_empty(), "nothing breaks {}", test.name);
        for (_, table, instead) in broken {
            let session = lake.session().await.unwrap();
            let count = async || session.sql(test.sql).await.unwrap().count().await.unwrap();
            assert_eq!(count().await, 0, "{}", test.name);
            let rows = session.sql(&format!("SELECT {instead}")).await.unwrap();
            let schema = Arc::clone(rows.schema().inner());
            let rows = rows.collect().await.unwrap();
            let mem = MemTable::try_new(schema, vec![rows]).unwrap();
            session.deregister_table(*table).unwrap();
            session.register_table(*table, Arc::new(mem)).unwrap();
            assert!(count().await > 0, "{} does not see: {instead}", test.name);
        }
    }
}
