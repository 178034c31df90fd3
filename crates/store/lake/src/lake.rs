//! Where the lake is, and how its tables are opened and made.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use deltalake::arrow::datatypes::{FieldRef, Schema, SchemaRef};
use deltalake::kernel::engine::arrow_conversion::{TryIntoArrow as _, TryIntoKernel as _};
use deltalake::kernel::{StructField, StructType};
use deltalake::operations::create::CreateBuilder;
use deltalake::{DeltaTable, DeltaTableBuilder, DeltaTableError, ensure_table_uri};

use crate::faults::Faults;
use crate::table::Table;
use crate::writer::commit_error;
use crate::{Filled, LakeError};

/// A checkpoint of a table's log is made after so many commits.
const CHECKPOINT_COMMITS: &str = "50";
/// For so many hours the history of a table can be asked for, and files that have been replaced are
/// kept, where nothing else is set.
const HISTORY_HOURS: u32 = 7 * 24;
/// The properties of a table that say so: of the entries of its log, and of its files.
const HISTORY_OF_LOG: &str = "delta.logRetentionDuration";
const HISTORY_OF_FILES: &str = "delta.deletedFileRetentionDuration";

/// A lake: tables below one address.
#[derive(Clone, Debug)]
pub struct Lake {
    root: String,
    storage: HashMap<String, String>,
    local: Option<PathBuf>,
    history_hours: u32,
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
        let history_hours = HISTORY_HOURS;
        Ok(Self { root, storage, local, history_hours, faults: Arc::default() })
    }

    /// The same lake, whose tables are told to keep their history for so many hours when they are
    /// written.
    pub fn with_history(self, hours: u32) -> Self {
        Self { history_hours: hours, ..self }
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
        let found = self.open(table).await?;
        self.ready(table, found).await
    }

    /// The same for a table that has been looked for.
    pub(crate) async fn ready(
        &self,
        table: &Table,
        found: Option<DeltaTable>,
    ) -> Result<DeltaTable, LakeError> {
        match found {
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
            (HISTORY_OF_LOG, self.interval()),
            (HISTORY_OF_FILES, self.interval()),
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
        let lacking = lacking_columns(table, &delta)?;
        if lacking.is_empty() {
            return self.keep(delta, &name).await;
        }
        let fields = kernel_fields(&Schema::new(lacking), &name)?;
        let widened = delta.add_columns().with_fields(fields).await;
        let widened = widened.map_err(LakeError::unreachable("widen", &name))?;
        self.keep(widened, &name).await
    }

    /// How long history is kept, as Delta writes it.
    fn interval(&self) -> String {
        match self.history_hours {
            hours if hours.is_multiple_of(24) => format!("interval {} days", hours / 24),
            hours => format!("interval {hours} hours"),
        }
    }

    /// Has a table keep its history for as long as is set, where it was told otherwise.
    async fn keep(&self, delta: DeltaTable, name: &str) -> Result<DeltaTable, LakeError> {
        let snapshot = delta.snapshot().map_err(LakeError::unreachable("read", name))?;
        let set = Some(Duration::from_hours(self.history_hours.into()));
        let told = snapshot.table_config();
        if told.log_retention_duration == set && told.deleted_file_retention_duration == set {
            return Ok(delta);
        }
        let properties = [HISTORY_OF_LOG, HISTORY_OF_FILES]
            .map(|property| (property.to_owned(), self.interval()));
        let changed = delta.set_tbl_properties().with_properties(HashMap::from(properties)).await;
        changed.map_err(|error| commit_error(name, error))
    }
}

/// The columns of this program that a table lacks. It has none that this program lacks, and none of
/// another type: [`LakeError::Foreign`].
pub(crate) fn lacking_columns(
    table: &Table,
    delta: &DeltaTable,
) -> Result<Vec<FieldRef>, LakeError> {
    let name = table.full_name();
    let there = columns_of(delta, &name)?;
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
    Ok(lacking.cloned().collect())
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
