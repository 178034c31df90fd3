//! Reading a store: what screens, reports and tests may see of it.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::alert::{Alert, LastAct};
use crate::cart::Cart;
use crate::event::Promotion;
use crate::ids::{AlertId, CustomerId, EventId, Sku, SkuIndex, StoreId};
use crate::lot::Lot;
use crate::order::SupplierOrder;
use crate::quantity::{BasisPoints, price_after};
use crate::reference::{Policy, Product, StoreSettings, Supplier};
use crate::restock::RestockTask;
use crate::shelf::Shelf;
use crate::stats::Stats;
use crate::store::Store;
use crate::time::{Day, Timestamp};
use crate::visits::Visits;

/// The units of a store, all skus together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Units {
    /// Came into the shop.
    pub received: u64,
    /// Sold, less what was brought back.
    pub sold: i64,
    /// Taken out other than by a sale.
    pub removed: u64,
    /// On the shelves.
    pub floor: u64,
    /// Picked and not paid.
    pub carts: u64,
    /// In the warehouse.
    pub warehouse: u64,
    /// Between warehouse and shelf.
    pub in_transit: u64,
    /// Left the books unexplained by the above, or came onto them (negative).
    pub unexplained: i64,
}

impl Units {
    /// Adds another store's units to these.
    pub fn merge(&mut self, other: &Self) {
        self.received += other.received;
        self.sold += other.sold;
        self.removed += other.removed;
        self.floor += other.floor;
        self.carts += other.carts;
        self.warehouse += other.warehouse;
        self.in_transit += other.in_transit;
        self.unexplained += other.unexplained;
    }

    /// Whether what came equals what is there and what went.
    pub fn conserved(&self) -> bool {
        let there = self.floor + self.carts + self.warehouse + self.in_transit;
        let gone = self.sold + self.removed as i64 + self.unexplained;
        self.received as i64 == there as i64 + gone
    }
}

impl Store {
    /// Its id.
    pub fn id(&self) -> StoreId {
        self.id
    }

    /// How it runs.
    pub fn settings(&self) -> &StoreSettings {
        &self.settings
    }

    /// The highest event time that it has seen.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The local date of that.
    pub fn day(&self) -> Day {
        self.day
    }

    /// Its skus, in order of their numbers.
    pub fn skus(&self) -> impl Iterator<Item = SkuIndex> + use<> {
        self.shelves.indexes()
    }

    /// How many skus it has.
    pub fn sku_count(&self) -> usize {
        self.shelves.len()
    }

    /// The number of a sku.
    pub fn sku(&self, sku: Sku) -> Option<SkuIndex> {
        self.find(sku).ok()
    }

    /// A shelf.
    pub fn shelf(&self, index: SkuIndex) -> Option<&Shelf> {
        self.shelves.get(index)
    }

    /// A product.
    pub fn product(&self, index: SkuIndex) -> Option<&Product> {
        self.products.get(index)
    }

    /// The lots of a sku, the soonest to expire first.
    pub fn lots(&self, index: SkuIndex) -> impl Iterator<Item = &Lot> {
        self.lots.get(index).into_iter().flat_map(|book| book.iter())
    }

    /// The promotions of a sku that have not ended.
    pub fn promotions(&self, index: SkuIndex) -> &[Promotion] {
        if index.at() < self.shelves.len() { self.promotions.of(index) } else { &[] }
    }

    /// What a unit costs the customer now, of one lot or of any, in cents.
    pub fn price_cents(&self, index: SkuIndex, lot: Option<&Lot>) -> i64 {
        let list = self.products.get(index).map_or(0, |product| product.price_cents);
        let promotion = self.shelves.get(index).map_or(BasisPoints::ZERO, |s| s.promotion);
        price_after(list, promotion, lot.map_or(BasisPoints::ZERO, |lot| lot.markdown))
    }

    /// The alerts that stand, in order of their numbers.
    pub fn alerts(&self) -> Vec<&Alert> {
        self.alerts.standing()
    }

    /// The alerts that stand, in no order: for who counts them or puts them in an order of its own.
    pub fn alerts_standing(&self) -> impl Iterator<Item = &Alert> {
        self.alerts.all()
    }

    /// The alerts of a sku that stand.
    pub fn alerts_of(&self, index: SkuIndex) -> impl Iterator<Item = &Alert> {
        self.alerts.of_sku(index)
    }

    /// The alerts about the whole store that stand.
    pub fn alerts_of_store(&self) -> impl Iterator<Item = &Alert> {
        self.alerts.of_store()
    }

    /// An alert as it would stand if the last act of a person on it were taken back; `None` where
    /// there is nothing to take back: nobody has acted on it, or it has ended and its problem has
    /// passed or a newer alert stands for it.
    pub fn alert_before_act(&self, alert: AlertId) -> Option<Alert> {
        self.before_act(alert)
    }

    /// Whether it has seen an event of this id, of the latest ones.
    pub fn knows(&self, event: EventId) -> bool {
        self.seen.knows(event)
    }

    /// Alerts that a person ended and that can be brought back, as they ended, by shelf and rule.
    /// Who ended them and with which words is not kept: the log has it.
    pub fn alerts_to_undo(&self) -> impl Iterator<Item = Alert> {
        self.alerts.ended()
    }

    /// What would be taken back of an alert, as [`Store::alerts`] or [`Store::alerts_to_undo`] has
    /// it; `None` where there is nothing to take back.
    pub fn act_to_undo(&self, alert: &Alert) -> Option<LastAct> {
        self.last_act(alert)
    }

    /// The number of the alert that opened last; 0 where none has.
    pub fn alerts_given(&self) -> u64 {
        self.alerts.last
    }

    /// The restock tasks that stand, in order of their numbers.
    pub fn tasks(&self) -> impl Iterator<Item = &RestockTask> {
        self.tasks.iter()
    }

    /// The supplier orders that stand, in order of their numbers.
    pub fn orders(&self) -> impl Iterator<Item = &SupplierOrder> {
        self.orders.iter()
    }

    /// Its suppliers, by order of first appearance.
    pub fn suppliers(&self) -> impl Iterator<Item = &Supplier> {
        self.suppliers.iter()
    }

    /// Its policies, the one set last at the end.
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// A customer's cart.
    pub fn cart(&self, customer: CustomerId) -> Option<&Cart> {
        self.carts.get(customer)
    }

    /// How many carts it keeps.
    pub fn cart_count(&self) -> usize {
        self.carts.len()
    }

    /// How many timers are set.
    pub fn timer_count(&self) -> usize {
        self.timers.len()
    }

    /// Who is in the store.
    pub fn visits(&self) -> &Visits {
        &self.visits
    }

    /// Since when it is open; `None` where it is closed at this moment.
    pub fn open_since(&self, at: Timestamp) -> Option<Timestamp> {
        const LOOK_BACK_DAYS: i32 = 8;
        let mut day = self.settings.clock.day(at);
        let (mut since, closes) = self.open_times(day);
        if at < since || at >= closes {
            return None;
        }
        // Days that follow each other without a break are one time of being open.
        for _ in 0..LOOK_BACK_DAYS {
            day = day.plus(-1);
            let (opens, closes) = self.open_times(day);
            if opens == closes || closes < since {
                break;
            }
            since = opens;
        }
        Some(since)
    }

    /// What it has counted.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Its units, all skus together.
    pub fn units(&self) -> Units {
        let mut units = Units::default();
        for shelf in self.shelves.iter() {
            let ledger = &shelf.ledger;
            units.received += ledger.received;
            units.sold += ledger.sold as i64 - ledger.returned as i64;
            units.removed += ledger.removed;
            units.floor += u64::from(shelf.floor_units);
            units.carts += u64::from(shelf.cart_units);
            units.warehouse += u64::from(shelf.warehouse_units);
            units.in_transit += u64::from(shelf.transit_units);
            units.unexplained += ledger.unexplained;
        }
        units
    }

    /// What its receipts came to, in cents.
    pub fn revenue_cents(&self) -> i64 {
        let each = self.shelves.iter().map(|shelf| shelf.ledger.revenue_cents);
        each.fold(0, i64::saturating_add)
    }

    /// The part of open shelf time, over the days that have ended, in which shelves were not empty;
    /// `None` before the first.
    pub fn on_shelf_availability(&self) -> Option<BasisPoints> {
        let open = self.stats.shelf_open_us;
        let stocked = open - self.stats.shelf_empty_us;
        (open > 0).then(|| BasisPoints::ratio(stocked.unsigned_abs(), open.unsigned_abs()))
    }
}
