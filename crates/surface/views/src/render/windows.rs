//! The kinds of windows, and what those of one kind told.

use shelf_domain::Measure;

use super::{more, nothing};
use crate::style::{Style, Tone};
use crate::table::{Cell, Column, Table};
use crate::windows::{WindowKind, WindowKindsView, WindowLine, WindowsView};
use crate::wording::{
    count, counted, measure, minute_utc, money, percent, second_utc, span, sparkline, window_scope,
};

/// The kinds of windows, one a line.
pub fn render_window_kinds(view: &WindowKindsView, style: &Style, width: usize) -> String {
    if view.kinds.is_empty() {
        return nothing(*style, "No store keeps windows.", "declare some in shelf.toml: [windows]");
    }
    let mut table = Table::new([
        Column::words("window"),
        Column::words("measure"),
        Column::words("scope"),
        Column::number("size"),
        Column::number("slide"),
        Column::number("early"),
        Column::words("kept"),
        Column::number("lateness"),
        Column::number("open"),
        Column::words("last ended"),
        Column::number("missed"),
        Column::number("units"),
        Column::number("net"),
    ]);
    for kind in &view.kinds {
        table.row(kind_cells(kind));
    }
    table.render(*style, width)
}

fn kind_cells(kind: &WindowKind) -> Vec<Cell> {
    let ended = kind.last_ended_at.map_or_else(|| "-".to_owned(), second_utc);
    vec![
        kind.name.as_str().into(),
        measure(kind.measure).into(),
        window_scope(kind.scope).into(),
        span(kind.size_s).into(),
        span(kind.slide_s).into(),
        kind.early_s.map_or_else(|| "-".to_owned(), span).into(),
        (if kind.kept { "yes" } else { "no" }).into(),
        span(kind.lateness_s).into(),
        count(kind.open).into(),
        ended.into(),
        count(kind.missed_changes).into(),
        count(kind.missed_units).into(),
        money(kind.missed_net_cents).into(),
    ]
}

/// The windows of a kind, the latest at the end; at most `limit` rows of each.
pub fn render_windows(view: &WindowsView, style: &Style, width: usize, limit: usize) -> String {
    if view.rows.is_empty() {
        let hint = "see which windows there are with: shelf windows";
        return nothing(*style, "No such window holds anything.", hint);
    }
    let stores = view.rows.iter().any(|row| row.store.is_some());
    let mut columns = vec![Column::words("start (UTC)"), Column::words("stage")];
    if stores {
        columns.push(Column::words("store"));
    }
    if view.by_product() {
        columns.extend([Column::words("sku"), Column::cut("name", 8)]);
    }
    let measure = view.measure.unwrap_or_default();
    columns.extend(figure_columns(measure));
    let mut table = Table::new(columns);
    let (mut shown, mut all_shown, mut start) = (0, 0, None);
    for row in &view.rows {
        if start != Some((row.start, row.store)) {
            (shown, start) = (0, Some((row.start, row.store)));
        }
        shown += 1;
        if shown > limit {
            continue;
        }
        all_shown += 1;
        let mut cells = vec![second_utc(row.start).into(), row.stage.code().into()];
        if stores {
            cells.push(row.store.as_ref().map_or("", |store| store.as_str()).into());
        }
        if view.by_product() {
            cells.push(row.sku.as_ref().map_or("", |sku| sku.as_str()).into());
            cells.push(row.name.as_deref().unwrap_or("").into());
        }
        cells.extend(figures(measure, row));
        table.row(cells);
    }
    let cut = more(*style, all_shown, view.rows.len() as u64);
    table.render(*style, width) + &cut + &footing(view, *style)
}

fn figure_columns(measure: Measure) -> Vec<Column> {
    let names: &[&'static str] = match measure {
        Measure::Sales => &[
            "receipts",
            "units",
            "returned",
            "gross",
            "discount",
            "net",
            "basket",
            "unit price",
            "customers",
        ],
        Measure::Stock => &[
            "last",
            "min",
            "max",
            "change",
            "updates",
            "mean",
            "volatility",
            "of capacity",
            "status",
        ],
        Measure::Turnover => &["units", "returned", "last", "mean", "turnover"],
    };
    names.iter().map(|name| Column::number(name)).collect()
}

fn figures(measure: Measure, row: &WindowLine) -> Vec<Cell> {
    let number = |value: Option<i64>| Cell::from(value.map_or_else(unknown, count));
    let small = |value: Option<u32>| number(value.map(i64::from));
    let cents = |value: Option<i64>| Cell::from(value.map_or_else(unknown, money));
    let part =
        |value: Option<f64>| Cell::from(value.map_or_else(unknown, |value| format!("{value:.2}")));
    match measure {
        Measure::Sales => vec![
            small(row.transactions),
            small(row.units),
            small(row.returned_units),
            cents(row.gross_cents),
            cents(row.discount_cents),
            cents(row.net_cents),
            cents(row.average_basket_cents),
            cents(row.average_unit_price_cents),
            customers(row).into(),
        ],
        Measure::Stock => vec![
            number(row.last_units),
            number(row.min_units),
            number(row.max_units),
            number(row.change_units),
            small(row.updates),
            part(row.mean_units),
            part(row.volatility_units),
            percent(row.capacity_percent).into(),
            row.stock_status.map_or("-", |status| status.code()).into(),
        ],
        Measure::Turnover => vec![
            small(row.units),
            small(row.returned_units),
            number(row.last_units),
            part(row.mean_units),
            part(row.turnover),
        ],
    }
}

fn unknown() -> String {
    "-".to_owned()
}

/// How many customers; an estimate says so.
fn customers(row: &WindowLine) -> String {
    let about = if row.customers_exact == Some(false) { "~" } else { "" };
    row.customers.map_or_else(unknown, |number| format!("{about}{}", count(number)))
}

/// The net revenue of the windows as a line of bars.
fn footing(view: &WindowsView, style: Style) -> String {
    const BARS: usize = 100;
    let series = view.net_series();
    let shown = series.get(series.len().saturating_sub(BARS)..).unwrap_or_default();
    let (Some(first), Some(last)) = (view.rows.first(), view.rows.last()) else {
        return String::new();
    };
    if shown.len() < 2 {
        return String::new();
    }
    let net: i64 = view.rows.iter().filter_map(|row| row.net_cents).sum();
    let windows = counted(view.rows.len() as u64, "row");
    let bars = sparkline(shown);
    let text = format!(
        "net {}  {} in {windows}, {} to {}",
        bars.trim_end(),
        money(net),
        minute_utc(first.start),
        minute_utc(last.end)
    );
    format!("{}\n", style.paint(Tone::Faint, &text))
}
