//! The socket of a running process: events are acknowledged when they are on disk, and only then.
//! And who may open a data folder.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the helpers of tests fail like tests"
)]

#[path = "fixture/chain.rs"]
mod chain;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use chain::{end_of, minute, open, options, simulate, towns};
use shelf_domain::{Event, EventId, Origin, Outcome, SourceId, Stores, Stream, Timestamp};
use shelf_events::{Defaults, parse_event};
use shelf_host::{
    Ack, AckStatus, ChainReader, ChainWriter, Control, Folder, Follow, Request, SourceName,
    Sources, WriterOptions, send, send_events,
};

/// What tells a child where to work.
const FOLDER: &str = "SHELF_CONTROL_FOLDER";
/// The events of each sender.
const EACH: u64 = 60;

fn noon() -> Timestamp {
    minute(6 * 60)
}

fn line(id: &str, body: &str) -> Vec<u8> {
    format!(r#"{{"event_id":"{id}","store_id":"S001","timestamp":"2026-01-01T12:00:00Z",{body}}}"#)
        .into_bytes()
}

fn pickup(id: &str, sku: &str) -> Vec<u8> {
    line(id, &format!(r#""event_type":"pickup","shelf_id":"{sku}","quantity":1"#))
}

fn uuid(number: u64) -> String {
    format!("{number:032x}")
}

/// A chain that has been open for half a day, and one of its skus.
fn shop(folder: &Folder) -> (ChainWriter, String) {
    let mut chain = open(folder, &options(towns(10, 1)));
    simulate(&mut chain, noon());
    let partitions = chain.partitions().unwrap();
    let store = partitions.into_iter().flat_map(Stores::iter).next().unwrap();
    let sku = store.shelf(store.skus().next().unwrap()).unwrap().sku;
    (chain, sku.to_string())
}

/// Takes requests until `done`, as the running process does: many at once share one commit.
fn serve(chain: &mut ChainWriter, control: &Control, done: &AtomicBool) {
    while !done.load(Ordering::Acquire) {
        let Some(first) = control.next(Duration::from_millis(5)) else { continue };
        let more = std::iter::from_fn(|| control.waiting());
        let requests: Vec<Request> = std::iter::once(first).chain(more).collect();
        let events: Vec<Event> = requests.iter().map(|request| request.event.clone()).collect();
        let outcomes = chain.submit(&events).unwrap().outcomes;
        for (request, outcome) in requests.into_iter().zip(outcomes) {
            request.reply.send(outcome).expect("a sender that waits");
        }
    }
}

/// Runs `senders` against a serving chain.
fn with_senders(folder: &Folder, chain: &mut ChainWriter, senders: impl FnOnce() + Send) {
    let control = Control::listen(folder, noon).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Whatever becomes of the senders, the server must end.
            struct Done<'a>(&'a AtomicBool);
            impl Drop for Done<'_> {
                fn drop(&mut self) {
                    self.0.store(true, Ordering::Release);
                }
            }
            let _done = Done(&done);
            senders();
        });
        serve(chain, &control, &done);
    });
    assert!(folder.socket().exists(), "the socket is there while somebody listens");
    drop(control);
    assert!(!folder.socket().exists(), "the socket goes with who listened");
}

fn sent(folder: &Folder, lines: &[Vec<u8>]) -> Vec<Ack> {
    send(folder, lines).expect("a process that answers").expect("a process that listens")
}

fn ids_on_disk(folder: &Folder) -> BTreeSet<EventId> {
    chain::inputs(folder).iter().flatten().map(|event| event.id).collect()
}

#[test]
fn what_is_sent_has_an_origin_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path().join("data"));
    let (mut chain, sku) = shop(&folder);
    let sources = Sources::open(&folder).unwrap();
    let number = |name: &SourceName| sources.find(name);
    let (socket, cli) = (number(&SourceName::socket()), number(&SourceName::cli()));
    let simulated = number(&SourceName::simulated());
    let from = |number: u64, source: SourceId, line: u32| {
        let defaults = Defaults { store: None, received_at: noon() };
        let event = parse_event(&pickup(&uuid(number), &sku), &defaults).unwrap();
        Event { origin: Origin { source, line }, ..event }
    };
    let before = chain.source_counts().unwrap();
    with_senders(&folder, &mut chain, || {
        sent(&folder, &[pickup(&uuid(1), &sku)]);
        let events = [from(2, cli, 0), from(3, cli, 7), from(4, cli, 7), from(5, SourceId(99), 1)];
        let acks = send_events(&folder, &events).unwrap().unwrap();
        assert!(acks.iter().all(|ack| ack.status == AckStatus::Accepted), "{acks:?}");
    });
    let on_disk = chain::inputs(&folder);
    let origin = |number: u128| {
        let found = on_disk.iter().flatten().find(|event| event.id == EventId(number));
        found.map(|event| (event.origin.source, event.origin.line)).unwrap()
    };
    let origins = [1, 2, 3, 4, 5].map(origin);
    assert_eq!(origins, [(socket, 0), (cli, 0), (cli, 7), (cli, 7), (socket, 0)]);
    let town = on_disk.iter().flatten().filter(|event| event.id.0 > 9);
    assert!(town.clone().count() > 1_000);
    assert!(town.clone().all(|event| event.origin == Origin { source: simulated, line: 0 }));

    let counts = chain.source_counts().unwrap();
    assert_eq!(before.get(socket, Stream::Shelf).received(), 0);
    assert_eq!(counts.get(socket, Stream::Shelf).accepted, 2);
    assert_eq!(counts.get(cli, Stream::Shelf).accepted, 3);
    let received: u64 = counts.iter().map(|(_, _, counts)| counts.received()).sum();
    assert_eq!(received, chain.counts().unwrap().stepped);
    chain.close().unwrap();
    let reader = ChainReader::open(&folder, Follow::FromSnapshot).unwrap();
    let read = reader.source_counts();
    assert!(counts.iter().eq(read.iter()), "a snapshot keeps the counts");
}

#[test]
fn what_two_senders_are_told_is_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path().join("data"));
    assert_eq!(send(&folder, &[]).unwrap(), None, "nobody listens");
    let (mut chain, sku) = shop(&folder);
    let before = chain.counts().unwrap();
    let sender = |first: u64| {
        for number in first..first + EACH {
            let acks = sent(&folder, &[pickup(&uuid(number), &sku)]);
            assert_eq!(acks[0].status, AckStatus::Accepted, "{acks:?}");
            let there = ids_on_disk(&folder);
            assert!(there.contains(&EventId(number.into())), "acknowledged, and not on disk");
        }
    };
    with_senders(&folder, &mut chain, || {
        std::thread::scope(|scope| {
            scope.spawn(|| sender(1_000));
            scope.spawn(|| sender(2_000));
        });
    });
    let counts = chain.counts().unwrap();
    assert_eq!(counts.accepted - before.accepted, 2 * EACH, "each event was applied once");
    let hash = chain.state_hash().unwrap();
    for follow in [Follow::FromSnapshot, Follow::FromStart] {
        let reader = ChainReader::open(&folder, follow).unwrap();
        assert_eq!(reader.state_hash().unwrap(), hash, "{follow:?}");
    }
    assert_eq!(send(&folder, &[]).unwrap(), None, "nobody listens any more");
}

#[test]
fn each_line_is_answered_with_what_became_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path().join("data"));
    let (mut chain, sku) = shop(&folder);
    let stepped = chain.counts().unwrap().stepped;
    let lines = [
        pickup(&uuid(1), &sku),
        pickup(&uuid(1), &sku),
        pickup(&uuid(2), "NO-SUCH-SKU"),
        b"{\"event_type\":\"pickup\"".to_vec(),
        b"\xff\xfe".to_vec(),
        line(&uuid(3), r#""event_type":"yawn""#),
        pickup(&uuid(4), &sku),
    ];
    let mut acks = Vec::new();
    with_senders(&folder, &mut chain, || acks = sent(&folder, &lines));
    let said: Vec<_> =
        acks.iter().map(|ack| (ack.status, ack.code.as_deref().unwrap_or(""))).collect();
    let expected = [
        (AckStatus::Accepted, ""),
        (AckStatus::Duplicate, ""),
        (AckStatus::Quarantined, "unknown_product"),
        (AckStatus::Rejected, "malformed_json"),
        (AckStatus::Rejected, "invalid_utf8"),
        (AckStatus::Rejected, "unknown_event_type"),
        (AckStatus::Accepted, ""),
    ];
    assert_eq!(said, expected);
    let told = |ack: &Ack| ack.code.is_none() || ack.hint.as_ref().is_some_and(|h| !h.is_empty());
    assert!(acks.iter().all(told), "who is refused is told what to do: {acks:?}");
    assert_eq!(chain.counts().unwrap().stepped - stepped, 4, "what is no event is not taken");
}

#[test]
fn a_line_without_end_is_refused_and_the_process_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path().join("data"));
    let (mut chain, sku) = shop(&folder);
    with_senders(&folder, &mut chain, || {
        let mut stream = UnixStream::connect(folder.socket()).unwrap();
        let endless = vec![b'x'; shelf_events::MAX_LINE_BYTES + 1];
        // The process may close the connection before all of it is written.
        let _ = stream.write_all(&endless);
        let mut answer = String::new();
        BufReader::new(&stream).read_line(&mut answer).unwrap();
        let ack: Ack = serde_json::from_str(&answer).unwrap();
        assert_eq!((ack.status, ack.code.as_deref()), (AckStatus::Rejected, Some("too_large")));
        let acks = sent(&folder, &[pickup(&uuid(5), &sku)]);
        assert_eq!(acks[0].status, AckStatus::Accepted, "the next sender is served");
    });
}

#[test]
fn a_full_queue_makes_senders_wait_and_loses_nothing() {
    const SENDERS: u64 = 40;
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path().join("data"));
    let (mut chain, sku) = shop(&folder);
    let acked = AtomicU64::new(0);
    let before = chain.counts().unwrap().accepted;
    with_senders(&folder, &mut chain, || {
        std::thread::scope(|scope| {
            for sender in 0..SENDERS {
                let (folder, sku, acked) = (&folder, &sku, &acked);
                scope.spawn(move || {
                    let first = 10_000 * (sender + 1);
                    let lines: Vec<_> =
                        (first..first + 10).map(|number| pickup(&uuid(number), sku)).collect();
                    let acks = sent(folder, &lines);
                    let accepted = acks.iter().filter(|ack| ack.status == AckStatus::Accepted);
                    acked.fetch_add(accepted.count() as u64, Ordering::Relaxed);
                });
            }
        });
    });
    assert_eq!(acked.into_inner(), SENDERS * 10, "every sender was answered");
    assert_eq!(chain.counts().unwrap().accepted - before, SENDERS * 10);
}

#[test]
fn an_act_through_the_socket_is_part_of_the_log_like_any_other() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path().join("data"));
    let (mut chain, _) = shop(&folder);
    let mut lines = Vec::new();
    for event in chain::acts(&mut chain, 1) {
        let mut line = Vec::new();
        shelf_events::write_event(&event, &mut line);
        lines.push(line);
    }
    assert!(!lines.is_empty(), "there is something to act on");
    let mut acks = Vec::new();
    with_senders(&folder, &mut chain, || acks = sent(&folder, &lines));
    assert_eq!(acks.len(), lines.len(), "{acks:?}");
    assert_eq!(acks.first(), Some(&Ack::of(Outcome::Accepted)), "the first is of an open alert");
    simulate(&mut chain, minute(12 * 60));
    let end = end_of(&mut chain);
    drop(chain);
    std::fs::remove_dir_all(folder.snapshots()).unwrap();
    let mut chain = open(&folder, &options(towns(10, 1)));
    assert_eq!(end_of(&mut chain), end, "the log alone comes to the same");
}

fn code_of_opening(folder: &Folder, options: &WriterOptions) -> &'static str {
    match ChainWriter::open(folder, options) {
        Ok(_) => "opened",
        Err(error) => error.code(),
    }
}

#[test]
fn a_folder_has_one_writer_and_is_refused_where_it_is_not_understood() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path().join("data"));
    let options = options(towns(10, 1));
    let (chain, _) = shop(&folder);
    assert_eq!(code_of_opening(&folder, &options), "data_in_use");
    drop(chain);
    assert_eq!(code_of_opening(&folder, &options), "opened", "free again");
    let other = WriterOptions { town: Some(towns(11, 1)), ..options.clone() };
    assert_eq!(code_of_opening(&folder, &other), "other_settings", "another seed");
    let other = WriterOptions { town: Some(towns(10, 2)), ..options.clone() };
    assert_eq!(code_of_opening(&folder, &other), "other_settings", "another number of stores");
    let meta = std::fs::read_to_string(folder.meta_path()).unwrap();
    let newer = meta.replacen("\"format\": 1", "\"format\": 2", 1);
    assert_ne!(newer, meta, "the file tells its format");
    std::fs::write(folder.meta_path(), newer).unwrap();
    assert_eq!(code_of_opening(&folder, &options), "newer_format");
    std::fs::write(folder.meta_path(), "no meta at all").unwrap();
    assert_eq!(code_of_opening(&folder, &options), "meta_unreadable");
    std::fs::write(dir.path().join("file"), "a file").unwrap();
    let below = Folder::at(dir.path().join("file/data"));
    assert_ne!(code_of_opening(&below, &options), "opened", "a folder below a file");
}

/// What the child does; in the suite itself, nothing.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    println!("code {}", code_of_opening(&Folder::at(folder), &options(towns(10, 1))));
}

fn allow(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Opens the folder in a child that may not do everything: as `nobody` where this process is root.
fn code_in_a_plain_process(program: &Path, folder: &Path) -> String {
    const NOBODY: u32 = 65_534;
    let mut child = Command::new(program);
    child.args(["--exact", "child", "--nocapture"]).env(FOLDER, folder).current_dir("/");
    if root() {
        child.uid(NOBODY).gid(NOBODY);
    }
    let output = child.output().expect("a child that may be started");
    let said = String::from_utf8(output.stdout).unwrap();
    let code = said.lines().find_map(|line| line.split_once("code "));
    code.expect("a child that tells the code").1.to_owned()
}

fn root() -> bool {
    std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) == 0
}

#[test]
fn a_folder_that_may_not_be_written_is_refused_with_a_reason() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path().join("data"));
    let (chain, _) = shop(&folder);
    chain.close().unwrap();
    // The child may read and run everything, and write nothing.
    let program = dir.path().join("program");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let (log, outputs) = (folder.log(), folder.outputs());
    let all = [dir.path(), folder.root(), &log, &outputs, &program];
    for path in all {
        allow(path, 0o555);
    }
    let lock = folder.log().join("lock");
    allow(&lock, 0o444);
    let code = code_in_a_plain_process(&program, folder.root());
    let new = code_in_a_plain_process(&program, &dir.path().join("new"));
    for path in all {
        allow(path, 0o755);
    }
    assert_eq!(code, "permission_denied", "a folder that is there");
    assert_eq!(new, "permission_denied", "a folder that would have to be made");
}
