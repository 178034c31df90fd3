//! The policies, as far as stock depends on them: the order of picking, the time of removal, the
//! time of travel.

use std::collections::BTreeMap;

use shelf_domain::{Picking, Policy, Product, RemovalTime, Scope};

const DEFAULT_TRAVEL_SECONDS: u32 = 180;

/// All policies of a store, each with the number of its setting.
#[derive(Clone, Debug, Default)]
pub(super) struct Policies {
    set: BTreeMap<String, (u64, Policy)>,
    settings: u64,
}

impl Policies {
    pub(super) fn set(&mut self, policy: &Policy) {
        self.settings += 1;
        self.set.insert(policy.policy.as_str().to_owned(), (self.settings, policy.clone()));
    }

    pub(super) fn picking(&self, product: &Product) -> Picking {
        self.value(product, |policy| policy.picking).unwrap_or_default()
    }

    pub(super) fn removal(&self, product: &Product) -> RemovalTime {
        self.value(product, |policy| policy.removal).unwrap_or_default()
    }

    pub(super) fn travel_seconds(&self, product: &Product) -> i64 {
        let seconds = self.value(product, |policy| policy.travel_seconds);
        i64::from(seconds.unwrap_or(DEFAULT_TRAVEL_SECONDS))
    }

    /// The value of the narrowest policy that sets it; of equally narrow ones that which was set
    /// last.
    fn value<T>(&self, product: &Product, of: impl Fn(&Policy) -> Option<T>) -> Option<T> {
        let mut best = None;
        for (number, policy) in self.set.values() {
            let rank = match policy.scope {
                Scope::Global => 0,
                Scope::Category(category) if category == product.category => 1,
                Scope::Subcategory(category, subcategory)
                    if subcategory == product.subcategory
                        && category.is_none_or(|category| category == product.category) =>
                {
                    2
                }
                Scope::Shelf(sku) if sku == product.sku => 3,
                _ => continue,
            };
            let Some(value) = of(policy).filter(|_| policy.active) else { continue };
            if best.as_ref().is_none_or(|(place, _)| *place < (rank, *number)) {
                best = Some(((rank, *number), value));
            }
        }
        best.map(|(_, value)| value)
    }
}
