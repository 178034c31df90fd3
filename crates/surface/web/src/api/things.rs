//! Reads of one thing: a shelf, an alert, a task, an order, a policy, each with the version that
//! acts on it may name.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use shelf_domain::{AlertId, LotCode, OrderId, Store, TaskId};
use shelf_views::{AlertDetail, LotLife, OrderDetail, ShelfDetail, TaskRow};

use super::asked::{AtMoment, Params, sku_of, store_id};
use super::operations::Operations;
use super::reads::{PolicyRow, one_store};
use crate::access::Who;
use crate::acts::{alert_version, order_version, task_version, version_of};
use crate::app::App;
use crate::problem::{Kind, Problem};

pub(super) fn add(operations: Operations) -> Operations {
    operations
        .one::<AtMoment, ShelfDetail, _, _>(
            "/api/v1/shelves/{store}/{sku}",
            "One shelf with its books, rules, lots and alerts.",
            shelf,
        )
        .one::<AtMoment, LotLife, _, _>(
            "/api/v1/lots/{store}/{sku}/{lot}",
            "The life of one lot, read back from the log: what came and what became of it.",
            lot,
        )
        .one::<AtMoment, AlertDetail, _, _>(
            "/api/v1/alerts/{store}/{alert}",
            "One alert that stands, with what a person needs to decide.",
            alert,
        )
        .one::<AtMoment, TaskRow, _, _>("/api/v1/tasks/{store}/{task}", "One restock task.", task)
        .one::<AtMoment, OrderDetail, _, _>(
            "/api/v1/orders/{store}/{order}",
            "One supplier order with the reason of each line.",
            order,
        )
        .one::<AtMoment, PolicyRow, _, _>(
            "/api/v1/policies/{store}/{policy}",
            "One policy.",
            policy,
        )
}

async fn policy(
    State(app): State<App>,
    who: Who,
    Path((store, policy)): Path<(String, String)>,
    Params(at): Params<AtMoment>,
) -> Result<Response, Problem> {
    let store = store_id(&store)?;
    who.must_see(store)?;
    let view = app.view(&who, at.as_of()?, move |_, chain| {
        let store = one_store(chain, store)?;
        let known = store.policies().iter().find(|known| known.policy.as_str() == policy);
        let unknown = || Problem::new(Kind::NotFound, "the store has no policy of this id");
        known.map(|known| PolicyRow::new(store, known)).ok_or_else(unknown)
    });
    let view = view.await??;
    let version = version_of(&view);
    Ok(versioned(view, version))
}

/// A thing with an `ETag`: the version that an act with `If-Match` means.
fn versioned(view: impl Serialize, version: String) -> Response {
    let mut response = axum::Json(view).into_response();
    if let Ok(value) = HeaderValue::try_from(version) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
}

async fn shelf(
    State(app): State<App>,
    who: Who,
    Path((store, sku)): Path<(String, String)>,
    Params(at): Params<AtMoment>,
) -> Result<Response, Problem> {
    let (store, sku) = (store_id(&store)?, sku_of(&sku)?);
    who.must_see(store)?;
    let view = app.view(&who, at.as_of()?, move |_, chain| {
        let store = one_store(chain, store)?;
        let found = store.sku(sku).and_then(|index| ShelfDetail::new(store, index));
        found.ok_or_else(|| Problem::new(Kind::UnknownProduct, format!("no shelf {sku:?}")))
    });
    Ok(axum::Json(view.await??).into_response())
}

async fn lot(
    State(app): State<App>,
    who: Who,
    Path((store, sku, lot)): Path<(String, String, String)>,
    Params(at): Params<AtMoment>,
) -> Result<Response, Problem> {
    let (store, sku) = (store_id(&store)?, sku_of(&sku)?);
    who.must_see(store)?;
    let gone = || Problem::new(Kind::UnknownLot, format!("nothing is known of a lot {lot:?}"));
    let code = LotCode::new(&lot).map_err(|_| gone())?;
    let life = crate::life::of(&app, (store, sku, code), at.as_of()?).await?;
    Ok(axum::Json(life.ok_or_else(gone)?).into_response())
}

async fn alert(
    State(app): State<App>,
    who: Who,
    Path((store, id)): Path<(String, String)>,
    Params(at): Params<AtMoment>,
) -> Result<Response, Problem> {
    let (store, alert) = (store_id(&store)?, alert_id(&id)?);
    who.must_see(store)?;
    let view = app.view(&who, at.as_of()?, move |_, chain| {
        let store = one_store(chain, store)?;
        AlertDetail::new(store, alert).ok_or_else(|| unknown_alert(alert))
    });
    let view = view.await??;
    let version = alert_version(&view);
    Ok(versioned(view, version))
}

pub(super) fn alert_id(text: &str) -> Result<AlertId, Problem> {
    AlertId::parse(text).ok_or_else(|| {
        Problem::new(Kind::UnknownAlert, format!("no alert is called {text:?}; give it as A-12"))
    })
}

pub(super) fn unknown_alert(alert: AlertId) -> Problem {
    Problem::new(Kind::UnknownAlert, format!("no alert {alert} stands"))
}

async fn task(
    State(app): State<App>,
    who: Who,
    Path((store, id)): Path<(String, String)>,
    Params(at): Params<AtMoment>,
) -> Result<Response, Problem> {
    let (store, task) = (store_id(&store)?, task_id(&id)?);
    who.must_see(store)?;
    let view = app.view(&who, at.as_of()?, move |_, chain| {
        let store = one_store(chain, store)?;
        task_row(store, task)
    });
    let view = view.await??;
    let version = task_version(&view);
    Ok(versioned(&view, version))
}

pub(super) fn task_row(store: &Store, task: TaskId) -> Result<TaskRow, Problem> {
    let found = store.tasks().find(|standing| standing.task == task);
    found
        .map(|found| TaskRow::new(store, found))
        .ok_or_else(|| Problem::new(Kind::UnknownTask, format!("no task {task} stands")))
}

pub(super) fn task_id(text: &str) -> Result<TaskId, Problem> {
    TaskId::parse(text).ok_or_else(|| {
        Problem::new(Kind::UnknownTask, format!("no task is called {text:?}; give it as T-12"))
    })
}

async fn order(
    State(app): State<App>,
    who: Who,
    Path((store, id)): Path<(String, String)>,
    Params(at): Params<AtMoment>,
) -> Result<Response, Problem> {
    let (store, order) = (store_id(&store)?, order_id(&id)?);
    who.must_see(store)?;
    let view = app.view(&who, at.as_of()?, move |_, chain| {
        let store = one_store(chain, store)?;
        OrderDetail::new(store, order).ok_or_else(|| unknown_order(order))
    });
    let view = view.await??;
    let version = order_version(&view);
    Ok(versioned(view, version))
}

pub(super) fn order_id(text: &str) -> Result<OrderId, Problem> {
    OrderId::parse(text).ok_or_else(|| {
        Problem::new(Kind::UnknownOrder, format!("no order is called {text:?}; give it as O-12"))
    })
}

pub(super) fn unknown_order(order: OrderId) -> Problem {
    Problem::new(Kind::UnknownOrder, format!("no order {order} stands"))
}
