//! `shelf kafka feed`: events as JSON lines into the log, a batch as a whole or not at all.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;
use shelf_domain::StoreId;
use shelf_engine::partition_of;
use shelf_events::Defaults;
use shelf_host::HostError;
use shelf_kafka::{Connection, Feed, KafkaError};
use shelf_sources::read_event;

use crate::acts::{NOT_ALL, new_store, wall_now};
use crate::args::FeedArgs;
use crate::failure::Failure;
use crate::output::Output;
use crate::progress::of_bytes;
use crate::send::read_line;
use crate::settings::Settings;

/// How often a batch is sent that nobody has answered.
const TRIES: u32 = 5;

pub(super) fn run(
    args: &FeedArgs,
    settings: &Settings,
    output: Output,
) -> Result<ExitCode, Failure> {
    let connection = settings.kafka.connection()?;
    let partitions = settings.log.partitions;
    shelf_kafka::check(&connection, partitions).map_err(HostError::from)?;
    let store = new_store(args.store.as_ref())?;
    let (input, bytes) = open(args.file.as_deref())?;
    let bar = of_bytes(output, bytes, "fed");
    let mut feeding = Feeding { connection, name: args.name.clone(), feed: None, partitions };
    let mut lines = Lines { input, number: 0, store };
    let (mut fed, mut refused) = (0, 0);
    loop {
        let batch = lines.batch(args.batch.max(1))?;
        for refusal in &batch.refused {
            output.say(refusal);
        }
        feeding.commit(&batch.events)?;
        fed += batch.events.len();
        refused += batch.refused.len();
        bar.inc(batch.bytes);
        if batch.last {
            break;
        }
    }
    bar.finish_and_clear();
    let view = json!({ "fed": fed, "refused": refused });
    output.view(&view, |_| format!("{fed} events are in the log, {refused} lines were refused"))?;
    Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::from(NOT_ALL) })
}

fn open(file: Option<&Path>) -> Result<(Box<dyn BufRead>, Option<u64>), Failure> {
    let Some(path) = file else { return Ok((Box::new(std::io::stdin().lock()), None)) };
    let failed = |error: std::io::Error| {
        let message = format!("cannot read {}: {error}", path.display());
        Failure::new("source_missing", message, "check the path")
    };
    let file = File::open(path).map_err(failed)?;
    let bytes = file.metadata().map_err(failed)?.len();
    Ok((Box::new(BufReader::new(file)), Some(bytes)))
}

/// Lines that become events.
struct Lines {
    input: Box<dyn BufRead>,
    number: u64,
    store: Option<StoreId>,
}

#[derive(Default)]
struct Batch {
    events: Vec<shelf_domain::Event>,
    refused: Vec<String>,
    bytes: u64,
    last: bool,
}

impl Lines {
    fn batch(&mut self, events: usize) -> Result<Batch, Failure> {
        let failed = |error: std::io::Error| {
            Failure::new("stdin", error.to_string(), "check where the input comes from")
        };
        let mut batch = Batch::default();
        let defaults = Defaults { store: self.store, received_at: wall_now() };
        while batch.events.len() < events {
            let Some(line) = read_line(&mut self.input).map_err(failed)? else {
                batch.last = true;
                break;
            };
            batch.bytes += line.len() as u64;
            self.number += 1;
            if line.trim_ascii().is_empty() {
                continue;
            }
            match read_event(&line, &defaults) {
                Ok(event) => batch.events.push(event),
                Err(error) => {
                    let (number, code, hint) = (self.number, error.code.code(), error.hint());
                    batch.refused.push(format!("line {number}: {error} [{code}]; {hint}"));
                }
            }
        }
        Ok(batch)
    }
}

struct Feeding {
    connection: Connection,
    name: String,
    feed: Option<Feed>,
    partitions: u32,
}

impl Feeding {
    /// Commits a batch. One that nobody answered is sent again, for events that are known are
    /// recognised.
    fn commit(&mut self, events: &[shelf_domain::Event]) -> Result<(), Failure> {
        let mut tries = 0;
        loop {
            let done = self.once(events);
            tries += 1;
            match done {
                Ok(()) => return Ok(()),
                Err(error) if error.passes() && tries < TRIES => self.feed = None,
                Err(error) => return Err(HostError::from(error).into()),
            }
        }
    }

    fn once(&mut self, events: &[shelf_domain::Event]) -> Result<(), KafkaError> {
        let mut feed = match self.feed.take() {
            Some(feed) => feed,
            None => Feed::open(&self.connection, &self.name)?,
        };
        for event in events {
            feed.add(partition_of(event.store, self.partitions), event)?;
        }
        feed.commit()?;
        self.feed = Some(feed);
        Ok(())
    }
}
