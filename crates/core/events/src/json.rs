//! Events as JSON at the edge: one object a line, with the field names of the published reference
//! system.
//!
//! Reading tries a scanner for the flat shape that sensors and tills send, and takes the general
//! reader for everything else; both fill the same table of fields, from which one set of builders
//! makes the event.

mod anomalies;
mod base64;
mod body;
mod error;
mod fields;
mod general;
mod get;
mod hex;
mod number;
mod people;
mod reference;
mod scan;
pub(crate) mod time;
mod windows;
mod write;
mod write_reference;

use shelf_domain::{Body, CustomerId, Event, EventId, Note, Origin, Rejected, StoreId, Timestamp};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

pub use error::{ErrorCode, JsonError};
use fields::{Field, Fields, Value};
use get::{AT, Result, need};
pub use time::{day_text, parse_day, parse_time, time_text};
pub use write::write_event;

/// The longest line that is read, in bytes.
pub const MAX_LINE_BYTES: usize = 1 << 20;

/// How many bytes of a rejected line are kept.
pub const MAX_RAW_BYTES: usize = 1 << 20;

/// The store of a rejected line where nothing says which it is of.
pub const UNKNOWN_STORE: &str = "unknown";

/// The customer that the reference names where staff refill a shelf.
pub const RESTOCK_BOT: &str = "restock_bot";

/// What a line need not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// The store of lines without `store_id`; `None` where each must have one.
    pub store: Option<StoreId>,
    /// When the lines reached the log, where they do not say. A border that does not trust its
    /// senders overwrites [`Event::received_at`].
    pub received_at: Timestamp,
}

/// Reads one line. Line ends around it do not count, also not for the id of an event without one.
///
/// An `event_id` that is a UUID or 32 hexadecimal digits is the id; another text is hashed (XXH3,
/// 128 bits); without one the bytes of the line are hashed, so that the same bytes are the same
/// event. A line does not say where it comes from: its reader fills [`Event::origin`] in.
///
/// Nanoseconds a line, with `cargo run --profile dist -p shelf-events --example parse_rate` on one
/// core of a busy two-core AMD EPYC; the bare readers only fill a flat borrowed struct, without
/// times, amounts and ids:
///
/// | line | this | general way alone | bare `serde_json` | bare `sonic-rs` 0.5 |
/// |---|---|---|---|---|
/// | pickup, 178 bytes | 353 | 477 | 152 | 143 |
/// | `weight_change`, 177 bytes | 328 | 446 | 136 | 126 |
/// | receipt of 5 lines, 964 bytes | 1,627 | 3,724 | 1,179 | 980 |
///
/// `sonic-rs` gains too little over `serde_json` here to be worth a second foreign reader.
pub fn parse_event(line: &[u8], defaults: &Defaults) -> Result<Event> {
    let text = checked(line)?;
    match scan::parse(text, defaults) {
        Some(event) => Ok(event),
        None => general::parse(text, defaults),
    }
}

/// [`parse_event`] without its fast path: the same result, slower. The tests compare the two.
pub fn parse_event_general(line: &[u8], defaults: &Defaults) -> Result<Event> {
    general::parse(checked(line)?, defaults)
}

fn checked(line: &[u8]) -> Result<&str> {
    let line = line.trim_ascii();
    if line.len() > MAX_LINE_BYTES {
        let detail = format!("{} bytes", line.len());
        return Err(JsonError { code: ErrorCode::TooLarge, field: "", detail });
    }
    str::from_utf8(line).map_err(|error| JsonError {
        code: ErrorCode::InvalidUtf8,
        field: "",
        detail: format!("at byte {}", error.valid_up_to() + 1),
    })
}

/// The event of a line whose sender names the customer in the key of its message alone, as the
/// published reference system does for those who enter and leave: an entry or exit that names
/// neither a customer nor an id of its own is of the customer `key`, and the key is part of its id,
/// so that two who enter at the same moment are two. Every other event stays as it is, and so does
/// one whose key is its store. A key that is no customer's name is part of the id alone.
pub fn keyed_event(mut event: Event, line: &[u8], key: &[u8]) -> Event {
    let line = line.trim_ascii();
    let names_itself = event.id != EventId(xxh3_128(line));
    let (Body::Entry(customer) | Body::Exit(customer)) = &mut event.body else { return event };
    let of_store = key == event.store.as_bytes();
    if names_itself || of_store || customer.is_some() || key.is_empty() {
        return event;
    }
    *customer = str::from_utf8(key).ok().and_then(|name| CustomerId::new(name).ok());
    let mut hasher = Xxh3::new();
    hasher.update(&(key.len() as u64).to_le_bytes());
    hasher.update(key);
    hasher.update(line);
    event.id = EventId(hasher.digest128());
    event
}

/// The event that keeps a line which is not one: nothing is lost, and the reason is known.
///
/// Its id follows from the source, the line's number and its bytes, so that reading a file again
/// adds nothing.
pub fn rejected_event(
    error: &JsonError,
    line: &[u8],
    source: &str,
    line_no: u64,
    defaults: &Defaults,
) -> Event {
    let mut hasher = Xxh3::new();
    hasher.update(&(source.len() as u64).to_le_bytes());
    hasher.update(source.as_bytes());
    hasher.update(&line_no.to_le_bytes());
    hasher.update(line);
    let rejected = Rejected {
        reason: Note::cut(error.code.code()),
        source: Note::cut(source),
        line: line_no,
        raw_len: line.len() as u64,
        raw: line.get(..MAX_RAW_BYTES).unwrap_or(line).to_vec(),
    };
    Event {
        id: EventId(hasher.digest128()),
        store: defaults.store.unwrap_or_else(|| StoreId::cut(UNKNOWN_STORE)),
        at: defaults.received_at,
        received_at: defaults.received_at,
        origin: Origin::default(),
        body: Body::Rejected(Box::new(rejected)),
    }
}

/// Makes the event of an object. `line` is the text that it was read from.
fn build(fields: &mut Fields<'_>, line: &str, defaults: &Defaults) -> Result<Event> {
    let (body, at) = body::body(fields)?;
    let at = match at {
        Some(at) => at,
        None => need(fields.maybe_time(AT)?, AT)?,
    };
    let store = fields.maybe_name(&[Field::StoreId])?.or(defaults.store);
    let store = need(store, &[Field::StoreId])?;
    let received_at = fields.maybe_time(&[Field::ReceivedAt])?.unwrap_or(defaults.received_at);
    let id = match fields.get(Field::EventId) {
        Value::Null => EventId(xxh3_128(line.as_bytes())),
        value => event_id(&value.text(Field::EventId)?),
    };
    Ok(Event { id, store, at, received_at, origin: Origin::default(), body })
}

/// The id of a text: the number that a UUID or 32 hexadecimal digits are, else the hash.
fn event_id(text: &str) -> EventId {
    let bytes = text.as_bytes();
    EventId(hex::number(bytes).unwrap_or_else(|| xxh3_128(bytes)))
}

/// Appends the text of an id, a UUID, without quotes.
pub fn write_event_id(id: EventId, out: &mut Vec<u8>) {
    for (at, byte) in id.0.to_be_bytes().into_iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        for digit in [byte >> 4, byte & 15] {
            out.push(if digit < 10 { b'0' + digit } else { b'a' + digit - 10 });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_enters_or_leaves_may_be_named_by_the_key_alone() {
        let defaults = Defaults { store: Some(StoreId::cut("S1")), received_at: Timestamp(5) };
        let keyed = |line: &str, key: &str| {
            let event = parse_event(line.as_bytes(), &defaults).unwrap();
            (event.clone(), keyed_event(event, line.as_bytes(), key.as_bytes()))
        };
        let entry = "{\"event_type\":\"entry\",\"time\":\"2026-01-01T09:00:00Z\"}\n";
        let (plain, first) = keyed(entry, "anna");
        let (_, second) = keyed(entry, "bert");
        assert_eq!(first.body, Body::Entry(Some(CustomerId::cut("anna"))));
        assert_eq!(second.body, Body::Entry(Some(CustomerId::cut("bert"))));
        assert!(plain.id != first.id && first.id != second.id, "each is an event of its own");
        assert_eq!(keyed(entry, "anna").1, first, "and the same one when it comes again");
        let (_, exit) = keyed(&entry.replace("entry", "exit"), "anna");
        assert_eq!(exit.body, Body::Exit(Some(CustomerId::cut("anna"))));
        let (_, long) = keyed(entry, &"x".repeat(CustomerId::LIMIT + 1));
        assert_eq!(long.body, Body::Entry(None));
        assert!(long.id != plain.id);
        let named = entry.replace("\"time\"", "\"customer_id\":\"carl\",\"time\"");
        let with_id = entry.replace("\"time\"", "\"event_id\":\"7\",\"time\"");
        let clock = entry.replace("entry", "clock");
        let others = [named.as_str(), with_id.as_str(), clock.as_str()].map(|line| (line, "anna"));
        for (line, key) in others.into_iter().chain([(entry, ""), (entry, "S1")]) {
            let (before, after) = keyed(line, key);
            assert_eq!(before, after, "{line} of {key:?}");
        }
    }

    #[test]
    fn an_id_is_the_number_that_it_writes_or_a_hash() {
        let uuid = "01234567-89ab-CDEF-0123-456789abcdef";
        let plain = "0123456789abcdef0123456789abcdef";
        assert_eq!(event_id(uuid), EventId(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef));
        assert_eq!(event_id(plain), event_id(uuid));
        let mut out = Vec::new();
        write_event_id(event_id(uuid), &mut out);
        assert_eq!(out, uuid.to_lowercase().as_bytes());
        for other in ["", "till-7/12", "0123456789abcdef0123456789abcdeg", &"1".repeat(36)] {
            assert_eq!(event_id(other), EventId(xxh3_128(other.as_bytes())), "{other}");
        }
    }
}
