//! The life of a store as lines: what its alerts, tasks, orders and prices did, so that a test
//! reads as a story. It prints effects and knows no rule.

use expect_test::Expect;
use shelf_domain::{
    Alert, AlertStatus, Effect, Event, LineReason, LocalClock, Place, PriceNotice, RemovalNotice,
    RestockTask, Rule, SupplierOrder, Timestamp,
};

use crate::both::Both;
use crate::scenario::parse;
use crate::summary::money;

/// One line for each effect of `events`, in order. Prices without any cut are left out.
#[track_caller]
pub fn life(events: &[Event]) -> Vec<String> {
    let mut both = Both::new();
    let mut lines = Vec::new();
    for event in events {
        let outcome = both.step(event).unwrap_or_else(|error| panic!("{error}"));
        let Some(store) = both.stores().get(event.store) else {
            lines.push(format!("{outcome:?}"));
            continue;
        };
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
        Effect::Alert(alert) => {
            let at = alert.changed_at.max(alert.last_seen_at);
            return Some((at, tell_alert(alert, clock)));
        }
        Effect::Task(task) => return Some((task.changed_at, tell_task(task))),
        Effect::Order(order) => return Some((order.changed_at, tell_order(order, clock))),
        Effect::Price(price) => tell_price(price)?,
        Effect::Removed(removed) => tell_removed(removed),
        Effect::Explained(told) => {
            format!("{} {} unexplained: {}", told.sku, told.units, told.cause.code())
        }
        Effect::Window(_) => return None,
    };
    Some((now, line))
}

/// `A-1 refill_request MILK open, warning: 5 of 20, limit 6, +11`.
fn tell_alert(alert: &Alert, clock: &LocalClock) -> String {
    let rule = alert.rule;
    let sku = alert.sku.map_or_else(|| "store".to_owned(), |sku| sku.to_string());
    let place = match (rule, alert.place) {
        (Rule::NearExpiry | Rule::ExpiredRemoval, Place::Floor) => " on floor",
        (Rule::NearExpiry | Rule::ExpiredRemoval | Rule::StockDiscrepancy, Place::Warehouse) => {
            " in warehouse"
        }
        _ => "",
    };
    let head = format!("{} {} {sku}{place} {}", alert.alert, rule.code(), alert.status.code());
    let by = alert.actor.map_or_else(String::new, |actor| format!(" by {actor}"));
    let owner = alert.owner.filter(|_| alert.owner != alert.actor);
    let owner = owner.map_or_else(String::new, |owner| format!(" for {owner}"));
    let until = alert.snoozed_until.map(|until| format!(" until {}", moment(clock, until)));
    let note = if alert.note.is_empty() { String::new() } else { format!(" \"{}\"", alert.note) };
    let facts = if alert.status == AlertStatus::Open {
        let (stock, capacity) = (alert.stock_units, alert.capacity_units);
        let (severity, limit) = (alert.severity.code(), alert.threshold);
        let suggested = match alert.suggested_units {
            0 => String::new(),
            units => format!(", +{units}"),
        };
        format!(", {severity}: {stock} of {capacity}, limit {limit}{suggested}")
    } else {
        String::new()
    };
    format!("{head}{by}{owner}{}{note}{facts}", until.unwrap_or_default())
}

/// `T-1 MILK issued: wants 11; back-order 3; L1 reserved 8`.
fn tell_task(task: &RestockTask) -> String {
    let RestockTask { task: id, sku, wanted_units, backorder_units, .. } = task;
    let mut parts = vec![format!("{id} {sku} {}: wants {wanted_units}", task.status.code())];
    if *backorder_units > 0 {
        parts.push(format!("back-order {backorder_units}"));
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
            parts.push(format!("{} {}", part.lot, shown.join(" ")));
        }
    }
    parts.join("; ")
}

/// `O-1 FARM draft, by 01-04 12:00 for 01-05 08:00: 24 MILK`: the cut-off and the delivery.
fn tell_order(order: &SupplierOrder, clock: &LocalClock) -> String {
    let line = |line: &shelf_domain::OrderLine| match line.received_units {
        0 => format!("{} {}", line.units, line.sku),
        came => format!("{} {} ({came} came)", line.units, line.sku),
    };
    let mut lines: Vec<String> = order.lines.iter().map(line).collect();
    if lines.is_empty() {
        lines.push("nothing".to_owned());
    }
    format!(
        "{} {} {}, by {} for {}: {}",
        order.order,
        order.supplier,
        order.status.code(),
        moment(clock, order.cutoff_at),
        moment(clock, order.delivery_at),
        lines.join(", ")
    )
}

/// Why a line of an order is what it is, in two lines.
pub fn tell_reason(reason: &LineReason) -> String {
    format!(
        "{} a day for {} days: need {}, safety {}, standing {}{}\n\
         usable {}, arriving {}, room {}, pack {}",
        f64::from(reason.daily_milli) / 1e3,
        f64::from(reason.cover_milli_days) / 1e3,
        reason.need_units,
        reason.safety_units,
        reason.standing_units,
        reason.sellable_units.map_or(String::new(), |most| format!(", at most {most} would sell")),
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

/// `01-05 08:00` in the store's time.
fn moment(clock: &LocalClock, at: Timestamp) -> String {
    let (minute, (_, month, day)) = (clock.minute_of_day(at), clock.day(at).civil());
    format!("{month:02}-{day:02} {:02}:{:02}", minute / 60, minute % 60)
}
