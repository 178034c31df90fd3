//! Supplier orders: packs from a supplier for a delivery slot.

use alloc::format;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::event::Delivery;
use crate::ids::{Actor, LotCode, OrderId, Sku, SupplierId};
use crate::time::{Day, Timestamp};

/// Where an order is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum OrderStatus {
    /// Proposed; may be changed until the cut-off.
    Draft,
    /// A person wants it sent.
    Approved,
    /// Sent to the supplier at the cut-off.
    Sent,
    /// Everything has come, or nothing more will.
    Received,
    /// Never sent, or called off.
    Cancelled,
}

impl OrderStatus {
    /// Its stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Approved => "approved",
            Self::Sent => "sent",
            Self::Received => "received",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether it has not ended.
    pub fn standing(self) -> bool {
        matches!(self, Self::Draft | Self::Approved | Self::Sent)
    }
}

/// Why a line asks for what it asks for: each step of the sum, in units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineReason {
    /// Expected sales a day, in thousandths of a unit.
    pub daily_milli: u32,
    /// Days that the order has to last, from the cut-off, in thousandths of a day.
    pub cover_milli_days: u32,
    /// Expected sales in that time.
    pub need_units: u32,
    /// Kept on top, against chance.
    pub safety_units: u32,
    /// Kept in the shop whatever sells: the reorder point or the refill threshold, whichever is
    /// more.
    pub standing_units: u32,
    /// What sells before a lot that comes now expires: more is not ordered. `None` where the
    /// product does not expire.
    pub sellable_units: Option<u32>,
    /// On the floor, in the warehouse and between, and not expiring before use.
    pub usable_units: u32,
    /// Ordered before and still to come in time.
    pub arriving_units: u32,
    /// The room that is left in the warehouse.
    pub room_units: u32,
    /// Units in a pack.
    pub pack_units: u32,
    /// What all that comes to in whole packs that fit; a line with another quantity was changed by
    /// a person.
    pub proposed_units: u32,
}

/// One sku of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// What.
    pub sku: Sku,
    /// How many units are ordered.
    pub units: u32,
    /// How many have come.
    pub received_units: u32,
    /// What a unit costs, in cents; 0 where that is not known.
    pub cost_cents: i64,
    /// Why it is that many.
    pub reason: LineReason,
}

/// Packs from a supplier for a delivery slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupplierOrder {
    /// Its number in the store.
    pub order: OrderId,
    /// From whom.
    pub supplier: SupplierId,
    /// Where it is in its life.
    pub status: OrderStatus,
    /// When it is, or was, sent.
    pub cutoff_at: Timestamp,
    /// When it is to come.
    pub delivery_at: Timestamp,
    /// The local date of that.
    pub delivery_day: Day,
    /// When it was proposed.
    pub created_at: Timestamp,
    /// When its status last changed.
    pub changed_at: Timestamp,
    /// Its lines, in order of sku number.
    pub lines: Vec<OrderLine>,
}

impl SupplierOrder {
    /// A delivery of everything that is outstanding, each sku as a lot of its own, taken in by
    /// `actor`.
    pub fn outstanding(&self, actor: Actor) -> impl Iterator<Item = Delivery> {
        let lines = self.lines.iter().filter(|line| line.outstanding_units() > 0);
        lines.map(move |line| Delivery {
            order: Some(self.order),
            sku: line.sku,
            lot: LotCode::cut(&format!("{}-{}", self.order, line.sku)),
            units: line.outstanding_units(),
            actor,
            ..Delivery::default()
        })
    }
}
