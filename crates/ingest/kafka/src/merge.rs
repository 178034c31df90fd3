//! The partitions of several topics as one stream, by the times at which messages were written.
//!
//! A partition of which more is to come holds the others up until it has come; one that is read to
//! its end does not. Messages wait a moment when some partition is at its end, for what was written
//! at the same time to arrive.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rdkafka::Message as _;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError as Foreign, RDKafkaErrorCode as Code};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::client::{Consumer, consumer};
use crate::{Connection, KafkaError, Message};

const READ: &str = "read a topic";
/// How many messages of a partition wait at most.
const HELD: usize = 4_096;
/// How long a partition that is not at its end has to send something.
const MORE_WITHIN: Duration = Duration::from_secs(30);
/// How often a partition is looked at that has nothing.
const LOOK: Duration = Duration::from_millis(5);

/// A message that waits for its turn.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) offset: i64,
    written_ms: i64,
    key: Vec<u8>,
    payload: Option<Vec<u8>>,
    came: Instant,
}

/// One partition of a topic.
struct Input {
    topic: String,
    partition: u32,
    consumer: Consumer,
    queue: Queue,
}

/// What has come of a partition.
#[derive(Debug)]
struct Queue {
    waiting: VecDeque<Waiting>,
    /// Whether nothing lies behind what waits.
    ended: bool,
    /// When it last sent something, or gave something on.
    heard: Instant,
}

/// All partitions.
pub(crate) struct Merge {
    inputs: Vec<Input>,
    settle: Duration,
}

impl Merge {
    pub(crate) fn new(settle: Duration) -> Self {
        Self { inputs: Vec::new(), settle }
    }

    /// Adds a partition, to be read from this offset. Of messages that were written in the same
    /// millisecond, those of the partition that was added first come first.
    pub(crate) fn add(
        &mut self,
        connection: &Connection,
        group: &str,
        (topic, partition): (&str, u32),
        offset: i64,
    ) -> Result<(), KafkaError> {
        let consumer = consumer(connection, group, &[("enable.partition.eof", "true")])?;
        let mut list = TopicPartitionList::new();
        let placed = list
            .add_partition_offset(topic, partition as i32, Offset::Offset(offset))
            .and_then(|()| consumer.assign(&list));
        placed.map_err(|source| KafkaError::of(READ, topic, source))?;
        let queue = Queue { waiting: VecDeque::new(), ended: false, heard: Instant::now() };
        self.inputs.push(Input { topic: topic.to_owned(), partition, consumer, queue });
        Ok(())
    }

    /// Waits so long for a message whose turn it is. What it returns can be shown with
    /// [`Merge::show`].
    pub(crate) fn next(&mut self, wait: Duration) -> Result<Option<(usize, Waiting)>, KafkaError> {
        let started = Instant::now();
        loop {
            if let Some(next) = self.pick() {
                return Ok(Some(next));
            }
            if !self.fill()? {
                let left = wait.saturating_sub(started.elapsed());
                if left.is_zero() {
                    return Ok(self.pick());
                }
                std::thread::sleep(left.min(LOOK));
            }
        }
    }

    /// Shows a message of the input of this number.
    pub(crate) fn show<R>(
        &self,
        input: usize,
        waiting: &Waiting,
        show: impl FnOnce(&Message<'_>) -> R,
    ) -> Option<R> {
        let Input { topic, partition, .. } = self.inputs.get(input)?;
        Some(show(&Message {
            topic,
            partition: *partition,
            offset: waiting.offset,
            written_ms: waiting.written_ms,
            key: &waiting.key,
            payload: waiting.payload.as_deref(),
        }))
    }

    /// The topic and partition of the input of this number.
    pub(crate) fn of(&self, input: usize) -> Option<(&str, u32)> {
        self.inputs.get(input).map(|input| (input.topic.as_str(), input.partition))
    }

    /// The message whose turn it is.
    fn pick(&mut self) -> Option<(usize, Waiting)> {
        let queues = self.inputs.iter().map(|input| &input.queue);
        let input = turn(queues, self.settle)?;
        let queue = &mut self.inputs.get_mut(input)?.queue;
        queue.heard = Instant::now();
        Some((input, queue.waiting.pop_front()?))
    }

    /// Takes in what has come. Returns whether that is anything.
    fn fill(&mut self) -> Result<bool, KafkaError> {
        let mut any = false;
        for input in &mut self.inputs {
            any |= input.fill()?;
        }
        Ok(any)
    }
}

impl Input {
    fn fill(&mut self) -> Result<bool, KafkaError> {
        let (queue, mut any) = (&mut self.queue, false);
        while queue.waiting.len() < HELD {
            match self.consumer.poll(Duration::ZERO) {
                None => break,
                Some(Ok(message)) => {
                    queue.ended = false;
                    queue.waiting.push_back(Waiting {
                        offset: message.offset(),
                        written_ms: message.timestamp().to_millis().unwrap_or_default(),
                        key: message.key().unwrap_or_default().to_vec(),
                        payload: message.payload().map(<[u8]>::to_vec),
                        came: Instant::now(),
                    });
                }
                Some(Err(Foreign::PartitionEOF(_))) => queue.ended = true,
                Some(Err(error)) => {
                    if let Some(
                        Code::UnknownTopicOrPartition
                        | Code::UnknownTopic
                        | Code::UnknownPartition
                        | Code::OffsetOutOfRange
                        | Code::AutoOffsetReset
                        | Code::TopicAuthorizationFailed,
                    ) = error.rdkafka_error_code()
                    {
                        return Err(KafkaError::of(READ, &self.topic, error));
                    }
                    // Brokers that are away come back.
                    break;
                }
            }
            (queue.heard, any) = (Instant::now(), true);
        }
        if queue.waiting.is_empty() && !queue.ended && queue.heard.elapsed() > MORE_WITHIN {
            let action = "send messages that it has";
            return Err(KafkaError::Silent { action, waited: MORE_WITHIN });
        }
        Ok(any)
    }
}

/// The number of the queue whose first message is next; `None` where that is not known yet.
fn turn<'a>(queues: impl Iterator<Item = &'a Queue> + Clone, settle: Duration) -> Option<usize> {
    let mut at_end = false;
    let mut first: Option<(usize, &Waiting)> = None;
    for (number, queue) in queues.enumerate() {
        match queue.waiting.front() {
            Some(waiting) => {
                if first.is_none_or(|(_, first)| waiting.written_ms < first.written_ms) {
                    first = Some((number, waiting));
                }
            }
            None if queue.ended => at_end = true,
            None => return None,
        }
    }
    let (number, waiting) = first?;
    (!at_end || waiting.came.elapsed() >= settle).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTLE: Duration = Duration::from_mins(1);

    fn queue(times: &[i64], ended: bool, came: Instant) -> Queue {
        let waiting = times.iter().map(|&written_ms| Waiting {
            offset: 0,
            written_ms,
            key: Vec::new(),
            payload: None,
            came,
        });
        Queue { waiting: waiting.collect(), ended, heard: came }
    }

    #[test]
    fn the_earliest_message_is_next_and_of_equal_ones_that_of_the_first_partition() {
        let now = Instant::now();
        let queues = [queue(&[7, 1], false, now), queue(&[5], true, now), queue(&[5], false, now)];
        assert_eq!(turn(queues.iter(), SETTLE), Some(1));
        assert_eq!(turn([].iter(), SETTLE), None);
    }

    #[test]
    fn a_partition_of_which_more_is_to_come_holds_the_others_up() {
        let now = Instant::now();
        let queues = [queue(&[7], false, now), queue(&[], false, now)];
        assert_eq!(turn(queues.iter(), Duration::ZERO), None);
    }

    #[test]
    fn one_at_its_end_holds_nobody_up_for_longer_than_a_moment() {
        let now = Instant::now();
        let at_end = [queue(&[7], false, now), queue(&[], true, now)];
        assert_eq!(turn(at_end.iter(), SETTLE), None, "something may be under way");
        assert_eq!(turn(at_end.iter(), Duration::ZERO), Some(0));
        let all_ended = [queue(&[], true, now), queue(&[], true, now)];
        assert_eq!(turn(all_ended.iter(), Duration::ZERO), None);
    }
}
