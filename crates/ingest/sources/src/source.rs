//! What every source of foreign lines offers its caller.

use std::ops::AddAssign;

use shelf_domain::{Event, Origin, SourceId};

use crate::error::SourceError;
use crate::input::Progress;

/// Lines of foreign files as events, at the caller's own pace.
pub trait Source: Send {
    /// Adds up to about `max_events` events to `batch`, in the order of the lines, and says whether
    /// there may be more. A few more may come where one line makes several; none may come although
    /// there is more.
    ///
    /// The origin of an event is its line, and as the source the number of its file among those
    /// that were opened, from 1: the caller knows the sources by numbers of its own. An event of
    /// several lines has the first of them, one that a line needs before its own has that line.
    ///
    /// After an error the source is at its end; what it gave before stands.
    fn next_batch(
        &mut self,
        max_events: usize,
        batch: &mut Vec<Event>,
    ) -> Result<bool, SourceError>;

    /// How far it has read.
    fn progress(&self) -> Progress;

    /// What the lines have come to that the caller has been given.
    fn counts(&self) -> LineCounts;
}

/// A line of the file with this number.
pub(crate) fn origin(file: u32, line: u64) -> Origin {
    Origin { source: SourceId(file), line: u32::try_from(line).unwrap_or(u32::MAX) }
}

/// What lines have come to: `lines = sale_lines + return_lines + other_lines + rejected_lines`.
///
/// A line is a line of NDJSON, a record of CSV (which may span lines), a row of Parquet; blank
/// lines and headers are none. A damaged end of a file counts as one rejected line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineCounts {
    /// Lines that are not blank.
    pub lines: u64,
    /// Lines of a table that became receipt lines with units.
    pub sale_lines: u64,
    /// Lines of a table that became receipt lines with negative units.
    pub return_lines: u64,
    /// Lines that became an event of another kind; every line of NDJSON that is an event.
    pub other_lines: u64,
    /// Lines that became a rejected event.
    pub rejected_lines: u64,
    /// Of the other lines, those of other systems that tell nothing here but their time.
    pub ignored_lines: u64,
    /// Events for stores, products and shelves seen for the first time.
    pub reference_events: u64,
}

impl AddAssign for LineCounts {
    fn add_assign(&mut self, other: Self) {
        self.lines += other.lines;
        self.sale_lines += other.sale_lines;
        self.return_lines += other.return_lines;
        self.other_lines += other.other_lines;
        self.rejected_lines += other.rejected_lines;
        self.ignored_lines += other.ignored_lines;
        self.reference_events += other.reference_events;
    }
}
