//! Short builders for the events of a test. They make events and know no rule of the shop.
//!
//! A [`Shop`] has a running local time that moves only where the test says so, numbers its events
//! from 1, and declares its store in front of the first event.

use shelf_domain::{
    AnomalyPolicy, BasisPoints, Body, Category, Count, CustomerId, Day, Delivery, Event, EventId,
    LotCode, Note, OpeningStock, Place, Policy, PolicyId, Product, Receipt, ReceiptId, ReceiptLine,
    Refill, Removal, RemovalCause, Session, ShelfPlan, ShelfTouch, Sku, StoreId, StoreSettings,
    Subcategory, Timestamp, Transfer, WarehouseOut, WeightChange,
};

/// A product with its shelf, as [`Shop::product`] declares them.
#[derive(Clone, Debug, Default)]
pub struct ProductSpec {
    /// The product.
    pub product: Product,
    /// Its shelf.
    pub shelf: ShelfPlan,
}

/// A store whose events are being written down.
#[derive(Clone, Debug)]
pub struct Shop {
    store: StoreId,
    settings: StoreSettings,
    declared: bool,
    /// Whether it looks for what is out of the ordinary.
    watchful: bool,
    day: Day,
    minute: u16,
    second: u8,
    latest: Timestamp,
    receipts: u64,
    events: Vec<Event>,
}

impl Shop {
    /// A store on UTC, open 07:00 to 22:00 every day; it is 06:00 on 2026-01-01.
    pub fn new(store: &str) -> Self {
        let settings = StoreSettings {
            name: Note::cut(store),
            time_zone: Note::cut("UTC"),
            opening: vec![(7 * 60, 22 * 60); 7],
            ..StoreSettings::default()
        };
        Self {
            store: StoreId::new(store).expect("a store id that fits"),
            settings,
            declared: false,
            watchful: false,
            day: parse_date("2026-01-01").expect("a date"),
            minute: 6 * 60,
            second: 0,
            latest: Timestamp::EARLIEST,
            receipts: 0,
            events: Vec::new(),
        }
    }

    /// Changes how the store runs: what its declaration says, or by a new event where it is
    /// declared.
    pub fn store(&mut self, change: impl FnOnce(&mut StoreSettings)) -> &mut Self {
        change(&mut self.settings);
        if self.declared {
            self.event(Body::Store(Box::new(self.settings.clone())));
        }
        self
    }

    /// Has the store look for what is out of the ordinary: rules over sales, levels and silence,
    /// which are switched off in other stories.
    pub fn watchful(&mut self) -> &mut Self {
        self.watchful = true;
        self
    }

    /// Moves the running time to `08:00`, `08:00:30` of the running day, or `2026-01-02 08:00`;
    /// back as well.
    pub fn at(&mut self, local: &str) -> &mut Self {
        let (day, minute, second) =
            parse_local(local, self.day).unwrap_or_else(|| panic!("{local:?} is no local time"));
        (self.day, self.minute, self.second) = (day, minute, second);
        self
    }

    /// Moves the running time to midnight at the start of the next day, which comes to pass.
    pub fn next_day(&mut self) -> &mut Self {
        (self.day, self.minute, self.second) = (self.day.plus(1), 0, 0);
        self.clock()
    }

    /// Moves the running time as [`Shop::at`] does; it comes to pass.
    pub fn clock_to(&mut self, local: &str) -> &mut Self {
        self.at(local).clock()
    }

    /// The running time comes to pass.
    pub fn clock(&mut self) -> &mut Self {
        self.event(Body::Clock)
    }

    /// The running day.
    pub fn day(&self) -> Day {
        self.day
    }

    /// The running time.
    pub fn now(&self) -> Timestamp {
        let minute = self.settings.clock.at(self.day, self.minute);
        minute.plus(i64::from(self.second) * shelf_domain::SECOND)
    }

    /// The next event, of any kind, at the running time. It is received at once, but never before
    /// an earlier one.
    pub fn event(&mut self, body: Body) -> &mut Self {
        if !self.declared {
            self.declared = true;
            self.event(Body::Store(Box::new(self.settings.clone())));
            if !self.watchful {
                self.policy("calm", |policy| {
                    policy.anomalies.off = Some(AnomalyPolicy::all_bits());
                });
            }
        }
        let at = self.now();
        self.latest = self.latest.max(at);
        let id = EventId(self.events.len() as u128 + 1);
        let store = self.store;
        let origin = shelf_domain::Origin::default();
        self.events.push(Event { id, store, at, received_at: self.latest, origin, body });
        self
    }

    /// The last event once more, with its id.
    pub fn again(&mut self) -> &mut Self {
        self.events.extend(self.events.last().cloned());
        self
    }

    /// All events, in the order in which they arrive.
    pub fn events(&self) -> Vec<Event> {
        self.events.clone()
    }

    /// A product with its shelf. Unless changed: shelf 20 units, warehouse 60, price 1.00, 500 g,
    /// never expires.
    pub fn product(&mut self, sku: &str, change: impl FnOnce(&mut ProductSpec)) -> &mut Self {
        let sku = sku_of(sku);
        let product = Product {
            sku,
            name: Note::cut(sku.as_str()),
            category: Category::cut("Food"),
            subcategory: Subcategory::cut("Everyday"),
            price_cents: 100,
            unit_weight_g: 500,
            pack_units: 6,
            ..Product::default()
        };
        let plan = ShelfPlan {
            sku,
            capacity_units: 20,
            warehouse_capacity_units: 60,
            ..ShelfPlan::default()
        };
        let mut spec = ProductSpec { product, shelf: plan };
        change(&mut spec);
        self.event(Body::Product(Box::new(spec.product))).event(Body::Shelf(spec.shelf))
    }

    /// An active policy for all shelves, unless changed.
    pub fn policy(&mut self, name: &str, change: impl FnOnce(&mut Policy)) -> &mut Self {
        let id = PolicyId::new(name).expect("a policy id that fits");
        let mut policy = Policy { policy: id, active: true, ..Policy::default() };
        change(&mut policy);
        self.event(Body::Policy(Box::new(policy)))
    }

    /// Stock that was there, received on the running day. `expiry` is a date or `never`.
    pub fn opening(
        &mut self,
        sku: &str,
        lot: &str,
        expiry: &str,
        floor_units: u32,
        warehouse_units: u32,
    ) -> &mut Self {
        let expiry = parse_expiry(expiry).unwrap_or_else(|| panic!("{expiry:?} is no date"));
        self.event(Body::OpeningStock(OpeningStock {
            sku: sku_of(sku),
            lot: lot_of(lot),
            received_day: self.day,
            expiry_day: Some(expiry).filter(|day| *day != Day::NEVER),
            floor_units,
            warehouse_units,
            ..OpeningStock::default()
        }))
    }

    /// `wh_in`: received on the running day; expires by shelf life where `expiry` is not given.
    pub fn delivery(
        &mut self,
        sku: &str,
        lot: &str,
        units: u32,
        expiry: Option<&str>,
    ) -> &mut Self {
        let date = |text| parse_expiry(text).unwrap_or_else(|| panic!("{text:?} is no date"));
        self.event(Body::Delivery(Delivery {
            sku: sku_of(sku),
            lot: lot_of(lot),
            units,
            expiry_day: expiry.map(date),
            ..Delivery::default()
        }))
    }

    /// `wh_out`: units leave the warehouse for the floor.
    pub fn wh_out(&mut self, sku: &str, lot: Option<&str>, units: u32) -> &mut Self {
        let (sku, lot) = (sku_of(sku), lot.map(lot_of));
        self.event(Body::WarehouseOut(WarehouseOut { task: None, sku, lot, units }))
    }

    /// Units arrive on the shelf.
    pub fn refill(&mut self, sku: &str, lot: Option<&str>, units: u32) -> &mut Self {
        let (sku, lot) = (sku_of(sku), lot.map(lot_of));
        self.event(Body::Refill(Refill { task: None, sku, lot, units }))
    }

    /// Units are counted.
    pub fn count(&mut self, sku: &str, place: Place, units: u32) -> &mut Self {
        self.event(Body::Count(Count { sku: sku_of(sku), place, units, ..Count::default() }))
    }

    /// Units are taken out, as damaged.
    pub fn removal(&mut self, sku: &str, place: Place, lot: Option<&str>, units: u32) -> &mut Self {
        let (sku, lot, cause) = (sku_of(sku), lot.map(lot_of), RemovalCause::Damaged);
        self.event(Body::Removal(Removal { sku, lot, place, units, cause, ..Removal::default() }))
    }

    /// Units leave the warehouse for the store `to`.
    pub fn transfer(&mut self, sku: &str, lot: Option<&str>, units: u32, to: &str) -> &mut Self {
        let to = StoreId::new(to).expect("a store id that fits");
        let (sku, lot) = (sku_of(sku), lot.map(lot_of));
        self.event(Body::Transfer(Transfer { sku, lot, units, to }))
    }

    /// A customer takes units; the customer `""` is one that the sensor does not know, here and
    /// below.
    pub fn pickup(&mut self, customer: &str, sku: &str, units: u32) -> &mut Self {
        self.event(Body::Pickup(shelf_touch(customer, sku, units)))
    }

    /// A customer puts units back.
    pub fn putback(&mut self, customer: &str, sku: &str, units: u32) -> &mut Self {
        self.event(Body::Putback(shelf_touch(customer, sku, units)))
    }

    /// The weight on a shelf changes.
    pub fn weight(&mut self, customer: &str, sku: &str, delta_g: i64) -> &mut Self {
        let (customer, sku) = (customer_of(customer), sku_of(sku));
        self.event(Body::WeightChange(WeightChange { customer, sku, delta_g }))
    }

    /// A customer comes in.
    pub fn entry(&mut self, customer: &str) -> &mut Self {
        self.event(Body::Entry(customer_of(customer)))
    }

    /// A customer leaves.
    pub fn exit(&mut self, customer: &str) -> &mut Self {
        self.event(Body::Exit(customer_of(customer)))
    }

    /// A customer comes in, who will leave at the local time `exit`.
    pub fn session(&mut self, customer: &str, exit: &str) -> &mut Self {
        let (day, minute, _) =
            parse_local(exit, self.day).unwrap_or_else(|| panic!("{exit:?} is no local time"));
        let exit_at = self.settings.clock.at(day, minute);
        let customer = customer_of(customer).expect("a customer with a name");
        self.event(Body::Session(Session { customer, exit_at }))
    }

    /// A receipt: for each line the sku, the units (negative for a return) and the price of one, in
    /// cents.
    pub fn receipt(&mut self, customer: &str, lines: &[(&str, i32, i64)]) -> &mut Self {
        let line = |&(sku, units, cents): &(&str, i32, i64)| receipt_line(sku, units, cents, None);
        self.receipt_of(customer, lines.iter().map(line).collect())
    }

    /// A receipt of any lines.
    pub fn receipt_of(&mut self, customer: &str, lines: Vec<ReceiptLine>) -> &mut Self {
        self.receipts += 1;
        let receipt = ReceiptId::cut(&format!("R{}", self.receipts));
        let customer = customer_of(customer);
        self.event(Body::Receipt(Box::new(Receipt {
            receipt,
            customer,
            lines,
            ..Receipt::default()
        })))
    }
}

/// A line of a receipt without discount.
pub fn receipt_line(sku: &str, units: i32, unit_cents: i64, lot: Option<&str>) -> ReceiptLine {
    ReceiptLine {
        sku: sku_of(sku),
        units,
        unit_price_cents: unit_cents,
        discount: BasisPoints::ZERO,
        total_cents: i64::from(units) * unit_cents,
        lot: lot.map(lot_of),
    }
}

/// Reads `2026-01-05`.
pub fn parse_date(text: &str) -> Option<Day> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    Day::from_civil(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
}

/// Reads `2026-01-05` or `never`.
pub fn parse_expiry(text: &str) -> Option<Day> {
    if text == "never" { Some(Day::NEVER) } else { parse_date(text) }
}

/// Reads `08:00` or `08:00:30`: the minute of the day and the second.
pub fn parse_time(text: &str) -> Option<(u16, u8)> {
    let mut parts = text.split(':');
    let (hour, minute): (u16, u16) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let second: u8 = parts.next().map_or(Some(0), |text| text.parse().ok())?;
    let fits = hour < 24 && minute < 60 && second < 60 && parts.next().is_none();
    fits.then_some((hour * 60 + minute, second))
}

fn parse_local(text: &str, today: Day) -> Option<(Day, u16, u8)> {
    let (day, time) = match text.split_once(' ') {
        Some((date, time)) => (parse_date(date)?, time),
        None => (today, text),
    };
    let (minute, second) = parse_time(time)?;
    Some((day, minute, second))
}

fn sku_of(sku: &str) -> Sku {
    Sku::new(sku).expect("a sku that fits")
}

fn lot_of(lot: &str) -> LotCode {
    LotCode::new(lot).expect("a lot code that fits")
}

fn customer_of(customer: &str) -> Option<CustomerId> {
    let named = Some(customer).filter(|customer| !customer.is_empty());
    named.map(|customer| CustomerId::new(customer).expect("a customer id that fits"))
}

fn shelf_touch(customer: &str, sku: &str, units: u32) -> ShelfTouch {
    ShelfTouch { customer: customer_of(customer), sku: sku_of(sku), units, unit_weight_g: 0 }
}
