//! `[kafka]`: the brokers that hold the log of a chain with more than one machine.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::range;
use super::secret::Secret;
use crate::failure::Failure;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
    /// The folder of snapshots, which all workers share; empty: `kafka-snapshots` in the data
    /// folder.
    pub(crate) snapshots: String,
    /// How often what was stepped is committed.
    pub(crate) commit_ms: u32,
    /// Whether state records are published.
    pub(crate) records: bool,
    /// Whether workers take the messages that others send to the topics of events.
    pub(crate) intake: bool,
    /// How many brokers keep each record of a topic that is made.
    pub(crate) replication: u32,
    /// How long messages are kept.
    pub(crate) retention_hours: u32,
    /// How long the log is kept; 0: for ever.
    pub(crate) log_retention_hours: u32,
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
            commit_ms: 100,
            records: true,
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

    /// Where snapshots are.
    #[cfg_attr(not(feature = "kafka"), expect(dead_code, reason = "only workers have snapshots"))]
    pub(crate) fn snapshots(&self, data: &Path) -> PathBuf {
        if self.snapshots.is_empty() {
            return data.join("kafka-snapshots");
        }
        PathBuf::from(&self.snapshots)
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
        Ok(connection)
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
    fn the_log_is_kept_for_ever_unless_hours_are_set() {
        let of = |hours| {
            let settings = KafkaSettings { log_retention_hours: hours, ..Default::default() };
            settings.topics(16).log_retention_ms
        };
        assert_eq!((of(0), of(2)), (-1, 7_200_000));
    }
}
