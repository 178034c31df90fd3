//! How foreign files get into the log: NDJSON, CSV and Parquet with a mapping.
