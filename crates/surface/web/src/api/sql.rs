//! SQL over HTTP: statements with their answers in four formats, what they can name, and their end.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::asked::{JsonBody, Params};
use super::export::{FormatQuery, accepted, answer};
use super::operations::Operations;
use super::paging::format_of as format_of_list;
use crate::access::Who;
use crate::app::{App, fresh_id};
use crate::backends::{
    SqlAnswer, SqlBackend, SqlColumn, SqlFailure, SqlFormat, SqlLimits, SqlObject, SqlStatement,
};
use crate::problem::{Kind, Problem};

/// The longest name of a statement, in bytes.
const ID_BYTES: usize = 64;

pub(super) fn add(operations: Operations) -> Operations {
    let post = &Method::POST;
    operations
        .act::<SqlBody, SqlRows, _, _>(
            post,
            "/api/v1/sql",
            "Runs a statement that reads; also as CSV, Arrow or Parquet.",
            run,
        )
        .act::<CancelBody, Cancelled, _, _>(
            post,
            "/api/v1/sql/cancel",
            "Ends a statement that runs.",
            cancel,
        )
        .paged::<FormatQuery, SqlCatalogue, _, _>(
            "/api/v1/sql/objects",
            "What statements can name, and what they may use.",
            objects,
        )
}

/// A statement.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SqlBody {
    /// Its text.
    #[schema(example = "SELECT count(*) AS shelves FROM live.shelves")]
    sql: String,
    /// `json`, `csv`, `arrow` or `parquet`; what `Accept` says without it.
    #[serde(default)]
    format: Option<String>,
    /// The most rows.
    #[serde(default)]
    max_rows: Option<u64>,
    /// By what name it can be cancelled.
    #[serde(default)]
    id: Option<String>,
}

/// The answer of a statement.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct SqlRows {
    /// Its columns.
    columns: Vec<SqlColumn>,
    /// Its rows: a list of values each, in order of the columns.
    #[schema(value_type = Vec<Vec<Object>>)]
    rows: Vec<Vec<serde_json::Value>>,
}

/// Which statement to end.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CancelBody {
    /// The name that it was given.
    id: String,
}

/// Whether a statement was ended.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
struct Cancelled {
    /// Whether one of that name ran.
    cancelled: bool,
}

/// What statements can name.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct SqlCatalogue {
    /// What they may use.
    limits: SqlLimits,
    /// The tables and views.
    objects: Vec<SqlObject>,
}

pub(crate) fn backend(app: &App, who: &Who) -> Result<Arc<dyn SqlBackend>, Problem> {
    if who.stores.is_some() {
        let detail = "statements see all stores, and this user does not";
        return Err(Problem::new(Kind::OtherStore, detail));
    }
    let nothing = || Problem::new(Kind::NotThere, "this process answers no SQL");
    app.parts().sql.clone().ok_or_else(nothing)
}

/// The problem of a statement that has no answer.
pub(crate) fn failed(failure: &SqlFailure) -> Problem {
    let status = match failure.code.as_str() {
        "sql_timeout" | "sql_cancelled" => StatusCode::REQUEST_TIMEOUT,
        "sql_memory" | "lake_damaged" => StatusCode::SERVICE_UNAVAILABLE,
        "sql_failed" => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let detail = format!("{} (SQLSTATE {})", failure.message, failure.sqlstate);
    Problem::coded(status, &failure.code, detail, &failure.hint)
}

/// By what name a statement of this user is ended: another user must not end it by its name.
pub(crate) fn name_of(who: &Who, id: &str) -> String {
    format!("{}/{id}", who.name)
}

/// Runs a statement, and ends it where its client goes before it is answered.
pub(crate) async fn answered(
    app: &App,
    backend: Arc<dyn SqlBackend>,
    statement: SqlStatement,
) -> Result<Result<SqlAnswer, SqlFailure>, Problem> {
    let id = statement.id.clone().unwrap_or_default();
    let mut asked = Asked { backend: Arc::clone(&backend), id, answered: false };
    let answer = app.blocking(move || backend.run(&statement)).await?;
    asked.answered = true;
    Ok(answer)
}

/// Ends a statement whose client has gone.
struct Asked {
    backend: Arc<dyn SqlBackend>,
    id: String,
    answered: bool,
}

impl Drop for Asked {
    fn drop(&mut self) {
        if !self.answered {
            self.backend.cancel(&self.id);
        }
    }
}

fn format_of(body: &SqlBody, headers: &HeaderMap) -> Result<SqlFormat, Problem> {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    match body.format.as_deref() {
        Some(code) => {
            SqlFormat::ALL.into_iter().find(|format| format.code() == code).ok_or_else(|| {
                let detail =
                    format!("there is no format {code:?}; there are json, csv, arrow, parquet");
                Problem::new(Kind::BadValue, detail)
            })
        }
        None => {
            let of = |format: &SqlFormat| {
                let kind = format.media_type().split(';').next().unwrap_or_default();
                accept.is_some_and(|accept| accept.starts_with(kind))
            };
            Ok(SqlFormat::ALL.into_iter().find(of).unwrap_or_default())
        }
    }
}

async fn run(
    State(app): State<App>,
    who: Who,
    headers: HeaderMap,
    JsonBody(body): JsonBody<SqlBody>,
) -> Result<Response, Problem> {
    let backend = backend(&app, &who)?;
    let format = format_of(&body, &headers)?;
    let id = match body.id {
        Some(id) if (1..=ID_BYTES).contains(&id.len()) => id,
        Some(_) => {
            return Err(Problem::new(Kind::BadValue, format!("an id has 1 to {ID_BYTES} bytes")));
        }
        None => format!("{:032x}", fresh_id()?.0),
    };
    let id = Some(name_of(&who, &id));
    let statement = SqlStatement { text: body.sql, format, max_rows: body.max_rows, id };
    let answer = answered(&app, backend, statement).await?.map_err(|failure| failed(&failure))?;
    let mut response = answer.body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    for (name, value) in [
        ("x-rows", answer.rows.to_string()),
        ("x-cut", answer.cut.to_string()),
        ("x-took-ms", answer.took.as_millis().to_string()),
    ] {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    Ok(response)
}

async fn cancel(
    State(app): State<App>,
    who: Who,
    JsonBody(body): JsonBody<CancelBody>,
) -> Result<Response, Problem> {
    let backend = backend(&app, &who)?;
    let id = name_of(&who, &body.id);
    let cancelled = app.blocking(move || backend.cancel(&id)).await?;
    Ok(axum::Json(Cancelled { cancelled }).into_response())
}

async fn objects(
    State(app): State<App>,
    who: Who,
    headers: HeaderMap,
    Params(query): Params<FormatQuery>,
) -> Result<Response, Problem> {
    let backend = backend(&app, &who)?;
    let format = format_of_list(query.format.as_deref(), accepted(&headers))?;
    let limits = backend.limits();
    let objects = app.blocking(move || backend.objects()).await?;
    let objects = objects.map_err(|failure| failed(&failure))?;
    let view = SqlCatalogue { limits, objects };
    answer(format, &view, &view.objects, "objects", None)
}
