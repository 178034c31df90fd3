//! `shelf orders` and `shelf tasks`: list them, look at one, act on one.

use std::process::ExitCode;

use shelf_domain::{
    Body, Delivery, Event, LotCode, OrderAct, OrderId, OrderStatus, OrderVerb, Sku, Store, TaskAct,
    TaskId, TaskStatus, TaskVerb,
};
use shelf_host::SourceName;
use shelf_views::{
    Chain, OrderDetail, OrderFilter, OrdersView, SuppliersView, TaskFilter, TasksView,
    render_order, render_orders, render_suppliers, render_tasks,
};

use crate::acts::{
    actor, event_at, maybe_store, note, one_shelf, one_store, read, report, report_each,
    submit_act, submit_from,
};
use crate::alerts::choice;
use crate::args::{ActArgs, ListArgs, OrdersCommand, TasksCommand};
use crate::failure::Failure;
use crate::output::Output;
use crate::report::day as day_of;
use crate::settings::Settings;

const ORDERS: [OrderStatus; 3] = [OrderStatus::Draft, OrderStatus::Approved, OrderStatus::Sent];
const TASKS: [TaskStatus; 3] = [TaskStatus::Pending, TaskStatus::Issued, TaskStatus::InTransit];

pub(crate) fn run(
    command: &OrdersCommand,
    settings: &Settings,
    output: Output,
) -> Result<ExitCode, Failure> {
    match command {
        OrdersCommand::List(list) => list_orders(list, settings, output),
        OrdersCommand::Suppliers { store, limit } => {
            suppliers((store.as_ref(), *limit), settings, output)
        }
        OrdersCommand::Show(args) => show(args, settings, output),
        OrdersCommand::Approve(args) => act(args, OrderVerb::Approve, "approved", settings, output),
        OrdersCommand::Cancel(args) => act(args, OrderVerb::Cancel, "cancelled", settings, output),
        OrdersCommand::Change { act: args, sku, units } => {
            change(args, sku, *units, settings, output)
        }
        OrdersCommand::Receive { id, store, actor: who, lots, all: _ } => {
            receive((id, store.as_ref()), who, lots, settings, output)
        }
    }
}

fn list_orders(list: &ListArgs, settings: &Settings, output: Output) -> Result<ExitCode, Failure> {
    let status = choice("status", list.status.as_ref(), &ORDERS, OrderStatus::code)?;
    let reader = read(settings)?;
    let chain = Chain::new(reader.partitions());
    let filter = OrderFilter {
        store: maybe_store(&chain, list.store.as_ref())?,
        supplier: None,
        status,
        limit: Some(list.limit),
    };
    let view = OrdersView::new(&chain, &filter);
    output.view(&view, |view| render_orders(view, &output.style(), output.width()))?;
    Ok(ExitCode::SUCCESS)
}

fn suppliers(
    (store, limit): (Option<&String>, usize),
    settings: &Settings,
    output: Output,
) -> Result<ExitCode, Failure> {
    let reader = read(settings)?;
    let chain = Chain::new(reader.partitions());
    let mut view = SuppliersView::new(&chain, maybe_store(&chain, store)?);
    view.suppliers.truncate(limit);
    output.view(&view, |view| render_suppliers(view, &output.style(), output.width()))?;
    Ok(ExitCode::SUCCESS)
}

fn order_id(text: &str) -> Result<OrderId, Failure> {
    OrderId::parse(text).ok_or_else(|| {
        Failure::usage(format!("there is no order called {text}"), "give it as O-12 or 12")
    })
}

fn show(args: &ActArgs, settings: &Settings, output: Output) -> Result<ExitCode, Failure> {
    let id = order_id(&args.id)?;
    let reader = read(settings)?;
    let chain = Chain::new(reader.partitions());
    let store = one_store(&chain, args.store.as_ref())?;
    let view = OrderDetail::new(store, id).ok_or_else(|| unknown_order(id))?;
    output.view(&view, |view| render_order(view, &output.style(), output.width()))?;
    Ok(ExitCode::SUCCESS)
}

fn unknown_order(id: OrderId) -> Failure {
    let hint = "it has ended or never was; list the open ones with `shelf orders list`";
    Failure::new("unknown_order", format!("no order {id} stands"), hint)
}

fn act(
    args: &ActArgs,
    verb: OrderVerb,
    done: &str,
    settings: &Settings,
    output: Output,
) -> Result<ExitCode, Failure> {
    act_if(args, verb, done, |_| Ok(()), settings, output)
}

/// Changes a line that the order has.
fn change(
    args: &ActArgs,
    sku: &str,
    units: u32,
    settings: &Settings,
    output: Output,
) -> Result<ExitCode, Failure> {
    let verb = OrderVerb::Change { sku: Sku::cut(sku), units };
    let id = order_id(&args.id)?;
    let has_line = |store: &Store| {
        one_shelf(store, sku)?;
        let order = OrderDetail::new(store, id).ok_or_else(|| unknown_order(id))?;
        if order.lines.iter().any(|line| line.sku.as_str() == sku) {
            return Ok(());
        }
        Err(no_line(id, sku))
    };
    act_if(args, verb, "changed", has_line, settings, output)
}

fn no_line(id: OrderId, sku: &str) -> Failure {
    let hint = format!("see its lines with `shelf orders show {id}`");
    Failure::new("unknown_product", format!("order {id} has no line of {sku}"), hint)
}

/// Acts on an order that stands, where the store agrees.
fn act_if(
    args: &ActArgs,
    verb: OrderVerb,
    done: &str,
    agrees: impl FnOnce(&Store) -> Result<(), Failure>,
    settings: &Settings,
    output: Output,
) -> Result<ExitCode, Failure> {
    let order = order_id(&args.id)?;
    let (actor, note) = (actor(&args.actor)?, note(&args.note)?);
    let body = Body::OrderAct(Box::new(OrderAct { order, act: verb, actor, note }));
    let event = {
        let reader = read(settings)?;
        let chain = Chain::new(reader.partitions());
        let store = one_store(&chain, args.store.as_ref())?;
        if !store.orders().any(|standing| standing.order == order) {
            return Err(unknown_order(order));
        }
        agrees(store)?;
        event_at(store, body)
    };
    report(&submit_act(event, settings)?, &format!("{order} {done}"), output)
}

/// Takes lots of an order in; everything that is outstanding where none is named.
fn receive(
    (id, store): (&str, Option<&String>),
    who: &str,
    lots: &[String],
    settings: &Settings,
    output: Output,
) -> Result<ExitCode, Failure> {
    let (id, actor) = (order_id(id)?, actor(who)?);
    let lots: Vec<Delivery> = lots.iter().map(|lot| lot_of(lot)).collect::<Result<_, _>>()?;
    let came: (Vec<String>, Vec<Event>) = {
        let reader = read(settings)?;
        let chain = Chain::new(reader.partitions());
        let store = one_store(&chain, store)?;
        let order = store.orders().find(|standing| standing.order == id);
        let order = order.ok_or_else(|| unknown_order(id))?;
        for lot in &lots {
            if order.lines.iter().all(|line| line.sku != lot.sku) {
                return Err(no_line(id, lot.sku.as_str()));
            }
        }
        let named = lots.into_iter().map(|lot| Delivery { order: Some(id), actor, ..lot });
        let mut came: Vec<Delivery> = named.collect();
        if came.is_empty() {
            came.extend(order.outstanding(actor));
        }
        let told =
            |lot: &Delivery| format!("{} of {} received: lot {}", lot.units, lot.sku, lot.lot);
        came.into_iter().map(|lot| (told(&lot), event_at(store, Body::Delivery(lot)))).unzip()
    };
    let (done, events) = came;
    if events.is_empty() {
        let hint = format!("see its lines with `shelf orders show {id}`");
        return Err(Failure::usage(format!("nothing is outstanding of {id}"), hint));
    }
    report_each(&submit_from(&SourceName::cli(), settings, events)?, &done, output)
}

/// A lot as SKU:LOT:UNITS or SKU:LOT:UNITS:DAY.
fn lot_of(text: &str) -> Result<Delivery, Failure> {
    let bad = || {
        let hint = "give it as SKU:LOT:UNITS, or SKU:LOT:UNITS:2026-01-31 with its last day";
        Failure::usage(format!("{text:?} is no lot"), hint)
    };
    let parts: Vec<&str> = text.split(':').collect();
    let (sku, lot, units, day) = match parts.as_slice() {
        [sku, lot, units] => (sku, lot, units, None),
        [sku, lot, units, day] => (sku, lot, units, Some(day)),
        _ => return Err(bad()),
    };
    let expiry_day = day.map(|text| day_of(text)).transpose()?;
    let units = units.parse().ok().filter(|units| *units > 0).ok_or_else(bad)?;
    let sku = Sku::new(sku).ok().filter(|sku| !sku.is_empty()).ok_or_else(bad)?;
    let lot = LotCode::new(lot).ok().filter(|lot| !lot.is_empty()).ok_or_else(bad)?;
    Ok(Delivery { sku, lot, units, expiry_day, ..Delivery::default() })
}

pub(crate) fn tasks(
    command: &TasksCommand,
    settings: &Settings,
    output: Output,
) -> Result<ExitCode, Failure> {
    match command {
        TasksCommand::List(list) => list_tasks(list, settings, output),
        TasksCommand::Request { sku, store, actor } => {
            let done = format!("refill of {sku} asked for");
            let verb = |store: &Store| {
                let (shelf, _) = one_shelf(store, sku)?;
                Ok((TaskId::default(), TaskVerb::Request(shelf)))
            };
            act_on_task(store.as_ref(), actor, verb, &done, settings, output)
        }
        TasksCommand::Cancel(args) => {
            let task = TaskId::parse(&args.id).ok_or_else(|| {
                Failure::usage(
                    format!("there is no task called {}", args.id),
                    "give it as T-12 or 12",
                )
            })?;
            let done = format!("{task} cancelled");
            let verb = |store: &Store| {
                let mut standing = store.tasks();
                let found = standing.any(|standing| standing.task == task);
                found.then_some((task, TaskVerb::Cancel)).ok_or_else(|| unknown_task(task))
            };
            act_on_task(args.store.as_ref(), &args.actor, verb, &done, settings, output)
        }
    }
}

fn unknown_task(id: TaskId) -> Failure {
    let hint = "it has ended or never was; list the open ones with `shelf tasks list`";
    Failure::new("unknown_task", format!("no task {id} stands"), hint)
}

fn act_on_task(
    store: Option<&String>,
    who: &str,
    verb: impl FnOnce(&Store) -> Result<(TaskId, TaskVerb), Failure>,
    done: &str,
    settings: &Settings,
    output: Output,
) -> Result<ExitCode, Failure> {
    let actor = actor(who)?;
    let event = {
        let reader = read(settings)?;
        let chain = Chain::new(reader.partitions());
        let store = one_store(&chain, store)?;
        let (task, act) = verb(store)?;
        event_at(store, Body::TaskAct(TaskAct { task, act, actor }))
    };
    report(&submit_act(event, settings)?, done, output)
}

fn list_tasks(list: &ListArgs, settings: &Settings, output: Output) -> Result<ExitCode, Failure> {
    let status = choice("status", list.status.as_ref(), &TASKS, TaskStatus::code)?;
    let reader = read(settings)?;
    let chain = Chain::new(reader.partitions());
    let store = maybe_store(&chain, list.store.as_ref())?;
    let filter = TaskFilter { store, status, limit: Some(list.limit) };
    let view = TasksView::new(&chain, &filter);
    output.view(&view, |view| render_tasks(view, &output.style(), output.width()))?;
    Ok(ExitCode::SUCCESS)
}
