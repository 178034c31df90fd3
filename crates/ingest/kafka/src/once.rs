//! Events into the log from somebody who keeps count elsewhere of what he has handed over: each of
//! them once, whatever is killed between the log and that count.
//!
//! What was handed over last is remembered in the transaction of the events, by their ids. Whoever
//! hands events over under the same name next fences the last one, reads what that one has
//! committed, and leaves out what comes again because its count was not noted any more.

use std::collections::{BTreeMap, HashSet};

use shelf_domain::{Event, EventId};

use crate::book::{fed_key, fed_named, read_book};
use crate::{Connection, Feed, KafkaError, Message};

/// How many events are one transaction at most.
const PART: usize = 10_000;

/// Writes events into the log, each once.
pub struct OnceFeed {
    feed: Feed,
    name: String,
    /// What was handed over since the count was noted last, by what is known.
    handed: HashSet<EventId>,
    /// How many parts that is remembered in.
    parts: u32,
    /// Whether the count of that is noted.
    noted: bool,
    /// The offset of the last of these events in each partition.
    reached: BTreeMap<u32, i64>,
}

impl OnceFeed {
    /// Begins to hand over under this name: whoever did so before can add nothing any more.
    pub fn open(connection: &Connection, name: &str) -> Result<Self, KafkaError> {
        // What the last one had open has ended when this returns.
        let feed = Feed::open_noting(connection, name)?;
        let mut parts = BTreeMap::new();
        let mut unread = None;
        read_book(connection, |message| {
            let Some((_, part)) = fed_named(message.key).filter(|(of, _)| of == name) else {
                return;
            };
            match (message.payload, part_of(message)) {
                (None, _) => drop(parts.remove(&part)),
                (_, Some(found)) => drop(parts.insert(part, found)),
                (_, None) => unread = Some(message.offset),
            }
        })?;
        if let Some(offset) = unread {
            let topic = connection.name(crate::SOURCE_BOOK);
            return Err(KafkaError::Book { topic, offset });
        }
        let next = parts.last_key_value().map_or(0, |(last, _)| last + 1);
        let mut once = Self {
            feed,
            name: name.to_owned(),
            handed: HashSet::new(),
            parts: next,
            noted: false,
            reached: BTreeMap::new(),
        };
        for (ids, reached) in parts.into_values() {
            once.add(ids, reached);
        }
        Ok(once)
    }

    fn add(&mut self, ids: impl IntoIterator<Item = EventId>, reached: BTreeMap<u32, i64>) {
        self.handed.extend(ids);
        for (partition, offset) in reached {
            let last = self.reached.entry(partition).or_default();
            *last = offset.max(*last);
        }
    }

    /// Hands over events, each with its partition; they are durable when this returns. Returns for
    /// each whether it was new. By handing over again the caller says that he has noted the count
    /// of what came before. After an error open it again: what was handed over is known then.
    pub fn append(&mut self, events: &[(u32, Event)]) -> Result<Vec<bool>, KafkaError> {
        let mut stale = 0..0;
        if std::mem::take(&mut self.noted) {
            self.handed.clear();
            self.reached.clear();
            // The first part is written anew.
            stale = 1..self.parts;
            self.parts = 0;
        }
        let fresh: Vec<bool> =
            events.iter().map(|(_, event)| !self.handed.contains(&event.id)).collect();
        let new = events.iter().zip(&fresh).filter(|(_, fresh)| **fresh);
        let new: Vec<&(u32, Event)> = new.map(|(event, _)| event).collect();
        for part in new.chunks(PART) {
            for (partition, event) in part {
                self.feed.add(*partition, event)?;
            }
            let reached = self.feed.delivered()?;
            for old in std::mem::take(&mut stale) {
                self.feed.remember(&fed_key(&self.name, old), None)?;
            }
            let ids: Vec<EventId> = part.iter().map(|(_, event)| event.id).collect();
            let value = part_value(&ids, &reached);
            self.feed.remember(&fed_key(&self.name, self.parts), Some(value.as_bytes()))?;
            self.feed.commit()?;
            self.parts += 1;
            self.add(ids, reached);
        }
        self.noted = true;
        Ok(fresh)
    }

    /// The offset of the last event in each partition of what was handed over last, also by who did
    /// so before, where the brokers told it.
    pub fn reached(&self) -> &BTreeMap<u32, i64> {
        &self.reached
    }
}

fn part_value(ids: &[EventId], reached: &BTreeMap<u32, i64>) -> String {
    let ids: Vec<String> = ids.iter().map(|id| format!("{:032x}", id.0)).collect();
    let reached: Vec<(&u32, &i64)> = reached.iter().collect();
    serde_json::json!({ "ids": ids, "reached": reached }).to_string()
}

/// The ids of the events of a part, and where the last of them are; `None` where it is none.
fn part_of(message: &Message<'_>) -> Option<(Vec<EventId>, BTreeMap<u32, i64>)> {
    let value: serde_json::Value = serde_json::from_slice(message.payload?).ok()?;
    let ids = value.get("ids")?.as_array()?.iter();
    let ids = ids.map(|id| u128::from_str_radix(id.as_str()?, 16).ok().map(EventId));
    let reached: Vec<(u32, i64)> = serde_json::from_value(value.get("reached")?.clone()).ok()?;
    Some((ids.collect::<Option<_>>()?, reached.into_iter().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_read_back_and_nothing_else_is_one() {
        let ids = vec![EventId(7), EventId(u128::MAX)];
        let reached = BTreeMap::from([(0, 12), (3, 99)]);
        let value = part_value(&ids, &reached);
        let read = |payload: Option<&[u8]>| {
            let (topic, partition, offset, written_ms, key) = ("source_book", 0, 0, 0, &b""[..]);
            part_of(&Message { topic, partition, offset, written_ms, key, payload })
        };
        assert_eq!(read(Some(value.as_bytes())), Some((ids, reached)));
        assert_eq!(read(None), None);
        assert_eq!(read(Some(b"{}")), None);
        assert_eq!(read(Some(br#"{"ids":["x"],"reached":[]}"#)), None);
    }
}
