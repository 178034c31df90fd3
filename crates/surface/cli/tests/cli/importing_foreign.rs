//! Events of other systems through the command line: imported, sent to a stopped folder and to a
//! running process, refused and tried again.

use serde_json::Value;

use crate::program::{Place, Ran};

const RETAIL_STREAM: &str =
    include_str!("../../../../ingest/sources/tests/foreign/retail_stream.ndjson");
const BASKET_LINE: &str =
    include_str!("../../../../ingest/sources/tests/foreign/basket_line.ndjson");
const BASKET: &str = include_str!("../../../../ingest/sources/tests/foreign/basket.ndjson");

/// Lines, rejected and ignored ones, duplicates.
fn counts(ran: &Ran) -> [u64; 4] {
    let report = &ran.jsons()[0];
    ["lines", "rejected_lines", "ignored_lines", "duplicates"]
        .map(|what| report[what].as_u64().unwrap())
}

/// Units on the floor of a shelf.
fn floor(place: &Place, sku: &str, store: &str) -> Value {
    place.json(&format!("shelves show {sku} --store {store}"))["floor_units"].clone()
}

fn state(place: &Place) -> Value {
    place.json("status")["stores"].clone()
}

#[test]
fn a_retail_stream_is_imported_once() {
    let place = Place::new();
    place.file("stream.ndjson", RETAIL_STREAM);
    let ran = place.run("import stream.ndjson --format b --json");
    assert_eq!((ran.code, counts(&ran)), (0, [19, 0, 2, 0]), "{ran:?}");
    assert_eq!(floor(&place, "SKU10001", "STORE101"), 120);
    let before = state(&place);
    let again = place.run("import stream.ndjson --format b --json");
    assert_eq!((again.code, again.jsons()[0]["accepted"].as_u64()), (0, Some(0)), "{again:?}");
    // Taken anew, only the lines that tell their time alone are not known.
    let anew = place.run("import stream.ndjson --again --json --threads 2");
    assert_eq!((anew.code, anew.jsons()[0]["accepted"].as_u64()), (0, Some(2)), "{anew:?}");
    assert_eq!(floor(&place, "SKU10001", "STORE101"), 120);
    assert_eq!(state(&place)[0]["revenue_cents"], before[0]["revenue_cents"]);
    place.ok("replay");
}

#[test]
fn basket_lines_are_imported_and_a_conflict_is_kept_with_its_place() {
    let place = Place::new();
    place.file("lines.ndjson", BASKET_LINE);
    let ran = place.run("import lines.ndjson --json");
    assert_eq!((ran.code, counts(&ran)), (6, [8, 1, 0, 1]), "{ran:?}");
    let kept = place.json("quarantine list");
    assert_eq!(
        (&kept["reason"], &kept["source"], &kept["line"]),
        (&"conflicting_line".into(), &"lines.ndjson".into(), &7.into()),
        "{kept}"
    );
}

#[test]
fn baskets_are_imported_in_the_zone_of_their_shops() {
    let place = Place::new();
    place.file("baskets.ndjson", BASKET);
    let ran = place.run("import baskets.ndjson --format basket --time-zone Europe/Madrid --json");
    assert_eq!((ran.code, counts(&ran)), (0, [12, 0, 1, 0]), "{ran:?}");
    assert_eq!(floor(&place, "P001", "London-Central"), 140);
    let now = place.json("status")["stores"][0]["now"].as_str().unwrap().to_owned();
    assert!(now.starts_with("2026-03-02T08:07:30"), "{now}");
    place.fails("import baskets.ndjson --time-zone Europe/Madird", 2, "settings");
    assert_eq!(place.run("import baskets.ndjson --format e").code, 2);
    place.fails("import baskets.ndjson --mapping uci --format d", 2, "usage");
    let other = Place::new();
    other.file("baskets.ndjson", BASKET);
    other.file("shelf.toml", "[foreign]\ntime_zone = \"Europe/Madrid\"\n");
    other.ok("import baskets.ndjson");
    assert_eq!(other.json("status")["stores"][0]["now"], now);
}

#[test]
fn the_present_systems_lines_are_left_alone_where_asked() {
    let place = Place::new();
    place.file("all.ndjson", [RETAIL_STREAM, BASKET_LINE, BASKET].concat());
    let ran = place.run("import all.ndjson --format shelf --json");
    assert_eq!((ran.code, counts(&ran)), (6, [39, 39, 0, 0]), "{ran:?}");
    // What was kept is tried again as what it is.
    let kept = place.jsons("quarantine list --reason missing_field");
    let basket = |entry: &&Value| entry["raw"].as_str().unwrap().contains("final_amount");
    let id = kept.iter().find(basket).unwrap()["id"].as_str().unwrap();
    let tried = place.run(&format!("quarantine retry {id} --json"));
    assert_eq!((tried.code, &tried.jsons()[0]["result"]["status"]), (0, &"accepted".into()));
}

#[test]
fn sent_lines_are_answered_one_by_one() {
    let place = Place::new();
    place.file("one.ndjson", RETAIL_STREAM.lines().next().unwrap());
    place.ok("import one.ndjson");
    let ran = place.feed("send --json", BASKET);
    let answers = ran.jsons();
    assert_eq!((ran.code, answers.len()), (0, 12), "{ran:?}");
    assert!(answers.iter().all(|answer| answer["status"] == "accepted"), "{ran:?}");
    assert_eq!(floor(&place, "P001", "London-Central"), 140);
    let broken =
        BASKET.lines().nth(1).unwrap().replace("\"final_amount\":10.0", "\"final_amount\":99");
    let ran = place.feed("send --json", broken + "\n" + BASKET.lines().nth(1).unwrap());
    let answers = ran.jsons();
    assert_eq!(
        (ran.code, &answers[0]["code"], &answers[1]["status"]),
        (6, &"inconsistent_total".into(), &"duplicate".into()),
        "{ran:?}"
    );
}

#[test]
fn a_running_process_takes_them_and_declares_nothing_twice() {
    let place = Place::new();
    let present = jiff::Timestamp::now();
    let present = present.strftime("%Y-%m-%dT%H:%M").to_string();
    let lines = BASKET.replace("2026-03-02T09:00", &present);
    let lines: Vec<&str> = lines.lines().take(2).collect();
    place.feed("import -", lines[0]);
    let running = place.start("run --no-demo");
    let ran = place.feed("send --json", lines.join("\n"));
    assert_eq!(ran.code, 6, "the first is known: {ran:?}");
    // Straight into the socket, by somebody who knows nothing of the folder.
    let told =
        lines[1].replace("-0001", "-0007").replace("\"unit_price\":3.29", "\"unit_price\":3.3");
    let answer = {
        use std::io::{BufRead, BufReader, Write};
        let socket = place.path("data/shelf.sock");
        let mut stream = std::os::unix::net::UnixStream::connect(socket).unwrap();
        stream.write_all((told + "\n").as_bytes()).unwrap();
        let mut answer = String::new();
        BufReader::new(&stream).read_line(&mut answer).unwrap();
        answer
    };
    assert!(answer.contains("accepted"), "{answer}");
    running.stop();
    let shelf = place.json("shelves show P003");
    assert_eq!(shelf["price_cents"], 329, "{shelf}");
    assert_eq!(place.json("status")["stores"][0]["revenue_cents"], 2_000);
}
