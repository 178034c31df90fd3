//! When checks of quality changed their states: what `shelf quality --history` shows.

use serde::Serialize;
use shelf_domain::Timestamp;

use crate::form;

/// A check changed its state.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct QualityChangeRow {
    /// When that was found.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub at: Timestamp,
    /// Which check.
    pub check: String,
    /// Of which store, where it is of one.
    pub store: Option<String>,
    /// Of which stream.
    pub stream: Option<String>,
    /// Of which source.
    pub source: Option<String>,
    /// Of which window.
    pub window: Option<String>,
    /// The state before; `None` where it had not been judged.
    pub from: Option<String>,
    /// The state from then on.
    pub to: Option<String>,
    /// What was measured, in the unit of the check.
    pub value: Option<f64>,
}

impl QualityChangeRow {
    /// What it is about: store, source, stream or window.
    pub fn subject(&self) -> String {
        let parts = [&self.store, &self.source, &self.stream, &self.window];
        let parts: Vec<&str> = parts.into_iter().filter_map(|part| part.as_deref()).collect();
        if parts.is_empty() { "all".to_owned() } else { parts.join(" ") }
    }
}

/// The newest changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct QualityHistory {
    /// How many are remembered.
    pub total: u64,
    /// The newest of them, in order of time.
    pub changes: Vec<QualityChangeRow>,
}
