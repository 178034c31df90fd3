//! Snapshots in an object store, so that a partition moves with its snapshot to machines that share
//! no folder.
//!
//! A snapshot is named by the position that it stands for and is put only where none of that name
//! is: the state of a position is the same whoever saved it, so a worker that was fenced and does
//! not know it yet changes nothing. Of the older ones it removes, it keeps the newest. It must
//! never hand on half a snapshot: what is fetched gets its name when it is whole.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::path::Path as Name;
use object_store::{
    BackoffConfig, ClientOptions, Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions,
    RetryConfig,
};
use shelf_engine::SnapshotStore;
use thiserror::Error;
use tokio::runtime::{Builder, Runtime};

/// How many snapshots of a partition are kept: one may turn out to be unreadable.
const KEPT: usize = 2;
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
const TRIES_WITHIN: Duration = Duration::from_secs(20);
const ENDING: &str = ".snapshot";
/// What a fetched file is called as long as it is not whole. Whoever saves a snapshot takes away
/// what ends in `.tmp`.
const HALF: &str = "part";
/// One that is older was left by a process that ended in the middle of it.
const LEFT_AFTER: Duration = Duration::from_mins(10);

/// Why snapshots could not be fetched or kept.
#[derive(Debug, Error)]
pub enum DepotError {
    /// The address is not one, or the store cannot be set up for it.
    #[error("the address of snapshots cannot be used: {what}")]
    Address {
        /// Why.
        what: String,
    },
    /// The store does not do what was asked.
    #[error("cannot {action} snapshots in {url}")]
    Store {
        /// What was tried, as a verb.
        action: &'static str,
        /// Where.
        url: String,
        /// What it says.
        #[source]
        source: Error,
    },
    /// The folder into which they are fetched fails.
    #[error("cannot {action} {}", path.display())]
    Folder {
        /// What was tried, as a verb.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
}

/// The snapshots of a chain in an object store. Clones are the same depot.
#[derive(Clone, Debug)]
pub struct Depot {
    store: Arc<dyn ObjectStore>,
    prefix: Name,
    url: String,
    runtime: Arc<Runtime>,
}

impl Depot {
    /// The depot at `s3://bucket/prefix`. Keys, region and endpoint are those of `options`, under
    /// the names of AWS, and of the environment where they are missing.
    pub fn open(url: &str, options: &BTreeMap<String, String>) -> Result<Self, DepotError> {
        let wrong = |what: String| DepotError::Address { what };
        let rest = url.strip_prefix("s3://");
        let rest = rest.ok_or_else(|| wrong("it does not begin with s3://".to_owned()))?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(wrong("it names no bucket".to_owned()));
        }
        let retry = RetryConfig {
            backoff: BackoffConfig::default(),
            max_retries: 5,
            retry_timeout: TRIES_WITHIN,
        };
        let client = ClientOptions::new().with_timeout(ANSWER_WITHIN);
        let mut builder = AmazonS3Builder::from_env()
            .with_client_options(client)
            .with_bucket_name(bucket)
            .with_retry(retry);
        for (name, value) in options {
            let key = AmazonS3ConfigKey::from_str(&name.to_ascii_lowercase())
                .map_err(|error| wrong(error.to_string()))?;
            builder = builder.with_config(key, value);
        }
        // Whoever names an endpoint without TLS wants it.
        let endpoint = AmazonS3ConfigKey::Endpoint;
        let plain =
            builder.get_config_value(&endpoint).is_some_and(|url| url.starts_with("http://"));
        let builder = builder.with_allow_http(plain);
        let store = builder.build().map_err(|error| wrong(error.to_string()))?;
        let prefix = Name::parse(prefix).map_err(|error| wrong(error.to_string()))?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("shelf-snapshots")
            .enable_all()
            .build()
            .map_err(|error| wrong(error.to_string()))?;
        let store = Arc::new(store);
        Ok(Self { store, prefix, url: url.to_owned(), runtime: Arc::new(runtime) })
    }

    fn failed(&self, action: &'static str) -> impl FnOnce(Error) -> DepotError {
        let url = self.url.clone();
        move |source| DepotError::Store { action, url, source }
    }

    fn place(&self, partition: u32) -> Name {
        self.prefix.clone().join(format!("p{partition:02}"))
    }

    fn name(&self, partition: u32, position: u64) -> Name {
        self.place(partition).join(format!("{position:020}{ENDING}"))
    }

    /// The positions of the snapshots of a partition, the newest first.
    pub fn positions(&self, partition: u32) -> Result<Vec<u64>, DepotError> {
        let place = self.place(partition);
        let listed = self.runtime.block_on(self.store.list_with_delimiter(Some(&place)));
        let listed = listed.map_err(self.failed("list"))?;
        let number = |name: &Name| name.filename()?.strip_suffix(ENDING)?.parse().ok();
        let mut positions: Vec<u64> =
            listed.objects.iter().filter_map(|object| number(&object.location)).collect();
        positions.sort_unstable_by(|a, b| b.cmp(a));
        Ok(positions)
    }

    /// Fetches what is newer than the snapshots in the folder. Returns how many came.
    pub fn fetch(&self, partition: u32, folder: &Path) -> Result<usize, DepotError> {
        let ours = SnapshotStore::new(folder, partition);
        let newest = positions_in(&ours, folder)?.first().copied();
        let theirs = self.positions(partition)?.into_iter().take(KEPT);
        let mut fetched = 0;
        for position in theirs.filter(|&position| newest.is_none_or(|newest| position > newest)) {
            let name = self.name(partition, position);
            let got = self.runtime.block_on(async { self.store.get(&name).await?.bytes().await });
            let bytes = match got {
                // Its owner has just let it go.
                Err(Error::NotFound { .. }) => continue,
                got => got.map_err(self.failed("fetch"))?,
            };
            write(&ours.path(position), &bytes)?;
            fetched += 1;
        }
        Ok(fetched)
    }

    /// Keeps the newest snapshot of the folder, where none of its position is kept, and lets older
    /// ones go. Returns the position of the newest that is kept.
    pub fn keep(&self, partition: u32, folder: &Path) -> Result<Option<u64>, DepotError> {
        let ours = SnapshotStore::new(folder, partition);
        let newest = positions_in(&ours, folder)?.first().copied();
        let mut theirs = self.positions(partition)?;
        let newest = newest.filter(|position| !theirs.contains(position));
        if let Some(position) = newest {
            let path = ours.path(position);
            let bytes = fs::read(&path).map_err(in_folder("read", &path))?;
            let name = self.name(partition, position);
            let create = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
            let put = self.runtime.block_on(self.store.put_opts(&name, bytes.into(), create));
            match put {
                Ok(_) | Err(Error::AlreadyExists { .. }) => {}
                Err(error) => return Err(self.failed("put")(error)),
            }
            theirs.push(position);
            theirs.sort_unstable_by(|a, b| b.cmp(a));
        }
        for &old in theirs.iter().skip(KEPT) {
            let gone = self.runtime.block_on(self.store.delete(&self.name(partition, old)));
            match gone {
                Ok(()) | Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(self.failed("remove")(error)),
            }
        }
        Ok(theirs.first().copied())
    }
}

/// The positions of the snapshots in the folder, the newest first.
fn positions_in(ours: &SnapshotStore, folder: &Path) -> Result<Vec<u64>, DepotError> {
    ours.positions().map_err(|error| {
        let (action, path) = ("look at the snapshots in", folder.to_owned());
        DepotError::Folder { action, path, source: std::io::Error::other(error) }
    })
}

fn in_folder(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> DepotError {
    let path = path.to_owned();
    move |source| DepotError::Folder { action, path, source }
}

/// Writes a whole file under its name, durably, or none. Others may write it at the same time, a
/// lane and its standby or workers that share the folder: each has a name of its own until it is
/// whole.
fn write(path: &Path, bytes: &[u8]) -> Result<(), DepotError> {
    let folder = path.parent().unwrap_or(Path::new(""));
    fs::create_dir_all(folder).map_err(in_folder("make", folder))?;
    clear(folder).map_err(in_folder("clear", folder))?;
    let mut chance = [0; 8];
    let drawn = getrandom::fill(&mut chance);
    let drawn = drawn.map_err(|error| std::io::Error::other(error.to_string()));
    drawn.map_err(in_folder("name a file in", folder))?;
    let own = u64::from_le_bytes(chance);
    let temporary = path.with_extension(format!("{own:016x}.{HALF}"));
    let written = File::create_new(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let whole = written.and_then(|()| fs::rename(&temporary, path));
    whole.map_err(in_folder("write", &temporary)).inspect_err(|_| {
        // What is half written would only keep a full disk full.
        let _ = fs::remove_file(&temporary);
    })?;
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(in_folder("sync", folder))
}

/// Takes away what processes left that ended in the middle of a file.
fn clear(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|ending| ending != HALF) {
            continue;
        }
        // Others clear the folder too.
        let written = fs::metadata(&path).and_then(|of| of.modified());
        if written.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > LEFT_AFTER)) {
            let _ = fs::remove_file(&path);
        }
    }
    Ok(())
}

impl DepotError {
    /// Its stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Address { .. } => "snapshots_address",
            Self::Store { .. } => "snapshots_away",
            Self::Folder { .. } => "snapshots_folder",
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Address { .. } => "write it as s3://bucket/prefix, or name a folder",
            Self::Store { .. } => {
                "check the bucket, and the keys, region and endpoint in the environment; it is \
                 tried again"
            }
            Self::Folder { .. } => "check the folder of snapshots, and its disk",
        }
    }
}
