//! `[http]`: where the dashboard and the HTTP API are served, and what they allow at most.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shelf_web::{HttpLimits, HttpOptions, LogFormat, TlsFiles};

use super::range;
use crate::failure::Failure;

/// Where it is served when nobody says anything else.
const LISTEN: &str = "127.0.0.1:8080";
/// What stands in the place of an address when it is not to be served.
const OFF: &str = "off";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpSettings {
    /// Where a running process serves the dashboard and the API, or `off`.
    pub(crate) listen: String,
    /// Whether everybody must log in, also from this machine.
    pub(crate) login: bool,
    /// Names by which browsers may address the server, beside its address and `localhost`.
    pub(crate) hosts: Vec<String>,
    /// The most connections at once.
    pub(crate) connections: usize,
    /// The most streams of server-sent events at once.
    pub(crate) streams: usize,
    /// The most requests that are worked on at once.
    pub(crate) requests: usize,
    /// The largest body of a request, in MiB.
    pub(crate) body_mb: usize,
    /// How long a request may take.
    pub(crate) timeout_seconds: u32,
    /// The file of a certificate, where traffic is to be encrypted.
    pub(crate) tls_certificate: PathBuf,
    /// The file of its key.
    pub(crate) tls_key: PathBuf,
    /// How lines of the server's log are written: `pretty` or `json`.
    pub(crate) log_format: String,
    /// What is logged: a level, or parts with theirs.
    pub(crate) log_level: String,
}

impl Default for HttpSettings {
    fn default() -> Self {
        let limits = HttpLimits::default();
        Self {
            listen: LISTEN.to_owned(),
            login: false,
            hosts: Vec::new(),
            connections: limits.connections,
            streams: limits.streams,
            requests: limits.requests,
            body_mb: limits.body_bytes >> 20,
            timeout_seconds: limits.timeout.as_secs() as u32,
            tls_certificate: PathBuf::new(),
            tls_key: PathBuf::new(),
            log_format: "pretty".to_owned(),
            log_level: "warn".to_owned(),
        }
    }
}

impl HttpSettings {
    pub(super) fn check(&self) -> Result<(), Failure> {
        range("http.connections", self.connections as u64, 1, 100_000)?;
        range("http.streams", self.streams as u64, 0, 100_000)?;
        range("http.requests", self.requests as u64, 1, 10_000)?;
        range("http.body_mb", self.body_mb as u64, 1, 1_024)?;
        range("http.timeout_seconds", self.timeout_seconds.into(), 1, 3_600)?;
        if self.tls_certificate.as_os_str().is_empty() != self.tls_key.as_os_str().is_empty() {
            let message = "http.tls_certificate and http.tls_key belong together";
            return Err(Failure::new("settings", message, "give both, or neither"));
        }
        self.log_format()?;
        self.server().map(|_| ())
    }

    /// How lines of the server's log are written.
    pub(crate) fn log_format(&self) -> Result<LogFormat, Failure> {
        LogFormat::of_code(&self.log_format).ok_or_else(|| {
            let message = format!("http.log_format is {:?}", self.log_format);
            Failure::new("settings", message, "write pretty or json")
        })
    }

    /// How to serve; `None` where nobody wants it.
    pub(crate) fn server(&self) -> Result<Option<HttpOptions>, Failure> {
        if self.listen == OFF {
            return Ok(None);
        }
        let listen: SocketAddr = self.listen.parse().map_err(|_| {
            Failure::new(
                "settings",
                format!("http.listen is {:?}, and must be an address with a port", self.listen),
                "write 127.0.0.1:8080, or off",
            )
        })?;
        let tls = (!self.tls_certificate.as_os_str().is_empty()).then(|| TlsFiles {
            certificate: self.tls_certificate.clone(),
            key: self.tls_key.clone(),
        });
        let limits = HttpLimits {
            connections: self.connections,
            streams: self.streams,
            requests: self.requests,
            body_bytes: self.body_mb << 20,
            timeout: Duration::from_secs(self.timeout_seconds.into()),
            ..HttpLimits::default()
        };
        let (login, hosts) = (self.login, self.hosts.clone());
        Ok(Some(HttpOptions { listen, tls, login, hosts, limits }))
    }

    /// Whether somebody has said where it is served.
    pub(crate) fn asked_to_listen(&self) -> bool {
        self.listen != LISTEN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_may_be_off() {
        let of = |listen: &str| HttpSettings { listen: listen.to_owned(), ..Default::default() };
        assert!(of(OFF).server().unwrap().is_none());
        assert!(of("127.0.0.1:0").asked_to_listen() && !of(LISTEN).asked_to_listen());
        assert_eq!(of("nowhere").check().unwrap_err().code, "settings");
        let half = HttpSettings { tls_key: "key.pem".into(), ..Default::default() };
        assert_eq!(half.check().unwrap_err().code, "settings");
        assert_eq!(HttpSettings::default().server().unwrap(), Some(HttpOptions::default()));
    }
}
