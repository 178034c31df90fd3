//! Redis Streams into the topics of Kafka that workers take events from.
//!
//! An entry is acknowledged to Redis when the brokers have acknowledged its message. What is sent
//! again after a failure is known by its event's id to whoever takes it.

use std::collections::VecDeque;

use shelf_domain::{Body, Event};
use shelf_events::{Defaults, MAX_LINE_BYTES, parse_event, write_event};
use shelf_host::wall_now;
use shelf_kafka::{Connection, KafkaError, Outbox, topic_of};
use shelf_redis::{Entry, EntryReader, Sink, SinkError, Took, follow};

use crate::LinkError;
use crate::status::LinkStatus;
use crate::streams::{StreamOptions, tell};

/// Batches that are under way at once.
const DEPTH: usize = 8;
/// How many bytes are kept of what is no event, where its message would be longer than a line may
/// be: whatever they are, as text they fit.
const SHORT_BYTES: usize = MAX_LINE_BYTES / 8;

/// Sends entries on as messages.
pub struct TopicSink {
    connection: Connection,
    outbox: Option<Outbox>,
    reader: EntryReader,
    answers: VecDeque<Vec<Took>>,
    message: Vec<u8>,
}

impl std::fmt::Debug for TopicSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TopicSink").field("connection", &self.connection).finish_non_exhaustive()
    }
}

impl TopicSink {
    /// A sink for the streams of a reader.
    pub fn new(connection: Connection, reader: EntryReader) -> Self {
        let (answers, message) = (VecDeque::new(), Vec::new());
        Self { connection, outbox: None, reader, answers, message }
    }

    fn send(&mut self, outbox: &mut Outbox, entry: &Entry) -> Result<Took, KafkaError> {
        let received_at = wall_now();
        // What says everything itself is sent on as it is: others read it as its producer wrote it.
        // What only the key of an entry says would be lost: its message is keyed by store.
        let alone = Defaults { store: None, received_at };
        if self.reader.customer(entry).is_none()
            && let Some(data) = entry.data()
            && let Ok(event) = parse_event(data, &alone)
        {
            outbox.send(topic_of(&event.body), event.store.as_str(), data)?;
            return Ok(took(&event));
        }
        let mut worst = Took::Known;
        for mut event in self.reader.events(entry, received_at) {
            self.write(&event);
            if let Body::Rejected(rejected) = &mut event.body
                && self.message.len() > MAX_LINE_BYTES
            {
                rejected.raw.truncate(SHORT_BYTES);
                self.write(&event);
            }
            outbox.send(topic_of(&event.body), event.store.as_str(), &self.message)?;
            worst = if worst == Took::Quarantined { worst } else { took(&event) };
        }
        Ok(worst)
    }

    fn write(&mut self, event: &Event) {
        self.message.clear();
        write_event(event, &mut self.message);
    }
}

fn took(event: &Event) -> Took {
    if matches!(event.body, Body::Rejected(_)) { Took::Quarantined } else { Took::Kept }
}

impl Sink for TopicSink {
    fn begin(&mut self, entries: &[Entry]) -> Result<(), SinkError> {
        let mut outbox = match self.outbox.take() {
            Some(outbox) => outbox,
            None => Outbox::open(&self.connection)?,
        };
        outbox.begin();
        let mut answers = Vec::with_capacity(entries.len());
        for entry in entries {
            answers.push(self.send(&mut outbox, entry)?);
        }
        self.answers.push_back(answers);
        self.outbox = Some(outbox);
        Ok(())
    }

    fn answer(&mut self) -> Result<Vec<Took>, SinkError> {
        let nothing = || SinkError::from("nothing was begun");
        self.outbox.as_mut().ok_or_else(nothing)?.arrived()?;
        self.answers.pop_front().ok_or_else(nothing)
    }

    fn depth(&self) -> usize {
        DEPTH
    }

    fn forget(&mut self) {
        // A new producer sends nothing of what the last one still had.
        self.outbox = None;
        self.answers.clear();
    }
}

/// Looks whether both sides can be used as they are set; a side that does not answer may answer
/// later, and is none of it.
pub fn check_bridge(streams: &StreamOptions, connection: &Connection) -> Result<(), LinkError> {
    let refused = |error: LinkError| if error.passing() { Ok(()) } else { Err(error) };
    let source = shelf_redis::Source::open(&streams.redis, streams.options.clone());
    source.map(drop).map_err(LinkError::from).or_else(refused)?;
    Outbox::open(connection).map(drop).map_err(LinkError::from).or_else(refused)
}

/// Follows the streams into topics until `stopped` says so or a failure will not pass.
pub(crate) fn follow_bridge(
    streams: &StreamOptions,
    connection: &Connection,
    stopped: impl Fn() -> bool,
    status: &LinkStatus,
) -> Result<(), LinkError> {
    let mut sink = TopicSink::new(connection.clone(), streams.reader());
    follow(&streams.redis, &streams.options, &mut sink, stopped, tell(status))?;
    Ok(())
}
