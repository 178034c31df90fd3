//! Supplier orders: what to order at each cut-off, and what has come of it.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::alert::{Rule, Severity};
use crate::alerts::Facts;
use crate::effect::{Effect, Effects, Reason};
use crate::event::{OrderAct, OrderVerb, Place};
use crate::ids::{OrderId, SkuIndex};
use crate::order::{OrderLine, OrderStatus, SupplierOrder};
use crate::quantity::MAX_EVENT_UNITS;
use crate::reference::{Approval, Supplier};
use crate::store::Store;
use crate::time::{HOUR, MINUTE, Timestamp, WeekSlot};
use crate::timer::Timer;

/// The most suppliers that a store may have.
pub const MAX_SUPPLIERS: usize = 4_096;
/// Orders are proposed this long before their cut-off, so that a person can look at them.
pub const DRAFT_LEAD_US: i64 = HOUR;
/// A delivery that is not complete this long after its time is late or short: it is told, and what
/// lacks is ordered again.
pub const DELIVERY_LATE_US: i64 = 2 * HOUR;
/// Nothing more is expected of an order this long after its time.
pub const CLOSE_AFTER_US: i64 = 72 * HOUR;

/// The suppliers of a store, by order of first appearance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SupplierBook {
    rows: Vec<SupplierRow>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SupplierRow {
    supplier: Supplier,
    generation: u32,
    /// The last cut-off that orders were proposed for.
    drafted_until: Timestamp,
}

impl SupplierBook {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Supplier> {
        self.rows.iter().map(|row| &row.supplier)
    }

    fn get(&self, row: u32, generation: u32) -> Option<&SupplierRow> {
        self.rows.get(row as usize).filter(|row| row.generation == generation)
    }
}

/// The orders that stand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Orders {
    standing: BTreeMap<OrderId, SupplierOrder>,
    last: u64,
}

impl Orders {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &SupplierOrder> {
        self.standing.values()
    }

    /// Units of a sku that are ordered and still to come by `until`. Of a delivery that is late, or
    /// was here without them, nothing is counted on.
    pub(crate) fn arriving(&self, sku: crate::Sku, now: Timestamp, until: Timestamp) -> u32 {
        let to_come = |order: &&SupplierOrder| {
            order.status != OrderStatus::Draft
                && order.delivery_at <= until
                && now.since(order.delivery_at) < DELIVERY_LATE_US
                && !order.begun()
        };
        let lines = self.standing.values().filter(to_come).flat_map(|order| &order.lines);
        lines.filter(|line| line.sku == sku).map(OrderLine::outstanding_units).sum()
    }
}

impl OrderLine {
    /// Units that have not come.
    pub fn outstanding_units(&self) -> u32 {
        self.units.saturating_sub(self.received_units)
    }
}

impl SupplierOrder {
    fn set(&mut self, status: OrderStatus, now: Timestamp) {
        self.status = status;
        self.changed_at = now;
    }

    fn complete(&self) -> bool {
        self.lines.iter().all(|line| line.outstanding_units() == 0)
    }

    /// Whether anything of it has come.
    fn begun(&self) -> bool {
        self.lines.iter().any(|line| line.received_units > 0)
    }

    /// What it costs, in cents, as far as costs are known.
    pub fn cost_cents(&self) -> i64 {
        let each = self.lines.iter().map(|line| line.cost_cents * i64::from(line.units));
        each.fold(0, i64::saturating_add)
    }
}

/// A supplier's next cut-off, with its delivery and the one after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// Until when it takes orders.
    pub cutoff_at: Timestamp,
    /// When what is ordered by then comes.
    pub delivery_at: Timestamp,
    /// When what is ordered by the cut-off after it comes.
    pub next_delivery_at: Timestamp,
}

impl Store {
    pub(crate) fn set_supplier(&mut self, supplier: &Supplier) -> Result<(), Reason> {
        if supplier.supplier.is_empty() {
            return Err(Reason::EmptyId);
        }
        let slots = supplier.cutoffs.iter().chain(&supplier.deliveries);
        if slots.into_iter().any(|slot| slot.weekday > 6 || slot.minute >= 1_440) {
            return Err(Reason::AbsurdTime);
        }
        let rows = &mut self.suppliers.rows;
        let known = rows.iter().position(|row| row.supplier.supplier == supplier.supplier);
        if known.is_none() && rows.len() >= MAX_SUPPLIERS {
            return Err(Reason::LimitReached);
        }
        let number = known.unwrap_or(rows.len());
        let generation = match rows.get_mut(number) {
            Some(row) => {
                row.supplier = supplier.clone();
                row.generation += 1;
                row.generation
            }
            None => {
                rows.push(SupplierRow {
                    supplier: supplier.clone(),
                    generation: 0,
                    drafted_until: Timestamp::default(),
                });
                0
            }
        };
        self.set_draft_timer(number as u32, generation);
        Ok(())
    }

    /// Has the orders of a supplier be proposed before its first cut-off to come for which they
    /// were not.
    fn set_draft_timer(&mut self, supplier: u32, generation: u32) {
        let Some(row) = self.suppliers.get(supplier, generation) else { return };
        let after = self.now.max(row.drafted_until);
        if let Some(round) = self.round(&row.supplier, after) {
            let draft_at = round.cutoff_at.plus(-DRAFT_LEAD_US).max(after);
            self.timers.set(draft_at, Timer::Draft { supplier, generation });
        }
    }

    /// The next cut-off of a supplier after the store's present; `None` where it declares no days
    /// of orders or none of deliveries.
    pub fn next_round(&self, supplier: &Supplier) -> Option<Round> {
        self.round(supplier, self.now)
    }

    fn round(&self, supplier: &Supplier, after: Timestamp) -> Option<Round> {
        let clock = &self.settings.clock;
        let lead = i64::from(supplier.lead_minutes) * MINUTE;
        let next = |slots: &[WeekSlot], after| clock.next_slot(slots, after);
        let delivery = |cutoff: Timestamp| next(&supplier.deliveries, cutoff.plus(lead - 1));
        let cutoff_at = next(&supplier.cutoffs, after)?;
        let after_next = next(&supplier.cutoffs, cutoff_at)?;
        Some(Round {
            cutoff_at,
            delivery_at: delivery(cutoff_at)?,
            next_delivery_at: delivery(after_next)?,
        })
    }

    /// Proposes what to order from a supplier at its next cut-off.
    pub(crate) fn draft_orders(&mut self, supplier: u32, generation: u32, fx: &mut Effects) {
        let Some(row) = self.suppliers.get(supplier, generation) else { return };
        let after = self.now.max(row.drafted_until);
        let Some(round) = self.round(&row.supplier, after) else { return };
        let id = row.supplier.supplier;
        let lines: Vec<OrderLine> = self
            .shelves
            .indexes()
            .filter(|&index| self.products[index].supplier == Some(id))
            .filter_map(|index| self.order_line(index, &round))
            .collect();
        if !lines.is_empty() {
            self.orders.last += 1;
            let order = SupplierOrder {
                order: OrderId(self.orders.last),
                supplier: id,
                status: OrderStatus::Draft,
                cutoff_at: round.cutoff_at,
                delivery_at: round.delivery_at,
                delivery_day: self.settings.clock.day(round.delivery_at),
                created_at: self.now,
                changed_at: self.now,
                lines,
            };
            self.timers.set(order.cutoff_at, Timer::Cutoff(order.order));
            fx.push(Effect::Order(order.clone()));
            self.orders.standing.insert(order.order, order);
        }
        if let Some(row) = self.suppliers.rows.get_mut(supplier as usize) {
            row.drafted_until = round.cutoff_at;
        }
        self.set_draft_timer(supplier, generation);
    }

    /// The cut-off of an order has come: it is sent, or it is not.
    pub(crate) fn cut_off(&mut self, id: OrderId, fx: &mut Effects) {
        let Some(order) = self.orders.standing.get_mut(&id) else { return };
        let wanted = order.status == OrderStatus::Approved
            || (order.status == OrderStatus::Draft
                && self.settings.approval == Approval::Automatic);
        let cost = order.cost_cents();
        let supplier =
            self.suppliers.rows.iter().find(|row| row.supplier.supplier == order.supplier);
        let minimum = supplier.map_or(0, |row| row.supplier.minimum_order_cents);
        order.lines.retain(|line| line.units > 0);
        if !wanted || order.lines.is_empty() || (cost > 0 && cost < minimum) {
            return self.end_order(id, OrderStatus::Cancelled, fx);
        }
        order.set(OrderStatus::Sent, self.now);
        self.stats.orders_sent += 1;
        self.timers.set(order.delivery_at.plus(DELIVERY_LATE_US), Timer::LateCheck(id));
        self.timers.set(order.delivery_at.plus(CLOSE_AFTER_US), Timer::Close(id));
        fx.push(Effect::Order(order.clone()));
    }

    fn end_order(&mut self, id: OrderId, status: OrderStatus, fx: &mut Effects) {
        if let Some(mut order) = self.orders.standing.remove(&id) {
            if order.status == OrderStatus::Sent {
                self.fact_order(&order);
            }
            order.set(status, self.now);
            fx.push(Effect::Order(order));
        }
    }

    /// Counts what was ordered, and what of that has come.
    fn fact_order(&mut self, order: &SupplierOrder) {
        for line in &order.lines {
            if let Ok(index) = self.find(line.sku) {
                self.facts.supplied(index, line.units, line.units.min(line.received_units));
            }
        }
    }

    /// Units of a sku came: counts them on the order they are for, or on the oldest that waits for
    /// the sku.
    pub(crate) fn order_received(
        &mut self,
        order: Option<OrderId>,
        index: SkuIndex,
        units: u32,
        fx: &mut Effects,
    ) {
        let sku = self.shelves[index].sku;
        let waits = |order: &SupplierOrder| {
            let open = |line: &OrderLine| line.sku == sku && line.outstanding_units() > 0;
            order.status == OrderStatus::Sent && order.lines.iter().any(open)
        };
        let id = order.or_else(|| self.orders.iter().find(|o| waits(o)).map(|o| o.order));
        let Some(id) = id else { return };
        let standing = self.orders.standing.get_mut(&id).filter(|o| o.status == OrderStatus::Sent);
        let Some(standing) = standing else {
            self.stats.unmatched_deliveries += 1;
            return;
        };
        let Some(line) = standing.lines.iter_mut().find(|line| line.sku == sku) else {
            self.stats.unmatched_deliveries += 1;
            return;
        };
        line.received_units = line.received_units.saturating_add(units);
        // What came over with earlier deliveries has been told.
        let over = line.received_units.saturating_sub(line.units).min(units);
        let line_complete = line.outstanding_units() == 0;
        let complete = standing.complete();
        let late = self.now.since(standing.delivery_at) >= DELIVERY_LATE_US;
        if over > 0 {
            self.delivery_notice(index, over, fx);
        } else if line_complete && late {
            self.condition_ended(index, Rule::DeliveryDiscrepancy, Place::Warehouse, fx);
        }
        if complete {
            self.end_order(id, OrderStatus::Received, fx);
        }
    }

    fn delivery_notice(&mut self, index: SkuIndex, units: u32, fx: &mut Effects) {
        let shelf = &self.shelves[index];
        let facts = Facts {
            severity: Severity::Info,
            stock_units: shelf.warehouse_units,
            threshold: units,
            capacity_units: shelf.warehouse_capacity_units,
            suggested_units: 0,
        };
        self.condition_holds(index, Rule::DeliveryDiscrepancy, Place::Warehouse, facts, fx);
    }

    /// An order should have come by now: what lacks is told.
    pub(crate) fn late_check(&mut self, id: OrderId, fx: &mut Effects) {
        let Some(order) = self.orders.standing.get(&id) else { return };
        let lacking: Vec<_> = order
            .lines
            .iter()
            .filter(|line| line.outstanding_units() > 0)
            .map(|line| (line.sku, line.outstanding_units()))
            .collect();
        for (sku, units) in lacking {
            if let Ok(index) = self.find(sku) {
                self.delivery_notice(index, units, fx);
            }
        }
    }

    /// Nothing more is expected of an order; one of which nothing came has failed.
    pub(crate) fn close_order(&mut self, id: OrderId, fx: &mut Effects) {
        let Some(order) = self.orders.standing.get(&id) else { return };
        if order.status == OrderStatus::Sent {
            let came = order.begun();
            let status = if came { OrderStatus::Received } else { OrderStatus::Cancelled };
            self.end_order(id, status, fx);
        }
    }

    pub(crate) fn order_act(&mut self, act: &OrderAct, fx: &mut Effects) -> Result<(), Reason> {
        if act.actor.is_empty() {
            return Err(Reason::EmptyId);
        }
        let now = self.now;
        let order = self.orders.standing.get_mut(&act.order).ok_or(Reason::UnknownOrder)?;
        let draft = matches!(order.status, OrderStatus::Draft | OrderStatus::Approved);
        match act.act {
            OrderVerb::Cancel => {
                self.end_order(act.order, OrderStatus::Cancelled, fx);
                return Ok(());
            }
            _ if !draft => return Err(Reason::WrongState),
            OrderVerb::Approve => order.set(OrderStatus::Approved, now),
            OrderVerb::Change { sku, units } => {
                if units > MAX_EVENT_UNITS {
                    return Err(Reason::TooManyUnits);
                }
                let line = order.lines.iter_mut().find(|line| line.sku == sku);
                line.ok_or(Reason::UnknownProduct)?.units = units;
                order.changed_at = now;
            }
        }
        fx.push(Effect::Order(order.clone()));
        Ok(())
    }
}
