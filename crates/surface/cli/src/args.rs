//! The command line.

mod acting;
mod bench;
mod bridge;
mod kafka;
mod lake;
mod sales;
mod sql;
mod user;
mod windows;

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, RangedI64ValueParser};
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use shelf_sources::Format;

use crate::kpi::KpiArgs;
use crate::quality::QualityArgs;
pub(crate) use acting::{ActArgs, AlertsCommand, OrdersCommand, TasksCommand};
pub(crate) use bench::{BenchArgs, BenchName};
pub(crate) use bridge::BridgeArgs;
#[cfg(feature = "kafka")]
pub(crate) use kafka::FeedArgs;
pub(crate) use kafka::KafkaCommand;
pub(crate) use lake::{ExportArg, LakeCommand, VerifyArgs};
pub(crate) use sales::{CompareArgs, SalesCommand};
pub(crate) use sql::{SqlArgs, SqlCommand};
pub(crate) use user::{ByArgs, ReportArgs, UserAddArgs, UserCommand};
pub(crate) use windows::{StageArg, StateArgs, WindowsArgs};

/// Runs a supermarket chain's stock in real time: shelves, lots, alerts, restock tasks, supplier
/// orders, prices.
///
/// Without a command it is `shelf run`: a simulated supermarket lives through four weeks in
/// seconds, then goes on live at 60 times real time.
///
/// Data goes to stdout, everything else to stderr. Exit codes: 0 done, 1 failed, 2 wrong usage or
/// settings, 3 the data is damaged or of a newer format, 4 the data folder is in use, 5 nothing
/// there of that name, 6 done, but not everything was accepted.
#[derive(Debug, Parser)]
#[command(name = "shelf", version, max_term_width = 100, propagate_version = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// The data folder [default: shelf-data].
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// A settings file [default: shelf.toml, where there is one].
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

impl Args {
    pub(crate) fn chosen(&self) -> Command {
        self.command.clone().unwrap_or_else(|| Command::Run(RunArgs::default()))
    }
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a chain live, and show it.
    Run(RunArgs),
    /// Simulate a chain as fast as it goes, in lock-step.
    Simulate(SimulateArgs),
    /// Step the whole log again from its first event, and compare with the snapshots.
    Replay(ReplayArgs),
    /// Take events, or a foreign file with a mapping, into the log.
    Import(ImportArgs),
    /// Send events as JSON lines from stdin to the running process.
    Send(SendArgs),
    /// Show a running or stopped chain as a live screen.
    Watch(WatchArgs),
    /// Show how the chain stands.
    Status(StatusArgs),
    /// List alerts, look at one, act on one.
    #[command(subcommand)]
    Alerts(AlertsCommand),
    /// List supplier orders, look at one, act on one; see when suppliers take them.
    #[command(subcommand)]
    Orders(OrdersCommand),
    /// List restock tasks, ask for one, cancel one.
    #[command(subcommand)]
    Tasks(TasksCommand),
    /// List shelves, look at one with its lots.
    #[command(subcommand)]
    Shelves(ShelvesCommand),
    /// Show key figures: availability, turnover, waste, margin, baskets.
    Kpi(KpiArgs),
    /// Show what was sold, beside a week earlier, and in which hours.
    #[command(subcommand)]
    Sales(SalesCommand),
    /// Print the stores' state records: stock, lots, discounts, plans, policies.
    State(StateArgs),
    /// Ask in SQL, once or from stdin, or serve clients of Postgres.
    Sql(SqlArgs),
    /// Show which windows of sales and stock there are, and what one tells.
    Windows(WindowsArgs),
    /// Look at the log of events.
    #[command(subcommand)]
    Log(LogCommand),
    /// Look at what was not accepted, and submit it again.
    #[command(subcommand)]
    Quarantine(QuarantineCommand),
    /// Show how good the events are: what came in, what is silent, what does not add up.
    ///
    /// The exit code is 0 whatever the checks say; with --strict it is 1 where one warns or fails.
    Quality(QualityArgs),
    /// Follow the log into open tables, and look at them.
    #[command(subcommand)]
    Lake(LakeCommand),
    /// Make the topics of a chain on Apache Kafka, feed its log.
    #[command(subcommand)]
    Kafka(KafkaCommand),
    /// Bring the entries of Redis Streams into the topics of Apache Kafka that workers take events
    /// from.
    Bridge(BridgeArgs),
    /// Check the machine and the data.
    Doctor,
    /// Look at the settings.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Measure one thing.
    Bench(BenchArgs),
    /// Write the report of a day as one HTML file, or as JSON: sales, availability, waste, alerts,
    /// orders.
    Report(ReportArgs),
    /// Say who may log in at the dashboard and the API.
    #[command(subcommand)]
    User(UserCommand),
    /// Print completions for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    Man,
}

#[derive(Clone, Debug, Default, ClapArgs)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct RunArgs {
    /// Simulate the environment: customers, tills, staff, suppliers. The default for a new data
    /// folder.
    #[arg(long, conflicts_with = "no_demo")]
    pub(crate) demo: bool,
    /// No simulated environment: events come from outside, time is the clock's.
    #[arg(long)]
    pub(crate) no_demo: bool,
    /// Days that a new demo lives through before it goes live.
    #[arg(long, value_name = "N")]
    pub(crate) warmup_days: Option<u32>,
    /// Simulated seconds in a second, or `max`.
    #[arg(long, value_name = "N|max")]
    pub(crate) speed: Option<String>,
    /// Stores of a new demo.
    #[arg(long, value_name = "N")]
    pub(crate) stores: Option<u32>,
    /// The seed of a new demo.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Print a line for each thing that happens instead of the live screen.
    #[arg(long)]
    pub(crate) plain: bool,
    /// Stop after so many seconds.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) for_seconds: Option<u64>,
    /// Do not follow the log into the lake.
    #[arg(long)]
    pub(crate) no_lake: bool,
    /// Work on a log on Apache Kafka, kafka://host:port,host:port/prefix, as one of its workers
    /// [default: the setting kafka.url; without one the log is in the data folder].
    #[arg(long, value_name = "URL",
        conflicts_with_all = ["demo", "stores", "seed", "warmup_days", "speed", "sql_listen"])]
    pub(crate) log: Option<String>,
    /// Where the dashboard and the HTTP API are served, or `off` [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// Where clients of Postgres connect, or `off` [default: 127.0.0.1:5433].
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) sql_listen: Option<String>,
}

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct SimulateArgs {
    /// Days from the beginning of the simulation. On a folder that has some of them, it goes on.
    #[arg(long, value_name = "N", default_value_t = 28, value_parser = days_range())]
    pub(crate) days: u32,
    /// From which all chance follows.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// How many stores.
    #[arg(long, value_name = "N")]
    pub(crate) stores: Option<u32>,
    /// Have messages come twice, late, out of order, malformed and cut.
    #[arg(long)]
    pub(crate) faults: bool,
    /// How the world departs from the books [default: default, or what the folder was made with].
    #[arg(long, value_enum)]
    pub(crate) realism: Option<RealismArg>,
    /// The most events that are submitted at once.
    #[arg(long, value_name = "N")]
    pub(crate) batch: Option<usize>,
    /// Partitions of a new log.
    #[arg(long, value_name = "N")]
    pub(crate) partitions: Option<u32>,
    /// Threads.
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// A state is saved after so many events.
    #[arg(long, value_name = "N")]
    pub(crate) snapshot_events: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RealismArg {
    /// Thefts, misplaced goods, sensor misses, late and short suppliers.
    Default,
    /// A world as in the books.
    None,
}

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct ReplayArgs {
    /// Only show the state as it was at this time (RFC 3339).
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
}

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct ImportArgs {
    /// Files, folders or patterns; `-` is stdin.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<String>,
    /// How columns become events: the name of a shipped mapping, or a file.
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) mapping: Option<String>,
    /// The store of events that name none.
    #[arg(long, value_name = "ID")]
    pub(crate) store: Option<String>,
    /// Whose events the lines of files without a mapping are, beside this program's own.
    #[arg(long, value_name = "FORMAT", default_value = "auto", value_parser = format_names())]
    pub(crate) format: String,
    /// The time zone of other systems' times without an offset.
    #[arg(long, value_name = "ZONE")]
    pub(crate) time_zone: Option<String>,
    /// Threads that read.
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Take files anew that were imported before.
    #[arg(long)]
    pub(crate) again: bool,
}

fn format_names() -> PossibleValuesParser {
    PossibleValuesParser::new(Format::names())
}

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct SendArgs {
    /// The store of events that name none.
    #[arg(long, value_name = "ID")]
    pub(crate) store: Option<String>,
}

#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct WatchArgs {
    /// Write the screen to an SVG file and stop.
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// Print the screen once as text and stop.
    #[arg(long)]
    pub(crate) once: bool,
    /// Begin with this store.
    #[arg(long, value_name = "ID")]
    pub(crate) store: Option<String>,
}

#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct StatusArgs {
    /// Only this store.
    #[arg(long, value_name = "ID")]
    pub(crate) store: Option<String>,
}

/// Which rows to show.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct ListArgs {
    /// Only this store.
    #[arg(long, value_name = "ID")]
    pub(crate) store: Option<String>,
    /// Only this status.
    #[arg(long, value_name = "STATUS")]
    pub(crate) status: Option<String>,
    /// At most so many rows.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ShelvesCommand {
    /// List shelves, the emptiest first.
    List {
        #[command(flatten)]
        list: ListArgs,
        /// Only those with this text in their sku or name.
        #[arg(long, value_name = "TEXT")]
        sku: Option<String>,
    },
    /// Show a shelf with its lots.
    Show {
        /// Which sku.
        sku: String,
        /// Its store; may be left out where there is only one.
        #[arg(long, value_name = "ID")]
        store: Option<String>,
    },
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum LogCommand {
    /// Print the newest events as JSON lines.
    Tail {
        /// How many of each partition.
        #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
        lines: u64,
        /// Go on with what comes.
        #[arg(short, long)]
        follow: bool,
        /// Only this store.
        #[arg(long, value_name = "ID")]
        store: Option<String>,
        /// What followed from the events instead of the events.
        #[arg(long)]
        effects: bool,
    },
    /// Read the whole log and check every record.
    Verify,
    /// Show where each partition stands.
    Offsets,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum QuarantineCommand {
    /// List what was not accepted, the newest first.
    List {
        /// Only this reason.
        #[arg(long, value_name = "CODE")]
        reason: Option<String>,
        /// At most so many rows.
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
    },
    /// Submit entries again: their cause may be gone.
    Retry {
        /// Which, such as p03:1207.
        #[arg(value_name = "ID", required_unless_present = "all")]
        ids: Vec<String>,
        /// All of them.
        #[arg(long, conflicts_with = "ids")]
        all: bool,
        /// The store of lines that name none.
        #[arg(long, value_name = "ID")]
        store: Option<String>,
    },
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print the effective settings.
    Show {
        /// Say where each value comes from.
        #[arg(long)]
        origin: bool,
    },
    /// Check the settings, and say what is wrong.
    Check,
}

/// The most days of a simulation: more than fifty years.
const DAYS_MAX: i64 = 20_000;

fn days_range() -> RangedI64ValueParser<u32> {
    RangedI64ValueParser::new().range(0..=DAYS_MAX)
}
