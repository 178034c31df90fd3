//! Alerts about the whole store, opened here by hand under rules of any kind.

use std::boxed::Box;
use std::vec::Vec;

use super::*;
use crate::event::{Body, Event};
use crate::ids::{EventId, PolicyId, Sku, SkuIndex, StoreId};
use crate::origin::Origin;
use crate::reference::{Policy, Product, Scope, StoreSettings};
use crate::{Invariant, Violation};

const MONDAY: i64 = 1_767_571_200_000_000;
const RULE: Rule = Rule::ShelfEmpty;

/// A store with one product, and the events that have come.
struct Shop {
    store: Store,
    events: u128,
    minute: i64,
}

impl Shop {
    fn new() -> Self {
        let id = StoreId::cut("S001");
        let mut shop = Self { store: Store::new(id, Timestamp(MONDAY)), events: 0, minute: 0 };
        shop.step(Body::Store(StoreSettings::default().into()));
        shop.step(Body::Product(Product { sku: Sku::cut("MILK"), ..Product::default() }.into()));
        shop
    }

    /// Takes an event in the present minute, and tells the alerts that changed.
    fn step(&mut self, body: Body) -> Vec<Alert> {
        self.events += 1;
        let at = self.now();
        let id = EventId(self.events);
        let event = Event {
            id,
            store: self.store.id(),
            at,
            received_at: at,
            origin: Origin::default(),
            body,
        };
        let mut fx = Effects::default();
        let outcome = self.store.step(&event, &mut fx);
        assert!(!matches!(outcome, crate::Outcome::Quarantined(_)), "{outcome:?}");
        self.told(&fx)
    }

    fn now(&self) -> Timestamp {
        Timestamp(MONDAY).plus(self.minute * crate::time::MINUTE)
    }

    fn wait(&mut self, minutes: i64) -> Vec<Alert> {
        self.minute += minutes;
        self.step(Body::Clock)
    }

    fn holds(&mut self, subject: Subject, rule: Rule, severity: Severity) -> Vec<Alert> {
        let facts =
            Facts { severity, stock_units: 7, threshold: 2, capacity_units: 0, suggested_units: 1 };
        let mut fx = Effects::default();
        self.store.condition_holds(subject, rule, Place::Floor, facts, &mut fx);
        self.told(&fx)
    }

    fn ends(&mut self, subject: Subject, rule: Rule) -> Vec<Alert> {
        let mut fx = Effects::default();
        self.store.condition_ended(subject, rule, Place::Floor, &mut fx);
        self.told(&fx)
    }

    fn acts(&mut self, alert: u64, act: AlertVerb) -> Vec<Alert> {
        let (alert, actor, note) = (AlertId(alert), Actor::cut("Ann"), Note::default());
        self.step(Body::AlertAct(Box::new(AlertAct { alert, act, actor, note })))
    }

    fn told(&self, fx: &Effects) -> Vec<Alert> {
        let broken: Vec<Violation> = self.store.violations();
        assert!(broken.iter().all(|v| v.invariant != Invariant::OneAlertEach), "{broken:?}");
        let alert = |effect: &Effect| match effect {
            Effect::Alert(alert) => Some(*alert),
            _ => None,
        };
        fx.items.iter().filter_map(alert).collect()
    }
}

fn statuses(alerts: &[Alert]) -> Vec<(u64, AlertStatus)> {
    alerts.iter().map(|alert| (alert.alert.0, alert.status)).collect()
}

#[test]
fn an_alert_of_the_whole_store_opens_once_and_names_no_shelf() {
    let mut shop = Shop::new();
    let opened = shop.holds(Subject::Store, RULE, Severity::Info);
    assert_eq!(statuses(&opened), [(1, AlertStatus::Open)]);
    assert_eq!((opened[0].sku, opened[0].place), (None, Place::Floor));
    assert!(shop.holds(Subject::Store, RULE, Severity::Info).is_empty());
    let worse = shop.holds(Subject::Store, RULE, Severity::Critical);
    assert_eq!((worse[0].alert.0, worse[0].severity, worse[0].count), (1, Severity::Critical, 3));
    assert_eq!(shop.store.alerts_of_store().count(), 1);
    assert_eq!(shop.store.alerts().len(), 1);
    assert_eq!(shop.store.alerts_of(SkuIndex(0)).count(), 0);
    assert_eq!(statuses(&shop.ends(Subject::Store, RULE)), [(1, AlertStatus::Resolved)]);
    assert_eq!(shop.store.stats().alerts_ended.get(RULE as usize), 1);
    assert!(shop.store.alerts().is_empty());
}

#[test]
fn it_stands_beside_that_of_a_shelf_under_the_same_rule() {
    let mut shop = Shop::new();
    let sku = Subject::Sku(SkuIndex(0));
    let of_shelf = shop.holds(sku, RULE, Severity::Info);
    assert_eq!(of_shelf[0].sku, Some(Sku::cut("MILK")));
    assert_eq!(
        statuses(&shop.holds(Subject::Store, RULE, Severity::Info)),
        [(2, AlertStatus::Open)]
    );
    assert_eq!(statuses(&shop.ends(sku, RULE)), [(1, AlertStatus::Resolved)]);
    assert_eq!(shop.store.alerts_of_store().count(), 1);
}

#[test]
fn its_cooldown_is_that_of_the_widest_policies() {
    let mut shop = Shop::new();
    let cooldown = |id, scope, minutes| Policy {
        policy: PolicyId::cut(id),
        scope,
        active: true,
        cooldown_minutes: Some(minutes),
        ..Policy::default()
    };
    shop.step(Body::Policy(cooldown("all", Scope::Global, 20).into()));
    shop.step(Body::Policy(cooldown("milk", Scope::Shelf(Sku::cut("MILK")), 90).into()));
    shop.holds(Subject::Store, RULE, Severity::Info);
    shop.ends(Subject::Store, RULE);
    shop.wait(19);
    assert!(shop.holds(Subject::Store, RULE, Severity::Info).is_empty());
    shop.wait(1);
    let again = shop.holds(Subject::Store, RULE, Severity::Info);
    assert_eq!(statuses(&again), [(2, AlertStatus::Open)]);
}

#[test]
fn people_snooze_dismiss_and_resolve_it_like_any_other() {
    let mut shop = Shop::new();
    shop.holds(Subject::Store, RULE, Severity::Info);
    let until = shop.now().plus(30 * crate::time::MINUTE);
    let snoozed = shop.acts(1, AlertVerb::Snooze(until));
    assert_eq!(statuses(&snoozed), [(1, AlertStatus::Snoozed)]);
    assert_eq!(statuses(&shop.wait(30)), [(1, AlertStatus::Open)]);
    assert_eq!(statuses(&shop.acts(1, AlertVerb::Resolve)), [(1, AlertStatus::Resolved)]);
    assert!(shop.holds(Subject::Store, RULE, Severity::Info).is_empty());
    shop.wait(60);
    shop.holds(Subject::Store, RULE, Severity::Info);
    assert_eq!(statuses(&shop.acts(2, AlertVerb::Dismiss)), [(2, AlertStatus::Dismissed)]);
    shop.wait(600);
    assert!(shop.holds(Subject::Store, RULE, Severity::Info).is_empty());
    shop.ends(Subject::Store, RULE);
    let third = shop.holds(Subject::Store, RULE, Severity::Info);
    assert_eq!(statuses(&third), [(3, AlertStatus::Open)]);
}

#[test]
fn a_notice_of_the_whole_store_ends_at_a_day_change() {
    let mut shop = Shop::new();
    let opened = shop.holds(Subject::Store, Rule::DeliveryDiscrepancy, Severity::Info);
    assert_eq!(statuses(&opened), [(1, AlertStatus::Open)]);
    shop.wait(6 * 24 * 60);
    assert_eq!(shop.store.alerts_of_store().count(), 1);
    assert_eq!(statuses(&shop.wait(2 * 24 * 60)), [(1, AlertStatus::Resolved)]);
}
