//! The tables of the lake for the server: how large they are, and how far behind the log.

use std::sync::Arc;

use shelf_host::Folder;
use shelf_lake::{Filled, Lake, LakeError, Positions, Table};
use shelf_web::{LakeFacts, LakeJob, LakeTable};
use tokio::runtime::Runtime;

use super::held::Held;
use crate::failure::Failure;
use crate::lake::{JobBoard, runtime_for_people};

/// Looks at the tables of a lake.
pub(super) struct Tables {
    looks: Arc<Looks>,
    known: Held<Vec<LakeTable>>,
    jobs: JobBoard,
}

/// What it takes to look: many small files are read.
struct Looks {
    runtime: Option<Runtime>,
    lake: Lake,
    folder: Folder,
}

impl Tables {
    pub(super) fn new(folder: &Folder, lake: Lake, jobs: &JobBoard) -> Result<Self, Failure> {
        let looks = Looks { runtime: Some(runtime_for_people()?), lake, folder: folder.clone() };
        Ok(Self { looks: Arc::new(looks), known: Held::default(), jobs: jobs.clone() })
    }
}

impl Looks {
    fn look(&self) -> Result<Vec<LakeTable>, Failure> {
        let ends = self.folder.log_ends()?;
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
        let looks = Arc::clone(&self.looks);
        let looked = self.known.get(move || looks.look());
        looked.map_err(|failure| (failure.code, failure.message))
    }

    fn jobs(&self) -> Vec<LakeJob> {
        self.jobs.jobs()
    }
}

impl Drop for Looks {
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
