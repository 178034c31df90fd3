//! The Postgres wire: clients of Postgres connect and read.
//!
//! The messages, types and the catalogue are those of `datafusion-postgres`; what stands here is
//! what it leaves to others: who may connect, what may be asked, and that no statement goes beyond
//! its limits or outlives its client's patience.

mod answers;
mod cancels;
mod errors;
mod guard;
mod startup;

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use datafusion_postgres::pgwire::api::auth::StartupHandler;
use datafusion_postgres::pgwire::api::cancel::CancelHandler;
use datafusion_postgres::pgwire::api::query::{ExtendedQueryHandler, SimpleQueryHandler};
use datafusion_postgres::pgwire::api::{ErrorHandler, PgWireServerHandlers};
use datafusion_postgres::pgwire::tokio::{TlsAcceptor, process_socket};
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::QueryError;
use crate::sql::{Shared, Sql};
use answers::Answers;
use cancels::{Cancels, Known};
use errors::InWords;
use startup::{Admission, Startup};

/// How long nothing is looked at that may have changed without a sign.
const LOOK: Duration = Duration::from_millis(100);

/// Where clients of Postgres connect, and how.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The most clients at once.
    pub connections: usize,
    /// What clients must know; needed where others than this machine may connect.
    pub password: Option<Password>,
    /// The files of a certificate and its key, where traffic is to be encrypted.
    pub tls: Option<TlsFiles>,
}

/// A password, which no message shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// A password that is not empty.
    pub fn new(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(..)")
    }
}

/// The files of a certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, and those that vouch for it, as PEM.
    pub certificate: std::path::PathBuf,
    /// Its key, as PEM.
    pub key: std::path::PathBuf,
}

/// A server that runs until it is dropped.
#[derive(Debug)]
pub struct Serving {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Serving {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// An address that is held: clients that connect wait until they are served.
pub struct Listener {
    listener: TcpListener,
    address: SocketAddr,
    connections: usize,
    admission: Admission,
    tls: Option<TlsAcceptor>,
}

impl Listener {
    /// Takes the address, and checks all that serving there needs.
    pub fn bind(options: &ServerOptions) -> Result<Self, QueryError> {
        let tls = guarded(options)?;
        let listener = bind(options.listen)?;
        let address = listener.local_addr().map_err(|error| server(&error))?;
        listener.set_nonblocking(true).map_err(|error| server(&error))?;
        let admission = Admission::new(options.password.as_ref());
        Ok(Self { listener, address, connections: options.connections, admission, tls })
    }

    /// Checks the password and the files of the certificate as [`bind`](Self::bind) does, and takes
    /// no address.
    pub fn check(options: &ServerOptions) -> Result<(), QueryError> {
        guarded(options).map(drop)
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// What encrypts the traffic; an error where other machines may connect without a password.
fn guarded(options: &ServerOptions) -> Result<Option<TlsAcceptor>, QueryError> {
    if !options.listen.ip().is_loopback() && options.password.is_none() {
        return Err(QueryError::NoPassword(options.listen));
    }
    options.tls.as_ref().map(startup::tls).transpose()
}

impl Sql {
    /// Serves clients of Postgres until the returned value is dropped.
    pub fn serve(&self, listener: Listener) -> Result<Serving, QueryError> {
        let Listener { listener, address, connections, admission, tls } = listener;
        let handle = self.handle()?;
        let _inside = handle.enter();
        let listener =
            tokio::net::TcpListener::from_std(listener).map_err(|error| server(&error))?;
        let clients = Arc::new(Clients {
            shared: Arc::clone(self.shared()),
            admission,
            cancels: Arc::new(Cancels::default()),
            places: Arc::new(Semaphore::new(connections)),
            tls,
        });
        Ok(Serving { address, accepting: handle.spawn(accept(listener, clients)) })
    }
}

fn server(error: &std::io::Error) -> QueryError {
    QueryError::Server(error.to_string())
}

fn bind(address: SocketAddr) -> Result<TcpListener, QueryError> {
    TcpListener::bind(address).map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => QueryError::PortTaken(address),
        _ => QueryError::Server(format!("cannot listen at {address}: {error}")),
    })
}

/// What all clients share.
struct Clients {
    shared: Arc<Shared>,
    admission: Admission,
    cancels: Arc<Cancels>,
    places: Arc<Semaphore>,
    tls: Option<TlsAcceptor>,
}

async fn accept(listener: tokio::net::TcpListener, clients: Arc<Clients>) {
    // Dropped with the server, and all connections with it.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => {
                    let clients = Arc::clone(&clients);
                    connections.spawn(async move { clients.meet(socket).await });
                }
                // Too many open files, as a rule: some will be closed.
                Err(_) => tokio::time::sleep(LOOK).await,
            },
        }
    }
}

impl Clients {
    async fn meet(&self, socket: TcpStream) {
        // There are too many open files: the client may try again.
        let Ok((socket, beside)) = doubled(socket) else { return };
        let place = Arc::clone(&self.places).try_acquire_owned().ok();
        let known = Arc::new(Known::new(&self.cancels));
        let connection = Arc::new(Connection {
            startup: Arc::new(Startup::new(&self.admission, place.is_some())),
            answers: Arc::new(Answers::new(&self.shared, Arc::clone(&known))),
            cancels: Arc::clone(&self.cancels),
        });
        tokio::select! {
            // How a connection ends is its client's affair: it is told while it listens.
            _ = process_socket(socket, self.tls.clone(), connection) => {}
            () = end_when_gone(&beside, &known) => {}
        }
    }
}

/// A connection, and a second handle by which to look at it while a statement runs, when nobody
/// reads what comes.
fn doubled(socket: TcpStream) -> std::io::Result<(TcpStream, TcpStream)> {
    let socket = socket.into_std()?;
    let beside = socket.try_clone()?;
    Ok((TcpStream::from_std(socket)?, TcpStream::from_std(beside)?))
}

/// Ends the statements of a client that has gone, those too that it had sent before and that begin
/// only then. Does not return: when all is read, the connection ends by itself.
async fn end_when_gone(beside: &TcpStream, known: &Known) {
    gone(beside).await;
    loop {
        known.end();
        tokio::time::sleep(LOOK).await;
    }
}

/// Returns when a client has closed its side. Takes nothing of what it has sent.
async fn gone(beside: &TcpStream) {
    loop {
        match beside.peek(&mut [0]).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        // What has not been read yet stands before the end, and hides it.
        match beside.ready(Interest::READABLE).await {
            Ok(ready) if !ready.is_read_closed() => tokio::time::sleep(LOOK).await,
            _ => return,
        }
    }
}

/// One client.
struct Connection {
    startup: Arc<Startup>,
    answers: Arc<Answers>,
    cancels: Arc<Cancels>,
}

impl PgWireServerHandlers for Connection {
    fn simple_query_handler(&self) -> Arc<impl SimpleQueryHandler> {
        Arc::clone(&self.answers)
    }

    fn extended_query_handler(&self) -> Arc<impl ExtendedQueryHandler> {
        Arc::clone(&self.answers)
    }

    fn startup_handler(&self) -> Arc<impl StartupHandler> {
        Arc::clone(&self.startup)
    }

    fn error_handler(&self) -> Arc<impl ErrorHandler> {
        Arc::new(InWords)
    }

    fn cancel_handler(&self) -> Arc<impl CancelHandler> {
        Arc::clone(&self.cancels)
    }
}
