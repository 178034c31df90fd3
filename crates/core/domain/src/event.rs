//! Everything that changes a store. An event carries its own time and id; the core asks for nothing
//! else.

use alloc::boxed::Box;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::ids::{
    Actor, AlertId, CustomerId, CustomerType, EventId, LotCode, Note, OrderId, PaymentMethod,
    ReceiptId, Sku, StoreId, TaskId,
};
use crate::origin::Origin;
use crate::quantity::BasisPoints;
use crate::reference::{Policy, Product, ShelfPlan, StoreSettings, Supplier};
use crate::time::{Day, Timestamp};
use crate::windows::WindowPlan;

/// One fact about one store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its identity.
    pub id: EventId,
    /// The store.
    pub store: StoreId,
    /// When it happened.
    pub at: Timestamp,
    /// When it reached the log.
    pub received_at: Timestamp,
    /// Where it came from. It is no part of the event's identity, and no rule looks at it.
    pub origin: Origin,
    /// What happened.
    pub body: Body,
}

/// What happened. What is large and rare is boxed: events are copied often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A customer took units from a shelf.
    Pickup(ShelfTouch),
    /// A customer put units back on a shelf.
    Putback(ShelfTouch),
    /// A shelf's weight changed.
    WeightChange(WeightChange),
    /// Staff put units on a shelf.
    Refill(Refill),
    /// A customer came in.
    Entry(Option<CustomerId>),
    /// A customer left.
    Exit(Option<CustomerId>),
    /// A customer came in, and is known to leave at a later time.
    Session(Session),
    /// A step of a visit, as an entrance, an app or a web shop tells it.
    CustomerEvent(CustomerEvent),
    /// A point-of-sale transaction.
    Receipt(Box<Receipt>),
    /// `wh_in`: units came into the warehouse.
    Delivery(Delivery),
    /// `wh_out`: units left the warehouse for the floor.
    WarehouseOut(WarehouseOut),
    /// Units were taken out of the shop other than by a sale.
    Removal(Removal),
    /// A person counted.
    Count(Count),
    /// Units left the warehouse for another store.
    Transfer(Transfer),
    /// The store, or a change of how it runs.
    Store(Box<StoreSettings>),
    /// A product, or a change of one.
    Product(Box<Product>),
    /// A shelf, or a change of one.
    Shelf(ShelfPlan),
    /// Stock that was there before the log began.
    OpeningStock(OpeningStock),
    /// A supplier, or a change of one.
    Supplier(Box<Supplier>),
    /// A policy, or a change of one.
    Policy(Box<Policy>),
    /// A new list price.
    Price(PriceChange),
    /// A price cut by plan.
    Promotion(Promotion),
    /// What a person did about an alert.
    AlertAct(Box<AlertAct>),
    /// What a person did about a supplier order.
    OrderAct(Box<OrderAct>),
    /// What a person did about a restock task.
    TaskAct(TaskAct),
    /// The windows that the store keeps from this time on.
    WindowPlan(Box<WindowPlan>),
    /// Nothing but that this time has come.
    Clock,
    /// Bytes that are not an event, with the reason: kept so that nothing is lost.
    Rejected(Box<Rejected>),
}

impl Body {
    /// Who did it, of what a person can do; empty where nobody says.
    pub fn actor_mut(&mut self) -> Option<&mut Actor> {
        match self {
            Self::AlertAct(act) => Some(&mut act.actor),
            Self::OrderAct(act) => Some(&mut act.actor),
            Self::TaskAct(act) => Some(&mut act.actor),
            Self::Count(count) => Some(&mut count.actor),
            Self::Removal(removal) => Some(&mut removal.actor),
            Self::Delivery(delivery) => Some(&mut delivery.actor),
            Self::Store(settings) => Some(&mut settings.actor),
            Self::Shelf(plan) => Some(&mut plan.actor),
            Self::OpeningStock(stock) => Some(&mut stock.actor),
            Self::Policy(policy) => Some(&mut policy.actor),
            Self::Product(product) => Some(&mut product.actor),
            Self::Supplier(supplier) => Some(&mut supplier.actor),
            Self::Price(change) => Some(&mut change.actor),
            Self::Promotion(promotion) => Some(&mut promotion.actor),
            _ => None,
        }
    }

    /// Who set something that a system sets as well; `None` where no person did.
    pub fn set_by(&self) -> Option<&Actor> {
        let actor = match self {
            Self::Delivery(delivery) => &delivery.actor,
            Self::Store(settings) => &settings.actor,
            Self::Shelf(plan) => &plan.actor,
            Self::OpeningStock(stock) => &stock.actor,
            Self::Policy(policy) => &policy.actor,
            Self::Product(product) => &product.actor,
            Self::Supplier(supplier) => &supplier.actor,
            Self::Price(change) => &change.actor,
            Self::Promotion(promotion) => &promotion.actor,
            _ => return None,
        };
        (!actor.is_empty()).then_some(actor)
    }
}

/// Units taken from a shelf or put back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShelfTouch {
    /// Who, where the sensor knows.
    pub customer: Option<CustomerId>,
    /// Which shelf.
    pub sku: Sku,
    /// How many.
    pub units: u32,
    /// The weight of one unit as the sensor reports it, in grams; 0 where it does not.
    pub unit_weight_g: u32,
}

/// A change of weight on a shelf.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WeightChange {
    /// Who, where the sensor knows.
    pub customer: Option<CustomerId>,
    /// Which shelf.
    pub sku: Sku,
    /// By how many grams: negative when something was taken.
    pub delta_g: i64,
}

/// Units that staff put on a shelf.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refill {
    /// For which task, where that is known.
    pub task: Option<TaskId>,
    /// Which shelf.
    pub sku: Sku,
    /// Of which lot, where that is known.
    pub lot: Option<LotCode>,
    /// How many.
    pub units: u32,
}

/// A visit whose end is known when it begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// Who.
    pub customer: CustomerId,
    /// When they will leave.
    pub exit_at: Timestamp,
}

/// A step of a visit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CustomerEvent {
    /// Who, where that is known.
    pub customer: Option<CustomerId>,
    /// Which step.
    pub step: FunnelStep,
    /// About which product; it need not be declared, for looking at it moves no stock.
    pub sku: Option<Sku>,
}

/// The steps of a visit, from the entrance on.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum FunnelStep {
    /// Came in, or logged in.
    #[default]
    Entrance,
    /// Looked at something.
    View,
    /// Put something into the cart.
    CartAdd,
    /// Took something out of the cart.
    CartRemove,
    /// Paid.
    Checkout,
    /// Left without paying.
    Abandon,
}

impl FunnelStep {
    /// All of them, in order of their numbers.
    pub const ALL: [Self; 6] = [
        Self::Entrance,
        Self::View,
        Self::CartAdd,
        Self::CartRemove,
        Self::Checkout,
        Self::Abandon,
    ];
}

/// A point-of-sale transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Its id.
    pub receipt: ReceiptId,
    /// Whose cart it pays, where the till knows.
    pub customer: Option<CustomerId>,
    /// How it was paid; empty where the till does not say.
    pub payment_method: PaymentMethod,
    /// What kind of customer it is of; empty where the till does not say.
    pub customer_type: CustomerType,
    /// Its lines.
    pub lines: Vec<ReceiptLine>,
}

/// One line of a receipt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptLine {
    /// What.
    pub sku: Sku,
    /// How many: negative for a return.
    pub units: i32,
    /// The price of one unit before the discount, in cents.
    pub unit_price_cents: i64,
    /// The discount.
    pub discount: BasisPoints,
    /// What the line comes to, in cents: negative for a return.
    pub total_cents: i64,
    /// Of which lot, where the till read it.
    pub lot: Option<LotCode>,
}

/// Units that came into the warehouse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// For which order, where that is known.
    pub order: Option<OrderId>,
    /// What.
    pub sku: Sku,
    /// Its lot.
    pub lot: LotCode,
    /// How many.
    pub units: u32,
    /// The date it counts as received; the event's local date where it is not given.
    pub received_day: Option<Day>,
    /// Its expiry date; by the product's shelf life where it is not given.
    pub expiry_day: Option<Day>,
    /// Who took it in, where a person did.
    pub actor: Actor,
}

/// Units that left the warehouse for the floor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WarehouseOut {
    /// For which task, where that is known.
    pub task: Option<TaskId>,
    /// What.
    pub sku: Sku,
    /// Of which lot; by the picking policy where that is not known.
    pub lot: Option<LotCode>,
    /// How many.
    pub units: u32,
}

/// On the floor or in the warehouse.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Place {
    /// On the shelf.
    #[default]
    Floor,
    /// In the store's warehouse.
    Warehouse,
}

/// Why units were taken out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RemovalCause {
    /// Past its expiry date.
    #[default]
    Expired,
    /// Broken or spoiled.
    Damaged,
    /// Called back.
    Recalled,
    /// Sent to another store.
    Transferred,
    /// Known to have been stolen.
    Stolen,
}

/// Units taken out of the shop other than by a sale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removal {
    /// What.
    pub sku: Sku,
    /// Of which lot; the soonest to expire where that is not known.
    pub lot: Option<LotCode>,
    /// From where.
    pub place: Place,
    /// How many.
    pub units: u32,
    /// Why.
    pub cause: RemovalCause,
    /// Who.
    pub actor: Actor,
}

/// A person counted a shelf or a place in the warehouse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// What.
    pub sku: Sku,
    /// Where.
    pub place: Place,
    /// How many there are.
    pub units: u32,
    /// Who.
    pub actor: Actor,
}

/// Units that left the warehouse for another store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transfer {
    /// What.
    pub sku: Sku,
    /// Of which lot; by the picking policy where that is not known.
    pub lot: Option<LotCode>,
    /// How many.
    pub units: u32,
    /// Where to.
    pub to: StoreId,
}

/// Stock that was there before the log began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpeningStock {
    /// What.
    pub sku: Sku,
    /// Its lot.
    pub lot: LotCode,
    /// When it was received.
    pub received_day: Day,
    /// Its expiry date; `None` where it does not expire.
    pub expiry_day: Option<Day>,
    /// Units on the shelf.
    pub floor_units: u32,
    /// Units in the warehouse.
    pub warehouse_units: u32,
    /// Who declared it, where a person did.
    pub actor: Actor,
}

/// A new list price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PriceChange {
    /// What.
    pub sku: Sku,
    /// The list price of a unit from now on, in cents.
    pub price_cents: i64,
    /// Who set it, where a person did.
    pub actor: Actor,
}

/// A price cut by plan, for some days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promotion {
    /// What.
    pub sku: Sku,
    /// The first day.
    pub from_day: Day,
    /// The last day.
    pub until_day: Day,
    /// The cut.
    pub cut: BasisPoints,
    /// Who planned it, where a person did.
    pub actor: Actor,
}

/// What a person did about an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlertAct {
    /// Which.
    pub alert: AlertId,
    /// What.
    pub act: AlertVerb,
    /// Who.
    pub actor: Actor,
    /// Their words.
    pub note: Note,
}

/// What can be done about an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertVerb {
    /// Seen; I take care of it.
    Acknowledge,
    /// Somebody else takes care of it.
    Assign(Actor),
    /// Not before that time.
    Snooze(Timestamp),
    /// It is done.
    Resolve,
    /// It is no problem.
    Dismiss,
    /// Words only.
    Note,
    /// The last act on it is taken back.
    Undo,
}

/// What a person did about a supplier order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderAct {
    /// Which.
    pub order: OrderId,
    /// What.
    pub act: OrderVerb,
    /// Who.
    pub actor: Actor,
    /// Why.
    pub note: Note,
}

/// What can be done about a supplier order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderVerb {
    /// Send it at the cut-off.
    Approve,
    /// Never send it; or, once sent, nothing more will come.
    Cancel,
    /// A line of a draft gets another quantity, in units (0 strikes it).
    Change {
        /// The line's sku.
        sku: Sku,
        /// Its new quantity.
        units: u32,
    },
}

/// What a person did about a restock task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskAct {
    /// Which.
    pub task: TaskId,
    /// What.
    pub act: TaskVerb,
    /// Who.
    pub actor: Actor,
}

/// What can be done about a restock task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskVerb {
    /// Ask for a refill of this shelf now, whatever its fill. The task of the act is not used.
    Request(Sku),
    /// Give it up; what is allocated is free again.
    Cancel,
}

/// Bytes that are not an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rejected {
    /// Why, as a stable code.
    pub reason: Note,
    /// Where they came from: a file, an address.
    pub source: Note,
    /// Their line there, from 1; 0 where there are no lines.
    pub line: u64,
    /// How many bytes there were; `raw` holds all of them up to the border's limit.
    pub raw_len: u64,
    /// The bytes.
    pub raw: Vec<u8>,
}
