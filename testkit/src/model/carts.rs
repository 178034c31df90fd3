//! Carts and visits: what customers hold, when they are due, and what happens to what they did not
//! pay.

use std::collections::BTreeMap;

use shelf_domain::{CustomerId, HOUR, MINUTE};

use super::Model;

const AFTER_EXIT: i64 = 15 * MINUTE;
const AFTER_TOUCH: i64 = 3 * HOUR;
const KEPT_AFTER_WRITE_OFF: i64 = 24 * HOUR;

/// One sku in a cart.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Line {
    pub(super) held: i64,
    pub(super) paid_ahead: i64,
    pub(super) written_off: i64,
}

/// What one customer holds and owes.
#[derive(Clone, Debug, Default)]
pub(super) struct Cart {
    pub(super) lines: BTreeMap<String, Line>,
    /// When the customer leaves, where that is known.
    exit: Option<i64>,
    /// The latest touch since the last write-off.
    touch: Option<i64>,
    /// Whether it was touched after a write-off, and no exit came since that touch.
    reopened: bool,
    /// When the cart is written off; never, where nothing happened since the last write-off.
    pub(super) deadline: Option<i64>,
    written_off_at: Option<i64>,
}

impl Cart {
    /// Every number of units that the cart keeps for `sku`.
    pub(super) fn units_of(&self, sku: &str) -> Vec<i64> {
        let line = self.lines.get(sku);
        line.map_or(Vec::new(), |line| vec![line.held, line.paid_ahead, line.written_off])
    }

    /// When the cart is forgotten, where nothing happens until then.
    pub(super) fn forgotten_at(&self) -> Option<i64> {
        match (self.deadline, self.written_off_at) {
            (None, Some(at)) => Some(at + KEPT_AFTER_WRITE_OFF),
            _ => None,
        }
    }

    fn touched(&mut self, at: i64) {
        let touch = self.touch.map_or(at, |before| before.max(at));
        self.reopened |= self.written_off_at.is_some() && self.touch.is_none();
        self.touch = Some(touch);
        let by_touch = touch + AFTER_TOUCH;
        let by_exit = self.exit.map(|exit| exit + AFTER_EXIT);
        self.deadline =
            if self.reopened { by_exit.max(Some(by_touch)) } else { by_exit.or(Some(by_touch)) };
    }

    fn left(&mut self, at: i64) {
        self.exit = Some(at);
        if self.written_off_at.is_none() || self.touch.is_some() {
            self.deadline = Some(at + AFTER_EXIT);
            self.reopened = false;
        }
    }

    fn entered(&mut self, at: i64) {
        if self.exit.is_some_and(|exit| exit <= at) {
            self.exit = None;
            self.deadline = self.touch.map(|touch| touch + AFTER_TOUCH);
        }
    }
}

/// The key of a customer's cart: a customer of the empty name is none.
pub(super) fn cart_key(customer: Option<CustomerId>) -> Option<String> {
    customer.filter(|c| !c.is_empty()).map(|customer| customer.as_str().to_owned())
}

impl Model {
    pub(super) fn units_in_carts(&self, sku: &str) -> i64 {
        let lines = self.carts.values().filter_map(|cart| cart.lines.get(sku));
        lines.map(|line| line.held).sum()
    }

    /// What nobody in particular holds.
    pub(super) fn nameless_units(&self, sku: &str) -> i64 {
        self.carts.get(&None).and_then(|cart| cart.lines.get(sku)).map_or(0, |line| line.held)
    }

    pub(super) fn line(&mut self, customer: Option<CustomerId>, sku: &str) -> &mut Line {
        let cart = self.carts.entry(cart_key(customer)).or_default();
        cart.lines.entry(sku.to_owned()).or_default()
    }

    pub(super) fn touch(&mut self, customer: Option<CustomerId>, at: i64) {
        let key = cart_key(customer);
        if key.is_some() {
            self.carts.entry(key).or_default().touched(at);
        }
    }

    pub(super) fn exit(&mut self, customer: Option<CustomerId>, at: i64) {
        let key = cart_key(customer);
        if key.is_some() {
            self.carts.entry(key).or_default().left(at);
        }
    }

    pub(super) fn entry(&mut self, customer: Option<CustomerId>, at: i64) {
        let key = cart_key(customer);
        if key.is_none() {
            return;
        }
        if let Some(cart) = self.carts.get_mut(&key) {
            cart.entered(at);
            if cart.deadline.is_none() && cart.written_off_at.is_none() {
                self.carts.remove(&key);
            }
        }
    }

    /// Writes off what the cart at `key` holds; forgets the cart where no units were written off.
    pub(super) fn write_off(&mut self, key: Option<String>) {
        let Some(mut cart) = self.carts.remove(&key) else { return };
        for (sku, line) in &mut cart.lines {
            let units = line.held;
            let book = self.books.get_mut(sku).unwrap();
            book.unexplained += units;
            book.lot_gap -= book.take_floor(units, None);
            *line = Line { held: 0, paid_ahead: 0, written_off: line.written_off + units };
        }
        if key.is_some() && cart.lines.values().any(|line| line.written_off > 0) {
            cart.touch = None;
            cart.reopened = false;
            cart.deadline = None;
            cart.written_off_at = Some(self.now);
            self.carts.insert(key, cart);
        }
    }
}
