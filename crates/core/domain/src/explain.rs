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
    /// Books `units` (positive: gone without a sale) under `cause`. Zero units are no movement.
    pub(crate) fn explain(&mut self, index: SkuIndex, units: i64, cause: Cause, fx: &mut Effects) {
        if units == 0 {
            return;
        }
        let shelf = &mut self.shelves[index];
        shelf.ledger.unexplained += units;
        let amount = units.unsigned_abs();
        self.stats.explain(cause, amount);
        if !shelf.tracked {
            return;
        }
        let sku = shelf.sku;
        fx.push(Effect::Explained(Explanation { sku, units, cause }));
        match cause {
            Cause::Phantom | Cause::Found => {}
            _ => self.dispute(index, amount.min(u64::from(u32::MAX)) as u32, fx),
        }
    }

    /// Some units of a shelf are in dispute until a person counts.
    pub(crate) fn dispute(&mut self, index: SkuIndex, units: u32, fx: &mut Effects) {
        let shelf = &mut self.shelves[index];
        if !shelf.tracked {
            return;
        }
        shelf.disputed_units = shelf.disputed_units.saturating_add(units);
        self.judge_dispute(index, fx);
    }

    pub(crate) fn judge_dispute(&mut self, index: SkuIndex, fx: &mut Effects) {
        let shelf = &self.shelves[index];
        let disputed = shelf.disputed_units;
        if disputed == 0 {
            return self.condition_ended(index, Rule::StockDiscrepancy, Place::Floor, fx);
        }
        let facts = Facts {
            severity: if disputed >= WARNING_UNITS { Severity::Warning } else { Severity::Info },
            stock_units: shelf.floor_units,
            threshold: disputed,
            capacity_units: shelf.capacity_units,
            suggested_units: 0,
        };
        self.condition_holds(index, Rule::StockDiscrepancy, Place::Floor, facts, fx);
    }
}
