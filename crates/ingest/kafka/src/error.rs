//! What can go wrong with Kafka, by what the caller can do.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use rdkafka::error::{KafkaError as Foreign, RDKafkaErrorCode as Code};
use shelf_ports::{LogError, Offset};
use thiserror::Error;

/// What can go wrong. Each has a stable code and a hint.
#[derive(Debug, Error)]
pub enum KafkaError {
    /// The address is not one.
    #[error("the address of Kafka cannot be understood: {what}")]
    Address {
        /// What is wrong with it.
        what: &'static str,
    },
    /// A setting is refused by the client.
    #[error("Kafka's client refuses {what}")]
    Setting {
        /// Which, and why. Its value may be a secret.
        what: String,
    },
    /// No broker answers.
    #[error("no broker of {brokers} answers")]
    Unreachable {
        /// The brokers that were asked.
        brokers: String,
    },
    /// The brokers refuse the user, or the connection is not encrypted as they want it.
    #[error("{brokers} refuse the connection: {what}")]
    Refused {
        /// The brokers that were asked.
        brokers: String,
        /// What they, or the TLS library, say.
        what: String,
    },
    /// The user may not do this.
    #[error("Kafka does not allow us to {action}{}", named(.what))]
    Forbidden {
        /// What was tried, as a verb.
        action: &'static str,
        /// Of what, where that is known.
        what: String,
    },
    /// A topic is not there.
    #[error("there is no topic {topic}")]
    NoTopic {
        /// Its name.
        topic: String,
    },
    /// A topic has another number of partitions than the chain.
    #[error("topic {topic} has {found} partitions, not {wanted}")]
    Partitions {
        /// Its name.
        topic: String,
        /// How many it has.
        found: u32,
        /// How many it is to have.
        wanted: u32,
    },
    /// A record is larger than the topic takes.
    #[error("a record of {bytes} bytes is larger than topic {topic} takes")]
    TooLarge {
        /// The topic.
        topic: String,
        /// The size of the record.
        bytes: usize,
    },
    /// Another process has taken over what this one wrote for.
    #[error("another process has taken over {what}")]
    Fenced {
        /// What that is.
        what: String,
    },
    /// The topic no longer holds records that have not been stepped.
    #[error(
        "{topic}, partition {partition}: records from offset {wanted} on are needed, \
         the topic holds {start} to {end}"
    )]
    Trimmed {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// The first offset that is needed.
        wanted: i64,
        /// The first that is kept.
        start: i64,
        /// The next to be written.
        end: i64,
    },
    /// A partition ends before what was taken of it.
    #[error(
        "{topic}, partition {partition} was taken up to offset {wanted} and ends at {end}: the \
         topic was made anew"
    )]
    MadeAnew {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// Up to where it was taken.
        wanted: i64,
        /// The next to be written.
        end: i64,
    },
    /// The group's position in a partition was not committed by this program.
    #[error("{group} has a position in partition {partition} that this program did not write")]
    Position {
        /// The consumer group.
        group: String,
        /// The partition.
        partition: u32,
    },
    /// The brokers have forgotten how far the group had come.
    #[error("{group} has no position in partition {partition}, although it has written there")]
    Lost {
        /// The consumer group.
        group: String,
        /// The partition.
        partition: u32,
    },
    /// What takers remember was not written by this program.
    #[error("{topic} has a record at offset {offset} that this program did not write")]
    Book {
        /// The topic.
        topic: String,
        /// Where it stands.
        offset: i64,
    },
    /// The takers of the chain go by other lists of topics than this one.
    #[error("those who take messages of this chain go by other lists of topics: {what}")]
    Lists {
        /// What differs.
        what: String,
    },
    /// It has not answered in time: what was tried may have happened or not.
    #[error("Kafka did not {action} within {} s", .waited.as_secs())]
    Silent {
        /// What was tried, as a verb.
        action: &'static str,
        /// How long it had.
        waited: Duration,
    },
    /// It has not told in time of a partition what it has.
    #[error(
        "Kafka did not {action} of {topic}, partition {partition}, within {} ms",
        .waited.as_millis()
    )]
    Withheld {
        /// What was asked of it, as a verb.
        action: &'static str,
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// How long it had.
        waited: Duration,
    },
    /// The registry of schemas does not answer.
    #[error("the registry of schemas at {url} does not answer: {what}")]
    RegistryUnreachable {
        /// Its address.
        url: String,
        /// What was heard instead.
        what: String,
    },
    /// The registry of schemas answers that it will not.
    #[error("the registry of schemas at {url} refuses: {what}")]
    RegistryRefused {
        /// Its address.
        url: String,
        /// What it says.
        what: String,
    },
    /// Anything else that it says.
    #[error("cannot {action}{}", named(.what))]
    Failed {
        /// What was tried, as a verb.
        action: &'static str,
        /// Of what, where that is known.
        what: String,
        /// What it says.
        #[source]
        source: Foreign,
    },
}

impl KafkaError {
    /// A setting that the client refuses, without its value.
    pub(crate) fn setting(source: Foreign) -> Self {
        let what = match source {
            Foreign::ClientConfig(_, why, name, _) => format!("{name}: {why}"),
            other => other.to_string(),
        };
        Self::Setting { what }
    }

    /// What `source` says about an attempt to `action`, in words that name what can be done.
    pub(crate) fn of(action: &'static str, what: &str, source: Foreign) -> Self {
        match source.rdkafka_error_code() {
            Some(
                Code::Fenced
                | Code::InvalidProducerEpoch
                | Code::ProducerFenced
                | Code::UnknownProducerId
                | Code::InvalidProducerIdMapping,
            ) => Self::Fenced { what: what.to_owned() },
            Some(
                Code::TopicAuthorizationFailed
                | Code::GroupAuthorizationFailed
                | Code::ClusterAuthorizationFailed
                | Code::TransactionalIdAuthorizationFailed,
            ) => Self::Forbidden { action, what: what.to_owned() },
            Some(Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition) => {
                Self::NoTopic { topic: what.to_owned() }
            }
            _ => Self::Failed { action, what: what.to_owned(), source },
        }
    }

    /// Its stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Address { .. } => "kafka_address",
            Self::Setting { .. } => "kafka_setting",
            Self::Unreachable { .. } => "kafka_unreachable",
            Self::Refused { .. } => "kafka_refused",
            Self::Forbidden { .. } => "kafka_forbidden",
            Self::NoTopic { .. } => "kafka_no_topic",
            Self::Partitions { .. } => "kafka_partitions",
            Self::TooLarge { .. } => "record_too_large",
            Self::Fenced { .. } => "kafka_fenced",
            Self::Trimmed { .. } => "snapshot_too_old",
            Self::Position { .. } => "kafka_position",
            Self::Lost { .. } | Self::MadeAnew { .. } => "kafka_position_lost",
            Self::Book { .. } => "kafka_book",
            Self::Lists { .. } => "kafka_lists",
            Self::Silent { .. } | Self::Withheld { .. } => "kafka_silent",
            Self::RegistryUnreachable { .. } => "registry_unreachable",
            Self::RegistryRefused { .. } => "registry_refused",
            Self::Failed { .. } => "kafka_failed",
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Address { .. } => "write it as kafka://host:9092,host:9092/prefix",
            Self::Setting { .. } => "check the settings of Kafka",
            Self::Unreachable { .. } => "check the address, and that the brokers run",
            Self::Refused { .. } => {
                "check user, password, mechanism, and whether the port speaks TLS"
            }
            Self::Forbidden { .. } => "give the user that right, or name another user",
            Self::NoTopic { .. } => "make the topics with `shelf kafka init`",
            Self::Partitions { .. } => {
                "the number is fixed when the topics are made: give it in the settings, or name \
                 another prefix"
            }
            Self::TooLarge { .. } => "raise max.message.bytes of the topic",
            Self::Fenced { .. } => "nothing: the other process goes on, and this one wrote nothing",
            Self::Trimmed { .. } => "restore a newer snapshot, or the records of the topic",
            Self::Position { .. } => "name another prefix, or delete the consumer group",
            Self::Lost { .. } => {
                "the brokers forget groups that are away for longer than \
                 offsets.retention.minutes, and neither what was written last nor a snapshot says \
                 how far this one had come: set the kafka.delivery that it was written with, bring \
                 its snapshots back, or name another prefix"
            }
            Self::MadeAnew { .. } => {
                "take its place out of source_book, with a record of the key \
                 [\"place\",TOPIC,PARTITION] that has no value; where the topic is in \
                 kafka.keyed_by_store, delete its offsets of the group shelf-sources besides"
            }
            Self::Book { .. } => "delete its key, with a record of that key that has no value",
            Self::Lists { .. } => {
                "give all workers the same kafka.keyed_by_store, kafka.passed_over, kafka.foreign \
                 and kafka.foreign_topics; to change them, stop all workers, give a killed one 6 s \
                 to be forgotten, and start them anew"
            }
            Self::Silent { .. } | Self::Withheld { .. } => {
                "nothing: the truth is read back when the brokers answer"
            }
            Self::RegistryUnreachable { .. } => {
                "check kafka.registry.url, and that the registry runs; it is asked again"
            }
            Self::RegistryRefused { .. } => {
                "check address, user and password of the registry, and whether it has an older \
                 schema of the subject that does not fit ours"
            }
            Self::Failed { .. } => "check that the brokers run; it is tried again",
        }
    }

    /// Whether trying again can help without anybody doing anything.
    pub fn passes(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Fenced { .. }
                | Self::Silent { .. }
                | Self::Withheld { .. }
                | Self::RegistryUnreachable { .. }
                | Self::Failed { .. }
        )
    }

    /// As an error of the log at `topic`, with this one as its cause.
    pub(crate) fn in_log(self, action: &'static str, topic: &str, partition: u32) -> LogError {
        let path = PathBuf::from(format!("{topic}/{partition}"));
        LogError::Io { action, path, source: io::Error::other(self) }
    }

    /// The error of Kafka that is the cause of an error of the log, where one is.
    pub fn in_cause(error: &LogError) -> Option<&Self> {
        match error {
            LogError::Io { source, .. } => source.get_ref()?.downcast_ref(),
            _ => None,
        }
    }
}

/// What something was tried of, behind what was tried.
fn named(what: &str) -> String {
    if what.is_empty() { String::new() } else { format!(" ({what})") }
}

/// A position that the log does not hold.
pub(crate) fn out_of_range(wanted: Offset, start: Offset, end: Offset) -> LogError {
    LogError::OutOfRange { wanted, start, end }
}
