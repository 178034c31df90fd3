//! The floor: pickups and putbacks.

use crate::cart::Cart;
use crate::effect::{Cause, Effects, Reason};
use crate::event::ShelfTouch;
use crate::ids::{CustomerId, SkuIndex};
use crate::lot::take;
use crate::quantity::{MAX_EVENT_UNITS, MAX_SKU_UNITS};
use crate::store::Store;
use crate::time::Timestamp;
use crate::visits::arm;

impl Store {
    pub(crate) fn pickup(
        &mut self,
        index: SkuIndex,
        touch: &ShelfTouch,
        at: Timestamp,
        fx: &mut Effects,
    ) -> Result<(), Reason> {
        check_units(touch.units)?;
        self.check_room(index)?;
        let customer = touch.customer.unwrap_or_default();
        self.check_cart(customer, index)?;
        self.note_weight(index, touch.unit_weight_g);
        self.sensor_spoke(index, fx);
        self.weigh_count(index, i64::from(touch.units));
        self.pick(index, touch.units, customer, at, fx);
        Ok(())
    }

    pub(crate) fn putback(
        &mut self,
        index: SkuIndex,
        touch: &ShelfTouch,
        at: Timestamp,
        fx: &mut Effects,
    ) -> Result<(), Reason> {
        check_units(touch.units)?;
        self.check_room(index)?;
        let customer = touch.customer.unwrap_or_default();
        self.check_cart(customer, index)?;
        self.note_weight(index, touch.unit_weight_g);
        self.sensor_spoke(index, fx);
        self.weigh_count(index, -i64::from(touch.units));
        self.put(index, touch.units, customer, at, fx);
        Ok(())
    }

    pub(crate) fn pick(
        &mut self,
        index: SkuIndex,
        units: u32,
        customer: CustomerId,
        at: Timestamp,
        fx: &mut Effects,
    ) {
        let cart = self.carts.entry(customer);
        cart.touch(at);
        arm(cart, customer, &mut self.timers);
        let Some(line) = cart.line(index) else { return };
        let rest = units - take(&mut line.paid_ahead_units, units);
        line.held_units += rest;
        let shelf = &mut self.shelves[index];
        shelf.cart_units += rest;
        let short = rest - take(&mut shelf.floor_units, rest);
        shelf.lot_gap_units += short;
        self.explain(index, -i64::from(short), Cause::RecordsShort, fx);
        self.floor_changed(index, at, fx);
    }

    pub(crate) fn put(
        &mut self,
        index: SkuIndex,
        units: u32,
        customer: CustomerId,
        at: Timestamp,
        fx: &mut Effects,
    ) {
        let cart = self.carts.entry(customer);
        cart.touch(at);
        arm(cart, customer, &mut self.timers);
        let Some(line) = cart.line(index) else { return };
        let from_cart = take(&mut line.held_units, units);
        let rest = units - from_cart;
        let shelf = &mut self.shelves[index];
        shelf.cart_units -= from_cart;
        shelf.floor_units += units;
        shelf.lot_gap_units += self.lots[index].add_floor(rest, None);
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
}

pub(crate) fn check_units(units: u32) -> Result<(), Reason> {
    match units {
        0 => Err(Reason::NoUnits),
        1..=MAX_EVENT_UNITS => Ok(()),
        _ => Err(Reason::TooManyUnits),
    }
}
