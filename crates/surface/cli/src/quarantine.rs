//! `shelf quarantine`: what was not accepted, and submitting it again.

use std::process::ExitCode;

use serde::Serialize;
use shelf_domain::{Body, Effect, Event, Reason, Rejected, StoreId};
use shelf_eventlog::LogReader;
use shelf_events::{Defaults, decode_event, parse_event, write_event};
use shelf_host::{Ack, AckStatus, OutputTail};
use shelf_ports::{Offset, RecordBatch};

use crate::acts::{NOT_ALL, submit};
use crate::args::QuarantineCommand;
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;

/// How much of an entry a line of the list shows, in characters.
const SHOWN: usize = 120;

/// One event that was not accepted.
#[derive(Debug, Serialize)]
struct Entry {
    id: String,
    at: String,
    store: StoreId,
    reason: String,
    source: Option<String>,
    line: Option<u64>,
    raw_len: u64,
    raw: String,
    hint: &'static str,
}

pub(crate) fn run(
    command: &QuarantineCommand,
    settings: &Settings,
    output: Output,
) -> Result<ExitCode, Failure> {
    settings.folder().meta()?;
    match command {
        QuarantineCommand::List { reason, limit } => {
            let mut places = places(settings)?;
            places.reverse();
            let mut shown = 0;
            for (place, why) in &places {
                if shown == *limit {
                    output.say(&format!("{} in all; see more with --limit", places.len()));
                    break;
                }
                let entry = entry(settings, *place, *why)?;
                if reason.as_ref().is_none_or(|reason| *reason == entry.reason) {
                    output.view(&entry, render)?;
                    shown += 1;
                }
            }
            if shown == 0 {
                output.say("nothing is in quarantine");
            }
            Ok(ExitCode::SUCCESS)
        }
        QuarantineCommand::Retry { ids, all, store } => {
            let store = store.as_deref().map(StoreId::cut);
            let places = match all {
                true => places(settings)?.into_iter().map(|(place, _)| place).collect(),
                false => ids.iter().map(|id| parse_id(id)).collect::<Result<Vec<_>, _>>()?,
            };
            retry(settings, &places, store, output)
        }
    }
}

/// Where the events that were not accepted lie in the log, and why, in order of the log.
fn places(settings: &Settings) -> Result<Vec<((u32, Offset), Reason)>, Failure> {
    let mut found = Vec::new();
    OutputTail::open(&settings.folder())?.catch_up(|partition, record| {
        if let Effect::Quarantined(reason) = record.effect {
            found.push(((partition, record.input_offset), reason));
        }
    })?;
    Ok(found)
}

fn event_at(settings: &Settings, (partition, offset): (u32, Offset)) -> Result<Event, Failure> {
    let mut log = LogReader::open(settings.folder().log())?;
    let mut read = RecordBatch::new();
    if partition >= log.partition_count() || offset >= log.end_offset(partition)? {
        let message = format!("there is no event p{partition:02}:{offset}");
        return Err(Failure::new("not_found", message, "list them with `shelf quarantine list`"));
    }
    log.read(partition, offset, 1, &mut read)?;
    let record = read.get(0).unwrap_or(&[]);
    Ok(decode_event(record).map_err(|source| shelf_engine::EngineError::Record {
        partition,
        offset,
        source,
    })?)
}

fn entry(settings: &Settings, place: (u32, Offset), why: Reason) -> Result<Entry, Failure> {
    let event = event_at(settings, place)?;
    let at = jiff::Timestamp::from_microsecond(event.received_at.0)
        .map_or_else(|_| String::new(), |at| at.to_string());
    let id = format!("p{:02}:{}", place.0, place.1);
    let hint = why.hint();
    Ok(match &event.body {
        Body::Rejected(rejected) => Entry {
            id,
            at,
            store: event.store,
            reason: rejected.reason.to_string(),
            source: Some(rejected.source.to_string()),
            line: Some(rejected.line).filter(|&line| line > 0),
            raw_len: rejected.raw_len,
            raw: String::from_utf8_lossy(&rejected.raw).into_owned(),
            hint,
        },
        _ => {
            let mut raw = Vec::new();
            write_event(&event, &mut raw);
            Entry {
                id,
                at,
                store: event.store,
                reason: why.code().to_owned(),
                source: None,
                line: None,
                raw_len: raw.len() as u64,
                raw: String::from_utf8_lossy(&raw).into_owned(),
                hint,
            }
        }
    })
}

fn render(entry: &Entry) -> String {
    let line = entry.line.map_or(String::new(), |line| format!(", line {line}"));
    let source = entry.source.as_ref().map_or(String::new(), |source| format!("  {source}{line}"));
    let shown: String = entry.raw.chars().take(SHOWN).filter(|c| !c.is_control()).collect();
    let more = if entry.raw.chars().nth(SHOWN).is_some() { " …" } else { "" };
    format!(
        "{}  {}  {}  {}{source}\n    {shown}{more}\n    hint: {}",
        entry.id, entry.at, entry.store, entry.reason, entry.hint
    )
}

fn parse_id(text: &str) -> Result<(u32, Offset), Failure> {
    let parsed = text.strip_prefix('p').and_then(|rest| rest.split_once(':'));
    let numbers = parsed.and_then(|(p, offset)| Some((p.parse().ok()?, offset.parse().ok()?)));
    numbers.ok_or_else(|| Failure::usage(format!("{text} is no entry"), "give it as p03:1207"))
}

fn retry(
    settings: &Settings,
    places: &[(u32, Offset)],
    store: Option<StoreId>,
    output: Output,
) -> Result<ExitCode, Failure> {
    let mut accepted = true;
    for &place in places {
        let event = event_at(settings, place)?;
        let ack = match again(event, store) {
            Ok(event) => submit(settings, &[event])?.into_iter().next(),
            Err(ack) => Some(ack),
        };
        let Some(ack) = ack else { continue };
        accepted &= matches!(ack.status, AckStatus::Accepted | AckStatus::Duplicate);
        let id = format!("p{:02}:{}", place.0, place.1);
        let view = serde_json::json!({ "id": id, "result": ack });
        output.view(&view, |_| {
            let word = match ack.status {
                AckStatus::Accepted => "accepted",
                AckStatus::Duplicate => "known already",
                AckStatus::Quarantined | AckStatus::Rejected => "not accepted",
            };
            let code = ack.code.as_deref().map_or(String::new(), |code| format!(": {code}"));
            format!("{id}  {word}{code}")
        })?;
    }
    Ok(if accepted { ExitCode::SUCCESS } else { ExitCode::from(NOT_ALL) })
}

/// The event that an entry would be now: bytes are read once more, an event stays what it is.
fn again(event: Event, store: Option<StoreId>) -> Result<Event, Ack> {
    let Body::Rejected(rejected) = event.body else {
        return Ok(Event { store: store.unwrap_or(event.store), ..event });
    };
    let Rejected { raw, .. } = *rejected;
    let defaults = Defaults { store, received_at: event.received_at };
    parse_event(&raw, &defaults).map_err(|error| Ack {
        status: AckStatus::Rejected,
        code: Some(error.code.code().to_owned()),
        hint: Some(error.hint().to_string()),
    })
}
