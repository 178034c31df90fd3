//! Lists that have pages of their own, or none, as files; and what people did in one table.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shelf_domain::StoreId;
use utoipa::IntoParams;

use super::history::{EventRow, HostActRow};
use super::paging::{Format, comma_separated, lines};
use crate::problem::Problem;

/// Where the next page of a file begins.
pub(super) const NEXT_PAGE: HeaderName = HeaderName::from_static("x-next-page");

/// How a list is written.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
pub(super) struct FormatQuery {
    /// `json`, `csv` or `ndjson`. Without it, what `Accept` says.
    pub(super) format: Option<String>,
}

/// What a client would rather have.
pub(super) fn accepted(headers: &HeaderMap) -> &str {
    headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default()
}

/// The view as JSON, or its rows as a file with the token of those behind them in a header.
pub(super) fn answer<V: Serialize, R: Serialize>(
    format: Format,
    view: &V,
    rows: &[R],
    name: &str,
    next_page: Option<&str>,
) -> Result<Response, Problem> {
    let mut response = match format {
        Format::Json => return Ok(axum::Json(view).into_response()),
        Format::Csv => comma_separated(rows, name)?,
        Format::Ndjson => lines(rows, name)?,
    };
    if let Some(token) = next_page.and_then(|token| HeaderValue::try_from(token).ok()) {
        response.headers_mut().insert(NEXT_PAGE, token);
    }
    Ok(response)
}

/// Something that a person did, to a store or to the server, as a row of a file.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ActRow {
    /// What time it was in the stores.
    at: String,
    /// In which store; nothing where it was done to the server.
    store: Option<StoreId>,
    actor: Option<String>,
    act: Option<String>,
    /// With what, where it was done to the server.
    detail: Option<String>,
    source: Option<String>,
    /// The place of the event in the log.
    id: Option<String>,
    /// What time it was on the clock of the machine, where it was done to the server.
    clock_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<Map<String, Value>>,
}

/// What people did in one table, the newest first.
pub(super) fn act_rows(events: &[EventRow], host_acts: &[HostActRow]) -> Vec<ActRow> {
    let mut rows: Vec<ActRow> = events.iter().map(ActRow::of_event).collect();
    rows.extend(host_acts.iter().map(ActRow::of_host));
    // To the second: a fraction is written only where there is one.
    rows.sort_by(|a, b| second(&b.at).cmp(second(&a.at)));
    rows
}

fn second(at: &str) -> &str {
    at.get(.."2026-01-31T08:00:00".len()).unwrap_or(at)
}

impl ActRow {
    fn of_event(row: &EventRow) -> Self {
        let text = |name: &str| row.event.get(name).and_then(Value::as_str).map(str::to_owned);
        Self {
            at: row.received_at.clone(),
            store: Some(row.store),
            actor: text("actor"),
            act: text("event_type"),
            detail: None,
            source: row.source.clone(),
            id: Some(row.id.clone()),
            clock_at: None,
            event: Some(row.event.clone()),
        }
    }

    fn of_host(row: &HostActRow) -> Self {
        Self {
            at: row.at.clone(),
            store: None,
            actor: Some(row.actor.clone()),
            act: Some(row.act.clone()),
            detail: Some(row.detail.clone()),
            source: None,
            id: None,
            clock_at: Some(row.clock_at.clone()),
            event: None,
        }
    }
}
