//! How far a partition has come, by what was written last of what follows from its events: that
//! stays when the brokers have forgotten the group.

use std::time::{Duration, Instant};

use rdkafka::Message as _;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError as Foreign;
use rdkafka::topic_partition_list::{Offset as KafkaOffset, TopicPartitionList};
use shelf_events::decode_effect;
use shelf_ports::Offset;

use crate::client::{Consumer, consumer};
use crate::{Connection, KafkaError, LOG_EFFECTS};

const READ: &str = "read what was written last";
/// How many offsets are looked at first: aborted records and marks show nothing.
const AT_FIRST: i64 = 1_000;
/// How long a record has to come that is known to be there.
const RECORD_WITHIN: Duration = Duration::from_secs(30);

/// The last record of a partition of the effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LastWritten {
    /// The position of the event that it follows from; `None` where it is none of our records.
    pub(crate) event: Option<Offset>,
    /// Whether it was written in a transaction: a mark that takes an offset ends each.
    pub(crate) in_transaction: bool,
}

/// Looks for the last record that is committed among offsets `start` to `end`, where nothing is
/// open; `None` where there is none.
pub(crate) fn last_written(
    connection: &Connection,
    partition: u32,
    (start, end): (i64, i64),
) -> Result<Option<LastWritten>, KafkaError> {
    let (topic, group) = (connection.name(LOG_EFFECTS), connection.name("shelf-reader"));
    let mut back = AT_FIRST;
    loop {
        let from = end.saturating_sub(back).max(start);
        // One that was given another place may still have records of the one before.
        let reading = consumer(connection, &group, &[("enable.partition.eof", "true")])?;
        let found = last_from(&reading, &topic, partition, from)?;
        if found.is_some() || from == start {
            return Ok(found.map(|(offset, event)| {
                let in_transaction = end > offset + 1;
                LastWritten { event, in_transaction }
            }));
        }
        back = back.saturating_mul(16);
    }
}

/// The offset of the last record from this one on, and the event that it follows from.
fn last_from(
    reading: &Consumer,
    topic: &str,
    partition: u32,
    from: i64,
) -> Result<Option<(i64, Option<Offset>)>, KafkaError> {
    let failed = |source| KafkaError::of(READ, topic, source);
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, partition as i32, KafkaOffset::Offset(from))
        .and_then(|()| reading.assign(&list))
        .map_err(failed)?;
    let (mut last, mut heard) = (None, Instant::now());
    loop {
        match reading.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                let effect = message.payload().and_then(|bytes| decode_effect(bytes).ok());
                last = Some((message.offset(), effect.map(|effect| effect.input_offset)));
                heard = Instant::now();
            }
            Some(Err(Foreign::PartitionEOF(_))) => return Ok(last),
            Some(Err(error)) if heard.elapsed() > RECORD_WITHIN => return Err(failed(error)),
            None if heard.elapsed() > RECORD_WITHIN => {
                let action = "send a record that it has";
                return Err(KafkaError::Silent { action, waited: RECORD_WITHIN });
            }
            // Brokers that are away for a moment come back.
            Some(Err(_)) | None => {}
        }
    }
}
