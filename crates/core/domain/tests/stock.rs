//! Lots, the warehouse, expiry and policies, told as stories. What each rule of the page does in
//! detail is told in the model's own tests, which the core runs too.

use expect_test::expect;
use shelf_domain::{
    Body, Delivery, Effects, EventId, MAX_SKU_UNITS, Outcome, Place, Reason, Sku, Stores,
};
use shelf_testkit::{Both, Shop, check, check_life, check_lines, run};

#[test]
fn sold_units_leave_the_lot_on_the_receipt_else_the_soonest_to_expire() {
    check(
        "product MILK
         stock MILK lot SOON expires 2026-02-01 floor 4
         stock MILK lot LATE expires 2026-03-01 floor 4
         08:00 c1 pays 2 MILK at 1.00 lot LATE
         08:10 c1 pays 3 MILK at 1.00
         08:20 c1 pays 1 MILK at 1.00 lot GONE",
        expect![[r"
            MILK: floor 2; received 8, sold 6; revenue 6.00
              LATE (2026-01-01 to 2026-03-01): floor 2
        "]],
    );
}

#[test]
fn the_warehouse_is_picked_by_the_policy_of_the_moment() {
    check(
        "product MILK
         stock MILK lot SOON expires 2026-02-01 received 2026-01-01 warehouse 5
         stock MILK lot FIRST expires 2026-03-01 received 2025-12-01 warehouse 5
         08:00 wh_out 1 MILK
         policy P picking first-received
         08:10 wh_out 2 MILK
         policy P inactive picking first-received
         08:20 wh_out 1 MILK",
        expect![[r"
            MILK: warehouse 6, transit 4; received 10
              FIRST (2025-12-01 to 2026-03-01): warehouse 3, transit 2
              SOON (2026-01-01 to 2026-02-01): warehouse 3, transit 2
        "]],
    );
}

#[test]
fn shelf_life_is_the_products_own() {
    check(
        "product FISH life 3d
         product SALT
         08:00 delivery 5 FISH lot F1
         08:00 delivery 5 SALT lot S1
         08:00 delivery 5 FISH lot F2 received 2025-12-31 expires 2026-01-09",
        expect![[r"
            FISH: warehouse 10; received 10
              F1 (2026-01-01 to 2026-01-04): warehouse 5
              F2 (2025-12-31 to 2026-01-09): warehouse 5
            SALT: warehouse 5; received 5
              S1 (2026-01-01 to never): warehouse 5
        "]],
    );
}

#[test]
fn expired_lots_leave_floor_and_warehouse_at_the_day_change() {
    check(
        "product FISH
         stock FISH lot F1 expires 2026-01-01 floor 3 warehouse 4
         stock FISH lot F2 expires 2026-01-02 floor 3 warehouse 4
         next day",
        expect![[r"
            FISH: floor 3, warehouse 4; received 14, removed 7
              F2 (2026-01-01 to 2026-01-02): floor 3, warehouse 4
        "]],
    );
    check_lines(
        &["leave"],
        "product FISH cost 2.00
         policy P for shelf FISH removal same-day-evening
         stock FISH lot F1 expires 2026-01-01 floor 3 warehouse 4
         stock FISH lot F2 expires 2026-01-02 floor 3 warehouse 4
         22:00 clock
         2026-01-02 22:00 clock",
        expect![[r"
            01-01 22:00 3 FISH lot F1 leave the floor, cost 6.00
            01-01 22:00 4 FISH lot F1 leave the warehouse, cost 8.00
            01-02 22:00 3 FISH lot F2 leave the floor, cost 6.00
            01-02 22:00 4 FISH lot F2 leave the warehouse, cost 8.00
        "]],
    );
}

#[test]
fn a_store_that_stays_closed_removes_at_midnight() {
    let removed = |open: &str, until: &str| {
        let both = run(&format!(
            "store open {open}\nproduct FISH\npolicy P removal same-day-evening
             stock FISH lot F1 expires 2026-01-01 floor 3\n{until}"
        ));
        both.shelf("FISH").ledger.removed
    };
    assert_eq!(removed("07:00 to 22:00", "22:00 clock"), 3);
    assert_eq!(removed("00:00 to 00:00", "23:59:59 clock"), 0);
    assert_eq!(removed("00:00 to 00:00", "next day"), 3);
    assert_eq!(removed("always", "23:59:59 clock"), 0);
}

#[test]
fn the_hours_of_a_day_are_settled_when_it_begins() {
    let both = run("product FISH\npolicy P removal same-day-evening
         stock FISH lot F1 expires 2026-01-01 floor 3\nstock FISH lot F2 expires 2026-01-02 floor 4
         store open 07:00 to 12:00\n13:00 clock\n21:59 clock");
    assert_eq!(both.shelf("FISH").ledger.removed, 0);
    let both = run("product FISH\npolicy P removal same-day-evening
         stock FISH lot F1 expires 2026-01-01 floor 3\nstock FISH lot F2 expires 2026-01-02 floor 4
         store open 07:00 to 12:00\nnext day\n12:00 clock");
    assert_eq!(both.shelf("FISH").ledger.removed, 7);
}

/// The refill threshold of MILK, on a shelf of 100, after `story`.
fn threshold(story: &str) -> u32 {
    let both = run(&format!(
        "product MILK shelf 100 category Dairy subcategory Fresh
         product SALT category Dry\n{story}"
    ));
    both.shelf("MILK").rules().refill_below_units
}

#[test]
fn the_narrowest_policy_wins_value_by_value_and_may_change_at_any_time() {
    assert_eq!(threshold(""), 30);
    assert_eq!(threshold("policy G refill-below 10%"), 10);
    let category = "policy C for category Dairy refill-below 20%\npolicy G refill-below 10%\n";
    assert_eq!(threshold(category), 20);
    let subcategory = format!("policy S for subcategory Fresh refill-below 40%\n{category}");
    assert_eq!(threshold(&subcategory), 40);
    let shelf = format!("policy 1 for shelf MILK refill-below 50%\n{subcategory}");
    assert_eq!(threshold(&shelf), 50);
    assert_eq!(
        threshold(&format!("{shelf} policy 1 for shelf MILK inactive refill-below 50%")),
        40
    );
    assert_eq!(threshold(&format!("{shelf} policy 1 for shelf MILK min 60")), 60);
    assert_eq!(threshold(&format!("{shelf} policy 1 for shelf SALT refill-below 50%")), 40);
    assert_eq!(threshold("policy A refill-below 10%\npolicy B refill-below 20%"), 20);
    assert_eq!(
        threshold(
            "policy A refill-below 10%\npolicy B refill-below 20%\npolicy A refill-below 11%"
        ),
        11
    );
    // No more than the shelf holds.
    assert_eq!(threshold("policy A min 500"), 100);
}

#[test]
fn a_policy_that_changes_is_applied_at_once() {
    check_life(
        "product MILK
         stock MILK lot L1 floor 10
         policy P refill-below 60% target 90%
         policy P refill-below 30%",
        expect![[r"
            01-01 06:00 A-1 supplier_request MILK open, warning: 0 of 60, limit 3, +3
            01-01 06:00 A-2 refill_request MILK open, warning: 10 of 20, limit 12, +8
            01-01 06:00 T-1 MILK pending: wants 8; back-order 8
            01-01 06:00 A-2 refill_request MILK resolved
        "]],
    );
}

#[test]
fn a_policy_follows_a_product_into_another_category() {
    assert_eq!(threshold("policy C for category Frozen refill-below 70%"), 30);
    assert_eq!(
        threshold(
            "policy C for category Frozen refill-below 70%\nproduct MILK shelf 100 category Frozen"
        ),
        70
    );
}

#[test]
fn promotions_of_a_week_begin_and_end_by_themselves_and_never_add_up() {
    check_lines(
        &["costs"],
        "product MILK price 2.00
         promotion MILK 10% from 2026-01-02 to 2026-01-03
         promotion MILK 10% from 2026-01-02 to 2026-01-03
         promotion MILK 25% from 2026-01-03 to 2026-01-03
         next day
         next day
         next day",
        expect![[r"
            01-02 00:00 MILK costs 1.80: 2.00 less 10 % less 0 %
            01-03 00:00 MILK costs 1.50: 2.00 less 25 % less 0 %
        "]],
    );
    let both = run("product MILK price 2.00
         promotion MILK 10% from 2026-01-01 to 2026-01-01\nnext day");
    assert_eq!(both.store().price_cents(both.sku("MILK"), None), 200);
}

#[test]
fn prices_fall_step_by_step_before_expiry_by_the_schedule_of_the_policy() {
    let story = |policy: &str| {
        format!(
            "product FISH price 10.00\n{policy}
             stock FISH lot F1 expires 2026-01-04 floor 4\nnext day\nnext day\nnext day"
        )
    };
    check_lines(
        &["costs"],
        &story(""),
        expect![[r"
            01-02 00:00 FISH lot F1 costs 7.00: 10.00 less 0 % less 30 %
            01-03 00:00 FISH lot F1 costs 6.00: 10.00 less 0 % less 40 %
            01-04 00:00 FISH lot F1 costs 5.00: 10.00 less 0 % less 50 %
        "]],
    );
    check_lines(
        &["costs"],
        &story("policy P markdown 0d 60% 1d 20%"),
        expect![[r"
            01-03 00:00 FISH lot F1 costs 8.00: 10.00 less 0 % less 20 %
            01-04 00:00 FISH lot F1 costs 4.00: 10.00 less 0 % less 60 %
        "]],
    );
    check_lines(&["costs"], &story("policy P markdown"), expect![[""]]);
}

#[test]
fn late_and_repeated_events_are_counted_and_bytes_that_are_no_event_change_nothing() {
    let both =
        run("product MILK\nstock MILK lot L1 floor 10\n09:00 clock\n08:00 c1 picks 1 MILK\nagain");
    let counts = both.stores().counts();
    assert_eq!((counts.late, counts.duplicates, counts.quarantined.total()), (1, 1, 0));
    let mut shop = Shop::new("S001");
    shop.product("MILK", |_| {}).at("23:00").event(Body::Rejected(Box::default()));
    let both = Both::of(&shop.events());
    assert_eq!(both.store().now(), shop.events()[0].at);
    assert_eq!(both.stores().counts().quarantined.get(Reason::Unreadable as usize), 1);
}

#[test]
fn nothing_is_taken_for_a_store_that_was_not_declared() {
    let mut shop = Shop::new("S001");
    shop.product("MILK", |_| {}).delivery("MILK", "L1", 5, None);
    let mut stores = Stores::default();
    let mut effects = Effects::default();
    for event in &shop.events()[1..] {
        let outcome = stores.step(event, &mut effects);
        assert_eq!(outcome, Outcome::Quarantined(Reason::UnknownStore));
    }
    assert_eq!(stores.iter().count(), 0);
}

#[test]
fn the_stock_of_a_sku_has_a_limit_that_no_sum_can_pass() {
    let mut shop = Shop::new("S001");
    shop.product("MILK", |_| {});
    let mut events = shop.events();
    let template = events.last().unwrap().clone();
    for number in 0..1_010_u32 {
        let mut event = template.clone();
        event.id = EventId(1_000 + u128::from(number));
        event.body = Body::Delivery(Delivery {
            sku: Sku::cut("MILK"),
            lot: shelf_domain::LotCode::cut("L1"),
            units: 1_000_000,
            ..Delivery::default()
        });
        events.push(event);
    }
    let both = Both::of(&events);
    let reached = both.stores().counts().quarantined.get(Reason::LimitReached as usize);
    assert_eq!((reached, both.shelf("MILK").warehouse_units), (9, MAX_SKU_UNITS + 1_000_000));
}

#[test]
fn absurd_quantities_and_money_go_to_quarantine_and_change_nothing() {
    let mut shop = Shop::new("S001");
    shop.product("MILK", |_| {}).opening("MILK", "L1", "never", 5, 5);
    let before = Both::of(&shop.events()).hash();
    shop.opening("MILK", "L1", "never", 0, 0)
        .opening("MILK", "", "never", 1, 0)
        .delivery("MILK", "L1", 0, None)
        .delivery("MILK", "L1", 1_000_001, None)
        .pickup("c1", "MILK", u32::MAX)
        .putback("c1", "MILK", 0)
        .refill("MILK", None, 0)
        .wh_out("MILK", None, 1_000_001)
        .removal("MILK", Place::Floor, None, 0)
        .count("MILK", Place::Warehouse, 1_000_001)
        .transfer("MILK", None, 5, "")
        .weight("c1", "MILK", i64::MIN)
        .receipt("c1", &[])
        .receipt("c1", &[("MILK", 0, 100)])
        .receipt("c1", &[("MILK", 600_000, 1), ("MILK", 600_000, 1)])
        .receipt("c1", &[("MILK", 1, -1)])
        .receipt("c1", &[("MILK", 1, 100_000_001)])
        .product("", |_| {})
        .product("MILK", |spec| spec.product.price_cents = -1);
    let events = shop.events();
    let both = Both::of(&events);
    let quarantined = both.stores().counts().quarantined.total();
    // The two `product` lines are two events each; those of the shelf are one unknown, one applied.
    assert_eq!(quarantined, 20, "{before}");
    let shelf = both.shelf("MILK");
    assert_eq!((shelf.floor_units, shelf.warehouse_units, shelf.ledger.received), (5, 5, 10));
}

#[test]
fn a_time_change_moves_the_local_midnight() {
    let both = run("day 2026-03-28\nstore clock +1h then +2h from 2026-03-29 01:00
         product FISH\nstock FISH lot F1 expires 2026-03-29 floor 3
         2026-03-29 23:59 clock");
    assert_eq!((both.store().stats().days, both.shelf("FISH").ledger.removed), (1, 0));
    let both = run("day 2026-03-28\nstore clock +1h then +2h from 2026-03-29 01:00
         product FISH\nstock FISH lot F1 expires 2026-03-29 floor 3
         2026-03-30 00:00 clock");
    assert_eq!((both.store().stats().days, both.shelf("FISH").ledger.removed), (2, 3));
}

#[test]
fn a_refused_event_does_not_move_the_time() {
    let mut shop = Shop::new("S001");
    shop.product("MILK", |_| {}).opening("MILK", "L1", "2026-01-05", 10, 12);
    let taken = shop.events();
    shop.at("2026-03-20 12:00").pickup("c1", "NOBODY", 1);
    let refused = shop.events().split_off(taken.len());
    let (mut stores, mut effects) = (Stores::default(), Effects::default());
    for event in &taken {
        stores.step(event, &mut effects);
    }
    let before: Vec<_> = stores.iter().map(|store| (store.now(), store.units())).collect();
    for event in &refused {
        let outcome = stores.step(event, &mut effects);
        assert_eq!(outcome, Outcome::Quarantined(Reason::UnknownProduct));
    }
    let after: Vec<_> = stores.iter().map(|store| (store.now(), store.units())).collect();
    assert_eq!((refused.len(), before), (1, after));
}

#[test]
fn a_lot_that_is_made_for_units_of_no_known_lot_is_marked_down_at_once() {
    let told = |story: &str, expected: expect_test::Expect| {
        check_lines(&["costs"], &format!("product FISH life 2d price 10.00\n{story}"), expected);
    };
    told(
        "08:00 refill 3 FISH",
        expect![[r#"
        01-01 08:00 FISH lot UNKNOWN-20260101 costs 7.00: 10.00 less 0 % less 30 %
    "#]],
    );
    told(
        "08:00 wh_out 3 FISH",
        expect![[r#"
        01-01 08:00 FISH lot UNKNOWN-20260101 costs 7.00: 10.00 less 0 % less 30 %
    "#]],
    );
    told(
        "08:00 count 3 FISH in warehouse",
        expect![[r#"
        01-01 08:00 FISH lot COUNT-20260101 costs 7.00: 10.00 less 0 % less 30 %
    "#]],
    );
    told(
        "08:00 refill 3 FISH lot F1\n09:00 refill 2 FISH lot F2",
        expect![[r#"
        01-01 08:00 FISH lot F1 costs 7.00: 10.00 less 0 % less 30 %
        01-01 09:00 FISH lot F2 costs 7.00: 10.00 less 0 % less 30 %
    "#]],
    );
}

#[test]
fn lots_that_are_brought_in_line_at_midnight_are_told() {
    check_lines(
        &["unexplained"],
        "product MILK
         stock MILK lot L1 floor 2
         08:00 c1 pays 2 MILK at 1.00
         09:00 c2 puts back 3 MILK
         next day",
        expect![[r#"
            01-01 09:00 MILK -3 unexplained: misplaced
            01-02 00:00 MILK 3 unexplained: lot_gap
        "#]],
    );
}
