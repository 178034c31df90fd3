//! The parts of the live screen around the floor: header, tiles, alerts, the log's tail, keys.

use ratatui::layout::Rect;
use ratatui::style::Style;
use shelf_domain::Severity;

use super::canvas::Canvas;
use super::palette::{PLAIN, Palette, STRONG};
use super::{ClockKind, WatchView};
use crate::style::{severity_words, symbol};
use crate::tally::StockTotals;
use crate::wording::{count, money, percent, rate, span, span_about};

/// Who, when, and whether it is live.
pub(crate) fn header(canvas: &mut Canvas<'_>, view: &WatchView, palette: Palette) {
    let (mark, style) = match view.rates.data_age_ms {
        _ if view.rates.live() => ("● live", palette.good()),
        Some(_) => ("◌ stale", palette.severity(Severity::Warning)),
        None => ("◌ no data", palette.severity(Severity::Warning)),
    };
    let x = canvas.text(0, 0, mark, style) + 2;
    let id = view.store.map(|store| format!("{store} ")).unwrap_or_default();
    let named = if id.trim_end() == view.title { view.title.clone() } else { id + &view.title };
    let x = canvas.text(x, 0, &named, STRONG) + 2;
    let clock = match (view.clock, view.rates.speed) {
        (ClockKind::Real, _) => "real time".to_owned(),
        (ClockKind::Simulated, None) => "simulated".to_owned(),
        (ClockKind::Simulated, Some(speed)) => format!("sim ×{}", pace(speed)),
    };
    let x = canvas.text(x, 0, &view.local_time, PLAIN) + 1;
    canvas.text(x, 0, &clock, palette.faint());
    let speed = view.rates.events_per_s.map_or_else(|| "- ".to_owned(), |n| rate(n) + " ");
    let age = view.rates.data_age_ms.map_or_else(|| "-".to_owned(), milliseconds);
    canvas.right(0, &format!("  {speed}events/s, {age} old"), PLAIN);
}

/// How many times faster than real time.
fn pace(speed: f64) -> String {
    if speed.fract() == 0.0 { count(speed as i64) } else { rate(speed) }
}

fn milliseconds(ms: u64) -> String {
    if ms < 1_000 { format!("{ms} ms") } else { span((ms / 1_000) as i64) }
}

struct Tile {
    name: &'static str,
    value: String,
    tone: Option<Severity>,
}

fn tile(name: &'static str, value: impl Into<String>) -> Tile {
    Tile { name, value: value.into(), tone: None }
}

fn alarm(name: &'static str, value: u64, severity: Severity) -> Tile {
    let text = match value {
        0 => "0".to_owned(),
        value => format!("{} {}", symbol(severity), count(value)),
    };
    Tile { name, value: text, tone: (value > 0).then_some(severity) }
}

/// The figures, as many as there is room for, the most urgent first.
pub(crate) fn tiles(canvas: &mut Canvas<'_>, view: &WatchView, palette: Palette) {
    const WIDTH: u16 = 12;
    let room = (canvas.width() / WIDTH).max(1);
    let width = canvas.width() / room.min(all_tiles(&view.totals).len() as u16);
    for (at, tile) in (0..room).zip(all_tiles(&view.totals)) {
        let mut place = canvas.part(Rect { x: at * width, y: 0, width: width - 1, height: 2 });
        let style = tile.tone.map_or(STRONG, |tone| palette.severity(tone));
        place.text(0, 0, &tile.value, style);
        place.text(0, 1, tile.name, palette.faint());
    }
}

fn all_tiles(totals: &StockTotals) -> Vec<Tile> {
    let oldest = totals.tasks.oldest_age_s.map(|age| format!(" ({})", span_about(age)));
    let tasks = count(totals.tasks.standing()) + &oldest.unwrap_or_default();
    vec![
        tile("on shelf", percent(totals.on_shelf_availability_percent)),
        alarm("empty", totals.empty_shelves, Severity::Critical),
        alarm("low", totals.low_shelves, Severity::Warning),
        tile("restocks", tasks),
        tile("in 3 days", count(totals.near_expiry.within_3_days_units)),
        tile("customers", count(totals.customers_present)),
        tile("revenue", money(totals.revenue_cents)),
        tile("waste", money(totals.waste_cents)),
        tile("unexplained", count(totals.units.unexplained)),
        tile("units sold", count(totals.units.sold)),
        tile("warehouse", count(totals.units.warehouse)),
        tile("orders", count(totals.orders.standing())),
        alarm("broken rules", totals.invariant_violations, Severity::Critical),
    ]
}

/// The most urgent alerts, two lines each.
pub(crate) fn alerts(canvas: &mut Canvas<'_>, view: &WatchView, palette: Palette) {
    let x = canvas.text(0, 0, "Alerts", STRONG) + 1;
    let tally = view.alerts.by_severity;
    let sums = [
        (Severity::Critical, tally.critical),
        (Severity::Warning, tally.warning),
        (Severity::Info, tally.info),
    ];
    sums.into_iter().fold(x, |x, (severity, number)| {
        let text = format!("{} {}", symbol(severity), count(number));
        canvas.text(x, 0, &text, palette.severity(severity)) + 1
    });
    if view.alerts.alerts.is_empty() {
        canvas.text(0, 1, "No alert stands.", palette.good());
        canvas.text(0, 2, "Nothing to do.", palette.faint());
        return;
    }
    let rows = canvas.height().saturating_sub(1) / 2;
    for (alert, at) in view.alerts.alerts.iter().zip(0..rows) {
        let y = 1 + at * 2;
        let severity = alert.severity;
        let mark = if canvas.width() >= 40 {
            severity_words(severity)
        } else {
            symbol(severity).to_owned()
        };
        let head = format!("{mark} {}", alert.rule.code());
        canvas.text(0, y, &head, palette.severity(severity));
        canvas.right(y, &format!(" {}", span(alert.age_s)), palette.faint());
        let what = match canvas.width() {
            ..40 => format!("  {} {}", alert.subject(), alert.values),
            _ => format!("  {} {}, {}", alert.subject(), alert.values, alert.name),
        };
        canvas.text(0, y + 1, &what, PLAIN);
    }
}

/// The latest effects, the newest at the bottom.
pub(crate) fn effects(canvas: &mut Canvas<'_>, view: &WatchView, palette: Palette) {
    canvas.text(0, 0, "Log", STRONG);
    if view.effects.is_empty() {
        let hint = "Nothing has happened yet; see the log's end with: shelf log tail";
        canvas.text(0, 1, hint, palette.faint());
        return;
    }
    let rows = canvas.height().saturating_sub(1);
    let skipped = view.effects.len().saturating_sub(usize::from(rows));
    for (tail, y) in view.effects.iter().skip(skipped).zip(1..) {
        let line = &tail.line;
        let mut x = canvas.text(0, y, &tail.local_time, palette.faint()) + 1;
        if view.store.is_none() {
            x = canvas.text(x, y, line.store.as_str(), palette.faint()) + 1;
        }
        let (mark, style): (&str, Style) = match line.severity {
            Some(severity) => (symbol(severity), palette.severity(severity)),
            None => ("·", palette.faint()),
        };
        let x = canvas.text(x, y, mark, style) + 1;
        canvas.text(x, y, &line.text, PLAIN);
    }
}

/// The keys, and how long an event takes to be seen.
pub(crate) fn footer(canvas: &mut Canvas<'_>, view: &WatchView, palette: Palette) {
    canvas.text(0, 0, "q quit  m map  w windows  s store  ? help", palette.faint());
    if let Some(lag) = view.rates.lag_ms {
        canvas.right(0, &format!("event to screen {}", milliseconds(lag)), palette.faint());
    }
}

/// What the keys and signs mean.
pub(crate) fn help(screen: &mut Canvas<'_>, palette: Palette) {
    const LINES: [&str; 16] = [
        "q, Esc   quit",
        "m        map: fill, alerts, expiry, sales",
        "w        windows of sales, or the map",
        "s        next store, or all together",
        "?        close this",
        "",
        "▲ critical: act now",
        "◆ warning:  act today",
        "○ info:     good to know",
        "",
        "restocks   tasks that stand (the oldest)",
        "on shelf   part of the open time, over full",
        "           days, with goods on the shelf",
        "in 3 days  units that expire by then",
        "map        a zone's name, its figure, and",
        "           the sign of its worst alert",
    ];
    let (width, height) = (50, LINES.len() as u16 + 4);
    let x = screen.width().saturating_sub(width) / 2;
    let y = screen.height().saturating_sub(height) / 2;
    let area = Rect { x, y, width, height };
    screen.fill(area, " ", PLAIN);
    let mut place = screen.part(area);
    let rule = "─".repeat(usize::from(width) - 2);
    place.text(0, 0, &format!("╭{rule}╮"), palette.faint());
    place.text(0, height - 1, &format!("╰{rule}╯"), palette.faint());
    for row in 1..height - 1 {
        place.text(0, row, "│", palette.faint());
        place.text(width - 1, row, "│", palette.faint());
    }
    place.text(3, 1, "Keys and signs", STRONG);
    for (line, row) in LINES.iter().zip(3..) {
        place.text(3, row, line, PLAIN);
    }
}
