//! Restock tasks, told as stories: what is asked for, what is allocated, what arrives.

use expect_test::expect;
use shelf_testkit::{check_life, check_lines, run};

/// A shelf of 20: refilled below 6, up to 16.
const LOW: &str = "product MILK
    stock MILK lot L1 expires 2026-02-01 floor 10 warehouse 8
    stock MILK lot L2 expires 2026-03-01 warehouse 30
    08:00 c1 picks 5 MILK\n";

#[test]
fn a_low_shelf_is_refilled_to_its_target_from_the_soonest_lots() {
    check_life(
        &format!(
            "{LOW} 08:00:59 clock
             08:01 clock
             08:05 wh_out 8 MILK lot L1 for T-1
             08:05 wh_out 3 MILK lot L2 for T-1
             08:10 refill 8 MILK lot L1 for T-1
             08:11 refill 3 MILK lot L2 for T-1"
        ),
        expect![[r"
            01-01 08:00 A-1 refill_request MILK open, warning: 5 of 20, limit 6, +11
            01-01 08:00 T-1 MILK pending: wants 11; back-order 11
            01-01 08:01 T-1 MILK issued: wants 11; L1 reserved 8; L2 reserved 3
            01-01 08:05 T-1 MILK in_transit: wants 11; L1 in transit 8; L2 reserved 3
            01-01 08:05 T-1 MILK in_transit: wants 11; L1 in transit 8; L2 in transit 3
            01-01 08:10 A-1 refill_request MILK resolved
            01-01 08:11 T-1 MILK done: wants 11; L1 arrived 8; L2 arrived 3
        "]],
    );
}

#[test]
fn what_is_under_way_is_not_asked_for_again() {
    check_lines(
        &["T-"],
        &format!("{LOW} 08:05 c2 picks 2 MILK\n08:10 wh_out 11 MILK\n08:20 c2 picks 3 MILK"),
        expect![[r"
            01-01 08:00 T-1 MILK pending: wants 11; back-order 11
            01-01 08:01 T-1 MILK issued: wants 11; L1 reserved 8; L2 reserved 3
            01-01 08:10 T-1 MILK in_transit: wants 11; L1 in transit 8; L2 in transit 3
        "]],
    );
    check_lines(
        &["T-", "A-"],
        "product MILK
         stock MILK lot L1 floor 6 warehouse 30
         08:00 wh_out 10 MILK
         08:10 c1 picks 4 MILK
         08:20 clock",
        expect![[r"
            01-01 08:10 A-1 refill_request MILK open, warning: 2 of 20, limit 6, +4
        "]],
    );
}

#[test]
fn the_need_of_the_moment_at_which_staff_are_sent_counts() {
    check_lines(
        &["T-"],
        &format!("{LOW} 08:00:30 c2 picks 3 MILK\n08:01 clock"),
        expect![[r"
            01-01 08:00 T-1 MILK pending: wants 11; back-order 11
            01-01 08:01 T-1 MILK issued: wants 14; L1 reserved 8; L2 reserved 6
        "]],
    );
    check_lines(
        &["T-"],
        &format!("{LOW} 08:00:30 count 15 MILK on floor\n08:01 clock"),
        expect![[r"
            01-01 08:00 T-1 MILK pending: wants 11; back-order 11
            01-01 08:01 T-1 MILK issued: wants 1; L1 reserved 1
        "]],
    );
    check_lines(
        &["T-"],
        &format!("{LOW} 08:00:30 count 20 MILK on floor\n08:01 clock"),
        expect![[r"
            01-01 08:00 T-1 MILK pending: wants 11; back-order 11
            01-01 08:01 T-1 MILK cancelled: wants 0
        "]],
    );
}

#[test]
fn what_the_warehouse_lacks_is_a_back_order_that_a_delivery_fills() {
    check_lines(
        &["T-"],
        "product MILK
         stock MILK lot L1 floor 5 warehouse 4
         08:00 clock
         08:05 wh_out 4 MILK for T-1
         08:10 refill 4 MILK for T-1
         12:00 delivery 5 MILK lot L2
         12:10 wh_out 5 MILK for T-1
         12:15 refill 5 MILK for T-1
         13:00 delivery 24 MILK lot L3
         13:10 wh_out 2 MILK for T-1
         13:15 refill 2 MILK for T-1",
        expect![[r"
            01-01 06:00 T-1 MILK pending: wants 11; back-order 11
            01-01 06:01 T-1 MILK issued: wants 11; back-order 7; L1 reserved 4
            01-01 08:05 T-1 MILK in_transit: wants 11; back-order 7; L1 in transit 4
            01-01 08:10 T-1 MILK pending: wants 11; back-order 7; L1 arrived 4
            01-01 12:00 T-1 MILK issued: wants 11; back-order 2; L1 arrived 4; L2 reserved 5
            01-01 12:10 T-1 MILK in_transit: wants 11; back-order 2; L1 arrived 4; L2 in transit 5
            01-01 12:15 T-1 MILK pending: wants 11; back-order 2; L1 arrived 4; L2 arrived 5
            01-01 13:00 T-1 MILK issued: wants 11; L1 arrived 4; L2 arrived 5; L3 reserved 2
            01-01 13:10 T-1 MILK in_transit: wants 11; L1 arrived 4; L2 arrived 5; L3 in transit 2
            01-01 13:15 T-1 MILK done: wants 11; L1 arrived 4; L2 arrived 5; L3 arrived 2
        "]],
    );
}

#[test]
fn a_back_order_never_asks_for_more_than_the_shelf_lacks() {
    check_lines(
        &["T-"],
        "product MILK
         stock MILK lot L1 floor 2
         08:00 count 13 MILK on floor
         12:00 delivery 48 MILK lot L2",
        expect![[r"
            01-01 06:00 T-1 MILK pending: wants 14; back-order 14
            01-01 06:00 T-1 MILK pending: wants 3; back-order 3
            01-01 12:00 T-1 MILK issued: wants 3; L2 reserved 3
        "]],
    );
}

#[test]
fn a_back_order_that_waited_while_the_shelf_sold_out_fills_it_to_its_target() {
    check_lines(
        &["T-"],
        "product MILK
         stock MILK lot L1 floor 2
         08:00 count 13 MILK on floor
         10:00 c1 pays 13 MILK at 1.00
         12:00 delivery 48 MILK lot L2
         12:10 wh_out 16 MILK
         12:15 refill 16 MILK",
        expect![[r#"
            01-01 06:00 T-1 MILK pending: wants 14; back-order 14
            01-01 06:00 T-1 MILK pending: wants 3; back-order 3
            01-01 12:00 T-1 MILK issued: wants 16; L2 reserved 16
            01-01 12:10 T-1 MILK in_transit: wants 16; L2 in transit 16
            01-01 12:15 T-1 MILK done: wants 16; L2 arrived 16
        "#]],
    );
    // What is allocated or under way is not asked for again.
    check_lines(
        &["T-"],
        "product MILK
         stock MILK lot L1 floor 5 warehouse 4
         08:00 wh_out 3 MILK
         08:10 c1 pays 2 MILK at 1.00
         12:00 delivery 48 MILK lot L2",
        expect![[r#"
            01-01 06:00 T-1 MILK pending: wants 11; back-order 11
            01-01 06:01 T-1 MILK issued: wants 11; back-order 7; L1 reserved 4
            01-01 08:00 T-1 MILK in_transit: wants 11; back-order 7; L1 reserved 1 in transit 3
            01-01 08:00 T-1 MILK in_transit: wants 13; L1 reserved 1 in transit 3; L2 reserved 9
        "#]],
    );
}

#[test]
fn each_unit_of_a_lot_is_allocated_once() {
    let both = run(&format!("{LOW} 08:02 clock"));
    let reserved: Vec<_> = both
        .store()
        .lots(both.sku("MILK"))
        .map(|lot| (lot.code.as_str(), lot.reserved_units, lot.free_units()))
        .collect();
    assert_eq!(reserved, [("L1", 8, 0), ("L2", 3, 27)]);
    // What is taken away from under a task is allocated anew, from what is free.
    check_lines(
        &["T-"],
        &format!("{LOW} 08:02 clock\n08:03 remove 6 MILK from warehouse lot L1"),
        expect![[r"
            01-01 08:00 T-1 MILK pending: wants 11; back-order 11
            01-01 08:01 T-1 MILK issued: wants 11; L1 reserved 8; L2 reserved 3
            01-01 08:01 T-1 MILK issued: wants 11; back-order 6; L1 reserved 2; L2 reserved 3
            01-01 08:01 T-1 MILK issued: wants 11; L1 reserved 2; L2 reserved 9
        "]],
    );
}

#[test]
fn another_lot_than_the_one_allocated_stands_for_it() {
    check_lines(
        &["T-"],
        &format!("{LOW} 08:02 clock\n08:05 wh_out 11 MILK lot L2 for T-1\n08:10 refill 11 MILK"),
        expect![[r"
            01-01 08:00 T-1 MILK pending: wants 11; back-order 11
            01-01 08:01 T-1 MILK issued: wants 11; L1 reserved 8; L2 reserved 3
            01-01 08:05 T-1 MILK in_transit: wants 11; L2 in transit 11
            01-01 08:10 T-1 MILK done: wants 11; L2 arrived 11
        "]],
    );
}

#[test]
fn expired_lots_are_never_allocated() {
    check_lines(
        &["T-"],
        "product MILK
         stock MILK lot OLD expires 2025-12-30 warehouse 30
         stock MILK lot NEW expires 2026-03-01 floor 5 warehouse 30
         08:00 clock",
        expect![[r"
            01-01 06:00 T-1 MILK pending: wants 16; back-order 16
            01-01 06:01 T-1 MILK issued: wants 11; NEW reserved 11
        "]],
    );
}

#[test]
fn the_policy_sets_delay_and_picking() {
    check_lines(
        &["T-"],
        "product MILK
         policy P delay 600s picking first-received
         stock MILK lot SOON expires 2026-02-01 received 2026-01-01 warehouse 30
         stock MILK lot FIRST expires 2026-03-01 received 2025-12-01 floor 6 warehouse 30
         08:00 c1 picks 1 MILK
         08:09:59 clock
         08:10 clock",
        expect![[r"
            01-01 06:00 T-1 MILK pending: wants 16; back-order 16
            01-01 06:10 T-1 MILK issued: wants 10; FIRST reserved 10
        "]],
    );
}

#[test]
fn staff_who_bring_less_leave_the_rest_to_be_brought() {
    check_lines(
        &["T-"],
        &format!(
            "{LOW} 08:05 wh_out 6 MILK for T-1
             08:10 refill 6 MILK for T-1
             20:10 clock
             20:20 c2 picks 8 MILK"
        ),
        expect![[r"
            01-01 08:00 T-1 MILK pending: wants 11; back-order 11
            01-01 08:01 T-1 MILK issued: wants 11; L1 reserved 8; L2 reserved 3
            01-01 08:05 T-1 MILK in_transit: wants 11; L1 reserved 2 in transit 6; L2 reserved 3
            01-01 08:10 T-1 MILK issued: wants 11; L1 reserved 2 arrived 6; L2 reserved 3
            01-01 20:10 T-1 MILK done: wants 11; L1 arrived 6
            01-01 20:20 T-2 MILK pending: wants 13; back-order 13
        "]],
    );
}

#[test]
fn units_from_nowhere_count_for_the_task() {
    check_lines(
        &["T-", "unexplained"],
        "product MILK
         stock MILK lot L1 floor 5
         08:00 refill 11 MILK for T-1
         12:00 delivery 24 MILK lot L2",
        expect![[r"
            01-01 06:00 T-1 MILK pending: wants 11; back-order 11
            01-01 08:00 MILK -11 unexplained: mispicked
            01-01 08:00 T-1 MILK done: wants 11; L1 arrived 11
        "]],
    );
}

#[test]
fn a_movement_for_a_task_that_has_ended_counts_for_the_one_that_stands() {
    check_lines(
        &["T-"],
        &format!(
            "{LOW} 08:05 clock
             20:05 clock
             20:10 wh_out 11 MILK for T-1
             20:15 refill 11 MILK for T-1"
        ),
        expect![[r"
            01-01 08:00 T-1 MILK pending: wants 11; back-order 11
            01-01 08:01 T-1 MILK issued: wants 11; L1 reserved 8; L2 reserved 3
            01-01 20:01 T-1 MILK cancelled: wants 11
            01-01 20:01 T-2 MILK pending: wants 11; back-order 11
            01-01 20:02 T-2 MILK issued: wants 11; L1 reserved 8; L2 reserved 3
            01-01 20:10 T-2 MILK in_transit: wants 11; L1 in transit 8; L2 in transit 3
            01-01 20:15 T-2 MILK done: wants 11; L1 arrived 8; L2 arrived 3
        "]],
    );
}

#[test]
fn units_that_nobody_confirms_arrive_after_six_hours_and_are_in_dispute() {
    check_life(
        &format!("{LOW} 08:05 wh_out 11 MILK for T-1\n14:04 clock\n14:05 clock"),
        expect![[r"
            01-01 08:00 A-1 refill_request MILK open, warning: 5 of 20, limit 6, +11
            01-01 08:00 T-1 MILK pending: wants 11; back-order 11
            01-01 08:01 T-1 MILK issued: wants 11; L1 reserved 8; L2 reserved 3
            01-01 08:05 T-1 MILK in_transit: wants 11; L1 in transit 8; L2 in transit 3
            01-01 14:04 MILK 5 unexplained: unscanned
            01-01 11:00 A-2 stock_discrepancy MILK open, warning: 5 of 20, limit 5
            01-01 14:05 T-1 MILK done: wants 11; L1 arrived 8; L2 arrived 3
            01-01 14:05 A-1 refill_request MILK resolved
        "]],
    );
}

#[test]
fn where_arrivals_are_timed_units_arrive_by_themselves() {
    check_lines(
        &["T-"],
        &format!("store timed\n{LOW} 08:05 wh_out 11 MILK for T-1\n08:07:59 clock\n08:08 clock"),
        expect![[r"
            01-01 08:00 T-1 MILK pending: wants 11; back-order 11
            01-01 08:01 T-1 MILK issued: wants 11; L1 reserved 8; L2 reserved 3
            01-01 08:05 T-1 MILK in_transit: wants 11; L1 in transit 8; L2 in transit 3
            01-01 08:08 T-1 MILK done: wants 11; L1 arrived 8; L2 arrived 3
        "]],
    );
    // A refill straight from the warehouse is no arrival to wait for.
    let both = run("store timed\nproduct MILK\nstock MILK lot L1 floor 10 warehouse 20
         08:00 refill 5 MILK\n08:01 wh_out 5 MILK\n08:02 wh_out 5 MILK\n08:04:59 clock");
    assert_eq!((both.shelf("MILK").transit_units, both.shelf("MILK").floor_units), (5, 15));
}

#[test]
fn a_task_that_nobody_begins_is_given_up_and_asked_for_anew() {
    check_lines(
        &["T-"],
        &format!("{LOW} 20:00 clock\n20:01 clock\n20:02 clock"),
        expect![[r"
            01-01 08:00 T-1 MILK pending: wants 11; back-order 11
            01-01 08:01 T-1 MILK issued: wants 11; L1 reserved 8; L2 reserved 3
            01-01 20:01 T-1 MILK cancelled: wants 11
            01-01 20:01 T-2 MILK pending: wants 11; back-order 11
            01-01 20:02 T-2 MILK issued: wants 11; L1 reserved 8; L2 reserved 3
        "]],
    );
}

#[test]
fn a_person_asks_for_a_refill_and_cancels_one() {
    check_lines(
        &["T-", "quarantine"],
        "product MILK
         stock MILK lot L1 floor 16 warehouse 30
         08:00 Ann asks for MILK
         08:01 Ann asks for MILK
         08:02 Ann cancels T-1
         08:03 Ann cancels T-1
         08:04 count 20 MILK on floor
         08:05 Ann asks for MILK",
        expect![[r"
            01-01 08:00 T-1 MILK pending: wants 4; back-order 4
            01-01 08:01 T-1 MILK issued: wants 4; L1 reserved 4
            01-01 08:01 quarantine: wrong_state
            01-01 08:02 T-1 MILK cancelled: wants 4
            01-01 08:03 quarantine: unknown_task
            01-01 08:05 quarantine: wrong_state
        "]],
    );
}

#[test]
fn a_cancelled_task_is_asked_for_again_after_the_cooldown_even_if_nothing_moves() {
    check_lines(
        &["T-"],
        &format!("{LOW} 08:05 Ann cancels T-1\n08:30 c1 picks 5 MILK\n09:04 clock\n09:07 clock"),
        expect![[r"
            01-01 08:00 T-1 MILK pending: wants 11; back-order 11
            01-01 08:01 T-1 MILK issued: wants 11; L1 reserved 8; L2 reserved 3
            01-01 08:05 T-1 MILK cancelled: wants 11
            01-01 09:05 T-2 MILK pending: wants 16; back-order 16
            01-01 09:06 T-2 MILK issued: wants 16; L1 reserved 8; L2 reserved 8
        "]],
    );
    let both = run(&format!("{LOW} 08:05 Ann cancels T-1"));
    assert!(both.store().lots(both.sku("MILK")).all(|lot| lot.reserved_units == 0));
}

#[test]
fn a_refill_that_is_seen_before_its_wh_out_moves_the_units_once() {
    let both = run(&format!(
        "{LOW} 08:10 refill 11 MILK for T-1\n08:05 wh_out 11 MILK for T-1\n08:20 clock"
    ));
    let shelf = both.shelf("MILK");
    assert_eq!((shelf.floor_units, shelf.warehouse_units, shelf.transit_units), (16, 27, 0));
    assert_eq!((both.store().tasks().count(), both.store().stats().tasks_done), (0, 1));
}
