//! Events as canonical JSON lines: one form for each event, which reads back as the same event.

use shelf_domain::{
    AlertAct, AlertVerb, BasisPoints, Body, DAY, Day, Event, HOUR, LotCode, MINUTE, OrderAct,
    OrderVerb, Receipt, ReceiptLine, Rejected, Session, ShelfTouch, Sku, TaskAct, TaskVerb,
    Timestamp,
};

use super::fields::Field;
use super::number::{write_fixed, write_scaled, write_unsigned};
use super::time::{write_day, write_time};
use super::{base64, windows, write_event_id, write_reference};
use crate::names::{Choice, Name};

/// Appends the canonical JSON of `event`, without a line end. [`parse_event`](crate::parse_event)
/// reads it back as the same event where the event is valid: times and dates in the years 0 to
/// 9999, no empty text where a name may be missing, no putback by `restock_bot`, and not over the
/// limit of a line. Its origin is not written.
pub fn write_event(event: &Event, out: &mut Vec<u8>) {
    out.reserve(256);
    let mut object = Object::open(out);
    object.text(Field::EventType, kind(&event.body));
    object.key(Field::EventId);
    object.out.push(b'"');
    write_event_id(event.id, object.out);
    object.out.push(b'"');
    object.name(Field::StoreId, &event.store);
    object.time(at_field(&event.body), event.at);
    object.time(Field::ReceivedAt, event.received_at);
    write_body(&event.body, event.at, &mut object);
    object.close();
}

/// The `event_type` of a body.
fn kind(body: &Body) -> &'static str {
    match body {
        Body::Pickup(_) => "pickup",
        Body::Putback(_) => "putback",
        Body::WeightChange(_) => "weight_change",
        Body::Refill(_) => "refill",
        Body::Entry(_) => "entry",
        Body::Exit(_) => "exit",
        Body::Session(_) => "foot_traffic",
        Body::CustomerEvent(_) => "customer_event",
        Body::Receipt(_) => "pos_transaction",
        Body::Delivery(_) => "wh_in",
        Body::WarehouseOut(_) => "wh_out",
        Body::Removal(_) => "removal",
        Body::Count(_) => "count",
        Body::Transfer(_) => "transfer",
        Body::Store(_) => "store",
        Body::Product(_) => "product",
        Body::Shelf(_) => "shelf",
        Body::OpeningStock(_) => "opening_stock",
        Body::Supplier(_) => "supplier",
        Body::Policy(_) => "policy",
        Body::Price(_) => "price",
        Body::Promotion(_) => "promotion",
        Body::AlertAct(_) => "alert_act",
        Body::OrderAct(_) => "order_act",
        Body::TaskAct(_) => "task_act",
        Body::WindowPlan(_) => "window_plan",
        Body::Clock => "clock",
        Body::Rejected(_) => "rejected",
    }
}

fn at_field(body: &Body) -> Field {
    match body {
        Body::Entry(_) | Body::Exit(_) => Field::Time,
        Body::Session(_) => Field::EntryTime,
        _ => Field::Timestamp,
    }
}

fn write_body(body: &Body, at: Timestamp, o: &mut Object<'_>) {
    match body {
        Body::Pickup(touch) | Body::Putback(touch) => write_touch(touch, o),
        Body::WeightChange(change) => {
            o.maybe_name(Field::CustomerId, change.customer.as_ref());
            o.name(Field::ItemId, &change.sku);
            o.scaled(Field::DeltaWeight, change.delta_g, 0);
        }
        Body::Refill(refill) => {
            o.maybe_id(Field::TaskId, refill.task.as_ref());
            o.moved(Field::ItemId, &refill.sku, refill.lot.as_ref());
            o.number(Field::Quantity, refill.units);
        }
        Body::Entry(customer) | Body::Exit(customer) => {
            o.maybe_name(Field::CustomerId, customer.as_ref());
        }
        Body::CustomerEvent(event) => {
            o.maybe_name(Field::CustomerId, event.customer.as_ref());
            o.text(Field::Step, event.step.word());
            o.maybe_name(Field::ItemId, event.sku.as_ref());
        }
        Body::Session(session) => write_session(session, at, o),
        Body::Receipt(receipt) => write_receipt(receipt, o),
        Body::Delivery(delivery) => {
            o.maybe_id(Field::PlanId, delivery.order.as_ref());
            o.moved(Field::ShelfId, &delivery.sku, Some(&delivery.lot));
            write_qty(delivery.units, o);
            o.maybe_day(Field::ReceivedDate, delivery.received_day);
            o.maybe_day(Field::ExpiryDate, delivery.expiry_day);
            o.text(Field::Reason, "supplier_delivery");
            o.name_unless_empty(Field::Actor, &delivery.actor);
        }
        Body::WarehouseOut(moved) => {
            o.maybe_id(Field::PlanId, moved.task.as_ref());
            o.moved(Field::ShelfId, &moved.sku, moved.lot.as_ref());
            write_qty(moved.units, o);
        }
        Body::Removal(removal) => {
            o.moved(Field::ItemId, &removal.sku, removal.lot.as_ref());
            o.text(Field::Location, removal.place.word());
            o.number(Field::Quantity, removal.units);
            o.text(Field::Cause, removal.cause.word());
            o.name_unless_empty(Field::Actor, &removal.actor);
        }
        Body::Count(count) => {
            o.name(Field::ItemId, &count.sku);
            o.text(Field::Location, count.place.word());
            o.number(Field::Quantity, count.units);
            o.name_unless_empty(Field::Actor, &count.actor);
        }
        Body::Transfer(transfer) => {
            o.moved(Field::ItemId, &transfer.sku, transfer.lot.as_ref());
            o.number(Field::Quantity, transfer.units);
            o.name(Field::ToStore, &transfer.to);
        }
        Body::AlertAct(act) => write_alert_act(act, o),
        Body::OrderAct(act) => write_order_act(act, o),
        Body::TaskAct(act) => write_task_act(act, o),
        Body::WindowPlan(plan) => windows::write_plan(plan, o),
        Body::Clock => {}
        Body::Rejected(rejected) => write_rejected(rejected, o),
        reference => write_reference::write(reference, o),
    }
}

/// Units as the reference's movements tell them; what follows from them, or is the same in all, is
/// not read back.
fn write_qty(units: u32, o: &mut Object<'_>) {
    o.number(Field::Qty, units);
    o.text(Field::Unit, "ea");
    o.flag(Field::Fifo, true);
}

/// The slots of the day in which the reference counts visits, by their first hour.
const SLOTS: [(i64, &str); 6] = [
    (0, "00:00–06:59"),
    (7, "07:00–09:59"),
    (10, "10:00–13:59"),
    (14, "14:00–16:59"),
    (17, "17:00–19:59"),
    (20, "20:00–23:59"),
];
const WEEKDAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// A visit; its length, weekday and slot follow from its times, in UTC, and are not read back.
fn write_session(session: &Session, entry_at: Timestamp, o: &mut Object<'_>) {
    o.name(Field::CustomerId, &session.customer);
    o.time(Field::ExitTime, session.exit_at);
    let minutes = session.exit_at.since(entry_at).max(0) / MINUTE;
    o.scaled(Field::TripDurationMinutes, minutes, 0);
    let day = Day(entry_at.0.div_euclid(DAY) as i32);
    let weekday = WEEKDAYS.get(usize::from(day.weekday())).copied().unwrap_or("");
    o.text(Field::Weekday, weekday);
    let hour = entry_at.0.rem_euclid(DAY) / HOUR;
    let slot = SLOTS.iter().rev().find(|(from, _)| hour >= *from);
    o.text(Field::TimeSlot, slot.map_or("n/a", |(_, label)| label));
}

fn write_touch(touch: &ShelfTouch, o: &mut Object<'_>) {
    o.maybe_name(Field::CustomerId, touch.customer.as_ref());
    o.name(Field::ItemId, &touch.sku);
    o.number(Field::Quantity, touch.units);
    if touch.unit_weight_g != 0 {
        o.number(Field::Weight, touch.unit_weight_g);
    }
}

fn write_receipt(receipt: &Receipt, o: &mut Object<'_>) {
    o.name(Field::TransactionId, &receipt.receipt);
    o.maybe_name(Field::CustomerId, receipt.customer.as_ref());
    o.name_unless_empty(Field::PaymentMethod, &receipt.payment_method);
    o.name_unless_empty(Field::CustomerType, &receipt.customer_type);
    o.list(Field::Items, &receipt.lines, |o, line: &ReceiptLine| {
        o.name(Field::ItemId, &line.sku);
        o.scaled(Field::Quantity, i64::from(line.units), 0);
        o.money(Field::UnitPrice, line.unit_price_cents);
        o.scaled(Field::Discount, i64::from(line.discount.0), 4);
        o.money(Field::TotalPrice, line.total_cents);
        o.maybe_name(Field::BatchCode, line.lot.as_ref());
    });
}

fn write_alert_act(act: &AlertAct, o: &mut Object<'_>) {
    o.id(Field::AlertId, &act.alert);
    o.text(Field::Act, act.act.code());
    match act.act {
        AlertVerb::Assign(assignee) => o.name(Field::Assignee, &assignee),
        AlertVerb::Snooze(until) => o.time(Field::Until, until),
        _ => {}
    }
    o.name_unless_empty(Field::Actor, &act.actor);
    o.name_unless_empty(Field::Note, &act.note);
}

fn write_order_act(act: &OrderAct, o: &mut Object<'_>) {
    o.id(Field::OrderId, &act.order);
    match act.act {
        OrderVerb::Approve => o.text(Field::Act, "approve"),
        OrderVerb::Cancel => o.text(Field::Act, "cancel"),
        OrderVerb::Change { sku, units } => {
            o.text(Field::Act, "change");
            o.name(Field::ItemId, &sku);
            o.number(Field::Quantity, units);
        }
    }
    o.name_unless_empty(Field::Actor, &act.actor);
    o.name_unless_empty(Field::Note, &act.note);
}

fn write_task_act(act: &TaskAct, o: &mut Object<'_>) {
    o.id(Field::TaskId, &act.task);
    match act.act {
        TaskVerb::Request(sku) => {
            o.text(Field::Act, "request");
            o.name(Field::ItemId, &sku);
        }
        TaskVerb::Cancel => o.text(Field::Act, "cancel"),
    }
    o.name_unless_empty(Field::Actor, &act.actor);
}

fn write_rejected(rejected: &Rejected, o: &mut Object<'_>) {
    o.name(Field::Reason, &rejected.reason);
    o.name_unless_empty(Field::Source, &rejected.source);
    o.number(Field::Line, rejected.line);
    o.number(Field::RawLen, rejected.raw_len);
    if let Ok(text) = str::from_utf8(&rejected.raw) {
        o.text(Field::Raw, text);
    } else {
        o.key(Field::RawBase64);
        o.out.push(b'"');
        base64::encode(&rejected.raw, o.out);
        o.out.push(b'"');
    }
}

/// An object that is being written.
pub(super) struct Object<'a> {
    pub(super) out: &'a mut Vec<u8>,
    empty: bool,
}

impl<'a> Object<'a> {
    fn open(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, empty: true }
    }

    fn close(self) {
        self.out.push(b'}');
    }

    fn key(&mut self, field: Field) {
        if !core::mem::take(&mut self.empty) {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(field.name().as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    pub(super) fn text(&mut self, field: Field, text: &str) {
        self.key(field);
        write_text(text, self.out);
    }

    pub(super) fn name<T: Name>(&mut self, field: Field, name: &T) {
        self.text(field, name.text());
    }

    pub(super) fn maybe_name<T: Name>(&mut self, field: Field, name: Option<&T>) {
        if let Some(name) = name {
            self.name(field, name);
        }
    }

    pub(super) fn name_unless_empty<T: Name>(&mut self, field: Field, name: &T) {
        if !name.text().is_empty() {
            self.name(field, name);
        }
    }

    fn moved(&mut self, field: Field, sku: &Sku, lot: Option<&LotCode>) {
        self.name(field, sku);
        self.maybe_name(Field::BatchCode, lot);
    }

    fn id(&mut self, field: Field, id: &impl ToString) {
        self.text(field, &id.to_string());
    }

    fn maybe_id(&mut self, field: Field, id: Option<&impl ToString>) {
        if let Some(id) = id {
            self.id(field, id);
        }
    }

    pub(super) fn number(&mut self, field: Field, number: impl Into<u64>) {
        self.key(field);
        write_unsigned(number.into(), self.out);
    }

    pub(super) fn scaled(&mut self, field: Field, value: i64, places: u32) {
        self.key(field);
        write_scaled(value, places, self.out);
    }

    pub(super) fn money(&mut self, field: Field, cents: i64) {
        self.key(field);
        write_fixed(cents, 2, self.out);
    }

    /// A part of a whole as per cent.
    pub(super) fn percent(&mut self, field: Field, part: Option<BasisPoints>) {
        if let Some(part) = part {
            self.scaled(field, i64::from(part.0), 2);
        }
    }

    pub(super) fn maybe_number(&mut self, field: Field, number: Option<impl Into<u64>>) {
        if let Some(number) = number {
            self.number(field, number);
        }
    }

    pub(super) fn flag(&mut self, field: Field, flag: bool) {
        self.key(field);
        self.out.extend_from_slice(if flag { b"true" } else { b"false" });
    }

    pub(super) fn time(&mut self, field: Field, at: Timestamp) {
        self.key(field);
        self.out.push(b'"');
        write_time(at, self.out);
        self.out.push(b'"');
    }

    pub(super) fn day(&mut self, field: Field, day: Day) {
        self.key(field);
        self.out.push(b'"');
        write_day(day, self.out);
        self.out.push(b'"');
    }

    pub(super) fn maybe_day(&mut self, field: Field, day: Option<Day>) {
        if let Some(day) = day {
            self.day(field, day);
        }
    }

    pub(super) fn days(&mut self, field: Field, days: &[Day]) {
        self.key(field);
        for (place, &day) in days.iter().enumerate() {
            self.out.extend_from_slice(if place == 0 { b"[\"" } else { b",\"" });
            write_day(day, self.out);
            self.out.push(b'"');
        }
        self.out.push(b']');
    }

    /// A list of texts that need no escapes.
    pub(super) fn texts<'t>(&mut self, field: Field, texts: impl Iterator<Item = &'t str>) {
        self.key(field);
        self.out.push(b'[');
        for (place, text) in texts.enumerate() {
            if place > 0 {
                self.out.push(b',');
            }
            write_text(text, self.out);
        }
        self.out.push(b']');
    }

    pub(super) fn list<T>(
        &mut self,
        field: Field,
        items: &[T],
        mut write: impl FnMut(&mut Object<'_>, &T),
    ) {
        self.key(field);
        self.out.push(b'[');
        for (place, item) in items.iter().enumerate() {
            if place > 0 {
                self.out.push(b',');
            }
            let mut object = Object::open(self.out);
            write(&mut object, item);
            object.close();
        }
        self.out.push(b']');
    }
}

/// Appends a JSON text.
fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|&byte| byte < b' ' || byte == b'"' || byte == b'\\')
    {
        let (plain, tail) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((&special, after)) = tail.split_first() else { break };
        match special {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            control => {
                let low = control & 15;
                let digit = if low < 10 { b'0' + low } else { b'a' + low - 10 };
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', b'0' + (control >> 4), digit]);
            }
        }
        rest = after;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}
