//! The shelves: how full each is, what it sells, and what is the matter.

use serde::Serialize;
use shelf_domain::{AlertId, Severity, Shelf, Sku, SkuIndex, Store, StoreId, TaskId, Timestamp};

use crate::chain::{self, Chain, Opening};
use crate::tally::capacity;
use crate::{form, wording};

/// How a shelf stands against its refill threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShelfState {
    /// It has never been given stock.
    Untracked,
    /// It holds nothing.
    Empty,
    /// It holds less than its threshold.
    Low,
    /// It holds enough.
    Stocked,
}

impl ShelfState {
    /// How a shelf stands.
    pub fn of(shelf: &Shelf) -> Self {
        match shelf.floor_units {
            _ if !shelf.tracked => Self::Untracked,
            0 => Self::Empty,
            units if units < shelf.rules().refill_below_units => Self::Low,
            _ => Self::Stocked,
        }
    }

    /// Its stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Untracked => "untracked",
            Self::Empty => "empty",
            Self::Low => "low",
            Self::Stocked => "stocked",
        }
    }
}

/// Which shelves to show. What is not set does not narrow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShelfFilter {
    /// Of this store.
    pub store: Option<StoreId>,
    /// Of this category, whatever the case of its letters.
    pub category: Option<String>,
    /// That stand like this.
    pub state: Option<ShelfState>,
    /// Whose sku or name has this text in it, whatever the case of its letters.
    pub text: Option<String>,
    /// At most so many rows.
    pub limit: Option<usize>,
}

impl ShelfFilter {
    fn keeps(&self, store: &Store, index: SkuIndex, shelf: &Shelf) -> bool {
        let category = || chain::category(store, index);
        self.state.is_none_or(|state| state == ShelfState::of(shelf))
            && self.category.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(category()))
            && self.text.as_ref().is_none_or(|text| {
                let has = |name: &str| name.to_lowercase().contains(&text.to_lowercase());
                let name = store.product(index).map_or("", |product| product.name.as_str());
                has(shelf.sku.as_str()) || has(name)
            })
    }
}

/// One shelf.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ShelfRow {
    /// Where.
    #[schema(value_type = String)]
    pub store: StoreId,
    /// The sku that lies on it.
    #[schema(value_type = String)]
    pub sku: Sku,
    /// The product's name.
    pub name: String,
    /// The product's category, which names its zone.
    pub category: String,
    /// The product's subcategory.
    pub subcategory: String,
    /// How it stands against its threshold.
    pub state: ShelfState,
    /// Units on it.
    pub floor_units: u32,
    /// What it holds at most; `None` where that is not known.
    pub capacity_units: Option<u32>,
    /// How full it is; `None` where its capacity is not known.
    pub fill_percent: Option<f64>,
    /// Units in the warehouse.
    pub warehouse_units: u32,
    /// Units between warehouse and shelf.
    pub transit_units: u32,
    /// Units picked and not paid.
    pub cart_units: u32,
    /// Refill when fewer units are on it.
    pub refill_below_units: u32,
    /// The list price of a unit, in cents.
    pub list_cents: i64,
    /// What a unit costs the customer, in cents, lots with a markdown of their own aside.
    pub price_cents: i64,
    /// The cut by plan.
    pub promotion_percent: f64,
    /// Units sold today.
    pub sold_today_units: u32,
    /// Expected sales a day, in units; `None` before the first full day.
    pub expected_daily_units: Option<f64>,
    /// Since when it is empty.
    #[serde(serialize_with = "form::maybe")]
    #[schema(value_type = Option<String>)]
    pub empty_since: Option<Timestamp>,
    /// What customers would have bought of it today while it stood empty, at list price, in cents.
    pub lost_today_cents: i64,
    /// The alerts that stand for it.
    #[serde(serialize_with = "form::list")]
    #[schema(value_type = Vec<String>)]
    pub alerts: Vec<AlertId>,
    /// The worst of them.
    #[serde(serialize_with = "form::maybe")]
    #[schema(value_type = Option<String>)]
    pub worst: Option<Severity>,
    /// The restock task that stands for it.
    #[serde(serialize_with = "form::maybe")]
    #[schema(value_type = Option<String>)]
    pub task: Option<TaskId>,
}

impl ShelfRow {
    /// The row of a sku; `None` where the store has no such one.
    pub fn new(store: &Store, index: SkuIndex) -> Option<Self> {
        let shelf = store.shelf(index)?;
        let product = store.product(index)?;
        let known = shelf.demand.days > 0 || shelf.demand.daily_milli > 0;
        Some(Self {
            store: store.id(),
            sku: shelf.sku,
            name: chain::product_name(store, shelf.sku),
            category: product.category.as_str().to_owned(),
            subcategory: product.subcategory.as_str().to_owned(),
            state: ShelfState::of(shelf),
            floor_units: shelf.floor_units,
            capacity_units: capacity(shelf, shelf_domain::Place::Floor),
            fill_percent: shelf.fill().map(wording::per_cent),
            warehouse_units: shelf.warehouse_units,
            transit_units: shelf.transit_units,
            cart_units: shelf.cart_units,
            refill_below_units: shelf.rules().refill_below_units,
            list_cents: product.price_cents,
            price_cents: store.price_cents(index, None),
            promotion_percent: wording::per_cent(shelf.promotion),
            sold_today_units: shelf.demand.sold_today,
            expected_daily_units: known.then(|| f64::from(shelf.demand.daily_milli) / 1_000.0),
            empty_since: shelf.empty_since,
            lost_today_cents: lost_today_cents(store, index, shelf, Opening::of(store)),
            alerts: store.alerts_of(index).map(|alert| alert.alert).collect(),
            worst: store.alerts_of(index).map(|alert| alert.severity).max(),
            task: shelf.task,
        })
    }
}

/// What a shelf would have sold today while it stood empty: its expected sales a day, spread over
/// the hours of opening, at list price.
pub(crate) fn lost_today_cents(
    store: &Store,
    index: SkuIndex,
    shelf: &Shelf,
    opening: Opening,
) -> i64 {
    let until_now = |since| opening.between_us(since, store.now());
    let present_us = shelf.empty_since.map_or(0, until_now);
    let empty_us = shelf.demand.empty_today_us.saturating_add(present_us);
    if empty_us == 0 {
        return 0;
    }
    let list = store.product(index).map_or(0, |product| product.price_cents);
    let wanted = i128::from(shelf.demand.daily_milli) * i128::from(empty_us) * i128::from(list);
    (wanted / (i128::from(opening.us().max(1)) * 1_000)) as i64
}

/// Shelves, in order of store and sku.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ShelvesView {
    /// How many shelves the filter keeps, those over the limit included.
    pub total: u64,
    /// The rows, up to the limit.
    pub shelves: Vec<ShelfRow>,
}

impl ShelvesView {
    /// The shelves of a chain that the filter keeps.
    pub fn new(chain: &Chain<'_>, filter: &ShelfFilter) -> Self {
        let found = found(chain, filter);
        let limit = filter.limit.unwrap_or(usize::MAX);
        let shown = found.iter().take(limit);
        let rows = shown.filter_map(|(store, _, index)| ShelfRow::new(store, *index));
        Self { total: found.len() as u64, shelves: rows.collect() }
    }
}

/// The shelves that a filter keeps, in order of store and sku.
pub(crate) fn found<'a>(
    chain: &Chain<'a>,
    filter: &ShelfFilter,
) -> Vec<(&'a Store, &'a Shelf, SkuIndex)> {
    let mut found: Vec<(&Store, &Shelf, SkuIndex)> = Vec::new();
    // The stores come in order of their ids.
    for store in chain.select(filter.store) {
        let first = found.len();
        for index in store.skus() {
            let shelf = store.shelf(index);
            if let Some(shelf) = shelf.filter(|shelf| filter.keeps(store, index, shelf)) {
                found.push((store, shelf, index));
            }
        }
        if let Some(of_store) = found.get_mut(first..) {
            of_store.sort_unstable_by_key(|(_, shelf, _)| shelf.sku);
        }
    }
    found
}
