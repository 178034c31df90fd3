//! What this crate asks of others: SQL, the tables of the lake, the controls of a simulation.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;
use shelf_domain::Timestamp;
use utoipa::ToSchema;

/// How an answer to a statement is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SqlFormat {
    /// `{"columns": [{"name", "type"}], "rows": [[...]]}`.
    #[default]
    Json,
    /// CSV with a header.
    Csv,
    /// The stream format of Arrow.
    Arrow,
    /// One Parquet file.
    Parquet,
}

impl SqlFormat {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Json, Self::Csv, Self::Arrow, Self::Parquet];

    /// Its stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Arrow => "arrow",
            Self::Parquet => "parquet",
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Arrow => "application/vnd.apache.arrow.stream",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }
}

/// A statement to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SqlStatement {
    /// Its text: one statement, which reads.
    pub text: String,
    /// How the answer is to be written.
    pub format: SqlFormat,
    /// The most rows, where fewer are wanted than the limit allows; what is over is left out and
    /// the answer says so.
    pub max_rows: Option<u64>,
    /// By what name it can be cancelled.
    pub id: Option<String>,
}

/// A column of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SqlColumn {
    /// Its name.
    pub name: String,
    /// Its type, in words of SQL.
    #[serde(rename = "type")]
    pub kind: String,
}

/// What a statement came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SqlAnswer {
    /// Its columns.
    pub columns: Vec<SqlColumn>,
    /// How many rows it has.
    pub rows: u64,
    /// Whether there were more than were wanted.
    pub cut: bool,
    /// How long it took.
    pub took: Duration,
    /// The rows, in the format that was asked for.
    pub body: Vec<u8>,
}

/// Why a statement has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqlFailure {
    /// A stable code of `docs/errors.md`.
    pub code: String,
    /// The SQLSTATE of it.
    pub sqlstate: String,
    /// What is wrong, in a sentence.
    pub message: String,
    /// What to do next.
    pub hint: String,
}

/// A table or view that statements can name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SqlObject {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<SqlColumn>,
}

/// What statements may use at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SqlLimits {
    /// Time, in seconds.
    pub timeout_s: u64,
    /// Rows of an answer.
    pub max_rows: u64,
    /// Memory, in megabytes.
    pub memory_mb: u64,
}

/// Runs SQL. Calls may block, and are made from threads that may.
pub trait SqlBackend: Send + Sync {
    /// Runs a statement within the limits.
    fn run(&self, statement: &SqlStatement) -> Result<SqlAnswer, SqlFailure>;

    /// Ends the statement of this id. Whether one ran.
    fn cancel(&self, id: &str) -> bool;

    /// What statements can name.
    fn objects(&self) -> Result<Vec<SqlObject>, SqlFailure>;

    /// What statements may use.
    fn limits(&self) -> SqlLimits;

    /// Where clients of Postgres connect; `None` where they cannot.
    fn postgres(&self) -> Option<SocketAddr> {
        None
    }
}

/// One table of the lake. What is not known is `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct LakeTable {
    /// The schema: `raw`, `cleansed`, `curated`, `ops`, ...
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The version of its newest commit.
    pub version: Option<i64>,
    /// Its rows.
    pub rows: Option<u64>,
    /// Its data files.
    pub files: Option<u64>,
    /// What they hold, in bytes.
    pub bytes: Option<u64>,
    /// When it was committed last, RFC 3339.
    pub committed_at: Option<String>,
    /// Events that the log has on disk and the table does not have yet.
    pub behind_events: Option<u64>,
}

/// What keeps the lake in shape: a job, and its last run in this process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct LakeJob {
    /// `compaction`, `star schema` or `vacuum`.
    pub name: String,
    /// How often it is due, in minutes; 0: by command alone.
    pub every_minutes: u64,
    /// Whether it runs at this moment.
    pub running: bool,
    /// Runs that have ended.
    pub runs: u64,
    /// When the last one ended, RFC 3339.
    pub ended_at: Option<String>,
    /// How long it took, in milliseconds.
    pub took_ms: Option<u64>,
    /// What went wrong with it.
    pub failure: Option<String>,
}

/// Knows the tables of the lake. Calls may block, and are made from threads that may.
pub trait LakeFacts: Send + Sync {
    /// The tables; an error is a code and a sentence.
    fn tables(&self) -> Result<Vec<LakeTable>, (String, String)>;

    /// The jobs that keep it in shape, where this process has them.
    fn jobs(&self) -> Vec<LakeJob>;
}

/// How a link with another system stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct LinkFact {
    /// Which.
    pub name: String,
    /// In one word: `connecting`, `following`, `waiting`, `refused`, `stopped`.
    pub state: String,
    /// Since when it has stood so, RFC 3339.
    #[serde(serialize_with = "rfc3339")]
    #[schema(value_type = String)]
    pub since: Timestamp,
    /// Events of the log that the other side stands for; `null` where it does not follow the log.
    pub position: Option<u64>,
    /// Events or entries that it has not taken yet; `null` where that is not known.
    pub lag: Option<u64>,
    /// Events or entries that it took since the start.
    pub events: u64,
    /// Rows that it wrote since the start.
    pub rows: u64,
    /// Of what it took, known already.
    pub known: u64,
    /// Of what it took, in quarantine.
    pub quarantined: u64,
    /// Of what it was to take, deleted by somebody before it could be: a figure of the metrics.
    #[serde(skip)]
    pub lost: u64,
    /// How often it failed since the start.
    pub failures: u64,
    /// What went wrong last, as a stable code of `docs/errors.md`.
    pub error_code: Option<String>,
    /// The same in a sentence.
    pub error: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl LinkFact {
    /// Whether it follows.
    pub fn follows(&self) -> bool {
        self.state == "following"
    }

    /// Whether another worker of the chain has it.
    pub fn stands_by(&self) -> bool {
        self.state == "standing_by"
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands references over")]
fn rfc3339<S: serde::Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&shelf_views::wording::rfc3339(*at))
}

/// Knows the links with other systems. Calls do not block.
pub trait LinkFacts: Send + Sync {
    /// How each stands. The lag of one that follows the log need not be filled in.
    fn links(&self) -> Vec<LinkFact>;
}

/// The links as they stand beside a log of so many events.
pub(crate) fn links_beside(facts: &dyn LinkFacts, log_end: u64) -> Vec<LinkFact> {
    let mut links = facts.links();
    for link in &mut links {
        let behind = link.position.map(|position| log_end.saturating_sub(position));
        link.lag = behind.or(link.lag);
    }
    links
}

/// The fastest that a simulation may be asked to go, in simulated seconds in a second.
pub(crate) const FASTEST: f64 = 100_000.0;

/// How a simulation goes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct SimulationState {
    /// Whether its time stands.
    pub paused: bool,
    /// Simulated seconds in a second; `null` where it goes as fast as it can.
    pub speed: Option<f64>,
}

/// The controls of a simulation, where there is one.
pub trait Simulation: Send + Sync {
    /// How it goes.
    fn state(&self) -> SimulationState;

    /// Holds its time still, or lets it go on.
    fn set_paused(&self, paused: bool);

    /// Goes on at another speed.
    fn set_speed(&self, speed: Option<f64>);
}

impl Simulation for shelf_host::Pace {
    fn state(&self) -> SimulationState {
        SimulationState { paused: self.paused(), speed: self.speed() }
    }

    fn set_paused(&self, paused: bool) {
        Self::set_paused(self, paused);
    }

    fn set_speed(&self, speed: Option<f64>) {
        Self::set_speed(self, speed);
    }
}

/// What time it is in the stores: the clock's, or that of a simulation.
pub type Clock = dyn Fn() -> Timestamp + Send + Sync;
