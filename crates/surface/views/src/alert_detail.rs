//! One alert with what a person needs to decide: the shelf, its lots, and what is under way.

use serde::Serialize;
use shelf_domain::{AlertId, OrderId, OrderStatus, SkuIndex, Store, Timestamp};

use crate::alerts::AlertRow;
use crate::lots::{self, LotRow};
use crate::shelves::ShelfRow;
use crate::tasks::TaskRow;
use crate::{chain, form};

/// Units of a sku that a supplier is to bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Arrival {
    /// With which order.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub order: OrderId,
    /// When it is to come.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub delivery_at: Timestamp,
    /// How many units have not come.
    pub outstanding_units: u32,
    /// From that to the store's present, in seconds; `None` before it.
    pub overdue_s: Option<i64>,
}

/// One alert in full.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct AlertDetail {
    /// The alert.
    #[serde(flatten)]
    pub alert: AlertRow,
    /// When its status last changed, or a person last acted on it.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub changed_at: Timestamp,
    /// The words of whoever acted last.
    pub note: String,
    /// The shelf.
    pub shelf: Option<ShelfRow>,
    /// Its lots, the soonest to expire first.
    pub lots: Vec<LotRow>,
    /// The restock task that stands for it.
    pub restock: Option<TaskRow>,
    /// What suppliers are to bring.
    pub arriving: Vec<Arrival>,
}

impl AlertDetail {
    /// An alert of a store that stands; `None` where there is no such one.
    pub fn new(store: &Store, alert: AlertId) -> Option<Self> {
        let standing = store.alerts();
        let alert = *standing.iter().find(|standing| standing.alert == alert)?;
        let index = alert.sku.and_then(|sku| store.sku(sku));
        Some(Self {
            alert: AlertRow::new(store, alert),
            changed_at: alert.changed_at,
            note: alert.note.as_str().to_owned(),
            shelf: index.and_then(|index| ShelfRow::new(store, index)),
            lots: index.map(|index| lots::rows(store, index)).unwrap_or_default(),
            restock: index.and_then(|index| task_of(store, index)),
            arriving: index.map(|index| arriving(store, index)).unwrap_or_default(),
        })
    }
}

/// The restock task that stands for a shelf.
pub(crate) fn task_of(store: &Store, index: SkuIndex) -> Option<TaskRow> {
    let id = store.shelf(index)?.task?;
    let task = store.tasks().find(|task| task.task == id)?;
    Some(TaskRow::new(store, task))
}

/// What suppliers have been sent orders for, of one sku, and have not brought.
pub(crate) fn arriving(store: &Store, index: SkuIndex) -> Vec<Arrival> {
    let Some(shelf) = store.shelf(index) else { return Vec::new() };
    let sent = store.orders().filter(|order| order.status == OrderStatus::Sent);
    let mut arrivals: Vec<Arrival> = sent
        .flat_map(|order| order.lines.iter().map(move |line| (order, line)))
        .filter(|(_, line)| line.sku == shelf.sku && line.outstanding_units() > 0)
        .map(|(order, line)| Arrival {
            order: order.order,
            delivery_at: order.delivery_at,
            outstanding_units: line.outstanding_units(),
            overdue_s: Some(chain::age_s(store, order.delivery_at)).filter(|&age| age > 0),
        })
        .collect();
    arrivals.sort_by_key(|arrival| (arrival.delivery_at, arrival.order));
    arrivals
}
