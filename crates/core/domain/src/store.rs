//! The state machine of one store: takes an event, changes the state, says what follows.

use alloc::vec::Vec;
use core::hash::BuildHasher;

use hashbrown::HashTable;
use serde::{Deserialize, Serialize};

use crate::alerts::{AlertBook, LastActs};
use crate::anomaly::{AnomalyRules, SalesHistory, Silence};
use crate::cart::Carts;
use crate::effect::{Effect, Effects, Reason};
use crate::event::{Body, Event};
use crate::facts::FactBook;
use crate::funnel::FunnelBook;
use crate::horizon::Horizon;
use crate::ids::{Sku, SkuIndex, StoreId};
use crate::lot::LotBook;
use crate::orders::{Orders, SupplierBook};
use crate::prices::Promotions;
use crate::reference::{Policy, Product, StoreSettings};
use crate::shelf::Shelf;
use crate::stats::Stats;
use crate::table::Table;
use crate::tasks::Tasks;
use crate::time::{DAY, Day, MINUTE, Timestamp};
use crate::timer::Timers;
use crate::visits::{Inside, Visits};
use crate::windows::Windows;

/// How far an event's time may lie after its arrival: clocks differ.
pub const CLOCK_TOLERANCE_US: i64 = 10 * MINUTE;
/// How far an event's time may lie before the store's present.
pub const LATE_LIMIT_US: i64 = 30 * DAY;
/// From when on an event counts as late.
pub const LATE_AFTER_US: i64 = MINUTE;
/// The most skus that a store may have.
pub const MAX_SKUS: usize = 200_000;

/// One store.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Store {
    pub(crate) id: StoreId,
    pub(crate) declared: bool,
    pub(crate) settings: StoreSettings,
    pub(crate) now: Timestamp,
    pub(crate) day: Day,
    pub(crate) shelves: Table<Shelf>,
    pub(crate) products: Table<Product>,
    pub(crate) lots: Table<LotBook>,
    /// Finds a sku's row by its name, which stands in the row itself.
    #[serde(skip)]
    index: HashTable<SkuIndex>,
    /// The skus that the present event names, in order.
    #[serde(skip)]
    pub(crate) named: Vec<SkuIndex>,
    pub(crate) carts: Carts,
    pub(crate) alerts: AlertBook,
    pub(crate) tasks: Tasks,
    pub(crate) suppliers: SupplierBook,
    pub(crate) orders: Orders,
    pub(crate) policies: Vec<Policy>,
    pub(crate) promotions: Promotions,
    pub(crate) visits: Visits,
    pub(crate) inside: Inside,
    pub(crate) funnel: FunnelBook,
    pub(crate) timers: Timers,
    pub(crate) seen: Horizon,
    pub(crate) stats: Stats,
    /// What its receipts came to, in cents, counted apart from the skus' own sums.
    pub(crate) takings_cents: i64,
    pub(crate) windows: Windows,
    pub(crate) facts: FactBook,
    pub(crate) histories: Table<SalesHistory>,
    pub(crate) silence: Silence,
    pub(crate) anomaly_rules: AnomalyRules,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The event was applied.
    Accepted,
    /// It was applied, more than a minute late.
    Late,
    /// It was known already.
    Duplicate,
    /// It broke a rule, and changed nothing.
    Quarantined(Reason),
}

impl Store {
    /// A store that has seen nothing; its first event must declare it.
    pub(crate) fn new(id: StoreId, at: Timestamp) -> Self {
        Self {
            id,
            declared: false,
            settings: StoreSettings::default(),
            now: at,
            day: Day::default(),
            shelves: Table::default(),
            products: Table::default(),
            lots: Table::default(),
            index: HashTable::new(),
            named: Vec::new(),
            carts: Carts::default(),
            alerts: AlertBook::default(),
            tasks: Tasks::default(),
            suppliers: SupplierBook::default(),
            orders: Orders::default(),
            policies: Vec::new(),
            promotions: Promotions::default(),
            visits: Visits::default(),
            inside: Inside::default(),
            funnel: FunnelBook::default(),
            timers: Timers::default(),
            seen: Horizon::default(),
            stats: Stats::default(),
            takings_cents: 0,
            windows: Windows::default(),
            facts: FactBook::default(),
            histories: Table::default(),
            silence: Silence::default(),
            anomaly_rules: AnomalyRules::default(),
        }
    }

    /// Applies one event. `fx` is cleared and filled with what follows.
    pub fn step(&mut self, event: &Event, fx: &mut Effects) -> Outcome {
        fx.clear();
        let clock = matches!(event.body, Body::Clock);
        if !clock && self.seen.knows(event.id) {
            fx.push(Effect::Duplicate);
            return Outcome::Duplicate;
        }
        let admitted = check_time(event, self.now).and_then(|()| self.admit(&event.body));
        let applied = admitted.and_then(|()| {
            self.advance(event.at, fx);
            let before = fx.touched.len();
            let applied = self.apply(event, fx);
            self.note_levels(fx, before, event.at);
            self.correct_windows(fx);
            applied
        });
        if let Err(reason) = applied {
            self.stats.quarantine(reason);
            fx.push(Effect::Quarantined(reason));
            return Outcome::Quarantined(reason);
        }
        if !clock {
            self.seen.remember(event.id);
        }
        self.note_quality(&event.body, event.at);
        self.stats.accepted += 1;
        if self.now.since(event.at) > LATE_AFTER_US {
            self.stats.late += 1;
            return Outcome::Late;
        }
        Outcome::Accepted
    }

    /// Fires the timers that are due and ends the windows that are over, and moves the store's
    /// time on.
    fn advance(&mut self, at: Timestamp, fx: &mut Effects) {
        let until = self.now.max(at);
        loop {
            let window_at = self.windows.next_at().min(until.plus(1));
            // What a timer does at the end of a window is not in it any more.
            if let Some((due, timer)) = self.timers.pop(window_at.plus(-1)) {
                self.now = self.now.max(due);
                let before = fx.touched.len();
                self.fire(timer, fx);
                self.note_levels(fx, before, due);
            } else if window_at <= until {
                self.now = self.now.max(window_at);
                let before = fx.items.len();
                self.windows_due(window_at, fx);
                self.judge_windows(before, fx);
            } else {
                break;
            }
        }
        self.now = until;
    }

    fn apply(&mut self, event: &Event, fx: &mut Effects) -> Result<(), Reason> {
        let at = event.at;
        match &event.body {
            Body::Pickup(touch) => self.pickup(self.named()?, touch, at, fx),
            Body::Putback(touch) => self.putback(self.named()?, touch, at, fx),
            Body::WeightChange(change) => self.weight_change(self.named()?, change, at, fx),
            Body::Refill(refill) => self.refill(refill, at, fx),
            Body::Entry(customer) => {
                self.customer_enters(*customer, at);
                Ok(())
            }
            Body::Exit(customer) => {
                self.customer_leaves(*customer, at, fx);
                Ok(())
            }
            Body::Session(session) => self.session(session, at),
            Body::CustomerEvent(event) => {
                self.customer_event(event, at, fx);
                Ok(())
            }
            Body::Receipt(receipt) => self.receipt(receipt, at, fx),
            Body::Delivery(delivery) => self.delivery(delivery, at, fx),
            Body::WarehouseOut(out) => self.warehouse_out(out, at, fx),
            Body::Removal(removal) => self.removal(removal, fx),
            Body::Count(count) => self.count(count, at, fx),
            Body::Transfer(transfer) => self.transfer(transfer, fx),
            Body::Store(settings) => self.set_settings(settings),
            Body::Product(product) => self.set_product(product, fx),
            Body::Shelf(plan) => self.set_shelf(plan, fx),
            Body::OpeningStock(stock) => self.opening_stock(stock, fx),
            Body::Supplier(supplier) => self.set_supplier(supplier),
            Body::Policy(policy) => self.set_policy(policy, fx),
            Body::Price(change) => self.set_price(change, fx),
            Body::Promotion(promotion) => self.promote(promotion, fx),
            Body::AlertAct(act) => self.alert_act(act, at, fx),
            Body::OrderAct(act) => self.order_act(act, fx),
            Body::TaskAct(act) => self.task_act(act, fx),
            Body::WindowPlan(plan) => self.set_window_plan(plan, fx),
            Body::Clock => Ok(()),
            Body::Rejected(_) => Err(Reason::Unreadable),
        }
    }

    pub(crate) fn find(&self, sku: Sku) -> Result<SkuIndex, Reason> {
        let found = self.index.find(hash(sku), |&index| self.shelves[index].sku == sku);
        found.copied().ok_or(Reason::UnknownProduct)
    }

    /// The sku of an event that names one.
    fn named(&self) -> Result<SkuIndex, Reason> {
        self.named.first().copied().ok_or(Reason::UnknownProduct)
    }

    /// Adds the rows of a new sku.
    pub(crate) fn add_sku(&mut self, product: Product) -> Result<SkuIndex, Reason> {
        if self.shelves.len() >= MAX_SKUS {
            return Err(Reason::LimitReached);
        }
        let sku = product.sku;
        let index = self.shelves.push(Shelf::new(sku));
        self.facts.add_sku(product.category);
        self.histories.push(SalesHistory::default());
        self.products.push(product);
        self.lots.push(LotBook::default());
        self.alerts.add_sku();
        self.promotions.add_sku();
        let shelves = &self.shelves;
        self.index.insert_unique(hash(sku), index, |&index| hash(shelves[index].sku));
        Ok(index)
    }

    /// What people did last about its alerts: state of the store that is saved apart from it.
    pub(crate) fn last_acts(&self) -> &LastActs {
        &self.alerts.acts
    }

    /// Restores what is saved apart from it.
    pub(crate) fn restore_last_acts(&mut self, acts: LastActs) {
        self.alerts.acts = acts;
    }

    /// Restores what is not in a snapshot.
    pub(crate) fn rebuild_index(&mut self) {
        let shelves = &self.shelves;
        self.index.clear();
        for index in shelves.indexes() {
            let named = |&index: &SkuIndex| hash(shelves[index].sku);
            self.index.insert_unique(named(&index), index, named);
        }
        self.facts.rebuild_index();
    }
}

fn hash(sku: Sku) -> u64 {
    foldhash::fast::FixedState::default().hash_one(sku)
}

fn check_time(event: &Event, now: Timestamp) -> Result<(), Reason> {
    if event.at < Timestamp::EARLIEST || now.since(event.at) > LATE_LIMIT_US {
        return Err(Reason::TimeTooOld);
    }
    if event.at >= Timestamp::LATEST || event.at.since(event.received_at) > CLOCK_TOLERANCE_US {
        return Err(Reason::TimeInFuture);
    }
    Ok(())
}
