//! Every view over one small chain, as JSON, as text and as the live screen. The pictures are in
//! `tests/snapshots`; `UPDATE_EXPECT=1 cargo test -p shelf-views` draws them anew.

mod example;
mod now;
mod quality;
mod screen;
mod trade;

use expect_test::{ExpectFile, expect, expect_file};
use serde::Serialize;
use shelf_domain::{
    Alert, AlertId, OrderId, OrderStatus, Rule, SECOND, Severity, Sku, Store, StoreId, Timestamp,
    WindowName,
};

use self::example::{Example, small_chain, window_chain};
use crate::*;

const PLAIN: Style = Style { colour: Colour::Off };

fn check(view: &impl Serialize, text: &str, json: &ExpectFile, terminal: &ExpectFile) {
    json.assert_eq(&(serde_json::to_string_pretty(view).unwrap() + "\n"));
    terminal.assert_eq(text);
    for line in text.lines() {
        assert_eq!(line.trim_end(), line, "space at the end of a line");
    }
}

fn centro<'a>(chain: &Chain<'a>) -> &'a Store {
    chain.store(StoreId::cut("S1")).unwrap()
}

/// 2026-01-05 14:00 UTC.
const SAVED_AT: Timestamp = Timestamp(1_767_621_600 * SECOND);

fn host() -> HostFacts {
    let partition = |partition, end: u64, snapshot_position| PartitionFacts {
        partition,
        log_end_offset: end,
        position: end - 2,
        snapshot_position,
        snapshot_saved_at: snapshot_position.map(|_| SAVED_AT),
    };
    let partitions = vec![partition(3, 1_234, Some(1_000)), partition(11, 40, None)];
    HostFacts { clock: ClockKind::Simulated, partitions }
}

#[test]
fn status() {
    let Example { stores, .. } = small_chain();
    let view = StatusView::new(&Chain::new([&stores]), &host());
    check(
        &view,
        &render_status(&view, &PLAIN, 100),
        &expect_file!["./tests/snapshots/status.json"],
        &expect_file!["./tests/snapshots/status.txt"],
    );
    let age_s = |seconds: i64| view.snapshot_age_s(SAVED_AT.plus(seconds * SECOND));
    // A clock that was set back has no snapshot of the future.
    assert_eq!([90, 0, -90].map(age_s), [Some(90), Some(0), Some(0)]);
    assert_eq!(view.partitions[1].snapshot_age_s(SAVED_AT), None);
    assert_eq!([0, 1].map(|at| view.partitions[at].snapshot_lag()), [232, 38]);
    assert!(view.totals.units.conserved());
    assert_eq!(view.store(StoreId::cut("S2")).map(|store| store.name.as_str()), Some("Porto"));
}

#[test]
fn alerts() {
    let Example { stores, .. } = small_chain();
    let view = AlertsView::new(&Chain::new([&stores]), &AlertFilter::default());
    check(
        &view,
        &render_alerts(&view, &PLAIN, 120),
        &expect_file!["./tests/snapshots/alerts.json"],
        &expect_file!["./tests/snapshots/alerts.txt"],
    );
    let narrow = render_alerts(&view, &PLAIN, 80);
    expect_file!["./tests/snapshots/alerts_80.txt"].assert_eq(&narrow);
    let coloured = render_alerts(&view, &Style { colour: Colour::On }, 100);
    expect_file!["./tests/snapshots/alerts_coloured.txt"].assert_eq(&coloured);
}

#[test]
fn alerts_by_filter() {
    let Example { stores, .. } = small_chain();
    let chain = Chain::new([&stores]);
    let numbers = |filter: AlertFilter| {
        let view = AlertsView::new(&chain, &filter);
        let rows = view.alerts.iter().map(|row| format!("{} {}", row.store, row.alert));
        (view.total, rows.collect::<Vec<_>>().join(", "))
    };
    let all = AlertFilter::default();
    let critical = numbers(AlertFilter { severity: Some(Severity::Critical), ..all });
    expect![[r#"(2, "S1 A-20, S2 A-3")"#]].assert_eq(&format!("{critical:?}"));
    let expiring = numbers(AlertFilter { rule: Some(Rule::NearExpiry), ..all });
    expect![[r#"(3, "S1 A-4, S1 A-5, S1 A-9")"#]].assert_eq(&format!("{expiring:?}"));
    let first = numbers(AlertFilter { limit: Some(1), ..all });
    expect![[r#"(22, "S1 A-20")"#]].assert_eq(&format!("{first:?}"));
    // However few are shown, they are the first of all, and all are counted.
    let every = AlertsView::new(&chain, &all);
    for limit in 0..=every.alerts.len() {
        let view = AlertsView::new(&chain, &AlertFilter { limit: Some(limit), ..all });
        assert_eq!((view.total, view.by_severity), (every.total, every.by_severity), "{limit}");
        assert_eq!(view.alerts, every.alerts[..limit], "{limit}");
    }
    let fish = numbers(AlertFilter { sku: Some(Sku::cut("FISALM0001")), ..all });
    expect![[r#"(7, "S1 A-20, S1 A-14, S1 A-16, S1 A-19, S1 A-2, S1 A-4, S1 A-10")"#]]
        .assert_eq(&format!("{fish:?}"));
    let elsewhere = numbers(AlertFilter { store: Some(StoreId::cut("S9")), ..all });
    assert_eq!(elsewhere, (0, String::new()));
}

#[test]
fn an_alert_of_the_whole_store() {
    let Example { stores, .. } = small_chain();
    let chain = Chain::new([&stores]);
    let store = centro(&chain);
    let alert = Alert { sku: None, ..**store.alerts().first().unwrap() };
    let row = AlertRow::new(store, &alert);
    assert_eq!((row.sku, row.subject(), row.category.as_str()), (None, "the store", ""));
    assert_eq!(row.name, store.settings().name.as_str());
    assert_eq!(row.task, None);
    let view = AlertsView { total: 1, alerts: vec![row], ..AlertsView::default() };
    let text = render_alerts(&view, &PLAIN, 100);
    assert!(text.contains(" the store "), "{text}");
    assert_eq!(serde_json::to_value(&view).unwrap()["alerts"][0]["sku"], serde_json::Value::Null);
}

#[test]
fn alert_in_full() {
    let Example { stores, .. } = small_chain();
    let chain = Chain::new([&stores]);
    let empty = centro(&chain).alerts().into_iter().find(|a| a.rule == Rule::ShelfEmpty);
    let view = AlertDetail::new(centro(&chain), empty.unwrap().alert).unwrap();
    check(
        &view,
        &render_alert(&view, &PLAIN, 100),
        &expect_file!["./tests/snapshots/alert.json"],
        &expect_file!["./tests/snapshots/alert.txt"],
    );
    assert_eq!(AlertDetail::new(centro(&chain), AlertId(999)), None);
}

#[test]
fn tasks() {
    let Example { stores, .. } = small_chain();
    let view = TasksView::new(&Chain::new([&stores]), &TaskFilter::default());
    check(
        &view,
        &render_tasks(&view, &PLAIN, 120),
        &expect_file!["./tests/snapshots/tasks.json"],
        &expect_file!["./tests/snapshots/tasks.txt"],
    );
}

#[test]
fn orders() {
    let Example { stores, .. } = small_chain();
    let view = OrdersView::new(&Chain::new([&stores]), &OrderFilter::default());
    check(
        &view,
        &render_orders(&view, &PLAIN, 130),
        &expect_file!["./tests/snapshots/orders.json"],
        &expect_file!["./tests/snapshots/orders.txt"],
    );
}

#[test]
fn order_in_full() {
    let Example { stores, .. } = small_chain();
    let chain = Chain::new([&stores]);
    let sent = centro(&chain).orders().find(|order| order.status == OrderStatus::Sent);
    let view = OrderDetail::new(centro(&chain), sent.unwrap().order).unwrap();
    check(
        &view,
        &render_order(&view, &PLAIN, 100),
        &expect_file!["./tests/snapshots/order.json"],
        &expect_file!["./tests/snapshots/order.txt"],
    );
    assert_eq!(OrderDetail::new(centro(&chain), OrderId(999)), None);
}

#[test]
fn shelves() {
    let Example { stores, .. } = small_chain();
    let chain = Chain::new([&stores]);
    let view = ShelvesView::new(&chain, &ShelfFilter::default());
    check(
        &view,
        &render_shelves(&view, &PLAIN, 150),
        &expect_file!["./tests/snapshots/shelves.json"],
        &expect_file!["./tests/snapshots/shelves.txt"],
    );
    let skus = |filter: ShelfFilter| {
        let rows = ShelvesView::new(&chain, &filter).shelves;
        rows.iter().map(|row| row.sku.to_string()).collect::<Vec<_>>().join(" ")
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(skus(ShelfFilter { category: some("fish"), ..Default::default() }), "FISALM0001");
    assert_eq!(skus(ShelfFilter { text: some("SALM"), ..Default::default() }), "FISALM0001");
    let empty = ShelfFilter { state: Some(ShelfState::Empty), ..Default::default() };
    expect!["FISALM0001 BEVCOL0003"].assert_eq(&skus(empty));
}

#[test]
fn shelf_in_full() {
    let Example { stores, .. } = small_chain();
    let chain = Chain::new([&stores]);
    let store = centro(&chain);
    let view = ShelfDetail::new(store, store.sku(Sku::cut("FISALM0001")).unwrap()).unwrap();
    check(
        &view,
        &render_shelf(&view, &PLAIN, 100),
        &expect_file!["./tests/snapshots/shelf.json"],
        &expect_file!["./tests/snapshots/shelf.txt"],
    );
}

#[test]
fn zones() {
    let Example { stores, .. } = small_chain();
    let view = ZonesView::new(Chain::new([&stores]).stores());
    check(
        &view,
        &render_zones(&view, &PLAIN, 120),
        &expect_file!["./tests/snapshots/zones.json"],
        &expect_file!["./tests/snapshots/zones.txt"],
    );
}

#[test]
fn report() {
    let Example { stores, .. } = small_chain();
    let town = TownTruth { demand_units: 40, lost_units: 3, ..TownTruth::default() };
    let run = RunMeasures {
        seed: 42,
        days: 4,
        events_before: 0,
        wall_s: 0.25,
        peak_rss_bytes: Some(52 << 20),
        town: Some(town),
    };
    let mut view = SimulationReport::new(&Chain::new([&stores]), &run).unwrap();
    assert_eq!(view.state_hash.len(), 32);
    // The hash follows the core's format, which these pictures must not hold still.
    view.state_hash = "0".repeat(32);
    check(
        &view,
        &render_report(&view, &PLAIN, 100),
        &expect_file!["./tests/snapshots/report.json"],
        &expect_file!["./tests/snapshots/report.txt"],
    );
}

#[test]
fn effects() {
    let Example { lines, .. } = small_chain();
    check(
        &lines,
        &render_effects(&lines, &PLAIN),
        &expect_file!["./tests/snapshots/effects.json"],
        &expect_file!["./tests/snapshots/effects.txt"],
    );
}

#[test]
fn window_kinds() {
    let Example { stores, .. } = small_chain();
    let view = WindowKindsView::new(&Chain::new([&stores]), None);
    check(
        &view,
        &render_window_kinds(&view, &PLAIN, 140),
        &expect_file!["./tests/snapshots/window_kinds.json"],
        &expect_file!["./tests/snapshots/window_kinds.txt"],
    );
}

fn recent(chain: &Chain<'_>, name: &str, filter: WindowFilter) -> WindowsView {
    WindowsView::recent(chain, WindowName::cut(name), &filter).unwrap()
}

#[test]
fn windows_of_every_measure() {
    let Example { stores, .. } = window_chain();
    let chain = Chain::new([&stores]);
    let mut text = String::new();
    for name in ["global_30s", "store_1m", "product_5m", "stock_10m", "turnover_30m"] {
        let view = recent(&chain, name, WindowFilter::default());
        text += &[name, "\n", &render_windows(&view, &PLAIN, 150, 50), "\n"].concat();
    }
    expect_file!["./tests/snapshots/windows.txt"].assert_eq(&text);
    let view = recent(&chain, "product_5m", WindowFilter::default());
    let json = serde_json::to_string_pretty(&view).unwrap() + "\n";
    expect_file!["./tests/snapshots/windows.json"].assert_eq(&json);
    let csv = csv_windows(&view);
    assert_eq!(csv.lines().count(), csv.matches("\r\n").count());
    expect_file!["./tests/snapshots/windows.csv"].assert_eq(&csv.replace("\r\n", "\n"));
    let cut = render_windows(&view, &PLAIN, 150, 1);
    assert!(cut.contains("1 of 4 shown"), "{cut}");
}

#[test]
fn windows_of_several_stores_are_one_where_their_scope_is() {
    let Example { stores, results, .. } = window_chain();
    let chain = Chain::new([&stores]);
    let all = recent(&chain, "global_30s", WindowFilter::default());
    let one = |id: &str| {
        let filter = WindowFilter { store: Some(StoreId::cut(id)), ..WindowFilter::default() };
        recent(&chain, "global_30s", filter)
    };
    let sum =
        |view: &WindowsView, of: fn(&WindowLine) -> i64| -> i64 { view.rows.iter().map(of).sum() };
    let net = |row: &WindowLine| row.net_cents.unwrap();
    let people = |row: &WindowLine| row.customers.unwrap() as i64;
    assert_eq!(sum(&all, net), sum(&one("S1"), net) + sum(&one("S2"), net));
    // One customer was in both stores at once.
    assert_eq!(sum(&all, people) + 1, sum(&one("S1"), people) + sum(&one("S2"), people));
    let shelf = recent(&chain, "stock_10m", WindowFilter::default());
    assert!(shelf.rows.iter().all(|row| row.store.is_some() && row.last_units.is_some()));
    let told = |filter: WindowFilter| {
        let results = results.iter().map(|(store, result)| (*store, result));
        WindowsView::told(&chain, WindowName::cut("store_1m"), results, &filter)
    };
    let early = told(WindowFilter::default());
    let ended = told(WindowFilter { stage: StageFilter::Final, ..WindowFilter::default() });
    assert!(ended.rows.len() < early.rows.len() && !ended.rows.is_empty());
    let last = told(WindowFilter { last: Some(1), ..WindowFilter::default() });
    assert_eq!(last.rows.last(), early.rows.last());
    let nothing = Chain::default();
    assert_eq!(WindowsView::recent(&nothing, WindowName::cut("x"), &WindowFilter::default()), None);
    let text = render_windows(&WindowsView::default(), &PLAIN, 80, 9);
    assert!(text.starts_with("No such window"), "{text}");
}

#[test]
fn what_is_empty_says_what_to_do() {
    let chain = Chain::default();
    let status = StatusView::new(&chain, &HostFacts::default());
    let texts = [
        render_status(&status, &PLAIN, 80),
        render_alerts(&AlertsView::new(&chain, &AlertFilter::default()), &PLAIN, 80),
        render_tasks(&TasksView::default(), &PLAIN, 80),
        render_orders(&OrdersView::default(), &PLAIN, 80),
        render_shelves(&ShelvesView::default(), &PLAIN, 80),
        render_zones(&ZonesView::new(&[]), &PLAIN, 80),
        render_window_kinds(&WindowKindsView::default(), &PLAIN, 80),
    ];
    expect_file!["./tests/snapshots/empty.txt"].assert_eq(&texts.join("\n"));
}
