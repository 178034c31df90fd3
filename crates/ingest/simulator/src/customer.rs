//! Customers: they come, take what they want and find, put some of it back, pay, and leave.

use serde::{Deserialize, Serialize};
use shelf_domain::{
    Body, CustomerId, PriceNotice, Receipt, ReceiptId, ReceiptLine, SECOND, Session, SkuIndex,
    Timestamp, price_after,
};

use crate::agenda::Action;
use crate::chance::{Dice, hash};
use crate::floor_care::Stray;
use crate::town::{State, StoreTown};
use crate::traffic::{shelf_acts, visit_length};

/// How often an act is a pickup; the others are putbacks.
const PICKUPS: f64 = 0.85;
/// How often a customer who finds an empty shelf takes something like it.
const SUBSTITUTES: f64 = 0.4;
/// The first act comes this long after the entry, the last this long before the exit.
const FIRST_ACT_US: i64 = 60 * SECOND;
const LAST_ACT_US: i64 = 30 * SECOND;
/// A customer pays this long before the exit.
const PAY_US: i64 = 15 * SECOND;
/// A customer in a hurry still needs this long for an act.
const ACT_US: i64 = 15 * SECOND;
/// Devices tell time in thousandths of a second.
const MILLI_US: i64 = 1_000;

/// Units of one lot in a cart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct CartLine {
    index: SkuIndex,
    lot: u32,
    units: u32,
    /// Of these, units that will not be paid.
    hidden: u32,
}

/// A customer in the store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Visit {
    number: u64,
    customer: CustomerId,
    cart: Vec<CartLine>,
    /// The door has told of the exit already.
    told_whole: bool,
}

/// The customers in the store, and places for more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Visits {
    places: Vec<Visit>,
    free: Vec<u32>,
    began: u64,
}

impl Visits {
    fn get_mut(&mut self, place: u32) -> Option<&mut Visit> {
        self.places.get_mut(place as usize)
    }

    fn begin(&mut self, visit: Visit) -> u32 {
        if let Some(place) = self.free.pop()
            && let Some(empty) = self.places.get_mut(place as usize)
        {
            *empty = visit;
            return place;
        }
        self.places.push(visit);
        self.places.len() as u32 - 1
    }

    /// Units in all carts.
    pub(crate) fn units(&self) -> u64 {
        self.places.iter().flat_map(|visit| &visit.cart).map(|line| u64::from(line.units)).sum()
    }
}

/// How many units of one thing a customer wants to take.
fn wanted_units(dice: &mut Dice) -> u32 {
    match dice.below(10) {
        0..6 => 1,
        6..9 => 2,
        _ => 3,
    }
}

impl StoreTown {
    /// A customer comes in and decides how long to stay and how much to do.
    pub(crate) fn arrive(&mut self, at: Timestamp) {
        self.state.visits.began += 1;
        let number = self.state.visits.began;
        let customer = CustomerId::cut(&self.uuid("customer", number));
        let told_whole = self.tells_whole(number);
        let dice = &mut self.state.dice.customers;
        let latest = self.state.today.closes_at.plus(-SECOND);
        let leaves_at = at.plus(visit_length(dice) / MILLI_US * MILLI_US).min(latest);
        let span = leaves_at.since(at) - FIRST_ACT_US - LAST_ACT_US;
        let acts = shelf_acts(dice).min(span / ACT_US).max(0);
        let visit = Visit { number, customer, cart: Vec::new(), told_whole };
        let place = self.state.visits.begin(visit);
        for _ in 0..acts {
            let after = dice.between(0, span / MILLI_US) * MILLI_US;
            self.state.agenda.plan(at.plus(FIRST_ACT_US + after), Action::Act(place));
        }
        self.state.agenda.plan(leaves_at.plus(-PAY_US), Action::Pay(place));
        self.state.agenda.plan(leaves_at, Action::Leave(place));
        self.state.truth.visits += 1;
        if told_whole {
            self.state.truth.sessions += 1;
            self.tell(at, Body::Session(Session { customer, exit_at: leaves_at }));
        } else {
            self.tell(at, Body::Entry(Some(customer)));
        }
    }

    /// Whether the door tells a visit in one message. It follows from the visit's number: no stream
    /// of chance moves.
    fn tells_whole(&self, number: u64) -> bool {
        let State { options, index, .. } = &self.state;
        Dice::new(options.seed, *index, "sessions", number).chance(options.realism.sessions)
    }

    /// One act of a customer at a shelf.
    pub(crate) fn shop(&mut self, at: Timestamp, place: u32) {
        let dice = &mut self.state.dice.customers;
        if dice.chance(PICKUPS) {
            let units = wanted_units(dice);
            self.want(at, place, units);
        } else {
            self.put_back(at, place);
        }
    }

    /// A customer wants units of something, and takes what there is of it.
    fn want(&mut self, at: Timestamp, place: u32, units: u32) {
        let index = self.choose();
        let there = self.state.stock.get(index.at()).map_or(0, |stock| stock.floor);
        let truth = &mut self.state.truth;
        truth.demand_units += u64::from(units);
        truth.lost_units += u64::from(units.saturating_sub(there));
        if there > 0 {
            self.take(at, place, index, units);
        } else if self.state.dice.customers.chance(SUBSTITUTES)
            && let Some(other) = self.substitute(index)
        {
            let taken = self.take(at, place, other, units);
            self.state.truth.substitute_units += u64::from(taken);
        }
    }

    fn take(&mut self, at: Timestamp, place: u32, index: SkuIndex, wanted: u32) -> u32 {
        let unscanned = self.state.options.realism.unscanned;
        let state = &mut self.state;
        let (Some(visit), Some(stock)) =
            (state.visits.get_mut(place), state.stock.get_mut(index.at()))
        else {
            return 0;
        };
        let mut taken = 0;
        while taken < wanted
            && let Some((lot, units)) = stock.grab(wanted - taken, &mut state.dice.customers)
        {
            taken += units;
            let hidden = (0..units).filter(|_| state.dice.quirks.chance(unscanned)).count() as u32;
            match visit.cart.iter_mut().find(|line| line.index == index && line.lot == lot) {
                Some(line) => {
                    line.units += units;
                    line.hidden += hidden;
                }
                None => visit.cart.push(CartLine { index, lot, units, hidden }),
            }
        }
        let customer = visit.customer;
        state.truth.picked_units += u64::from(taken);
        state.truth.sold_out += u64::from(stock.floor == 0);
        self.sense(at, Some(customer), index, -i64::from(taken));
        taken
    }

    /// A customer puts back some units of one thing in the cart, at times on a wrong shelf.
    fn put_back(&mut self, at: Timestamp, place: u32) {
        let state = &mut self.state;
        let Some(visit) = state.visits.get_mut(place) else { return };
        let nth = state.dice.customers.below(visit.cart.len() as u32) as usize;
        let Some(line) = visit.cart.get_mut(nth) else { return };
        let units = state.dice.customers.between(1, i64::from(line.units)) as u32;
        line.units -= units;
        line.hidden = line.hidden.min(line.units);
        let (index, lot, customer) = (line.index, line.lot, visit.customer);
        if line.units == 0 {
            visit.cart.remove(nth);
        }
        state.truth.returned_units += u64::from(units);
        let misplaced = state.dice.quirks.chance(state.options.realism.misplaced);
        match self.wrong_shelf(index).filter(|_| misplaced) {
            Some(on) => {
                self.state.strays.push(Stray { on, index, lot, units });
                self.state.truth.misplaced_units += u64::from(units);
                let grams = self.item(index).map_or(0, |item| i64::from(item.unit_g));
                let units = i64::from(units);
                self.sense_grams(at, Some(customer), on, units, units * grams);
            }
            None => {
                if let Some(stock) = self.stock_mut(index) {
                    stock.put(lot, units);
                }
                self.sense(at, Some(customer), index, i64::from(units));
            }
        }
    }

    /// Another shelf of the same category.
    fn wrong_shelf(&mut self, index: SkuIndex) -> Option<SkuIndex> {
        let group = self.world.catalogue.groups.get(self.item(index)?.group as usize)?;
        let steps = 1 + self.state.dice.quirks.below(group.skus.saturating_sub(1));
        let other = group.first + (index.0 - group.first + steps) % group.skus.max(1);
        (other != index.0).then_some(SkuIndex(other))
    }

    /// A customer pays for what the till sees of the cart.
    pub(crate) fn pay(&mut self, at: Timestamp, place: u32) {
        let state = &mut self.state;
        let Some(visit) = state.visits.get_mut(place) else { return };
        let (customer, number) = (visit.customer, visit.number);
        let cart = core::mem::take(&mut visit.cart);
        let mut lines = Vec::with_capacity(cart.len());
        for line in &cart {
            let Some(stock) = state.stock.get_mut(line.index.at()) else { continue };
            let Some(item) = self.world.catalogue.item(line.index) else { continue };
            let Some(lot) = stock.lot(line.lot).copied() else { continue };
            let paid = line.units - line.hidden;
            let price = price_after(stock.list_cents, stock.promotion, lot.markdown);
            stock.gone(line.lot, line.units);
            state.truth.stolen_units += u64::from(line.hidden);
            state.truth.sold_units += u64::from(paid);
            if paid > 0 {
                lines.push(ReceiptLine {
                    sku: item.sku,
                    units: paid as i32,
                    unit_price_cents: stock.list_cents,
                    discount: stock.promotion.then(lot.markdown),
                    total_cents: price * i64::from(paid),
                    lot: Some(lot.code),
                });
            }
        }
        if lines.is_empty() {
            return;
        }
        state.truth.receipts += 1;
        state.truth.revenue_cents += lines.iter().map(|line| line.total_cents).sum::<i64>();
        let receipt = ReceiptId::cut(&self.uuid("receipt", number));
        let receipt = Receipt { receipt, customer: Some(customer), lines, ..Receipt::default() };
        self.tell(at, Body::Receipt(Box::new(receipt)));
    }

    /// A customer leaves.
    pub(crate) fn leave(&mut self, at: Timestamp, place: u32) {
        let Some(visit) = self.state.visits.get_mut(place) else { return };
        let visit = core::mem::take(visit);
        self.state.visits.free.push(place);
        if !visit.told_whole {
            self.tell(at, Body::Exit(Some(visit.customer)));
        }
    }

    /// The till and the labels show the price that the core announced.
    pub(crate) fn note_price(&mut self, notice: &PriceNotice) {
        let Some(index) = self.world.catalogue.find(&notice.sku) else { return };
        let Some(stock) = self.stock_mut(index) else { return };
        stock.list_cents = notice.list_cents;
        stock.promotion = notice.promotion;
        if let Some(lot) = notice.lot.and_then(|code| stock.by_code(&code)) {
            lot.markdown = notice.markdown;
        }
        stock.look_at_prices();
        self.choice.outdate();
    }

    /// A text in the form of a random UUID.
    fn uuid(&self, kind: &str, number: u64) -> String {
        let bits = hash(self.state.options.seed, self.state.index, kind, number);
        let (head, middle) = ((bits >> 96) as u32, (bits >> 80) as u16);
        let (third, fourth) = ((bits >> 64) & 0xfff, (bits >> 48) & 0x3fff | 0x8000);
        let tail = bits & 0xffff_ffff_ffff;
        format!("{head:08x}-{middle:04x}-4{third:03x}-{fourth:04x}-{tail:012x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_in_ten_take_one_three_take_two_and_one_takes_three() {
        let (mut dice, mut counts) = (Dice::new(5, 0, "units", 0), [0_u32; 3]);
        for _ in 0..100_000 {
            counts[wanted_units(&mut dice) as usize - 1] += 1;
        }
        for (count, percent) in counts.into_iter().zip([60, 30, 10]) {
            assert!((f64::from(count) / 1_000.0 - f64::from(percent)).abs() < 0.6, "{counts:?}");
        }
    }
}
