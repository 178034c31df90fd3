//! `shelf send`: JSON lines from stdin, each answered when it is on disk.

use std::io::{BufRead, BufReader, Read};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use shelf_domain::{Event, StoreId, Timestamp};
use shelf_events::{Defaults, MAX_LINE_BYTES};
use shelf_host::{Ack, AckStatus, SourceName};

use crate::acts::{LineEvents, NOT_ALL, new_store, read, report, submit_from, wall_now};
use crate::args::SendArgs;
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;

/// The most lines that share one wait for the disk.
const BATCH_LINES: usize = 4_096;
/// The most lines that wait; stdin beyond that waits too.
const WAITING_LINES: usize = 64;

/// A line with its number.
type Line = (u64, Vec<u8>);
type ReadLine = std::io::Result<Line>;

pub(crate) fn run(
    args: &SendArgs,
    settings: &Settings,
    output: Output,
) -> Result<ExitCode, Failure> {
    let store = new_store(args.store.as_ref())?;
    settings.folder().meta()?;
    let (sender, lines) = sync_channel(WAITING_LINES);
    // What has come while a batch was on its way to disk is the next batch.
    std::thread::spawn(move || read_lines(std::io::stdin(), &sender));
    let (mut all, mut events) = (true, LineEvents::new(settings));
    while let Some(batch) = next_batch(&lines)? {
        all &= send_batch(&batch, store, &mut events, settings, output)?;
    }
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::from(NOT_ALL) })
}

/// Reads lines, each cut right behind the longest that is allowed.
fn read_lines(input: impl Read, sender: &SyncSender<ReadLine>) {
    let mut input = BufReader::new(input);
    for number in 1.. {
        let read = match read_line(&mut input) {
            Ok(None) => return,
            Ok(Some(line)) => Ok((number, line)),
            Err(error) => Err(error),
        };
        let failed = read.is_err();
        if sender.send(read).is_err() || failed {
            return;
        }
    }
}

/// The next line, cut right behind the longest that is allowed, so that a longer one is known as
/// such; `None` at the end.
pub(crate) fn read_line(input: &mut impl BufRead) -> std::io::Result<Option<Vec<u8>>> {
    let limit = MAX_LINE_BYTES as u64 + 2;
    let mut line = Vec::new();
    let read = input.by_ref().take(limit).read_until(b'\n', &mut line)? as u64;
    if read == limit && line.last() != Some(&b'\n') {
        input.skip_until(b'\n')?;
    }
    Ok((read > 0).then_some(line))
}

/// The next line, and those that have come with it; `None` at the end.
fn next_batch(lines: &Receiver<ReadLine>) -> Result<Option<Vec<Line>>, Failure> {
    let Ok(first) = lines.recv() else { return Ok(None) };
    let rest = lines.try_iter().take(BATCH_LINES);
    let batch: std::io::Result<Vec<_>> = std::iter::once(first).chain(rest).collect();
    batch.map(Some).map_err(|error| {
        Failure::new("stdin", error.to_string(), "check where the input comes from")
    })
}

/// Sends a batch and answers each line in its turn; returns whether all were accepted. A line that
/// becomes several events is answered by the last of them.
fn send_batch(
    batch: &[Line],
    store: Option<StoreId>,
    lines: &mut LineEvents<'_>,
    settings: &Settings,
    output: Output,
) -> Result<bool, Failure> {
    let defaults = Defaults { store, received_at: present(settings)? };
    let (mut events, mut parsed) = (Vec::new(), Vec::new());
    for (number, line) in batch.iter().filter(|(_, line)| !line.trim_ascii().is_empty()) {
        let made = lines.of(line, &defaults)?;
        parsed.push((*number, made.as_ref().map(Vec::len).map_err(Clone::clone)));
        // When it came is not the sender's to say.
        let received_at = defaults.received_at;
        events.extend(made.into_iter().flatten().map(|event| Event { received_at, ..event }));
    }
    let mut acks = submit_from(&SourceName::socket(), settings, events)?.into_iter();
    let mut answers = Vec::new();
    for (number, made) in parsed {
        answers.extend(match made {
            Ok(count) => acks.by_ref().take(count).last(),
            Err(error) => Some(Ack {
                status: AckStatus::Rejected,
                code: Some(error.code().to_owned()),
                hint: Some(format!("line {number}: {error}; {}", error.hint())),
            }),
        });
    }
    report(&answers, "accepted", output)?;
    Ok(answers.iter().all(|ack| ack.status == AckStatus::Accepted))
}

/// When a line comes: by the stores' own time where that is simulated, else by the clock.
fn present(settings: &Settings) -> Result<Timestamp, Failure> {
    if settings.folder().meta()?.town.is_none() {
        return Ok(wall_now());
    }
    let reader = read(settings)?;
    Ok(reader.stores().iter().map(|store| store.now()).max().unwrap_or_else(wall_now))
}
