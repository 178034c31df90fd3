//! Following the log into the lake, at its own pace: whoever writes the log never waits for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use shelf_domain::{SourceId, Timestamp};
use shelf_host::{ChainId, ChainReader, Folder, Sources, Stage, StageTimes, step_behind_people};
use shelf_lake::{Lake, LakeWriter, Recorder, Round, Step};
use tokio::runtime::Runtime;

use super::jobs::JobBoard;
use super::maintenance::Maintenance;
use super::runtime;
use crate::acts::wall_now;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::stop::Stop;

/// How often the log is looked at where nothing comes.
const PAUSE: Duration = Duration::from_millis(50);

/// How long following goes on after it was asked to stop, where it is behind. What is left then
/// waits for the next start.
const LAST_ROUND: Duration = Duration::from_secs(3);

/// When following ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// When somebody asks for it.
    Stopped,
    /// When everything that is in the log is in the lake.
    CaughtUp,
}

/// What following came to.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Followed {
    /// Events that are in the lake now and were not.
    pub(crate) events: u64,
    /// Rows written.
    pub(crate) rows: u64,
    /// Rounds of commits.
    pub(crate) rounds: u64,
    pub(crate) wall_s: f64,
}

/// A lake that follows a log.
pub(crate) struct Follower {
    runtime: Runtime,
    writer: LakeWriter,
    reader: ChainReader,
    recorder: Recorder,
    folder: Folder,
    interval: Duration,
    bytes: usize,
    committed: Instant,
    newest: Option<Timestamp>,
    followed: Followed,
    maintenance: Maintenance,
    stages: Arc<StageTimes>,
}

impl Follower {
    /// Opens the lake of a data folder, and reads the log from where the lake stands.
    pub(crate) fn open(
        folder: &Folder,
        lake: Lake,
        settings: &Settings,
        board: &JobBoard,
    ) -> Result<Self, Failure> {
        let meta = folder.meta()?;
        let ends = folder.log_ends()?;
        let runtime = runtime()?;
        let maintenance = Maintenance::new(lake.clone(), &settings.lake, board.clone());
        let chain = meta.chain.as_ref().map(ChainId::as_str);
        let writer = LakeWriter::open(lake, ends.len() as u32, chain);
        let writer = runtime.block_on(writer)?;
        let positions = writer.positions();
        let highest = positions.highest(writer.partitions());
        if highest.iter().zip(&ends).any(|(position, end)| position > end) {
            return Err(Failure::new(
                "lake_ahead",
                "the lake holds events that the log does not have",
                "the log is an older copy: name another lake with lake.url",
            ));
        }
        let lowest = positions.lowest(writer.partitions());
        let reader = ChainReader::open_before(folder, &lowest)?;
        let mut recorder = Recorder::new(&positions);
        for stores in reader.partitions() {
            recorder.begin_at(stores);
        }
        name_sources(&mut recorder, folder)?;
        Ok(Self {
            runtime,
            writer,
            reader,
            recorder,
            folder: folder.clone(),
            interval: settings.lake.commit_interval(),
            bytes: settings.lake.commit_bytes(),
            committed: Instant::now(),
            newest: None,
            followed: Followed::default(),
            maintenance,
            stages: Arc::clone(board.stages()),
        })
    }

    /// Follows, and commits when a round is due. `tell` hears what went wrong beside the commits.
    pub(crate) fn follow(
        &mut self,
        until: Until,
        stop: &Stop,
        mut tell: impl FnMut(Failure),
    ) -> Result<Followed, Failure> {
        step_behind_people();
        let begun = Instant::now();
        let mut asked_at = None;
        loop {
            if stop.asked() && asked_at.is_none() {
                asked_at = Some(Instant::now());
            }
            let stepped = self.read_on()?;
            let full = self.recorder.bytes() >= self.bytes;
            let caught_up = stepped == 0 && (until == Until::CaughtUp || asked_at.is_some());
            let late = asked_at.is_some_and(|asked| asked.elapsed() >= LAST_ROUND);
            let last = caught_up || late;
            if full || last || self.committed.elapsed() >= self.interval {
                self.commit()?;
            }
            if last {
                if until == Until::CaughtUp && asked_at.is_none() {
                    self.maintenance.finish(&self.runtime)?;
                } else {
                    self.maintenance.leave();
                }
                self.followed.wall_s = begun.elapsed().as_secs_f64();
                return Ok(self.followed);
            }
            self.maintenance.look(&self.runtime, &self.writer).map(&mut tell);
            if stepped == 0 {
                std::thread::sleep(PAUSE);
            }
        }
    }

    /// Steps some of what has come onto the disk. Returns how many events that were.
    fn read_on(&mut self) -> Result<u64, Failure> {
        let (recorder, folder) = (&mut self.recorder, &self.folder);
        let newest = &mut self.newest;
        let mut unnamed = Ok(());
        let stepped = self.reader.follow(|partition, stepped| {
            let event = stepped.event;
            if !recorder.knows_source(event.origin.source) {
                unnamed = name_sources(recorder, folder);
                name_unknown(recorder, event.origin.source);
            }
            *newest = (*newest).max(Some(event.at));
            recorder.record(&Step {
                partition,
                offset: stepped.offset,
                event,
                outcome: stepped.outcome,
                effects: stepped.effects,
                store: stepped.stores.get(event.store),
            });
        })?;
        unnamed?;
        Ok(stepped)
    }

    /// Commits what has been gathered.
    pub(crate) fn commit(&mut self) -> Result<(), Failure> {
        let batches = self.recorder.take().map_err(shelf_lake::LakeError::from)?;
        let positions = self.reader.positions().into_iter().map(|(_, position)| position);
        let round = Round {
            positions: positions.collect(),
            newest_event_at: self.newest.take(),
            committed_at: wall_now(),
        };
        let begun = Instant::now();
        let done = self.runtime.block_on(self.writer.commit(batches, &round));
        let done = done.inspect_err(|_| self.stages.failed(Stage::Lake))?;
        if done.events > 0 {
            self.stages.took(Stage::Lake, begun.elapsed());
        }
        self.committed = Instant::now();
        self.followed.events += done.events;
        self.followed.rows += done.rows;
        self.followed.rounds += u64::from(done.events > 0);
        Ok(())
    }
}

fn name_sources(recorder: &mut Recorder, folder: &Folder) -> Result<(), Failure> {
    for (number, source) in Sources::open(folder)?.iter() {
        recorder.name_source(number, &source.source.name);
    }
    Ok(())
}

/// A source that nobody has named is called by its number.
fn name_unknown(recorder: &mut Recorder, source: SourceId) {
    if !recorder.knows_source(source) {
        recorder.name_source(source, &source.0.to_string());
    }
}
