//! What can be set about links. An empty address means that there is no such link.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shelf_domain::StoreId;
use shelf_mirrors::{MirrorError, Postgres};
use shelf_redis::{Options, Redis, RedisError};

use crate::LinkError;
use crate::config::ConfigOptions;
use crate::mirror::MirrorOptions;
use crate::streams::StreamOptions;

/// `[postgres]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostgresSettings {
    /// The address of the database; empty: none.
    pub url: String,
    /// A file that holds the password alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// A PEM file of the authorities that the server's certificate may be of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_roots: Option<PathBuf>,
    /// Whether the mirror is written.
    pub mirror: bool,
    /// Whether what people set in `config` is followed.
    pub config: bool,
    /// Whose log it is, where several follow the same tables.
    pub follower: String,
    /// How often the mirror is committed, in milliseconds.
    pub commit_ms: u32,
    /// The most rows that wait for a commit of the mirror.
    pub commit_rows: u32,
    /// How often `config` is looked at without a notification, in seconds.
    pub look_seconds: u32,
}

impl Default for PostgresSettings {
    fn default() -> Self {
        Self {
            url: String::new(),
            password_file: None,
            tls_roots: None,
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
    /// Where the database is; `None` where there is none.
    fn postgres(&self) -> Result<Option<Postgres>, LinkError> {
        if self.url.is_empty() {
            return Ok(None);
        }
        let mut postgres = Postgres::parse(&self.url)?;
        if let Some(file) = &self.password_file {
            let read = password(file).map_err(|what| MirrorError::Address { what })?;
            postgres = postgres.with_password(&read);
        }
        if let Some(file) = &self.tls_roots {
            postgres = postgres.with_roots(file.clone());
        }
        Ok(Some(postgres))
    }

    /// How the mirror is written; `None` where it is not.
    pub fn mirror(&self) -> Result<Option<MirrorOptions>, LinkError> {
        let postgres = self.postgres()?.filter(|_| self.mirror);
        Ok(postgres.map(|postgres| MirrorOptions {
            postgres,
            commit_every: Duration::from_millis(self.commit_ms.into()),
            commit_rows: self.commit_rows.into(),
        }))
    }

    /// How `config` is followed; `None` where it is not.
    pub fn config(&self) -> Result<Option<ConfigOptions>, LinkError> {
        let postgres = self.postgres()?.filter(|_| self.config);
        Ok(postgres.map(|postgres| ConfigOptions {
            postgres,
            follower: self.follower.clone(),
            look_every: Duration::from_secs(self.look_seconds.into()),
        }))
    }
}

/// `[redis]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisSettings {
    /// The address; empty: none.
    pub url: String,
    /// A file that holds the password alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// The streams that are read; none: only live keys.
    pub streams: Vec<String>,
    /// The consumer group.
    pub group: String,
    /// This consumer's name within the group.
    pub consumer: String,
    /// The store of entries that do not say theirs; empty: each must.
    pub store: String,
    /// The most entries of a batch.
    pub batch: u32,
    /// How long another consumer may keep an entry, in seconds.
    pub claim_seconds: u32,
    /// How often what all groups have acknowledged is removed, in seconds; 0: never.
    pub trim_seconds: u32,
}

impl Default for RedisSettings {
    fn default() -> Self {
        let options = Options::default();
        Self {
            url: String::new(),
            password_file: None,
            streams: options.streams,
            group: options.group,
            consumer: options.consumer,
            store: String::new(),
            batch: options.batch as u32,
            claim_seconds: options.claim_after.as_secs() as u32,
            trim_seconds: 0,
        }
    }
}

impl RedisSettings {
    /// Where Redis is; `None` where there is none.
    pub fn redis(&self) -> Result<Option<Redis>, LinkError> {
        if self.url.is_empty() {
            return Ok(None);
        }
        let redis = Redis::parse(&self.url)?;
        Ok(Some(match &self.password_file {
            Some(file) => {
                let read = password(file).map_err(|what| RedisError::Address { what })?;
                redis.with_password(&read)?
            }
            None => redis,
        }))
    }

    /// How the streams are read; `None` where none are.
    pub fn streams(&self) -> Result<Option<StreamOptions>, LinkError> {
        let Some(redis) = self.redis()?.filter(|_| !self.streams.is_empty()) else {
            return Ok(None);
        };
        let store = match self.store.as_str() {
            "" => None,
            name => Some(StoreId::new(name).map_err(|_| RedisError::Address {
                what: format!("{name:?} cannot be the id of a store"),
            })?),
        };
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

fn password(file: &std::path::Path) -> Result<String, String> {
    let read = std::fs::read_to_string(file);
    let read = read.map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(read.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_address_there_is_no_link() {
        let (postgres, redis) = (PostgresSettings::default(), RedisSettings::default());
        assert!(postgres.mirror().unwrap().is_none() && postgres.config().unwrap().is_none());
        assert!(redis.redis().unwrap().is_none() && redis.streams().unwrap().is_none());
    }

    #[test]
    fn a_password_comes_from_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("password");
        std::fs::write(&file, "a word\n").unwrap();
        assert_eq!(password(&file).unwrap(), "a word");
        let redis = RedisSettings {
            url: "redis://127.0.0.1:1".to_owned(),
            password_file: Some(dir.path().join("none")),
            ..RedisSettings::default()
        };
        assert_eq!(redis.streams().unwrap_err().code(), "redis_address");
        let link = RedisSettings { password_file: Some(file), store: "S1".to_owned(), ..redis };
        let streams = link.streams().unwrap().unwrap();
        assert_eq!((streams.store, streams.options.trim_every), (Some(StoreId::cut("S1")), None));
        let mirror_only = PostgresSettings {
            url: "postgres://u@h/d".to_owned(),
            config: false,
            ..PostgresSettings::default()
        };
        assert!(mirror_only.mirror().unwrap().is_some());
        assert!(mirror_only.config().unwrap().is_none());
    }
}
