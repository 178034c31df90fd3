//! The lots of a sku: which units came when, and when they expire.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::ids::LotCode;
use crate::quantity::BasisPoints;
use crate::reference::Picking;
use crate::time::Day;

/// The most lots that one sku may have.
pub const MAX_LOTS_PER_SKU: usize = 4_096;

/// Units of one sku received together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lot {
    /// Its code.
    pub code: LotCode,
    /// When it was received.
    pub received_day: Day,
    /// Its expiry date; [`Day::NEVER`] where it has none.
    pub expiry_day: Day,
    /// Units on the floor, those in carts included.
    pub floor_units: u32,
    /// Units in the warehouse.
    pub warehouse_units: u32,
    /// Units between warehouse and shelf.
    pub transit_units: u32,
    /// Of the units in the warehouse, those that a restock task will take.
    pub reserved_units: u32,
    /// The cut because it expires soon.
    pub markdown: BasisPoints,
}

impl Lot {
    /// A lot without units.
    pub(crate) fn new(code: LotCode, received_day: Day, expiry_day: Day) -> Self {
        Self {
            code,
            received_day,
            expiry_day,
            floor_units: 0,
            warehouse_units: 0,
            transit_units: 0,
            reserved_units: 0,
            markdown: BasisPoints::ZERO,
        }
    }

    /// Its units, wherever they are.
    pub fn units(&self) -> u32 {
        self.floor_units + self.warehouse_units + self.transit_units
    }

    /// Its units at a place.
    pub fn units_at(&self, place: crate::event::Place) -> u32 {
        match place {
            crate::event::Place::Floor => self.floor_units,
            crate::event::Place::Warehouse => self.warehouse_units,
        }
    }

    /// Units in the warehouse that no task will take.
    pub fn free_units(&self) -> u32 {
        self.warehouse_units.saturating_sub(self.reserved_units)
    }

    fn soonest(&self) -> (Day, Day, LotCode) {
        (self.expiry_day, self.received_day, self.code)
    }

    fn picking(&self, order: Picking) -> (Day, Day, LotCode) {
        match order {
            Picking::SoonestExpiry => self.soonest(),
            Picking::FirstReceived => (self.received_day, self.expiry_day, self.code),
        }
    }
}

/// The lots of one sku, the soonest to expire first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LotBook {
    lots: Vec<Lot>,
}

/// Which lot units go onto.
pub(crate) enum Onto {
    /// The one of this code, which is made with these dates where there is none.
    Named { code: LotCode, received_day: Day, expiry_day: Day },
    /// The one received last; where there is none, one made like this.
    Latest { code: LotCode, received_day: Day, expiry_day: Day },
}

impl LotBook {
    pub(crate) fn iter(&self) -> core::slice::Iter<'_, Lot> {
        self.lots.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> core::slice::IterMut<'_, Lot> {
        self.lots.iter_mut()
    }

    pub(crate) fn len(&self) -> usize {
        self.lots.len()
    }

    pub(crate) fn get(&self, code: LotCode) -> Option<&Lot> {
        self.lots.iter().find(|lot| lot.code == code)
    }

    pub(crate) fn get_mut(&mut self, code: LotCode) -> Option<&mut Lot> {
        self.lots.iter_mut().find(|lot| lot.code == code)
    }

    /// The lot to add units to.
    pub(crate) fn onto(&mut self, onto: &Onto) -> Option<&mut Lot> {
        let (code, received_day, expiry_day) = match *onto {
            Onto::Named { code, received_day, expiry_day } => (code, received_day, expiry_day),
            Onto::Latest { code, received_day, expiry_day } => match self.latest() {
                Some(latest) => (latest, received_day, expiry_day),
                None => (code, received_day, expiry_day),
            },
        };
        if self.get(code).is_none() {
            let lot = Lot::new(code, received_day, expiry_day);
            let place = self.lots.partition_point(|other| other.soonest() < lot.soonest());
            self.lots.insert(place, lot);
        }
        self.get_mut(code)
    }

    /// The code of the lot received last: latest received date, then latest expiry, then greatest
    /// code.
    pub(crate) fn latest(&self) -> Option<LotCode> {
        self.lots
            .iter()
            .max_by_key(|lot| (lot.received_day, lot.expiry_day, lot.code))
            .map(|lot| lot.code)
    }

    /// Takes floor units: from the named lot, then from the soonest to expire. Returns what lacked.
    pub(crate) fn take_floor(&mut self, units: u32, named: Option<LotCode>) -> u32 {
        let mut rest = units;
        if let Some(lot) = named.and_then(|code| self.get_mut(code)) {
            rest -= take(&mut lot.floor_units, rest);
        }
        for lot in &mut self.lots {
            if rest == 0 {
                break;
            }
            rest -= take(&mut lot.floor_units, rest);
        }
        rest
    }

    /// Adds floor units to the named lot, else to the soonest to expire that has some. Returns what
    /// found no lot.
    pub(crate) fn add_floor(&mut self, units: u32, named: Option<LotCode>) -> u32 {
        let named = named.filter(|&code| self.get(code).is_some());
        let found = match named {
            Some(code) => self.get_mut(code),
            None => self.lots.iter_mut().find(|lot| lot.floor_units > 0),
        };
        match found {
            Some(lot) => {
                lot.floor_units += units;
                0
            }
            None => units,
        }
    }

    /// The lot codes in the order in which the warehouse is picked, a named one first.
    pub(crate) fn picking_order(&self, order: Picking, named: Option<LotCode>) -> Vec<LotCode> {
        let mut lots: Vec<&Lot> = self.lots.iter().filter(|lot| Some(lot.code) != named).collect();
        if order != Picking::SoonestExpiry {
            lots.sort_by_key(|lot| lot.picking(order));
        }
        named
            .filter(|&code| self.get(code).is_some())
            .into_iter()
            .chain(lots.into_iter().map(|lot| lot.code))
            .collect()
    }

    /// Forgets the lots without units.
    pub(crate) fn forget_empty(&mut self) {
        self.lots.retain(|lot| lot.units() > 0 || lot.reserved_units > 0);
    }
}

/// Takes at most `wanted` out of `from`; returns how many it took.
pub(crate) fn take(from: &mut u32, wanted: u32) -> u32 {
    let taken = wanted.min(*from);
    *from -= taken;
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(lots: &[(&str, i32, i32, u32)]) -> LotBook {
        let mut book = LotBook::default();
        for &(code, received, expiry, floor) in lots {
            let onto = Onto::Named {
                code: LotCode::cut(code),
                received_day: Day(received),
                expiry_day: Day(expiry),
            };
            book.onto(&onto).unwrap().floor_units += floor;
        }
        book
    }

    fn floors(book: &LotBook) -> Vec<(&str, u32)> {
        book.iter().map(|lot| (lot.code.as_str(), lot.floor_units)).collect()
    }

    #[test]
    fn floor_units_leave_by_name_then_by_soonest_expiry() {
        let mut book = book(&[("late", 1, 30, 5), ("soon", 2, 10, 3), ("mid", 1, 20, 4)]);
        assert_eq!(book.take_floor(6, Some(LotCode::cut("late"))), 0);
        assert_eq!(floors(&book), [("soon", 2), ("mid", 4), ("late", 0)]);
        assert_eq!(book.take_floor(9, None), 3);
        assert_eq!(book.add_floor(2, None), 2);
        assert_eq!(book.add_floor(2, Some(LotCode::cut("mid"))), 0);
    }

    #[test]
    fn the_warehouse_is_picked_by_policy() {
        let book = book(&[("b", 1, 30, 0), ("a", 2, 10, 0), ("c", 3, 20, 0)]);
        let order = |picking| {
            let codes = book.picking_order(picking, Some(LotCode::cut("c")));
            codes.iter().map(|c| std::string::String::from(c.as_str())).collect::<Vec<_>>()
        };
        assert_eq!(order(Picking::SoonestExpiry), ["c", "a", "b"]);
        assert_eq!(order(Picking::FirstReceived), ["c", "b", "a"]);
        assert_eq!(book.latest(), Some(LotCode::cut("c")));
    }
}
