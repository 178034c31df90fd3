//! The till: a sale consumes the customer's cart, then the shelf; lots leave by the code on the
//! receipt, else by soonest expiry.

use crate::cart::{CartLine, MAX_CART_LINES};
use crate::effect::{Cause, Effects, Reason};
use crate::event::{Receipt, ReceiptLine};
use crate::ids::{CustomerId, SkuIndex};
use crate::lot::take;
use crate::quantity::{BasisPoints, MAX_EVENT_UNITS, MAX_PRICE_CENTS};
use crate::store::Store;
use crate::time::Timestamp;
use crate::visits::arm;

/// The most lines of one receipt.
pub const MAX_RECEIPT_LINES: usize = 4_096;

impl Store {
    pub(crate) fn receipt(
        &mut self,
        receipt: &Receipt,
        at: Timestamp,
        fx: &mut Effects,
    ) -> Result<(), Reason> {
        let named = core::mem::take(&mut self.named);
        let taken = self.check_receipt(receipt, &named).map(|()| {
            self.windows.begin_receipt(receipt.customer.unwrap_or_default());
            self.fact_receipt(receipt, at);
            self.take_lines(receipt, &named, at, fx);
        });
        self.named = named;
        taken?;
        let total: i64 = receipt.lines.iter().map(|line| line.total_cents).sum();
        self.takings_cents = self.takings_cents.saturating_add(total);
        self.stats.receipts += 1;
        self.judge_receipt(receipt, fx);
        Ok(())
    }

    fn take_lines(
        &mut self,
        receipt: &Receipt,
        named: &[SkuIndex],
        at: Timestamp,
        fx: &mut Effects,
    ) {
        let customer = receipt.customer.unwrap_or_default();
        // The carts stand aside, so that one look-up of the customer's serves all lines.
        let mut carts = core::mem::take(&mut self.carts);
        let mut cart =
            if customer.is_empty() { carts.get_mut(customer) } else { Some(carts.entry(customer)) };
        for (line, &index) in receipt.lines.iter().zip(named) {
            self.windows.sell(index, line, at.0, self.now.0);
            self.fact_line(index, line);
            self.judge_line(index, line, fx);
            if line.units > 0 {
                let cart_line = match &mut cart {
                    Some(cart) if customer.is_empty() => cart.known_line(index),
                    Some(cart) => cart.line(index),
                    None => None,
                };
                let mut none = CartLine::default();
                let cart_line = cart_line.unwrap_or(&mut none);
                let ahead = self.sell(index, line, cart_line, at, fx);
                if !customer.is_empty() {
                    cart_line.paid_ahead_units = cart_line.paid_ahead_units.saturating_add(ahead);
                }
            } else {
                self.take_back(index, line, at, fx);
            }
        }
        if let Some(cart) = cart.filter(|_| !customer.is_empty()) {
            cart.touch(at);
            arm(cart, customer, &mut self.timers);
        }
        self.carts = carts;
    }

    /// A receipt is taken whole or not at all.
    fn check_receipt(&self, receipt: &Receipt, named: &[SkuIndex]) -> Result<(), Reason> {
        let customer = receipt.customer.unwrap_or_default();
        if receipt.lines.is_empty() {
            return Err(Reason::NoUnits);
        }
        if receipt.lines.len() > MAX_RECEIPT_LINES || !self.carts.has_room(customer) {
            return Err(Reason::LimitReached);
        }
        let mut all_units = 0_u64;
        for (line, &index) in receipt.lines.iter().zip(named) {
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
        self.check_cart_lines(customer, named)
    }

    /// Whether the customer's cart can take all lines of a receipt.
    fn check_cart_lines(&self, customer: CustomerId, named: &[SkuIndex]) -> Result<(), Reason> {
        let cart = self.carts.get(customer);
        let kept = cart.map_or(0, |cart| cart.lines.len());
        if customer.is_empty() || kept + named.len() <= MAX_CART_LINES {
            return Ok(());
        }
        let mut more = named.to_vec();
        more.retain(|&index| cart.is_none_or(|cart| !cart.holds(index)));
        more.sort_unstable();
        more.dedup();
        if kept + more.len() > MAX_CART_LINES { Err(Reason::LimitReached) } else { Ok(()) }
    }

    /// Sells a line out of the customer's cart, then off the shelf. Returns the units that the cart
    /// did not have.
    fn sell(
        &mut self,
        index: SkuIndex,
        line: &ReceiptLine,
        cart_line: &mut CartLine,
        at: Timestamp,
        fx: &mut Effects,
    ) -> u32 {
        let units = line.units.unsigned_abs();
        let shelf = &mut self.shelves[index];

        let held = take(&mut cart_line.held_units, units);
        shelf.cart_units -= held;
        let written_off = take(&mut cart_line.written_off_units, units - held);
        let ahead = units - held - written_off;
        let short = ahead - take(&mut shelf.floor_units, ahead);
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
        ahead
    }

    fn take_back(&mut self, index: SkuIndex, line: &ReceiptLine, at: Timestamp, fx: &mut Effects) {
        let units = line.units.unsigned_abs();
        let shelf = &mut self.shelves[index];
        shelf.ledger.returned += u64::from(units);
        shelf.ledger.take_money(line.total_cents);
        shelf.floor_units += units;
        shelf.lot_gap_units += self.lots[index].add_floor(units, line.lot);
        self.floor_changed(index, at, fx);
    }
}
