//! The calendar of suppliers, as text.

use super::{more, nothing};
use crate::style::Style;
use crate::suppliers::SuppliersView;
use crate::table::{Cell, Column, Table};
use crate::wording::{minute_utc, money, span};

/// The suppliers, the next cut-off first; their days are in the time of their store.
pub fn render_suppliers(view: &SuppliersView, style: &Style, width: usize) -> String {
    if view.suppliers.is_empty() {
        let hint = "a store declares its suppliers with events; see docs/schemas.md";
        return nothing(*style, "No store declares a supplier.", hint);
    }
    let mut table = Table::new([
        Column::cut("supplier", 8),
        Column::words("store"),
        Column::cut("cut-offs", 9),
        Column::cut("deliveries", 9),
        Column::number("minimum"),
        Column::words("next cut-off UTC"),
        Column::number("in"),
        Column::words("delivery UTC"),
        Column::words("order"),
        Column::words("arrives UTC"),
    ]);
    let dash = || "-".to_owned();
    for row in &view.suppliers {
        let name = if row.name.is_empty() { row.supplier.as_str() } else { row.name.as_str() };
        table.row([
            name.into(),
            row.store.as_str().into(),
            row.cutoffs.join(", ").into(),
            row.deliveries.join(", ").into(),
            money(row.minimum_order_cents).into(),
            row.cutoff_at.map_or_else(dash, minute_utc).into(),
            row.cutoff_in_s.map_or_else(dash, span).into(),
            row.delivery_at.map_or_else(dash, minute_utc).into(),
            row.order.map_or_else(dash, |order| order.to_string()).into(),
            Cell::from(row.arrives_at.map_or_else(dash, minute_utc)),
        ]);
    }
    table.render(*style, width) + &more(*style, view.suppliers.len(), view.total)
}
