//! Who is logged in, and who has failed to too often. Both are kept in memory: after a restart
//! people log in anew.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::users::{hashed, secret};
use crate::error::WebError;

/// How long a session lasts without a request.
const IDLE: Duration = Duration::from_hours(12);
/// How long a session lasts at most.
const WHOLE: Duration = Duration::from_hours(7 * 24);
/// The most sessions; the one that was idle for longest gives way.
const SESSIONS: usize = 10_000;
/// Failures after which a name or an address has to wait.
const FAILURES: u32 = 5;
/// How long it waits, and how long failures are remembered.
const WAIT: Duration = Duration::from_mins(1);
/// The most names and addresses whose failures are remembered.
const REMEMBERED: usize = 10_000;

/// One session.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) user: String,
    pub(super) csrf: String,
    begun: Instant,
    used: Instant,
}

/// The sessions, by the hash of what the cookie holds.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    open: Mutex<HashMap<String, Session>>,
    failures: Mutex<HashMap<String, (u32, Instant)>>,
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sessions {
    /// Begins a session, and returns what its cookie holds.
    pub(super) fn begin(&self, user: &str) -> Result<String, WebError> {
        let (cookie, csrf, now) = (secret()?, secret()?, Instant::now());
        let mut open = locked(&self.open);
        if open.len() >= SESSIONS
            && let Some(oldest) =
                open.iter().min_by_key(|(_, session)| session.used).map(|(key, _)| key.clone())
        {
            open.remove(&oldest);
        }
        let session = Session { user: user.to_owned(), csrf, begun: now, used: now };
        open.insert(hashed(&cookie), session);
        Ok(cookie)
    }

    /// The session of a cookie, where it lasts.
    pub(super) fn get(&self, cookie: &str) -> Option<Session> {
        let key = hashed(cookie);
        let mut open = locked(&self.open);
        let session = open.get_mut(&key)?;
        if session.used.elapsed() > IDLE || session.begun.elapsed() > WHOLE {
            open.remove(&key);
            return None;
        }
        session.used = Instant::now();
        Some(session.clone())
    }

    /// Ends the session of a cookie.
    pub(super) fn end(&self, cookie: &str) {
        locked(&self.open).remove(&hashed(cookie));
    }

    /// Whether this name or address has to wait.
    pub(super) fn must_wait(&self, whose: &str) -> bool {
        let failures = locked(&self.failures);
        failures.get(whose).is_some_and(|(count, last)| *count >= FAILURES && last.elapsed() < WAIT)
    }

    /// Notes a failure of this name or address.
    pub(super) fn failed(&self, whose: &str) {
        let mut failures = locked(&self.failures);
        if failures.len() >= REMEMBERED {
            failures.retain(|_, (_, last)| last.elapsed() < WAIT);
        }
        // Where still too many fail at once, the oldest are not worth a search.
        if failures.len() >= REMEMBERED {
            failures.clear();
        }
        let entry = failures.entry(whose.to_owned()).or_insert((0, Instant::now()));
        let before = if entry.1.elapsed() < WAIT { entry.0 } else { 0 };
        *entry = (before + 1, Instant::now());
    }

    /// Forgets the failures of a name.
    pub(super) fn succeeded(&self, whose: &str) {
        locked(&self.failures).remove(whose);
    }
}
