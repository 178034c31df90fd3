//! Pages that are open: each is drawn once for all who look at it, when something has changed, and
//! each visitor is sent the pieces that differ from what they have.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::query::Query;
use super::scene::{Extra, Part, Visitor};
use super::site::{self, Sight};
use super::trail::{Found, Trail, Want};
use super::{Page, flow};
use crate::access::{Right, Who};
use crate::app::App;
use crate::problem::{Kind, Problem};

/// The least time from one drawing of a page to the next.
const PAUSE: Duration = Duration::from_millis(80);
/// A page is read and drawn for at most one part in so many of the time.
const SHARE: u32 = 4;
/// Pages that are drawn at once; those behind wait for their turn, however many are open.
const TURNS: usize = 2;
/// Pages that wait for a disk or another system at once, so that threads are left to who asks.
const READS: usize = 8;
/// How often a page is told the age of its data where nothing changes.
const AGE: Duration = Duration::from_secs(1);

/// The pieces of a page at one moment.
#[derive(Debug, Default)]
struct Drawn {
    version: u64,
    parts: Vec<Part>,
    age_ms: u64,
}

/// The pages that are open, by what is seen and address.
#[derive(Debug)]
pub(super) struct Lives {
    open: Mutex<HashMap<String, watch::Sender<Arc<Drawn>>>>,
    /// The turns of those that are drawn.
    turns: Semaphore,
    /// The turns of those that read what they are drawn from.
    reads: Semaphore,
}

impl Default for Lives {
    fn default() -> Self {
        let (turns, reads) = (Semaphore::new(TURNS), Semaphore::new(READS));
        Self { open: Mutex::default(), turns, reads }
    }
}

impl Lives {
    /// Follows a page; whoever is first makes it be drawn from then on.
    fn subscribe(
        &self,
        app: &App,
        page: &Page,
        query: &Query,
        sight: &Sight,
        key: String,
    ) -> watch::Receiver<Arc<Drawn>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(drawn) = open.get(&key).filter(|drawn| drawn.receiver_count() > 0) {
            return drawn.subscribe();
        }
        let (drawn, receiver) = watch::channel(Arc::new(Drawn::default()));
        open.insert(key.clone(), drawn.clone());
        drop(open);
        let (app, page, query, sight) = (app.clone(), page.clone(), query.clone(), sight.clone());
        tokio::spawn(async move {
            draw_again(&app, &page, &query, &sight, &drawn).await;
            let mut open = app.memory().lives.open.lock().unwrap_or_else(PoisonError::into_inner);
            if open.get(&key).is_some_and(|last| last.receiver_count() == 0) {
                open.remove(&key);
            }
        });
        receiver
    }
}

async fn draw_again(
    app: &App,
    page: &Page,
    query: &Query,
    sight: &Sight,
    drawn: &watch::Sender<Arc<Drawn>>,
) {
    let (mut changes, mut stopping) = (app.feed().changes(), app.stopping());
    let (mut followed, lives) = (None, &app.memory().lives);
    loop {
        let reads = if waits(page, query, sight) {
            let Ok(reads) = lives.reads.acquire().await else { return };
            Some(reads)
        } else {
            None
        };
        // While it waited everybody may have gone.
        if drawn.receiver_count() == 0 || *stopping.borrow() {
            return;
        }
        let version = changes.borrow_and_update().version;
        let begun = Instant::now();
        let found = ready(app, page, query, sight, &mut followed).await;
        let readied = begun.elapsed();
        drop(reads);
        let Ok(turn) = lives.turns.acquire().await else { return };
        if drawn.receiver_count() == 0 || *stopping.borrow() {
            return;
        }
        let begun = Instant::now();
        let seen = (page.clone(), query.clone(), sight.clone());
        let parts = match found {
            Ok(found) => site::parts(app, seen.0, seen.1, seen.2, found).await,
            Err(problem) => Err(problem),
        };
        drop(turn);
        let worked = readied + begun.elapsed();
        drawn.send_replace(Arc::new(match parts {
            Ok((parts, age_ms)) => Drawn { version, parts, age_ms },
            // What it was about has ended: who looks at it is told by the whole page.
            Err(_) => Drawn { version, ..Drawn::default() },
        }));
        tokio::time::sleep(PAUSE.max(worked * SHARE)).await;
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(AGE) => {}
            _ = stopping.wait_for(|stops| *stops) => return,
        }
        if drawn.receiver_count() == 0 {
            return;
        }
    }
}

/// Whether a page is drawn from what has to be read first.
fn waits(page: &Page, query: &Query, sight: &Sight) -> bool {
    *page == Page::Pipeline || page.follows(query, sight.stores.as_deref()) != Want::Nothing
}

/// What the live parts of a page show that the state of the stores does not have. What the page
/// follows in the log is read on from where it was the last time.
async fn ready(
    app: &App,
    page: &Page,
    query: &Query,
    sight: &Sight,
    followed: &mut Option<Trail>,
) -> Result<(Extra, Found), Problem> {
    let (mut extra, stores) = (Extra::default(), sight.stores.as_deref());
    if *page == Page::Pipeline {
        extra.on_disk = app.on_disk().await.ok();
        (extra.lake, extra.jobs) = flow::lake_facts(app, stores).await;
    }
    let found = match page.follows(query, stores) {
        Want::Nothing => Found::default(),
        want => {
            let (known, folder) = (followed.take(), app.feed().folder().clone());
            let read = app.blocking(move || match known {
                Some(mut trail) => trail.read_on().map(|()| trail),
                None => Trail::open(&folder, want, None),
            });
            followed.insert(read.await??).found().clone()
        }
    };
    Ok((extra, found))
}

/// One visitor of an open page.
struct Looking {
    drawn: watch::Receiver<Arc<Drawn>>,
    stopping: watch::Receiver<bool>,
    right: Right,
    /// Whether they have lost it.
    lost: bool,
    visitor: Visitor,
    /// What the visitor has of each part.
    has: HashMap<&'static str, String>,
    _room: OwnedSemaphorePermit,
}

/// The stream of changes of a page.
pub(super) fn answer(
    app: &App,
    page: &Page,
    query: &Query,
    who: Who,
    visitor: Visitor,
) -> Result<Response, Problem> {
    let room = Arc::clone(app.stream_room()).try_acquire_owned();
    let room = room.map_err(|_| Problem::new(Kind::TooManyStreams, "try again in a while"))?;
    let sight = Sight::of(&who);
    let key = format!("{sight:?} {}", visitor.address);
    let looking = Looking {
        drawn: app.memory().lives.subscribe(app, page, query, &sight, key),
        stopping: app.stopping(),
        right: Right::new(app, who),
        lost: false,
        visitor,
        has: HashMap::new(),
        _room: room,
    };
    let events = stream::unfold(looking, |mut looking| async move {
        let event = next(&mut looking).await?;
        Some((Ok::<Event, Infallible>(event), looking))
    });
    let headers = [("cache-control", "no-store"), ("x-accel-buffering", "no")];
    Ok((headers, Sse::new(events)).into_response())
}

async fn next(looking: &mut Looking) -> Option<Event> {
    if looking.lost {
        return None;
    }
    loop {
        tokio::select! {
            biased;
            // The whole page shows what they may see by now, or leads to the login.
            () = looking.right.lost() => {
                looking.lost = true;
                return Some(Event::default().event("reload").data("gone"));
            }
            _ = looking.stopping.wait_for(|stops| *stops) => return None,
            changed = looking.drawn.changed() => changed.ok()?,
        }
        let drawn = looking.drawn.borrow_and_update().clone();
        if drawn.parts.is_empty() {
            return (drawn.version > 0).then(|| Event::default().event("reload").data("gone"));
        }
        let mut news: Vec<(&'static str, String)> = Vec::new();
        for part in &drawn.parts {
            let html = looking.visitor.fill(&part.html);
            if looking.has.get(part.id) != Some(&html) {
                looking.has.insert(part.id, html.clone());
                news.push((part.id, html));
            }
        }
        let event = Event::default().id(drawn.version.to_string());
        if news.is_empty() {
            return Some(event.event("age").data(drawn.age_ms.to_string()));
        }
        let Ok(data) = serde_json::to_string(&news) else { continue };
        return Some(event.event("parts").data(data));
    }
}
