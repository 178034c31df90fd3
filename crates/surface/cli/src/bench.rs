//! `shelf bench`: measures one thing and prints it as JSON. Each is meant to run in a process of
//! its own.

mod alert;
mod demo;
mod file;
mod http;
#[cfg(feature = "kafka")]
mod kafka;
#[cfg(feature = "kafka")]
mod kafka_cost;
#[cfg(feature = "kafka")]
mod kafka_intake;
mod lake;
mod links;
mod pages;
mod pixel;
mod place;
mod process;
mod queries;
mod steady;
mod visible;
mod watching;

use serde_json::{Value, json};
use shelf_domain::{Body, DAY, Effects, Event, Stores, Timestamp};
use shelf_simulator::{Message, StoreTown, TownOptions};

use crate::acts::fresh_id;
use crate::args::{BenchArgs, BenchName};
use crate::failure::Failure;
use crate::output::Output;
use place::Place;

/// What was measured.
struct Measured {
    unit: &'static str,
    value: f64,
    target: &'static str,
    detail: Value,
}

pub(crate) fn run(args: &BenchArgs, output: Output) -> Result<(), Failure> {
    let place = Place::at(&args.dir)?;
    let measured = match args.name {
        BenchName::CoreSteps => core_steps(),
        BenchName::ImportOneCore => file::import(&place, 1)?,
        BenchName::ImportTwoCores => file::import(&place, 2)?,
        BenchName::SimulateYear => process::simulate_year(&place)?,
        BenchName::EventToAlert => alert::event_to_alert(&place)?,
        BenchName::Restart => process::restart(&place)?,
        BenchName::ResidentDemo => process::resident_demo(&place)?,
        BenchName::ResidentWithLake => process::resident_with_lake(&place)?,
        BenchName::HundredStores => process::hundred_stores(&place)?,
        BenchName::WatchingCost => watching::cost(),
        BenchName::StoreMemory => watching::memory_of_a_store(),
        BenchName::LakeRows => lake::rows(&place)?,
        BenchName::LakeYear => lake::year(&place)?,
        BenchName::LakeSlowdown => lake::slowdown(&place)?,
        BenchName::LiveVisible => visible::live(&place)?,
        BenchName::LakeVisible => visible::lake(&place)?,
        BenchName::HttpLoad => process::http_load(&place)?,
        #[cfg(feature = "kafka")]
        BenchName::KafkaEvents => kafka::taken(&place, &args.kafka)?,
        #[cfg(feature = "kafka")]
        BenchName::KafkaAlert => kafka::alerted(&place, &args.kafka)?,
        #[cfg(feature = "kafka")]
        BenchName::KafkaTransactionsCost => kafka_cost::transactions(&place, &args.kafka)?,
        #[cfg(feature = "kafka")]
        BenchName::KafkaTakeOver => kafka_cost::take_over(&place, &args.kafka)?,
        #[cfg(feature = "kafka")]
        BenchName::KafkaIntake => kafka_intake::messages(&args.kafka)?,
        #[cfg(feature = "kafka")]
        BenchName::RedisBridge => kafka::bridged(&args.redis, &args.kafka)?,
        BenchName::RedisEntries => links::entries(&place, &args.redis)?,
        BenchName::MirrorRows => links::mirrored(&place, &args.postgres)?,
        BenchName::FirstPage => pages::first_page(&place)?,
        BenchName::PageTime => pages::page_time(&place)?,
        BenchName::FirstLoad => pages::first_load(&place)?,
        BenchName::EventToPixel => pixel::event_to_pixel(&place)?,
        BenchName::SqlQueries => queries::measure(&place, &args.python)?,
    };
    let name = clap::ValueEnum::to_possible_value(&args.name)
        .map_or_else(String::new, |value| value.get_name().to_owned());
    let view = json!({
        "name": name, "unit": measured.unit, "value": measured.value,
        "target": measured.target, "detail": measured.detail,
    });
    output.view(&view, |_| {
        format!(
            "{name}: {:.1} {} (target: {})\n{}",
            measured.value, measured.unit, measured.target, measured.detail
        )
    })
}

/// The events of one store of the town over so many days, with the core answering; the setting up
/// apart from the rest.
fn events_of_a_town(days: i64) -> (Vec<Event>, Vec<Event>) {
    town_events(&TownOptions::default(), days)
}

fn town_events(options: &TownOptions, days: i64) -> (Vec<Event>, Vec<Event>) {
    let until: Timestamp = options.start.plus(days * DAY);
    let mut town = StoreTown::new(options, 0);
    let (mut stores, mut effects) = (Stores::default(), Effects::default());
    let (mut opening, mut events, mut messages) = (Vec::new(), Vec::new(), Vec::new());
    while town.now() < until {
        town.tick(&mut messages);
        for message in messages.drain(..) {
            let Message::Event(event) = message else { continue };
            stores.step(&event, &mut effects);
            for effect in &effects.items {
                town.observe(effect);
            }
            let reference = opening.is_empty() || events.is_empty() && event.at <= options.start;
            if reference { opening.push(event) } else { events.push(event) }
        }
    }
    (opening, events)
}

/// The events of one store, as those of so many.
fn as_stores(events: Vec<Event>, stores: u32) -> impl Iterator<Item = Event> {
    events.into_iter().flat_map(move |event| {
        (0..stores).map(move |store| {
            let store = shelf_simulator::store_id(store);
            Event { id: fresh_id(), store, ..event.clone() }
        })
    })
}

/// Core steps a second on one core, over the simulator's mix of events.
fn core_steps() -> Measured {
    let (opening, events) = events_of_a_town(28);
    let mut rates = Vec::new();
    for _ in 0..3 {
        let (mut stores, mut effects) = (Stores::default(), Effects::default());
        for event in &opening {
            stores.step(event, &mut effects);
        }
        let begun = std::time::Instant::now();
        for event in &events {
            stores.step(event, &mut effects);
        }
        rates.push(events.len() as f64 / begun.elapsed().as_secs_f64());
    }
    let clocks = events.iter().filter(|event| event.body == Body::Clock).count();
    Measured {
        unit: "steps/s",
        value: rates.iter().copied().fold(f64::INFINITY, f64::min),
        target: "at least 1,500,000",
        detail: json!({
            "events": events.len(), "clock_events": clocks, "days": 28, "runs": rates,
        }),
    }
}
