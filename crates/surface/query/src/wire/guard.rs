//! What a client may ask beside reading: settings of its own session, transactions, cursors, which
//! change nothing.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::common::{DFSchema, ParamValues};
use datafusion::logical_expr::{EmptyRelation, LogicalPlan};
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::{Set, Statement};
use datafusion_postgres::QueryHook;
use datafusion_postgres::hooks::HookClient;
use datafusion_postgres::pgwire::api::ClientInfo;
use datafusion_postgres::pgwire::api::results::{Response, Tag};
use datafusion_postgres::pgwire::error::PgWireResult;

use super::errors::told;
use crate::QueryError;
use crate::statement::check;

/// The settings that a client may set for itself. None of them changes what a statement may use.
const SETTINGS: [&str; 20] = [
    "application_name",
    "bytea_output",
    "client_encoding",
    "client_min_messages",
    "datestyle",
    "default_transaction_isolation",
    "default_transaction_read_only",
    "enable_seqscan",
    "escape_string_warning",
    "extra_float_digits",
    "geqo",
    "idle_in_transaction_session_timeout",
    "intervalstyle",
    "jit",
    "lock_timeout",
    "row_security",
    "search_path",
    "ssl_renegotiation_limit",
    "standard_conforming_strings",
    "statement_timeout",
];

/// Refuses what does not read, before anything else looks at it.
#[derive(Debug)]
pub(super) struct Guard;

/// What becomes of a statement.
enum Verdict {
    /// It reads, or another hook knows it.
    Passes,
    /// It is answered with these words, and does nothing.
    Nothing(&'static str),
}

fn judge(statement: &Statement) -> Result<Verdict, QueryError> {
    Ok(match statement {
        Statement::Set(set) => set_of(set)?,
        Statement::StartTransaction { .. }
        | Statement::Commit { .. }
        | Statement::Rollback { .. }
        | Statement::Fetch { .. }
        | Statement::Close { .. } => Verdict::Passes,
        Statement::Declare { stmts } => {
            for query in stmts.iter().filter_map(|declare| declare.for_query.as_ref()) {
                check(&Statement::Query(query.clone()))?;
            }
            Verdict::Passes
        }
        Statement::Savepoint { .. } => Verdict::Nothing("SAVEPOINT"),
        Statement::ReleaseSavepoint { .. } => Verdict::Nothing("RELEASE"),
        Statement::Discard { .. } => Verdict::Nothing("DISCARD ALL"),
        Statement::Deallocate { .. } => Verdict::Nothing("DEALLOCATE"),
        Statement::Reset(_) => Verdict::Nothing("RESET"),
        Statement::UNLISTEN { .. } => Verdict::Nothing("UNLISTEN"),
        other => {
            check(other)?;
            Verdict::Passes
        }
    })
}

fn set_of(set: &Set) -> Result<Verdict, QueryError> {
    let name = match set {
        Set::SingleAssignment { variable, .. } => variable.to_string().to_lowercase(),
        Set::SetTimeZone { .. } => return Ok(Verdict::Passes),
        Set::SetNames { .. } | Set::SetTransaction { .. } | Set::SetSessionParam(_) => {
            return Ok(Verdict::Nothing("SET"));
        }
        other => return Err(QueryError::UnknownSetting(other.to_string())),
    };
    match name.trim_matches('"') {
        "timezone" => Ok(Verdict::Nothing("SET")),
        known if SETTINGS.contains(&known) => Ok(Verdict::Passes),
        unknown => Err(QueryError::UnknownSetting(unknown.to_owned())),
    }
}

fn nothing() -> LogicalPlan {
    let schema = Arc::new(DFSchema::empty());
    LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: false, schema })
}

#[async_trait]
impl QueryHook for Guard {
    async fn handle_simple_query(
        &self,
        statement: &Statement,
        _context: &SessionContext,
        _client: &mut dyn HookClient,
    ) -> Option<PgWireResult<Response>> {
        match judge(statement) {
            Ok(Verdict::Passes) => None,
            Ok(Verdict::Nothing(words)) => Some(Ok(Response::Execution(Tag::new(words)))),
            Err(error) => Some(Err(told(&error))),
        }
    }

    async fn handle_extended_parse_query(
        &self,
        statement: &Statement,
        _context: &SessionContext,
        _client: &(dyn ClientInfo + Send + Sync),
    ) -> Option<PgWireResult<LogicalPlan>> {
        match judge(statement) {
            Ok(Verdict::Passes) => None,
            Ok(Verdict::Nothing(_)) => Some(Ok(nothing())),
            Err(error) => Some(Err(told(&error))),
        }
    }

    async fn handle_extended_query(
        &self,
        statement: &Statement,
        _plan: &LogicalPlan,
        _params: &ParamValues,
        context: &SessionContext,
        client: &mut dyn HookClient,
    ) -> Option<PgWireResult<Response>> {
        self.handle_simple_query(statement, context, client).await
    }
}
