//! The rows of windows as a table for other programs.

use serde::Serialize;
use serde_json::Value;

use super::{WindowLine, WindowsView};

/// The columns, named as in JSON.
const COLUMNS: [&str; 27] = [
    "start",
    "end",
    "stage",
    "revision",
    "store",
    "sku",
    "name",
    "transactions",
    "units",
    "returned_units",
    "gross_cents",
    "net_cents",
    "discount_cents",
    "average_basket_cents",
    "average_unit_price_cents",
    "customers",
    "customers_exact",
    "last_units",
    "min_units",
    "max_units",
    "change_units",
    "updates",
    "mean_units",
    "volatility_units",
    "capacity_percent",
    "stock_status",
    "turnover",
];

/// The rows as CSV after RFC 4180 with a heading: what is not known is empty.
pub fn csv_windows(view: &WindowsView) -> String {
    let mut text = COLUMNS.join(",") + "\r\n";
    for row in &view.rows {
        text.push_str(&csv_row(row));
        text.push_str("\r\n");
    }
    text
}

fn csv_row(row: &WindowLine) -> String {
    let fields = row.serialize(serde_json::value::Serializer).unwrap_or_default();
    let cells = COLUMNS.iter().map(|column| match fields.get(column) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => quoted(text),
        Some(other) => other.to_string(),
    });
    cells.collect::<Vec<_>>().join(",")
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
