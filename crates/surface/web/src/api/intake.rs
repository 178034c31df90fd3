//! `POST /api/v1/events`: one event, a list of them, or NDJSON, plain or gzipped. Each has a
//! result, and the answer comes when all are on disk.

use std::io::Read;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::read::MultiGzDecoder;
use serde::Serialize;
use serde_json::value::RawValue;
use shelf_domain::{Body, Event, Origin, Timestamp};
use shelf_events::Defaults;
use shelf_host::{Ack, AckStatus};
use shelf_sources::{Foreign, Known, LineReader};
use utoipa::ToSchema;

use super::asked::{body_of, media_type};
use super::operations::Operations;
use crate::access::{Role, Who};
use crate::acts::hand_in;
use crate::app::App;
use crate::door::Incoming;
use crate::problem::{Kind, Problem};

/// The media type of NDJSON.
pub(super) const NDJSON: &str = "application/x-ndjson";

/// The most events of one request.
const EVENTS: usize = 50_000;

pub(super) fn add(operations: Operations) -> Operations {
    operations.act::<AnyEvents, Taken, _, _>(
        &Method::POST,
        "/api/v1/events",
        "Takes events: one object, an array of them, or NDJSON, also with Content-Encoding: gzip. \
         The answer is 202 once they are on disk.",
        take,
    )
}

/// An event, or an array of events, as `docs/schemas/v1` describes them.
#[derive(Clone, Copy, Debug, ToSchema)]
#[schema(value_type = Object)]
struct AnyEvents(());

/// What became of the events of a request.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
struct Taken {
    /// On disk and applied.
    accepted: u64,
    /// Known already.
    duplicates: u64,
    /// On disk and in quarantine.
    quarantined: u64,
    /// Not events: not taken.
    rejected: u64,
    /// Each, in turn.
    results: Vec<Taking>,
}

/// What became of one event.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Taking {
    /// Its place in the request, from 0.
    index: usize,
    /// `accepted`, `duplicate`, `quarantined` or `rejected`.
    #[schema(value_type = String)]
    status: AckStatus,
    /// Why it was not accepted.
    code: Option<String>,
    /// What to do about it.
    hint: Option<String>,
}

async fn take(State(app): State<App>, who: Who, request: Request) -> Result<Response, Problem> {
    who.must_be(Role::Operator)?;
    let most = app.options().limits.body_bytes;
    let kind = media_type(request.headers());
    let packed = gzipped(request.headers())?;
    let lines = match kind.as_deref() {
        Some("application/json") => Lines::Json,
        Some(NDJSON | "application/ndjson" | "application/jsonl") => Lines::Ndjson,
        other => {
            let detail = format!("the body is {}", other.unwrap_or("of no type"));
            return Err(Problem::new(Kind::WrongType, detail));
        }
    };
    let bytes = body_of(request, most).await?;
    let (now, foreign) = (app.now(), app.parts().foreign.clone());
    let read = app.blocking(move || {
        let bytes = if packed { unpacked(&bytes, most)? } else { bytes.to_vec() };
        lines.read(&bytes, &who, now, foreign)
    });
    let items = read.await??;
    answer(&app, items).await
}

fn gzipped(headers: &HeaderMap) -> Result<bool, Problem> {
    match headers.get(header::CONTENT_ENCODING).map(axum::http::HeaderValue::as_bytes) {
        None | Some(b"identity") => Ok(false),
        Some(b"gzip") => Ok(true),
        Some(_) => {
            Err(Problem::new(Kind::WrongType, "the body is packed in another way than gzip"))
        }
    }
}

fn unpacked(bytes: &[u8], most: usize) -> Result<Vec<u8>, Problem> {
    let mut unpacked = Vec::new();
    let read = MultiGzDecoder::new(bytes).take(most as u64 + 1).read_to_end(&mut unpacked);
    match read {
        Ok(size) if size > most => {
            let detail = format!("unpacked it may be {most} bytes long");
            Err(Problem::new(Kind::TooLarge, detail))
        }
        Ok(_) => Ok(unpacked),
        Err(_) => Err(Problem::new(Kind::BadBody, "the body is no gzip, or it is cut off")),
    }
}

/// How events stand in a body.
#[derive(Clone, Copy, Debug)]
enum Lines {
    Json,
    Ndjson,
}

/// One item of a body: events that are to be taken, or why there are none.
enum Item {
    Events(Vec<Incoming>),
    Told(Ack),
}

impl Lines {
    fn read(
        self,
        bytes: &[u8],
        who: &Who,
        now: Timestamp,
        foreign: Foreign,
    ) -> Result<Vec<Item>, Problem> {
        let items: Vec<&[u8]> = match self {
            Self::Ndjson => {
                let lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
                lines.filter(|line| !line.is_empty()).collect()
            }
            Self::Json if bytes.trim_ascii_start().starts_with(b"[") => {
                let items: Vec<&RawValue> = serde_json::from_slice(bytes)
                    .map_err(|error| Problem::new(Kind::BadBody, error.to_string()))?;
                items.into_iter().map(|item| item.get().as_bytes()).collect()
            }
            Self::Json => vec![bytes],
        };
        if items.len() > EVENTS {
            let detail = format!("these are {} events; {EVENTS} may come at once", items.len());
            return Err(Problem::new(Kind::TooLarge, detail));
        }
        let mut reader = LineReader::new(foreign, Known::default());
        let defaults = Defaults { store: None, received_at: now };
        let items = (1..).zip(items).map(|(line, item)| match reader.read(item, &defaults) {
            Err(error) => Item::Told(refused(error.code(), &error.to_string())),
            Ok(read) => {
                let declared = read.declarations.into_iter().map(|event| (event, true));
                let events = declared.chain(read.events.into_iter().map(|event| (event, false)));
                let events = events.map(|(event, if_new)| {
                    let origin = Origin { line, ..Origin::default() };
                    let event = Event { origin, received_at: now, ..event };
                    allowed(event, who).map(|event| Incoming { event, if_new })
                });
                match events.collect::<Result<Vec<_>, Ack>>() {
                    Ok(events) => Item::Events(events),
                    Err(ack) => Item::Told(ack),
                }
            }
        });
        Ok(items.collect())
    }
}

fn refused(code: &str, hint: &str) -> Ack {
    let (code, hint) = (Some(code.to_owned()), Some(hint.to_owned()));
    Ack { status: AckStatus::Rejected, code, hint }
}

/// An event that this user may send. What a person did is done by the user, whoever it names; an
/// admin may name somebody else.
pub(super) fn allowed(mut event: Event, who: &Who) -> Result<Event, Ack> {
    if !who.sees(event.store) {
        return Err(refused(Kind::OtherStore.code(), Kind::OtherStore.hint()));
    }
    let role = match &event.body {
        Body::Store(_)
        | Body::Product(_)
        | Body::Shelf(_)
        | Body::OpeningStock(_)
        | Body::Supplier(_)
        | Body::Policy(_)
        | Body::Price(_)
        | Body::Promotion(_)
        | Body::OrderAct(_)
        | Body::WindowPlan(_) => Role::Planner,
        _ => Role::Operator,
    };
    if who.role < role {
        return Err(refused(Kind::Forbidden.code(), Kind::Forbidden.hint()));
    }
    if let Some(actor) = event.body.actor_mut()
        && (who.role < Role::Admin || actor.is_empty())
    {
        *actor = who.name;
    }
    Ok(event)
}

async fn answer(app: &App, items: Vec<Item>) -> Result<Response, Problem> {
    let mut events = Vec::new();
    let mut shapes = Vec::with_capacity(items.len());
    for item in items {
        match item {
            Item::Events(more) => {
                shapes.push(Ok(more.len()));
                events.extend(more);
            }
            Item::Told(ack) => shapes.push(Err(ack)),
        }
    }
    let mut acks = hand_in(app, events).await?.into_iter();
    let mut taken = Taken::default();
    for (index, shape) in shapes.into_iter().enumerate() {
        // What an item declares comes before what it tells: the last answer is that of the item.
        let ack = match shape {
            Ok(events) => acks.by_ref().take(events).last(),
            Err(ack) => Some(ack),
        };
        let accepted = Ack { status: AckStatus::Accepted, code: None, hint: None };
        let Ack { status, code, hint } = ack.unwrap_or(accepted);
        match status {
            AckStatus::Accepted => taken.accepted += 1,
            AckStatus::Duplicate => taken.duplicates += 1,
            AckStatus::Quarantined => taken.quarantined += 1,
            AckStatus::Rejected => taken.rejected += 1,
        }
        taken.results.push(Taking { index, status, code, hint });
    }
    let nothing = taken.accepted + taken.duplicates + taken.quarantined == 0;
    let status = match (nothing, taken.rejected) {
        (true, 1..) => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::ACCEPTED,
    };
    if status == StatusCode::UNPROCESSABLE_ENTITY {
        let first = taken.results.first();
        let code = first.and_then(|first| first.code.clone()).unwrap_or_default();
        let hint = first.and_then(|first| first.hint.clone()).unwrap_or_default();
        let results = taken.results.into_iter();
        let results =
            results.map(|Taking { status, code, hint, .. }| Ack { status, code, hint }).collect();
        let problem = Problem::coded(status, &code, "nothing of it is an event", &hint);
        return Err(Problem { results: Some(results), ..problem });
    }
    Ok((status, axum::Json(taken)).into_response())
}
