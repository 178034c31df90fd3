//! The commands that only look: as text, and as JSON on every one of them.

use std::net::{TcpListener, TcpStream};
use std::process::Stdio;

use expect_test::expect;
use serde_json::Value;

use crate::program::{Place, Ran, until};

/// Every command that reads, with an id in place of `A`, `O`, `SKU`.
const READS: [&str; 28] = [
    "status",
    "status --store S001",
    "alerts list",
    "alerts list --rule supplier_request --severity warning --status open --limit 3",
    "alerts show ALERT",
    "orders list",
    "orders show ORDER",
    "orders suppliers",
    "tasks list",
    "shelves list --sku water --status low",
    "shelves show SKU --store S001",
    "sales compare --by product --limit 3",
    "sales patterns",
    "state",
    "state wh_batch_state --store S001",
    "windows",
    "windows product_5m --last 2 --limit 3",
    "log tail",
    "log tail --effects",
    "log verify",
    "log offsets",
    "quarantine list",
    "quality --by store",
    "quality --history",
    "doctor",
    "config show",
    "config check",
    "replay --until 2026-01-01T08:00:00Z",
];

#[test]
fn every_read_prints_text_or_json_lines_and_nothing_else() {
    let place = Place::simulated();
    let alert = place.json("alerts list --rule supplier_request")["alerts"][0].clone();
    let order = place.json("orders list")["orders"][0]["order"].clone();
    for read in READS {
        let words = read
            .replace("ALERT", alert["alert"].as_str().unwrap())
            .replace("ORDER", order.as_str().unwrap())
            .replace("SKU", alert["sku"].as_str().unwrap());
        let json = place.run(&format!("{words} --json"));
        assert_eq!(
            (json.code, json.jsons().is_empty()),
            (0, read == "quarantine list"),
            "{json:?}"
        );
        let text = place.run(&words);
        assert_eq!(text.code, 0, "shelf {words}: {text:?}");
        assert!(read == "quarantine list" || !text.out.is_empty(), "shelf {words}: {text:?}");
    }
    assert_eq!(place.jsons("watch --once").len(), 1);
}

#[test]
fn lists_keep_what_is_asked_for() {
    let place = Place::simulated();
    let all = place.json("alerts list --limit 100000");
    let warnings = place.json("alerts list --severity warning --limit 100000");
    let of = |list: &serde_json::Value| list["alerts"].as_array().unwrap().len() as u64;
    assert_eq!(of(&all), all["total"].as_u64().unwrap());
    assert_eq!(of(&warnings), all["by_severity"]["warning"].as_u64().unwrap());
    let sku = all["alerts"][0]["sku"].as_str().unwrap();
    assert!(of(&place.json(&format!("alerts list --sku {sku}"))) >= 1);
    assert_eq!(of(&place.json("alerts list --limit 1")), 1);
    assert_eq!(of(&place.json("alerts list --limit 0")), 0);
    assert_eq!(place.json("shelves list --limit 2")["shelves"].as_array().unwrap().len(), 2);
    assert_eq!(place.json("shelves list")["total"], 1_142);
}

#[test]
fn sales_stand_beside_a_week_earlier() {
    let place = Place::simulated();
    let days = "--from 2026-01-01 --to 2026-01-01";
    let view = place.json(&format!("sales compare {days} --by product --limit 3"));
    let rows = view["rows"].as_array().unwrap();
    assert_eq!((rows.len(), &view["total"]), (3, &1_142.into()));
    let revenue = |row: &serde_json::Value| row["revenue"]["value"].as_f64().unwrap();
    assert!(revenue(&rows[0]) >= revenue(&rows[2]) && revenue(&rows[2]) > 0.0, "{view}");
    assert_eq!(view["week_before_from_date"], "2025-12-25");
    let store = place.json(&format!("sales compare {days} --by store"))["rows"][0].clone();
    let kpi = place.json(&format!("kpi {days} --by store"))["rows"][0].clone();
    assert_eq!(store["revenue"]["value"], kpi["figures"]["net_revenue"]);
    assert_eq!(store["units"]["value"].as_f64(), kpi["sold_units"].as_f64());
    let text = place.ok(&format!("sales compare {days} --by product --limit 3"));
    assert!(text.contains("3 of 1142 shown; see more with --limit"), "{text}");
    assert!(text.contains("The days a week earlier are not all known"), "{text}");
    let patterns = place.json("sales patterns --store S001");
    let hours = patterns["rows"].as_array().unwrap().iter();
    let of_day = hours.filter(|hour| hour["date"] == "2026-01-01");
    let cents: i64 = of_day.map(|hour| hour["net_cents"].as_i64().unwrap()).sum();
    assert_eq!(cents, (revenue(&store) * 100.0).round() as i64, "{patterns}");
    assert!(place.ok("sales patterns").contains("Thu 2026-01-01"));
    place.fails("sales patterns --store S9", 5, "unknown_store");
    place.fails("sales compare --by day", 2, "usage");
    place.fails("sales compare --from 2026-01-02 --to 2026-01-01", 2, "usage");
}

#[test]
fn suppliers_come_in_order_of_their_next_cut_off() {
    let place = Place::simulated();
    let view = place.json("orders suppliers --store S001");
    let (rows, total) = (view["suppliers"].as_array().unwrap(), view["total"].as_u64().unwrap());
    assert!(total > 1 && rows.len() as u64 == total, "{view}");
    let left: Vec<i64> = rows.iter().filter_map(|row| row["cutoff_in_s"].as_i64()).collect();
    assert!(left.len() > 1 && left.is_sorted() && left[0] >= 0, "{view}");
    let text = place.ok("orders suppliers --limit 1");
    // A name is cut where the screen is narrow.
    let name: String = rows[0]["name"].as_str().unwrap().chars().take(8).collect();
    assert!(text.contains(&name), "{text}");
    assert!(text.contains(&format!("1 of {total} shown; see more with --limit")), "{text}");
    place.fails("orders suppliers --store S9", 5, "unknown_store");
}

#[test]
fn states_come_as_records_of_the_reference() {
    let place = Place::simulated();
    let counts = place.jsons("state");
    let count = |name: &str| {
        let row = counts.iter().find(|row| row["state"] == *name).unwrap();
        row["rows"].as_u64().unwrap() as usize
    };
    assert_eq!((counts.len(), count("shelf_state")), (11, 1_142));
    for row in &counts {
        let name = row["state"].as_str().unwrap();
        let rows = place.jsons(&format!("state {name}"));
        assert_eq!(rows.len(), count(name), "{name}");
        assert!(rows.iter().all(|row| row["store_id"] == "S001"), "{name}");
    }
    let lots = place.jsons("state wh_batch_state");
    let key = |row: &serde_json::Value| {
        format!("{}::{}", row["shelf_id"].as_str().unwrap(), row["batch_code"].as_str().unwrap())
    };
    assert!(lots.iter().all(|row| row["key"] == *key(row)));
    let floor = place.jsons("state shelf_state");
    let units: u64 = floor.iter().map(|row| row["current_stock"].as_u64().unwrap()).sum();
    assert_eq!(units, place.json("simulate --days 1")["units"]["floor"].as_u64().unwrap());
    assert!(place.ok("state shelf_policies").contains("threshold_pct"));
}

#[test]
fn what_is_not_there_is_said_with_what_is() {
    let place = Place::simulated();
    for (words, error) in [
        ("status --store S9", "unknown_store"),
        ("alerts list --store S9", "unknown_store"),
        ("orders list --store S001_and_something_longer", "unknown_store"),
        ("tasks list --store S9", "unknown_store"),
        ("shelves list --store S9", "unknown_store"),
        ("watch --once --store S9", "unknown_store"),
        ("state shelf_stat", "unknown_state"),
        ("state --store S9", "unknown_store"),
        ("shelves show NO_SUCH_SKU", "unknown_product"),
        ("alerts show A-999999", "unknown_alert"),
        ("orders show O-999999", "unknown_order"),
        ("status --data nowhere", "no_data"),
    ] {
        place.fails(words, 5, error);
    }
    for words in [
        "alerts list --rule near_expiri",
        "alerts list --severity bad",
        "alerts list --status resolved",
        "orders list --status received",
        "tasks list --status done",
        "shelves list --status full",
        "alerts show first",
        "orders show A-1",
        "tasks cancel soon",
    ] {
        place.fails(words, 2, "usage");
    }
    let said = place.run("alerts list --severity bad").err;
    expect![[r"
        error[usage]: there is no severity bad
          hint: one of info, warning, critical
    "]]
    .assert_eq(&said);
}

#[test]
fn of_several_stores_one_is_to_be_named() {
    let place = Place::new();
    place.ok("simulate --days 0 --stores 12");
    // The stores are declared with the first minute.
    place.ok("run --plain --warmup-days 0 --for-seconds 1");
    let said = place.fails("alerts ack A-1", 2, "usage").err;
    assert!(said.contains(": there are 12 stores\n  hint: name one with --store: S001, S002,"));
    assert!(said.ends_with(", S009, S010 and 2 more\n"), "{said}");
    assert_eq!(place.json("status --store S012")["stores"].as_array().unwrap().len(), 1);
    place.fails("alerts ack A-1 --store S013", 5, "unknown_store");
}

#[test]
fn an_error_is_json_too_where_json_is_asked_for() {
    let ran = Place::new().run("status --json");
    assert_eq!((ran.code, ran.out.as_str()), (5, ""));
    let error = serde_json::from_str::<serde_json::Value>(&ran.err).unwrap();
    assert_eq!(error["error"]["code"], "no_data");
    assert!(error["error"]["hint"].as_str().unwrap().contains("shelf run"));
}

#[test]
fn the_log_is_shown_from_its_end() {
    let place = Place::simulated();
    let events: u64 = place
        .jsons("log offsets")
        .iter()
        .map(|partition| partition["end_offset"].as_u64().unwrap())
        .sum();
    let all = place.jsons("log tail -n 1000000");
    assert_eq!(all.len() as u64, events);
    assert_eq!(place.jsons("log tail -n 3"), all[all.len() - 3..]);
    assert!(place.jsons("log tail -n 0").is_empty());
    assert!(place.jsons("log tail --store S9").is_empty());
    let verified = place.jsons("log verify");
    assert!(verified.iter().all(|log| log["sound"] == true));
    let records = verified[0]["partitions"].as_array().unwrap().iter();
    assert_eq!(records.map(|one| one["records"].as_u64().unwrap()).sum::<u64>(), events);
    assert!(place.ok("log verify").starts_with("events: sound\n"));
}

#[test]
fn the_screen_is_a_picture_too() {
    let place = Place::simulated();
    assert!(place.ok("watch --once").contains("S001"));
    place.ok("watch --svg screen.svg");
    let svg = std::fs::read_to_string(place.path("screen.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    place.fails("watch --svg no/such/folder.svg", 1, "io");
}

#[test]
fn a_doctor_finds_a_sound_folder_sound() {
    let place = Place::simulated();
    let checks = place.jsons("doctor");
    let names: Vec<_> = checks.iter().map(|check| check["check"].as_str().unwrap()).collect();
    assert_eq!(names, ["machine", "clock", "disk", "fsync", "http", "sql", "access", "data"]);
    assert_eq!(checks[6]["found"], "0 user(s)");
    assert_eq!(checks[7]["state"], "ok");
    assert!(checks[7]["found"].as_str().unwrap().contains("0 invariants broken"));
    assert!(Place::new().ok("doctor").contains("data is new"));
}

#[test]
fn a_doctor_tries_the_addresses() {
    let place = Place::simulated();
    let taken: Vec<TcpListener> =
        (0..2).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let addresses: Vec<String> =
        taken.iter().map(|listener| listener.local_addr().unwrap().to_string()).collect();
    let with = |words: &str| {
        let mut command = place.command(words);
        command.env("SHELF_HTTP__LISTEN", &addresses[0]).env("SHELF_SQL__LISTEN", &addresses[1]);
        command
    };
    // What is said of both addresses, with the state and the hint.
    let looked = || {
        let ran = Ran::of(&mut with("doctor --json"), b"");
        assert_eq!(ran.code, 0, "{ran:?}");
        let checks = ran.jsons();
        let of = |name: &str| checks.iter().find(|check| check["check"] == name).unwrap().clone();
        [of("http"), of("sql")]
    };
    for ((check, name), address) in looked().iter().zip(["http", "sql"]).zip(&addresses) {
        assert_eq!(check["state"], "warn", "{check}");
        assert!(check["found"].as_str().unwrap().starts_with(&format!("{address}: ")), "{check}");
        let hint = format!("another program listens there: set {name}.listen to another one");
        assert_eq!(check["hint"], hint);
    }
    drop(taken);
    for (check, address) in looked().iter().zip(&addresses) {
        assert_eq!((&check["state"], &check["hint"]), (&"ok".into(), &Value::Null), "{check}");
        assert_eq!(check["found"], format!("{address} is free"));
    }
    let mut run = with("run --plain --no-lake --warmup-days 0 --speed 1");
    let running = place.started(run.stdout(Stdio::null()));
    // Whoever tries an address has it for a moment, so nobody tries before it is taken.
    for address in &addresses {
        until("it is served", || TcpStream::connect(address).ok());
    }
    for (check, address) in looked().iter().zip(&addresses) {
        let ours = format!("{address} is taken, and a chain runs in the data folder");
        assert_eq!((&check["state"], &check["found"]), (&"ok".into(), &ours.into()), "{check}");
    }
    running.stop();
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    let place = Place::simulated();
    let on_terminal = |colour: &str| {
        let line = format!("{colour} script -qec \"$SHELF status\" /dev/null </dev/null");
        let done = place.shell(&line).output().unwrap();
        assert!(done.status.success(), "`script` of util-linux is needed: {done:?}");
        String::from_utf8_lossy(&done.stdout).into_owned()
    };
    assert!(on_terminal("").contains("\u{1b}["));
    assert!(!on_terminal("NO_COLOR=1").contains("\u{1b}["));
    // `Ran` checks that nothing is coloured where there is no terminal.
    Ran::of(place.command("status").env("TERM", "xterm-256color"), b"");
}

#[test]
fn a_screen_that_is_too_small_says_so_and_leaves_the_terminal_as_it_was() {
    let place = Place::simulated();
    for (size, said) in
        [("rows 1 cols 1", ""), ("rows 5 cols 20", "Make"), ("rows 44 cols 132", "S001")]
    {
        // It is ended when the screen has said what it is to say, however long the start takes.
        let inner = format!(
            "stty {size}; $SHELF watch & watch=$!;
            until grep -q \"1049h.*{said}\" screen; do sleep 0.02; done;
            kill -INT $watch; wait $watch"
        );
        place.file("screen", "");
        let line = format!("timeout 60 script -qefc '{inner}' screen </dev/null");
        let done = place.shell(&line).output().unwrap();
        let screen = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(!screen.contains("panicked"), "{size}: {screen}");
        assert!(screen.contains(said), "`script` of util-linux is needed; {size}: {screen}");
        assert!(screen.contains("\u{1b}[?1049l"), "{size}: {screen}");
    }
}
