//! What a partition's engine puts into its output log: an effect and the input that it comes from.
//!
//! A record is: format (1 byte), then the record in postcard's form. The place of a variant and the
//! order of fields of the domain's types are part of the format; the golden files hold them still.

use std::borrow::Borrow;

use postcard::ser_flavors::Flavor;
use serde::{Deserialize, Serialize};
use shelf_domain::{Effect, StoreId, Timestamp};

use crate::binary::{DecodeError, FORMAT_VERSION};

/// One effect, or a reference to one. (partition, `input_offset`, `index`) is its id: the same in
/// every run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputRecord<E = Effect> {
    /// The store.
    pub store: StoreId,
    /// The offset of the event that led to it, in its partition's input log.
    pub input_offset: u64,
    /// Its place among the effects of that event, from 0.
    pub index: u32,
    /// When it came about, in event time.
    pub at: Timestamp,
    /// What happened.
    pub effect: E,
}

/// Appends the record of an effect to `out`.
pub fn encode_effect<E: Borrow<Effect> + Serialize>(record: &OutputRecord<E>, out: &mut Vec<u8>) {
    out.push(FORMAT_VERSION);
    // Cannot fail: a `Vec` takes every byte, and every sequence of these types knows its length.
    let written = postcard::serialize_with_flavor(record, Tail { out });
    debug_assert!(written.is_ok(), "an effect that postcard cannot write");
}

/// Reads one record, which must be all of `bytes`.
pub fn decode_effect(bytes: &[u8]) -> Result<OutputRecord, DecodeError> {
    let (&version, rest) = bytes.split_first().ok_or(DecodeError::Truncated)?;
    if version != FORMAT_VERSION {
        return Err(DecodeError::UnknownVersion(version));
    }
    let (record, rest) = postcard::take_from_bytes(rest).map_err(|error| match error {
        postcard::Error::DeserializeUnexpectedEnd => DecodeError::Truncated,
        postcard::Error::DeserializeBadUtf8 => DecodeError::InvalidUtf8,
        _ => DecodeError::BadEffect,
    })?;
    if rest.is_empty() { Ok(record) } else { Err(DecodeError::TrailingBytes(rest.len())) }
}

/// Lets postcard append to a buffer that goes on living.
struct Tail<'a> {
    out: &'a mut Vec<u8>,
}

impl Flavor for Tail<'_> {
    type Output = ();

    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        self.out.push(data);
        Ok(())
    }

    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        self.out.extend_from_slice(data);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}
