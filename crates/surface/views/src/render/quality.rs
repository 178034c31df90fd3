//! The quality of events, and the history of its checks.

use std::fmt::Write;

use shelf_domain::Severity;

use super::heading;
use crate::quality::{CheckRow, CheckState, Figure, IntakeBy, LatencyTimes, QualityView};
use crate::quality_history::QualityHistory;
use crate::style::{Style, Tone};
use crate::table::{Cell, Column, Table};
use crate::wording::{count, counted, minute_utc, money, rfc3339, span};

/// Checks that are fine beyond so many are only counted.
const FINE_ROWS: usize = 30;

/// A state in symbol and word.
fn state_cell(state: Option<CheckState>) -> Cell {
    match state {
        Some(CheckState::Ok) => Cell::toned(Tone::Good, "✓ ok"),
        Some(CheckState::Warn) => Cell::toned(Tone::Of(Severity::Warning), "◆ warn"),
        Some(CheckState::Fail) => Cell::toned(Tone::Of(Severity::Critical), "▲ fail"),
        None => Cell::toned(Tone::Faint, "- not known"),
    }
}

fn figure(value: Figure, unit: &str) -> String {
    match (value, unit) {
        (Figure::Percent(value), _) => format!("{value:.2} %"),
        (Figure::Whole(value), "s") => span(value),
        (Figure::Whole(value), "cents") => money(value),
        (Figure::Whole(value), "ms") => format!("{} ms", count(value)),
        (Figure::Whole(value), _) => counted(value, unit.trim_end_matches('s')),
    }
}

/// The quality of the events: the checks, what came in, how long it took. Times are in UTC.
pub fn render_quality(view: &QualityView, style: &Style, width: usize) -> String {
    let states = &view.states;
    let mut text = heading(*style, &format!("Quality at {}", rfc3339(view.now)));
    let _ = writeln!(
        text,
        "  {} ok, {} warn, {} fail, {} not known",
        count(states.ok),
        count(states.warn),
        count(states.fail),
        count(states.unknown)
    );
    text + &checks(view, *style, width)
        + &intake(view, *style, width)
        + &latency(view, *style, width)
}

fn checks(view: &QualityView, style: Style, width: usize) -> String {
    let mut table = Table::new([
        Column::words("state"),
        Column::words("check"),
        Column::cut("of", 8),
        Column::number("value"),
        Column::number("limit"),
    ]);
    let fine = |check: &&CheckRow| matches!(check.state, Some(CheckState::Ok) | None);
    let shown = view.checks.iter().filter(|check| !fine(check)).count() + FINE_ROWS;
    for check in view.checks.iter().take(shown) {
        table.row([
            state_cell(check.state),
            check.check.into(),
            check.subject().into(),
            check.value.map_or_else(|| "-".to_owned(), |value| figure(value, check.unit)).into(),
            Cell::from(figure(check.limit, check.unit)),
        ]);
        let beyond = check.value.is_some_and(|value| value.number() > check.limit.number());
        if beyond || !matches!(check.state, Some(CheckState::Ok)) {
            table.note(format!("{}{}", check.says, names(check)));
        }
    }
    let left = view.checks.len().saturating_sub(shown);
    let mut text = table.render(style, width);
    if left > 0 {
        let line =
            format!("{} more that are ok or not known; see all with --json", count(left as u64));
        let _ = writeln!(text, "{}", style.paint(Tone::Faint, &line));
    }
    text
}

fn names(check: &CheckRow) -> String {
    let more = match check.more_names {
        0 => String::new(),
        more => format!(" and {} more", count(more)),
    };
    let names = check.names.join(", ");
    if names.is_empty() { names } else { format!(": {names}{more}") }
}

fn intake(view: &QualityView, style: Style, width: usize) -> String {
    let mut text = format!("\n{}", heading(style, "What came in"));
    if view.intake.is_empty() {
        text.push_str("nothing yet\n");
        return text;
    }
    let whose = match view.by {
        IntakeBy::Source => "source",
        IntakeBy::Stream => "from",
        IntakeBy::Store => "store",
    };
    let mut table = Table::new([
        Column::cut(whose, 8),
        Column::words("stream"),
        Column::number("received"),
        Column::number("accepted"),
        Column::number("late"),
        Column::number("duplicate"),
        Column::number("quarantined"),
        Column::words("last event"),
        Column::words("last arrival"),
    ]);
    for row in &view.intake {
        let store = row.store.map(|store| store.as_str().to_owned());
        let time = |at: Option<_>| at.map_or_else(|| "-".to_owned(), minute_utc);
        table.row([
            row.source.clone().or(store).unwrap_or_else(|| "all".to_owned()).into(),
            row.stream.into(),
            count(row.received).into(),
            count(row.accepted).into(),
            count(row.late).into(),
            count(row.duplicates).into(),
            count(row.quarantined).into(),
            time(row.last_at).into(),
            Cell::from(time(row.last_received_at)),
        ]);
        if row.quarantined > 0 {
            let reasons = row.quarantined_by_reason.0.iter();
            let reasons: Vec<_> =
                reasons.map(|(code, n)| format!("{} {code}", count(*n))).collect();
            table.note(format!("quarantined: {}", reasons.join(", ")));
        }
    }
    text + &table.render(style, width)
}

fn latency(view: &QualityView, style: Style, width: usize) -> String {
    let mut text = format!("\n{}", heading(style, "How long it took"));
    let mut table = Table::new([
        Column::words("stream"),
        Column::words("from"),
        Column::words("to"),
        Column::number("events"),
        Column::number("p50"),
        Column::number("p95"),
        Column::number("p99"),
        Column::number("max"),
    ]);
    let mut row = |stream: &'static str, from: &'static str, to: &'static str, t: &LatencyTimes| {
        table.row([
            stream.into(),
            from.into(),
            to.into(),
            count(t.count).into(),
            duration(t.p50_us).into(),
            duration(t.p95_us).into(),
            duration(t.p99_us).into(),
            Cell::from(duration(t.max_us)),
        ]);
    };
    for latency in &view.latency {
        if let Some(times) = &latency.arrival {
            row(latency.stream, "event", "arrival", times);
        }
        if let Some(times) = &latency.applied {
            row(latency.stream, "arrival", "applied", times);
        }
    }
    text += &table.render(style, width);
    let line = match (view.applied_since, view.store) {
        (Some(since), _) => {
            format!("arrival to applied: what came through the socket since {}", rfc3339(since))
        }
        (None, Some(_)) => "arrival to applied: measured for all stores together".to_owned(),
        (None, None) => "arrival to applied: not measured; `shelf run` measures it".to_owned(),
    };
    let _ = writeln!(text, "{}", style.paint(Tone::Faint, &line));
    text
}

/// `0 us`, `850 us`, `12 ms`, `40 s`, `12 min`.
fn duration(us: u64) -> String {
    match us {
        ..1_000 => format!("{us} us"),
        1_000..10_000 => format!("{}.{} ms", us / 1_000, us / 100 % 10),
        10_000..1_000_000 => format!("{} ms", us / 1_000),
        _ => span((us / 1_000_000) as i64),
    }
}

/// When checks changed their states, the newest last. Times are in UTC.
pub fn render_quality_history(view: &QualityHistory, style: &Style, width: usize) -> String {
    if view.changes.is_empty() {
        let hint = "`shelf run` and `shelf import` write a line for each";
        return super::nothing(*style, "No check has changed its state.", hint);
    }
    let mut table = Table::new([
        Column::words("time"),
        Column::words("check"),
        Column::cut("of", 8),
        Column::words("from"),
        Column::words("to"),
        Column::number("value"),
    ]);
    for change in &view.changes {
        table.row([
            rfc3339(change.at).into(),
            change.check.as_str().into(),
            change.subject().into(),
            change.from.as_deref().unwrap_or("-").into(),
            change.to.as_deref().unwrap_or("-").into(),
            Cell::from(change.value.map_or_else(|| "-".to_owned(), |value| value.to_string())),
        ]);
    }
    table.render(*style, width) + &super::more(*style, view.changes.len(), view.total)
}
