//! Restock tasks: move units of given lots from the warehouse to the shelf.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::ids::{LotCode, Sku, TaskId};
use crate::time::Timestamp;

/// Where a task is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TaskStatus {
    /// Wanted; waits for its delay to pass, or for stock in the warehouse.
    Pending,
    /// Lots are allocated: staff can go.
    Issued,
    /// Units are between the warehouse and the shelf.
    InTransit,
    /// All units that could be moved have arrived.
    Done,
    /// Given up.
    Cancelled,
}

impl TaskStatus {
    /// Its stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Issued => "issued",
            Self::InTransit => "in_transit",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether it has not ended.
    pub fn standing(self) -> bool {
        matches!(self, Self::Pending | Self::Issued | Self::InTransit)
    }
}

/// Units of one lot that a task moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// The lot.
    pub lot: LotCode,
    /// Allocated in the warehouse and not yet taken from it.
    pub reserved_units: u32,
    /// Taken from the warehouse and not yet on the shelf.
    pub transit_units: u32,
    /// Arrived on the shelf.
    pub arrived_units: u32,
}

/// Move units of given lots from the warehouse to the shelf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestockTask {
    /// Its number in the store.
    pub task: TaskId,
    /// Which shelf.
    pub sku: Sku,
    /// Where it is in its life.
    pub status: TaskStatus,
    /// Units wanted on the shelf.
    pub wanted_units: u32,
    /// Of these, units for which the warehouse holds no stock yet.
    pub backorder_units: u32,
    /// The lots.
    pub allocations: Vec<Allocation>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When its status last changed.
    pub changed_at: Timestamp,
    /// From when on staff can be sent.
    pub due_at: Timestamp,
}
