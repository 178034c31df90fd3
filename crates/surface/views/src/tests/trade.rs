//! What was sold beside a week earlier, and the calendar of suppliers.

use expect_test::expect_file;
use shelf_domain::{FACT_DAYS, HOUR, Note, Stores, SupplierId, Timestamp};
use shelf_testkit::Shop;

use super::example::{Example, small_chain};
use crate::*;

/// A shop that sold more of a product in its second week than in its first.
fn two_weeks() -> Stores {
    let mut shop = Shop::new("S1");
    shop.store(|settings| settings.name = Note::cut("Centro"))
        .product("P1", |spec| spec.product.price_cents = 100)
        .opening("P1", "L1", "never", 100, 0);
    for (day, units) in [2, 2, 0, 0, 0, 0, 0, 5, 0, 1].into_iter().enumerate() {
        if units > 0 {
            shop.at("10:00").receipt(&format!("C{}", day % 2), &[("P1", units, 100)]);
        }
        shop.next_day();
    }
    shop.at("08:00").clock_to("08:00");
    let mut stores = Stores::default();
    for event in shop.events() {
        let _ = stores.step(&event, &mut shelf_domain::Effects::default());
    }
    stores
}

fn sales(stores: &Stores, by: KpiBy, days: i32) -> SalesView {
    let chain = Chain::new([stores]);
    let today = chain.stores()[0].day();
    let filter = KpiFilter {
        store: None,
        by,
        from_day: today.plus(-days),
        to_day: today.plus(-1),
        sort: None,
        limit: None,
    };
    SalesView::new(&chain, &filter)
}

#[test]
fn sales_stand_beside_those_of_the_same_days_a_week_earlier() {
    let stores = two_weeks();
    // The last three days sold 5 and 1 units; the days a week before 2 and 2.
    let view = sales(&stores, KpiBy::Chain, 3);
    let json = serde_json::to_string_pretty(&view).unwrap() + "\n";
    expect_file!["./snapshots/sales.json"].assert_eq(&json);
    let row = &view.rows[0];
    assert_eq!((row.units.value, row.units.week_before), (6.0, Some(4.0)));
    assert_eq!((row.revenue.value, row.revenue.week_before), (6.0, Some(4.0)));
    assert_eq!(row.transactions.change(), "+0.0 %");
    assert_eq!(row.revenue.change_percent, Some(50.0));
    assert_eq!((row.customers.value, row.customers.week_before), (1.0, Some(2.0)));
    let of_store = sales(&stores, KpiBy::Store, 3);
    assert_eq!((of_store.rows[0].id.as_str(), of_store.rows[0].units), ("S1", row.units));
    let of_category = sales(&stores, KpiBy::Category, 3);
    assert_eq!(of_category.rows[0].units, row.units);
    let of_product = sales(&stores, KpiBy::Product, 3);
    assert_eq!((of_product.rows[0].id.as_str(), of_product.rows[0].units), ("P1", row.units));
    assert_eq!(of_product.total, 1);
    let text = render_sales(&of_product, &super::PLAIN, 100);
    let line = text.lines().find(|line| line.contains("6.00")).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert!(words.windows(4).any(|cells| cells == ["6.00", "4.00", "+50.0", "%"]), "{text}");
    assert!(!text.contains("not all known"), "{text}");
    let unknown = render_sales(&sales(&stores, KpiBy::Chain, 7), &super::PLAIN, 100);
    assert!(unknown.contains(" – ") && unknown.contains("not all known"), "{unknown}");
    // The log does not reach back to all days a week earlier, or products are forgotten.
    for (days, units) in [(7, 6.0), (FACT_DAYS - 7, 10.0)] {
        let unknown = &sales(&stores, KpiBy::Chain, days).rows[0];
        assert_eq!((unknown.units.week_before, unknown.units.change().as_str()), (None, "–"));
        assert_eq!(Some(unknown.units.value), Some(units));
    }
}

#[test]
fn who_bought_is_known_for_longer_than_what_was_sold() {
    let mut shop = Shop::new("S1");
    shop.store(|settings| settings.name = Note::cut("Centro"))
        .product("P1", |spec| spec.product.price_cents = 100)
        .opening("P1", "L1", "never", 100, 0);
    shop.at("10:00").receipt("C1", &[("P1", 2, 100)]);
    for _ in 0..FACT_DAYS + 5 {
        shop.next_day();
        shop.at("10:00").receipt("C1", &[("P1", 1, 100)]);
    }
    let mut stores = Stores::default();
    for event in shop.events() {
        let _ = stores.step(&event, &mut shelf_domain::Effects::default());
    }
    // Twenty-eight days, beside the same that begin 35 days before today.
    for by in [KpiBy::Chain, KpiBy::Store] {
        let row = &sales(&stores, by, 28).rows[0];
        assert_eq!((row.transactions.value, row.transactions.week_before), (28.0, Some(28.0)));
        assert_eq!((row.customers.value, row.customers.week_before), (1.0, Some(1.0)));
        assert_eq!((row.revenue.week_before, row.units.week_before), (None, None));
    }
    let row = &sales(&stores, KpiBy::Category, 28).rows[0];
    assert_eq!((row.transactions.week_before, row.units.week_before), (None, None));
}

#[test]
fn hours_tell_what_they_sold() {
    let mut shop = Shop::new("S1");
    shop.store(|settings| settings.name = Note::cut("Centro"))
        .product("P1", |spec| spec.product.price_cents = 100)
        .opening("P1", "L1", "never", 100, 0)
        .clock_to("10:00");
    shop.at("10:20").receipt("C1", &[("P1", 2, 100)]);
    shop.clock_to("11:00").clock_to("12:00");
    shop.at("12:30").receipt("C2", &[("P1", 3, 100)]);
    shop.clock_to("13:00");
    shop.next_day();
    shop.clock_to("09:00");
    shop.at("09:10").receipt("C1", &[("P1", 1, 100)]);
    shop.clock_to("10:00");
    let (mut stores, mut history) = (Stores::default(), ReadingHistory::default());
    for event in shop.events() {
        let _ = stores.step(&event, &mut shelf_domain::Effects::default());
        history.look(Chain::new([&stores]).stores());
    }
    let chain = Chain::new([&stores]);
    let view = PatternsView::new(&chain, None, &history);
    let sold = view.rows.iter().filter(|row| row.net_cents != 0);
    let sold: Vec<(i32, u8, i64)> =
        sold.map(|row| (row.date.since(view.rows[0].date), row.hour, row.net_cents)).collect();
    assert_eq!(sold, [(0, 10, 200), (0, 12, 300), (1, 9, 100)]);
    assert!(view.rows.is_sorted_by_key(|row| row.start_at));
    let last = view.rows.last().unwrap();
    assert_eq!((last.hour, last.availability_percent), (9, Some(100.0)));
    assert_eq!(view.total, view.rows.len() as u64);
    let text = render_patterns(&view, &super::PLAIN, 100);
    let lines: Vec<Vec<&str>> =
        text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[1], ["day", "09", "10", "11", "12"]);
    assert_eq!((&lines[2][2..], &lines[3][2..]), (&["2", "3"][..], &["1"][..]), "{text}");
    // Before anything was read nothing is known, and a store that is not there has no hours.
    let unread = PatternsView::new(&chain, None, &ReadingHistory::default());
    assert_eq!((unread.total, unread.time_zone.is_some()), (0, true));
    assert!(render_patterns(&unread, &super::PLAIN, 100).contains("No hour of the last week"));
    let other = Some(shelf_domain::StoreId::cut("S2"));
    assert_eq!(PatternsView::new(&chain, other, &history), PatternsView::default());
}

#[test]
fn suppliers_have_a_calendar() {
    let Example { stores, .. } = small_chain();
    let chain = Chain::new([&stores]);
    let view = SuppliersView::new(&chain, None);
    let json = serde_json::to_string_pretty(&view).unwrap() + "\n";
    expect_file!["./snapshots/suppliers.json"].assert_eq(&json);
    // It is Monday, half past two: orders go out on Tuesday at noon and come on Wednesday at six.
    let row = &view.suppliers[0];
    let store = chain.stores()[0];
    let noon = Timestamp(store.now().0 + row.cutoff_in_s.unwrap() * 1_000_000);
    assert_eq!(row.cutoff_at.map(|at| at.0 / 1_000_000), Some(noon.0 / 1_000_000));
    assert_eq!(row.cutoff_in_s.map(|left| left / 3_600), Some(21));
    let delivery = row.delivery_at.unwrap().since(row.cutoff_at.unwrap());
    assert_eq!(delivery, 30 * HOUR);
    assert_eq!((row.supplier, row.cutoffs[1].as_str()), (SupplierId::cut("fresh"), "Tue 12:00"));
    let none = SuppliersView::new(&chain, Some(shelf_domain::StoreId::cut("S2")));
    assert_eq!(none.total, 0);
    assert!(render_suppliers(&none, &super::PLAIN, 120).contains("No store declares a supplier."));
    let text = render_suppliers(&view, &super::PLAIN, 200);
    let next = wording::minute_utc(row.cutoff_at.unwrap());
    let line = text.lines().find(|line| line.contains(&next)).unwrap();
    for told in [row.cutoffs.join(", "), wording::span(row.cutoff_in_s.unwrap())] {
        assert!(line.contains(&told), "{told}: {text}");
    }
    let first = SuppliersView { suppliers: view.suppliers[..1].to_vec(), total: 7 };
    assert!(render_suppliers(&first, &super::PLAIN, 200).contains("1 of 7 shown"));
}
