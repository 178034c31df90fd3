//! Messages to the topics that workers take events from, each acknowledged by the brokers.
//!
//! They are sent in batches, many of which are under way at once. A batch has arrived when every
//! replica that has to has all of its messages. What was sent again after a failure comes twice:
//! whoever reads knows events by their ids.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::Message as _;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError as Foreign, RDKafkaErrorCode as Code};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};

use crate::client::{Heard, locked, make, send};
use crate::init::partitions_of_all;
use crate::{Connection, KafkaError, SOURCES};

const SEND: &str = "send a message";
/// How long the brokers have for a message before it counts as not sent.
const DELIVERY_TIMEOUT_MS: &str = "10000";
/// How long an answer of the brokers is waited for at once.
const POLL: Duration = Duration::from_millis(20);

const SETTINGS: [(&str, &str); 9] = [
    ("acks", "all"),
    ("enable.idempotence", "true"),
    ("message.timeout.ms", DELIVERY_TIMEOUT_MS),
    ("request.timeout.ms", "5000"),
    ("message.max.bytes", "16777216"),
    ("linger.ms", "5"),
    ("retry.backoff.ms", "50"),
    ("compression.type", "lz4"),
    // A key has the partition that clients in Java give it.
    ("partitioner", "murmur2_random"),
];

/// What is under way of a batch.
#[derive(Debug, Default)]
struct UnderWay {
    messages: usize,
    /// The first message that was not delivered: why, its topic, its size.
    failed: Option<(Foreign, String, usize)>,
}

/// Counts what is under way.
#[derive(Debug, Default)]
struct Counting {
    heard: Heard,
    batches: Mutex<BTreeMap<usize, UnderWay>>,
}

impl ClientContext for Counting {
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}

    fn error(&self, error: Foreign, reason: &str) {
        self.heard.error(error, reason);
    }
}

impl ProducerContext for Counting {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, batch: usize) {
        let mut batches = locked(&self.batches);
        let Some(under_way) = batches.get_mut(&batch) else { return };
        under_way.messages = under_way.messages.saturating_sub(1);
        if let Err((error, message)) = result
            && under_way.failed.is_none()
        {
            let topic = message.topic().to_owned();
            under_way.failed = Some((error.clone(), topic, message.payload_len()));
        }
    }
}

/// Sends messages to topics, those of [`SOURCES`] unless others are asked for.
pub struct Outbox {
    producer: BaseProducer<Counting>,
    brokers: String,
    topics: Vec<(&'static str, String)>,
    /// The batches that were begun and have not been waited for, and the number of the next one.
    begun: VecDeque<usize>,
    next: usize,
}

impl std::fmt::Debug for Outbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbox").field("brokers", &self.brokers).finish_non_exhaustive()
    }
}

impl Outbox {
    /// Connects, and looks whether the topics are there.
    pub fn open(connection: &Connection) -> Result<Self, KafkaError> {
        Self::open_for(connection, &SOURCES.map(|name| (name, connection.name(name))))
    }

    /// The same for other topics: by what each is called here, and its full name.
    pub fn open_for(
        connection: &Connection,
        topics: &[(&'static str, String)],
    ) -> Result<Self, KafkaError> {
        let asking = make(connection, &[], Heard::default())?;
        let found = partitions_of_all(&asking, connection)?;
        if let Some((_, topic)) = topics.iter().find(|(_, topic)| !found.contains_key(topic)) {
            return Err(KafkaError::NoTopic { topic: topic.clone() });
        }
        let producer = make(connection, &SETTINGS, Counting::default())?;
        Ok(Self {
            producer,
            brokers: connection.brokers().to_owned(),
            topics: topics.to_vec(),
            begun: VecDeque::new(),
            next: 0,
        })
    }

    /// Begins a batch: what is sent from now on belongs to it.
    pub fn begin(&mut self) {
        self.next += 1;
        self.begun.push_back(self.next);
        locked(&self.producer.context().batches).insert(self.next, UnderWay::default());
    }

    /// Sends a message as a part of the batch that was begun last.
    pub fn send(
        &mut self,
        topic: &'static str,
        key: &str,
        payload: &[u8],
    ) -> Result<(), KafkaError> {
        let full = self.topics.iter().find(|(name, _)| *name == topic);
        let Some((_, full)) = full else {
            return Err(KafkaError::NoTopic { topic: topic.to_owned() });
        };
        if let Some(batch) = locked(&self.producer.context().batches).get_mut(&self.next) {
            batch.messages += 1;
        }
        let record = BaseRecord::with_opaque_to(full, self.next).key(key).payload(payload);
        send(&self.producer, record, None).map_err(|error| self.judged(error, full, payload.len()))
    }

    /// Waits until the earliest batch has arrived, and forgets it.
    pub fn arrived(&mut self) -> Result<(), KafkaError> {
        let Some(batch) = self.begun.pop_front() else { return Ok(()) };
        loop {
            {
                let mut batches = locked(&self.producer.context().batches);
                let under_way = batches.entry(batch).or_default();
                if let Some((error, topic, bytes)) = under_way.failed.take() {
                    drop(batches);
                    return Err(self.judged(error, &topic, bytes));
                }
                if under_way.messages == 0 {
                    batches.remove(&batch);
                    return Ok(());
                }
            }
            self.producer.poll(POLL);
        }
    }

    /// What went wrong with a message, in words that name what can be done.
    fn judged(&self, error: Foreign, topic: &str, bytes: usize) -> KafkaError {
        match error.rdkafka_error_code() {
            Some(Code::MessageSizeTooLarge) => {
                KafkaError::TooLarge { topic: topic.to_owned(), bytes }
            }
            Some(Code::MessageTimedOut | Code::BrokerTransportFailure | Code::AllBrokersDown) => {
                self.producer.context().heard.silence(&self.brokers)
            }
            _ => KafkaError::of(SEND, topic, error),
        }
    }
}
