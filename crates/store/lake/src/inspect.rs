//! Looking at the tables: how large they are, what was done to them, whether they are whole.

use std::collections::BTreeMap;

use deltalake::DeltaTable;
use deltalake::datafusion::object_store::ObjectStoreExt as _;
use deltalake::datafusion::prelude::SessionContext;
use futures::TryStreamExt as _;
use serde::Serialize;

use crate::LakeError;
use crate::lake::Lake;
use crate::positions::Positions;
use crate::table::Table;
use crate::tables::FOLLOWING;
use crate::writer::{OwnPositions, own_positions};

/// How large a table is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableSize {
    /// Its full name.
    pub table: String,
    /// Its newest version; `None` where it has not been made.
    pub version: Option<u64>,
    /// Its rows.
    pub rows: u64,
    /// Its live files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What a row of it is.
    pub comment: String,
}

/// One commit of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableCommit {
    /// The version that it made.
    pub version: Option<u64>,
    /// When, in milliseconds since 1970.
    pub committed_at_ms: Option<i64>,
    /// What was done, as Delta names it.
    pub operation: String,
    /// With which options.
    pub parameters: BTreeMap<String, String>,
}

/// What two versions of a table differ in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableDifference {
    /// Files that only the later version has.
    pub files_added: u64,
    /// Files that only the earlier version has.
    pub files_removed: u64,
    /// Rows of the earlier version.
    pub rows_before: u64,
    /// Rows of the later version.
    pub rows_after: u64,
    /// Columns that only the later version has.
    pub columns_added: Vec<String>,
    /// Bytes of the earlier version.
    pub bytes_before: u64,
    /// Bytes of the later version.
    pub bytes_after: u64,
}

/// What checking a table found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TableCheck {
    /// Rows that the table's log tells of.
    pub rows: u64,
    /// Rows that its files hold.
    pub rows_read: u64,
    /// Rows whose key another row has too.
    pub repeated: u64,
    /// Files that are missing or not as long as they were written.
    pub damaged_files: Vec<String>,
    /// What else is wrong; empty where nothing is.
    pub trouble: String,
}

impl TableCheck {
    /// Whether nothing is wrong.
    pub fn sound(&self) -> bool {
        self.damaged_files.is_empty()
            && self.repeated == 0
            && self.rows == self.rows_read
            && self.trouble.is_empty()
    }
}

impl Lake {
    /// How large a table is.
    pub async fn size(&self, table: &Table) -> Result<TableSize, LakeError> {
        let name = table.full_name();
        let mut size = TableSize {
            table: name.clone(),
            version: None,
            rows: 0,
            files: 0,
            bytes: 0,
            comment: table.comment().to_owned(),
        };
        let Some(delta) = self.open(table).await? else { return Ok(size) };
        let (rows, files, bytes) = totals(&delta, &name)?;
        size.version = delta.version();
        (size.rows, size.files, size.bytes) = (rows, files, bytes);
        Ok(size)
    }

    /// How far each table has come, for a log of so many partitions. Nothing is made.
    pub async fn positions(&self, partitions: u32) -> Result<Positions, LakeError> {
        let mut own = Vec::new();
        for &table in FOLLOWING {
            let said = match self.open(table).await? {
                Some(delta) => own_positions(&delta, table, partitions).await?,
                None => OwnPositions::none(partitions),
            };
            own.push((table, said));
        }
        let whole = own.last().map(|(_, said)| said.offsets.clone()).unwrap_or_default();
        let mut positions = Positions::default();
        for (table, said) in own {
            positions.set(table, said.with(&whole));
        }
        Ok(positions)
    }

    /// The newest commits of a table, at most so many.
    pub async fn history(
        &self,
        table: &Table,
        limit: usize,
    ) -> Result<Vec<TableCommit>, LakeError> {
        let name = table.full_name();
        let delta = self.open(table).await?.ok_or(LakeError::NoTable { table: name.clone() })?;
        let stream = delta.history(Some(limit));
        let infos: Vec<_> =
            stream.try_collect().await.map_err(LakeError::unreachable("read", &name))?;
        let newest = delta.version();
        let commits = infos.into_iter().enumerate().map(|(back, info)| TableCommit {
            version: newest.and_then(|newest| newest.checked_sub(back as u64)),
            committed_at_ms: info.timestamp,
            operation: info.operation.unwrap_or_default(),
            parameters: info
                .operation_parameters
                .unwrap_or_default()
                .into_iter()
                .map(|(key, value)| {
                    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    (key, text)
                })
                .collect(),
        });
        Ok(commits.collect())
    }

    /// What two versions of a table differ in.
    pub async fn difference(
        &self,
        table: &Table,
        from: u64,
        to: u64,
    ) -> Result<TableDifference, LakeError> {
        let name = table.full_name();
        let mut before =
            self.open(table).await?.ok_or(LakeError::NoTable { table: name.clone() })?;
        let mut after = before.clone();
        let failed = || LakeError::unreachable("read a version of", &name);
        before.load_version(from).await.map_err(failed())?;
        after.load_version(to).await.map_err(failed())?;
        let paths = |delta: &DeltaTable| -> Result<Vec<String>, LakeError> {
            let snapshot = delta.snapshot().map_err(LakeError::unreachable("read", &name))?;
            Ok(snapshot.log_data().iter().map(|file| file.path().into_owned()).collect())
        };
        let (old, new) = (paths(&before)?, paths(&after)?);
        let (rows_before, _, bytes_before) = totals(&before, &name)?;
        let (rows_after, _, bytes_after) = totals(&after, &name)?;
        let columns = crate::lake::columns_of(&before, &name)?;
        let columns_after = crate::lake::columns_of(&after, &name)?;
        let added = columns_after.fields().iter().filter(|f| columns.index_of(f.name()).is_err());
        Ok(TableDifference {
            files_added: new.iter().filter(|path| !old.contains(path)).count() as u64,
            files_removed: old.iter().filter(|path| !new.contains(path)).count() as u64,
            rows_before,
            rows_after,
            columns_added: added.map(|field| field.name().clone()).collect(),
            bytes_before,
            bytes_after,
        })
    }

    /// Reads a whole table: that every file is there, holds what the table's log says, and that no
    /// key comes twice.
    pub async fn check(&self, table: &Table) -> Result<TableCheck, LakeError> {
        let name = table.full_name();
        let mut check = TableCheck::default();
        let delta = match self.open(table).await {
            Ok(Some(delta)) => delta,
            Ok(None) => return Ok(check),
            Err(LakeError::Unreachable { source, .. }) => {
                check.trouble = source.to_string();
                return Ok(check);
            }
            Err(error) => return Err(error),
        };
        check.rows = totals(&delta, &name)?.0;
        let snapshot = delta.snapshot().map_err(LakeError::unreachable("read", &name))?;
        let store = delta.object_store();
        for file in snapshot.log_data().iter() {
            let there = store.head(&file.object_store_path()).await;
            if there.is_ok_and(|meta| i64::try_from(meta.size).is_ok_and(|s| s == file.size())) {
                continue;
            }
            check.damaged_files.push(file.path().into_owned());
        }
        if !check.damaged_files.is_empty() {
            return Ok(check);
        }
        match count_keys(&delta, table).await {
            Ok((rows, keys)) => {
                check.rows_read = rows;
                check.repeated = rows.saturating_sub(keys);
            }
            Err(error) => check.trouble = error.to_string(),
        }
        Ok(check)
    }
}

/// Rows, live files and their bytes.
fn totals(delta: &DeltaTable, name: &str) -> Result<(u64, u64, u64), LakeError> {
    let snapshot = delta.snapshot().map_err(LakeError::unreachable("read", name))?;
    let (mut rows, mut files, mut bytes) = (0, 0, 0);
    for file in snapshot.log_data().iter() {
        rows += file.num_records().unwrap_or(0) as u64;
        files += 1;
        bytes += u64::try_from(file.size()).unwrap_or(0);
    }
    Ok((rows, files, bytes))
}

/// How many rows there are, and how many different keys.
async fn count_keys(
    delta: &DeltaTable,
    table: &Table,
) -> Result<(u64, u64), deltalake::datafusion::error::DataFusionError> {
    let context = SessionContext::new();
    let provider = delta.table_provider().await?;
    context.register_table("checked", provider)?;
    let keys = table.key().join(", ");
    let sql = format!(
        "SELECT CAST(SUM(n) AS BIGINT), COUNT(*) FROM \
         (SELECT COUNT(*) AS n FROM checked GROUP BY {keys})"
    );
    let batches = context.sql(&sql).await?.collect().await?;
    let number = |column: usize| -> u64 {
        use deltalake::arrow::array::AsArray as _;
        use deltalake::arrow::datatypes::Int64Type;
        let batch = batches.iter().find(|batch| batch.num_rows() > 0);
        let array = batch.and_then(|batch| batch.columns().get(column));
        let array = array.and_then(|array| array.as_primitive_opt::<Int64Type>());
        array.and_then(|array| array.iter().next().flatten()).unwrap_or(0) as u64
    };
    Ok((number(0), number(1)))
}
