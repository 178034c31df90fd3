//! The path of the data: from sources over the log to the tables of the lake, with what was
//! refused.

use askama::Template;
use shelf_domain::{Body, StoreId};
use shelf_events::write_event;
use shelf_views::{CheckRow, CheckState, Figure, Intake, IntakeRow, StageRow, StatusView, wording};

use super::fmt;
use super::scene::{Part, Scene, Wrong};
use crate::access::Role;
use crate::api::Refused;
use crate::app::App;
use crate::{LakeJob, LakeTable, LinkFact};

/// One stage of the path.
struct Stage {
    name: String,
    value: String,
    detail: String,
    /// How long it takes, of what is measured.
    times: Option<String>,
    /// How often it has failed, where that is known.
    failures: Option<String>,
}

struct PartitionRow {
    partition: u32,
    end: u64,
    position: u64,
    snapshot: String,
    saved: String,
    behind: u64,
}

#[derive(Template)]
#[template(path = "pipeline.html")]
struct Pipeline {
    stages: Vec<Stage>,
    measured: bool,
    partitions: Vec<PartitionRow>,
    empty_partitions: usize,
}

/// An entry of quarantine.
struct Entry {
    partition: u32,
    offset: u64,
    store: String,
    at: String,
    text: String,
    key: String,
}

#[derive(Template)]
#[template(path = "refused.html")]
struct Quarantine<'a> {
    reasons: Vec<(String, String)>,
    total: u64,
    rows: Vec<Entry>,
    trouble: &'a str,
    acts: bool,
}

#[derive(Template)]
#[template(path = "lake.html")]
struct Lake {
    tables: Vec<LakeTable>,
    trouble: String,
    there: bool,
    jobs: Vec<LakeJob>,
    checks: Vec<CheckRow>,
    sources: Vec<IntakeRow>,
    checked: bool,
    export: String,
}

/// The parts of the page of the path.
pub(super) fn pipeline(scene: &Scene<'_>) -> Result<Vec<Part>, Wrong> {
    let status = StatusView::new(scene.chain, scene.host);
    let page = Pipeline {
        stages: stages(scene, &status),
        measured: !scene.extra.stages.is_empty(),
        empty_partitions: status.partitions.iter().filter(|p| p.log_end_offset == 0).count(),
        partitions: status
            .partitions
            .iter()
            .filter(|partition| partition.log_end_offset > 0)
            .map(|partition| PartitionRow {
                partition: partition.partition,
                end: partition.log_end_offset,
                position: partition.position,
                snapshot: partition
                    .snapshot_position
                    .map_or_else(|| "none yet".to_owned(), wording::count),
                saved: ago(scene.extra.wall_now.and_then(|now| partition.snapshot_age_s(now))),
                behind: partition.log_end_offset.saturating_sub(partition.position),
            })
            .collect(),
    };
    Ok(vec![
        Part::live("pipeline", &page)?,
        Part::still("refused", &refused(scene, &status.events))?,
        Part::live("lake", &lake(scene))?,
    ])
}

fn stages(scene: &Scene<'_>, status: &StatusView) -> Vec<Stage> {
    let rates = scene.rates;
    let stage = |name: &str, code: Option<&str>, value, detail| {
        let measured = scene.extra.stages.iter().find(|row| Some(row.stage) == code);
        let (times, failures) = (measured.map(StageRow::times), measured.map(StageRow::failed));
        Stage { name: name.to_owned(), value, detail, times, failures }
    };
    let log_end: u64 = status.partitions.iter().map(|p| p.log_end_offset).sum();
    let behind: u64 =
        status.partitions.iter().map(|p| p.log_end_offset.saturating_sub(p.position)).sum();
    let age_s = scene.extra.wall_now.and_then(|now| status.snapshot_age_s(now));
    let last = |age_s: i64| format!(", the last saved {} ago", wording::span(age_s));
    let saved_at = age_s.map_or_else(String::new, last);
    let saved: u64 = status.partitions.iter().filter_map(|p| p.snapshot_position).sum();
    let events = &status.events;
    let duplicates = events.duplicates.map_or_else(|| "–".to_owned(), wording::count);
    let lag = rates.lag_ms.map_or_else(String::new, |ms| format!("{ms} ms from event to screen"));
    let tables = scene.extra.lake.as_ref().and_then(|lake| lake.as_ref().ok());
    let untold = match &scene.extra.lake {
        Some(Err(trouble)) => ("–".to_owned(), trouble.clone()),
        _ => ("no lake".to_owned(), "`shelf run` writes one as it goes".to_owned()),
    };
    let lake = tables.map_or(untold, |tables| {
        let behind = tables.iter().filter_map(|table| table.behind_events).max();
        let rows: u64 = tables.iter().filter_map(|table| table.rows).sum();
        let behind = behind.map_or_else(
            || "not known how far behind".to_owned(),
            |behind| format!("{} events behind", wording::count(behind)),
        );
        (format!("{} rows", wording::count(rows)), behind)
    });
    let mut stages = vec![
        stage(
            "Ingest",
            Some("ingest"),
            rates
                .events_per_s
                .map_or_else(|| "–".to_owned(), |rate| format!("{} /s", wording::rate(rate))),
            format!(
                "{} accepted, {} late",
                wording::count(events.accepted),
                wording::count(events.late)
            ),
        ),
        stage("Log", Some("log"), wording::count(log_end), "events on disk".to_owned()),
        stage("Core", Some("core"), format!("{} behind", wording::count(behind)), lag),
        stage(
            "Snapshots",
            Some("snapshot"),
            wording::count(saved),
            format!("events that they stand for{saved_at}"),
        ),
        stage(
            "Refused",
            None,
            wording::count(events.quarantined),
            format!("{duplicates} known already"),
        ),
        stage("Lake", Some("lake"), lake.0, lake.1),
    ];
    stages.extend(scene.extra.links.iter().map(link_stage));
    stages
}

/// How long ago: `3 min ago`, or a dash where that is not known.
fn ago(seconds: Option<i64>) -> String {
    seconds.map_or_else(|| "–".to_owned(), |seconds| format!("{} ago", wording::span(seconds)))
}

/// A link with another system: what it has taken, and how it stands.
fn link_stage(link: &LinkFact) -> Stage {
    let value = match (link.rows, link.events) {
        (0, events) => format!("{} events", wording::count(events)),
        (rows, _) => format!("{} rows", wording::count(rows)),
    };
    let stands = format!("{} since {}", link.state, wording::minute_utc(link.since));
    let behind = link.lag.map(|lag| format!(", {} behind", wording::count(lag)));
    let failed = link.error.as_ref().zip(link.error_code.as_ref()).map(|(error, code)| {
        let told = if link.follows() { "last failure" } else { "because" };
        format!("; {told}: {error} [{code}]")
    });
    let detail = [Some(stands), behind, failed].into_iter().flatten().collect();
    let failures = Some(wording::counted(link.failures, "failure"));
    Stage { name: link.name.clone(), value, detail, times: None, failures }
}

fn refused<'a>(scene: &Scene<'a>, events: &Intake) -> Quarantine<'a> {
    let reasons = events.quarantined_by_reason.0.iter();
    let (found, trouble): (&[Refused], &str) = match &scene.extra.refused {
        Some(Ok(found)) => (found, ""),
        Some(Err(trouble)) => (&[], trouble),
        None => (&[], ""),
    };
    Quarantine {
        reasons: reasons.map(|(code, count)| (fmt::words(code), wording::count(*count))).collect(),
        total: events.quarantined,
        rows: found.iter().map(|refused| entry(scene, refused)).collect(),
        trouble,
        acts: scene.may(Role::Planner),
    }
}

fn entry(scene: &Scene<'_>, refused: &Refused) -> Entry {
    let Refused { place: (partition, offset), why, event } = refused;
    let clock = scene.chain.store(event.store).map(|store| &store.settings().clock);
    let text = match &event.body {
        Body::Rejected(rejected) => {
            format!("{}: {}", rejected.reason, String::from_utf8_lossy(&rejected.raw))
        }
        _ => {
            let mut line = Vec::new();
            write_event(event, &mut line);
            format!("{}: {}", why.code(), String::from_utf8_lossy(&line))
        }
    };
    Entry {
        partition: *partition,
        offset: *offset,
        store: event.store.to_string(),
        at: clock.map_or_else(
            || wording::minute_utc(event.received_at),
            |clock| fmt::local(clock, event.received_at),
        ),
        text: text.chars().take(300).collect(),
        key: format!("p{partition:02}:{offset}"),
    }
}

/// The tables of the lake, or why they cannot be told, and its jobs, for who sees these stores;
/// `None` where there is no lake.
pub(super) async fn lake_facts(
    app: &App,
    stores: Option<&[StoreId]>,
) -> (Option<Result<Vec<LakeTable>, String>>, Vec<LakeJob>) {
    let Some(lake) = app.parts().lake.clone() else { return (None, Vec::new()) };
    if stores.is_some() {
        let why = "The lake is of all stores, and you do not see them all.".to_owned();
        return (Some(Err(why)), Vec::new());
    }
    let jobs = lake.jobs();
    let tables = app.blocking(move || lake.tables()).await.ok();
    (tables.map(|tables| tables.map_err(|(_, sentence)| sentence)), jobs)
}

fn lake(scene: &Scene<'_>) -> Lake {
    let (tables, trouble) = match &scene.extra.lake {
        Some(Ok(tables)) => (tables.clone(), String::new()),
        Some(Err(trouble)) => (Vec::new(), trouble.clone()),
        None => (Vec::new(), String::new()),
    };
    let quality = scene.extra.quality.as_ref();
    let mut checks: Vec<CheckRow> = quality.map(|view| view.checks.clone()).unwrap_or_default();
    checks.sort_by_key(|check| std::cmp::Reverse(check.state));
    checks.truncate(40);
    Lake {
        tables,
        trouble,
        there: scene.extra.lake.is_some(),
        jobs: scene.extra.jobs.clone(),
        sources: quality.map(|view| view.intake.clone()).unwrap_or_default(),
        checked: quality.is_some(),
        export: scene.in_api("/api/v1/quality?format=csv", &[]),
        checks,
    }
}

/// The class of a state of a check.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "templates hand over references")]
fn state_class(state: &CheckState) -> &'static str {
    match state {
        CheckState::Ok => "good",
        CheckState::Warn => "warning",
        CheckState::Fail => "critical",
    }
}

/// What a check measured, and from where on it warns.
#[allow(clippy::ref_option, reason = "templates hand over references")]
fn measured(value: &Option<Figure>, limit: &Figure, unit: &str) -> String {
    let text = |figure: &Figure| match figure {
        Figure::Whole(value) => wording::count(*value),
        Figure::Percent(value) => format!("{value}"),
    };
    let value = value.as_ref().map_or_else(|| "–".to_owned(), text);
    format!("{value} of {} {unit}", text(limit))
}
