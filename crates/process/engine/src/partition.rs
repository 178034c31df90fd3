//! One partition: its stores, its logs, its snapshots.

use std::path::{Path, PathBuf};

use shelf_domain::{Counts, Effect, Effects, Event, Outcome, Stores, Timestamp};
use shelf_events::{OutputRecord, decode_effect, decode_event, encode_effect, encode_event};
use shelf_ports::{Offset, PartitionLog, RecordBatch};

use crate::{EngineError, Newest, Snapshot, SnapshotStore};

/// How much of a log is read at a time, in bytes.
const READ_BYTES: usize = 1 << 20;

/// How a partition runs.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Save the state after so many events.
    pub snapshot_events: u64,
    /// Keep at least so many of the newest events of the log, and as many of the newest effects.
    pub retention_events: u64,
    /// Which of the processes that have written for the partition this one is, where that can
    /// change: what an earlier one left of a snapshot goes, what a later one writes stays.
    pub epoch: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { snapshot_events: 200_000, retention_events: 1_000_000_000, epoch: 0 }
    }
}

/// An event that has been stepped, and what followed.
#[derive(Clone, Copy, Debug)]
pub struct Stepped<'a> {
    /// Its offset in the input log.
    pub offset: Offset,
    /// The event.
    pub event: &'a Event,
    /// What it came to.
    pub outcome: Outcome,
    /// What followed.
    pub effects: &'a Effects,
    /// The stores after it.
    pub stores: &'a Stores,
}

/// What opening a partition came to.
#[derive(Debug)]
pub struct Opened<L: PartitionLog> {
    /// The partition, at the position of its newest snapshot. [`Partition::replay`] brings it to
    /// the end of the log.
    pub partition: Partition<L>,
    /// What lives in lock-step with the stores, as it was saved with the snapshot; `None` where
    /// there is no snapshot.
    pub companion: Option<Vec<u8>>,
    /// Snapshots that are damaged and were passed over for an older one, or for the whole log.
    pub damaged: Vec<PathBuf>,
}

/// The stores of one log partition, and what they are made from.
#[derive(Debug)]
pub struct Partition<L: PartitionLog> {
    number: u32,
    input: L,
    output: L,
    snapshots: SnapshotStore,
    options: Options,
    stores: Stores,
    /// The offset of the next event to step.
    position: Offset,
    /// The event and effect of the last record of the output log: what replay must not write again.
    written: Option<(Offset, u32)>,
    saved: Offset,
    records: RecordBatch,
    /// Effects that are not in the output log yet: those of events below `held_below`.
    held: RecordBatch,
    held_below: Offset,
    /// Effects of events that came after those.
    fresh: RecordBatch,
    effects: Effects,
    /// Whether the invariants of what a step had to do with are checked after it.
    audited: bool,
}

impl<L: PartitionLog> Partition<L> {
    /// Opens a partition at its newest snapshot.
    pub fn open(
        number: u32,
        input: L,
        output: L,
        snapshots: &Path,
        options: Options,
    ) -> Result<Opened<L>, EngineError> {
        let snapshots = SnapshotStore::of_epoch(snapshots, number, options.epoch);
        let newest = snapshots.newest()?;
        Self::begin(number, input, output, snapshots, options, newest)
    }

    /// Opens a partition at a state that somebody has followed it to; at its newest snapshot where
    /// that is further.
    pub fn open_at(
        number: u32,
        input: L,
        output: L,
        snapshots: &Path,
        options: Options,
        state: Snapshot,
    ) -> Result<Opened<L>, EngineError> {
        let store = SnapshotStore::of_epoch(snapshots, number, options.epoch);
        let saved = store.positions()?.first().copied().unwrap_or_default();
        if saved > state.position {
            return Self::open(number, input, output, snapshots, options);
        }
        let followed = Newest { snapshot: Some(state), damaged: Vec::new() };
        let mut opened = Self::begin(number, input, output, store, options, followed)?;
        opened.partition.saved = saved;
        Ok(opened)
    }

    fn begin(
        number: u32,
        input: L,
        mut output: L,
        snapshots: SnapshotStore,
        options: Options,
        newest: Newest,
    ) -> Result<Opened<L>, EngineError> {
        let Newest { snapshot, damaged } = newest;
        let position = snapshot.as_ref().map_or(0, |snapshot| snapshot.position);
        if input.start_offset() > position {
            let log_start = input.start_offset();
            return Err(EngineError::Gap { partition: number, snapshot: position, log_start });
        }
        if input.end_offset() < position {
            let log_end = input.end_offset();
            return Err(EngineError::Ahead { partition: number, snapshot: position, log_end });
        }
        let written = last_output(number, &mut output)?;
        if let Some((offset, _)) = written
            && offset >= input.end_offset()
        {
            let log_end = input.end_offset();
            return Err(EngineError::Ahead { partition: number, snapshot: offset + 1, log_end });
        }
        let (stores, companion) = match snapshot {
            Some(snapshot) => (snapshot.stores, Some(snapshot.companion)),
            None => (Stores::default(), None),
        };
        let partition = Self {
            number,
            input,
            output,
            snapshots,
            options,
            stores,
            position,
            written,
            saved: position,
            records: RecordBatch::new(),
            held: RecordBatch::new(),
            held_below: 0,
            fresh: RecordBatch::new(),
            effects: Effects::default(),
            audited: false,
        };
        Ok(Opened { partition, companion, damaged })
    }

    /// Steps what the log holds beyond the snapshot. Call it once, before anything is submitted.
    pub fn replay(&mut self, watch: impl FnMut(Stepped<'_>)) -> Result<u64, EngineError> {
        let stepped = self.follow(watch)?;
        self.commit()?;
        Ok(stepped)
    }

    /// The same for as long as `goes_on` says so, which is asked before each part of about a
    /// megabyte. Returns how many events were stepped; `None` where it has ended before the end of
    /// the log: such a partition is good for nothing but to be dropped. What follows is not durable
    /// before the next [`Partition::commit`].
    pub fn replay_while(
        &mut self,
        goes_on: impl Fn() -> bool,
        mut watch: impl FnMut(Stepped<'_>),
    ) -> Result<Option<u64>, EngineError> {
        let first = self.position;
        let mut read = RecordBatch::new();
        while self.position < self.input.end_offset() {
            if !goes_on() {
                return Ok(None);
            }
            self.follow_part(&mut read, &mut watch)?;
        }
        Ok(Some(self.position - first))
    }

    /// Steps what the log holds beyond the position, where somebody else appends to it. What
    /// follows is in the output log; it is durable after the next [`Partition::commit`].
    pub fn follow(&mut self, watch: impl FnMut(Stepped<'_>)) -> Result<u64, EngineError> {
        // It is never told to end early.
        Ok(self.replay_while(|| true, watch)?.unwrap_or_default())
    }

    /// Steps about a megabyte of what the log holds beyond the position.
    fn follow_part(
        &mut self,
        read: &mut RecordBatch,
        watch: &mut impl FnMut(Stepped<'_>),
    ) -> Result<(), EngineError> {
        self.input.read(self.position, READ_BYTES, read)?;
        for record in read.iter() {
            let offset = self.position;
            let partition = self.number;
            let event = decode_event(record).map_err(|source| EngineError::Record {
                partition,
                offset,
                source,
            })?;
            self.step(&event, watch);
        }
        self.request_commit()
    }

    /// Appends events to the log and steps them. What follows is in the output log; it is durable,
    /// like the events, after the next [`Partition::commit`].
    pub fn submit(
        &mut self,
        events: &[Event],
        mut watch: impl FnMut(Stepped<'_>),
    ) -> Result<(), EngineError> {
        if events.is_empty() {
            return Ok(());
        }
        self.records.clear();
        for event in events {
            self.records.push_with(|bytes| encode_event(event, bytes));
        }
        self.input.append(&self.records)?;
        for event in events {
            self.step(event, &mut watch);
        }
        Ok(())
    }

    fn step(&mut self, event: &Event, watch: &mut impl FnMut(Stepped<'_>)) {
        let offset = self.position;
        let outcome = self.stores.step(event, &mut self.effects);
        self.position += 1;
        if self.audited {
            self.stores.audit_step(event.store, &self.effects);
        }
        if self.effects.items.iter().any(Effect::kept) {
            self.note_effects(offset, event);
        }
        watch(Stepped { offset, event, outcome, effects: &self.effects, stores: &self.stores });
    }

    fn note_effects(&mut self, offset: Offset, event: &Event) {
        let at = self.stores.get(event.store).map_or(event.at, shelf_domain::Store::now);
        for (index, effect) in self.effects.items.iter().enumerate() {
            let index = index as u32;
            if !effect.kept() || self.written.is_some_and(|written| written >= (offset, index)) {
                continue;
            }
            let record =
                OutputRecord { store: event.store, input_offset: offset, index, at, effect };
            self.fresh.push_with(|bytes| encode_effect(&record, bytes));
        }
    }

    /// Writes the effects whose events are durable. An effect is never on disk before its event: a
    /// loss of power could otherwise leave an effect of an event that never was.
    fn release(&mut self) -> Result<(), EngineError> {
        let durable = self.input.durable_offset();
        if self.held.is_empty() {
            std::mem::swap(&mut self.held, &mut self.fresh);
            self.held_below = self.position;
        }
        if !self.held.is_empty() && self.held_below <= durable {
            self.output.append(&self.held)?;
            self.held.clear();
        }
        Ok(())
    }

    /// Asks for all that was submitted to become durable, and returns without waiting. Effects
    /// follow once their events are.
    pub fn request_commit(&mut self) -> Result<(), EngineError> {
        self.release()?;
        self.input.request_sync()?;
        self.output.request_sync()?;
        Ok(())
    }

    /// Waits until all that was submitted is durable: events first, then what followed from them.
    pub fn commit(&mut self) -> Result<Offset, EngineError> {
        let durable = self.input.sync()?;
        while !(self.held.is_empty() && self.fresh.is_empty()) {
            self.release()?;
        }
        self.output.sync()?;
        Ok(durable)
    }

    /// Whether so many events have been stepped since the last snapshot that another is due.
    pub fn snapshot_due(&self) -> bool {
        self.position - self.saved >= self.options.snapshot_events
    }

    /// Saves the state, with the bytes of what lives in lock-step with it, and lets go of the log
    /// that no snapshot and no retention needs. Returns the size of the snapshot in bytes.
    pub fn snapshot(&mut self, companion: &[u8]) -> Result<u64, EngineError> {
        self.commit()?;
        self.stores.audit();
        let bytes = self.snapshots.save(self.position, &self.stores, companion)?;
        self.saved = self.position;
        let oldest = self.snapshots.oldest()?.unwrap_or(0);
        let kept = self.position.saturating_sub(self.options.retention_events);
        self.input.trim(oldest.min(kept))?;
        let effects = self.output.end_offset();
        self.output.trim(effects.saturating_sub(self.options.retention_events))?;
        Ok(bytes)
    }

    /// Has the invariants of what a step had to do with checked after every step from now on. What
    /// is broken is counted.
    pub fn audit_steps(&mut self) {
        self.audited = true;
    }

    /// Checks every invariant of every store, and counts what is broken.
    pub fn audit(&mut self) -> u64 {
        self.stores.audit()
    }

    /// Its number.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Its stores.
    pub fn stores(&self) -> &Stores {
        &self.stores
    }

    /// What it has counted.
    pub fn counts(&self) -> &Counts {
        self.stores.counts()
    }

    /// The offset of the next event.
    pub fn position(&self) -> Offset {
        self.position
    }

    /// The position of the newest snapshot.
    pub fn saved(&self) -> Offset {
        self.saved
    }

    /// Everything below this offset is on disk.
    pub fn durable(&self) -> Offset {
        self.input.durable_offset()
    }

    /// Its input log.
    pub fn input(&mut self) -> &mut L {
        &mut self.input
    }

    /// Its output log.
    pub fn output(&mut self) -> &mut L {
        &mut self.output
    }

    /// The latest time that one of its stores has seen.
    pub fn now(&self) -> Option<Timestamp> {
        self.stores.iter().map(shelf_domain::Store::now).max()
    }
}

/// The event and effect of the last record of an output log.
fn last_output<L: PartitionLog>(
    partition: u32,
    output: &mut L,
) -> Result<Option<(Offset, u32)>, EngineError> {
    let end = output.end_offset();
    if end == output.start_offset() {
        return Ok(None);
    }
    let mut read = RecordBatch::new();
    output.read(end - 1, 1, &mut read)?;
    let Some(record) = read.get(0) else { return Ok(None) };
    let record = decode_effect(record).map_err(|source| EngineError::Record {
        partition,
        offset: end - 1,
        source,
    })?;
    Ok(Some((record.input_offset, record.index)))
}
