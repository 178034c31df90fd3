//! Messages of other systems into the log, each once: those of all their topics in one order, by
//! one taker.
//!
//! What such a message becomes depends on what was named before it, in whichever partition and
//! topic: a product is made by the first message that names it, and a price holds in all stores
//! that are known to have it. So one process takes them all, and what it remembers is written in
//! the transaction of the events that follow from it. Whoever claims the topics next is given that
//! memory, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer as _;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use shelf_domain::Event;
use shelf_events::encode_event;

use crate::book::{place_key, place_of, place_value, read_book};
use crate::client::{ANSWER_WITHIN, Consumer};
use crate::merge::Merge;
use crate::transaction::{Origin, Transactions};
use crate::{Connection, Delivery, KafkaError, LOG_EVENTS, Message, Place, SOURCE_BOOK, Taken};

/// The consumer group of those who take messages of other systems. It has one partition, that of
/// [`SOURCE_BOOK`], and so one of them does.
pub const FOREIGN_GROUP: &str = "shelf-foreign";
const READ: &str = "read a topic";

/// How messages of other systems are merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeOptions {
    /// How long a message waits while some partition is at its end.
    pub settle: Duration,
    /// How many messages are taken at once at most.
    pub batch: u64,
}

impl Default for MergeOptions {
    fn default() -> Self {
        Self { settle: Duration::from_millis(250), batch: 4_096 }
    }
}

/// The partitions of other systems' topics, which this process alone takes messages from.
pub struct ForeignClaim {
    transactions: Transactions,
    merge: Merge,
    batch: u64,
    asking: Consumer,
    topics: Vec<String>,
    /// Up to where each partition was taken.
    places: BTreeMap<(String, u32), Place>,
    /// The partitions whose place has changed since the last commit.
    moved: BTreeSet<(String, u32)>,
    /// All messages that were ever taken: what the group's position says.
    place: Place,
    skipped: u64,
    book: String,
    log: String,
    bytes: Vec<u8>,
    events: Vec<(u32, Event)>,
}

impl ForeignClaim {
    /// Claims topics, by their full names. All that the last claimant has committed of its memory
    /// is given to `remember` as keys and values, oldest first: of two with one key the later
    /// counts. It returns whether it understands them.
    pub fn take(
        connection: &Connection,
        topics: &[String],
        options: &MergeOptions,
        mut remember: impl FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<Self, KafkaError> {
        let (topic, group) = (connection.name(SOURCE_BOOK), connection.name(FOREIGN_GROUP));
        let origin = Origin { topic: topic.clone(), partition: 0, group: group.clone() };
        let (transactions, asking) =
            Transactions::claim(connection, origin, Delivery::ExactlyOnce)?;
        let (mut known, mut unread) = (BTreeMap::new(), None);
        read_book(connection, |message| {
            let Some(value) = message.payload else { return };
            if let Some((topic, partition, place)) = place_of(message) {
                known.insert((topic, partition), place);
            } else if !remember(message.key, value) {
                unread = Some(message.offset);
            }
        })?;
        if let Some(offset) = unread {
            return Err(KafkaError::Book { topic, offset });
        }
        let merge = Merge::new(options.settle);
        let mut claim = Self {
            transactions,
            merge,
            batch: options.batch,
            asking,
            topics: topics.to_vec(),
            places: BTreeMap::new(),
            moved: BTreeSet::new(),
            place: Place::default(),
            skipped: 0,
            book: topic,
            log: connection.name(LOG_EVENTS),
            bytes: Vec::new(),
            events: Vec::new(),
        };
        let mut partitions = Vec::new();
        for topic in topics {
            let all = 0..claim.partitions(topic)?;
            partitions.extend(all.map(|partition| (topic.clone(), partition)));
        }
        let starts = claim.offsets(&partitions, Offset::Beginning, ANSWER_WITHIN)?;
        for (key, start) in partitions.into_iter().zip(starts) {
            let found = known.get(&key).copied();
            claim.add(connection, &group, key, found, start)?;
        }
        claim.place.position = claim.places.values().map(|place| place.position).sum();
        Ok(claim)
    }

    /// Goes on with a partition where it was left; one that was never taken begins with the first
    /// message that is kept.
    fn add(
        &mut self,
        connection: &Connection,
        group: &str,
        key: (String, u32),
        found: Option<Place>,
        start: i64,
    ) -> Result<(), KafkaError> {
        let mut place = found.unwrap_or(Place { position: 0, offset: start });
        // What retention has taken before it was read is gone for everybody.
        if start > place.offset {
            self.skipped += (start - place.offset).unsigned_abs();
            place.offset = start;
            self.moved.insert(key.clone());
        }
        self.merge.add(connection, group, (&key.0, key.1), place.offset)?;
        self.places.insert(key, place);
        Ok(())
    }

    /// The first offset of each partition, or the one behind its last, in one question.
    fn offsets(
        &self,
        partitions: &[(String, u32)],
        wanted: Offset,
        within: Duration,
    ) -> Result<Vec<i64>, KafkaError> {
        let mut list = TopicPartitionList::new();
        for (topic, partition) in partitions {
            let added = list.add_partition_offset(topic, *partition as i32, wanted);
            added.map_err(|source| KafkaError::of(READ, topic, source))?;
        }
        let what = &self.book;
        let found = self.asking.offsets_for_times(list, within);
        let found = found.map_err(|source| KafkaError::of(READ, what, source))?;
        let offset = |(topic, partition): &(String, u32)| {
            let failed = |source| KafkaError::of(READ, topic, source);
            let none = KafkaError::Silent { action: "say what it has", waited: within };
            let found = found.find_partition(topic, *partition as i32).ok_or(none)?;
            found.error().map_err(failed)?;
            match found.offset() {
                Offset::Offset(offset) => Ok(offset),
                _ => Err(KafkaError::Silent { action: "say what it has", waited: within }),
            }
        };
        partitions.iter().map(offset).collect()
    }

    fn partitions(&self, topic: &str) -> Result<u32, KafkaError> {
        let failed = |source| KafkaError::of(READ, topic, source);
        let metadata = self.asking.fetch_metadata(Some(topic), ANSWER_WITHIN).map_err(failed)?;
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        match found.map_or(0, |found| found.partitions().len()) {
            0 => Err(KafkaError::NoTopic { topic: topic.to_owned() }),
            partitions => Ok(partitions as u32),
        }
    }

    /// Whether a topic has more partitions than when it was claimed. Claim anew then.
    pub fn has_grown(&self) -> Result<bool, KafkaError> {
        let mut now = 0;
        for topic in &self.topics {
            now += self.partitions(topic)? as usize;
        }
        Ok(now > self.places.len())
    }

    /// Waits so long for messages, and writes what `read` makes of each: events, with the partition
    /// of the log that each belongs to. Where `read` fails, drop the claim and take it again.
    pub fn pump(
        &mut self,
        wait: Duration,
        mut read: impl FnMut(&Message<'_>, &mut Vec<(u32, Event)>),
    ) -> Result<Taken, KafkaError> {
        let (started, mut taken) = (Instant::now(), Taken::default());
        while taken.messages < self.batch {
            let left = wait.saturating_sub(started.elapsed());
            let Some((input, waiting)) = self.merge.next(left)? else { break };
            self.events.clear();
            let events = &mut self.events;
            self.merge.show(input, &waiting, |message| read(message, events));
            for (partition, event) in &self.events {
                self.bytes.clear();
                encode_event(event, &mut self.bytes);
                let (key, payload) = (event.store.as_str(), Some(self.bytes.as_slice()));
                self.transactions.write(&self.log, *partition, key, payload)?;
            }
            taken.messages += 1;
            taken.events += self.events.len() as u64;
            self.went(input, waiting.offset + 1);
        }
        self.transactions.hear();
        Ok(taken)
    }

    /// Notes that an input was taken up to this offset.
    fn went(&mut self, input: usize, offset: i64) {
        let Some((topic, partition)) = self.merge.of(input) else { return };
        let key = (topic.to_owned(), partition);
        if let Some(place) = self.places.get_mut(&key) {
            *place = Place { position: place.position + 1, offset };
        }
        self.moved.insert(key);
        self.place.position += 1;
    }

    /// Keeps something in memory, in the transaction of what was written since the last commit.
    pub fn remember(&mut self, key: &str, value: &str) -> Result<(), KafkaError> {
        self.transactions.write(&self.book, 0, key, Some(value.as_bytes()))
    }

    /// Commits what was written and remembered together with what was read.
    pub fn commit(&mut self) -> Result<(), KafkaError> {
        if self.moved.is_empty() && self.transactions.settled(self.transactions.committed().place) {
            return Ok(());
        }
        let mut read = Vec::new();
        for key in std::mem::take(&mut self.moved) {
            let Some(place) = self.places.get(&key) else { continue };
            let (topic, partition) = key;
            let (name, value) = (place_key(&topic, partition), place_value(*place));
            self.transactions.write(&self.book, 0, &name, Some(value.as_bytes()))?;
            read.push((topic, partition, place.offset));
        }
        // The places in the book are what counts; those of the group are for whoever looks at it.
        self.transactions.commit_beside(self.place, &read)
    }

    /// How many offsets of each partition lie between what was taken and its end; `None` where
    /// nobody says.
    pub fn lags(&self) -> Vec<((String, u32), Option<u64>)> {
        let partitions: Vec<(String, u32)> = self.places.keys().cloned().collect();
        let ends = self.offsets(&partitions, Offset::End, Duration::from_secs(1)).ok();
        let behind = |number: usize, place: &Place| {
            let end = ends.as_ref()?.get(number)?;
            Some(end.saturating_sub(place.offset).max(0).unsigned_abs())
        };
        let places = self.places.iter().enumerate();
        places.map(|(number, (key, place))| (key.clone(), behind(number, place))).collect()
    }

    /// How many offsets were passed over because the brokers no longer had them.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }
}
