//! The sums over stores that status, zones and reports show.

use serde::Serialize;
use shelf_domain::{
    Alert, BasisPoints, Counts, OrderStatus, Place, Reason, Rule, Severity, Shelf, SkuIndex, Stats,
    Store, TaskStatus, Units,
};

use crate::keyed::Keyed;
use crate::{chain, wording};

/// How many alerts stand, by severity. A snoozed alert counts: its problem is still there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SeverityTally {
    /// Act now.
    pub critical: u64,
    /// Act today.
    pub warning: u64,
    /// Good to know.
    pub info: u64,
}

impl SeverityTally {
    /// Counts one more.
    pub fn add(&mut self, severity: Severity) {
        match severity {
            Severity::Critical => self.critical += 1,
            Severity::Warning => self.warning += 1,
            Severity::Info => self.info += 1,
        }
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: Self) {
        self.critical += other.critical;
        self.warning += other.warning;
        self.info += other.info;
    }

    /// All of them.
    pub fn total(self) -> u64 {
        self.critical + self.warning + self.info
    }

    /// The worst that stands.
    pub fn worst(self) -> Option<Severity> {
        match self {
            Self { critical: 1.., .. } => Some(Severity::Critical),
            Self { warning: 1.., .. } => Some(Severity::Warning),
            Self { info: 1.., .. } => Some(Severity::Info),
            _ => None,
        }
    }
}

/// The alerts of one rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RuleTally {
    /// Opened since the store began.
    pub opened: u64,
    /// Ended since the store began.
    pub ended: u64,
    /// That stand.
    pub standing: u64,
    /// The same by severity.
    pub by_severity: SeverityTally,
}

/// The restock tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TaskTally {
    /// That stand and wait for their time or for stock.
    pub pending: u64,
    /// That stand and can be carried out.
    pub issued: u64,
    /// That stand with units between warehouse and shelf.
    pub in_transit: u64,
    /// The age of the oldest that stands, in seconds.
    pub oldest_age_s: Option<i64>,
    /// Begun since the store began.
    pub begun: u64,
    /// Done since the store began.
    pub done: u64,
}

impl TaskTally {
    /// All that stand.
    pub fn standing(&self) -> u64 {
        self.pending + self.issued + self.in_transit
    }
}

/// The supplier orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct OrderTally {
    /// Proposed.
    pub draft: u64,
    /// Wanted by a person.
    pub approved: u64,
    /// Sent, and not all has come.
    pub sent: u64,
    /// Sent since the store began.
    pub sent_ever: u64,
}

impl OrderTally {
    /// All that stand.
    pub fn standing(&self) -> u64 {
        self.draft + self.approved + self.sent
    }
}

/// Units that expire soon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ExpiryTally {
    /// On the floor, within the days of each shelf's policy.
    pub floor_units: u64,
    /// In the warehouse, within the days of each shelf's policy.
    pub warehouse_units: u64,
    /// Anywhere in the shop, within three days.
    pub within_3_days_units: u64,
}

impl ExpiryTally {
    /// What of a sku expires soon; nothing of one that was never given stock.
    pub(crate) fn of(store: &Store, index: SkuIndex, shelf: &Shelf) -> Self {
        let mut tally = Self::default();
        if !shelf.tracked {
            return tally;
        }
        let rules = shelf.rules();
        for lot in store.lots(index).filter(|lot| lot.expiry_day >= store.day()) {
            let days = lot.expiry_day.since(store.day());
            let due = |within: u16, units: u32| {
                if days <= i32::from(within) { u64::from(units) } else { 0 }
            };
            tally.floor_units += due(rules.near_expiry_floor_days, lot.floor_units);
            tally.warehouse_units += due(rules.near_expiry_warehouse_days, lot.warehouse_units);
            tally.within_3_days_units += due(3, lot.units());
        }
        tally
    }

    /// Adds another's units.
    pub fn merge(&mut self, other: Self) {
        self.floor_units += other.floor_units;
        self.warehouse_units += other.warehouse_units;
        self.within_3_days_units += other.within_3_days_units;
    }
}

/// What came in, and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Intake {
    /// Events applied.
    pub accepted: u64,
    /// Of these, applied late.
    pub late: u64,
    /// Events that were known already; `None` where only the partition counts them.
    pub duplicates: Option<u64>,
    /// Events that went to quarantine.
    pub quarantined: u64,
    /// The same by reason; reasons that never came up are left out.
    #[schema(value_type = Object)]
    pub quarantined_by_reason: Keyed<u64>,
}

impl Intake {
    pub(crate) fn of_store(stats: &Stats) -> Self {
        Self {
            accepted: stats.accepted,
            late: stats.late,
            duplicates: None,
            quarantined: stats.quarantined.total(),
            quarantined_by_reason: by_reason(|at| stats.quarantined.get(at)),
        }
    }

    pub(crate) fn of_partitions(counts: &Counts) -> Self {
        Self {
            accepted: counts.accepted,
            late: counts.late,
            duplicates: Some(counts.duplicates),
            quarantined: counts.quarantined.total(),
            quarantined_by_reason: by_reason(|at| counts.quarantined.get(at)),
        }
    }
}

fn by_reason(count: impl Fn(usize) -> u64) -> Keyed<u64> {
    let counts = Reason::ALL.iter().map(|&reason| (reason.code(), count(reason as usize)));
    Keyed(counts.filter(|&(_, count)| count > 0).collect())
}

/// The sums over one store or several.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct StockTotals {
    /// Units, by where they are and went.
    #[schema(value_type = Object)]
    pub units: Units,
    /// What receipts came to, in cents.
    pub revenue_cents: i64,
    /// What removed units had cost, in cents, where that is known.
    pub waste_cents: i64,
    /// Receipts.
    pub receipts: u64,
    /// Alerts that stand.
    pub alerts_standing: SeverityTally,
    /// Alerts by rule.
    #[schema(value_type = Object)]
    pub alerts: Keyed<RuleTally>,
    /// Restock tasks.
    pub tasks: TaskTally,
    /// Supplier orders.
    pub orders: OrderTally,
    /// Customers in the store now.
    pub customers_present: u64,
    /// Customers who came in today.
    pub entries_today: u64,
    /// The part of open shelf time, over full days, in which shelves were not empty; `None` before
    /// the first day has ended.
    pub on_shelf_availability_percent: Option<f64>,
    /// Shelves that have ever been given stock.
    pub shelves: u64,
    /// Of these, those that are empty now.
    pub empty_shelves: u64,
    /// Of these, those that are below their refill threshold and not empty.
    pub low_shelves: u64,
    /// Units that expire soon.
    pub near_expiry: ExpiryTally,
    /// Carts that are kept.
    pub carts: u64,
    /// Timers that are set.
    pub timers: u64,
    /// Invariants found broken.
    pub invariant_violations: u64,
}

impl StockTotals {
    /// The sums over these stores.
    pub fn new(stores: &[&Store]) -> Self {
        let mut totals = Self { alerts: alerts(stores), ..Self::default() };
        let (mut open_us, mut empty_us) = (0_i64, 0_i64);
        for store in stores {
            let stats = store.stats();
            totals.units.merge(&store.units());
            totals.revenue_cents += store.revenue_cents();
            totals.receipts += stats.receipts;
            totals.customers_present += u64::from(store.visits().present);
            totals.entries_today += u64::from(store.visits().entries_today);
            totals.carts += store.cart_count() as u64;
            totals.timers += store.timer_count() as u64;
            totals.invariant_violations += store.violations().len() as u64;
            open_us += stats.shelf_open_us;
            empty_us += stats.shelf_empty_us;
            totals.add_shelves(store);
            totals.add_tasks(store);
            totals.add_orders(store);
        }
        totals.alerts.values().for_each(|tally| totals.alerts_standing.merge(tally.by_severity));
        totals.on_shelf_availability_percent =
            availability(open_us, empty_us).map(wording::per_cent);
        totals
    }

    fn add_shelves(&mut self, store: &Store) {
        for index in store.skus() {
            let Some(shelf) = store.shelf(index) else { continue };
            self.waste_cents += shelf.ledger.waste_cents;
            if !shelf.tracked {
                continue;
            }
            self.shelves += 1;
            match shelf.floor_units {
                0 => self.empty_shelves += 1,
                units if units < shelf.rules().refill_below_units => self.low_shelves += 1,
                _ => {}
            }
            self.near_expiry.merge(ExpiryTally::of(store, index, shelf));
        }
    }

    fn add_tasks(&mut self, store: &Store) {
        let tally = &mut self.tasks;
        for task in store.tasks() {
            match task.status {
                TaskStatus::Pending => tally.pending += 1,
                TaskStatus::Issued => tally.issued += 1,
                TaskStatus::InTransit => tally.in_transit += 1,
                TaskStatus::Done | TaskStatus::Cancelled => {}
            }
            tally.oldest_age_s = tally.oldest_age_s.max(Some(chain::age_s(store, task.created_at)));
        }
        tally.begun += store.stats().tasks_begun;
        tally.done += store.stats().tasks_done;
    }

    fn add_orders(&mut self, store: &Store) {
        let tally = &mut self.orders;
        for order in store.orders() {
            match order.status {
                OrderStatus::Draft => tally.draft += 1,
                OrderStatus::Approved => tally.approved += 1,
                OrderStatus::Sent => tally.sent += 1,
                OrderStatus::Received | OrderStatus::Cancelled => {}
            }
        }
        tally.sent_ever += store.stats().orders_sent;
    }
}

/// The alerts of these stores, by rule.
fn alerts(stores: &[&Store]) -> Keyed<RuleTally> {
    let standing: Vec<&Alert> = stores.iter().flat_map(|store| store.alerts_standing()).collect();
    let of_rule = |rule: Rule| {
        let mut tally = RuleTally::default();
        for stats in stores.iter().map(|store| store.stats()) {
            tally.opened += stats.alerts_opened.get(rule as usize);
            tally.ended += stats.alerts_ended.get(rule as usize);
        }
        for alert in standing.iter().filter(|alert| alert.rule == rule) {
            tally.standing += 1;
            tally.by_severity.add(alert.severity);
        }
        tally
    };
    Keyed(Rule::ALL.iter().map(|&rule| (rule.code(), of_rule(rule))).collect())
}

/// The part of the open time in which shelves were not empty.
pub(crate) fn availability(open_us: i64, empty_us: i64) -> Option<BasisPoints> {
    let stocked_us = (open_us - empty_us).max(0);
    (open_us > 0).then(|| BasisPoints::ratio(stocked_us.unsigned_abs(), open_us.unsigned_abs()))
}

/// How many units a place holds of what it could, where that is known.
pub(crate) fn capacity(shelf: &Shelf, place: Place) -> Option<u32> {
    let units = match place {
        Place::Floor => shelf.capacity_units,
        Place::Warehouse => shelf.warehouse_capacity_units,
    };
    (units > 0).then_some(units)
}
