//! The first page and the report of a day: as JSON, and beside the figures of other screens.

use expect_test::expect_file;
use shelf_domain::{AlertStatus, Day, Effect, FactScope, HOUR, Kpi, StoreId};
use shelf_events::OutputRecord;

use super::example::{Example, small_chain};
use crate::*;

fn view(chain: &Chain<'_>, store: Option<StoreId>, history: &ReadingHistory) -> NowView {
    NowView::new(chain, ClockKind::Simulated, store, history, Rates::default())
}

#[test]
fn now_as_json() {
    let Example { stores, .. } = small_chain();
    let view = view(&Chain::new([&stores]), None, &ReadingHistory::default());
    // The zones have a picture of their own.
    let view = NowView { zones: ZonesView::default(), ..view };
    let json = serde_json::to_string_pretty(&view).unwrap() + "\n";
    expect_file!["./snapshots/now.json"].assert_eq(&json);
}

#[test]
fn every_tile_is_the_figure_of_the_other_screens() {
    let Example { stores, .. } = small_chain();
    let chain = Chain::new([&stores]);
    for asked in [None, Some(StoreId::cut("S1")), Some(StoreId::cut("S2"))] {
        let some = chain.select(asked);
        let totals = StockTotals::new(&some);
        let view = view(&chain, asked, &ReadingHistory::default());
        let tile = |code: &str| view.tiles.iter().find(|tile| tile.code == code).unwrap().value;
        assert_eq!(tile("empty_shelves"), Some(totals.empty_shelves as f64));
        assert_eq!(tile("restocks"), Some(totals.tasks.standing() as f64));
        assert_eq!(tile("expiring"), Some(totals.near_expiry.within_3_days_units as f64));
        assert_eq!(tile("unexplained"), Some(totals.units.unexplained as f64));
        assert_eq!(tile("customers"), Some(totals.customers_present as f64));
        let stocked = totals.shelves - totals.empty_shelves;
        let availability = stocked as f64 * 100.0 / totals.shelves as f64;
        assert_eq!(tile("availability"), Some(availability));
        assert_eq!(view.urgent.by_severity, totals.alerts_standing);
        let mut week = shelf_domain::PeriodFacts::default();
        let (mut waste, mut net) = (0, 0);
        for store in &some {
            week.merge(&store.facts(FactScope::Store, store.day().plus(-6), store.day()));
            let today = store.facts(FactScope::Store, store.day(), store.day());
            waste += today.skus.waste_cents;
            net += today.store.net_cents;
        }
        assert_eq!(tile("waste"), Some(waste as f64 / 100.0));
        let near = |tile: Option<f64>, milli: Option<i64>| match (tile, milli) {
            (Some(tile), Some(milli)) => (tile - milli as f64 / 1_000.0).abs() < 0.001,
            (tile, milli) => tile.is_none() && milli.is_none(),
        };
        assert!(near(tile("fill_rate"), Kpi::FillRate.milli(&week, true)));
        assert!(near(tile("cover"), Kpi::DaysOfCover.milli(&week, true)));
        assert_eq!(tile("forecast_error"), None);
        let cards: i64 = view.stores.iter().map(|card| card.net_today_cents).sum();
        assert!(view.stores.is_empty() || cards == net);
    }
}

#[test]
fn a_figure_stands_beside_that_of_the_same_hour_a_week_ago() {
    let Example { stores, .. } = small_chain();
    let chain = Chain::new([&stores]);
    let now = chain.now().unwrap();
    let mut history = ReadingHistory::default();
    assert_eq!(history.look(chain.stores()), 2);
    assert_eq!(history.look(chain.stores()), 0, "an hour is read once");
    let ids: Vec<StoreId> = chain.stores().iter().map(|store| store.id()).collect();
    let reading = history.before(&ids, now, 0).unwrap();
    assert_eq!(reading.shelves, Reading::of(chain.stores()).shelves);
    assert_eq!(history.week_before(&ids, now), None);
    let later = shelf_domain::Timestamp(now.0 + 7 * 24 * HOUR);
    assert_eq!(history.week_before(&ids, later), Some(reading));
    let one = history.before(&ids[..1], now, 0).unwrap();
    assert_eq!(one.shelves, Reading::of(&chain.stores()[..1]).shelves);
    assert_eq!(history.before(&[ids[0], StoreId::cut("S9")], now, 0), None);
    let tile = &view(&chain, None, &history).tiles[1];
    assert_eq!((tile.change, tile.series.last().copied().flatten()), (None, tile.value));
}

#[test]
fn levels_of_past_hours_are_those_of_the_shelf() {
    let Example { stores, .. } = small_chain();
    let chain = Chain::new([&stores]);
    let mut levels = LevelHistory::default();
    levels.look(chain.stores());
    levels.look(chain.stores());
    for store in chain.stores() {
        for index in store.skus() {
            let shelf = store.shelf(index).unwrap();
            let known = levels.of(store.id(), shelf.sku);
            assert_eq!(known.len(), 1);
            assert_eq!(u32::from(known[0].1.floor_units), shelf.floor_units);
            assert_eq!(u32::from(known[0].1.warehouse_units), shelf.warehouse_units);
        }
    }
}

#[test]
fn a_day_as_a_report() {
    let Example { stores, .. } = small_chain();
    let chain = Chain::new([&stores]);
    let today: Day = chain.stores()[0].day();
    let report = DayReport::new(&chain, None, today, &[]);
    assert_eq!(report.stores.len(), 2);
    let net = |row: &KpiRow| row.figures[Kpi::NetRevenue.code()].unwrap();
    let sum: f64 = report.stores.iter().map(net).sum();
    assert!((net(report.figures.as_ref().unwrap()) - sum).abs() < 0.001);
    assert_eq!(report.week_before, None);
    let nothing = DayReport::new(&Chain::default(), None, today, &[]);
    assert_eq!((nothing.title.as_str(), nothing.figures), ("0 stores", None));
}

#[test]
fn an_end_that_was_taken_back_is_none_in_a_report() {
    let Example { stores, .. } = small_chain();
    let chain = Chain::new([&stores]);
    let store = chain.stores()[0];
    let known = *store.alerts()[0];
    let report = |told: &[AlertStatus]| {
        let effect = |status: &AlertStatus| OutputRecord {
            store: store.id(),
            input_offset: 0,
            index: 0,
            at: store.now(),
            effect: Effect::Alert(shelf_domain::Alert { status: *status, ..known }),
        };
        let effects: Vec<OutputRecord> = told.iter().map(effect).collect();
        let report = DayReport::new(&chain, None, store.day(), &effects);
        report.alerts.iter().map(|row| row.ended).sum::<u64>()
    };
    let (open, over) = (AlertStatus::Acknowledged, AlertStatus::Resolved);
    assert_eq!(report(&[over, open]), 0);
    assert_eq!(report(&[over, open, over]), 1);
}

#[test]
fn the_best_products_are_those_of_the_key_figures() {
    let Example { stores, .. } = small_chain();
    let chain = Chain::new([&stores]);
    let today: Day = chain.stores()[0].day();
    let filter = KpiFilter {
        store: None,
        by: KpiBy::Product,
        from_day: today.plus(-6),
        to_day: today,
        sort: Some(Kpi::NetRevenue),
        limit: Some(3),
    };
    let all = KpisView::new(&chain, &filter).rows;
    let best = best_products(&chain, &filter, |facts| facts.net_cents);
    let sold = |row: &&KpiRow| row.figures[Kpi::NetRevenue.code()].unwrap() > 0.0;
    assert_eq!(best.iter().collect::<Vec<_>>(), all.iter().filter(sold).collect::<Vec<_>>());
    assert!(!best.is_empty());
}
