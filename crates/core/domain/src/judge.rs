//! Which conditions hold for a shelf, and the restock task that follows.

use crate::alert::{Rule, Severity};
use crate::alerts::{Facts, Subject};
use crate::effect::Effects;
use crate::event::Place;
use crate::ids::SkuIndex;
use crate::store::Store;
use crate::time::Timestamp;

impl Store {
    /// Looks at every condition of a shelf, as after a change of its rules.
    pub(crate) fn judge_all(&mut self, index: SkuIndex, fx: &mut Effects) {
        self.judge_floor(index, fx);
        self.judge_warehouse(index, fx);
        self.mark_down(index, fx);
        self.judge_expiry(index, fx);
        self.judge_on_hand(index, fx);
    }

    /// Looks at the condition of one rule.
    pub(crate) fn judge(&mut self, subject: Subject, rule: Rule, fx: &mut Effects) {
        // What concerns the whole store is seen when it happens: no rule looks again.
        let Subject::Sku(index) = subject else { return };
        match rule {
            Rule::RefillRequest | Rule::ShelfEmpty => self.judge_floor(index, fx),
            Rule::SupplierRequest => self.judge_warehouse(index, fx),
            Rule::NearExpiry | Rule::NearExpiryDiscount => self.judge_expiry(index, fx),
            Rule::StockDiscrepancy => {
                self.judge_dispute(index, Place::Floor, fx);
                self.judge_dispute(index, Place::Warehouse, fx);
            }
            Rule::OutOfStock | Rule::LowStock | Rule::BelowSafetyStock | Rule::Overstock => {
                self.judge_on_hand(index, fx);
            }
            // These are seen when they happen.
            Rule::ExpiredRemoval
            | Rule::DeliveryDiscrepancy
            | Rule::SalesSpike
            | Rule::HighValueSale
            | Rule::RapidDepletion
            | Rule::PriceAnomaly
            | Rule::SensorSilent
            | Rule::TillSilent => {}
        }
    }

    /// The units on a shelf have changed.
    pub(crate) fn floor_changed(&mut self, index: SkuIndex, at: Timestamp, fx: &mut Effects) {
        fx.touched.push(index);
        let shelf = &mut self.shelves[index];
        shelf.changed_at = shelf.changed_at.max(Some(at));
        if !shelf.tracked {
            return;
        }
        if shelf.floor_units > 0 {
            if let Some(since) = shelf.empty_since.take() {
                let empty = self.open_between(since, self.now);
                self.shelves[index].demand.empty_today_us += empty;
            }
        } else if shelf.empty_since.is_none() {
            shelf.empty_since = Some(self.now);
        }
        self.judge_floor(index, fx);
    }

    pub(crate) fn judge_floor(&mut self, index: SkuIndex, fx: &mut Effects) {
        let shelf = &self.shelves[index];
        let (floor, rules) = (shelf.floor_units, &shelf.rules);
        if !shelf.tracked {
            return;
        }
        if floor < rules.refill_below_units {
            let suggested = rules.target_units.saturating_sub(floor + self.under_way(index));
            let facts = Facts {
                severity: Severity::Warning,
                stock_units: floor,
                threshold: rules.refill_below_units,
                capacity_units: shelf.capacity_units,
                suggested_units: suggested,
            };
            self.condition_holds(index, Rule::RefillRequest, Place::Floor, facts, fx);
            if floor == 0 {
                let facts = Facts { severity: Severity::Critical, threshold: 1, ..facts };
                self.condition_holds(index, Rule::ShelfEmpty, Place::Floor, facts, fx);
            }
            self.want_refill(index, fx);
        } else if floor >= rules.refill_clear_units {
            self.condition_ended(index, Rule::RefillRequest, Place::Floor, fx);
        }
        if floor > 0 {
            self.condition_ended(index, Rule::ShelfEmpty, Place::Floor, fx);
        }
    }

    /// The units in the warehouse have changed.
    pub(crate) fn warehouse_changed(&mut self, index: SkuIndex, fx: &mut Effects) {
        fx.touched.push(index);
        let shelf = &mut self.shelves[index];
        shelf.changed_at = shelf.changed_at.max(Some(self.now));
        self.fill_backorder(index, fx);
        self.judge_warehouse(index, fx);
    }

    fn judge_warehouse(&mut self, index: SkuIndex, fx: &mut Effects) {
        let shelf = &self.shelves[index];
        let (units, rules) = (shelf.warehouse_units, &shelf.rules);
        if !shelf.tracked {
            return;
        }
        if units < rules.reorder_point_units {
            let facts = Facts {
                severity: if units == 0 { Severity::Warning } else { Severity::Info },
                stock_units: units,
                threshold: rules.reorder_point_units,
                capacity_units: shelf.warehouse_capacity_units,
                suggested_units: rules.reorder_point_units - units,
            };
            self.condition_holds(index, Rule::SupplierRequest, Place::Warehouse, facts, fx);
        } else if units >= rules.reorder_clear_units {
            self.condition_ended(index, Rule::SupplierRequest, Place::Warehouse, fx);
        }
    }

    /// Units have left lots: alerts about their expiry may end.
    pub(crate) fn lots_left(&mut self, index: SkuIndex, fx: &mut Effects) {
        let watched = |rule, place| self.alerts.watched(index, rule, place);
        if watched(Rule::NearExpiry, Place::Floor)
            || watched(Rule::NearExpiry, Place::Warehouse)
            || watched(Rule::NearExpiryDiscount, Place::Floor)
        {
            self.judge_expiry(index, fx);
        }
    }

    pub(crate) fn judge_expiry(&mut self, index: SkuIndex, fx: &mut Effects) {
        if !self.shelves[index].tracked {
            return;
        }
        let rules = self.shelves[index].rules;
        self.judge_near(index, Place::Floor, rules.near_expiry_floor_days, fx);
        self.judge_near(index, Place::Warehouse, rules.near_expiry_warehouse_days, fx);
        let marked = |lot: &&crate::Lot| lot.floor_units > 0 && lot.markdown.0 > 0;
        let units: u32 = self.lots[index].iter().filter(marked).map(|lot| lot.floor_units).sum();
        if units == 0 {
            return self.condition_ended(index, Rule::NearExpiryDiscount, Place::Floor, fx);
        }
        let facts = Facts {
            severity: Severity::Info,
            stock_units: units,
            threshold: u32::from(rules.markdown.horizon_days().unwrap_or(0)),
            capacity_units: self.shelves[index].capacity_units,
            suggested_units: units,
        };
        self.condition_holds(index, Rule::NearExpiryDiscount, Place::Floor, facts, fx);
    }

    fn judge_near(&mut self, index: SkuIndex, place: Place, days: u16, fx: &mut Effects) {
        let today = self.day;
        let last = today.plus(i32::from(days));
        let near = |lot: &&crate::Lot| {
            lot.units_at(place) > 0 && lot.expiry_day >= today && lot.expiry_day <= last
        };
        let mut units = 0;
        let mut soonest = None;
        for lot in self.lots[index].iter().filter(near) {
            units += lot.units_at(place);
            soonest = soonest.or(Some(lot.expiry_day));
        }
        let Some(soonest) = soonest else {
            return self.condition_ended(index, Rule::NearExpiry, place, fx);
        };
        let facts = Facts {
            severity: match place {
                Place::Floor if soonest == today => Severity::Warning,
                _ => Severity::Info,
            },
            stock_units: units,
            threshold: u32::from(days),
            capacity_units: self.shelves[index].capacity_units,
            suggested_units: 0,
        };
        self.condition_holds(index, Rule::NearExpiry, place, facts, fx);
    }
}
