//! `shelf orders` and `shelf tasks`: list them, look at one, act on one.

use std::process::ExitCode;

use shelf_domain::{
    Body, OrderAct, OrderId, OrderStatus, OrderVerb, Sku, StoreId, TaskAct, TaskId, TaskStatus,
    TaskVerb,
};
use shelf_views::{
    Chain, OrderDetail, OrderFilter, OrdersView, TaskFilter, TasksView, render_order,
    render_orders, render_tasks,
};

use crate::acts::{event_at, one_store, read, report, submit};
use crate::alerts::{actor, choice, note};
use crate::args::{ActArgs, ListArgs, OrdersCommand, TasksCommand};
use crate::failure::Failure;
use crate::output::Output;
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
        OrdersCommand::Show(args) => show(args, settings, output),
        OrdersCommand::Approve(args) => act(args, OrderVerb::Approve, "approved", settings, output),
        OrdersCommand::Cancel(args) => act(args, OrderVerb::Cancel, "cancelled", settings, output),
        OrdersCommand::Change { act: args, sku, units } => {
            let verb = OrderVerb::Change { sku: Sku::cut(sku), units: *units };
            act(args, verb, "changed", settings, output)
        }
    }
}

fn list_orders(list: &ListArgs, settings: &Settings, output: Output) -> Result<ExitCode, Failure> {
    let filter = OrderFilter {
        store: list.store.as_deref().map(StoreId::cut),
        supplier: None,
        status: choice("status", list.status.as_ref(), &ORDERS, OrderStatus::code)?,
        limit: Some(list.limit),
    };
    let reader = read(settings)?;
    let view = OrdersView::new(&Chain::new(reader.partitions()), &filter);
    output.view(&view, |view| render_orders(view, &output.style(), output.width()))?;
    Ok(ExitCode::SUCCESS)
}

fn order_id(text: &str) -> Result<OrderId, Failure> {
    OrderId::parse(text)
        .ok_or_else(|| Failure::usage(format!("{text} is no order"), "give it as O-12 or 12"))
}

fn show(args: &ActArgs, settings: &Settings, output: Output) -> Result<ExitCode, Failure> {
    let id = order_id(&args.id)?;
    let reader = read(settings)?;
    let chain = Chain::new(reader.partitions());
    let store = one_store(&chain, args.store.as_ref())?;
    let view = OrderDetail::new(store, id).ok_or_else(|| {
        let hint = "it has ended or never was; list the open ones with `shelf orders list`";
        Failure::new("unknown_order", format!("no order {id} stands"), hint)
    })?;
    output.view(&view, |view| render_order(view, &output.style(), output.width()))?;
    Ok(ExitCode::SUCCESS)
}

fn act(
    args: &ActArgs,
    verb: OrderVerb,
    done: &str,
    settings: &Settings,
    output: Output,
) -> Result<ExitCode, Failure> {
    let order = order_id(&args.id)?;
    let (actor, note) = (actor(&args.actor)?, note(&args.note)?);
    let body = Body::OrderAct(OrderAct { order, act: verb, actor, note });
    let event = {
        let reader = read(settings)?;
        let chain = Chain::new(reader.partitions());
        event_at(one_store(&chain, args.store.as_ref())?, body)
    };
    report(&submit(settings, &[event])?, &format!("{order} {done}"), output)
}

pub(crate) fn tasks(
    command: &TasksCommand,
    settings: &Settings,
    output: Output,
) -> Result<ExitCode, Failure> {
    let (store, body, done) = match command {
        TasksCommand::List(list) => return list_tasks(list, settings, output),
        TasksCommand::Request { sku, store, actor: who } => {
            let act = TaskVerb::Request(Sku::cut(sku));
            let act = TaskAct { task: TaskId::default(), act, actor: actor(who)? };
            (store, Body::TaskAct(act), format!("refill of {sku} asked for"))
        }
        TasksCommand::Cancel(args) => {
            let task = TaskId::parse(&args.id).ok_or_else(|| {
                Failure::usage(format!("{} is no task", args.id), "give it as T-12 or 12")
            })?;
            let act = TaskAct { task, act: TaskVerb::Cancel, actor: actor(&args.actor)? };
            (&args.store, Body::TaskAct(act), format!("{task} cancelled"))
        }
    };
    let event = {
        let reader = read(settings)?;
        let chain = Chain::new(reader.partitions());
        event_at(one_store(&chain, store.as_ref())?, body)
    };
    report(&submit(settings, &[event])?, &done, output)
}

fn list_tasks(list: &ListArgs, settings: &Settings, output: Output) -> Result<ExitCode, Failure> {
    let filter = TaskFilter {
        store: list.store.as_deref().map(StoreId::cut),
        status: choice("status", list.status.as_ref(), &TASKS, TaskStatus::code)?,
        limit: Some(list.limit),
    };
    let reader = read(settings)?;
    let view = TasksView::new(&Chain::new(reader.partitions()), &filter);
    output.view(&view, |view| render_tasks(view, &output.style(), output.width()))?;
    Ok(ExitCode::SUCCESS)
}
