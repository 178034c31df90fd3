//! The log on a real broker: topics, users, positions, claims, and what is refused in words.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use rdkafka::TopicPartitionList;
use rdkafka::admin::{AdminClient, AdminOptions};
use shelf_domain::{Body, Effect, Event, EventId, Origin, StoreId, Timestamp};
use shelf_events::{OutputRecord, decode_event, encode_effect};
use shelf_kafka::{
    Agreed, Assignment, Claim, Committed, Connection, Delivery, Feed, KafkaError, LOG_EFFECTS,
    LOG_EVENTS, Lists, Mechanism, Membership, MembershipOptions, MergeOptions, Message, OnceFeed,
    Place, Reader, SOURCE_BOOK, SOURCES, SOURCES_GROUP, Sasl, Secret, SourceClaim, Tls,
    TopicOptions, check, check_sources, committed_of, init, topics,
};
use shelf_ports::{LogError, Offset, PartitionLog, RecordBatch};
use shelf_testkit::kafka::{Broker, PASSWORD, Release, USER};

/// One broker for all tests of this file; it ends with the process.
fn broker() -> &'static Broker {
    static BROKER: OnceLock<Broker> = OnceLock::new();
    BROKER.get_or_init(Broker::start)
}

fn at(address: &str, prefix: &str) -> Connection {
    format!("kafka://{address}/{prefix}").parse().unwrap()
}

/// Two partitions under a prefix of its own.
fn chain(prefix: &str) -> Connection {
    let connection = at(&broker().address(), prefix);
    let made = init(&connection, &options()).unwrap();
    assert_eq!((made.created.len(), made.differences.len()), (21, 0), "{made:?}");
    connection
}

fn options() -> TopicOptions {
    TopicOptions { partitions: 2, max_message_bytes: 100_000, ..TopicOptions::default() }
}

fn event(number: u128) -> Event {
    Event {
        id: EventId(number),
        store: StoreId::cut("S001"),
        at: Timestamp(number as i64),
        received_at: Timestamp(number as i64),
        origin: Origin::default(),
        body: Body::Clock,
    }
}

fn feed(connection: &Connection, numbers: std::ops::Range<u128>) {
    let mut feed = Feed::open(connection, "test").unwrap();
    for number in numbers {
        feed.add(0, &event(number)).unwrap();
    }
    feed.commit().unwrap();
}

/// Claims a partition, as a worker does: what passes is tried again.
fn claimed(connection: &Connection, partition: u32) -> Claim {
    claimed_for(connection, partition, Delivery::ExactlyOnce)
}

fn claimed_for(connection: &Connection, partition: u32, delivery: Delivery) -> Claim {
    let started = Instant::now();
    loop {
        match Claim::take_for(connection, partition, delivery) {
            Ok(claim) => return claim,
            Err(error) => {
                let in_time = started.elapsed() < Duration::from_secs(30);
                assert!(error.passes() && in_time, "{error:?}");
            }
        }
    }
}

/// Reads up to this position from where the log stands, as the engine does.
fn read(claim: &mut Claim, until: Offset) -> Vec<u128> {
    let (mut ids, mut batch) = (Vec::new(), RecordBatch::new());
    let started = Instant::now();
    let mut at = claim.input.input().unwrap().place().position;
    while at < until {
        assert!(started.elapsed() < Duration::from_secs(20), "{at} of {until}");
        claim.input.input().unwrap().fetch(Duration::from_millis(100)).unwrap();
        at = claim.input.read(at, 100, &mut batch).unwrap();
        ids.extend(batch.iter().map(|record| decode_event(record).unwrap().id.0));
    }
    ids
}

fn kafka(error: &LogError) -> &KafkaError {
    KafkaError::in_cause(error).unwrap_or_else(|| panic!("{error:?}"))
}

#[test]
fn topics_are_made_once_and_differences_are_told() {
    let connection = chain("init");
    let again = init(&connection, &options()).unwrap();
    assert_eq!((again.created.len(), again.present.len()), (0, 21));
    assert_eq!(again.differences, []);
    let other = TopicOptions { partitions: 3, retention_ms: 1_000, ..options() };
    let told = init(&connection, &other).unwrap();
    let of = |setting: &str| told.differences.iter().filter(|d| d.setting == setting).count();
    assert_eq!((of("partitions"), of("retention.ms")), (2 + 1 + 11, 1 + 6), "{told:?}");
    let safer = TopicOptions { replication: 3, ..options() };
    let told = init(&connection, &safer).unwrap().differences;
    let in_sync = told.iter().filter(|one| one.setting == "min.insync.replicas");
    let in_sync: Vec<_> = in_sync.map(|one| (one.found.as_str(), one.wanted.as_str())).collect();
    assert_eq!(in_sync, [("1", "2"); 21], "of three brokers, two have what is acknowledged");
    let kept = told.iter().filter(|one| one.setting == "replication");
    let kept: Vec<_> = kept.map(|one| (one.found.as_str(), one.wanted.as_str())).collect();
    assert_eq!(kept, [("1", "3"); 21], "there is one broker");
    assert_eq!(init(&connection, &options()).unwrap().differences, [], "nothing was changed");
    check(&connection, 2).unwrap();
    let wrong = check(&connection, 16).unwrap_err();
    assert!(matches!(wrong, KafkaError::Partitions { found: 2, wanted: 16, .. }), "{wrong}");
    let missing = check(&at(&broker().address(), "nowhere"), 2).unwrap_err();
    assert_eq!(missing.code(), "kafka_no_topic");
    assert_eq!(missing.to_string(), "there is no topic nowhere.log_events");
}

/// Has an administrator take topics away, and waits until they are gone.
fn delete(connection: &Connection, topics: &[String]) {
    let mut config = rdkafka::ClientConfig::new();
    config.set("bootstrap.servers", connection.brokers());
    let admin: AdminClient<_> = config.create().unwrap();
    let names: Vec<&str> = topics.iter().map(String::as_str).collect();
    for deleted in block_on(admin.delete_topics(&names, &AdminOptions::new())).unwrap() {
        deleted.unwrap();
    }
    let started = Instant::now();
    let seen = || {
        let metadata = admin.inner().fetch_metadata(None, Duration::from_secs(10)).unwrap();
        metadata.topics().iter().any(|topic| topics.iter().any(|name| name == topic.name()))
    };
    while seen() {
        assert!(started.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn each_topic_that_a_worker_or_an_intake_needs_is_looked_for() {
    let options = TopicOptions { partitions: 2, source_partitions: 1, ..TopicOptions::default() };
    let connection = at(&broker().address(), "needs");
    init(&connection, &options).unwrap();
    let ours: Vec<&str> = topics(&options).iter().map(|topic| topic.name).collect();
    let (sources, mut ours): (Vec<&str>, Vec<&str>) =
        ours.into_iter().partition(|name| SOURCES.contains(name));
    ours.retain(|name| *name != SOURCE_BOOK);
    check(&connection, 2).unwrap();
    let sources: Vec<String> = sources.iter().map(|name| connection.name(name)).collect();
    check_sources(&connection, 2, &sources).unwrap();
    let missing = |found: Result<(), KafkaError>, topic: &str| match found.unwrap_err() {
        KafkaError::NoTopic { topic: named } => assert_eq!(named, topic),
        other => panic!("{topic}: {other:?}"),
    };
    for topic in sources.iter().rev() {
        delete(&connection, std::slice::from_ref(topic));
        missing(check_sources(&connection, 2, &sources), topic);
        check(&connection, 2).unwrap();
    }
    let foreign = ["needs-of-others".to_owned()];
    missing(check_sources(&connection, 2, &foreign), "needs-of-others");
    let with = TopicOptions { foreign: vec![(foreign[0].clone(), 2)], ..options.clone() };
    let made = init(&connection, &with).unwrap().created;
    assert!(made.contains(&foreign[0]), "{made:?}");
    check_sources(&connection, 2, &foreign).unwrap();
    let book = connection.name(SOURCE_BOOK);
    delete(&connection, std::slice::from_ref(&book));
    missing(check_sources(&connection, 2, &[]), &book);
    for name in ours.iter().rev() {
        let topic = connection.name(name);
        delete(&connection, std::slice::from_ref(&topic));
        missing(check(&connection, 2), &topic);
    }
    // Made anew with one partition too many, each is named as well.
    let more = TopicOptions { partitions: 3, ..options };
    init(&connection, &more).unwrap();
    let wrong = check(&connection, 2).unwrap_err();
    assert!(matches!(wrong, KafkaError::Partitions { found: 3, wanted: 2, .. }), "{wrong}");
    let wrong = check_sources(&connection, 2, &sources).unwrap_err();
    assert!(matches!(wrong, KafkaError::Partitions { found: 3, wanted: 2, .. }), "{wrong}");
}

#[test]
fn a_group_whose_topic_is_taken_away_names_it() {
    struct Nobody;
    impl Assignment for Nobody {
        fn assigned(&self, _: &[(String, u32)]) {}
        fn revoked(&self, _: &[(String, u32)]) {}
    }
    let connection = chain("taken");
    let options = MembershipOptions { group: "readers", ..Default::default() };
    delete(&connection, &[connection.name("wh_events")]);
    let topics = ["shelf_events", "wh_events"];
    let member = Membership::join(&connection, &topics, &options, Nobody).unwrap();
    let started = Instant::now();
    let error = loop {
        match member.poll(Duration::from_millis(100)) {
            Ok(()) => assert!(started.elapsed() < Duration::from_secs(30)),
            Err(error) => break error,
        }
    };
    assert_eq!(error.to_string(), "there is no topic taken.wh_events");
}

#[test]
fn users_are_known_by_plain_and_scram_and_others_are_refused() {
    let _ = chain("users");
    let with = |mechanism, password: &str| {
        let mut connection = at(&broker().sasl_address(), "users");
        let (user, password) = (USER.to_owned(), Secret::new(password));
        connection.sasl = Some(Sasl { mechanism, user, password });
        check(&connection, 2)
    };
    for mechanism in [Mechanism::Plain, Mechanism::ScramSha256, Mechanism::ScramSha512] {
        with(mechanism, PASSWORD).unwrap();
        let error = with(mechanism, "wrong word").unwrap_err();
        assert_eq!(error.code(), "kafka_refused", "{error}");
        assert!(!format!("{error:?} {error}").contains("wrong word"), "{error:?}");
    }
}

#[test]
fn a_connection_is_encrypted_with_a_broker_that_is_trusted() {
    let _ = chain("tls");
    let with = |tls| {
        let mut connection = at(&broker().tls_address(), "tls");
        let (user, password) = (USER.to_owned(), Secret::new(PASSWORD));
        connection.sasl = Some(Sasl { mechanism: Mechanism::ScramSha256, user, password });
        connection.tls = tls;
        check(&connection, 2)
    };
    with(Some(Tls { ca_file: Some(broker().certificate()) })).unwrap();
    let error = with(Some(Tls { ca_file: None })).unwrap_err();
    assert_eq!(error.code(), "kafka_refused", "{error:?}");
    // A broker that speaks TLS says nothing to those who do not.
    let error = with(None).unwrap_err();
    assert!(matches!(error.code(), "kafka_unreachable" | "kafka_refused"), "{error:?}");
}

#[test]
fn brokers_that_are_not_there_are_named() {
    let error = check(&at("127.0.0.1:1", ""), 2).unwrap_err();
    assert_eq!(error.code(), "kafka_unreachable");
    assert_eq!(error.to_string(), "no broker of 127.0.0.1:1 answers");
}

#[test]
fn positions_count_records_whatever_transactions_lie_between() {
    let connection = chain("dense");
    feed(&connection, 0..3);
    {
        // Events of a transaction that never ends are none.
        let mut lost = Feed::open(&connection, "test").unwrap();
        lost.add(0, &event(99)).unwrap();
    }
    feed(&connection, 3..5);
    let mut claim = claimed(&connection, 0);
    assert_eq!(claim.committed, Committed { place: Place::default(), epoch: 1 });
    claim.input.input().unwrap().begin_at(Place::default()).unwrap();
    assert_eq!(read(&mut claim, 5), [0, 1, 2, 3, 4]);
    let place = claim.input.input().unwrap().place();
    assert!(place.offset > 5, "marks take offsets: {place:?}");
    claim.output.sync().unwrap();
    let committed = Some(Committed { place, epoch: 1 });
    assert_eq!(committed_of(&connection, 2, Delivery::ExactlyOnce).unwrap(), [committed, None]);
    drop(claim);

    feed(&connection, 5..6);
    let mut claim = claimed(&connection, 0);
    assert_eq!(claim.committed, Committed { place, epoch: 2 });
    claim.input.input().unwrap().begin_at(place).unwrap();
    assert_eq!(read(&mut claim, 6), [5]);
}

#[test]
fn whoever_claims_a_partition_takes_it_from_everybody_else() {
    let connection = chain("fence");
    feed(&connection, 0..4);
    let mut old = claimed(&connection, 0);
    old.input.input().unwrap().begin_at(Place::default()).unwrap();
    assert_eq!(read(&mut old, 2)[..2], [0, 1]);
    old.output.output().unwrap().publish(LOG_EFFECTS, "S001", Some(b"of the old")).unwrap();
    let mut new = claimed(&connection, 0);
    assert_eq!(new.committed.place, Place::default(), "nothing was committed");
    let error = old.output.sync().unwrap_err();
    assert!(matches!(kafka(&error), KafkaError::Fenced { .. }), "{error:?}");
    new.input.input().unwrap().begin_at(Place::default()).unwrap();
    assert_eq!(read(&mut new, 4), [0, 1, 2, 3]);
    new.output.output().unwrap().publish(LOG_EFFECTS, "S001", Some(b"of the new")).unwrap();
    new.output.sync().unwrap();
    let mut seen = Vec::new();
    let mut reader = Reader::open(&connection, LOG_EFFECTS).unwrap();
    let started = Instant::now();
    while seen.is_empty() && started.elapsed() < Duration::from_secs(20) {
        let wait = Duration::from_millis(200);
        reader.next(wait, |message| seen.push(message.payload.unwrap().to_vec())).unwrap();
    }
    let more = reader.next(Duration::from_secs(1), |_| {}).unwrap();
    assert_eq!((seen, more), (vec![b"of the new".to_vec()], false));
}

#[test]
fn a_broker_of_an_older_release_does_the_same() {
    let broker = Broker::start_release(Release::Before4);
    let connection = at(&broker.address(), "older");
    assert_eq!(init(&connection, &options()).unwrap().created.len(), 21);
    assert_eq!(init(&connection, &options()).unwrap().differences, []);
    feed(&connection, 0..3);
    let mut old = claimed(&connection, 0);
    old.input.input().unwrap().begin_at(Place::default()).unwrap();
    assert_eq!(read(&mut old, 3), [0, 1, 2]);
    old.output.output().unwrap().publish(LOG_EFFECTS, "S001", Some(b"committed")).unwrap();
    old.output.sync().unwrap();
    let place = old.input.input().unwrap().place();
    old.output.output().unwrap().publish(LOG_EFFECTS, "S001", Some(b"lost")).unwrap();
    let mut new = claimed(&connection, 0);
    assert_eq!(new.committed, Committed { place, epoch: 2 });
    let error = old.output.sync().unwrap_err();
    assert!(matches!(kafka(&error), KafkaError::Fenced { .. }), "{error:?}");
    feed(&connection, 3..5);
    new.input.input().unwrap().begin_at(place).unwrap();
    assert_eq!(read(&mut new, 5), [3, 4]);
    new.output.sync().unwrap();
    let mut seen = Vec::new();
    let mut reader = Reader::open(&connection, LOG_EFFECTS).unwrap();
    let started = Instant::now();
    while !(reader.at_end() && seen.len() == 1) && started.elapsed() < Duration::from_secs(20) {
        let wait = Duration::from_millis(200);
        reader.next(wait, |message| seen.push(message.payload.unwrap().to_vec())).unwrap();
    }
    assert_eq!(seen, [b"committed".to_vec()]);
    let mut named = at(&broker.sasl_address(), "older");
    let (user, password) = (USER.to_owned(), Secret::new(PASSWORD));
    named.sasl = Some(Sasl { mechanism: Mechanism::ScramSha256, user, password });
    check(&named, 2).unwrap();
}

#[test]
fn what_is_delivered_at_least_once_is_there_without_a_transaction() {
    let connection = chain("atleast");
    feed(&connection, 0..4);
    let take = || claimed_for(&connection, 0, Delivery::AtLeastOnce);
    let mut claim = take();
    claim.input.input().unwrap().begin_at(Place::default()).unwrap();
    assert_eq!(read(&mut claim, 2)[..2], [0, 1]);
    claim.output.output().unwrap().publish(LOG_EFFECTS, "S001", Some(b"first")).unwrap();
    claim.output.sync().unwrap();
    let place = claim.input.input().unwrap().place();
    claim.output.output().unwrap().publish(LOG_EFFECTS, "S001", Some(b"again")).unwrap();
    let mut seen = Vec::new();
    let mut reader = Reader::open(&connection, LOG_EFFECTS).unwrap();
    let started = Instant::now();
    while seen.len() < 2 && started.elapsed() < Duration::from_secs(20) {
        let wait = Duration::from_millis(200);
        reader.next(wait, |message| seen.push(message.payload.unwrap().to_vec())).unwrap();
    }
    assert_eq!(seen, [b"first".to_vec(), b"again".to_vec()], "nothing waits for a commit");
    // It ends before it has committed: whoever goes on writes that again, from what is committed.
    drop(claim);
    let claim = take();
    assert_eq!((claim.committed.place, claim.committed.epoch), (place, 2));
    // What was written with one delivery is not gone on with in the other.
    let error = Claim::take(&connection, 0).err().expect("a refusal");
    assert!(matches!(error, KafkaError::Lost { partition: 0, .. }), "{error:?}");
}

#[test]
fn a_record_that_is_too_large_is_named() {
    let connection = chain("large");
    let mut claim = claimed(&connection, 0);
    let large = vec![7; 300_000];
    let output = claim.output.output().unwrap();
    output.publish(LOG_EFFECTS, "S001", Some(&large)).unwrap();
    let error = claim.output.sync().unwrap_err();
    let kafka = kafka(&error);
    let KafkaError::TooLarge { topic, bytes: 300_000 } = kafka else { panic!("{error:?}") };
    assert_eq!(topic, "large.log_effects", "the topic that it was for, not the one that is read");
    assert!(!kafka.passes(), "it is not tried for ever at full speed");
}

#[test]
fn bytes_that_are_no_event_become_one_that_says_so() {
    let connection = chain("bytes");
    // As another program might write them.
    let mut foreign = claimed(&connection, 0);
    let output = foreign.output.output().unwrap();
    output.publish(LOG_EVENTS, "x", Some(b"{\"no\": \"event\"}")).unwrap();
    output.publish(LOG_EVENTS, "x", None).unwrap();
    foreign.input.input().unwrap().begin_at(Place::default()).unwrap();
    foreign.output.sync().unwrap();
    let mut claim = claimed(&connection, 0);
    claim.input.input().unwrap().begin_at(Place::default()).unwrap();
    let started = Instant::now();
    while claim.input.input().unwrap().fetch(Duration::from_millis(100)).unwrap() < 2 {
        assert!(started.elapsed() < Duration::from_secs(20));
    }
    let mut batch = RecordBatch::new();
    claim.input.read(0, 1 << 20, &mut batch).unwrap();
    let events: Vec<Event> = batch.iter().map(|record| decode_event(record).unwrap()).collect();
    let Body::Rejected(first) = &events[0].body else { panic!("{events:?}") };
    assert_eq!((first.raw.as_slice(), events.len()), (&b"{\"no\": \"event\"}"[..], 2));
    assert_eq!(first.source.as_str(), "bytes.log_events/0");
}

/// What brokers do with a group that is away for too long.
fn forget(connection: &Connection, group: &str) {
    let mut config = rdkafka::ClientConfig::new();
    config.set("bootstrap.servers", connection.brokers());
    let admin: AdminClient<_> = config.create().unwrap();
    let group = connection.name(group);
    let deleted = block_on(admin.delete_groups(&[&group], &AdminOptions::new())).unwrap();
    assert_eq!(deleted, [Ok(group)]);
}

#[test]
fn a_group_that_lost_its_position_does_not_begin_anew() {
    let connection = chain("lost");
    let mut claim = claimed(&connection, 1);
    claim.output.output().unwrap().publish(LOG_EFFECTS, "S001", Some(b"written")).unwrap();
    claim.output.sync().unwrap();
    drop(claim);
    forget(&connection, "shelf");
    let error = Claim::take(&connection, 1).err().expect("a refusal");
    assert!(
        matches!(error, KafkaError::Lost { partition: 1, .. }),
        "what was written says nothing"
    );
}

/// Writes an effect that follows from the event of this position.
fn write_effect(claim: &mut Claim, input_offset: Offset) {
    let (store, at) = (StoreId::cut("S001"), Timestamp(1));
    let effect = OutputRecord { store, input_offset, index: 0, at, effect: Effect::Duplicate };
    let mut bytes = Vec::new();
    encode_effect(&effect, &mut bytes);
    claim.output.output().unwrap().publish(LOG_EFFECTS, "S001", Some(&bytes)).unwrap();
}

#[test]
fn a_group_that_lost_its_position_goes_on_behind_what_was_written_last() {
    let connection = chain("forgotten");
    feed(&connection, 0..6);
    let mut claim = claimed(&connection, 0);
    claim.input.input().unwrap().begin_at(Place::default()).unwrap();
    assert_eq!(read(&mut claim, 6), [0, 1, 2, 3, 4, 5]);
    write_effect(&mut claim, 3);
    claim.output.sync().unwrap();
    let ended = claim.input.input().unwrap().place();
    write_effect(&mut claim, 5);
    // What was not committed counts for nothing.
    drop(claim);
    forget(&connection, "shelf");
    let mut claim = claimed(&connection, 0);
    let place = claim.committed.place;
    assert_eq!((place.position, place.offset, claim.may_be_behind()), (4, -1, true));
    claim.input.input().unwrap().begin_at(Place::default()).unwrap();
    assert_eq!(read(&mut claim, 4), [0, 1, 2, 3], "it is caught up with first");
    claim.output.sync().unwrap();
    let place = claim.input.input().unwrap().place();
    let found = committed_of(&connection, 1, Delivery::ExactlyOnce).unwrap();
    assert_eq!(found, [Some(Committed { place, epoch: 1 })], "the brokers know it again");
    assert_eq!(read(&mut claim, 6), [4, 5]);
    drop(claim);
    // A snapshot was saved of what was committed: it may be further.
    forget(&connection, "shelf");
    let mut claim = claimed(&connection, 0);
    claim.begin_behind(Some(ended)).unwrap();
    claim.input.input().unwrap().begin_at(ended).unwrap();
    claim.output.sync().unwrap();
    let found = committed_of(&connection, 1, Delivery::ExactlyOnce).unwrap();
    assert_eq!(found, [Some(Committed { place: ended, epoch: 1 })]);
    drop(claim);
    assert!(!claimed(&connection, 0).may_be_behind());
    let refused = Claim::take_for(&connection, 0, Delivery::AtLeastOnce).err().expect("a refusal");
    assert!(matches!(refused, KafkaError::Lost { partition: 0, .. }), "{refused:?}");
}

#[test]
fn what_was_written_without_transactions_is_gone_on_with_at_a_snapshot() {
    let connection = chain("forgotleast");
    let take = || claimed_for(&connection, 0, Delivery::AtLeastOnce);
    let known = || committed_of(&connection, 1, Delivery::AtLeastOnce).unwrap();
    feed(&connection, 0..4);
    let mut claim = take();
    claim.input.input().unwrap().begin_at(Place::default()).unwrap();
    assert_eq!(read(&mut claim, 4), [0, 1, 2, 3]);
    write_effect(&mut claim, 2);
    claim.output.sync().unwrap();
    let place = claim.input.input().unwrap().place();
    // Nobody is a member of the group: it is forgotten although somebody works.
    forget(&connection, "shelf-at-least-once");
    assert_eq!(known(), [None]);
    claim.output.output().unwrap().renew().unwrap();
    assert_eq!(known(), [Some(Committed { place, epoch: 1 })]);
    drop(claim);
    forget(&connection, "shelf-at-least-once");
    let refused = take().begin_behind(None).unwrap_err();
    assert!(matches!(refused, KafkaError::Lost { partition: 0, .. }), "{refused:?}");
    let mut claim = take();
    claim.begin_behind(Some(place)).unwrap();
    claim.input.input().unwrap().begin_at(place).unwrap();
    claim.output.sync().unwrap();
    assert_eq!(known(), [Some(Committed { place, epoch: 1 })]);
    drop(claim);
    // One who was frozen commits an old position once more, and a snapshot is further.
    let mut old = take();
    old.input.input().unwrap().begin_at(Place::default()).unwrap();
    feed(&connection, 4..6);
    let mut claim = take();
    claim.input.input().unwrap().begin_at(place).unwrap();
    assert_eq!(read(&mut claim, 6), [4, 5]);
    claim.output.sync().unwrap();
    let further = claim.input.input().unwrap().place();
    drop(claim);
    old.output.output().unwrap().renew().unwrap();
    let mut claim = take();
    assert_eq!(claim.committed.place, place, "the old one counts");
    claim.begin_behind(Some(further)).unwrap();
    assert_eq!(claim.committed.place, further);
    // It was written without transactions: that is not gone on with in them.
    forget(&connection, "shelf-at-least-once");
    let refused = Claim::take(&connection, 0).err().expect("a refusal");
    assert!(matches!(refused, KafkaError::Lost { partition: 0, .. }), "{refused:?}");
}

/// What takers go by where this topic is keyed by store.
fn keyed(connection: &Connection, topic: &str) -> Agreed {
    let keyed_by_store = [topic.to_owned()].into();
    Agreed::settle(connection, Lists { keyed_by_store, ..Lists::default() }).unwrap()
}

#[test]
fn messages_of_others_are_taken_once_wherever_taking_stops() {
    let connection = chain("source");
    let topic = connection.name("pos_transactions");
    let agreed = keyed(&connection, &topic);
    let mut writer = claimed(&connection, 1);
    let output = writer.output.output().unwrap();
    for number in 0..10 {
        output.publish("pos_transactions", "customer", Some(&[number])).unwrap();
    }
    writer.output.sync().unwrap();
    for round in 0..5 {
        if round == 3 {
            // Who is away for too long is forgotten by the brokers, and not by the book.
            forget(&connection, SOURCES_GROUP);
        }
        // The first ends before it has committed; after the second there is nothing left to take.
        let mut claim =
            SourceClaim::take(&connection, &agreed, (&topic, 1), &MergeOptions::default()).unwrap();
        let (wanted, limit) = if round < 2 { (10, 20) } else { (1, 1) };
        let (started, mut taken) = (Instant::now(), 0);
        while taken < wanted && started.elapsed() < Duration::from_secs(limit) {
            let read = |message: &Message<'_>, events: &mut Vec<(u32, Event)>| {
                events.push((0, event(u128::from(message.payload.unwrap()[0]))));
                true
            };
            taken += claim.pump(Duration::from_millis(200), read).unwrap().messages;
        }
        assert_eq!(taken, if round < 2 { 10 } else { 0 }, "round {round}");
        if round == 1 {
            claim.commit().unwrap();
        }
    }
    let mut claim = claimed(&connection, 0);
    claim.input.input().unwrap().begin_at(Place::default()).unwrap();
    assert_eq!(read(&mut claim, 10), (0..10).collect::<Vec<u128>>());
    let more = claim.input.input().unwrap().fetch(Duration::from_secs(1)).unwrap();
    assert_eq!(more, 0, "nothing came twice");
}

#[test]
fn messages_that_the_brokers_no_longer_have_are_counted() {
    let connection = chain("gone");
    let topic = connection.name("wh_events");
    let agreed = keyed(&connection, &topic);
    let mut writer = claimed(&connection, 1);
    let mut send = |numbers: std::ops::Range<u8>| {
        for number in numbers {
            writer.output.output().unwrap().publish("wh_events", "x", Some(&[number])).unwrap();
        }
        writer.output.sync().unwrap();
    };
    let take = |wanted: u64| {
        let mut claim =
            SourceClaim::take(&connection, &agreed, (&topic, 1), &MergeOptions::default()).unwrap();
        let (started, mut seen) = (Instant::now(), Vec::new());
        while (seen.len() as u64) < wanted && started.elapsed() < Duration::from_secs(20) {
            let read = |message: &Message<'_>, _: &mut Vec<(u32, Event)>| {
                seen.push(message.payload.unwrap()[0]);
                true
            };
            claim.pump(Duration::from_millis(200), read).unwrap();
        }
        claim.commit().unwrap();
        (claim.skipped(), seen)
    };
    send(0..4);
    assert_eq!(take(4), (0, vec![0, 1, 2, 3]));
    send(4..9);
    // What retention does: offset 4 is the mark of the first transaction.
    let mut config = rdkafka::ClientConfig::new();
    config.set("bootstrap.servers", connection.brokers());
    let admin: AdminClient<_> = config.create().unwrap();
    let mut until = TopicPartitionList::new();
    until.add_partition_offset(&topic, 1, rdkafka::Offset::Offset(7)).unwrap();
    block_on(admin.delete_records(&until, &AdminOptions::new())).unwrap();
    assert_eq!(take(3), (3, vec![6, 7, 8]), "the mark and two messages");
    assert_eq!(take(0), (0, vec![]), "they are counted once");
}

#[test]
fn a_topic_that_was_made_anew_is_named_until_its_place_is_taken_out() {
    let connection = chain("anew");
    let topics = [connection.name("wh_events")];
    let lists = Lists { in_order: topics.to_vec(), ..Lists::default() };
    let agreed = Agreed::settle(&connection, lists).unwrap();
    let send = || {
        let mut writer = claimed(&connection, 1);
        let output = writer.output.output().unwrap();
        for number in 0..4 {
            output.publish("wh_events", "x", Some(&[number])).unwrap();
        }
        writer.output.sync().unwrap();
    };
    let claim = || {
        let understood = |_: &[u8], _: &[u8]| true;
        SourceClaim::take_merged(&connection, &agreed, &MergeOptions::default(), understood)
    };
    let take = || {
        let mut claim = claim().unwrap();
        let (started, mut taken) = (Instant::now(), 0);
        while taken < 4 && started.elapsed() < Duration::from_secs(20) {
            taken += claim.pump(Duration::from_millis(200), |_, _| true).unwrap().messages;
        }
        claim.commit().unwrap();
        taken
    };
    send();
    assert_eq!(take(), 4);
    delete(&connection, &topics);
    init(&connection, &options()).unwrap();
    let refused = claim().err().unwrap();
    assert_eq!(refused.code(), "kafka_position_lost");
    assert!(refused.to_string().contains(&topics[0]), "{refused}");
    let mut writer = claimed(&connection, 0);
    let key = serde_json::json!(["place", topics[0], 1]).to_string();
    writer.output.output().unwrap().publish(SOURCE_BOOK, &key, None).unwrap();
    writer.output.sync().unwrap();
    send();
    assert_eq!(take(), 4, "it begins at its beginning");
}

#[test]
fn events_of_one_who_keeps_count_elsewhere_are_handed_over_once() {
    let connection = chain("once");
    let numbered = |numbers: std::ops::Range<u128>| -> Vec<(u32, Event)> {
        numbers.map(|number| ((number % 2) as u32, event(number))).collect()
    };
    let opened = || {
        let started = Instant::now();
        loop {
            match OnceFeed::open(&connection, "count") {
                Ok(feed) => return feed,
                Err(error) => {
                    let in_time = started.elapsed() < Duration::from_secs(30);
                    assert!(error.passes() && in_time, "{error:?}");
                }
            }
        }
    };
    let mut first = opened();
    assert!(first.reached().is_empty());
    assert_eq!(first.append(&numbered(0..3)).unwrap(), [true; 3]);
    assert_eq!(first.append(&numbered(3..5)).unwrap(), [true; 2]);
    // It was stopped before it had noted the count of the second, and so was the next one.
    let mut second = opened();
    assert!(first.append(&numbered(90..91)).is_err(), "it can add nothing any more");
    assert_eq!(second.append(&numbered(3..7)).unwrap(), [false, false, true, true]);
    let mut third = opened();
    assert_eq!(third.append(&numbered(3..8)).unwrap(), [false, false, false, false, true]);
    // What comes behind says that the count is noted: nobody hands the first over again.
    assert_eq!(third.append(&numbered(8..9)).unwrap(), [true]);
    let mut fourth = opened();
    assert_eq!(fourth.append(&numbered(7..10)).unwrap(), [true, false, true]);
    let (mut found, mut last) = (BTreeMap::<u128, usize>::new(), BTreeMap::new());
    let mut reader = Reader::open(&connection, LOG_EVENTS).unwrap();
    while !reader.at_end() {
        let keep = |message: &Message<'_>| {
            let event = decode_event(message.payload.unwrap()).unwrap();
            *found.entry(event.id.0).or_default() += 1;
            last.insert(message.partition, message.offset);
        };
        reader.next(Duration::from_millis(100), keep).unwrap();
    }
    let expected: BTreeMap<u128, usize> =
        (0..10).map(|number| (number, if number == 7 { 2 } else { 1 })).collect();
    assert_eq!(found, expected);
    assert_eq!(fourth.reached(), &last);
    // It is nothing that those who take messages of others would have to understand.
    let lists = Lists { in_order: vec![connection.name("shelf_events")], ..Lists::default() };
    let agreed = Agreed::settle(&connection, lists).unwrap();
    let merge = MergeOptions::default();
    SourceClaim::take_merged(&connection, &agreed, &merge, |_, _| false).unwrap();
}

#[test]
fn who_takes_messages_is_fenced_when_they_are_to_be_taken_in_another_way() {
    let connection = chain("agreed");
    let topic = connection.name("wh_events");
    let mut writer = claimed(&connection, 1);
    for number in 0..4 {
        writer.output.output().unwrap().publish("wh_events", "x", Some(&[number])).unwrap();
    }
    writer.output.sync().unwrap();
    let take = |claim: &mut SourceClaim| {
        let (started, mut taken) = (Instant::now(), 0);
        while taken < 4 && started.elapsed() < Duration::from_secs(20) {
            let read = |message: &Message<'_>, events: &mut Vec<(u32, Event)>| {
                events.push((0, event(u128::from(message.payload.unwrap()[0]))));
                true
            };
            taken += claim.pump(Duration::from_millis(200), read).unwrap().messages;
        }
        taken
    };
    let by_itself = |agreed: &Agreed| {
        SourceClaim::take(&connection, agreed, (&topic, 1), &MergeOptions::default())
    };
    let in_order = |agreed: &Agreed| {
        SourceClaim::take_merged(&connection, agreed, &MergeOptions::default(), |_, _| true)
    };
    let fenced = |mut claim: SourceClaim| {
        let error = claim.commit().unwrap_err();
        assert!(matches!(error, KafkaError::Fenced { .. }), "{error:?}");
    };
    let old = keyed(&connection, &topic);
    let mut claim = by_itself(&old).unwrap();
    assert_eq!(take(&mut claim), 4);
    let lists = Lists { in_order: vec![topic.clone()], ..Lists::default() };
    let new = Agreed::settle(&connection, lists).unwrap();
    fenced(claim);
    let error = by_itself(&old).err().expect("a refusal");
    let differs = format!("{topic} is taken in one order there and keyed by store here");
    assert_eq!((error.code(), error.to_string().contains(&differs)), ("kafka_lists", true));
    let mut claim = in_order(&new).unwrap();
    assert_eq!(take(&mut claim), 4, "nothing was committed of them");
    // And back again.
    let old = keyed(&connection, &topic);
    fenced(claim);
    assert_eq!(in_order(&new).err().expect("a refusal").code(), "kafka_lists");
    let mut claim = by_itself(&old).unwrap();
    assert_eq!(take(&mut claim), 4);
    claim.commit().unwrap();
    let mut log = claimed(&connection, 0);
    log.input.input().unwrap().begin_at(Place::default()).unwrap();
    assert_eq!(read(&mut log, 4), [0, 1, 2, 3]);
}
