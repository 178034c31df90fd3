//! What a user sees when a command fails: a code, a sentence, the causes, and what to do next.

use std::error::Error;
use std::fmt;

use shelf_host::HostError;
use shelf_sources::SourceError;

/// A command that failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) causes: Vec<String>,
    pub(crate) hint: String,
    pub(crate) exit: u8,
}

impl Failure {
    pub(crate) fn new(code: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        let exit = match code {
            "usage" | "settings" => 2,
            "log_damaged" | "log_too_short" | "record_unreadable" | "newer_format"
            | "meta_unreadable" | "snapshot_too_old" | "town_unreadable" => 3,
            "data_in_use" => 4,
            "no_data" | "not_found" | "unknown_store" | "unknown_alert" | "unknown_order"
            | "unknown_task" | "unknown_product" => 5,
            _ => 1,
        };
        let (message, hint) = (message.into(), hint.into());
        Self { code: code.to_owned(), message, causes: Vec::new(), hint, exit }
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
    pub(crate) fn stdout(error: std::io::Error) -> Self {
        Self::new("stdout", format!("cannot print: {error}"), "check where the output goes")
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
        Self::new(error.code(), error.to_string(), error.hint()).because(&error)
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

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        Self::new(error.code(), error.to_string(), error.hint()).because(&error)
    }
}
