//! What happened: the tail of the log, one event in full, everything about one customer, lot or
//! order.

use std::fmt::Write as _;

use askama::Template;
use shelf_views::{EffectLine, wording};

use super::fmt;
use super::query::encode;
use super::scene::{Logged, Part, Scene, Wrong};

/// The most lines of the tail.
const LINES: usize = 150;

/// One line of the tail.
struct Row {
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
    sources: [(&'static str, &'static str, bool); 2],
}

#[derive(Template)]
#[template(path = "events.html")]
struct Tail {
    rows: Vec<Row>,
    effects: bool,
    live: bool,
    narrowed: bool,
    all: String,
}

/// Kinds of what followed.
const KINDS: &[&str] = &["alert", "task", "order", "price", "removed", "explained", "quarantined"];
/// Kinds of what came in.
const EVENT_KINDS: &[&str] = &[
    "pickup",
    "putback",
    "entry",
    "exit",
    "pos_transaction",
    "weight_change",
    "refill",
    "transfer",
    "wh_in",
    "wh_out",
    "count",
    "removal",
    "alert_act",
    "order_act",
    "task_act",
    "policy",
    "price",
    "promotion",
    "product",
    "shelf",
    "store",
    "supplier",
];

/// The parts of the page of events.
pub(super) fn parts(scene: &Scene<'_>) -> Result<Vec<Part>, Wrong> {
    let effects = scene.query.get("show") != Some("events");
    let kinds = if effects { KINDS } else { EVENT_KINDS };
    let kind = scene.query.get("kind").filter(|kind| kinds.contains(kind));
    let filters = Filters {
        store: scene.query.get("store").map(str::to_owned),
        as_of: scene.as_of.map(str::to_owned),
        text: scene.query.get("text").unwrap_or_default().to_owned(),
        kinds: kinds.iter().map(|&known| (known, kind == Some(known))).collect(),
        sources: [("effects", "What followed", effects), ("events", "What came in", !effects)],
    };
    let rows = if effects { effect_rows(scene, kind) } else { event_rows(scene, kind) };
    let narrowed = scene.query.get("text").is_some() || kind.is_some();
    let live = effects && !narrowed && scene.as_of.is_none();
    let tail = Tail { rows, effects, live, narrowed, all: scene.link("/events") };
    let filters = Part::still("filters", &filters)?;
    let tail = if live { Part::live("events", &tail)? } else { Part::still("events", &tail)? };
    Ok(vec![filters, tail])
}

fn effect_rows(scene: &Scene<'_>, kind: Option<&str>) -> Vec<Row> {
    let text = scene.query.get("text");
    let asked = scene.asked();
    let several = scene.stores().len() > 1;
    let from_log: Vec<EffectLine> = scene.effects.iter().map(EffectLine::new).collect();
    // What the page asked the log for goes further back than the latest lines.
    let lines = if from_log.is_empty() { scene.lines } else { from_log.as_slice() };
    let wanted = lines.iter().rev().filter(|line| {
        let kind_of = serde_json::to_value(line.kind).ok();
        let kind_of = kind_of.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default();
        let sku = line.sku.map(|sku| sku.to_string()).unwrap_or_default();
        kind_of != "window"
            && asked.is_none_or(|id| id == line.store)
            && kind.is_none_or(|kind| kind == kind_of)
            && text.is_none_or(|text| line.text.contains(text) || sku.contains(text))
    });
    let row = |line: &EffectLine| {
        let clock = scene.chain.store(line.store).map(|store| &store.settings().clock);
        let kind = serde_json::to_value(line.kind).ok();
        Row {
            at: clock.map_or_else(String::new, |clock| wording::local_time(clock, line.at)),
            store: if several { line.store.to_string() } else { String::new() },
            class: line.severity.map_or("", shelf_domain::Severity::code),
            kind: kind.and_then(|kind| kind.as_str().map(str::to_owned)).unwrap_or_default(),
            text: fmt::sentence(&line.text),
            link: line.sku.map_or_else(String::new, |sku| {
                scene.link_in(line.store, &format!("/shelves/{}", encode(sku.as_str())))
            }),
        }
    };
    wanted.take(LINES).map(row).collect()
}

fn event_rows(scene: &Scene<'_>, kind: Option<&str>) -> Vec<Row> {
    let several = scene.stores().len() > 1;
    let row = |logged: &Logged| {
        let clock = scene.chain.store(logged.event.store).map(|store| &store.settings().clock);
        let at = logged.event.at;
        Row {
            at: clock
                .map_or_else(|| wording::minute_utc(at), |clock| wording::local_time(clock, at)),
            store: if several { logged.event.store.to_string() } else { String::new() },
            class: "",
            kind: kind_of(&logged.text),
            text: describe(&logged.text),
            link: scene.link(&format!("/events/{}/{}", logged.partition, logged.offset)),
        }
    };
    let fits = |logged: &&Logged| kind.is_none_or(|kind| code_of(&logged.text) == kind);
    scene.events.iter().rev().filter(fits).take(LINES).map(row).collect()
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
