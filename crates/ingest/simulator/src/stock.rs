//! The physical truth: units of each lot on the shelf, in the warehouse, and away from both.

use serde::{Deserialize, Serialize};
use shelf_domain::{BasisPoints, Day, LotCode, Place};

use crate::chance::Dice;

/// How often a customer takes the unit that expires first.
const FRONT: f64 = 0.8;

/// Where a lot lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lot {
    /// Its number among the lots of its sku.
    pub(crate) number: u32,
    pub(crate) code: LotCode,
    pub(crate) expiry: Day,
    pub(crate) floor: u32,
    pub(crate) warehouse: u32,
    /// In carts, in staff's hands, on another shelf.
    pub(crate) away: u32,
    /// The cut that the till knows.
    pub(crate) markdown: BasisPoints,
}

impl Lot {
    pub(crate) fn units(&self, place: Place) -> u32 {
        match place {
            Place::Floor => self.floor,
            Place::Warehouse => self.warehouse,
        }
    }
}

/// Where the units of a sku are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShelfStock {
    /// On the shelf.
    pub floor_units: u32,
    /// In the warehouse.
    pub warehouse_units: u32,
    /// In carts, in staff's hands, on another shelf.
    pub away_units: u32,
}

/// Where all units in the store are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WholeStock {
    /// On their shelves.
    pub floor_units: u64,
    /// In the warehouse.
    pub warehouse_units: u64,
    /// In carts.
    pub cart_units: u64,
    /// In the hands of staff, between warehouse and shelf.
    pub hand_units: u64,
    /// On shelves that are not theirs.
    pub stray_units: u64,
}

impl WholeStock {
    /// All of them.
    pub fn units(&self) -> u64 {
        let still = self.floor_units + self.warehouse_units;
        still + self.cart_units + self.hand_units + self.stray_units
    }
}

/// The lots of one sku, the soonest to expire first, and what the till and the sensor know of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stock {
    pub(crate) lots: Vec<Lot>,
    next_lot: u32,
    /// Units on the shelf, over all lots.
    pub(crate) floor: u32,
    pub(crate) list_cents: i64,
    pub(crate) promotion: BasisPoints,
    /// The discount that customers see.
    pub(crate) seen_cut: BasisPoints,
    /// By how much the sensor's scale is off, in millionths.
    pub(crate) scale_ppm: i32,
    /// Whether the sensor tells weights only.
    pub(crate) only_weighs: bool,
    /// The day of the last delivery, and how many lots came on it.
    pub(crate) last_delivery: (Day, u32),
    /// Whether a restock task stands.
    pub(crate) task_stands: bool,
}

impl Stock {
    /// Adds a lot and says which number it got; the same code again is the same lot.
    pub(crate) fn receive(
        &mut self,
        code: LotCode,
        expiry: Day,
        floor: u32,
        warehouse: u32,
    ) -> u32 {
        self.floor += floor;
        if let Some(lot) = self.lots.iter_mut().find(|lot| lot.code == code) {
            lot.floor += floor;
            lot.warehouse += warehouse;
            return lot.number;
        }
        self.next_lot += 1;
        let number = self.next_lot;
        let markdown = BasisPoints::ZERO;
        let lot = Lot { number, code, expiry, floor, warehouse, away: 0, markdown };
        let at = self.lots.partition_point(|other| other.expiry <= expiry);
        self.lots.insert(at, lot);
        number
    }

    pub(crate) fn lot(&self, number: u32) -> Option<&Lot> {
        self.lots.iter().find(|lot| lot.number == number)
    }

    pub(crate) fn by_code(&mut self, code: &LotCode) -> Option<&mut Lot> {
        self.lots.iter_mut().find(|lot| lot.code == *code)
    }

    /// A customer's hand: up to `units` of one lot from the shelf; which lot, and how many.
    pub(crate) fn grab(&mut self, units: u32, dice: &mut Dice) -> Option<(u32, u32)> {
        let lying = self.lots.iter().filter(|lot| lot.floor > 0).count() as u32;
        let nth = match lying {
            0 => return None,
            1 => 0,
            _ if dice.chance(FRONT) => 0,
            _ => 1 + dice.below(lying - 1),
        };
        let lot = self.lots.iter_mut().filter(|lot| lot.floor > 0).nth(nth as usize)?;
        let taken = units.min(lot.floor);
        lot.floor -= taken;
        lot.away += taken;
        self.floor -= taken;
        Some((lot.number, taken))
    }

    /// Up to `units` of a lot leave the warehouse in somebody's hands; how many.
    pub(crate) fn carry_out(&mut self, code: &LotCode, units: u32) -> Option<(u32, u32)> {
        let lot = self.by_code(code)?;
        let taken = units.min(lot.warehouse);
        lot.warehouse -= taken;
        lot.away += taken;
        Some((lot.number, taken))
    }

    /// Units that were away lie on the shelf again.
    pub(crate) fn put(&mut self, number: u32, units: u32) {
        if let Some(lot) = self.lots.iter_mut().find(|lot| lot.number == number) {
            let units = units.min(lot.away);
            lot.away -= units;
            lot.floor += units;
            self.floor += units;
        }
    }

    /// Units that were away have left the store.
    pub(crate) fn gone(&mut self, number: u32, units: u32) {
        if let Some(lot) = self.lots.iter_mut().find(|lot| lot.number == number) {
            lot.away -= units.min(lot.away);
        }
        self.forget_empty();
    }

    /// Takes away all units of a lot that lie in a place; how many.
    pub(crate) fn clear(&mut self, number: u32, place: Place) -> u32 {
        let Some(lot) = self.lots.iter_mut().find(|lot| lot.number == number) else { return 0 };
        let taken = match place {
            Place::Floor => core::mem::take(&mut lot.floor),
            Place::Warehouse => core::mem::take(&mut lot.warehouse),
        };
        if place == Place::Floor {
            self.floor -= taken;
        }
        self.forget_empty();
        taken
    }

    /// One unit of the front lot is no more; which lot.
    pub(crate) fn break_one(&mut self) -> Option<LotCode> {
        let lot = self.lots.iter_mut().find(|lot| lot.floor > 0)?;
        lot.floor -= 1;
        self.floor -= 1;
        let code = lot.code;
        self.forget_empty();
        Some(code)
    }

    pub(crate) fn warehouse(&self) -> u32 {
        self.lots.iter().map(|lot| lot.warehouse).sum()
    }

    pub(crate) fn whereabouts(&self) -> ShelfStock {
        ShelfStock {
            floor_units: self.floor,
            warehouse_units: self.warehouse(),
            away_units: self.lots.iter().map(|lot| lot.away).sum(),
        }
    }

    /// The discount that customers see: the plan's, then the deepest markdown of a lot in the
    /// store.
    pub(crate) fn look_at_prices(&mut self) {
        let deepest = self.lots.iter().filter(|lot| lot.floor > 0).map(|lot| lot.markdown).max();
        self.seen_cut = self.promotion.then(deepest.unwrap_or_default());
    }

    fn forget_empty(&mut self) {
        self.lots.retain(|lot| lot.floor + lot.warehouse + lot.away > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_move_and_are_never_made() {
        let mut stock = Stock::default();
        let mut dice = Dice::new(1, 1, "stock", 0);
        stock.receive(LotCode::cut("B"), Day(20), 5, 7);
        stock.receive(LotCode::cut("A"), Day(10), 2, 0);
        assert_eq!(stock.lots[0].code.as_str(), "A");
        let (mut taken, mut hands) = (0, Vec::new());
        while let Some((lot, units)) = stock.grab(3, &mut dice) {
            taken += units;
            hands.push((lot, units));
        }
        assert_eq!((taken, stock.floor), (7, 0));
        for (lot, units) in hands {
            stock.put(lot, units);
        }
        assert_eq!(stock.carry_out(&LotCode::cut("B"), 9), Some((1, 7)));
        let there = stock.whereabouts();
        assert_eq!((there.floor_units, there.warehouse_units, there.away_units), (7, 0, 7));
        stock.gone(1, 7);
        assert_eq!(stock.clear(1, Place::Floor) + stock.clear(2, Place::Floor), 7);
        assert!(stock.lots.is_empty());
    }
    #[test]
    fn four_in_five_hands_take_the_soonest_to_expire_the_others_any_other_lot() {
        let mut dice = Dice::new(3, 0, "hands", 0);
        let mut counts = [0_u32; 4];
        for _ in 0..100_000 {
            let mut stock = Stock::default();
            for (code, expiry) in [("C", 30), ("A", 10), ("D", 40), ("B", 20)] {
                stock.receive(LotCode::cut(code), Day(expiry), 5, 0);
            }
            let (number, _) = stock.grab(1, &mut dice).unwrap();
            let expiry = stock.lot(number).unwrap().expiry;
            counts[expiry.0 as usize / 10 - 1] += 1;
        }
        let percent = counts.map(|count| f64::from(count) / 1_000.0);
        assert!((percent[0] - 80.0).abs() < 0.6, "{percent:?}");
        assert!(percent[1..].iter().all(|part| (part - 20.0 / 3.0).abs() < 0.6), "{percent:?}");
    }
}
