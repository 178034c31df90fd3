//! Following the log into the mirror, at its own pace: whoever writes the log never waits for it.

use std::time::{Duration, Instant};

use shelf_domain::Stores;
use shelf_host::{ChainId, ChainReader, Folder, Following, HostError};
use shelf_mirrors::{MirrorWriter, Postgres, Recorder, Step};
use tokio::runtime::Runtime;

use crate::LinkError;
use crate::status::LinkStatus;

/// How often the log is looked at where nothing comes.
const PAUSE: Duration = Duration::from_millis(50);

/// How the mirror is written.
#[derive(Clone, Debug)]
pub struct MirrorOptions {
    /// Where.
    pub postgres: Postgres,
    /// How often what has come is committed.
    pub commit_every: Duration,
    /// The most rows that wait for a commit.
    pub commit_rows: u64,
}

impl MirrorOptions {
    /// The usual pace: twice a second, or 200,000 rows.
    pub fn new(postgres: Postgres) -> Self {
        Self { postgres, commit_every: Duration::from_millis(500), commit_rows: 200_000 }
    }
}

/// When following ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// When somebody asks for it.
    Stopped,
    /// When everything that is in the log is in the mirror.
    CaughtUp,
}

/// What following came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Followed {
    /// Events that are in the mirror and were not.
    pub events: u64,
    /// Rows handed over.
    pub rows: u64,
    /// Transactions.
    pub rounds: u64,
}

/// A mirror that follows a log.
pub struct MirrorFollower {
    runtime: Runtime,
    writer: MirrorWriter,
    reader: Box<dyn Following>,
    recorder: Recorder,
    options: MirrorOptions,
    committed: Instant,
    followed: Followed,
}

impl std::fmt::Debug for MirrorFollower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MirrorFollower").field("writer", &self.writer).finish_non_exhaustive()
    }
}

impl MirrorFollower {
    /// Opens the mirror of a data folder, and reads the log from where the mirror stands; from the
    /// newest snapshot where the log does not reach back so far.
    pub fn open(folder: &Folder, options: MirrorOptions) -> Result<Self, LinkError> {
        let meta = folder.meta()?;
        let ends = folder.log_ends()?;
        let chain = meta.chain.as_ref().map(ChainId::as_str);
        Self::begin(options, &ends, chain, |positions| {
            Ok(Box::new(ChainReader::open_before_or_newest(folder, positions)?))
        })
    }

    /// Opens the mirror of a chain on Kafka, and reads what its workers have committed from where
    /// the mirror stands.
    #[cfg(feature = "kafka")]
    pub fn open_on_kafka(
        chain: &shelf_host::KafkaChain,
        options: MirrorOptions,
    ) -> Result<Self, LinkError> {
        let progress = chain.progress()?;
        let (ends, name) = (chain.ends(&progress)?, progress.chain()?);
        Self::begin(options, &ends, Some(&name), |positions| {
            Ok(Box::new(chain.open_before(positions)?))
        })
    }

    /// Opens the mirror of a chain whose partitions end there. `open` gives what reads its log from
    /// before positions on.
    fn begin(
        options: MirrorOptions,
        ends: &[u64],
        chain: Option<&str>,
        open: impl FnOnce(&[u64]) -> Result<Box<dyn Following>, HostError>,
    ) -> Result<Self, LinkError> {
        let runtime = runtime()?;
        let writer = MirrorWriter::open(&options.postgres, ends, chain);
        let writer = runtime.block_on(writer)?;
        let reader = open(writer.positions())?;
        let mut recorder = Recorder::new(writer.positions());
        for stores in reader.partitions() {
            recorder.begin_at(stores);
        }
        let behind = reader.positions().into_iter().zip(writer.positions());
        let behind: Vec<bool> = behind.map(|(reader, &own)| reader > own).collect();
        for (stores, _) in reader.partitions().into_iter().zip(behind).filter(|(_, behind)| *behind)
        {
            recorder.note_all(stores);
        }
        let committed = Instant::now();
        let followed = Followed::default();
        Ok(Self { runtime, writer, reader, recorder, options, committed, followed })
    }

    /// Follows, and commits when a round is due.
    pub fn follow(
        &mut self,
        until: Until,
        stopped: impl Fn() -> bool,
        status: &LinkStatus,
    ) -> Result<Followed, LinkError> {
        status.follows();
        let position: u64 = self.writer.positions().iter().sum();
        status.change(|view| view.position = Some(position));
        loop {
            let asked = stopped();
            let stepped = self.read_on()?;
            let last = asked || (stepped == 0 && until == Until::CaughtUp);
            let full = self.recorder.rows() >= self.options.commit_rows;
            if full || last || self.committed.elapsed() >= self.options.commit_every {
                self.commit(status)?;
            }
            if last {
                return Ok(self.followed);
            }
            if stepped == 0 {
                std::thread::sleep(PAUSE);
            }
        }
    }

    /// Steps some of what has come onto the disk. Returns how many events that were.
    fn read_on(&mut self) -> Result<u64, LinkError> {
        let recorder = &mut self.recorder;
        Ok(self.reader.follow(&mut |partition, stepped| {
            recorder.record(&Step {
                partition,
                offset: stepped.offset,
                event: stepped.event,
                outcome: stepped.outcome,
                effects: stepped.effects,
                store: stepped.stores.get(stepped.event.store),
            });
        })?)
    }

    /// Commits what has been gathered.
    fn commit(&mut self, status: &LinkStatus) -> Result<(), LinkError> {
        let stores = self.reader.partitions().into_iter().flat_map(Stores::iter);
        let gathered = self.recorder.take(stores);
        let (reached, behind) = (self.reader.positions(), self.reader.behind());
        let done = self.runtime.block_on(self.writer.commit(&gathered, &reached))?;
        self.committed = Instant::now();
        self.followed.events += done.events;
        self.followed.rows += done.rows;
        self.followed.rounds += u64::from(done.events > 0);
        status.change(|view| {
            view.events += done.events;
            view.rows += done.rows;
            view.position = Some(reached.iter().sum());
            view.lag = behind;
        });
        Ok(())
    }
}

/// What a link's own work runs on: its own thread, never the engine's.
pub(crate) fn runtime() -> Result<Runtime, LinkError> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    built.map_err(LinkError::Thread)
}
