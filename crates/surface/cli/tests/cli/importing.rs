//! `import`: JSON lines, packed or from stdin, and tables with a mapping.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::program::{Place, Ran};
use crate::shop::{SHOP, open_shop, pickup};

const TILL: &str = "\
when,shop,ticket,article,qty,price
2026-03-02 09:00:00,R9,T1,APPLE,2,1.20
2026-03-02 09:00:00,R9,T1,PEAR,1,0.80
2026-03-02 09:05:00,R9,T2,APPLE,-1,1.20
2026-03-02 09:06:00,R9,T3,APPLE,many,1.20
";

const MAPPING: &str = r#"
format_version = 1
description = "the till of a corner shop"
[event]
kind = "pos_transaction"
[time]
column = "when"
format = "%Y-%m-%d %H:%M:%S"
zone = "Europe/Rome"
[store]
id = "shop"
[product]
name = "article"
category = { value = "Fruit" }
[fields]
receipt = "ticket"
sku = "article"
quantity = "qty"
unit_price = "price"
"#;

fn shop_lines() -> String {
    SHOP.to_owned() + &pickup(0, "APPLE", 2) + "\n" + &pickup(1, "APPLE", 3)
}

/// The counts of an import: lines, accepted, duplicates, quarantined.
fn counts(ran: &Ran) -> [u64; 4] {
    let report = &ran.jsons()[0];
    ["lines", "accepted", "duplicates", "quarantined"].map(|what| report[what].as_u64().unwrap())
}

#[test]
fn a_store_that_names_its_time_zone_lives_by_it() {
    let shop = |zone: &str| {
        let zone = format!("\"name\":\"Corner\",\"time_zone\":\"{zone}\"");
        shop_lines().replacen("\"name\":\"Corner\"", &zone, 1)
    };
    // In Rome the second day begins at 23:00 UTC of the first.
    let late = pickup(0, "APPLE", 1).replace("T09:00", "T23:30");
    for words in ["import -", "send"] {
        let place = Place::new();
        if words == "send" {
            place.feed("import -", SHOP.replace("R1", "R2"));
        }
        let ran = place.feed(&format!("{words} --json"), shop("Europe/Rome") + &late);
        assert_eq!(ran.code, 0, "{ran:?}");
        let day = place.json("status")["stores"][0]["day"].clone();
        assert_eq!(day, "2026-03-03", "{words}");
        let ran =
            place.feed(&format!("{words} --json"), shop("Mars/Phobos").lines().next().unwrap());
        assert_eq!(ran.code, 6, "{ran:?}");
    }
    let place = open_shop();
    let ran = place.feed("send --json", shop("Mars/Phobos").lines().next().unwrap());
    let answer = &ran.jsons()[0];
    assert_eq!((ran.code, &answer["code"]), (6, &"unknown_time_zone".into()), "{ran:?}");
    assert!(answer["hint"].as_str().unwrap().contains("Europe/Rome"), "{ran:?}");
}

#[test]
fn lines_are_taken_once() {
    let place = Place::new();
    place.file("shop.ndjson", shop_lines());
    let first = place.run("import shop.ndjson --json");
    assert_eq!((first.code, counts(&first)), (0, [6, 6, 0, 0]), "{first:?}");
    let second = place.run("import shop.ndjson --json --threads 3");
    assert_eq!((second.code, counts(&second)), (0, [6, 0, 6, 0]), "{second:?}");
    assert_eq!(place.json("shelves show APPLE")["floor_units"], 15);
    assert!(place.ok("import shop.ndjson").contains("duplicate               6"));
}

#[test]
fn the_same_lines_are_the_same_events_however_they_come() {
    let place = Place::new();
    let plain = place.file("shop.ndjson", shop_lines());
    let packed = Command::new("gzip").args(["-k"]).arg(plain).status().unwrap();
    assert!(packed.success(), "gzip is needed");
    let first = place.run("import shop.ndjson.gz --json");
    assert_eq!((first.code, counts(&first)), (0, [6, 6, 0, 0]), "{first:?}");
    let stdin = place.feed("import - --json", shop_lines());
    assert_eq!(counts(&stdin), [6, 0, 6, 0]);
    let windows = place.feed("import - --json", shop_lines().replace('\n', "\r\n"));
    assert_eq!(counts(&windows), [6, 0, 6, 0]);
    std::fs::create_dir(place.path("days")).unwrap();
    place.file("days/1.jsonl", shop_lines());
    place.file("days/2.jsonl", pickup(2, "APPLE", 1));
    assert_eq!(counts(&place.run("import days --json")), [7, 1, 6, 0]);
    assert_eq!(counts(&place.run("import days/?.jsonl shop.ndjson --json")), [13, 0, 13, 0]);
}

#[test]
fn lines_without_a_store_get_the_one_that_is_named() {
    let place = Place::new();
    let lines = shop_lines().replace(r#""store_id":"R1","#, "").replace(r#","store_id":"R1""#, "");
    let ran = place.feed("import - --json --store R7", &lines);
    assert_eq!((ran.code, counts(&ran)), (0, [6, 6, 0, 0]), "{ran:?}");
    assert_eq!(place.json("shelves show APPLE --store R7")["floor_units"], 15);
    let nowhere = place.feed("import - --json", &lines);
    assert_eq!((nowhere.code, counts(&nowhere)), (6, [6, 0, 0, 6]));
    for name in ["", "a_name_that_is_longer_than_any"] {
        let mut command = place.command("import - --store");
        Ran::of(command.arg(name), b"").failed(2, "usage");
    }
}

#[test]
fn a_table_becomes_sales_and_returns() {
    let place = Place::new();
    place.file("till.csv", TILL);
    place.file("till.toml", MAPPING);
    let ran = place.run("import till.csv --mapping till.toml --json");
    assert_eq!(ran.code, 6, "{ran:?}");
    let report = &ran.jsons()[0];
    let lines = ["lines", "sale_lines", "return_lines", "rejected_lines", "quarantined"];
    assert_eq!(lines.map(|what| report[what].as_u64().unwrap()), [4, 2, 1, 1, 1]);
    assert_eq!(place.json("status --store R9")["revenue_cents"], 200);
    let entry = &place.jsons("quarantine list")[0];
    let found = (&entry["reason"], &entry["source"], &entry["line"]);
    assert_eq!(found, (&"bad_number".into(), &"till.csv".into(), &5.into()));
    assert!(entry["raw"].as_str().unwrap().contains("many"));

    let again = place.run("import till.csv --mapping till.toml --json");
    let report = &again.jsons()[0];
    assert_eq!((report["accepted"].as_u64(), report["duplicates"].as_u64()), (Some(0), Some(8)));
}

#[test]
fn a_file_that_cannot_be_read_makes_no_folder() {
    let place = Place::new();
    place.file("till.csv", TILL);
    place.file("till.toml", MAPPING);
    place.file("other.toml", MAPPING.replace("ticket", "tickt"));
    place.file("broken.toml", MAPPING.replace("[time]", "[tiem]"));
    place.file("rome.toml", MAPPING.replace("Europe/Rome", "Europe/Rom"));
    place.file("notes.docx", "dear");
    for (words, code, error, said) in [
        ("import nope.ndjson", 5, "source_missing", "nope.ndjson"),
        ("import no*.ndjson", 5, "source_no_match", "no*.ndjson"),
        ("import notes.docx", 2, "source_unknown_kind", ".parquet"),
        ("import till.csv", 2, "source_no_mapping", "uci, dunnhumby"),
        ("import till.csv --mapping ucl", 5, "mapping_unknown", "did you mean uci?"),
        ("import till.csv --mapping none.toml", 5, "mapping_unknown", "none.toml"),
        ("import till.csv --mapping other.toml", 2, "source_no_column", "did you mean ticket?"),
        ("import till.csv --mapping broken.toml", 2, "mapping_bad", "tiem"),
        ("import till.csv --mapping rome.toml", 2, "time_zone_unknown", "Europe/Rome"),
    ] {
        let ran = place.fails(words, code, error);
        assert!(ran.err.contains(said), "{ran:?}");
        assert!(!place.path("data").exists(), "{words}");
    }
    let list = place.fails("import till.csv --mapping uci", 2, "source_no_column");
    assert!(list.err.contains("because: its columns are when, shop, ticket"), "{list:?}");
}

/// The log of four simulated days of one store, as a file; returns how many events it has.
fn days(place: &Place) -> u64 {
    place.ok("simulate --days 4 --data town");
    let lines = place.ok("log tail -n 99999999 --data town");
    let events = lines.lines().count() as u64;
    assert!(events > 70_000, "only {events} events");
    place.file("days.ndjson", lines);
    events
}

fn state_hash(place: &Place, data: &str) -> Value {
    let hash = place.json(&format!("replay --data {data}"))["state_hash"].clone();
    assert!(!hash.is_null());
    hash
}

#[test]
fn a_file_beyond_the_horizon_is_taken_once() {
    let place = Place::new();
    let events = days(&place);
    let first = place.run("import days.ndjson --json");
    assert_eq!((first.code, counts(&first)), (0, [events, events, 0, 0]), "{first:?}");
    let before = (state_hash(&place, "data"), place.json("status")["revenue_cents"].clone());
    let second = place.run("import days.ndjson --json");
    assert_eq!((second.code, counts(&second)), (0, [events, 0, events, 0]), "{second:?}");
    assert!(second.err.contains("--again"), "{second:?}");
    let after = (state_hash(&place, "data"), place.json("status")["revenue_cents"].clone());
    assert_eq!(before, after);
    let again = place.run("import days.ndjson --json --again");
    assert_eq!(counts(&again)[0], events);
    assert!(counts(&again)[1] + counts(&again)[3] > 0, "{again:?}");
}

/// [`days`] with lines that are bad, unknown or doubled among the good ones.
fn days_with_faults(place: &Place) {
    days(place);
    let text = std::fs::read_to_string(place.path("days.ndjson")).unwrap();
    let mut mixed = String::new();
    for (number, line) in text.lines().enumerate() {
        mixed.push_str(line);
        mixed.push('\n');
        match number % 500 {
            100 => mixed.push_str("{\n"),
            200 => mixed.push_str(&(line.to_owned() + "\n")),
            300 => mixed.push_str(&pickup(1, "NOPE", 1)),
            _ => {}
        }
    }
    place.file("days.ndjson", mixed);
}

/// What a ledger says of its only import.
fn entry(place: &Place) -> Value {
    let text = std::fs::read(place.path("data/imports.json")).unwrap_or_default();
    let ledger: Value = serde_json::from_slice(&text).unwrap_or_default();
    let imports = ledger["imports"].as_object();
    imports.and_then(|all| all.values().next().cloned()).unwrap_or_default()
}

/// The bytes of the event log.
fn log_bytes(place: &Place) -> u64 {
    let Ok(partitions) = std::fs::read_dir(place.path("data/log")) else { return 0 };
    let files = partitions.flatten().filter_map(|dir| std::fs::read_dir(dir.path()).ok()).flatten();
    files.flatten().filter_map(|file| Some(file.metadata().ok()?.len())).sum()
}

/// Imports the days and kills it once it has appended something; whether there was more to come.
fn killed_halfway(place: &Place) -> bool {
    let mut command = place.command("import days.ndjson");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let begun = Instant::now();
    let mut before = None;
    while child.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < Duration::from_mins(2), "the log does not grow");
        let bytes = log_bytes(place);
        match before {
            // A new log has its headers by the time that there is a ledger.
            None => before = Some(bytes).filter(|_| !entry(place).is_null()),
            Some(before) if bytes > before => break,
            Some(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
    // It may have ended by itself.
    let _ = child.kill();
    child.wait().unwrap();
    entry(place)["complete"] == false
}

#[test]
fn an_import_that_was_killed_ends_as_if_it_had_not_been() {
    const KILLS: usize = 3;
    let place = Place::new();
    days_with_faults(&place);
    let straight = place.run("import days.ndjson --json --data straight");
    assert_eq!(straight.code, 6, "{straight:?}");
    assert!(counts(&straight)[1..].iter().all(|&count| count > 100), "{straight:?}");
    // A machine may be so fast that an import ends before it is killed; the next folder is another
    // try.
    let tries = (0..20).find(|_| {
        let _ = std::fs::remove_dir_all(place.path("data"));
        (0..KILLS).all(|_| killed_halfway(&place))
    });
    assert!(tries.is_some(), "it cannot be killed halfway");
    let durable = entry(&place)["events"].as_u64().unwrap();

    place.file("renamed.ndjson", std::fs::read(place.path("days.ndjson")).unwrap());
    place.fails("import renamed.ndjson", 2, "usage");
    // What others do in the meantime takes nothing from the counts.
    place.feed("send", pickup(1, "NOPE", 2));
    let rest = place.run("import days.ndjson --json");
    assert!(rest.err.contains(&format!("goes on behind {durable} events")), "{rest:?}");
    assert_eq!((rest.code, counts(&rest)), (straight.code, counts(&straight)), "{rest:?}");
    assert_eq!(reasons(&rest), reasons(&straight));
    assert_eq!(rest.jsons()[0]["late"], straight.jsons()[0]["late"]);
    place.feed("send --data straight", pickup(1, "NOPE", 2));
    assert_eq!(state_hash(&place, "data"), state_hash(&place, "straight"));
    let all = counts(&straight)[1..].iter().sum();
    assert_eq!(counts(&place.run("import days.ndjson --json"))[1..], [0, all, 0]);
}

/// How many lines of an import went to quarantine, by reason.
fn reasons(ran: &Ran) -> Value {
    ran.jsons()[0]["quarantined_by_reason"].clone()
}

#[test]
fn a_line_cannot_say_that_it_arrives_in_the_future() {
    let place = Place::new();
    place.file("shop.ndjson", shop_lines());
    place.ok("import shop.ndjson");
    let before = place.json("status")["now"].clone();
    let line = pickup(2, "APPLE", 1).replace("2026-03", "2098-03");
    let line = line.replacen('{', r#"{"received_at":"2098-03-02T09:02:00Z","#, 1);
    place.file("late.ndjson", line);
    let ran = place.run("import late.ndjson --json");
    assert_eq!((ran.code, counts(&ran)), (6, [1, 0, 0, 1]), "{ran:?}");
    assert_eq!(reasons(&ran), serde_json::json!({ "time_in_future": 1 }));
    assert_eq!(place.json("status")["now"], before);
}

#[test]
fn an_event_of_the_clock_does_not_move_a_simulated_store() {
    let place = Place::simulated();
    let tail = place.jsons("log tail -n 1");
    let store = tail.iter().find_map(|event| event["store_id"].as_str()).unwrap();
    let line = |day: &str| {
        format!(
            "{{\"event_type\":\"entry\",\"timestamp\":\"{day}T09:00:00Z\",\
                 \"store_id\":\"{store}\",\"customer_id\":\"c1\"}}\n"
        )
    };
    place.file("today.ndjson", line("2026-10-02"));
    let ran = place.run("import today.ndjson --json");
    assert_eq!(reasons(&ran), serde_json::json!({ "time_in_future": 1 }), "{ran:?}");
    let stdin = place.feed("import - --json", line("2026-10-03"));
    assert_eq!(reasons(&stdin), serde_json::json!({ "time_in_future": 1 }), "{stdin:?}");
    let before = place.jsons("log tail -n 99999999").len();
    place.ok("simulate --days 2");
    assert!(place.jsons("log tail -n 99999999").len() > before + 1_000);
}

#[test]
fn what_is_wrong_with_lines_is_counted_by_its_reason() {
    let place = Place::new();
    place.file("till.toml", MAPPING);
    let free = "2026-03-02 09:07:00,R9,T4,APPLE,1,-1.20\n";
    place.file("till.csv", TILL.to_owned() + free);
    let ran = place.run("import till.csv --mapping till.toml --json");
    assert_eq!(reasons(&ran)["bad_number"], 1, "{ran:?}");
    assert_eq!(reasons(&ran).as_object().unwrap().len(), 2, "{ran:?}");
    assert!(reasons(&ran)["unreadable"].is_null(), "{ran:?}");
    let bad = place.feed("import - --json", "{\n{\n");
    assert_eq!(counts(&bad)[0], 2);
    assert!(reasons(&bad)["malformed_json"].as_u64() > Some(0), "{bad:?}");
    let again = place.feed("import - --json", "{\n{\n");
    assert_eq!((counts(&again)[2], reasons(&again)), (2, serde_json::json!({})), "{again:?}");
}

#[test]
fn a_terminal_shows_how_far_an_import_is() {
    let place = Place::new();
    place.file("a.ndjson", shop_lines());
    place.file("b.ndjson", pickup(2, "APPLE", 1));
    let bytes = shop_lines().len() + pickup(2, "APPLE", 1).len();
    // The program's stderr is the terminal, its stdout is not.
    let mut shown = place.shell(
        r#"script -qec '"$SHELF" import a.ndjson b.ndjson >report.txt' /dev/null </dev/null"#,
    );
    let shown = shown.output().unwrap();
    assert!(shown.status.success(), "script is needed: {shown:?}");
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    for doing in ["looking whether it is known", "importing"] {
        assert!(shown.contains(doing), "{shown:?}");
    }
    assert!(shown.contains(&format!("of {bytes} B")), "of all files: {shown:?}");
    let report = std::fs::read_to_string(place.path("report.txt")).unwrap();
    assert!(report.contains("accepted") && !report.contains('\u{1b}'), "{report:?}");
    place.file("c.ndjson", pickup(3, "APPLE", 1));
    let plain = place.run("import c.ndjson");
    assert_eq!((plain.code, plain.err.as_str()), (0, ""), "no terminal, no bar");
}
