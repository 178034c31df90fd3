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
    /// With the brokers of a bridge.
    #[cfg(feature = "kafka")]
    #[error(transparent)]
    Kafka(#[from] shelf_kafka::KafkaError),
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
            Self::Redis(error) => Said::of(error).code,
            #[cfg(feature = "kafka")]
            Self::Kafka(error) => error.code(),
            Self::Host(error) => error.code(),
            Self::Thread(_) => "threads",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Mirror(error) => error.hint(),
            Self::Redis(error) => Said::of(error).hint,
            #[cfg(feature = "kafka")]
            Self::Kafka(error) => error.hint(),
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
            #[cfg(feature = "kafka")]
            Self::Kafka(_) => false,
            Self::Host(error) => !of_brokers(error),
            Self::Thread(_) => true,
        }
    }

    /// Whether the same may work later without anybody doing anything.
    pub(crate) fn passing(&self) -> bool {
        match self {
            Self::Mirror(error) => error.passing(),
            Self::Redis(error) => Said::of(error).passing,
            #[cfg(feature = "kafka")]
            Self::Kafka(error) => error.passes(),
            Self::Host(error) => passes(error),
            Self::Thread(_) => false,
        }
    }
}

/// Whether an error of the chain is one of a log that is elsewhere, or of its snapshots: they come
/// back, or somebody mends them, while the link waits.
#[cfg(feature = "kafka")]
fn of_brokers(error: &HostError) -> bool {
    error.kafka().is_some() || matches!(error, HostError::Depot(_))
}

#[cfg(not(feature = "kafka"))]
fn of_brokers(_: &HostError) -> bool {
    false
}

/// Whether an error of the chain may be gone later without anybody doing anything.
#[cfg(feature = "kafka")]
fn passes(error: &HostError) -> bool {
    error.kafka().is_some_and(shelf_kafka::KafkaError::passes)
        || matches!(error, HostError::Depot(_))
}

#[cfg(not(feature = "kafka"))]
fn passes(_: &HostError) -> bool {
    false
}

/// What an error of streams says. That of brokers which take their entries speaks for itself.
pub(crate) struct Said {
    pub(crate) code: &'static str,
    pub(crate) hint: &'static str,
    pub(crate) passing: bool,
}

impl Said {
    pub(crate) fn of(error: &RedisError) -> Self {
        #[cfg(feature = "kafka")]
        if let RedisError::Sink(cause) = error
            && let Some(error) = cause.downcast_ref::<shelf_kafka::KafkaError>()
        {
            return Self { code: error.code(), hint: error.hint(), passing: error.passes() };
        }
        Self { code: error.code(), hint: error.hint(), passing: error.passing() }
    }
}
