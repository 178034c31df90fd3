//! `shelf lake`: follow the log into the lake, and look at it.

pub(crate) mod follow;
mod jobs;
mod maintenance;
pub(crate) mod thread;
mod verify;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;
use shelf_domain::Day;
use shelf_host::{Folder, step_behind_engine, step_behind_people};
use shelf_lake::{
    Built, Compaction, Days, ExportFormat, Faults, Lake, Removal, Table, TableCommit,
    TableDifference, TableSize,
};
use tokio::runtime::Runtime;

use crate::args::{ExportArg, LakeCommand};
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;
use crate::stop::Stop;
use follow::{Followed, Follower, Until};
pub(crate) use jobs::JobBoard;

/// Where tests name a fault, such as `before_commit:3`.
const FAULT: &str = "SHELF_LAKE_FAULT";

pub(crate) fn run(
    command: &LakeCommand,
    settings: &Settings,
    output: Output,
) -> Result<ExitCode, Failure> {
    let folder = settings.folder();
    let lake = lake(settings)?;
    match command {
        LakeCommand::Follow(args) => {
            let until = if args.until_caught_up { Until::CaughtUp } else { Until::Stopped };
            let followed = follow(folder, lake, settings, until, output)?;
            output.view(&followed, |followed| {
                format!(
                    "{} events, {} rows in {} rounds, {:.1} s",
                    followed.events, followed.rows, followed.rounds, followed.wall_s
                )
            })?;
        }
        LakeCommand::Tables => tables(&lake, output)?,
        LakeCommand::History { table, limit } => history(&lake, table, *limit, output)?,
        LakeCommand::Diff { table, from, to } => diff(&lake, table, *from, *to, output)?,
        LakeCommand::Export { table, file, format } => {
            export(&lake, table, file, *format, output)?;
        }
        LakeCommand::Optimize { tables } => optimize(&lake, tables, output)?,
        LakeCommand::Checkpoint { tables } => checkpoint(&lake, tables, output)?,
        LakeCommand::Vacuum { tables, hours, dry_run, yes } => {
            let kept = settings.lake.retention_hours;
            let hours = hours.unwrap_or(kept);
            let removal = if *dry_run { Removal::OnlySay } else { Removal::Remove };
            if hours < kept && !dry_run {
                let what = format!("versions older than {hours} hours are lost, and {kept} is set");
                output.agree(*yes, &what)?;
            }
            vacuum(&lake, tables, hours, removal, output)?;
        }
        LakeCommand::Build { from, to } => {
            let partitions = folder.meta()?.partitions;
            build(&lake, partitions, days(from.as_deref(), to.as_deref())?, output)?;
        }
        LakeCommand::Verify(args) => return verify::run(args, &folder, &lake, output),
    }
    Ok(ExitCode::SUCCESS)
}

/// Follows on a thread of its own: it may wait for a store that never answers.
fn follow(
    folder: Folder,
    lake: Lake,
    settings: &Settings,
    until: Until,
    output: Output,
) -> Result<Followed, Failure> {
    let stop = Stop::on_signals()?;
    let (settings, asked) = (settings.clone(), stop.clone());
    let thread = std::thread::spawn(move || {
        let mut follower = Follower::open(&folder, lake, &settings, &JobBoard::default())?;
        follower.follow(until, &asked, |failure| output.say(&thread::warning(&failure)))
    });
    thread::ended(thread, &stop)?
}

/// The lake of the settings.
pub(crate) fn lake(settings: &Settings) -> Result<Lake, Failure> {
    let root = settings.lake.root(&settings.data);
    let storage = settings.lake.storage.clone().into_iter().collect();
    let lake = Lake::at(&root, storage)?.with_history(settings.lake.retention_hours);
    let fault = std::env::var(FAULT).ok().and_then(|text| Faults::parse(&text));
    Ok(match fault {
        Some(fault) => lake.with_faults(fault),
        None => lake,
    })
}

/// What its threads are called.
pub(crate) const THREAD: &str = "lake";

/// So long a thread that reads or writes files waits for more to do; each keeps memory of its own.
/// Their number must not be bounded: reading a table's log waits in one of them for another.
const IDLE: Duration = Duration::from_secs(1);

/// What the lake's own work runs on: threads of its own, never the engine's.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    runtime_with(step_behind_people)
}

/// The same for who waits for an answer.
pub(crate) fn runtime_for_people() -> Result<Runtime, Failure> {
    runtime_with(step_behind_engine)
}

fn runtime_with(begin: fn()) -> Result<Runtime, Failure> {
    let built = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_keep_alive(IDLE)
        .on_thread_start(begin)
        .thread_name(THREAD)
        .enable_all()
        .build();
    built.map_err(|error| {
        let hint = "run `shelf doctor` for a look at the machine";
        Failure::new("threads", format!("cannot start the threads of the lake: {error}"), hint)
    })
}

/// A table by its full name.
pub(crate) fn named(name: &str) -> Result<&'static Table, Failure> {
    shelf_lake::find_table(name)
        .ok_or_else(|| shelf_lake::LakeError::NoTable { table: name.to_owned() }.into())
}

/// The tables of these names; all where none is named.
fn chosen(names: &[String]) -> Result<Vec<&'static Table>, Failure> {
    match names {
        [] => Ok(shelf_lake::tables().collect()),
        names => names.iter().map(|name| named(name)).collect(),
    }
}

/// What was done to a table.
#[derive(Debug, Serialize)]
struct Done<T: Serialize> {
    table: String,
    #[serde(flatten)]
    done: T,
}

/// Prints what was done to each table.
fn say_done<T: Serialize>(
    output: Output,
    done: &[Done<T>],
    text: impl Fn(&T) -> String,
) -> Result<(), Failure> {
    if output.json {
        return output.json_lines(done.iter());
    }
    let lines: Vec<String> =
        done.iter().map(|done| format!("{:<30} {}", done.table, text(&done.done))).collect();
    output.text(&lines.join("\n"))
}

#[derive(Debug, Serialize)]
struct Exported {
    file: String,
    rows: u64,
}

fn export(
    lake: &Lake,
    table: &str,
    file: &Path,
    format: ExportArg,
    output: Output,
) -> Result<(), Failure> {
    let format = match format {
        ExportArg::Parquet => ExportFormat::Parquet,
        ExportArg::Csv => ExportFormat::Csv,
        ExportArg::Json => ExportFormat::Json,
    };
    let file = file.to_string_lossy().into_owned();
    let rows = runtime()?.block_on(lake.export(named(table)?, format, &file))?;
    let exported = Exported { file, rows };
    output.view(&exported, |exported| format!("{} rows in {}", exported.rows, exported.file))
}

fn optimize(lake: &Lake, tables: &[String], output: Output) -> Result<(), Failure> {
    let runtime = runtime()?;
    let mut done = Vec::new();
    for table in chosen(tables)? {
        let compacted = runtime.block_on(lake.compact(table, Compaction::Whole))?;
        done.push(Done { table: table.full_name(), done: compacted });
    }
    say_done(output, &done, |done| {
        format!("{} files to {}, {} rows", done.files_before, done.files_after, done.rows)
    })
}

fn checkpoint(lake: &Lake, tables: &[String], output: Output) -> Result<(), Failure> {
    let runtime = runtime()?;
    let mut done = Vec::new();
    for table in chosen(tables)? {
        runtime.block_on(lake.checkpoint(table))?;
        let version = runtime.block_on(lake.size(table))?.version;
        done.push(Done { table: table.full_name(), done: Checkpointed { version } });
    }
    say_done(output, &done, |done| {
        done.version.map_or_else(|| "-".to_owned(), |version| format!("version {version}"))
    })
}

#[derive(Debug, Serialize)]
struct Checkpointed {
    version: Option<u64>,
}

fn vacuum(
    lake: &Lake,
    tables: &[String],
    hours: u32,
    removal: Removal,
    output: Output,
) -> Result<(), Failure> {
    let runtime = runtime()?;
    let mut done = Vec::new();
    for table in chosen(tables)? {
        let vacuumed = runtime.block_on(lake.vacuum(table, hours, removal))?;
        done.push(Done { table: table.full_name(), done: vacuumed });
    }
    let word = if removal == Removal::Remove { "removed" } else { "would be removed" };
    say_done(output, &done, |done| format!("{} files {word}", done.files.len()))
}

/// The days that are asked for; those that rows have come for where none is.
fn days(from: Option<&str>, to: Option<&str>) -> Result<Days, Failure> {
    let day = |text: &str| -> Result<Day, Failure> {
        let date: jiff::civil::Date = text.parse().map_err(|error: jiff::Error| {
            Failure::usage(error.to_string(), "give a date such as 2026-01-05")
        })?;
        let day = Day::from_civil(date.year().into(), date.month() as u32, date.day() as u32);
        Ok(day.unwrap_or_default())
    };
    Ok(match (from, to) {
        (None, None) => Days::Stale,
        (from, to) => Days::Between(
            from.map_or(Ok(Day(i32::MIN / 2)), day)?,
            to.map_or(Ok(Day(i32::MAX / 2)), day)?,
        ),
    })
}

fn build(lake: &Lake, partitions: u32, days: Days, output: Output) -> Result<(), Failure> {
    let runtime = runtime()?;
    let positions = runtime.block_on(lake.positions(partitions))?;
    let built = runtime.block_on(lake.build(days, &positions))?;
    if output.json {
        return output.json_lines(built.iter());
    }
    let line = |built: &Built| match (&built.from, &built.to) {
        (Some(from), Some(to)) => format!("{:<30} {from} to {to}", built.table),
        _ => format!("{:<30} all", built.table),
    };
    let lines: Vec<String> = built.iter().map(line).collect();
    output.text(&lines.join("\n"))
}

#[derive(Debug, Serialize)]
struct TablesView {
    root: String,
    tables: Vec<TableSize>,
}

fn tables(lake: &Lake, output: Output) -> Result<(), Failure> {
    let runtime = runtime()?;
    let mut tables = Vec::new();
    for table in shelf_lake::tables() {
        tables.push(runtime.block_on(lake.size(table))?);
    }
    let view = TablesView { root: lake.root().to_owned(), tables };
    output.view(&view, |view| {
        let head = format!(
            "{:<30} {:>12} {:>6} {:>14} {:>8}",
            "table", "rows", "files", "bytes", "version"
        );
        let mut lines = vec![view.root.clone(), head];
        for size in &view.tables {
            let version = size.version.map_or_else(|| "-".to_owned(), |v| v.to_string());
            lines.push(format!(
                "{:<30} {:>12} {:>6} {:>14} {version:>8}",
                size.table, size.rows, size.files, size.bytes
            ));
        }
        lines.join("\n")
    })
}

fn history(lake: &Lake, table: &str, limit: usize, output: Output) -> Result<(), Failure> {
    let table = named(table)?;
    let commits = runtime()?.block_on(lake.history(table, limit))?;
    if output.json {
        return output.json_lines(commits.iter());
    }
    let line = |commit: &TableCommit| {
        let version = commit.version.map_or_else(|| "-".to_owned(), |v| v.to_string());
        let at = commit.committed_at_ms.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
        let at = at.map_or_else(|| "-".to_owned(), |at| at.to_string());
        format!("{version:>8}  {at:<24}  {}", commit.operation)
    };
    let lines: Vec<String> = commits.iter().map(line).collect();
    output.text(&lines.join("\n"))
}

fn diff(
    lake: &Lake,
    table: &str,
    from: u64,
    to: Option<u64>,
    output: Output,
) -> Result<(), Failure> {
    let table = named(table)?;
    let runtime = runtime()?;
    let newest = runtime.block_on(lake.size(table))?.version.unwrap_or(0);
    let to = to.unwrap_or(newest);
    if from > to || to > newest {
        let message = format!("there is no way from version {from} to version {to}");
        let hint = format!("the versions of {} go up to {newest}", table.full_name());
        return Err(Failure::usage(message, hint));
    }
    let difference = runtime.block_on(lake.difference(table, from, to))?;
    output.view(&difference, |d: &TableDifference| {
        format!(
            "rows {} to {}\nbytes {} to {}\nfiles {} more, {} fewer\ncolumns {} more",
            d.rows_before,
            d.rows_after,
            d.bytes_before,
            d.bytes_after,
            d.files_added,
            d.files_removed,
            d.columns_added.len()
        )
    })
}
