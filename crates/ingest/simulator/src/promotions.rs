//! Promotions: sixty skus a week at a lower price, for ever.
//!
//! The skus come from a random order of all of them, sixty at a time, until fewer than sixty are
//! left; then a new order begins. So a sku is promoted about once in nineteen weeks, in all stores
//! alike.

use shelf_domain::{BasisPoints, Day, SkuIndex};

use crate::chance::{CHAIN, Dice};

/// Skus promoted in a week.
const WEEKLY: usize = 60;
/// The cut, in basis points.
const CUT: (i64, i64) = (500, 3_500);

/// The Monday of the week of a day.
pub(crate) fn monday(day: Day) -> Day {
    day.plus(-i32::from(day.weekday()))
}

/// The promotions of the week that begins on a Monday.
pub(crate) fn of_week(seed: u64, skus: usize, monday: Day) -> Vec<(SkuIndex, BasisPoints)> {
    let week = i64::from((monday.0 + 3).div_euclid(7));
    let rounds = (skus / WEEKLY).max(1) as i64;
    let (round, part) = (week.div_euclid(rounds), week.rem_euclid(rounds) as usize);
    let mut order: Vec<u32> = (0..skus as u32).collect();
    Dice::new(seed, CHAIN, "promotion order", round as u64).shuffle(&mut order);
    let mut cuts = Dice::new(seed, CHAIN, "promotion cuts", week as u64);
    order
        .into_iter()
        .skip(part * WEEKLY)
        .take(WEEKLY)
        .map(|index| (SkuIndex(index), BasisPoints(cuts.between(CUT.0, CUT.1) as u32)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixty_a_week_and_each_once_in_a_round() {
        let first = monday(Day(20_454));
        let week = (first.0 + 3).div_euclid(7);
        let start = first.plus(7 * (19 - week.rem_euclid(19)));
        let mut all = Vec::new();
        for ahead in 0..19 {
            let week = of_week(1, 1_142, start.plus(7 * ahead));
            assert_eq!(week.len(), 60);
            assert!(week.iter().all(|(_, cut)| (500..=3_500).contains(&cut.0)));
            all.extend(week.into_iter().map(|(index, _)| index));
        }
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 1_140);
    }
    #[test]
    fn every_week_of_two_years_has_sixty_skus_once_each_for_every_seed() {
        for seed in (1..=18).chain([42, 1_000_003]) {
            for ahead in 0..104 {
                let week = of_week(seed, 1_142, monday(Day(20_454)).plus(7 * ahead));
                let mut skus: Vec<_> = week.iter().map(|(index, _)| index.0).collect();
                skus.sort_unstable();
                skus.dedup();
                assert_eq!(skus.len(), 60, "seed {seed}, week {ahead}");
                assert!(skus.iter().all(|&index| index < 1_142));
            }
        }
    }
}
