//! One partition's transactions: what is written, and how far its input has come, in one.
//!
//! Where everything is to be written once at least, there are none: what is written is delivered
//! first, and then the position is committed.
//!
//! Each partition has a transactional id of its own. Whoever claims a partition is given the next
//! epoch of it by the brokers, and every earlier holder can write nothing from then on. Whatever
//! fails, the caller drops the claim and takes it again: what is true is read back from the
//! brokers, never concluded from an error.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::{CommitMode, Consumer as _, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError as Foreign, RDKafkaErrorCode as Code};
use rdkafka::producer::{BaseRecord, Producer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList, TopicPartitionListElem};
use shelf_domain::Event;
use shelf_events::encode_event;

use crate::client::{ANSWER_WITHIN, Consumer, Heard, Producer, consumer, deliver, make, send};
use crate::deadline::within;
use crate::written::{LastWritten, last_written};
use crate::{Committed, Connection, KafkaError, Place};

/// After so long the brokers end a transaction whose writer has gone silent, and readers go on.
pub(crate) const TRANSACTION_TIMEOUT_MS: &str = "15000";
/// A record that was not delivered in this time never will be.
const DELIVERY_TIMEOUT_MS: &str = "10000";
/// How long a step of a transaction has by its own count; it may hang past that.
const STEP_WITHIN: Duration = Duration::from_secs(12);
/// How long a step has by ours.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(20);
/// How long records may wait for room in the client's queue.
const ROOM_WITHIN: Duration = Duration::from_secs(12);
pub(crate) const READ_BACK: &str = "read back what was committed";
const CLAIM: &str = "claim a partition";
/// The consumer group of the workers, and of what they have committed.
pub(crate) const GROUP: &str = "shelf";
/// The group of what is committed without transactions. Brokers take a position without one only
/// for a group that nobody is a member of.
const GROUP_AT_LEAST_ONCE: &str = "shelf-at-least-once";

/// How often readers find what follows from an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// Once, in transactions.
    #[default]
    ExactlyOnce,
    /// Once, and again what was written last when a worker is killed or frozen. Nobody is fenced.
    AtLeastOnce,
}

impl Delivery {
    /// The group that positions are committed for, without the prefix.
    pub(crate) fn group(self) -> &'static str {
        match self {
            Self::ExactlyOnce => GROUP,
            Self::AtLeastOnce => GROUP_AT_LEAST_ONCE,
        }
    }
}

/// How a position is committed.
enum Commits {
    InTransactions(Arc<ConsumerGroupMetadata>),
    Alone(Arc<Consumer>),
}

/// The partition whose position a transaction commits.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// The topic, with its prefix.
    pub(crate) topic: String,
    pub(crate) partition: u32,
    /// The group that the position is committed for, with its prefix.
    pub(crate) group: String,
}

impl Origin {
    /// A list of this partition alone.
    fn list(&self) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        list.add_partition(&self.topic, self.partition as i32);
        list
    }

    /// What an error is about.
    pub(crate) fn what(&self) -> String {
        format!("partition {} of {}", self.partition, self.topic)
    }
}

/// The right to write what follows from one partition.
pub(crate) struct Transactions {
    producer: Arc<Producer>,
    commits: Commits,
    origin: Origin,
    committed: Committed,
    /// Whether something was written that is not committed.
    open: bool,
    /// The event that is being written.
    bytes: Vec<u8>,
}

impl Transactions {
    /// Takes the right away from whoever has it, and reads back what was committed. The consumer
    /// that is returned reads the partition; it has no place yet.
    pub(crate) fn claim(
        connection: &Connection,
        origin: Origin,
        delivery: Delivery,
    ) -> Result<(Self, Consumer), KafkaError> {
        let producer = producer(connection, &origin, delivery)?;
        let read = || consumer(connection, &origin.group, &[]);
        let consumer = read()?;
        let commits = match delivery {
            Delivery::ExactlyOnce => {
                let (action, waited) = ("name the group", Duration::ZERO);
                let group = consumer.group_metadata();
                let group = group.ok_or(KafkaError::Silent { action, waited })?;
                take_over(connection, &producer, &origin)?;
                Commits::InTransactions(Arc::new(group))
            }
            Delivery::AtLeastOnce => Commits::Alone(Arc::new(read()?)),
        };
        let found = committed(&consumer, &origin)?;
        let committed = found.unwrap_or_default();
        let (open, bytes) = (false, Vec::new());
        let mut claim = Self { producer, commits, origin, committed, open, bytes };
        if found.is_none() {
            claim.committed.place = claim.begin_at(connection, &consumer)?;
        }
        claim.committed.epoch += 1;
        // One that was concluded from what was written has no offset before it was read up to.
        if claim.committed.place.is_known() {
            claim.commit(claim.committed.place)?;
        }
        Ok((claim, consumer))
    }

    /// Takes the right away from whoever has it, and leaves it to nobody.
    pub(crate) fn fence(connection: &Connection, origin: &Origin) -> Result<(), KafkaError> {
        let producer = producer(connection, origin, Delivery::ExactlyOnce)?;
        take_over(connection, &producer, origin)
    }

    /// Where to begin although the group has no position. Where it once had one, beginning anew
    /// would write all that was written a second time: what was written last says how far it had
    /// come at least. A transaction has all that follows from its events, so nothing follows from
    /// those between there and where it had come. Without transactions only a snapshot can say it.
    fn begin_at(&self, connection: &Connection, consumer: &Consumer) -> Result<Place, KafkaError> {
        // Those who take messages of others have their places in the book.
        if self.origin.topic != connection.name(crate::LOG_EVENTS) {
            return Ok(Place::default());
        }
        let topic = connection.name(crate::LOG_EFFECTS);
        let partition = self.origin.partition;
        let marks = consumer.fetch_watermarks(&topic, partition as i32, ANSWER_WITHIN);
        let (start, end) =
            marks.map_err(|source| KafkaError::of("look at the log", &topic, source))?;
        if end == 0 {
            return Ok(Place::default());
        }
        let in_transactions = matches!(self.commits, Commits::InTransactions(_));
        match last_written(connection, partition, (start, end))? {
            None if start == 0 => Ok(Place::default()),
            Some(LastWritten { event: Some(event), in_transaction })
                if in_transaction == in_transactions =>
            {
                Ok(Place::behind(if in_transactions { event + 1 } else { 0 }))
            }
            _ => Err(KafkaError::Lost { group: self.origin.group.clone(), partition }),
        }
    }

    /// What has been committed.
    pub(crate) fn committed(&self) -> Committed {
        self.committed
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    fn begin(&mut self) -> Result<(), KafkaError> {
        if !self.open {
            if let Commits::InTransactions(_) = self.commits {
                let begun = self.producer.begin_transaction();
                begun.map_err(|source| self.judge("begin a transaction", source))?;
            }
            self.open = true;
        }
        Ok(())
    }

    /// Writes a record into the open transaction; without a payload it deletes its key.
    pub(crate) fn write(
        &mut self,
        topic: &str,
        partition: u32,
        key: &str,
        payload: Option<&[u8]>,
    ) -> Result<(), KafkaError> {
        self.begin()?;
        let mut record: BaseRecord<'_, str, [u8]> =
            BaseRecord::to(topic).partition(partition as i32).key(key);
        record.payload = payload;
        send(&self.producer, record, Some(ROOM_WITHIN)).map_err(|error| {
            match error.rdkafka_error_code() {
                Some(Code::MessageSizeTooLarge) => {
                    let bytes = payload.map_or(0, <[u8]>::len);
                    KafkaError::TooLarge { topic: topic.to_owned(), bytes }
                }
                _ => self.judge("write a record", error),
            }
        })
    }

    /// Writes an event of a store into a partition of this topic.
    pub(crate) fn write_event(
        &mut self,
        topic: &str,
        partition: u32,
        event: &Event,
    ) -> Result<(), KafkaError> {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        encode_event(event, &mut bytes);
        let written = self.write(topic, partition, event.store.as_str(), Some(&bytes));
        self.bytes = bytes;
        written
    }

    /// Hears of what was delivered, so that the client's queue does not fill up.
    pub(crate) fn hear(&self) {
        self.producer.poll(Duration::ZERO);
    }

    /// Whether there is nothing to commit at this place.
    pub(crate) fn settled(&self, place: Place) -> bool {
        !self.open && place == self.committed.place
    }

    /// Commits what was written together with this place.
    pub(crate) fn commit(&mut self, place: Place) -> Result<(), KafkaError> {
        self.commit_beside(place, &[])
    }

    /// The same, and the places in other partitions for the same group beside it.
    pub(crate) fn commit_beside(
        &mut self,
        place: Place,
        others: &[(String, u32, Place)],
    ) -> Result<(), KafkaError> {
        const ACTION: &str = "commit a transaction";
        self.begin()?;
        let committed = Committed { place, ..self.committed };
        let mut list = TopicPartitionList::new();
        let own = (self.origin.topic.clone(), self.origin.partition, place);
        for (topic, partition, place) in std::iter::once(&own).chain(others) {
            let mut element = list.add_partition(topic, *partition as i32);
            element.set_metadata(Committed { place: *place, ..committed }.metadata());
            let set = element.set_offset(Offset::Offset(place.offset));
            set.map_err(|source| self.judge(ACTION, source))?;
        }
        let producer = Arc::clone(&self.producer);
        let done = match &self.commits {
            Commits::InTransactions(group) => {
                let group = Arc::clone(group);
                within(ACTION, GIVEN_UP_AFTER, move || {
                    producer.send_offsets_to_transaction(&list, &group, STEP_WITHIN)?;
                    deliver(&producer, STEP_WITHIN);
                    producer.commit_transaction(STEP_WITHIN)
                })?
            }
            Commits::Alone(consumer) => {
                let consumer = Arc::clone(consumer);
                within(ACTION, GIVEN_UP_AFTER, move || {
                    deliver(&producer, STEP_WITHIN);
                    let late = (producer.in_flight_count() > 0).then_some(Code::MessageTimedOut);
                    match producer.context().failed().or(late) {
                        Some(code) => Err(Foreign::MessageProduction(code)),
                        None => consumer.commit(&list, CommitMode::Sync),
                    }
                })?
            }
        };
        done.map_err(|source| self.judge(ACTION, source))?;
        self.committed = committed;
        self.open = false;
        Ok(())
    }

    /// What an error of the producer means. A client that is no longer usable says only that; and a
    /// record that was refused says more than the commit that failed because of it.
    fn judge(&self, action: &'static str, source: Foreign) -> KafkaError {
        deliver(&self.producer, Duration::from_millis(200));
        let what = self.origin.what();
        let fatal = self.producer.client().fatal_error();
        let source = fatal.map_or(source, |(code, _)| Foreign::Global(code));
        let judged = KafkaError::of(action, &what, source);
        if matches!(judged, KafkaError::Fenced { .. }) {
            return judged;
        }
        match self.producer.context().undelivered() {
            Some(record) => record.judged(action, &what),
            None => judged,
        }
    }
}

impl Drop for Transactions {
    fn drop(&mut self) {
        if self.open && matches!(self.commits, Commits::InTransactions(_)) {
            // A courtesy to readers, who need not wait for the brokers to end it.
            let _ = self.producer.abort_transaction(Duration::from_millis(500));
        }
    }
}

/// What writes for a partition.
fn producer(
    connection: &Connection,
    origin: &Origin,
    delivery: Delivery,
) -> Result<Arc<Producer>, KafkaError> {
    let id = format!("{}-{}-{}", origin.group, origin.topic, origin.partition);
    let writes = [
        ("message.timeout.ms", DELIVERY_TIMEOUT_MS),
        ("message.max.bytes", "16777216"),
        ("linger.ms", "5"),
        // The brokers still finish the last transaction when the next one begins.
        ("retry.backoff.ms", "10"),
    ];
    let of_delivery: &[(&str, &str)] = match delivery {
        Delivery::ExactlyOnce => {
            &[("transactional.id", id.as_str()), ("transaction.timeout.ms", TRANSACTION_TIMEOUT_MS)]
        }
        Delivery::AtLeastOnce => &[("enable.idempotence", "true")],
    };
    Ok(Arc::new(make(connection, &[&writes[..], of_delivery].concat(), Heard::default())?))
}

/// Ends what the one has open who wrote for a partition, and fences him.
fn take_over(
    connection: &Connection,
    producer: &Arc<Producer>,
    origin: &Origin,
) -> Result<(), KafkaError> {
    let claiming = Arc::clone(producer);
    let claimed = within(CLAIM, GIVEN_UP_AFTER, move || claiming.init_transactions(STEP_WITHIN))?;
    claimed.map_err(|source| judged(CLAIM, connection, producer, origin, source))
}

/// Why the brokers do not let us claim a partition.
fn judged(
    action: &'static str,
    connection: &Connection,
    producer: &Producer,
    origin: &Origin,
    source: Foreign,
) -> KafkaError {
    producer.poll(Duration::ZERO);
    match source.rdkafka_error_code() {
        Some(Code::OperationTimedOut | Code::AllBrokersDown | Code::BrokerTransportFailure) => {
            producer.context().silence(connection.brokers())
        }
        _ => KafkaError::of(action, &origin.what(), source),
    }
}

/// What has been committed for a partition; `None` where nothing ever was.
fn committed(consumer: &Consumer, origin: &Origin) -> Result<Option<Committed>, KafkaError> {
    let found = consumer.committed_offsets(origin.list(), STEP_WITHIN);
    let found = found.map_err(|source| KafkaError::of(READ_BACK, &origin.what(), source))?;
    let elements = found.elements();
    let element = elements.first();
    element.map_or(Ok(None), |element| read_back(element, &origin.topic, &origin.group))
}

/// What an answer says that was committed for one.
pub(crate) fn read_back(
    element: &TopicPartitionListElem<'_>,
    topic: &str,
    group: &str,
) -> Result<Option<Committed>, KafkaError> {
    element.error().map_err(|source| KafkaError::of(READ_BACK, topic, source))?;
    let Offset::Offset(offset) = element.offset() else { return Ok(None) };
    let read = Committed::read(offset, element.metadata());
    let (group, partition) = (group.to_owned(), element.partition() as u32);
    read.map(Some).ok_or(KafkaError::Position { group, partition })
}
