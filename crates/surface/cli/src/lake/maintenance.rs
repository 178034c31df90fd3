//! What keeps the tables in shape while they are followed: on the lake's own threads, beside the
//! commits.

use std::time::{Duration, Instant};

use shelf_lake::{Compaction, Days, Lake, LakeError, LakeWriter, Positions, Removal};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::failure::Failure;
use crate::settings::LakeSettings;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// The schedule, and what is under way.
pub(super) struct Maintenance {
    lake: Lake,
    compaction: Every,
    build: Option<Every>,
    vacuum: Every,
    retention_hours: u32,
    running: Option<JoinHandle<Result<(), LakeError>>>,
}

/// Something that is due again and again.
struct Every {
    interval: Duration,
    last: Instant,
}

impl Every {
    fn new(interval: Duration) -> Self {
        Self { interval, last: Instant::now() }
    }

    fn due(&mut self) -> bool {
        let due = self.last.elapsed() >= self.interval;
        if due {
            self.last = Instant::now();
        }
        due
    }
}

impl Maintenance {
    pub(super) fn new(lake: Lake, settings: &LakeSettings) -> Self {
        let minutes = settings.build_minutes;
        Self {
            lake,
            compaction: Every::new(MINUTE * settings.compact_minutes),
            build: (minutes > 0).then(|| Every::new(MINUTE * minutes)),
            vacuum: Every::new(HOUR * settings.vacuum_hours),
            retention_hours: settings.retention_hours,
            running: None,
        }
    }

    /// Starts what is due, one thing at a time.
    pub(super) fn look(&mut self, runtime: &Runtime, writer: &LakeWriter) -> Result<(), Failure> {
        if let Some(running) = self.running.take_if(|running| running.is_finished()) {
            ended(runtime, running)?;
        }
        if self.running.is_some() {
            return Ok(());
        }
        let lake = self.lake.clone();
        if self.compaction.due() {
            self.running = Some(runtime.spawn(compact(lake)));
        } else if self.build.as_mut().is_some_and(Every::due) {
            let positions = writer.positions();
            self.running = Some(runtime.spawn(build(lake, positions)));
        } else if self.vacuum.due() {
            self.running = Some(runtime.spawn(vacuum(lake, self.retention_hours)));
        }
        Ok(())
    }

    /// Waits for what is under way, and compacts what catching up has left.
    pub(super) fn finish(&mut self, runtime: &Runtime) -> Result<(), Failure> {
        if let Some(running) = self.running.take() {
            ended(runtime, running)?;
        }
        Ok(runtime.block_on(compact(self.lake.clone()))?)
    }

    /// Leaves what is under way: nothing of it counts before its commit.
    pub(super) fn leave(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort();
        }
    }
}

/// What became of work that has ended. A store that refuses is asked again when it is due again.
fn ended(runtime: &Runtime, work: JoinHandle<Result<(), LakeError>>) -> Result<(), Failure> {
    match runtime.block_on(work) {
        Ok(Err(error)) if !error.passing() && !matches!(error, LakeError::InUse { .. }) => {
            Err(error.into())
        }
        _ => Ok(()),
    }
}

async fn compact(lake: Lake) -> Result<(), LakeError> {
    for table in shelf_lake::FOLLOWING {
        lake.compact(table, Compaction::WhenDue).await?;
    }
    Ok(())
}

async fn build(lake: Lake, positions: Positions) -> Result<(), LakeError> {
    lake.build(Days::Stale, &positions).await.map(|_| ())
}

async fn vacuum(lake: Lake, hours: u32) -> Result<(), LakeError> {
    for table in shelf_lake::tables() {
        lake.vacuum(table, hours, Removal::Remove).await?;
    }
    Ok(())
}
