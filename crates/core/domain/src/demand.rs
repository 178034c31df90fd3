//! What a sku sells a day, learnt from its own days, and how long its shelf stood empty.

use serde::{Deserialize, Serialize};

use crate::time::DAY;

/// Sales of a sku: today's, and what a day is expected to bring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demand {
    /// Expected sales a day, in thousandths of a unit.
    pub daily_milli: u32,
    /// Full days that it has learnt from.
    pub days: u32,
    /// Units sold today.
    pub sold_today: u32,
    /// Open time today in which the shelf was empty, in microseconds.
    pub empty_today_us: i64,
}

/// The weight of a new day is at least one part in this many.
const SLOWEST: i64 = 10;

impl Demand {
    /// Learns from the day that ends and begins the next. A day on which the shelf stood empty for
    /// a part of its open time sold less than was wanted: its sales are scaled up to the whole day,
    /// and where it was empty for more than half of it they can only raise the expectation.
    pub(crate) fn close_day(&mut self, open_us: i64) {
        let open = open_us.clamp(1, 2 * DAY);
        let stocked = (open - self.empty_today_us).clamp(0, open);
        let sold_milli = i64::from(self.sold_today) * 1_000;
        let mostly_empty = stocked * 2 < open;
        let wanted = if mostly_empty {
            sold_milli
        } else {
            sold_milli * (open / 1_000) / (stocked / 1_000).max(1)
        };
        let known = i64::from(self.daily_milli);
        if !mostly_empty || wanted > known {
            let parts = if known == 0 { 1 } else { (i64::from(self.days) + 3).min(SLOWEST) };
            self.daily_milli =
                (known + (wanted - known) / parts).clamp(0, i64::from(u32::MAX)) as u32;
            self.days += 1;
        }
        self.skip_day();
    }

    /// Begins the next day without having learnt from the one that ends.
    pub(crate) fn skip_day(&mut self) {
        self.sold_today = 0;
        self.empty_today_us = 0;
    }

    /// Expected sales in so many thousandths of a day, rounded up.
    pub(crate) fn units_in(&self, milli_days: u32) -> u32 {
        let micro = u64::from(self.daily_milli) * u64::from(milli_days);
        micro.div_ceil(1_000_000).min(u64::from(u32::MAX)) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::HOUR;

    #[test]
    fn an_empty_shelf_is_not_a_day_without_demand() {
        let open = 10 * HOUR;
        let day = |sold, empty| Demand {
            daily_milli: 10_000,
            days: 99,
            sold_today: sold,
            empty_today_us: empty,
        };
        let learnt = |mut demand: Demand| {
            demand.close_day(open);
            demand.daily_milli
        };
        assert_eq!(learnt(day(0, 0)), 9_000);
        assert_eq!(learnt(day(0, open)), 10_000);
        assert_eq!(learnt(day(8, 2 * HOUR)), 10_000);
        assert_eq!(learnt(day(20, 6 * HOUR)), 11_000);
    }
}
