//! The inbox of open problems, and one of them in full.

use std::collections::BTreeSet;

use askama::Template;
use shelf_domain::{
    Actor, AlertId, AlertStatus, AlertVerb, Effect, HOUR, Rule, Severity, TaskStatus,
};
use shelf_views::{
    AlertDetail, AlertFilter, AlertRow, AlertsView, LotRow, ShelfRow, StatusFilter, TaskRow,
    wording, zone_of,
};

use super::chart::{Chart, Line};
use super::fmt;
use super::query::encode;
use super::scene::{Part, Scene, Wrong};
use crate::access::Role;
use crate::acts::ROUTER;

/// The most rows of the inbox.
const ROWS: usize = 200;

/// What can be done about an alert, and where it is said in full.
#[derive(Clone, Debug)]
pub(super) struct Acts {
    /// Whether the store must be named.
    pub(super) several: bool,
    /// The page of the alert.
    pub(super) link: String,
    /// The buttons.
    pub(super) buttons: String,
}

#[derive(Template)]
#[template(path = "acts.html")]
struct Buttons<'a> {
    alert: &'a AlertRow,
    undo: Option<&'static str>,
}

impl Acts {
    pub(super) fn new(scene: &Scene<'_>, alert: &AlertRow) -> Self {
        let undo = undoable(alert);
        let buttons = Buttons { alert, undo }.render().unwrap_or_default();
        Self {
            several: scene.chain.stores().len() > 1,
            link: alert_link(scene, alert),
            buttons: if scene.may(Role::Operator) { buttons } else { String::new() },
        }
    }
}

fn alert_link(scene: &Scene<'_>, alert: &AlertRow) -> String {
    scene.link_in(alert.store, &format!("/alerts/{}", alert.alert))
}

/// The last act of a person on an alert, where it can be taken back: that the routes gave it to
/// somebody is nothing that anybody did by mistake.
fn undoable(alert: &AlertRow) -> Option<&'static str> {
    if alert.actor.is_some_and(|actor| actor.as_str() == ROUTER) {
        return None;
    }
    alert.undoable.map(AlertVerb::code)
}

/// One row of the inbox.
struct Row {
    undo: Option<&'static str>,
    alert: AlertRow,
    link: String,
    shelf: String,
    zone: String,
}

/// A choice of a filter.
struct Choice {
    code: &'static str,
    name: String,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "alert_filters.html")]
struct Filters {
    store: Option<String>,
    as_of: Option<String>,
    severities: Vec<Choice>,
    rules: Vec<Choice>,
    statuses: Vec<Choice>,
    owners: Vec<(String, bool)>,
    export: String,
}

#[derive(Template)]
#[template(path = "alerts.html")]
struct Inbox {
    rows: Vec<Row>,
    total: u64,
    several: bool,
    acts: bool,
    narrowed: bool,
    all: String,
}

#[derive(Template)]
#[template(path = "alerts_ended.html")]
struct Ended {
    /// Each with when it ended, on its store's clock.
    rows: Vec<(AlertRow, String)>,
    total: u64,
    several: bool,
    cut: String,
}

fn choices<T: Copy>(
    scene: &Scene<'_>,
    name: &str,
    all: &[T],
    code: fn(T) -> &'static str,
) -> (Option<T>, Vec<Choice>) {
    let asked = scene.query.get(name);
    let choice = |&value: &T| Choice {
        code: code(value),
        name: fmt::words(code(value)),
        chosen: asked == Some(code(value)),
    };
    let chosen = all.iter().copied().find(|&value| asked == Some(code(value)));
    (chosen, all.iter().map(choice).collect())
}

/// The parts of the inbox.
pub(super) fn parts(scene: &Scene<'_>) -> Result<Vec<Part>, Wrong> {
    const SEVERITIES: [Severity; 3] = [Severity::Critical, Severity::Warning, Severity::Info];
    const STATUSES: [AlertStatus; 3] =
        [AlertStatus::Open, AlertStatus::Acknowledged, AlertStatus::Snoozed];
    let (severity, severities) = choices(scene, "severity", &SEVERITIES, Severity::code);
    let (rule, rules) = choices(scene, "rule", &Rule::ALL, Rule::code);
    let (status, statuses) = choices(scene, "status", &STATUSES, AlertStatus::code);
    let asked = scene.query.get("assigned_to");
    let owner = asked.map(Actor::cut);
    let (store, limit) = (scene.asked(), Some(ROWS));
    let among = status.map(StatusFilter::Is);
    let filter = AlertFilter { store, sku: None, rule, severity, status: among, owner, limit };
    let view = AlertsView::new(scene.chain, &filter);
    let filters = Filters {
        store: scene.query.get("store").map(str::to_owned),
        as_of: scene.as_of.map(str::to_owned),
        severities,
        rules,
        statuses,
        owners: owners(scene, owner),
        export: scene.in_api(
            "/api/v1/alerts?format=csv",
            &["store", "severity", "rule", "status", "assigned_to"],
        ),
    };
    let inbox = Inbox {
        rows: view.alerts.into_iter().map(|alert| row(scene, alert)).collect(),
        total: view.total,
        several: scene.stores().len() > 1,
        acts: scene.may(Role::Operator),
        narrowed: severity.is_some() || rule.is_some() || status.is_some() || owner.is_some(),
        all: scene.link("/alerts"),
    };
    Ok(vec![
        Part::still("filters", &filters)?,
        Part::live("alerts", &inbox)?,
        Part::live("ended", &ended(scene))?,
    ])
}

/// What people ended and can bring back, for those who may.
fn ended(scene: &Scene<'_>) -> Ended {
    let several = scene.stores().len() > 1;
    if !scene.may(Role::Operator) {
        return Ended { rows: Vec::new(), total: 0, several, cut: String::new() };
    }
    let (store, status) = (scene.asked(), Some(StatusFilter::Ended));
    let filter = AlertFilter { store, status, limit: Some(ROWS), ..AlertFilter::default() };
    let view = AlertsView::new(scene.chain, &filter);
    let row = |alert: AlertRow| {
        let clock = scene.chain.store(alert.store).map(|store| &store.settings().clock);
        let at = alert.undoable_at.zip(clock);
        let at = at.map_or_else(String::new, |(at, clock)| fmt::local(clock, at));
        (alert, at)
    };
    let cut = fmt::cut(view.alerts.len(), view.total, "the last one first");
    Ended { rows: view.alerts.into_iter().map(row).collect(), total: view.total, several, cut }
}

/// Who takes care of alerts that stand, and who is asked for.
fn owners(scene: &Scene<'_>, asked: Option<Actor>) -> Vec<(String, bool)> {
    let stores = scene.stores();
    let standing = stores.iter().flat_map(|store| store.alerts_standing());
    let all: BTreeSet<Actor> = standing.filter_map(|alert| alert.owner).chain(asked).collect();
    all.into_iter().map(|owner| (owner.to_string(), asked == Some(owner))).collect()
}

fn row(scene: &Scene<'_>, alert: AlertRow) -> Row {
    let zone = zone_of(&alert.category);
    Row {
        undo: undoable(&alert),
        link: alert_link(scene, &alert),
        shelf: alert.sku.map_or_else(String::new, |sku| {
            scene.link_in(alert.store, &format!("/shelves/{}", encode(sku.as_str())))
        }),
        zone: zone.map_or_else(|| fmt::category(&alert.category), |zone| zone.label.to_owned()),
        alert,
    }
}

/// A moment in the life of an alert.
struct Moment {
    at: String,
    what: String,
    who: String,
    note: String,
}

#[derive(Template)]
#[template(path = "alert.html")]
struct One {
    alert: AlertRow,
    acts: bool,
    undo: Option<&'static str>,
    past: bool,
    opened: String,
    seen: String,
    snoozed: String,
    note: String,
    shelf: Option<ShelfRow>,
    shelf_link: String,
    lots: Vec<LotRow>,
    task: Option<TaskRow>,
    arriving: Vec<String>,
    policy_link: String,
    inbox: String,
    zone: String,
}

#[derive(Template)]
#[template(path = "alert_evidence.html")]
struct Evidence {
    chart: String,
    moments: Vec<Moment>,
}

/// The parts of one alert.
pub(super) fn one(scene: &Scene<'_>, id: &str) -> Result<Vec<Part>, Wrong> {
    let gone = || {
        let what = format!("No alert {id} stands.");
        Wrong::missing(what, "It has ended or never was. The inbox has those that stand.")
    };
    let store = scene.store().ok_or_else(gone)?;
    let number = AlertId::parse(id).ok_or_else(gone)?;
    let detail = AlertDetail::new(store, number).ok_or_else(gone)?;
    let clock = &store.settings().clock;
    let row = detail.alert.clone();
    let arriving = detail.arriving.iter().map(|arrival| {
        let when = fmt::local(clock, arrival.delivery_at);
        format!(
            "{} with order {}, {when}",
            wording::units(arrival.outstanding_units),
            arrival.order
        )
    });
    let one = One {
        acts: scene.may(Role::Operator),
        undo: undoable(&row),
        past: scene.as_of.is_some(),
        opened: fmt::local(clock, row.opened_at),
        seen: fmt::local(clock, row.last_seen_at),
        snoozed: row.snoozed_until.map_or_else(String::new, |until| fmt::local(clock, until)),
        note: detail.note.clone(),
        shelf_link: row.sku.map_or_else(String::new, |sku| {
            scene.link_in(row.store, &format!("/shelves/{}", encode(sku.as_str())))
        }),
        policy_link: scene.link_in(row.store, "/settings#policies"),
        inbox: scene.link("/alerts"),
        zone: zone_of(&row.category).map_or_else(String::new, |zone| zone.label.to_owned()),
        lots: detail.lots.clone(),
        task: detail.restock.clone(),
        shelf: detail.shelf.clone(),
        arriving: arriving.collect(),
        alert: row.clone(),
    };
    let mut moments = Vec::new();
    for record in scene.effects {
        if let Effect::Alert(alert) = &record.effect
            && alert.alert == number
            && record.store == store.id()
        {
            moments.push(Moment {
                at: fmt::local(clock, record.at),
                what: format!("{}, {}", fmt::words(alert.status.code()), alert.severity.code()),
                who: alert.actor.map_or_else(String::new, |actor| actor.as_str().to_owned()),
                note: alert.note.as_str().to_owned(),
            });
        }
    }
    moments.reverse();
    let chart = row.sku.map_or_else(String::new, |sku| level_chart(scene, store, sku));
    let evidence = Evidence { chart, moments };
    Ok(vec![Part::live("alert", &one)?, Part::still("evidence", &evidence)?])
}

/// The level of a shelf over the last days, with its refill threshold.
pub(super) fn level_chart(
    scene: &Scene<'_>,
    store: &shelf_domain::Store,
    sku: shelf_domain::Sku,
) -> String {
    let levels = scene.levels.of(store.id(), sku);
    let clock = &store.settings().clock;
    let shelf = store.sku(sku).and_then(|index| store.shelf(index));
    let mut labels: Vec<String> = Vec::new();
    let (mut floor, mut warehouse, mut threshold) = (Vec::new(), Vec::new(), Vec::new());
    let below = shelf.map(|shelf| f64::from(shelf.rules().refill_below_units));
    let arrived: Vec<i64> = scene
        .effects
        .iter()
        .filter(|record| record.store == store.id())
        .filter(|record| match &record.effect {
            Effect::Task(task) => task.sku == sku && task.status == TaskStatus::Done,
            _ => false,
        })
        .map(|record| record.at.0)
        .collect();
    let mut restocks = Vec::new();
    // Of a past moment what came later is left out.
    for (at, level) in levels.into_iter().filter(|(at, _)| *at <= store.now()) {
        let hour = at.0 - HOUR..at.0;
        let here = arrived.iter().any(|at| hour.contains(at));
        restocks.push(here.then_some(f64::from(level.floor_units)));
        labels.push(fmt::local(clock, at));
        floor.push(Some(f64::from(level.floor_units)));
        warehouse.push(Some(f64::from(level.warehouse_units)));
        threshold.push(below);
    }
    Chart {
        title: "Units on the shelf and in the warehouse, hour by hour".to_owned(),
        unit: "units",
        labels,
        lines: vec![
            Line::new("On the shelf", floor),
            Line::new("In the warehouse", warehouse),
            Line::new("Refill below", threshold),
        ],
        bars: false,
        marks: Some(Line::new("Restocked", restocks)),
    }
    .html()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_of_a_whole_store_says_that_there_is_no_chart() {
        let page = |chart: &str| {
            Evidence { chart: chart.to_owned(), moments: Vec::new() }.render().unwrap()
        };
        assert!(page("").contains("A whole store has no level to draw."), "{}", page(""));
        let drawn = page("<svg></svg>");
        assert!(drawn.contains("<svg></svg>") && !drawn.contains("no level to draw"), "{drawn}");
    }
}
