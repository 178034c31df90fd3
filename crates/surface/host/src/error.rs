//! What can go wrong with a data folder and those who use it.

use std::path::PathBuf;

use shelf_engine::EngineError;
use shelf_events::DecodeError;
use shelf_ports::LogError;
use thiserror::Error;

/// What can go wrong. Each has a stable code and a hint.
#[derive(Debug, Error)]
pub enum HostError {
    /// The engine, or its log, refuses.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The disk refuses.
    #[error("cannot {action} {path}")]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// There is no data folder there.
    #[error("{path} holds no data of shelf")]
    NoData {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds something else.
    #[error("{path} is not empty and holds no data of shelf")]
    Foreign {
        /// The folder.
        path: PathBuf,
    },
    /// The folder was written by a newer program.
    #[error("{path} has format {found}, this program reads up to {known}")]
    Format {
        /// The file that says so.
        path: PathBuf,
        /// The version found.
        found: u32,
        /// The newest version known here.
        known: u32,
    },
    /// The file that describes the folder cannot be understood.
    #[error("{path} cannot be understood")]
    Meta {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// The folder was made with other settings than those asked for.
    #[error("the data folder was made with {what} {found}, not {asked}")]
    Other {
        /// Which setting.
        what: &'static str,
        /// What it was made with.
        found: String,
        /// What was asked for.
        asked: String,
    },
    /// What lives in lock-step with the stores cannot be read back.
    #[error("partition {partition}: the simulated town of the snapshot cannot be read")]
    Town {
        /// The partition.
        partition: u32,
    },
    /// A sound record of the output log does not hold what it should.
    #[error("partition {partition}: an output record cannot be read")]
    Output {
        /// The partition.
        partition: u32,
        /// What is wrong with it.
        #[source]
        source: DecodeError,
    },
    /// The process that runs the store answered nothing that can be understood.
    #[error("the running process answered nothing that can be understood")]
    Answer,
    /// The process that runs the store ended, or closed the connection, before it answered.
    #[error("the running process did not answer")]
    Gone,
    /// As many are connected to the running process as it takes.
    #[error("the running process has too many connections")]
    Busy,
    /// Kafka refuses, or does not answer.
    #[cfg(feature = "kafka")]
    #[error(transparent)]
    Kafka(#[from] shelf_kafka::KafkaError),
    /// Snapshots cannot be fetched from where they are kept, or kept there.
    #[cfg(feature = "kafka")]
    #[error(transparent)]
    Depot(#[from] crate::DepotError),
    /// A thread of the program has ended before its time.
    #[error("a worker of the program has stopped")]
    Worker,
}

impl From<LogError> for HostError {
    fn from(error: LogError) -> Self {
        Self::Engine(error.into())
    }
}

impl HostError {
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }

    /// Its stable code.
    pub fn code(&self) -> &'static str {
        #[cfg(feature = "kafka")]
        if let Some(error) = self.kafka() {
            return error.code();
        }
        match self {
            Self::Engine(EngineError::Log(log)) => match log {
                LogError::Io { source, .. } => io_code(source),
                LogError::Damaged { .. } => "log_damaged",
                LogError::OutOfRange { .. } => "offset_out_of_range",
                LogError::TooLarge { .. } => "record_too_large",
                LogError::InUse { .. } => "data_in_use",
                LogError::Format { .. } => "newer_format",
            },
            Self::Engine(EngineError::Io { source, .. }) | Self::Io { source, .. } => {
                io_code(source)
            }
            Self::Engine(EngineError::Format { .. }) | Self::Format { .. } => "newer_format",
            Self::Engine(EngineError::Gap { .. }) => "snapshot_too_old",
            Self::Engine(EngineError::Ahead { .. }) => "log_too_short",
            Self::Engine(EngineError::Record { .. }) | Self::Output { .. } => "record_unreadable",
            Self::Engine(EngineError::State { .. }) => "state_unsaved",
            Self::NoData { .. } => "no_data",
            Self::Foreign { .. } => "not_a_data_folder",
            Self::Meta { .. } => "meta_unreadable",
            Self::Other { .. } => "other_settings",
            Self::Town { .. } => "town_unreadable",
            Self::Answer => "bad_answer",
            Self::Gone => "no_answer",
            Self::Busy => "busy",
            #[cfg(feature = "kafka")]
            Self::Kafka(error) => error.code(),
            #[cfg(feature = "kafka")]
            Self::Depot(error) => error.code(),
            Self::Worker => "worker_stopped",
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> &'static str {
        #[cfg(feature = "kafka")]
        if let Some(error) = self.kafka() {
            return error.hint();
        }
        #[cfg(feature = "kafka")]
        if let Self::Depot(error) = self {
            return error.hint();
        }
        match self.code() {
            "log_damaged" | "log_too_short" | "record_unreadable" | "meta_unreadable" => {
                "run `shelf log verify` to see what is damaged, and restore it from a copy"
            }
            "data_in_use" => "stop the process that uses it, or name another folder with --data",
            "newer_format" => "use the version of shelf that wrote it, or a newer one",
            "snapshot_too_old" => "restore an older part of the log, or a newer snapshot",
            "no_data" => {
                "make some with `shelf run` or `shelf import`, or name a folder with --data"
            }
            "not_a_data_folder" => "name an empty or a new folder with --data",
            "other_settings" => "leave the setting out, or name another folder with --data",
            "disk_full" => "make room on the disk and start again: nothing acknowledged is lost",
            "permission_denied" => "check who owns the folder and whether it may be written",
            "not_found" => "check the path",
            "busy" => "send it again in a moment, or over fewer connections",
            "no_answer" => "send it again: whether it was taken is not known, and twice is as once",
            _ => "run `shelf doctor` for a look at the machine and the data",
        }
    }
}

fn io_code(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => "disk_full",
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            "permission_denied"
        }
        std::io::ErrorKind::NotFound => "not_found",
        _ => "io",
    }
}
