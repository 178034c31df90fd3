//! A trivial core for the town's tests: it restocks shelves below 30 % and orders at cut-offs. It
//! books what it is told and checks nothing.

// It is part of the tests, where a wrong event should stop everything.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use shelf_domain::{
    Alert, AlertId, AlertStatus, Allocation, BasisPoints, Body, Day, Effect, Event, LineReason,
    LocalClock, LotCode, MINUTE, Note, OrderId, OrderLine, OrderStatus, Place, PriceNotice,
    RemovalCause, RemovalNotice, RestockTask, Rule, Severity, Sku, Supplier, SupplierId,
    SupplierOrder, TaskId, TaskStatus, Timestamp,
};

#[derive(Clone, Debug, Default)]
struct Lot {
    code: LotCode,
    expiry: Option<Day>,
    floor: i64,
    warehouse: i64,
}

#[derive(Clone, Debug, Default)]
struct Shelf {
    supplier: SupplierId,
    list_cents: i64,
    pack: i64,
    life: i64,
    capacity: i64,
    warehouse_capacity: i64,
    daily_milli: i64,
    floor: i64,
    on_order: i64,
    lots: Vec<Lot>,
    task: Option<RestockTask>,
}

/// The books of one store.
#[derive(Clone, Debug, Default)]
pub(crate) struct StandIn {
    clock: LocalClock,
    day: Day,
    shelves: BTreeMap<Sku, Shelf>,
    suppliers: Vec<(Supplier, Option<Timestamp>)>,
    orders: BTreeMap<OrderId, SupplierOrder>,
    numbers: u64,
    pub(crate) effects: Vec<Effect>,
}

impl StandIn {
    pub(crate) fn step(&mut self, event: &Event) {
        let now = event.at;
        match &event.body {
            Body::Store(settings) => {
                self.clock = settings.clock.clone();
                self.day = self.clock.day(now);
            }
            Body::Supplier(supplier) => self.suppliers.push(((**supplier).clone(), None)),
            Body::Product(product) => {
                let shelf = self.shelves.entry(product.sku).or_default();
                shelf.supplier = product.supplier.unwrap();
                shelf.list_cents = product.price_cents;
                shelf.pack = i64::from(product.pack_units);
                shelf.life = i64::from(product.shelf_life_days);
            }
            Body::Shelf(plan) => {
                let shelf = self.shelves.get_mut(&plan.sku).unwrap();
                shelf.capacity = i64::from(plan.capacity_units);
                shelf.warehouse_capacity = i64::from(plan.warehouse_capacity_units);
                shelf.daily_milli = i64::from(plan.expected_daily_milli);
            }
            Body::Promotion(promotion) => {
                let list_cents = self.shelves[&promotion.sku].list_cents;
                self.effects.push(Effect::Price(PriceNotice {
                    sku: promotion.sku,
                    lot: None,
                    list_cents,
                    promotion: promotion.cut,
                    markdown: BasisPoints::ZERO,
                    price_cents: list_cents,
                }));
            }
            Body::Clock => self.clock_comes(now),
            body => self.book(now, body),
        }
    }

    fn book(&mut self, now: Timestamp, body: &Body) {
        match body {
            Body::OpeningStock(stock) => {
                let shelf = self.shelves.get_mut(&stock.sku).unwrap();
                shelf.floor += i64::from(stock.floor_units);
                let lot = shelf.lot(stock.lot, stock.expiry_day);
                lot.floor += i64::from(stock.floor_units);
                lot.warehouse += i64::from(stock.warehouse_units);
            }
            Body::Delivery(delivery) => {
                let units = i64::from(delivery.units);
                let shelf = self.shelves.get_mut(&delivery.sku).unwrap();
                shelf.lot(delivery.lot, delivery.expiry_day).warehouse += units;
                self.receive(delivery.order.unwrap(), delivery.sku, units);
            }
            Body::OrderAct(act) => self.close(act.order, OrderStatus::Cancelled),
            Body::Pickup(touch) => self.floor(touch.sku, -i64::from(touch.units)),
            Body::Putback(touch) => self.floor(touch.sku, i64::from(touch.units)),
            Body::WarehouseOut(out) => {
                let shelf = self.shelves.get_mut(&out.sku).unwrap();
                shelf.lot(out.lot.unwrap(), None).warehouse -= i64::from(out.units);
            }
            Body::Refill(refill) => {
                let shelf = self.shelves.get_mut(&refill.sku).unwrap();
                shelf.floor += i64::from(refill.units);
                shelf.lot(refill.lot.unwrap(), None).floor += i64::from(refill.units);
                if let Some(mut task) = shelf.task.take() {
                    task.status = TaskStatus::Done;
                    self.effects.push(Effect::Task(task));
                }
            }
            Body::Receipt(receipt) => {
                for line in &receipt.lines {
                    let shelf = self.shelves.get_mut(&line.sku).unwrap();
                    shelf.lot(line.lot.unwrap(), None).floor -= i64::from(line.units);
                }
            }
            Body::Removal(removal) if removal.place == Place::Floor => {
                self.floor(removal.sku, -i64::from(removal.units));
                let shelf = self.shelves.get_mut(&removal.sku).unwrap();
                shelf.lot(removal.lot.unwrap(), None).floor -= i64::from(removal.units);
            }
            Body::Count(count) if count.place == Place::Floor => {
                let shelf = self.shelves.get_mut(&count.sku).unwrap();
                if shelf.floor != i64::from(count.units) {
                    let alert = self.alert(now, Rule::StockDiscrepancy, count.sku, Place::Floor);
                    self.effects.push(Effect::Alert(alert));
                }
                self.shelves.get_mut(&count.sku).unwrap().floor = i64::from(count.units);
            }
            _ => {}
        }
    }

    fn receive(&mut self, order: OrderId, sku: Sku, units: i64) {
        let Some(known) = self.orders.get_mut(&order) else { return };
        let line = known.lines.iter_mut().find(|line| line.sku == sku).unwrap();
        line.received_units += units as u32;
        let came = units.min(i64::from(line.units));
        self.shelves.get_mut(&sku).unwrap().on_order -= came;
        if known.lines.iter().all(|line| line.received_units >= line.units) {
            self.close(order, OrderStatus::Received);
        }
    }

    /// Whatever has not come will not come.
    fn close(&mut self, order: OrderId, status: OrderStatus) {
        let Some(mut known) = self.orders.remove(&order) else { return };
        for line in &known.lines {
            let missing = line.units.saturating_sub(line.received_units);
            self.shelves.get_mut(&line.sku).unwrap().on_order -= i64::from(missing);
        }
        known.status = status;
        self.effects.push(Effect::Order(known));
    }

    fn floor(&mut self, sku: Sku, units: i64) {
        self.shelves.get_mut(&sku).unwrap().floor += units;
    }

    fn clock_comes(&mut self, now: Timestamp) {
        let day = self.clock.day(now);
        if day != self.day {
            self.day = day;
            self.remove_expired(now, day);
        }
        if now.0.rem_euclid(5 * MINUTE) == 0 {
            self.restock(now);
            self.order(now);
        }
    }

    fn remove_expired(&mut self, now: Timestamp, day: Day) {
        let mut alerts = Vec::new();
        for (&sku, shelf) in &mut self.shelves {
            for lot in &mut shelf.lots {
                if lot.expiry.is_none_or(|expiry| expiry >= day) {
                    continue;
                }
                for place in [Place::Floor, Place::Warehouse] {
                    let units = match place {
                        Place::Floor => std::mem::take(&mut lot.floor).clamp(0, shelf.floor.max(0)),
                        Place::Warehouse => std::mem::take(&mut lot.warehouse).max(0),
                    };
                    if units == 0 {
                        continue;
                    }
                    if place == Place::Floor {
                        shelf.floor -= units;
                    }
                    alerts.push((sku, place));
                    self.effects.push(Effect::Removed(RemovalNotice {
                        sku,
                        lot: lot.code,
                        place,
                        units: units as u32,
                        cause: RemovalCause::Expired,
                        cost_cents: 0,
                    }));
                }
            }
            shelf.lots.retain(|lot| lot.floor != 0 || lot.warehouse != 0);
        }
        for (sku, place) in alerts {
            let alert = self.alert(now, Rule::ExpiredRemoval, sku, place);
            self.effects.push(Effect::Alert(alert));
        }
    }

    fn restock(&mut self, now: Timestamp) {
        let mut begun = Vec::new();
        for (&sku, shelf) in &mut self.shelves {
            if shelf.task.is_some() || shelf.floor * 10 >= shelf.capacity * 3 {
                continue;
            }
            let mut wanted = shelf.capacity - shelf.floor.max(0);
            shelf.lots.sort_by_key(|lot| lot.expiry);
            let mut allocations = Vec::new();
            for lot in shelf.lots.iter().filter(|lot| lot.warehouse > 0) {
                let units = lot.warehouse.min(wanted);
                wanted -= units;
                if units > 0 {
                    allocations.push(Allocation {
                        lot: lot.code,
                        reserved_units: units as u32,
                        transit_units: 0,
                        arrived_units: 0,
                    });
                }
            }
            if !allocations.is_empty() {
                self.numbers += 1;
                let task = RestockTask {
                    task: TaskId(self.numbers),
                    sku,
                    status: TaskStatus::Issued,
                    wanted_units: (shelf.capacity - shelf.floor.max(0)) as u32,
                    backorder_units: wanted as u32,
                    allocations,
                    created_at: now,
                    changed_at: now,
                    due_at: now,
                };
                shelf.task = Some(task.clone());
                begun.push(Effect::Task(task));
            }
        }
        self.effects.extend(begun);
    }

    fn order(&mut self, now: Timestamp) {
        for at in 0..self.suppliers.len() {
            let (supplier, next) = self.suppliers[at].clone();
            let Some(cutoff) = next.filter(|cutoff| *cutoff <= now) else {
                if next.is_none() {
                    self.suppliers[at].1 = self.clock.next_slot(&supplier.cutoffs, now);
                }
                continue;
            };
            self.suppliers[at].1 = self.clock.next_slot(&supplier.cutoffs, now);
            let ready = cutoff.plus(i64::from(supplier.lead_minutes) * 60_000_000 - 1);
            let delivery_at = self.clock.next_slot(&supplier.deliveries, ready).unwrap();
            let lines = self.lines(supplier.supplier);
            if lines.is_empty() {
                continue;
            }
            self.numbers += 1;
            let order = SupplierOrder {
                order: OrderId(self.numbers),
                supplier: supplier.supplier,
                status: OrderStatus::Sent,
                cutoff_at: cutoff,
                delivery_at,
                delivery_day: self.clock.day(delivery_at),
                created_at: now,
                changed_at: now,
                lines,
            };
            self.orders.insert(order.order, order.clone());
            self.effects.push(Effect::Order(order));
        }
    }

    /// Perishables for two and a half days or three quarters of their life, the others up to
    /// capacity.
    fn lines(&mut self, supplier: SupplierId) -> Vec<OrderLine> {
        let mut lines = Vec::new();
        for (&sku, shelf) in self.shelves.iter_mut().filter(|(_, s)| s.supplier == supplier) {
            let stock: i64 = shelf.lots.iter().map(|lot| lot.warehouse.max(0)).sum();
            let have = stock + shelf.floor.max(0) + shelf.on_order;
            let days = 2_500.min(shelf.life * 750).max(1_500);
            let room = shelf.warehouse_capacity - stock - shelf.on_order;
            let want = match shelf.life {
                ..60 => shelf.daily_milli * days / 1_000_000 + 1 - have,
                _ if have * 2 < shelf.warehouse_capacity => room,
                _ => 0,
            };
            if want <= 0 {
                continue;
            }
            let packs = if shelf.life < 60 {
                (want + shelf.pack - 1) / shelf.pack
            } else {
                want / shelf.pack
            };
            let units = packs * shelf.pack;
            shelf.on_order += units;
            lines.push(OrderLine {
                sku,
                units: units as u32,
                received_units: 0,
                cost_cents: 0,
                reason: LineReason::default(),
            });
        }
        lines.retain(|line| line.units > 0);
        lines
    }

    fn alert(&mut self, now: Timestamp, rule: Rule, sku: Sku, place: Place) -> Alert {
        self.numbers += 1;
        Alert {
            alert: AlertId(self.numbers),
            rule,
            sku: Some(sku),
            place,
            severity: Severity::Warning,
            status: AlertStatus::Open,
            opened_at: now,
            last_seen_at: now,
            changed_at: now,
            count: 1,
            stock_units: 0,
            threshold: 0,
            capacity_units: 0,
            suggested_units: 0,
            snoozed_until: None,
            owner: None,
            actor: None,
            note: Note::default(),
        }
    }
}

impl Shelf {
    fn lot(&mut self, code: LotCode, expiry: Option<Day>) -> &mut Lot {
        let at = self.lots.iter().position(|lot| lot.code == code).unwrap_or_else(|| {
            self.lots.push(Lot { code, expiry, ..Lot::default() });
            self.lots.len() - 1
        });
        &mut self.lots[at]
    }
}
