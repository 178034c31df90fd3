//! Reads of what is in the stores: shelves, lots, products, alerts, tasks, orders, policies.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shelf_domain::{
    Body, Event, OrderStatus, Policy, Rule, Severity, Store, StoreId, SupplierId, TaskStatus,
};
use shelf_events::write_event;
use shelf_views::{
    AlertFilter, AlertRow, AlertsView, Chain, LotFilter, LotsView, OrderFilter, OrderRow,
    OrdersView, ProductRow, ProductsView, ShelfFilter, ShelfRow, ShelfState, ShelvesView,
    StatusFilter, StockedLot, StoreStatus, SupplierRow, SuppliersView, TaskFilter, TaskRow,
    TasksView, ZoneRow, ZonesView,
};
use utoipa::{IntoParams, ToSchema};

use super::asked::{Asked, choice, sku_of, store_id};
use super::operations::Operations;
use super::paging::{Listed, Slice};
use crate::access::Who;
use crate::acts::actor_of;
use crate::app::App;
use crate::feed::Present;
use crate::problem::{Kind, Problem};

const SEVERITIES: [Severity; 3] = [Severity::Info, Severity::Warning, Severity::Critical];
const ORDERS: [OrderStatus; 3] = [OrderStatus::Draft, OrderStatus::Approved, OrderStatus::Sent];
const TASKS: [TaskStatus; 3] = [TaskStatus::Pending, TaskStatus::Issued, TaskStatus::InTransit];
const SHELVES: [ShelfState; 4] =
    [ShelfState::Untracked, ShelfState::Empty, ShelfState::Low, ShelfState::Stocked];

pub(super) fn add(operations: Operations) -> Operations {
    operations
        .list::<NoFilter, StoresView, _, _>("/api/v1/stores", "The stores.", stores)
        .list::<ZonesQuery, ZonesView, _, _>("/api/v1/zones", "The zones of the floor.", zones)
        .list::<ShelvesQuery, ShelvesView, _, _>("/api/v1/shelves", "The shelves.", shelves)
        .list::<ShelvesQuery, ProductsView, _, _>("/api/v1/products", "The products.", products)
        .list::<LotsQuery, LotsView, _, _>(
            "/api/v1/lots",
            "The lots that have units, the soonest to expire first.",
            lots,
        )
        .list::<AlertsQuery, AlertsView, _, _>(
            "/api/v1/alerts",
            "The alerts that stand, the most urgent first, or those that people ended and can \
             bring back, the last one first.",
            alerts,
        )
        .list::<TasksQuery, TasksView, _, _>(
            "/api/v1/tasks",
            "The restock tasks that stand, the oldest first.",
            tasks,
        )
        .list::<OrdersQuery, OrdersView, _, _>(
            "/api/v1/orders",
            "The supplier orders that stand, the next to be delivered first.",
            orders,
        )
        .list::<StoreQuery, SuppliersView, _, _>(
            "/api/v1/suppliers",
            "The suppliers, the next cut-off first.",
            suppliers,
        )
        .list::<StoreQuery, PoliciesView, _, _>("/api/v1/policies", "The policies.", policies)
}

macro_rules! listed {
    ($($view:ty: $rows:ident of $row:ty, $key:expr;)*) => {$(
        impl Listed for $view {
            type Row = $row;

            fn rows(&mut self) -> &mut Vec<$row> {
                &mut self.$rows
            }

            fn key(row: &$row) -> String {
                let key: fn(&$row) -> String = $key;
                key(row)
            }
        }
    )*};
}

listed! {
    StoresView: stores of StoreStatus, |row| row.store.to_string();
    ZonesView: zones of ZoneRow, |row| row.zone.clone();
    ShelvesView: shelves of ShelfRow, |row| format!("{}/{}", row.store, row.sku);
    ProductsView: products of ProductRow, |row| format!("{}/{}", row.store, row.sku);
    LotsView: lots of StockedLot, |row| format!("{}/{}/{}", row.store, row.sku, row.lot.lot);
    AlertsView: alerts of AlertRow, |row| format!("{}/{}", row.store, row.alert);
    TasksView: tasks of TaskRow, |row| format!("{}/{}", row.store, row.task);
    OrdersView: orders of OrderRow, |row| format!("{}/{}", row.store, row.order);
    SuppliersView: suppliers of SupplierRow, |row| format!("{}/{}", row.store, row.supplier);
    PoliciesView: policies of PolicyRow, |row| format!("{}/{}", row.store, row.policy_id);
}

/// The answer of a list whose rows `make` finds in the stores that may be seen.
pub(super) async fn list<Q, T: Listed + Send + 'static>(
    app: &App,
    who: &Who,
    asked: &Asked<Q>,
    store: Option<StoreId>,
    name: &str,
    make: impl FnOnce(&Present<'_>, &Chain<'_>, usize) -> Result<T, Problem> + Send + 'static,
) -> Result<Response, Problem> {
    let (slice, as_of) = (Slice::of(asked)?, asked.common.as_of()?);
    let wanted = slice.wanted();
    if let Some(store) = store {
        who.must_see(store)?;
    }
    let view = app.view(who, as_of, move |present, chain| {
        if let Some(store) = store {
            one_store(chain, store)?;
        }
        make(present, chain, wanted)
    });
    let mut view = view.await??;
    if slice.short(&mut view) {
        return slice.answer(view, name);
    }
    let name = name.to_owned();
    app.blocking(move || slice.answer(view, &name)).await?
}

/// A store that is there.
pub(super) fn one_store<'a>(chain: &Chain<'a>, store: StoreId) -> Result<&'a Store, Problem> {
    chain
        .store(store)
        .ok_or_else(|| Problem::new(Kind::UnknownStore, format!("there is no store {store:?}")))
}

/// The id of the store of a filter.
pub(super) fn maybe_store(text: Option<&String>) -> Result<Option<StoreId>, Problem> {
    text.map(|text| store_id(text)).transpose()
}

/// No filter of its own.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
struct NoFilter {}

/// The stores.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
struct StoresView {
    /// How many there are.
    total: u64,
    /// The rows.
    stores: Vec<StoreStatus>,
}

async fn stores(
    State(app): State<App>,
    who: Who,
    asked: Asked<NoFilter>,
) -> Result<Response, Problem> {
    list(&app, &who, &asked, None, "stores", |_, chain, wanted| {
        let rows = chain.stores().iter().take(wanted);
        let stores = rows.map(|store| StoreStatus::new(store)).collect();
        Ok(StoresView { total: chain.stores().len() as u64, stores })
    })
    .await
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
struct ZonesQuery {
    /// Of this store; without it those of all stores together.
    store: Option<String>,
}

async fn zones(
    State(app): State<App>,
    who: Who,
    asked: Asked<ZonesQuery>,
) -> Result<Response, Problem> {
    let store = maybe_store(asked.own.store.as_ref())?;
    list(&app, &who, &asked, store, "zones", move |_, chain, _| {
        Ok(ZonesView::new(&chain.select(store)))
    })
    .await
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
struct ShelvesQuery {
    /// Of this store.
    store: Option<String>,
    /// Of this category.
    category: Option<String>,
    /// `untracked`, `empty`, `low` or `stocked`.
    state: Option<String>,
    /// Whose sku or name has this text in it.
    text: Option<String>,
}

impl ShelvesQuery {
    fn filter(&self) -> Result<ShelfFilter, Problem> {
        Ok(ShelfFilter {
            store: maybe_store(self.store.as_ref())?,
            category: self.category.clone(),
            state: choice("state", self.state.as_deref(), &SHELVES, ShelfState::code)?,
            text: self.text.clone(),
            limit: None,
        })
    }
}

async fn shelves(
    State(app): State<App>,
    who: Who,
    asked: Asked<ShelvesQuery>,
) -> Result<Response, Problem> {
    let filter = asked.own.filter()?;
    list(&app, &who, &asked, filter.store, "shelves", move |_, chain, wanted| {
        Ok(ShelvesView::new(chain, &ShelfFilter { limit: Some(wanted), ..filter }))
    })
    .await
}

async fn products(
    State(app): State<App>,
    who: Who,
    asked: Asked<ShelvesQuery>,
) -> Result<Response, Problem> {
    let filter = asked.own.filter()?;
    list(&app, &who, &asked, filter.store, "products", move |_, chain, wanted| {
        Ok(ProductsView::new(chain, &ShelfFilter { limit: Some(wanted), ..filter }))
    })
    .await
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
struct LotsQuery {
    /// Of this store.
    store: Option<String>,
    /// Of this sku.
    sku: Option<String>,
    /// Of this category.
    category: Option<String>,
    /// Those that expire within so many days; 0 is today.
    within_days: Option<u64>,
}

async fn lots(
    State(app): State<App>,
    who: Who,
    asked: Asked<LotsQuery>,
) -> Result<Response, Problem> {
    let own = &asked.own;
    let filter = LotFilter {
        store: maybe_store(own.store.as_ref())?,
        sku: own.sku.as_deref().map(sku_of).transpose()?,
        category: own.category.clone(),
        within_days: own.within_days.map(|days| i32::try_from(days).unwrap_or(i32::MAX)),
        limit: None,
    };
    list(&app, &who, &asked, filter.store, "lots", move |_, chain, wanted| {
        Ok(LotsView::new(chain, &LotFilter { limit: Some(wanted), ..filter }))
    })
    .await
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
struct AlertsQuery {
    /// Of this store.
    store: Option<String>,
    /// Of this shelf.
    sku: Option<String>,
    /// Under this rule.
    rule: Option<String>,
    /// `info`, `warning` or `critical`.
    severity: Option<String>,
    /// `open`, `acknowledged` or `snoozed`; `ended`: those that people ended and that `undo` brings
    /// back. Without it, all that stand.
    status: Option<String>,
    /// That this person takes care of.
    assigned_to: Option<String>,
}

async fn alerts(
    State(app): State<App>,
    who: Who,
    asked: Asked<AlertsQuery>,
) -> Result<Response, Problem> {
    let own = &asked.own;
    let filter = AlertFilter {
        store: maybe_store(own.store.as_ref())?,
        sku: own.sku.as_deref().map(sku_of).transpose()?,
        rule: choice("rule", own.rule.as_deref(), &Rule::ALL, Rule::code)?,
        severity: choice("severity", own.severity.as_deref(), &SEVERITIES, Severity::code)?,
        status: choice("status", own.status.as_deref(), &StatusFilter::ALL, StatusFilter::code)?,
        owner: own.assigned_to.as_deref().map(actor_of).transpose()?,
        limit: None,
    };
    list(&app, &who, &asked, filter.store, "alerts", move |_, chain, wanted| {
        Ok(AlertsView::new(chain, &AlertFilter { limit: Some(wanted), ..filter }))
    })
    .await
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
struct TasksQuery {
    /// Of this store.
    store: Option<String>,
    /// `pending`, `issued` or `in_transit`.
    status: Option<String>,
}

async fn tasks(
    State(app): State<App>,
    who: Who,
    asked: Asked<TasksQuery>,
) -> Result<Response, Problem> {
    let store = maybe_store(asked.own.store.as_ref())?;
    let status = choice("status", asked.own.status.as_deref(), &TASKS, TaskStatus::code)?;
    list(&app, &who, &asked, store, "tasks", move |_, chain, wanted| {
        Ok(TasksView::new(chain, &TaskFilter { store, status, limit: Some(wanted) }))
    })
    .await
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
struct OrdersQuery {
    /// Of this store.
    store: Option<String>,
    /// From this supplier.
    supplier: Option<String>,
    /// `draft`, `approved` or `sent`.
    status: Option<String>,
}

async fn orders(
    State(app): State<App>,
    who: Who,
    asked: Asked<OrdersQuery>,
) -> Result<Response, Problem> {
    let own = &asked.own;
    let filter = OrderFilter {
        store: maybe_store(own.store.as_ref())?,
        supplier: own.supplier.as_deref().map(SupplierId::cut),
        status: choice("status", own.status.as_deref(), &ORDERS, OrderStatus::code)?,
        limit: None,
    };
    list(&app, &who, &asked, filter.store, "orders", move |_, chain, wanted| {
        Ok(OrdersView::new(chain, &OrderFilter { limit: Some(wanted), ..filter }))
    })
    .await
}

async fn suppliers(
    State(app): State<App>,
    who: Who,
    asked: Asked<StoreQuery>,
) -> Result<Response, Problem> {
    let store = maybe_store(asked.own.store.as_ref())?;
    list(&app, &who, &asked, store, "suppliers", move |_, chain, _| {
        Ok(SuppliersView::new(chain, store))
    })
    .await
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
pub(super) struct StoreQuery {
    /// Of this store.
    pub(super) store: Option<String>,
}

/// A policy of a store, with the fields that its event has.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(super) struct PolicyRow {
    /// Of which store.
    #[schema(value_type = String)]
    pub(super) store: StoreId,
    /// Its id in the store.
    pub(super) policy_id: String,
    /// What it says, under the names of `docs/schemas/v1`; what it does not say falls through to
    /// the next wider one.
    pub(super) fields: Map<String, Value>,
}

/// The policies, store by store.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
struct PoliciesView {
    /// How many there are.
    total: u64,
    /// The rows.
    policies: Vec<PolicyRow>,
}

impl PolicyRow {
    pub(super) fn new(store: &Store, policy: &Policy) -> Self {
        let event = Event {
            id: shelf_domain::EventId(0),
            store: store.id(),
            at: store.now(),
            received_at: store.now(),
            origin: shelf_domain::Origin::default(),
            body: Body::Policy(Box::new(policy.clone())),
        };
        let mut line = Vec::new();
        write_event(&event, &mut line);
        let mut fields: Map<String, Value> = serde_json::from_slice(&line).unwrap_or_default();
        for name in ["event_id", "event_type", "store_id", "timestamp", "received_at", "policy_id"]
        {
            fields.remove(name);
        }
        Self { store: store.id(), policy_id: policy.policy.to_string(), fields }
    }
}

async fn policies(
    State(app): State<App>,
    who: Who,
    asked: Asked<StoreQuery>,
) -> Result<Response, Problem> {
    let store = maybe_store(asked.own.store.as_ref())?;
    list(&app, &who, &asked, store, "policies", move |_, chain, wanted| {
        let mut all: Vec<(&Store, &Policy)> = Vec::new();
        for store in chain.select(store) {
            all.extend(store.policies().iter().map(|policy| (store, policy)));
        }
        let rows = all.iter().take(wanted);
        let policies = rows.map(|(store, policy)| PolicyRow::new(store, policy)).collect();
        Ok(PoliciesView { total: all.len() as u64, policies })
    })
    .await
}
