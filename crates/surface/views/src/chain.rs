//! The stores that a view is made from, whatever partitions they live in.

use shelf_domain::{Counts, Sku, SkuIndex, Store, StoreId, Stores, Timestamp};

/// The stores of a chain, in order of their ids, and what their partitions have counted.
#[derive(Clone, Debug, Default)]
pub struct Chain<'a> {
    stores: Vec<&'a Store>,
    counts: Counts,
}

impl<'a> Chain<'a> {
    /// The stores of all given partitions.
    pub fn new(partitions: impl IntoIterator<Item = &'a Stores>) -> Self {
        let mut chain = Self::default();
        for partition in partitions {
            chain.stores.extend(partition.iter());
            chain.counts.merge(partition.counts());
        }
        chain.stores.sort_by_key(|store| store.id());
        chain
    }

    /// The same with one store only; none where it is not there. What the partitions have counted
    /// stays.
    #[must_use]
    pub fn only(mut self, store: StoreId) -> Self {
        self.stores.retain(|other| other.id() == store);
        self
    }

    /// The same with those stores only that `keep` wants.
    #[must_use]
    pub fn within(mut self, keep: impl Fn(StoreId) -> bool) -> Self {
        self.stores.retain(|store| keep(store.id()));
        self
    }

    /// All stores, in order of their ids.
    pub fn stores(&self) -> &[&'a Store] {
        &self.stores
    }

    /// A store by its id.
    pub fn store(&self, id: StoreId) -> Option<&'a Store> {
        let at = self.stores.binary_search_by_key(&id, |store| store.id()).ok()?;
        self.stores.get(at).copied()
    }

    /// One store, where one is named, else all.
    pub fn select(&self, store: Option<StoreId>) -> Vec<&'a Store> {
        match store {
            Some(id) => self.store(id).into_iter().collect(),
            None => self.stores.clone(),
        }
    }

    /// What all partitions have counted.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The latest time of any store.
    pub fn now(&self) -> Option<Timestamp> {
        self.stores.iter().map(|store| store.now()).max()
    }
}

/// The name of a product for people; its sku where it has none.
pub(crate) fn product_name(store: &Store, sku: Sku) -> String {
    let product = store.sku(sku).and_then(|index| store.product(index));
    let name = product.map(|product| product.name).filter(|name| !name.is_empty());
    name.map_or_else(|| sku.as_str().to_owned(), |name| name.as_str().to_owned())
}

/// The name of a store for people; its id where it has none.
pub(crate) fn store_name(store: &Store) -> String {
    let name = store.settings().name;
    if name.is_empty() { store.id().as_str().to_owned() } else { name.as_str().to_owned() }
}

/// The category of a sku, which names its zone.
pub(crate) fn category(store: &Store, index: SkuIndex) -> &str {
    store.product(index).map_or("", |product| product.category.as_str())
}

/// The category of a sku.
pub(crate) fn category_of(store: &Store, sku: Sku) -> &str {
    store.sku(sku).map_or("", |index| category(store, index))
}

/// From `earlier` to the store's present, in seconds.
pub(crate) fn age_s(store: &Store, earlier: Timestamp) -> i64 {
    store.now().since(earlier).max(0) / shelf_domain::SECOND
}

/// The times at which a store opens and closes on its present day.
fn opening(store: &Store) -> (Timestamp, Timestamp) {
    let (settings, day) = (store.settings(), store.day());
    let clock = &settings.clock;
    if settings.closed_days.binary_search(&day).is_ok() {
        return (clock.at(day, 0), clock.at(day, 0));
    }
    match settings.opening.get(usize::from(day.weekday())) {
        Some(&(from, to)) => (clock.at(day, from), clock.at(day, to)),
        None if settings.opening.is_empty() => (clock.at(day, 0), clock.at(day.plus(1), 0)),
        None => (clock.at(day, 0), clock.at(day, 0)),
    }
}

/// The time for which a store opens on its present day, in microseconds.
pub(crate) fn opening_us(store: &Store) -> i64 {
    let (opens, closes) = opening(store);
    closes.since(opens).max(0)
}

/// The time of its present day, from a moment on, for which a store has been open.
pub(crate) fn open_since_us(store: &Store, since: Timestamp) -> i64 {
    let (opens, closes) = opening(store);
    store.now().min(closes).since(since.max(opens)).max(0)
}

/// The time of its present day for which a store has been open.
pub(crate) fn open_today_us(store: &Store) -> i64 {
    open_since_us(store, opening(store).0)
}
