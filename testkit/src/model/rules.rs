//! What each event does to the books: one function for each rule of the page, in its order.

use shelf_domain::{
    Body, Count, CustomerId, Day, Delivery, Event, FunnelStep, HOUR, LotCode, MAX_EVENT_UNITS,
    MAX_PRICE_CENTS, MINUTE, OpeningStock, Picking, Place, Policy, Product, Refill, RefillMode,
    Removal, Sensor, Session, ShelfPlan, ShelfTouch, Sku, StoreSettings, Transfer, WarehouseOut,
    WeightChange,
};

use super::book::{Awaited, Book, Moment, Pile};
use super::carts::cart_key;
use super::timers::{Arrival, TRANSIT_LIMIT};
use super::{Model, Reason};

const SMALL_WEIGHT_G: i128 = 2;
const MAX_READING_G: i128 = 1_000_000_000;
const MOST_ON_HAND: i64 = 1_000_000_000;
const MOST_AHEAD: i64 = 1_000_000;
const WHOLE: u32 = 10_000;
const LONGEST_VISIT: i64 = 24 * HOUR;
const WEIGHT_WAITS: i64 = 15 * MINUTE;
const RESTOCK_BOT: &str = "restock_bot";

impl Model {
    /// Applies `event`, or says why it changes nothing.
    pub(super) fn enact(&mut self, event: &Event) -> Result<(), Reason> {
        let at = event.at.0;
        let moment = Moment { at: event.at, day: self.clock().day(event.at) };
        match &event.body {
            Body::Store(settings) => self.declare_store(settings)?,
            Body::Product(product) => self.declare_product(product)?,
            Body::Shelf(plan) => self.declare_shelf(plan)?,
            Body::Policy(policy) => {
                check_policy(policy)?;
                self.policies.set(policy);
            }
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
            Body::CustomerEvent(told) => match told.step {
                FunnelStep::Entrance => self.entry(told.customer, at),
                FunnelStep::Checkout | FunnelStep::Abandon => self.exit(told.customer, at),
                FunnelStep::View | FunnelStep::CartAdd | FunnelStep::CartRemove => {}
            },
            Body::Session(session) => self.session(session, at)?,
            Body::Rejected(_)
            | Body::Supplier(_)
            | Body::AlertAct(_)
            | Body::OrderAct(_)
            | Body::TaskAct(_)
            | Body::WindowPlan(_)
            | Body::Clock => {}
        }
        Ok(())
    }

    /// Why `event` cannot be about this store: it names an unknown sku, or units out of range.
    pub(super) fn misfit(&self, event: &Event) -> Option<Reason> {
        let unknown = |sku: Sku| !self.books.contains_key(sku.as_str());
        let (sku, units) = match &event.body {
            Body::Receipt(receipt) => {
                let strange = receipt.lines.iter().any(|line| unknown(line.sku));
                return strange.then_some("unknown_product");
            }
            Body::Pickup(touch) | Body::Putback(touch) => (touch.sku, touch.units),
            Body::Refill(refill) => (refill.sku, refill.units),
            Body::Delivery(delivery) => (delivery.sku, delivery.units),
            Body::WarehouseOut(out) => (out.sku, out.units),
            Body::Removal(removal) => (removal.sku, removal.units),
            Body::Transfer(transfer) => (transfer.sku, transfer.units),
            Body::WeightChange(change) => (change.sku, 1),
            Body::Count(count) => (count.sku, 1),
            Body::OpeningStock(stock) => (stock.sku, 1),
            Body::Shelf(plan) => (plan.sku, 1),
            Body::Price(change) => (change.sku, 1),
            Body::Promotion(promotion) => (promotion.sku, 1),
            _ => return None,
        };
        if unknown(sku) { Some("unknown_product") } else { some_units(units).err() }
    }

    pub(super) fn book(&mut self, sku: Sku) -> Result<&mut Book, Reason> {
        self.books.get_mut(sku.as_str()).ok_or("unknown_product")
    }

    pub(super) fn picking(&self, sku: Sku) -> Picking {
        let book = self.books.get(sku.as_str());
        book.map_or_else(Picking::default, |book| self.policies.picking(&book.product))
    }

    /// The book of a sku that may take more units.
    pub(super) fn room(&mut self, sku: Sku) -> Result<&mut Book, Reason> {
        let carts = self.units_in_carts(sku.as_str());
        let book = self.book(sku)?;
        let on_hand = book.floor + book.warehouse + book.transit + carts;
        if on_hand > MOST_ON_HAND { Err("limit_reached") } else { Ok(book) }
    }

    fn session(&mut self, session: &Session, at: i64) -> Result<(), Reason> {
        if session.customer.is_empty() {
            return Err("empty_id");
        }
        if !(0..=LONGEST_VISIT).contains(&session.exit_at.0.saturating_sub(at)) {
            return Err("absurd_time");
        }
        self.entry(Some(session.customer), at);
        self.exit(Some(session.customer), session.exit_at.0);
        Ok(())
    }

    fn declare_store(&mut self, settings: &StoreSettings) -> Result<(), Reason> {
        check_settings(settings)?;
        let first = self.settings.is_none();
        self.settings = Some(settings.clone());
        if first {
            self.begin_days();
        }
        Ok(())
    }

    fn declare_product(&mut self, product: &Product) -> Result<(), Reason> {
        if product.sku.is_empty() {
            return Err("empty_id");
        }
        units_or_none(product.pack_units)?;
        let amounts = [product.price_cents, product.cost_cents];
        if amounts.iter().any(|cents| !(0..=MAX_PRICE_CENTS).contains(cents)) {
            return Err("absurd_amount");
        }
        self.books.entry(product.sku.as_str().to_owned()).or_default().product = product.clone();
        Ok(())
    }

    fn declare_shelf(&mut self, plan: &ShelfPlan) -> Result<(), Reason> {
        units_or_none(plan.capacity_units)?;
        units_or_none(plan.warehouse_capacity_units)?;
        let book = self.book(plan.sku)?;
        if book.sensor != plan.sensor {
            book.sensor = plan.sensor;
            book.weighed_in = 0;
            book.awaited_in = Awaited::default();
            book.awaited_out = Awaited::default();
        }
        Ok(())
    }

    fn opening_stock(&mut self, stock: &OpeningStock) -> Result<(), Reason> {
        some_units(stock.floor_units.saturating_add(stock.warehouse_units))?;
        let (floor, warehouse) = (i64::from(stock.floor_units), i64::from(stock.warehouse_units));
        named_lot(stock.lot)?;
        self.room(stock.sku)?;
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
        named_lot(delivery.lot)?;
        let book = self.room(delivery.sku)?;
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
        let book = self.room(out.sku)?;
        let until = moment.at.0 + TRANSIT_LIMIT;
        book.transit_until = book.transit_until.max(Some(until));
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
        let now = self.now;
        let units = some_units(refill.units)?;
        let picking = self.picking(refill.sku);
        let named = refill.lot.as_ref().map(LotCode::as_str);
        let book = self.room(refill.sku)?;
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
        book.ahead = MOST_AHEAD.min(book.ahead + not_on_the_way);
        book.staff_brought(units, now);
        Ok(())
    }

    fn pickup(&mut self, touch: &ShelfTouch, at: i64) -> Result<(), Reason> {
        let units = some_units(touch.units)?;
        self.room(touch.sku)?.learn_weight(touch.unit_weight_g);
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
        self.room(touch.sku)?.learn_weight(touch.unit_weight_g);
        self.touch(touch.customer, at);
        self.lay_down(touch.customer, touch.sku.as_str(), units);
        Ok(())
    }

    /// Units come onto the shelf, from the cart as far as it holds them.
    pub(super) fn lay_down(&mut self, customer: Option<CustomerId>, sku: &str, units: i64) {
        let line = self.line(customer, sku);
        let held = units.min(line.held);
        line.held -= held;
        let misplaced = units - held;
        let book = self.books.get_mut(sku).unwrap();
        book.floor += units;
        book.unexplained -= misplaced;
        book.lot_gap += book.add_floor(misplaced, None);
    }

    fn weight_change(&mut self, change: &WeightChange, at: i64) -> Result<(), Reason> {
        let book = self.book(change.sku)?;
        let unit_g = i128::from(book.product.unit_weight_g);
        let reports_units = book.sensor != Sensor::WeightOnly;
        let weight_g = i128::from(change.delta_g).abs();
        if weight_g > MAX_READING_G {
            return Err("too_many_units");
        }
        let units = if unit_g == 0 { 0 } else { (2 * weight_g + unit_g) / (2 * unit_g) };
        let off_g = (weight_g - units * unit_g).abs();
        let whole = units >= 1 && off_g <= SMALL_WEIGHT_G.max(unit_g / 5);
        let units = u32::try_from(units).map_err(|_| "too_many_units")?;
        if whole {
            some_units(units)?;
        }
        self.room(change.sku)?;
        if reports_units || !whole {
            return Ok(());
        }
        let customer = change.customer.filter(|customer| customer.as_str() != RESTOCK_BOT);
        let touch = ShelfTouch { customer, sku: change.sku, units, unit_weight_g: 0 };
        match (change.delta_g < 0, cart_key(customer)) {
            (true, Some(_)) => self.pickup(&touch, at),
            (false, Some(_)) => self.putback(&touch, at),
            (true, None) => self.nobody_took(&touch, at),
            (false, None) => self.nobody_brought(&touch, at),
        }
    }

    /// A scale lost units to nobody: staff told it before, or somebody without a name took them.
    fn nobody_took(&mut self, touch: &ShelfTouch, at: i64) -> Result<(), Reason> {
        let now = self.now;
        let told = self.book(touch.sku)?.awaited_out.comes(i64::from(touch.units), now);
        let units = touch.units - told as u32;
        if units > 0 { self.pickup(&ShelfTouch { units, ..*touch }, at) } else { Ok(()) }
    }

    /// A scale got units from nobody: staff told it before, or they were in the nameless cart, or
    /// staff may tell it soon.
    fn nobody_brought(&mut self, touch: &ShelfTouch, at: i64) -> Result<(), Reason> {
        let now = self.now;
        let units = i64::from(touch.units);
        let rest = units - self.book(touch.sku)?.awaited_in.comes(units, now);
        let back = rest.min(self.nameless_units(touch.sku.as_str()));
        if back > 0 {
            self.putback(&ShelfTouch { units: back as u32, ..*touch }, at)?;
        }
        let book = self.book(touch.sku)?;
        if rest > back {
            book.weighed_in = MOST_AHEAD.min(book.weighed_in + rest - back);
            book.weighed_until = book.weighed_until.max(now + WEIGHT_WAITS);
        }
        Ok(())
    }

    fn removal(&mut self, removal: &Removal) -> Result<(), Reason> {
        let units = some_units(removal.units)?;
        let named = removal.lot.as_ref().map(LotCode::as_str);
        let now = self.now;
        let only_weighed = self.book(removal.sku)?.sensor == Sensor::WeightOnly;
        let mut laid_back = 0;
        if only_weighed && removal.place == Place::Floor {
            laid_back = units.min(self.nameless_units(removal.sku.as_str()));
        }
        if laid_back > 0 {
            self.line(None, removal.sku.as_str()).held -= laid_back;
        }
        let book = self.book(removal.sku)?;
        book.floor += laid_back;
        match removal.place {
            Place::Floor => {
                book.staff_takes(units - laid_back, now);
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
        if transfer.to.is_empty() {
            return Err("empty_id");
        }
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
                book.weighed_in = 0;
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

/// A lot of a delivery or of opening stock has a name.
fn named_lot(lot: LotCode) -> Result<(), Reason> {
    if lot.is_empty() { Err("empty_id") } else { Ok(()) }
}

pub(super) fn check_settings(settings: &StoreSettings) -> Result<(), Reason> {
    let hours = |&(from, to): &(u16, u16)| from <= to && to <= 24 * 60;
    let days = settings.opening.len();
    let offsets = &settings.clock.offsets;
    let near = |(_, seconds): &(_, i32)| (-18 * 3_600..=18 * 3_600).contains(seconds);
    let sorted = offsets.windows(2).all(|pair| pair[0].0 <= pair[1].0);
    let fits = (days == 0 || days == 7) && settings.opening.iter().all(hours);
    if !fits || !sorted || !offsets.iter().all(near) {
        return Err("absurd_time");
    }
    if settings.closed_days.len() > 4_096 {
        return Err("limit_reached");
    }
    let in_order = settings.closed_days.windows(2).all(|pair| pair[0] < pair[1]);
    if in_order { Ok(()) } else { Err("absurd_time") }
}

fn check_policy(policy: &Policy) -> Result<(), Reason> {
    if policy.policy.is_empty() {
        return Err("empty_id");
    }
    let steps = policy.markdown.iter().flat_map(|schedule| schedule.steps).map(|(_, cut)| cut);
    let parts = [policy.refill_below, policy.target, policy.hysteresis];
    if parts.into_iter().flatten().chain(steps).any(|part| part.0 > WHOLE) {
        return Err("absurd_part");
    }
    for units in [policy.min_units, policy.reorder_point_units].into_iter().flatten() {
        units_or_none(units)?;
    }
    Ok(())
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
