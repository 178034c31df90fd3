//! The workers as a consumer group: who has which partition.
//!
//! Members read nothing: a partition is read by the one who has claimed it, through a client of its
//! own. Membership only says who should; that nobody else can write is the claim's matter.

use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError as Foreign, RDKafkaErrorCode as Code};
use rdkafka::topic_partition_list::TopicPartitionList;

use crate::client::{ANSWER_WITHIN, make};
use crate::transaction::GROUP;
use crate::{Connection, KafkaError};

/// Is told which partitions are this process's.
pub trait Assignment: Send + Sync {
    /// These are ours from here on.
    fn assigned(&self, partitions: &[(String, u32)]);

    /// These are no longer ours. Others get them when this returns: what can be finished in a
    /// moment is finished.
    fn revoked(&self, partitions: &[(String, u32)]);
}

/// How a member behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembershipOptions {
    /// Which group: members of one share partitions.
    pub group: &'static str,
    /// A member that is not heard of for so long is given up. Brokers do not take less than 6 s.
    pub session: Duration,
    /// How often a member says that it lives.
    pub heartbeat: Duration,
}

impl Default for MembershipOptions {
    fn default() -> Self {
        let (session, heartbeat) = (Duration::from_secs(6), Duration::from_millis(500));
        Self { group: GROUP, session, heartbeat }
    }
}

/// A member of the group. Dropping it leaves the group.
pub struct Membership<A: Assignment> {
    consumer: BaseConsumer<Told<A>>,
    /// The topics, with their prefix.
    topics: Vec<String>,
}

/// Passes on what the group decides.
struct Told<A> {
    assignment: A,
}

impl<A: Assignment> ClientContext for Told<A> {
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}

    fn error(&self, _: Foreign, _: &str) {}
}

impl<A: Assignment> ConsumerContext for Told<A> {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(list) = rebalance {
            self.assignment.revoked(&partitions(list));
        }
    }

    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(list) = rebalance {
            // Whoever claims a partition reads it through a client of its own.
            let _ = consumer.pause(list);
            self.assignment.assigned(&partitions(list));
        }
    }
}

fn partitions(list: &TopicPartitionList) -> Vec<(String, u32)> {
    let elements = list.elements();
    elements.iter().map(|one| (one.topic().to_owned(), one.partition() as u32)).collect()
}

impl<A: Assignment> Membership<A> {
    /// Joins the group for these topics.
    pub fn join(
        connection: &Connection,
        topics: &[&str],
        options: &MembershipOptions,
        assignment: A,
    ) -> Result<Self, KafkaError> {
        let group = connection.name(options.group);
        let session = options.session.as_millis().to_string();
        let heartbeat = options.heartbeat.as_millis().to_string();
        let settings = [
            ("group.id", group.as_str()),
            ("partition.assignment.strategy", "cooperative-sticky"),
            ("session.timeout.ms", session.as_str()),
            ("heartbeat.interval.ms", heartbeat.as_str()),
            ("max.poll.interval.ms", "60000"),
            ("enable.auto.commit", "false"),
            ("auto.offset.reset", "latest"),
            ("topic.metadata.refresh.interval.ms", "10000"),
        ];
        let consumer: BaseConsumer<Told<A>> = make(connection, &settings, Told { assignment })?;
        let topics: Vec<String> = topics.iter().map(|topic| connection.name(topic)).collect();
        let names: Vec<&str> = topics.iter().map(String::as_str).collect();
        consumer
            .subscribe(&names)
            .map_err(|source| KafkaError::of("join the group", &names.join(", "), source))?;
        Ok(Self { consumer, topics })
    }

    /// Hears so long from the group. It must be called all the time.
    pub fn poll(&self, wait: Duration) -> Result<(), KafkaError> {
        match self.consumer.poll(wait) {
            // A message that came before the partition was paused: its claimant reads it.
            None | Some(Ok(_)) => Ok(()),
            Some(Err(error)) => match error.rdkafka_error_code() {
                Some(
                    Code::UnknownTopicOrPartition
                    | Code::UnknownTopic
                    | Code::TopicAuthorizationFailed
                    | Code::GroupAuthorizationFailed
                    | Code::Authentication
                    | Code::SaslAuthenticationFailed
                    | Code::InvalidSessionTimeout
                    | Code::InconsistentGroupProtocol,
                ) => Err(KafkaError::of("stay in the group", &self.missing(), error)),
                // Brokers that are away come back, and heartbeats with them.
                _ => Ok(()),
            },
        }
    }

    /// The first topic that is not there; all of them where nobody can say which that is.
    fn missing(&self) -> String {
        let all = || self.topics.join(", ");
        let Ok(found) = self.consumer.fetch_metadata(None, ANSWER_WITHIN) else { return all() };
        let there = |name: &String| found.topics().iter().any(|topic| topic.name() == name);
        self.topics.iter().find(|name| !there(name)).cloned().unwrap_or_else(all)
    }
}
