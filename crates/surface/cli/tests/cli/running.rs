//! Acts, sends and looks while a process runs the chain.

use crate::acting::{alert_row, last_effect, some_alerts};
use crate::program::{Place, until};
use crate::shop::{open_shop, pickup};

#[test]
fn acts_reach_the_process_that_runs_and_are_seen_from_outside() {
    let place = Place::simulated();
    let ids = some_alerts(&place);
    let (one, two) = (&ids[0], &ids[1]);
    let running = place.start("run --plain --warmup-days 0 --speed 1");
    place.ok(&format!("alerts ack {one}"));
    assert_eq!(alert_row(&place, one).unwrap()["status"], "acknowledged");
    place.ok(&format!("alerts assign {one} --to bob"));
    place.ok(&format!("alerts snooze {one} --minutes 600"));
    assert_eq!(alert_row(&place, one).unwrap()["status"], "snoozed");
    place.ok(&format!("alerts resolve {two}"));
    until("the effect on disk", || {
        (last_effect(&place, two)["status"] == "resolved").then_some(())
    });
    place.ok(&format!("alerts dismiss {one}"));
    assert_eq!(alert_row(&place, one), None);
    for read in ["status", "log tail", "log verify", "doctor", "watch --once", "orders list"] {
        assert!(!place.jsons(read).is_empty(), "{read}");
    }
    assert_eq!(place.json("replay")["equal"], true);
    running.stop();
    assert!(!place.path("data/shelf.sock").exists());
    assert_eq!(alert_row(&place, one), None);
    assert_eq!(place.json("replay")["equal"], true);
}

#[test]
fn acts_reach_a_process_at_full_speed() {
    let place = Place::simulated();
    let running = place.start("run --plain --warmup-days 0 --speed max");
    // An alert may end by itself before the act comes.
    until("an act that was in time", || {
        let id = some_alerts(&place).pop()?;
        let ran = place.run(&format!("alerts ack {id}"));
        assert!(!ran.err.contains("time_in_future"), "{ran:?}");
        (ran.code == 0).then_some(())
    });
    running.stop();
}

#[test]
fn lines_are_sent_to_a_process_and_to_a_folder() {
    let place = open_shop();
    let two = pickup(1, "APPLE", 1) + "\n" + &pickup(2, "APPLE", 2);
    let stopped = place.feed("send --json", &two);
    assert_eq!(stopped.code, 0, "{stopped:?}");
    assert_eq!(stopped.jsons().len(), 2);
    let running = place.start("run --no-demo --plain");
    let again = place.feed("send --json", &two);
    assert_eq!(again.jsons().iter().filter(|ack| ack["status"] == "duplicate").count(), 2);
    let mixed = format!("{}garbage\n{}{}", pickup(3, "APPLE", 3), pickup(4, "PEAR", 1), "{}");
    let ran = place.feed("send --json", mixed);
    assert_eq!(ran.code, 6);
    let words: Vec<String> = ran
        .jsons()
        .iter()
        .map(|ack| format!("{} {}", ack["status"].as_str().unwrap(), ack["code"]))
        .collect();
    let expected = [
        "accepted null",
        "rejected \"malformed_json\"",
        "quarantined \"unknown_product\"",
        "rejected \"missing_field\"",
    ];
    assert_eq!(words, expected);
    assert!(ran.jsons()[1]["hint"].as_str().unwrap().starts_with("line 2: "));
    running.stop();
    assert_eq!(place.json("shelves show APPLE")["floor_units"], 14);
}

#[test]
fn many_lines_share_the_wait_for_the_disk() {
    let place = open_shop();
    let lines: String = (0..3_000).map(|_| "{\"event_type\":\"oops\"}\n").collect();
    let lines = lines + &(0..50).map(|minute| pickup(minute, "APPLE", 1)).collect::<String>();
    let ran = place.feed("send --json --store R1", lines);
    assert_eq!((ran.code, ran.jsons().len()), (6, 3_050));
    let accepted = ran.jsons().iter().filter(|ack| ack["status"] == "accepted").count();
    assert_eq!(accepted, 50);
}

#[test]
fn a_log_is_followed_until_it_is_left() {
    let place = open_shop();
    let running = place.start("run --no-demo --plain");
    let line = "timeout 30 $SHELF log tail --follow -n 0 | grep -m 1 PEAR";
    let follower = {
        let mut command = place.shell(line);
        std::thread::spawn(move || command.output().unwrap())
    };
    let mut minute = 0;
    until("the follower has seen enough", || {
        minute = (minute + 1) % 60;
        place.feed("send", pickup(minute, "PEAR", 1));
        // The program notices at its next line that nobody reads on.
        follower.is_finished().then_some(())
    });
    assert!(follower.join().unwrap().status.success());
    running.stop();
}

#[test]
fn a_folder_has_one_writer() {
    let place = Place::simulated();
    let running = place.start("run --plain --warmup-days 0");
    for words in ["run --for-seconds 1", "simulate --days 2", "import -"] {
        let ran = place.fails(words, 4, "data_in_use");
        assert!(ran.err.contains("stop the process that uses it"), "{ran:?}");
    }
    running.stop();
    place.ok("simulate --days 1");
}

#[test]
fn a_socket_that_nobody_listens_at_is_no_obstacle() {
    let place = Place::simulated();
    let id = &some_alerts(&place)[0];
    drop(std::os::unix::net::UnixListener::bind(place.path("data/shelf.sock")).unwrap());
    place.ok(&format!("alerts ack {id}"));
    let running = place.start("run --plain --warmup-days 0");
    running.stop();
}
