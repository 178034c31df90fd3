//! The one writer of a data folder: all partitions of a chain of stores.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use shelf_domain::{
    Body, Counts, Event, HOUR, MINUTE, Outcome, Reason, SourceCounts, SourceId, Store, StoreId,
    Stores, Timestamp, WindowPlan, state_hash,
};
use shelf_engine::{EngineError, Options, Partition, Stepped, partition_of};
use shelf_eventlog::{EventLog, LogOptions, Recovered};
use shelf_ports::Offset;
use shelf_simulator::Truth;

use crate::HostError;
use crate::folder::{ChainId, DATA_FORMAT, Folder, FolderMeta, TownPlan, check_town};
use crate::seat::Seat;
use crate::shard::Shard;
use crate::sources::{SourceName, Sources};
use crate::stages::{Stage, StageTimes};

/// How a chain is opened.
#[derive(Clone, Debug)]
pub struct WriterOptions {
    /// How the logs are kept. The number of partitions counts for a new folder only.
    pub log: LogOptions,
    /// How partitions run.
    pub engine: Options,
    /// The simulated environment, for a new folder; one that exists keeps its own.
    pub town: Option<TownPlan>,
    /// The most events that are submitted at once.
    pub batch_events: usize,
    /// How many threads work.
    pub threads: usize,
    /// The windows that every store is to keep, those that begin later included. Without it each
    /// keeps what it has.
    pub windows: Option<WindowPlan>,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self {
            log: LogOptions::default(),
            engine: Options::default(),
            town: None,
            batch_events: 4_096,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            windows: None,
        }
    }
}

/// What opening a chain came to.
#[derive(Clone, Debug, Default)]
pub struct Recovery {
    /// Events that were stepped beyond the snapshots.
    pub replayed: u64,
    /// Torn ends that were cut off the logs.
    pub cut: Vec<Recovered>,
    /// Snapshots that are damaged and were passed over.
    pub damaged_snapshots: Vec<PathBuf>,
}

/// What submitting events came to, each in turn.
#[derive(Clone, Debug, Default)]
pub struct Submitted {
    /// The outcome of each event.
    pub outcomes: Vec<Outcome>,
}

/// The most reasons that a [`Tally`] tells apart: those of lines come from outside.
const MAX_REASONS: usize = 64;

/// How many events came to what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Applied, the late ones included.
    pub accepted: u64,
    /// Of these, late.
    pub late: u64,
    /// Known already.
    pub duplicates: u64,
    /// Put into quarantine, by the code of a [`Reason`], or by that of a line that is no event.
    pub quarantined: BTreeMap<String, u64>,
}

impl Tally {
    /// Counts one event and its outcome.
    pub fn add(&mut self, event: &Event, outcome: Outcome) {
        match (outcome, &event.body) {
            (Outcome::Accepted, _) => self.accepted += 1,
            (Outcome::Late, _) => {
                self.accepted += 1;
                self.late += 1;
            }
            (Outcome::Duplicate, _) => self.duplicates += 1,
            (Outcome::Quarantined(Reason::Unreadable), Body::Rejected(line))
                if !line.reason.is_empty() =>
            {
                self.quarantine(line.reason.as_str());
            }
            (Outcome::Quarantined(reason), _) => self.quarantine(reason.code()),
        }
    }

    fn quarantine(&mut self, code: &str) {
        self.quarantine_many(code, 1);
    }

    /// Adds what other events came to.
    pub fn merge(&mut self, other: &Self) {
        self.accepted += other.accepted;
        self.late += other.late;
        self.duplicates += other.duplicates;
        for (code, &count) in &other.quarantined {
            self.quarantine_many(code, count);
        }
    }

    fn quarantine_many(&mut self, code: &str, many: u64) {
        if let Some(count) = self.quarantined.get_mut(code) {
            *count += many;
            return;
        }
        let full = self.quarantined.len() >= MAX_REASONS;
        let code = if full { Reason::Unreadable.code() } else { code };
        *self.quarantined.entry(code.to_owned()).or_default() += many;
    }

    /// All that went to quarantine.
    pub fn quarantined_total(&self) -> u64 {
        self.quarantined.values().sum()
    }

    /// All events.
    pub fn total(&self) -> u64 {
        self.accepted + self.duplicates + self.quarantined_total()
    }
}

/// All partitions of a chain of stores, and the towns around them where the environment is
/// simulated.
#[derive(Debug)]
pub struct ChainWriter {
    shards: Vec<Mutex<Shard>>,
    meta: FolderMeta,
    sources: Sources,
    threads: usize,
    recovery: Recovery,
    stages: Arc<StageTimes>,
}

impl ChainWriter {
    /// Opens a data folder as its one writer, and makes it where there is none: the newest
    /// snapshots, then the rest of the log.
    pub fn open(folder: &Folder, options: &WriterOptions) -> Result<Self, HostError> {
        let new = FolderMeta {
            format: DATA_FORMAT,
            partitions: options.log.partitions,
            town: options.town.clone(),
            chain: Some(ChainId::random()?),
        };
        let meta = folder.open_or_create(&new)?;
        check_town(meta.town.as_ref(), options.town.as_ref())?;
        let log_options = LogOptions { partitions: meta.partitions, ..options.log };
        let inputs = EventLog::open(folder.log(), log_options)?;
        let outputs = EventLog::open(folder.outputs(), log_options)?;
        // The logs are this process's alone from here on, and with them the names of sources.
        let mut sources = Sources::open(folder)?;
        let mut fixed = vec![SourceName::socket(), SourceName::cli()];
        fixed.extend(meta.town.is_some().then(SourceName::simulated));
        fixed.push(SourceName::http());
        sources.register(&fixed)?;
        let town_source = sources.find(&SourceName::simulated());
        let mut recovery = Recovery::default();
        recovery.cut.extend(inputs.recovered().iter().copied());
        recovery.cut.extend(outputs.recovered().iter().copied());

        let mut towns = place_towns(meta.town.as_ref(), meta.partitions);
        let (mut shards, stages) = (Vec::new(), Arc::<StageTimes>::default());
        let logs = inputs.into_partitions().into_iter().zip(outputs.into_partitions());
        for (number, (input, output)) in logs.enumerate() {
            let number = number as u32;
            let stores = towns.remove(&number).unwrap_or_default();
            let opened =
                Partition::open(number, input, output, &folder.snapshots(), options.engine)?;
            let seats = match opened.companion {
                Some(bytes) => saved_seats(&bytes, number)?,
                None => new_seats(meta.town.as_ref(), &stores),
            };
            let seats = seats.into_iter().map(|seat| seat.with_source(town_source));
            let seats = seats.map(|seat| (seat.store(), seat)).collect();
            let shard = Shard::new(opened.partition, seats, options.batch_events, &stages);
            recovery.damaged_snapshots.extend(opened.damaged);
            shards.push(Mutex::new(shard));
        }
        let threads = options.threads.max(1);
        let mut chain = Self { shards, meta, sources, threads, recovery, stages };
        let replayed = AtomicU64::new(0);
        chain.each_shard(|shard| {
            replayed.fetch_add(shard.replay()?, Ordering::Relaxed);
            options.windows.as_ref().map_or(Ok(()), |plan| shard.keep_windows(plan))
        })?;
        chain.recovery.replayed = replayed.into_inner();
        Ok(chain)
    }

    /// Does `work` for each partition, on all threads.
    fn each_shard(
        &mut self,
        work: impl Fn(&mut Shard) -> Result<(), HostError> + Sync,
    ) -> Result<(), HostError> {
        let next = AtomicU64::new(0);
        let worker = || -> Result<(), HostError> {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed) as usize;
                let Some(shard) = self.shards.get(number) else { return Ok(()) };
                work(&mut *shard.lock().map_err(|_| HostError::Worker)?)?;
            }
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (1..self.threads).map(|_| scope.spawn(worker)).collect();
            let mut result = worker();
            for handle in workers {
                let other = handle.join().unwrap_or(Err(HostError::Worker));
                result = result.and(other);
            }
            result
        })
    }

    /// Runs the simulated environment until this time, as fast as it goes, and makes everything
    /// durable.
    /// Invariants are checked after every step as far as it reaches, and all of them every
    /// simulated hour; what is broken is counted.
    /// `seen` is told now and then how many events were stepped since the last time, from any
    /// thread.
    pub fn simulate(
        &mut self,
        until: Timestamp,
        seen: impl Fn(u64) + Sync,
    ) -> Result<(), HostError> {
        self.each_shard(|shard| {
            shard.partition.audit_steps();
            let mut told = shard.now();
            let stores = shard.seats().count() as u64;
            let minutes = |from: Timestamp, to: Timestamp| {
                (to.since(from) / MINUTE).max(0).unsigned_abs() * stores
            };
            while shard.tick(until)? {
                let now = shard.now();
                if now.since(told) >= HOUR {
                    seen(minutes(told, now));
                    told = now;
                }
            }
            seen(minutes(told, shard.now()));
            shard.partition.commit()?;
            Ok(())
        })
    }

    /// Submits what the simulated environment sends by this time; durable after the next
    /// [`ChainWriter::commit`].
    pub fn pace(&mut self, until: Timestamp) -> Result<usize, HostError> {
        let mut events = 0;
        for shard in &mut self.shards {
            let shard = shard.get_mut().map_err(|_| HostError::Worker)?;
            loop {
                let sent = shard.pace(until)?;
                events += sent;
                if sent == 0 {
                    break;
                }
            }
        }
        Ok(events)
    }

    /// Submits events of any store, in order, and waits until they are durable.
    pub fn submit(&mut self, events: &[Event]) -> Result<Submitted, HostError> {
        let mut outcomes = Vec::with_capacity(events.len());
        for run in events.chunk_by(|a, b| a.store == b.store) {
            self.shard_of(run)?.submit_each(run, &mut outcomes)?;
        }
        self.commit()?;
        self.save_where_due()?;
        Ok(Submitted { outcomes })
    }

    /// Appends events of any store, in order for each, and counts what they come to; durable after
    /// the next [`ChainWriter::commit`]. Takes the events out of `events`. The states are saved by
    /// [`ChainWriter::save_where_due`] alone.
    pub fn append(&mut self, events: &mut Vec<Event>, tally: &mut Tally) -> Result<(), HostError> {
        let partitions = self.meta.partitions;
        for event in events.drain(..) {
            let number = partition_of(event.store, partitions) as usize;
            let shard = self.shards.get_mut(number).ok_or(HostError::Worker)?;
            shard.get_mut().map_err(|_| HostError::Worker)?.batch.push(event);
        }
        let all = Mutex::new(tally);
        self.each_shard(|shard| {
            if shard.batch.is_empty() {
                return Ok(());
            }
            let mut tally = Tally::default();
            let submitted = shard.submit_batch(|stepped: Stepped<'_>| {
                tally.add(stepped.event, stepped.outcome);
            });
            all.lock().map_err(|_| HostError::Worker)?.merge(&tally);
            submitted
        })
    }

    /// Saves the states of the partitions for which that is due.
    pub fn save_where_due(&mut self) -> Result<(), HostError> {
        self.each_shard(Shard::save_where_due)
    }

    fn shard_of(&mut self, run: &[Event]) -> Result<&mut Shard, HostError> {
        let store = run.first().map(|event| event.store).unwrap_or_default();
        let number = partition_of(store, self.meta.partitions);
        let shard = self.shards.get_mut(number as usize).ok_or(HostError::Worker)?;
        shard.get_mut().map_err(|_| HostError::Worker)
    }

    /// Asks for all that was submitted to become durable, and returns without waiting.
    pub fn request_commit(&mut self) -> Result<(), HostError> {
        for shard in &mut self.shards {
            let shard = shard.get_mut().map_err(|_| HostError::Worker)?;
            shard.partition.request_commit()?;
        }
        Ok(())
    }

    /// Whether all events below these positions, one for each partition, are on disk.
    pub fn durable_to(&mut self, positions: &[Offset]) -> Result<bool, HostError> {
        for (shard, &position) in self.shards.iter_mut().zip(positions) {
            if shard.get_mut().map_err(|_| HostError::Worker)?.partition.durable() < position {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Waits until all that was submitted is durable.
    pub fn commit(&mut self) -> Result<(), HostError> {
        let stages = Arc::clone(&self.stages);
        stages.timed(Stage::Log, || {
            self.request_commit()?;
            for shard in &mut self.shards {
                let shard = shard.get_mut().map_err(|_| HostError::Worker)?;
                shard.partition.commit()?;
            }
            Ok(())
        })
    }

    /// How long the stages take.
    pub fn stages(&self) -> &Arc<StageTimes> {
        &self.stages
    }

    /// Has the towns finish the minute that they are in, so that closing can save their states.
    pub fn finish_ticks(&mut self) -> Result<(), HostError> {
        self.each_shard(Shard::finish_tick)
    }

    /// Makes everything durable and saves the states that can be saved.
    pub fn save(&mut self) -> Result<(), HostError> {
        self.each_shard(|shard| {
            shard.partition.commit()?;
            shard.save_at_end()
        })
    }

    /// [`ChainWriter::save`]: what a graceful stop does.
    pub fn close(mut self) -> Result<(), HostError> {
        self.save()
    }

    /// What the folder was made with.
    pub fn meta(&self) -> &FolderMeta {
        &self.meta
    }

    /// The numbers of these sources, for the origins of their events; those that have none get one,
    /// durably.
    pub fn register(&mut self, sources: &[SourceName]) -> Result<Vec<SourceId>, HostError> {
        self.sources.register(sources)
    }

    /// What opening came to.
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// The stores of each partition.
    pub fn partitions(&mut self) -> Result<Vec<&Stores>, HostError> {
        let mut all = Vec::new();
        for shard in &mut self.shards {
            all.push(shard.get_mut().map_err(|_| HostError::Worker)?.partition.stores());
        }
        Ok(all)
    }

    fn stores(&mut self) -> Result<Vec<&Store>, HostError> {
        let mut stores: Vec<&Store> =
            self.partitions()?.into_iter().flat_map(Stores::iter).collect();
        stores.sort_unstable_by_key(|store| store.id());
        Ok(stores)
    }

    /// Checks every invariant of every store; returns how many are broken.
    pub fn violations(&mut self) -> Result<u64, HostError> {
        let stores = self.stores()?;
        Ok(stores.iter().map(|store| store.violations().len() as u64).sum())
    }

    /// Where each partition stands: its position, and that of its newest snapshot.
    pub fn positions(&mut self) -> Result<Vec<(u32, Offset, Offset)>, HostError> {
        let mut all = Vec::new();
        for shard in &mut self.shards {
            let partition = &shard.get_mut().map_err(|_| HostError::Worker)?.partition;
            all.push((partition.number(), partition.position(), partition.saved()));
        }
        Ok(all)
    }

    /// One number for the state of all stores.
    pub fn state_hash(&mut self) -> Result<u128, HostError> {
        state_hash(self.stores()?)
            .map_err(|_| HostError::Engine(EngineError::State { partition: 0 }))
    }

    /// What all partitions have counted.
    pub fn counts(&mut self) -> Result<Counts, HostError> {
        let mut counts = Counts::default();
        for shard in &mut self.shards {
            let shard = shard.get_mut().map_err(|_| HostError::Worker)?;
            counts.merge(shard.partition.counts());
        }
        Ok(counts)
    }

    /// What all partitions have counted, by source and stream.
    pub fn source_counts(&mut self) -> Result<SourceCounts, HostError> {
        let mut counts = SourceCounts::default();
        for stores in self.partitions()? {
            counts.merge(stores.sources());
        }
        Ok(counts)
    }

    /// The simulated time of the town that is furthest behind; `None` where there is none.
    pub fn town_now(&mut self) -> Option<Timestamp> {
        let shards = self.shards.iter_mut().filter_map(|shard| shard.get_mut().ok());
        shards.filter_map(|shard| shard.seats().map(Seat::now).min()).min()
    }

    /// What really happened in each town, in order of store ids.
    pub fn truths(&mut self) -> Vec<(StoreId, Truth)> {
        let shards = self.shards.iter_mut().filter_map(|shard| shard.get_mut().ok());
        let mut all: Vec<_> = shards
            .flat_map(|shard| shard.seats().map(|seat| (seat.store(), *seat.truth())))
            .collect();
        all.sort_unstable_by_key(|(store, _)| *store);
        all
    }
}

/// The indexes of the towns of each partition.
fn place_towns(town: Option<&TownPlan>, partitions: u32) -> BTreeMap<u32, Vec<u32>> {
    let mut placed: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for index in 0..town.map_or(0, |town| town.stores) {
        let store = shelf_simulator::store_id(index);
        placed.entry(partition_of(store, partitions)).or_default().push(index);
    }
    placed
}

/// The towns of a partition, as they were saved with its snapshot.
fn saved_seats(bytes: &[u8], partition: u32) -> Result<Vec<Seat>, HostError> {
    postcard::from_bytes(bytes).map_err(|_| HostError::Town { partition })
}

/// The towns of these stores, of which nothing is saved.
fn new_seats(town: Option<&TownPlan>, stores: &[u32]) -> Vec<Seat> {
    let seat = |town: &TownPlan| {
        let seats = stores.iter().map(|&index| Seat::new(&town.options, index));
        seats.collect()
    };
    town.map(seat).unwrap_or_default()
}
