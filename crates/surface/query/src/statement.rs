//! Which statements are answered: those that read.

use datafusion::sql::sqlparser::ast::{SetExpr, Statement};

use crate::QueryError;
use crate::clients::without_phrases;
use crate::moment::name_moments;
use crate::subqueries::keep_subqueries;

/// What `SHOW TABLES` shows: the catalogue of Postgres is left out, as psql leaves it out.
const TABLES: &str = "SELECT table_schema, table_name FROM information_schema.tables WHERE \
                      table_schema NOT IN ('information_schema', 'pg_catalog') ORDER BY 1, 2";

/// The text as the parser understands it.
pub(crate) fn prepare(sql: &str) -> Result<String, QueryError> {
    let bare = sql.trim().trim_end_matches(';').trim();
    if bare.split_whitespace().map(str::to_lowercase).eq(["show", "tables"]) {
        return Ok(TABLES.to_owned());
    }
    let known = without_phrases(sql);
    let named = name_moments(known.as_deref().unwrap_or(sql))?;
    Ok(keep_subqueries(&named).unwrap_or(named))
}

/// Refuses what does not read.
pub(crate) fn check(statement: &Statement) -> Result<(), QueryError> {
    match statement {
        Statement::Query(query) => match query.body.as_ref() {
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                Err(refused(statement))
            }
            SetExpr::Select(select) if select.into.is_some() => {
                Err(QueryError::ReadOnly("SELECT INTO".to_owned()))
            }
            _ => Ok(()),
        },
        Statement::Explain { statement, .. } => check(statement),
        Statement::ExplainTable { .. }
        | Statement::ShowVariable { .. }
        | Statement::ShowTables { .. }
        | Statement::ShowColumns { .. }
        | Statement::ShowFunctions { .. }
        | Statement::ShowCatalogs { .. }
        | Statement::ShowDatabases { .. }
        | Statement::ShowSchemas { .. } => Ok(()),
        _ => Err(refused(statement)),
    }
}

fn refused(statement: &Statement) -> QueryError {
    let text = statement.to_string();
    let words: Vec<&str> = text.split_whitespace().take(2).collect();
    QueryError::ReadOnly(words.join(" "))
}

#[cfg(test)]
mod tests {
    use datafusion_postgres::datafusion_pg_catalog::sql::PostgresCompatibilityParser;

    use super::*;

    fn outcome(sql: &str) -> Result<(), QueryError> {
        let statements = PostgresCompatibilityParser::new().parse(sql).unwrap();
        statements.iter().try_for_each(check)
    }

    #[test]
    fn what_reads_passes() {
        for sql in [
            "SELECT 1",
            "WITH a AS (SELECT 1) SELECT * FROM a",
            "VALUES (1), (2)",
            "EXPLAIN ANALYZE SELECT 1",
            "DESCRIBE live.shelves",
            "SHOW TABLES",
        ] {
            assert!(outcome(sql).is_ok(), "{sql}");
        }
    }

    #[test]
    fn what_changes_is_refused() {
        for sql in [
            "DROP TABLE live.shelves",
            "INSERT INTO live.shelves VALUES (1)",
            "UPDATE live.shelves SET sku = 'x'",
            "DELETE FROM live.shelves",
            "TRUNCATE live.shelves",
            "CREATE TABLE a (b INT)",
            "CREATE VIEW a AS SELECT 1",
            "ALTER TABLE live.shelves ADD COLUMN a INT",
            "COPY live.shelves TO 'a.csv'",
            "SELECT 1 INTO a",
            "EXPLAIN INSERT INTO live.shelves VALUES (1)",
            "SET datafusion.execution.batch_size = 1",
            "SELECT 1; DROP SCHEMA live",
            "GRANT SELECT ON live.shelves TO somebody",
        ] {
            let error = outcome(sql).unwrap_err();
            assert_eq!(error.code(), "sql_read_only", "{sql}: {error}");
        }
    }
}
