//! One partition as its one writer holds it.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use shelf_ports::{LogError, Offset, PartitionLog, RecordBatch};

use crate::LogOptions;
use crate::cursor::{Cursor, Stop, Wanted};
use crate::disk::{Disk, DiskFile, damaged, failed};
use crate::eventlog::Shared;
use crate::format::{self, Previous, RECORD_BYTES};
use crate::recovery::Opened;
use crate::segment::{self, INDEX_EVERY_BYTES, Segment};
use crate::sync::Progress;

/// The write buffer is given back to the system when one batch has made it larger than this.
const BUFFER_KEPT_BYTES: usize = 8 << 20;

/// One partition of an [`EventLog`](crate::EventLog). It can move to a thread of its own; the lock
/// on the folder is held until the last partition is dropped.
///
/// Beyond what [`PartitionLog`] promises:
/// - when a sync fails, the partition refuses appends and syncs from then on and goes on reading;
///   the log has to be opened again;
/// - when an append fails, the file is cut back to the last whole batch. If even that fails, the
///   next append does it first; a crash before then can leave whole records of the failed batch;
/// - an append that begins a new segment waits until the one before it is on disk.
#[derive(Debug)]
pub struct Partition {
    number: u32,
    dir: PathBuf,
    options: LogOptions,
    disk: Disk,
    closed: Vec<Segment>,
    active: Segment,
    file: Arc<DiskFile>,
    bytes: u64,
    end: Offset,
    state: FileState,
    buffer: Vec<u8>,
    cursor: Cursor,
    progress: Arc<Progress>,
    shared: Arc<Shared>,
}

/// What an error has left in the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FileState {
    /// The active segment ends with its last record.
    Whole,
    /// The active segment has bytes behind its last record that could not be cut off.
    Ragged,
    /// The next segment was begun and not finished. Its name fixes where the active one ends.
    RollBegun,
}

impl Partition {
    pub(crate) fn new(
        number: u32,
        dir: PathBuf,
        options: LogOptions,
        disk: Disk,
        opened: Opened,
        shared: Arc<Shared>,
    ) -> Self {
        let progress = Arc::new(Progress::new(opened.mark, opened.end));
        Self {
            number,
            dir,
            options,
            disk,
            closed: opened.closed,
            active: opened.active,
            file: opened.file,
            bytes: opened.bytes,
            end: opened.end,
            state: FileState::Whole,
            buffer: Vec::new(),
            cursor: Cursor::new(number),
            progress,
            shared,
        }
    }

    /// Which partition of its log it is, from 0.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// How many segment files it has.
    pub fn segment_count(&self) -> usize {
        self.closed.len() + 1
    }

    fn holds_records(&self) -> bool {
        self.end > self.active.base
    }

    fn check_sizes(&self, batch: &RecordBatch) -> Result<(), LogError> {
        let limit = self.options.max_record_bytes;
        if batch.byte_len() <= limit {
            return Ok(());
        }
        let bytes = batch.iter().map(<[u8]>::len).find(|&bytes| bytes > limit);
        bytes.map_or(Ok(()), |bytes| Err(LogError::TooLarge { bytes, limit }))
    }

    /// Brings the files into a state in which a batch of `batch_bytes` can be written.
    fn make_room(&mut self, batch_bytes: u64) -> Result<(), LogError> {
        if self.state == FileState::Ragged {
            self.file.truncate(self.bytes)?;
            self.state = FileState::Whole;
        }
        let full = self.bytes + batch_bytes > self.options.segment_bytes;
        if self.state == FileState::RollBegun || (full && self.holds_records()) {
            self.roll()?;
        }
        Ok(())
    }

    /// Closes the active segment and begins the next one.
    fn roll(&mut self) -> Result<(), LogError> {
        self.sync()?;
        let next = Segment::new(&self.dir, self.end);
        let previous = Previous { base: self.active.base, bytes: self.bytes };
        self.state = FileState::RollBegun;
        let file = segment::create(&self.disk, &next, self.number, Some(previous))?;
        self.disk.sync_dir(&self.dir)?;
        self.state = FileState::Whole;
        self.closed.push(std::mem::replace(&mut self.active, next));
        self.file = Arc::new(file);
        self.bytes = format::HEADER_BYTES as u64;
        Ok(())
    }

    /// Puts the bytes of the batch into the buffer, and its places into the index.
    fn assemble(&mut self, batch: &RecordBatch) {
        self.buffer.clear();
        let (mut noted_at, _) = self.active.nearest(self.end);
        for (record, offset) in batch.iter().zip(self.end..) {
            let at = self.bytes + self.buffer.len() as u64;
            if at - noted_at >= INDEX_EVERY_BYTES {
                self.active.index.note(at, offset);
                noted_at = at;
            }
            format::encode_record(offset, record, &mut self.buffer);
        }
    }

    /// Takes back what a failed write has left.
    fn take_back(&mut self) {
        self.active.index.cut(self.bytes);
        if self.file.truncate(self.bytes).is_err() {
            self.state = FileState::Ragged;
        }
    }

    fn shrink_buffer(&mut self) {
        if self.buffer.capacity() > BUFFER_KEPT_BYTES {
            self.buffer = Vec::new();
        }
    }

    fn out_of_range(&self, wanted: Offset) -> LogError {
        LogError::OutOfRange { wanted, start: self.start_offset(), end: self.end }
    }
}

impl PartitionLog for Partition {
    fn start_offset(&self) -> Offset {
        self.closed.first().unwrap_or(&self.active).base
    }

    fn end_offset(&self) -> Offset {
        self.end
    }

    fn durable_offset(&self) -> Offset {
        self.progress.durable()
    }

    fn append(&mut self, batch: &RecordBatch) -> Result<Offset, LogError> {
        self.progress.check()?;
        self.check_sizes(batch)?;
        let first = self.end;
        if batch.is_empty() {
            return Ok(first);
        }
        self.make_room((batch.byte_len() + batch.len() * RECORD_BYTES) as u64)?;
        self.assemble(batch);
        let written = self.file.write_all_at(&self.buffer, self.bytes);
        if written.is_ok() {
            self.bytes += self.buffer.len() as u64;
            self.end += batch.len() as u64;
        } else {
            self.take_back();
        }
        self.shrink_buffer();
        written.map(|()| first)
    }

    fn request_sync(&mut self) -> Result<(), LogError> {
        self.shared.sync.request(&self.progress, &self.file, self.end)
    }

    fn sync(&mut self) -> Result<Offset, LogError> {
        self.request_sync()?;
        self.progress.wait(self.end)
    }

    fn read(
        &mut self,
        from: Offset,
        max_bytes: usize,
        into: &mut RecordBatch,
    ) -> Result<Offset, LogError> {
        into.clear();
        if from > self.end || from < self.start_offset() {
            return Err(self.out_of_range(from));
        }
        let mut wanted = Wanted { from, until: self.end, max_bytes };
        while wanted.from < self.end {
            let found = segment::locate(&self.closed, wanted.from);
            let closed = if wanted.from < self.active.base { found } else { None };
            let segment = closed.and_then(|at| self.closed.get_mut(at));
            let segment = segment.unwrap_or(&mut self.active);
            match self.cursor.read(segment, wanted, into)? {
                Stop::Satisfied(next) => return Ok(next),
                Stop::SegmentEnd(next) if next > wanted.from => wanted.from = next,
                Stop::SegmentEnd(_) => {
                    let bytes = fs::metadata(&segment.path).map_or(0, |file| file.len());
                    return Err(damaged(&segment.path, bytes, "records are missing at its end"));
                }
            }
        }
        Ok(wanted.from)
    }

    fn trim(&mut self, below: Offset) -> Result<Offset, LogError> {
        // A segment lies below when the next one starts at or below. The oldest go first, so that
        // a crash in between leaves no gap.
        let mut given_up = false;
        while let Some(oldest) = self.closed.first() {
            let next_base = self.closed.get(1).unwrap_or(&self.active).base;
            if next_base > below {
                break;
            }
            match fs::remove_file(&oldest.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(failed("delete", &oldest.path)(error));
                }
                Ok(()) | Err(_) => {}
            }
            self.closed.remove(0);
            given_up = true;
        }
        if given_up {
            self.cursor.release_below(self.start_offset());
            self.disk.sync_dir(&self.dir)?;
        }
        Ok(self.start_offset())
    }
}
