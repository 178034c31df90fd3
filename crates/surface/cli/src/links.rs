//! The links of a running chain with PostgreSQL and Redis: threads of their own, of whose failures
//! people are told. Whatever happens to them, the engine goes on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use shelf_domain::{DAY, Day, Timestamp};
use shelf_host::{ChainReader, ChainWriter, Control, SourceName};
use shelf_links::{
    LinkFailure, LinkState, LinkStatus, LinkThread, LinkView, RequestLog, start_config,
    start_live_keys, start_mirror, start_streams,
};
use shelf_redis::{Now, Reading};
use shelf_views::{Chain, KpiBy, KpiFilter, KpisView, wording};
use shelf_web::{LinkFact, LinkFacts};

use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;

/// How often the links are looked at.
const LOOK: Duration = Duration::from_millis(100);
/// After so long without a failure a link counts as mended.
const WELL: Duration = Duration::from_secs(10);

/// How the links stand, for those who watch: empty until they are started.
#[derive(Clone, Debug, Default)]
pub(crate) struct LinkBoard(Arc<OnceLock<Vec<LinkStatus>>>);

impl LinkFacts for LinkBoard {
    fn links(&self) -> Vec<LinkFact> {
        self.0.get().into_iter().flatten().map(|status| fact(status.view())).collect()
    }
}

fn fact(view: LinkView) -> LinkFact {
    let failure = view.failure.or(view.last_failure);
    let state = match view.state {
        LinkState::Connecting => "connecting",
        LinkState::Following => "following",
        LinkState::Waiting => "waiting",
        LinkState::Refused => "refused",
        LinkState::StandingBy => "standing_by",
        LinkState::Stopped => "stopped",
    };
    LinkFact {
        name: view.name,
        state: state.to_owned(),
        since: view.since,
        position: view.position,
        lag: view.lag,
        events: view.events,
        rows: view.rows,
        known: view.known,
        quarantined: view.quarantined,
        lost: view.lost,
        failures: view.failures,
        error_code: failure.as_ref().map(|failure| failure.code.clone()),
        error: failure.as_ref().map(|failure| failure.message.clone()),
        hint: failure.map(|failure| failure.hint),
    }
}

/// The links that run.
#[derive(Default)]
pub(crate) struct Links {
    bringing: Vec<LinkThread>,
    following: Vec<LinkThread>,
    watcher: Option<Watcher>,
}

impl Links {
    /// Starts those that the settings ask for.
    pub(crate) fn start(
        chain: &mut ChainWriter,
        control: &Control,
        settings: &Settings,
        now: impl Fn() -> Timestamp + Clone + Send + 'static,
        board: &LinkBoard,
        telling: Telling,
    ) -> Result<Self, Failure> {
        let folder = settings.folder();
        let mut links = Self::default();
        let mut log = |name: SourceName| -> Result<RequestLog, Failure> {
            let source = chain.register(&[name])?.first().copied().unwrap_or_default();
            Ok(RequestLog::new(control.sender(), source, now.clone()))
        };
        if let Some(options) = settings.postgres.config()? {
            let log = log(SourceName::postgres())?;
            links.bringing.push(start_config(&folder, options, log)?);
        }
        if let Some(streams) = settings.redis.streams()? {
            links.bringing.push(start_streams(streams, log(SourceName::redis())?)?);
        }
        if let Some(options) = settings.postgres.mirror()? {
            links.following.push(start_mirror(&folder, options)?);
        }
        if let Some(options) = settings.redis.live_keys()? {
            links.following.push(start_live_keys(&folder, options, Box::new(live_keys(now)))?);
        }
        links.watch(board, telling);
        Ok(links)
    }

    /// Starts those that the settings ask for beside a worker of a chain on Kafka.
    #[cfg(feature = "kafka")]
    pub(crate) fn start_on_kafka(
        chain: &shelf_host::KafkaChain,
        settings: &Settings,
        board: &LinkBoard,
        telling: Telling,
    ) -> Result<Self, Failure> {
        let mut links = Self::default();
        if let Some(options) = settings.postgres.config()? {
            links.bringing.push(shelf_links::start_config_on_kafka(chain.clone(), options)?);
        }
        if let Some(options) = settings.postgres.mirror()? {
            links.following.push(shelf_links::start_mirror_on_kafka(chain.clone(), options)?);
        }
        links.watch(board, telling);
        Ok(links)
    }

    /// Has people told of their failures, and `board` know them.
    fn watch(&mut self, board: &LinkBoard, telling: Telling) {
        let all = self.bringing.iter().chain(&self.following);
        let statuses: Vec<LinkStatus> = all.map(|link| link.status().clone()).collect();
        // They are started once.
        let _ = board.0.set(statuses.clone());
        let Telling { output, screen } = telling;
        if !statuses.is_empty() {
            self.watcher = Some(Watcher::start(statuses, output, screen));
        }
    }

    /// Ends those that bring events in, while somebody takes them.
    pub(crate) fn stop_bringing(mut self) -> Self {
        // What the end brings about is no trouble.
        if let Some(watcher) = self.watcher.take() {
            watcher.stop();
        }
        for link in std::mem::take(&mut self.bringing) {
            link.stop();
        }
        self
    }

    /// Has the last events mirrored, and ends.
    pub(crate) fn stop(self) {
        for link in self.following {
            link.stop();
        }
    }
}

/// What live keys say: the present, the stores' date, and the figures of each store's day.
fn live_keys(
    now: impl Fn() -> Timestamp + Send + 'static,
) -> impl FnMut(&ChainReader) -> (Now, Vec<Reading>) + Send + 'static {
    move |reader| {
        let now = now();
        let chain = Chain::new(reader.partitions());
        let days = chain.stores().iter().map(|store| store.day());
        let today = days.max().unwrap_or_else(|| Day(now.0.div_euclid(DAY) as i32));
        let mut readings = Vec::new();
        for store in chain.stores() {
            let day = store.day();
            let filter = KpiFilter {
                store: Some(store.id()),
                by: KpiBy::Store,
                from_day: day,
                to_day: day,
                sort: None,
                limit: None,
            };
            for row in KpisView::new(&chain, &filter).rows {
                readings.extend(row.figures.into_iter().map(|(name, value)| Reading {
                    store: row.id.clone(),
                    name: name.to_owned(),
                    value: value.map_or_else(|| "null".to_owned(), |value| value.to_string()),
                }));
            }
        }
        (Now { now: wording::rfc3339(now), today: wording::date(today) }, readings)
    }
}

/// How people are told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Telling {
    pub(crate) output: Output,
    /// Whether the live screen has the terminal, so that nothing may be said before it ends.
    pub(crate) screen: bool,
}

/// Tells people when a link fails, once for as long as it fails in the same way.
struct Watcher {
    thread: JoinHandle<()>,
    stop: Arc<AtomicBool>,
}

impl Watcher {
    fn start(links: Vec<LinkStatus>, output: Output, screen: bool) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        let mut links: Vec<Watched> = links.into_iter().map(Watched::new).collect();
        let thread = std::thread::spawn(move || {
            loop {
                let last = asked.load(Ordering::Relaxed);
                for link in links.iter_mut().filter(|_| last || !screen) {
                    link.look(output);
                }
                if last {
                    return;
                }
                std::thread::sleep(LOOK);
            }
        });
        Self { thread, stop }
    }

    fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        // It holds nothing that somebody could miss.
        let _ = self.thread.join();
    }
}

/// A link, and what people were told of it.
struct Watched {
    link: LinkStatus,
    told: Option<LinkFailure>,
    /// Since when it has not failed.
    well_since: Instant,
}

impl Watched {
    fn new(link: LinkStatus) -> Self {
        Self { link, told: None, well_since: Instant::now() }
    }

    fn look(&mut self, output: Output) {
        let view = self.link.view();
        match view.failure {
            Some(failure) => {
                self.well_since = Instant::now();
                if self.told.as_ref() != Some(&failure) {
                    output.say(&warning(&view.name, &failure));
                    self.told = Some(failure);
                }
            }
            // Between two tries that fail it looks well for a moment.
            None if self.told.is_some() && self.well_since.elapsed() >= WELL => {
                output.say(&format!("{} goes on", view.name));
                self.told = None;
            }
            None => {}
        }
    }
}

fn warning(name: &str, failure: &LinkFailure) -> String {
    let LinkFailure { code, message, hint } = failure;
    format!("warning[{code}]: {name}: {message}\n  hint: {hint}")
}
