//! What tables and columns mean, where clients of Postgres look for it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use async_trait::async_trait;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int32Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema};
use datafusion::catalog::{MemTable, SchemaProvider};
use datafusion::datasource::TableProvider;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use datafusion::prelude::SessionContext;

use crate::live::{LIVE, LiveSchema};

/// The table of comments.
const DESCRIPTION: &str = "pg_description";
/// The table of types.
const TYPES: &str = "pg_type";
/// The catalogue's table of tables, whose number says that a comment is about a table.
const TABLES: (&str, &str) = ("pg_catalog", "pg_class");
/// The numbers of all tables.
const NUMBERS: &str = "SELECT c.oid, n.nspname, c.relname FROM shelf.pg_catalog.pg_class c JOIN \
                       shelf.pg_catalog.pg_namespace n ON n.oid = c.relnamespace";

/// What a table and its columns mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableNote {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub table: String,
    /// What a row of it is.
    pub comment: String,
    /// The names, types and meanings of its columns, in their order.
    pub columns: Vec<(String, String, String)>,
}

/// The tables of `live` in order of their names, then those of the lake.
pub fn table_notes(sql: &crate::Sql) -> Vec<TableNote> {
    let mut notes = live_notes(sql.live());
    notes.extend(crate::lake::notes());
    notes
}

pub(crate) fn live_notes(live: &LiveSchema) -> Vec<TableNote> {
    let of = |table: &crate::live::LiveTable| {
        let schema = table.schema();
        let fields = schema.fields().iter().zip(table.comments());
        let column = |(field, comment): (&Arc<Field>, &str)| {
            (field.name().clone(), type_name(field.data_type()).to_owned(), comment.to_owned())
        };
        TableNote {
            schema: LIVE.to_owned(),
            table: table.name().to_owned(),
            comment: table.comment().to_owned(),
            columns: fields.map(column).collect(),
        }
    };
    live.tables().map(of).collect()
}

/// The name that SQL has for a type of Arrow.
pub fn type_name(of: &DataType) -> &'static str {
    match of {
        DataType::Utf8 | DataType::Utf8View => "text",
        DataType::Binary => "bytea",
        DataType::Int32 => "integer",
        DataType::Int64 => "bigint",
        DataType::Float64 => "double precision",
        DataType::Boolean => "boolean",
        DataType::Date32 => "date",
        DataType::Timestamp(..) => "timestamp with time zone",
        DataType::Decimal128(..) => "numeric",
        _ => "other",
    }
}

/// The comments by the numbers that the catalogue has given to tables; column 0 is the table.
#[derive(Debug, Default)]
pub(crate) struct Comments {
    written: BTreeMap<(String, String), Vec<String>>,
    known: Arc<RwLock<BTreeMap<(i32, i32), String>>>,
    of_tables: AtomicI32,
}

impl Comments {
    pub(crate) fn new(notes: Vec<TableNote>) -> Self {
        let texts = |note: TableNote| {
            let columns = note.columns.into_iter().map(|(_, _, comment)| comment);
            ((note.schema, note.table), [note.comment].into_iter().chain(columns).collect())
        };
        Self { written: notes.into_iter().map(texts).collect(), ..Self::default() }
    }

    /// Finds out which numbers the catalogue has given to the tables.
    pub(crate) async fn number(&self, context: &SessionContext) -> Result<()> {
        let mut known = BTreeMap::new();
        for batch in context.sql(NUMBERS).await?.collect().await? {
            let [oids, schemas, tables] = batch.columns() else { continue };
            let (oids, schemas, tables) =
                (oids.as_primitive::<Int32Type>(), text(schemas)?, text(tables)?);
            for ((oid, schema), table) in oids.iter().zip(schemas.iter()).zip(tables.iter()) {
                let (Some(oid), Some(schema), Some(table)) = (oid, schema, table) else { continue };
                if (schema, table) == TABLES {
                    self.of_tables.store(oid, Ordering::Relaxed);
                }
                let texts = self.written.get(&(schema.to_owned(), table.to_owned()));
                let numbered = texts.into_iter().flatten().zip(0..);
                known.extend(numbered.map(|(text, column)| ((oid, column), text.clone())));
            }
        }
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
        Ok(())
    }

    /// The functions by which clients ask for comments.
    pub(crate) fn register(&self, context: &SessionContext) {
        let comments = |name: &str, second: DataType, column: fn(&ArrayRef, usize) -> i32| {
            let known = Arc::clone(&self.known);
            function(name, second, move |arrays| {
                let [oids, which] = arrays else { return StringArray::new_null(0) };
                let known = known.read().unwrap_or_else(PoisonError::into_inner);
                let oids = oids.as_primitive::<Int64Type>().iter().enumerate();
                let of = |(row, oid): (usize, Option<i64>)| {
                    known.get(&(i32::try_from(oid?).ok()?, column(which, row))).cloned()
                };
                oids.map(of).collect::<StringArray>()
            })
        };
        context.register_udf(comments("col_description", DataType::Int64, |which, row| {
            let which = which.as_primitive::<Int64Type>();
            if which.is_null(row) { -1 } else { i32::try_from(which.value(row)).unwrap_or(-1) }
        }));
        context.register_udf(comments("obj_description", DataType::Utf8, |_, _| 0));
        context.register_udf(function("shobj_description", DataType::Utf8, |arrays| {
            StringArray::new_null(arrays.first().map_or(0, Array::len))
        }));
    }

    fn table(&self) -> Result<Arc<dyn TableProvider>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let of_tables = self.of_tables.load(Ordering::Relaxed);
        let schema = Arc::new(Schema::new(vec![
            Field::new("objoid", DataType::Int32, false),
            Field::new("classoid", DataType::Int32, false),
            Field::new("objsubid", DataType::Int32, false),
            Field::new("description", DataType::Utf8, false),
        ]));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(known.keys().map(|(oid, _)| Some(*oid)).collect::<Int32Array>()),
            Arc::new(known.keys().map(|_| Some(of_tables)).collect::<Int32Array>()),
            Arc::new(known.keys().map(|(_, column)| Some(*column)).collect::<Int32Array>()),
            Arc::new(known.values().map(Some).collect::<StringArray>()),
        ];
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns)?;
        Ok(Arc::new(MemTable::try_new(schema, vec![vec![batch]])?))
    }
}

fn text(array: &ArrayRef) -> Result<StringArray> {
    let text = datafusion::arrow::compute::cast(array, &DataType::Utf8)?;
    Ok(text.as_string::<i32>().clone())
}

fn function(
    name: &str,
    second: DataType,
    work: impl Fn(&[ArrayRef]) -> StringArray + Send + Sync + 'static,
) -> ScalarUDF {
    create_udf(
        name,
        vec![DataType::Int64, second],
        DataType::Utf8,
        Volatility::Stable,
        Arc::new(move |values: &[ColumnarValue]| {
            let arrays = ColumnarValue::values_to_arrays(values)?;
            Ok(ColumnarValue::Array(Arc::new(work(&arrays))))
        }),
    )
}

/// The catalogue of Postgres, with comments.
#[derive(Debug)]
pub(crate) struct CommentedCatalog {
    pub(crate) bare: Arc<dyn SchemaProvider>,
    pub(crate) comments: Arc<Comments>,
    /// The table of types as clients need it, once it has been made.
    pub(crate) types: Arc<OnceLock<Arc<dyn TableProvider>>>,
}

#[async_trait]
impl SchemaProvider for CommentedCatalog {
    fn table_names(&self) -> Vec<String> {
        self.bare.table_names()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        match (name, self.types.get()) {
            (DESCRIPTION, _) => self.comments.table().map(Some),
            (TYPES, Some(types)) => Ok(Some(Arc::clone(types))),
            _ => self.bare.table(name).await,
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        self.bare.table_exist(name)
    }
}
