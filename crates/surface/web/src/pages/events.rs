//! What happened: the tail of the log, one event in full, everything about one customer, lot or
//! order.

use std::fmt::Write as _;

use askama::Template;
use shelf_domain::StoreId;
use shelf_events::event_kinds;
use shelf_views::{EffectKind, EffectLine, wording};

use super::fmt;
use super::query::{Query, encode};
use super::scene::{Logged, Part, Scene, Wrong};
use super::trail::{Keep, Want};

/// The most lines of the tail.
pub(super) const LINES: usize = 150;

/// One line of the tail.
struct Row {
    /// Its place in the log, by which an open page knows it again.
    id: String,
    at: String,
    store: String,
    class: &'static str,
    kind: String,
    text: String,
    link: String,
}

#[derive(Template)]
#[template(path = "event_filters.html")]
struct Filters {
    store: Option<String>,
    as_of: Option<String>,
    text: String,
    kinds: Vec<(&'static str, bool)>,
    /// A kind that is asked for, and that there is not.
    unknown: Option<String>,
    sources: [(&'static str, &'static str, bool); 2],
}

#[derive(Template)]
#[template(path = "events.html")]
#[expect(clippy::struct_excessive_bools, reason = "each is a sentence of the page, or none")]
struct Tail {
    rows: Vec<Row>,
    effects: bool,
    live: bool,
    narrowed: bool,
    all: String,
    /// Whether the log was looked through, and no longer list is known.
    bounded: bool,
}

/// The kinds of what followed, or of what came in.
fn kinds_of(effects: bool) -> Vec<&'static str> {
    if effects {
        EffectKind::LISTED.into_iter().map(EffectKind::code).collect()
    } else {
        event_kinds().collect()
    }
}

/// What of the log the page shows: what followed, or what came in.
struct Asked<'a> {
    effects: bool,
    kinds: Vec<&'static str>,
    kind: Option<&'static str>,
    /// A kind that is asked for, and that there is not.
    unknown: Option<&'a str>,
    word: Option<&'a str>,
    /// Whether it is of one store, or of a moment that has passed.
    placed: bool,
}

impl<'a> Asked<'a> {
    fn of(query: &'a Query) -> Self {
        let effects = query.get("show") != Some("events");
        let (kinds, named) = (kinds_of(effects), query.get("kind"));
        let kind = kinds.iter().copied().find(|kind| named == Some(*kind));
        let unknown = if kind.is_some() { None } else { named };
        let placed = query.get("store").is_some() || query.get("as_of").is_some();
        Self { effects, kinds, kind, unknown, word: query.get("text"), placed }
    }

    /// Whether it is looked up in the log: the feed has the latest lines of all stores only.
    fn looked_up(&self) -> bool {
        self.narrows() || self.placed
    }

    fn narrows(&self) -> bool {
        self.kind.is_some() || self.word.is_some()
    }
}

/// What the page asks the log for, of these stores; `None`: of all.
pub(super) fn want(query: &Query, stores: Option<Vec<StoreId>>) -> Want {
    let asked = Asked::of(query);
    let keep =
        Keep { stores, kind: asked.kind.map(str::to_owned), word: asked.word.map(str::to_owned) };
    match (asked.effects, asked.looked_up()) {
        (false, _) => Want::Events(keep),
        (true, true) => Want::Effects(keep),
        // The latest lines are in the feed.
        (true, false) => Want::Nothing,
    }
}

/// The parts of the page of events.
pub(super) fn parts(scene: &Scene<'_>) -> Result<Vec<Part>, Wrong> {
    let asked = Asked::of(scene.query);
    let (effects, narrowed) = (asked.effects, asked.narrows());
    let filters = Filters {
        store: scene.query.get("store").map(str::to_owned),
        as_of: scene.as_of.map(str::to_owned),
        text: asked.word.unwrap_or_default().to_owned(),
        kinds: asked.kinds.iter().map(|&known| (known, asked.kind == Some(known))).collect(),
        unknown: asked.unknown.map(str::to_owned),
        sources: [("effects", "What followed", effects), ("events", "What came in", !effects)],
    };
    let rows = if effects { effect_rows(scene, asked.looked_up()) } else { event_rows(scene) };
    let live = scene.as_of.is_none();
    let bounded = rows.len() < LINES;
    let tail = Tail { rows, effects, live, narrowed, all: scene.link("/events"), bounded };
    Ok(vec![Part::still("filters", &filters)?, Part::live("events", &tail)?])
}

fn effect_rows(scene: &Scene<'_>, looked_up: bool) -> Vec<Row> {
    let asked = scene.asked();
    let several = scene.stores().len() > 1;
    let from_log: Vec<EffectLine> = scene.effects.iter().map(EffectLine::new).collect();
    let lines = if looked_up { from_log.as_slice() } else { scene.lines };
    let row = |line: &EffectLine| {
        let clock = scene.chain.store(line.store).map(|store| &store.settings().clock);
        Row {
            id: format!("f-{}-{}-{}", line.store, line.input_offset, line.index),
            at: clock.map_or_else(String::new, |clock| wording::local_time(clock, line.at)),
            store: if several { line.store.to_string() } else { String::new() },
            class: line.severity.map_or("", shelf_domain::Severity::code),
            kind: line.kind.code().to_owned(),
            text: fmt::sentence(&line.text),
            link: line.sku.map_or_else(String::new, |sku| {
                scene.link_in(line.store, &format!("/shelves/{}", encode(sku.as_str())))
            }),
        }
    };
    let of_store = |line: &&EffectLine| asked.is_none_or(|id| id == line.store);
    lines.iter().rev().filter(of_store).take(LINES).map(row).collect()
}

fn event_rows(scene: &Scene<'_>) -> Vec<Row> {
    let several = scene.stores().len() > 1;
    let row = |logged: &Logged| {
        let clock = scene.chain.store(logged.event.store).map(|store| &store.settings().clock);
        let at = logged.event.at;
        Row {
            id: format!("e-{}-{}", logged.partition, logged.offset),
            at: clock
                .map_or_else(|| wording::minute_utc(at), |clock| wording::local_time(clock, at)),
            store: if several { logged.event.store.to_string() } else { String::new() },
            class: "",
            kind: kind_of(&logged.text),
            text: describe(&logged.text),
            link: scene.link(&format!("/events/{}/{}", logged.partition, logged.offset)),
        }
    };
    scene.events.iter().rev().take(LINES).map(row).collect()
}

/// The kind of an event as a code.
fn code_of(text: &str) -> String {
    let value: Option<serde_json::Value> = serde_json::from_str(text).ok();
    let kind = value.as_ref().and_then(|value| value.get("event_type")?.as_str());
    kind.unwrap_or("event").to_owned()
}

fn kind_of(text: &str) -> String {
    fmt::words(&code_of(text))
}

/// An event as one line: its kind, and what is in it.
pub(super) fn describe(text: &str) -> String {
    const LEFT_OUT: [&str; 6] =
        ["event_type", "event_id", "store_id", "timestamp", "received_at", "shelf_sensor"];
    let Ok(serde_json::Value::Object(fields)) = serde_json::from_str(text) else {
        return text.chars().take(200).collect();
    };
    let mut line = kind_of(text);
    for (name, value) in &fields {
        if LEFT_OUT.contains(&name.as_str()) || name.ends_with("_at") {
            continue;
        }
        let value = match value {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Array(items) => wording::counted(items.len() as u64, "line"),
            other => other.to_string(),
        };
        let _ = write!(line, ", {} {value}", name.replace('_', " "));
    }
    line.chars().take(240).collect()
}

#[derive(Template)]
#[template(path = "event.html")]
struct OneEvent {
    place: String,
    title: String,
    fields: Vec<(String, String)>,
    json: String,
    list: String,
    follows: Vec<(String, String)>,
    effects: Vec<String>,
}

/// The parts of one event.
pub(super) fn one(scene: &Scene<'_>, partition: &str, offset: &str) -> Result<Vec<Part>, Wrong> {
    let place = format!("p{partition}:{offset}");
    let logged = scene.events.iter().find(|logged| {
        logged.partition.to_string() == partition && logged.offset.to_string() == offset
    });
    let logged = logged.ok_or_else(|| {
        Wrong::missing(format!("There is no event {place}."), "The tail has the latest ones.")
    })?;
    let value: serde_json::Value = serde_json::from_str(&logged.text).unwrap_or_default();
    let mut fields = Vec::new();
    let mut follows = Vec::new();
    for (name, value) in value.as_object().into_iter().flatten() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let followed = ["customer_id", "batch_code", "lot", "order", "sku", "item_id", "alert"];
        if followed.contains(&name.as_str()) {
            let link = scene.link(&format!("/events?show=events&text={}", encode(&text)));
            follows.push((format!("{} {text}", name.replace('_', " ")), link));
        }
        fields.push((name.replace('_', " "), text.chars().take(2_000).collect()));
    }
    let after = scene.effects.iter().filter(|record| {
        record.input_offset == logged.offset && record.store == logged.event.store
    });
    let page = OneEvent {
        place,
        title: kind_of(&logged.text),
        fields,
        json: serde_json::to_string_pretty(&value).unwrap_or_default(),
        list: scene.link("/events"),
        follows,
        effects: after.map(|record| fmt::sentence(&EffectLine::new(record).text)).collect(),
    };
    Ok(vec![Part::still("event", &page)?])
}
