//! The one writer of the served tables: each round is one transaction, with the positions that it
//! stands for.

use std::io::Cursor;
use std::pin::pin;
use std::time::{Duration, UNIX_EPOCH};

use futures::SinkExt as _;
use tokio_postgres::{Client, CopyInSink, Transaction};

use crate::MirrorError;
use crate::connect::Postgres;
use crate::migrate::{check, migrate};
use crate::recorder::Gathered;
use crate::table::{TABLES, Table};

/// How many bytes of rows go in one message.
const PIECE_BYTES: usize = 1 << 20;
/// How long a connection with nothing to do is looked at, so that it can say that it has ended.
const GLANCE: Duration = Duration::from_millis(1);

/// What a round came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// Events that were new to the mirror.
    pub events: u64,
    /// Rows handed over; those that are there already, and are the same, stay untouched.
    pub rows: u64,
}

/// Writes the mirror. Needs a tokio runtime.
pub struct MirrorWriter {
    client: Client,
    positions: Vec<u64>,
}

impl std::fmt::Debug for MirrorWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MirrorWriter").field("positions", &self.positions).finish_non_exhaustive()
    }
}

impl MirrorWriter {
    /// Connects for a log whose partitions end there, migrates the schemas, and looks at the
    /// tables. The mirror is that of the first chain that is named; any other one is refused, and
    /// a log that lacks what the mirror has.
    pub async fn open(
        postgres: &Postgres,
        ends: &[u64],
        chain: Option<&str>,
    ) -> Result<Self, MirrorError> {
        let (mut client, _) = postgres.connect().await?;
        migrate(&mut client).await?;
        check(&client).await?;
        let positions = begin(&mut client, ends, chain).await?;
        let stages: String = TABLES.iter().map(Table::make_stage).collect();
        client.batch_execute(&stages).await.map_err(MirrorError::of("prepare", "the session"))?;
        Ok(Self { client, positions })
    }

    /// The events of each partition below these offsets are in the mirror.
    pub fn positions(&self) -> &[u64] {
        &self.positions
    }

    /// Commits rows that stand for all events from [`MirrorWriter::positions`] up to `reached`, all
    /// or none. After an error, open the mirror again and go on from its positions: where the
    /// answer to a commit was lost, they say whether it holds.
    pub async fn commit(
        &mut self,
        gathered: &Gathered,
        reached: &[u64],
    ) -> Result<Committed, MirrorError> {
        let next: Vec<u64> = (0..)
            .zip(&self.positions)
            .map(|(number, &own)| reached.get(number as usize).copied().unwrap_or(0).max(own))
            .collect();
        if next == self.positions {
            return self.look().await.map(|()| Committed::default());
        }
        let failed = || MirrorError::of("write", "");
        let transaction = self.client.transaction().await.map_err(failed())?;
        let held = transaction
            .query("SELECT position FROM shelf.positions ORDER BY log_partition FOR UPDATE", &[])
            .await
            .map_err(MirrorError::of("read", "shelf.positions"))?;
        let held = held.iter().map(|row| row.get::<_, i64>(0) as u64);
        if !held.eq(self.positions.iter().copied()) {
            return Err(MirrorError::InUse);
        }
        let mut rows = 0;
        for (table, waiting) in gathered.tables() {
            let failed = || MirrorError::of("write", table.name);
            if waiting.rows() > 0 {
                copy(&transaction, &table.copy(), &waiting.text()).await.map_err(failed())?;
            }
            if let (Some(keys), Some(remove)) = (table.copy_keys(), table.remove()) {
                copy(&transaction, &keys, &waiting.keys()).await.map_err(failed())?;
                transaction.execute(&remove, &[]).await.map_err(failed())?;
            }
            if waiting.rows() > 0 {
                transaction.execute(&table.insert(), &[]).await.map_err(failed())?;
            }
            rows += waiting.rows();
        }
        end_others(&transaction, gathered).await?;
        let numbers: Vec<i32> = (0..next.len() as i32).collect();
        let offsets: Vec<i64> = next.iter().map(|&position| position as i64).collect();
        transaction
            .execute(
                "UPDATE shelf.positions p SET position = n.position \
                 FROM unnest($1::integer[], $2::bigint[]) n (log_partition, position) \
                 WHERE p.log_partition = n.log_partition",
                &[&numbers, &offsets],
            )
            .await
            .map_err(MirrorError::of("write", "shelf.positions"))?;
        transaction.commit().await.map_err(failed())?;
        let events = next.iter().zip(&self.positions).map(|(next, own)| next - own).sum();
        self.positions = next;
        Ok(Committed { events, rows })
    }

    /// Says whether the server is gone: who writes nothing does not hear of it otherwise.
    async fn look(&self) -> Result<(), MirrorError> {
        tokio::time::sleep(GLANCE).await;
        if !self.client.is_closed() {
            return Ok(());
        }
        let what = "the connection has ended".to_owned();
        Err(MirrorError::Unreachable { action: "write to the database".to_owned(), what })
    }
}

/// Up to where the mirror stands; notes whose it is. Where it is refused, nothing has changed.
async fn begin(
    client: &mut Client,
    ends: &[u64],
    chain: Option<&str>,
) -> Result<Vec<u64>, MirrorError> {
    let failed = || MirrorError::of("write", "shelf.positions");
    let transaction = client.transaction().await.map_err(failed())?;
    let numbers: Vec<i32> = (0..ends.len() as i32).collect();
    // Of two chains that begin at once, the second one waits here for the first.
    transaction
        .execute(
            "INSERT INTO shelf.positions (log_partition, position) \
             SELECT unnest($1::integer[]), 0 ON CONFLICT DO NOTHING",
            &[&numbers],
        )
        .await
        .map_err(failed())?;
    let rows = transaction
        .query("SELECT position, chain FROM shelf.positions ORDER BY log_partition FOR UPDATE", &[])
        .await
        .map_err(failed())?;
    if let Some(own) = chain {
        let theirs = rows.iter().filter_map(|row| row.get::<_, Option<&str>>(1));
        if let Some(theirs) = theirs.into_iter().find(|theirs| *theirs != own) {
            let (theirs, own) = (theirs.to_owned(), own.to_owned());
            return Err(MirrorError::OtherChain { theirs, own });
        }
        let note = "UPDATE shelf.positions SET chain = $1 WHERE chain IS NULL";
        transaction.execute(note, &[&own]).await.map_err(failed())?;
    }
    let positions: Vec<u64> = rows.iter().map(|row| row.get::<_, i64>(0) as u64).collect();
    let ahead = positions.iter().zip(ends).any(|(position, end)| position > end);
    if ahead || positions.len() > ends.len() {
        return Err(MirrorError::Ahead);
    }
    transaction.commit().await.map_err(failed())?;
    Ok(positions)
}

/// What stood in stores of which all that stands has been copied, and has no such row, has ended
/// meanwhile: how is in a part of the log that is gone.
async fn end_others(transaction: &Transaction<'_>, gathered: &Gathered) -> Result<(), MirrorError> {
    for table in TABLES {
        let Some(statement) = table.end_others() else { continue };
        for (store, at) in gathered.whole() {
            let seen_at = UNIX_EPOCH + Duration::from_micros(at.0.max(0).unsigned_abs());
            transaction
                .execute(&statement, &[&store.as_str(), &seen_at])
                .await
                .map_err(MirrorError::of("write", table.name))?;
        }
    }
    Ok(())
}

/// Sends lines to a COPY.
async fn copy(
    transaction: &Transaction<'_>,
    statement: &str,
    lines: &str,
) -> Result<(), tokio_postgres::Error> {
    let sink: CopyInSink<Cursor<Vec<u8>>> = transaction.copy_in(statement).await?;
    let mut sink = pin!(sink);
    for piece in lines.as_bytes().chunks(PIECE_BYTES) {
        sink.send(Cursor::new(piece.to_vec())).await?;
    }
    sink.as_mut().finish().await.map(drop)
}
