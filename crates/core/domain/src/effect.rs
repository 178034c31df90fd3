//! What a step leads to, for those outside: sinks, screens, and the staff and suppliers who act on
//! it.

use alloc::boxed::Box;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::alert::Alert;
use crate::event::{Place, RemovalCause};
use crate::ids::{LotCode, Sku, SkuIndex};
use crate::order::SupplierOrder;
use crate::quantity::BasisPoints;
use crate::restock::RestockTask;
use crate::windows::WindowResult;

/// What a step did. Owned by the caller, cleared and filled by each step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// In the order in which they came about; an effect's index in it is part of its id.
    pub items: Vec<Effect>,
    /// The skus whose stock, lots or prices changed, in order of change, with repeats.
    pub touched: Vec<SkuIndex>,
}

impl Effects {
    /// Empties it and keeps its buffers.
    pub fn clear(&mut self) {
        self.items.clear();
        self.touched.clear();
    }

    pub(crate) fn push(&mut self, effect: Effect) {
        self.items.push(effect);
    }
}

/// One thing that a step led to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::large_enum_variant,
    reason = "alerts are the most frequent effects: a box for each costs more than the bytes"
)]
pub enum Effect {
    /// The event was known already; nothing changed.
    Duplicate,
    /// The event breaks a rule; nothing changed.
    Quarantined(Reason),
    /// An alert opened or changed: the alert as it stands.
    Alert(Alert),
    /// A restock task began or changed: the task as it stands.
    Task(RestockTask),
    /// A supplier order began or changed: the order as it stands.
    Order(SupplierOrder),
    /// The price of a sku, or of one of its lots, changed.
    Price(PriceNotice),
    /// The core took units off the books of a place: staff carry them out.
    Removed(RemovalNotice),
    /// Two sources disagreed, and this movement settles it.
    Explained(Explanation),
    /// A window has ended, tells early, or is corrected.
    Window(Box<WindowResult>),
}

impl Effect {
    /// Whether it is kept in the log of effects: duplicates are not, nor are results of windows
    /// that are declared so.
    pub fn kept(&self) -> bool {
        match self {
            Self::Duplicate => false,
            Self::Window(result) => result.kept,
            _ => true,
        }
    }
}

/// Why an event went to quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Reason {
    /// The store has not been declared.
    UnknownStore,
    /// The product has not been declared.
    UnknownProduct,
    /// No such alert is open.
    UnknownAlert,
    /// No such task is open.
    UnknownTask,
    /// No such order is open.
    UnknownOrder,
    /// The act does not fit the state of what it acts on.
    WrongState,
    /// Zero units, or none at all, where there must be some.
    NoUnits,
    /// More units than one event may carry.
    TooManyUnits,
    /// A price or amount out of its range.
    AbsurdMoney,
    /// A part of a whole that is more than the whole.
    AbsurdPart,
    /// Later than its arrival by more than the tolerance, or out of the range of times.
    TimeInFuture,
    /// Before the range of times, or before the store's late horizon.
    TimeTooOld,
    /// A calendar slot, opening hour or date that does not exist.
    AbsurdTime,
    /// A limit of the store is reached: too many products, carts, lots or lines.
    LimitReached,
    /// An id that must not be empty.
    EmptyId,
    /// Bytes that are not an event; the reason is in the event itself.
    Unreadable,
}

impl Reason {
    /// All of them, in order of their numbers.
    pub const ALL: [Self; 16] = [
        Self::UnknownStore,
        Self::UnknownProduct,
        Self::UnknownAlert,
        Self::UnknownTask,
        Self::UnknownOrder,
        Self::WrongState,
        Self::NoUnits,
        Self::TooManyUnits,
        Self::AbsurdMoney,
        Self::AbsurdPart,
        Self::TimeInFuture,
        Self::TimeTooOld,
        Self::AbsurdTime,
        Self::LimitReached,
        Self::EmptyId,
        Self::Unreadable,
    ];

    /// Its stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::UnknownStore => "unknown_store",
            Self::UnknownProduct => "unknown_product",
            Self::UnknownAlert => "unknown_alert",
            Self::UnknownTask => "unknown_task",
            Self::UnknownOrder => "unknown_order",
            Self::WrongState => "wrong_state",
            Self::NoUnits => "no_units",
            Self::TooManyUnits => "too_many_units",
            Self::AbsurdMoney => "absurd_money",
            Self::AbsurdPart => "absurd_part",
            Self::TimeInFuture => "time_in_future",
            Self::TimeTooOld => "time_too_old",
            Self::AbsurdTime => "absurd_time",
            Self::LimitReached => "limit_reached",
            Self::EmptyId => "empty_id",
            Self::Unreadable => "unreadable",
        }
    }

    /// What the sender can do about it, in one sentence.
    pub fn hint(self) -> &'static str {
        match self {
            Self::UnknownStore => "declare the store first, then retry",
            Self::UnknownProduct => "declare the product first, then retry",
            Self::UnknownAlert => "the alert has ended or never was; list the open ones",
            Self::UnknownTask => "the task has ended or never was; list the open ones",
            Self::UnknownOrder => "the order has ended or never was; list the open ones",
            Self::WrongState => "look at its present state; the act no longer fits it",
            Self::NoUnits => "give a quantity of at least one",
            Self::TooManyUnits => "check the quantity; split it if it is right",
            Self::AbsurdMoney => "check the price and the amount, both in cents",
            Self::AbsurdPart => "give a part between 0 and 1",
            Self::TimeInFuture => "check the sender's clock and time zone",
            Self::TimeTooOld => "check the sender's clock and time format",
            Self::AbsurdTime => {
                "check the calendar's weekdays and minutes, or the sizes and slides of windows"
            }
            Self::LimitReached => "see the limits of a store in the documentation",
            Self::EmptyId => "give the id",
            Self::Unreadable => "correct the bytes at their source and send them again",
        }
    }
}

/// The price of a sku, or of one of its lots, from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceNotice {
    /// What.
    pub sku: Sku,
    /// The lot whose markdown changed; `None` where the price of all changed.
    pub lot: Option<LotCode>,
    /// The list price of a unit, in cents.
    pub list_cents: i64,
    /// The cut by plan.
    pub promotion: BasisPoints,
    /// The cut because of expiry.
    pub markdown: BasisPoints,
    /// What a unit costs the customer, in cents.
    pub price_cents: i64,
}

/// Units taken off the books of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovalNotice {
    /// What.
    pub sku: Sku,
    /// Of which lot.
    pub lot: LotCode,
    /// From where.
    pub place: Place,
    /// How many.
    pub units: u32,
    /// Why.
    pub cause: RemovalCause,
    /// What they cost the shop, in cents; 0 where that is not known.
    pub cost_cents: i64,
}

/// A movement that settles a disagreement between two sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// What.
    pub sku: Sku,
    /// Units that left the books without a sale (positive) or came onto them without a delivery
    /// (negative); for [`Cause::LotGap`] the units that a lot got.
    pub units: i64,
    /// Why, as far as the core can tell.
    pub cause: Cause,
}

/// Why the books of a sku changed without a delivery or a sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Cause {
    /// Picked, never paid: theft, or not scanned.
    Unscanned,
    /// A write-off was wrong: the receipt came after all.
    PaidLate,
    /// Put back on a shelf whose sku the customer never had.
    Misplaced,
    /// Taken, but the records held none: they were short.
    RecordsShort,
    /// Sold, but the records held none.
    Oversold,
    /// A person counted fewer than the records held.
    Phantom,
    /// A person counted more than the records held.
    Found,
    /// A sensor's weight did not fit its count, and a weight-only shelf could not tell units.
    SensorDrift,
    /// More left the warehouse, or arrived on the shelf, than the records held.
    Mispicked,
    /// The lots did not know of units that the shelf holds: they are booked on the lot received
    /// last, and no sum of the sku changes.
    LotGap,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Unscanned,
        Self::PaidLate,
        Self::Misplaced,
        Self::RecordsShort,
        Self::Oversold,
        Self::Phantom,
        Self::Found,
        Self::SensorDrift,
        Self::Mispicked,
        Self::LotGap,
    ];

    /// Its stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unscanned => "unscanned",
            Self::PaidLate => "paid_late",
            Self::Misplaced => "misplaced",
            Self::RecordsShort => "records_short",
            Self::Oversold => "oversold",
            Self::Phantom => "phantom",
            Self::Found => "found",
            Self::SensorDrift => "sensor_drift",
            Self::Mispicked => "mispicked",
            Self::LotGap => "lot_gap",
        }
    }
}
