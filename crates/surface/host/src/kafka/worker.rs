//! A worker: a member of the group, and the lanes of its partitions.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use shelf_engine::Options;
use shelf_kafka::{Assignment, Connection, LOG_EVENTS, Membership, MembershipOptions};

use super::figures::KafkaFigures;
use super::lane::{Lane, LaneSettings};
use super::lanes::Lanes;
use crate::HostError;

const POLL: Duration = Duration::from_millis(100);

/// How a worker runs.
#[derive(Clone, Debug)]
pub struct WorkerSettings {
    /// How many partitions the log has. It is checked.
    pub partitions: u32,
    /// Where snapshots are: a folder that all workers share.
    pub snapshots: PathBuf,
    /// How partitions run.
    pub engine: Options,
    /// How often what was stepped is committed.
    pub commit_every: Duration,
    /// Whether state records are published.
    pub records: bool,
    /// How the worker behaves in the group.
    pub membership: MembershipOptions,
}

impl WorkerSettings {
    /// The usual ones, with snapshots in this folder.
    pub fn new(snapshots: impl Into<PathBuf>, partitions: u32) -> Self {
        Self {
            partitions,
            snapshots: snapshots.into(),
            engine: Options::default(),
            commit_every: Duration::from_millis(100),
            records: true,
            membership: MembershipOptions::default(),
        }
    }
}

/// A worker of a chain that runs on Kafka. Dropping it leaves the group, with everything committed
/// and saved.
pub struct KafkaWorker {
    membership: Membership<Ours>,
    figures: Arc<KafkaFigures>,
}

/// Begins and ends the lanes of the partitions that the group gives us.
struct Ours {
    settings: Arc<LaneSettings>,
    figures: Arc<KafkaFigures>,
    lanes: Lanes,
}

impl Assignment for Ours {
    fn assigned(&self, partitions: &[(String, u32)]) {
        self.figures.add_rebalance();
        for partition in partitions {
            let number = partition.1;
            let (settings, figures) = (Arc::clone(&self.settings), Arc::clone(&self.figures));
            let lane = move |stop| Lane { number, settings, figures, stop }.run();
            self.lanes.begin(partition, lane);
        }
    }

    fn revoked(&self, partitions: &[(String, u32)]) {
        self.figures.add_rebalance();
        self.lanes.end(partitions);
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
            engine: settings.engine,
            commit_every: settings.commit_every,
            records: settings.records,
        };
        let ours = Ours {
            settings: Arc::new(lanes),
            figures: Arc::clone(&figures),
            lanes: Lanes::default(),
        };
        let membership = Membership::join(connection, &[LOG_EVENTS], &settings.membership, ours)?;
        Ok(Self { membership, figures })
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
