//! Whether events agree with themselves, and when each sku was last heard of. What is counted here
//! never decides whether an event is accepted.

use serde::{Deserialize, Serialize};

use crate::event::{Body, Receipt, ReceiptLine};
use crate::quantity::BasisPoints;
use crate::store::Store;
use crate::time::Timestamp;

/// By how much a line's total may differ from its price times its units, in cents.
pub const TOTAL_TOLERANCE_CENTS: i64 = 1;

/// What the accepted receipts of a store say of themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consistency {
    /// Lines that were looked at.
    pub lines: u64,
    /// Of these, lines whose total is not unit price x units x (1 - discount), within a cent.
    pub wrong_totals: u64,
    /// Lines that sell for less than nothing, or pay for a return.
    pub negative_totals: u64,
}

impl Consistency {
    fn add(&mut self, receipt: &Receipt) {
        for line in &receipt.lines {
            self.lines += 1;
            self.wrong_totals += u64::from(!total_fits(line));
            let negative = i64::from(line.units).signum() * line.total_cents.signum() < 0;
            self.negative_totals += u64::from(negative);
        }
    }
}

/// Tills cut the sum of a line, or round the price of a unit first: either is right.
fn total_fits(line: &ReceiptLine) -> bool {
    let whole = i128::from(BasisPoints::WHOLE.0);
    let units = i128::from(line.units);
    let unit = i128::from(line.unit_price_cents) * (whole - i128::from(line.discount.0));
    let total = i128::from(line.total_cents) * whole;
    let near = |wanted: i128| (total - wanted).abs() <= i128::from(TOTAL_TOLERANCE_CENTS) * whole;
    let rounded = (unit + whole / 2).div_euclid(whole) * whole;
    near(unit * units) || near(rounded * units)
}

impl Store {
    /// Notes what an accepted event says of its own quality, and that its skus were heard of.
    pub(crate) fn note_quality(&mut self, body: &Body, at: Timestamp) {
        match body {
            Body::Receipt(receipt) => self.stats.consistency.add(receipt),
            Body::Pickup(_) | Body::Putback(_) | Body::WeightChange(_) => {}
            _ => return,
        }
        for &index in &self.named {
            let heard_at = &mut self.shelves[index].heard_at;
            *heard_at = (*heard_at).max(Some(at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(units: i32, unit_price_cents: i64, discount: u32, total_cents: i64) -> ReceiptLine {
        let discount = BasisPoints(discount);
        ReceiptLine { units, unit_price_cents, discount, total_cents, ..ReceiptLine::default() }
    }

    #[test]
    fn a_total_may_be_a_cent_off_and_no_more() {
        assert!(total_fits(&line(3, 99, 0, 297)));
        assert!(total_fits(&line(3, 99, 0, 298)) && !total_fits(&line(3, 99, 0, 299)));
        assert!(total_fits(&line(1, 99, 3_333, 66)) && !total_fits(&line(1, 99, 3_333, 64)));
        // 0.87 a unit, where a unit comes to 0.865: each way of rounding has its sum.
        assert!(
            total_fits(&line(40, 173, 5_000, 3_460)) && total_fits(&line(40, 173, 5_000, 3_480))
        );
        assert!(!total_fits(&line(40, 173, 5_000, 3_470)));
        assert!(total_fits(&line(-2, 150, 0, -300)) && !total_fits(&line(-2, 150, 0, 300)));
        assert!(total_fits(&line(i32::MAX, i64::MAX / 4, 10_000, 0)));
    }

    #[test]
    fn what_does_not_agree_is_counted() {
        let lines = [line(2, 100, 0, 200), line(2, 100, 0, 150), line(1, 100, 0, -100)];
        let mut counts = Consistency::default();
        counts.add(&Receipt { lines: lines.to_vec(), ..Receipt::default() });
        assert_eq!(counts, Consistency { lines: 3, wrong_totals: 2, negative_totals: 1 });
    }
}
