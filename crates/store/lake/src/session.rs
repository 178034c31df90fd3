//! What the statements that build and compact tables run in, and how their rows become those of a
//! table.

use deltalake::arrow::datatypes::DataType;
use deltalake::datafusion::common::metadata::FieldMetadata;
use deltalake::datafusion::error::DataFusionError;
use deltalake::datafusion::execution::SessionStateBuilder;
use deltalake::datafusion::execution::memory_pool::FairSpillPool;
use deltalake::datafusion::execution::runtime_env::RuntimeEnvBuilder;
use deltalake::datafusion::functions::unicode::expr_fn::left;
use deltalake::datafusion::prelude::{
    DataFrame, Expr, SessionConfig, SessionContext, cast, col, lit,
};
use deltalake::delta_datafusion::planner::DeltaPlanner;

use crate::table::{MONTH_COLUMN, Table};

/// The memory in which the rows of a compaction are put in order; beyond it they go to the disk.
const SORT_BYTES: usize = 512 << 20;

/// What statements that build or compact tables run in: little memory, and the disk beyond it.
pub(crate) fn sorting_context() -> Result<SessionContext, DataFusionError> {
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(std::sync::Arc::new(FairSpillPool::new(SORT_BYTES)))
        .build_arc()?;
    let state = SessionStateBuilder::new()
        .with_default_features()
        .with_config(SessionConfig::new().with_target_partitions(1))
        .with_runtime_env(runtime)
        .with_query_planner(DeltaPlanner::new())
        .build();
    Ok(SessionContext::new_with_state(state))
}

/// The columns of a table out of rows that have them under its names, in its types and order, with
/// its comments.
pub(crate) fn conform(table: &Table, rows: DataFrame) -> Result<DataFrame, DataFusionError> {
    let month = || left(cast(col("event_date"), DataType::Utf8), lit(7_i64));
    let schema = table.arrow_schema();
    let columns = schema.fields().iter().map(|field| {
        let value = match field.name().as_str() {
            MONTH_COLUMN => month(),
            name => cast(Expr::Column(name.into()), field.data_type().clone()),
        };
        value.alias_with_metadata(field.name(), Some(FieldMetadata::from(field.as_ref())))
    });
    let columns: Vec<Expr> = columns.collect();
    let sorted = table.sorted_by.iter().map(|&name| col(name).sort(true, false));
    rows.select(columns)?.sort(sorted.collect())
}
