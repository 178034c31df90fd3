//! The life of alerts, told as stories: each rule opens and ends, one stands for each shelf, place
//! and rule, and people can say what they make of it.

use expect_test::expect;
use shelf_testkit::{check_life, check_lines, run};

/// A shelf of 20: refilled below 6, up to 16; the alert ends at 7.
const SHELF: &str = "product MILK
    stock MILK lot L1 floor 10 warehouse 40\n";

const LOW: &str = "product MILK
    stock MILK lot L1 floor 10 warehouse 40
    08:00 c1 picks 5 MILK\n";

#[test]
fn a_shelf_below_its_threshold_asks_for_a_refill_once() {
    check_lines(
        &["refill_request"],
        &format!(
            "{SHELF} 08:00 c1 picks 4 MILK
             08:01 c1 picks 1 MILK
             08:02 c1 picks 1 MILK
             08:03 c1 picks 1 MILK"
        ),
        expect![[r"
            01-01 08:01 A-1 refill_request MILK open, warning: 5 of 20, limit 6, +11
        "]],
    );
    let both = run(&format!("{LOW} 08:05 c1 picks 1 MILK"));
    let alert = both.store().alerts()[0];
    assert_eq!(
        (alert.count, alert.stock_units, alert.last_seen_at > alert.opened_at),
        (2, 4, true)
    );
}

#[test]
fn it_ends_when_the_stock_is_clear_of_the_threshold_and_not_before() {
    check_lines(
        &["refill_request"],
        &format!(
            "{LOW} 08:01 c1 puts back 1 MILK
             08:02 c1 picks 1 MILK
             08:03 c1 puts back 2 MILK"
        ),
        expect![[r"
            01-01 08:00 A-1 refill_request MILK open, warning: 5 of 20, limit 6, +11
            01-01 08:03 A-1 refill_request MILK resolved
        "]],
    );
}

#[test]
fn a_condition_that_returns_within_the_cooldown_waits_for_its_end() {
    check_lines(
        &["refill_request"],
        &format!(
            "{LOW} 08:10 c1 puts back 5 MILK
             08:20 c1 picks 5 MILK
             08:30 c1 picks 1 MILK
             10:00 clock"
        ),
        expect![[r"
            01-01 08:00 A-1 refill_request MILK open, warning: 5 of 20, limit 6, +11
            01-01 08:10 A-1 refill_request MILK resolved
            01-01 09:10 A-2 refill_request MILK open, warning: 4 of 20, limit 6, +1
        "]],
    );
    check_lines(
        &["refill_request"],
        &format!(
            "{LOW} 08:10 c1 puts back 5 MILK\n08:20 c1 picks 5 MILK
             08:30 c1 puts back 5 MILK\n10:00 clock"
        ),
        expect![[r"
            01-01 08:00 A-1 refill_request MILK open, warning: 5 of 20, limit 6, +11
            01-01 08:10 A-1 refill_request MILK resolved
        "]],
    );
}

#[test]
fn an_empty_shelf_is_an_alert_of_its_own() {
    check_lines(
        &["shelf_empty"],
        &format!(
            "{SHELF} 08:00 c1 picks 10 MILK\n08:01 c2 picks 1 MILK\n08:02 c1 puts back 1 MILK"
        ),
        expect![[r"
            01-01 08:00 A-2 shelf_empty MILK open, critical: 0 of 20, limit 1, +16
            01-01 08:02 A-2 shelf_empty MILK resolved
        "]],
    );
}

#[test]
fn lots_near_expiry_are_told_for_the_floor_and_for_the_warehouse() {
    check_lines(
        &["near_expiry "],
        "product MILK
         stock MILK lot L1 expires 2026-01-07 floor 10
         stock MILK lot L2 expires 2026-01-12 warehouse 20
         next day
         08:00 c1 picks 10 MILK
         08:10 c1 pays 10 MILK at 1.00
         09:00 wh_out 20 MILK lot L2",
        expect![[r"
            01-02 00:00 A-2 near_expiry MILK on floor open, info: 10 of 20, limit 5
            01-02 00:00 A-3 near_expiry MILK in warehouse open, info: 20 of 20, limit 10
            01-02 08:10 A-2 near_expiry MILK on floor resolved
            01-02 09:00 A-3 near_expiry MILK in warehouse resolved
        "]],
    );
}

#[test]
fn a_lot_near_expiry_on_its_last_day_is_urgent() {
    check_lines(
        &["near_expiry "],
        "product MILK
         stock MILK lot L1 expires 2026-01-02 floor 10
         next day
         next day",
        expect![[r"
            01-01 06:00 A-2 near_expiry MILK on floor open, info: 10 of 20, limit 5
            01-02 00:00 A-2 near_expiry MILK on floor open, warning: 10 of 20, limit 5
            01-03 00:00 A-2 near_expiry MILK on floor resolved
        "]],
    );
}

#[test]
fn a_warehouse_below_its_reorder_point_asks_for_a_supplier() {
    check_lines(
        &["supplier_request"],
        "product MILK warehouse 200
         stock MILK lot L1 floor 16 warehouse 10
         08:00 remove 1 MILK from warehouse
         09:00 remove 9 MILK from warehouse
         10:00 delivery 10 MILK lot L2
         11:00 delivery 1 MILK lot L2",
        expect![[r"
            01-01 08:00 A-1 supplier_request MILK open, info: 9 of 200, limit 10, +1
            01-01 09:00 A-1 supplier_request MILK open, warning: 0 of 200, limit 10, +10
            01-01 11:00 A-1 supplier_request MILK resolved
        "]],
    );
}

#[test]
fn a_price_that_falls_before_expiry_is_told() {
    check_lines(
        &["near_expiry_discount"],
        "product MILK
         stock MILK lot L1 expires 2026-01-04 floor 10
         next day
         next day
         next day
         next day",
        expect![[r"
            01-02 00:00 A-3 near_expiry_discount MILK open, info: 10 of 20, limit 2, +10
            01-05 00:00 A-3 near_expiry_discount MILK resolved
        "]],
    );
}

#[test]
fn expired_lots_are_told_each_day_on_the_floor_and_in_the_warehouse() {
    check_lines(
        &["expired_removal", "leave"],
        "product MILK cost 0.60
         stock MILK lot L1 expires 2026-01-01 floor 10 warehouse 5
         stock MILK lot L2 expires 2026-01-02 floor 3
         next day
         09:00 Ann resolves A-4 thrown away
         next day
         next day",
        expect![[r#"
            01-02 00:00 10 MILK lot L1 leave the floor, cost 6.00
            01-02 00:00 5 MILK lot L1 leave the warehouse, cost 3.00
            01-02 00:00 A-4 expired_removal MILK on floor open, warning: 3 of 20, limit 0, +10
            01-02 00:00 A-5 expired_removal MILK in warehouse open, warning: 3 of 20, limit 0, +5
            01-02 09:00 A-4 expired_removal MILK on floor resolved by Ann "thrown away"
            01-03 00:00 A-5 expired_removal MILK in warehouse resolved
            01-03 00:00 3 MILK lot L2 leave the floor, cost 1.80
            01-03 00:00 A-8 expired_removal MILK on floor open, warning: 0 of 20, limit 0, +3
            01-04 00:00 A-8 expired_removal MILK on floor resolved
        "#]],
    );
}

#[test]
fn a_dismissed_notice_does_not_silence_the_next_one() {
    check_lines(
        &["expired_removal"],
        "product MILK
         stock MILK lot L1 expires 2026-01-01 floor 10
         stock MILK lot L2 expires 2026-01-02 floor 3
         next day
         00:10 Ann dismisses A-4
         next day",
        expect![[r"
            01-02 00:00 A-4 expired_removal MILK on floor open, warning: 3 of 20, limit 0, +10
            01-02 00:10 A-4 expired_removal MILK on floor dismissed by Ann
            01-03 00:00 A-6 expired_removal MILK on floor open, warning: 0 of 20, limit 0, +3
        "]],
    );
}

#[test]
fn sources_that_disagree_are_told_until_a_person_counts() {
    check_lines(
        &["stock_discrepancy", "unexplained"],
        &format!(
            "{SHELF} 08:00 c1 puts back 1 MILK
             08:10 c1 puts back 2 MILK
             09:00 count 12 MILK on floor
             09:30 c1 puts back 1 MILK
             10:30 clock"
        ),
        expect![[r"
            01-01 08:00 MILK -1 unexplained: misplaced
            01-01 08:00 A-1 stock_discrepancy MILK open, info: 11 of 20, limit 1
            01-01 08:10 MILK -2 unexplained: misplaced
            01-01 08:10 A-1 stock_discrepancy MILK open, warning: 13 of 20, limit 3
            01-01 09:00 MILK 1 unexplained: phantom
            01-01 09:00 A-1 stock_discrepancy MILK resolved
            01-01 09:30 MILK -1 unexplained: misplaced
            01-01 10:00 A-2 stock_discrepancy MILK open, info: 13 of 20, limit 1
        "]],
    );
}

#[test]
fn a_count_settles_the_place_that_was_counted() {
    check_lines(
        &["stock_discrepancy"],
        "product MILK
         stock MILK lot L1 floor 10 warehouse 4
         08:00 wh_out 9 MILK
         08:10 remove 2 MILK from warehouse
         08:20 c1 puts back 1 MILK
         09:00 count 11 MILK on floor
         09:10 count 0 MILK in warehouse",
        expect![[r"
            01-01 08:00 A-1 stock_discrepancy MILK in warehouse open, warning: 0 of 60, limit 5
            01-01 08:20 A-3 stock_discrepancy MILK open, info: 11 of 20, limit 1
            01-01 09:00 A-3 stock_discrepancy MILK resolved
            01-01 09:10 A-1 stock_discrepancy MILK in warehouse resolved
        "]],
    );
}

#[test]
fn a_notice_that_stands_adds_up_what_comes_to_it() {
    check_lines(
        &["delivery_discrepancy"],
        "store by-person
         product MILK supplier FARM daily 10
         supplier FARM cutoffs fri 12:00 deliveries sat 08:00 lead 20h
         stock MILK lot L1 floor 16
         2026-01-02 11:30 Ann approves O-1
         2026-01-02 16:00 delivery 40 MILK lot L2 for O-1
         2026-01-02 17:00 delivery 30 MILK lot L3 for O-1
         2026-01-02 18:00 delivery 5 MILK lot L4 for O-1",
        expect![[r"
            01-02 17:00 A-2 delivery_discrepancy MILK open, info: 70 of 60, limit 10
        "]],
    );
    check_lines(
        &["expired_removal"],
        "policy all removal same-day-evening
         product MILK
         stock MILK lot L1 floor 3 expires 2026-01-01
         stock MILK lot L2 floor 4 expires 2026-01-02
         2026-01-03 09:00 clock",
        expect![[r"
            01-01 22:00 A-5 expired_removal MILK on floor open, warning: 4 of 20, limit 0, +3
            01-02 22:00 A-5 expired_removal MILK on floor open, warning: 0 of 20, limit 0, +7
        "]],
    );
}

#[test]
fn a_subcategory_is_one_of_a_category_or_of_any() {
    let threshold = |scope: &str| {
        let both = run(&format!(
            "policy cookies for subcategory Cookies{scope} refill-below 60%
             product BISCUIT category Sweets subcategory Cookies
             product RUSK category Baby subcategory Cookies
             product JAM category Sweets subcategory Jams"
        ));
        ["BISCUIT", "RUSK", "JAM"].map(|sku| both.shelf(sku).rules().refill_below_units)
    };
    assert_eq!(threshold(""), [12, 12, 6]);
    assert_eq!(threshold(" of Baby"), [6, 12, 6]);
    assert_eq!(threshold(" of Sweets"), [12, 6, 6]);
}

#[test]
fn a_delivery_over_is_told_and_ends_by_itself_after_a_week() {
    check_lines(
        &["delivery_discrepancy"],
        "store by-person
         product MILK supplier FARM daily 10
         supplier FARM cutoffs fri 12:00 deliveries sat 08:00 lead 20h
         stock MILK lot L1 floor 16
         2026-01-02 11:30 Ann approves O-1
         2026-01-03 08:00 delivery 90 MILK lot L2
         2026-01-09 12:00 clock
         2026-01-11 12:00 clock",
        expect![[r"
            01-03 08:00 A-2 delivery_discrepancy MILK open, info: 90 of 60, limit 30
            01-11 00:00 A-2 delivery_discrepancy MILK resolved
        "]],
    );
}

#[test]
fn a_person_acknowledges_assigns_and_notes_an_alert() {
    check_lines(
        &["refill_request", "quarantine"],
        &format!(
            "{LOW} 08:05 Ann acknowledges A-1 on my way
             08:06 Ann assigns A-1 to Bob
             08:07 Cid notes A-1 the lift is broken
             08:08 Bob acknowledges A-99
             09:00 c1 puts back 5 MILK
             09:01 Ann acknowledges A-1"
        ),
        expect![[r#"
            01-01 08:00 A-1 refill_request MILK open, warning: 5 of 20, limit 6, +11
            01-01 08:05 A-1 refill_request MILK acknowledged by Ann "on my way"
            01-01 08:06 A-1 refill_request MILK acknowledged by Ann for Bob
            01-01 08:07 A-1 refill_request MILK acknowledged by Cid for Bob "the lift is broken"
            01-01 08:08 quarantine: unknown_alert
            01-01 09:00 A-1 refill_request MILK resolved for Bob "the lift is broken"
            01-01 09:01 quarantine: unknown_alert
        "#]],
    );
}

#[test]
fn a_snoozed_alert_wakes_at_its_time_or_ends_before() {
    check_lines(
        &["refill_request", "quarantine"],
        &format!(
            "{LOW} 08:05 Ann snoozes A-1 until 08:00
             08:05 Ann snoozes A-1 until 2026-02-10 08:00
             08:05 Ann snoozes A-1 until 09:00
             08:30 Ann snoozes A-1 until 10:00
             09:30 clock
             10:30 clock
             10:40 Ann snoozes A-1 until 12:00
             11:00 c1 puts back 5 MILK
             13:00 clock"
        ),
        expect![[r"
            01-01 08:00 A-1 refill_request MILK open, warning: 5 of 20, limit 6, +11
            01-01 08:05 quarantine: absurd_time
            01-01 08:05 quarantine: absurd_time
            01-01 08:05 A-1 refill_request MILK snoozed by Ann until 01-01 09:00
            01-01 08:30 A-1 refill_request MILK snoozed by Ann until 01-01 10:00
            01-01 10:00 A-1 refill_request MILK open by Ann, warning: 5 of 20, limit 6, +11
            01-01 10:40 A-1 refill_request MILK snoozed by Ann until 01-01 12:00
            01-01 11:00 A-1 refill_request MILK resolved
        "]],
    );
}

#[test]
fn a_dismissed_alert_stays_away_until_its_condition_has_ended() {
    check_lines(
        &["refill_request"],
        &format!(
            "{LOW} 08:05 Ann dismisses A-1 the shelf is being moved
             10:00 c1 picks 1 MILK
             12:00 c2 picks 1 MILK
             13:00 count 12 MILK on floor
             15:00 c3 picks 8 MILK"
        ),
        expect![[r#"
            01-01 08:00 A-1 refill_request MILK open, warning: 5 of 20, limit 6, +11
            01-01 08:05 A-1 refill_request MILK dismissed by Ann "the shelf is being moved"
            01-01 15:00 A-4 refill_request MILK open, warning: 4 of 20, limit 6, +1
        "#]],
    );
}

#[test]
fn an_alert_resolved_by_hand_returns_after_the_cooldown_where_its_condition_holds() {
    check_lines(
        &["refill_request"],
        &format!("{LOW} 08:05 Ann resolves A-1\n08:30 c1 picks 1 MILK\n09:04 clock\n09:06 clock"),
        expect![[r"
            01-01 08:00 A-1 refill_request MILK open, warning: 5 of 20, limit 6, +11
            01-01 08:05 A-1 refill_request MILK resolved by Ann
            01-01 09:05 A-2 refill_request MILK open, warning: 4 of 20, limit 6, +1
        "]],
    );
    check_lines(
        &["refill_request"],
        &format!("{LOW} 08:05 Ann resolves A-1\n08:30 c1 puts back 5 MILK\n09:06 clock"),
        expect![[r"
            01-01 08:00 A-1 refill_request MILK open, warning: 5 of 20, limit 6, +11
            01-01 08:05 A-1 refill_request MILK resolved by Ann
        "]],
    );
}

#[test]
fn an_act_without_an_actor_is_refused() {
    use shelf_domain::{Actor, AlertAct, AlertId, AlertVerb, Body, Note, Outcome, Reason};
    let mut shop = shelf_testkit::Shop::new("S001");
    shop.product("MILK", |_| {}).opening("MILK", "L1", "never", 3, 0);
    let (act, actor, note) = (AlertVerb::Resolve, Actor::default(), Note::default());
    shop.event(Body::AlertAct(Box::new(AlertAct { alert: AlertId(1), act, actor, note })));
    let events = shop.events();
    let (last, before) = events.split_last().unwrap();
    let mut both = shelf_testkit::Both::of(before);
    assert_eq!(both.step(last), Ok(Outcome::Quarantined(Reason::EmptyId)));
}

#[test]
fn a_shelf_that_was_never_given_stock_opens_nothing() {
    check_life("product MILK\n08:00 c1 picks 2 MILK\n08:10 c1 pays 3 MILK at 1.00", expect![[""]]);
    check_lines(
        &["A-", "T-"],
        "product MILK\n08:00 c1 picks 2 MILK\n09:00 delivery 50 MILK lot L1",
        expect![[r"
            01-01 09:00 A-1 refill_request MILK open, warning: 0 of 20, limit 6, +16
            01-01 09:00 A-2 shelf_empty MILK open, critical: 0 of 20, limit 1, +16
            01-01 09:00 T-1 MILK pending: wants 16; back-order 16
        "]],
    );
}

#[test]
fn severity_follows_the_facts() {
    check_lines(
        &["supplier_request"],
        "product MILK
         stock MILK lot L1 floor 16 warehouse 1
         08:00 remove 1 MILK from warehouse",
        expect![[r"
            01-01 06:00 A-1 supplier_request MILK open, info: 1 of 60, limit 3, +2
            01-01 08:00 A-1 supplier_request MILK open, warning: 0 of 60, limit 3, +3
        "]],
    );
}
