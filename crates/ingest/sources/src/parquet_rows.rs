//! Parquet files as rows of texts: the columns of the mapping, each value as a person would write
//! it.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{ConvertedType, LogicalType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use parquet::record::reader::RowIter;
use parquet::schema::types::Type;

use crate::error::SourceError;
use crate::input::ByteCount;
use crate::mapping::MappingFile;
use crate::rejected::Fault;
use crate::row::{Next, Row, Rows};

/// The rows of one Parquet file.
pub(crate) struct ParquetRows {
    /// `None` after the end or a damaged place.
    rows: Option<RowIter<'static>>,
    columns: Vec<String>,
    /// Whether the times of each column are of no zone.
    local: Vec<bool>,
    number: u64,
    count: ByteCount,
    bytes: Share,
}

/// The file's bytes dealt out over its rows, since pages are not read in row order.
struct Share {
    bytes: u64,
    rows: u64,
    told: u64,
}

impl ParquetRows {
    pub(crate) fn open(
        path: &Path,
        count: &ByteCount,
        mapping: &MappingFile,
    ) -> Result<Self, SourceError> {
        let file = File::open(path).map_err(|error| SourceError::io(path, error))?;
        let bytes = file.metadata().map_err(|error| SourceError::io(path, error))?.len();
        let damaged = |error: ParquetError| SourceError::NotParquet {
            path: path.into(),
            detail: error.to_string(),
        };
        let reader = guarded(|| SerializedFileReader::new(file)).unwrap_or_else(|| Err(cut()));
        let reader = reader.map_err(damaged)?;
        let metadata = reader.metadata().file_metadata();
        let schema = metadata.schema();
        let rows = metadata.num_rows().unsigned_abs();
        let names: Vec<String> = schema.get_fields().iter().map(|f| f.name().into()).collect();
        let wanted = mapping.columns();
        let fields: Vec<Arc<Type>> = schema
            .get_fields()
            .iter()
            .filter(|field| wanted.contains(field.name()) && field.is_primitive())
            .cloned()
            .collect();
        if let Some(column) = wanted.iter().find(|name| fields.iter().all(|f| f.name() != **name)) {
            let column = (*column).into();
            return Err(SourceError::NoColumn { path: path.into(), column, columns: names });
        }
        let columns = fields.iter().map(|field| field.name().to_owned()).collect();
        let local = fields.iter().map(|field| is_local(field)).collect();
        let projected = Type::group_type_builder(schema.name()).with_fields(fields).build();
        let iter = RowIter::from_file_into(Box::new(reader))
            .project(Some(projected.map_err(damaged)?))
            .map_err(damaged)?;
        Ok(Self {
            rows: Some(iter),
            columns,
            local,
            number: 0,
            count: count.clone(),
            bytes: Share { bytes, rows, told: 0 },
        })
    }

    fn tell_progress(&mut self, rows: u64) {
        let Share { bytes, rows: all, told } = &mut self.bytes;
        let reached = u128::from(*bytes) * u128::from(rows.min(*all)) / u128::from((*all).max(1));
        let reached = u64::try_from(reached).unwrap_or(*bytes);
        self.count.add(reached.saturating_sub(*told));
        *told = reached.max(*told);
    }
}

impl Rows for ParquetRows {
    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn next_row(&mut self, row: &mut Row) -> Result<Next, SourceError> {
        let rows = &mut self.rows;
        let next = guarded(|| rows.as_mut().and_then(Iterator::next)).unwrap_or(Some(Err(cut())));
        let Some(next) = next else {
            self.rows = None;
            self.tell_progress(u64::MAX);
            return Ok(Next::End);
        };
        self.number += 1;
        if self.number.is_multiple_of(1_024) {
            self.tell_progress(self.number);
        }
        let Ok(values) = next else {
            self.rows = None;
            row.set_raw(self.number, &[]);
            return Ok(Next::Bad(Fault::TruncatedInput));
        };
        row.text.clear();
        row.ends.clear();
        for ((_, value), local) in values.get_column_iter().zip(&self.local) {
            write_value(value, *local, &mut row.text);
            row.ends.push(row.text.len());
        }
        row.fields = row.ends.len();
        self.write_raw(row);
        Ok(Next::Row)
    }
}

impl ParquetRows {
    /// The row as a person would write it: `column=value` for each column of the mapping.
    fn write_raw(&self, row: &mut Row) {
        let mut raw = std::mem::take(&mut row.raw);
        raw.clear();
        for (at, column) in self.columns.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            // Writing to memory does not fail.
            let _ = write!(raw, "{comma}{column}={}", row.get(at));
        }
        row.line = self.number;
        row.raw_len = raw.len() as u64;
        row.raw = raw;
    }
}

/// Runs the foreign reader, which panics on some damaged files; `None` where it did. The reader is
/// not used again after that, so what it left half done is seen by nobody.
fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}

fn cut() -> ParquetError {
    ParquetError::General("damaged".into())
}

/// Whether a column's times are those of a wall clock.
fn is_local(field: &Type) -> bool {
    let info = field.get_basic_info();
    match info.logical_type_ref() {
        Some(LogicalType::Timestamp(of)) => !of.is_adjusted_to_u_t_c,
        _ => !matches!(
            info.converted_type(),
            ConvertedType::TIMESTAMP_MILLIS | ConvertedType::TIMESTAMP_MICROS
        ),
    }
}

fn write_value(value: &Field, local: bool, out: &mut Vec<u8>) {
    // Writing to memory does not fail.
    let _ = match value {
        Field::Null => Ok(()),
        Field::Str(text) => out.write_all(text.as_bytes()),
        Field::Bytes(bytes) => out.write_all(String::from_utf8_lossy(bytes.data()).as_bytes()),
        Field::Float(number) => write!(out, "{number}"),
        Field::Double(number) => write!(out, "{number}"),
        Field::TimestampMillis(millis) => write_time(millis.saturating_mul(1_000), local, out),
        Field::TimestampMicros(micros) => write_time(*micros, local, out),
        other => write!(out, "{other}"),
    };
}

fn write_time(micros: i64, local: bool, out: &mut Vec<u8>) -> std::io::Result<()> {
    let Ok(at) = jiff::Timestamp::from_microsecond(micros) else {
        return write!(out, "{micros}");
    };
    if local {
        write!(out, "{}", jiff::tz::Offset::UTC.to_datetime(at))
    } else {
        write!(out, "{at}")
    }
}

impl MappingFile {
    /// The columns of the file itself that the mapping names.
    fn columns(&self) -> BTreeSet<&str> {
        let fields = self.specs().filter(|spec| spec.lookup.is_none());
        let keys = self.lookup.values().map(|part| part.by.as_str());
        let kind = self.event.kind_column.as_deref();
        let time = Some(self.time.column.as_str());
        fields
            .filter_map(|spec| spec.column.as_deref())
            .chain(keys)
            .chain(kind)
            .chain(time)
            .collect()
    }
}
