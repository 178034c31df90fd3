//! Reads what is committed of a topic, without taking part in anything.

use std::collections::BTreeSet;
use std::time::Duration;

use rdkafka::Message as _;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError as Foreign, RDKafkaErrorCode as Code};
use rdkafka::message::BorrowedMessage;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::client::{ANSWER_WITHIN, Consumer, consumer};
use crate::{Connection, KafkaError};

/// Has the consumer tell where a partition ends.
const EOF: (&str, &str) = ("enable.partition.eof", "true");

/// A message of a topic.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The topic, with its prefix.
    pub topic: &'a str,
    /// The partition.
    pub partition: u32,
    /// Its offset there.
    pub offset: i64,
    /// When it was written, in milliseconds since 1970; 0 where that is not known.
    pub written_ms: i64,
    /// Its key; empty where it has none.
    pub key: &'a [u8],
    /// What it says; `None` where it deletes its key.
    pub payload: Option<&'a [u8]>,
}

impl<'a> Message<'a> {
    pub(crate) fn of(message: &'a BorrowedMessage<'_>) -> Self {
        Self {
            topic: message.topic(),
            partition: message.partition() as u32,
            offset: message.offset(),
            written_ms: message.timestamp().to_millis().unwrap_or_default(),
            key: message.key().unwrap_or_default(),
            payload: message.payload(),
        }
    }
}

/// A reader of all partitions of one topic, from its beginning.
pub struct Reader {
    consumer: Consumer,
    topic: String,
    partitions: u32,
    /// Partitions whose end was reached since their last message.
    ended: BTreeSet<u32>,
}

impl Reader {
    /// Opens one of our topics.
    pub fn open(connection: &Connection, topic: &str) -> Result<Self, KafkaError> {
        let topic = connection.name(topic);
        let group = connection.name("shelf-reader");
        let consumer = consumer(connection, &group, &[EOF])?;
        let failed = |source| KafkaError::of("read a topic", &topic, source);
        let metadata = consumer.fetch_metadata(Some(&topic), ANSWER_WITHIN).map_err(failed)?;
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        let partitions = found.map_or(0, |found| found.partitions().len());
        if partitions == 0 {
            return Err(KafkaError::NoTopic { topic });
        }
        let mut list = TopicPartitionList::new();
        for partition in 0..partitions {
            let added = list.add_partition_offset(&topic, partition as i32, Offset::Beginning);
            added.map_err(failed)?;
        }
        consumer.assign(&list).map_err(failed)?;
        Ok(Self { consumer, topic, partitions: partitions as u32, ended: BTreeSet::new() })
    }

    /// Waits so long for a message and shows it. Returns whether there was one.
    pub fn next(
        &mut self,
        wait: Duration,
        show: impl FnOnce(&Message<'_>),
    ) -> Result<bool, KafkaError> {
        match self.consumer.poll(wait) {
            None => Ok(false),
            Some(Err(Foreign::PartitionEOF(partition))) => {
                self.ended.insert(partition as u32);
                Ok(false)
            }
            Some(Ok(message)) => {
                self.ended.remove(&(message.partition() as u32));
                show(&Message::of(&message));
                Ok(true)
            }
            Some(Err(error)) => match error.rdkafka_error_code() {
                Some(Code::UnknownTopicOrPartition | Code::TopicAuthorizationFailed) => {
                    Err(KafkaError::of("read a topic", &self.topic, error))
                }
                _ => Ok(false),
            },
        }
    }

    /// Whether everything has been shown that was committed when the end was last looked for.
    pub fn at_end(&self) -> bool {
        self.ended.len() == self.partitions as usize
    }
}
