//! How a link stands, for those who watch.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use shelf_domain::Timestamp;
use shelf_host::wall_now;
use shelf_redis::RedisError;

use crate::LinkError;
use crate::error::Said;

/// How a link stands, in one word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// It has not reached the other side yet.
    #[default]
    Connecting,
    /// It follows.
    Following,
    /// It failed, and tries again by itself.
    Waiting,
    /// It was refused, and goes on when somebody has mended the cause.
    Refused,
    /// Another worker of the chain has it, and this one follows when that one is gone.
    StandingBy,
    /// It has ended.
    Stopped,
}

/// What went wrong last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LinkFailure {
    /// The stable code.
    pub code: String,
    /// A sentence.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl LinkFailure {
    fn new(code: &str, hint: &str, error: &(dyn std::error::Error + 'static)) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            message.push_str(": ");
            message.push_str(&inner.to_string());
            cause = inner.source();
        }
        Self { code: code.to_owned(), message, hint: hint.to_owned() }
    }
}

impl From<&LinkError> for LinkFailure {
    fn from(error: &LinkError) -> Self {
        Self::new(error.code(), error.hint(), error)
    }
}

/// How a link stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LinkView {
    /// Which.
    pub name: String,
    /// In one word.
    pub state: LinkState,
    /// Since when it has stood so, on the clock of this machine.
    pub since: Timestamp,
    /// What is wrong; none while it follows.
    pub failure: Option<LinkFailure>,
    /// What went wrong last, also where it follows again.
    pub last_failure: Option<LinkFailure>,
    /// Events of the log that the other side stands for, where it follows the log.
    pub position: Option<u64>,
    /// Entries of the other side that were not taken when it was asked last, where it says so.
    pub lag: Option<u64>,
    /// Events that it took or brought.
    pub events: u64,
    /// Rows that it wrote.
    pub rows: u64,
    /// Of what it brought, known already.
    pub known: u64,
    /// Of what it brought, in quarantine.
    pub quarantined: u64,
    /// Of what it was to bring, deleted by somebody before it could be taken.
    pub lost: u64,
    /// How often it failed.
    pub failures: u64,
}

/// The state of a link, shared with those who watch.
#[derive(Clone, Debug, Default)]
pub struct LinkStatus(Arc<Mutex<LinkView>>);

impl LinkStatus {
    /// That of a new link.
    pub fn new(name: &str) -> Self {
        let status = Self::default();
        status.change(|view| name.clone_into(&mut view.name));
        status
    }

    /// How it stands.
    pub fn view(&self) -> LinkView {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut LinkView)) {
        let mut view = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = view.state;
        change(&mut view);
        if view.state != before || view.since == Timestamp::default() {
            view.since = wall_now();
        }
    }

    pub(crate) fn follows(&self) {
        self.change(|view| {
            view.state = LinkState::Following;
            view.failure = None;
        });
    }

    /// Another worker has it, or will be told who.
    #[cfg(feature = "kafka")]
    pub(crate) fn stands_by(&self) {
        self.change(|view| {
            view.state = LinkState::StandingBy;
            view.failure = None;
            (view.position, view.lag) = (None, None);
        });
    }

    pub(crate) fn failed(&self, error: &LinkError) {
        self.fails(error.passing(), error.into());
    }

    /// It failed with streams, and tries again.
    pub(crate) fn waits(&self, error: &RedisError) {
        let said = Said::of(error);
        self.fails(said.passing, LinkFailure::new(said.code, said.hint, error));
    }

    fn fails(&self, passing: bool, failure: LinkFailure) {
        self.change(|view| {
            view.state = if passing { LinkState::Waiting } else { LinkState::Refused };
            view.last_failure = Some(failure.clone());
            view.failure = Some(failure);
            view.failures += 1;
        });
    }
}
