//! Errors as clients of Postgres know them: a code of five characters, a sentence, a hint.

use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion_postgres::pgwire::api::{ClientInfo, ErrorHandler};
use datafusion_postgres::pgwire::error::{ErrorInfo, PgWireError};

use crate::QueryError;

/// Puts every error into words before it is sent.
pub(super) struct InWords;

impl ErrorHandler for InWords {
    fn on_error<C: ClientInfo>(&self, _client: &C, error: &mut PgWireError) {
        let PgWireError::ApiError(cause) = error else { return };
        let known = if let Some(error) = cause.downcast_ref::<QueryError>() {
            error.clone()
        } else if let Some(error) = cause.downcast_ref::<DataFusionError>() {
            QueryError::of(error)
        } else if let Some(error) = cause.downcast_ref::<ParserError>() {
            QueryError::syntax(error)
        } else {
            return;
        };
        *error = told(&known);
    }
}

/// An error as it is sent.
pub(super) fn told(error: &QueryError) -> PgWireError {
    let message = error.to_string();
    let mut info = ErrorInfo::new("ERROR".to_owned(), error.sqlstate().to_owned(), message);
    info.detail = Some(format!("code {}", error.code()));
    info.hint = Some(error.hint().to_owned());
    PgWireError::UserError(Box::new(info))
}
