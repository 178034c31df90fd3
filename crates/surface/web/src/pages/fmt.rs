//! How values stand in the pages: the wording of all screens, for templates.

#![allow(
    clippy::ref_option,
    clippy::trivially_copy_pass_by_ref,
    reason = "templates hand over what they show by reference"
)]

use shelf_domain::{Day, LocalClock, Severity, Timestamp};
use shelf_views::{symbol, wording};

/// `1,234`.
pub(crate) fn count<T: Copy + TryInto<i64>>(value: &T) -> String {
    (*value).try_into().map_or_else(|_| "–".to_owned(), |value: i64| wording::count(value))
}

/// `1,234.05`.
pub(crate) fn money(cents: &i64) -> String {
    wording::money(*cents)
}

/// `1,234.05`, or a dash where it is not known.
pub(crate) fn maybe_money(cents: &Option<i64>) -> String {
    cents.map_or_else(|| "–".to_owned(), wording::money)
}

/// A number, or a dash where it is not known.
pub(crate) fn maybe<T: Copy + Into<i128>>(value: &Option<T>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| wording::count(value))
}

/// `93.4 %`, or a dash.
pub(crate) fn percent(value: &Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.1} %"))
}

/// With one decimal, or a dash.
pub(crate) fn decimal(value: &Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.1}"))
}

/// `12 min`.
pub(crate) fn span(seconds: &i64) -> String {
    wording::span(*seconds)
}

/// `12 min`, or a dash.
pub(crate) fn maybe_span(seconds: &Option<i64>) -> String {
    seconds.map_or_else(|| "–".to_owned(), wording::span)
}

/// `2026-01-31`.
pub(crate) fn date(day: &Day) -> String {
    wording::date(*day)
}

/// `2026-01-31`, or a word where a lot never expires.
pub(crate) fn expiry(day: &Option<Day>) -> String {
    day.map_or_else(|| "never".to_owned(), wording::date)
}

/// `Mon 5 Jan 14:32`, on a store's clock.
pub(crate) fn local(clock: &LocalClock, at: Timestamp) -> String {
    let day = clock.day(at);
    let minute = clock.minute_of_day(at);
    let (_, month, of_month) = day.civil();
    let time = format!("{:02}:{:02}", minute / 60, minute % 60);
    format!("{} {of_month} {} {time}", wording::weekday(day), month_name(month))
}

fn month_name(month: u32) -> &'static str {
    const NAMES: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let at = usize::try_from(month).unwrap_or_default();
    NAMES.get(at.wrapping_sub(1)).copied().unwrap_or("")
}

/// The shape of a severity.
pub(crate) fn sign(severity: &Severity) -> &'static str {
    symbol(*severity)
}

/// `shelf empty` for the code `shelf_empty`.
pub(crate) fn words(code: &str) -> String {
    wording::sentence_case(&code.replace('_', " "))
}

/// The same sentence with a capital at its beginning.
pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

/// `Fruits and vegetables`.
pub(crate) fn category(category: &str) -> String {
    wording::sentence_case(category)
}

/// What a list that is not whole says: `20 of 57 are shown, the fullest first.`; nothing of a whole
/// one.
pub(crate) fn cut(shown: usize, total: u64, order: &str) -> String {
    if shown as u64 >= total {
        return String::new();
    }
    format!("{} of {} are shown, {order}.", wording::count(shown as u64), wording::count(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_says_how_much_of_it_is_shown_only_where_it_is_cut() {
        let order = "the fullest first";
        assert_eq!(cut(20, 1_057, order), "20 of 1,057 are shown, the fullest first.");
        assert_eq!((cut(20, 20, order), cut(0, 0, order)), (String::new(), String::new()));
    }
}
