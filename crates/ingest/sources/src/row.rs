//! One row of a table as texts, and what reads rows from a file.

use crate::error::SourceError;
use crate::rejected::Fault;

/// The texts of one row, and the bytes that they were read from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    /// The number of its first line, or of the row where there are no lines.
    pub(crate) line: u64,
    /// Its bytes; of a row that is too long the start.
    pub(crate) raw: Vec<u8>,
    /// How many bytes it has.
    pub(crate) raw_len: u64,
    pub(crate) text: Vec<u8>,
    /// Where each field ends in `text`; those after `fields` are of no row.
    pub(crate) ends: Vec<usize>,
    pub(crate) fields: usize,
}

impl Row {
    /// The text of a field; empty where the row has no such field.
    pub(crate) fn get(&self, field: usize) -> &str {
        if field >= self.fields {
            return "";
        }
        let from = field.checked_sub(1).and_then(|before| self.ends.get(before)).copied();
        let until = self.ends.get(field).copied().unwrap_or(0);
        let bytes = self.text.get(from.unwrap_or(0)..until).unwrap_or(&[]);
        str::from_utf8(bytes).unwrap_or("")
    }

    pub(crate) fn set_raw(&mut self, line: u64, raw: &[u8]) {
        self.line = line;
        self.raw.clear();
        self.raw.extend_from_slice(raw);
        self.raw_len = raw.len() as u64;
    }
}

/// What came next in a file of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// A row.
    Row,
    /// Bytes that are none; they are in the row's `raw`.
    Bad(Fault),
    /// The end.
    End,
}

/// A file of rows.
pub(crate) trait Rows: Send {
    /// The names of its columns; empty where the file is empty.
    fn columns(&self) -> &[String];

    /// Reads the next row into `row`.
    fn next_row(&mut self, row: &mut Row) -> Result<Next, SourceError>;
}
