//! What `shelf windows` and `shelf state` are asked for.

use clap::{Args as ClapArgs, ValueEnum};

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct StateArgs {
    /// Which records, such as `shelf_state`; without it all are listed with their rows.
    pub(crate) name: Option<String>,
    /// Only this store.
    #[arg(long, value_name = "ID")]
    pub(crate) store: Option<String>,
}

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct WindowsArgs {
    /// Which kind of window, such as `store_1m`; without it the kinds are listed.
    pub(crate) name: Option<String>,
    /// Only this store.
    #[arg(long, value_name = "ID")]
    pub(crate) store: Option<String>,
    /// Only this product.
    #[arg(long, value_name = "SKU", requires = "name")]
    pub(crate) item: Option<String>,
    /// So many of the latest windows [default: 12, of products 1, all with --from or --to].
    #[arg(long, value_name = "N", requires = "name")]
    pub(crate) last: Option<usize>,
    /// From the log: windows that begin at this time or later (RFC 3339).
    #[arg(long, value_name = "TIME", requires = "name")]
    pub(crate) from: Option<String>,
    /// From the log: windows that begin before this time (RFC 3339).
    #[arg(long, value_name = "TIME", requires = "name")]
    pub(crate) to: Option<String>,
    /// Only windows that have ended, or all.
    #[arg(long, value_enum, default_value = "all")]
    pub(crate) stage: StageArg,
    /// At most so many rows of each window, where it is shown as text.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,
    /// Print CSV.
    #[arg(long, requires = "name", conflicts_with = "json")]
    pub(crate) csv: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StageArg {
    /// Open windows too.
    All,
    /// Windows that have ended, corrected or not.
    Final,
}
