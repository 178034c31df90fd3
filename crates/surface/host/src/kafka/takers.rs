//! What those who take messages share: how they come to partitions, count, and begin anew.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shelf_kafka::{Assignment, KafkaError};

use super::lanes::Lanes;
use super::taker::pause;

const PAUSE: Duration = Duration::from_millis(500);
/// Where somebody else has taken over, or others go by other lists.
const PAUSE_FENCED: Duration = Duration::from_secs(3);
/// How often the end of a topic is asked for.
pub(super) const LAG_EVERY: Duration = Duration::from_secs(1);

/// A partition of a topic.
pub(super) type Partition = (String, u32);
type Work = dyn Fn(&Partition, &AtomicBool) + Send + Sync;

/// Threads that take messages, one for each partition that the group gives us.
pub(super) struct Takers {
    lanes: Lanes,
    work: Arc<Work>,
}

impl Takers {
    /// Each thread does `work` until it is told to stop.
    pub(super) fn new(work: impl Fn(&Partition, &AtomicBool) + Send + Sync + 'static) -> Self {
        Self { lanes: Lanes::default(), work: Arc::new(work) }
    }
}

impl Assignment for Takers {
    fn assigned(&self, partitions: &[Partition]) {
        for partition in partitions {
            let (work, of) = (Arc::clone(&self.work), partition.clone());
            self.lanes.begin(partition, move |turn| {
                if turn.begin_work() {
                    work(&of, turn.stop());
                }
            });
        }
    }

    fn revoked(&self, partitions: &[Partition]) {
        self.lanes.end(partitions);
    }
}

impl Drop for Takers {
    fn drop(&mut self) {
        self.lanes.end_all();
    }
}

/// What they have taken, and what is in their way.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) messages: AtomicU64,
    pub(super) committed: AtomicU64,
    pub(super) failures: AtomicU64,
    pub(super) skipped: AtomicU64,
    trouble: Mutex<BTreeMap<Partition, KafkaError>>,
    lag: Mutex<BTreeMap<Partition, Option<u64>>>,
}

impl Counted {
    /// Serves until it ends by itself; whatever fails, it is begun anew.
    pub(super) fn run(
        &self,
        partition: &Partition,
        stop: &AtomicBool,
        serve: impl Fn() -> Result<(), KafkaError>,
    ) {
        while !stop.load(Ordering::Acquire) {
            let Err(error) = serve() else { break };
            self.failures.fetch_add(1, Ordering::Relaxed);
            let by_others = matches!(error, KafkaError::Fenced { .. } | KafkaError::Lists { .. });
            self.in_the_way(partition, Some(error));
            pause(if by_others { PAUSE_FENCED } else { PAUSE }, stop);
        }
        self.in_the_way(partition, None);
    }

    /// Notes how far a partition is taken behind its end.
    pub(super) fn behind(&self, partition: Partition, lag: Option<u64>) {
        self.lags().insert(partition, lag);
    }

    /// Forgets how far these partitions are, and what was in the way of their messages: others take
    /// them, or they are begun anew.
    pub(super) fn gone(&self, is_gone: impl Fn(&Partition) -> bool) {
        self.lags().retain(|partition, _| !is_gone(partition));
        self.all().retain(|partition, _| !is_gone(partition));
    }

    /// How many offsets of each topic are not taken yet; `None` where that is not known of all of
    /// its partitions.
    pub(super) fn lag(&self) -> BTreeMap<String, Option<u64>> {
        let mut lags = BTreeMap::new();
        for ((topic, _), found) in self.lags().iter() {
            let sum = lags.entry(topic.clone()).or_insert(Some(0));
            *sum = sum.zip(*found).map(|(sum, lag): (u64, u64)| sum.saturating_add(lag));
        }
        lags
    }

    fn lags(&self) -> MutexGuard<'_, BTreeMap<Partition, Option<u64>>> {
        self.lag.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what is in the way, or that nothing is.
    pub(super) fn in_the_way(&self, partition: &Partition, error: Option<KafkaError>) {
        match error {
            Some(error) => drop(self.all().insert(partition.clone(), error)),
            None => drop(self.all().remove(partition)),
        }
    }

    /// What is in the way, by topic and partition: a code and a sentence, with its cause.
    pub(super) fn trouble(&self) -> Vec<(String, u32, &'static str, String)> {
        let all = self.all();
        let told = all.iter().map(|((topic, partition), error)| {
            let cause = std::error::Error::source(error);
            let cause = cause.map_or_else(String::new, |cause| format!(": {cause}"));
            (topic.clone(), *partition, error.code(), format!("{error}{cause}"))
        });
        told.collect()
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<Partition, KafkaError>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
