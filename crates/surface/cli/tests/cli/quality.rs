//! `shelf quality`: what is measured, on simulated and on real events.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::program::Place;

/// So many seconds ago.
fn ago(seconds: i64) -> Timestamp {
    Timestamp::now() - SignedDuration::from_secs(seconds)
}

/// An always open store with apples, since two hours before.
fn store(id: &str) -> String {
    let at = ago(7_200);
    let head = format!("\"timestamp\":\"{at}\",\"store_id\":\"{id}\"");
    format!(
        "{{\"event_type\":\"store\",{head},\"name\":\"{id}\"}}\n\
         {{\"event_type\":\"product\",{head},\"item_id\":\"APPLE\",\"name\":\"Apple\",\
         \"category\":\"Fruit\",\"price\":1.2}}\n\
         {{\"event_type\":\"opening_stock\",{head},\"item_id\":\"APPLE\",\"batch_code\":\"L1\",\
         \"received_date\":\"2026-03-01\",\"expiry_date\":\"2999-04-01\",\"floor_units\":20,\
         \"warehouse_units\":100}}\n"
    )
}

fn pickup(id: &str, seconds_ago: i64) -> String {
    format!(
        "{{\"event_type\":\"pickup\",\"timestamp\":\"{}\",\"store_id\":\"{id}\",\
         \"customer_id\":\"c1\",\"item_id\":\"APPLE\",\"quantity\":1}}\n",
        ago(seconds_ago)
    )
}

fn receipt(id: &str, total: &str) -> String {
    format!(
        "{{\"event_type\":\"pos_transaction\",\"timestamp\":\"{}\",\"store_id\":\"{id}\",\
         \"transaction_id\":\"r-{total}\",\"items\":[{{\"item_id\":\"APPLE\",\"quantity\":2,\
         \"unit_price\":1.20,\"discount\":0,\"total_price\":{total}}}]}}\n",
        ago(5)
    )
}

/// The row of a check, by what it is of.
fn row(view: &Value, check: &str, of: &[(&str, &str)]) -> Value {
    let mut rows = view["checks"].as_array().unwrap().iter();
    let fits = |row: &&Value| row["check"] == check && of.iter().all(|(key, is)| row[*key] == *is);
    rows.find(fits).unwrap_or_else(|| panic!("no {check} of {of:?} in {view}")).clone()
}

#[test]
fn a_faulty_simulation_has_the_counts_of_its_report() {
    let place = Place::new();
    let report = place.json("simulate --days 1 --faults --stores 2");
    for by in ["source", "stream", "store"] {
        let view = place.json(&format!("quality --by {by}"));
        let rows = view["intake"].as_array().unwrap();
        let sum = |what: &str| rows.iter().map(|row| row[what].as_u64().unwrap()).sum::<u64>();
        for what in ["accepted", "late", "duplicates", "quarantined"] {
            assert_eq!(sum(what), report[what].as_u64().unwrap(), "{what} by {by}");
        }
        assert_eq!(sum("received"), report["events"].as_u64().unwrap());
        let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
        for (code, count) in
            rows.iter().flat_map(|r| r["quarantined_by_reason"].as_object().unwrap())
        {
            *reasons.entry(code).or_default() += count.as_u64().unwrap();
        }
        let told = serde_json::to_value(&reasons).unwrap();
        assert_eq!(told, report["quarantined_by_reason"], "by {by}");
        assert_eq!(view["clock"], "simulated");
    }
    let one = place.json("quality --store S002");
    assert!(one["checks"].as_array().unwrap().iter().all(|row| row["store"] == "S002"));
    assert_eq!(row(&one, "window_revenue", &[("window", "store_1m")])["value"], 0);
    place.fails("quality --store S9", 5, "unknown_store");
}

#[test]
fn a_silent_store_is_named_and_stale_data_warns() {
    let place = Place::new();
    let lines = store("A1") + &store("B2") + &pickup("A1", 400);
    assert_eq!(place.feed("import -", lines).code, 0);
    let view = place.json("quality");
    let silent = row(&view, "silent_stores", &[]);
    assert_eq!((&silent["state"], &silent["names"]), (&"warn".into(), &serde_json::json!(["B2"])));
    let shelf = row(&view, "freshness", &[("store", "A1"), ("stream", "shelf")]);
    assert_eq!(shelf["state"], "warn");
    assert!((400..460).contains(&shelf["value"].as_i64().unwrap()), "{shelf}");
    let pos = row(&view, "freshness", &[("store", "A1"), ("stream", "pos")]);
    assert_eq!((&pos["state"], &pos["value"]), (&Value::Null, &Value::Null));
    assert!(row(&view, "applied_p99", &[])["value"].is_null());
    let text = place.ok("quality");
    assert!(text.contains("◆ warn") && text.contains("sent nothing for 60 minutes: B2"), "{text}");
    assert_eq!(place.run("quality --strict").code, 1);
    let patient = place.run("quality --config patient.toml --strict");
    assert_eq!(patient.code, 2, "there is no such file: {patient:?}");
    place
        .file("patient.toml", "[quality]\nfreshness_seconds = 9000\nsilent_store_seconds = 9000\n");
    assert_eq!(place.run("quality --config patient.toml --strict").code, 0);
    place.file("absurd.toml", "[quality]\nlate_percent = 101.0\n");
    place.fails("quality --config absurd.toml", 2, "settings");
}

#[test]
fn a_receipt_that_does_not_add_up_is_counted_and_taken() {
    let place = Place::new();
    let lines = store("A1") + &receipt("A1", "2.40") + &receipt("A1", "2.43");
    assert_eq!(place.feed("import -", lines).code, 0);
    let view = place.json("quality");
    let totals = row(&view, "line_totals", &[("store", "A1")]);
    assert_eq!((&totals["value"], &totals["state"]), (&1.into(), &"fail".into()));
    assert_eq!(row(&view, "window_revenue", &[("window", "store_1m")])["state"], "ok");
    assert_eq!(place.json("status")["receipts"], 2);
}

#[test]
fn a_state_that_changes_is_a_line_of_the_history() {
    let place = Place::new();
    place.fails("quality --history", 5, "no_data");
    let stale = store("A1") + &pickup("A1", 400);
    assert_eq!(place.feed("import -", stale).code, 0);
    assert_eq!(place.feed("import -", pickup("A1", 1)).code, 0);
    let changes = place.json("quality --history --store A1")["changes"].clone();
    let changes: Vec<&Value> =
        changes.as_array().unwrap().iter().filter(|row| row["check"] == "freshness").collect();
    let states: Vec<_> = changes.iter().map(|row| (&row["from"], &row["to"])).collect();
    let (warn, ok) = (Value::from("warn"), Value::from("ok"));
    assert_eq!(states, [(&Value::Null, &warn), (&warn, &ok)]);
    assert!(place.ok("quality --history").contains("freshness"));
    assert_eq!(place.json("quality --history --limit 1")["changes"].as_array().unwrap().len(), 1);
    assert_eq!(place.run("quality --strict").code, 0);
}

#[test]
fn a_running_process_measures_how_long_its_senders_wait() {
    let place = Place::new();
    assert_eq!(place.feed("import -", store("A1")).code, 0);
    let running = place.start("run --no-demo --plain");
    assert_eq!(place.feed("send", pickup("A1", 1) + &pickup("A1", 2)).code, 0);
    running.stop();
    let view = place.json("quality");
    let applied = row(&view, "applied_p99", &[("stream", "shelf")]);
    assert!(applied["value"].as_i64().unwrap() >= 1 && applied["state"] != Value::Null);
    let mut latency = view["latency"].as_array().unwrap().iter();
    let shelf = latency.find(|row| row["stream"] == "shelf").unwrap();
    assert_eq!((&shelf["applied"]["count"], &shelf["arrival"]["count"]), (&2.into(), &2.into()));
    assert!(view["applied_since"].is_string());
    // What is measured stays when events are imported later.
    assert_eq!(place.feed("import -", pickup("A1", 1)).code, 0);
    assert_eq!(place.json("quality")["latency"][0]["applied"]["count"], 2);
}
