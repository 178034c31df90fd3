//! What a worker counts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::lanes::Turn;

/// What a lane is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LaneState {
    /// It claims its partition and catches up with what was committed.
    #[default]
    Opening,
    /// It steps events.
    Running,
    /// Something failed; it begins anew in a moment.
    Waiting,
}

/// How one lane stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaneFigures {
    /// What it is doing.
    pub state: LaneState,
    /// The position behind the last event that was stepped and committed.
    pub position: u64,
    /// How often the partition has been claimed.
    pub epoch: u64,
    /// How many offsets it is behind the end of the log, where that is known.
    pub lag: Option<u64>,
    /// What failed last: a code and a sentence.
    pub error: Option<(&'static str, String)>,
}

/// What a worker has counted since it began.
#[derive(Debug, Default)]
pub struct KafkaFigures {
    events: AtomicU64,
    replayed: AtomicU64,
    effects: AtomicU64,
    records: AtomicU64,
    commits: AtomicU64,
    failures: AtomicU64,
    fenced: AtomicU64,
    rebalances: AtomicU64,
    snapshots: AtomicU64,
    lanes: Mutex<BTreeMap<u32, LaneFigures>>,
    standby: Mutex<StandbyFigures>,
}

/// How a worker stands by for the partitions of others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StandbyFigures {
    /// The position that each partition was followed to.
    pub positions: BTreeMap<u32, u64>,
    /// What failed last: a code and a sentence.
    pub error: Option<(&'static str, String)>,
}

impl KafkaFigures {
    pub(crate) fn add_events(&self, events: u64, effects: u64) {
        self.events.fetch_add(events, Ordering::Relaxed);
        self.effects.fetch_add(effects, Ordering::Relaxed);
    }

    pub(crate) fn add_replayed(&self, events: u64) {
        self.replayed.fetch_add(events, Ordering::Relaxed);
    }

    pub(crate) fn add_commit(&self, records: u64) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.records.fetch_add(records, Ordering::Relaxed);
    }

    pub(crate) fn add_failure(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn add_fenced(&self) {
        self.fenced.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn add_rebalance(&self) {
        self.rebalances.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn add_snapshot(&self) {
        self.snapshots.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes how a lane stands, unless its turn is over: its partition is another one's then.
    pub(crate) fn lane(&self, partition: u32, turn: &Turn, change: impl FnOnce(&mut LaneFigures)) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if !turn.is_over() {
            change(lanes.entry(partition).or_default());
        }
    }

    /// Notes what is in the way of a lane that runs.
    pub(crate) fn trouble(&self, partition: u32, error: Option<(&'static str, String)>) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        // One that waits has a reason of its own.
        if let Some(lane) = lanes.get_mut(&partition)
            && lane.state == LaneState::Running
        {
            lane.error = error;
        }
    }

    /// Forgets a lane whose turn is over.
    pub(crate) fn forget(&self, partition: u32) {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).remove(&partition);
    }

    /// Notes how far a partition of others was followed; `None`: it is followed no longer.
    pub(crate) fn standby(&self, partition: u32, position: Option<u64>) {
        let positions = &mut self.locked_standby().positions;
        match position {
            Some(position) => drop(positions.insert(partition, position)),
            None => drop(positions.remove(&partition)),
        }
    }

    pub(crate) fn standby_trouble(&self, error: Option<(&'static str, String)>) {
        self.locked_standby().error = error;
    }

    fn locked_standby(&self) -> MutexGuard<'_, StandbyFigures> {
        self.standby.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it stands by for the partitions of others.
    pub fn standing_by(&self) -> StandbyFigures {
        self.locked_standby().clone()
    }

    /// Events stepped, those of replays left out.
    pub fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    /// Events stepped once more, to catch up with what was committed.
    pub fn replayed(&self) -> u64 {
        self.replayed.load(Ordering::Relaxed)
    }

    /// Effects written.
    pub fn effects(&self) -> u64 {
        self.effects.load(Ordering::Relaxed)
    }

    /// State records written.
    pub fn records(&self) -> u64 {
        self.records.load(Ordering::Relaxed)
    }

    /// Transactions committed.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// How often a lane had to begin anew.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// How often a lane found that its partition had been taken over by another worker.
    pub fn fenced(&self) -> u64 {
        self.fenced.load(Ordering::Relaxed)
    }

    /// How often the group gave partitions to this worker or took them away.
    pub fn rebalances(&self) -> u64 {
        self.rebalances.load(Ordering::Relaxed)
    }

    /// Snapshots saved.
    pub fn snapshots(&self) -> u64 {
        self.snapshots.load(Ordering::Relaxed)
    }

    /// How each partition stands that is this worker's.
    pub fn lanes(&self) -> BTreeMap<u32, LaneFigures> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
