//! What can go wrong with the lake, by what the caller can do.

use deltalake::DeltaTableError;
use deltalake::arrow::error::ArrowError;
use thiserror::Error;

/// What can go wrong with the lake.
#[derive(Debug, Error)]
pub enum LakeError {
    /// The address of the lake is not one. Correct the setting.
    #[error("{url} is no address of a lake")]
    Address {
        /// The address.
        url: String,
        /// What is wrong with it.
        #[source]
        source: Box<DeltaTableError>,
    },
    /// The store of objects refuses: full, slow, gone, no rights. Retry once that is mended;
    /// nothing is lost, for the log holds everything.
    #[error("cannot {action} {table}")]
    Unreachable {
        /// What was tried, as a verb.
        action: &'static str,
        /// The table.
        table: String,
        /// What the store said.
        #[source]
        source: Box<DeltaTableError>,
    },
    /// A file that the table's log names is not there, or not what was written.
    #[error("{table} is damaged: {what}")]
    Damaged {
        /// The table.
        table: String,
        /// What is wrong.
        what: String,
    },
    /// Somebody else changed the table so that it does not fit this program.
    #[error("{table} was changed by another program: {what}")]
    Foreign {
        /// The table.
        table: String,
        /// What does not fit.
        what: String,
    },
    /// The table holds events of another chain. Give this one a lake of its own.
    #[error("{table} holds the events of another chain")]
    OtherChain {
        /// The table.
        table: String,
    },
    /// The table that was followed into is not there any more. Open the lake again: it is made and
    /// filled from the log.
    #[error("{table} was removed")]
    Removed {
        /// The table.
        table: String,
    },
    /// Another process follows the log into the same table.
    #[error("another process writes {table}")]
    InUse {
        /// The table.
        table: String,
    },
    /// There is no such table.
    #[error("there is no table {table} in the lake")]
    NoTable {
        /// The name that was asked for.
        table: String,
    },
    /// A table has no such version.
    #[error("{what}")]
    NoVersion {
        /// What is asked for, and is not there.
        what: String,
    },
    /// A statement that builds a table failed.
    #[error("cannot build {table}")]
    Query {
        /// The table.
        table: String,
        /// What the engine said.
        #[source]
        source: Box<deltalake::datafusion::error::DataFusionError>,
    },
    /// Rows that do not fit their table: a defect of this program.
    #[error("rows do not fit their table")]
    Rows(#[from] ArrowError),
    /// A disk refuses.
    #[error("cannot {action} {path}")]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file.
        path: std::path::PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A test asked for a failure here.
    #[error("a fault was injected at {point}")]
    Injected {
        /// Where.
        point: &'static str,
    },
}

impl LakeError {
    /// Its stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Address { .. } => "lake_address",
            Self::Unreachable { .. } | Self::Io { .. } => "lake_unreachable",
            Self::Damaged { .. } => "lake_damaged",
            Self::Foreign { .. } => "lake_foreign",
            Self::OtherChain { .. } => "lake_of_another_chain",
            Self::Removed { .. } => "lake_removed",
            Self::InUse { .. } => "lake_in_use",
            Self::NoTable { .. } => "unknown_table",
            Self::NoVersion { .. } => "unknown_version",
            Self::Query { .. } => "lake_build",
            Self::Rows(_) => "lake_rows",
            Self::Injected { .. } => "lake_injected",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Address { .. } => "give a folder, or an address such as s3://bucket/lake",
            Self::Unreachable { .. } | Self::Io { .. } => {
                "see to the disk or the object store; the log holds everything, and the lake goes \
                 on where it stopped"
            }
            Self::Damaged { .. } => {
                "run `shelf lake verify`; remove the table's folder, and the next round fills it \
                 again from the log"
            }
            Self::Foreign { .. } => {
                "undo the change with the program that made it, or remove the table's folder, and \
                 the next round fills it again from the log"
            }
            Self::OtherChain { .. } => "name a lake of its own for this chain with lake.url",
            Self::Removed { .. } => "wait: it is made again, and filled from the log",
            Self::InUse { .. } => "let one process follow into a lake",
            Self::NoTable { .. } => "run `shelf lake tables` for their names",
            Self::NoVersion { .. } => "see `shelf lake history` for the versions of a table",
            Self::Query { .. } | Self::Rows(_) => "report this as a defect",
            Self::Injected { .. } => "leave the fault out",
        }
    }

    /// Whether the same may work later without anybody doing anything.
    pub fn passing(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Io { .. } | Self::Removed { .. })
    }

    pub(crate) fn unreachable<E: Into<DeltaTableError>>(
        action: &'static str,
        table: &str,
    ) -> impl FnOnce(E) -> Self + use<E> {
        let table = table.to_owned();
        move |source| Self::Unreachable { action, table, source: Box::new(source.into()) }
    }
}
