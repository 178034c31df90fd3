//! `shelf simulate`: the environment and the core in lock-step, as fast as they go.

use std::time::Instant;

use shelf_domain::DAY;
use shelf_host::{ChainWriter, Folder, TownPlan};
use shelf_simulator::{Faults, Realism, TownOptions, Truth};
use shelf_views::{Chain, RunMeasures, SimulationReport, TownTruth, render_report};

use crate::args::{RealismArg, SimulateArgs};
use crate::failure::Failure;
use crate::output::Output;
use crate::progress;
use crate::settings::Settings;

pub(crate) fn run(args: &SimulateArgs, settings: &Settings, output: Output) -> Result<(), Failure> {
    let folder = settings.folder();
    let mut options = settings.planned_options()?;
    let town = plan(args, settings, &folder)?;
    let (start, seed) = (town.options.start, town.options.seed);
    options.town = Some(town);
    let begun = Instant::now();
    let mut chain = ChainWriter::open(&folder, &options)?;
    say_recovery(&chain, output);
    let before = chain.counts()?.stepped;
    let until = start.plus(i64::from(args.days) * DAY);
    live_through(&mut chain, until, output)?;
    let report = report(&mut chain, seed, args.days, before, begun)?;
    chain.close()?;
    output.view(&report, |report| render_report(report, &output.style(), output.width()))
}

/// The environment that is asked for. A folder that has one goes on with it: only what is asked for
/// on the command line must agree.
fn plan(args: &SimulateArgs, settings: &Settings, folder: &Folder) -> Result<TownPlan, Failure> {
    let realism = args.realism.map(|realism| match realism {
        RealismArg::Default => Realism::default(),
        RealismArg::None => Realism::NONE,
    });
    let faults = args.faults.then_some(Faults::ALL);
    let found = if folder.meta_path().exists() { folder.meta()?.town } else { None };
    Ok(match found {
        None => TownPlan {
            stores: settings.demo.stores,
            options: TownOptions {
                seed: settings.demo.seed,
                faults: faults.unwrap_or(Faults::NONE),
                realism: realism.unwrap_or_default(),
                ..TownOptions::default()
            },
        },
        Some(TownPlan { stores, options }) => TownPlan {
            stores: args.stores.unwrap_or(stores),
            options: TownOptions {
                seed: args.seed.unwrap_or(options.seed),
                faults: faults.unwrap_or(options.faults),
                realism: realism.unwrap_or(options.realism),
                ..options
            },
        },
    })
}

/// Says what opening a chain had to mend or to do without.
pub(crate) fn say_recovery(chain: &ChainWriter, output: Output) {
    for cut in &chain.recovery().cut {
        output.say(&format!(
            "partition {}: cut a torn end of {} bytes at offset {}",
            cut.partition, cut.bytes_cut, cut.offset
        ));
    }
    for path in &chain.recovery().damaged_snapshots {
        output.say(&format!(
            "the snapshot {} is damaged: went on from what is before it",
            path.display()
        ));
    }
}

/// Simulates until this time with a bar that shows the simulated days.
pub(crate) fn live_through(
    chain: &mut ChainWriter,
    until: shelf_domain::Timestamp,
    output: Output,
) -> Result<(), Failure> {
    let stores = u64::from(chain.meta().town.as_ref().map_or(1, |town| town.stores)).max(1);
    let begin = chain.town_now().unwrap_or(until);
    let minutes = (until.since(begin) / shelf_domain::MINUTE).max(0).unsigned_abs();
    let template = "{bar:40} {percent}%  {msg}  {per_sec}  {eta} left";
    let bar = progress::bar(output, minutes * stores, template);
    bar.set_message(format!("simulated days: {}", minutes / 1_440));
    chain.simulate(until, |minutes| bar.inc(minutes))?;
    bar.finish_and_clear();
    Ok(())
}

fn report(
    chain: &mut ChainWriter,
    seed: u64,
    days: u32,
    before: u64,
    begun: Instant,
) -> Result<SimulationReport, Failure> {
    let wall_s = begun.elapsed().as_secs_f64();
    let truths: Vec<Truth> = chain.truths().into_iter().map(|(_, truth)| truth).collect();
    let measures = RunMeasures {
        seed,
        days,
        events_before: before,
        wall_s,
        peak_rss_bytes: memory("VmHWM:"),
        town: Some(town_truth(&truths)),
    };
    let stores = Chain::new(chain.partitions()?);
    SimulationReport::new(&stores, &measures)
        .map_err(|error| Failure::new("state_unsaved", error.to_string(), "run `shelf log verify`"))
}

fn town_truth(towns: &[Truth]) -> TownTruth {
    let sum = |of: fn(&Truth) -> u64| towns.iter().map(of).sum();
    TownTruth {
        visits: sum(|truth| truth.visits),
        receipts: sum(|truth| truth.receipts),
        revenue_cents: towns.iter().map(|truth| truth.revenue_cents).sum(),
        demand_units: sum(|truth| truth.demand_units),
        lost_units: sum(|truth| truth.lost_units),
        substitute_units: sum(|truth| truth.substitute_units),
        sold_units: sum(|truth| truth.sold_units),
        stolen_units: sum(|truth| truth.stolen_units),
        misplaced_units: sum(|truth| truth.misplaced_units),
        delivered_units: sum(|truth| truth.delivered_units),
        expired_units: sum(|truth| truth.expired_units),
        broken_units: sum(|truth| truth.broken_units),
    }
}

/// A figure of memory of this process, as the kernel tells it, in bytes.
pub(crate) fn memory(field: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1_024)
}
