//! Between values of Avro and JSON: our records into Avro, messages of others into lines.

use std::collections::HashMap;

use apache_avro::types::Value;
use apache_avro::{Decimal, Schema};
use serde_json::Value as Json;
use shelf_domain::{Day, Timestamp};
use shelf_events::{day_text, parse_day, parse_time, time_text};

/// The kind of an event, where a message names it by the name of its record.
const KIND: &str = "event_type";

/// The value of a schema of ours that JSON of ours is.
pub(super) fn value_of(schema: &Schema, json: &Json) -> Option<Value> {
    Some(match schema {
        Schema::Union(union) => {
            let wanted = |variant: &Schema| matches!(variant, Schema::Null) == json.is_null();
            let index = union.variants().iter().position(wanted)?;
            let inner = value_of(union.variants().get(index)?, json)?;
            Value::Union(index as u32, Box::new(inner))
        }
        Schema::Null => Value::Null,
        Schema::Boolean => Value::Boolean(json.as_bool()?),
        Schema::Long => Value::Long(json.as_i64()?),
        Schema::Double => Value::Double(json.as_f64()?),
        Schema::String => match json {
            Json::String(text) => Value::String(text.clone()),
            Json::Number(number) => Value::String(number.to_string()),
            _ => return None,
        },
        Schema::TimestampMicros => Value::TimestampMicros(parse_time(json.as_str()?)?.0),
        Schema::Date => Value::Date(parse_day(json.as_str()?)?.0),
        Schema::Decimal(_) => {
            let cents = (json.as_f64()? * 100.0).round() as i64;
            Value::Decimal(Decimal::from(cents.to_be_bytes()))
        }
        Schema::Array(array) => {
            let items = json.as_array()?.iter().map(|item| value_of(&array.items, item));
            Value::Array(items.collect::<Option<_>>()?)
        }
        Schema::Record(record) => {
            let fields = record.fields.iter().map(|field| {
                let json = json.get(&field.name).or(field.default.as_ref()).unwrap_or(&Json::Null);
                Some((field.name.clone(), value_of(&field.schema, json)?))
            });
            Value::Record(fields.collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

/// The schemas that a schema names, by their full names. One that holds itself is refused: a
/// message of it could be nested without end.
pub(super) fn names_of(schema: &Schema) -> Result<HashMap<String, Schema>, String> {
    let mut names = HashMap::new();
    collect(schema, &mut Vec::new(), &mut names)?;
    Ok(names)
}

fn collect(
    schema: &Schema,
    within: &mut Vec<String>,
    names: &mut HashMap<String, Schema>,
) -> Result<(), String> {
    match schema {
        Schema::Array(array) => collect(&array.items, within, names),
        Schema::Map(map) => collect(&map.types, within, names),
        Schema::Union(union) => {
            union.variants().iter().try_for_each(|one| collect(one, within, names))
        }
        Schema::Record(record) => {
            let name = record.name.to_string();
            names.insert(name.clone(), schema.clone());
            within.push(name);
            record.fields.iter().try_for_each(|field| collect(&field.schema, within, names))?;
            within.pop();
            Ok(())
        }
        Schema::Ref { name } if within.contains(&name.to_string()) => {
            Err(format!("{name} holds itself"))
        }
        Schema::Ref { .. } => Ok(()),
        other => {
            if let Some(name) = other.name() {
                names.insert(name.to_string(), other.clone());
            }
            Ok(())
        }
    }
}

/// Appends the line of a message. A record that does not say what kind of event it is is of the
/// kind that it is named after.
pub(super) fn line_of(
    schema: &Schema,
    names: &HashMap<String, Schema>,
    value: &Value,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    let schema = named(schema, names)?;
    match (schema, value) {
        (Schema::Union(union), Value::Union(index, inner)) => {
            let variant = union.variants().get(*index as usize).ok_or("no such variant")?;
            line_of(variant, names, inner, out)
        }
        (Schema::Record(record), Value::Record(fields)) => {
            let says = fields.iter().any(|(name, _)| name == KIND);
            let kind = (!says).then(|| record.name.name());
            object(record, names, fields, kind, out)
        }
        _ => Err("it is no record".to_owned()),
    }
}

fn named<'a>(schema: &'a Schema, names: &'a HashMap<String, Schema>) -> Result<&'a Schema, String> {
    match schema {
        Schema::Ref { name } => {
            names.get(&name.to_string()).ok_or_else(|| format!("no schema {name}"))
        }
        other => Ok(other),
    }
}

fn object(
    record: &apache_avro::schema::RecordSchema,
    names: &HashMap<String, Schema>,
    fields: &[(String, Value)],
    kind: Option<&str>,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    out.push(b'{');
    if let Some(kind) = kind {
        text(KIND, out);
        out.push(b':');
        text(kind, out);
    }
    for (index, ((name, value), field)) in fields.iter().zip(&record.fields).enumerate() {
        if index > 0 || kind.is_some() {
            out.push(b',');
        }
        text(name, out);
        out.push(b':');
        write(&field.schema, names, value, out)?;
    }
    out.push(b'}');
    Ok(())
}

fn write(
    schema: &Schema,
    names: &HashMap<String, Schema>,
    value: &Value,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    let schema = named(schema, names)?;
    match (schema, value) {
        (_, Value::Null) => out.extend_from_slice(b"null"),
        (Schema::Union(union), Value::Union(index, inner)) => {
            let variant = union.variants().get(*index as usize).ok_or("no such variant")?;
            write(variant, names, inner, out)?;
        }
        (Schema::Record(record), Value::Record(fields)) => {
            object(record, names, fields, None, out)?;
        }
        (Schema::Array(array), Value::Array(items)) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(&array.items, names, item, out)?;
            }
            out.push(b']');
        }
        (Schema::Map(map), Value::Map(entries)) => {
            // In order, so that the same message is the same line.
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_by_key(|(name, _)| *name);
            out.push(b'{');
            for (index, (name, value)) in entries.into_iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                text(name, out);
                out.push(b':');
                write(&map.types, names, value, out)?;
            }
            out.push(b'}');
        }
        (Schema::Decimal(decimal), Value::Decimal(digits)) => {
            let bytes = <Vec<u8>>::try_from(digits).map_err(|error| error.to_string())?;
            out.extend_from_slice(decimal_text(&bytes, decimal.scale)?.as_bytes());
        }
        (_, value) => scalar(value, out)?,
    }
    Ok(())
}

fn scalar(value: &Value, out: &mut Vec<u8>) -> Result<(), String> {
    let number = |number: f64| Json::from(number).to_string();
    let at = |micros: i64| format!("\"{}\"", time_text(Timestamp(micros)));
    let shown = match value {
        Value::Boolean(flag) => flag.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Long(number) => number.to_string(),
        // By its shortest digits: 0.1 as a float is no 0.10000000149.
        Value::Float(short) => number(short.to_string().parse().unwrap_or(f64::from(*short))),
        Value::Double(long) => number(*long),
        Value::String(words) | Value::Enum(_, words) => {
            text(words, out);
            return Ok(());
        }
        Value::Uuid(id) => {
            text(&id.to_string(), out);
            return Ok(());
        }
        Value::Bytes(bytes) | Value::Fixed(_, bytes) => {
            let words = std::str::from_utf8(bytes).map_err(|_| "bytes that are no text")?;
            text(words, out);
            return Ok(());
        }
        Value::Date(days) => format!("\"{}\"", day_text(Day(*days))),
        Value::TimestampMillis(millis) => at(millis.saturating_mul(1_000)),
        Value::TimestampMicros(micros) => at(*micros),
        Value::TimestampNanos(nanos) => at(nanos.div_euclid(1_000)),
        Value::BigDecimal(digits) => digits.to_string(),
        other => return Err(format!("a value of a type that no event has: {other:?}")),
    };
    out.extend_from_slice(shown.as_bytes());
    Ok(())
}

/// Appends a text as JSON.
fn text(words: &str, out: &mut Vec<u8>) {
    // Cannot fail: a text has one form.
    out.extend_from_slice(&serde_json::to_vec(words).unwrap_or_default());
}

/// The digits of a decimal: whole units of the smallest place, and how many places there are.
pub(super) fn decimal_text(bytes: &[u8], scale: usize) -> Result<String, String> {
    if bytes.len() > 16 || scale > 30 {
        return Err("a decimal of too many digits".to_owned());
    }
    let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    let start = if negative { -1_i128 } else { 0 };
    let whole = bytes.iter().fold(start, |whole, byte| (whole << 8) | i128::from(*byte));
    let digits = format!("{:0>width$}", whole.unsigned_abs(), width = scale + 1);
    let (units, places) = digits.split_at(digits.len() - scale);
    let sign = if negative { "-" } else { "" };
    let point = if scale == 0 { "" } else { "." };
    Ok(format!("{sign}{units}{point}{places}"))
}
