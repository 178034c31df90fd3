//! Times and dates of JSON: RFC 3339 with an offset, dates as `YYYY-MM-DD`, minutes as `HH:MM`.

use shelf_domain::{DAY, Day, HOUR, MINUTE, SECOND, Timestamp};

/// Reads an RFC 3339 time. Digits after the microseconds are cut off.
pub fn parse_time(text: &str) -> Option<Timestamp> {
    let (head, tail) = text.as_bytes().split_first_chunk::<19>()?;
    let date = civil([
        head[0], head[1], head[2], head[3], head[4], head[5], head[6], head[7], head[8], head[9],
    ])?;
    if !matches!(head[10], b'T' | b't' | b' ') || head[13] != b':' || head[16] != b':' {
        return None;
    }
    let hour = two(head[11], head[12])?;
    let minute = two(head[14], head[15])?;
    let second = two(head[17], head[18])?;
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (fraction, zone) = fraction(tail)?;
    let local = i64::from(date.0) * DAY
        + i64::from(hour) * HOUR
        + i64::from(minute) * MINUTE
        + i64::from(second) * SECOND
        + fraction;
    Some(Timestamp(local - offset(zone)?))
}

/// The microseconds of a fraction of a second, and what follows it.
fn fraction(tail: &[u8]) -> Option<(i64, &[u8])> {
    let Some((b'.', rest)) = tail.split_first() else { return Some((0, tail)) };
    let (mut micros, mut len) = (0, 0);
    for digit in rest.iter().map(|byte| byte.wrapping_sub(b'0')).take_while(|&digit| digit < 10) {
        if len < 6 {
            micros = micros * 10 + i64::from(digit);
        }
        len += 1;
    }
    if len == 0 || len > 9 {
        return None;
    }
    for _ in len..6 {
        micros *= 10;
    }
    Some((micros, rest.get(len..)?))
}

/// The offset east of UTC, in microseconds.
fn offset(zone: &[u8]) -> Option<i64> {
    match *zone {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (two(h1, h2)?, two(m1, m2)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let east = i64::from(hours) * HOUR + i64::from(minutes) * MINUTE;
            Some(if sign == b'+' { east } else { -east })
        }
        _ => None,
    }
}

/// Reads `YYYY-MM-DD`.
pub fn parse_day(text: &str) -> Option<Day> {
    civil(text.as_bytes().try_into().ok()?)
}

fn civil(text: [u8; 10]) -> Option<Day> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else { return None };
    let year = two(y1, y2)? * 100 + two(y3, y4)?;
    Day::from_civil(year as i32, two(m1, m2)?, two(d1, d2)?)
}

#[inline]
fn two(tens: u8, ones: u8) -> Option<u32> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| u32::from(tens) * 10 + u32::from(ones))
}

/// Reads `HH:MM`, up to `24:00`, as minutes after midnight.
pub(crate) fn parse_minute(text: &str) -> Option<u16> {
    let [h1, h2, b':', m1, m2] = *text.as_bytes() else { return None };
    let (hours, minutes) = (two(h1, h2)?, two(m1, m2)?);
    let minute = hours * 60 + minutes;
    (minutes < 60 && minute <= 24 * 60).then_some(minute as u16)
}

/// Appends a time in UTC; microseconds only where there are some.
pub(crate) fn write_time(at: Timestamp, out: &mut Vec<u8>) {
    write_day(Day(at.0.div_euclid(DAY) as i32), out);
    let of_day = at.0.rem_euclid(DAY);
    out.push(b'T');
    push_two((of_day / HOUR) as u32, out);
    out.push(b':');
    push_two((of_day % HOUR / MINUTE) as u32, out);
    out.push(b':');
    push_two((of_day % MINUTE / SECOND) as u32, out);
    let micros = (of_day % SECOND) as u32;
    if micros != 0 {
        out.push(b'.');
        push_two(micros / 10_000, out);
        push_two(micros / 100 % 100, out);
        push_two(micros % 100, out);
    }
    out.push(b'Z');
}

/// Appends a date. Years outside 0 to 9999 come out in a form that does not read back.
pub(crate) fn write_day(day: Day, out: &mut Vec<u8>) {
    let (year, month, of_month) = day.civil();
    if (0..=9_999).contains(&year) {
        push_two(year as u32 / 100, out);
        push_two(year as u32 % 100, out);
    } else {
        out.extend_from_slice(year.to_string().as_bytes());
    }
    out.push(b'-');
    push_two(month, out);
    out.push(b'-');
    push_two(of_month, out);
}

/// Appends `HH:MM`.
pub(crate) fn write_minute(minute: u16, out: &mut Vec<u8>) {
    push_two(u32::from(minute / 60), out);
    out.push(b':');
    push_two(u32::from(minute % 60), out);
}

fn push_two(number: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(&[b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8]);
}

/// A time as text.
pub fn time_text(at: Timestamp) -> String {
    let mut out = Vec::with_capacity(27);
    write_time(at, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// A date as text.
pub fn day_text(day: Day) -> String {
    let mut out = Vec::with_capacity(10);
    write_day(day, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_moment_in_many_forms() {
        let moment = parse_time("2026-01-31T08:00:00Z");
        assert!(moment.is_some());
        for text in [
            "2026-01-31T08:00:00+00:00",
            "2026-01-31 09:00:00+01:00",
            "2026-01-31t02:30:00.000000-05:30",
            "2026-01-31T08:00:00.000000999z",
        ] {
            assert_eq!(parse_time(text), moment, "{text}");
        }
        assert_eq!(
            parse_time("2026-01-31T08:00:00.1234567Z").map(time_text).as_deref(),
            Some("2026-01-31T08:00:00.123456Z")
        );
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "2026-01-31",
            "2026-01-31T08:00:00",
            "2026-02-29T08:00:00Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31T08:00:00.Z",
            "2026-01-31T08:00:00.1234567890Z",
            "2026-01-31T08:00:00+1:00",
            "2026-01-31T08:00:00Zz",
            "2026/01/31T08:00:00Z",
            "１２２６-01-31T08:00:00Z",
        ] {
            assert_eq!(parse_time(text), None, "{text}");
        }
        assert_eq!((parse_minute("24:00"), parse_minute("24:01")), (Some(1_440), None));
    }
}
