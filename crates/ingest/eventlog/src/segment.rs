//! Segment files: their names, their headers, and the sparse index into one.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use shelf_ports::{LogError, Offset};

use crate::disk::{Disk, DiskFile, damaged, failed};
use crate::format::{self, HEADER_BYTES, HeaderFault, Previous, SegmentHeader};
use crate::scan::Window;
use crate::{meta, tail};

/// Distance between two entries of the sparse index.
pub(crate) const INDEX_EVERY_BYTES: u64 = 64 << 10;

/// One segment of a partition.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) base: Offset,
    pub(crate) path: PathBuf,
    pub(crate) index: SparseIndex,
}

impl Segment {
    /// The segment of the partition folder `dir` that starts at `base`.
    pub(crate) fn new(dir: &Path, base: Offset) -> Self {
        let path = dir.join(format!("{base:020}.log"));
        Self { base, path, index: SparseIndex::default() }
    }

    /// The byte and the offset of the closest record known, at or before `offset`.
    pub(crate) fn nearest(&self, offset: Offset) -> (u64, Offset) {
        self.index.nearest(offset).unwrap_or((HEADER_BYTES as u64, self.base))
    }
}

/// The segments in a partition folder, oldest first. Other files are left alone.
pub(crate) fn list(dir: &Path) -> Result<Vec<Segment>, LogError> {
    let mut bases = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed("list", dir))? {
        let entry = entry.map_err(failed("list", dir))?;
        bases.extend(entry.file_name().to_str().and_then(parse_name));
    }
    bases.sort_unstable();
    Ok(bases.into_iter().map(|base| Segment::new(dir, base)).collect())
}

/// Where in `segments` the one is that holds `offset`, if it lies at or above the first base.
pub(crate) fn locate(segments: &[Segment], offset: Offset) -> Option<usize> {
    segments.partition_point(|segment| segment.base <= offset).checked_sub(1)
}

/// Creates a segment with its header. It is not durable yet.
pub(crate) fn create(
    disk: &Disk,
    segment: &Segment,
    partition: u32,
    previous: Option<Previous>,
) -> Result<DiskFile, LogError> {
    let file = disk.create(&segment.path)?;
    let header = SegmentHeader { partition, base: segment.base, previous };
    file.write_all_at(&format::encode_header(header), 0)?;
    Ok(file)
}

/// Reads and checks the header of a segment.
pub(crate) fn read_header(
    file: &File,
    segment: &Segment,
    partition: u32,
) -> Result<SegmentHeader, LogError> {
    let header = peek_header(file, segment)?;
    let header = header.map_err(|fault| meta::header_error(fault, &segment.path))?;
    if header.partition != partition || header.base != segment.base {
        return Err(damaged(&segment.path, 0, "the segment belongs to another place"));
    }
    Ok(header)
}

/// Whether the newest segment is one that a crash left with an empty or half-written header. A
/// header that is whole, or any record behind it, says that it is not.
pub(crate) fn half_created(
    file: &File,
    segment: &Segment,
    length: u64,
    floor: Offset,
) -> Result<bool, LogError> {
    let bad = matches!(peek_header(file, segment)?, Err(HeaderFault::Bad(_)));
    Ok(bad && floor == segment.base && !tail::holds_record(file, segment, 0..length, None)?)
}

fn peek_header(
    file: &File,
    segment: &Segment,
) -> Result<Result<SegmentHeader, HeaderFault>, LogError> {
    let mut window = Window::default();
    window.fill(file, 0, HEADER_BYTES).map_err(failed("read", &segment.path))?;
    Ok(format::decode_header(window.rest(0)))
}

/// Checks that `header` follows the segment `previous`: nothing between them is missing or cut.
pub(crate) fn check_link(
    path: &Path,
    header: SegmentHeader,
    previous: Previous,
) -> Result<(), LogError> {
    let named = header.previous.unwrap_or(Previous { base: header.base, bytes: 0 });
    if named.base != previous.base {
        return Err(damaged(path, 0, "the segment before this one is missing"));
    }
    if named.bytes != previous.bytes {
        return Err(damaged(path, 0, "the segment before this one has another size"));
    }
    Ok(())
}

fn parse_name(name: &str) -> Option<Offset> {
    let digits = name.strip_suffix(".log")?;
    (digits.len() == 20 && digits.bytes().all(|digit| digit.is_ascii_digit()))
        .then(|| digits.parse().ok())
        .flatten()
}

/// Where some of the records of a segment start. It grows as records are written or read.
#[derive(Clone, Debug, Default)]
pub(crate) struct SparseIndex {
    places: Vec<(u64, Offset)>,
}

impl SparseIndex {
    /// The last place at or before `offset`.
    fn nearest(&self, offset: Offset) -> Option<(u64, Offset)> {
        let after = self.places.partition_point(|&(_, known)| known <= offset);
        after.checked_sub(1).and_then(|at| self.places.get(at)).copied()
    }

    /// Remembers that the record `offset` starts at the byte `at`, unless a place close by is
    /// known.
    pub(crate) fn note(&mut self, at: u64, offset: Offset) {
        let slot = self.places.partition_point(|&(known, _)| known < at);
        let before = slot.checked_sub(1).and_then(|slot| self.places.get(slot));
        let before_at = before.map_or(HEADER_BYTES as u64, |&(known, _)| known);
        let crowded_after =
            self.places.get(slot).is_some_and(|&(known, _)| known - at < INDEX_EVERY_BYTES);
        if at.saturating_sub(before_at) >= INDEX_EVERY_BYTES && !crowded_after {
            self.places.insert(slot, (at, offset));
        }
    }

    /// Forgets every place at or behind the byte `at`.
    pub(crate) fn cut(&mut self, at: u64) {
        let keep = self.places.partition_point(|&(known, _)| known < at);
        self.places.truncate(keep);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_twenty_digits_and_nothing_else() {
        assert_eq!(parse_name("00000000000000012345.log"), Some(12_345));
        for other in
            ["12345.log", "0000000000000001234x.log", "durable", "+0000000000000012345.log"]
        {
            assert_eq!(parse_name(other), None, "{other}");
        }
        assert_eq!(parse_name("99999999999999999999.log"), None, "beyond 64 bits");
    }

    #[test]
    fn the_index_keeps_its_distance_in_any_order_of_notes() {
        let mut index = SparseIndex::default();
        for step in [90u64, 3, 40, 41, 1, 2, 90] {
            index.note(step * INDEX_EVERY_BYTES / 2, step * 100);
        }
        let offsets: Vec<Offset> = index.places.iter().map(|&(_, offset)| offset).collect();
        assert_eq!(offsets, [300, 4_000, 9_000]);
        assert_eq!(index.nearest(299), None);
        assert_eq!(index.nearest(4_500).map(|(_, offset)| offset), Some(4_000));
        index.cut(20 * INDEX_EVERY_BYTES);
        assert_eq!(index.places.len(), 1);
    }
}
