//! The life of a lot: from its birth to its end, with every unit accounted for.
//!
//! The state forgets a lot when its last unit has gone, so a life is told by the events that are
//! stepped once more: after each step the lot is compared with what it was before. What the record
//! does not reach back to is not known, and the life says so.

use serde::Serialize;
use shelf_domain::{
    Body, Day, Effect, Effects, Event, Lot, LotCode, RemovalCause, Sku, Store, StoreId,
};

use crate::{form, wording};

/// What became of the units of a lot on one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct LotDay {
    /// The day.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub day: Day,
    /// Units that came with it.
    pub received_units: u64,
    /// Units that came from the warehouse to the floor.
    pub to_floor_units: u64,
    /// Units that customers brought back.
    pub returned_units: u64,
    /// Units sold.
    pub sold_units: u64,
    /// Units taken out other than by a sale.
    pub removed_units: u64,
    /// Units that left the books otherwise; below 0 where they came onto them.
    pub unexplained_units: i64,
    /// Units that were left at the end of what happened on the day.
    pub left_units: u32,
}

/// Units taken out for one cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct LotRemoval {
    /// The cause, as `expired`.
    pub cause: &'static str,
    /// The units.
    pub units: u64,
}

/// A lot from its birth to its end, as far as the record reaches back.
///
/// `first + received + returned = floor + warehouse + transit + sold + removed + unexplained`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct LotLife {
    /// Where.
    #[schema(value_type = String)]
    pub store: StoreId,
    /// Of which sku.
    #[schema(value_type = String)]
    pub sku: Sku,
    /// Its code.
    #[schema(value_type = String)]
    pub lot: LotCode,
    /// Whether its birth is in the record; where it is not, what came before is not known.
    pub birth_known: bool,
    /// Units that it had where the record begins; 0 where its birth is in it.
    pub first_units: u32,
    /// Units that came with it.
    pub received_units: u64,
    /// Units that customers brought back.
    pub returned_units: u64,
    /// Units on the floor, those in carts included.
    pub floor_units: u32,
    /// Units in the warehouse.
    pub warehouse_units: u32,
    /// Units between warehouse and shelf.
    pub transit_units: u32,
    /// Units sold.
    pub sold_units: u64,
    /// Units taken out other than by a sale.
    pub removed_units: u64,
    /// The same by cause.
    pub removals: Vec<LotRemoval>,
    /// Units that left the books otherwise, as by a count; below 0 where they came onto them.
    pub unexplained_units: i64,
    /// The days on which something happened to it, the oldest first.
    pub days: Vec<LotDay>,
}

impl LotLife {
    /// Units that are left of it.
    pub fn left_units(&self) -> u32 {
        self.floor_units + self.warehouse_units + self.transit_units
    }

    /// All units that came, those where the record begins included.
    pub fn came_units(&self) -> i64 {
        (u64::from(self.first_units) + self.received_units + self.returned_units) as i64
    }

    /// All units that are left or went.
    pub fn went_units(&self) -> i64 {
        let went = u64::from(self.left_units()) + self.sold_units + self.removed_units;
        went as i64 + self.unexplained_units
    }

    /// Whether every unit is accounted for.
    pub fn conserved(&self) -> bool {
        self.came_units() == self.went_units()
    }

    /// Whether anything is known of such a lot.
    pub fn known(&self) -> bool {
        self.first_units > 0 || !self.days.is_empty()
    }

    /// The life of a lot of which the record begins here.
    pub fn begin(sku: Sku, lot: LotCode, id: StoreId, store: Option<&Store>) -> Self {
        let mut life = Self { store: id, sku, lot, birth_known: true, ..Self::default() };
        if let Some(known) = store.and_then(|store| life.of(store)) {
            life.birth_known = false;
            life.first_units = known.units();
            life.place(Some(known));
        }
        life
    }

    /// Tells it one event more of its store: what followed, and the store behind it.
    pub fn step(&mut self, event: &Event, effects: &Effects, store: &Store) {
        let lot = self.of(store);
        let (before, floor_before) = (i64::from(self.left_units()), self.floor_units);
        self.place(lot);
        let after = i64::from(self.left_units());
        let mut day = LotDay { day: store.day(), ..LotDay::default() };
        for effect in &effects.items {
            if let Effect::Removed(notice) = effect
                && (notice.sku, notice.lot) == (self.sku, self.lot)
            {
                day.removed_units += u64::from(notice.units);
                self.remove(notice.cause, notice.units.into());
            }
        }
        let change = after - before + day.removed_units as i64;
        self.attribute(&event.body, change, &mut day);
        if change == 0 {
            day.to_floor_units = u64::from(self.floor_units.saturating_sub(floor_before));
        }
        self.add(day);
    }

    fn of(&self, store: &Store) -> Option<Lot> {
        let index = store.sku(self.sku)?;
        store.lots(index).find(|lot| lot.code == self.lot).copied()
    }

    fn place(&mut self, lot: Option<Lot>) {
        self.floor_units = lot.map_or(0, |lot| lot.floor_units);
        self.warehouse_units = lot.map_or(0, |lot| lot.warehouse_units);
        self.transit_units = lot.map_or(0, |lot| lot.transit_units);
    }

    /// Says why its units have become more or fewer by `change`.
    fn attribute(&mut self, body: &Body, change: i64, day: &mut LotDay) {
        let units = change.unsigned_abs();
        match (body, change) {
            (_, 0) => {}
            (Body::Delivery(_) | Body::OpeningStock(_), 1..) => day.received_units += units,
            (Body::Receipt(_), 1..) => day.returned_units += units,
            (Body::Receipt(_), ..0) => day.sold_units += units,
            (Body::Removal(removal), ..0) if removal.sku == self.sku => {
                day.removed_units += units;
                self.remove(removal.cause, units);
            }
            (Body::Transfer(transfer), ..0) if transfer.sku == self.sku => {
                day.removed_units += units;
                self.remove(RemovalCause::Transferred, units);
            }
            _ => day.unexplained_units -= change,
        }
    }

    fn remove(&mut self, cause: RemovalCause, units: u64) {
        let cause = wording::removal_cause(cause);
        match self.removals.iter_mut().find(|known| known.cause == cause) {
            Some(known) => known.units += units,
            None => self.removals.push(LotRemoval { cause, units }),
        }
    }

    /// Adds what one step did to its day.
    fn add(&mut self, step: LotDay) {
        let nothing = LotDay { day: step.day, ..LotDay::default() };
        if step == nothing {
            return;
        }
        self.received_units += step.received_units;
        self.returned_units += step.returned_units;
        self.sold_units += step.sold_units;
        self.removed_units += step.removed_units;
        self.unexplained_units += step.unexplained_units;
        let left_units = self.left_units();
        if self.days.last().is_none_or(|last| last.day != step.day) {
            self.days.push(nothing);
        }
        let Some(day) = self.days.last_mut() else { return };
        day.received_units += step.received_units;
        day.to_floor_units += step.to_floor_units;
        day.returned_units += step.returned_units;
        day.sold_units += step.sold_units;
        day.removed_units += step.removed_units;
        day.unexplained_units += step.unexplained_units;
        day.left_units = left_units;
    }
}

#[cfg(test)]
mod tests {
    use shelf_domain::{Place, Stores};
    use shelf_testkit::Shop;

    use super::*;

    /// The life of lot `M1` of milk, from the event of this number on.
    fn life(shop: &Shop, from: usize) -> LotLife {
        let (sku, lot) = (Sku::cut("MILK"), LotCode::cut("M1"));
        let (id, mut stores, mut effects) =
            (StoreId::cut("S1"), Stores::default(), Effects::default());
        let events = shop.events();
        for event in &events[..from] {
            let _ = stores.step(event, &mut effects);
        }
        let mut life = LotLife::begin(sku, lot, id, stores.get(id));
        for event in &events[from..] {
            let _ = stores.step(event, &mut effects);
            life.step(event, &effects, stores.get(id).unwrap());
            assert!(life.conserved(), "{life:?} behind {event:?}");
        }
        life
    }

    fn milk() -> Shop {
        let mut shop = Shop::new("S1");
        shop.store(|_| {}).product("MILK", |spec| spec.product.shelf_life_days = 3);
        shop.at("08:00").delivery("MILK", "M1", 30, None);
        shop
    }

    #[test]
    fn every_unit_of_a_life_is_accounted_for() {
        let mut shop = milk();
        let born = shop.events().len();
        shop.at("08:10").wh_out("MILK", Some("M1"), 12).refill("MILK", Some("M1"), 12);
        shop.at("09:00").pickup("C1", "MILK", 3).receipt("C1", &[("MILK", 3, 100)]);
        shop.at("10:00").receipt("C2", &[("MILK", -1, 100)]);
        shop.at("11:00").removal("MILK", Place::Floor, Some("M1"), 2);
        shop.at("12:00").count("MILK", Place::Floor, 6);
        let whole = life(&shop, 0);
        assert!(whole.birth_known && whole.first_units == 0);
        assert_eq!((whole.received_units, whole.sold_units, whole.returned_units), (30, 3, 1));
        assert_eq!((whole.removed_units, whole.unexplained_units), (2, 2));
        assert_eq!((whole.floor_units, whole.warehouse_units), (6, 18));
        assert_eq!(whole.days.iter().map(|day| day.to_floor_units).sum::<u64>(), 12);
        assert_eq!(whole.days.last().map(|day| day.left_units), Some(24));
        // Without its birth, what came before is not known and not guessed.
        let cut = life(&shop, born);
        assert_eq!((cut.birth_known, cut.first_units, cut.received_units), (false, 30, 0));
        assert_eq!((cut.sold_units, cut.left_units()), (3, 24));
    }

    #[test]
    fn a_life_ends_with_its_expiry() {
        let mut shop = milk();
        for _ in 0..5 {
            shop.next_day();
            shop.clock();
        }
        let whole = life(&shop, 0);
        assert_eq!((whole.received_units, whole.removed_units, whole.left_units()), (30, 30, 0));
        assert_eq!(whole.removals, [LotRemoval { cause: "expired", units: 30 }]);
        assert_eq!((whole.days.len(), whole.days[1].removed_units), (2, 30));
    }

    #[test]
    fn nothing_is_known_of_a_lot_that_never_was() {
        let mut shop = Shop::new("S1");
        shop.store(|_| {}).product("MILK", |_| {});
        shop.at("08:00").delivery("MILK", "M2", 30, None);
        assert!(!life(&shop, 0).known());
    }
}
