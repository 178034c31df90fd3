//! What keeps the tables in shape while they are followed: on the lake's own threads, beside the
//! commits.

use std::time::{Duration, Instant};

use shelf_lake::{Compaction, Days, Lake, LakeError, LakeWriter, Positions, Removal};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use super::jobs::JobBoard;
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
    running: Option<Running>,
    board: JobBoard,
    /// What was said of the last failure.
    told: String,
}

/// A job that is under way.
struct Running {
    name: &'static str,
    begun: Instant,
    work: JoinHandle<Result<(), LakeError>>,
}

const COMPACTION: &str = "compaction";
const BUILD: &str = "star schema";
const VACUUM: &str = "vacuum";

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
    pub(super) fn new(lake: Lake, settings: &LakeSettings, board: JobBoard) -> Self {
        let minutes = settings.build_minutes;
        board.schedule(COMPACTION, settings.compact_minutes);
        board.schedule(BUILD, minutes);
        board.schedule(VACUUM, settings.vacuum_hours * 60);
        Self {
            lake,
            board,
            compaction: Every::new(MINUTE * settings.compact_minutes),
            build: (minutes > 0).then(|| Every::new(MINUTE * minutes)),
            vacuum: Every::new(HOUR * settings.vacuum_hours),
            retention_hours: settings.retention_hours,
            running: None,
            told: String::new(),
        }
    }

    /// Starts what is due, one thing at a time. Returns what went wrong with what has ended, once
    /// for as long as it stays the same: what is due again is tried again, and following goes on.
    pub(super) fn look(&mut self, runtime: &Runtime, writer: &LakeWriter) -> Option<Failure> {
        let mut trouble = None;
        if let Some(running) = self.running.take_if(|running| running.work.is_finished()) {
            let failure = self.ended(runtime, running).err();
            let said = failure.as_ref().map(|failure| failure.message.clone()).unwrap_or_default();
            trouble = failure.filter(|_| said != self.told);
            self.told = said;
        }
        if self.running.is_some() {
            return trouble;
        }
        let lake = self.lake.clone();
        let due = if self.compaction.due() {
            let work = async move { lake.compact_all(Compaction::WhenDue).await };
            Some((COMPACTION, runtime.spawn(work)))
        } else if self.build.as_mut().is_some_and(Every::due) {
            Some((BUILD, runtime.spawn(build(lake, writer.positions()))))
        } else if self.vacuum.due() {
            Some((VACUUM, runtime.spawn(vacuum(lake, self.retention_hours))))
        } else {
            None
        };
        if let Some((name, work)) = due {
            self.board.begun(name);
            self.running = Some(Running { name, begun: Instant::now(), work });
        }
        trouble
    }

    /// Waits for what is under way, and compacts what catching up has left.
    pub(super) fn finish(&mut self, runtime: &Runtime) -> Result<(), Failure> {
        if let Some(running) = self.running.take() {
            self.ended(runtime, running)?;
        }
        Ok(runtime.block_on(self.lake.compact_all(Compaction::WhenDue))?)
    }

    /// What became of work that has ended. A store that refuses is asked again when it is due
    /// again.
    fn ended(&self, runtime: &Runtime, running: Running) -> Result<(), Failure> {
        let Running { name, begun, work } = running;
        let done = runtime.block_on(work);
        let failure = done.as_ref().ok().and_then(|done| done.as_ref().err());
        self.board.ended(name, begun, failure.map(ToString::to_string));
        match done {
            Ok(Err(error)) if !error.passing() && !matches!(error, LakeError::InUse { .. }) => {
                Err(error.into())
            }
            _ => Ok(()),
        }
    }

    /// Leaves what is under way: nothing of it counts before its commit.
    pub(super) fn leave(&mut self) {
        if let Some(running) = self.running.take() {
            running.work.abort();
        }
    }
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
