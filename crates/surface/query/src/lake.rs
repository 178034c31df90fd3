//! The schemas of the lake: its tables as they are when a statement begins, or as they were.

mod scan;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, MemTable, SchemaProvider};
use datafusion::datasource::{TableProvider, ViewTable};
use datafusion::error::Result;
use datafusion::execution::session_state::SessionState;
use deltalake::DeltaTable;
use shelf_domain::Timestamp;
use shelf_lake::{Lake, Table, VIEWS, View, tables};

use crate::QueryError;
use crate::comments::{TableNote, type_name};
use crate::moment::Past;
use scan::LakeTable;

/// The schema that has views beside its tables.
const CURATED: &str = "curated";

/// The state of a session in which views are planned, once there is one.
pub(crate) type Planning = Arc<OnceLock<Box<dyn Fn() -> Option<SessionState> + Send + Sync>>>;

/// One schema of the lake.
struct LakeSchema {
    lake: Lake,
    tables: BTreeMap<&'static str, Opened>,
    views: &'static [View],
    planning: Planning,
}

impl fmt::Debug for LakeSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LakeSchema").field("tables", &self.tables).finish_non_exhaustive()
    }
}

/// A table, and how far its log has been read.
#[derive(Debug)]
struct Opened {
    table: &'static Table,
    delta: tokio::sync::Mutex<Option<DeltaTable>>,
}

/// Puts the schemas of a lake into a catalogue.
pub(crate) fn mount(lake: &Lake, catalog: &dyn CatalogProvider, planning: &Planning) -> Result<()> {
    let mut schemas: BTreeMap<&str, BTreeMap<&str, Opened>> = BTreeMap::new();
    for table in tables() {
        let delta = tokio::sync::Mutex::default();
        schemas.entry(table.schema).or_default().insert(table.name, Opened { table, delta });
    }
    for (name, tables) in schemas {
        let views = if name == CURATED { VIEWS } else { &[] };
        let (lake, planning) = (lake.clone(), Arc::clone(planning));
        let schema = LakeSchema { lake, tables, views, planning };
        catalog.register_schema(name, Arc::new(schema))?;
    }
    Ok(())
}

/// The tables of all lakes.
pub(crate) fn notes() -> Vec<TableNote> {
    let of = |table: &'static Table| TableNote {
        schema: table.schema.to_owned(),
        table: table.name.to_owned(),
        comment: table.comment().to_owned(),
        columns: table.arrow_schema().fields().iter().map(column).collect(),
    };
    let of_view = |view: &View| TableNote {
        schema: CURATED.to_owned(),
        table: view.name.to_owned(),
        comment: view.comment(),
        columns: Vec::new(),
    };
    tables().map(of).chain(VIEWS.iter().map(of_view)).collect()
}

fn column(field: &datafusion::arrow::datatypes::FieldRef) -> (String, String, String) {
    let comment = field.metadata().get(shelf_lake::COMMENT_KEY).cloned().unwrap_or_default();
    (field.name().clone(), type_name(field.data_type()).to_owned(), comment)
}

impl Opened {
    /// The table as it is at this moment; `None` where it has not been made.
    async fn now(&self, lake: &Lake) -> Result<Option<DeltaTable>, QueryError> {
        let mut known = self.delta.lock().await;
        match known.as_mut() {
            // What has been read of its log stays read: only new commits are.
            Some(delta) => delta.update_state().await.map_err(|error| self.unread(&error))?,
            None => *known = lake.open(self.table).await.map_err(|error| self.unread(&error))?,
        }
        Ok(known.clone())
    }

    async fn then(&self, lake: &Lake, past: Past) -> Result<DeltaTable, QueryError> {
        let opened = lake.open(self.table).await.map_err(|error| self.unread(&error))?;
        let name = self.table.full_name();
        let never = || QueryError::NoMoment(format!("{name} has not been made yet"));
        let mut delta = opened.ok_or_else(never)?;
        let newest = delta.version().unwrap_or_default();
        let loaded = match past {
            Past::Version(version) if version > newest as u64 => {
                return Err(QueryError::NoMoment(format!(
                    "{name} has no version {version}; its newest is {newest}"
                )));
            }
            Past::Version(version) => delta.load_version(version as _).await,
            Past::Time(at) => delta.load_with_datetime(moment(at)?).await,
        };
        loaded.map_err(|error| QueryError::NoMoment(format!("{name} of then: {error}")))?;
        Ok(delta)
    }

    fn unread(&self, error: &dyn std::error::Error) -> QueryError {
        let mut text = format!("{} cannot be read: {error}", self.table.full_name());
        let mut next = error.source();
        while let Some(cause) = next {
            text = format!("{text}; {cause}");
            next = cause.source();
        }
        QueryError::Failed(text)
    }
}

fn moment(at: Timestamp) -> Result<chrono::DateTime<chrono::Utc>, QueryError> {
    let never = || QueryError::NoMoment("that time is out of the range of times".to_owned());
    chrono::DateTime::from_timestamp_micros(at.0).ok_or_else(never)
}

impl LakeSchema {
    /// A view, planned anew: its tables are those of this moment.
    async fn view(&self, name: &str, past: Option<Past>) -> Result<Option<Arc<dyn TableProvider>>> {
        let Some(view) = self.views.iter().find(|view| view.name == name) else { return Ok(None) };
        if past.is_some() {
            let text = format!("curated.{name} is a view: name a moment of its tables instead");
            return Err(QueryError::NoMoment(text).into());
        }
        let Some(state) = self.planning.get().and_then(|state| state()) else { return Ok(None) };
        // Boxed, as views are made from views.
        let plan = Box::pin(state.create_logical_plan(view.sql)).await?;
        Ok(Some(Arc::new(ViewTable::new(plan, Some(view.sql.to_owned())))))
    }
}

#[async_trait]
impl SchemaProvider for LakeSchema {
    fn table_names(&self) -> Vec<String> {
        let views = self.views.iter().map(|view| &view.name);
        self.tables.keys().chain(views).map(|&name| name.to_owned()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let (own, past) = Past::split(name)?;
        let Some(opened) = self.tables.get(own) else { return self.view(own, past).await };
        let delta = match past {
            Some(past) => Some(opened.then(&self.lake, past).await?),
            None => opened.now(&self.lake).await?,
        };
        Ok(Some(match delta {
            Some(delta) => Arc::new(LakeTable::new(opened.table, delta)),
            // It will be made by its first rows.
            None => Arc::new(MemTable::try_new(opened.table.arrow_schema(), vec![vec![]])?),
        }))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.tables.contains_key(name) || self.views.iter().any(|view| view.name == name)
    }
}
