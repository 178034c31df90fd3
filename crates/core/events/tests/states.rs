//! The state records of a store: what they say, that they come back, and that their schemas fit.
//!
//! `UPDATE_EXPECT=1 cargo test -p shelf-events --test states` writes the golden files anew.

#![expect(clippy::unwrap_used, reason = "a test says by it what must be")]

use std::collections::BTreeMap;

use expect_test::expect_file;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use shelf_domain::{Effects, Outcome, StoreId, Stores, Timestamp};
use shelf_events::{
    BatchCatalog, DailyDiscount, Defaults, ShelfBatchState, ShelfPolicy, ShelfProfile,
    ShelfRestockPlan, ShelfState, StateKind, WhBatchState, WhPolicy, WhState, WhSupplierPlan,
    parse_event, schemas,
};

/// A store in which every state has something.
const LINES: &str = include_str!("golden/store.ndjson");

fn stores() -> Stores {
    let (mut stores, mut effects) = (Stores::default(), Effects::default());
    let store = Some(StoreId::cut("S1"));
    for line in LINES.lines() {
        let defaults = Defaults { store, received_at: Timestamp(1_769_904_600_000_000) };
        let event = parse_event(line.as_bytes(), &defaults).unwrap();
        assert_eq!(stores.step(&event, &mut effects), Outcome::Accepted, "{line}");
    }
    stores
}

fn rows(kind: StateKind) -> Vec<Value> {
    let stores = stores();
    let store = stores.get(StoreId::cut("S1")).unwrap();
    let rows = kind.rows(store).into_iter();
    rows.map(|row| serde_json::from_str(&serde_json::to_string(&row).unwrap()).unwrap()).collect()
}

#[test]
fn the_records_are_the_golden_ones() {
    let stores = stores();
    let store = stores.get(StoreId::cut("S1")).unwrap();
    for kind in StateKind::ALL {
        let lines = kind.rows(store);
        assert!(!lines.is_empty(), "{} has no row", kind.name());
        let text: String =
            lines.iter().map(|row| serde_json::to_string(row).unwrap() + "\n").collect();
        expect_file![format!("./golden/states/{}.ndjson", kind.name())].assert_eq(&text);
        assert_eq!(StateKind::of_name(kind.name()), Some(kind));
    }
    assert_eq!(StateKind::of_name("stock"), None);
}

/// A record without the key that it stands under.
fn bare(row: &Value) -> Value {
    let mut fields = row.as_object().unwrap().clone();
    assert!(fields.remove("key").is_some() && fields.remove("store_id").is_some());
    fields.into()
}

fn comes_back<T: Serialize + DeserializeOwned>(kind: StateKind) {
    for row in rows(kind) {
        let record: T = serde_json::from_value(row.clone()).unwrap();
        assert_eq!(serde_json::to_value(&record).unwrap(), bare(&row), "{}", kind.name());
    }
}

#[test]
fn a_record_comes_back() {
    comes_back::<ShelfState>(StateKind::ShelfState);
    comes_back::<WhState>(StateKind::WhState);
    comes_back::<ShelfBatchState>(StateKind::ShelfBatchState);
    comes_back::<WhBatchState>(StateKind::WhBatchState);
    comes_back::<DailyDiscount>(StateKind::DailyDiscounts);
    comes_back::<ShelfRestockPlan>(StateKind::ShelfRestockPlan);
    comes_back::<WhSupplierPlan>(StateKind::WhSupplierPlan);
    comes_back::<ShelfPolicy>(StateKind::ShelfPolicies);
    comes_back::<WhPolicy>(StateKind::WhPolicies);
    comes_back::<ShelfProfile>(StateKind::ShelfProfiles);
    comes_back::<BatchCatalog>(StateKind::BatchCatalog);
}

#[test]
fn a_record_has_the_fields_of_its_schema_and_no_other() {
    let schemas: BTreeMap<String, Value> = schemas().into_iter().collect();
    for kind in StateKind::ALL {
        let schema = schemas.get(&format!("state.{}", kind.name())).unwrap();
        let known: BTreeMap<_, _> = schema["properties"].as_object().unwrap().iter().collect();
        let mut fields = kind.fields();
        fields.sort_unstable();
        assert_eq!(known.keys().map(|name| name.as_str()).collect::<Vec<_>>(), fields);
        for row in rows(kind) {
            let row = bare(&row);
            let row = row.as_object().unwrap();
            assert_eq!(row.len(), known.len(), "{}", kind.name());
            for (name, value) in row {
                assert!(fits(value, &known[name]["type"]), "{} {name}: {value}", kind.name());
            }
        }
    }
}

fn fits(value: &Value, kinds: &Value) -> bool {
    let kinds = kinds.as_array().cloned().unwrap_or_else(|| vec![kinds.clone()]);
    kinds.iter().any(|kind| match kind.as_str().unwrap() {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        kind => kind == "null" && value.is_null(),
    })
}
