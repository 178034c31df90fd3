//! Connecting to Redis.

use std::time::Duration;

use redis::{Client, Connection, ConnectionInfo, IntoConnectionInfo as _};

use crate::RedisError;

/// How long a connection may take to come.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may take beyond the time that it was asked to wait for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where a Redis is, and how to come in.
#[derive(Clone)]
pub struct Redis {
    client: Client,
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The rest of the configuration holds the password.
        f.debug_struct("Redis").field("at", &self.to_string()).finish()
    }
}

impl std::fmt::Display for Redis {
    /// The address without a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "redis://{}", self.client.get_connection_info().addr())
    }
}

impl Redis {
    /// Reads an address: `redis://user:password@host:port/database`.
    pub fn parse(address: &str) -> Result<Self, RedisError> {
        let info = address.into_connection_info()?;
        Self::of(info)
    }

    /// Whether the address holds a password.
    pub fn has_password(&self) -> bool {
        self.client.get_connection_info().redis_settings().password().is_some()
    }

    /// With this password, whatever the address says.
    pub fn with_password(self, password: &str) -> Result<Self, RedisError> {
        let info = self.client.get_connection_info().clone();
        let settings = info.redis_settings().clone().set_password(password);
        Self::of(info.set_redis_settings(settings))
    }

    fn of(info: ConnectionInfo) -> Result<Self, RedisError> {
        Ok(Self { client: Client::open(info)? })
    }

    /// Connects; an answer may be waited for as long as `block`.
    pub(crate) fn connect(&self, block: Duration) -> Result<Connection, RedisError> {
        let connection = self.client.get_connection_with_timeout(CONNECT)?;
        connection.set_read_timeout(Some(block + PATIENCE))?;
        connection.set_write_timeout(Some(PATIENCE))?;
        Ok(connection)
    }
}
