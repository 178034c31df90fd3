//! A chain on Kafka as it is followed by somebody who works for none of its partitions: up to what
//! its workers have committed, and nothing beyond it. It never writes.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use shelf_domain::Stores;
use shelf_engine::{Replica, SnapshotStore, Stepped};
use shelf_kafka::{Connection, Delivery, KafkaError, LOG_EVENTS, Progress, StandbyLog};
use shelf_ports::Offset;

use super::depot::Depot;
use super::standby::replica_at;
use crate::{Following, HostError};

/// How often it asks what was committed.
const EVERY: Duration = Duration::from_millis(100);
/// How long brokers have to say it, and for how long they may keep it to themselves: of a worker
/// who was killed within a commit they do not tell before its transaction has ended.
const TOLD_WITHIN: Duration = Duration::from_secs(1);
const SILENT_FOR: Duration = Duration::from_mins(1);
/// How long they have where somebody waits for it.
const TOLD_AT_LAST: Duration = Duration::from_secs(20);

/// A chain on Kafka.
#[derive(Clone, Debug)]
pub struct KafkaChain {
    /// Its brokers, and the prefix of its topics.
    pub connection: Connection,
    /// How many partitions the log has.
    pub partitions: u32,
    /// Where snapshots are.
    pub snapshots: PathBuf,
    /// Where they are kept besides.
    pub depot: Option<Depot>,
    /// How often readers find what follows from an event.
    pub delivery: Delivery,
}

/// The stores of a chain on Kafka, followed from outside.
pub struct KafkaReader {
    progress: Progress,
    replicas: Vec<Replica<StandbyLog>>,
    asked: Instant,
    /// Since when the brokers have not said what was committed.
    silent: Option<Instant>,
}

impl KafkaChain {
    /// What tells how far its partitions have come.
    pub fn progress(&self) -> Result<Progress, HostError> {
        Ok(Progress::open(&self.connection, self.partitions, self.delivery)?)
    }

    /// Up to where each partition has come.
    pub fn ends(&self, progress: &Progress) -> Result<Vec<Offset>, HostError> {
        let committed = progress.committed(TOLD_AT_LAST)?;
        let ends = committed.into_iter();
        Ok(ends.map(|one| one.map_or(0, |committed| committed.place.position)).collect())
    }

    /// The same where it is known of each partition. Where one has no position, since nobody has
    /// claimed it yet or the brokers have forgotten it, that is an error which passes: whoever
    /// claims it commits one.
    pub fn known_ends(&self, progress: &Progress) -> Result<Vec<Offset>, HostError> {
        let committed = (0..).zip(progress.committed(TOLD_AT_LAST)?);
        let ends = committed.map(|(partition, one)| {
            let known = one.map(|committed| committed.place.position);
            known.ok_or_else(|| KafkaError::Withheld {
                action: "tell the position",
                topic: self.connection.name(LOG_EVENTS),
                partition,
                waited: TOLD_AT_LAST,
            })
        });
        Ok(ends.collect::<Result<_, _>>()?)
    }

    /// Opens it at its newest snapshots.
    pub fn open(&self) -> Result<KafkaReader, HostError> {
        self.open_before(&vec![Offset::MAX; self.partitions as usize])
    }

    /// Opens it so that each partition stands at its newest snapshot before a position, or at the
    /// beginning of its log: from there on no event from the positions on is missed. Only where the
    /// log does not reach back so far, a partition stands at its newest snapshot.
    pub fn open_before(&self, positions: &[Offset]) -> Result<KafkaReader, HostError> {
        let progress = self.progress()?;
        let mut replicas = Vec::new();
        for number in 0..self.partitions {
            let latest = positions.get(number as usize).copied().unwrap_or(0);
            replicas.push(self.replica(number, latest)?);
        }
        let mut reader = KafkaReader { progress, replicas, asked: Instant::now(), silent: None };
        reader.ask(TOLD_AT_LAST)?;
        Ok(reader)
    }

    fn replica(&self, number: u32, latest: Offset) -> Result<Replica<StandbyLog>, HostError> {
        if let Some(depot) = &self.depot {
            depot.fetch(number, &self.snapshots)?;
        }
        let store = SnapshotStore::new(&self.snapshots, number);
        let at = |snapshot| replica_at(&self.connection, self.delivery, number, snapshot);
        let mut replica = at(store.newest_up_to(latest)?.snapshot)?;
        let log = replica.tail();
        if log.place().offset >= log.kept_from()? {
            return Ok(replica);
        }
        at(store.newest()?.snapshot)
    }
}

impl KafkaReader {
    /// Asks what was committed.
    fn ask(&mut self, within: Duration) -> Result<(), HostError> {
        let committed = self.progress.committed(within)?;
        (self.asked, self.silent) = (Instant::now(), None);
        for (replica, committed) in self.replicas.iter_mut().zip(committed) {
            if let Some(committed) = committed {
                replica.tail().ends_at(committed);
            }
        }
        Ok(())
    }

    /// Asks now and then. That nobody says it for a while is no failure: what is known to have been
    /// committed is followed.
    fn look(&mut self) -> Result<(), HostError> {
        if self.asked.elapsed() < EVERY {
            return Ok(());
        }
        let Err(error) = self.ask(TOLD_WITHIN) else { return Ok(()) };
        self.asked = Instant::now();
        let silent = self.silent.get_or_insert_with(Instant::now).elapsed();
        let passes = error.kafka().is_some_and(KafkaError::passes);
        if passes && silent < SILENT_FOR { Ok(()) } else { Err(error) }
    }
}

impl Following for KafkaReader {
    fn follow(&mut self, watch: &mut dyn FnMut(u32, Stepped<'_>)) -> Result<u64, HostError> {
        self.look()?;
        let mut stepped = 0;
        for replica in &mut self.replicas {
            let number = replica.number();
            stepped += replica.follow(|one| watch(number, one))?;
        }
        Ok(stepped)
    }

    fn catch_up(&mut self) -> Result<(), HostError> {
        self.ask(TOLD_AT_LAST)?;
        for replica in &mut self.replicas {
            replica.catch_up(|_| {})?;
        }
        Ok(())
    }

    fn partitions(&self) -> Vec<&Stores> {
        self.replicas.iter().map(Replica::stores).collect()
    }

    fn positions(&self) -> Vec<Offset> {
        self.replicas.iter().map(Replica::position).collect()
    }

    fn behind(&mut self) -> Option<u64> {
        Some(self.replicas.iter_mut().map(|replica| replica.tail().unread()).sum())
    }
}
