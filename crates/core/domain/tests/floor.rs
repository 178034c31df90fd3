//! The floor, told as stories: sensors, carts, the till, prices, visits.

use expect_test::expect;
use shelf_testkit::{check, check_life, check_lines, run};

#[test]
fn pickups_putbacks_and_refills_move_units() {
    check(
        "product MILK
         stock MILK lot L1 floor 10 warehouse 5
         08:00 c1 picks 3 MILK
         08:01 c1 puts back 1 MILK
         08:05 c1 pays 2 MILK at 1.99
         08:10 refill 5 MILK",
        expect![[r"
            MILK: floor 13; received 15, sold 2; revenue 3.98
              L1 (2026-01-01 to never): floor 13
        "]],
    );
}

const SCALE: &str = "product HAM weight 100g sensor weight
    stock HAM lot L1 floor 10\n";

#[test]
fn a_shelf_that_only_weighs_tells_units_within_a_tolerance() {
    let floor = |grams: i64| {
        let both = run(&format!("{SCALE} 08:00 shelf HAM weighs {grams}g by c1"));
        let shelf = both.shelf("HAM");
        (shelf.floor_units, shelf.cart_units, shelf.disputed_floor_units)
    };
    assert_eq!(floor(-300), (7, 3, 0));
    assert_eq!(floor(-281), (7, 3, 0));
    assert_eq!(floor(-321), (10, 0, 1));
    assert_eq!(floor(-40), (10, 0, 1));
    assert_eq!(floor(100), (11, 0, 1));
}

#[test]
fn a_reading_that_is_no_number_of_units_is_told() {
    check_life(
        &format!("{SCALE} 08:00 shelf HAM weighs -150g"),
        expect![[r"
            01-01 06:00 A-1 supplier_request HAM open, warning: 0 of 60, limit 3, +3
            01-01 08:00 A-2 stock_discrepancy HAM open, info: 10 of 20, limit 1
        "]],
    );
}

/// A shelf that counts units and weighs them: the first reading is where its scale begins.
const BOTH_SENSORS: &str = "product MILK weight 1000g
    stock MILK lot L1 floor 10
    08:00 shelf MILK weighs 10000g\n";

#[test]
fn weights_that_contradict_the_count_open_a_discrepancy_after_a_while() {
    let story =
        format!("{BOTH_SENSORS} 08:10 c1 picks 2 MILK\n08:10:01 shelf MILK weighs -1000g\n");
    check_life(
        &format!("{story} 08:24:59 clock"),
        expect![[r"
            01-01 06:00 A-1 supplier_request MILK open, warning: 0 of 60, limit 3, +3
        "]],
    );
    check_life(
        &format!("{story} 08:25 clock"),
        expect![[r"
            01-01 06:00 A-1 supplier_request MILK open, warning: 0 of 60, limit 3, +3
            01-01 08:25 A-2 stock_discrepancy MILK open, info: 8 of 20, limit 1
        "]],
    );
}

#[test]
fn weights_that_follow_the_count_open_nothing() {
    check_life(
        &format!(
            "{BOTH_SENSORS} 08:10 c1 picks 2 MILK
             08:12 shelf MILK weighs -2030g
             08:13 shelf MILK weighs 990g
             08:14 c1 puts back 1 MILK
             09:00 clock
             10:00 c1 pays 1 MILK at 1.00
             11:00 clock"
        ),
        expect![[r"
            01-01 06:00 A-1 supplier_request MILK open, warning: 0 of 60, limit 3, +3
        "]],
    );
}

#[test]
fn a_sensor_tells_the_weight_of_a_unit_to_a_shop_that_does_not_know_it() {
    use shelf_domain::{Body, Sku};
    let mut shop = shelf_testkit::Shop::new("S001");
    shop.product("HAM", |spec| {
        spec.product.unit_weight_g = 0;
        spec.shelf.sensor = shelf_domain::Sensor::WeightOnly;
    });
    shop.opening("HAM", "L1", "never", 10, 0);
    let touch = shelf_domain::ShelfTouch {
        sku: Sku::cut("HAM"),
        units: 1,
        unit_weight_g: 200,
        ..shelf_domain::ShelfTouch::default()
    };
    shop.event(Body::Pickup(touch)).weight("c1", "HAM", -400);
    let both = shelf_testkit::Both::of(&shop.events());
    assert_eq!(both.shelf("HAM").floor_units, 7);
}

#[test]
fn a_sale_consumes_the_cart_then_the_shelf_and_never_goes_below_zero() {
    check(
        "product MILK
         stock MILK lot L1 floor 5
         08:00 c1 picks 3 MILK
         08:05 c1 pays 9 MILK at 1.00",
        expect![[r"
            MILK: received 5, sold 9, unexplained -4; revenue 9.00
        "]],
    );
    check_lines(
        &["unexplained", "stock_discrepancy"],
        "product MILK
         stock MILK lot L1 floor 5
         08:00 c1 picks 3 MILK
         08:05 c1 pays 9 MILK at 1.00",
        expect![[r"
            01-01 08:05 MILK -4 unexplained: oversold
            01-01 08:05 A-3 stock_discrepancy MILK open, warning: 0 of 20, limit 4
        "]],
    );
}

#[test]
fn a_pickup_seen_after_its_sale_is_no_second_one() {
    let both = run("product MILK\nstock MILK lot L1 floor 10
         08:05 c1 pays 2 MILK at 1.00\n08:04 c1 picks 2 MILK");
    let shelf = both.shelf("MILK");
    assert_eq!((shelf.floor_units, shelf.cart_units, shelf.ledger.sold), (8, 0, 2));
    assert!(both.cart("c1").is_some_and(|cart| cart.lines[0].held_units == 0));
}

#[test]
fn what_is_never_paid_is_written_off_and_found_again_by_a_late_receipt() {
    check_lines(
        &["unexplained"],
        "product MILK
         stock MILK lot L1 floor 10
         08:00 c1 picks 2 MILK
         08:10 c1 leaves
         09:00 c1 pays 2 MILK at 1.00",
        expect![[r"
            01-01 09:00 MILK 2 unexplained: unscanned
            01-01 09:00 MILK -2 unexplained: paid_late
        "]],
    );
}

#[test]
fn a_receipt_is_taken_whole_or_not_at_all() {
    check(
        "product MILK
         stock MILK lot L1 floor 10
         08:00 c1 pays 2 MILK at 1.00, 1 GHOST at 1.00",
        expect![[r"
            MILK: floor 10; received 10
              L1 (2026-01-01 to never): floor 10
        "]],
    );
}

#[test]
fn a_return_comes_back_to_its_lot() {
    check(
        "product MILK
         stock MILK lot L1 expires 2026-02-01 floor 3
         stock MILK lot L2 expires 2026-02-05 floor 3
         08:00 c1 pays 1 MILK at 1.50 lot L2
         09:00 c1 returns 1 MILK at 1.50 lot L2
         09:10 c2 returns 1 MILK at 1.50",
        expect![[r"
            MILK: floor 7; received 6, returned 2, sold 1; revenue -1.50
              L1 (2026-01-01 to 2026-02-01): floor 4
              L2 (2026-01-01 to 2026-02-05): floor 3
        "]],
    );
}

#[test]
fn a_price_is_list_less_promotion_less_markdown_to_the_cent() {
    check_lines(
        &["costs"],
        "product MILK price 1.99
         promotion MILK 10% from 2026-01-02 to 2026-01-03
         stock MILK lot L1 expires 2026-01-04 floor 5
         next day
         next day
         08:00 price MILK 2.49
         next day
         next day",
        expect![[r"
            01-02 00:00 MILK costs 1.79: 1.99 less 10 % less 0 %
            01-02 00:00 MILK lot L1 costs 1.25: 1.99 less 10 % less 30 %
            01-03 00:00 MILK lot L1 costs 1.07: 1.99 less 10 % less 40 %
            01-03 08:00 MILK costs 2.24: 2.49 less 10 % less 0 %
            01-03 08:00 MILK lot L1 costs 1.34: 2.49 less 10 % less 40 %
            01-04 00:00 MILK lot L1 costs 1.49: 2.49 less 0 % less 40 %
            01-04 00:00 MILK lot L1 costs 1.25: 2.49 less 0 % less 50 %
        "]],
    );
}

#[test]
fn who_is_in_the_store_is_counted() {
    let visits = |story: &str| {
        let both = run(&format!("product MILK\n{story}"));
        let visits = *both.store().visits();
        (visits.present, visits.peak_today, visits.entries_today)
    };
    let day = "08:00 c1 enters\n08:01 c2 enters\n08:02 somebody enters\n08:10 c1 leaves\n";
    assert_eq!(visits(day), (2, 3, 3));
    let session = format!("{day} 08:20 c3 enters until 08:50\n");
    assert_eq!(visits(&session), (3, 3, 4));
    assert_eq!(visits(&format!("{session} 08:50 clock")), (2, 3, 4));
    assert_eq!(visits(&format!("{day} next day\n")), (0, 0, 0));
    let more_left = "08:00 somebody leaves\n08:01 somebody leaves\n08:02 c1 enters";
    assert_eq!(visits(more_left), (1, 1, 1));
}

#[test]
fn a_lost_exit_keeps_nobody_in_the_store() {
    let present = |story: &str| {
        let both = run(&format!("product MILK\n{story}"));
        (both.store().visits().present, both.store().stats().exits_missed)
    };
    // Closed at 22:00; half an hour later nobody is there.
    let day = "08:00 c1 enters\n08:01 c2 enters\n08:10 c2 leaves\n21:50 c3 enters\n";
    assert_eq!(present(&format!("{day} 22:29:59 clock")), (2, 0));
    assert_eq!(present(&format!("{day} 22:30 clock")), (0, 2));
    // An exit that was under way all night lets nobody out who came in the morning.
    let late = format!("{day} next day\n08:00 c4 enters\n2026-01-01 21:59 c3 leaves\n");
    assert_eq!(present(&late), (1, 2));
    // One exit in ten is lost, for three days.
    let visit = |day: u32, minute: u32| {
        let leaves = format!("2026-01-0{day} 10:{minute} c{minute} leaves\n");
        let leaves = if minute.is_multiple_of(10) { String::new() } else { leaves };
        format!("2026-01-0{day} 09:{minute} c{minute} enters\n{leaves}")
    };
    let visits = (1..=3).flat_map(|day| (10..60).map(move |minute| visit(day, minute)));
    let drift: String = visits.collect();
    let drift = |rest: &str| present(&format!("{drift}{rest}"));
    assert_eq!(drift(""), (5, 10));
    assert_eq!(drift("2026-01-03 23:00 clock"), (0, 15));
}

#[test]
fn where_a_store_never_closes_a_visit_lapses_after_a_day() {
    let present = |rest: &str| {
        let story =
            format!("store open always\nproduct MILK\n08:00 c1 enters\n20:00 c2 enters\n{rest}");
        run(&story).store().visits().present
    };
    assert_eq!(present("2026-01-02 07:59 c3 enters"), 3);
    assert_eq!(present("2026-01-02 08:00 c3 enters"), 2);
    assert_eq!(present("2026-01-03 00:00 clock"), 0);
    // The end of a session is that visit's, not the last one's.
    let session = "2026-01-02 09:00 c4 enters until 09:30\n2026-01-02 09:10 c5 enters\n";
    assert_eq!(present(&format!("{session} 2026-01-02 09:31 clock")), 2);
}

#[test]
fn a_session_that_cannot_be_is_refused() {
    let quarantined = |exit: &str| {
        let both = run(&format!("product MILK\n08:00 c1 enters until {exit}"));
        both.store().stats().quarantined.total()
    };
    assert_eq!([quarantined("08:00"), quarantined("07:59")], [0, 1]);
}

#[test]
fn availability_counts_open_time_of_whole_days_only() {
    // Open from 07:00 to 22:00: empty from 19:00 on is 3 hours of 15, and the night does not count.
    let part = |story: &str| {
        let both = run(&format!("product MILK\nstock MILK lot L1 floor 6\n{story}"));
        both.store().on_shelf_availability().map(|part| part.0)
    };
    assert_eq!(part("19:00 c1 pays 6 MILK at 1.00"), None);
    assert_eq!(part("19:00 c1 pays 6 MILK at 1.00\nnext day"), Some(8_000));
    assert_eq!(
        part("19:00 c1 pays 6 MILK at 1.00\nnext day\n14:30 refill 6 MILK\nnext day"),
        Some(6_500)
    );
    assert_eq!(part("05:00 clock\nnext day"), Some(10_000));
}

#[test]
fn a_closed_day_teaches_nothing_and_does_not_count() {
    let learnt = |store: &str| {
        let both = run(&format!(
            "store {store}
             product MILK daily 4\nstock MILK lot L1 floor 12
             10:00 c1 pays 4 MILK at 1.00
             2026-01-02 10:00 c1 pays 8 MILK at 1.00
             2026-01-03 12:00 clock"
        ));
        let demand = both.shelf("MILK").demand;
        let availability = both.store().on_shelf_availability().map(|part| part.0);
        (demand.days, demand.daily_milli, demand.sold_today, availability)
    };
    let hours = "open 08:00 to 20:00";
    assert_eq!(learnt(hours), (2, 5_000, 0, Some(5_833)));
    assert_eq!(learnt(&format!("{hours} closed-on 2026-01-02")), (1, 4_000, 0, Some(10_000)));
}

#[test]
fn opening_hours_and_time_zone_are_the_stores_own() {
    // UTC-5: 19:00 there is midnight in UTC.
    let both = run("store clock -5h open 08:00 to 20:00
         product MILK\nstock MILK lot L1 expires 2026-01-01 floor 6
         19:30 clock\n20:00 c1 pays 6 MILK at 1.00\n23:59 clock");
    let store = both.store();
    assert_eq!(
        (store.day(), store.stats().days),
        (shelf_testkit::builders::parse_date("2026-01-01").unwrap(), 0)
    );
    assert_eq!(store.on_shelf_availability(), None);
    let both = run("store clock -5h open 08:00 to 20:00\nproduct MILK
         stock MILK lot L1 floor 6\n20:00 c1 pays 6 MILK at 1.00\nnext day");
    assert_eq!(both.store().on_shelf_availability().map(|part| part.0), Some(10_000));
}

#[test]
fn the_cart_of_nobody_takes_every_sku_and_keeps_nothing_of_a_sale() {
    let mut shop = shelf_testkit::Shop::new("S001");
    let skus: Vec<String> = (0..4_200).map(|number| format!("P{number}")).collect();
    for sku in &skus {
        shop.product(sku, |_| {}).pickup("", sku, 1);
    }
    shop.receipt("", &[("P7", 1, 100), ("P4199", 2, 100)]);
    let mut stores = shelf_domain::Stores::default();
    let mut effects = shelf_domain::Effects::default();
    for event in shop.events() {
        stores.step(&event, &mut effects);
    }
    assert_eq!(stores.counts().quarantined.total(), 0);
    assert_eq!(stores.iter().next().unwrap().units().carts, 4_198);
}

#[test]
fn a_cart_that_is_full_refuses_a_receipt_before_it_is_touched() {
    use shelf_domain::{MAX_CART_LINES, Reason};
    let mut shop = shelf_testkit::Shop::new("S001");
    let skus: Vec<String> = (0..=MAX_CART_LINES).map(|number| format!("P{number}")).collect();
    for sku in &skus {
        shop.product(sku, |_| {});
    }
    for sku in &skus[..MAX_CART_LINES - 1] {
        shop.pickup("c1", sku, 1);
    }
    let (last, over) = (skus[MAX_CART_LINES - 1].as_str(), skus[MAX_CART_LINES].as_str());
    shop.receipt("c1", &[(last, 1, 100), (over, 1, 100)]);
    shop.receipt("c1", &[(last, 1, 100), ("P0", 1, 100)]);
    let mut stores = shelf_domain::Stores::default();
    let mut effects = shelf_domain::Effects::default();
    for event in shop.events() {
        stores.step(&event, &mut effects);
    }
    assert_eq!(stores.counts().quarantined.get(Reason::LimitReached as usize), 1);
    let store = stores.iter().next().unwrap();
    assert_eq!((store.units().sold, store.revenue_cents()), (2, 200));
    assert!(store.violations().is_empty());
}
