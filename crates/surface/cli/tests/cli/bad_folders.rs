//! Data folders in trouble: full, read-only, damaged, of others, of the future.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::program::{Place, Ran};
use crate::shop::{open_shop, pickup};

/// The newest file of this kind of the partition that holds something.
fn largest(folder: &Path, ending: &str) -> PathBuf {
    let partitions = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = partitions.filter(|path| path.is_dir()).flat_map(|partition| {
        std::fs::read_dir(partition).unwrap().map(|entry| entry.unwrap().path())
    });
    let wanted = files.filter(|path| path.to_string_lossy().ends_with(ending));
    wanted.max_by_key(|path| std::fs::metadata(path).unwrap().len()).unwrap()
}

/// Changes the byte in the middle of a file; returns where that is.
fn flip(path: &Path) -> usize {
    let mut bytes = std::fs::read(path).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 0x40;
    std::fs::write(path, bytes).unwrap();
    at
}

fn root() -> bool {
    let id = std::process::Command::new("id").arg("-u").output().unwrap();
    id.stdout == b"0\n"
}

#[test]
fn a_file_may_grow_no_more() {
    let place = Place::new();
    // A shell's limit on the size of files; with its signal ignored the system answers an error.
    let line = "trap '' XFSZ; ulimit -f 1500; exec $SHELF simulate --days 2";
    let ran = Ran::of(&mut place.shell(line), b"").failed(1, "io");
    assert!(ran.err.contains("because: File too large"), "{ran:?}");
    assert!(place.jsons("log verify").iter().all(|log| log["sound"] == true));
    // With room again it goes on, and comes to what it would have come to.
    let after = place.json("simulate --days 2");
    assert_eq!(after["state_hash"], Place::new().json("simulate --days 2")["state_hash"]);
}

#[test]
fn a_kill_by_the_limit_of_files_loses_nothing() {
    let place = Place::new();
    let ran = Ran::of(&mut place.shell("ulimit -f 1500; exec $SHELF simulate --days 2"), b"");
    assert_eq!((ran.code, ran.out.as_str()), (128 + 25, ""), "SIGXFSZ: {ran:?}");
    let after = place.json("simulate --days 2");
    assert_eq!(after["state_hash"], Place::new().json("simulate --days 2")["state_hash"]);
}

/// A shell's lines in the place, in which `disk` is a disk of 3 MB of the test's own.
fn with_small_disk(place: &Place, lines: &str) -> Ran {
    std::fs::create_dir(place.path("disk")).unwrap();
    let lines = format!("set -e; mount -t tmpfs -o size=3m none disk; {lines}");
    let mut command = std::process::Command::new("unshare");
    // Who is not root may mount as the root of a name space of users.
    command.arg(if root() { "-m" } else { "-rm" }).args(["sh", "-c", &lines]);
    command.env("SHELF", env!("CARGO_BIN_EXE_shelf")).env("SHELF_DATA", "disk/data");
    command.env("SHELF_SQL__LISTEN", "off").env("SHELF_HTTP__LISTEN", "off");
    let ran = Ran::of(command.current_dir(place.path("")), b"");
    assert_eq!(
        ran.code, 0,
        "`unshare` and `mount` of util-linux are needed, and that they may be used: as root, or \
         with name spaces of users allowed (sysctl kernel.unprivileged_userns_clone=1): {ran:?}"
    );
    ran
}

#[test]
fn a_full_disk_stops_and_goes_on_once_there_is_room() {
    let place = Place::new();
    let ran = with_small_disk(
        &place,
        "$SHELF simulate --days 2 --json 2>full && exit 90 || echo $? >code
        $SHELF status --json >status
        $SHELF log verify --json >verify
        $SHELF doctor --json >doctor || echo $? >>code
        $SHELF tasks request BEVWAT0003 2>act || echo $? >>code
        mount -o remount,size=64m disk
        $SHELF simulate --days 2 --json",
    );
    let read = |name: &str| std::fs::read_to_string(place.path(name)).unwrap();
    assert_eq!(read("code"), "1\n1\n1\n");
    for said in ["full", "act"] {
        assert!(read(said).contains("disk_full"), "{}", read(said));
        assert!(read(said).contains("nothing acknowledged is lost"), "{}", read(said));
    }
    assert!(!read("verify").contains("\"sound\":false"));
    assert!(read("doctor").contains("0 MB left"), "{}", read("doctor"));
    let straight = Place::new().json("simulate --days 2");
    assert_eq!(ran.jsons()[0]["state_hash"], straight["state_hash"]);
}

#[test]
fn an_import_stops_at_a_full_disk_and_goes_on_once_there_is_room() {
    let place = Place::new();
    place.ok("simulate --days 4 --data town");
    let lines = place.ok("log tail -n 99999999 --data town");
    let events = lines.lines().count();
    place.file("days.ndjson", lines);
    place.ok("import days.ndjson --data straight");
    let ran = with_small_disk(
        &place,
        "$SHELF import days.ndjson --json 2>full && exit 90 || echo $? >code
        $SHELF log verify --json >verify
        mount -o remount,size=64m disk
        $SHELF import days.ndjson --json
        $SHELF replay --json
        $SHELF import days.ndjson --json",
    );
    let read = |name: &str| std::fs::read_to_string(place.path(name)).unwrap();
    assert_eq!(read("code"), "1\n");
    assert!(read("full").contains("disk_full"), "{}", read("full"));
    assert!(!read("verify").contains("\"sound\":false"));
    let reports = ran.jsons();
    assert_eq!(reports[0]["lines"], events);
    assert_eq!(reports[1]["state_hash"], place.json("replay --data straight")["state_hash"]);
    assert_eq!((&reports[2]["accepted"], &reports[2]["duplicates"]), (&0.into(), &events.into()));
}

#[test]
fn a_running_chain_stops_at_a_full_disk_and_goes_on_once_there_is_room() {
    let place = Place::new();
    let ran = with_small_disk(
        &place,
        "timeout 60 $SHELF run --plain --warmup-days 0 --speed 20000 >lines 2>full \
            && exit 90 || echo $? >code
        $SHELF log verify --json >verify
        mount -o remount,size=64m disk
        $SHELF simulate --days 2 --json",
    );
    let read = |name: &str| std::fs::read_to_string(place.path(name)).unwrap();
    assert_eq!(read("code"), "1\n", "{}", read("full"));
    assert!(read("full").contains("disk_full"), "{}", read("full"));
    assert!(!read("verify").contains("\"sound\":false"));
    let straight = Place::new().json("simulate --days 2");
    assert_eq!(ran.jsons()[0]["state_hash"], straight["state_hash"]);
}

#[test]
fn a_lake_on_a_full_disk_goes_on_once_there_is_room() {
    let place = Place::new();
    let ran = with_small_disk(
        &place,
        "export SHELF_DATA=data SHELF_LAKE__URL=$PWD/disk/lake SHELF_LAKE__COMMIT_MB=1
        $SHELF simulate --days 2 >said 2>&1
        $SHELF lake follow --until-caught-up 2>full && exit 90 || echo $? >code
        timeout 60 $SHELF run --plain --warmup-days 0 --for-seconds 3 --speed 3600 >lines 2>warned
        mount -o remount,size=64m disk
        $SHELF lake follow --until-caught-up --json
        $SHELF lake verify >verified 2>&1",
    );
    let read = |name: &str| std::fs::read_to_string(place.path(name)).unwrap();
    assert_eq!(read("code"), "1\n", "{}", read("full"));
    assert!(read("full").contains("error[lake_unreachable]: cannot"), "{}", read("full"));
    assert!(read("full").contains("No space left on device"), "{}", read("full"));
    // The chain went on without its lake, and said so.
    assert!(read("warned").contains("warning[lake_unreachable]"), "{}", read("warned"));
    assert!(read("lines").lines().count() > 20, "{}", read("lines"));
    assert!(ran.jsons()[0]["events"].as_u64().unwrap() > 0);
}

#[test]
fn a_bench_wants_a_disk() {
    let place = Place::new();
    let ran = with_small_disk(
        &place,
        "$SHELF bench core_steps --dir disk/bench 2>said && exit 90 || echo $?",
    );
    assert_eq!(ran.out, "1\n");
    let said = std::fs::read_to_string(place.path("said")).unwrap();
    assert!(
        said.contains("error[bench]: disk/bench is in memory (tmpfs), not on a disk"),
        "{said}"
    );
    assert!(said.contains("hint: name a folder on a disk with --dir"), "{said}");
}

#[test]
fn a_folder_that_may_only_be_read_is_read() {
    let place = Place::simulated();
    let program = place.path("shelf");
    std::fs::copy(env!("CARGO_BIN_EXE_shelf"), &program).unwrap();
    let changed = place.shell("chmod -R a+rX . && chmod -R a-w data && chmod 555 .").status();
    assert!(changed.unwrap().success());
    // Nothing is forbidden to root: another user tries.
    let user = if root() { "setpriv --reuid=65534 --clear-groups " } else { "" };
    let try_it = |words: &str| {
        let line = format!("{user}./shelf {words}");
        Ran::of(&mut place.shell(&line), b"")
    };
    for words in ["status", "alerts list", "log tail", "log verify", "watch --once", "replay"] {
        let ran = try_it(words);
        assert_eq!(ran.code, 0, "`setpriv` of util-linux is needed; shelf {words}: {ran:?}");
    }
    for words in [
        "run --for-seconds 0",
        "simulate --days 2",
        "import -",
        "tasks request BEVWAT0003",
        "simulate --days 0 --data new",
    ] {
        let ran = try_it(words).failed(1, "permission_denied");
        assert!(ran.err.contains("check who owns the folder"), "{ran:?}");
    }
    assert_eq!(try_it("doctor").code, 1);
    std::fs::set_permissions(place.path(""), Permissions::from_mode(0o755)).unwrap();
    assert!(place.shell("chmod -R u+w .").status().unwrap().success());
}

#[test]
fn a_folder_of_something_else_is_left_alone() {
    let place = Place::new();
    std::fs::create_dir(place.path("data")).unwrap();
    place.file("data/letter.txt", "dear");
    for words in ["run --for-seconds 0", "simulate --days 0", "import -"] {
        place.fails(words, 2, "not_a_data_folder");
    }
    place.fails("status", 5, "no_data");
    place.fails("quarantine list", 5, "no_data");
    assert_eq!(std::fs::read_dir(place.path("data")).unwrap().count(), 1);
    let file = place.run("status --data data/letter.txt");
    assert_ne!(file.code, 0, "{file:?}");
}

#[test]
fn a_folder_of_a_newer_program_is_left_alone() {
    let place = Place::simulated();
    let meta = std::fs::read_to_string(place.path("data/shelf.json")).unwrap();
    assert!(meta.contains("\"format\": 1,"));
    place.file("data/shelf.json", meta.replace("\"format\": 1,", "\"format\": 2, \"colour\": 7,"));
    for words in [
        "run --for-seconds 0",
        "simulate --days 2",
        "import -",
        "status",
        "alerts list",
        "tasks request BEVWAT0003",
        "replay",
        "log tail",
        "log verify",
        "quarantine list",
        "watch --once",
    ] {
        let ran = place.fails(words, 3, "newer_format");
        assert!(ran.err.contains("has format 2, this program reads up to 1"), "{ran:?}");
    }
    assert_eq!(place.run("doctor").code, 1);
    place.file("data/shelf.json", "{");
    place.fails("status", 3, "meta_unreadable");
}

#[test]
fn a_log_of_a_newer_program_is_left_alone() {
    let place = Place::simulated();
    let mut bytes = std::fs::read(place.path("data/log/meta")).unwrap();
    bytes[8] = 2;
    // The version has a checksum behind it, and the whole one at its end, as a newer program would
    // have written them.
    let whole = bytes.len() - 4;
    for body in [12, whole] {
        let sum = crc32fast::hash(&bytes[..body]);
        bytes[body..body + 4].copy_from_slice(&sum.to_le_bytes());
    }
    place.file("data/log/meta", bytes);
    for words in ["run --for-seconds 0", "simulate --days 2", "import -", "status", "log verify"] {
        let ran = place.fails(words, 3, "newer_format");
        assert!(ran.err.contains("has format 2, this program reads up to 1"), "{ran:?}");
    }
}

#[test]
fn a_damaged_log_is_told_with_its_place() {
    let place = Place::simulated();
    let segment = largest(&place.path("data/log"), ".log");
    let at = flip(&segment);
    let told = |text: &str| {
        assert!(text.contains("00000000000000000000.log"), "{text}");
        let number = text.split("byte ").nth(1).and_then(|rest| rest.split(':').next());
        let told: usize = number.unwrap_or_else(|| panic!("no place in {text}")).parse().unwrap();
        assert!(told <= at && at - told < 4_096, "{at}: {text}");
    };
    let verify = place.run("log verify --json");
    assert_eq!(verify.code, 3);
    let logs = verify.jsons();
    assert_eq!((&logs[0]["sound"], &logs[1]["sound"]), (&false.into(), &true.into()));
    told(logs[0]["partitions"][0]["damage"].as_str().unwrap());
    assert!(place.run("log verify").out.starts_with("events: DAMAGED\n"));
    for words in ["replay", "run --for-seconds 0", "simulate --days 2"] {
        let ran = place.fails(words, 3, "log_damaged");
        assert!(ran.err.contains("shelf log verify"), "{ran:?}");
        told(ran.err.lines().next().unwrap());
    }
}

#[test]
fn a_damaged_snapshot_is_done_without() {
    let place = Place::simulated();
    let before = place.json("replay")["state_hash"].clone();
    let snapshot = largest(&place.path("data/snapshots"), ".snapshot");
    flip(&snapshot);
    assert_eq!(place.json("status")["intake"], Place::simulated().json("status")["intake"]);
    let name = snapshot.file_name().unwrap().to_str().unwrap();
    let verify = place.run("log verify --json");
    assert_eq!((verify.code, &verify.jsons()[2]["sound"]), (3, &false.into()), "{verify:?}");
    assert!(verify.jsons()[2]["damaged"][0].as_str().unwrap().contains(name), "{verify:?}");
    assert!(place.run("log verify").out.contains("snapshots: DAMAGED\n"));
    let doctor = place.jsons("doctor").pop().unwrap();
    assert_eq!(doctor["state"], "warn", "{doctor}");
    assert!(doctor["found"].as_str().unwrap().contains(name), "{doctor}");
    let run = place.run("run --plain --warmup-days 0 --speed 0.01 --for-seconds 0");
    assert!(run.err.contains(&format!("{name} is damaged")), "{run:?}");
    let replay = place.json("replay");
    assert_eq!((&replay["equal"], &replay["state_hash"]), (&true.into(), &before));
    let straight = Place::new().json("simulate --days 2");
    assert_eq!(place.json("simulate --days 2")["state_hash"], straight["state_hash"]);
    // One that is cut short is no better.
    std::fs::write(largest(&place.path("data/snapshots"), ".snapshot"), "short").unwrap();
    assert_eq!(place.json("simulate --days 2")["state_hash"], straight["state_hash"]);
}

#[test]
fn a_torn_end_is_cut_and_said() {
    let place = open_shop();
    place.feed("import -", pickup(1, "APPLE", 1));
    let segment = largest(&place.path("data/log"), ".log");
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes.extend_from_slice(&[7; 11]);
    std::fs::write(&segment, bytes).unwrap();
    let ran = place.run("run --no-demo --plain --for-seconds 0");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("cut a torn end of 11 bytes at offset 5"), "{ran:?}");
    assert_eq!(place.json("shelves show APPLE")["floor_units"], 19);
}

#[test]
fn a_file_of_the_folder_from_a_newer_program_is_refused_by_name() {
    let place = open_shop();
    place.file("more.ndjson", pickup(1, "APPLE", 1));
    for (name, words) in [
        ("imports.json", &["import more.ndjson"][..]),
        ("sources.json", &["import more.ndjson", "quarantine list"][..]),
    ] {
        let path = format!("data/{name}");
        let before = std::fs::read(place.path(&path)).ok();
        place.file(&path, r#"{"format":2,"colour":"blue"}"#);
        for words in words {
            let ran = place.fails(words, 3, "newer_format");
            assert!(ran.err.contains(name), "{ran:?}");
            assert!(ran.err.contains("has format 2, this program reads up to 1"), "{ran:?}");
        }
        place.file(&path, "{");
        let ran = place.fails("import more.ndjson", 3, "meta_unreadable");
        assert!(ran.err.contains(name), "{ran:?}");
        match before {
            Some(bytes) => drop(place.file(&path, bytes)),
            None => std::fs::remove_file(place.path(&path)).unwrap(),
        }
    }
    place.ok("import more.ndjson");
    assert_eq!(place.json("shelves show APPLE")["floor_units"], 19);
}
