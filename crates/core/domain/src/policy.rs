//! Which policy holds for a shelf: the narrowest active one that sets the value wins, of equals the
//! one set last.

use crate::alerts::Subject;
use crate::anomaly::AnomalyPolicy;
use crate::ids::SkuIndex;
use crate::quantity::BasisPoints;
use crate::reference::{MarkdownSchedule, Policy, Product, Scope};
use crate::shelf::{DEFAULT_COVER_DAYS, Shelf, ShelfRules};
use crate::store::Store;
use crate::time::MINUTE;
use crate::{Effects, Reason};

/// The most policies that one store may have.
pub const MAX_POLICIES: usize = 65_536;

/// The values where no policy sets one: 30 % and one unit, up to 80 %, with 5 % of hysteresis.
const REFILL_BELOW: BasisPoints = BasisPoints::percent(30);
const MIN_UNITS: u32 = 1;
const TARGET: BasisPoints = BasisPoints::percent(80);
const HYSTERESIS: BasisPoints = BasisPoints::percent(5);
/// The reorder point of a shelf without one: this part of its warehouse capacity, to the nearest
/// unit.
const REORDER_PART: BasisPoints = BasisPoints::percent(5);
/// The reorder point where not even the capacity is known.
const REORDER_UNITS: u32 = 10;

impl Store {
    pub(crate) fn set_policy(&mut self, policy: &Policy, fx: &mut Effects) -> Result<(), Reason> {
        check(policy)?;
        let known = self.policies.iter().position(|other| other.policy == policy.policy);
        if known.is_none() && self.policies.len() >= MAX_POLICIES {
            return Err(Reason::LimitReached);
        }
        let mut scopes = [Some(policy.scope), None];
        if let Some(at) = known {
            let [_, old] = &mut scopes;
            *old = Some(self.policies.remove(at).scope);
        }
        self.policies.push(policy.clone());
        let mut wide = AnomalyPolicy::default();
        let global = self.policies.iter().filter(|p| p.active && p.scope == Scope::Global);
        global.for_each(|policy| wide.overlay(&policy.anomalies));
        self.anomaly_rules = wide.resolve(0);
        for index in self.shelves.indexes() {
            let product = &self.products[index];
            if scopes.iter().flatten().any(|scope| covers(scope, product)) {
                self.resolve_rules(index, fx);
            }
        }
        Ok(())
    }

    /// Works out the rules of a shelf anew, and looks at its conditions under them.
    pub(crate) fn resolve_rules(&mut self, index: SkuIndex, fx: &mut Effects) {
        let rules = resolve(&self.policies, &self.products[index], &self.shelves[index]);
        self.shelves[index].rules = rules;
        self.judge_all(index, fx);
    }

    /// How long an ended alert stays quiet, in microseconds: one of the whole store goes by the
    /// policies of the widest scope.
    pub(crate) fn cooldown_us(&self, subject: Subject) -> i64 {
        let minutes = match subject {
            Subject::Sku(index) => self.shelves[index].rules.cooldown_minutes,
            Subject::Store => {
                let wide = self.policies.iter().filter(|p| p.active && p.scope == Scope::Global);
                let set = wide.filter_map(|policy| policy.cooldown_minutes).next_back();
                set.unwrap_or(ShelfRules::default().cooldown_minutes)
            }
        };
        i64::from(minutes) * MINUTE
    }
}

fn check(policy: &Policy) -> Result<(), Reason> {
    if policy.policy.is_empty() {
        return Err(Reason::EmptyId);
    }
    let depletion = policy.anomalies.depletion;
    let parts = [policy.refill_below, policy.target, policy.hysteresis, depletion];
    let steps =
        policy.markdown.iter().flat_map(|schedule| schedule.steps.iter().map(|step| step.1));
    if parts.into_iter().flatten().chain(steps).any(|part| part > BasisPoints::WHOLE) {
        return Err(Reason::AbsurdPart);
    }
    let units = [policy.min_units, policy.reorder_point_units];
    if units.into_iter().flatten().any(|units| units > crate::MAX_EVENT_UNITS) {
        return Err(Reason::TooManyUnits);
    }
    Ok(())
}

fn covers(scope: &Scope, product: &Product) -> bool {
    match scope {
        Scope::Global => true,
        Scope::Category(category) => *category == product.category,
        Scope::Subcategory(category, subcategory) => {
            *subcategory == product.subcategory && category.is_none_or(|of| of == product.category)
        }
        Scope::Shelf(sku) => *sku == product.sku,
    }
}

/// What the policies come to for one shelf.
fn resolve(policies: &[Policy], product: &Product, shelf: &Shelf) -> ShelfRules {
    let mut merged = Policy::default();
    for rank in 0..=3 {
        let applying = policies
            .iter()
            .filter(|p| p.active && p.scope.rank() == rank && covers(&p.scope, product));
        for policy in applying {
            overlay(&mut merged, policy);
        }
    }
    let capacity = shelf.capacity_units;
    let min_units = merged.min_units.unwrap_or(MIN_UNITS);
    let below = merged.refill_below.unwrap_or(REFILL_BELOW);
    let hysteresis = merged.hysteresis.unwrap_or(HYSTERESIS);
    let most = if capacity > 0 { capacity } else { u32::MAX };
    let refill_below = below.of_ceil(capacity).max(min_units).min(most);
    let target = merged.target.unwrap_or(TARGET).of_ceil(capacity).max(refill_below);
    let clear = BasisPoints(below.0 + hysteresis.0).of_ceil(capacity).max(refill_below).min(target);
    let reorder =
        merged.reorder_point_units.unwrap_or_else(|| match shelf.warehouse_capacity_units {
            0 => REORDER_UNITS,
            units => {
                ((u64::from(units) * u64::from(REORDER_PART.0) + 5_000) / 10_000).max(1) as u32
            }
        });
    let defaults = ShelfRules::default();
    ShelfRules {
        refill_below_units: refill_below,
        refill_clear_units: clear,
        target_units: target,
        reorder_point_units: reorder,
        reorder_clear_units: reorder.saturating_add(hysteresis.of_ceil(reorder)),
        cover_days: merged.cover_days.unwrap_or(DEFAULT_COVER_DAYS),
        near_expiry_floor_days: merged
            .near_expiry_floor_days
            .unwrap_or(defaults.near_expiry_floor_days),
        near_expiry_warehouse_days: merged
            .near_expiry_warehouse_days
            .unwrap_or(defaults.near_expiry_warehouse_days),
        cooldown_minutes: merged.cooldown_minutes.unwrap_or(defaults.cooldown_minutes),
        restock_delay_seconds: merged
            .restock_delay_seconds
            .unwrap_or(defaults.restock_delay_seconds),
        travel_seconds: merged.travel_seconds.unwrap_or(defaults.travel_seconds),
        picking: merged.picking.unwrap_or_default(),
        rounding: merged.rounding.unwrap_or_default(),
        markdown: merged.markdown.unwrap_or_else(MarkdownSchedule::default),
        removal: merged.removal.unwrap_or_default(),
        anomalies: merged.anomalies.resolve(capacity + shelf.warehouse_capacity_units),
    }
}

/// Lays a value that a narrower policy sets over that of a wider one.
pub(crate) fn lay<T: Copy>(under: &mut Option<T>, over: Option<T>) {
    *under = over.or(*under);
}

/// Lays the values that `over` sets over those of `under`.
fn overlay(under: &mut Policy, over: &Policy) {
    lay(&mut under.refill_below, over.refill_below);
    lay(&mut under.min_units, over.min_units);
    lay(&mut under.target, over.target);
    lay(&mut under.hysteresis, over.hysteresis);
    lay(&mut under.reorder_point_units, over.reorder_point_units);
    lay(&mut under.cover_days, over.cover_days);
    lay(&mut under.near_expiry_floor_days, over.near_expiry_floor_days);
    lay(&mut under.near_expiry_warehouse_days, over.near_expiry_warehouse_days);
    lay(&mut under.cooldown_minutes, over.cooldown_minutes);
    lay(&mut under.restock_delay_seconds, over.restock_delay_seconds);
    lay(&mut under.travel_seconds, over.travel_seconds);
    lay(&mut under.picking, over.picking);
    lay(&mut under.rounding, over.rounding);
    lay(&mut under.markdown, over.markdown);
    lay(&mut under.removal, over.removal);
    under.anomalies.overlay(&over.anomalies);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{Category, PolicyId, Sku, Subcategory};

    fn policy(id: &str, scope: Scope, percent: u32) -> Policy {
        Policy {
            policy: PolicyId::cut(id),
            scope,
            active: true,
            refill_below: Some(BasisPoints::percent(percent)),
            ..Policy::default()
        }
    }

    #[test]
    fn the_narrowest_active_policy_wins_value_by_value() {
        let product = Product {
            sku: Sku::cut("MILK"),
            category: Category::cut("DAIRY"),
            subcategory: Subcategory::cut("Fresh"),
            ..Product::default()
        };
        let mut shelf = Shelf::new(product.sku);
        shelf.capacity_units = 100;
        shelf.warehouse_capacity_units = 350;
        let below = |policies: &[Policy]| resolve(policies, &product, &shelf).refill_below_units;
        assert_eq!(below(&[]), 30);
        let global = policy("g", Scope::Global, 10);
        let category = policy("c", Scope::Category(product.category), 20);
        let subcategory = policy("s", Scope::Subcategory(None, product.subcategory), 40);
        let one = policy("1", Scope::Shelf(product.sku), 50);
        assert_eq!(below(&[category.clone(), global.clone()]), 20);
        assert_eq!(below(&[subcategory.clone(), category.clone(), global.clone()]), 40);
        let all = [one.clone(), subcategory, category, global];
        assert_eq!(below(&all), 50);
        let asleep = Policy { active: false, ..one.clone() };
        assert_eq!(below(&[asleep, all[1].clone()]), 40);
        let silent = Policy { refill_below: None, min_units: Some(45), ..one };
        assert_eq!(below(&[silent, all[1].clone()]), 45);
        assert_eq!(resolve(&[], &product, &shelf).reorder_point_units, 18); // 17.5
    }
}
