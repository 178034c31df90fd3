//! Messages of others, as events in the log: re-keyed by store, each once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use shelf_domain::{Event, StoreId, Timestamp};
use shelf_engine::partition_of;
use shelf_events::{Defaults, parse_event, rejected_event};
use shelf_kafka::{
    Avro, Connection, FOREIGN_GROUP, KafkaError, Membership, MembershipOptions, Message,
    SOURCE_BOOK, SOURCES_GROUP, SourceClaim, Unread,
};

use super::cadence::Cadence;
use super::foreign::{ForeignOptions, ForeignTaker};
use super::takers::{Counted, LAG_EVERY, Partition, Takers};
use crate::HostError;

const POLL: Duration = Duration::from_millis(100);

/// How messages of others are taken.
#[derive(Clone, Debug)]
pub struct IntakeOptions {
    /// The topics, without the prefix.
    pub topics: Vec<String>,
    /// How many partitions the log has.
    pub partitions: u32,
    /// The store of messages that name none.
    pub store: Option<StoreId>,
    /// How often what was taken is committed.
    pub commit_every: Duration,
    /// How the messages of other systems are taken; nothing: not at all.
    pub foreign: Option<ForeignOptions>,
}

/// Takes messages of others. Dropping it leaves the group.
pub struct KafkaIntake {
    membership: Membership<Takers>,
    /// Who takes the messages of other systems is elected among those who take messages.
    foreign: Option<Membership<Takers>>,
    taken: Arc<Counted>,
}

/// Takes the messages of one partition of a topic.
struct Taker {
    connection: Connection,
    options: Arc<IntakeOptions>,
    taken: Arc<Counted>,
    of: Partition,
}

impl Taker {
    fn run(&self, stop: &AtomicBool) {
        self.taken.run(&self.of, stop, || self.serve(stop));
        self.taken.gone(&self.of);
    }

    fn serve(&self, stop: &AtomicBool) -> Result<(), KafkaError> {
        let (topic, partition) = &self.of;
        let mut claim = SourceClaim::take(&self.connection, topic, *partition)?;
        self.taken.skipped.fetch_add(claim.skipped(), Ordering::Relaxed);
        let mut cadence = Cadence::new(self.options.commit_every);
        let mut lag_at = Instant::now();
        self.taken.behind(self.of.clone(), claim.lag());
        while !stop.load(Ordering::Acquire) {
            let mut unread = None;
            let taken = claim.pump(cadence.wait(), |message, events| {
                // Behind a message that is not read yet, none is.
                if unread.is_some() {
                    return;
                }
                match self.event(message) {
                    Ok(event) => {
                        let partition = partition_of(event.store, self.options.partitions);
                        events.push((partition, event));
                    }
                    Err(error) => unread = Some(error),
                }
            })?;
            if let Some(error) = unread {
                return Err(error);
            }
            self.taken.messages.fetch_add(taken.messages, Ordering::Relaxed);
            if lag_at.elapsed() >= LAG_EVERY {
                lag_at = Instant::now();
                self.taken.behind(self.of.clone(), claim.lag());
            }
            if cadence.is_due() {
                let begun = Instant::now();
                claim.commit()?;
                self.taken.in_the_way(&self.of, None);
                cadence.committed(begun);
            }
        }
        claim.commit()
    }

    /// The event of a message; what is none becomes one that says so. It is an error where nobody
    /// says how the message is to be read.
    fn event(&self, message: &Message<'_>) -> Result<Event, KafkaError> {
        let received_at = Timestamp(message.written_ms.saturating_mul(1_000));
        let defaults = Defaults { store: self.options.store, received_at };
        let bytes = message.payload.unwrap_or_default();
        let read = match &self.connection.avro {
            Some(avro) if Avro::reads(bytes) => {
                let mut line = Vec::new();
                match avro.decode(bytes, &mut line) {
                    Ok(()) => parse_event(&line, &defaults),
                    Err(Unread::Message(error)) => Err(error),
                    Err(Unread::Registry(error)) => return Err(error),
                }
            }
            _ => parse_event(bytes, &defaults),
        };
        Ok(read.unwrap_or_else(|error| {
            let source = format!("{}/{}", message.topic, message.partition);
            rejected_event(&error, bytes, &source, message.offset.unsigned_abs(), &defaults)
        }))
    }
}

impl KafkaIntake {
    /// Joins those who take messages.
    pub fn join(connection: &Connection, options: IntakeOptions) -> Result<Self, HostError> {
        let topics = options.topics.clone();
        let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
        shelf_kafka::check_sources(connection, options.partitions, &topics)?;
        let taken = Arc::new(Counted::default());
        let options = Arc::new(options);
        let foreign = Self::join_foreign(connection, &options, &taken)?;
        let (connected, counted) = (connection.clone(), Arc::clone(&taken));
        let takers = Takers::new(move |of, stop| {
            let (connection, of) = (connected.clone(), of.clone());
            let (options, taken) = (Arc::clone(&options), Arc::clone(&counted));
            Taker { connection, options, taken, of }.run(stop);
        });
        let membership = MembershipOptions { group: SOURCES_GROUP, ..Default::default() };
        let membership = Membership::join(connection, &topics, &membership, takers)?;
        Ok(Self { membership, foreign, taken })
    }

    /// Joins those of whom one takes the messages of other systems.
    fn join_foreign(
        connection: &Connection,
        options: &Arc<IntakeOptions>,
        taken: &Arc<Counted>,
    ) -> Result<Option<Membership<Takers>>, HostError> {
        let Some(foreign) = options.foreign.clone() else { return Ok(None) };
        shelf_kafka::check_foreign(connection, options.partitions, &foreign.names())?;
        let (connected, foreign) = (connection.clone(), Arc::new(foreign));
        let (options, counted) = (Arc::clone(options), Arc::clone(taken));
        let takers = Takers::new(move |elected_by, stop| {
            let (connection, elected_by) = (connected.clone(), elected_by.clone());
            let (options, foreign) = (Arc::clone(&options), Arc::clone(&foreign));
            let taken = Arc::clone(&counted);
            ForeignTaker { connection, options, foreign, taken, elected_by }.run(stop);
        });
        let membership = MembershipOptions { group: FOREIGN_GROUP, ..Default::default() };
        Ok(Some(Membership::join(connection, &[SOURCE_BOOK], &membership, takers)?))
    }

    /// Takes messages until `stop` is set.
    pub fn run(&self, stop: &AtomicBool) -> Result<(), HostError> {
        while !stop.load(Ordering::Acquire) {
            self.membership.poll(POLL)?;
            if let Some(foreign) = &self.foreign {
                foreign.poll(Duration::ZERO)?;
            }
        }
        Ok(())
    }

    /// How many messages were taken, those of transactions that failed included.
    pub fn messages(&self) -> u64 {
        self.taken.messages.load(Ordering::Relaxed)
    }

    /// Leaves, with everything committed that was taken. Returns how many messages that were.
    pub fn leave(self) -> u64 {
        let Self { membership, foreign, taken } = self;
        drop((membership, foreign));
        taken.messages.load(Ordering::Relaxed)
    }

    /// How often taking had to begin anew.
    pub fn failures(&self) -> u64 {
        self.taken.failures.load(Ordering::Relaxed)
    }

    /// How many offsets of each topic are not taken yet, of the partitions that are this worker's;
    /// `None` where that is not known of all of them.
    pub fn lag(&self) -> BTreeMap<String, Option<u64>> {
        self.taken.lag()
    }

    /// How many offsets were passed over because the brokers no longer had what stood there: those
    /// messages are in no log.
    pub fn skipped(&self) -> u64 {
        self.taken.skipped.load(Ordering::Relaxed)
    }

    /// What is in the way of taking, by topic and partition: a code and a sentence.
    pub fn trouble(&self) -> Vec<(String, u32, &'static str, String)> {
        self.taken.trouble()
    }
}
