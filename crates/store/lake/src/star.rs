//! Building the star schema: dimensions as a whole, facts day by day.
//!
//! What a day's facts are follows from the tables that follow the log, and from nothing else: a
//! build of any days gives the same rows however often it is run. Rows that come late say which
//! days must be built again.

mod dates;
mod key;
mod statements;

use std::collections::BTreeSet;
use std::sync::Arc;

use deltalake::arrow::array::{Array as _, AsArray as _, RecordBatch};
use deltalake::arrow::datatypes::Date32Type;
use deltalake::datafusion::catalog::CatalogProvider as _;
use deltalake::datafusion::catalog::{MemoryCatalogProvider, MemorySchemaProvider};
use deltalake::datafusion::datasource::{MemTable, TableProvider};
use deltalake::datafusion::error::DataFusionError;
use deltalake::datafusion::prelude::{DataFrame, SessionContext};
use deltalake::kernel::Transaction;
use deltalake::kernel::transaction::CommitProperties;
use deltalake::protocol::SaveMode;
use deltalake::{DeltaTable, DeltaTableError, ObjectStoreError};
use futures::TryStreamExt as _;
use serde::Serialize;
use shelf_domain::Day;

use crate::LakeError;
use crate::durable::make_durable;
use crate::faults::FaultPoint;
use crate::lake::Lake;
use crate::positions::Positions;
use crate::session::{conform, sorting_context};
use crate::table::Table;
use crate::tables::curated::DIM_DATE;
use crate::writer::{Effort, commit_error, properties, said};
use statements::{DIMENSIONS, FACTS, Fact};
pub use statements::{STAR_TESTS, StarTest, VIEWS, View, ViewColumn};

/// What building a table came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Built {
    /// Its full name.
    pub table: String,
    /// The first day that was built; none for a dimension.
    pub from: Option<String>,
    /// The last day that was built; none for a dimension.
    pub to: Option<String>,
}

/// Which days are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Days {
    /// Those that rows have come for since the last build.
    Stale,
    /// All from one to another.
    Between(Day, Day),
}

/// Under which name a built table says how far the log had been followed.
fn built_id(partition: usize) -> String {
    format!("shelf/built/{partition}")
}

impl Lake {
    /// Builds the star schema from tables that have come to these positions. Each table changes as
    /// a whole or not at all.
    pub async fn build(&self, days: Days, positions: &Positions) -> Result<Vec<Built>, LakeError> {
        let mut built = Vec::new();
        let context = self.session().await?;
        let Some((first, last)) = span(&context).await? else { return Ok(built) };
        let dates = dates::dates(first, last)?;
        let dates = context.read_batch(dates).map_err(query(&DIM_DATE))?;
        self.replace(&context, &DIM_DATE, dates, None, Vec::new()).await?;
        built.push(Built { table: DIM_DATE.full_name(), from: None, to: None });
        for (table, sql) in DIMENSIONS {
            let rows = context.sql(sql).await.map_err(query(table))?;
            self.replace(&context, table, rows, None, Vec::new()).await?;
            built.push(Built { table: table.full_name(), from: None, to: None });
        }
        for fact in FACTS {
            let ranges = match days {
                Days::Between(from, to) => vec![(from.max(first), to.min(last))],
                Days::Stale => self.stale(&context, fact, last).await?,
            };
            let ranges: Vec<_> = ranges.into_iter().filter(|(from, to)| from <= to).collect();
            for (nth, &(from, to)) in ranges.iter().enumerate() {
                // Only a build of all that is stale may say that nothing is, and only its last
                // commit, for one before it may be the last that comes.
                let whole = days == Days::Stale && nth + 1 == ranges.len();
                let said = if whole { positions.lowest_of(&fact.source_tables()) } else { vec![] };
                self.build_fact(&context, fact, (from, to), said).await?;
                let table = fact.table.full_name();
                built.push(Built { table, from: Some(date(from)), to: Some(date(to)) });
            }
        }
        Ok(built)
    }

    async fn build_fact(
        &self,
        context: &SessionContext,
        fact: &Fact,
        (from, to): (Day, Day),
        said: Vec<u64>,
    ) -> Result<(), LakeError> {
        let sql = fact.sql.replace("$from", &date(from)).replace("$to", &date(to));
        let rows = context.sql(&sql).await.map_err(query(fact.table))?;
        let within =
            format!("event_date >= DATE '{}' AND event_date <= DATE '{}'", date(from), date(to));
        self.replace(context, fact.table, rows, Some(within), said).await
    }

    /// Puts rows in the place of those that `within` describes, or of all.
    async fn replace(
        &self,
        context: &SessionContext,
        table: &'static Table,
        rows: DataFrame,
        within: Option<String>,
        said: Vec<u64>,
    ) -> Result<(), LakeError> {
        let name = table.full_name();
        let delta = self.open_to_write(table).await?;
        let rows = conform(table, rows).map_err(query(table))?;
        self.faults.reach(FaultPoint::InBuild)?;
        let transactions = said
            .iter()
            .enumerate()
            .map(|(partition, &position)| Transaction::new(built_id(partition), position as i64));
        let commit =
            CommitProperties::default().with_application_transactions(transactions.collect());
        let (state, plan) = rows.into_parts();
        let mut write = delta
            .write(Vec::new())
            .with_input_plan(plan)
            .with_session_state(Arc::new(state))
            .with_save_mode(SaveMode::Overwrite)
            .with_writer_properties(properties(table, Effort::Thorough))
            .with_commit_properties(commit);
        if let Some(within) = within {
            write = write.with_replace_where(within);
        }
        let delta = write.await.map_err(|error| commit_error(&name, error))?;
        self.make_newest_durable(table, &delta).await?;
        let provider = delta.table_provider().await;
        let provider = provider.map_err(LakeError::unreachable("read", &name))?;
        register(context, table, provider).map_err(query(table))
    }

    /// Has what a commit named written to disk, in a file system: its files are known behind it.
    async fn make_newest_durable(
        &self,
        table: &Table,
        delta: &DeltaTable,
    ) -> Result<(), LakeError> {
        if self.local_folder(table).is_none() {
            return Ok(());
        }
        let entry = format!("_delta_log/{:020}.json", delta.version().unwrap_or_default());
        let files = delta.get_active_add_actions_by_predicate(None);
        let files: Vec<String> = files
            .map_ok(|view| view.path().into_owned())
            .try_collect()
            .await
            .map_err(LakeError::unreachable("read", &table.full_name()))?;
        make_durable(self, table, files.iter().map(String::as_str).chain([entry.as_str()]))
    }

    /// A session in which every table has its full name, at its newest version.
    pub async fn session(&self) -> Result<SessionContext, LakeError> {
        let context = sorting_context().map_err(query(&DIM_DATE))?;
        context.register_udf(key::natural_key());
        let catalog = Arc::new(MemoryCatalogProvider::new());
        for table in crate::tables::all() {
            if catalog.schema(table.schema).is_none() {
                let schema = Arc::new(MemorySchemaProvider::new());
                catalog.register_schema(table.schema, schema).map_err(query(table))?;
            }
        }
        context.register_catalog("datafusion", catalog);
        for table in crate::tables::all() {
            let provider: Arc<dyn TableProvider> = match self.open(table).await? {
                Some(delta) => {
                    let provider = delta.table_provider().await;
                    provider.map_err(LakeError::unreachable("read", &table.full_name()))?
                }
                None => {
                    let schema = table.arrow_schema();
                    Arc::new(MemTable::try_new(schema, vec![Vec::new()]).map_err(query(table))?)
                }
            };
            register(&context, table, provider).map_err(query(table))?;
        }
        Ok(context)
    }

    /// The days of a fact that rows have come for since its last build, as spans without gaps.
    async fn stale(
        &self,
        context: &SessionContext,
        fact: &Fact,
        last: Day,
    ) -> Result<Vec<(Day, Day)>, LakeError> {
        let name = fact.table.full_name();
        let built = self.built(fact).await?;
        let mut days = BTreeSet::new();
        let fresh: Vec<String> = built
            .iter()
            .enumerate()
            .map(|(p, at)| format!("(log_partition = {p} AND log_offset >= {at})"))
            .collect();
        let fresh = if fresh.is_empty() { "TRUE".to_owned() } else { fresh.join(" OR ") };
        for (source, column) in fact.sources {
            let source = source.full_name();
            let sql = format!("SELECT DISTINCT {column} FROM {source} WHERE {fresh}");
            days.extend(dates_of(context, &sql).await.map_err(query(fact.table))?);
        }
        if fact.of_products
            && let Some(first) =
                self.first_told(context, &fresh).await.map_err(query(fact.table))?
        {
            days.extend((first.0..=last.0).map(Day));
        }
        if fact.dense
            && let Some(&first) = days.first()
        {
            // Days on which nothing happened have a row for each product too.
            let sql = format!("SELECT MAX(event_date) FROM {name}");
            let newest = dates_of(context, &sql).await.map_err(query(fact.table))?;
            if let Some(&newest) = newest.first() {
                let next = newest.plus(1).min(first);
                days.extend((next.0..first.0).map(Day));
            }
            let missing: Vec<Day> = days
                .last()
                .map_or_else(Vec::new, |end| (first.0..=end.0.min(last.0)).map(Day).collect());
            days.extend(missing.into_iter().filter(|day| newest.first().is_none_or(|n| day > n)));
        }
        Ok(spans(&days))
    }

    /// The first day from which on something else is told of a product than at the last build.
    async fn first_told(
        &self,
        context: &SessionContext,
        fresh: &str,
    ) -> Result<Option<Day>, DataFusionError> {
        let mut days = Vec::new();
        for table in statements::PRODUCTS {
            let table = table.full_name();
            let sql = format!("SELECT MIN(event_date) FROM {table} WHERE {fresh}");
            days.extend(dates_of(context, &sql).await?);
        }
        Ok(days.into_iter().min())
    }

    /// What the last build of all that was stale had of each partition; nothing where there was
    /// none.
    async fn built(&self, fact: &Fact) -> Result<Vec<i64>, LakeError> {
        let name = fact.table.full_name();
        let mut built = Vec::new();
        let Some(delta) = self.open(fact.table).await? else { return Ok(built) };
        while let Some(position) = said(&delta, &name, built_id(built.len())).await? {
            built.push(position);
        }
        Ok(built)
    }

    /// The facts that rows have come for since their last build, for tables at these positions.
    pub async fn stale_facts(&self, positions: &Positions) -> Result<Vec<String>, LakeError> {
        let context = self.session().await?;
        let Some((_, last)) = span(&context).await? else { return Ok(Vec::new()) };
        let mut stale = Vec::new();
        for fact in FACTS {
            let built = self.built(fact).await?;
            let now = positions.lowest_of(&fact.source_tables()).into_iter().map(|at| at as i64);
            let current = built.iter().copied().eq(now);
            if !current && !self.stale(&context, fact, last).await?.is_empty() {
                stale.push(fact.table.full_name());
            }
        }
        Ok(stale)
    }

    /// Runs the tests of the star schema. Returns their names with how many rows break each.
    pub async fn test_star(&self) -> Result<Vec<(String, u64)>, LakeError> {
        let context = self.session().await?;
        let mut results = Vec::new();
        for test in STAR_TESTS {
            let rows = context.sql(test.sql).await.map_err(query(&DIM_DATE))?;
            let count = rows.count().await.map_err(query(&DIM_DATE))?;
            results.push((test.name.to_owned(), count as u64));
        }
        Ok(results)
    }
}

/// What a statement failed of: a file that is not what was written, a store that refuses, or
/// itself.
fn query(table: &Table) -> impl Fn(DataFusionError) -> LakeError + use<> {
    let table = table.full_name();
    move |source| {
        let (table, what) = (table.clone(), source.to_string());
        match source.find_root() {
            DataFusionError::ParquetError(_) => LakeError::Damaged { table, what },
            DataFusionError::ObjectStore(error) => match error.as_ref() {
                ObjectStoreError::NotFound { .. } => LakeError::Damaged { table, what },
                _ => LakeError::unreachable("read", &table)(DeltaTableError::generic(what)),
            },
            _ => LakeError::Query { table, source: Box::new(source) },
        }
    }
}

fn register(
    context: &SessionContext,
    table: &Table,
    provider: Arc<dyn TableProvider>,
) -> Result<(), DataFusionError> {
    context.deregister_table(table.full_name())?;
    context.register_table(table.full_name(), provider).map(|_| ())
}

/// The first and the last day of anything that the star tells of.
async fn span(context: &SessionContext) -> Result<Option<(Day, Day)>, LakeError> {
    let mut days = BTreeSet::new();
    for fact in FACTS {
        for (source, column) in fact.sources {
            let source = source.full_name();
            for end in ["MIN", "MAX"] {
                let sql = format!("SELECT {end}({column}) FROM {source}");
                days.extend(dates_of(context, &sql).await.map_err(query(fact.table))?);
            }
        }
    }
    Ok(days.first().copied().zip(days.last().copied()))
}

/// The days in the first column of a statement's rows.
async fn dates_of(context: &SessionContext, sql: &str) -> Result<Vec<Day>, DataFusionError> {
    let batches: Vec<RecordBatch> = context.sql(sql).await?.collect().await?;
    let mut days = Vec::new();
    for column in batches.iter().filter_map(|batch| batch.columns().first()) {
        if let Some(dates) = column.as_primitive_opt::<Date32Type>() {
            let valid = (0..dates.len()).filter(|&row| dates.is_valid(row));
            days.extend(valid.map(|row| Day(dates.value(row))));
        }
    }
    Ok(days)
}

/// Days that follow each other, together.
fn spans(days: &BTreeSet<Day>) -> Vec<(Day, Day)> {
    let mut spans: Vec<(Day, Day)> = Vec::new();
    for &day in days {
        match spans.last_mut() {
            Some((_, last)) if last.plus(1) == day => *last = day,
            _ => spans.push((day, day)),
        }
    }
    spans
}

/// `2026-01-31`.
fn date(day: Day) -> String {
    let (year, month, day_of_month) = day.civil();
    format!("{year:04}-{month:02}-{day_of_month:02}")
}
