//! What people do on the pages, as events. A form posts what is to be done and to what; the answer
//! leads back to the page with a sentence about what became of it.

use shelf_domain::{
    Actor, AlertAct, AlertId, AlertVerb, BasisPoints, Body, Category, Event, MINUTE, Note,
    OrderAct, OrderId, OrderVerb, Origin, Policy, PolicyId, Scope, Sku, Store, StoreId,
    Subcategory, TaskAct, TaskId, TaskVerb,
};
use shelf_host::{Ack, AckStatus};
use shelf_views::Chain;

use super::doing::why;
use super::query::Query;
use super::scene::Notice;
use crate::access::{Role, Who};
use crate::acts::{LONGEST_SNOOZE, hand_in};
use crate::app::{App, fresh_id};
use crate::door::Incoming;
use crate::problem::{Kind, Problem};

/// The most alerts of one form.
const MOST: usize = 500;
/// How long an alert is snoozed where nobody says how long, in minutes.
const SNOOZE_MINUTES: i64 = 60;

/// What a form wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wish {
    /// What.
    verb: String,
    /// In which store.
    store: StoreId,
    /// With what.
    thing: String,
}

/// The wishes of a form: that of the button, or the same for everything that is ticked.
fn wishes(form: &Query) -> Result<Vec<Wish>, Problem> {
    let bad = || Problem::new(Kind::BadRequest, "the form does not say what is to be done");
    let read = |verb: &str, rest: &str| {
        let (store, thing) = rest.split_once(' ').ok_or_else(bad)?;
        let store = StoreId::new(store).map_err(|_| bad())?;
        Ok(Wish { verb: verb.to_owned(), store, thing: thing.to_owned() })
    };
    if let Some(one) = form.get("one") {
        let (verb, rest) = one.split_once(' ').ok_or_else(bad)?;
        return Ok(vec![read(verb, rest)?]);
    }
    let verb = form.get("do").ok_or_else(bad)?;
    form.all("alert").take(MOST).map(|ticked| read(verb, ticked)).collect()
}

/// How many ticks of a form are beyond what one form does.
fn beyond(form: &Query) -> usize {
    match form.get("one") {
        Some(_) => 0,
        None => form.all("alert").count().saturating_sub(MOST),
    }
}

fn note(form: &Query) -> Note {
    Note::cut(form.get("note").unwrap_or_default())
}

fn gone(what: &str) -> Problem {
    Problem::new(Kind::NotFound, format!("{what} does not stand any more"))
}

fn event(store: &Store, body: Body) -> Result<Event, Problem> {
    let at = store.now();
    let origin = Origin::default();
    Ok(Event { id: fresh_id()?, store: store.id(), at, received_at: at, origin, body })
}

/// What was done, in a word for the notice, with the events that do it.
#[derive(Debug)]
pub(super) struct Deed {
    pub(super) done: String,
    pub(super) events: Vec<Event>,
    /// The alerts on which it can be taken back.
    pub(super) undo: Vec<(StoreId, AlertId)>,
}

impl Deed {
    fn new(done: String, events: Vec<Event>) -> Self {
        Self { done, events, undo: Vec::new() }
    }
}

/// The events of a form about alerts.
pub(super) fn alerts(chain: &Chain<'_>, who: &Who, form: &Query) -> Result<Deed, Problem> {
    who.must_be(Role::Operator)?;
    let wishes = wishes(form)?;
    let (mut events, mut undo, mut done, mut missing) = (Vec::new(), Vec::new(), "", GONE);
    for wish in &wishes {
        who.must_see(wish.store)?;
        let store = chain.store(wish.store).ok_or_else(|| gone("the store"))?;
        let alert = AlertId::parse(&wish.thing).ok_or_else(|| gone(&wish.thing))?;
        let (act, word) = alert_verb(store, &wish.verb, form)?;
        done = word;
        let fits = if act == AlertVerb::Undo {
            missing = DONE_WITH;
            store.alert_before_act(alert).is_some()
        } else {
            store.alerts_standing().any(|standing| standing.alert == alert)
        };
        if fits {
            if act != AlertVerb::Undo {
                undo.push((wish.store, alert));
            }
            let act = AlertAct { alert, act, actor: who.name, note: note(form) };
            events.push(event(store, Body::AlertAct(Box::new(act)))?);
        }
    }
    let left = wishes.len() - events.len();
    let done = match (wishes.as_slice(), events.len()) {
        ([], _) => "Nothing was ticked.".to_owned(),
        ([one], 0) => format!("{} {}.", one.thing, missing.one),
        ([one], _) => format!("{} {done}.", one.thing),
        (_, 0) => missing.all.to_owned(),
        (_, acts) if left == 0 => format!("{acts} alerts {done}."),
        (_, acts) => format!("{acts} alerts {done}; {left} {}.", missing.some),
    };
    let done = match beyond(form) {
        0 => done,
        more => format!("{done} One form takes {MOST} alerts: {more} more were left out."),
    };
    Ok(Deed { done, events, undo })
}

/// Why nothing was done about an alert.
#[derive(Clone, Copy, Debug)]
struct Missing {
    one: &'static str,
    some: &'static str,
    all: &'static str,
}

const GONE: Missing = Missing {
    one: "does not stand any more",
    some: "did not stand any more",
    all: "None of them stands any more.",
};
const DONE_WITH: Missing = Missing {
    one: "has no act that can be taken back: its problem has passed, a newer alert stands for it, \
          or nobody has acted on it",
    some: "had no act that could be taken back",
    all: "None of them has an act that can be taken back.",
};

fn alert_verb(
    store: &Store,
    verb: &str,
    form: &Query,
) -> Result<(AlertVerb, &'static str), Problem> {
    let in_minutes = |minutes: i64| AlertVerb::Snooze(store.now().plus(minutes * MINUTE));
    Ok(match verb {
        "acknowledge" => (AlertVerb::Acknowledge, "acknowledged"),
        "resolve" => (AlertVerb::Resolve, "resolved"),
        "dismiss" => (AlertVerb::Dismiss, "dismissed"),
        "note" => (AlertVerb::Note, "noted"),
        "snooze" => {
            let minutes = form.get("minutes").map_or(Ok(SNOOZE_MINUTES), str::parse);
            let fits = |minutes: &i64| (1..=LONGEST_SNOOZE).contains(minutes);
            let Some(minutes) = minutes.ok().filter(fits) else {
                let detail = format!("an alert is snoozed for 1 to {LONGEST_SNOOZE} minutes");
                return Err(Problem::new(Kind::BadRequest, detail));
            };
            (in_minutes(minutes), "snoozed")
        }
        "undo" => (AlertVerb::Undo, "as before"),
        "assign" => {
            let owner = form.get("owner").map(str::trim).filter(|owner| !owner.is_empty());
            let owner = owner.and_then(|owner| Actor::new(owner).ok());
            let nobody = || Problem::new(Kind::BadRequest, "name whom to assign it to");
            (AlertVerb::Assign(owner.ok_or_else(nobody)?), "assigned")
        }
        _ => return Err(Problem::new(Kind::BadRequest, "that cannot be done about an alert")),
    })
}

/// The events of a form about restock tasks.
pub(super) fn tasks(chain: &Chain<'_>, who: &Who, form: &Query) -> Result<Deed, Problem> {
    who.must_be(Role::Operator)?;
    let (mut events, mut done) = (Vec::new(), String::new());
    for wish in wishes(form)? {
        who.must_see(wish.store)?;
        let store = chain.store(wish.store).ok_or_else(|| gone("the store"))?;
        let (task, act) = match wish.verb.as_str() {
            "request" => {
                let sku = Sku::new(&wish.thing).map_err(|_| gone(&wish.thing))?;
                done = format!("A refill of {sku} is asked for.");
                (TaskId::default(), TaskVerb::Request(sku))
            }
            _ => {
                done = format!("{} cancelled.", wish.thing);
                let task = TaskId::parse(&wish.thing).ok_or_else(|| gone(&wish.thing))?;
                (task, TaskVerb::Cancel)
            }
        };
        events.push(event(store, Body::TaskAct(TaskAct { task, act, actor: who.name }))?);
    }
    Ok(Deed::new(done, events))
}

/// The events of a form about supplier orders.
pub(super) fn orders(chain: &Chain<'_>, who: &Who, form: &Query) -> Result<Deed, Problem> {
    let (mut events, mut done) = (Vec::new(), String::new());
    for wish in wishes(form)? {
        who.must_see(wish.store)?;
        let store = chain.store(wish.store).ok_or_else(|| gone("the store"))?;
        let order = OrderId::parse(&wish.thing).ok_or_else(|| gone(&wish.thing))?;
        let act = match wish.verb.as_str() {
            "receive" => {
                who.must_be(Role::Operator)?;
                done = format!("What was outstanding of {order} is received.");
                events.extend(receipts(store, order, who)?);
                continue;
            }
            "approve" => {
                done = format!("{order} approved.");
                OrderVerb::Approve
            }
            "cancel" => {
                done = format!("{order} cancelled.");
                OrderVerb::Cancel
            }
            "change" => {
                let bad = || Problem::new(Kind::BadRequest, "give the sku and its units");
                let sku = form.get("sku").and_then(|sku| Sku::new(sku).ok()).ok_or_else(bad)?;
                let units = form.get("units").and_then(|units| units.parse().ok());
                done = format!("{order} changed.");
                OrderVerb::Change { sku, units: units.ok_or_else(bad)? }
            }
            _ => return Err(Problem::new(Kind::BadRequest, "that cannot be done about an order")),
        };
        who.must_be(Role::Planner)?;
        let act = OrderAct { order, act, actor: who.name, note: note(form) };
        events.push(event(store, Body::OrderAct(Box::new(act)))?);
    }
    Ok(Deed::new(done, events))
}

/// A delivery of everything that is outstanding of an order, each sku as a lot of its own.
fn receipts(store: &Store, id: OrderId, who: &Who) -> Result<Vec<Event>, Problem> {
    let order = store.orders().find(|order| order.order == id);
    let order = order.ok_or_else(|| gone(&id.to_string()))?;
    order.outstanding(who.name).map(|lot| event(store, Body::Delivery(lot))).collect()
}

/// The policy that a form describes.
pub(super) fn policy(form: &Query) -> Result<Policy, Problem> {
    let bad = |what: &str| Problem::new(Kind::BadRequest, format!("{what} cannot be read"));
    let text = |name: &str| form.get(name).map(str::trim).filter(|text| !text.is_empty());
    let id = text("id").ok_or_else(|| bad("the id of the policy"))?;
    let part = |name: &str| {
        let Some(text) = text(name) else { return Ok(None) };
        let value: f64 = text.parse().map_err(|_| bad(name))?;
        if !(0.0..=100.0).contains(&value) {
            return Err(bad(name));
        }
        Ok(Some(BasisPoints((value * 100.0).round() as _)))
    };
    Ok(Policy {
        policy: PolicyId::new(id).map_err(|_| bad("the id of the policy"))?,
        scope: scope(text("scope").unwrap_or("global")).ok_or_else(|| bad("what it is for"))?,
        active: form.get("inactive").is_none(),
        notes: Note::cut(text("notes").unwrap_or_default()),
        refill_below: part("refill_below")?,
        target: part("target")?,
        min_units: number(text("min_units"), bad("min_units"))?,
        reorder_point_units: number(text("reorder_point"), bad("reorder_point"))?,
        cover_days: number(text("cover_days"), bad("cover_days"))?,
        near_expiry_floor_days: number(text("near_expiry"), bad("near_expiry"))?,
        cooldown_minutes: number(text("cooldown"), bad("cooldown"))?,
        ..Policy::default()
    })
}

/// A number of a form, where there is one.
fn number<T: std::str::FromStr>(text: Option<&str>, bad: Problem) -> Result<Option<T>, Problem> {
    text.map(|text| text.parse().map_err(|_| bad)).transpose()
}

/// `global`, `category FISH`, `subcategory FISH / Salmon`, `shelf FISALM0001`.
fn scope(text: &str) -> Option<Scope> {
    let (kind, name) = text.split_once(' ').unwrap_or((text, ""));
    let name = name.trim();
    match kind {
        "global" if name.is_empty() => Some(Scope::Global),
        "category" if !name.is_empty() => Category::new(name).ok().map(Scope::Category),
        "shelf" if !name.is_empty() => Sku::new(name).ok().map(Scope::Shelf),
        "subcategory" if !name.is_empty() => match name.split_once(" / ") {
            Some((category, sub)) => {
                let category = Category::new(category).ok()?;
                Some(Scope::Subcategory(Some(category), Subcategory::new(sub).ok()?))
            }
            None => Some(Scope::Subcategory(None, Subcategory::new(name).ok()?)),
        },
        _ => None,
    }
}

/// The event that sets a policy. What the form does not show stays as it was.
pub(super) fn policies(chain: &Chain<'_>, who: &Who, form: &Query) -> Result<Deed, Problem> {
    who.must_be(Role::Planner)?;
    let store = form.get("store").and_then(|id| StoreId::new(id).ok());
    let store = store.and_then(|id| chain.store(id)).ok_or_else(|| gone("the store"))?;
    who.must_see(store.id())?;
    let policy = Policy { actor: who.name, ..merged(store, policy(form)?) };
    let done = format!("Policy {} set.", policy.policy);
    Ok(Deed::new(done, vec![event(store, Body::Policy(Box::new(policy)))?]))
}

/// A policy of a form with the values that only the old one has.
pub(super) fn merged(store: &Store, policy: Policy) -> Policy {
    let known = store.policies().iter().find(|known| known.policy == policy.policy);
    let Some(known) = known.cloned() else { return policy };
    Policy {
        policy: policy.policy,
        scope: policy.scope,
        active: policy.active,
        notes: policy.notes,
        refill_below: policy.refill_below,
        target: policy.target,
        min_units: policy.min_units,
        reorder_point_units: policy.reorder_point_units,
        cover_days: policy.cover_days,
        near_expiry_floor_days: policy.near_expiry_floor_days,
        cooldown_minutes: policy.cooldown_minutes,
        ..known
    }
}

/// Has the events of a deed put into the log. What became of it, and what of it can be taken back.
pub(super) async fn carry_out(app: &App, deed: Deed) -> Result<Notice, Problem> {
    if deed.events.is_empty() {
        return Ok(Notice::bad(format!("{} Nothing was changed.", deed.done)));
    }
    let incoming = |event| Incoming { event, if_new: false };
    let acks = hand_in(app, deed.events.into_iter().map(incoming).collect()).await?;
    let refused: Vec<&Ack> = acks
        .iter()
        .filter(|ack| !matches!(ack.status, AckStatus::Accepted | AckStatus::Duplicate))
        .collect();
    match refused.first() {
        None => Ok(Notice { good: true, text: deed.done, undo: deed.undo }),
        Some(first) => {
            let (count, why) = (refused.len(), why(first));
            Ok(Notice::bad(format!("{count} of {} were not accepted: {why}", acks.len())))
        }
    }
}
