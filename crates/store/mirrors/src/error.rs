//! What can go wrong with a database that is served into, by what the caller can do.

use std::fmt::Write as _;

use thiserror::Error;
use tokio_postgres::error::{DbError, SqlState};

/// What can go wrong with the mirror or with the tables that are followed.
#[derive(Debug, Error)]
pub enum MirrorError {
    /// The address is not one. Correct the setting.
    #[error("the address of the database cannot be used: {what}")]
    Address {
        /// What is wrong with it; never the address itself, which may hold a password.
        what: String,
    },
    /// The server refuses the user or the password, or has no such database.
    #[error("the database refuses {user}: {what}")]
    Refused {
        /// The user.
        user: String,
        /// What the server said.
        what: String,
    },
    /// The server is not there, stops, or is held up. Retry; nothing is lost, for the log
    /// holds everything.
    #[error("cannot {action}: {what}")]
    Unreachable {
        /// What was tried, as a verb with its object.
        action: String,
        /// What the system or the server said.
        what: String,
    },
    /// A row breaks a rule that somebody gave a table. The position stays before it.
    #[error("a row breaks a rule of {table}: {what}")]
    Row {
        /// The table.
        table: String,
        /// The rule and the row, as the server names them.
        what: String,
    },
    /// A table is not as this program made it.
    #[error("{table} was changed: {what}")]
    Drift {
        /// The table.
        table: String,
        /// What does not fit.
        what: String,
    },
    /// The schemas are those of a newer version, or a migration is not what was applied.
    #[error("the schemas do not fit this version: {what}")]
    Version {
        /// What does not fit.
        what: String,
    },
    /// Another process serves into the same tables.
    #[error("another process writes the mirror")]
    InUse,
    /// The mirror holds what the log does not have.
    #[error("the mirror holds events that the log does not have")]
    Ahead,
    /// The mirror is that of another chain.
    #[error("the mirror is that of another chain: {theirs}, and this one is {own}")]
    OtherChain {
        /// The name of the chain that the mirror follows.
        theirs: String,
        /// The name of the chain that was to be followed.
        own: String,
    },
    /// The server has no room. Retry: what is not in the mirror is in the log.
    #[error("PostgreSQL has no room: cannot {action}: {what}")]
    Full {
        /// What was tried, as a verb.
        action: String,
        /// What the server says.
        what: String,
    },
    /// The log did not take what was read from the tables. Retry.
    #[error("the log did not take the rows")]
    Log(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl MirrorError {
    /// Its stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Address { .. } => "mirror_address",
            Self::Refused { .. } => "mirror_refused",
            Self::Unreachable { .. } => "mirror_unreachable",
            Self::Row { .. } => "mirror_row",
            Self::Drift { .. } => "mirror_drift",
            Self::Version { .. } => "mirror_version",
            Self::InUse => "mirror_in_use",
            Self::Ahead => "mirror_ahead",
            Self::OtherChain { .. } => "mirror_other_chain",
            Self::Full { .. } => "mirror_full",
            Self::Log(_) => "mirror_log",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Address { .. } => "give an address such as postgres://user@host:5432/database",
            Self::Refused { .. } => "check user, password, database and pg_hba.conf of the server",
            Self::Unreachable { .. } => {
                "see to the server; the log holds everything, and the mirror goes on where it \
                 stopped"
            }
            Self::Row { .. } => {
                "remove the rule, or what stands in its way; nothing is lost, and the mirror goes \
                 on with this row"
            }
            Self::Drift { .. } => "undo the change; the mirror goes on where it stopped",
            Self::Version { .. } => "use the version that made the schemas, or a newer one",
            Self::InUse => "let one process serve into a database",
            Self::OtherChain { .. } => {
                "name another database, or run `SELECT shelf.forget()` in it, and it is filled \
                 anew from this chain"
            }
            Self::Ahead => {
                "the log was put back from an older copy: name another database, or run `SELECT \
                 shelf.forget()` in it, and it is filled anew"
            }
            Self::Full { .. } => {
                "make room on the server's disk; nothing is lost, and the mirror goes on where it \
                 stopped"
            }
            Self::Log(_) => "see to the log; the rows are read again",
        }
    }

    /// Whether the same may work later without anybody changing a setting. What a person does to
    /// the tables may mend all but a wrong address.
    pub fn passing(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Full { .. } | Self::Log(_) | Self::InUse)
    }

    /// What the library said while `action` was tried on `table`.
    pub(crate) fn of(
        action: &'static str,
        table: &str,
    ) -> impl FnOnce(tokio_postgres::Error) -> Self + use<> {
        let table = table.to_owned();
        move |error| match error.as_db_error() {
            Some(said) => Self::said(action, &table, said),
            None => {
                let action = [action, &table].join(" ").trim_end().to_owned();
                Self::Unreachable { action, what: with_causes(&error) }
            }
        }
    }

    fn said(action: &str, table: &str, said: &DbError) -> Self {
        let code = said.code();
        let class = code.code().get(..2).unwrap_or_default();
        let what = words(said);
        let named = match (said.schema(), said.table()) {
            (Some(schema), Some(name)) if !schema.starts_with("pg_temp") => {
                format!("{schema}.{name}")
            }
            _ => table.to_owned(),
        };
        match class {
            "22" | "23" => Self::Row { table: named, what },
            _ if *code == SqlState::INSUFFICIENT_PRIVILEGE => {
                Self::Refused { user: "what is asked".to_owned(), what }
            }
            "42" | "3F" => Self::Drift { table: named, what },
            _ if *code == SqlState::DISK_FULL => {
                Self::Full { action: [action, table].join(" ").trim_end().to_owned(), what }
            }
            _ => {
                Self::Unreachable { action: [action, table].join(" ").trim_end().to_owned(), what }
            }
        }
    }

    /// What came of connecting as `user`.
    pub(crate) fn of_connecting(user: &str, error: &tokio_postgres::Error) -> Self {
        let user = user.to_owned();
        let Some(said) = error.as_db_error() else {
            let what = with_causes(error);
            // Said by the client itself, before the server could.
            if what.contains("password missing") {
                return Self::Refused { user, what };
            }
            return Self::Unreachable { action: "connect to the database".to_owned(), what };
        };
        let class = said.code().code().get(..2).unwrap_or_default();
        match class {
            "28" | "3D" | "42" => Self::Refused { user, what: words(said) },
            _ => Self::Unreachable {
                action: "connect to the database".to_owned(),
                what: words(said),
            },
        }
    }
}

/// What a server said: the message, then what names the row, the rule or the column.
fn words(said: &DbError) -> String {
    let mut text = said.message().to_owned();
    // Writing to a string cannot fail.
    for more in [said.detail(), said.where_()].into_iter().flatten() {
        let _ = write!(text, "; {more}");
    }
    text
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        // The library repeats the words of a cause in its own.
        if !text.ends_with(&more) {
            let _ = write!(text, ": {more}");
        }
        cause = inner.source();
    }
    text
}
