//! Alerts: one open problem of one shelf, or of a whole store, under one rule, with a life.

use serde::{Deserialize, Serialize};

use crate::event::{AlertVerb, Place};
use crate::ids::{Actor, AlertId, Note, Sku};
use crate::time::Timestamp;

macro_rules! rules {
    ($($(#[$doc:meta])* $rule:ident = $code:literal,)*) => {
        /// What an alert is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(Serialize, Deserialize)]
        pub enum Rule {
            $($(#[$doc])* $rule,)*
        }

        impl Rule {
            /// How many there are.
            pub const COUNT: usize = [$(Self::$rule),*].len();

            /// All of them, in order of their numbers.
            pub const ALL: [Self; Self::COUNT] = [$(Self::$rule),*];

            /// The codes of all of them, in the same order.
            pub const CODES: [&str; Self::COUNT] = [$($code),*];

            /// Its stable code: the `event_type` of its messages.
            pub fn code(self) -> &'static str {
                match self {
                    $(Self::$rule => $code,)*
                }
            }
        }
    };
}

rules! {
    /// The shelf is below its refill threshold.
    RefillRequest = "refill_request",
    /// The shelf is empty.
    ShelfEmpty = "shelf_empty",
    /// A lot expires soon.
    NearExpiry = "near_expiry",
    /// The warehouse is below its reorder point.
    SupplierRequest = "supplier_request",
    /// The price of a lot fell because it expires soon.
    NearExpiryDiscount = "near_expiry_discount",
    /// An expired lot must be taken away.
    ExpiredRemoval = "expired_removal",
    /// Two sources disagree about the stock.
    StockDiscrepancy = "stock_discrepancy",
    /// A delivery came over, short or late.
    DeliveryDiscrepancy = "delivery_discrepancy",
    /// A product sells far more than in the windows before.
    SalesSpike = "sales_spike",
    /// A receipt of much money.
    HighValueSale = "high_value_sale",
    /// Nothing of a sku is left in the shop.
    OutOfStock = "out_of_stock",
    /// Little of a sku is left in the shop.
    LowStock = "low_stock",
    /// A shelf loses a large part of its units in one window.
    RapidDepletion = "rapid_depletion",
    /// More of a sku is in the shop than there is room for.
    Overstock = "overstock",
    /// Fewer units of a sku are in the shop than are kept against chance.
    BelowSafetyStock = "below_safety_stock",
    /// A unit was sold below its cost, or off its price without a reason.
    PriceAnomaly = "price_anomaly",
    /// The till sells from a shelf whose sensor says nothing.
    SensorSilent = "sensor_silent",
    /// Customers leave and the tills say nothing.
    TillSilent = "till_silent",
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Act today.
    Warning,
    /// Act now.
    Critical,
}

impl Severity {
    /// Its stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// Where an alert is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AlertStatus {
    /// Nobody has said anything yet.
    Open,
    /// Somebody takes care of it.
    Acknowledged,
    /// Hidden until a time.
    Snoozed,
    /// The condition has ended, or a person said that it has.
    Resolved,
    /// A person said that it is no problem.
    Dismissed,
}

impl AlertStatus {
    /// Its stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Snoozed => "snoozed",
            Self::Resolved => "resolved",
            Self::Dismissed => "dismissed",
        }
    }

    /// Whether it still stands.
    pub fn standing(self) -> bool {
        matches!(self, Self::Open | Self::Acknowledged | Self::Snoozed)
    }
}

impl AlertVerb {
    /// Its stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Assign(_) => "assign",
            Self::Snooze(_) => "snooze",
            Self::Resolve => "resolve",
            Self::Dismiss => "dismiss",
            Self::Note => "note",
            Self::Undo => "undo",
        }
    }
}

/// The last act of a person on an alert, where it can be taken back. It is told by what it changed:
/// one that changed nothing but the words is a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastAct {
    /// What was done.
    pub act: AlertVerb,
    /// When, by the store's clock.
    pub at: Timestamp,
}

/// One open problem of one shelf, or of the whole store, under one rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Its number in the store.
    pub alert: AlertId,
    /// What it is about.
    pub rule: Rule,
    /// Which shelf; `None` where it is about the whole store.
    pub sku: Option<Sku>,
    /// Where: the floor, where it is about the whole store.
    pub place: Place,
    /// How bad.
    pub severity: Severity,
    /// Where it is in its life.
    pub status: AlertStatus,
    /// When it opened.
    pub opened_at: Timestamp,
    /// When the condition was last seen.
    pub last_seen_at: Timestamp,
    /// When its status last changed, or a person last acted on it.
    pub changed_at: Timestamp,
    /// How often the condition was seen.
    pub count: u32,
    /// The stock when last seen, in units.
    pub stock_units: u32,
    /// The threshold that it fell below, in units; days for `near_expiry`; units in question for
    /// the other rules, those of a notice added up while it stands.
    pub threshold: u32,
    /// The capacity of the place, in units; 0 where that is not known.
    pub capacity_units: u32,
    /// How many units to move, order or take away.
    pub suggested_units: u32,
    /// Until when it is hidden, where it is snoozed.
    pub snoozed_until: Option<Timestamp>,
    /// Who takes care of it, or did until it ended.
    pub owner: Option<Actor>,
    /// Who acted on it last; of one that has ended, who ended it: `None` where no person did.
    pub actor: Option<Actor>,
    /// The words of whoever acted last; of an act that was taken back without words, those before
    /// it.
    pub note: Note,
}
