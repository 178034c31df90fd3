//! The last act of a person on an alert is taken back: told as stories, and held against a plain
//! model of what people did, over random days.

#![expect(clippy::unwrap_used, reason = "a test says by it what must be")]

use std::collections::BTreeMap;

use expect_test::expect;
use proptest::prelude::*;
use shelf_domain::{
    Actor, Alert, AlertAct, AlertId, AlertStatus, AlertVerb, Body, Effect, Event, EventId, MINUTE,
    Note, Outcome, Place, Reason, Rule, Timestamp,
};
use shelf_testkit::any::{events, steps};
use shelf_testkit::{Both, check_lines};

/// A shelf of 20: refilled below 6, up to 16; the alert ends at 7.
const LOW: &str = "product MILK
    stock MILK lot L1 floor 10 warehouse 40
    08:00 c1 picks 5 MILK\n";

#[test]
fn what_was_done_to_a_standing_alert_is_taken_back_once() {
    check_lines(
        &["refill_request", "quarantine"],
        &format!(
            "{LOW} 08:01 Ann undoes A-1
             08:05 Ann acknowledges A-1 on my way
             08:06 Ann assigns A-1 to Bob
             08:07 Cid snoozes A-1 until 10:00
             08:08 Cid undoes A-1
             08:09 Cid undoes A-1
             08:10 Ann notes A-1 the lift is broken
             08:11 Ann undoes A-1 it is not
             08:12 Ann acknowledges A-1
             08:13 Ann undoes A-1"
        ),
        expect![[r#"
            01-01 08:00 A-1 refill_request MILK open, warning: 5 of 20, limit 6, +11
            01-01 08:01 quarantine: wrong_state
            01-01 08:05 A-1 refill_request MILK acknowledged by Ann "on my way"
            01-01 08:06 A-1 refill_request MILK acknowledged by Ann for Bob
            01-01 08:07 A-1 refill_request MILK snoozed by Cid for Bob until 01-01 10:00
            01-01 08:08 A-1 refill_request MILK acknowledged by Cid for Bob
            01-01 08:09 quarantine: wrong_state
            01-01 08:10 A-1 refill_request MILK acknowledged by Ann for Bob "the lift is broken"
            01-01 08:11 A-1 refill_request MILK acknowledged by Ann for Bob "it is not"
            01-01 08:12 A-1 refill_request MILK acknowledged by Ann
            01-01 08:13 A-1 refill_request MILK acknowledged by Ann for Bob "it is not"
        "#]],
    );
}

#[test]
fn an_alert_that_was_never_acted_on_but_once_is_open_again_and_nobodys() {
    check_lines(
        &["refill_request"],
        &format!("{LOW} 08:05 Ann acknowledges A-1\n08:06 Ann undoes A-1"),
        expect![[r#"
            01-01 08:00 A-1 refill_request MILK open, warning: 5 of 20, limit 6, +11
            01-01 08:05 A-1 refill_request MILK acknowledged by Ann
            01-01 08:06 A-1 refill_request MILK open by Ann, warning: 5 of 20, limit 6, +11
        "#]],
    );
}

#[test]
fn a_resolved_alert_stands_again_as_it_stood() {
    check_lines(
        &["refill_request"],
        &format!(
            "{LOW} 08:05 Bob acknowledges A-1 on my way
             08:10 Ann resolves A-1 done
             08:20 Ann undoes A-1
             08:30 c1 picks 1 MILK
             09:15 clock
             10:00 c1 puts back 6 MILK"
        ),
        expect![[r#"
            01-01 08:00 A-1 refill_request MILK open, warning: 5 of 20, limit 6, +11
            01-01 08:05 A-1 refill_request MILK acknowledged by Bob "on my way"
            01-01 08:10 A-1 refill_request MILK resolved by Ann for Bob "done"
            01-01 08:20 A-1 refill_request MILK acknowledged by Ann for Bob "on my way"
            01-01 10:00 A-1 refill_request MILK resolved for Bob "on my way"
        "#]],
    );
}

#[test]
fn a_dismissed_alert_stands_again_and_its_problem_is_seen_again() {
    check_lines(
        &["refill_request"],
        &format!(
            "{LOW} 08:05 Ann dismisses A-1
             12:00 Ann undoes A-1
             12:10 c1 puts back 5 MILK
             14:00 c1 picks 5 MILK"
        ),
        expect![[r#"
            01-01 08:00 A-1 refill_request MILK open, warning: 5 of 20, limit 6, +11
            01-01 08:05 A-1 refill_request MILK dismissed by Ann
            01-01 12:00 A-1 refill_request MILK open by Ann, warning: 5 of 20, limit 6, +11
            01-01 12:10 A-1 refill_request MILK resolved
            01-01 14:00 A-3 refill_request MILK open, warning: 5 of 20, limit 6
        "#]],
    );
}

#[test]
fn what_has_passed_since_or_opened_anew_is_not_brought_back() {
    // The problem passed.
    check_lines(
        &["refill_request", "quarantine"],
        &format!("{LOW} 08:05 Ann resolves A-1\n08:10 c1 puts back 5 MILK\n08:20 Ann undoes A-1"),
        expect![[r#"
            01-01 08:00 A-1 refill_request MILK open, warning: 5 of 20, limit 6, +11
            01-01 08:05 A-1 refill_request MILK resolved by Ann
            01-01 08:20 quarantine: unknown_alert
        "#]],
    );
    // A newer alert stands for it.
    check_lines(
        &["refill_request", "quarantine"],
        &format!("{LOW} 08:05 Ann resolves A-1\n09:06 clock\n09:10 Ann undoes A-1"),
        expect![[r#"
            01-01 08:00 A-1 refill_request MILK open, warning: 5 of 20, limit 6, +11
            01-01 08:05 A-1 refill_request MILK resolved by Ann
            01-01 09:05 A-2 refill_request MILK open, warning: 5 of 20, limit 6
            01-01 09:10 quarantine: unknown_alert
        "#]],
    );
    // Nobody ended it.
    check_lines(
        &["refill_request", "quarantine"],
        &format!(
            "{LOW} 08:05 Ann acknowledges A-1\n08:10 c1 puts back 5 MILK\n08:20 Ann undoes A-1"
        ),
        expect![[r#"
            01-01 08:00 A-1 refill_request MILK open, warning: 5 of 20, limit 6, +11
            01-01 08:05 A-1 refill_request MILK acknowledged by Ann
            01-01 08:10 A-1 refill_request MILK resolved for Ann
            01-01 08:20 quarantine: unknown_alert
        "#]],
    );
}

#[test]
fn a_snooze_that_is_over_by_then_is_over() {
    check_lines(
        &["refill_request", "quarantine"],
        &format!(
            "{LOW} 08:05 Ann snoozes A-1 until 09:00
             08:10 Ann resolves A-1
             08:20 Ann undoes A-1
             09:00 clock
             09:05 Ann undoes A-1
             09:10 Ann snoozes A-1 until 10:00
             09:20 Bob acknowledges A-1
             10:10 Bob undoes A-1"
        ),
        expect![[r#"
            01-01 08:00 A-1 refill_request MILK open, warning: 5 of 20, limit 6, +11
            01-01 08:05 A-1 refill_request MILK snoozed by Ann until 01-01 09:00
            01-01 08:10 A-1 refill_request MILK resolved by Ann
            01-01 08:20 A-1 refill_request MILK snoozed by Ann until 01-01 09:00
            01-01 09:00 A-1 refill_request MILK open by Ann, warning: 5 of 20, limit 6, +11
            01-01 09:05 quarantine: wrong_state
            01-01 09:10 A-1 refill_request MILK snoozed by Ann until 01-01 10:00
            01-01 09:20 A-1 refill_request MILK acknowledged by Bob
            01-01 10:10 A-1 refill_request MILK open by Bob, warning: 5 of 20, limit 6
        "#]],
    );
}

#[test]
fn a_discrepancy_that_was_settled_stays_settled() {
    check_lines(
        &["stock_discrepancy", "quarantine"],
        "product MILK
         stock MILK lot L1 floor 10 warehouse 40
         08:00 c1 pays 12 MILK at 1.00
         08:05 Ann resolves A-1
         08:06 Ann undoes A-1",
        expect![[r#"
            01-01 08:00 A-1 stock_discrepancy MILK open, info: 0 of 20, limit 2
            01-01 08:05 A-1 stock_discrepancy MILK resolved by Ann
            01-01 08:06 quarantine: unknown_alert
        "#]],
    );
}

/// What a person did last about an alert, by what was told alone.
#[derive(Clone, Debug)]
struct Told {
    last: Alert,
    /// As it was before the last act of a person.
    before: Option<Alert>,
}

/// The alerts of a store as a reader of its effects knows them.
#[derive(Debug, Default)]
struct Model {
    alerts: BTreeMap<AlertId, Told>,
}

impl Model {
    /// Takes note of an alert that changed, by the act of a person or by itself.
    fn note(&mut self, alert: &Alert, act: Option<AlertVerb>) {
        let alert = *alert;
        if !self.alerts.contains_key(&alert.alert) {
            // A newer alert stands in the place of those that ended.
            let slot = |known: &Alert| (known.rule, known.sku, known.place);
            for told in self.alerts.values_mut() {
                if slot(&told.last) == slot(&alert) && !told.last.status.standing() {
                    told.before = None;
                }
            }
            self.alerts.insert(alert.alert, Told { last: alert, before: None });
            return;
        }
        let told = self.alerts.get_mut(&alert.alert).unwrap();
        match act {
            Some(AlertVerb::Undo) => told.before = None,
            Some(_) => told.before = Some(told.last),
            None if !alert.status.standing() => told.before = None,
            None if alert.status != told.last.status => told.before = None,
            // Seen again: what people did stays as it is.
            None => {}
        }
        told.last = alert;
    }
}

/// Whether the problem of an alert is there, where it can be read off the shelf.
fn holds(both: &Both, alert: &Alert) -> Option<bool> {
    let store = both.store();
    let shelf = store.shelf(store.sku(alert.sku?)?)?;
    match (alert.rule, alert.place) {
        (Rule::ShelfEmpty, _) => Some(shelf.floor_units == 0),
        (Rule::RefillRequest, _) => Some(shelf.floor_units < shelf.rules().refill_clear_units),
        (Rule::SupplierRequest, _) => {
            Some(shelf.warehouse_units < shelf.rules().reorder_clear_units)
        }
        (Rule::OutOfStock, _) => Some(shelf.on_hand_units() == 0),
        (Rule::StockDiscrepancy, Place::Floor) => Some(shelf.disputed_floor_units != 0),
        (Rule::StockDiscrepancy, Place::Warehouse) => Some(shelf.disputed_warehouse_units != 0),
        _ => None,
    }
}

fn verb(choice: u8, now: Timestamp) -> AlertVerb {
    match choice {
        0 => AlertVerb::Acknowledge,
        1 => AlertVerb::Assign(Actor::cut("bob")),
        2 => AlertVerb::Snooze(now.plus(45 * MINUTE)),
        3 => AlertVerb::Resolve,
        4 => AlertVerb::Dismiss,
        5 => AlertVerb::Note,
        _ => AlertVerb::Undo,
    }
}

/// Steps an event, and has the model take note of what follows.
fn step(both: &mut Both, model: &mut Model, event: &Event) -> Result<Outcome, TestCaseError> {
    let outcome = both.step(event).map_err(TestCaseError::fail)?;
    let act = match &event.body {
        Body::AlertAct(act) => Some((act.alert, act.act)),
        _ => None,
    };
    let told: Vec<Alert> = both.effects().items.iter().filter_map(alert_of).collect();
    for (number, alert) in told.iter().enumerate() {
        // The timers that were due come first, and what an act leads to after it.
        let last_of_it = told.iter().skip(number + 1).all(|later| later.alert != alert.alert);
        let by = act.filter(|(id, _)| {
            *id == alert.alert && last_of_it && !matches!(outcome, Outcome::Quarantined(_))
        });
        model.note(alert, by.map(|(_, verb)| verb));
    }
    Ok(outcome)
}

fn alert_of(effect: &Effect) -> Option<Alert> {
    match effect {
        Effect::Alert(alert) => Some(*alert),
        _ => None,
    }
}

/// An act of a person now.
fn act_event(both: &Both, number: usize, alert: AlertId, act: AlertVerb) -> Event {
    let now = both.store().now();
    let (actor, note) = (Actor::cut("ann"), Note::default());
    Event {
        id: EventId((1 << 100) + number as u128),
        store: both.store().id(),
        at: now,
        received_at: now,
        origin: shelf_domain::Origin::default(),
        body: Body::AlertAct(Box::new(AlertAct { alert, act, actor, note })),
    }
}

/// What must be of an undo, by the model of before it.
fn check_undo(
    both: &Both,
    told: &Told,
    outcome: Outcome,
    promised: Option<&Alert>,
) -> Result<(), TestCaseError> {
    let now = both.store().now();
    // Timers that were due come first.
    let effects = both.effects().items.iter().filter_map(alert_of);
    let alert = effects.rev().find(|alert| alert.alert == told.last.alert);
    let Outcome::Accepted = outcome else {
        prop_assert_eq!(promised, None);
        // One that a timer ended just before does not stand any more.
        let standing = alert.as_ref().unwrap_or(&told.last).status.standing();
        let reason = if standing { Reason::WrongState } else { Reason::UnknownAlert };
        prop_assert_eq!(outcome, Outcome::Quarantined(reason));
        let known = told.before.filter(|_| standing);
        prop_assert_eq!(known, None, "an act that can be taken back");
        return Ok(());
    };
    let before = told.before.ok_or_else(|| TestCaseError::fail("nothing was done"))?;
    let alert = &alert.ok_or_else(|| TestCaseError::fail("nothing was told"))?;
    let over = before.snoozed_until.is_some_and(|until| until <= now);
    let status = if over { AlertStatus::Open } else { before.status };
    prop_assert_eq!(alert.status, status);
    prop_assert_eq!(alert.snoozed_until, before.snoozed_until.filter(|_| !over));
    prop_assert_eq!((alert.owner, alert.note), (before.owner, before.note));
    prop_assert_eq!((alert.opened_at, alert.actor), (before.opened_at, Some(Actor::cut("ann"))));
    prop_assert_eq!(promised.map(|promised| promised.status), Some(alert.status));
    prop_assert!(holds(both, alert) != Some(false), "{:?}", alert);
    let standing = both.store().alerts();
    let slot = |known: &Alert| (known.rule, known.sku, known.place);
    prop_assert_eq!(standing.iter().filter(|other| slot(other) == slot(alert)).count(), 1);
    Ok(())
}

/// What is told of the acts that can be taken back, by the effects that told of them.
fn check_told(both: &Both, model: &Model) -> Result<(), TestCaseError> {
    let store = both.store();
    for alert in store.alerts().into_iter().copied().chain(store.alerts_to_undo()) {
        let before = store.alert_before_act(alert.alert);
        let Some(last) = store.act_to_undo(&alert) else {
            prop_assert_eq!(before, None);
            continue;
        };
        let told = model.alerts.get(&alert.alert).unwrap();
        prop_assert_eq!((alert.status, last.at), (told.last.status, told.last.changed_at));
        let before = before.ok_or_else(|| TestCaseError::fail("nothing was done"))?;
        let fits = match last.act {
            AlertVerb::Acknowledge => alert.owner == alert.actor,
            AlertVerb::Assign(owner) => alert.owner == Some(owner),
            AlertVerb::Snooze(until) => alert.snoozed_until == Some(until),
            AlertVerb::Resolve => alert.status == AlertStatus::Resolved,
            AlertVerb::Dismiss => alert.status == AlertStatus::Dismissed,
            AlertVerb::Note => (before.status, before.owner) == (alert.status, alert.owner),
            AlertVerb::Undo => false,
        };
        prop_assert!(fits, "{:?} of {:?}", last, alert);
    }
    Ok(())
}

fn config() -> ProptestConfig {
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 192;
    }
    config
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn an_undo_gives_back_what_there_was_and_brings_nothing_back_that_has_passed(
        steps in steps(100),
        acts in prop::collection::vec((0_u8..12, any::<prop::sample::Index>()), 200),
    ) {
        let (mut both, mut model) = (Both::new(), Model::default());
        for (number, event) in events(&steps).iter().enumerate() {
            step(&mut both, &mut model, event)?;
            let Some((choice, which)) = acts.get(number) else { continue };
            if model.alerts.is_empty() || both.store().now() < Timestamp::EARLIEST {
                continue;
            }
            let ids: Vec<AlertId> = model.alerts.keys().copied().collect();
            let Some(&id) = ids.get(which.index(ids.len())) else { continue };
            // Timers that a late event set into the past are due now: what is told of an act to
            // take back is told of after them.
            let nothing = act_event(&both, 1_000 + number, id, AlertVerb::Note);
            step(&mut both, &mut model, &Event { body: Body::Clock, ..nothing })?;
            let act = act_event(&both, number, id, verb(*choice, both.store().now()));
            let promised = both.store().alert_before_act(id);
            let told = model.alerts.get(&id).cloned().unwrap();
            let outcome = step(&mut both, &mut model, &act)?;
            if *choice > 5 {
                check_undo(&both, &told, outcome, promised.as_ref())?;
            }
            check_told(&both, &model)?;
            prop_assert_eq!(both.restored().hash(), both.hash());
        }
    }
}
