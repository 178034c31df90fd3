//! Tables that a mapping looks texts up in, and the fields of a mapping tied to the columns of a
//! file.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::csv_rows::CsvRows;
use crate::error::SourceError;
use crate::input::ByteCount;
use crate::mapping::{CsvPart, FieldSpec, LookupPart, MappingFile};
use crate::row::{Next, Row, Rows};

/// The most rows of a table that is looked up in.
pub(crate) const MAX_LOOKUP_ROWS: usize = 2_000_000;

/// A table in memory.
#[derive(Debug)]
pub(crate) struct LookupTable {
    path: PathBuf,
    columns: Vec<String>,
    rows: HashMap<Box<str>, Box<[Box<str>]>>,
}

impl LookupTable {
    /// Reads a table. Rows that cannot be read are left out: their keys are not found.
    fn load(path: &Path, part: &LookupPart) -> Result<Self, SourceError> {
        if !path.is_file() {
            let purpose = format!("the mapping takes names from {}: put it there", part.file);
            return Err(SourceError::Missing { path: path.into(), purpose });
        }
        let mut file = CsvRows::open(path, &ByteCount::default(), &CsvPart::default())?;
        let columns = file.columns().to_vec();
        let key = column(path, &columns, &part.key)?;
        let mut rows = HashMap::new();
        let mut row = Row::default();
        loop {
            match file.next_row(&mut row)? {
                Next::End => break,
                Next::Bad(_) => continue,
                Next::Row => {}
            }
            if rows.len() == MAX_LOOKUP_ROWS {
                let what = "rows to look up in";
                return Err(SourceError::TooMany {
                    path: path.into(),
                    what,
                    limit: MAX_LOOKUP_ROWS,
                });
            }
            let texts = (0..row.fields).map(|at| row.get(at).into()).collect();
            rows.entry(row.get(key).into()).or_insert(texts);
        }
        Ok(Self { path: path.into(), columns, rows })
    }
}

/// The tables that are in memory, by their paths.
pub(crate) type Loaded = HashMap<PathBuf, Arc<LookupTable>>;

fn column(path: &Path, columns: &[String], wanted: &str) -> Result<usize, SourceError> {
    columns.iter().position(|column| column == wanted).ok_or_else(|| SourceError::NoColumn {
        path: path.into(),
        column: wanted.into(),
        columns: columns.into(),
    })
}

/// Ties fields to the columns of one file.
pub(crate) struct Binder<'a> {
    path: &'a Path,
    columns: &'a [String],
    /// By name: the table, and the column of the rows that holds its key.
    tables: HashMap<&'a str, (Arc<LookupTable>, usize)>,
}

impl<'a> Binder<'a> {
    /// Loads the tables of the mapping that are not loaded. They lie beside the file, unless
    /// `elsewhere` says where.
    pub(crate) fn new(
        path: &'a Path,
        columns: &'a [String],
        file: &'a MappingFile,
        elsewhere: &HashMap<String, PathBuf>,
        loaded: &mut Loaded,
    ) -> Result<Self, SourceError> {
        let mut tables = HashMap::new();
        for (name, part) in &file.lookup {
            let beside = || path.parent().unwrap_or(Path::new("")).join(&part.file);
            let at = elsewhere.get(name).cloned().unwrap_or_else(beside);
            let table = match loaded.get(&at) {
                Some(table) => Arc::clone(table),
                None => {
                    let table = Arc::new(LookupTable::load(&at, part)?);
                    loaded.insert(at, Arc::clone(&table));
                    table
                }
            };
            tables.insert(name.as_str(), (table, column(path, columns, &part.by)?));
        }
        Ok(Self { path, columns, tables })
    }

    pub(crate) fn column(&self, wanted: &str) -> Result<usize, SourceError> {
        column(self.path, self.columns, wanted)
    }

    pub(crate) fn bind(&self, spec: &FieldSpec) -> Result<Field, SourceError> {
        let table = spec.lookup.as_deref().and_then(|name| self.tables.get(name));
        let origin = match (&spec.column, table) {
            (None, _) => Origin::Value(spec.value.clone().unwrap_or_default()),
            (Some(wanted), None) => Origin::Column(self.column(wanted)?),
            (Some(wanted), Some((table, by))) => Origin::Lookup {
                table: Arc::clone(table),
                by: *by,
                column: column(&table.path, &table.columns, wanted)?,
            },
        };
        Ok(Field {
            origin,
            prefix: spec.prefix.clone(),
            strip_prefix: spec.strip_prefix.clone(),
            strip_suffix: spec.strip_suffix.clone(),
            otherwise: spec.otherwise.clone(),
        })
    }

    pub(crate) fn maybe(&self, spec: Option<&FieldSpec>) -> Result<Option<Field>, SourceError> {
        spec.map(|spec| self.bind(spec)).transpose()
    }
}

/// A field of a mapping, tied to a file.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    origin: Origin,
    prefix: String,
    strip_prefix: String,
    strip_suffix: String,
    otherwise: String,
}

#[derive(Clone, Debug)]
enum Origin {
    Value(String),
    Column(usize),
    Lookup { table: Arc<LookupTable>, by: usize, column: usize },
}

impl Field {
    /// Its text in a row, without blanks around it; empty where there is none.
    pub(crate) fn text<'a>(&'a self, row: &'a Row) -> Cow<'a, str> {
        let text = match &self.origin {
            Origin::Value(value) => value.as_str(),
            Origin::Column(column) => row.get(*column),
            Origin::Lookup { table, by, column } => {
                let found = table.rows.get(row.get(*by)).and_then(|texts| texts.get(*column));
                found.map_or("", |text| text)
            }
        };
        let text = text.trim();
        let text = text.strip_prefix(self.strip_prefix.as_str()).unwrap_or(text);
        let text = text.strip_suffix(self.strip_suffix.as_str()).unwrap_or(text);
        if text.is_empty() {
            return Cow::Borrowed(&self.otherwise);
        }
        if self.prefix.is_empty() {
            Cow::Borrowed(text)
        } else {
            [&self.prefix, text].concat().into()
        }
    }

    /// Its text where that is the same in every row.
    pub(crate) fn constant(&self) -> Option<&str> {
        match &self.origin {
            Origin::Value(value) => Some(value),
            Origin::Column(_) | Origin::Lookup { .. } => None,
        }
    }
}
