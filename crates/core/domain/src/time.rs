//! Time as the core knows it: microseconds that arrive in events, civil days, and the store's own
//! clock.
//!
//! There is no clock here. Time zones come in as a list of offsets, made by the border from the
//! zone's name.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Default, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Timestamp(pub i64);

/// One second, in microseconds.
pub const SECOND: i64 = 1_000_000;
/// One minute, in microseconds.
pub const MINUTE: i64 = 60 * SECOND;
/// One hour, in microseconds.
pub const HOUR: i64 = 60 * MINUTE;
/// One day of 24 hours, in microseconds.
pub const DAY: i64 = 24 * HOUR;

impl Timestamp {
    /// The earliest time an event may have: 1990-01-01.
    pub const EARLIEST: Self = Self(7_305 * DAY);
    /// The latest time an event may have: 2100-01-01.
    pub const LATEST: Self = Self(47_482 * DAY);

    /// This time, `micros` later (or earlier where negative).
    pub fn plus(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// From `earlier` to this time, in microseconds.
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// A civil date: days since 1970-01-01.
#[derive(
    Clone, Copy, Default, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Day(pub i32);

impl Day {
    /// A date that never comes: the expiry of a lot that does not expire.
    pub const NEVER: Self = Self(i32::MAX);

    /// This day, `days` later.
    pub fn plus(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// From `earlier` to this day, in days.
    pub fn since(self, earlier: Self) -> i32 {
        self.0.saturating_sub(earlier.0)
    }

    /// Monday 0 to Sunday 6.
    pub fn weekday(self) -> u8 {
        (self.0 + 3).rem_euclid(7) as u8
    }

    /// Year, month (1 to 12) and day of the month of this date.
    pub fn civil(self) -> (i32, u32, u32) {
        let shifted = i64::from(self.0) + 719_468;
        let era = shifted.div_euclid(146_097);
        let of_era = shifted.rem_euclid(146_097);
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month_index = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month_index + 2) / 5 + 1;
        let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
        let year = year + era * 400 + i64::from(month <= 2);
        (year as i32, month as u32, day as u32)
    }

    /// The date of a year, month (1 to 12) and day of the month; `None` where there is no such
    /// date.
    pub fn from_civil(year: i32, month: u32, day: u32) -> Option<Self> {
        if !(-9_999..=9_999).contains(&year) || day < 1 || day > month_days(year, month) {
            return None;
        }
        let y = i64::from(year) - i64::from(month <= 2);
        let era = y.div_euclid(400);
        let of_era = y.rem_euclid(400);
        let month_index = if month > 2 { month - 3 } else { month + 9 };
        let of_year = (153 * i64::from(month_index) + 2) / 5 + i64::from(day) - 1;
        let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
        Some(Self(days as i32))
    }
}

/// The days of a month; 0 where there is no such month.
fn month_days(year: i32, month: u32) -> u32 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 0,
    }
}

/// A moment of every week in the store's own time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WeekSlot {
    /// Monday 0 to Sunday 6.
    pub weekday: u8,
    /// Minutes after local midnight.
    pub minute: u16,
}

/// The store's own clock: how its local time follows from UTC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalClock {
    /// Seconds east of UTC from each moment on, in order of time. Before the first, its offset
    /// holds.
    pub offsets: Vec<(Timestamp, i32)>,
}

impl LocalClock {
    /// Seconds east of UTC at `at`.
    pub fn offset_seconds(&self, at: Timestamp) -> i32 {
        let after = self.offsets.partition_point(|&(from, _)| from <= at);
        self.offsets.get(after.saturating_sub(1)).map_or(0, |&(_, seconds)| seconds)
    }

    fn local_micros(&self, at: Timestamp) -> i64 {
        at.0.saturating_add(i64::from(self.offset_seconds(at)) * SECOND)
    }

    /// The local date at `at`.
    pub fn day(&self, at: Timestamp) -> Day {
        Day(self.local_micros(at).div_euclid(DAY) as i32)
    }

    /// Minutes after local midnight at `at`.
    pub fn minute_of_day(&self, at: Timestamp) -> u16 {
        (self.local_micros(at).rem_euclid(DAY) / MINUTE) as u16
    }

    /// The moment at which local time shows `minute` minutes after midnight of `day`. Where local
    /// time skips it the moment of the skip's far side, where it repeats it the first.
    pub fn at(&self, day: Day, minute: u16) -> Timestamp {
        let local = i64::from(day.0) * DAY + i64::from(minute) * MINUTE;
        let guess = |offset: i32| Timestamp(local - i64::from(offset) * SECOND);
        let first = guess(self.offset_seconds(Timestamp(local)));
        let second = guess(self.offset_seconds(first));
        if first == second { first } else { first.max(guess(self.offset_seconds(second))) }
    }

    /// The first of `slots` strictly after `after`.
    pub fn next_slot(&self, slots: &[WeekSlot], after: Timestamp) -> Option<Timestamp> {
        let today = self.day(after);
        (0..=8).map(|ahead| today.plus(ahead)).find_map(|day| {
            slots
                .iter()
                .filter(|slot| slot.weekday == day.weekday())
                .map(|slot| self.at(day, slot.minute))
                .filter(|&moment| moment > after)
                .min()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn civil_dates_go_both_ways() {
        for day in (-800_000..800_000).step_by(97) {
            let (y, m, d) = Day(day).civil();
            assert_eq!(Day::from_civil(y, m, d), Some(Day(day)));
        }
        assert_eq!(Day::from_civil(2026, 1, 1).map(Day::weekday), Some(3));
        assert_eq!(Day::from_civil(2025, 2, 29), None);
    }

    #[test]
    fn a_clock_change_moves_the_local_day() {
        // Rome, 2026: +1 h in winter, +2 h from 29 March 01:00 UTC.
        let spring = Timestamp(i64::from(Day::from_civil(2026, 3, 29).unwrap().0) * DAY + HOUR);
        let clock = LocalClock { offsets: [(Timestamp(0), 3600), (spring, 7200)].to_vec() };
        let day = clock.day(spring);
        assert_eq!(clock.minute_of_day(spring), 180);
        assert_eq!(clock.at(day, 12 * 60).0, spring.0 + 9 * HOUR);
        assert_eq!(clock.at(day, 60).0, spring.0 - HOUR);
        assert_eq!(clock.day(clock.at(day, 0)), day);
    }

    #[test]
    fn the_next_slot_is_strictly_later() {
        let clock = LocalClock::default();
        let slots = [WeekSlot { weekday: 6, minute: 720 }, WeekSlot { weekday: 1, minute: 720 }];
        let sunday_noon = clock.at(Day::from_civil(2026, 1, 4).unwrap(), 720);
        let tuesday_noon = clock.at(Day::from_civil(2026, 1, 6).unwrap(), 720);
        assert_eq!(clock.next_slot(&slots, sunday_noon), Some(tuesday_noon));
        assert_eq!(clock.next_slot(&slots, sunday_noon.plus(-1)), Some(sunday_noon));
        assert_eq!(clock.next_slot(&[], sunday_noon), None);
    }
}
