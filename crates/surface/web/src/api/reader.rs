//! The pages that explain the API: all operations at `/api`, and each code of a problem at
//! `/problems/<code>`. They are made from the OpenAPI document and the table of problems.

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use shelf_domain::Reason;

use super::DOCUMENT;
use crate::app::App;
use crate::problem::{KINDS, Kind, Problem, reason_of};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api", get(operations))
        .route("/api/reader.css", get(style))
        .route("/problems", get(problems))
        .route("/problems/{code}", get(problem))
}

#[derive(Template)]
#[template(path = "reader/operations.html")]
struct OperationsPage {
    version: &'static str,
    operations: Vec<Operation>,
}

struct Operation {
    method: String,
    path: String,
    summary: String,
    parameters: Vec<Parameter>,
    body: String,
}

struct Parameter {
    name: String,
    place: String,
    says: String,
}

#[derive(Template)]
#[template(path = "reader/problems.html")]
struct ProblemsPage {
    problems: Vec<ProblemRow>,
}

#[derive(Template)]
#[template(path = "reader/problem.html")]
struct ProblemPage {
    problem: ProblemRow,
}

struct ProblemRow {
    code: String,
    status: String,
    title: String,
    hint: String,
}

impl From<Kind> for ProblemRow {
    fn from(kind: Kind) -> Self {
        Self {
            code: kind.code().to_owned(),
            status: kind.status().to_string(),
            title: kind.title().to_owned(),
            hint: kind.hint().to_owned(),
        }
    }
}

impl From<Reason> for ProblemRow {
    fn from(reason: Reason) -> Self {
        Self {
            code: reason.code().to_owned(),
            status: "result of an event".to_owned(),
            title: "the core did not accept the event; it is in quarantine".to_owned(),
            hint: reason.hint().to_owned(),
        }
    }
}

fn page(page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => Html(text).into_response(),
        Err(_) => Problem::new(Kind::Defect, "a page cannot be written").into_response(),
    }
}

async fn style() -> Response {
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"));
    ([kind], include_str!("../../templates/reader/reader.css")).into_response()
}

async fn operations() -> Response {
    let document = serde_json::to_value(&*DOCUMENT).unwrap_or_default();
    let mut operations = Vec::new();
    let text = |value: &serde_json::Value, name: &str| {
        value.get(name).and_then(|text| text.as_str()).unwrap_or_default().to_owned()
    };
    for (path, item) in
        document.get("paths").and_then(|paths| paths.as_object()).into_iter().flatten()
    {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let parameters = operation.get("parameters").and_then(|list| list.as_array());
            let parameters = parameters.into_iter().flatten().map(|parameter| Parameter {
                name: text(parameter, "name"),
                place: text(parameter, "in"),
                says: text(parameter, "description"),
            });
            let body = operation.get("requestBody").map(ToString::to_string);
            operations.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                summary: text(operation, "summary"),
                parameters: parameters.collect(),
                body: body.as_deref().and_then(schema_name).unwrap_or_default(),
            });
        }
    }
    page(&OperationsPage { version: env!("CARGO_PKG_VERSION"), operations })
}

/// The name of the first schema that a part of the document refers to.
fn schema_name(part: &str) -> Option<String> {
    let (_, rest) = part.split_once("#/components/schemas/")?;
    rest.split_once('"').map(|(name, _)| name.to_owned())
}

async fn problems() -> Response {
    let mut problems: Vec<ProblemRow> = KINDS.iter().map(|kind| (*kind).into()).collect();
    let more = Reason::ALL
        .into_iter()
        .filter(|reason| KINDS.iter().all(|kind| kind.code() != reason.code()));
    problems.extend(more.map(ProblemRow::from));
    page(&ProblemsPage { problems })
}

async fn problem(Path(code): Path<String>) -> Response {
    let kind = KINDS.iter().find(|kind| kind.code() == code).map(|kind| ProblemRow::from(*kind));
    match kind.or_else(|| reason_of(&code).map(ProblemRow::from)) {
        Some(problem) => page(&ProblemPage { problem }),
        None => {
            // The code was sent by whoever asks, and may be anything.
            let detail =
                "no problem has this code; see docs/errors.md for those of the command line";
            Problem::new(Kind::NotFound, detail).into_response()
        }
    }
}
