//! When customers come, and for how long: the reference's traffic, moved into the opening hours.

use shelf_domain::{Day, MINUTE, SECOND, Timestamp};

use crate::agenda::Action;
use crate::calendar::{holiday_factor, traffic_season};
use crate::chance::Dice;
use crate::town::StoreTown;

/// Weights of the slots of a day, Monday to Sunday.
const WEIGHTS: [[u32; 6]; 7] = [
    [16, 17, 20, 17, 13, 10],
    [12, 15, 21, 17, 14, 9],
    [15, 16, 25, 22, 17, 12],
    [14, 14, 19, 21, 18, 10],
    [19, 17, 25, 24, 23, 15],
    [22, 24, 27, 22, 20, 18],
    [22, 21, 23, 19, 16, 13],
];
/// The slots, in minutes of the day.
const SLOTS: [(u16, u16); 6] =
    [(0, 420), (420, 600), (600, 840), (840, 1_020), (1_020, 1_200), (1_200, 1_440)];
/// The weights' sum on the day of 1,000 potential customers, of whom this part comes.
const WEIGHT_OF_1000: f64 = 107.714;
const PART_THAT_COMES: f64 = 0.8;
/// Customers on a mean day of the reference.
const MEAN_CUSTOMERS: f64 = 800.0;
/// Nobody comes in the last minutes before closing.
const LAST_ENTRY_MINUTES: u16 = 15;
/// Units that a mean customer takes home.
pub(crate) const UNITS_PER_VISIT: f64 = 14.6;

/// When a store opens and closes, Monday to Sunday: each store keeps its own hours.
pub(crate) fn opening_hours(seed: u64, store: u32) -> Vec<(u16, u16)> {
    let mut dice = Dice::new(seed, store, "opening hours", 0);
    let opens = 7 * 60 + 30 * dice.below(2) as u16;
    let closes = 21 * 60 + 30 * (dice.below(3) as u16);
    let mut week = vec![(opens, closes); 6];
    week.push((8 * 60, 20 * 60 + 30));
    week
}

/// Customers who come on a mean day.
pub(crate) fn mean_customers(asked: Option<u32>) -> f64 {
    asked.map_or(MEAN_CUSTOMERS, f64::from)
}

/// Customers of the reference on a day whose slots have these weights together.
fn customers_by_weight(weight: u32) -> f64 {
    1_000.0 * (f64::from(weight) / WEIGHT_OF_1000) * PART_THAT_COMES
}

/// How long a visit lasts, in microseconds.
pub(crate) fn visit_length(dice: &mut Dice) -> i64 {
    let minutes = match dice.below(100) {
        0..35 => (10, 29),
        35..74 => (30, 44),
        _ => (45, 75),
    };
    dice.between(minutes.0 * MINUTE, minutes.1 * MINUTE)
}

/// How many times a customer takes or returns something.
pub(crate) fn shelf_acts(dice: &mut Dice) -> i64 {
    match dice.below(100) {
        0..20 => dice.between(3, 6),
        20..70 => dice.between(7, 15),
        _ => dice.between(16, 30),
    }
}

/// How many customers come in each slot of a day that is open from `opens` to `closes`. The slots
/// in which the store is closed share theirs out to the others.
fn customers_per_slot(total: f64, weekday: u8, opens: u16, closes: u16) -> [u32; 6] {
    let weights = WEIGHTS.get(usize::from(weekday)).unwrap_or(&[1; 6]);
    let open = SLOTS.map(|(from, until)| from.max(opens) < until.min(closes));
    let whole: u32 = weights.iter().zip(open).filter(|(_, open)| *open).map(|(w, _)| w).sum();
    let mut counts = [0; 6];
    let mut rests = [(0.0, 0); 6];
    let cells = counts.iter_mut().zip(&mut rests).zip(weights.iter().zip(open));
    for (slot, ((count, rest), (&weight, open))) in cells.enumerate() {
        let exact = if open { total * f64::from(weight) / f64::from(whole.max(1)) } else { 0.0 };
        *count = exact as u32;
        *rest = (exact - f64::from(*count), slot);
    }
    let missing = (total as u32).saturating_sub(counts.iter().sum());
    rests.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    for (_, slot) in rests.iter().take(missing as usize) {
        if let Some(count) = counts.get_mut(*slot) {
            *count += 1;
        }
    }
    counts
}

impl StoreTown {
    /// Plans the arrivals of a day, those from `now` on.
    pub(crate) fn plan_traffic(&mut self, day: Day, opens: u16, closes: u16, now: Timestamp) {
        let dice = &mut self.state.dice.traffic;
        let scale = mean_customers(self.state.options.customers_per_day) / MEAN_CUSTOMERS;
        let weights = WEIGHTS.get(usize::from(day.weekday())).unwrap_or(&[1; 6]);
        let weight: u32 = weights.iter().sum();
        let total = customers_by_weight(weight)
            * dice.span(0.9, 1.1)
            * scale
            * holiday_factor(day)
            * traffic_season(day);
        let last = closes.saturating_sub(LAST_ENTRY_MINUTES);
        let counts = customers_per_slot(total, day.weekday(), opens, last);
        for ((from, until), count) in SLOTS.into_iter().zip(counts) {
            let clock = &self.state.options.clock;
            let begin = clock.at(day, from.max(opens)).0;
            let end = clock.at(day, until.min(last)).0 - SECOND;
            for _ in 0..count {
                let at = Timestamp(dice.between(begin / 1_000, end / 1_000) * 1_000);
                if at >= now {
                    self.state.agenda.plan(at, Action::Arrive);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_customers_of_closed_hours_come_in_open_ones() {
        let counts = customers_per_slot(700.5, 0, 450, 1_245);
        assert_eq!(counts[0], 0);
        assert_eq!(counts.iter().sum::<u32>(), 700);
        assert!(counts[1..].iter().all(|&count| count > 50));
        let short = customers_per_slot(100.0, 6, 600, 840);
        assert_eq!(short, [0, 0, 100, 0, 0, 0]);
    }

    #[test]
    fn the_reference_week_has_eight_hundred_customers_a_day() {
        let sum: u32 = WEIGHTS.iter().flatten().sum();
        let mean = 1_000.0 * f64::from(sum) / 7.0 / WEIGHT_OF_1000 * PART_THAT_COMES;
        assert!((mean - MEAN_CUSTOMERS).abs() < 2.0, "{mean}");
    }
    /// How many of 100,000 draws fall into each range, in percent.
    fn parts<const N: usize>(draw: fn(&mut Dice) -> i64, ranges: [(i64, i64); N]) -> [f64; N] {
        let mut dice = Dice::new(11, 0, "parts", 0);
        let mut counts = [0_u32; N];
        for _ in 0..100_000 {
            let value = draw(&mut dice);
            let range = ranges.iter().position(|&(low, high)| (low..=high).contains(&value));
            counts[range.unwrap()] += 1;
        }
        counts.map(|count| f64::from(count) / 1_000.0)
    }

    fn near<const N: usize>(parts: [f64; N], stated: [f64; N]) {
        let near = parts.iter().zip(stated).all(|(part, stated)| (part - stated).abs() < 0.6);
        assert!(near, "{parts:?}, and {stated:?} stated");
    }

    #[test]
    fn visits_last_as_long_as_stated() {
        let minutes = [(10, 29), (30, 44), (45, 75)];
        let whole = |(low, high)| (low * MINUTE, high * MINUTE);
        // Between 29 and 30 minutes, and between 44 and 45, there is nothing.
        near(parts(visit_length, minutes.map(whole)), [35.0, 39.0, 26.0]);
    }

    #[test]
    fn visits_have_as_many_acts_as_stated() {
        near(parts(shelf_acts, [(3, 6), (7, 15), (16, 30)]), [20.0, 50.0, 30.0]);
        let mut dice = Dice::new(12, 0, "acts", 0);
        let mean = (0..100_000).map(|_| shelf_acts(&mut dice)).sum::<i64>() as f64 / 100_000.0;
        assert!((mean - 13.3).abs() < 0.15, "{mean}");
    }

    #[test]
    fn weekdays_and_slots_have_the_stated_customers() {
        let stated = [691.0, 654.0, 795.0, 713.0, 914.0, 988.0, 847.0];
        for (weekday, stated) in (0..7_u8).zip(stated) {
            let weights = WEIGHTS[usize::from(weekday)];
            let weight: u32 = weights.iter().sum();
            let total = customers_by_weight(weight);
            assert!((total - stated).abs() < 1.0, "weekday {weekday}: {total}");
            let counts = customers_per_slot(total, weekday, 0, 1_440);
            assert_eq!(counts.iter().sum::<u32>(), total as u32);
            for (count, slot) in counts.into_iter().zip(weights) {
                let exact = total * f64::from(slot) / f64::from(weight);
                assert!((f64::from(count) - exact).abs() < 1.0, "weekday {weekday}: {counts:?}");
            }
        }
    }
}
