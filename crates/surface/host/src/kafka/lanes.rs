//! The lanes of a worker: begun and ended as the group decides.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// What a thread and whoever ends it tell each other. Each of the two first says its own and then
/// looks at what the other says, so that one of them always sees it.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    stop: AtomicBool,
    /// Whether it has something to finish.
    busy: AtomicBool,
}

impl Turn {
    /// Whether it has been ended.
    pub(crate) fn is_over(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Is set when it has been ended.
    pub(crate) fn stop(&self) -> &AtomicBool {
        &self.stop
    }

    /// From here on it has something to finish, and whoever ends it waits for that. Returns whether
    /// it may go on: where it was ended before, nobody may wait for it any more.
    pub(crate) fn begin_work(&self) -> bool {
        self.busy.store(true, Ordering::SeqCst);
        !self.is_over()
    }

    /// It has nothing more to finish.
    pub(crate) fn end_work(&self) {
        self.busy.store(false, Ordering::SeqCst);
    }
}

/// A thread that works for one partition of a topic.
struct Running {
    turn: Arc<Turn>,
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

    /// Begins a thread for a partition that has none. It ends when its turn is over.
    pub(crate) fn begin(
        &self,
        partition: &(String, u32),
        work: impl FnOnce(Arc<Turn>) + Send + 'static,
    ) {
        let mut running = self.running();
        if running.contains_key(partition) {
            return;
        }
        let turn = Arc::new(Turn::default());
        let told = Arc::clone(&turn);
        let name = format!("shelf-p{:02}", partition.1);
        let begun = std::thread::Builder::new().name(name).spawn(move || work(told));
        // Without a thread the partition stands still until the group meets again.
        if let Ok(thread) = begun {
            running.insert(partition.clone(), Running { turn, thread });
        }
    }

    /// Ends the threads of these partitions, and waits until each has finished what it can. One
    /// that has nothing to finish is left to itself: it may be far from a place where it could end,
    /// and the group waits.
    pub(crate) fn end(&self, partitions: &[(String, u32)]) {
        let ended: Vec<Running> = {
            let mut running = self.running();
            partitions.iter().filter_map(|partition| running.remove(partition)).collect()
        };
        for lane in &ended {
            lane.turn.stop.store(true, Ordering::SeqCst);
        }
        for lane in ended {
            if lane.turn.busy.load(Ordering::SeqCst) {
                let _ = lane.thread.join();
            }
        }
    }

    /// Ends all threads.
    pub(crate) fn end_all(&self) {
        let all: Vec<(String, u32)> = self.running().keys().cloned().collect();
        self.end(&all);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn one_that_has_something_to_finish_is_waited_for_and_no_other() {
        let (lanes, of) = (Lanes::default(), |number| ("log_events".to_owned(), number));
        let (open, opens) = channel::<()>();
        let (tell, told) = channel();
        let telling = tell.clone();
        // It opens for as long as it is let, and finds then that nobody waits for it.
        lanes.begin(&of(0), move |turn| {
            telling.send("begun").unwrap();
            opens.recv().unwrap();
            telling.send(if turn.begin_work() { "works" } else { "is over" }).unwrap();
        });
        lanes.begin(&of(1), move |turn| {
            assert!(turn.begin_work());
            tell.send("begun").unwrap();
            while !turn.is_over() {
                std::thread::sleep(Duration::from_millis(1));
            }
            tell.send("finished").unwrap();
        });
        let next = || told.recv_timeout(PATIENCE).unwrap();
        assert_eq!([next(), next()], ["begun"; 2]);
        lanes.end_all();
        assert_eq!(told.try_recv(), Ok("finished"), "it was waited for");
        open.send(()).unwrap();
        assert_eq!(next(), "is over");
        // Its partition may come back before it has ended.
        lanes.begin(&of(0), |_| {});
        lanes.end_all();
    }
}
