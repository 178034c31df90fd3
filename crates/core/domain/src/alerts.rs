//! The alert book: opens, keeps and ends alerts, at most one for each shelf, place and rule, and at
//! most one for each rule about the whole store.

mod book;
mod last_acts;

pub(crate) use book::{AlertBook, Subject};
pub(crate) use last_acts::LastActs;

use alloc::vec::Vec;

use crate::alert::{Alert, AlertStatus, LastAct, Rule, Severity};
use crate::effect::{Effect, Effects, Reason};
use crate::event::{AlertAct, AlertVerb, Place};
use crate::ids::{Actor, AlertId, Note};
use crate::store::Store;
use crate::time::{DAY, HOUR, Timestamp};
use crate::timer::Timer;

/// The longest that an alert may be snoozed.
pub const MAX_SNOOZE_US: i64 = 30 * DAY;
/// A delivery's alert that nobody ends, ends by itself so long after it was last told.
const DELIVERY_NOTICE_US: i64 = 7 * DAY;
/// A removal's alert that nobody ends, ends by itself at the first day change so long after it was
/// last told.
const REMOVAL_NOTICE_US: i64 = 20 * HOUR;

/// What is seen of a condition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) severity: Severity,
    pub(crate) stock_units: u32,
    pub(crate) threshold: u32,
    pub(crate) capacity_units: u32,
    pub(crate) suggested_units: u32,
}

/// How long the notices of a rule stand that nobody ends; `None` for a rule about a condition that
/// lasts. A notice tells of something that happened once: whenever it happens, without cooldown,
/// and one that stands adds up the units of all that happened.
fn notice_us(rule: Rule) -> Option<i64> {
    match rule {
        Rule::ExpiredRemoval => Some(REMOVAL_NOTICE_US),
        Rule::DeliveryDiscrepancy => Some(DELIVERY_NOTICE_US),
        _ => None,
    }
}

fn notice(rule: Rule) -> bool {
    notice_us(rule).is_some()
}

/// The act that leads from one state of a standing alert to the next; where it changed nothing but
/// its words, they are what it was.
fn change(before: &Alert, after: &Alert) -> AlertVerb {
    let same = (before.status, before.owner, before.snoozed_until)
        == (after.status, after.owner, after.snoozed_until);
    match (after.status, after.snoozed_until, after.owner) {
        _ if same => AlertVerb::Note,
        (AlertStatus::Snoozed, Some(until), _) => AlertVerb::Snooze(until),
        (_, _, Some(owner)) if Some(owner) != after.actor => AlertVerb::Assign(owner),
        _ => AlertVerb::Acknowledge,
    }
}

impl Store {
    /// The condition of a rule holds for a sku or the whole store: opens its alert, or tells the
    /// open one what is seen.
    pub(crate) fn condition_holds(
        &mut self,
        subject: impl Into<Subject>,
        rule: Rule,
        place: Place,
        facts: Facts,
        fx: &mut Effects,
    ) {
        let subject = subject.into();
        let slot = self.alerts.slot(subject, rule, place);
        if let Some(standing) = slot.standing.and_then(|at| self.alerts.at_mut(at)) {
            let alert = &mut standing.alert;
            alert.count = alert.count.saturating_add(1);
            alert.last_seen_at = self.now;
            alert.stock_units = facts.stock_units;
            let changed = if notice(rule) {
                alert.threshold = alert.threshold.saturating_add(facts.threshold);
                alert.suggested_units = alert.suggested_units.saturating_add(facts.suggested_units);
                true
            } else {
                alert.threshold = facts.threshold;
                alert.suggested_units = facts.suggested_units;
                alert.severity != facts.severity
            };
            alert.severity = facts.severity;
            if changed {
                fx.push(Effect::Alert(*alert));
            }
            return;
        }
        if notice(rule) {
            return self.open_alert(subject, rule, place, facts, fx);
        }
        if slot.dismissed || slot.recheck {
            return;
        }
        let cooldown = self.cooldown_us(subject);
        let again_at = slot.ended_at.map(|ended| ended.plus(cooldown));
        if let Some(again_at) = again_at.filter(|&again_at| again_at > self.now) {
            self.recheck_at(subject, rule, place, again_at);
            return;
        }
        self.open_alert(subject, rule, place, facts, fx);
    }

    fn open_alert(
        &mut self,
        subject: Subject,
        rule: Rule,
        place: Place,
        facts: Facts,
        fx: &mut Effects,
    ) {
        self.alerts.last += 1;
        let alert = Alert {
            alert: AlertId(self.alerts.last),
            rule,
            sku: match subject {
                Subject::Sku(index) => Some(self.shelves[index].sku),
                Subject::Store => None,
            },
            place,
            severity: facts.severity,
            status: AlertStatus::Open,
            opened_at: self.now,
            last_seen_at: self.now,
            changed_at: self.now,
            count: 1,
            stock_units: facts.stock_units,
            threshold: facts.threshold,
            capacity_units: facts.capacity_units,
            suggested_units: facts.suggested_units,
            snoozed_until: None,
            owner: None,
            actor: None,
            note: Note::default(),
        };
        self.alerts.add(subject, &alert);
        self.stats.open_alert(rule);
        fx.push(Effect::Alert(alert));
    }

    /// The condition of a rule does not hold any more: ends its alert.
    pub(crate) fn condition_ended(
        &mut self,
        subject: impl Into<Subject>,
        rule: Rule,
        place: Place,
        fx: &mut Effects,
    ) {
        let subject = subject.into();
        if !self.alerts.busy(subject, rule, place) {
            return;
        }
        let slot = self.alerts.slot(subject, rule, place);
        if let Some(at) = slot.standing {
            self.end_alert(at, AlertStatus::Resolved, None, fx);
        }
        self.alerts.forget_ended(subject, rule, place);
        if slot.dismissed {
            self.alerts.change(subject, rule, place, |slot| slot.dismissed = false);
        }
    }

    fn end_alert(
        &mut self,
        at: u32,
        status: AlertStatus,
        by: Option<(Actor, Note)>,
        fx: &mut Effects,
    ) {
        let Some(standing) = self.alerts.remove(at) else { return };
        let (subject, mut alert) = (standing.subject(), standing.alert);
        if by.is_some() {
            self.alerts.acts.remember_ended(subject, &alert);
        }
        alert.status = status;
        alert.changed_at = self.now;
        alert.snoozed_until = None;
        alert.actor = by.map(|(actor, _)| actor);
        if let Some((_, note)) = by {
            alert.note = note;
        }
        let now = self.now;
        self.alerts.change(subject, alert.rule, alert.place, |slot| {
            slot.standing = None;
            slot.ended_at = Some(now);
            slot.dismissed = status == AlertStatus::Dismissed;
        });
        self.stats.end_alert(alert.rule);
        fx.push(Effect::Alert(alert));
    }

    fn recheck_at(&mut self, subject: Subject, rule: Rule, place: Place, at: Timestamp) {
        if let Some(slot) = self.alerts.slot_mut(subject, rule, place) {
            slot.recheck = true;
            self.timers.set(at, Timer::Recheck(subject, rule, place));
        }
    }

    /// A cooldown has ended: the condition may open its alert again.
    pub(crate) fn recheck(&mut self, subject: Subject, rule: Rule, place: Place, fx: &mut Effects) {
        if let Some(slot) = self.alerts.slot_mut(subject, rule, place) {
            slot.recheck = false;
        }
        self.judge(subject, rule, fx);
    }

    /// A snooze is over.
    pub(crate) fn wake(&mut self, alert: AlertId, fx: &mut Effects) {
        let now = self.now;
        let Some(standing) = self.alerts.find(alert).and_then(|at| self.alerts.at_mut(at)) else {
            return;
        };
        let alert = &mut standing.alert;
        if alert.snoozed_until.is_some_and(|until| until <= now) {
            alert.status = AlertStatus::Open;
            alert.snoozed_until = None;
            alert.changed_at = now;
            fx.push(Effect::Alert(*alert));
            let alert = alert.alert;
            self.alerts.acts.forget(alert);
        }
    }

    pub(crate) fn alert_act(
        &mut self,
        act: &AlertAct,
        at: Timestamp,
        fx: &mut Effects,
    ) -> Result<(), Reason> {
        if act.actor.is_empty() {
            return Err(Reason::EmptyId);
        }
        if act.act == AlertVerb::Undo {
            return self.undo(act, fx);
        }
        let place = self.alerts.find(act.alert).ok_or(Reason::UnknownAlert)?;
        let standing = self.alerts.at_mut(place).ok_or(Reason::UnknownAlert)?;
        let before = standing.alert;
        let alert = &mut standing.alert;
        match act.act {
            AlertVerb::Resolve | AlertVerb::Dismiss => {
                let status = match act.act {
                    AlertVerb::Resolve => AlertStatus::Resolved,
                    _ => AlertStatus::Dismissed,
                };
                let (subject, alert) = (standing.subject(), standing.alert);
                self.end_alert(place, status, Some((act.actor, act.note)), fx);
                self.after_act(subject, &alert, status, fx);
                return Ok(());
            }
            AlertVerb::Snooze(until) => {
                let pause = until.since(at);
                if !(1..=MAX_SNOOZE_US).contains(&pause) {
                    return Err(Reason::AbsurdTime);
                }
                alert.status = AlertStatus::Snoozed;
                alert.snoozed_until = Some(until);
                self.timers.set(until, Timer::Wake(act.alert));
            }
            AlertVerb::Acknowledge | AlertVerb::Assign(_) => {
                alert.status = AlertStatus::Acknowledged;
                alert.snoozed_until = None;
                alert.owner = Some(match act.act {
                    AlertVerb::Assign(owner) => owner,
                    _ => act.actor,
                });
            }
            AlertVerb::Note | AlertVerb::Undo => {}
        }
        alert.changed_at = self.now;
        alert.actor = Some(act.actor);
        alert.note = act.note;
        fx.push(Effect::Alert(*alert));
        self.alerts.acts.remember(&before);
        Ok(())
    }

    /// An alert as it would stand if the last act of a person on it were taken back.
    pub(crate) fn before_act(&self, alert: AlertId) -> Option<Alert> {
        match self.alerts.get(alert) {
            Some(standing) => self.alerts.acts.before(standing, self.now),
            None => self.alerts.acts.before_end(alert, self.now).map(|(_, alert)| alert),
        }
    }

    /// The last act of a person on an alert, told by what it changed, where it can be taken back.
    pub(crate) fn last_act(&self, alert: &Alert) -> Option<LastAct> {
        let act = match alert.status {
            AlertStatus::Resolved | AlertStatus::Dismissed => {
                let subject = match alert.sku {
                    Some(sku) => Subject::Sku(self.find(sku).ok()?),
                    None => Subject::Store,
                };
                let ended = self.alerts.acts.ended_at(subject, alert.rule, alert.place)?;
                if ended.alert != alert.alert {
                    return None;
                }
                match alert.status {
                    AlertStatus::Dismissed => AlertVerb::Dismiss,
                    _ => AlertVerb::Resolve,
                }
            }
            AlertStatus::Open | AlertStatus::Acknowledged | AlertStatus::Snoozed => {
                change(&self.alerts.acts.before(alert, self.now)?, alert)
            }
        };
        Some(LastAct { act, at: alert.changed_at })
    }

    /// Takes back the last act on an alert: its status, owner, snooze and note are what they were.
    /// One that a person ended stands again, as long as its problem has not passed meanwhile and
    /// no newer alert stands for it. Only the act itself is taken back, not what it led to.
    fn undo(&mut self, act: &AlertAct, fx: &mut Effects) -> Result<(), Reason> {
        let now = self.now;
        let by = |alert: Alert| Alert {
            changed_at: now,
            actor: Some(act.actor),
            note: if act.note.is_empty() { alert.note } else { act.note },
            ..alert
        };
        if let Some(place) = self.alerts.find(act.alert) {
            let standing = self.alerts.get(act.alert).ok_or(Reason::UnknownAlert)?;
            let alert = by(self.alerts.acts.before(standing, now).ok_or(Reason::WrongState)?);
            let standing = self.alerts.at_mut(place).ok_or(Reason::UnknownAlert)?;
            standing.alert = alert;
            self.alerts.acts.forget(act.alert);
            fx.push(Effect::Alert(alert));
            return Ok(());
        }
        let ended = self.alerts.acts.before_end(act.alert, now);
        let (subject, alert) = ended.ok_or(Reason::UnknownAlert)?;
        let alert = by(alert);
        self.alerts.change(subject, alert.rule, alert.place, |slot| slot.dismissed = false);
        self.alerts.add(subject, &alert);
        self.stats.open_alert(alert.rule);
        fx.push(Effect::Alert(alert));
        Ok(())
    }

    /// A person has ended an alert: where its condition still holds, it comes back after the
    /// cooldown.
    fn after_act(
        &mut self,
        subject: Subject,
        alert: &Alert,
        status: AlertStatus,
        fx: &mut Effects,
    ) {
        match (alert.rule, subject, status) {
            (Rule::StockDiscrepancy, Subject::Sku(index), _) => {
                self.settle(index, alert.place, fx);
            }
            (rule, ..) if notice(rule) => {}
            (_, _, AlertStatus::Dismissed) => {}
            (rule, ..) => {
                let cooldown = self.cooldown_us(subject);
                self.recheck_at(subject, rule, alert.place, self.now.plus(cooldown));
            }
        }
    }

    /// Ends the notices that nobody has ended; one that a person ended is too old then to be
    /// brought back.
    pub(crate) fn expire_notices(&mut self, subject: Subject, fx: &mut Effects) {
        let now = self.now;
        let old = |alert: &&Alert| {
            notice_us(alert.rule).is_some_and(|limit| now.since(alert.last_seen_at) >= limit)
        };
        let (of_sku, of_store) = match subject {
            Subject::Sku(index) => (Some(self.alerts.of_sku(index)), None),
            Subject::Store => (None, Some(self.alerts.of_store())),
        };
        let standing = of_sku.into_iter().flatten().chain(of_store.into_iter().flatten());
        let alerts = standing.chain(self.alerts.acts.ended_of(subject));
        let ended: Vec<_> = alerts.filter(old).map(|alert| (alert.rule, alert.place)).collect();
        for (rule, place) in ended {
            self.condition_ended(subject, rule, place, fx);
        }
    }
}

#[cfg(test)]
mod tests;
