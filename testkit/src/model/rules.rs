//! What each event does to the books: one function for each rule of the page, in its order.

use shelf_domain::{
    Body, Count, Day, Delivery, Event, LotCode, MAX_EVENT_UNITS, MAX_PRICE_CENTS, OpeningStock,
    Picking, Place, Product, Refill, RefillMode, Removal, Sensor, ShelfPlan, ShelfTouch, Sku,
    StoreSettings, Transfer, WarehouseOut, WeightChange,
};

use super::book::{Book, Moment, Pile};
use super::timers::Arrival;
use super::{Model, Reason};

const SMALL_WEIGHT_G: i128 = 2;

impl Model {
    /// Applies `event`, or says why it changes nothing.
    pub(super) fn enact(&mut self, event: &Event) -> Result<(), Reason> {
        let at = event.at.0;
        let moment = Moment { at: event.at, day: self.clock().day(event.at) };
        match &event.body {
            Body::Store(settings) => self.declare_store(settings),
            Body::Rejected(_) => return Err("rejected"),
            _ if self.settings.is_none() => return Err("unknown_store"),
            Body::Product(product) => self.declare_product(product)?,
            Body::Shelf(plan) => self.declare_shelf(plan)?,
            Body::Policy(policy) => self.policies.set(policy),
            Body::Price(change) => _ = self.book(change.sku)?,
            Body::Promotion(promotion) => _ = self.book(promotion.sku)?,
            Body::OpeningStock(stock) => self.opening_stock(stock)?,
            Body::Delivery(delivery) => self.wh_in(delivery, moment)?,
            Body::WarehouseOut(out) => self.wh_out(out, moment)?,
            Body::Refill(refill) => self.refill(refill, moment)?,
            Body::Pickup(touch) => self.pickup(touch, at)?,
            Body::Putback(touch) => self.putback(touch, at)?,
            Body::WeightChange(change) => self.weight_change(change, at)?,
            Body::Receipt(receipt) => self.receipt(receipt, at)?,
            Body::Removal(removal) => self.removal(removal)?,
            Body::Transfer(transfer) => self.transfer(transfer)?,
            Body::Count(count) => self.count(count, moment)?,
            Body::Entry(customer) => self.entry(*customer, at),
            Body::Exit(customer) => self.exit(*customer, at),
            Body::Session(session) => {
                self.entry(Some(session.customer), at);
                self.exit(Some(session.customer), session.exit_at.0);
            }
            Body::Supplier(_)
            | Body::AlertAct(_)
            | Body::OrderAct(_)
            | Body::TaskAct(_)
            | Body::Clock => {}
        }
        Ok(())
    }

    pub(super) fn book(&mut self, sku: Sku) -> Result<&mut Book, Reason> {
        self.books.get_mut(sku.as_str()).ok_or("unknown_product")
    }

    pub(super) fn picking(&self, sku: Sku) -> Picking {
        let book = self.books.get(sku.as_str());
        book.map_or_else(Picking::default, |book| self.policies.picking(&book.product))
    }

    fn declare_store(&mut self, settings: &StoreSettings) {
        let first = self.settings.is_none();
        self.settings = Some(settings.clone());
        if first {
            self.begin_days();
        }
    }

    fn declare_product(&mut self, product: &Product) -> Result<(), Reason> {
        let amounts = [product.price_cents, product.cost_cents];
        if amounts.iter().any(|cents| !(0..=MAX_PRICE_CENTS).contains(cents)) {
            return Err("absurd_amount");
        }
        self.books.entry(product.sku.as_str().to_owned()).or_default().product = product.clone();
        Ok(())
    }

    fn declare_shelf(&mut self, plan: &ShelfPlan) -> Result<(), Reason> {
        self.book(plan.sku)?.sensor = plan.sensor;
        Ok(())
    }

    fn opening_stock(&mut self, stock: &OpeningStock) -> Result<(), Reason> {
        let floor = units_or_none(stock.floor_units)?;
        let warehouse = units_or_none(stock.warehouse_units)?;
        let expiry_day = stock.expiry_day.unwrap_or(Day::NEVER);
        let book = self.book(stock.sku)?;
        book.received += floor + warehouse;
        book.floor += floor;
        book.warehouse += warehouse;
        let lot = book.lot(stock.lot.as_str(), stock.received_day.0, expiry_day.0);
        lot.floor += floor;
        lot.warehouse += warehouse;
        Ok(())
    }

    fn wh_in(&mut self, delivery: &Delivery, moment: Moment) -> Result<(), Reason> {
        let units = some_units(delivery.units)?;
        let book = self.book(delivery.sku)?;
        let received_day = delivery.received_day.unwrap_or(moment.day).0;
        let by_shelf_life = book.expiry_by_shelf_life(received_day);
        let expiry_day = delivery.expiry_day.map_or(by_shelf_life, |day| day.0);
        book.received += units;
        book.warehouse += units;
        book.lot(delivery.lot.as_str(), received_day, expiry_day).warehouse += units;
        Ok(())
    }

    fn wh_out(&mut self, out: &WarehouseOut, moment: Moment) -> Result<(), Reason> {
        let units = some_units(out.units)?;
        let picking = self.picking(out.sku);
        let named = out.lot.as_ref().map(LotCode::as_str);
        let book = self.book(out.sku)?;
        let arrived = units.min(book.ahead);
        book.ahead -= arrived;
        let (mut moved, lacking) = book.take_warehouse(units - arrived, named, picking);
        if lacking > 0 {
            book.unexplained -= lacking;
            moved.push((book.fallback(named, "UNKNOWN", moment.day), lacking));
        }
        for (code, part) in &moved {
            book.lots.get_mut(code).unwrap().transit += part;
        }
        book.transit += units - arrived;
        let product = book.product.clone();
        if self.settings.as_ref().is_some_and(|s| s.refill == RefillMode::Timed) {
            let travel_seconds = self.policies.travel_seconds(&product);
            self.arrivals.push(Arrival::new(moment.at, travel_seconds, out.sku, moved));
        }
        Ok(())
    }

    fn refill(&mut self, refill: &Refill, moment: Moment) -> Result<(), Reason> {
        let units = some_units(refill.units)?;
        let picking = self.picking(refill.sku);
        let named = refill.lot.as_ref().map(LotCode::as_str);
        let book = self.book(refill.sku)?;
        let (on_the_way, not_on_the_way) = book.take(Pile::Transit, units, named, picking);
        book.transit -= units - not_on_the_way;
        let (stored, lacking) = book.take_warehouse(not_on_the_way, named, picking);
        let mut moved = [on_the_way, stored].concat();
        if lacking > 0 {
            book.unexplained -= lacking;
            moved.push((book.fallback(named, "UNKNOWN", moment.day), lacking));
        }
        for (code, part) in moved {
            book.lots.get_mut(&code).unwrap().floor += part;
        }
        book.floor += units;
        book.ahead += not_on_the_way;
        Ok(())
    }

    fn pickup(&mut self, touch: &ShelfTouch, at: i64) -> Result<(), Reason> {
        let units = some_units(touch.units)?;
        self.book(touch.sku)?;
        self.touch(touch.customer, at);
        let line = self.line(touch.customer, touch.sku.as_str());
        let paid = units.min(line.paid_ahead);
        let rest = units - paid;
        line.paid_ahead -= paid;
        line.held += rest;
        let book = self.book(touch.sku)?;
        let there = rest.min(book.floor);
        book.floor -= there;
        book.unexplained -= rest - there;
        book.lot_gap += rest - there;
        Ok(())
    }

    fn putback(&mut self, touch: &ShelfTouch, at: i64) -> Result<(), Reason> {
        let units = some_units(touch.units)?;
        self.book(touch.sku)?;
        self.touch(touch.customer, at);
        let line = self.line(touch.customer, touch.sku.as_str());
        let held = units.min(line.held);
        line.held -= held;
        let misplaced = units - held;
        let book = self.book(touch.sku)?;
        book.floor += units;
        book.unexplained -= misplaced;
        book.lot_gap += book.add_floor(misplaced, None);
        Ok(())
    }

    fn weight_change(&mut self, change: &WeightChange, at: i64) -> Result<(), Reason> {
        let book = self.book(change.sku)?;
        let unit_g = i128::from(book.product.unit_weight_g);
        if book.sensor != Sensor::WeightOnly || unit_g == 0 {
            return Ok(());
        }
        let weight_g = i128::from(change.delta_g).abs();
        let units = (2 * weight_g + unit_g) / (2 * unit_g);
        let off_g = (weight_g - units * unit_g).abs();
        if units < 1 || off_g > SMALL_WEIGHT_G.max(unit_g / 5) {
            return Ok(());
        }
        let units = u32::try_from(units).map_err(|_| "too_many_units")?;
        let (customer, sku) = (change.customer, change.sku);
        let touch = ShelfTouch { customer, sku, units, unit_weight_g: 0 };
        if change.delta_g < 0 { self.pickup(&touch, at) } else { self.putback(&touch, at) }
    }

    fn removal(&mut self, removal: &Removal) -> Result<(), Reason> {
        let units = some_units(removal.units)?;
        let named = removal.lot.as_ref().map(LotCode::as_str);
        let book = self.book(removal.sku)?;
        match removal.place {
            Place::Floor => {
                let there = units.min(book.floor);
                book.floor -= there;
                book.removed += units;
                book.unexplained -= units - there;
                book.lot_gap += units - book.take_floor(units, named) - there;
            }
            Place::Warehouse => take_away(book, units, named, Picking::SoonestExpiry),
        }
        Ok(())
    }

    fn transfer(&mut self, transfer: &Transfer) -> Result<(), Reason> {
        let units = some_units(transfer.units)?;
        let picking = self.picking(transfer.sku);
        let named = transfer.lot.as_ref().map(LotCode::as_str);
        take_away(self.book(transfer.sku)?, units, named, picking);
        Ok(())
    }

    fn count(&mut self, count: &Count, moment: Moment) -> Result<(), Reason> {
        let units = units_or_none(count.units)?;
        let book = self.book(count.sku)?;
        match count.place {
            Place::Floor => {
                let found = units - book.floor;
                book.floor = units;
                book.unexplained -= found;
                if found < 0 {
                    book.lot_gap -= book.take_floor(-found, None);
                } else {
                    book.lot_gap += book.add_floor(found, None);
                }
            }
            Place::Warehouse => {
                let found = units - book.warehouse;
                book.unexplained -= found;
                if found < 0 {
                    book.take_warehouse(-found, None, Picking::SoonestExpiry);
                } else if found > 0 {
                    book.warehouse += found;
                    let code = book.fallback(None, "COUNT", moment.day);
                    book.lots.get_mut(&code).unwrap().warehouse += found;
                }
            }
        }
        Ok(())
    }
}

/// Units leave the warehouse and the shop.
fn take_away(book: &mut Book, units: i64, named: Option<&str>, picking: Picking) {
    let (_, lacking) = book.take_warehouse(units, named, picking);
    book.removed += units;
    book.unexplained -= lacking;
}

pub(super) fn units_or_none(units: u32) -> Result<i64, Reason> {
    if units > MAX_EVENT_UNITS { Err("too_many_units") } else { Ok(i64::from(units)) }
}

fn some_units(units: u32) -> Result<i64, Reason> {
    if units == 0 { Err("no_units") } else { units_or_none(units) }
}
