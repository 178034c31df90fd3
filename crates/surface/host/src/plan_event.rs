//! The event that tells a store which windows to keep.

use shelf_domain::{Body, Event, EventId, Origin, Store, WindowPlan};
use xxhash_rust::xxh3::Xxh3Default;

/// The event that has a store keep these windows; `None` where it does already.
///
/// Its id follows from the store, the plan and how much the store has accepted: the same state
/// tells the same event in every run, and a plan that comes back later is not taken as known.
pub(crate) fn plan_event(store: &Store, plan: &WindowPlan) -> Option<Event> {
    if store.window_plan() == plan {
        return None;
    }
    let at = store.now();
    let origin = Origin::default();
    let body = Body::WindowPlan(Box::new(plan.clone()));
    Some(Event { id: id(store, plan), store: store.id(), at, received_at: at, origin, body })
}

fn id(store: &Store, plan: &WindowPlan) -> EventId {
    let mut hash = Xxh3Default::new();
    let mut add = |bytes: &[u8]| {
        hash.update(&(bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    add(b"window_plan");
    add(store.id().as_str().as_bytes());
    add(&store.stats().accepted.to_le_bytes());
    add(&plan.lateness_us.to_le_bytes());
    for spec in &plan.windows {
        add(spec.name.as_str().as_bytes());
        let (measure, scope) = (spec.measure as i64, spec.scope as i64);
        let numbers =
            [measure, scope, spec.size_us, spec.slide_us, spec.early_us, i64::from(spec.kept)];
        for number in numbers {
            add(&number.to_le_bytes());
        }
    }
    EventId(hash.digest128())
}
