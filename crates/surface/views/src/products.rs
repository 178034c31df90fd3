//! The products of the stores: what each store has been told of what it sells.

use serde::Serialize;
use shelf_domain::{Sku, SkuIndex, Store, StoreId, SupplierId};

use crate::chain::{self, Chain};
use crate::shelves::ShelfFilter;

/// One product of one store.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ProductRow {
    /// Of which store.
    #[schema(value_type = String)]
    pub store: StoreId,
    /// Its sku.
    #[schema(value_type = String)]
    pub sku: Sku,
    /// Its name; the sku where it has none.
    pub name: String,
    /// Its brand; empty where it has none.
    pub brand: String,
    /// Its category, which names its zone.
    pub category: String,
    /// Its subcategory.
    pub subcategory: String,
    /// Who delivers it.
    #[schema(value_type = Option<String>)]
    pub supplier: Option<SupplierId>,
    /// The list price of a unit, in cents.
    pub list_cents: i64,
    /// What a unit costs the shop, in cents; `None` where that is not known.
    pub cost_cents: Option<i64>,
    /// The weight of a unit, in grams or millilitres; `None` where that is not known.
    pub unit_weight_g: Option<u32>,
    /// Units in the supplier's pack.
    pub pack_units: u32,
    /// Days from delivery to expiry; `None` where it does not expire.
    pub shelf_life_days: Option<u16>,
}

impl ProductRow {
    /// The row of a sku; `None` where the store has no such one.
    pub fn new(store: &Store, index: SkuIndex) -> Option<Self> {
        let (product, sku) = (store.product(index)?, store.shelf(index)?.sku);
        Some(Self {
            store: store.id(),
            sku,
            name: chain::product_name(store, sku),
            brand: product.brand.as_str().to_owned(),
            category: product.category.as_str().to_owned(),
            subcategory: product.subcategory.as_str().to_owned(),
            supplier: product.supplier,
            list_cents: product.price_cents,
            cost_cents: Some(product.cost_cents).filter(|&cents| cents > 0),
            unit_weight_g: Some(product.unit_weight_g).filter(|&grams| grams > 0),
            pack_units: product.pack_units.max(1),
            shelf_life_days: Some(product.shelf_life_days).filter(|&days| days > 0),
        })
    }
}

/// Products, in order of store and sku.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ProductsView {
    /// How many products the filter keeps, those over the limit included.
    pub total: u64,
    /// The rows, up to the limit.
    pub products: Vec<ProductRow>,
}

impl ProductsView {
    /// The products of a chain whose shelves the filter keeps.
    pub fn new(chain: &Chain<'_>, filter: &ShelfFilter) -> Self {
        let found = crate::shelves::found(chain, filter);
        let shown = found.iter().take(filter.limit.unwrap_or(usize::MAX));
        let rows = shown.filter_map(|(store, _, index)| ProductRow::new(store, *index));
        Self { total: found.len() as u64, products: rows.collect() }
    }
}
