//! The files of a table at a moment, for whoever scans them: paths, rows and bounds, without a word
//! of Delta.

use std::collections::HashMap;
use std::sync::Arc;

use deltalake::datafusion::execution::object_store::ObjectStoreUrl;
use deltalake::kernel::LogicalFileView;
use deltalake::{DeltaTable, ObjectStore};
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
    delta: tokio::sync::Mutex<Option<DeltaTable>>,
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
        Self { table, delta: tokio::sync::Mutex::default() }
    }

    /// The table that is read.
    pub fn table(&self) -> &'static Table {
        self.table
    }

    /// The newest version; `None` where the table has not been made.
    pub async fn newest(&self, lake: &Lake) -> Result<Option<Snapshot>, LakeError> {
        let mut known = self.delta.lock().await;
        match known.as_mut() {
            Some(delta) => {
                let name = self.table.full_name();
                delta.update_state().await.map_err(LakeError::unreachable("read", &name))?;
            }
            None => *known = lake.open(self.table).await?,
        }
        Ok(known.clone().map(|delta| Snapshot { table: self.table, delta }))
    }

    /// An older version.
    pub async fn version(&self, lake: &Lake, version: Version) -> Result<Snapshot, LakeError> {
        let name = self.table.full_name();
        let never = |what: String| LakeError::NoVersion { what };
        let opened = lake.open(self.table).await?;
        let mut delta = opened.ok_or_else(|| never(format!("{name} has not been made yet")))?;
        let newest = delta.version().unwrap_or_default();
        let loaded = match version {
            Version::Number(number) if number > newest => {
                let what = format!("{name} has no version {number}; its newest is {newest}");
                return Err(never(what));
            }
            Version::Number(number) => delta.load_version(number).await,
            Version::At(at) => {
                let out = || never("that time is out of the range of times".to_owned());
                let at = chrono::DateTime::from_timestamp_micros(at.0).ok_or_else(out)?;
                delta.load_with_datetime(at).await
            }
        };
        loaded.map_err(|error| never(format!("{name} of then: {error}")))?;
        Ok(Snapshot { table: self.table, delta })
    }
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

    /// Where its files are, and what reads them.
    pub fn store(&self) -> (ObjectStoreUrl, Arc<dyn ObjectStore>) {
        let store = self.delta.log_store();
        (store.object_store_url(), store.object_store(None))
    }
}
