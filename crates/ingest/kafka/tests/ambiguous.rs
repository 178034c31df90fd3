//! A commit that nobody answers: it may have been made or not, and no error says which.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::{Duration, Instant};

use shelf_domain::{Body, Event, EventId, Origin, StoreId, Timestamp};
use shelf_kafka::{Claim, Connection, Feed, KafkaError, LOG_EFFECTS, Reader, TopicOptions, init};
use shelf_ports::{Offset, PartitionLog as _, RecordBatch};
use shelf_testkit::kafka::{Broker, Kept, Proxy};

const PATIENCE: Duration = Duration::from_mins(1);

fn event(number: u64) -> Event {
    Event {
        id: EventId(number.into()),
        store: StoreId::cut("S001"),
        at: Timestamp(number as i64),
        received_at: Timestamp(number as i64),
        origin: Origin::default(),
        body: Body::Clock,
    }
}

/// Claims the partition, as a worker does: what passes is tried again.
fn claimed(connection: &Connection) -> Claim {
    let started = Instant::now();
    loop {
        match Claim::take(connection, 0) {
            Ok(claim) => return claim,
            Err(error) => assert!(error.passes() && started.elapsed() < PATIENCE, "{error:?}"),
        }
    }
}

/// Reads up to this position from what was committed.
fn read(claim: &mut Claim, until: Offset) {
    let (place, started) = (claim.committed.place, Instant::now());
    claim.input.input().unwrap().begin_at(place).unwrap();
    let (mut at, mut batch) = (place.position, RecordBatch::new());
    while at < until {
        assert!(started.elapsed() < PATIENCE, "{at} of {until}");
        claim.input.input().unwrap().fetch(Duration::from_millis(100)).unwrap();
        at = claim.input.read(at, 1 << 20, &mut batch).unwrap();
    }
    assert_eq!(at, until);
}

/// What is committed of the effects.
fn effects(connection: &Connection) -> Vec<Vec<u8>> {
    let (mut found, started) = (Vec::new(), Instant::now());
    let mut reader = Reader::open(connection, LOG_EFFECTS).unwrap();
    while !reader.at_end() {
        assert!(started.elapsed() < PATIENCE, "{found:?}");
        let show = |message: &shelf_kafka::Message<'_>| {
            found.push(message.payload.unwrap().to_vec());
        };
        reader.next(Duration::from_millis(100), show).unwrap();
    }
    found
}

#[test]
fn a_commit_that_nobody_answers_is_read_back_as_what_it_came_to() {
    let proxy = Proxy::bind();
    let _broker = Broker::start_behind(&proxy);
    let connection: Connection = format!("kafka://{}/unsaid", proxy.address()).parse().unwrap();
    let options = TopicOptions { partitions: 1, ..TopicOptions::default() };
    assert_eq!(init(&connection, &options).unwrap().differences, []);
    let mut feed = Feed::open(&connection, "test").unwrap();
    for number in 0..4 {
        feed.add(0, &event(number)).unwrap();
    }
    feed.commit().unwrap();
    // What is kept, up to where is read, and whether the brokers have made the commit.
    let rounds = [(Kept::Request, 4, false), (Kept::Answer, 4, true)];
    for (kept, until, made) in rounds {
        let mut claim = claimed(&connection);
        let before = claim.committed.place;
        read(&mut claim, until);
        let place = claim.input.input().unwrap().place();
        let record = format!("{kept:?}");
        let output = claim.output.output().unwrap();
        output.publish(LOG_EFFECTS, "S001", Some(record.as_bytes())).unwrap();
        proxy.keep(kept);
        let began = Instant::now();
        let error = claim.output.sync().unwrap_err();
        let Some(told) = KafkaError::in_cause(&error) else { panic!("{error:?}") };
        assert!(told.passes(), "{told:?}");
        eprintln!("{kept:?}: {told:?} after {:?}", began.elapsed());
        // Its client goes before anything passes again: it would try once more.
        drop(claim);
        assert!(proxy.kept() > 0, "{kept:?}");
        proxy.keep(Kept::Nothing);
        let next = claimed(&connection);
        assert_eq!(next.committed.place, if made { place } else { before }, "{kept:?}");
    }
    assert_eq!(effects(&connection), [b"Answer".to_vec()], "what was committed, once");
}
