//! The core and the model side by side: the same events, and after each of them the same stock,
//! lots and money. It compares; it must never mend either of them.

use expect_test::Expect;
use shelf_domain::{
    Body, CustomerId, Effects, Event, Outcome, Sku, SkuIndex, Store, Stores, state_hash,
};

use crate::model::{Model, Models};
use crate::summary::{LotSummary, SkuSummary, Stock, StoreSummary};

/// The core and the model of some stores.
#[derive(Clone, Debug, Default)]
pub struct Both {
    stores: Stores,
    models: Models,
    effects: Effects,
}

impl Both {
    /// No store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives `event` to both. An error says where they differ, or which invariant is broken.
    pub fn step(&mut self, event: &Event) -> Result<Outcome, String> {
        let outcome = self.stores.step(event, &mut self.effects);
        self.models.apply(event);
        self.check(event, outcome).map_err(|error| format!("after {event:?}: {error}"))?;
        Ok(outcome)
    }

    /// Gives both all of `events`.
    #[track_caller]
    pub fn of(events: &[Event]) -> Self {
        let mut both = Self::new();
        for event in events {
            if let Err(error) = both.step(event) {
                panic!("{error}");
            }
        }
        both
    }

    fn check(&self, event: &Event, outcome: Outcome) -> Result<(), String> {
        let model = self.models.store(event.store.as_str());
        let Some(store) = self.stores.get(event.store) else {
            let untouched = model.is_none_or(|model| model.skus().is_empty());
            return if untouched { Ok(()) } else { Err("the core has no such store".to_owned()) };
        };
        let model = model.ok_or("the model has no such store")?;
        compare(store, model)?;
        let refused = matches!(outcome, Outcome::Quarantined(_));
        if moves_stock(&event.body) && refused != model.refused(event) {
            return Err(format!("the core says {outcome:?}, the model does not"));
        }
        let broken = store.violations();
        if !broken.is_empty() || !store.units().conserved() {
            return Err(format!("broken: {broken:?}"));
        }
        Ok(())
    }

    /// The core's stores.
    pub fn stores(&self) -> &Stores {
        &self.stores
    }

    /// What the last event led to in the core.
    pub fn effects(&self) -> &Effects {
        &self.effects
    }

    /// The core's store of a story.
    pub fn store(&self) -> &Store {
        self.stores.iter().next().expect("a store")
    }

    /// A shelf of a story.
    pub fn shelf(&self, sku: &str) -> &shelf_domain::Shelf {
        self.store().shelf(self.sku(sku)).expect("a shelf")
    }

    /// The number of a sku of a story.
    pub fn sku(&self, sku: &str) -> SkuIndex {
        self.store().sku(Sku::cut(sku)).expect("a known sku")
    }

    /// A customer's cart in a story.
    pub fn cart(&self, customer: &str) -> Option<&shelf_domain::Cart> {
        self.store().cart(CustomerId::cut(customer))
    }

    /// One number for the core's state.
    pub fn hash(&self) -> u128 {
        state_hash(self.stores.iter()).expect("a state that can be written")
    }

    /// The core's state as it is after it has been saved and restored.
    pub fn restored(&self) -> Self {
        let bytes = self.stores.encode().expect("a state that can be written");
        let stores = Stores::decode(&bytes).expect("a state that can be read");
        Self { stores, ..self.clone() }
    }
}

/// Whether the rules of the page say what becomes of such an event.
fn moves_stock(body: &Body) -> bool {
    !matches!(
        body,
        Body::AlertAct(_)
            | Body::OrderAct(_)
            | Body::TaskAct(_)
            | Body::WindowPlan(_)
            | Body::Supplier(_)
            | Body::Price(_)
            | Body::Promotion(_)
            | Body::Rejected(_)
    )
}

/// The plain picture of the stock of a core's store.
pub fn core_summary(store: &Store) -> StoreSummary {
    let lot = |lot: &shelf_domain::Lot| LotSummary {
        code: lot.code.as_str().to_owned(),
        received_day: lot.received_day,
        expiry_day: lot.expiry_day,
        floor: lot.floor_units.into(),
        warehouse: lot.warehouse_units.into(),
        transit: lot.transit_units.into(),
    };
    let sku = |index| {
        let shelf = store.shelf(index).expect("a shelf for each sku");
        let ledger = &shelf.ledger;
        let units = |units: u64| i64::try_from(units).expect("units that fit");
        let stock = Stock {
            received: units(ledger.received),
            returned: units(ledger.returned),
            sold: units(ledger.sold),
            removed: units(ledger.removed),
            unexplained: ledger.unexplained,
            floor: shelf.floor_units.into(),
            carts: shelf.cart_units.into(),
            warehouse: shelf.warehouse_units.into(),
            transit: shelf.transit_units.into(),
            lot_gap: shelf.lot_gap_units.into(),
            revenue_cents: ledger.revenue_cents,
        };
        let lots = store.lots(index).map(lot).collect();
        SkuSummary { sku: shelf.sku.as_str().to_owned(), stock, lots }
    };
    StoreSummary::new(store.skus().map(sku).collect())
}

/// Whether stock, lots and money of every sku agree; else what each of the two says.
pub fn compare(store: &Store, model: &Model) -> Result<(), String> {
    let (core, other) = (core_summary(store), model.summary());
    let mut lines = Vec::new();
    if store.now() != model.now() {
        lines.push(format!("now: core {:?}, model {:?}", store.now(), model.now()));
    }
    if core != other {
        let (core, other) = (core.to_string(), other.to_string());
        let only = |here: &str, there: &str, mark: &str| {
            let missing = here.lines().filter(|line| !there.lines().any(|other| other == *line));
            missing.map(|line| format!("{mark} {line}")).collect::<Vec<_>>()
        };
        lines.extend(only(&core, &other, "core "));
        lines.extend(only(&other, &core, "model"));
    }
    for index in store.skus() {
        let shelf = store.shelf(index).expect("a shelf for each sku");
        let (core, other) = (i64::from(shelf.ahead_units), model.ahead(shelf.sku.as_str()));
        if core != other {
            lines.push(format!("{}: ahead: core {core}, model {other}", shelf.sku));
        }
    }
    if lines.is_empty() { Ok(()) } else { Err(format!("\n{}", lines.join("\n"))) }
}

/// Runs `story` through both; the two must agree after each event.
#[track_caller]
pub fn run(story: &str) -> Both {
    match crate::scenario::parse(story) {
        Ok(events) => Both::of(&events),
        Err(error) => panic!("{error}"),
    }
}

/// Whether core and model make of `story` what is expected: the stock as the model's tests show it.
#[allow(clippy::needless_pass_by_value)] // So that a test can say `expect![..]` without more.
#[track_caller]
pub fn check(story: &str, expected: Expect) {
    expected.assert_eq(&core_summary(run(story).store()).to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_told_line_by_line() {
        let both = run("product MILK\nstock MILK lot L1 floor 5 warehouse 5");
        let model = crate::scenario::run_model("product MILK\nstock MILK lot L1 floor 4");
        let told = compare(both.store(), &model).unwrap_err();
        assert!(told.contains("core  MILK: floor 5, warehouse 5; received 10"), "{told}");
        assert!(told.contains("model   L1 (2026-01-01 to never): floor 4"), "{told}");
    }
}
