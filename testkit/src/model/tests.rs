//! The rules of stock, lots and money, each by a story computed by hand.

use expect_test::expect;

use crate::scenario::{check_model as check, run_model};

#[test]
fn opening_stock_makes_a_lot_and_a_known_lot_keeps_its_dates() {
    check(
        "product MILK
         stock MILK lot L1 expires 2026-01-05 floor 10 warehouse 12
         stock MILK lot L1 expires 2026-01-09 received 2025-12-01 floor 1 warehouse 2
         stock MILK lot L2 floor 3",
        expect![[r"
            MILK: floor 14, warehouse 14; received 28
              L1 (2026-01-01 to 2026-01-05): floor 11, warehouse 14
              L2 (2026-01-01 to never): floor 3
        "]],
    );
}

#[test]
fn a_delivery_expires_as_given_or_by_shelf_life() {
    check(
        "product MILK life 8d
         product SALT
         09:00 delivery 24 MILK lot L1
         09:00 delivery 5 MILK lot L2 expires 2026-01-20 received 2025-12-31
         09:00 delivery 7 MILK lot L3 received 2025-12-31
         09:30 delivery 6 MILK lot L1 expires 2026-02-01
         09:30 delivery 2 SALT lot S1",
        expect![[r"
            MILK: warehouse 42; received 42
              L1 (2026-01-01 to 2026-01-09): warehouse 30
              L2 (2025-12-31 to 2026-01-20): warehouse 5
              L3 (2025-12-31 to 2026-01-08): warehouse 7
            SALT: warehouse 2; received 2
              S1 (2026-01-01 to never): warehouse 2
        "]],
    );
}

const TWO_LOTS: &str = "product MILK life 8d
    stock MILK lot OLD received 2025-12-01 expires 2026-01-20 warehouse 5
    stock MILK lot NEW received 2026-01-01 expires 2026-01-10 warehouse 5\n";

#[test]
fn picking_takes_what_expires_soonest() {
    check(
        &format!("{TWO_LOTS} 09:00 wh_out 7 MILK"),
        expect![[r"
            MILK: warehouse 3, transit 7; received 10
              NEW (2026-01-01 to 2026-01-10): transit 5
              OLD (2025-12-01 to 2026-01-20): warehouse 3, transit 2
        "]],
    );
}

#[test]
fn picking_by_policy_takes_what_was_received_first() {
    check(
        &format!("policy P picking first-received\n {TWO_LOTS} 09:00 wh_out 7 MILK"),
        expect![[r"
            MILK: warehouse 3, transit 7; received 10
              NEW (2026-01-01 to 2026-01-10): warehouse 3, transit 2
              OLD (2025-12-01 to 2026-01-20): transit 5
        "]],
    );
}

#[test]
fn a_named_lot_is_taken_first_and_the_others_after_it() {
    check(
        &format!("{TWO_LOTS} 09:00 wh_out 6 MILK lot OLD"),
        expect![[r"
            MILK: warehouse 4, transit 6; received 10
              NEW (2026-01-01 to 2026-01-10): warehouse 4, transit 1
              OLD (2025-12-01 to 2026-01-20): transit 5
        "]],
    );
}

#[test]
fn what_the_warehouse_lacks_is_put_on_the_lot_received_last() {
    check(
        &format!("{TWO_LOTS} 09:00 wh_out 12 MILK"),
        expect![[r"
            MILK: transit 12; received 10, unexplained -2
              NEW (2026-01-01 to 2026-01-10): transit 7
              OLD (2025-12-01 to 2026-01-20): transit 5
        "]],
    );
}

#[test]
fn what_the_warehouse_lacks_is_put_on_the_named_lot_which_is_made_where_unknown() {
    check(
        &format!("{TWO_LOTS} 19:00 wh_out 12 MILK lot X9\nnext day\n00:10 wh_out 1 MILK lot OLD"),
        expect![[r"
            MILK: transit 13; received 10, unexplained -3
              NEW (2026-01-01 to 2026-01-10): transit 5
              OLD (2025-12-01 to 2026-01-20): transit 6
              X9 (2026-01-01 to 2026-01-09): transit 2
        "]],
    );
}

#[test]
fn what_the_warehouse_lacks_makes_a_lot_where_there_is_none() {
    check(
        "product MILK life 8d\n09:00 wh_out 3 MILK",
        expect![[r"
            MILK: transit 3; unexplained -3
              UNKNOWN-20260101 (2026-01-01 to 2026-01-09): transit 3
        "]],
    );
}

#[test]
fn the_warehouse_is_short_of_a_lot_that_is_on_the_floor() {
    check(
        "product MILK
         stock MILK lot A received 2025-12-30 warehouse 2
         stock MILK lot B received 2025-12-31 floor 1
         09:00 wh_out 5 MILK",
        expect![[r"
            MILK: floor 1, transit 5; received 3, unexplained -3
              A (2025-12-30 to never): transit 2
              B (2025-12-31 to never): floor 1, transit 3
        "]],
    );
}

#[test]
fn a_refill_brings_what_is_on_the_way() {
    check(
        &format!("{TWO_LOTS} 09:00 wh_out 7 MILK\n09:05 refill 3 MILK lot OLD"),
        expect![[r"
            MILK: floor 3, warehouse 3, transit 4; received 10
              NEW (2026-01-01 to 2026-01-10): floor 1, transit 4
              OLD (2025-12-01 to 2026-01-20): floor 2, warehouse 3
        "]],
    );
}

#[test]
fn a_refill_may_be_seen_before_its_wh_out() {
    let early = "product MILK\nstock MILK lot L1 warehouse 12\n09:05 refill 10 MILK\n";
    assert_eq!(run_model(early).ahead("MILK"), 10);
    let caught_up = format!("{early} 09:00 wh_out 8 MILK\n");
    assert_eq!(run_model(&caught_up).ahead("MILK"), 2);
    check(
        &format!("{caught_up} 09:10 wh_out 3 MILK"),
        expect![[r"
            MILK: floor 10, warehouse 1, transit 1; received 12
              L1 (2026-01-01 to never): floor 10, warehouse 1, transit 1
        "]],
    );
}

#[test]
fn a_refill_from_nowhere_is_owed_by_the_wh_outs_that_follow() {
    check(
        "product MILK
         stock MILK lot L1 floor 5 warehouse 1
         09:00 refill 5 MILK
         09:10 delivery 4 MILK lot L2
         09:20 wh_out 5 MILK",
        expect![[r"
            MILK: floor 10, warehouse 4; received 10, unexplained -4
              L1 (2026-01-01 to never): floor 10
              L2 (2026-01-01 to never): warehouse 4
        "]],
    );
}

#[test]
fn a_visit_picks_puts_back_and_pays() {
    check(
        "product MILK price 1.99
         stock MILK lot L1 expires 2026-01-05 floor 10 warehouse 12
         08:00 c1 picks 3 MILK
         08:02 c1 puts back 1 MILK
         08:05 c1 pays 2 MILK at 1.99
         08:20 c1 leaves
         09:00 clock",
        expect![[r"
            MILK: floor 8, warehouse 12; received 22, sold 2; revenue 3.98
              L1 (2026-01-01 to 2026-01-05): floor 8, warehouse 12
        "]],
    );
}

#[test]
fn a_pickup_of_more_than_the_books_have_is_taken_as_seen() {
    check(
        "product MILK\nstock MILK lot L1 floor 2\n08:00 c1 picks 3 MILK",
        expect![[r"
            MILK: carts 3, lot gap 1; received 2, unexplained -1
              L1 (2026-01-01 to never): floor 2
        "]],
    );
}

#[test]
fn a_putback_of_what_was_never_picked_is_misplaced() {
    check(
        "product MILK
         product SALT
         stock MILK lot L1 expires 2026-01-09 floor 5
         stock MILK lot L0 expires 2026-01-05 warehouse 5
         08:00 c1 picks 1 MILK
         08:01 c1 puts back 3 MILK
         08:02 c1 puts back 2 SALT",
        expect![[r"
            MILK: floor 7, warehouse 5; received 10, unexplained -2
              L0 (2026-01-01 to 2026-01-05): warehouse 5
              L1 (2026-01-01 to 2026-01-09): floor 7
            SALT: floor 2, lot gap 2; unexplained -2
        "]],
    );
}

#[test]
fn a_receipt_ahead_of_its_pickup_is_counted_once() {
    check(
        "product MILK
         stock MILK lot L1 floor 10
         08:05 c1 pays 3 MILK at 1.00
         08:00 c1 picks 2 MILK
         08:01 c1 picks 2 MILK",
        expect![[r"
            MILK: floor 6, carts 1; received 10, sold 3; revenue 3.00
              L1 (2026-01-01 to never): floor 7
        "]],
    );
}

#[test]
fn more_is_sold_than_the_books_have() {
    let sold = "product MILK\nstock MILK lot L1 floor 2\n08:00 c1 pays 5 MILK at 1.00\n";
    check(sold, expect!["MILK: received 2, sold 5, unexplained -3; revenue 5.00\n"]);
    // All five were paid ahead, so that only the sixth is picked; and the books do not have it.
    check(
        &format!("{sold} 08:00 c1 picks 6 MILK"),
        expect![[r"
            MILK: carts 1, lot gap 1; received 2, sold 5, unexplained -4; revenue 5.00
        "]],
    );
}

#[test]
fn what_is_oversold_comes_off_the_lots_of_another_cart() {
    check(
        "product MILK
         stock MILK lot L1 floor 3
         08:00 c1 picks 3 MILK
         08:01 c2 pays 2 MILK at 1.00",
        expect![[r"
            MILK: carts 3, lot gap 2; received 3, sold 2, unexplained -2; revenue 2.00
              L1 (2026-01-01 to never): floor 1
        "]],
    );
}

#[test]
fn the_nameless_cart_pays_what_it_holds_and_nothing_ahead() {
    check(
        "product MILK
         stock MILK lot L1 floor 10
         08:00 somebody picks 2 MILK
         08:01 somebody pays 3 MILK at 1.00
         08:02 somebody picks 1 MILK",
        expect![[r"
            MILK: floor 6, carts 1; received 10, sold 3; revenue 3.00
              L1 (2026-01-01 to never): floor 7
        "]],
    );
}

const TWO_ON_FLOOR: &str = "product MILK
    stock MILK lot L1 expires 2026-01-05 floor 2
    stock MILK lot L2 expires 2026-01-09 floor 5\n";

#[test]
fn a_sale_takes_the_lot_that_the_till_read() {
    check(
        &format!("{TWO_ON_FLOOR} 08:00 c1 pays 4 MILK at 1.00 lot L2, 1 MILK at 0.50"),
        expect![[r"
            MILK: floor 2; received 7, sold 5; revenue 4.50
              L1 (2026-01-01 to 2026-01-05): floor 1
              L2 (2026-01-01 to 2026-01-09): floor 1
        "]],
    );
}

#[test]
fn a_return_goes_to_its_lot_or_to_the_soonest() {
    check(
        &format!(
            "{TWO_ON_FLOOR} product SALT
             08:00 c1 returns 1 MILK at 1.99 lot L2, 2 MILK at 1.99 lot L9, 1 MILK at 1.99
             08:00 c1 returns 2 SALT at 0.50"
        ),
        expect![[r"
            MILK: floor 11; received 7, returned 4; revenue -7.96
              L1 (2026-01-01 to 2026-01-05): floor 5
              L2 (2026-01-01 to 2026-01-09): floor 6
            SALT: floor 2, lot gap 2; returned 2; revenue -1.00
        "]],
    );
}

#[test]
fn a_removal_from_the_floor_takes_its_lot_and_then_the_soonest() {
    check(
        &format!("{TWO_ON_FLOOR} 08:00 remove 6 MILK from floor lot L2"),
        expect![[r"
            MILK: floor 1; received 7, removed 6
              L1 (2026-01-01 to 2026-01-05): floor 1
        "]],
    );
    check(
        "product MILK
         stock MILK lot L1 floor 5
         08:00 c1 picks 2 MILK
         08:01 remove 4 MILK from floor",
        expect![[r"
            MILK: carts 2, lot gap 1; received 5, removed 4, unexplained -1
              L1 (2026-01-01 to never): floor 1
        "]],
    );
}

#[test]
fn a_removal_from_the_warehouse_goes_by_expiry_and_a_transfer_by_picking() {
    let story = format!(
        "policy P picking first-received\n {TWO_LOTS} 09:00 remove 2 MILK from warehouse
         09:10 transfer 2 MILK to S002\n"
    );
    check(
        &story,
        expect![[r"
            MILK: warehouse 6; received 10, removed 4
              NEW (2026-01-01 to 2026-01-10): warehouse 3
              OLD (2025-12-01 to 2026-01-20): warehouse 3
        "]],
    );
    check(
        &format!("{story} 09:20 remove 10 MILK from warehouse"),
        expect!["MILK: received 10, removed 14, unexplained -4\n"],
    );
}

#[test]
fn a_count_on_the_floor_finds_fewer_and_then_more() {
    let fewer = format!("{TWO_ON_FLOOR} 08:00 count 4 MILK on floor\n");
    check(
        &fewer,
        expect![[r"
            MILK: floor 4; received 7, unexplained 3
              L2 (2026-01-01 to 2026-01-09): floor 4
        "]],
    );
    check(
        &format!("{fewer} 09:00 count 6 MILK on floor"),
        expect![[r"
            MILK: floor 6; received 7, unexplained 1
              L2 (2026-01-01 to 2026-01-09): floor 6
        "]],
    );
}

#[test]
fn a_count_of_an_unknown_shelf_is_known_to_no_lot() {
    check(
        "product MILK\n08:00 count 3 MILK on floor\n08:01 count 1 MILK on floor",
        expect!["MILK: floor 1, lot gap 1; unexplained -1\n"],
    );
}

#[test]
fn a_count_in_the_warehouse_goes_both_ways() {
    check(
        &format!(
            "{TWO_LOTS} 08:00 count 4 MILK in warehouse\n08:10 count 6 MILK in warehouse
             product SALT life 2d
             08:20 count 3 SALT in warehouse
             08:30 count 0 SALT in warehouse
             08:40 count 1 SALT in warehouse"
        ),
        expect![[r"
            MILK: warehouse 6; received 10, unexplained 4
              NEW (2026-01-01 to 2026-01-10): warehouse 2
              OLD (2025-12-01 to 2026-01-20): warehouse 4
            SALT: warehouse 1; unexplained -1
              COUNT-20260101 (2026-01-01 to 2026-01-03): warehouse 1
        "]],
    );
}

#[test]
fn a_weight_is_units_where_it_is_near_enough() {
    check(
        "product MILK weight 1000g sensor weight
         stock MILK lot L1 floor 20
         08:00 shelf MILK weighs -1000g by c1
         08:01 shelf MILK weighs -2200g by c1  # two units and 200 g: a fifth
         08:02 shelf MILK weighs -2201g by c1
         08:03 shelf MILK weighs -400g by c1
         08:04 shelf MILK weighs 900g by c1
         product GUM weight 5g sensor weight
         stock GUM lot G1 floor 20
         08:10 shelf GUM weighs -7g            # 2 g off a small unit
         08:11 shelf GUM weighs -8g            # nearest are two
         product SALT weight 500g
         stock SALT lot S1 floor 20
         08:20 shelf SALT weighs -500g by c1   # its sensor reports units",
        expect![[r"
            GUM: floor 17, carts 3; received 20
              G1 (2026-01-01 to never): floor 20
            MILK: floor 18, carts 2; received 20
              L1 (2026-01-01 to never): floor 20
            SALT: floor 20; received 20
              S1 (2026-01-01 to never): floor 20
        "]],
    );
}

#[test]
fn the_narrowest_active_policy_wins_and_of_equals_the_last() {
    let picks_old_first = |policies: &str| {
        let named = "product MILK category Dairy subcategory Fresh
             stock MILK lot OLD received 2025-12-01 expires 2026-01-20 warehouse 5
             stock MILK lot NEW received 2026-01-01 expires 2026-01-10 warehouse 5";
        let model = run_model(&format!("{policies}\n{named}\n09:00 wh_out 1 MILK"));
        model.lots("MILK").iter().any(|lot| lot.code == "OLD" && lot.transit == 1)
    };
    assert!(!picks_old_first(""));
    assert!(picks_old_first("policy A picking first-received"));
    assert!(!picks_old_first("policy A picking first-received inactive"));
    assert!(!picks_old_first("policy A picking first-received\npolicy B picking soonest-expiry"));
    assert!(picks_old_first(
        "policy A picking first-received
         policy B picking soonest-expiry
         policy A picking first-received"
    ));
    assert!(picks_old_first(
        "policy A for category Dairy picking first-received\npolicy B picking soonest-expiry"
    ));
    assert!(!picks_old_first("policy A for category Bakery picking first-received"));
    assert!(picks_old_first(
        "policy A for shelf MILK removal next-day
         policy B for subcategory Fresh picking first-received
         policy C for category Dairy picking soonest-expiry"
    ));
    assert!(picks_old_first(
        "policy A for shelf MILK picking first-received
         policy B for subcategory Fresh picking soonest-expiry"
    ));
}
