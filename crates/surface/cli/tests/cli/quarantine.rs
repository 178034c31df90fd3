//! `quarantine`: what was not accepted, and what becomes of it.

use crate::program::Place;
use crate::shop::{open_shop, pickup, product};

fn with_unknown_pears() -> Place {
    let place = open_shop();
    let lines = pickup(1, "PEAR", 2) + "not json\n" + &pickup(2, "APPLE", 0);
    assert_eq!(place.feed("import -", lines).code, 6);
    place
}

#[test]
fn what_was_not_accepted_is_listed_with_its_reason() {
    let place = with_unknown_pears();
    let entries = place.jsons("quarantine list");
    let reasons: Vec<_> = entries.iter().map(|entry| entry["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons.len(), 3);
    for reason in ["malformed_json", "no_units", "unknown_product"] {
        assert!(reasons.contains(&reason), "{reasons:?}");
        let only = place.jsons(&format!("quarantine list --reason {reason}"));
        assert_eq!((only.len(), &only[0]["reason"]), (1, &reason.into()));
        assert!(!only[0]["hint"].as_str().unwrap().is_empty());
    }
    let cut = place.run("quarantine list --limit 1 --json");
    assert_eq!((cut.jsons().len(), cut.err.as_str()), (1, "3 in all; see more with --limit\n"));
    let none = place.run("quarantine list --limit 0");
    assert_eq!((none.out.as_str(), none.err.as_str()), ("", "3 in all; see more with --limit\n"));
    let other = place.run("quarantine list --reason rain");
    assert_eq!((other.code, other.err.as_str()), (0, "nothing is in quarantine for rain\n"));
    let text = place.ok("quarantine list --reason malformed_json");
    assert!(text.contains("stdin:2\n    not json\n    hint: "), "{text}");
}

#[test]
fn a_retry_is_accepted_once_its_cause_is_gone() {
    let place = with_unknown_pears();
    let id = place.jsons("quarantine list --reason unknown_product")[0]["id"].clone();
    let id = id.as_str().unwrap();
    let early = place.run(&format!("quarantine retry {id} --json"));
    assert_eq!((early.code, &early.jsons()[0]["result"]["code"]), (6, &"unknown_product".into()));
    let waiting = place.jsons("quarantine list --reason unknown_product");
    assert_eq!(waiting.len(), 1, "tried twice, listed once: {waiting:?}");

    assert_eq!(place.feed("send", product("PEAR")).code, 0);
    let all = place.run("quarantine retry --all --json");
    assert_eq!(all.code, 6, "two stay wrong: {all:?}");
    let results: Vec<String> = all
        .jsons()
        .iter()
        .map(|one| one["result"]["status"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(results.iter().filter(|status| *status == "accepted").count(), 1);
    assert!(place.jsons("quarantine list --reason unknown_product").is_empty());
    assert_eq!(place.jsons("quarantine list").len(), 2);
    assert_eq!(place.json("shelves show PEAR")["floor_units"], 18);

    let late = place.run(&format!("quarantine retry {id}"));
    assert_eq!((late.code, late.out), (0, format!("{id}  known already\n")));
}

/// Source and line of the only entry with this reason, as JSON and as text.
fn from(place: &Place, reason: &str) -> (String, String) {
    let list = format!("quarantine list --reason {reason}");
    let entries = place.jsons(&list);
    assert_eq!(entries.len(), 1, "{entries:?}");
    let source = entries[0]["source"].as_str().unwrap_or("nobody");
    (format!("{source}:{}", entries[0]["line"]), place.ok(&list).lines().next().unwrap().to_owned())
}

#[test]
fn an_entry_says_where_it_came_from() {
    let place = open_shop();
    place.file("sensors.ndjson", pickup(1, "APPLE", 2) + &pickup(2, "PEAR", 1) + "{\n");
    assert_eq!(place.run("import sensors.ndjson").code, 6);
    let (json, text) = from(&place, "unknown_product");
    assert_eq!(json, "sensors.ndjson:2");
    assert!(text.ends_with("  unknown_product  sensors.ndjson:2"), "{text}");
    assert_eq!(from(&place, "malformed_json").0, "sensors.ndjson:3");

    assert_eq!(place.run("quarantine retry --all").code, 6);
    assert_eq!(from(&place, "unknown_product").0, "sensors.ndjson:2", "tried in vain");
    assert_eq!(place.feed("send", pickup(3, "APPLE", 0)).code, 6);
    assert_eq!(from(&place, "no_units").0, "socket:null");
    assert_eq!(place.feed("send", product("PEAR")).code, 0);
    place.run("quarantine retry --all");
    assert!(place.jsons("quarantine list --reason unknown_product").is_empty());
    assert_eq!(place.json("shelves show PEAR")["floor_units"], 19);

    let known: Vec<String> = place.sources().values().map(|one| one["name"].to_string()).collect();
    let expected = [r#""socket""#, r#""cli""#, r#""http""#, r#""stdin""#, r#""sensors.ndjson""#];
    assert_eq!(known, expected);
}

#[test]
fn a_receipt_of_a_table_came_from_its_first_row() {
    let place = open_shop();
    place.file(
        "till.toml",
        r#"
format_version = 1
description = "a till"
[event]
kind = "pos_transaction"
[time]
column = "when"
format = "%Y-%m-%d %H:%M:%S"
zone = "UTC"
[store]
id = "shop"
create = "never"
[product]
create = "never"
[fields]
receipt = "ticket"
sku = "article"
quantity = "qty"
unit_price = "price"
"#,
    );
    place.file(
        "till.csv",
        "when,shop,ticket,article,qty,price\n\
         2026-03-02 09:00:00,R1,T1,APPLE,1,1.20\n\
         2026-03-02 09:01:00,R1,T2,APPLE,1,1.20\n\
         2026-03-02 09:01:00,R1,T2,PLUM,1,1.20\n",
    );
    let ran = place.run("import till.csv --mapping till.toml");
    assert_eq!(ran.code, 6, "{ran:?}");
    let (json, text) = from(&place, "unknown_product");
    assert_eq!(json, "till.csv:3");
    assert!(text.ends_with("till.csv:3"), "{text}");
    let till = place.sources().into_iter().find(|(_, one)| one["name"] == "till.csv").unwrap();
    assert_eq!(
        (till.1["kind"].as_str(), till.1["mapping"].as_str()),
        (Some("import"), Some("till.toml"))
    );
}

#[test]
fn a_retry_gives_a_store_to_lines_that_name_none() {
    let place = open_shop();
    let line = pickup(1, "APPLE", 2).replace(r#""store_id":"R1","#, "");
    assert_eq!(place.feed("import -", line).code, 6);
    assert_eq!(place.run("quarantine retry --all").code, 6);
    place.ok("quarantine retry --all --store R1");
    assert_eq!(place.json("shelves show APPLE")["floor_units"], 18);
}

#[test]
fn an_entry_must_be_one() {
    let place = with_unknown_pears();
    place.fails("quarantine retry p99:0", 5, "not_found");
    place.fails("quarantine retry p00:123456", 5, "not_found");
    for id in ["first", "p1", "p:1", "13:1", "p1:x"] {
        place.fails(&format!("quarantine retry {id}"), 2, "usage");
    }
    assert_eq!(place.run("quarantine retry").code, 2);
    assert_eq!(place.run("quarantine retry --all p00:1").code, 2);
}
