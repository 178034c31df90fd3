//! How far the partitions of the log have come, by what was committed for them. It takes part in
//! nothing.

use std::time::Duration;

use rdkafka::consumer::Consumer as _;
use rdkafka::topic_partition_list::TopicPartitionList;

use crate::client::{ANSWER_WITHIN, Consumer, consumer};
use crate::transaction::{READ_BACK, read_back};
use crate::{Committed, Connection, Delivery, KafkaError, LOG_EVENTS};

/// How long brokers have to say it, where somebody waits for it: so long they keep a position back
/// that a worker who was killed was about to commit.
const TOLD_WITHIN: Duration = Duration::from_secs(12);

/// Asks how far the partitions of the log have come.
pub struct Progress {
    consumer: Consumer,
    partitions: u32,
    topic: String,
    group: String,
}

impl Progress {
    /// Asks these brokers about so many partitions.
    pub fn open(
        connection: &Connection,
        partitions: u32,
        delivery: Delivery,
    ) -> Result<Self, KafkaError> {
        let (topic, group) = (connection.name(LOG_EVENTS), connection.name(delivery.group()));
        let consumer = consumer(connection, &group, &[])?;
        Ok(Self { consumer, partitions, topic, group })
    }

    /// What has been committed for each partition; `None` where nothing ever was.
    pub fn committed(&self, within: Duration) -> Result<Vec<Option<Committed>>, KafkaError> {
        let mut list = TopicPartitionList::new();
        for partition in 0..self.partitions {
            list.add_partition(&self.topic, partition as i32);
        }
        let found = self.consumer.committed_offsets(list, within);
        let found = found.map_err(|source| KafkaError::of(READ_BACK, &self.topic, source))?;
        let elements = found.elements();
        elements.iter().map(|one| read_back(one, &self.topic, &self.group)).collect()
    }

    /// One name for this log: that of the brokers' cluster, and the topic.
    pub fn chain(&self) -> Result<String, KafkaError> {
        let cluster = self.consumer.client().fetch_cluster_id(ANSWER_WITHIN);
        let action = "name their cluster";
        let cluster = cluster.ok_or(KafkaError::Silent { action, waited: ANSWER_WITHIN })?;
        Ok(format!("kafka:{cluster}/{}", self.topic))
    }
}

/// What has been committed for each partition of the log; `None` where nothing ever was. It asks
/// once, without taking part in anything.
pub fn committed_of(
    connection: &Connection,
    partitions: u32,
    delivery: Delivery,
) -> Result<Vec<Option<Committed>>, KafkaError> {
    Progress::open(connection, partitions, delivery)?.committed(TOLD_WITHIN)
}
