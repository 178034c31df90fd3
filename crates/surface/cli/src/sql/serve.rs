//! Serving clients of Postgres: on its own, or beside a running chain.

use std::sync::Arc;
use std::time::Duration;

use shelf_query::{Following, Listener, Serving, Sql};

use crate::failure::Failure;
use crate::lake::lake;
use crate::output::Output;
use crate::settings::Settings;
use crate::stop::Stop;

/// How often a stop is looked for.
const PAUSE: Duration = Duration::from_millis(50);

/// A server and all that it needs, in the order in which they end.
#[derive(Debug)]
pub(crate) struct Server {
    /// `None` where nobody asks but the console.
    serving: Option<Serving>,
    _following: Following,
    _sql: Arc<Sql>,
}

impl Server {
    fn start(sql: &Arc<Sql>, listener: Option<Listener>) -> Result<Self, Failure> {
        let serving = listener.map(|listener| sql.serve(listener)).transpose()?;
        Ok(Self { serving, _following: sql.follow(), _sql: Arc::clone(sql) })
    }

    fn say(&self, output: Output) {
        let Some(serving) = &self.serving else { return };
        let (host, port) = (serving.address().ip(), serving.address().port());
        output.say(&format!("SQL at {host}:{port}: psql -h {host} -p {port} -d shelf"));
    }
}

/// The SQL of the folder.
pub(crate) fn open(settings: &Settings) -> Result<Arc<Sql>, Failure> {
    let sql = Sql::open(&settings.folder(), &lake(settings)?, settings.sql.limits())?;
    Ok(Arc::new(sql))
}

/// `shelf sql serve`: until it is stopped.
pub(super) fn run(settings: &Settings, output: Output) -> Result<(), Failure> {
    let options = settings.sql.server()?.ok_or_else(|| {
        Failure::usage("there is no address to serve at", "give one: --listen 127.0.0.1:5433")
    })?;
    let listener = Listener::bind(&options)?;
    let stop = Stop::on_signals()?;
    let server = Server::start(&open(settings)?, Some(listener))?;
    server.say(output);
    while !stop.asked() {
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

/// Takes the address at which a running chain serves. Where nobody has asked for one by name, a
/// taken port is no reason not to run the shop.
pub(crate) fn listen(settings: &Settings, output: Output) -> Result<Option<Listener>, Failure> {
    let Some(options) = settings.sql.server()? else { return Ok(None) };
    match Listener::bind(&options) {
        Ok(listener) => Ok(Some(listener)),
        Err(error) if settings.sql.asked_to_listen() => Err(error.into()),
        Err(error) => {
            output.say(&format!("no SQL server: {error}; {}", error.hint()));
            Ok(None)
        }
    }
}

/// Follows a folder that this process runs, and serves it where there is an address.
pub(crate) fn beside(
    listener: Option<Listener>,
    sql: Option<&Arc<Sql>>,
    output: Output,
) -> Result<Option<Server>, Failure> {
    let Some(sql) = sql else { return Ok(None) };
    let server = Server::start(sql, listener)?;
    server.say(output);
    Ok(Some(server))
}
