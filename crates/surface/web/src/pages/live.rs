//! Pages that are open: each is drawn once for all who look at it, when something has changed, and
//! each visitor is sent the pieces that differ from what they have.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::Page;
use super::query::Query;
use super::scene::{Part, Visitor};
use super::site::{self, Sight};
use crate::app::App;
use crate::problem::{Kind, Problem};

/// The least time from one drawing of a page to the next.
const PAUSE: Duration = Duration::from_millis(80);
/// A page is drawn for at most one part in so many of the time.
const SHARE: u32 = 4;
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
#[derive(Debug, Default)]
pub(super) struct Lives {
    open: Mutex<HashMap<String, watch::Sender<Arc<Drawn>>>>,
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
    let mut followed = None;
    loop {
        let version = changes.borrow_and_update().version;
        let begun = Instant::now();
        let seen = (page.clone(), query.clone(), sight.clone());
        match site::parts(app, seen.0, seen.1, seen.2, &mut followed).await {
            Ok((parts, age_ms)) => {
                drawn.send_replace(Arc::new(Drawn { version, parts, age_ms }));
            }
            // What it was about has ended: who looks at it is told by the whole page.
            Err(_) => {
                drawn.send_replace(Arc::new(Drawn { version, ..Drawn::default() }));
            }
        }
        tokio::time::sleep(PAUSE.max(begun.elapsed() * SHARE)).await;
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

/// One visitor of an open page.
struct Looking {
    drawn: watch::Receiver<Arc<Drawn>>,
    stopping: watch::Receiver<bool>,
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
    sight: &Sight,
    visitor: Visitor,
) -> Result<Response, Problem> {
    let room = Arc::clone(app.stream_room()).try_acquire_owned();
    let room = room.map_err(|_| Problem::new(Kind::TooManyStreams, "try again in a while"))?;
    let key = format!("{sight:?} {}", visitor.address);
    let drawn = app.memory().lives.subscribe(app, page, query, sight, key);
    let looking =
        Looking { drawn, stopping: app.stopping(), visitor, has: HashMap::new(), _room: room };
    let events = stream::unfold(looking, |mut looking| async move {
        let event = next(&mut looking).await?;
        Some((Ok::<Event, Infallible>(event), looking))
    });
    let headers = [("cache-control", "no-store"), ("x-accel-buffering", "no")];
    Ok((headers, Sse::new(events)).into_response())
}

async fn next(looking: &mut Looking) -> Option<Event> {
    loop {
        tokio::select! {
            changed = looking.drawn.changed() => changed.ok()?,
            _ = looking.stopping.wait_for(|stops| *stops) => return None,
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
