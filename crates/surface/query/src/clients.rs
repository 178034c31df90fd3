//! What clients of Postgres ask beyond what the catalogue of `datafusion-pg-catalog` answers.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Int32Array, RecordBatch, StringArray, new_null_array,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Int32Type, Schema};
use datafusion::catalog::MemTable;
use datafusion::datasource::TableProvider;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use datafusion::prelude::SessionContext;
use datafusion::scalar::ScalarValue;

use crate::live::LIVE;

/// Parts of clients' statements that DataFusion cannot work out, and what they come to here, where
/// no table has keys, indexes or storage options and no schema or role has members or rights of its
/// own. Of two that begin alike the longer stands first.
const PHRASES: [(&str, &str); 22] = [
    // JDBC: the columns of a key or an index, one row each.
    ("(information_schema._pg_expandarray(con.conkey)).n", "0"),
    ("information_schema._pg_expandarray(con.conkey)", "0"),
    ("(information_schema._pg_expandarray(i.indkey)).n", "0"),
    ("information_schema._pg_expandarray(i.indkey)", "0"),
    ("(result.KEYS).x", "result.KEYS"),
    ("(i.keys).x", "i.keys"),
    ("tmp.I_INDOPTION[tmp.ORDINAL_POSITION - 1] & 1::smallint", "0"),
    ("pg_catalog.generate_series(1, 32) pos(n)", "(SELECT 1 AS n) pos"),
    ("con.confkey[pos.n]", "0"),
    ("con.conkey[pos.n]", "0"),
    // JDBC: settings of the server.
    ("SELECT setting FROM pg_catalog.pg_settings WHERE name='max_index_keys'", "SELECT '32'"),
    (
        "SELECT setting FROM pg_catalog.pg_settings WHERE name='default_transaction_isolation'",
        "SELECT 'read committed'",
    ),
    // JDBC: columns that say nothing, all of one name.
    (
        "NULL, NULL, NULL, d.description AS \"REMARKS\"",
        "NULL AS a, NULL AS b, NULL AS c, d.description AS \"REMARKS\"",
    ),
    // JDBC: rights of a table.
    ("r.rolname,c.relacl", "r.rolname,CAST(NULL AS TEXT) AS relacl"),
    // JDBC: the function that reads arrays, found by its bare name.
    ("'pg_catalog.array_in'::regproc", "'array_in'::regproc"),
    // psql: storage options of a table.
    (
        "pg_catalog.array_to_string(c.reloptions || array(select 'toast.' || x from \
         pg_catalog.unnest(tc.reloptions) x), ', ')",
        "''",
    ),
    // SQLAlchemy: storage options of an index.
    ("pg_catalog.pg_class.reloptions,", "CAST(NULL AS TEXT) AS reloptions,"),
    // psql: rights of a schema.
    ("pg_catalog.array_to_string(n.nspacl, E'\\n')", "CAST(NULL AS TEXT)"),
    ("pg_catalog.array_to_string(n.nspacl, E' ')", "CAST(NULL AS TEXT)"),
    // psql: rights of a table.
    ("pg_catalog.array_to_string(c.relacl, E'\\n')", "CAST(NULL AS TEXT)"),
    // psql: whether a type is that of a composite table.
    ("(SELECT c.relkind = 'c' FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid)", "false"),
    // psql: the roles of a role.
    (
        "ARRAY(SELECT b.rolname FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles b ON \
         (m.roleid = b.oid) WHERE m.member = r.oid)",
        "'{}'",
    ),
];
/// The columns of the table of types that name functions by their numbers.
const OF_FUNCTIONS: [&str; 8] = [
    "typinput",
    "typoutput",
    "typreceive",
    "typsend",
    "typmodin",
    "typmodout",
    "typanalyze",
    "typsubscript",
];

/// Another sign than the backslash before letters that a pattern means as they are.
const ESCAPE: &str = " ESCAPE '/'";
/// What stands before a pattern.
const LIKE: &str = " LIKE ";

/// Where JDBC asks what a type of one's own is made of, of which there are none: a subquery with a
/// branch for each type that it knows, from its beginning to its end.
const BASE_TYPE: (&str, &str) = ("(select CASE when ", "t.typbasetype)");

/// The statement without the parts that cannot be worked out.
pub(crate) fn without_phrases(sql: &str) -> Option<String> {
    if !sql.contains("pg_catalog.") {
        return None;
    }
    let steps: [fn(&str) -> Option<String>; 3] = [without_escape, without_base_type, without_known];
    let mut changed = None;
    for step in steps {
        changed = step(changed.as_deref().unwrap_or(sql)).or(changed);
    }
    changed
}

fn without_base_type(sql: &str) -> Option<String> {
    let (before, rest) = sql.split_once(BASE_TYPE.0)?;
    let (_, after) = rest.split_once(BASE_TYPE.1)?;
    Some(format!("{before}0{after}"))
}

/// `SQLAlchemy` has patterns whose escape is a slash; here with a backslash in its stead.
fn without_escape(sql: &str) -> Option<String> {
    let (before, after) = sql.split_once(ESCAPE)?;
    let (before, pattern) = before.rsplit_once(LIKE)?;
    let after = without_escape(after).unwrap_or_else(|| after.to_owned());
    Some(format!("{before}{LIKE}replace({pattern}, '/', '\\'){after}"))
}

fn without_known(sql: &str) -> Option<String> {
    let spaced = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    let found = PHRASES.iter().any(|(phrase, _)| spaced.contains(phrase));
    found.then(|| {
        PHRASES.iter().fold(spaced, |text, (phrase, instead)| text.replace(phrase, instead))
    })
}

/// Functions that clients call, and that have nothing to tell here: sizes are not known, and
/// everything may be seen.
pub(crate) fn register(context: &SessionContext) {
    for (name, takes) in [
        ("pg_table_size", DataType::Int64),
        ("pg_indexes_size", DataType::Int64),
        ("pg_database_size", DataType::Utf8),
    ] {
        context.register_udf(constant(name, takes, ScalarValue::Int64(None)));
    }
    // psycopg asks for types of extensions, of which there are none.
    context.register_udf(constant("to_regtype", DataType::Utf8, ScalarValue::Int32(None)));
    context.register_udf(constant("pg_size_pretty", DataType::Int64, ScalarValue::Utf8(None)));
    for name in ["pg_get_function_arguments", "pg_get_function_result"] {
        context.register_udf(constant(name, DataType::Int64, ScalarValue::Utf8(None)));
    }
    for name in ["pg_function_is_visible", "pg_type_is_visible"] {
        context.register_udf(constant(name, DataType::Int64, ScalarValue::Boolean(Some(true))));
    }
    context.register_udf(current_setting());
    let schema = ScalarValue::Utf8(Some(LIVE.to_owned()));
    let told = move |_: &[ColumnarValue]| Ok(ColumnarValue::Scalar(schema.clone()));
    let (name, kind) = ("current_schema", Volatility::Stable);
    context.register_udf(create_udf(name, vec![], DataType::Utf8, kind, Arc::new(told)));
}

/// Settings that clients ask for by a function, and what they are here.
const SETTINGS: [(&str, &str); 6] = [
    ("client_encoding", "UTF8"),
    // SQLAlchemy: whether a table is stored in another way than the usual one.
    ("default_table_access_method", "heap"),
    ("search_path", LIVE),
    ("server_encoding", "UTF8"),
    ("standard_conforming_strings", "on"),
    ("timezone", "UTC"),
];

/// `current_setting(name)`.
fn current_setting() -> ScalarUDF {
    let setting = |name: &str| {
        let known = SETTINGS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let unknown = || DataFusionError::Execution(format!("there is no setting {name:?}"));
        known.map(|(_, value)| *value).ok_or_else(unknown)
    };
    let told = move |values: &[ColumnarValue]| {
        let mut all = Vec::new();
        for names in ColumnarValue::values_to_arrays(values)? {
            let names = cast(&names, &DataType::Utf8)?;
            for name in names.as_string::<i32>() {
                all.push(name.map(setting).transpose()?);
            }
        }
        Ok(ColumnarValue::Array(Arc::new(StringArray::from(all))))
    };
    let takes = vec![DataType::Utf8];
    create_udf("current_setting", takes, DataType::Utf8, Volatility::Stable, Arc::new(told))
}

fn constant(name: &str, takes: DataType, value: ScalarValue) -> ScalarUDF {
    let gives = value.data_type();
    let told = move |_: &[ColumnarValue]| Ok(ColumnarValue::Scalar(value.clone()));
    create_udf(name, vec![takes], gives, Volatility::Stable, Arc::new(told))
}

/// The table of types with functions by their numbers, as the joins of clients need them.
pub(crate) async fn types(context: &SessionContext) -> Result<Arc<dyn TableProvider>> {
    let mut numbers = HashMap::new();
    let functions = "SELECT proname, oid FROM shelf.pg_catalog.pg_proc";
    for batch in context.sql(functions).await?.collect().await? {
        let [names, oids] = batch.columns() else { continue };
        let (names, oids) = (cast(names, &DataType::Utf8)?, oids.as_primitive::<Int32Type>());
        for (name, oid) in names.as_string::<i32>().iter().zip(oids.iter()) {
            numbers.insert(name.unwrap_or_default().to_owned(), oid.unwrap_or_default());
        }
    }
    let frame = context.sql("SELECT * FROM shelf.pg_catalog.pg_type").await?;
    let before = Arc::clone(frame.schema().inner());
    let field = |field: &Arc<Field>| {
        if OF_FUNCTIONS.contains(&field.name().as_str()) {
            return Field::new(field.name(), DataType::Int32, true);
        }
        field.as_ref().clone()
    };
    let schema = Arc::new(Schema::new(before.fields().iter().map(field).collect::<Vec<_>>()));
    let mut batches = Vec::new();
    for batch in frame.collect().await? {
        let columns: Result<Vec<ArrayRef>> = before
            .fields()
            .iter()
            .zip(batch.columns())
            .map(|(field, column)| {
                if OF_FUNCTIONS.contains(&field.name().as_str()) {
                    return by_number(column, &numbers);
                }
                Ok(Arc::clone(column))
            })
            .collect();
        batches.push(RecordBatch::try_new(Arc::clone(&schema), columns?)?);
    }
    Ok(Arc::new(MemTable::try_new(schema, vec![batches])?))
}

fn by_number(names: &ArrayRef, numbers: &HashMap<String, i32>) -> Result<ArrayRef> {
    if names.data_type().is_integer() {
        return Ok(cast(names, &DataType::Int32)?);
    }
    let Ok(names) = cast(names, &DataType::Utf8) else {
        return Ok(new_null_array(&DataType::Int32, names.len()));
    };
    let number = |name: Option<&str>| numbers.get(name?).copied().or(Some(0));
    let numbers = names.as_string::<i32>().iter().map(number);
    Ok(Arc::new(numbers.collect::<Int32Array>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_is_found_however_it_is_spaced() {
        let asked = "SELECT pg_catalog.array_to_string(n.nspacl,\n    E'\\n') AS a,\n  1";
        let changed = without_phrases(asked).unwrap();
        assert_eq!(changed, "SELECT CAST(NULL AS TEXT) AS a, 1");
        let asked = "SELECT pg_catalog.a FROM b WHERE a NOT LIKE 'pg/_' || '%' ESCAPE '/' LIMIT 1";
        assert_eq!(
            without_phrases(asked).unwrap(),
            "SELECT pg_catalog.a FROM b WHERE a NOT LIKE replace('pg/_' || '%', '/', '\\') LIMIT 1"
        );
        let asked = "select CASE WHEN t.typtype = 'd' then  (select CASE when base_type.oid = 23 \
                     then 4 when base_type.oid = 25 then 12 else 1111 end from pg_type base_type \
                     where base_type.oid=t.typbasetype) else null end from pg_catalog.pg_type t";
        assert_eq!(
            without_phrases(asked).unwrap(),
            "select CASE WHEN t.typtype = 'd' then  0 else null end from pg_catalog.pg_type t"
        );
        assert_eq!(without_phrases("SELECT 'two  spaces'"), None);
        assert_eq!(without_phrases("SELECT 'a  b' FROM pg_catalog.pg_class"), None);
    }
}
