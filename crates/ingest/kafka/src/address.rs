//! Where the brokers are, and as whom we speak to them.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use rdkafka::ClientConfig;

use crate::{Avro, KafkaError};

/// The port of a broker that is named without one.
const DEFAULT_PORT: u16 = 9092;
const SCHEME: &str = "kafka://";
const MAX_PREFIX_BYTES: usize = 100;

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text from being printed.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for whoever it is proven to.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl Default for Secret {
    fn default() -> Self {
        Self::new("")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// How a password is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// It is sent as it is: for connections with TLS.
    Plain,
    /// SCRAM with SHA-256.
    ScramSha256,
    /// SCRAM with SHA-512.
    ScramSha512,
}

impl Mechanism {
    /// Its name in Kafka.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }

    /// The mechanism of a name, in capital or small letters.
    pub fn of_name(name: &str) -> Option<Self> {
        let all = [Self::Plain, Self::ScramSha256, Self::ScramSha512];
        all.into_iter().find(|mechanism| mechanism.name().eq_ignore_ascii_case(name))
    }
}

/// As whom we speak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sasl {
    /// How the password is proven.
    pub mechanism: Mechanism,
    /// The user.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// A connection that nobody can listen to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// The certificates that brokers are trusted by, as PEM; those of the system where none is
    /// named.
    pub ca_file: Option<PathBuf>,
}

/// The brokers, the names of our topics, and as whom we speak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// `host:port`, separated by commas.
    brokers: String,
    prefix: String,
    /// TLS, where it is spoken.
    pub tls: Option<Tls>,
    /// The user, where brokers ask for one.
    pub sasl: Option<Sasl>,
    /// How messages are written and read in Avro, where they are.
    pub avro: Option<Avro>,
}

impl FromStr for Connection {
    type Err = KafkaError;

    /// Reads `kafka://host:port,host:port/prefix`. The prefix stands before the names of all topics
    /// and groups, so that two chains can share brokers.
    fn from_str(text: &str) -> Result<Self, KafkaError> {
        let refused = |what| KafkaError::Address { what };
        let rest = text.strip_prefix(SCHEME).ok_or(refused("it does not begin with kafka://"))?;
        let (hosts, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if hosts.contains('@') {
            return Err(refused("a user and a password are settings of their own"));
        }
        let mut brokers = Vec::new();
        for host in hosts.split(',') {
            let (name, port) = match host.rsplit_once(':') {
                Some((name, port)) => {
                    (name, port.parse().map_err(|_| refused("a port is not a number"))?)
                }
                None => (host, DEFAULT_PORT),
            };
            if name.is_empty() {
                return Err(refused("a broker has no name"));
            }
            brokers.push(format!("{name}:{port}"));
        }
        let legal = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if prefix.len() > MAX_PREFIX_BYTES || !prefix.chars().all(legal) {
            return Err(refused(
                "the prefix may have up to 100 letters, digits, dots, hyphens and underscores",
            ));
        }
        let (brokers, prefix) = (brokers.join(","), prefix.to_owned());
        Ok(Self { brokers, prefix, tls: None, sasl: None, avro: None })
    }
}

impl fmt::Display for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{SCHEME}{}", self.brokers)?;
        if self.prefix.is_empty() { Ok(()) } else { write!(formatter, "/{}", self.prefix) }
    }
}

impl Connection {
    /// The brokers that are asked first.
    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    /// The full name of one of our topics or groups.
    pub fn name(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}.{name}", self.prefix) }
    }

    /// What every client of these brokers is told.
    pub(crate) fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers);
        config.set("client.id", "shelf");
        config.set("reconnect.backoff.ms", "50");
        config.set("reconnect.backoff.max.ms", "1000");
        config.set("socket.keepalive.enable", "true");
        // What went wrong is known from errors; lines of the library would tell it a second time.
        config.set("log_level", "0");
        let protocol = match (&self.tls, &self.sasl) {
            (None, None) => "PLAINTEXT",
            (Some(_), None) => "SSL",
            (None, Some(_)) => "SASL_PLAINTEXT",
            (Some(_), Some(_)) => "SASL_SSL",
        };
        config.set("security.protocol", protocol);
        if let Some(file) = self.tls.as_ref().and_then(|tls| tls.ca_file.as_ref()) {
            config.set("ssl.ca.location", file.to_string_lossy());
        }
        if let Some(sasl) = &self.sasl {
            config.set("sasl.mechanism", sasl.mechanism.name());
            config.set("sasl.username", &sasl.user);
            config.set("sasl.password", &sasl.password.0);
        }
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_brokers_and_a_prefix() {
        let read = |text: &str| text.parse::<Connection>().map(|found| found.to_string());
        assert_eq!(read("kafka://a,b:9093/shop").unwrap(), "kafka://a:9092,b:9093/shop");
        assert_eq!(read("kafka://[::1]:9092").unwrap(), "kafka://[::1]:9092");
        for wrong in ["localhost:9092", "kafka://", "kafka://a:x", "kafka://a/b/c", "kafka://u@a"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_carry_the_prefix() {
        let with: Connection = "kafka://a/shop".parse().unwrap();
        let without: Connection = "kafka://a".parse().unwrap();
        assert_eq!(
            (with.name("alerts"), without.name("alerts")),
            ("shop.alerts".to_owned(), "alerts".to_owned())
        );
    }

    #[test]
    fn a_password_is_never_printed() {
        let mut connection: Connection = "kafka://a".parse().unwrap();
        let password = Secret::new("hunter2");
        let (mechanism, user) = (Mechanism::ScramSha256, "shelf".to_owned());
        connection.sasl = Some(Sasl { mechanism, user, password });
        let printed = format!("{connection:?} {connection}");
        assert!(printed.contains("***") && !printed.contains("hunter2"), "{printed}");
    }

    #[test]
    fn a_mechanism_is_known_by_its_name() {
        assert_eq!(Mechanism::of_name("scram-sha-256"), Some(Mechanism::ScramSha256));
        assert_eq!(Mechanism::of_name("GSSAPI"), None);
    }
}
