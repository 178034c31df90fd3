//! The first page: is anything wrong, where, and what to do.

use askama::Template;
use shelf_domain::Severity;
use shelf_views::{
    AlertRow, EffectLine, NowView, SeverityTally, StoreCard, Tile, ZoneRow, symbol, wording,
};

use super::alerts::Acts;
use super::draw::{self, Drawn, Map};
use super::fmt;
use super::scene::{Part, Scene, Wrong};

#[derive(Template)]
#[template(path = "tiles.html")]
struct Tiles {
    tiles: Vec<(Tile, String)>,
}

#[derive(Template)]
#[template(path = "floor.html")]
struct Floor {
    map: Map,
    maps: Vec<(Map, String)>,
    zones: Vec<Drawn>,
    others: Vec<(ZoneRow, String, String)>,
    stocked: bool,
}

#[derive(Template)]
#[template(path = "urgent.html")]
struct Urgent {
    alerts: Vec<(AlertRow, Acts)>,
    total: u64,
    all: String,
}

/// One line of what happened of late.
struct Happening {
    time: String,
    class: &'static str,
    sign: &'static str,
    text: String,
    store: String,
}

#[derive(Template)]
#[template(path = "latest.html")]
struct Latest {
    lines: Vec<Happening>,
    all: String,
}

#[derive(Template)]
#[template(path = "stores.html")]
struct Stores {
    stores: Vec<(StoreCard, String)>,
}

/// The parts of the page.
pub(super) fn parts(scene: &Scene<'_>) -> Result<Vec<Part>, Wrong> {
    let view = NowView::new(scene.chain, scene.clock, scene.asked(), scene.history, scene.rates);
    if let Some(asked) = scene.asked()
        && scene.chain.store(asked).is_none()
    {
        let what = format!("There is no store {asked}.");
        return Err(Wrong::missing(what, "Choose one from the list of all stores."));
    }
    let drawn = |tile: &Tile| (tile.clone(), draw::sparkline(&tile.series));
    let tiles = Tiles { tiles: view.tiles.iter().map(drawn).collect() };
    let mut parts = vec![
        Part::live("tiles", &tiles)?,
        Part::live("floor", &floor(scene, &view))?,
        Part::live("urgent", &urgent(scene, &view))?,
        Part::live("latest", &latest(scene))?,
    ];
    if !view.stores.is_empty() {
        let link = |card: &StoreCard| (card.clone(), scene.link_in(card.store, "/"));
        let stores = Stores { stores: view.stores.iter().map(link).collect() };
        parts.push(Part::live("stores", &stores)?);
    }
    Ok(parts)
}

fn floor(scene: &Scene<'_>, view: &NowView) -> Floor {
    let map = Map::of(scene.query.get("map"));
    let zones = &view.zones.zones;
    let others = zones.iter().filter(|zone| zone.bounds.is_none()).map(|zone| {
        let link = scene.link(&format!("/zones/{}", super::query::encode(&zone.zone)));
        (zone.clone(), map.text(zone), link)
    });
    Floor {
        map,
        maps: Map::ALL
            .into_iter()
            .map(|map| (map, format!("/{}", scene.query.with("map", map.code()))))
            .collect(),
        zones: draw::floor(zones, map, |path| scene.link(path)),
        others: others.collect(),
        stocked: zones.iter().any(|zone| zone.shelves > 0),
    }
}

fn urgent(scene: &Scene<'_>, view: &NowView) -> Urgent {
    let row = |alert: &AlertRow| (alert.clone(), Acts::new(scene, alert));
    Urgent {
        alerts: view.urgent.alerts.iter().map(row).collect(),
        total: SeverityTally::total(view.urgent.by_severity),
        all: scene.link("/alerts"),
    }
}

/// The most lines of what happened of late.
pub(super) const LATEST: usize = 10;

fn latest(scene: &Scene<'_>) -> Latest {
    let asked = scene.asked();
    let several = scene.stores().len() > 1;
    let of_store = scene.lines.iter().rev().filter(|line| asked.is_none_or(|id| id == line.store));
    let line = |line: &EffectLine| {
        let clock = scene.chain.store(line.store).map(|store| &store.settings().clock);
        let class = line.severity.map_or("", |severity| match severity {
            Severity::Critical => "sign-critical",
            Severity::Warning => "sign-warning",
            Severity::Info => "sign-info",
        });
        Happening {
            time: clock.map_or_else(String::new, |clock| wording::local_time(clock, line.at)),
            class,
            sign: line.severity.map_or("·", symbol),
            text: fmt::sentence(&line.text),
            store: if several { line.store.to_string() } else { String::new() },
        }
    };
    Latest { lines: of_store.take(LATEST).map(line).collect(), all: scene.link("/events") }
}
