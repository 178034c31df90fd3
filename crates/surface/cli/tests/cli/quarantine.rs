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
    assert!(text.contains("stdin, line 2\n    not json\n    hint: "), "{text}");
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
