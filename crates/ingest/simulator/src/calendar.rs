//! The town's calendar: clock changes, holidays, seasons. Pure arithmetic on dates.

use shelf_domain::{DAY, Day, HOUR, LocalClock, Timestamp};

/// 2026-01-01T00:00:00Z.
pub(crate) fn start_of_2026() -> Timestamp {
    Timestamp(20_454 * DAY)
}

/// The clock of Rome, Paris, Berlin from 1996 to 2099: one hour east of UTC, two from the last
/// Sunday of March 01:00 UTC to the last Sunday of October 01:00 UTC.
pub fn central_european_clock() -> LocalClock {
    let mut offsets = vec![(Timestamp::EARLIEST, 3_600)];
    for year in 1996..2100 {
        for (month, seconds) in [(3, 7_200), (10, 3_600)] {
            let Some(last) = Day::from_civil(year, month, 31) else { continue };
            let sunday = last.plus(-((i32::from(last.weekday()) + 1) % 7));
            offsets.push((Timestamp(i64::from(sunday.0) * DAY + HOUR), seconds));
        }
    }
    LocalClock { offsets }
}

/// Whether the store stays closed: Christmas Day and Easter Sunday.
pub(crate) fn closed(day: Day) -> bool {
    let (year, month, date) = day.civil();
    (month, date) == (12, 25) || day == easter(year)
}

/// The days from `from` to 2099 on which the store stays closed, in order.
pub(crate) fn closed_days(from: Day) -> Vec<Day> {
    let (first, ..) = from.civil();
    let of_year = |year| [Some(easter(year)), Day::from_civil(year, 12, 25)];
    (first..2100).flat_map(of_year).flatten().filter(|&day| day >= from).collect()
}

/// How many customers come on this day, as a part of an ordinary one: holidays and the days before.
pub(crate) fn holiday_factor(day: Day) -> f64 {
    if closed(day) {
        return 0.0;
    }
    let (year, month, date) = day.civil();
    let easter = easter(year);
    match (month, date) {
        (1, 1) | (8, 15) => return 0.6,
        (1, 6) | (4, 25) | (5 | 11, 1) | (6, 2) | (12, 8 | 26) => return 0.75,
        (12, 22..=24) => return 1.35,
        (12, 30..=31) | (8, 14) => return 1.2,
        _ => {}
    }
    match day.since(easter) {
        1 => 0.7,
        -3..=-1 => 1.25,
        _ => 1.0,
    }
}

/// How many customers come in this time of the year, as a part of the mean.
pub(crate) fn traffic_season(day: Day) -> f64 {
    const PERCENT: [i32; 12] = [96, 97, 99, 100, 100, 101, 100, 94, 99, 101, 102, 111];
    over_the_year(&PERCENT, day)
}

/// How a kind of product sells over the year: percent of its mean, for each month.
pub(crate) fn season_table(name: &str) -> Option<&'static [i32; 12]> {
    Some(match name {
        "flat" => &[100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100],
        "heat" => &[82, 82, 90, 98, 110, 125, 135, 132, 112, 94, 85, 90],
        "ice" => &[50, 55, 70, 95, 130, 170, 190, 180, 125, 80, 55, 60],
        "cold" => &[130, 122, 112, 98, 85, 75, 70, 72, 88, 108, 120, 125],
        "feast" => &[85, 88, 95, 102, 92, 85, 80, 82, 88, 98, 125, 190],
        "sweet" => &[98, 102, 106, 104, 94, 86, 80, 82, 98, 108, 112, 140],
        "egg" => &[60, 140, 260, 260, 70, 50, 50, 50, 50, 60, 70, 80],
        "summer" => &[45, 48, 58, 85, 120, 160, 175, 170, 125, 80, 55, 50],
        "winter" => &[145, 140, 125, 105, 85, 65, 58, 58, 78, 112, 135, 145],
        _ => return None,
    })
}

/// The value of a table of months on a day: that of the month at its middle, in between a straight
/// line.
pub(crate) fn over_the_year(percent: &[i32; 12], day: Day) -> f64 {
    let (_, month, date) = day.civil();
    let this = month as usize + 11;
    let (from, into) =
        if date >= 15 { (this, date as i32 - 15) } else { (this - 1, date as i32 + 15) };
    let value = |at: usize| f64::from(percent.get(at % 12).copied().unwrap_or(100));
    let part = f64::from(into.min(30)) / 30.0;
    (value(from) * (1.0 - part) + value(from + 1) * part) / 100.0
}

/// Easter Sunday of a year, by the Gregorian rule (Meeus, Jones and Butcher), whose letters these
/// are.
#[allow(clippy::many_single_char_names)]
pub(crate) fn easter(year: i32) -> Day {
    let a = year % 19;
    let (b, c) = (year / 100, year % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let of_march = h + l - 7 * m + 22;
    let first = Day::from_civil(year, 3, 1).unwrap_or_default();
    first.plus(of_march - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(year: i32, month: u32, date: u32) -> Day {
        Day::from_civil(year, month, date).unwrap()
    }

    #[test]
    fn easter_falls_where_it_fell() {
        for (year, month, date) in
            [(2024, 3, 31), (2025, 4, 20), (2026, 4, 5), (2027, 3, 28), (2038, 4, 25)]
        {
            assert_eq!(easter(year), day(year, month, date));
        }
    }

    #[test]
    fn the_days_that_are_announced_as_closed_are_those_that_are() {
        let from = day(2026, 4, 6);
        let announced = closed_days(from);
        assert_eq!(announced.first(), Some(&day(2026, 12, 25)));
        assert_eq!(announced.last(), Some(&day(2099, 12, 25)));
        let years = (0..3 * 365).map(|ahead| from.plus(ahead)).filter(|&day| closed(day));
        assert!(years.eq(announced.into_iter().take(6)));
    }

    #[test]
    fn summer_time_begins_and_ends_in_2026() {
        let clock = central_european_clock();
        let seconds = |month, date| clock.offset_seconds(clock.at(day(2026, month, date), 12 * 60));
        assert_eq!([seconds(3, 28), seconds(3, 29)], [3_600, 7_200]);
        assert_eq!([seconds(10, 24), seconds(10, 25)], [7_200, 3_600]);
        assert_eq!(Timestamp(i64::from(day(2026, 1, 1).0) * DAY), start_of_2026());
    }

    #[test]
    fn seasons_have_a_mean_of_one_and_no_jumps() {
        for name in ["flat", "heat", "ice", "cold", "feast", "sweet", "egg", "summer", "winter"] {
            let table = season_table(name).unwrap();
            let year: Vec<f64> =
                (0..365).map(|ahead| over_the_year(table, day(2026, 1, 1).plus(ahead))).collect();
            let mean = year.iter().sum::<f64>() / 365.0;
            assert!((mean - 1.0).abs() < 0.06, "{name}: {mean}");
            assert!(year.windows(2).all(|two| (two[0] - two[1]).abs() < 0.13), "{name}");
        }
    }
}
