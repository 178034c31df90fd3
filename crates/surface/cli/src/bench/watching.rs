//! Benches of what windows, rules and facts cost the core.

use std::time::Instant;

use serde_json::json;
use shelf_domain::{
    AnomalyPolicy, Body, Effects, Event, EventId, Policy, PolicyId, Stores, WindowPlan,
};

use super::{Measured, events_of_a_town};
use crate::simulate::memory;

const DAYS: i64 = 28;
/// Runs of each kind, one after the other in turn.
const RUNS: usize = 5;
/// Copies of a store whose memory is measured.
const COPIES: u64 = 40;

/// The events that switch all windows and all rules over them off.
fn off(opening: &[Event]) -> Vec<Event> {
    let Some(first) = opening.first() else { return Vec::new() };
    let off = Some(AnomalyPolicy::all_bits());
    let anomalies = AnomalyPolicy { off, ..AnomalyPolicy::default() };
    let policy = PolicyId::cut("bench");
    let policy = Policy { policy, active: true, anomalies, ..Policy::default() };
    let bodies = [Body::WindowPlan(Box::new(WindowPlan::NONE)), Body::Policy(Box::new(policy))];
    let event = |(number, body)| Event { id: EventId(u128::MAX - number), body, ..first.clone() };
    (0..).zip(bodies).map(event).collect()
}

/// The part of the core's steps a second that the default windows and rules cost, in per cent.
pub(super) fn cost() -> Measured {
    let (opening, events) = events_of_a_town(DAYS);
    let switches = off(&opening);
    let (mut on_rates, mut off_rates) = (Vec::new(), Vec::new());
    for run in 0..2 * RUNS {
        let (mut stores, mut effects) = (Stores::default(), Effects::default());
        let with = run % 2 == 0;
        let setting = opening.iter().chain(switches.iter().filter(|_| !with));
        setting.for_each(|event| _ = stores.step(event, &mut effects));
        let begun = Instant::now();
        for event in &events {
            stores.step(event, &mut effects);
        }
        let rate = events.len() as f64 / begun.elapsed().as_secs_f64();
        if with { on_rates.push(rate) } else { off_rates.push(rate) }
    }
    let middle = |rates: &mut Vec<f64>| {
        rates.sort_unstable_by(f64::total_cmp);
        rates.get(RUNS / 2).copied().unwrap_or(f64::NAN)
    };
    let (on, off) = (middle(&mut on_rates), middle(&mut off_rates));
    Measured {
        unit: "% of steps/s",
        value: (1.0 - on / off) * 100.0,
        target: "under 40",
        detail: json!({
            "events": events.len(), "days": DAYS, "steps_per_s_on": on, "steps_per_s_off": off,
            "runs_on": on_rates, "runs_off": off_rates,
        }),
    }
}

/// The memory of one store with everything on, in megabytes: that of copies, side by side.
pub(super) fn memory_of_a_store() -> Measured {
    let (opening, events) = events_of_a_town(DAYS);
    let (mut stores, mut effects) = (Stores::default(), Effects::default());
    for event in opening.iter().chain(&events) {
        stores.step(event, &mut effects);
    }
    drop((opening, events));
    let encoded = stores.encode().map_or(0, |bytes| bytes.len());
    // The first copies take the memory that the events have left; the second ones need their own.
    let mut copies: Vec<Stores> = (0..COPIES).map(|_| stores.clone()).collect();
    let before = memory("VmRSS:").unwrap_or(0);
    copies.extend((0..COPIES).map(|_| stores.clone()));
    let after = memory("VmRSS:").unwrap_or(0);
    let skus = copies.iter().flat_map(Stores::iter).map(shelf_domain::Store::sku_count).max();
    Measured {
        unit: "MB",
        value: after.saturating_sub(before) as f64 / COPIES as f64 / 1e6,
        target: "under 40",
        detail: json!({
            "skus": skus, "days": DAYS, "copies": COPIES, "encoded_bytes": encoded,
            "resident_before": before, "resident_after": after,
        }),
    }
}
