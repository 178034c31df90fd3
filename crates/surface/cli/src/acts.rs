//! How a command changes anything: as an event, sent to the running process, or appended to the log
//! of a stopped one.

use std::io::BufRead;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};

use shelf_domain::{Body, Event, EventId, Store, StoreId, Timestamp};
use shelf_events::{Defaults, parse_event, write_event};
use shelf_host::{Ack, AckStatus, ChainReader, ChainWriter, Folder, Follow, send};
use shelf_views::Chain;

use crate::args::SendArgs;
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;

/// The exit code where something was not accepted.
pub(crate) const NOT_ALL: u8 = 6;

/// The present, in microseconds since 1970.
pub(crate) fn wall_now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_microsecond())
}

/// An id that no other event has: of this moment, process and event.
pub(crate) fn fresh_id() -> EventId {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let moment = jiff::Timestamp::now().as_nanosecond().unsigned_abs() << 64;
    let process = u128::from(std::process::id()) << 32;
    EventId(moment | process | u128::from(COUNT.fetch_add(1, Ordering::Relaxed)))
}

/// The stores of a data folder, as its log has them on disk.
pub(crate) fn read(settings: &Settings) -> Result<ChainReader, Failure> {
    Ok(ChainReader::open(&settings.folder(), Follow::FromSnapshot)?)
}

/// The named store, or the only one.
pub(crate) fn one_store<'a>(
    chain: &Chain<'a>,
    named: Option<&String>,
) -> Result<&'a Store, Failure> {
    match (named, chain.stores()) {
        (Some(name), _) => {
            chain.store(StoreId::cut(name)).ok_or_else(|| crate::status::unknown_store(chain, name))
        }
        (None, [only]) => Ok(only),
        (None, []) => Err(Failure::new(
            "unknown_store",
            "there is no store yet",
            "see one live with `shelf run --demo`, or take events in with `shelf import`",
        )),
        (None, stores) => Err(Failure::usage(
            format!("there are {} stores", stores.len()),
            "name one with --store",
        )),
    }
}

/// An event of a person at a store, at the store's present.
pub(crate) fn event_at(store: &Store, body: Body) -> Event {
    let at = store.now();
    Event { id: fresh_id(), store: store.id(), at, received_at: at, body }
}

/// Has events applied: by the running process where there is one, else by appending to the log.
pub(crate) fn submit(settings: &Settings, events: &[Event]) -> Result<Vec<Ack>, Failure> {
    let folder = settings.folder();
    folder.meta()?;
    if let Some(acks) = send(&folder, &lines(events))? {
        return Ok(acks);
    }
    let mut chain = match ChainWriter::open(&folder, &settings.writer_options()) {
        Ok(chain) => chain,
        Err(error) if error.code() == "data_in_use" => {
            // It has just started: it listens once it has caught up.
            return send_to(&folder, events)?.ok_or_else(|| error.into());
        }
        Err(error) => return Err(error.into()),
    };
    let submitted = chain.submit(events)?;
    chain.close()?;
    Ok(submitted.outcomes.into_iter().map(Ack::of).collect())
}

fn send_to(folder: &Folder, events: &[Event]) -> Result<Option<Vec<Ack>>, Failure> {
    Ok(send(folder, &lines(events))?)
}

fn lines(events: &[Event]) -> Vec<Vec<u8>> {
    let line = |event: &Event| {
        let mut line = Vec::new();
        write_event(event, &mut line);
        line
    };
    events.iter().map(line).collect()
}

/// Prints what became of one act; the exit code says whether it was accepted.
pub(crate) fn report(acks: &[Ack], done: &str, output: Output) -> Result<ExitCode, Failure> {
    let accepted = acks.iter().all(|ack| ack.status == AckStatus::Accepted);
    if output.json {
        for ack in acks {
            output.json_line(ack)?;
        }
    } else {
        for ack in acks {
            match (ack.status, &ack.code) {
                (AckStatus::Accepted, _) => output.text(done)?,
                (AckStatus::Duplicate, _) => output.text("known already: nothing changed")?,
                (_, code) => {
                    let code = code.as_deref().unwrap_or("rejected");
                    let hint = ack.hint.as_deref().unwrap_or("");
                    output.say(&format!("not accepted[{code}]\n  hint: {hint}"));
                }
            }
        }
    }
    Ok(if accepted { ExitCode::SUCCESS } else { ExitCode::from(NOT_ALL) })
}

/// `shelf send`: JSON lines from stdin, each answered when it is on disk.
pub(crate) fn send_lines(
    args: &SendArgs,
    settings: &Settings,
    output: Output,
) -> Result<ExitCode, Failure> {
    let store = args.store.as_deref().map(StoreId::cut);
    let mut all = ExitCode::SUCCESS;
    for (number, line) in std::io::stdin().lock().split(b'\n').enumerate() {
        let line = line.map_err(|error| {
            Failure::new("stdin", error.to_string(), "check where the input comes from")
        })?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let defaults = Defaults { store, received_at: wall_now() };
        let acks = match parse_event(&line, &defaults) {
            Ok(event) => submit(settings, &[event])?,
            Err(error) => vec![Ack {
                status: AckStatus::Rejected,
                code: Some(error.code.code().to_owned()),
                hint: Some(format!("line {}: {error}; {}", number + 1, error.hint())),
            }],
        };
        let code = report(&acks, "accepted", output)?;
        if acks.iter().any(|ack| ack.status != AckStatus::Accepted) {
            all = code;
        }
    }
    Ok(all)
}
