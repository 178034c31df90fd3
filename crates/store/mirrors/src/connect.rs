//! Connecting to PostgreSQL: the address, the password, TLS, limits of waiting.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring::default_provider};

use crate::MirrorError;

/// How long a connection may take to come.
const CONNECT: Duration = Duration::from_secs(5);
/// How long what was sent may stay without an answer of the other machine's network.
const SILENCE: Duration = Duration::from_secs(30);
/// How long a statement waits for what somebody else holds, before it fails and is tried again.
const SESSION: &str = "SET lock_timeout = '10s'; SET timezone = 'UTC'; \
                       SET standard_conforming_strings = on";

/// Where a database is, and how to come in.
#[derive(Clone)]
pub struct Postgres {
    config: Config,
    roots: Option<PathBuf>,
}

impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The configuration holds the password.
        f.debug_struct("Postgres").field("at", &self.to_string()).finish_non_exhaustive()
    }
}

impl std::fmt::Display for Postgres {
    /// The address without a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let host = match self.config.get_hosts().first() {
            Some(tokio_postgres::config::Host::Tcp(host)) => host.clone(),
            Some(tokio_postgres::config::Host::Unix(path)) => path.display().to_string(),
            None => "localhost".to_owned(),
        };
        let port = self.config.get_ports().first().copied().unwrap_or(5_432);
        let database = self.config.get_dbname().unwrap_or_default();
        write!(f, "postgres://{}@{host}:{port}/{database}", self.user())
    }
}

impl Postgres {
    /// Reads an address: `postgres://user:password@host:port/database?sslmode=require`, or the
    /// `key=value` form of libpq. With `sslmode=require` the server's certificate must be of a
    /// known authority and name the host.
    pub fn parse(address: &str) -> Result<Self, MirrorError> {
        let mut config: Config = address.parse().map_err(|error: tokio_postgres::Error| {
            MirrorError::Address { what: error.to_string() }
        })?;
        config.connect_timeout(CONNECT).tcp_user_timeout(SILENCE).keepalives_idle(SILENCE);
        if config.get_application_name().is_none() {
            config.application_name("shelf");
        }
        Ok(Self { config, roots: None })
    }

    /// Whether the address holds a password.
    pub fn has_password(&self) -> bool {
        self.config.get_password().is_some()
    }

    /// With this password, whatever the address says.
    pub fn with_password(mut self, password: &str) -> Self {
        self.config.password(password);
        self
    }

    /// With TLS that trusts the authorities in this PEM file alone.
    pub fn with_roots(mut self, file: PathBuf) -> Self {
        self.config.ssl_mode(SslMode::Require);
        self.roots = Some(file);
        self
    }

    fn user(&self) -> &str {
        self.config.get_user().unwrap_or("the system's user")
    }

    /// Connects. What the server tells on its own account, its notifications, comes out of the
    /// second part; it ends when the connection does.
    pub(crate) async fn connect(&self) -> Result<(Client, Told), MirrorError> {
        let (client, told) = if self.config.get_ssl_mode() == SslMode::Require {
            self.open(MakeRustlsConnect::new(self.tls()?)).await?
        } else {
            self.open(NoTls).await?
        };
        client
            .batch_execute(SESSION)
            .await
            .map_err(MirrorError::of("connect to", "the database"))?;
        Ok((client, told))
    }

    async fn open<T>(&self, tls: T) -> Result<(Client, Told), MirrorError>
    where
        T: MakeTlsConnect<Socket>,
        T::Stream: Send + 'static,
    {
        let (client, connection) = self
            .config
            .connect(tls)
            .await
            .map_err(|error| MirrorError::of_connecting(self.user(), &error))?;
        Ok((client, drive(connection)))
    }

    fn tls(&self) -> Result<ClientConfig, MirrorError> {
        let unusable = |what: String| MirrorError::Address { what };
        let mut roots = RootCertStore::empty();
        match &self.roots {
            Some(file) => {
                let of_file = |error: &dyn std::fmt::Display| {
                    unusable(format!("{}: {error}", file.display()))
                };
                let read = CertificateDer::pem_file_iter(file).map_err(|error| of_file(&error))?;
                for certificate in read {
                    let certificate = certificate.map_err(|error| of_file(&error))?;
                    roots.add(certificate).map_err(|error| of_file(&error))?;
                }
                if roots.is_empty() {
                    return Err(of_file(&"it holds no certificate"));
                }
            }
            None => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
        }
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(error.to_string()))?;
        Ok(config.with_root_certificates(roots).with_no_client_auth())
    }
}

/// What a server tells on its own account: the names of the channels that it notified of.
pub(crate) type Told = UnboundedReceiver<String>;

/// Has a connection go on beside what asks it.
fn drive<S>(mut connection: Connection<Socket, S>) -> Told
where
    S: tokio_postgres::tls::TlsStream + Unpin + Send + 'static,
{
    let (sender, told) = unbounded_channel();
    tokio::spawn(async move {
        let mut messages =
            futures::stream::poll_fn(move |context| connection.poll_message(context));
        while let Some(Ok(message)) = futures::StreamExt::next(&mut messages).await {
            if let AsyncMessage::Notification(notification) = message {
                // Where nobody listens, what was asked is answered all the same.
                let _ = sender.send(notification.payload().to_owned());
            }
        }
    });
    told
}
