//! The supplier orders that stand, and why each line is what it is.

use serde::Serialize;
use shelf_domain::{
    LineReason, OrderId, OrderLine, OrderStatus, Sku, Store, StoreId, SupplierId, SupplierOrder,
    Timestamp,
};

use crate::chain::{self, Chain};
use crate::{form, sentence};

/// Which orders to show. What is not set does not narrow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderFilter {
    /// Of this store.
    pub store: Option<StoreId>,
    /// From this supplier.
    pub supplier: Option<SupplierId>,
    /// In this status. Only orders that stand are kept: received and cancelled ones are in the log.
    pub status: Option<OrderStatus>,
    /// At most so many rows.
    pub limit: Option<usize>,
}

impl OrderFilter {
    fn keeps(&self, order: &SupplierOrder) -> bool {
        self.supplier.is_none_or(|supplier| supplier == order.supplier)
            && self.status.is_none_or(|status| status == order.status)
    }
}

/// One order.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct OrderRow {
    /// Of which store.
    #[schema(value_type = String)]
    pub store: StoreId,
    /// Its number in the store.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub order: OrderId,
    /// From whom.
    #[schema(value_type = String)]
    pub supplier: SupplierId,
    /// The supplier's name for people.
    pub supplier_name: String,
    /// Where it is in its life.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub status: OrderStatus,
    /// When it is, or was, sent.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub cutoff_at: Timestamp,
    /// From the store's present to that, in seconds; `None` once it is past.
    pub cutoff_in_s: Option<i64>,
    /// When it is to come.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub delivery_at: Timestamp,
    /// How many skus.
    pub line_count: u64,
    /// Units ordered.
    pub units: u64,
    /// Units that have come.
    pub received_units: u64,
    /// What it costs, in cents, as far as costs are known.
    pub cost_cents: i64,
    /// When it was proposed.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub created_at: Timestamp,
    /// When its status last changed.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub changed_at: Timestamp,
}

impl OrderRow {
    /// The row of an order of a store.
    pub fn new(store: &Store, order: &SupplierOrder) -> Self {
        let supplier = store.suppliers().find(|known| known.supplier == order.supplier);
        let name = supplier.map_or("", |supplier| supplier.name.as_str());
        let cutoff_in_us = order.cutoff_at.since(store.now());
        Self {
            store: store.id(),
            order: order.order,
            supplier: order.supplier,
            supplier_name: name.to_owned(),
            status: order.status,
            cutoff_at: order.cutoff_at,
            cutoff_in_s: (cutoff_in_us > 0).then_some(cutoff_in_us / shelf_domain::SECOND),
            delivery_at: order.delivery_at,
            line_count: order.lines.len() as u64,
            units: order.lines.iter().map(|line| u64::from(line.units)).sum(),
            received_units: order.lines.iter().map(|line| u64::from(line.received_units)).sum(),
            cost_cents: order.cost_cents(),
            created_at: order.created_at,
            changed_at: order.changed_at,
        }
    }
}

/// The supplier orders that stand, the next to be delivered first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct OrdersView {
    /// How many orders the filter keeps, those over the limit included.
    pub total: u64,
    /// The rows, up to the limit.
    pub orders: Vec<OrderRow>,
}

impl OrdersView {
    /// The orders of a chain that the filter keeps.
    pub fn new(chain: &Chain<'_>, filter: &OrderFilter) -> Self {
        let mut found: Vec<(&Store, &SupplierOrder)> = Vec::new();
        for store in chain.select(filter.store) {
            let kept = store.orders().filter(|order| filter.keeps(order));
            found.extend(kept.map(|order| (store, order)));
        }
        found.sort_by_key(|(store, order)| (order.delivery_at, store.id(), order.order));
        let limit = filter.limit.unwrap_or(usize::MAX);
        let rows = found.iter().take(limit).map(|(store, order)| OrderRow::new(store, order));
        Self { total: found.len() as u64, orders: rows.collect() }
    }
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct OrderLineRow {
    /// What.
    #[schema(value_type = String)]
    pub sku: Sku,
    /// The product's name.
    pub name: String,
    /// Units ordered.
    pub units: u32,
    /// The same in packs.
    pub packs: u32,
    /// Units that have come.
    pub received_units: u32,
    /// Units that have not.
    pub outstanding_units: u32,
    /// What the line costs, in cents; `None` where that is not known.
    pub cost_cents: Option<i64>,
    /// The steps of the sum, in units.
    #[schema(value_type = Object)]
    pub reason: LineReason,
    /// The same as a sentence.
    pub why: String,
}

impl OrderLineRow {
    fn new(store: &Store, line: &OrderLine) -> Self {
        let known = (line.cost_cents > 0).then_some(line.cost_cents);
        Self {
            sku: line.sku,
            name: chain::product_name(store, line.sku),
            units: line.units,
            packs: line.units / line.reason.pack_units.max(1),
            received_units: line.received_units,
            outstanding_units: line.outstanding_units(),
            cost_cents: known.map(|cost| cost * i64::from(line.units)),
            reason: line.reason,
            why: sentence::order_sum(line),
        }
    }
}

/// One order in full.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct OrderDetail {
    /// The order.
    #[serde(flatten)]
    pub order: OrderRow,
    /// Its lines, in order of sku number.
    pub lines: Vec<OrderLineRow>,
}

impl OrderDetail {
    /// An order of a store that stands; `None` where there is no such one.
    pub fn new(store: &Store, order: OrderId) -> Option<Self> {
        let order = store.orders().find(|standing| standing.order == order)?;
        let lines = order.lines.iter().map(|line| OrderLineRow::new(store, line)).collect();
        Some(Self { order: OrderRow::new(store, order), lines })
    }
}
