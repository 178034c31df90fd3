//! What one person or client asks, one statement after the other.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::prelude::{SQLOptions, SessionContext};
use datafusion::sql::parser::Statement as Parsed;
use datafusion::sql::sqlparser::ast::Statement;
use datafusion_postgres::datafusion_pg_catalog::sql::PostgresCompatibilityParser;
use futures::StreamExt;

use crate::cancel::Asked;
use crate::live::Moment;
use crate::sql::Shared;
use crate::statement::{check, prepare};
use crate::{Cancel, Limits, QueryError};

/// A word of every statement that asks for comments.
pub(crate) const DESCRIPTION: &str = "description";

/// What one person or client asks, one statement after the other.
pub struct Session {
    shared: Arc<Shared>,
    context: SessionContext,
    parser: PostgresCompatibilityParser,
    limits: Limits,
    cancel: Cancel,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Session {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Arc::clone(shared),
            context: shared.context(),
            parser: PostgresCompatibilityParser::new(),
            limits: shared.limits.clone(),
            cancel: Cancel::default(),
        }
    }

    /// Narrows what statements of this session may use.
    #[must_use]
    pub fn with_max_rows(mut self, max_rows: u64) -> Self {
        self.limits.max_rows = max_rows;
        self
    }

    /// By which another thread ends the statement that is running.
    pub fn cancel(&self) -> Cancel {
        self.cancel.clone()
    }

    /// Takes a text apart into its statements; refuses all of them where one does not read.
    pub fn statements(&self, sql: &str) -> Result<Vec<ReadStatement>, QueryError> {
        let text = prepare(sql)?;
        let parsed = self.parser.parse(&text);
        let statements = parsed.map_err(|error| QueryError::syntax(&error))?;
        statements.iter().try_for_each(check)?;
        Ok(statements.into_iter().map(ReadStatement).collect())
    }

    /// Answers one statement. All its tables of the live state show the same moment.
    pub async fn answer(&self, statement: &ReadStatement) -> Result<Answer, QueryError> {
        let begun = Instant::now();
        let mut asked = self.cancel.begin();
        let planned = within(&self.limits, begun, &mut asked, self.plan(&statement.0)).await??;
        let (schema, stream) = planned;
        let schema = plain_texts(&schema);
        Ok(Answer { schema, stream, asked, begun, limits: self.limits.clone(), rows: 0 })
    }

    async fn plan(
        &self,
        statement: &Statement,
    ) -> Result<(SchemaRef, SendableRecordBatchStream), QueryError> {
        if statement.to_string().contains(DESCRIPTION) {
            self.shared.comments.number(self.shared.numbering()).await?;
        }
        let _seen = see(&self.context);
        let parsed = Parsed::Statement(Box::new(statement.clone()));
        let plan = self.context.state().statement_to_plan(parsed).await?;
        reading().verify_plan(&plan)?;
        let frame = self.context.execute_logical_plan(plan).await?;
        let stream = frame.execute_stream().await?;
        Ok((stream.schema(), stream))
    }
}

/// A statement that reads.
#[derive(Clone, Debug)]
pub struct ReadStatement(Statement);

/// Lets the moment of a statement go when its rows have been taken.
pub(crate) struct Seen(Arc<Moment>);

/// Gives a context the moment of a new statement.
pub(crate) fn see(context: &SessionContext) -> Seen {
    let moment = Arc::new(Moment::default());
    context.state_ref().write().config_mut().set_extension(Arc::clone(&moment));
    Seen(moment)
}

impl Drop for Seen {
    fn drop(&mut self) {
        self.0.release();
    }
}

/// What a plan may hold.
fn reading() -> SQLOptions {
    SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false)
}

/// The rows of a statement, in batches.
pub struct Answer {
    schema: SchemaRef,
    stream: SendableRecordBatchStream,
    asked: Asked,
    begun: Instant,
    limits: Limits,
    rows: u64,
}

impl Answer {
    /// The columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The next rows; `None` at the end. What is over a limit is an error, never left out.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>, QueryError> {
        let next = within(&self.limits, self.begun, &mut self.asked, self.stream.next()).await?;
        let Some(batch) = next.transpose()? else { return Ok(None) };
        self.rows += batch.num_rows() as u64;
        if self.rows > self.limits.max_rows {
            return Err(QueryError::TooManyRows(self.limits.max_rows));
        }
        Ok(Some(with_plain_texts(batch, &self.schema)?))
    }
}

/// A schema with texts as every client knows them: views of texts are for the engine alone.
fn plain_texts(schema: &SchemaRef) -> SchemaRef {
    if !schema.fields().iter().any(|field| *field.data_type() == DataType::Utf8View) {
        return Arc::clone(schema);
    }
    let plain = |field: &FieldRef| match field.data_type() {
        DataType::Utf8View => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8)),
        _ => Arc::clone(field),
    };
    let fields: Vec<FieldRef> = schema.fields().iter().map(plain).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

/// Rows with their texts as a schema of [`plain_texts`] has them.
fn with_plain_texts(batch: RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, QueryError> {
    let viewed = |column: &ArrayRef| *column.data_type() == DataType::Utf8View;
    if !batch.columns().iter().any(viewed) {
        return Ok(batch);
    }
    let plain = |column: &ArrayRef| match column.data_type() {
        DataType::Utf8View => cast(column, &DataType::Utf8),
        _ => Ok(Arc::clone(column)),
    };
    let columns = batch.columns().iter().map(plain).collect::<Result<Vec<_>, _>>();
    let told = columns.and_then(|columns| RecordBatch::try_new(Arc::clone(schema), columns));
    told.map_err(|error| QueryError::from(DataFusionError::from(error)))
}

/// Does something within the time of a statement, and until its end is asked for.
pub(crate) async fn within<T>(
    limits: &Limits,
    begun: Instant,
    asked: &mut Asked,
    work: impl Future<Output = T>,
) -> Result<T, QueryError> {
    let left = limits.timeout.saturating_sub(begun.elapsed());
    tokio::select! {
        done = work => Ok(done),
        () = tokio::time::sleep(left) => Err(QueryError::TimedOut(limits.timeout)),
        () = asked.wait() => Err(QueryError::Cancelled),
    }
}
