//! What is out of the ordinary, told as stories: each rule opens, stays quiet where it should, and
//! ends by itself.

use std::fmt::Write;

use expect_test::{Expect, expect};
use shelf_testkit::check_lines;

/// Shows the alerts of one rule in a shop that looks for what is out of the ordinary.
#[track_caller]
#[allow(clippy::needless_pass_by_value)] // As `check_lines` has it.
fn check(rule: &str, story: &str, expected: Expect) {
    check_lines(&[rule], &format!("store watchful open 07:00 to 22:00\n{story}"), expected);
}

const MILK: &str = "product MILK shelf 40 warehouse 100 price 2.00 cost 1.00
    stock MILK lot L1 floor 40 warehouse 60\n";

/// Twelve windows of five minutes with a receipt of three units each.
fn usual_sales() -> String {
    let mut story = MILK.replace("warehouse 60", "warehouse 100");
    for window in 0..12 {
        let (hour, minute) = (8 + window / 12, window * 5 % 60);
        // A text takes every line.
        let _ = writeln!(story, "{hour:02}:{minute:02} somebody pays 3 MILK at 2.00");
    }
    story
}

#[test]
fn a_product_that_sells_far_more_than_before_is_a_spike_and_passes() {
    let spike = format!(
        "{} 09:01 somebody pays 6 MILK at 2.00
         09:02 somebody pays 5 MILK at 2.00
         09:06 clock
         10:30 clock",
        usual_sales()
    );
    check(
        "sales_spike",
        &spike,
        expect![[r#"
        01-01 09:05 A-5 sales_spike MILK open, warning: 100 of 140, limit 11
        01-01 10:05 A-5 sales_spike MILK resolved
    "#]],
    );
    // A little more is no spike.
    let more = format!("{} 09:01 somebody pays 7 MILK at 2.00\n 09:06 clock", usual_sales());
    check("sales_spike", &more, expect![[""]]);
}

#[test]
fn a_product_that_hardly_sells_makes_no_spike_of_its_next_sales() {
    let story = format!(
        "{MILK} 08:01 somebody pays 1 MILK at 2.00
         10:01 somebody pays 3 MILK at 2.00
         10:02 somebody pays 3 MILK at 2.00
         10:10 clock"
    );
    check("sales_spike", &story, expect![[""]]);
}

#[test]
fn a_receipt_of_much_money_is_told() {
    let story = "product TV shelf 5 warehouse 5 price 600.00
        stock TV lot L1 floor 5 warehouse 5
        08:00 c1 pays 1 TV at 600.00
        08:10 c2 pays 2 TV at 600.00
        10:00 clock";
    check(
        "high_value_sale",
        story,
        expect![[r#"
        01-01 08:10 A-2 high_value_sale store open, info: 0 of 0, limit 120000
        01-01 09:10 A-2 high_value_sale store resolved
    "#]],
    );
    let limit = format!("policy RICH high-value 2000.00\n{story}");
    check("high_value_sale", &limit, expect![[""]]);
}

#[test]
fn the_last_unit_in_the_shop_is_told_and_so_is_the_delivery_that_ends_it() {
    let story = "product MILK shelf 40 warehouse 100 price 2.00
        stock MILK lot L1 floor 3
        08:00 c1 picks 3 MILK
        08:05 c1 pays 3 MILK at 2.00
        12:00 delivery 40 MILK lot L2";
    check(
        "out_of_stock",
        story,
        expect![[r#"
        01-01 08:05 A-5 out_of_stock MILK open, critical: 0 of 140, limit 1
        01-01 12:00 A-5 out_of_stock MILK resolved
    "#]],
    );
}

#[test]
fn little_in_the_whole_shop_is_low_stock_with_hysteresis() {
    let story = "product MILK shelf 40 warehouse 100 price 2.00
        stock MILK lot L1 floor 12
        08:00 c1 pays 1 MILK at 2.00
        08:01 c1 pays 1 MILK at 2.00
        08:02 delivery 1 MILK lot L2
        08:03 delivery 1 MILK lot L2";
    check(
        "low_stock",
        story,
        expect![[r#"
        01-01 08:01 A-3 low_stock MILK open, warning: 10 of 140, limit 10
        01-01 08:03 A-3 low_stock MILK resolved
    "#]],
    );
    check("low_stock", &format!("policy FEW low-stock 5\n{story}"), expect![[""]]);
    check("low_stock", &format!("policy NONE off low_stock\n{story}"), expect![[""]]);
}

#[test]
fn a_policy_that_is_narrower_wins() {
    let story = "policy ALL low-stock 1
        policy DAIRY for category Dairy low-stock 8
        product MILK shelf 40 warehouse 100 category Dairy
        product SOAP shelf 40 warehouse 100 category Bath
        stock MILK lot L1 floor 9
        stock SOAP lot L1 floor 9
        08:00 c1 pays 2 MILK at 2.00, 2 SOAP at 2.00";
    check(
        "low_stock",
        story,
        expect![[r#"
        01-01 08:00 A-7 low_stock MILK open, warning: 7 of 140, limit 8
    "#]],
    );
}

#[test]
fn a_shelf_that_loses_more_than_half_in_a_window_depletes() {
    let story = format!(
        "{MILK} 08:01 c1 picks 12 MILK
         08:02 c2 picks 12 MILK
         08:12 clock
         09:30 clock"
    );
    check(
        "rapid_depletion",
        &story,
        expect![[r#"
        01-01 08:04 A-1 rapid_depletion MILK open, warning: 100 of 140, limit 24
        01-01 09:10 A-1 rapid_depletion MILK resolved
    "#]],
    );
    let half = format!("{MILK} 08:01 c1 picks 20 MILK\n 08:12 clock");
    check("rapid_depletion", &half, expect![[""]]);
    let few =
        "product MILK shelf 4\n stock MILK lot L1 floor 4\n 08:01 c1 picks 4 MILK\n 08:12 clock";
    check("rapid_depletion", few, expect![[""]]);
}

#[test]
fn more_than_there_is_room_for_is_overstock() {
    let story = "product MILK shelf 40 warehouse 60
        stock MILK lot L1 floor 40 warehouse 50
        08:00 delivery 20 MILK lot L2
        08:01 c1 pays 10 MILK at 2.00
        08:02 c1 pays 6 MILK at 2.00";
    check(
        "overstock",
        story,
        expect![[r#"
        01-01 08:00 A-1 overstock MILK open, info: 110 of 100, limit 100
        01-01 08:02 A-1 overstock MILK resolved
    "#]],
    );
    let unknown = "product MILK shelf 0 warehouse 0
        stock MILK lot L1 floor 150
        08:00 delivery 60 MILK lot L2";
    check(
        "overstock",
        unknown,
        expect![[r#"
            01-01 08:00 A-2 overstock MILK open, info: 210 of 0, limit 200
        "#]],
    );
}

#[test]
fn the_safety_stock_is_a_policy_or_what_a_day_sells_asks_for() {
    let story = "policy SAFE safety 15
        product MILK shelf 40 warehouse 60
        stock MILK lot L1 floor 16
        08:00 c1 pays 2 MILK at 2.00
        08:05 delivery 10 MILK lot L2";
    check(
        "below_safety_stock",
        story,
        expect![[r#"
        01-01 08:00 A-3 below_safety_stock MILK open, info: 14 of 100, limit 15
        01-01 08:05 A-3 below_safety_stock MILK resolved
    "#]],
    );
    let learnt = "product MILK shelf 40 warehouse 60
        stock MILK lot L1 floor 30
        08:00 c1 pays 20 MILK at 2.00
        next day
        08:00 c1 pays 4 MILK at 2.00";
    check(
        "below_safety_stock",
        learnt,
        expect![[r#"
        01-02 08:00 A-7 below_safety_stock MILK open, info: 6 of 100, limit 7
    "#]],
    );
}

#[test]
fn a_price_that_nothing_explains_is_told() {
    let off = format!("{MILK} 08:00 c1 pays 1 MILK at 1.50\n 10:00 clock");
    check(
        "price_anomaly",
        &off,
        expect![[r#"
        01-01 08:00 A-1 price_anomaly MILK open, info: 100 of 140, limit 150
        01-01 09:00 A-1 price_anomaly MILK resolved
    "#]],
    );
    let below_cost = format!("{MILK} 08:00 c1 pays 2 MILK at 0.90");
    check(
        "price_anomaly",
        &below_cost,
        expect![[r#"
        01-01 08:00 A-1 price_anomaly MILK open, warning: 100 of 140, limit 90
    "#]],
    );
    let promoted = "product MILK shelf 40 price 2.00 cost 1.00
        stock MILK lot L1 floor 40
        promotion MILK 25% from 2026-01-01 to 2026-01-07
        08:00 c1 pays 1 MILK at 1.50";
    check("price_anomaly", promoted, expect![[""]]);
    let marked_down = "product MILK shelf 40 price 2.00 cost 1.50
        stock MILK lot L1 expires 2026-01-01 floor 40
        08:00 c1 pays 1 MILK at 1.00 lot L1";
    check("price_anomaly", marked_down, expect![[""]]);
}

#[test]
fn a_sensor_that_says_nothing_while_the_till_sells_is_silent() {
    let story = format!(
        "{MILK} 08:00 c1 picks 1 MILK
         08:05 c1 pays 1 MILK at 2.00
         13:00 c2 pays 2 MILK at 2.00
         13:01 c3 pays 1 MILK at 2.00
         13:02 c3 pays 1 MILK at 2.00
         14:00 c4 picks 1 MILK"
    );
    check(
        "sensor_silent",
        &story,
        expect![[r#"
            01-01 13:01 A-1 sensor_silent MILK open, warning: 96 of 140, limit 3
            01-01 14:00 A-1 sensor_silent MILK resolved
        "#]],
    );
    // A shelf that has no sensor is not silent.
    let none = format!("{MILK} 08:00 c2 pays 9 MILK at 2.00\n 20:00 c3 pays 9 MILK at 2.00");
    check("sensor_silent", &none, expect![[""]]);
}

#[test]
fn tills_that_say_nothing_while_customers_leave_are_silent() {
    let leave = |minute: u32| {
        (1..=5).fold(String::new(), |all, n| {
            all + &format!(
                "09:{minute:02} c{n} leaves
"
            )
        })
    };
    let story = format!(
        "{MILK} 08:30 c9 pays 1 MILK at 2.00\n{}{}09:20 c8 pays 1 MILK at 2.00",
        leave(0),
        leave(10)
    );
    check(
        "till_silent",
        &story,
        expect![[r#"
        01-01 09:10 A-1 till_silent store open, critical: 0 of 0, limit 40
        01-01 09:20 A-1 till_silent store resolved
    "#]],
    );
}

#[test]
fn an_alert_about_the_unusual_has_the_life_of_any_other() {
    let story = format!(
        "{MILK} 08:00 c1 pays 1 MILK at 1.50
         08:01 Ann acknowledges A-1
         08:02 Ann dismisses A-1 agreed
         08:03 c2 pays 1 MILK at 1.50
         10:00 c3 pays 1 MILK at 1.50"
    );
    check(
        "price_anomaly",
        &story,
        expect![[r#"
        01-01 08:00 A-1 price_anomaly MILK open, info: 100 of 140, limit 150
        01-01 08:01 A-1 price_anomaly MILK acknowledged by Ann
        01-01 08:02 A-1 price_anomaly MILK dismissed by Ann "agreed"
        01-01 10:00 A-2 price_anomaly MILK open, info: 98 of 140, limit 150
    "#]],
    );
}
