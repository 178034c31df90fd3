//! The numbered migrations of the schemas, and whether the tables are what these made.

use std::collections::HashMap;

use tokio_postgres::{Client, Transaction};
use xxhash_rust::xxh3::xxh3_64;

use crate::MirrorError;
use crate::table::TABLES;

/// All migrations in order: the number of each is its place, from 1. One that was given out never
/// changes.
const MIGRATIONS: [(&str, &str); 7] = [
    ("serving", include_str!("../sql/001_serving.sql")),
    ("config", include_str!("../sql/002_config.sql")),
    ("policies", include_str!("../sql/003_policies.sql")),
    ("chain", include_str!("../sql/004_chain.sql")),
    ("features", include_str!("../sql/005_features.sql")),
    ("followed", include_str!("../sql/006_followed.sql")),
    ("expiry", include_str!("../sql/007_expiry.sql")),
];

/// Where applied migrations are noted. Whoever comes second waits for the first.
const LEDGER: &str = "
    SELECT pg_advisory_xact_lock(hashtext('shelf.migrations'));
    CREATE SCHEMA IF NOT EXISTS shelf;
    CREATE TABLE IF NOT EXISTS shelf.migrations (
        number integer PRIMARY KEY,
        name text NOT NULL,
        checksum text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
    )";

/// Applies the migrations that are missing, all or none.
pub(crate) async fn migrate(client: &mut Client) -> Result<(), MirrorError> {
    let failed = || MirrorError::of("migrate", "the schemas");
    let transaction = client.transaction().await.map_err(failed())?;
    transaction.batch_execute(LEDGER).await.map_err(failed())?;
    let applied = applied(&transaction).await?;
    if let Some(newest) = applied.keys().max().filter(|&&newest| newest > MIGRATIONS.len() as i32) {
        let what = format!("migration {newest} is of a newer version");
        return Err(MirrorError::Version { what });
    }
    for (number, (name, text)) in (1..).zip(MIGRATIONS) {
        let checksum = format!("{:016x}", xxh3_64(text.as_bytes()));
        match applied.get(&number) {
            Some(noted) if *noted == checksum => {}
            Some(_) => {
                let what = format!("migration {number} ({name}) is not what was applied");
                return Err(MirrorError::Version { what });
            }
            None => {
                transaction.batch_execute(text).await.map_err(failed())?;
                let note =
                    "INSERT INTO shelf.migrations (number, name, checksum) VALUES ($1, $2, $3)";
                transaction.execute(note, &[&number, &name, &checksum]).await.map_err(failed())?;
            }
        }
    }
    transaction.commit().await.map_err(failed())
}

async fn applied(transaction: &Transaction<'_>) -> Result<HashMap<i32, String>, MirrorError> {
    let rows = transaction
        .query("SELECT number, checksum FROM shelf.migrations", &[])
        .await
        .map_err(MirrorError::of("read", "shelf.migrations"))?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Says where a served table lacks a column or has one of another type. Columns that somebody
/// added are theirs.
pub(crate) async fn check(client: &Client) -> Result<(), MirrorError> {
    let rows = client
        .query(
            "SELECT table_schema::text, table_name::text, column_name::text, udt_name::text \
             FROM information_schema.columns \
             WHERE table_schema IN ('ref', 'state', 'ops', 'analytics')",
            &[],
        )
        .await
        .map_err(MirrorError::of("look at", "the columns"))?;
    let there: HashMap<[String; 3], String> =
        rows.iter().map(|row| ([row.get(0), row.get(1), row.get(2)], row.get(3))).collect();
    for table in TABLES {
        for &(column, kind) in table.columns {
            let key = [table.schema(), table.own_name(), column].map(str::to_owned);
            let what = match there.get(&key) {
                Some(found) if found == kind => continue,
                Some(found) => format!("column {column} is of type {found} and must be {kind}"),
                None => format!("it has no column {column}"),
            };
            return Err(MirrorError::Drift { table: table.name.to_owned(), what });
        }
    }
    Ok(())
}
