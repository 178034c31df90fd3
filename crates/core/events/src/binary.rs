//! The binary form of an event in the log, format 1. It must stay readable forever.
//!
//! A record is: format (1 byte), tag (1), store (text), `at` (8 bytes, little-endian microseconds),
//! `received_at - at` (signed varint), id (16 bytes, little-endian), source and line of the origin
//! (varints), body. A text is its length in one byte and its UTF-8; one that may be missing is 0,
//! or its length plus one. Numbers are LEB128 varints, signed ones in zigzag. Choices are one byte:
//! their place in the tables of `names`.
//!
//! | tag | body | tag | body | tag | body |
//! |---|---|---|---|---|---|
//! | 1 | pickup | 10 | `wh_out` | 19 | policy |
//! | 2 | putback | 11 | removal | 20 | price |
//! | 3 | `weight_change` | 12 | count | 21 | promotion |
//! | 4 | refill | 13 | transfer | 22 | `alert_act` |
//! | 5 | entry | 14 | store | 23 | `order_act` |
//! | 6 | exit | 15 | product | 24 | `task_act` |
//! | 7 | `foot_traffic` (session) | 16 | shelf | 25 | clock |
//! | 8 | `pos_transaction` | 17 | `opening_stock` | 26 | rejected |
//! | 9 | `wh_in` | 18 | supplier | 27 | `window_plan` |
//! | 28 | `customer_event` | 29 | 9 or 14 to 21, with who set it | | |
//!
//! A tag is never used for another body, and a body never changes its fields: a new field is a new
//! tag, a new outer form is a new format.

mod anomalies;
mod body;
mod reference;
mod windows;
mod wire;

use shelf_domain::{Event, EventId, Origin, SourceId, StoreId, Timestamp};

pub use wire::DecodeError;
use wire::{Reader, Writer};

/// The format of records that this program writes.
pub const FORMAT_VERSION: u8 = 1;

/// What can be read of a record without its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The store.
    pub store: StoreId,
    /// When it happened.
    pub at: Timestamp,
}

/// Appends the record of `event` to `out`.
pub fn encode_event(event: &Event, out: &mut Vec<u8>) {
    out.reserve(160);
    out.push(FORMAT_VERSION);
    out.push(body::tag(&event.body));
    let mut writer = Writer { out };
    writer.name(&event.store);
    writer.out.extend_from_slice(&event.at.0.to_le_bytes());
    writer.signed(event.received_at.0.wrapping_sub(event.at.0));
    writer.out.extend_from_slice(&event.id.0.to_le_bytes());
    writer.number(event.origin.source.0);
    writer.number(event.origin.line);
    body::write(&event.body, &mut writer);
}

/// Reads one record, which must be all of `bytes`.
pub fn decode_event(bytes: &[u8]) -> Result<Event, DecodeError> {
    let mut reader = Reader::new(bytes);
    let (tag, header) = header(&mut reader)?;
    let received_at = Timestamp(header.at.0.wrapping_add(reader.signed()?));
    let id = EventId(u128::from_le_bytes(reader.fixed()?));
    let origin = Origin { source: SourceId(reader.number()?), line: reader.number()? };
    let body = body::read(tag, &mut reader)?;
    reader.end()?;
    Ok(Event { id, store: header.store, at: header.at, received_at, origin, body })
}

/// Reads the store and the time of a record, and nothing else of it.
pub fn peek(bytes: &[u8]) -> Result<Header, DecodeError> {
    header(&mut Reader::new(bytes)).map(|(_, header)| header)
}

#[inline]
fn header(reader: &mut Reader<'_>) -> Result<(u8, Header), DecodeError> {
    let version = reader.byte()?;
    if version != FORMAT_VERSION {
        return Err(DecodeError::UnknownVersion(version));
    }
    let tag = reader.byte()?;
    let store = reader.name()?;
    let at = Timestamp(i64::from_le_bytes(reader.fixed()?));
    Ok((tag, Header { store, at }))
}
