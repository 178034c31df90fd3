//! Zones, shelves and lots: how much is where, what happened to it, and what holds for it.

use askama::Template;
use shelf_domain::{Sku, Store};
use shelf_views::{
    AlertRow, EffectLine, LotLife, LotRow, PromotionRow, RulesRow, ShelfDetail, ShelfFilter,
    ShelfRow, ShelfState, ShelvesView, TaskRow, ZoneRow, ZonesView, wording,
};

use super::alerts::{Acts, level_chart};
use super::query::encode;
use super::scene::{Part, Scene, Wrong};
use super::{draw, fmt};
use crate::access::Role;

/// The most rows of a list.
const ROWS: usize = 300;
/// The most alerts of a zone.
const URGENT: usize = 5;
/// The most moments of a life.
const MOMENTS: usize = 60;

/// One row of a list of shelves.
struct Row {
    shelf: ShelfRow,
    link: String,
    bar: String,
}

/// A choice of a filter.
struct Choice {
    code: String,
    name: String,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "shelf_filters.html")]
struct Filters {
    store: Option<String>,
    as_of: Option<String>,
    text: String,
    states: Vec<Choice>,
    categories: Vec<Choice>,
    export: String,
    warehouse: String,
}

#[derive(Template)]
#[template(path = "shelves.html")]
struct List {
    rows: Vec<Row>,
    total: u64,
    several: bool,
    all: String,
}

/// The parts of the list of all shelves.
pub(super) fn shelves(scene: &Scene<'_>) -> Result<Vec<Part>, Wrong> {
    let states = [ShelfState::Empty, ShelfState::Low, ShelfState::Stocked, ShelfState::Untracked];
    let state = states.into_iter().find(|s| scene.query.get("state") == Some(s.code()));
    let filter = ShelfFilter {
        store: scene.asked(),
        category: scene.query.get("category").map(str::to_owned),
        state,
        text: scene.query.get("text").map(str::to_owned),
        limit: Some(ROWS),
    };
    let zones = ZonesView::new(&scene.stores()).zones;
    let stocked = zones.iter().filter(|zone| zone.shelves > 0);
    let filters = Filters {
        store: scene.query.get("store").map(str::to_owned),
        as_of: scene.as_of.map(str::to_owned),
        text: filter.text.clone().unwrap_or_default(),
        states: states
            .into_iter()
            .map(|one| Choice {
                code: one.code().to_owned(),
                name: fmt::words(one.code()),
                chosen: state == Some(one),
            })
            .collect(),
        categories: stocked
            .map(|zone| Choice {
                code: zone.category.clone(),
                name: fmt::category(&zone.category),
                chosen: filter.category.as_ref() == Some(&zone.category),
            })
            .collect(),
        export: scene.in_api("/api/v1/shelves?format=csv", &["store", "category", "state", "text"]),
        warehouse: scene.link("/warehouse"),
    };
    let list = list(scene, &filter);
    Ok(vec![Part::still("filters", &filters)?, Part::live("shelves", &list)?])
}

fn list(scene: &Scene<'_>, filter: &ShelfFilter) -> List {
    let view = ShelvesView::new(scene.chain, filter);
    let row = |shelf: ShelfRow| Row {
        link: scene.link_in(shelf.store, &format!("/shelves/{}", encode(shelf.sku.as_str()))),
        bar: draw::bar(shelf.fill_percent, bar_class(shelf.state)),
        shelf,
    };
    List {
        rows: view.shelves.into_iter().map(row).collect(),
        total: view.total,
        several: scene.stores().len() > 1,
        all: scene.link("/shelves"),
    }
}

fn bar_class(state: ShelfState) -> &'static str {
    match state {
        ShelfState::Empty => "part-empty",
        ShelfState::Low => "part-low",
        ShelfState::Stocked | ShelfState::Untracked => "",
    }
}

#[derive(Template)]
#[template(path = "zone.html")]
struct ZonePage {
    zone: ZoneRow,
    home: String,
    alerts: Vec<(AlertRow, Acts)>,
    cut: String,
}

/// The parts of one zone.
pub(super) fn zone(scene: &Scene<'_>, name: &str) -> Result<Vec<Part>, Wrong> {
    let zones = ZonesView::new(&scene.stores()).zones;
    let zone = zones.into_iter().find(|zone| zone.zone == name).ok_or_else(|| {
        Wrong::missing(format!("There is no zone {name}."), "The floor plan has all of them.")
    })?;
    let mut alerts = Vec::new();
    for store in scene.stores() {
        for index in store.skus() {
            let product = store.product(index);
            if product.is_some_and(|product| product.category.as_str() == zone.category) {
                let rows = store.alerts_of(index).map(|alert| AlertRow::new(store, alert));
                alerts.extend(rows);
            }
        }
    }
    alerts.sort_by_key(|row| (std::cmp::Reverse(row.severity), row.opened_at));
    let cut = fmt::cut(alerts.len().min(URGENT), alerts.len() as u64, "the most urgent first");
    alerts.truncate(URGENT);
    let alerts = alerts.into_iter().map(|row| {
        let acts = Acts::new(scene, &row);
        (row, acts)
    });
    let filter = ShelfFilter {
        store: scene.asked(),
        category: Some(zone.category.clone()),
        limit: Some(ROWS),
        ..ShelfFilter::default()
    };
    let page = ZonePage { alerts: alerts.collect(), zone, home: scene.link("/"), cut };
    Ok(vec![Part::live("zone", &page)?, Part::live("shelves", &list(scene, &filter))?])
}

#[derive(Template)]
#[template(path = "shelf.html")]
struct ShelfPage {
    shelf: ShelfRow,
    detail: ShelfDetail,
    state: String,
    rules: RulesRow,
    lots: Vec<(LotRow, String)>,
    alerts: Vec<(AlertRow, Acts)>,
    task: Option<TaskRow>,
    arriving: Vec<String>,
    promotions: Vec<PromotionRow>,
    list: String,
    zone_link: String,
    policies: String,
    follow: String,
    acts: bool,
}

#[derive(Template)]
#[template(path = "moments.html")]
struct Moments {
    chart: String,
    moments: Vec<Moment>,
    cut: String,
    read_back: String,
}

/// A moment in the life of something.
pub(super) struct Moment {
    at: String,
    what: String,
}

/// The store that a shelf is looked at in, and the shelf.
fn shelf_of<'a>(
    scene: &Scene<'a>,
    sku: &str,
) -> Result<(&'a Store, Sku, shelf_domain::SkuIndex), Wrong> {
    let gone = || Wrong::missing(format!("There is no shelf {sku}."), "The list has all shelves.");
    let id = Sku::new(sku).map_err(|_| gone())?;
    let mut stores = scene.stores().into_iter().filter(|store| store.sku(id).is_some());
    let store = stores.next().ok_or_else(gone)?;
    let index = store.sku(id).ok_or_else(gone)?;
    Ok((store, id, index))
}

/// The parts of one shelf.
pub(super) fn shelf(scene: &Scene<'_>, sku: &str) -> Result<Vec<Part>, Wrong> {
    let (store, id, index) = shelf_of(scene, sku)?;
    let detail = ShelfDetail::new(store, index).ok_or_else(|| {
        Wrong::missing(format!("There is no shelf {sku}."), "The list has all shelves.")
    })?;
    let clock = &store.settings().clock;
    let lot_link = |lot: &LotRow| {
        let path = format!("/lots/{}/{}", encode(id.as_str()), encode(lot.lot.as_str()));
        (*lot, scene.link_in(store.id(), &path))
    };
    let arriving = detail.arriving.iter().map(|arrival| {
        let when = fmt::local(clock, arrival.delivery_at);
        format!(
            "{} with order {}, {when}",
            wording::units(arrival.outstanding_units),
            arrival.order
        )
    });
    let zone = shelf_views::zone_of(&detail.shelf.category);
    let zone = zone.map_or_else(|| detail.shelf.category.to_lowercase(), |z| z.zone.to_owned());
    let page = ShelfPage {
        shelf: detail.shelf.clone(),
        state: detail.shelf.state.code().to_owned(),
        rules: detail.rules,
        lots: detail.lots.iter().map(lot_link).collect(),
        alerts: detail.open_alerts.iter().map(|row| (row.clone(), Acts::new(scene, row))).collect(),
        task: detail.restock.clone(),
        arriving: arriving.collect(),
        promotions: detail.promotions.clone(),
        list: scene.link("/shelves"),
        zone_link: scene.link(&format!("/zones/{}", encode(&zone))),
        policies: scene.link_in(store.id(), "/settings#policies"),
        follow: scene.link_in(store.id(), &format!("/events?text={}", encode(id.as_str()))),
        acts: scene.may(Role::Operator),
        detail,
    };
    let (moments, cut) = moments(scene, store, id.as_str());
    let moments = Moments {
        chart: level_chart(scene, store, id),
        moments,
        cut,
        read_back: read_back(scene, store),
    };
    Ok(vec![Part::live("shelf", &page)?, Part::still("moments", &moments)?])
}

/// What the log says of late about everything in which a word stands, and what of it is shown.
fn moments(scene: &Scene<'_>, store: &Store, word: &str) -> (Vec<Moment>, String) {
    let clock = &store.settings().clock;
    let mut found = Vec::new();
    for logged in scene.events.iter().filter(|logged| logged.event.store == store.id()) {
        if logged.text.contains(word) {
            let text = super::events::describe(&logged.text);
            found.push((logged.event.at, text));
        }
    }
    for record in scene.effects.iter().filter(|record| record.store == store.id()) {
        let line = EffectLine::new(record);
        let about = line.sku.is_some_and(|sku| sku.as_str() == word) || line.text.contains(word);
        if about {
            found.push((record.at, fmt::sentence(&line.text)));
        }
    }
    found.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let cut = fmt::cut(found.len().min(MOMENTS), found.len() as u64, "the newest first");
    found.truncate(MOMENTS);
    let moment = |(at, what)| Moment { at: fmt::local(clock, at), what };
    (found.into_iter().map(moment).collect(), cut)
}

/// From when on the log was read.
fn read_back(scene: &Scene<'_>, store: &Store) -> String {
    let of_store = scene.events.iter().filter(|logged| logged.event.store == store.id());
    let first = of_store.map(|logged| logged.event.received_at).min();
    first.map_or_else(String::new, |at| fmt::local(&store.settings().clock, at))
}

#[derive(Template)]
#[template(path = "lot.html")]
struct LotPage {
    shelf: ShelfRow,
    shelf_link: String,
    lot: Option<LotRow>,
    code: String,
    stages: Vec<(&'static str, String)>,
}

/// The balance of a lot from its birth on, as far as the log tells it.
#[derive(Template)]
#[template(path = "lot_life.html")]
struct Life<'a> {
    life: Option<&'a LotLife>,
    trouble: &'a str,
    came: Option<i64>,
    went: Option<i64>,
}

/// The parts of one lot.
pub(super) fn lot(scene: &Scene<'_>, sku: &str, code: &str) -> Result<Vec<Part>, Wrong> {
    let (store, id, index) = shelf_of(scene, sku)?;
    let detail = ShelfDetail::new(store, index).ok_or_else(|| {
        Wrong::missing(format!("There is no shelf {sku}."), "The list has all shelves.")
    })?;
    let lot = detail.lots.iter().find(|lot| lot.lot.as_str() == code).copied();
    let stages = lot.map_or_else(Vec::new, |lot| {
        let units = |units: u32| wording::units(units);
        vec![
            ("Received", wording::date(lot.received_day)),
            ("In the warehouse", units(lot.warehouse_units)),
            ("Of these reserved", units(lot.reserved_units)),
            ("On the way", units(lot.transit_units)),
            ("On the floor", units(lot.floor_units)),
            ("Expires", fmt::expiry(&lot.expiry_day)),
        ]
    });
    let path = format!("/shelves/{}", encode(id.as_str()));
    let page = LotPage {
        shelf: detail.shelf.clone(),
        shelf_link: scene.link_in(store.id(), &path),
        lot,
        code: code.to_owned(),
        stages,
    };
    let (moments, cut) = moments(scene, store, code);
    let read_back = read_back(scene, store);
    let moments = Moments { chart: String::new(), moments, cut, read_back };
    let (life, trouble) = match &scene.extra.life {
        Some(Ok(life)) => (Some(life), ""),
        Some(Err(trouble)) => (None, trouble.as_str()),
        None => (None, ""),
    };
    let (came, went) = (life.map(LotLife::came_units), life.map(LotLife::went_units));
    let life = Life { life, trouble, came, went };
    Ok(vec![
        Part::live("lot", &page)?,
        Part::still("life", &life)?,
        Part::still("moments", &moments)?,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_that_cannot_be_told_is_not_one_that_is_unknown() {
        let trouble = "As many past moments are asked for as may be";
        let page = Life { life: None, trouble, came: None, went: None }.render().unwrap();
        assert!(page.contains(trouble) && !page.contains("is not known"), "{page}");
        let page = Life { life: None, trouble: "", came: None, went: None }.render().unwrap();
        assert!(page.contains("Its life is not known."), "{page}");
    }
}
