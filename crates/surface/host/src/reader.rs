//! The state of a data folder as another process sees it: it reads what is on disk, follows it, and
//! never writes.

use shelf_domain::{Counts, SourceCounts, Store, StoreId, Stores, Timestamp, state_hash};
use shelf_engine::{EngineError, Replica, SnapshotStore, Stepped, partition_of};
use shelf_eventlog::{LogReader, PartitionReader};
use shelf_events::{OutputRecord, decode_effect};
use shelf_ports::{Offset, RecordBatch};

use crate::HostError;
use crate::folder::{Folder, FolderMeta};

const READ_BYTES: usize = 1 << 20;

/// The stores of a data folder, followed from outside.
#[derive(Debug)]
pub struct ChainReader {
    replicas: Vec<Replica<PartitionReader>>,
    meta: FolderMeta,
}

/// The partition of one store, stepped once more from a snapshot on.
#[derive(Debug)]
pub struct Retrace {
    replica: Replica<PartitionReader>,
    store: StoreId,
}

impl Retrace {
    /// Begins at the newest snapshot that is at least `back` events old; at the beginning of the
    /// log where there is none. `None` where the folder has no such partition.
    pub fn open(folder: &Folder, store: StoreId, back: Offset) -> Result<Option<Self>, HostError> {
        let number = partition_of(store, folder.meta()?.partitions);
        let tails = LogReader::open(folder.log())?.into_partitions();
        let Some(mut tail) = tails.into_iter().nth(number as usize) else { return Ok(None) };
        let from = tail.end_offset()?.saturating_sub(back);
        let replica = Replica::open_up_to_or_newest(number, tail, &folder.snapshots(), from)?;
        Ok(Some(Self { replica, store }))
    }

    /// The store as it is here.
    pub fn store(&self) -> Option<&Store> {
        self.replica.stores().get(self.store)
    }

    /// The number of the partition, and the offset of its next event.
    pub fn position(&self) -> (u32, Offset) {
        (self.replica.number(), self.replica.position())
    }

    /// Steps the events before a position; `watch` gets those of the store.
    pub fn step_to(
        &mut self,
        position: Offset,
        watch: impl FnMut(Stepped<'_>),
    ) -> Result<(), HostError> {
        Ok(self.replica.follow_to(position, of_store(self.store, watch))?)
    }

    /// Steps the events that had been received by a moment; `watch` gets those of the store.
    pub fn step_until(
        &mut self,
        until: Timestamp,
        watch: impl FnMut(Stepped<'_>),
    ) -> Result<(), HostError> {
        Ok(self.replica.catch_up_until(until, of_store(self.store, watch))?)
    }
}

/// Shows `watch` the events of one store alone.
fn of_store(store: StoreId, mut watch: impl FnMut(Stepped<'_>)) -> impl FnMut(Stepped<'_>) {
    move |stepped| {
        if stepped.event.store == store {
            watch(stepped);
        }
    }
}

/// Where a mirror begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// At the newest snapshots.
    FromSnapshot,
    /// At the beginning of the log, as a full replay needs it.
    FromStart,
}

impl ChainReader {
    /// Opens a data folder, whether a process writes it or not, and reads up to what is on disk
    /// now.
    pub fn open(folder: &Folder, follow: Follow) -> Result<Self, HostError> {
        let mut mirror = Self::open_behind(folder, follow)?;
        mirror.catch_up(|_, _| {})?;
        Ok(mirror)
    }

    /// Opens a data folder as it was when the last event received by `until` had been stepped.
    pub fn open_until(folder: &Folder, until: Timestamp) -> Result<Self, HostError> {
        let mut reader = Self::open_behind(folder, Follow::FromStart)?;
        for replica in &mut reader.replicas {
            replica.catch_up_until(until, |_| {})?;
        }
        Ok(reader)
    }

    /// Opens a data folder without reading beyond its snapshots.
    pub fn open_behind(folder: &Folder, follow: Follow) -> Result<Self, HostError> {
        let meta = folder.meta()?;
        let reader = LogReader::open(folder.log())?;
        let mut replicas = Vec::new();
        for (number, tail) in reader.into_partitions().into_iter().enumerate() {
            let number = number as u32;
            replicas.push(match follow {
                Follow::FromSnapshot => Replica::open(number, tail, &folder.snapshots())?,
                Follow::FromStart => Replica::from_start(number, tail)?,
            });
        }
        Ok(Self { replicas, meta })
    }

    /// Opens a data folder so that each partition stands at its newest snapshot before a position,
    /// or at the beginning of its log: from there on no event from the positions on is missed.
    pub fn open_before(folder: &Folder, positions: &[Offset]) -> Result<Self, HostError> {
        let meta = folder.meta()?;
        let tails = LogReader::open(folder.log())?.into_partitions();
        let mut replicas = Vec::new();
        for (number, tail) in (0..).zip(tails) {
            let from = positions.get(replicas.len()).copied().unwrap_or(0);
            replicas.push(Replica::open_up_to(number, tail, &folder.snapshots(), from)?);
        }
        Ok(Self { replicas, meta })
    }

    /// The same; only where the log does not reach back so far, a partition stands at its newest
    /// snapshot, and the events from the position up to there are missed.
    pub fn open_before_or_newest(folder: &Folder, positions: &[Offset]) -> Result<Self, HostError> {
        let meta = folder.meta()?;
        let tails = LogReader::open(folder.log())?.into_partitions();
        let mut replicas = Vec::new();
        for (number, tail) in (0..).zip(tails) {
            let from = positions.get(replicas.len()).copied().unwrap_or(0);
            let snapshots = folder.snapshots();
            replicas.push(Replica::open_up_to_or_newest(number, tail, &snapshots, from)?);
        }
        Ok(Self { replicas, meta })
    }

    /// Opens a data folder as it was when the last event before each position had been stepped, one
    /// for each partition. A partition that ends before its position stands at its end.
    pub fn open_at(folder: &Folder, positions: &[Offset]) -> Result<Self, HostError> {
        let mut reader = Self::open_before(folder, positions)?;
        for (replica, &position) in reader.replicas.iter_mut().zip(positions) {
            replica.follow_to(position, |_| {})?;
        }
        Ok(reader)
    }

    /// Tells what became of each event that the log has on disk from these positions on, one for
    /// each partition. It is found out by stepping them again, from snapshots before the positions.
    pub fn outcomes_since(
        folder: &Folder,
        positions: &[Offset],
        mut watch: impl FnMut(u32, Stepped<'_>),
    ) -> Result<(), HostError> {
        let tails = LogReader::open(folder.log())?.into_partitions();
        for ((number, tail), &from) in (0..).zip(tails).zip(positions) {
            let mut replica = Replica::open_up_to(number, tail, &folder.snapshots(), from)?;
            replica.catch_up(|stepped| {
                if stepped.offset >= from {
                    watch(number, stepped);
                }
            })?;
        }
        Ok(())
    }

    /// Goes on from the newest snapshots where these are ahead. What lies between is not stepped.
    pub fn leap(&mut self, folder: &Folder) -> Result<(), HostError> {
        let tails = LogReader::open(folder.log())?.into_partitions();
        for (replica, tail) in self.replicas.iter_mut().zip(tails) {
            let (number, snapshots) = (replica.number(), folder.snapshots());
            let newest = SnapshotStore::new(&snapshots, number).positions()?.first().copied();
            if newest.is_some_and(|newest| newest > replica.position()) {
                let leapt = Replica::open(number, tail, &snapshots)?;
                // A snapshot that cannot be read is passed over for an older one.
                if leapt.position() > replica.position() {
                    *replica = leapt;
                }
            }
        }
        Ok(())
    }

    /// Steps what has come onto the disk; `watch` gets the partition too. Returns how many events
    /// that were.
    pub fn catch_up(&mut self, mut watch: impl FnMut(u32, Stepped<'_>)) -> Result<u64, HostError> {
        let mut stepped = 0;
        for replica in &mut self.replicas {
            let number = replica.number();
            stepped += replica.catch_up(|one| watch(number, one))?;
        }
        Ok(stepped)
    }

    /// Steps about a megabyte of each partition of what has come onto the disk; `watch` gets the
    /// partition too. Returns how many events that were.
    pub fn follow(&mut self, mut watch: impl FnMut(u32, Stepped<'_>)) -> Result<u64, HostError> {
        let mut stepped = 0;
        for replica in &mut self.replicas {
            let number = replica.number();
            stepped += replica.follow(|one| watch(number, one))?;
        }
        Ok(stepped)
    }

    /// The offset of the next event of a partition.
    pub fn position(&self, partition: u32) -> Option<Offset> {
        self.replicas.get(partition as usize).map(Replica::position)
    }

    /// What all partitions have counted, by source and stream.
    pub fn source_counts(&self) -> SourceCounts {
        let mut counts = SourceCounts::default();
        for replica in &self.replicas {
            counts.merge(replica.stores().sources());
        }
        counts
    }

    /// What the folder was made with.
    pub fn meta(&self) -> &FolderMeta {
        &self.meta
    }

    /// The stores of each partition.
    pub fn partitions(&self) -> Vec<&Stores> {
        self.replicas.iter().map(Replica::stores).collect()
    }

    /// Every store, in order of their ids.
    pub fn stores(&self) -> Vec<&Store> {
        let mut stores: Vec<&Store> =
            self.replicas.iter().flat_map(|replica| replica.stores().iter()).collect();
        stores.sort_unstable_by_key(|store| store.id());
        stores
    }

    /// What all partitions have counted.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for replica in &self.replicas {
            counts.merge(replica.stores().counts());
        }
        counts
    }

    /// The position of each partition.
    pub fn positions(&self) -> Vec<(u32, Offset)> {
        self.replicas.iter().map(|replica| (replica.number(), replica.position())).collect()
    }

    /// One number for the state of all stores.
    pub fn state_hash(&self) -> Result<u128, HostError> {
        state_hash(self.stores())
            .map_err(|_| HostError::Engine(EngineError::State { partition: 0 }))
    }
}

/// The stores of a chain that is followed from outside, wherever its log is.
pub trait Following {
    /// Steps some of what has come; `watch` gets the partition too. Returns how many events that
    /// were.
    fn follow(&mut self, watch: &mut dyn FnMut(u32, Stepped<'_>)) -> Result<u64, HostError>;

    /// Steps all that has come by now.
    fn catch_up(&mut self) -> Result<(), HostError>;

    /// The stores of each partition.
    fn partitions(&self) -> Vec<&Stores>;

    /// The position of each partition.
    fn positions(&self) -> Vec<Offset>;

    /// How many events have come and were not stepped, where that is known.
    fn behind(&mut self) -> Option<u64>;
}

impl Following for ChainReader {
    fn follow(&mut self, watch: &mut dyn FnMut(u32, Stepped<'_>)) -> Result<u64, HostError> {
        Self::follow(self, watch)
    }

    fn catch_up(&mut self) -> Result<(), HostError> {
        Self::catch_up(self, |_, _| {}).map(drop)
    }

    fn partitions(&self) -> Vec<&Stores> {
        Self::partitions(self)
    }

    fn positions(&self) -> Vec<Offset> {
        self.replicas.iter().map(Replica::position).collect()
    }

    fn behind(&mut self) -> Option<u64> {
        // Whoever shows both has the log's own end.
        None
    }
}

/// The output log of a data folder, read from outside.
#[derive(Debug)]
pub struct OutputTail {
    partitions: Vec<(PartitionReader, Offset)>,
    read: RecordBatch,
}

impl OutputTail {
    /// Opens the output log at its beginning.
    pub fn open(folder: &Folder) -> Result<Self, HostError> {
        let reader = LogReader::open(folder.outputs())?;
        let mut partitions = Vec::new();
        for mut tail in reader.into_partitions() {
            let start = tail.start_offset()?;
            partitions.push((tail, start));
        }
        Ok(Self { partitions, read: RecordBatch::new() })
    }

    /// Moves on so that about `records` of the newest records of each partition are still ahead.
    pub fn skip_to_last(&mut self, records: u64) -> Result<(), HostError> {
        for (tail, position) in &mut self.partitions {
            let newest = tail.end_offset()?.saturating_sub(records);
            *position = (*position).max(newest);
        }
        Ok(())
    }

    /// Reads what has come onto the disk, partition by partition. Returns how many records that
    /// were.
    pub fn catch_up(&mut self, mut watch: impl FnMut(u32, OutputRecord)) -> Result<u64, HostError> {
        let mut count = 0;
        for (number, (tail, position)) in self.partitions.iter_mut().enumerate() {
            let partition = number as u32;
            while *position < tail.end_offset()? {
                *position = tail.read(*position, READ_BYTES, &mut self.read)?;
                for record in self.read.iter() {
                    let record = decode_effect(record)
                        .map_err(|source| HostError::Output { partition, source })?;
                    watch(partition, record);
                    count += 1;
                }
            }
        }
        Ok(count)
    }
}
