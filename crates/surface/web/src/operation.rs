//! What those who run the server ask: does it live, is it ready, what does it count, which version
//! is it.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus::proto::MetricFamily;
use serde_json::json;
use shelf_host::wall_now;

use crate::access::Who;
use crate::app::App;
use crate::facts::{facts_of, stage_rows};
use crate::feed::Present;
use crate::metrics::{self, Metric, Sample, of_links, of_snapshots, of_stages, samples};
use crate::problem::{Kind, Problem};

/// The type of the text format of Prometheus.
pub(crate) const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/livez", get(async || axum::Json(json!({ "status": "ok" }))))
        .route("/readyz", get(ready))
        .route("/version", get(version))
        .route("/metrics", get(counted))
}

/// Ready means: the log can be followed, and the server does not stop.
async fn ready(State(app): State<App>) -> Response {
    let (trouble, stopping) = (app.feed().trouble(), *app.stopping().borrow());
    let (status, body) = match (trouble, stopping) {
        (None, false) => (StatusCode::OK, json!({ "status": "ok" })),
        (_, true) => (StatusCode::SERVICE_UNAVAILABLE, json!({ "status": "stopping" })),
        (Some(trouble), false) => {
            // Anybody may ask: the code says what is in the way, and names no file.
            let code = trouble.split(':').next().unwrap_or_default();
            let body = json!({
                "status": "the log cannot be followed",
                "code": code,
                "type": format!("/problems/{code}"),
            });
            (StatusCode::SERVICE_UNAVAILABLE, body)
        }
    };
    (status, axum::Json(body)).into_response()
}

async fn version() -> Response {
    axum::Json(json!({ "name": "shelf", "version": env!("CARGO_PKG_VERSION") })).into_response()
}

async fn counted(State(app): State<App>, who: Who) -> Result<Response, Problem> {
    if who.stores.is_some() {
        return Err(Problem::new(Kind::OtherStore, "this is of all stores together"));
    }
    let text = metrics::text(&scrape(&app).await?);
    let text = text.map_err(|_| Problem::new(Kind::Defect, "the metrics cannot be written"))?;
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(TEXT))], text).into_response())
}

/// Everything that is counted, as it is at this moment.
pub(crate) async fn scrape(app: &App) -> Result<Vec<MetricFamily>, Problem> {
    // Where the folder cannot be read, the age of what is in it is not known.
    let (facts, kept) = (app.clone(), app.on_disk().await.ok());
    let looked = move |present: &Present<'_>| {
        let mut scraped = samples(present);
        scraped.extend(of_links(&facts.links(present.log_end()), wall_now()));
        if let Some(kept) = &kept {
            let host = facts_of(present.reader(), kept);
            scraped.extend(of_snapshots(&host.partitions, wall_now()));
        }
        scraped
    };
    let mut scraped = app.read(None, looked).await?;
    scraped.extend(of_stages(&stage_rows(app.parts().stages.as_deref())));
    let limits = app.options().limits;
    let open = limits.streams - app.stream_room().available_permits();
    let trouble = f64::from(u8::from(app.feed().trouble().is_some()));
    scraped.push(Sample::new(Metric::Streams, None, open as f64));
    scraped.push(Sample::new(Metric::FeedTrouble, None, trouble));
    scraped.push(Sample::new(Metric::Build, Some(env!("CARGO_PKG_VERSION")), 1.0));
    if let Some(bytes) = resident_bytes() {
        scraped.push(Sample::new(Metric::Memory, None, bytes as f64));
    }
    let families = app.metrics().families(&scraped);
    families.map_err(|_| Problem::new(Kind::Defect, "the metrics cannot be gathered"))
}

/// The memory of this process, where the system says.
pub(crate) fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1_024)
}
