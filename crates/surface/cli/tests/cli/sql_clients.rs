//! What well-known programs ask when they connect and look around, recorded: each is answered.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use expect_test::expect_file;
use postgres::SimpleQueryMessage;
use serde_json::json;
use shelf_testkit::kafka::{Release, jars};
use shelf_testkit::servers::python;

use crate::lake_elsewhere::script;
use crate::program::Ran;
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
        // The rows themselves have numbers and an order that differ from run to run.
        let (mut rows, mut names) = (0, String::new());
        for message in &messages {
            match message {
                SimpleQueryMessage::Row(_) => rows += 1,
                SimpleQueryMessage::RowDescription(columns) => {
                    let mut first = Vec::new();
                    for column in columns.iter().take(4) {
                        first.push(column.name());
                    }
                    names = format!(" of {}", first.join(", "));
                }
                _ => {}
            }
        }
        let _ = writeln!(came, "{short}\n    {rows} rows{names}");
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

/// With the driver itself, which also asks in binary and fetches in pieces.
#[test]
fn a_jdbc_driver() {
    let place = open_shop();
    let server = Server::of(&place);
    let mut command = Command::new("java");
    command.arg("-cp").arg(jars(Release::Newest)).arg(script("JdbcClient.java"));
    let ran = Ran::of(command.arg(server.address.port().to_string()), b"");
    assert_eq!(ran.code, 0, "{}", ran.err);
    expect_file!["../clients/jdbc_driver.txt"].assert_eq(&ran.out);
}

/// With the program itself: what it asks differs between its versions.
#[test]
fn sqlalchemy_and_psycopg() {
    let place = open_shop();
    let server = Server::of(&place);
    let mut command = Command::new(python());
    command.arg(script("sqlalchemy_client.py")).arg(server.address.port().to_string());
    let ran = Ran::of(&mut command, b"");
    assert_eq!(ran.code, 0, "{}", ran.err);
    let told = &ran.jsons()[0];
    let holds = |what: &str, name: &str| told[what].as_array().unwrap().contains(&name.into());
    assert!(["live", "raw", "curated"].iter().all(|name| holds("schemas", name)), "{told}");
    assert!(["shelves", "lots", "alerts"].iter().all(|name| holds("tables", name)), "{told}");
    assert_eq!(told["columns"]["sku"][0], "TEXT", "{told}");
    assert_eq!(told["columns"]["floor_units"], json!(["BIGINT", true, "Units on it."]), "{told}");
    for none in ["foreign_keys", "indexes", "unique", "checks"] {
        assert_eq!(told[none], json!([]), "{none}");
    }
    assert_eq!(told["primary_key"]["constrained_columns"], json!([]));
    assert!(["sku", "price", "floor_units"].iter().all(|name| holds("loaded", name)), "{told}");
    assert_eq!(told["row"], json!(["APPLE", "1.20", 20]));
    assert_eq!(told["bound"], 1);
    assert_eq!(told["time"], "2026-03-02T12:00:00+00:00");
}
