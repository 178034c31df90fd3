//! The last act of a person on each alert, for as long as it can be taken back.
//!
//! Of an alert that stands, what the act changed; of one that a person ended, the alert as it
//! stood. Neither needs a limit of its own: the first goes with the alert, the second when its
//! problem has passed or a newer alert stands for it, so there is at most one for each alert that
//! stands and one for each slot of the book.

use alloc::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::book::Subject;
use crate::alert::{Alert, AlertStatus, Rule};
use crate::event::Place;
use crate::ids::{Actor, AlertId, Note, SkuIndex};
use crate::time::Timestamp;

/// Where an alert stood: its sku, `None` for the whole store, its rule and place.
type Key = (Option<SkuIndex>, Rule, Place);

/// What can be taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LastActs {
    standing: BTreeMap<AlertId, Before>,
    ended: BTreeMap<Key, Alert>,
}

/// What an act changes of an alert, as it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Before {
    status: AlertStatus,
    snoozed_until: Option<Timestamp>,
    owner: Option<Actor>,
    note: Note,
}

fn key(subject: Subject, rule: Rule, place: Place) -> Key {
    let index = match subject {
        Subject::Sku(index) => Some(index),
        Subject::Store => None,
    };
    (index, rule, place)
}

/// An alert that comes back at `now`: a snooze that is over by then is over.
fn returned(alert: &Alert, now: Timestamp) -> Alert {
    match alert.snoozed_until {
        Some(until) if until <= now => {
            Alert { status: AlertStatus::Open, snoozed_until: None, ..*alert }
        }
        _ => *alert,
    }
}

impl LastActs {
    pub(crate) fn is_empty(&self) -> bool {
        self.standing.is_empty() && self.ended.is_empty()
    }

    /// A person acts on an alert that goes on standing.
    pub(super) fn remember(&mut self, alert: &Alert) {
        let Alert { status, snoozed_until, owner, note, .. } = *alert;
        self.standing.insert(alert.alert, Before { status, snoozed_until, owner, note });
    }

    /// A person ends an alert.
    pub(super) fn remember_ended(&mut self, subject: Subject, alert: &Alert) {
        self.ended.insert(key(subject, alert.rule, alert.place), *alert);
    }

    /// An alert that stands has been acted on, and nobody may take that back any more.
    pub(super) fn forget(&mut self, alert: AlertId) {
        self.standing.remove(&alert);
    }

    /// What a person ended under a rule has passed. Returns whether there was something.
    pub(super) fn forget_ended(&mut self, subject: Subject, rule: Rule, place: Place) -> bool {
        self.ended.remove(&key(subject, rule, place)).is_some()
    }

    pub(super) fn remembers_ended(&self, subject: Subject, rule: Rule, place: Place) -> bool {
        self.ended_at(subject, rule, place).is_some()
    }

    /// The alert that a person ended there, as it stood.
    pub(super) fn ended_at(&self, subject: Subject, rule: Rule, place: Place) -> Option<&Alert> {
        self.ended.get(&key(subject, rule, place))
    }

    /// The alerts about a subject that a person ended.
    pub(super) fn ended_of(&self, subject: Subject) -> impl Iterator<Item = &Alert> {
        let (index, ..) = key(subject, Rule::ALL[0], Place::Floor);
        let from = (index, Rule::ALL[0], Place::Floor);
        self.ended.range(from..).take_while(move |(key, _)| key.0 == index).map(|(_, alert)| alert)
    }

    /// An alert that stands as it would without the last act on it.
    pub(super) fn before(&self, alert: &Alert, now: Timestamp) -> Option<Alert> {
        let Before { status, snoozed_until, owner, note } = *self.standing.get(&alert.alert)?;
        Some(returned(&Alert { status, snoozed_until, owner, note, ..*alert }, now))
    }

    /// An alert that a person ended as it would stand.
    pub(super) fn before_end(&self, alert: AlertId, now: Timestamp) -> Option<(Subject, Alert)> {
        let ((index, ..), ended) = self.ended.iter().find(|(_, ended)| ended.alert == alert)?;
        Some((index.map_or(Subject::Store, Subject::Sku), returned(ended, now)))
    }

    /// The alerts that a person ended, as they stood, by shelf and rule.
    pub(super) fn ended(&self) -> impl Iterator<Item = (Subject, &Alert)> {
        let subject = |index: Option<SkuIndex>| index.map_or(Subject::Store, Subject::Sku);
        self.ended.iter().map(move |(&(index, ..), alert)| (subject(index), alert))
    }

    /// The alerts that stand of which an act can be taken back.
    pub(super) fn of_standing(&self) -> impl Iterator<Item = AlertId> {
        self.standing.keys().copied()
    }
}
