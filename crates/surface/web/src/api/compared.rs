//! Figures beside those of a week earlier: the first page, what was sold, and when.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use shelf_domain::Kpi;
use shelf_views::{KpiBy, KpiFilter, NowView, PatternRow, PatternsView, SalesRow, SalesView};
use utoipa::IntoParams;

use super::asked::{Asked, Params, choice, time_of};
use super::figures::{MOST_DAYS, day_of, days};
use super::operations::Operations;
use super::paging::Listed;
use super::reads::{StoreQuery, list, maybe_store, one_store};
use crate::access::Who;
use crate::app::App;
use crate::problem::Problem;

pub(super) fn add(operations: Operations) -> Operations {
    operations
        .one::<NowQuery, NowView, _, _>(
            "/api/v1/now",
            "The figures of the first page, with the floor and the most urgent alerts.",
            now,
        )
        .list::<SalesQuery, SalesView, _, _>(
            "/api/v1/sales",
            "What was sold in some days, beside the same days a week earlier.",
            sales,
        )
        .list::<StoreQuery, PatternsView, _, _>(
            "/api/v1/patterns",
            "What each hour of the last week sold, and how full its shelves were.",
            patterns,
        )
}

impl Listed for PatternsView {
    type Row = PatternRow;

    fn rows(&mut self) -> &mut Vec<PatternRow> {
        &mut self.rows
    }

    fn key(row: &PatternRow) -> String {
        row.start_at.0.to_string()
    }
}

impl Listed for SalesView {
    type Row = SalesRow;

    fn rows(&mut self) -> &mut Vec<SalesRow> {
        &mut self.rows
    }

    fn key(row: &SalesRow) -> String {
        row.id.clone()
    }
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
struct NowQuery {
    /// Of this store; without it, of all together.
    store: Option<String>,
    /// The moment to look at, RFC 3339; the present without it.
    as_of: Option<String>,
}

async fn now(
    State(app): State<App>,
    who: Who,
    Params(query): Params<NowQuery>,
) -> Result<Response, Problem> {
    let as_of = query.as_of.as_deref().map(time_of).transpose()?;
    let (known, store) = (app.clone(), maybe_store(query.store.as_ref())?);
    let view = app.view(&who, as_of, move |present, chain| {
        store.map(|store| one_store(chain, store)).transpose()?;
        Ok::<_, Problem>(known.memory().now_view(present, chain, store))
    });
    Ok(axum::Json(view.await??).into_response())
}

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
struct SalesQuery {
    /// Of this store.
    store: Option<String>,
    /// What the rows are about: `chain`, `store`, `category` or `product`.
    by: Option<String>,
    /// The first day, as 2026-01-31; a week before the last without it.
    from: Option<String>,
    /// The last day; the stores' yesterday without it, for their today is not over.
    to: Option<String>,
    /// The figure by which rows are in order, the highest first.
    sort: Option<String>,
}

async fn sales(
    State(app): State<App>,
    who: Who,
    asked: Asked<SalesQuery>,
) -> Result<Response, Problem> {
    let own = &asked.own;
    let store = maybe_store(own.store.as_ref())?;
    let by = choice("by", own.by.as_deref(), &SalesView::BY, KpiBy::code)?;
    let by = by.unwrap_or_default();
    let sort = choice("figure", own.sort.as_deref(), Kpi::ALL, Kpi::code)?;
    let from = own.from.as_deref().map(day_of).transpose()?;
    let to = own.to.as_deref().map(day_of).transpose()?;
    list(&app, &who, &asked, store, "sales", move |_, chain, wanted| {
        let to = to.unwrap_or_else(|| chain.today(store).plus(-1));
        let (from_day, to_day) = days(chain, store, (from, Some(to)), MOST_DAYS)?;
        let limit = Some(wanted);
        Ok(SalesView::new(chain, &KpiFilter { store, by, from_day, to_day, sort, limit }))
    })
    .await
}

async fn patterns(
    State(app): State<App>,
    who: Who,
    asked: Asked<StoreQuery>,
) -> Result<Response, Problem> {
    let (known, store) = (app.clone(), maybe_store(asked.own.store.as_ref())?);
    list(&app, &who, &asked, store, "patterns", move |_, chain, _| {
        Ok(known.memory().patterns(chain, store))
    })
    .await
}
