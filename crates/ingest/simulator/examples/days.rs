//! Runs one town with the real core for some days and prints what happened on each:
//! `cargo run --release -p shelf-simulator --example days -- 28`, and `-- 28 faults` with all
//! faults on.

use std::time::{Duration, Instant};

use shelf_domain::{Cause, Effects, Reason, Rule, Store, Stores};
use shelf_simulator::{Faults, Message, StoreTown, TownOptions, Truth};

/// Where the time went.
#[derive(Default)]
struct Spent {
    town: Duration,
    core: Duration,
}

fn main() {
    let mut words = std::env::args().skip(1);
    let days: u32 = words.next().and_then(|text| text.parse().ok()).unwrap_or(14);
    let faults = if words.next().is_some() { Faults::ALL } else { Faults::NONE };
    let options = TownOptions { faults, ..TownOptions::default() };
    let mut town = StoreTown::new(&options, 0);
    let (mut core, mut fx) = (Stores::default(), Effects::default());
    let (mut messages, mut effects) = (Vec::new(), Vec::new());
    let mut spent = Spent::default();
    for day in 0..days {
        let (before, mut events) = (*town.truth(), 0);
        for _ in 0..1_440 {
            messages.clear();
            let begin = Instant::now();
            town.tick(&mut messages);
            spent.town += begin.elapsed();
            events += messages.len();
            let begin = Instant::now();
            for message in &messages {
                if let Message::Event(event) = message {
                    core.step(event, &mut fx);
                    effects.append(&mut fx.items);
                }
            }
            spent.core += begin.elapsed();
            let begin = Instant::now();
            for effect in effects.drain(..) {
                town.observe(&effect);
            }
            spent.town += begin.elapsed();
        }
        print_day(day, events, &before, town.truth());
    }
    println!("{:#?}\n{:?}", town.truth(), town.whole_stock());
    if let Some(store) = core.get(town.store()) {
        print_core(store);
    }
    let ms = |spent: Duration| spent.as_secs_f64() * 1e3 / f64::from(days.max(1));
    println!("a store-day: town {:.2} ms, core {:.2} ms", ms(spent.town), ms(spent.core));
}

fn print_day(day: u32, events: usize, before: &Truth, truth: &Truth) {
    let demand = (truth.demand_units - before.demand_units).max(1) as f64;
    println!(
        "day {day}: {events} events, {} visits, {} sold, {:.2} % lost, {} expired, {} refilled, \
         {} delivered",
        truth.visits - before.visits,
        truth.sold_units - before.sold_units,
        100.0 * (truth.lost_units - before.lost_units) as f64 / demand,
        truth.expired_units - before.expired_units,
        truth.refilled_units - before.refilled_units,
        truth.delivered_units - before.delivered_units,
    );
}

fn print_core(store: &Store) {
    let stats = store.stats();
    println!("{:?}\nviolations {:?}", store.units(), store.violations().len());
    println!("availability {:?}", store.on_shelf_availability());
    for reason in Reason::ALL {
        println!("quarantined {}: {}", reason.code(), stats.quarantined.get(reason as usize));
    }
    for cause in Cause::ALL {
        println!("explained {}: {}", cause.code(), stats.explained_units.get(cause as usize));
    }
    for rule in Rule::ALL {
        let (opened, ended) = (&stats.alerts_opened, &stats.alerts_ended);
        let at = rule as usize;
        println!("alerts {}: {} opened, {} ended", rule.code(), opened.get(at), ended.get(at));
    }
    println!("tasks {} begun, {} done", stats.tasks_begun, stats.tasks_done);
    println!("orders {} sent, {} unmatched", stats.orders_sent, stats.unmatched_deliveries);
}
