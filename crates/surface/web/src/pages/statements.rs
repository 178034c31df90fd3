//! Statements of the SQL console: run for its page, cancelled, and answered as files.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse, Response};

use super::console;
use super::doing::led_back;
use super::query::{Query, encode};
use super::scene::{Extra, Notice, SqlGrid, SqlRun};
use super::site::{Sight, back, page_answer, visitor};
use crate::access::Who;
use crate::api::sql;
use crate::app::{App, fresh_id};
use crate::backends::{SqlBackend, SqlFormat, SqlStatement};
use crate::problem::{Kind, Problem};

/// The longest mark of a page, in bytes.
const MARK_BYTES: usize = 48;

/// Runs a statement and shows its rows.
pub(super) async fn run_sql(
    State(app): State<App>,
    who: Who,
    headers: HeaderMap,
    body: String,
) -> Result<Response, Problem> {
    let form = Query::read(&body);
    let ran = run_form(&app, &who, &headers, &form).await;
    led_back(&headers, &form, "/sql", ran)
}

async fn run_form(
    app: &App,
    who: &Who,
    headers: &HeaderMap,
    form: &Query,
) -> Result<Response, Problem> {
    who.check_csrf(form.get("csrf").unwrap_or_default())?;
    let sql = sql::backend(app, who)?;
    let text = form.get("q").unwrap_or_default().to_owned();
    let run = run_of(form)?;
    if form.get("do") == Some("cancel") {
        let ended = cancel(app, who, sql, &run).await?;
        let told = if ended { "The statement was cancelled." } else { "Nothing ran." };
        return Ok(back(&format!("/sql?q={}", encode(&text)), &Notice::good(told.to_owned())));
    }
    let statement = SqlStatement {
        text: text.clone(),
        format: SqlFormat::Json,
        max_rows: Some(console::SHOWN),
        id: Some(name_of(who, &run, SqlFormat::Json)),
    };
    let outcome = sql::answered(app, sql, statement).await?;
    let outcome = outcome.map(|answer| SqlGrid {
        rows: grid_rows(&answer.body),
        columns: answer.columns,
        cut: answer.cut,
        took_ms: answer.took.as_millis() as u64,
    });
    let mut extra = Extra { run: Some(SqlRun { text, outcome }), ..Extra::default() };
    sql_facts(app, who, &mut extra).await;
    let visitor = visitor(headers, who, "/sql".to_owned());
    Ok(page_answer(app, "/sql", Query::default(), Sight::of(who), visitor, extra).await)
}

/// Which page it is that runs a statement: each has a mark of its own, so that what runs for one is
/// not ended by another.
fn run_of(form: &Query) -> Result<String, Problem> {
    match form.get("run").filter(|run| run.len() <= MARK_BYTES) {
        Some(run) => Ok(run.to_owned()),
        None => mark(),
    }
}

fn mark() -> Result<String, Problem> {
    Ok(format!("{:032x}", fresh_id()?.0))
}

fn name_of(who: &Who, run: &str, format: SqlFormat) -> String {
    sql::name_of(who, &format!("{run}/{}", format.code()))
}

/// Ends what a page runs, its files too. Whether anything ran.
async fn cancel(
    app: &App,
    who: &Who,
    sql: Arc<dyn SqlBackend>,
    run: &str,
) -> Result<bool, Problem> {
    let names = SqlFormat::ALL.map(|format| name_of(who, run, format));
    // Each is told, whichever of them ran.
    app.blocking(move || names.iter().filter(|name| sql.cancel(name)).count() > 0).await
}

fn grid_rows(body: &[u8]) -> Vec<Vec<Option<String>>> {
    let value: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let rows = value.get("rows").and_then(serde_json::Value::as_array);
    let cell = |cell: &serde_json::Value| match cell {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let row = |row: &serde_json::Value| {
        row.as_array().map(|cells| cells.iter().map(cell).collect()).unwrap_or_default()
    };
    rows.map(|rows| rows.iter().map(row).collect()).unwrap_or_default()
}

/// A statement's answer as a file.
pub(super) async fn download(
    State(app): State<App>,
    who: Who,
    Path(format): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let sql = sql::backend(&app, &who)?;
    let format = SqlFormat::ALL.into_iter().find(|known| known.code() == format);
    let format = format.ok_or_else(|| Problem::new(Kind::NotFound, "there is no such format"))?;
    let query = Query::read(uri.query().unwrap_or_default());
    let text = query.get("q").unwrap_or_default().to_owned();
    let id = Some(name_of(&who, &run_of(&query)?, format));
    let statement = SqlStatement { text, format, max_rows: None, id };
    let answer = sql::answered(&app, sql, statement).await?;
    let answer = answer.map_err(|failure| sql::failed(&failure))?;
    let named = format!("attachment; filename=\"answer.{}\"", format.code());
    let headers = [
        (header::CONTENT_TYPE, format.media_type().to_owned()),
        (header::CONTENT_DISPOSITION, named),
    ];
    Ok((headers, answer.body).into_response())
}

/// What statements can name, and what they may use.
pub(super) async fn sql_facts(app: &App, who: &Who, extra: &mut Extra) {
    extra.barred = who.stores.is_some();
    if extra.barred {
        return;
    }
    if let Some(sql) = app.parts().sql.clone() {
        extra.limits = Some(sql.limits());
        extra.mark = mark().unwrap_or_default();
        extra.postgres = sql.postgres();
        let objects = app.blocking(move || sql.objects()).await.ok();
        extra.objects = objects.map(|objects| {
            objects.map_err(|failure| format!("{}: {}", failure.code, failure.message))
        });
    }
}
