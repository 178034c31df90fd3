//! A partition as another process sees it: the newest snapshot, then what the log has on disk.
//! Never writes.

use std::path::Path;

use shelf_domain::{Effects, Event, Stores, Timestamp};
use shelf_events::decode_event;
use shelf_ports::{Offset, PartitionTail, RecordBatch};

use crate::{EngineError, SnapshotStore, Stepped};

const READ_BYTES: usize = 1 << 20;

/// The stores of one partition, followed from outside.
#[derive(Debug)]
pub struct Replica<T: PartitionTail> {
    number: u32,
    tail: T,
    stores: Stores,
    position: Offset,
    read: RecordBatch,
    effects: Effects,
}

impl<T: PartitionTail> Replica<T> {
    /// Opens a partition at its newest snapshot.
    pub fn open(number: u32, tail: T, snapshots: &Path) -> Result<Self, EngineError> {
        Self::open_up_to(number, tail, snapshots, Offset::MAX)
    }

    /// Opens a partition at the newest snapshot that stands for no later position than this; at the
    /// beginning of its log where there is none.
    pub fn open_up_to(
        number: u32,
        mut tail: T,
        snapshots: &Path,
        latest: Offset,
    ) -> Result<Self, EngineError> {
        let (position, stores) = Self::beginning(number, &mut tail, snapshots, latest)?;
        Ok(Self::at(number, tail, position, stores))
    }

    /// The same; at its newest snapshot where the log does not reach back so far.
    pub fn open_up_to_or_newest(
        number: u32,
        mut tail: T,
        snapshots: &Path,
        latest: Offset,
    ) -> Result<Self, EngineError> {
        let begun = match Self::beginning(number, &mut tail, snapshots, latest) {
            Err(EngineError::Gap { .. }) => {
                Self::beginning(number, &mut tail, snapshots, Offset::MAX)
            }
            begun => begun,
        };
        let (position, stores) = begun?;
        Ok(Self::at(number, tail, position, stores))
    }

    /// Where a partition begins that is opened up to a position, and its stores there.
    fn beginning(
        number: u32,
        tail: &mut T,
        snapshots: &Path,
        latest: Offset,
    ) -> Result<(Offset, Stores), EngineError> {
        let snapshot = SnapshotStore::new(snapshots, number).newest_up_to(latest)?.snapshot;
        let position = snapshot.as_ref().map_or(0, |snapshot| snapshot.position);
        let log_start = tail.start_offset()?;
        if log_start > position {
            return Err(EngineError::Gap { partition: number, snapshot: position, log_start });
        }
        Ok((position, snapshot.map(|snapshot| snapshot.stores).unwrap_or_default()))
    }

    /// Opens a partition at the beginning of its log, snapshots aside, as a full replay needs it.
    pub fn from_start(number: u32, mut tail: T) -> Result<Self, EngineError> {
        let log_start = tail.start_offset()?;
        if log_start > 0 {
            return Err(EngineError::Gap { partition: number, snapshot: 0, log_start });
        }
        Ok(Self::at(number, tail, 0, Stores::default()))
    }

    /// Goes on from a state that somebody has.
    pub fn at(number: u32, tail: T, position: Offset, stores: Stores) -> Self {
        let (read, effects) = (RecordBatch::new(), Effects::default());
        Self { number, tail, stores, position, read, effects }
    }

    /// Steps what is readable now and has not been stepped; about a megabyte at a time. Returns how
    /// many events it stepped.
    pub fn follow(&mut self, watch: impl FnMut(Stepped<'_>)) -> Result<u64, EngineError> {
        self.follow_while(|_, _| true, watch)
    }

    /// Steps the events before a position.
    pub fn follow_to(
        &mut self,
        position: Offset,
        mut watch: impl FnMut(Stepped<'_>),
    ) -> Result<(), EngineError> {
        while self.follow_while(|offset, _| offset < position, &mut watch)? > 0 {}
        Ok(())
    }

    /// Steps the events that had been received by `until`, and stops before the first that had not.
    pub fn catch_up_until(
        &mut self,
        until: Timestamp,
        mut watch: impl FnMut(Stepped<'_>),
    ) -> Result<(), EngineError> {
        while self.follow_while(|_, event| event.received_at <= until, &mut watch)? > 0 {}
        Ok(())
    }

    /// Steps about a megabyte of what is readable, and stops before the first event that is not
    /// wanted. Returns how many events it stepped.
    fn follow_while(
        &mut self,
        wanted: impl Fn(Offset, &Event) -> bool,
        mut watch: impl FnMut(Stepped<'_>),
    ) -> Result<u64, EngineError> {
        if self.position >= self.tail.end_offset()? {
            return Ok(0);
        }
        let first = self.position;
        self.tail.read(self.position, READ_BYTES, &mut self.read)?;
        for record in self.read.iter() {
            let (partition, offset) = (self.number, self.position);
            let event = decode_event(record).map_err(|source| EngineError::Record {
                partition,
                offset,
                source,
            })?;
            if !wanted(offset, &event) {
                break;
            }
            let outcome = self.stores.step(&event, &mut self.effects);
            self.position += 1;
            let (effects, stores) = (&self.effects, &self.stores);
            watch(Stepped { offset, event: &event, outcome, effects, stores });
        }
        Ok(self.position - first)
    }

    /// Follows until nothing more is readable. Returns how many events it stepped.
    pub fn catch_up(&mut self, mut watch: impl FnMut(Stepped<'_>)) -> Result<u64, EngineError> {
        let mut stepped = 0;
        loop {
            match self.follow(&mut watch)? {
                0 => return Ok(stepped),
                more => stepped += more,
            }
        }
    }

    /// What it reads.
    pub fn tail(&mut self) -> &mut T {
        &mut self.tail
    }

    /// Its stores, for whoever goes on with them.
    pub fn into_stores(self) -> Stores {
        self.stores
    }

    /// Its number.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Its stores.
    pub fn stores(&self) -> &Stores {
        &self.stores
    }

    /// The offset of the next event.
    pub fn position(&self) -> Offset {
        self.position
    }
}
