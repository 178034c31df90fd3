//! Where the lake is, and how its tables are opened and made.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use deltalake::arrow::datatypes::{Schema, SchemaRef};
use deltalake::kernel::engine::arrow_conversion::{TryIntoArrow as _, TryIntoKernel as _};
use deltalake::kernel::{StructField, StructType};
use deltalake::operations::create::CreateBuilder;
use deltalake::{DeltaTable, DeltaTableBuilder, DeltaTableError, ensure_table_uri};

use crate::faults::Faults;
use crate::table::Table;
use crate::{Filled, LakeError};

/// A checkpoint of a table's log is made after so many commits.
const CHECKPOINT_COMMITS: &str = "50";
/// How long the history of a table can be asked for, and files that have been replaced are kept.
const HISTORY: &str = "interval 7 days";

/// A lake: tables below one address.
#[derive(Clone, Debug)]
pub struct Lake {
    root: String,
    storage: HashMap<String, String>,
    local: Option<PathBuf>,
    pub(crate) faults: Arc<Faults>,
}

impl Lake {
    /// The lake at a folder or at an address such as `s3://bucket/lake`; `storage` has the options
    /// of its object store under their own names. Nothing is read or made.
    pub fn at(root: &str, storage: HashMap<String, String>) -> Result<Self, LakeError> {
        let root = root.trim_end_matches('/').to_owned();
        let local = match root.split_once("://") {
            None => Some(PathBuf::from(&root)),
            Some(("file", path)) => Some(PathBuf::from(path)),
            Some(_) => None,
        };
        Ok(Self { root, storage, local, faults: Arc::default() })
    }

    /// The same lake, with a fault for tests.
    pub fn with_faults(self, faults: Faults) -> Self {
        Self { faults: Arc::new(faults), ..self }
    }

    /// The fault that tests armed.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Its address.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The folder of a table, where the lake is in a file system.
    pub fn local_folder(&self, table: &Table) -> Option<PathBuf> {
        self.local.as_deref().map(|root: &Path| root.join(table.path()))
    }

    /// The address of a table.
    pub fn table_url(&self, table: &Table) -> String {
        format!("{}/{}", self.root, table.path())
    }

    fn unloaded(&self, table: &Table) -> Result<DeltaTable, LakeError> {
        let url = self.table_url(table);
        let wrong = |source| LakeError::Address { url: url.clone(), source: Box::new(source) };
        let location = ensure_table_uri(&url).map_err(wrong)?;
        let builder = DeltaTableBuilder::from_url(location).map_err(wrong)?;
        builder.with_storage_options(self.storage.clone()).build().map_err(wrong)
    }

    /// A table as it is at this moment; `None` where it has not been made.
    pub async fn open(&self, table: &Table) -> Result<Option<DeltaTable>, LakeError> {
        if self.local_folder(table).is_some_and(|folder| !folder.is_dir()) {
            return Ok(None);
        }
        let mut delta = self.unloaded(table)?;
        match delta.load().await {
            Ok(()) => Ok(Some(delta)),
            Err(DeltaTableError::NotATable(_)) => Ok(None),
            Err(source) => Err(LakeError::unreachable("open", &table.full_name())(source)),
        }
    }

    /// A table that can be written: made where it is missing, widened where this program has
    /// columns that it lacks.
    pub(crate) async fn open_to_write(&self, table: &Table) -> Result<DeltaTable, LakeError> {
        match self.open(table).await? {
            Some(delta) => self.fit(table, delta).await,
            None => self.create(table).await,
        }
    }

    async fn create(&self, table: &Table) -> Result<DeltaTable, LakeError> {
        let name = table.full_name();
        let delta = self.unloaded(table)?;
        let columns = kernel_fields(&table.arrow_schema(), &name)?;
        let mut settings = vec![
            ("delta.checkpointInterval", CHECKPOINT_COMMITS.to_owned()),
            ("delta.logRetentionDuration", HISTORY.to_owned()),
            ("delta.deletedFileRetentionDuration", HISTORY.to_owned()),
            ("delta.dataSkippingStatsColumns", table.sorted_by.join(",")),
        ];
        if table.filled == Filled::FromLog {
            settings.push(("delta.appendOnly", "true".to_owned()));
        }
        let settings = settings.into_iter().map(|(key, value)| (key, Some(value)));
        CreateBuilder::new()
            .with_log_store(delta.log_store())
            .with_table_name(name.clone())
            .with_comment(table.comment())
            .with_columns(columns)
            .with_partition_columns(table.partition_columns().iter().copied())
            .with_configuration(settings)
            .await
            .map_err(LakeError::unreachable("make", &name))
    }

    /// Brings a table that an earlier version of this program made to the columns of this one.
    async fn fit(&self, table: &Table, delta: DeltaTable) -> Result<DeltaTable, LakeError> {
        let name = table.full_name();
        let there = columns_of(&delta, &name)?;
        let wanted = table.arrow_schema();
        for field in there.fields() {
            let what = match wanted.field_with_name(field.name()) {
                Err(_) => format!("it has a column {} that this program lacks", field.name()),
                Ok(ours) if ours.data_type() != field.data_type() => {
                    format!("its column {} is {}", field.name(), field.data_type())
                }
                Ok(_) => continue,
            };
            return Err(LakeError::Foreign { table: name, what });
        }
        let lacking = wanted.fields().iter().filter(|field| there.index_of(field.name()).is_err());
        let lacking: Vec<_> = lacking.cloned().collect();
        if lacking.is_empty() {
            return Ok(delta);
        }
        let fields = kernel_fields(&Schema::new(lacking), &name)?;
        delta
            .add_columns()
            .with_fields(fields)
            .await
            .map_err(LakeError::unreachable("widen", &name))
    }
}

/// The columns that a table has.
pub(crate) fn columns_of(delta: &DeltaTable, name: &str) -> Result<SchemaRef, LakeError> {
    let snapshot = delta.snapshot().map_err(LakeError::unreachable("read", name))?;
    let schema: Schema = snapshot.schema().as_ref().try_into_arrow()?;
    Ok(Arc::new(schema))
}

fn kernel_fields(schema: &Schema, name: &str) -> Result<Vec<StructField>, LakeError> {
    let kernel: Result<StructType, _> = schema.try_into_kernel();
    let kernel = kernel.map_err(|source| LakeError::Foreign {
        table: name.to_owned(),
        what: source.to_string(),
    })?;
    Ok(kernel.fields().cloned().collect())
}
