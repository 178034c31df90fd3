//! Statements of the SQL console: run for its page, cancelled, and answered as files.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::console;
use super::query::Query;
use super::scene::{Extra, SqlGrid, SqlRun};
use super::site::{back, page_answer, visitor};
use crate::access::Who;
use crate::app::App;
use crate::backends::{SqlFormat, SqlStatement};
use crate::problem::{Kind, Problem};

/// Runs a statement and shows its rows.
pub(super) async fn run_sql(
    State(app): State<App>,
    who: Who,
    headers: HeaderMap,
    body: String,
) -> Result<Response, Problem> {
    let form = Query::read(&body);
    who.check_csrf(form.get("csrf").unwrap_or_default())?;
    all_stores(&who)?;
    let none = || Problem::new(Kind::NotFound, "no SQL is wired to this server");
    let sql = app.parts().sql.clone().ok_or_else(none)?;
    let id = format!("console {}", who.name);
    if form.get("do") == Some("cancel") {
        let told = if sql.cancel(&id) { "The statement was cancelled." } else { "Nothing ran." };
        return Ok(back("/sql", true, told));
    }
    let text = form.get("q").unwrap_or_default().to_owned();
    let statement = SqlStatement {
        text: text.clone(),
        format: SqlFormat::Json,
        max_rows: Some(console::SHOWN),
        id: Some(id),
    };
    let outcome = app.blocking(move || sql.run(&statement)).await?;
    let outcome = outcome.map(|answer| SqlGrid {
        rows: grid_rows(&answer.body),
        columns: answer.columns,
        cut: answer.cut,
        took_ms: answer.took.as_millis() as u64,
    });
    let mut extra = Extra { run: Some(SqlRun { text, outcome }), ..Extra::default() };
    sql_facts(&app, &mut extra).await;
    let visitor = visitor(&headers, &who, "/sql".to_owned());
    Ok(page_answer(&app, "/sql", Query::default(), who.stores, visitor, extra).await)
}

/// SQL sees every store.
fn all_stores(who: &Who) -> Result<(), Problem> {
    match &who.stores {
        None => Ok(()),
        Some(_) => Err(Problem::new(Kind::Forbidden, "SQL is for those who see every store")),
    }
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
    all_stores(&who)?;
    let none = || Problem::new(Kind::NotFound, "no SQL is wired to this server");
    let sql = app.parts().sql.clone().ok_or_else(none)?;
    let format = SqlFormat::ALL.into_iter().find(|known| known.code() == format);
    let format = format.ok_or_else(|| Problem::new(Kind::NotFound, "there is no such format"))?;
    let query = Query::read(uri.query().unwrap_or_default());
    let text = query.get("q").unwrap_or_default().to_owned();
    let statement = SqlStatement { text, format, max_rows: None, id: None };
    let answer = app.blocking(move || sql.run(&statement)).await?.map_err(|failure| {
        Problem::coded(StatusCode::BAD_REQUEST, &failure.code, failure.message, &failure.hint)
    })?;
    let named = format!("attachment; filename=\"answer.{}\"", format.code());
    let headers = [
        (header::CONTENT_TYPE, format.media_type().to_owned()),
        (header::CONTENT_DISPOSITION, named),
    ];
    Ok((headers, answer.body).into_response())
}

/// What statements can name, and what they may use.
pub(super) async fn sql_facts(app: &App, extra: &mut Extra) {
    if let Some(sql) = app.parts().sql.clone() {
        extra.limits = Some(sql.limits());
        extra.postgres = sql.postgres();
        let objects = app.blocking(move || sql.objects()).await.ok();
        extra.objects = objects.map(|objects| {
            objects.map_err(|failure| format!("{}: {}", failure.code, failure.message))
        });
    }
}
