//! What is counted of the quality of a faulty town's messages is what went wrong in it.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail like tests")]

#[path = "fixture/chain.rs"]
mod chain;

use std::collections::BTreeMap;

use chain::{end_of, minute, open, options, simulate, towns};
use shelf_domain::{
    LATE_AFTER_US, Outcome, Reason, StoreId, Stream, StreamCounts, Timestamp, WindowName,
};
use shelf_host::{ChainReader, Folder, Follow};

/// From six in the morning to four in the night after the next day: what was delayed has arrived.
const MINUTES: i64 = 46 * 60;

/// The events that came late by the order of the log alone, by store.
fn late_by_the_log(folder: &Folder) -> BTreeMap<StoreId, u64> {
    let mut now: BTreeMap<StoreId, Timestamp> = BTreeMap::new();
    let mut late = BTreeMap::new();
    let mut reader = ChainReader::open_behind(folder, Follow::FromStart).unwrap();
    let count = |_: u32, stepped: shelf_engine::Stepped<'_>| {
        let (event, outcome) = (stepped.event, stepped.outcome);
        if matches!(outcome, Outcome::Duplicate | Outcome::Quarantined(Reason::Unreadable)) {
            return;
        }
        let now = now.entry(event.store).or_insert(event.at);
        *now = (*now).max(event.at);
        let behind = now.since(event.at) > LATE_AFTER_US;
        *late.entry(event.store).or_default() += u64::from(behind);
    };
    reader.catch_up(count).unwrap();
    late
}

#[test]
fn what_went_wrong_on_the_wire_is_what_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::at(dir.path());
    let mut chain = open(&folder, &options(towns(11, 3)));
    simulate(&mut chain, minute(MINUTES));
    let end = end_of(&mut chain);
    chain.close().unwrap();
    let late = late_by_the_log(&folder);
    let reader = ChainReader::open(&folder, Follow::FromSnapshot).unwrap();
    let mut all = StreamCounts::default();
    for (store, truth) in &end.truths {
        let partitions = reader.partitions();
        let kept = partitions.iter().flat_map(|stores| stores.streams());
        let (core, streams) = kept.into_iter().find(|(core, _)| core.id() == *store).unwrap();
        let mut sum = StreamCounts::default();
        streams.iter().for_each(|(_, row)| sum.merge(&row.counts));
        let faults = &truth.faults;
        assert!(faults.duplicate > 0 && faults.late > 0 && faults.malformed > 0, "{faults:?}");
        assert_eq!(sum.duplicates, faults.duplicate, "{store}");
        let damaged = faults.malformed + faults.truncated;
        assert_eq!(sum.quarantined.get(Reason::Unreadable as usize), damaged, "{store}");
        assert_eq!(sum.quarantined.total(), damaged, "{store}");
        assert_eq!(sum.late, late.get(store).copied().unwrap(), "{store}");
        assert_eq!((sum.accepted, sum.late), (core.stats().accepted, core.stats().late));
        assert_eq!(core.stats().consistency.wrong_totals, 0, "{store}");
        assert_eq!(core.stats().consistency.negative_totals, 0, "{store}");
        let balance = core.window_balance(WindowName::cut("store_1m")).unwrap();
        assert_eq!((balance.lost_cents(), balance.receipts_cents > 0), (0, true), "{balance:?}");
        // What came late by hours took hours.
        let shelf = streams.get(Stream::Shelf).unwrap();
        assert_eq!(shelf.arrival.count(), shelf.counts.accepted);
        assert!(shelf.arrival.max_us() > Some(8 * 60 * 1_000_000), "{:?}", shelf.arrival.max_us());
        all.merge(&sum);
    }
    // By source it is the same again.
    let mut by_source = StreamCounts::default();
    reader.source_counts().iter().for_each(|(_, _, counts)| by_source.merge(counts));
    assert_eq!(by_source, all);
}
