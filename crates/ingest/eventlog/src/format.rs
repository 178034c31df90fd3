//! The bytes on disk, and nothing else: no files, no paths. All integers are little-endian.
//!
//! ```text
//! prelude  magic 8, version u32, crc u32
//! meta     prelude, partitions u32, crc u32
//! header   prelude, partition u32, base u64, previous base u64, previous bytes u64, crc u32
//! record   payload length u32, crc u32 over all that follows, low half of the offset u32, payload
//! durable  offset u64, crc u32
//! ```
//!
//! The prelude is the same in every version, so that a newer version is told from damage.

use shelf_ports::Offset;

/// The newest version of the format that this program reads, and the one that it writes.
pub(crate) const VERSION: u32 = 1;

/// Bytes of a segment before its first record.
pub(crate) const HEADER_BYTES: usize = 48;

/// Bytes of a record before its payload.
pub(crate) const RECORD_BYTES: usize = 12;

/// Bytes of the file `durable`.
pub(crate) const MARK_BYTES: usize = 12;

const META_MAGIC: [u8; 8] = *b"SHELFLOG";
const SEGMENT_MAGIC: [u8; 8] = *b"SHELFSEG";
const CRC_BYTES: usize = 4;
const PRELUDE_BYTES: usize = 16;
const SHORT: HeaderFault = HeaderFault::Bad("the header is cut off");

/// Why a `meta` file or a segment header cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderFault {
    /// It was written by a newer version.
    Newer(u32),
    /// Its bytes are not what any version writes.
    Bad(&'static str),
}

/// What a segment says about itself and about the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) partition: u32,
    pub(crate) base: Offset,
    /// The first segment of a log has none.
    pub(crate) previous: Option<Previous>,
}

/// The segment before another: closed, so its size is final. A missing or cut one shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Previous {
    pub(crate) base: Offset,
    pub(crate) bytes: u64,
}

/// The content of a `meta` file.
pub(crate) fn encode_meta(partitions: u32) -> Vec<u8> {
    let mut bytes = prelude(META_MAGIC, VERSION);
    bytes.extend_from_slice(&partitions.to_le_bytes());
    seal(bytes)
}

/// The number of partitions in a `meta` file.
pub(crate) fn decode_meta(bytes: &[u8]) -> Result<u32, HeaderFault> {
    let body = unseal(bytes, META_MAGIC)?;
    let (partitions, _) = take_u32(body)?;
    Ok(partitions)
}

/// The first bytes of a segment.
pub(crate) fn encode_header(header: SegmentHeader) -> Vec<u8> {
    let previous = header.previous.unwrap_or(Previous { base: header.base, bytes: 0 });
    let mut bytes = prelude(SEGMENT_MAGIC, VERSION);
    bytes.extend_from_slice(&header.partition.to_le_bytes());
    bytes.extend_from_slice(&header.base.to_le_bytes());
    bytes.extend_from_slice(&previous.base.to_le_bytes());
    bytes.extend_from_slice(&previous.bytes.to_le_bytes());
    seal(bytes)
}

/// Reads the first bytes of a segment. `bytes` may go on behind the header.
pub(crate) fn decode_header(bytes: &[u8]) -> Result<SegmentHeader, HeaderFault> {
    let body = unseal(bytes.get(..HEADER_BYTES).unwrap_or(bytes), SEGMENT_MAGIC)?;
    let (partition, rest) = take_u32(body)?;
    let (base, rest) = take_u64(rest)?;
    let (previous_base, rest) = take_u64(rest)?;
    let (previous_bytes, _) = take_u64(rest)?;
    let previous = Previous { base: previous_base, bytes: previous_bytes };
    let previous = (previous_base != base).then_some(previous);
    Ok(SegmentHeader { partition, base, previous })
}

/// Appends one record to `buffer`. The caller has checked that `payload` is within the limit.
pub(crate) fn encode_record(offset: Offset, payload: &[u8], buffer: &mut Vec<u8>) {
    let low = (offset as u32).to_le_bytes();
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&low);
    hasher.update(payload);
    buffer.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    buffer.extend_from_slice(&hasher.finalize().to_le_bytes());
    buffer.extend_from_slice(&low);
    buffer.extend_from_slice(payload);
}

/// How many bytes the record at the start of `bytes` claims to take; nothing if its first bytes
/// are not all there.
pub(crate) fn record_size(bytes: &[u8]) -> Option<u64> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    (rest.len() >= RECORD_BYTES - 4)
        .then(|| u64::from(u32::from_le_bytes(*length)) + RECORD_BYTES as u64)
}

/// The payload of the record at the start of `bytes`, which must hold all of it and carry `offset`.
pub(crate) fn decode_record(bytes: &[u8], offset: Offset) -> Result<&[u8], &'static str> {
    let (low, payload) = checked_record(bytes)?;
    if low == offset as u32 { Ok(payload) } else { Err("the record carries another offset") }
}

/// The first byte of `bytes` at which a valid record starts. With `lowest`, it must carry that or
/// a higher offset, as far as a record in so many bytes can.
pub(crate) fn find_record(bytes: &[u8], lowest: Option<Offset>) -> Option<usize> {
    let reach = (bytes.len() / RECORD_BYTES) as u32;
    (0..bytes.len()).find(|&at| {
        let Some(rest) = bytes.get(at..) else { return false };
        let Some(low) = rest.get(8..).and_then(<[u8]>::first_chunk::<4>) else { return false };
        let distance =
            lowest.map_or(0, |lowest| u32::from_le_bytes(*low).wrapping_sub(lowest as u32));
        distance <= reach && checked_record(rest).is_ok()
    })
}

/// The content of the file `durable`.
pub(crate) fn encode_mark(offset: Offset) -> [u8; MARK_BYTES] {
    let mut bytes = [0; MARK_BYTES];
    let crc = crc32fast::hash(&offset.to_le_bytes());
    let (head, tail) = bytes.split_at_mut(MARK_BYTES - CRC_BYTES);
    head.copy_from_slice(&offset.to_le_bytes());
    tail.copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// The offset in the file `durable`, if its check holds.
pub(crate) fn decode_mark(bytes: &[u8]) -> Option<Offset> {
    let (offset, rest) = bytes.split_first_chunk::<8>()?;
    (rest == crc32fast::hash(offset).to_le_bytes()).then(|| Offset::from_le_bytes(*offset))
}

fn checked_record(bytes: &[u8]) -> Result<(u32, &[u8]), &'static str> {
    const CUT_OFF: &str = "the record is cut off";
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or(CUT_OFF)?;
    let (crc, rest) = rest.split_first_chunk::<4>().ok_or(CUT_OFF)?;
    let covered_bytes = (u32::from_le_bytes(*length) as usize).saturating_add(4);
    let covered = rest.get(..covered_bytes).ok_or(CUT_OFF)?;
    if crc32fast::hash(covered) != u32::from_le_bytes(*crc) {
        return Err("the checksum of the record does not match");
    }
    let (low, payload) = covered.split_first_chunk::<4>().ok_or(CUT_OFF)?;
    Ok((u32::from_le_bytes(*low), payload))
}

fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
    let crc = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

/// The first bytes of a `meta` file or a segment in any version.
fn prelude(magic: [u8; 8], version: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES);
    bytes.extend_from_slice(&magic);
    bytes.extend_from_slice(&version.to_le_bytes());
    seal(bytes)
}

/// Checks the prelude and the checksum, and returns what lies between them.
fn unseal(bytes: &[u8], magic: [u8; 8]) -> Result<&[u8], HeaderFault> {
    let (start, _) = bytes.split_first_chunk::<PRELUDE_BYTES>().ok_or(SHORT)?;
    let version = start.strip_prefix(&magic).ok_or(HeaderFault::Bad("it does not start as a log"));
    let (version, _) = take_u32(version?)?;
    if prelude(magic, version) != start {
        return Err(HeaderFault::Bad("the checksum of the format version does not match"));
    }
    if version > VERSION {
        return Err(HeaderFault::Newer(version));
    }
    let (sealed, crc) = bytes.split_last_chunk::<CRC_BYTES>().ok_or(SHORT)?;
    if *crc != crc32fast::hash(sealed).to_le_bytes() {
        return Err(HeaderFault::Bad("the checksum of the header does not match"));
    }
    sealed.get(PRELUDE_BYTES..).ok_or(SHORT)
}

fn take_u32(bytes: &[u8]) -> Result<(u32, &[u8]), HeaderFault> {
    bytes.split_first_chunk::<4>().map(|(n, rest)| (u32::from_le_bytes(*n), rest)).ok_or(SHORT)
}

fn take_u64(bytes: &[u8]) -> Result<(u64, &[u8]), HeaderFault> {
    bytes.split_first_chunk::<8>().map(|(n, rest)| (u64::from_le_bytes(*n), rest)).ok_or(SHORT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_come_back_and_every_flipped_bit_is_seen() {
        let header = SegmentHeader {
            partition: 3,
            base: 12_345,
            previous: Some(Previous { base: 12_000, bytes: 777 }),
        };
        let bytes = encode_header(header);
        assert_eq!(bytes.len(), HEADER_BYTES);
        assert_eq!(decode_header(&bytes), Ok(header));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(decode_header(&flipped).is_err(), "bit {bit}");
        }
        assert_eq!(decode_meta(&encode_meta(16)), Ok(16));
        assert!(decode_meta(&encode_meta(16)[..23]).is_err());
    }

    #[test]
    fn zeros_are_no_record_and_no_mark() {
        let zeros = [0; 64];
        assert!(decode_record(&zeros, 0).is_err());
        assert_eq!(find_record(&zeros, Some(0)), None);
        assert_eq!(decode_mark(&zeros[..MARK_BYTES]), None);
        assert_eq!(decode_mark(&encode_mark(0)), Some(0));
    }

    #[test]
    fn a_record_is_found_behind_garbage_when_its_offset_is_high_enough() {
        let mut bytes = vec![0xAB; 33];
        encode_record(7, b"payload", &mut bytes);
        assert_eq!(find_record(&bytes, Some(7)), Some(33));
        assert_eq!(find_record(&bytes, Some(6)), Some(33));
        assert_eq!(find_record(&bytes, Some(8)), None);
    }

    #[test]
    fn offsets_beyond_the_low_half_wrap_and_still_match_their_place() {
        let mut bytes = Vec::new();
        let offset = u64::from(u32::MAX) + 5;
        encode_record(offset, b"x", &mut bytes);
        assert_eq!(decode_record(&bytes, offset), Ok(&b"x"[..]));
        assert!(decode_record(&bytes, offset + 1).is_err());
        assert_eq!(
            find_record(&bytes, Some(u64::from(u32::MAX))),
            None,
            "further than its bytes allow"
        );
        assert_eq!(find_record(&bytes, Some(offset - 1)), Some(0));
    }
}
