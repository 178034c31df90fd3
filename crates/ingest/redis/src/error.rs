//! What can go wrong with Redis, by what the caller can do.

use redis::{ErrorKind, RedisError as Said, ServerErrorKind};
use thiserror::Error;

use crate::source::SinkError;

/// What can go wrong with Redis.
#[derive(Debug, Error)]
pub enum RedisError {
    /// The address is not one. Correct the setting.
    #[error("the address of Redis cannot be used: {what}")]
    Address {
        /// What is wrong with it; never the address itself, which may hold a password.
        what: String,
    },
    /// Redis refuses the user, the password or a command.
    #[error("Redis refuses: {what}")]
    Refused {
        /// What it said.
        what: String,
    },
    /// Redis is not there, reads its files, or is full. Retry; what was not acknowledged comes
    /// again.
    #[error("cannot reach Redis: {what}")]
    Unreachable {
        /// What it or the system said.
        what: String,
    },
    /// A key holds something else than a stream, or an answer is none that Redis gives.
    #[error("{what}")]
    Unfit {
        /// What does not fit.
        what: String,
    },
    /// What takes the entries did not. Retry; they come again.
    #[error("the entries were not taken")]
    Sink(#[source] SinkError),
}

impl RedisError {
    /// Its stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Address { .. } => "redis_address",
            Self::Refused { .. } => "redis_refused",
            Self::Unreachable { .. } => "redis_unreachable",
            Self::Unfit { .. } => "redis_unfit",
            Self::Sink(_) => "redis_sink",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Address { .. } => "give an address such as redis://host:6379",
            Self::Refused { .. } => "check user, password and rights (ACL) of the server",
            Self::Unreachable { .. } => {
                "see to the server; what was not acknowledged is read again"
            }
            Self::Unfit { .. } => {
                "check that the names are those of streams, and the server's version"
            }
            Self::Sink(_) => "see to the log; the entries are read again",
        }
    }

    /// Whether the same may work later without anybody changing a setting.
    pub fn passing(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Sink(_))
    }
}

impl From<Said> for RedisError {
    fn from(said: Said) -> Self {
        let what = said.to_string();
        let refusals = ["NOAUTH", "WRONGPASS", "NOPERM"];
        if refusals.into_iter().any(|code| said.code() == Some(code) || what.contains(code)) {
            return Self::Refused { what };
        }
        match said.kind() {
            ErrorKind::AuthenticationFailed => Self::Refused { what },
            ErrorKind::InvalidClientConfig => Self::Address { what },
            ErrorKind::Io
            | ErrorKind::Server(
                ServerErrorKind::BusyLoading
                | ServerErrorKind::TryAgain
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ReadOnly,
            ) => Self::Unreachable { what },
            _ if what.contains("OOM") || what.contains("MISCONF") => Self::Unreachable { what },
            _ => Self::Unfit { what },
        }
    }
}
