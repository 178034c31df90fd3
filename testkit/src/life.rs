//! The life of a store as lines: what its alerts, tasks, orders and prices did, so that a test reads
//! as a story. It prints effects and knows no rule.

use expect_test::Expect;
use shelf_domain::{
    Alert, Effect, Event, LineReason, LocalClock, Outcome, Place, PriceNotice, RemovalNotice,
    RestockTask, Rule, SupplierOrder, Timestamp,
};

use crate::both::Both;
use crate::scenario::parse;
use crate::summary::{date, money};

/// One line for each effect of `events`, in order. Prices without any cut are left out.
#[track_caller]
pub fn life(events: &[Event]) -> Vec<String> {
    let mut both = Both::new();
    let mut lines = Vec::new();
    for event in events {
        let outcome = both.step(event).unwrap_or_else(|error| panic!("{error}"));
        if let Outcome::Quarantined(reason) = outcome {
            lines.push(format!("{} quarantine: {}", event.at.0, reason.code()));
            continue;
        }
        let Some(store) = both.stores().get(event.store) else { continue };
        let clock = &store.settings().clock;
        let told = both.effects().items.iter().filter_map(|effect| {
            let (at, line) = tell(effect, event.at, clock)?;
            Some(format!("{} {line}", moment(clock, at)))
        });
        lines.extend(told);
    }
    lines
}

/// Whether the life of the store of `story` is what is expected.
#[track_caller]
pub fn check_life(story: &str, expected: Expect) {
    check_lines(&[""], story, expected);
}

/// Whether those lines of its life that contain one of `words` are what is expected.
#[allow(clippy::needless_pass_by_value)] // So that a test can say `expect![..]` without more.
#[track_caller]
pub fn check_lines(words: &[&str], story: &str, expected: Expect) {
    let events = parse(story).unwrap_or_else(|error| panic!("{error}"));
    let mut text = String::new();
    for line in life(&events) {
        if words.iter().any(|word| line.contains(word)) {
            text.push_str(&line);
            text.push('\n');
        }
    }
    expected.assert_eq(&text);
}

fn tell(effect: &Effect, now: Timestamp, clock: &LocalClock) -> Option<(Timestamp, String)> {
    let line = match effect {
        Effect::Duplicate => return Some((now, "duplicate".to_owned())),
        Effect::Quarantined(reason) => format!("quarantine: {}", reason.code()),
        Effect::Alert(alert) => return Some((alert.changed_at, tell_alert(alert, clock))),
        Effect::Task(task) => return Some((task.changed_at, tell_task(task))),
        Effect::Order(order) => return Some((order.changed_at, tell_order(order, clock))),
        Effect::Price(price) => tell_price(price)?,
        Effect::Removed(removed) => tell_removed(removed),
        Effect::Explained(told) => {
            format!("{} {} unexplained: {}", told.sku, told.units, told.cause.code())
        }
    };
    Some((now, line))
}

/// `A-1 refill_request MILK open, warning: 5 of 20, below 6, suggests 11`.
fn tell_alert(alert: &Alert, clock: &LocalClock) -> String {
    let Alert { rule, sku, .. } = alert;
    let place = match (rule, alert.place) {
        (Rule::NearExpiry | Rule::ExpiredRemoval, Place::Floor) => " on floor",
        (Rule::NearExpiry | Rule::ExpiredRemoval, Place::Warehouse) => " in warehouse",
        _ => "",
    };
    let head = format!("{} {} {sku}{place} {}", alert.alert, rule.code(), alert.status.code());
    let by = alert.actor.map_or_else(String::new, |actor| format!(" by {actor}"));
    let until = alert.snoozed_until.map(|until| format!(" until {}", moment(clock, until)));
    let note = if alert.note.is_empty() { String::new() } else { format!(" \"{}\"", alert.note) };
    let facts = if alert.status.standing() {
        let (stock, capacity) = (alert.stock_units, alert.capacity_units);
        let (threshold, suggested) = (alert.threshold, alert.suggested_units);
        let severity = alert.severity.code();
        format!(", {severity}: {stock} of {capacity}, threshold {threshold}, suggests {suggested}")
    } else {
        String::new()
    };
    format!("{head}{by}{}{note}{facts}", until.unwrap_or_default())
}

/// `T-1 MILK issued: wants 11, back-order 0; L1 reserved 11`.
fn tell_task(task: &RestockTask) -> String {
    let RestockTask { task: id, sku, wanted_units, backorder_units, .. } = task;
    let mut line = format!("{id} {sku} {}: wants {wanted_units}", task.status.code());
    if *backorder_units > 0 {
        line += &format!(", back-order {backorder_units}");
    }
    for part in &task.allocations {
        let amounts = [
            ("reserved", part.reserved_units),
            ("in transit", part.transit_units),
            ("arrived", part.arrived_units),
        ];
        let shown = amounts.iter().filter(|(_, units)| *units > 0);
        let shown: Vec<String> = shown.map(|(name, units)| format!("{name} {units}")).collect();
        if !shown.is_empty() {
            line += &format!("; {} {}", part.lot, shown.join(" "));
        }
    }
    line
}

/// `O-1 FARM draft, cut-off 2026-01-04 12:00, delivery 2026-01-05 08:00: 24 MILK`.
fn tell_order(order: &SupplierOrder, clock: &LocalClock) -> String {
    let line = |line: &shelf_domain::OrderLine| match line.received_units {
        0 => format!("{} {}", line.units, line.sku),
        came => format!("{} {} ({came} came)", line.units, line.sku),
    };
    let lines: Vec<String> = order.lines.iter().map(line).collect();
    format!(
        "{} {} {}, cut-off {}, delivery {}: {}",
        order.order,
        order.supplier,
        order.status.code(),
        moment(clock, order.cutoff_at),
        moment(clock, order.delivery_at),
        lines.join(", ")
    )
}

/// Why a line of an order is what it is, in one line.
pub fn tell_reason(reason: &LineReason) -> String {
    format!(
        "sells {}/1000 a day, {}/1000 days: need {}, safety {}, reorder point {}, usable {}, \
         arriving {}, room {}, pack {}",
        reason.daily_milli,
        reason.cover_milli_days,
        reason.need_units,
        reason.safety_units,
        reason.reorder_point_units,
        reason.usable_units,
        reason.arriving_units,
        reason.room_units,
        reason.pack_units
    )
}

fn tell_price(price: &PriceNotice) -> Option<String> {
    if price.lot.is_none() && price.promotion.0 == 0 {
        return None;
    }
    let lot = price.lot.map_or_else(String::new, |lot| format!(" lot {lot}"));
    let percent = |part: shelf_domain::BasisPoints| f64::from(part.0) / 100.0;
    Some(format!(
        "{}{lot} costs {}: {} less {} % less {} %",
        price.sku,
        money(price.price_cents),
        money(price.list_cents),
        percent(price.promotion),
        percent(price.markdown)
    ))
}

fn tell_removed(removed: &RemovalNotice) -> String {
    let place = match removed.place {
        Place::Floor => "floor",
        Place::Warehouse => "warehouse",
    };
    let (units, sku, lot) = (removed.units, removed.sku, removed.lot);
    format!("{units} {sku} lot {lot} leave the {place}, cost {}", money(removed.cost_cents))
}

/// `2026-01-05 08:00` in the store's time.
fn moment(clock: &LocalClock, at: Timestamp) -> String {
    let minute = clock.minute_of_day(at);
    format!("{} {:02}:{:02}", date(clock.day(at)), minute / 60, minute % 60)
}
