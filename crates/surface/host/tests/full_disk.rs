//! A chain whose disk takes no more says so and loses nothing: when there is room again, the same
//! open chain goes on, and comes to what one with room all the time does.
//!
//! The test starts itself as a child whose files may not grow beyond a limit, which the system
//! refuses as it refuses a write to a full disk; then the limit is lifted.

#[path = "fixture/chain.rs"]
mod chain;

use std::process::Command;

use chain::{check_outputs, end_of, minute, open, options, straight, towns};
use shelf_engine::Options;
use shelf_eventlog::LogOptions;
use shelf_host::{Folder, WriterOptions};

/// What tells a child where to work.
const FOLDER: &str = "SHELF_FULL_DISK_FOLDER";
/// How large a file may become before the limit is lifted.
const LIMIT_BYTES: u32 = 600_000;
const MINUTES: i64 = 18 * 60;

/// One segment, so that the events meet the limit; no snapshot, so that nothing else does before.
fn full_disk_options() -> WriterOptions {
    let options = options(towns(12, 1));
    let log = LogOptions { partitions: 1, segment_bytes: 64 << 20, ..options.log };
    let engine = Options { snapshot_events: u64::MAX, ..options.engine };
    WriterOptions { log, engine, batch_events: 16, ..options }
}

/// What the child does; in the suite itself, nothing.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let mut chain = open(&Folder::at(folder), &full_disk_options());
    for _ in 0..2 {
        let error = chain.simulate(minute(MINUTES), |_| {}).expect_err("the disk is full");
        println!("refused {}", error.code());
    }
    let process = std::process::id().to_string();
    let lifted = Command::new("prlimit").args(["--pid", &process, "--fsize=unlimited"]).status();
    assert!(lifted.expect("prlimit, of util-linux").success(), "the limit is lifted");
    chain.simulate(minute(MINUTES), |_| {}).expect("room again");
    let end = end_of(&mut chain);
    chain.close().expect("a chain that closes");
    println!("end {end:?}");
}

#[test]
fn a_full_disk_loses_nothing_and_the_chain_goes_on_when_there_is_room() {
    if std::env::var_os(FOLDER).is_some() {
        return;
    }
    let expected = straight(&full_disk_options(), minute(MINUTES));
    let dir = tempfile::tempdir().expect("a temporary folder");
    let folder = Folder::at(dir.path().join("data"));
    // The signal of the limit is ignored: a full disk sends none.
    let limited = format!("trap '' XFSZ; exec prlimit --fsize={LIMIT_BYTES}:unlimited \"$@\"");
    let output = Command::new("sh")
        .args(["-c", &limited, "sh"])
        .arg(std::env::current_exe().expect("a program"))
        .args(["--exact", "child", "--nocapture"])
        .env(FOLDER, folder.root())
        .output()
        .expect("a shell");
    let said = String::from_utf8_lossy(&output.stdout);
    let wrong = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the child failed: {said}{wrong}");
    assert_eq!(said.matches("refused io").count(), 2, "the limit was met: {said}");
    let end = said.lines().find_map(|line| line.split_once("end ")).map(|(_, end)| end);
    assert_eq!(end, Some(format!("{expected:?}").as_str()), "the outcome");
    check_outputs(&folder);
}
