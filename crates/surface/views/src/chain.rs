//! The stores that a view is made from, whatever partitions they live in.

use shelf_domain::{Counts, Day, Sku, SkuIndex, Store, StoreId, Stores, Timestamp};

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

    /// The present day of one store, where one is named, else the latest of any.
    pub fn today(&self, store: Option<StoreId>) -> Day {
        self.select(store).iter().map(|store| store.day()).max().unwrap_or_default()
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

/// When a store opens and closes on its present day.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening {
    opens: Timestamp,
    closes: Timestamp,
}

impl Opening {
    pub(crate) fn of(store: &Store) -> Self {
        let (settings, day) = (store.settings(), store.day());
        let at = |day: Day, time| settings.clock.at(day, time);
        let closed = Self { opens: at(day, 0), closes: at(day, 0) };
        if settings.closed_days.binary_search(&day).is_ok() {
            return closed;
        }
        match settings.opening.get(usize::from(day.weekday())) {
            Some(&(from, to)) => Self { opens: at(day, from), closes: at(day, to) },
            None if settings.opening.is_empty() => Self { closes: at(day.plus(1), 0), ..closed },
            None => closed,
        }
    }

    /// For how long, in microseconds.
    pub(crate) fn us(self) -> i64 {
        self.closes.since(self.opens).max(0)
    }

    /// The time from `since` to `now` for which the store has been open, in microseconds.
    pub(crate) fn between_us(self, since: Timestamp, now: Timestamp) -> i64 {
        now.min(self.closes).since(since.max(self.opens)).max(0)
    }

    /// The time until `now` for which the store has been open, in microseconds.
    pub(crate) fn until_us(self, now: Timestamp) -> i64 {
        self.between_us(self.opens, now)
    }
}
