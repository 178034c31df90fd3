//! The state of one sku in a store: its units, wherever they are, and the sums that must agree.

use serde::{Deserialize, Serialize};

use crate::anomaly::AnomalyRules;
use crate::demand::Demand;
use crate::event::Place;
use crate::ids::{Sku, TaskId};
use crate::quantity::BasisPoints;
use crate::reference::{MarkdownSchedule, Picking, RemovalTime, Rounding, Sensor};
use crate::scale::Waiting;
use crate::time::Timestamp;

/// Units of a sku that ever came and went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Units that came into the shop.
    pub received: u64,
    /// Units that customers brought back.
    pub returned: u64,
    /// Units sold, returns not taken off.
    pub sold: u64,
    /// Units taken out other than by a sale.
    pub removed: u64,
    /// Units that left the books unexplained by the above (positive), or came onto them (negative).
    pub unexplained: i64,
    /// The sum of the receipt lines, in cents.
    pub revenue_cents: i64,
    /// What removed units had cost, in cents, where that is known.
    pub waste_cents: i64,
}

impl Ledger {
    /// Adds the total of a receipt's line. Sums of money stop at the ends of their range.
    pub(crate) fn take_money(&mut self, cents: i64) {
        self.revenue_cents = self.revenue_cents.saturating_add(cents);
    }
}

/// One sku in a store.
///
/// What nearly every event about it reads or writes comes first, by lines of the processor's cache:
/// its name and its units, then its times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(C, align(64))]
pub struct Shelf {
    /// Which.
    pub sku: Sku,
    /// Units on the shelf.
    pub floor_units: u32,
    /// Units picked and not paid.
    pub cart_units: u32,
    /// Units in the store's warehouse.
    pub warehouse_units: u32,
    /// Units between warehouse and shelf.
    pub transit_units: u32,
    /// Floor and carts less the lots' floor units: what the lots do not know.
    pub lot_gap_units: u32,
    /// Units that arrived on the shelf before their `wh_out` was seen.
    pub ahead_units: u32,
    /// Units that the till sold since its sensor last said anything.
    pub(crate) unseen_units: u32,
    /// Whether it has ever been given stock; until then nothing about it opens an alert.
    pub tracked: bool,
    pub(crate) weight_check: bool,
    /// What its sensor reports.
    pub sensor: Sensor,
    /// When its stock last changed.
    pub changed_at: Option<Timestamp>,
    /// When a sensor or a till last told of it, by the time of the event.
    pub heard_at: Option<Timestamp>,
    /// When its sensor last said anything.
    pub(crate) sensor_at: Option<Timestamp>,
    /// Since when it is empty.
    pub empty_since: Option<Timestamp>,
    /// When the sensor last told a weight.
    pub weight_at: Option<Timestamp>,
    /// The weight on the shelf as the sensor tells it, in grams, from an unknown start.
    pub weight_g: i64,
    pub(crate) weight_off_g: i64,
    /// The promotion of today.
    pub promotion: BasisPoints,
    /// The rules over the units in the shop that hold, by the bit of their number.
    pub(crate) anomalies: u32,
    /// Units that should be in the shop against chance, by what a day sells.
    pub(crate) safety_units: u32,
    /// The most units that the shelf holds; 0 where that is not known.
    pub capacity_units: u32,
    /// The most units that the warehouse holds of it; 0 where that is not known.
    pub warehouse_capacity_units: u32,
    pub(crate) rules: ShelfRules,
    /// Units ever.
    pub ledger: Ledger,
    /// What it sells.
    pub demand: Demand,
    /// The restock task that stands for it.
    pub task: Option<TaskId>,
    /// Units on the shelf in dispute since a person last counted it, whatever the direction.
    pub disputed_floor_units: u32,
    /// The same in the warehouse.
    pub disputed_warehouse_units: u32,
    /// Units that its scale has told of and nobody yet, where it tells weights only.
    pub(crate) weighed_in: Waiting,
    /// Units that staff brought and its scale has not told of.
    pub(crate) awaited_in: Waiting,
    /// Units that staff took, or will take, and its scale has not told of.
    pub(crate) awaited_out: Waiting,
    pub(crate) task_quiet_until: Option<Timestamp>,
    /// What its restock task fills it up to.
    pub(crate) refill_to_units: u32,
    pub(crate) transit_until: Option<Timestamp>,
}

impl Shelf {
    pub(crate) fn new(sku: Sku) -> Self {
        Self {
            sku,
            tracked: false,
            capacity_units: 0,
            warehouse_capacity_units: 0,
            sensor: Sensor::Units,
            floor_units: 0,
            warehouse_units: 0,
            transit_units: 0,
            cart_units: 0,
            ahead_units: 0,
            lot_gap_units: 0,
            ledger: Ledger::default(),
            weight_g: 0,
            weight_at: None,
            heard_at: None,
            changed_at: None,
            empty_since: None,
            task: None,
            promotion: BasisPoints::ZERO,
            demand: Demand::default(),
            disputed_floor_units: 0,
            disputed_warehouse_units: 0,
            sensor_at: None,
            unseen_units: 0,
            safety_units: 0,
            anomalies: 0,
            weight_off_g: 0,
            weighed_in: Waiting::default(),
            awaited_in: Waiting::default(),
            awaited_out: Waiting::default(),
            task_quiet_until: None,
            refill_to_units: 0,
            transit_until: None,
            weight_check: false,
            rules: ShelfRules::default(),
        }
    }

    /// What another sensor would have told is not awaited.
    pub(crate) fn forget_waiting(&mut self) {
        self.weight_off_g = 0;
        self.weighed_in = Waiting::default();
        self.awaited_in = Waiting::default();
        self.awaited_out = Waiting::default();
    }

    /// Units of it in the shop, wherever they are.
    pub fn on_hand_units(&self) -> u32 {
        self.floor_units + self.cart_units + self.warehouse_units + self.transit_units
    }

    /// How full the shelf is; `None` where its capacity is not known.
    pub fn fill(&self) -> Option<BasisPoints> {
        (self.capacity_units > 0).then(|| {
            BasisPoints::ratio(u64::from(self.floor_units), u64::from(self.capacity_units))
        })
    }

    pub(crate) fn disputed_units_mut(&mut self, place: Place) -> &mut u32 {
        match place {
            Place::Floor => &mut self.disputed_floor_units,
            Place::Warehouse => &mut self.disputed_warehouse_units,
        }
    }

    /// The rules that hold for it now.
    pub fn rules(&self) -> &ShelfRules {
        &self.rules
    }
}

/// What the policies come to for one shelf, in its own units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShelfRules {
    /// Refill when fewer units are on the shelf.
    pub refill_below_units: u32,
    /// The refill alert ends when so many units are on the shelf.
    pub refill_clear_units: u32,
    /// Refill up to this.
    pub target_units: u32,
    /// Order when fewer units are in the warehouse.
    pub reorder_point_units: u32,
    /// The supplier alert ends when so many units are in the warehouse.
    pub reorder_clear_units: u32,
    /// Order for this many days more.
    pub cover_days: u16,
    /// Warn of lots on the floor that expire within this many days.
    pub near_expiry_floor_days: u16,
    /// Warn of lots in the warehouse that expire within this many days.
    pub near_expiry_warehouse_days: u16,
    /// An ended alert opens again no sooner than this, in minutes.
    pub cooldown_minutes: u16,
    /// From request to the moment at which staff are sent, in seconds.
    pub restock_delay_seconds: u32,
    /// From warehouse to shelf where nobody confirms, in seconds.
    pub travel_seconds: u32,
    /// Which lot goes to the floor first.
    pub picking: Picking,
    /// How an order is brought to whole packs.
    pub rounding: Rounding,
    /// How prices fall before expiry.
    pub markdown: MarkdownSchedule,
    /// When an expired lot is taken away.
    pub removal: RemovalTime,
    /// What is out of the ordinary.
    pub anomalies: AnomalyRules,
}

impl Default for ShelfRules {
    fn default() -> Self {
        Self {
            refill_below_units: 0,
            refill_clear_units: 0,
            target_units: 0,
            reorder_point_units: 0,
            reorder_clear_units: 0,
            cover_days: DEFAULT_COVER_DAYS,
            near_expiry_floor_days: 5,
            near_expiry_warehouse_days: 10,
            cooldown_minutes: 60,
            restock_delay_seconds: 60,
            travel_seconds: 180,
            picking: Picking::SoonestExpiry,
            rounding: Rounding::Up,
            markdown: MarkdownSchedule::default(),
            removal: RemovalTime::NextDay,
            anomalies: AnomalyRules::default(),
        }
    }
}

/// Days that an order covers beyond the delivery after next, where no policy says otherwise.
pub(crate) const DEFAULT_COVER_DAYS: u16 = 1;
