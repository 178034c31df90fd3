//! The server: a listener, a runtime of its own, and a stop that lets answers end.

mod connection;
mod layers;
mod patient;
mod tls;

use std::any::Any;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use shelf_host::Folder;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

use crate::app::{App, Parts, admitted};
use crate::error::WebError;
use crate::options::HttpOptions;
use crate::problem::{Kind, Problem};
use crate::{access, api, operation, pages};
pub(crate) use connection::Peer;

/// Threads that answer requests: what takes long is done by others.
const WORKERS: usize = 2;
/// Threads for what may block beside those of requests, each of which needs one at most.
const BLOCKING: usize = 16;

/// Starts servers.
#[derive(Debug)]
pub struct Server;

/// A server that runs until it is stopped or dropped.
pub struct Serving {
    address: SocketAddr,
    scheme: &'static str,
    app: App,
    runtime: Option<Runtime>,
    ended: watch::Receiver<bool>,
}

impl Server {
    /// Checks the files of the certificate and who may log in as a start does, and listens nowhere.
    pub fn check(options: &HttpOptions, folder: &Folder) -> Result<(), WebError> {
        options.tls.as_ref().map(tls::acceptor).transpose()?;
        admitted(options, folder).map(drop)
    }

    /// Takes the address, checks all that serving there needs, and serves.
    pub fn start(options: HttpOptions, parts: Parts) -> Result<Serving, WebError> {
        let tls = options.tls.as_ref().map(tls::acceptor).transpose()?;
        let listener = bind(options.listen)?;
        let address = listener.local_addr().map_err(|error| server(&error))?;
        listener.set_nonblocking(true).map_err(|error| server(&error))?;
        let blocking = options.limits.requests.saturating_add(BLOCKING);
        let scheme = if tls.is_some() { "https" } else { "http" };
        let app = App::new(HttpOptions { listen: address, ..options }, parts)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .max_blocking_threads(blocking)
            .on_thread_start(shelf_host::step_behind_engine)
            .thread_name("web")
            .enable_all()
            .build()
            .map_err(|error| server(&error))?;
        let (end, ended) = watch::channel(false);
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(|error| server(&error))?
        };
        let (router, served) = (routes(&app), app.clone());
        runtime.spawn(async move {
            connection::accept(listener, tls, router, served).await;
            end.send_replace(true);
        });
        Ok(Serving { address, scheme, app, runtime: Some(runtime), ended })
    }
}

/// Everything that the server answers.
pub(crate) fn routes(app: &App) -> Router {
    let with = || app.clone();
    let router = Router::new()
        .merge(api::routes(app))
        .merge(pages::routes())
        .merge(access::routes())
        .merge(operation::routes())
        .route_layer(from_fn(layers::routed))
        .fallback(async || Problem::new(Kind::NotFound, "there is nothing at this path"))
        .method_not_allowed_fallback(async || {
            Problem::new(Kind::MethodNotAllowed, "this path takes other methods")
        });
    // What stands last is met first.
    router
        .layer(CompressionLayer::new())
        .layer(from_fn_with_state(with(), layers::bounded))
        .layer(from_fn_with_state(with(), access::guard))
        .layer(CatchPanicLayer::custom(|_: Box<dyn Any + Send>| {
            tracing::error!("a handler has panicked");
            Problem::new(Kind::Defect, "the log of the server says more").into_response()
        }))
        .layer(from_fn_with_state(with(), layers::told))
        .with_state(app.clone())
}

impl Serving {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address for a browser.
    pub fn url(&self) -> String {
        format!("{}://{}/", self.scheme, self.address)
    }

    /// What its handlers reach.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Takes no more connections, lets requests end for a while, and stops.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        self.app.stop();
        let mut ended = self.ended.clone();
        let grace = self.app.options().limits.grace + Duration::from_secs(1);
        runtime.block_on(async {
            // Whoever is not done by then is cut off.
            let _ = tokio::time::timeout(grace, ended.wait_for(|ended| *ended)).await;
        });
        runtime.shutdown_timeout(Duration::from_secs(1));
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.end();
    }
}

fn server(error: &std::io::Error) -> WebError {
    WebError::Server(error.to_string())
}

pub(crate) fn bind(address: SocketAddr) -> Result<TcpListener, WebError> {
    TcpListener::bind(address).map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => WebError::PortTaken(address),
        _ => WebError::Server(format!("cannot listen at {address}: {error}")),
    })
}
