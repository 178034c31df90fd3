//! What a user sees when a command fails: a code, a sentence, the causes, and what to do next.

use std::error::Error;
use std::fmt;

use shelf_host::HostError;
use shelf_sources::SourceError;

/// The code of a command whose reader has seen enough, as `head` has: it ends, and says nothing.
const READER_GONE: &str = "reader_gone";

/// A command that failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) causes: Vec<String>,
    pub(crate) hint: String,
    pub(crate) exit: u8,
}

/// How the program ends with this code, by the kinds that its help tells of.
fn exit_of(code: &str) -> u8 {
    match code {
        READER_GONE => 0,
        "usage"
        | "settings"
        | "other_settings"
        | "not_a_data_folder"
        | "mapping_bad"
        | "lake_address"
        | "lake_ahead"
        | "lake_of_another_chain"
        | "source_no_mapping"
        | "source_unknown_kind"
        | "source_archive"
        | "source_no_column"
        | "time_zone_unknown"
        | "sql_syntax"
        | "sql_read_only"
        | "sql_nonsense"
        | "sql_unknown_setting"
        | "sql_no_moment"
        | "sql_no_password"
        | "sql_server"
        | "http_server"
        | "kafka_address"
        | "kafka_setting"
        | "kafka_not_built"
        | "kafka_partitions"
        | "kafka_position"
        | "kafka_book"
        | "kafka_lists"
        | "snapshots_address"
        | "otlp"
        | "alert_route"
        | "mirror_address"
        | "redis_address"
        | "http_no_user"
        | "users" => 2,
        "kafka_position_lost"
        | "log_damaged"
        | "log_too_short"
        | "record_unreadable"
        | "newer_format"
        | "lake_damaged"
        | "meta_unreadable"
        | "snapshot_too_old"
        | "town_unreadable" => 3,
        "data_in_use" | "lake_in_use" => 4,
        "kafka_no_topic"
        | "no_data"
        | "not_found"
        | "unknown_store"
        | "unknown_alert"
        | "unknown_order"
        | "unknown_task"
        | "unknown_product"
        | "unknown_window"
        | "unknown_state"
        | "unknown_table"
        | "unknown_version"
        | "sql_unknown_table"
        | "sql_unknown_column"
        | "sql_unknown_function"
        | "source_missing"
        | "source_no_match"
        | "mapping_unknown" => 5,
        _ => 1,
    }
}

impl Failure {
    pub(crate) fn new(code: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        let (message, hint, exit) = (message.into(), hint.into(), exit_of(code));
        Self { code: code.to_owned(), message, causes: Vec::new(), hint, exit }
    }

    /// The data folder cannot be read.
    pub(crate) fn host(error: &HostError) -> Self {
        Self::new(error.code(), error.to_string(), error.hint()).because(error)
    }

    fn because(mut self, error: &(dyn Error + 'static)) -> Self {
        let mut next = error.source();
        while let Some(cause) = next {
            self.causes.push(cause.to_string());
            next = cause.source();
        }
        self
    }

    /// Stdout is gone, or full.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "it stands where `map_err` hands errors over"
    )]
    pub(crate) fn stdout(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::new(READER_GONE, "nobody reads the output any more", "");
        }
        Self::new("stdout", format!("cannot print: {error}"), "check where the output goes")
    }

    /// Whether the command only ended because nobody reads on.
    pub(crate) fn reader_gone(&self) -> bool {
        self.code == READER_GONE
    }

    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new("usage", message, hint)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)
    }
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        Self::host(&error)
    }
}

impl From<shelf_engine::EngineError> for Failure {
    fn from(error: shelf_engine::EngineError) -> Self {
        HostError::from(error).into()
    }
}

impl From<shelf_ports::LogError> for Failure {
    fn from(error: shelf_ports::LogError) -> Self {
        HostError::from(error).into()
    }
}

impl From<shelf_lake::LakeError> for Failure {
    fn from(error: shelf_lake::LakeError) -> Self {
        Self::new(error.code(), error.to_string(), error.hint()).because(&error)
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        let detail = Some(error.detail()).filter(|detail| !detail.is_empty());
        let causes = detail.into_iter().collect();
        Self { causes, ..Self::new(error.code(), error.to_string(), error.hint()) }
    }
}
