//! Amounts: money in cents, weight in grams, parts of a whole in basis points. All integers.

use serde::{Deserialize, Serialize};

/// The most units that one event may carry. More is a broken sensor or a typing error, and goes to
/// quarantine.
pub const MAX_EVENT_UNITS: u32 = 1_000_000;

/// The most units of one sku that a store may hold. With more, events that could add to them go to
/// quarantine.
pub const MAX_SKU_UNITS: u32 = 1_000_000_000;

/// The highest price of one unit, in cents.
pub const MAX_PRICE_CENTS: i64 = 100_000_000;

/// A part of a whole in basis points: 10,000 is all of it.
#[derive(
    Clone, Copy, Default, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct BasisPoints(pub u32);

impl BasisPoints {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The whole.
    pub const WHOLE: Self = Self(10_000);

    /// From whole per cent.
    pub const fn percent(percent: u32) -> Self {
        Self(percent * 100)
    }

    /// This part of `whole`, rounded up.
    pub fn of_ceil(self, whole: u32) -> u32 {
        (u64::from(whole) * u64::from(self.0)).div_ceil(10_000) as u32
    }

    /// `part` of `whole`; zero of zero is zero.
    pub fn ratio(part: u64, whole: u64) -> Self {
        if whole == 0 {
            return Self::ZERO;
        }
        Self((u128::from(part) * 10_000 / u128::from(whole)).min(u128::from(u32::MAX)) as u32)
    }

    /// What two discounts, one after the other, amount to: 1 - (1 - a)(1 - b), to the nearest basis
    /// point.
    pub fn then(self, other: Self) -> Self {
        let keep_a = u64::from(Self::WHOLE.0.saturating_sub(self.0));
        let keep_b = u64::from(Self::WHOLE.0.saturating_sub(other.0));
        Self(Self::WHOLE.0 - ((keep_a * keep_b + 5_000) / 10_000) as u32)
    }
}

/// The price of one unit after both cuts: list x (1 - promotion) x (1 - markdown), rounded half up
/// to the cent. Each cut is taken as at most the whole.
pub fn price_after(list_cents: i64, promotion: BasisPoints, markdown: BasisPoints) -> i64 {
    let keep = |cut: BasisPoints| i128::from(10_000 - cut.0.min(10_000));
    let scaled = i128::from(list_cents.max(0)) * keep(promotion) * keep(markdown);
    ((scaled + 50_000_000) / 100_000_000) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_cut_twice_and_rounded_once() {
        let cut = BasisPoints::percent;
        assert_eq!(price_after(199, cut(0), cut(0)), 199);
        assert_eq!(price_after(199, cut(10), cut(30)), 125); // 125.37
        assert_eq!(price_after(101, cut(50), cut(0)), 51); // 50.5 rounds up
        assert_eq!(price_after(199, BasisPoints(20_000), cut(0)), 0);
    }

    #[test]
    fn discounts_compound() {
        assert_eq!(
            BasisPoints::percent(10).then(BasisPoints::percent(30)),
            BasisPoints::percent(37)
        );
        assert_eq!(BasisPoints::percent(30).of_ceil(17), 6);
        assert_eq!(BasisPoints::ratio(1, 3), BasisPoints(3_333));
    }
}
