//! Who may connect, and what a client is told when it does.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion_postgres::pgwire::api::auth::sasl::SASLAuthStartupHandler;
use datafusion_postgres::pgwire::api::auth::sasl::scram::{
    SCRAM_ITERATIONS, ScramAuth, gen_salted_password, random_nonce,
};
use datafusion_postgres::pgwire::api::auth::{
    AuthSource, DefaultServerParameterProvider, LoginInfo, Password as Salted, StartupHandler,
    finish_authentication, protocol_negotiation, save_startup_parameters_to_metadata,
};
use datafusion_postgres::pgwire::api::{
    ClientInfo, PidSecretKeyGenerator, RandomPidSecretKeyGenerator,
};
use datafusion_postgres::pgwire::error::{ErrorInfo, PgWireError, PgWireResult};
use datafusion_postgres::pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage};
use datafusion_postgres::pgwire::tokio::TlsAcceptor;
use futures::Sink;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{Password, TlsFiles};
use crate::QueryError;

/// The version of Postgres whose protocol and catalogue clients meet.
const SERVER_VERSION: &str = concat!("16.6 (shelf ", env!("CARGO_PKG_VERSION"), ")");

/// What a client must prove to be let in.
#[derive(Clone, Debug)]
pub(super) struct Admission {
    secret: Option<Arc<Secret>>,
}

/// A password as SCRAM compares it: the password itself is not kept.
struct Secret {
    salt: Vec<u8>,
    salted: Vec<u8>,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Admission {
    pub(super) fn new(password: Option<&Password>) -> Self {
        let secret = password.map(|Password(text)| {
            let salt = random_nonce().into_bytes();
            let salted = gen_salted_password(text, &salt, SCRAM_ITERATIONS);
            Arc::new(Secret { salt, salted })
        });
        Self { secret }
    }
}

// The trait's own declaration leaves the lifetime out, and the two must agree.
#[allow(elided_lifetimes_in_paths)]
#[async_trait]
impl AuthSource for Secret {
    async fn get_password(&self, _login: &LoginInfo) -> PgWireResult<Salted> {
        Ok(Salted::new(Some(self.salt.clone()), self.salted.clone()))
    }
}

/// How one client is let in.
pub(super) enum Startup {
    /// It need prove nothing.
    Open(Box<DefaultServerParameterProvider>),
    /// It must know the password.
    Scram(Box<SASLAuthStartupHandler<DefaultServerParameterProvider>>),
    /// There is no place for it.
    Full,
}

impl Startup {
    pub(super) fn new(admission: &Admission, place: bool) -> Self {
        match &admission.secret {
            _ if !place => Self::Full,
            None => Self::Open(Box::new(parameters())),
            Some(secret) => {
                let secret: Arc<dyn AuthSource> = Arc::<Secret>::clone(secret);
                let handler = SASLAuthStartupHandler::new(Arc::new(parameters()));
                Self::Scram(Box::new(handler.with_scram(ScramAuth::new(secret))))
            }
        }
    }
}

fn parameters() -> DefaultServerParameterProvider {
    let mut parameters = DefaultServerParameterProvider::default();
    SERVER_VERSION.clone_into(&mut parameters.server_version);
    crate::live::LIVE.clone_into(&mut parameters.search_path);
    parameters.is_superuser = false;
    parameters.default_transaction_read_only = true;
    crate::live::UTC.clone_into(&mut parameters.time_zone);
    parameters
}

#[async_trait]
impl StartupHandler for Startup {
    async fn on_startup<C>(
        &self,
        client: &mut C,
        message: PgWireFrontendMessage,
    ) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: fmt::Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let provider = match self {
            Self::Scram(handler) => return handler.on_startup(client, message).await,
            Self::Full => return Err(full()),
            Self::Open(provider) => provider,
        };
        if let PgWireFrontendMessage::Startup(startup) = &message {
            protocol_negotiation(client, startup).await?;
            save_startup_parameters_to_metadata(client, startup);
            let (pid, secret) = RandomPidSecretKeyGenerator::default().generate(client);
            client.set_pid_and_secret_key(pid, secret);
            finish_authentication(client, provider.as_ref()).await?;
        }
        Ok(())
    }
}

fn full() -> PgWireError {
    let message = "there are as many clients as the server takes".to_owned();
    let mut info = ErrorInfo::new("FATAL".to_owned(), "53300".to_owned(), message);
    info.hint = Some("close a connection, or raise sql.connections".to_owned());
    PgWireError::UserError(Box::new(info))
}

/// What encrypts the traffic.
pub(super) fn tls(files: &TlsFiles) -> Result<TlsAcceptor, QueryError> {
    let unread = |path: &std::path::Path, error: &dyn fmt::Display| {
        QueryError::Server(format!("cannot use {}: {error}", path.display()))
    };
    let of_certificate = |error: &dyn fmt::Display| unread(&files.certificate, error);
    let certificates = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| of_certificate(&error))?;
    if certificates.is_empty() {
        return Err(of_certificate(&"it holds no certificate"));
    }
    let key =
        PrivateKeyDer::from_pem_file(&files.key).map_err(|error| unread(&files.key, &error))?;
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| of_certificate(&error))?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(|error| of_certificate(&error))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
