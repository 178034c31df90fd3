//! What the product that this one learns from got wrong, and what must therefore never come back
//! here. Each test is named after the defect, in our words; the number is that of the list in the
//! reference, section 8.2.

use shelf_domain::{AlertStatus, Effect, Outcome, Rule};
use shelf_testkit::{Both, life, run};

/// A shelf of 20, refilled below 6 up to 16.
const LOW: &str = "product MILK
    stock MILK lot L1 expires 2026-02-01 floor 10 warehouse 8
    stock MILK lot L2 expires 2026-03-01 warehouse 30
    08:00 c1 picks 5 MILK\n";

/// 3.
#[test]
fn a_refill_that_is_wanted_is_never_lost_for_being_too_young_or_for_lack_of_stock() {
    // Looked at long before its delay has passed, and again and again.
    let young = run(&format!("{LOW} 08:00:01 clock\n08:00:30 clock\n08:00:59 clock\n08:01 clock"));
    let task = young.store().tasks().next().unwrap();
    assert_eq!(task.allocations.iter().map(|part| part.reserved_units).sum::<u32>(), 11);
    // Nothing in the warehouse for days.
    let poor = run("product MILK\nstock MILK lot L1 floor 2\nnext day\nnext day\nnext day
         09:00 delivery 30 MILK lot L2");
    let task = poor.store().tasks().next().unwrap();
    assert_eq!((task.backorder_units, task.allocations[0].reserved_units), (0, 14));
    // Saved and restored while it waits.
    let mut restored = run(&format!("{LOW} 08:00:01 clock")).restored();
    let events = shelf_testkit::parse(&format!("{LOW} 08:01 clock")).unwrap();
    restored.step(events.last().unwrap()).unwrap();
    assert_eq!(restored.store().tasks().next().unwrap().allocations.len(), 2);
}

/// 4.
#[test]
fn a_shelf_has_one_refill_under_way_and_a_supplier_one_order_for_a_cut_off() {
    let busy = format!(
        "{LOW} 08:02 c2 picks 1 MILK\n08:03 c2 picks 1 MILK\n09:30 c2 picks 1 MILK
         09:40 wh_out 6 MILK for T-1\n09:45 c2 picks 1 MILK\n11:00 c2 picks 1 MILK"
    );
    let both = run(&busy);
    assert_eq!(both.store().stats().tasks_begun, 1);
    assert_eq!(both.store().stats().alerts_opened.get(Rule::RefillRequest as usize), 1);
    for lot in both.store().lots(both.sku("MILK")) {
        assert!(lot.reserved_units <= lot.warehouse_units);
    }
    let farm = "supplier FARM cutoffs thu 12:00 deliveries fri 08:00 lead 20h\n";
    let both = run(&format!(
        "product MILK supplier FARM daily 10 warehouse 200\nstock MILK lot L1 floor 16\n{farm}
         11:10 clock\n{farm} 11:20 clock\n{farm} product MILK supplier FARM daily 10 warehouse 200
         11:30 remove 1 MILK from floor\n12:30 clock\n{farm} 13:00 remove 1 MILK from floor
         18:00 clock"
    ));
    assert_eq!((both.store().orders().count(), both.store().stats().orders_sent), (1, 1));
}

/// 5.
#[test]
fn what_comes_twice_counts_once_whatever_it_is_and_wherever_the_run_was_cut() {
    let story = format!(
        "{LOW} 08:05 wh_out 11 MILK for T-1\n08:10 refill 11 MILK for T-1
         08:20 c1 pays 5 MILK at 1.00\n09:00 delivery 12 MILK lot L3\n09:10 count 15 MILK on floor
         09:20 remove 2 MILK from floor\n09:30 transfer 3 MILK to S002\n10:00 c1 leaves"
    );
    let events = shelf_testkit::parse(&story).unwrap();
    let once = Both::of(&events);
    let twice = events.iter().flat_map(|event| [event.clone(), event.clone()]);
    assert_eq!(Both::of(&twice.collect::<Vec<_>>()).hash(), once.hash());
    for cut in 1..events.len() {
        // The state was saved at the cut; the log is read again from two events before.
        let mut both = Both::of(&events[..cut]).restored();
        for event in &events[cut.saturating_sub(2)..] {
            both.step(event).unwrap();
        }
        assert_eq!(both.hash(), once.hash(), "cut at {cut}");
    }
}

/// 7.
#[test]
fn expiry_follows_the_product_and_lots_without_units_neither_hide_nor_raise_a_warning() {
    let both = run("product FISH life 3d\n08:00 delivery 10 FISH lot F1\n09:00 wh_out 10 FISH
         09:10 refill 10 FISH");
    let lot = *both.store().lots(both.sku("FISH")).next().unwrap();
    assert_eq!(lot.expiry_day, both.store().day().plus(3));
    // The warehouse ships what expires first, never what has expired, and lets nothing lie.
    let both = run("product FISH\nstock FISH lot OLD expires 2026-01-01 warehouse 5
         stock FISH lot NEW expires 2026-03-01 warehouse 5\nnext day");
    assert_eq!((both.shelf("FISH").warehouse_units, both.shelf("FISH").ledger.removed), (5, 5));
    // A lot near its expiry that has sold out raises no warning...
    let near = |story: &str| {
        let both = run(story);
        let alerts = both.store().alerts();
        alerts.iter().filter(|alert| alert.rule == Rule::NearExpiry).count()
    };
    let two = "product FISH\nstock FISH lot A expires 2026-01-03 floor 2
         stock FISH lot B expires 2026-03-01 floor 9\n08:00 c1 pays 2 FISH at 1.00\n";
    assert_eq!(near(two), 0);
    // ... and one that is empty and past its date hides none.
    let hidden = "product FISH\nstock FISH lot A expires 2025-12-31 floor 2
         stock FISH lot B expires 2026-01-04 floor 9\n08:00 c1 pays 2 FISH at 1.00 lot A\n";
    assert_eq!(near(hidden), 1);
}

/// 9.
#[test]
fn cuts_reach_the_price_every_week_and_never_compound_when_said_again() {
    let week = "promotion MILK 10% from 2026-01-05 to 2026-01-11
         promotion MILK 20% from 2026-01-12 to 2026-01-18\n";
    let price = |story: &str| {
        let both = run(&format!("product MILK price 10.00\n{story}"));
        both.store().price_cents(both.sku("MILK"), None)
    };
    assert_eq!(price(&format!("{week} 2026-01-05 08:00 clock")), 900);
    assert_eq!(price(&format!("{week} 2026-01-12 08:00 clock")), 800);
    assert_eq!(price(&format!("{week} 2026-01-19 08:00 clock")), 1_000);
    assert_eq!(price(&format!("{week}{week}{week} 2026-01-05 08:00 clock\n{week}")), 900);
    // A lot's own cut: today's and tomorrow's, each by the days that are left, whoever asks again.
    let lot_price = |story: &str| {
        let both = run(&format!(
            "product MILK price 10.00\nstock MILK lot L1 expires 2026-01-02 floor 5\n{story}"
        ))
        .restored();
        let index = both.sku("MILK");
        both.store().lots(index).next().map(|lot| both.store().price_cents(index, Some(lot)))
    };
    assert_eq!(lot_price("08:00 clock\n09:00 price MILK 10.00"), Some(600));
    assert_eq!(lot_price("next day\n08:00 clock\n09:00 clock"), Some(500));
}

/// 10.
#[test]
fn no_unit_appears_or_vanishes_and_sold_units_leave_the_lots_that_were_delivered() {
    let both = run("product MILK\nstock MILK lot L1 expires 2026-02-01 floor 2
         08:00 delivery 10 MILK lot L2\n08:10 wh_out 10 MILK\n08:20 refill 10 MILK
         09:00 c1 pays 12 MILK at 1.00\n09:10 c2 pays 3 MILK at 1.00\n09:20 c3 picks 4 MILK");
    let shelf = both.shelf("MILK");
    assert!(both.store().units().conserved());
    assert_eq!((shelf.floor_units, shelf.cart_units, shelf.ledger.unexplained), (0, 4, -7));
    assert!(both.store().lots(both.sku("MILK")).all(|lot| lot.units() == 0));
    // A pickup that is seen after its checkout fills no cart that nobody comes back for.
    let both = run("product MILK\nstock MILK lot L1 floor 9\n08:10 c1 pays 2 MILK at 1.00
         08:12 c1 leaves\n08:09 c1 picks 2 MILK\n08:30 clock\nnext day\n09:00 clock");
    assert_eq!(both.shelf("MILK").ledger.unexplained, 0);
    assert_eq!((both.shelf("MILK").floor_units, both.store().cart_count()), (7, 0));
}

/// 13.
#[test]
fn an_alert_has_a_severity_an_owner_a_threshold_and_one_end() {
    let story = format!(
        "{LOW} 08:05 Ann acknowledges A-1\n08:10 refill 11 MILK\n08:20 c2 puts back 1 MILK
         09:00 refill 1 MILK\n10:00 clock"
    );
    let mut both = Both::new();
    let mut seen = Vec::new();
    for event in shelf_testkit::parse(&story).unwrap() {
        both.step(&event).unwrap();
        let alerts = both.effects().items.iter().filter_map(|effect| match effect {
            Effect::Alert(alert) if alert.rule == Rule::RefillRequest => Some(*alert),
            _ => None,
        });
        seen.extend(alerts);
    }
    let statuses: Vec<_> = seen.iter().map(|alert| alert.status).collect();
    let [open, acknowledged, resolved] = seen[..] else { panic!("{statuses:?}") };
    assert_eq!(statuses, [AlertStatus::Open, AlertStatus::Acknowledged, AlertStatus::Resolved]);
    assert_eq!((open.threshold, open.capacity_units, open.suggested_units), (6, 20, 11));
    assert_eq!(acknowledged.actor.map(|actor| actor.to_string()).as_deref(), Some("Ann"));
    assert!(resolved.changed_at > open.opened_at && resolved.changed_at <= both.store().now());
    assert_eq!(both.store().stats().alerts_ended.get(Rule::RefillRequest as usize), 1);
}

/// 14.
#[test]
fn an_order_that_was_sent_is_never_replaced_and_one_is_large_enough_and_no_larger_than_the_room() {
    let story = "product MILK supplier FARM daily 10 warehouse 100 pack 6\n\
         stock MILK lot L1 floor 16 warehouse 4\n\
         supplier FARM cutoffs thu 12:00 deliveries fri 08:00 lead 20h\n12:00 clock\n";
    let sent = run(story);
    let order = sent.store().orders().next().unwrap().clone();
    let line = order.lines[0];
    assert!(line.units >= line.reason.need_units.min(line.reason.room_units / 6 * 6));
    assert!(line.units <= line.reason.room_units);
    // Restored right after the cut-off, with needs that go on changing.
    let mut both = sent.restored();
    let rest = format!("{story} 12:00:01 clock\n12:10 remove 4 MILK from warehouse\n13:00 clock");
    let events = shelf_testkit::parse(&rest).unwrap();
    let known = shelf_testkit::parse(story).unwrap().len();
    for event in &events[known..] {
        assert_ne!(both.step(event), Ok(Outcome::Duplicate));
    }
    assert_eq!(both.store().orders().collect::<Vec<_>>(), [&order]);
    // The last refill needs nothing but time.
    let timed = run(&format!("store timed\n{LOW} 08:05 wh_out 11 MILK\n08:30 clock"));
    assert_eq!((timed.shelf("MILK").transit_units, timed.shelf("MILK").floor_units), (0, 16));
}

/// 15.
#[test]
fn policies_of_every_scope_hold_from_the_moment_they_are_set_and_the_first_state_is_looked_at() {
    // Without any policy there are rules, and the very first stock is judged by them.
    let first =
        shelf_testkit::parse("product MILK\nstock MILK lot L1 floor 2 warehouse 30").unwrap();
    assert!(life(&first).iter().any(|line| line.contains("refill_request MILK open")));
    // So is what a delivery brings for a shelf that was never filled.
    let delivered = shelf_testkit::parse("product MILK\n08:00 delivery 30 MILK lot L1").unwrap();
    assert!(life(&delivered).iter().any(|line| line.contains("T-1 MILK pending")));
    let opened = |policy: &str| {
        let both = run(&format!(
            "product MILK category Dairy subcategory Fresh\n\
             stock MILK lot L1 floor 10 warehouse 30\n{policy}"
        ));
        both.store().alerts().len()
    };
    assert_eq!(opened(""), 0);
    for scope in ["all", "category Dairy", "subcategory Fresh", "shelf MILK"] {
        assert_eq!(opened(&format!("policy P for {scope} refill-below 60%")), 1, "{scope}");
    }
    for scope in ["category Fresh", "subcategory Dairy", "shelf SALT"] {
        assert_eq!(opened(&format!("policy P for {scope} refill-below 60%")), 0, "{scope}");
    }
}
