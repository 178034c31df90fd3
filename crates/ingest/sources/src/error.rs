//! Why a source cannot be read at all. What is wrong with one line is no error: it becomes a
//! rejected event.

use std::io;
use std::path::{Path, PathBuf};

/// Why a source cannot be read. The caller shows code, sentence, detail and hint.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// There is no such file.
    #[error("there is no file {}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// What it was needed for, as a hint; empty where it is what the person named.
        purpose: String,
    },
    /// The file is there, but cannot be read.
    #[error("the file {} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// No file has a name like this.
    #[error("no file matches {pattern}")]
    NoMatch {
        /// The folder or pattern.
        pattern: String,
    },
    /// An archive of several files.
    #[error("{} is an archive", path.display())]
    Archive {
        /// The file.
        path: PathBuf,
    },
    /// The kind of file does not follow from its name, or does not fit the way it is read.
    #[error("{} is not a file of a kind that is read here", path.display())]
    UnknownKind {
        /// The file.
        path: PathBuf,
    },
    /// The file needs a mapping, and there is none.
    #[error("{} needs a mapping", path.display())]
    NoMapping {
        /// The file.
        path: PathBuf,
    },
    /// The file says that it is Parquet, and is not.
    #[error("{} is not a Parquet file", path.display())]
    NotParquet {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        detail: String,
    },
    /// This program was built without the reader of Parquet.
    #[error("{} is Parquet, and this program was built without its reader", path.display())]
    ParquetLeftOut {
        /// The file.
        path: PathBuf,
    },
    /// A column that the mapping names is not in the file.
    #[error("{} has no column {column}", path.display())]
    NoColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// The columns that it has.
        columns: Vec<String>,
    },
    /// The mapping cannot be used.
    #[error("the mapping {name} cannot be used")]
    BadMapping {
        /// Its name or path.
        name: String,
        /// What is wrong with it, with its place.
        detail: String,
    },
    /// No shipped mapping and no file has this name.
    #[error("there is no mapping called {name}")]
    UnknownMapping {
        /// The name.
        name: String,
    },
    /// No time zone has this name.
    #[error("there is no time zone called {zone}")]
    UnknownZone {
        /// The name.
        zone: String,
        /// The name that was probably meant.
        near: Option<String>,
    },
    /// A limit of this crate is reached.
    #[error("{} has more than {limit} {what}", path.display())]
    TooMany {
        /// The file.
        path: PathBuf,
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// A thread that reads has ended before its work.
    #[error("a reading thread has stopped")]
    Stopped,
}

impl SourceError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "source_missing",
            Self::Unreadable { .. } => "source_unreadable",
            Self::NoMatch { .. } => "source_no_match",
            Self::Archive { .. } => "source_archive",
            Self::UnknownKind { .. } => "source_unknown_kind",
            Self::NoMapping { .. } => "source_no_mapping",
            Self::NotParquet { .. } => "source_not_parquet",
            Self::ParquetLeftOut { .. } => "source_parquet_left_out",
            Self::NoColumn { .. } => "source_no_column",
            Self::BadMapping { .. } => "mapping_bad",
            Self::UnknownMapping { .. } => "mapping_unknown",
            Self::UnknownZone { .. } => "time_zone_unknown",
            Self::TooMany { .. } => "source_too_many",
            Self::Stopped => "source_stopped",
        }
    }

    /// What was found, in its own words; empty where the sentence says all.
    pub fn detail(&self) -> String {
        match self {
            Self::Unreadable { error, .. } => error.to_string(),
            Self::NotParquet { detail, .. } | Self::BadMapping { detail, .. } => detail.clone(),
            Self::NoColumn { columns, .. } => format!("its columns are {}", columns.join(", ")),
            _ => String::new(),
        }
    }

    /// What the person can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Missing { purpose, .. } if !purpose.is_empty() => purpose.clone(),
            Self::Missing { .. } => "check the path; a name with * needs quotes".into(),
            Self::Unreadable { .. } => "check the permissions of the file and its folder".into(),
            Self::NoMatch { .. } => {
                "name a file, a folder or a pattern such as 'sales/*.csv'".into()
            }
            Self::Archive { path } => {
                format!(
                    "unpack it first: tar xf {} -C FOLDER, then name the folder",
                    path.display()
                )
            }
            Self::UnknownKind { .. } => {
                "name files .ndjson, .jsonl, .json, .csv, .tsv (each also with .gz) or .parquet"
                    .into()
            }
            Self::NoMapping { .. } => format!(
                "add --mapping with one of {} or your own file",
                crate::mapping::shipped_names().collect::<Vec<_>>().join(", ")
            ),
            Self::NotParquet { .. } => "check that the file is whole".into(),
            Self::ParquetLeftOut { .. } => {
                "build with the default features, or write the file as CSV".into()
            }
            Self::NoColumn { column, columns, .. } => {
                match nearest(column, columns.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean {near}? change it in the mapping"),
                    None => "check the mapping, and that the first line names the columns".into(),
                }
            }
            Self::BadMapping { .. } => {
                "see mappings/README.md, and the shipped mappings beside it".into()
            }
            Self::UnknownMapping { name } => match nearest(name, crate::mapping::shipped_names()) {
                Some(near) => format!("did you mean {near}?"),
                None => format!(
                    "name a mapping file, or one of {}",
                    crate::mapping::shipped_names().collect::<Vec<_>>().join(", ")
                ),
            },
            Self::UnknownZone { near: Some(near), .. } => format!("did you mean {near}?"),
            Self::UnknownZone { near: None, .. } => {
                "take a name of the tz database, such as Europe/Rome".into()
            }
            Self::TooMany { .. } => "split the file".into(),
            Self::Stopped => "run it again; what is in the log already counts as duplicate".into(),
        }
    }

    pub(crate) fn io(path: &Path, error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::NotFound {
            return Self::Missing { path: path.into(), purpose: String::new() };
        }
        Self::Unreadable { path: path.into(), error }
    }
}

/// The name of `names` that `wanted` was probably meant to be: case does not count, a third of its
/// letters may differ.
pub(crate) fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = letters(wanted);
    let limit = wanted.len().div_ceil(3);
    names
        .map(|name| (distance(&wanted, &letters(name)), name))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, name)| name)
}

fn letters(name: &str) -> Vec<char> {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The fewest letters to add, take away or change (Levenshtein).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut left = i + 1;
        let mut diagonal = i;
        let mut next = Vec::with_capacity(row.len());
        next.push(left);
        for (y, &above) in b.iter().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(x != y)).min(left + 1).min(above + 1);
            diagonal = above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_or_none() {
        let names = ["InvoiceNo", "StockCode", "Quantity"];
        let near = |wanted| nearest(wanted, names.into_iter());
        assert_eq!(near("invoice_no"), Some("InvoiceNo"));
        assert_eq!(near("Quantiti"), Some("Quantity"));
        assert_eq!(near("price"), None);
        assert_eq!(distance(&letters("kitten"), &letters("sitting")), 3);
    }

    #[test]
    fn an_error_names_the_next_step() {
        let error = SourceError::NoColumn {
            path: "till.csv".into(),
            column: "Qty".into(),
            columns: vec!["qty".into(), "sku".into()],
        };
        assert_eq!(error.to_string(), "till.csv has no column Qty");
        assert_eq!(error.code(), "source_no_column");
        assert_eq!(error.hint(), "did you mean qty? change it in the mapping");
        assert_eq!(error.detail(), "its columns are qty, sku");
    }
}
