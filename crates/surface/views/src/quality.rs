//! How good the events are: what each source sent, what the checks say, how long events take. What
//! `shelf quality` shows. Formulas and limits are in `docs/design/quality.md`.

mod of_chain;
mod of_store;

use std::collections::BTreeMap;

use serde::Serialize;
use shelf_domain::{
    Delays, Reason, SourceCounts, SourceId, StoreId, Stores, Stream, StreamCounts, Timestamp,
};

use crate::keyed::Keyed;
use crate::status::ClockKind;
use crate::{form, keyed};

/// The most names that a check lists.
pub const MAX_NAMES: usize = 20;
/// A check with a limit fails above so many times of it; from the limit on it warns.
const FAIL_FACTOR: i64 = 10;

/// What a check says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// Within its limit.
    Ok,
    /// Beyond its limit: to be looked at.
    Warn,
    /// Far beyond it, or of a kind that must never be.
    Fail,
}

impl CheckState {
    /// Its stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// From when on checks warn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QualityLimits {
    /// The age of the last event of a stream, in seconds.
    pub freshness_s: i64,
    /// How long a store may be silent, in seconds.
    pub silent_store_s: i64,
    /// How long nothing may be heard of a product, in days.
    pub silent_product_days: i64,
    /// Events of a source that were known already, in per cent.
    pub duplicates_percent: f64,
    /// Events of a source that were late, in per cent.
    pub late_percent: f64,
    /// Events of a source that went to quarantine, in per cent.
    pub quarantined_percent: f64,
    /// From arrival to applied, in milliseconds.
    pub applied_ms: i64,
}

impl Default for QualityLimits {
    fn default() -> Self {
        Self {
            freshness_s: 300,
            silent_store_s: 3_600,
            silent_product_days: 7,
            duplicates_percent: 1.0,
            late_percent: 1.0,
            quarantined_percent: 1.0,
            applied_ms: 1_000,
        }
    }
}

/// Quantiles of how long events took, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct LatencyTimes {
    /// How many were measured.
    pub count: u64,
    /// Half of them took no longer.
    pub p50_us: u64,
    /// Of a hundred, 95 took no longer.
    pub p95_us: u64,
    /// Of a hundred, 99 took no longer.
    pub p99_us: u64,
    /// The longest.
    pub max_us: u64,
}

impl LatencyTimes {
    fn of(delays: &Delays) -> Option<Self> {
        Some(Self {
            count: delays.count(),
            p50_us: delays.quantile_us(500)?,
            p95_us: delays.quantile_us(950)?,
            p99_us: delays.quantile_us(990)?,
            max_us: delays.max_us()?,
        })
    }
}

/// What a running process has measured from arrival to applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppliedFacts {
    /// From when on, by the clock.
    pub since: Timestamp,
    /// By the code of the stream.
    pub times: BTreeMap<String, LatencyTimes>,
}

/// What only the host knows, and what is asked for.
#[derive(Clone, Debug, Default)]
pub struct QualityFacts {
    /// What time the events carry.
    pub clock: ClockKind,
    /// The present: the clock's, or that of the simulation.
    pub now: Timestamp,
    /// From when on checks warn.
    pub limits: QualityLimits,
    /// The names of the sources.
    pub sources: BTreeMap<SourceId, String>,
    /// From arrival to applied; `None` where no process has measured it.
    pub applied: Option<AppliedFacts>,
    /// Only this store.
    pub store: Option<StoreId>,
    /// What the rows of the intake are.
    pub by: IntakeBy,
}

/// What the rows of the intake are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IntakeBy {
    /// Each stream of each source.
    #[default]
    Source,
    /// Each stream.
    Stream,
    /// Each stream of each store.
    Store,
}

/// A figure: whole where it counts something.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum Figure {
    /// A count.
    Whole(i64),
    /// A part in per cent, to the hundredth.
    Percent(f64),
}

impl Figure {
    fn part(part: u64, whole: u64) -> Self {
        let percent = if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 };
        Self::Percent((percent * 100.0).round() / 100.0)
    }

    /// Within the limit, beyond it, or far beyond it.
    fn judge(self, limit: Self) -> CheckState {
        let (value, limit) = (self.number(), limit.number());
        match value {
            value if value > limit * FAIL_FACTOR as f64 => CheckState::Fail,
            value if value > limit => CheckState::Warn,
            _ => CheckState::Ok,
        }
    }

    pub(crate) fn number(self) -> f64 {
        match self {
            Self::Whole(value) => value as f64,
            Self::Percent(value) => value,
        }
    }
}

/// One check.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct CheckRow {
    /// Its stable id.
    pub check: &'static str,
    /// What it says, in one sentence.
    pub says: String,
    /// Of which store, where it is of one.
    #[schema(value_type = Option<String>)]
    pub store: Option<StoreId>,
    /// Of which stream.
    pub stream: Option<&'static str>,
    /// Of which source.
    pub source: Option<String>,
    /// Of which window.
    pub window: Option<String>,
    /// Its state; `None` where it cannot be judged: the sentence says why.
    pub state: Option<CheckState>,
    /// What was measured; `None` where nothing was.
    pub value: Option<Figure>,
    /// From where on it warns.
    pub limit: Figure,
    /// Of what both are.
    pub unit: &'static str,
    /// Which ones, where it counts things with a name.
    pub names: Vec<String>,
    /// How many more there are.
    pub more_names: u64,
}

impl CheckRow {
    fn new(
        check: &'static str,
        says: impl Into<String>,
        limit: Figure,
        unit: &'static str,
    ) -> Self {
        Self {
            check,
            says: says.into(),
            store: None,
            stream: None,
            source: None,
            window: None,
            state: None,
            value: None,
            limit,
            unit,
            names: Vec::new(),
            more_names: 0,
        }
    }

    /// Judged by its limit.
    fn measured(self, value: Figure) -> Self {
        let state = Some(value.judge(self.limit));
        Self { value: Some(value), state, ..self }
    }

    fn stated(self, value: Figure, state: CheckState) -> Self {
        Self { value: Some(value), state: Some(state), ..self }
    }

    fn of_store(self, store: StoreId) -> Self {
        Self { store: Some(store), ..self }
    }

    fn named(self, names: Vec<String>) -> Self {
        let more_names = names.len().saturating_sub(MAX_NAMES) as u64;
        Self { names: names.into_iter().take(MAX_NAMES).collect(), more_names, ..self }
    }

    /// What it is about: store, source, stream or window.
    pub fn subject(&self) -> String {
        let store = self.store.map(|store| store.as_str().to_owned());
        let parts = [store, self.source.clone(), self.stream.map(str::to_owned)];
        let parts: Vec<String> = parts.into_iter().chain([self.window.clone()]).flatten().collect();
        if parts.is_empty() { "all".to_owned() } else { parts.join(" ") }
    }
}

/// What the events of one source, stream or store came to.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct IntakeRow {
    /// From which source; `None` for all of them.
    pub source: Option<String>,
    /// For which store; `None` for all of them.
    #[schema(value_type = Option<String>)]
    pub store: Option<StoreId>,
    /// In which stream.
    pub stream: &'static str,
    /// All that came.
    pub received: u64,
    /// Applied, the late ones included.
    pub accepted: u64,
    /// Known already.
    pub duplicates: u64,
    /// Applied late.
    pub late: u64,
    /// Put into quarantine.
    pub quarantined: u64,
    /// The same by reason, without those that did not occur.
    #[schema(value_type = Object)]
    pub quarantined_by_reason: Keyed<u64>,
    /// The earliest time of an applied event.
    #[serde(serialize_with = "form::maybe")]
    #[schema(value_type = Option<String>)]
    pub first_at: Option<Timestamp>,
    /// The latest time of an applied event.
    #[serde(serialize_with = "form::maybe")]
    #[schema(value_type = Option<String>)]
    pub last_at: Option<Timestamp>,
    /// When the latest of all arrived.
    #[serde(serialize_with = "form::maybe")]
    #[schema(value_type = Option<String>)]
    pub last_received_at: Option<Timestamp>,
}

impl IntakeRow {
    fn new(stream: Stream, counts: &StreamCounts) -> Self {
        let reasons = Reason::ALL.into_iter();
        let by_reason =
            reasons.map(|reason| (reason.code(), counts.quarantined.get(reason as usize)));
        Self {
            source: None,
            store: None,
            stream: stream.code(),
            received: counts.received(),
            accepted: counts.accepted,
            duplicates: counts.duplicates,
            late: counts.late,
            quarantined: counts.quarantined.total(),
            quarantined_by_reason: keyed::Keyed(by_reason.filter(|(_, n)| *n > 0).collect()),
            first_at: counts.first_at,
            last_at: counts.last_at,
            last_received_at: counts.last_received_at,
        }
    }
}

/// How long the events of a stream took.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct LatencyRow {
    /// Which stream.
    pub stream: &'static str,
    /// From happening to arriving; never too short, and at most a sixteenth too long.
    pub arrival: Option<LatencyTimes>,
    /// Events that arrived before they happened.
    pub ahead: u64,
    /// From arriving to applied and on disk, of what came through the socket; `None` where no
    /// process has measured it, and for a single store.
    pub applied: Option<LatencyTimes>,
}

/// How many checks say what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct StateTally {
    /// Within their limits.
    pub ok: u64,
    /// Beyond them.
    pub warn: u64,
    /// Far beyond them.
    pub fail: u64,
    /// Not judged.
    pub unknown: u64,
}

/// How good the events are.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct QualityView {
    /// What time the events carry.
    pub clock: ClockKind,
    /// The present that the checks go by.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub now: Timestamp,
    /// Only this store; `None` for all of them.
    #[schema(value_type = Option<String>)]
    pub store: Option<StoreId>,
    /// How many checks say what.
    pub states: StateTally,
    /// The checks: those that fail first, then those that warn.
    pub checks: Vec<CheckRow>,
    /// What the rows of the intake are.
    pub by: IntakeBy,
    /// What came in.
    pub intake: Vec<IntakeRow>,
    /// How long it took.
    pub latency: Vec<LatencyRow>,
    /// From when on the time from arrival to applied was measured; `None` where it was not.
    #[serde(serialize_with = "form::maybe")]
    #[schema(value_type = Option<String>)]
    pub applied_since: Option<Timestamp>,
}

impl QualityView {
    /// The quality of the events of these partitions.
    pub fn new(partitions: &[&Stores], facts: &QualityFacts) -> Self {
        let mut kept: Vec<_> = partitions.iter().flat_map(|stores| stores.streams()).collect();
        kept.retain(|(store, _)| facts.store.is_none_or(|only| only == store.id()));
        kept.sort_by_key(|(store, _)| store.id());
        let mut checks = Vec::new();
        if facts.store.is_none() {
            of_chain::checks(partitions, &kept, facts, &mut checks);
        }
        for (store, streams) in &kept {
            of_store::checks(store, streams, facts, &mut checks);
        }
        // The worst first; what is equally bad stays in its order.
        checks.sort_by_key(|check: &CheckRow| std::cmp::Reverse(check.state));
        let mut states = StateTally::default();
        for check in &checks {
            match check.state {
                Some(CheckState::Ok) => states.ok += 1,
                Some(CheckState::Warn) => states.warn += 1,
                Some(CheckState::Fail) => states.fail += 1,
                None => states.unknown += 1,
            }
        }
        let by = if facts.store.is_some() { IntakeBy::Store } else { facts.by };
        let applied = facts.applied.as_ref().filter(|_| facts.store.is_none());
        Self {
            clock: facts.clock,
            now: facts.now,
            store: facts.store,
            states,
            checks,
            by,
            intake: intake(partitions, &kept, facts, by),
            latency: latency(&kept, applied),
            applied_since: applied.map(|applied| applied.since),
        }
    }
}

/// A store with what its streams have sent.
type Kept<'a> = (&'a shelf_domain::Store, &'a shelf_domain::StoreStreams);

/// What all sources have sent.
fn sources_of(partitions: &[&Stores]) -> SourceCounts {
    let mut counts = SourceCounts::default();
    for stores in partitions {
        counts.merge(stores.sources());
    }
    counts
}

/// The name of a source; its number where it has none.
fn source_name(facts: &QualityFacts, source: SourceId) -> String {
    let name = facts.sources.get(&source).cloned();
    name.unwrap_or_else(|| if source.0 == 0 { "-".to_owned() } else { format!("#{}", source.0) })
}

fn intake(
    partitions: &[&Stores],
    kept: &[Kept<'_>],
    facts: &QualityFacts,
    by: IntakeBy,
) -> Vec<IntakeRow> {
    let sources = sources_of(partitions);
    match by {
        IntakeBy::Source => sources
            .iter()
            .map(|(source, stream, counts)| IntakeRow {
                source: Some(source_name(facts, source)),
                ..IntakeRow::new(stream, counts)
            })
            .collect(),
        IntakeBy::Stream => {
            let of_stream = |stream: Stream| {
                let mut sum = StreamCounts::default();
                let rows = sources.iter().filter(|(_, of, _)| *of == stream);
                rows.for_each(|(_, _, counts)| sum.merge(counts));
                IntakeRow::new(stream, &sum)
            };
            Stream::ALL.into_iter().map(of_stream).filter(|row| row.received > 0).collect()
        }
        IntakeBy::Store => kept
            .iter()
            .flat_map(|(store, streams)| {
                streams.iter().map(|(stream, row)| IntakeRow {
                    store: Some(store.id()),
                    ..IntakeRow::new(stream, &row.counts)
                })
            })
            .collect(),
    }
}

fn latency(kept: &[Kept<'_>], applied: Option<&AppliedFacts>) -> Vec<LatencyRow> {
    let of_stream = |stream: Stream| {
        let mut delays = Delays::default();
        let rows = kept.iter().filter_map(|(_, streams)| streams.get(stream));
        rows.for_each(|row| delays.merge(&row.arrival));
        LatencyRow {
            stream: stream.code(),
            arrival: LatencyTimes::of(&delays),
            ahead: delays.ahead,
            applied: applied.and_then(|applied| applied.times.get(stream.code())).copied(),
        }
    };
    let rows = Stream::ALL.into_iter().map(of_stream);
    rows.filter(|row| row.arrival.is_some() || row.applied.is_some()).collect()
}
