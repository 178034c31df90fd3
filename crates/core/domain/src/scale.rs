//! The scales of the shelves: what a change of weight says of units, and whose act it was.
//!
//! Staff tell what they do themselves, and the scale tells it again: the two must count once,
//! whichever is seen first.

use serde::{Deserialize, Serialize};

use crate::effect::{Cause, Effects, Reason};
use crate::event::{Place, WeightChange};
use crate::ids::{CustomerId, SkuIndex};
use crate::lot::take;
use crate::quantity::MAX_EVENT_UNITS;
use crate::reference::Sensor;
use crate::store::Store;
use crate::time::{HOUR, MINUTE, Timestamp};
use crate::timer::Timer;

/// How long the weights and the count of a shelf may disagree before that is a discrepancy, and how
/// long a weight waits for the movement of staff that it may belong to.
pub const WEIGHT_PATIENCE_US: i64 = 15 * MINUTE;
/// How long after a movement of staff its weight may come.
pub const AWAITED_WEIGHT_US: i64 = 24 * HOUR;
/// The customer under whose name a robot that restocks touches shelves.
const RESTOCK_BOT: &str = "restock_bot";
/// The most that one reading may change, in grams.
const MAX_DELTA_G: u64 = 1_000_000_000;

/// Units that wait for what is told of them a second time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Waiting {
    pub(crate) units: u32,
    until: Timestamp,
}

impl Waiting {
    fn add(&mut self, units: u32, now: Timestamp, patience_us: i64) {
        self.lapse(now);
        if units > 0 {
            self.units = self.units.saturating_add(units).min(MAX_EVENT_UNITS);
            self.until = self.until.max(now.plus(patience_us));
        }
    }

    fn take(&mut self, units: u32, now: Timestamp) -> u32 {
        self.lapse(now);
        take(&mut self.units, units)
    }

    fn lapse(&mut self, now: Timestamp) {
        if now > self.until {
            self.units = 0;
        }
    }
}

impl Store {
    pub(crate) fn weight_change(
        &mut self,
        index: SkuIndex,
        change: &WeightChange,
        at: Timestamp,
        fx: &mut Effects,
    ) -> Result<(), Reason> {
        if change.delta_g.unsigned_abs() > MAX_DELTA_G {
            return Err(Reason::TooManyUnits);
        }
        let customer =
            change.customer.filter(|c| c.as_bytes() != RESTOCK_BOT.as_bytes()).unwrap_or_default();
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
        let sensor = shelf.sensor;
        self.sensor_spoke(index, fx);
        match sensor {
            Sensor::Units if first => {}
            Sensor::Units => self.weigh_reading(index, change.delta_g),
            Sensor::WeightOnly => match units {
                Some(units) if change.delta_g < 0 => {
                    self.weighed_out(index, units, customer, at, fx);
                }
                Some(units) => self.weighed_in(index, units, customer, at, fx),
                None => {
                    self.stats.unreadable_weights += 1;
                    self.dispute(index, Place::Floor, 1, fx);
                }
            },
        }
        Ok(())
    }

    /// Units left a shelf that tells weights only. Nobody's act is that of staff where one waits
    /// for its weight.
    fn weighed_out(
        &mut self,
        index: SkuIndex,
        units: u32,
        customer: CustomerId,
        at: Timestamp,
        fx: &mut Effects,
    ) {
        let now = self.now;
        let awaited = &mut self.shelves[index].awaited_out;
        let told = if customer.is_empty() { awaited.take(units, now) } else { 0 };
        if told < units {
            self.pick(index, units - told, customer, at, fx);
        }
    }

    /// Units came onto a shelf that tells weights only. What is nobody's, and nobody's cart holds,
    /// waits a while for staff to say that they brought it.
    fn weighed_in(
        &mut self,
        index: SkuIndex,
        units: u32,
        customer: CustomerId,
        at: Timestamp,
        fx: &mut Effects,
    ) {
        if !customer.is_empty() {
            return self.put(index, units, customer, at, fx);
        }
        let now = self.now;
        let rest = units - self.shelves[index].awaited_in.take(units, now);
        let line = self.carts.get_mut(customer).and_then(|cart| cart.known_line(index));
        let back = line.map_or(0, |line| line.held_units.min(rest));
        if back > 0 {
            self.put(index, back, customer, at, fx);
        }
        if rest > back {
            self.shelves[index].weighed_in.add(rest - back, now, WEIGHT_PATIENCE_US);
            self.timers.set(now.plus(WEIGHT_PATIENCE_US), Timer::Weighed(index));
        }
    }

    /// Nobody has said what the weight was that came onto a shelf.
    pub(crate) fn weighed_due(&mut self, index: SkuIndex, fx: &mut Effects) {
        let now = self.now;
        let waiting = &mut self.shelves[index].weighed_in;
        if waiting.units == 0 || waiting.until > now {
            return;
        }
        let units = core::mem::take(&mut waiting.units);
        self.put(index, units, CustomerId::default(), now, fx);
    }

    /// Staff brought units onto a shelf: its scale tells it too, or has told it.
    pub(crate) fn staff_brought(&mut self, index: SkuIndex, units: u32) {
        let now = self.now;
        let shelf = &mut self.shelves[index];
        if shelf.sensor == Sensor::WeightOnly {
            let told = take(&mut shelf.weighed_in.units, units);
            shelf.awaited_in.add(units - told, now, AWAITED_WEIGHT_US);
        }
        self.weigh_count(index, -i64::from(units));
    }

    /// Staff take units from a shelf. Where its scale has told it, nobody's cart holds them: they
    /// are laid back. Their weight is awaited otherwise.
    pub(crate) fn staff_take(&mut self, index: SkuIndex, units: u32) {
        let now = self.now;
        let shelf = &mut self.shelves[index];
        if shelf.sensor == Sensor::WeightOnly {
            let cart = self.carts.get_mut(CustomerId::default());
            let line = cart.and_then(|cart| cart.known_line(index));
            let told = line.map_or(0, |line| take(&mut line.held_units, units));
            shelf.cart_units -= told;
            shelf.floor_units += told;
            shelf.awaited_out.add(units - told, now, AWAITED_WEIGHT_US);
        }
    }

    /// The books have given up units of a shelf that staff still have to carry away.
    pub(crate) fn staff_will_take(&mut self, index: SkuIndex, units: u32) {
        let now = self.now;
        self.shelves[index].awaited_out.add(units, now, AWAITED_WEIGHT_US);
    }

    /// A person has counted a shelf: weights that wait for an explanation have it.
    pub(crate) fn scale_counted(&mut self, index: SkuIndex) {
        let shelf = &mut self.shelves[index];
        shelf.weight_off_g = 0;
        shelf.weighed_in.units = 0;
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

    /// The weights and the count have had time to agree. What is lighter by units that staff were
    /// to carry away agrees.
    pub(crate) fn weight_check(&mut self, index: SkuIndex, fx: &mut Effects) {
        let now = self.now;
        let unit_g = u64::from(self.products[index].unit_weight_g).max(1);
        let shelf = &mut self.shelves[index];
        let off = core::mem::take(&mut shelf.weight_off_g);
        shelf.weight_check = false;
        let units = off.unsigned_abs().saturating_add(unit_g / 2) / unit_g;
        let mut units = units.min(u64::from(u32::MAX)) as u32;
        if off < 0 {
            units -= shelf.awaited_out.take(units, now);
        }
        if units > 0 {
            self.stats.explain(Cause::SensorDrift, u64::from(units));
            self.dispute(index, Place::Floor, units, fx);
        }
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

    #[test]
    fn what_waits_is_bounded_and_lapses() {
        let mut waiting = Waiting::default();
        waiting.add(u32::MAX, Timestamp(0), 10);
        assert_eq!(waiting.units, MAX_EVENT_UNITS);
        assert_eq!(waiting.take(5, Timestamp(10)), 5);
        assert_eq!(waiting.take(5, Timestamp(11)), 0);
        waiting.add(3, Timestamp(20), 10);
        assert_eq!((waiting.take(9, Timestamp(30)), waiting.units), (3, 0));
    }
}
