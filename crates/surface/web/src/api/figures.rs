//! Reads of figures: status, key figures, windows, quality, and how the data comes in.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use shelf_domain::{Day, FACT_DAYS, Kpi, StoreId, WindowName};
use shelf_host::{QualityBook, quality_history, wall_now};
use shelf_views::{
    Chain, CheckRow, IntakeBy, KpiBy, KpiFilter, KpiRow, KpisView, MarkdownRow, MarkdownsView,
    QualityChangeRow, QualityFacts, QualityHistory, QualityView, Rates, StageFilter, StageRow,
    StatusView, WindowFilter, WindowKind, WindowKindsView, WindowLine, WindowsView,
};
use utoipa::{IntoParams, ToSchema};

use super::asked::{Asked, AtMoment, MOST_ROWS, Params, choice, sku_of};
use super::operations::Operations;
use super::paging::Listed;
use super::reads::{StoreQuery, list, maybe_store, one_store};
use crate::access::Who;
use crate::app::App;
use crate::backends::{LakeJob, LakeTable, LinkFact, SimulationState};
use crate::facts::{applied_facts, facts_of, quality_facts, quality_history_view, stage_rows};
use crate::problem::{Kind, Problem};

/// Days of figures where nobody says which.
const DAYS: i32 = 7;
/// The most days of figures at once.
pub(super) const MOST_DAYS: i32 = 800;

pub(super) fn add(operations: Operations) -> Operations {
    operations
        .one::<AtMoment, StatusView, _, _>("/api/v1/status", "How the chain stands.", status)
        .one::<NoParams, PipelineView, _, _>(
            "/api/v1/pipeline",
            "How events come in, and where each partition stands.",
            pipeline,
        )
        .list::<KpisQuery, KpisView, _, _>("/api/v1/kpis", "Key figures of some days.", kpis)
        .list::<MarkdownsQuery, MarkdownsView, _, _>(
            "/api/v1/markdowns",
            "What cuts in price before expiry did in some days.",
            markdowns,
        )
        .list::<StoreQuery, WindowKindsView, _, _>(
            "/api/v1/windows",
            "The kinds of windows.",
            window_kinds,
        )
        .list::<WindowsQuery, WindowsView, _, _>(
            "/api/v1/windows/{window}",
            "What the latest windows of a kind told.",
            windows,
        )
        .list::<QualityQuery, QualityView, _, _>(
            "/api/v1/quality",
            "What the checks of the quality of events say; the list is of the checks.",
            quality,
        )
        .list::<StoreQuery, QualityHistory, _, _>(
            "/api/v1/quality/history",
            "When checks changed their states.",
            history,
        )
        .list::<NoParams, LakeView, _, _>("/api/v1/lake", "The tables of the lake.", lake)
}

impl Listed for KpisView {
    type Row = KpiRow;

    fn rows(&mut self) -> &mut Vec<KpiRow> {
        &mut self.rows
    }

    fn key(row: &KpiRow) -> String {
        row.id.clone()
    }
}

impl Listed for MarkdownsView {
    type Row = MarkdownRow;

    fn rows(&mut self) -> &mut Vec<MarkdownRow> {
        &mut self.rows
    }

    fn key(row: &MarkdownRow) -> String {
        row.id.clone()
    }
}

impl Listed for WindowKindsView {
    type Row = WindowKind;

    fn rows(&mut self) -> &mut Vec<WindowKind> {
        &mut self.kinds
    }

    fn key(row: &WindowKind) -> String {
        format!("{}/{}", row.name, row.lateness_s)
    }
}

impl Listed for WindowsView {
    type Row = WindowLine;

    fn rows(&mut self) -> &mut Vec<WindowLine> {
        &mut self.rows
    }

    fn key(row: &WindowLine) -> String {
        format!("{}/{:?}/{:?}", row.start.0, row.store, row.sku)
    }
}

impl Listed for QualityView {
    type Row = CheckRow;

    fn rows(&mut self) -> &mut Vec<CheckRow> {
        &mut self.checks
    }

    fn key(row: &CheckRow) -> String {
        let parts = (row.store, row.stream, &row.source, &row.window);
        format!("{}/{parts:?}", row.check)
    }
}

impl Listed for QualityHistory {
    type Row = QualityChangeRow;

    fn rows(&mut self) -> &mut Vec<QualityChangeRow> {
        &mut self.changes
    }

    fn key(row: &QualityChangeRow) -> String {
        format!("{}/{}/{}", row.at.0, row.check, row.subject())
    }
}

/// No parameters of its own.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
pub(super) struct NoParams {}

async fn status(
    State(app): State<App>,
    who: Who,
    Params(at): Params<AtMoment>,
) -> Result<Response, Problem> {
    let (as_of, kept) = (at.as_of()?, app.on_disk().await?);
    let view = app.view(&who, as_of, move |present, chain| {
        StatusView::new(chain, &facts_of(present.reader(), &kept))
    });
    Ok(axum::Json(view.await?).into_response())
}

/// How events come in.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
struct PipelineView {
    /// How the chain stands, its partitions with their positions included.
    status: StatusView,
    /// How fast things go; what is not known is `null`.
    rates: Rates,
    /// Events that this process has seen.
    events_seen: u64,
    /// Why the log cannot be followed at the moment; `null` where it can.
    trouble: Option<String>,
    /// How the simulation goes; `null` where nobody simulates.
    simulation: Option<SimulationState>,
    /// How the links with other systems stand; empty for who does not see all stores.
    links: Vec<LinkFact>,
    /// How long the stages of the path take, over the last minutes, and how often they have failed;
    /// empty where another process runs the chain.
    stages: Vec<StageRow>,
    /// How long ago the last snapshot of any partition was saved, in seconds; `null` where there is
    /// none.
    snapshot_age_s: Option<i64>,
}

async fn pipeline(
    State(app): State<App>,
    who: Who,
    _: Params<NoParams>,
) -> Result<Response, Problem> {
    let (kept, known, all) = (app.on_disk().await?, app.clone(), who.stores.is_none());
    let view = app.view(&who, None, move |present, chain| {
        let facts = facts_of(present.reader(), &kept);
        let links = if all { known.links(present.log_end()) } else { Vec::new() };
        (StatusView::new(chain, &facts), present.rates, links)
    });
    let (status, rates, links) = view.await?;
    Ok(axum::Json(PipelineView {
        snapshot_age_s: status.snapshot_age_s(wall_now()),
        status,
        rates,
        events_seen: app.feed().tick().events,
        trouble: app.feed().trouble(),
        simulation: app.parts().simulation.as_ref().map(|simulation| simulation.state()),
        links,
        stages: stage_rows(app.parts().stages.as_deref()),
    })
    .into_response())
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
struct KpisQuery {
    /// Of this store.
    store: Option<String>,
    /// What the rows are about: `chain`, `store`, `category`, `product` or `day`.
    by: Option<String>,
    /// The first day, as 2026-01-31; a week before the last without it.
    from: Option<String>,
    /// The last day; the stores' today without it.
    to: Option<String>,
    /// The figure by which rows are in order, the highest first.
    sort: Option<String>,
}

pub(super) fn day_of(text: &str) -> Result<Day, Problem> {
    let wrong = || Problem::new(Kind::BadTime, format!("{text:?} is no date"));
    let date: jiff::civil::Date = text.parse().map_err(|_| wrong())?;
    let (year, month, day) = (date.year(), date.month(), date.day());
    let civil = Day::from_civil(i32::from(year), u32::from(month as u8), u32::from(day as u8));
    civil.ok_or_else(wrong)
}

async fn kpis(
    State(app): State<App>,
    who: Who,
    asked: Asked<KpisQuery>,
) -> Result<Response, Problem> {
    let own = &asked.own;
    let store = maybe_store(own.store.as_ref())?;
    let by = choice("by", own.by.as_deref(), &KpiBy::ALL, KpiBy::code)?.unwrap_or_default();
    let sort = choice("figure", own.sort.as_deref(), Kpi::ALL, Kpi::code)?;
    let from = own.from.as_deref().map(day_of).transpose()?;
    let to = own.to.as_deref().map(day_of).transpose()?;
    list(&app, &who, &asked, store, "kpis", move |_, chain, wanted| {
        let (from_day, to_day) = days(chain, store, (from, to), MOST_DAYS)?;
        let limit = Some(wanted);
        Ok(KpisView::new(chain, &KpiFilter { store, by, from_day, to_day, sort, limit }))
    })
    .await
}

/// The days that are asked for; those up to the present one where nobody says which.
pub(super) fn days(
    chain: &Chain<'_>,
    store: Option<StoreId>,
    (from, to): (Option<Day>, Option<Day>),
    most: i32,
) -> Result<(Day, Day), Problem> {
    let to_day = to.unwrap_or_else(|| chain.today(store));
    let from_day = from.unwrap_or_else(|| to_day.plus(1 - DAYS));
    if from_day > to_day || to_day.since(from_day) > most {
        let detail = format!("the days must be in order, and {most} at most");
        return Err(Problem::new(Kind::BadRequest, detail));
    }
    Ok((from_day, to_day))
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
struct MarkdownsQuery {
    /// Of this store.
    store: Option<String>,
    /// What the rows are about: `chain`, `store`, `category` or `day`; days without it.
    by: Option<String>,
    /// The first day, as 2026-01-31; a week before the last without it.
    from: Option<String>,
    /// The last day; the stores' today without it. Products are known for 31 days.
    to: Option<String>,
}

async fn markdowns(
    State(app): State<App>,
    who: Who,
    asked: Asked<MarkdownsQuery>,
) -> Result<Response, Problem> {
    const BY: [KpiBy; 4] = [KpiBy::Chain, KpiBy::Store, KpiBy::Category, KpiBy::Day];
    let own = &asked.own;
    let store = maybe_store(own.store.as_ref())?;
    let by = choice("by", own.by.as_deref(), &BY, KpiBy::code)?.unwrap_or(KpiBy::Day);
    let from = own.from.as_deref().map(day_of).transpose()?;
    let to = own.to.as_deref().map(day_of).transpose()?;
    list(&app, &who, &asked, store, "markdowns", move |_, chain, wanted| {
        let (from_day, to_day) = days(chain, store, (from, to), FACT_DAYS)?;
        let (sort, limit) = (None, Some(wanted));
        Ok(MarkdownsView::new(chain, &KpiFilter { store, by, from_day, to_day, sort, limit }))
    })
    .await
}

async fn window_kinds(
    State(app): State<App>,
    who: Who,
    asked: Asked<StoreQuery>,
) -> Result<Response, Problem> {
    let store = maybe_store(asked.own.store.as_ref())?;
    list(&app, &who, &asked, store, "windows", move |_, chain, _| {
        Ok(WindowKindsView::new(chain, store))
    })
    .await
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
struct WindowsQuery {
    /// Of this store.
    store: Option<String>,
    /// Of this product.
    sku: Option<String>,
    /// So many of the latest, 1 to 1,000.
    last: Option<u64>,
    /// `all`, or `final` for those that have ended.
    stage: Option<String>,
}

async fn windows(
    State(app): State<App>,
    who: Who,
    Path(window): Path<String>,
    asked: Asked<WindowsQuery>,
) -> Result<Response, Problem> {
    let own = &asked.own;
    let store = maybe_store(own.store.as_ref())?;
    let stage = match own.stage.as_deref() {
        None | Some("all") => StageFilter::All,
        Some("final") => StageFilter::Final,
        Some(other) => {
            let detail = format!("there is no stage {other:?}; there are all, final");
            return Err(Problem::new(Kind::BadRequest, detail));
        }
    };
    let last = own.last.map(|last| (last as usize).clamp(1, MOST_ROWS));
    let sku = own.sku.as_deref().map(sku_of).transpose()?;
    let filter = WindowFilter { store, sku, last, stage, together: false };
    let unknown = format!("there is no window {window:?}");
    let name =
        WindowName::new(&window).map_err(|_| Problem::new(Kind::UnknownWindow, unknown.clone()))?;
    list(&app, &who, &asked, store, "windows", move |_, chain, _| {
        WindowsView::recent(chain, name, &filter)
            .ok_or_else(|| Problem::new(Kind::UnknownWindow, unknown))
    })
    .await
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
struct QualityQuery {
    /// Only this store, with each of its streams.
    store: Option<String>,
    /// Whose streams the rows of the intake are: `source`, `stream` or `store`.
    by: Option<String>,
}

async fn quality(
    State(app): State<App>,
    who: Who,
    asked: Asked<QualityQuery>,
) -> Result<Response, Problem> {
    let store = maybe_store(asked.own.store.as_ref())?;
    whole_chain(&who, store.is_some())?;
    let by = match asked.own.by.as_deref() {
        None | Some("source") => IntakeBy::Source,
        Some("stream") => IntakeBy::Stream,
        Some("store") => IntakeBy::Store,
        Some(other) => {
            let detail = format!("there is no by {other:?}; there are source, stream, store");
            return Err(Problem::new(Kind::BadRequest, detail));
        }
    };
    let (folder, limits) = (app.parts().folder.clone(), app.parts().quality);
    let now = app.now();
    list(&app, &who, &asked, store, "quality", move |present, _, _| {
        let (partitions, now) = (present.partitions(), present.as_of.unwrap_or(now));
        let known = quality_facts(&folder, limits, present.reader().meta(), &partitions, now)?;
        let book = QualityBook::open(&folder)?;
        let applied = book.measured().filter(|_| present.as_of.is_none()).map(applied_facts);
        Ok(QualityView::new(&partitions, &QualityFacts { applied, store, by, ..known }))
    })
    .await
}

/// What is of all stores together is for those who may see all.
fn whole_chain(who: &Who, of_one_store: bool) -> Result<(), Problem> {
    if who.stores.is_none() || of_one_store {
        return Ok(());
    }
    Err(Problem::new(Kind::OtherStore, "this is of all stores; name one of yours with store"))
}

async fn history(
    State(app): State<App>,
    who: Who,
    asked: Asked<StoreQuery>,
) -> Result<Response, Problem> {
    let store = maybe_store(asked.own.store.as_ref())?;
    whole_chain(&who, store.is_some())?;
    let folder = app.parts().folder.clone();
    list(&app, &who, &asked, store, "quality-history", move |present, chain, _| {
        if let Some(store) = store {
            one_store(chain, store)?;
        }
        let mut changes = quality_history(&folder)?;
        changes.retain(|change| present.as_of.is_none_or(|until| change.at <= until));
        Ok(quality_history_view(&changes, store.as_ref().map(StoreId::as_str), usize::MAX))
    })
    .await
}

/// The tables of the lake.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
struct LakeView {
    /// How many there are.
    total: u64,
    /// The rows.
    tables: Vec<LakeTable>,
    /// What keeps them in shape, where this process follows.
    jobs: Vec<LakeJob>,
}

impl Listed for LakeView {
    type Row = LakeTable;

    fn rows(&mut self) -> &mut Vec<LakeTable> {
        &mut self.tables
    }

    fn key(row: &LakeTable) -> String {
        format!("{}.{}", row.schema, row.name)
    }
}

async fn lake(
    State(app): State<App>,
    who: Who,
    asked: Asked<NoParams>,
) -> Result<Response, Problem> {
    asked.common.present_only("the lake")?;
    who.must_see_all("the lake")?;
    let Some(lake) = app.parts().lake.clone() else {
        return Err(Problem::new(Kind::NotThere, "no lake is followed by this process"));
    };
    let jobs = lake.jobs();
    let tables = app.blocking(move || lake.tables()).await?.map_err(|(code, message)| {
        let status = axum::http::StatusCode::SERVICE_UNAVAILABLE;
        Problem::coded(status, &code, message, "see `shelf lake verify`")
    })?;
    list(&app, &who, &asked, None, "lake", move |_, _, _| {
        Ok(LakeView { total: tables.len() as u64, tables, jobs })
    })
    .await
}
