//! `shelf quarantine`: what was not accepted, and submitting it again.

use std::collections::BTreeMap;
use std::process::ExitCode;

use serde::Serialize;
use shelf_domain::{Body, Effect, Event, EventId, Reason, Rejected, StoreId};
use shelf_eventlog::LogReader;
use shelf_events::{Defaults, decode_event, write_event};
use shelf_host::{Ack, AckStatus, OutputTail, Sources};
use shelf_ports::{Offset, RecordBatch};

use shelf_sources::{Foreign, Known, LineReader};

use crate::acts::{LineEvents, NOT_ALL, new_store, submit};
use crate::args::QuarantineCommand;
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;

/// How much of an entry a line of the list shows, in characters.
const SHOWN: usize = 120;
/// How much of the log is read at once, in bytes.
const READ_BYTES: usize = 1 << 20;
/// The most entries that are submitted again at once.
const RETRY_EVENTS: usize = 16_384;

/// A partition and an offset in it.
type Place = (u32, Offset);

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
            list(reason.as_deref(), *limit, settings, output)?;
            Ok(ExitCode::SUCCESS)
        }
        QuarantineCommand::Retry { ids, all, store } => {
            let store = new_store(store.as_ref())?;
            let places = match all {
                true => places(settings)?.into_iter().map(|(place, _)| place).collect(),
                false => ids.iter().map(|id| parse_id(id)).collect::<Result<Vec<_>, _>>()?,
            };
            retry(settings, &places, store, output)
        }
    }
}

fn list(
    wanted: Option<&str>,
    limit: usize,
    settings: &Settings,
    output: Output,
) -> Result<(), Failure> {
    let mut log = LogReader::open(settings.folder().log())?;
    let sources = Sources::open(&settings.folder())?;
    let mut found = 0;
    for (place, why) in places(settings)?.into_iter().rev() {
        // The reason of bytes that are no event stands in the record itself.
        if wanted.is_some_and(|wanted| why != Reason::Unreadable && why.code() != wanted) {
            continue;
        }
        if wanted.is_none() && found >= limit {
            found += 1;
            continue;
        }
        let entry = entry(&event_at(&mut log, place)?, place, why, &sources);
        if wanted.is_some_and(|wanted| wanted != entry.reason) {
            continue;
        }
        found += 1;
        if found <= limit {
            output.view(&entry, render)?;
        }
    }
    match (found, wanted) {
        (0, None) => output.say("nothing is in quarantine"),
        (0, Some(reason)) => output.say(&format!("nothing is in quarantine for {reason}")),
        _ if found > limit => output.say(&format!("{found} in all; see more with --limit")),
        _ => {}
    }
    Ok(())
}

/// Where the events that were not accepted lie in the log, and why, in order of the log. One that
/// was submitted again since is there once more if it was not accepted again, else no more.
fn places(settings: &Settings) -> Result<Vec<(Place, Reason)>, Failure> {
    let mut found: BTreeMap<Place, Reason> = BTreeMap::new();
    OutputTail::open(&settings.folder())?.catch_up(|partition, record| {
        if let Effect::Quarantined(reason) = record.effect {
            found.insert((partition, record.input_offset), reason);
        }
    })?;
    let mut log = LogReader::open(settings.folder().log())?;
    let mut kept = found.clone();
    for partition in 0..log.partition_count() {
        drop_submitted_again(&mut log, partition, &found, &mut kept)?;
    }
    Ok(kept.into_iter().collect())
}

/// Takes those entries of a partition out whose event stands in the log again, or no more.
fn drop_submitted_again(
    log: &mut LogReader,
    partition: u32,
    found: &BTreeMap<Place, Reason>,
    kept: &mut BTreeMap<Place, Reason>,
) -> Result<(), Failure> {
    let ours = (partition, 0)..=(partition, Offset::MAX);
    let Some((&(_, first), _)) = found.range(ours).next() else { return Ok(()) };
    let mut waiting: BTreeMap<EventId, Place> = BTreeMap::new();
    let mut read = RecordBatch::new();
    let mut offset = first.max(log.start_offset(partition)?);
    kept.retain(|place, _| place.0 != partition || place.1 >= offset);
    while offset < log.end_offset(partition)? {
        let next = log.read(partition, offset, READ_BYTES, &mut read)?;
        for record in read.iter() {
            let place = (partition, offset);
            let event = decode(record, place)?;
            let refused = found.contains_key(&place);
            // Bytes that are known and still no event have not been taken by that.
            let taken = !matches!(event.body, Body::Rejected(_));
            if (taken || refused)
                && let Some(before) = waiting.remove(&event.id)
            {
                kept.remove(&before);
            }
            if refused {
                waiting.insert(id_of_retry(&event), place);
            }
            offset += 1;
        }
        offset = next;
    }
    Ok(())
}

/// The id that an entry has when it is submitted again.
fn id_of_retry(event: &Event) -> EventId {
    let Body::Rejected(rejected) = &event.body else { return event.id };
    let defaults = Defaults { store: None, received_at: event.received_at };
    // The id of a line does not depend on what is known.
    let mut reader = LineReader::new(Foreign::default(), Known::default());
    let lines = reader.read(&rejected.raw, &defaults).ok();
    lines.and_then(|lines| lines.events.last().map(|last| last.id)).unwrap_or(event.id)
}

fn decode(record: &[u8], (partition, offset): Place) -> Result<Event, Failure> {
    Ok(decode_event(record).map_err(|source| shelf_engine::EngineError::Record {
        partition,
        offset,
        source,
    })?)
}

fn event_at(log: &mut LogReader, place: Place) -> Result<Event, Failure> {
    let (partition, offset) = place;
    if partition >= log.partition_count() || offset >= log.end_offset(partition)? {
        let message = format!("there is no event p{partition:02}:{offset}");
        return Err(Failure::new("not_found", message, "list them with `shelf quarantine list`"));
    }
    let mut read = RecordBatch::new();
    log.read(partition, offset, 1, &mut read)?;
    decode(read.get(0).unwrap_or(&[]), place)
}

fn entry(event: &Event, place: Place, why: Reason, sources: &Sources) -> Entry {
    let at = jiff::Timestamp::from_microsecond(event.received_at.0)
        .map_or_else(|_| String::new(), |at| at.to_string());
    let id = format!("p{:02}:{}", place.0, place.1);
    let hint = why.hint();
    match &event.body {
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
            let known = sources.get(event.origin.source);
            let mut raw = Vec::new();
            write_event(event, &mut raw);
            Entry {
                id,
                at,
                store: event.store,
                reason: why.code().to_owned(),
                source: known.map(|known| known.source.name.clone()),
                line: Some(event.origin.line.into()).filter(|&line| line > 0),
                raw_len: raw.len() as u64,
                raw: String::from_utf8_lossy(&raw).into_owned(),
                hint,
            }
        }
    }
}

fn render(entry: &Entry) -> String {
    let line = entry.line.map_or(String::new(), |line| format!(":{line}"));
    let source = entry.source.as_ref().map_or(String::new(), |source| format!("  {source}{line}"));
    let shown: String = entry.raw.chars().take(SHOWN).filter(|c| !c.is_control()).collect();
    let more = if entry.raw.chars().nth(SHOWN).is_some() { " …" } else { "" };
    format!(
        "{}  {}  {}  {}{source}\n    {shown}{more}\n    hint: {}",
        entry.id, entry.at, entry.store, entry.reason, entry.hint
    )
}

fn parse_id(text: &str) -> Result<Place, Failure> {
    let parsed = text.strip_prefix('p').and_then(|rest| rest.split_once(':'));
    let numbers = parsed.and_then(|(p, offset)| Some((p.parse().ok()?, offset.parse().ok()?)));
    numbers.ok_or_else(|| {
        Failure::usage(format!("there is no entry called {text}"), "give it as p03:1207")
    })
}

fn retry(
    settings: &Settings,
    places: &[Place],
    store: Option<StoreId>,
    output: Output,
) -> Result<ExitCode, Failure> {
    let mut log = LogReader::open(settings.folder().log())?;
    let (mut all, mut lines) = (true, LineEvents::new(settings));
    for places in places.chunks(RETRY_EVENTS) {
        let tried =
            places.iter().map(|&place| again(event_at(&mut log, place)?, store, &mut lines));
        let tries = tried.collect::<Result<Vec<_>, Failure>>()?;
        let events: Vec<Event> = tries.iter().flatten().flatten().cloned().collect();
        let mut acks = submit(settings, &events)?.into_iter();
        for (&(partition, offset), tried) in places.iter().zip(tries) {
            let Some(ack) =
                tried.map_or_else(Some, |events| acks.by_ref().take(events.len()).last())
            else {
                continue;
            };
            all &= matches!(ack.status, AckStatus::Accepted | AckStatus::Duplicate);
            let id = format!("p{partition:02}:{offset}");
            let view = serde_json::json!({ "id": id, "result": ack });
            match output.view(&view, |_| render_retry(&id, &ack)) {
                // What was asked for is done, whether somebody reads of it or not.
                Err(failure) if failure.reader_gone() => {}
                printed => printed?,
            }
        }
    }
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::from(NOT_ALL) })
}

fn render_retry(id: &str, ack: &Ack) -> String {
    let word = match ack.status {
        AckStatus::Accepted => "accepted",
        AckStatus::Duplicate => "known already",
        AckStatus::Quarantined | AckStatus::Rejected => "not accepted",
    };
    let code = ack.code.as_deref().map_or(String::new(), |code| format!(": {code}"));
    let hint = ack.hint.as_deref().map_or(String::new(), |hint| format!("\n    hint: {hint}"));
    format!("{id}  {word}{code}{hint}")
}

/// The events that an entry would be now: bytes are read once more, an event stays what it is. They
/// come from where it came from before.
fn again(
    event: Event,
    store: Option<StoreId>,
    lines: &mut LineEvents<'_>,
) -> Result<Result<Vec<Event>, Ack>, Failure> {
    let Body::Rejected(rejected) = event.body else {
        return Ok(Ok(vec![event]));
    };
    let Rejected { raw, .. } = *rejected;
    let (origin, received_at) = (event.origin, event.received_at);
    Ok(match lines.of(&raw, &Defaults { store, received_at })? {
        Ok(events) => Ok(events.into_iter().map(|event| Event { origin, ..event }).collect()),
        Err(error) => Err(Ack {
            status: AckStatus::Rejected,
            code: Some(error.code().to_owned()),
            hint: Some(error.hint()),
        }),
    })
}
