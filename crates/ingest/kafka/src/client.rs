//! What every client of Kafka remembers of what it was told, and how clients are made.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::Message as _;
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::{KafkaError as Foreign, RDKafkaErrorCode as Code};
use rdkafka::message::{DeliveryResult, ToBytes};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};

use crate::{Connection, KafkaError};

/// How long brokers have for a question about themselves.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// A lock whose holder cannot leave anything half done.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Remembers the last thing that went wrong: a question that is not answered does not say why.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    refused: Mutex<Option<String>>,
    delivery: Mutex<Option<Undelivered>>,
    noted: Option<Noted>,
}

/// Where the last record of a topic was put in each partition.
#[derive(Debug)]
struct Noted {
    topic: String,
    last: Mutex<BTreeMap<u32, i64>>,
}

/// A record that was not delivered.
#[derive(Debug)]
pub(crate) struct Undelivered {
    /// Why.
    pub(crate) code: Code,
    /// The topic that it was for.
    pub(crate) topic: String,
    /// Its size.
    pub(crate) bytes: usize,
}

impl Undelivered {
    /// What that means for an attempt to `action` something of `what`: a topic that is not there,
    /// or takes no record of that size, is named.
    pub(crate) fn judged(self, action: &'static str, what: &str) -> KafkaError {
        let Self { code, topic, bytes } = self;
        match code {
            Code::MessageSizeTooLarge | Code::InvalidRecord => {
                KafkaError::TooLarge { topic, bytes }
            }
            Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition => {
                KafkaError::NoTopic { topic }
            }
            _ => KafkaError::of(action, what, Foreign::MessageProduction(code)),
        }
    }
}

impl Heard {
    /// Notes besides where records of this topic are put.
    pub(crate) fn noting(topic: String) -> Self {
        Self { noted: Some(Noted { topic, last: Mutex::default() }), ..Self::default() }
    }

    /// The offset of the last record of that topic in each partition that was given one since the
    /// last call, where the brokers told it.
    pub(crate) fn delivered(&self) -> BTreeMap<u32, i64> {
        let noted = self.noted.as_ref();
        noted.map(|noted| std::mem::take(&mut *locked(&noted.last))).unwrap_or_default()
    }

    fn note(&self, error: &Foreign, reason: &str) {
        let code = error.rdkafka_error_code();
        if let Some(Code::Authentication | Code::SSL | Code::SaslAuthenticationFailed) = code {
            *locked(&self.refused) = Some(reason.to_owned());
        }
    }

    /// The first record that was not delivered since the last call.
    pub(crate) fn undelivered(&self) -> Option<Undelivered> {
        locked(&self.delivery).take()
    }

    /// Why a record was not delivered, as long as nobody has asked which one.
    pub(crate) fn failed(&self) -> Option<Code> {
        locked(&self.delivery).as_ref().map(|record| record.code)
    }

    /// Why `brokers` have not answered.
    pub(crate) fn silence(&self, brokers: &str) -> KafkaError {
        let brokers = brokers.to_owned();
        match locked(&self.refused).take() {
            Some(what) => KafkaError::Refused { brokers, what },
            None => KafkaError::Unreachable { brokers },
        }
    }
}

impl ClientContext for Heard {
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}

    fn error(&self, error: Foreign, reason: &str) {
        self.note(&error, reason);
    }
}

impl ConsumerContext for Heard {}

impl ProducerContext for Heard {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        match result {
            Ok(message) => {
                let noted = self.noted.as_ref();
                let noted = noted.filter(|noted| noted.topic == message.topic());
                // Of a record that was sent twice brokers do not tell where the first one is.
                if let Some(noted) = noted.filter(|_| message.offset() >= 0) {
                    let mut last = locked(&noted.last);
                    let last = last.entry(message.partition() as u32).or_default();
                    *last = message.offset().max(*last);
                }
            }
            Err((error, message)) => {
                let code = error.rdkafka_error_code().unwrap_or(Code::Fail);
                let (topic, bytes) = (message.topic().to_owned(), message.payload_len());
                locked(&self.delivery).get_or_insert(Undelivered { code, topic, bytes });
            }
        }
    }
}

pub(crate) type Consumer = BaseConsumer<Heard>;
pub(crate) type Producer = BaseProducer<Heard>;

/// Makes a client with these settings on top of those of the connection.
pub(crate) fn make<T: FromClientConfigAndContext<C>, C: ClientContext>(
    connection: &Connection,
    settings: &[(&str, &str)],
    context: C,
) -> Result<T, KafkaError> {
    let mut config = connection.client();
    for (name, value) in settings {
        config.set(*name, *value);
    }
    let made = config.create_with_context(context);
    made.map_err(KafkaError::setting)
}

/// Waits until everything is delivered, or is known not to be. The library's own way looks ten
/// times a second only.
pub(crate) fn deliver(producer: &Producer, within: Duration) {
    let started = Instant::now();
    while producer.in_flight_count() > 0 && started.elapsed() < within {
        producer.poll(Duration::from_millis(1));
    }
}

/// Hands a record over, and waits for room where the client's queue is full: for so long, or for as
/// long as it takes.
pub(crate) fn send<C, K, P>(
    producer: &BaseProducer<C>,
    mut record: BaseRecord<'_, K, P, C::DeliveryOpaque>,
    room_within: Option<Duration>,
) -> Result<(), Foreign>
where
    C: ProducerContext,
    K: ToBytes + ?Sized,
    P: ToBytes + ?Sized,
{
    let started = Instant::now();
    loop {
        let (error, returned) = match producer.send(record) {
            Ok(()) => return Ok(()),
            Err(refused) => refused,
        };
        let full = error.rdkafka_error_code() == Some(Code::QueueFull);
        if !full || room_within.is_some_and(|within| started.elapsed() >= within) {
            return Err(error);
        }
        producer.poll(Duration::from_millis(10));
        record = returned;
    }
}

/// A consumer in a group that reads from places of its own choosing, with these settings besides.
pub(crate) fn consumer(
    connection: &Connection,
    group: &str,
    besides: &[(&str, &str)],
) -> Result<Consumer, KafkaError> {
    let settings = [&READS[..], &[("group.id", group)], besides].concat();
    make(connection, &settings, Heard::default())
}

/// What a consumer is told that reads a partition from a place of its own choosing.
const READS: [(&str, &str); 9] = [
    ("isolation.level", "read_committed"),
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    // A place that is no longer kept is an error, never another place.
    ("auto.offset.reset", "error"),
    ("check.crcs", "true"),
    ("fetch.wait.max.ms", "100"),
    ("fetch.error.backoff.ms", "100"),
    ("fetch.queue.backoff.ms", "5"),
    ("queued.max.messages.kbytes", "16384"),
];
