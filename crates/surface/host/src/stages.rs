//! How long the stages of the path of an event take, and how often they fail: measured where they
//! happen. Times are told of the last minutes, failures since the start.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::quality::LatencyFigures;

/// So long times are gathered before those gathered earlier are let go: what is told is of this
/// long to twice as long.
const SPAN: Duration = Duration::from_mins(5);
/// The longest time that is told apart, in microseconds; longer ones count as this.
const LONGEST_US: u64 = 3_600_000_000;
/// Times are kept to so many digits.
const DIGITS: u8 = 2;

/// A stage that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// An event from outside, from its arrival until it is on disk.
    Ingest,
    /// Waiting until what was appended to the logs is on disk.
    Log,
    /// Stepping a batch of events of one partition.
    Core,
    /// Saving the state of one partition.
    Snapshot,
    /// Committing a round to the tables of the lake.
    Lake,
}

impl Stage {
    /// All of them, in the order of the path.
    pub const ALL: [Self; 5] = [Self::Ingest, Self::Log, Self::Core, Self::Snapshot, Self::Lake];

    /// Its stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Log => "log",
            Self::Core => "core",
            Self::Snapshot => "snapshot",
            Self::Lake => "lake",
        }
    }
}

/// What was measured of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageFigures {
    /// Which.
    pub stage: Stage,
    /// How long it took in the last minutes; `None` where nothing was measured.
    pub times: Option<LatencyFigures>,
    /// How often it has failed since the process started.
    pub failures: u64,
}

/// The times and failures of all stages of a process.
#[derive(Debug, Default)]
pub struct StageTimes([Mutex<Times>; Stage::ALL.len()]);

#[derive(Debug, Default)]
struct Times {
    failures: u64,
    begun: Option<Instant>,
    gathered: Option<Histogram<u64>>,
    before: Option<Histogram<u64>>,
}

impl StageTimes {
    /// Notes how long a stage took once.
    pub fn took(&self, stage: Stage, length: Duration) {
        self.of(stage).add(length, Instant::now());
    }

    /// Notes that a stage has failed once.
    pub fn failed(&self, stage: Stage) {
        self.of(stage).failures += 1;
    }

    /// Does `work` and notes how long it took, whatever came of it, and whether it failed.
    pub fn timed<T, E>(&self, stage: Stage, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let begun = Instant::now();
        let done = work();
        self.took(stage, begun.elapsed());
        done.inspect_err(|_| self.failed(stage))
    }

    /// What was measured of each stage, in the order of the path.
    pub fn read(&self) -> Vec<StageFigures> {
        let now = Instant::now();
        let figures = |stage| {
            let mut of = self.of(stage);
            StageFigures { stage, times: of.read(now), failures: of.failures }
        };
        Stage::ALL.into_iter().map(figures).collect()
    }

    fn of(&self, stage: Stage) -> MutexGuard<'_, Times> {
        let [ingest, log, core, snapshot, lake] = &self.0;
        let times = match stage {
            Stage::Ingest => ingest,
            Stage::Log => log,
            Stage::Core => core,
            Stage::Snapshot => snapshot,
            Stage::Lake => lake,
        };
        times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Times {
    fn add(&mut self, length: Duration, now: Instant) {
        self.let_go(now);
        self.begun.get_or_insert(now);
        if self.gathered.is_none() {
            self.gathered = Histogram::new_with_bounds(1, LONGEST_US, DIGITS).ok();
        }
        if let Some(times) = &mut self.gathered {
            times.saturating_record(u64::try_from(length.as_micros()).unwrap_or(LONGEST_US).max(1));
        }
    }

    fn let_go(&mut self, now: Instant) {
        let Some(begun) = self.begun else { return };
        let age = now.saturating_duration_since(begun);
        if age >= SPAN {
            self.before = self.gathered.take().filter(|_| age < 2 * SPAN);
            self.begun = self.before.as_ref().map(|_| now);
        }
    }

    fn read(&mut self, now: Instant) -> Option<LatencyFigures> {
        self.let_go(now);
        let mut all = self.gathered.clone().or_else(|| self.before.clone())?;
        if let (Some(before), Some(_)) = (&self.before, &self.gathered) {
            // Both have the same bounds: nothing of one does not fit into the other.
            all.add(before).ok()?;
        }
        Some(LatencyFigures::of(&all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_they_were_measured() {
        let (mut times, now) = (Times::default(), Instant::now());
        assert_eq!(times.read(now), None);
        for ms in 1..=1_000 {
            times.add(Duration::from_millis(ms), now);
        }
        let told = times.read(now).unwrap();
        assert_eq!(told.count, 1_000);
        assert!((990_000..1_000_000).contains(&told.p99_us), "{told:?}");
        assert!((500_000..510_000).contains(&told.p50_us), "{told:?}");
        for length in [Duration::ZERO, Duration::from_hours(1_000)] {
            let mut one = Times::default();
            one.add(length, now);
            assert_eq!(one.read(now).unwrap().count, 1);
        }
    }

    #[test]
    fn what_is_old_is_let_go() {
        let (mut times, begun) = (Times::default(), Instant::now());
        times.add(Duration::from_secs(1), begun);
        let later = begun + SPAN + Duration::from_secs(1);
        times.add(Duration::from_millis(1), later);
        assert_eq!(times.read(later).unwrap().count, 2);
        let latest = later + SPAN;
        let told = times.read(latest).unwrap();
        assert!(told.count == 1 && told.max_us < 1_100, "{told:?}");
        assert_eq!(times.read(latest + SPAN), None);
        times.add(Duration::from_millis(1), latest + 9 * SPAN);
        assert_eq!(times.read(latest + 9 * SPAN).unwrap().count, 1);
    }

    #[test]
    fn stages_are_measured_apart() {
        let times = StageTimes::default();
        assert_eq!(times.timed(Stage::Log, || Ok::<_, &str>(7)), Ok(7));
        assert_eq!(times.timed(Stage::Log, || Err::<u8, _>("full")), Err("full"));
        times.took(Stage::Lake, Duration::from_secs(2));
        times.failed(Stage::Ingest);
        let told = times.read();
        let known = told.iter().filter_map(|of| Some((of.stage.code(), of.times?.count)));
        assert_eq!(known.collect::<Vec<_>>(), [("log", 2), ("lake", 1)]);
        let failures: Vec<u64> = told.iter().map(|of| of.failures).collect();
        assert_eq!(failures, [1, 1, 0, 0, 0], "one that failed is timed all the same");
    }
}
