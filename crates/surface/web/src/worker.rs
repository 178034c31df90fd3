//! What a worker without a dashboard tells of itself: whether it lives, whether it is ready, what
//! it counts. To this machine only, for there is no login.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::error::WebError;
use crate::metrics::{Metric, Metrics, Sample, text};
use crate::operation::{TEXT, resident_bytes};
use crate::serve::bind;

/// How a worker stands at a moment.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// What is in the way of its work; none where every partition that is its own is worked on.
    pub in_the_way: Option<String>,
    /// Values of metrics, each with its label where it has one.
    pub values: Vec<(Metric, Option<String>, f64)>,
}

type Read = Arc<dyn Fn() -> Standing + Send + Sync>;

/// Serves `/livez`, `/readyz` and `/metrics` until it is dropped.
#[derive(Debug)]
pub struct WorkerServer {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    // Ends with the server.
    _runtime: Runtime,
}

impl WorkerServer {
    /// Serves what `read` says at each moment.
    pub fn start(
        listen: SocketAddr,
        read: impl Fn() -> Standing + Send + Sync + 'static,
    ) -> Result<Self, WebError> {
        if !listen.ip().is_loopback() {
            return Err(WebError::NoUser(listen));
        }
        let failed = |error: std::io::Error| WebError::Server(error.to_string());
        let listener = bind(listen)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .on_thread_start(shelf_host::step_behind_engine)
            .thread_name("web")
            .enable_all()
            .build()
            .map_err(failed)?;
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(failed)?
        };
        let read: Read = Arc::new(read);
        let routes = Router::new()
            .route("/livez", get(async || axum::Json(json!({ "status": "ok" }))))
            .route("/readyz", get(ready))
            .route("/metrics", get(counted))
            .with_state(read);
        let (stop, mut stopped) = watch::channel(false);
        runtime.spawn(async move {
            let until = async move {
                // A sender that is gone stops it too.
                let _ = stopped.wait_for(|stop| *stop).await;
            };
            axum::serve(listener, routes).with_graceful_shutdown(until).await
        });
        Ok(Self { address, stop, _runtime: runtime })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for WorkerServer {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

async fn ready(State(read): State<Read>) -> Response {
    let (status, word) = match read().in_the_way {
        None => (StatusCode::OK, "ok".to_owned()),
        Some(what) => (StatusCode::SERVICE_UNAVAILABLE, what),
    };
    (status, axum::Json(json!({ "status": word }))).into_response()
}

async fn counted(State(read): State<Read>) -> Response {
    let mut samples: Vec<Sample> = read()
        .values
        .into_iter()
        .map(|(metric, label, value)| Sample::new(metric, label.as_deref(), value))
        .collect();
    samples.push(Sample::new(Metric::Build, Some(env!("CARGO_PKG_VERSION")), 1.0));
    if let Some(bytes) = resident_bytes() {
        samples.push(Sample::new(Metric::Memory, None, bytes as f64));
    }
    let written =
        Metrics::new().and_then(|metrics| metrics.families(&samples)).and_then(|all| text(&all));
    match written {
        Ok(text) => ([(header::CONTENT_TYPE, TEXT)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;

    use super::*;

    fn get(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn a_worker_tells_how_it_stands_to_this_machine_only() {
        let lag = (Metric::KafkaLag, Some("3".to_owned()), 7.0);
        let in_the_way = Some("the group has not answered".to_owned());
        let standing = Standing { in_the_way, values: vec![lag] };
        let local = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = WorkerServer::start(local, move || standing.clone()).unwrap();
        assert!(get(server.address(), "/livez").starts_with("HTTP/1.1 200"));
        let ready = get(server.address(), "/readyz");
        assert!(ready.starts_with("HTTP/1.1 503"), "{ready}");
        assert!(ready.ends_with(r#"{"status":"the group has not answered"}"#), "{ready}");
        let other = WorkerServer::start(local, Standing::default).unwrap();
        assert!(get(other.address(), "/readyz").starts_with("HTTP/1.1 200"));
        let metrics = get(server.address(), "/metrics");
        assert!(metrics.contains("shelf_kafka_lag{partition=\"3\"} 7"), "{metrics}");
        let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let refused = WorkerServer::start(everywhere, Standing::default).unwrap_err();
        assert_eq!(refused.code(), "http_no_user");
    }
}
