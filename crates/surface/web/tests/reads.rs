//! What the API answers to reads.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers fail like tests"
)]

#[path = "fixture/shop.rs"]
mod shop;

use serde_json::Value;
use shop::Shop;

/// Lists, with the name of their rows.
const LISTS: [(&str, &str); 14] = [
    ("stores", "stores"),
    ("zones", "zones"),
    ("shelves", "shelves"),
    ("products", "products"),
    ("lots", "lots"),
    ("alerts", "alerts"),
    ("tasks", "tasks"),
    ("orders", "orders"),
    ("policies", "policies"),
    ("kpis", "rows"),
    ("windows", "kinds"),
    ("windows/store_5m", "rows"),
    ("quality", "checks"),
    ("quality/history", "changes"),
];

fn rows<'a>(answer: &'a Value, name: &str) -> &'a [Value] {
    answer[name].as_array().map_or(&[], Vec::as_slice)
}

#[test]
fn every_list_answers_and_goes_on_page_by_page() {
    let shop = Shop::open();
    let kinds = shop.get("/api/v1/windows").json();
    let window = kinds["kinds"][0]["name"].as_str().unwrap().to_owned();
    for (path, name) in LISTS {
        let path = path.replace("store_5m", &window);
        let whole = shop.get(&format!("/api/v1/{path}?limit=1000"));
        assert_eq!(whole.status, 200, "{path}: {}", whole.text());
        let all = rows(&whole.json(), name).to_vec();
        let (mut found, mut next) = (Vec::new(), String::new());
        for _ in 0..5 {
            let size = all.len().div_ceil(3).max(1);
            let page = shop.get(&format!("/api/v1/{path}?limit={size}{next}"));
            assert_eq!(page.status, 200, "{path}: {}", page.text());
            let page = page.json();
            found.extend_from_slice(rows(&page, name));
            match page["next_page"].as_str() {
                Some(token) => next = format!("&page={token}"),
                None => break,
            }
        }
        if all.len() < 1_000 {
            assert_eq!(found, all, "{path}");
        }
        let csv = shop.get(&format!("/api/v1/{path}?format=csv"));
        assert_eq!(csv.status, 200, "{path}");
        assert!(csv.text().lines().count() > all.len(), "{path}: {}", csv.text());
        let by_accept = shop.ask("GET", &format!("/api/v1/{path}"), &[("accept", "text/csv")], b"");
        assert_eq!(by_accept.body, csv.body, "{path}");
        let lines = shop.get(&format!("/api/v1/{path}?format=ndjson")).text();
        assert!(lines.lines().count() >= all.len(), "{path}");
    }
    assert!(rows(&shop.get("/api/v1/shelves?limit=1000").json(), "shelves").len() == 1_000);
}

#[test]
fn one_thing_is_what_its_row_says_and_has_a_version() {
    let shop = Shop::open();
    let alert = shop.get("/api/v1/alerts?limit=1").json()["alerts"][0].clone();
    let path = format!(
        "/api/v1/alerts/{}/{}",
        alert["store"].as_str().unwrap(),
        alert["alert"].as_str().unwrap()
    );
    let one = shop.get(&path);
    assert_eq!(one.json()["why"], alert["why"]);
    assert!(one.header("etag").unwrap().starts_with("\"v"));
    let shelf = shop.get("/api/v1/shelves?limit=1").json()["shelves"][0].clone();
    let path = format!(
        "/api/v1/shelves/{}/{}",
        shelf["store"].as_str().unwrap(),
        shelf["sku"].as_str().unwrap()
    );
    assert_eq!(shop.get(&path).json()["floor_units"], shelf["floor_units"]);
    for (path, code) in [
        ("/api/v1/alerts/S001/A-999999", "unknown_alert"),
        ("/api/v1/alerts/nowhere/A-1", "unknown_store"),
        ("/api/v1/alerts/nowhere/x", "unknown_alert"),
        ("/api/v1/shelves/S001/none", "unknown_product"),
        ("/api/v1/windows/none", "unknown_window"),
        ("/api/v1/lake", "not_there"),
    ] {
        let path = path.replace("S001", shelf["store"].as_str().unwrap());
        assert_eq!(shop.get(&path).code(), code, "{path}");
    }
}

#[test]
fn what_has_not_changed_is_not_sent_again() {
    let shop = Shop::open();
    let first = shop.get("/api/v1/kpis?by=store");
    let tag = first.header("etag").unwrap().to_owned();
    let again = shop.ask("GET", "/api/v1/kpis?by=store", &[("if-none-match", &tag)], b"");
    assert_eq!((again.status, again.body.len()), (304, 0));
    let other = shop.ask("GET", "/api/v1/kpis?by=chain", &[("if-none-match", &tag)], b"");
    assert_eq!(other.status, 200);
    // Neither is one thing with a version, until an act has changed it.
    let json = [("content-type", "application/json")];
    let policy = br#"{"fields": {"threshold_pct": 35}}"#;
    assert_eq!(shop.ask("PUT", "/api/v1/policies/S001/mine", &json, policy).status, 200);
    let mut paths = vec!["/api/v1/policies/S001/mine".to_owned()];
    for (list, id) in [("alerts", "alert"), ("tasks", "task"), ("orders", "order")] {
        let row = shop.get(&format!("/api/v1/{list}?store=S001&limit=1")).json()[list][0].clone();
        paths.push(format!("/api/v1/{list}/S001/{}", row[id].as_str().unwrap()));
    }
    for path in &paths {
        let first = loop {
            let first = shop.get(path);
            if first.status == 200 {
                break first;
            }
            std::thread::yield_now();
        };
        let tag = first.header("etag").unwrap().to_owned();
        assert!(tag.starts_with("\"v"), "{path}: {tag}");
        let again = shop.ask("GET", path, &[("if-none-match", &tag)], b"");
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
    }
    let alert = &paths[1];
    let tag = shop.get(alert).header("etag").unwrap().to_owned();
    let act = format!("{alert}/acknowledge");
    let headers = [json[0], ("if-match", tag.as_str())];
    assert_eq!(shop.ask("POST", &act, &headers, b"{}").status, 200);
    while shop.ask("GET", alert, &[("if-none-match", &tag)], b"").status == 304 {
        std::thread::yield_now();
    }
    assert_eq!(shop.ask("POST", &act, &headers, b"{}").code(), "stale_version");
}

#[test]
fn a_past_moment_is_what_it_was() {
    let shop = Shop::open();
    let now = shop.get("/api/v1/status").json();
    let then = "2026-01-05T12:00:00Z";
    let now_at = now["now"].as_str().unwrap();
    let day_before = format!("{}T12:00:00Z", &now_at[..10]);
    let past = shop.get(&format!("/api/v1/status?as_of={day_before}")).json();
    assert!(past["now"].as_str().unwrap() <= day_before.as_str(), "{past} {then}");
    assert_ne!(past["events"], now["events"]);
    assert_eq!(shop.get("/api/v1/status?as_of=2999-01-01T00:00:00Z").code(), "bad_time");
    assert_eq!(shop.get("/api/v1/status?as_of=yesterday").code(), "bad_time");
}

#[test]
fn what_makes_no_sense_is_told() {
    let shop = Shop::open();
    let token =
        shop.get("/api/v1/shelves?limit=5").json()["next_page"].as_str().unwrap().to_owned();
    for (path, code) in [
        ("/api/v1/alerts?colour=blue", "bad_request"),
        ("/api/v1/alerts?severity=awful", "bad_request"),
        ("/api/v1/alerts?limit=0", "bad_request"),
        ("/api/v1/alerts?limit=1001", "bad_request"),
        ("/api/v1/alerts?limit=many", "bad_request"),
        ("/api/v1/alerts?status=open&status=snoozed", "bad_request"),
        ("/api/v1/alerts?page=!", "bad_page"),
        ("/api/v1/alerts?page=eA", "bad_page"),
        ("/api/v1/alerts?format=xml", "bad_request"),
        ("/api/v1/alerts?store=%ff", "bad_request"),
        ("/api/v1/alerts?store=nowhere", "unknown_store"),
        ("/api/v1/kpis?from=tomorrow", "bad_time"),
        ("/api/v1/kpis?from=2026-02-01&to=2026-01-01", "bad_request"),
        ("/api/v1/../../etc/passwd", "not_found"),
        ("/api/v1/%2e%2e/%2e%2e/etc/passwd", "not_found"),
    ] {
        assert_eq!(shop.get(path).code(), code, "{path}");
    }
    assert_eq!(shop.get(&format!("/api/v1/lots?page={token}")).code(), "bad_page");
    assert_eq!(shop.ask("PATCH", "/api/v1/alerts", &[], b"").code(), "method_not_allowed");
}

#[test]
fn the_document_is_the_committed_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/api/openapi.json");
    let document = shelf_web::openapi_json();
    if std::env::var_os("SHELF_WRITE_OPENAPI").is_some() {
        std::fs::create_dir_all(std::path::Path::new(path).parent().unwrap()).unwrap();
        std::fs::write(path, &document).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap();
    assert!(
        committed == document,
        "docs/api/openapi.json is another one; write it with SHELF_WRITE_OPENAPI=1 cargo test -p \
         shelf-web --test reads the_document"
    );
    let shop = Shop::open();
    assert_eq!(shop.get("/api/openapi.json").text(), document);
    let reader = shop.get("/api").text();
    assert!(reader.contains("/api/v1/alerts/{store}/{alert}") && !reader.contains("<script"));
    assert!(reader.contains("Idempotency-Key") && reader.contains("202 <code>application/json"));
    assert!(shop.get("/problems").text().contains("bad_page"));
    assert_eq!(shop.get("/problems/bad_page").status, 200);
    assert_eq!(shop.get("/problems/%3Cscript%3E").code(), "not_found");
}

#[test]
fn the_document_says_what_is_sent_beside_json() {
    let document: Value = serde_json::from_str(&shelf_web::openapi_json()).unwrap();
    let operation = |method: &str, path: &str| document["paths"][path][method].clone();
    let headers = |method: &str, path: &str| -> Vec<String> {
        let parameters = operation(method, path)["parameters"].clone();
        let all = parameters.as_array().unwrap().iter();
        let all = all.filter(|parameter| parameter["in"] == "header");
        all.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect()
    };
    let types = |part: &Value| -> Vec<String> {
        part["content"].as_object().unwrap().keys().cloned().collect()
    };
    let take = operation("post", "/api/v1/events");
    assert_eq!(types(&take["requestBody"]), ["application/json", "application/x-ndjson"]);
    assert!(take["responses"]["202"].is_object() && take["responses"]["200"].is_null(), "{take}");
    assert!(take["responses"]["429"].is_object());
    assert_eq!(headers("post", "/api/v1/events"), ["Idempotency-Key", "Content-Encoding"]);
    assert_eq!(
        headers("post", "/api/v1/orders/{store}/{order}/{act}"),
        ["Idempotency-Key", "If-Match"]
    );
    assert_eq!(
        headers("put", "/api/v1/policies/{store}/{policy}"),
        ["Idempotency-Key", "If-Match"]
    );
    assert_eq!(headers("get", "/api/v1/stream"), ["Last-Event-ID"]);
    assert_eq!(headers("get", "/api/v1/alerts"), ["If-None-Match"]);
    assert_eq!(
        types(&operation("post", "/api/v1/sql")["responses"]["200"]),
        [
            "application/json",
            "text/csv",
            "application/vnd.apache.arrow.stream",
            "application/vnd.apache.parquet"
        ]
    );
    let schemes = document["components"]["securitySchemes"].as_object().unwrap();
    assert_eq!(schemes.len(), 2);
    assert_eq!(schemes["token"]["scheme"], "bearer");
    assert_eq!(document["security"].as_array().unwrap().len(), 3);
}

#[test]
fn the_life_of_a_lot_adds_up_and_its_page_shows_the_same() {
    let shop = Shop::open();
    let lots = shop.get("/api/v1/lots?store=S001&limit=1000").json();
    let number = |life: &Value, name: &str| life[name].as_i64().unwrap_or_else(|| panic!("{name}"));
    let mut sold = 0;
    for lot in rows(&lots, "lots").iter().step_by(100) {
        let (sku, code) = (lot["sku"].as_str().unwrap(), lot["lot"].as_str().unwrap());
        let life = shop.get(&format!("/api/v1/lots/S001/{sku}/{code}")).json();
        assert_eq!(life["birth_known"], true, "{life}");
        let came = number(&life, "received_units") + number(&life, "returned_units");
        let places = ["floor_units", "warehouse_units", "transit_units"];
        let left: i64 = places.iter().map(|place| number(&life, place)).sum();
        assert!(places.iter().all(|place| life[place] == lot[place]), "{life} of {lot}");
        let gone = number(&life, "sold_units") + number(&life, "removed_units");
        assert_eq!(came, left + gone + number(&life, "unexplained_units"), "{life}");
        let days = rows(&life, "days");
        let daily: i64 = days.iter().map(|day| number(day, "sold_units")).sum();
        assert_eq!(daily, number(&life, "sold_units"), "{life}");
        sold += daily;
        let page = shop.get(&format!("/lots/{sku}/{code}?store=S001")).text();
        let shown = format!("data-figure=\"lot_sold\" data-value=\"{daily}\"");
        assert!(page.contains(&shown), "{sku} {code}: {shown}");
    }
    assert!(sold > 0, "some of them have sold");
    // As it was then, and what never was.
    let lot = &rows(&lots, "lots")[0];
    let path = format!("{}/{}", lot["sku"].as_str().unwrap(), lot["lot"].as_str().unwrap());
    let then = shop.get(&format!("/api/v1/lots/S001/{path}?as_of=2026-01-01T06:00:00Z"));
    assert!(matches!(then.status, 200 | 404), "{}", then.text());
    assert_eq!(shop.get("/api/v1/lots/S001/NOTHING/L1").code(), "unknown_lot");
    let page = shop.get(&format!("/lots/{}/never?store=S001", lot["sku"].as_str().unwrap())).text();
    assert!(page.contains("Its life is not known."), "{page}");
}
