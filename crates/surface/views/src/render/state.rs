//! The states of the stores as tables.

use serde::Serialize;
use serde_json::Value;
use shelf_events::{StateKind, StateRow};

use super::nothing;
use crate::state::StateCount;
use crate::style::Style;
use crate::table::{Cell, Column, Table};
use crate::wording::count;

/// The kinds of state, one a line.
pub fn render_state_counts(counts: &[StateCount], style: &Style, width: usize) -> String {
    let mut table = Table::new([Column::words("state"), Column::number("rows")]);
    for row in counts {
        table.row([Cell::from(row.state), count(row.rows).into()]);
    }
    table.render(*style, width)
}

/// The rows of a kind of state: store, key, and the fields as JSON names them.
pub fn render_state(kind: StateKind, rows: &[StateRow], style: &Style, width: usize) -> String {
    if rows.is_empty() {
        let hint = "see what there is with: shelf state";
        return nothing(*style, &format!("There is no {}.", kind.name()), hint);
    }
    let fields = kind.fields();
    let mut columns = vec![Column::words("store_id"), Column::words("key")];
    columns.extend(fields.iter().map(|field| Column::cut(field, field.len())));
    let mut table = Table::new(columns);
    for row in rows {
        let record = row.record.serialize(serde_json::value::Serializer).unwrap_or_default();
        let mut cells = vec![Cell::from(row.store_id.as_str()), row.key.as_str().into()];
        cells.extend(fields.iter().map(|field| match record.get(field) {
            None | Some(Value::Null) => Cell::from("-"),
            Some(Value::String(text)) => text.as_str().into(),
            Some(other) => other.to_string().into(),
        }));
        table.row(cells);
    }
    table.render(*style, width)
}
