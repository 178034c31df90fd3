//! What the forms of the pages post: acts, another try for what was refused, and the controls of a
//! simulation.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use shelf_host::{Ack, AckStatus};
use shelf_views::Chain;

use super::acts::{self, Deed};
use super::fmt::sentence;
use super::query::Query;
use super::scene::Notice;
use super::site::back;
use crate::access::{Role, Who};
use crate::api::retry;
use crate::app::App;
use crate::backends::FASTEST;
use crate::noted;
use crate::problem::{Kind, Problem};

/// The longest sentence that is told on a page, in letters.
const TOLD: usize = 400;

/// Pauses a simulation, lets it go on, or changes its speed.
pub(super) async fn simulation(
    State(app): State<App>,
    who: Who,
    headers: HeaderMap,
    body: String,
) -> Result<Response, Problem> {
    let form = Query::read(&body);
    let done = control(&app, &who, &form).await;
    led_back(&headers, &form, "/", done)
}

async fn control(app: &App, who: &Who, form: &Query) -> Result<Response, Problem> {
    who.check_csrf(form.get("csrf").unwrap_or_default())?;
    who.must_be(Role::Planner)?;
    who.must_see_all("the simulation")?;
    let none = || Problem::new(Kind::NotFound, "no simulation runs here");
    let simulation = app.parts().simulation.clone().ok_or_else(none)?;
    let speed = form.get("speed").and_then(|speed| speed.parse::<f64>().ok());
    let actor = who.name.as_str();
    let told = match (form.get("do"), speed) {
        (Some("pause"), _) => {
            simulation.set_paused(true);
            noted::simulation(app, actor, Some(true), None).await;
            "The simulation is paused.".to_owned()
        }
        (Some("resume"), _) => {
            simulation.set_paused(false);
            noted::simulation(app, actor, Some(false), None).await;
            "The simulation goes on.".to_owned()
        }
        (_, Some(speed)) if speed > 0.0 && speed <= FASTEST => {
            simulation.set_speed(Some(speed));
            noted::simulation(app, actor, None, Some(speed)).await;
            format!("The simulation goes {speed} times as fast as the clock.")
        }
        _ => {
            let detail = format!("say pause, resume or a speed above 0 and up to {FASTEST}");
            return Err(Problem::new(Kind::BadRequest, detail));
        }
    };
    Ok(back(form.get("back").unwrap_or("/"), &Notice::good(told)))
}

/// Does what a form says.
pub(super) async fn act(
    State(app): State<App>,
    who: Who,
    Path(what): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Result<Response, Problem> {
    let form = Query::read(&body);
    let fallback = match what.as_str() {
        "quarantine" => "/pipeline#quarantine",
        "policy" => "/settings",
        _ => "/",
    };
    let done = act_on(&app, &who, what, &form, fallback).await;
    led_back(&headers, &form, fallback, done)
}

async fn act_on(
    app: &App,
    who: &Who,
    what: String,
    form: &Query,
    fallback: &str,
) -> Result<Response, Problem> {
    who.check_csrf(form.get("csrf").unwrap_or_default())?;
    let wanted = form.clone();
    if what == "quarantine" {
        return Ok(back(fallback, &again(app, who, form).await?));
    }
    let doer = who.clone();
    let deed = app.read(None, move |present| -> Result<Deed, Problem> {
        let chain: &Chain<'_> = present.chain();
        match what.as_str() {
            "alerts" => acts::alerts(chain, &doer, &wanted),
            "tasks" => acts::tasks(chain, &doer, &wanted),
            "orders" => acts::orders(chain, &doer, &wanted),
            "policy" => acts::policies(chain, &doer, &wanted),
            _ => Err(Problem::new(Kind::NotFound, "nothing can be done there")),
        }
    });
    let notice = acts::carry_out(app, deed.await??).await?;
    Ok(back(form.get("back").unwrap_or(fallback), &notice))
}

/// Whether a person asks, by way of a browser, and not a program.
pub(super) fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// What a form came to. A person is led back to the page of the form, with a sentence about what is
/// wrong where something is; a program gets the problem.
pub(super) fn led_back(
    headers: &HeaderMap,
    form: &Query,
    fallback: &str,
    outcome: Result<Response, Problem>,
) -> Result<Response, Problem> {
    match outcome {
        Err(problem) if wants_page(headers) => {
            let (detail, hint) = (sentence(&problem.detail), sentence(&problem.hint));
            let text: String = format!("{detail}. {hint}.").chars().take(TOLD).collect();
            Ok(back(form.get("back").unwrap_or(fallback), &Notice::bad(text)))
        }
        other => other,
    }
}

/// Submits an entry of quarantine again.
async fn again(app: &App, who: &Who, form: &Query) -> Result<Notice, Problem> {
    let bad = || Problem::new(Kind::BadRequest, "the form does not say which event");
    let place = form.get("one").unwrap_or_default();
    let numbers: Vec<&str> = place.split(' ').skip(1).collect();
    let [partition, offset] = numbers.as_slice() else { return Err(bad()) };
    let place = (partition.parse().map_err(|_| bad())?, offset.parse().map_err(|_| bad())?);
    let name = format!("p{:02}:{}", place.0, place.1);
    let acks = retry(app, who, vec![place], None).await?;
    Ok(match acks.first() {
        Some(Ack { status: AckStatus::Accepted, .. }) => {
            Notice::good(format!("{name} was accepted."))
        }
        Some(Ack { status: AckStatus::Duplicate, .. }) => {
            Notice::good(format!("{name} was known already: nothing was changed."))
        }
        Some(ack) => Notice::bad(format!("{name} was not accepted: {}", why(ack))),
        None => return Err(bad()),
    })
}

/// Why an event was not accepted, and what to do about it.
pub(super) fn why(ack: &Ack) -> String {
    let code = ack.code.as_deref().unwrap_or("rejected").replace('_', " ");
    format!("{code}. {}", ack.hint.as_deref().unwrap_or_default())
}
