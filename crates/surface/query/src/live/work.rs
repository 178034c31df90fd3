//! What is to be done: alerts, restock tasks, supplier orders and their lines.

use shelf_domain::{Place, StoreId};
use shelf_views::{AlertRow, OrderDetail, OrderLineRow, OrderRow, TaskRow};

use super::column::{money, number, text, time};
use super::table::{Rows, TableOf};

pub(super) fn tables() -> Vec<Box<dyn Rows>> {
    vec![Box::new(alerts()), Box::new(tasks()), Box::new(orders()), Box::new(order_lines())]
}

fn place(place: Place) -> &'static str {
    match place {
        Place::Floor => "floor",
        Place::Warehouse => "warehouse",
    }
}

fn alerts() -> TableOf<AlertRow> {
    TableOf {
        name: "alerts",
        comment: "The alerts that stand.",
        columns: vec![
            text("store_id", "The store.", |r: &AlertRow| r.store.as_str().to_owned()),
            text("alert_id", "Its number in the store.", |r: &AlertRow| r.alert.to_string()),
            text("rule", "What it is about.", |r: &AlertRow| r.rule.code().to_owned()),
            text("severity", "critical, warning or info.", |r: &AlertRow| {
                r.severity.code().to_owned()
            }),
            text("status", "open, acknowledged or snoozed.", |r: &AlertRow| {
                r.status.code().to_owned()
            }),
            text("sku", "Which shelf; null where it is about the whole store.", |r: &AlertRow| {
                r.sku.map(|sku| sku.as_str().to_owned())
            }),
            text("name", "The product's name, or the store's.", |r: &AlertRow| r.name.clone()),
            text("category", "The product's category.", |r: &AlertRow| {
                Some(r.category.clone()).filter(|category| !category.is_empty())
            }),
            text("place", "floor or warehouse.", |r: &AlertRow| place(r.place).to_owned()),
            time("opened_at", "When it opened.", |r: &AlertRow| r.opened_at),
            number("age_s", "Seconds from then to the store's present.", |r: &AlertRow| r.age_s),
            time("last_seen_at", "When the condition was last seen.", |r: &AlertRow| {
                r.last_seen_at
            }),
            number("count", "How often the condition was seen.", |r: &AlertRow| i64::from(r.count)),
            number("stock_units", "The stock when last seen.", |r: &AlertRow| {
                i64::from(r.stock_units)
            }),
            number("threshold", "What the stock fell below.", |r: &AlertRow| {
                i64::from(r.threshold)
            }),
            number("capacity_units", "What the place holds, where known.", |r: &AlertRow| {
                r.capacity_units.map(i64::from)
            }),
            number("suggested_units", "Units to move, order or take away.", |r: &AlertRow| {
                i64::from(r.suggested_units)
            }),
            text("task_id", "The restock task that stands for the shelf.", |r: &AlertRow| {
                r.task.map(|task| task.to_string())
            }),
            text("owner", "Who takes care of it.", |r: &AlertRow| {
                r.owner.map(|owner| owner.as_str().to_owned())
            }),
            text("actor", "Who acted on it last.", |r: &AlertRow| {
                r.actor.map(|actor| actor.as_str().to_owned())
            }),
            time("snoozed_until", "Until when it is hidden.", |r: &AlertRow| r.snoozed_until),
            text("why", "Why it is open.", |r: &AlertRow| r.why.clone()),
            text("action", "What to do.", |r: &AlertRow| r.action.clone()),
        ],
        rows: |seen| {
            let rows = |store: &&shelf_domain::Store| {
                let store = *store;
                let alerts = store.alerts().into_iter();
                alerts.map(|alert| AlertRow::new(store, alert)).collect::<Vec<_>>()
            };
            seen.stores.iter().flat_map(rows).collect()
        },
    }
}

fn tasks() -> TableOf<TaskRow> {
    TableOf {
        name: "tasks",
        comment: "The restock tasks that stand.",
        columns: vec![
            text("store_id", "The store.", |r: &TaskRow| r.store.as_str().to_owned()),
            text("task_id", "Its number in the store.", |r: &TaskRow| r.task.to_string()),
            text("status", "pending, issued or in_transit.", |r: &TaskRow| {
                r.status.code().to_owned()
            }),
            text("sku", "Which shelf.", |r: &TaskRow| r.sku.as_str().to_owned()),
            text("name", "The product's name.", |r: &TaskRow| r.name.clone()),
            text("category", "The product's category.", |r: &TaskRow| r.category.clone()),
            number("wanted_units", "Units wanted on the shelf.", |r: &TaskRow| {
                i64::from(r.wanted_units)
            }),
            number("backorder_units", "Of these, units without stock yet.", |r: &TaskRow| {
                i64::from(r.backorder_units)
            }),
            number("reserved_units", "Of these, allocated in the warehouse.", |r: &TaskRow| {
                i64::from(r.reserved_units)
            }),
            number("transit_units", "Of these, units on the way.", |r: &TaskRow| {
                i64::from(r.transit_units)
            }),
            number("arrived_units", "Of these, units on the shelf.", |r: &TaskRow| {
                i64::from(r.arrived_units)
            }),
            time("created_at", "When it was asked for.", |r: &TaskRow| r.created_at),
            time("due_at", "From when on staff can be sent.", |r: &TaskRow| r.due_at),
            time("changed_at", "When its status last changed.", |r: &TaskRow| r.changed_at),
            number("age_s", "Seconds from the request to the store's present.", |r: &TaskRow| {
                r.age_s
            }),
        ],
        rows: |seen| {
            let rows = |store: &&shelf_domain::Store| {
                let store = *store;
                store.tasks().map(|task| TaskRow::new(store, task)).collect::<Vec<_>>()
            };
            seen.stores.iter().flat_map(rows).collect()
        },
    }
}

fn orders() -> TableOf<OrderRow> {
    TableOf {
        name: "orders",
        comment: "The supplier orders that stand.",
        columns: vec![
            text("store_id", "The store.", |r: &OrderRow| r.store.as_str().to_owned()),
            text("order_id", "Its number in the store.", |r: &OrderRow| r.order.to_string()),
            text("supplier_id", "From whom.", |r: &OrderRow| r.supplier.as_str().to_owned()),
            text("supplier_name", "The supplier's name.", |r: &OrderRow| r.supplier_name.clone()),
            text("status", "draft, approved or sent.", |r: &OrderRow| r.status.code().to_owned()),
            time("cutoff_at", "When it is, or was, sent.", |r: &OrderRow| r.cutoff_at),
            time("delivery_at", "When it is to come.", |r: &OrderRow| r.delivery_at),
            number("lines", "How many skus.", |r: &OrderRow| r.line_count as i64),
            number("units", "Units ordered.", |r: &OrderRow| r.units as i64),
            number("received_units", "Units that have come.", |r: &OrderRow| {
                r.received_units as i64
            }),
            money("cost", "What it costs, as far as costs are known.", |r: &OrderRow| r.cost_cents),
            time("created_at", "When it was proposed.", |r: &OrderRow| r.created_at),
            time("changed_at", "When its status last changed.", |r: &OrderRow| r.changed_at),
        ],
        rows: |seen| {
            let rows = |store: &&shelf_domain::Store| {
                let store = *store;
                store.orders().map(|order| OrderRow::new(store, order)).collect::<Vec<_>>()
            };
            seen.stores.iter().flat_map(rows).collect()
        },
    }
}

struct Line {
    store: StoreId,
    order: String,
    line: OrderLineRow,
}

fn order_lines() -> TableOf<Line> {
    TableOf {
        name: "order_lines",
        comment: "The lines of the supplier orders that stand.",
        columns: vec![
            text("store_id", "The store.", |r: &Line| r.store.as_str().to_owned()),
            text("order_id", "The order.", |r: &Line| r.order.clone()),
            text("sku", "What.", |r: &Line| r.line.sku.as_str().to_owned()),
            text("name", "The product's name.", |r: &Line| r.line.name.clone()),
            number("units", "Units ordered.", |r: &Line| i64::from(r.line.units)),
            number("packs", "The same in packs.", |r: &Line| i64::from(r.line.packs)),
            number("received_units", "Units that have come.", |r: &Line| {
                i64::from(r.line.received_units)
            }),
            number("outstanding_units", "Units that have not.", |r: &Line| {
                i64::from(r.line.outstanding_units)
            }),
            money("cost", "What the line costs, where that is known.", |r: &Line| {
                r.line.cost_cents
            }),
            text("why", "The sum of the order quantity.", |r: &Line| r.line.why.clone()),
        ],
        rows: |seen| {
            let mut rows = Vec::new();
            for store in &seen.stores {
                for order in store.orders().filter_map(|order| OrderDetail::new(store, order.order))
                {
                    let (store, id) = (order.order.store, order.order.order.to_string());
                    let lines = order.lines.into_iter();
                    rows.extend(lines.map(|line| Line { store, order: id.clone(), line }));
                }
            }
            rows
        },
    }
}
