//! What only the host knows of a chain, in the words of the views: where partitions stand, how
//! good events are, where they come from.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use shelf_domain::{SourceId, Stores, Timestamp};
use shelf_engine::SnapshotStore;
use shelf_host::{
    ChainReader, Folder, FolderMeta, HostError, LatencyFigures, Measured, QualityChange, Sources,
    StageFigures, StageTimes,
};
use shelf_ports::Offset;
use shelf_views::{
    AppliedFacts, Chain, ClockKind, HostFacts, LatencyTimes, PartitionFacts, QualityChangeRow,
    QualityFacts, QualityHistory, QualityLimits, StageRow,
};

/// How long it is remembered what the disk says, however many ask.
const REMEMBERED: Duration = Duration::from_millis(250);

/// What time the events of a folder carry.
fn clock_of(meta: &FolderMeta) -> ClockKind {
    match meta.town {
        Some(_) => ClockKind::Simulated,
        None => ClockKind::Real,
    }
}

/// What the disk says of one partition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    /// The offset behind the last event of its log.
    end: Offset,
    /// The position of its newest snapshot.
    snapshot: Option<Offset>,
    /// When that was saved, by the clock of the machine.
    saved_at: Option<Timestamp>,
}

/// What the disk says of the partitions of a chain, in order of their numbers.
fn kept(folder: &Folder) -> Result<Arc<[Kept]>, HostError> {
    let snapshots = folder.snapshots();
    let of = |(partition, end): (u32, Offset)| {
        let saved = SnapshotStore::new(&snapshots, partition);
        let snapshot = saved.positions()?.first().copied();
        let saved_at = snapshot.map(|position| saved.saved_at(position)).transpose()?;
        Ok::<_, HostError>(Kept { end, snapshot, saved_at: saved_at.flatten().map(wall_time) })
    };
    (0..).zip(folder.log_ends()?).map(of).collect()
}

/// What the disk says of the partitions, remembered for a moment.
#[derive(Debug, Default)]
pub(crate) struct OnDisk(Mutex<Option<(Instant, Arc<[Kept]>)>>);

impl OnDisk {
    /// What it says, as it was a quarter of a second ago at most. Blocks where it has to be looked
    /// at; others who ask meanwhile get the same.
    pub(crate) fn read(&self, folder: &Folder) -> Result<Arc<[Kept]>, HostError> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((looked, kept)) = &*known
            && looked.elapsed() < REMEMBERED
        {
            return Ok(Arc::clone(kept));
        }
        let kept = kept(folder)?;
        *known = Some((Instant::now(), Arc::clone(&kept)));
        Ok(kept)
    }
}

/// Where the partitions of a chain stand.
pub fn host_facts(folder: &Folder, reader: &ChainReader) -> Result<HostFacts, HostError> {
    Ok(facts_of(reader, &kept(folder)?))
}

/// Where the partitions of a chain stand, beside what the disk said of them.
pub(crate) fn facts_of(reader: &ChainReader, kept: &[Kept]) -> HostFacts {
    let facts = |(partition, position): (u32, Offset)| {
        let kept = kept.get(partition as usize);
        PartitionFacts {
            partition,
            // What came since the disk was looked at may have been read already.
            log_end_offset: kept.map_or(position, |kept| position.max(kept.end)),
            position,
            snapshot_position: kept.and_then(|kept| kept.snapshot),
            snapshot_saved_at: kept.and_then(|kept| kept.saved_at),
        }
    };
    let partitions = reader.positions().into_iter().map(facts).collect();
    HostFacts { clock: clock_of(reader.meta()), partitions }
}

/// A time of the clock of the machine.
fn wall_time(at: SystemTime) -> Timestamp {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
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

/// How long the stages of the path take and how often they have failed; none where another process
/// runs the chain.
pub(crate) fn stage_rows(stages: Option<&StageTimes>) -> Vec<StageRow> {
    let row = |of: StageFigures| {
        StageRow::new(of.stage.code(), of.times.as_ref().map(times), of.failures)
    };
    stages.map(StageTimes::read).unwrap_or_default().into_iter().map(row).collect()
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

#[cfg(test)]
mod tests {
    use shelf_host::{ChainWriter, WriterOptions};

    use super::*;

    #[test]
    fn the_disk_is_looked_at_once_in_a_while() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::at(dir.path().join("data"));
        ChainWriter::open(&folder, &WriterOptions::default()).unwrap().close().unwrap();
        let on_disk = OnDisk::default();
        let first = on_disk.read(&folder).unwrap();
        assert_eq!(first.len() as u32, folder.meta().unwrap().partitions);
        std::fs::remove_dir_all(folder.log()).unwrap();
        assert!(Arc::ptr_eq(&first, &on_disk.read(&folder).unwrap()));
        let mut known = on_disk.0.lock().unwrap();
        let (looked, _) = known.as_mut().unwrap();
        *looked = looked.checked_sub(REMEMBERED).unwrap();
        drop(known);
        assert!(on_disk.read(&folder).is_err());
    }
}
