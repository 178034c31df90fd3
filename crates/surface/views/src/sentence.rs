//! Why something is as it is and what to do about it, in one sentence each.

use shelf_domain::{
    Actor, Alert, AlertStatus, Cause, Effect, Measure, OrderLine, Place, PriceNotice,
    RemovalNotice, RestockTask, Rule, Shelf, Sku, SupplierOrder, TaskStatus, WindowResult,
    WindowScope,
};

use crate::alert_detail::Arrival;
use crate::wording::{
    count, counted, minute_utc, money, per_cent, removal_cause, span, tenths, units,
};

/// Why an alert is open: the rule and its values.
pub(crate) fn why(alert: &Alert) -> String {
    let stock = alert.stock_units;
    let of_capacity = match alert.capacity_units {
        0 => String::new(),
        capacity => format!(" of {}", count(capacity)),
    };
    let threshold = alert.threshold;
    let place = match alert.place {
        Place::Floor => "on the floor",
        Place::Warehouse => "in the warehouse",
    };
    match alert.rule {
        Rule::RefillRequest => {
            format!("{}{of_capacity} on the shelf, refill below {threshold}", count(stock))
        }
        Rule::ShelfEmpty => format!("the shelf is empty: {}{of_capacity}", count(stock)),
        Rule::SupplierRequest => {
            format!("{}{of_capacity} in the warehouse, order below {threshold}", count(stock))
        }
        Rule::NearExpiry => {
            let days = counted(threshold, "day");
            format!("{} {place} within {days} of expiry", units(stock))
        }
        Rule::NearExpiryDiscount => {
            format!("{} {place} cut in price because expiry is near", units(stock))
        }
        Rule::ExpiredRemoval => {
            format!("{} {place} past the expiry date", units(alert.suggested_units))
        }
        Rule::StockDiscrepancy => {
            let disputed = units(threshold);
            format!("{disputed} {place} in dispute since the last count; the records hold {stock}")
        }
        Rule::DeliveryDiscrepancy => {
            format!("a delivery is off its order by {}", units(threshold))
        }
        _ => unusual(alert),
    }
}

/// Why an alert about something out of the ordinary is open.
fn unusual(alert: &Alert) -> String {
    let (stock, threshold) = (count(alert.stock_units), alert.threshold);
    match alert.rule {
        Rule::SalesSpike => {
            format!("{} sold in one window, far more than before", units(threshold))
        }
        Rule::HighValueSale => format!("a receipt of {}", money(i64::from(threshold))),
        Rule::OutOfStock => "nothing is left in the shop".into(),
        Rule::LowStock => format!("{stock} left in the shop, low at {threshold}"),
        Rule::RapidDepletion => format!("{} gone from the shelf in one window", units(threshold)),
        Rule::Overstock => format!("{stock} in the shop, room for {threshold}"),
        Rule::BelowSafetyStock => {
            format!("{stock} left in the shop, {threshold} are kept against chance")
        }
        Rule::PriceAnomaly => format!("a unit was sold for {}", money(i64::from(threshold))),
        Rule::SensorSilent => {
            format!("the till sold {} and the sensor said nothing", units(threshold))
        }
        Rule::TillSilent => {
            format!("customers leave, no receipt for {}", counted(threshold, "minute"))
        }
        _ => String::new(),
    }
}

/// What an alert is about: its sku, or the words for the whole store.
pub(crate) fn subject(sku: Option<&Sku>) -> &str {
    sku.map_or("the store", Sku::as_str)
}

/// What to do about an alert. `arrival` is the next that a supplier brings of the sku.
pub(crate) fn action(
    alert: &Alert,
    shelf: Option<&Shelf>,
    task: Option<&RestockTask>,
    arrival: Option<Arrival>,
) -> String {
    let suggested = alert.suggested_units;
    match alert.rule {
        Rule::RefillRequest | Rule::ShelfEmpty => {
            let waits = shelf.is_some_and(|shelf| shelf.warehouse_units == 0);
            let arrival = arrival.filter(|_| waits).map(|a| format!("; order {}", brings(&a)));
            refill(suggested, shelf, task) + &arrival.unwrap_or_default()
        }
        Rule::SupplierRequest => match arrival {
            Some(late) if late.overdue_s.is_some() => {
                format!("ask the supplier: order {}", brings(&late))
            }
            Some(arrival) => format!("wait: order {}", brings(&arrival)),
            None => format!("order at least {} from the supplier", units(suggested)),
        },
        Rule::NearExpiry => match alert.place {
            Place::Floor => "put these lots in front; cut the price if they will not sell".into(),
            Place::Warehouse => "bring these lots to the floor first".into(),
        },
        Rule::NearExpiryDiscount => {
            format!("label {} with the reduced price", units(suggested))
        }
        Rule::ExpiredRemoval => format!("take {} away", units(suggested)),
        Rule::StockDiscrepancy => match alert.place {
            Place::Floor => "count the shelf".into(),
            Place::Warehouse => "count the warehouse".into(),
        },
        Rule::DeliveryDiscrepancy => "compare the delivery note with the order".into(),
        Rule::SalesSpike => "see that the shelf is filled; look for a reason".into(),
        Rule::HighValueSale => "look at the receipt".into(),
        Rule::OutOfStock | Rule::LowStock | Rule::BelowSafetyStock => match arrival {
            Some(arrival) => format!("wait: order {}", brings(&arrival)),
            None => "order from the supplier".into(),
        },
        Rule::RapidDepletion => "look at the shelf: a rush, or theft".into(),
        Rule::Overstock => "order less; cut the price if it will not sell in time".into(),
        Rule::PriceAnomaly => "compare the till's price with the list".into(),
        Rule::SensorSilent => "look at the sensor; count the shelf".into(),
        Rule::TillSilent => "see whether the tills work".into(),
    }
}

/// What an order is to bring, and when, or how late it is.
pub(crate) fn brings(arrival: &Arrival) -> String {
    let (order, outstanding) = (arrival.order, units(arrival.outstanding_units));
    match arrival.overdue_s {
        None => format!("{order} brings {outstanding} at {} UTC", minute_utc(arrival.delivery_at)),
        Some(late) => format!("{order} with {outstanding} is {} late", span(late)),
    }
}

fn refill(suggested: u32, shelf: Option<&Shelf>, task: Option<&RestockTask>) -> String {
    if let Some(task) = task {
        let open = units(task.outstanding_units());
        let ready = units(task.outstanding_units().saturating_sub(task.backorder_units));
        return match task.status {
            TaskStatus::InTransit => format!("task {} is on its way with {open}", task.task),
            TaskStatus::Pending if shelf.is_some_and(|shelf| shelf.warehouse_units == 0) => {
                format!("task {} waits for a delivery: the warehouse has none", task.task)
            }
            _ => format!("carry out task {}: {ready} from the warehouse", task.task),
        };
    }
    match shelf.map(|shelf| shelf.warehouse_units) {
        Some(0) => "order from the supplier: the warehouse has none".into(),
        _ if suggested == 0 => "nothing to move: enough is under way".into(),
        Some(held) => format!("move {} from the warehouse, which has {held}", units(suggested)),
        None => format!("move {} from the warehouse", units(suggested)),
    }
}

/// The sum behind an order line.
pub(crate) fn order_sum(line: &OrderLine) -> String {
    let reason = &line.reason;
    let standing = reason.standing_units;
    let level = i64::from(reason.need_units) + i64::from(reason.safety_units) + i64::from(standing);
    let most = reason.sellable_units.map_or(level, |most| level.min(i64::from(most)));
    let wanted = most - i64::from(reason.usable_units) - i64::from(reason.arriving_units);
    let pack = i64::from(reason.pack_units.max(1));
    let proposed = i64::from(reason.proposed_units);
    let room = format!("room {}", count(reason.room_units));
    let fits = i64::from(reason.room_units) / pack * pack;
    let sellable = reason.sellable_units.filter(|&most| i64::from(most) < level);
    let limit = sellable.map_or_else(String::new, |most| {
        format!(", at most {} sell before they expire", count(most))
    });
    let full = if proposed < wanted && proposed == fits { ", no more fits" } else { "" };
    let ordered = i64::from(line.units);
    let note = match ordered {
        _ if ordered == proposed => format!("{limit}{full}"),
        _ => format!("{limit}{full}, changed to {} by a person", units(line.units)),
    };
    format!(
        "need {need} for {days} days at {daily}/day + safety {safety} + standing {standing} \
         − usable {usable} − arriving {arriving} = {wanted} → {packs} of {pack}, {room}{note}",
        need = count(reason.need_units),
        days = tenths(reason.cover_milli_days),
        daily = tenths(reason.daily_milli),
        safety = count(reason.safety_units),
        usable = count(reason.usable_units),
        arriving = count(reason.arriving_units),
        packs = counted(proposed / pack, "pack"),
    )
}

/// What an effect says.
pub(crate) fn effect(effect: &Effect) -> String {
    match effect {
        Effect::Duplicate => "a duplicate changed nothing".into(),
        Effect::Quarantined(reason) => format!("quarantined: {}", reason.code()),
        Effect::Alert(alert) => alert_changed(alert),
        Effect::Task(task) => task_changed(task),
        Effect::Order(order) => order_changed(order),
        Effect::Price(notice) => price_changed(notice),
        Effect::Removed(notice) => removed(notice),
        Effect::Explained(found) if found.cause == Cause::LotGap => {
            let (sku, moved) = (found.sku, units(found.units.unsigned_abs()));
            format!("{moved} of {sku} that no lot knew of lie on the lot received last")
        }
        Effect::Explained(explanation) => {
            let (sku, moved) = (explanation.sku, explanation.units);
            let direction = if moved > 0 { "left" } else { "came to" };
            let cause = cause(explanation.cause);
            format!("{} {direction} {sku} unexplained: {cause}", units(moved.unsigned_abs()))
        }
        Effect::Window(result) => window(result),
    }
}

fn window(result: &WindowResult) -> String {
    let net = result.rows.iter().map(|row| row.sales.net_cents).fold(0, i64::saturating_add);
    let rows = match result.scope {
        WindowScope::Global | WindowScope::Store => String::new(),
        _ => format!(", {}", counted(result.rows.len() as u64, "product")),
    };
    let money = match result.measure {
        Measure::Stock => String::new(),
        _ => format!(", net {}", money(net)),
    };
    format!("{} {}{rows}{money}", result.window, result.stage.code())
}

/// The values of an alert, for where there is little room: `3 of 17`.
pub(crate) fn values(alert: &Alert) -> String {
    match (alert.rule, alert.capacity_units) {
        (Rule::RefillRequest | Rule::ShelfEmpty | Rule::SupplierRequest, 0) => {
            format!("{} units", alert.stock_units)
        }
        (Rule::RefillRequest | Rule::ShelfEmpty | Rule::SupplierRequest, capacity) => {
            format!("{} of {capacity}", alert.stock_units)
        }
        (Rule::NearExpiry | Rule::NearExpiryDiscount, _) => units(alert.stock_units),
        (Rule::ExpiredRemoval, _) => units(alert.suggested_units),
        (Rule::HighValueSale | Rule::PriceAnomaly, _) => money(i64::from(alert.threshold)),
        (Rule::TillSilent, _) => counted(alert.threshold, "minute"),
        (Rule::OutOfStock | Rule::LowStock | Rule::BelowSafetyStock | Rule::Overstock, _) => {
            units(alert.stock_units)
        }
        _ => units(alert.threshold),
    }
}

/// Who acted last on an alert, and for whom where somebody else takes care of it.
pub(crate) fn by(actor: Option<Actor>, owner: Option<Actor>) -> String {
    match (actor, owner) {
        (Some(actor), Some(owner)) if owner != actor => format!(" by {actor} for {owner}"),
        (Some(actor), _) => format!(" by {actor}"),
        (None, _) => String::new(),
    }
}

fn alert_changed(alert: &Alert) -> String {
    let what = match alert.status {
        AlertStatus::Open if alert.actor.is_some() => "is open again",
        AlertStatus::Open if alert.changed_at == alert.opened_at && alert.count == 1 => "opened",
        AlertStatus::Open => "is open",
        AlertStatus::Acknowledged => "acknowledged",
        AlertStatus::Snoozed => "snoozed",
        AlertStatus::Resolved => "resolved",
        AlertStatus::Dismissed => "dismissed",
    };
    let by = by(alert.actor, alert.owner);
    let values = values(alert);
    let (rule, subject) = (alert.rule.code(), subject(alert.sku.as_ref()));
    // The values are those of the problem, and it has gone.
    if !alert.status.standing() {
        return format!("{rule} {what}{by} on {subject}");
    }
    format!("{rule} {what}{by} on {subject} ({values})")
}

fn task_changed(task: &RestockTask) -> String {
    let (id, sku, wanted) = (task.task, task.sku, units(task.wanted_units));
    match task.status {
        TaskStatus::Pending => format!("task {id} asks for {wanted} of {sku}"),
        TaskStatus::Issued => format!("task {id} is ready: {wanted} of {sku}"),
        TaskStatus::InTransit => format!("task {id} carries {sku} to the shelf"),
        TaskStatus::Done => {
            let arrived = task.allocations.iter().map(|lot| lot.arrived_units).sum::<u32>();
            format!("task {id} done: {} of {sku} on the shelf", units(arrived))
        }
        TaskStatus::Cancelled => format!("task {id} for {sku} cancelled"),
    }
}

fn order_changed(order: &SupplierOrder) -> String {
    let lines = counted(order.lines.len() as u64, "line");
    let status = order.status.code();
    format!("order {} of {lines} from {} is {status}", order.order, order.supplier)
}

fn price_changed(notice: &PriceNotice) -> String {
    let cut = per_cent(notice.promotion.then(notice.markdown));
    let lot = notice.lot.map(|lot| format!(" lot {lot}")).unwrap_or_default();
    let price = money(notice.price_cents);
    if cut == 0.0 {
        return format!("{}{lot} costs {price}", notice.sku);
    }
    format!("{}{lot} costs {price}, {cut:.0} % off {}", notice.sku, money(notice.list_cents))
}

fn removed(notice: &RemovalNotice) -> String {
    let place = match notice.place {
        Place::Floor => "the floor",
        Place::Warehouse => "the warehouse",
    };
    let cause = removal_cause(notice.cause);
    let (moved, sku, lot) = (units(notice.units), notice.sku, notice.lot);
    format!("{moved} of {sku} lot {lot} left {place}: {cause}")
}

fn cause(cause: Cause) -> &'static str {
    match cause {
        Cause::Unscanned => "picked and never paid",
        Cause::PaidLate => "paid after all",
        Cause::Misplaced => "put back on the wrong shelf",
        Cause::RecordsShort => "taken where the records held none",
        Cause::Oversold => "sold where the records held none",
        Cause::Phantom => "counted fewer than the records held",
        Cause::Found => "counted more than the records held",
        Cause::SensorDrift => "the weight does not fit the count",
        Cause::Mispicked => "more moved than the records held",
        Cause::LotGap => "the lots did not know of them",
    }
}
