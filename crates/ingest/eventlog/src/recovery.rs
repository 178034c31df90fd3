//! Bringing the folder of one partition back to a whole log before it is written again.
//!
//! Closed segments are trusted: they were durable before the next one was created. Their chain of
//! names and sizes is checked, their records are left to [`crate::verify`]. The newest segment is
//! checked record by record. Nothing here cuts what the durable offset covers.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use shelf_ports::{LogError, Offset};

use crate::disk::{Disk, DiskFile, damaged, failed};
use crate::format::{self, HEADER_BYTES, Previous, SegmentHeader};
use crate::mark::{self, Mark};
use crate::scan::{SCAN_BYTES, Window};
use crate::segment::{self, Segment};
use crate::tail::{self, GoodPart, Tail};
use crate::{SyncMode, TailDamage};

/// The end of a partition that a crash had left unfinished, and that opening has cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The partition.
    pub partition: u32,
    /// The offset that the next record will get: the first one that is gone.
    pub offset: Offset,
    /// How many bytes were cut off.
    pub bytes_cut: u64,
}

/// A partition ready to be written: everything in it is durable.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) closed: Vec<Segment>,
    pub(crate) active: Segment,
    pub(crate) file: Arc<DiskFile>,
    pub(crate) bytes: u64,
    pub(crate) end: Offset,
    pub(crate) mark: Mark,
    pub(crate) recovered: Option<Recovered>,
}

/// Opens the partition whose folder is `dir`.
pub(crate) fn open(
    disk: &Disk,
    dir: &Path,
    partition: u32,
    tail_damage: TailDamage,
) -> Result<Opened, LogError> {
    let marked = mark::read(dir)?;
    let mut closed = segment::list(dir)?;
    let Some(mut active) = closed.pop() else {
        return Err(damaged(dir, 0, "the partition has no segment"));
    };
    let previous = check_chain(&closed, partition)?;
    let file = disk.open(&active.path)?;
    let length = length_of(&file)?;
    // A segment is created when all before it is durable, so its base is a floor too.
    let floor = marked.unwrap_or(0).max(active.base);
    let mut opened_bytes = length;
    if mend_header(&file, &active, partition, previous, floor)? {
        opened_bytes = HEADER_BYTES as u64;
    }
    let mut window = Window::default();
    let good = tail::check_records(file.file(), &mut active, opened_bytes, floor, &mut window)?;
    cut_tail(&file, &active, good, opened_bytes, floor, tail_damage)?;
    make_durable(disk, &file, good, &mut window)?;
    disk.sync_dir(dir)?;
    let mark = Mark::open(disk, dir)?;
    mark.write(good.next)?;
    let bytes_cut = length.saturating_sub(good.at);
    let recovered =
        (bytes_cut > 0).then_some(Recovered { partition, offset: good.next, bytes_cut });
    let file = Arc::new(file);
    Ok(Opened { closed, active, file, bytes: good.at, end: good.next, mark, recovered })
}

/// Checks the headers of the closed segments and that each follows the one before it. Returns the
/// last of them.
fn check_chain(closed: &[Segment], partition: u32) -> Result<Option<Previous>, LogError> {
    let mut previous: Option<Previous> = None;
    for segment in closed {
        let file = File::open(&segment.path).map_err(failed("open", &segment.path))?;
        let header = segment::read_header(&file, segment, partition)?;
        if let Some(previous) = previous {
            segment::check_link(&segment.path, header, previous)?;
        }
        let bytes = file.metadata().map_err(failed("read", &segment.path))?.len();
        previous = Some(Previous { base: segment.base, bytes });
    }
    Ok(previous)
}

/// Checks the header of the newest segment. A crash while the segment was created can leave it
/// empty or half written; then it is written anew and the segment holds nothing. Returns whether
/// that was done.
fn mend_header(
    file: &DiskFile,
    active: &Segment,
    partition: u32,
    previous: Option<Previous>,
    floor: Offset,
) -> Result<bool, LogError> {
    let error = match segment::read_header(file.file(), active, partition) {
        Ok(header) => {
            previous.map_or(Ok(()), |last| segment::check_link(file.path(), header, last))?;
            return Ok(false);
        }
        Err(error @ LogError::Damaged { .. }) => error,
        Err(error) => return Err(error),
    };
    if !segment::half_created(file.file(), active, length_of(file)?, floor)? {
        return Err(error);
    }
    file.truncate(0)?;
    let header = SegmentHeader { partition, base: active.base, previous };
    file.write_all_at(&format::encode_header(header), 0)?;
    Ok(true)
}

fn cut_tail(
    file: &DiskFile,
    active: &Segment,
    good: GoodPart,
    length: u64,
    floor: Offset,
    tail_damage: TailDamage,
) -> Result<(), LogError> {
    match tail::judge(file.file(), active, good, length, floor)? {
        Tail::Whole => Ok(()),
        Tail::Torn => file.truncate(good.at),
        Tail::Hole(_) if tail_damage == TailDamage::Cut => file.truncate(good.at),
        Tail::Hole(what) | Tail::Damaged(what) => Err(damaged(file.path(), good.at, what)),
    }
}

/// Makes what survived the crash durable. The part above the floor is written once more: after a
/// failed sync the system can hold pages as clean that never reached the disk, and a sync alone
/// would pass over them.
fn make_durable(
    disk: &Disk,
    file: &DiskFile,
    good: GoodPart,
    window: &mut Window,
) -> Result<(), LogError> {
    let mut at = if disk.mode() == SyncMode::Fsync { good.floor_at } else { good.at };
    while at < good.at {
        let bytes = (good.at - at).min(SCAN_BYTES as u64);
        window.fill(file.file(), at, bytes as usize).map_err(failed("read", file.path()))?;
        file.write_all_at(window.rest(at), at)?;
        at += bytes;
    }
    file.sync()
}

fn length_of(file: &DiskFile) -> Result<u64, LogError> {
    Ok(file.file().metadata().map_err(failed("read", file.path()))?.len())
}
