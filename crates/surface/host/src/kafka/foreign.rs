//! Messages of other systems, as events in the log: all of them by one taker, whose memory is kept
//! with the events.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use shelf_domain::{Body, Event, Note, Timestamp};
use shelf_engine::partition_of;
use shelf_events::{Defaults, ErrorCode, JsonError, rejected_event};
use shelf_kafka::{Connection, ForeignClaim, KafkaError, MergeOptions, Message};
use shelf_sources::{Foreign, Format, LineError, LineReader, Remembered};

use super::cadence::Cadence;
use super::intake::IntakeOptions;
use super::takers::{Counted, LAG_EVERY, Partition};

/// How often it is looked whether topics have more partitions.
const GROWN_EVERY: Duration = Duration::from_mins(1);

/// How messages of other systems are taken.
#[derive(Clone, Debug)]
pub struct ForeignOptions {
    /// The topics, by their full names, and whose messages each holds. Of messages that were
    /// written in the same millisecond, those of the first topic come first.
    pub topics: Vec<(String, Format)>,
    /// How they are read.
    pub foreign: Foreign,
    /// How many products are remembered; a line that names another one is no event.
    pub most_products: usize,
    /// How the partitions become one stream.
    pub merge: MergeOptions,
}

impl ForeignOptions {
    /// Products that are remembered if nothing else is said: some 200 MB.
    pub const MOST_PRODUCTS: usize = 1_000_000;

    /// The usual ones.
    pub fn new(topics: Vec<(String, Format)>, foreign: Foreign) -> Self {
        let (most_products, merge) = (Self::MOST_PRODUCTS, MergeOptions::default());
        Self { topics, foreign, most_products, merge }
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.topics.iter().map(|(topic, _)| topic.clone()).collect()
    }
}

/// Takes the messages of all topics.
pub(super) struct ForeignTaker {
    pub(super) connection: Connection,
    pub(super) options: Arc<IntakeOptions>,
    pub(super) foreign: Arc<ForeignOptions>,
    pub(super) taken: Arc<Counted>,
    /// The partition that it was elected by.
    pub(super) elected_by: Partition,
}

impl ForeignTaker {
    pub(super) fn run(&self, stop: &AtomicBool) {
        self.taken.run(&self.elected_by, stop, || {
            while !stop.load(Ordering::Acquire) {
                let served = self.serve(stop);
                self.taken.gone_of(&self.foreign.names());
                served?;
            }
            Ok(())
        });
    }

    /// Takes messages until it is told to stop, or the topics have grown. Whatever fails, claim and
    /// memory are dropped: what is remembered is never ahead of what is committed.
    fn serve(&self, stop: &AtomicBool) -> Result<(), KafkaError> {
        let (options, foreign) = (&self.options, &self.foreign);
        let mut reader = LineReader::keeping(foreign.foreign.clone(), foreign.most_products);
        let (topics, merge) = (foreign.names(), &foreign.merge);
        let restore = |key: &[u8], value: &[u8]| {
            let remembered = Remembered::read(key, value);
            remembered.map(|remembered| reader.restore(remembered)).is_some()
        };
        let mut claim = ForeignClaim::take(&self.connection, &topics, merge, restore)?;
        self.taken.skipped.fetch_add(claim.skipped(), Ordering::Relaxed);
        self.behind(&claim);
        let (mut cadence, mut looked) = (Cadence::new(options.commit_every), Instant::now());
        let mut lag_at = Instant::now();
        while !stop.load(Ordering::Acquire) {
            let taken = claim.pump(cadence.wait(), |message, events| {
                self.read(&mut reader, message, events);
            })?;
            for remembered in reader.changes() {
                claim.remember(&remembered.key(), &remembered.value())?;
            }
            self.taken.messages.fetch_add(taken.messages, Ordering::Relaxed);
            if lag_at.elapsed() >= LAG_EVERY {
                lag_at = Instant::now();
                self.behind(&claim);
            }
            if cadence.is_due() {
                let begun = Instant::now();
                claim.commit()?;
                self.taken.in_the_way(&self.elected_by, None);
                cadence.committed(begun);
                if looked.elapsed() >= GROWN_EVERY {
                    looked = Instant::now();
                    if claim.has_grown()? {
                        break;
                    }
                }
            }
        }
        claim.commit()
    }

    /// Notes how far it is behind the ends of the topics.
    fn behind(&self, claim: &ForeignClaim) {
        for (partition, lag) in claim.lags() {
            self.taken.behind(partition, lag);
        }
    }

    /// The events of a message: what it is the first to name, and what it says. What is none
    /// becomes one that says so.
    fn read(&self, reader: &mut LineReader, message: &Message<'_>, events: &mut Vec<(u32, Event)>) {
        let received_at = Timestamp(message.written_ms.saturating_mul(1_000));
        let defaults = Defaults { store: self.options.store, received_at };
        let bytes = message.payload.unwrap_or_default();
        let topic = self.foreign.topics.iter().find(|(topic, _)| topic == message.topic);
        let format = topic.map_or(Format::Auto, |(_, format)| *format);
        let mut push = |event: Event| {
            events.push((partition_of(event.store, self.options.partitions), event));
        };
        match reader.read_as(format, bytes, &defaults) {
            Ok(lines) => {
                lines.declarations.into_iter().for_each(&mut push);
                lines.events.into_iter().for_each(push);
            }
            Err(error) => push(rejected(&error, message, &defaults)),
        }
    }
}

/// The event that keeps a message which is none.
fn rejected(error: &LineError, message: &Message<'_>, defaults: &Defaults) -> Event {
    let source = format!("{}/{}", message.topic, message.partition);
    let (bytes, line) = (message.payload.unwrap_or_default(), message.offset.unsigned_abs());
    let broken = match error {
        LineError::Json(error) => return rejected_event(error, bytes, &source, line, defaults),
        LineError::Foreign(broken) => broken,
    };
    let detail = broken.sentence().to_owned();
    let json = JsonError { code: ErrorCode::WrongType, field: "", detail };
    let mut event = rejected_event(&json, bytes, &source, line, defaults);
    if let Body::Rejected(rejected) = &mut event.body {
        rejected.reason = Note::cut(broken.code());
    }
    event
}
