//! What suppliers brought and what was thrown away: sums over all products, kept as these change,
//! so that nobody has to add up a thousand products for them.

use super::SkuFacts;

/// The sums of a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Supply {
    pub(super) ordered: u64,
    pub(super) delivered: u64,
    pub(super) waste_cents: i64,
}

impl Supply {
    pub(super) fn add(&mut self, other: &Self) {
        self.ordered += other.ordered;
        self.delivered += other.delivered;
        self.waste_cents = self.waste_cents.saturating_add(other.waste_cents);
    }
}

impl From<&SkuFacts> for Supply {
    fn from(facts: &SkuFacts) -> Self {
        let SkuFacts { ordered, delivered, waste_cents, .. } = *facts;
        Self { ordered, delivered, waste_cents }
    }
}
