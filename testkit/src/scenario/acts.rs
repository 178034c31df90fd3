//! What people and suppliers do in a story: acts on alerts, orders and tasks, calendars,
//! promotions, and the values of policies.

use shelf_domain::{
    Actor, AlertAct, AlertId, AlertVerb, AnomalyPolicy, BasisPoints, Body, MarkdownSchedule, Note,
    OrderAct, OrderId, OrderVerb, Policy, Promotion, Rounding, Rule, Sku, Supplier, SupplierId,
    TaskAct, TaskId, TaskVerb, WeekSlot,
};

use super::lines::unknown;
use super::words::{Complaint, Words};
use crate::builders::{Shop, parse_time};

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// What the person `who` does.
pub(super) fn act(
    shop: &mut Shop,
    words: &mut Words,
    who: &str,
    deed: &str,
) -> Result<(), Complaint> {
    let actor = Actor::cut(who);
    match deed {
        "acknowledges" | "assigns" | "snoozes" | "resolves" | "dismisses" | "notes" | "undoes" => {
            let alert = id(words, AlertId::parse)?;
            let act = alert_verb(shop, words, deed)?;
            let note = note(words);
            shop.event(Body::AlertAct(Box::new(AlertAct { alert, act, actor, note })));
        }
        "approves" | "changes" => {
            let order = id(words, OrderId::parse)?;
            let act = order_verb(words, deed)?;
            let note = note(words);
            shop.event(Body::OrderAct(Box::new(OrderAct { order, act, actor, note })));
        }
        "cancels" if words.peek().is_some_and(|word| word.starts_with("O-")) => {
            let (order, act) = (id(words, OrderId::parse)?, OrderVerb::Cancel);
            let note = note(words);
            shop.event(Body::OrderAct(Box::new(OrderAct { order, act, actor, note })));
        }
        "cancels" => {
            let (task, act) = (id(words, TaskId::parse)?, TaskVerb::Cancel);
            shop.event(Body::TaskAct(TaskAct { task, act, actor }));
        }
        "asks" => {
            words.expect("for")?;
            let act = TaskVerb::Request(Sku::cut(&words.any("sku")?));
            shop.event(Body::TaskAct(TaskAct { task: TaskId(0), act, actor }));
        }
        other => return Err(format!("unknown deed `{other}`")),
    }
    Ok(())
}

fn alert_verb(shop: &Shop, words: &mut Words, deed: &str) -> Result<AlertVerb, Complaint> {
    Ok(match deed {
        "acknowledges" => AlertVerb::Acknowledge,
        "resolves" => AlertVerb::Resolve,
        "dismisses" => AlertVerb::Dismiss,
        "undoes" => AlertVerb::Undo,
        "assigns" => {
            words.expect("to")?;
            AlertVerb::Assign(Actor::cut(&words.any("person")?))
        }
        "snoozes" => {
            words.expect("until")?;
            let until = words.moment()?.ok_or("the time is missing")?;
            AlertVerb::Snooze(shop.clone().at(&until).now())
        }
        _ => AlertVerb::Note,
    })
}

fn order_verb(words: &mut Words, deed: &str) -> Result<OrderVerb, Complaint> {
    if deed == "approves" {
        return Ok(OrderVerb::Approve);
    }
    let sku = Sku::cut(&words.any("sku")?);
    words.expect("to")?;
    Ok(OrderVerb::Change { sku, units: words.units()? })
}

fn id<T>(words: &mut Words, parse: fn(&str) -> Option<T>) -> Result<T, Complaint> {
    let word = words.any("id")?;
    parse(&word).ok_or_else(|| format!("`{word}` is no such id"))
}

/// The rest of the line.
fn note(words: &mut Words) -> Note {
    let mut rest = Vec::new();
    while let Ok(word) = words.any("word") {
        rest.push(word);
    }
    Note::cut(&rest.join(" "))
}

/// Reads a supplier and its calendar.
pub(super) fn supplier(shop: &mut Shop, words: &mut Words) -> Result<(), Complaint> {
    let id = SupplierId::cut(&words.any("supplier")?);
    let mut supplier = Supplier { supplier: id, ..Supplier::default() };
    while !words.done() {
        match words.any("part")?.as_str() {
            "cutoffs" => supplier.cutoffs = slots(words)?,
            "deliveries" => supplier.deliveries = slots(words)?,
            "lead" => supplier.lead_minutes = 60 * words.number("h")? as u32,
            "minimum" => supplier.minimum_order_cents = words.cents()?,
            other => return unknown(other),
        }
    }
    shop.event(Body::Supplier(Box::new(supplier)));
    Ok(())
}

fn slots(words: &mut Words) -> Result<Vec<WeekSlot>, Complaint> {
    let mut slots = Vec::new();
    while let Some(weekday) = words.peek().and_then(|word| WEEKDAYS.iter().position(|d| *d == word))
    {
        words.any("weekday")?;
        let time = words.time()?;
        let minute = parse_time(&time).map_or(0, |(minute, _)| minute);
        slots.push(WeekSlot { weekday: weekday as u8, minute });
    }
    Ok(slots)
}

/// Reads `MILK 10% from 2026-01-05 to 2026-01-11`.
pub(super) fn promotion(shop: &mut Shop, words: &mut Words) -> Result<(), Complaint> {
    let sku = Sku::cut(&words.any("sku")?);
    let cut = percent(words)?;
    words.expect("from")?;
    let from_day = words.date()?;
    words.expect("to")?;
    let until_day = words.date()?;
    shop.event(Body::Promotion(Promotion {
        sku,
        from_day,
        until_day,
        cut,
        ..Promotion::default()
    }));
    Ok(())
}

/// Reads one value of a policy; says whether there is such a value.
pub(super) fn policy_part(
    policy: &mut Policy,
    part: &str,
    words: &mut Words,
) -> Result<bool, Complaint> {
    match part {
        "refill-below" => policy.refill_below = Some(percent(words)?),
        "target" => policy.target = Some(percent(words)?),
        "hysteresis" => policy.hysteresis = Some(percent(words)?),
        "min" => policy.min_units = Some(words.units()?),
        "reorder" => policy.reorder_point_units = Some(words.units()?),
        "cover" => policy.cover_days = Some(words.number("d")? as u16),
        "near-floor" => policy.near_expiry_floor_days = Some(words.number("d")? as u16),
        "near-warehouse" => policy.near_expiry_warehouse_days = Some(words.number("d")? as u16),
        "cooldown" => policy.cooldown_minutes = Some(words.number("min")? as u16),
        "delay" => policy.restock_delay_seconds = Some(words.number("s")? as u32),
        "rounding" => {
            policy.rounding = Some(match words.any("rounding")?.as_str() {
                "up" => Rounding::Up,
                "nearest" => Rounding::Nearest,
                "down" => Rounding::Down,
                other => return unknown(other),
            });
        }
        "markdown" => policy.markdown = Some(markdown(words)?),
        part => return anomaly_part(&mut policy.anomalies, part, words),
    }
    Ok(true)
}

fn anomaly_part(
    policy: &mut AnomalyPolicy,
    part: &str,
    words: &mut Words,
) -> Result<bool, Complaint> {
    match part {
        "spike-min" => policy.spike_min_units = Some(words.units()?),
        "high-value" => policy.high_value_cents = Some(words.cents()? as u32),
        "low-stock" => policy.low_stock_units = Some(words.units()?),
        "depletion" => policy.depletion = Some(percent(words)?),
        "depletion-min" => policy.depletion_min_units = Some(words.units()?),
        "overstock" => policy.overstock_units = Some(words.units()?),
        "safety" => policy.safety_stock_units = Some(words.units()?),
        "price-tolerance" => policy.price_tolerance_cents = Some(words.cents()? as u32),
        "sensor-silent" => policy.sensor_silent_minutes = Some(words.number("min")? as u16),
        "till-silent" => policy.till_silent_minutes = Some(words.number("min")? as u16),
        "off" => {
            let code = words.any("rule")?;
            let rule = Rule::ALL.into_iter().find(|rule| rule.code() == code);
            let bit = AnomalyPolicy::bit(rule.ok_or_else(|| format!("no rule is `{code}`"))?);
            policy.off = Some(policy.off.unwrap_or(0) | bit);
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// Reads up to four steps like `1d 40%`; none means no cut at any time.
fn markdown(words: &mut Words) -> Result<MarkdownSchedule, Complaint> {
    let mut schedule = MarkdownSchedule::NONE;
    for step in &mut schedule.steps {
        if words.peek().is_some_and(|word| word.ends_with('d') && word.len() > 1) {
            *step = (words.number("d")? as u16, percent(words)?);
        }
    }
    Ok(schedule)
}

fn percent(words: &mut Words) -> Result<BasisPoints, Complaint> {
    Ok(BasisPoints::percent(words.number("%")? as u32))
}
