//! What the log says over HTTP: events, what people did, quarantine; and SQL.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers fail like tests")]

#[path = "fixture/shop.rs"]
mod shop;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shelf_domain::Timestamp;
use shelf_host::{CheckNote, QualityChange};
use shop::Shop;

fn rows<'a>(answer: &'a Value, name: &str) -> &'a [Value] {
    answer[name].as_array().map_or(&[], Vec::as_slice)
}

#[test]
fn the_latest_events_come_first_and_each_once() {
    let shop = Shop::open();
    let (mut seen, mut page, mut last) = (BTreeSet::new(), String::new(), String::from("9999"));
    for _ in 0..5 {
        let answer = shop.get(&format!("/api/v1/events?limit=700{page}"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        let answer = answer.json();
        for row in rows(&answer, "events") {
            assert!(seen.insert(row["id"].as_str().unwrap().to_owned()), "twice: {row}");
            // To the second: a fraction is written only where there is one.
            let at = row["received_at"].as_str().unwrap()[..19].to_owned();
            assert!(at <= last, "{at} behind {last}");
            last = at;
        }
        page = format!("&page={}", answer["next_page"].as_str().unwrap());
    }
    assert_eq!(seen.len(), 3_500);
    let row = shop.get("/api/v1/events?type=pos_transaction&limit=1").json()["events"][0].clone();
    let customer = row["event"]["customer_id"].as_str().unwrap_or_default().to_owned();
    let one = shop.get(&format!("/api/v1/events/{}", row["id"].as_str().unwrap()));
    assert_eq!(one.json(), row);
    if !customer.is_empty() {
        let followed = shop.get(&format!("/api/v1/events?about={customer}")).json();
        let followed = rows(&followed, "events");
        assert!(
            followed.len() > 1 && followed.iter().all(|row| row.to_string().contains(&customer))
        );
    }
    for (path, code) in [
        ("/api/v1/events/p00-99999999", "not_found"),
        ("/api/v1/events/p99-0", "not_found"),
        ("/api/v1/events/..%2f..%2fetc", "not_found"),
        ("/api/v1/events?limit=0", "bad_request"),
        ("/api/v1/events?page=x", "bad_page"),
    ] {
        assert_eq!(shop.get(path).code(), code, "{path}");
    }
}

#[test]
fn what_people_did_is_listed_with_their_names() {
    let shop = Shop::open();
    let alert = shop.get("/api/v1/alerts?status=open&limit=1").json()["alerts"][0].clone();
    let (store, id) = (alert["store"].as_str().unwrap(), alert["alert"].as_str().unwrap());
    let path = format!("/api/v1/alerts/{store}/{id}/acknowledge");
    assert_eq!(shop.post(&path, &json!({"note": "mine"})).status, 200);
    let audit = shop.get("/api/v1/audit?about=local").json();
    let row = &rows(&audit, "events")[0];
    assert_eq!(
        (row["source"].as_str(), row["event"]["note"].as_str()),
        (Some("http"), Some("mine"))
    );
    // Whoever sets something stands in its event, whatever the event says.
    let now = shop.get("/api/v1/status").json()["now"].clone();
    let sku = shop.get("/api/v1/shelves?limit=1").json()["shelves"][0]["sku"].clone();
    let price = json!({
        "event_type": "price", "event_id": "00000000-0000-4000-8000-0000000000bb",
        "store_id": store, "item_id": sku, "price": 1.25, "timestamp": now,
    });
    assert_eq!(shop.post("/api/v1/events", &price).json()["accepted"], 1);
    let form = format!("id=mine&scope=global&store={store}&min_units=2");
    let kind = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(shop.ask("POST", "/do/policy", &kind, form.as_bytes()).status, 303);
    let declared = [
        json!({"event_type": "store", "name": "Corner", "refill_mode": "timed"}),
        json!({"event_type": "shelf", "item_id": sku, "capacity_units": 30}),
        json!({"event_type": "wh_in", "item_id": sku, "batch_code": "B-1", "qty": 4}),
        json!({
            "event_type": "opening_stock", "item_id": sku, "batch_code": "B-2",
            "received_date": "2026-01-02", "floor_units": 1,
        }),
    ];
    for mut event in declared {
        event["store_id"] = json!(store);
        event["timestamp"] = now.clone();
        event["actor"] = json!("somebody else");
        let told = shop.post("/api/v1/events", &event).json();
        assert_eq!(told["rejected"], 0, "{told}");
    }
    let audit = shop.get("/api/v1/audit?actor=somebody%20else").json();
    // An admin may name somebody else.
    assert_eq!(rows(&audit, "events").len(), 4, "{audit}");
    for kind in ["price", "policy"] {
        let audit = shop.get(&format!("/api/v1/audit?about=local&type={kind}")).json();
        let row = &rows(&audit, "events")[0];
        assert_eq!(
            (&row["event"]["actor"], &row["event"]["event_type"]),
            (&json!("local"), &json!(kind))
        );
    }
    // What the simulated town set was set by nobody, and is no act.
    let audit = shop.get("/api/v1/audit?type=product&limit=1000").json();
    assert_eq!(rows(&audit, "events").len(), 0);
}

#[test]
fn the_page_of_acts_has_what_was_done_to_stores_and_to_the_server() {
    let shop = Shop::open();
    let alert = shop.get("/api/v1/alerts?status=open&limit=1").json()["alerts"][0].clone();
    let (store, id) = (alert["store"].as_str().unwrap(), alert["alert"].as_str().unwrap());
    let path = format!("/api/v1/alerts/{store}/{id}/assign");
    let act = json!({"to": "ada", "note": "<script>alert(1)</script>"});
    assert_eq!(shop.post(&path, &act).status, 200);
    assert_eq!(shop.post("/api/v1/simulation", &json!({"speed": 30})).status, 200);
    let rows = |query: &str| {
        let page = shop.get(&format!("/audit{query}")).text();
        let table = page.split_once("<tbody>").map(|(_, rest)| rest.split("</tbody>").next());
        table.flatten().unwrap_or_default().to_owned()
    };
    let all = rows("");
    for part in ["local", "Alert act", "Simulation speed", "30", "&#60;script&#62;", "http"] {
        assert!(all.contains(part), "{part}");
    }
    assert!(!rows("?type=alert_act").contains("Simulation"));
    assert!(rows("?type=simulation_speed&actor=local").contains("30"));
    assert_eq!(rows("?actor=nobody"), "");
    assert!(!rows(&format!("?store={store}")).contains("Simulation"));
    assert!(shop.get("/audit?page=x").text().contains("no token of a page"));
    assert!(shop.get("/settings").text().contains("href=\"/audit\""));
    // The inbox and the API narrow to one person.
    let owned = shop.get("/api/v1/alerts?assigned_to=ada").json();
    assert_eq!((&owned["total"], &owned["alerts"][0]["alert"]), (&json!(1), &json!(id)));
    let inbox = shop.get("/alerts?assigned_to=ada").text();
    assert_eq!(inbox.matches("<tr class=\"alert-row\"").count(), 1);
    assert!(inbox.contains("<option value=\"ada\" selected>"));
    assert_eq!(shop.get("/api/v1/alerts?assigned_to=eve").json()["total"], 0);
}

#[test]
fn what_was_done_to_the_simulation_is_listed_too() {
    let shop = Shop::open();
    assert_eq!(shop.post("/api/v1/simulation", &json!({"speed": 30, "paused": true})).status, 200);
    let kind = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(shop.ask("POST", "/simulation", &kind, b"do=resume").status, 303);
    let audit = shop.get("/api/v1/audit").json();
    let acts: Vec<(&str, &str, &str)> = rows(&audit, "host_acts")
        .iter()
        .map(|row| {
            let text = |name: &str| row[name].as_str().unwrap();
            (text("actor"), text("act"), text("detail"))
        })
        .collect();
    assert_eq!(
        acts,
        [
            ("local", "simulation_resumed", ""),
            ("local", "simulation_paused", ""),
            ("local", "simulation_speed", "30"),
        ]
    );
    let one = shop.get("/api/v1/audit?type=simulation_speed").json();
    assert_eq!(rows(&one, "host_acts").len(), 1);
    let of_store = shop.get("/api/v1/audit?store=S001").json();
    assert_eq!(rows(&of_store, "host_acts").len(), 0);
}

#[test]
fn what_was_not_accepted_is_shown_and_tried_again() {
    let shop = Shop::open();
    let now = shop.get("/api/v1/status").json()["now"].clone();
    let store = shop.get("/api/v1/stores").json()["stores"][0]["store"].clone();
    let event = json!({
        "event_type": "pickup", "event_id": "00000000-0000-4000-8000-0000000000aa",
        "store_id": store, "item_id": "NEW<script>", "quantity": 1, "timestamp": now,
    });
    assert_eq!(shop.post("/api/v1/events", &event).json()["quarantined"], 1);
    let list = shop.get("/api/v1/quarantine?reason=unknown_product").json();
    assert_eq!(list["total"], 1, "{list}");
    // What is not asked for is counted all the same.
    let other = shop.get("/api/v1/quarantine?reason=unknown_store").json();
    assert_eq!((&other["total"], &other["by_reason"]), (&json!(0), &list["by_reason"]));
    let id = list["entries"][0]["id"].as_str().unwrap().to_owned();
    let retry = |ids: &Value| shop.post("/api/v1/quarantine/retry", &json!({"ids": ids}));
    let again = retry(&json!([id])).json();
    assert_eq!(again["results"][0]["status"], "quarantined", "{again}");
    // It is there once more, and the first no more.
    let list = shop.get("/api/v1/quarantine?reason=unknown_product").json();
    assert_eq!(list["total"], 1, "{list}");
    let second = list["entries"][0]["id"].as_str().unwrap().to_owned();
    assert_ne!(second, id);
    assert_eq!(retry(&json!([id])).code(), "not_found");
    let product = json!({
        "event_type": "product", "store_id": store, "item_id": "NEW<script>", "name": "<script>",
        "item_category": "DAIRY", "price": 1.5, "timestamp": now,
    });
    assert_eq!(shop.post("/api/v1/events", &product).json()["accepted"], 1);
    let done = retry(&json!([second])).json();
    assert_eq!(done["results"][0]["status"], "accepted", "{done}");
    assert_eq!(shop.get("/api/v1/quarantine?reason=unknown_product").json()["total"], 0);
    assert_eq!(retry(&json!([])).code(), "bad_value");
    assert_eq!(retry(&json!(["p1"])).code(), "not_found");
}

#[test]
fn statements_are_answered_and_end() {
    let shop = Shop::open();
    let run = |body: &Value| shop.post("/api/v1/sql", body);
    assert_eq!(run(&json!({"sql": "select 1"})).json()["rows"], json!([[1]]));
    let csv = run(&json!({"sql": "select 1", "format": "csv"}));
    assert_eq!((csv.text().as_str(), csv.header("x-rows")), ("one\n1\n", Some("1")));
    assert_eq!(run(&json!({"sql": "select 1; drop table x"})).code(), "sql_syntax");
    assert_eq!(run(&json!({"sql": "select 1", "format": "xml"})).code(), "bad_value");
    assert_eq!(shop.get("/api/v1/sql/objects").json()["objects"][0]["schema"], "live");
    let address = shop.address();
    let waiting = std::thread::spawn(move || {
        let headers = [("content-type", "application/json")];
        shop::ask(address, "POST", "/api/v1/sql", &headers, br#"{"sql":"wait","id":"mine"}"#)
    });
    shop.sql.until_waiting(1);
    assert_eq!(shop.post("/api/v1/sql/cancel", &json!({"id": "other"})).json()["cancelled"], false);
    assert_eq!(shop.post("/api/v1/sql/cancel", &json!({"id": "mine"})).json()["cancelled"], true);
    assert_eq!(waiting.join().unwrap().code(), "sql_cancelled");
    // By name and by `Accept`.
    for (format, media, bytes) in [
        ("arrow", "application/vnd.apache.arrow.stream", b"ARROW1".as_slice()),
        ("parquet", "application/vnd.apache.parquet", b"PAR1"),
    ] {
        let named = run(&json!({"sql": "select 1", "format": format}));
        let headers = [("content-type", "application/json"), ("accept", media)];
        let accepted = shop.ask("POST", "/api/v1/sql", &headers, br#"{"sql":"select 1"}"#);
        for answer in [named, accepted] {
            assert_eq!(
                (answer.header("content-type"), answer.body.as_slice()),
                (Some(media), bytes)
            );
        }
    }
}

#[test]
fn what_has_no_past_says_so_and_what_has_one_shows_it() {
    let shop = Shop::open();
    let then = "as_of=2026-01-02T09:00:00Z";
    for path in ["quarantine", "lake"] {
        let answer = shop.get(&format!("/api/v1/{path}?{then}"));
        assert_eq!((answer.status, answer.code().as_str()), (400, "no_past"), "{path}");
    }
    // One check failed in the morning, another one in the afternoon.
    let note = |at: &str, check: &str| {
        let at: jiff::Timestamp = at.parse().unwrap();
        let at = Timestamp(at.as_microsecond());
        let (store, stream, source, window, state) = (None, None, None, None, None);
        let (check, value) = (check.to_owned(), json!(1));
        let check = CheckNote { check, store, stream, source, window, state, value };
        serde_json::to_string(&QualityChange { at, from: None, check }).unwrap()
    };
    let (early, late) =
        (note("2026-01-02T08:00:00Z", "early"), note("2026-01-02T10:00:00Z", "late"));
    std::fs::write(shop.folder.quality_history_path(), format!("{early}\n{late}\n")).unwrap();
    let names = |query: &str| -> Vec<String> {
        let history = shop.get(&format!("/api/v1/quality/history{query}")).json();
        let checks = rows(&history, "changes").iter().map(|row| row["check"].as_str().unwrap());
        checks.map(str::to_owned).collect()
    };
    assert_eq!(names("").len(), 2);
    assert_eq!(names(&format!("?{then}")), ["early"]);
    let page = shop.get(&format!("/pipeline?{then}")).text();
    assert!(page.contains("How the tables stood then is not known."), "{page}");
    assert!(page.contains("What lay in it then is not known."), "{page}");
    let page = shop.get(&format!("/sql?{then}")).text();
    assert!(
        page.contains("Statements are answered from the present.") && !page.contains("id=\"q\"")
    );
}
