//! The links of a running chain with PostgreSQL and Redis: threads of their own, of whose failures
//! people are told. Whatever happens to them, the engine goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use shelf_domain::Timestamp;
use shelf_host::{ChainWriter, Control, SourceName};
use shelf_links::{
    LinkFailure, LinkStatus, LinkThread, RequestLog, start_config, start_mirror, start_streams,
};

use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;

/// How often the links are looked at.
const LOOK: Duration = Duration::from_millis(100);
/// After so long without a failure a link counts as mended.
const WELL: Duration = Duration::from_secs(10);

/// The links that run.
pub(crate) struct Links {
    bringing: Vec<LinkThread>,
    mirror: Option<LinkThread>,
    watcher: Option<Watcher>,
}

impl Links {
    /// Starts those that the settings ask for. `screen`: whether the live screen has the terminal,
    /// so that nothing may be said before it ends.
    pub(crate) fn start(
        chain: &mut ChainWriter,
        control: &Control,
        settings: &Settings,
        now: impl Fn() -> Timestamp + Clone + Send + 'static,
        output: Output,
        screen: bool,
    ) -> Result<Self, Failure> {
        let folder = settings.folder();
        let mut links = Self { bringing: Vec::new(), mirror: None, watcher: None };
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
            links.mirror = Some(start_mirror(&folder, options)?);
        }
        let all = links.bringing.iter().chain(&links.mirror);
        let statuses: Vec<LinkStatus> = all.map(|link| link.status().clone()).collect();
        if !statuses.is_empty() {
            links.watcher = Some(Watcher::start(statuses, output, screen));
        }
        Ok(links)
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
        if let Some(mirror) = self.mirror {
            mirror.stop();
        }
    }
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
