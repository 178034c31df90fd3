//! `GET /api/v1/stream`: what happens, as server-sent events.
//!
//! `effect` carries one line, with an id by which a stream goes on where it broke off, also with
//! another process. `tick` says that the state has changed, at most twenty times a second. `gap`
//! says that lines are missing: whoever gets it reads the lists anew. After a pause a line may come
//! twice; its partition, offset and index tell it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde::Deserialize;
use shelf_domain::{Severity, Sku, StoreId};
use shelf_views::EffectKind;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use utoipa::IntoParams;

use super::asked::{Params, choice, sku_of};
use super::operations::Operations;
use super::reads::maybe_store;
use crate::access::{Right, Who};
use crate::app::App;
use crate::feed::{FeedLine, Tick};
use crate::problem::{Kind, Problem};

/// The most lines that are sent at once.
const LINES: usize = 256;
/// How often something is sent while nothing happens, so that both ends know of each other.
const ALIVE: Duration = Duration::from_secs(15);
const SEVERITIES: [Severity; 3] = [Severity::Info, Severity::Warning, Severity::Critical];

pub(super) fn add(operations: Operations) -> Operations {
    operations.events::<StreamQuery, _, _>(
        "/api/v1/stream",
        "What happens, as server-sent events: effect, tick and gap. Send Last-Event-ID to go on.",
        open,
    )
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
struct StreamQuery {
    /// Of this store.
    store: Option<String>,
    /// Of this kind: `alert`, `task`, `order`, `price`, `removed`, `explained`, `quarantined`.
    kind: Option<String>,
    /// About alerts of this severity.
    severity: Option<String>,
    /// Of this shelf.
    sku: Option<String>,
    /// Where to go on, for clients that cannot send `Last-Event-ID`.
    last_event_id: Option<String>,
}

/// Which lines a stream has.
struct Wanted {
    store: Option<StoreId>,
    kind: Option<EffectKind>,
    severity: Option<Severity>,
    sku: Option<Sku>,
    stores: Option<Vec<StoreId>>,
}

impl Wanted {
    fn keeps(&self, line: &FeedLine) -> bool {
        let line = &line.line;
        self.store.is_none_or(|store| store == line.store)
            && self.kind.is_none_or(|kind| kind == line.kind)
            && self.severity.is_none_or(|severity| Some(severity) == line.severity)
            && self.sku.is_none_or(|sku| Some(sku) == line.sku)
            && self.stores.as_ref().is_none_or(|stores| stores.contains(&line.store))
    }
}

/// One open stream.
struct Open {
    app: App,
    wanted: Wanted,
    /// The number of the last line that was looked at.
    line: u64,
    changes: watch::Receiver<Tick>,
    stopping: watch::Receiver<bool>,
    right: Right,
    /// When to say that nothing has happened.
    alive: Interval,
    first: Option<Bytes>,
    _room: OwnedSemaphorePermit,
}

async fn open(
    State(app): State<App>,
    who: Who,
    headers: HeaderMap,
    Params(query): Params<StreamQuery>,
) -> Result<Response, Problem> {
    let wanted = Wanted {
        store: maybe_store(query.store.as_ref())?,
        kind: choice("kind", query.kind.as_deref(), &EffectKind::LISTED, EffectKind::code)?,
        severity: choice("severity", query.severity.as_deref(), &SEVERITIES, Severity::code)?,
        sku: query.sku.as_deref().map(sku_of).transpose()?,
        stores: who.stores.clone(),
    };
    if let Some(store) = wanted.store {
        who.must_see(store)?;
    }
    let Ok(room) = Arc::clone(app.stream_room()).try_acquire_owned() else {
        let most = app.options().limits.streams;
        return Err(Problem::new(Kind::TooManyStreams, format!("{most} are open")));
    };
    let told = headers.get("last-event-id").and_then(|id| id.to_str().ok().map(str::to_owned));
    let mut first = String::from("retry: 2000\n\n");
    let newest = app.feed().newest_line();
    let line = match told.or(query.last_event_id) {
        None => newest,
        Some(id) => app.feed().resume_at(&id).unwrap_or_else(|| {
            first.push_str(GAP);
            newest
        }),
    };
    let (changes, stopping) = (app.feed().changes(), app.stopping());
    let first = Some(Bytes::from(first));
    let right = Right::new(&app, who);
    let mut alive = interval_at(Instant::now() + ALIVE, ALIVE);
    alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut open = Open { app, wanted, line, changes, stopping, right, alive, first, _room: room };
    // What came before the stream is sent at once.
    open.changes.mark_changed();
    let chunks = stream::unfold(open, |mut open| async move {
        open.next().await.map(|chunk| (Ok::<_, Infallible>(chunk), open))
    });
    let mut response = Body::from_stream(chunks).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Lines are missing.
const GAP: &str = "event: gap\ndata: {}\n\n";

impl Open {
    /// What is sent next; `None` where the stream ends, with the server or the right to it.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        tokio::select! {
            biased;
            () = self.right.lost() => return None,
            _ = self.stopping.wait_for(|stopping| *stopping) => return None,
            changed = self.changes.changed() => changed.ok()?,
            _ = self.alive.tick() => return Some(Bytes::from_static(b": alive\n\n")),
        }
        self.alive.reset();
        let tick = *self.changes.borrow_and_update();
        let (lines, gone) = self.app.feed().lines_after(self.line, LINES);
        let mut text = String::new();
        if gone {
            text.push_str(GAP);
        }
        for line in &lines {
            self.line = line.number;
            if self.wanted.keeps(line) {
                for part in ["id: ", &line.stream_id, "\nevent: effect\ndata: ", &line.json, "\n\n"]
                {
                    text.push_str(part);
                }
            }
        }
        if lines.len() == LINES {
            self.changes.mark_changed();
        }
        let tick = serde_json::to_string(&tick).ok()?;
        for part in ["event: tick\ndata: ", &tick, "\n\n"] {
            text.push_str(part);
        }
        Some(Bytes::from(text))
    }
}
