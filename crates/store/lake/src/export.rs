//! Copies of tables as files for programs that do not read Delta.

use deltalake::arrow::array::AsArray as _;
use deltalake::arrow::datatypes::UInt64Type;
use deltalake::datafusion::dataframe::DataFrameWriteOptions;

use crate::LakeError;
use crate::lake::Lake;
use crate::table::Table;

/// The form of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// Apache Parquet.
    Parquet,
    /// Values between commas, with a header.
    Csv,
    /// One JSON object a line.
    Json,
}

impl Lake {
    /// Copies a table, as it is at this moment and in its own order, to a file. Returns its rows.
    pub async fn export(
        &self,
        table: &Table,
        format: ExportFormat,
        file: &str,
    ) -> Result<u64, LakeError> {
        let name = table.full_name();
        if self.open(table).await?.is_none() {
            return Err(LakeError::NoTable { table: name });
        }
        let failed = |source| LakeError::Query { table: name.clone(), source: Box::new(source) };
        let session = self.session().await?;
        let order = table.sorted_by.join(", ");
        let rows = session.sql(&format!("SELECT * FROM {name} ORDER BY {order}")).await;
        let rows = rows.map_err(failed)?;
        let options = DataFrameWriteOptions::new().with_single_file_output(true);
        let written = match format {
            ExportFormat::Parquet => rows.write_parquet(file, options, None).await,
            ExportFormat::Csv => rows.write_csv(file, options, None).await,
            ExportFormat::Json => rows.write_json(file, options, None).await,
        };
        let written = written.map_err(failed)?;
        let counts = written.iter().filter_map(|batch| batch.columns().first());
        let counts = counts.filter_map(|column| column.as_primitive_opt::<UInt64Type>());
        Ok(counts.flat_map(|counts| counts.iter().flatten()).sum())
    }
}
