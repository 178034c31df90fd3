//! The SQL console: what can be asked, what was answered, and within which limits.

use askama::Template;

use super::chart::{Chart, Line};
use super::query::encode;
use super::scene::{Part, Scene, SqlGrid, SqlRun, Wrong};
use super::{Missing, fmt};
use crate::{SqlFailure, SqlLimits, SqlObject};

/// The most rows that are shown; downloads have all.
pub(super) const SHOWN: u64 = 500;

const EXAMPLES: [(&str, &str); 4] = [
    (
        "Empty shelves",
        "SELECT store, sku, name, warehouse_units\nFROM live.shelves\n\
         WHERE state = 'empty'\nORDER BY warehouse_units DESC",
    ),
    (
        "Alerts by rule",
        "SELECT rule, severity, count(*) AS alerts\nFROM live.alerts\n\
         GROUP BY rule, severity\nORDER BY alerts DESC",
    ),
    (
        "Lots that expire next",
        "SELECT sku, lot, expiry_day, floor_units, warehouse_units\nFROM live.lots\n\
         ORDER BY expiry_day\nLIMIT 50",
    ),
    (
        "Units by category",
        "SELECT category, sum(floor_units) AS units\nFROM live.shelves\n\
         GROUP BY category\nORDER BY units DESC",
    ),
];

#[derive(Template)]
#[template(path = "sql.html")]
struct Console<'a> {
    text: String,
    mark: &'a str,
    objects: &'a [SqlObject],
    trouble: String,
    there: bool,
    limits: Option<SqlLimits>,
    examples: Vec<(&'static str, String)>,
    psql: Option<String>,
    downloads: Vec<(&'static str, String)>,
    grid: Option<&'a SqlGrid>,
    failure: Option<&'a SqlFailure>,
    chart: String,
}

/// The parts of the page.
pub(super) fn parts(scene: &Scene<'_>) -> Result<Vec<Part>, Wrong> {
    if scene.as_of.is_some() {
        let what = "Statements are answered from the present.";
        let hint =
            "Go back to live; the tables of the lake have a past of their own, behind AS OF.";
        return Ok(vec![Part::still("sql", &Missing { what, hint })?]);
    }
    if scene.extra.barred {
        let what = "Statements see every store, and you do not.";
        let hint = "Every list of the API is there as CSV, for the stores that you see.";
        return Ok(vec![Part::still("sql", &Missing { what, hint })?]);
    }
    let run = scene.extra.run.as_ref();
    let usual = EXAMPLES.first().map_or("", |(_, text)| text);
    let text = run
        .map_or_else(|| scene.query.get("q").unwrap_or(usual).to_owned(), |run| run.text.clone());
    let (objects, trouble): (&[SqlObject], String) = match &scene.extra.objects {
        Some(Ok(objects)) => (objects, String::new()),
        Some(Err(trouble)) => (&[], trouble.clone()),
        None => (&[], String::new()),
    };
    let outcome = run.map(|run| &run.outcome);
    let grid = outcome.and_then(|outcome| outcome.as_ref().ok());
    let page = Console {
        objects,
        trouble,
        there: scene.extra.objects.is_some(),
        limits: scene.extra.limits,
        examples: EXAMPLES
            .iter()
            .map(|(name, text)| (*name, format!("/sql?q={}", encode(text))))
            .collect(),
        psql: scene.extra.postgres.map(|at| {
            // An address that means every one of this machine is none to connect to.
            let host =
                if at.ip().is_unspecified() { "127.0.0.1".into() } else { at.ip().to_string() };
            format!("psql -h {host} -p {} -d shelf -c {}", at.port(), quoted(&text))
        }),
        downloads: [("CSV", "csv"), ("Parquet", "parquet"), ("Arrow", "arrow")]
            .into_iter()
            .map(|(name, format)| (name, file(format, &text, &scene.extra.mark)))
            .collect(),
        failure: outcome.and_then(|outcome| outcome.as_ref().err()),
        chart: run.map_or_else(String::new, chart),
        grid,
        text,
        mark: &scene.extra.mark,
    };
    Ok(vec![Part::still("sql", &page)?])
}

/// The address of the answer to a statement as a file.
fn file(format: &str, text: &str, mark: &str) -> String {
    format!("/sql/{format}?q={}&run={mark}", encode(text))
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A chart of the first column that names and the first that counts; nothing where there is none.
fn chart(run: &SqlRun) -> String {
    let Ok(grid) = &run.outcome else { return String::new() };
    let number = |row: &Vec<Option<String>>, at: usize| {
        row.get(at).and_then(|cell| cell.as_ref()?.parse::<f64>().ok())
    };
    let counts = (1..grid.columns.len())
        .find(|&at| !grid.rows.is_empty() && grid.rows.iter().all(|row| number(row, at).is_some()));
    let Some(at) = counts else { return String::new() };
    if !(2..=60).contains(&grid.rows.len()) {
        return String::new();
    }
    let label = |row: &Vec<Option<String>>| row.first().cloned().flatten().unwrap_or_default();
    let name = grid.columns.get(at).map(|column| column.name.clone()).unwrap_or_default();
    Chart {
        title: format!("{name} by row"),
        unit: "",
        labels: grid.rows.iter().map(label).collect(),
        lines: vec![Line::new("Value", grid.rows.iter().map(|row| number(row, at)).collect())],
        bars: true,
        marks: None,
    }
    .html()
}
