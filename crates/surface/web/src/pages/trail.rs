//! What only the log has, read back so far and no further.

use shelf_domain::{AlertId, Effect, TaskStatus};
use shelf_eventlog::LogReader;
use shelf_events::{OutputRecord, decode_event, write_event};
use shelf_host::{Folder, HostError, OutputTail};
use shelf_ports::RecordBatch;

use super::scene::Logged;

/// Records of a partition that are read back where something is looked for.
const LOOKED_AT: u64 = 12_000;
/// Records of a partition that are read back for its tail.
const TAIL: u64 = 200;
/// The most that are kept of what was found.
const KEPT: usize = 400;
const READ_BYTES: usize = 1 << 20;

/// What a page asks the log for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Want {
    /// Nothing.
    #[default]
    Nothing,
    /// The life of an alert.
    Alert(AlertId),
    /// Everything in which a word stands.
    Word(String),
    /// The latest effects.
    Effects,
    /// The latest events, or those with a word.
    Events(Option<String>),
    /// One event, and what followed.
    One(u32, u64),
}

/// What was found, the newest last.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub(super) effects: Vec<OutputRecord>,
    pub(super) events: Vec<Logged>,
}

/// Reads what is wanted.
pub(super) fn read(folder: &Folder, want: &Want) -> Result<Found, HostError> {
    let mut found = Found::default();
    match want {
        Want::Nothing => {}
        Want::Alert(id) => {
            found.effects = effects(folder, LOOKED_AT, |record| match &record.effect {
                Effect::Alert(alert) => alert.alert == *id,
                Effect::Task(task) => task.status == TaskStatus::Done,
                _ => false,
            })?;
        }
        Want::Word(word) => {
            found.effects = effects(folder, LOOKED_AT, |_| true)?;
            found.events = events(folder, LOOKED_AT, Some(word))?;
        }
        Want::Effects => found.effects = effects(folder, LOOKED_AT, |_| true)?,
        Want::Events(None) => found.events = events(folder, TAIL, None)?,
        Want::Events(Some(word)) => found.events = events(folder, LOOKED_AT, Some(word))?,
        Want::One(partition, offset) => {
            found.events.extend(event_at(folder, *partition, *offset)?);
            found.effects = effects(folder, LOOKED_AT, |record| record.input_offset == *offset)?;
        }
    }
    Ok(found)
}

fn effects(
    folder: &Folder,
    back: u64,
    keep: impl Fn(&OutputRecord) -> bool,
) -> Result<Vec<OutputRecord>, HostError> {
    let mut tail = OutputTail::open(folder)?;
    tail.skip_to_last(back)?;
    let mut found = Vec::new();
    tail.catch_up(|_, record| {
        if !matches!(record.effect, Effect::Window(_)) && keep(&record) {
            found.push(record);
        }
    })?;
    found.sort_by_key(|record| record.at);
    Ok(found)
}

fn events(folder: &Folder, back: u64, word: Option<&str>) -> Result<Vec<Logged>, HostError> {
    let mut found = Vec::new();
    let (mut read, mut text) = (RecordBatch::new(), Vec::new());
    for (number, mut tail) in
        LogReader::open(folder.log())?.into_partitions().into_iter().enumerate()
    {
        let end = tail.end_offset()?;
        let mut position = end.saturating_sub(back).max(tail.start_offset()?);
        while position < end {
            let first = position;
            position = tail.read(first, READ_BYTES, &mut read)?;
            for (offset, record) in (first..).zip(read.iter()) {
                let Ok(event) = decode_event(record) else { continue };
                text.clear();
                write_event(&event, &mut text);
                let text = String::from_utf8_lossy(&text);
                if word.is_none_or(|word| text.contains(word)) {
                    let (partition, text) = (number as u32, text.into_owned());
                    found.push(Logged { partition, offset, event, text });
                }
            }
        }
    }
    found.sort_by_key(|logged| logged.event.received_at);
    let over = found.len().saturating_sub(KEPT);
    found.drain(..over);
    Ok(found)
}

/// The event at a place of the log; none where there is nothing.
fn event_at(folder: &Folder, partition: u32, offset: u64) -> Result<Option<Logged>, HostError> {
    let mut log = LogReader::open(folder.log())?;
    let there = partition < log.partition_count()
        && offset < log.end_offset(partition)?
        && offset >= log.start_offset(partition)?;
    if !there {
        return Ok(None);
    }
    let mut read = RecordBatch::new();
    log.read(partition, offset, 1, &mut read)?;
    let Ok(event) = decode_event(read.get(0).unwrap_or_default()) else { return Ok(None) };
    let mut text = Vec::new();
    write_event(&event, &mut text);
    let text = String::from_utf8_lossy(&text).into_owned();
    Ok(Some(Logged { partition, offset, event, text }))
}
