//! Messages of others into the log, each once: what is read and what is written of it are one
//! transaction.
//!
//! Whatever key a foreign producer chose, an event goes to the partition of its store. Where the
//! events of a store lie in several partitions and topics, one process takes them all, in the order
//! in which they were written, so that one partition of the log sees a store in order. What that
//! process remembers is written in the transaction of the events that follow from it: whoever
//! claims the topics next is given that memory, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer as _;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use shelf_domain::Event;

use crate::book::{fed_named, place_key, place_value};
use crate::client::{ANSWER_WITHIN, Consumer};
use crate::lists::{Agreed, Read};
use crate::merge::Merge;
use crate::transaction::{Origin, Transactions};
use crate::{Connection, Delivery, KafkaError, LOG_EVENTS, Message, Place, SOURCE_BOOK};

/// The consumer group of those who take messages of others. Who takes those of many partitions in
/// one order is who has the partition of [`SOURCE_BOOK`].
pub const SOURCES_GROUP: &str = "shelf-sources";
const READ: &str = "read a topic";
/// How long brokers have to say where topics end, beside taking messages.
const ENDS_WITHIN: Duration = Duration::from_millis(100);
/// How long they are not asked that again when they did not say.
const ENDS_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// A partition of a topic, named with its prefix.
type Partition = (String, u32);

/// How messages are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeOptions {
    /// How long a message waits while some partition is at its end, where it was not written long
    /// before.
    pub settle: Duration,
    /// How many messages are taken at once at most.
    pub batch: u64,
}

impl Default for MergeOptions {
    fn default() -> Self {
        Self { settle: Duration::from_millis(50), batch: 4_096 }
    }
}

/// How many messages were taken, and how many events they came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Messages.
    pub messages: u64,
    /// Events that went into the log.
    pub events: u64,
}

/// Partitions of others' topics, which this process alone takes messages from.
pub struct SourceClaim {
    transactions: Transactions,
    merge: Merge,
    batch: u64,
    asking: Consumer,
    /// The topics of which each partition is taken; none where one partition is.
    topics: Vec<String>,
    /// Up to where each partition was taken.
    places: BTreeMap<Partition, Place>,
    /// The partitions whose place has changed since the last commit.
    moved: BTreeSet<Partition>,
    /// Offsets that were passed over and are not committed yet, and those that are.
    passing: u64,
    skipped: u64,
    /// When nobody said where the topics end.
    ends_unknown: Option<Instant>,
    book: String,
    log: String,
    events: Vec<(u32, Event)>,
}

impl SourceClaim {
    /// Claims a partition of a topic, named with its prefix: for one that is keyed by store by the
    /// lists that were agreed on. It is an error where the book has other lists by now.
    pub fn take(
        connection: &Connection,
        agreed: &Agreed,
        (topic, partition): (&str, u32),
        options: &MergeOptions,
    ) -> Result<Self, KafkaError> {
        let key = (topic.to_owned(), partition);
        let mut claim = Self::claim(connection, key.clone(), options)?;
        // The group has one too; who is fenced while he claims may have set that back.
        let known = agreed.place(connection, &key, Instant::now())?;
        let place = claim.transactions.committed().place;
        // What was gone before anything was ever taken is none of ours.
        let found = known.or((place.position > 0).then_some(place));
        claim.begin(connection, &[key], |_| found)?;
        Ok(claim)
    }

    /// Claims all partitions of the topics that are taken in one order by the lists that were
    /// agreed on. All that the last claimant has committed of its memory is given to `remember` as
    /// keys and values, oldest first: of two with one key the later counts. It returns whether it
    /// understands them. It is an error where the book has other lists by now.
    pub fn take_merged(
        connection: &Connection,
        agreed: &Agreed,
        options: &MergeOptions,
        mut remember: impl FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<Self, KafkaError> {
        let mut claim = Self::claim(connection, (connection.name(SOURCE_BOOK), 0), options)?;
        let mut unread = None;
        let read = Read::book(connection, |message, value| {
            if fed_named(message.key).is_none() && !remember(message.key, value) {
                unread = Some(message.offset);
            }
        })?;
        if let Some(offset) = unread {
            return Err(KafkaError::Book { topic: claim.book, offset });
        }
        agreed.judge(read.kept.as_ref())?;
        let topics = &agreed.lists().in_order;
        let mut partitions = Vec::new();
        for topic in topics {
            let all = 0..claim.partitions(topic)?;
            partitions.extend(all.map(|partition| (topic.clone(), partition)));
        }
        topics.clone_into(&mut claim.topics);
        claim.begin(connection, &partitions, |key| read.places.get(key).copied())?;
        Ok(claim)
    }

    /// The right to write what follows from the messages, without any partition yet.
    fn claim(
        connection: &Connection,
        (topic, partition): Partition,
        options: &MergeOptions,
    ) -> Result<Self, KafkaError> {
        let origin = Origin { topic, partition, group: connection.name(SOURCES_GROUP) };
        let (transactions, asking) =
            Transactions::claim(connection, origin, Delivery::ExactlyOnce)?;
        Ok(Self {
            transactions,
            merge: Merge::new(options.settle),
            batch: options.batch,
            asking,
            topics: Vec::new(),
            places: BTreeMap::new(),
            moved: BTreeSet::new(),
            passing: 0,
            skipped: 0,
            ends_unknown: None,
            book: connection.name(SOURCE_BOOK),
            log: connection.name(LOG_EVENTS),
            events: Vec::new(),
        })
    }

    /// Goes on with partitions where each was left; one that was never taken begins with the first
    /// message that is kept.
    fn begin(
        &mut self,
        connection: &Connection,
        partitions: &[Partition],
        found: impl Fn(&Partition) -> Option<Place>,
    ) -> Result<(), KafkaError> {
        let group = self.transactions.origin().group.clone();
        let starts = self.offsets(partitions, Offset::Beginning, ANSWER_WITHIN)?;
        let ends = self.offsets(partitions, Offset::End, ANSWER_WITHIN)?;
        for ((key, start), end) in partitions.iter().zip(starts).zip(ends) {
            let mut place = found(key).unwrap_or(Place { position: 0, offset: start });
            if place.offset > end {
                let ((topic, partition), wanted) = (key.clone(), place.offset);
                return Err(KafkaError::MadeAnew { topic, partition, wanted, end });
            }
            // What retention has taken before it was read is gone for everybody.
            if start > place.offset {
                self.passing += (start - place.offset).unsigned_abs();
                place.offset = start;
                self.moved.insert(key.clone());
            }
            self.merge.add(connection, &group, (&key.0, key.1), place.offset)?;
            self.places.insert(key.clone(), place);
        }
        Ok(())
    }

    /// The first offset of each partition, or the one behind its last, in one question.
    fn offsets(
        &self,
        partitions: &[Partition],
        wanted: Offset,
        within: Duration,
    ) -> Result<Vec<i64>, KafkaError> {
        let mut list = TopicPartitionList::new();
        for (topic, partition) in partitions {
            let added = list.add_partition_offset(topic, *partition as i32, wanted);
            added.map_err(|source| KafkaError::of(READ, topic, source))?;
        }
        let what = self.transactions.origin().what();
        let found = self.asking.offsets_for_times(list, within);
        let found = found.map_err(|source| KafkaError::of(READ, &what, source))?;
        let offset = |(topic, partition): &Partition| {
            let failed = |source| KafkaError::of(READ, topic, source);
            let found = found.find_partition(topic, *partition as i32);
            match found.map(|found| found.error().map(|()| found.offset())).transpose() {
                Ok(Some(Offset::Offset(offset))) => Ok(offset),
                Ok(_) => Err(KafkaError::Withheld {
                    action: "tell the offsets",
                    topic: topic.clone(),
                    partition: *partition,
                    waited: within,
                }),
                Err(source) => Err(failed(source)),
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
    /// of the log that each belongs to. It returns whether the message could be read: one that
    /// could not is shown again by the next call, and none that is behind it before that.
    pub fn pump(
        &mut self,
        wait: Duration,
        mut read: impl FnMut(&Message<'_>, &mut Vec<(u32, Event)>) -> bool,
    ) -> Result<Taken, KafkaError> {
        let (started, mut taken) = (Instant::now(), Taken::default());
        while taken.messages < self.batch {
            let left = wait.saturating_sub(started.elapsed());
            let Some((input, waiting)) = self.merge.next(left)? else { break };
            self.events.clear();
            let events = &mut self.events;
            let was_read = self.merge.show(input, &waiting, |message| read(message, events));
            if was_read == Some(false) {
                self.merge.put_back(input, waiting);
                break;
            }
            for (partition, event) in &self.events {
                self.transactions.write_event(&self.log, *partition, event)?;
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
        let origin = self.transactions.origin();
        let own = (origin.topic.clone(), origin.partition);
        // All messages that were ever taken.
        let position = self.places.values().map(|place| place.position).sum();
        let all = Place { position, offset: 0 };
        let place = self.places.get(&own).copied().unwrap_or(all);
        let mut others = Vec::new();
        // Brokers forget the positions of a group that is away for too long; these they keep.
        for key in std::mem::take(&mut self.moved) {
            let Some(place) = self.places.get(&key) else { continue };
            let (name, value) = (place_key(&key.0, key.1), place_value(*place));
            self.transactions.write(&self.book, 0, &name, Some(value.as_bytes()))?;
            if key != own {
                others.push((key.0, key.1, *place));
            }
        }
        self.transactions.commit_beside(place, &others)?;
        self.skipped += std::mem::take(&mut self.passing);
        Ok(())
    }

    /// How many offsets of each partition lie between what was taken and its end; `None` where
    /// nobody says, which is not asked again for 10 s: messages wait while it is.
    pub fn lags(&mut self) -> Vec<(Partition, Option<u64>)> {
        let partitions: Vec<Partition> = self.places.keys().cloned().collect();
        let asked = self.ends_unknown.is_none_or(|since| since.elapsed() >= ENDS_AGAIN_AFTER);
        let ends =
            asked.then(|| self.offsets(&partitions, Offset::End, ENDS_WITHIN).ok()).flatten();
        if asked {
            self.ends_unknown = ends.is_none().then(Instant::now);
        }
        let behind = |number: usize, place: &Place| {
            let end = ends.as_ref()?.get(number)?;
            Some(end.saturating_sub(place.offset).max(0).unsigned_abs())
        };
        let places = self.places.iter().enumerate();
        places.map(|(number, (key, place))| (key.clone(), behind(number, place))).collect()
    }

    /// How many offsets were passed over since the last call because the brokers no longer had
    /// them. Each is counted once, when that is committed, however often the partition is claimed.
    pub fn skipped(&mut self) -> u64 {
        std::mem::take(&mut self.skipped)
    }
}
