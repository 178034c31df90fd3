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
use crate::problem::{Documented, KINDS, Kind, Problem, all_documented, documented, reason_of};

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
    bodies: Vec<Shape>,
    answers: Vec<Shape>,
}

/// What is sent one way: a status for an answer, a type, and the schema of it.
struct Shape {
    status: String,
    media: String,
    schema: String,
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
    /// What is wrong here, where a request has met it.
    detail: String,
}

struct ProblemRow {
    code: String,
    /// The status of its answer, or what else has this code.
    kind: String,
    title: String,
    hint: String,
}

impl From<Kind> for ProblemRow {
    fn from(kind: Kind) -> Self {
        Self {
            code: kind.code().to_owned(),
            kind: kind.status().to_string(),
            title: kind.title().to_owned(),
            hint: kind.hint().to_owned(),
        }
    }
}

impl From<Reason> for ProblemRow {
    fn from(reason: Reason) -> Self {
        Self {
            code: reason.code().to_owned(),
            kind: "result of an event".to_owned(),
            title: "the core did not accept the event; it is in quarantine".to_owned(),
            hint: reason.hint().to_owned(),
        }
    }
}

impl From<(&str, &Documented)> for ProblemRow {
    fn from((code, known): (&str, &Documented)) -> Self {
        let hint = match known.hint.as_str() {
            "" => "see what the answer says under hint".to_owned(),
            hint => hint.to_owned(),
        };
        let (code, kind, title) = (code.to_owned(), known.kind.clone(), known.when.clone());
        Self { code, kind, title, hint }
    }
}

fn page(page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => Html(text).into_response(),
        Err(_) => Problem::new(Kind::Defect, "a page cannot be written").into_response(),
    }
}

/// An answer for a person: a problem as a page that explains it, and leads on.
pub(crate) fn explained(answer: Response) -> Response {
    let Some(problem) = answer.extensions().get::<Problem>() else { return answer };
    let row = ProblemRow {
        code: problem.code.to_string(),
        kind: problem.status().to_string(),
        title: problem.title.to_owned(),
        hint: problem.hint.to_string(),
    };
    let detail = problem.detail.to_string();
    let Ok(text) = (ProblemPage { problem: row, detail }).render() else { return answer };
    let (mut parts, _) = answer.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    parts.headers.insert(header::CONTENT_TYPE, kind);
    Response::from_parts(parts, text.into())
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
            let bodies = operation.get("requestBody").map(|body| shapes("", body));
            let answers = operation.get("responses").and_then(|all| all.as_object());
            let answers =
                answers.into_iter().flatten().flat_map(|(status, one)| shapes(status, one));
            operations.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                summary: text(operation, "summary"),
                parameters: parameters.collect(),
                bodies: bodies.unwrap_or_default(),
                answers: answers.collect(),
            });
        }
    }
    page(&OperationsPage { version: env!("CARGO_PKG_VERSION"), operations })
}

/// The types in which a body or an answer comes.
fn shapes(status: &str, part: &serde_json::Value) -> Vec<Shape> {
    let types = part.get("content").and_then(|types| types.as_object());
    let shape = |(media, content): (&String, &serde_json::Value)| Shape {
        status: status.to_owned(),
        media: media.clone(),
        schema: schema_name(&content.to_string()).unwrap_or_else(|| "text".to_owned()),
    };
    types.into_iter().flatten().map(shape).collect()
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
    let told = |code: &str| problems.iter().any(|problem| problem.code == code);
    let rest: Vec<_> = all_documented().filter(|(code, _)| !told(code)).collect();
    problems.extend(rest.into_iter().map(ProblemRow::from));
    page(&ProblemsPage { problems })
}

async fn problem(Path(code): Path<String>) -> Response {
    let kind = KINDS.iter().find(|kind| kind.code() == code).map(|kind| ProblemRow::from(*kind));
    let reason = || reason_of(&code).map(ProblemRow::from);
    let other = || documented(&code).map(|known| ProblemRow::from((code.as_str(), known)));
    match kind.or_else(reason).or_else(other) {
        Some(problem) => page(&ProblemPage { problem, detail: String::new() }),
        None => {
            // The code was sent by whoever asks, and may be anything.
            Problem::new(Kind::NotFound, "no problem has this code").into_response()
        }
    }
}
