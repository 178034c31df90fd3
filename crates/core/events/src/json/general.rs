//! The general way into a line: any JSON object, read by `serde_json`, with errors that say what
//! and where.

use std::borrow::Cow;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use shelf_domain::{Day, Event};

use super::error::{ErrorCode, JsonError};
use super::fields::{Field, Fields, Refused, Value};
use super::get::Result;
use super::time::parse_day;
use super::{Defaults, build};

/// Reads an event.
pub(super) fn parse(text: &str, defaults: &Defaults) -> Result<Event> {
    let mut fields = object(text, "")?;
    build(&mut fields, text, defaults)
}

/// Reads an object; `name` is the field that it stands in.
pub(super) fn object<'a>(text: &'a str, name: &'static str) -> Result<Fields<'a>> {
    let Pairs(pairs) = serde_json::from_str(text).map_err(|error| explain(&error, text, name))?;
    let mut fields = Fields::new();
    for (key, raw) in pairs {
        let Some(field) = Field::of_name(&key) else { continue };
        fields.put(field, classify(raw)).map_err(|refused| match refused {
            Refused::Twice => JsonError::new(ErrorCode::DuplicateField, field.name()),
            Refused::Full => JsonError::found(ErrorCode::WrongType, name, "too many fields"),
        })?;
    }
    Ok(fields)
}

impl<'a> Fields<'a> {
    /// The elements of a list, where it is there, each read by `read`.
    pub(super) fn maybe_list<T>(
        &self,
        field: Field,
        read: impl Fn(&Fields<'a>) -> Result<T>,
    ) -> Result<Option<Vec<T>>> {
        let Some(elements) = self.elements::<&RawValue>(field)? else { return Ok(None) };
        let mut items = Vec::with_capacity(elements.len().min(256));
        for element in elements {
            items.push(read(&object(element.get(), field.name())?)?);
        }
        Ok(Some(items))
    }

    /// A list of dates, where it is there.
    pub(super) fn maybe_days(&self, field: Field) -> Result<Option<Vec<Day>>> {
        let Some(texts) = self.elements::<Cow<'a, str>>(field)? else { return Ok(None) };
        let day = |text: &Cow<'a, str>| {
            parse_day(text).ok_or_else(|| JsonError::found(ErrorCode::BadDate, field.name(), text))
        };
        texts.iter().map(day).collect::<Result<_>>().map(Some)
    }

    /// A list of texts, where it is there.
    pub(super) fn maybe_texts(&self, field: Field) -> Result<Option<Vec<Cow<'a, str>>>> {
        self.elements(field)
    }

    fn elements<T: Deserialize<'a>>(&self, field: Field) -> Result<Option<Vec<T>>> {
        let text = match self.get(field) {
            Value::Null => return Ok(None),
            Value::List(text) => text,
            other => return Err(other.wrong_type(field)),
        };
        serde_json::from_str(text).map(Some).map_err(|error| explain(&error, text, field.name()))
    }
}

fn explain(error: &serde_json::Error, text: &str, name: &'static str) -> JsonError {
    if error.is_data() {
        JsonError::found(ErrorCode::WrongType, name, text)
    } else {
        let detail = if error.is_eof() {
            "it ends early".to_owned()
        } else {
            format!("at byte {}", error.column())
        };
        JsonError { code: ErrorCode::MalformedJson, field: name, detail }
    }
}

/// What kind of value stands there. The text is valid JSON already.
fn classify(raw: &RawValue) -> Value<'_> {
    let text = raw.get();
    match text.as_bytes() {
        [b'n', ..] => Value::Null,
        [b't', ..] => Value::Flag(true),
        [b'f', ..] => Value::Flag(false),
        [b'[', ..] => Value::List(text),
        [b'{', ..] => Value::Object(text),
        [b'"', inside @ .., b'"'] if !inside.contains(&b'\\') => {
            text.get(1..text.len() - 1).map_or(Value::Null, Value::Text)
        }
        [b'"', ..] => Value::Escaped(text),
        _ => Value::Number(text),
    }
}

/// The fields of an object in order, with repeats.
struct Pairs<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> core::result::Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> core::result::Result<Pairs<'de>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(Key(key)) = map.next_key()? {
                    pairs.push((key, map.next_value()?));
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Collect)
    }
}

#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
