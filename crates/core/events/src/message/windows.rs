//! What a window has, as a message.

use serde::{Deserialize, Serialize};
use shelf_domain::{Measure, Sku, Timestamp, WindowName, WindowResult, WindowRow};

use super::forms::{form, maybe};
use crate::names::Choice;

/// What a window has, as far as it is known. A row is identified by store, window, start and item;
/// of two with the same identity the one with the higher revision holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowMessage {
    /// Which windows it is one of.
    #[serde(with = "form")]
    pub window: WindowName,
    /// What it adds up: `sales`, `stock` or `turnover`.
    pub measure: String,
    /// What it is for: `global`, `store`, `product` or `store_product`.
    pub scope: String,
    /// Its start.
    #[serde(with = "form")]
    pub window_start: Timestamp,
    /// Its end: the first moment that is not in it.
    #[serde(with = "form")]
    pub window_end: Timestamp,
    /// `early`, `final` or `corrected`.
    pub stage: String,
    /// Counts the results of a store.
    pub revision: u64,
    /// What it says of each product, or of the store.
    pub rows: Vec<WindowRowMessage>,
}

/// What a window says of a product, or of the store. What it does not add up is null.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WindowRowMessage {
    /// The product; null in a window of a whole store.
    #[serde(with = "maybe")]
    pub item_id: Option<Sku>,
    /// Receipts.
    pub transactions: Option<u32>,
    /// Units sold.
    pub units: Option<u32>,
    /// Units brought back.
    pub returned_units: Option<u32>,
    /// What the lines come to before discount.
    pub gross_revenue: Option<f64>,
    /// What the lines come to.
    pub net_revenue: Option<f64>,
    /// What the discounts come to.
    pub discount: Option<f64>,
    /// Net revenue of a receipt.
    pub average_basket: Option<f64>,
    /// Gross revenue of a unit, returns taken off.
    pub average_unit_price: Option<f64>,
    /// Different customers.
    pub customers: Option<u64>,
    /// Whether the customers were counted one by one.
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
    /// The mean after a change.
    pub mean_units: Option<f64>,
    /// The standard deviation after a change.
    pub volatility_units: Option<f64>,
    /// The last units as a part of the capacity, in per cent.
    pub capacity_pct: Option<f64>,
    /// `in`, `low` or `out`.
    pub stock_status: Option<String>,
    /// Units sold by mean units on the shelf.
    pub turnover: Option<f64>,
}

impl From<&WindowResult> for WindowMessage {
    fn from(result: &WindowResult) -> Self {
        Self {
            window: result.window,
            measure: result.measure.word().to_owned(),
            scope: result.scope.word().to_owned(),
            window_start: result.start,
            window_end: result.end,
            stage: result.stage.code().to_owned(),
            revision: result.revision,
            rows: result.rows.iter().map(|row| row_message(result.measure, row)).collect(),
        }
    }
}

fn row_message(measure: Measure, row: &WindowRow) -> WindowRowMessage {
    let mut message = WindowRowMessage { item_id: row.sku, ..WindowRowMessage::default() };
    if measure != Measure::Stock {
        add_sales(&mut message, row);
    }
    add_stock(&mut message, row);
    message
}

/// Cents, or thousandths of something, as a number of the whole; rounded to the same place.
fn fraction(part: i64, of: i64, whole: i64) -> Option<f64> {
    (of > 0).then(|| {
        let scaled = (i128::from(part) * 2 + i128::from(of)).div_euclid(i128::from(of) * 2);
        scaled as f64 / whole as f64
    })
}

fn add_sales(message: &mut WindowRowMessage, row: &WindowRow) {
    let sales = &row.sales;
    let money = |cents: i64| Some(cents as f64 / 100.0);
    let units = i64::from(sales.units) - i64::from(sales.returned_units);
    message.transactions = Some(sales.transactions);
    message.units = Some(sales.units);
    message.returned_units = Some(sales.returned_units);
    message.gross_revenue = money(sales.gross_cents);
    message.net_revenue = money(sales.net_cents);
    message.discount = money(sales.discount_cents());
    message.average_basket = fraction(sales.net_cents, i64::from(sales.transactions), 100);
    message.average_unit_price = fraction(sales.gross_cents, units, 100);
    message.customers = Some(sales.customers.count());
    message.customers_exact = Some(sales.customers.exact());
}

fn add_stock(message: &mut WindowRowMessage, row: &WindowRow) {
    let Some(stock) = &row.stock else { return };
    let sums = &stock.sums;
    let thousandths = |milli: i64| milli as f64 / 1_000.0;
    let capacity = i64::from(stock.capacity_units);
    message.last_units = Some(sums.last_units);
    message.min_units = Some(sums.min_units);
    message.max_units = Some(sums.max_units);
    message.change_units = Some(sums.change_units);
    message.updates = Some(sums.updates);
    message.mean_units = sums.mean_milli().map(thousandths);
    message.volatility_units = sums.volatility_milli().map(|milli| thousandths(milli as i64));
    message.capacity_pct = fraction(sums.last_units * 10_000, capacity, 100);
    message.stock_status = Some(stock.status.code().to_owned());
    if message.units.is_some() {
        let sold = i64::from(row.sales.units) - i64::from(row.sales.returned_units);
        let mean = sums.mean_milli().unwrap_or(0);
        message.turnover = fraction(sold * 1_000_000, mean, 1_000);
    }
}
