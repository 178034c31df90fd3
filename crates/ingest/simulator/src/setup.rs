//! What the store is told about itself before its first day: reference data and opening stock.

use shelf_domain::{
    Approval, BasisPoints, Body, Category, Day, LotCode, MarkdownSchedule, Note, OpeningStock,
    Policy, PolicyId, Product, Promotion, RefillMode, Scope, Sensor, ShelfPlan, SkuIndex,
    StoreSettings, Supplier, SupplierId, Timestamp, WeekSlot,
};

use crate::calendar::closed_days;
use crate::chance::{Dice, exp};
use crate::options::PlannerEstimate;
use crate::promotions::{monday, of_week};
use crate::town::StoreTown;
use crate::traffic::{UNITS_PER_VISIT, mean_customers};

/// Code, name, and whether it brings fresh goods.
const SUPPLIERS: [(&str, &str, bool); 13] = [
    ("drinks", "Lakeside Drinks", false),
    ("cellar", "Old Cellar Trading", false),
    ("dairy", "Alpine Long-life Dairy", false),
    ("home", "Home and Cleaning Supply", false),
    ("care", "Care and Family Supply", false),
    ("greens", "Morning Greens", true),
    ("pantry", "Pantry Wholesale", false),
    ("sweets", "Sweet and Savory Trading", false),
    ("mill", "Valley Mill", false),
    ("chilled", "Chilled Goods Logistics", true),
    ("frozen", "Northern Frozen Foods", false),
    ("butcher", "Town Butchers", true),
    ("fishery", "Harbour Fishery", true),
];
/// Lots of one sku in one place at the opening, at most.
const OPENING_LOTS: u32 = 6;
/// The deviation of the planner's error.
const PLANNER_ERROR: f64 = 0.3;

impl StoreTown {
    pub(crate) fn set_up(&mut self) {
        let at = self.state.now;
        let clock = self.state.options.clock.clone();
        let today = clock.day(at);
        let settings = StoreSettings {
            name: Note::cut(&format!("Store {}", u64::from(self.state.index) + 1)),
            time_zone: self.state.options.time_zone,
            clock,
            opening: self.world.opening.clone(),
            closed_days: closed_days(today),
            refill: RefillMode::Confirmed,
            approval: Approval::Automatic,
            ..StoreSettings::default()
        };
        self.tell(at, Body::Store(Box::new(settings)));
        for (code, name, fresh) in SUPPLIERS {
            self.tell(at, Body::Supplier(Box::new(supplier(code, name, fresh))));
        }
        for policy in policies() {
            self.tell(at, Body::Policy(Box::new(policy)));
        }
        self.declare_products(at);
        for ahead in [0, 7] {
            self.announce_week(at, monday(today).plus(ahead));
        }
        self.open_stock(at, today);
    }

    fn declare_products(&mut self, at: Timestamp) {
        let (seed, store) = (self.state.options.seed, self.state.index);
        let mut planner = Dice::new(seed, store, "planner", 0);
        let mut sensors = Dice::new(seed, store, "kinds of sensors", 0);
        let weight_only = self.state.options.realism.weight_only;
        for number in 0..self.world.catalogue.items.len() {
            let index = SkuIndex(number as u32);
            let expected = self.expected_daily_milli(index, &mut planner);
            let only_weighs = sensors.chance(weight_only);
            let Some(item) = self.world.catalogue.item(index) else { continue };
            let product = Product {
                sku: item.sku,
                name: item.name,
                brand: item.brand,
                category: item.category,
                subcategory: item.subcategory,
                price_cents: item.price_cents,
                cost_cents: item.cost_cents,
                unit_weight_g: item.unit_g,
                pack_units: item.pack_units,
                shelf_life_days: item.life_days,
                supplier: Some(item.supplier),
                ..Product::default()
            };
            let plan = ShelfPlan {
                sku: item.sku,
                capacity_units: item.shelf_units,
                warehouse_capacity_units: item.warehouse_units,
                sensor: if only_weighs { Sensor::WeightOnly } else { Sensor::Units },
                expected_daily_milli: expected,
                ..ShelfPlan::default()
            };
            let list_cents = item.price_cents;
            if let Some(stock) = self.stock_mut(index) {
                stock.list_cents = list_cents;
                stock.only_weighs = only_weighs;
            }
            self.tell(at, Body::Product(Box::new(product)));
            self.tell(at, Body::Shelf(plan));
        }
    }

    /// What the planner expects a sku to sell on a mean day.
    fn expected_daily_milli(&self, index: SkuIndex, planner: &mut Dice) -> u32 {
        let error = exp(PLANNER_ERROR * planner.normal());
        let mean = self.mean_daily_milli(index) as f64;
        match self.state.options.estimate {
            PlannerEstimate::Unknown => 0,
            PlannerEstimate::Rough => (mean * error) as u32,
            PlannerEstimate::Exact => mean as u32,
        }
    }

    /// What a sku would sell on a mean day of a mean season if its shelf were never empty, in
    /// thousandths of a unit.
    pub(crate) fn mean_daily_milli(&self, index: SkuIndex) -> u64 {
        let pull = self.item(index).map_or(0.0, |item| item.pull);
        let share = pull / self.world.pull;
        let customers = mean_customers(self.state.options.customers_per_day);
        (share * customers * UNITS_PER_VISIT * 1_000.0) as u64
    }

    /// Announces the promotions of the week after this one, where that has not been done.
    pub(crate) fn announce_promotions(&mut self, at: Timestamp) {
        let next = monday(self.day(at)).plus(7);
        if next > self.state.announced {
            self.announce_week(at, next);
        }
    }

    fn announce_week(&mut self, at: Timestamp, from_day: Day) {
        self.state.announced = from_day;
        let skus = self.world.catalogue.items.len();
        for (index, cut) in of_week(self.state.options.seed, skus, from_day) {
            let Some(sku) = self.item(index).map(|item| item.sku) else { continue };
            let until_day = from_day.plus(6);
            let promotion = Promotion { sku, from_day, until_day, cut, ..Promotion::default() };
            self.tell(at, Body::Promotion(promotion));
        }
    }

    fn open_stock(&mut self, at: Timestamp, today: Day) {
        let mut dice = Dice::new(self.state.options.seed, self.state.index, "opening stock", 0);
        let mut batch = 0;
        for number in 0..self.world.catalogue.items.len() {
            let Some(item) = self.world.catalogue.items.get(number) else { continue };
            let (fill, least) = if item.fresh { ((0.35, 0.95), 1) } else { ((0.7, 1.0), 0) };
            let room = f64::from(item.shelf_units);
            let floor = ((room * dice.span(fill.0, fill.1)) as u32).max(least);
            let packs = item.warehouse_units / item.pack_units.max(1);
            let drawn = 1 + dice.below(packs.clamp(1, 3));
            let needed = (item.warehouse_units / 20).div_ceil(item.pack_units.max(1));
            let warehouse = drawn.max(needed) * item.pack_units;
            let (life, pack) = (i32::from(item.life_days), item.pack_units);
            // What lies on the shelf has been in the store for longer.
            for (units, youngest, on_floor) in
                [(floor, life / 3, true), (warehouse, life / 2, false)]
            {
                for (units, left) in lots(units, pack, youngest.max(1), life, &mut dice) {
                    batch += 1;
                    let (floor, warehouse) = if on_floor { (units, 0) } else { (0, units) };
                    let lot = LotCode::cut(&format!("B{batch:07}"));
                    let days = (today.plus(left - life), today.plus(left));
                    self.open_lot(at, SkuIndex(number as u32), lot, days, (floor, warehouse));
                }
            }
        }
    }

    fn open_lot(
        &mut self,
        at: Timestamp,
        index: SkuIndex,
        lot: LotCode,
        (received_day, expiry): (Day, Day),
        (floor_units, warehouse_units): (u32, u32),
    ) {
        let Some(sku) = self.item(index).map(|item| item.sku) else { return };
        if let Some(stock) = self.stock_mut(index) {
            stock.receive(lot, expiry, floor_units, warehouse_units);
        }
        self.state.truth.opening_units += u64::from(floor_units + warehouse_units);
        let expiry_day = Some(expiry);
        let opening = OpeningStock {
            sku,
            lot,
            received_day,
            expiry_day,
            floor_units,
            warehouse_units,
            ..OpeningStock::default()
        };
        self.tell(at, Body::OpeningStock(opening));
    }
}

/// Splits units into lots of whole packs and a remainder, each with its days to expiry, the fewest
/// first.
fn lots(units: u32, pack: u32, least: i32, most: i32, dice: &mut Dice) -> Vec<(u32, i32)> {
    let pack = pack.max(1);
    let size = units.div_ceil(OPENING_LOTS).div_ceil(pack) * pack;
    let mut left = Vec::new();
    for _ in 0..units.div_ceil(size.max(1)) {
        left.push(dice.between(i64::from(least), i64::from(most.max(least))) as i32);
    }
    left.sort_unstable();
    let mut rest = units;
    left.into_iter()
        .map(|days| {
            let part = rest.min(size);
            rest -= part;
            (part, days)
        })
        .collect()
}

/// Dry goods: ordered until Sunday, Tuesday, Thursday noon, delivered on Monday, Wednesday, Friday
/// at 8. Fresh ones: ordered every day but Saturday until noon, delivered the next morning at 7.
fn supplier(code: &str, name: &str, fresh: bool) -> Supplier {
    let slots = |weekdays: &[u8], minute| {
        weekdays.iter().map(|&weekday| WeekSlot { weekday, minute }).collect()
    };
    let (cutoffs, deliveries, lead_minutes, minimum_order_cents) = if fresh {
        (slots(&[0, 1, 2, 3, 4, 6], 720), slots(&[0, 1, 2, 3, 4, 5], 420), 1_140, 5_000)
    } else {
        (slots(&[1, 3, 6], 720), slots(&[0, 2, 4], 480), 1_200, 20_000)
    };
    Supplier {
        supplier: SupplierId::cut(code),
        name: Note::cut(name),
        cutoffs,
        deliveries,
        lead_minutes,
        minimum_order_cents,
        ..Supplier::default()
    }
}

/// The reference's thresholds for all, and shorter horizons for what spoils.
fn policies() -> Vec<Policy> {
    let all = Policy {
        policy: PolicyId::cut("global"),
        scope: Scope::Global,
        active: true,
        refill_below: Some(BasisPoints::percent(30)),
        min_units: Some(1),
        target: Some(BasisPoints::percent(80)),
        hysteresis: Some(BasisPoints::percent(5)),
        cover_days: Some(4),
        near_expiry_floor_days: Some(5),
        near_expiry_warehouse_days: Some(10),
        cooldown_minutes: Some(60),
        ..Policy::default()
    };
    let cut = BasisPoints::percent;
    let short = MarkdownSchedule {
        steps: [(0, cut(50)), (1, cut(30)), (0, BasisPoints::ZERO), (0, BasisPoints::ZERO)],
    };
    let fresh = |name: &str, cover, near, target, markdown| Policy {
        policy: PolicyId::cut(&name.to_lowercase().replace(' ', "-")),
        scope: Scope::Category(Category::cut(name)),
        active: true,
        target: Some(BasisPoints::percent(target)),
        cover_days: Some(cover),
        near_expiry_floor_days: Some(near),
        near_expiry_warehouse_days: Some(near),
        markdown,
        ..Policy::default()
    };
    vec![
        all,
        fresh("FRUITS AND VEGETABLES", 1, 2, 80, Some(short)),
        fresh("REFRIGERATED", 1, 4, 80, None),
        fresh("MEAT", 0, 1, 90, Some(short)),
        fresh("FISH", 0, 0, 90, Some(short)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opening_stock_is_split_into_packs_and_a_remainder() {
        let mut dice = Dice::new(1, 1, "lots", 0);
        let split = lots(47, 10, 2, 9, &mut dice);
        assert_eq!(split.iter().map(|lot| lot.0).collect::<Vec<_>>(), [10, 10, 10, 10, 7]);
        assert!(split.windows(2).all(|two| two[0].1 <= two[1].1));
        assert!(lots(400, 8, 1, 7, &mut dice).len() <= 6);
        assert!(lots(0, 8, 1, 7, &mut dice).is_empty());
    }

    #[test]
    fn every_supplier_of_the_assortment_is_declared() {
        let made = crate::catalogue::Catalogue::new(1, 0);
        for item in &made.items {
            assert!(SUPPLIERS.iter().any(|(code, ..)| *code == item.supplier.as_str()));
        }
    }
}
