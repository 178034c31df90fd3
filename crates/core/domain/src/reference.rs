//! Reference data: what a shop is told about itself. It arrives in events, like everything else.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::anomaly::AnomalyPolicy;
use crate::ids::{Actor, Category, Note, PolicyId, Sku, Subcategory, SupplierId};
use crate::quantity::BasisPoints;
use crate::time::{Day, LocalClock, WeekSlot};

/// A store and how it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreSettings {
    /// Its name for people.
    pub name: Note,
    /// The name of its time zone, for display; the offsets are in `clock`.
    pub time_zone: Note,
    /// How local time follows from UTC.
    pub clock: LocalClock,
    /// Opening and closing minute for Monday to Sunday; equal minutes mean closed all day, none
    /// mean always open.
    pub opening: Vec<(u16, u16)>,
    /// Days on which it stays closed whatever the weekday, in order, each once.
    pub closed_days: Vec<Day>,
    /// Who says that units have arrived on the shelf.
    pub refill: RefillMode,
    /// Who approves supplier orders.
    pub approval: Approval,
    /// Who declared it so, where a person did.
    pub actor: Actor,
}

/// Who says that units taken from the warehouse have arrived on the shelf.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefillMode {
    /// An event says so: a shelf sensor or the staff member's device.
    #[default]
    Confirmed,
    /// Nobody does: they count as arrived after the policy's travel time.
    Timed,
}

/// Who approves supplier orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Approval {
    /// At the cut-off every draft that nobody cancelled is sent.
    #[default]
    Automatic,
    /// At the cut-off only the drafts that a person approved are sent; the others are cancelled.
    ByPerson,
}

/// What is sold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Its sku.
    pub sku: Sku,
    /// Its name for people.
    pub name: Note,
    /// Its brand.
    pub brand: Note,
    /// Its category, which names its zone.
    pub category: Category,
    /// Its subcategory.
    pub subcategory: Subcategory,
    /// The list price of a unit, in cents.
    pub price_cents: i64,
    /// What a unit costs the shop, in cents; 0 where that is not known.
    pub cost_cents: i64,
    /// The weight of a unit, in grams or millilitres; 0 where that is not known.
    pub unit_weight_g: u32,
    /// Units in the supplier's pack; 0 counts as 1.
    pub pack_units: u32,
    /// Days from delivery to expiry; 0 where it does not expire.
    pub shelf_life_days: u16,
    /// Who delivers it.
    pub supplier: Option<SupplierId>,
    /// Who declared it, where a person did.
    pub actor: Actor,
}

/// The position of one sku on the floor, and its room in the warehouse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShelfPlan {
    /// The sku.
    pub sku: Sku,
    /// The most units that the shelf holds; 0 where that is not known.
    pub capacity_units: u32,
    /// The most units that the warehouse holds of it; 0 where that is not known.
    pub warehouse_capacity_units: u32,
    /// What its sensor reports.
    pub sensor: Sensor,
    /// What it is expected to sell a day, in thousandths of a unit, until its own sales say; 0
    /// where nobody knows.
    pub expected_daily_milli: u32,
    /// Who declared it, where a person did.
    pub actor: Actor,
}

/// What the sensor of a shelf reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sensor {
    /// Pickups and putbacks in units; weights are a cross-check.
    #[default]
    Units,
    /// Weights alone: units follow from the unit weight.
    WeightOnly,
}

/// Who delivers, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Supplier {
    /// Its id.
    pub supplier: SupplierId,
    /// Its name for people.
    pub name: Note,
    /// When it takes orders until, in the store's time.
    pub cutoffs: Vec<WeekSlot>,
    /// When it delivers, in the store's time.
    pub deliveries: Vec<WeekSlot>,
    /// From cut-off to the earliest delivery, in minutes.
    pub lead_minutes: u32,
    /// The least value of an order, in cents.
    pub minimum_order_cents: i64,
    /// Who declared it, where a person did.
    pub actor: Actor,
}

/// Which shelves a policy is for. Where several apply, the narrowest wins, value by value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// All.
    #[default]
    Global,
    /// Those of a category.
    Category(Category),
    /// Those of a subcategory: of one category, as names of subcategories come up in several, or
    /// of any.
    Subcategory(Option<Category>, Subcategory),
    /// One.
    Shelf(Sku),
}

impl Scope {
    /// How narrow it is: the higher, the narrower.
    pub fn rank(&self) -> u8 {
        match self {
            Self::Global => 0,
            Self::Category(_) => 1,
            Self::Subcategory(..) => 2,
            Self::Shelf(_) => 3,
        }
    }
}

/// Thresholds and targets for some shelves. A value that is not set falls through to the next wider
/// policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Its id: the same id again replaces it.
    pub policy: PolicyId,
    /// Which shelves it is for.
    pub scope: Scope,
    /// Whether it counts.
    pub active: bool,
    /// What a person says about it.
    pub notes: Note,
    /// Refill when the fill of the shelf falls below this part of its capacity.
    pub refill_below: Option<BasisPoints>,
    /// Refill when fewer units than this are on the shelf.
    pub min_units: Option<u32>,
    /// Refill up to this part of the capacity.
    pub target: Option<BasisPoints>,
    /// An alert of stock ends only when the stock is this much of the capacity above its threshold.
    pub hysteresis: Option<BasisPoints>,
    /// Order when fewer units than this are in the warehouse.
    pub reorder_point_units: Option<u32>,
    /// Order for this many days beyond the next delivery after the one that the order goes with.
    pub cover_days: Option<u16>,
    /// Warn of lots on the floor that expire within this many days.
    pub near_expiry_floor_days: Option<u16>,
    /// Warn of lots in the warehouse that expire within this many days.
    pub near_expiry_warehouse_days: Option<u16>,
    /// After an alert has ended, the same one opens again no sooner than this.
    pub cooldown_minutes: Option<u16>,
    /// From the request of a refill to the moment at which staff are sent, in seconds.
    pub restock_delay_seconds: Option<u32>,
    /// From the warehouse to the shelf, in seconds, where nobody confirms the arrival.
    pub travel_seconds: Option<u32>,
    /// Which lot goes to the floor first.
    pub picking: Option<Picking>,
    /// How an order is brought to whole packs.
    pub rounding: Option<Rounding>,
    /// How prices fall before expiry.
    pub markdown: Option<MarkdownSchedule>,
    /// When an expired lot is taken away.
    pub removal: Option<RemovalTime>,
    /// What is out of the ordinary.
    pub anomalies: AnomalyPolicy,
    /// Who set it, where a person did.
    pub actor: Actor,
}

/// Which lot goes from the warehouse to the floor first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Picking {
    /// The one that expires first; of equals the one received first.
    #[default]
    SoonestExpiry,
    /// The one received first; of equals the one that expires first.
    FirstReceived,
}

/// How an order is brought to whole packs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rounding {
    /// Up: never less than what is needed.
    #[default]
    Up,
    /// To the nearest, half a pack up.
    Nearest,
    /// Down: never more than what is needed.
    Down,
}

/// When an expired lot is taken away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RemovalTime {
    /// At the start of the day after its expiry date.
    #[default]
    NextDay,
    /// At closing time of its expiry date (at the end of the day where the store never closes).
    SameDayEvening,
}

/// How prices fall before expiry: up to four steps, the fewest days first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkdownSchedule {
    /// Days to expiry (0: expires today) and the cut from that day on; unused steps have no cut.
    pub steps: [(u16, BasisPoints); 4],
}

impl Default for MarkdownSchedule {
    /// 50 % on the last day, 40 % the day before, 30 % two days before.
    fn default() -> Self {
        let cut = BasisPoints::percent;
        Self { steps: [(0, cut(50)), (1, cut(40)), (2, cut(30)), (0, BasisPoints::ZERO)] }
    }
}

impl MarkdownSchedule {
    /// No cut at any time.
    pub const NONE: Self = Self { steps: [(0, BasisPoints::ZERO); 4] };

    /// The cut for a lot that expires in `days` (negative: it has expired): that of the fewest days
    /// that still hold it.
    pub fn cut(&self, days: i32) -> BasisPoints {
        self.steps
            .iter()
            .filter(|(within, cut)| cut.0 > 0 && days <= i32::from(*within))
            .min_by_key(|(within, _)| *within)
            .map_or(BasisPoints::ZERO, |&(_, cut)| cut)
    }

    /// The most days before expiry at which a price falls; `None` where none ever does.
    pub fn horizon_days(&self) -> Option<u16> {
        self.steps.iter().filter(|(_, cut)| cut.0 > 0).map(|&(within, _)| within).max()
    }
}
