//! Opening a partition after any stop: snapshots that are there, damaged, too old or too new, and
//! logs that have lost what was not durable. Every effect is in the output log exactly once.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "the helpers of tests fail like tests"
)]

#[path = "fixture/memory.rs"]
mod memory;

use std::cell::Cell;
use std::fs;
use std::path::PathBuf;

use memory::{Disk, Machine, Tail, events_in, hash, hash_after, story};
use shelf_domain::Event;
use shelf_engine::{EngineError, Options, Partition, Replica, SNAPSHOT_VERSION, SnapshotStore};

/// The header of a snapshot: magic, version, partition, position, and length and checksum of each
/// part.
const HEADER_BYTES: usize = 8 + 4 + 4 + 8 + 4 * 8;

/// A partition that has stepped the story, with snapshots at these positions.
fn machine_with(events: &[Event], snapshots: &[usize]) -> Machine {
    let machine = Machine::new();
    let mut partition = machine.open();
    let mut from = 0;
    for &at in snapshots {
        partition.submit(&events[from..at], |_| {}).expect("a sound disk");
        partition.snapshot(format!("companion {at}").as_bytes()).expect("a snapshot");
        from = at;
    }
    partition.submit(&events[from..], |_| {}).expect("a sound disk");
    partition.commit().expect("a sound disk");
    machine
}

/// The snapshot files, the newest first.
fn files(machine: &Machine) -> Vec<PathBuf> {
    let entries = fs::read_dir(machine.snapshots().join("p00")).expect("a folder");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.reverse();
    paths
}

/// Opens the partition and returns from where it was replayed.
fn opened_from(machine: &Machine, events: &[Event]) -> u64 {
    let mut partition = machine.try_open().expect("a partition that opens").partition;
    let from = partition.position();
    let stepped = partition.replay(|_| {}).expect("a sound log");
    assert_eq!(from + stepped, events.len() as u64, "all of the log");
    assert_eq!(hash(partition.stores()), hash_after(events), "from {from}");
    partition.commit().expect("a sound disk");
    machine.check_outputs();
    from
}

fn change(path: &PathBuf, how: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).expect("a snapshot");
    how(&mut bytes);
    fs::write(path, bytes).expect("a folder that can be written");
}

#[test]
fn the_newest_snapshot_that_can_be_read_is_where_a_partition_begins() {
    let events = story();
    let machine = machine_with(&events, &[50, 90, 140]);
    let all = files(&machine);
    assert_eq!(all.len(), 2, "two are kept: {all:?}");
    let opened = machine.try_open().expect("a partition that opens");
    assert_eq!(opened.companion.as_deref(), Some(&b"companion 140"[..]));
    assert_eq!(opened_from(&machine, &events), 140);
    // One bit of the header or of what follows, or an end that is missing: the one before serves.
    let whole = fs::read(&all[0]).expect("a snapshot");
    let header = (0..8).chain(12..56);
    for at in header.chain([whole.len() / 2, whole.len() - 1]) {
        change(&all[0], |bytes| bytes[at] ^= 1);
        assert_eq!(opened_from(&machine, &events), 90, "byte {at}");
        fs::write(&all[0], &whole).expect("a folder that can be written");
    }
    for len in [0, 7, 30, whole.len() - 1] {
        change(&all[0], |bytes| bytes.truncate(len));
        let opened = machine.try_open().expect("a partition that opens");
        assert_eq!(opened.companion.as_deref(), Some(&b"companion 90"[..]), "{len} bytes");
        assert_eq!(opened_from(&machine, &events), 90, "{len} bytes");
        fs::write(&all[0], &whole).expect("a folder that can be written");
    }
    for path in &all {
        change(path, Vec::clear);
    }
    let opened = machine.try_open().expect("a partition that opens");
    assert_eq!(opened.companion, None, "no snapshot can be read");
    assert_eq!(opened_from(&machine, &events), 0, "the whole log");
}

#[test]
fn a_replay_ends_where_it_is_told_to_and_the_next_one_comes_to_the_same() {
    const EVENTS: usize = 60_000;
    let events: Vec<Event> = story().into_iter().cycle().take(EVENTS).collect();
    let machine = machine_with(&events, &[90]);
    let open = || machine.try_open().expect("a partition that opens").partition;
    let (mut ended, asked) = (open(), Cell::new(0));
    let once = || asked.replace(asked.get() + 1) == 0;
    assert_eq!(ended.replay_while(once, |_| {}).expect("a sound log"), None);
    let position = ended.position();
    assert!(position > 90 && position < EVENTS as u64, "a part of the log: {position}");
    let mut next = open();
    let stepped = next.replay_while(|| true, |_| {}).expect("a sound log");
    assert_eq!(stepped, Some(EVENTS as u64 - 90));
    next.commit().expect("a sound disk");
    assert_eq!(hash(next.stores()), hash_after(&events));
    machine.check_outputs();
}

#[test]
fn a_snapshot_that_was_not_finished_is_not_one() {
    let events = story();
    let machine = machine_with(&events, &[90]);
    let unfinished = machine.snapshots().join("p00/00000000000000000140.tmp");
    fs::write(&unfinished, b"SHELFSNP and no more").expect("a folder that can be written");
    assert_eq!(opened_from(&machine, &events), 90);
}

#[test]
fn a_writer_of_an_earlier_epoch_leaves_what_a_later_one_is_writing() {
    let events = story();
    let machine = machine_with(&events, &[90]);
    let names = ["00000000000000000140.1.tmp", "00000000000000000150.3.tmp"];
    for name in names {
        fs::write(machine.snapshots().join("p00").join(name), b"half").expect("a folder");
    }
    let stores = shelf_domain::Stores::default();
    let store = SnapshotStore::of_epoch(machine.snapshots(), 0, 2);
    store.save(160, &stores, b"").expect("a snapshot");
    let left = |name: &str| machine.snapshots().join("p00").join(name).exists();
    assert_eq!(names.map(left), [false, true]);
}

#[test]
fn a_snapshot_of_another_partition_is_passed_over() {
    let events = story();
    let machine = machine_with(&events, &[90]);
    let other = machine.snapshots().join("p01");
    fs::create_dir_all(&other).expect("a folder that can be written");
    let name = files(&machine)[0].file_name().expect("a name").to_owned();
    fs::copy(&files(&machine)[0], other.join(name)).expect("a copy");
    let found = SnapshotStore::new(machine.snapshots(), 1).newest().expect("a folder").snapshot;
    assert!(found.is_none(), "{found:?}");
}

#[test]
fn a_snapshot_of_a_newer_program_is_refused() {
    let events = story();
    let machine = machine_with(&events, &[90, 140]);
    let newest = &files(&machine)[0];
    change(newest, |bytes| {
        bytes[8..12].copy_from_slice(&(SNAPSHOT_VERSION + 1).to_le_bytes());
    });
    let error = machine.try_open().expect_err("a newer format");
    let EngineError::Format { path, found, known } = &error else { panic!("{error:?}") };
    assert_eq!((found, known), (&(SNAPSHOT_VERSION + 1), &SNAPSHOT_VERSION));
    assert_eq!(path, newest);
}

/// Makes a snapshot what a program of version 1 wrote: without what people can take back, which is
/// nothing here, and which is all that version 2 adds.
fn as_version_1(bytes: &mut Vec<u8>) {
    let word = |bytes: &[u8], at: usize| {
        u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
    };
    let len = word(bytes, 24) as usize;
    let end = HEADER_BYTES + len;
    assert_eq!(bytes.remove(end - 1), 0, "nothing can be taken back");
    let sum = xxhash_rust::xxh3::xxh3_64(&bytes[HEADER_BYTES..end - 1]);
    bytes[8..12].copy_from_slice(&1_u32.to_le_bytes());
    bytes[24..32].copy_from_slice(&(len as u64 - 1).to_le_bytes());
    bytes[32..40].copy_from_slice(&sum.to_le_bytes());
}

#[test]
fn a_snapshot_of_the_version_before_is_read() {
    let events = story();
    let machine = machine_with(&events, &[90, 140]);
    for path in files(&machine) {
        change(&path, as_version_1);
    }
    let opened = machine.try_open().expect("a partition that opens");
    assert!(opened.damaged.is_empty(), "{:?}", opened.damaged);
    assert_eq!(opened.companion.as_deref(), Some(&b"companion 140"[..]));
    assert_eq!(opened_from(&machine, &events), 140);
}

#[test]
fn a_log_that_does_not_reach_back_to_the_snapshot_is_an_error() {
    let events = story();
    let machine = machine_with(&events, &[50, 90]);
    let log = |machine: &Machine| (machine.input.clone(), machine.output.clone());
    let trim = |at: u64| {
        let (mut input, _) = log(&machine);
        shelf_ports::PartitionLog::trim(&mut input, at).expect("a sound disk");
    };
    trim(90);
    assert_eq!(machine.open().position(), events.len() as u64, "the snapshot is enough");
    trim(91);
    let error = machine.try_open().expect_err("a gap");
    assert!(
        matches!(error, EngineError::Gap { partition: 0, snapshot: 90, log_start: 91 }),
        "{error:?}"
    );
    fs::remove_dir_all(machine.snapshots().join("p00")).expect("a folder");
    let error = machine.try_open().expect_err("a gap");
    assert!(matches!(error, EngineError::Gap { snapshot: 0, log_start: 91, .. }), "{error:?}");
    let error = Replica::from_start(0, Tail(machine.input.clone())).expect_err("a gap");
    assert!(matches!(error, EngineError::Gap { snapshot: 0, log_start: 91, .. }), "{error:?}");
}

#[test]
fn a_log_that_ends_before_the_snapshot_is_an_error() {
    let events = story();
    let machine = machine_with(&events, &[90]);
    machine.input.kept().records.truncate(89);
    let error = machine.try_open().expect_err("a log that is too short");
    assert!(
        matches!(error, EngineError::Ahead { partition: 0, snapshot: 90, log_end: 89 }),
        "{error:?}"
    );
}

#[test]
fn snapshots_let_go_of_the_log_that_nothing_needs() {
    let events = story();
    let mut machine = Machine::new();
    machine.options = Options { snapshot_events: 30, retention_events: 10, epoch: 0 };
    let mut partition = machine.open();
    for batch in events.chunks(7) {
        partition.submit(batch, |_| {}).expect("a sound disk");
        if partition.snapshot_due() {
            partition.snapshot(b"").expect("a snapshot");
            let saved = SnapshotStore::new(machine.snapshots(), 0);
            let kept = saved.positions().expect("a folder");
            let at = |position| saved.saved_at(position).expect("a folder");
            assert!(kept.iter().all(|&position| at(position).is_some()), "{kept:?}");
            assert_eq!(at(partition.position() + 1), None, "nothing was saved there");
            let start = machine.input.kept().start;
            assert!(kept.iter().all(|&at| start <= at), "the log reaches back to {kept:?}");
            assert!(start <= partition.position() - 10, "the newest events are kept");
        }
    }
    partition.commit().expect("a sound disk");
    let (position, state) = (partition.position(), hash(partition.stores()));
    drop(partition);
    assert!(machine.input.kept().start > 100, "the log was cut short");
    let partition = machine.open();
    assert_eq!((partition.position(), hash(partition.stores())), (position, state));
    assert_eq!(state, hash_after(&events));
    // The older of the two snapshots serves as well.
    drop(partition);
    fs::write(&files(&machine)[0], b"").expect("a folder that can be written");
    assert_eq!(hash(machine.open().stores()), state);
}

/// Submits in batches, as a source would that commits now and then.
fn submit(partition: &mut Partition<Disk>, events: &[Event]) {
    for (number, batch) in events.chunks(5).enumerate() {
        partition.submit(batch, |_| {}).expect("a sound disk");
        match number % 8 {
            7 => drop(partition.commit().expect("a sound disk")),
            1 | 3 | 5 => partition.request_commit().expect("a sound disk"),
            _ => {}
        }
    }
}

/// What a crash leaves of what was not durable, in records: of the input log and of the output log.
const LEFT: [(u64, u64); 6] =
    [(0, 0), (0, u64::MAX), (3, u64::MAX), (u64::MAX, 0), (u64::MAX, 1), (u64::MAX, u64::MAX)];

#[test]
fn a_crash_at_any_event_leaves_every_effect_exactly_once() {
    let events = story();
    let mut loose = (0, 0);
    for at in (1..events.len()).step_by(9) {
        for (left_in, left_out) in LEFT {
            let mut machine = Machine::new();
            machine.options.snapshot_events = 60;
            let mut partition = machine.open();
            let saved = at / 2;
            submit(&mut partition, &events[..saved]);
            partition.snapshot(b"").expect("a snapshot");
            submit(&mut partition, &events[saved..at]);
            drop(partition);
            loose = (loose.0 + machine.input.loose(), loose.1 + machine.output.loose());
            machine.input.lose_power(left_in);
            machine.output.lose_power(left_out);
            let mut partition = machine.open();
            let there = partition.position() as usize;
            assert_eq!(events_in(&machine.input), events[..there], "a prefix of what was sent");
            // The lost events never come again; others come in their place.
            submit(&mut partition, &events[at..]);
            partition.commit().expect("a sound disk");
            let log = events_in(&machine.input);
            assert_eq!(log, [&events[..there], &events[at..]].concat(), "crash after {at}");
            assert_eq!(hash(partition.stores()), hash_after(&log), "crash after {at}");
            machine.check_outputs();
        }
    }
    assert!(loose.0 > 0 && loose.1 > 0, "crashes have lost something: {loose:?}");
}

#[test]
fn an_output_log_cut_anywhere_is_completed() {
    let events = story();
    let machine = machine_with(&events, &[]);
    let whole = machine.output.kept().records.len();
    assert!(whole > 40, "the story has effects: {whole}");
    for left in 0..=whole {
        let mut cut = Machine::new();
        (cut.input, cut.output) = (machine.input.copy(), machine.output.copy());
        cut.output.kept().records.truncate(left);
        cut.output.lose_power(u64::MAX);
        let mut partition = cut.open();
        partition.commit().expect("a sound disk");
        cut.check_outputs();
    }
}

#[test]
fn a_replica_sees_what_is_durable_and_comes_to_the_same() {
    let events = story();
    let machine = Machine::new();
    let mut partition = machine.open();
    let tail = || Tail(machine.input.clone());
    let mut start = Replica::from_start(0, tail()).expect("a log");
    let mut position = 0;
    for batch in events.chunks(11) {
        partition.submit(batch, |_| {}).expect("a sound disk");
        assert_eq!(start.catch_up(|_| {}).expect("a sound log"), 0, "nothing is durable yet");
        position = partition.commit().expect("a sound disk");
        let stepped = start.catch_up(|_| {}).expect("a sound log");
        assert_eq!(stepped, batch.len() as u64, "all that is durable");
        assert_eq!(hash(start.stores()), hash(partition.stores()));
        if position == 110 {
            partition.snapshot(b"").expect("a snapshot");
        }
    }
    let mut newest = Replica::open(0, tail(), machine.snapshots()).expect("a snapshot");
    assert_eq!(newest.position(), 110, "it begins at the snapshot");
    let mut offsets = Vec::new();
    newest.catch_up(|one| offsets.push(one.offset)).expect("a sound log");
    assert_eq!(offsets, (110..position).collect::<Vec<_>>());
    assert_eq!(hash(newest.stores()), hash(partition.stores()));
    assert_eq!(newest.stores().counts(), partition.counts());
    let mut then = Replica::from_start(0, tail()).expect("a log");
    let until = events[120].received_at;
    then.catch_up_until(until, |_| {}).expect("a sound log");
    let received = events.iter().take_while(|event| event.received_at <= until);
    let received: Vec<Event> = received.cloned().collect();
    assert_eq!(then.position(), received.len() as u64);
    assert_eq!(hash(then.stores()), hash_after(&received));
}
