//! What can go wrong with a link.

use shelf_host::HostError;
use shelf_mirrors::MirrorError;
use shelf_redis::RedisError;
use thiserror::Error;

/// What can go wrong with a link.
#[derive(Debug, Error)]
pub enum LinkError {
    /// With PostgreSQL.
    #[error(transparent)]
    Mirror(#[from] MirrorError),
    /// With Redis.
    #[error(transparent)]
    Redis(#[from] RedisError),
    /// With the chain itself.
    #[error(transparent)]
    Host(#[from] HostError),
    /// No thread or runtime can be started.
    #[error("cannot start a thread")]
    Thread(#[source] std::io::Error),
}

impl LinkError {
    /// Its stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Mirror(error) => error.code(),
            Self::Redis(error) => error.code(),
            Self::Host(error) => error.code(),
            Self::Thread(_) => "threads",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Mirror(error) => error.hint(),
            Self::Redis(error) => error.hint(),
            Self::Host(error) => error.hint(),
            Self::Thread(_) => "run `shelf doctor` for a look at the machine",
        }
    }

    /// Whether trying again makes no sense before a setting is changed. All else may be mended at
    /// the other side.
    pub(crate) fn lasting(&self) -> bool {
        match self {
            Self::Mirror(error) => matches!(error, MirrorError::Address { .. }),
            Self::Redis(error) => matches!(error, RedisError::Address { .. }),
            Self::Host(_) | Self::Thread(_) => true,
        }
    }

    /// Whether the same may work later without anybody doing anything.
    pub(crate) fn passing(&self) -> bool {
        match self {
            Self::Mirror(error) => error.passing(),
            Self::Redis(error) => error.passing(),
            Self::Host(_) | Self::Thread(_) => false,
        }
    }
}
