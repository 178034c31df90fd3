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
    // A day that no row is of is left out by what files say of themselves.
    let none = "SELECT count(*) FROM raw.pos_lines WHERE event_date < '2000-01-01'";
    assert_eq!(one(&place, none), "0");
    let explained = ask(&place, &format!("EXPLAIN ANALYZE {none}")).out;
    let (_, counted) = explained.split_once("row_groups_pruned_statistics=").unwrap();
    let counts: Vec<u64> = counted
        .split([',', ']'])
        .next()
        .unwrap()
        .split(|other: char| !other.is_ascii_digit())
        .filter_map(|number| number.parse().ok())
        .collect();
    assert!(counts.len() == 2 && counts[0] > 0 && counts[1] == 0, "{counts:?}: {explained}");
}

/// Dimensions say how many rows they have, so that lines of receipts are summed up before they are
/// joined, and a whole dimension tells the scan nothing.
#[test]
fn lines_are_summed_up_before_they_are_joined() {
    let place = Place::simulated();
    place.ok("lake follow --until-caught-up");
    place.ok("lake build");
    let by_category = "SELECT c.category, sum(s.revenue) AS revenue, count(*) AS lines, \
                       max(c.category_key) AS key FROM curated.fact_sales s \
                       JOIN curated.dim_category c ON c.category_key = s.category_key \
                       GROUP BY c.category ORDER BY c.category";
    let plan = ask(&place, &format!("EXPLAIN {by_category}")).out;
    assert_eq!(plan.matches("Aggregate: groupBy").count(), 2, "{plan}");
    assert!(!plan.contains("DynamicFilter"), "{plan}");
    // A key that is worked out is none that the rule knows: joined line by line.
    let one_by_one = by_category.replace("= s.category_key", "= s.category_key + 0");
    let plain = ask(&place, &format!("EXPLAIN {one_by_one}")).out;
    assert_eq!(plain.matches("Aggregate: groupBy").count(), 1, "{plain}");
    let answer = ask(&place, by_category);
    assert_eq!((answer.code, &answer.out), (0, &ask(&place, &one_by_one).out));
    assert!(answer.out.lines().count() > 20, "{answer:?}");
}

/// The state of a past moment, from change rows of the lake and from the log, is the same.
#[test]
fn a_past_moment_is_the_same_from_change_rows_and_from_the_log() {
    let place = Place::new();
    place.ok("simulate --days 2 --seed 5");
    place.ok("lake follow --until-caught-up");
    let day = one(&place, "SELECT min(event_date) FROM raw.pos_lines");
    let then = format!("{day} 15:30:00");
    let last = |table: &str, columns: &str| {
        one(
            &place,
            &format!(
                "SELECT {columns} FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY store_id, sku \
                 ORDER BY log_offset DESC) AS newest FROM cleansed.{table} \
                 WHERE valid_from <= TIMESTAMP '{then}') WHERE newest = 1"
            ),
        )
    };
    let live = |what: &str, table: &str| {
        one(&place, &format!("SELECT {what} FROM live.{table} AS OF '{then}'"))
    };
    assert_eq!(
        last("shelf_state", "sum(floor_units), sum(cart_units)"),
        live("sum(floor_units), sum(cart_units)", "stores")
    );
    assert_eq!(
        last(
            "product_total_state",
            "sum(received_units), sum(sold_units) - sum(returned_units), sum(removed_units)"
        ),
        live("sum(received_units), sum(sold_units), sum(removed_units)", "stores")
    );
    assert_ne!(
        live("sum(sold_units)", "stores"),
        one(&place, "SELECT sum(sold_units) FROM live.stores")
    );
}
