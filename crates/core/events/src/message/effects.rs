//! Effects as messages: the alerts of the published reference system, with what they lacked, and
//! the rest.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shelf_domain::{
    Actor, Alert, BasisPoints, Day, Effect, Explanation, LotCode, Note, PriceNotice, Reason,
    RemovalNotice, RestockTask, Rule, Sku, SupplierId, SupplierOrder, Timestamp,
};

use super::forms::{form, maybe, maybe_money, money};
use super::windows::WindowMessage;
use crate::OutputRecord;
use crate::names::Choice;

/// An alert as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertMessage {
    /// The rule.
    pub event_type: String,
    /// Its number, as `A-12`.
    pub alert_id: String,
    /// The shelf; null where it is about the whole store.
    #[serde(with = "maybe")]
    pub shelf_id: Option<Sku>,
    /// `store` or `warehouse`; `store` where it is about the whole store.
    pub location: String,
    /// How bad: `info`, `warning` or `critical`.
    pub severity: String,
    /// Where it is in its life.
    pub status: String,
    /// The stock when last seen, in units.
    pub current_stock: u32,
    /// The threshold in units, for rules about stock.
    pub min_qty: Option<u32>,
    /// The same as a part of the capacity, 0 to 100, where that is known.
    pub threshold_pct: Option<f64>,
    /// The stock as a part of the capacity, 0 to 100, where that is known.
    pub stock_pct: Option<f64>,
    /// The days to expiry that the rule asks about, for `near_expiry`.
    pub near_expiry_days: Option<u32>,
    /// Units in question, for the other rules about units.
    pub affected_qty: Option<u32>,
    /// Money in question: a receipt's total, or what a unit was sold for.
    #[serde(with = "maybe_money")]
    pub affected_amount: Option<i64>,
    /// For how many minutes the tills have said nothing.
    pub silent_minutes: Option<u32>,
    /// Units to move, order or take away.
    pub suggested_qty: u32,
    /// When it opened.
    #[serde(with = "form")]
    pub created_at: Timestamp,
    /// When its status last changed, or a person last acted on it.
    #[serde(with = "form")]
    pub updated_at: Timestamp,
    /// When the condition was last seen.
    #[serde(with = "form")]
    pub last_seen_at: Timestamp,
    /// How often the condition was seen.
    pub count: u32,
    /// Until when it is hidden.
    #[serde(with = "maybe")]
    pub snoozed_until: Option<Timestamp>,
    /// Who takes care of it, or did until it ended.
    #[serde(with = "maybe")]
    pub owner: Option<Actor>,
    /// Who acted on it last; of one that has ended, who ended it; null where no person did.
    #[serde(with = "maybe")]
    pub actor: Option<Actor>,
    /// The words of whoever acted last.
    #[serde(with = "form")]
    pub note: Note,
}

impl From<&Alert> for AlertMessage {
    fn from(alert: &Alert) -> Self {
        let percent = |units: u32| {
            (alert.capacity_units > 0).then(|| {
                let part = BasisPoints::ratio(u64::from(units), u64::from(alert.capacity_units));
                f64::from(part.0) / 100.0
            })
        };
        let of_stock = matches!(
            alert.rule,
            Rule::RefillRequest
                | Rule::ShelfEmpty
                | Rule::SupplierRequest
                | Rule::OutOfStock
                | Rule::LowStock
                | Rule::BelowSafetyStock
                | Rule::Overstock
        );
        let of_money = matches!(alert.rule, Rule::HighValueSale | Rule::PriceAnomaly);
        let of_silence = alert.rule == Rule::TillSilent;
        let of_units = !(of_stock || of_money || of_silence || alert.rule == Rule::NearExpiry);
        let of_expiry = alert.rule == Rule::NearExpiry;
        Self {
            event_type: alert.rule.code().to_owned(),
            alert_id: alert.alert.to_string(),
            shelf_id: alert.sku,
            location: alert.place.word().to_owned(),
            severity: alert.severity.code().to_owned(),
            status: alert.status.code().to_owned(),
            current_stock: alert.stock_units,
            min_qty: of_stock.then_some(alert.threshold),
            threshold_pct: if of_stock { percent(alert.threshold) } else { None },
            stock_pct: percent(alert.stock_units),
            near_expiry_days: of_expiry.then_some(alert.threshold),
            affected_qty: of_units.then_some(alert.threshold),
            affected_amount: of_money.then_some(i64::from(alert.threshold)),
            silent_minutes: of_silence.then_some(alert.threshold),
            suggested_qty: alert.suggested_units,
            created_at: alert.opened_at,
            updated_at: alert.changed_at,
            last_seen_at: alert.last_seen_at,
            count: alert.count,
            snoozed_until: alert.snoozed_until,
            owner: alert.owner,
            actor: alert.actor,
            note: alert.note,
        }
    }
}

/// A restock task as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RestockTaskMessage {
    /// Its number, as `T-12`.
    pub task_id: String,
    /// The shelf.
    #[serde(with = "form")]
    pub shelf_id: Sku,
    /// Where it is in its life.
    pub status: String,
    /// Units wanted on the shelf.
    pub wanted_qty: u32,
    /// Of these, units for which the warehouse holds no stock yet.
    pub backorder_qty: u32,
    /// The lots.
    pub allocations: Vec<AllocationMessage>,
    /// When it was asked for.
    #[serde(with = "form")]
    pub created_at: Timestamp,
    /// When its status last changed.
    #[serde(with = "form")]
    pub updated_at: Timestamp,
    /// From when on staff can be sent.
    #[serde(with = "form")]
    pub due_at: Timestamp,
}

/// Units of one lot that a task moves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AllocationMessage {
    /// The lot.
    #[serde(with = "form")]
    pub batch_code: LotCode,
    /// Allocated and still in the warehouse.
    pub reserved_qty: u32,
    /// Between the warehouse and the shelf.
    pub transit_qty: u32,
    /// Arrived on the shelf.
    pub arrived_qty: u32,
}

impl From<&RestockTask> for RestockTaskMessage {
    fn from(task: &RestockTask) -> Self {
        let allocations = task.allocations.iter().map(|allocation| AllocationMessage {
            batch_code: allocation.lot,
            reserved_qty: allocation.reserved_units,
            transit_qty: allocation.transit_units,
            arrived_qty: allocation.arrived_units,
        });
        Self {
            task_id: task.task.to_string(),
            shelf_id: task.sku,
            status: task.status.code().to_owned(),
            wanted_qty: task.wanted_units,
            backorder_qty: task.backorder_units,
            allocations: allocations.collect(),
            created_at: task.created_at,
            updated_at: task.changed_at,
            due_at: task.due_at,
        }
    }
}

/// A supplier order as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SupplierOrderMessage {
    /// Its number, as `O-12`.
    pub order_id: String,
    /// From whom.
    #[serde(with = "form")]
    pub supplier_id: SupplierId,
    /// Where it is in its life.
    pub status: String,
    /// When it is, or was, sent.
    #[serde(with = "form")]
    pub cutoff_at: Timestamp,
    /// When it is to come.
    #[serde(with = "form")]
    pub delivery_at: Timestamp,
    /// The store's date of that.
    #[serde(with = "form")]
    pub delivery_date: Day,
    /// When it was proposed.
    #[serde(with = "form")]
    pub created_at: Timestamp,
    /// When its status last changed.
    #[serde(with = "form")]
    pub updated_at: Timestamp,
    /// Its lines.
    pub items: Vec<OrderLineMessage>,
}

/// One line of a supplier order, with each step of its sum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderLineMessage {
    /// What.
    #[serde(with = "form")]
    pub item_id: Sku,
    /// Units ordered.
    pub quantity: u32,
    /// Units that have come.
    pub received_qty: u32,
    /// What a unit costs.
    #[serde(with = "money")]
    pub unit_cost: i64,
    /// Expected sales a day, in units.
    pub expected_daily_units: f64,
    /// Days that the order has to last.
    pub cover_days: f64,
    /// Expected sales in that time.
    pub need_qty: u32,
    /// Kept on top, against chance.
    pub safety_qty: u32,
    /// Kept in the shop whatever sells.
    pub standing_qty: u32,
    /// What sells before it would expire; null where it does not.
    pub sellable_qty: Option<u32>,
    /// Here and not expiring before use.
    pub usable_qty: u32,
    /// Ordered before and still to come in time.
    pub arriving_qty: u32,
    /// The room that is left.
    pub room_qty: u32,
    /// Units in a pack.
    pub pack_units: u32,
    /// What all that comes to; another quantity was changed by a person.
    pub proposed_qty: u32,
}

impl From<&SupplierOrder> for SupplierOrderMessage {
    fn from(order: &SupplierOrder) -> Self {
        let items = order.lines.iter().map(|line| OrderLineMessage {
            item_id: line.sku,
            quantity: line.units,
            received_qty: line.received_units,
            unit_cost: line.cost_cents,
            expected_daily_units: f64::from(line.reason.daily_milli) / 1_000.0,
            cover_days: f64::from(line.reason.cover_milli_days) / 1_000.0,
            need_qty: line.reason.need_units,
            safety_qty: line.reason.safety_units,
            standing_qty: line.reason.standing_units,
            sellable_qty: line.reason.sellable_units,
            usable_qty: line.reason.usable_units,
            arriving_qty: line.reason.arriving_units,
            room_qty: line.reason.room_units,
            pack_units: line.reason.pack_units,
            proposed_qty: line.reason.proposed_units,
        });
        Self {
            order_id: order.order.to_string(),
            supplier_id: order.supplier,
            status: order.status.code().to_owned(),
            cutoff_at: order.cutoff_at,
            delivery_at: order.delivery_at,
            delivery_date: order.delivery_day,
            created_at: order.created_at,
            updated_at: order.changed_at,
            items: items.collect(),
        }
    }
}

/// The price of a sku, or of one of its lots, from now on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PriceMessage {
    /// What.
    #[serde(with = "form")]
    pub item_id: Sku,
    /// The lot; null where the price of all changed.
    #[serde(with = "maybe")]
    pub batch_code: Option<LotCode>,
    /// The list price of a unit.
    #[serde(with = "money")]
    pub list_price: i64,
    /// The cut by plan, 0 to 1.
    #[serde(with = "form")]
    pub promotion: BasisPoints,
    /// The cut because of expiry, 0 to 1.
    #[serde(with = "form")]
    pub markdown: BasisPoints,
    /// What a unit costs the customer.
    #[serde(with = "money")]
    pub price: i64,
}

impl From<&PriceNotice> for PriceMessage {
    fn from(notice: &PriceNotice) -> Self {
        Self {
            item_id: notice.sku,
            batch_code: notice.lot,
            list_price: notice.list_cents,
            promotion: notice.promotion,
            markdown: notice.markdown,
            price: notice.price_cents,
        }
    }
}

/// Units that staff are to carry out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RemovalMessage {
    /// What.
    #[serde(with = "form")]
    pub item_id: Sku,
    /// Of which lot.
    #[serde(with = "form")]
    pub batch_code: LotCode,
    /// `store` or `warehouse`.
    pub location: String,
    /// How many.
    pub quantity: u32,
    /// Why.
    pub cause: String,
    /// What they cost the shop together.
    #[serde(with = "money")]
    pub cost: i64,
}

impl From<&RemovalNotice> for RemovalMessage {
    fn from(notice: &RemovalNotice) -> Self {
        Self {
            item_id: notice.sku,
            batch_code: notice.lot,
            location: notice.place.word().to_owned(),
            quantity: notice.units,
            cause: notice.cause.word().to_owned(),
            cost: notice.cost_cents,
        }
    }
}

/// A movement that settles a disagreement between two sources.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExplanationMessage {
    /// What.
    #[serde(with = "form")]
    pub item_id: Sku,
    /// Units that left the books (positive) or came onto them (negative).
    pub quantity: i64,
    /// Why.
    pub cause: String,
}

impl From<&Explanation> for ExplanationMessage {
    fn from(explanation: &Explanation) -> Self {
        Self {
            item_id: explanation.sku,
            quantity: explanation.units,
            cause: explanation.cause.code().to_owned(),
        }
    }
}

/// Why an event changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineMessage {
    /// The stable code.
    pub reason: String,
    /// What the sender can do.
    pub hint: String,
}

impl From<Reason> for QuarantineMessage {
    fn from(reason: Reason) -> Self {
        Self { reason: reason.code().to_owned(), hint: reason.hint().to_owned() }
    }
}

/// An effect as one JSON object: which effect it is, its id and time, and the fields of its
/// message.
pub fn effect_json(record: &OutputRecord) -> Value {
    let (effect, message) = match &record.effect {
        Effect::Duplicate => ("duplicate", Value::Null),
        Effect::Quarantined(reason) => ("quarantined", value(QuarantineMessage::from(*reason))),
        Effect::Alert(alert) => ("alert", value(AlertMessage::from(alert))),
        Effect::Task(task) => ("restock_task", value(RestockTaskMessage::from(task))),
        Effect::Order(order) => ("supplier_order", value(SupplierOrderMessage::from(order))),
        Effect::Price(notice) => ("price", value(PriceMessage::from(notice))),
        Effect::Removed(notice) => ("removal", value(RemovalMessage::from(notice))),
        Effect::Explained(found) => ("explanation", value(ExplanationMessage::from(found))),
        Effect::Window(result) => ("window", value(WindowMessage::from(result.as_ref()))),
    };
    let mut object = Map::new();
    object.insert("effect".to_owned(), effect.into());
    object.insert("store_id".to_owned(), record.store.as_str().into());
    object.insert("input_offset".to_owned(), record.input_offset.into());
    object.insert("index".to_owned(), record.index.into());
    object.insert("timestamp".to_owned(), crate::json::time::time_text(record.at).into());
    if let Value::Object(fields) = message {
        object.extend(fields);
    }
    Value::Object(object)
}

fn value(message: impl Serialize) -> Value {
    serde_json::to_value(message).unwrap_or_default()
}
