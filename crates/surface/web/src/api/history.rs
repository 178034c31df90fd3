//! Reads of the log itself: the latest events, one event, and what people did.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shelf_domain::{Body, Event, StoreId, Timestamp};
use shelf_eventlog::LogReader;
use shelf_events::write_event;
use shelf_host::{
    Folder, HostAct, HostError, LogPlace, Sources, event_at, events_between, noted_acts,
};
use shelf_ports::Offset;
use utoipa::{IntoParams, ToSchema};

use super::asked::{Params, rfc3339, time_of};
use super::export::{accepted, act_rows, answer};
use super::figures::NoParams;
use super::operations::Operations;
use super::paging::{Format, format_of};
use super::reads::maybe_store;
use crate::access::{Role, Who};
use crate::app::App;
use crate::problem::{Kind, Problem};

/// Events of each partition that one request looks at.
const LOOKED_AT: Offset = 20_000;
/// Events that one request shows at most.
const SHOWN: usize = 1_000;
/// Events that one file has at most.
const EXPORTED: usize = 10_000;

pub(super) fn add(operations: Operations) -> Operations {
    operations
        .paged::<EventsQuery, EventsView, _, _>(
            "/api/v1/events",
            "The latest events of the log, the newest first.",
            events,
        )
        .one::<NoParams, EventRow, _, _>("/api/v1/events/{id}", "One event of the log.", event)
        .paged::<EventsQuery, AuditView, _, _>(
            "/api/v1/audit",
            "What people did, the newest first: acts, counts, removals, policies, what else they \
             set, logins, and what was done to users and to the simulation.",
            audit,
        )
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
struct EventsQuery {
    /// Of this store.
    store: Option<String>,
    /// Of this type, as `pickup`.
    r#type: Option<String>,
    /// That name this sku, customer, lot, order, alert, receipt or person.
    about: Option<String>,
    /// Done or set by this person.
    actor: Option<String>,
    /// Rows, 1 to 1,000; 100 without it. Of a file 1 to 10,000; 10,000 without it.
    limit: Option<u64>,
    /// Received by this time, RFC 3339; without it, all.
    as_of: Option<String>,
    /// The token of the page, as the page before gave it: a file has it in `X-Next-Page`.
    page: Option<String>,
    /// `json`, `csv` or `ndjson`; the last two give a file. Without it, what `Accept` says.
    format: Option<String>,
}

/// One event of the log.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(super) struct EventRow {
    /// Its place in the log, as `p03-1207`.
    pub(super) id: String,
    /// When it reached the log.
    pub(super) received_at: String,
    /// Of which store.
    #[schema(value_type = String)]
    pub(super) store: StoreId,
    /// Where it came from; `null` where that is not known.
    pub(super) source: Option<String>,
    /// The event under the names of `docs/schemas/v1`.
    pub(super) event: Map<String, Value>,
}

/// Events, the newest first.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
struct EventsView {
    /// The rows. There may be fewer than asked for, and more behind the token.
    events: Vec<EventRow>,
    /// The token of the next page; `null` where the log begins.
    next_page: Option<String>,
}

/// What a person did to the server and not to a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct HostActRow {
    /// What time it was in the stores.
    pub(super) at: String,
    /// What time it was on the clock of the machine.
    pub(super) clock_at: String,
    /// Who, as far as they said.
    pub(super) actor: String,
    /// `login`, `login_failed`, `logout`, `user_set`, `user_removed`, `token_made`,
    /// `token_removed`, `simulation_paused`, `simulation_resumed`, `simulation_speed` or
    /// `quarantine_retry`.
    pub(super) act: String,
    /// With what: an address, a speed, a user with what was set, the ids of entries.
    pub(super) detail: String,
}

/// What people did, the newest first.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
struct AuditView {
    /// What they did in stores, as events.
    events: Vec<EventRow>,
    /// What they did to the server: the newest, for those who see all stores, on the first page of
    /// a list of all stores.
    host_acts: Vec<HostActRow>,
    /// The token of the next page of events; `null` where the log begins.
    next_page: Option<String>,
}

pub(super) fn id_of((partition, offset): LogPlace) -> String {
    format!("p{partition:02}-{offset}")
}

pub(super) fn place_of(id: &str) -> Result<LogPlace, Problem> {
    let numbers = id.strip_prefix('p').and_then(|rest| rest.split_once('-'));
    let place = numbers.and_then(|(p, offset)| Some((p.parse().ok()?, offset.parse().ok()?)));
    place.ok_or_else(|| Problem::new(Kind::NotFound, "no event has this id; give it as p03-1207"))
}

impl EventRow {
    fn new(event: &Event, place: LogPlace, sources: &Sources) -> Self {
        let fields = match &event.body {
            // Bytes that are no event have no JSON of their own.
            Body::Rejected(rejected) => {
                let raw = String::from_utf8_lossy(&rejected.raw).into_owned();
                let reason = Value::from(rejected.reason.as_str());
                [("reason".to_owned(), reason), ("raw".to_owned(), raw.into())]
                    .into_iter()
                    .collect()
            }
            _ => {
                let mut line = Vec::new();
                write_event(event, &mut line);
                serde_json::from_slice(&line).unwrap_or_default()
            }
        };
        let source = sources.get(event.origin.source).map(|known| known.source.name.clone());
        let received_at = rfc3339(event.received_at);
        Self { id: id_of(place), received_at, store: event.store, source, event: fields }
    }

    fn names(&self, what: &str) -> bool {
        fn within(value: &Value, what: &str) -> bool {
            match value {
                Value::String(text) => text == what,
                Value::Array(values) => values.iter().any(|value| within(value, what)),
                Value::Object(fields) => fields.values().any(|value| within(value, what)),
                _ => false,
            }
        }
        self.event.values().any(|value| within(value, what))
    }
}

/// An event with when it reached the log, and where it stands.
type Placed = (i64, LogPlace, Event);

/// What of the log a request looks at.
struct Look {
    store: Option<StoreId>,
    kind: Option<String>,
    about: Option<String>,
    actor: Option<String>,
    rows: usize,
    /// Before which offset of each partition.
    before: Option<Vec<Offset>>,
    stores: Option<Vec<StoreId>>,
    acts: bool,
    /// Of what was done to the server, that by then.
    until: Option<Timestamp>,
}

impl Look {
    fn of(query: EventsQuery, who: &Who, acts: bool, format: Format) -> Result<Self, Problem> {
        let (usual, most) = match format {
            Format::Json => (100, SHOWN),
            Format::Csv | Format::Ndjson => (EXPORTED as u64, EXPORTED),
        };
        let rows = query.limit.unwrap_or(usual);
        if !(1..=most as u64).contains(&rows) {
            return Err(Problem::new(Kind::BadRequest, format!("limit may be 1 to {most}")));
        }
        let store = maybe_store(query.store.as_ref())?;
        if let Some(store) = store {
            who.must_see(store)?;
        }
        let before = query.page.as_deref().map(offsets_of).transpose()?;
        let (kind, about, actor) = (query.r#type, query.about, query.actor);
        let (rows, stores) = (rows as usize, who.stores.clone());
        Ok(Self { store, kind, about, actor, rows, before, stores, acts, until: None })
    }

    /// The same of a past moment.
    async fn by(mut self, app: &App, as_of: Option<Timestamp>) -> Result<Self, Problem> {
        let Some(moment) = as_of else { return Ok(self) };
        let ends = app.ends_at(moment).await?;
        let page = self.before.take().unwrap_or_else(|| ends.clone());
        let within = |(end, page): (Offset, Offset)| end.min(page);
        self.before = Some(ends.into_iter().zip(page).map(within).collect());
        self.until = Some(moment);
        Ok(self)
    }

    fn keeps(&self, event: &Event) -> bool {
        self.store.is_none_or(|store| store == event.store)
            && self.stores.as_ref().is_none_or(|stores| stores.contains(&event.store))
            && (!self.acts || is_act(&event.body))
    }

    /// Whether the event is of the type, and names what is asked for. `line` is room for its JSON.
    fn fits(&self, event: &Event, sources: &Sources, line: &mut Vec<u8>) -> bool {
        if self.kind.is_none() && self.about.is_none() && self.actor.is_none() {
            return true;
        }
        // Most events do not have the words at all, and need not be taken apart.
        if !matches!(event.body, Body::Rejected(_)) {
            line.clear();
            write_event(event, line);
            let text = String::from_utf8_lossy(line);
            // A word with other letters may be written in another way in JSON.
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            let has = |word: &Option<String>| {
                let word = word.as_deref().filter(|word| word.bytes().all(plain));
                word.is_none_or(|word| text.contains(word))
            };
            if !has(&self.kind) || !has(&self.about) || !has(&self.actor) {
                return false;
            }
        }
        self.keeps_row(&EventRow::new(event, (0, 0), sources))
    }

    fn keeps_row(&self, row: &EventRow) -> bool {
        let kind = row.event.get("event_type").and_then(Value::as_str);
        let actor = row.event.get("actor").and_then(Value::as_str);
        self.kind.as_deref().is_none_or(|wanted| Some(wanted) == kind)
            && self.actor.as_deref().is_none_or(|wanted| Some(wanted) == actor)
            && self.about.as_deref().is_none_or(|what| row.names(what))
    }

    fn look(&self, folder: &Folder) -> Result<EventsView, HostError> {
        let sources = Sources::open(folder)?;
        let (found, next_page) = self.find(folder, &sources)?;
        let rows = found.iter().map(|(_, place, event)| EventRow::new(event, *place, &sources));
        Ok(EventsView { events: rows.collect(), next_page })
    }

    /// The events, the newest first, and the token of those behind them.
    fn find(
        &self,
        folder: &Folder,
        sources: &Sources,
    ) -> Result<(Vec<Placed>, Option<String>), HostError> {
        let mut log = LogReader::open(folder.log())?;
        let mut found: Vec<Placed> = Vec::new();
        let mut line = Vec::new();
        let mut starts = Vec::new();
        for partition in 0..log.partition_count() {
            let newest = log.end_offset(partition)?;
            let before = self.before.as_ref().and_then(|all| all.get(partition as usize).copied());
            let end = before.unwrap_or(newest).min(newest);
            let first = log.start_offset(partition)?;
            let from = end.saturating_sub(LOOKED_AT).max(first);
            starts.push((from, first));
            events_between(&mut log, partition, from, end, |offset, event| {
                if self.keeps(&event) && self.fits(&event, sources, &mut line) {
                    found.push((event.received_at.0, (partition, offset), event));
                }
            })?;
        }
        found.sort_by_key(|(at, place, _)| std::cmp::Reverse((*at, place.1, place.0)));
        let left = found.split_off(self.rows.min(found.len()));
        let mut next: Vec<Offset> = starts.iter().map(|(from, _)| *from).collect();
        for (_, (partition, offset), _) in &left {
            if let Some(bound) = next.get_mut(*partition as usize) {
                *bound = (*bound).max(offset + 1);
            }
        }
        let more = next.iter().zip(&starts).any(|(bound, (_, first))| bound > first);
        Ok((found, more.then(|| token_of(&next))))
    }
}

impl Look {
    /// What was done to the server, the newest first.
    fn host_acts(&self, folder: &Folder) -> Result<Vec<HostAct>, HostError> {
        let kept = |act: &HostAct| {
            let about = self.about.as_ref();
            self.until.is_none_or(|until| act.at <= until)
                && self.kind.as_ref().is_none_or(|kind| *kind == act.act)
                && self.actor.as_ref().is_none_or(|actor| *actor == act.actor)
                && about.is_none_or(|what| *what == act.actor || act.about() == what)
        };
        Ok(noted_acts(folder)?.into_iter().rev().filter(kept).take(self.rows).collect())
    }
}

fn is_act(body: &Body) -> bool {
    let act = matches!(
        body,
        Body::AlertAct(_)
            | Body::OrderAct(_)
            | Body::TaskAct(_)
            | Body::Count(_)
            | Body::Removal(_)
            | Body::Policy(_)
    );
    act || body.set_by().is_some()
}

fn token_of(offsets: &[Offset]) -> String {
    let words: Vec<String> = offsets.iter().map(Offset::to_string).collect();
    URL_SAFE_NO_PAD.encode(words.join(","))
}

fn offsets_of(token: &str) -> Result<Vec<Offset>, Problem> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let offsets =
        text.and_then(|text| text.split(',').map(|word| word.parse().ok()).collect::<Option<_>>());
    offsets.ok_or_else(|| Problem::new(Kind::BadPage, "this is no token of a page"))
}

async fn events(
    State(app): State<App>,
    who: Who,
    headers: HeaderMap,
    Params(query): Params<EventsQuery>,
) -> Result<Response, Problem> {
    let format = format_of(query.format.as_deref(), accepted(&headers))?;
    let as_of = query.as_of.as_deref().map(time_of).transpose()?;
    let look = Look::of(query, &who, false, format)?.by(&app, as_of).await?;
    let folder = app.parts().folder.clone();
    let answered = app.blocking(move || {
        let view = look.look(&folder)?;
        answer(format, &view, &view.events, "events", view.next_page.as_deref())
    });
    answered.await?
}

async fn audit(
    State(app): State<App>,
    who: Who,
    headers: HeaderMap,
    Params(query): Params<EventsQuery>,
) -> Result<Response, Problem> {
    who.must_be(Role::Planner)?;
    let format = format_of(query.format.as_deref(), accepted(&headers))?;
    let whole = who.stores.is_none() && query.store.is_none() && query.page.is_none();
    let as_of = query.as_of.as_deref().map(time_of).transpose()?;
    let look = Look::of(query, &who, true, format)?.by(&app, as_of).await?;
    let folder = app.parts().folder.clone();
    let answered = app.blocking(move || {
        let host_acts = if whole { look.host_acts(&folder)? } else { Vec::new() };
        let host_acts = host_acts.into_iter().map(HostActRow::from).collect();
        let EventsView { events, next_page } = look.look(&folder)?;
        let view = AuditView { events, host_acts, next_page };
        let rows = match format {
            Format::Json => Vec::new(),
            Format::Csv | Format::Ndjson => act_rows(&view.events, &view.host_acts),
        };
        answer(format, &view, &rows, "audit", view.next_page.as_deref())
    });
    answered.await?
}

impl From<HostAct> for HostActRow {
    fn from(act: HostAct) -> Self {
        let (at, clock_at) = (rfc3339(act.at), rfc3339(act.clock_at));
        Self { at, clock_at, actor: act.actor, act: act.act, detail: act.detail }
    }
}

/// What a page of acts asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct ActsAsked {
    pub(crate) store: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) actor: Option<String>,
    /// Done by then.
    pub(crate) as_of: Option<Timestamp>,
    /// The token of the page.
    pub(crate) page: Option<String>,
}

/// Something that a person did.
#[derive(Clone, Debug)]
pub(crate) struct Act {
    /// What time it was in the stores.
    pub(crate) at: Timestamp,
    /// In which store; `None` where it was done to the server.
    pub(crate) store: Option<StoreId>,
    /// Who, as far as they said.
    pub(crate) actor: String,
    /// What, as a stable code.
    pub(crate) kind: String,
    /// The event as JSON, or with what something was done to the server.
    pub(crate) detail: String,
    /// Where the event stands.
    pub(crate) place: Option<LogPlace>,
    /// By which way it came.
    pub(crate) source: Option<String>,
}

/// What people did, the newest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Acts {
    pub(crate) acts: Vec<Act>,
    /// The token of those behind them.
    pub(crate) next_page: Option<String>,
}

/// What people did in the stores that `who` sees, and to the server for those who see all.
pub(crate) async fn acts(app: &App, who: &Who, asked: ActsAsked) -> Result<Acts, Problem> {
    who.must_be(Role::Planner)?;
    let whole = who.stores.is_none() && asked.store.is_none() && asked.page.is_none();
    let ActsAsked { store, kind, actor, as_of, page } = asked;
    let query = EventsQuery { store, r#type: kind, actor, page, ..EventsQuery::default() };
    let look = Look::of(query, who, true, Format::Json)?.by(app, as_of).await?;
    let folder = app.parts().folder.clone();
    let found = app.blocking(move || {
        let sources = Sources::open(&folder)?;
        let (events, next_page) = look.find(&folder, &sources)?;
        let mut acts: Vec<Act> =
            events.iter().map(|(_, place, event)| Act::of(event, *place, &sources)).collect();
        if whole {
            acts.extend(look.host_acts(&folder)?.into_iter().map(Act::from));
        }
        acts.sort_by_key(|act| std::cmp::Reverse(act.at));
        Ok::<_, HostError>(Acts { acts, next_page })
    });
    Ok(found.await??)
}

impl Act {
    fn of(event: &Event, place: LogPlace, sources: &Sources) -> Self {
        let EventRow { store, source, event: mut fields, .. } =
            EventRow::new(event, place, sources);
        let mut text = |name: &str| {
            let value = fields.remove(name);
            value.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let (actor, kind) = (text("actor"), text("event_type"));
        fields.insert("event_type".to_owned(), kind.clone().into());
        let detail = Value::Object(fields).to_string();
        let (at, store, place) = (event.received_at, Some(store), Some(place));
        Self { at, store, actor, kind, detail, place, source }
    }
}

impl From<HostAct> for Act {
    fn from(act: HostAct) -> Self {
        let HostAct { at, actor, act: kind, detail, .. } = act;
        Self { at, store: None, actor, kind, detail, place: None, source: None }
    }
}

async fn event(
    State(app): State<App>,
    who: Who,
    Path(id): Path<String>,
    _: Params<NoParams>,
) -> Result<Response, Problem> {
    let (place, folder) = (place_of(&id)?, app.parts().folder.clone());
    let row = app.blocking(move || {
        let (mut log, sources) = (LogReader::open(folder.log())?, Sources::open(&folder)?);
        there(&mut log, place)?;
        Ok::<_, Problem>(EventRow::new(&event_at(&mut log, place)?, place, &sources))
    });
    let row = row.await??;
    who.must_see(row.store)?;
    Ok(axum::Json(row).into_response())
}

/// A problem where the log has no event there.
fn there(log: &mut LogReader, (partition, offset): LogPlace) -> Result<(), Problem> {
    let gone = || Problem::new(Kind::NotFound, "the log has no event there");
    if partition >= log.partition_count() {
        return Err(gone());
    }
    let (start, end) = (log.start_offset(partition)?, log.end_offset(partition)?);
    if (start..end).contains(&offset) { Ok(()) } else { Err(gone()) }
}
