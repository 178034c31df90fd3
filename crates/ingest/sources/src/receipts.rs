//! Rows grouped into receipts and put in order, in bounded memory.

use std::collections::HashMap;

use shelf_domain::{CustomerId, MAX_RECEIPT_LINES, ReceiptId, ReceiptLine, StoreId, Timestamp};

use crate::convert::{Fact, What};
use crate::mapping::{EventPart, Grouping, Order};

/// An event that is complete but for its id.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) store: StoreId,
    pub(crate) at: Timestamp,
    /// The line of its first row.
    pub(crate) line: u64,
    pub(crate) what: DraftWhat,
}

#[derive(Clone, Debug)]
pub(crate) enum DraftWhat {
    Receipt { receipt: ReceiptId, customer: Option<CustomerId>, lines: Vec<ReceiptLine> },
    Other(What),
}

/// Collects the rows of one file.
///
/// Where grouping is consecutive and the order that of the file, one receipt waits at a time.
/// Otherwise up to `window_rows` rows wait; when so many do, all are given on, so that a receipt
/// that goes on after them becomes a second event. Either way every row is in exactly one event.
pub(crate) struct Receipts {
    grouping: Grouping,
    order: Order,
    window_rows: usize,
    waiting: Vec<Draft>,
    places: HashMap<(StoreId, ReceiptId), usize>,
    rows: usize,
}

impl Receipts {
    pub(crate) fn new(event: &EventPart) -> Self {
        Self {
            grouping: event.grouping,
            order: event.order,
            window_rows: event.window_rows,
            waiting: Vec::new(),
            places: HashMap::new(),
            rows: 0,
        }
    }

    /// Takes a row; what is complete goes to `ready`.
    pub(crate) fn push(&mut self, fact: Fact, ready: &mut Vec<Draft>) {
        let Fact { store, at, line, what } = fact;
        match what {
            What::Line { receipt, customer, line: item } => {
                let place = self.place_of(store, receipt);
                if let Some(draft) = place.and_then(|place| self.waiting.get_mut(place)) {
                    self.rows += 1;
                    add(draft, customer, item);
                    if self.order == Order::Time {
                        draft.at = draft.at.min(at);
                    }
                } else {
                    self.make_room(ready);
                    if self.grouping == Grouping::ByKeyWithinFile {
                        self.places.insert((store, receipt), self.waiting.len());
                    }
                    let what = DraftWhat::Receipt { receipt, customer, lines: vec![item] };
                    self.waiting.push(Draft { store, at, line, what });
                }
            }
            what @ What::Other { .. } => {
                self.make_room(ready);
                self.waiting.push(Draft { store, at, line, what: DraftWhat::Other(what) });
                if self.streams() {
                    self.flush(ready);
                }
            }
        }
        if self.rows >= self.window_rows {
            self.flush(ready);
        }
    }

    /// Gives on all that waits: at the end of a file.
    pub(crate) fn flush(&mut self, ready: &mut Vec<Draft>) {
        if self.order == Order::Time {
            self.waiting.sort_by_key(|draft| draft.at);
        }
        ready.append(&mut self.waiting);
        self.places.clear();
        self.rows = 0;
    }

    /// Where a waiting receipt is that has room for one more line.
    fn place_of(&self, store: StoreId, receipt: ReceiptId) -> Option<usize> {
        let place = match self.grouping {
            Grouping::ByKeyWithinFile => *self.places.get(&(store, receipt))?,
            Grouping::Consecutive => self.waiting.len().checked_sub(1)?,
        };
        let draft = self.waiting.get(place)?;
        match &draft.what {
            DraftWhat::Receipt { receipt: other, lines, .. }
                if draft.store == store && *other == receipt && lines.len() < MAX_RECEIPT_LINES =>
            {
                Some(place)
            }
            _ => None,
        }
    }

    /// Before an event is begun: where nothing need wait, what waits is complete.
    fn make_room(&mut self, ready: &mut Vec<Draft>) {
        if self.streams() {
            self.flush(ready);
        }
        self.rows += 1;
    }

    /// Whether nothing waits but the receipt of the last row.
    fn streams(&self) -> bool {
        (self.grouping, self.order) == (Grouping::Consecutive, Order::File)
    }
}

fn add(draft: &mut Draft, customer: Option<CustomerId>, item: ReceiptLine) {
    if let DraftWhat::Receipt { customer: first, lines, .. } = &mut draft.what {
        lines.push(item);
        if first.is_none() {
            *first = customer;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows as `receipt time` words; what they become as `receipt:time x lines`.
    fn grouped(event: &EventPart, rows: &str) -> String {
        let mut receipts = Receipts::new(event);
        let mut ready = Vec::new();
        for (line, row) in rows.split(", ").enumerate() {
            let (receipt, at) = row.split_once(' ').unwrap();
            let what = What::Line {
                receipt: ReceiptId::cut(receipt),
                customer: None,
                line: ReceiptLine::default(),
            };
            let at = Timestamp(at.parse().unwrap());
            receipts
                .push(Fact { store: StoreId::cut("S"), at, line: line as u64, what }, &mut ready);
        }
        receipts.flush(&mut ready);
        let words = ready.iter().map(|draft| match &draft.what {
            DraftWhat::Receipt { receipt, lines, .. } => {
                format!("{receipt}:{}x{}", draft.at.0, lines.len())
            }
            DraftWhat::Other(_) => "other".into(),
        });
        words.collect::<Vec<_>>().join(" ")
    }

    const ROWS: &str = "a 5, a 6, b 1, a 2";

    #[test]
    fn rows_that_follow_each_other_are_one_receipt() {
        let event = EventPart::default();
        assert_eq!(grouped(&event, ROWS), "a:5x2 b:1x1 a:2x1");
    }

    #[test]
    fn rows_of_a_file_are_one_receipt() {
        let event = EventPart { grouping: Grouping::ByKeyWithinFile, ..EventPart::default() };
        assert_eq!(grouped(&event, ROWS), "a:5x3 b:1x1");
        let event = EventPart { order: Order::Time, ..event };
        assert_eq!(grouped(&event, ROWS), "b:1x1 a:2x3");
    }

    #[test]
    fn a_full_window_is_given_on_and_no_row_is_lost() {
        let grouping = Grouping::ByKeyWithinFile;
        let event = EventPart { grouping, window_rows: 3, ..EventPart::default() };
        assert_eq!(grouped(&event, ROWS), "a:5x2 b:1x1 a:2x1");
    }

    #[test]
    fn a_receipt_over_the_limit_of_lines_goes_on_as_another() {
        let rows = vec!["a 1"; MAX_RECEIPT_LINES + 1].join(", ");
        for grouping in [Grouping::Consecutive, Grouping::ByKeyWithinFile] {
            let event = EventPart { grouping, ..EventPart::default() };
            assert_eq!(grouped(&event, &rows), format!("a:1x{MAX_RECEIPT_LINES} a:1x1"));
        }
    }
}
