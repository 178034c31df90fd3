//! What takes a while to find out and changes seldom: it is held, and found out again while those
//! who ask get what is known.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long it is taken for new.
const FRESH: Duration = Duration::from_secs(5);
/// How long it is given out while it is found out again. Who comes later waits.
const HOLDS: Duration = Duration::from_secs(30);

/// Something held. Clones hold the same.
pub(super) struct Held<T> {
    known: Arc<Mutex<Option<(Instant, T)>>>,
    looking: Arc<AtomicBool>,
}

impl<T> Clone for Held<T> {
    fn clone(&self) -> Self {
        Self { known: Arc::clone(&self.known), looking: Arc::clone(&self.looking) }
    }
}

impl<T> Default for Held<T> {
    fn default() -> Self {
        Self { known: Arc::default(), looking: Arc::default() }
    }
}

impl<T: Clone + Send + 'static> Held<T> {
    fn known(&self) -> MutexGuard<'_, Option<(Instant, T)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known, or what `look` finds.
    pub(super) fn get<E>(
        &self,
        look: impl FnOnce() -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let held = self.known().clone().filter(|(at, _)| at.elapsed() < HOLDS);
        let Some((at, known)) = held else {
            let found = look()?;
            *self.known() = Some((Instant::now(), found.clone()));
            return Ok(found);
        };
        if at.elapsed() >= FRESH && !self.looking.swap(true, Ordering::AcqRel) {
            let own = self.clone();
            let looked = move || {
                // Whoever asks next hears why it cannot be found out.
                *own.known() = look().ok().map(|found| (Instant::now(), found));
                own.looking.store(false, Ordering::Release);
            };
            let started = std::thread::Builder::new().name("web-look".to_owned()).spawn(looked);
            if started.is_err() {
                self.looking.store(false, Ordering::Release);
            }
        }
        Ok(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_given_out_and_found_out_again_behind() {
        let held = Held::default();
        assert_eq!(held.get(|| Err::<u32, _>("away")), Err("away"));
        assert_eq!(held.get(|| Ok::<_, &str>(1)), Ok(1));
        assert_eq!(held.get(|| Ok::<_, &str>(2)), Ok(1));
        *held.known() = Instant::now().checked_sub(FRESH).map(|at| (at, 1));
        assert_eq!(held.get(|| Ok::<_, &str>(2)), Ok(1));
        while held.looking.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        assert_eq!(held.get(|| Ok::<_, &str>(3)), Ok(2));
        *held.known() = Instant::now().checked_sub(HOLDS).map(|at| (at, 2));
        assert_eq!(held.get(|| Ok::<_, &str>(4)), Ok(4));
    }
}
