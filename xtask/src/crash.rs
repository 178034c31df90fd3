//! `cargo xtask crash`: kills `shelf simulate` at random points, starts it again on the same data,
//! and compares the outcome with that of a run that was left alone.
//!
//! It kills only the child that it started itself, and it stops at the first difference with the
//! data still on disk. With `--kafka` workers and brokers of a chain on Apache Kafka are killed.

mod child;
mod kafka;
mod kill_times;
mod outcome;
#[cfg(test)]
mod tests;

use crate::workspace::{Profile, Workspace, command_line};
use anyhow::{Context, Result, bail};
use child::{End, RunningChild};
use kill_times::KillTimes;
use outcome::Outcome;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A run that takes this many times as long as the straight one hangs.
const PATIENCE_FACTOR: u32 = 20;
const PATIENCE_MIN: Duration = Duration::from_mins(2);
const PROGRESS_EVERY: Duration = Duration::from_secs(2);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How often to kill.
    #[arg(long)]
    cycles: u64,
    /// Decides the town and the times of the kills.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The simulated days of a run.
    #[arg(long, default_value_t = 7, conflicts_with = "kafka")]
    days: u32,
    #[arg(long, default_value_t = 1, conflicts_with = "kafka")]
    stores: u32,
    /// Kill workers and the broker of a chain on Apache Kafka instead.
    #[arg(long)]
    kafka: bool,
}

/// What is run, and where.
struct Plan {
    /// The command without `--data`.
    program: PathBuf,
    arguments: Vec<OsString>,
    folder: PathBuf,
    cycles: u64,
    seed: u64,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    kills: u64,
    finished_runs: u64,
}

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    if args.kafka {
        return kafka::run(workspace, args.cycles, args.seed);
    }
    let shelf = workspace.build_shelf(Profile::Release)?;
    let scratch = tempfile::Builder::new()
        .prefix("shelf-crash-")
        .tempdir()
        .context("cannot create a temporary folder")?;
    let words = [
        "simulate".to_owned(),
        format!("--days={}", args.days),
        format!("--seed={}", args.seed),
        format!("--stores={}", args.stores),
        // Many snapshots, so that kills fall around them; every fault, so that nothing is spared.
        "--snapshot-events=2000".to_owned(),
        "--partitions=4".to_owned(),
        "--faults".to_owned(),
        "--json".to_owned(),
    ];
    let plan = Plan {
        program: shelf,
        arguments: words.map(OsString::from).to_vec(),
        folder: scratch.path().to_path_buf(),
        cycles: args.cycles,
        seed: args.seed,
    };
    let started = Instant::now();
    match run_plan(&plan) {
        Ok(counts) => {
            let seconds = started.elapsed().as_secs_f64();
            println!(
                "{} kills, {} finished runs, all equal to the straight run, in {seconds:.1} s",
                counts.kills, counts.finished_runs
            );
            Ok(())
        }
        Err(error) => {
            let kept = scratch.keep();
            let Args { cycles, seed, days, stores, .. } = args;
            bail!(
                "{error:#}\n  the data is kept in {}\n  continue that run with: {}\n  repeat \
                 all with: cargo xtask crash --cycles {cycles} --seed {seed} --days {days} \
                 --stores {stores}",
                kept.display(),
                plan.line(&plan.data("crashed")),
            )
        }
    }
}

/// The straight run, then runs that are killed until there were enough kills. The last run is
/// left alone to its end, so that every kill is followed by a comparison.
fn run_plan(plan: &Plan) -> Result<Counts> {
    let started = Instant::now();
    let straight = match finish(&mut plan.start("straight")?, PATIENCE_MIN * PATIENCE_FACTOR)? {
        End::Killed => bail!("the straight run does not end"),
        End::Finished(stdout) => Outcome::parse(&stdout).context("the straight run")?,
    };
    let straight_time = started.elapsed();
    println!("straight run: {straight}, in {:.2} s", straight_time.as_secs_f64());
    straight.check_invariants().context("the straight run")?;

    let patience = (straight_time * PATIENCE_FACTOR).max(PATIENCE_MIN);
    let mut kill_times = KillTimes::new(plan.seed, straight_time);
    let mut counts = Counts::default();
    let mut progress = Progress::start(plan.cycles);
    let mut run_kills = 0_u64;
    loop {
        let last = counts.kills >= plan.cycles;
        let delay = if last { patience } else { kill_times.next_delay() };
        let after = format!("after {run_kills} kills of this run, {} in all", counts.kills);
        match finish(&mut plan.start("crashed")?, delay).with_context(|| after.clone())? {
            End::Killed if last => bail!("the run does not end within {patience:?}, {after}"),
            End::Killed => {
                counts.kills += 1;
                run_kills += 1;
            }
            End::Finished(stdout) => {
                let outcome = Outcome::parse(&stdout).with_context(|| after.clone())?;
                outcome.check_invariants().with_context(|| after.clone())?;
                outcome.check_equal(&straight).with_context(|| after)?;
                counts.finished_runs += 1;
                run_kills = 0;
                wipe(&plan.data("crashed"))?;
                if last {
                    return Ok(counts);
                }
            }
        }
        progress.show(&counts);
    }
}

/// Waits for the end of the child, or kills it after `delay`.
fn finish(child: &mut RunningChild, delay: Duration) -> Result<End> {
    match child.ended_within(delay)? {
        Some(stdout) => Ok(End::Finished(stdout)),
        None => child.kill(),
    }
}

fn wipe(folder: &Path) -> Result<()> {
    fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))
}

impl Plan {
    fn data(&self, run: &str) -> PathBuf {
        self.folder.join(run)
    }

    /// Starts the command on the data of `run`, which it continues or creates.
    fn start(&self, run: &str) -> Result<RunningChild> {
        let mut arguments = self.arguments.clone();
        arguments.extend(["--data".into(), self.data(run).into_os_string()]);
        RunningChild::start(&self.program, &arguments, &self.folder.join(format!("{run}-output")))
    }

    /// The command on a data folder, as a person would type it.
    fn line(&self, data: &Path) -> String {
        let arguments = self.arguments.iter().map(OsString::as_os_str);
        let arguments: Vec<&OsStr> =
            arguments.chain([OsStr::new("--data"), data.as_os_str()]).collect();
        command_line(self.program.as_os_str(), &arguments)
    }
}

/// A line now and then that says how far it is.
struct Progress {
    cycles: u64,
    started: Instant,
    shown: Instant,
}

impl Progress {
    fn start(cycles: u64) -> Self {
        let started = Instant::now();
        Self { cycles, started, shown: started }
    }

    fn show(&mut self, counts: &Counts) {
        if self.shown.elapsed() >= PROGRESS_EVERY {
            self.shown = Instant::now();
            eprintln!("{}", progress_line(counts, self.cycles, self.started.elapsed()));
        }
    }
}

fn progress_line(counts: &Counts, cycles: u64, elapsed: Duration) -> String {
    let Counts { kills, finished_runs } = counts;
    let rate = *kills as f64 / elapsed.as_secs_f64().max(f64::EPSILON);
    let left = if rate > 0.0 {
        format!("{:.0} s left", cycles.saturating_sub(*kills) as f64 / rate)
    } else {
        "time left unknown".to_owned()
    };
    format!("{kills} of {cycles} kills, {finished_runs} finished runs, {rate:.1} kills/s, {left}")
}
