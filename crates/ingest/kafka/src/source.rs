//! Messages of others into the log, each once: what is read and what is written of it are one
//! transaction.
//!
//! Whatever key a foreign producer chose, an event goes to the partition of its store, so that one
//! partition sees a store in order.

use std::time::Duration;

use rdkafka::Message as _;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::RDKafkaErrorCode as Code;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use shelf_domain::Event;
use shelf_events::encode_event;

use crate::book::{place_key, place_value};
use crate::client::{ANSWER_WITHIN, Consumer};
use crate::transaction::{Origin, Transactions};
use crate::{Connection, Delivery, KafkaError, LOG_EVENTS, Message, Place, SOURCE_BOOK};

/// The consumer group of those who take messages of others.
pub const SOURCES_GROUP: &str = "shelf-sources";
const BATCH_MESSAGES: usize = 4_096;

/// How many messages were taken, and how many events they came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Messages.
    pub messages: u64,
    /// Events that went into the log.
    pub events: u64,
}

/// A partition of a foreign topic that this process alone takes messages from.
pub struct SourceClaim {
    consumer: Consumer,
    transactions: Transactions,
    place: Place,
    skipped: u64,
    book: String,
    log: String,
    bytes: Vec<u8>,
    events: Vec<(u32, Event)>,
}

impl SourceClaim {
    /// Claims a partition of a topic, named with its prefix.
    pub fn take(connection: &Connection, topic: &str, partition: u32) -> Result<Self, KafkaError> {
        let (topic, group) = (topic.to_owned(), connection.name(SOURCES_GROUP));
        let origin = Origin { topic, partition, group };
        let (transactions, consumer) =
            Transactions::claim(connection, origin.clone(), Delivery::ExactlyOnce)?;
        let mut place = transactions.committed().place;
        let failed = |source| KafkaError::of("read a topic", &origin.topic, source);
        let marks = consumer.fetch_watermarks(&origin.topic, partition as i32, ANSWER_WITHIN);
        let (start, _) = marks.map_err(failed)?;
        // What retention has taken before it was read is gone for everybody.
        let gone = (start - place.offset).max(0).unsigned_abs();
        place.offset = place.offset.max(start);
        // What was gone before anything was ever taken is none of ours.
        let skipped = if place.position > 0 { gone } else { 0 };
        let mut list = TopicPartitionList::new();
        let placed = list
            .add_partition_offset(&origin.topic, partition as i32, Offset::Offset(place.offset))
            .and_then(|()| consumer.assign(&list));
        placed.map_err(failed)?;
        let (log, book) = (connection.name(LOG_EVENTS), connection.name(SOURCE_BOOK));
        let (bytes, events) = (Vec::new(), Vec::new());
        Ok(Self { consumer, transactions, place, skipped, book, log, bytes, events })
    }

    /// Waits so long for messages, and writes what `read` makes of each: events, with the partition
    /// of the log that each belongs to.
    pub fn pump(
        &mut self,
        wait: Duration,
        mut read: impl FnMut(&Message<'_>, &mut Vec<(u32, Event)>),
    ) -> Result<Taken, KafkaError> {
        let (mut wait, mut taken) = (wait, Taken::default());
        while taken.messages < BATCH_MESSAGES as u64 {
            let polled = self.consumer.poll(wait);
            wait = Duration::ZERO;
            let message = match polled {
                None => break,
                Some(Ok(message)) => message,
                Some(Err(error)) => {
                    if let Some(
                        Code::UnknownTopicOrPartition
                        | Code::OffsetOutOfRange
                        | Code::AutoOffsetReset
                        | Code::TopicAuthorizationFailed,
                    ) = error.rdkafka_error_code()
                    {
                        let what = self.transactions.origin().what();
                        return Err(KafkaError::of("read a topic", &what, error));
                    }
                    continue;
                }
            };
            self.events.clear();
            read(&Message::of(&message), &mut self.events);
            for (partition, event) in &self.events {
                self.bytes.clear();
                encode_event(event, &mut self.bytes);
                let (key, payload) = (event.store.as_str(), Some(self.bytes.as_slice()));
                self.transactions.write(&self.log, *partition, key, payload)?;
            }
            taken.messages += 1;
            taken.events += self.events.len() as u64;
            let position = self.place.position + 1;
            self.place = Place { position, offset: message.offset() + 1 };
        }
        self.transactions.hear();
        Ok(taken)
    }

    /// Commits what was written together with what was read.
    pub fn commit(&mut self) -> Result<(), KafkaError> {
        if self.transactions.settled(self.place) {
            return Ok(());
        }
        // Brokers forget the positions of a group that is away for too long; this they keep.
        let Origin { topic, partition, .. } = self.transactions.origin();
        let (key, value) = (place_key(topic, *partition), place_value(self.place));
        self.transactions.write(&self.book, 0, &key, Some(value.as_bytes()))?;
        self.transactions.commit(self.place)
    }

    /// How many offsets were passed over because the brokers no longer had them when the partition
    /// was claimed.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Up to where messages were taken.
    pub fn place(&self) -> Place {
        self.place
    }

    /// How many offsets of the topic lie between what was taken and its end; `None` where nobody
    /// says.
    pub fn lag(&self) -> Option<u64> {
        let origin = self.transactions.origin();
        let (topic, partition) = (&origin.topic, origin.partition as i32);
        let marks = self.consumer.fetch_watermarks(topic, partition, Duration::from_secs(1));
        let (start, end) = marks.ok()?;
        Some(end.saturating_sub(self.place.offset.max(start)).max(0).unsigned_abs())
    }
}
