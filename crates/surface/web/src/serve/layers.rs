//! What is around every answer: room and time for the request, headers that keep browsers strict,
//! a line in the log and a count.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tokio::time::timeout;
use tracing::{Instrument as _, Span, field};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::Peer;
use crate::access::Who;
use crate::api::body_of;
use crate::app::App;
use crate::logs::SPANS;
use crate::problem::{Kind, Problem};

/// Nothing but what this server sends: no script or style in a page, no page in a frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' \
    data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'";
/// Headers of every answer.
const STRICT: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];
/// Where streams begin: they have room of their own, and no end in time.
const STREAMS: [&str; 2] = ["/api/v1/stream", "/live"];

/// The methods that are counted under their names.
const METHODS: [Method; 6] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS];
/// Where statements run.
const STATEMENTS: [&str; 2] = ["/api/v1/sql", "/sql"];
/// Below which address statements are answered as files.
const FILES: &str = "/sql/";

fn is_stream(path: &str) -> bool {
    STREAMS.contains(&path) || path.starts_with("/live/")
}

/// Room and time for a request.
pub(super) async fn bounded(State(app): State<App>, request: Request, next: Next) -> Response {
    if is_stream(request.uri().path()) {
        return next.run(request).await;
    }
    let Ok(_room) = Arc::clone(app.request_room()).try_acquire_owned() else {
        return Problem::new(Kind::Busy, "the server is busy").into_response();
    };
    let limits = app.options().limits;
    let too_slow = |_| {
        let detail = format!("it took longer than {} s", limits.timeout.as_secs());
        Problem::new(Kind::TooSlow, detail).into_response()
    };
    // A statement has a limit of its own, which may be longer; what it says must come in time.
    let path = request.uri().path();
    if STATEMENTS.contains(&path) || path.starts_with(FILES) {
        return match timeout(limits.timeout, whole(request, limits.body_bytes)).await {
            Ok(Ok(request)) => next.run(request).await,
            Ok(Err(problem)) => problem.into_response(),
            Err(late) => too_slow(late),
        };
    }
    timeout(limits.timeout, next.run(request)).await.unwrap_or_else(too_slow)
}

/// A request whose body has come.
async fn whole(request: Request, most: usize) -> Result<Request, Problem> {
    let (parts, body) = request.into_parts();
    let body = body_of(Request::from_parts(parts.clone(), body), most).await?;
    Ok(Request::from_parts(parts, Body::from(body)))
}

/// Headers, a count and a line of the log. Neither has a query, a body or a header of the request:
/// there are secrets in them.
pub(super) async fn told(State(app): State<App>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
    let span = span(&request);
    let mut response = as_problem(next.run(request).instrument(span.clone()).await);
    let took = begun.elapsed();
    let status = response.status().as_u16();
    let route = response.extensions().get::<MatchedPath>().map(|route| route.as_str().to_owned());
    let route = route.unwrap_or_else(|| "none".to_owned());
    // A method may be any word.
    let counted = if METHODS.contains(&method) { method.as_str() } else { "other" };
    app.metrics().answered(counted, &route, status, (!is_stream(&path)).then_some(took));
    let code = response.extensions().get::<Problem>().map(|problem| problem.code.to_string());
    if let Some(code) = &code {
        app.metrics().problem(code);
    }
    if !span.is_disabled() {
        // Which route it is turned out when it had begun.
        span.context().span().update_name(format!("{counted} {route}"));
    }
    span.record("http.route", &route);
    span.record("http.response.status_code", i64::from(status));
    span.record("error.type", code.as_deref().unwrap_or_default());
    if status >= 500 {
        span.record("otel.status_code", "ERROR");
    }
    let user = response.extensions().get::<Who>().map(|who| who.name);
    tracing::info!(
        target: "shelf_web::access",
        method = %method,
        path = %path,
        status,
        ms = took.as_secs_f64() * 1_000.0,
        user = user.as_ref().map_or("", |user| user.as_str()),
        peer = peer.map(|peer| peer.to_string()).unwrap_or_default(),
        code = code.unwrap_or_default(),
        "answered"
    );
    for (name, value) in STRICT {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    if app.options().tls.is_some() {
        let year = HeaderValue::from_static("max-age=31536000");
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    response
}

/// A refusal of what reads paths and bodies, which is a plain sentence, as a problem document.
fn as_problem(mut response: Response) -> Response {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE);
    let plain = kind.is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    let refused = status.is_client_error() || status.is_server_error();
    if !refused || !plain || response.extensions().get::<Problem>().is_some() {
        return response;
    }
    let (kind, detail) = match status {
        StatusCode::PAYLOAD_TOO_LARGE => (Kind::TooLarge, "this path takes less at once"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => (Kind::WrongType, "this path takes a form"),
        StatusCode::UNPROCESSABLE_ENTITY => (Kind::BadValue, "the form has other fields"),
        status if status.is_server_error() => (Kind::Defect, "the log of the server says more"),
        _ => (Kind::BadRequest, "the path or the body cannot be read; both are UTF-8"),
    };
    let mut problem = Problem::new(kind, detail).into_response();
    problem.extensions_mut().extend(std::mem::take(response.extensions_mut()));
    problem
}

/// What a collector is told of a request, below the caller's own span where it names one.
fn span(request: &Request) -> Span {
    let span = tracing::trace_span!(
        target: SPANS,
        "request",
        otel.kind = "server",
        otel.status_code = field::Empty,
        http.request.method = %request.method(),
        http.route = field::Empty,
        http.response.status_code = field::Empty,
        "error.type" = field::Empty,
    );
    if !span.is_disabled() {
        let caller = TraceContextPropagator::new().extract(&HeaderExtractor(request.headers()));
        // Without a collector nobody asks whose child it is.
        let _ = span.set_parent(caller);
    }
    span
}

/// Says which route answered, so that the count has patterns and not paths.
pub(super) async fn routed(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(route) = route {
        response.extensions_mut().insert(route);
    }
    response
}
