//! `shelf run --log kafka://…`: a worker of the chain, and what it tells of itself.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shelf_host::{
    KafkaChain, KafkaFigures, KafkaIntake, KafkaWorker, LaneState, WorkerSettings, wall_now,
};
use shelf_kafka::Connection;
use shelf_web::{LinkFact, LinkFacts as _, Metric, Standing, WorkerServer, link_values};

use crate::args::RunArgs;
use crate::failure::Failure;
use crate::links::{LinkBoard, Links, Telling};
use crate::output::Output;
use crate::settings::Settings;
use crate::stop::Stop;

/// How often a worker tells how it stands.
const TELL: Duration = Duration::from_secs(1);
/// How often it looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(50);

pub(super) fn run(args: &RunArgs, settings: &Settings, output: Output) -> Result<(), Failure> {
    let connection = settings.kafka.connection()?;
    streams_are_bridged(settings)?;
    let stop = Stop::on_signals()?;
    let (chain, worker) = chain(&connection, settings)?;
    let partitions = chain.partitions;
    let worker = KafkaWorker::join(&connection, &worker)?;
    let zone = settings.foreign(shelf_sources::Format::Auto)?;
    let taken = settings.kafka.taken(partitions, zone)?;
    let intake = taken.map(|options| KafkaIntake::join(&connection, options));
    let intake = intake.transpose()?.map(Arc::new);
    let figures = Arc::clone(worker.figures());
    let (read, taking) = (Arc::clone(&figures), intake.as_ref().map(Arc::downgrade));
    let board = LinkBoard::default();
    let linked = board.clone();
    let server = settings
        .http
        .server()?
        .map(|http| {
            let taking = move || taking.as_ref().and_then(Weak::upgrade);
            let counted = move || counted(&read, taking().as_deref(), &linked.links());
            WorkerServer::start(http.listen, counted)
        })
        .transpose()?;
    output.say(&format!("a worker of {connection}, {partitions} partitions"));
    if let Some(server) = &server {
        output.say(&format!("how it stands: http://{}/metrics", server.address()));
    }
    let telling = Telling { output, screen: false };
    let links = Links::start_on_kafka(&chain, settings, &board, telling)?;
    let deadline = args
        .for_seconds
        .and_then(|seconds| Instant::now().checked_add(Duration::from_secs(seconds)));
    let ran = std::thread::scope(|scope| {
        let worked = scope.spawn(|| ended(worker.run(stop.flag()), &stop));
        let taken =
            intake.as_ref().map(|intake| scope.spawn(|| ended(intake.run(stop.flag()), &stop)));
        let told = tell(&figures, intake.as_deref(), &board, deadline, &stop, output);
        stop.ask();
        let gone = || Failure::new("worker_stopped", "a thread has stopped", "start it again");
        let worked = worked.join().unwrap_or_else(|_| Err(gone()));
        let taken = taken.map_or(Ok(()), |taken| taken.join().unwrap_or_else(|_| Err(gone())));
        worked.and(taken).and(told)
    });
    drop(server);
    let links = links.stop_bringing();
    // What was taken and stepped is committed and saved as they leave. The mirror goes last, so
    // that most of it is mirrored; the rest is the next one's.
    drop(intake);
    drop(worker);
    links.stop();
    ran
}

/// The chain as the settings name it, for those who follow it, and how a worker of it runs.
fn chain(
    connection: &Connection,
    settings: &Settings,
) -> Result<(KafkaChain, WorkerSettings), Failure> {
    let (kafka, partitions) = (&settings.kafka, settings.log.partitions);
    let (snapshots, depot) = kafka.snapshots(&settings.data)?;
    let delivery = kafka.delivery();
    let worker = WorkerSettings {
        depot: depot.clone(),
        engine: settings.writer_options().engine,
        commit_every: Duration::from_millis(kafka.commit_ms.into()),
        records: kafka.records,
        standby: kafka.standby,
        delivery,
        ..WorkerSettings::new(snapshots.clone(), partitions)
    };
    let connection = connection.clone();
    Ok((KafkaChain { connection, partitions, snapshots, depot, delivery }, worker))
}

/// Streams of Redis are taken into the log of a data folder: beside a log on Kafka nothing would be
/// done of what is set.
fn streams_are_bridged(settings: &Settings) -> Result<(), Failure> {
    if settings.redis.url.is_empty() {
        return Ok(());
    }
    let message = "redis.url is set, and does not follow a log on Kafka";
    let hint = "leave it empty, and have `shelf bridge` bring the streams to Kafka";
    Err(Failure::new("settings", message, hint))
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
    board: &LinkBoard,
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
        let view = standing(figures, intake, &board.links(), rate);
        if view != before {
            output.view(&view, |_| line(&view))?;
            before = view;
        }
    }
    Ok(())
}

/// What a worker counts, as metrics.
fn counted(figures: &KafkaFigures, intake: Option<&KafkaIntake>, links: &[LinkFact]) -> Standing {
    let lanes = figures.lanes();
    let of_others = intake.map(KafkaIntake::trouble).unwrap_or_default();
    let mut values = vec![
        (Metric::KafkaEvents, None, figures.events() as f64),
        (Metric::KafkaCommits, None, figures.commits() as f64),
        (Metric::KafkaFailures, None, figures.failures() as f64),
        (Metric::KafkaRebalances, None, figures.rebalances() as f64),
        (Metric::KafkaFenced, None, figures.fenced() as f64),
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
    let in_trouble = lanes.values().filter(|lane| lane.error.is_some()).count();
    for (of, count) in [("log", in_trouble), ("others", of_others.len())] {
        values.push((Metric::KafkaTrouble, Some(of.to_owned()), count as f64));
    }
    if let Some(intake) = intake {
        values.push((Metric::KafkaMessages, None, intake.messages() as f64));
        values.push((Metric::KafkaSkipped, None, intake.skipped() as f64));
        let lags = intake.lag().into_iter();
        let known = lags.filter_map(|(topic, lag)| Some((topic, lag?)));
        values.extend(known.map(|(topic, lag)| (Metric::KafkaIntakeLag, Some(topic), lag as f64)));
    }
    values.extend(link_values(links, wall_now()));
    let opened = lanes.values().all(|lane| lane.state == LaneState::Running);
    Standing { in_the_way: in_the_way(figures.rebalances(), opened, &of_others), values }
}

/// What keeps a worker from working on all that is its own.
fn in_the_way(
    rebalances: u64,
    opened: bool,
    of_others: &[(String, u32, &'static str, String)],
) -> Option<String> {
    if rebalances == 0 {
        return Some("the group has not answered".to_owned());
    }
    if !opened {
        return Some("partitions are being opened".to_owned());
    }
    let (topic, partition, code, message) = of_others.first()?;
    Some(format!("messages of {topic}/{partition} are not taken: {message} [{code}]"))
}

/// How a worker stands.
fn standing(
    figures: &KafkaFigures,
    intake: Option<&KafkaIntake>,
    links: &[LinkFact],
    events_per_s: f64,
) -> Value {
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
    let links = links.iter().map(|link| {
        json!({
            "name": link.name, "state": link.state, "events": link.events, "rows": link.rows,
            "lag": link.lag, "failures": link.failures, "error_code": link.error_code,
        })
    });
    json!({
        "partitions": lanes.keys().collect::<Vec<_>>(),
        "running": of(LaneState::Running), "opening": of(LaneState::Opening),
        "waiting": of(LaneState::Waiting), "lag": lag, "events": figures.events(),
        "events_per_s": events_per_s.round(), "effects": figures.effects(),
        "records": figures.records(), "commits": figures.commits(),
        "rebalances": figures.rebalances(), "failures": figures.failures(),
        "snapshots": figures.snapshots(), "standby": standing_by.positions.len(),
        "messages": intake.map_or(0, KafkaIntake::messages),
        "skipped": intake.map_or(0, KafkaIntake::skipped), "trouble": trouble,
        "links": links.collect::<Vec<_>>(),
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
    let skipped = number("skipped");
    text.extend((skipped > 0.0).then(|| format!("; {skipped} offsets of others skipped")));
    let links = view.get("links").and_then(Value::as_array).into_iter().flatten();
    text.extend(links.map(|link| {
        let word = |name: &str| link.get(name).and_then(Value::as_str).unwrap_or_default();
        format!("; {} {}", word("name"), word("state").replace('_', " "))
    }));
    let troubles = view.get("trouble").and_then(Value::as_array).into_iter().flatten();
    text.extend(troubles.map(|trouble| {
        let word = |name: &str| trouble.get(name).map(ToString::to_string).unwrap_or_default();
        format!("\n  partition {}: {} [{}]", word("partition"), word("message"), word("code"))
    }));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_ready_when_the_group_has_answered_and_nothing_is_in_the_way() {
        let way = |rebalances, opened, trouble: &[_]| in_the_way(rebalances, opened, trouble);
        // Of no partitions all are opened, also before the group has said whether it has any.
        assert!(way(0, true, &[]).unwrap().contains("group"));
        assert!(way(1, false, &[]).unwrap().contains("opened"));
        assert_eq!(way(1, true, &[]), None);
        let trouble = ("wh_events".to_owned(), 2, "registry_unreachable", "it is away".to_owned());
        let said = way(1, true, &[trouble]).unwrap();
        assert!(said.contains("wh_events/2") && said.contains("registry_unreachable"), "{said}");
        let figures = KafkaFigures::default();
        assert!(counted(&figures, None, &[]).in_the_way.is_some());
    }

    #[test]
    fn offsets_that_were_passed_over_are_told_of_where_there_are_any() {
        assert!(!line(&json!({ "skipped": 0 })).contains("skipped"));
        assert!(line(&json!({ "skipped": 7 })).contains("7 offsets of others skipped"));
    }

    #[test]
    fn a_link_that_another_worker_has_says_nothing_of_its_own() {
        let link = |name: &str, state: &str| LinkFact {
            name: name.to_owned(),
            state: state.to_owned(),
            lag: Some(3),
            ..LinkFact::default()
        };
        let links = [link("mirror", "following"), link("config", "standing_by")];
        let figures = KafkaFigures::default();
        let values = counted(&figures, None, &links).values;
        let of =
            |name: &str| values.iter().filter(|(_, of, _)| of.as_deref() == Some(name)).count();
        assert!(of("mirror") > 0);
        assert_eq!(of("config"), 0);
        let view = standing(&figures, None, &links, 0.0);
        assert!(line(&view).contains("; mirror following; config standing by"), "{}", line(&view));
    }

    #[test]
    fn streams_of_redis_are_refused_beside_a_log_on_kafka() {
        let mut settings = Settings::default();
        settings.postgres.url = "postgres://host/shop".to_owned();
        assert!(streams_are_bridged(&settings).is_ok());
        settings.redis.url = "redis://host".to_owned();
        let refused = streams_are_bridged(&settings).unwrap_err();
        assert_eq!(refused.code, "settings");
        assert!(refused.message.contains("redis.url") && refused.hint.contains("shelf bridge"));
    }
}
