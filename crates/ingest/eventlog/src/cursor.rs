//! Reading records out of one segment after the other, without walking over any of them twice when
//! the reads follow each other.

use std::fs::File;

use shelf_ports::{LogError, Offset, RecordBatch};

use crate::disk::{damaged, failed};
use crate::format::{HEADER_BYTES, RECORD_BYTES};
use crate::scan::{SCAN_BYTES, Scan, Step, Window};
use crate::segment::{self, INDEX_EVERY_BYTES, Segment};

/// The least that is read from a file at once.
const CHUNK_BYTES_MIN: usize = 8 << 10;

/// The place behind the last read.
#[derive(Debug)]
pub(crate) struct Cursor {
    partition: u32,
    open: Option<Open>,
    window: Window,
}

#[derive(Debug)]
struct Open {
    base: Offset,
    file: File,
    at: u64,
    next: Offset,
}

/// What a read is to bring.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// The first record.
    pub(crate) from: Offset,
    /// Stop before this record. Everything below it is in the segments.
    pub(crate) until: Offset,
    /// Stop when the batch holds about so much.
    pub(crate) max_bytes: usize,
}

/// Where a read of one segment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// All that was wanted is there, or the batch is full. The next record is this one.
    Satisfied(Offset),
    /// The segment ends, and the next record is this one.
    SegmentEnd(Offset),
}

impl Cursor {
    pub(crate) fn new(partition: u32) -> Self {
        Self { partition, open: None, window: Window::default() }
    }

    /// Whether a read from `offset` goes on where the last one ended.
    pub(crate) fn stands_at(&self, offset: Offset) -> bool {
        self.open.as_ref().is_some_and(|open| open.next == offset)
    }

    /// Lets go of a file that holds only offsets below `start`, so that its space is given back.
    pub(crate) fn release_below(&mut self, start: Offset) {
        self.open = self.open.take().filter(|open| open.base >= start);
    }

    /// Adds records of `segment` to `into`. The first record is added whatever its size.
    pub(crate) fn read(
        &mut self,
        segment: &mut Segment,
        wanted: Wanted,
        into: &mut RecordBatch,
    ) -> Result<Stop, LogError> {
        let Wanted { from, until, max_bytes } = wanted;
        self.window.clear();
        let mut open = match self.open.take() {
            Some(open) if open.base == segment.base => open,
            _ => open_segment(segment, self.partition)?,
        };
        if open.next != from {
            (open.at, open.next) = segment.nearest(from);
        }
        let limit = open.file.metadata().map_err(failed("read", &segment.path))?.len();
        let chunk_bytes = max_bytes.saturating_add(max_bytes / 4);
        let mut scan = Scan {
            file: &open.file,
            window: &mut self.window,
            limit,
            chunk_bytes: chunk_bytes.clamp(CHUNK_BYTES_MIN, SCAN_BYTES),
            at: open.at,
            next: open.next,
        };
        let mut noted_at = scan.at;
        let stop = loop {
            let (at, next) = (scan.at, scan.next);
            (open.at, open.next) = (at, next);
            if next >= until {
                break Stop::Satisfied(next);
            }
            if at - noted_at >= INDEX_EVERY_BYTES {
                segment.index.note(at, next);
                noted_at = at;
            }
            match scan.step().map_err(failed("read", &segment.path))? {
                Step::Record(_) if next < from => {}
                Step::Record(payload) if fits(into, payload, max_bytes) => into.push(payload),
                Step::Record(_) => break Stop::Satisfied(next),
                Step::End => break Stop::SegmentEnd(next),
                Step::Bad(what) => return Err(damaged(&segment.path, at, what)),
            }
        };
        self.open = Some(open);
        Ok(stop)
    }
}

/// Counts what a record costs in the log too, so that a batch of empty records is bounded as well.
fn fits(batch: &RecordBatch, payload: &[u8], max_bytes: usize) -> bool {
    let used_bytes = batch.byte_len() + batch.len() * RECORD_BYTES;
    batch.is_empty() || used_bytes + payload.len() + RECORD_BYTES <= max_bytes
}

fn open_segment(segment: &Segment, partition: u32) -> Result<Open, LogError> {
    let file = File::open(&segment.path).map_err(failed("open", &segment.path))?;
    segment::read_header(&file, segment, partition)?;
    Ok(Open { base: segment.base, file, at: HEADER_BYTES as u64, next: segment.base })
}
