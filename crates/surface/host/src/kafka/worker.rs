//! A worker: a member of the group, and the lanes of its partitions.

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use shelf_engine::Options;
use shelf_kafka::{Assignment, Connection, Delivery, LOG_EVENTS, Membership, MembershipOptions};

use super::depot::Depot;
use super::figures::KafkaFigures;
use super::lane::{Lane, LaneSettings};
use super::lanes::Lanes;
use super::standby::{Standby, StandbyThread};
use crate::HostError;

const POLL: Duration = Duration::from_millis(100);

/// How a worker runs.
#[derive(Clone, Debug)]
pub struct WorkerSettings {
    /// How many partitions the log has. It is checked.
    pub partitions: u32,
    /// Where snapshots are: a folder that all workers share.
    pub snapshots: PathBuf,
    /// Where they are kept besides, so that workers need not share a folder: then that folder is
    /// this worker's own.
    pub depot: Option<Depot>,
    /// How partitions run.
    pub engine: Options,
    /// How often what was stepped is committed.
    pub commit_every: Duration,
    /// Whether state records are published.
    pub records: bool,
    /// Whether it follows the partitions of others in memory, to go on with them at once when
    /// their worker is gone. Each worker then steps every event.
    pub standby: bool,
    /// How often readers find what follows from an event.
    pub delivery: Delivery,
    /// How the worker behaves in the group.
    pub membership: MembershipOptions,
}

impl WorkerSettings {
    /// The usual ones, with snapshots in this folder.
    pub fn new(snapshots: impl Into<PathBuf>, partitions: u32) -> Self {
        Self {
            partitions,
            snapshots: snapshots.into(),
            depot: None,
            engine: Options::default(),
            commit_every: Duration::from_millis(100),
            records: true,
            standby: false,
            delivery: Delivery::default(),
            membership: MembershipOptions::default(),
        }
    }
}

/// A worker of a chain that runs on Kafka. Dropping it leaves the group, with everything committed
/// and saved.
pub struct KafkaWorker {
    /// The first to go: what the worker leaves is not for itself to follow.
    _standby: Option<StandbyThread>,
    membership: Membership<Ours>,
    figures: Arc<KafkaFigures>,
}

/// Begins and ends the lanes of the partitions that the group gives us.
struct Ours {
    settings: Arc<LaneSettings>,
    figures: Arc<KafkaFigures>,
    lanes: Lanes,
    standby: Option<Arc<Standby>>,
}

impl Assignment for Ours {
    fn assigned(&self, partitions: &[(String, u32)]) {
        self.figures.add_rebalance();
        for partition in partitions {
            let number = partition.1;
            let (settings, figures) = (Arc::clone(&self.settings), Arc::clone(&self.figures));
            let followed = self.standby.as_ref().and_then(|standby| standby.take(number));
            let followed = Cell::new(followed);
            let lane = move |turn| Lane { number, settings, figures, turn, followed }.run();
            self.lanes.begin(partition, lane);
        }
    }

    fn revoked(&self, partitions: &[(String, u32)]) {
        self.figures.add_rebalance();
        self.lanes.end(partitions);
        for partition in partitions {
            self.figures.forget(partition.1);
            if let Some(standby) = &self.standby {
                standby.release(partition.1);
            }
        }
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        self.lanes.end_all();
    }
}

impl KafkaWorker {
    /// Joins the workers of a chain.
    pub fn join(connection: &Connection, settings: &WorkerSettings) -> Result<Self, HostError> {
        shelf_kafka::check(connection, settings.partitions)?;
        let figures = Arc::new(KafkaFigures::default());
        let lanes = LaneSettings {
            connection: connection.clone(),
            snapshots: settings.snapshots.clone(),
            depot: settings.depot.clone(),
            engine: settings.engine,
            commit_every: settings.commit_every,
            records: settings.records,
            delivery: settings.delivery,
        };
        let lanes = Arc::new(lanes);
        let standby = settings.standby.then(|| {
            let (lanes, figures) = (Arc::clone(&lanes), Arc::clone(&figures));
            Arc::new(Standby::new(lanes, figures, settings.partitions))
        });
        let thread = standby.clone().map(StandbyThread::begin).transpose()?;
        let ours = Ours {
            settings: lanes,
            figures: Arc::clone(&figures),
            lanes: Lanes::default(),
            standby,
        };
        let membership = Membership::join(connection, &[LOG_EVENTS], &settings.membership, ours)?;
        Ok(Self { membership, _standby: thread, figures })
    }

    /// Works until `stop` is set.
    pub fn run(&self, stop: &AtomicBool) -> Result<(), HostError> {
        while !stop.load(Ordering::Acquire) {
            self.membership.poll(POLL)?;
        }
        Ok(())
    }

    /// What it has counted.
    pub fn figures(&self) -> &Arc<KafkaFigures> {
        &self.figures
    }
}
