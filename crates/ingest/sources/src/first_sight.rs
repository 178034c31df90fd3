//! Stores, products and shelves that a table names for the first time: the events that make them.

use std::collections::{HashMap, HashSet};

use shelf_domain::{
    Body, Category, Event, EventId, Note, Origin, Product, ShelfPlan, Sku, StoreId, StoreSettings,
    Subcategory, Timestamp,
};
use xxhash_rust::xxh3::xxh3_128;

use crate::error::SourceError;
use crate::lookup::{Binder, Field};
use crate::mapping::{Creation, Mapping};
use crate::row::Row;

/// How many pairs of store and product are remembered. Beyond, all are forgotten and made again
/// where they come up, which changes nothing about them but their price and texts.
const MAX_REMEMBERED: usize = 4_000_000;

/// What the log has already, and need not be made.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Stores that keep their settings.
    pub stores: HashSet<StoreId>,
    /// Products that keep their texts and prices, and their shelves' capacities.
    pub skus: HashSet<(StoreId, Sku)>,
}

/// The texts of products and stores, tied to the columns of a file.
#[derive(Clone, Debug)]
pub(crate) struct Texts {
    store_name: Option<Field>,
    name: Option<Field>,
    brand: Option<Field>,
    category: Option<Field>,
    subcategory: Option<Field>,
}

impl Texts {
    pub(crate) fn new(mapping: &Mapping, binder: &Binder<'_>) -> Result<Self, SourceError> {
        let product = &mapping.file.product;
        Ok(Self {
            store_name: binder.maybe(mapping.file.store.name.as_ref())?,
            name: binder.maybe(product.name.as_ref())?,
            brand: binder.maybe(product.brand.as_ref())?,
            category: binder.maybe(product.category.as_ref())?,
            subcategory: binder.maybe(product.subcategory.as_ref())?,
        })
    }
}

/// Remembers what was seen, and makes what is new.
pub(crate) struct FirstSight {
    known: Known,
    store_names: HashMap<StoreId, Note>,
    products: HashMap<Sku, Product>,
    received_at: Timestamp,
}

impl FirstSight {
    pub(crate) fn new(known: Known, received_at: Timestamp) -> Self {
        let (store_names, products) = (HashMap::new(), HashMap::new());
        Self { known, store_names, products, received_at }
    }

    /// Keeps the texts of a good row, so that they are there when its event comes.
    pub(crate) fn look(&mut self, store: StoreId, sku: Option<Sku>, row: &Row, texts: &Texts) {
        let text = |field: &Option<Field>| {
            field.as_ref().map(|field| field.text(row).into_owned()).unwrap_or_default()
        };
        if !self.known.stores.contains(&store) {
            self.store_names.entry(store).or_insert_with(|| Note::cut(&text(&texts.store_name)));
        }
        let Some(sku) = sku else { return };
        self.products.entry(sku).or_insert_with(|| Product {
            sku,
            name: Note::cut(&text(&texts.name)),
            brand: Note::cut(&text(&texts.brand)),
            category: Category::cut(&text(&texts.category)),
            subcategory: Subcategory::cut(&text(&texts.subcategory)),
            ..Product::default()
        });
    }

    /// Adds the event of a store that is new.
    pub(crate) fn store(
        &mut self,
        mapping: &Mapping,
        store: StoreId,
        at: Timestamp,
        out: &mut impl Extend<Event>,
    ) -> u64 {
        if mapping.file.store.create == Creation::Never || !self.known.stores.insert(store) {
            return 0;
        }
        let name = self.store_names.remove(&store).filter(|name| !name.is_empty());
        let settings = StoreSettings {
            name: name.unwrap_or_else(|| Note::cut(store.as_str())),
            time_zone: Note::cut(&mapping.file.time.zone),
            clock: mapping.clock.clone(),
            ..StoreSettings::default()
        };
        let id = id(&["store", store.as_str(), settings.name.as_str(), &mapping.file.time.zone]);
        out.extend([self.event(id, store, at, Body::Store(Box::new(settings)))]);
        1
    }

    /// Adds the events of a product that is new in its store, and of its shelf.
    pub(crate) fn product(
        &mut self,
        mapping: &Mapping,
        (store, sku): (StoreId, Sku),
        price_cents: i64,
        at: Timestamp,
        out: &mut impl Extend<Event>,
    ) -> u64 {
        if mapping.file.product.create == Creation::Never || self.known.skus.contains(&(store, sku))
        {
            return 0;
        }
        if self.known.skus.len() >= MAX_REMEMBERED {
            self.known.skus.clear();
        }
        self.known.skus.insert((store, sku));
        let texts = self.products.get(&sku).cloned().unwrap_or_default();
        let product = Product { sku, price_cents, ..texts };
        let price = price_cents.to_string();
        let parts = ["product", store.as_str(), sku.as_str(), product.name.as_str(), &price];
        let shelf = Body::Shelf(ShelfPlan { sku, ..ShelfPlan::default() });
        let shelf_id = id(&["shelf", store.as_str(), sku.as_str()]);
        out.extend([
            self.event(id(&parts), store, at, Body::Product(Box::new(product))),
            self.event(shelf_id, store, at, shelf),
        ]);
        2
    }

    fn event(&self, id: EventId, store: StoreId, at: Timestamp, body: Body) -> Event {
        Event { id, store, at, received_at: self.received_at, origin: Origin::default(), body }
    }
}

/// The id of an event by what it says: the same in every file that leads to it.
fn id(parts: &[&str]) -> EventId {
    let mut bytes = b"shelf-sources/first-sight".to_vec();
    for part in parts {
        bytes.push(0);
        bytes.extend_from_slice(part.as_bytes());
    }
    EventId(xxh3_128(&bytes))
}
