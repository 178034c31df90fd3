//! What those who take messages of others have to remember, in a compacted topic: how far each
//! partition was taken, and what was made of what they named first.
//!
//! It is written in the transactions of the events that it goes with, so it is never ahead of them
//! or behind. Brokers forget the positions of a group that is away for too long; this they keep.

use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer as _;

use crate::client::{ANSWER_WITHIN, Consumer, consumer};
use crate::{Connection, KafkaError, Message, Place, Reader, SOURCE_BOOK};

/// The first word of the name of a place.
const PLACE: &str = "place";
/// The first word of the name of what a feed has written.
const FED: &str = "fed";
const READ: &str = "read what takers remember";
/// After so long, what others have begun has been ended, by them or by the brokers.
const ENDED_WITHIN: Duration = Duration::from_secs(30);
/// How long the next record has to come.
const RECORD_WITHIN: Duration = Duration::from_secs(30);

/// The key of the place in a partition of a topic, named with its prefix.
pub(crate) fn place_key(topic: &str, partition: u32) -> String {
    serde_json::json!([PLACE, topic, partition]).to_string()
}

/// What is kept of a place.
pub(crate) fn place_value(place: Place) -> String {
    serde_json::json!({ "position": place.position, "offset": place.offset }).to_string()
}

/// The topic, the partition and the place that a record tells of; `None` where it is none of those.
pub(crate) fn place_of(message: &Message<'_>) -> Option<(String, u32, Place)> {
    let (topic, partition) = place_named(message.key)?;
    let value: serde_json::Value = serde_json::from_slice(message.payload?).ok()?;
    let position = value.get("position")?.as_u64()?;
    let offset = value.get("offset")?.as_i64()?;
    Some((topic, partition, Place { position, offset }))
}

/// The topic and the partition of the place that a key names; `None` where it names none.
pub(crate) fn place_named(key: &[u8]) -> Option<(String, u32)> {
    let (word, topic, partition): (String, String, u32) = serde_json::from_slice(key).ok()?;
    (word == PLACE).then_some((topic, partition))
}

/// The key of a part of what a feed has written last.
pub(crate) fn fed_key(feed: &str, part: u32) -> String {
    serde_json::json!([FED, feed, part]).to_string()
}

/// The feed and the part that a key names; `None` where it names none.
pub(crate) fn fed_named(key: &[u8]) -> Option<(String, u32)> {
    let (word, feed, part): (String, String, u32) = serde_json::from_slice(key).ok()?;
    (word == FED).then_some((feed, part))
}

/// Shows all that is remembered, in the order in which it was written: of two records with one key
/// the later counts. Whoever has claimed something before sees all that was ever committed for it.
pub(crate) fn read_book(
    connection: &Connection,
    show: impl FnMut(&Message<'_>),
) -> Result<(), KafkaError> {
    let topic = connection.name(SOURCE_BOOK);
    let marks = |reading: &Consumer| {
        let marks = reading.fetch_watermarks(&topic, 0, ANSWER_WITHIN);
        marks.map(|(_, end)| end).map_err(|source| KafkaError::of(READ, &topic, source))
    };
    let group = connection.name("shelf-reader");
    let all = consumer(connection, &group, &[("isolation.level", "read_uncommitted")])?;
    let committed = consumer(connection, &group, &[])?;
    // Readers stop before the first transaction that is open, whosever it is: what was committed
    // behind it shows when it has ended.
    let (end, started) = (marks(&all)?, Instant::now());
    while marks(&committed)? < end {
        if started.elapsed() > ENDED_WITHIN {
            let action = "end the transactions of others";
            return Err(KafkaError::Silent { action, waited: ENDED_WITHIN });
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    read_committed(connection, show)
}

/// The same, up to the first transaction that is open.
pub(crate) fn read_committed(
    connection: &Connection,
    mut show: impl FnMut(&Message<'_>),
) -> Result<(), KafkaError> {
    let mut reader = Reader::open(connection, SOURCE_BOOK)?;
    let mut heard = Instant::now();
    while !reader.at_end() {
        if reader.next(Duration::from_millis(100), &mut show)? {
            heard = Instant::now();
        } else if heard.elapsed() > RECORD_WITHIN {
            let action = "send a record that it has";
            return Err(KafkaError::Silent { action, waited: RECORD_WITHIN });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_back_and_nothing_else_is_one() {
        let place = Place { position: 12, offset: 17 };
        let (key, value) = (place_key("retail-transactions", 2), place_value(place));
        let read = |key: &[u8], payload: Option<&[u8]>| {
            let (topic, partition, offset, written_ms) = ("source_book", 0, 0, 0);
            place_of(&Message { topic, partition, offset, written_ms, key, payload })
        };
        let expected = Some(("retail-transactions".to_owned(), 2, place));
        assert_eq!(read(key.as_bytes(), Some(value.as_bytes())), expected);
        assert_eq!(read(key.as_bytes(), None), None);
        assert_eq!(place_named(key.as_bytes()), Some(("retail-transactions".to_owned(), 2)));
        assert_eq!(place_named(br#"["product","S1",3]"#), None);
        assert_eq!(fed_named(fed_key("config", 4).as_bytes()), Some(("config".to_owned(), 4)));
        assert_eq!(fed_named(key.as_bytes()), None);
        assert_eq!(place_named(br#"["fed","config",4]"#), None);
        assert_eq!(read(br#"["store","S1"]"#, Some(b"{}")), None);
        assert_eq!(read(br#"["product","S1",3]"#, Some(value.as_bytes())), None);
        assert_eq!(read(b"", Some(value.as_bytes())), None);
    }
}
