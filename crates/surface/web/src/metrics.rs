//! What is counted of the server and the chain, for Prometheus. Each name is in [`Metric`], and in
//! `docs/metrics.md`.

use std::time::Duration;

use prometheus::proto::MetricFamily;
use prometheus::{
    Encoder, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry, TextEncoder,
};
use shelf_domain::{SECOND, Severity, Store, Timestamp};
use shelf_views::{PartitionFacts, StageRow};

use crate::backends::LinkFact;
use crate::error::WebError;
use crate::feed::Present;

/// Up to these many seconds a request is told apart.
const SECONDS: [f64; 9] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 10.0];

macro_rules! metrics {
    ($($name:ident $kind:literal $text:literal [$($label:literal),*] $help:literal;)*) => {
        /// Everything that is counted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Metric {
            $(#[doc = $help] $name,)*
        }

        impl Metric {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its stable name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// `counter`, `gauge` or `histogram`.
            pub fn kind(self) -> &'static str {
                match self { $(Self::$name => $kind,)* }
            }

            /// Its labels.
            pub fn labels(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$($label),*],)* }
            }

            /// What it means.
            pub fn help(self) -> &'static str {
                match self { $(Self::$name => $help,)* }
            }
        }
    };
}

metrics! {
    Requests "counter" "shelf_http_requests_total" ["method", "route", "status"]
        "Requests that were answered.";
    RequestSeconds "histogram" "shelf_http_request_seconds" ["route"]
        "How long requests took, streams aside, in seconds.";
    Problems "counter" "shelf_http_problems_total" ["code"]
        "Problem documents, by code.";
    Streams "gauge" "shelf_http_streams" []
        "Streams that are open.";
    Build "gauge" "shelf_build_info" ["version"]
        "The version of the program; always 1.";
    Events "gauge" "shelf_events" ["outcome"]
        "Events that the log has, by what became of them.";
    EventRate "gauge" "shelf_events_per_second" []
        "Events stepped in a second, over the last seconds; absent until it is known.";
    DataAge "gauge" "shelf_data_age_seconds" []
        "Since when no event has come, in seconds.";
    FeedTrouble "gauge" "shelf_feed_trouble" []
        "1 where the log cannot be followed at the moment.";
    Position "gauge" "shelf_partition_position" ["partition"]
        "The offset of the next event of a partition.";
    SnapshotAge "gauge" "shelf_snapshot_age_seconds" ["partition"]
        "Since when the last snapshot of a partition is on disk; absent where there is none.";
    SnapshotLag "gauge" "shelf_snapshot_lag" ["partition"]
        "Events of a partition that its last snapshot does not stand for.";
    StageP50 "gauge" "shelf_stage_p50_seconds" ["stage"]
        "Half of the times of a stage were no longer, over the last five to ten minutes.";
    StageP99 "gauge" "shelf_stage_p99_seconds" ["stage"]
        "Of a hundred times of a stage, 99 were no longer, over the last five to ten minutes.";
    StageFailures "gauge" "shelf_stage_failures" ["stage"]
        "How often a stage has failed since the start, where this process runs the chain.";
    Stores "gauge" "shelf_stores" []
        "Stores.";
    Alerts "gauge" "shelf_alerts" ["severity"]
        "Alerts that stand.";
    Tasks "gauge" "shelf_restock_tasks" []
        "Restock tasks that stand.";
    Orders "gauge" "shelf_supplier_orders" []
        "Supplier orders that stand.";
    EmptyShelves "gauge" "shelf_shelves_empty" []
        "Shelves that have been given stock and hold nothing.";
    KafkaLag "gauge" "shelf_kafka_lag" ["partition"]
        "Offsets that a worker on Kafka is behind the end of a partition of its own.";
    KafkaPartitions "gauge" "shelf_kafka_partitions" ["state"]
        "Partitions of a worker on Kafka, by what it does with them.";
    KafkaEvents "gauge" "shelf_kafka_events" []
        "Events that a worker on Kafka has stepped, those of replays left out.";
    KafkaCommits "gauge" "shelf_kafka_commits" []
        "Transactions that a worker on Kafka has committed.";
    KafkaFailures "gauge" "shelf_kafka_failures" []
        "How often a partition of a worker on Kafka had to begin anew.";
    KafkaRebalances "gauge" "shelf_kafka_rebalances" []
        "How often the group gave partitions to a worker on Kafka or took them away.";
    KafkaFenced "gauge" "shelf_kafka_fenced" []
        "How often a worker on Kafka found a partition of its own taken over by another one.";
    KafkaMessages "gauge" "shelf_kafka_messages" []
        "Messages of others that a worker on Kafka has taken.";
    KafkaSkipped "gauge" "shelf_kafka_skipped" []
        "Offsets of others that a worker on Kafka passed over: no broker had them any more.";
    KafkaIntakeLag "gauge" "shelf_kafka_intake_lag" ["topic"]
        "Offsets of a topic of others that a worker on Kafka has not taken of its partitions.";
    KafkaTrouble "gauge" "shelf_kafka_trouble" ["of"]
        "Partitions of a worker on Kafka that something is in the way of: of the log, of others.";
    LinkUp "gauge" "shelf_link_up" ["link"]
        "1 where a link with another system follows; 0 where it waits, was refused or has ended.";
    LinkSeconds "gauge" "shelf_link_state_seconds" ["link"]
        "For how long a link has stood as it does, in seconds.";
    LinkPosition "gauge" "shelf_link_position" ["link"]
        "Events of the log that the other side stands for; absent where it follows no log.";
    LinkLag "gauge" "shelf_link_lag" ["link"]
        "Events or entries that a link has not taken yet; absent where that is not known.";
    LinkEvents "gauge" "shelf_link_events" ["link"]
        "Events or entries that a link has taken since the start.";
    LinkRows "gauge" "shelf_link_rows" ["link"]
        "Rows that a link has written since the start.";
    LinkQuarantined "gauge" "shelf_link_quarantined" ["link"]
        "Of what a link has taken, what went to quarantine.";
    LinkLost "gauge" "shelf_link_lost" ["link"]
        "Entries that somebody removed before a link could take them, as far as that is known.";
    LinkFailures "gauge" "shelf_link_failures" ["link"]
        "How often a link has failed since the start.";
    Memory "gauge" "shelf_process_resident_bytes" []
        "Memory of the process, in bytes; absent where the system does not say.";
}

/// What is counted.
pub(crate) struct Metrics {
    requests: IntCounterVec,
    seconds: HistogramVec,
    problems: IntCounterVec,
    registry: Registry,
}

fn failed(error: &prometheus::Error) -> WebError {
    WebError::Server(error.to_string())
}

impl Metrics {
    pub(crate) fn new() -> Result<Self, WebError> {
        let registry = Registry::new();
        let counter = |metric: Metric| {
            IntCounterVec::new(opts(metric), metric.labels()).map_err(|error| failed(&error))
        };
        let seconds = Metric::RequestSeconds;
        let histogram =
            HistogramOpts::new(seconds.name(), seconds.help()).buckets(SECONDS.to_vec());
        let metrics = Self {
            requests: counter(Metric::Requests)?,
            seconds: HistogramVec::new(histogram, seconds.labels())
                .map_err(|error| failed(&error))?,
            problems: counter(Metric::Problems)?,
            registry,
        };
        let registered = metrics
            .registry
            .register(Box::new(metrics.requests.clone()))
            .and_then(|()| metrics.registry.register(Box::new(metrics.seconds.clone())))
            .and_then(|()| metrics.registry.register(Box::new(metrics.problems.clone())));
        registered.map_err(|error| failed(&error))?;
        Ok(metrics)
    }

    /// A request was answered. `route` is its pattern, so that there are no more than routes.
    pub(crate) fn answered(&self, method: &str, route: &str, status: u16, took: Option<Duration>) {
        let status = status.to_string();
        self.requests.with_label_values(&[method, route, &status]).inc();
        if let Some(took) = took {
            self.seconds.with_label_values(&[route]).observe(took.as_secs_f64());
        }
    }

    /// A problem was told.
    pub(crate) fn problem(&self, code: &str) {
        self.problems.with_label_values(&[code]).inc();
    }

    /// Everything; `scraped` is what is looked up each time.
    pub(crate) fn families(&self, scraped: &[Sample]) -> Result<Vec<MetricFamily>, WebError> {
        let now = Registry::new();
        let known = [Metric::Requests, Metric::RequestSeconds, Metric::Problems];
        for metric in Metric::ALL.iter().filter(|metric| !known.contains(metric)) {
            let gauge = GaugeVec::new(opts(*metric), metric.labels());
            let gauge = gauge.map_err(|error| failed(&error))?;
            for sample in scraped.iter().filter(|sample| sample.metric == *metric) {
                let label: Vec<&str> = sample.label.as_deref().into_iter().collect();
                gauge.with_label_values(&label).set(sample.value);
            }
            now.register(Box::new(gauge)).map_err(|error| failed(&error))?;
        }
        let mut families = self.registry.gather();
        families.extend(now.gather());
        Ok(families)
    }
}

/// The text format.
pub(crate) fn text(families: &[MetricFamily]) -> Result<String, WebError> {
    let mut text = Vec::new();
    TextEncoder::new().encode(families, &mut text).map_err(|error| failed(&error))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn opts(metric: Metric) -> Opts {
    Opts::new(metric.name(), metric.help())
}

/// One value that is looked up.
pub(crate) struct Sample {
    metric: Metric,
    label: Option<String>,
    value: f64,
}

impl Sample {
    pub(crate) fn new(metric: Metric, label: Option<&str>, value: f64) -> Self {
        Self { metric, label: label.map(str::to_owned), value }
    }
}

/// What the links with other systems say.
pub(crate) fn of_links(links: &[LinkFact], now: Timestamp) -> Vec<Sample> {
    let mut samples = Vec::new();
    for link in links {
        let values = [
            (Metric::LinkUp, Some(f64::from(u8::from(link.follows())))),
            (Metric::LinkSeconds, Some((now.since(link.since).max(0) / SECOND) as f64)),
            (Metric::LinkPosition, link.position.map(|position| position as f64)),
            (Metric::LinkLag, link.lag.map(|lag| lag as f64)),
            (Metric::LinkEvents, Some(link.events as f64)),
            (Metric::LinkRows, Some(link.rows as f64)),
            (Metric::LinkQuarantined, Some(link.quarantined as f64)),
            (Metric::LinkLost, Some(link.lost as f64)),
            (Metric::LinkFailures, Some(link.failures as f64)),
        ];
        let known = values.into_iter().filter_map(|(metric, value)| Some((metric, value?)));
        samples.extend(known.map(|(metric, value)| Sample::new(metric, Some(&link.name), value)));
    }
    samples
}

/// How long the stages of the path take, and how often they have failed.
pub(crate) fn of_stages(stages: &[StageRow]) -> Vec<Sample> {
    let mut samples = Vec::new();
    for row in stages {
        let seconds = |ms: Option<f64>| ms.map(|ms| ms / 1_000.0);
        let values = [
            (Metric::StageP50, seconds(row.p50_ms)),
            (Metric::StageP99, seconds(row.p99_ms)),
            (Metric::StageFailures, Some(row.failures as f64)),
        ];
        let known = values.into_iter().filter_map(|(metric, value)| Some((metric, value?)));
        samples.extend(known.map(|(metric, value)| Sample::new(metric, Some(row.stage), value)));
    }
    samples
}

/// How old the last snapshots of the partitions are.
pub(crate) fn of_snapshots(partitions: &[PartitionFacts], now: Timestamp) -> Vec<Sample> {
    let mut samples = Vec::new();
    for facts in partitions {
        let label = facts.partition.to_string();
        let mut one =
            |metric: Metric, value: f64| samples.push(Sample::new(metric, Some(&label), value));
        one(Metric::SnapshotLag, facts.snapshot_lag() as f64);
        if let Some(age_s) = facts.snapshot_age_s(now) {
            one(Metric::SnapshotAge, age_s as f64);
        }
    }
    samples
}

/// What the links of a worker say, as [`crate::Standing`] takes it: nothing of one that another
/// worker has.
pub fn link_values(links: &[LinkFact], now: Timestamp) -> Vec<(Metric, Option<String>, f64)> {
    let ours: Vec<LinkFact> = links.iter().filter(|link| !link.stands_by()).cloned().collect();
    let samples = of_links(&ours, now).into_iter();
    samples.map(|sample| (sample.metric, sample.label, sample.value)).collect()
}

/// What the state of a chain says.
pub(crate) fn samples(present: &Present<'_>) -> Vec<Sample> {
    let chain = present.chain();
    let counts = chain.counts();
    let mut samples: Vec<Sample> = [
        ("accepted", counts.accepted),
        ("late", counts.late),
        ("duplicate", counts.duplicates),
        ("quarantined", counts.quarantined.total()),
    ]
    .into_iter()
    .map(|(outcome, count)| Sample::new(Metric::Events, Some(outcome), count as f64))
    .collect();
    let mut one = |metric: Metric, value: f64| samples.push(Sample::new(metric, None, value));
    let sum = |of: fn(&Store) -> usize| -> f64 {
        chain.stores().iter().map(|store| of(store)).sum::<usize>() as f64
    };
    one(Metric::Stores, chain.stores().len() as f64);
    one(Metric::Tasks, sum(|store| store.tasks().count()));
    one(Metric::Orders, sum(|store| store.orders().count()));
    let empty = |store: &Store| {
        let shelves = store.skus().filter_map(|index| store.shelf(index));
        shelves.filter(|shelf| shelf.tracked && shelf.floor_units == 0).count()
    };
    one(Metric::EmptyShelves, sum(empty));
    if let Some(rate) = present.rates.events_per_s {
        one(Metric::EventRate, rate);
    }
    if let Some(age_ms) = present.rates.data_age_ms {
        one(Metric::DataAge, age_ms as f64 / 1_000.0);
    }
    for severity in [Severity::Info, Severity::Warning, Severity::Critical] {
        let alerts = chain.stores().iter().flat_map(|store| store.alerts_standing());
        let count = alerts.filter(|alert| alert.severity == severity).count();
        samples.push(Sample::new(Metric::Alerts, Some(severity.code()), count as f64));
    }
    for (partition, position) in present.reader().positions() {
        let label = partition.to_string();
        samples.push(Sample::new(Metric::Position, Some(&label), position as f64));
    }
    samples
}
