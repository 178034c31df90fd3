//! A table of the state: its columns, and how a scan takes its rows.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::{RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::{Column as ColumnName, ScalarValue};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::{TableProvider, TableType};
use datafusion::error::Result;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use shelf_domain::{Store, Stores};
use shelf_host::ChainReader;

use super::column::Column;
use super::follower::{Follower, Moment};
use crate::moment::Past;

/// The column by which a scan can leave stores out.
const STORE: &str = "store_id";

/// What a table is made from.
pub(super) struct Seen<'a> {
    /// The stores that are asked for, in order of their ids.
    pub(super) stores: Vec<&'a Store>,
    /// The stores of each partition.
    pub(super) partitions: Vec<&'a Stores>,
    /// The position of each partition: the offset of the next event that will be stepped.
    pub(super) positions: Vec<(u32, u64)>,
}

/// The rows and columns of a table, whatever its rows are.
pub(super) trait Rows: Send + Sync {
    fn name(&self) -> &'static str;
    fn comment(&self) -> &'static str;
    /// The comments of the columns, in their order.
    fn comments(&self) -> Vec<&str>;
    fn schema(&self) -> Schema;
    fn batch(
        &self,
        seen: &Seen<'_>,
        schema: SchemaRef,
        projection: &[usize],
    ) -> Result<RecordBatch>;
}

/// A table whose rows are `R`.
pub(super) struct TableOf<R> {
    pub(super) name: &'static str,
    pub(super) comment: &'static str,
    pub(super) columns: Vec<Column<R>>,
    pub(super) rows: fn(&Seen<'_>) -> Vec<R>,
}

impl<R> Rows for TableOf<R> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn comment(&self) -> &'static str {
        self.comment
    }

    fn comments(&self) -> Vec<&str> {
        self.columns.iter().map(|column| column.comment.as_str()).collect()
    }

    fn schema(&self) -> Schema {
        Schema::new(self.columns.iter().map(Column::field).collect::<Vec<_>>())
    }

    fn batch(
        &self,
        seen: &Seen<'_>,
        schema: SchemaRef,
        projection: &[usize],
    ) -> Result<RecordBatch> {
        let rows = (self.rows)(seen);
        let wanted = projection.iter().filter_map(|&at| self.columns.get(at));
        let values: Result<Vec<_>, _> = wanted.map(|column| column.values(&rows)).collect();
        // A count asks for rows without any column.
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        Ok(RecordBatch::try_new_with_options(schema, values?, &options)?)
    }
}

/// A table of the state of this moment, or of a past one.
#[derive(Clone)]
pub(crate) struct LiveTable {
    follower: Arc<Follower>,
    rows: Arc<dyn Rows>,
    schema: SchemaRef,
    at: Option<Past>,
}

impl fmt::Debug for LiveTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveTable")
            .field("name", &self.name())
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

impl LiveTable {
    pub(super) fn new(follower: &Arc<Follower>, rows: Box<dyn Rows>) -> Self {
        let (follower, schema) = (Arc::clone(follower), Arc::new(rows.schema()));
        Self { follower, rows: rows.into(), schema, at: None }
    }

    /// The same table as it was at a moment.
    pub(super) fn at(&self, at: Past) -> Self {
        Self { at: Some(at), ..self.clone() }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.rows.name()
    }

    /// What a row of it is.
    pub(crate) fn comment(&self) -> &'static str {
        self.rows.comment()
    }

    /// What each column means, in their order.
    pub(crate) fn comments(&self) -> Vec<&str> {
        self.rows.comments()
    }

    fn batch(
        &self,
        reader: &ChainReader,
        projection: Option<&Vec<usize>>,
        stores: Option<&[String]>,
    ) -> Result<RecordBatch> {
        let all: Vec<usize> = (0..self.schema.fields().len()).collect();
        let projection = projection.unwrap_or(&all);
        let schema = Arc::new(self.schema.project(projection)?);
        let mut seen = Seen {
            stores: reader.stores(),
            partitions: reader.partitions(),
            positions: reader.positions().into_iter().collect(),
        };
        if let Some(wanted) = stores {
            seen.stores.retain(|store| wanted.iter().any(|id| id == store.id().as_str()));
        }
        self.rows.batch(&seen, schema, projection)
    }
}

#[async_trait]
impl TableProvider for LiveTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        // The filter stays above the scan: to leave stores out only saves work.
        let of = |filter: &&Expr| match stores_of(filter) {
            Some(_) => TableProviderFilterPushDown::Inexact,
            None => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(of).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let stores = filters.iter().find_map(stores_of);
        let batch = if let Some(at) = &self.at {
            let reader = self.follower.at(at).await?;
            self.batch(&reader, projection, stores.as_deref())?
        } else {
            let moment = state.config().get_extension::<Moment>().unwrap_or_default();
            let reader = moment.hold(&self.follower).await?;
            self.batch(&reader, projection, stores.as_deref())?
        };
        let schema = batch.schema();
        Ok(MemorySourceConfig::try_new_exec(&[vec![batch]], schema, None)?)
    }
}

/// The stores that a condition leaves, where it is about nothing else.
fn stores_of(condition: &Expr) -> Option<Vec<String>> {
    match condition {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            let ((Expr::Column(column), value) | (value, Expr::Column(column))) =
                (left.as_ref(), right.as_ref())
            else {
                return None;
            };
            of_store(column).then(|| text_of(value)).flatten().map(|id| vec![id])
        }
        Expr::InList(InList { expr, list, negated: false }) => match expr.as_ref() {
            Expr::Column(column) if of_store(column) => list.iter().map(text_of).collect(),
            _ => None,
        },
        _ => None,
    }
}

fn of_store(column: &ColumnName) -> bool {
    column.name == STORE
}

fn text_of(value: &Expr) -> Option<String> {
    match value {
        Expr::Literal(
            ScalarValue::Utf8(text) | ScalarValue::LargeUtf8(text) | ScalarValue::Utf8View(text),
            _,
        ) => text.clone(),
        _ => None,
    }
}
