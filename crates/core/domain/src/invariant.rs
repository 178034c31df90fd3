//! What must be true of a store after every step. Tests and simulations assert it; production
//! counts it.

use alloc::vec::Vec;

use crate::cart::CartLine;
use crate::effect::{Effect, Effects};
use crate::ids::SkuIndex;
use crate::lot::Lot;
use crate::shelf::Shelf;
use crate::store::Store;

/// Something that is always true of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// received + returned = floor + carts + warehouse + transit + sold + removed + unexplained,
    /// for every sku.
    UnitsConserved,
    /// The lots' floor units sum to floor + carts - the named gap, for every sku.
    LotsSumToFloor,
    /// The lots' warehouse units sum to the warehouse, for every sku.
    LotsSumToWarehouse,
    /// The lots' transit units sum to the transit, for every sku.
    LotsSumToTransit,
    /// The carts' held units sum to the shelf's cart units, for every sku.
    CartsSumToHeld,
    /// A lot is allocated to tasks for no more than the warehouse holds, and for just what the
    /// tasks say.
    AllocatedOnce,
    /// At most one alert stands for a shelf, place and rule, and the book finds it.
    OneAlertEach,
    /// A shelf and its restock task name each other.
    OneTaskEach,
    /// The skus' revenue sums to what the receipts came to, to the cent.
    MoneyAddsUp,
    /// Nothing that counts units has gone below zero and come out at the top.
    NothingNegative,
}

impl Invariant {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::UnitsConserved,
        Self::LotsSumToFloor,
        Self::LotsSumToWarehouse,
        Self::LotsSumToTransit,
        Self::CartsSumToHeld,
        Self::AllocatedOnce,
        Self::OneAlertEach,
        Self::OneTaskEach,
        Self::MoneyAddsUp,
        Self::NothingNegative,
    ];

    /// Its stable id.
    pub fn id(self) -> &'static str {
        match self {
            Self::UnitsConserved => "units_conserved",
            Self::LotsSumToFloor => "lots_sum_to_floor",
            Self::LotsSumToWarehouse => "lots_sum_to_warehouse",
            Self::LotsSumToTransit => "lots_sum_to_transit",
            Self::CartsSumToHeld => "carts_sum_to_held",
            Self::AllocatedOnce => "allocated_once",
            Self::OneAlertEach => "one_alert_each",
            Self::OneTaskEach => "one_task_each",
            Self::MoneyAddsUp => "money_adds_up",
            Self::NothingNegative => "nothing_negative",
        }
    }
}

/// An invariant that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// Of which sku; `None` where it is of the store.
    pub sku: Option<SkuIndex>,
}

impl Store {
    /// The invariants that do not hold, over all skus.
    pub fn violations(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        for index in self.shelves.indexes() {
            self.check_sku(index, &mut found);
        }
        self.check_whole(&mut found);
        found
    }

    /// The invariants that do not hold for these skus: what a test can afford after each step.
    pub fn violations_of(&self, skus: &[SkuIndex]) -> Vec<Violation> {
        let mut found = Vec::new();
        for &index in skus {
            self.check_sku(index, &mut found);
        }
        found
    }

    /// The invariants of single skus that do not hold for those that a step had to do with: whose
    /// stock, lots or prices changed, or whose restock task did.
    pub fn violations_after(&self, fx: &Effects) -> Vec<Violation> {
        let told = fx.items.iter().filter_map(|effect| match effect {
            Effect::Task(task) => Some(task.sku),
            _ => None,
        });
        let mut skus = fx.touched.clone();
        skus.extend(told.filter_map(|sku| self.find(sku).ok()));
        skus.sort_unstable();
        skus.dedup();
        self.violations_of(&skus)
    }

    fn check_sku(&self, index: SkuIndex, found: &mut Vec<Violation>) {
        let (Some(shelf), Some(lots)) = (self.shelves.get(index), self.lots.get(index)) else {
            return;
        };
        let sum =
            |units: fn(&Lot) -> u32| lots.iter().map(|lot| i64::from(units(lot))).sum::<i64>();
        let floor = i64::from(shelf.floor_units) + i64::from(shelf.cart_units);
        let task = shelf.task.and_then(|task| self.tasks.get(task));
        let allocated = |lot: &Lot| {
            let of_lot = |task: &crate::RestockTask| {
                task.allocations
                    .iter()
                    .filter(|a| a.lot == lot.code)
                    .map(|a| a.reserved_units)
                    .sum()
            };
            task.map_or(0, of_lot)
        };
        let once = |lot: &Lot| {
            lot.reserved_units <= lot.warehouse_units && allocated(lot) == lot.reserved_units
        };
        let checks = [
            (Invariant::UnitsConserved, conserved(shelf)),
            (
                Invariant::LotsSumToFloor,
                sum(|lot| lot.floor_units) == floor - i64::from(shelf.lot_gap_units),
            ),
            (
                Invariant::LotsSumToWarehouse,
                sum(|lot| lot.warehouse_units) == i64::from(shelf.warehouse_units),
            ),
            (
                Invariant::LotsSumToTransit,
                sum(|lot| lot.transit_units) == i64::from(shelf.transit_units),
            ),
            (Invariant::AllocatedOnce, lots.iter().all(once)),
            (Invariant::OneTaskEach, shelf.task.is_some() == task.is_some()),
            (Invariant::NothingNegative, plausible(shelf, lots.iter())),
        ];
        let broken = checks.into_iter().filter(|(_, holds)| !holds);
        found.extend(broken.map(|(invariant, _)| Violation { invariant, sku: Some(index) }));
    }

    fn check_whole(&self, found: &mut Vec<Violation>) {
        let mut held: Vec<u64> = alloc::vec![0; self.shelves.len()];
        for (_, cart) in self.carts.sorted() {
            for CartLine { sku, held_units, .. } in &cart.lines {
                if let Some(sum) = held.get_mut(sku.at()) {
                    *sum += u64::from(*held_units);
                }
            }
        }
        for (index, (shelf, held)) in self.shelves.indexes().zip(self.shelves.iter().zip(held)) {
            if u64::from(shelf.cart_units) != held {
                found.push(Violation { invariant: Invariant::CartsSumToHeld, sku: Some(index) });
            }
        }
        if self.revenue_cents() != self.takings_cents {
            found.push(Violation { invariant: Invariant::MoneyAddsUp, sku: None });
        }
        if !self.alerts.consistent() {
            found.push(Violation { invariant: Invariant::OneAlertEach, sku: None });
        }
        let named = self.shelves.iter().filter(|shelf| shelf.task.is_some()).count();
        if named != self.tasks.iter().count() {
            found.push(Violation { invariant: Invariant::OneTaskEach, sku: None });
        }
    }
}

fn conserved(shelf: &Shelf) -> bool {
    let ledger = &shelf.ledger;
    let came = i128::from(ledger.received) + i128::from(ledger.returned);
    let gone =
        i128::from(ledger.sold) + i128::from(ledger.removed) + i128::from(ledger.unexplained);
    came == gone + i128::from(shelf.on_hand_units())
}

/// Counts of units are unsigned, and wrap where a subtraction has gone below zero: no real stock
/// comes near the top.
fn plausible<'a>(shelf: &Shelf, lots: impl Iterator<Item = &'a Lot>) -> bool {
    const LIMIT: u32 = u32::MAX / 2;
    let counts = [
        shelf.floor_units,
        shelf.warehouse_units,
        shelf.transit_units,
        shelf.cart_units,
        shelf.ahead_units,
        shelf.lot_gap_units,
    ];
    let mut lots = lots;
    counts.iter().all(|&units| units < LIMIT)
        && lots.all(|lot| {
            lot.floor_units < LIMIT && lot.warehouse_units < LIMIT && lot.transit_units < LIMIT
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::{Rule, Severity};
    use crate::alerts::Facts;
    use crate::event::{Body, Event, OpeningStock, Place, Receipt, ReceiptLine};
    use crate::ids::{CustomerId, EventId, LotCode, Sku, StoreId};
    use crate::reference::{Product, ShelfPlan, StoreSettings};
    use crate::time::Timestamp;

    const MILK: SkuIndex = SkuIndex(0);

    /// A store in which each invariant is about something: stock in every place, a cart, revenue,
    /// an open alert, a restock task that has its lots.
    fn store() -> Store {
        let sku = Sku::cut("MILK");
        let lot = LotCode::cut("L1");
        let mut at = Timestamp::EARLIEST;
        let mut store = Store::new(StoreId::cut("S001"), at);
        let opening =
            OpeningStock { sku, lot, floor_units: 5, warehouse_units: 30, ..Default::default() };
        let line = ReceiptLine { sku, units: 1, total_cents: 100, ..Default::default() };
        let customer = Some(CustomerId::cut("c1"));
        let touch = crate::ShelfTouch { sku, units: 1, customer, ..Default::default() };
        let out = crate::WarehouseOut { task: None, sku, lot: None, units: 2 };
        let bodies = [
            Body::Store(StoreSettings::default().into()),
            Body::Product(Product { sku, ..Product::default() }.into()),
            Body::Shelf(ShelfPlan { sku, capacity_units: 20, ..ShelfPlan::default() }),
            Body::OpeningStock(opening),
            Body::Receipt(Receipt { lines: alloc::vec![line], ..Receipt::default() }.into()),
            Body::Pickup(touch),
            Body::Clock,
            Body::WarehouseOut(out),
        ];
        for (number, body) in bodies.into_iter().enumerate() {
            at = at.plus(crate::MINUTE);
            let id = EventId(number as u128 + 1);
            let event = Event {
                id,
                store: store.id,
                at,
                received_at: at,
                origin: crate::Origin::default(),
                body,
            };
            let outcome = store.step(&event, &mut Effects::default());
            assert_eq!(outcome, crate::Outcome::Accepted, "{event:?}");
        }
        assert_eq!(store.violations(), []);
        store
    }

    /// Breaks one thing, and says what is found.
    fn found(break_it: impl FnOnce(&mut Store)) -> Vec<Invariant> {
        let mut store = store();
        break_it(&mut store);
        let mut found: Vec<Invariant> = store.violations().iter().map(|v| v.invariant).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    fn lot(store: &mut Store) -> &mut Lot {
        store.lots[MILK].get_mut(LotCode::cut("L1")).unwrap()
    }

    #[test]
    fn units_that_came_from_nowhere_are_found() {
        assert_eq!(
            found(|store| store.shelves[MILK].ledger.received += 1),
            [Invariant::UnitsConserved]
        );
    }

    #[test]
    fn lots_that_do_not_sum_to_the_floor_are_found() {
        assert_eq!(found(|store| lot(store).floor_units += 1), [Invariant::LotsSumToFloor]);
        assert_eq!(
            found(|store| store.shelves[MILK].lot_gap_units += 1),
            [Invariant::LotsSumToFloor]
        );
    }

    #[test]
    fn lots_that_do_not_sum_to_the_warehouse_are_found() {
        assert_eq!(found(|store| lot(store).warehouse_units += 1), [Invariant::LotsSumToWarehouse]);
    }

    #[test]
    fn lots_that_do_not_sum_to_the_transit_are_found() {
        assert_eq!(found(|store| lot(store).transit_units += 1), [Invariant::LotsSumToTransit]);
    }

    #[test]
    fn carts_that_do_not_sum_to_what_is_held_are_found() {
        let forgotten = |store: &mut Store| _ = store.carts.remove(CustomerId::cut("c1"));
        assert_eq!(found(forgotten), [Invariant::CartsSumToHeld]);
    }

    #[test]
    fn units_that_are_allocated_twice_are_found() {
        assert_eq!(found(|store| lot(store).reserved_units += 1), [Invariant::AllocatedOnce]);
        assert_eq!(found(|store| lot(store).reserved_units = 31), [Invariant::AllocatedOnce]);
    }

    #[test]
    fn an_alert_that_its_shelf_does_not_know_is_found() {
        let facts = Facts {
            severity: Severity::Info,
            stock_units: 0,
            threshold: 0,
            capacity_units: 0,
            suggested_units: 0,
        };
        let second = |store: &mut Store| {
            let fx = &mut Effects::default();
            store.condition_holds(MILK, Rule::DeliveryDiscrepancy, Place::Warehouse, facts, fx);
            assert_eq!(store.violations(), []);
            let alert = store.alerts.standing().last().map(|alert| **alert).unwrap();
            store.alerts.add(MILK.into(), &alert);
        };
        assert_eq!(found(second), [Invariant::OneAlertEach]);
    }

    #[test]
    fn a_task_that_its_shelf_does_not_know_is_found() {
        let orphan = |store: &mut Store| {
            store.shelves[MILK].task = None;
            lot(store).reserved_units = 0;
        };
        assert_eq!(found(orphan), [Invariant::OneTaskEach]);
        let unknown = |store: &mut Store| {
            store.shelves[MILK].task = Some(crate::TaskId(99));
            lot(store).reserved_units = 0;
        };
        assert_eq!(found(unknown), [Invariant::OneTaskEach]);
    }

    #[test]
    fn a_cent_that_is_in_no_receipt_is_found() {
        assert_eq!(
            found(|store| store.shelves[MILK].ledger.revenue_cents += 1),
            [Invariant::MoneyAddsUp]
        );
    }

    #[test]
    fn a_count_below_zero_is_found() {
        assert_eq!(
            found(|store| store.shelves[MILK].ahead_units = 0_u32.wrapping_sub(1)),
            [Invariant::NothingNegative]
        );
    }

    #[test]
    fn what_a_step_had_to_do_with_includes_the_skus_of_its_tasks() {
        let mut store = store();
        let task = store.tasks.iter().next().unwrap().clone();
        lot(&mut store).reserved_units += 1;
        let fx = Effects { items: alloc::vec![Effect::Task(task)], touched: Vec::new() };
        assert_eq!(store.violations_after(&fx).len(), 1);
        assert_eq!(store.violations_after(&Effects::default()), []);
    }
}
