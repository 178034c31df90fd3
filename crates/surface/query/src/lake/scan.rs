//! The scan of a Delta table: a plain Parquet scan over the files of its snapshot.
//!
//! Whatever runs plans of DataFusion can run it, also where nothing knows Delta. The snapshot is
//! fixed when the statement is planned; what is committed later is not seen.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, ScalarValue, Statistics, ToDFSchema, project_schema};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::datasource::{TableProvider, TableType};
use datafusion::error::Result;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::object_store::path::Path;
use datafusion::object_store::{self, ObjectStoreExt as _};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use futures::{StreamExt, stream};
use shelf_lake::{DataFile, LakeError, Snapshot};

use crate::QueryError;

/// How many files are looked for at once.
const LOOKS: usize = 16;

/// A snapshot of a table.
#[derive(Debug)]
pub(super) struct LakeTable {
    snapshot: Snapshot,
    /// How many rows it has, where its files say so.
    rows: Option<usize>,
    schema: SchemaRef,
    columns: TableSchema,
    past: bool,
}

impl LakeTable {
    pub(super) async fn new(snapshot: Snapshot) -> Result<Self, LakeError> {
        let rows = snapshot.rows().await?;
        let table = snapshot.table();
        let whole = table.arrow_schema();
        let of_folders = table.partition_columns();
        // Texts of files are read as views: of most it is only asked which they are.
        let kind = |field: &Field| match field.data_type() {
            DataType::Utf8 => DataType::Utf8View,
            other => other.clone(),
        };
        let bare = |field: &Field| Field::new(field.name(), kind(field), true);
        let folder = |field: &Field| Field::new(field.name(), field.data_type().clone(), true);
        let (mut in_files, mut of_paths) = (Vec::new(), Vec::new());
        for field in whole.fields() {
            if of_folders.contains(&field.name().as_str()) {
                of_paths.push(Arc::new(folder(field)));
            } else {
                in_files.push(bare(field));
            }
        }
        let columns = TableSchema::builder(Arc::new(Schema::new(in_files)))
            .with_table_partition_cols(of_paths)
            .build();
        let schema = Arc::clone(columns.table_schema());
        Ok(Self { snapshot, rows, schema, columns, past: false })
    }

    /// A version of the past, whose files may have been removed since.
    pub(super) fn of_the_past(self) -> Self {
        Self { past: true, ..self }
    }

    /// Says so where files of a version of the past have been removed.
    async fn look_for(&self, files: &[PartitionedFile]) -> Result<(), QueryError> {
        let (_, store) = self.snapshot.store();
        let places: Vec<Path> =
            files.iter().map(|file| file.object_meta.location.clone()).collect();
        let look = move |place: Path| {
            let store = Arc::clone(&store);
            async move { store.head(&place).await }
        };
        let mut looks = stream::iter(places).map(look).buffer_unordered(LOOKS);
        while let Some(look) = looks.next().await {
            if let Err(object_store::Error::NotFound { path, .. }) = look {
                let text = format!(
                    "files of this version have been removed since, as lake.retention_hours says, \
                     such as {path}"
                );
                return Err(QueryError::NoMoment(text));
            }
        }
        Ok(())
    }

    /// How many rows it has, and nothing else.
    fn counted(&self) -> Statistics {
        let num_rows = self.rows.map_or(Precision::Absent, Precision::Exact);
        Statistics { num_rows, ..Statistics::new_unknown(&self.schema) }
    }

    async fn files(&self) -> Result<Vec<PartitionedFile>, QueryError> {
        Ok(self.snapshot.files().await?.iter().map(|file| self.file(file)).collect())
    }

    fn file(&self, found: &DataFile) -> PartitionedFile {
        let of_path = |field: &Arc<Field>| {
            ScalarValue::Utf8(found.folder_values.get(field.name()).cloned().flatten())
        };
        let mut file = PartitionedFile::new(found.path.clone(), found.bytes);
        file.partition_values = self.columns.table_partition_cols().iter().map(of_path).collect();
        match found.rows {
            Some(rows) => {
                let statistics = self.statistics(rows, found.bounds.as_deref());
                file.with_statistics(Arc::new(statistics))
            }
            None => file,
        }
    }

    /// What the log of the table says about a file, so that it need not be opened to be left out.
    fn statistics(&self, rows: usize, bounds: Option<&str>) -> Statistics {
        let stats: serde_json::Value =
            bounds.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let column = |field: &Arc<Field>| {
            let bound = |which: &str| {
                let value = stats.get(which).and_then(|of| of.get(field.name()));
                value.and_then(|value| bound(field.data_type(), value))
            };
            let inexact =
                |value: Option<ScalarValue>| value.map_or(Precision::Absent, Precision::Inexact);
            ColumnStatistics {
                min_value: inexact(bound("minValues")),
                max_value: inexact(bound("maxValues")),
                ..ColumnStatistics::new_unknown()
            }
        };
        Statistics {
            num_rows: Precision::Exact(rows),
            total_byte_size: Precision::Absent,
            column_statistics: self.columns.file_schema().fields().iter().map(column).collect(),
        }
    }
}

/// A bound of a column as the log writes it, for the types whose bounds it writes exactly.
fn bound(data_type: &DataType, value: &serde_json::Value) -> Option<ScalarValue> {
    match data_type {
        DataType::Int32 => value.as_i64()?.try_into().ok().map(|n| ScalarValue::Int32(Some(n))),
        DataType::Int64 => value.as_i64().map(|number| ScalarValue::Int64(Some(number))),
        DataType::Date32 => {
            let date: jiff::civil::Date = value.as_str()?.parse().ok()?;
            let epoch = jiff::civil::date(1970, 1, 1);
            let days = date.since((jiff::Unit::Day, epoch)).ok()?.get_days();
            Some(ScalarValue::Date32(Some(days)))
        }
        _ => None,
    }
}

#[async_trait]
impl TableProvider for LakeTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn statistics(&self) -> Option<Statistics> {
        Some(self.counted())
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        // Files and row groups are left out; what is left is filtered again.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let files = self.files().await?;
        if self.past {
            self.look_for(&files).await?;
        }
        if files.is_empty() {
            // A scan of no file has no partition, and an aggregate over it could not be planned.
            let columns = project_schema(&self.schema, projection)?;
            return Ok(Arc::new(EmptyExec::new(columns)));
        }
        let (url, store) = self.snapshot.store();
        state.runtime_env().register_object_store(url.as_ref(), store);
        let mut source = ParquetSource::new(self.columns.clone())
            .with_table_parquet_options(state.table_options().parquet.clone());
        if let Some(condition) = conjunction(filters.iter().cloned()) {
            let columns = Arc::clone(&self.schema).to_dfschema()?;
            source = source.with_predicate(state.create_physical_expr(condition, &columns)?);
        }
        let groups = FileGroup::new(files).split_files(state.config().target_partitions());
        let config = FileScanConfigBuilder::new(url, Arc::new(source))
            .with_file_groups(groups)
            .with_statistics(self.counted())
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}
