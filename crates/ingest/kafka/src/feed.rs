//! Events into the log, from whoever has them: a batch is in it as a whole or not at all.

use std::time::Duration;

use rdkafka::error::RDKafkaErrorCode as Code;
use rdkafka::producer::{BaseRecord, Producer as _};
use shelf_domain::Event;
use shelf_events::encode_event;

use crate::client::{Heard, Producer, deliver, make, send};
use crate::{Connection, KafkaError, LOG_EVENTS};

const FEED: &str = "feed an event";
const COMMIT: &str = "commit a batch";
const STEP_WITHIN: Duration = Duration::from_secs(20);

/// Writes events into the log.
pub struct Feed {
    producer: Producer,
    topic: String,
    what: String,
    bytes: Vec<u8>,
    open: bool,
}

impl Feed {
    /// Begins to feed under this name. Whoever feeds under the same one is fenced, so that a
    /// process that was given up can add nothing.
    pub fn open(connection: &Connection, name: &str) -> Result<Self, KafkaError> {
        let id = connection.name(&format!("feed-{name}"));
        let settings = [
            ("transactional.id", id.as_str()),
            ("transaction.timeout.ms", "30000"),
            ("message.max.bytes", "16777216"),
            ("linger.ms", "5"),
            ("retry.backoff.ms", "10"),
        ];
        let producer: Producer = make(connection, &settings, Heard::default())?;
        let what = format!("the feed {name}");
        let begun = producer.init_transactions(STEP_WITHIN);
        begun.map_err(|source| {
            producer.poll(Duration::ZERO);
            match source.rdkafka_error_code() {
                Some(Code::OperationTimedOut | Code::AllBrokersDown) => {
                    producer.context().silence(connection.brokers())
                }
                _ => KafkaError::of("begin to feed", &what, source),
            }
        })?;
        let topic = connection.name(LOG_EVENTS);
        Ok(Self { producer, topic, what, bytes: Vec::new(), open: false })
    }

    /// Adds an event to the batch.
    pub fn add(&mut self, partition: u32, event: &Event) -> Result<(), KafkaError> {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        encode_event(event, &mut bytes);
        let added = self.add_bytes(partition, event.store.as_str(), &bytes);
        self.bytes = bytes;
        added
    }

    fn add_bytes(&mut self, partition: u32, key: &str, bytes: &[u8]) -> Result<(), KafkaError> {
        if !self.open {
            let begun = self.producer.begin_transaction();
            begun.map_err(|source| KafkaError::of(FEED, &self.what, source))?;
            self.open = true;
        }
        let record =
            BaseRecord::to(&self.topic).partition(partition as i32).key(key).payload(bytes);
        send(&self.producer, record, None).map_err(|error| match error.rdkafka_error_code() {
            Some(Code::MessageSizeTooLarge) => {
                KafkaError::TooLarge { topic: self.topic.clone(), bytes: bytes.len() }
            }
            _ => KafkaError::of(FEED, &self.what, error),
        })
    }

    /// Commits the batch; it is durable when this returns. After an error nobody knows whether it
    /// is: open the feed again and send it once more, for events that are known are recognised.
    pub fn commit(&mut self) -> Result<(), KafkaError> {
        if !self.open {
            return Ok(());
        }
        deliver(&self.producer, STEP_WITHIN);
        let done = self.producer.commit_transaction(STEP_WITHIN);
        done.map_err(|source| {
            self.producer.poll(Duration::ZERO);
            match self.producer.context().undelivered() {
                Some(record) => record.judged(COMMIT, &self.what),
                None => KafkaError::of(COMMIT, &self.what, source),
            }
        })?;
        self.open = false;
        Ok(())
    }
}
