//! What was sold beside the same days a week earlier, as a part of the page of sales.

use shelf_domain::Kpi;
use shelf_views::{KpiBy, KpiFilter, SalesRow, SalesView, wording};

use super::super::scene::Scene;
use super::{Choice, RANKED, days, named};

/// What was sold beside the same days a week earlier.
pub(super) struct Compared {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) choices: Vec<Choice>,
    pub(super) rows: Vec<Row>,
    /// How many rows there are of how many.
    pub(super) shown: String,
    /// Where all of them are.
    pub(super) json: String,
    pub(super) csv: String,
    pub(super) known: bool,
}

pub(super) struct Row {
    pub(super) name: String,
    pub(super) link: String,
    pub(super) cells: Vec<Cell>,
}

pub(super) struct Cell {
    pub(super) value: String,
    pub(super) before: String,
    pub(super) change: String,
    pub(super) class: &'static str,
}

/// As many ended days as are asked for, beside the same days a week earlier: today is not over.
pub(super) fn compared(scene: &Scene<'_>) -> Compared {
    let (count, _, today) = days(scene);
    let (from_day, to_day) = (today.plus(-count), today.plus(-1));
    let (store, sort) = (scene.asked(), Some(Kpi::NetRevenue));
    let view = |by| {
        let filter = KpiFilter { store, by, from_day, to_day, sort, limit: Some(RANKED) };
        SalesView::new(scene.chain, &filter)
    };
    let (by, choices) = chosen(scene);
    let (all, of) = (view(KpiBy::Chain), view(by));
    let known = all.rows.iter().chain(&of.rows).all(SalesRow::known);
    let mut rows: Vec<Row> = all.rows.iter().map(|one| row(scene, KpiBy::Chain, one)).collect();
    rows.extend(of.rows.iter().map(|one| row(scene, by, one)));
    let (from, to) = (wording::date(from_day), wording::date(to_day));
    let (json, csv) = exports(scene, by, &from, &to);
    let shown = shown(by, of.rows.len(), of.total);
    Compared { from, to, choices, rows, shown, json, csv, known }
}

/// What the rows are about, and what else they could be about; one store is told in the first row.
fn chosen(scene: &Scene<'_>) -> (KpiBy, Vec<Choice>) {
    let offered: &[KpiBy] = match scene.stores().len() {
        ..=1 => &[KpiBy::Category, KpiBy::Product],
        _ => &[KpiBy::Store, KpiBy::Category, KpiBy::Product],
    };
    let asked = scene.query.get("by");
    let found = offered.iter().copied().find(|by| asked == Some(by.code()));
    let by = found.or(offered.first().copied()).unwrap_or_default();
    let choice = |&one: &KpiBy| Choice {
        name: format!("By {}", one.code()),
        link: format!("/sales{}", scene.query.with("by", one.code())),
        here: one == by,
    };
    (by, offered.iter().map(choice).collect())
}

/// `12 of 33 stores, those with the most revenue.`
fn shown(by: KpiBy, rows: usize, total: u64) -> String {
    let things = match by {
        KpiBy::Category => "categories",
        KpiBy::Product => "products",
        _ => "stores",
    };
    let all = wording::count(total);
    if rows as u64 >= total {
        return format!("All {all} {things}.");
    }
    format!("{rows} of {all} {things}, those with the most revenue.")
}

/// Where all rows are, as JSON and as CSV.
fn exports(scene: &Scene<'_>, by: KpiBy, from: &str, to: &str) -> (String, String) {
    let sort = Kpi::NetRevenue.code();
    let path = format!("/api/v1/sales?by={}&from={from}&to={to}&sort={sort}", by.code());
    let json = scene.in_api(&path, &["store"]);
    let csv = format!("{json}&format=csv");
    (json, csv)
}

fn row(scene: &Scene<'_>, by: KpiBy, row: &SalesRow) -> Row {
    let money = |value: f64| wording::money((value * 100.0).round() as i64);
    let count = |value: f64| wording::count(value.round() as i64);
    let (name, link) = named(scene, by, &row.id, &row.name);
    let cells = vec![
        cell(&row.revenue, money),
        cell(&row.transactions, count),
        cell(&row.customers, count),
        cell(&row.units, count),
    ];
    Row { name, link, cells }
}

fn cell(compared: &shelf_views::Compared, text: impl Fn(f64) -> String) -> Cell {
    Cell {
        value: text(compared.value),
        before: compared.week_before.map_or_else(|| "–".to_owned(), &text),
        change: compared.change(),
        class: match compared.change_percent {
            Some(percent) if percent > 0.0 => "up",
            Some(percent) if percent < 0.0 => "down",
            _ => "",
        },
    }
}
