//! Checks of the whole chain: its sources, its stores as a whole, and how fast events are applied.

use shelf_domain::{Counts, MINUTE, Reason, SECOND, SourceId, Stores, Stream, StreamCounts};

use super::{CheckRow, CheckState, Figure, Kept, QualityFacts, source_name, sources_of};

/// Reasons for quarantine that mean a reference to what is not there.
const UNKNOWN: [Reason; 5] = [
    Reason::UnknownStore,
    Reason::UnknownProduct,
    Reason::UnknownAlert,
    Reason::UnknownTask,
    Reason::UnknownOrder,
];

pub(super) fn checks(
    partitions: &[&Stores],
    kept: &[Kept<'_>],
    facts: &QualityFacts,
    checks: &mut Vec<CheckRow>,
) {
    checks.push(silent_stores(kept, facts));
    let mut counts = Counts::default();
    for stores in partitions {
        counts.merge(stores.counts());
    }
    checks.push(unknown_references(&counts, facts));
    let negative = i64::try_from(counts.negative_lines).unwrap_or(i64::MAX);
    let says = "lines were rejected because a quantity or price is below zero or no price at all";
    let row = CheckRow::new("negative_lines", says, Figure::Whole(0), "lines");
    let state = if negative > 0 { CheckState::Warn } else { CheckState::Ok };
    checks.push(row.stated(Figure::Whole(negative), state));
    shares(partitions, facts, checks);
    applied(facts, checks);
}

/// Declared stores that are open and of which nothing was heard, the clock aside.
fn silent_stores(kept: &[Kept<'_>], facts: &QualityFacts) -> CheckRow {
    let patience_us = facts.limits.silent_store_s * SECOND;
    let (mut open, mut silent) = (0, Vec::new());
    for (store, streams) in kept {
        let Some(since) = store.open_since(facts.now) else { continue };
        open += 1;
        let heard = streams.iter().filter(|(stream, _)| *stream != Stream::Clock);
        let last = heard.filter_map(|(_, row)| row.counts.last_at).max();
        let quiet_us = facts.now.since(last.map_or(since, |last| last.max(since)));
        if quiet_us > patience_us {
            silent.push(store.id().as_str().to_owned());
        }
    }
    let minutes = patience_us / MINUTE;
    let says = format!("of {open} open stores so many sent nothing for {minutes} minutes");
    let row = CheckRow::new("silent_stores", says, Figure::Whole(0), "stores");
    if open == 0 {
        return CheckRow { says: "no store is open".to_owned(), ..row };
    }
    let state = match silent.len() {
        0 => CheckState::Ok,
        all if all == open => CheckState::Fail,
        _ => CheckState::Warn,
    };
    row.stated(Figure::Whole(silent.len() as i64), state).named(silent)
}

fn unknown_references(counts: &Counts, facts: &QualityFacts) -> CheckRow {
    let unknown = UNKNOWN.iter().map(|reason| counts.quarantined.get(*reason as usize)).sum();
    let limit = Figure::Percent(facts.limits.quarantined_percent);
    let says =
        "of all events so many name a store, product, alert, task or order that is not there";
    let row = CheckRow::new("unknown_references", says, limit, "percent");
    if counts.stepped == 0 { row } else { row.measured(Figure::part(unknown, counts.stepped)) }
}

/// How much of what each source sent was known already, late or not accepted.
fn shares(partitions: &[&Stores], facts: &QualityFacts, checks: &mut Vec<CheckRow>) {
    let mut sums: Vec<(SourceId, StreamCounts)> = Vec::new();
    for (source, stream, counts) in sources_of(partitions).iter() {
        if stream == Stream::Clock {
            continue;
        }
        match sums.last_mut().filter(|(last, _)| *last == source) {
            Some((_, sum)) => sum.merge(counts),
            None => sums.push((source, *counts)),
        }
    }
    let limits = &facts.limits;
    for (source, sum) in sums {
        let rows = [
            ("duplicates", "were known already", sum.duplicates, limits.duplicates_percent),
            ("late", "came more than a minute late", sum.late, limits.late_percent),
            (
                "quarantined",
                "went to quarantine",
                sum.quarantined.total(),
                limits.quarantined_percent,
            ),
        ];
        for (check, what, part, limit) in rows {
            let says = format!("of the events of the source so many {what}");
            let row = CheckRow::new(check, says, Figure::Percent(limit), "percent");
            let row = CheckRow { source: Some(source_name(facts, source)), ..row };
            checks.push(row.measured(Figure::part(part, sum.received())));
        }
    }
}

/// How long what came through the socket took from arrival to applied.
fn applied(facts: &QualityFacts, checks: &mut Vec<CheckRow>) {
    let limit = Figure::Whole(facts.limits.applied_ms);
    let says = "99 of 100 events were applied and on disk so long after their arrival";
    let row = CheckRow::new("applied_p99", says, limit, "ms");
    let times = facts.applied.as_ref().map(|applied| &applied.times);
    let Some(times) = times.filter(|times| !times.is_empty()) else {
        let says = "nothing has come through the socket of a running process";
        checks.push(CheckRow { says: says.to_owned(), ..row });
        return;
    };
    for stream in Stream::ALL {
        let Some(times) = times.get(stream.code()) else { continue };
        let row = CheckRow { stream: Some(stream.code()), ..row.clone() };
        checks.push(row.measured(Figure::Whole(times.p99_us.div_ceil(1_000) as i64)));
    }
}
