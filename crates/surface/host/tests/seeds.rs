//! Seeded towns with all faults and all realism: the core and the independent model live through
//! the same messages and agree on stock, lots and money, and no invariant is broken.
//!
//! `SHELF_SEEDS=n` tries n seeds. `SHELF_SEED=s` tries one, and compares after each tick.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the helpers of tests fail like tests"
)]

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use shelf_domain::{Body, Effect, Effects, Event, Outcome, Reason, Store, Stores, state_hash};
use shelf_events::{Defaults, parse_event, rejected_event};
use shelf_simulator::{FaultCounts, Faults, Message, StoreTown, TownOptions, Truth};
use shelf_testkit::{Model, check_conservation, compare};

/// The seeds of the suite.
const SEEDS: u64 = 100;
/// From six in the morning into the second night: what was delayed by hours has arrived.
const HOURS: i64 = 46;
/// So many seeds live twice and must come to the same state.
const TWICE: u64 = 5;
/// Every so many seeds the town is one of the reference's size; the others are small.
const FULL_SIZE_EVERY: u64 = 10;

/// How often the whole store is compared with the model.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    Hourly,
    EachTick,
}

/// A town, the core and the model, in lock-step.
struct Life {
    town: StoreTown,
    stores: Stores,
    model: Model,
    effects: Effects,
    told: Vec<Effect>,
    lines: u64,
}

impl Life {
    fn new(seed: u64) -> Self {
        let customers = if seed.is_multiple_of(FULL_SIZE_EVERY) { None } else { Some(250) };
        let options = TownOptions {
            seed,
            faults: Faults::ALL,
            customers_per_day: customers,
            ..TownOptions::default()
        };
        Self {
            town: StoreTown::new(&options, (seed % 3) as u32),
            stores: Stores::default(),
            model: Model::new(),
            effects: Effects::default(),
            told: Vec::new(),
            lines: 0,
        }
    }

    fn store(&self) -> &Store {
        self.stores.get(self.town.store()).expect("the first tick declares the store")
    }

    fn live(&mut self, hours: i64, pace: Pace) -> Result<(), String> {
        let mut messages = Vec::new();
        for minute in 0..=hours * 60 {
            messages.clear();
            self.town.tick(&mut messages);
            for message in messages.drain(..) {
                let event = self.arrive(message)?;
                self.step(&event).map_err(|error| format!("after {event:?}: {error}"))?;
            }
            for effect in self.told.drain(..) {
                self.town.observe(&effect);
            }
            let broken = self.store().violations();
            if !broken.is_empty() {
                return Err(format!("in minute {minute}: broken: {broken:?}"));
            }
            if pace == Pace::EachTick || minute % 60 == 0 {
                self.check().map_err(|error| format!("in minute {minute}: {error}"))?;
            }
        }
        Ok(())
    }

    /// What the log gets for a message.
    fn arrive(&mut self, message: Message) -> Result<Event, String> {
        let line = match message {
            Message::Event(event) => return Ok(event),
            Message::Line(line) => line,
        };
        self.lines += 1;
        let store = Some(self.town.store());
        let defaults = Defaults { store, received_at: self.town.now() };
        match parse_event(&line, &defaults) {
            Ok(event) => Err(format!("a damaged line was read as {event:?}")),
            Err(error) => Ok(rejected_event(&error, &line, "town", self.lines, &defaults)),
        }
    }

    fn step(&mut self, event: &Event) -> Result<(), String> {
        let outcome = self.stores.step(event, &mut self.effects);
        // Bytes that are no event are of no store: the core never shows them to one.
        if !matches!(event.body, Body::Rejected(_)) {
            self.model.apply(event);
        }
        if let Some(store) = self.stores.get(event.store) {
            let broken = store.violations_after(&self.effects);
            if !broken.is_empty() {
                return Err(format!("broken: {broken:?}"));
            }
        }
        if outcome == Outcome::Duplicate && self.effects.items != [Effect::Duplicate] {
            return Err(format!("a duplicate led to {:?}", self.effects.items));
        }
        self.told.append(&mut self.effects.items);
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        let store = self.store();
        compare(store, &self.model)?;
        check_conservation(&self.model)?;
        if !store.units().conserved() {
            return Err(format!("units are not conserved: {:?}", store.units()));
        }
        let (truth, there) = (self.town.truth(), self.town.whole_stock().units());
        let came = truth.opening_units + truth.delivered_units;
        let left = truth.sold_units + truth.stolen_units + truth.broken_units + truth.expired_units;
        if came != left + there {
            return Err(format!("the town lost units: {came} came, {left} left, {there} there"));
        }
        Ok(())
    }

    /// What can only be said when all that was under way has arrived.
    fn check_end(&self) -> Result<(), String> {
        let (truth, counts) = (self.town.truth(), self.stores.counts());
        let faults = &truth.faults;
        let unreadable = counts.quarantined.get(Reason::Unreadable as usize);
        same("damaged lines sent and received", faults.malformed + faults.truncated, self.lines)?;
        same("damaged lines and those in quarantine", self.lines, unreadable)?;
        let model = self.model.counts();
        same("duplicates of core and model", counts.duplicates, model.duplicates as u64)?;
        same("late events of core and model", counts.late, model.late as u64)?;
        let refused = counts.quarantined.total() - unreadable;
        same("refused events of core and model", refused, model.quarantined as u64)?;
        same("stepped and counted", counts.stepped, {
            counts.accepted + counts.duplicates + counts.quarantined.total()
        })?;
        same("duplicates sent and recognised", faults.duplicate, counts.duplicates)?;
        self.check_plausible(truth)
    }

    fn check_plausible(&self, truth: &Truth) -> Result<(), String> {
        let units = self.store().units();
        let sold = u64::try_from(units.sold).map_err(|_| "less than nothing sold".to_owned())?;
        let plausible = [
            // Of the damaged receipts, two in a thousand, half never come again.
            ("units sold", sold <= truth.sold_units && sold * 100 >= truth.sold_units * 98),
            ("revenue", self.store().revenue_cents() <= truth.revenue_cents),
            ("units wanted and sold", truth.sold_units <= truth.demand_units),
            ("lost units", truth.lost_units * 10 < truth.demand_units),
            ("units received", units.received == truth.opening_units + truth.delivered_units),
            ("thefts", truth.stolen_units * 50 < truth.sold_units),
            ("receipts", truth.receipts <= truth.visits && truth.receipts * 2 > truth.visits),
        ];
        match plausible.into_iter().find(|(_, plausible)| !plausible) {
            Some((what, _)) => Err(format!("{what}: {units:?} of {truth:?}")),
            None => Ok(()),
        }
    }
}

fn same(what: &str, one: u64, other: u64) -> Result<(), String> {
    if one == other { Ok(()) } else { Err(format!("{what}: {one} and {other}")) }
}

/// What a seed came to: its faults and its state, or what went wrong.
type Lived = Result<(FaultCounts, u128), String>;

/// One seed, from its first event to its last.
fn live(seed: u64, pace: Pace) -> Lived {
    let mut life = Life::new(seed);
    life.live(HOURS, pace)?;
    life.check_end()?;
    let hash = state_hash(life.stores.iter()).map_err(|error| error.to_string())?;
    Ok((life.town.truth().faults, hash))
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("a number"))
}

/// Lives through the seeds on all cores, and returns what each came to, in order.
fn live_all(seeds: u64) -> Vec<(u64, Lived)> {
    let (next, results) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        return;
                    }
                    let result = live(seed, Pace::Hourly);
                    results.lock().unwrap().push((seed, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap();
    results.sort_unstable_by_key(|(seed, _)| *seed);
    results
}

#[test]
fn core_and_model_agree_on_every_seed_with_all_faults() {
    if let Some(seed) = number("SHELF_SEED") {
        let result = live(seed, Pace::EachTick);
        assert!(result.is_ok(), "seed {seed}: {}", result.unwrap_err());
        return;
    }
    let results = live_all(number("SHELF_SEEDS").unwrap_or(SEEDS));
    let mut fired = FaultCounts::default();
    let mut failed = Vec::new();
    for (seed, result) in &results {
        match result {
            Ok((faults, _)) => add(&mut fired, faults),
            Err(error) => failed.push(format!(
                "seed {seed}: {error}\n  \
                 again: SHELF_SEED={seed} cargo test -p shelf-host --test seeds"
            )),
        }
    }
    assert!(failed.is_empty(), "{} seeds fail:\n{}", failed.len(), failed.join("\n"));
    let FaultCounts { duplicate, late, out_of_order, malformed, truncated, sent_again } = fired;
    for (fault, count) in [
        ("duplicate", duplicate),
        ("late", late),
        ("out of order", out_of_order),
        ("malformed", malformed),
        ("truncated", truncated),
        ("sent again", sent_again),
    ] {
        assert!(count > 0, "the fault `{fault}` never fired");
    }
    for (seed, first) in results.iter().take(TWICE as usize) {
        assert_eq!(&live(*seed, Pace::Hourly), first, "seed {seed}, the second time");
    }
    println!("{} seeds agree; faults: {fired:?}", results.len());
}

fn add(sum: &mut FaultCounts, more: &FaultCounts) {
    sum.duplicate += more.duplicate;
    sum.late += more.late;
    sum.out_of_order += more.out_of_order;
    sum.malformed += more.malformed;
    sum.truncated += more.truncated;
    sum.sent_again += more.sent_again;
}
