//! A chain whose log is on a real broker of Apache Kafka, by the commands.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use postgres::{Client, NoTls};
use serde_json::Value;
use shelf_testkit::kafka::{Broker, PASSWORD, USER};
use shelf_testkit::servers::{PASSWORD as DATABASE_PASSWORD, PostgresServer, RedisServer};

use crate::program::{Place, Ran, Running, Serving, until, until_within};

fn number(view: &Value, name: &str) -> u64 {
    view[name].as_u64().unwrap_or_else(|| panic!("no {name} in {view}"))
}

/// The answer to a request, with its head.
fn get(serving: &Serving, path: &str) -> String {
    let mut stream = TcpStream::connect(serving.address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The value of a metric with its labels.
fn value(metrics: &str, name: &str) -> Option<f64> {
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    line.parse().ok()
}

fn worker(place: &Place, url: &str, settings: &[(&str, &str)]) -> Serving {
    let words = format!("run --log {url} --listen 127.0.0.1:0 --json");
    Serving::start(place, &words, settings, |line| {
        line.strip_prefix("how it stands: http://")?.strip_suffix("/metrics")
    })
}

#[test]
fn a_chain_is_made_fed_and_worked_on_by_commands() {
    let broker = Broker::start();
    let url = format!("kafka://{}/shop", broker.address());
    let place = Place::new();
    let missing = place.run(&format!("run --log {url}"));
    missing.failed(5, "kafka_no_topic");
    let made = place.json(&format!("kafka init --log {url} --partitions 4"));
    assert_eq!(made["created"].as_array().unwrap().len(), 21);
    let again = place.json(&format!("kafka init --log {url} --partitions 4"));
    let none = serde_json::json!([]);
    assert_eq!((&again["created"], &again["differences"]), (&none, &none));
    let other = place.run(&format!("kafka init --log {url} --partitions 8 --json"));
    assert_eq!(other.code, 6);
    let difference = &other.jsons()[0]["differences"][0];
    assert_eq!(
        (&difference["setting"], &difference["found"], &difference["wanted"]),
        (&"partitions".into(), &"4".into(), &"8".into())
    );
    place.run(&format!("run --log {url}")).failed(2, "kafka_partitions");

    let four = ("SHELF_LOG__PARTITIONS", "4");
    let simulated = place.json("simulate --days 1 --stores 2");
    let events = place.ok("log tail -n 1000000");
    let mut feed = place.command(&format!("kafka feed --log {url} --json"));
    let text = format!("{events}this is no event\n");
    let fed = Ran::of(feed.env(four.0, four.1), text.as_bytes());
    assert_eq!(fed.code, 6, "{fed:?}");
    let told = &fed.jsons()[0];
    assert_eq!((number(told, "fed"), number(told, "refused")), (number(&simulated, "events"), 1));
    let last = format!("line {}: ", events.lines().count() + 1);
    assert!(fed.err.contains(&last), "{}", fed.err);

    let refused = ("SHELF_REDIS__URL", "redis://127.0.0.1:1");
    let mut beside = place.command(&format!("run --log {url}"));
    Ran::of(beside.env(four.0, four.1).env(refused.0, refused.1), b"").failed(2, "settings");

    let working = worker(&place, &url, &[four]);
    assert!(get(&working, "/livez").starts_with("HTTP/1.1 200"));
    let wanted = format!("shelf_kafka_events {}\n", number(&simulated, "events"));
    let metrics = until("every event is stepped", || {
        let metrics = get(&working, "/metrics");
        metrics.contains(&wanted).then_some(metrics)
    });
    assert!(metrics.contains(r#"shelf_kafka_partitions{state="running"} 4"#), "{metrics}");
    // What was stepped was committed in several transactions, after the group had given it.
    assert!(value(&metrics, "shelf_kafka_commits") >= Some(4.0), "{metrics}");
    assert!(value(&metrics, "shelf_kafka_rebalances") >= Some(1.0), "{metrics}");
    assert_eq!(value(&metrics, "shelf_kafka_failures"), Some(0.0), "{metrics}");
    for of in ["log", "others"] {
        let trouble = format!("shelf_kafka_trouble{{of=\"{of}\"}}");
        assert_eq!(value(&metrics, &trouble), Some(0.0), "{metrics}");
    }
    let metrics = until("nothing is left to take", || {
        let metrics = get(&working, "/metrics");
        // Behind the last event is the note that it was committed, which has an offset as well.
        let lag = |number: u32| format!("shelf_kafka_lag{{partition=\"{number}\"}}");
        let near = |name: String| value(&metrics, &name).is_some_and(|lag| lag <= 1.0);
        let of_others = value(&metrics, r#"shelf_kafka_intake_lag{topic="shop.wh_events"}"#);
        let caught_up = (0..4).map(lag).all(near) && of_others == Some(0.0);
        caught_up.then_some(metrics)
    });
    assert!(metrics.contains("shelf_kafka_messages 0\n"), "{metrics}");
    assert!(get(&working, "/readyz").starts_with("HTTP/1.1 200"));
    let mut beside = place.command(&format!("run --log {url}"));
    let keyed = ("SHELF_KAFKA__KEYED_BY_STORE", r#"["wh_events"]"#);
    let ran = Ran::of(beside.env(four.0, four.1).env(keyed.0, keyed.1), b"");
    let said = ran.failed(2, "kafka_lists").err;
    assert!(said.contains("shop.wh_events is taken in one order there"), "{said}");
}

#[test]
fn a_worker_has_the_links_with_postgresql() {
    let (broker, server) = (Broker::start(), PostgresServer::start());
    let url = format!("kafka://{}/linked", broker.address());
    let place = Place::new();
    place.json(&format!("kafka init --log {url} --partitions 4"));
    let four = ("SHELF_LOG__PARTITIONS", "4");
    let simulated = place.json("simulate --days 1 --stores 2");
    let events = place.ok("log tail -n 1000000");
    let mut feed = place.command(&format!("kafka feed --log {url} --json"));
    let fed = Ran::of(feed.env(four.0, four.1), events.as_bytes());
    assert_eq!(fed.code, 0, "{fed:?}");
    let database = server.url().replace(&format!(":{DATABASE_PASSWORD}"), "");
    let settings = [
        four,
        ("SHELF_POSTGRES__URL", database.as_str()),
        ("SHELF_POSTGRES__PASSWORD", DATABASE_PASSWORD),
    ];
    let working = worker(&place, &url, &settings);
    let position = number(&simulated, "events") as f64;
    let metrics = until_within(Duration::from_mins(4), "every event is mirrored", || {
        let metrics = get(&working, "/metrics");
        let is = |name: &str, wanted| value(&metrics, name) == Some(wanted);
        let mirrored = is(r#"shelf_link_position{link="mirror"}"#, position)
            && is(r#"shelf_link_lag{link="mirror"}"#, 0.0)
            && is(r#"shelf_link_up{link="config"}"#, 1.0);
        mirrored.then_some(metrics)
    });
    assert_eq!(value(&metrics, r#"shelf_link_up{link="mirror"}"#), Some(1.0), "{metrics}");
    assert!(get(&working, "/readyz").starts_with("HTTP/1.1 200"));
    let mut client = Client::connect(&server.url(), NoTls).unwrap();
    let mut count = |of: &str| -> i64 {
        client.query_one(&format!("SELECT count(*) FROM {of}"), &[]).unwrap().get(0)
    };
    assert!(count("ops.pos_transactions") > 100);
    assert_eq!(count("ref.stores"), 2);
    // There and back: what is set in a table is an event of the log, and stands in the mirror.
    let set = "INSERT INTO config.shelf_policies (policy_id, min_qty) VALUES ('set', 3)";
    Client::connect(&server.url(), NoTls).unwrap().batch_execute(set).unwrap();
    until("the policy of both stores", || {
        (count("ref.policies WHERE policy_id = 'set'") == 2).then_some(())
    });
    let metrics = get(&working, "/metrics");
    assert_eq!(value(&metrics, r#"shelf_link_events{link="config"}"#), Some(2.0), "{metrics}");
}

#[test]
fn a_user_and_tls_are_settings() {
    let broker = Broker::start();
    let url = format!("kafka://{}/shop", broker.tls_address());
    let place = Place::new();
    let certificate = broker.certificate().display().to_string();
    let settings = |password| {
        [
            ("SHELF_KAFKA__URL", url.as_str()),
            ("SHELF_KAFKA__TLS", "true"),
            ("SHELF_KAFKA__CA_FILE", certificate.as_str()),
            ("SHELF_KAFKA__SASL", "SCRAM-SHA-256"),
            ("SHELF_KAFKA__USER", USER),
            ("SHELF_KAFKA__PASSWORD", password),
        ]
    };
    let init = |password| {
        let mut command = place.command("kafka init --json");
        Ran::of(command.envs(settings(password)), b"")
    };
    assert_eq!(init(PASSWORD).code, 0);
    let refused = init("mistyped");
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains(r#""code":"kafka_refused""#), "{}", refused.err);
    assert!(!refused.err.contains("mistyped"), "{}", refused.err);
}

#[test]
fn entries_of_streams_are_bridged_to_the_workers_of_a_chain() {
    let (broker, redis) = (Broker::start(), RedisServer::start());
    let url = format!("kafka://{}/shop", broker.address());
    let place = Place::new();
    let words = format!("bridge {} {url} --store R1", redis.url());
    place.run(&words).failed(5, "kafka_no_topic");
    place.run(&format!("bridge {} kafka://", redis.url())).failed(2, "kafka_address");
    place.run(&format!("bridge nonsense {url}")).failed(2, "redis_address");
    place.ok(&format!("kafka init --log {url} --partitions 2"));
    let mut client = redis::Client::open(redis.url()).unwrap().get_connection().unwrap();
    let shop = crate::shop::SHOP.lines().filter(|line| !line.trim().is_empty());
    let lines: Vec<&str> = shop.chain(["{\"event_type\":\"pick"]).collect();
    for line in &lines {
        let mut add = redis::cmd("XADD");
        add.arg("shelf_events").arg("*").arg("data").arg(*line).exec(&mut client).unwrap();
    }
    let mut command = place.command(&format!("{words} --json"));
    let quiet = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped());
    let bridging = Running::beside(quiet);
    let working = worker(&place, &url, &[("SHELF_LOG__PARTITIONS", "2")]);
    let wanted = format!("shelf_kafka_events {}\n", lines.len());
    until("every entry is stepped", || get(&working, "/metrics").contains(&wanted).then_some(()));
    bridging.stop();
    let again = place.jsons(&format!("{words} --for-seconds 2"));
    let last = again.last().unwrap();
    assert_eq!((number(last, "entries"), &last["state"]), (0, &"stopped".into()));
}
