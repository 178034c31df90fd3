//! Duplicates, late events, quarantine, days and expiry, each by a story computed by hand.

use expect_test::expect;
use shelf_domain::{Body, Event, HOUR, MINUTE, Timestamp};

use super::{Counts, Model, Models, check_conservation};
use crate::builders::{Shop, parse_date};
use crate::scenario::{check_model as check, render_model, run_model};

#[test]
fn an_event_of_a_known_id_changes_nothing_and_a_clock_is_never_known() {
    let model = run_model(
        "product MILK\nstock MILK lot L1 floor 10
         08:00 c1 picks 1 MILK\nagain\nagain\n08:10 clock\nagain",
    );
    assert_eq!(model.stock("MILK").floor, 9);
    assert_eq!(model.counts(), Counts { duplicates: 2, ..Counts::default() });
}

#[test]
fn an_event_from_quarantine_may_come_again() {
    let mut shop = Shop::new("S001");
    let late = shop.delivery("MILK", "L1", 5, None).events();
    let mut events = shop.product("MILK", |_| {}).events();
    events.extend(late.last().cloned());
    let model = Model::of(&events);
    assert_eq!(model.stock("MILK").warehouse, 5);
    assert_eq!(model.counts(), Counts { quarantined: 1, ..Counts::default() });
}

#[test]
fn a_late_event_is_applied_and_counted() {
    let model = run_model(
        "product MILK\nstock MILK lot L1 floor 10\n08:10 clock
         08:09 c1 picks 1 MILK\n08:08:59 c1 picks 1 MILK",
    );
    assert_eq!(model.stock("MILK").carts, 2);
    assert_eq!(model.counts(), Counts { late: 1, ..Counts::default() });
}

#[test]
fn impossible_times_go_to_quarantine_and_leave_now_alone() {
    let shop = Shop::new("S001").product("MILK", |_| {}).events();
    let begun = shop[0].at;
    let reasons = |at: Timestamp, received_at: Timestamp| {
        let mut model = Model::of(&shop);
        let body = Body::Entry(None);
        let store = shop[0].store;
        let origin = shelf_domain::Origin::default();
        model.apply(&Event { id: shelf_domain::EventId(99), store, at, received_at, origin, body });
        let moved = model.now() != begun;
        (model.quarantine().iter().map(|(_, reason)| *reason).collect::<Vec<_>>(), moved)
    };
    let future = (vec!["time_in_future"], false);
    let old = (vec!["time_too_old"], false);
    assert_eq!(reasons(begun.plus(10 * MINUTE), begun), (vec![], true));
    assert_eq!(reasons(begun.plus(10 * MINUTE + 1), begun), future);
    assert_eq!(reasons(Timestamp::LATEST, Timestamp::LATEST), future);
    assert_eq!(reasons(Timestamp(7_304 * 24 * HOUR), begun), old);
    assert_eq!(reasons(begun.plus(-30 * 24 * HOUR), begun), (vec![], false));
    assert_eq!(reasons(begun.plus(-30 * 24 * HOUR - 1), begun), old);
}

#[test]
fn what_is_unknown_or_absurd_goes_to_quarantine() {
    let model = run_model(
        "08:00 delivery 5 MILK lot L1
         product MILK
         08:00 delivery 1000001 MILK lot L1
         08:00 delivery 1000000 MILK lot L1
         08:00 c1 pays 1 MILK at 1.00, 1 SALT at 1.00
         08:00 c1 pays 1 MILK at 1.00, 0 MILK at 1.00
         08:00 c1 pays 1000001 MILK at 1.00
         08:00 c1 pays 1 MILK at 1000000.01",
    );
    let expected = expect![[r"
        MILK: warehouse 1000000; received 1000000
          L1 (2026-01-01 to never): warehouse 1000000
    "]];
    expected.assert_eq(&render_model(&model));
    assert_eq!(model.counts().quarantined, 6);
}

#[test]
fn a_store_that_was_not_declared_takes_nothing() {
    let mut events = Shop::new("S001").product("MILK", |_| {}).events();
    events.remove(0);
    let model = Model::of(&events);
    assert_eq!((model.skus(), model.counts().quarantined), (vec![], 3));
}

#[test]
fn stores_do_not_see_each_other() {
    let mut models = Models::new();
    for (store, units) in [("S001", 3), ("S002", 5)] {
        let mut shop = Shop::new(store);
        shop.product("MILK", |_| {}).delivery("MILK", "L1", units, None);
        for event in shop.events() {
            models.apply(&event);
        }
    }
    let units = |name| models.store(name).unwrap().total().warehouse;
    assert_eq!((units("S001"), units("S002")), (3, 5));
    assert_eq!(models.stores().count(), 2);
}

const EXPIRES_TODAY: &str = "product MILK
    stock MILK lot L1 expires 2026-01-01 floor 10 warehouse 12
    stock MILK lot L2 expires 2026-01-02 floor 1 warehouse 2\n";

#[test]
fn an_expired_lot_leaves_at_the_start_of_the_next_day() {
    check(
        &format!("{EXPIRES_TODAY} 23:59:59 clock"),
        expect![[r"
            MILK: floor 11, warehouse 14; received 25
              L1 (2026-01-01 to 2026-01-01): floor 10, warehouse 12
              L2 (2026-01-01 to 2026-01-02): floor 1, warehouse 2
        "]],
    );
    check(
        &format!("{EXPIRES_TODAY} next day"),
        expect![[r"
            MILK: floor 1, warehouse 2; received 25, removed 22
              L2 (2026-01-01 to 2026-01-02): floor 1, warehouse 2
        "]],
    );
}

#[test]
fn what_of_an_expired_lot_is_in_carts_or_in_transit_stays() {
    let story = "product MILK
        stock MILK lot L1 expires 2026-01-01 floor 10 warehouse 12
        23:40 wh_out 4 MILK
        23:50 c1 picks 3 MILK
        next day\n";
    check(
        story,
        expect![[r"
            MILK: carts 3, transit 4; received 22, removed 15
              L1 (2026-01-01 to 2026-01-01): floor 3, transit 4
        "]],
    );
    check(
        &format!("{story} 02:50 clock\n03:00 refill 4 MILK\n next day"),
        expect!["MILK: received 22, removed 19, unexplained 3\n"],
    );
}

#[test]
fn by_policy_a_lot_leaves_at_closing_time() {
    let policy = format!("policy P removal same-day-evening\n{EXPIRES_TODAY}");
    assert_eq!(run_model(&format!("{policy} 21:59:59 clock")).stock("MILK").removed, 0);
    assert_eq!(run_model(&format!("{policy} 22:00 clock")).stock("MILK").removed, 22);
    let always = format!("store open always\n{policy}");
    assert_eq!(run_model(&format!("{always} 23:59:59 clock")).stock("MILK").removed, 0);
    assert_eq!(run_model(&format!("{always} next day")).stock("MILK").removed, 22);
    assert_eq!(run_model(&format!("{always} next day\n next day")).stock("MILK").removed, 25);
}

const UNKNOWN_TO_LOTS: &str = "product MILK
    08:00 c1 returns 2 MILK at 1.00
    09:00 delivery 5 MILK lot L1\n";

#[test]
fn the_lots_are_corrected_at_the_day_change() {
    check(
        &format!("{UNKNOWN_TO_LOTS} 23:59 clock"),
        expect![[r"
            MILK: floor 2, warehouse 5, lot gap 2; received 5, returned 2; revenue -2.00
              L1 (2026-01-01 to never): warehouse 5
        "]],
    );
    check(
        &format!("{UNKNOWN_TO_LOTS} next day"),
        expect![[r"
            MILK: floor 2, warehouse 5; received 5, returned 2; revenue -2.00
              L1 (2026-01-01 to never): floor 2, warehouse 5
        "]],
    );
}

#[test]
fn the_lots_are_not_corrected_while_units_are_in_carts_or_without_a_lot() {
    let held = run_model(&format!("{UNKNOWN_TO_LOTS} 23:00 c1 picks 1 MILK\nnext day"));
    assert_eq!(held.stock("MILK").lot_gap, 2);
    let nameless = run_model(&format!("{UNKNOWN_TO_LOTS} 23:00 somebody picks 1 MILK\nnext day"));
    assert_eq!(nameless.stock("MILK").lot_gap, 0);
    let no_lot = run_model("product MILK\n08:00 c1 returns 2 MILK at 1.00\nnext day");
    assert_eq!(no_lot.stock("MILK").lot_gap, 2);
}

#[test]
fn a_lot_without_units_is_known_until_the_day_change() {
    let empty = "product MILK
        stock MILK lot OLD received 2025-12-01 warehouse 1
        stock MILK lot NEW received 2026-01-01 warehouse 1
        08:00 remove 1 MILK from warehouse lot NEW\n";
    check(
        &format!("{empty} 09:00 wh_out 3 MILK"),
        expect![[r"
            MILK: transit 3; received 2, removed 1, unexplained -2
              NEW (2026-01-01 to never): transit 2
              OLD (2025-12-01 to never): transit 1
        "]],
    );
    check(
        &format!("{empty} next day\n09:00 wh_out 3 MILK"),
        expect![[r"
            MILK: transit 3; received 2, removed 1, unexplained -2
              OLD (2025-12-01 to never): transit 3
        "]],
    );
}

#[test]
fn the_day_changes_at_local_midnight_when_clocks_go_forward() {
    let story = "day 2026-03-28
        store clock +1h then +2h from 2026-03-29 01:00
        product MILK
        stock MILK lot L1 expires 2026-03-28 floor 1
        stock MILK lot L2 expires 2026-03-29 floor 2\n";
    let at = |story: &str| {
        let model = run_model(story);
        let midnight = i64::from(parse_date("2026-03-29").unwrap().0) * 24 * HOUR;
        (model.stock("MILK").removed, (model.now().0 - midnight) / MINUTE)
    };
    assert_eq!(at(&format!("{story} 23:59 clock")), (0, -61));
    assert_eq!(at(&format!("{story} next day")), (1, -60));
    assert_eq!(at(&format!("{story} 2026-03-29 23:59 clock")), (1, 22 * 60 - 1));
    assert_eq!(at(&format!("{story} 2026-03-30 00:00 clock")), (3, 22 * 60));
}

#[test]
fn the_day_changes_at_local_midnight_when_clocks_go_back() {
    let story = "day 2026-10-24
        store clock +2h then +1h from 2026-10-25 01:00
        product MILK
        stock MILK lot L1 expires 2026-10-24 floor 1
        stock MILK lot L2 expires 2026-10-25 floor 2\n";
    let at = |story: &str| {
        let model = run_model(story);
        let midnight = i64::from(parse_date("2026-10-25").unwrap().0) * 24 * HOUR;
        (model.stock("MILK").removed, (model.now().0 - midnight) / MINUTE)
    };
    assert_eq!(at(&format!("{story} next day")), (1, -120));
    assert_eq!(at(&format!("{story} 2026-10-25 23:59 clock")), (1, 23 * 60 - 1));
    assert_eq!(at(&format!("{story} 2026-10-26 00:00 clock")), (3, 23 * 60));
}

#[test]
fn a_delivery_counts_as_received_on_the_local_date_of_its_own_time() {
    check(
        "store clock -5h
         product MILK life 1d
         20:00 clock            # 01:00 UTC of the next day
         20:00 delivery 1 MILK lot L1
         next day
         2026-01-01 23:00 delivery 1 MILK lot L2",
        expect![[r"
            MILK: warehouse 2; received 2
              L1 (2026-01-01 to 2026-01-02): warehouse 1
              L2 (2026-01-01 to 2026-01-02): warehouse 1
        "]],
    );
}

#[test]
fn where_nobody_confirms_units_arrive_by_themselves() {
    let story = "store timed
        product MILK
        stock MILK lot L1 warehouse 5
        09:00 wh_out 3 MILK\n";
    assert_eq!(run_model(&format!("{story} 09:02:59 clock")).stock("MILK").transit, 3);
    assert_eq!(run_model(&format!("{story} 09:03 clock")).stock("MILK").floor, 3);
}

#[test]
fn a_loss_is_found() {
    let mut model = run_model("product MILK\nstock MILK lot L1 floor 5 warehouse 5");
    assert_eq!(check_conservation(&model), Ok(()));
    let sound = model.clone();
    model.books.get_mut("MILK").unwrap().warehouse -= 1;
    assert!(check_conservation(&model).unwrap_err().contains("10 came, 9 here"));
    let mut model = sound;
    model.books.get_mut("MILK").unwrap().lots.get_mut("L1").unwrap().floor += 1;
    assert!(check_conservation(&model).unwrap_err().contains("lots have 6 in floor, not 5"));
}
