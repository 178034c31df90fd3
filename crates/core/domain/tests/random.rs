//! Whatever events come, in whatever order: the core agrees with the model, breaks no invariant,
//! and does the same again.
//!
//! `PROPTEST_CASES` sets how many shops are tried. A failing case prints its steps, shrunk, and
//! what differs; no case is kept in a file: a case that once failed becomes a story.

use proptest::prelude::*;
use shelf_domain::{Body, Effects, Event, FactScope, Flow, HOUR, Outcome, Store, TaskStatus};
use shelf_testkit::any::{events, steps};
use shelf_testkit::{Both, check_conservation};

/// Without the environment's word: enough to meet every rule, and quick.
const CASES: u32 = 192;
const STEPS: usize = 120;

fn config(cases: u32) -> ProptestConfig {
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = cases;
    }
    config
}

fn all(events: &[Event]) -> Result<Both, TestCaseError> {
    let mut both = Both::new();
    for event in events {
        both.step(event).map_err(TestCaseError::fail)?;
    }
    Ok(both)
}

/// What a store came to since a day is what its products did, added up.
fn flows_add_up(store: &Store) -> Result<(), TestCaseError> {
    for from in [0, 1, 6, 30].map(|days| store.day().plus(-days)) {
        let facts = store.facts(FactScope::Store, from, store.day());
        let flow = Flow {
            units: facts.skus.sold as i64 - facts.skus.returned as i64,
            net_cents: facts.skus.net_cents,
            elapsed_ms: facts.store.elapsed_ms,
            ordered: facts.skus.ordered,
            delivered: facts.skus.delivered,
            waste_cents: facts.skus.waste_cents,
        };
        prop_assert_eq!(store.flow_since(from), flow);
    }
    Ok(())
}

/// Nothing but that time passes.
fn after(event: &Event, micros: i64) -> Event {
    let at = event.received_at.plus(micros);
    Event { at, received_at: at, body: Body::Clock, ..event.clone() }
}

proptest! {
    #![proptest_config(config(CASES))]

    #[test]
    fn core_and_model_agree_after_every_event(steps in steps(STEPS)) {
        let both = all(&events(&steps))?;
        let model = shelf_testkit::Model::of(&events(&steps));
        prop_assert_eq!(check_conservation(&model), Ok(()));
        prop_assert!(both.store().units().conserved());
        flows_add_up(both.store())?;
    }

    #[test]
    fn what_is_under_way_comes_to_an_end_when_nothing_more_happens(steps in steps(STEPS)) {
        let events = events(&steps);
        let mut both = all(&events)?;
        let last = events.last().cloned().into_iter();
        for event in last.flat_map(|last| (1..=60).map(move |hours| after(&last, hours * HOUR))) {
            both.step(&event).map_err(TestCaseError::fail)?;
        }
        let now = both.store().now();
        for task in both.store().tasks() {
            let waits = task.status == TaskStatus::Pending && task.backorder_units > 0;
            let fresh = task.status == TaskStatus::Issued && now.since(task.changed_at) < 12 * HOUR;
            let young = task.due_at > now;
            prop_assert!(waits || fresh || young, "{:?}", task);
        }
        for index in both.store().skus() {
            prop_assert_eq!(both.store().shelf(index).map(|shelf| shelf.transit_units), Some(0));
        }
        prop_assert_eq!(both.store().units().carts, 0);
        prop_assert!(both.store().orders().all(|order| now.since(order.delivery_at) < 72 * HOUR));
    }

    #[test]
    fn an_event_that_comes_again_changes_nothing(steps in steps(STEPS)) {
        let mut both = Both::new();
        for event in events(&steps) {
            let outcome = both.step(&event).map_err(TestCaseError::fail)?;
            let taken = matches!(outcome, Outcome::Accepted | Outcome::Late);
            if taken && !matches!(event.body, Body::Clock) {
                let before = both.hash();
                let again = both.step(&event).map_err(TestCaseError::fail)?;
                prop_assert_eq!(again, Outcome::Duplicate);
                prop_assert_eq!(both.hash(), before, "{:?}", event);
            }
        }
    }

    #[test]
    fn a_saved_and_restored_store_goes_on_as_if_nothing_had_happened(
        steps in steps(STEPS),
        at in any::<prop::sample::Index>(),
    ) {
        let events = events(&steps);
        let (before, after) = events.split_at(at.index(events.len()));
        let mut straight = all(before)?;
        let mut restored = straight.restored();
        prop_assert_eq!(restored.hash(), straight.hash());
        for event in after {
            let one = straight.step(event).map_err(TestCaseError::fail)?;
            let other = restored.step(event).map_err(TestCaseError::fail)?;
            prop_assert_eq!(one, other);
            prop_assert_eq!(straight.effects(), restored.effects());
        }
        flows_add_up(restored.store())?;
        prop_assert_eq!(restored.hash(), straight.hash());
    }

    #[test]
    fn a_second_run_comes_to_the_same_state(steps in steps(STEPS)) {
        let events = events(&steps);
        let run = || {
            let mut stores = shelf_domain::Stores::default();
            let mut effects = Effects::default();
            let mut all = Vec::new();
            for event in &events {
                stores.step(event, &mut effects);
                all.push(effects.clone());
            }
            (shelf_domain::state_hash(stores.iter()), all)
        };
        prop_assert_eq!(run(), run());
    }
}
