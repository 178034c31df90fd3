//! What only the host knows of a chain, in the words of the views: where partitions stand, how
//! good events are, where they come from.

use std::collections::BTreeMap;

use shelf_domain::{SourceId, Stores, Timestamp};
use shelf_host::{
    ChainReader, Folder, FolderMeta, HostError, LatencyFigures, Measured, QualityChange, Sources,
    StageTimes,
};
use shelf_views::{
    AppliedFacts, Chain, ClockKind, HostFacts, LatencyTimes, PartitionFacts, QualityChangeRow,
    QualityFacts, QualityHistory, QualityLimits, StageRow,
};

/// What time the events of a folder carry.
fn clock_of(meta: &FolderMeta) -> ClockKind {
    match meta.town {
        Some(_) => ClockKind::Simulated,
        None => ClockKind::Real,
    }
}

/// Where the partitions of a chain stand.
pub fn host_facts(folder: &Folder, reader: &ChainReader) -> Result<HostFacts, HostError> {
    // Positions first: what comes in between is behind them.
    let positions = reader.positions();
    let ends = folder.log_ends()?;
    let mut partitions = Vec::new();
    for (partition, position) in positions {
        let snapshots = folder.snapshots();
        let saved = shelf_engine::SnapshotStore::new(&snapshots, partition).positions()?;
        partitions.push(PartitionFacts {
            partition,
            log_end_offset: ends.get(partition as usize).map_or(position, |end| position.max(*end)),
            position,
            snapshot_position: saved.first().copied(),
        });
    }
    Ok(HostFacts { clock: clock_of(reader.meta()), partitions })
}

/// What the checks of quality need, time from arrival to applied aside; `wall_now` is the present
/// of a chain that nobody simulates.
pub fn quality_facts(
    folder: &Folder,
    limits: QualityLimits,
    meta: &FolderMeta,
    partitions: &[&Stores],
    wall_now: Timestamp,
) -> Result<QualityFacts, HostError> {
    let clock = clock_of(meta);
    let now = match clock {
        ClockKind::Simulated => Chain::new(partitions.iter().copied()).now().unwrap_or_default(),
        ClockKind::Real => wall_now,
    };
    let sources = Sources::open(folder)?;
    let names: BTreeMap<SourceId, String> =
        sources.iter().map(|(number, known)| (number, known.source.name.clone())).collect();
    Ok(QualityFacts { clock, now, limits, sources: names, ..QualityFacts::default() })
}

/// What a running process has measured, from arrival to applied.
pub fn applied_facts(measured: &Measured) -> AppliedFacts {
    let streams = measured.applied.iter();
    let times = streams.map(|(stream, of)| (stream.clone(), times(of))).collect();
    AppliedFacts { since: measured.since, times }
}

fn times(of: &LatencyFigures) -> LatencyTimes {
    LatencyTimes {
        count: of.count,
        p50_us: of.p50_us,
        p95_us: of.p95_us,
        p99_us: of.p99_us,
        max_us: of.max_us,
    }
}

/// How long the stages of the path take; none where another process runs the chain.
pub(crate) fn stage_rows(stages: Option<&StageTimes>) -> Vec<StageRow> {
    let read = stages.map(StageTimes::read).unwrap_or_default().into_iter();
    read.map(|(stage, told)| StageRow::new(stage.code(), told.as_ref().map(times))).collect()
}

/// The newest changes of checks, of one store where one is named.
pub fn quality_history_view(
    changes: &[QualityChange],
    store: Option<&str>,
    limit: usize,
) -> QualityHistory {
    let fits = |change: &&QualityChange| store.is_none() || change.check.store.as_deref() == store;
    let rows: Vec<QualityChangeRow> = changes
        .iter()
        .filter(fits)
        .map(|QualityChange { at, from, check }| QualityChangeRow {
            at: *at,
            check: check.check.clone(),
            store: check.store.clone(),
            stream: check.stream.clone(),
            source: check.source.clone(),
            window: check.window.clone(),
            from: from.clone(),
            to: check.state.clone(),
            value: check.value.as_f64(),
        })
        .collect();
    let (total, over) = (rows.len() as u64, rows.len().saturating_sub(limit));
    QualityHistory { total, changes: rows.into_iter().skip(over).collect() }
}
