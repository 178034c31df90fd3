//! Where the server listens, and what it allows at most.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// Where the server listens, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpOptions {
    /// Where to listen. Anything but loopback needs a user who may log in.
    pub listen: SocketAddr,
    /// The files of a certificate and its key, where traffic is to be encrypted.
    pub tls: Option<TlsFiles>,
    /// Whether everybody must log in, also at loopback.
    pub login: bool,
    /// Names by which the server may be addressed, beside its address and `localhost`.
    pub hosts: Vec<String>,
    /// What it allows at most.
    pub limits: HttpLimits,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8_080)),
            tls: None,
            login: false,
            hosts: Vec::new(),
            limits: HttpLimits::default(),
        }
    }
}

/// The files of a certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, and those that vouch for it, as PEM.
    pub certificate: PathBuf,
    /// Its key, as PEM.
    pub key: PathBuf,
}

/// What the server allows at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    /// Connections at once.
    pub connections: usize,
    /// Streams of server-sent events at once.
    pub streams: usize,
    /// Requests that are worked on at once, streams aside.
    pub requests: usize,
    /// A body, in bytes, before and after it is unpacked.
    pub body_bytes: usize,
    /// How long a request may take, streams aside.
    pub timeout: Duration,
    /// How long the head of a request may take to arrive.
    pub head_timeout: Duration,
    /// How long an answer may stand unread before its reader is given up.
    pub write_timeout: Duration,
    /// How long requests have to end when the server stops.
    pub grace: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connections: 2_048,
            streams: 1_000,
            requests: 256,
            body_bytes: 10 << 20,
            timeout: Duration::from_secs(30),
            head_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(30),
            grace: Duration::from_secs(5),
        }
    }
}
