//! The sensors of the shelf: pickups, putbacks and weights.

use crate::cart::Cart;
use crate::effect::{Cause, Effects, Reason};
use crate::event::{Place, ShelfTouch, WeightChange};
use crate::ids::{CustomerId, SkuIndex};
use crate::lot::take;
use crate::quantity::{MAX_EVENT_UNITS, MAX_SKU_UNITS};
use crate::reference::Sensor;
use crate::store::Store;
use crate::time::{MINUTE, Timestamp};
use crate::timer::Timer;

/// How long the weights and the count of a shelf may disagree before that is a discrepancy.
pub const WEIGHT_PATIENCE_US: i64 = 15 * MINUTE;
/// The most that one reading may change, in grams.
const MAX_DELTA_G: u64 = 1_000_000_000;

impl Store {
    pub(crate) fn pickup(
        &mut self,
        touch: &ShelfTouch,
        at: Timestamp,
        fx: &mut Effects,
    ) -> Result<(), Reason> {
        let index = self.find(touch.sku)?;
        check_units(touch.units)?;
        self.check_room(index)?;
        let customer = touch.customer.unwrap_or_default();
        self.check_cart(customer, index)?;
        self.note_weight(index, touch.unit_weight_g);
        self.weigh_count(index, i64::from(touch.units));
        self.pick(index, touch.units, customer, at, fx);
        Ok(())
    }

    pub(crate) fn putback(
        &mut self,
        touch: &ShelfTouch,
        at: Timestamp,
        fx: &mut Effects,
    ) -> Result<(), Reason> {
        let index = self.find(touch.sku)?;
        check_units(touch.units)?;
        self.check_room(index)?;
        let customer = touch.customer.unwrap_or_default();
        self.check_cart(customer, index)?;
        self.note_weight(index, touch.unit_weight_g);
        self.weigh_count(index, -i64::from(touch.units));
        self.put(index, touch.units, customer, at, fx);
        Ok(())
    }

    pub(crate) fn weight_change(
        &mut self,
        change: &WeightChange,
        at: Timestamp,
        fx: &mut Effects,
    ) -> Result<(), Reason> {
        let index = self.find(change.sku)?;
        if change.delta_g.unsigned_abs() > MAX_DELTA_G {
            return Err(Reason::TooManyUnits);
        }
        let customer = change.customer.unwrap_or_default();
        self.check_cart(customer, index)?;
        let unit_g = i64::from(self.products[index].unit_weight_g);
        let units = whole_units(change.delta_g, unit_g);
        if units.is_some_and(|units| units > MAX_EVENT_UNITS) {
            return Err(Reason::TooManyUnits);
        }
        self.check_room(index)?;
        let shelf = &mut self.shelves[index];
        shelf.weight_g = shelf.weight_g.saturating_add(change.delta_g);
        let first = shelf.weight_at.is_none();
        shelf.weight_at = shelf.weight_at.max(Some(at));
        match shelf.sensor {
            Sensor::Units if first => {}
            Sensor::Units => self.weigh_reading(index, change.delta_g),
            Sensor::WeightOnly => match units {
                Some(units) if change.delta_g < 0 => self.pick(index, units, customer, at, fx),
                Some(units) => self.put(index, units, customer, at, fx),
                None => {
                    self.stats.unreadable_weights += 1;
                    self.dispute(index, Place::Floor, 1, fx);
                }
            },
        }
        Ok(())
    }

    fn pick(
        &mut self,
        index: SkuIndex,
        units: u32,
        customer: CustomerId,
        at: Timestamp,
        fx: &mut Effects,
    ) {
        let cart = self.carts.entry(customer);
        cart.touch(at);
        let Some(line) = cart.line(index) else { return };
        let rest = units - take(&mut line.paid_ahead_units, units);
        line.held_units += rest;
        let shelf = &mut self.shelves[index];
        shelf.cart_units += rest;
        let short = rest - take(&mut shelf.floor_units, rest);
        shelf.lot_gap_units += short;
        self.arm_cart(customer);
        self.explain(index, -i64::from(short), Cause::RecordsShort, fx);
        self.floor_changed(index, at, fx);
    }

    fn put(
        &mut self,
        index: SkuIndex,
        units: u32,
        customer: CustomerId,
        at: Timestamp,
        fx: &mut Effects,
    ) {
        let cart = self.carts.entry(customer);
        cart.touch(at);
        let Some(line) = cart.line(index) else { return };
        let from_cart = take(&mut line.held_units, units);
        let rest = units - from_cart;
        let shelf = &mut self.shelves[index];
        shelf.cart_units -= from_cart;
        shelf.floor_units += units;
        shelf.lot_gap_units += self.lots[index].add_floor(rest, None);
        self.arm_cart(customer);
        self.explain(index, -i64::from(rest), Cause::Misplaced, fx);
        self.floor_changed(index, at, fx);
    }

    /// Whether the store may hold more units of a sku.
    pub(crate) fn check_room(&self, index: SkuIndex) -> Result<(), Reason> {
        match self.shelves[index].on_hand_units() {
            0..=MAX_SKU_UNITS => Ok(()),
            _ => Err(Reason::LimitReached),
        }
    }

    /// Whether the customer's cart can take a touch of this sku.
    pub(crate) fn check_cart(&self, customer: CustomerId, index: SkuIndex) -> Result<(), Reason> {
        if customer.is_empty() {
            return Ok(());
        }
        let full =
            |cart: &Cart| cart.lines.len() >= crate::cart::MAX_CART_LINES && !cart.holds(index);
        if !self.carts.has_room(customer) || self.carts.get(customer).is_some_and(full) {
            return Err(Reason::LimitReached);
        }
        Ok(())
    }

    /// A sensor that knows the unit weight tells a shop that does not.
    fn note_weight(&mut self, index: SkuIndex, unit_weight_g: u32) {
        let product = &mut self.products[index];
        if product.unit_weight_g == 0 {
            product.unit_weight_g = unit_weight_g;
        }
    }

    /// Units left the shelf by count (negative: came onto it): its weights must follow.
    pub(crate) fn weigh_count(&mut self, index: SkuIndex, units: i64) {
        let weight_g = units.saturating_mul(i64::from(self.products[index].unit_weight_g));
        self.weigh_reading(index, weight_g);
    }

    /// Adds to the difference between weights and count, and has it looked at when it should be
    /// gone.
    fn weigh_reading(&mut self, index: SkuIndex, delta_g: i64) {
        let unit_g = i64::from(self.products[index].unit_weight_g);
        let shelf = &mut self.shelves[index];
        if shelf.weight_at.is_none() || unit_g == 0 || shelf.sensor != Sensor::Units {
            return;
        }
        shelf.weight_off_g = shelf.weight_off_g.saturating_add(delta_g);
        if shelf.weight_off_g.saturating_abs() < (unit_g + 3) / 4 {
            shelf.weight_off_g = 0;
        } else if !shelf.weight_check {
            shelf.weight_check = true;
            self.timers.set(self.now.plus(WEIGHT_PATIENCE_US), Timer::WeightCheck(index));
        }
    }

    /// The weights and the count have had time to agree.
    pub(crate) fn weight_check(&mut self, index: SkuIndex, fx: &mut Effects) {
        let unit_g = u64::from(self.products[index].unit_weight_g).max(1);
        let shelf = &mut self.shelves[index];
        let off = core::mem::take(&mut shelf.weight_off_g).unsigned_abs();
        shelf.weight_check = false;
        let units = off.saturating_add(unit_g / 2) / unit_g;
        if units > 0 {
            self.stats.explain(Cause::SensorDrift, units);
            let units = units.min(u64::from(u32::MAX)) as u32;
            self.dispute(index, Place::Floor, units, fx);
        }
    }
}

pub(crate) fn check_units(units: u32) -> Result<(), Reason> {
    match units {
        0 => Err(Reason::NoUnits),
        1..=MAX_EVENT_UNITS => Ok(()),
        _ => Err(Reason::TooManyUnits),
    }
}

/// How many whole units a change of weight is, within the tolerance; `None` where it is none.
fn whole_units(delta_g: i64, unit_g: i64) -> Option<u32> {
    if unit_g <= 0 {
        return None;
    }
    let units = (delta_g.abs() + unit_g / 2) / unit_g;
    let off = (delta_g.abs() - units * unit_g).abs();
    (units >= 1 && off <= (unit_g / 5).max(2)).then_some(units.min(i64::from(u32::MAX)) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_become_units_within_the_tolerance() {
        assert_eq!(whole_units(-500, 500), Some(1));
        assert_eq!(whole_units(1_590, 500), Some(3));
        assert_eq!(whole_units(1_601, 500), None);
        assert_eq!(whole_units(-200, 500), None);
        assert_eq!(whole_units(-9, 5), Some(2));
        assert_eq!(whole_units(500, 0), None);
    }
}
