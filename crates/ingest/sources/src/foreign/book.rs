//! What foreign lines name for the first time, and the events that they become.

use std::collections::{BTreeSet, HashMap, HashSet};

use shelf_domain::{
    Body, Event, EventId, LocalClock, LotCode, MAX_EVENT_UNITS, Note, OpeningStock, Origin,
    Product, ShelfPlan, Sku, StoreId, StoreSettings, Timestamp,
};
use xxhash_rust::xxh3::xxh3_128;

use super::Broken;
use super::fact::{Fact, Goods};
use super::kept::{About, Missing, Remembered};
use crate::first_sight::Known;

/// The lot of stock that was there before a system told of it.
const OPENING_LOT: &str = "OPENING";

/// The events of one line.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    /// Stores, products, shelves and stock that the line is the first to name. They change nothing
    /// where they are there already, and whoever knows better leaves them out.
    pub declarations: Vec<Event>,
    /// What the line says; the last is its answer.
    pub events: Vec<Event>,
}

/// What is known, and what is still missing of it.
pub(super) struct Book {
    known: Known,
    /// Products made here of which no line has said name or price yet.
    incomplete: HashMap<(StoreId, Sku), Product>,
    /// Skus made here of whose stock no line has told yet.
    unstocked: HashSet<(StoreId, Sku)>,
    /// Who has a product; made when the first price changes.
    carried: Option<HashMap<Sku, BTreeSet<StoreId>>>,
    zone_name: Note,
    clock: LocalClock,
    /// What has changed since somebody asked; nothing where nobody does.
    changed: Option<BTreeSet<About>>,
    /// How many products are known at most.
    most: usize,
}

/// Where the events of a line come from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) received_at: Timestamp,
    pub(super) origin: Origin,
}

impl Place {
    fn event(self, id: EventId, store: StoreId, at: Timestamp, body: Body) -> Event {
        let Self { received_at, origin } = self;
        Event { id, store, at, received_at, origin, body }
    }
}

impl Book {
    pub(super) fn new(known: Known, zone_name: &str, clock: LocalClock) -> Self {
        Self {
            known,
            incomplete: HashMap::new(),
            unstocked: HashSet::new(),
            carried: None,
            zone_name: Note::cut(zone_name),
            clock,
            changed: None,
            most: usize::MAX,
        }
    }

    /// Has changes be told, and no line name more products than so many.
    pub(super) fn keep(&mut self, most: usize) {
        (self.changed, self.most) = (Some(BTreeSet::new()), most);
    }

    /// What has changed since the last call.
    pub(super) fn changes(&mut self) -> Vec<Remembered> {
        let changed = self.changed.as_mut().map(std::mem::take).unwrap_or_default();
        let kept = changed.into_iter().map(|about| {
            let missing = match about {
                About::Store(_) => Missing::default(),
                About::Product(store, sku) => Missing {
                    incomplete: self.incomplete.get(&(store, sku)).cloned(),
                    unstocked: self.unstocked.contains(&(store, sku)),
                },
            };
            Remembered { about, missing }
        });
        kept.collect()
    }

    /// Remembers what another book has told.
    pub(super) fn restore(&mut self, Remembered { about, missing }: Remembered) {
        match about {
            About::Store(store) => _ = self.known.stores.insert(store),
            About::Product(store, sku) => {
                let key = (store, sku);
                self.knows(key);
                match missing.incomplete {
                    Some(product) => _ = self.incomplete.insert(key, product),
                    None => _ = self.incomplete.remove(&key),
                }
                if missing.unstocked {
                    self.unstocked.insert(key);
                } else {
                    self.unstocked.remove(&key);
                }
            }
        }
    }

    fn changes_about(&mut self, about: About) {
        if let Some(changed) = &mut self.changed {
            changed.insert(about);
        }
    }

    /// Whether there is room for the products that a fact needs.
    fn has_room(&self, store: StoreId, fact: &Fact) -> bool {
        if self.most == usize::MAX {
            return true;
        }
        let new = fact.goods.iter().filter(|goods| !self.known.skus.contains(&(store, goods.sku)));
        self.known.skus.len() + new.count() <= self.most
    }

    /// Learns from an event that is none of these systems'.
    pub(super) fn note(&mut self, event: &Event) {
        match &event.body {
            Body::Store(_) => {
                self.known.stores.insert(event.store);
                self.changes_about(About::Store(event.store));
            }
            Body::Product(product) => {
                let key = (event.store, product.sku);
                self.incomplete.remove(&key);
                self.knows(key);
                self.changes_about(About::Product(event.store, product.sku));
            }
            Body::OpeningStock(stock) => {
                self.stocked((event.store, stock.sku));
            }
            _ => {}
        }
    }

    /// Notes that a product's stock is known.
    fn stocked(&mut self, (store, sku): (StoreId, Sku)) {
        if self.unstocked.remove(&(store, sku)) {
            self.changes_about(About::Product(store, sku));
        }
    }

    /// Makes the events of a fact; `key` names them.
    pub(super) fn events(&mut self, fact: Fact, key: &[u8], place: Place) -> Result<Lines, Broken> {
        let mut lines = Lines::default();
        let Some(store) = fact.store else { return self.everywhere(&fact, key, place) };
        if !self.has_room(store, &fact) {
            return Err(Broken::BOOK_FULL);
        }
        let at = fact.at;
        self.store(store, at, place, &mut lines);
        for goods in &fact.goods {
            self.goods(goods, store, at, place, &mut lines);
        }
        self.stock(&fact, store, place, &mut lines);
        for (number, body) in fact.bodies.into_iter().enumerate() {
            let id = id(&[b"event", key, &number.to_le_bytes()]);
            lines.events.push(place.event(id, store, at, body));
        }
        Ok(lines)
    }

    /// What holds for every store that has the product.
    fn everywhere(&mut self, fact: &Fact, key: &[u8], place: Place) -> Result<Lines, Broken> {
        let mut lines = Lines::default();
        for body in &fact.bodies {
            let Body::Price(change) = body else { continue };
            for store in self.stores_with(change.sku) {
                if let Some(product) = self.incomplete.get_mut(&(store, change.sku)) {
                    product.price_cents = change.price_cents;
                    self.changes_about(About::Product(store, change.sku));
                }
                let id = id(&[b"event", key, store.as_str().as_bytes()]);
                lines.events.push(place.event(id, store, fact.at, body.clone()));
            }
        }
        if lines.events.is_empty() { Err(Broken::NOT_SOLD_HERE) } else { Ok(lines) }
    }

    fn stores_with(&mut self, sku: Sku) -> Vec<StoreId> {
        let known = &self.known.skus;
        let carried = self.carried.get_or_insert_with(|| {
            let mut carried: HashMap<Sku, BTreeSet<StoreId>> = HashMap::new();
            for &(store, sku) in known {
                carried.entry(sku).or_default().insert(store);
            }
            carried
        });
        carried.get(&sku).map(|stores| stores.iter().copied().collect()).unwrap_or_default()
    }

    /// Whether it was known before.
    fn knows(&mut self, key: (StoreId, Sku)) -> bool {
        let new = self.known.skus.insert(key);
        if new && let Some(carried) = &mut self.carried {
            carried.entry(key.1).or_default().insert(key.0);
        }
        !new
    }

    fn store(&mut self, store: StoreId, at: Timestamp, place: Place, lines: &mut Lines) {
        if !self.known.stores.insert(store) {
            return;
        }
        self.changes_about(About::Store(store));
        let settings = StoreSettings {
            name: Note::cut(store.as_str()),
            time_zone: self.zone_name,
            clock: self.clock.clone(),
            ..StoreSettings::default()
        };
        let id = id(&[b"store", store.as_str().as_bytes(), self.zone_name.as_str().as_bytes()]);
        lines.declarations.push(place.event(id, store, at, Body::Store(Box::new(settings))));
    }

    /// A product that is new is made with its shelf; one that was made without its name or price
    /// gets them from the first line that has them.
    fn goods(
        &mut self,
        goods: &Goods,
        store: StoreId,
        at: Timestamp,
        place: Place,
        lines: &mut Lines,
    ) {
        let key = (store, goods.sku);
        let known = self.knows(key);
        let product = if known {
            let Some(product) = self.incomplete.get_mut(&key) else { return };
            let before = product.clone();
            if product.name.is_empty() && product.category.is_empty() {
                (product.name, product.category) = (goods.name, goods.category);
            }
            if product.price_cents == 0 {
                product.price_cents = goods.price_cents.unwrap_or(0);
            }
            if *product == before {
                return;
            }
            product.clone()
        } else {
            self.unstocked.insert(key);
            self.incomplete.insert(key, goods.product());
            goods.product()
        };
        self.changes_about(About::Product(store, goods.sku));
        if product.price_cents > 0 && !(product.name.is_empty() && product.category.is_empty()) {
            self.incomplete.remove(&key);
        }
        let id = id(&[
            b"product",
            store.as_str().as_bytes(),
            goods.sku.as_str().as_bytes(),
            product.name.as_str().as_bytes(),
            product.category.as_str().as_bytes(),
            &product.price_cents.to_le_bytes(),
        ]);
        let product = place.event(id, store, at, Body::Product(Box::new(product)));
        if known {
            lines.events.push(product);
            return;
        }
        let shelf = Body::Shelf(ShelfPlan { sku: goods.sku, ..ShelfPlan::default() });
        lines.declarations.push(product);
        lines.declarations.push(place.event(shelf_id(key), store, at, shelf));
    }

    /// The stock that was there before the first line that tells of it.
    fn stock(&mut self, fact: &Fact, store: StoreId, place: Place, lines: &mut Lines) {
        let moves = fact
            .bodies
            .iter()
            .any(|body| matches!(body, Body::Delivery(_) | Body::Removal(_) | Body::Count(_)));
        for goods in &fact.goods {
            let key = (store, goods.sku);
            if !(moves || fact.stock_before.is_some()) || !self.unstocked.remove(&key) {
                continue;
            }
            self.changes_about(About::Product(store, goods.sku));
            let floor_units = fact.stock_before.unwrap_or(0).min(MAX_EVENT_UNITS);
            if floor_units == 0 {
                continue;
            }
            let stock = OpeningStock {
                sku: goods.sku,
                lot: LotCode::cut(OPENING_LOT),
                received_day: self.clock.day(fact.at),
                floor_units,
                ..OpeningStock::default()
            };
            let id = id(&[b"opening", store.as_str().as_bytes(), goods.sku.as_str().as_bytes()]);
            lines.declarations.push(place.event(id, store, fact.at, Body::OpeningStock(stock)));
        }
    }
}

fn shelf_id((store, sku): (StoreId, Sku)) -> EventId {
    id(&[b"shelf", store.as_str().as_bytes(), sku.as_str().as_bytes()])
}

/// The id of what these parts say.
pub(super) fn id(parts: &[&[u8]]) -> EventId {
    let mut bytes = b"shelf-sources/foreign".to_vec();
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(part);
    }
    EventId(xxh3_128(&bytes))
}
