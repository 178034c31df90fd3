//! Visits, and what becomes of a cart when its customer has gone.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::cart::Cart;
use crate::effect::{Cause, Effects, Reason};
use crate::event::Session;
use crate::ids::CustomerId;
use crate::store::Store;
use crate::time::{HOUR, MINUTE, Timestamp};
use crate::timer::{Timer, Timers};

/// The longest visit that a session may announce.
pub const MAX_VISIT_US: i64 = 24 * HOUR;
/// So long after closing nobody is in the store any more, whatever exits were seen.
pub const CLOSING_GRACE_US: i64 = 30 * MINUTE;
/// The most customers that are counted as in the store at once.
pub const MAX_PRESENT: usize = 65_536;

/// Who is in the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visits {
    /// Customers in the store now: entries less exits, less those whose exit was never seen.
    pub present: u32,
    /// The most that were in the store at once today.
    pub peak_today: u32,
    /// Entries today.
    pub entries_today: u32,
}

/// When those who are in the store came, the earliest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Inside {
    since: Vec<Timestamp>,
}

impl Inside {
    fn enter(&mut self, at: Timestamp) {
        if self.since.len() < MAX_PRESENT {
            let place = self.since.partition_point(|&since| since <= at);
            self.since.insert(place, at);
        }
    }

    /// Somebody leaves: of those who came before, the last. So those whose exit is lost become the
    /// longest there, and are given up.
    fn leave(&mut self, at: Timestamp) {
        let before = self.since.partition_point(|&since| since <= at);
        if before > 0 {
            self.since.remove(before - 1);
        }
    }

    /// The one who came then leaves, if still there.
    fn leave_who_came(&mut self, at: Timestamp) {
        if let Ok(place) = self.since.binary_search(&at) {
            self.since.remove(place);
        }
    }

    /// Gives up those who came by `until`; how many.
    fn give_up(&mut self, until: Timestamp) -> u64 {
        let gone = self.since.partition_point(|&since| since <= until);
        self.since.drain(..gone);
        gone as u64
    }
}

impl Store {
    pub(crate) fn customer_enters(&mut self, customer: Option<CustomerId>, at: Timestamp) {
        self.count_entry(at);
        let Some(customer) = customer else { return };
        if let Some(cart) = self.carts.get_mut(customer) {
            cart.exit_at = cart.exit_at.filter(|&exit_at| exit_at > at);
            self.arm_cart(customer);
        }
    }

    pub(crate) fn customer_leaves(
        &mut self,
        customer: Option<CustomerId>,
        at: Timestamp,
        fx: &mut Effects,
    ) {
        self.visits_lapse(self.now.plus(-MAX_VISIT_US));
        self.inside.leave(at);
        self.count_exit();
        self.judge_tills(fx);
        if let Some(customer) = customer {
            self.expect_exit(customer, at);
        }
    }

    pub(crate) fn session(&mut self, session: &Session, at: Timestamp) -> Result<(), Reason> {
        if session.customer.is_empty() {
            return Err(Reason::EmptyId);
        }
        let stay = session.exit_at.since(at);
        if !(0..=MAX_VISIT_US).contains(&stay) {
            return Err(Reason::AbsurdTime);
        }
        if !self.carts.has_room(session.customer) {
            return Err(Reason::LimitReached);
        }
        self.count_entry(at);
        let cart = self.carts.entry(session.customer);
        cart.exit_at = Some(session.exit_at);
        cart.reopened = false;
        self.arm_cart(session.customer);
        self.timers.set(session.exit_at, Timer::Leave(at));
        Ok(())
    }

    /// The end of a session that began at `entered_at`.
    pub(crate) fn session_ends(&mut self, entered_at: Timestamp, fx: &mut Effects) {
        self.inside.leave_who_came(entered_at);
        self.count_exit();
        self.judge_tills(fx);
    }

    fn count_exit(&mut self) {
        self.visits.present = self.inside.since.len() as u32;
        self.stats.exits += 1;
    }

    /// Whoever came by `until` and was not seen leaving has left.
    pub(crate) fn visits_lapse(&mut self, until: Timestamp) {
        self.stats.exits_missed += self.inside.give_up(until);
        self.visits.present = self.inside.since.len() as u32;
    }

    fn count_entry(&mut self, at: Timestamp) {
        self.visits_lapse(self.now.plus(-MAX_VISIT_US));
        self.inside.enter(at);
        self.visits.present = self.inside.since.len() as u32;
        self.visits.peak_today = self.visits.peak_today.max(self.visits.present);
        self.visits.entries_today += 1;
        self.stats.entries += 1;
        self.facts.store().visits += 1;
    }

    fn expect_exit(&mut self, customer: CustomerId, at: Timestamp) {
        if customer.is_empty() || !self.carts.has_room(customer) {
            return;
        }
        let cart = self.carts.entry(customer);
        cart.exit_at = Some(at);
        cart.reopened = false;
        self.arm_cart(customer);
    }

    fn arm_cart(&mut self, customer: CustomerId) {
        if let Some(cart) = self.carts.get_mut(customer) {
            arm(cart, customer, &mut self.timers);
        }
    }

    /// Looks at a cart: writes off what is unpaid at its deadline, forgets it when nothing can come
    /// any more.
    pub(crate) fn cart_due(&mut self, customer: CustomerId, fx: &mut Effects) {
        let now = self.now;
        let Some(cart) = self.carts.get_mut(customer) else { return };
        if cart.armed_at.is_some_and(|armed| armed <= now) {
            cart.armed_at = None;
        }
        if cart.deadline() > now {
            return self.arm_cart(customer);
        }
        if cart.closed_at.is_some() {
            self.carts.remove(customer);
            return;
        }
        cart.closed_at = Some(now);
        self.write_off(customer, fx);
        let owed = |cart: &crate::Cart| cart.lines.iter().any(|line| line.written_off_units > 0);
        if self.carts.get(customer).is_some_and(owed) {
            self.arm_cart(customer);
        } else {
            self.carts.remove(customer);
        }
    }

    /// What the customer holds has left the shop unpaid.
    pub(crate) fn write_off(&mut self, customer: CustomerId, fx: &mut Effects) {
        let Some(mut cart) = self.carts.remove(customer) else { return };
        for line in &mut cart.lines {
            let units = core::mem::take(&mut line.held_units);
            line.paid_ahead_units = 0;
            if units == 0 {
                continue;
            }
            line.written_off_units = line.written_off_units.saturating_add(units);
            let shelf = &mut self.shelves[line.sku];
            shelf.cart_units -= units;
            let lacking = self.lots[line.sku].take_floor(units, None);
            shelf.lot_gap_units = shelf.lot_gap_units.wrapping_sub(lacking);
            fx.touched.push(line.sku);
            self.explain(line.sku, i64::from(units), Cause::Unscanned, fx);
            self.lots_left(line.sku, fx);
        }
        if !customer.is_empty() {
            *self.carts.entry(customer) = cart;
        }
    }
}

/// Has a timer look at the customer's cart no later than its deadline. The cart of no customer has
/// none.
pub(crate) fn arm(cart: &mut Cart, customer: CustomerId, timers: &mut Timers) {
    if customer.is_empty() {
        return;
    }
    let deadline = cart.deadline();
    if cart.armed_at.is_none_or(|armed| deadline < armed) {
        cart.armed_at = Some(deadline);
        timers.set(deadline, Timer::Cart(customer));
    }
}
