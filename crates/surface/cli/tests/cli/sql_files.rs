//! Statements with their answers, as files in the form of sqllogictest: the same through the
//! command line and through the Postgres wire.

use std::path::{Path, PathBuf};

use postgres::SimpleQueryMessage;

use crate::program::{Place, Ran};
use crate::shop::open_shop;
use crate::sql_wire::Server;

/// One record of a file.
#[derive(Debug)]
struct Record {
    place: String,
    sql: String,
    wanted: Wanted,
}

#[derive(Debug)]
enum Wanted {
    Done,
    /// With this code.
    Refused(String),
    Rows(Vec<String>),
}

/// What a statement came to: its rows with a space between the values, or the code of its error.
type Came = Result<Vec<String>, String>;

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slt");
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    assert!(found.len() >= 4, "{found:?}");
    found
}

fn records(path: &Path) -> Vec<Record> {
    let text = std::fs::read_to_string(path).unwrap();
    let bare = |block: &str| {
        block.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n")
    };
    let blocks = text.split("\n\n").map(bare).filter(|block| !block.trim().is_empty());
    let record = |block: String| {
        let (head, body) = block.trim().split_once('\n').unwrap();
        let (sql, rows) = body.split_once("\n----").unwrap_or((body, ""));
        let rows = rows.lines().filter(|row| !row.is_empty()).map(str::to_owned).collect();
        let wanted = match head.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["statement", "ok"] => Wanted::Done,
            ["statement", "error", code] => Wanted::Refused((*code).to_owned()),
            ["query", ..] => Wanted::Rows(rows),
            _ => panic!("{}: {head}", path.display()),
        };
        let place = format!("{}: {sql}", path.file_name().unwrap().to_string_lossy());
        Record { place, sql: sql.to_owned(), wanted }
    };
    blocks.map(record).collect()
}

fn check(mut run: impl FnMut(&str) -> Came) {
    for record in files().iter().flat_map(|path| records(path)) {
        match (record.wanted, run(&record.sql)) {
            (Wanted::Done, Ok(_)) => {}
            (Wanted::Refused(wanted), Err(code)) => assert_eq!(code, wanted, "{}", record.place),
            (Wanted::Rows(wanted), Ok(rows)) => assert_eq!(rows, wanted, "{}", record.place),
            (wanted, came) => panic!("{}: wanted {wanted:?}, came {came:?}", record.place),
        }
    }
}

/// The corner shop, in the lake too.
fn shop() -> Place {
    let place = open_shop();
    place.ok("lake follow --until-caught-up");
    place.ok("lake build");
    place
}

#[test]
fn through_the_command_line() {
    let place = shop();
    check(|sql| {
        let ran = Ran::of(place.command("sql --format csv").arg(sql), b"");
        if ran.code != 0 {
            let code = ran.err.split_once("error[").and_then(|(_, rest)| rest.split_once("]: "));
            return Err(code.unwrap_or_else(|| panic!("{sql}: {ran:?}")).0.to_owned());
        }
        Ok(ran.out.lines().skip(1).map(|row| row.replace(',', " ")).collect())
    });
}

#[test]
fn through_the_wire() {
    let place = shop();
    let server = Server::of(&place);
    let mut client = server.client();
    check(|sql| {
        let messages = client.simple_query(sql).map_err(|error| {
            let told = error.as_db_error().and_then(|error| error.detail()?.strip_prefix("code "));
            told.unwrap_or_else(|| panic!("{sql}: {error:?}")).to_owned()
        })?;
        let row = |message: &SimpleQueryMessage| match message {
            SimpleQueryMessage::Row(row) => {
                let values = (0..row.len()).map(|at| row.get(at).unwrap_or(""));
                Some(values.collect::<Vec<_>>().join(" "))
            }
            _ => None,
        };
        Ok(messages.iter().filter_map(row).collect())
    });
}
