//! Making the topics, and looking whether they are as they are to be.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use rdkafka::admin::{
    AdminClient, AdminOptions, NewTopic, OwnedResourceSpecifier, ResourceSpecifier,
    TopicReplication,
};
use rdkafka::error::RDKafkaErrorCode as Code;
use rdkafka::producer::Producer as _;

use crate::client::{ANSWER_WITHIN, Heard, Producer, make};
use shelf_events::StateKind;

use crate::{
    ALERTS, Connection, KafkaError, LOG_EFFECTS, LOG_EVENTS, SOURCE_BOOK, Topic, TopicOptions,
    topics,
};

const MAKE: &str = "make the topics";
const COMPARE: &str = "read the settings of the topics";

/// A topic that is not as it is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The topic.
    pub topic: String,
    /// Kafka's name of the setting, or `partitions`, or `replication`: how many brokers keep each
    /// record, of the partition that the fewest keep.
    pub setting: String,
    /// What it is.
    pub found: String,
    /// What it is to be.
    pub wanted: String,
}

/// What making the topics came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Initialized {
    /// Topics that were made.
    pub created: Vec<String>,
    /// Topics that were there.
    pub present: Vec<String>,
    /// What of those is not as it is to be. Nothing of it was changed.
    pub differences: Vec<Difference>,
}

/// Makes the topics that are not there. What is there is never changed: a difference is told.
pub fn init(connection: &Connection, options: &TopicOptions) -> Result<Initialized, KafkaError> {
    let admin: AdminClient<Heard> = make(connection, &[], Heard::default())?;
    let asking: Producer = make(connection, &[], Heard::default())?;
    let found = all_topics(&asking, connection)?;
    let mut done = Initialized::default();
    let (mut missing, mut present) = (Vec::new(), Vec::new());
    for topic in topics(options) {
        let name = connection.name(topic.name);
        match found.get(&name) {
            Some(found) => {
                let numbers = [
                    ("partitions", found.partitions, topic.partitions),
                    ("replication", found.replication, options.replication),
                ];
                for (setting, found, wanted) in numbers {
                    if found != wanted {
                        let (found, wanted) = (found.to_string(), wanted.to_string());
                        let (topic, setting) = (name.clone(), setting.to_owned());
                        done.differences.push(Difference { topic, setting, found, wanted });
                    }
                }
                done.present.push(name.clone());
                present.push((name, topic));
            }
            None => missing.push((name, topic)),
        }
    }
    for (name, partitions) in &options.foreign {
        if found.contains_key(name) {
            done.present.push(name.clone());
        } else {
            let retention = ("retention.ms", options.retention_ms.to_string());
            let (partitions, settings) = (*partitions, vec![retention]);
            missing.push((name.clone(), Topic { name: "", partitions, settings }));
        }
    }
    create(&admin, &missing, options.replication, &mut done)?;
    wait_for(&asking, connection, &missing)?;
    compare(&admin, &present, &mut done.differences)?;
    Ok(done)
}

fn create(
    admin: &AdminClient<Heard>,
    missing: &[(String, Topic)],
    replication: u32,
    done: &mut Initialized,
) -> Result<(), KafkaError> {
    if missing.is_empty() {
        return Ok(());
    }
    let new = missing.iter().map(|(name, topic)| {
        let replication = TopicReplication::Fixed(replication as i32);
        let new = NewTopic::new(name, topic.partitions as i32, replication);
        topic.settings.iter().fold(new, |new, (setting, value)| new.set(setting, value))
    });
    let new: Vec<NewTopic<'_>> = new.collect();
    let options = AdminOptions::new().operation_timeout(Some(ANSWER_WITHIN));
    let made = block_on(admin.create_topics(&new, &options));
    for result in made.map_err(|source| KafkaError::of(MAKE, "", source))? {
        match result {
            Ok(name) => done.created.push(name),
            // Somebody else makes them at the same time.
            Err((name, Code::TopicAlreadyExists)) => done.present.push(name),
            Err((name, code)) => {
                let source = rdkafka::error::KafkaError::AdminOp(code);
                return Err(KafkaError::of(MAKE, &name, source));
            }
        }
    }
    Ok(())
}

/// Waits until the brokers show topics that were made: they do so a moment later.
fn wait_for(
    asking: &Producer,
    connection: &Connection,
    made: &[(String, Topic)],
) -> Result<(), KafkaError> {
    let started = Instant::now();
    while !made.is_empty() {
        let found = partitions_of_all(asking, connection)?;
        if made.iter().all(|(name, _)| found.get(name).is_some_and(|&found| found > 0)) {
            break;
        }
        if started.elapsed() > ANSWER_WITHIN {
            return Err(KafkaError::Silent { action: "show new topics", waited: ANSWER_WITHIN });
        }
        asking.poll(Duration::from_millis(50));
    }
    Ok(())
}

/// Compares the settings of topics that were there.
fn compare(
    admin: &AdminClient<Heard>,
    present: &[(String, Topic)],
    differences: &mut Vec<Difference>,
) -> Result<(), KafkaError> {
    if present.is_empty() {
        return Ok(());
    }
    let asked: Vec<_> =
        present.iter().map(|(name, _)| ResourceSpecifier::Topic(name.as_str())).collect();
    let options = AdminOptions::new().request_timeout(Some(ANSWER_WITHIN));
    let answer = block_on(admin.describe_configs(&asked, &options));
    let answer = answer.map_err(|source| KafkaError::of(COMPARE, "", source))?;
    for found in answer {
        let found = found.map_err(|code| {
            KafkaError::of(COMPARE, "", rdkafka::error::KafkaError::AdminOp(code))
        })?;
        let OwnedResourceSpecifier::Topic(of) = &found.specifier else { continue };
        let Some((name, topic)) = present.iter().find(|(name, _)| name == of) else { continue };
        for (setting, wanted) in &topic.settings {
            let value = found.get(setting).and_then(|entry| entry.value.clone());
            let value = value.unwrap_or_default();
            if value != *wanted {
                let (topic, setting) = (name.clone(), (*setting).to_owned());
                let wanted = wanted.clone();
                differences.push(Difference { topic, setting, found: value, wanted });
            }
        }
    }
    Ok(())
}

/// Looks whether the brokers answer, take us in, and have all that a worker writes and reads, with
/// so many partitions.
pub fn check(connection: &Connection, partitions: u32) -> Result<(), KafkaError> {
    let ours = [LOG_EVENTS, LOG_EFFECTS, ALERTS].into_iter();
    let ours = ours.chain(StateKind::ALL.map(StateKind::name));
    let wanted: Vec<_> = ours.map(|name| (connection.name(name), Some(partitions))).collect();
    look_for(connection, &wanted)
}

/// The same for those who read topics, by their full names and with whatever partitions they have,
/// into the log.
pub fn check_sources(
    connection: &Connection,
    partitions: u32,
    topics: &[String],
) -> Result<(), KafkaError> {
    let (log, book) = (connection.name(LOG_EVENTS), connection.name(SOURCE_BOOK));
    let mut wanted = vec![(log, Some(partitions)), (book, Some(1))];
    wanted.extend(topics.iter().map(|name| (name.clone(), None)));
    look_for(connection, &wanted)
}

/// Whether topics are there, with so many partitions where that matters.
fn look_for(connection: &Connection, wanted: &[(String, Option<u32>)]) -> Result<(), KafkaError> {
    let asking: Producer = make(connection, &[], Heard::default())?;
    let found = partitions_of_all(&asking, connection)?;
    for (topic, wanted) in wanted {
        let topic = topic.clone();
        match (found.get(&topic), *wanted) {
            (None | Some(0), _) => return Err(KafkaError::NoTopic { topic }),
            (Some(&found), Some(wanted)) if found != wanted => {
                return Err(KafkaError::Partitions { topic, found, wanted });
            }
            _ => {}
        }
    }
    Ok(())
}

/// The topics that are there, and how many partitions each has.
pub(crate) fn partitions_of_all(
    asking: &Producer,
    connection: &Connection,
) -> Result<BTreeMap<String, u32>, KafkaError> {
    let found = all_topics(asking, connection)?.into_iter();
    Ok(found.map(|(name, found)| (name, found.partitions)).collect())
}

/// A topic that is there.
struct Found {
    partitions: u32,
    /// How many brokers keep each record, of the partition that the fewest keep.
    replication: u32,
}

/// The topics that are there.
fn all_topics(
    asking: &Producer,
    connection: &Connection,
) -> Result<BTreeMap<String, Found>, KafkaError> {
    let started = Instant::now();
    let metadata = loop {
        let error = match asking.client().fetch_metadata(None, Duration::from_secs(1)) {
            Ok(metadata) => break metadata,
            Err(error) => error,
        };
        // What the brokers said against us is heard only here.
        asking.poll(Duration::from_millis(50));
        match asking.context().silence(connection.brokers()) {
            KafkaError::Unreachable { .. } if started.elapsed() < ANSWER_WITHIN => {}
            refused @ KafkaError::Refused { .. } => return Err(refused),
            silent => {
                let code = error.rdkafka_error_code();
                return Err(match code {
                    Some(
                        Code::BrokerTransportFailure
                        | Code::AllBrokersDown
                        | Code::Resolve
                        | Code::OperationTimedOut
                        | Code::RequestTimedOut,
                    ) => silent,
                    _ => KafkaError::of("list the topics", "", error),
                });
            }
        }
    };
    let topics = metadata.topics().iter();
    let found = topics.map(|topic| {
        let partitions = topic.partitions();
        let replicas = partitions.iter().map(|partition| partition.replicas().len());
        let replication = replicas.min().unwrap_or_default() as u32;
        let found = Found { partitions: partitions.len() as u32, replication };
        (topic.name().to_owned(), found)
    });
    Ok(found.collect())
}
