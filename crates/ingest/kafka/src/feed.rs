//! Events into the log, from whoever has them: a batch is in it as a whole or not at all.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::error::RDKafkaErrorCode as Code;
use rdkafka::producer::{BaseRecord, Producer as _};
use shelf_domain::Event;
use shelf_events::encode_event;

use crate::client::{Heard, Producer, deliver, make, send};
use crate::transaction::TRANSACTION_TIMEOUT_MS;
use crate::{Connection, KafkaError, LOG_EVENTS, SOURCE_BOOK};

const FEED: &str = "feed an event";
const COMMIT: &str = "commit a batch";
const STEP_WITHIN: Duration = Duration::from_secs(20);

/// Writes events into the log.
pub struct Feed {
    producer: Producer,
    topic: String,
    book: String,
    what: String,
    bytes: Vec<u8>,
    open: bool,
}

impl Feed {
    /// Begins to feed under this name. Whoever feeds under the same one is fenced, so that a
    /// process that was given up can add nothing.
    pub fn open(connection: &Connection, name: &str) -> Result<Self, KafkaError> {
        Self::open_with(connection, name, "30000", Heard::default())
    }

    /// The same; [`Feed::delivered`] tells where events are put. What it has open in the topic of
    /// what takers remember holds up whoever reads that: where it goes silent, the brokers end that
    /// before the others give up.
    pub(crate) fn open_noting(connection: &Connection, name: &str) -> Result<Self, KafkaError> {
        let heard = Heard::noting(connection.name(LOG_EVENTS));
        Self::open_with(connection, name, TRANSACTION_TIMEOUT_MS, heard)
    }

    fn open_with(
        connection: &Connection,
        name: &str,
        timeout_ms: &str,
        heard: Heard,
    ) -> Result<Self, KafkaError> {
        let id = connection.name(&format!("feed-{name}"));
        let settings = [
            ("transactional.id", id.as_str()),
            ("transaction.timeout.ms", timeout_ms),
            ("message.max.bytes", "16777216"),
            ("linger.ms", "5"),
            ("retry.backoff.ms", "10"),
        ];
        let producer: Producer = make(connection, &settings, heard)?;
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
        let (topic, book) = (connection.name(LOG_EVENTS), connection.name(SOURCE_BOOK));
        Ok(Self { producer, topic, book, what, bytes: Vec::new(), open: false })
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
        self.begin()?;
        self.write(&self.topic, partition, key, Some(bytes))
    }

    /// Keeps something in what takers remember, in the transaction of the batch; without a value it
    /// is forgotten.
    pub(crate) fn remember(&mut self, key: &str, value: Option<&[u8]>) -> Result<(), KafkaError> {
        self.begin()?;
        self.write(&self.book, 0, key, value)
    }

    /// Waits until the brokers have all of the batch, which they show nobody before it is
    /// committed. Returns the offset of the last event in each partition that was given one, where
    /// they told it.
    pub(crate) fn delivered(&mut self) -> Result<BTreeMap<u32, i64>, KafkaError> {
        deliver(&self.producer, STEP_WITHIN);
        if let Some(record) = self.producer.context().undelivered() {
            return Err(record.judged(FEED, &self.what));
        }
        if self.producer.in_flight_count() > 0 {
            let action = "acknowledge events";
            return Err(KafkaError::Silent { action, waited: STEP_WITHIN });
        }
        Ok(self.producer.context().delivered())
    }

    fn begin(&mut self) -> Result<(), KafkaError> {
        if !self.open {
            let begun = self.producer.begin_transaction();
            begun.map_err(|source| KafkaError::of(FEED, &self.what, source))?;
            self.open = true;
        }
        Ok(())
    }

    fn write(
        &self,
        topic: &str,
        partition: u32,
        key: &str,
        payload: Option<&[u8]>,
    ) -> Result<(), KafkaError> {
        let mut record: BaseRecord<'_, str, [u8]> =
            BaseRecord::to(topic).partition(partition as i32).key(key);
        record.payload = payload;
        send(&self.producer, record, None).map_err(|error| match error.rdkafka_error_code() {
            Some(Code::MessageSizeTooLarge) => {
                let bytes = payload.map_or(0, <[u8]>::len);
                KafkaError::TooLarge { topic: topic.to_owned(), bytes }
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
