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
use shelf_lake::{
    Lake, LakeError, Reading, Snapshot, Table, VIEWS, Version, View, ViewColumn, tables,
};

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
    tables: BTreeMap<&'static str, Reading>,
    views: &'static [View],
    planning: Planning,
}

impl fmt::Debug for LakeSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LakeSchema").field("tables", &self.tables).finish_non_exhaustive()
    }
}

/// Puts the schemas of a lake into a catalogue.
pub(crate) fn mount(lake: &Lake, catalog: &dyn CatalogProvider, planning: &Planning) -> Result<()> {
    let mut schemas: BTreeMap<&str, BTreeMap<&str, Reading>> = BTreeMap::new();
    for table in tables() {
        schemas.entry(table.schema).or_default().insert(table.name, Reading::of(table));
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
        columns: view.columns().into_iter().map(column_of_view).collect(),
    };
    tables().map(of).chain(VIEWS.iter().map(of_view)).collect()
}

fn column_of_view(column: ViewColumn) -> (String, String, String) {
    (column.name.to_owned(), column.sql_type.to_owned(), column.comment.to_owned())
}

fn column(field: &datafusion::arrow::datatypes::FieldRef) -> (String, String, String) {
    let comment = field.metadata().get(shelf_lake::COMMENT_KEY).cloned().unwrap_or_default();
    (field.name().clone(), type_name(field.data_type()).to_owned(), comment)
}

/// A table as it is, or as it was; `None` where it has not been made.
async fn snapshot(
    reading: &Reading,
    lake: &Lake,
    past: Option<Past>,
) -> Result<Option<Snapshot>, QueryError> {
    let version = match past {
        None => return Ok(reading.newest(lake).await?),
        Some(Past::Version(numbers)) => match numbers[..] {
            [number] => Version::Number(number),
            _ => return Err(QueryError::NoMoment(one_number(reading.table()))),
        },
        Some(Past::Time(at)) => Version::At(at),
    };
    Ok(Some(reading.version(lake, version).await?))
}

fn one_number(table: &Table) -> String {
    let name = table.full_name();
    format!("a version of {name} is one number: `shelf lake history` lists them")
}

impl From<LakeError> for QueryError {
    fn from(error: LakeError) -> Self {
        let mut text = error.to_string();
        let mut next = std::error::Error::source(&error);
        while let Some(cause) = next {
            text = format!("{text}; {cause}");
            next = cause.source();
        }
        match error {
            LakeError::NoVersion { .. } => Self::NoMoment(text),
            LakeError::Foreign { .. } => Self::NotSupported(text),
            LakeError::Damaged { .. } => Self::Damaged(text),
            _ => Self::Failed(text),
        }
    }
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
        let Some(reading) = self.tables.get(own) else { return self.view(own, past).await };
        let of_the_past = past.is_some();
        Ok(Some(match snapshot(reading, &self.lake, past).await? {
            Some(snapshot) => {
                let table = LakeTable::new(snapshot).await.map_err(QueryError::from)?;
                Arc::new(if of_the_past { table.of_the_past() } else { table })
            }
            // It will be made by its first rows.
            None => Arc::new(MemTable::try_new(reading.table().arrow_schema(), vec![vec![]])?),
        }))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.tables.contains_key(name) || self.views.iter().any(|view| view.name == name)
    }
}
