//! Rows on their way into a table: gathered column by column, taken as one batch.

use std::fmt::Write as _;

use deltalake::arrow::array::{ArrayRef, RecordBatch, StringBuilder};
use deltalake::arrow::error::ArrowError;
use shelf_domain::Day;

use crate::table::{Layout, Table};

/// Bytes of the place of a text in its column.
const OFFSET: usize = 4;

/// The columns of a table, being filled.
pub(crate) trait Gather {
    const TABLE: &'static Table;

    fn new() -> Self;
    fn finish(&mut self) -> Vec<ArrayRef>;
}

/// A row, ready to be appended to its columns.
pub(crate) trait Row {
    type Columns: Gather;

    fn event_date(&self) -> Day;
    /// Appends it, and says about how many bytes that took.
    fn append(self, columns: &mut Self::Columns) -> usize;
}

/// The rows of one table that have not been committed.
pub(crate) struct Rows<C: Gather> {
    columns: C,
    months: StringBuilder,
    /// The month of the last row, and its text.
    month: (Day, Day, String),
    /// The offsets of each partition from which on rows are wanted: what lies before is there.
    from: Vec<u64>,
    /// The offsets of each partition from which on rows are not wanted; empty where all are.
    until: Vec<u64>,
    count: usize,
}

impl<C: Gather> Rows<C> {
    pub(crate) fn new(from: Vec<u64>) -> Self {
        let month = (Day(1), Day(0), String::new());
        Self {
            columns: C::new(),
            months: StringBuilder::new(),
            month,
            from,
            until: Vec::new(),
            count: 0,
        }
    }

    /// Rows are wanted below these offsets only.
    pub(crate) fn end_at(&mut self, until: Vec<u64>) {
        self.until = until;
    }

    /// Whether the rows of an event are wanted.
    pub(crate) fn wants(&self, partition: u32, offset: u64) -> bool {
        let place = partition as usize;
        self.from.get(place).is_none_or(|&from| offset >= from)
            && self.until.get(place).is_none_or(|&until| offset < until)
    }

    /// Appends a row, and says about how many bytes that took.
    pub(crate) fn push<R: Row<Columns = C>>(&mut self, row: R) -> usize {
        self.count += 1;
        if C::TABLE.layout != Layout::Months {
            return row.append(&mut self.columns);
        }
        let day = row.event_date();
        if day < self.month.0 || day > self.month.1 {
            self.month = month_of(day);
        }
        self.months.append_value(&self.month.2);
        row.append(&mut self.columns) + self.month.2.len() + OFFSET
    }

    /// Takes the rows as one batch; `None` where there are none.
    pub(crate) fn take(&mut self) -> Result<Option<Batch>, ArrowError> {
        if self.count == 0 {
            return Ok(None);
        }
        self.count = 0;
        let mut arrays = self.columns.finish();
        if C::TABLE.layout == Layout::Months {
            arrays.push(std::sync::Arc::new(self.months.finish()));
        }
        let rows = RecordBatch::try_new(C::TABLE.arrow_schema(), arrays)?;
        Ok(Some(Batch { table: C::TABLE, rows }))
    }
}

/// The first and last day of the month of a day, and its text.
fn month_of(day: Day) -> (Day, Day, String) {
    let (year, month, day_of_month) = day.civil();
    let first = day.plus(1 - day_of_month as i32);
    let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    let next = Day::from_civil(next_year, next_month, 1).unwrap_or(first.plus(28));
    let mut text = String::with_capacity(7);
    // Writing to a string cannot fail.
    let _ = write!(text, "{year:04}-{month:02}");
    (first, next.plus(-1), text)
}

/// Rows for one table.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Which table.
    pub table: &'static Table,
    /// The rows, with the column of the folders last.
    pub rows: RecordBatch,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_has_its_first_and_last_day() {
        let day = |y, m, d| Day::from_civil(y, m, d).unwrap();
        let february = month_of(day(2028, 2, 13));
        assert_eq!(february, (day(2028, 2, 1), day(2028, 2, 29), "2028-02".to_owned()));
        assert_eq!(month_of(day(2026, 12, 31)).1, day(2026, 12, 31));
        assert_eq!(month_of(day(2026, 1, 1)).2, "2026-01");
    }
}
