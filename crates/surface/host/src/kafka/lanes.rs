//! The lanes of a worker: begun and ended as the group decides.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// A thread that works for one partition of a topic.
struct Running {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

/// Threads by the partition that each works for.
#[derive(Default)]
pub(crate) struct Lanes {
    running: Mutex<BTreeMap<(String, u32), Running>>,
}

impl Lanes {
    fn running(&self) -> MutexGuard<'_, BTreeMap<(String, u32), Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a thread for a partition that has none. It ends when `stop` is set.
    pub(crate) fn begin(
        &self,
        partition: &(String, u32),
        work: impl FnOnce(Arc<AtomicBool>) + Send + 'static,
    ) {
        let mut running = self.running();
        if running.contains_key(partition) {
            return;
        }
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let name = format!("shelf-p{:02}", partition.1);
        let begun = std::thread::Builder::new().name(name).spawn(move || work(told));
        // Without a thread the partition stands still until the group meets again.
        if let Ok(thread) = begun {
            running.insert(partition.clone(), Running { stop, thread });
        }
    }

    /// Ends the threads of these partitions, and waits until each has finished what it can.
    pub(crate) fn end(&self, partitions: &[(String, u32)]) {
        let ended: Vec<Running> = {
            let mut running = self.running();
            partitions.iter().filter_map(|partition| running.remove(partition)).collect()
        };
        for lane in &ended {
            lane.stop.store(true, Ordering::Release);
        }
        for lane in ended {
            let _ = lane.thread.join();
        }
    }

    /// Ends all threads.
    pub(crate) fn end_all(&self) {
        let all: Vec<(String, u32)> = self.running().keys().cloned().collect();
        self.end(&all);
    }
}
