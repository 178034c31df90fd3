//! What can go wrong with a statement, in words, with a stable code and a next step.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use datafusion::arrow::error::ArrowError;
use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use datafusion::object_store;
use datafusion::parquet::errors::ParquetError;
use shelf_host::HostError;
use thiserror::Error;

/// A statement that was not answered.
#[derive(Clone, Debug, Error)]
pub enum QueryError {
    /// The text is no SQL.
    #[error("{0}")]
    Syntax(String),
    /// A table, or a schema, that is not there.
    #[error("{0}")]
    UnknownTable(String),
    /// A column that is not there, or that several tables have.
    #[error("{0}")]
    UnknownColumn(String),
    /// A function that is not there, or not for values of these types.
    #[error("{0}")]
    UnknownFunction(String),
    /// SQL that makes no sense.
    #[error("{0}")]
    Nonsense(String),
    /// A value that cannot be computed: a division by zero, a text that is no number.
    #[error("{0}")]
    Value(String),
    /// SQL that makes sense and is not supported.
    #[error("{0}")]
    NotSupported(String),
    /// A statement that would change something.
    #[error("statements read and change nothing: {0} is refused")]
    ReadOnly(String),
    /// A setting of the session that is not there, or may not be changed.
    #[error("there is no setting {0} to change")]
    UnknownSetting(String),
    /// A moment of the past that cannot be shown.
    #[error("{0}")]
    NoMoment(String),
    /// A file of the lake is not there, or not what was written.
    #[error("a file of the lake is missing or damaged: {0}")]
    Damaged(String),
    /// The memory for statements does not suffice.
    #[error("the statement needs more memory than it may have: {0}")]
    Memory(String),
    /// It took too long.
    #[error("the statement took longer than {} s", .0.as_secs_f64())]
    TimedOut(Duration),
    /// The answer is too long.
    #[error("the answer has more than {0} rows")]
    TooManyRows(u64),
    /// Somebody has asked for its end.
    #[error("the statement was cancelled")]
    Cancelled,
    /// The data folder cannot be read.
    #[error("{0}")]
    Host(Arc<HostError>),
    /// Others than this machine may connect, and nothing is asked of them.
    #[error("{0} is open to other machines, and there is no password")]
    NoPassword(SocketAddr),
    /// Another program listens there.
    #[error("another program listens at {0}")]
    PortTaken(SocketAddr),
    /// The server cannot be set up as asked for.
    #[error("{0}")]
    Server(String),
    /// Anything else: a file that cannot be read, or a defect.
    #[error("{0}")]
    Failed(String),
}

impl QueryError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Syntax(_) => "sql_syntax",
            Self::UnknownTable(_) => "sql_unknown_table",
            Self::UnknownColumn(_) => "sql_unknown_column",
            Self::UnknownFunction(_) => "sql_unknown_function",
            Self::Nonsense(_) => "sql_nonsense",
            Self::Value(_) => "sql_value",
            Self::NotSupported(_) => "sql_not_supported",
            Self::ReadOnly(_) => "sql_read_only",
            Self::UnknownSetting(_) => "sql_unknown_setting",
            Self::NoMoment(_) => "sql_no_moment",
            Self::Damaged(_) => "lake_damaged",
            Self::Memory(_) => "sql_memory",
            Self::TimedOut(_) => "sql_timeout",
            Self::TooManyRows(_) => "sql_too_many_rows",
            Self::Cancelled => "sql_cancelled",
            Self::Host(error) => error.code(),
            Self::NoPassword(_) => "sql_no_password",
            Self::PortTaken(_) => "sql_port_taken",
            Self::Server(_) => "sql_server",
            Self::Failed(_) => "sql_failed",
        }
    }

    /// The code of five characters that clients of Postgres know.
    pub fn sqlstate(&self) -> &'static str {
        match self {
            Self::Syntax(_) => "42601",
            Self::UnknownTable(_) => "42P01",
            Self::UnknownColumn(_) => "42703",
            Self::UnknownFunction(_) => "42883",
            Self::Nonsense(_) => "42000",
            Self::Value(_) => "22000",
            Self::NotSupported(_) => "0A000",
            Self::ReadOnly(_) => "25006",
            Self::UnknownSetting(_) => "42704",
            Self::NoMoment(_) => "22023",
            Self::Damaged(_) => "XX001",
            Self::Memory(_) => "53200",
            Self::TimedOut(_) | Self::Cancelled => "57014",
            Self::TooManyRows(_) => "54000",
            Self::Host(_) => "58000",
            Self::NoPassword(_) | Self::PortTaken(_) | Self::Server(_) | Self::Failed(_) => "XX000",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Syntax(_) => "the SQL is that of Postgres; docs/sql.md has examples",
            Self::UnknownTable(_) => {
                "`SHOW TABLES` lists what is there; write the schema before the name: live.shelves"
            }
            Self::UnknownColumn(_) => "`DESCRIBE live.shelves` lists the columns of a table",
            Self::UnknownFunction(_) => "docs/sql.md lists the shop's functions",
            Self::Nonsense(_) => "correct the statement",
            Self::Value(_) => "check the values; NULLIF and TRY_CAST help with bad ones",
            Self::NotSupported(_) => "write it in another way",
            Self::ReadOnly(_) => "changes come in as events: see `shelf send` and `shelf import`",
            Self::UnknownSetting(_) => "limits are settings of the program: docs/settings.md",
            Self::NoMoment(_) => "write AS OF '2026-01-31 12:00', in UTC or with an offset",
            Self::Damaged(_) => "run `shelf lake verify`: it names what is damaged, and what to do",
            Self::Memory(_) => "ask for fewer rows or columns at once, or raise sql.memory_mb",
            Self::TimedOut(_) => "ask for less at once, or raise sql.timeout_seconds",
            Self::TooManyRows(_) => "add a LIMIT, or raise sql.max_rows",
            Self::Cancelled => "run it again when there is time for it",
            Self::Host(error) => error.hint(),
            Self::NoPassword(_) => "set SHELF_SQL__PASSWORD, or listen at 127.0.0.1",
            Self::PortTaken(_) => "name another address: sql.listen, or --sql-listen",
            Self::Server(_) => "correct the settings under [sql], see docs/settings.md",
            Self::Failed(_) => "run `shelf doctor` for a look at the machine and the data",
        }
    }
}

impl From<HostError> for QueryError {
    fn from(error: HostError) -> Self {
        Self::Host(Arc::new(error))
    }
}

impl From<QueryError> for DataFusionError {
    fn from(error: QueryError) -> Self {
        Self::External(Box::new(error))
    }
}

impl From<DataFusionError> for QueryError {
    fn from(error: DataFusionError) -> Self {
        Self::of(&error)
    }
}

impl QueryError {
    /// What the parser objects to.
    pub(crate) fn syntax(error: &dyn std::error::Error) -> Self {
        let text = error.to_string();
        Self::Syntax(sentence(text.strip_prefix("sql parser error: ").unwrap_or(&text)))
    }

    /// What an error of the engine means to whoever wrote the statement.
    pub(crate) fn of(error: &DataFusionError) -> Self {
        let root = error.find_root();
        let text = first_line(&root.strip_backtrace());
        if let Some((_, cause)) = text.split_once(CONDITION) {
            return of_condition(cause);
        }
        if let Some(unread) = unread(root, &text) {
            return unread;
        }
        match root {
            DataFusionError::External(cause) => match cause.downcast_ref::<Self>() {
                Some(own) => own.clone(),
                None => Self::Failed(text),
            },
            DataFusionError::Collection(errors) => {
                errors.first().map_or(Self::Failed(text), Self::of)
            }
            DataFusionError::SQL(error, _) => Self::syntax(error.as_ref()),
            DataFusionError::SchemaError(error, _) => match error.as_ref() {
                SchemaError::FieldNotFound { .. } | SchemaError::AmbiguousReference { .. } => {
                    Self::UnknownColumn(bare(&text))
                }
                _ => Self::Nonsense(bare(&text)),
            },
            DataFusionError::NotImplemented(_) => Self::NotSupported(bare(&text)),
            DataFusionError::ResourcesExhausted(_) => Self::Memory(bare(&text)),
            DataFusionError::Plan(_) => planned(bare(&text)),
            DataFusionError::Configuration(_) => Self::UnknownSetting(bare(&text)),
            DataFusionError::ArrowError(..) | DataFusionError::Execution(_) => {
                Self::Value(bare(&text))
            }
            _ => Self::Failed(bare(&text)),
        }
    }
}

/// By which the reader of files begins, where a condition over them cannot be worked out.
const CONDITION: &str = "Error evaluating filter predicate: ";

/// What a condition over files came to, of the notation that the reader has for it.
fn of_condition(cause: &str) -> QueryError {
    let cause = cause.replace("\\\"", "'");
    let quoted = cause.split('"').nth(1).filter(|words| !words.is_empty());
    let text = if cause.contains("DivideByZero") {
        "divide by zero error".to_owned()
    } else {
        sentence(quoted.unwrap_or(&cause))
    };
    let memory = cause.contains("ResourcesExhausted");
    let of = if memory { QueryError::Memory } else { QueryError::Value };
    of(text)
}

/// What stores say, in small letters, where they are asked for what lies behind the end of a file:
/// of one that was cut.
const OUTSIDE: [&str; 5] = [
    "range was invalid",
    "out of range of file",
    "wanted range starting at",
    "range not satisfiable",
    "<code>invalidrange",
];

/// What it means that a file cannot be read, where that is the cause: it is damaged, unless the
/// store itself fails.
fn unread(error: &DataFusionError, text: &str) -> Option<QueryError> {
    let mut of_parquet = false;
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = next {
        if let Some(of_store) = cause.downcast_ref::<object_store::Error>() {
            let missing = matches!(of_store, object_store::Error::NotFound { .. });
            let said = of_store.to_string().to_lowercase();
            let cut = OUTSIDE.iter().any(|words| said.contains(words));
            let of = if missing || cut { QueryError::Damaged } else { QueryError::Failed };
            return Some(of(bare(text)));
        }
        let of_arrow = cause.downcast_ref::<ArrowError>();
        of_parquet |= cause.is::<ParquetError>()
            || of_arrow.is_some_and(|cause| matches!(cause, ArrowError::ParquetError(_)));
        next = cause.source();
    }
    of_parquet.then(|| QueryError::Damaged(bare(text)))
}

/// What the planner objects to stands in its words alone.
fn planned(text: String) -> QueryError {
    let has = |word: &str| text.contains(word);
    if (has("table '") && has("not found")) || has("failed to resolve") {
        QueryError::UnknownTable(text)
    } else if has("nvalid function")
        || has("ailed to coerce arguments")
        || has("o function matches")
    {
        QueryError::UnknownFunction(text)
    } else if has("DDL not supported") || has("DML not supported") || has("tatement not supported")
    {
        let what = text.split(": ").last().unwrap_or_default();
        QueryError::ReadOnly(what.to_owned())
    } else {
        QueryError::Nonsense(text)
    }
}

/// The sentence without the name of the kind of error before it.
fn bare(text: &str) -> String {
    const KINDS: [&str; 12] = [
        "Error during planning: ",
        "Schema error: ",
        "This feature is not implemented: ",
        "Resources exhausted: ",
        "Invalid or Unsupported Configuration: ",
        "Execution error: ",
        "Arrow error: ",
        "SQL error: ",
        "External error: ",
        "Parquet error: ",
        "Object Store error: ",
        "External: ",
    ];
    let mut text = text;
    while let Some(rest) = KINDS.iter().find_map(|kind| text.strip_prefix(kind)) {
        text = rest;
    }
    sentence(text)
}

/// A lowercase sentence without its end, but for words that are written large throughout.
pub(crate) fn sentence(text: &str) -> String {
    let text = text.trim_end_matches('.');
    let mut letters = text.chars();
    match (letters.next(), letters.next()) {
        (Some(first), second) if !second.is_some_and(char::is_uppercase) => {
            let mut lower: String = first.to_lowercase().collect();
            lower.push_str(text.get(first.len_utf8()..).unwrap_or_default());
            lower
        }
        _ => text.to_owned(),
    }
}

fn first_line(text: &str) -> String {
    let lines: Vec<&str> =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).take(2).collect();
    lines.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_read_is_damaged_unless_its_store_fails() {
        let missing = || object_store::Error::NotFound {
            path: "a.parquet".to_owned(),
            source: "no such file".into(),
        };
        let store =
            |text: &'static str| object_store::Error::Generic { store: "S3", source: text.into() };
        let in_parquet = |error: object_store::Error| {
            DataFusionError::from(ParquetError::External(error.into()))
        };
        for (error, code) in [
            (DataFusionError::from(missing()), "lake_damaged"),
            (in_parquet(missing()), "lake_damaged"),
            (in_parquet(store("Requested range was invalid")), "lake_damaged"),
            (ParquetError::EOF("file is too short".to_owned()).into(), "lake_damaged"),
            (in_parquet(store("Out of range of file /a, expected: 8, actual: 4")), "lake_damaged"),
            (in_parquet(store("416 Requested Range Not Satisfiable")), "lake_damaged"),
            (in_parquet(store("connection refused")), "sql_failed"),
            (in_parquet(store("http://orange.example/a: connection refused")), "sql_failed"),
            (store("connection refused").into(), "sql_failed"),
        ] {
            let told = QueryError::of(&error);
            assert_eq!(told.code(), code, "{told}");
        }
    }

    #[test]
    fn a_condition_over_files_that_cannot_be_worked_out_is_no_damage() {
        let cast = "Cannot cast string \"x\" to value of Int32 type".to_owned();
        let large = "repeat would make a value of more than 768 KiB".to_owned();
        for (cause, code, text) in [
            (DataFusionError::from(ArrowError::DivideByZero), "sql_value", "divide by zero error"),
            (
                DataFusionError::from(ArrowError::CastError(cast)),
                "sql_value",
                "cannot cast string 'x' to value of Int32 type",
            ),
            (
                DataFusionError::ResourcesExhausted(large),
                "sql_memory",
                "the statement needs more memory than it may have: \
                 repeat would make a value of more than 768 KiB",
            ),
        ] {
            let of_reader = ArrowError::ComputeError(format!("{CONDITION}{cause:?}"));
            let error = DataFusionError::from(ParquetError::External(Box::new(of_reader)));
            let told = QueryError::of(&error);
            assert_eq!((told.code(), told.to_string().as_str()), (code, text));
        }
    }
}
