//! Live keys: the present of the shop and its newest figures, for others who read them from Redis.

use std::time::Duration;

use redis::{Connection, Value, pipe};

use crate::RedisError;
use crate::connect::Redis;

/// The present, as text: a moment in RFC 3339 and the store's own date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Now {
    /// The moment.
    pub now: String,
    /// The date.
    pub today: String,
}

/// A figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Whose.
    pub store: String,
    /// Which.
    pub name: String,
    /// Its value as JSON; `null` where it is not known.
    pub value: String,
}

/// Writes `sim:now`, `sim:today`, and `shelf:kpi:<store>` as a hash of figures that expires.
pub struct LiveKeys {
    connection: Connection,
    expiry: Duration,
}

impl std::fmt::Debug for LiveKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LiveKeys").field("expiry", &self.expiry).finish_non_exhaustive()
    }
}

impl LiveKeys {
    /// Connects. Figures that are not written again for `expiry` are gone.
    pub fn open(redis: &Redis, expiry: Duration) -> Result<Self, RedisError> {
        Ok(Self { connection: redis.connect(Duration::ZERO)?, expiry })
    }

    /// Writes the present and the figures, all at once.
    pub fn publish(&mut self, now: &Now, readings: &[Reading]) -> Result<(), RedisError> {
        let mut pipeline = pipe();
        pipeline.atomic();
        pipeline.cmd("SET").arg("sim:now").arg(&now.now).ignore();
        pipeline.cmd("SET").arg("sim:today").arg(&now.today).ignore();
        let mut keys = std::collections::BTreeSet::new();
        for reading in readings {
            let key = format!("shelf:kpi:{}", reading.store);
            pipeline.cmd("HSET").arg(&key).arg(&reading.name).arg(&reading.value).ignore();
            keys.insert(key);
        }
        for key in keys {
            pipeline.cmd("PEXPIRE").arg(key).arg(self.expiry.as_millis() as u64).ignore();
        }
        pipeline.query::<Value>(&mut self.connection)?;
        Ok(())
    }
}
