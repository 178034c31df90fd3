//! Lists of events that stay live with filters, and what lists of a past moment show.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers fail like tests")]

#[path = "fixture/shop.rs"]
mod shop;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use shop::{Shop, between};

/// The stream of changes of an open page.
struct Open(BufReader<TcpStream>);

impl Open {
    fn page(shop: &Shop, path: &str, last: Option<&str>) -> Self {
        let mut socket = TcpStream::connect(shop.address()).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let last = last.map_or_else(String::new, |id| format!("last-event-id: {id}\r\n"));
        let host = shop.address();
        write!(socket, "GET /live{path} HTTP/1.1\r\nhost: {host}\r\n{last}\r\n").unwrap();
        Self(BufReader::new(socket))
    }

    /// The list as it is sent next, with the id of what was sent.
    fn list(&mut self) -> (String, String) {
        let mut id = String::new();
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "the stream has ended");
            if let Some(found) = line.strip_prefix("id: ") {
                found.trim_end().clone_into(&mut id);
            }
            let Some(data) = line.strip_prefix("data: ") else { continue };
            let Ok(Value::Array(parts)) = serde_json::from_str(data) else { continue };
            if let Some(part) = parts.iter().find(|part| part[0] == "events") {
                return (part[1].as_str().unwrap().to_owned(), id);
            }
        }
    }

    fn list_until(&mut self, holds: impl Fn(&str) -> bool) -> (String, String) {
        loop {
            let (list, id) = self.list();
            if holds(&list) {
                return (list, id);
            }
        }
    }
}

fn now(shop: &Shop) -> Value {
    shop.get("/api/v1/status").json()["now"].clone()
}

/// A customer comes in. Time stands: each entry has an id of its own.
fn enters(shop: &Shop, store: &str, customer: &str) {
    static LAST: AtomicU32 = AtomicU32::new(0);
    let number = LAST.fetch_add(1, Ordering::Relaxed);
    let event = json!({
        "event_id": format!("00000000-0000-4000-8000-{number:012x}"),
        "event_type": "entry", "store_id": store, "customer_id": customer, "timestamp": now(shop),
    });
    assert_eq!(shop.post("/api/v1/events", &event).json()["accepted"], 1);
}

/// How many rows a list has.
fn rows(list: &str) -> usize {
    list.matches("<tr id=").count()
}

#[test]
fn what_came_in_is_live_by_store_kind_and_customer() {
    let shop = Shop::open();
    let mut of_kind = Open::page(&shop, "/events?show=events&store=S001&kind=entry", None);
    let mut followed = Open::page(&shop, "/events?show=events&text=Q-9", None);
    let (list, _) = of_kind.list();
    assert!(rows(&list) > 10 && !list.contains("Q-9"), "the entries of the day: {list}");
    let (list, seen) = followed.list();
    assert!(rows(&list) == 0 && list.contains("Nothing that the filter keeps"), "{list}");
    enters(&shop, "S002", "Q-9");
    let (list, _) = followed.list_until(|list| rows(list) == 1);
    assert!(list.contains("customer id Q-9"), "{list}");
    // What only begins as the customer does is of another one.
    enters(&shop, "S001", "Q-99");
    enters(&shop, "S001", "Q-9");
    let (list, _) = of_kind.list_until(|list| list.contains("Q-99") && list.contains("Q-9<"));
    let kinds = list.matches("<span class=\"mark\">Entry</span>").count();
    assert_eq!(kinds, rows(&list), "other kinds: {list}");
    let (list, _) = followed.list_until(|list| rows(list) == 2);
    assert!(!list.contains("Q-99"), "{list}");
    // Who was away is sent all that came meanwhile, as whoever loads the page sees it.
    drop(followed);
    enters(&shop, "S001", "Q-9");
    let mut again = Open::page(&shop, "/events?show=events&text=Q-9", Some(&seen));
    let (list, _) = again.list_until(|list| rows(list) == 3);
    let page = shop.get("/events?show=events&text=Q-9").text();
    for id in list.split("<tr id=\"").skip(1).map(|row| row.split('"').next().unwrap()) {
        assert!(page.contains(&format!("<tr id=\"{id}\"")), "{id}");
    }
    assert!(page.contains("data-live=\"/live/events?show=events&#38;text=Q-9\""), "{page}");
}

#[test]
fn what_followed_is_live_by_kind_and_sku() {
    let shop = Shop::open();
    let shelf = shop.get("/api/v1/shelves?store=S001&limit=1").json()["shelves"][0].clone();
    let sku = shelf["sku"].as_str().unwrap();
    let mut prices = Open::page(&shop, "/events?store=S001&kind=price", None);
    let mut of_sku = Open::page(&shop, &format!("/events?store=S001&text={sku}"), None);
    let before = (rows(&prices.list().0), rows(&of_sku.list().0));
    let price = json!({
        "event_type": "price", "store_id": "S001", "item_id": sku, "price": 987.65,
        "timestamp": now(&shop),
    });
    assert_eq!(shop.post("/api/v1/events", &price).json()["accepted"], 1);
    let (list, _) = prices.list_until(|list| list.contains("987.65"));
    assert!(rows(&list) == before.0 + 1 || rows(&list) == 150, "{list}");
    let (list, _) = of_sku.list_until(|list| list.contains("987.65"));
    assert!(rows(&list) > before.1, "{list}");
}

#[test]
fn lists_of_a_past_moment_end_there() {
    let shop = Shop::open();
    let then = "2026-01-02T09:00";
    let local_day = |list: &str| list.matches("Thu ").count() + list.matches("Fri ").count();
    for path in ["/events?show=events", "/events?", "/events?kind=alert", "/?"] {
        let page = shop.get(&format!("{path}&store=S001&as_of={then}")).text();
        assert!(local_day(&page) > 0, "{path}: {page}");
        assert!(!page.contains("data-live=\"/"), "{path}: nothing of it changes");
    }
    // The newest event of the list is the last one received by then, and the API says the same.
    let page = shop.get(&format!("/events?show=events&as_of={then}")).text();
    let first = between(&page, "<tr id=\"e-", "\"").to_owned();
    let (partition, offset) = first.split_once('-').unwrap();
    let api = shop.get(&format!("/api/v1/events?limit=500&as_of={then}:00Z")).json();
    let events = api["events"].as_array().unwrap();
    assert_eq!(events.len(), 500);
    let ids: Vec<&str> = events.iter().map(|row| row["id"].as_str().unwrap()).collect();
    let id = format!("p{:02}-{offset}", partition.parse::<u32>().unwrap());
    let at = |row: &Value| row["received_at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let moment: jiff::Timestamp = format!("{then}:00Z").parse().unwrap();
    assert!(events.iter().all(|row| at(row) <= moment));
    assert!(moment.duration_since(at(&events[0])).as_secs() <= 60, "{}", events[0]);
    let newest = events.iter().filter(|row| at(row) == at(&events[0]));
    assert!(ids.iter().take(newest.count()).any(|known| *known == id), "{id}: {ids:?}");
    // Pages behind the first one go on from there.
    let token = api["next_page"].as_str().unwrap();
    let next = shop.get(&format!("/api/v1/events?limit=5&as_of={then}:00Z&page={token}")).json();
    assert!(!ids.contains(&next["events"][0]["id"].as_str().unwrap()), "{next}");
    // What came in only later is not found there.
    let late = format!("/events/{partition}/{}?as_of={then}", offset.parse::<u64>().unwrap() + 1);
    assert_eq!(shop.get(&late).status, 404);
    assert_eq!(shop.get(&format!("/events/{partition}/{offset}?as_of={then}")).status, 200);
}

#[test]
fn histories_and_acts_of_a_past_moment_end_there() {
    let shop = Shop::open();
    let now = now(&shop).as_str().unwrap().to_owned();
    let alert =
        shop.get("/api/v1/alerts?status=open&store=S001&limit=1").json()["alerts"][0].clone();
    let id = alert["alert"].as_str().unwrap().to_owned();
    let acknowledge = format!("/api/v1/alerts/S001/{id}/acknowledge");
    // Time goes on by an hour before somebody does something.
    let body = json!({"note": "seen later"});
    shop.pace.set_speed(Some(3_600.0));
    shop.pace.set_paused(false);
    let later = |shop: &Shop| {
        let at = shop.get("/api/v1/status").json()["now"].as_str().unwrap().to_owned();
        at.parse::<jiff::Timestamp>().unwrap()
    };
    let then: jiff::Timestamp = now.parse().unwrap();
    while later(&shop).duration_since(then).as_mins() < 30 {
        std::thread::sleep(Duration::from_millis(20));
    }
    shop.pace.set_paused(true);
    let acted = shop.post(&acknowledge, &body);
    if acted.status != 200 {
        // It closed by itself meanwhile: another one stands.
        let other = shop.get("/api/v1/alerts?status=open&store=S001&limit=1").json();
        let other = other["alerts"][0]["alert"].as_str().unwrap().to_owned();
        let path = format!("/api/v1/alerts/S001/{other}/acknowledge");
        assert_eq!(shop.post(&path, &body).status, 200);
    }
    let acts = |query: &str| {
        let audit = shop.get(&format!("/api/v1/audit?{query}")).json();
        audit["events"].as_array().unwrap().len()
    };
    assert_eq!((acts("actor=local"), acts(&format!("actor=local&as_of={now}"))), (1, 0));
    let page = shop.get(&format!("/audit?actor=local&as_of={now}")).text();
    assert!(page.contains("Nobody did anything") && !page.contains("seen later"), "{page}");
    assert!(shop.get("/audit?actor=local").text().contains("seen later"));
    // The life of an alert, and what the log says of a shelf, end at the moment too.
    let sku = alert["sku"].as_str().unwrap_or_default();
    for path in [format!("/alerts/{id}"), format!("/shelves/{sku}")] {
        let page = shop.get(&format!("{path}?store=S001&as_of={now}"));
        assert!(page.status == 200 && !page.text().contains("seen later"), "{path}");
    }
    let shelf = shop.get(&format!("/shelves/{sku}?store=S001&as_of={now}")).text();
    let clock = between(&shelf, "read back to ", ".").to_owned();
    assert!(!clock.is_empty());
}
