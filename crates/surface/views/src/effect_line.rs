//! One line of the live log: what an effect said.

use serde::Serialize;
use shelf_domain::{Effect, Severity, Sku, StoreId, Timestamp};
use shelf_events::OutputRecord;

use crate::{form, sentence};

/// What an effect is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EffectKind {
    /// An event was known already.
    Duplicate,
    /// An event broke a rule.
    Quarantined,
    /// An alert opened or changed.
    Alert,
    /// A restock task began or changed.
    Task,
    /// A supplier order began or changed.
    Order,
    /// A price changed.
    Price,
    /// Units were taken out.
    Removed,
    /// Two sources disagreed.
    Explained,
    /// A window told what it has.
    Window,
}

impl EffectKind {
    /// Those that stand in lists of what followed: windows are many, and have lists of their own.
    pub const LISTED: [Self; 8] = [
        Self::Alert,
        Self::Task,
        Self::Order,
        Self::Price,
        Self::Removed,
        Self::Explained,
        Self::Quarantined,
        Self::Duplicate,
    ];

    /// Its stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::Quarantined => "quarantined",
            Self::Alert => "alert",
            Self::Task => "task",
            Self::Order => "order",
            Self::Price => "price",
            Self::Removed => "removed",
            Self::Explained => "explained",
            Self::Window => "window",
        }
    }
}

/// One effect in one sentence. The whole of it as JSON is `shelf_events::effect_json`.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct EffectLine {
    /// When it came about.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub at: Timestamp,
    /// Where.
    #[schema(value_type = String)]
    pub store: StoreId,
    /// The offset of the event that led to it, in its partition's log.
    pub input_offset: u64,
    /// Its place among the effects of that event.
    pub index: u32,
    /// What it is about.
    pub kind: EffectKind,
    /// How bad, where it is about an alert that stands.
    #[serde(serialize_with = "form::maybe")]
    #[schema(value_type = Option<String>)]
    pub severity: Option<Severity>,
    /// Which shelf, where it is about one.
    #[schema(value_type = Option<String>)]
    pub sku: Option<Sku>,
    /// What it says.
    pub text: String,
}

impl EffectLine {
    /// The line of a published effect.
    pub fn new(record: &OutputRecord) -> Self {
        let (kind, severity, sku) = match &record.effect {
            Effect::Duplicate => (EffectKind::Duplicate, None, None),
            Effect::Quarantined(_) => (EffectKind::Quarantined, None, None),
            Effect::Alert(alert) => {
                let severity = alert.status.standing().then_some(alert.severity);
                (EffectKind::Alert, severity, alert.sku)
            }
            Effect::Task(task) => (EffectKind::Task, None, Some(task.sku)),
            Effect::Order(_) => (EffectKind::Order, None, None),
            Effect::Price(notice) => (EffectKind::Price, None, Some(notice.sku)),
            Effect::Removed(notice) => (EffectKind::Removed, None, Some(notice.sku)),
            Effect::Explained(movement) => (EffectKind::Explained, None, Some(movement.sku)),
            Effect::Window(_) => (EffectKind::Window, None, None),
        };
        Self {
            at: record.at,
            store: record.store,
            input_offset: record.input_offset,
            index: record.index,
            kind,
            severity,
            sku,
            text: sentence::effect(&record.effect),
        }
    }
}
