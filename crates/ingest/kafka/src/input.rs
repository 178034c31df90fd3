//! The input of a partition: what producers have committed to it, read in order.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rdkafka::Message as _;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError as Foreign, RDKafkaErrorCode as Code};
use rdkafka::message::BorrowedMessage;
use rdkafka::topic_partition_list::{Offset as KafkaOffset, TopicPartitionList};
use shelf_domain::Timestamp;
use shelf_events::{Defaults, ErrorCode, JsonError, decode_event, encode_event, rejected_event};
use shelf_ports::{LogError, Offset, PartitionLog, RecordBatch};

use crate::client::{ANSWER_WITHIN, Consumer, locked};
use crate::error::out_of_range;
use crate::transaction::Origin;
use crate::{Committed, KafkaError, Place};

/// How much is held that the partition has not read yet.
const HELD_BYTES: usize = 1 << 20;
const HELD_RECORDS: usize = 8_192;
/// How long a record has to come that is known to be there.
const RECORD_WITHIN: Duration = Duration::from_secs(30);

/// The input of one partition. It is read once, in order; what was read is what the next
/// transaction commits.
pub struct InputLog {
    consumer: Consumer,
    origin: Origin,
    /// What was committed when the partition was claimed: records up to there are known to exist.
    committed: Committed,
    /// Up to where the partition has read.
    read: Arc<Mutex<Place>>,
    /// Records that have come and were not read.
    waiting: RecordBatch,
    /// The Kafka offsets of all in `waiting`.
    offsets: Vec<i64>,
    /// How many of those were read.
    taken: usize,
    /// Whether records behind what was committed are shown: not before they are asked for.
    following: bool,
}

impl InputLog {
    pub(crate) fn new(
        consumer: Consumer,
        origin: Origin,
        committed: Committed,
        read: Arc<Mutex<Place>>,
    ) -> Self {
        let (waiting, offsets) = (RecordBatch::new(), Vec::new());
        Self { consumer, origin, committed, read, waiting, offsets, taken: 0, following: false }
    }

    /// Goes to the place that a snapshot stands for. Call it once, before anything is read.
    pub fn begin_at(&mut self, place: Place) -> Result<(), KafkaError> {
        let mut list = TopicPartitionList::new();
        let offset = KafkaOffset::Offset(place.offset);
        let partition = self.origin.partition as i32;
        let placed = list
            .add_partition_offset(&self.origin.topic, partition, offset)
            .and_then(|()| self.consumer.assign(&list));
        placed.map_err(|source| self.failed(source))?;
        *locked(&self.read) = place;
        Ok(())
    }

    /// Notes that more has been committed since.
    pub(crate) fn ends_at(&mut self, committed: Committed) {
        self.committed = committed;
    }

    /// Up to where the partition has read.
    pub fn place(&self) -> Place {
        *locked(&self.read)
    }

    /// Waits so long for new records to come, and takes those that are there. Returns how many wait
    /// to be read. Call it only when all that was committed has been read.
    pub fn fetch(&mut self, wait: Duration) -> Result<usize, KafkaError> {
        self.following = true;
        self.pull(wait)
    }

    fn pull(&mut self, wait: Duration) -> Result<usize, KafkaError> {
        let mut wait = if self.unread() > 0 { Duration::ZERO } else { wait };
        while self.unread() < HELD_RECORDS && self.waiting.byte_len() < HELD_BYTES {
            match self.consumer.poll(wait) {
                None => break,
                Some(Ok(message)) => take(&message, &mut self.waiting, &mut self.offsets),
                Some(Err(error)) => self.judge(error)?,
            }
            wait = Duration::ZERO;
        }
        Ok(self.unread())
    }

    fn unread(&self) -> usize {
        self.offsets.len() - self.taken
    }

    /// Passes over what mends itself.
    fn judge(&self, error: Foreign) -> Result<(), KafkaError> {
        match error.rdkafka_error_code() {
            Some(Code::OffsetOutOfRange | Code::AutoOffsetReset) => Err(self.trimmed()),
            Some(
                Code::UnknownTopicOrPartition
                | Code::UnknownTopic
                | Code::UnknownPartition
                | Code::TopicAuthorizationFailed
                | Code::BadMessage
                | Code::InvalidMessage,
            ) => Err(self.failed(error)),
            _ if matches!(error, Foreign::MessageConsumptionFatal(_)) => Err(self.failed(error)),
            _ => Ok(()),
        }
    }

    fn failed(&self, source: Foreign) -> KafkaError {
        KafkaError::of("read the log", &self.origin.topic, source)
    }

    fn trimmed(&self) -> KafkaError {
        let (topic, partition) = (self.origin.topic.clone(), self.origin.partition);
        let marks = self.consumer.fetch_watermarks(&topic, partition as i32, ANSWER_WITHIN);
        let (start, end) = marks.unwrap_or_default();
        KafkaError::Trimmed { topic, partition, wanted: self.place().offset, start, end }
    }

    /// The first offset that the topic still keeps.
    pub(crate) fn kept_from(&self) -> Result<i64, KafkaError> {
        let partition = self.origin.partition as i32;
        let marks = self.consumer.fetch_watermarks(&self.origin.topic, partition, ANSWER_WITHIN);
        marks.map(|(start, _)| start).map_err(|source| self.failed(source))
    }

    /// How many offsets of the topic lie between what was read and its end.
    pub fn lag(&self) -> Option<u64> {
        let partition = self.origin.partition as i32;
        let marks =
            self.consumer.fetch_watermarks(&self.origin.topic, partition, Duration::from_secs(1));
        marks.ok().map(|(_, end)| end.saturating_sub(self.place().offset).max(0).unsigned_abs())
    }

    /// Records that may be handed out at once: replay ends where the last transaction ended, so
    /// that what is new begins with a batch of its own.
    fn readable(&self, from: Offset) -> usize {
        match self.committed.place.position.checked_sub(from) {
            Some(before) if before > 0 => self.unread().min(before as usize),
            _ => self.unread(),
        }
    }

    fn refused(&self, error: KafkaError) -> LogError {
        error.in_log("read", &self.origin.topic, self.origin.partition)
    }

    /// Hands out what waits, up to about `max_bytes`.
    fn hand_out(&mut self, max_bytes: usize, into: &mut RecordBatch) -> Offset {
        let mut place = self.place();
        let until = self.taken + self.readable(place.position);
        while self.taken < until && (into.is_empty() || into.byte_len() < max_bytes) {
            let index = self.taken;
            let (Some(record), Some(&offset)) = (self.waiting.get(index), self.offsets.get(index))
            else {
                break;
            };
            into.push(record);
            place = Place { position: place.position + 1, offset: offset + 1 };
            self.taken += 1;
        }
        if self.unread() == 0 {
            self.waiting.clear();
            self.offsets.clear();
            self.taken = 0;
        }
        *locked(&self.read) = place;
        place.position
    }
}

impl PartitionLog for InputLog {
    fn start_offset(&self) -> Offset {
        // What a snapshot stands for is known only when it has been read: `begin_at` finds out.
        0
    }

    fn end_offset(&self) -> Offset {
        let read = self.place().position;
        let committed = self.committed.place.position;
        let unread = if self.following { self.unread() as Offset } else { 0 };
        committed.max(read + unread)
    }

    fn durable_offset(&self) -> Offset {
        self.end_offset()
    }

    fn append(&mut self, _: &RecordBatch) -> Result<Offset, LogError> {
        // Events come through a `Feed`, whichever process they come from.
        let source =
            KafkaError::Forbidden { action: "append to what is read", what: String::new() };
        Err(source.in_log("append to", &self.origin.topic, self.origin.partition))
    }

    fn request_sync(&mut self) -> Result<(), LogError> {
        Ok(())
    }

    fn sync(&mut self) -> Result<Offset, LogError> {
        Ok(self.durable_offset())
    }

    fn read(
        &mut self,
        from: Offset,
        max_bytes: usize,
        into: &mut RecordBatch,
    ) -> Result<Offset, LogError> {
        into.clear();
        let at = self.place().position;
        if from != at {
            return Err(out_of_range(from, at, self.end_offset()));
        }
        let started = Instant::now();
        while self.unread() == 0 && at < self.end_offset() {
            self.pull(Duration::from_millis(100)).map_err(|error| self.refused(error))?;
            if started.elapsed() > RECORD_WITHIN && self.unread() == 0 {
                let (action, waited) = ("send a record that it has", RECORD_WITHIN);
                return Err(self.refused(KafkaError::Silent { action, waited }));
            }
        }
        Ok(self.hand_out(max_bytes, into))
    }

    fn trim(&mut self, _: Offset) -> Result<Offset, LogError> {
        // The topic's own settings say how long it is kept.
        Ok(0)
    }
}

/// Takes one message in. What is no event becomes one that says so: a message from elsewhere must
/// not stop a partition, and is not lost either.
fn take(message: &BorrowedMessage<'_>, waiting: &mut RecordBatch, offsets: &mut Vec<i64>) {
    let bytes = message.payload().unwrap_or_default();
    if decode_event(bytes).is_ok() {
        waiting.push(bytes);
    } else {
        let detail = format!("{} bytes that are no event of the log", bytes.len());
        let error = JsonError { code: ErrorCode::WrongType, field: "", detail };
        let millis = message.timestamp().to_millis().unwrap_or_default();
        let received_at = Timestamp(millis.saturating_mul(1_000));
        let defaults = Defaults { store: None, received_at };
        let source = format!("{}/{}", message.topic(), message.partition());
        let line = message.offset().unsigned_abs();
        let event = rejected_event(&error, bytes, &source, line, &defaults);
        waiting.push_with(|out| encode_event(&event, out));
    }
    offsets.push(message.offset());
}
