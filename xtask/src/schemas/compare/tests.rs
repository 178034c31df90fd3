//! Each rule with a change that it refuses, and changes that break nobody.

use super::*;
use serde_json::json;

/// A schema of the kinds of fields that ours have.
fn published() -> Value {
    json!({
        "title": "event.sale",
        "type": "object",
        "properties": {
            "event_type": { "const": "sale" },
            "item_id": { "type": "string", "maxLength": 31 },
            "sku": { "type": "string", "maxLength": 31 },
            "quantity": { "type": "integer", "minimum": 0 },
            "step": { "type": "string", "enum": ["view", "checkout"] },
            "note": { "type": ["string", "null"] },
            "at": { "type": "string", "format": "date-time" },
            "lines": { "type": "array", "items": {
                "type": "object",
                "properties": { "price": { "type": "number" } },
                "required": ["price"],
            }},
        },
        "required": ["event_type", "quantity", "at"],
        "allOf": [{ "anyOf": [{ "required": ["item_id"] }, { "required": ["sku"] }] }],
    })
}

/// What a change of it breaks: rule, field, direction.
fn broken(change: impl FnOnce(&mut Value)) -> Vec<(&'static str, String, Direction)> {
    let mut new = published();
    change(&mut new);
    let of = |schema| Schemas::from([("event.sale".to_owned(), schema)]);
    let found = breaks(&of(published()), &of(new)).unwrap();
    found.into_iter().map(|one| (one.rule, one.field, one.direction)).collect()
}

fn one(
    rule: &'static str,
    field: &str,
    direction: Direction,
) -> Vec<(&'static str, String, Direction)> {
    vec![(rule, field.to_owned(), direction)]
}

use Direction::{Backward, Forward};

#[test]
fn what_every_reader_can_take_breaks_nobody() {
    assert_eq!(broken(|_| {}), []);
    let added = |schema: &mut Value| {
        schema["properties"]["shade"] = json!({ "type": ["string", "null"] });
        schema["properties"]["lines"]["items"]["properties"]["cut"] = json!({ "type": "number" });
        schema["description"] = json!("said better");
        schema["properties"]["note"]["type"] = json!(["null", "string"]);
    };
    assert_eq!(broken(added), []);
    let new = Schemas::from([("event.new".to_owned(), published())]);
    assert_eq!(breaks(&Schemas::new(), &new).unwrap(), []);
}

#[test]
fn a_field_that_had_to_be_there_stays() {
    let removed = |schema: &mut Value| {
        schema["properties"].as_object_mut().unwrap().remove("quantity");
        schema["required"] = json!(["event_type", "at"]);
    };
    assert_eq!(broken(removed), one("required_field_removed", "quantity", Forward));
    let optional = |schema: &mut Value| schema["required"] = json!(["event_type", "at"]);
    assert_eq!(broken(optional), one("required_field_optional", "quantity", Forward));
    let inside = |schema: &mut Value| {
        schema["properties"]["lines"]["items"]["required"] = json!([]);
    };
    assert_eq!(broken(inside), one("required_field_optional", "lines[].price", Forward));
}

#[test]
fn a_field_that_is_read_stays() {
    let removed = |schema: &mut Value| {
        schema["properties"].as_object_mut().unwrap().remove("note");
    };
    assert_eq!(broken(removed), one("field_removed", "note", Backward));
}

#[test]
fn nothing_more_is_required() {
    let new = |schema: &mut Value| {
        schema["properties"]["till"] = json!({ "type": "string" });
        schema["required"] = json!(["event_type", "quantity", "at", "till"]);
    };
    assert_eq!(broken(new), one("required_field_added", "till", Backward));
    let fewer_names = |schema: &mut Value| {
        schema["allOf"] = json!([{ "anyOf": [{ "required": ["item_id"] }] }]);
    };
    assert_eq!(broken(fewer_names), one("required_field_added", "item_id", Backward));
    let more_names = |schema: &mut Value| {
        let part = &mut schema["allOf"][0]["anyOf"];
        part.as_array_mut().unwrap().push(json!({ "required": ["ean"] }));
    };
    assert_eq!(broken(more_names), one("required_field_optional", "item_id or sku", Forward));
}

#[test]
fn types_stay_as_wide_as_they_are() {
    let set = |field: &'static str, kind: Value| {
        broken(move |schema| schema["properties"][field]["type"] = kind)
    };
    assert_eq!(set("note", json!("string")), one("type_narrowed", "note", Backward));
    assert_eq!(set("at", json!(["string", "null"])), one("type_widened", "at", Forward));
    assert_eq!(set("quantity", json!("number")), one("type_widened", "quantity", Forward));
    let price = broken(|schema| {
        schema["properties"]["lines"]["items"]["properties"]["price"]["type"] = json!("integer");
    });
    assert_eq!(price, one("type_narrowed", "lines[].price", Backward));
    let other = set("quantity", json!("string"));
    assert_eq!(other.len(), 2, "{other:?}");
}

#[test]
fn lists_of_values_stay() {
    let set = |words: Value| broken(move |schema| schema["properties"]["step"]["enum"] = words);
    assert_eq!(set(json!(["view"])), one("enum_value_removed", "step", Backward));
    let more = set(json!(["view", "checkout", "entrance"]));
    assert_eq!(more, one("enum_value_added", "step", Forward));
    let free = broken(|schema| {
        schema["properties"]["step"].as_object_mut().unwrap().remove("enum");
    });
    assert_eq!(free, one("enum_removed", "step", Forward));
    let listed = broken(|schema| schema["properties"]["note"]["enum"] = json!(["a", null]));
    assert_eq!(listed, one("enum_added", "note", Backward));
    let renamed = broken(|schema| schema["properties"]["event_type"]["const"] = json!("till"));
    assert_eq!(renamed.len(), 2, "{renamed:?}");
}

#[test]
fn limits_and_forms_stay() {
    let set = |field: &'static str, keyword: &'static str, value: Value| {
        broken(move |schema| schema["properties"][field][keyword] = value)
    };
    assert_eq!(set("item_id", "maxLength", json!(8)), one("limit_narrowed", "item_id", Backward));
    assert_eq!(set("item_id", "maxLength", json!(80)), one("limit_widened", "item_id", Forward));
    assert_eq!(set("quantity", "minimum", json!(1)), one("limit_narrowed", "quantity", Backward));
    assert_eq!(set("quantity", "minimum", json!(-1)), one("limit_widened", "quantity", Forward));
    assert_eq!(set("note", "pattern", json!("^a")), one("form_changed", "note", Backward));
    assert_eq!(set("at", "format", json!("date")).len(), 2);
}

#[test]
fn a_schema_does_not_go_away() {
    let all = Schemas::from([("event.sale".to_owned(), published())]);
    let found = breaks(&all, &Schemas::new()).unwrap();
    assert_eq!(found.len(), 1);
    let told = found[0].to_string();
    assert!(
        told.starts_with("event.sale: the whole: the schema is gone [schema_removed"),
        "{told}"
    );
}

#[test]
fn what_the_comparison_does_not_know_is_an_error() {
    let mut new = published();
    new["properties"]["note"]["maximum"] = json!(3);
    let of = |schema| Schemas::from([("event.sale".to_owned(), schema)]);
    let error = breaks(&of(published()), &of(new)).unwrap_err();
    assert!(format!("{error:#}").contains("\"note\" has maximum"), "{error:#}");
}

#[test]
fn a_break_names_the_field_and_the_rule() {
    let mut new = published();
    new["properties"]["step"]["enum"] = json!(["view"]);
    let of = |schema| Schemas::from([("event.sale".to_owned(), schema)]);
    let found = breaks(&of(published()), &of(new)).unwrap();
    assert_eq!(
        found[0].to_string(),
        "event.sale: step: the value \"checkout\" is gone \
         [enum_value_removed; backward, what was written before is refused]"
    );
}
