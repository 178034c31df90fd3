//! What the end of the newest segment means: whole, torn by a crash, or damaged. Recovery and
//! verification judge by the same rule.

use std::fs::File;

use shelf_ports::{LogError, Offset};

use crate::disk::failed;
use crate::format::{self, HEADER_BYTES};
use crate::scan::{SCAN_BYTES, Scan, Step, Window};
use crate::segment::{INDEX_EVERY_BYTES, Segment};

/// How far the records of a segment are good.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GoodPart {
    /// The byte behind the last good record.
    pub(crate) at: u64,
    /// The offset behind the last good record.
    pub(crate) next: Offset,
    /// What is wrong behind it, if the file goes on.
    pub(crate) fault: Option<&'static str>,
    /// The byte at which the record `floor` starts or would start, if the good part reaches it.
    pub(crate) floor_at: u64,
}

/// What the bytes behind the good part of the newest segment are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    /// There are none.
    Whole,
    /// Writes that a crash cut short. They were never durable.
    Torn,
    /// Durable records are missing or damaged.
    Damaged(&'static str),
    /// A record that is not known to have been durable is bad, and a good one follows it.
    Hole(&'static str),
}

/// Checks the records of `segment` below the byte `limit`, and fills its index.
pub(crate) fn check_records(
    file: &File,
    segment: &mut Segment,
    limit: u64,
    floor: Offset,
    window: &mut Window,
) -> Result<GoodPart, LogError> {
    window.clear();
    let start = HEADER_BYTES as u64;
    let mut scan =
        Scan { file, window, limit, chunk_bytes: SCAN_BYTES, at: start, next: segment.base };
    let mut noted_at = start;
    let mut floor_at = start;
    let fault = loop {
        let (at, next) = (scan.at, scan.next);
        if at - noted_at >= INDEX_EVERY_BYTES {
            segment.index.note(at, next);
            noted_at = at;
        }
        if next <= floor {
            floor_at = at;
        }
        match scan.step().map_err(failed("read", &segment.path))? {
            Step::Record(_) => {}
            Step::End => break None,
            Step::Bad(what) => break Some(what),
        }
    };
    Ok(GoodPart { at: scan.at, next: scan.next, fault, floor_at })
}

/// Judges what follows the good part. `floor` is the offset below which nothing may be missing.
pub(crate) fn judge(
    file: &File,
    segment: &Segment,
    good: GoodPart,
    limit: u64,
    floor: Offset,
) -> Result<Tail, LogError> {
    if good.next < floor {
        let what = good.fault.unwrap_or("durable records are missing behind this byte");
        return Ok(Tail::Damaged(what));
    }
    let Some(what) = good.fault else { return Ok(Tail::Whole) };
    let later = holds_record(file, segment, good.at + 1..limit, Some(good.next + 1))?;
    Ok(if later { Tail::Hole(what) } else { Tail::Torn })
}

/// Whether a valid record starts anywhere in the bytes `range`, with `lowest` or a higher offset
/// where that is given.
pub(crate) fn holds_record(
    file: &File,
    segment: &Segment,
    range: std::ops::Range<u64>,
    lowest: Option<Offset>,
) -> Result<bool, LogError> {
    let mut window = Window::default();
    let bytes = range.end.saturating_sub(range.start) as usize;
    window.fill(file, range.start, bytes).map_err(failed("read", &segment.path))?;
    Ok(format::find_record(window.rest(range.start), lowest).is_some())
}
