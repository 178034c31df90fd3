//! `docs/kpis.md` says of each key figure what the core says.

use std::fmt::Write;

use expect_test::expect_file;
use shelf_domain::{
    BasisPoints, FactScope, Kpi, LotCode, MarkdownSchedule, ReceiptLine, Sku, price_after,
};
use shelf_testkit::{Both, Shop, run};

const HEAD: &str = "\
# Key figures

`shelf kpi` shows them, for the chain, each store, category, product or day. Each is worked out \
from the sums of days
that the core keeps (`crates/core/domain/src/facts.rs`), so a figure of several stores, products \
or days is never made
from other figures. Days are those of the store's own clock; a late event counts on the day on \
which it happened.
Products and categories are kept for 31 days, stores for 800. What is not known is `null`.

This page is made from `crates/core/domain/src/kpi.rs`.

| figure | unit | formula | from |
|---|---|---|---|
";

#[test]
fn the_page_is_current() {
    let mut page = HEAD.to_owned();
    for kpi in Kpi::ALL {
        let (code, unit) = (kpi.code(), kpi.unit().code());
        // A text takes every line.
        let _ = writeln!(page, "| `{code}` | {unit} | {} | {} |", kpi.formula(), kpi.source());
    }
    expect_file!["../../../../docs/kpis.md"].assert_eq(&page);
}

#[test]
fn the_revenue_of_an_hour_counts_the_hours_of_the_present_day() {
    let both = run("product MILK shelf 40
        stock MILK lot L1 floor 40
        08:00 c1 pays 10 MILK at 2.00
        09:00 clock");
    let store = both.store();
    let facts = store.facts(FactScope::Store, store.day(), store.day());
    // 20.00 in the two hours since seven, in thousandths of a cent.
    assert_eq!(Kpi::RevenuePerHour.milli(&facts, true), Some(1_000_000));
}

#[test]
fn what_a_cut_in_price_did_is_told_from_receipts_that_name_the_lot() {
    let (half, tenth) = (BasisPoints::percent(50), BasisPoints::percent(10));
    let mut shop = Shop::new("S001");
    shop.policy("P", |policy| {
        let mut steps = MarkdownSchedule::NONE.steps;
        steps[0] = (1, half);
        policy.markdown = Some(MarkdownSchedule { steps });
    });
    shop.product("MILK", |spec| spec.product.price_cents = 200);
    shop.opening("MILK", "L1", "2026-01-02", 20, 0);
    let lot = Some(LotCode::cut("L1"));
    let lines = [
        (4, half, lot),
        // Nobody knows which units this customer bought, and the next two paid more.
        (3, half, None),
        (2, BasisPoints::ZERO, lot),
        (1, tenth, lot),
    ];
    for (units, discount, lot) in lines {
        let unit_price_cents = 200;
        let total_cents = price_after(unit_price_cents, BasisPoints::ZERO, discount);
        let total_cents = total_cents * i64::from(units);
        let sku = Sku::cut("MILK");
        let line = ReceiptLine { sku, units, unit_price_cents, discount, total_cents, lot };
        shop.at("09:00").receipt_of("C1", vec![line]);
    }
    shop.next_day().clock().next_day().clock();
    let both = Both::of(&shop.events());
    let store = both.store();
    let facts = store.facts(FactScope::Store, store.day().plus(-5), store.day()).skus;
    assert_eq!((facts.sold, facts.lot_sold, facts.reduced_sold), (10, 7, 4));
    assert_eq!((facts.reduced_gross_cents, facts.reduced_net_cents), (800, 400));
    assert_eq!((facts.wasted, facts.reduced_expired), (10, 10));
    let sold = store.facts(FactScope::Store, store.day().plus(-2), store.day().plus(-2)).skus;
    assert_eq!((sold.reduced_sold, sold.reduced_expired), (4, 0), "each on its day");
}
