//! Who is logged in, and who has failed to too often. Both are kept in memory: after a restart
//! people log in anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::users::{hashed, secret};
use crate::error::WebError;

/// How long a session lasts without a request and without an open page.
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
    /// The hash of the password that it began with.
    pub(super) password: Option<String>,
    begun: Instant,
    used: Instant,
}

/// The tries of a name or an address.
#[derive(Clone, Copy, Debug)]
struct Tries {
    failed: u32,
    under_way: u32,
    /// When the last one failed; before one has, when the first one began.
    last: Instant,
}

impl Tries {
    fn new() -> Self {
        Self { failed: 0, under_way: 0, last: Instant::now() }
    }

    /// Those that have failed in the last while, and those that may still fail.
    fn counted(&self) -> u32 {
        let failed = if self.last.elapsed() < WAIT { self.failed } else { 0 };
        failed + self.under_way
    }
}

/// By the hash of a name or an address, so that no name takes more room than another.
type Failures = Mutex<HashMap<String, Tries>>;

/// A try that is under way. One that is dropped has failed.
#[derive(Debug)]
pub(super) struct Try {
    failures: Arc<Failures>,
    name: String,
    peer: String,
    fits: bool,
}

impl Try {
    /// Forgets the failures of the name, and leaves those of the address as they are.
    pub(super) fn succeeded(mut self) {
        self.fits = true;
    }
}

impl Drop for Try {
    fn drop(&mut self) {
        let mut failures = locked(&self.failures);
        for key in [&self.name, &self.peer] {
            let Some(tries) = failures.get_mut(key) else { continue };
            tries.under_way = tries.under_way.saturating_sub(1);
            if self.fits {
                let forgotten = *key == self.name;
                tries.failed = if forgotten { 0 } else { tries.failed };
            } else {
                // What failed long ago is not remembered with it.
                let failed = tries.counted().saturating_sub(tries.under_way);
                (tries.failed, tries.last) = (failed + 1, Instant::now());
            }
            if tries.failed == 0 && tries.under_way == 0 {
                failures.remove(key);
            }
        }
    }
}

/// The sessions, by the hash of what the cookie holds.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    open: Mutex<HashMap<String, Session>>,
    failures: Arc<Failures>,
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sessions {
    /// Begins a session of a user with this hash of a password, and returns what its cookie holds.
    pub(super) fn begin(&self, user: &str, password: Option<String>) -> Result<String, WebError> {
        let (cookie, csrf, now) = (secret()?, secret()?, Instant::now());
        let mut open = locked(&self.open);
        if open.len() >= SESSIONS
            && let Some(oldest) =
                open.iter().min_by_key(|(_, session)| session.used).map(|(key, _)| key.clone())
        {
            open.remove(&oldest);
        }
        let session = Session { user: user.to_owned(), csrf, password, begun: now, used: now };
        open.insert(hashed(&cookie), session);
        Ok(cookie)
    }

    /// The session of the hash of a cookie, where it lasts; it is used from now on.
    pub(super) fn get(&self, key: &str) -> Option<Session> {
        let mut open = locked(&self.open);
        let session = open.get_mut(key)?;
        if session.used.elapsed() > IDLE || session.begun.elapsed() > WHOLE {
            open.remove(key);
            return None;
        }
        session.used = Instant::now();
        Some(session.clone())
    }

    /// Ends the session of the hash of a cookie.
    pub(super) fn end(&self, key: &str) {
        locked(&self.open).remove(key);
    }

    /// Whether this name or address has to wait.
    pub(super) fn must_wait(&self, whose: &str) -> bool {
        let key = hashed(whose);
        locked(&self.failures).get(&key).is_some_and(|tries| tries.counted() >= FAILURES)
    }

    /// Begins a try of this name from this address, which counts like a failure while it is under
    /// way; `None` where one of both has to wait.
    pub(super) fn may_try(&self, name: &str, peer: &str) -> Option<Try> {
        let (name, peer) = (hashed(name), hashed(peer));
        let mut failures = locked(&self.failures);
        failures.retain(|_, tries| tries.counted() > 0);
        let waits = |key: &str| failures.get(key).is_some_and(|tries| tries.counted() >= FAILURES);
        if waits(&name) || waits(&peer) {
            return None;
        }
        // Where still too many fail at once, the oldest are not worth a search.
        if failures.len() >= REMEMBERED {
            failures.clear();
        }
        for key in [&name, &peer] {
            failures.entry(key.clone()).or_insert_with(Tries::new).under_way += 1;
        }
        drop(failures);
        Some(Try { failures: Arc::clone(&self.failures), name, peer, fits: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Brings the last failures so much further into the past.
    fn pass(sessions: &Sessions, time: Duration) {
        for tries in locked(&sessions.failures).values_mut() {
            tries.last = tries.last.checked_sub(time).unwrap();
        }
    }

    #[test]
    fn long_names_leave_short_keys() {
        let sessions = Sessions::default();
        let long = |first: &str| format!("name {first}{}", "x".repeat(1 << 20));
        let mut under_way = Vec::new();
        for first in ["a", "b", "c"] {
            // From another address each time, so that it is the name that has to wait.
            for n in 0..FAILURES {
                let peer = format!("peer {first} {n}");
                under_way.push(sessions.may_try(&long(first), &peer).unwrap());
            }
            assert!(sessions.must_wait(&long(first)), "{first}");
            assert!(sessions.may_try(&long(first), "peer 9").is_none());
        }
        assert!(!sessions.must_wait(&long("d")));
        assert!(locked(&sessions.failures).keys().all(|key| key.len() == 64));
        under_way.remove(0).succeeded();
        assert!(!sessions.must_wait(&long("a")) && sessions.must_wait(&long("b")));
    }

    #[test]
    fn what_failed_long_ago_is_dropped_with_the_next_failure() {
        let sessions = Sessions::default();
        assert!(sessions.may_try("name old", "peer old").is_some());
        pass(&sessions, WAIT);
        assert!(sessions.may_try("name new", "peer new").is_some());
        let failures = locked(&sessions.failures);
        assert!(failures.len() == 2 && failures.contains_key(&hashed("name new")));
    }

    #[test]
    fn a_try_counts_until_it_has_succeeded() {
        let sessions = Sessions::default();
        // Many log in from one address, one after another.
        for n in 0..3 * FAILURES {
            sessions.may_try(&format!("name {n}"), "peer").unwrap().succeeded();
        }
        assert!(locked(&sessions.failures).is_empty());
        // As many as may fail are under way: no more begin.
        let begun = |_| sessions.may_try("name a", "peer").unwrap();
        let under_way: Vec<Try> = (0..FAILURES).map(begun).collect();
        assert!(sessions.may_try("name a", "other").is_none());
        assert!(sessions.may_try("name b", "peer").is_none());
        assert!(sessions.may_try("name b", "other").is_some());
        // A try whose end nobody waits for has failed.
        drop(under_way);
        assert!(sessions.must_wait("name a") && sessions.must_wait("peer"));
        pass(&sessions, WAIT);
        assert!(!sessions.must_wait("name a") && !sessions.must_wait("peer"));
    }

    #[test]
    fn who_logs_in_does_not_keep_the_failures_of_others() {
        let sessions = Sessions::default();
        let fail = || assert!(sessions.may_try("name a", "peer").is_some());
        let log_in = || sessions.may_try("name b", "peer").unwrap().succeeded();
        for _ in 1..FAILURES {
            fail();
        }
        // Others log in from there all the time.
        for _ in 0..4 {
            log_in();
            pass(&sessions, WAIT / 4);
        }
        for _ in 1..FAILURES {
            fail();
        }
        assert!(!sessions.must_wait("peer"));
        fail();
        assert!(sessions.must_wait("peer"));
        // What failed long ago is not revived by a failure that was under way meanwhile.
        pass(&sessions, WAIT);
        for _ in 1..FAILURES {
            fail();
        }
        let slow = sessions.may_try("name a", "peer").unwrap();
        pass(&sessions, WAIT);
        drop(slow);
        assert!(!sessions.must_wait("peer"));
    }
}
