//! What staff, suppliers and the warehouse have to do: restock tasks and orders.

use askama::Template;
use shelf_domain::{OrderId, OrderStatus, StoreId, Timestamp};
use shelf_views::{
    OrderDetail, OrderFilter, OrderLineRow, OrderRow, OrdersView, ShelfFilter, ShelfRow,
    ShelvesView, StockTotals, SupplierRow, SuppliersView, TaskFilter, TaskRow, TasksView, wording,
};

use super::fmt;
use super::query::encode;
use super::scene::{Part, Scene, Wrong};
use crate::access::Role;

/// The most rows of a list.
const ROWS: usize = 200;
/// The most rows of the lists of the warehouse.
const INBOUND: usize = 20;
const MISSING: usize = 20;
const FULLEST: usize = 10;

struct Task {
    row: TaskRow,
    link: String,
}

#[derive(Template)]
#[template(path = "tasks.html")]
struct Tasks {
    title: &'static str,
    rows: Vec<Task>,
    total: u64,
    several: bool,
    acts: bool,
    export: String,
}

fn task_list(scene: &Scene<'_>, title: &'static str) -> Tasks {
    let filter = TaskFilter { store: scene.asked(), status: None, limit: Some(ROWS) };
    let view = TasksView::new(scene.chain, &filter);
    let row = |row: TaskRow| Task {
        link: scene.link_in(row.store, &format!("/shelves/{}", encode(row.sku.as_str()))),
        row,
    };
    Tasks {
        title,
        rows: view.tasks.into_iter().map(row).collect(),
        total: view.total,
        several: scene.stores().len() > 1,
        acts: scene.may(Role::Operator),
        export: scene.in_api("/api/v1/tasks?format=csv", &["store"]),
    }
}

/// The parts of the list of restock tasks.
pub(super) fn tasks(scene: &Scene<'_>) -> Result<Vec<Part>, Wrong> {
    Ok(vec![Part::live("tasks", &task_list(scene, "Restocks"))?])
}

struct Order {
    row: OrderRow,
    link: String,
    delivery: String,
    cutoff: String,
}

fn order_row(scene: &Scene<'_>, row: OrderRow) -> Order {
    let clock = scene.chain.store(row.store).map(|store| &store.settings().clock);
    let local = |at| clock.map_or_else(String::new, |clock| fmt::local(clock, at));
    Order {
        link: scene.link_in(row.store, &format!("/orders/{}", row.order)),
        delivery: local(row.delivery_at),
        cutoff: match row.cutoff_in_s {
            Some(left) => format!("in {}", wording::span(left)),
            None => format!("was {}", local(row.cutoff_at)),
        },
        row,
    }
}

/// A supplier in the calendar.
struct Caller {
    row: SupplierRow,
    cutoff: String,
    countdown: String,
    delivery: String,
    arrives: String,
    order: Option<String>,
}

fn caller(scene: &Scene<'_>, row: SupplierRow) -> Caller {
    let clock = scene.chain.store(row.store).map(|store| &store.settings().clock);
    let local = |at: Option<Timestamp>| {
        at.zip(clock).map_or_else(|| "–".to_owned(), |(at, clock)| fmt::local(clock, at))
    };
    Caller {
        cutoff: local(row.cutoff_at),
        countdown: row.cutoff_in_s.map_or_else(|| "–".to_owned(), wording::span),
        delivery: local(row.delivery_at),
        arrives: local(row.arrives_at),
        order: row.order.map(|order| scene.link_in(row.store, &format!("/orders/{order}"))),
        row,
    }
}

#[derive(Template)]
#[template(path = "orders.html")]
struct Orders {
    calendar: Vec<Caller>,
    groups: Vec<(&'static str, Vec<Order>)>,
    total: u64,
    several: bool,
    acts: bool,
    export: String,
    cut: String,
    calendar_cut: String,
}

/// The parts of the list of orders.
pub(super) fn orders(scene: &Scene<'_>) -> Result<Vec<Part>, Wrong> {
    let filter = OrderFilter { store: scene.asked(), limit: Some(ROWS), ..OrderFilter::default() };
    let view = OrdersView::new(scene.chain, &filter);
    let total = view.total;
    let cut = fmt::cut(view.orders.len(), total, "the next to be delivered first");
    let names = [
        (OrderStatus::Draft, "Drafts: sent at their cut-off"),
        (OrderStatus::Approved, "Approved: sent at their cut-off"),
        (OrderStatus::Sent, "Sent: to be delivered"),
    ];
    let mut orders: Vec<OrderRow> = view.orders;
    let mut groups = Vec::new();
    for (status, name) in names {
        let (of_status, rest): (Vec<_>, Vec<_>) =
            orders.into_iter().partition(|row| row.status == status);
        orders = rest;
        let mut of_status = of_status;
        of_status.sort_by_key(|row| (row.cutoff_at, row.delivery_at, row.order));
        let rows: Vec<Order> = of_status.into_iter().map(|row| order_row(scene, row)).collect();
        if !rows.is_empty() {
            groups.push((name, rows));
        }
    }
    let several = scene.stores().len() > 1;
    let mut suppliers = SuppliersView::new(scene.chain, scene.asked()).suppliers;
    let (shown, all) = (suppliers.len().min(ROWS), suppliers.len() as u64);
    let calendar_cut = fmt::cut(shown, all, "the next cut-off first");
    suppliers.truncate(ROWS);
    let calendar = suppliers.into_iter().map(|row| caller(scene, row)).collect();
    let acts = scene.may(Role::Planner);
    let export = scene.in_api("/api/v1/orders?format=csv", &["store"]);
    let page = Orders { calendar, groups, total, several, acts, export, cut, calendar_cut };
    Ok(vec![Part::live("orders", &page)?])
}

struct Line {
    row: OrderLineRow,
    link: String,
}

#[derive(Template)]
#[template(path = "order_lines.html")]
struct OrderLines {
    store: StoreId,
    order: OrderId,
    lines: Vec<Line>,
    /// Whether the visitor may change them.
    changes: bool,
}

#[derive(Template)]
#[template(path = "order.html")]
struct OrderHead {
    order: Order,
    list: String,
    status: &'static str,
    /// Whether the visitor may take in what comes.
    receives: bool,
    /// Whether the visitor may approve, change and cancel.
    decides: bool,
}

impl OrderHead {
    fn draft(&self) -> bool {
        self.status == OrderStatus::Draft.code()
    }

    fn sent(&self) -> bool {
        self.status == OrderStatus::Sent.code()
    }
}

/// The parts of one order.
pub(super) fn order(scene: &Scene<'_>, id: &str) -> Result<Vec<Part>, Wrong> {
    let gone = || {
        let what = format!("No order {id} stands.");
        Wrong::missing(what, "It has been received or cancelled, or never was. See the list.")
    };
    let store = scene.store().ok_or_else(gone)?;
    let number = OrderId::parse(id).ok_or_else(gone)?;
    let detail = OrderDetail::new(store, number).ok_or_else(gone)?;
    let link = |row: OrderLineRow| Line {
        link: scene.link_in(store.id(), &format!("/shelves/{}", encode(row.sku.as_str()))),
        row,
    };
    let status = detail.order.status;
    let decides = scene.may(Role::Planner);
    let lines = OrderLines {
        store: store.id(),
        order: number,
        lines: detail.lines.into_iter().map(link).collect(),
        changes: decides && status == OrderStatus::Draft,
    };
    let head = OrderHead {
        order: order_row(scene, detail.order),
        list: scene.link("/orders"),
        status: status.code(),
        receives: scene.may(Role::Operator),
        decides,
    };
    // What somebody types stays where a part is brought up to date.
    Ok(vec![Part::live("order", &head)?, Part::live("lines", &lines)?])
}

#[derive(Template)]
#[template(path = "warehouse.html")]
struct Warehouse {
    totals: StockTotals,
    capacity_units: u64,
    inbound: Vec<Order>,
    inbound_cut: String,
    fullest: Vec<(ShelfRow, f64, String)>,
    fullest_cut: String,
    missing: Vec<(ShelfRow, String)>,
    missing_cut: String,
}

/// The parts of the page of the warehouse.
pub(super) fn warehouse(scene: &Scene<'_>) -> Result<Vec<Part>, Wrong> {
    let stores = scene.stores();
    let capacity = |store: &shelf_domain::Store| -> u64 {
        let shelves = store.skus().filter_map(|index| store.shelf(index));
        shelves.map(|shelf| u64::from(shelf.warehouse_capacity_units)).sum()
    };
    let filter = OrderFilter {
        store: scene.asked(),
        supplier: None,
        status: Some(OrderStatus::Sent),
        limit: Some(INBOUND),
    };
    let coming = OrdersView::new(scene.chain, &filter);
    let inbound = coming.orders;
    let all = ShelvesView::new(
        scene.chain,
        &ShelfFilter { store: scene.asked(), ..ShelfFilter::default() },
    );
    let link = |store: StoreId, row: &ShelfRow| {
        scene.link_in(store, &format!("/shelves/{}", encode(row.sku.as_str())))
    };
    let mut missing: Vec<&ShelfRow> = all
        .shelves
        .iter()
        .filter(|row| row.warehouse_units == 0 && row.floor_units < row.refill_below_units)
        .collect();
    missing.sort_by(|a, b| {
        let expected = |row: &ShelfRow| row.expected_daily_units.unwrap_or(0.0);
        expected(b).total_cmp(&expected(a))
    });
    let cover = |row: &ShelfRow| {
        let a_day = row.expected_daily_units.filter(|units| *units > 0.0)?;
        Some(f64::from(row.warehouse_units) / a_day)
    };
    let mut fullest: Vec<(&ShelfRow, f64)> =
        all.shelves.iter().filter_map(|row| Some((row, cover(row)?))).collect();
    fullest.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let cut = |most: usize, all: usize, order| fmt::cut(most.min(all), all as u64, order);
    let page = Warehouse {
        inbound_cut: fmt::cut(inbound.len(), coming.total, "the next to be delivered first"),
        fullest_cut: cut(FULLEST, fullest.len(), "the fullest first"),
        missing_cut: cut(MISSING, missing.len(), "those that sell most first"),
        totals: StockTotals::new(&stores),
        capacity_units: stores.iter().map(|store| capacity(store)).sum(),
        inbound: inbound.into_iter().map(|row| order_row(scene, row)).collect(),
        fullest: fullest
            .into_iter()
            .take(FULLEST)
            .map(|(row, days)| (row.clone(), days, link(row.store, row)))
            .collect(),
        missing: missing
            .into_iter()
            .take(MISSING)
            .map(|row| (row.clone(), link(row.store, row)))
            .collect(),
    };
    let queue = task_list(scene, "Pick queue");
    Ok(vec![Part::live("warehouse", &page)?, Part::live("tasks", &queue)?])
}
