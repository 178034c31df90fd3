//! `shelf lake verify`: every file is read, and the tables are compared with what the log says.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;

use serde::Serialize;
use shelf_host::{ChainId, ChainReader, Folder};
use shelf_lake::{Filled, Lake, LakeWriter, Positions, Recorder, Step, TableCheck};

use super::{chosen, runtime};
use crate::args::VerifyArgs;
use crate::failure::Failure;
use crate::output::Output;

/// How much is gathered before it is counted and let go.
const BYTES: usize = 64 << 20;

#[derive(Debug, Serialize)]
struct VerifiedTable {
    table: String,
    #[serde(flatten)]
    check: TableCheck,
    /// Rows that the log comes to; `None` where it was not asked, or the table is built.
    rows_of_log: Option<u64>,
    sound: bool,
}

pub(super) fn run(
    args: &VerifyArgs,
    folder: &Folder,
    lake: &Lake,
    output: Output,
) -> Result<ExitCode, Failure> {
    let asked = chosen(&args.tables)?;
    let runtime = runtime()?;
    let (mut of_log, mut positions) = (None, None);
    if !args.files_only {
        let meta = folder.meta()?;
        runtime.block_on(lake.check_chain(meta.chain.as_ref().map(ChainId::as_str)))?;
        let partitions = meta.partitions;
        let at = runtime.block_on(lake.positions(partitions))?;
        of_log = Some(rows_of_log(folder, &at, partitions)?);
        positions = Some(at);
    }
    let mut rows = Vec::new();
    for table in asked {
        let check = runtime.block_on(lake.check(table))?;
        let name = table.full_name();
        let followed = table.filled == Filled::FromLog && name != LakeWriter::OWN_TABLE;
        let of_log = of_log.as_ref().map(|(counts, _)| counts).filter(|_| followed);
        let rows_of_log = of_log.map(|counts| counts.get(&name).copied().unwrap_or(0));
        let sound = check.sound() && rows_of_log.is_none_or(|rows| rows == check.rows);
        rows.push(VerifiedTable { table: name, check, rows_of_log, sound });
    }
    let mut broken = Vec::new();
    // Facts are read where the tables that they come from can be.
    let readable = rows.iter().all(|row| row.check.sound());
    let stale = match &positions {
        Some(at) if readable => runtime.block_on(lake.stale_facts(at))?,
        _ => Vec::new(),
    };
    if !stale.is_empty() {
        let facts = stale.join(", ");
        output
            .say(&format!("not built to the end, and not tested: {facts}; run `shelf lake build`"));
    } else if args.tables.is_empty() && !args.files_only && readable {
        let star = runtime.block_on(lake.test_star())?;
        broken.extend(star.into_iter().filter(|(_, rows)| *rows > 0));
    }
    if let Some((_, unwritten)) = of_log.filter(|(_, unwritten)| *unwritten > 0) {
        broken.push(("change_rows_are_the_state".to_owned(), unwritten));
    }
    let sound = broken.is_empty() && rows.iter().all(|row| row.sound);
    if output.json {
        output.json_lines(rows.iter())?;
    } else {
        let mut lines: Vec<String> = rows.iter().map(line).collect();
        lines.extend(broken.iter().map(|(name, rows)| format!("{name}: {rows} rows break it")));
        output.text(&lines.join("\n"))?;
    }
    if sound {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Failure::new(
        "lake_damaged",
        "the lake is not what the log says",
        "remove the folders of the tables that are named; `shelf lake follow` fills them again",
    ))
}

fn line(row: &VerifiedTable) -> String {
    // Writing to a string cannot fail.
    let verdict = if row.sound { "sound" } else { "NOT SOUND" };
    let mut text = format!("{:<30} {:>12} rows  {verdict}", row.table, row.check.rows);
    if let Some(rows) = row.rows_of_log.filter(|rows| *rows != row.check.rows) {
        let _ = write!(text, ": the log comes to {rows}");
    }
    if row.check.repeated > 0 {
        let _ = write!(text, ": {} rows come twice", row.check.repeated);
    }
    if row.check.damaged_files.is_empty() && row.check.rows != row.check.rows_read {
        let _ = write!(text, ": its files hold {}", row.check.rows_read);
    }
    for file in &row.check.damaged_files {
        let _ = write!(text, "\n  missing or cut: {file}");
    }
    if !row.check.trouble.is_empty() {
        let _ = write!(text, "\n  {}", row.check.trouble);
    }
    text
}

/// Steps the log again up to where each table stands, and counts the rows that it comes to.
fn rows_of_log(
    folder: &Folder,
    positions: &Positions,
    partitions: u32,
) -> Result<(BTreeMap<String, u64>, u64), Failure> {
    let mut reader = ChainReader::open_before(folder, &vec![0; partitions as usize])?;
    let mut recorder = Recorder::up_to(positions);
    let highest = positions.highest(partitions);
    let mut counts = BTreeMap::new();
    loop {
        let stepped = reader.follow(|partition, stepped| {
            let end = highest.get(partition as usize).copied().unwrap_or(0);
            if stepped.offset < end {
                recorder.record(&Step {
                    partition,
                    offset: stepped.offset,
                    event: stepped.event,
                    outcome: stepped.outcome,
                    effects: stepped.effects,
                    store: stepped.stores.get(stepped.event.store),
                });
            }
        })?;
        let reached = reader.positions().iter().zip(&highest).all(|((_, at), end)| at >= end);
        if reached || stepped == 0 || recorder.bytes() >= BYTES {
            for batch in recorder.take().map_err(shelf_lake::LakeError::from)? {
                *counts.entry(batch.table.full_name()).or_default() += batch.rows.num_rows() as u64;
            }
        }
        if reached || stepped == 0 {
            let stores = reader.stores();
            // A process that writes on has led this reader beyond what the lake holds.
            if reader.positions().iter().zip(&highest).any(|((_, at), end)| at > end) {
                return Ok((counts, 0));
            }
            let unwritten = stores.iter().map(|store| recorder.unwritten(store).len() as u64).sum();
            return Ok((counts, unwritten));
        }
    }
}
