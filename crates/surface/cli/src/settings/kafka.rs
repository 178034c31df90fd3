//! `[kafka]`: the brokers that hold the log of a chain with more than one machine.

use std::collections::BTreeMap;
#[cfg(feature = "kafka")]
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use shelf_sources::Format;

use super::links::store_named;
use super::range;
use super::secret::Secret;
use crate::failure::Failure;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub(crate) struct KafkaSettings {
    /// `kafka://host:port,host:port/prefix`; empty: the log is in the data folder.
    pub(crate) url: String,
    /// Whether brokers are spoken to over TLS.
    pub(crate) tls: bool,
    /// Certificates that brokers are trusted by, as PEM; empty: those of the system.
    pub(crate) ca_file: String,
    /// How the password is proven: `PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512`; empty: no user.
    pub(crate) sasl: String,
    pub(crate) user: String,
    pub(crate) password: Secret,
    /// The folder of snapshots, which all workers share, or `s3://bucket/prefix`; empty:
    /// `kafka-snapshots` in the data folder.
    pub(crate) snapshots: String,
    /// Options of the object store of snapshots under its own names. Secrets belong into the
    /// environment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) storage: BTreeMap<String, String>,
    /// How often what was stepped is committed.
    pub(crate) commit_ms: u32,
    /// Whether state records are published.
    pub(crate) records: bool,
    /// Whether a worker follows the partitions of others in memory.
    pub(crate) standby: bool,
    /// How often readers find what follows from an event.
    pub(crate) delivery: DeliverySetting,
    /// How messages are written: `json`, or `avro` with the schemas of a registry.
    pub(crate) format: MessageFormat,
    /// The registry of schemas, where messages are in Avro.
    pub(crate) registry: RegistrySettings,
    /// Whether workers take the messages that others send to the topics of events.
    pub(crate) intake: bool,
    /// Topics of events that they pass over.
    pub(crate) passed_over: Vec<String>,
    /// Topics of events that are keyed by store, and whose messages need no order with those of
    /// other topics.
    pub(crate) keyed_by_store: Vec<String>,
    /// How long a message waits for what was written at the same time, where messages are taken in
    /// the order in which they were written.
    pub(crate) settle_ms: u32,
    /// Whose messages they take besides: `retail-stream`, `basket`; empty: nobody's.
    pub(crate) foreign: Vec<String>,
    /// Their topics by format, by full names; those of the system where none are named.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) foreign_topics: BTreeMap<String, Vec<String>>,
    /// The store of messages that do not say theirs; empty: each must.
    pub(crate) store: String,
    /// How many partitions the topics have that others send to.
    pub(crate) source_partitions: u32,
    /// How many brokers keep each record of a topic that is made.
    pub(crate) replication: u32,
    /// How long messages are kept.
    pub(crate) retention_hours: u32,
    /// How long the log is kept; 0: for ever.
    pub(crate) log_retention_hours: u32,
    /// How long a deleted key of a compacted topic can still be seen.
    pub(crate) delete_retention_hours: u32,
    /// How large a file of a topic may be.
    pub(crate) segment_mib: u32,
    /// After how long a file of a compacted topic is closed: only what is closed is compacted.
    pub(crate) compacted_segment_minutes: u32,
    /// Which part of a compacted topic may be out of date before it is compacted.
    pub(crate) dirty_percent: u32,
    /// How large a batch of records may be.
    pub(crate) max_message_mib: u32,
}

/// How messages of others are read, and state records and alerts written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MessageFormat {
    Json,
    Avro,
}

/// How often readers find what follows from an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DeliverySetting {
    /// Once, in transactions.
    ExactlyOnce,
    /// Once, and again what was written last when a worker is killed or frozen.
    AtLeastOnce,
}

/// A registry of schemas with Confluent's API.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RegistrySettings {
    /// `http://host:port`, or `https://`, which is trusted by `kafka.ca_file`.
    pub(crate) url: String,
    pub(crate) user: String,
    pub(crate) password: Secret,
}

impl Default for KafkaSettings {
    fn default() -> Self {
        Self {
            url: String::new(),
            tls: false,
            ca_file: String::new(),
            sasl: String::new(),
            user: String::new(),
            password: Secret::default(),
            snapshots: String::new(),
            storage: BTreeMap::new(),
            commit_ms: 100,
            records: true,
            standby: false,
            delivery: DeliverySetting::ExactlyOnce,
            format: MessageFormat::Json,
            registry: RegistrySettings::default(),
            intake: true,
            passed_over: Vec::new(),
            keyed_by_store: Vec::new(),
            settle_ms: 50,
            foreign: Vec::new(),
            foreign_topics: BTreeMap::new(),
            store: String::new(),
            source_partitions: 3,
            replication: 1,
            retention_hours: 168,
            log_retention_hours: 0,
            delete_retention_hours: 24,
            segment_mib: 256,
            compacted_segment_minutes: 60,
            dirty_percent: 1,
            max_message_mib: 4,
        }
    }
}

impl KafkaSettings {
    pub(super) fn check(&self) -> Result<(), Failure> {
        self.formats()?;
        #[cfg(feature = "kafka")]
        self.of_others()?;
        #[cfg(feature = "kafka")]
        self.keyed_topics()?;
        // Brokers end transactions that are open for much longer.
        range("kafka.commit_ms", self.commit_ms.into(), 5, 5_000)?;
        range("kafka.source_partitions", self.source_partitions.into(), 1, 1_000)?;
        range("kafka.delete_retention_hours", self.delete_retention_hours.into(), 0, 876_000)?;
        range("kafka.settle_ms", self.settle_ms.into(), 0, 2_000)?;
        range(
            "kafka.compacted_segment_minutes",
            self.compacted_segment_minutes.into(),
            1,
            52_560_000,
        )?;
        range("kafka.dirty_percent", self.dirty_percent.into(), 0, 100)?;
        range("kafka.segment_mib", self.segment_mib.into(), 1, 2_047)?;
        range("kafka.max_message_mib", self.max_message_mib.into(), 2, 1_024)?;
        range("kafka.replication", self.replication.into(), 1, 15)?;
        range("kafka.retention_hours", self.retention_hours.into(), 1, 876_000)?;
        range("kafka.log_retention_hours", self.log_retention_hours.into(), 0, 876_000)?;
        store_named("kafka.store", &self.store).map(drop)
    }

    /// The formats of other systems whose messages are taken, each once.
    fn formats(&self) -> Result<Vec<Format>, Failure> {
        let mut formats = Vec::new();
        for name in self.foreign.iter().chain(self.foreign_topics.keys()) {
            let format = Format::of_name(name);
            let format = format.filter(|one| !matches!(one, Format::Auto | Format::Shelf));
            let format = format.ok_or_else(|| {
                let hint = "give retail-stream, basket-line or basket";
                Failure::new("settings", format!("kafka.foreign names {name:?}"), hint)
            })?;
            if !formats.contains(&format) && self.foreign.contains(name) {
                formats.push(format);
            }
        }
        Ok(formats)
    }

    /// Whether the log is on Kafka.
    pub(crate) fn wanted(&self) -> bool {
        !self.url.is_empty()
    }
}

#[cfg(feature = "kafka")]
impl KafkaSettings {
    /// The brokers, and as whom we speak to them.
    pub(crate) fn connection(&self) -> Result<shelf_kafka::Connection, Failure> {
        use shelf_kafka::{Connection, Mechanism, Sasl, Secret, Tls};
        if !self.wanted() {
            let hint = "give --log kafka://host:9092, or set kafka.url";
            return Err(Failure::new("kafka_address", "no brokers are named", hint));
        }
        let mut connection: Connection = self.url.parse().map_err(shelf_host::HostError::from)?;
        if self.tls {
            let ca_file = Some(&self.ca_file).filter(|file| !file.is_empty()).map(PathBuf::from);
            connection.tls = Some(Tls { ca_file });
        }
        if !self.sasl.is_empty() {
            let mechanism = Mechanism::of_name(&self.sasl).ok_or_else(|| {
                let hint = "give PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512";
                Failure::new("settings", format!("kafka.sasl is {:?}", self.sasl), hint)
            })?;
            let password = Secret::new(self.password.reveal());
            connection.sasl = Some(Sasl { mechanism, user: self.user.clone(), password });
        }
        if self.format == MessageFormat::Avro {
            connection.avro = Some(self.avro()?);
        }
        Ok(connection)
    }

    /// How often readers find what follows from an event.
    pub(crate) fn delivery(&self) -> shelf_kafka::Delivery {
        match self.delivery {
            DeliverySetting::ExactlyOnce => shelf_kafka::Delivery::ExactlyOnce,
            DeliverySetting::AtLeastOnce => shelf_kafka::Delivery::AtLeastOnce,
        }
    }

    /// The store of messages that do not say theirs.
    fn store(&self) -> Result<Option<shelf_domain::StoreId>, Failure> {
        store_named("kafka.store", &self.store)
    }

    /// The folder that snapshots are read from and written to, and where they are kept besides.
    pub(crate) fn snapshots(
        &self,
        data: &Path,
    ) -> Result<(PathBuf, Option<shelf_host::Depot>), Failure> {
        let own = data.join("kafka-snapshots");
        if self.snapshots.contains("://") {
            let depot = shelf_host::Depot::open(&self.snapshots, &self.storage);
            return Ok((own, Some(depot.map_err(shelf_host::HostError::from)?)));
        }
        let named = Some(&self.snapshots).filter(|folder| !folder.is_empty());
        Ok((named.map_or(own, PathBuf::from), None))
    }

    fn avro(&self) -> Result<shelf_kafka::Avro, Failure> {
        use shelf_kafka::{Avro, RegistryOptions, Secret};
        let RegistrySettings { url, user, password } = &self.registry;
        if url.contains('@') {
            let hint = "set kafka.registry.user, and the password in the environment";
            let what = "kafka.registry.url has a user in it, which would be shown";
            return Err(Failure::new("settings", what, hint));
        }
        if url.is_empty() {
            let hint = "set kafka.registry.url, or kafka.format = \"json\"";
            let what = "messages in Avro need a registry of schemas, and none is named";
            return Err(Failure::new("settings", what, hint));
        }
        let user = (!user.is_empty()).then(|| (user.clone(), Secret::new(password.reveal())));
        let ca_file = Some(&self.ca_file).filter(|file| !file.is_empty()).map(PathBuf::from);
        let options = RegistryOptions { url: url.clone(), user, ca_file };
        Ok(Avro::new(&options).map_err(shelf_host::HostError::from)?)
    }

    /// The topics of other systems by their full names, whose each is, and with how many partitions
    /// it is made where it is not there.
    fn of_others(&self) -> Result<Vec<(String, Format, u32)>, Failure> {
        let mut topics = Vec::new();
        for format in self.formats()? {
            let named = self.foreign_topics.iter();
            let mut named = named.filter(|(name, _)| Format::of_name(name) == Some(format));
            let usual = shelf_kafka::FOREIGN.iter().filter(|one| one.format == format.name());
            let before = topics.len();
            match named.next() {
                Some((_, names)) => {
                    topics.extend(names.iter().map(|name| (name.clone(), format, 3)));
                }
                None => topics.extend(usual.map(|one| (one.name.into(), format, one.partitions))),
            }
            // A topic that is read twice would be taken twice.
            let names: std::collections::BTreeSet<&str> =
                topics.iter().map(|(name, ..)| name.as_str()).collect();
            if names.len() < topics.len() || named.next().is_some() {
                let what = "kafka.foreign_topics names a topic or a system twice";
                return Err(Failure::new("settings", what, "name each once"));
            }
            if topics.len() == before {
                let what = format!("kafka.foreign names {}, of no topic", format.name());
                let hint = "name its topics in kafka.foreign_topics";
                return Err(Failure::new("settings", what, hint));
            }
        }
        Ok(topics)
    }

    /// The topics of other systems, as they are made where they are not there.
    pub(crate) fn topics_of_others(&self) -> Result<Vec<(String, u32)>, Failure> {
        let topics = self.of_others()?.into_iter();
        Ok(topics.map(|(name, _, partitions)| (name, partitions)).collect())
    }

    /// The topics of events that are taken in one order, and those whose partitions are taken each
    /// by itself.
    fn keyed_topics(&self) -> Result<(Vec<&'static str>, Vec<&'static str>), Failure> {
        let ours = shelf_kafka::SOURCES;
        let lists = [("keyed_by_store", &self.keyed_by_store), ("passed_over", &self.passed_over)];
        for (setting, names) in lists {
            if let Some(name) = names.iter().find(|name| !ours.contains(&name.as_str())) {
                let hint = format!("name some of {}, without the prefix", ours.join(", "));
                let what = format!("kafka.{setting} names {name:?}");
                return Err(Failure::new("settings", what, hint));
            }
        }
        let in_list = |names: &[String], name: &str| names.iter().any(|listed| listed == name);
        let taken = ours.into_iter().filter(|name| !in_list(&self.passed_over, name));
        let (keyed, merged) = taken.partition(|name| in_list(&self.keyed_by_store, name));
        Ok((merged, keyed))
    }

    /// How messages of others are taken; nothing where they are not.
    pub(crate) fn taken(
        &self,
        partitions: u32,
        zone: shelf_sources::Foreign,
    ) -> Result<Option<shelf_host::IntakeOptions>, Failure> {
        use std::time::Duration;
        if !self.intake {
            return Ok(None);
        }
        let (merged, keyed) = self.keyed_topics()?;
        let usual = shelf_host::IntakeOptions::new(&merged, partitions);
        let settle = Duration::from_millis(self.settle_ms.into());
        Ok(Some(shelf_host::IntakeOptions {
            keyed_by_store: keyed.into_iter().map(str::to_owned).collect(),
            store: self.store()?,
            commit_every: Duration::from_millis(self.commit_ms.into()),
            merge: shelf_kafka::MergeOptions { settle, ..Default::default() },
            foreign: self.taken_of_others(zone)?,
            ..usual
        }))
    }

    /// How messages of other systems are taken, where any are.
    fn taken_of_others(
        &self,
        foreign: shelf_sources::Foreign,
    ) -> Result<Option<shelf_host::ForeignOptions>, Failure> {
        let topics = self.of_others()?.into_iter();
        let topics: Vec<_> = topics.map(|(name, format, _)| (name, format)).collect();
        Ok((!topics.is_empty()).then(|| shelf_host::ForeignOptions::new(topics, foreign)))
    }

    /// How the topics of a chain with so many partitions are made.
    pub(crate) fn topics(&self, partitions: u32) -> shelf_kafka::TopicOptions {
        const HOUR_MS: i64 = 3_600_000;
        let log_retention_ms = match self.log_retention_hours {
            0 => -1,
            hours => i64::from(hours) * HOUR_MS,
        };
        shelf_kafka::TopicOptions {
            partitions,
            replication: self.replication,
            retention_ms: i64::from(self.retention_hours) * HOUR_MS,
            log_retention_ms,
            source_partitions: self.source_partitions,
            delete_retention_ms: u64::from(self.delete_retention_hours) * HOUR_MS.unsigned_abs(),
            segment_bytes: u64::from(self.segment_mib) << 20,
            compacted_segment_ms: u64::from(self.compacted_segment_minutes) * 60_000,
            dirty_percent: self.dirty_percent,
            max_message_bytes: u64::from(self.max_message_mib) << 20,
            ..Default::default()
        }
    }
}

#[cfg(test)]
#[cfg(feature = "kafka")]
mod tests {
    use super::*;

    #[test]
    fn settings_become_a_connection_that_shows_no_password() {
        let settings = KafkaSettings {
            url: "kafka://a,b:9093/shop".to_owned(),
            tls: true,
            sasl: "scram-sha-256".to_owned(),
            user: "shelf".to_owned(),
            password: Secret::new("hunter2"),
            ..Default::default()
        };
        let connection = settings.connection().unwrap();
        let shown = format!("{connection} {connection:?} {settings:?}");
        assert!(shown.contains("a:9092,b:9093/shop") && !shown.contains("hunter2"), "{shown}");
        let wrong = KafkaSettings { sasl: "GSSAPI".to_owned(), ..settings };
        assert_eq!(wrong.connection().unwrap_err().code, "settings");
        assert_eq!(KafkaSettings::default().connection().unwrap_err().code, "kafka_address");
    }

    #[test]
    fn messages_of_others_are_in_their_own_topics_or_in_those_that_are_named() {
        let of = |foreign: &[&str], topics: &[(&str, &str)]| {
            let foreign = foreign.iter().map(|&name| name.to_owned()).collect();
            let topics = topics
                .iter()
                .map(|(format, topic)| ((*format).to_owned(), vec![(*topic).to_owned()]));
            let foreign_topics = topics.collect();
            KafkaSettings { foreign, foreign_topics, ..Default::default() }
        };
        let made = |settings: KafkaSettings| settings.topics_of_others().unwrap();
        assert_eq!(made(of(&[], &[("d", "x")])), [], "topics alone say nothing");
        assert_eq!(made(of(&["b"], &[])).len(), 5);
        let both = made(of(&["retail-stream", "d", "basket"], &[("basket", "till")]));
        assert_eq!((both.len(), both.last()), (6, Some(&("till".to_owned(), 3))));
        let taken = of(&["d"], &[]).taken_of_others(shelf_sources::Foreign::default());
        let names = taken.unwrap().unwrap().topics;
        assert!(names.contains(&("customer-events".to_owned(), Format::Basket)), "{names:?}");
        assert!(of(&["d"], &[("basket-line", "lines")]).check().is_ok());
        assert_eq!(of(&["shelf"], &[]).check().unwrap_err().code, "settings");
        assert_eq!(of(&[], &[("e", "x")]).check().unwrap_err().code, "settings");
        assert_eq!(of(&["c"], &[]).topics_of_others().unwrap_err().code, "settings");
        for twice in [&[("d", "x"), ("basket-line", "x")][..], &[("d", "x"), ("basket", "y")]] {
            assert_eq!(of(&["d", "c"], twice).check().unwrap_err().code, "settings", "{twice:?}");
        }
    }

    #[test]
    fn messages_that_name_no_store_are_of_the_one_that_is_set() {
        let of = |store: &str| KafkaSettings { store: store.to_owned(), ..Default::default() };
        assert_eq!(of("").store().unwrap(), None);
        assert_eq!(of("S1").store().unwrap(), Some(shelf_domain::StoreId::cut("S1")));
        assert!(of("S1").check().is_ok());
        let refused = of("a store with a name that is too long").check().unwrap_err();
        assert_eq!(refused.code, "settings");
        assert!(refused.message.contains("kafka.store"), "{}", refused.message);
    }

    #[test]
    fn messages_are_taken_in_one_order_unless_topics_are_said_to_be_keyed_by_store() {
        let of = |settings: &KafkaSettings| {
            settings.taken(16, shelf_sources::Foreign::default()).unwrap().unwrap()
        };
        let usual = of(&KafkaSettings::default());
        assert_eq!(usual.topics, shelf_kafka::SOURCES);
        assert!(usual.keyed_by_store.is_empty());
        assert_eq!(usual.merge, shelf_kafka::MergeOptions::default());
        let named = vec!["wh_events".to_owned()];
        let set =
            KafkaSettings { keyed_by_store: named.clone(), settle_ms: 7, ..Default::default() };
        assert!(set.check().is_ok());
        let set = of(&set);
        assert_eq!((set.topics.len(), set.keyed_by_store), (shelf_kafka::SOURCES.len() - 1, named));
        assert_eq!(set.merge.settle.as_millis(), 7);
        let keyed_by_store = vec!["log_events".to_owned()];
        let wrong = KafkaSettings { keyed_by_store, ..Default::default() };
        assert_eq!(wrong.check().unwrap_err().code, "settings");
        let passing =
            |name: &str| KafkaSettings { passed_over: vec![name.to_owned()], ..Default::default() };
        let left = of(&passing("foot_traffic")).topics;
        assert_eq!(left.len(), shelf_kafka::SOURCES.len() - 1);
        assert!(!left.contains(&"foot_traffic".to_owned()), "{left:?}");
        let refused = passing("foot-traffic").check().unwrap_err();
        assert!(refused.message.contains("kafka.passed_over"), "{}", refused.message);
        let none = KafkaSettings { intake: false, ..Default::default() };
        assert!(none.taken(16, shelf_sources::Foreign::default()).unwrap().is_none());
    }

    #[test]
    fn a_delivery_is_known_by_its_name() {
        let of = |name: &str| serde_json::from_value::<DeliverySetting>(name.into()).ok();
        let delivery = |name: &str| {
            let delivery = of(name).unwrap();
            KafkaSettings { delivery, ..Default::default() }.delivery()
        };
        assert_eq!(KafkaSettings::default().delivery(), shelf_kafka::Delivery::ExactlyOnce);
        assert_eq!(delivery("exactly_once"), shelf_kafka::Delivery::ExactlyOnce);
        assert_eq!(delivery("at_least_once"), shelf_kafka::Delivery::AtLeastOnce);
        assert_eq!(of("at_most_once"), None);
    }

    #[test]
    fn messages_in_avro_need_a_registry() {
        let mut settings = KafkaSettings {
            url: "kafka://a".to_owned(),
            format: MessageFormat::Avro,
            ..Default::default()
        };
        assert_eq!(settings.connection().unwrap_err().code, "settings");
        settings.registry.url = "http://127.0.0.1:8081".to_owned();
        settings.registry.password = Secret::new("hunter2");
        let connection = settings.connection().unwrap();
        assert!(connection.avro.is_some());
        assert!(!format!("{connection:?} {settings:?}").contains("hunter2"));
    }

    #[test]
    fn snapshots_are_in_a_folder_or_kept_in_an_object_store() {
        let of = |snapshots: &str| {
            let snapshots = snapshots.to_owned();
            KafkaSettings { snapshots, ..Default::default() }.snapshots(Path::new("data"))
        };
        let (folder, depot) = of("").unwrap();
        assert_eq!((folder, depot.is_some()), (PathBuf::from("data/kafka-snapshots"), false));
        assert_eq!(of("/shared").unwrap().0, PathBuf::from("/shared"));
        let (folder, depot) = of("s3://bucket/chain").unwrap();
        assert_eq!((folder, depot.is_some()), (PathBuf::from("data/kafka-snapshots"), true));
        assert_eq!(of("gs://bucket").unwrap_err().code, "snapshots_address");
    }

    #[test]
    fn topics_are_made_as_it_is_set() {
        let usual = KafkaSettings::default().topics(16);
        assert_eq!(usual, shelf_kafka::TopicOptions::default());
        let set = KafkaSettings {
            source_partitions: 12,
            delete_retention_hours: 2,
            segment_mib: 8,
            compacted_segment_minutes: 5,
            dirty_percent: 50,
            max_message_mib: 2,
            ..Default::default()
        };
        assert!(set.check().is_ok());
        let topics = set.topics(16);
        let sizes = (topics.segment_bytes, topics.max_message_bytes);
        assert_eq!(sizes, (8 << 20, 2 << 20));
        assert_eq!((topics.source_partitions, topics.delete_retention_ms), (12, 7_200_000));
        assert_eq!((topics.compacted_segment_ms, topics.dirty_percent), (300_000, 50));
        let none = KafkaSettings { dirty_percent: 101, ..Default::default() };
        assert_eq!(none.check().unwrap_err().code, "settings");
        let none = KafkaSettings { source_partitions: 0, ..Default::default() };
        assert_eq!(none.check().unwrap_err().code, "settings");
    }

    #[test]
    fn the_log_is_kept_for_ever_unless_hours_are_set() {
        let of = |hours| {
            let settings = KafkaSettings { log_retention_hours: hours, ..Default::default() };
            settings.topics(16).log_retention_ms
        };
        assert_eq!((of(0), of(2)), (-1, 7_200_000));
    }
}
