//! Messages of others, as events in the log: re-keyed by store, each once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use shelf_domain::{Event, StoreId, Timestamp};
use shelf_engine::partition_of;
use shelf_events::{Defaults, parse_event, rejected_event};
use shelf_kafka::{
    Assignment, Avro, Connection, KafkaError, Membership, MembershipOptions, Message,
    SOURCES_GROUP, SourceClaim, Unread,
};

use super::lanes::Lanes;
use crate::HostError;

const POLL: Duration = Duration::from_millis(100);
const PAUSE: Duration = Duration::from_millis(500);
const PAUSE_FENCED: Duration = Duration::from_secs(3);

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
}

/// Takes messages of others. Dropping it leaves the group.
pub struct KafkaIntake {
    membership: Membership<Sources>,
    taken: Arc<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    messages: AtomicU64,
    failures: AtomicU64,
    trouble: Mutex<BTreeMap<(String, u32), KafkaError>>,
}

struct Sources {
    connection: Connection,
    options: Arc<IntakeOptions>,
    taken: Arc<Counted>,
    lanes: Lanes,
}

impl Assignment for Sources {
    fn assigned(&self, partitions: &[(String, u32)]) {
        for partition in partitions {
            let taker = Taker {
                connection: self.connection.clone(),
                options: Arc::clone(&self.options),
                taken: Arc::clone(&self.taken),
                topic: partition.0.clone(),
                partition: partition.1,
            };
            self.lanes.begin(partition, move |stop| taker.run(&stop));
        }
    }

    fn revoked(&self, partitions: &[(String, u32)]) {
        self.lanes.end(partitions);
    }
}

impl Drop for Sources {
    fn drop(&mut self) {
        self.lanes.end_all();
    }
}

/// Takes the messages of one partition of a topic.
struct Taker {
    connection: Connection,
    options: Arc<IntakeOptions>,
    taken: Arc<Counted>,
    topic: String,
    partition: u32,
}

impl Taker {
    fn run(&self, stop: &AtomicBool) {
        while !stop.load(Ordering::Acquire) {
            let Err(error) = self.serve(stop) else { break };
            self.taken.failures.fetch_add(1, Ordering::Relaxed);
            let fenced = matches!(error, KafkaError::Fenced { .. });
            self.trouble(Some(error));
            let (began, length) = (Instant::now(), if fenced { PAUSE_FENCED } else { PAUSE });
            while began.elapsed() < length && !stop.load(Ordering::Acquire) {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        self.trouble(None);
    }

    /// Notes what is in the way, or that nothing is.
    fn trouble(&self, error: Option<KafkaError>) {
        let mut all = self.taken.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let partition = (self.topic.clone(), self.partition);
        match error {
            Some(error) => drop(all.insert(partition, error)),
            None => drop(all.remove(&partition)),
        }
    }

    fn serve(&self, stop: &AtomicBool) -> Result<(), KafkaError> {
        let mut claim = SourceClaim::take(&self.connection, &self.topic, self.partition)?;
        let mut committed_at = Instant::now();
        while !stop.load(Ordering::Acquire) {
            let wait = self.options.commit_every.saturating_sub(committed_at.elapsed());
            let mut unread = None;
            let taken = claim.pump(wait, |message, events| {
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
            if committed_at.elapsed() >= self.options.commit_every {
                claim.commit()?;
                self.trouble(None);
                committed_at = Instant::now();
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
        shelf_kafka::check(connection, options.partitions)?;
        let taken = Arc::new(Counted::default());
        let topics = options.topics.clone();
        let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
        let sources = Sources {
            connection: connection.clone(),
            options: Arc::new(options),
            taken: Arc::clone(&taken),
            lanes: Lanes::default(),
        };
        let membership = MembershipOptions { group: SOURCES_GROUP, ..Default::default() };
        let membership = Membership::join(connection, &topics, &membership, sources)?;
        Ok(Self { membership, taken })
    }

    /// Takes messages until `stop` is set.
    pub fn run(&self, stop: &AtomicBool) -> Result<(), HostError> {
        while !stop.load(Ordering::Acquire) {
            self.membership.poll(POLL)?;
        }
        Ok(())
    }

    /// How many messages were taken, those of transactions that failed included.
    pub fn messages(&self) -> u64 {
        self.taken.messages.load(Ordering::Relaxed)
    }

    /// Leaves, with everything committed that was taken. Returns how many messages that were.
    pub fn leave(self) -> u64 {
        let Self { membership, taken } = self;
        drop(membership);
        taken.messages.load(Ordering::Relaxed)
    }

    /// How often taking had to begin anew.
    pub fn failures(&self) -> u64 {
        self.taken.failures.load(Ordering::Relaxed)
    }

    /// What is in the way of taking, by topic and partition: a code and a sentence.
    pub fn trouble(&self) -> Vec<(String, u32, &'static str, String)> {
        let all = self.taken.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let told = all.iter().map(|((topic, partition), error)| {
            (topic.clone(), *partition, error.code(), error.to_string())
        });
        told.collect()
    }
}
