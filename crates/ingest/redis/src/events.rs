//! Entries as events: what stands between a stream and a log.

use std::collections::VecDeque;

use shelf_domain::{Event, Outcome, StoreId, Timestamp};
use shelf_events::{Defaults, ErrorCode, JsonError, keyed_event, rejected_event};

use crate::entry::Entry;
use crate::source::{Sink, SinkError, Took};

/// The streams of those who enter and leave. The published reference system names the customer in
/// the field `key` of such an entry alone.
const VISITS: [&str; 2] = ["foot_traffic:realistic", "foot_traffic_realistic"];

/// A log of events.
///
/// When `append` returns, all events are durable; the outcomes are in their order. An error stands
/// for all of them, and the same events may come again: their ids are the same.
pub trait EventLog {
    /// Appends events, in order.
    fn append(&mut self, events: Vec<Event>) -> Result<Vec<Outcome>, SinkError>;
    /// What time it is where events reach the log.
    fn now(&mut self) -> Timestamp;
}

impl<L: EventLog> EventLog for &mut L {
    fn append(&mut self, events: Vec<Event>) -> Result<Vec<Outcome>, SinkError> {
        (**self).append(events)
    }

    fn now(&mut self) -> Timestamp {
        (**self).now()
    }
}

/// Reads the events of an entry's data; a line of another system may become several.
pub type ReadEvents = Box<dyn FnMut(&[u8], &Defaults) -> Result<Vec<Event>, JsonError> + Send>;

/// Reads entries as events. An entry that is none becomes a `rejected` event with its bytes.
pub struct EntryReader {
    read: ReadEvents,
    /// The names of the streams, and the store of entries that do not say theirs.
    streams: Vec<(String, Option<StoreId>)>,
}

impl std::fmt::Debug for EntryReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EntryReader").field("streams", &self.streams).finish_non_exhaustive()
    }
}

impl EntryReader {
    /// A reader of these streams, in the order in which they are read, each with the store of its
    /// entries that do not say theirs.
    pub fn new(read: ReadEvents, streams: Vec<(String, Option<StoreId>)>) -> Self {
        Self { read, streams }
    }

    /// The events of an entry that was read at that time.
    pub fn events(&mut self, entry: &Entry, received_at: Timestamp) -> Vec<Event> {
        let stream = self.streams.get(entry.stream);
        let (name, store) = stream.map_or(("", None), |(name, store)| (name.as_str(), *store));
        let defaults = Defaults { store, received_at };
        let source = format!("redis:{name} {}", entry.id);
        let Some(data) = entry.data() else {
            let error = JsonError {
                code: ErrorCode::MissingField,
                field: "data",
                detail: "the entry has no such field".to_owned(),
            };
            return vec![rejected_event(&error, &all_fields(entry), &source, 0, &defaults)];
        };
        match (self.read)(data, &defaults) {
            Ok(events) => match self.customer(entry) {
                Some(key) => {
                    events.into_iter().map(|event| keyed_event(event, data, key)).collect()
                }
                None => events,
            },
            Err(error) => vec![rejected_event(&error, data, &source, 0, &defaults)],
        }
    }

    /// The customer that the key of an entry names, where it does.
    pub fn customer<'a>(&self, entry: &'a Entry) -> Option<&'a [u8]> {
        let (name, _) = self.streams.get(entry.stream)?;
        entry.key().filter(|_| VISITS.contains(&name.as_str()))
    }
}

/// Hands entries to a log as events.
#[derive(Debug)]
pub struct EventSink<L> {
    log: L,
    reader: EntryReader,
    answers: VecDeque<Vec<Took>>,
}

impl<L: EventLog> EventSink<L> {
    /// A sink for the streams of a reader.
    pub fn new(log: L, reader: EntryReader) -> Self {
        Self { log, reader, answers: VecDeque::new() }
    }

    /// The log.
    pub fn log(&self) -> &L {
        &self.log
    }
}

impl<L: EventLog> Sink for EventSink<L> {
    fn begin(&mut self, entries: &[Entry]) -> Result<(), SinkError> {
        let received_at = self.log.now();
        let (mut events, mut counts) = (Vec::new(), Vec::new());
        for entry in entries {
            let made = self.reader.events(entry, received_at);
            counts.push(made.len());
            events.extend(made);
        }
        let total = events.len();
        let outcomes = if total == 0 { Vec::new() } else { self.log.append(events)? };
        if outcomes.len() != total {
            return Err("the log has not answered for every event".into());
        }
        let mut outcomes = outcomes.into_iter();
        let answers = counts.into_iter().map(|count| {
            let own = outcomes.by_ref().take(count);
            own.map(took).max_by_key(|took| *took as u8).unwrap_or(Took::Known)
        });
        self.answers.push_back(answers.collect());
        Ok(())
    }

    fn answer(&mut self) -> Result<Vec<Took>, SinkError> {
        self.answers.pop_front().ok_or_else(|| "nothing was begun".into())
    }

    fn forget(&mut self) {
        self.answers.clear();
    }
}

/// An entry counts as what the worst of its events came to.
fn took(outcome: Outcome) -> Took {
    match outcome {
        Outcome::Accepted | Outcome::Late => Took::Kept,
        Outcome::Duplicate => Took::Known,
        Outcome::Quarantined(_) => Took::Quarantined,
    }
}

/// The fields of an entry without data, one a line.
fn all_fields(entry: &Entry) -> Vec<u8> {
    let mut text = Vec::new();
    for (name, value) in entry.fields.iter().flatten() {
        text.extend_from_slice(name);
        text.push(b'=');
        text.extend_from_slice(value);
        text.push(b'\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use shelf_domain::{Body, CustomerId};
    use shelf_events::parse_event;

    use super::*;
    use crate::EntryId;

    #[test]
    fn those_who_enter_at_the_same_moment_are_told_apart_by_the_keys_of_their_entries() {
        let read: ReadEvents =
            Box::new(|data, defaults| parse_event(data, defaults).map(|event| vec![event]));
        let store = Some(StoreId::cut("S1"));
        let names = ["foot_traffic:realistic", "shelf_events"];
        let streams = names.map(|name| (name.to_owned(), store)).to_vec();
        let mut reader = EntryReader::new(read, streams);
        let mut events = |stream: usize, key: &str| {
            let data = "{\"event_type\":\"entry\",\"time\":\"2026-01-01T09:00:00Z\"}";
            let fields = [("key", key), ("data", data)];
            let bytes = |text: &str| text.as_bytes().to_vec();
            let fields = fields.map(|(name, value)| (bytes(name), bytes(value))).to_vec();
            let entry = Entry { stream, id: EntryId::default(), fields: Some(fields) };
            reader.events(&entry, Timestamp(5))
        };
        let [anna, bert] = ["anna", "bert"].map(|key| events(0, key));
        assert_eq!(anna[0].body, Body::Entry(Some(CustomerId::cut("anna"))));
        assert_eq!(bert[0].body, Body::Entry(Some(CustomerId::cut("bert"))));
        assert!(anna[0].id != bert[0].id);
        let elsewhere = events(1, "anna");
        assert_eq!((elsewhere.len(), &elsewhere[0].body), (1, &Body::Entry(None)));
    }
}
