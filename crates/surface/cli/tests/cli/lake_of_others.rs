//! A lake that is another's: of another chain, of a folder that has gone on, changed by another
//! program.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::lake::{follow, rows};
use crate::program::{Place, Ran, lines_of, until};
use crate::shop::{SHOP, open_shop, pickup, product};

/// A command of a place whose lake is that of another one.
fn in_lake_of(owner: &Place, place: &Place, words: &str) -> Command {
    let mut command = place.command(words);
    command.env("SHELF_LAKE__URL", owner.path("data/lake"));
    command.env("SHELF_LAKE__COMMIT_SECONDS", "1");
    command
}

#[test]
fn a_lake_of_another_chain_is_refused_and_left_as_it_is() {
    let owner = open_shop();
    follow(&owner);
    let before = owner.json("lake tables");
    // Its log is longer, so that by numbers alone it would go on where the lake stands.
    let other = Place::new();
    let pickups: String = (0..5).map(|minute| pickup(minute, "APPLE", 1)).collect();
    let ran = other.feed("import -", format!("{SHOP}{pickups}"));
    assert_eq!(ran.code, 0, "{ran:?}");
    for words in ["lake follow --until-caught-up", "lake verify"] {
        let ran = Ran::of(&mut in_lake_of(&owner, &other, words), b"");
        ran.failed(2, "lake_of_another_chain");
    }
    let run = "run --no-demo --plain --for-seconds 2";
    let ran = Ran::of(&mut in_lake_of(&owner, &other, run), b"");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("warning[lake_of_another_chain]: the lake: "), "{ran:?}");
    assert_eq!(owner.json("lake tables"), before);
    assert_eq!(follow(&owner)["events"], 0);
    owner.ok("lake verify");
}

#[test]
fn an_older_copy_of_the_folder_is_told_that_the_lake_is_ahead() {
    let owner = open_shop();
    let older = Place::new();
    let copied =
        Command::new("cp").arg("-r").args([owner.path("data"), older.path("data")]).status();
    assert!(copied.unwrap().success());
    assert_eq!(owner.feed("import -", pickup(1, "APPLE", 1)).code, 0);
    follow(&owner);
    let words = "lake follow --until-caught-up";
    Ran::of(&mut in_lake_of(&owner, &older, words), b"").failed(2, "lake_ahead");
    owner.ok("lake verify");
}

/// The folder of the table that is written by another program.
fn touched(place: &Place) -> PathBuf {
    place.path("data/lake/raw/shelf_events")
}

/// What the log of that table says first of something, such as `metaData`.
fn said(place: &Place, what: &str) -> Value {
    let version = |number: u64| touched(place).join(format!("_delta_log/{number:020}.json"));
    let entries = (0..).map(|number| fs::read_to_string(version(number)).unwrap());
    let mut lines = entries.flat_map(|entry| lines_of(&entry));
    lines.find(|line| line.get(what).is_some()).unwrap()
}

/// Commits to that table, as a program does that writes Delta and knows nothing of a shop.
fn commit(place: &Place, action: &Value) {
    let history = place.jsons("lake history raw.shelf_events --limit 1");
    let number = history[0]["version"].as_u64().unwrap() + 1;
    let entry = touched(place).join(format!("_delta_log/{number:020}.json"));
    fs::write(entry, format!("{action}\n")).unwrap();
}

/// Sends a pickup to a running chain, whose present is the clock's.
fn send_pickup(place: &Place) {
    let event = json!({"event_type": "pickup", "timestamp": jiff::Timestamp::now().to_string(),
        "store_id": "R1", "item_id": "APPLE", "quantity": 1});
    let sent = place.feed("send", format!("{event}\n"));
    assert_eq!(sent.code, 0, "{sent:?}");
}

#[test]
fn a_column_that_another_program_adds_is_told_and_the_chain_goes_on() {
    let place = open_shop();
    let mut command = place.command("run --no-demo --plain");
    command.env("SHELF_LAKE__COMMIT_SECONDS", "1").stdout(Stdio::null());
    let running = place.started(&mut command);
    send_pickup(&place);
    until("the pickup", || (rows(&place, "raw.shelf_events") == 1).then_some(()));
    let mut declared = said(&place, "metaData");
    let schema = declared["metaData"]["schemaString"].as_str().unwrap();
    let mut schema: Value = serde_json::from_str(schema).unwrap();
    let colour = json!({"name": "colour", "type": "string", "nullable": true, "metadata": {}});
    schema["fields"].as_array_mut().unwrap().push(colour);
    declared["metaData"]["schemaString"] = Value::from(schema.to_string());
    commit(&place, &declared);
    send_pickup(&place);
    send_pickup(&place);
    let told = running.stop();
    let warning = "warning[lake_foreign]: the lake: raw.shelf_events was changed by another \
                   program: it has a column colour";
    assert!(told.contains(warning), "{told}");
    assert_eq!(rows(&place, "raw.shelf_events"), 1);
    place.fails("lake follow --until-caught-up", 1, "lake_foreign");
    // What is said to be done about it.
    fs::remove_dir_all(touched(&place)).unwrap();
    follow(&place);
    assert_eq!(rows(&place, "raw.shelf_events"), 3);
    place.ok("lake verify");
}

#[test]
fn rows_that_another_program_appends_are_found() {
    let place = open_shop();
    assert_eq!(place.feed("import -", pickup(1, "APPLE", 1)).code, 0);
    follow(&place);
    place.ok("lake verify");
    // A file of the same columns, with a row of another place in the log.
    let other = open_shop();
    let more = product("PEAR") + &pickup(2, "APPLE", 1);
    assert_eq!(other.feed("import -", more).code, 0);
    follow(&other);
    let add = said(&other, "add");
    let file = add["add"]["path"].as_str().unwrap();
    let target = touched(&place).join(file);
    fs::create_dir_all(target.parent().unwrap()).unwrap();
    fs::copy(touched(&other).join(file), target).unwrap();
    commit(&place, &add);
    assert_eq!(rows(&place, "raw.shelf_events"), 2);
    let ran = place.fails("lake verify", 3, "lake_damaged");
    let found = ran.out.lines().find(|line| line.starts_with("raw.shelf_events")).unwrap();
    assert!(found.ends_with("2 rows  NOT SOUND: the log comes to 1"), "{found}");
    fs::remove_dir_all(touched(&place)).unwrap();
    follow(&place);
    place.ok("lake verify");
}
