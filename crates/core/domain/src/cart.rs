//! Carts: what each customer has picked and not paid.

use alloc::vec::Vec;

use hashbrown::HashMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ids::{CustomerId, SkuIndex};
use crate::time::{HOUR, MINUTE, Timestamp};

/// The most carts that a store may have at once.
pub const MAX_CARTS: usize = 65_536;
/// The most skus in the cart of one customer. The cart of no customer takes every sku of the store.
pub const MAX_CART_LINES: usize = 4_096;
/// From a customer's exit to the moment at which unpaid units are written off.
pub const CHECKOUT_GRACE_US: i64 = 15 * MINUTE;
/// From the last touch to that moment where no exit is known.
pub const CART_IDLE_US: i64 = 3 * HOUR;
/// How long a late receipt still finds what was written off.
pub const WRITTEN_OFF_US: i64 = 24 * HOUR;

/// One sku of a cart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartLine {
    /// Which.
    pub sku: SkuIndex,
    /// Units picked and not paid.
    pub held_units: u32,
    /// Units paid whose pickup has not been seen.
    pub paid_ahead_units: u32,
    /// Units written off that a late receipt may still pay.
    pub written_off_units: u32,
}

/// What a customer has picked and not paid.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cart {
    /// By sku, in order of first touch.
    pub lines: Vec<CartLine>,
    /// The latest touch.
    pub touched_at: Timestamp,
    /// When the customer leaves, where that is known.
    pub exit_at: Option<Timestamp>,
    /// Whether it was touched after it had been written off.
    pub(crate) reopened: bool,
    /// When it was last written off.
    pub(crate) closed_at: Option<Timestamp>,
    /// The earliest timer that will look at it.
    pub(crate) armed_at: Option<Timestamp>,
}

impl Cart {
    /// Its line of a sku, made where there is none. Whether there may be one more is checked before
    /// an event is applied.
    pub(crate) fn line(&mut self, sku: SkuIndex) -> Option<&mut CartLine> {
        let known = self.lines.iter().position(|line| line.sku == sku);
        let at = known.unwrap_or_else(|| {
            if self.lines.is_empty() {
                // Most baskets have about so many.
                self.lines.reserve(8);
            }
            self.lines.push(CartLine { sku, ..CartLine::default() });
            self.lines.len() - 1
        });
        self.lines.get_mut(at)
    }

    /// Its line of a sku, where there is one.
    pub(crate) fn known_line(&mut self, sku: SkuIndex) -> Option<&mut CartLine> {
        self.lines.iter_mut().find(|line| line.sku == sku)
    }

    /// Whether it has a line of a sku.
    pub(crate) fn holds(&self, sku: SkuIndex) -> bool {
        self.lines.iter().any(|line| line.sku == sku)
    }

    /// When its unpaid units are written off, or, once they are, when it is forgotten.
    pub(crate) fn deadline(&self) -> Timestamp {
        if let Some(closed_at) = self.closed_at {
            return closed_at.plus(WRITTEN_OFF_US);
        }
        let idle = self.touched_at.plus(CART_IDLE_US);
        match self.exit_at.map(|exit_at| exit_at.plus(CHECKOUT_GRACE_US)) {
            Some(paid_by) if self.reopened => idle.max(paid_by),
            Some(paid_by) => paid_by,
            None => idle,
        }
    }

    pub(crate) fn touch(&mut self, at: Timestamp) {
        if self.closed_at.take().is_some() {
            self.reopened = true;
            self.touched_at = at;
        }
        self.touched_at = self.touched_at.max(at);
    }
}

/// The carts of a store. The one of the empty customer id collects what no customer is named for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Carts {
    carts: HashMap<CustomerId, Cart, foldhash::fast::FixedState>,
}

impl Carts {
    pub(crate) fn get(&self, customer: CustomerId) -> Option<&Cart> {
        self.carts.get(&customer)
    }

    pub(crate) fn get_mut(&mut self, customer: CustomerId) -> Option<&mut Cart> {
        self.carts.get_mut(&customer)
    }

    /// The customer's cart, made where there is none.
    pub(crate) fn entry(&mut self, customer: CustomerId) -> &mut Cart {
        self.carts.entry(customer).or_default()
    }

    pub(crate) fn has_room(&self, customer: CustomerId) -> bool {
        self.carts.len() < MAX_CARTS || self.carts.contains_key(&customer)
    }

    pub(crate) fn remove(&mut self, customer: CustomerId) -> Option<Cart> {
        self.carts.remove(&customer)
    }

    pub(crate) fn len(&self) -> usize {
        self.carts.len()
    }

    /// All carts, in order of customer id.
    pub(crate) fn sorted(&self) -> Vec<(&CustomerId, &Cart)> {
        let mut all: Vec<_> = self.carts.iter().collect();
        all.sort_unstable_by_key(|(customer, _)| **customer);
        all
    }
}

impl Serialize for Carts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.sorted().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Carts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let all = Vec::<(CustomerId, Cart)>::deserialize(deserializer)?;
        Ok(Self { carts: all.into_iter().collect() })
    }
}
