//! A partition on a disk that is full, cannot sync or has gone bad: it says so, loses nothing, and
//! works again when the disk does.

#[path = "fixture/memory.rs"]
mod memory;

use std::io::ErrorKind;

use memory::{Machine, events_in, hash, hash_after, story};
use shelf_engine::{EngineError, SnapshotStore};
use shelf_ports::LogError;

fn full(error: &EngineError) -> bool {
    matches!(error, EngineError::Log(LogError::Io { source, .. })
        if source.kind() == ErrorKind::StorageFull)
}

#[test]
fn a_full_disk_steps_nothing_and_the_same_events_work_when_there_is_room() {
    let (machine, events) = (Machine::new(), story());
    let mut partition = machine.open();
    let mut refused = 0;
    for (number, batch) in events.chunks(7).enumerate() {
        if number % 3 == 1 {
            let before = (partition.position(), hash(partition.stores()), *partition.counts());
            machine.input.kept().full = true;
            let error = partition.submit(batch, |_| panic!("a step")).expect_err("a full disk");
            assert!(full(&error), "{error:?}");
            let after = (partition.position(), hash(partition.stores()), *partition.counts());
            assert_eq!(after, before, "nothing has happened");
            machine.input.kept().full = false;
            refused += 1;
        }
        partition.submit(batch, |_| {}).expect("there is room");
    }
    assert_eq!(machine.input.kept().faults, refused, "the fault has fired");
    partition.commit().expect("a sound disk");
    assert_eq!(events_in(&machine.input), events, "each event once");
    assert_eq!(hash(partition.stores()), hash_after(&events));
    machine.check_outputs();
}

#[test]
fn effects_that_find_no_room_wait_for_it() {
    let (machine, events) = (Machine::new(), story());
    let mut partition = machine.open();
    for (number, batch) in events.chunks(7).enumerate() {
        machine.output.kept().full = number % 4 > 1;
        // Whether this one or a later call meets the full disk: the events are in the log.
        partition.submit(batch, |_| {}).expect("room for events");
        let committed = partition.commit();
        assert!(committed.is_ok() || machine.output.kept().full, "{committed:?}");
    }
    assert!(machine.output.kept().faults > 0, "the fault has fired");
    machine.output.kept().full = true;
    let error = partition.snapshot(b"").map(|_| ()).err();
    machine.output.kept().full = false;
    if let Some(error) = error {
        assert!(full(&error), "{error:?}");
        let saved = SnapshotStore::new(machine.snapshots(), 0).positions().expect("a folder");
        assert!(saved.is_empty(), "no snapshot stands for effects that are not written: {saved:?}");
    }
    partition.commit().expect("room again");
    machine.check_outputs();
    drop(partition);
    assert_eq!(hash(machine.open().stores()), hash_after(&events));
    machine.check_outputs();
}

#[test]
fn a_disk_that_cannot_sync_acknowledges_nothing() {
    let (machine, events) = (Machine::new(), story());
    let mut partition = machine.open();
    let (first, rest) = events.split_at(40);
    partition.submit(first, |_| {}).expect("a sound disk");
    let durable = partition.commit().expect("a sound disk");
    assert_eq!((durable, partition.durable()), (40, 40));
    machine.input.kept().sync_fails = true;
    partition.submit(rest, |_| {}).expect("appending needs no sync");
    partition.commit().expect_err("the sync fails");
    partition.snapshot(b"").expect_err("a snapshot needs its events on disk");
    assert_eq!((partition.durable(), partition.saved()), (40, 0));
    assert!(machine.input.kept().faults >= 2, "the fault has fired");
    // Without power: what was never acknowledged may go, and what follows from it was not told.
    drop(partition);
    machine.input.lose_power(0);
    machine.output.lose_power(u64::MAX);
    machine.input.kept().sync_fails = false;
    let mut partition = machine.open();
    assert_eq!(partition.position(), 40);
    partition.commit().expect("a sound disk");
    machine.check_outputs();
}

#[test]
fn damage_in_the_log_is_an_error_that_names_the_place() {
    let (machine, events) = (Machine::new(), story());
    let mut partition = machine.open();
    partition.submit(&events, |_| {}).expect("a sound disk");
    partition.commit().expect("a sound disk");
    drop(partition);
    machine.input.kept().damaged = Some(17);
    let mut partition = machine.try_open().expect("nothing has been read").partition;
    let error = partition.replay(|_| {}).expect_err("a damaged record");
    assert!(
        matches!(error, EngineError::Log(LogError::Damaged { at: 17, .. })),
        "the place is told: {error:?}"
    );
    assert_eq!(machine.input.kept().faults, 1, "the fault has fired");
}

#[test]
fn a_record_that_is_no_event_is_an_error_with_its_offset() {
    let (machine, events) = (Machine::new(), story());
    let mut partition = machine.open();
    partition.submit(&events, |_| {}).expect("a sound disk");
    partition.commit().expect("a sound disk");
    drop(partition);
    machine.input.kept().records[23] = b"\x01no event".to_vec();
    let mut partition = machine.try_open().expect("nothing has been read").partition;
    let error = partition.replay(|_| {}).expect_err("a record that is no event");
    assert!(
        matches!(error, EngineError::Record { partition: 0, offset: 23, .. }),
        "the offset is told: {error:?}"
    );
    let last = machine.output.kept().records.len() - 1;
    machine.output.kept().records[last].truncate(3);
    let error = machine.try_open().expect_err("the end of the output log is read at once");
    let told = matches!(error, EngineError::Record { offset, .. } if offset == last as u64);
    assert!(told, "the offset is told: {error:?}");
}
