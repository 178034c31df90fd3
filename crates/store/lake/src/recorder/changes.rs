//! The rows of `cleansed`, and the key figures of days that have ended: what a step changed,
//! against what was written last.

use shelf_domain::{Day, Effect, FactScope, Kpi, Ledger, Lot, MINUTE, Shelf, Sku, SkuIndex, Store};

use super::{Recorder, Scratch, Step, put};
use crate::tables::cleansed::{ChangeHead, LotRow, ProductTotalRow, ShelfStateRow, WhStateRow};
use crate::tables::ops::{EffectHead, KpiRow, ProductDayRow};

/// What was last written of a store.
#[derive(Debug)]
pub(super) struct StoreMemory {
    day: Day,
    skus: Vec<SkuMemory>,
}

/// What was last written of a sku.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct SkuMemory {
    floor: Floor,
    warehouse: Warehouse,
    totals: (u32, Ledger),
    lots: Vec<Lot>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Floor {
    floor_units: u32,
    cart_units: u32,
    capacity_units: u32,
    price_cents: i64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Warehouse {
    warehouse_units: u32,
    transit_units: u32,
    capacity_units: u32,
}

impl Floor {
    fn of(store: &Store, index: SkuIndex, shelf: &Shelf) -> Self {
        Self {
            floor_units: shelf.floor_units,
            cart_units: shelf.cart_units,
            capacity_units: shelf.capacity_units,
            price_cents: store.price_cents(index, None),
        }
    }
}

impl Warehouse {
    fn of(shelf: &Shelf) -> Self {
        Self {
            warehouse_units: shelf.warehouse_units,
            transit_units: shelf.transit_units,
            capacity_units: shelf.warehouse_capacity_units,
        }
    }
}

/// The lots of a sku that hold anything. The store forgets the others at some later moment, which
/// is no change of stock.
fn held_lots(store: &Store, index: SkuIndex) -> impl Iterator<Item = &Lot> {
    store.lots(index).filter(|lot| lot.units() > 0 || lot.reserved_units > 0)
}

impl StoreMemory {
    pub(super) fn of(store: &Store) -> Self {
        let skus = store.skus().map(|index| {
            let Some(shelf) = store.shelf(index) else { return SkuMemory::default() };
            SkuMemory {
                floor: Floor::of(store, index, shelf),
                warehouse: Warehouse::of(shelf),
                totals: (shelf.on_hand_units(), shelf.ledger),
                lots: held_lots(store, index).copied().collect(),
            }
        });
        Self { day: store.day(), skus: skus.collect() }
    }
}

impl Recorder {
    pub(super) fn record_changes(&mut self, step: &Step<'_>, store: &Store, scratch: &mut Scratch) {
        // A store begins with its declaration, before it has any sku.
        let began = || StoreMemory { day: store.day(), skus: Vec::new() };
        let memory = self.memory.entry(store.id()).or_insert_with(began);
        let ended = (memory.day < store.day()).then_some(memory.day);
        memory.day = store.day();
        if let Some(day) = ended {
            // What came late that day says of earlier ones holds in place of what was said.
            for day in store.reopened_on(day).chain([day]) {
                self.record_kpis(step, store, day);
            }
            self.record_product_days(step, store, day);
        }
        scratch.skus.clear();
        scratch.skus.extend_from_slice(&step.effects.touched);
        // What a step reserves or marks down changes lots, and no stock.
        let told = step.effects.items.iter().filter_map(|effect| match effect {
            Effect::Task(task) => Some(task.sku),
            Effect::Price(notice) => Some(notice.sku),
            Effect::Removed(notice) => Some(notice.sku),
            Effect::Explained(found) => Some(found.sku),
            _ => None,
        });
        scratch.skus.extend(told.filter_map(|sku| store.sku(sku)));
        scratch.skus.sort_unstable();
        scratch.skus.dedup();
        for &index in &scratch.skus {
            self.record_sku(step, store, index);
        }
    }

    /// The skus of a store whose state is not what was last written of it.
    pub fn unwritten(&self, store: &Store) -> Vec<Sku> {
        let Some(memory) = self.memory.get(&store.id()) else { return Vec::new() };
        let now = StoreMemory::of(store);
        let pairs = store.skus().zip(now.skus.iter().zip(&memory.skus));
        let changed = pairs.filter(|(_, (now, written))| now != written);
        changed.filter_map(|(index, _)| store.shelf(index)).map(|shelf| shelf.sku).collect()
    }

    fn record_sku(&mut self, step: &Step<'_>, store: &Store, index: SkuIndex) {
        let Some(shelf) = store.shelf(index) else { return };
        let Some(memory) = self.memory.get_mut(&store.id()) else { return };
        if memory.skus.len() <= index.at() {
            memory.skus.resize(index.at() + 1, SkuMemory::default());
        }
        let Some(before) = memory.skus.get_mut(index.at()) else { return };
        let (gathered, bytes) = (&mut self.gathered, &mut self.bytes);
        let id = store.id();
        let head = ChangeHead {
            store_id: id.as_str(),
            sku: shelf.sku.as_str(),
            valid_from: store.now(),
            event_date: store.day(),
            log_partition: step.partition as i32,
            log_offset: step.offset as i64,
        };
        let floor = Floor::of(store, index, shelf);
        if floor != before.floor {
            before.floor = floor;
            let row = ShelfStateRow {
                floor_units: floor.floor_units.into(),
                cart_units: floor.cart_units.into(),
                capacity_units: floor.capacity_units.into(),
                price: floor.price_cents,
                ..ShelfStateRow::from(head)
            };
            put(&mut gathered.shelf_state, bytes, step, row);
        }
        let warehouse = Warehouse::of(shelf);
        if warehouse != before.warehouse {
            before.warehouse = warehouse;
            let row = WhStateRow {
                warehouse_units: warehouse.warehouse_units.into(),
                in_transit_units: warehouse.transit_units.into(),
                capacity_units: warehouse.capacity_units.into(),
                ..WhStateRow::from(head)
            };
            put(&mut gathered.wh_state, bytes, step, row);
        }
        let totals = (shelf.on_hand_units(), shelf.ledger);
        if totals != before.totals {
            before.totals = totals;
            let ledger = &shelf.ledger;
            let row = ProductTotalRow {
                on_hand_units: shelf.on_hand_units().into(),
                received_units: ledger.received as i64,
                sold_units: ledger.sold as i64,
                returned_units: ledger.returned as i64,
                removed_units: ledger.removed as i64,
                unexplained_units: ledger.unexplained,
                revenue: ledger.revenue_cents,
                waste: ledger.waste_cents,
                ..ProductTotalRow::from(head)
            };
            put(&mut gathered.product_total_state, bytes, step, row);
        }
        self.record_lots(step, store, index, head);
    }

    fn record_lots(
        &mut self,
        step: &Step<'_>,
        store: &Store,
        index: SkuIndex,
        head: ChangeHead<'_>,
    ) {
        let memory = self.memory.get_mut(&store.id());
        let Some(before) = memory.and_then(|memory| memory.skus.get_mut(index.at())) else {
            return;
        };
        let (gathered, bytes) = (&mut self.gathered, &mut self.bytes);
        let mut same = before.lots.iter();
        if held_lots(store, index).all(|lot| same.next() == Some(lot)) && same.next().is_none() {
            return;
        }
        let lot_row = |lot: &'_ Lot| (lot.received_day, lot.expiry_day);
        for lot in held_lots(store, index) {
            if before.lots.iter().any(|known| known == lot) {
                continue;
            }
            let (received_date, expiry) = lot_row(lot);
            let row = LotRow {
                lot_code: lot.code.as_str(),
                received_date,
                expiry_date: Some(expiry).filter(|day| *day != Day::NEVER),
                floor_units: lot.floor_units.into(),
                warehouse_units: lot.warehouse_units.into(),
                in_transit_units: lot.transit_units.into(),
                reserved_units: lot.reserved_units.into(),
                markdown_percent: lot.markdown,
                ..LotRow::from(head)
            };
            put(&mut gathered.lots, bytes, step, row);
        }
        for gone in &before.lots {
            if held_lots(store, index).any(|lot| lot.code == gone.code) {
                continue;
            }
            let (received_date, expiry) = lot_row(gone);
            let row = LotRow {
                lot_code: gone.code.as_str(),
                received_date,
                expiry_date: Some(expiry).filter(|day| *day != Day::NEVER),
                markdown_percent: gone.markdown,
                ..LotRow::from(head)
            };
            put(&mut gathered.lots, bytes, step, row);
        }
        before.lots.clear();
        before.lots.extend(held_lots(store, index).copied());
    }

    /// The figures of a day that has ended. Days on which the store heard nothing have none.
    fn record_kpis(&mut self, step: &Step<'_>, store: &Store, day: Day) {
        if !self.gathered.kpis.wants(step.partition, step.offset) {
            return;
        }
        let facts = store.facts(FactScope::Store, day, day);
        let id = store.id();
        for (effect_no, kpi) in (0..).zip(Kpi::ALL) {
            let head = EffectHead {
                store_id: id.as_str(),
                log_partition: step.partition as i32,
                log_offset: step.offset as i64,
                effect_no,
                at: store.now(),
                event_date: day,
            };
            let money = kpi.unit() == shelf_domain::Unit::Money;
            // Money is in thousandths of cents there, and in units of the currency in a table.
            let value =
                kpi.milli(&facts, true).map(|milli| if money { milli / 100 } else { milli });
            let (kpi, unit) = (kpi.code(), kpi.unit().code());
            let row = KpiRow { kpi, unit, value, ..KpiRow::from(head) };
            put(&mut self.gathered.kpis, &mut self.bytes, step, row);
        }
    }

    /// How the shelves stood on a day that has ended.
    fn record_product_days(&mut self, step: &Step<'_>, store: &Store, day: Day) {
        if !self.gathered.product_days.wants(step.partition, step.offset) {
            return;
        }
        let elapsed = store.store_days().find(|(of, _)| *of == day);
        let elapsed_ms = elapsed.map_or(0, |(_, facts)| u128::from(facts.elapsed_ms));
        let id = store.id();
        for (effect_no, index) in (0..).zip(store.skus()) {
            let Some(shelf) = store.shelf(index) else { continue };
            let days = store.sku_days(index);
            let Some((_, facts)) = days.filter(|(of, _)| *of == day).last() else { continue };
            let head = EffectHead {
                store_id: id.as_str(),
                log_partition: step.partition as i32,
                log_offset: step.offset as i64,
                effect_no,
                at: store.now(),
                event_date: day,
            };
            let mean = (facts.stock_ms * 1_000).checked_div(elapsed_ms);
            let row = ProductDayRow {
                sku: shelf.sku.as_str(),
                open_minutes: facts.open_us / MINUTE,
                stock_out_minutes: facts.empty_us / MINUTE,
                mean_units: mean.map(|milli| milli as i64),
                ..ProductDayRow::from(head)
            };
            put(&mut self.gathered.product_days, &mut self.bytes, step, row);
        }
    }
}
