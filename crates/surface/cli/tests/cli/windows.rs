//! `windows`: the kinds and what they tell, the plan of the settings, and what becomes of a bad
//! one.

use std::process::Stdio;

use expect_test::expect_file;
use serde_json::{Value, json};

use crate::program::{Place, until};
use crate::shop::SHOP;

/// Two windows, one of them with another lateness than the core's own plan has.
const PLAN: &str = r#"
[windows]
lateness_seconds = 120

[[windows.list]]
name = "quarter"
measure = "sales"
scope = "store"
size_seconds = 900
early_seconds = 60

[[windows.list]]
name = "shelf_30m"
measure = "turnover"
scope = "store_product"
size_seconds = 1800
slide_seconds = 600
kept = false
"#;

fn receipt(time: &str, customer: &str, units: i64) -> String {
    format!(
        "{{\"event_type\":\"pos_transaction\",\"transaction_id\":\"{customer}-{time}\",\
         \"timestamp\":\"2026-03-02T{time}Z\",\"store_id\":\"R1\",\"customer_id\":\"{customer}\",\
         \"items\":[{{\"item_id\":\"APPLE\",\"quantity\":{units},\"unit_price\":1.2,\
         \"discount\":0,\"total_price\":{:.2}}}]}}\n",
        units as f64 * 1.2
    )
}

/// The shop with sales of a few minutes; the last minute is still open.
fn busy_shop(settings: &str) -> Place {
    let place = Place::new();
    if !settings.is_empty() {
        place.file("shelf.toml", settings);
    }
    let sales = [("09:00:10", "c1", 2), ("09:00:40", "c2", 1), ("09:02:05", "c1", 3)];
    let lines: String = sales.iter().map(|(at, who, units)| receipt(at, who, *units)).collect();
    let ran = place.feed("import -", format!("{SHOP}{lines}"));
    assert_eq!(ran.code, 0, "{ran:?}");
    place
}

fn names(place: &Place) -> Vec<String> {
    let kinds = place.json("windows")["kinds"].clone();
    kinds.as_array().unwrap().iter().map(|kind| kind["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_kinds_and_what_they_tell() {
    let place = busy_shop("");
    let own = ["global_30s", "store_1m", "store_product_5m", "product_5m", "stock_10m"];
    assert_eq!(names(&place)[..5], own);
    let kind = place.json("windows --store R1")["kinds"][1].clone();
    assert_eq!(
        (&kind["open"], &kind["last_ended_at"]),
        (&1.into(), &"2026-03-02T09:01:00Z".into())
    );
    let view = place.json("windows store_1m");
    let rows: Vec<_> = view["rows"].as_array().unwrap().iter().collect();
    let figures = |row: &Value| json!([row["stage"], row["net_cents"], row["customers"]]);
    assert_eq!(
        rows.iter().map(|row| figures(row)).collect::<Vec<_>>(),
        [json!(["final", 360, 2]), json!(["early", 360, 1]),]
    );
    expect_file!["./snapshots/windows.txt"].assert_eq(&place.ok("windows store_1m"));
    let ended = place.json("windows store_1m --stage final --item APPLE");
    assert_eq!(ended["rows"], json!([]));
    assert_eq!(place.json("windows product_5m --item APPLE")["rows"][0]["units"], 6);
    let csv = place.ok("windows store_1m --csv --last 1");
    assert_eq!(csv.lines().count(), 2);
    assert!(csv.starts_with("start,end,stage,") && csv.contains(",R1,,,1,3,0,360,360,0,"), "{csv}");
}

#[test]
fn windows_come_out_of_the_log_by_their_starts() {
    let place = busy_shop("");
    let starts = |words: &str| -> Vec<String> {
        let rows = place.json(words)["rows"].clone();
        let start = |row: &Value| row["start"].as_str().unwrap()[11..19].to_owned();
        rows.as_array().unwrap().iter().map(start).collect()
    };
    assert_eq!(starts("windows store_1m --to 2027-01-01T00:00:00Z"), ["09:00:00"]);
    assert!(starts("windows store_1m --from 2026-03-02T09:00:30Z").is_empty());
    assert_eq!(starts("windows store_1m --from 2026-03-02T09:00:00Z --last 1").len(), 1);
    place.fails("windows store_product_5m --from 2026-03-02T09:00:00Z", 2, "usage");
    place.fails("windows store_1m --from yesterday", 2, "usage");
    place.fails("windows store_2m", 5, "unknown_window");
    place.fails("windows store_2m --to 2027-01-01T00:00:00Z", 5, "unknown_window");
    place.fails("windows store_1m --item PEAR", 5, "unknown_product");
    place.fails("windows store_1m --store R2", 5, "unknown_store");
    let ran = place.run("windows store_1m --csv --json");
    assert_eq!(ran.code, 2, "{ran:?}");
}

#[test]
fn a_declared_plan_is_in_force_and_only_then_told() {
    let place = busy_shop(PLAN);
    assert_eq!(names(&place), ["quarter", "shelf_30m"]);
    assert_eq!(place.json("windows quarter")["rows"][0]["units"], 6);
    assert_eq!(place.json("windows")["kinds"][0]["lateness_s"], 120);
    let plans = |place: &Place| {
        let events = place.jsons("log tail -n 100000");
        events.iter().filter(|event| event["event_type"] == "window_plan").count()
    };
    assert_eq!((plans(&place), place.jsons("replay")[0]["equal"].clone()), (1, true.into()));
    // What only acts on the folder changes no windows.
    place.file("shelf.toml", "[windows]\nlist = []\n");
    place.ok("tasks request APPLE");
    assert_eq!(plans(&place), 1);
    let more = receipt("09:03:00", "c3", 1);
    assert_eq!(place.feed("import -", &more).code, 0);
    assert_eq!((plans(&place), names(&place).len()), (2, 0));
    // Without a declaration each store keeps what it has; with the first one it goes back to it.
    place.file("shelf.toml", "");
    assert_eq!(place.feed("import - --again", &more).code, 0);
    assert_eq!((plans(&place), names(&place).len()), (2, 0));
    place.file("shelf.toml", PLAN);
    assert_eq!(place.feed("import - --again", &more).code, 0);
    assert_eq!((plans(&place), names(&place).len()), (3, 2));
    assert!(busy_shop("").json("windows")["kinds"].as_array().unwrap().len() == 6);
}

#[test]
fn a_simulation_that_was_killed_in_a_window_has_the_same_windows() {
    const DAYS: &str = "simulate --days 2 --stores 2 --faults --snapshot-events 20000 --json";
    let straight = Place::new();
    straight.file("shelf.toml", PLAN);
    let hash = straight.json(&DAYS.replace(" --json", ""))["state_hash"].clone();
    assert_eq!(straight.json("windows")["kinds"][0]["stores"], 2);

    let killed = Place::new();
    killed.file("shelf.toml", PLAN);
    let mut child =
        killed.command(DAYS).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let log = killed.path("data/log");
    until("the log has some events", || (bytes_below(&log) > 400_000).then_some(()));
    let _ = child.kill();
    child.wait().unwrap();
    assert_eq!(killed.json(&DAYS.replace(" --json", ""))["state_hash"], hash);
    for words in [
        "windows",
        "windows quarter",
        "windows shelf_30m",
        "windows quarter --to 2027-01-01T00:00:00Z",
    ] {
        assert_eq!(killed.json(words), straight.json(words), "{words}");
    }
}

fn bytes_below(path: &std::path::Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(path) else { return 0 };
    let bytes = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => bytes_below(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    };
    entries.flatten().map(bytes).sum()
}

#[test]
fn a_plan_with_a_bad_slide_goes_to_quarantine() {
    let place = busy_shop("");
    let plan = r#"{"event_type":"window_plan","timestamp":"2026-03-02T09:03:00Z","store_id":"R1",
        "windows":[{"name":"odd","measure":"sales","scope":"store","size_seconds":60,
        "slide_seconds":25}]}"#
        .replace('\n', "");
    let ran = place.feed("import -", plan);
    assert_eq!(ran.code, 6, "{ran:?}");
    let row = place.jsons("quarantine list")[0].clone();
    assert_eq!(row["reason"], "absurd_time", "{row}");
    assert_eq!(names(&place).len(), 6);
}

/// A window of an hour as a settings file has it, with these changes.
fn window(change: &str) -> String {
    let mut lines = vec![
        ("name", "\"hour\"".to_owned()),
        ("measure", "\"sales\"".to_owned()),
        ("scope", "\"store\"".to_owned()),
        ("size_seconds", "3600".to_owned()),
    ];
    for part in change.split("; ").filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once(" = ").unwrap();
        lines.retain(|(known, _)| *known != key);
        lines.push((key, value.to_owned()));
    }
    let rows = lines.iter().map(|(key, value)| format!("{key} = {value}\n"));
    format!("[[windows.list]]\n{}", rows.collect::<String>())
}

#[test]
fn settings_that_no_store_would_take_are_refused() {
    let place = Place::new();
    let mut said = String::new();
    for text in [
        window("slide_seconds = 700"),
        window("slide_seconds = 0"),
        window("size_seconds = 86401"),
        window("size_seconds = 0"),
        window("early_seconds = 3600"),
        window("measure = \"stock\""),
        window("measure = \"weather\""),
        window("name = \"\""),
        window("name = \"a name that is longer than any name may be\""),
        window("colour = \"blue\""),
        window("size_seconds = -1"),
        window("size_seconds = 86400; slide_seconds = 1"),
        window("") + &window(""),
        (0..17).map(|number| window(&format!("name = \"w{number}\""))).collect(),
        "[windows]\nlateness_seconds = 90000\n".to_owned(),
        "[windows]\nlatenes_seconds = 90\n".to_owned(),
    ] {
        place.file("shelf.toml", text);
        let err = place.fails("config check", 2, "settings").err;
        let line = |prefix| err.lines().find_map(|line: &str| line.strip_prefix(prefix));
        let cause = line("  because: ").map(|cause: &str| format!(" ({cause})"));
        let place = place.path("shelf.toml").display().to_string();
        let hint = line("  hint: ").unwrap().replace(&place, "shelf.toml");
        let hint = hint.trim_end_matches(", then run `shelf config check`");
        let message = line("error[settings]: ").unwrap().replace(&place, "shelf.toml");
        said += &[&message, &*cause.unwrap_or_default(), "\n    ", hint, "\n"].concat();
    }
    expect_file!["./snapshots/window_settings.txt"].assert_eq(&said);
    place.file("shelf.toml", PLAN);
    assert!(place.ok("config show").contains("windows.lateness_seconds = 120"));
    place.ok("config check");
}
