//! What every handler can reach.

use std::sync::{Arc, PoisonError, RwLock, TryLockError, Weak};
use std::time::{Duration, Instant};

use shelf_domain::{EventId, Timestamp};
use shelf_host::{Folder, StageTimes};
use shelf_ports::Offset;
use shelf_sources::Foreign;
use shelf_views::{Chain, QualityLimits};
use tokio::sync::{Semaphore, watch};

use crate::access::{Role, Sessions, Users, Who};
use crate::api::{Answers, Quarantine};
use crate::backends::{
    Clock, LakeFacts, LinkFact, LinkFacts, Simulation, SqlBackend, links_beside,
};
use crate::door::Door;
use crate::error::WebError;
use crate::facts::{Kept, OnDisk};
use crate::feed::{Feed, Present};
use crate::metrics::Metrics;
use crate::options::HttpOptions;
use crate::pages;
use crate::past::Pasts;
use crate::problem::{Kind, Problem};

/// Requests that look at past moments at once.
const PASTS: usize = 16;
/// How often the file of users is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// What the server is wired to.
pub struct Parts {
    /// The data folder.
    pub folder: Folder,
    /// How events get into the log.
    pub door: Arc<dyn Door>,
    /// What time it is in the stores.
    pub clock: Arc<Clock>,
    /// How lines of other systems are read.
    pub foreign: Foreign,
    /// From when on checks of quality warn.
    pub quality: QualityLimits,
    /// SQL, where there is some.
    pub sql: Option<Arc<dyn SqlBackend>>,
    /// The tables of the lake, where there is one.
    pub lake: Option<Arc<dyn LakeFacts>>,
    /// The links with other systems, where this process has some.
    pub links: Option<Arc<dyn LinkFacts>>,
    /// The controls of the simulation, where there is one.
    pub simulation: Option<Arc<dyn Simulation>>,
    /// How long the stages of the path take, where this process runs the chain.
    pub stages: Option<Arc<StageTimes>>,
    /// Every setting with where it came from, as JSON; secrets are not in it.
    pub settings: Option<serde_json::Value>,
}

/// What every handler can reach; a handle that is cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    options: HttpOptions,
    parts: Parts,
    feed: Feed,
    pasts: Pasts,
    answers: Answers,
    quarantine: Quarantine,
    on_disk: OnDisk,
    /// Room for requests that look at past moments, which may have to wait for each other.
    past_room: Semaphore,
    sessions: Sessions,
    users: RwLock<(Instant, Arc<Users>)>,
    /// The turn of whoever hashes a password.
    hashing: Arc<Semaphore>,
    metrics: Metrics,
    /// What the pages remember.
    memory: pages::Memory,
    /// Room for requests that are worked on.
    requests: Arc<Semaphore>,
    /// Room for streams.
    streams: Arc<Semaphore>,
    /// Whether the server stops.
    stopping: watch::Sender<bool>,
}

/// Those who may log in; an error where other machines may connect and nobody may.
pub(crate) fn admitted(options: &HttpOptions, folder: &Folder) -> Result<Users, WebError> {
    let users = Users::open(folder)?;
    if !options.listen.ip().is_loopback() && !users.anybody() {
        return Err(WebError::NoUser(options.listen));
    }
    Ok(users)
}

impl App {
    /// Wires a server; follows the data folder from then on.
    pub fn new(options: HttpOptions, parts: Parts) -> Result<Self, WebError> {
        let users = admitted(&options, &parts.folder)?;
        let feed = Feed::start(&parts.folder)?;
        let limits = options.limits;
        let app = Self(Arc::new(Inner {
            memory: pages::Memory::default(),
            pasts: Pasts::new(&parts.folder),
            answers: Answers::default(),
            quarantine: Quarantine::default(),
            on_disk: OnDisk::default(),
            past_room: Semaphore::new(PASTS),
            sessions: Sessions::default(),
            users: RwLock::new((Instant::now(), Arc::new(users))),
            hashing: Arc::new(Semaphore::new(1)),
            metrics: Metrics::new()?,
            requests: Arc::new(Semaphore::new(limits.requests)),
            streams: Arc::new(Semaphore::new(limits.streams)),
            stopping: watch::Sender::new(false),
            options,
            parts,
            feed,
        }));
        pages::remember(&app);
        Ok(app)
    }

    /// How the server was started.
    pub fn options(&self) -> &HttpOptions {
        &self.0.options
    }

    /// The links with other systems, beside a log of so many events.
    pub(crate) fn links(&self, log_end: u64) -> Vec<LinkFact> {
        let facts = self.parts().links.as_deref();
        facts.map(|facts| links_beside(facts, log_end)).unwrap_or_default()
    }

    /// What it is wired to.
    pub fn parts(&self) -> &Parts {
        &self.0.parts
    }

    /// What follows the data folder.
    pub fn feed(&self) -> &Feed {
        &self.0.feed
    }

    /// What time it is in the stores.
    pub fn now(&self) -> Timestamp {
        (self.0.parts.clock)()
    }

    /// Who may log in: what the file says, as it was about a second ago. One looks at it; whoever
    /// asks meanwhile gets what is known.
    pub(crate) fn users(&self) -> Arc<Users> {
        let (looked, users) = {
            let known = self.0.users.read().unwrap_or_else(PoisonError::into_inner);
            (known.0, Arc::clone(&known.1))
        };
        if looked.elapsed() < LOOK {
            return users;
        }
        let begun = Instant::now();
        match self.0.users.try_write() {
            Ok(mut known) if known.0 == looked => known.0 = begun,
            // Somebody else looks at it.
            Ok(_) | Err(TryLockError::WouldBlock) => return users,
            Err(TryLockError::Poisoned(known)) => known.into_inner().0 = begun,
        }
        let users = users.renewed(&self.0.parts.folder).map_or(users, Arc::new);
        let mut known = self.0.users.write().unwrap_or_else(PoisonError::into_inner);
        // Who was slower than the next one has nothing new to say.
        if known.0 == begun {
            known.1 = Arc::clone(&users);
        }
        users
    }

    /// Who is logged in.
    pub(crate) fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    /// The turn of whoever hashes a password.
    pub(crate) fn hashing(&self) -> &Arc<Semaphore> {
        &self.0.hashing
    }

    /// What is counted of the server.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Who sits at this machine without a login: in a demo they may do everything, elsewhere they
    /// may look, as long as nobody else can be logged in.
    pub(crate) fn local(&self) -> Option<Who> {
        if !self.0.options.listen.ip().is_loopback() || self.0.options.login {
            return None;
        }
        if self.0.parts.simulation.is_some() {
            return Some(Who::local(Role::Admin));
        }
        (!self.users().anybody()).then(|| Who::local(Role::Viewer))
    }

    /// What the pages remember.
    pub(crate) fn memory(&self) -> &pages::Memory {
        &self.0.memory
    }

    /// Past moments.
    pub(crate) fn pasts(&self) -> &Pasts {
        &self.0.pasts
    }

    /// Room for requests that look at past moments.
    pub(crate) fn past_room(&self) -> &Semaphore {
        &self.0.past_room
    }

    /// A handle that does not keep the server alive.
    pub(crate) fn weakly(&self) -> Weakly {
        Weakly(Arc::downgrade(&self.0))
    }

    /// What keys of requests were answered.
    pub(crate) fn answers(&self) -> &Answers {
        &self.0.answers
    }

    /// What was not accepted.
    pub(crate) fn quarantine(&self) -> &Quarantine {
        &self.0.quarantine
    }

    /// What the disk says of the partitions, as it was a moment ago at most.
    pub(crate) async fn on_disk(&self) -> Result<Arc<[Kept]>, Problem> {
        let app = self.clone();
        Ok(self.blocking(move || app.0.on_disk.read(&app.0.parts.folder)).await??)
    }

    /// Room for requests that are worked on.
    pub(crate) fn request_room(&self) -> &Arc<Semaphore> {
        &self.0.requests
    }

    /// Room for streams.
    pub(crate) fn stream_room(&self) -> &Arc<Semaphore> {
        &self.0.streams
    }

    /// Says when the server stops.
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.0.stopping.subscribe()
    }

    pub(crate) fn stop(&self) {
        self.0.stopping.send_replace(true);
    }

    /// Hands the present to `look`, or the moment that is asked for.
    pub async fn read<T: Send + 'static>(
        &self,
        as_of: Option<Timestamp>,
        look: impl FnOnce(&Present<'_>) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let app = self.clone();
        // Whatever waits for a lock or the disk does so where it holds nobody up.
        self.blocking(move || match as_of {
            None => Ok(app.feed().read(look)),
            Some(at) => {
                let Ok(_room) = app.0.past_room.try_acquire() else {
                    let detail = "as many past moments are asked for as may be";
                    return Err(Problem::new(Kind::Busy, detail));
                };
                let now = app.feed().read(|present| present.chain().now());
                if now.is_none_or(|now| at > now) {
                    let detail = "that time has not come yet in the stores";
                    return Err(Problem::new(Kind::BadTime, detail));
                }
                let reader = app.0.pasts.at(at)?;
                Ok(look(&Present::past(&reader, at)))
            }
        })
        .await?
    }

    /// The offset of each partition behind the last event that had been received by a moment.
    pub(crate) async fn ends_at(&self, moment: Timestamp) -> Result<Vec<Offset>, Problem> {
        let ends = |present: &Present<'_>| present.reader().positions();
        let ends = self.read(Some(moment), ends).await?;
        Ok(ends.into_iter().map(|(_, end)| end).collect())
    }

    /// [`App::read`] with the stores that `who` may see.
    pub async fn view<T: Send + 'static>(
        &self,
        who: &Who,
        as_of: Option<Timestamp>,
        look: impl FnOnce(&Present<'_>, &Chain<'_>) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let stores = who.stores.clone();
        let seen = move |store| stores.as_ref().is_none_or(|stores| stores.contains(&store));
        self.read(as_of, move |present| look(present, &present.chain().clone().within(seen))).await
    }

    /// Does what may block on a thread that may.
    pub async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|_| Problem::new(Kind::Defect, "a thread of the server has ended"))
    }
}

/// A handle that does not keep a server alive.
#[derive(Clone)]
pub(crate) struct Weakly(Weak<Inner>);

impl Weakly {
    /// The server, as long as it is there and does not stop.
    pub(crate) fn app(&self) -> Option<App> {
        let inner = self.0.upgrade()?;
        let stops = *inner.stopping.borrow();
        (!stops).then_some(App(inner))
    }
}

/// An id that no other event has.
pub(crate) fn fresh_id() -> Result<EventId, Problem> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|_| Problem::new(Kind::Defect, "the system gives no random bytes"))?;
    Ok(EventId(u128::from_le_bytes(bytes)))
}
