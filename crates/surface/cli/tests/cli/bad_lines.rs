//! Lines that are no events, or that break a rule: each ends in quarantine with its reason, and
//! what is good around it is taken.

use std::io::Write;

use serde_json::Value;

use crate::program::Ran;
use crate::shop::{open_shop, pickup};

/// Takes a good line, these bytes and another good line in, one line each. Returns the entry of the
/// bytes in quarantine.
fn entry_of(bytes: &[u8]) -> Value {
    let place = open_shop();
    let mut input = pickup(1, "APPLE", 1).into_bytes();
    input.extend_from_slice(bytes);
    input.push(b'\n');
    input.extend_from_slice(pickup(2, "APPLE", 1).as_bytes());
    let ran = place.feed("import - --json", &input);
    let report = &ran.jsons()[0];
    let counts = ["lines", "accepted", "quarantined"].map(|what| report[what].as_u64().unwrap());
    assert_eq!((ran.code, counts), (6, [3, 2, 1]), "{ran:?}");
    let entries = place.jsons("quarantine list");
    assert_eq!(entries.len(), 1);
    assert!(place.ok("quarantine list").contains("hint: "));
    assert_eq!(place.json("shelves show APPLE")["floor_units"], 18);
    assert_eq!(place.json("status")["intake"]["violations"].as_u64().unwrap_or(0), 0);
    assert_eq!(place.json("replay")["equal"], true);

    // The one who sends it is told the same at once.
    let sent = place.feed("send --json", bytes);
    assert_eq!((sent.code, &sent.jsons()[0]["code"]), (6, &entries[0]["reason"]), "{sent:?}");
    entries.into_iter().next().unwrap()
}

fn reason_of(line: impl AsRef<[u8]>) -> String {
    entry_of(line.as_ref())["reason"].as_str().unwrap().to_owned()
}

/// A pickup with one of its values changed.
fn changed(from: &str, to: &str) -> String {
    let line = pickup(5, "APPLE", 2);
    assert!(line.contains(from), "{line}");
    line.trim_end().replace(from, to)
}

#[test]
fn malformed_json() {
    assert_eq!(reason_of("{\"event_type\":\"pickup\","), "malformed_json");
    assert_eq!(reason_of("nonsense"), "malformed_json");
    assert_eq!(reason_of(changed("}", "}}")), "malformed_json");
}

#[test]
fn wrong_types() {
    assert_eq!(reason_of("[1, 2]"), "wrong_type");
    assert_eq!(reason_of(changed(":2}", ":[2]}")), "wrong_type");
    assert_eq!(reason_of(changed("\"APPLE\"", "{}")), "wrong_type");
    assert_eq!(reason_of(changed(":2}", ":null}")), "missing_field");
}

#[test]
fn an_unknown_product() {
    let entry = entry_of(pickup(5, "PEAR", 2).trim_end().as_bytes());
    assert_eq!((&entry["reason"], &entry["store"]), (&"unknown_product".into(), &"R1".into()));
}

#[test]
fn an_unknown_store() {
    assert_eq!(reason_of(changed("\"R1\"", "\"R2\"")), "unknown_store");
}

#[test]
fn an_unknown_event_type() {
    let entry = entry_of(changed("\"pickup\"", "\"pick_up\"").as_bytes());
    assert_eq!((&entry["reason"], &entry["line"]), (&"unknown_event_type".into(), &2.into()));
}

#[test]
fn negative_and_absurd_quantities() {
    assert_eq!(reason_of(changed(":2}", ":-2}")), "negative_units");
    assert_eq!(reason_of(changed(":2}", ":0}")), "no_units");
    assert_eq!(reason_of(changed(":2}", ":4000000000}")), "too_many_units");
    assert_eq!(reason_of(changed(":2}", ":99999999999999999999}")), "out_of_range");
    assert_eq!(reason_of(changed(":2}", ":1e400}")), "out_of_range");
    assert_eq!(reason_of(changed(":2}", ":2.5}")), "wrong_type");
}

#[test]
fn times_far_in_the_future_and_in_the_past() {
    assert_eq!(reason_of(changed("2026-03-02", "2099-03-02")), "time_in_future");
    assert_eq!(reason_of(changed("2026-03-02", "2025-03-02")), "time_too_old");
    assert_eq!(reason_of(changed("2026-03-02", "0001-03-02")), "time_too_old");
    assert_eq!(reason_of(changed("2026-03-02", "2026-02-30")), "bad_time");
    assert_eq!(reason_of(changed("09:05:00Z", "09:05:00")), "bad_time");
}

#[test]
fn a_text_of_a_megabyte() {
    let name = "x".repeat(1 << 20);
    let entry = entry_of(changed("APPLE", &name).as_bytes());
    assert_eq!(entry["reason"], "too_large");
    assert!(entry["raw_len"].as_u64().unwrap() > 1 << 20);
    let name = "x".repeat(1 << 19);
    assert_eq!(reason_of(changed("APPLE", &name)), "text_too_long");
    // A terminal is shown the start of it only.
    let place = open_shop();
    place.feed("import -", changed("APPLE", &name));
    assert!(place.ok("quarantine list").len() < 1_000);
}

#[test]
fn a_line_without_end() {
    let place = open_shop();
    let mut input = vec![b'x'; 5 << 20];
    input.push(b'\n');
    input.extend_from_slice(pickup(1, "APPLE", 1).as_bytes());
    let sent = place.feed("send --json", &input);
    let answers: Vec<Value> = sent.jsons().iter().map(|ack| ack["status"].clone()).collect();
    assert_eq!((sent.code, answers), (6, vec!["rejected".into(), "accepted".into()]));
    let imported = place.feed("import - --json", &input);
    assert_eq!((imported.code, &imported.jsons()[0]["lines"]), (6, &2.into()));
    let entry = &place.jsons("quarantine list")[0];
    assert_eq!((&entry["reason"], &entry["raw_len"]), (&"too_large".into(), &(5 << 20).into()));
}

#[test]
fn invalid_utf8() {
    let mut line = changed("APPLE", "APP~E").into_bytes();
    for byte in line.iter_mut().filter(|byte| **byte == b'~') {
        *byte = 0xff;
    }
    assert_eq!(reason_of(line), "invalid_utf8");
}

#[test]
fn a_file_that_was_cut() {
    let place = open_shop();
    let text: String = (0..60).map(|minute| pickup(minute, "APPLE", 1)).collect();
    let cut = &text.as_bytes()[..text.len() - 30];
    place.file("cut.ndjson", cut);
    let ran = place.run("import cut.ndjson --json");
    let report = &ran.jsons()[0];
    assert_eq!((ran.code, &report["accepted"], &report["lines"]), (6, &59.into(), &60.into()));
    assert_eq!(place.jsons("quarantine list")[0]["reason"], "malformed_json");
    // The whole file later adds what was cut, and nothing twice.
    place.file("whole.ndjson", text);
    let report = &place.run("import whole.ndjson --json").jsons()[0];
    assert_eq!((&report["accepted"], &report["duplicates"]), (&1.into(), &59.into()));
}

#[test]
fn a_packed_file_that_was_cut() {
    let place = open_shop();
    let text: String = (0..60).map(|minute| pickup(minute, "APPLE", 1)).collect();
    place.file("days.ndjson", text.repeat(50));
    let packed = place.shell("gzip days.ndjson").status().unwrap();
    assert!(packed.success(), "gzip is needed");
    let bytes = std::fs::read(place.path("days.ndjson.gz")).unwrap();
    place.file("cut.ndjson.gz", &bytes[..bytes.len() / 2]);
    let ran = place.run("import cut.ndjson.gz --json");
    let report = &ran.jsons()[0];
    assert_eq!((ran.code, &report["accepted"], &report["quarantined"]), (6, &60.into(), &1.into()));
    let entry = &place.jsons("quarantine list")[0];
    assert_eq!(
        (&entry["reason"], &entry["source"]),
        (&"truncated_input".into(), &"cut.ndjson.gz".into())
    );
    place.file("no.ndjson.gz", "this was never packed");
    assert_eq!(place.run("import no.ndjson.gz").code, 6);
}

#[test]
fn thousands_of_lines_with_every_fault_mixed() {
    let place = open_shop();
    let good = |minute: u32| pickup(minute % 60, "APPLE", 1);
    let bad: [Vec<u8>; 12] = [
        b"{".to_vec(),
        b"[]".to_vec(),
        b"\xff\xfe".to_vec(),
        b"null".to_vec(),
        b"{\"event_type\":\"\\u0000\"}".to_vec(),
        "{\"a\":".repeat(5_000).into_bytes(),
        changed(":2}", ":-2}").into_bytes(),
        changed("2026", "9999").into_bytes(),
        changed("2026", "1999").into_bytes(),
        changed("APPLE", "PEAR").into_bytes(),
        changed("pickup", "pickpocket").into_bytes(),
        changed("APPLE", "").into_bytes(),
    ];
    let mut input = Vec::new();
    for number in 0..6_000_u32 {
        match number % 3 {
            0 => input.write_all(good(number).as_bytes()).unwrap(),
            _ => {
                input.write_all(&bad[number as usize % bad.len()]).unwrap();
                input.push(b'\n');
            }
        }
    }
    place.file("mixed.ndjson", &input);
    let counts = |ran: &Ran| {
        assert_eq!(ran.code, 6);
        let report = ran.jsons().remove(0);
        ["accepted", "duplicates", "quarantined"].map(|what| report[what].as_u64().unwrap())
    };
    let first = counts(&place.run("import mixed.ndjson --json --threads 3"));
    assert_eq!(first.iter().sum::<u64>(), 6_000);
    // A good line stands there every third minute of the hour.
    assert_eq!(first[0], 20, "{first:?}");
    let second = counts(&place.run("import mixed.ndjson --again --json --threads 1"));
    assert_eq!(second.iter().sum::<u64>(), 6_000);
    assert_eq!(second[0], 0, "{second:?}");
    let listed = place.jsons("quarantine list --limit 100000");
    assert!(listed.iter().all(|entry| !entry["reason"].as_str().unwrap().is_empty()));
    assert_eq!(place.json("replay")["equal"], true);
    assert!(place.jsons("log verify").iter().all(|log| log["sound"] == true));
}
