//! What the alerts of last week would have been under another policy: the same events stepped again
//! behind that policy. Nothing is written.

use shelf_domain::{
    Body, DAY, Effects, Event, EventId, Origin, Policy, Rule, Store, StoreId, Stores, Timestamp,
};
use shelf_eventlog::LogReader;
use shelf_events::decode_event;
use shelf_host::HostError;
use shelf_ports::RecordBatch;

use super::fmt;
use super::scene::Preview;
use crate::app::App;

/// So many days are looked back; fewer where the log is younger.
const DAYS: [i64; 3] = [7, 3, 1];
const READ_BYTES: usize = 1 << 20;

/// Counts the alerts of a store as they were and as they would have been. Blocks while the log is
/// stepped.
pub(super) fn of(app: &App, id: StoreId, policy: &Policy) -> Result<Preview, HostError> {
    let now = app.feed().read(|present| present.chain().store(id).map(Store::now));
    let young = || Preview {
        trouble: Some("The log has less than a day of this store.".to_owned()),
        ..Preview::default()
    };
    let Some(now) = now else { return Ok(young()) };
    for days in DAYS {
        let from = Timestamp(now.0 - days * DAY);
        let past = app.pasts().at(from)?;
        let partitions = past.partitions();
        let found = partitions
            .iter()
            .zip(past.positions())
            .find(|(stores, _)| stores.get(id).is_some_and(|store| store.now().0 > from.0 - DAY));
        if let Some((stores, (partition, position))) = found {
            return compare(app, stores, (partition, position), id, policy);
        }
    }
    Ok(young())
}

fn compare(
    app: &App,
    before: &Stores,
    (partition, position): (u32, u64),
    id: StoreId,
    policy: &Policy,
) -> Result<Preview, HostError> {
    let (mut as_was, mut would) = (before.clone(), before.clone());
    let mut effects = Effects::default();
    let Some(store) = before.get(id) else { return Ok(Preview::default()) };
    let (at, clock) = (store.now(), store.settings().clock.clone());
    let body = Body::Policy(Box::new(policy.clone()));
    let (event_id, origin) = (EventId(u128::MAX), Origin::default());
    let event = Event { id: event_id, store: id, at, received_at: at, origin, body };
    let _ = would.step(&event, &mut effects);
    let mut log = LogReader::open(app.feed().folder().log())?;
    let (end, mut read) = (log.end_offset(partition)?, RecordBatch::new());
    let mut next = position;
    while next < end {
        next = log.read(partition, next, READ_BYTES, &mut read)?;
        for record in read.iter() {
            let Ok(event) = decode_event(record) else { continue };
            if event.store == id {
                let _ = as_was.step(&event, &mut effects);
                let _ = would.step(&event, &mut effects);
            }
        }
    }
    let opened = |stores: &Stores, rule: Rule| {
        stores.get(id).map_or(0, |store| store.stats().alerts_opened.get(rule as usize))
    };
    let row = |&rule: &Rule| {
        let start = opened(before, rule);
        (rule.code(), opened(&as_was, rule) - start, opened(&would, rule) - start)
    };
    let mut rules: Vec<_> = Rule::ALL.iter().map(row).collect();
    rules.retain(|(_, was, would)| was + would > 0);
    Ok(Preview { from: fmt::local(&clock, at), rules, trouble: None })
}
