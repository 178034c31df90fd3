//! JSON Schema (draft 2020-12) of every event type, state record and effect, made from tables.
//!
//! The files under `docs/schemas/v1` are what [`schemas`] returns, those under `docs/schemas/avro`
//! what [`avro_schemas`] does; a test holds them to it. Unknown
//! fields are allowed everywhere, because readers ignore them.

mod avro;
mod events;
mod records;

pub use avro::avro_schemas;
use serde_json::{Map, Value, json};

/// What a field holds.
#[derive(Clone, Copy)]
enum Kind {
    /// A text of at most so many bytes.
    Text(u32),
    /// A text of any length.
    AnyText,
    /// The number of an alert, a task or an order, after this letter.
    Id(&'static str),
    /// RFC 3339 with an offset.
    Time,
    /// `YYYY-MM-DD`.
    Date,
    /// `YYYY-MM-DD`, which is taken and not kept.
    IgnoredDate,
    /// A list of `YYYY-MM-DD`.
    Dates,
    /// A list of some words.
    AllOf(&'static [&'static str]),
    /// `HH:MM`.
    Minute,
    /// A whole number, at least 0.
    Count,
    /// A whole number.
    Int,
    /// An amount in currency units.
    Money,
    /// Any number.
    Number,
    /// 0 to 1.
    Fraction,
    /// 0 to 100.
    Percent,
    /// True or false.
    Flag,
    /// One of some words.
    Words(&'static [&'static str]),
    /// A list of objects.
    List(&'static [Spec]),
}

/// Whether a field must be there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    /// It must, and must not be null.
    Must,
    /// It must, and may be null.
    Nullable,
    /// It may be missing or null.
    May,
}

/// A field: its canonical name, other names that are read as the same, and what it holds.
#[derive(Clone, Copy)]
struct Spec {
    name: &'static str,
    aliases: &'static [&'static str],
    kind: Kind,
    need: Need,
}

const fn must(name: &'static str, kind: Kind) -> Spec {
    Spec { name, aliases: &[], kind, need: Need::Must }
}

const fn nullable(name: &'static str, kind: Kind) -> Spec {
    Spec { name, aliases: &[], kind, need: Need::Nullable }
}

const fn may(name: &'static str, kind: Kind) -> Spec {
    Spec { name, aliases: &[], kind, need: Need::May }
}

const fn also(spec: Spec, aliases: &'static [&'static str]) -> Spec {
    Spec { aliases, ..spec }
}

/// The `event_type` of every kind of event.
pub fn event_kinds() -> impl Iterator<Item = &'static str> {
    events::EVENTS.iter().map(|(kind, ..)| *kind)
}

/// Every schema: its name, which is the name of its file, and the schema.
pub fn schemas() -> Vec<(String, Value)> {
    let events = events::EVENTS.iter().map(|(kind, about, fields)| {
        let name = format!("event.{kind}");
        let fields = [events::envelope(kind), fields].concat();
        let mut schema = document(&name, about, &fields);
        if let Some(Value::Object(properties)) = schema.get_mut("properties") {
            properties.insert("event_type".to_owned(), json!({ "const": kind }));
        }
        require(&mut schema, "event_type");
        (name, Value::Object(schema))
    });
    let states = records::STATES.iter().map(|(name, about, fields)| {
        let name = format!("state.{name}");
        let schema = document(&name, about, fields);
        (name, Value::Object(schema))
    });
    let effects = records::EFFECTS.iter().map(|(effect, about, fields)| {
        let name = format!("effect.{effect}");
        let fields = [records::ENVELOPE, fields].concat();
        let mut schema = document(&name, about, &fields);
        if let Some(Value::Object(properties)) = schema.get_mut("properties") {
            properties.insert("effect".to_owned(), json!({ "const": effect }));
        }
        require(&mut schema, "effect");
        (name, Value::Object(schema))
    });
    events.chain(states).chain(effects).collect()
}

/// The fields of a state record, in order.
pub(crate) fn state_fields(name: &str) -> Vec<&'static str> {
    let fields = records::STATES.iter().find(|(known, _, _)| *known == name);
    fields.map(|(_, _, fields)| fields.iter().map(|spec| spec.name).collect()).unwrap_or_default()
}

fn require(schema: &mut Map<String, Value>, field: &str) {
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.insert(0, field.into());
    }
}

fn document(name: &str, about: &str, fields: &[Spec]) -> Map<String, Value> {
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
    schema.insert("$id".to_owned(), format!("urn:shelf:schema:v1:{name}").into());
    schema.insert("title".to_owned(), name.into());
    schema.insert("description".to_owned(), about.into());
    schema.extend(object(fields));
    schema
}

fn object(fields: &[Spec]) -> Map<String, Value> {
    let mut properties = Map::new();
    let mut required = Vec::new();
    let mut choices = Vec::new();
    for spec in fields {
        for name in core::iter::once(&spec.name).chain(spec.aliases) {
            properties.insert((*name).to_owned(), value(spec.kind, spec.need));
        }
        if spec.need == Need::May {
            continue;
        }
        if spec.aliases.is_empty() {
            required.push(Value::from(spec.name));
        } else {
            let names = core::iter::once(&spec.name).chain(spec.aliases);
            let any: Vec<Value> = names.map(|name| json!({ "required": [name] })).collect();
            choices.push(json!({ "anyOf": any }));
        }
    }
    let mut schema = Map::new();
    schema.insert("type".to_owned(), "object".into());
    schema.insert("properties".to_owned(), properties.into());
    schema.insert("required".to_owned(), required.into());
    if !choices.is_empty() {
        schema.insert("allOf".to_owned(), choices.into());
    }
    schema
}

fn value(kind: Kind, need: Need) -> Value {
    let mut schema = match kind {
        Kind::Text(limit) => json!({ "type": "string", "maxLength": limit }),
        Kind::AnyText => json!({ "type": "string" }),
        Kind::Id(letter) => {
            json!({ "type": ["string", "integer"], "pattern": format!("^({letter}-)?[0-9]+$") })
        }
        Kind::Time => json!({ "type": "string", "format": "date-time" }),
        Kind::Date => json!({ "type": "string", "format": "date" }),
        Kind::IgnoredDate => {
            let about = "taken and not kept: the dates of a lot are those it was delivered with";
            json!({ "type": "string", "format": "date", "description": about })
        }
        Kind::Dates => {
            json!({ "type": "array", "items": { "type": "string", "format": "date" } })
        }
        Kind::AllOf(words) => json!({ "type": "array", "items": { "enum": words } }),
        Kind::Minute => json!({ "type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]$" }),
        Kind::Count => json!({ "type": "integer", "minimum": 0 }),
        Kind::Int => json!({ "type": "integer" }),
        Kind::Money => {
            json!({ "type": "number", "description": "currency units, read to the cent" })
        }
        Kind::Number => json!({ "type": "number" }),
        Kind::Fraction => json!({ "type": "number", "minimum": 0, "description": "0 to 1" }),
        Kind::Percent => json!({ "type": "number", "minimum": 0, "description": "0 to 100" }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Words(words) => json!({ "type": "string", "enum": words }),
        Kind::List(fields) => json!({ "type": "array", "items": object(fields) }),
    };
    if need != Need::Must {
        allow_null(&mut schema);
    }
    schema
}

fn allow_null(schema: &mut Value) {
    if let Some(kind) = schema.get_mut("type") {
        let mut kinds = match kind.take() {
            Value::Array(kinds) => kinds,
            one => vec![one],
        };
        kinds.push("null".into());
        *kind = kinds.into();
    }
    if let Some(Value::Array(words)) = schema.get_mut("enum") {
        words.push(Value::Null);
    }
}
