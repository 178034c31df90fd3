//! What well-known programs ask when they connect and look around, recorded: each is answered.

use std::fmt::Write as _;
use std::path::Path;

use expect_test::expect_file;
use postgres::SimpleQueryMessage;

use crate::shop::open_shop;
use crate::sql_wire::Server;

/// Asks what a program asks, in order; returns what came, a line for each statement.
fn answers(program: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
    let text = std::fs::read_to_string(folder.join(format!("{program}.sql"))).unwrap();
    let place = open_shop();
    let server = Server::of(&place);
    let mut client = server.client();
    let mut came = String::new();
    for statement in text.split("\n;\n").map(str::trim).filter(|text| !text.is_empty()) {
        let said: Vec<&str> =
            statement.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
        let short: String = said.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
        let short: String = short.chars().take(80).collect();
        let messages = client
            .simple_query(statement)
            .unwrap_or_else(|error| panic!("{program}: {error:?}: {statement}"));
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let rows: Vec<_> = rows.collect();
        let first = rows.first().map_or(String::new(), |row| {
            let values = (0..row.len().min(4)).map(|at| row.get(at).unwrap_or("null"));
            let values: Vec<String> =
                values.map(|value| value.chars().take(24).collect()).collect();
            format!(": {}", values.join(" | "))
        });
        let _ = writeln!(came, "{short}\n    {} rows{first}", rows.len());
    }
    came
}

#[test]
fn dbeaver() {
    expect_file!["../clients/dbeaver.answers.txt"].assert_eq(&answers("dbeaver"));
}

#[test]
fn grafana() {
    expect_file!["../clients/grafana.answers.txt"].assert_eq(&answers("grafana"));
}

#[test]
fn metabase() {
    expect_file!["../clients/metabase.answers.txt"].assert_eq(&answers("metabase"));
}

#[test]
fn npgsql_and_power_bi() {
    expect_file!["../clients/npgsql.answers.txt"].assert_eq(&answers("npgsql"));
}

#[test]
fn jdbc() {
    expect_file!["../clients/jdbc.answers.txt"].assert_eq(&answers("jdbc"));
}
