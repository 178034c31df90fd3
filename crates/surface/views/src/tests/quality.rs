//! The quality of the small chain, and what each check says when something is the matter.

use std::collections::BTreeMap;

use expect_test::expect_file;
use shelf_domain::{Body, Effects, ReceiptLine, SourceId, StoreId, Stores, Timestamp};
use shelf_testkit::Shop;
use shelf_testkit::builders::receipt_line;

use super::{PLAIN, check, example::small_chain};
use crate::*;

fn facts(now: Timestamp) -> QualityFacts {
    let sources = BTreeMap::from([(SourceId(1), "socket".to_owned())]);
    QualityFacts { now, sources, ..QualityFacts::default() }
}

fn stores_of(shops: &[&Shop]) -> Stores {
    let mut stores = Stores::default();
    for event in shops.iter().flat_map(|shop| shop.events()) {
        let _ = stores.step(&event, &mut Effects::default());
    }
    stores
}

/// The rows of a check: of what, state and value.
fn rows(view: &QualityView, check: &str) -> Vec<String> {
    let rows = view.checks.iter().filter(|row| row.check == check);
    rows.map(|row| {
        let state = row.state.map_or("null", CheckState::code);
        format!("{} {state} {:?} {:?}", row.subject(), row.value, row.names)
    })
    .collect()
}

/// A shop with apples and pears that was open since seven, with a sale at ten.
fn shop() -> Shop {
    let mut shop = Shop::new("S1");
    shop.product("APPLE", |_| {}).product("PEAR", |_| {});
    shop.opening("APPLE", "L1", "never", 50, 0).opening("PEAR", "L2", "never", 50, 0);
    shop.at("10:00").entry("C1").pickup("C1", "APPLE", 2).receipt("C1", &[("APPLE", 2, 100)]);
    shop
}

fn after(shop: &Shop, seconds: i64) -> Timestamp {
    shop.now().plus(seconds * shelf_domain::SECOND)
}

#[test]
fn quality() {
    let stores = small_chain().stores;
    let times =
        LatencyTimes { count: 3, p50_us: 900, p95_us: 4_200, p99_us: 81_000, max_us: 90_000 };
    let since = Chain::new([&stores]).now().unwrap();
    let applied = AppliedFacts { since, times: BTreeMap::from([("pos".to_owned(), times)]) };
    let facts =
        QualityFacts { clock: ClockKind::Simulated, applied: Some(applied), ..facts(since) };
    let view = QualityView::new(&[&stores], &facts);
    check(
        &view,
        &render_quality(&view, &PLAIN, 120),
        &expect_file!["./snapshots/quality.json"],
        &expect_file!["./snapshots/quality.txt"],
    );
    let only = QualityFacts { store: Some(StoreId::cut("S2")), ..facts };
    let view = QualityView::new(&[&stores], &only);
    expect_file!["./snapshots/quality_store.txt"].assert_eq(&render_quality(&view, &PLAIN, 120));
    assert!(view.checks.iter().all(|row| row.store == Some(StoreId::cut("S2"))));
}

#[test]
fn data_that_is_stale_warns_and_then_fails_while_the_store_is_open() {
    let shop = shop();
    let stores = stores_of(&[&shop]);
    let pos = |seconds| {
        let view = QualityView::new(&[&stores], &facts(after(&shop, seconds)));
        rows(&view, "freshness").into_iter().find(|row| row.contains(" pos ")).unwrap()
    };
    assert_eq!(pos(300), "S1 pos ok Some(Whole(300)) []");
    assert_eq!(pos(301), "S1 pos warn Some(Whole(301)) []");
    assert_eq!(pos(3_001), "S1 pos fail Some(Whole(3001)) []");
    // At eleven at night it is closed; a minute after it has opened nothing had to come.
    assert_eq!(pos(13 * 3_600), "S1 pos null Some(Whole(46800)) []");
    assert_eq!(pos(21 * 3_600 + 60), "S1 pos ok Some(Whole(75660)) []");
    assert_eq!(pos(21 * 3_600 + 301), "S1 pos warn Some(Whole(75901)) []");
}

#[test]
fn stores_and_products_that_are_silent_are_named() {
    let (first, mut second) = (shop(), Shop::new("S2"));
    second.product("PLUM", |_| {}).at("11:30").entry("C9");
    let stores = stores_of(&[&first, &second]);
    let at = |seconds| QualityView::new(&[&stores], &facts(after(&first, seconds)));
    assert_eq!(rows(&at(3_600), "silent_stores"), ["all ok Some(Whole(0)) []"]);
    assert_eq!(rows(&at(3_601), "silent_stores"), [r#"all warn Some(Whole(1)) ["S1"]"#]);
    assert_eq!(rows(&at(10_000), "silent_stores"), [r#"all fail Some(Whole(2)) ["S1", "S2"]"#]);
    assert_eq!(rows(&at(13 * 3_600), "silent_stores"), ["all null None []"]);
    let days = |days: i64| rows(&at(days * 86_400), "silent_products").swap_remove(0);
    assert_eq!(days(6), "S1 ok Some(Whole(0)) []");
    // The pears were never heard of: since their stock came a week has passed first.
    let pears = rows(&at(7 * 86_400 - 60), "silent_products").swap_remove(0);
    assert_eq!(pears, r#"S1 fail Some(Whole(1)) ["PEAR"]"#);
    assert_eq!(days(8), r#"S1 fail Some(Whole(2)) ["APPLE", "PEAR"]"#);
}

#[test]
fn a_receipt_that_does_not_agree_with_itself_is_counted_and_accepted() {
    let mut shop = shop();
    let wrong = ReceiptLine { total_cents: 202, ..receipt_line("APPLE", 2, 100, None) };
    let near = ReceiptLine { total_cents: 201, ..wrong };
    let negative = ReceiptLine { total_cents: -200, ..wrong };
    shop.receipt_of("C1", vec![wrong, near, negative]);
    let stores = stores_of(&[&shop]);
    let view = QualityView::new(&[&stores], &facts(after(&shop, 1)));
    assert_eq!(rows(&view, "line_totals"), ["S1 fail Some(Whole(2)) []"]);
    assert_eq!(rows(&view, "negative_totals"), ["S1 fail Some(Whole(1)) []"]);
    let windows = ["S1 global_30s ok Some(Whole(0)) []", "S1 store_1m ok Some(Whole(0)) []"];
    assert_eq!(rows(&view, "window_revenue"), windows);
    assert_eq!(stores.get(StoreId::cut("S1")).unwrap().stats().receipts, 2);
}

#[test]
fn what_is_not_measured_is_null() {
    let view = QualityView::new(&[&Stores::default()], &facts(Timestamp(0)));
    let known: Vec<_> = view.checks.iter().filter(|row| row.value.is_some()).collect();
    assert_eq!(known.iter().map(|row| row.check).collect::<Vec<_>>(), ["negative_lines"]);
    assert!(view.intake.is_empty() && view.latency.is_empty() && view.applied_since.is_none());
    let json = serde_json::to_value(&view).unwrap();
    assert!(json["checks"][1]["value"].is_null() && json["applied_since"].is_null());
}

#[test]
fn a_source_that_sends_too_much_again_is_told() {
    let mut shop = shop();
    shop.again().again();
    let stores = stores_of(&[&shop]);
    let view = QualityView::new(&[&stores], &facts(after(&shop, 1)));
    assert_eq!(rows(&view, "duplicates"), ["- fail Some(Percent(15.38)) []"]);
    let by = |by| {
        let facts = QualityFacts { by, ..facts(after(&shop, 1)) };
        let rows = QualityView::new(&[&stores], &facts).intake;
        rows.iter().map(|row| row.received).sum::<u64>()
    };
    let all = shop.events().len() as u64;
    assert_eq!([IntakeBy::Source, IntakeBy::Stream, IntakeBy::Store].map(by), [all; 3]);
}

#[test]
fn more_names_than_are_listed_are_counted() {
    let mut shop = Shop::new("S1");
    for number in 0..MAX_NAMES + 3 {
        let sku = format!("SKU{number:04}");
        shop.product(&sku, |_| {}).opening(&sku, "L", "never", 5, 0);
    }
    shop.at("10:00").event(Body::Clock);
    let stores = stores_of(&[&shop]);
    let view = QualityView::new(&[&stores], &facts(after(&shop, 8 * 86_400)));
    let row = view.checks.iter().find(|row| row.check == "silent_products").unwrap();
    assert_eq!((row.names.len(), row.more_names), (MAX_NAMES, 3));
    assert!(render_quality(&view, &PLAIN, 120).contains("SKU0019 and 3 more"));
}

#[test]
fn quality_history() {
    let row = QualityChangeRow {
        at: Timestamp(1_767_600_000_000_000),
        check: "freshness".to_owned(),
        store: Some("S1".to_owned()),
        stream: Some("pos".to_owned()),
        source: None,
        window: None,
        from: None,
        to: Some("warn".to_owned()),
        value: Some(400.0),
    };
    let back = QualityChangeRow { from: row.to.clone(), to: Some("ok".to_owned()), ..row.clone() };
    let view = QualityHistory { total: 3, changes: vec![row, back] };
    check(
        &view,
        &render_quality_history(&view, &PLAIN, 100),
        &expect_file!["./snapshots/quality_history.json"],
        &expect_file!["./snapshots/quality_history.txt"],
    );
    let none = render_quality_history(&QualityHistory::default(), &PLAIN, 100);
    assert!(none.starts_with("No check has changed its state."));
}
