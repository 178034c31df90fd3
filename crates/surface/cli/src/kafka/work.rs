//! `shelf run --log kafka://…`: a worker of the chain, and what it tells of itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shelf_host::{
    IntakeOptions, KafkaFigures, KafkaIntake, KafkaWorker, LaneState, WorkerSettings,
};
use shelf_kafka::SOURCES;
use shelf_web::{Metric, Standing, WorkerServer};

use crate::args::RunArgs;
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;
use crate::stop::Stop;

/// How often a worker tells how it stands.
const TELL: Duration = Duration::from_secs(1);
/// How often it looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(50);

pub(super) fn run(args: &RunArgs, settings: &Settings, output: Output) -> Result<(), Failure> {
    let connection = settings.kafka.connection()?;
    let stop = Stop::on_signals()?;
    let partitions = settings.log.partitions;
    let (snapshots, depot) = settings.kafka.snapshots(&settings.data)?;
    let commit_every = Duration::from_millis(settings.kafka.commit_ms.into());
    let usual = WorkerSettings::new(snapshots, partitions);
    let engine = settings.writer_options().engine;
    let kafka = &settings.kafka;
    let (records, standby, delivery) = (kafka.records, kafka.standby, kafka.delivery());
    let worker =
        WorkerSettings { depot, engine, commit_every, records, standby, delivery, ..usual };
    let worker = KafkaWorker::join(&connection, &worker)?;
    let intake = settings.kafka.intake.then(|| {
        let topics = SOURCES.map(str::to_owned).to_vec();
        KafkaIntake::join(
            &connection,
            IntakeOptions { topics, partitions, store: None, commit_every },
        )
    });
    let intake = intake.transpose()?;
    let figures = Arc::clone(worker.figures());
    let read = Arc::clone(&figures);
    let server = settings
        .http
        .server()?
        .map(|http| WorkerServer::start(http.listen, move || counted(&read)))
        .transpose()?;
    output.say(&format!("a worker of {connection}, {partitions} partitions"));
    if let Some(server) = &server {
        output.say(&format!("how it stands: http://{}/metrics", server.address()));
    }
    let deadline = args
        .for_seconds
        .and_then(|seconds| Instant::now().checked_add(Duration::from_secs(seconds)));
    std::thread::scope(|scope| {
        let worked = scope.spawn(|| ended(worker.run(stop.flag()), &stop));
        let taken =
            intake.as_ref().map(|intake| scope.spawn(|| ended(intake.run(stop.flag()), &stop)));
        let told = tell(&figures, intake.as_ref(), deadline, &stop, output);
        stop.ask();
        let gone = || Failure::new("worker_stopped", "a thread has stopped", "start it again");
        let worked = worked.join().unwrap_or_else(|_| Err(gone()));
        let taken = taken.map_or(Ok(()), |taken| taken.join().unwrap_or_else(|_| Err(gone())));
        worked.and(taken).and(told)
    })?;
    drop(server);
    // What was taken and stepped is committed and saved as they leave.
    drop(intake);
    drop(worker);
    Ok(())
}

/// Whoever ends has the others end too.
fn ended(ran: Result<(), shelf_host::HostError>, stop: &Stop) -> Result<(), Failure> {
    stop.ask();
    Ok(ran?)
}

/// Tells how the worker stands, whenever something has changed.
fn tell(
    figures: &KafkaFigures,
    intake: Option<&KafkaIntake>,
    deadline: Option<Instant>,
    stop: &Stop,
    output: Output,
) -> Result<(), Failure> {
    let (mut told, mut before, mut events) = (Instant::now(), Value::Null, figures.events());
    while !stop.asked() && deadline.is_none_or(|deadline| Instant::now() < deadline) {
        std::thread::sleep(LOOK);
        if told.elapsed() < TELL {
            continue;
        }
        let rate = (figures.events() - events) as f64 / told.elapsed().as_secs_f64();
        (told, events) = (Instant::now(), figures.events());
        let view = standing(figures, intake, rate);
        if view != before {
            output.view(&view, |_| line(&view))?;
            before = view;
        }
    }
    Ok(())
}

/// What a worker counts, as metrics.
fn counted(figures: &KafkaFigures) -> Standing {
    let lanes = figures.lanes();
    let mut values = vec![
        (Metric::KafkaEvents, None, figures.events() as f64),
        (Metric::KafkaCommits, None, figures.commits() as f64),
        (Metric::KafkaFailures, None, figures.failures() as f64),
        (Metric::KafkaRebalances, None, figures.rebalances() as f64),
    ];
    for (partition, lane) in &lanes {
        let partition = Some(partition.to_string());
        values.push((Metric::Position, partition.clone(), lane.position as f64));
        values.extend(lane.lag.map(|lag| (Metric::KafkaLag, partition, lag as f64)));
    }
    let states = [
        (LaneState::Opening, "opening"),
        (LaneState::Running, "running"),
        (LaneState::Waiting, "waiting"),
    ];
    for (state, name) in states {
        let count = lanes.values().filter(|lane| lane.state == state).count();
        values.push((Metric::KafkaPartitions, Some(name.to_owned()), count as f64));
    }
    Standing { ready: lanes.values().all(|lane| lane.state == LaneState::Running), values }
}

/// How a worker stands.
fn standing(figures: &KafkaFigures, intake: Option<&KafkaIntake>, events_per_s: f64) -> Value {
    let lanes = figures.lanes();
    let lag: u64 = lanes.values().filter_map(|lane| lane.lag).sum();
    let standing_by = figures.standing_by();
    let of = |state| lanes.values().filter(|lane| lane.state == state).count();
    let trouble: Vec<Value> = lanes
        .iter()
        .filter_map(|(partition, lane)| {
            let (code, message) = lane.error.as_ref()?;
            Some(json!({ "partition": partition, "code": code, "message": message }))
        })
        .chain(standing_by.error.iter().map(
            |(code, message)| json!({ "partition": "standby", "code": code, "message": message }),
        ))
        .chain(intake.iter().flat_map(|intake| intake.trouble()).map(|told| {
            let (topic, partition, code, message) = told;
            json!({ "topic": topic, "partition": partition, "code": code, "message": message })
        }))
        .collect();
    json!({
        "partitions": lanes.keys().collect::<Vec<_>>(),
        "running": of(LaneState::Running), "opening": of(LaneState::Opening),
        "waiting": of(LaneState::Waiting), "lag": lag, "events": figures.events(),
        "events_per_s": events_per_s.round(), "effects": figures.effects(),
        "records": figures.records(), "commits": figures.commits(),
        "rebalances": figures.rebalances(), "failures": figures.failures(),
        "snapshots": figures.snapshots(), "standby": standing_by.positions.len(),
        "messages": intake.map_or(0, KafkaIntake::messages), "trouble": trouble,
    })
}

fn line(view: &Value) -> String {
    let number = |name: &str| view.get(name).and_then(Value::as_f64).unwrap_or_default();
    let partitions = view.get("partitions").and_then(Value::as_array).map_or(0, Vec::len);
    let mut text = format!(
        "{partitions} partitions, {} running; {} events, {} a second; lag {}; {} commits",
        number("running"),
        number("events"),
        number("events_per_s"),
        number("lag"),
        number("commits"),
    );
    let troubles = view.get("trouble").and_then(Value::as_array).into_iter().flatten();
    text.extend(troubles.map(|trouble| {
        let word = |name: &str| trouble.get(name).map(ToString::to_string).unwrap_or_default();
        format!("\n  partition {}: {} [{}]", word("partition"), word("message"), word("code"))
    }));
    text
}
