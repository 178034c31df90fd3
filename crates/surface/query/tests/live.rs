//! Statements about the state of a simulated chain: what they see, and what ends them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use expect_test::expect_file;
use shelf_eventlog::{LogOptions, SyncMode};
use shelf_host::{ChainWriter, Folder, TownPlan, WriterOptions};
use shelf_query::{
    Lake, Limits, QueryError, RowFormat, RowWriter, Sql, function_notes, table_notes,
};
use shelf_simulator::TownOptions;
use tempfile::TempDir;

const HOUR: i64 = shelf_domain::HOUR;

/// A chain of two small towns, and its writer.
struct Chain {
    writer: ChainWriter,
    folder: Folder,
    _dir: TempDir,
}

impl Chain {
    fn of_hours(hours: i64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::at(dir.path().join("data"));
        let options = TownOptions { customers_per_day: Some(200), ..TownOptions::default() };
        let options = WriterOptions {
            log: LogOptions { partitions: 2, sync: SyncMode::None, ..LogOptions::default() },
            town: Some(TownPlan { stores: 2, options }),
            threads: 1,
            ..WriterOptions::default()
        };
        let writer = ChainWriter::open(&folder, &options).unwrap();
        let mut chain = Self { writer, folder, _dir: dir };
        chain.live_through(hours);
        chain
    }

    fn live_through(&mut self, hours: i64) {
        let until = TownOptions::default().start.plus(hours * HOUR);
        self.writer.simulate(until, |_| {}).unwrap();
        self.writer.commit().unwrap();
    }

    fn sql(&self, limits: Limits) -> Sql {
        let lake = Lake::at(&self.folder.root().join("lake").to_string_lossy(), HashMap::new());
        Sql::open(&self.folder, &lake.unwrap(), limits).unwrap()
    }
}

/// The rows of a statement as CSV without the names.
fn ask(sql: &Sql, text: &str) -> Result<Vec<String>, QueryError> {
    let session = sql.session();
    let mut written = Vec::new();
    for statement in session.statements(text)? {
        let mut answer = sql.block_on(session.answer(&statement))??;
        let mut bytes = Vec::new();
        let mut writer = RowWriter::new(RowFormat::Csv, answer.schema(), &mut bytes).unwrap();
        while let Some(batch) = sql.block_on(answer.next())?? {
            writer.write(batch).unwrap();
        }
        writer.finish().unwrap();
        let text = String::from_utf8(bytes).unwrap();
        written.extend(text.lines().skip(1).map(str::to_owned));
    }
    Ok(written)
}

fn rows(sql: &Sql, text: &str) -> Vec<String> {
    ask(sql, text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn one(sql: &Sql, text: &str) -> String {
    let found = rows(sql, text);
    assert_eq!(found.len(), 1, "{text}: {found:?}");
    found.into_iter().next().unwrap()
}

fn refusal(sql: &Sql, text: &str) -> QueryError {
    ask(sql, text).expect_err(text)
}

#[test]
fn every_table_answers_and_says_what_it_means() {
    let chain = Chain::of_hours(36);
    let sql = chain.sql(Limits::default());
    let notes = table_notes(&sql);
    assert!(notes.len() >= 12);
    for note in notes.iter().filter(|note| note.schema == "live") {
        let count: u64 =
            one(&sql, &format!("SELECT count(*) FROM live.{}", note.table)).parse().unwrap();
        assert!(count > 0 || note.table == "alerts", "live.{} is empty", note.table);
        let names: Vec<&str> = note.columns.iter().map(|(name, _, _)| name.as_str()).collect();
        let all = rows(&sql, &format!("SELECT {} FROM {}", names.join(", "), note.table));
        assert_eq!(all.len() as u64, count, "{}", note.table);
        assert!(note.columns.iter().all(|(_, of, comment)| of != "other" && !comment.is_empty()));
    }
    let described = one(
        &sql,
        "SELECT col_description(c.oid, 2), obj_description(c.oid, 'pg_class') FROM \
         pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE \
         nspname = 'live' AND relname = 'shelves'",
    );
    let expected = "The sku that lies on it.,The shelves: one row for each sku of each store.";
    assert_eq!(described, expected);
    let commented = one(&sql, "SELECT count(*) > 100 FROM pg_catalog.pg_description");
    assert_eq!(commented, "true");
}

#[test]
fn the_documentation_lists_what_there_is() {
    let chain = Chain::of_hours(1);
    let sql = chain.sql(Limits::default());
    let mut text = "# Tables and functions of SQL\n\nMade from the program: see [sql.md](sql.md) \
                    for how they are used.\n\n## Functions of the shop\n\n| call | gives | \
                    meaning |\n|---|---|---|\n"
        .to_owned();
    for note in function_notes() {
        let _ = writeln!(text, "| `{}` | {} | {} |", note.call, note.gives, note.meaning);
    }
    for note in table_notes(&sql) {
        let (table, comment) = (format!("{}.{}", note.schema, note.table), note.comment);
        let _ = writeln!(text, "\n## {table}\n\n{comment}\n");
        if let Some(view) = shelf_lake::VIEWS.iter().find(|view| view.name == note.table) {
            let _ = writeln!(text, "```sql\n{}\n```", view.sql.trim_end());
            continue;
        }
        let _ = writeln!(text, "| column | type | meaning |\n|---|---|---|");
        for (name, of, comment) in note.columns {
            let _ = writeln!(text, "| `{name}` | {of} | {comment} |");
        }
    }
    expect_file!["../../../../docs/sql-tables.md"].assert_eq(&text);
}

#[test]
fn what_is_shown_is_the_state() {
    let chain = Chain::of_hours(36);
    let sql = chain.sql(Limits::default());
    let reader =
        shelf_host::ChainReader::open(&chain.folder, shelf_host::Follow::FromSnapshot).unwrap();
    let stores = reader.stores();
    let floor: u64 = stores.iter().map(|store| store.units().floor).sum();
    assert_eq!(one(&sql, "SELECT sum(floor_units) FROM live.shelves"), floor.to_string());
    let first = stores.first().unwrap();
    let of_one = format!("SELECT floor_units FROM live.stores WHERE store_id = '{}'", first.id());
    assert_eq!(one(&sql, &of_one), first.units().floor.to_string());
    let cents: i64 = stores.iter().map(|store| store.revenue_cents()).sum();
    let amount = format!("{}.{:02}", cents / 100, cents % 100);
    assert_eq!(one(&sql, "SELECT sum(revenue) FROM stores"), amount);
    // The conservation of units, in one statement over the columns of one moment.
    let kept = "SELECT bool_and(received_units = floor_units + cart_units + warehouse_units + \
                transit_units + sold_units + removed_units + unexplained_units) FROM live.stores";
    assert_eq!(one(&sql, kept), "true");
    let lots = "SELECT count(*) FROM live.lots l LEFT JOIN live.shelves s USING (store_id, sku) \
                WHERE s.sku IS NULL";
    assert_eq!(one(&sql, lots), "0");
}

#[test]
fn all_tables_of_a_statement_show_one_moment() {
    let mut chain = Chain::of_hours(10);
    let sql = Arc::new(chain.sql(Limits::default()));
    let asking = Arc::clone(&sql);
    let asked = std::thread::spawn(move || {
        let begun = Instant::now();
        let mut sums = std::collections::BTreeSet::new();
        while begun.elapsed() < Duration::from_secs(3) {
            let seen = one(
                &asking,
                "SELECT (SELECT sum(floor_units) FROM live.shelves), \
                 (SELECT sum(floor_units) FROM live.stores), \
                 (SELECT sum(floor_units) FROM live.zones)",
            );
            let parts: Vec<&str> = seen.split(',').collect();
            assert!(parts[0] == parts[1] && parts[1] == parts[2], "{seen}");
            sums.insert(seen);
        }
        sums.len()
    });
    let mut hour = 10;
    while !asked.is_finished() {
        hour += 1;
        chain.live_through(hour);
    }
    assert!(asked.join().unwrap() > 2, "the state did not move");
    let stepped = one(&sql, "SELECT sum(stepped) FROM live.pipeline");
    assert_eq!(stepped, chain.writer.counts().unwrap().stepped.to_string());
}

#[test]
fn the_past_is_shown_as_it_was() {
    let mut chain = Chain::of_hours(30);
    let sql = chain.sql(Limits::default());
    let state = "SELECT sku, floor_units, warehouse_units, price FROM live.shelves";
    let then = rows(&sql, &format!("{state} ORDER BY store_id, sku"));
    let at = one(&sql, "SELECT max(now_at) FROM live.stores");
    let until = TownOptions::default().start.plus(30 * HOUR);
    let past = jiff::Timestamp::from_microsecond(until.0 - 1).unwrap();
    chain.live_through(60);
    assert_ne!(rows(&sql, &format!("{state} ORDER BY store_id, sku")), then, "{at}");
    let of_then = format!("{state} AS OF '{past}' ORDER BY store_id, sku");
    assert_eq!(rows(&sql, &of_then), then);
    // Past and present in one statement.
    let both = format!(
        "SELECT count(*) FROM live.shelves AS OF '{past}' a JOIN live.shelves b \
         ON a.store_id = b.store_id AND a.sku = b.sku WHERE a.floor_units <> b.floor_units"
    );
    assert_ne!(one(&sql, &both), "0");
    assert_eq!(refusal(&sql, "SELECT * FROM lots AS OF 'then'").code(), "sql_no_moment");
    let before = rows(&sql, "SELECT * FROM live.stores AS OF '1999-01-01'");
    assert!(before.is_empty(), "{before:?}");
}

#[test]
fn a_position_of_the_log_is_a_version() {
    let mut chain = Chain::of_hours(30);
    let sql = chain.sql(Limits::default());
    let tables = ["stores", "shelves", "lots", "alerts", "tasks", "pipeline"];
    let state = |version: &str| {
        let of = |table: &&str| {
            let mut rows = rows(&sql, &format!("SELECT * FROM live.{table}{version}"));
            rows.sort();
            rows
        };
        tables.iter().map(of).collect::<Vec<_>>()
    };
    let position = |table: &str| {
        rows(&sql, &format!("SELECT position FROM {table} ORDER BY partition")).join(",")
    };
    let (then, positions) = (state(""), position("live.pipeline"));
    chain.live_through(60);
    assert_ne!(state(""), then);
    let version = format!(" AS OF VERSION '{positions}'");
    assert_eq!(state(&version), then);
    // The positions of then are those that were asked for, with snapshots behind them or not.
    for part in [1, 2, 7] {
        let earlier: Vec<String> = positions
            .split(',')
            .map(|position| (position.parse::<u64>().unwrap() / part).to_string())
            .collect();
        let earlier = earlier.join(",");
        let seen = position(&format!("live.pipeline AS OF VERSION '{earlier}'"));
        assert_eq!(seen, earlier);
    }
    // A wrong number of partitions, and what has not happened yet.
    let too_many = format!("SELECT * FROM lots AS OF VERSION '{positions},1'");
    assert!(refusal(&sql, &too_many).to_string().contains("partition"));
    assert_eq!(refusal(&sql, &too_many).code(), "sql_no_moment");
    let ahead: Vec<String> = positions.split(',').map(|_| u64::MAX.to_string()).collect();
    let ahead = format!("SELECT * FROM lots AS OF VERSION '{}'", ahead.join(","));
    assert_eq!(refusal(&sql, &ahead).code(), "sql_no_moment");
}

#[test]
fn what_goes_over_a_limit_says_so() {
    let chain = Chain::of_hours(8);
    let limits = Limits {
        memory_bytes: 8 << 20,
        spill_bytes: 0,
        timeout: Duration::from_secs(2),
        max_rows: 1_000,
        threads: 2,
    };
    let sql = chain.sql(limits);
    let many = refusal(&sql, "SELECT * FROM generate_series(1, 1001)");
    assert_eq!((many.code(), many.sqlstate()), ("sql_too_many_rows", "54000"));
    assert_eq!(rows(&sql, "SELECT * FROM generate_series(1, 1000)").len(), 1_000);
    let endless = "SELECT count(*) FROM generate_series(1, 100000000000)";
    let begun = Instant::now();
    assert_eq!(refusal(&sql, endless).code(), "sql_timeout");
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    let large = refusal(
        &sql,
        "SELECT v, count(*) FROM (SELECT repeat('x', 100) || value AS v FROM \
         generate_series(1, 100000000)) GROUP BY v ORDER BY v DESC LIMIT 3",
    );
    assert_eq!((large.code(), large.sqlstate()), ("sql_memory", "53200"), "{large}");
    let session = sql.session();
    let cancel = session.cancel();
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        cancel.ask();
    });
    let statement = session.statements(endless).unwrap().remove(0);
    let ended = sql.block_on(async {
        let mut answer = session.answer(&statement).await?;
        answer.next().await
    });
    stopper.join().unwrap();
    assert_eq!(ended.unwrap().unwrap_err().code(), "sql_cancelled");
    // The session goes on.
    let again = session.statements("SELECT 1").unwrap().remove(0);
    assert!(sql.block_on(session.answer(&again)).unwrap().is_ok());
}

/// Statements that would take all memory there is, each in a way of its own.
const GREEDY: [&str; 24] = [
    // Windows that keep all rows, or all that their frames reach.
    "SELECT count(*) OVER () FROM generate_series(1, 12500000000)",
    "SELECT sum(value) OVER (ROWS BETWEEN CURRENT ROW AND 10000000000 FOLLOWING) \
     FROM generate_series(1, 12500000000)",
    "SELECT max(n) FROM (SELECT sum(value) OVER (ROWS BETWEEN 10000000000 PRECEDING AND \
     CURRENT ROW) AS n FROM generate_series(1, 12500000000))",
    "SELECT max(n) FROM (SELECT lag(value, 1000000000) OVER () AS n FROM \
     generate_series(1, 12500000000))",
    "SELECT array_agg(value) OVER () FROM generate_series(1, 100000)",
    "SELECT array_agg(value) OVER (ORDER BY value) FROM generate_series(1, 100000)",
    // Values that functions make of nearly nothing, also while the statement is planned.
    "SELECT range(0, 1000000000)",
    "SELECT generate_series(0, 1000000000)",
    "SELECT range(DATE '0001-01-01', DATE '9999-01-01', INTERVAL '1 day')",
    "SELECT range(TIMESTAMP '2000-01-01', TIMESTAMP '2026-01-01', INTERVAL '1 second')",
    "SELECT sum(cardinality(range(0, value))) FROM generate_series(1, 100000)",
    "SELECT array_repeat(1, 1000000000)",
    "SELECT array_repeat(NULL, 1000000000)",
    "SELECT array_repeat(range(0, 10000), 100000)",
    "SELECT array_resize(ARRAY[1], 1000000000, 0)",
    "SELECT repeat('x', 1000000000)",
    "SELECT lpad('x', 1000000000)",
    "SELECT rpad('x', 1000000000, 'y')",
    "SELECT replace(repeat('x', 100000), 'x', repeat('y', 100000))",
    "SELECT regexp_replace(repeat('x', 100000), 'x', repeat('y', 100000), 'g')",
    "SELECT array_to_string(range(0, 10000), repeat(',', 100000))",
    "SELECT max(repeat(CAST(value AS VARCHAR), 50000)) FROM generate_series(1, 100000)",
    // A text that is the same for all rows, written out for each.
    "SELECT repeat('x', 500000) FROM generate_series(1, 100000)",
    // What is gathered into one value.
    "SELECT array_agg(value) FROM generate_series(1, 12500000000)",
];

#[test]
fn no_statement_takes_more_memory_than_there_is_for_all() {
    let chain = Chain::of_hours(1);
    let sql = chain.sql(Limits::default());
    for text in GREEDY {
        let error = refusal(&sql, text);
        assert_eq!((error.code(), error.sqlstate()), ("sql_memory", "53200"), "{text}: {error}");
        // Nothing stays reserved behind it.
        let roomy = "SELECT max(n) FROM (SELECT count(*) OVER () AS n \
                     FROM generate_series(1, 500000))";
        assert_eq!(one(&sql, roomy), "500000", "{text}");
    }
}

#[test]
fn what_has_room_is_answered_as_ever() {
    let chain = Chain::of_hours(1);
    let sql = chain.sql(Limits::default());
    for (text, answer) in [
        // Rows that have left a window are not counted any more.
        (
            "SELECT max(n) FROM (SELECT row_number() OVER () AS n \
             FROM generate_series(1, 5000000))",
            "5000000",
        ),
        (
            "SELECT max(n) FROM (SELECT lag(value, 10) OVER () AS n \
             FROM generate_series(1, 5000000)) WHERE n < 11",
            "10",
        ),
        (
            "SELECT max(n) FROM (SELECT sum(value) OVER (ORDER BY value ROWS BETWEEN 1 PRECEDING \
             AND 1 FOLLOWING) AS n FROM generate_series(1, 1000000))",
            "2999997",
        ),
        (
            "SELECT max(n) FROM (SELECT count(*) OVER (PARTITION BY value / 100 ORDER BY value \
             RANGE BETWEEN 5 PRECEDING AND CURRENT ROW) AS n FROM generate_series(1, 2000000))",
            "6",
        ),
        (
            "SELECT sum(n) FROM (SELECT count(*) OVER (PARTITION BY value % 10) AS n \
             FROM generate_series(1, 100000))",
            "1000000000",
        ),
        (
            "SELECT max(cardinality(a)) FROM (SELECT array_agg(value) OVER (PARTITION BY \
             value / 10) AS a FROM generate_series(0, 99999))",
            "10",
        ),
        ("SELECT cardinality(range(0, 10000))", "10000"),
        (
            "SELECT cardinality(range(DATE '2025-01-01', DATE '2026-01-01', INTERVAL '1 day'))",
            "365",
        ),
        ("SELECT cardinality(array_repeat(1, 1000))", "1000"),
        ("SELECT cardinality(array_resize(ARRAY[1], 1000, 0))", "1000"),
        ("SELECT length(repeat('x', 100000))", "100000"),
        (
            "SELECT lpad('7', 3, '0') || rpad('x', 2, 'y') || replace('aba', 'b', 'ccc') || \
             regexp_replace('aba', 'a', 'd', 'g') || array_to_string(ARRAY[1, 2], '-')",
            "007xyacccadbd1-2",
        ),
        // Lists that lie together count once.
        (
            "SELECT count(array_to_string(a, ',')) FROM (SELECT array_agg(value) AS a \
             FROM generate_series(1, 100000) GROUP BY value / 10)",
            "10001",
        ),
        ("SELECT replace('aba', '', 'ccc')", "aba"),
        ("SELECT repeat(NULL, 1000000000) IS NULL", "true"),
        (
            "SELECT sum(length(repeat(CAST(value AS VARCHAR), 10))) FROM generate_series(1, 1000)",
            "28930",
        ),
    ] {
        assert_eq!(one(&sql, text), answer, "{text}");
    }
}

#[test]
fn wrong_statements_are_told_apart() {
    let chain = Chain::of_hours(8);
    let sql = chain.sql(Limits::default());
    for (text, code) in [
        ("SELEC 1", "sql_syntax"),
        ("SELECT * FROM live.shelfs", "sql_unknown_table"),
        ("SELECT * FROM nowhere.shelves", "sql_unknown_table"),
        ("SELECT colour FROM live.shelves", "sql_unknown_column"),
        ("SELECT twice(1)", "sql_unknown_function"),
        ("SELECT store_day(now())", "sql_unknown_function"),
        ("SELECT sku FROM live.shelves GROUP BY name", "sql_nonsense"),
        ("SELECT 1 / 0", "sql_value"),
        ("SELECT CAST('x' AS INT)", "sql_value"),
        ("DROP TABLE live.shelves", "sql_read_only"),
        ("INSERT INTO live.shelves SELECT * FROM live.shelves", "sql_read_only"),
        ("CREATE TABLE a AS SELECT 1", "sql_read_only"),
        ("COPY live.shelves TO 'shelves.csv'", "sql_read_only"),
        ("SET datafusion.runtime.memory_limit = '100G'", "sql_read_only"),
    ] {
        let error = refusal(&sql, text);
        assert_eq!(error.code(), code, "{text}: {error}");
        assert!(!error.hint().is_empty() && !error.to_string().is_empty());
    }
}

#[test]
fn the_functions_of_the_shop_know_its_calendar() {
    let chain = Chain::of_hours(8);
    let sql = chain.sql(Limits::default());
    let store = one(&sql, "SELECT min(store_id) FROM live.stores");
    let of =
        |call: &str| one(&sql, &format!("SELECT {}", call.replace('$', &format!("'{store}'"))));
    // The day that the store itself tells.
    let days = "SELECT bool_and(store_day(now_at, store_id) = today) FROM live.stores";
    assert_eq!(one(&sql, days), "true");
    let starts = "SELECT bool_and(store_day(store_day_start(today, store_id), store_id) = today \
                  AND store_day(store_day_start(today, store_id) - INTERVAL '1 second', store_id) \
                  < today AND store_hour(store_day_start(today, store_id), store_id) = 0) \
                  FROM live.stores";
    assert_eq!(one(&sql, starts), "true");
    assert_eq!(of("days_to_expiry(DATE '2026-01-10', DATE '2026-01-05')"), "5");
    assert_eq!(of("money(1234)"), "12.34");
    assert_eq!(of("store_day(now(), 'nowhere') IS NULL"), "true");
    let left = "SELECT bool_and(days_to_expiry(l.expiry_date, s.today) = l.days_left) FROM \
                live.lots l JOIN live.stores s USING (store_id) WHERE l.expiry_date IS NOT NULL";
    assert_eq!(one(&sql, left), "true");
}
