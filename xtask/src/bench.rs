//! `cargo xtask bench`: the benchmark table with the machine on which it was measured.
//!
//! The binary measures itself (`shelf bench <name> --json`); this only runs it, each row in a
//! process of its own, and shows what it said. No figure of the table is written here.

use crate::machine::Machine;
use crate::services::Server;
use crate::workspace::{Profile, Workspace, command_line};
use crate::{python, services, tools};
use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Measure this row only.
    #[arg(long, value_name = "NAME", value_parser = clap::builder::PossibleValuesParser::new(
        ROWS.map(|row| row.name)))]
    only: Option<String>,
    /// Where the data of the benches goes for their time, on a disk [default: bench, in the target
    /// folder].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

/// A row of the table. `cpus` is the list that `taskset` holds the process to.
#[derive(Clone, Copy)]
struct Row {
    name: &'static str,
    cpus: Option<&'static str>,
    /// What runs beside it.
    beside: &'static [Beside],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Beside {
    Browser,
    DuckDb,
    Server(Server),
}

const ROWS: [Row; 30] = [
    row("core_steps", ONE),
    row("import_one_core", ONE),
    row("import_two_cores", TWO),
    row("simulate_year", ANY),
    row("event_to_alert", ANY),
    row("restart", ANY),
    row("resident_demo", ANY),
    row("hundred_stores", ANY),
    row("watching_cost", ONE),
    row("store_memory", ONE),
    row("resident_with_lake", ANY),
    row("lake_rows", ONE),
    row("lake_year", ANY),
    row("lake_slowdown", TWO),
    row("live_visible", TWO),
    row("lake_visible", TWO),
    row("http_load", TWO),
    Row { beside: &[Beside::DuckDb], ..row("sql_queries", TWO) },
    Row { beside: &[KAFKA], ..row("kafka_events", TWO) },
    Row { beside: &[KAFKA], ..row("kafka_alert", TWO) },
    Row { beside: &[KAFKA], ..row("kafka_transactions_cost", TWO) },
    Row { beside: &[KAFKA], ..row("kafka_take_over", TWO) },
    Row { beside: &[KAFKA], ..row("kafka_intake", TWO) },
    Row { beside: &[KAFKA, REDIS], ..row("redis_bridge", TWO) },
    Row { beside: &[REDIS], ..row("redis_entries", TWO) },
    Row { beside: &[POSTGRES], ..row("mirror_rows", TWO) },
    row("first_page", TWO),
    row("page_time", TWO),
    row("first_load", TWO),
    Row { beside: &[Beside::Browser], ..row("event_to_pixel", TWO) },
];

/// Any cores, the first, the first two.
const ANY: Option<&str> = None;
const ONE: Option<&str> = Some("0");
const TWO: Option<&str> = Some("0,1");

const KAFKA: Beside = Beside::Server(Server::Kafka);
const REDIS: Beside = Beside::Server(Server::Redis);
const POSTGRES: Beside = Beside::Server(Server::Postgres);

const fn row(name: &'static str, cpus: Option<&'static str>) -> Row {
    Row { name, cpus, beside: &[] }
}

/// What a row said, or why it said nothing.
struct Measured {
    row: Row,
    outcome: Result<Value>,
}

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let shelf = workspace.build_shelf(Profile::Dist)?;
    let dir = match &args.dir {
        Some(dir) => dir.clone(),
        // Beside the binaries: where a build fits, its data does.
        None => shelf.ancestors().nth(2).context("the binary is in no folder")?.join("bench"),
    };
    fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let asked = |row: &Row| args.only.as_deref().is_none_or(|name| name == row.name);
    if ROWS.iter().any(|row| asked(row) && !row.beside.is_empty()) {
        tools::ensure(workspace)?;
    }
    let python = python::program(workspace);
    let wanted =
        |server| ROWS.iter().any(|row| asked(row) && row.beside.contains(&Beside::Server(server)));
    let servers = [Server::Kafka, Server::Redis, Server::Postgres];
    let started = servers.into_iter().filter(|server| wanted(*server));
    let _started: Vec<_> =
        started.map(|server| services::Started::new(workspace, server)).collect::<Result<_>>()?;
    let mut results = Vec::new();
    for row in ROWS.into_iter().filter(asked) {
        eprintln!("measuring {}", row.name);
        results.push(Measured { row, outcome: measure(&shelf, &dir, &python, row) });
    }
    let machine = Machine::read(&dir);
    if args.json {
        println!("{:#}", as_json(&machine, &results));
    } else {
        print!("{}\n\n{}", machine.line(), table(&results));
    }
    let failed = results.iter().filter(|result| result.outcome.is_err()).count();
    if failed > 0 {
        bail!("{failed} of {} rows failed", results.len());
    }
    Ok(())
}

fn measure(shelf: &Path, dir: &Path, python: &Path, row: Row) -> Result<Value> {
    let words = words(row, shelf.as_os_str(), dir.as_os_str(), python.as_os_str());
    let (program, arguments) = words.split_first().context("an empty command")?;
    let output = Command::new(program)
        .args(arguments)
        .stderr(Stdio::piped())
        .output()
        .with_context(|| format!("cannot start {}", program.to_string_lossy()))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        let last = stderr.trim().lines().next_back().unwrap_or("it said nothing").to_owned();
        return Err(anyhow!("{}: {last}", output.status));
    }
    parse(&String::from_utf8_lossy(&output.stdout), row.name)
}

/// The command of a row: the binary, held to the row's cores.
fn words<'a>(row: Row, shelf: &'a OsStr, dir: &'a OsStr, python: &'a OsStr) -> Vec<&'a OsStr> {
    let mut words = Vec::new();
    if let Some(cpus) = row.cpus {
        words.extend(["taskset", "-c", cpus].map(OsStr::new));
    }
    words.push(shelf);
    words.extend(["bench", row.name, "--json", "--dir"].map(OsStr::new));
    words.push(dir);
    if row.beside.contains(&Beside::DuckDb) {
        words.extend([OsStr::new("--python"), python]);
    }
    words
}

fn typed_command(row: Row) -> String {
    let words = words(
        row,
        OsStr::new("shelf"),
        OsStr::new("target/bench"),
        OsStr::new("target/python/bin/python"),
    );
    words.split_first().map_or_else(String::new, |(first, rest)| command_line(first, rest))
}

/// The object that the binary printed; it must be the asked row's and hold a number.
fn parse(stdout: &str, name: &str) -> Result<Value> {
    let object: Value = serde_json::from_str(stdout.trim()).context("stdout is not one object")?;
    if object.get("name").and_then(Value::as_str) != Some(name) {
        bail!("the answer is not about {name}");
    }
    if object.get("value").and_then(Value::as_f64).is_none() {
        bail!("the answer holds no number `value`");
    }
    if object.get("unit").and_then(Value::as_str).is_none() {
        bail!("the answer holds no text `unit`");
    }
    Ok(object)
}

fn as_json(machine: &Machine, results: &[Measured]) -> Value {
    let rows: Vec<Value> = results
        .iter()
        .map(|result| {
            let command = typed_command(result.row);
            match &result.outcome {
                Ok(answer) => json!({"command": command, "answer": answer}),
                Err(error) => json!({
                    "command": command, "name": result.row.name, "error": format!("{error:#}"),
                }),
            }
        })
        .collect();
    json!({"machine": machine.json(), "rows": rows})
}

fn table(results: &[Measured]) -> String {
    let mut lines = vec![["name", "target", "measured", "command"].map(str::to_owned)];
    for result in results {
        let (target, measured) = match &result.outcome {
            Ok(answer) => (target(answer), measured(answer)),
            Err(error) => (String::new(), format!("error: {error:#}")),
        };
        lines.push([result.row.name.to_owned(), target, measured, typed_command(result.row)]);
    }
    let mut widths = [0; 4];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        text.push_str(&table_line(line, widths, ' '));
        if index == 0 {
            text.push_str(&table_line(&[const { String::new() }; 4], widths, '-'));
        }
    }
    text
}

/// A line of a Markdown table, so that the output can be pasted into a page.
fn table_line(cells: &[String; 4], widths: [usize; 4], fill: char) -> String {
    let padded = cells.iter().zip(widths).map(|(cell, width)| {
        let padding = width.saturating_sub(cell.chars().count());
        format!(" {cell}{} |", fill.to_string().repeat(padding))
    });
    format!("|{}\n", padded.collect::<String>())
}

/// A target is a number in the row's unit, or a sentence.
fn target(answer: &Value) -> String {
    match answer.get("target") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(_)) => quantity(answer, "target"),
        _ => "none".to_owned(),
    }
}

/// The value, and what the row shows beside it.
fn measured(answer: &Value) -> String {
    let value = quantity(answer, "value");
    let shown = answer.get("detail").and_then(|detail| detail.get("shown"));
    match shown.and_then(Value::as_str) {
        Some(shown) => format!("{value}, {shown}"),
        None => value,
    }
}

fn quantity(answer: &Value, key: &str) -> String {
    let number = answer.get(key).and_then(Value::as_f64);
    let unit = answer.get("unit").and_then(Value::as_str).unwrap_or_default();
    number.map_or("unknown".to_owned(), |number| format!("{} {unit}", readable(number)))
}

/// Whole numbers from 100 on, with separators; three significant digits below.
fn readable(number: f64) -> String {
    let magnitude = number.abs();
    if magnitude < 100.0 {
        let decimals = if magnitude < 1.0 {
            3
        } else if magnitude < 10.0 {
            2
        } else {
            1
        };
        return format!("{number:.decimals$}");
    }
    let digits = format!("{magnitude:.0}");
    let mut text = if number < 0.0 { "-".to_owned() } else { String::new() };
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        let cases = [
            (1_523_456.7, "1,523,457"),
            (600_000.0, "600,000"),
            (100.0, "100"),
            (48.62, "48.6"),
            (1.234, "1.23"),
            (0.0456, "0.046"),
            (-1234.0, "-1,234"),
        ];
        for (number, text) in cases {
            assert_eq!(readable(number), text);
        }
    }

    #[test]
    fn an_answer_is_checked() {
        let good = r#"{"name":"restart","unit":"s","value":1.2,"target":"under 2 s","detail":{}}"#;
        assert!(parse(good, "restart").is_ok());
        let bad = [
            "",
            "loading\n{}",
            r#"{"name":"other","unit":"s","value":1}"#,
            r#"{"name":"restart","unit":"s","value":"fast"}"#,
            r#"{"name":"restart","value":1}"#,
        ];
        for stdout in bad {
            assert!(parse(stdout, "restart").is_err(), "{stdout}");
        }
    }

    #[test]
    fn the_table_shows_figures_and_errors() {
        let row = |name: &str| ROWS.into_iter().find(|row| row.name == name).unwrap();
        let answer = json!({"name": "core_steps", "unit": "steps/s", "value": 1_600_000.0,
            "target": 1_500_000});
        let stores = json!({"name": "hundred_stores", "unit": "%", "value": 81.0,
            "target": "at least 70", "detail": {"shown": "512 MB of memory at the peak"}});
        let results = [
            Measured { row: row("core_steps"), outcome: Ok(answer) },
            Measured { row: row("hundred_stores"), outcome: Ok(stores) },
            Measured { row: row("restart"), outcome: Err(anyhow!("no disk")) },
        ];
        let expected = "\
| name | target | measured | command |
| - | - | - | - |
| core_steps | 1,500,000 steps/s | 1,600,000 steps/s | \
taskset -c 0 shelf bench core_steps --json --dir target/bench |
| hundred_stores | at least 70 | 81.0 %, 512 MB of memory at the peak | \
shelf bench hundred_stores --json --dir target/bench |
| restart | | error: no disk | shelf bench restart --json --dir target/bench |
";
        let squeezed = |text: &str| text.replace([' ', '-'], "");
        assert_eq!(squeezed(&table(&results)), squeezed(expected));
        let widths: Vec<usize> = table(&results).lines().map(str::len).collect();
        assert!(widths.iter().all(|width| Some(width) == widths.first()), "{widths:?}");
    }

    #[test]
    fn json_holds_the_machine_and_every_row() {
        let rows = ROWS.map(|row| Measured { row, outcome: Err(anyhow!("x")) });
        let object = as_json(&Machine::read(Path::new(".")), &rows);
        assert_eq!(object["rows"].as_array().map(Vec::len), Some(ROWS.len()));
        assert_eq!(object["rows"][3]["error"], "x");
        assert!(object["machine"].get("cores").is_some());
        assert!(object["machine"]["file_system"].is_string());
    }
}
