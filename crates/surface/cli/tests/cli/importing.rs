//! `import`: JSON lines, packed or from stdin, and tables with a mapping.

use std::process::Command;

use crate::program::{Place, Ran};
use crate::shop::{SHOP, pickup};

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
    assert_eq!((report["accepted"].as_u64(), report["duplicates"].as_u64()), (Some(0), Some(3)));
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
