//! What the jobs of a lake have done in this process, for whoever looks on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use shelf_host::StageTimes;
use shelf_web::LakeJob;

/// What is told of the jobs. Its copies are of the same jobs.
#[derive(Clone, Debug, Default)]
pub(crate) struct JobBoard {
    jobs: Arc<Mutex<Vec<LakeJob>>>,
    stages: Arc<StageTimes>,
}

impl JobBoard {
    /// A board beside a chain: commits are timed with the stages of that.
    pub(crate) fn beside(stages: &Arc<StageTimes>) -> Self {
        Self { stages: Arc::clone(stages), ..Self::default() }
    }

    /// How long the stages take.
    pub(crate) fn stages(&self) -> &Arc<StageTimes> {
        &self.stages
    }

    fn all(&self) -> MutexGuard<'_, Vec<LakeJob>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The jobs as they stand.
    pub(crate) fn jobs(&self) -> Vec<LakeJob> {
        self.all().clone()
    }

    /// Says how often a job is due, in minutes; 0: by command alone.
    pub(super) fn schedule(&self, name: &str, every_minutes: u32) {
        let mut all = self.all();
        let every_minutes = u64::from(every_minutes);
        match all.iter_mut().find(|job| job.name == name) {
            Some(job) => job.every_minutes = every_minutes,
            None => {
                all.push(LakeJob { name: name.to_owned(), every_minutes, ..LakeJob::default() });
            }
        }
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut LakeJob)) {
        if let Some(job) = self.all().iter_mut().find(|job| job.name == name) {
            change(job);
        }
    }

    pub(super) fn begun(&self, name: &str) {
        self.change(name, |job| job.running = true);
    }

    /// Notes how a run ended that began then.
    pub(super) fn ended(&self, name: &str, begun: Instant, failure: Option<String>) {
        let now = jiff::Timestamp::now();
        self.change(name, |job| {
            job.running = false;
            job.runs += 1;
            job.took_ms = u64::try_from(begun.elapsed().as_millis()).ok();
            job.ended_at = Some(format!("{now:.0}"));
            job.failure = failure;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_tells_of_its_last_run() {
        let board = JobBoard::default();
        board.schedule("vacuum", 0);
        board.schedule("compaction", 5);
        board.clone().begun("compaction");
        let job = |name: &str| board.jobs().into_iter().find(|job| job.name == name).unwrap();
        assert!(job("compaction").running && !job("vacuum").running);
        board.ended("compaction", Instant::now(), Some("the disk is full".to_owned()));
        let told = job("compaction");
        assert_eq!((told.running, told.runs, told.every_minutes), (false, 1, 5));
        assert_eq!(told.failure.as_deref(), Some("the disk is full"));
        assert!(told.ended_at.is_some_and(|at| at.ends_with('Z')) && told.took_ms.is_some());
        board.ended("compaction", Instant::now(), None);
        assert_eq!((job("compaction").runs, job("compaction").failure), (2, None));
    }
}
