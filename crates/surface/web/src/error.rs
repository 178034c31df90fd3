//! What can go wrong before a server serves.

use std::net::SocketAddr;

use shelf_host::HostError;
use thiserror::Error;

/// What can go wrong before a server serves. Each has a stable code and a hint.
#[derive(Debug, Error)]
pub enum WebError {
    /// The data folder cannot be followed.
    #[error(transparent)]
    Host(#[from] HostError),
    /// Another program listens there.
    #[error("another program listens at {0}")]
    PortTaken(SocketAddr),
    /// The address, or the certificate, cannot be used.
    #[error("{0}")]
    Server(String),
    /// Other machines may connect, and there is no user.
    #[error("{0} can be reached from other machines, and there is no user who may log in")]
    NoUser(SocketAddr),
    /// The file of users cannot be used, or what is asked of it makes no sense.
    #[error("{0}")]
    Users(String),
    /// The collector cannot be used.
    #[error("{0}")]
    Otlp(String),
}

impl WebError {
    /// Its stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Host(error) => error.code(),
            Self::PortTaken(_) => "http_port_taken",
            Self::Server(_) => "http_server",
            Self::NoUser(_) => "http_no_user",
            Self::Users(_) => "users",
            Self::Otlp(_) => "otlp",
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Host(error) => error.hint(),
            Self::PortTaken(_) => "name another address with --listen, such as 127.0.0.1:8081",
            Self::Server(_) => "check http.listen and the files of http.tls",
            Self::NoUser(_) => {
                "make one with `shelf user add NAME --role admin`, or listen at 127.0.0.1"
            }
            Self::Otlp(_) => "check otlp.endpoint, such as http://127.0.0.1:4318, and otlp.headers",
            Self::Users(_) => "see `shelf user list`, and who may read and write users.json",
        }
    }
}
