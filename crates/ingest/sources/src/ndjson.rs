//! Files of one JSON event a line, read on the caller's thread.

use std::path::PathBuf;

use shelf_domain::{Body, Event};
use shelf_events::{Defaults, ErrorCode, JsonError, parse_event, rejected_event};

use crate::blocks::{Block, Cursor, LineBlocks};
use crate::error::SourceError;
use crate::input::{ByteCount, Progress};
use crate::source::{LineCounts, Source, origin};
use crate::zone::local_clock;

/// NDJSON files (also `.gz`, and `-` for standard input), one after the other.
///
/// Lines are UTF-8, at most [`MAX_LINE_BYTES`](shelf_events::MAX_LINE_BYTES) long; blank ones do
/// not count. Memory does not depend on the length of files or lines.
pub struct NdjsonSource {
    blocks: LineBlocks,
    block: Block,
    cursor: Cursor,
    defaults: Defaults,
    count: ByteCount,
    counts: LineCounts,
}

impl NdjsonSource {
    /// A source over `paths`, in their order. A missing file is an error here, not later.
    pub fn open(paths: Vec<PathBuf>, defaults: Defaults) -> Result<Self, SourceError> {
        let count = ByteCount::of(&paths)?;
        Ok(Self {
            blocks: LineBlocks::new(paths, count.clone()),
            block: Block::new(),
            cursor: Cursor::default(),
            defaults,
            count,
            counts: LineCounts::default(),
        })
    }
}

impl Source for NdjsonSource {
    fn next_batch(
        &mut self,
        max_events: usize,
        batch: &mut Vec<Event>,
    ) -> Result<bool, SourceError> {
        let full = batch.len().saturating_add(max_events);
        loop {
            let room = full.saturating_sub(batch.len());
            let done = parse_lines(&mut self.block, &mut self.cursor, &self.defaults, room, batch);
            self.counts += done;
            if batch.len() >= full {
                return Ok(true);
            }
            if !self.blocks.next(&mut self.block)? {
                return Ok(false);
            }
            self.cursor = Cursor::default();
        }
    }

    fn progress(&self) -> Progress {
        self.count.progress()
    }

    fn counts(&self) -> LineCounts {
        self.counts
    }
}

/// The event of a line of JSON. A store that names its time zone and no offsets gets those of the
/// zone, as this program's copy of the tz database has them: the core knows offsets alone.
pub fn read_event(line: &[u8], defaults: &Defaults) -> Result<Event, JsonError> {
    let mut event = parse_event(line, defaults)?;
    if let Body::Store(settings) = &mut event.body
        && settings.clock.offsets.is_empty()
        && !settings.time_zone.is_empty()
    {
        settings.clock = local_clock(settings.time_zone.as_str()).map_err(|_| JsonError {
            code: ErrorCode::UnknownTimeZone,
            field: "time_zone",
            detail: settings.time_zone.as_str().to_owned(),
        })?;
    }
    Ok(event)
}

/// Adds the events of up to `max` lines of a block to `batch`.
pub(crate) fn parse_lines(
    block: &mut Block,
    cursor: &mut Cursor,
    defaults: &Defaults,
    max: usize,
    batch: &mut Vec<Event>,
) -> LineCounts {
    let mut counts = LineCounts::default();
    for _ in 0..max {
        let Some((number, line)) = block.next_line(cursor) else {
            if let Some(event) = block.take_defect(defaults) {
                counts.rejected_lines += 1;
                batch.push(event);
            }
            break;
        };
        let mut event = match read_event(line, defaults) {
            Ok(event) => {
                counts.other_lines += 1;
                event
            }
            Err(error) => {
                counts.rejected_lines += 1;
                let raw = line.strip_suffix(b"\r").unwrap_or(line);
                rejected_event(&error, raw, &block.source, number, defaults)
            }
        };
        event.origin = origin(block.file, number);
        batch.push(event);
    }
    counts.lines = counts.other_lines + counts.rejected_lines;
    counts
}
