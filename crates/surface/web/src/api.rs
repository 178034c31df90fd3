//! `/api/v1`: reads from the views, acts as events.

mod asked;
mod compared;
mod csv;
mod details;
mod export;
mod figures;
mod history;
mod intake;
mod once;
mod operations;
mod paging;
mod quarantine;
mod reader;
mod reads;
pub(crate) mod sql;
mod stream;
mod things;
mod writes;

use std::sync::LazyLock;

use axum::Router;
use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use utoipa::openapi::OpenApi;
use xxhash_rust::xxh3::xxh3_64;

use crate::app::App;
pub(crate) use asked::body_of;
pub(crate) use history::{Act, Acts, ActsAsked, acts};
pub(crate) use once::Answers;
use operations::Operations;
pub(crate) use quarantine::{Quarantine, Refused, newest, retry};
pub(crate) use reader::explained;

/// The OpenAPI document, which does not change while the program runs.
static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(|| all().build().1);

/// Bodies up to this get an `ETag`, in bytes.
const TAGGED_BYTES: usize = 16 << 20;

fn all() -> Operations {
    let reads = figures::add(compared::add(things::add(reads::add(Operations::new()))));
    sql::add(quarantine::add(history::add(stream::add(intake::add(writes::add(reads))))))
}

/// The routes of the API, its document and its reader.
pub(crate) fn routes(app: &App) -> Router<App> {
    let (router, _) = all().build();
    router
        .layer(axum::middleware::from_fn(conditional))
        .layer(axum::middleware::from_fn_with_state(app.clone(), once::once))
        .route("/api/openapi.json", get(openapi))
        .merge(reader::routes())
}

/// The OpenAPI document of the API, as text.
pub fn openapi_json() -> String {
    DOCUMENT.to_pretty_json().unwrap_or_default() + "\n"
}

async fn openapi() -> Response {
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    ([kind], openapi_json()).into_response()
}

/// Gives what is read an `ETag` of its bytes, and answers that nothing has changed where the client
/// has it. A version that acts name stands in front of it: that stays the same where only figures
/// beside it, such as an age, have changed.
async fn conditional(request: Request, next: Next) -> Response {
    let read = request.method() == Method::GET;
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let response = next.run(request).await;
    let version = response.headers().get(header::ETAG).and_then(|version| version.to_str().ok());
    let version = version.map(|version| version.trim_matches('"').to_owned());
    let whole = response.body().size_hint().exact().is_some_and(|size| size <= TAGGED_BYTES as u64);
    if !read || !whole || response.status() != StatusCode::OK {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, TAGGED_BYTES).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mark = xxh3_64(&bytes);
    let tag = match version {
        Some(version) => format!("\"{version}-{mark:016x}\""),
        None => format!("\"{mark:016x}\""),
    };
    let same =
        known.and_then(|known| known.to_str().map(str::to_owned).ok()).is_some_and(|known| {
            known
                .split(',')
                .map(|part| part.trim().trim_start_matches("W/"))
                .any(|part| part == tag)
        });
    if let Ok(value) = HeaderValue::try_from(tag) {
        parts.headers.insert(header::ETAG, value);
    }
    parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if same {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(header::CONTENT_TYPE);
        parts.headers.remove(header::CONTENT_LENGTH);
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(bytes))
}
