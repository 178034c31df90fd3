//! Real processes: killed, refused by the system, without rights. A test starts the test program
//! itself with an environment variable that makes the same test play the other part.

use std::env;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use super::*;

const CHILD_DIR: &str = "SHELF_EVENTLOG_TEST_DIR";

/// The folder to work on, in the child process.
fn child_dir() -> Option<PathBuf> {
    env::var_os(CHILD_DIR).map(PathBuf::from)
}

/// Lets `command` run the test `name` of this module on `dir`.
fn as_child<'a>(command: &'a mut Command, name: &str, dir: &Path) -> &'a mut Command {
    let test = format!("tests::crash::{name}");
    command.args(["--exact", &test, "--nocapture", "--test-threads=1"]).env(CHILD_DIR, dir)
}

/// The test program may have begun a line of its own.
fn say(line: &str) {
    writeln!(std::io::stdout().lock(), "\n{line}").unwrap();
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    const PARTITIONS: u32 = 2;
    let options = LogOptions {
        partitions: PARTITIONS,
        segment_bytes: 20_000,
        sync: SyncMode::Fsync,
        ..small()
    };
    if let Some(dir) = child_dir() {
        append_for_ever(EventLog::open(dir, options).unwrap());
    }
    let dir = TempDir::new().unwrap();
    let mut acknowledged = [0; PARTITIONS as usize];
    for round in 0..6_usize {
        let mut command = Command::new(env::current_exe().unwrap());
        as_child(&mut command, "what_was_acknowledged_survives_kill_9", dir.path());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = 0;
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let Some(figures) = line.strip_prefix("durable ") else { continue };
            let (partition, offset) = figures.split_once(' ').unwrap();
            acknowledged[partition.parse::<usize>().unwrap()] = offset.parse::<u64>().unwrap();
            lines += 1;
            if lines == 40 + 17 * round {
                child.kill().unwrap();
            }
        }
        assert!(!child.wait().unwrap().success(), "it ends only by being killed");
        assert!(lines >= 40 + 17 * round);
        for mut log in EventLog::open(dir.path(), options).unwrap().into_partitions() {
            assert!(log.end_offset() >= acknowledged[log.number() as usize]);
            check_content(&mut log);
        }
        assert!(crate::verify(dir.path(), |_| {}).unwrap().sound());
    }
}

fn append_for_ever(log: EventLog) -> ! {
    let mut logs = log.into_partitions();
    let mut step = 1;
    loop {
        for log in &mut logs {
            step = step * 5 % 61;
            let end = log.end_offset() + step;
            append_to(log, end, 20);
            log.request_sync().unwrap();
        }
        for log in &mut logs {
            let durable = log.sync().unwrap();
            say(&format!("durable {} {durable}", log.number()));
        }
    }
}

#[test]
fn a_file_size_limit_of_the_system_cuts_an_append_short_and_the_log_goes_on() {
    const NAME: &str = "a_file_size_limit_of_the_system_cuts_an_append_short_and_the_log_goes_on";
    let options = LogOptions { segment_bytes: 10 << 20, ..small() };
    if let Some(dir) = child_dir() {
        let mut log = open(&dir, options);
        let file = segment_files(&dir, 0).remove(0);
        let error = loop {
            let end = log.end_offset();
            if let Err(error) = log.append(&batch(0, end..end + 100)) {
                break error;
            }
        };
        let LogError::Io { source, .. } = error else { panic!("{error}") };
        assert_eq!(source.kind(), ErrorKind::FileTooLarge);
        let (end, bytes) = (log.end_offset(), fs::metadata(&file).unwrap().len());
        assert!(end > 100 && end % 100 == 0);
        append_to(&mut log, end + 1, 1);
        let one_more = record(0, end).len() as u64 + 12;
        assert_eq!(fs::metadata(&file).unwrap().len(), bytes + one_more, "nothing was left behind");
        check_content(&mut log);
        say(&format!("fired {}", log.sync().unwrap()));
        return;
    }
    let dir = TempDir::new().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 100; exec \"$0\" \"$@\""]);
    command.arg(env::current_exe().unwrap());
    let output = as_child(&mut command, NAME, dir.path()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let fired = text.lines().find_map(|line| line.strip_prefix("fired "));
    let end: Offset = fired.unwrap_or_else(|| panic!("{output:?}")).parse().unwrap();
    let mut log = open(dir.path(), options);
    assert_eq!(log.end_offset(), end);
    check_content(&mut log);
}

#[test]
fn a_read_only_folder_is_an_error_for_the_writer_and_enough_for_a_reader() {
    const NAME: &str = "a_read_only_folder_is_an_error_for_the_writer_and_enough_for_a_reader";
    if let Some(dir) = child_dir() {
        let error = open_error(&dir, small());
        let LogError::Io { source, .. } = &error else { panic!("{error}") };
        assert_eq!(source.kind(), ErrorKind::PermissionDenied, "{error}");
        let mut reader = LogReader::open(&dir).unwrap();
        let mut read = RecordBatch::new();
        assert_eq!(reader.read(0, 0, 100_000, &mut read).unwrap(), 30);
        check_batch(0, 0, 30, &read);
        assert!(crate::verify(&dir, |_| {}).unwrap().sound());
        say("refused");
        return;
    }
    let dir = closed_log(30);
    // Rights do not bind the superuser, so a superuser lets a copy of this program run as nobody.
    let program = dir.path().join("program");
    fs::copy(env::current_exe().unwrap(), &program).unwrap();
    let mut command = Command::new(&program);
    if fs::metadata(&program).unwrap().uid() == 0 {
        command.uid(65_534).gid(65_534);
    }
    let folders = [dir.path().to_path_buf(), dir.path().join("p00")];
    for folder in &folders {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let mode = if path == program { 0o555 } else { 0o444 };
            if path.is_file() {
                fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            }
        }
        fs::set_permissions(folder, Permissions::from_mode(0o555)).unwrap();
    }
    let output = as_child(&mut command, NAME, dir.path()).output().unwrap();
    for folder in &folders {
        fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
    }
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("refused"), "{output:?}");
}
