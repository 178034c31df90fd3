//! `docs/kpis.md` says of each key figure what the core says.

use std::fmt::Write;

use expect_test::expect_file;
use shelf_domain::{FactScope, Kpi};
use shelf_testkit::run;

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
