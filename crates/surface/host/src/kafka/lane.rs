//! One partition in a thread of its own, from its claim to its end.

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use shelf_engine::{EngineError, Opened, Options, Partition, Snapshot, SnapshotStore};
use shelf_kafka::{Claim, Connection, Delivery, InputLog, KafkaError, KafkaLog, Place};

use super::cadence::Cadence;
use super::depot::Depot;
use super::figures::{KafkaFigures, LaneFigures, LaneState};
use super::lanes::Turn;
use super::records::Records;
use crate::HostError;

/// The first byte of what a lane saves beside a state.
const COMPANION_FORMAT: u8 = 1;
/// How often a lane asks how far it is behind.
const LAG_EVERY: Duration = Duration::from_secs(5);
/// How often a position is committed once more that no transaction keeps. Brokers forget it after a
/// week, although its lane runs: its group has no members.
const RENEW_EVERY: Duration = Duration::from_hours(24);
/// How long a lane pauses at first when something failed, and at most. A worker that was frozen
/// hears from the group within the first.
const PAUSE_FIRST: Duration = Duration::from_millis(500);
const PAUSE_MOST: Duration = Duration::from_secs(5);
/// How long a lane that was fenced pauses: by then its worker has heard from the group whether the
/// partition is still its own. Claiming it at once would take it away from whoever has it.
const PAUSE_FENCED: Duration = Duration::from_secs(3);
/// How long a lane that ends waits until its last snapshot is kept elsewhere.
const KEPT_WITHIN: Duration = Duration::from_secs(5);

/// How the lanes of a worker run.
#[derive(Clone, Debug)]
pub(crate) struct LaneSettings {
    pub(crate) connection: Connection,
    pub(crate) snapshots: PathBuf,
    pub(crate) depot: Option<Depot>,
    pub(crate) engine: Options,
    pub(crate) commit_every: Duration,
    pub(crate) records: bool,
    pub(crate) delivery: Delivery,
}

/// One partition of a worker.
pub(crate) struct Lane {
    pub(crate) number: u32,
    pub(crate) settings: Arc<LaneSettings>,
    pub(crate) figures: Arc<KafkaFigures>,
    pub(crate) turn: Arc<Turn>,
    /// The state that the partition was followed to, for the first opening.
    pub(crate) followed: Cell<Option<Snapshot>>,
}

/// A partition that was claimed and has caught up.
struct Served {
    partition: Partition<KafkaLog>,
    records: Records,
    cadence: Cadence,
    lag_at: Instant,
    renewed_at: Instant,
    /// Keeps a snapshot elsewhere while the partition goes on.
    keeper: Option<JoinHandle<()>>,
}

impl Lane {
    /// Runs until its turn is over. What fails is noted and tried again.
    pub(crate) fn run(&self) {
        let mut pause = PAUSE_FIRST;
        while !self.stopping() {
            let began = Instant::now();
            let served = self.serve();
            self.turn.end_work();
            let Err(error) = served else { break };
            self.figures.add_failure();
            if matches!(error.kafka(), Some(KafkaError::Fenced { .. })) {
                self.figures.add_fenced();
            }
            self.note(|lane| {
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
    }

    fn stopping(&self) -> bool {
        self.turn.is_over()
    }

    fn note(&self, change: impl FnOnce(&mut LaneFigures)) {
        self.figures.lane(self.number, &self.turn, change);
    }

    fn pause(&self, length: Duration) {
        let began = Instant::now();
        while began.elapsed() < length && !self.stopping() {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Claims the partition and serves it until the lane is stopped.
    fn serve(&self) -> Result<(), HostError> {
        let Some(mut served) = self.open()? else { return Ok(()) };
        while !self.stopping() {
            let wait = served.cadence.wait();
            self.step(&mut served, wait)?;
            if served.cadence.is_due() {
                self.commit(&mut served)?;
            }
            if served.partition.snapshot_due() {
                self.save(&mut served)?;
            }
            if served.lag_at.elapsed() >= LAG_EVERY {
                served.lag_at = Instant::now();
                let lag = input(&mut served.partition)?.lag();
                self.note(|lane| lane.lag = lag);
            }
            if served.renewed_at.elapsed() >= RENEW_EVERY {
                self.renew(&mut served)?;
            }
        }
        self.commit(&mut served)?;
        if served.partition.position() > served.partition.saved() {
            self.save(&mut served)?;
        }
        // Whoever gets the partition next finds its snapshot. The group waits for this lane, so it
        // waits for no store that is away.
        let asked = Instant::now();
        let within = |keeper: JoinHandle<()>| {
            while !keeper.is_finished() && asked.elapsed() < KEPT_WITHIN {
                std::thread::sleep(Duration::from_millis(5));
            }
            keeper.is_finished()
        };
        if let Some(keeper) = served.keeper.take()
            && within(keeper)
        {
            within(self.keeper());
        }
        Ok(())
    }

    /// A thread that keeps the newest snapshot elsewhere.
    fn keeper(&self) -> JoinHandle<()> {
        let (settings, figures) = (Arc::clone(&self.settings), Arc::clone(&self.figures));
        let number = self.number;
        std::thread::spawn(move || settings.keep(number, &figures))
    }

    /// Fetches snapshots that are newer than ours. While they cannot be had, ours will do where
    /// there is one: what it lacks is in the log.
    fn fetch(&self, depot: &Depot) -> Result<Option<HostError>, HostError> {
        let snapshots = &self.settings.snapshots;
        let Err(error) = depot.fetch(self.number, snapshots) else { return Ok(None) };
        let ours = SnapshotStore::new(snapshots, self.number).positions()?;
        if ours.is_empty() { Err(error.into()) } else { Ok(Some(error.into())) }
    }

    /// Claims the partition and catches up with what was committed; `None` where the lane was ended
    /// meanwhile. But for the claim, it has nothing to finish until then.
    fn open(&self) -> Result<Option<Served>, HostError> {
        let LaneSettings { connection, records, .. } = &*self.settings;
        self.note(|lane| lane.state = LaneState::Opening);
        if let Some(avro) = &connection.avro {
            avro.register(|topic| connection.name(topic))?;
        }
        let Some(claim) = self.claim()? else { return Ok(None) };
        let epoch = claim.committed.epoch;
        let (followed, mut trouble) = (self.followed.take(), None);
        // Whoever had the partition before is fenced: what it has kept is all that comes.
        if followed.is_none()
            && let Some(depot) = &self.settings.depot
        {
            trouble = self.fetch(depot)?;
        }
        let Opened { mut partition, companion, .. } = self.begin(claim, followed)?;
        let place = match companion {
            None => Place::default(),
            Some(companion) => place_at(self.number, partition.position(), &companion)?,
        };
        input(&mut partition)?.begin_at(place)?;
        let replayed = partition.replay_while(|| !self.stopping(), |_| {})?;
        let Some(replayed) = replayed.filter(|_| self.turn.begin_work()) else { return Ok(None) };
        // Not before somebody waits for it: a lane that was given up commits nothing.
        partition.commit()?;
        self.figures.add_replayed(replayed);
        let records =
            if *records { Records::published(partition.stores()) } else { Records::default() };
        self.note(|lane| {
            lane.state = LaneState::Running;
            lane.position = partition.position();
            lane.epoch = epoch;
            lane.error = trouble.map(|error| (error.code(), sentences(&error)));
        });
        let (cadence, now) = (Cadence::new(self.settings.commit_every), Instant::now());
        let (lag_at, renewed_at, keeper) = (now, now, None);
        Ok(Some(Served { partition, records, cadence, lag_at, renewed_at, keeper }))
    }

    /// Claims the partition. Whoever ends the lane waits for that: it would take the partition away
    /// from the next one, or, where nobody is fenced, write the position that it has found over
    /// that of the next one.
    fn claim(&self) -> Result<Option<Claim>, HostError> {
        let LaneSettings { connection, delivery, .. } = &*self.settings;
        if !self.turn.begin_work() {
            return Ok(None);
        }
        let claim = Claim::take_for(connection, self.number, *delivery)?;
        self.turn.end_work();
        Ok((!self.stopping()).then_some(claim))
    }

    /// The partition at the state that it was followed to, or at its newest snapshot.
    fn begin(
        &self,
        mut claim: Claim,
        mut state: Option<Snapshot>,
    ) -> Result<Opened<KafkaLog>, HostError> {
        let LaneSettings { snapshots, engine, .. } = &*self.settings;
        let engine = Options { epoch: claim.committed.epoch, ..*engine };
        if claim.may_be_behind() {
            state = self.newest(state)?;
            let saved = state.as_ref().map(|state| place_of(self.number, state)).transpose()?;
            claim.begin_behind(saved)?;
        }
        let (number, read, written) = (self.number, claim.input, claim.output);
        let opened = match state {
            Some(state) => Partition::open_at(number, read, written, snapshots, engine, state)?,
            None => Partition::open(number, read, written, snapshots, engine)?,
        };
        Ok(opened)
    }

    /// The newest snapshot, or what the partition was followed to where that is further.
    fn newest(&self, followed: Option<Snapshot>) -> Result<Option<Snapshot>, HostError> {
        let newest = SnapshotStore::new(&self.settings.snapshots, self.number).newest()?.snapshot;
        let position = |of: &Option<Snapshot>| of.as_ref().map(|snapshot| snapshot.position);
        Ok(if position(&newest) > position(&followed) { newest } else { followed })
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
        let begun = Instant::now();
        let Served { partition, records, cadence, .. } = served;
        let changes = records.changes(partition.stores());
        let output = partition.output().output().ok_or(HostError::Worker)?;
        for change in &changes {
            output.publish_json(change.topic, &change.key, change.payload.as_deref())?;
        }
        if !output.settled() {
            partition.commit()?;
            self.figures.add_commit(changes.len() as u64);
            let position = partition.position();
            self.note(|lane| lane.position = position);
        }
        cadence.committed(begun);
        Ok(())
    }

    /// Commits the position once more where no transaction keeps it.
    fn renew(&self, served: &mut Served) -> Result<(), HostError> {
        served.renewed_at = Instant::now();
        if self.settings.delivery == Delivery::AtLeastOnce {
            self.commit(served)?;
            served.partition.output().output().ok_or(HostError::Worker)?.renew()?;
        }
        Ok(())
    }

    /// Saves the state. It is that of a committed position, so that no snapshot is ever ahead of
    /// what was written.
    fn save(&self, served: &mut Served) -> Result<(), HostError> {
        self.commit(served)?;
        let place = input(&mut served.partition)?.place();
        served.partition.snapshot(&companion_of(place))?;
        self.figures.add_snapshot();
        let busy = served.keeper.as_ref().is_some_and(|keeper| !keeper.is_finished());
        if self.settings.depot.is_some() && !busy {
            served.keeper = Some(self.keeper());
        }
        Ok(())
    }
}

impl LaneSettings {
    /// Keeps the newest snapshot elsewhere. What fails stops nobody: it is said, and tried again
    /// with the next one.
    fn keep(&self, number: u32, figures: &KafkaFigures) {
        let Some(depot) = &self.depot else { return };
        let kept = depot.keep(number, &self.snapshots);
        let error = kept.err().map(HostError::from);
        figures.trouble(number, error.map(|error| (error.code(), sentences(&error))));
    }
}

/// What is saved beside a state: Kafka's offset of the place that it stands for.
pub(crate) fn companion_of(place: Place) -> Vec<u8> {
    let mut companion = vec![COMPANION_FORMAT];
    companion.extend_from_slice(&place.offset.to_le_bytes());
    companion
}

/// The place that a snapshot stands for.
pub(crate) fn place_of(partition: u32, snapshot: &Snapshot) -> Result<Place, HostError> {
    place_at(partition, snapshot.position, &snapshot.companion)
}

fn place_at(partition: u32, position: u64, companion: &[u8]) -> Result<Place, HostError> {
    let offset = companion.split_first().and_then(|(&format, offset)| {
        let offset = i64::from_le_bytes(offset.try_into().ok()?);
        (format == COMPANION_FORMAT).then_some(offset)
    });
    let offset = offset.ok_or(HostError::Town { partition })?;
    Ok(Place { position, offset })
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
