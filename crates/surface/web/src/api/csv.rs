//! Rows as CSV: the columns are the fields of their JSON, those of a part with its name before a
//! point.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::problem::{Kind, Problem};

/// A value of JSON whose fields are in the order in which they were written.
#[derive(Debug)]
enum Value {
    /// A number, `true` or `false`; nothing where it is `null`.
    Plain(String),
    Text(String),
    List(Vec<Value>),
    Fields(Vec<(String, Value)>),
}

/// The rows with a header. A column that only some rows have is empty in the others.
pub(super) fn write<T: Serialize>(rows: &[T]) -> Result<Vec<u8>, Problem> {
    let unwritten = |_| Problem::new(Kind::Defect, "a row cannot be written");
    let mut columns: Vec<String> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut table = Vec::with_capacity(rows.len());
    for row in rows {
        let json = serde_json::to_string(row).map_err(unwritten)?;
        let value: Value = serde_json::from_str(&json).map_err(unwritten)?;
        let mut cells: Vec<(usize, String)> = Vec::new();
        flatten("", value, &mut |name, cell| {
            let place = *places.entry(name.to_owned()).or_insert_with(|| {
                columns.push(harmless(name.to_owned()));
                columns.len() - 1
            });
            cells.push((place, cell));
        });
        table.push(cells);
    }
    let mut out = Vec::new();
    line(&mut out, columns.iter().map(String::as_str));
    for cells in table {
        let mut whole = vec![String::new(); columns.len()];
        for (place, cell) in cells {
            if let Some(known) = whole.get_mut(place) {
                *known = cell;
            }
        }
        line(&mut out, whole.iter().map(String::as_str));
    }
    Ok(out)
}

fn flatten(name: &str, value: Value, put: &mut impl FnMut(&str, String)) {
    match value {
        Value::Plain(text) => put(name, text),
        Value::Text(text) => put(name, harmless(text)),
        Value::List(values) => {
            let texts: Vec<String> = values.into_iter().map(one).collect();
            put(name, harmless(texts.join(" ")));
        }
        Value::Fields(fields) => {
            for (field, value) in fields {
                let name = if name.is_empty() { field } else { format!("{name}.{field}") };
                flatten(&name, value, put);
            }
        }
    }
}

/// A value within a list, in one word.
fn one(value: Value) -> String {
    match value {
        Value::Plain(text) | Value::Text(text) => text,
        Value::List(values) => values.into_iter().map(one).collect::<Vec<_>>().join(" "),
        Value::Fields(fields) => {
            let fields = fields.into_iter().map(|(name, value)| format!("{name}={}", one(value)));
            fields.collect::<Vec<_>>().join(";")
        }
    }
}

/// A text that no spreadsheet takes for a formula.
fn harmless(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text }
}

fn line<'a>(out: &mut Vec<u8>, cells: impl Iterator<Item = &'a str>) {
    for (number, cell) in cells.enumerate() {
        if number > 0 {
            out.push(b',');
        }
        if cell.contains([',', '"', '\n', '\r']) {
            out.push(b'"');
            out.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
            out.push(b'"');
        } else {
            out.extend_from_slice(cell.as_bytes());
        }
    }
    out.extend_from_slice(b"\r\n");
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Plain(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Plain(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Plain(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Plain(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Plain(String::new()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = from.next_element()? {
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = from.next_entry()? {
            fields.push(field);
        }
        Ok(Value::Fields(fields))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_become_lines_and_no_text_a_formula() {
        let rows = [
            json!({"a": 1, "b": {"c": null, "d": [1, "x"]}, "e": "=cmd|' /C calc'!A0"}),
            json!({"a": -2, "e": "say \"hi\", twice\n", "f": true}),
        ];
        let text = String::from_utf8(write(&rows).unwrap()).unwrap();
        assert_eq!(
            text,
            "a,b.c,b.d,e,f\r\n1,,1 x,'=cmd|' /C calc'!A0,\r\n\
             -2,,,\"say \"\"hi\"\", twice\n\",true\r\n"
        );
        assert_eq!(write::<u8>(&[]).unwrap(), b"\r\n");
    }
}
