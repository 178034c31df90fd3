//! One row of a window with its figures.

use serde::Serialize;
use shelf_domain::{
    Measure, SalesSums, Sku, StockFigures, StockStatus, StoreId, Timestamp, WindowScope,
    WindowStage,
};

use crate::form;

/// What a window says about a store, a product or the whole chain. What it does not measure, or
/// nobody knows, is `None`.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct WindowLine {
    /// Its start.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub start: Timestamp,
    /// Its end, which it does not hold.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub end: Timestamp,
    /// Whether it is still open, has ended, or was corrected since.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub stage: WindowStage,
    /// The number of the result in its store; `None` where several stores are merged.
    pub revision: Option<u64>,
    /// The store; `None` where all are shown together.
    #[schema(value_type = Option<String>)]
    pub store: Option<StoreId>,
    /// The product, where it is of one.
    #[schema(value_type = Option<String>)]
    pub sku: Option<Sku>,
    /// The product's name.
    pub name: Option<String>,
    /// Receipts.
    pub transactions: Option<u32>,
    /// Units sold.
    pub units: Option<u32>,
    /// Units brought back.
    pub returned_units: Option<u32>,
    /// Unit price x units, in cents.
    pub gross_cents: Option<i64>,
    /// What the lines come to, in cents.
    pub net_cents: Option<i64>,
    /// What the discounts come to, in cents.
    pub discount_cents: Option<i64>,
    /// Net revenue of a receipt, in cents.
    pub average_basket_cents: Option<i64>,
    /// Gross revenue of a unit, returns taken off, in cents.
    pub average_unit_price_cents: Option<i64>,
    /// Different customers.
    pub customers: Option<u64>,
    /// Whether they were counted one by one.
    pub customers_exact: Option<bool>,
    /// Units on the shelf after the last change.
    pub last_units: Option<i64>,
    /// The fewest after a change.
    pub min_units: Option<i64>,
    /// The most after a change.
    pub max_units: Option<i64>,
    /// Units at the end less units at the start.
    pub change_units: Option<i64>,
    /// Changes.
    pub updates: Option<u32>,
    /// The mean after a change, in units.
    pub mean_units: Option<f64>,
    /// The standard deviation after a change, in units.
    pub volatility_units: Option<f64>,
    /// The last units as a part of the capacity.
    pub capacity_percent: Option<f64>,
    /// How the shelf stands.
    #[serde(serialize_with = "form::maybe")]
    #[schema(value_type = Option<String>)]
    pub stock_status: Option<StockStatus>,
    /// Units sold by mean units on the shelf.
    pub turnover: Option<f64>,
    /// What the window adds up.
    #[serde(skip)]
    pub measure: Measure,
    /// What the window is for.
    #[serde(skip)]
    pub scope: WindowScope,
}

impl WindowLine {
    /// A row without figures.
    pub(super) fn of(
        start: Timestamp,
        end: Timestamp,
        measure: Measure,
        scope: WindowScope,
    ) -> Self {
        Self {
            start,
            end,
            stage: WindowStage::Early,
            revision: None,
            store: None,
            sku: None,
            name: None,
            transactions: None,
            units: None,
            returned_units: None,
            gross_cents: None,
            net_cents: None,
            discount_cents: None,
            average_basket_cents: None,
            average_unit_price_cents: None,
            customers: None,
            customers_exact: None,
            last_units: None,
            min_units: None,
            max_units: None,
            change_units: None,
            updates: None,
            mean_units: None,
            volatility_units: None,
            capacity_percent: None,
            stock_status: None,
            turnover: None,
            measure,
            scope,
        }
    }

    pub(super) fn set_sales(&mut self, sales: &SalesSums) {
        self.transactions = Some(sales.transactions);
        self.units = Some(sales.units);
        self.returned_units = Some(sales.returned_units);
        self.gross_cents = Some(sales.gross_cents);
        self.net_cents = Some(sales.net_cents);
        self.discount_cents = Some(sales.discount_cents());
        self.average_basket_cents = rounded(sales.net_cents, sales.transactions.into());
        self.average_unit_price_cents = rounded(sales.gross_cents, kept_units(sales));
        self.customers = Some(sales.customers.count());
        self.customers_exact = Some(sales.customers.exact());
    }

    /// Sets what is known of the shelf; the sales must be set before.
    pub(super) fn set_stock(&mut self, stock: &StockFigures) {
        let sums = &stock.sums;
        let thousandths = |milli: i64| milli as f64 / 1_000.0;
        self.last_units = Some(sums.last_units);
        self.min_units = Some(sums.min_units);
        self.max_units = Some(sums.max_units);
        self.change_units = Some(sums.change_units);
        self.updates = Some(sums.updates);
        self.mean_units = sums.mean_milli().map(thousandths);
        self.volatility_units = sums.volatility_milli().map(|milli| thousandths(milli as i64));
        let capacity = i64::from(stock.capacity_units);
        let part = rounded(sums.last_units.saturating_mul(10_000), capacity);
        self.capacity_percent = part.map(|part| part as f64 / 100.0);
        self.stock_status = Some(stock.status);
        let sold = self.units.zip(self.returned_units);
        self.turnover = sold.zip(sums.mean_milli()).and_then(|((units, returned), mean)| {
            let kept = i64::from(units) - i64::from(returned);
            rounded(kept.saturating_mul(1_000_000), mean).map(thousandths)
        });
    }
}

fn kept_units(sales: &SalesSums) -> i64 {
    i64::from(sales.units) - i64::from(sales.returned_units)
}

/// A part for each of so many, to the nearest whole; `None` where there are none.
fn rounded(sum: i64, of: i64) -> Option<i64> {
    let (sum, of) = (i128::from(sum), i128::from(of));
    (of > 0).then(|| (sum * 2 + of).div_euclid(of * 2) as i64)
}
