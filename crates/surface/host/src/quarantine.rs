//! What was not accepted, followed from outside: which events lie in quarantine.
//!
//! Quarantine is a view of the log. An event that was submitted again since is there once more if
//! it was not accepted again, else no more.

use std::collections::BTreeMap;

use shelf_domain::{Body, Effect, Event, EventId, Reason};
use shelf_engine::EngineError;
use shelf_eventlog::LogReader;
use shelf_events::{Defaults, decode_event};
use shelf_ports::{Offset, RecordBatch};
use shelf_sources::{Foreign, Known, LineReader};

use crate::HostError;
use crate::folder::Folder;
use crate::reader::OutputTail;

/// How much of the log is read at once, in bytes.
const READ_BYTES: usize = 1 << 20;

/// A partition and an offset in it.
pub type LogPlace = (u32, Offset);

/// The quarantine of a data folder. It reads the logs once, and then what has been added.
#[derive(Debug)]
pub struct QuarantineBook {
    outputs: OutputTail,
    log: LogReader,
    /// Up to where the events of each partition have been looked at.
    cursors: Vec<Offset>,
    /// Refused, and their events not looked at yet.
    ahead: BTreeMap<LogPlace, Reason>,
    kept: BTreeMap<LogPlace, Reason>,
    /// The entries by the ids that they would have if they were submitted again.
    waiting: BTreeMap<(u32, EventId), LogPlace>,
}

impl QuarantineBook {
    /// That of a folder, at the beginning of its logs.
    pub fn open(folder: &Folder) -> Result<Self, HostError> {
        let mut log = LogReader::open(folder.log())?;
        let mut cursors = Vec::new();
        for partition in 0..log.partition_count() {
            cursors.push(log.start_offset(partition)?);
        }
        let outputs = OutputTail::open(folder)?;
        let (ahead, kept, waiting) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Ok(Self { outputs, log, cursors, ahead, kept, waiting })
    }

    /// Reads what has come onto the disk.
    pub fn catch_up(&mut self) -> Result<(), HostError> {
        let mut ends = Vec::new();
        for partition in 0..self.log.partition_count() {
            ends.push(self.log.end_offset(partition)?);
        }
        let mut refused = Vec::new();
        self.outputs.catch_up(|partition, record| {
            if let Effect::Quarantined(reason) = record.effect {
                refused.push(((partition, record.input_offset), reason));
            }
        })?;
        for (place, reason) in refused {
            let cursor = self.cursors.get(place.0 as usize).copied().unwrap_or(0);
            if place.1 >= cursor {
                self.ahead.insert(place, reason);
            } else if let Ok(event) = event_at(&mut self.log, place) {
                // Its event was durable a moment before what followed from it.
                self.refused(&event, place, reason);
            }
        }
        for (partition, end) in (0..).zip(ends) {
            self.look_at(partition, end)?;
        }
        Ok(())
    }

    fn look_at(&mut self, partition: u32, end: Offset) -> Result<(), HostError> {
        let mut offset = self.cursors.get(partition as usize).copied().unwrap_or(end);
        let mut read = RecordBatch::new();
        while offset < end {
            let waits = self.waiting.range((partition, EventId(0))..).next();
            if waits.is_none_or(|((of, _), _)| *of != partition) {
                // Before the first that was refused nothing is of interest.
                let next = self.ahead.range((partition, offset)..(partition, end)).next();
                offset = next.map_or(end, |((_, at), _)| *at);
                if offset == end {
                    break;
                }
            }
            let next = self.log.read(partition, offset, READ_BYTES, &mut read)?;
            for record in read.iter().take((end - offset) as usize) {
                let place = (partition, offset);
                let event = decoded(record, place)?;
                match self.ahead.remove(&place) {
                    Some(reason) => self.refused(&event, place, reason),
                    // Bytes that are known and still no event have not been taken by that.
                    None if matches!(event.body, Body::Rejected(_)) => {}
                    None => {
                        if let Some(before) = self.waiting.remove(&(partition, event.id)) {
                            self.kept.remove(&before);
                        }
                    }
                }
                offset += 1;
            }
            offset = offset.max(next.min(end));
        }
        if let Some(cursor) = self.cursors.get_mut(partition as usize) {
            *cursor = offset;
        }
        Ok(())
    }

    fn refused(&mut self, event: &Event, place: LogPlace, reason: Reason) {
        if let Some(before) = self.waiting.remove(&(place.0, event.id)) {
            self.kept.remove(&before);
        }
        self.waiting.insert((place.0, id_of_retry(event)), place);
        self.kept.insert(place, reason);
    }

    /// Where the entries lie, and why they were refused, in order of the partitions.
    pub fn entries(&self) -> &BTreeMap<LogPlace, Reason> {
        &self.kept
    }

    /// The offset of the first event of a partition that the log still has.
    pub fn first_kept(&mut self, partition: u32) -> Result<Offset, HostError> {
        Ok(self.log.start_offset(partition)?)
    }

    /// The event of an entry, or any other one of the log.
    /// `None` where the log has let go of it.
    pub fn event(&mut self, place: LogPlace) -> Result<Option<Event>, HostError> {
        if place.1 < self.log.start_offset(place.0)? {
            return Ok(None);
        }
        event_at(&mut self.log, place).map(Some)
    }
}

/// The id that an entry has when it is submitted again.
fn id_of_retry(event: &Event) -> EventId {
    let Body::Rejected(rejected) = &event.body else { return event.id };
    let defaults = Defaults { store: None, received_at: event.received_at };
    // The id of a line does not depend on what is known.
    let mut reader = LineReader::new(Foreign::default(), Known::default());
    let lines = reader.read(&rejected.raw, &defaults).ok();
    lines.and_then(|lines| lines.events.last().map(|last| last.id)).unwrap_or(event.id)
}

fn decoded(record: &[u8], (partition, offset): LogPlace) -> Result<Event, HostError> {
    let unread = |source| EngineError::Record { partition, offset, source };
    Ok(decode_event(record).map_err(unread)?)
}

/// The event at a place of a log that has one there.
pub fn event_at(log: &mut LogReader, place: LogPlace) -> Result<Event, HostError> {
    let (partition, offset) = place;
    let mut read = RecordBatch::new();
    log.read(partition, offset, 1, &mut read)?;
    decoded(read.get(0).unwrap_or(&[]), place)
}

/// The events of a partition from `from` up to `end`, in order; `watch` gets the offset too.
pub fn events_between(
    log: &mut LogReader,
    partition: u32,
    from: Offset,
    end: Offset,
    mut watch: impl FnMut(Offset, Event),
) -> Result<(), HostError> {
    let mut offset = from.max(log.start_offset(partition)?);
    let mut read = RecordBatch::new();
    while offset < end {
        let next = log.read(partition, offset, READ_BYTES, &mut read)?;
        for record in read.iter().take((end - offset) as usize) {
            watch(offset, decoded(record, (partition, offset))?);
            offset += 1;
        }
        offset = offset.max(next.min(end));
    }
    Ok(())
}
