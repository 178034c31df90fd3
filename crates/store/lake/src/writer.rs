//! The one writer of the tables that follow the log.
//!
//! Each commit of a table carries how far the log has been followed, so a batch that comes again
//! is recognised, and a table can never hold a row twice. The last commit of a round goes to
//! `ops.lake_commits` and says the same for all tables at once: a table without rows needs no
//! commit of its own.

use std::sync::Arc;
use std::time::Instant;

use deltalake::DeltaTable;
use deltalake::arrow::array::RecordBatch;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake::kernel::{Action, Transaction};
use deltalake::parquet::basic::{Compression, Encoding, ZstdLevel};
use deltalake::parquet::file::properties::{EnabledStatistics, WriterProperties};
use deltalake::parquet::schema::types::ColumnPath;
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::writer::{DeltaWriter as _, RecordBatchWriter};
use futures::{StreamExt as _, TryStreamExt as _};
use shelf_domain::{DAY, Day, Timestamp};

use crate::LakeError;
use crate::chain::{CHAIN, chain_number, found_of_chain};
use crate::column::Kind;
use crate::durable::make_durable;
use crate::faults::{FaultPoint, behind_commit};
use crate::lake::{Lake, lacking_columns};
use crate::positions::Positions;
use crate::rows::{Batch, Rows};
use crate::snapshot::last_entry;
use crate::table::Table;
use crate::tables::ops::{CommitRow, Commits};

/// Rows of a row group: a day or two of a store, so that a day's rows can be found.
pub(crate) const ROW_GROUP_ROWS: usize = 131_072;

/// Tables that are opened at once: a distant store is not waited for one by one, and each takes
/// memory of its own.
pub(crate) const OPENING: usize = 8;

/// How often a commit is tried again after another program changed the table.
const TRIES: u32 = 8;

/// What a round of commits stands for.
#[derive(Clone, Debug, Default)]
pub struct Round {
    /// For each partition the offset after the last event of the round.
    pub positions: Vec<u64>,
    /// The time of the newest event.
    pub newest_event_at: Option<Timestamp>,
    /// What time it is.
    pub committed_at: Timestamp,
}

/// What a round came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// Events that were new.
    pub events: u64,
    /// Rows written.
    pub rows: u64,
    /// Tables that got a commit.
    pub tables: u64,
}

/// Writes the tables that follow the log.
#[derive(Debug)]
pub struct LakeWriter {
    lake: Lake,
    partitions: u32,
    /// The number of the chain, where it has a name.
    chain: Option<i64>,
    tables: Vec<OpenTable>,
}

#[derive(Debug)]
struct OpenTable {
    table: &'static Table,
    delta: DeltaTable,
    own: OwnPositions,
}

/// What the log of a table says of how far it has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OwnPositions {
    /// The offset of each partition that its last commit stands for.
    pub(crate) offsets: Vec<u64>,
    /// Whether it has come as far as the others once. From then on what the last whole round says
    /// holds for it too; a table that was made later, or was removed and made again, has to read
    /// the log from its start first.
    pub(crate) joined: bool,
}

/// Under which name a table says whether it has joined the others (bit 0), and which partitions
/// have a position of their own (the bits after it; the last one stands for all further ones).
/// Most logs have events in few of their partitions, and each position costs a look at the log of
/// the table.
const STATE: &str = "shelf/state";
const LAST_BIT: u32 = 62;

/// The bit that says whether a partition has a position.
fn bit(partition: usize) -> i64 {
    1 << (partition as u32 + 1).min(LAST_BIT)
}

/// Under which name a partition's position stands in the log of a table.
fn app_id(partition: u32) -> String {
    format!("shelf/{partition}")
}

impl LakeWriter {
    /// Opens the lake for the log of a chain with so many partitions, and makes what is missing.
    /// Of another chain's lake nothing is changed: [`LakeError::OtherChain`]. A lake that says of
    /// no chain is that of the first one that is named; one without a name is let in everywhere.
    pub async fn open(lake: Lake, partitions: u32, chain: Option<&str>) -> Result<Self, LakeError> {
        let (lake_ref, chain) = (&lake, chain.map(chain_number));
        let found = found_of_chain(lake_ref, chain).await?;
        let opened = found.into_iter().map(|(table, found)| async move {
            let delta = lake_ref.ready(table, found).await?;
            let own = own_positions(&delta, table, partitions).await?;
            Ok::<_, LakeError>(OpenTable { table, delta, own })
        });
        let tables = futures::stream::iter(opened).buffered(OPENING).try_collect().await?;
        Ok(Self { lake, partitions, chain, tables })
    }

    /// The table that tells of the rounds themselves.
    pub const OWN_TABLE: &'static str = "ops.lake_commits";

    /// How far each table has come.
    pub fn positions(&self) -> Positions {
        let mut positions = Positions::default();
        let whole = self.whole();
        for open in &self.tables {
            positions.set(open.table, open.own.with(&whole));
        }
        positions
    }

    /// What the last whole round stands for.
    fn whole(&self) -> Vec<u64> {
        self.tables.last().map(|open| open.own.offsets.clone()).unwrap_or_default()
    }

    /// The lake.
    pub fn lake(&self) -> &Lake {
        &self.lake
    }

    /// Commits a round, table by table. Each table takes what it does not have: `batches` must
    /// hold no row below the table's position. After an error the tables that were reached are
    /// ahead of the others; open the lake again and go on from its positions.
    pub async fn commit(
        &mut self,
        batches: Vec<Batch>,
        round: &Round,
    ) -> Result<Committed, LakeError> {
        let begun = Instant::now();
        let mut committed = Committed::default();
        let whole = self.whole();
        let caught_up = (0..).zip(&whole).all(|(partition, &offset)| {
            round.positions.get::<usize>(partition).is_some_and(|&position| position >= offset)
        });
        let mut batches = batches.into_iter().peekable();
        let last = self.tables.len().saturating_sub(1);
        for open in self.tables.iter_mut().take(last) {
            let batch = batches.next_if(|batch| std::ptr::eq(batch.table, open.table));
            if batch.is_none() && open.own.joined {
                continue;
            }
            let join = caught_up && !open.own.joined;
            let rows = batch.map(|batch| batch.rows);
            committed.rows += rows.as_ref().map_or(0, RecordBatch::num_rows) as u64;
            committed.tables += 1;
            let said = Said { chain: self.chain, positions: &round.positions, join };
            Box::pin(commit_table(&self.lake, open, rows, said)).await?;
        }
        if let Some(batch) = batches.next() {
            let what = "rows came out of the order of the tables".to_owned();
            return Err(LakeError::Foreign { table: batch.table.full_name(), what });
        }
        if let Some(open) = self.tables.last_mut() {
            let took_ms = begun.elapsed().as_millis() as i64;
            let rows = round_rows(round, &whole, committed.rows, took_ms)?;
            committed.events = rows.as_ref().map_or(0, |(_, events)| *events);
            if let Some((rows, _)) = rows {
                committed.tables += 1;
                let positions = &round.positions;
                let said = Said { chain: self.chain, positions, join: false };
                Box::pin(commit_table(&self.lake, open, Some(rows), said)).await?;
            }
        }
        Ok(committed)
    }

    /// How many live files the table with the most has.
    pub fn most_files(&self) -> usize {
        let files = self.tables.iter().map(|open| {
            open.delta.snapshot().map_or(0, |snapshot| snapshot.log_data().num_files())
        });
        files.max().unwrap_or(0)
    }

    /// The partitions of the log.
    pub fn partitions(&self) -> u32 {
        self.partitions
    }

    /// Reads again what others have committed, such as a compaction by command.
    pub async fn refresh(&mut self) -> Result<(), LakeError> {
        for open in &mut self.tables {
            let name = open.table.full_name();
            open.delta.update_state().await.map_err(LakeError::unreachable("read", &name))?;
        }
        Ok(())
    }
}

/// The number that the log of a table has under a name.
pub(crate) async fn said(
    delta: &DeltaTable,
    name: &str,
    app: String,
) -> Result<Option<i64>, LakeError> {
    let snapshot = delta.snapshot().map_err(LakeError::unreachable("read", name))?;
    let said = snapshot.transaction_version(delta.log_store().as_ref(), app).await;
    said.map_err(LakeError::unreachable("read", name))
}

impl OwnPositions {
    /// Those of a table that has not been made.
    pub(crate) fn none(partitions: u32) -> Self {
        Self { offsets: vec![0; partitions as usize], joined: false }
    }

    /// How far the table has come, where the last whole round stands for `whole`.
    pub(crate) fn with(&self, whole: &[u64]) -> Vec<u64> {
        if !self.joined {
            return self.offsets.clone();
        }
        let whole = whole.iter().copied().chain(std::iter::repeat(0));
        self.offsets.iter().zip(whole).map(|(&own, whole)| own.max(whole)).collect()
    }
}

/// What the log of a table says of each partition.
pub(crate) async fn own_positions(
    delta: &DeltaTable,
    table: &Table,
    partitions: u32,
) -> Result<OwnPositions, LakeError> {
    let name = table.full_name();
    let state = said(delta, &name, STATE.to_owned()).await?.unwrap_or(0);
    let joined = state & 1 == 1;
    let mut offsets = Vec::new();
    for partition in 0..partitions {
        if state & bit(partition as usize) == 0 {
            offsets.push(0);
            continue;
        }
        let version = said(delta, &name, app_id(partition)).await?;
        offsets.push(version.and_then(|version| u64::try_from(version).ok()).unwrap_or(0));
    }
    Ok(OwnPositions { offsets, joined })
}

/// The rows of `ops.lake_commits` for the partitions that moved on, and how many events that were.
fn round_rows(
    round: &Round,
    done: &[u64],
    rows: u64,
    took_ms: i64,
) -> Result<Option<(RecordBatch, u64)>, LakeError> {
    let mut gathered: Rows<Commits> = Rows::new(Vec::new());
    let mut total = 0;
    for (partition, &position) in round.positions.iter().enumerate() {
        let before = done.get(partition).copied().unwrap_or(0);
        let events = position.saturating_sub(before);
        if events == 0 {
            continue;
        }
        total += events;
        gathered.push(CommitRow {
            committed_at: round.committed_at,
            event_date: Day(round.committed_at.0.div_euclid(DAY) as i32),
            log_partition: partition as i32,
            position: position as i64,
            events: events as i64,
            rows: rows as i64,
            took_ms,
            newest_event_at: round.newest_event_at,
        });
    }
    Ok(gathered.take()?.map(|batch| (batch.rows, total)))
}

/// Nothing is committed to a table that somebody has removed meanwhile.
async fn check_there(delta: &DeltaTable, name: &str) -> Result<(), LakeError> {
    let there = last_entry(delta).await.map_err(LakeError::unreachable("read", name))?;
    let removed = || LakeError::Removed { table: name.to_owned() };
    there.map(|_| ()).ok_or_else(removed)
}

/// What a commit says beside its rows.
#[derive(Clone, Copy, Debug)]
struct Said<'a> {
    /// Whose events they are, where the chain has a name.
    chain: Option<i64>,
    /// The positions that it stands for.
    positions: &'a [u64],
    /// Whether the table joins the others with it.
    join: bool,
}

/// What the log of a table is told with a commit, and the positions that the table has then.
fn transactions(own: &OwnPositions, said: Said<'_>) -> (Vec<Transaction>, OwnPositions) {
    // A table may be ahead of a round that others still have to catch up with.
    let ahead = own.offsets.iter().copied().chain(std::iter::repeat(0));
    let positions = said.positions.iter().zip(ahead);
    let offsets: Vec<u64> = positions.map(|(&new, own)| new.max(own)).collect();
    let joined = own.joined || said.join;
    let mut state = i64::from(joined);
    let mut transactions = Vec::new();
    for (partition, &offset) in offsets.iter().enumerate().filter(|(_, offset)| **offset > 0) {
        state |= bit(partition);
        transactions.push(Transaction::new(app_id(partition as u32), offset as i64));
    }
    transactions.push(Transaction::new(STATE, state));
    transactions.extend(said.chain.map(|chain| Transaction::new(CHAIN, chain)));
    (transactions, OwnPositions { offsets, joined })
}

/// Writes rows and commits them together with the positions that they stand for.
async fn commit_table(
    lake: &Lake,
    open: &mut OpenTable,
    rows: Option<RecordBatch>,
    said: Said<'_>,
) -> Result<(), LakeError> {
    let name = open.table.full_name();
    check_there(&open.delta, &name).await?;
    lake.faults.reach(FaultPoint::BeforeWrite)?;
    let mut actions = Vec::new();
    if let Some(rows) = rows {
        let failed = LakeError::unreachable("write", &name);
        let written = async {
            let mut writer = RecordBatchWriter::for_table(&open.delta)?
                .with_writer_properties(properties(open.table, Effort::Quick));
            writer.write(rows).await?;
            writer.flush().await
        };
        let adds = written.await.map_err(failed)?;
        make_durable(lake, open.table, adds.iter().map(|add| add.path.as_str()))?;
        actions.extend(adds.into_iter().map(Action::Add));
    }
    lake.faults.reach(FaultPoint::BeforeCommit)?;
    let (transactions, own) = transactions(&open.own, said);
    // Nobody else writes a table that follows the log. Whoever did so meanwhile may have committed
    // the same rows: then this round must be given up, not tried again.
    let properties =
        CommitProperties::default().with_max_retries(0).with_application_transactions(transactions);
    let partition_by = open.table.partition_columns().iter().map(|&name| name.to_owned());
    let operation = DeltaOperation::Write {
        mode: SaveMode::Append,
        partition_by: Some(partition_by.collect()),
        predicate: None,
    };
    let behind = behind_commit(&lake.faults, FaultPoint::BeforeCheckpoint);
    let mut tries = 0;
    let finalized = loop {
        let snapshot = open.delta.snapshot().map_err(LakeError::unreachable("read", &name))?;
        let committed = CommitBuilder::from(properties.clone())
            .with_actions(actions.clone())
            .with_post_commit_hook_handler(Some(Arc::clone(&behind)))
            .build(Some(snapshot), open.delta.log_store(), operation.clone())
            .await
            .map_err(|error| commit_error(&name, error));
        match committed {
            Err(LakeError::InUse { .. }) if tries < TRIES => tries += 1,
            other => break other?,
        }
        // A compaction by command is no rival; a second follower is.
        open.delta.update_state().await.map_err(LakeError::unreachable("read", &name))?;
        let partitions = said.positions.len() as u32;
        if own_positions(&open.delta, open.table, partitions).await? != open.own {
            return Err(LakeError::InUse { table: name });
        }
        // The rows are of the columns that the table had.
        if let Some(column) = lacking_columns(open.table, &open.delta)?.first() {
            let what = format!("its column {} is gone", column.name());
            return Err(LakeError::Foreign { table: name, what });
        }
    };
    let entry = format!("_delta_log/{:020}.json", finalized.version());
    open.delta.state = Some(finalized.snapshot());
    open.own = own;
    make_durable(lake, open.table, std::iter::once(entry.as_str()))?;
    lake.faults.reach(FaultPoint::AfterCommit)
}

/// A commit that failed because somebody else was quicker, or because the store refuses.
pub(crate) fn commit_error(table: &str, error: deltalake::DeltaTableError) -> LakeError {
    use deltalake::DeltaTableError as Delta;
    use deltalake::kernel::transaction::TransactionError as Failed;
    let rival = match &error {
        Delta::VersionAlreadyExists(_) => true,
        Delta::Transaction { source } => {
            matches!(source, Failed::MaxCommitAttempts(_) | Failed::CommitConflict(_))
        }
        _ => false,
    };
    if rival {
        return LakeError::InUse { table: table.to_owned() };
    }
    LakeError::unreachable("commit", table)(error)
}

/// How hard files are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Files that will soon be compacted.
    Quick,
    /// Files that stay.
    Thorough,
}

/// Columns whose texts tell much and compress little.
const IDS: [&str; 3] = ["event_id", "receipt_id", "customer_id"];

/// How the files of a table are written: times and counters as differences, ids plain, words by
/// dictionary, all of it compressed.
pub(crate) fn properties(table: &Table, effort: Effort) -> WriterProperties {
    let level = match effort {
        Effort::Quick => 3,
        Effort::Thorough => 6,
    };
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(level).unwrap_or_default()))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS));
    for column in table.columns {
        let path = ColumnPath::from(column.name);
        let dense = matches!(column.kind, Kind::Time)
            || matches!(column.name, "log_offset" | "revision" | "position");
        if dense {
            builder = builder
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED);
        } else if IDS.contains(&column.name) {
            // All are of one length: kept apart from them, the lengths take no room. Customers of
            // a shop that knows its own come again: a dictionary first, as far as it goes.
            builder = builder
                .set_column_dictionary_enabled(path.clone(), column.name == "customer_id")
                .set_column_encoding(path.clone(), Encoding::DELTA_LENGTH_BYTE_ARRAY);
        }
        if table.sorted_by.contains(&column.name) {
            builder = builder.set_column_statistics_enabled(path, EnabledStatistics::Page);
        }
    }
    builder.build()
}
