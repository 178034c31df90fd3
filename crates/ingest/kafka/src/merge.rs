//! The partitions of several topics as one stream, by the times at which messages were written.
//!
//! A partition of which more is to come holds the others up until it has come; one that is read to
//! its end does not. Messages wait a moment when some partition is at its end, for what was written
//! at the same time to arrive: until each such partition was looked at after that moment, and found
//! to have nothing.

use std::collections::VecDeque;
use std::time::{Duration, Instant, SystemTime};

use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError as Foreign, RDKafkaErrorCode as Code};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::client::{Consumer, consumer};
use crate::{Connection, KafkaError, Message};

const READ: &str = "read a topic";
/// How many messages of a partition wait at most.
const HELD: usize = 4_096;
/// How many bytes of them. One more message is taken as long as there are fewer.
const HELD_BYTES: usize = 1 << 20;
/// One consumer for each partition, of which one process has many: each reads ahead less than those
/// of lanes do.
const READS_AHEAD: [(&str, &str); 2] =
    [("enable.partition.eof", "true"), ("queued.max.messages.kbytes", "2048")];
/// How long a partition that is not at its end has to send something.
const MORE_WITHIN: Duration = Duration::from_secs(30);
/// How often a partition is looked at that has nothing.
const LOOK: Duration = Duration::from_millis(5);
/// How long after it was written a message has come at the latest, in the usual case. What is older
/// by more than the time to settle is of a backlog, and waits no longer.
const UNDER_WAY: Duration = Duration::from_secs(1);
/// Nobody was looked at for so long: the whole process may have stood still, and its clients with
/// it, which then do not know yet what has come meanwhile.
const BREAK: Duration = Duration::from_millis(250);

/// A message that waits for its turn.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) offset: i64,
    written_ms: i64,
    /// What it is put in order by: when it was written, as far as that can be.
    order_ms: i64,
    key: Vec<u8>,
    payload: Option<Vec<u8>>,
    came: Instant,
}

impl Waiting {
    fn bytes(&self) -> usize {
        self.key.len() + self.payload.as_ref().map_or(0, Vec::len)
    }
}

/// A moment, by the clock of the process and by that of the wall.
#[derive(Clone, Copy, Debug)]
struct Moment {
    at: Instant,
    wall_ms: i64,
}

impl Moment {
    fn now() -> Self {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { at: Instant::now(), wall_ms: millis(wall) }
    }
}

/// A length in milliseconds.
fn millis(length: Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
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
    /// The bytes of what waits.
    bytes: usize,
    /// When it was last looked at until there was nothing more.
    looked: Option<Moment>,
    /// Whether nothing lies behind what waits.
    ended: bool,
    /// When it last sent something, or gave something on.
    heard: Instant,
}

/// How long messages wait for each other.
#[derive(Clone, Copy, Debug)]
struct Settling {
    settle: Duration,
    /// Since when the partitions are looked at without a break.
    since: Instant,
}

/// All partitions.
pub(crate) struct Merge {
    inputs: Vec<Input>,
    /// A message that had its turn and is to have it again, and its input.
    returned: Option<(usize, Waiting)>,
    settling: Settling,
    /// When the partitions were last looked at.
    filled: Instant,
}

impl Merge {
    pub(crate) fn new(settle: Duration) -> Self {
        let now = Instant::now();
        let settling = Settling { settle, since: now };
        Self { inputs: Vec::new(), returned: None, settling, filled: now }
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
        let consumer = consumer(connection, group, &READS_AHEAD)?;
        let mut list = TopicPartitionList::new();
        let placed = list
            .add_partition_offset(topic, partition as i32, Offset::Offset(offset))
            .and_then(|()| consumer.assign(&list));
        placed.map_err(|source| KafkaError::of(READ, topic, source))?;
        let queue = Queue::new();
        self.inputs.push(Input { topic: topic.to_owned(), partition, consumer, queue });
        Ok(())
    }

    /// Waits so long for a message whose turn it is. What it returns can be shown with
    /// [`Merge::show`].
    pub(crate) fn next(&mut self, wait: Duration) -> Result<Option<(usize, Waiting)>, KafkaError> {
        if let Some(returned) = self.returned.take() {
            return Ok(Some(returned));
        }
        let started = Instant::now();
        loop {
            // Also after a time in which nobody was looked at: what was written earlier than what
            // waits may have come meanwhile.
            let stale = self.filled.elapsed() >= LOOK;
            let mut any = stale && self.fill()?;
            if let Some(next) = self.pick() {
                return Ok(Some(next));
            }
            if !stale {
                any = self.fill()?;
            }
            if !any {
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

    /// Has a message wait for its turn again, which is the next one. The time in which nobody was
    /// listened to is held against no partition.
    pub(crate) fn put_back(&mut self, input: usize, waiting: Waiting) {
        self.hear_anew();
        self.returned = Some((input, waiting));
    }

    fn hear_anew(&mut self) {
        for input in &mut self.inputs {
            input.queue.heard = Instant::now();
        }
    }

    /// The topic and partition of the input of this number.
    pub(crate) fn of(&self, input: usize) -> Option<(&str, u32)> {
        self.inputs.get(input).map(|input| (input.topic.as_str(), input.partition))
    }

    /// The message whose turn it is.
    fn pick(&mut self) -> Option<(usize, Waiting)> {
        let queues = self.inputs.iter().map(|input| &input.queue);
        let input = turn(queues, self.settling)?;
        let queue = &mut self.inputs.get_mut(input)?.queue;
        queue.heard = Instant::now();
        let waiting = queue.waiting.pop_front()?;
        queue.bytes -= waiting.bytes();
        Some((input, waiting))
    }

    /// Takes in what has come. Returns whether that is anything.
    fn fill(&mut self) -> Result<bool, KafkaError> {
        let (now, mut any) = (Moment::now(), false);
        if self.filled.elapsed() > BREAK {
            self.settling.since = now.at;
            self.hear_anew();
        }
        self.filled = now.at;
        for input in &mut self.inputs {
            any |= input.fill(now, self.settling.settle)?;
        }
        Ok(any)
    }
}

impl Queue {
    fn new() -> Self {
        let (waiting, heard) = (VecDeque::new(), Instant::now());
        Self { waiting, bytes: 0, looked: None, ended: false, heard }
    }

    /// Has a message wait that has just come. One whose producer's clock runs ahead would wait for
    /// as long as others write: it is ahead by `settle` at most.
    fn push(&mut self, message: &impl rdkafka::Message, settle: Duration) {
        let now = Moment::now();
        let written_ms = message.timestamp().to_millis().unwrap_or_default();
        let waiting = Waiting {
            offset: message.offset(),
            written_ms,
            order_ms: order(written_ms, now, settle),
            key: message.key().unwrap_or_default().to_vec(),
            payload: message.payload().map(<[u8]>::to_vec),
            came: now.at,
        };
        self.ended = false;
        self.bytes += waiting.bytes();
        self.waiting.push_back(waiting);
    }
}

impl Input {
    /// Takes in what has come; `now` is when the partitions began to be looked at.
    fn fill(&mut self, now: Moment, settle: Duration) -> Result<bool, KafkaError> {
        let mut any = false;
        while self.queue.waiting.len() < HELD && self.queue.bytes < HELD_BYTES {
            match self.consumer.poll(Duration::ZERO) {
                None => {
                    self.queue.looked = Some(now);
                    break;
                }
                Some(Ok(message)) => self.queue.push(&message, settle),
                Some(Err(Foreign::PartitionEOF(_))) => self.queue.ended = true,
                Some(Err(error)) => {
                    self.judge(error)?;
                    // Brokers that are away come back.
                    break;
                }
            }
            (self.queue.heard, any) = (Instant::now(), true);
        }
        let queue = &self.queue;
        if queue.waiting.is_empty() && !queue.ended && queue.heard.elapsed() > MORE_WITHIN {
            return Err(KafkaError::Withheld {
                action: "send messages",
                topic: self.topic.clone(),
                partition: self.partition,
                waited: MORE_WITHIN,
            });
        }
        Ok(any)
    }

    /// Passes over what mends itself.
    fn judge(&self, error: Foreign) -> Result<(), KafkaError> {
        match error.rdkafka_error_code() {
            Some(
                Code::UnknownTopicOrPartition
                | Code::UnknownTopic
                | Code::UnknownPartition
                | Code::TopicAuthorizationFailed,
            ) => Err(KafkaError::of(READ, &self.topic, error)),
            // Whoever claims it next finds out whether it was trimmed or made anew.
            Some(Code::OffsetOutOfRange | Code::AutoOffsetReset) => {
                let what = format!("{}, partition {}", self.topic, self.partition);
                Err(KafkaError::of(READ, &what, error))
            }
            _ => Ok(()),
        }
    }
}

/// What a message is put in order by that was written at this time, and has come now.
fn order(written_ms: i64, now: Moment, settle: Duration) -> i64 {
    written_ms.min(now.wall_ms.saturating_add(millis(settle)))
}

/// The number of the queue whose first message is next; `None` where that is not known yet.
fn turn<'a>(queues: impl Iterator<Item = &'a Queue> + Clone, settling: Settling) -> Option<usize> {
    let mut first: Option<(usize, &Waiting)> = None;
    for (number, queue) in queues.clone().enumerate() {
        match queue.waiting.front() {
            Some(waiting) => {
                if first.is_none_or(|(_, first)| waiting.order_ms < first.order_ms) {
                    first = Some((number, waiting));
                }
            }
            None if queue.ended => {}
            None => return None,
        }
    }
    let (number, waiting) = first?;
    let mut at_end = queues.filter(|queue| queue.waiting.is_empty());
    at_end.all(|queue| settling.is_over(waiting, queue)).then_some(number)
}

impl Settling {
    /// Whether nothing is to be expected of a partition at its end that was written before what
    /// waits: it was looked at so long after that came, or after all of that time has come.
    fn is_over(self, waiting: &Waiting, at_end: &Queue) -> bool {
        let Some(looked) = at_end.looked else { return false };
        let since = |moment| looked.at.saturating_duration_since(moment) >= self.settle;
        let age_ms = looked.wall_ms.saturating_sub(waiting.order_ms);
        let of_backlog = age_ms >= millis(self.settle.saturating_add(UNDER_WAY));
        since(self.since) && (of_backlog || since(waiting.came))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTLE: Duration = Duration::from_mins(1);
    /// When the tests begin, by the clock of the wall.
    const BEGAN_MS: i64 = 1_000_000_000;

    /// So long after the tests began, which was at `began`.
    fn at(began: Instant, seconds: u64) -> Moment {
        let after = Duration::from_secs(seconds);
        Moment { at: began + after, wall_ms: BEGAN_MS + millis(after) }
    }

    /// Messages that were written so many seconds after the tests began and have come at a moment,
    /// and the last look at their partition.
    fn queue(seconds: &[i64], ended: bool, came: Moment, looked: Moment) -> Queue {
        let waiting = seconds.iter().map(|&seconds| {
            let written_ms = BEGAN_MS + seconds * 1_000;
            Waiting {
                offset: 0,
                written_ms,
                order_ms: order(written_ms, came, SETTLE),
                key: Vec::new(),
                payload: None,
                came: came.at,
            }
        });
        let (waiting, looked) = (waiting.collect(), Some(looked));
        Queue { waiting, bytes: 0, looked, ended, heard: came.at }
    }

    fn since(began: Instant) -> Settling {
        Settling { settle: SETTLE, since: began }
    }

    #[test]
    fn the_earliest_message_is_next_and_of_equal_ones_that_of_the_first_partition() {
        let began = Instant::now();
        let now = at(began, 10);
        let of = |seconds: &[i64], ended| queue(seconds, ended, now, now);
        let queues = [of(&[7, 1], false), of(&[5], true), of(&[5], false)];
        assert_eq!(turn(queues.iter(), since(began)), Some(1));
        assert_eq!(turn([].iter(), since(began)), None);
    }

    #[test]
    fn a_partition_of_which_more_is_to_come_holds_the_others_up() {
        let began = Instant::now();
        let (now, later) = (at(began, 10), at(began, 1_000));
        let queues = [queue(&[7], false, now, later), queue(&[], false, now, later)];
        assert_eq!(turn(queues.iter(), since(began)), None);
    }

    #[test]
    fn one_at_its_end_holds_nobody_up_for_longer_than_a_moment() {
        let began = Instant::now();
        let turn_at = |seconds| {
            let (came, looked) = (at(began, 100), at(began, seconds));
            let queues = [queue(&[100], false, came, looked), queue(&[], true, came, looked)];
            turn(queues.iter(), since(began))
        };
        assert_eq!(turn_at(159), None, "something may be under way");
        assert_eq!(turn_at(160), Some(0));
        let now = at(began, 1_000);
        let all_ended = [queue(&[], true, now, now), queue(&[], true, now, now)];
        assert_eq!(turn(all_ended.iter(), since(began)), None);
    }

    #[test]
    fn what_was_written_long_ago_waits_for_nobody() {
        let began = Instant::now();
        let now = at(began, 100);
        let turn_of = |written| {
            let queues = [queue(&[written], false, now, now), queue(&[], true, now, now)];
            turn(queues.iter(), since(began))
        };
        assert_eq!((turn_of(39), turn_of(40)), (Some(0), None));
    }

    #[test]
    fn time_in_which_a_partition_was_not_looked_at_does_not_count() {
        let began = Instant::now();
        let (came, stale) = (at(began, 100), at(began, 101));
        let mut queues = [queue(&[100], false, came, stale), queue(&[], true, came, stale)];
        // The taker stood still until long after; the second partition has an earlier message.
        assert_eq!(turn(queues.iter(), since(began)), None, "it is not known what has come");
        let now = at(began, 500);
        queues[1] = queue(&[99], true, now, now);
        assert_eq!(turn(queues.iter(), since(began)), Some(1), "the earlier one goes first");
        queues[1] = queue(&[], true, now, now);
        assert_eq!(turn(queues.iter(), since(began)), Some(0));
        // Where the clients stood still too, they are given a moment to hear what they missed.
        assert_eq!(turn(queues.iter(), since(at(began, 499).at)), None);
        queues[1] = queue(&[], true, now, at(began, 559));
        assert_eq!(turn(queues.iter(), since(at(began, 499).at)), Some(0));
    }

    #[test]
    fn a_clock_that_runs_ahead_makes_nobody_wait_for_ever() {
        let began = Instant::now();
        let (came, looked) = (at(began, 100), at(began, 1_000));
        let turn_before = |written| {
            let ahead = queue(&[1_000_000], false, came, looked);
            turn([ahead, queue(&[written], false, looked, looked)].iter(), since(began))
        };
        assert_eq!(turn_before(160), Some(0), "it counts as written a moment after it came");
        assert_eq!(turn_before(159), Some(1));
    }
}
