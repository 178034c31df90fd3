//! The till: a sale consumes the customer's cart, then the shelf; lots leave by the code on the
//! receipt, else by soonest expiry.

use alloc::vec::Vec;

use crate::cart::{CartLine, MAX_CART_LINES};
use crate::effect::{Cause, Effects, Reason};
use crate::event::{Receipt, ReceiptLine};
use crate::ids::{CustomerId, SkuIndex};
use crate::lot::take;
use crate::quantity::{BasisPoints, MAX_EVENT_UNITS, MAX_PRICE_CENTS};
use crate::store::Store;
use crate::time::Timestamp;

/// The most lines of one receipt.
pub const MAX_RECEIPT_LINES: usize = 4_096;

impl Store {
    pub(crate) fn receipt(
        &mut self,
        receipt: &Receipt,
        at: Timestamp,
        fx: &mut Effects,
    ) -> Result<(), Reason> {
        self.check_receipt(receipt)?;
        let customer = receipt.customer.unwrap_or_default();
        self.windows.begin_receipt(customer);
        self.fact_receipt(customer, at, receipt.lines.len());
        for line in &receipt.lines {
            let index = self.find(line.sku)?;
            self.windows.sell(index, line, at.0, self.now.0);
            self.fact_line(index, line);
            self.judge_line(index, line, fx);
            if line.units > 0 {
                self.sell(line, customer, at, fx)?;
            } else {
                self.take_back(line, at, fx)?;
            }
        }
        if !customer.is_empty() {
            self.carts.entry(customer).touch(at);
            self.arm_cart(customer);
        }
        let total: i64 = receipt.lines.iter().map(|line| line.total_cents).sum();
        self.takings_cents = self.takings_cents.saturating_add(total);
        self.stats.receipts += 1;
        self.judge_receipt(receipt, fx);
        Ok(())
    }

    /// A receipt is taken whole or not at all.
    fn check_receipt(&self, receipt: &Receipt) -> Result<(), Reason> {
        let customer = receipt.customer.unwrap_or_default();
        if receipt.lines.is_empty() {
            return Err(Reason::NoUnits);
        }
        if receipt.lines.len() > MAX_RECEIPT_LINES || !self.carts.has_room(customer) {
            return Err(Reason::LimitReached);
        }
        let mut all_units = 0_u64;
        for line in &receipt.lines {
            let index = self.find(line.sku)?;
            if line.units == 0 {
                return Err(Reason::NoUnits);
            }
            let units = u64::from(line.units.unsigned_abs());
            all_units += units;
            if all_units > u64::from(MAX_EVENT_UNITS) {
                return Err(Reason::TooManyUnits);
            }
            let most_cents = units * MAX_PRICE_CENTS as u64;
            if !(0..=MAX_PRICE_CENTS).contains(&line.unit_price_cents)
                || line.total_cents.unsigned_abs() > most_cents
            {
                return Err(Reason::AbsurdMoney);
            }
            if line.discount > BasisPoints::WHOLE {
                return Err(Reason::AbsurdPart);
            }
            self.check_room(index)?;
        }
        self.check_cart_lines(customer, &receipt.lines)
    }

    /// Whether the customer's cart can take all lines of a receipt.
    fn check_cart_lines(&self, customer: CustomerId, lines: &[ReceiptLine]) -> Result<(), Reason> {
        let cart = self.carts.get(customer);
        let kept = cart.map_or(0, |cart| cart.lines.len());
        if customer.is_empty() || kept + lines.len() <= MAX_CART_LINES {
            return Ok(());
        }
        let mut more: Vec<SkuIndex> = lines.iter().filter_map(|l| self.find(l.sku).ok()).collect();
        more.retain(|&index| cart.is_none_or(|cart| !cart.holds(index)));
        more.sort_unstable();
        more.dedup();
        if kept + more.len() > MAX_CART_LINES { Err(Reason::LimitReached) } else { Ok(()) }
    }

    fn sell(
        &mut self,
        line: &ReceiptLine,
        customer: CustomerId,
        at: Timestamp,
        fx: &mut Effects,
    ) -> Result<(), Reason> {
        let index = self.find(line.sku)?;
        let units = line.units.unsigned_abs();
        let nameless = customer.is_empty();
        let mut none = CartLine::default();
        let known = if nameless {
            self.carts.get_mut(customer).and_then(|cart| cart.known_line(index))
        } else {
            self.carts.entry(customer).line(index)
        };
        let cart_line = known.unwrap_or(&mut none);
        let shelf = &mut self.shelves[index];

        let held = take(&mut cart_line.held_units, units);
        shelf.cart_units -= held;
        let written_off = take(&mut cart_line.written_off_units, units - held);
        let ahead = units - held - written_off;
        let short = ahead - take(&mut shelf.floor_units, ahead);
        if !nameless {
            cart_line.paid_ahead_units = cart_line.paid_ahead_units.saturating_add(ahead);
        }
        shelf.ledger.sold += u64::from(units);
        shelf.ledger.take_money(line.total_cents);
        shelf.demand.sold_today = shelf.demand.sold_today.saturating_add(units);
        let lacking = self.lots[index].take_floor(units - written_off, line.lot);
        shelf.lot_gap_units = (shelf.lot_gap_units + short).wrapping_sub(lacking);

        self.sold_unseen(index, ahead, fx);
        self.explain(index, -i64::from(written_off), Cause::PaidLate, fx);
        self.explain(index, -i64::from(short), Cause::Oversold, fx);
        self.floor_changed(index, at, fx);
        self.lots_left(index, fx);
        Ok(())
    }

    fn take_back(
        &mut self,
        line: &ReceiptLine,
        at: Timestamp,
        fx: &mut Effects,
    ) -> Result<(), Reason> {
        let index = self.find(line.sku)?;
        let units = line.units.unsigned_abs();
        let shelf = &mut self.shelves[index];
        shelf.ledger.returned += u64::from(units);
        shelf.ledger.take_money(line.total_cents);
        shelf.floor_units += units;
        shelf.lot_gap_units += self.lots[index].add_floor(units, line.lot);
        self.floor_changed(index, at, fx);
        Ok(())
    }
}
