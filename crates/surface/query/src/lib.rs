//! SQL over live state and the lake, and the Postgres wire.
//!
//! [`Sql`] opens a data folder, whether a process writes it or not, and gives out [`Session`]s.
//! A session reads statements and answers them in batches; `wire` does the same for clients of
//! Postgres. Statements read and never change anything. They have a runtime, memory and a time of
//! their own ([`Limits`]), so that none delays the engine.
//!
//! Nothing here decides anything about a shop: the rows of `live` are those of `shelf-views`.

mod cancel;
mod clients;
mod comments;
mod error;
mod functions;
mod lake;
mod large_values;
mod limits;
mod live;
mod moment;
mod optimizer;
mod rows;
mod session;
mod sql;
mod statement;
mod subqueries;
mod tokens;
mod wire;

pub use cancel::Cancel;
pub use comments::{TableNote, table_notes, type_name};
pub use datafusion::arrow;
pub use error::QueryError;
pub use functions::{FunctionNote, function_notes};
pub use limits::{Limits, MIN_MEMORY_BYTES};
pub use rows::{RowFormat, RowWriter};
pub use session::{Answer, ReadStatement, Session};
pub use shelf_lake::Lake;
pub use sql::{Following, Sql};
pub use wire::{Listener, Password, ServerOptions, Serving, TlsFiles};
