//! Acts, sends and looks while a process runs the chain.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::Duration;

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

#[test]
fn a_bare_start_has_a_past_and_goes_on_live() {
    let place = Place::new();
    let mut command = Command::new("timeout");
    command.args(["300", env!("CARGO_BIN_EXE_shelf")]).current_dir(place.path(""));
    command.env("SHELF_DATA", "data").stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut printed = child.stdout.take().unwrap();
    // What is printed must be read, or the program would wait for its reader.
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        printed.read_to_string(&mut text).map(|_| text)
    });
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut text = String::new();
    while !text.contains("live from here") {
        assert!(said.read_line(&mut text).unwrap() > 0, "it ended: {text}");
    }
    assert!(text.contains("a past to look at: 28 days of 1 simulated store(s)"), "{text}");
    // `timeout` hands the signal on.
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    said.read_to_string(&mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{text}");
    assert!(reader.join().unwrap().is_ok());
    let status = place.json("status");
    let begun = place.json("status --store S001")["now"].as_str().unwrap().to_owned();
    assert!(begun.starts_with("2026-01-29T"), "28 days after 2026-01-01: {begun}");
    assert!(status["revenue_cents"].as_i64().unwrap() > 1_000_000, "{status}");
    assert!(!place.path("data/shelf.sock").exists());
}

#[test]
fn a_running_chain_gives_free_memory_back_at_once_and_keeps_its_name() {
    let place = open_shop();
    let running = place.start("run --no-demo --plain");
    let of_process = |what: &str| {
        let told = std::fs::read(format!("/proc/{}/{what}", running.id())).unwrap();
        String::from_utf8_lossy(&told).into_owned()
    };
    assert!(of_process("environ").split('\0').any(|told| told == "MIMALLOC_PURGE_DELAY=0"));
    assert_eq!(of_process("comm").trim(), "shelf");
    running.stop();
}

/// Connections to the running process that say nothing.
fn silent(place: &Place, count: usize) -> Vec<UnixStream> {
    let connect = |_| UnixStream::connect(place.path("data/shelf.sock")).unwrap();
    (0..count).map(connect).collect()
}

#[test]
fn a_connection_too_many_is_told_so() {
    let place = open_shop();
    let running = place.start("run --no-demo --plain");
    let held = silent(&place, 64);
    let refused = until("a connection too many", || {
        let ran = place.feed("send", pickup(1, "APPLE", 1));
        (ran.code != 0).then_some(ran)
    });
    let refused = refused.failed(1, "busy");
    assert!(refused.err.contains("hint: send it again in a moment"), "{refused:?}");
    let mut answer = String::new();
    let one = silent(&place, 1).pop().unwrap();
    BufReader::new(&one).read_line(&mut answer).unwrap();
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((&answer["status"], &answer["code"]), (&"rejected".into(), &"busy".into()));
    drop(held);
    until("there is room again", || {
        (place.feed("send", pickup(2, "APPLE", 1)).code == 0).then_some(())
    });
    running.stop();
}

/// The clock ticks of the processor that a process has used.
fn ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[test]
fn a_lack_of_descriptors_is_waited_out() {
    let place = open_shop();
    let line = "exec $SHELF run --no-demo --plain >printed";
    let running = place.started(&mut place.shell(line));
    let pid = running.id();
    let count = || std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
    // Who prints what happens has opened both logs once something has happened.
    place.feed("send", pickup(1, "PEAR", 1));
    let printed = || std::fs::read(place.path("printed")).unwrap();
    until("it prints what happens", || (!printed().is_empty()).then_some(()));
    let open = count();
    let limit = format!("--nofile={}", open + 4);
    let limited = Command::new("prlimit").args(["--pid", &pid.to_string(), &limit]).status();
    assert!(limited.unwrap().success(), "`prlimit` of util-linux is needed");
    let held = silent(&place, 20);
    let before = ticks(pid);
    std::thread::sleep(Duration::from_secs(2));
    let used = ticks(pid) - before;
    assert!(used < 100, "{used} of about 200 ticks: it tries again and again");
    drop(held);
    until("the next sender is served", || {
        // The present is today by then, for which the pickup is too old.
        (place.feed("send", pickup(2, "APPLE", 1)).code == 6).then_some(())
    });
    running.stop();
}

#[test]
fn lines_that_come_together_share_a_wait_and_are_answered_in_turn() {
    let place = open_shop();
    let running = place.start("run --no-demo --plain");
    let mut stream = silent(&place, 1).pop().unwrap();
    let mut lines = String::new();
    for minute in 0..50 {
        lines += &pickup(minute % 20, if minute % 2 == 0 { "APPLE" } else { "PEAR" }, 1);
    }
    stream.write_all(lines.as_bytes()).unwrap();
    let answers: Vec<serde_json::Value> = BufReader::new(&stream)
        .lines()
        .take(50)
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect();
    for (number, answer) in answers.iter().enumerate() {
        let status = match number {
            _ if number % 2 == 1 => "quarantined",
            0..20 => "accepted",
            _ => "duplicate",
        };
        assert_eq!(answer["status"], status, "line {number}");
    }
    running.stop();
}
