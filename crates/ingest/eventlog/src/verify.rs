//! Reading every byte of a log and checking it. It never writes and needs no lock, so it can run
//! beside the writer.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use shelf_ports::{LogError, Offset};

use crate::disk::{damaged, failed};
use crate::format::Previous;
use crate::scan::Window;
use crate::segment::{self, Segment};
use crate::tail::{self, Tail};
use crate::{mark, meta};

/// What a log holds and whether all of it is what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// The partitions in order.
    pub partitions: Vec<PartitionReport>,
}

impl VerifyReport {
    /// Whether no partition is damaged.
    pub fn sound(&self) -> bool {
        self.partitions.iter().all(|partition| partition.damage.is_none())
    }
}

/// What one partition holds, up to its first damage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionReport {
    /// Which partition it is.
    pub partition: u32,
    /// How many segments were read.
    pub segments: u64,
    /// How many good records they hold.
    pub records: u64,
    /// How many bytes were found good, headers included.
    pub bytes: u64,
    /// The first offset kept.
    pub start: Offset,
    /// The offset behind the last good record.
    pub end: Offset,
    /// The offset below which everything was acknowledged; nothing if the mark is unreadable.
    pub durable: Option<Offset>,
    /// Bytes behind the last record that a crash, or an append under way, has left unfinished.
    pub tail_bytes: u64,
    /// The first damage. What lies behind it was not read.
    pub damage: Option<Damage>,
}

/// A place where a log is not what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub path: PathBuf,
    /// The byte in it.
    pub at: u64,
    /// What is wrong there.
    pub what: &'static str,
}

/// How far a verification is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifyProgress {
    /// The partition that is being read.
    pub partition: u32,
    /// How many partitions there are.
    pub partitions: u32,
    /// Bytes read in all partitions so far.
    pub bytes: u64,
}

/// Reads all of the log in `dir`, and calls `progress` after each segment.
///
/// # Errors
/// Damage in a partition is part of the report. An error means that the log could not be read: it
/// is not there, its `meta` is unusable, or the disk refuses.
pub fn verify(
    dir: impl AsRef<Path>,
    mut progress: impl FnMut(VerifyProgress),
) -> Result<VerifyReport, LogError> {
    let dir = dir.as_ref();
    let Some(partitions) = meta::read(dir)? else {
        let path = meta::path(dir);
        return Err(failed("open", &path)(io::ErrorKind::NotFound.into()));
    };
    let mut reports = Vec::new();
    let mut bytes = 0;
    for partition in 0..partitions {
        let partition_dir = meta::partition_dir(dir, partition);
        let mut check = Check::new(partition);
        let ended = check.partition(&partition_dir, |segment_bytes| {
            bytes += segment_bytes;
            progress(VerifyProgress { partition, partitions, bytes });
        });
        reports.push(check.report_with(ended)?);
    }
    Ok(VerifyReport { partitions: reports })
}

/// The check of one partition.
struct Check {
    report: PartitionReport,
    /// The segment checked last.
    previous: Option<Previous>,
    window: Window,
}

impl Check {
    fn new(partition: u32) -> Self {
        let report = PartitionReport { partition, ..PartitionReport::default() };
        Self { report, previous: None, window: Window::default() }
    }

    fn report_with(mut self, ended: Result<(), LogError>) -> Result<PartitionReport, LogError> {
        match ended {
            Err(LogError::Damaged { path, at, what }) => {
                self.report.damage = Some(Damage { path, at, what });
            }
            other => other?,
        }
        Ok(self.report)
    }

    fn partition(&mut self, dir: &Path, mut read: impl FnMut(u64)) -> Result<(), LogError> {
        // First the mark, then the files: what was durable then is in them.
        self.report.durable = mark::read(dir)?;
        let mut segments = segment::list(dir)?;
        let Some(newest) = segments.pop() else {
            return Err(damaged(dir, 0, "the partition has no segment"));
        };
        self.report.start = segments.first().unwrap_or(&newest).base;
        self.report.end = self.report.start;
        for segment in segments {
            read(self.segment(segment, Place::Closed)?);
        }
        read(self.segment(newest, Place::Newest)?);
        Ok(())
    }

    /// Checks one segment and returns how many bytes it has.
    fn segment(&mut self, mut segment: Segment, place: Place) -> Result<u64, LogError> {
        let file = match File::open(&segment.path) {
            Ok(file) => file,
            // Given up by the writer since it was listed, and all before it too.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(failed("open", &segment.path)(error)),
        };
        let length = file.metadata().map_err(failed("read", &segment.path))?.len();
        let floor = self.report.durable.unwrap_or(0).max(segment.base);
        match self.header(&file, &segment) {
            Ok(()) => {}
            Err(LogError::Damaged { .. })
                if place == Place::Newest
                    && segment::half_created(&file, &segment, length, floor)? =>
            {
                self.report.tail_bytes = length;
                return Ok(length);
            }
            Err(error) => return Err(error),
        }
        let good = tail::check_records(&file, &mut segment, length, floor, &mut self.window)?;
        self.report.segments += 1;
        self.report.records += good.next - segment.base;
        self.report.bytes += good.at;
        self.report.end = good.next;
        self.previous = Some(Previous { base: segment.base, bytes: length });
        let tail = match (place, good.fault) {
            (Place::Newest, _) => tail::judge(&file, &segment, good, length, floor)?,
            (Place::Closed, Some(what)) => Tail::Damaged(what),
            (Place::Closed, None) => Tail::Whole,
        };
        match tail {
            Tail::Whole => Ok(length),
            Tail::Torn => {
                self.report.tail_bytes = length - good.at;
                Ok(length)
            }
            Tail::Damaged(what) | Tail::Hole(what) => Err(damaged(&segment.path, good.at, what)),
        }
    }

    fn header(&mut self, file: &File, segment: &Segment) -> Result<(), LogError> {
        let header = segment::read_header(file, segment, self.report.partition)?;
        let Some(previous) = self.previous else {
            self.report.start = segment.base;
            return Ok(());
        };
        segment::check_link(&segment.path, header, previous)?;
        if segment.base != self.report.end {
            return Err(damaged(&segment.path, 0, "records are missing before this segment"));
        }
        Ok(())
    }
}

/// Whether a segment can have something behind it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Closed,
    Newest,
}
