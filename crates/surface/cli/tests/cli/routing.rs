//! Alerts that are given to people when they open, as the settings say.

use serde_json::Value;

use crate::program::{Place, until};
use crate::shop::{open_shop, pickup};

const ROUTES: &str = r#"
[[alerts.routes]]
store = "R1"
rules = ["shelf_empty", "out_of_stock"]
severity = "warning"
assign_to = "ada"

[[alerts.routes]]
assign_to = "ben"
"#;

/// The acts of routing in the log: which alert was given to whom.
fn given(place: &Place) -> Vec<(String, String)> {
    let events = place.jsons("log tail -n 1000");
    let acts = events.iter().filter(|event| event["actor"] == "routing");
    let text = |event: &Value, name: &str| event[name].as_str().unwrap().to_owned();
    acts.map(|event| (text(event, "alert_id"), text(event, "assignee"))).collect()
}

fn total(place: &Place, who: &str) -> u64 {
    place.json(&format!("alerts list --assigned-to {who}"))["total"].as_u64().unwrap()
}

#[test]
fn a_new_alert_is_given_to_somebody_once() {
    let place = open_shop();
    let now = jiff::Timestamp::now().to_string();
    place.file("shelf.toml", ROUTES);
    let shown = place.ok("config show --origin");
    assert!(shown.contains("alerts.routes") && shown.contains("ada"), "{shown}");
    let running = place.start("run --no-demo --plain");
    // The shop is told today's date, and its apples are no longer good.
    until("somebody has the first alerts", || (total(&place, "ben") > 0).then_some(()));
    let line = pickup(0, "APPLE", 20).replace("2026-03-02T09:00:00Z", &now);
    place.feed("send", line);
    until("somebody has the empty shelf", || (total(&place, "ada") > 0).then_some(()));
    let rows = place.json("alerts list --assigned-to ada");
    let row = &rows["alerts"][0];
    assert_eq!(row["status"], "acknowledged");
    assert_eq!((&row["owner"], &row["actor"]), (&"ada".into(), &"routing".into()));
    until("everything is somebody's", || {
        let standing = place.json("alerts list")["total"].as_u64().unwrap();
        (total(&place, "ada") + total(&place, "ben") == standing).then_some(())
    });
    running.stop();
    let first = given(&place);
    // What stands at a start stays as it is, and nothing is given twice.
    place.ok("run --no-demo --plain --for-seconds 2");
    let mut again = given(&place);
    assert_eq!(again.get(..first.len()), Some(first.as_slice()));
    let all = again.len();
    again.sort();
    again.dedup_by(|one, other| one.0 == other.0);
    assert_eq!(again.len(), all, "{again:?}");
    assert_eq!(place.json("replay")["equal"], true);
}

#[test]
fn a_route_that_can_never_fit_is_refused_at_the_start() {
    let place = open_shop();
    for (wrong, said) in [
        ("rules = [\"fire\"]", "the rules are refill_request,"),
        ("severity = \"bad\"", "info, warning and critical"),
        ("store = \"R9\"", "the stores are R1"),
    ] {
        place.file("shelf.toml", format!("[[alerts.routes]]\nassign_to = \"ada\"\n{wrong}\n"));
        let ran = place.fails("run --no-demo --plain --for-seconds 1", 2, "alert_route");
        assert!(ran.err.contains("alerts.routes[0]") && ran.err.contains(said), "{ran:?}");
    }
    place.file("shelf.toml", "[[alerts.routes]]\nassign_to = \"ada\"\nkinds = [\"x\"]\n");
    place.fails("config check", 2, "settings");
}
