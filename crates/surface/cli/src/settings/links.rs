//! `[postgres]` and `[redis]`: what a running chain is joined with. An empty address means that
//! there is no such link.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shelf_domain::StoreId;
use shelf_links::{ConfigOptions, LinkError, LiveOptions, MirrorOptions, StreamOptions};
use shelf_mirrors::Postgres;
use shelf_redis::{Options, Redis};

use super::range;
use super::secret::Secret;
use crate::failure::Failure;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PostgresSettings {
    /// The address of the database; empty: none.
    pub(crate) url: String,
    /// The password of its user.
    pub(crate) password: Secret,
    /// A PEM file of the authorities that the server's certificate may be of.
    pub(crate) tls_roots: PathBuf,
    /// Whether the mirror is written.
    pub(crate) mirror: bool,
    /// Whether what people set in `config` is followed.
    pub(crate) config: bool,
    /// Whose log it is, where several follow the same tables.
    pub(crate) follower: String,
    /// How often the mirror is committed.
    pub(crate) commit_ms: u32,
    /// The most rows that wait for a commit of the mirror.
    pub(crate) commit_rows: u32,
    /// How often `config` is looked at without a notification.
    pub(crate) look_seconds: u32,
}

impl Default for PostgresSettings {
    fn default() -> Self {
        Self {
            url: String::new(),
            password: Secret::default(),
            tls_roots: PathBuf::new(),
            mirror: true,
            config: true,
            follower: "shelf".to_owned(),
            commit_ms: 500,
            commit_rows: 200_000,
            look_seconds: 30,
        }
    }
}

impl PostgresSettings {
    pub(super) fn check(&self) -> Result<(), Failure> {
        range("postgres.commit_ms", self.commit_ms.into(), 1, 3_600_000)?;
        range("postgres.commit_rows", self.commit_rows.into(), 1, 10_000_000)?;
        range("postgres.look_seconds", self.look_seconds.into(), 1, 86_400)?;
        self.postgres().map(drop)
    }

    /// Where the database is; `None` where there is none.
    fn postgres(&self) -> Result<Option<Postgres>, Failure> {
        if self.url.is_empty() {
            return Ok(None);
        }
        let mut postgres = Postgres::parse(&self.url).map_err(LinkError::from)?;
        if postgres.has_password() {
            return Err(password_shown("postgres"));
        }
        if !self.password.reveal().is_empty() {
            postgres = postgres.with_password(self.password.reveal());
        }
        if !self.tls_roots.as_os_str().is_empty() {
            postgres = postgres.with_roots(self.tls_roots.clone());
        }
        Ok(Some(postgres))
    }

    /// How the mirror is written; `None` where it is not.
    pub(crate) fn mirror(&self) -> Result<Option<MirrorOptions>, Failure> {
        let postgres = self.postgres()?.filter(|_| self.mirror);
        Ok(postgres.map(|postgres| MirrorOptions {
            postgres,
            commit_every: Duration::from_millis(self.commit_ms.into()),
            commit_rows: self.commit_rows.into(),
        }))
    }

    /// How `config` is followed; `None` where it is not.
    pub(crate) fn config(&self) -> Result<Option<ConfigOptions>, Failure> {
        let postgres = self.postgres()?.filter(|_| self.config);
        Ok(postgres.map(|postgres| ConfigOptions {
            postgres,
            follower: self.follower.clone(),
            look_every: Duration::from_secs(self.look_seconds.into()),
        }))
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RedisSettings {
    /// The address; empty: none.
    pub(crate) url: String,
    /// The password.
    pub(crate) password: Secret,
    /// The streams that are read.
    pub(crate) streams: Vec<String>,
    /// The consumer group.
    pub(crate) group: String,
    /// This process within the group.
    pub(crate) consumer: String,
    /// The store of entries that do not say theirs; empty: each must.
    pub(crate) store: String,
    /// The most entries of a batch.
    pub(crate) batch: u32,
    /// How long another consumer may keep an entry.
    pub(crate) claim_seconds: u32,
    /// How often what all groups have acknowledged is removed; 0: never.
    pub(crate) trim_seconds: u32,
    /// Whether the present and the newest figures are written, for others who read them.
    pub(crate) live_keys: bool,
    /// How often they are written.
    pub(crate) live_seconds: u32,
    /// Figures that are not written again for so long are gone.
    pub(crate) live_expiry_seconds: u32,
}

impl Default for RedisSettings {
    fn default() -> Self {
        let options = Options::default();
        Self {
            url: String::new(),
            password: Secret::default(),
            streams: options.streams,
            group: options.group,
            consumer: options.consumer,
            store: String::new(),
            batch: options.batch as u32,
            claim_seconds: options.claim_after.as_secs() as u32,
            trim_seconds: 0,
            live_keys: false,
            live_seconds: 1,
            live_expiry_seconds: 60,
        }
    }
}

impl RedisSettings {
    pub(super) fn check(&self) -> Result<(), Failure> {
        range("redis.batch", self.batch.into(), 1, 100_000)?;
        range("redis.claim_seconds", self.claim_seconds.into(), 1, 86_400)?;
        range("redis.trim_seconds", self.trim_seconds.into(), 0, 86_400)?;
        range("redis.live_seconds", self.live_seconds.into(), 1, 3_600)?;
        range("redis.live_expiry_seconds", self.live_expiry_seconds.into(), 1, 604_800)?;
        let live = self.live_keys()?;
        if self.live_keys && live.is_none() {
            let message = "redis.live_keys is on, and no redis.url says where they go";
            return Err(Failure::new("settings", message, "set redis.url, such as redis://host"));
        }
        if live.is_some_and(|live| live.expiry <= live.every) {
            let message = "redis.live_expiry_seconds is not more than redis.live_seconds";
            let hint = "figures would be gone before they are written again: make it longer";
            return Err(Failure::new("settings", message, hint));
        }
        self.streams().map(drop)
    }

    /// Where the server is; `None` where there is none.
    fn redis(&self) -> Result<Option<Redis>, Failure> {
        if self.url.is_empty() {
            return Ok(None);
        }
        let mut redis = Redis::parse(&self.url).map_err(LinkError::from)?;
        if redis.has_password() {
            return Err(password_shown("redis"));
        }
        if !self.password.reveal().is_empty() {
            redis = redis.with_password(self.password.reveal()).map_err(LinkError::from)?;
        }
        Ok(Some(redis))
    }

    /// How live keys are written; `None` where they are not.
    pub(crate) fn live_keys(&self) -> Result<Option<LiveOptions>, Failure> {
        let redis = self.redis()?.filter(|_| self.live_keys);
        Ok(redis.map(|redis| LiveOptions {
            redis,
            every: Duration::from_secs(self.live_seconds.into()),
            expiry: Duration::from_secs(self.live_expiry_seconds.into()),
        }))
    }

    /// How the streams are read; `None` where none are.
    pub(crate) fn streams(&self) -> Result<Option<StreamOptions>, Failure> {
        let Some(redis) = self.redis()?.filter(|_| !self.streams.is_empty()) else {
            return Ok(None);
        };
        let store = store_named("redis.store", &self.store)?;
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        let options = Options {
            streams: self.streams.clone(),
            group: self.group.clone(),
            consumer: self.consumer.clone(),
            batch: self.batch as usize,
            claim_after: seconds(self.claim_seconds),
            trim_every: Some(self.trim_seconds).filter(|every| *every > 0).map(seconds),
            ..Options::default()
        };
        Ok(Some(StreamOptions { redis, options, store }))
    }
}

/// The store that a setting names; `None` where it names none.
pub(super) fn store_named(setting: &str, name: &str) -> Result<Option<StoreId>, Failure> {
    let store = (!name.is_empty()).then(|| StoreId::new(name)).transpose();
    store.map_err(|_| {
        let message = format!("{setting} is {name:?}, which cannot be a store");
        Failure::new("settings", message, "name a store, or leave it empty")
    })
}

/// Addresses are shown where settings are; passwords never.
fn password_shown(section: &str) -> Failure {
    let message = format!("{section}.url holds a password, and would be shown");
    Failure::new("settings", message, format!("move it to {section}.password"))
}

impl From<LinkError> for Failure {
    fn from(error: LinkError) -> Self {
        Self::new(error.code(), error.to_string(), error.hint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_address_there_is_no_link() {
        let (postgres, redis) = (PostgresSettings::default(), RedisSettings::default());
        assert!(postgres.mirror().unwrap().is_none() && postgres.config().unwrap().is_none());
        assert!(redis.streams().unwrap().is_none());
    }

    #[test]
    fn a_password_stands_apart_from_the_address() {
        let postgres = |url: &str| PostgresSettings {
            url: url.to_owned(),
            password: Secret::new("open sesame"),
            config: false,
            ..PostgresSettings::default()
        };
        let mirror = postgres("postgres://ada@db/shop");
        let options = mirror.mirror().unwrap().unwrap();
        assert!(!format!("{mirror:?} {options:?}").contains("sesame"));
        assert!(mirror.config().unwrap().is_none());
        assert_eq!(postgres("postgres://ada:word@db/shop").check().unwrap_err().code, "settings");
        assert_eq!(postgres("nonsense").check().unwrap_err().code, "mirror_address");
        let redis = |url: &str, store: &str| RedisSettings {
            url: url.to_owned(),
            store: store.to_owned(),
            ..RedisSettings::default()
        };
        let streams = redis("redis://cache:6379", "S1").streams().unwrap().unwrap();
        assert_eq!((streams.store, streams.options.trim_every), (Some(StoreId::cut("S1")), None));
        assert!(redis("redis://cache:6379", "S1").live_keys().unwrap().is_none());
        let live = RedisSettings { live_keys: true, ..redis("redis://cache:6379", "") };
        assert_eq!(live.live_keys().unwrap().unwrap().expiry, Duration::from_mins(1));
        assert_eq!(redis("redis://:word@cache", "").check().unwrap_err().code, "settings");
        assert_eq!(redis("nonsense", "").check().unwrap_err().code, "redis_address");
    }
}
