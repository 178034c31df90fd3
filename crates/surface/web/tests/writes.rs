//! What people and machines do over HTTP: acts, events, and what is refused.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers fail like tests")]

#[path = "fixture/shop.rs"]
mod shop;

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shelf_host::{Ack, AckStatus, Pace};
use shelf_web::{Door, DoorError, HttpOptions, Incoming, Parts, Server};
use shop::{Answer, Shop};

/// Waits until the server shows it: it follows the disk a moment later.
fn until(shop: &Shop, path: &str, shown: impl Fn(&Answer) -> bool) -> Answer {
    let begun = Instant::now();
    loop {
        let answer = shop.get(path);
        if shown(&answer) {
            return answer;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{path}: {}", answer.text());
        std::thread::yield_now();
    }
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

/// The path of the first alert in this status.
fn an_alert(shop: &Shop) -> (String, String) {
    let row = shop.get("/api/v1/alerts?status=open&limit=1").json()["alerts"][0].clone();
    (text(&row, "store"), text(&row, "alert"))
}

#[test]
fn an_alert_is_taken_care_of() {
    let shop = Shop::open();
    let (store, alert) = an_alert(&shop);
    let path = format!("/api/v1/alerts/{store}/{alert}");
    let version = shop.get(&path).header("etag").unwrap().to_owned();
    let json = ("content-type", "application/json");
    let act = |act: &str, headers: &[(&str, &str)], body: &Value| {
        let body = body.to_string();
        shop.ask("POST", &format!("{path}/{act}"), headers, body.as_bytes())
    };
    let headers = [json, ("if-match", version.as_str()), ("idempotency-key", "k1")];
    let done = act("acknowledge", &headers, &json!({"note": "on my way"}));
    assert_eq!(done.status, 200, "{}", done.text());
    let acknowledged = |answer: &Answer| answer.json()["status"] == "acknowledged";
    let shown = until(&shop, &path, acknowledged).json();
    assert_eq!((text(&shown, "note"), text(&shown, "owner")), ("on my way".into(), "local".into()));
    // The same key again is answered as before; another request must not use it.
    let again = act("acknowledge", &headers, &json!({"note": "on my way"}));
    assert_eq!((again.status, again.body), (200, done.body));
    assert_eq!(act("resolve", &headers, &json!({})).code(), "key_reused");
    let stale = act("resolve", &[json, ("if-match", version.as_str())], &json!({}));
    assert_eq!((stale.status, stale.code().as_str()), (412, "stale_version"));
    assert_eq!(act("snooze", &[json], &json!({"minutes": 30})).status, 200);
    until(&shop, &path, |answer| answer.json()["status"] == "snoozed");
    assert_eq!(act("assign", &[json], &json!({"to": "anna"})).status, 200);
    assert_eq!(act("note", &[json], &json!({"note": "look behind the crates"})).status, 200);
    assert_eq!(act("resolve", &[json], &json!({"note": "refilled"})).status, 200);
    until(&shop, &path, |answer| answer.status == 404);
    assert_eq!(act("resolve", &[json], &json!({})).code(), "unknown_alert");
}

#[test]
fn the_last_act_on_an_alert_is_taken_back() {
    let shop = Shop::open();
    let (store, alert) = an_alert(&shop);
    let path = format!("/api/v1/alerts/{store}/{alert}");
    let json = ("content-type", "application/json");
    let act = |act: &str, headers: &[(&str, &str)]| {
        let headers = [&[json], headers].concat();
        shop.ask("POST", &format!("{path}/{act}"), &headers, br#"{"note": "by mistake"}"#)
    };
    let status =
        |status: &str| until(&shop, &path, |answer| answer.json()["status"] == *status).json();
    let refused = || shop.get("/api/v1/quarantine").json()["total"].clone();
    let before = refused();
    let nothing = |answer: &Answer| {
        assert_eq!((answer.status, answer.code().as_str()), (409, "nothing_to_undo"));
        answer.text()
    };
    assert!(nothing(&act("undo", &[])).contains("nobody has acted"));
    assert_eq!(act("acknowledge", &[]).status, 200);
    let mine = status("acknowledged");
    assert_eq!(text(&mine, "owner"), "local");
    assert_eq!(act("undo", &[]).status, 200);
    let open = status("open");
    assert_eq!((&open["owner"], &open["actor"]), (&Value::Null, &"local".into()));
    nothing(&act("undo", &[]));
    nothing(&act("undo", &[("idempotency-key", "another")]));

    // An alert that was ended stands again; the version is that of before its end.
    let version = shop.get(&path).header("etag").unwrap().to_owned();
    assert_eq!(act("resolve", &[]).status, 200);
    until(&shop, &path, |answer| answer.status == 404);
    assert_eq!(act("undo", &[("if-match", "\"v0000000000000000\"")]).code(), "stale_version");
    let keyed = [("if-match", version.as_str()), ("idempotency-key", "back")];
    let done = act("undo", &keyed);
    assert_eq!(done.status, 200, "{}", done.text());
    let back = status("open");
    assert_eq!((&back["opened_at"], &back["count"]), (&open["opened_at"], &open["count"]));
    assert_eq!(act("undo", &keyed).body, done.body, "the same request is the same act");

    // Many at once, with a result for each.
    assert_eq!(act("dismiss", &[]).status, 200);
    until(&shop, &path, |answer| answer.status == 404);
    let alerts = json!([format!("{store}/{alert}"), format!("{store}/A-999999")]);
    let many = shop.post("/api/v1/alerts/acts", &json!({"act": "undo", "alerts": alerts})).json();
    assert_eq!((&many["accepted"], many["results"][0]["problem"].is_null()), (&1.into(), true));
    assert_eq!(many["results"][1]["problem"]["code"], "unknown_alert", "{many}");
    status("open");
    assert_eq!(shop.get("/problems/nothing_to_undo").status, 200);
    assert_eq!(refused(), before, "no refusal is an event");
}

#[test]
fn what_can_be_taken_back_is_listed() {
    let shop = Shop::open();
    let (store, alert) = an_alert(&shop);
    let path = format!("/api/v1/alerts/{store}/{alert}");
    let act = |act: &str, body: &Value| {
        let done = shop.post(&format!("{path}/{act}"), body);
        assert_eq!(done.status, 200, "{act}: {}", done.text());
    };
    let undoable = |word: &str| {
        until(&shop, &path, |answer| answer.status == 200 && answer.json()["undoable"] == *word)
            .json()
    };
    let fresh = shop.get(&path).json();
    assert_eq!((&fresh["undoable"], &fresh["undoable_at"]), (&Value::Null, &Value::Null));
    act("acknowledge", &json!({}));
    let taken = undoable("acknowledge");
    assert_eq!(taken["undoable_at"], taken["changed_at"]);
    act("assign", &json!({"to": "anna"}));
    undoable("assign");
    act("note", &json!({"note": "look behind the crates"}));
    undoable("note");
    act("snooze", &json!({"minutes": 30}));
    undoable("snooze");
    act("undo", &json!({}));
    until(&shop, &path, |answer| answer.json()["undoable"].is_null());
    // What people ended is a list of its own, the last one first, the same as a file.
    let list = "/api/v1/alerts?status=ended";
    let before = shop.get(list).json()["total"].as_u64().unwrap();
    let total = |answer: &Answer| answer.json()["total"].as_u64().unwrap();
    for (word, status) in [("resolve", "resolved"), ("dismiss", "dismissed")] {
        act(word, &json!({"note": "by mistake"}));
        let ended = until(&shop, list, |answer| total(answer) == before + 1).json();
        let rows = ended["alerts"].as_array().unwrap();
        let row = rows.iter().find(|row| row["alert"] == *alert && row["store"] == *store).unwrap();
        let told = (text(row, "status"), text(row, "undoable"));
        assert_eq!(told, (status.to_owned(), word.to_owned()), "{row}");
        assert!(row["undoable_at"].is_string() && row["actor"].is_null(), "{row}");
        assert_eq!(row["opened_at"], fresh["opened_at"]);
        let ends = rows.iter().map(|row| text(row, "undoable_at").parse::<jiff::Timestamp>());
        assert!(ends.map(Result::unwrap).rev().is_sorted(), "{ended}");
        let file = shop.get(&format!("{list}&format=csv")).text();
        let head = file.lines().next().unwrap_or_default();
        assert!(head.contains(",undoable,undoable_at,"), "{head}");
        let line = file.lines().find(|line| line.starts_with(&format!("{store},{alert},")));
        let line = line.unwrap_or_default();
        assert!(line.contains(&format!(",{word},")), "{line}");
        let narrowed = shop.get(&format!("{list}&rule={}", text(row, "rule"))).json();
        let rows = narrowed["alerts"].as_array().unwrap();
        assert!(rows.iter().all(|other| other["rule"] == row["rule"]), "{narrowed}");
        act("undo", &json!({}));
        until(&shop, list, |answer| total(answer) == before);
    }
    assert_eq!(shop.get("/api/v1/alerts?status=resolved").code(), "bad_request");
}

#[test]
fn several_alerts_at_once_have_a_result_each() {
    let shop = Shop::open();
    let rows = shop.get("/api/v1/alerts?status=open&limit=3").json();
    let mut names: Vec<String> = rows["alerts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| format!("{}/{}", text(row, "store"), text(row, "alert")))
        .collect();
    let known = names.len();
    names.push("nowhere/A-1".to_owned());
    let body = json!({"act": "assign", "to": "ben", "alerts": names});
    let done = shop.post("/api/v1/alerts/acts", &body).json();
    assert_eq!(done["accepted"], known, "{done}");
    assert_eq!(done["results"][known]["problem"]["code"], "unknown_store");
}

#[test]
fn acts_that_make_no_sense_are_told() {
    let shop = Shop::open();
    let (store, alert) = an_alert(&shop);
    let path = format!("/api/v1/alerts/{store}/{alert}");
    let cases = [
        ("explode", json!({}), "not_found"),
        ("assign", json!({}), "bad_value"),
        ("assign", json!({"to": "x".repeat(99)}), "bad_value"),
        ("snooze", json!({"minutes": 0}), "bad_value"),
        ("snooze", json!({"minutes": 43_201}), "bad_value"),
        ("snooze", json!({"until": "2001-01-01T00:00:00Z"}), "bad_value"),
        ("snooze", json!({"until": "2999-01-01T00:00:00Z"}), "bad_value"),
        ("snooze", json!({"until": "soon"}), "bad_time"),
        ("note", json!({"note": " "}), "bad_value"),
        ("note", json!({"note": "x".repeat(5_000)}), "bad_value"),
        ("resolve", json!({"colour": "blue"}), "bad_body"),
        ("resolve", json!([]), "bad_body"),
    ];
    for (act, body, code) in cases {
        assert_eq!(shop.post(&format!("{path}/{act}"), &body).code(), code, "{act} {body}");
    }
    let plain =
        shop.ask("POST", &format!("{path}/resolve"), &[("content-type", "text/plain")], b"{}");
    assert_eq!((plain.status, plain.code().as_str()), (415, "wrong_media_type"));
    // A body of braces as deep as it is long is no stack of the server's.
    let deep = [vec![b'['; 200_000], vec![b']'; 200_000]].concat();
    let json = [("content-type", "application/json")];
    assert_eq!(shop.ask("POST", &format!("{path}/resolve"), &json, &deep).code(), "bad_body");
}

#[test]
fn tasks_counts_and_policies() {
    let shop = Shop::open();
    let shelf = shop.get("/api/v1/shelves?limit=1&state=stocked").json()["shelves"][0].clone();
    let (store, sku) = (text(&shelf, "store"), text(&shelf, "sku"));
    let path = format!("/api/v1/shelves/{store}/{sku}");
    let done = shop.post(&format!("{path}/count"), &json!({"units": 3}));
    assert_eq!(done.status, 200, "{}", done.text());
    until(&shop, &path, |answer| answer.json()["floor_units"] == 3);
    let asked = shop.post(&format!("/api/v1/tasks/{store}"), &json!({"sku": sku}));
    assert!(asked.status == 200 || asked.code() == "wrong_state", "{}", asked.text());
    assert_eq!(
        shop.post(&format!("/api/v1/tasks/{store}"), &json!({"sku": "none"})).code(),
        "unknown_product"
    );
    let policy = format!("/api/v1/policies/{store}/mine");
    let fields = json!({"fields": {"threshold_pct": 35, "shelf_id": sku, "notes": "busy corner"}});
    let put = |headers: &[(&str, &str)]| {
        let headers = [&[("content-type", "application/json")], headers].concat();
        shop.ask("PUT", &policy, &headers, fields.to_string().as_bytes())
    };
    assert_eq!(put(&[("if-match", "\"other\"")]).code(), "stale_version");
    let done = put(&[]);
    assert_eq!(done.status, 200, "{}", done.text());
    let set = until(&shop, &policy, |answer| answer.status == 200).json();
    assert_eq!(
        (&set["fields"]["notes"], &set["fields"]["actor"]),
        (&json!("busy corner"), &json!("local"))
    );
    let wrong = json!({"fields": {"threshold_pct": "much"}}).to_string();
    let json = [("content-type", "application/json")];
    assert_eq!(shop.ask("PUT", &policy, &json, wrong.as_bytes()).code(), "wrong_type");

    assert_eq!(
        shop.post(&format!("/api/v1/orders/{store}/O-99999/approve"), &json!({})).code(),
        "unknown_order"
    );
}

#[test]
fn a_draft_is_changed_approved_and_cancelled() {
    let shop = Shop::before_noon();
    let drafts = shop.get("/api/v1/orders?status=draft&store=S001").json();
    let drafts = drafts["orders"].as_array().unwrap();
    assert!(drafts.len() > 1, "{drafts:?}");
    let path_of = |order: &Value| format!("/api/v1/orders/S001/{}", text(order, "order"));
    let path = path_of(&drafts[0]);
    let line = shop.get(&path).json()["lines"][0].clone();
    let change = json!({"sku": line["sku"], "units": 24, "note": "street fair"});
    assert_eq!(shop.post(&format!("{path}/change"), &change).status, 200);
    until(&shop, &path, |answer| {
        answer.json()["lines"].as_array().unwrap().iter().any(|line| line["units"] == 24)
    });
    assert_eq!(shop.post(&format!("{path}/approve"), &json!({})).status, 200);
    until(&shop, &path, |answer| answer.json()["status"] == "approved");
    let other = json!({"sku": "none", "units": 1});
    assert_eq!(shop.post(&format!("{path}/change"), &other).code(), "unknown_product");
    assert_eq!(shop.post(&format!("{path}/change"), &json!({})).code(), "bad_value");
    let path = path_of(&drafts[1]);
    assert_eq!(shop.post(&format!("{path}/cancel"), &json!({})).status, 200);
    until(&shop, &path, |answer| answer.status == 404);
}

#[test]
fn what_comes_with_an_order_is_taken_into_the_warehouse() {
    let shop = Shop::open();
    let order = shop.get("/api/v1/orders?status=sent&store=S001").json();
    let all = order["orders"].as_array().unwrap();
    let order = all.iter().find(|order| order["received_units"] == 0).unwrap();
    let path = format!("/api/v1/orders/S001/{}", text(order, "order"));
    let line = shop.get(&path).json()["lines"][0].clone();
    let sku = text(&line, "sku");
    let shelf = format!("/api/v1/shelves/S001/{sku}");
    let before = shop.get(&shelf).json()["warehouse_units"].as_i64().unwrap();
    let receive = |lots: Value| shop.post(&format!("{path}/receive"), &json!({"lots": lots}));
    let units = line["units"].as_i64().unwrap();
    let lot = json!({"sku": sku, "lot": "HAND-1", "units": units, "expiry_day": "2026-03-01"});
    let done = receive(json!([lot]));
    assert_eq!(done.status, 200, "{}", done.text());
    until(&shop, &path, |answer| answer.json()["lines"][0]["received_units"] == units);
    assert_eq!(shop.get(&shelf).json()["warehouse_units"], before + units);
    let lots = shop.get(&format!("/api/v1/lots?store=S001&sku={sku}&limit=1000")).json();
    let lots = lots["lots"].as_array().unwrap();
    let came = lots.iter().find(|lot| lot["lot"] == "HAND-1").unwrap();
    assert_eq!(
        (&came["warehouse_units"], &came["expiry_day"]),
        (&json!(units), &json!("2026-03-01"))
    );
    assert_eq!(receive(json!([])).code(), "bad_value");
    let unknown = json!([{"sku": "none", "lot": "X", "units": 1}]);
    assert_eq!(receive(unknown).code(), "unknown_product");
    let never = json!([{"sku": sku, "lot": "X", "units": 1, "expiry_day": "soon"}]);
    assert_eq!(receive(never).code(), "bad_time");
}

#[test]
fn a_key_does_an_act_once_also_after_a_restart() {
    let shop = Shop::open();
    let shelf = shop.get("/api/v1/shelves?limit=1&state=stocked").json()["shelves"][0].clone();
    let path = format!("/api/v1/shelves/{}/{}/count", text(&shelf, "store"), text(&shelf, "sku"));
    let headers = [("content-type", "application/json"), ("idempotency-key", "counted-once")];
    let first = shop.ask("POST", &path, &headers, br#"{"units": 5}"#);
    assert_eq!(first.json()["status"], "accepted");
    // Another process remembers no answer; the event has the same id there.
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let simulation = Arc::clone(&shop.pace);
    let parts = Parts { simulation: Some(simulation as _), ..shop.parts() };
    let other = Server::start(HttpOptions { listen, ..HttpOptions::default() }, parts).unwrap();
    let again = shop::ask(other.address(), "POST", &path, &headers, br#"{"units": 5}"#);
    assert_eq!(again.status, 200, "{}", again.text());
    assert_eq!(again.json()["status"], "duplicate");
    assert_eq!(again.json()["event_id"], first.json()["event_id"]);
}

#[test]
fn the_simulation_stands_and_goes_on() {
    let shop = Shop::open();
    assert_eq!(shop.get("/api/v1/simulation").json()["paused"], true);
    let before = shop.get("/api/v1/status").json()["now"].clone();
    let on = shop.post("/api/v1/simulation", &json!({"paused": false, "speed": 600.0})).json();
    assert_eq!((on["paused"].clone(), on["speed"].clone()), (json!(false), json!(600.0)));
    until(&shop, "/api/v1/status", |answer| answer.json()["now"] != before);
    for wrong in [json!({"speed": 0}), json!({"speed": -1}), json!({"speed": 100_001})] {
        assert_eq!(shop.post("/api/v1/simulation", &wrong).code(), "bad_value");
    }
}

fn pickup(shop: &Shop, id: &str, units: u32) -> Value {
    let shelf = shop.get("/api/v1/shelves?limit=1&state=stocked").json()["shelves"][0].clone();
    let now = shop.get("/api/v1/status").json()["now"].clone();
    json!({
        "event_type": "pickup", "event_id": id, "store_id": shelf["store"],
        "item_id": shelf["sku"], "quantity": units, "timestamp": now,
    })
}

#[test]
fn events_have_a_result_each_and_are_on_disk() {
    let shop = Shop::open();
    let one = pickup(&shop, "00000000-0000-4000-8000-000000000001", 1);
    let done = shop.post("/api/v1/events", &one);
    assert_eq!((done.status, done.json()["accepted"].clone()), (202, json!(1)), "{}", done.text());
    assert_eq!(shop.post("/api/v1/events", &one).json()["duplicates"], 1);
    let two = pickup(&shop, "00000000-0000-4000-8000-000000000002", 1);
    let mut far = two.clone();
    far["store_id"] = json!("elsewhere");
    far["event_id"] = json!("00000000-0000-4000-8000-000000000003");
    let lines = format!("{two}\n\n{{\"event_type\":\"what\"}}\n{far}\n");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(lines.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let headers = [("content-type", "application/x-ndjson"), ("content-encoding", "gzip")];
    let done = shop.ask("POST", "/api/v1/events", &headers, &packed);
    let done = done.json();
    let statuses: Vec<&str> = done["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["accepted", "rejected", "quarantined"], "{done}");
    assert_eq!(done["results"][2]["code"], "unknown_store");
    let array = shop.post("/api/v1/events", &json!([two, {"a": 1}])).json();
    assert_eq!((array["duplicates"].clone(), array["rejected"].clone()), (json!(1), json!(1)));
}

#[test]
fn bodies_that_are_no_events_are_told() {
    let shop = Shop::open();
    let json = ("content-type", "application/json");
    let ask = |headers: &[(&str, &str)], body: &[u8]| {
        shop.ask("POST", "/api/v1/events", headers, body).code()
    };
    assert_eq!(ask(&[("content-type", "text/html")], b"{}"), "wrong_media_type");
    assert_eq!(ask(&[], b"{}"), "wrong_media_type");
    assert_eq!(ask(&[json, ("content-encoding", "br")], b"{}"), "wrong_media_type");
    assert_eq!(ask(&[json, ("content-encoding", "gzip")], b"{}"), "bad_body");
    assert_eq!(ask(&[json], b"[1,"), "bad_body");
    assert_eq!(ask(&[json], b"nonsense"), "malformed_json");
    assert_eq!(ask(&[json], &vec![b' '; (10 << 20) + 1]), "body_too_large");
    // Ten thousand times as much as was sent.
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    bomb.write_all(&vec![b' '; 64 << 20]).unwrap();
    let bomb = bomb.finish().unwrap();
    assert_eq!(ask(&[json, ("content-encoding", "gzip")], &bomb), "body_too_large");
    let deep = [b"{\"a\":".repeat(50_000), b"1".to_vec(), b"}".repeat(50_000)].concat();
    assert_eq!(ask(&[json], &deep), "missing_field");
}

/// A door with a full queue behind it.
struct FullDoor;

impl Door for FullDoor {
    fn submit(&self, _: Vec<Incoming>) -> Result<Vec<Ack>, DoorError> {
        let taken = vec![Ack { status: AckStatus::Accepted, code: None, hint: None }];
        Err(DoorError::Full { taken })
    }
}

#[test]
fn a_full_queue_is_told_with_what_was_taken_and_when_to_try_again() {
    let shop = Shop::open();
    let simulation: Arc<Pace> = Arc::clone(&shop.pace);
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let parts =
        Parts { door: Arc::new(FullDoor), simulation: Some(simulation as _), ..shop.parts() };
    let full = Server::start(HttpOptions { listen, ..HttpOptions::default() }, parts).unwrap();
    let lines = format!("{0}\n{0}\n", pickup(&shop, "00000000-0000-4000-8000-000000000009", 1));
    let headers = [("content-type", "application/x-ndjson")];
    let answer = shop::ask(full.address(), "POST", "/api/v1/events", &headers, lines.as_bytes());
    assert_eq!((answer.status, answer.code().as_str()), (429, "full"));
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.json()["results"], json!([{"status": "accepted"}]));
}
