//! The words of `shelf bench`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct BenchArgs {
    /// What to measure.
    #[arg(value_enum)]
    pub(crate) name: BenchName,
    /// Where the data of the bench goes for its time; it must be on a disk.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,
    /// A Python with `duckdb` and `deltalake`, for the row that compares with `DuckDB`.
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    pub(crate) python: PathBuf,
    /// Brokers of Kafka, for the rows that need some; topics of their own are made there.
    #[cfg(feature = "kafka")]
    #[arg(long, value_name = "URL", default_value = "kafka://127.0.0.1:9092")]
    pub(crate) kafka: String,
    /// A Redis, for the rows that need one; a stream of their own is made there.
    #[arg(long, value_name = "URL", default_value = "redis://127.0.0.1:6379")]
    pub(crate) redis: String,
    /// A PostgreSQL, for the row that needs one; a database of its own is made there.
    #[arg(long, value_name = "URL", default_value = "postgres://shelf@127.0.0.1:5432/postgres")]
    pub(crate) postgres: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum BenchName {
    /// Core steps a second on one core.
    CoreSteps,
    /// JSON file to fsynced log, state and alerts, on one core.
    ImportOneCore,
    /// The same on two.
    ImportTwoCores,
    /// One store through 365 days.
    SimulateYear,
    /// From event to visible alert at 10,000 events a second.
    EventToAlert,
    /// Restart after `kill -9` with 10 million events in the log.
    Restart,
    /// Resident memory of the running demo.
    ResidentDemo,
    /// The same with the lake following and SQL open.
    ResidentWithLake,
    /// 100 stores in one process.
    HundredStores,
    /// What windows and rules cost the core's steps a second.
    WatchingCost,
    /// Memory of one store with everything on.
    StoreMemory,
    /// Rows a second from the log to committed tables.
    LakeRows,
    /// The bytes of a year of one store in the lake, and the time of its star schema.
    LakeYear,
    /// What following into the lake costs the engine.
    LakeSlowdown,
    /// From event to seen in `live` by SQL, at 10,000 events a second.
    LiveVisible,
    /// From event to seen in every table of the lake, at 10,000 events a second.
    LakeVisible,
    /// 20 statements of a dashboard over a year of one store, beside `DuckDB`.
    SqlQueries,
    /// What 200 streams and 1,000 reads a second of the API cost the engine.
    HttpLoad,
    /// Events a second from a log on Kafka to state, effects and state records.
    #[cfg(feature = "kafka")]
    KafkaEvents,
    /// From an event produced on Kafka to its alert consumed there, at 5,000 events a second.
    #[cfg(feature = "kafka")]
    KafkaAlert,
    /// What transactions cost of the events a second, against writing at least once.
    #[cfg(feature = "kafka")]
    KafkaTransactionsCost,
    /// From the kill of a worker on Kafka to the first commit in each of its partitions.
    #[cfg(feature = "kafka")]
    KafkaTakeOver,
    /// Messages a second from the topics of other systems into the log on Kafka.
    #[cfg(feature = "kafka")]
    KafkaIntake,
    /// Entries a second from Redis Streams into topics of Kafka.
    #[cfg(feature = "kafka")]
    RedisBridge,
    /// Entries a second from Redis Streams into the log of a data folder.
    RedisEntries,
    /// Rows a second from the log into `PostgreSQL`.
    MirrorRows,
    /// From the start of a new demo to a first page with live data.
    FirstPage,
    /// The server's time of every page, and of the overview of 100 stores.
    PageTime,
    /// What the first page and all that it loads weigh, packed.
    FirstLoad,
    /// From the arrival of an event to the change in a browser, at the demo's rate.
    EventToPixel,
}
