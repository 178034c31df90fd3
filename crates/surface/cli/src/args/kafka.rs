//! `shelf kafka`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum KafkaCommand {
    /// Make the topics of a chain. What is there is never changed: a difference is told, and the
    /// exit code is 6.
    Init(InitArgs),
    /// Put events as JSON lines from a file or stdin into the log.
    Feed(FeedArgs),
}

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct InitArgs {
    /// The brokers, as kafka://host:port,host:port/prefix [default: the setting kafka.url].
    #[arg(long, value_name = "URL")]
    pub(crate) log: Option<String>,
    /// Partitions of the log [default: the setting log.partitions].
    #[arg(long, value_name = "N")]
    pub(crate) partitions: Option<u32>,
}

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct FeedArgs {
    /// The file; without one, stdin.
    pub(crate) file: Option<PathBuf>,
    /// The brokers, as kafka://host:port,host:port/prefix [default: the setting kafka.url].
    #[arg(long, value_name = "URL")]
    pub(crate) log: Option<String>,
    /// The store of events that name none.
    #[arg(long, value_name = "STORE")]
    pub(crate) store: Option<String>,
    /// The name of this feed: whoever feeds under it already is fenced, so that a process that was
    /// given up adds nothing.
    #[arg(long, value_name = "NAME", default_value = "command-line")]
    pub(crate) name: String,
    /// Events that are committed together.
    #[arg(long, value_name = "N", default_value_t = 4_096)]
    pub(crate) batch: usize,
}
