//! Files as blocks of whole lines, read a mebibyte at a time in bounded memory. It never looks into
//! a line.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use memchr::{memchr, memchr_iter, memrchr};
use shelf_events::{Defaults, ErrorCode, MAX_LINE_BYTES, MAX_RAW_BYTES};

use crate::error::SourceError;
use crate::input::{ByteCount, Filled, Input};
use crate::rejected::{BadLine, Fault};

/// The bytes of a block. The room over [`MAX_LINE_BYTES`] is for blanks around a line of that
/// length; a line that does not fit is too long.
const BLOCK_BYTES: usize = MAX_LINE_BYTES + (64 << 10);
/// How the rest of a line that is too long is skipped.
const SKIP_BYTES: usize = 64 << 10;

/// Whole lines of one file, and what follows them that is no line.
pub(crate) struct Block {
    data: Vec<u8>,
    len: usize,
    /// The number of the first line.
    first_line: u64,
    /// The number of the file, from 1.
    pub(crate) file: u32,
    /// The file's name.
    pub(crate) source: Arc<str>,
    defect: Option<Defect>,
}

/// What is no line: too long, or cut with its file.
struct Defect {
    fault: Fault,
    line: u64,
    raw: Vec<u8>,
    raw_len: u64,
}

/// A place in a block.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cursor {
    at: usize,
    lines: u64,
}

impl Block {
    pub(crate) fn new() -> Self {
        let data = vec![0; BLOCK_BYTES];
        Self { data, len: 0, first_line: 1, file: 0, source: "".into(), defect: None }
    }

    /// The next line that is not blank, with its number; blanks around it are still there.
    pub(crate) fn next_line(&self, cursor: &mut Cursor) -> Option<(u64, &[u8])> {
        loop {
            let rest = self.data.get(cursor.at..self.len).filter(|rest| !rest.is_empty())?;
            let end = memchr(b'\n', rest).unwrap_or(rest.len());
            let line = rest.get(..end)?;
            let number = self.first_line + cursor.lines;
            cursor.at += end + 1;
            cursor.lines += 1;
            if line.iter().any(|byte| !byte.is_ascii_whitespace()) {
                return Some((number, line));
            }
        }
    }

    /// What follows the lines and is none.
    pub(crate) fn take_defect(&mut self, defaults: &Defaults) -> Option<shelf_domain::Event> {
        let Defect { fault, line, raw, raw_len } = self.defect.take()?;
        let bad = BadLine { fault, line, raw: &raw, raw_len };
        Some(bad.event(self.file, &self.source, defaults))
    }
}

/// The lines of some files, one after the other.
pub(crate) struct LineBlocks {
    waiting: VecDeque<PathBuf>,
    count: ByteCount,
    input: Option<Input>,
    /// How many files have been opened.
    file: u32,
    /// The start of a line whose end has not been read.
    carry: Vec<u8>,
    line: u64,
}

impl LineBlocks {
    pub(crate) fn new(paths: Vec<PathBuf>, count: ByteCount) -> Self {
        let (waiting, carry) = (paths.into(), Vec::new());
        Self { waiting, count, input: None, file: 0, carry, line: 1 }
    }

    #[cfg(test)]
    pub(crate) fn of(input: Input) -> Self {
        Self { input: Some(input), ..Self::new(Vec::new(), ByteCount::default()) }
    }

    /// Fills `block`; false where no file has more.
    pub(crate) fn next(&mut self, block: &mut Block) -> Result<bool, SourceError> {
        loop {
            let mut input = match self.input.take() {
                Some(input) => input,
                None => match self.waiting.pop_front() {
                    Some(path) => {
                        self.file += 1;
                        self.line = 1;
                        self.carry.clear();
                        Input::open(&path, &self.count)?
                    }
                    None => return Ok(false),
                },
            };
            let more = self.read(&mut input, block)?;
            if more {
                self.input = Some(input);
            }
            if block.len > 0 || block.defect.is_some() {
                return Ok(true);
            }
        }
    }

    /// Reads one block of `input`; false at its end.
    fn read(&mut self, input: &mut Input, block: &mut Block) -> Result<bool, SourceError> {
        block.source = Arc::clone(&input.name);
        block.first_line = self.line;
        block.file = self.file;
        block.defect = None;
        let mut len = self.carry.len();
        if let Some(start) = block.data.get_mut(..len) {
            start.copy_from_slice(&self.carry);
        }
        self.carry.clear();
        let filled = input.fill(&mut block.data, &mut len)?;
        let bytes = block.data.get(..len).unwrap_or(&[]);
        let whole = match (filled, memrchr(b'\n', bytes)) {
            (Filled::End, _) => len,
            (_, Some(end)) => end + 1,
            (_, None) => 0,
        };
        block.len = whole;
        let (lines, rest) = bytes.split_at_checked(whole).unwrap_or((bytes, &[]));
        self.line += memchr_iter(b'\n', lines).count() as u64;
        let fault = match filled {
            Filled::Damaged => Fault::TruncatedInput,
            Filled::More if rest.len() == BLOCK_BYTES => Fault::Event(ErrorCode::TooLarge),
            Filled::More | Filled::End => {
                self.carry.extend_from_slice(rest);
                return Ok(filled == Filled::More);
            }
        };
        let raw = rest.get(..MAX_RAW_BYTES).unwrap_or(rest).to_vec();
        let mut defect = Defect { fault, line: self.line, raw, raw_len: rest.len() as u64 };
        let more = filled == Filled::More && self.skip_line(input, &mut defect)?;
        block.defect = Some(defect);
        Ok(more)
    }

    /// Skips to the end of a line; false where the file ends there.
    fn skip_line(&mut self, input: &mut Input, defect: &mut Defect) -> Result<bool, SourceError> {
        let mut scratch = vec![0; SKIP_BYTES];
        loop {
            let mut len = 0;
            let filled = input.fill(&mut scratch, &mut len)?;
            let bytes = scratch.get(..len).unwrap_or(&[]);
            let end = memchr(b'\n', bytes);
            defect.raw_len += end.unwrap_or(len) as u64;
            if let Some(end) = end {
                self.line += 1;
                self.carry.extend_from_slice(bytes.get(end + 1..).unwrap_or(&[]));
            }
            match (filled, end) {
                (_, Some(_)) => return Ok(true),
                (Filled::More, None) => {}
                (Filled::End | Filled::Damaged, None) => return Ok(false),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read};
    use std::path::Path;

    use super::*;
    use crate::input::Fill;

    /// Gives a few bytes at a time, as a pipe may.
    struct Drops(Vec<u8>, usize);

    impl Read for Drops {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let take = self.1.min(self.0.len()).min(buf.len());
            buf[..take].copy_from_slice(&self.0[..take]);
            self.0.drain(..take);
            Ok(take)
        }
    }

    fn lines(bytes: &[u8], drop_bytes: usize) -> Vec<(u64, Vec<u8>)> {
        let reader = Box::new(Drops(bytes.to_vec(), drop_bytes));
        let input = Input::new(reader, Path::new("-"), "stdin", Fill::AsItComes);
        let mut blocks = LineBlocks::of(input);
        let mut block = Block::new();
        let mut found = Vec::new();
        while blocks.next(&mut block).unwrap() {
            let mut cursor = Cursor::default();
            while let Some((number, line)) = block.next_line(&mut cursor) {
                found.push((number, line.to_vec()));
            }
        }
        found
    }

    #[test]
    fn lines_are_the_same_however_the_bytes_come() {
        let text = b"\xEF\xBB\xBFfirst\r\n\n  \nsecond\nlast";
        let expected =
            vec![(1, b"first\r".to_vec()), (4, b"second".to_vec()), (5, b"last".to_vec())];
        for drop_bytes in [1, 2, 3, 7, 100] {
            assert_eq!(lines(text, drop_bytes), expected, "{drop_bytes}");
        }
        assert_eq!(lines(b"", 1), []);
    }

    #[test]
    fn a_line_too_long_is_skipped_and_told() {
        let mut text = b"a\n".to_vec();
        text.resize(2 + 3 * BLOCK_BYTES, b'x');
        text.extend_from_slice(b"\nb\nc");
        let reader = Box::new(io::Cursor::new(text));
        let mut blocks = LineBlocks::of(Input::new(reader, Path::new("f"), "f", Fill::Full));
        let mut block = Block::new();
        let mut found = Vec::new();
        while blocks.next(&mut block).unwrap() {
            let mut cursor = Cursor::default();
            while let Some((number, line)) = block.next_line(&mut cursor) {
                found.push((number, line.len(), None));
            }
            if let Some(defect) = block.defect.take() {
                let code = Some(defect.fault.code());
                assert_eq!(defect.raw.len(), MAX_RAW_BYTES);
                found.push((defect.line, defect.raw_len as usize, code));
            }
        }
        let long = (2, 3 * BLOCK_BYTES, Some("too_large"));
        assert_eq!(found, [(1, 1, None), long, (3, 1, None), (4, 1, None)]);
    }
}
