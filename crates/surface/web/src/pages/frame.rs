//! What surrounds every page: the list of pages, the head with the state of the chain, the notices.

use askama::Template;
use shelf_domain::StoreId;
use shelf_views::{AlertFilter, AlertsView, ClockKind, SeverityTally, heading, wording};

use super::assets::url;
use super::scene::{Notice, Part, Scene, Theme, Visitor, Wrong};
use super::{Page, query};
use crate::access::Role;

/// An entry of the list of pages.
struct Entry {
    code: &'static str,
    name: &'static str,
    link: String,
    icon: String,
    here: bool,
}

const ENTRIES: [(&str, &str, &str); 11] = [
    ("now", "Now", "/"),
    ("alerts", "Alerts", "/alerts"),
    ("shelves", "Shelves", "/shelves"),
    ("tasks", "Restocks", "/tasks"),
    ("orders", "Orders", "/orders"),
    ("sales", "Sales", "/sales"),
    ("waste", "Waste", "/waste"),
    ("pipeline", "Pipeline", "/pipeline"),
    ("events", "Events", "/events"),
    ("sql", "SQL", "/sql"),
    ("settings", "Settings", "/settings"),
];

/// What changes in the head.
#[derive(Template)]
#[template(path = "head.html")]
struct Head {
    title: String,
    local_time: String,
    clock: &'static str,
    past: bool,
    live: bool,
    age: String,
    age_ms: u64,
    alerts: SeverityTally,
    alert_links: [String; 3],
    events_per_s: String,
    speed: String,
}

/// The head of a page.
pub(super) fn head(scene: &Scene<'_>) -> Result<Part, Wrong> {
    let stores = scene.stores();
    let (title, local_time) = heading(&stores);
    let filter = AlertFilter { store: scene.asked(), limit: Some(0), ..AlertFilter::default() };
    let link = |severity: &str| scene.link(&format!("/alerts?severity={severity}"));
    let rates = scene.rates;
    let head = Head {
        title,
        local_time,
        clock: match scene.clock {
            ClockKind::Simulated => "simulated time",
            ClockKind::Real => "real time",
        },
        past: scene.as_of.is_some(),
        live: rates.live(),
        age: rates.data_age_ms.map_or_else(|| "no data".to_owned(), age),
        age_ms: rates.data_age_ms.unwrap_or_default(),
        alerts: AlertsView::new(scene.chain, &filter).by_severity,
        alert_links: [link("critical"), link("warning"), link("info")],
        events_per_s: rates.events_per_s.map_or_else(|| "–".to_owned(), wording::rate),
        speed: match (scene.clock, rates.speed) {
            (ClockKind::Simulated, Some(speed)) => format!("×{}", wording::rate(speed)),
            _ => String::new(),
        },
    };
    Part::live("head", &head)
}

fn age(ms: u64) -> String {
    match ms {
        0..1_000 => "under 1 s old".to_owned(),
        _ => format!("{} old", wording::span((ms / 1_000) as i64)),
    }
}

/// A whole page.
#[derive(Template)]
#[template(path = "layout.html")]
struct Layout<'a> {
    page: String,
    entry: &'static str,
    theme: Option<Theme>,
    other_theme: Theme,
    home: String,
    entries: Vec<Entry>,
    head: String,
    parts: Vec<Part>,
    stores: Vec<(StoreId, String, bool)>,
    /// What stays where another store is chosen.
    beside_store: Vec<(String, String)>,
    /// What stays where another moment is chosen.
    beside_moment: Vec<(String, String)>,
    path: String,
    live: String,
    moment: Option<&'a str>,
    back_to_live: String,
    notice: Option<&'a Notice>,
    visitor: &'a Visitor,
    paused: Option<bool>,
    charts: bool,
    back: String,
    travel_to: String,
}

/// The page with all that surrounds it.
pub(super) fn whole(
    page: &Page,
    scene: &Scene<'_>,
    visitor: &Visitor,
    parts: Vec<Part>,
) -> Result<String, Wrong> {
    let entries = ENTRIES.iter().map(|&(code, name, link)| Entry {
        code,
        name,
        link: scene.link(link),
        icon: format!("{}#{code}", url("icons.svg")),
        here: page.entry() == code,
    });
    let mut parts = parts;
    for part in &mut parts {
        part.html = visitor.fill(&part.html);
    }
    let name = |store: &shelf_domain::Store| {
        let (name, _) = heading(&[store]);
        (store.id(), name, scene.asked() == Some(store.id()))
    };
    let path = visitor.address.split('?').next().unwrap_or("/").to_owned();
    let live = if scene.as_of.is_none() && parts.iter().any(|part| part.live) {
        format!("/live{}", visitor.address)
    } else {
        String::new()
    };
    let travel_to = scene.as_of.map_or_else(
        || scene.chain.now().map(|now| wording::minute_utc(now).replace(' ', "T")),
        |at| at.get(..16).map(str::to_owned),
    );
    let travel_to = travel_to.unwrap_or_default();
    let charts = parts.iter().any(|part| part.html.contains("data-chart"));
    let layout = Layout {
        page: page.name(),
        entry: page.entry(),
        theme: visitor.theme,
        other_theme: if visitor.theme == Some(Theme::Dark) { Theme::Light } else { Theme::Dark },
        home: scene.link("/"),
        entries: entries.collect(),
        head: head(scene)?.html,
        parts,
        stores: scene.chain.stores().iter().map(|store| name(store)).collect(),
        beside_store: scene.query.beside("store"),
        beside_moment: scene.query.beside("as_of"),
        path,
        live,
        moment: scene.as_of,
        back_to_live: format!(
            "{}{}",
            visitor.address.split('?').next().unwrap_or("/"),
            scene.query.with("as_of", "")
        ),
        notice: visitor.notice.as_ref(),
        visitor,
        paused: scene.paused.filter(|_| scene.may(Role::Planner)),
        charts,
        back: query::encode(&visitor.address),
        travel_to,
    };
    Ok(layout.render()?)
}
