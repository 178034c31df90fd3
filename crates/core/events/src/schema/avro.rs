//! The same schemas as Avro: a record for each event type, state record and effect.
//!
//! Made from the tables that the JSON Schemas are made of. A field that may be missing is null
//! where it is, so that it can be added without breaking anybody; words stay texts, for the same
//! reason. Money is a decimal of two places, a time is in microseconds of UTC.

use serde_json::{Map, Value, json};

use super::{Kind, Need, Spec, events, must, records};

/// The schema of all events: a topic with more than one kind has this one.
const EVERY_EVENT: &str = "event";
/// Which store a state record is of, and which of that store's.
const STATE_ENVELOPE: &[Spec] = &[must("store_id", Kind::AnyText), must("key", Kind::AnyText)];

/// Every Avro schema: its name, which is the name of its file, and the schema. `event` is the union
/// of all events.
pub fn avro_schemas() -> Vec<(String, Value)> {
    let mut all: Vec<(String, Value)> = events::EVENTS
        .iter()
        .map(|(kind, about, fields)| {
            let fields = [events::envelope(kind), fields].concat();
            (format!("event.{kind}"), record("event", kind, about, Some("event_type"), &fields))
        })
        .collect();
    let union: Vec<Value> = all.iter().map(|(_, schema)| schema.clone()).collect();
    all.extend(records::STATES.iter().map(|(name, about, fields)| {
        let fields = [STATE_ENVELOPE, fields].concat();
        (format!("state.{name}"), record("state", name, about, None, &fields))
    }));
    all.extend(records::EFFECTS.iter().map(|(effect, about, fields)| {
        let fields = [records::ENVELOPE, fields].concat();
        (format!("effect.{effect}"), record("effect", effect, about, Some("effect"), &fields))
    }));
    all.push((EVERY_EVENT.to_owned(), union.into()));
    all
}

/// A record of a stage; `named` is the field that holds its own name.
fn record(stage: &str, name: &str, about: &str, named: Option<&str>, fields: &[Spec]) -> Value {
    let mut all = Vec::new();
    if let Some(field) = named {
        all.push(json!({ "name": field, "type": "string", "default": name }));
    }
    all.extend(fields.iter().map(|spec| field(name, spec)));
    json!({
        "type": "record", "name": name, "namespace": format!("shelf.v1.{stage}"), "doc": about,
        "fields": all,
    })
}

fn field(owner: &str, spec: &Spec) -> Value {
    let mut field = Map::new();
    field.insert("name".to_owned(), spec.name.into());
    if !spec.aliases.is_empty() {
        field.insert("aliases".to_owned(), spec.aliases.into());
    }
    let kind = kind(owner, spec);
    if spec.need == Need::Must {
        field.insert("type".to_owned(), kind);
    } else {
        field.insert("type".to_owned(), json!(["null", kind]));
        field.insert("default".to_owned(), Value::Null);
    }
    field.into()
}

fn kind(owner: &str, spec: &Spec) -> Value {
    let date = || json!({ "type": "int", "logicalType": "date" });
    match spec.kind {
        Kind::Text(_) | Kind::AnyText | Kind::Id(_) | Kind::Minute | Kind::Words(_) => {
            "string".into()
        }
        Kind::Time => json!({ "type": "long", "logicalType": "timestamp-micros" }),
        Kind::Date | Kind::IgnoredDate => date(),
        Kind::Dates => json!({ "type": "array", "items": date() }),
        Kind::AllOf(_) => json!({ "type": "array", "items": "string" }),
        Kind::Count | Kind::Int => "long".into(),
        Kind::Money => {
            json!({ "type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 2 })
        }
        Kind::Number | Kind::Fraction | Kind::Percent => "double".into(),
        Kind::Flag => "boolean".into(),
        Kind::List(fields) => {
            let name = format!("{owner}_{}", spec.name);
            let fields: Vec<Value> = fields.iter().map(|spec| field(&name, spec)).collect();
            let items = json!({ "type": "record", "name": name, "fields": fields });
            json!({ "type": "array", "items": items })
        }
    }
}
