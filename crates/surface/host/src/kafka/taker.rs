//! Messages of others, as events in the log: those of all partitions in the order in which they
//! were written, by one taker, or those of a partition that is keyed by store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use shelf_domain::{Body, Event, Timestamp};
use shelf_engine::partition_of;
use shelf_events::{Defaults, parse_event, rejected_event};
use shelf_kafka::{
    Agreed, Avro, Connection, KafkaError, Message, SOURCE_BOOK, SourceClaim, Unread,
};
use shelf_sources::{LineReader, Remembered};

use super::cadence::Cadence;
use super::foreign::{self, ForeignOptions};
use super::intake::IntakeOptions;
use super::takers::{Counted, LAG_EVERY, Partition};

/// How often it is looked whether topics have more partitions.
const GROWN_EVERY: Duration = Duration::from_mins(1);
/// How long a message waits that could not be read, before it is tried again.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// Takes the messages of one partition; who is given that of the book, those of all topics that
/// need one order.
pub(super) struct Taker {
    pub(super) connection: Connection,
    pub(super) options: Arc<IntakeOptions>,
    pub(super) agreed: Arc<Agreed>,
    pub(super) taken: Arc<Counted>,
    pub(super) of: Partition,
}

/// A claim, and what it is served with.
struct Served {
    claim: SourceClaim,
    /// What reads the messages of other systems.
    reader: Option<LineReader>,
    /// Whose message could not be read.
    unread: Option<Partition>,
    /// How many messages were taken since the last commit.
    open: u64,
}

impl Taker {
    pub(super) fn run(&self, stop: &AtomicBool) {
        self.taken.run(&self.of, stop, || {
            while !stop.load(Ordering::Acquire) {
                let served = self.serve(stop);
                self.taken.gone(self.all());
                served?;
            }
            Ok(())
        });
    }

    /// The topics whose partitions are taken in one order; none where one partition is taken.
    fn merged(&self) -> &[String] {
        if self.of.0 == self.connection.name(SOURCE_BOOK) {
            &self.agreed.lists().in_order
        } else {
            &[]
        }
    }

    /// The topics that it takes messages of.
    fn all(&self) -> impl Fn(&Partition) -> bool {
        let (topics, of) = (self.merged().to_vec(), self.of.clone());
        move |partition| *partition == of || topics.contains(&partition.0)
    }

    fn claim(&self) -> Result<Served, KafkaError> {
        let (connection, options, agreed) = (&self.connection, &self.options, &*self.agreed);
        let merge = &options.merge;
        if self.merged().is_empty() {
            let of = (self.of.0.as_str(), self.of.1);
            let claim = SourceClaim::take(connection, agreed, of, merge)?;
            return Ok(Served { claim, reader: None, unread: None, open: 0 });
        }
        let mut reader = options.foreign.as_ref().map(ForeignOptions::reader);
        let restore = |key: &[u8], value: &[u8]| {
            let remembered = Remembered::read(key, value);
            let reader = reader.as_mut();
            let restore = |remembered| reader.map(|reader| reader.restore(remembered));
            remembered.map(restore).is_some()
        };
        let claim = SourceClaim::take_merged(connection, agreed, merge, restore)?;
        Ok(Served { claim, reader, unread: None, open: 0 })
    }

    /// Takes messages until it is told to stop, or the topics have grown. Whatever fails, claim and
    /// memory are dropped: what is remembered is never ahead of what is committed.
    fn serve(&self, stop: &AtomicBool) -> Result<(), KafkaError> {
        let mut served = self.claim()?;
        self.behind(&mut served.claim);
        let mut cadence = Cadence::new(self.options.commit_every);
        let (mut looked, mut lag_at) = (Instant::now(), Instant::now());
        while !stop.load(Ordering::Acquire) {
            let wait = cadence.wait();
            self.step(&mut served, wait)?;
            if lag_at.elapsed() >= LAG_EVERY {
                lag_at = Instant::now();
                self.behind(&mut served.claim);
            }
            if cadence.is_due() {
                let begun = Instant::now();
                self.commit(&mut served)?;
                cadence.committed(begun);
                if looked.elapsed() >= GROWN_EVERY {
                    looked = Instant::now();
                    if served.claim.has_grown()? {
                        break;
                    }
                }
            }
            if served.unread.is_some() {
                pause(AGAIN_AFTER, stop);
            }
        }
        self.commit(&mut served)
    }

    /// Takes what has come, or comes in so long.
    fn step(&self, served: &mut Served, wait: Duration) -> Result<(), KafkaError> {
        let Served { claim, reader, unread, open } = served;
        let mut failed = None;
        let taken = claim.pump(wait, |message, events| {
            let error = self.read(reader.as_mut(), message, events).err();
            failed = error.map(|error| (message.topic.to_owned(), message.partition, error));
            failed.is_none()
        })?;
        for remembered in reader.iter_mut().flat_map(LineReader::changes) {
            claim.remember(&remembered.key(), &remembered.value())?;
        }
        *open += taken.messages;
        self.taken.messages.fetch_add(taken.messages, Ordering::Relaxed);
        let now = failed.map(|(topic, partition, error)| {
            let of = (topic, partition);
            self.taken.in_the_way(&of, Some(error));
            of
        });
        let before = std::mem::replace(unread, now);
        if let Some(before) = before.filter(|before| Some(before) != unread.as_ref()) {
            self.taken.in_the_way(&before, None);
        }
        Ok(())
    }

    fn commit(&self, served: &mut Served) -> Result<(), KafkaError> {
        let Served { claim, unread, open, .. } = served;
        claim.commit()?;
        self.taken.committed.fetch_add(std::mem::take(open), Ordering::Relaxed);
        self.taken.skipped.fetch_add(claim.skipped(), Ordering::Relaxed);
        if unread.as_ref() != Some(&self.of) {
            self.taken.in_the_way(&self.of, None);
        }
        Ok(())
    }

    /// Notes how far it is behind the ends of the topics.
    fn behind(&self, claim: &mut SourceClaim) {
        for (partition, lag) in claim.lags() {
            self.taken.behind(partition, lag);
        }
    }

    /// The events of a message, with the partition that each belongs to; what is no event becomes
    /// one that says so. It is an error where nobody says how the message is to be read.
    fn read(
        &self,
        reader: Option<&mut LineReader>,
        message: &Message<'_>,
        events: &mut Vec<(u32, Event)>,
    ) -> Result<(), KafkaError> {
        let received_at = Timestamp(message.written_ms.saturating_mul(1_000));
        let defaults = Defaults { store: self.options.store, received_at };
        let mut push = |event: Event| {
            events.push((partition_of(event.store, self.options.partitions), event));
        };
        let format = self.options.foreign.as_ref().and_then(|of| of.format(message.topic));
        match reader.zip(format) {
            Some((reader, format)) => {
                foreign::read(reader, format, message, &defaults, &mut push);
            }
            None => push(self.event(message, &defaults)?),
        }
        Ok(())
    }

    /// The event of a message in a format of our own.
    fn event(&self, message: &Message<'_>, defaults: &Defaults) -> Result<Event, KafkaError> {
        let bytes = message.payload.unwrap_or_default();
        let read = match &self.connection.avro {
            Some(avro) if Avro::reads(bytes) => {
                let mut line = Vec::new();
                match avro.decode(bytes, &mut line) {
                    Ok(()) => self.parsed(message, &line, defaults),
                    Err(Unread::Message(error)) => Err(error),
                    Err(Unread::Registry(error)) => return Err(error),
                }
            }
            _ => self.parsed(message, bytes, defaults),
        };
        Ok(read.unwrap_or_else(|error| {
            let source = format!("{}/{}", message.topic, message.partition);
            rejected_event(&error, bytes, &source, message.offset.unsigned_abs(), defaults)
        }))
    }

    /// The event of a line. Whoever enters or leaves is named by the key of the message, unless
    /// messages are keyed by store.
    fn parsed(
        &self,
        message: &Message<'_>,
        line: &[u8],
        defaults: &Defaults,
    ) -> Result<Event, shelf_events::JsonError> {
        use shelf_kafka::VISITS;
        let event = parse_event(line, defaults)?;
        let nameless = matches!(event.body, Body::Entry(None) | Body::Exit(None));
        if !nameless || message.topic != self.connection.name(VISITS) {
            return Ok(event);
        }
        let keyed_by_store = self.options.keyed_by_store.iter().any(|topic| topic == VISITS);
        Ok(if keyed_by_store { event } else { shelf_events::keyed_event(event, line, message.key) })
    }
}

/// Waits so long, or until `stop` is set.
pub(super) fn pause(length: Duration, stop: &AtomicBool) {
    let began = Instant::now();
    while began.elapsed() < length && !stop.load(Ordering::Acquire) {
        std::thread::sleep(Duration::from_millis(20));
    }
}
