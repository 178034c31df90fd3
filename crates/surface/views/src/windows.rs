//! The windows of sales, stock and turnover: which there are, and what they told.

mod csv;
mod line;
mod merge;

use serde::Serialize;
use shelf_domain::{
    Measure, SECOND, Sku, Store, StoreId, Timestamp, WindowName, WindowPlan, WindowResult,
    WindowScope, WindowSpec, WindowStage,
};

use crate::chain::Chain;
use crate::form;
use merge::Merging;

pub use csv::csv_windows;
pub use line::WindowLine;

/// Windows that are shown where nobody says how many: of a store, and of products.
const LAST: usize = 12;
const LAST_OF_PRODUCTS: usize = 1;

/// One kind of window, as the stores that keep it have it.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct WindowKind {
    /// Its name.
    #[schema(value_type = String)]
    pub name: WindowName,
    /// What it adds up.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub measure: Measure,
    /// What it is for.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub scope: WindowScope,
    /// How long it is, in seconds.
    pub size_s: i64,
    /// From the start of one to the start of the next, in seconds.
    pub slide_s: i64,
    /// How often an open one tells what it has, in seconds; `None`: only when it ends.
    pub early_s: Option<i64>,
    /// Whether its results are kept in the log of effects.
    pub kept: bool,
    /// How long after its end it is corrected, in seconds.
    pub lateness_s: i64,
    /// Stores that keep it.
    pub stores: u64,
    /// Windows that are open and hold anything; those of all stores, where each has its own.
    pub open: u64,
    /// The end of the last that has ended; `None` where none is remembered.
    #[serde(serialize_with = "form::maybe")]
    #[schema(value_type = Option<String>)]
    pub last_ended_at: Option<Timestamp>,
    /// Changes that came too late for it.
    pub missed_changes: u64,
    /// Units sold less units brought back of these.
    pub missed_units: i64,
    /// What these come to, in cents.
    pub missed_net_cents: i64,
}

/// The kinds of windows, in the order of the stores' plans.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct WindowKindsView {
    /// One row for each kind; stores that declare the same name differently have rows of their own.
    pub kinds: Vec<WindowKind>,
}

impl WindowKindsView {
    /// The kinds of one store, or of all.
    pub fn new(chain: &Chain<'_>, store: Option<StoreId>) -> Self {
        let mut kinds: Vec<(WindowSpec, WindowKind, Vec<Timestamp>)> = Vec::new();
        for store in chain.select(store) {
            let plan = store.window_plan();
            for spec in &plan.windows {
                let lateness_s = plan.lateness_us / SECOND;
                let same = kinds
                    .iter_mut()
                    .find(|(known, kind, _)| known == spec && kind.lateness_s == lateness_s);
                match same {
                    Some((_, kind, open)) => add_store(kind, open, store, spec),
                    None => {
                        let (mut kind, mut open) = (kind_of(spec, plan), Vec::new());
                        add_store(&mut kind, &mut open, store, spec);
                        kinds.push((*spec, kind, open));
                    }
                }
            }
        }
        Self { kinds: kinds.into_iter().map(|(_, kind, _)| kind).collect() }
    }
}

fn kind_of(spec: &WindowSpec, plan: &WindowPlan) -> WindowKind {
    WindowKind {
        name: spec.name,
        measure: spec.measure,
        scope: spec.scope,
        size_s: spec.size_us / SECOND,
        slide_s: spec.slide_us / SECOND,
        early_s: (spec.early_us > 0).then_some(spec.early_us / SECOND),
        kept: spec.kept,
        lateness_s: plan.lateness_us / SECOND,
        stores: 0,
        open: 0,
        last_ended_at: None,
        missed_changes: 0,
        missed_units: 0,
        missed_net_cents: 0,
    }
}

fn add_store(kind: &mut WindowKind, open: &mut Vec<Timestamp>, store: &Store, spec: &WindowSpec) {
    let missed = store.missed(spec.name).unwrap_or_default();
    kind.stores += 1;
    kind.missed_changes += missed.changes;
    kind.missed_units += missed.units;
    kind.missed_net_cents = kind.missed_net_cents.saturating_add(missed.net_cents);
    // All that are open, and one that has ended.
    let wanted = (spec.size_us / spec.slide_us) as usize + 1;
    for result in store.recent_windows(spec.name, wanted) {
        if result.end <= store.now() {
            kind.last_ended_at = kind.last_ended_at.max(Some(result.end));
        } else if !merged(spec.scope) {
            kind.open += 1;
        } else if !open.contains(&result.end) {
            open.push(result.end);
            kind.open += 1;
        }
    }
}

/// Whether the windows of all stores are one.
fn merged(scope: WindowScope) -> bool {
    matches!(scope, WindowScope::Global | WindowScope::Product)
}

fn by_product(scope: WindowScope) -> bool {
    matches!(scope, WindowScope::Product | WindowScope::StoreProduct)
}

/// Which results count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StageFilter {
    /// Whatever the window told last.
    #[default]
    All,
    /// Only of windows that have ended.
    Final,
}

/// Which windows of a kind to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WindowFilter {
    /// Of this store.
    pub store: Option<StoreId>,
    /// Of this product.
    pub sku: Option<Sku>,
    /// So many of the latest; `None`: a dozen, or one where each has many products.
    pub last: Option<usize>,
    /// Which results.
    pub stage: StageFilter,
    /// Whether all stores are shown together, also where each has windows of its own.
    pub together: bool,
}

/// What the windows of one kind told, in order of time; those of one time by what they sold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct WindowsView {
    /// The kind.
    #[schema(value_type = String)]
    pub window: WindowName,
    /// What it adds up; `None` where there is none of it.
    #[serde(serialize_with = "form::maybe")]
    #[schema(value_type = Option<String>)]
    pub measure: Option<Measure>,
    /// What it is for.
    #[serde(serialize_with = "form::maybe")]
    #[schema(value_type = Option<String>)]
    pub scope: Option<WindowScope>,
    /// From the start of one to the start of the next, in seconds; `None` where no store keeps it.
    pub slide_s: Option<i64>,
    /// The rows.
    pub rows: Vec<WindowLine>,
}

impl WindowsView {
    /// What the stores remember of a kind of window: those that are open or can still change.
    /// `None` where no store keeps one of that name.
    pub fn recent(chain: &Chain<'_>, name: WindowName, filter: &WindowFilter) -> Option<Self> {
        let stores = chain.select(filter.store);
        let spec = spec_of(&stores, name)?;
        let last = last_of(filter, spec.scope);
        let mut merging = Merging::new(stores.len(), filter.together);
        for store in &stores {
            // The stores' presents differ: what is the latest is found behind the merge.
            for result in store.recent_windows(name, last.saturating_add(1)) {
                merging.add(store.id(), &result);
            }
        }
        Some(Self::of(chain, name, Some(&spec), merging, filter))
    }

    /// What results of the log of effects say about a kind of window, whatever their order: of each
    /// row what was told last.
    pub fn told<'a>(
        chain: &Chain<'_>,
        name: WindowName,
        results: impl IntoIterator<Item = (StoreId, &'a WindowResult)>,
        filter: &WindowFilter,
    ) -> Self {
        let stores = chain.select(filter.store);
        let mut merging = Merging::new(stores.len(), filter.together);
        for (store, result) in results {
            if filter.store.is_none_or(|wanted| wanted == store) && result.window == name {
                merging.add(store, result);
            }
        }
        let all = WindowFilter { last: filter.last.or(Some(usize::MAX)), ..*filter };
        Self::of(chain, name, spec_of(&stores, name).as_ref(), merging, &all)
    }

    fn of(
        chain: &Chain<'_>,
        name: WindowName,
        spec: Option<&WindowSpec>,
        merging: Merging,
        filter: &WindowFilter,
    ) -> Self {
        let mut rows = merging.lines(chain);
        rows.retain(|row| {
            filter.sku.is_none_or(|sku| row.sku == Some(sku))
                && (filter.stage == StageFilter::All || row.stage != WindowStage::Early)
        });
        let first = rows.first().map(|row| (row.measure, row.scope));
        let kind = spec.map(|spec| (spec.measure, spec.scope)).or(first);
        let last = kind.map_or(LAST, |(_, scope)| last_of(filter, scope));
        let mut starts: Vec<Timestamp> = rows.iter().map(|row| row.start).collect();
        starts.dedup();
        let from = starts.iter().rev().take(last).next_back().copied();
        rows.retain(|row| from.is_some_and(|from| row.start >= from));
        Self {
            window: name,
            measure: kind.map(|(measure, _)| measure),
            scope: kind.map(|(_, scope)| scope),
            slide_s: spec.map(|spec| spec.slide_us / SECOND),
            rows,
        }
    }

    /// Whether its rows are of products.
    pub fn by_product(&self) -> bool {
        self.scope.is_some_and(by_product)
    }

    /// Net revenue from the first window to the last, in cents, a place for each start; windows
    /// without anything have 0. Empty where the rows are of products.
    pub fn net_series(&self) -> Vec<i64> {
        let (Some(slide_s), Some(first), Some(last)) =
            (self.slide_s, self.rows.first(), self.rows.last())
        else {
            return Vec::new();
        };
        if self.by_product() || self.measure != Some(Measure::Sales) {
            return Vec::new();
        }
        let slide_us = slide_s.max(1) * SECOND;
        let place = |at: Timestamp| (at.since(first.start) / slide_us).max(0) as usize;
        let places = place(last.start).min(MAX_SERIES - 1) + 1;
        let mut series = vec![0_i64; places];
        for row in &self.rows {
            if let (Some(sum), Some(net)) = (series.get_mut(place(row.start)), row.net_cents) {
                *sum = sum.saturating_add(net);
            }
        }
        series
    }
}

/// The most places of a series.
const MAX_SERIES: usize = 10_000;

fn last_of(filter: &WindowFilter, scope: WindowScope) -> usize {
    filter.last.unwrap_or(if by_product(scope) { LAST_OF_PRODUCTS } else { LAST })
}

fn spec_of(stores: &[&Store], name: WindowName) -> Option<WindowSpec> {
    let mut specs = stores.iter().flat_map(|store| &store.window_plan().windows);
    specs.find(|spec| spec.name == name).copied()
}

/// The first kind of window of this measure and scope that any store keeps.
pub(crate) fn kind_named(
    stores: &[&Store],
    measure: Measure,
    scope: WindowScope,
) -> Option<WindowSpec> {
    let mut specs = stores.iter().flat_map(|store| &store.window_plan().windows);
    specs.find(|spec| spec.measure == measure && spec.scope == scope).copied()
}
