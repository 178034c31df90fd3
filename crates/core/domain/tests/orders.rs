//! Supplier orders, told as stories: the calendar, what is ordered and why, and what comes of it.
//!
//! The calendar is that of the reference: cut-offs on Sunday, Tuesday and Thursday at noon,
//! deliveries on Monday, Wednesday and Friday at 08:00, 20 hours later. 2026-01-01 is a Thursday.

use expect_test::{Expect, expect};
use shelf_testkit::life::tell_reason;
use shelf_testkit::{check_lines, run};

const FARM: &str = "supplier FARM cutoffs sun 12:00 tue 12:00 thu 12:00 \
    deliveries mon 08:00 wed 08:00 fri 08:00 lead 20h";

/// Sells 10 a day; 26 units are there, on a shelf of 20 with a warehouse for 200.
fn shop(product: &str, rest: &str) -> String {
    format!(
        "product MILK warehouse 200 pack 6 cost 0.50 supplier FARM daily 10 {product}
         {FARM}
         stock MILK lot L1 floor 16 warehouse 10\n{rest}"
    )
}

#[allow(clippy::needless_pass_by_value)] // As `expect![..]` is given.
#[track_caller]
fn check_reason(story: &str, expected: Expect) {
    let both = run(story);
    let order = both.store().orders().last();
    let lines: Vec<String> = order
        .into_iter()
        .flat_map(|order| &order.lines)
        .map(|line| format!("{} {}: {}\n", line.units, line.sku, tell_reason(&line.reason)))
        .collect();
    expected.assert_eq(&lines.concat());
}

#[test]
fn an_order_is_proposed_an_hour_before_the_cut_off_and_sent_at_it() {
    check_lines(
        &["O-"],
        &shop(
            "",
            "10:59:59 clock\n11:00 clock\n12:00 clock\n2026-01-02 08:00 delivery 54 MILK lot L2",
        ),
        expect![[r"
            01-01 11:00 O-1 FARM draft, by 01-01 12:00 for 01-02 08:00: 48 MILK
            01-01 12:00 O-1 FARM sent, by 01-01 12:00 for 01-02 08:00: 48 MILK
            01-02 08:00 O-1 FARM received, by 01-01 12:00 for 01-02 08:00: 48 MILK (54 came)
        "]],
    );
}

#[test]
fn what_is_ordered_is_explained_step_by_step() {
    check_reason(
        &shop("", "11:00 clock"),
        expect![[r#"
            48 MILK: 10 a day for 4.875 days: need 49, safety 11, standing 10
            usable 26, arriving 0, room 190, pack 6
        "#]],
    );
}

#[test]
fn the_calendar_goes_by_the_stores_own_time_when_clocks_change() {
    let story = |date: &str, clock: &str, rest: &str| {
        format!(
            "day {date}\nstore clock {clock}
             product MILK warehouse 200 supplier FARM daily 10\n{FARM}
             stock MILK lot L1 floor 16 warehouse 10\n{rest}"
        )
    };
    check_lines(
        &["O-"],
        &story("2026-03-28", "+1h then +2h from 2026-03-29 01:00", "2026-03-29 12:00 clock"),
        expect![[r"
            03-29 11:00 O-1 FARM draft, by 03-29 12:00 for 03-30 08:00: 18 MILK
            03-29 12:00 O-1 FARM sent, by 03-29 12:00 for 03-30 08:00: 18 MILK
        "]],
    );
    check_lines(
        &["O-"],
        &story("2026-10-24", "+2h then +1h from 2026-10-25 01:00", "2026-10-25 12:00 clock"),
        expect![[r"
            10-25 11:00 O-1 FARM draft, by 10-25 12:00 for 10-26 08:00: 18 MILK
            10-25 12:00 O-1 FARM sent, by 10-25 12:00 for 10-26 08:00: 18 MILK
        "]],
    );
}

#[test]
fn each_cut_off_has_its_delivery() {
    check_lines(
        &[" sent"],
        &shop(
            "",
            "2026-01-02 08:00 delivery 48 MILK lot L2
             2026-01-03 09:00 remove 50 MILK from warehouse
             2026-01-04 13:00 clock
             2026-01-05 08:00 delivery 36 MILK lot L3
             2026-01-05 09:00 remove 40 MILK from warehouse
             2026-01-06 13:00 clock
             2026-01-08 13:00 clock",
        ),
        expect![[r#"
            01-01 12:00 O-1 FARM sent, by 01-01 12:00 for 01-02 08:00: 48 MILK
            01-04 12:00 O-2 FARM sent, by 01-04 12:00 for 01-05 08:00: 12 MILK
            01-06 12:00 O-3 FARM sent, by 01-06 12:00 for 01-07 08:00: 12 MILK
            01-08 12:00 O-4 FARM sent, by 01-08 12:00 for 01-09 08:00: 6 MILK
        "#]],
    );
}

#[test]
fn a_person_changes_approves_and_cancels_a_draft() {
    check_lines(
        &["O-", "quarantine"],
        &shop(
            "",
            "11:10 Ann changes O-1 MILK to 30
             11:11 Ann changes O-1 SALT to 30
             11:12 Ann changes O-1 MILK to 2000000
             11:20 Ann approves O-1
             12:01 Ann changes O-1 MILK to 60
             12:02 Ann cancels O-1 the supplier is on strike
             12:03 Ann cancels O-1",
        ),
        expect![[r"
            01-01 11:00 O-1 FARM draft, by 01-01 12:00 for 01-02 08:00: 48 MILK
            01-01 11:10 O-1 FARM draft, by 01-01 12:00 for 01-02 08:00: 30 MILK
            01-01 11:11 quarantine: unknown_product
            01-01 11:12 quarantine: too_many_units
            01-01 11:20 O-1 FARM approved, by 01-01 12:00 for 01-02 08:00: 30 MILK
            01-01 12:00 O-1 FARM sent, by 01-01 12:00 for 01-02 08:00: 30 MILK
            01-01 12:01 quarantine: wrong_state
            01-01 12:02 O-1 FARM cancelled, by 01-01 12:00 for 01-02 08:00: 30 MILK
            01-01 12:03 quarantine: unknown_order
        "]],
    );
    check_lines(
        &["O-"],
        &shop("", "11:10 Ann cancels O-1\n12:30 clock"),
        expect![[r"
            01-01 11:00 O-1 FARM draft, by 01-01 12:00 for 01-02 08:00: 48 MILK
            01-01 11:10 O-1 FARM cancelled, by 01-01 12:00 for 01-02 08:00: 48 MILK
        "]],
    );
    check_lines(
        &["O-"],
        &shop("", "11:10 Ann changes O-1 MILK to 0\n12:30 clock"),
        expect![[r"
            01-01 11:00 O-1 FARM draft, by 01-01 12:00 for 01-02 08:00: 48 MILK
            01-01 11:10 O-1 FARM draft, by 01-01 12:00 for 01-02 08:00: 0 MILK
            01-01 12:00 O-1 FARM cancelled, by 01-01 12:00 for 01-02 08:00: nothing
        "]],
    );
}

#[test]
fn where_persons_approve_only_what_they_approved_is_sent() {
    let by_person = |rest: &str| format!("store by-person\n{}", shop("", rest));
    check_lines(
        &["O-"],
        &by_person("12:00 clock"),
        expect![[r"
            01-01 11:00 O-1 FARM draft, by 01-01 12:00 for 01-02 08:00: 48 MILK
            01-01 12:00 O-1 FARM cancelled, by 01-01 12:00 for 01-02 08:00: 48 MILK
        "]],
    );
    check_lines(
        &["O-"],
        &by_person("11:30 Ann approves O-1\n12:00 clock"),
        expect![[r"
            01-01 11:00 O-1 FARM draft, by 01-01 12:00 for 01-02 08:00: 48 MILK
            01-01 11:30 O-1 FARM approved, by 01-01 12:00 for 01-02 08:00: 48 MILK
            01-01 12:00 O-1 FARM sent, by 01-01 12:00 for 01-02 08:00: 48 MILK
        "]],
    );
}

#[test]
fn packs_are_rounded_in_the_direction_of_the_policy() {
    let units = |rounding: &str, reorder: u32| {
        let policy = format!("policy P rounding {rounding} reorder {reorder}\n11:00 clock");
        run(&shop("", &policy)).store().orders().next().map(|order| order.lines[0].units)
    };
    // 44 are lacking, or 45: seven packs of six and a third, or a half.
    assert_eq!(
        ["up", "nearest", "down"].map(|rounding| units(rounding, 10)),
        [48, 42, 42].map(Some)
    );
    assert_eq!(
        ["up", "nearest", "down"].map(|rounding| units(rounding, 11)),
        [48, 48, 42].map(Some)
    );
}

#[test]
fn an_order_below_the_suppliers_minimum_is_not_sent() {
    let least =
        |cents: &str| shop("", "").replace("lead 20h", &format!("lead 20h minimum {cents}"));
    check_lines(
        &["O-"],
        &format!("{} 12:00 clock", least("100.00")),
        expect![[r"
            01-01 11:00 O-1 FARM draft, by 01-01 12:00 for 01-02 08:00: 48 MILK
            01-01 12:00 O-1 FARM cancelled, by 01-01 12:00 for 01-02 08:00: 48 MILK
        "]],
    );
    check_lines(
        &["O-"],
        &format!("{} 12:00 clock", least("10.00")),
        expect![[r"
            01-01 11:00 O-1 FARM draft, by 01-01 12:00 for 01-02 08:00: 48 MILK
            01-01 12:00 O-1 FARM sent, by 01-01 12:00 for 01-02 08:00: 48 MILK
        "]],
    );
}

#[test]
fn an_order_never_exceeds_the_room() {
    check_reason(
        &shop("", "")
            .replace("warehouse 200", "warehouse 30")
            .replace("floor 16 warehouse 10", "floor 16 warehouse 10\n11:00 clock"),
        expect![[r#"
            18 MILK: 10 a day for 4.875 days: need 49, safety 11, standing 6
            usable 26, arriving 0, room 20, pack 6
        "#]],
    );
}

#[test]
fn stock_that_expires_before_it_is_sold_does_not_count() {
    check_reason(
        &shop("", "stock MILK lot SOON expires 2026-01-02 warehouse 60\n11:00 clock"),
        expect![[r#"
            24 MILK: 10 a day for 4.875 days: need 49, safety 11, standing 10
            usable 46, arriving 0, room 130, pack 6
        "#]],
    );
    check_reason(
        &shop("", "stock MILK lot LATE expires 2026-02-02 warehouse 12\n11:00 clock"),
        expect![[r#"
            36 MILK: 10 a day for 4.875 days: need 49, safety 11, standing 10
            usable 38, arriving 0, room 178, pack 6
        "#]],
    );
}

#[test]
fn of_what_does_not_keep_no_more_is_ordered_than_sells_in_its_life() {
    check_reason(
        &shop("life 3d", "count 0 MILK in warehouse")
            .replace("count", "08:00 count")
            .replace("in warehouse", "in warehouse\n08:01 count 3 MILK on floor\n11:00 clock"),
        expect![[r#"
            18 MILK: 10 a day for 4.875 days: need 49, safety 11, standing 10, at most 20 would sell
            usable 3, arriving 0, room 200, pack 6
        "#]],
    );
}

#[test]
fn what_is_arriving_in_time_is_not_ordered_again() {
    // Every order comes five days after its cut-off: that of Thursday is still under way on Sunday.
    let rest = "2026-01-03 09:00 clock\npolicy P reorder 130\n2026-01-04 11:00 clock";
    let slow = shop("", rest).replace("lead 20h", "lead 120h");
    check_reason(
        &slow,
        expect![[r#"
            30 MILK: 4.001 a day for 8.875 days: need 36, safety 9, standing 130
            usable 26, arriving 120, room 70, pack 6
        "#]],
    );
    check_reason(
        &shop("", "2026-01-04 11:00 clock"),
        expect![[r#"
            6 MILK: 4.001 a day for 3.875 days: need 16, safety 6, standing 10
            usable 26, arriving 0, room 190, pack 6
        "#]],
    );
    check_lines(
        &["O-"],
        &shop("", "2026-01-04 12:00 clock"),
        expect![[r#"
            01-01 11:00 O-1 FARM draft, by 01-01 12:00 for 01-02 08:00: 48 MILK
            01-01 12:00 O-1 FARM sent, by 01-01 12:00 for 01-02 08:00: 48 MILK
            01-04 11:00 O-2 FARM draft, by 01-04 12:00 for 01-05 08:00: 6 MILK
            01-04 12:00 O-2 FARM sent, by 01-04 12:00 for 01-05 08:00: 6 MILK
        "#]],
    );
}

#[test]
fn cover_days_are_added_by_policy() {
    check_reason(
        &shop("", "policy P cover 3d\n11:00 clock"),
        expect![[r#"
            66 MILK: 10 a day for 6.875 days: need 69, safety 12, standing 10
            usable 26, arriving 0, room 190, pack 6
        "#]],
    );
    check_reason(
        &shop("", "policy P reorder 50\n11:00 clock"),
        expect![[r#"
            84 MILK: 10 a day for 4.875 days: need 49, safety 11, standing 50
            usable 26, arriving 0, room 190, pack 6
        "#]],
    );
}

/// The order of Thursday, to come on Friday at 08:00.
fn ordered(rest: &str) -> String {
    shop("", &format!("11:00 clock\n12:00 clock\n{rest}"))
}

#[test]
fn a_delivery_may_come_over_short_late_or_not_at_all() {
    let words = ["O-", "delivery_discrepancy"];
    check_lines(
        &words,
        &ordered("2026-01-02 08:00 delivery 60 MILK lot L2"),
        expect![[r"
            01-01 11:00 O-1 FARM draft, by 01-01 12:00 for 01-02 08:00: 48 MILK
            01-01 12:00 O-1 FARM sent, by 01-01 12:00 for 01-02 08:00: 48 MILK
            01-02 08:00 A-1 delivery_discrepancy MILK open, info: 70 of 200, limit 12
            01-02 08:00 O-1 FARM received, by 01-01 12:00 for 01-02 08:00: 48 MILK (60 came)
        "]],
    );
    check_lines(
        &words,
        &ordered(
            "2026-01-02 08:00 delivery 20 MILK lot L2 for O-1\n2026-01-03 07:59 clock
            2026-01-03 08:00 clock\n2026-01-03 10:00 delivery 10 MILK lot L2 for O-1
            2026-01-03 11:00 delivery 500 MILK lot L3 for O-9\n2026-01-05 08:00 clock",
        ),
        expect![[r#"
            01-01 11:00 O-1 FARM draft, by 01-01 12:00 for 01-02 08:00: 48 MILK
            01-01 12:00 O-1 FARM sent, by 01-01 12:00 for 01-02 08:00: 48 MILK
            01-02 10:00 A-1 delivery_discrepancy MILK open, info: 30 of 200, limit 28
            01-05 08:00 O-1 FARM received, by 01-01 12:00 for 01-02 08:00: 48 MILK (30 came)
        "#]],
    );
    check_lines(
        &words,
        &ordered("2026-01-03 08:00 clock\n2026-01-03 09:00 delivery 48 MILK lot L2 for O-1"),
        expect![[r#"
            01-01 11:00 O-1 FARM draft, by 01-01 12:00 for 01-02 08:00: 48 MILK
            01-01 12:00 O-1 FARM sent, by 01-01 12:00 for 01-02 08:00: 48 MILK
            01-02 10:00 A-1 delivery_discrepancy MILK open, info: 10 of 200, limit 48
            01-03 09:00 A-1 delivery_discrepancy MILK resolved
            01-03 09:00 O-1 FARM received, by 01-01 12:00 for 01-02 08:00: 48 MILK (48 came)
        "#]],
    );
}

#[test]
fn what_lacks_of_a_short_delivery_is_ordered_at_the_next_cut_off() {
    // 48 were ordered for Friday, and 12 came. Ten a day are sold.
    let short = "2026-01-02 08:00 delivery 12 MILK lot L2 for O-1
         09:00 wh_out 12 MILK\n09:10 refill 12 MILK
         20:00 c1 pays 10 MILK at 1.00
         2026-01-02 20:00 c1 pays 10 MILK at 1.00
         2026-01-03 20:00 c1 pays 10 MILK at 1.00\n";
    check_lines(
        &["O-"],
        &ordered(&format!("{short} 2026-01-04 12:00 clock")),
        expect![[r#"
        01-01 11:00 O-1 FARM draft, by 01-01 12:00 for 01-02 08:00: 48 MILK
        01-01 12:00 O-1 FARM sent, by 01-01 12:00 for 01-02 08:00: 48 MILK
        01-04 11:00 O-2 FARM draft, by 01-04 12:00 for 01-05 08:00: 54 MILK
        01-04 12:00 O-2 FARM sent, by 01-04 12:00 for 01-05 08:00: 54 MILK
    "#]],
    );
    check_reason(
        &ordered(&format!("{short} 2026-01-04 11:00 clock")),
        expect![[r#"
        54 MILK: 10.307 a day for 3.875 days: need 40, safety 9, standing 10
        usable 10, arriving 0, room 200, pack 6
    "#]],
    );
}

#[test]
fn a_late_delivery_is_told_two_hours_after_its_time_and_ends_when_it_comes() {
    let words = ["O-1", "delivery_discrepancy"];
    let comes = |time: &str| ordered(&format!("{time} delivery 48 MILK lot L2 for O-1"));
    check_lines(
        &words,
        &comes("2026-01-02 09:00"),
        expect![[r#"
        01-01 11:00 O-1 FARM draft, by 01-01 12:00 for 01-02 08:00: 48 MILK
        01-01 12:00 O-1 FARM sent, by 01-01 12:00 for 01-02 08:00: 48 MILK
        01-02 09:00 O-1 FARM received, by 01-01 12:00 for 01-02 08:00: 48 MILK (48 came)
    "#]],
    );
    check_lines(
        &words,
        &comes("2026-01-03 07:00"),
        expect![[r#"
        01-01 11:00 O-1 FARM draft, by 01-01 12:00 for 01-02 08:00: 48 MILK
        01-01 12:00 O-1 FARM sent, by 01-01 12:00 for 01-02 08:00: 48 MILK
        01-02 10:00 A-1 delivery_discrepancy MILK open, info: 10 of 200, limit 48
        01-03 07:00 A-1 delivery_discrepancy MILK resolved
        01-03 07:00 O-1 FARM received, by 01-01 12:00 for 01-02 08:00: 48 MILK (48 came)
    "#]],
    );
}

#[test]
fn an_order_that_never_came_ends_as_cancelled() {
    check_lines(
        &["O-1", "delivery_discrepancy"],
        &ordered("2026-01-05 08:00 clock"),
        expect![[r#"
            01-01 11:00 O-1 FARM draft, by 01-01 12:00 for 01-02 08:00: 48 MILK
            01-01 12:00 O-1 FARM sent, by 01-01 12:00 for 01-02 08:00: 48 MILK
            01-02 10:00 A-1 delivery_discrepancy MILK open, info: 10 of 200, limit 48
            01-05 08:00 O-1 FARM cancelled, by 01-01 12:00 for 01-02 08:00: 48 MILK
        "#]],
    );
}

#[test]
fn a_delivery_never_fills_the_warehouse_beyond_its_capacity() {
    // The standing task takes all 10 out before: they make room.
    let both = run(&shop("", "08:00 c1 pays 12 MILK at 1.00\n11:00 clock")
        .replace("warehouse 200", "warehouse 30"));
    let line = both.store().orders().next().unwrap().lines[0];
    assert_eq!((line.units, line.reason.room_units), (30, 30));
    for floor in [2, 9, 20] {
        let story = format!("08:00 count {floor} MILK on floor\n11:00 clock\n12:00 clock\n");
        let story = shop("", &story).replace("warehouse 200", "warehouse 30");
        let ordered = run(&story).store().orders().next().unwrap().lines[0].units;
        let out = match run(&story).store().tasks().next() {
            Some(task) => {
                format!("12:10 wh_out {} MILK\n", task.wanted_units - task.backorder_units)
            }
            None => String::new(),
        };
        let come = format!("2026-01-02 08:00 delivery {ordered} MILK lot L2 for O-1");
        let both = run(&format!("{story}{out}{come}"));
        assert!(both.shelf("MILK").warehouse_units <= 30, "{floor}: {:?}", both.shelf("MILK"));
    }
}

#[test]
fn a_calendar_that_is_told_again_proposes_no_second_order() {
    check_lines(
        &["O-"],
        &shop("", &format!("11:30 clock\n{FARM}\n11:40 clock\n12:00 clock\n13:00 clock")),
        expect![[r"
            01-01 11:00 O-1 FARM draft, by 01-01 12:00 for 01-02 08:00: 48 MILK
            01-01 12:00 O-1 FARM sent, by 01-01 12:00 for 01-02 08:00: 48 MILK
        "]],
    );
}

#[test]
fn a_supplier_without_calendar_or_with_an_absurd_one_gets_no_orders() {
    let silent = shop("", "2026-01-20 12:00 clock").replace(FARM, "supplier FARM");
    check_lines(&["O-"], &silent, expect![[""]]);
}
