//! When to commit.

use std::time::{Duration, Instant};

/// Commits so often, counted from the beginning of one to that of the next: what comes while one
/// is under way waits no longer than what comes behind it. Half of the time is left for work, where
/// a commit takes long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cadence {
    every: Duration,
    due: Instant,
}

impl Cadence {
    pub(crate) fn new(every: Duration) -> Self {
        Self { every, due: Instant::now() + every }
    }

    /// How long until the next commit.
    pub(crate) fn wait(&self) -> Duration {
        self.due.saturating_duration_since(Instant::now())
    }

    pub(crate) fn is_due(&self) -> bool {
        self.wait().is_zero()
    }

    /// One that began then has ended.
    pub(crate) fn committed(&mut self, begun: Instant) {
        self.due = (begun + self.every).max(Instant::now() + self.every / 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_are_counted_from_their_beginnings_and_leave_room_for_work() {
        const EVERY: Duration = Duration::from_mins(1);
        let mut cadence = Cadence::new(EVERY);
        assert!(!cadence.is_due());
        let now = Instant::now();
        cadence.committed(now);
        assert_eq!(cadence.due, now + EVERY);
        // One that took longer than the interval.
        cadence.committed(now.checked_sub(2 * EVERY).unwrap());
        assert!(cadence.due >= now + EVERY / 2 && cadence.due < now + EVERY);
        let cadence = Cadence::new(Duration::ZERO);
        assert!(cadence.is_due());
    }
}
