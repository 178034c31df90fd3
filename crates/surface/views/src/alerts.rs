//! The alerts that stand, the most urgent first, and those that people ended and can bring back.

use std::cmp::{Ordering, Reverse};

use serde::Serialize;
use shelf_domain::{
    Actor, Alert, AlertId, AlertStatus, AlertVerb, Place, Rule, Severity, Sku, Store, StoreId,
    TaskId, Timestamp,
};

use crate::alert_detail::arriving;
use crate::chain::{self, Chain};
use crate::tally::SeverityTally;
use crate::{form, sentence};

/// Where in their lives the alerts to show are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusFilter {
    /// They stand, in this status.
    Is(AlertStatus),
    /// A person ended them, and they can be brought back. All others that have ended are in the log
    /// alone.
    Ended,
}

impl StatusFilter {
    /// Those that can be asked for.
    pub const ALL: [Self; 4] = [
        Self::Is(AlertStatus::Open),
        Self::Is(AlertStatus::Acknowledged),
        Self::Is(AlertStatus::Snoozed),
        Self::Ended,
    ];

    /// Its stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Is(status) => status.code(),
            Self::Ended => "ended",
        }
    }
}

/// Which alerts to show. What is not set does not narrow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlertFilter {
    /// Of this store.
    pub store: Option<StoreId>,
    /// Of this shelf.
    pub sku: Option<Sku>,
    /// Under this rule.
    pub rule: Option<Rule>,
    /// Of this severity.
    pub severity: Option<Severity>,
    /// In this status; those that stand, where none is set.
    pub status: Option<StatusFilter>,
    /// That this person takes care of.
    pub owner: Option<Actor>,
    /// At most so many rows.
    pub limit: Option<usize>,
}

impl AlertFilter {
    fn keeps(&self, alert: &Alert) -> bool {
        self.sku.is_none_or(|sku| Some(sku) == alert.sku)
            && self.rule.is_none_or(|rule| rule == alert.rule)
            && self.severity.is_none_or(|severity| severity == alert.severity)
            && match self.status {
                Some(StatusFilter::Is(status)) => status == alert.status,
                Some(StatusFilter::Ended) | None => true,
            }
            && self.owner.is_none_or(|owner| alert.owner == Some(owner))
    }
}

/// One alert.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct AlertRow {
    /// Where.
    #[schema(value_type = String)]
    pub store: StoreId,
    /// Its number in the store.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub alert: AlertId,
    /// What it is about.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub rule: Rule,
    /// How bad.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub severity: Severity,
    /// Where it is in its life.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub status: AlertStatus,
    /// Which shelf; `None` where it is about the whole store.
    #[schema(value_type = Option<String>)]
    pub sku: Option<Sku>,
    /// The product's name; the store's, where it is about the whole store.
    pub name: String,
    /// The product's category, which names its zone; empty where it is about the whole store.
    pub category: String,
    /// On the floor or in the warehouse.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub place: Place,
    /// When it opened.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub opened_at: Timestamp,
    /// From then to the store's present, in seconds.
    pub age_s: i64,
    /// When the condition was last seen.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub last_seen_at: Timestamp,
    /// How often the condition was seen.
    pub count: u32,
    /// The stock when last seen, in units.
    pub stock_units: u32,
    /// What the stock fell below, in units; days for `near_expiry`; units in question for the other
    /// rules.
    pub threshold: u32,
    /// What the place holds, in units; `None` where that is not known.
    pub capacity_units: Option<u32>,
    /// How many units to move, order or take away.
    pub suggested_units: u32,
    /// The restock task that stands for the shelf.
    #[serde(serialize_with = "form::maybe")]
    #[schema(value_type = Option<String>)]
    pub task: Option<TaskId>,
    /// Who takes care of it.
    #[schema(value_type = Option<String>)]
    pub owner: Option<Actor>,
    /// Who acted on it last; `None` also of one that has ended, of which the log has it.
    #[schema(value_type = Option<String>)]
    pub actor: Option<Actor>,
    /// The last act of a person, where `undo` takes it back: `acknowledge`, `assign`, `snooze`,
    /// `resolve`, `dismiss`, or `note` where it changed nothing but the words.
    #[serde(serialize_with = "form::maybe")]
    #[schema(value_type = Option<String>)]
    pub undoable: Option<AlertVerb>,
    /// When that was done.
    #[serde(serialize_with = "form::maybe")]
    #[schema(value_type = Option<String>)]
    pub undoable_at: Option<Timestamp>,
    /// Until when it is hidden.
    #[serde(serialize_with = "form::maybe")]
    #[schema(value_type = Option<String>)]
    pub snoozed_until: Option<Timestamp>,
    /// Its values, for where there is little room: `3 of 17`.
    pub values: String,
    /// Why it is open: the rule and its values.
    pub why: String,
    /// What to do.
    pub action: String,
}

impl AlertRow {
    /// What it is about, for people: the sku, or the words for the whole store.
    pub fn subject(&self) -> &str {
        sentence::subject(self.sku.as_ref())
    }

    /// The row of an alert of a store, as `Store::alerts` or `Store::alerts_to_undo` has it.
    pub fn new(store: &Store, alert: &Alert) -> Self {
        let index = alert.sku.and_then(|sku| store.sku(sku));
        let shelf = index.and_then(|index| store.shelf(index));
        let arrival = index.and_then(|index| arriving(store, index).into_iter().next());
        let task_id = shelf.and_then(|shelf| shelf.task);
        let task = task_id.and_then(|id| store.tasks().find(|task| task.task == id));
        let last = store.act_to_undo(alert);
        Self {
            store: store.id(),
            alert: alert.alert,
            rule: alert.rule,
            severity: alert.severity,
            status: alert.status,
            sku: alert.sku,
            name: alert
                .sku
                .map_or_else(|| chain::store_name(store), |sku| chain::product_name(store, sku)),
            category: alert.sku.map_or("", |sku| chain::category_of(store, sku)).to_owned(),
            place: alert.place,
            opened_at: alert.opened_at,
            age_s: chain::age_s(store, alert.opened_at),
            last_seen_at: alert.last_seen_at,
            count: alert.count,
            stock_units: alert.stock_units,
            threshold: alert.threshold,
            capacity_units: (alert.capacity_units > 0).then_some(alert.capacity_units),
            suggested_units: alert.suggested_units,
            task: task_id,
            owner: alert.owner,
            actor: alert.actor,
            undoable: last.map(|last| last.act),
            undoable_at: last.map(|last| last.at),
            snoozed_until: alert.snoozed_until,
            values: sentence::values(alert),
            why: sentence::why(alert),
            action: sentence::action(alert, shelf, task, arrival),
        }
    }
}

/// The alerts that stand, the most urgent first: by severity, then by age. Or those that people
/// ended and can bring back, the one that ended last first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct AlertsView {
    /// How many alerts the filter keeps, those over the limit included.
    pub total: u64,
    /// The same by severity.
    pub by_severity: SeverityTally,
    /// The rows, up to the limit.
    pub alerts: Vec<AlertRow>,
}

impl AlertsView {
    /// The alerts of a chain that the filter keeps.
    pub fn new(chain: &Chain<'_>, filter: &AlertFilter) -> Self {
        let stores = chain.select(filter.store);
        let ended;
        let (mut found, order): (Vec<Found<'_>>, Order) = match filter.status {
            Some(StatusFilter::Ended) => {
                ended = alerts_to_undo(&stores);
                (ended.iter().map(|(of, alert)| (*of, alert)).collect(), last_first)
            }
            Some(StatusFilter::Is(_)) | None => (standing(&stores), most_urgent_first),
        };
        found.retain(|(_, alert)| filter.keeps(alert));
        let mut by_severity = SeverityTally::default();
        for (_, alert) in &found {
            by_severity.add(alert.severity);
        }
        let total = found.len() as u64;
        // Only those that are shown are put in order.
        if let Some(limit) = filter.limit.filter(|limit| *limit < found.len()) {
            if limit > 0 {
                found.select_nth_unstable_by(limit, order);
            }
            found.truncate(limit);
        }
        found.sort_unstable_by(order);
        let rows = found.iter().map(|(store, alert)| AlertRow::new(store, alert));
        Self { total, by_severity, alerts: rows.collect() }
    }
}

type Found<'a> = (&'a Store, &'a Alert);
type Order = fn(&Found<'_>, &Found<'_>) -> Ordering;

/// The alerts that people ended and can bring back.
fn alerts_to_undo<'a>(stores: &[&'a Store]) -> Vec<(&'a Store, Alert)> {
    let mut ended = Vec::new();
    for &store in stores {
        ended.extend(store.alerts_to_undo().map(|alert| (store, alert)));
    }
    ended
}

/// The alerts that stand, in no order.
fn standing<'a>(stores: &[&'a Store]) -> Vec<Found<'a>> {
    let mut standing = Vec::new();
    for &store in stores {
        standing.extend(store.alerts_standing().map(|alert| (store, alert)));
    }
    standing
}

fn last_first(a: &Found<'_>, b: &Found<'_>) -> Ordering {
    let key = |(store, alert): &Found<'_>| (Reverse(alert.changed_at), store.id(), alert.alert);
    key(a).cmp(&key(b))
}

fn most_urgent_first(a: &Found<'_>, b: &Found<'_>) -> Ordering {
    let key = |(store, alert): &Found<'_>| {
        (Reverse(alert.severity), alert.opened_at, store.id(), alert.alert)
    };
    key(a).cmp(&key(b))
}
