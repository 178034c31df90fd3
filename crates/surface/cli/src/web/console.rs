//! SQL for the server: the same session that the command line has, with answers in one piece.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use shelf_query::arrow::array::RecordBatch;
use shelf_query::{Answer, Cancel, Limits, QueryError, RowFormat, RowWriter, Session, Sql};
use shelf_web::{
    SqlAnswer, SqlBackend, SqlColumn, SqlFailure, SqlFormat, SqlLimits, SqlObject, SqlStatement,
};

use super::held::Held;

/// Asks what statements can name.
const OBJECTS: &str = "SELECT table_schema, table_name, column_name, data_type \
                       FROM information_schema.columns \
                       WHERE table_schema NOT IN ('information_schema', 'pg_catalog') \
                       ORDER BY table_schema, table_name, ordinal_position";

/// Runs statements of the server.
pub(super) struct Console {
    runs: Arc<Runs>,
    limits: Limits,
    /// Where clients of Postgres connect.
    postgres: Option<SocketAddr>,
    /// What statements can name.
    objects: Held<Vec<SqlObject>>,
}

/// What it takes to run statements.
struct Runs {
    sql: Arc<Sql>,
    /// The statements that run and have a name, and what ends them.
    running: Mutex<HashMap<String, Cancel>>,
}

impl Console {
    pub(super) fn new(sql: &Arc<Sql>, limits: Limits, postgres: Option<SocketAddr>) -> Self {
        let runs = Runs { sql: Arc::clone(sql), running: Mutex::default() };
        Self { runs: Arc::new(runs), limits, postgres, objects: Held::default() }
    }
}

impl Runs {
    fn running(&self) -> MutexGuard<'_, HashMap<String, Cancel>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one statement of a text.
    fn begin(&self, session: &Session, text: &str) -> Result<Answer, QueryError> {
        let statements = session.statements(text)?;
        let [statement] = statements.as_slice() else {
            let count = statements.len();
            return Err(QueryError::Syntax(format!("{count} statements are not one statement")));
        };
        self.sql.block_on(session.answer(statement))?
    }

    fn answer(&self, session: &Session, statement: &SqlStatement) -> Result<SqlAnswer, QueryError> {
        let begun = Instant::now();
        let mut answer = self.begin(session, &statement.text)?;
        let columns = columns(&answer);
        let mut body = Vec::new();
        let mut writer = RowWriter::new(format(statement.format), answer.schema(), &mut body)
            .map_err(|error| written(&error))?;
        let (mut rows, mut cut) = (0, false);
        let most = statement.max_rows.unwrap_or(u64::MAX);
        while !cut && let Some(batch) = self.sql.block_on(answer.next())?? {
            let batch = first_rows(batch, most - rows, &mut cut);
            rows += batch.num_rows() as u64;
            writer.write(batch).map_err(|error| written(&error))?;
        }
        writer.finish().map_err(|error| written(&error))?;
        if statement.format == SqlFormat::Json {
            body = with_columns(&columns, body)?;
        }
        Ok(SqlAnswer { columns, rows, cut, took: begun.elapsed(), body })
    }

    fn run(&self, statement: &SqlStatement) -> Result<SqlAnswer, SqlFailure> {
        let session = self.sql.session();
        if let Some(id) = &statement.id {
            self.running().insert(id.clone(), session.cancel());
        }
        let answered = self.answer(&session, statement);
        if let Some(id) = &statement.id {
            self.running().remove(id);
        }
        answered.map_err(|error| failure(&error))
    }

    fn objects(&self) -> Result<Vec<SqlObject>, SqlFailure> {
        let asked = SqlStatement { text: OBJECTS.to_owned(), ..SqlStatement::default() };
        let answer = self.run(&asked)?;
        let answer: Columns = serde_json::from_slice(&answer.body)
            .map_err(|error| failure(&QueryError::Failed(error.to_string())))?;
        let mut objects: Vec<SqlObject> = Vec::new();
        for (schema, name, column, kind) in answer.rows {
            let column = SqlColumn { name: column, kind };
            match objects.last_mut() {
                Some(last) if last.schema == schema && last.name == name => {
                    last.columns.push(column);
                }
                _ => objects.push(SqlObject { schema, name, columns: vec![column] }),
            }
        }
        Ok(objects)
    }
}

impl SqlBackend for Console {
    fn run(&self, statement: &SqlStatement) -> Result<SqlAnswer, SqlFailure> {
        self.runs.run(statement)
    }

    fn cancel(&self, id: &str) -> bool {
        let cancel = self.runs.running().get(id).cloned();
        cancel.inspect(Cancel::ask).is_some()
    }

    fn objects(&self) -> Result<Vec<SqlObject>, SqlFailure> {
        let runs = Arc::clone(&self.runs);
        self.objects.get(move || runs.objects())
    }

    fn limits(&self) -> SqlLimits {
        SqlLimits {
            timeout_s: self.limits.timeout.as_secs(),
            max_rows: self.limits.max_rows,
            memory_mb: (self.limits.memory_bytes >> 20) as u64,
        }
    }

    fn postgres(&self) -> Option<SocketAddr> {
        self.postgres
    }
}

/// The answer to [`OBJECTS`].
#[derive(serde::Deserialize)]
struct Columns {
    rows: Vec<(String, String, String, String)>,
}

fn format(wanted: SqlFormat) -> RowFormat {
    match wanted {
        SqlFormat::Json => RowFormat::JsonLists,
        SqlFormat::Csv => RowFormat::Csv,
        SqlFormat::Arrow => RowFormat::Arrow,
        SqlFormat::Parquet => RowFormat::Parquet,
    }
}

/// The first rows of a batch; says whether there were more.
fn first_rows(batch: RecordBatch, most: u64, cut: &mut bool) -> RecordBatch {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    *cut = batch.num_rows() > most;
    if *cut { batch.slice(0, most) } else { batch }
}

fn columns(answer: &Answer) -> Vec<SqlColumn> {
    let column = |field: &shelf_query::arrow::datatypes::FieldRef| SqlColumn {
        name: field.name().clone(),
        kind: shelf_query::type_name(field.data_type()).to_owned(),
    };
    answer.schema().fields().iter().map(column).collect()
}

/// Rows as an array of arrays, with their columns.
fn with_columns(columns: &[SqlColumn], rows: Vec<u8>) -> Result<Vec<u8>, QueryError> {
    let mut body = b"{\"columns\":".to_vec();
    serde_json::to_writer(&mut body, columns)
        .map_err(|error| QueryError::Failed(error.to_string()))?;
    body.extend_from_slice(b",\"rows\":");
    // What wrote them writes nothing where there are none.
    body.extend(if rows.is_empty() { b"[]".to_vec() } else { rows });
    body.push(b'}');
    Ok(body)
}

fn written(error: &std::io::Error) -> QueryError {
    QueryError::Failed(format!("the answer cannot be written: {error}"))
}

fn failure(error: &QueryError) -> SqlFailure {
    SqlFailure {
        code: error.code().to_owned(),
        sqlstate: error.sqlstate().to_owned(),
        message: error.to_string(),
        hint: error.hint().to_owned(),
    }
}
