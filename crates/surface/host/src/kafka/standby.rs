//! Partitions of other workers, followed in memory up to what was committed, so that one of them
//! goes on here at once when its worker is gone. It must never be further than what was committed,
//! and writes nothing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use shelf_engine::{Replica, Snapshot, SnapshotStore};
use shelf_kafka::{Committed, Connection, Delivery, Progress, StandbyLog};

use super::figures::KafkaFigures;
use super::lane::{LaneSettings, companion_of, place_of, sentences};
use crate::{HostError, step_behind_engine};

/// How often it asks what was committed.
const EVERY: Duration = Duration::from_secs(1);
/// How long brokers have to say it.
const TOLD_WITHIN: Duration = Duration::from_secs(12);
const LOOK: Duration = Duration::from_millis(20);
/// How long a lane waits for what is being stepped of its partition.
const HANDED_OVER_WITHIN: Duration = Duration::from_millis(300);
/// How long a partition is left alone of which something failed.
const PAUSE: Duration = Duration::from_secs(10);
/// How long its end is waited for: what it may wait for itself takes longer.
const ENDS_WITHIN: Duration = Duration::from_secs(2);

/// A partition as its standby knows it.
#[derive(Default)]
struct Slot {
    /// Whether a lane of this worker has it.
    ours: bool,
    /// How far it was followed, where it was opened and nobody is at it.
    followed: Option<Box<Replica<StandbyLog>>>,
    /// Whether the thread is at it.
    busy: bool,
    /// What the thread has at hand counts no more when this has grown.
    turn: u64,
    /// It is not opened before: something failed.
    opens_at: Option<Instant>,
}

/// The partitions of a chain as a worker stands by for them.
pub(crate) struct Standby {
    settings: Arc<LaneSettings>,
    figures: Arc<KafkaFigures>,
    slots: Vec<(Mutex<Slot>, Condvar)>,
}

fn locked(slot: &Mutex<Slot>) -> MutexGuard<'_, Slot> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Standby {
    pub(crate) fn new(
        settings: Arc<LaneSettings>,
        figures: Arc<KafkaFigures>,
        partitions: u32,
    ) -> Self {
        let slots = (0..partitions).map(|_| Default::default()).collect();
        Self { settings, figures, slots }
    }

    /// The state of a partition that becomes ours, as far as it was followed. Waits a moment for
    /// what is being stepped.
    pub(crate) fn take(&self, number: u32) -> Option<Snapshot> {
        let (slot, put_back) = self.slots.get(number as usize)?;
        let mut slot = locked(slot);
        slot.ours = true;
        let waited = put_back.wait_timeout_while(slot, HANDED_OVER_WITHIN, |slot| slot.busy);
        (slot, _) = waited.unwrap_or_else(PoisonError::into_inner);
        slot.turn += 1;
        self.figures.standby(number, None);
        let mut replica = slot.followed.take()?;
        let (position, place) = (replica.position(), replica.tail().place());
        let companion = companion_of(place);
        Some(Snapshot { position, stores: replica.into_stores(), companion })
    }

    /// A partition that is ours no longer: from now on it is followed.
    pub(crate) fn release(&self, number: u32) {
        if let Some((slot, _)) = self.slots.get(number as usize) {
            let mut slot = locked(slot);
            slot.ours = false;
            slot.opens_at = None;
        }
    }

    /// Follows until `stop` is set. What fails is noted and tried again.
    fn run(&self, stop: &AtomicBool) {
        step_behind_engine();
        let mut progress = None;
        while !stop.load(Ordering::Acquire) {
            let began = Instant::now();
            let error = self.round(&mut progress, stop).err();
            self.figures.standby_trouble(error.map(|error| (error.code(), sentences(&error))));
            while began.elapsed() < EVERY && !stop.load(Ordering::Acquire) {
                std::thread::sleep(LOOK);
            }
        }
    }

    /// Follows each partition to what was committed. One that fails keeps none of the others back;
    /// the error is the first.
    fn round(&self, progress: &mut Option<Progress>, stop: &AtomicBool) -> Result<(), HostError> {
        let LaneSettings { connection, delivery, .. } = &*self.settings;
        let progress = match progress {
            Some(open) => open,
            None => {
                progress.insert(Progress::open(connection, self.slots.len() as u32, *delivery)?)
            }
        };
        let committed = progress.committed(TOLD_WITHIN)?;
        let mut outcome = Ok(());
        for (number, committed) in (0..).zip(committed) {
            let Some(committed) = committed else { continue };
            let followed = loop {
                match self.follow(number, committed) {
                    Ok(true) if !stop.load(Ordering::Acquire) => {}
                    other => break other.map(drop),
                }
            };
            outcome = outcome.and(followed);
        }
        outcome
    }

    /// Steps a part of what was committed, where the partition is not ours. Whether there is more.
    fn follow(&self, number: u32, committed: Committed) -> Result<bool, HostError> {
        let Some((slot, put_back)) = self.slots.get(number as usize) else { return Ok(false) };
        let (followed, turn) = {
            let mut slot = locked(slot);
            let waits = slot.opens_at.is_some_and(|at| Instant::now() < at);
            if slot.ours || waits {
                return Ok(false);
            }
            slot.busy = true;
            (slot.followed.take(), slot.turn)
        };
        let stepped = self.step(number, followed, committed);
        let mut slot = locked(slot);
        slot.busy = false;
        put_back.notify_all();
        if slot.turn != turn {
            return Ok(false);
        }
        match stepped {
            Ok((replica, stepped)) => {
                self.figures.standby(number, Some(replica.position()));
                slot.followed = Some(replica);
                Ok(stepped > 0)
            }
            Err(error) => {
                self.figures.standby(number, None);
                slot.opens_at = Some(Instant::now() + PAUSE);
                Err(error)
            }
        }
    }

    /// Steps a part, and opens the partition first where it is not.
    fn step(
        &self,
        number: u32,
        followed: Option<Box<Replica<StandbyLog>>>,
        committed: Committed,
    ) -> Result<(Box<Replica<StandbyLog>>, u64), HostError> {
        let mut replica = match followed {
            Some(replica) => replica,
            None => Box::new(self.open(number)?),
        };
        replica.tail().ends_at(committed);
        let stepped = replica.follow(|_| {})?;
        Ok((replica, stepped))
    }

    /// A partition at its newest snapshot.
    fn open(&self, number: u32) -> Result<Replica<StandbyLog>, HostError> {
        let LaneSettings { connection, delivery, snapshots, depot, .. } = &*self.settings;
        if let Some(depot) = depot {
            depot.fetch(number, snapshots)?;
        }
        let newest = SnapshotStore::new(snapshots, number).newest()?.snapshot;
        replica_at(connection, *delivery, number, newest)
    }
}

/// A partition at a snapshot, or at the beginning of its log.
pub(super) fn replica_at(
    connection: &Connection,
    delivery: Delivery,
    number: u32,
    snapshot: Option<Snapshot>,
) -> Result<Replica<StandbyLog>, HostError> {
    let place = snapshot.as_ref().map(|snapshot| place_of(number, snapshot)).transpose()?;
    let place = place.unwrap_or_default();
    let log = StandbyLog::open(connection, number, delivery, place)?;
    let stores = snapshot.map(|snapshot| snapshot.stores).unwrap_or_default();
    Ok(Replica::at(number, log, place.position, stores))
}

/// The thread that stands by. Dropping it ends it; it has nothing to finish.
pub(crate) struct StandbyThread {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl StandbyThread {
    pub(crate) fn begin(standby: Arc<Standby>) -> Result<Self, HostError> {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("shelf-standby".to_owned())
            .spawn(move || standby.run(&told))
            .map_err(|_| HostError::Worker)?;
        Ok(Self { stop, thread })
    }
}

impl Drop for StandbyThread {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        let asked = Instant::now();
        while !self.thread.is_finished() && asked.elapsed() < ENDS_WITHIN {
            std::thread::sleep(LOOK);
        }
    }
}
