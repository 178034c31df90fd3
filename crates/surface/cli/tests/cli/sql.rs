//! `sql`: statements from the command line, in every format, and what becomes of wrong ones.

use std::fs::File;
use std::io::Write as _;
use std::process::Stdio;

use parquet::file::reader::FileReader;
use shelf_query::arrow::ipc::reader::StreamReader;
use shelf_query::{RowFormat, RowWriter};

use crate::program::{Place, Ran, until};
use crate::shop::{open_shop, pickup};

/// Runs `shelf sql` with one statement.
fn ask(place: &Place, words: &str, statement: &str) -> Ran {
    let mut command = place.command(&format!("sql {words}"));
    Ran::of(command.arg(statement), b"")
}

fn table(place: &Place, statement: &str) -> String {
    let ran = ask(place, "--format csv", statement);
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.out
}

#[test]
fn a_statement_sees_what_is_on_disk() {
    let place = open_shop();
    let stock = "SELECT sku, floor_units, warehouse_units, price FROM live.shelves";
    assert_eq!(table(&place, stock), "sku,floor_units,warehouse_units,price\nAPPLE,20,100,1.20\n");
    place.feed("send", pickup(1, "APPLE", 3));
    assert_eq!(table(&place, stock), "sku,floor_units,warehouse_units,price\nAPPLE,17,100,1.20\n");
    // What a running process has taken is seen at once.
    let running = place.start("run --no-demo --plain");
    place.feed("send", pickup(2, "APPLE", 1));
    assert!(table(&place, stock).contains("APPLE,16,"));
    running.stop();
}

#[test]
fn rows_come_in_every_format() {
    let place = open_shop();
    let statement = "SELECT sku, floor_units, price, empty_since FROM shelves";
    let plain = ask(&place, "", statement).out;
    assert!(plain.contains("| APPLE | 20          | 1.20  |             |"), "{plain}");
    let json = "{\"sku\":\"APPLE\",\"floor_units\":20,\"price\":1.20,\"empty_since\":null}\n";
    assert_eq!(ask(&place, "--format json", statement).out, json);
    assert_eq!(ask(&place, "--json", statement).out, json);
    let none = "SELECT sku FROM shelves WHERE false";
    assert_eq!(table(&place, none), "sku\n");
    assert_eq!(ask(&place, "--json", none).out, "");
    let file = std::fs::File::create(place.path("rows.parquet")).unwrap();
    let mut command = place.command("sql --format parquet");
    assert!(command.arg(statement).stdout(file).status().unwrap().success());
    let file = std::fs::File::open(place.path("rows.parquet")).unwrap();
    let rows = parquet::file::reader::SerializedFileReader::new(file).unwrap();
    let rows: Vec<String> =
        rows.get_row_iter(None).unwrap().map(|row| row.unwrap().to_string()).collect();
    assert_eq!(rows, ["{sku: \"APPLE\", floor_units: 20, price: 1.20, empty_since: null}"]);
    let file = std::fs::File::create(place.path("rows.arrow")).unwrap();
    let mut command = place.command("sql --format arrow");
    assert!(command.arg(statement).stdout(file).status().unwrap().success());
    let file = std::fs::File::open(place.path("rows.arrow")).unwrap();
    let stream = StreamReader::try_new(file, None).unwrap();
    let schema = stream.schema();
    let types: Vec<String> =
        schema.fields().iter().map(|field| field.data_type().to_string()).collect();
    assert_eq!(types, ["Utf8", "Int64", "Decimal128(18, 2)", "Timestamp(µs, \"UTC\")"]);
    let mut bytes = Vec::new();
    let mut csv = RowWriter::new(RowFormat::Csv, &schema, &mut bytes).unwrap();
    stream.for_each(|batch| csv.write(batch.unwrap()).unwrap());
    csv.finish().unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), table(&place, statement));
}

#[test]
fn several_statements_come_from_stdin() {
    let place = open_shop();
    let text = "SELECT 1 AS a; -- the first\n\nSELECT sku FROM live.lots;\n";
    let ran = place.feed("sql --format csv", text);
    assert_eq!((ran.code, ran.out.as_str()), (0, "a\n1\nsku\nAPPLE\n"), "{ran:?}");
    let two = place.feed("sql --format parquet", text);
    two.failed(2, "usage");
    assert_eq!(place.feed("sql", "").code, 0);
    place.feed("sql", b"\xff").failed(1, "stdin");
}

#[test]
fn commands_show_what_there_is() {
    let place = open_shop();
    let ran = ask(&place, "", "\\d+ live.shelves");
    assert!(ran.code == 0 && ran.out.contains("floor_units") && ran.out.contains("Units on it."));
    let lake = ask(&place, "", "\\d raw.pos_lines").out;
    assert!(lake.contains("receipt_id") && lake.contains("The place of the event"), "{lake}");
    let view = ask(&place, "", "\\d curated.current_inventory").out;
    assert!(view.contains("on_hand_units") && view.contains("Units in the shop at"), "{view}");
    // What has no notes is described by its statement, as is what programs read.
    let tables = ask(&place, "", "\\d information_schema.tables").out;
    assert!(tables.contains("column_name") && tables.contains("table_type"), "{tables}");
    let columns = ask(&place, "--json", "\\d shelves").jsons();
    assert!(columns.iter().any(|row| row["column_name"] == "floor_units"), "{columns:?}");
    assert!(place.feed("sql", "\\dt\n").out.contains("pos_lines"));
    let unknown = ask(&place, "", "\\df").failed(2, "usage");
    assert!(unknown.err.contains("\\dt"), "{unknown:?}");
    ask(&place, "", "\\d nothing").failed(5, "sql_unknown_table");
}

/// At a terminal: statements over lines, commands, mistakes; and what was typed is kept.
#[test]
fn a_person_is_asked_at_a_prompt() {
    let place = open_shop();
    let typed = "SELECT sku, floor_units + 1 AS more\nFROM live.shelves;\n\\d live.shelves\n\\dt\n\
                 SELECT nothing FROM live.shelves;\nSELECT 6 * 7 AS answer;\n\\q\n";
    let mut command = place.shell("timeout 60 script -qec \"$SHELF sql\" screen");
    command.env("XDG_STATE_HOME", place.path("state")).env("TERM", "xterm");
    command.stdin(Stdio::piped()).stdout(File::create(place.path("seen")).unwrap());
    let mut asked = command.spawn().unwrap();
    let mut keys = asked.stdin.take().unwrap();
    let screen =
        || String::from_utf8_lossy(&std::fs::read(place.path("seen")).unwrap()).into_owned();
    let mut prompts = 1;
    for line in typed.lines() {
        // What is typed before the prompt is there is lost. It turns bracketed paste on.
        until("a prompt", || (screen().matches("\u{1b}[?2004h").count() >= prompts).then_some(()));
        writeln!(keys, "{line}").unwrap();
        prompts += usize::from(line.ends_with(';') || line.starts_with('\\'));
    }
    let status = asked.wait().unwrap();
    let screen = screen();
    assert!(status.success(), "`script` of util-linux is needed: {screen}");
    for shown in ["APPLE", "21", "Units on it.", "pos_lines", "sql_unknown_column", "42"] {
        assert!(screen.contains(shown), "no {shown}: {screen}");
    }
    let kept = std::fs::read_to_string(place.path("state/shelf/sql_history")).unwrap();
    for entry in ["FROM live.shelves;", "\\d live.shelves", "SELECT nothing", "SELECT 6 * 7", "\\q"]
    {
        // The history writes a backslash as two.
        let entry = entry.replace('\\', "\\\\");
        assert!(kept.contains(&entry), "no {entry}: {kept}");
    }
}

#[test]
fn wrong_statements_say_what_is_wrong() {
    let place = open_shop();
    for (statement, code, error) in [
        ("SELEC 1", 2, "sql_syntax"),
        ("SELECT * FROM live.nothing", 5, "sql_unknown_table"),
        ("SELECT nothing FROM live.shelves", 5, "sql_unknown_column"),
        ("SELECT nothing(1)", 5, "sql_unknown_function"),
        ("DROP TABLE live.shelves", 2, "sql_read_only"),
        ("INSERT INTO live.shelves VALUES ('a')", 2, "sql_read_only"),
        ("SELECT * FROM live.shelves AS OF 'then'", 2, "sql_no_moment"),
        ("SELECT 1 / 0", 1, "sql_value"),
    ] {
        ask(&place, "", statement).failed(code, error);
    }
    ask(&place, "--max-rows 1", "SELECT * FROM generate_series(1, 2)")
        .failed(1, "sql_too_many_rows");
    ask(&place, "--timeout 1", "SELECT count(*) FROM generate_series(1, 1000000000000)")
        .failed(1, "sql_timeout");
    ask(&place, "--max-rows 0", "SELECT 1").failed(2, "settings");
    Place::new().fails("sql SELECT", 5, "no_data");
}

#[test]
fn the_past_is_rebuilt_from_the_log() {
    let place = open_shop();
    for (minute, units) in [(1, 3), (2, 5)] {
        place.feed("send", pickup(minute, "APPLE", units));
    }
    let at = |when: &str| table(&place, &format!("SELECT floor_units FROM live.shelves {when}"));
    assert_eq!(at(""), "floor_units\n12\n");
    assert_eq!(at("AS OF '2100-01-01'"), "floor_units\n12\n");
    assert_eq!(at("AS OF '1990-01-01 00:00'"), "floor_units\n");
}
