//! What a table is: its name, its columns with comments, and how it lies on disk.

use std::collections::HashMap;
use std::sync::Arc;

use deltalake::arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::column::Kind;

/// The column by which the files of a table lie in folders.
pub const MONTH_COLUMN: &str = "event_month";
/// The key of a column's comment in the metadata of its Arrow field, as Delta knows it.
pub const COMMENT_KEY: &str = "comment";

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Whether a value may be missing.
    pub nullable: bool,
    pub(crate) comment: &'static str,
}

impl Column {
    /// What it says, for people.
    pub fn comment(&self) -> &'static str {
        // A doc comment begins with a space.
        self.comment.trim()
    }
}

/// How the files of a table lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// In folders by the month of `event_date`.
    Months,
    /// In one folder.
    Whole,
}

/// Who fills a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filled {
    /// It follows the log: rows are appended, each once.
    FromLog,
    /// It is built from tables that follow the log, and can be built again.
    FromTables,
}

/// A table of the lake.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Its schema: `raw`, `cleansed`, `ops`, `analytics`, `curated`, `quarantine`.
    pub schema: &'static str,
    /// Its name within the schema.
    pub name: &'static str,
    pub(crate) comment: &'static str,
    /// Its columns, without the one of the folders.
    pub columns: &'static [Column],
    /// The columns by which the rows of a file are in order once it has been compacted.
    pub sorted_by: &'static [&'static str],
    pub(crate) key: &'static [&'static str],
    /// How its files lie.
    pub layout: Layout,
    /// Who fills it.
    pub filled: Filled,
}

impl Table {
    /// What a row of it is, for people.
    pub fn comment(&self) -> &'static str {
        self.comment.trim()
    }

    /// `schema.name`.
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }

    /// Its place below the root of the lake.
    pub fn path(&self) -> String {
        format!("{}/{}", self.schema, self.name)
    }

    /// The columns by which its files lie in folders.
    pub fn partition_columns(&self) -> &'static [&'static str] {
        match self.layout {
            Layout::Months => &[MONTH_COLUMN],
            Layout::Whole => &[],
        }
    }

    /// All columns with their comments as Arrow knows them.
    pub fn arrow_schema(&self) -> SchemaRef {
        let mut fields: Vec<Field> = self.columns.iter().map(field).collect();
        if self.layout == Layout::Months {
            let comment = "The month of event_date, as 2026-01: the folder of the row's file.";
            fields.push(commented(Field::new(MONTH_COLUMN, DataType::Utf8, false), comment));
        }
        Arc::new(Schema::new(fields))
    }

    /// The columns that no two rows have alike.
    pub fn key(&self) -> &'static [&'static str] {
        self.key
    }

    /// A column by its name.
    pub fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

fn field(column: &Column) -> Field {
    let field = Field::new(column.name, column.kind.data_type(), column.nullable);
    commented(field, column.comment())
}

fn commented(field: Field, comment: &str) -> Field {
    field.with_metadata(HashMap::from([(COMMENT_KEY.to_owned(), comment.to_owned())]))
}

/// Declares a table together with the struct of its rows and what gathers them, so that a row that
/// does not fit its table does not compile.
macro_rules! table {
    (
        $(#[doc = $comment:literal])+
        $constant:ident = $schema:literal . $name:literal, $row:ident into $columns:ident,
        sorted by [$($sort:literal),*], key [$($key:literal),*];
        $($(#[doc = $column_comment:literal])+ $column:ident: $kind:ty,)*
    ) => {
        $(#[doc = $comment])+
        pub(crate) static $constant: $crate::table::Table = $crate::table::Table {
            schema: $schema,
            name: $name,
            comment: concat!($($comment),+),
            columns: &[$($crate::table::Column {
                name: stringify!($column),
                kind: <$kind as $crate::column::ColumnType>::KIND,
                nullable: <$kind as $crate::column::ColumnType>::NULLABLE,
                comment: concat!($($column_comment),+),
            }),*],
            sorted_by: &[$($sort),*],
            key: &[$($key),*],
            layout: $crate::table::Layout::Months,
            filled: $crate::table::Filled::FromLog,
        };

        #[doc = concat!("A row of `", $schema, ".", $name, "`.")]
        #[derive(Default)]
        pub(crate) struct $row<'a> {
            $(pub(crate) $column: <$kind as $crate::column::ColumnType>::Value<'a>,)*
        }

        #[doc = concat!("Rows of `", $schema, ".", $name, "`, column by column.")]
        pub(crate) struct $columns {
            $($column: <$kind as $crate::column::ColumnType>::Builder,)*
        }

        impl $crate::rows::Gather for $columns {
            const TABLE: &'static $crate::table::Table = &$constant;

            fn new() -> Self {
                Self { $($column: <$kind as $crate::column::ColumnType>::builder(),)* }
            }

            fn finish(&mut self) -> Vec<deltalake::arrow::array::ArrayRef> {
                vec![$(<$kind as $crate::column::ColumnType>::finish(&mut self.$column)),*]
            }
        }

        impl $crate::rows::Row for $row<'_> {
            type Columns = $columns;

            fn event_date(&self) -> shelf_domain::Day {
                self.event_date
            }

            fn append(self, columns: &mut $columns) -> usize {
                let mut bytes = 0;
                $(bytes += <$kind as $crate::column::ColumnType>::append(
                    &mut columns.$column, self.$column,
                );)*
                bytes
            }
        }
    };
}

/// Declares a table that is built from others.
macro_rules! built_table {
    (
        $(#[doc = $comment:literal])+
        $constant:ident = $name:literal, $layout:ident,
        sorted by [$($sort:literal),*], key [$($key:literal),*];
        $($(#[doc = $column_comment:literal])+ $column:ident: $kind:ty,)*
    ) => {
        $(#[doc = $comment])+
        pub(crate) static $constant: $crate::table::Table = $crate::table::Table {
            schema: "curated",
            name: $name,
            comment: concat!($($comment),+),
            columns: &[$($crate::table::Column {
                name: stringify!($column),
                kind: <$kind as $crate::column::ColumnType>::KIND,
                nullable: <$kind as $crate::column::ColumnType>::NULLABLE,
                comment: concat!($($column_comment),+),
            }),*],
            sorted_by: &[$($sort),*],
            key: &[$($key),*],
            layout: $crate::table::Layout::$layout,
            filled: $crate::table::Filled::FromTables,
        };
    };
}

pub(crate) use built_table;
pub(crate) use table;
