//! What people do to alerts, orders and tasks, on a chain that stands still.

use serde_json::Value;

use crate::program::Place;

/// Alerts of low stock in the warehouse, which stay until the delivery.
pub(crate) fn some_alerts(place: &Place) -> Vec<String> {
    let list = place.json("alerts list --rule supplier_request --limit 100");
    let alerts = list["alerts"].as_array().unwrap().iter();
    alerts.map(|alert| alert["alert"].as_str().unwrap().to_owned()).collect()
}

/// The row of an alert that stands.
pub(crate) fn alert_row(place: &Place, id: &str) -> Option<Value> {
    let list = place.json("alerts list --limit 100000");
    list["alerts"].as_array().unwrap().iter().find(|alert| alert["alert"] == *id).cloned()
}

/// The newest effect about an alert.
pub(crate) fn last_effect(place: &Place, id: &str) -> Value {
    let effects = place.jsons("log tail --effects -n 100");
    effects.into_iter().rfind(|effect| effect["alert_id"] == *id).unwrap()
}

#[test]
fn an_alert_is_taken_given_hidden_and_ended() {
    let place = Place::simulated();
    let ids = some_alerts(&place);
    let (one, two, three) = (&ids[0], &ids[1], &ids[2]);
    assert_eq!(place.ok(&format!("alerts ack {one} --note seen")), format!("{one} acknowledged\n"));
    let row = alert_row(&place, one).unwrap();
    assert_eq!((&row["status"], &row["actor"]), (&"acknowledged".into(), &"ada".into()));
    assert_eq!(place.json(&format!("alerts show {one}"))["note"], "seen");
    assert_eq!(last_effect(&place, one)["status"], "acknowledged");

    let acked = place.json(&format!("alerts assign {one} --to bob --actor eve"));
    assert_eq!(acked["status"], "accepted");
    let row = alert_row(&place, one).unwrap();
    assert_eq!((&row["owner"], &row["actor"]), (&"bob".into(), &"eve".into()));

    place.ok(&format!("alerts snooze {one} --minutes 90"));
    let row = alert_row(&place, one).unwrap();
    assert_eq!((&row["status"], row["snoozed_until"].is_string()), (&"snoozed".into(), true));
    assert_eq!(place.json("alerts list --status snoozed")["total"], 1);

    // Who takes care of a hidden alert sees it again.
    place.ok(&format!("alerts ack {one}"));
    let row = alert_row(&place, one).unwrap();
    assert_eq!((&row["status"], &row["snoozed_until"]), (&"acknowledged".into(), &Value::Null));

    place.ok(&format!("alerts resolve {two} --note refilled"));
    assert_eq!(last_effect(&place, two)["status"], "resolved");
    place.ok(&format!("alerts dismiss {three}"));
    assert_eq!(last_effect(&place, three)["status"], "dismissed");
    assert_eq!(alert_row(&place, three), None);
    assert_eq!(place.json("replay")["equal"], true);
}

#[test]
fn the_last_act_on_an_alert_is_taken_back() {
    let place = Place::simulated();
    let ids = some_alerts(&place);
    let (one, two) = (&ids[0], &ids[1]);
    place.fails(&format!("alerts undo {one}"), 1, "nothing_to_undo");
    place.fails("alerts undo A-999999", 5, "unknown_alert");
    place.ok(&format!("alerts assign {one} --to bob --note go"));
    assert_eq!(alert_row(&place, one).unwrap()["undoable"], "assign");
    place.ok(&format!("alerts note {one} --note hurry"));
    assert_eq!(alert_row(&place, one).unwrap()["undoable"], "note");
    assert_eq!(place.json(&format!("alerts show {one}"))["note"], "hurry");
    assert_eq!(place.ok(&format!("alerts undo {one}")), format!("{one} as before\n"));
    let shown = place.json(&format!("alerts show {one}"));
    assert_eq!((&shown["note"], &shown["owner"]), (&"go".into(), &"bob".into()));
    place.fails(&format!("alerts undo {one}"), 1, "nothing_to_undo");

    let before = alert_row(&place, two).unwrap();
    assert_eq!(before["undoable"], Value::Null);
    let total = || place.json("alerts list --status ended")["total"].as_u64().unwrap();
    let (none, others) = (place.ok("alerts list --status ended --sku NO_SUCH"), total());
    assert!(none.starts_with("No alert that has ended can be brought back."), "{none}");
    place.ok(&format!("alerts resolve {two}"));
    assert_eq!(alert_row(&place, two), None);
    let ended = place.json("alerts list --status ended");
    let mut rows = ended["alerts"].as_array().unwrap().iter();
    let row = rows.find(|row| row["alert"] == *two.as_str()).unwrap();
    assert_eq!(total(), others + 1);
    assert_eq!((&row["status"], &row["undoable"]), (&"resolved".into(), &"resolve".into()));
    let listed = place.ok("alerts list --status ended");
    assert!(listed.contains(two.as_str()) && listed.contains("resolved"), "{listed}");
    place.ok(&format!("alerts reopen {two} --note mistaken"));
    let row = alert_row(&place, two).unwrap();
    for field in ["status", "opened_at", "count", "owner"] {
        assert_eq!(row[field], before[field], "{field}");
    }
    assert_eq!(last_effect(&place, two)["note"], "mistaken");
    assert_eq!(total(), others);
    place.fails(&format!("alerts note {one}"), 2, "usage");
    assert_eq!(place.json("replay")["equal"], true);
}

#[test]
fn an_act_on_what_is_not_there_changes_nothing() {
    let place = Place::simulated();
    let id = &some_alerts(&place)[0];
    place.ok(&format!("alerts dismiss {id}"));
    let before = place.json("status");
    place.fails(&format!("alerts ack {id}"), 5, "unknown_alert");
    place.fails("alerts resolve A-999999", 5, "unknown_alert");
    place.fails("alerts snooze 999999", 5, "unknown_alert");
    place.fails("orders approve O-999999", 5, "unknown_order");
    place.fails("orders change O-1 --sku NO_SUCH --units 1", 5, "unknown_product");
    place.fails("tasks cancel T-999999", 5, "unknown_task");
    place.fails("tasks request NO_SUCH", 5, "unknown_product");
    assert_eq!(place.json("status"), before);
    assert!(place.jsons("quarantine list").is_empty());
}

#[test]
fn who_acts_and_for_how_long_must_make_sense() {
    let place = Place::simulated();
    let id = &some_alerts(&place)[0];
    let long = "x".repeat(500);
    place.fails(&format!("alerts ack {id} --actor {long}"), 2, "usage");
    place.fails(&format!("alerts ack {id} --note {long}"), 2, "usage");
    place.fails(&format!("alerts assign {id} --to {long}"), 2, "usage");
    let mut nobody = place.command(&format!("alerts ack {id}"));
    crate::program::Ran::of(nobody.env("USER", ""), b"").failed(2, "usage");
    for minutes in ["0", "43201", "-5", "soon"] {
        assert_eq!(place.run(&format!("alerts snooze {id} --minutes={minutes}")).code, 2);
    }
    assert_eq!(alert_row(&place, id).unwrap()["status"], "open");
}

#[test]
fn an_order_is_changed_approved_and_given_up() {
    let place = thursday_before_the_cutoff();
    let list = place.json("orders list --status draft");
    let id = list["orders"][0]["order"].as_str().unwrap().to_owned();
    let lines = place.json(&format!("orders show {id}"))["lines"].clone();
    let (first, second) = (lines[0]["sku"].as_str().unwrap(), lines[1]["sku"].as_str().unwrap());
    place.ok(&format!("orders change {id} --sku {first} --units 7 --note party"));
    assert_eq!(place.json(&format!("orders show {id}"))["lines"][0]["units"], 7);
    place.ok(&format!("orders change {id} --sku {second} --units 0"));
    let absurd = place.run(&format!("orders change {id} --sku {first} --units 4000000000"));
    absurd.failed(6, "too_many_units");
    let known = place.json("shelves list --limit 100000");
    let other = known["shelves"].as_array().unwrap().iter().find_map(|shelf| {
        let sku = shelf["sku"].as_str().unwrap();
        let there = lines.as_array().unwrap().iter().any(|line| line["sku"] == *sku);
        (!there).then(|| sku.to_owned())
    });
    let words = format!("orders change {id} --sku {} --units 1", other.unwrap());
    let said = place.fails(&words, 5, "unknown_product").err;
    assert!(said.contains(&format!("shelf orders show {id}")), "{said}");
    place.ok(&format!("orders approve {id}"));
    assert_eq!(place.json(&format!("orders show {id}"))["status"], "approved");
    place.ok(&format!("orders cancel {id}"));
    place.fails(&format!("orders show {id}"), 5, "unknown_order");
}

#[test]
fn what_came_with_an_order_is_received() {
    let place = thursday_before_the_cutoff();
    let list = place.json("orders list --status draft");
    let id = list["orders"][0]["order"].as_str().unwrap().to_owned();
    place.ok(&format!("orders approve {id}"));
    // Later the same day, when it has been sent.
    let later = r#"{"event_type":"clock","store_id":"S001","timestamp":"2026-01-01T22:00:00Z"}"#;
    assert_eq!(place.feed("import -", later.to_owned() + "\n").code, 0);
    let order = place.json(&format!("orders show {id}"));
    assert_eq!(order["status"], "sent");
    let (sku, units) = (order["lines"][0]["sku"].as_str().unwrap(), &order["lines"][0]["units"]);
    for lot in ["MILK", "MILK:L1", "MILK:L1:none", "MILK:L1:0", "MILK:L1:1:soon", "MILK::4"] {
        place.fails(&format!("orders receive {id} --lot {lot}"), 2, "usage");
    }
    assert_eq!(place.run(&format!("orders receive {id}")).code, 2);
    place.fails(&format!("orders receive {id} --lot NONE:L1:4"), 5, "unknown_product");
    place.fails("orders receive O-999999 --all", 5, "unknown_order");
    let words = format!("orders receive {id} --lot {sku}:L77:1:2026-03-01");
    assert_eq!(place.ok(&words), format!("1 of {sku} received: lot L77\n"));
    let line = place.json(&format!("orders show {id}"))["lines"][0].clone();
    assert_eq!(line["received_units"], 1, "{line}");
    let lots = place.json(&format!("shelves show {sku}"))["lots"].clone();
    let lot = lots.as_array().unwrap().iter().find(|lot| lot["lot"] == "L77").unwrap();
    assert_eq!((&lot["warehouse_units"], &lot["expiry_day"]), (&1.into(), &"2026-03-01".into()));
    // All the rest, which ends the order.
    let said = place.ok(&format!("orders receive {id} --all"));
    let rest = units.as_u64().unwrap() - 1;
    assert!(said.contains(&format!("{rest} of {sku} received: lot {id}-{sku}")), "{said}");
    place.fails(&format!("orders show {id}"), 5, "unknown_order");
    assert_eq!(place.json("replay")["equal"], true);
}

/// A chain to which half past ten of a simulated Thursday was the last that happened: drafts stand.
fn thursday_before_the_cutoff() -> Place {
    let simulated = Place::simulated();
    let log = simulated.ok("log tail -n 1000000");
    let early = |line: &&str| {
        let event: Value = serde_json::from_str(line).unwrap();
        event["received_at"].as_str().unwrap() < "2026-01-01T10:30:00Z"
    };
    let morning: String = log.lines().filter(early).map(|line| line.to_owned() + "\n").collect();
    let place = Place::new();
    assert_eq!(place.feed("import -", morning).code, 0);
    place
}

#[test]
fn a_refill_is_asked_for_and_given_up() {
    let place = Place::simulated();
    let shelves = place.json("shelves list --limit 100000");
    let shelf = shelves["shelves"].as_array().unwrap().iter().find(|shelf| {
        let room = shelf["fill_percent"].as_f64().is_some_and(|fill| fill < 60.0);
        room && shelf["task"].is_null() && shelf["warehouse_units"].as_u64() > Some(20)
    });
    let sku = shelf.unwrap()["sku"].as_str().unwrap();
    assert_eq!(place.ok(&format!("tasks request {sku}")), format!("refill of {sku} asked for\n"));
    let task = place.json(&format!("shelves show {sku}"));
    let tasks = place.json("tasks list --limit 1000");
    let row = tasks["tasks"].as_array().unwrap().iter().find(|task| task["sku"] == *sku);
    let id = row.unwrap_or_else(|| panic!("no task of {task}"))["task"].as_str().unwrap();
    place.ok(&format!("tasks cancel {id}"));
    place.fails(&format!("tasks cancel {id}"), 5, "unknown_task");
}
