//! A day of a product that has ended, in half the room: most of a store's memory is such days.

use serde::{Deserialize, Serialize};

use super::{Buyers, SkuFacts, Supply};
use crate::time::Day;

/// What one product did in a day that has ended. Of each kind of units it counts up to the largest
/// number of its width.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PastDay {
    pub(super) buyers: Buyers,
    gross_cents: i64,
    net_cents: i64,
    cost_cents: i64,
    costed_net_cents: i64,
    waste_cents: i64,
    unexplained_cents: i64,
    reduced_gross_cents: i64,
    reduced_net_cents: i64,
    stock_ms: u64,
    open_us: i64,
    empty_us: i64,
    pub(super) day: Day,
    sold: u32,
    returned: u32,
    received: u32,
    removed: u32,
    wasted: u32,
    unexplained: i32,
    ordered: u32,
    delivered: u32,
    counts: u32,
    right_counts: u32,
    lot_sold: u32,
    reduced_sold: u32,
    reduced_expired: u32,
    shelf_days: u8,
    empty_days: u8,
}

fn narrow<T: TryFrom<u64>>(number: u64, most: T) -> T {
    T::try_from(number).unwrap_or(most)
}

impl PastDay {
    pub(super) fn new(day: Day, facts: &SkuFacts, buyers: Buyers) -> Self {
        let mut past = Self { buyers, day, ..Self::default() };
        past.set(facts);
        past
    }

    pub(super) fn set(&mut self, facts: &SkuFacts) {
        let units = |units: u64| narrow(units, u32::MAX);
        self.sold = units(facts.sold);
        self.returned = units(facts.returned);
        self.received = units(facts.received);
        self.removed = units(facts.removed);
        self.wasted = units(facts.wasted);
        let unexplained = facts.unexplained.clamp(i32::MIN.into(), i32::MAX.into());
        self.unexplained = unexplained as i32;
        self.ordered = units(facts.ordered);
        self.delivered = units(facts.delivered);
        self.counts = units(facts.counts);
        self.right_counts = units(facts.right_counts);
        self.lot_sold = units(facts.lot_sold);
        self.reduced_sold = units(facts.reduced_sold);
        self.reduced_expired = units(facts.reduced_expired);
        self.reduced_gross_cents = facts.reduced_gross_cents;
        self.reduced_net_cents = facts.reduced_net_cents;
        self.gross_cents = facts.gross_cents;
        self.net_cents = facts.net_cents;
        self.cost_cents = facts.cost_cents;
        self.costed_net_cents = facts.costed_net_cents;
        self.waste_cents = facts.waste_cents;
        self.unexplained_cents = facts.unexplained_cents;
        self.stock_ms = facts.stock_ms.min(u64::MAX.into()) as u64;
        self.open_us = facts.open_us;
        self.empty_us = facts.empty_us;
        self.shelf_days = narrow(facts.shelf_days, u8::MAX);
        self.empty_days = narrow(facts.empty_days, u8::MAX);
    }

    pub(super) fn supply(&self) -> Supply {
        let (ordered, delivered) = (self.ordered.into(), self.delivered.into());
        Supply { ordered, delivered, waste_cents: self.waste_cents }
    }

    pub(super) fn facts(&self) -> SkuFacts {
        SkuFacts {
            sold: self.sold.into(),
            gross_cents: self.gross_cents,
            net_cents: self.net_cents,
            cost_cents: self.cost_cents,
            costed_net_cents: self.costed_net_cents,
            stock_ms: self.stock_ms.into(),
            returned: self.returned.into(),
            received: self.received.into(),
            removed: self.removed.into(),
            wasted: self.wasted.into(),
            unexplained: self.unexplained.into(),
            waste_cents: self.waste_cents,
            unexplained_cents: self.unexplained_cents,
            ordered: self.ordered.into(),
            delivered: self.delivered.into(),
            open_us: self.open_us,
            empty_us: self.empty_us,
            shelf_days: self.shelf_days.into(),
            empty_days: self.empty_days.into(),
            counts: self.counts.into(),
            right_counts: self.right_counts.into(),
            lot_sold: self.lot_sold.into(),
            reduced_sold: self.reduced_sold.into(),
            reduced_gross_cents: self.reduced_gross_cents,
            reduced_net_cents: self.reduced_net_cents,
            reduced_expired: self.reduced_expired.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_past_day_has_all_that_the_day_had() {
        let day = SkuFacts {
            sold: 1,
            gross_cents: -2,
            net_cents: -3,
            cost_cents: 4,
            costed_net_cents: 5,
            stock_ms: 6_000_000_000_000,
            returned: 7,
            received: 8,
            removed: 9,
            wasted: 10,
            unexplained: -11,
            waste_cents: 12,
            unexplained_cents: -13,
            ordered: 14,
            delivered: 15,
            open_us: 16_000_000_000,
            empty_us: 17,
            shelf_days: 1,
            empty_days: 1,
            counts: 18,
            right_counts: 19,
            lot_sold: 20,
            reduced_sold: 21,
            reduced_gross_cents: -22,
            reduced_net_cents: 23,
            reduced_expired: 24,
        };
        let past = PastDay::new(Day(3), &day, Buyers::default());
        assert_eq!((past.facts(), past.supply()), (day, Supply::from(&day)));
        let absurd = SkuFacts { sold: u64::MAX, unexplained: i64::MIN, ..day };
        let past = PastDay::new(Day(3), &absurd, Buyers::default()).facts();
        assert_eq!((past.sold, past.unexplained), (u32::MAX.into(), i32::MIN.into()));
    }
}
