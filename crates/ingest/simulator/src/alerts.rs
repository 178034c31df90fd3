//! What people do about the core's alerts: they acknowledge markdowns, count what is in dispute,
//! and close what they have done.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shelf_domain::{
    Actor, Alert, AlertAct, AlertId, AlertStatus, AlertVerb, Body, HOUR, MINUTE, Note, Place, Rule,
    SkuIndex, Timestamp,
};

use crate::agenda::Action;
use crate::crew::{ToCount, badge};
use crate::town::StoreTown;

/// The clerk who looks after deliveries and orders.
pub(crate) const CLERK: &str = "clerk-01";

/// An alert that somebody looks after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Memo {
    rule: Rule,
    index: SkuIndex,
    place: Place,
    /// Nobody has acted on it yet.
    open: bool,
    /// It was given to somebody to count, or was acted on.
    begun: bool,
}

/// The standing alerts that people look after.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AlertBook {
    memos: BTreeMap<AlertId, Memo>,
}

impl AlertBook {
    /// The standing alerts of a rule, sku and place.
    pub(crate) fn standing(&self, rule: Rule, index: SkuIndex, place: Place) -> Vec<AlertId> {
        let fits = |memo: &Memo| (memo.rule, memo.index, memo.place) == (rule, index, place);
        self.memos.iter().filter(|(_, memo)| fits(memo)).map(|(alert, _)| *alert).collect()
    }
}

impl StoreTown {
    /// Takes note of an alert, and decides when somebody looks after it.
    pub(crate) fn note_alert(&mut self, alert: &Alert) {
        if !alert.status.standing() {
            self.state.alerts.memos.remove(&alert.alert);
            return;
        }
        // What concerns the whole store is nobody's shelf to look after.
        let Some(index) = alert.sku.and_then(|sku| self.world.catalogue.find(&sku)) else { return };
        if let Some(memo) = self.state.alerts.memos.get_mut(&alert.alert) {
            memo.open = alert.status == AlertStatus::Open;
            return;
        }
        let (soonest, latest) = match alert.rule {
            Rule::NearExpiryDiscount => (10 * MINUTE, HOUR),
            Rule::StockDiscrepancy => (HOUR, 4 * HOUR),
            Rule::DeliveryDiscrepancy => (HOUR, 6 * HOUR),
            // Closed by whoever takes the lot away; this is for the case that nobody has to.
            Rule::ExpiredRemoval => (14 * HOUR, 16 * HOUR),
            _ => return,
        };
        let open = alert.status == AlertStatus::Open;
        let memo = Memo { rule: alert.rule, index, place: alert.place, open, begun: false };
        self.state.alerts.memos.insert(alert.alert, memo);
        let delay = self.state.dice.staff.between(soonest, latest);
        let at = self.in_shift(self.state.now.plus(delay));
        self.state.agenda.plan(at, Action::Attend(alert.alert));
    }

    /// Somebody looks after an alert, if it still stands.
    pub(crate) fn attend(&mut self, at: Timestamp, alert: AlertId) {
        let Some(memo) = self.state.alerts.memos.get_mut(&alert) else { return };
        let worker = (memo.index.0 % u32::from(self.state.options.crew.max(1))) as u8;
        let staff = badge(worker);
        let begun = core::mem::replace(&mut memo.begun, true);
        let (act, actor) = match memo.rule {
            Rule::StockDiscrepancy if !begun => {
                let asked = ToCount { index: memo.index, place: memo.place, alert: Some(alert) };
                self.state.crew.counts.push_back(asked);
                return;
            }
            Rule::NearExpiryDiscount if begun || !memo.open => return,
            Rule::NearExpiryDiscount => (AlertVerb::Acknowledge, staff),
            Rule::ExpiredRemoval | Rule::DeliveryDiscrepancy if begun => return,
            Rule::DeliveryDiscrepancy => (AlertVerb::Resolve, Actor::cut(CLERK)),
            _ => (AlertVerb::Resolve, staff),
        };
        let note = Note::default();
        self.tell(at, Body::AlertAct(Box::new(AlertAct { alert, act, actor, note })));
    }
}
