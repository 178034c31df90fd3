//! What was sold, and what was lost: windows, rankings, patterns, waste, availability.

mod compared;

use askama::Template;
use shelf_domain::{Cause, Day, HOUR, Kpi, Sku, Store, Timestamp, WindowName};
use shelf_views::{
    KpiBy, KpiFilter, KpiRow, KpisView, MarkdownRow, MarkdownsView, PatternRow, PatternsView,
    WindowFilter, WindowKind, WindowKindsView, WindowLine, WindowsView, best_products, wording,
};

use self::compared::{Compared, compared};
use super::chart::{Chart, Line};
use super::fmt;
use super::query::encode;
use super::scene::{Part, Scene, Wrong};

/// So many days are looked at where nobody says how many.
const DAYS: i32 = 7;
/// So many days the calendar has: as many as products are known for.
const CALENDAR_DAYS: i32 = 28;
/// The most rows of a ranking.
const RANKED: usize = 12;

/// A choice that is a link.
struct Choice {
    name: String,
    link: String,
    here: bool,
}

/// A row of figures with its link.
pub(super) struct Ranked {
    pub(super) name: String,
    pub(super) link: String,
    pub(super) figures: Vec<String>,
    pub(super) units: String,
}

/// A grid of days and hours.
struct Grid {
    title: &'static str,
    hours: Vec<String>,
    rows: Vec<(String, Vec<Cell>)>,
    empty: bool,
}

struct Cell {
    class: String,
    text: String,
    title: String,
}

struct WindowRow {
    line: WindowLine,
    start: String,
}

#[derive(Template)]
#[template(path = "sales.html")]
struct Sales {
    spans: Vec<Choice>,
    chart: String,
    compared: Compared,
    tables: Vec<(&'static str, Vec<Ranked>)>,
    grid: Grid,
    several: bool,
}

#[derive(Template)]
#[template(path = "windows.html")]
struct Windows {
    kinds: Vec<Choice>,
    rows: Vec<WindowRow>,
    by_product: bool,
    name: String,
    export: String,
}

/// The days that are looked at.
fn days(scene: &Scene<'_>) -> (i32, Day, Day) {
    let asked = scene.query.get("days").and_then(|days| days.parse().ok());
    let days: i32 = asked.unwrap_or(DAYS).clamp(1, 31);
    let to = scene.chain.today(scene.asked());
    (days, to.plus(1 - days), to)
}

fn ranking(scene: &Scene<'_>, by: KpiBy, kpis: &[Kpi], sort: Option<Kpi>) -> Vec<Ranked> {
    let (_, from_day, to_day) = days(scene);
    let limit = Some(if by == KpiBy::Day { 31 } else { RANKED });
    let filter = KpiFilter { store: scene.asked(), by, from_day, to_day, sort, limit };
    let rows = match (by, sort) {
        (KpiBy::Product, Some(Kpi::WasteUnits)) => {
            best_products(scene.chain, &filter, |facts| facts.wasted as i64)
        }
        (KpiBy::Product, _) => best_products(scene.chain, &filter, |facts| facts.net_cents),
        _ => KpisView::new(scene.chain, &filter).rows,
    };
    rows.iter().map(|row| ranked(scene, by, kpis, row)).collect()
}

fn ranked(scene: &Scene<'_>, by: KpiBy, kpis: &[Kpi], row: &KpiRow) -> Ranked {
    let (name, link) = named(scene, by, &row.id, &row.name);
    let figures = kpis.iter().map(|&kpi| figure(row, kpi)).collect();
    Ranked { name, link, figures, units: wording::count(row.sold_units) }
}

/// The name of a row and where it leads to.
fn named(scene: &Scene<'_>, by: KpiBy, id: &str, name: &str) -> (String, String) {
    match by {
        KpiBy::Store => (name.to_owned(), format!("/sales?store={}", encode(id))),
        KpiBy::Product => (name.to_owned(), scene.link(&format!("/shelves/{}", encode(id)))),
        KpiBy::Category => {
            let link = match shelf_views::zone_of(id) {
                Some(zone) => format!("/zones/{}", zone.zone),
                None => format!("/shelves?category={}", encode(id)),
            };
            (fmt::category(name), scene.link(&link))
        }
        KpiBy::Chain | KpiBy::Day => (name.to_owned(), String::new()),
    }
}

/// A figure as people read it.
pub(super) fn figure(row: &KpiRow, kpi: Kpi) -> String {
    use shelf_domain::Unit;
    let Some(value) = row.figures.get(kpi.code()).copied().flatten() else {
        return "–".to_owned();
    };
    match kpi.unit() {
        Unit::Percent => format!("{value:.1} %"),
        Unit::Money => wording::money((value * 100.0).round() as i64),
        Unit::Days => format!("{value:.1}"),
        Unit::Number | Unit::Units => wording::count(value.round() as i64),
    }
}

/// The parts of the page of sales.
pub(super) fn sales(scene: &Scene<'_>) -> Result<Vec<Part>, Wrong> {
    const SHOWN: [Kpi; 4] = [Kpi::NetRevenue, Kpi::Receipts, Kpi::Customers, Kpi::GrossMargin];
    let (chosen, ..) = days(scene);
    let span = |days: i32| Choice {
        name: if days == 1 { "Today".to_owned() } else { format!("{days} days") },
        link: format!("/sales{}", scene.query.with("days", &days.to_string())),
        here: days == chosen,
    };
    let several = scene.stores().len() > 1;
    let mut tables = vec![
        ("Best products", ranking(scene, KpiBy::Product, &SHOWN, Some(Kpi::NetRevenue))),
        ("Categories", ranking(scene, KpiBy::Category, &SHOWN, Some(Kpi::NetRevenue))),
        ("Days", ranking(scene, KpiBy::Day, &SHOWN, None)),
    ];
    if several {
        let stores = ranking(scene, KpiBy::Store, &SHOWN, Some(Kpi::NetRevenue));
        tables.insert(0, ("Stores", stores));
    }
    let patterns = patterns(scene);
    let hours = hourly(scene, &patterns);
    let grid = grid(&patterns, "Sales by hour and day", Scale::Amount, |row| {
        (row.net_cents > 0).then_some(row.net_cents as f64 / 100.0)
    });
    let page = Sales {
        compared: compared(scene),
        spans: [1, 7, 14, 28].map(span).into_iter().collect(),
        chart: Chart {
            title: "Net revenue by hour, the last two days".to_owned(),
            unit: "",
            labels: hours.iter().map(|(at, _)| at.clone()).collect(),
            lines: vec![Line::new("Net revenue", hours.into_iter().map(|(_, v)| v).collect())],
            bars: true,
            marks: None,
        }
        .html(),
        tables,
        grid,
        several,
    };
    let mut parts = vec![Part::still("sales", &page)?];
    parts.extend(live(scene)?);
    Ok(parts)
}

/// What of it is brought up to date: the rest takes long to work out, and stays as it was sent.
pub(super) fn live(scene: &Scene<'_>) -> Result<Vec<Part>, Wrong> {
    Ok(vec![Part::live("windows", &windows(scene)?)?])
}

fn patterns(scene: &Scene<'_>) -> PatternsView {
    PatternsView::new(scene.chain, scene.asked(), scene.history)
}

/// What each of the last 48 hours sold.
fn hourly(scene: &Scene<'_>, patterns: &PatternsView) -> Vec<(String, Option<f64>)> {
    let stores = scene.stores();
    let Some(now) = stores.iter().map(|store| store.now()).max() else { return Vec::new() };
    let clock = stores.first().map(|store| store.settings().clock.clone()).unwrap_or_default();
    let hour = |back: i64| {
        let start = Timestamp((now.0.div_euclid(HOUR) - back - 1) * HOUR);
        let found = patterns.rows.iter().find(|row| row.start_at == start);
        (fmt::local(&clock, start), found.map(|row| row.net_cents as f64 / 100.0))
    };
    (0..48).rev().map(hour).collect()
}

/// A grid of the last days and their hours, of those that have a figure.
fn grid(
    patterns: &PatternsView,
    title: &'static str,
    scale: Scale,
    figure: impl Fn(&PatternRow) -> Option<f64>,
) -> Grid {
    let known = patterns.rows.iter().filter_map(|row| Some((row, figure(row)?)));
    let values: Vec<(Day, usize, f64)> =
        known.map(|(row, value)| (row.date, usize::from(row.hour), value)).collect();
    let most = values.iter().map(|(.., value)| *value).fold(0.0, f64::max);
    let first = values.iter().map(|(_, hour, _)| *hour).min().unwrap_or(0);
    let last = values.iter().map(|(_, hour, _)| *hour).max().unwrap_or(0);
    let mut rows: Vec<(String, Vec<Cell>)> = Vec::new();
    let mut known: Vec<Day> = values.iter().map(|(day, ..)| *day).collect();
    known.dedup();
    for day in known {
        let cell = |hour: usize| {
            let found = values.iter().find(|(d, h, _)| *d == day && *h == hour);
            cell(found.map(|(.., value)| *value), most, hour, scale)
        };
        let (_, _, of_month) = day.civil();
        let name = format!("{} {of_month}", wording::weekday(day));
        rows.push((name, (first..=last).map(cell).collect()));
    }
    Grid {
        title,
        hours: (first..=last).map(|hour| format!("{hour:02}")).collect(),
        empty: rows.is_empty(),
        rows,
    }
}

/// How the levels of a grid are told.
#[derive(Clone, Copy)]
enum Scale {
    /// The more, the stronger.
    Amount,
    /// A share of 100 % that should be whole.
    Share,
}

fn cell(value: Option<f64>, most: f64, hour: usize, scale: Scale) -> Cell {
    let Some(value) = value else {
        return Cell { class: "heat-none".to_owned(), text: String::new(), title: String::new() };
    };
    let level = (value / most.max(0.01) * 4.0).ceil().clamp(0.0, 4.0) as u8;
    let class = match (scale, value) {
        (Scale::Amount, _) => format!("cool-{level}"),
        (Scale::Share, ..95.0) => "heat-4".to_owned(),
        (Scale::Share, ..97.0) => "heat-3".to_owned(),
        (Scale::Share, ..98.5) => "heat-2".to_owned(),
        (Scale::Share, _) => "heat-1".to_owned(),
    };
    Cell {
        class,
        text: wording::count(value.round() as i64),
        title: format!("{hour:02}:00: {value:.2}"),
    }
}

fn windows(scene: &Scene<'_>) -> Result<Windows, Wrong> {
    let kinds = WindowKindsView::new(scene.chain, scene.asked()).kinds;
    let asked = scene.query.get("window").map(WindowName::cut);
    let usual = kinds.iter().find(|kind| kind.name.as_str() == "store_1m").or(kinds.first());
    let name = asked.or(usual.map(|kind| kind.name)).unwrap_or_default();
    let sku = scene.query.get("sku").map(Sku::cut);
    let filter = WindowFilter { store: scene.asked(), sku, ..WindowFilter::default() };
    let view = WindowsView::recent(scene.chain, name, &filter);
    let view = match (view, asked) {
        (Some(view), _) => view,
        (None, Some(name)) => {
            let what = format!("There is no window {name}.");
            return Err(Wrong::missing(what, "Choose one of those that are kept."));
        }
        (None, None) => WindowsView::default(),
    };
    let clock = scene.stores().first().map(|store| store.settings().clock.clone());
    let clock = clock.unwrap_or_default();
    let by_product = view.by_product();
    let row = |line: &WindowLine| WindowRow {
        start: wording::local_time(&clock, line.start),
        line: line.clone(),
    };
    let choice = |kind: &WindowKind| Choice {
        name: kind.name.to_string(),
        link: format!("/sales{}#windows", scene.query.with("window", kind.name.as_str())),
        here: kind.name == name,
    };
    Ok(Windows {
        kinds: kinds.iter().map(choice).collect(),
        rows: view.rows.iter().rev().take(60).map(row).collect(),
        by_product,
        export: scene.in_api(
            &format!("/api/v1/windows/{}?format=csv", encode(name.as_str())),
            &["store", "sku"],
        ),
        name: name.to_string(),
    })
}

#[derive(Template)]
#[template(path = "waste.html")]
struct Waste {
    weekdays: [&'static str; 7],
    calendar: Vec<Vec<Cell>>,
    tables: Vec<(&'static str, Vec<&'static str>, Vec<Ranked>)>,
    causes: Vec<(String, String, String)>,
    reduced_units: u64,
    reduced_cents: i64,
    effects: Vec<(&'static str, Vec<MarkdownRow>)>,
    grid: Grid,
}

/// The parts of the page of waste and availability.
pub(super) fn waste(scene: &Scene<'_>) -> Result<Vec<Part>, Wrong> {
    const COLUMNS: [Kpi; 4] =
        [Kpi::WasteUnits, Kpi::WasteShare, Kpi::ShrinkUnits, Kpi::Availability];
    const HEADS: [&str; 4] = ["Wasted units", "Waste, % of sales", "Unexplained", "Availability"];
    let (reduced_units, reduced_cents) = reduced(&scene.stores());
    let table = |by, name| {
        let sort = if by == KpiBy::Day { None } else { Some(Kpi::WasteUnits) };
        (name, HEADS.to_vec(), ranking(scene, by, &COLUMNS, sort))
    };
    let mut tables = vec![
        table(KpiBy::Category, "By category, 7 days"),
        table(KpiBy::Product, "By product, 7 days"),
    ];
    if scene.stores().len() > 1 {
        tables.push(table(KpiBy::Store, "By store, 7 days"));
    }
    let page = Waste {
        weekdays: ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
        calendar: calendar(scene),
        tables,
        causes: causes(&scene.stores()),
        reduced_units,
        reduced_cents,
        effects: vec![
            ("What markdowns did, by day", markdowns(scene, KpiBy::Day)),
            ("What markdowns did, by category", markdowns(scene, KpiBy::Category)),
        ],
        grid: grid(
            &patterns(scene),
            "On-shelf availability by hour and day, %",
            Scale::Share,
            |row| row.availability_percent,
        ),
    };
    Ok(vec![Part::still("waste", &page)?])
}

fn markdowns(scene: &Scene<'_>, by: KpiBy) -> Vec<MarkdownRow> {
    let (_, from_day, to_day) = days(scene);
    let (store, limit) = (scene.asked(), Some(RANKED));
    let filter = KpiFilter { store, by, from_day, to_day, sort: None, limit };
    let mut rows = MarkdownsView::new(scene.chain, &filter).rows;
    if by == KpiBy::Category {
        for row in &mut rows {
            row.name = fmt::category(&row.name);
        }
    }
    rows
}

/// Weeks of days, each with its share of waste.
fn calendar(scene: &Scene<'_>) -> Vec<Vec<Cell>> {
    let to_day = scene.chain.today(scene.asked());
    let back = CALENDAR_DAYS - 7 + i32::from(to_day.weekday());
    let from_day = to_day.plus(-back);
    let filter = KpiFilter {
        store: scene.asked(),
        by: KpiBy::Day,
        from_day,
        to_day,
        sort: None,
        limit: None,
    };
    let rows = KpisView::new(scene.chain, &filter).rows;
    let day = |at: i32| {
        let date = wording::date(from_day.plus(at));
        let known = rows.iter().find(|row| row.id == date);
        let share = known.and_then(|row| row.figures.get(Kpi::WasteShare.code()).copied()?);
        let Some(share) = share else {
            return Cell { class: "heat-none".to_owned(), text: String::new(), title: date };
        };
        let level = match share {
            ..0.5 => 1,
            ..1.5 => 2,
            ..3.0 => 3,
            _ => 4,
        };
        let title = format!("{date}: {share:.2} % of sales");
        Cell { class: format!("heat-{level}"), text: format!("{share:.1}"), title }
    };
    let cells: Vec<Cell> = (0..=back).map(day).collect();
    let mut weeks: Vec<Vec<Cell>> = Vec::new();
    for (at, cell) in cells.into_iter().enumerate() {
        if at % 7 == 0 {
            weeks.push(Vec::new());
        }
        if let Some(week) = weeks.last_mut() {
            week.push(cell);
        }
    }
    weeks
}

/// Movements that settled a disagreement, by cause.
pub(super) fn causes(stores: &[&Store]) -> Vec<(String, String, String)> {
    let row = |cause: &Cause| {
        let at = *cause as usize;
        let sum = |of: fn(&Store, usize) -> u64| stores.iter().map(|store| of(store, at)).sum();
        let times: u64 = sum(|store, at| store.stats().explained.get(at));
        let units: u64 = sum(|store, at| store.stats().explained_units.get(at));
        (fmt::words(cause.code()), wording::count(times), wording::count(units))
    };
    Cause::ALL.iter().map(row).collect()
}

/// Units on the floor that are cut in price because they expire soon, and what they would bring.
fn reduced(stores: &[&Store]) -> (u64, i64) {
    let (mut units, mut cents) = (0_u64, 0_i64);
    for store in stores {
        for index in store.skus() {
            for lot in store.lots(index).filter(|lot| lot.markdown.0 > 0) {
                units += u64::from(lot.floor_units);
                let price = store.price_cents(index, Some(lot));
                cents = cents.saturating_add(price.saturating_mul(i64::from(lot.floor_units)));
            }
        }
    }
    (units, cents)
}
