//! Walking over the records of one segment file, each of them checked.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use shelf_ports::Offset;

use crate::format;

/// How much of a file is read at once where the whole of it is wanted.
pub(crate) const SCAN_BYTES: usize = 1 << 20;

/// A part of a file in memory. Its buffer is kept from one use to the next, its content is not:
/// bytes above the durable offset can be cut off and written anew.
#[derive(Debug, Default)]
pub(crate) struct Window {
    buffer: Vec<u8>,
    start: u64,
    filled: usize,
}

impl Window {
    /// Forgets the content.
    pub(crate) fn clear(&mut self) {
        self.filled = 0;
    }

    /// The bytes of the file from `at` on, as far as they are in memory.
    pub(crate) fn rest(&self, at: u64) -> &[u8] {
        let skip = at.checked_sub(self.start).and_then(|skip| usize::try_from(skip).ok());
        skip.and_then(|skip| self.buffer.get(skip..self.filled)).unwrap_or_default()
    }

    /// Replaces the content by `want` bytes from `at` on, or by what the file has of them.
    pub(crate) fn fill(&mut self, file: &File, at: u64, want: usize) -> io::Result<()> {
        if self.buffer.len() < want {
            self.buffer.resize(want, 0);
        }
        self.start = at;
        self.filled = 0;
        while let Some(space) = self.buffer.get_mut(self.filled..want).filter(|s| !s.is_empty()) {
            match file.read_at(space, at + self.filled as u64) {
                Ok(0) => break,
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// What is at the place of a scan.
#[derive(Debug)]
pub(crate) enum Step<'a> {
    /// A good record with the expected offset; the scan stands behind it.
    Record(&'a [u8]),
    /// The end of the file, right behind a record.
    End,
    /// Bytes that are not the expected record; the scan stays before them.
    Bad(&'static str),
}

/// A walk over the records of `file` below the byte `limit`.
#[derive(Debug)]
pub(crate) struct Scan<'a> {
    pub(crate) file: &'a File,
    pub(crate) window: &'a mut Window,
    pub(crate) limit: u64,
    /// How much to read at once.
    pub(crate) chunk_bytes: usize,
    /// Where the next record starts.
    pub(crate) at: u64,
    /// The offset that it must carry.
    pub(crate) next: Offset,
}

impl Scan<'_> {
    /// Takes one step.
    pub(crate) fn step(&mut self) -> io::Result<Step<'_>> {
        const CUT_OFF: &str = "the record is cut off";
        let Some(left) = self.limit.checked_sub(self.at).filter(|&left| left > 0) else {
            return Ok(Step::End);
        };
        if self.window.rest(self.at).len() < format::RECORD_BYTES {
            self.fill(0, left)?;
        }
        let Some(size) = format::record_size(self.window.rest(self.at)) else {
            return Ok(Step::Bad(CUT_OFF));
        };
        if size > left {
            return Ok(Step::Bad(CUT_OFF));
        }
        if (self.window.rest(self.at).len() as u64) < size {
            self.fill(size, left)?;
        }
        match format::decode_record(self.window.rest(self.at), self.next) {
            Ok(payload) => {
                self.at += size;
                self.next += 1;
                Ok(Step::Record(payload))
            }
            Err(what) => Ok(Step::Bad(what)),
        }
    }

    fn fill(&mut self, least: u64, left: u64) -> io::Result<()> {
        let want = (self.chunk_bytes as u64).max(least).min(left);
        self.window.fill(self.file, self.at, want as usize)
    }
}
