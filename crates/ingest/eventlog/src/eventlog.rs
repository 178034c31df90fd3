//! A log as its one writer opens it: the folder, its lock, its partitions.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use shelf_ports::LogError;

use crate::disk::{Disk, damaged, failed};
use crate::format::HEADER_BYTES;
use crate::recovery::{self, Opened, Recovered};
use crate::segment::{self, Segment};
use crate::sync::SyncThreads;
use crate::{LogOptions, Partition, meta};

/// The most threads that open partitions at the same time.
const OPENING_THREADS_MAX: usize = 8;

/// A log open for writing. Only one process can have it; any number can follow it with a
/// [`LogReader`](crate::LogReader).
///
/// Dropping a log, or the last of its partitions, serves the syncs that were requested, without
/// reporting their errors: call [`PartitionLog::sync`](shelf_ports::PartitionLog::sync) first.
#[derive(Debug)]
pub struct EventLog {
    partitions: Vec<Partition>,
    recovered: Vec<Recovered>,
    partitions_ignored: Option<u32>,
}

/// What the partitions of a log hold together. The threads end before the lock is given back.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) sync: SyncThreads,
    _lock: Lock,
}

/// The lock on the folder. Closing the file alone is not enough to give it back: a child process
/// that is just being started by another thread holds a copy of the file for a moment.
#[derive(Debug)]
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // What cannot be unlocked is unlocked when the process ends.
        let _ = self.0.unlock();
    }
}

impl EventLog {
    /// Opens the log in the folder `dir`, and creates it where there is none.
    ///
    /// # Errors
    /// [`LogError::InUse`] if another writer has it, [`LogError::Format`] if a newer program wrote
    /// it, [`LogError::Damaged`] if durable bytes are not what was written, [`LogError::Io`] if
    /// the disk refuses, a read-only folder included.
    pub fn open(dir: impl AsRef<Path>, options: LogOptions) -> Result<Self, LogError> {
        Self::open_on(&Disk::new(options.sync), dir.as_ref(), options)
    }

    pub(crate) fn open_on(disk: &Disk, dir: &Path, options: LogOptions) -> Result<Self, LogError> {
        let options = options.limited();
        fs::create_dir_all(dir).map_err(failed("create", dir))?;
        let lock = lock(dir)?;
        let partitions = match meta::read(dir)? {
            Some(partitions) => partitions,
            None => create(disk, dir, options.partitions)?,
        };
        let opened = open_partitions(disk, dir, partitions, options)?;
        let sync =
            SyncThreads::start(partitions).map_err(failed("start the sync threads of", dir))?;
        let shared = Arc::new(Shared { sync, _lock: lock });
        let recovered = opened.iter().filter_map(|opened| opened.recovered).collect();
        let partitions_ignored = (partitions != options.partitions).then_some(options.partitions);
        let partitions = (0..).zip(opened).map(|(number, opened)| {
            let dir = meta::partition_dir(dir, number);
            Partition::new(number, dir, options, disk.clone(), opened, Arc::clone(&shared))
        });
        Ok(Self { partitions: partitions.collect(), recovered, partitions_ignored })
    }

    /// How many partitions the log has.
    pub fn partition_count(&self) -> u32 {
        self.partitions.len() as u32
    }

    /// The number of partitions that was asked for, if the log was created with another one and
    /// keeps it.
    pub fn partitions_ignored(&self) -> Option<u32> {
        self.partitions_ignored
    }

    /// The unfinished ends that opening has cut off.
    pub fn recovered(&self) -> &[Recovered] {
        &self.recovered
    }

    /// One partition, to be used in place.
    pub fn partition(&mut self, number: u32) -> Option<&mut Partition> {
        self.partitions.get_mut(number as usize)
    }

    /// All partitions in order, to be used from different threads. The lock is held until the last
    /// one is dropped.
    pub fn into_partitions(self) -> Vec<Partition> {
        self.partitions
    }
}

fn lock(dir: &Path) -> Result<Lock, LogError> {
    let path = dir.join("lock");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    let file = options.open(&path).map_err(failed("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(LogError::InUse { path }),
        Err(TryLockError::Error(error)) => Err(failed("lock", &path)(error)),
    }
}

/// Creates an empty log. The file `meta` comes last: until it is there, nothing was created.
fn create(disk: &Disk, dir: &Path, partitions: u32) -> Result<u32, LogError> {
    for number in 0..partitions {
        let partition_dir = meta::partition_dir(dir, number);
        fs::create_dir_all(&partition_dir).map_err(failed("create", &partition_dir))?;
        refuse_records(&partition_dir, dir)?;
        let first = Segment::new(&partition_dir, 0);
        segment::create(disk, &first, number, None)?.sync()?;
        disk.sync_dir(&partition_dir)?;
    }
    meta::write(disk, dir, partitions)?;
    let parent: PathBuf = dir.components().collect();
    if let Some(parent) = parent.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        disk.sync_dir(parent)?;
    }
    Ok(partitions)
}

/// A folder with records and without `meta` has lost it. Creating a log there would empty it.
fn refuse_records(partition_dir: &Path, dir: &Path) -> Result<(), LogError> {
    for segment in segment::list(partition_dir)? {
        let file = fs::metadata(&segment.path).map_err(failed("read", &segment.path))?;
        if file.len() > HEADER_BYTES as u64 {
            return Err(damaged(&meta::path(dir), 0, "the file is missing beside its partitions"));
        }
    }
    Ok(())
}

/// Opens the partitions on a few threads: each reads its newest segment whole.
fn open_partitions(
    disk: &Disk,
    dir: &Path,
    partitions: u32,
    options: LogOptions,
) -> Result<Vec<Opened>, LogError> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(OPENING_THREADS_MAX);
    let open = |number| {
        let partition_dir = meta::partition_dir(dir, number);
        recovery::open(disk, &partition_dir, number, options.tail_damage)
    };
    let mut opened: Vec<(u32, Result<Opened, LogError>)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads as u32)
            .map(|first| {
                let share = (first..partitions).step_by(threads);
                scope.spawn(move || share.map(|number| (number, open(number))).collect::<Vec<_>>())
            })
            .collect();
        let joined = workers.into_iter().map(thread::ScopedJoinHandle::join);
        joined.flat_map(|part| part.unwrap_or_else(|panic| panic::resume_unwind(panic))).collect()
    });
    opened.sort_unstable_by_key(|&(number, _)| number);
    opened.into_iter().map(|(_, result)| result).collect()
}
