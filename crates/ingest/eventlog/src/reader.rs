//! Following a log read-only, from any process, while its writer goes on.
//!
//! A reader sees what is durable and nothing else. It takes no lock, creates no file, and finds its
//! way when segments are added and given up between two of its calls.

use std::io;
use std::path::{Path, PathBuf};

use shelf_ports::{LogError, Offset, PartitionTail, RecordBatch};

use crate::cursor::{Cursor, Stop, Wanted};
use crate::disk::{damaged, failed};
use crate::mark::MarkReader;
use crate::meta;
use crate::segment::{self, Segment};

/// How often one read lists the segments anew before it gives up.
const LISTINGS_MAX: u32 = 8;

/// A read-only follower of all partitions of a log.
#[derive(Debug)]
pub struct LogReader {
    dir: PathBuf,
    partitions: Vec<PartitionReader>,
}

impl LogReader {
    /// Opens the log in the folder `dir`. It must exist.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, LogError> {
        let dir = dir.as_ref();
        let Some(partitions) = meta::read(dir)? else {
            let path = meta::path(dir);
            return Err(failed("open", &path)(io::ErrorKind::NotFound.into()));
        };
        let partitions = (0..partitions)
            .map(|number| PartitionReader::open(meta::partition_dir(dir, number), number));
        Ok(Self { dir: dir.to_path_buf(), partitions: partitions.collect::<Result<_, _>>()? })
    }

    /// How many partitions the log has.
    pub fn partition_count(&self) -> u32 {
        self.partitions.len() as u32
    }

    /// The offset behind the last durable record of a partition.
    pub fn end_offset(&mut self, partition: u32) -> Result<Offset, LogError> {
        self.reader(partition)?.end_offset()
    }

    /// The first offset that a partition still keeps.
    pub fn start_offset(&mut self, partition: u32) -> Result<Offset, LogError> {
        self.reader(partition)?.start_offset()
    }

    /// Reads as [`PartitionReader::read`] does.
    pub fn read(
        &mut self,
        partition: u32,
        from: Offset,
        max_bytes: usize,
        into: &mut RecordBatch,
    ) -> Result<Offset, LogError> {
        self.reader(partition)?.read(from, max_bytes, into)
    }

    /// The readers of all partitions in order, to be used from different threads.
    pub fn into_partitions(self) -> Vec<PartitionReader> {
        self.partitions
    }

    fn reader(&mut self, partition: u32) -> Result<&mut PartitionReader, LogError> {
        let path = meta::partition_dir(&self.dir, partition);
        let missing = failed("open", &path);
        let found = self.partitions.get_mut(partition as usize);
        found.ok_or_else(|| missing(io::ErrorKind::NotFound.into()))
    }
}

/// A read-only follower of one partition.
#[derive(Debug)]
pub struct PartitionReader {
    dir: PathBuf,
    mark: Option<MarkReader>,
    /// The highest durable offset seen.
    durable: Offset,
    segments: Vec<Segment>,
    cursor: Cursor,
}

impl PartitionReader {
    fn open(dir: PathBuf, number: u32) -> Result<Self, LogError> {
        let cursor = Cursor::new(number);
        let mut reader = Self { dir, mark: None, durable: 0, segments: Vec::new(), cursor };
        reader.list()?;
        Ok(reader)
    }

    /// The offset behind the last durable record.
    pub fn end_offset(&mut self) -> Result<Offset, LogError> {
        if self.mark.is_none() {
            self.mark = MarkReader::open(&self.dir)?;
        }
        if let Some(mark) = &self.mark {
            self.durable = mark.read()?.unwrap_or(0).max(self.durable);
        }
        Ok(self.durable)
    }

    /// The first offset that is still kept.
    pub fn start_offset(&mut self) -> Result<Offset, LogError> {
        self.list()?;
        Ok(self.first_base())
    }

    /// Reads durable records from `from` into `into` (cleared first): at least one where there is
    /// one, then on to about `max_bytes`. Returns the offset after the last one read.
    pub fn read(
        &mut self,
        from: Offset,
        max_bytes: usize,
        into: &mut RecordBatch,
    ) -> Result<Offset, LogError> {
        into.clear();
        let end = self.end_offset()?;
        if from > end {
            return Err(self.out_of_range(from));
        }
        // The newest segment known may have been followed by others since.
        let newest = self.segments.last().map_or(0, |segment| segment.base);
        if from >= newest && from < end && !self.cursor.stands_at(from) {
            self.list()?;
        }
        let mut wanted = Wanted { from, until: end, max_bytes };
        let mut listings = 0;
        while wanted.from < end {
            let read = match segment::locate(&self.segments, wanted.from) {
                Some(at) => self.read_segment(at, wanted, into),
                None if listings > 0 => Err(self.out_of_range(wanted.from)),
                None => Ok(None),
            };
            match read? {
                Some(Stop::Satisfied(next)) => return Ok(next),
                Some(Stop::SegmentEnd(next)) if next > wanted.from => wanted.from = next,
                Some(Stop::SegmentEnd(_)) | None if !into.is_empty() => return Ok(wanted.from),
                // The list is older than the files: look again. What is missing after that many
                // looks has not been given up by the writer, it is gone.
                Some(Stop::SegmentEnd(_)) | None if listings < LISTINGS_MAX => {
                    listings += 1;
                    self.list()?;
                }
                Some(Stop::SegmentEnd(_)) | None => return Err(self.missing(wanted.from)),
            }
        }
        Ok(wanted.from)
    }

    /// Reads one segment; nothing if its file is no longer there.
    fn read_segment(
        &mut self,
        at: usize,
        wanted: Wanted,
        into: &mut RecordBatch,
    ) -> Result<Option<Stop>, LogError> {
        let Some(segment) = self.segments.get_mut(at) else { return Ok(None) };
        match self.cursor.read(segment, wanted, into) {
            Ok(stop) => Ok(Some(stop)),
            Err(LogError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Lists the segments anew and keeps what was learnt about those that are still there.
    fn list(&mut self) -> Result<(), LogError> {
        let mut known = std::mem::take(&mut self.segments).into_iter().peekable();
        for listed in segment::list(&self.dir)? {
            while known.next_if(|segment| segment.base < listed.base).is_some() {}
            let kept = known.next_if(|segment| segment.base == listed.base);
            self.segments.push(kept.unwrap_or(listed));
        }
        // A segment is created when all before it is durable.
        let newest = self.segments.last().map_or(0, |segment| segment.base);
        self.durable = self.durable.max(newest);
        Ok(())
    }

    fn first_base(&self) -> Offset {
        self.segments.first().map_or(self.durable, |segment| segment.base)
    }

    fn out_of_range(&self, wanted: Offset) -> LogError {
        LogError::OutOfRange { wanted, start: self.first_base(), end: self.durable }
    }

    fn missing(&self, offset: Offset) -> LogError {
        let segment = segment::locate(&self.segments, offset).and_then(|at| self.segments.get(at));
        let path = segment.map_or(&self.dir, |segment| &segment.path);
        let bytes = std::fs::metadata(path).map_or(0, |file| file.len());
        damaged(path, bytes, "durable records are missing at its end")
    }
}

impl PartitionTail for PartitionReader {
    fn start_offset(&mut self) -> Result<Offset, LogError> {
        PartitionReader::start_offset(self)
    }

    fn end_offset(&mut self) -> Result<Offset, LogError> {
        PartitionReader::end_offset(self)
    }

    fn read(
        &mut self,
        from: Offset,
        max_bytes: usize,
        into: &mut RecordBatch,
    ) -> Result<Offset, LogError> {
        PartitionReader::read(self, from, max_bytes, into)
    }
}
