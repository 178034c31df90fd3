//! The scales, told as stories: what staff do is told twice, by them and by the scale, and counts
//! once.

use expect_test::expect;
use shelf_testkit::{check, check_lines, run};

/// A shelf that tells weights only.
const SCALE: &str = "product HAM weight 100g sensor weight
    stock HAM lot L1 expires 2026-01-02 floor 10 warehouse 20\n";

/// What lies on the shelf, what carts hold, what is unexplained, what is in dispute.
fn shelf(story: &str) -> (u32, u32, i64, u32) {
    let both = run(&format!("{SCALE}{story}"));
    let shelf = both.shelf("HAM");
    (shelf.floor_units, shelf.cart_units, shelf.ledger.unexplained, shelf.disputed_floor_units)
}

#[test]
fn a_refill_and_its_weight_count_once_in_either_order() {
    let out = "08:00 wh_out 11 HAM\n";
    for order in [
        "08:05 refill 11 HAM\n08:05 shelf HAM weighs 1100g\n",
        "08:05 shelf HAM weighs 1100g\n08:06 refill 11 HAM\n",
        "08:05 refill 11 HAM\n08:05 shelf HAM weighs 1100g by restock_bot\n",
        "08:05 shelf HAM weighs 600g\n08:06 refill 11 HAM\n08:07 shelf HAM weighs 500g\n",
        "08:05 refill 11 HAM\n11:30 shelf HAM weighs 1100g\n",
    ] {
        assert_eq!(shelf(&format!("{out}{order} 12:00 clock")), (21, 0, 0, 0), "{order}");
    }
    check(
        &format!("{SCALE}{out} 08:05 shelf HAM weighs 1100g\n08:06 refill 11 HAM\n12:00 clock"),
        expect![[r"
            HAM: floor 21, warehouse 9; received 30
              L1 (2026-01-01 to 2026-01-02): floor 21, warehouse 9
        "]],
    );
}

#[test]
fn a_timed_arrival_and_its_weight_count_once() {
    for weighed_at in ["08:01", "08:30"] {
        let story =
            format!("08:00 wh_out 11 HAM\n{weighed_at} shelf HAM weighs 1100g\n12:00 clock");
        let both = run(&format!("store timed\n{SCALE}{story}"));
        let shelf = both.shelf("HAM");
        assert_eq!((shelf.floor_units, shelf.ledger.unexplained), (21, 0), "{weighed_at}");
        assert_eq!(shelf.disputed_floor_units, 0);
    }
}

#[test]
fn a_removal_and_its_weight_count_once_in_either_order() {
    for order in [
        "08:05 remove 3 HAM from floor\n08:05 shelf HAM weighs -300g\n",
        "08:05 shelf HAM weighs -300g\n08:06 remove 3 HAM from floor\n",
        "08:05 shelf HAM weighs -100g\n08:06 remove 3 HAM from floor
         08:07 shelf HAM weighs -200g\n",
    ] {
        assert_eq!(shelf(&format!("{order} 20:00 clock")), (7, 0, 0, 0), "{order}");
    }
}

#[test]
fn an_expired_lot_leaves_once_whenever_staff_carry_it_away() {
    // It expires when the 2nd ends. Staff lift it in the morning.
    check(
        &format!(
            "{SCALE} stock HAM lot L2 expires 2026-02-01 floor 4
             2026-01-03 06:30 shelf HAM weighs -1000g
             2026-01-04 09:00 clock"
        ),
        expect![[r"
            HAM: floor 4; received 34, removed 30
              L2 (2026-01-01 to 2026-02-01): floor 4
        "]],
    );
    check_lines(
        &["unexplained", "stock_discrepancy"],
        &format!("{SCALE} 2026-01-03 06:30 shelf HAM weighs -1000g\n2026-01-04 09:00 clock"),
        expect![[""]],
    );
}

#[test]
fn what_a_customer_does_is_the_customers_act_whatever_staff_do() {
    let busy = "08:00 wh_out 11 HAM\n08:05 refill 11 HAM\n08:05:10 shelf HAM weighs -200g by c1
         08:05:20 shelf HAM weighs 1100g\n08:05:30 shelf HAM weighs 100g by c1\n";
    assert_eq!(shelf(busy), (20, 1, 0, 0));
    assert_eq!(
        shelf(&format!("{busy} 08:06 c1 pays 1 HAM at 2.00\n08:10 c1 leaves")),
        (20, 0, 0, 0)
    );
    // Where nobody has a name, the nameless cart gives back before staff are asked.
    assert_eq!(shelf("08:00 shelf HAM weighs -300g\n08:10 shelf HAM weighs 100g"), (8, 2, 0, 0));
}

#[test]
fn weight_that_nobody_explains_is_a_misplaced_unit_after_a_while() {
    let story = "08:00 shelf HAM weighs 200g\n";
    assert_eq!(shelf(&format!("{story} 08:14:59 clock")), (10, 0, 0, 0));
    assert_eq!(shelf(&format!("{story} 08:15 clock")), (12, 0, -2, 2));
    // A count has seen it.
    assert_eq!(shelf(&format!("{story} 08:10 count 12 HAM on floor\n08:20 clock")), (12, 0, -2, 0));
}

#[test]
fn a_movement_waits_for_its_weight_for_a_day_and_never_for_more_than_its_units() {
    let refill = "08:00 wh_out 5 HAM\n08:05 refill 5 HAM\n";
    let next = |time: &str| format!("{refill} 2026-01-02 {time} shelf HAM weighs 500g\n");
    assert_eq!(shelf(&format!("{} 09:00 clock", next("08:05"))), (15, 0, 0, 0));
    assert_eq!(shelf(&format!("{} 2026-01-02 09:00 clock", next("08:06"))), (20, 0, -5, 5));
    assert_eq!(
        shelf(&format!("{refill} 08:06 shelf HAM weighs 700g\n09:00 clock")),
        (17, 0, -2, 2)
    );
}

/// A shelf that counts and weighs: the first reading is where its scale begins.
const BOTH_SENSORS: &str = "product MILK weight 1000g
    stock MILK lot L1 expires 2026-01-01 floor 4 warehouse 30
    stock MILK lot L2 expires 2026-03-01 floor 6 warehouse 30
    08:00 shelf MILK weighs 10000g\n";

const DISPUTES: [&str; 1] = ["stock_discrepancy"];

#[test]
fn arrivals_that_the_scale_tells_too_are_no_discrepancy() {
    check_lines(
        &DISPUTES,
        &format!(
            "store timed\n{BOTH_SENSORS} 08:10 wh_out 5 MILK lot L2
             08:14 shelf MILK weighs 5000g\n09:00 clock"
        ),
        expect![[""]],
    );
    // The weight alone is one, and so is the arrival alone.
    check_lines(
        &DISPUTES,
        &format!("store timed\n{BOTH_SENSORS} 08:10 wh_out 5 MILK lot L2\n09:00 clock"),
        expect![[r#"
            01-01 08:28 A-5 stock_discrepancy MILK open, warning: 15 of 20, limit 5
        "#]],
    );
    // Nobody confirmed it, and that is what is in dispute, not the weight besides.
    let both = run(&format!(
        "{BOTH_SENSORS} 08:10 wh_out 5 MILK lot L2\n14:05 shelf MILK weighs 5000g\n15:00 clock"
    ));
    assert_eq!(both.shelf("MILK").disputed_floor_units, 5);
}

#[test]
fn an_expired_lot_that_staff_carry_away_in_the_morning_is_no_discrepancy() {
    let lifted = |grams: i64| {
        format!(
            "{BOTH_SENSORS} 2026-01-02 06:30 shelf MILK weighs {grams}g\n2026-01-02 12:00 clock"
        )
    };
    check_lines(&DISPUTES, &lifted(-4_000), expect![[""]]);
    check_lines(
        &DISPUTES,
        &lifted(-6_000),
        expect![[r#"
            01-02 06:45 A-7 stock_discrepancy MILK open, info: 6 of 20, limit 2
        "#]],
    );
    // Customers come before staff do.
    check_lines(
        &DISPUTES,
        &format!(
            "{BOTH_SENSORS} 2026-01-02 07:30 c1 picks 2 MILK
             2026-01-02 07:30 shelf MILK weighs -2000g by c1
             2026-01-02 08:00 shelf MILK weighs -3000g\n2026-01-02 08:05 shelf MILK weighs -1000g
             2026-01-02 09:00 c1 pays 2 MILK at 1.00\n2026-01-02 12:00 clock"
        ),
        expect![[""]],
    );
}
