//! Key figures as text.

use super::{heading, more};
use crate::kpis::{KpiBy, KpiNote, KpiRow, KpisView};
use crate::style::{Style, Tone};
use crate::table::{Cell, Column, Table};

/// The figures that fit beside each other; all of them stand in JSON, and in a row of one.
const COLUMNS: [(&str, &str); 10] = [
    ("net_revenue", "revenue"),
    ("receipts", "receipts"),
    ("average_basket", "basket"),
    ("customers", "customers"),
    ("gross_margin", "margin %"),
    ("on_shelf_availability", "avail %"),
    ("turnover", "turnover"),
    ("days_of_cover", "cover d"),
    ("waste_share", "waste %"),
    ("shrink", "shrink %"),
];

/// Key figures of some days: a table of figures where there is one row, else a row for each.
pub fn render_kpis(view: &KpisView, style: &Style, width: usize) -> String {
    let dates = (crate::wording::date(view.from_date), crate::wording::date(view.to_date));
    let mut text = heading(*style, &format!("{} to {}", dates.0, dates.1));
    match view.rows.as_slice() {
        [only] if view.by != KpiBy::Day => text.push_str(&one(only, &view.notes, *style, width)),
        rows => text.push_str(&many(rows, *style, width)),
    }
    text + &more(*style, view.rows.len(), view.total)
}

/// How each figure is worked out.
pub fn render_kpi_notes(notes: &[KpiNote], style: &Style, width: usize) -> String {
    let mut table = Table::new([
        Column::words("figure"),
        Column::words("unit"),
        Column::cut("formula", 30),
        Column::cut("source", 20),
    ]);
    for note in notes {
        table.row([note.kpi, note.unit, note.formula, note.source].map(Cell::from));
    }
    table.render(*style, width)
}

fn one(row: &KpiRow, notes: &[KpiNote], style: Style, width: usize) -> String {
    let mut table =
        Table::new([Column::words("figure"), Column::number("value"), Column::words("unit")]);
    let sold = Cell::from(row.sold_units.to_string());
    table.row([Cell::from("sold"), sold, Cell::from("units")]);
    for note in notes {
        let value = row.figures.get(note.kpi).copied().flatten();
        table.row([Cell::from(note.kpi), figure(value), Cell::from(note.unit)]);
    }
    table.render(style, width)
}

fn many(rows: &[KpiRow], style: Style, width: usize) -> String {
    let mut columns = vec![Column::cut("name", 12), Column::number("units")];
    columns.extend(COLUMNS.map(|(_, heading)| Column::number(heading)));
    let mut table = Table::new(columns);
    for row in rows {
        let mut cells = vec![Cell::from(row.name.as_str()), Cell::from(row.sold_units.to_string())];
        cells.extend(COLUMNS.map(|(kpi, _)| figure(row.figures.get(kpi).copied().flatten())));
        table.row(cells);
    }
    table.render(style, width)
}

fn figure(value: Option<f64>) -> Cell {
    match value {
        None => Cell::toned(Tone::Faint, "not known"),
        Some(value) if value.fract() == 0.0 => Cell::from(format!("{value:.0}")),
        Some(value) => Cell::from(format!("{value:.2}")),
    }
}
