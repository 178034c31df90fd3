//! What `shelf sales` is asked for.

use clap::{Args as ClapArgs, Subcommand};

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum SalesCommand {
    /// Show what was sold in some days that have ended, beside the same days a week earlier.
    Compare(CompareArgs),
    /// Show what each hour of the last week sold, by day: patterns by hour and weekday. The end of
    /// the log is read for it.
    Patterns {
        /// Only this store.
        #[arg(long, value_name = "ID")]
        store: Option<String>,
    },
}

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct CompareArgs {
    /// Only this store.
    #[arg(long, value_name = "ID")]
    pub(crate) store: Option<String>,
    /// A row for all (chain), or for each store, category or product.
    #[arg(long, value_name = "WHAT")]
    pub(crate) by: Option<String>,
    /// So many days, the last one included.
    #[arg(long, value_name = "N", default_value_t = 7)]
    pub(crate) days: u16,
    /// From this date, as 2026-01-31, instead of so many days.
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<String>,
    /// To this date; the stores' yesterday without it, for their today is not over.
    #[arg(long, value_name = "DATE")]
    pub(crate) to: Option<String>,
    /// Order by this figure, the highest first.
    #[arg(long, value_name = "FIGURE", default_value = "net_revenue")]
    pub(crate) sort: String,
    /// At most so many rows.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,
}
