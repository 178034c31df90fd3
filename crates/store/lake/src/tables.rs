//! Every table of the lake.

pub(crate) mod cleansed;
pub(crate) mod curated;
pub(crate) mod ops;
pub(crate) mod raw;

use crate::table::Table;

/// The tables that follow the log, in the order in which they are committed: `ops.lake_commits`
/// comes last and says that a round is whole.
pub static FOLLOWING: &[&Table] = &[
    &raw::SHELF_EVENTS,
    &raw::POS_TRANSACTIONS,
    &raw::POS_LINES,
    &raw::FOOT_TRAFFIC,
    &raw::WH_EVENTS,
    &raw::INVENTORY_UPDATES,
    &raw::PRICE_CHANGES,
    &raw::CUSTOMER_EVENTS,
    &raw::PRODUCTS,
    &raw::SHELVES,
    &raw::STORES,
    &raw::SUPPLIERS,
    &raw::SETTINGS,
    &raw::QUARANTINE,
    &cleansed::SHELF_STATE,
    &cleansed::WH_STATE,
    &cleansed::LOTS,
    &cleansed::PRODUCT_TOTAL_STATE,
    &ops::ALERTS,
    &ops::RESTOCK_TASKS,
    &ops::SUPPLIER_ORDERS,
    &ops::SUPPLIER_RECEIPTS,
    &ops::DISCREPANCIES,
    &ops::REMOVALS,
    &ops::PRICES,
    &ops::ACTS,
    &analytics::WINDOWS,
    &analytics::DAILY_DISCOUNTS,
    &analytics::KPIS,
    &analytics::PRODUCT_DAYS,
    &ops::LAKE_COMMITS,
];

/// The figures among the tables of `ops.rs`.
pub(crate) mod analytics {
    pub(crate) use super::ops::{DAILY_DISCOUNTS, KPIS, PRODUCT_DAYS, WINDOWS};
}

/// The tables that are built from others, in the order in which they are built.
pub static BUILT: &[&Table] = &[
    &curated::DIM_DATE,
    &curated::DIM_STORE,
    &curated::DIM_PRODUCT,
    &curated::DIM_CATEGORY,
    &curated::DIM_BRAND,
    &curated::DIM_SUPPLIER,
    &curated::DIM_PAYMENT_METHOD,
    &curated::DIM_CUSTOMER_TYPE,
    &curated::FACT_SALES,
    &curated::FACT_INVENTORY,
    &curated::FACT_DELIVERIES,
    &curated::FACT_ALERTS,
    &curated::FACT_WASTE,
];

/// All tables: those that follow the log, then those that are built.
pub fn all() -> impl Iterator<Item = &'static Table> {
    FOLLOWING.iter().chain(BUILT).copied()
}

/// A table by its full name, such as `raw.pos_lines`.
pub fn find(full_name: &str) -> Option<&'static Table> {
    let (schema, name) = full_name.split_once('.')?;
    all().find(|table| table.schema == schema && table.name == name)
}
