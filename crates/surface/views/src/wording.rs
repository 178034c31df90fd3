//! How times, amounts and choices read: one wording for all screens.

use std::fmt::Write as _;

use shelf_domain::{
    BasisPoints, Day, LocalClock, Measure, Place, RemovalCause, Timestamp, WindowScope,
};

/// RFC 3339 in UTC.
pub fn rfc3339(at: Timestamp) -> String {
    match jiff::Timestamp::from_microsecond(at.0) {
        Ok(time) => time.to_string(),
        // Outside years -9999 to 9999, which no event can be.
        Err(_) => format!("{} us", at.0),
    }
}

/// `2026-01-31`.
pub fn date(day: Day) -> String {
    let (year, month, day_of_month) = day.civil();
    format!("{year:04}-{month:02}-{day_of_month:02}")
}

/// `Mon`.
pub fn weekday(day: Day) -> &'static str {
    weekday_named(day.weekday())
}

/// The same of its number, Monday 0.
pub(crate) fn weekday_named(number: u8) -> &'static str {
    const NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    NAMES.get(usize::from(number)).copied().unwrap_or("")
}

/// `14:32:05`, on the store's own clock.
pub fn local_time(clock: &LocalClock, at: Timestamp) -> String {
    let minute = clock.minute_of_day(at);
    let local_us = at.0 + i64::from(clock.offset_seconds(at)) * shelf_domain::SECOND;
    let second = local_us.rem_euclid(shelf_domain::MINUTE) / shelf_domain::SECOND;
    format!("{:02}:{:02}:{second:02}", minute / 60, minute % 60)
}

/// `2026-01-31 14:32`, from a time in UTC.
pub fn minute_utc(at: Timestamp) -> String {
    let day = Day(at.0.div_euclid(shelf_domain::DAY) as i32);
    let minute = at.0.rem_euclid(shelf_domain::DAY) / shelf_domain::MINUTE;
    format!("{} {:02}:{:02}", date(day), minute / 60, minute % 60)
}

/// How long: `40 s`, `12 min`, `3 h 05`, `2 d 04 h`.
pub fn span(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match seconds {
        ..60 => format!("{} s", seconds.max(0)),
        60..3_600 => format!("{minutes} min"),
        3_600..86_400 => format!("{hours} h {:02}", minutes % 60),
        _ => format!("{days} d {:02} h", hours % 24),
    }
}

/// About how long: `40 s`, `12 min`, `3 h`, `2 d`.
pub fn span_about(seconds: i64) -> String {
    match seconds {
        ..3_600 => span(seconds),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// `1,234,567`.
pub fn count(value: impl Into<i128>) -> String {
    let value: i128 = value.into();
    let digits = value.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3 + 1);
    if value < 0 {
        text.push('-');
    }
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1,234.05` for 123,405 cents.
pub fn money(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", count(cents.unsigned_abs() / 100), cents.unsigned_abs() % 100)
}

/// `1 unit`, `12 units`.
pub fn units(number: impl Into<i128>) -> String {
    counted(number, "unit")
}

/// `1 pack`, `12 packs`.
pub fn counted(number: impl Into<i128>, thing: &str) -> String {
    let number: i128 = number.into();
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", count(number))
}

/// `7.1` for 7,140 thousandths.
pub fn tenths(milli: u32) -> String {
    let tenths = (u64::from(milli) + 50) / 100;
    format!("{}.{}", count(tenths / 10), tenths % 10)
}

/// `93.4 %`, or `-` where it is not known.
pub fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1} %"))
}

/// A rate: `0.4`, `12`, `1,240`.
pub fn rate(value: f64) -> String {
    if value < 10.0 { format!("{value:.1}") } else { count(value.round() as i64) }
}

/// Per cent of a part, to the basis point.
pub fn per_cent(part: BasisPoints) -> f64 {
    f64::from(part.0) / 100.0
}

/// `floor` or `warehouse`.
pub fn place(place: Place) -> &'static str {
    match place {
        Place::Floor => "floor",
        Place::Warehouse => "warehouse",
    }
}

/// Why units were taken out.
pub fn removal_cause(cause: RemovalCause) -> &'static str {
    match cause {
        RemovalCause::Expired => "expired",
        RemovalCause::Damaged => "damaged",
        RemovalCause::Recalled => "recalled",
        RemovalCause::Transferred => "transferred",
        RemovalCause::Stolen => "stolen",
    }
}

/// A category as people read it: `Fruits and vegetables`.
pub fn sentence_case(category: &str) -> String {
    let mut letters = category.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string());
    first.unwrap_or_default() + &letters.as_str().to_lowercase()
}

/// `2026-01-31 14:05:30` in UTC.
pub fn second_utc(at: Timestamp) -> String {
    let second = at.0.rem_euclid(shelf_domain::MINUTE) / shelf_domain::SECOND;
    format!("{}:{second:02}", minute_utc(at))
}

/// Values as bars side by side, each of its height among them; nothing where nothing is.
pub fn sparkline(values: &[i64]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = values.iter().copied().max().unwrap_or(0).max(1);
    let bar = |value: i64| match value {
        ..=0 => ' ',
        value => {
            let place = (i128::from(value) * 7 / i128::from(most)) as usize;
            BARS.get(place).copied().unwrap_or(' ')
        }
    };
    values.iter().copied().map(bar).collect()
}

/// What a window adds up.
pub fn measure(measure: Measure) -> &'static str {
    match measure {
        Measure::Sales => "sales",
        Measure::Stock => "stock",
        Measure::Turnover => "turnover",
    }
}

/// What a window is for.
pub fn window_scope(scope: WindowScope) -> &'static str {
    match scope {
        WindowScope::Global => "global",
        WindowScope::Store => "store",
        WindowScope::Product => "product",
        WindowScope::StoreProduct => "store_product",
    }
}

/// A text as a part of an address: what has a meaning there stands as its bytes.
pub fn in_address(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing into a text cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_as_people_write_them() {
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(-1_000), "-1,000");
        assert_eq!((money(-5), money(123_405)), ("-0.05".to_owned(), "1,234.05".to_owned()));
        assert_eq!((units(1), units(0)), ("1 unit".to_owned(), "0 units".to_owned()));
        assert_eq!((tenths(7_149), tenths(7_150)), ("7.1".to_owned(), "7.2".to_owned()));
        let spans = [0, 59, 60, 3_599, 3_900, 86_399, 187_200].map(span);
        assert_eq!(spans, ["0 s", "59 s", "1 min", "59 min", "1 h 05", "23 h 59", "2 d 04 h"]);
    }

    #[test]
    fn values_are_bars() {
        assert_eq!(sparkline(&[0, 1, 50, 99, 100, -5, 100]), " ▁▄▇█ █");
        assert_eq!((sparkline(&[]), sparkline(&[0, -3])), (String::new(), "  ".to_owned()));
    }

    #[test]
    fn times_are_rfc_3339_in_utc() {
        assert_eq!(rfc3339(Timestamp(0)), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(Timestamp(1_500_000)), "1970-01-01T00:00:01.5Z");
        assert_eq!(minute_utc(Timestamp(-60_000_000)), "1969-12-31 23:59");
    }
}
