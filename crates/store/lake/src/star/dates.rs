//! The rows of `curated.dim_date`: arithmetic on the calendar, and the public holidays of Italy,
//! where the reference shop stands.

use deltalake::arrow::array::RecordBatch;
use shelf_domain::Day;

use crate::LakeError;
use crate::column::{ColumnType as _, Date, Flag, Small, Text};
use crate::tables::curated::DIM_DATE;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const HOLIDAYS: [(u32, u32, &str); 10] = [
    (1, 1, "New Year"),
    (1, 6, "Epiphany"),
    (4, 25, "Liberation Day"),
    (5, 1, "Labour Day"),
    (6, 2, "Republic Day"),
    (8, 15, "Assumption"),
    (11, 1, "All Saints"),
    (12, 8, "Immaculate Conception"),
    (12, 25, "Christmas"),
    (12, 26, "St Stephen"),
];

/// Days from the first of the year of `first` to the end of the year after that of `last`.
pub(super) fn dates(first: Day, last: Day) -> Result<RecordBatch, LakeError> {
    let from = Day::from_civil(first.civil().0, 1, 1).unwrap_or(first);
    let to = Day::from_civil(last.civil().0 + 1, 12, 31).unwrap_or(last);
    let mut small: [_; 7] = std::array::from_fn(|_| Small::builder());
    let (mut full_dates, mut month_names) = (Date::builder(), Text::builder());
    let (mut day_names, mut weekends) = (Text::builder(), Flag::builder());
    let (mut holidays, mut holiday_names) = (Flag::builder(), Text::builder());
    for day in (from.0..=to.0).map(Day) {
        let (year, month, day_of_month) = day.civil();
        let weekday = day.weekday();
        let key = year * 10_000 + (month * 100 + day_of_month) as i32;
        let quarter = month.div_ceil(3) as i32;
        let week = iso_week(day);
        let numbers =
            [key, year, quarter, month as i32, week, day_of_month as i32, i32::from(weekday) + 1];
        for (builder, number) in small.iter_mut().zip(numbers) {
            Small::append(builder, number);
        }
        Date::append(&mut full_dates, day);
        let name = |names: &[&'static str], place: usize| names.get(place).copied().unwrap_or("");
        Text::append(&mut month_names, name(&MONTHS, month as usize - 1));
        Text::append(&mut day_names, name(&WEEKDAYS, usize::from(weekday)));
        Flag::append(&mut weekends, weekday >= 5);
        let holiday = holiday(day);
        Flag::append(&mut holidays, holiday.is_some());
        match holiday {
            Some(holiday) => {
                Text::append(&mut holiday_names, holiday);
            }
            None => Text::append_null(&mut holiday_names),
        }
    }
    let [keys, years, quarters, months, weeks, days_of_month, days_of_week] =
        small.each_mut().map(Small::finish);
    let columns = vec![
        keys,
        Date::finish(&mut full_dates),
        years,
        quarters,
        months,
        Text::finish(&mut month_names),
        weeks,
        days_of_month,
        days_of_week,
        Text::finish(&mut day_names),
        Flag::finish(&mut weekends),
        Flag::finish(&mut holidays),
        Text::finish(&mut holiday_names),
    ];
    Ok(RecordBatch::try_new(DIM_DATE.arrow_schema(), columns)?)
}

/// The week of the year by ISO 8601: the week of the year's first Thursday is week 1.
fn iso_week(day: Day) -> i32 {
    let thursday = day.plus(3 - i32::from(day.weekday()));
    let first = Day::from_civil(thursday.civil().0, 1, 1).unwrap_or(thursday);
    thursday.since(first) / 7 + 1
}

fn holiday(day: Day) -> Option<&'static str> {
    let (year, month, day_of_month) = day.civil();
    let easter = easter(year);
    if day == easter {
        return Some("Easter");
    }
    if day == easter.plus(1) {
        return Some("Easter Monday");
    }
    let fixed = HOLIDAYS.iter().find(|(m, d, _)| (*m, *d) == (month, day_of_month));
    fixed.map(|(_, _, name)| *name)
}

/// Easter Sunday, by the Gregorian computus in the form and with the names of Meeus, Jones and
/// Butcher.
#[expect(clippy::many_single_char_names, reason = "the published form has these names")]
fn easter(year: i32) -> Day {
    let a = year % 19;
    let (b, c) = (year / 100, year % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 19 * l) / 433;
    let month = (h + l - 7 * m + 90) / 25;
    let day = (h + l - 7 * m + 33 * month + 19) % 32;
    Day::from_civil(year, month as u32, day as u32).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(year: i32, month: u32, day: u32) -> Day {
        Day::from_civil(year, month, day).unwrap()
    }

    #[test]
    fn easter_is_when_it_is() {
        for (year, month, sunday) in [(2024, 3, 31), (2025, 4, 20), (2026, 4, 5), (2038, 4, 25)] {
            assert_eq!(easter(year), day(year, month, sunday));
        }
        assert_eq!(holiday(day(2026, 4, 6)), Some("Easter Monday"));
        assert_eq!(holiday(day(2026, 12, 25)), Some("Christmas"));
        assert_eq!(holiday(day(2026, 12, 24)), None);
    }

    #[test]
    fn weeks_are_those_of_iso_8601() {
        let weeks =
            [((2021, 1, 3), 53), ((2021, 1, 4), 1), ((2024, 12, 30), 1), ((2026, 7, 5), 27)];
        for ((year, month, of_month), week) in weeks {
            assert_eq!(iso_week(day(year, month, of_month)), week);
        }
    }

    #[test]
    fn the_days_are_whole_years() {
        let rows = dates(day(2026, 3, 5), day(2026, 4, 5)).unwrap();
        assert_eq!(rows.num_rows(), 730);
        assert_eq!(dates(day(2027, 12, 31), day(2028, 1, 1)).unwrap().num_rows(), 365 + 366 + 365);
    }
}
