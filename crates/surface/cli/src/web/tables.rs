//! The tables of the lake for the server: how large they are, and how far behind the log.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use shelf_eventlog::LogReader;
use shelf_host::Folder;
use shelf_lake::{Filled, Lake, LakeError, Positions, Table};
use shelf_web::{LakeFacts, LakeTable};
use tokio::runtime::Runtime;

use crate::failure::Failure;
use crate::lake::runtime;

/// How long what was found out holds: a look at all tables reads many small files.
const HOLDS: Duration = Duration::from_secs(5);

/// Looks at the tables of a lake.
pub(super) struct Tables {
    runtime: Option<Runtime>,
    lake: Lake,
    folder: Folder,
    known: Mutex<Option<(Instant, Vec<LakeTable>)>>,
}

impl Tables {
    pub(super) fn new(folder: &Folder, lake: Lake) -> Result<Self, Failure> {
        let runtime = Some(runtime()?);
        Ok(Self { runtime, lake, folder: folder.clone(), known: Mutex::default() })
    }

    fn look(&self) -> Result<Vec<LakeTable>, Failure> {
        let mut ends = Vec::new();
        for mut tail in LogReader::open(self.folder.log())?.into_partitions() {
            ends.push(tail.end_offset()?);
        }
        let Some(runtime) = &self.runtime else { return Ok(Vec::new()) };
        runtime.block_on(async {
            let positions = self.lake.positions(ends.len() as u32).await?;
            let mut tables = Vec::new();
            for table in shelf_lake::tables() {
                tables.push(row(&self.lake, table, &positions, &ends).await?);
            }
            Ok(tables)
        })
    }
}

impl LakeFacts for Tables {
    fn tables(&self) -> Result<Vec<LakeTable>, (String, String)> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, tables)) = known.as_ref().filter(|(at, _)| at.elapsed() < HOLDS) {
            return Ok(tables.clone());
        }
        let tables = self.look().map_err(|failure| (failure.code, failure.message))?;
        *known = Some((Instant::now(), tables.clone()));
        Ok(tables)
    }
}

impl Drop for Tables {
    fn drop(&mut self) {
        // The last handler that looks may still do so.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn row(
    lake: &Lake,
    table: &'static Table,
    positions: &Positions,
    ends: &[u64],
) -> Result<LakeTable, LakeError> {
    let size = lake.size(table).await?;
    let made = size.version.is_some();
    let newest = if made { lake.history(table, 1).await?.pop() } else { None };
    let committed_at = newest.and_then(|commit| commit.committed_at_ms);
    let behind = || {
        let come = positions.of(table).iter().chain(std::iter::repeat(&0));
        ends.iter().zip(come).map(|(end, come)| end.saturating_sub(*come)).sum()
    };
    Ok(LakeTable {
        schema: table.schema.to_owned(),
        name: table.name.to_owned(),
        version: size.version.and_then(|version| i64::try_from(version).ok()),
        rows: made.then_some(size.rows),
        files: made.then_some(size.files),
        bytes: made.then_some(size.bytes),
        committed_at: committed_at
            .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())
            .map(|at| at.to_string()),
        behind_events: (table.filled == Filled::FromLog).then(behind),
    })
}
