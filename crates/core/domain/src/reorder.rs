//! How much of a sku to order: enough to last until the delivery after next, and no more than will
//! sell or fits.

use crate::ids::SkuIndex;
use crate::order::{LineReason, OrderLine};
use crate::orders::Round;
use crate::quantity::MAX_EVENT_UNITS;
use crate::reference::Rounding;
use crate::store::Store;
use crate::time::{DAY, Day};

impl Store {
    /// The line of an order for a sku; `None` where nothing is needed.
    pub(crate) fn order_line(&self, index: SkuIndex, round: &Round) -> Option<OrderLine> {
        let shelf = &self.shelves[index];
        let product = &self.products[index];
        if !shelf.tracked {
            return None;
        }
        let extra = i64::from(shelf.rules.cover_days) * DAY;
        let cover_us = round.next_delivery_at.since(self.now) + extra;
        let cover_milli_days = (cover_us / (DAY / 1_000)).clamp(0, i64::from(u32::MAX)) as u32;
        let need_units = shelf.demand.units_in(cover_milli_days);
        // Sales of independent customers scatter by about the root of their mean; half as much
        // again covers most weeks.
        let safety_units = (u64::from(need_units) * 9).isqrt().div_ceil(2) as u32;
        let standing_units = shelf.rules.reorder_point_units.max(shelf.rules.refill_below_units);
        let wanted = need_units.saturating_add(safety_units).saturating_add(standing_units);
        let sellable_units = (product.shelf_life_days > 0).then(|| {
            let life = u32::from(product.shelf_life_days).saturating_sub(1).max(1);
            shelf.demand.units_in(life.saturating_mul(1_000)).max(1)
        });
        let level = wanted.min(sellable_units.unwrap_or(u32::MAX));
        let usable_units = self.usable_units(index);
        let arriving_units = self.orders.arriving(shelf.sku, self.now, round.next_delivery_at);
        let room_units = self.room_units(index, arriving_units);
        let pack_units = product.pack_units.max(1);
        let lacking = level.saturating_sub(usable_units.saturating_add(arriving_units));
        let lacking = lacking.min(MAX_EVENT_UNITS);
        let packs = match shelf.rules.rounding {
            Rounding::Up => lacking.div_ceil(pack_units),
            Rounding::Nearest => (lacking + pack_units / 2) / pack_units,
            Rounding::Down => lacking / pack_units,
        };
        let units = packs.min(room_units / pack_units) * pack_units;
        let reason = LineReason {
            daily_milli: shelf.demand.daily_milli,
            cover_milli_days,
            need_units,
            safety_units,
            standing_units,
            sellable_units,
            usable_units,
            arriving_units,
            room_units,
            pack_units,
            proposed_units: units,
        };
        let cost_cents = product.cost_cents;
        let sku = shelf.sku;
        (units > 0).then_some(OrderLine { sku, units, received_units: 0, cost_cents, reason })
    }

    /// Units in the shop that will be sold before they expire, at the expected rate and soonest
    /// expiry first.
    fn usable_units(&self, index: SkuIndex) -> u32 {
        let demand = &self.shelves[index].demand;
        let mut usable = 0_u32;
        for lot in self.lots[index].iter().filter(|lot| lot.expiry_day >= self.day) {
            let with_this = usable.saturating_add(lot.units());
            let days = lot.expiry_day.since(self.day).saturating_add(1);
            usable = if lot.expiry_day == Day::NEVER || demand.daily_milli == 0 {
                with_this
            } else {
                let sold_by_then = demand.units_in((days as u32).saturating_mul(1_000));
                usable.max(with_this.min(sold_by_then))
            };
        }
        usable
    }

    /// The room that the warehouse, into which every delivery goes, has left for a sku when what
    /// the standing task takes out has left it; what one delivery may bring where its capacity is
    /// not known.
    fn room_units(&self, index: SkuIndex, arriving_units: u32) -> u32 {
        let shelf = &self.shelves[index];
        if shelf.warehouse_capacity_units == 0 {
            return MAX_EVENT_UNITS;
        }
        let reserved: u32 = self.lots[index].iter().map(|lot| lot.reserved_units).sum();
        let taken = shelf.warehouse_units.saturating_sub(reserved).saturating_add(arriving_units);
        shelf.warehouse_capacity_units.saturating_sub(taken)
    }
}
