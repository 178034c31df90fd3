//! `shelf run`: a chain live. A demo simulates its environment; without it events come from outside
//! and time is the clock's.

use std::time::{Duration, Instant};

use shelf_domain::{Body, DAY, Event, Timestamp};
use shelf_host::{ChainWriter, Control, Folder, Request, TownPlan};
use shelf_simulator::TownOptions;
use shelf_views::render_effects;

use crate::acts::{fresh_id, wall_now};
use crate::args::RunArgs;
use crate::failure::Failure;
use crate::live::{self, Live};
use crate::output::Output;
use crate::settings::Settings;
use crate::simulate::live_through;
use crate::stop::Stop;
use crate::watch;

/// How long the loop waits for a request before it looks at the time again.
const PAUSE: Duration = Duration::from_millis(5);
/// The most requests that share one wait for the disk.
const REQUESTS: usize = 4_096;
/// How often stores without a simulated environment are told the time.
const CLOCK: Duration = Duration::from_secs(1);
/// How much simulated time is run at once at full speed.
const STRIDE_US: i64 = shelf_domain::HOUR;
/// How often new lines are printed.
const PRINT: Duration = Duration::from_millis(200);

pub(crate) fn run(args: &RunArgs, settings: &Settings, output: Output) -> Result<(), Failure> {
    let folder = settings.folder();
    let stop = Stop::on_signals()?;
    let chain = open(args, settings, &folder, output)?;
    let speed = settings.speed()?;
    let engine_stop = stop.clone();
    let engine_folder = folder.clone();
    let deadline = args.for_seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let engine = std::thread::spawn(move || {
        let ran = drive(chain, &engine_folder, speed, deadline, &engine_stop);
        engine_stop.ask();
        ran
    });
    let shown = if output.terminal && !args.plain && !output.json {
        live::show(&folder, watch::state(output, None), &stop)
    } else {
        print_lines(&folder, output, &stop)
    };
    stop.ask();
    let ran = engine.join().unwrap_or_else(|_| {
        Err(Failure::new("worker_stopped", "the engine has stopped", "run `shelf doctor`"))
    });
    ran.and(shown)
}

/// Opens the data folder; a new demo lives through its first days.
fn open(
    args: &RunArgs,
    settings: &Settings,
    folder: &Folder,
    output: Output,
) -> Result<ChainWriter, Failure> {
    let mut options = settings.writer_options();
    let new = !folder.meta_path().exists();
    if new && !args.no_demo {
        let town = TownOptions { seed: settings.demo.seed, ..TownOptions::default() };
        options.town = Some(TownPlan { stores: settings.demo.stores, options: town });
    }
    let begun = Instant::now();
    let mut chain = ChainWriter::open(folder, &options)?;
    for cut in &chain.recovery().cut {
        output.say(&format!(
            "partition {}: cut a torn end of {} bytes at offset {}",
            cut.partition, cut.bytes_cut, cut.offset
        ));
    }
    if args.demo && chain.meta().town.is_none() {
        return Err(Failure::new(
            "other_settings",
            "the data folder has no simulated environment",
            "leave --demo out, or name another folder with --data",
        ));
    }
    let Some(town) = chain.meta().town.clone() else { return Ok(chain) };
    let warm = town.options.start.plus(i64::from(settings.demo.warmup_days) * DAY);
    if chain.town_now().is_some_and(|now| now < warm) {
        let (days, stores) = (settings.demo.warmup_days, town.stores);
        output.say(&format!("a past to look at: {days} days of {stores} simulated store(s)"));
        live_through(&mut chain, warm, output)?;
        let events = chain.counts()?.stepped;
        let seconds = begun.elapsed().as_secs_f64();
        output.say(&format!("{events} events in {seconds:.1} s; live from here"));
    }
    Ok(chain)
}

/// The loop of a running chain: what others ask for, what the environment sends, the time.
fn drive(
    mut chain: ChainWriter,
    folder: &Folder,
    speed: Option<f64>,
    deadline: Option<Instant>,
    stop: &Stop,
) -> Result<(), Failure> {
    let begun = Instant::now();
    let first = chain.town_now();
    let present = move || match (first, speed) {
        (None, _) => wall_now(),
        (Some(first), Some(speed)) => {
            first.plus((begun.elapsed().as_secs_f64() * speed * 1e6) as i64)
        }
        // At full speed the stores' own time is the only one.
        (Some(first), None) => first,
    };
    let control = Control::listen(folder, present)?;
    let mut told = Instant::now();
    while !stop.asked() && deadline.is_none_or(|deadline| Instant::now() < deadline) {
        serve(&mut chain, &control)?;
        let sent = match (first, speed) {
            (Some(_), Some(_)) => chain.pace(present())? > 0,
            (Some(_), None) => {
                let until = chain.town_now().unwrap_or_default().plus(STRIDE_US);
                chain.simulate(until, |_| {})?;
                false
            }
            (None, _) if told.elapsed() >= CLOCK => {
                told = Instant::now();
                tell_time(&mut chain)?;
                false
            }
            (None, _) => false,
        };
        if sent {
            chain.commit()?;
        }
    }
    drop(control);
    chain.close()?;
    Ok(())
}

/// Applies what others ask for; many at once share one wait for the disk.
fn serve(chain: &mut ChainWriter, control: &Control) -> Result<(), Failure> {
    let Some(first) = control.next(PAUSE) else { return Ok(()) };
    let mut requests = vec![first];
    while requests.len() < REQUESTS
        && let Some(next) = control.waiting()
    {
        requests.push(next);
    }
    let (events, replies): (Vec<Event>, Vec<_>) =
        requests.into_iter().map(|Request { event, reply }| (event, reply)).unzip();
    let submitted = chain.submit(&events)?;
    for (reply, outcome) in replies.into_iter().zip(submitted.outcomes) {
        // A sender that has gone does not wait for its answer.
        let _ = reply.send(outcome);
    }
    Ok(())
}

fn tell_time(chain: &mut ChainWriter) -> Result<(), Failure> {
    let now: Timestamp = wall_now();
    let stores: Vec<_> =
        chain.partitions()?.iter().flat_map(|stores| stores.iter().map(|s| s.id())).collect();
    let clock =
        |store| Event { id: fresh_id(), store, at: now, received_at: now, body: Body::Clock };
    let events: Vec<Event> = stores.into_iter().map(clock).collect();
    chain.submit(&events)?;
    Ok(())
}

/// Prints a line for each thing that happens.
fn print_lines(folder: &Folder, output: Output, stop: &Stop) -> Result<(), Failure> {
    let mut live = Live::open(folder)?;
    while !stop.asked() {
        let lines = live.catch_up()?;
        if output.json {
            for line in &lines {
                output.json_line(line)?;
            }
        } else if !lines.is_empty() {
            output.text(&render_effects(&lines, &output.style()))?;
        }
        std::thread::sleep(PRINT);
    }
    Ok(())
}
