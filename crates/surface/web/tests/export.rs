//! Every list as a file.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers fail like tests")]

#[path = "fixture/shop.rs"]
mod shop;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shop::Shop;

/// What is read and is no list: one thing each, and the stream.
const NO_LISTS: [&str; 5] =
    ["/api/v1/now", "/api/v1/pipeline", "/api/v1/simulation", "/api/v1/status", "/api/v1/stream"];

/// Reads of the OpenAPI document, with the types of their answers.
fn reads() -> Vec<(String, Vec<String>)> {
    let document: Value = serde_json::from_str(&shelf_web::openapi_json()).unwrap();
    let paths = document["paths"].as_object().unwrap().iter();
    let reads = paths.filter(|(_, item)| item["get"].is_object());
    let types = |item: &Value| {
        let content = item["get"]["responses"]["200"]["content"].as_object().unwrap();
        content.keys().cloned().collect()
    };
    reads.map(|(path, item)| (path.clone(), types(item))).collect()
}

/// A product with a name that a spreadsheet would take for a formula, set through the API.
fn set_formula(shop: &Shop) {
    let now = shop.get("/api/v1/status").json()["now"].clone();
    let product = json!({
        "event_type": "product", "store_id": "S001", "item_id": "=1+1", "name": "=HYPERLINK(\"x\")",
        "item_category": "@DAIRY", "price": 1.5, "timestamp": now,
    });
    assert_eq!(shop.post("/api/v1/events", &product).json()["accepted"], 1);
}

/// The cells of a file, line by line.
fn cells(text: &str) -> Vec<Vec<String>> {
    let (mut lines, mut line, mut cell, mut quoted) =
        (Vec::new(), Vec::new(), String::new(), false);
    for letter in text.chars() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => line.push(std::mem::take(&mut cell)),
            '\n' if !quoted => {
                line.push(std::mem::take(&mut cell).trim_end_matches('\r').to_owned());
                lines.push(std::mem::take(&mut line));
            }
            other => cell.push(other),
        }
    }
    lines
}

#[test]
fn every_list_of_the_document_is_a_file_too() {
    let shop = Shop::open();
    set_formula(&shop);
    assert_eq!(shop.post("/api/v1/simulation", &json!({"speed": 30})).status, 200);
    // Past hours are read back from the log once, by a thread that nobody waits for.
    while shop.get("/api/v1/patterns").json()["total"] == 0 {}
    let kinds = shop.get("/api/v1/windows").json();
    let window = kinds["kinds"][0]["name"].as_str().unwrap().to_owned();
    let mut seen = BTreeSet::new();
    for (path, types) in reads() {
        if !types.iter().any(|media| media == "text/csv") {
            // What ends in a name is one thing.
            assert!(path.ends_with('}') || NO_LISTS.contains(&path.as_str()), "{path} has no CSV");
            continue;
        }
        assert_eq!(types, ["application/json", "text/csv", "application/x-ndjson"], "{path}");
        seen.insert(path.clone());
        let path = path.replace("{window}", &window);
        let csv = shop.get(&format!("{path}?format=csv"));
        if path == "/api/v1/lake" {
            assert_eq!(csv.code(), "not_there");
            continue;
        }
        assert_eq!(csv.status, 200, "{path}: {}", csv.text());
        assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"), "{path}");
        let file = csv.header("content-disposition").unwrap();
        assert!(file.starts_with("attachment; filename=\"") && file.ends_with(".csv\""), "{file}");
        let by_accept = shop.ask("GET", &path, &[("accept", "text/csv")], b"");
        assert_eq!(by_accept.body, csv.body, "{path}");
        let lines = shop.get(&format!("{path}?format=ndjson"));
        assert_eq!(lines.header("content-type"), Some("application/x-ndjson"), "{path}");
        let table = cells(&csv.text());
        assert_eq!(table.len() - 1, lines.text().lines().count(), "{path}");
        let wide = table[0].len();
        for line in &table {
            assert_eq!(line.len(), wide, "{path}: {line:?}");
            let formula = |cell: &&String| {
                // A number below zero is a number.
                cell.starts_with(['=', '+', '-', '@']) && cell.parse::<f64>().is_err()
            };
            assert_eq!(line.iter().find(formula), None, "{path}: {line:?}");
        }
        assert_eq!(shop.get(&format!("{path}?format=xml")).code(), "bad_request", "{path}");
    }
    for list in ["alerts", "audit", "events", "lots", "quarantine", "shelves", "sql/objects"] {
        assert!(seen.contains(&format!("/api/v1/{list}")), "{list} is not among {seen:?}");
    }
}

#[test]
fn events_and_acts_as_files_have_what_their_pages_have() {
    let shop = Shop::open();
    set_formula(&shop);
    assert_eq!(shop.post("/api/v1/simulation", &json!({"speed": 30})).status, 200);
    let file = shop.get("/api/v1/events?format=ndjson&limit=700");
    let rows: Vec<Value> =
        file.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let page = shop.get("/api/v1/events?limit=700").json();
    assert_eq!(json!(rows), page["events"]);
    // A file goes on where the page does, and is of up to ten thousand rows.
    assert_eq!(file.header("x-next-page"), page["next_page"].as_str());
    let more = format!("/api/v1/events?format=csv&page={}", file.header("x-next-page").unwrap());
    let table = cells(&shop.get(&more).text());
    assert!(table.len() > 1_001 && table.len() <= 10_001, "{}", table.len());
    assert_eq!(table[0][..4], ["id", "received_at", "store", "source"]);
    let known: BTreeSet<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert!(table[1..].iter().all(|line| !known.contains(line[0].as_str())));
    assert_eq!(shop.get("/api/v1/events?format=csv&limit=10001").code(), "bad_request");
    // What was done to stores and to the server is one table.
    let table = cells(&shop.get("/api/v1/audit?format=csv").text());
    let column = |name: &str| table[0].iter().position(|known| known == name).unwrap();
    let (actor, act, store) = (column("actor"), column("act"), column("store"));
    let (detail, name) = (column("detail"), column("event.name"));
    let of = |what: &str| table.iter().find(|line| line[act] == what).unwrap();
    let (set, driven) = (of("product"), of("simulation_speed"));
    assert_eq!((set[actor].as_str(), set[store].as_str()), ("local", "S001"));
    assert_eq!(set[name], "'=HYPERLINK(x)");
    assert_eq!((driven[detail].as_str(), driven[store].as_str()), ("30", ""));
    let narrowed = cells(&shop.get("/api/v1/audit?format=csv&type=product").text());
    assert_eq!(narrowed.len(), 2);
}
