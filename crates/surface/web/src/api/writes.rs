//! Acts over HTTP: on alerts, orders, tasks, shelves and policies, and on the simulation.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use shelf_domain::{
    AlertVerb, Body, Day, Delivery, LotCode, MINUTE, OrderVerb, Place, Sku, StoreId, TaskId,
    TaskVerb,
};
use shelf_events::{Defaults, parse_event_general};
use utoipa::ToSchema;

use super::asked::{JsonBody, Params, rfc3339, sku_of, store_id, time_of};
use super::figures::{NoParams, day_of};
use super::operations::Operations;
use super::reads::PolicyRow;
use super::things::{alert_id, order_id, task_id};
use crate::access::{Role, Who};
use crate::acts::{
    Done, LONGEST_SNOOZE, Terms, act_on_alert, act_on_order, act_on_task, actor_of, count,
    receive_order, submit,
};
use crate::app::App;
use crate::backends::{FASTEST, SimulationState};
use crate::noted;
use crate::problem::{Kind, Problem};

/// The most alerts of one request.
const ALERTS: usize = 500;

pub(super) fn add(operations: Operations) -> Operations {
    let (post, put) = (&Method::POST, &Method::PUT);
    operations
        .act::<AlertsAct, AlertsDone, _, _>(
            post,
            "/api/v1/alerts/acts",
            "Does the same to several alerts; the answer has what became of each.",
            alerts,
        )
        .act::<AlertBody, Done, _, _>(
            post,
            "/api/v1/alerts/{store}/{alert}/{act}",
            "Acts on an alert: acknowledge, assign, snooze, resolve, dismiss, note or undo.",
            alert,
        )
        .act::<OrderBody, Done, _, _>(
            post,
            "/api/v1/orders/{store}/{order}/{act}",
            "Acts on an order: approve, cancel, change (a line) or receive (lots).",
            order,
        )
        .act::<RefillBody, Done, _, _>(
            post,
            "/api/v1/tasks/{store}",
            "Asks for a refill of a shelf now.",
            refill,
        )
        .act::<Empty, Done, _, _>(
            post,
            "/api/v1/tasks/{store}/{task}/cancel",
            "Gives a restock task up.",
            cancel,
        )
        .act::<CountBody, Done, _, _>(
            post,
            "/api/v1/shelves/{store}/{sku}/count",
            "Tells what a person counted.",
            counted,
        )
        .act::<PolicyBody, Done, _, _>(
            put,
            "/api/v1/policies/{store}/{policy}",
            "Sets a policy.",
            policy,
        )
        .one::<NoParams, SimulationState, _, _>(
            "/api/v1/simulation",
            "How the simulation goes.",
            simulation,
        )
        .act::<SimulationBody, SimulationState, _, _>(
            post,
            "/api/v1/simulation",
            "Holds the simulation still, lets it go on, or changes its speed.",
            simulate,
        )
}

/// No body.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct Empty {}

/// What an act on an alert needs.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct AlertBody {
    /// Words for those who read it later.
    note: String,
    /// To whom it is assigned.
    to: Option<String>,
    /// Until when it is snoozed, RFC 3339: 30 days at most.
    until: Option<String>,
    /// For how many minutes it is snoozed, 1 to 43,200.
    minutes: Option<u32>,
}

impl AlertBody {
    fn verb(&self, app: &App, act: &str) -> Result<AlertVerb, Problem> {
        let needs = |what: &str| Problem::new(Kind::BadValue, format!("{act} needs {what}"));
        match act {
            "acknowledge" => Ok(AlertVerb::Acknowledge),
            "assign" => {
                let to = self.to.as_deref().ok_or_else(|| needs("to"))?;
                Ok(AlertVerb::Assign(actor_of(to)?))
            }
            "snooze" => {
                let now = app.feed().read(|present| present.chain().now()).unwrap_or_default();
                let until = match (&self.until, self.minutes) {
                    (Some(until), None) => time_of(until)?,
                    (None, Some(minutes)) => now.plus(i64::from(minutes) * MINUTE),
                    _ => return Err(needs("either until or minutes")),
                };
                if !(1..=LONGEST_SNOOZE * MINUTE).contains(&until.0.saturating_sub(now.0)) {
                    return Err(needs(&format!("a span of 1 to {LONGEST_SNOOZE} minutes")));
                }
                Ok(AlertVerb::Snooze(until))
            }
            "resolve" => Ok(AlertVerb::Resolve),
            "dismiss" => Ok(AlertVerb::Dismiss),
            "note" if self.note.trim().is_empty() => Err(needs("a note")),
            "note" => Ok(AlertVerb::Note),
            "undo" => Ok(AlertVerb::Undo),
            _ => Err(unknown_act(act, "acknowledge, assign, snooze, resolve, dismiss, note, undo")),
        }
    }
}

fn unknown_act(act: &str, known: &str) -> Problem {
    Problem::new(Kind::NotFound, format!("there is no act {act:?}; there are {known}"))
}

async fn alert(
    State(app): State<App>,
    who: Who,
    Path((store, alert, act)): Path<(String, String, String)>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<AlertBody>,
) -> Result<Response, Problem> {
    let place = (store_id(&store)?, alert_id(&alert)?);
    let verb = body.verb(&app, &act)?;
    let done = act_on_alert(&app, &who, place, verb, &body.note, &Terms::of(&headers)).await?;
    Ok(axum::Json(done).into_response())
}

/// The same act on several alerts.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AlertsAct {
    /// What to do.
    act: String,
    /// Which, as `store/alert`: up to 500.
    alerts: Vec<String>,
    /// Words for those who read it later.
    #[serde(default)]
    note: String,
    /// To whom they are assigned.
    #[serde(default)]
    to: Option<String>,
    /// Until when they are snoozed, RFC 3339.
    #[serde(default)]
    until: Option<String>,
    /// For how many minutes they are snoozed, 1 to 43,200.
    #[serde(default)]
    minutes: Option<u32>,
}

/// What became of each alert.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct AlertsDone {
    /// How many acts were accepted.
    accepted: usize,
    /// Each, in turn.
    results: Vec<AlertDone>,
}

/// What became of one alert.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct AlertDone {
    /// Which.
    alert: String,
    /// What the act came to.
    done: Option<Done>,
    /// Why it did not.
    problem: Option<Problem>,
}

async fn alerts(
    State(app): State<App>,
    who: Who,
    headers: HeaderMap,
    JsonBody(asked): JsonBody<AlertsAct>,
) -> Result<Response, Problem> {
    let AlertsAct { act, alerts, note, to, until, minutes } = asked;
    if alerts.is_empty() || alerts.len() > ALERTS {
        return Err(Problem::new(Kind::BadValue, format!("name 1 to {ALERTS} alerts")));
    }
    let body = AlertBody { note, to, until, minutes };
    let (verb, key) = (body.verb(&app, &act)?, Terms::of(&headers).key);
    let mut results = Vec::new();
    for alert in alerts {
        // Each is an act of its own, with a key of its own.
        let key = key.as_ref().map(|key| format!("{key}\0{alert}"));
        let terms = Terms { key, version: None };
        let done = match alert.split_once('/') {
            Some((store, id)) => match (store_id(store), alert_id(id)) {
                (Ok(store), Ok(id)) => {
                    act_on_alert(&app, &who, (store, id), verb, &body.note, &terms).await
                }
                (Err(problem), _) | (_, Err(problem)) => Err(problem),
            },
            None => Err(Problem::new(Kind::UnknownAlert, "name an alert as store/A-12")),
        };
        let (done, problem) = match done {
            Ok(done) => (Some(done), None),
            Err(problem) => (None, Some(problem)),
        };
        results.push(AlertDone { alert, done, problem });
    }
    let accepted = results.iter().filter(|result| result.done.is_some()).count();
    Ok(axum::Json(AlertsDone { accepted, results }).into_response())
}

/// What an act on an order needs.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct OrderBody {
    /// Why.
    note: String,
    /// The line to change.
    sku: Option<String>,
    /// Its new quantity, in units; 0 strikes it.
    units: Option<u32>,
    /// The lots that came.
    lots: Vec<LotBody>,
}

/// A lot that came with an order.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LotBody {
    /// Of which sku.
    sku: String,
    /// Its code.
    lot: String,
    /// How many units came.
    units: u32,
    /// When it expires, as 2026-01-31; by the product's shelf life without it.
    #[serde(default)]
    expiry_day: Option<String>,
}

impl LotBody {
    fn delivery(&self) -> Result<Delivery, Problem> {
        let lot = LotCode::new(&self.lot)
            .map_err(|_| Problem::new(Kind::BadValue, "the code of a lot is too long"))?;
        let expiry_day: Option<Day> = self.expiry_day.as_deref().map(day_of).transpose()?;
        let (sku, units) = (sku_of(&self.sku)?, self.units);
        Ok(Delivery { sku, lot, units, expiry_day, ..Delivery::default() })
    }
}

async fn order(
    State(app): State<App>,
    who: Who,
    Path((store, order, act)): Path<(String, String, String)>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<OrderBody>,
) -> Result<Response, Problem> {
    let (place, terms) = ((store_id(&store)?, order_id(&order)?), Terms::of(&headers));
    let verb = match act.as_str() {
        "approve" => OrderVerb::Approve,
        "cancel" => OrderVerb::Cancel,
        "change" => match (&body.sku, body.units) {
            (Some(sku), Some(units)) => OrderVerb::Change { sku: sku_of(sku)?, units },
            _ => return Err(Problem::new(Kind::BadValue, "change needs sku and units")),
        },
        "receive" => {
            let lots: Result<Vec<Delivery>, Problem> =
                body.lots.iter().map(LotBody::delivery).collect();
            let done = receive_order(&app, &who, place, lots?, &terms).await?;
            return Ok(axum::Json(done).into_response());
        }
        other => return Err(unknown_act(other, "approve, cancel, change, receive")),
    };
    let done = act_on_order(&app, &who, place, verb, &body.note, &terms).await?;
    Ok(axum::Json(done).into_response())
}

/// A shelf to refill.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RefillBody {
    /// Which.
    sku: String,
}

async fn refill(
    State(app): State<App>,
    who: Who,
    Path(store): Path<String>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<RefillBody>,
) -> Result<Response, Problem> {
    let (store, verb) = (store_id(&store)?, TaskVerb::Request(sku_of(&body.sku)?));
    let terms = Terms::of(&headers);
    let done = act_on_task(&app, &who, (store, TaskId::default()), verb, &terms).await?;
    Ok(axum::Json(done).into_response())
}

async fn cancel(
    State(app): State<App>,
    who: Who,
    Path((store, task)): Path<(String, String)>,
    headers: HeaderMap,
    _: JsonBody<Empty>,
) -> Result<Response, Problem> {
    let (place, terms) = ((store_id(&store)?, task_id(&task)?), Terms::of(&headers));
    let done = act_on_task(&app, &who, place, TaskVerb::Cancel, &terms).await?;
    Ok(axum::Json(done).into_response())
}

/// What a person counted.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CountBody {
    /// How many units there are.
    units: u32,
    /// `floor` or `warehouse`; the floor without it.
    #[serde(default)]
    place: Option<String>,
}

async fn counted(
    State(app): State<App>,
    who: Who,
    Path((store, sku)): Path<(String, String)>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<CountBody>,
) -> Result<Response, Problem> {
    let (store, sku): (StoreId, Sku) = (store_id(&store)?, sku_of(&sku)?);
    let place = match body.place.as_deref() {
        None | Some("floor") => Place::Floor,
        Some("warehouse") => Place::Warehouse,
        Some(other) => {
            let detail = format!("there is no place {other:?}; there are floor, warehouse");
            return Err(Problem::new(Kind::BadValue, detail));
        }
    };
    let terms = Terms::of(&headers);
    let done = count(&app, &who, store, (sku, place, body.units), &terms).await?;
    Ok(axum::Json(done).into_response())
}

/// A policy, under the names of `docs/schemas/v1`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PolicyBody {
    /// What it says; what it does not say falls through to the next wider one.
    fields: Map<String, Value>,
}

async fn policy(
    State(app): State<App>,
    who: Who,
    Path((store, policy)): Path<(String, String)>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<PolicyBody>,
) -> Result<Response, Problem> {
    who.must_be(Role::Planner)?;
    let (store, now, mut fields) = (store_id(&store)?, app.now(), body.fields);
    for (name, value) in [
        ("event_type", json!("policy")),
        ("store_id", json!(store)),
        ("policy_id", json!(policy)),
        ("timestamp", json!(rfc3339(now))),
        ("actor", json!(who.name)),
    ] {
        fields.insert(name.to_owned(), value);
    }
    let line = serde_json::to_vec(&fields).unwrap_or_default();
    let defaults = Defaults { store: Some(store), received_at: now };
    let event = parse_event_general(&line, &defaults).map_err(|error| {
        let status = axum::http::StatusCode::UNPROCESSABLE_ENTITY;
        Problem::coded(status, error.code.code(), error.to_string(), error.hint())
    })?;
    let terms = Terms::of(&headers);
    let (checked, id) = (terms.clone(), policy);
    let check = move |store: &shelf_domain::Store| {
        let known = store.policies().iter().find(|known| known.policy.as_str() == id);
        let version = known.map(|known| PolicyRow::new(store, known));
        checked.check_policy(version.as_ref())
    };
    let body = match event.body {
        Body::Policy(policy) => Body::Policy(policy),
        _ => return Err(Problem::new(Kind::BadValue, "these are the fields of another event")),
    };
    let done = submit(&app, &who, store, vec![body], &terms, check).await?;
    Ok(axum::Json(done).into_response())
}

async fn simulation(State(app): State<App>, _: Params<NoParams>) -> Result<Response, Problem> {
    let Some(simulation) = &app.parts().simulation else { return Err(nothing_simulated()) };
    Ok(axum::Json(simulation.state()).into_response())
}

fn nothing_simulated() -> Problem {
    Problem::new(Kind::NotThere, "nothing is simulated by this process")
}

/// How a simulation is to go.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct SimulationBody {
    /// Whether its time is to stand.
    paused: Option<bool>,
    /// Simulated seconds in a second, above 0 and up to 100,000.
    speed: Option<f64>,
}

async fn simulate(
    State(app): State<App>,
    who: Who,
    JsonBody(body): JsonBody<SimulationBody>,
) -> Result<Response, Problem> {
    who.must_be(Role::Planner)?;
    who.must_see_all("the simulation")?;
    let Some(simulation) = &app.parts().simulation else { return Err(nothing_simulated()) };
    if let Some(speed) = body.speed {
        if !(speed > 0.0 && speed <= FASTEST) {
            let detail = format!("a speed is above 0 and at most {FASTEST}");
            return Err(Problem::new(Kind::BadValue, detail));
        }
        simulation.set_speed(Some(speed));
    }
    if let Some(paused) = body.paused {
        simulation.set_paused(paused);
    }
    noted::simulation(&app, who.name.as_str(), body.paused, body.speed).await;
    Ok(axum::Json(simulation.state()).into_response())
}
