//! Messages of others, as events in the log, each once, in the partition of its store: one taker of
//! all workers takes them in the order in which they were written, but for the topics that are said
//! to be keyed by store, whose partitions are taken side by side.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use shelf_domain::StoreId;
use shelf_kafka::{
    Agreed, Connection, Lists, Membership, MembershipOptions, MergeOptions, SOURCE_BOOK,
    SOURCES_GROUP,
};

use super::foreign::ForeignOptions;
use super::taker::Taker;
use super::takers::{Counted, Takers};
use crate::HostError;

const POLL: Duration = Duration::from_millis(100);

/// How messages of others are taken.
#[derive(Clone, Debug)]
pub struct IntakeOptions {
    /// The topics, without the prefix. Their messages are taken in the order in which they were
    /// written, all by one taker. Of messages that were written in the same millisecond, those of
    /// the first topic come first.
    pub topics: Vec<String>,
    /// Topics, without the prefix, whose producers key by store, and whose messages need no order
    /// with those of other topics: each partition is taken by itself.
    pub keyed_by_store: Vec<String>,
    /// How many partitions the log has.
    pub partitions: u32,
    /// The store of messages that name none.
    pub store: Option<StoreId>,
    /// How often what was taken is committed.
    pub commit_every: Duration,
    /// How the partitions become one stream.
    pub merge: MergeOptions,
    /// How the messages of other systems are taken, in one order with those of `topics`; nothing:
    /// not at all.
    pub foreign: Option<ForeignOptions>,
}

impl IntakeOptions {
    /// The usual ones for these topics.
    pub fn new(topics: &[&str], partitions: u32) -> Self {
        Self {
            topics: topics.iter().map(|&topic| topic.to_owned()).collect(),
            keyed_by_store: Vec::new(),
            partitions,
            store: None,
            commit_every: Duration::from_millis(100),
            merge: MergeOptions::default(),
            foreign: None,
        }
    }

    /// The topics, by their full names.
    fn lists(&self, connection: &Connection) -> Lists {
        let foreign = self.foreign.iter().flat_map(|foreign| &foreign.topics);
        let ours = self.topics.iter().map(|topic| connection.name(topic));
        let in_order = ours.chain(foreign.map(|(topic, _)| topic.clone())).collect();
        let keyed = self.keyed_by_store.iter();
        Lists { in_order, keyed_by_store: keyed.map(|topic| connection.name(topic)).collect() }
    }
}

/// Takes messages of others. Dropping it leaves the group.
pub struct KafkaIntake {
    membership: Membership<Takers>,
    taken: Arc<Counted>,
}

impl KafkaIntake {
    /// Joins those who take messages. Who takes those that need one order is elected among them.
    /// All of them go by the same lists of topics: where others take messages by other ones, that
    /// is an error, and nothing has changed.
    pub fn join(connection: &Connection, options: IntakeOptions) -> Result<Self, HostError> {
        let lists = options.lists(connection);
        let full: Vec<String> =
            lists.in_order.iter().chain(&lists.keyed_by_store).cloned().collect();
        shelf_kafka::check_sources(connection, options.partitions, &full)?;
        let elects = (!lists.in_order.is_empty()).then_some(SOURCE_BOOK);
        let agreed = Arc::new(Agreed::settle(connection, lists)?);
        let keyed = options.keyed_by_store.clone();
        let topics: Vec<&str> =
            elects.into_iter().chain(keyed.iter().map(String::as_str)).collect();
        let (options, taken) = (Arc::new(options), Arc::new(Counted::default()));
        let (connected, counted) = (connection.clone(), Arc::clone(&taken));
        let takers = Takers::new(move |of, stop| {
            let (connection, of) = (connected.clone(), of.clone());
            let (options, taken) = (Arc::clone(&options), Arc::clone(&counted));
            let agreed = Arc::clone(&agreed);
            Taker { connection, options, agreed, taken, of }.run(stop);
        });
        let membership = MembershipOptions { group: SOURCES_GROUP, ..Default::default() };
        let membership = Membership::join(connection, &topics, &membership, takers)?;
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

    /// How many messages were taken and are committed.
    pub fn committed(&self) -> u64 {
        self.taken.committed.load(Ordering::Relaxed)
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

    /// How many offsets of each topic are not taken yet, of the partitions that are this worker's;
    /// `None` where that is not known of all of them.
    pub fn lag(&self) -> BTreeMap<String, Option<u64>> {
        self.taken.lag()
    }

    /// How many offsets were passed over because the brokers no longer had what stood there: those
    /// messages are in no log.
    pub fn skipped(&self) -> u64 {
        self.taken.skipped.load(Ordering::Relaxed)
    }

    /// What is in the way of taking, by topic and partition: a code and a sentence.
    pub fn trouble(&self) -> Vec<(String, u32, &'static str, String)> {
        self.taken.trouble()
    }
}
