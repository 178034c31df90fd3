//! Point-of-sale transactions: what a customer pays, and what comes back.

use shelf_domain::{CustomerId, LotCode, MAX_EVENT_UNITS, MAX_PRICE_CENTS, Receipt, ReceiptLine};

use super::carts::cart_key;
use super::{Model, Reason};

const MAX_LINES: usize = 4_096;
const WHOLE: u32 = 10_000;

impl Model {
    pub(super) fn receipt(&mut self, receipt: &Receipt, at: i64) -> Result<(), Reason> {
        if receipt.lines.is_empty() {
            return Err("no_units");
        }
        if receipt.lines.len() > MAX_LINES {
            return Err("limit_reached");
        }
        for line in &receipt.lines {
            self.room(line.sku)?;
            check_line(line)?;
        }
        let units: u64 =
            receipt.lines.iter().map(|line| u64::from(line.units.unsigned_abs())).sum();
        if units > u64::from(MAX_EVENT_UNITS) {
            return Err("too_many_units");
        }
        self.touch(receipt.customer, at);
        for line in &receipt.lines {
            if line.units > 0 {
                self.sale(receipt.customer, line)?;
            } else {
                self.customer_return(line)?;
            }
        }
        Ok(())
    }

    fn sale(&mut self, customer: Option<CustomerId>, sold: &ReceiptLine) -> Result<(), Reason> {
        let units = i64::from(sold.units);
        let on_floor = self.book(sold.sku)?.floor;
        let line = self.line(customer, sold.sku.as_str());
        let from_cart = units.min(line.held);
        let rest = units - from_cart;
        let late = rest.min(line.written_off);
        let rest = rest - late;
        let from_floor = rest.min(on_floor);
        let oversold = rest - from_floor;
        line.held -= from_cart;
        line.written_off -= late;
        if cart_key(customer).is_some() {
            line.paid_ahead += from_floor + oversold;
        }
        let book = self.book(sold.sku)?;
        book.floor -= from_floor;
        book.unexplained -= late + oversold;
        book.sold += units;
        book.revenue_cents = book.revenue_cents.saturating_add(sold.total_cents);
        let named = sold.lot.as_ref().map(LotCode::as_str);
        book.lot_gap += oversold - book.take_floor(units - late, named);
        Ok(())
    }

    fn customer_return(&mut self, back: &ReceiptLine) -> Result<(), Reason> {
        let units = -i64::from(back.units);
        let book = self.book(back.sku)?;
        book.returned += units;
        book.floor += units;
        book.revenue_cents = book.revenue_cents.saturating_add(back.total_cents);
        let named = back.lot.as_ref().map(LotCode::as_str);
        book.lot_gap += book.add_floor(units, named);
        Ok(())
    }
}

fn check_line(line: &ReceiptLine) -> Result<(), Reason> {
    let units = line.units.unsigned_abs();
    if units == 0 {
        return Err("no_units");
    }
    if units > MAX_EVENT_UNITS {
        return Err("too_many_units");
    }
    let most = i64::from(units) * MAX_PRICE_CENTS;
    let price_fits = (0..=MAX_PRICE_CENTS).contains(&line.unit_price_cents);
    if !price_fits || !(-most..=most).contains(&line.total_cents) {
        return Err("absurd_amount");
    }
    if line.discount.0 > WHOLE {
        return Err("absurd_part");
    }
    Ok(())
}
