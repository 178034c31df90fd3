//! What happens when two sources disagree: the difference becomes a movement with a cause, and an
//! alert.

use crate::alert::{Rule, Severity};
use crate::alerts::Facts;
use crate::effect::{Cause, Effect, Effects, Explanation};
use crate::event::Place;
use crate::ids::SkuIndex;
use crate::store::Store;

/// From so many units in dispute on, a discrepancy is to be looked at today.
const WARNING_UNITS: u32 = 3;

impl Store {
    /// Books `units` (positive: gone without a sale) under `cause`, where that cause is found: a
    /// mispick in the warehouse, all else on the floor. Zero units are no movement.
    pub(crate) fn explain(&mut self, index: SkuIndex, units: i64, cause: Cause, fx: &mut Effects) {
        let place = match cause {
            Cause::Mispicked => Place::Warehouse,
            _ => Place::Floor,
        };
        self.explain_at(index, place, units, cause, fx);
    }

    /// Books `units` (positive: gone without a sale) of a place under `cause`. Zero units are no
    /// movement.
    pub(crate) fn explain_at(
        &mut self,
        index: SkuIndex,
        place: Place,
        units: i64,
        cause: Cause,
        fx: &mut Effects,
    ) {
        if units == 0 {
            return;
        }
        let shelf = &mut self.shelves[index];
        shelf.ledger.unexplained += units;
        let facts = self.facts.sku(index);
        facts.unexplained += units;
        let cents = self.products[index].cost_cents.saturating_mul(units);
        facts.unexplained_cents = facts.unexplained_cents.saturating_add(cents);
        let amount = units.unsigned_abs();
        self.stats.explain(cause, amount);
        if !shelf.tracked {
            return;
        }
        let sku = shelf.sku;
        fx.push(Effect::Explained(Explanation { sku, units, cause }));
        match cause {
            Cause::Phantom | Cause::Found => {}
            _ => self.dispute(index, place, amount.min(u64::from(u32::MAX)) as u32, fx),
        }
    }

    /// Some units of a place are in dispute until a person counts it.
    pub(crate) fn dispute(&mut self, index: SkuIndex, place: Place, units: u32, fx: &mut Effects) {
        let shelf = &mut self.shelves[index];
        if !shelf.tracked {
            return;
        }
        let disputed = shelf.disputed_units_mut(place);
        *disputed = disputed.saturating_add(units);
        self.judge_dispute(index, place, fx);
    }

    /// A person has counted a place: nothing of it is in dispute.
    pub(crate) fn settle(&mut self, index: SkuIndex, place: Place, fx: &mut Effects) {
        *self.shelves[index].disputed_units_mut(place) = 0;
        self.judge_dispute(index, place, fx);
    }

    pub(crate) fn judge_dispute(&mut self, index: SkuIndex, place: Place, fx: &mut Effects) {
        let shelf = &self.shelves[index];
        let (disputed, stock_units, capacity_units) = match place {
            Place::Floor => (shelf.disputed_floor_units, shelf.floor_units, shelf.capacity_units),
            Place::Warehouse => (
                shelf.disputed_warehouse_units,
                shelf.warehouse_units,
                shelf.warehouse_capacity_units,
            ),
        };
        if disputed == 0 {
            return self.condition_ended(index, Rule::StockDiscrepancy, place, fx);
        }
        let facts = Facts {
            severity: if disputed >= WARNING_UNITS { Severity::Warning } else { Severity::Info },
            stock_units,
            threshold: disputed,
            capacity_units,
            suggested_units: 0,
        };
        self.condition_holds(index, Rule::StockDiscrepancy, place, facts, fx);
    }
}
