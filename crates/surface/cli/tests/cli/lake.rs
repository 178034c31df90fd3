//! The lake: each event once, whatever is killed; and what the program says when something is
//! wrong.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::program::{Place, Ran, until, until_within};
use crate::shop::{open_shop, pickup, product};
use crate::sql_wire::Server;

/// What `abort` ends a process with: 128 and the signal.
const ABORTED: i32 = 128 + 6;

pub(crate) fn follow(place: &Place) -> Value {
    place.json("lake follow --until-caught-up")
}

/// A command with a fault in the lake.
fn with_fault(place: &Place, words: &str, fault: &str) -> Command {
    let mut command = place.command(words);
    command.env("SHELF_LAKE_FAULT", fault).env("SHELF_LAKE__COMMIT_MB", "1");
    command
}

pub(crate) fn rows(place: &Place, table: &str) -> u64 {
    let view = place.json("lake tables");
    let tables = view["tables"].as_array().unwrap();
    let found = tables.iter().find(|row| row["table"] == table);
    found.unwrap_or_else(|| panic!("no {table}"))["rows"].as_u64().unwrap()
}

/// The files of a table.
fn files(place: &Place, table: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![place.path("data/lake").join(table)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "parquet") {
                found.push(path);
            }
        }
    }
    found
}

/// What a statement over the tables comes to, as text.
fn sql(place: &Place, statement: &str) -> String {
    sql_in(place, "data/lake", statement)
}

fn sql_in(place: &Place, root: &str, statement: &str) -> String {
    let root = place.path(root);
    let lake = shelf_lake::Lake::at(root.to_str().unwrap(), std::collections::HashMap::new());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let session = lake.unwrap().session().await.unwrap();
        session.sql(statement).await.unwrap().to_string().await.unwrap()
    })
}

/// The first row of a statement's answer.
fn row(place: &Place, statement: &str) -> Vec<String> {
    let text = sql(place, statement);
    let line = text.lines().nth(3).unwrap_or_else(|| panic!("no row: {text}"));
    line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
}

#[test]
fn a_chain_is_in_the_lake_as_its_log_tells_it() {
    let place = Place::new();
    place.ok("simulate --days 1 --faults --snapshot-events 5000");
    let report = follow(&place);
    assert!(report["events"].as_u64().unwrap() > 10_000, "{report}");
    place.ok("lake verify");
    assert_eq!(follow(&place)["events"], 0);
    place.ok("lake build");
    place.ok("simulate --days 3 --snapshot-events 5000");
    follow(&place);
    place.ok("lake build");
    place.ok("lake verify");
    let sales = rows(&place, "curated.fact_sales");
    assert!(sales > 0 && sales == rows(&place, "raw.pos_lines"));
    assert!(rows(&place, "quarantine.events") > 0);
    // In order, in fewer files, after the removal of the others: the same rows.
    place.ok("lake optimize");
    assert_eq!(files(&place, "raw/pos_lines").len(), 3);
    place.fails("lake vacuum --hours 0", 1, "not_agreed");
    assert_eq!(files(&place, "raw/pos_lines").len(), 3);
    let of_version = |version: u64| {
        let statement = format!("SELECT count(*) FROM raw.pos_lines AS OF VERSION {version}");
        Ran::of(place.command("sql --format csv").arg(statement), b"")
    };
    let newest = place.jsons("lake history raw.pos_lines --limit 1")[0]["version"].as_u64();
    let newest = newest.unwrap();
    assert_eq!(of_version(newest - 1).out.lines().nth(1), Some(sales.to_string().as_str()));
    place.ok("lake vacuum --hours 0 --yes");
    let gone = of_version(newest - 1).failed(2, "sql_no_moment");
    assert!(gone.err.contains("lake.retention_hours"), "{gone:?}");
    let kept = of_version(newest);
    assert_eq!(kept.out.lines().nth(1), Some(sales.to_string().as_str()), "{kept:?}");
    assert_eq!(files(&place, "raw/pos_lines").len(), 1);
    place.ok("lake checkpoint raw.pos_lines");
    place.ok("lake verify");
    // A build of days that were built gives the same rows.
    let sums = "SELECT count(*), sum(units), sum(revenue), min(product_key), max(product_key) \
                FROM curated.fact_sales";
    let before = sql(&place, sums);
    place.ok("lake build --from 2026-01-02 --to 2026-01-02");
    assert_eq!(sql(&place, sums), before);
    place.ok("lake verify");
    for form in ["parquet", "csv", "json"] {
        let words = format!("lake export curated.fact_sales sales.{form} --format {form}");
        assert_eq!(place.json(&words)["rows"].as_u64().unwrap(), sales);
        assert!(fs::metadata(place.path(&format!("sales.{form}"))).unwrap().len() > 10_000);
    }
    let history = place.jsons("lake history raw.pos_lines");
    assert!(history.iter().any(|commit| commit["operation"] == "OPTIMIZE"), "{history:?}");
    let diff = place.json("lake diff raw.pos_lines --from 1");
    assert_eq!(diff["rows_after"].as_u64().unwrap(), sales);
}

/// A hundred deaths in every phase of a round, of a compaction, of a build and of a removal.
#[test]
fn each_event_is_there_once_however_often_the_follower_dies() {
    let place = Place::new();
    let points = ["before_write", "before_commit", "before_checkpoint", "after_commit"];
    let (mut fired, mut chance) = (0_u32, 12_345_u32);
    place.ok("simulate --days 1 --seed 3 --snapshot-events 3000");
    while fired < 82 {
        chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let point = points[(chance >> 16) as usize % points.len()];
        let fault = format!("{point}:{}", 1 + (chance >> 20) % 30);
        let mut command = with_fault(&place, "lake follow --until-caught-up", &fault);
        let ran = Ran::of(&mut command, b"");
        match ran.code {
            ABORTED => fired += 1,
            0 => {
                place.ok("lake verify");
                fs::remove_dir_all(place.path("data/lake")).unwrap();
            }
            _ => panic!("{fault}: {ran:?}"),
        }
    }
    follow(&place);
    place.ok("lake verify");
    for (words, point) in [
        ("lake optimize", "in_optimize"),
        ("lake build", "in_build"),
        ("lake vacuum --hours 0 --yes", "in_vacuum"),
    ] {
        for nth in 1..=6 {
            let mut command = with_fault(&place, words, &format!("{point}:{nth}"));
            let ran = Ran::of(&mut command, b"");
            assert_eq!(ran.code, ABORTED, "{point}:{nth}: {ran:?}");
            fired += 1;
        }
        place.ok(words);
        place.ok("lake verify");
    }
    assert_eq!(fired, 100);
    raw_is_the_log(&place);
    same_rows(&place);
}

/// Events, units and cents of the raw tables are those that `log tail` tells, which is another way
/// through the log than the lake's.
fn raw_is_the_log(place: &Place) {
    let mut told: BTreeMap<String, [i64; 3]> = BTreeMap::new();
    for event in place.jsons("log tail -n 100000000") {
        let kind = event["event_type"].as_str().unwrap();
        let sums = told.entry(kind.to_owned()).or_default();
        let units = |of: &Value| ["quantity", "qty"].iter().find_map(|&field| of[field].as_i64());
        let lines = event["items"].as_array().map_or(&[][..], Vec::as_slice);
        sums[0] += 1;
        sums[1] += units(&event).unwrap_or(0);
        sums[1] += lines.iter().map(|line| units(line).unwrap()).sum::<i64>();
        let cents = |line: &Value| (line["total_price"].as_f64().unwrap() * 100.0).round() as i64;
        sums[2] += lines.iter().map(cents).sum::<i64>();
    }
    for (kind, table, units) in [
        ("pickup", "shelf_events", "sum(units)"),
        ("putback", "shelf_events", "sum(units)"),
        ("weight_change", "shelf_events", "0"),
        ("refill", "shelf_events", "sum(units)"),
        ("entry", "foot_traffic", "0"),
        ("exit", "foot_traffic", "0"),
        ("wh_in", "wh_events", "sum(units)"),
        ("wh_out", "wh_events", "sum(units)"),
        ("removal", "inventory_updates", "sum(units)"),
    ] {
        let Some([events, of_log, _]) = told.get(kind) else { continue };
        let sums = format!(
            "SELECT count(*), CAST({units} AS BIGINT) FROM raw.{table} WHERE event_type = '{kind}'"
        );
        assert_eq!(row(place, &sums), [events.to_string(), of_log.to_string()], "{kind}");
    }
    let [receipts, units, cents] = told["pos_transaction"];
    let sums = "SELECT count(DISTINCT receipt_id), sum(units), CAST(sum(total) * 100 AS BIGINT) \
                FROM raw.pos_lines";
    assert_eq!(row(place, sums), [receipts, units, cents].map(|sum| sum.to_string()));
    let known = ["pickup", "putback", "entry", "exit", "refill", "wh_out", "product", "shelf"];
    assert!(known.iter().all(|kind| told.contains_key(*kind)), "{told:?}");
}

/// Every row is the one that a lake has which nothing happened to.
fn same_rows(place: &Place) {
    let mut command = place.command("lake follow --until-caught-up");
    command.env("SHELF_LAKE__URL", place.path("other"));
    assert_eq!(Ran::of(&mut command, b"").code, 0);
    for table in shelf_lake::FOLLOWING {
        let name = table.full_name();
        if name == shelf_lake::LakeWriter::OWN_TABLE {
            continue;
        }
        let all = |root: &str| {
            let text = sql_in(place, root, &format!("SELECT * FROM {name}"));
            let mut rows: Vec<String> = text.lines().map(str::to_owned).collect();
            rows.sort_unstable();
            rows
        };
        let (here, there) = (all("data/lake"), all("other"));
        assert!(here == there, "{name}: {} and {} rows", here.len(), there.len());
    }
}

/// The simulator's own summary, the events, the facts and the state agree to the unit and the cent.
#[test]
fn a_month_adds_up_wherever_it_is_summed() {
    let place = Place::new();
    let report = place.json("simulate --days 31 --seed 11");
    follow(&place);
    place.ok("lake build");
    place.ok("lake verify");
    let units = |what: &str| report["units"][what].as_i64().unwrap().to_string();
    let raw = row(&place, "SELECT sum(units), sum(total) FROM raw.pos_lines");
    let fact = row(&place, "SELECT sum(units), sum(revenue) FROM curated.fact_sales");
    assert_eq!(raw, fact);
    assert_eq!(raw[0], units("sold"));
    let cents = report["revenue_cents"].as_i64().unwrap();
    assert_eq!(raw[1], format!("{}.{:02}", cents / 100, cents % 100));
    // What the simulated customers did, as the simulator counted it and no event told.
    let town = |what: &str| report["town"][what].as_i64().unwrap();
    assert_eq!(raw[0], town("sold_units").to_string());
    assert_eq!(town("revenue_cents"), cents);
    for table in ["raw.pos_lines", "curated.fact_sales"] {
        let counted = row(&place, &format!("SELECT count(DISTINCT receipt_id) FROM {table}"));
        assert_eq!(counted, [town("receipts").to_string()], "{table}");
    }
    let stock = row(
        &place,
        "SELECT sum(received_units), sum(sold_units) - sum(returned_units), sum(removed_units), \
         sum(unexplained_units) FROM curated.fact_inventory",
    );
    let expected = ["received", "sold", "removed", "unexplained"].map(units);
    assert_eq!(stock, expected);
    let there: i64 = ["floor", "carts", "warehouse", "in_transit"]
        .iter()
        .map(|what| report["units"][*what].as_i64().unwrap())
        .sum();
    let closed = "SELECT sum(close_units) FROM curated.fact_inventory \
                  WHERE event_date = (SELECT max(event_date) FROM curated.fact_inventory)";
    assert_eq!(row(&place, closed), [there.to_string()]);
    // What the engine has at this moment.
    let live = |columns: &str| {
        let statement = format!("SELECT {columns} FROM live.stores");
        let ran = Ran::of(place.command("sql --format csv").arg(statement), b"");
        assert_eq!(ran.code, 0, "{ran:?}");
        let cells = ran.out.lines().nth(1).unwrap().split(',').map(str::to_owned);
        cells.collect::<Vec<String>>()
    };
    assert_eq!(
        live("sum(received_units), sum(sold_units), sum(removed_units), sum(unexplained_units)"),
        expected
    );
    let stands = "sum(floor_units + cart_units + warehouse_units + transit_units)";
    assert_eq!(live(stands), [there.to_string()]);
    let receipts = row(&place, "SELECT count(DISTINCT receipt_id) FROM raw.pos_lines");
    assert_eq!(live("sum(revenue), sum(receipts)"), [raw[1].clone(), receipts[0].clone()]);
    // Of days that have ended.
    let waste = "SELECT sum(units) FROM curated.fact_waste \
                 WHERE event_date <= (SELECT max(event_date) FROM analytics.kpis)";
    let waste = row(&place, waste);
    let kpi = "SELECT CAST(sum(value) AS BIGINT) FROM analytics.kpis WHERE kpi = 'waste_units'";
    assert_eq!(row(&place, kpi), waste);
    check_views(&place);
}

/// What each view has one row for, and over so many days of facts it sums, where it sums sales.
const VIEW_KEYS: [(&str, &str, Option<u32>); 11] = [
    ("daily_sales_summary", "event_date, store_id, sku", Some(0)),
    ("current_inventory", "store_id, sku", None),
    ("low_stock", "store_id, sku", None),
    ("product_performance", "sku", Some(30)),
    ("store_performance", "store_id", Some(7)),
    ("store_comparison", "store_id", Some(30)),
    ("category_performance", "category", Some(30)),
    ("inventory_turnover", "store_id, sku", None),
    ("seasonal_sales_patterns", "month, day_of_week, holiday, category", Some(365)),
    ("customer_behaviour", "customer_id", None),
    ("current_alerts", "store_id, alert_id", None),
];

/// Every view has a comment and rows; its keys are unique and not null; its sums are those of the
/// facts; its words and ranks are in their range.
fn check_views(place: &Place) {
    let one = |statement: &str| {
        let ran = Ran::of(place.command("sql --format csv").arg(statement), b"");
        assert_eq!(ran.code, 0, "{statement}: {ran:?}");
        ran.out.lines().nth(1).unwrap_or_default().to_owned()
    };
    for view in shelf_lake::VIEWS {
        let name = view.name;
        assert!(!view.comment().is_empty(), "{name}");
        let described = format!(
            "SELECT count(*) FROM pg_catalog.pg_description d \
             JOIN pg_catalog.pg_class c ON c.oid = d.objoid \
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = 'curated' AND c.relname = '{name}' AND d.objsubid > 0"
        );
        assert_eq!(one(&described), view.columns().len().to_string(), "{name}");
        let (_, keys, days) = VIEW_KEYS.iter().find(|(known, ..)| *known == name).unwrap();
        let rows = one(&format!("SELECT count(*) FROM curated.{name}"));
        assert!(rows != "0" || name == "low_stock", "{name} is empty");
        let whole: Vec<String> = keys.split(", ").map(|key| format!("{key} IS NOT NULL")).collect();
        let different = format!(
            "SELECT count(*) FROM (SELECT DISTINCT {keys} FROM curated.{name} WHERE {})",
            whole.join(" AND ")
        );
        assert_eq!(one(&different), rows, "{name} by {keys}");
        if let Some(days) = days {
            let since = match days {
                0 => "TRUE".to_owned(),
                days => format!(
                    "event_date > (SELECT max(event_date) FROM curated.fact_sales) - \
                     INTERVAL '{days} days'"
                ),
            };
            let facts = "SELECT sum(units), sum(revenue), sum(profit) FROM curated.fact_sales";
            let sums = format!("SELECT sum(units), sum(revenue) FROM curated.{name}");
            let expected = one(&format!("{facts} WHERE {since}"));
            assert!(expected.starts_with(&one(&sums)), "{name}: {} of {expected}", one(&sums));
        }
    }
    for (what, none) in [
        ("words", "current_inventory WHERE status NOT IN ('out', 'critical', 'low', 'normal')"),
        ("stock", "current_inventory WHERE on_hand_units < 0 OR daily_units < 0"),
        ("scarce", "low_stock WHERE status = 'normal'"),
        ("ranks", "product_performance WHERE revenue_rank < 1 OR units_rank < 1"),
        ("first", "store_performance WHERE revenue_rank <> 1"),
        (
            "room",
            "store_comparison WHERE shelves IS NULL OR shelves < 1 \
             OR abs(revenue_per_shelf * shelves - CAST(revenue AS DOUBLE)) > 0.01 \
             OR abs(receipts_per_shelf * shelves - receipts) > 0.01",
        ),
        ("turnover", "inventory_turnover WHERE turnover < 0 OR average_units < 0"),
        ("days", "customer_behaviour WHERE shopping_days > receipts OR receipts < 1"),
        ("standing", "current_alerts WHERE status IN ('resolved', 'dismissed')"),
        ("weekend", "seasonal_sales_patterns WHERE weekend <> (day_of_week IN (6, 7))"),
    ] {
        assert_eq!(one(&format!("SELECT count(*) FROM curated.{none}")), "0", "{what}");
    }
    let best = "SELECT count(*) FROM curated.product_performance WHERE revenue_rank = 1";
    assert_ne!(one(best), "0");
}

#[test]
fn a_running_chain_is_followed() {
    let place = Place::new();
    let run = "run --plain --for-seconds 3 --warmup-days 1 --speed 3600";
    let mut command = place.command(run);
    command.env("SHELF_LAKE__COMMIT_SECONDS", "1");
    let ran = Ran::of(&mut command, b"");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!ran.err.contains("warning"), "{ran:?}");
    let rounds = rows(&place, "ops.lake_commits");
    assert!(rounds > 1, "{rounds} rounds");
    place.ok("lake verify");
    // All that is in the log is there when it has stopped.
    assert_eq!(follow(&place)["events"], 0);
    place.ok("run --plain --for-seconds 1 --speed 3600 --no-lake");
    assert!(follow(&place)["events"].as_u64().unwrap() > 0);
    place.ok("lake verify");
}

#[test]
fn an_event_is_visible_soon_and_acts_are_told() {
    let place = open_shop();
    let mut command = place.command("run --no-demo --plain");
    command.env("SHELF_LAKE__COMMIT_SECONDS", "1").stdout(Stdio::null());
    let running = place.started(&mut command);
    until("the shop in the lake", || (rows(&place, "raw.products") == 1).then_some(()));
    // The present of such a chain is the clock's.
    let now = jiff::Timestamp::now();
    let line = format!(
        r#"{{"event_type":"pickup","timestamp":"{now}","store_id":"R1","item_id":"APPLE",{}"#,
        r#""quantity":3}"#
    );
    let sent = place.feed("send", line);
    assert_eq!(sent.code, 0, "{sent:?}");
    until("the pickup in the lake", || (rows(&place, "raw.shelf_events") == 1).then_some(()));
    running.stop();
    let cart = "SELECT cart_units FROM cleansed.shelf_state ORDER BY log_offset DESC LIMIT 1";
    assert_eq!(row(&place, cart), ["3"]);
}

/// What is due by the clock is done beside the commits: compaction, the star schema.
#[test]
fn a_running_chain_keeps_its_lake_in_shape() {
    let place = Place::new();
    let mut command = place.command("run --plain --warmup-days 1 --speed 600");
    command.env("SHELF_LAKE__COMMIT_SECONDS", "1");
    command.env("SHELF_LAKE__COMPACT_MINUTES", "1").env("SHELF_LAKE__BUILD_MINUTES", "1");
    command.stdout(Stdio::null());
    let running = place.started(&mut command);
    let patience = Duration::from_mins(4);
    until_within(patience, "the facts", || {
        std::thread::sleep(Duration::from_secs(1));
        (lake_rows(&place, "curated.fact_sales") > Some(0)).then_some(())
    });
    until_within(patience, "a compaction", || {
        std::thread::sleep(Duration::from_secs(1));
        let history = place.ok("lake history raw.shelf_events --limit 100");
        history.contains("OPTIMIZE").then_some(())
    });
    running.stop();
    place.ok("lake verify");
}

/// A table that is removed under a running chain is made again and filled from the log; who asks
/// the chain sees that, too.
#[test]
fn a_running_chain_fills_a_table_that_was_removed() {
    let place = Place::new();
    place.ok("simulate --days 1");
    let mut command = place.command("run --plain --speed 60");
    command.env("SHELF_LAKE__COMMIT_SECONDS", "1").stdout(Stdio::null());
    let running = place.started(&mut command);
    let rows = || lake_rows(&place, "raw.shelf_events");
    let before = until("the lake", || rows().filter(|rows| *rows > 0));
    let (folder, away) = (place.path("data/lake/raw/shelf_events"), place.path("away"));
    fs::rename(&folder, &away).unwrap();
    until("the table again", || rows().filter(|again| *again > before));
    running.stop();
    place.ok("lake verify");
}

/// How many rows a table has; `None` where it is not there.
fn lake_rows(place: &Place, table: &str) -> Option<u64> {
    let view = place.json("lake tables");
    let tables = view["tables"].as_array()?;
    tables.iter().find(|row| row["table"] == table)?["rows"].as_u64()
}

/// What the clock says stands in the commits and nowhere else: which rows are there does not hang
/// on it.
#[test]
fn a_clock_that_goes_back_loses_nothing() {
    let place = Place::new();
    place.ok("simulate --days 1");
    follow(&place);
    place.ok("simulate --days 2");
    let mut back = Command::new("faketime");
    back.args(["-f", "-3d"]).arg(place.command("").get_program());
    back.args(["lake", "follow", "--until-caught-up"]).current_dir(place.path(""));
    assert_eq!(Ran::of(back.env("SHELF_DATA", "data"), b"").code, 0);
    place.ok("lake verify");
    let history = place.jsons("lake history raw.pos_lines");
    let versions: Vec<i64> =
        history.iter().map(|commit| commit["version"].as_i64().unwrap()).collect();
    assert!(versions.len() > 2 && versions.is_sorted_by(|a, b| a > b), "{versions:?}");
    let counted = |table: &str| {
        let statement = format!("SELECT count(*) FROM {table}");
        let mut command = place.command("sql --format csv");
        let ran = Ran::of(command.arg(statement), b"");
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.out.lines().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let all = counted("raw.pos_lines");
    assert!(all > 0 && all == counted("raw.pos_lines AS OF '2200-01-01'"));
    // In a running chain too.
    let shop = open_shop();
    shop.file("clock", "+0");
    // The wrapper would stand between the test and the program, and keep its signals.
    let wrapped = Command::new("faketime").args(["-f", "+0", "printenv", "LD_PRELOAD"]).output();
    let library = String::from_utf8(wrapped.unwrap().stdout).unwrap();
    let mut running = shop.command("run --no-demo --plain");
    running.env("LD_PRELOAD", library.trim()).env("SHELF_LAKE__COMMIT_SECONDS", "1");
    running.env("FAKETIME_TIMESTAMP_FILE", shop.path("clock")).env("FAKETIME_NO_CACHE", "1");
    // What only measures spans goes on as it does when a clock is set.
    running.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").stdout(Stdio::null());
    let running = shop.started(&mut running);
    let pick = |at: jiff::Timestamp, customer: &str| {
        let line = format!(
            r#"{{"event_type":"pickup","timestamp":"{at}","store_id":"R1","item_id":"APPLE",{}"#,
            format_args!(r#""quantity":1,"customer_id":"{customer}"}}"#)
        );
        let sent = shop.feed("send", line);
        assert_eq!(sent.code, 0, "{sent:?}");
    };
    pick(jiff::Timestamp::now(), "before");
    until("the first pickup", || (rows(&shop, "raw.shelf_events") == 1).then_some(()));
    shop.file("clock", "-2h");
    pick(jiff::Timestamp::now() - jiff::SignedDuration::from_hours(2), "after");
    until("the second pickup", || (rows(&shop, "raw.shelf_events") == 2).then_some(()));
    running.stop();
    assert_eq!(follow(&shop)["events"], 0);
    shop.ok("lake verify");
}

#[test]
fn a_lake_that_fails_holds_up_nothing() {
    let place = Place::new();
    place.file("in-the-way", "a file where a folder is wanted");
    let mut command = place.command("run --plain --for-seconds 1 --warmup-days 0 --speed 3600");
    command.env("SHELF_LAKE__URL", place.path("in-the-way"));
    let ran = Ran::of(&mut command, b"");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("warning[lake_"), "{ran:?}");
    assert!(ran.out.lines().count() > 5, "{ran:?}");
}

/// A store that takes connections and never answers, and a command whose lake is in it.
fn never_answering(place: &Place, words: &str) -> (TcpListener, Command) {
    let store = TcpListener::bind("127.0.0.1:0").unwrap();
    let settings = format!(
        "[lake]\nurl = \"s3://shelf/lake\"\n\n[lake.storage]\n\
         aws_endpoint_url = \"http://{}\"\n\
         aws_virtual_hosted_style_request = \"false\"\nallow_http = \"true\"\n",
        store.local_addr().unwrap()
    );
    place.file("shelf.toml", settings);
    let mut command = place.command(words);
    command.env("AWS_ACCESS_KEY_ID", "key").env("AWS_SECRET_ACCESS_KEY", "secret");
    command.env("AWS_REGION", "us-east-1").stdout(Stdio::null());
    (store, command)
}

#[test]
fn a_store_that_never_answers_holds_up_neither_events_nor_a_stop() {
    let place = open_shop();
    let (store, mut command) = never_answering(&place, "run --no-demo --plain");
    let running = place.started(&mut command);
    let held = store.accept().unwrap();
    let sent = place.feed("send", pickup(1, "APPLE", 1));
    assert_eq!(sent.code, 0, "{sent:?}");
    let asked = Instant::now();
    let told = running.stop();
    assert!(asked.elapsed() < Duration::from_secs(15), "{:?}", asked.elapsed());
    assert!(told.contains("warning[lake_unreachable]: the lake: the store does not"), "{told}");
    drop(held);
    // The same for who only follows.
    let (store, mut command) = never_answering(&place, "lake follow");
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    let held = store.accept().unwrap();
    let asked = Instant::now();
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let ended = child.wait_with_output().unwrap();
    assert!(asked.elapsed() < Duration::from_secs(15), "{:?}", asked.elapsed());
    let told = String::from_utf8(ended.stderr).unwrap();
    assert!(told.contains("error[lake_unreachable]: the store does not"), "{told}");
    drop(held);
    // What was acknowledged is in the log, and in a lake that answers.
    fs::remove_file(place.path("shelf.toml")).unwrap();
    follow(&place);
    assert_eq!(rows(&place, "raw.shelf_events"), 1);
}

#[test]
fn what_is_wrong_with_a_lake_is_said() {
    let place = open_shop();
    follow(&place);
    place.fails("lake history raw.nothing", 5, "unknown_table");
    place.fails("lake history curated.fact_sales", 5, "unknown_table");
    place.fails("lake diff raw.products --from 9", 2, "usage");
    let mut command = place.command("lake follow --until-caught-up");
    Ran::of(command.env("SHELF_LAKE__URL", "nowhere://lake"), b"").failed(2, "lake_address");
}

#[test]
fn damage_is_found_and_mended_from_the_log() {
    let place = open_shop();
    follow(&place);
    place.ok("lake verify");
    let file = files(&place, "raw/products").pop().unwrap();
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    let ran = place.fails("lake verify", 3, "lake_damaged");
    assert!(ran.out.contains("missing or cut"), "{ran:?}");
    fs::remove_file(&file).unwrap();
    place.fails("lake verify --files-only raw.products", 3, "lake_damaged");
    fs::remove_dir_all(place.path("data/lake/raw/products")).unwrap();
    follow(&place);
    place.ok("lake verify");
}

/// What a statement came to through the wire: its SQLSTATE, and its own code.
fn wire_error(client: &mut postgres::Client, statement: &str) -> (String, String) {
    let error = client.simple_query(statement).unwrap_err();
    let error = error.as_db_error().unwrap_or_else(|| panic!("{statement}: {error:?}"));
    assert!(error.hint().unwrap().contains("shelf lake"), "{error:?}");
    (error.code().code().to_owned(), error.detail().unwrap().to_owned())
}

#[test]
fn a_statement_over_damage_says_so_and_the_next_one_is_answered() {
    let place = open_shop();
    follow(&place);
    let file = files(&place, "raw/products").pop().unwrap();
    let bytes = fs::read(&file).unwrap();
    let server = Server::of(&place);
    let mut client = server.client();
    let prices = "SELECT sum(price) FROM raw.products";
    let cut = || fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    let remove = || fs::remove_file(&file).unwrap();
    for damage in [&cut as &dyn Fn(), &remove] {
        damage();
        let ran = Ran::of(place.command("sql").arg(prices), b"").failed(3, "lake_damaged");
        assert!(ran.err.contains("shelf lake verify"), "{ran:?}");
        let error = wire_error(&mut client, prices);
        assert_eq!(error, ("XX001".to_owned(), "code lake_damaged".to_owned()));
        let rows = client.query("SELECT floor_units FROM live.shelves", &[]).unwrap();
        assert_eq!(rows[0].get::<_, i64>(0), 20);
    }
    fs::write(&file, &bytes).unwrap();
    assert_eq!(
        Ran::of(place.command("sql --format csv").arg(prices), b"").out.lines().nth(1),
        Some("1.20")
    );
}

#[test]
fn a_version_whose_files_were_removed_is_no_moment() {
    let place = open_shop();
    follow(&place);
    let prices = "SELECT sum(price) FROM raw.products AS OF VERSION 1";
    let then = Ran::of(place.command("sql --format csv").arg(prices), b"");
    assert_eq!(then.out.lines().nth(1), Some("1.20"), "{then:?}");
    assert_eq!(place.feed("send", product("PEAR")).code, 0);
    follow(&place);
    place.ok("lake optimize raw.products");
    place.ok("lake vacuum raw.products --hours 0 --yes");
    let ran = Ran::of(place.command("sql").arg(prices), b"").failed(2, "sql_no_moment");
    assert!(ran.err.contains("removed"), "{ran:?}");
    let now = "SELECT sum(price) FROM raw.products";
    let now = Ran::of(place.command("sql --format csv").arg(now), b"");
    assert_eq!(now.out.lines().nth(1), Some("2.40"), "{now:?}");
}
