//! An entry of a stream, as Redis answers it.

use std::fmt;

use redis::Value;

use crate::RedisError;

/// The id of an entry: a time in milliseconds, and a number within it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId {
    /// The time, in milliseconds.
    pub ms: u64,
    /// The number among entries of the same time.
    pub seq: u64,
}

impl EntryId {
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let (ms, seq) = std::str::from_utf8(text).ok()?.split_once('-')?;
        Some(Self { ms: ms.parse().ok()?, seq: seq.parse().ok()? })
    }

    /// The next id that there may be.
    pub(crate) fn next(self) -> Self {
        match self.seq.checked_add(1) {
            Some(seq) => Self { seq, ..self },
            None => Self { ms: self.ms + 1, seq: 0 },
        }
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

/// An entry of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The number of its stream among those that are read.
    pub stream: usize,
    /// Its id within the stream.
    pub id: EntryId,
    /// Its fields in order: names and values. None where it was deleted before anybody took it.
    pub fields: Option<Vec<(Vec<u8>, Vec<u8>)>>,
}

impl Entry {
    /// The value of a field.
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        let mut fields = self.fields.iter().flatten();
        fields.find(|(own, _)| own == name.as_bytes()).map(|(_, value)| value.as_slice())
    }

    /// The event's JSON.
    pub fn data(&self) -> Option<&[u8]> {
        self.field("data")
    }

    /// The key under which the producer wants it sent on.
    pub fn key(&self) -> Option<&[u8]> {
        self.field("key")
    }
}

/// The entries of the answer to a read of several streams, in order of the streams.
pub(crate) fn of_streams(answer: Value, streams: &[String]) -> Result<Vec<Entry>, RedisError> {
    let mut entries = Vec::new();
    let pairs = match answer {
        Value::Nil => Vec::new(),
        Value::Map(pairs) => pairs,
        other => {
            let pairs: Result<Vec<_>, RedisError> = list(other)?.into_iter().map(pair).collect();
            pairs?
        }
    };
    for (name, of_stream) in pairs {
        let name = bytes(name)?;
        let stream = streams.iter().position(|stream| stream.as_bytes() == name);
        let stream = stream.ok_or_else(|| unfit("a stream that was not asked for"))?;
        add(of_stream, stream, &mut entries)?;
    }
    Ok(entries)
}

/// What claiming came to: where to go on, and the entries. Those that were deleted while somebody
/// had them come last, by their ids alone; Redis has them pending no longer.
pub(crate) fn of_claim(answer: Value, stream: usize) -> Result<(EntryId, Vec<Entry>), RedisError> {
    let mut parts = list(answer)?.into_iter();
    let next = bytes(parts.next().unwrap_or_default())?;
    let next = EntryId::parse(&next).ok_or_else(|| unfit("an id that is none"))?;
    let mut entries = Vec::new();
    add(parts.next().unwrap_or_default(), stream, &mut entries)?;
    for id in list(parts.next().unwrap_or_default())? {
        let id = EntryId::parse(&bytes(id)?).ok_or_else(|| unfit("an id that is none"))?;
        entries.push(Entry { stream, id, fields: None });
    }
    Ok((next, entries))
}

fn add(answer: Value, stream: usize, entries: &mut Vec<Entry>) -> Result<(), RedisError> {
    for entry in list(answer)? {
        // Redis before version 7 answers so where a claimed entry was deleted.
        if entry == Value::Nil {
            continue;
        }
        let (id, fields) = pair(entry)?;
        let id = EntryId::parse(&bytes(id)?).ok_or_else(|| unfit("an id that is none"))?;
        let fields = match fields {
            Value::Nil => None,
            fields => {
                let mut flat = list(fields)?.into_iter();
                let mut pairs = Vec::new();
                while let (Some(name), Some(value)) = (flat.next(), flat.next()) {
                    pairs.push((bytes(name)?, bytes(value)?));
                }
                Some(pairs)
            }
        };
        entries.push(Entry { stream, id, fields });
    }
    Ok(())
}

pub(crate) fn list(answer: Value) -> Result<Vec<Value>, RedisError> {
    match answer {
        Value::Nil => Ok(Vec::new()),
        Value::Array(values) => Ok(values),
        Value::ServerError(error) => Err(redis::RedisError::from(error).into()),
        _ => Err(unfit("an answer that is no list")),
    }
}

fn pair(answer: Value) -> Result<(Value, Value), RedisError> {
    match <[Value; 2]>::try_from(list(answer)?) {
        Ok([first, second]) => Ok((first, second)),
        Err(_) => Err(unfit("an answer that is no pair")),
    }
}

pub(crate) fn bytes(answer: Value) -> Result<Vec<u8>, RedisError> {
    match answer {
        Value::BulkString(bytes) => Ok(bytes),
        Value::SimpleString(text) => Ok(text.into_bytes()),
        Value::Int(number) => Ok(number.to_string().into_bytes()),
        _ => Err(unfit("an answer that is no text")),
    }
}

pub(crate) fn unfit(what: &str) -> RedisError {
    RedisError::Unfit { what: format!("Redis answers with {what}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn entry(id: &str, fields: Value) -> Value {
        Value::Array(vec![text(id), fields])
    }

    #[test]
    fn entries_come_in_order_of_the_answer_and_deleted_ones_have_no_fields() {
        let streams = ["a".to_owned(), "b".to_owned()];
        let fields = Value::Array(vec![text("data"), text("{}"), text("key"), text("k")]);
        let of_b = Value::Array(vec![entry("5-1", fields), entry("5-2", Value::Nil)]);
        let answer = Value::Array(vec![Value::Array(vec![text("b"), of_b])]);
        let entries = of_streams(answer, &streams).unwrap();
        assert_eq!(entries.len(), 2);
        assert_eq!((entries[0].stream, entries[0].id), (1, EntryId { ms: 5, seq: 1 }));
        assert_eq!((entries[0].data(), entries[0].key()), (Some(&b"{}"[..]), Some(&b"k"[..])));
        assert_eq!(entries[1].fields, None);
        assert!(of_streams(Value::Nil, &streams).unwrap().is_empty());
    }

    #[test]
    fn what_was_deleted_while_it_was_pending_is_told_by_its_id() {
        let fields = Value::Array(vec![text("data"), text("{}")]);
        let found = Value::Array(vec![entry("5-1", fields)]);
        let gone = Value::Array(vec![text("5-0"), text("5-2")]);
        let answer = Value::Array(vec![text("0-0"), found, gone]);
        let (next, entries) = of_claim(answer, 3).unwrap();
        assert_eq!(next, EntryId::default());
        let told: Vec<(u64, bool)> =
            entries.iter().map(|entry| (entry.id.seq, entry.fields.is_some())).collect();
        assert_eq!(told, [(1, true), (0, false), (2, false)]);
        let wrong = Value::Array(vec![text("0-0"), Value::Nil, Value::Array(vec![text("x")])]);
        assert_eq!(of_claim(wrong, 0).unwrap_err().code(), "redis_unfit");
    }

    #[test]
    fn an_answer_that_is_none_is_an_error() {
        let streams = ["a".to_owned()];
        for answer in [
            Value::Int(3),
            Value::Array(vec![text("a")]),
            Value::Array(vec![Value::Array(vec![text("other"), Value::Array(Vec::new())])]),
            Value::Array(vec![Value::Array(vec![
                text("a"),
                Value::Array(vec![entry("none", Value::Nil)]),
            ])]),
        ] {
            assert_eq!(of_streams(answer, &streams).unwrap_err().code(), "redis_unfit");
        }
    }

    #[test]
    fn an_id_has_a_next_one() {
        let id = EntryId::parse(b"7-9").unwrap();
        assert_eq!((id.to_string(), id.next().to_string()), ("7-9".to_owned(), "7-10".to_owned()));
        assert_eq!(EntryId { ms: 7, seq: u64::MAX }.next(), EntryId { ms: 8, seq: 0 });
        assert!(EntryId::parse(b"7").is_none() && EntryId::parse(b"-").is_none());
    }
}
