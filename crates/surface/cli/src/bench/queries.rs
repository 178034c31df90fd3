//! The bench of statements as dashboards ask them, over a year of one store, beside `DuckDB` on the
//! same files.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};
use shelf_host::Folder;
use shelf_query::arrow::array::{AsArray as _, RecordBatch};
use shelf_query::arrow::compute::cast;
use shelf_query::arrow::datatypes::{DataType, Float64Type};
use shelf_query::arrow::error::ArrowError;
use shelf_query::{Lake, Limits, Session, Sql};

use super::Measured;
use super::lake::{DataYear, number};
use super::place::{Place, io};
use super::steady::Delays;
use crate::failure::Failure;

/// The statements, each behind a line with its name.
const STATEMENTS: &str = include_str!("queries.sql");
const NAME: &str = "-- name: ";
/// What `DuckDB` is asked with.
const DUCKDB: &str = include_str!("duckdb_queries.py");
/// How often each statement is measured, after once for nothing.
const RUNS: usize = 7;
/// The tables that the statements read.
const TABLES: [&str; 13] = [
    "curated.dim_category",
    "curated.dim_customer_type",
    "curated.dim_date",
    "curated.dim_payment_method",
    "curated.dim_product",
    "curated.dim_supplier",
    "curated.fact_alerts",
    "curated.fact_deliveries",
    "curated.fact_inventory",
    "curated.fact_sales",
    "curated.fact_waste",
    "raw.foot_traffic",
    "raw.pos_transactions",
];

/// How one statement went.
struct Timed {
    name: &'static str,
    answer: Answer,
    ms: Vec<f64>,
}

/// What an answer comes to, to be compared with that of another engine.
#[derive(Clone, Copy, Debug, Default)]
struct Answer {
    rows: u64,
    /// The sum of all its numbers.
    numbers: f64,
}

impl Answer {
    fn add(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        let unfit = |error: ArrowError| Failure::new("bench", error.to_string(), "report this");
        self.rows += batch.num_rows() as u64;
        for column in batch.columns().iter().filter(|column| column.data_type().is_numeric()) {
            let numbers = cast(column, &DataType::Float64).map_err(unfit)?;
            let numbers = numbers.as_primitive::<Float64Type>();
            self.numbers += numbers.iter().flatten().sum::<f64>();
        }
        Ok(())
    }

    /// Whether it is the same as another; sums of fractions depend on their order a little.
    fn agrees(&self, rows: Option<u64>, numbers: Option<f64>) -> bool {
        let near = |other: f64| (self.numbers - other).abs() <= 1e-6 * other.abs().max(1.0);
        rows == Some(self.rows) && numbers.is_some_and(near)
    }
}

pub(super) fn measure(place: &Place, python: &Path) -> Result<Measured, Failure> {
    let year = DataYear::simulated(place)?;
    let lake = year.data().join("lake");
    let statements = statements();
    let ours = ours(year.data(), &lake, &statements)?;
    let theirs = duckdb(python, &lake, &statements)?;
    let (mut all, mut rows) = (Vec::new(), Vec::new());
    let (mut sum, mut sum_of_theirs) = (0.0, 0.0);
    for timed in &ours {
        let answer = theirs.get("answers").and_then(|answers| answers.get(timed.name));
        let answer = answer.cloned().unwrap_or_default();
        let rows_there = answer.get("rows").and_then(Value::as_u64);
        if !timed.answer.agrees(rows_there, answer.get("numbers").and_then(Value::as_f64)) {
            let message = format!("{}: {:?} here, and there {answer}", timed.name, timed.answer);
            return Err(Failure::new("bench", message, "report this as a defect"));
        }
        let times = answer.get("ms").and_then(Value::as_array).cloned().unwrap_or_default();
        let times: Vec<f64> = times.iter().filter_map(Value::as_f64).collect();
        let (own, their) = (Delays::of(timed.ms.clone()).at(0.5), Delays::of(times).at(0.5));
        sum += own;
        sum_of_theirs += their;
        all.extend(timed.ms.iter().copied());
        rows.push(json!({
            "statement": timed.name, "rows": timed.answer.rows, "ms": own, "duckdb_ms": their,
        }));
    }
    let p95 = Delays::of(all).at(0.95);
    let ratio = sum / sum_of_theirs;
    Ok(Measured {
        unit: "ms (p95)",
        value: p95,
        target: "under 300, and within 1.5 times of DuckDB",
        detail: json!({
            "shown": format!("{ratio:.2} times of DuckDB's time"),
            "times_of_duckdb": ratio, "duckdb": theirs.get("version"), "threads": THREADS,
            "events": number(year.simulated_report(), "events"), "statements": rows,
        }),
    })
}

/// Both engines have as many threads.
const THREADS: usize = 2;

fn statements() -> Vec<(&'static str, &'static str)> {
    let named = |part: &'static str| {
        let (name, statement) = part.split_once('\n')?;
        Some((name.trim(), statement.trim().trim_end_matches(';')))
    };
    STATEMENTS.split(NAME).skip(1).filter_map(named).collect()
}

fn ours(
    data: &Path,
    lake: &Path,
    statements: &[(&'static str, &str)],
) -> Result<Vec<Timed>, Failure> {
    let lake = Lake::at(&lake.to_string_lossy(), std::collections::HashMap::new())?;
    let limits = Limits { threads: THREADS, ..Limits::default() };
    let sql = Sql::open(&Folder::at(data), &lake, limits)?;
    let session = sql.session();
    let mut all = Vec::new();
    for &(name, statement) in statements {
        let (mut ms, mut answer) = (Vec::new(), Answer::default());
        for run in 0..=RUNS {
            let begun = Instant::now();
            let batches = answered(&sql, &session, statement)?;
            if run > 0 {
                ms.push(begun.elapsed().as_secs_f64() * 1_000.0);
            } else {
                batches.iter().try_for_each(|batch| answer.add(batch))?;
            }
        }
        all.push(Timed { name, answer, ms });
    }
    Ok(all)
}

/// Reads an answer to its end.
fn answered(sql: &Sql, session: &Session, statement: &str) -> Result<Vec<RecordBatch>, Failure> {
    let mut batches = Vec::new();
    for statement in session.statements(statement)? {
        let mut answer = sql.block_on(session.answer(&statement))??;
        while let Some(batch) = sql.block_on(answer.next())?? {
            batches.push(batch);
        }
    }
    Ok(batches)
}

fn duckdb(python: &Path, lake: &Path, statements: &[(&str, &str)]) -> Result<Value, Failure> {
    let asked = json!({
        "root": lake, "tables": TABLES, "statements": statements, "runs": RUNS,
        "threads": THREADS,
    });
    let absent = |error: std::io::Error| {
        let message = format!("{} cannot be started: {error}", python.display());
        Failure::new("bench", message, "name a Python with `duckdb` and `deltalake` by --python")
    };
    let mut command = Command::new(python);
    command.args(["-c", DUCKDB]).stdin(Stdio::piped()).stdout(Stdio::piped());
    command.stderr(Stdio::piped());
    let mut child = command.spawn().map_err(absent)?;
    if let Some(mut to) = child.stdin.take() {
        to.write_all(asked.to_string().as_bytes()).map_err(io)?;
    }
    let output = child.wait_with_output().map_err(io)?;
    serde_json::from_slice(&output.stdout).map_err(|_| {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let last = said.trim().lines().next_back().unwrap_or("it said nothing").to_owned();
        let message = format!("DuckDB gave no answer: {last}");
        Failure::new("bench", message, "name a Python with `duckdb` and `deltalake` by --python")
    })
}
