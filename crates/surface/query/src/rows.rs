//! How the rows of an answer are written down: as a table for people, or in a format for programs.

use std::io::Write;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::csv::WriterBuilder as CsvBuilder;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::ipc::writer::StreamWriter;
use datafusion::arrow::json::writer::{JsonArray, LineDelimited, WriterBuilder as JsonBuilder};
use datafusion::arrow::json::{StructMode, Writer as JsonWriter};
use datafusion::arrow::util::display::FormatOptions;
use datafusion::arrow::util::pretty::pretty_format_batches_with_options;
use datafusion::parquet::arrow::ArrowWriter;

/// How times stand in texts: UTC, to the microsecond where there are any.
const TIME: &str = "%Y-%m-%dT%H:%M:%S%.fZ";

/// A format of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RowFormat {
    /// A table for people.
    #[default]
    Table,
    /// One JSON object a line.
    Json,
    /// One JSON array of rows, each an array of its values.
    JsonLists,
    /// CSV with a line of names.
    Csv,
    /// One Parquet file.
    Parquet,
    /// A stream of Arrow IPC.
    Arrow,
}

impl RowFormat {
    /// Whether several answers can stand one after the other, and a person can read them.
    pub fn text(self) -> bool {
        matches!(self, Self::Table | Self::Json | Self::Csv)
    }
}

/// Writes rows in a format.
pub struct RowWriter<W: Write + Send> {
    form: Form<W>,
}

enum Form<W: Write + Send> {
    Table { to: W, schema: SchemaRef, rows: Vec<RecordBatch> },
    Json { to: JsonWriter<W, LineDelimited> },
    JsonLists { to: JsonWriter<W, JsonArray> },
    Csv { to: Box<datafusion::arrow::csv::Writer<W>>, schema: SchemaRef, begun: bool },
    Parquet { to: Box<ArrowWriter<W>> },
    Arrow { to: StreamWriter<W> },
}

impl<W: Write + Send> RowWriter<W> {
    /// Begins to write rows with these columns.
    pub fn new(format: RowFormat, schema: &SchemaRef, to: W) -> std::io::Result<Self> {
        let schema = schema.clone();
        let form = match format {
            RowFormat::Table => Form::Table { to, schema, rows: Vec::new() },
            RowFormat::Json => Form::Json { to: json().build::<_, LineDelimited>(to) },
            RowFormat::JsonLists => {
                let builder = json().with_struct_mode(StructMode::ListOnly);
                Form::JsonLists { to: builder.build::<_, JsonArray>(to) }
            }
            RowFormat::Csv => {
                let builder = CsvBuilder::new().with_timestamp_tz_format(TIME.to_owned());
                Form::Csv { to: Box::new(builder.build(to)), schema, begun: false }
            }
            RowFormat::Parquet => {
                let writer =
                    ArrowWriter::try_new(to, schema, None).map_err(std::io::Error::other)?;
                Form::Parquet { to: Box::new(writer) }
            }
            RowFormat::Arrow => Form::Arrow {
                to: StreamWriter::try_new(to, &schema).map_err(std::io::Error::other)?,
            },
        };
        Ok(Self { form })
    }

    /// Writes rows. A table appears at its end, when the widths of its columns are known.
    pub fn write(&mut self, batch: RecordBatch) -> std::io::Result<()> {
        match &mut self.form {
            Form::Table { rows, .. } => rows.push(batch),
            Form::Json { to } => to.write(&batch).map_err(broken)?,
            Form::JsonLists { to } => to.write(&batch).map_err(broken)?,
            Form::Csv { to, begun, .. } => {
                *begun = true;
                to.write(&batch).map_err(broken)?;
            }
            Form::Parquet { to } => to.write(&batch).map_err(std::io::Error::other)?,
            Form::Arrow { to } => to.write(&batch).map_err(broken)?,
        }
        Ok(())
    }

    /// Ends the rows.
    pub fn finish(self) -> std::io::Result<()> {
        match self.form {
            Form::Table { mut to, schema, rows } => {
                let rows =
                    if rows.is_empty() { vec![RecordBatch::new_empty(schema)] } else { rows };
                let options = FormatOptions::default().with_timestamp_tz_format(Some(TIME));
                let table = pretty_format_batches_with_options(&rows, &options).map_err(broken)?;
                writeln!(to, "{table}")?;
                to.flush()
            }
            Form::Json { mut to } => to.finish().map_err(broken),
            Form::JsonLists { mut to } => to.finish().map_err(broken),
            Form::Csv { mut to, schema, begun } => {
                if !begun {
                    // The names of the columns stand there also where there is no row.
                    to.write(&RecordBatch::new_empty(schema)).map_err(broken)?;
                }
                Ok(())
            }
            Form::Parquet { to } => to.close().map(|_| ()).map_err(std::io::Error::other),
            Form::Arrow { mut to } => to.finish().map_err(broken),
        }
    }
}

fn json() -> JsonBuilder {
    JsonBuilder::new().with_explicit_nulls(true).with_timestamp_tz_format(TIME.to_owned())
}

/// The error of whatever is written to, where it is one.
fn broken(error: datafusion::arrow::error::ArrowError) -> std::io::Error {
    match error {
        datafusion::arrow::error::ArrowError::IoError(_, error) => error,
        other => std::io::Error::other(other),
    }
}
