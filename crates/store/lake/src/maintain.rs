//! Keeping tables small in number of files: compaction in the order of the table, checkpoints of
//! its log, removal of files that nothing needs.

use std::collections::BTreeMap;

use deltalake::DeltaTable;
use deltalake::checkpoints::create_checkpoint;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake::kernel::{Action, LogicalFileView};
use deltalake::operations::vacuum::VacuumMode;
use deltalake::protocol::DeltaOperation;
use deltalake::writer::{DeltaWriter as _, RecordBatchWriter};
use futures::StreamExt as _;
use serde::Serialize;

use crate::LakeError;
use crate::durable::make_durable;
use crate::faults::{FaultPoint, behind_commit};
use crate::lake::Lake;
use crate::session::{conform, sorting_context};
use crate::table::{MONTH_COLUMN, Table};
use crate::writer::{Effort, commit_error, properties};

/// Files of a month are compacted together once there are so many of about one size.
const TIER_FILES: usize = 32;
/// A file of this size is not compacted any more.
const FULL_BYTES: i64 = 256 << 20;
/// A table with more live files than this has every month compacted to one file.
const MOST_FILES: usize = 120;
/// How eagerly tables are compacted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compaction {
    /// Where enough small files have come together: what the schedule does.
    WhenDue,
    /// Wherever a month has more than one file: what a person asks for.
    Whole,
}

/// What compacting a table came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Compacted {
    /// Files that were replaced.
    pub files_before: u64,
    /// Files that took their place.
    pub files_after: u64,
    /// Rows that were put in order.
    pub rows: u64,
}

/// What removing files came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Vacuumed {
    /// The files, relative to the table.
    pub files: Vec<String>,
}

impl Lake {
    /// Compacts every table: those that are built are replaced day by day, and each leaves a file.
    pub async fn compact_all(&self, compaction: Compaction) -> Result<(), LakeError> {
        for table in crate::tables::all() {
            self.compact(table, compaction).await?;
        }
        Ok(())
    }

    /// Compacts a table.
    pub async fn compact(
        &self,
        table: &Table,
        compaction: Compaction,
    ) -> Result<Compacted, LakeError> {
        let name = table.full_name();
        let mut done = Compacted::default();
        let Some(mut delta) = self.open(table).await? else { return Ok(done) };
        for files in due(&delta, &name, compaction)? {
            let state = self.rewrite(table, &delta, files, &mut done).await?;
            delta.state = Some(state);
        }
        Ok(done)
    }

    async fn rewrite(
        &self,
        table: &Table,
        delta: &DeltaTable,
        files: Vec<LogicalFileView>,
        done: &mut Compacted,
    ) -> Result<deltalake::table::state::DeltaTableState, LakeError> {
        let name = table.full_name();
        let query = |source| LakeError::Query { table: name.clone(), source: Box::new(source) };
        let paths: Vec<String> = files.iter().map(|file| file.path().into_owned()).collect();
        let context = sorting_context().map_err(query)?;
        let provider = delta.table_provider().with_file_paths(paths).await;
        let provider = provider.map_err(LakeError::unreachable("read", &name))?;
        context.register_table("files", provider).map_err(query)?;
        let files_rows = context.table("files").await.map_err(query)?;
        let sorted = conform(table, files_rows).map_err(query)?;
        let mut rows = sorted.execute_stream().await.map_err(query)?;
        let failed = || LakeError::unreachable("write", &name);
        let mut writer = RecordBatchWriter::for_table(delta)
            .map_err(failed())?
            .with_writer_properties(properties(table, Effort::Thorough));
        while let Some(batch) = rows.next().await {
            let batch = batch.map_err(query)?;
            done.rows += batch.num_rows() as u64;
            writer.write(batch).await.map_err(failed())?;
        }
        let mut adds = writer.flush().await.map_err(failed())?;
        make_durable(self, table, adds.iter().map(|add| add.path.as_str()))?;
        self.faults.reach(FaultPoint::InOptimize)?;
        done.files_before += files.len() as u64;
        done.files_after += adds.len() as u64;
        // The rows are the same, in other files: who follows the table need not read them again.
        for add in &mut adds {
            add.data_change = false;
        }
        let removes = files.iter().map(|file| Action::Remove(file.remove_action(false)));
        let actions = removes.chain(adds.into_iter().map(Action::Add)).collect();
        let operation = DeltaOperation::Optimize { predicate: None, target_size: FULL_BYTES };
        let snapshot = delta.snapshot().map_err(LakeError::unreachable("read", &name))?;
        let finalized = CommitBuilder::from(CommitProperties::default())
            .with_actions(actions)
            .build(Some(snapshot), delta.log_store(), operation)
            .await
            .map_err(|error| commit_error(&name, error))?;
        let entry = format!("_delta_log/{:020}.json", finalized.version());
        make_durable(self, table, std::iter::once(entry.as_str()))?;
        Ok(finalized.snapshot())
    }

    /// Makes a checkpoint of a table's log.
    pub async fn checkpoint(&self, table: &Table) -> Result<(), LakeError> {
        let Some(delta) = self.open(table).await? else { return Ok(()) };
        let made = create_checkpoint(&delta, None).await;
        made.map_err(LakeError::unreachable("checkpoint", &table.full_name()))
    }

    /// Removes files that no version of the last `hours` needs, or says which it would.
    pub async fn vacuum(
        &self,
        table: &Table,
        hours: u32,
        removal: Removal,
    ) -> Result<Vacuumed, LakeError> {
        let Some(delta) = self.open(table).await? else { return Ok(Vacuumed::default()) };
        let vacuumed = delta
            .vacuum()
            .with_retention_period(chrono::Duration::hours(hours.into()))
            .with_enforce_retention_duration(false)
            .with_mode(VacuumMode::Full)
            .with_custom_execute_handler(behind_commit(&self.faults, FaultPoint::InVacuum))
            .with_dry_run(removal == Removal::OnlySay)
            .await;
        let (_, metrics) =
            vacuumed.map_err(LakeError::unreachable("vacuum", &table.full_name()))?;
        Ok(Vacuumed { files: metrics.files_deleted })
    }
}

/// Whether files are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// They are.
    Remove,
    /// They stay.
    OnlySay,
}

/// The groups of files that are each to become one file.
fn due(
    delta: &DeltaTable,
    name: &str,
    compaction: Compaction,
) -> Result<Vec<Vec<LogicalFileView>>, LakeError> {
    let snapshot = delta.snapshot().map_err(LakeError::unreachable("read", name))?;
    let mut months: BTreeMap<Option<String>, Vec<LogicalFileView>> = BTreeMap::new();
    for file in snapshot.log_data().iter() {
        let month = file.partition_values_map().remove(MONTH_COLUMN).flatten();
        months.entry(month).or_default().push(file);
    }
    let files: usize = months.values().map(Vec::len).sum();
    let whole = compaction == Compaction::Whole || files > MOST_FILES;
    let groups = months.into_values().filter_map(|mut files| {
        files.retain(|file| file.size() < FULL_BYTES);
        files.sort_by_key(LogicalFileView::size);
        let sizes: Vec<i64> = files.iter().map(LogicalFileView::size).collect();
        let taken = if whole { sizes.len() } else { tier(&sizes) };
        files.truncate(taken);
        (taken > 1).then_some(files)
    });
    Ok(groups.collect())
}

/// How many of the smallest files are compacted together, given the sizes of all in order: none
/// before there are enough, then all up to the first that is larger than those before it together.
fn tier(sizes: &[i64]) -> usize {
    let mut sum = 0_i64;
    let mut taken = 0;
    for &size in sizes {
        if taken >= TIER_FILES && size > sum {
            break;
        }
        sum = sum.saturating_add(size);
        taken += 1;
    }
    if taken > TIER_FILES { taken } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_files_are_compacted_and_a_large_one_is_left_until_they_are_worth_it() {
        assert_eq!(tier(&[10; 5]), 0);
        assert_eq!(tier(&[10; 33]), 33);
        let with_large = |large: i64| {
            let mut sizes = vec![10; 33];
            sizes.push(large);
            tier(&sizes)
        };
        assert_eq!(with_large(300), 34);
        assert_eq!(with_large(1_000_000), 33);
    }

    /// A year of commits: files stay few, and bytes are not written over and over.
    #[test]
    fn a_month_of_commits_stays_in_few_files() {
        let (mut files, mut written, mut most): (Vec<i64>, i64, usize) = (Vec::new(), 0, 0);
        for _ in 0..50_000 {
            files.push(1_000);
            files.sort_unstable();
            let taken = tier(&files);
            if taken > 1 {
                let merged = files.drain(..taken).sum();
                files.push(merged);
                files.sort_unstable();
                written += merged;
            }
            most = most.max(files.len());
        }
        assert!(most < 80, "{most} files");
        assert!(written < 50_000 * 1_000 * 6, "{written} bytes");
    }
}
