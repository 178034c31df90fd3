//! Connections: how many, how long their heads may take, and how they end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use super::patient::Patient;
use crate::app::App;
use crate::options::HttpLimits;

/// How long to wait for what the system lacks, such as file descriptors.
const SHORTAGE: Duration = Duration::from_millis(100);

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Takes connections until the server stops, then lets those that are there end.
pub(super) async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    app: App,
) {
    let limits = app.options().limits;
    let places = Arc::new(Semaphore::new(limits.connections));
    let ending = GracefulShutdown::new();
    let mut stopping = app.stopping();
    loop {
        // One more waits in the system's queue until one of these has ended.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
        let accepted = tokio::select! {
            _ = stopping.wait_for(|stopping| *stopping) => break,
            accepted = listener.accept() => accepted,
        };
        let Ok((socket, peer)) = accepted else {
            tokio::time::sleep(SHORTAGE).await;
            continue;
        };
        // Small answers, such as lines of a stream, are not kept back.
        let _ = socket.set_nodelay(true);
        let (tls, router, ending) = (tls.clone(), router.clone(), ending.watcher());
        tokio::spawn(async move {
            match tls {
                None => serve(socket, peer, router, ending, limits).await,
                Some(tls) => {
                    let shaken = tokio::time::timeout(limits.head_timeout, tls.accept(socket));
                    if let Ok(Ok(socket)) = shaken.await {
                        serve(socket, peer, router, ending, limits).await;
                    }
                }
            }
            drop(place);
        });
    }
    drop(listener);
    // Whoever is not done by then is cut off.
    let _ = tokio::time::timeout(limits.grace, ending.shutdown()).await;
}

async fn serve<I>(socket: I, peer: SocketAddr, router: Router, ending: Watcher, limits: HttpLimits)
where
    I: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        let answered = router.clone().oneshot(request);
        async move {
            let response: Response<Body> = answered.await?;
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .serve_connection(TokioIo::new(Patient::new(socket, limits.write_timeout)), service);
    // How a connection ends is its client's affair.
    let _ = ending.watch(connection).await;
}
