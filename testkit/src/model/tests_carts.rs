//! The rules of carts and visits, each by a story computed by hand.

use expect_test::expect;

use crate::scenario::{check_model as check, run_model};

const PICKED: &str = "product MILK
    stock MILK lot L1 floor 10
    08:00 c1 picks 3 MILK\n";

/// The units of MILK that are in carts and unexplained, on the shelf, and sold.
fn stand(story: &str) -> [i64; 4] {
    let stock = run_model(story).stock("MILK");
    [stock.carts, stock.unexplained, stock.floor, stock.sold]
}

#[test]
fn what_is_not_paid_is_written_off_a_quarter_of_an_hour_after_the_exit() {
    let left = format!("{PICKED} 08:20 c1 leaves\n");
    assert_eq!(stand(&format!("{left} 08:34:59 clock")), [3, 0, 7, 0]);
    check(
        &format!("{left} 08:35 clock"),
        expect![[r"
            MILK: floor 7; received 10, unexplained 3
              L1 (2026-01-01 to never): floor 7
        "]],
    );
}

#[test]
fn without_an_exit_it_is_three_hours_after_the_latest_touch() {
    let touched = format!("{PICKED} 09:00 c1 puts back 1 MILK\n08:30 c1 picks 1 MILK\n");
    assert_eq!(stand(&format!("{touched} 11:59:59 clock")), [3, 0, 7, 0]);
    assert_eq!(stand(&format!("{touched} 12:00 clock")), [0, 3, 7, 0]);
}

#[test]
fn an_exit_may_be_known_from_the_entry_on() {
    let story = "product MILK\nstock MILK lot L1 floor 10\n08:00 c1 enters until 08:30
        08:10 c1 picks 2 MILK\n";
    assert_eq!(stand(&format!("{story} 08:44:59 clock")), [2, 0, 8, 0]);
    assert_eq!(stand(&format!("{story} 08:45 clock")), [0, 2, 8, 0]);
}

#[test]
fn an_entry_forgets_the_exit_of_an_earlier_visit_and_no_later_one() {
    let again = format!("{PICKED} 08:20 c1 leaves\n08:25 c1 enters\n");
    assert_eq!(stand(&format!("{again} 10:59:59 clock")), [3, 0, 7, 0]);
    assert_eq!(stand(&format!("{again} 11:00 clock")), [0, 3, 7, 0]);
    let late_entry = format!("{PICKED} 08:20 c1 leaves\n07:55 c1 enters\n");
    assert_eq!(stand(&format!("{late_entry} 08:35 clock")), [0, 3, 7, 0]);
}

#[test]
fn a_receipt_that_comes_after_the_write_off_pays_what_was_written_off() {
    check(
        &format!("{PICKED} 08:20 c1 leaves\n09:00 clock\n08:19 c1 pays 3 MILK at 1.00"),
        expect![[r"
            MILK: floor 7; received 10, sold 3; revenue 3.00
              L1 (2026-01-01 to never): floor 7
        "]],
    );
    // One more than was written off comes from the floor, and from its lot.
    check(
        &format!("{PICKED} 08:20 c1 leaves\n09:00 clock\n08:19 c1 pays 4 MILK at 1.00"),
        expect![[r"
            MILK: floor 6; received 10, sold 4; revenue 4.00
              L1 (2026-01-01 to never): floor 6
        "]],
    );
}

#[test]
fn what_was_written_off_is_paid_late_only_once() {
    let twice = "09:00 clock\n08:19 c1 pays 2 MILK at 1.00\n08:19 c1 pays 2 MILK at 1.00";
    assert_eq!(stand(&format!("{PICKED} 08:20 c1 leaves\n{twice}")), [0, 0, 6, 4]);
}

#[test]
fn a_cart_is_kept_for_a_day_after_its_write_off() {
    let written_off = format!("{PICKED} 08:20 c1 leaves\n08:35 clock\nnext day\n");
    let kept = format!("{written_off} 08:34:59 c1 pays 3 MILK at 1.00");
    assert_eq!(stand(&kept), [0, 0, 7, 3]);
    let forgotten = format!("{written_off} 08:35 c1 pays 3 MILK at 1.00");
    assert_eq!(stand(&forgotten), [0, 3, 4, 3]);
}

#[test]
fn a_touch_after_the_write_off_gives_three_more_hours() {
    let touched = format!("{PICKED} 08:20 c1 leaves\n08:35 clock\n08:40 c1 picks 1 MILK\n");
    assert_eq!(stand(&format!("{touched} 11:39:59 clock")), [1, 3, 6, 0]);
    assert_eq!(stand(&format!("{touched} 11:40 clock")), [0, 4, 6, 0]);
    // Both write-offs are paid by one late receipt.
    let paid = format!("{touched} 12:00 c1 pays 4 MILK at 1.00");
    assert_eq!(stand(&paid), [0, 0, 6, 4]);
}

#[test]
fn a_touch_after_the_write_off_waits_for_a_known_later_exit() {
    let story = format!(
        "{PICKED} 11:00 clock\n11:01 c1 enters until 16:00
         11:02 c1 picks 1 MILK\n"
    );
    assert_eq!(stand(&format!("{story} 16:14:59 clock")), [1, 3, 6, 0]);
    assert_eq!(stand(&format!("{story} 16:15 clock")), [0, 4, 6, 0]);
}

#[test]
fn what_was_paid_ahead_ends_with_the_visit() {
    let paid = "product MILK\nstock MILK lot L1 floor 10\n08:00 c1 pays 3 MILK at 1.00
        08:05 c1 leaves\n";
    assert_eq!(stand(&format!("{paid} 08:01 c1 picks 3 MILK")), [0, 0, 7, 3]);
    assert_eq!(stand(&format!("{paid} 08:20 clock\n08:01 c1 picks 3 MILK")), [3, 0, 4, 3]);
    // It ends as well where the cart is kept for something else.
    let kept = format!("product SALT\n{paid} 08:02 c1 picks 1 SALT\n08:20 clock\n");
    assert_eq!(stand(&format!("{kept} 08:01 c1 picks 3 MILK")), [3, 0, 4, 3]);
}

#[test]
fn the_nameless_cart_is_written_off_at_the_day_change_and_keeps_nothing() {
    let picked = "product MILK\nstock MILK lot L1 floor 10\n08:00 somebody picks 3 MILK\n";
    assert_eq!(stand(&format!("{picked} 08:01 somebody leaves\n23:59 clock")), [3, 0, 7, 0]);
    let next_day = format!("{picked} next day\n");
    assert_eq!(stand(&next_day), [0, 3, 7, 0]);
    assert_eq!(stand(&format!("{next_day} 08:00 somebody pays 3 MILK at 1.00")), [0, 3, 4, 3]);
}

#[test]
fn a_deadline_that_has_passed_is_found_by_the_next_step() {
    let late = "product MILK\nstock MILK lot L1 floor 10\n12:00 clock\n08:00 c1 picks 2 MILK\n";
    assert_eq!(stand(late), [2, 0, 8, 0]);
    assert_eq!(stand(&format!("{late} 12:00 clock")), [0, 2, 8, 0]);
    // An event of a known id is no step, and neither is one that comes from the future.
    let no_step = "product MILK\nstock MILK lot L1 floor 10\n12:00 clock\n12:00 c2 enters
        08:00 c1 picks 2 MILK\nagain\n";
    assert_eq!(stand(no_step), [2, 0, 8, 0]);
}

#[test]
fn a_late_exit_may_make_the_cart_due_at_once() {
    let story = format!("{PICKED} 09:30 clock\n08:20 c1 leaves\n");
    assert_eq!(stand(&story), [3, 0, 7, 0]);
    assert_eq!(stand(&format!("{story} 09:30 clock")), [0, 3, 7, 0]);
}

#[test]
fn timers_fire_in_order_of_time_however_far_time_leaps() {
    // The cart is due at 23:15, so that at midnight nothing is in carts and the lots are corrected.
    check(
        "product MILK
         08:00 c2 returns 2 MILK at 1.00
         20:00 delivery 5 MILK lot L1
         20:15 c1 picks 1 MILK
         next day
         2026-01-03 10:00 clock",
        expect![[r"
            MILK: floor 1, warehouse 5; received 5, returned 2, unexplained 1; revenue -2.00
              L1 (2026-01-01 to never): floor 1, warehouse 5
        "]],
    );
}
