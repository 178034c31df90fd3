//! When suppliers take orders and deliver: the calendar of those that a store declares.

use serde::Serialize;
use shelf_domain::{OrderId, SECOND, Store, StoreId, Supplier, SupplierId, Timestamp, WeekSlot};

use crate::chain::Chain;
use crate::{form, wording};

/// A supplier of a store, with its next cut-off.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct SupplierRow {
    /// Of which store.
    #[schema(value_type = String)]
    pub store: StoreId,
    /// Its id.
    #[schema(value_type = String)]
    pub supplier: SupplierId,
    /// Its name for people.
    pub name: String,
    /// When it takes orders until, in the store's time: `Mon 12:00`.
    pub cutoffs: Vec<String>,
    /// When it delivers, in the store's time.
    pub deliveries: Vec<String>,
    /// From cut-off to the earliest delivery, in minutes.
    pub lead_minutes: u32,
    /// The least value of an order, in cents.
    pub minimum_order_cents: i64,
    /// Its next cut-off; `None` where it declares no days.
    #[serde(serialize_with = "form::maybe")]
    #[schema(value_type = Option<String>)]
    pub cutoff_at: Option<Timestamp>,
    /// From the store's present to that, in seconds.
    pub cutoff_in_s: Option<i64>,
    /// When what is ordered by then comes.
    #[serde(serialize_with = "form::maybe")]
    #[schema(value_type = Option<String>)]
    pub delivery_at: Option<Timestamp>,
    /// The order that stands for that cut-off, where one was proposed.
    #[serde(serialize_with = "form::maybe")]
    #[schema(value_type = Option<String>)]
    pub order: Option<OrderId>,
    /// When the next of its orders that were sent is to come, or was where it is late; `None` where
    /// none is on its way.
    #[serde(serialize_with = "form::maybe")]
    #[schema(value_type = Option<String>)]
    pub arrives_at: Option<Timestamp>,
}

/// The suppliers of a chain, the next cut-off first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct SuppliersView {
    /// How many there are.
    pub total: u64,
    /// The rows.
    pub suppliers: Vec<SupplierRow>,
}

impl SuppliersView {
    /// The suppliers of one store, or of all.
    pub fn new(chain: &Chain<'_>, store: Option<StoreId>) -> Self {
        let stores = chain.select(store);
        let rows = stores
            .iter()
            .flat_map(|store| store.suppliers().map(|supplier| SupplierRow::new(store, supplier)));
        let mut suppliers: Vec<SupplierRow> = rows.collect();
        suppliers
            .sort_by_key(|row| (row.cutoff_at.is_none(), row.cutoff_at, row.store, row.supplier));
        Self { total: suppliers.len() as u64, suppliers }
    }
}

impl SupplierRow {
    fn new(store: &Store, supplier: &Supplier) -> Self {
        let round = store.next_round(supplier);
        let own = || store.orders().filter(|order| order.supplier == supplier.supplier);
        let cutoff_at = round.map(|round| round.cutoff_at);
        let standing = own().find(|order| Some(order.cutoff_at) == cutoff_at);
        let sent = own().filter(|order| order.status == shelf_domain::OrderStatus::Sent);
        Self {
            store: store.id(),
            supplier: supplier.supplier,
            name: supplier.name.as_str().to_owned(),
            cutoffs: supplier.cutoffs.iter().copied().map(slot).collect(),
            deliveries: supplier.deliveries.iter().copied().map(slot).collect(),
            lead_minutes: supplier.lead_minutes,
            minimum_order_cents: supplier.minimum_order_cents,
            cutoff_at,
            cutoff_in_s: cutoff_at.map(|at| at.since(store.now()) / SECOND),
            delivery_at: round.map(|round| round.delivery_at),
            order: standing.map(|order| order.order),
            arrives_at: sent.map(|order| order.delivery_at).min(),
        }
    }
}

/// `Mon 12:00`.
fn slot(slot: WeekSlot) -> String {
    let day = wording::weekday_named(slot.weekday);
    format!("{day} {:02}:{:02}", slot.minute / 60, slot.minute % 60)
}
