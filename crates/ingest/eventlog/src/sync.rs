//! Group commit: a few threads make what was appended durable, for all partitions of a log.
//!
//! A request only puts the partition into a queue. Requests that come while a partition waits for
//! the disk are served together the next time. More than one thread, because a file system commits
//! what several threads sync at the same moment together.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use shelf_ports::{LogError, Offset};

use crate::disk::DiskFile;
use crate::mark::Mark;

/// The most threads that wait for the disk on behalf of one log.
const SYNC_THREADS_MAX: u32 = 4;

/// How far one partition is durable, shared by its owner and the sync threads.
#[derive(Debug)]
pub(crate) struct Progress {
    durable: AtomicU64,
    /// Held for the whole of a sync, so that the mark never goes back.
    mark: Mutex<Mark>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    target: Option<Target>,
    /// The data may be lost although it can still be read: there is no way on but a new start.
    broken: Option<LogError>,
    /// The mark could not be written. Reported once, then tried again.
    hiccup: Option<LogError>,
}

/// What is asked to become durable. Earlier segments already are.
#[derive(Debug)]
struct Target {
    file: Arc<DiskFile>,
    end: Offset,
}

impl Progress {
    /// A partition that is durable up to `durable`.
    pub(crate) fn new(mark: Mark, durable: Offset) -> Self {
        Self {
            durable: AtomicU64::new(durable),
            mark: Mutex::new(mark),
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    pub(crate) fn durable(&self) -> Offset {
        self.durable.load(Ordering::Acquire)
    }

    /// The error that an earlier sync left, if any.
    pub(crate) fn check(&self) -> Result<(), LogError> {
        lock(&self.state).check()
    }

    /// Waits until everything below `end` is durable, after a request for it.
    pub(crate) fn wait(&self, end: Offset) -> Result<Offset, LogError> {
        let mut state = lock(&self.state);
        loop {
            state.check()?;
            let durable = self.durable();
            if durable >= end {
                return Ok(durable);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The work of a sync thread for one partition.
    fn carry_out(&self) {
        let mark = lock(&self.mark);
        let Some(target) = lock(&self.state).take_target() else { return };
        let synced = target.file.sync();
        let marked = if synced.is_ok() { mark.write(target.end) } else { Ok(()) };
        let mut state = lock(&self.state);
        match (synced, marked) {
            (Ok(()), Ok(())) => {
                self.durable.fetch_max(target.end, Ordering::AcqRel);
            }
            (Err(error), _) => state.broken = Some(error),
            (Ok(()), Err(error)) => state.hiccup = Some(error),
        }
        drop(state);
        self.changed.notify_all();
    }
}

impl State {
    /// After a failed sync a later one can succeed without the lost pages: it must not be tried.
    fn take_target(&mut self) -> Option<Target> {
        self.target.take().filter(|_| self.broken.is_none())
    }

    fn check(&mut self) -> Result<(), LogError> {
        if let Some(error) = &self.broken {
            return Err(again(error));
        }
        self.hiccup.take().map_or(Ok(()), Err)
    }
}

/// The sync threads of a log. Dropping them serves what was requested and ends the threads.
#[derive(Debug)]
pub(crate) struct SyncThreads {
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Queue {
    state: Mutex<QueueState>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct QueueState {
    waiting: VecDeque<Arc<Progress>>,
    closing: bool,
}

impl SyncThreads {
    pub(crate) fn start(partitions: u32) -> io::Result<Self> {
        let mut started = Self { queue: Arc::default(), threads: Vec::new() };
        for _ in 0..partitions.min(SYNC_THREADS_MAX) {
            let queue = Arc::clone(&started.queue);
            let named = thread::Builder::new().name("eventlog-sync".to_owned());
            started.threads.push(named.spawn(move || queue.serve())?);
        }
        Ok(started)
    }

    /// Asks for everything below `end`, whose last part is in `file`, to become durable. It takes
    /// short locks only and never waits for the disk.
    pub(crate) fn request(
        &self,
        progress: &Arc<Progress>,
        file: &Arc<DiskFile>,
        end: Offset,
    ) -> Result<(), LogError> {
        let mut state = lock(&progress.state);
        state.check()?;
        if progress.durable() >= end {
            return Ok(());
        }
        let queued = state.target.replace(Target { file: Arc::clone(file), end }).is_some();
        drop(state);
        if !queued {
            lock(&self.queue.state).waiting.push_back(Arc::clone(progress));
            self.queue.wake.notify_one();
        }
        Ok(())
    }
}

impl Drop for SyncThreads {
    fn drop(&mut self) {
        lock(&self.queue.state).closing = true;
        self.queue.wake.notify_all();
        for thread in self.threads.drain(..) {
            // Every error is reported through `Progress`, so there is nothing to learn here.
            let _ = thread.join();
        }
    }
}

impl Queue {
    fn serve(&self) {
        loop {
            let mut state = lock(&self.state);
            while state.waiting.is_empty() && !state.closing {
                state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            let Some(progress) = state.waiting.pop_front() else { return };
            drop(state);
            progress.carry_out();
        }
    }
}

/// No code that holds these locks can panic, so a poisoned one is still consistent.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The same error once more: an [`io::Error`] cannot be cloned.
fn again(error: &LogError) -> LogError {
    match error {
        LogError::Io { action, path, source } => {
            let source = source.raw_os_error().map_or_else(
                || io::Error::new(source.kind(), source.to_string()),
                io::Error::from_raw_os_error,
            );
            LogError::Io { action, path: path.clone(), source }
        }
        other => LogError::Io {
            action: "sync",
            path: std::path::PathBuf::new(),
            source: io::Error::other(other.to_string()),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;
    use crate::SyncMode;
    use crate::disk::Disk;
    use crate::faults::{Call, Fault};

    #[test]
    fn a_request_that_came_during_a_failing_sync_is_not_served() {
        let dir = tempfile::TempDir::new().unwrap();
        let disk = Disk::new(SyncMode::None);
        let file = Arc::new(disk.create(&dir.path().join("segment.log")).unwrap());
        let progress = Progress::new(Mark::open(&disk, dir.path()).unwrap(), 0);
        let request = |end| {
            lock(&progress.state).target = Some(Target { file: Arc::clone(&file), end });
        };
        request(3);
        progress.carry_out();
        assert_eq!(progress.wait(3).unwrap(), 3);
        let kind = ErrorKind::StorageFull;
        disk.faults.arm(Fault { call: Call::Sync, name: ".log", kind, part: 0 });
        request(5);
        progress.carry_out();
        assert_eq!(disk.faults.fired(), 1);
        request(7);
        progress.carry_out();
        assert_eq!(progress.durable(), 3);
        assert!(progress.wait(7).is_err() && progress.check().is_err());
    }
}
