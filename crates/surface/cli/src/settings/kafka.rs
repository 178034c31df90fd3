//! `[kafka]`: the brokers that hold the log of a chain with more than one machine.

use std::collections::BTreeMap;
#[cfg(feature = "kafka")]
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

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
    /// How many brokers keep each record of a topic that is made.
    pub(crate) replication: u32,
    /// How long messages are kept.
    pub(crate) retention_hours: u32,
    /// How long the log is kept; 0: for ever.
    pub(crate) log_retention_hours: u32,
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
            replication: 1,
            retention_hours: 168,
            log_retention_hours: 0,
        }
    }
}

impl KafkaSettings {
    pub(super) fn check(&self) -> Result<(), Failure> {
        range("kafka.commit_ms", self.commit_ms.into(), 5, 60_000)?;
        range("kafka.replication", self.replication.into(), 1, 15)?;
        range("kafka.retention_hours", self.retention_hours.into(), 1, 876_000)?;
        range("kafka.log_retention_hours", self.log_retention_hours.into(), 0, 876_000)
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
    fn the_log_is_kept_for_ever_unless_hours_are_set() {
        let of = |hours| {
            let settings = KafkaSettings { log_retention_hours: hours, ..Default::default() };
            settings.topics(16).log_retention_ms
        };
        assert_eq!((of(0), of(2)), (-1, 7_200_000));
    }
}
