//! The command line of `shelf lake`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum LakeCommand {
    /// Follow the log into the lake: of a stopped folder, or of one that another process runs
    /// without a lake.
    Follow(FollowArgs),
    /// List the tables: rows, files, bytes, version.
    Tables,
    /// Show the newest commits of a table.
    History {
        /// The table, such as `raw.pos_lines`.
        table: String,
        /// At most so many.
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: usize,
    },
    /// Show in what two versions of a table differ.
    Diff {
        /// The table, such as `raw.pos_lines`.
        table: String,
        /// The earlier version.
        #[arg(long, value_name = "VERSION")]
        from: u64,
        /// The later version [default: the newest].
        #[arg(long, value_name = "VERSION")]
        to: Option<u64>,
    },
    /// Copy a table to a file, for programs that do not read Delta.
    Export {
        /// The table, such as `raw.pos_lines`.
        table: String,
        /// The file.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Its form.
        #[arg(long, value_enum, default_value = "parquet")]
        format: ExportArg,
    },
    /// Compact tables: every month becomes one file, in the order of the table.
    Optimize {
        /// Only these tables.
        #[arg(value_name = "TABLE")]
        tables: Vec<String>,
    },
    /// Make checkpoints of the logs of tables.
    Checkpoint {
        /// Only these tables.
        #[arg(value_name = "TABLE")]
        tables: Vec<String>,
    },
    /// Remove files that no kept version needs.
    Vacuum {
        /// Only these tables.
        #[arg(value_name = "TABLE")]
        tables: Vec<String>,
        /// Keep versions of so many hours [default: `lake.retention_hours`].
        #[arg(long, value_name = "HOURS")]
        hours: Option<u32>,
        /// Only say which.
        #[arg(long)]
        dry_run: bool,
        /// Do not ask where fewer hours are kept than the setting says.
        #[arg(long)]
        yes: bool,
    },
    /// Build the star schema: the days that rows have come for, or these.
    Build {
        /// The first day.
        #[arg(long, value_name = "DATE")]
        from: Option<String>,
        /// The last day.
        #[arg(long, value_name = "DATE")]
        to: Option<String>,
    },
    /// Read every file, and compare the tables with the log.
    Verify(VerifyArgs),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportArg {
    /// Apache Parquet.
    Parquet,
    /// Values between commas, with a header.
    Csv,
    /// One JSON object a line.
    Json,
}

#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct FollowArgs {
    /// Stop when everything that is in the log is in the lake.
    #[arg(long)]
    pub(crate) until_caught_up: bool,
}

#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct VerifyArgs {
    /// Only these tables.
    #[arg(value_name = "TABLE")]
    pub(crate) tables: Vec<String>,
    /// Only look at the files; do not step the log again.
    #[arg(long)]
    pub(crate) files_only: bool,
}
