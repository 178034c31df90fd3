//! `sql`: statements from the command line, in every format, and what becomes of wrong ones.

use std::io::Read;

use crate::program::{Place, Ran};
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
    let metadata = parquet::file::reader::FileReader::metadata(&rows);
    assert_eq!(metadata.file_metadata().num_rows(), 1);
    let file = std::fs::File::create(place.path("rows.arrow")).unwrap();
    let mut command = place.command("sql --format arrow");
    assert!(command.arg(statement).stdout(file).status().unwrap().success());
    let mut bytes = Vec::new();
    std::fs::File::open(place.path("rows.arrow")).unwrap().read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes[..4], [0xff; 4], "an Arrow stream begins with this mark");
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
