//! `shelf log`: look at the log of events.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;
use shelf_domain::StoreId;
use shelf_engine::SnapshotStore;
use shelf_eventlog::{LogReader, PartitionReader, verify};
use shelf_events::{decode_event, effect_json, write_event};
use shelf_host::{Folder, HostError, OutputTail};
use shelf_ports::{Offset, RecordBatch};
use shelf_views::{EffectLine, render_effects};

use crate::args::LogCommand;
use crate::failure::Failure;
use crate::output::Output;
use crate::progress;
use crate::settings::Settings;
use crate::stop::Stop;

const READ_BYTES: usize = 1 << 20;
/// How often a followed log is looked at.
const PAUSE: Duration = Duration::from_millis(10);

pub(crate) fn run(
    command: &LogCommand,
    settings: &Settings,
    output: Output,
) -> Result<ExitCode, Failure> {
    settings.folder().meta()?;
    match command {
        LogCommand::Tail { lines, follow, store, effects } => {
            let store = store.as_deref().map(StoreId::cut);
            let stop = Stop::on_signals()?;
            if *effects {
                tail_effects(*lines, *follow, store, settings, output, &stop)?;
            } else {
                tail_events(*lines, *follow, store, settings, output, &stop)?;
            }
            Ok(ExitCode::SUCCESS)
        }
        LogCommand::Verify => check(settings, output),
        LogCommand::Offsets => {
            offsets(settings, output)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn tail_events(
    lines: u64,
    follow: bool,
    store: Option<StoreId>,
    settings: &Settings,
    output: Output,
    stop: &Stop,
) -> Result<(), Failure> {
    let mut partitions: Vec<(PartitionReader, Offset)> = Vec::new();
    for mut tail in LogReader::open(settings.folder().log())?.into_partitions() {
        let first = tail.end_offset()?.saturating_sub(lines).max(tail.start_offset()?);
        partitions.push((tail, first));
    }
    let mut read = RecordBatch::new();
    let mut text = Vec::new();
    loop {
        for (number, (tail, position)) in partitions.iter_mut().enumerate() {
            while *position < tail.end_offset()? {
                let first = *position;
                *position = tail.read(first, READ_BYTES, &mut read)?;
                for (offset, record) in (first..).zip(read.iter()) {
                    let partition = number as u32;
                    let event = decode_event(record).map_err(|source| {
                        shelf_engine::EngineError::Record { partition, offset, source }
                    })?;
                    if store.is_none_or(|store| store == event.store) {
                        write_event(&event, &mut text);
                        text.push(b'\n');
                    }
                }
                output.bytes(&text)?;
                text.clear();
            }
        }
        if !follow || stop.asked() {
            return Ok(());
        }
        std::thread::sleep(PAUSE);
    }
}

fn tail_effects(
    lines: u64,
    follow: bool,
    store: Option<StoreId>,
    settings: &Settings,
    output: Output,
    stop: &Stop,
) -> Result<(), Failure> {
    let mut tail = OutputTail::open(&settings.folder())?;
    tail.skip_to_last(lines)?;
    loop {
        let mut records = Vec::new();
        tail.catch_up(|_, record| {
            if store.is_none_or(|store| store == record.store) {
                records.push(record);
            }
        })?;
        if output.json {
            output.json_lines(records.iter().map(effect_json))?;
        } else if !records.is_empty() {
            let lines: Vec<EffectLine> = records.iter().map(EffectLine::new).collect();
            output.text(&render_effects(&lines, &output.style()))?;
        }
        if !follow || stop.asked() {
            return Ok(());
        }
        std::thread::sleep(PAUSE);
    }
}

/// What reading a whole log came to.
#[derive(Debug, Serialize)]
struct VerifyView {
    log: &'static str,
    sound: bool,
    partitions: Vec<PartitionView>,
}

#[derive(Debug, Serialize)]
struct PartitionView {
    partition: u32,
    segments: usize,
    records: u64,
    bytes: u64,
    start_offset: Offset,
    end_offset: Offset,
    damage: Option<String>,
}

fn check(settings: &Settings, output: Output) -> Result<ExitCode, Failure> {
    let folder = settings.folder();
    let mut sound = true;
    for (log, path) in [("events", folder.log()), ("effects", folder.outputs())] {
        let bar = progress::bar(output, 0, "{msg} {spinner} {bytes} read");
        bar.set_message(log);
        let report = verify(&path, |progress| bar.set_position(progress.bytes))?;
        bar.finish_and_clear();
        sound &= report.sound();
        let view = VerifyView {
            log,
            sound: report.sound(),
            partitions: report
                .partitions
                .iter()
                .filter(|partition| partition.records > 0 || partition.damage.is_some())
                .map(|partition| PartitionView {
                    partition: partition.partition,
                    segments: partition.segments as usize,
                    records: partition.records,
                    bytes: partition.bytes,
                    start_offset: partition.start,
                    end_offset: partition.end,
                    damage: partition.damage.as_ref().map(|damage| {
                        format!("{} at byte {}: {}", damage.path.display(), damage.at, damage.what)
                    }),
                })
                .collect(),
        };
        output.view(&view, render_verify)?;
    }
    let view = snapshots(&folder)?;
    sound &= view.sound;
    output.view(&view, render_snapshots)?;
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::from(3) })
}

/// What reading all snapshots came to.
#[derive(Debug, Serialize)]
pub(crate) struct SnapshotsView {
    log: &'static str,
    sound: bool,
    whole: u64,
    pub(crate) damaged: Vec<PathBuf>,
}

/// Reads all snapshots of a folder.
pub(crate) fn snapshots(folder: &Folder) -> Result<SnapshotsView, Failure> {
    let mut view = SnapshotsView { log: "snapshots", sound: true, whole: 0, damaged: Vec::new() };
    for partition in 0..folder.meta()?.partitions {
        let store = SnapshotStore::new(&folder.snapshots(), partition);
        let (whole, damaged) = store.verify()?;
        view.whole += whole;
        view.damaged.extend(damaged);
    }
    view.sound = view.damaged.is_empty();
    Ok(view)
}

fn render_snapshots(view: &SnapshotsView) -> String {
    let head = if view.sound { "sound" } else { "DAMAGED" };
    let mut lines = vec![format!("snapshots: {head}"), format!("  {} whole", view.whole)];
    lines.extend(view.damaged.iter().map(|path| format!("  damaged: {}", path.display())));
    lines.join("\n")
}

fn render_verify(view: &VerifyView) -> String {
    let head = format!("{}: {}", view.log, if view.sound { "sound" } else { "DAMAGED" });
    let line = |one: &PartitionView| {
        let damage = one.damage.as_ref().map_or(String::new(), |damage| format!("  {damage}"));
        format!(
            "  p{:02}  {:>12} records  {:>14} bytes  {:>4} segments  offsets {} to {}{damage}",
            one.partition, one.records, one.bytes, one.segments, one.start_offset, one.end_offset,
        )
    };
    std::iter::once(head).chain(view.partitions.iter().map(line)).collect::<Vec<_>>().join("\n")
}

fn offsets(settings: &Settings, output: Output) -> Result<(), Failure> {
    let folder = settings.folder();
    let mut inputs = LogReader::open(folder.log())?;
    let mut outputs = LogReader::open(folder.outputs())?;
    for partition in 0..inputs.partition_count() {
        let snapshots = SnapshotStore::new(&folder.snapshots(), partition);
        let saved = snapshots.positions().map_err(HostError::from)?.first().copied();
        let (start, end) = (inputs.start_offset(partition)?, inputs.end_offset(partition)?);
        let effects = outputs.end_offset(partition)?;
        let view = serde_json::json!({
            "partition": partition, "start_offset": start, "end_offset": end,
            "snapshot_position": saved, "effects_end_offset": effects,
        });
        output.view(&view, |_| {
            let saved = saved.map_or("none".to_owned(), |saved| saved.to_string());
            format!(
                "p{partition:02}  events {start} to {end}  snapshot {saved}  effects to {effects}"
            )
        })?;
    }
    Ok(())
}
