//! CSV as rows, with the bytes and the line of each. A quote that is never closed costs its own
//! line and no other.

use std::path::Path;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use memchr::{memchr, memchr_iter};
use shelf_events::{ErrorCode, MAX_LINE_BYTES, MAX_RAW_BYTES};

use crate::error::SourceError;
use crate::input::{ByteCount, Filled, Input};
use crate::mapping::CsvPart;
use crate::rejected::Fault;
use crate::row::{Next, Row, Rows};

/// The longest record, in bytes.
const BUFFER_BYTES: usize = MAX_LINE_BYTES;

/// The rows of one CSV file whose first record names its columns.
pub(crate) struct CsvRows {
    input: Input,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    filled: Filled,
    core: Reader,
    /// The number of the line at `start`.
    line: u64,
    /// Whether the last line end was a return, of which a newline may follow.
    after_return: bool,
    columns: Vec<String>,
}

impl CsvRows {
    pub(crate) fn open(
        path: &Path,
        count: &ByteCount,
        form: &CsvPart,
    ) -> Result<Self, SourceError> {
        Self::new(Input::open(path, count)?, form)
    }

    pub(crate) fn new(input: Input, form: &CsvPart) -> Result<Self, SourceError> {
        let byte = |text: &str, otherwise| text.bytes().next().unwrap_or(otherwise);
        let core = ReaderBuilder::new()
            .delimiter(byte(&form.delimiter, b','))
            .quote(byte(&form.quote, b'"'))
            .build();
        let mut rows = Self {
            input,
            buffer: vec![0; BUFFER_BYTES],
            start: 0,
            end: 0,
            filled: Filled::More,
            core,
            line: 1,
            after_return: false,
            columns: Vec::new(),
        };
        let mut header = Row::default();
        if rows.next_record(&mut header)? == Next::Row {
            rows.columns = (0..header.fields).map(|at| header.get(at).trim().to_owned()).collect();
        }
        Ok(rows)
    }

    /// The file that is read.
    pub(crate) fn name(&self) -> &std::sync::Arc<str> {
        &self.input.name
    }

    fn next_record(&mut self, row: &mut Row) -> Result<Next, SourceError> {
        loop {
            self.skip_line_ends();
            if self.start < self.end
                && let Some(bytes) = self.split(row)
            {
                return Ok(self.take_record(bytes, row));
            }
            if self.filled == Filled::More && self.end - self.start < BUFFER_BYTES {
                self.refill()?;
                continue;
            }
            return match self.filled {
                Filled::Damaged => Ok(self.take_damaged(row)),
                Filled::End if self.start == self.end => Ok(Next::End),
                Filled::More | Filled::End => self.take_line(row),
            };
        }
    }

    /// Steps over line ends, and with them blank lines. A return and a newline are one.
    fn skip_line_ends(&mut self) {
        while self.start < self.end {
            match self.buffer.get(self.start) {
                Some(b'\r') => {
                    self.line += 1;
                    self.after_return = true;
                }
                Some(b'\n') => {
                    self.line += u64::from(!self.after_return);
                    self.after_return = false;
                }
                _ => {
                    self.after_return = false;
                    return;
                }
            }
            self.start += 1;
        }
    }

    fn refill(&mut self) -> Result<(), SourceError> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        self.filled = self.input.fill(&mut self.buffer, &mut self.end)?;
        Ok(())
    }

    /// Splits the record at `start` into the fields of `row`, and returns its length in bytes;
    /// `None` where its end is not in the buffer. At the end of the file a line end is imagined: a
    /// record that takes it in is inside quotes.
    fn split(&mut self, row: &mut Row) -> Option<usize> {
        self.core.reset();
        row.text.resize(BUFFER_BYTES + 2, 0);
        row.ends.resize(row.ends.len().max(32), 0);
        let (mut at, mut text, mut fields) = (self.start, 0, 0);
        let mut imagined = false;
        loop {
            let rest = self.buffer.get(at..self.end).filter(|rest| !rest.is_empty());
            let input = match rest {
                Some(rest) => rest,
                None if self.filled == Filled::End && !imagined => b"\n",
                None => return None,
            };
            let (result, read, written, ended) = self.core.read_record(
                input,
                row.text.get_mut(text..)?,
                row.ends.get_mut(fields..)?,
            );
            if rest.is_some() {
                at += read;
            } else {
                imagined = read > 0;
            }
            text += written;
            fields += ended;
            match result {
                ReadRecordResult::Record => {
                    row.fields = fields;
                    return Some(at - self.start);
                }
                ReadRecordResult::OutputEndsFull => row.ends.resize(row.ends.len() * 2, 0),
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull | ReadRecordResult::End => return None,
            }
        }
    }

    fn take_record(&mut self, bytes: usize, row: &mut Row) -> Next {
        self.take_raw(bytes, row);
        if str::from_utf8(&row.raw).is_err() {
            return Next::Bad(ErrorCode::InvalidUtf8.into());
        }
        if !self.columns.is_empty() && row.fields != self.columns.len() {
            return Next::Bad(Fault::WrongColumnCount);
        }
        Next::Row
    }

    /// Moves `bytes` bytes to the row, without the line end.
    fn take_raw(&mut self, bytes: usize, row: &mut Row) {
        let raw = self.buffer.get(self.start..self.start + bytes).unwrap_or(&[]);
        let lines = memchr_iter(b'\n', raw).count() as u64;
        let end =
            raw.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |at| at + 1);
        row.set_raw(self.line, raw.get(..end).unwrap_or(&[]));
        self.line += lines;
        // A line end that the record does not hold is stepped over with the blank lines.
        self.start += if lines == 0 { end } else { bytes };
    }

    /// What is left of a damaged file, once; then its end.
    fn take_damaged(&mut self, row: &mut Row) -> Next {
        self.take_raw(self.end - self.start, row);
        self.start = self.end;
        self.filled = Filled::End;
        Next::Bad(Fault::TruncatedInput)
    }

    /// The line at `start`, which is no record: it opens a quote and does not close it, or is too
    /// long.
    fn take_line(&mut self, row: &mut Row) -> Result<Next, SourceError> {
        let bytes = self.buffer.get(self.start..self.end).unwrap_or(&[]);
        if let Some(end) = memchr(b'\n', bytes) {
            self.take_raw(end + 1, row);
            return Ok(Next::Bad(Fault::UnclosedQuote));
        }
        if self.filled == Filled::End {
            self.take_raw(self.end - self.start, row);
            self.start = self.end;
            return Ok(Next::Bad(Fault::UnclosedQuote));
        }
        row.set_raw(self.line, bytes.get(..MAX_RAW_BYTES).unwrap_or(bytes));
        row.raw_len = bytes.len() as u64;
        while self.filled == Filled::More {
            self.start = self.end;
            self.refill()?;
            let bytes = self.buffer.get(..self.end).unwrap_or(&[]);
            let end = memchr(b'\n', bytes);
            row.raw_len += end.unwrap_or(bytes.len()) as u64;
            self.start = end.unwrap_or(self.end);
            if end.is_some() {
                break;
            }
        }
        Ok(Next::Bad(ErrorCode::TooLarge.into()))
    }
}

impl Rows for CsvRows {
    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn next_row(&mut self, row: &mut Row) -> Result<Next, SourceError> {
        self.next_record(row)
    }
}

#[cfg(test)]
mod tests;
