//! SQL over the lake: equal to the live state, in versions, and through its views.

use crate::program::{Place, Ran};

fn ask(place: &Place, statement: &str) -> Ran {
    Ran::of(place.command("sql --format csv").arg(statement), b"")
}

fn one(place: &Place, statement: &str) -> String {
    let ran = ask(place, statement);
    assert_eq!(ran.code, 0, "{statement}: {ran:?}");
    let rows: Vec<&str> = ran.out.lines().skip(1).collect();
    assert_eq!(rows.len(), 1, "{statement}: {ran:?}");
    rows[0].to_owned()
}

#[test]
fn the_lake_adds_up_to_the_live_state() {
    let place = Place::simulated();
    // Tables that have not been made are empty, and known by name.
    assert_eq!(one(&place, "SELECT count(*) FROM raw.pos_lines"), "0");
    place.ok("lake follow --until-caught-up");
    place.ok("lake build");
    let receipts = one(&place, "SELECT sum(receipts) FROM live.stores");
    assert_ne!(receipts, "0");
    assert_eq!(one(&place, "SELECT count(*) FROM raw.pos_transactions"), receipts);
    // Counted from the files, and not from what their log says of them.
    let counted = "SELECT count(DISTINCT (store_id, receipt_id)) FROM raw.pos_transactions";
    assert_eq!(one(&place, counted), receipts);
    let sold = "SELECT (SELECT sum(sold_units) FROM live.stores) - \
                (SELECT sum(units) FROM raw.pos_lines)";
    assert_eq!(one(&place, sold), "0");
    let then = "SELECT count(*) FROM raw.pos_transactions AS OF VERSION 0";
    assert_eq!(one(&place, then), "0");
    ask(&place, "SELECT * FROM raw.pos_lines AS OF VERSION 999").failed(2, "sql_no_moment");
    let view = "SELECT count(*) > 0 FROM curated.current_inventory";
    assert_eq!(one(&place, view), "true");
    assert_eq!(one(&place, "SELECT count(*) > 0 FROM daily_sales_summary"), "true");
    let pruned = ask(&place, "SELECT count(*) FROM raw.pos_lines WHERE event_date < '2000-01-01'");
    assert!(pruned.out.ends_with("\n0\n"), "{pruned:?}");
}
