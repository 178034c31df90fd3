//! Serving the dashboard and the HTTP API beside a running chain: what the server asks of SQL, of
//! the lake and of the settings is answered here.

mod console;
mod held;
mod tables;

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::sync::Arc;

use shelf_host::{Control, Folder, Pace};
use shelf_query::Sql;
use shelf_sources::Format;
use shelf_web::{ChannelDoor, Otlp, Parts, Server, Serving, WebError, install_log};

use crate::acts::wall_now;
use crate::config;
use crate::failure::Failure;
use crate::lake::{JobBoard, lake};
use crate::links::LinkBoard;
use crate::output::Output;
use crate::settings::Loaded;
use console::Console;
use tables::Tables;

/// The server, and the way to a collector where there is one.
pub(crate) struct Web {
    serving: Serving,
    otlp: Option<Otlp>,
}

impl Web {
    /// Ends the server, then tells the collector of its last moments.
    pub(crate) fn stop(self) {
        self.serving.stop();
        drop(self.otlp);
    }
}

/// What the server stands beside.
#[derive(Clone, Copy)]
pub(crate) struct Beside<'a> {
    /// Who takes events.
    pub(crate) control: &'a Control,
    /// The pace of a simulation, where there is one.
    pub(crate) pace: Option<&'a Arc<Pace>>,
    /// The links with other systems.
    pub(crate) links: &'a LinkBoard,
    /// What keeps the lake in shape.
    pub(crate) jobs: &'a JobBoard,
}

/// Serves a folder that this process runs. Where nobody has asked for an address by name, a taken
/// port is no reason not to run the shop.
pub(crate) fn beside(
    folder: &Folder,
    beside: &Beside<'_>,
    sql: Option<&Arc<Sql>>,
    postgres: Option<SocketAddr>,
    loaded: &Loaded,
    output: Output,
) -> Result<Option<Web>, Failure> {
    let settings = &loaded.settings;
    let Some(options) = settings.http.server()? else { return Ok(None) };
    let Beside { control, pace, links, jobs } = *beside;
    let told = pace.cloned();
    let console = sql.map(|sql| Console::new(sql, settings.sql.limits(), postgres));
    let follows = settings.lake.enabled;
    let tables = follows.then(|| Tables::new(folder, lake(settings)?, jobs)).transpose()?;
    let parts = Parts {
        folder: folder.clone(),
        door: Arc::new(ChannelDoor::new(control.sender())),
        clock: Arc::new(move || told.as_ref().map_or_else(wall_now, |pace| pace.now())),
        foreign: settings.foreign(Format::Auto)?,
        quality: settings.limits(),
        sql: console.map(|console| Arc::new(console) as _),
        lake: tables.map(|tables| Arc::new(tables) as _),
        links: Some(Arc::new(links.clone())),
        simulation: pace.map(|pace| Arc::clone(pace) as _),
        stages: Some(Arc::clone(jobs.stages())),
        settings: Some(config::for_others(loaded)?),
    };
    let log = std::io::stderr;
    // A live screen has the terminal: a line of the log would stand across it.
    let log = (!(output.terminal && log().is_terminal())).then_some(log);
    let mut otlp = settings.otlp.options()?.map(Otlp::start).transpose()?;
    // A second server of this process logs as the first does.
    install_log(settings.http.log_format()?, &settings.http.log_level, log, otlp.as_ref());
    match Server::start(options, parts) {
        Ok(serving) => {
            output.say(&format!("the dashboard is at {}", serving.url()));
            if let Some(otlp) = &mut otlp {
                otlp.follow(serving.app());
            }
            Ok(Some(Web { serving, otlp }))
        }
        Err(error @ WebError::PortTaken(_)) if !settings.http.asked_to_listen() => {
            output.say(&format!("no dashboard: {error}; {}", error.hint()));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

impl From<WebError> for Failure {
    fn from(error: WebError) -> Self {
        match error {
            WebError::Host(error) => Self::host(&error),
            other => Self::new(other.code(), other.to_string(), other.hint()),
        }
    }
}
