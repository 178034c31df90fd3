//! The schema files: they are those that the code makes, and what the code writes satisfies them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says by it what must be")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::Value;
use shelf_events::testing::{events, outputs};
use shelf_events::{avro_schemas, effect_json, schemas, write_event};

#[test]
fn the_files_are_current() {
    same("docs/schemas/v1", "schemas", "json", schemas());
    same("docs/schemas/avro", "avro_schemas", "avsc", avro_schemas());
}

fn same(folder: &str, example: &str, ending: &str, made: Vec<(String, Value)>) {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../..").join(folder);
    // The order of fields says nothing, and hangs on what else a build holds.
    let mut files: BTreeMap<String, Value> = BTreeMap::new();
    for entry in std::fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        files.insert(name, serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap());
    }
    let made: BTreeMap<String, Value> =
        made.into_iter().map(|(name, schema)| (format!("{name}.{ending}"), schema)).collect();
    assert!(
        files == made,
        "run: cargo run -p shelf-events --example {example} {folder}, and remove stray files"
    );
}

proptest! {
    #[test]
    fn what_is_written_satisfies_its_schema(event in events(), record in outputs()) {
        let schemas: BTreeMap<String, Value> = schemas().into_iter().collect();
        let mut line = Vec::new();
        write_event(&event, &mut line);
        let event: Value = serde_json::from_slice(&line).unwrap();
        let name = format!("event.{}", event["event_type"].as_str().unwrap());
        check(&event, &schemas[&name], &name)?;
        let effect = effect_json(&record);
        let name = format!("effect.{}", effect["effect"].as_str().unwrap());
        check(&effect, &schemas[&name], &name)?;
        // No field goes without a description of its own.
        for field in effect.as_object().unwrap().keys() {
            prop_assert!(schemas[&name]["properties"].get(field).is_some(), "{name} lacks {field}");
        }
    }
}

/// A checker of the keywords that the schemas use.
fn check(value: &Value, schema: &Value, path: &str) -> Result<(), TestCaseError> {
    if let Some(kind) = schema.get("type") {
        let kinds = kind.as_array().cloned().unwrap_or_else(|| vec![kind.clone()]);
        let fits = kinds.iter().any(|kind| match kind.as_str().unwrap() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            "null" => value.is_null(),
            other => panic!("a type that the checker does not know: {other}"),
        });
        prop_assert!(fits, "{path}: {value} is not {kind}");
    }
    if let Some(constant) = schema.get("const") {
        prop_assert_eq!(value, constant, "{}", path);
    }
    if let Some(words) = schema.get("enum") {
        prop_assert!(words.as_array().unwrap().contains(value), "{path}: {value}");
    }
    if let (Some(minimum), Some(number)) = (schema.get("minimum"), value.as_f64()) {
        prop_assert!(number >= minimum.as_f64().unwrap(), "{path}: {value}");
    }
    if let (Some(limit), Some(text)) = (schema.get("maxLength"), value.as_str()) {
        prop_assert!(text.chars().count() as u64 <= limit.as_u64().unwrap(), "{path}: {value}");
    }
    for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        let choices = part["anyOf"].as_array().unwrap();
        let any = choices.iter().any(|choice| check(value, choice, path).is_ok());
        prop_assert!(any, "{path}: none of {part}");
    }
    for name in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
        prop_assert!(value.get(name.as_str().unwrap()).is_some(), "{path} lacks {name}");
    }
    for (name, schema) in schema.get("properties").and_then(Value::as_object).into_iter().flatten()
    {
        if let Some(field) = value.get(name) {
            check(field, schema, &format!("{path}.{name}"))?;
        }
    }
    if let (Some(items), Some(elements)) = (schema.get("items"), value.as_array()) {
        for element in elements {
            check(element, items, &format!("{path}[]"))?;
        }
    }
    Ok(())
}
