//! Reference data: the store, its products and its shelves.

use crate::effect::{Effects, Reason};
use crate::quantity::{MAX_EVENT_UNITS, MAX_PRICE_CENTS};
use crate::reference::{Product, ShelfPlan, StoreSettings};
use crate::store::Store;

/// The most single days on which a store may stay closed.
pub const MAX_CLOSED_DAYS: usize = 4_096;
/// Minutes of a day.
const DAY_MINUTES: u16 = 1_440;

impl Store {
    pub(crate) fn set_settings(&mut self, settings: &StoreSettings) -> Result<(), Reason> {
        let days = settings.opening.len();
        let hours = |&(from, to): &(u16, u16)| from <= to && to <= DAY_MINUTES;
        let offsets = &settings.clock.offsets;
        if (days != 0 && days != 7)
            || !settings.opening.iter().all(hours)
            || !offsets.iter().all(|(_, seconds)| seconds.unsigned_abs() <= 18 * 3_600)
            || !offsets.is_sorted_by_key(|(from, _)| *from)
        {
            return Err(Reason::AbsurdTime);
        }
        let closed = &settings.closed_days;
        if closed.len() > MAX_CLOSED_DAYS {
            return Err(Reason::LimitReached);
        }
        if !closed.is_sorted_by(|day, next| day < next) {
            return Err(Reason::AbsurdTime);
        }
        self.settings = settings.clone();
        if !self.declared {
            self.declared = true;
            self.day = self.settings.clock.day(self.now);
            self.facts.begin(self.day, self.settings.clock.at(self.day, 0), self.now);
            self.funnel.set_day(self.day);
            self.set_day_timers();
        }
        Ok(())
    }

    pub(crate) fn set_product(
        &mut self,
        product: &Product,
        fx: &mut Effects,
    ) -> Result<(), Reason> {
        if product.sku.is_empty() {
            return Err(Reason::EmptyId);
        }
        let money = 0..=MAX_PRICE_CENTS;
        if !money.contains(&product.price_cents) || !money.contains(&product.cost_cents) {
            return Err(Reason::AbsurdMoney);
        }
        if product.pack_units > MAX_EVENT_UNITS {
            return Err(Reason::TooManyUnits);
        }
        let Ok(index) = self.find(product.sku) else {
            let index = self.add_sku(product.clone())?;
            self.resolve_rules(index, fx);
            self.announce_prices(index, fx);
            return Ok(());
        };
        let price = self.products[index].price_cents;
        self.products[index] = product.clone();
        self.facts.set_category(index, product.category);
        self.resolve_rules(index, fx);
        if price != product.price_cents {
            self.announce_prices(index, fx);
        }
        Ok(())
    }

    pub(crate) fn set_shelf(&mut self, plan: &ShelfPlan, fx: &mut Effects) -> Result<(), Reason> {
        let index = self.find(plan.sku)?;
        if plan.capacity_units.max(plan.warehouse_capacity_units) > MAX_EVENT_UNITS {
            return Err(Reason::TooManyUnits);
        }
        let shelf = &mut self.shelves[index];
        shelf.capacity_units = plan.capacity_units;
        shelf.warehouse_capacity_units = plan.warehouse_capacity_units;
        if shelf.sensor != plan.sensor {
            shelf.sensor = plan.sensor;
            shelf.forget_waiting();
        }
        if shelf.demand.days == 0 {
            shelf.demand.daily_milli = plan.expected_daily_milli;
        }
        self.resolve_rules(index, fx);
        Ok(())
    }
}
