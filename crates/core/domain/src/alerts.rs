//! The alert book: opens, keeps and ends alerts, at most one for each shelf, place and rule, and at
//! most one for each rule about the whole store.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::alert::{Alert, AlertStatus, Rule, Severity};
use crate::effect::{Effect, Effects, Reason};
use crate::event::{AlertAct, AlertVerb, Place};
use crate::ids::{Actor, AlertId, Note, SkuIndex};
use crate::store::Store;
use crate::table::Table;
use crate::time::{DAY, HOUR, Timestamp};
use crate::timer::Timer;

/// The longest that an alert may be snoozed.
pub const MAX_SNOOZE_US: i64 = 30 * DAY;
/// A delivery's alert that nobody ends, ends by itself so long after it was last told.
const DELIVERY_NOTICE_US: i64 = 7 * DAY;
/// A removal's alert that nobody ends, ends by itself at the first day change so long after it was
/// last told.
const REMOVAL_NOTICE_US: i64 = 20 * HOUR;

/// The rules and places that a shelf can have an alert for.
const SLOTS: [(Rule, Place); 19] = [
    (Rule::RefillRequest, Place::Floor),
    (Rule::ShelfEmpty, Place::Floor),
    (Rule::NearExpiry, Place::Floor),
    (Rule::NearExpiry, Place::Warehouse),
    (Rule::SupplierRequest, Place::Warehouse),
    (Rule::NearExpiryDiscount, Place::Floor),
    (Rule::ExpiredRemoval, Place::Floor),
    (Rule::ExpiredRemoval, Place::Warehouse),
    (Rule::StockDiscrepancy, Place::Floor),
    (Rule::StockDiscrepancy, Place::Warehouse),
    (Rule::DeliveryDiscrepancy, Place::Warehouse),
    (Rule::SalesSpike, Place::Floor),
    (Rule::OutOfStock, Place::Floor),
    (Rule::LowStock, Place::Floor),
    (Rule::RapidDepletion, Place::Floor),
    (Rule::Overstock, Place::Floor),
    (Rule::BelowSafetyStock, Place::Floor),
    (Rule::PriceAnomaly, Place::Floor),
    (Rule::SensorSilent, Place::Floor),
];

/// What is seen of a condition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) severity: Severity,
    pub(crate) stock_units: u32,
    pub(crate) threshold: u32,
    pub(crate) capacity_units: u32,
    pub(crate) suggested_units: u32,
}

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Subject {
    /// A sku.
    Sku(SkuIndex),
    /// The whole store; its alerts have the floor as their place.
    Store,
}

impl From<SkuIndex> for Subject {
    fn from(index: SkuIndex) -> Self {
        Self::Sku(index)
    }
}

/// What the book remembers of one subject, place and rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Slot {
    /// The alert that stands, as its place among the standing ones.
    standing: Option<u32>,
    /// When the last one ended.
    ended_at: Option<Timestamp>,
    /// A person said that the present condition is no problem.
    dismissed: bool,
    /// A timer will look at the condition again.
    recheck: bool,
}

/// All alerts that stand.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct AlertBook {
    slots: Table<[Slot; SLOTS.len()]>,
    /// The slots of each sku at which something is to end: an alert that stands, or a condition
    /// that a person dismissed; by the bit of their number. Most shelves have none, and no rule
    /// need look at their slots.
    busy: Table<u32>,
    /// One for each rule.
    store_slots: [Slot; Rule::COUNT],
    standing: Vec<Option<Standing>>,
    free: Vec<u32>,
    last: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Standing {
    /// Which sku; `None` for the whole store.
    index: Option<SkuIndex>,
    alert: Alert,
}

impl Standing {
    fn subject(&self) -> Subject {
        self.index.map_or(Subject::Store, Subject::Sku)
    }
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

/// The number of the slot of each rule and place.
const SLOT_NUMBERS: [[u8; 2]; Rule::COUNT] = {
    let mut numbers = [[0; 2]; Rule::COUNT];
    let mut number = 0;
    while number < SLOTS.len() {
        let (rule, place) = SLOTS[number];
        numbers[rule as usize][place as usize] = number as u8;
        number += 1;
    }
    numbers
};

fn slot_number(rule: Rule, place: Place) -> usize {
    SLOT_NUMBERS[rule as usize][place as usize].into()
}

impl AlertBook {
    pub(crate) fn add_sku(&mut self) {
        self.slots.push([Slot::default(); SLOTS.len()]);
        self.busy.push(0);
    }

    /// The standing alerts, in order of their numbers.
    pub(crate) fn standing(&self) -> Vec<&Alert> {
        let mut all: Vec<&Alert> = self.standing.iter().flatten().map(|s| &s.alert).collect();
        all.sort_unstable_by_key(|alert| alert.alert);
        all
    }

    pub(crate) fn of_sku(&self, index: SkuIndex) -> impl Iterator<Item = &Alert> {
        let busy = self.busy.get(index).is_some_and(|bits| *bits != 0);
        let slots = self.slots.get(index).filter(|_| busy).into_iter().flatten();
        slots.filter_map(|slot| self.at(slot.standing?)).map(|standing| &standing.alert)
    }

    pub(crate) fn stands(&self, index: SkuIndex, rule: Rule, place: Place) -> bool {
        let subject = index.into();
        self.busy(subject, rule, place) && self.slot(subject, rule, place).standing.is_some()
    }

    /// Whether something at a slot is to end.
    fn busy(&self, subject: Subject, rule: Rule, place: Place) -> bool {
        match subject {
            Subject::Sku(index) => self.busy[index] & (1 << slot_number(rule, place)) != 0,
            Subject::Store => true,
        }
    }

    /// Changes a slot.
    fn change(
        &mut self,
        subject: Subject,
        rule: Rule,
        place: Place,
        change: impl FnOnce(&mut Slot),
    ) {
        let Some(slot) = self.slot_mut(subject, rule, place) else { return };
        change(slot);
        let busy = slot.standing.is_some() || slot.dismissed;
        if let Subject::Sku(index) = subject {
            let bit = 1 << slot_number(rule, place);
            let bits = &mut self.busy[index];
            *bits = if busy { *bits | bit } else { *bits & !bit };
        }
    }

    /// The alerts about the whole store.
    pub(crate) fn of_store(&self) -> impl Iterator<Item = &Alert> {
        let slots = self.store_slots.iter();
        slots.filter_map(|slot| self.at(slot.standing?)).map(|standing| &standing.alert)
    }

    /// When the condition of an alert on the floor that stands was last seen.
    pub(crate) fn last_seen(&self, subject: Subject, rule: Rule) -> Option<Timestamp> {
        if !self.busy(subject, rule, Place::Floor) {
            return None;
        }
        let standing = self.slot(subject, rule, Place::Floor).standing?;
        self.at(standing).map(|standing| standing.alert.last_seen_at)
    }

    fn slot(&self, subject: Subject, rule: Rule, place: Place) -> Slot {
        let slot = match subject {
            Subject::Sku(index) => self.slots[index].get(slot_number(rule, place)),
            Subject::Store => self.store_slots.get(rule as usize),
        };
        slot.copied().unwrap_or_default()
    }

    fn slot_mut(&mut self, subject: Subject, rule: Rule, place: Place) -> Option<&mut Slot> {
        match subject {
            Subject::Sku(index) => self.slots[index].get_mut(slot_number(rule, place)),
            Subject::Store => self.store_slots.get_mut(rule as usize),
        }
    }

    fn at(&self, place: u32) -> Option<&Standing> {
        self.standing.get(place as usize)?.as_ref()
    }

    fn at_mut(&mut self, place: u32) -> Option<&mut Standing> {
        self.standing.get_mut(place as usize)?.as_mut()
    }

    fn find(&self, alert: AlertId) -> Option<u32> {
        let place = self.standing.iter().position(|s| s.is_some_and(|s| s.alert.alert == alert))?;
        Some(place as u32)
    }

    pub(crate) fn add(&mut self, subject: Subject, alert: &Alert) {
        let index = match subject {
            Subject::Sku(index) => Some(index),
            Subject::Store => None,
        };
        let standing = Some(Standing { index, alert: *alert });
        let place = self.free.pop().unwrap_or_else(|| {
            self.standing.push(None);
            self.standing.len() as u32 - 1
        });
        if let Some(row) = self.standing.get_mut(place as usize) {
            *row = standing;
        }
        self.change(subject, alert.rule, alert.place, |slot| slot.standing = Some(place));
    }

    fn remove(&mut self, place: u32) -> Option<Standing> {
        let removed = self.standing.get_mut(place as usize)?.take()?;
        self.free.push(place);
        Some(removed)
    }

    /// Whether slots and standing alerts name each other, one to one.
    pub(crate) fn consistent(&self) -> bool {
        let slots = self.slots.iter().flatten().chain(&self.store_slots);
        let named = slots.filter(|slot| slot.standing.is_some()).count();
        let standing = self.standing.iter().flatten().count();
        let busy = self.slots.iter().zip(self.busy.iter()).all(|(slots, bits)| {
            (0..).zip(slots).all(|(number, slot)| {
                (slot.standing.is_some() || slot.dismissed) == (bits & (1 << number) != 0)
            })
        });
        busy && named == standing
            && self.standing.iter().enumerate().all(|(place, row)| {
                row.as_ref().is_none_or(|s| {
                    let slot = self.slot(s.subject(), s.alert.rule, s.alert.place);
                    slot.standing == Some(place as u32) && s.alert.status.standing()
                })
            })
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
            slot.dismissed = status == AlertStatus::Dismissed && !notice(alert.rule);
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
        let place = self.alerts.find(act.alert).ok_or(Reason::UnknownAlert)?;
        let standing = self.alerts.at_mut(place).ok_or(Reason::UnknownAlert)?;
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
            AlertVerb::Note => {}
        }
        alert.changed_at = self.now;
        alert.actor = Some(act.actor);
        alert.note = act.note;
        fx.push(Effect::Alert(*alert));
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

    /// Ends the notices that nobody has ended.
    pub(crate) fn expire_notices(&mut self, subject: Subject, fx: &mut Effects) {
        let now = self.now;
        let old = |alert: &&Alert| {
            notice_us(alert.rule).is_some_and(|limit| now.since(alert.last_seen_at) >= limit)
        };
        let (of_sku, of_store) = match subject {
            Subject::Sku(index) => (Some(self.alerts.of_sku(index)), None),
            Subject::Store => (None, Some(self.alerts.of_store())),
        };
        let alerts = of_sku.into_iter().flatten().chain(of_store.into_iter().flatten());
        let ended: Vec<_> = alerts.filter(old).map(|alert| (alert.rule, alert.place)).collect();
        for (rule, place) in ended {
            self.condition_ended(subject, rule, place, fx);
        }
    }
}

#[cfg(test)]
mod tests;
