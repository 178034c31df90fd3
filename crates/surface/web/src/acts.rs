//! What people do, as events: a check that it makes sense, the event, and its outcome once it is on
//! disk. Pages and API act through the same functions.

use axum::http::HeaderMap;
use serde::Serialize;
use shelf_domain::{
    Actor, AlertAct, AlertId, AlertStatus, AlertVerb, Body, Count, Delivery, Event, EventId,
    MAX_SNOOZE_US, MINUTE, Note, OrderAct, OrderId, OrderVerb, Origin, Place, Sku, Store, StoreId,
    TaskAct, TaskId, TaskVerb, Timestamp,
};
use shelf_host::{Ack, AckStatus, SourceName, Sources, Stage};
use shelf_views::{AlertDetail, Chain, OrderDetail, TaskRow};
use utoipa::ToSchema;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::access::{Role, Who};
use crate::app::{App, fresh_id};
use crate::door::Incoming;
use crate::problem::{Kind, Problem};

/// Under which name alerts are given to people by the routes of the settings.
pub const ROUTER: &str = "routing";
/// The longest that an alert may be snoozed, in minutes.
pub(crate) const LONGEST_SNOOZE: i64 = MAX_SNOOZE_US / MINUTE;

/// What a client says about an act beside the act.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// The same key again does the same act once.
    pub key: Option<String>,
    /// The version that it was decided on; another one is refused.
    pub version: Option<String>,
}

impl Terms {
    /// Those of the headers `Idempotency-Key` and `If-Match`.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str| {
            let value = headers.get(name)?.to_str().ok()?.trim();
            (!value.is_empty()).then(|| value.to_owned())
        };
        Self {
            key: text("idempotency-key"),
            version: text("if-match").filter(|version| version != "*").map(seen_of),
        }
    }

    fn event_id(&self, who: &Who, store: StoreId, part: usize) -> Result<EventId, Problem> {
        match &self.key {
            None => fresh_id(),
            Some(key) => {
                let text = format!("{}\0{store}\0{part}\0{key}", who.name);
                Ok(EventId(xxh3_128(text.as_bytes())))
            }
        }
    }

    /// Whether a policy is what it was; one that is not there has no version.
    pub(crate) fn check_policy(&self, row: Option<&impl Serialize>) -> Result<(), Problem> {
        let version = row.map_or_else(|| "none".to_owned(), version_of);
        self.check(&version)
    }

    fn check(&self, version: &str) -> Result<(), Problem> {
        match &self.version {
            Some(known) if known != version => {
                let detail = format!("it is {version}, and the act was decided on {known}");
                Err(Problem::new(Kind::StaleVersion, detail))
            }
            _ => Ok(()),
        }
    }
}

/// The version that an `ETag` has in front of the mark of its bytes.
fn seen_of(tag: String) -> String {
    match tag.split_once('-') {
        Some((version, _)) if version.starts_with("\"v") => format!("{version}\""),
        _ => tag,
    }
}

/// What an act came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Done {
    /// `accepted`, or `duplicate` where it had been done before.
    pub status: String,
    /// The id of its event, in hexadecimal.
    pub event_id: String,
}

/// The version of a thing as an `ETag`.
pub(crate) fn version_of(thing: &impl Serialize) -> String {
    let text = serde_json::to_vec(thing).unwrap_or_default();
    format!("\"v{:016x}\"", xxh3_64(&text))
}

/// The version of an alert: what an act on it must have seen.
pub fn alert_version(view: &AlertDetail) -> String {
    let row = &view.alert;
    version_as(row.alert, row.status, (row.owner, row.actor), row.snoozed_until)
}

/// The version of an alert that stands like this.
fn version_as(
    alert: AlertId,
    status: AlertStatus,
    (owner, actor): (Option<Actor>, Option<Actor>),
    snoozed_until: Option<Timestamp>,
) -> String {
    let until = snoozed_until.map(|at| at.0);
    version_of(&(alert.to_string(), status.code(), owner, actor, until))
}

/// Whether the last act on an alert can be taken back, and what the sender saw is what there is:
/// of one that has ended, how it stood before. `event` is the id that the act has by its key.
fn may_undo(
    store: &Store,
    alert: AlertId,
    event: Option<EventId>,
    terms: &Terms,
) -> Result<(), Problem> {
    let before = store.alert_before_act(alert);
    match (AlertDetail::new(store, alert), before) {
        (Some(view), Some(_)) => terms.check(&alert_version(&view)),
        (None, Some(before)) => {
            let by = (before.owner, before.actor);
            terms.check(&version_as(alert, before.status, by, before.snoozed_until))
        }
        // Whoever sends an act again may find that it is done.
        (_, None) if event.is_some_and(|event| store.knows(event)) => Ok(()),
        (Some(_), None) => Err(Problem::new(Kind::NothingToUndo, not_acted_on(alert))),
        (None, None) if store.alerts_given() >= alert.0 => {
            Err(Problem::new(Kind::NothingToUndo, ended_for_good(alert)))
        }
        (None, None) => Err(Problem::new(Kind::UnknownAlert, format!("no alert {alert} stands"))),
    }
}

/// Why nothing on an alert that stands can be taken back.
pub(crate) fn not_acted_on(alert: AlertId) -> String {
    format!("nobody has acted on {alert} since it opened, woke, or was last taken back")
}

/// Why an alert that has ended cannot be brought back.
pub(crate) fn ended_for_good(alert: AlertId) -> String {
    format!(
        "{alert} has ended: nobody ended it, its problem has passed since, or a newer alert \
         stands for it"
    )
}

/// The version of an order: what an act on it must have seen.
pub fn order_version(view: &OrderDetail) -> String {
    let lines: Vec<_> = view.lines.iter().map(|line| (line.sku, line.units)).collect();
    version_of(&(view.order.order.to_string(), view.order.status.code(), lines))
}

/// The version of a task: what an act on it must have seen.
pub fn task_version(row: &TaskRow) -> String {
    version_of(&(row.task.to_string(), row.status.code()))
}

/// Acts on an alert. A snooze ends at the time that its verb says.
pub async fn act_on_alert(
    app: &App,
    who: &Who,
    (store, alert): (StoreId, AlertId),
    verb: AlertVerb,
    note: &str,
    terms: &Terms,
) -> Result<Done, Problem> {
    who.must_be(Role::Operator)?;
    let note = note_of(note)?;
    let body = AlertAct { alert, act: verb, actor: who.name, note };
    let (checked, keyed) = (terms.clone(), terms.key.is_some());
    let event = if keyed { Some(terms.event_id(who, store, 0)?) } else { None };
    let check = move |store: &Store| match AlertDetail::new(store, alert) {
        _ if verb == AlertVerb::Undo => may_undo(store, alert, event, &checked),
        Some(view) => checked.check(&alert_version(&view)),
        // Whoever sends an act again may find that it has ended the alert.
        None if keyed => Ok(()),
        None => Err(Problem::new(Kind::UnknownAlert, format!("no alert {alert} stands"))),
    };
    submit(app, who, store, vec![Body::AlertAct(Box::new(body))], terms, check).await
}

/// Acts on an order.
pub async fn act_on_order(
    app: &App,
    who: &Who,
    (store, order): (StoreId, OrderId),
    verb: OrderVerb,
    note: &str,
    terms: &Terms,
) -> Result<Done, Problem> {
    who.must_be(Role::Planner)?;
    let note = note_of(note)?;
    let body = OrderAct { order, act: verb, actor: who.name, note };
    let (checked, keyed) = (terms.clone(), terms.key.is_some());
    let check = move |store: &Store| match OrderDetail::new(store, order) {
        Some(view) => {
            let has = |sku: Sku| view.lines.iter().any(|line| line.sku == sku);
            if let OrderVerb::Change { sku, .. } = verb
                && !has(sku)
            {
                let detail = format!("order {order} has no line of {sku}");
                return Err(Problem::new(Kind::UnknownProduct, detail));
            }
            checked.check(&order_version(&view))
        }
        None if keyed => Ok(()),
        None => Err(Problem::new(Kind::UnknownOrder, format!("no order {order} stands"))),
    };
    submit(app, who, store, vec![Body::OrderAct(Box::new(body))], terms, check).await
}

/// Takes what came with an order into the warehouse, lot by lot.
pub async fn receive_order(
    app: &App,
    who: &Who,
    (store, order): (StoreId, OrderId),
    lots: Vec<Delivery>,
    terms: &Terms,
) -> Result<Done, Problem> {
    who.must_be(Role::Operator)?;
    if lots.is_empty() {
        return Err(Problem::new(Kind::BadValue, "no lot is named that came"));
    }
    let skus: Vec<Sku> = lots.iter().map(|lot| lot.sku).collect();
    let (order_of, actor) = (Some(order), who.name);
    let bodies =
        lots.into_iter().map(|lot| Body::Delivery(Delivery { order: order_of, actor, ..lot }));
    let (checked, keyed) = (terms.clone(), terms.key.is_some());
    let check = move |store: &Store| match OrderDetail::new(store, order) {
        Some(view) => {
            let has = |sku: &&Sku| view.lines.iter().all(|line| line.sku != **sku);
            match skus.iter().find(has) {
                None => checked.check(&order_version(&view)),
                Some(sku) => {
                    let detail = format!("order {order} has no line of {sku}");
                    Err(Problem::new(Kind::UnknownProduct, detail))
                }
            }
        }
        None if keyed => Ok(()),
        None => Err(Problem::new(Kind::UnknownOrder, format!("no order {order} stands"))),
    };
    submit(app, who, store, bodies.collect(), terms, check).await
}

/// Acts on a restock task, or asks for one.
pub async fn act_on_task(
    app: &App,
    who: &Who,
    (store, task): (StoreId, TaskId),
    verb: TaskVerb,
    terms: &Terms,
) -> Result<Done, Problem> {
    who.must_be(Role::Operator)?;
    let body = TaskAct { task, act: verb, actor: who.name };
    let (checked, keyed) = (terms.clone(), terms.key.is_some());
    let check = move |store: &Store| match verb {
        TaskVerb::Request(sku) => shelf_is_there(store, sku),
        TaskVerb::Cancel => match store.tasks().find(|standing| standing.task == task) {
            Some(found) => checked.check(&task_version(&TaskRow::new(store, found))),
            None if keyed => Ok(()),
            None => Err(Problem::new(Kind::UnknownTask, format!("no task {task} stands"))),
        },
    };
    submit(app, who, store, vec![Body::TaskAct(body)], terms, check).await
}

/// Tells what a person counted.
pub async fn count(
    app: &App,
    who: &Who,
    store: StoreId,
    (sku, place, units): (Sku, Place, u32),
    terms: &Terms,
) -> Result<Done, Problem> {
    who.must_be(Role::Operator)?;
    let body = Body::Count(Count { sku, place, units, actor: who.name });
    submit(app, who, store, vec![body], terms, move |store| shelf_is_there(store, sku)).await
}

fn shelf_is_there(store: &Store, sku: Sku) -> Result<(), Problem> {
    match store.sku(sku) {
        Some(_) => Ok(()),
        None => Err(Problem::new(Kind::UnknownProduct, format!("there is no shelf {sku}"))),
    }
}

/// Words that fit into an event.
pub(crate) fn note_of(text: &str) -> Result<Note, Problem> {
    Note::new(text).map_err(|long| {
        let detail = format!("the note has {} bytes; it may have {}", long.len, long.limit);
        Problem::new(Kind::BadValue, detail)
    })
}

/// A name of a person that fits into an event.
pub(crate) fn actor_of(text: &str) -> Result<Actor, Problem> {
    match Actor::new(text) {
        Ok(actor) if !text.trim().is_empty() => Ok(actor),
        _ => {
            let detail = format!("give a name of 1 to {} bytes", Actor::LIMIT);
            Err(Problem::new(Kind::BadValue, detail))
        }
    }
}

/// Has events of one store applied at its present, where `check` agrees. The first that is not
/// accepted is the problem.
pub(crate) async fn submit(
    app: &App,
    who: &Who,
    store: StoreId,
    bodies: Vec<Body>,
    terms: &Terms,
    check: impl FnOnce(&Store) -> Result<(), Problem> + Send + 'static,
) -> Result<Done, Problem> {
    who.must_see(store)?;
    let at = app.view(who, None, move |_, chain: &Chain<'_>| {
        let Some(found) = chain.store(store) else {
            let detail = format!("there is no store {store:?}");
            return Err(Problem::new(Kind::UnknownStore, detail));
        };
        check(found)?;
        Ok(found.now())
    });
    let at = at.await??;
    let mut events = Vec::new();
    for (part, body) in bodies.into_iter().enumerate() {
        let (id, origin) = (terms.event_id(who, store, part)?, Origin::default());
        let event = Event { id, store, at, received_at: app.now(), origin, body };
        events.push(Incoming { event, if_new: false });
    }
    let first = events.first().map(|incoming| incoming.event.id).unwrap_or_default();
    let acks = hand_in(app, events).await?;
    if let Some(refused) =
        acks.iter().find(|ack| !matches!(ack.status, AckStatus::Accepted | AckStatus::Duplicate))
    {
        return Err(Problem::of_ack(refused));
    }
    let known = acks.iter().all(|ack| ack.status == AckStatus::Duplicate);
    let status = if known { "duplicate" } else { "accepted" };
    Ok(Done { status: status.to_owned(), event_id: format!("{:032x}", first.0) })
}

/// Hands events in as those of this server, and waits for the disk.
pub(crate) async fn hand_in(app: &App, events: Vec<Incoming>) -> Result<Vec<Ack>, Problem> {
    let (door, folder) = (app.parts().door.clone(), app.parts().folder.clone());
    let stages = app.parts().stages.clone();
    app.blocking(move || {
        let source = Sources::open(&folder)?.find(&SourceName::http());
        let events = events.into_iter().map(|incoming| {
            let line = incoming.event.origin.line;
            let event = Event { origin: Origin { source, line }, ..incoming.event };
            Incoming { event, ..incoming }
        });
        let acks = door.submit(events.collect());
        if let (Err(_), Some(stages)) = (&acks, &stages) {
            stages.failed(Stage::Ingest);
        }
        Ok(acks?)
    })
    .await?
}
