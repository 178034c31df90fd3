//! From the fields of an object to what happened: the events of sensors, tills and the warehouse.

use shelf_domain::{
    BasisPoints, Body, CustomerEvent, Delivery, OpeningStock, OrderId, Place, Receipt, ReceiptLine,
    Refill, Removal, Session, ShelfTouch, TaskId, Timestamp, Transfer, WarehouseOut, WeightChange,
};

use super::error::{ErrorCode, JsonError};
use super::fields::{Field, Fields};
use super::get::{LOT, Result, SKU, UNITS, missing, need};
use super::{RESTOCK_BOT, people, reference, windows};

const CUSTOMER: &[Field] = &[Field::CustomerId];
const UNIT_WEIGHT: &[Field] = &[Field::Weight, Field::UnitWeightG, Field::ItemWeight];
const TASK: &[Field] = &[Field::TaskId, Field::PlanId];
const EXPIRY: &[Field] = &[Field::ExpiryDate];
const RECEIVED: &[Field] = &[Field::ReceivedDate];
/// The time of a policy record of the reference.
const POLICY_AT: &[Field] =
    &[Field::Timestamp, Field::Time, Field::At, Field::UpdatedAt, Field::CreatedAt];

/// What happened, and when, where that is not the time of the common fields.
pub(super) fn body(fields: &mut Fields<'_>) -> Result<(Body, Option<Timestamp>)> {
    let Some((_, kind)) = fields.maybe_text(&[Field::EventType])? else {
        // The policy records of the reference have no type.
        return match fields.first(&[Field::PolicyId]) {
            Some(_) => policy(fields),
            None => Err(missing(&[Field::EventType])),
        };
    };
    let body = match kind.as_ref() {
        "weight_change" => Body::WeightChange(weight_change(fields)?),
        "pickup" => Body::Pickup(touch(fields)?),
        "putback" => putback(fields)?,
        "pos_transaction" => Body::Receipt(Box::new(receipt(fields)?)),
        "refill" => Body::Refill(refill(fields)?),
        "entry" => Body::Entry(fields.maybe_name(CUSTOMER)?),
        "exit" => Body::Exit(fields.maybe_name(CUSTOMER)?),
        "customer_event" => Body::CustomerEvent(customer_event(fields)?),
        "foot_traffic" => return session(fields),
        "wh_in" => Body::Delivery(delivery(fields)?),
        "wh_out" => Body::WarehouseOut(warehouse_out(fields)?),
        "removal" => Body::Removal(removal(fields)?),
        "count" => Body::Count(people::count(fields)?),
        "transfer" => Body::Transfer(transfer(fields)?),
        "opening_stock" => Body::OpeningStock(opening_stock(fields)?),
        "policy" | "shelf_policies" | "wh_policies" => return policy(fields),
        "store" => Body::Store(Box::new(reference::store(fields)?)),
        "product" => Body::Product(Box::new(reference::product(fields)?)),
        "shelf" => Body::Shelf(reference::shelf(fields)?),
        "supplier" => Body::Supplier(Box::new(reference::supplier(fields)?)),
        "price" => Body::Price(reference::price(fields)?),
        "promotion" => Body::Promotion(reference::promotion(fields)?),
        "alert_act" => Body::AlertAct(Box::new(people::alert_act(fields)?)),
        "order_act" => Body::OrderAct(Box::new(people::order_act(fields)?)),
        "task_act" => Body::TaskAct(people::task_act(fields)?),
        "window_plan" => Body::WindowPlan(Box::new(windows::plan(fields)?)),
        "clock" => Body::Clock,
        "rejected" => Body::Rejected(Box::new(people::rejected(fields)?)),
        unknown => {
            let (code, field) = (ErrorCode::UnknownEventType, Field::EventType.name());
            return Err(JsonError::found(code, field, unknown));
        }
    };
    Ok((body, None))
}

fn policy(fields: &Fields<'_>) -> Result<(Body, Option<Timestamp>)> {
    let body = Body::Policy(Box::new(reference::policy(fields)?));
    Ok((body, Some(need(fields.maybe_time(POLICY_AT)?, POLICY_AT)?)))
}

#[inline]
fn touch(fields: &Fields<'_>) -> Result<ShelfTouch> {
    Ok(ShelfTouch {
        customer: fields.maybe_name(CUSTOMER)?,
        sku: fields.name(SKU)?,
        units: fields.units(UNITS)?,
        unit_weight_g: fields.maybe_scaled(UNIT_WEIGHT, 0)?.unwrap_or(0),
    })
}

fn putback(fields: &Fields<'_>) -> Result<Body> {
    let touch = touch(fields)?;
    match touch.customer {
        Some(customer) if customer.as_bytes() == RESTOCK_BOT.as_bytes() => {
            Ok(Body::Refill(refill(fields)?))
        }
        _ => Ok(Body::Putback(touch)),
    }
}

/// The task of a movement. The reference's own plans are UUIDs, which name no task of this system.
fn task(fields: &Fields<'_>) -> Result<Option<TaskId>> {
    match fields.first(TASK) {
        Some((Field::PlanId, value)) => Ok(match value {
            super::Value::Number(digits) => TaskId::parse(digits),
            other => TaskId::parse(&other.text(Field::PlanId)?),
        }),
        _ => fields.maybe_number_id(TASK, TaskId::parse),
    }
}

fn order(fields: &Fields<'_>) -> Result<Option<OrderId>> {
    match fields.first(&[Field::OrderId, Field::PlanId]) {
        Some((Field::PlanId, value)) => Ok(match value {
            super::Value::Number(digits) => OrderId::parse(digits),
            other => OrderId::parse(&other.text(Field::PlanId)?),
        }),
        _ => fields.maybe_number_id(&[Field::OrderId], OrderId::parse),
    }
}

fn refill(fields: &Fields<'_>) -> Result<Refill> {
    Ok(Refill {
        task: task(fields)?,
        sku: fields.name(SKU)?,
        lot: fields.maybe_name(LOT)?,
        units: fields.units(UNITS)?,
    })
}

#[inline]
fn weight_change(fields: &Fields<'_>) -> Result<WeightChange> {
    let delta = &[Field::DeltaWeight];
    Ok(WeightChange {
        customer: fields.maybe_name(CUSTOMER)?,
        sku: fields.name(SKU)?,
        delta_g: need(fields.maybe_scaled(delta, 0)?, delta)?,
    })
}

fn session(fields: &Fields<'_>) -> Result<(Body, Option<Timestamp>)> {
    let (entry, exit) = (&[Field::EntryTime], &[Field::ExitTime]);
    let session = Session {
        customer: fields.name(CUSTOMER)?,
        exit_at: need(fields.maybe_time(exit)?, exit)?,
    };
    let entry_at = need(fields.maybe_time(entry)?, entry)?;
    Ok((Body::Session(session), Some(entry_at)))
}

fn customer_event(fields: &Fields<'_>) -> Result<CustomerEvent> {
    let step = &[Field::Step];
    Ok(CustomerEvent {
        customer: fields.maybe_name(CUSTOMER)?,
        step: need(fields.maybe_choice(step)?, step)?,
        sku: fields.maybe_name(SKU)?,
    })
}

fn receipt(fields: &mut Fields<'_>) -> Result<Receipt> {
    let lines = match fields.lines.take() {
        Some(lines) => Some(lines),
        None => fields.maybe_list(Field::Items, receipt_line)?,
    };
    Ok(Receipt {
        receipt: fields.name(&[Field::TransactionId])?,
        customer: fields.maybe_name(CUSTOMER)?,
        payment_method: fields.name_or_empty(&[Field::PaymentMethod])?,
        customer_type: fields.name_or_empty(&[Field::CustomerType, Field::ClientType])?,
        lines: need(lines, &[Field::Items])?,
    })
}

/// One line of a receipt.
pub(super) fn receipt_line(fields: &Fields<'_>) -> Result<ReceiptLine> {
    let unit_price = &[Field::UnitPrice];
    let units: i32 = need(fields.maybe_int(UNITS)?, UNITS)?;
    let unit_price_cents = need(fields.maybe_money(unit_price)?, unit_price)?;
    let discount = fields.maybe_part(&[Field::Discount], 4)?.unwrap_or_default();
    let total_cents = match fields.maybe_money(&[Field::TotalPrice])? {
        Some(total) => total,
        None => line_total(units, unit_price_cents, discount)
            .ok_or(JsonError::new(ErrorCode::OutOfRange, Field::TotalPrice.name()))?,
    };
    Ok(ReceiptLine {
        sku: fields.name(SKU)?,
        units,
        unit_price_cents,
        discount,
        total_cents,
        lot: fields.maybe_name(LOT)?,
    })
}

/// What a line comes to, in cents: the rule of the reference, rounded half away from zero.
fn line_total(units: i32, unit_price_cents: i64, discount: BasisPoints) -> Option<i64> {
    let keep = i128::from(BasisPoints::WHOLE.0.saturating_sub(discount.0));
    let exact = i128::from(units) * i128::from(unit_price_cents) * keep;
    let half = if exact < 0 { -5_000 } else { 5_000 };
    i64::try_from((exact + half) / 10_000).ok()
}

fn delivery(fields: &Fields<'_>) -> Result<Delivery> {
    Ok(Delivery {
        order: order(fields)?,
        sku: fields.name(SKU)?,
        lot: fields.name(LOT)?,
        units: fields.units(UNITS)?,
        received_day: fields.maybe_day(RECEIVED)?,
        expiry_day: fields.maybe_day(EXPIRY)?,
        actor: fields.name_or_empty(&[Field::Actor])?,
    })
}

fn warehouse_out(fields: &Fields<'_>) -> Result<WarehouseOut> {
    Ok(WarehouseOut {
        task: task(fields)?,
        sku: fields.name(SKU)?,
        lot: fields.maybe_name(LOT)?,
        units: fields.units(UNITS)?,
    })
}

fn removal(fields: &Fields<'_>) -> Result<Removal> {
    Ok(Removal {
        sku: fields.name(SKU)?,
        lot: fields.maybe_name(LOT)?,
        place: place(fields)?,
        units: fields.units(UNITS)?,
        cause: need(fields.maybe_choice(&[Field::Cause])?, &[Field::Cause])?,
        actor: fields.name_or_empty(&[Field::Actor])?,
    })
}

/// Where something happened.
pub(super) fn place(fields: &Fields<'_>) -> Result<Place> {
    let location = &[Field::Location];
    need(fields.maybe_choice(location)?, location)
}

fn transfer(fields: &Fields<'_>) -> Result<Transfer> {
    Ok(Transfer {
        sku: fields.name(SKU)?,
        lot: fields.maybe_name(LOT)?,
        units: fields.units(UNITS)?,
        to: fields.name(&[Field::ToStore])?,
    })
}

fn opening_stock(fields: &Fields<'_>) -> Result<OpeningStock> {
    let floor = &[Field::FloorUnits, Field::BatchQuantityStore];
    let warehouse = &[Field::WarehouseUnits, Field::BatchQuantityWarehouse];
    Ok(OpeningStock {
        sku: fields.name(SKU)?,
        lot: fields.name(LOT)?,
        received_day: need(fields.maybe_day(RECEIVED)?, RECEIVED)?,
        expiry_day: fields.maybe_day(EXPIRY)?,
        floor_units: fields.maybe_units(floor)?.unwrap_or(0),
        warehouse_units: fields.maybe_units(warehouse)?.unwrap_or(0),
        actor: fields.name_or_empty(&[Field::Actor])?,
    })
}
