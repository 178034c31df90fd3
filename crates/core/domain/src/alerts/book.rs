//! What is remembered of alerts: a slot for each shelf, rule and place, and the alerts that stand.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::last_acts::LastActs;
use crate::alert::{Alert, AlertStatus, Rule};
use crate::event::Place;
use crate::ids::{AlertId, Note, SkuIndex};
use crate::table::Table;
use crate::time::Timestamp;

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
pub(super) struct Slot {
    /// The alert that stands, as its place among the standing ones.
    pub(super) standing: Option<u32>,
    /// When the last one ended.
    pub(super) ended_at: Option<Timestamp>,
    /// A person said that the present condition, or what a notice told, is no problem.
    pub(super) dismissed: bool,
    /// A timer will look at the condition again.
    pub(super) recheck: bool,
}

/// All alerts that stand.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct AlertBook {
    slots: Table<[Slot; SLOTS.len()]>,
    /// The slots of each sku at which something is to end: an alert that stands, a condition that a
    /// person dismissed, or an end that can be taken back; by the bit of their number. Most shelves
    /// have none, and no rule need look at their slots.
    busy: Table<u32>,
    /// One for each rule.
    store_slots: [Slot; Rule::COUNT],
    standing: Vec<Option<Standing>>,
    free: Vec<u32>,
    pub(crate) last: u64,
    /// Saved apart, behind all stores: it came later than the format.
    #[serde(skip)]
    pub(crate) acts: LastActs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Standing {
    /// Which sku; `None` for the whole store.
    index: Option<SkuIndex>,
    pub(super) alert: Alert,
}

impl Standing {
    pub(super) fn subject(&self) -> Subject {
        self.index.map_or(Subject::Store, Subject::Sku)
    }
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

    /// The standing alerts, in no order.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Alert> {
        self.standing.iter().flatten().map(|standing| &standing.alert)
    }

    /// The standing alerts, in order of their numbers.
    pub(crate) fn standing(&self) -> Vec<&Alert> {
        let mut all: Vec<&Alert> = self.all().collect();
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

    /// Whether an alert stands at a slot of a sku, or one that a person ended can be brought back.
    pub(crate) fn watched(&self, index: SkuIndex, rule: Rule, place: Place) -> bool {
        self.stands(index, rule, place) || self.acts.remembers_ended(index.into(), rule, place)
    }

    /// The alerts that a person ended and that can be brought back, as they ended, by shelf and
    /// rule. Who ended them and with which words, the log has.
    pub(crate) fn ended(&self) -> impl Iterator<Item = Alert> {
        self.acts.ended().map(|(subject, alert)| {
            let slot = self.slot(subject, alert.rule, alert.place);
            let status =
                if slot.dismissed { AlertStatus::Dismissed } else { AlertStatus::Resolved };
            let changed_at = slot.ended_at.unwrap_or(alert.changed_at);
            let note = Note::default();
            Alert { status, changed_at, snoozed_until: None, actor: None, note, ..*alert }
        })
    }

    /// What a person ended at a slot has passed.
    pub(super) fn forget_ended(&mut self, subject: Subject, rule: Rule, place: Place) {
        if self.acts.forget_ended(subject, rule, place) {
            self.change(subject, rule, place, |_| {});
        }
    }

    /// Whether something at a slot is to end.
    pub(super) fn busy(&self, subject: Subject, rule: Rule, place: Place) -> bool {
        match subject {
            Subject::Sku(index) => self.busy[index] & (1 << slot_number(rule, place)) != 0,
            Subject::Store => true,
        }
    }

    /// Changes a slot.
    pub(super) fn change(
        &mut self,
        subject: Subject,
        rule: Rule,
        place: Place,
        change: impl FnOnce(&mut Slot),
    ) {
        let Some(slot) = self.slot_mut(subject, rule, place) else { return };
        change(slot);
        let kept = slot.standing.is_some() || slot.dismissed;
        let busy = kept || self.acts.remembers_ended(subject, rule, place);
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

    pub(super) fn slot(&self, subject: Subject, rule: Rule, place: Place) -> Slot {
        let slot = match subject {
            Subject::Sku(index) => self.slots[index].get(slot_number(rule, place)),
            Subject::Store => self.store_slots.get(rule as usize),
        };
        slot.copied().unwrap_or_default()
    }

    pub(super) fn slot_mut(
        &mut self,
        subject: Subject,
        rule: Rule,
        place: Place,
    ) -> Option<&mut Slot> {
        match subject {
            Subject::Sku(index) => self.slots[index].get_mut(slot_number(rule, place)),
            Subject::Store => self.store_slots.get_mut(rule as usize),
        }
    }

    /// An alert that stands.
    pub(super) fn get(&self, alert: AlertId) -> Option<&Alert> {
        self.at(self.find(alert)?).map(|standing| &standing.alert)
    }

    fn at(&self, place: u32) -> Option<&Standing> {
        self.standing.get(place as usize)?.as_ref()
    }

    pub(super) fn at_mut(&mut self, place: u32) -> Option<&mut Standing> {
        self.standing.get_mut(place as usize)?.as_mut()
    }

    pub(super) fn find(&self, alert: AlertId) -> Option<u32> {
        let place = self.standing.iter().position(|s| s.is_some_and(|s| s.alert.alert == alert))?;
        Some(place as u32)
    }

    pub(crate) fn add(&mut self, subject: Subject, alert: &Alert) {
        let index = match subject {
            Subject::Sku(index) => Some(index),
            Subject::Store => None,
        };
        self.acts.forget_ended(subject, alert.rule, alert.place);
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

    pub(super) fn remove(&mut self, place: u32) -> Option<Standing> {
        let removed = self.standing.get_mut(place as usize)?.take()?;
        self.acts.forget(removed.alert.alert);
        self.free.push(place);
        Some(removed)
    }

    /// Whether slots and standing alerts name each other, one to one, and what can be taken back
    /// is of alerts that stand, or of slots where none does.
    pub(crate) fn consistent(&self) -> bool {
        let slots = self.slots.iter().flatten().chain(&self.store_slots);
        let named = slots.filter(|slot| slot.standing.is_some()).count();
        let standing = self.standing.iter().flatten().count();
        let busy = self.slots.indexes().zip(self.busy.iter()).all(|(index, bits)| {
            SLOTS.iter().zip(0..).all(|(&(rule, place), number)| {
                let slot = self.slot(index.into(), rule, place);
                let ended = self.acts.remembers_ended(index.into(), rule, place);
                (slot.standing.is_some() || slot.dismissed || ended) == (bits & (1 << number) != 0)
            })
        });
        let acted = self.acts.of_standing().all(|alert| self.find(alert).is_some());
        let ended = self
            .acts
            .ended()
            .all(|(subject, alert)| self.slot(subject, alert.rule, alert.place).standing.is_none());
        acted
            && ended
            && busy
            && named == standing
            && self.standing.iter().enumerate().all(|(place, row)| {
                row.as_ref().is_none_or(|s| {
                    let slot = self.slot(s.subject(), s.alert.rule, s.alert.place);
                    slot.standing == Some(place as u32) && s.alert.status.standing()
                })
            })
    }
}
