//! `shelf run`: a chain live. A demo simulates its environment; without it events come from outside
//! and time is the clock's.

use std::sync::Arc;
use std::time::{Duration, Instant};

use shelf_domain::{Body, DAY, Event, Origin, Outcome, Store, Stream, Timestamp};
use shelf_host::{ChainWriter, Control, Folder, OutputTail, Pace, Request, Stage, TownPlan};
use shelf_query::Listener;
use shelf_simulator::TownOptions;
use shelf_sources::Format;
use shelf_views::render_effects;

use crate::acts::{fresh_id, wall_now};
use crate::args::RunArgs;
use crate::failure::Failure;
use crate::lake::JobBoard;
use crate::lake::thread::LakeThread;
use crate::links::{LinkBoard, Links, Telling};
use crate::live;
use crate::output::Output;
use crate::quality::Assessor;
use crate::routing::{self, Routing};
use crate::settings::{Loaded, Settings};
use crate::simulate::{live_through, say_recovery};
use crate::sql::serve;
use crate::stop::Stop;
use crate::watch;
use crate::web;

/// How long the loop waits for a request before it looks at the time again.
const PAUSE: Duration = Duration::from_millis(5);
/// The most requests that share one wait for the disk.
const REQUESTS: usize = 4_096;
/// How often stores without a simulated environment are told the time.
const CLOCK: Duration = Duration::from_secs(1);
/// How much simulated time is run at once at full speed.
const STRIDE_US: i64 = shelf_domain::HOUR;
/// How often new lines are looked for.
const PRINT: Duration = Duration::from_millis(10);

pub(crate) fn run(args: &RunArgs, loaded: &Loaded, output: Output) -> Result<(), Failure> {
    let settings = &loaded.settings;
    let folder = settings.folder();
    let stop = Stop::on_signals()?;
    let listener = serve::listen(settings, output)?;
    let mut chain = open(args, settings, &folder)?;
    let routes = routing::routes(settings, &mut chain)?;
    // Without a speed a simulation stands until somebody says what time it is.
    let pace = chain.town_now().map(|now| Arc::new(Pace::new(now, None)));
    let clock = pace.clone();
    // Who asks while the first days pass waits until they have.
    let control =
        Control::listen_to(&folder, settings.foreign(Format::Auto)?, move || now(clock.as_ref()))?;
    let wanted = listener.is_some() || settings.http.server()?.is_some();
    let sql = wanted.then(|| serve::open(settings)).transpose()?;
    let postgres = listener.as_ref().map(Listener::address);
    let (board, jobs) = (LinkBoard::default(), JobBoard::beside(chain.stages()));
    let beside = web::Beside { control: &control, pace: pace.as_ref(), links: &board, jobs: &jobs };
    let web = web::beside(&folder, &beside, sql.as_ref(), postgres, loaded, output)?;
    warm_up(&mut chain, settings, output)?;
    if let Some((pace, now)) = pace.as_ref().zip(chain.town_now()) {
        pace.set_now(now);
        pace.set_speed(settings.speed()?);
    }
    let _sql = serve::beside(listener, sql.as_ref(), output)?;
    let told = pace.clone();
    let present = move || now(told.as_ref());
    let routing = Routing::beside(&folder, routes, &mut chain, &control, present.clone(), output)?;
    let quality = Assessor::of_running(settings)?;
    let screen = output.terminal && !args.plain && !output.json;
    let telling = Telling { output, screen };
    let links = Links::start(&mut chain, &control, settings, present, &board, telling)?;
    let engine_stop = stop.clone();
    let deadline = args
        .for_seconds
        .and_then(|seconds| Instant::now().checked_add(Duration::from_secs(seconds)));
    let engine = std::thread::spawn(move || {
        let ran = drive(chain, control, quality, pace.as_deref(), deadline, &engine_stop);
        engine_stop.ask();
        ran
    });
    let follow = settings.lake.enabled && !args.no_lake;
    let lake = follow.then(|| LakeThread::start(&folder, settings, output, screen, &jobs));
    let shown = if screen {
        live::show(&folder, settings.limits(), watch::state(output, None), &stop)
    } else {
        print_lines(&folder, output, &stop)
    };
    // Whoever looked on has seen enough, or there is an error to show: the engine ends in order.
    stop.ask();
    if let Some(web) = web {
        web.stop();
    }
    if let Some(routing) = routing {
        routing.stop(output);
    }
    // What they bring is answered by the engine, and what it did last is mirrored.
    let links = links.stop_bringing();
    let ran = engine.join().unwrap_or_else(|_| {
        Err(Failure::new("worker_stopped", "the engine has stopped", "run `shelf doctor`"))
    });
    if let Some(lake) = lake {
        lake.stop(output);
    }
    links.stop();
    ran.and(shown)
}

/// What time it is in the stores: the clock's, or that of a simulation.
fn now(pace: Option<&Arc<Pace>>) -> Timestamp {
    pace.map_or_else(wall_now, |pace| pace.now())
}

/// Opens the data folder, and makes it where there is none.
fn open(args: &RunArgs, settings: &Settings, folder: &Folder) -> Result<ChainWriter, Failure> {
    let mut options = settings.planned_options()?;
    options.town = plan(args, settings, folder)?;
    let chain = ChainWriter::open(folder, &options)?;
    if args.demo && chain.meta().town.is_none() {
        return Err(Failure::new(
            "other_settings",
            "the data folder has no simulated environment",
            "leave --demo out, or name another folder with --data",
        ));
    }
    Ok(chain)
}

/// The environment of a new demo, or that of the folder: what the command line asks for must agree
/// with it.
fn plan(args: &RunArgs, settings: &Settings, folder: &Folder) -> Result<Option<TownPlan>, Failure> {
    if !folder.meta_path().exists() {
        let options = TownOptions { seed: settings.demo.seed, ..TownOptions::default() };
        let plan = TownPlan { stores: settings.demo.stores, options };
        return Ok((!args.no_demo).then_some(plan));
    }
    let Some(found) = folder.meta()?.town else { return Ok(None) };
    if args.no_demo {
        return Err(Failure::new(
            "other_settings",
            "the data folder has a simulated environment",
            "leave --no-demo out, or name another folder with --data",
        ));
    }
    let options = TownOptions { seed: args.seed.unwrap_or(found.options.seed), ..found.options };
    Ok(Some(TownPlan { stores: args.stores.unwrap_or(found.stores), options }))
}

/// A new demo lives through its first days, so that there is a past to look at.
fn warm_up(chain: &mut ChainWriter, settings: &Settings, output: Output) -> Result<(), Failure> {
    say_recovery(chain, output);
    let Some(town) = chain.meta().town.clone() else { return Ok(()) };
    let warm = town.options.start.plus(i64::from(settings.demo.warmup_days) * DAY);
    if chain.town_now().is_some_and(|now| now < warm) {
        let begun = Instant::now();
        let (days, stores) = (settings.demo.warmup_days, town.stores);
        output.say(&format!("a past to look at: {days} days of {stores} simulated store(s)"));
        live_through(chain, warm, output)?;
        // Whoever follows from here on need not step these days once more.
        chain.save()?;
        let events = chain.counts()?.stepped;
        let seconds = begun.elapsed().as_secs_f64();
        output.say(&format!("{events} events in {seconds:.1} s; live from here"));
    }
    Ok(())
}

/// The loop of a running chain: what others ask for, what the environment sends, the time.
fn drive(
    mut chain: ChainWriter,
    control: Control,
    mut quality: Assessor,
    pace: Option<&Pace>,
    deadline: Option<Instant>,
    stop: &Stop,
) -> Result<(), Failure> {
    let mut told = Instant::now();
    while !stop.asked() && deadline.is_none_or(|deadline| Instant::now() < deadline) {
        match pace {
            Some(pace) if pace.paused() => {}
            Some(pace) if pace.speed().is_some() => keep_pace(&mut chain, pace.now())?,
            Some(pace) => {
                let until = chain.town_now().unwrap_or_default().plus(STRIDE_US);
                chain.simulate(until, |_| {})?;
                pace.set_now(until);
            }
            None if told.elapsed() >= CLOCK => {
                told = Instant::now();
                tell_time(&mut chain)?;
            }
            None => {}
        }
        serve(&mut chain, &control, &mut quality, pace)?;
        quality.look_when_due(&mut chain)?;
    }
    drop(control);
    chain.finish_ticks()?;
    quality.look(&mut chain)?;
    chain.close()?;
    Ok(())
}

/// Has the environment live until now, and what it sent on disk.
fn keep_pace(chain: &mut ChainWriter, now: Timestamp) -> Result<(), Failure> {
    if chain.pace(now)? > 0 {
        chain.commit()?;
    }
    Ok(())
}

/// Applies what others ask for; many at once share one wait for the disk.
fn serve(
    chain: &mut ChainWriter,
    control: &Control,
    quality: &mut Assessor,
    pace: Option<&Pace>,
) -> Result<(), Failure> {
    // At full speed nobody waits for requests.
    let full_speed = pace.is_some_and(|pace| pace.speed().is_none() && !pace.paused());
    let pause = if full_speed { Duration::ZERO } else { PAUSE };
    let Some(first) = control.next(pause) else { return Ok(()) };
    let mut requests = vec![first];
    while requests.len() < REQUESTS
        && let Some(next) = control.waiting()
    {
        requests.push(next);
    }
    let received_at = pace.map_or_else(wall_now, Pace::now);
    let mut wanted = Vec::new();
    for request in requests {
        if request.if_new && is_there(chain, &request.event)? {
            let _ = request.reply.send(Outcome::Duplicate);
        } else {
            wanted.push(request);
        }
    }
    let (events, senders): (Vec<Event>, Vec<_>) = wanted
        .into_iter()
        .map(|Request { event, arrived, reply, .. }| {
            let stream = Stream::of(&event.body);
            (Event { received_at, ..event }, (stream, arrived, reply))
        })
        .unzip();
    let submitted = chain.submit(&events)?;
    let stages = chain.stages();
    for ((stream, arrived, reply), outcome) in senders.into_iter().zip(submitted.outcomes) {
        let took = arrived.elapsed();
        quality.applied(stream, took);
        stages.took(Stage::Ingest, took);
        // A sender that has gone does not wait for its answer.
        let _ = reply.send(outcome);
    }
    Ok(())
}

/// Whether what an event declares is there.
fn is_there(chain: &mut ChainWriter, event: &Event) -> Result<bool, Failure> {
    let stores = chain.partitions()?;
    let Some(store) = stores.into_iter().find_map(|stores| stores.get(event.store)) else {
        return Ok(false);
    };
    let shelf = |sku| store.sku(sku).and_then(|index| store.shelf(index));
    Ok(match &event.body {
        Body::Store(_) => true,
        Body::Product(product) => shelf(product.sku).is_some(),
        Body::Shelf(plan) => shelf(plan.sku).is_some(),
        Body::OpeningStock(stock) => shelf(stock.sku).is_some_and(|shelf| shelf.tracked),
        _ => false,
    })
}

fn tell_time(chain: &mut ChainWriter) -> Result<(), Failure> {
    let now: Timestamp = wall_now();
    let stores: Vec<_> =
        chain.partitions()?.iter().flat_map(|stores| stores.iter().map(Store::id)).collect();
    let clock = |store| {
        let (id, origin) = (fresh_id(), Origin::default());
        Event { id, store, at: now, received_at: now, origin, body: Body::Clock }
    };
    let events: Vec<Event> = stores.into_iter().map(clock).collect();
    chain.submit(&events)?;
    Ok(())
}

/// Prints a line for each thing that happens, until it is asked to stop.
fn print_lines(folder: &Folder, output: Output, stop: &Stop) -> Result<(), Failure> {
    let mut outputs = OutputTail::open(folder)?;
    outputs.skip_to_last(0)?;
    loop {
        let last = stop.asked();
        let lines = live::new_lines(&mut outputs)?;
        if output.json {
            output.json_lines(lines.iter())?;
        } else if !lines.is_empty() {
            output.text(&render_effects(&lines, &output.style()))?;
        }
        if last {
            return Ok(());
        }
        std::thread::sleep(PRINT);
    }
}
