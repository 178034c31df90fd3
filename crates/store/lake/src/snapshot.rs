//! The files of a table at a moment, for whoever scans them: paths, rows and bounds, without a word
//! of Delta.

use std::collections::HashMap;
use std::sync::Arc;

use deltalake::datafusion::execution::object_store::ObjectStoreUrl;
use deltalake::kernel::LogicalFileView;
use deltalake::logstore::object_store::{self, ObjectMeta, ObjectStoreExt as _};
use deltalake::{DeltaTable, DeltaTableError, ObjectStore, Path};
use futures::TryStreamExt;
use shelf_domain::Timestamp;

use crate::table::Table;
use crate::{Lake, LakeError};

/// A version of a table, by what people know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// Its number.
    Number(u64),
    /// The one that held at a time.
    At(Timestamp),
}

/// A table, and how far its log has been read: what has been read stays read.
#[derive(Debug)]
pub struct Reading {
    table: &'static Table,
    known: tokio::sync::Mutex<Option<Known>>,
}

/// What has been read of a table.
#[derive(Debug)]
struct Known {
    delta: DeltaTable,
    /// What the store says of the last entry of its log.
    entry: ObjectMeta,
}

/// A version of a table.
#[derive(Clone, Debug)]
pub struct Snapshot {
    table: &'static Table,
    delta: DeltaTable,
}

/// A file with rows of a table.
#[derive(Clone, Debug)]
pub struct DataFile {
    /// Where it is, as the store of objects names it.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its rows, where the log of the table tells.
    pub rows: Option<usize>,
    /// The values of the columns that are in its path and not in it.
    pub folder_values: HashMap<String, Option<String>>,
    /// Bounds of its columns as the log of the table writes them: JSON with `minValues` and
    /// `maxValues`.
    pub bounds: Option<String>,
}

impl Reading {
    /// Nothing is read yet.
    pub fn of(table: &'static Table) -> Self {
        Self { table, known: tokio::sync::Mutex::default() }
    }

    /// The table that is read.
    pub fn table(&self) -> &'static Table {
        self.table
    }

    /// The newest version; `None` where the table has not been made.
    pub async fn newest(&self, lake: &Lake) -> Result<Option<Snapshot>, LakeError> {
        let mut known = self.known.lock().await;
        // What was removed, and perhaps made again, is read from its beginning.
        let updated = match known.take() {
            Some(known) => known.updated().await,
            None => None,
        };
        *known = match updated {
            Some(updated) => Some(updated),
            None => Known::of(lake, self.table).await?,
        };
        Ok(known.as_ref().map(|known| Snapshot { table: self.table, delta: known.delta.clone() }))
    }

    /// An older version. Files of it may have been removed since: whoever reads it looks.
    pub async fn version(&self, lake: &Lake, version: Version) -> Result<Snapshot, LakeError> {
        let name = self.table.full_name();
        let never = |what: String| LakeError::NoVersion { what };
        let opened = lake.open(self.table).await?;
        let mut delta = opened.ok_or_else(|| never(format!("{name} has not been made yet")))?;
        let newest = delta.version().unwrap_or_default();
        let number = match version {
            Version::Number(number) if number > newest => {
                let what = format!("{name} has no version {number}; its newest is {newest}");
                return Err(never(what));
            }
            Version::Number(number) => number,
            Version::At(at) => {
                let found = entry_at(&delta, at).await;
                let found = found.map_err(LakeError::unreachable("read", &name))?;
                found.map_err(|kept| never(format!("{name} of then: {kept}")))?
            }
        };
        match delta.load_version(number).await {
            Ok(()) => Ok(Snapshot { table: self.table, delta }),
            Err(error @ DeltaTableError::ObjectStore { .. }) => {
                Err(LakeError::unreachable("read", &name)(error))
            }
            Err(error) => Err(never(format!("{name} of then: {error}"))),
        }
    }
}

impl Known {
    async fn of(lake: &Lake, table: &Table) -> Result<Option<Self>, LakeError> {
        let Some(delta) = lake.open(table).await? else { return Ok(None) };
        let entry = last_entry(&delta).await;
        let entry = entry.map_err(LakeError::unreachable("read", &table.full_name()))?;
        Ok(entry.map(|entry| Self { delta, entry }))
    }

    /// With what has been committed since; `None` where the log is not the one that was read.
    async fn updated(mut self) -> Option<Self> {
        if last_entry(&self.delta).await.ok()? != Some(self.entry) {
            return None;
        }
        self.delta.update_state().await.ok()?;
        self.entry = last_entry(&self.delta).await.ok()??;
        Some(self)
    }
}

/// What the store says of the newest entry of a table's log that has been read; `None` where it is
/// not there any more.
pub(crate) async fn last_entry(delta: &DeltaTable) -> Result<Option<ObjectMeta>, DeltaTableError> {
    let number = delta.version().unwrap_or_default();
    let path = Path::from(format!("_delta_log/{number:020}.json"));
    match delta.log_store().object_store(None).head(&path).await {
        Ok(entry) => Ok(Some(entry)),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The number of the version that was the newest at a time, by when the entries of the log were
/// written; else why there is none. A later version is never of an earlier time, whatever a clock
/// did.
async fn entry_at(
    delta: &DeltaTable,
    at: Timestamp,
) -> Result<Result<u64, String>, DeltaTableError> {
    let store = delta.log_store().object_store(None);
    let log = Path::from("_delta_log");
    let mut entries: Vec<(u64, Timestamp)> = Vec::new();
    for entry in store.list_with_delimiter(Some(&log)).await?.objects {
        let name = entry.location.filename().and_then(|name| name.strip_suffix(".json"));
        if let Some(number) = name.and_then(|name| name.parse().ok()) {
            entries.push((number, Timestamp(entry.last_modified.timestamp_micros())));
        }
    }
    entries.sort_unstable();
    let mut latest = Timestamp::EARLIEST;
    let mut found = Err("nothing of its log is left".to_owned());
    for (index, (number, written)) in entries.into_iter().enumerate() {
        latest = latest.max(written);
        if latest > at {
            if number == 0 {
                // Before it was made it had no row, as then.
                found = Ok(0);
            } else if index == 0 {
                let first = chrono::DateTime::from_timestamp_micros(latest.0).unwrap_or_default();
                let first = first.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
                found = Err(format!("the oldest version that is kept is of {first}"));
            }
            break;
        }
        found = Ok(number);
    }
    Ok(found)
}

impl Snapshot {
    /// The table.
    pub fn table(&self) -> &'static Table {
        self.table
    }

    /// Its files.
    pub async fn files(&self) -> Result<Vec<DataFile>, LakeError> {
        let name = self.table.full_name();
        let views = self.delta.get_active_add_actions_by_predicate(None);
        let views: Vec<LogicalFileView> =
            views.try_collect().await.map_err(LakeError::unreachable("read", &name))?;
        let file = |view: &LogicalFileView| {
            if view.deletion_vector_descriptor().is_some() {
                let what = "rows of it are marked as deleted".to_owned();
                return Err(LakeError::Foreign { table: name.clone(), what });
            }
            Ok(DataFile {
                path: view.object_store_path().to_string(),
                bytes: u64::try_from(view.size()).unwrap_or_default(),
                rows: view.num_records(),
                folder_values: view.partition_values_map(),
                bounds: view.stats(),
            })
        };
        views.iter().map(file).collect()
    }

    /// How many rows it has; `None` where a file does not say.
    pub async fn rows(&self) -> Result<Option<usize>, LakeError> {
        let views = self.delta.get_active_add_actions_by_predicate(None);
        let sum = |rows: Option<usize>, view: LogicalFileView| {
            let rows = rows.zip(view.num_records()).map(|(rows, more)| rows + more);
            async move { Ok(rows) }
        };
        let rows = views.try_fold(Some(0), sum).await;
        rows.map_err(LakeError::unreachable("read", &self.table.full_name()))
    }

    /// Where its files are, and what reads them.
    pub fn store(&self) -> (ObjectStoreUrl, Arc<dyn ObjectStore>) {
        let store = self.delta.log_store();
        (store.object_store_url(), store.object_store(None))
    }
}
