//! The restock tasks that stand, the oldest first.

use serde::Serialize;
use shelf_domain::{LotCode, RestockTask, Sku, Store, StoreId, TaskId, TaskStatus, Timestamp};

use crate::chain::{self, Chain};
use crate::form;

/// Which tasks to show. What is not set does not narrow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// Of this store.
    pub store: Option<StoreId>,
    /// In this status.
    pub status: Option<TaskStatus>,
    /// At most so many rows.
    pub limit: Option<usize>,
}

/// Units of one lot that a task moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TaskLot {
    /// The lot.
    #[schema(value_type = String)]
    pub lot: LotCode,
    /// Allocated, and still in the warehouse.
    pub reserved_units: u32,
    /// On the way.
    pub transit_units: u32,
    /// On the shelf.
    pub arrived_units: u32,
}

/// One task.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct TaskRow {
    /// Where.
    #[schema(value_type = String)]
    pub store: StoreId,
    /// Its number in the store.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub task: TaskId,
    /// Where it is in its life.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub status: TaskStatus,
    /// Which shelf.
    #[schema(value_type = String)]
    pub sku: Sku,
    /// The product's name.
    pub name: String,
    /// The product's category, which names its zone.
    pub category: String,
    /// Units wanted on the shelf.
    pub wanted_units: u32,
    /// Of these, units for which the warehouse holds no stock yet.
    pub backorder_units: u32,
    /// Of these, units allocated and still in the warehouse.
    pub reserved_units: u32,
    /// Of these, units on the way.
    pub transit_units: u32,
    /// Of these, units on the shelf.
    pub arrived_units: u32,
    /// When it was asked for.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub created_at: Timestamp,
    /// From when on staff can be sent.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub due_at: Timestamp,
    /// When its status last changed.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub changed_at: Timestamp,
    /// From the request to the store's present, in seconds.
    pub age_s: i64,
    /// The lots that it moves.
    pub lots: Vec<TaskLot>,
}

impl TaskRow {
    /// The row of a task of a store.
    pub fn new(store: &Store, task: &RestockTask) -> Self {
        let lots: Vec<TaskLot> = task
            .allocations
            .iter()
            .map(|allocation| TaskLot {
                lot: allocation.lot,
                reserved_units: allocation.reserved_units,
                transit_units: allocation.transit_units,
                arrived_units: allocation.arrived_units,
            })
            .collect();
        let sum = |units: fn(&TaskLot) -> u32| lots.iter().map(units).sum();
        Self {
            store: store.id(),
            task: task.task,
            status: task.status,
            sku: task.sku,
            name: chain::product_name(store, task.sku),
            category: chain::category_of(store, task.sku).to_owned(),
            wanted_units: task.wanted_units,
            backorder_units: task.backorder_units,
            reserved_units: sum(|lot| lot.reserved_units),
            transit_units: sum(|lot| lot.transit_units),
            arrived_units: sum(|lot| lot.arrived_units),
            created_at: task.created_at,
            due_at: task.due_at,
            changed_at: task.changed_at,
            age_s: chain::age_s(store, task.created_at),
            lots,
        }
    }
}

/// The restock tasks that stand, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct TasksView {
    /// How many tasks the filter keeps, those over the limit included.
    pub total: u64,
    /// The rows, up to the limit.
    pub tasks: Vec<TaskRow>,
}

impl TasksView {
    /// The tasks of a chain that the filter keeps.
    pub fn new(chain: &Chain<'_>, filter: &TaskFilter) -> Self {
        let mut found: Vec<(&Store, &RestockTask)> = Vec::new();
        for store in chain.select(filter.store) {
            let in_status = |task: &&RestockTask| filter.status.is_none_or(|s| s == task.status);
            found.extend(store.tasks().filter(in_status).map(|task| (store, task)));
        }
        found.sort_by_key(|(store, task)| (task.created_at, store.id(), task.task));
        let limit = filter.limit.unwrap_or(usize::MAX);
        let rows = found.iter().take(limit).map(|(store, task)| TaskRow::new(store, task));
        Self { total: found.len() as u64, tasks: rows.collect() }
    }
}
