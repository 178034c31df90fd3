//! A registry of schemas as Confluent's API has it: a schema is registered under a subject and gets
//! a number; by its number everybody finds it.
//!
//! While the registry does not answer, it is asked less and less often. It must never take an
//! answer that did not come for one that says no.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use ureq::Agent;
use ureq::tls::{PemItem, RootCerts, TlsConfig};

use crate::client::locked;
use crate::{KafkaError, Secret};

const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How long the registry is left alone at first when it does not answer, and at most.
const PAUSE_FIRST: Duration = Duration::from_millis(250);
const PAUSE_MOST: Duration = Duration::from_secs(10);
/// A schema has at most so many bytes.
const MAX_ANSWER_BYTES: u64 = 4 << 20;
const TYPE: &str = "application/vnd.schemaregistry.v1+json";
/// What the API says where there is no schema of a number.
const NO_SCHEMA: u64 = 40_403;

/// Where the registry is, and as whom we speak to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegistryOptions {
    /// `http://host:port/path` or `https://…`.
    pub url: String,
    /// The user, where the registry asks for one.
    pub user: Option<(String, Secret)>,
    /// The certificates that it is trusted by, as PEM; those of the system where none is named.
    pub ca_file: Option<PathBuf>,
}

/// A client of the registry.
pub(crate) struct Registry {
    agent: Agent,
    url: String,
    authorization: Option<String>,
    away: Mutex<Option<Away>>,
}

/// It did not answer.
struct Away {
    until: Instant,
    pause: Duration,
    what: String,
}

/// What it answered to a question for a schema.
pub(crate) enum Found {
    /// The schema, as text.
    Schema(String),
    /// It has none of this number that can be read, and why.
    None(String),
}

impl Registry {
    pub(crate) fn new(options: &RegistryOptions) -> Result<Self, KafkaError> {
        let url = options.url.trim_end_matches('/').to_owned();
        if !url.starts_with("http://") && !url.starts_with("https://") {
            let what = "the address of the registry: it begins with neither http:// nor https://";
            return Err(KafkaError::Setting { what: what.to_owned() });
        }
        let roots = match &options.ca_file {
            None => RootCerts::PlatformVerifier,
            Some(file) => certificates(file)?,
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder()
            .root_certs(roots)
            .unversioned_rustls_crypto_provider(provider)
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(ANSWER_WITHIN))
            .build();
        let authorization = options.user.as_ref().map(|(user, password)| {
            format!("Basic {}", STANDARD.encode(format!("{user}:{}", password.reveal())))
        });
        Ok(Self { agent: config.into(), url, authorization, away: Mutex::new(None) })
    }

    /// Its address.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Registers a schema, or finds it registered. Returns its number.
    pub(crate) fn register(&self, subject: &str, schema: &str) -> Result<u32, KafkaError> {
        let path = format!("/subjects/{subject}/versions");
        let body = json!({ "schema": schema, "schemaType": "AVRO" });
        let (status, answer) = self.ask(&path, Some(&body))?;
        let id = answer.get("id").and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok());
        match id {
            Some(id) if status == 200 => Ok(id),
            _ => Err(self.refused(format!("subject {subject}: {}", said(status, &answer)))),
        }
    }

    /// The schema of a number.
    pub(crate) fn schema(&self, id: u32) -> Result<Found, KafkaError> {
        let (status, answer) = self.ask(&format!("/schemas/ids/{id}"), None)?;
        let word = |name: &str| answer.get(name).and_then(Value::as_str);
        match status {
            200 => {
                let kind = word("schemaType").unwrap_or("AVRO");
                let refers = answer.get("references").and_then(Value::as_array);
                if kind != "AVRO" {
                    return Ok(Found::None(format!("schema {id} is {kind}")));
                }
                if refers.is_some_and(|all| !all.is_empty()) {
                    return Ok(Found::None(format!("schema {id} refers to others")));
                }
                let schema = word("schema").map(str::to_owned);
                schema.map(Found::Schema).ok_or_else(|| self.refused(said(status, &answer)))
            }
            404 if answer.get("error_code").and_then(Value::as_u64) == Some(NO_SCHEMA) => {
                Ok(Found::None(format!("no schema {id}")))
            }
            _ => Err(self.refused(format!("schema {id}: {}", said(status, &answer)))),
        }
    }

    fn refused(&self, what: String) -> KafkaError {
        KafkaError::RegistryRefused { url: self.url.clone(), what }
    }

    /// Asks, and reads the answer; what is no answer of a registry is null.
    fn ask(&self, path: &str, body: Option<&Value>) -> Result<(u16, Value), KafkaError> {
        let unreachable = |what| KafkaError::RegistryUnreachable { url: self.url.clone(), what };
        if let Some(away) = &*locked(&self.away)
            && Instant::now() < away.until
        {
            return Err(unreachable(away.what.clone()));
        }
        match self.answer(path, body) {
            Ok((status, answer)) if status < 500 && status != 429 => {
                *locked(&self.away) = None;
                Ok((status, answer))
            }
            failed => {
                let what = match failed {
                    Ok((status, answer)) => said(status, &answer),
                    Err(error) => error.to_string(),
                };
                let mut away = locked(&self.away);
                let pause = away.as_ref().map_or(PAUSE_FIRST, |a| (a.pause * 2).min(PAUSE_MOST));
                let until = Instant::now() + pause;
                *away = Some(Away { until, pause, what: what.clone() });
                Err(unreachable(what))
            }
        }
    }

    fn answer(&self, path: &str, body: Option<&Value>) -> Result<(u16, Value), ureq::Error> {
        let url = format!("{}{path}", self.url);
        let authorization = self.authorization.as_deref();
        let mut response = match body {
            None => {
                let mut request = self.agent.get(url).header("accept", TYPE);
                if let Some(value) = authorization {
                    request = request.header("authorization", value);
                }
                request.call()?
            }
            Some(body) => {
                let mut request = self.agent.post(url).header("accept", TYPE);
                if let Some(value) = authorization {
                    request = request.header("authorization", value);
                }
                request.header("content-type", TYPE).send(body.to_string())?
            }
        };
        let status = response.status().as_u16();
        let text = response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_string()?;
        Ok((status, serde_json::from_str(&text).unwrap_or_default()))
    }
}

/// What it said, in a line.
fn said(status: u16, answer: &Value) -> String {
    let message = answer.get("message").and_then(Value::as_str).unwrap_or_default();
    let message: String = message.chars().take(300).collect();
    match status {
        401 | 403 => format!("the user is refused ({status})"),
        _ if message.is_empty() => format!("status {status}"),
        _ => format!("status {status}, {message}"),
    }
}

fn certificates(file: &std::path::Path) -> Result<RootCerts, KafkaError> {
    let shown = file.display();
    let unread = |why: &str| KafkaError::Setting { what: format!("certificates {shown}: {why}") };
    let pem = std::fs::read(file).map_err(|error| unread(&error.to_string()))?;
    let mut all = Vec::new();
    for item in ureq::tls::parse_pem(&pem) {
        match item {
            Ok(PemItem::Certificate(certificate)) => all.push(certificate),
            Ok(_) => {}
            Err(error) => return Err(unread(&error.to_string())),
        }
    }
    if all.is_empty() {
        return Err(unread("it holds none"));
    }
    Ok(RootCerts::new_with_certs(&all))
}
