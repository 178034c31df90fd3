//! What people did, to the stores and to the server itself.

use askama::Template;
use shelf_views::wording;

use super::events::describe;
use super::fmt;
use super::scene::{Part, Scene, Wrong};
use crate::api::Act;

/// What a visitor may narrow the list to.
const KINDS: [&str; 21] = [
    "alert_act",
    "order_act",
    "task_act",
    "count",
    "removal",
    "policy",
    "price",
    "promotion",
    "product",
    "supplier",
    "login",
    "login_failed",
    "logout",
    "user_set",
    "user_removed",
    "token_made",
    "token_removed",
    "simulation_paused",
    "simulation_resumed",
    "simulation_speed",
    "quarantine_retry",
];

/// One act.
struct Row {
    at: String,
    store: String,
    who: String,
    by: String,
    kind: String,
    text: String,
    link: String,
    source: String,
}

#[derive(Template)]
#[template(path = "audit_filters.html")]
struct Filters {
    store: Option<String>,
    as_of: Option<String>,
    actor: String,
    kinds: Vec<(&'static str, bool)>,
    export: String,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct Acts {
    rows: Vec<Row>,
    trouble: Option<String>,
    narrowed: bool,
    all: String,
    older: Option<String>,
}

/// The parts of the page.
pub(super) fn parts(scene: &Scene<'_>) -> Result<Vec<Part>, Wrong> {
    let filters = Filters {
        store: scene.query.get("store").map(str::to_owned),
        as_of: scene.as_of.map(str::to_owned),
        actor: scene.query.get("actor").unwrap_or_default().to_owned(),
        kinds: KINDS.iter().map(|&kind| (kind, scene.query.get("type") == Some(kind))).collect(),
        export: scene.in_api("/api/v1/audit?format=csv", &["store", "type", "actor"]),
    };
    let (rows, next, trouble) = match &scene.extra.audit {
        Some(Ok(found)) => {
            let rows = found.acts.iter().map(|act| row(scene, act)).collect();
            (rows, found.next_page.clone(), None)
        }
        Some(Err(sentence)) => (Vec::new(), None, Some(sentence.clone())),
        None => (Vec::new(), None, None),
    };
    let acts = Acts {
        rows,
        trouble,
        narrowed: ["actor", "type"].iter().any(|name| scene.query.get(name).is_some()),
        all: scene.link("/audit"),
        older: next.map(|token| format!("/audit{}", scene.query.with("page", &token))),
    };
    Ok(vec![Part::still("filters", &filters)?, Part::still("audit", &acts)?])
}

fn row(scene: &Scene<'_>, act: &Act) -> Row {
    let several = scene.stores().len() > 1;
    let kind = fmt::words(&act.kind);
    let text = match act.place {
        // The kind and the name have columns of their own.
        Some(_) => {
            let text = describe(&act.detail);
            text.strip_prefix(&format!("{kind}, ")).unwrap_or(&text).to_owned()
        }
        None => act.detail.clone(),
    };
    Row {
        at: wording::minute_utc(act.at),
        store: act.store.filter(|_| several).map_or_else(String::new, |id| id.to_string()),
        by: format!("/audit{}", scene.query.with("actor", &act.actor)),
        who: act.actor.clone(),
        kind,
        text,
        link: act.place.map_or_else(String::new, |(partition, offset)| {
            scene.link(&format!("/events/{partition}/{offset}"))
        }),
        source: act.source.clone().unwrap_or_default(),
    }
}
