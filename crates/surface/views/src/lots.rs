//! The lots of a shelf, in the order in which they expire.

use serde::Serialize;
use shelf_domain::{Day, Lot, LotCode, Sku, SkuIndex, Store, StoreId};

use crate::chain::{self, Chain};
use crate::{form, wording};

/// One lot.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct LotRow {
    /// Its code.
    #[schema(value_type = String)]
    pub lot: LotCode,
    /// When it was received.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub received_day: Day,
    /// When it expires; `None` where it does not.
    #[serde(serialize_with = "form::maybe")]
    #[schema(value_type = Option<String>)]
    pub expiry_day: Option<Day>,
    /// Days from today to that: 0 is today, negative is past.
    pub days_left: Option<i32>,
    /// Units on the floor, those in carts included.
    pub floor_units: u32,
    /// Units in the warehouse.
    pub warehouse_units: u32,
    /// Of these, units that a restock task will take.
    pub reserved_units: u32,
    /// Units between warehouse and shelf.
    pub transit_units: u32,
    /// The cut because it expires soon.
    pub markdown_percent: f64,
    /// What a unit of it costs the customer, in cents.
    pub price_cents: i64,
}

/// The lots of a sku that have units, the soonest to expire first.
pub(crate) fn rows(store: &Store, index: SkuIndex) -> Vec<LotRow> {
    let with_units = store.lots(index).filter(|lot| lot.units() > 0);
    with_units.map(|lot| row(store, index, lot)).collect()
}

fn row(store: &Store, index: SkuIndex, lot: &Lot) -> LotRow {
    let expiry_day = Some(lot.expiry_day).filter(|day| *day != Day::NEVER);
    LotRow {
        lot: lot.code,
        received_day: lot.received_day,
        expiry_day,
        days_left: expiry_day.map(|day| day.since(store.day())),
        floor_units: lot.floor_units,
        warehouse_units: lot.warehouse_units,
        reserved_units: lot.reserved_units,
        transit_units: lot.transit_units,
        markdown_percent: wording::per_cent(lot.markdown),
        price_cents: store.price_cents(index, Some(lot)),
    }
}

/// Which lots to show. What is not set does not narrow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LotFilter {
    /// Of this store.
    pub store: Option<StoreId>,
    /// Of this sku.
    pub sku: Option<Sku>,
    /// Of this category, whatever the case of its letters.
    pub category: Option<String>,
    /// Those that expire within so many days from the store's today; 0 is today.
    pub within_days: Option<i32>,
    /// At most so many rows.
    pub limit: Option<usize>,
}

/// A lot and whose it is.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct StockedLot {
    /// Where.
    #[schema(value_type = String)]
    pub store: StoreId,
    /// Of which sku.
    #[schema(value_type = String)]
    pub sku: Sku,
    /// The product's name.
    pub name: String,
    /// The product's category.
    pub category: String,
    /// The lot.
    #[serde(flatten)]
    pub lot: LotRow,
}

/// The lots that have units, the soonest to expire first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct LotsView {
    /// How many lots the filter keeps, those over the limit included.
    pub total: u64,
    /// The rows, up to the limit.
    pub lots: Vec<StockedLot>,
}

impl LotsView {
    /// The lots of a chain that the filter keeps.
    pub fn new(chain: &Chain<'_>, filter: &LotFilter) -> Self {
        let mut found: Vec<(&Store, SkuIndex, &Lot)> = Vec::new();
        for store in chain.select(filter.store) {
            for index in store.skus().filter(|index| filter.keeps_sku(store, *index)) {
                let lots = store.lots(index).filter(|lot| lot.units() > 0);
                let kept = lots.filter(|lot| filter.keeps_lot(store, lot));
                found.extend(kept.map(|lot| (store, index, lot)));
            }
        }
        found.sort_by_key(|(store, index, lot)| (lot.expiry_day, store.id(), *index, lot.code));
        let limit = filter.limit.unwrap_or(usize::MAX);
        let shown = found.iter().take(limit);
        let lots = shown.filter_map(|(store, index, lot)| {
            let sku = store.shelf(*index)?.sku;
            Some(StockedLot {
                store: store.id(),
                sku,
                name: chain::product_name(store, sku),
                category: chain::category(store, *index).to_owned(),
                lot: row(store, *index, lot),
            })
        });
        Self { total: found.len() as u64, lots: lots.collect() }
    }
}

impl LotFilter {
    fn keeps_sku(&self, store: &Store, index: SkuIndex) -> bool {
        let sku = store.shelf(index).map(|shelf| shelf.sku);
        let category = || chain::category(store, index);
        self.sku.is_none_or(|wanted| Some(wanted) == sku)
            && self.category.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(category()))
    }

    fn keeps_lot(&self, store: &Store, lot: &Lot) -> bool {
        self.within_days.is_none_or(|days| {
            lot.expiry_day != Day::NEVER && lot.expiry_day.since(store.day()) <= days
        })
    }
}
