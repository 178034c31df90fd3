//! `run`, `simulate` and `replay`.

use serde_json::Value;

use crate::program::Place;

fn units(report: &Value, what: &str) -> i64 {
    report["units"][what].as_i64().unwrap_or_else(|| panic!("no {what} in {report}"))
}

#[test]
fn a_simulation_reports_one_object_that_adds_up() {
    let place = Place::new();
    let report = place.json("simulate --days 1 --seed 5");
    for figure in ["events", "wall_s", "events_per_s", "on_shelf_availability", "peak_rss_bytes"] {
        assert!(report[figure].as_f64().unwrap() > 0.0, "{figure} of {report}");
    }
    assert_eq!(report["invariant_violations"], 0);
    assert_eq!(report["state_hash"].as_str().unwrap().len(), 32);
    assert!(report["alerts"]["refill_request"]["opened"].as_u64().unwrap() > 0);
    for rule in ["near_expiry", "supplier_request", "expired_removal", "stock_discrepancy"] {
        let alerts = &report["alerts"][rule];
        let (opened, ended) = (alerts["opened"].as_u64(), alerts["ended"].as_u64());
        assert_eq!(opened.unwrap() - ended.unwrap(), alerts["standing"].as_u64().unwrap());
    }
    let there = ["floor", "carts", "warehouse", "in_transit"].map(|what| units(&report, what));
    let gone = units(&report, "sold") + units(&report, "removed");
    let balance = units(&report, "received") - gone - there.iter().sum::<i64>();
    assert_eq!(balance, units(&report, "unexplained"), "{report}");
}

#[test]
fn the_same_seed_gives_the_same_state_however_it_is_run() {
    let hash = |words: &str| {
        let place = Place::new();
        words.split(" then ").fold(Value::Null, |_, words| {
            place.json(&format!("simulate {words}"))["state_hash"].clone()
        })
    };
    let straight = hash("--days 2 --seed 7");
    assert_eq!(straight, hash("--days 2 --seed 7 --batch 7 --threads 1"));
    assert_eq!(straight, hash("--days 1 --seed 7 then --days 2"));
    assert_ne!(straight, hash("--days 2 --seed 8"));
}

#[test]
fn a_simulated_folder_keeps_what_it_was_made_with() {
    let place = Place::new();
    place.ok("simulate --days 0 --seed 7 --stores 2 --realism none --faults");
    place.ok("simulate --days 0 --seed 7 --stores 2 --realism none --faults");
    place.ok("simulate --days 0");
    for other in ["--seed 8", "--stores 3", "--realism default"] {
        place.fails(&format!("simulate --days 0 {other}"), 2, "other_settings");
    }
    for other in ["--seed 8", "--stores 3", "--no-demo"] {
        let words = format!("run --for-seconds 0 --warmup-days 0 {other}");
        place.fails(&words, 2, "other_settings");
    }
    place.ok("run --for-seconds 0 --warmup-days 0 --plain");
}

#[test]
fn faults_end_in_quarantine_and_break_nothing() {
    let place = Place::new();
    let report = place.json("simulate --days 1 --faults");
    assert_eq!(report["invariant_violations"], 0);
    assert!(report["quarantined"].as_u64().unwrap() > 0, "{report}");
    assert!(report["duplicates"].as_u64().unwrap() > 0, "{report}");
    let waiting = place.jsons("quarantine list --limit 100000");
    assert_eq!(waiting.len() as u64, report["quarantined"].as_u64().unwrap());
}

#[test]
fn a_demo_lives_through_its_past_and_goes_on_live() {
    let place = Place::new();
    let ran = place.run("run --plain --for-seconds 2 --warmup-days 1 --seed 3 --speed 3600");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("a past to look at: 1 days"), "{ran:?}");
    assert!(ran.err.contains("live from here"), "{ran:?}");
    assert!(ran.out.lines().count() > 5, "an hour and more of events: {ran:?}");
    let again = place.run("run --json --for-seconds 1 --warmup-days 1 --speed 3600");
    assert!(!again.err.contains("a past to look at"), "{again:?}");
    assert!(again.jsons().len() > 5);
    assert_eq!(place.json("replay")["equal"], true);
}

#[test]
fn full_speed_and_no_time_at_all_both_end_well() {
    let place = Place::new();
    place.ok("run --plain --warmup-days 0 --speed max --for-seconds 1");
    let reached = place.json("status")["now"].as_str().unwrap().to_owned();
    assert!(*reached > *"2026-01-01T12", "{reached}");
    place.ok("run --plain --warmup-days 0 --for-seconds 0");
}

#[test]
fn absurd_spans_of_time_break_nothing() {
    let place = Place::new();
    for days in ["4000000000", "20001", "-1"] {
        assert_eq!(place.run(&format!("simulate --days={days}")).code, 2);
    }
    let words = format!("run --plain --warmup-days 0 --for-seconds {}", u64::MAX);
    place.start(&words).stop();
}

#[test]
fn without_a_demo_the_clock_is_the_worlds() {
    let place = crate::shop::open_shop();
    place.ok("run --no-demo --plain --for-seconds 2");
    let status = place.json("status");
    assert_eq!(status["clock"], "real");
    let today = place.jsons("log tail -n 1")[0]["timestamp"].as_str().unwrap().to_owned();
    assert_eq!(status["now"].as_str().unwrap()[..10], today[..10]);
    place.fails("run --demo --for-seconds 0", 2, "other_settings");
}

#[test]
fn a_replay_comes_to_the_same_state() {
    let place = Place::simulated();
    let replay = place.json("replay");
    assert_eq!(replay["equal"], true);
    assert_eq!(replay["state_hash"], replay["snapshot_state_hash"]);
    assert_eq!(replay["state_hash"], place.json("simulate --days 1")["state_hash"]);
    assert!(place.ok("replay").contains("is equal to snapshot and tail"));
}

#[test]
fn a_replay_until_a_time_shows_that_time() {
    let place = Place::simulated();
    let noon = place.json("replay --until 2026-01-01T12:00:00Z");
    let evening = place.json("replay --until 2026-01-01T20:00:00Z");
    assert!(noon["now"].as_str().unwrap() <= "2026-01-01T12:00:00Z");
    let receipts = |status: &Value| status["receipts"].as_u64().unwrap();
    assert!(receipts(&noon) > 0 && receipts(&noon) < receipts(&evening));
    let end = place.json("replay --until 2030-01-01T00:00:00Z");
    assert_eq!(receipts(&end), receipts(&place.json("status")));
    assert!(receipts(&evening) < receipts(&end));
    place.fails("replay --until yesterday", 2, "usage");
}

#[test]
fn one_thing_is_measured_by_its_name_only() {
    let ran = Place::new().run("bench core_step");
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("a similar value exists: 'core_steps'"), "{ran:?}");
}
