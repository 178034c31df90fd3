//! Quarantine over HTTP: what was not accepted, and submitting it again.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Mutex, PoisonError};

use axum::extract::State;
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use shelf_domain::{Body, Event, Reason, StoreId};
use shelf_events::{Defaults, write_event};
use shelf_host::{Ack, AckStatus, Folder, LogPlace, QuarantineBook, Sources};
use shelf_sources::{Known, LineReader};
use utoipa::{IntoParams, ToSchema};

use super::asked::{Asked, JsonBody, rfc3339, store_id};
use super::history::{id_of, place_of};
use super::intake::allowed;
use super::operations::Operations;
use super::paging::Listed;
use super::reads::{list, maybe_store};
use crate::access::{Role, Who};
use crate::acts::hand_in;
use crate::app::App;
use crate::door::Incoming;
use crate::noted;
use crate::problem::{Kind, Problem};

/// The most entries that are submitted again at once.
const RETRIES: usize = 1_000;
/// The most entries of a page, and of each partition for it.
const NEWEST: usize = 50;
/// The most entries of a partition that are looked at for a page.
const LOOKED_AT: usize = 1_000;

pub(super) fn add(operations: Operations) -> Operations {
    operations
        .list::<QuarantineQuery, QuarantineView, _, _>(
            "/api/v1/quarantine",
            "What was not accepted, the newest of each partition first.",
            quarantine,
        )
        .act::<RetryBody, RetryDone, _, _>(
            &Method::POST,
            "/api/v1/quarantine/retry",
            "Submits entries of quarantine again.",
            retried,
        )
}

/// The quarantine that the server follows; opened by the first who asks.
#[derive(Debug, Default)]
pub(crate) struct Quarantine(Mutex<Option<QuarantineBook>>);

impl Quarantine {
    /// Hands the entries as they are now to `look`.
    fn read<T>(
        &self,
        folder: &Folder,
        look: impl FnOnce(&mut QuarantineBook) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut book = match known.take() {
            Some(book) => book,
            None => QuarantineBook::open(folder)?,
        };
        book.catch_up()?;
        let seen = look(&mut book);
        *known = Some(book);
        seen
    }
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
struct QuarantineQuery {
    /// Of this store.
    store: Option<String>,
    /// Refused for this reason, or no event for this reason.
    reason: Option<String>,
}

/// One event that was not accepted.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
struct QuarantineRow {
    /// Its place in the log, as `p03-1207`.
    id: String,
    /// When it came.
    received_at: String,
    /// Of which store; `unknown` where the bytes do not say.
    #[schema(value_type = String)]
    store: StoreId,
    /// Why it was not accepted.
    reason: String,
    /// What to do about it.
    hint: &'static str,
    /// Where it came from; `null` where that is not known.
    source: Option<String>,
    /// The event, or the bytes that are none.
    raw: String,
}

/// What was not accepted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
struct QuarantineView {
    /// How many entries the filter keeps.
    total: u64,
    /// How many there are of each reason of the core in the stores that may be seen, whatever the
    /// filter.
    by_reason: BTreeMap<&'static str, u64>,
    /// The rows.
    entries: Vec<QuarantineRow>,
}

impl Listed for QuarantineView {
    type Row = QuarantineRow;

    fn rows(&mut self) -> &mut Vec<QuarantineRow> {
        &mut self.entries
    }

    fn key(row: &QuarantineRow) -> String {
        row.id.clone()
    }
}

impl QuarantineRow {
    fn new(event: &Event, place: LogPlace, why: Reason, sources: &Sources) -> Self {
        let known = sources.get(event.origin.source).map(|known| known.source.name.clone());
        let (reason, source, raw) = match &event.body {
            Body::Rejected(rejected) => {
                let raw = String::from_utf8_lossy(&rejected.raw).into_owned();
                let source = known.or_else(|| Some(rejected.source.to_string()));
                (rejected.reason.to_string(), source, raw)
            }
            _ => {
                let mut line = Vec::new();
                write_event(event, &mut line);
                (why.code().to_owned(), known, String::from_utf8_lossy(&line).into_owned())
            }
        };
        let (id, received_at) = (id_of(place), rfc3339(event.received_at));
        Self { id, received_at, store: event.store, reason, hint: why.hint(), source, raw }
    }
}

/// The entries whose events the log still has, the newest of each partition first.
fn entries(book: &mut QuarantineBook) -> Result<Vec<(LogPlace, Reason)>, Problem> {
    let mut all: Vec<(LogPlace, Reason)> =
        book.entries().iter().rev().map(|(place, why)| (*place, *why)).collect();
    let mut first_kept = BTreeMap::new();
    for ((partition, _), _) in &all {
        if let Entry::Vacant(first) = first_kept.entry(*partition) {
            first.insert(book.first_kept(*partition)?);
        }
    }
    all.retain(|((partition, offset), _)| first_kept.get(partition) <= Some(offset));
    Ok(all)
}

async fn quarantine(
    State(app): State<App>,
    who: Who,
    asked: Asked<QuarantineQuery>,
) -> Result<Response, Problem> {
    asked.common.present_only("quarantine")?;
    let store = maybe_store(asked.own.store.as_ref())?;
    if let Some(store) = store {
        who.must_see(store)?;
    }
    let (inner, wanted, stores) = (app.clone(), asked.own.reason.clone(), who.stores.clone());
    let view = app.blocking(move || {
        let folder = &inner.parts().folder;
        let sources = Sources::open(folder)?;
        inner.quarantine().read(folder, |book| {
            let mut view = QuarantineView::default();
            for (place, why) in entries(book)? {
                let fits = |reason: &str| wanted.as_deref().is_none_or(|wanted| wanted == reason);
                // The reason of bytes that are no event stands in the record itself.
                let other = why != Reason::Unreadable && !fits(why.code());
                // Where it is does not matter to who sees all stores: it need not be read.
                if other && stores.is_none() {
                    *view.by_reason.entry(why.code()).or_default() += 1;
                    continue;
                }
                let Some(event) = book.event(place)? else { continue };
                if stores.as_ref().is_some_and(|stores| !stores.contains(&event.store)) {
                    continue;
                }
                *view.by_reason.entry(why.code()).or_default() += 1;
                if other || store.is_some_and(|store| store != event.store) {
                    continue;
                }
                let row = QuarantineRow::new(&event, place, why, &sources);
                if fits(&row.reason) {
                    view.entries.push(row);
                }
            }
            view.total = view.entries.len() as u64;
            Ok(view)
        })
    });
    let view = view.await??;
    // The store of an entry need not be one that is there.
    list(&app, &who, &asked, None, "quarantine", move |_, _, _| Ok(view)).await
}

/// Which entries are to be submitted again.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RetryBody {
    /// Their ids: up to 1,000.
    ids: Vec<String>,
    /// The store of lines that do not name one.
    #[serde(default)]
    store: Option<String>,
}

/// What became of the entries.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct RetryDone {
    /// Each, in turn.
    results: Vec<Retried>,
}

/// What became of one entry.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Retried {
    /// Which.
    id: String,
    /// `accepted`, `duplicate`, `quarantined` or `rejected`, with the reason.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    result: Ack,
}

async fn retried(
    State(app): State<App>,
    who: Who,
    JsonBody(body): JsonBody<RetryBody>,
) -> Result<Response, Problem> {
    who.must_be(Role::Planner)?;
    if body.ids.is_empty() || body.ids.len() > RETRIES {
        return Err(Problem::new(Kind::BadValue, format!("name 1 to {RETRIES} entries")));
    }
    let store = body.store.as_deref().map(store_id).transpose()?;
    let places: Vec<LogPlace> =
        body.ids.iter().map(|id| place_of(id)).collect::<Result<_, Problem>>()?;
    let results = retry(&app, &who, places, store).await?;
    let results = body.ids.into_iter().zip(results).map(|(id, result)| Retried { id, result });
    Ok(axum::Json(RetryDone { results: results.collect() }).into_response())
}

/// Submits entries again, for the API and for the page. What is not in quarantine is refused: the
/// log has it applied already, and might apply it once more. Lines that are read once more are sent
/// by who tries, and can do no more than if they sent them themselves.
pub(crate) async fn retry(
    app: &App,
    who: &Who,
    places: Vec<LogPlace>,
    store: Option<StoreId>,
) -> Result<Vec<Ack>, Problem> {
    who.must_be(Role::Planner)?;
    if let Some(store) = store {
        who.must_see(store)?;
    }
    let ids: Vec<String> = places.iter().map(|place| id_of(*place)).collect();
    let (inner, asker) = (app.clone(), who.clone());
    let tries = app.blocking(move || {
        let folder = &inner.parts().folder;
        let foreign = inner.parts().foreign.clone();
        inner.quarantine().read(folder, |book| {
            let mut reader = LineReader::new(foreign, Known::default());
            let again = places.iter().map(|place| {
                if !book.entries().contains_key(place) {
                    let detail = format!("{} is not in quarantine", id_of(*place));
                    return Err(Problem::new(Kind::NotFound, detail));
                }
                let event = book.event(*place)?;
                let detail = "the log does not have it any more";
                let event = event.ok_or_else(|| Problem::new(Kind::NotFound, detail))?;
                asker.must_see(event.store)?;
                Ok(again(event, store, &asker, &mut reader))
            });
            again.collect::<Result<Vec<_>, Problem>>()
        })
    });
    let tries = tries.await??;
    noted::note(app, who.name.as_str(), "quarantine_retry", ids.join(" ")).await;
    let events: Vec<Incoming> = tries.iter().flatten().flatten().cloned().collect();
    let mut acks = hand_in(app, events).await?.into_iter();
    let accepted = Ack { status: AckStatus::Accepted, code: None, hint: None };
    let result = |tried: Result<Vec<Incoming>, Ack>| match tried {
        Ok(events) => acks.by_ref().take(events.len()).last().unwrap_or_else(|| accepted.clone()),
        Err(ack) => ack,
    };
    Ok(tries.into_iter().map(result).collect())
}

/// An entry of quarantine as a page shows it.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    /// Its place in the log.
    pub(crate) place: LogPlace,
    /// Why it was refused.
    pub(crate) why: Reason,
    /// The event, or the bytes that are none.
    pub(crate) event: Event,
}

/// The newest entries of the stores that may be seen, the newest first.
pub(crate) fn newest(app: &App, stores: Option<&[StoreId]>) -> Result<Vec<Refused>, Problem> {
    app.quarantine().read(&app.parts().folder, |book| {
        let mut found = Vec::new();
        let mut taken: BTreeMap<u32, (usize, usize)> = BTreeMap::new();
        let entries: Vec<(LogPlace, Reason)> =
            book.entries().iter().rev().map(|(place, why)| (*place, *why)).collect();
        for (place, why) in entries {
            let (kept, looked) = taken.entry(place.0).or_default();
            if *kept == NEWEST || *looked == LOOKED_AT {
                continue;
            }
            *looked += 1;
            let Some(event) = book.event(place)? else { continue };
            if stores.is_none_or(|stores| stores.contains(&event.store)) {
                *kept += 1;
                found.push(Refused { place, why, event });
            }
        }
        found.sort_by_key(|entry| std::cmp::Reverse(entry.event.received_at));
        found.truncate(NEWEST);
        Ok(found)
    })
}

/// The events that an entry would be now: bytes are read once more, as sent by `who`; an event
/// stays what it is.
fn again(
    event: Event,
    store: Option<StoreId>,
    who: &Who,
    reader: &mut LineReader,
) -> Result<Vec<Incoming>, Ack> {
    let Body::Rejected(rejected) = event.body else {
        return Ok(vec![Incoming { event, if_new: false }]);
    };
    let defaults = Defaults { store, received_at: event.received_at };
    let lines = reader.read(&rejected.raw, &defaults).map_err(|error| Ack {
        status: AckStatus::Rejected,
        code: Some(error.code().to_owned()),
        hint: Some(error.hint()),
    })?;
    let declared = lines.declarations.into_iter().map(|event| (event, true));
    let events = declared.chain(lines.events.into_iter().map(|event| (event, false)));
    let origin = event.origin;
    let sent = events.map(|(event, if_new)| {
        allowed(Event { origin, ..event }, who).map(|event| Incoming { event, if_new })
    });
    sent.collect()
}
