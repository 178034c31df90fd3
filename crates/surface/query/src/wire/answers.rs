//! The statements of one client: answered by `datafusion-postgres`, within the limits.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser as SqlParser;
use datafusion_postgres::hooks::cursor::CursorStatementHook;
use datafusion_postgres::hooks::set_show::SetShowHook;
use datafusion_postgres::hooks::transactions::TransactionStatementHook;
use datafusion_postgres::pgwire::api::portal::Portal;
use datafusion_postgres::pgwire::api::query::{ExtendedQueryHandler, SimpleQueryHandler};
use datafusion_postgres::pgwire::api::results::{FieldInfo, Response, SendableRowStream};
use datafusion_postgres::pgwire::api::stmt::QueryParser;
use datafusion_postgres::pgwire::api::store::PortalStore;
use datafusion_postgres::pgwire::api::{ClientInfo, ClientPortalStore, Type};
use datafusion_postgres::pgwire::error::{PgWireError, PgWireResult};
use datafusion_postgres::pgwire::messages::PgWireBackendMessage;
use datafusion_postgres::{DfSessionService, Parser};
use futures::{FutureExt, Sink, StreamExt, stream};

use super::cancels::Known;
use super::errors::told;
use super::guard::Guard;
use crate::cancel::Asked;
use crate::live::{LIVE, UTC};
use crate::session::{DESCRIPTION, Seen, see, within};
use crate::sql::Shared;
use crate::statement::prepare;
use crate::{Limits, QueryError};

/// Where `datafusion-postgres` keeps the time that a client has set for its statements.
const TIMEOUT: &str = "statement_timeout_ms";

/// The statements of one client.
pub(super) struct Answers {
    shared: Arc<Shared>,
    context: Arc<SessionContext>,
    service: DfSessionService,
    parser: Arc<NamingParser>,
    known: Arc<Known>,
}

impl Answers {
    pub(super) fn new(shared: &Arc<Shared>, known: Arc<Known>) -> Self {
        let context = Arc::new(shared.context());
        let service = DfSessionService::new_with_hooks(
            Arc::clone(&context),
            vec![
                Arc::new(Guard),
                Arc::new(CursorStatementHook),
                Arc::new(SetShowHook),
                Arc::new(TransactionStatementHook),
            ],
        );
        let parser = NamingParser { inner: service.query_parser(), shared: Arc::clone(shared) };
        let (shared, parser) = (Arc::clone(shared), Arc::new(parser));
        Self { shared, context, service, parser, known }
    }

    /// What one statement of a client may use: a client may ask for less time than the settings
    /// give, not for more.
    fn limits(&self, client: &impl ClientInfo) -> Limits {
        let mut limits = self.shared.limits.clone();
        let own = client.metadata().get(TIMEOUT).and_then(|text| text.parse().ok());
        if let Some(own) = own.map(Duration::from_millis) {
            limits.timeout = limits.timeout.min(own);
        }
        limits
    }

    /// Begins a statement, whose tables all show one moment.
    fn begin(&self, client: &impl ClientInfo) -> (Running, Seen) {
        let asked = self.known.cancel_of(client).begin();
        let running = Running { limits: self.limits(client), begun: Instant::now(), asked };
        (running, see(&self.context))
    }
}

/// A statement that runs.
struct Running {
    limits: Limits,
    begun: Instant,
    asked: Asked,
}

impl Running {
    async fn within<T>(&mut self, work: impl Future<Output = PgWireResult<T>>) -> PgWireResult<T> {
        let done = within(&self.limits, self.begun, &mut self.asked, work).await;
        done.unwrap_or_else(|error| Err(told(&error)))
    }

    /// The same rows, until a limit is reached.
    fn limited(self, response: Response) -> Response {
        match response {
            Response::Query(mut query) => {
                let rows = std::mem::replace(&mut query.data_rows, Box::pin(stream::empty()));
                query.data_rows = limited(rows, self);
                Response::Query(query)
            }
            other => other,
        }
    }
}

fn limited(rows: SendableRowStream, running: Running) -> SendableRowStream {
    let state = Some((rows, running, 0_u64));
    Box::pin(stream::unfold(state, |state| async {
        let (mut rows, mut running, mut count) = state?;
        // Rows of a batch that is there need no clock.
        let next = match rows.next().now_or_never() {
            Some(next) => Ok(next),
            None => {
                let Running { limits, begun, asked } = &mut running;
                within(limits, *begun, asked, rows.next()).await
            }
        };
        match next {
            Ok(Some(Ok(row))) => {
                count += 1;
                let most = running.limits.max_rows;
                if count > most {
                    return Some((Err(told(&QueryError::TooManyRows(most))), None));
                }
                Some((Ok(row), Some((rows, running, count))))
            }
            Ok(Some(Err(error))) => Some((Err(error), None)),
            Ok(None) => None,
            Err(error) => Some((Err(told(&error)), None)),
        }
    }))
}

#[async_trait]
impl SimpleQueryHandler for Answers {
    async fn do_query<C>(&self, client: &mut C, query: &str) -> PgWireResult<Vec<Response>>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let text = prepared(&self.shared, query).await?;
        present(client);
        let (mut running, _seen) = self.begin(client);
        let limits = running.limits.clone();
        let answered = SimpleQueryHandler::do_query(&self.service, client, &text);
        let responses = running.within(answered).await?;
        let begun = running.begun;
        let again = || Running { limits: limits.clone(), begun, asked: self.known.begin() };
        Ok(responses.into_iter().map(|response| again().limited(response)).collect())
    }
}

#[async_trait]
impl ExtendedQueryHandler for Answers {
    type Statement = <DfSessionService as ExtendedQueryHandler>::Statement;
    type QueryParser = NamingParser;

    fn query_parser(&self) -> Arc<Self::QueryParser> {
        Arc::clone(&self.parser)
    }

    async fn do_query<C>(
        &self,
        client: &mut C,
        portal: &Portal<Self::Statement>,
        max_rows: usize,
    ) -> PgWireResult<Response>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Self::Statement>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        present(client);
        let (mut running, _seen) = self.begin(client);
        let answered = ExtendedQueryHandler::do_query(&self.service, client, portal, max_rows);
        let response = running.within(answered).await?;
        Ok(running.limited(response))
    }
}

/// Reads prepared statements, in which people name moments too.
pub(super) struct NamingParser {
    inner: Arc<Parser>,
    shared: Arc<Shared>,
}

#[async_trait]
impl QueryParser for NamingParser {
    type Statement = <Parser as QueryParser>::Statement;

    async fn parse_sql<C>(
        &self,
        client: &C,
        sql: &str,
        types: &[Option<Type>],
    ) -> PgWireResult<Option<Self::Statement>>
    where
        C: ClientInfo + Unpin + Send + Sync,
    {
        let text = prepared(&self.shared, sql).await?;
        let count = SqlParser::parse_sql(&PostgreSqlDialect {}, &text).map_or(1, |all| all.len());
        if count > 1 {
            let message = "a prepared statement is one statement".to_owned();
            return Err(told(&QueryError::Syntax(message)));
        }
        self.inner.parse_sql(client, &text, types).await
    }

    fn get_parameter_types(&self, statement: &Self::Statement) -> PgWireResult<Vec<Type>> {
        self.inner.get_parameter_types(statement)
    }

    fn get_result_schema(
        &self,
        statement: &Self::Statement,
        format: Option<&datafusion_postgres::pgwire::api::portal::Format>,
    ) -> PgWireResult<Vec<FieldInfo>> {
        self.inner.get_result_schema(statement, format)
    }
}

/// What `SHOW` tells of settings that the client has not set.
fn present(client: &mut impl ClientInfo) {
    let known = client.metadata_mut();
    for (name, value) in [("search_path", LIVE), ("timezone", UTC)] {
        known.entry(name.to_owned()).or_insert_with(|| value.to_owned());
    }
}

/// The text as the parser understands it, with the comments at hand where it asks for them.
async fn prepared(shared: &Shared, sql: &str) -> PgWireResult<String> {
    let text = prepare(sql).map_err(|error| told(&error))?;
    if text.contains(DESCRIPTION) {
        let numbered = shared.comments.number(shared.numbering()).await;
        numbered.map_err(|error| told(&QueryError::of(&error)))?;
    }
    Ok(text)
}
