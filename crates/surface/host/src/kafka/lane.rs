//! One partition in a thread of its own, from its claim to its end.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use shelf_engine::{EngineError, Options, Partition};
use shelf_kafka::{Claim, Connection, InputLog, KafkaError, KafkaLog, Place};

use super::figures::{KafkaFigures, LaneState};
use super::records::Records;
use crate::HostError;

/// The first byte of what a lane saves beside a state.
const COMPANION_FORMAT: u8 = 1;
/// How often a lane asks how far it is behind.
const LAG_EVERY: Duration = Duration::from_secs(5);
/// How long a lane pauses at first when something failed, and at most. A worker that was frozen
/// hears from the group within the first.
const PAUSE_FIRST: Duration = Duration::from_millis(500);
const PAUSE_MOST: Duration = Duration::from_secs(5);
/// How long a lane that was fenced pauses: by then its worker has heard from the group whether the
/// partition is still its own. Claiming it at once would take it away from whoever has it.
const PAUSE_FENCED: Duration = Duration::from_secs(3);

/// How the lanes of a worker run.
#[derive(Clone, Debug)]
pub(crate) struct LaneSettings {
    pub(crate) connection: Connection,
    pub(crate) snapshots: PathBuf,
    pub(crate) engine: Options,
    pub(crate) commit_every: Duration,
    pub(crate) records: bool,
}

/// One partition of a worker.
pub(crate) struct Lane {
    pub(crate) number: u32,
    pub(crate) settings: Arc<LaneSettings>,
    pub(crate) figures: Arc<KafkaFigures>,
    pub(crate) stop: Arc<AtomicBool>,
}

/// A partition that was claimed and has caught up.
struct Served {
    partition: Partition<KafkaLog>,
    records: Records,
    committed_at: Instant,
    lag_at: Instant,
}

impl Lane {
    /// Runs until it is stopped. What fails is noted and tried again.
    pub(crate) fn run(&self) {
        let mut pause = PAUSE_FIRST;
        while !self.stopping() {
            let began = Instant::now();
            let Err(error) = self.serve() else { break };
            self.figures.add_failure();
            self.figures.lane(self.number, |lane| {
                lane.state = LaneState::Waiting;
                lane.error = Some((error.code(), sentences(&error)));
            });
            if began.elapsed() > PAUSE_MOST {
                pause = PAUSE_FIRST;
            }
            self.pause(match error.kafka() {
                Some(KafkaError::Fenced { .. }) => PAUSE_FENCED,
                Some(kafka) if !kafka.passes() => PAUSE_MOST,
                _ => pause,
            });
            pause = (pause * 2).min(PAUSE_MOST);
        }
        self.figures.forget(self.number);
    }

    fn stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    fn pause(&self, length: Duration) {
        let began = Instant::now();
        while began.elapsed() < length && !self.stopping() {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Claims the partition and serves it until the lane is stopped.
    fn serve(&self) -> Result<(), HostError> {
        let mut served = self.open()?;
        while !self.stopping() {
            let since = served.committed_at.elapsed();
            let wait = self.settings.commit_every.saturating_sub(since);
            self.step(&mut served, wait)?;
            if served.committed_at.elapsed() >= self.settings.commit_every {
                self.commit(&mut served)?;
            }
            if served.partition.snapshot_due() {
                self.save(&mut served)?;
            }
            if served.lag_at.elapsed() >= LAG_EVERY {
                served.lag_at = Instant::now();
                let lag = input(&mut served.partition)?.lag();
                self.figures.lane(self.number, |lane| lane.lag = lag);
            }
        }
        self.commit(&mut served)?;
        if served.partition.position() > served.partition.saved() {
            self.save(&mut served)?;
        }
        Ok(())
    }

    fn open(&self) -> Result<Served, HostError> {
        let LaneSettings { connection, snapshots, engine, records, .. } = &*self.settings;
        self.figures.lane(self.number, |lane| lane.state = LaneState::Opening);
        let claim = Claim::take(connection, self.number)?;
        let committed = claim.committed;
        let engine = Options { epoch: committed.epoch, ..*engine };
        let opened = Partition::open(self.number, claim.input, claim.output, snapshots, engine)?;
        let mut partition = opened.partition;
        let place = match opened.companion {
            None => Place::default(),
            Some(bytes) => Place {
                position: partition.position(),
                offset: offset_of(&bytes).ok_or(HostError::Town { partition: self.number })?,
            },
        };
        input(&mut partition)?.begin_at(place)?;
        let replayed = partition.replay(|_| {})?;
        self.figures.add_replayed(replayed);
        let records =
            if *records { Records::published(partition.stores()) } else { Records::default() };
        self.figures.lane(self.number, |lane| {
            lane.state = LaneState::Running;
            lane.position = partition.position();
            lane.epoch = committed.epoch;
            lane.error = None;
        });
        let now = Instant::now();
        Ok(Served { partition, records, committed_at: now, lag_at: now })
    }

    /// Steps what has come, or comes in so long.
    fn step(&self, served: &mut Served, wait: Duration) -> Result<(), HostError> {
        let Served { partition, records, .. } = served;
        if input(partition)?.fetch(wait)? == 0 {
            return Ok(());
        }
        let mut effects = 0;
        let events = partition.follow(|stepped| {
            let kept = stepped.effects.items.iter().filter(|effect| effect.kept());
            effects += kept.count() as u64;
            if self.settings.records {
                records.touch(&stepped);
            }
        })?;
        self.figures.add_events(events, effects);
        Ok(())
    }

    /// Commits what was stepped: its effects, the records that it changed, and its position.
    fn commit(&self, served: &mut Served) -> Result<(), HostError> {
        let Served { partition, records, committed_at, .. } = served;
        let changes = records.changes(partition.stores());
        let output = partition.output().output().ok_or(HostError::Worker)?;
        for change in &changes {
            output.publish(change.topic, &change.key, change.payload.as_deref())?;
        }
        if !output.settled() {
            partition.commit()?;
            self.figures.add_commit(changes.len() as u64);
            let position = partition.position();
            self.figures.lane(self.number, |lane| lane.position = position);
        }
        *committed_at = Instant::now();
        Ok(())
    }

    /// Saves the state. It is that of a committed position, so that no snapshot is ever ahead of
    /// what was written.
    fn save(&self, served: &mut Served) -> Result<(), HostError> {
        self.commit(served)?;
        let place = input(&mut served.partition)?.place();
        let mut companion = vec![COMPANION_FORMAT];
        companion.extend_from_slice(&place.offset.to_le_bytes());
        served.partition.snapshot(&companion)?;
        self.figures.add_snapshot();
        Ok(())
    }
}

/// Kafka's offset that a snapshot stands for.
fn offset_of(companion: &[u8]) -> Option<i64> {
    let (&format, offset) = companion.split_first()?;
    let offset = i64::from_le_bytes(offset.try_into().ok()?);
    (format == COMPANION_FORMAT).then_some(offset)
}

fn input(partition: &mut Partition<KafkaLog>) -> Result<&mut InputLog, HostError> {
    partition.input().input().ok_or(HostError::Worker)
}

/// An error and its causes, in one line.
pub(crate) fn sentences(error: &HostError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

impl HostError {
    /// The error of Kafka that this one is about, where it is.
    pub fn kafka(&self) -> Option<&KafkaError> {
        match self {
            Self::Kafka(error) => Some(error),
            Self::Engine(EngineError::Log(error)) => KafkaError::in_cause(error),
            _ => None,
        }
    }
}
