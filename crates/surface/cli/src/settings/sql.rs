//! `[sql]`: what statements may use, and where clients of Postgres connect.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shelf_query::{Limits, MIN_MEMORY_BYTES, Password, ServerOptions, TlsFiles};

use super::range;
use super::secret::Secret;
use crate::failure::Failure;

const MIB: u64 = 1 << 20;
/// Where clients connect when nobody says anything else: next to the port of Postgres itself.
const LISTEN: &str = "127.0.0.1:5433";
/// What stands in the place of an address when nobody is to connect.
const OFF: &str = "off";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SqlSettings {
    /// Memory for sorting, grouping, joining and windows, all statements together, in MiB.
    pub(crate) memory_mb: u64,
    /// What may go to temporary files beside it, in MiB; 0 for none.
    pub(crate) spill_mb: u64,
    /// How long a statement may take.
    pub(crate) timeout_seconds: u32,
    /// The most rows of an answer.
    pub(crate) max_rows: u64,
    /// Threads that work on statements.
    pub(crate) threads: usize,
    /// Where clients of Postgres connect to the running process, or `off`.
    pub(crate) listen: String,
    /// The most clients at once.
    pub(crate) connections: usize,
    /// What clients must know; needed where others than this machine may connect.
    pub(crate) password: Secret,
    /// The file of a certificate, where traffic is to be encrypted.
    pub(crate) tls_certificate: PathBuf,
    /// The file of its key.
    pub(crate) tls_key: PathBuf,
}

impl Default for SqlSettings {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            memory_mb: limits.memory_bytes as u64 / MIB,
            spill_mb: limits.spill_bytes / MIB,
            timeout_seconds: limits.timeout.as_secs() as u32,
            max_rows: limits.max_rows,
            threads: limits.threads,
            listen: LISTEN.to_owned(),
            connections: 250,
            password: Secret::default(),
            tls_certificate: PathBuf::new(),
            tls_key: PathBuf::new(),
        }
    }
}

impl SqlSettings {
    pub(super) fn check(&self) -> Result<(), Failure> {
        range("sql.memory_mb", self.memory_mb, MIN_MEMORY_BYTES as u64 / MIB, 1_048_576)?;
        range("sql.spill_mb", self.spill_mb, 0, 1_048_576)?;
        range("sql.timeout_seconds", self.timeout_seconds.into(), 1, 86_400)?;
        range("sql.max_rows", self.max_rows, 1, u64::MAX)?;
        range("sql.threads", self.threads as u64, 1, 256)?;
        range("sql.connections", self.connections as u64, 1, 10_000)?;
        if self.tls_certificate.as_os_str().is_empty() != self.tls_key.as_os_str().is_empty() {
            let message = "sql.tls_certificate and sql.tls_key belong together";
            return Err(Failure::new("settings", message, "give both, or neither"));
        }
        self.server().map(|_| ())
    }

    /// What statements may use.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            memory_bytes: (self.memory_mb * MIB) as usize,
            spill_bytes: self.spill_mb * MIB,
            timeout: Duration::from_secs(self.timeout_seconds.into()),
            max_rows: self.max_rows,
            threads: self.threads,
        }
    }

    /// Where clients connect; `None` where nobody is to.
    pub(crate) fn server(&self) -> Result<Option<ServerOptions>, Failure> {
        if self.listen == OFF {
            return Ok(None);
        }
        let listen: SocketAddr = self.listen.parse().map_err(|_| {
            Failure::new(
                "settings",
                format!("sql.listen is {:?}, and must be an address with a port", self.listen),
                "write 127.0.0.1:5433, or off",
            )
        })?;
        let tls = (!self.tls_certificate.as_os_str().is_empty()).then(|| TlsFiles {
            certificate: self.tls_certificate.clone(),
            key: self.tls_key.clone(),
        });
        let password = Password::new(self.password.reveal());
        Ok(Some(ServerOptions { listen, connections: self.connections, password, tls }))
    }

    /// Whether somebody has said where clients connect.
    pub(crate) fn asked_to_listen(&self) -> bool {
        self.listen != LISTEN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let settings = SqlSettings { password: Secret::new("open sesame"), ..Default::default() };
        let shown = serde_json::to_string(&settings).unwrap();
        assert!(!shown.contains("sesame") && shown.contains("(hidden)"), "{shown}");
        assert!(!format!("{settings:?} {:?}", settings.server()).contains("sesame"));
        let empty = serde_json::to_value(SqlSettings::default()).unwrap();
        assert_eq!(empty["password"], "");
        let digits: Secret = serde_json::from_str("12345").unwrap();
        assert_eq!(digits, Secret::new("12345"));
    }

    #[test]
    fn the_address_may_be_off() {
        let of = |listen: &str| SqlSettings { listen: listen.to_owned(), ..Default::default() };
        assert!(of(OFF).server().unwrap().is_none());
        assert!(of("127.0.0.1:0").asked_to_listen() && !of(LISTEN).asked_to_listen());
        assert_eq!(of("nowhere").check().unwrap_err().code, "settings");
    }
}
