//! What `shelf sql` is asked for.

use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use shelf_query::RowFormat;

/// The SQL is that of Postgres, and reads only. The schemas are listed in docs/sql.md.
#[derive(Clone, Debug, Default, ClapArgs)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct SqlArgs {
    #[command(subcommand)]
    pub(crate) command: Option<SqlCommand>,
    /// The statement, or several with `;` between them, or `\d TABLE` for the columns of a table
    /// and `\dt` for the tables; without it they come from stdin.
    #[arg(value_name = "STATEMENT")]
    pub(crate) statement: Option<String>,
    /// How rows are printed [default: table, or json with --json].
    #[arg(long, value_enum, value_name = "FORMAT", conflicts_with = "json")]
    pub(crate) format: Option<FormatArg>,
    /// The most rows of an answer; more is an error.
    #[arg(long, value_name = "N")]
    pub(crate) max_rows: Option<u64>,
    /// The most seconds that a statement may take.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) timeout: Option<u32>,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum SqlCommand {
    /// Serve the data folder to clients of Postgres, until it is stopped.
    Serve {
        /// Where to listen [default: 127.0.0.1:5433].
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<String>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// A table for people.
    Table,
    /// One JSON object a line.
    Json,
    /// CSV with a line of names.
    Csv,
    /// One Parquet file.
    Parquet,
    /// A stream of Arrow IPC.
    Arrow,
}

impl From<FormatArg> for RowFormat {
    fn from(format: FormatArg) -> Self {
        match format {
            FormatArg::Table => Self::Table,
            FormatArg::Json => Self::Json,
            FormatArg::Csv => Self::Csv,
            FormatArg::Parquet => Self::Parquet,
            FormatArg::Arrow => Self::Arrow,
        }
    }
}
