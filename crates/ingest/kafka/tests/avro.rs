//! Messages in Avro, with a real broker, a real registry of schemas, and a client that is not ours.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shelf_events::{Defaults, parse_event};
use shelf_kafka::{
    ALERTS, Avro, Claim, Connection, KafkaError, Place, Reader, RegistryOptions, Secret,
    TopicOptions, Unread, init,
};
use shelf_ports::PartitionLog as _;
use shelf_testkit::kafka::Broker;
use shelf_testkit::servers::{RegistryServer, python};

/// A client of the registry and of Avro that is none of ours: it writes messages of schemas that it
/// registers, or reads messages by the schemas whose numbers they name, as lines of hexadecimal.
const CLIENT: &str = r#"
import datetime, decimal, io, json, struct, sys, urllib.request
import fastavro
url, task = sys.argv[1], sys.argv[2]
def ask(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    kind = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
    with urllib.request.urlopen(urllib.request.Request(url + path, data, kind)) as answer:
        return json.load(answer)
def plain(value):
    if isinstance(value, datetime.datetime): return value.isoformat()
    if isinstance(value, datetime.date): return value.isoformat()
    if isinstance(value, decimal.Decimal): return str(value)
    raise TypeError(value)
if task == "read":
    for line in sys.stdin:
        message = bytes.fromhex(line)
        magic, number = struct.unpack(">bI", message[:5])
        assert magic == 0
        schema = fastavro.parse_schema(json.loads(ask(f"/schemas/ids/{number}")["schema"]))
        rest = io.BytesIO(message[5:])
        value = fastavro.schemaless_reader(rest, schema)
        assert rest.read() == b""
        print(json.dumps(value, default=plain))
else:
    subject = sys.argv[3]
    schema = json.load(open(sys.argv[4]))
    number = ask(f"/subjects/{subject}/versions", {"schema": json.dumps(schema)})["id"]
    parsed = fastavro.parse_schema(schema)
    at = datetime.datetime(2026, 1, 31, 8, tzinfo=datetime.timezone.utc)
    sale = {"store_id": "S001", "timestamp": at, "transaction_id": "T1", "items": [
        {"item_id": "MILK", "quantity": 2, "unit_price": decimal.Decimal("1.29")}]}
    walk = {"store_id": "S001", "timestamp": at, "customer_id": "C1"}
    for name, value in (("pos_transaction", sale), ("entry", walk)):
        out = io.BytesIO()
        fastavro.schemaless_writer(out, parsed, ("shelf.v1.event." + name, value))
        print((struct.pack(">bI", 0, number) + out.getvalue()).hex())
"#;

fn client(words: &[&str], input: &str) -> Vec<String> {
    let mut command = Command::new(python());
    command.args(["-c", CLIENT]).args(words).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn hex(bytes: &[u8]) -> String {
    let digit = |four: u8| char::from_digit(four.into(), 16).unwrap();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digits).collect()
}

const NONE: Defaults = Defaults { store: None, received_at: shelf_domain::Timestamp(0) };

fn avro(url: &str) -> Avro {
    let options = RegistryOptions { url: url.to_owned(), ..Default::default() };
    Avro::new(&options).unwrap()
}

fn alert() -> Value {
    json!({
        "effect": "alert", "store_id": "S001", "input_offset": 12, "index": 0,
        "timestamp": "2026-01-31T08:00:00.25Z", "event_type": "refill_request",
        "alert_id": "A-7", "shelf_id": "MILK", "location": "store", "severity": "warning",
        "status": "open", "current_stock": 3, "min_qty": null, "threshold_pct": 30,
        "stock_pct": 12.5, "near_expiry_days": null, "affected_qty": null,
        "affected_amount": 12.34, "silent_minutes": null, "suggested_qty": 21,
        "created_at": "2026-01-31T08:00:00Z", "updated_at": "2026-01-31T08:00:00Z",
        "last_seen_at": "2026-01-31T08:00:00Z", "count": 1, "snoozed_until": null,
        "owner": null, "actor": null, "note": "",
    })
}

#[test]
fn others_read_what_we_write_and_we_read_what_they_write() {
    let registry = RegistryServer::start();
    let broker = Broker::start();
    let mut connection: Connection = format!("kafka://{}/avro", broker.address()).parse().unwrap();
    init(&connection, &TopicOptions { partitions: 1, ..Default::default() }).unwrap();
    let avro = avro(&registry.url());
    avro.register(|topic| connection.name(topic)).unwrap();
    connection.avro = Some(avro.clone());

    // Through the broker, in a transaction, to a client of another make.
    let started = Instant::now();
    let mut claim = loop {
        match Claim::take(&connection, 0) {
            Ok(claim) => break claim,
            Err(error) => assert!(error.passes() && started.elapsed().as_secs() < 30, "{error:?}"),
        }
    };
    claim.input.input().unwrap().begin_at(Place::default()).unwrap();
    let output = claim.output.output().unwrap();
    let line = alert().to_string();
    output.publish_json(ALERTS, "S001", Some(line.as_bytes())).unwrap();
    let state = json!({
        "store_id": "S001", "key": "MILK", "shelf_id": "MILK", "current_stock": 3,
        "item_weight": 1030, "last_update_ts": "2026-01-31T08:00:00Z",
    });
    output.publish_json("shelf_state", "S001::MILK", Some(state.to_string().as_bytes())).unwrap();
    output.publish_json("shelf_state", "S001::BREAD", None).unwrap();
    claim.output.sync().unwrap();
    let mut written = Vec::new();
    for topic in [ALERTS, "shelf_state"] {
        let mut reader = Reader::open(&connection, topic).unwrap();
        let (started, wanted) = (Instant::now(), written.len() + 1);
        while written.len() < wanted && started.elapsed() < Duration::from_secs(20) {
            let wait = Duration::from_millis(200);
            reader
                .next(wait, |message| written.extend(message.payload.map(<[u8]>::to_vec)))
                .unwrap();
        }
    }
    let hexed: Vec<String> = written.iter().map(|message| hex(message)).collect();
    let read = client(&[&registry.url(), "read"], &hexed.join("\n"));
    let read: Vec<Value> = read.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(read[0]["affected_amount"], "12.34");
    assert_eq!(read[0]["timestamp"], "2026-01-31T08:00:00.250000+00:00");
    assert_eq!((&read[0]["stock_pct"], &read[0]["min_qty"]), (&json!(12.5), &Value::Null));
    assert_eq!((&read[1]["current_stock"], &read[1]["key"]), (&json!(3), &json!("MILK")));

    // What the other client writes with the union of all events is an event.
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/schemas/avro/event.avsc");
    let theirs = client(&[&registry.url(), "write", "avro.pos_transactions-value", schema], "");
    let events: Vec<_> = theirs
        .iter()
        .map(|message| {
            let mut line = Vec::new();
            avro.decode(&unhex(message), &mut line).unwrap();
            parse_event(&line, &NONE).unwrap()
        })
        .collect();
    let sale = json!({
        "event_type": "pos_transaction", "store_id": "S001", "timestamp": "2026-01-31T08:00:00Z",
        "transaction_id": "T1",
        "items": [{ "item_id": "MILK", "quantity": 2, "unit_price": 1.29 }],
    });
    let told = parse_event(sale.to_string().as_bytes(), &NONE).unwrap();
    assert_eq!((&events[0].body, events[0].at), (&told.body, told.at));
    assert!(matches!(events[1].body, shelf_domain::Body::Entry(_)), "{:?}", events[1]);
}

#[test]
fn a_registry_that_is_away_says_nothing_of_a_message_and_is_asked_less_often() {
    let mut registry = RegistryServer::start();
    let ours = avro(&registry.url());
    ours.register(str::to_owned).unwrap();
    let mut message = Vec::new();
    ours.encode(ALERTS, ALERTS, alert().to_string().as_bytes(), &mut message).unwrap();
    let code = |avro: &Avro, message: &[u8]| {
        let mut line = Vec::new();
        match avro.decode(message, &mut line) {
            Ok(()) => "read",
            Err(Unread::Message(error)) => error.code.code(),
            Err(Unread::Registry(error)) => error.code(),
        }
    };
    let theirs = avro(&registry.url());
    let unknown = [0, 0, 0, 0x27, 0x10, 0];
    assert_eq!(code(&theirs, &unknown), "unknown_schema");
    registry.stop();
    let asked = Instant::now();
    assert_eq!(code(&theirs, &message), "registry_unreachable");
    for _ in 0..1_000 {
        assert_eq!(code(&theirs, &message), "registry_unreachable");
    }
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    // What is known needs no registry.
    assert_eq!(code(&ours, &message), "registry_unreachable", "never read before");
    ours.encode(ALERTS, ALERTS, alert().to_string().as_bytes(), &mut Vec::new()).unwrap();
    registry.resume();
    // It has forgotten everything: it gives the number out again as we register.
    avro(&registry.url()).register(str::to_owned).unwrap();
    let (started, mut last) = (Instant::now(), "");
    while last != "read" && started.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(100));
        last = code(&theirs, &message);
    }
    assert_eq!(last, "read");
}

#[test]
fn a_schema_that_does_not_fit_the_subject_is_refused_in_words() {
    let registry = RegistryServer::start();
    let url = registry.url();
    let put = r#"
import json, sys, urllib.request
def ask(method, path, body):
    kind = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
    urllib.request.urlopen(urllib.request.Request(
        sys.argv[1] + path, json.dumps(body).encode(), kind, method=method)).read()
other = {"type": "record", "name": "alert", "namespace": "shelf.v1.effect", "fields": [
    {"name": "store_id", "type": "long"}]}
ask("POST", "/subjects/alerts-value/versions", {"schema": json.dumps(other)})
ask("PUT", "/config", {"compatibility": "FULL"})
"#;
    let done = Command::new(python()).args(["-c", put, &url]).status().unwrap();
    assert!(done.success());
    let error = avro(&url).register(str::to_owned).unwrap_err();
    assert!(matches!(error, KafkaError::RegistryRefused { .. }), "{error:?}");
    assert!(error.to_string().contains("subject alerts-value: status 409"), "{error}");
    assert!(!error.passes(), "it is not tried for ever at full speed");
}

/// A registry of one answer, which tells what it was asked.
fn answering(answer: &'static str) -> (String, std::thread::JoinHandle<String>) {
    use std::io::Read as _;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4_096];
        let length = stream.read(&mut request).unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    (url, asked)
}

#[test]
fn a_user_is_named_and_a_refusal_shows_no_password() {
    let (url, asked) = answering("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n");
    let user = Some(("shelf".to_owned(), Secret::new("hunter2")));
    let avro = Avro::new(&RegistryOptions { url, user, ca_file: None }).unwrap();
    let error = avro.register(str::to_owned).unwrap_err();
    assert_eq!(error.code(), "registry_refused");
    assert!(error.to_string().contains("the user is refused (401)"), "{error}");
    let asked = asked.join().unwrap().to_lowercase();
    // shelf:hunter2
    assert!(asked.contains("authorization: basic c2hlbgy6ahvudgvymg=="), "{asked}");
    assert!(!format!("{error:?} {avro:?}").contains("hunter2"));
}
