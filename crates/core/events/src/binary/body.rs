//! The bodies of events in the log: the fast ones. Reference data is in `reference`.

use shelf_domain::{
    Actor, AlertAct, AlertId, AlertVerb, BasisPoints, Body, Count, CustomerEvent, Day, Delivery,
    OpeningStock, OrderAct, OrderId, OrderVerb, PriceChange, Promotion, Receipt, ReceiptLine,
    Refill, Rejected, Removal, Session, ShelfTouch, TaskAct, TaskId, TaskVerb, Timestamp, Transfer,
    WarehouseOut, WeightChange,
};

use super::wire::{DecodeError, Reader, Writer};
use super::{reference, windows};

type Result<T> = core::result::Result<T, DecodeError>;

/// The tag of something that a person set: their name, the tag of the body, the body. Without a
/// name a body has its own tag.
const SET_BY: u8 = 29;

/// The tag of a record.
pub(super) fn tag(body: &Body) -> u8 {
    if body.set_by().is_some() { SET_BY } else { kind(body) }
}

/// The tag of a body.
fn kind(body: &Body) -> u8 {
    match body {
        Body::Pickup(_) => 1,
        Body::Putback(_) => 2,
        Body::WeightChange(_) => 3,
        Body::Refill(_) => 4,
        Body::Entry(_) => 5,
        Body::Exit(_) => 6,
        Body::Session(_) => 7,
        Body::Receipt(_) => 8,
        Body::Delivery(_) => 9,
        Body::WarehouseOut(_) => 10,
        Body::Removal(_) => 11,
        Body::Count(_) => 12,
        Body::Transfer(_) => 13,
        Body::Store(_) => 14,
        Body::Product(_) => 15,
        Body::Shelf(_) => 16,
        Body::OpeningStock(_) => 17,
        Body::Supplier(_) => 18,
        Body::Policy(_) => 19,
        Body::Price(_) => 20,
        Body::Promotion(_) => 21,
        Body::AlertAct(_) => 22,
        Body::OrderAct(_) => 23,
        Body::TaskAct(_) => 24,
        Body::Clock => 25,
        Body::Rejected(_) => 26,
        Body::WindowPlan(_) => 27,
        Body::CustomerEvent(_) => 28,
    }
}

/// Appends a body.
pub(super) fn write(body: &Body, w: &mut Writer<'_>) {
    if let Some(actor) = body.set_by() {
        w.name(actor);
        w.byte(kind(body));
    }
    match body {
        Body::Pickup(touch) | Body::Putback(touch) => {
            w.maybe_name(touch.customer.as_ref());
            w.name(&touch.sku);
            w.number(touch.units);
            w.number(touch.unit_weight_g);
        }
        Body::WeightChange(change) => {
            w.maybe_name(change.customer.as_ref());
            w.name(&change.sku);
            w.signed(change.delta_g);
        }
        Body::Refill(refill) => {
            w.maybe(refill.task, |w, task| w.number(task.0));
            w.name(&refill.sku);
            w.maybe_name(refill.lot.as_ref());
            w.number(refill.units);
        }
        Body::Entry(customer) | Body::Exit(customer) => w.maybe_name(customer.as_ref()),
        Body::Session(session) => {
            w.name(&session.customer);
            w.out.extend_from_slice(&session.exit_at.0.to_le_bytes());
        }
        Body::Receipt(receipt) => write_receipt(receipt, w),
        Body::Delivery(delivery) => write_delivery(delivery, w),
        Body::WarehouseOut(out) => {
            w.maybe(out.task, |w, task| w.number(task.0));
            w.name(&out.sku);
            w.maybe_name(out.lot.as_ref());
            w.number(out.units);
        }
        Body::Removal(removal) => write_removal(removal, w),
        Body::Count(count) => {
            w.name(&count.sku);
            w.choice(count.place);
            w.number(count.units);
            w.name(&count.actor);
        }
        Body::Transfer(transfer) => {
            w.name(&transfer.sku);
            w.maybe_name(transfer.lot.as_ref());
            w.number(transfer.units);
            w.name(&transfer.to);
        }
        Body::CustomerEvent(event) => {
            w.maybe_name(event.customer.as_ref());
            w.choice(event.step);
            w.maybe_name(event.sku.as_ref());
        }
        other => write_rare(other, w),
    }
}

fn write_rare(body: &Body, w: &mut Writer<'_>) {
    match body {
        Body::Store(settings) => reference::write_store(settings, w),
        Body::Product(product) => reference::write_product(product, w),
        Body::Shelf(shelf) => reference::write_shelf(shelf, w),
        Body::OpeningStock(stock) => write_opening_stock(stock, w),
        Body::Supplier(supplier) => reference::write_supplier(supplier, w),
        Body::Policy(policy) => reference::write_policy(policy, w),
        Body::Price(change) => {
            w.name(&change.sku);
            w.signed(change.price_cents);
        }
        Body::Promotion(promotion) => {
            w.name(&promotion.sku);
            w.signed(promotion.from_day.0);
            w.signed(promotion.until_day.0);
            w.number(promotion.cut.0);
        }
        Body::AlertAct(act) => write_alert_act(act, w),
        Body::OrderAct(act) => write_order_act(act, w),
        Body::TaskAct(act) => {
            w.number(act.task.0);
            match act.act {
                TaskVerb::Request(sku) => {
                    w.byte(0);
                    w.name(&sku);
                }
                TaskVerb::Cancel => w.byte(1),
            }
            w.name(&act.actor);
        }
        Body::Rejected(rejected) => {
            w.name(&rejected.reason);
            w.name(&rejected.source);
            w.number(rejected.line);
            w.number(rejected.raw_len);
            w.varint(rejected.raw.len() as u64);
            w.out.extend_from_slice(&rejected.raw);
        }
        Body::WindowPlan(plan) => windows::write_plan(plan, w),
        _ => {}
    }
}

/// Reads the body of a tag.
pub(super) fn read(tag: u8, r: &mut Reader<'_>) -> Result<Body> {
    Ok(match tag {
        1 => Body::Pickup(read_touch(r)?),
        2 => Body::Putback(read_touch(r)?),
        3 => Body::WeightChange(WeightChange {
            customer: r.maybe_name()?,
            sku: r.name()?,
            delta_g: r.signed()?,
        }),
        4 => Body::Refill(Refill {
            task: r.maybe(read_task)?,
            sku: r.name()?,
            lot: r.maybe_name()?,
            units: r.number()?,
        }),
        5 => Body::Entry(r.maybe_name()?),
        6 => Body::Exit(r.maybe_name()?),
        7 => Body::Session(Session {
            customer: r.name()?,
            exit_at: Timestamp(i64::from_le_bytes(r.fixed()?)),
        }),
        8 => Body::Receipt(Box::new(read_receipt(r)?)),
        9 => Body::Delivery(read_delivery(r)?),
        10 => Body::WarehouseOut(WarehouseOut {
            task: r.maybe(read_task)?,
            sku: r.name()?,
            lot: r.maybe_name()?,
            units: r.number()?,
        }),
        11 => Body::Removal(read_removal(r)?),
        12 => Body::Count(Count {
            sku: r.name()?,
            place: r.choice()?,
            units: r.number()?,
            actor: r.name()?,
        }),
        13 => Body::Transfer(Transfer {
            sku: r.name()?,
            lot: r.maybe_name()?,
            units: r.number()?,
            to: r.name()?,
        }),
        rare => return read_rare(rare, r),
    })
}

fn read_rare(tag: u8, r: &mut Reader<'_>) -> Result<Body> {
    Ok(match tag {
        14 => Body::Store(Box::new(reference::read_store(r)?)),
        15 => Body::Product(Box::new(reference::read_product(r)?)),
        16 => Body::Shelf(reference::read_shelf(r)?),
        17 => Body::OpeningStock(read_opening_stock(r)?),
        18 => Body::Supplier(Box::new(reference::read_supplier(r)?)),
        19 => Body::Policy(Box::new(reference::read_policy(r)?)),
        20 => Body::Price(PriceChange {
            sku: r.name()?,
            price_cents: r.signed()?,
            actor: Actor::default(),
        }),
        21 => Body::Promotion(Promotion {
            sku: r.name()?,
            from_day: read_day(r)?,
            until_day: read_day(r)?,
            cut: BasisPoints(r.number()?),
            actor: Actor::default(),
        }),
        22 => Body::AlertAct(Box::new(read_alert_act(r)?)),
        23 => Body::OrderAct(Box::new(read_order_act(r)?)),
        24 => {
            let task = read_task(r)?;
            let act = match r.byte()? {
                0 => TaskVerb::Request(r.name()?),
                1 => TaskVerb::Cancel,
                other => return Err(DecodeError::UnknownChoice(other)),
            };
            Body::TaskAct(TaskAct { task, act, actor: r.name()? })
        }
        25 => Body::Clock,
        26 => Body::Rejected(Box::new(read_rejected(r)?)),
        27 => Body::WindowPlan(Box::new(windows::read_plan(r)?)),
        28 => Body::CustomerEvent(CustomerEvent {
            customer: r.maybe_name()?,
            step: r.choice()?,
            sku: r.maybe_name()?,
        }),
        SET_BY => read_set_by(r)?,
        unknown => return Err(DecodeError::UnknownTag(unknown)),
    })
}

fn read_set_by(r: &mut Reader<'_>) -> Result<Body> {
    let actor = r.name()?;
    let mut body = match r.byte()? {
        kind @ (9 | 14..=21) => read(kind, r)?,
        other => return Err(DecodeError::UnknownTag(other)),
    };
    if let Some(known) = body.actor_mut() {
        *known = actor;
    }
    Ok(body)
}

#[inline]
fn read_touch(r: &mut Reader<'_>) -> Result<ShelfTouch> {
    Ok(ShelfTouch {
        customer: r.maybe_name()?,
        sku: r.name()?,
        units: r.number()?,
        unit_weight_g: r.number()?,
    })
}

fn read_task(r: &mut Reader<'_>) -> Result<TaskId> {
    r.varint().map(TaskId)
}

fn read_day(r: &mut Reader<'_>) -> Result<Day> {
    r.signed_number().map(Day)
}

fn write_receipt(receipt: &Receipt, w: &mut Writer<'_>) {
    w.name(&receipt.receipt);
    w.maybe_name(receipt.customer.as_ref());
    w.name(&receipt.payment_method);
    w.name(&receipt.customer_type);
    w.out.reserve(receipt.lines.len() * 48);
    w.list(&receipt.lines, |w, line| {
        w.name(&line.sku);
        w.signed(line.units);
        w.signed(line.unit_price_cents);
        w.number(line.discount.0);
        w.signed(line.total_cents);
        w.maybe_name(line.lot.as_ref());
    });
}

fn read_receipt(r: &mut Reader<'_>) -> Result<Receipt> {
    Ok(Receipt {
        receipt: r.name()?,
        customer: r.maybe_name()?,
        payment_method: r.name()?,
        customer_type: r.name()?,
        lines: r.list(|r| {
            Ok(ReceiptLine {
                sku: r.name()?,
                units: r.signed_number()?,
                unit_price_cents: r.signed()?,
                discount: BasisPoints(r.number()?),
                total_cents: r.signed()?,
                lot: r.maybe_name()?,
            })
        })?,
    })
}

fn write_delivery(delivery: &Delivery, w: &mut Writer<'_>) {
    w.maybe(delivery.order, |w, order| w.number(order.0));
    w.name(&delivery.sku);
    w.name(&delivery.lot);
    w.number(delivery.units);
    w.maybe(delivery.received_day, |w, day| w.signed(day.0));
    w.maybe(delivery.expiry_day, |w, day| w.signed(day.0));
}

fn read_delivery(r: &mut Reader<'_>) -> Result<Delivery> {
    Ok(Delivery {
        order: r.maybe(|r| r.varint().map(OrderId))?,
        sku: r.name()?,
        lot: r.name()?,
        units: r.number()?,
        received_day: r.maybe(read_day)?,
        expiry_day: r.maybe(read_day)?,
        actor: Actor::default(),
    })
}

fn write_removal(removal: &Removal, w: &mut Writer<'_>) {
    w.name(&removal.sku);
    w.maybe_name(removal.lot.as_ref());
    w.choice(removal.place);
    w.number(removal.units);
    w.choice(removal.cause);
    w.name(&removal.actor);
}

fn read_removal(r: &mut Reader<'_>) -> Result<Removal> {
    Ok(Removal {
        sku: r.name()?,
        lot: r.maybe_name()?,
        place: r.choice()?,
        units: r.number()?,
        cause: r.choice()?,
        actor: r.name()?,
    })
}

fn write_opening_stock(stock: &OpeningStock, w: &mut Writer<'_>) {
    w.name(&stock.sku);
    w.name(&stock.lot);
    w.signed(stock.received_day.0);
    w.maybe(stock.expiry_day, |w, day| w.signed(day.0));
    w.number(stock.floor_units);
    w.number(stock.warehouse_units);
}

fn read_opening_stock(r: &mut Reader<'_>) -> Result<OpeningStock> {
    Ok(OpeningStock {
        sku: r.name()?,
        lot: r.name()?,
        received_day: read_day(r)?,
        expiry_day: r.maybe(read_day)?,
        floor_units: r.number()?,
        warehouse_units: r.number()?,
        actor: Actor::default(),
    })
}

fn write_alert_act(act: &AlertAct, w: &mut Writer<'_>) {
    w.number(act.alert.0);
    match act.act {
        AlertVerb::Acknowledge => w.byte(0),
        AlertVerb::Assign(actor) => {
            w.byte(1);
            w.name(&actor);
        }
        AlertVerb::Snooze(until) => {
            w.byte(2);
            w.signed(until.0);
        }
        AlertVerb::Resolve => w.byte(3),
        AlertVerb::Dismiss => w.byte(4),
        AlertVerb::Note => w.byte(5),
        AlertVerb::Undo => w.byte(6),
    }
    w.name(&act.actor);
    w.name(&act.note);
}

fn read_alert_act(r: &mut Reader<'_>) -> Result<AlertAct> {
    let alert = AlertId(r.varint()?);
    let act = match r.byte()? {
        0 => AlertVerb::Acknowledge,
        1 => AlertVerb::Assign(r.name()?),
        2 => AlertVerb::Snooze(Timestamp(r.signed()?)),
        3 => AlertVerb::Resolve,
        4 => AlertVerb::Dismiss,
        5 => AlertVerb::Note,
        6 => AlertVerb::Undo,
        other => return Err(DecodeError::UnknownChoice(other)),
    };
    Ok(AlertAct { alert, act, actor: r.name()?, note: r.name()? })
}

fn write_order_act(act: &OrderAct, w: &mut Writer<'_>) {
    w.number(act.order.0);
    match act.act {
        OrderVerb::Approve => w.byte(0),
        OrderVerb::Cancel => w.byte(1),
        OrderVerb::Change { sku, units } => {
            w.byte(2);
            w.name(&sku);
            w.number(units);
        }
    }
    w.name(&act.actor);
    w.name(&act.note);
}

fn read_order_act(r: &mut Reader<'_>) -> Result<OrderAct> {
    let order = OrderId(r.varint()?);
    let act = match r.byte()? {
        0 => OrderVerb::Approve,
        1 => OrderVerb::Cancel,
        2 => OrderVerb::Change { sku: r.name()?, units: r.number()? },
        other => return Err(DecodeError::UnknownChoice(other)),
    };
    Ok(OrderAct { order, act, actor: r.name()?, note: r.name()? })
}

fn read_rejected(r: &mut Reader<'_>) -> Result<Rejected> {
    let (reason, source) = (r.name()?, r.name()?);
    let (line, raw_len) = (r.varint()?, r.varint()?);
    let len = r.number()?;
    Ok(Rejected { reason, source, line, raw_len, raw: r.take(len)?.to_vec() })
}
