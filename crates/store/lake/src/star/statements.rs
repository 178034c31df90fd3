//! The statements of the star schema: how its tables are built, what is shown of them, what must be
//! true of them. They are files of their own, to be read and run by themselves.

use crate::table::Table;
use crate::tables::{cleansed, curated, ops, raw};

macro_rules! statement {
    ($path:literal) => {
        include_str!(concat!("../../sql/", $path, ".sql"))
    };
}

/// The dimensions but for the days, in the order in which they are built.
pub(super) static DIMENSIONS: &[(&Table, &str)] = &[
    (&curated::DIM_STORE, statement!("build/dim_store")),
    (&curated::DIM_PRODUCT, statement!("build/dim_product")),
    (&curated::DIM_CATEGORY, statement!("build/dim_category")),
    (&curated::DIM_BRAND, statement!("build/dim_brand")),
    (&curated::DIM_SUPPLIER, statement!("build/dim_supplier")),
    (&curated::DIM_PAYMENT_METHOD, statement!("build/dim_payment_method")),
    (&curated::DIM_CUSTOMER_TYPE, statement!("build/dim_customer_type")),
];

/// What tells of products.
pub(super) static PRODUCTS: &[&Table] = &[&raw::PRODUCTS, &raw::PRICE_CHANGES];

/// A table of facts.
pub(super) struct Fact {
    pub(super) table: &'static Table,
    pub(super) sql: &'static str,
    /// Where its rows come from, and which column says the day that they are of.
    pub(super) sources: &'static [(&'static Table, &'static str)],
    /// Whether its rows name a product as it was at their time: what is told of a product then
    /// changes all days from its own on.
    pub(super) of_products: bool,
    /// Whether it has rows for days on which nothing happened.
    pub(super) dense: bool,
}

impl Fact {
    pub(super) fn source_tables(&self) -> Vec<&'static Table> {
        let products = if self.of_products { PRODUCTS } else { &[] };
        self.sources.iter().map(|(table, _)| *table).chain(products.iter().copied()).collect()
    }
}

pub(super) static FACTS: &[Fact] = &[
    Fact {
        table: &curated::FACT_SALES,
        sql: statement!("build/fact_sales"),
        sources: &[(&raw::POS_LINES, "event_date")],
        of_products: true,
        dense: false,
    },
    Fact {
        table: &curated::FACT_INVENTORY,
        sql: statement!("build/fact_inventory"),
        sources: &[
            (&cleansed::PRODUCT_TOTAL_STATE, "event_date"),
            (&ops::PRODUCT_DAYS, "event_date"),
        ],
        of_products: true,
        dense: true,
    },
    Fact {
        table: &curated::FACT_DELIVERIES,
        sql: statement!("build/fact_deliveries"),
        sources: &[(&raw::WH_EVENTS, "event_date")],
        of_products: true,
        dense: false,
    },
    Fact {
        table: &curated::FACT_ALERTS,
        sql: statement!("build/fact_alerts"),
        sources: &[(&ops::ALERTS, "opened_date")],
        of_products: true,
        dense: false,
    },
    Fact {
        table: &curated::FACT_WASTE,
        sql: statement!("build/fact_waste"),
        sources: &[(&ops::REMOVALS, "event_date")],
        of_products: true,
        dense: false,
    },
];

/// A view over the star schema.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Its name in `curated`.
    pub name: &'static str,
    /// Its statement. Its first comment says what it shows, the second one names its columns.
    pub sql: &'static str,
}

/// A column of a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViewColumn {
    /// Its name.
    pub name: &'static str,
    /// Its type, as SQL names it.
    pub sql_type: &'static str,
    /// What it says, for people.
    pub comment: &'static str,
}

impl View {
    /// What it shows, for people.
    pub fn comment(&self) -> String {
        let lines = self.sql.lines().map_while(|line| line.strip_prefix("-- "));
        lines.collect::<Vec<_>>().join(" ")
    }

    /// Its columns, in their order. Each is a line of the second comment, behind an empty one:
    /// `-- name type: what it says`.
    pub fn columns(&self) -> Vec<ViewColumn> {
        let lines = self.sql.lines().skip_while(|line| *line != "--").skip(1);
        let named = lines.map_while(|line| line.strip_prefix("-- ")).filter_map(|line| {
            let (head, comment) = line.split_once(": ")?;
            let (name, sql_type) = head.split_once(' ')?;
            Some(ViewColumn { name, sql_type, comment })
        });
        named.collect()
    }
}

macro_rules! views {
    ($($name:literal),* $(,)?) => {
        &[$(View { name: $name, sql: include_str!(concat!("../../sql/views/", $name, ".sql")) }),*]
    };
}

/// The views, each after those that it uses.
pub const VIEWS: &[View] = views![
    "daily_sales_summary",
    "current_inventory",
    "low_stock",
    "product_performance",
    "store_performance",
    "store_comparison",
    "category_performance",
    "inventory_turnover",
    "seasonal_sales_patterns",
    "customer_behaviour",
    "current_alerts",
];

/// A test of the star schema: each row of its statement breaks it.
#[derive(Clone, Copy, Debug)]
pub struct StarTest {
    /// What must be true, as a name.
    pub name: &'static str,
    /// The statement.
    pub sql: &'static str,
}

macro_rules! star_tests {
    ($($name:literal),* $(,)?) => {
        &[$(StarTest {
            name: $name,
            sql: include_str!(concat!("../../sql/tests/", $name, ".sql")),
        }),*]
    };
}

/// The tests.
pub const STAR_TESTS: &[StarTest] = star_tests![
    "dates_are_known",
    "products_are_known",
    "stores_are_known",
    "other_dimensions_are_known",
    "product_history_has_no_gap_and_no_overlap",
    "sales_add_up_to_receipts",
    "inventory_is_conserved",
    "a_day_opens_as_the_day_before_closed",
    "deliveries_add_up_to_warehouse_events",
    "alerts_are_all_there",
    "waste_adds_up_to_removals",
    "values_are_in_their_range",
];
