//! The report of a day as one HTML file that needs nothing else: to be mailed, printed, kept.

use askama::Template;
use shelf_domain::{Day, Effect, Kpi, StoreId};
use shelf_host::{ChainReader, Folder, Follow, HostError, OutputTail};
use shelf_views::{Chain, DayReport, KpiRow, wording};

use super::fmt;
use super::sales::figure;
use crate::error::WebError;

/// The figures of the head, with their words.
const HEAD: [(Kpi, &str); 10] = [
    (Kpi::NetRevenue, "Net revenue"),
    (Kpi::Receipts, "Receipts"),
    (Kpi::Customers, "Customers"),
    (Kpi::AverageBasket, "Average basket"),
    (Kpi::GrossMargin, "Gross margin"),
    (Kpi::Availability, "On-shelf availability"),
    (Kpi::StockOutRate, "Shelves that were empty"),
    (Kpi::WasteUnits, "Wasted units"),
    (Kpi::WasteShare, "Waste, % of sales"),
    (Kpi::FillRate, "Supplier fill rate"),
];

const COLUMNS: [Kpi; 5] =
    [Kpi::NetRevenue, Kpi::Receipts, Kpi::GrossMargin, Kpi::Availability, Kpi::WasteShare];

/// A table of the report: its title, and its rows of texts.
type Table = (&'static str, Vec<Vec<String>>);

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a DayReport,
    date: String,
    head: Vec<(&'static str, String, String)>,
    tables: Vec<Table>,
}

/// The report of a day of one store, or of all together; of the last full day where none is named.
/// Blocks while the log is read.
pub fn day_report(
    folder: &Folder,
    store: Option<StoreId>,
    day: Option<Day>,
) -> Result<DayReport, WebError> {
    let reader = ChainReader::open(folder, Follow::FromSnapshot)?;
    let chain = Chain::new(reader.partitions());
    let day = day.unwrap_or_else(|| chain.today(store).plus(-1));
    let mut effects = Vec::new();
    let read: Result<u64, HostError> = OutputTail::open(folder)?.catch_up(|_, record| {
        if !matches!(record.effect, Effect::Window(_)) {
            let clock = chain.store(record.store).map(|store| &store.settings().clock);
            if clock.is_some_and(|clock| clock.day(record.at) == day) {
                effects.push(record);
            }
        }
    });
    read?;
    Ok(DayReport::new(&chain, store, day, &effects))
}

/// A report as one HTML file.
pub fn report_page(report: &DayReport) -> Result<String, WebError> {
    html(report).map_err(|error| WebError::Server(error.to_string()))
}

pub(super) fn html(report: &DayReport) -> Result<String, askama::Error> {
    let value = |row: &Option<KpiRow>, kpi| {
        row.as_ref().map_or_else(|| "–".to_owned(), |row| figure(row, kpi))
    };
    let head = HEAD
        .iter()
        .map(|&(kpi, name)| (name, value(&report.figures, kpi), value(&report.week_before, kpi)));
    let named = |rows: &[KpiRow], category: bool| {
        rows.iter()
            .map(|row| {
                let name = if category { fmt::category(&row.name) } else { row.name.clone() };
                let figures = COLUMNS.iter().map(|&kpi| figure(row, kpi));
                std::iter::once(name).chain(figures).collect()
            })
            .collect()
    };
    let tables = vec![
        ("Stores", named(&report.stores, false)),
        ("Categories", named(&report.categories, true)),
        ("Best products", named(&report.best_products, false)),
        ("Last products", named(&report.last_products, false)),
    ];
    let date = format!("{} {}", wording::weekday(report.date), wording::date(report.date));
    Page { report, date, head: head.collect(), tables }.render()
}
