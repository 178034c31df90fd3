//! Seeded towns with all faults: every window that has ended says what a plain addition over the
//! sorted events says, and the windows of a store add up to its receipts.
//!
//! `SHELF_SEEDS=n` tries n seeds.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the helpers of tests fail like tests"
)]

use shelf_domain::{
    Body, Day, Effect, Effects, Event, FactScope, HOUR, MINUTE, PeriodFacts, Store, Stores,
    Timestamp, WindowName, WindowPlan,
};
use shelf_events::{Defaults, parse_event, rejected_event};
use shelf_simulator::{Faults, Message, StoreTown, TownOptions};
use shelf_testkit::{PlainWindows, ToldWindows};

/// The seeds of the suite.
const SEEDS: u64 = 20;
/// From six in the morning: a day of trade, and what was delayed.
const HOURS: i64 = 20;

struct Run {
    stores: Stores,
    effects: Effects,
    told: ToldWindows,
    plain: PlainWindows,
    corrected: u64,
}

impl Run {
    fn new() -> Self {
        Self {
            stores: Stores::default(),
            effects: Effects::default(),
            told: ToldWindows::default(),
            plain: PlainWindows::default(),
            corrected: 0,
        }
    }

    fn step(&mut self, event: &Event) {
        let outcome = self.stores.step(event, &mut self.effects);
        let Some(store) = self.stores.get(event.store) else { return };
        self.plain.note(event, outcome, store, &self.effects);
        for effect in &self.effects.items {
            if let Effect::Window(result) = effect {
                self.told.note(result);
                self.corrected += u64::from(result.stage == shelf_domain::WindowStage::Corrected);
            }
        }
        for name in ["global_30s", "store_1m"] {
            let balance = store.window_balance(WindowName::cut(name)).unwrap_or_default();
            assert_eq!(balance.lost_cents(), 0, "{name} after {event:?}: {balance:?}");
        }
    }
}

/// The default windows, all of which tell their results, with this lateness.
fn plan(lateness_us: i64) -> WindowPlan {
    let mut plan = WindowPlan { lateness_us, ..WindowPlan::default() };
    plan.windows.iter_mut().for_each(|spec| spec.kept = true);
    plan
}

fn declared(store: &Event, plan: &WindowPlan) -> Event {
    let id = shelf_domain::EventId(u128::MAX);
    Event { id, body: Body::WindowPlan(Box::new(plan.clone())), ..store.clone() }
}

/// Lives a day in a town; the state is saved and restored every so many events.
fn live(seed: u64, plan: &WindowPlan, restore_every: Option<u64>) -> (Run, StoreTown) {
    let options = TownOptions {
        seed,
        faults: Faults::ALL,
        customers_per_day: Some(if seed.is_multiple_of(5) { 800 } else { 250 }),
        ..TownOptions::default()
    };
    let mut town = StoreTown::new(&options, 0);
    let mut run = Run::new();
    let (mut messages, mut lines, mut steps) = (Vec::new(), 0, 0_u64);
    for _ in 0..HOURS * 60 {
        town.tick(&mut messages);
        let mut told = Vec::new();
        for message in messages.drain(..) {
            let event = match message {
                Message::Event(event) => event,
                Message::Line(line) => {
                    lines += 1;
                    let defaults = Defaults { store: Some(town.store()), received_at: town.now() };
                    let error = parse_event(&line, &defaults).unwrap_err();
                    rejected_event(&error, &line, "town", lines, &defaults)
                }
            };
            run.step(&event);
            if matches!(event.body, Body::Store(_)) && steps == 0 {
                let effects = std::mem::take(&mut run.effects.items);
                run.step(&declared(&event, plan));
                run.effects.items = effects;
            }
            told.append(&mut run.effects.items);
            steps += 1;
            if restore_every.is_some_and(|every| steps.is_multiple_of(every)) {
                let bytes = run.stores.encode().unwrap();
                run.stores = Stores::decode(&bytes).unwrap();
            }
        }
        for effect in &told {
            town.observe(effect);
        }
    }
    (run, town)
}

/// The days of a store add up to its ledgers, and its categories and products to the store.
fn check_facts(store: &Store) {
    let of = |scope| store.facts(scope, Day(i32::MIN), Day::NEVER);
    let (all, units) = (of(FactScope::Store), store.units());
    let sold = all.skus.sold as i64 - all.skus.returned as i64;
    assert_eq!((all.skus.net_cents, sold), (store.revenue_cents(), units.sold));
    assert_eq!(all.store.net_cents, store.revenue_cents());
    assert_eq!((all.skus.received, all.skus.removed), (units.received, units.removed));
    assert_eq!(all.skus.unexplained, units.unexplained);
    assert_eq!(all.buyers.receipts, store.stats().receipts);
    assert_eq!(all.store.visits, store.stats().entries);
    assert_eq!(all.start_units, 0, "nothing was there before the opening stock");
    let mut parts = PeriodFacts::default();
    store.categories().for_each(|category| parts.merge(&of(FactScope::Category(category))));
    assert_eq!(parts.skus, all.skus);
    let mut parts = PeriodFacts::default();
    store.skus().for_each(|index| parts.merge(&of(FactScope::Product(index))));
    assert_eq!(parts.skus, all.skus);
    assert!(parts.buyers.receipts > all.buyers.receipts, "receipts have several products");
}

fn seeds() -> u64 {
    let asked = std::env::var("SHELF_SEEDS").ok();
    asked.map_or(SEEDS, |text| text.parse().expect("a number of seeds"))
}

/// How many rows were compared and corrected, and how many changes came too late.
#[derive(Clone, Copy, Default)]
struct Compared {
    rows: usize,
    corrected: u64,
    missed: u64,
}

fn compare(seed: u64, plan: &WindowPlan) -> Compared {
    let (run, town) = live(seed, plan, None);
    let store = run.stores.get(town.store()).unwrap();
    assert_eq!(store.window_plan(), plan);
    let now = store.now().0;
    let plain = run.plain.rows(plan, now);
    let rows = run.told.compare(&plain, now).map_err(|error| format!("seed {seed}: {error}"));
    let rows = rows.unwrap();
    check_facts(store);
    let mut missed = 0;
    for name in ["global_30s", "store_1m", "product_5m"] {
        let name = WindowName::cut(name);
        let too_late = store.missed(name).unwrap();
        missed += too_late.changes;
        let recent = store.recent_windows(name, usize::MAX);
        let open = recent.iter().filter(|result| result.end.0 > now).flat_map(|r| &r.rows);
        let open: i64 = open.map(|row| row.sales.net_cents).sum();
        let ended = run.told.net_of_ended(name.as_str(), now);
        assert_eq!(ended + open + too_late.net_cents, store.revenue_cents(), "seed {seed}");
    }
    Compared { rows, corrected: run.corrected, missed }
}

#[test]
fn windows_say_what_a_plain_addition_says() {
    let plan = plan(WindowPlan::default().lateness_us);
    let plan = &plan;
    let last = seeds();
    let compared: Vec<Compared> = std::thread::scope(|scope| {
        let part = |first: u64| {
            scope.spawn(move || {
                (first..=last).step_by(2).map(|seed| compare(seed, plan)).collect::<Vec<_>>()
            })
        };
        let parts = [part(1), part(2)];
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
    });
    let rows: usize = compared.iter().map(|one| one.rows).sum();
    let corrected: u64 = compared.iter().map(|one| one.corrected).sum();
    let missed: u64 = compared.iter().map(|one| one.missed).sum();
    assert!(rows > 10_000, "{rows} rows were compared");
    assert!(corrected > 100, "{corrected} corrections were told");
    assert!(missed > 0, "nothing came too late");
}

#[test]
fn a_lateness_smaller_than_the_disorder_loses_nothing_but_says_what_windows_lack() {
    let strict = compare(4, &plan(0));
    let patient = compare(4, &plan(shelf_domain::DAY));
    assert!(strict.missed > patient.missed && patient.missed == 0);
    assert!(strict.corrected < patient.corrected);
}

#[test]
fn windows_go_on_in_a_restored_state_as_if_nothing_had_been() {
    let plan = plan(WindowPlan::default().lateness_us);
    let hash = |run: &Run| shelf_domain::state_hash(run.stores.iter()).unwrap();
    let (straight, _) = live(7, &plan, None);
    let (restored, _) = live(7, &plan, Some(997));
    assert_eq!(hash(&straight), hash(&restored));
    let rows = |run: &Run| run.told.net_of_ended("store_1m", i64::MAX);
    assert_eq!(rows(&straight), rows(&restored));
}

#[test]
fn what_is_a_year_late_or_a_day_early_is_in_no_window() {
    let (mut run, town) = live(3, &WindowPlan::default(), None);
    let store = run.stores.get(town.store()).unwrap();
    let now = store.now();
    let before = (store.revenue_cents(), store.missed(WindowName::cut("store_1m")));
    let sku = store.skus().find_map(|index| store.shelf(index)).unwrap().sku;
    for (number, at) in [now.plus(-365 * 24 * HOUR), now.plus(24 * HOUR)].into_iter().enumerate() {
        let line = shelf_domain::ReceiptLine {
            sku,
            units: 1,
            unit_price_cents: 100,
            total_cents: 100,
            ..Default::default()
        };
        let receipt = shelf_domain::Receipt { lines: vec![line], ..Default::default() };
        let id = shelf_domain::EventId(0xfade_0000 + number as u128);
        let body = Body::Receipt(Box::new(receipt));
        run.step(&Event {
            id,
            store: town.store(),
            at,
            received_at: now,
            origin: shelf_domain::Origin::default(),
            body,
        });
        assert!(matches!(run.effects.items.as_slice(), [Effect::Quarantined(_)]));
    }
    let store = run.stores.get(town.store()).unwrap();
    assert_eq!((store.revenue_cents(), store.missed(WindowName::cut("store_1m"))), before);
    assert!(Timestamp(now.0).since(store.now()) < MINUTE);
}
