//! What was sold, as text.

use shelf_domain::Day;

use super::{heading, more, nothing};
use crate::comparison::{Compared, SalesRow, SalesView};
use crate::patterns::{PatternRow, PatternsView};
use crate::style::{Style, Tone};
use crate::table::{Cell, Column, Table};
use crate::wording::{count, date, money, weekday};

/// What stands below where a dash is in place of a change.
const UNKNOWN: &str = "The days a week earlier are not all known: what was sold is known for 31 \
                       days, who bought for 800.";

/// What was sold in some days, with how it has changed since the same days a week earlier; what it
/// was then stands in JSON, and here of the revenue.
pub fn render_sales(view: &SalesView, style: &Style, width: usize) -> String {
    let (from, to) = (date(view.from_date), date(view.to_date));
    let (week_from, week_to) = (date(view.week_before_from_date), date(view.week_before_to_date));
    let mut text = heading(*style, &format!("{from} to {to}, beside {week_from} to {week_to}"));
    let mut table = Table::new([
        Column::cut("name", 12),
        Column::number("revenue"),
        Column::number("week before"),
        Column::number("change"),
        Column::number("receipts"),
        Column::number("change"),
        Column::number("customers"),
        Column::number("change"),
        Column::number("units"),
        Column::number("change"),
    ]);
    for row in &view.rows {
        table.row(cells(row));
    }
    text.push_str(&table.render(*style, width));
    if !view.rows.iter().all(SalesRow::known) {
        text.push_str(&style.paint(Tone::Faint, UNKNOWN));
        text.push('\n');
    }
    text + &more(*style, view.rows.len(), view.total)
}

/// The hours of the day, as columns.
const HOURS: [&str; 24] = [
    "00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13", "14", "15",
    "16", "17", "18", "19", "20", "21", "22", "23",
];

/// What each hour of the last week sold, in whole units of currency: a row for each day, a column
/// for each hour in which anything was sold on some day. How full shelves were stands in JSON.
pub fn render_patterns(view: &PatternsView, style: &Style, width: usize) -> String {
    let sold: Vec<&PatternRow> = view.rows.iter().filter(|row| row.net_cents > 0).collect();
    let first = sold.iter().map(|row| row.hour).min();
    let Some((first, last)) = first.zip(sold.iter().map(|row| row.hour).max()) else {
        let hint = "the first hours with receipts will fill this";
        return nothing(*style, "No hour of the last week is known to have sold anything.", hint);
    };
    let zone = view.time_zone.as_deref().unwrap_or_default();
    let text = heading(*style, &format!("Net revenue by day and hour, time of {zone}"));
    let hours = || first..=last;
    let headings = hours().filter_map(|hour| HOURS.get(usize::from(hour)).copied());
    let mut columns = vec![Column::words("day")];
    columns.extend(headings.map(Column::number));
    let mut table = Table::new(columns);
    let mut days: Vec<Day> = view.rows.iter().map(|row| row.date).collect();
    days.dedup();
    for day in days {
        let cell = |hour: u8| {
            let found = sold.iter().find(|row| row.date == day && row.hour == hour);
            Cell::from(found.map_or_else(String::new, |row| count((row.net_cents + 50) / 100)))
        };
        let mut cells = vec![Cell::from(format!("{} {}", weekday(day), date(day)))];
        cells.extend(hours().map(cell));
        table.row(cells);
    }
    text + &table.render(*style, width)
}

fn cells(row: &SalesRow) -> Vec<Cell> {
    let cents = |value: f64| money((value * 100.0).round() as i64);
    let before = row.revenue.week_before.map_or_else(|| "–".to_owned(), cents);
    let mut cells: Vec<Cell> = vec![
        row.name.as_str().into(),
        cents(row.revenue.value).into(),
        before.into(),
        change(&row.revenue),
    ];
    for compared in [&row.transactions, &row.customers, &row.units] {
        cells.push(count(compared.value.round() as i64).into());
        cells.push(change(compared));
    }
    cells
}

fn change(compared: &Compared) -> Cell {
    let tone = if compared.change_percent.is_some() { Tone::Plain } else { Tone::Faint };
    Cell::toned(tone, compared.change())
}
