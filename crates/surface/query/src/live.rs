//! The schema `live`: the state of this moment as tables, without a look at the disk beyond the log
//! that is followed.

mod column;
mod figures;
mod follower;
mod stock;
mod table;
mod work;

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, SchemaProvider};
use datafusion::datasource::TableProvider;
use datafusion::error::Result;

use crate::moment::Past;

pub(crate) use column::{MONEY, UTC};
pub(crate) use follower::{Follower, Moment, StoreClocks};
pub(crate) use table::LiveTable;

/// The name of the schema.
pub(crate) const LIVE: &str = "live";
/// Where a table without a schema is looked for, when `live` has none of its name.
const SEARCHED: [&str; 6] = ["curated", "analytics", "ops", "cleansed", "raw", "quarantine"];

/// The tables of the state of this moment.
#[derive(Debug)]
pub(crate) struct LiveSchema {
    tables: BTreeMap<&'static str, Arc<LiveTable>>,
    catalog: Weak<dyn CatalogProvider>,
}

impl LiveSchema {
    pub(crate) fn new(follower: &Arc<Follower>, catalog: Weak<dyn CatalogProvider>) -> Self {
        let all = stock::tables().into_iter().chain(work::tables()).chain(figures::tables());
        let tables = all.map(|rows| (rows.name(), Arc::new(LiveTable::new(follower, rows))));
        Self { tables: tables.collect(), catalog }
    }

    /// The tables in order of their names.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &LiveTable> {
        self.tables.values().map(AsRef::as_ref)
    }
}

#[async_trait]
impl SchemaProvider for LiveSchema {
    fn table_names(&self) -> Vec<String> {
        self.tables.keys().map(|&name| name.to_owned()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let (own, past) = Past::split(name)?;
        if let Some(table) = self.tables.get(own) {
            return Ok(Some(match past {
                None => Arc::<LiveTable>::clone(table),
                Some(past) => Arc::new(table.at(past)),
            }));
        }
        let Some(catalog) = self.catalog.upgrade() else { return Ok(None) };
        for schema in SEARCHED.iter().filter_map(|schema| catalog.schema(schema)) {
            if schema.table_exist(own) {
                return schema.table(name).await;
            }
        }
        Ok(None)
    }

    fn table_exist(&self, name: &str) -> bool {
        self.tables.contains_key(name)
    }
}
