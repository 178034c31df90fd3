//! Spans of requests and everything that is counted, sent to a collector over OTLP: protobuf over
//! HTTP. A collector that is away costs nobody anything: what cannot be sent in time is let go.

mod measured;

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tokio::runtime::{Handle, Runtime};
use tokio::task::JoinHandle;

use crate::app::App;
use crate::error::WebError;

/// How long a collector may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the last spans may take when the process ends.
const FAREWELL: Duration = Duration::from_secs(2);

/// Where to send, and as whom.
#[derive(Clone, PartialEq, Eq)]
pub struct OtlpOptions {
    /// The address of the collector, such as `http://127.0.0.1:4318`; the paths of the signals are
    /// added to it.
    pub endpoint: String,
    /// Headers of each request, which may be secrets.
    pub headers: Vec<(String, String)>,
    /// The name of this service.
    pub service: String,
    /// How often what is counted is sent.
    pub interval: Duration,
}

impl fmt::Debug for OtlpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("OtlpOptions")
            .field("endpoint", &self.endpoint)
            .field("headers", &names)
            .field("service", &self.service)
            .field("interval", &self.interval)
            .finish()
    }
}

/// The way to a collector. Dropped after the server, it sends what it still has, for two seconds a
/// signal at most.
pub struct Otlp {
    options: OtlpOptions,
    client: reqwest::Client,
    spans: SdkTracerProvider,
    runtime: Option<Runtime>,
    measuring: Option<JoinHandle<()>>,
}

impl Otlp {
    /// Checks the address and the headers; nothing is sent before there is something to send.
    pub fn start(options: OtlpOptions) -> Result<Self, WebError> {
        let url = reqwest::Url::parse(&options.endpoint);
        if !url.is_ok_and(|url| ["http", "https"].contains(&url.scheme())) {
            return Err(WebError::Otlp("the address of the collector is no HTTP address".into()));
        }
        for (name, value) in &options.headers {
            let named = axum::http::HeaderName::from_bytes(name.as_bytes()).is_ok();
            if !named || axum::http::HeaderValue::from_str(value).is_err() {
                return Err(WebError::Otlp(format!("{name:?} cannot be a header with its value")));
            }
        }
        let client = reqwest::Client::builder().timeout(PATIENCE).build();
        let client = client.map_err(|error| WebError::Otlp(error.to_string()))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("otlp")
            .enable_all()
            .build()
            .map_err(|error| WebError::Otlp(error.to_string()))?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Client { client: client.clone(), runtime: runtime.handle().clone() })
            .with_endpoint(signal(&options.endpoint, "traces"))
            .with_headers(options.headers.iter().cloned().collect::<HashMap<_, _>>())
            .with_timeout(PATIENCE)
            .build()
            .map_err(|error| WebError::Otlp(error.to_string()))?;
        let resource = Resource::builder().with_service_name(options.service.clone()).build();
        let spans =
            SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource);
        Ok(Self { options, client, spans: spans.build(), runtime: Some(runtime), measuring: None })
    }

    /// What spans are made with.
    pub(crate) fn tracer(&self) -> SdkTracer {
        self.spans.tracer("shelf")
    }

    /// Sends what a server counts, from then on, every interval, and once more when it stops.
    pub fn follow(&mut self, app: &App) {
        let Some(runtime) = &self.runtime else { return };
        let (client, options, app) = (self.client.clone(), self.options.clone(), app.clone());
        self.measuring = Some(runtime.spawn(measured::send(client, options, app)));
    }
}

impl Drop for Otlp {
    fn drop(&mut self) {
        // A collector that is away is no reason to say anything when the shop closes.
        let _ = self.spans.shutdown_with_timeout(FAREWELL);
        let Some(runtime) = self.runtime.take() else { return };
        if let Some(measuring) = self.measuring.take() {
            let _ = runtime.block_on(async { tokio::time::timeout(FAREWELL, measuring).await });
        }
        runtime.shutdown_timeout(FAREWELL);
    }
}

/// Where a signal goes.
fn signal(endpoint: &str, name: &str) -> String {
    format!("{}/v1/{name}", endpoint.trim_end_matches('/'))
}

/// Sends on a runtime of its own, since the thread that batches spans has none.
struct Client {
    client: reqwest::Client,
    runtime: Handle,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let request = reqwest::Request::try_from(request)?;
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move {
            let answer = client.execute(request).await?;
            let (status, headers) = (answer.status(), answer.headers().clone());
            Ok::<_, reqwest::Error>((status, headers, answer.bytes().await?))
        });
        let (status, headers, body) = sent.await??;
        let mut response = Response::builder().status(status).body(body)?;
        *response.headers_mut() = headers;
        Ok(response)
    }
}
