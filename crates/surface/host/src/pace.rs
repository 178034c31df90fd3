//! How fast the time of a simulated environment passes beside the clock, and whether it stands.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use shelf_domain::Timestamp;

/// The time of a simulation: whoever drives the chain asks what time it is, people change the speed
/// or hold it still. Shared by all of them.
#[derive(Debug)]
pub struct Pace {
    inner: Mutex<Inner>,
}

#[derive(Clone, Copy, Debug)]
struct Inner {
    /// What time it was when the speed last changed.
    base: Timestamp,
    /// When that was.
    since: Instant,
    /// Simulated seconds in a second; `None`: as fast as it goes, and whoever drives says the time.
    speed: Option<f64>,
    paused: bool,
}

impl Inner {
    fn now(&self) -> Timestamp {
        match self.speed {
            Some(speed) if !self.paused => {
                self.base.plus((self.since.elapsed().as_secs_f64() * speed * 1e6) as i64)
            }
            _ => self.base,
        }
    }

    /// The same moment, from which on time may pass otherwise.
    fn rebased(&self) -> Self {
        Self { base: self.now(), since: Instant::now(), ..*self }
    }
}

impl Pace {
    /// Time that goes on from `now` at this speed; without one the driver says what time it is.
    pub fn new(now: Timestamp, speed: Option<f64>) -> Self {
        let inner = Inner { base: now, since: Instant::now(), speed, paused: false };
        Self { inner: Mutex::new(inner) }
    }

    /// What time it is in the simulation.
    pub fn now(&self) -> Timestamp {
        self.lock().now()
    }

    /// Says what time it is, where no speed does.
    pub fn set_now(&self, now: Timestamp) {
        let mut inner = self.lock();
        *inner = Inner { base: now, since: Instant::now(), ..*inner };
    }

    /// Simulated seconds in a second; `None` where it goes as fast as it can.
    pub fn speed(&self) -> Option<f64> {
        self.lock().speed
    }

    /// Goes on at another speed.
    pub fn set_speed(&self, speed: Option<f64>) {
        let mut inner = self.lock();
        *inner = Inner { speed, ..inner.rebased() };
    }

    /// Whether time stands.
    pub fn paused(&self) -> bool {
        self.lock().paused
    }

    /// Holds time still, or lets it go on from where it stood.
    pub fn set_paused(&self, paused: bool) {
        let mut inner = self.lock();
        *inner = Inner { paused, ..inner.rebased() };
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change is one assignment: what a thread that ended has left is whole.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_stands_while_paused_and_never_jumps() {
        let pace = Pace::new(Timestamp(1_000), Some(60.0));
        let first = pace.now();
        pace.set_paused(true);
        let held = pace.now();
        assert!(first >= Timestamp(1_000) && held >= first);
        pace.set_speed(Some(1e9));
        assert_eq!(pace.now(), held);
        pace.set_paused(false);
        assert!(pace.now() >= held);
        pace.set_speed(None);
        let full = pace.now();
        assert_eq!(pace.now(), full);
        pace.set_now(full.plus(7));
        assert_eq!(pace.now(), full.plus(7));
    }
}
