//! The parts of windows that stores have, put together: sums are added, customers are united.

use std::collections::BTreeMap;

use shelf_domain::{
    Measure, SalesSums, Sku, StockFigures, StoreId, Timestamp, WindowResult, WindowScope,
    WindowStage,
};

use super::line::WindowLine;
use crate::chain::Chain;

/// Whose row it is, in order of time.
type Key = (Timestamp, Timestamp, Option<StoreId>, Option<Sku>);

/// What a store said last about a row.
struct Part {
    revision: u64,
    stage: WindowStage,
    measure: Measure,
    scope: WindowScope,
    sales: SalesSums,
    stock: Option<StockFigures>,
}

/// Results of windows that are being put together.
pub(super) struct Merging {
    /// How many stores there are to merge.
    stores: usize,
    together: bool,
    parts: BTreeMap<(Key, StoreId), Part>,
}

impl Merging {
    pub(super) fn new(stores: usize, together: bool) -> Self {
        Self { stores, together, parts: BTreeMap::new() }
    }

    /// Adds what a store told; of two results about the same row the later revision holds.
    pub(super) fn add(&mut self, store: StoreId, result: &WindowResult) {
        let own = !self.together && !super::merged(result.scope);
        for row in &result.rows {
            let key = (result.start, result.end, own.then_some(store), row.sku);
            let part = Part {
                revision: result.revision,
                stage: result.stage,
                measure: result.measure,
                scope: result.scope,
                sales: row.sales.clone(),
                stock: row.stock.as_deref().copied(),
            };
            let known = self.parts.get(&(key, store));
            if known.is_none_or(|known| known.revision <= part.revision) {
                self.parts.insert((key, store), part);
            }
        }
    }

    /// The rows in order of time, those of one window by what they sold.
    pub(super) fn lines(self, chain: &Chain<'_>) -> Vec<WindowLine> {
        let mut merged: BTreeMap<Key, Vec<(StoreId, Part)>> = BTreeMap::new();
        for ((key, store), part) in self.parts {
            merged.entry(key).or_default().push((store, part));
        }
        // What a store does not tell about it has not changed, and nobody knows here what it is.
        let partial = |key: &Key| key.2.is_none() && self.stores > 1;
        let lines = merged.into_iter().filter_map(|(key, parts)| line(chain, key, parts, &partial));
        let mut lines: Vec<WindowLine> = lines.collect();
        lines.sort_by_key(|line| {
            let most = line.net_cents.unwrap_or(0);
            (line.start, line.end, line.store, core::cmp::Reverse(most), line.sku)
        });
        lines
    }
}

fn line(
    chain: &Chain<'_>,
    key: Key,
    parts: Vec<(StoreId, Part)>,
    partial: &impl Fn(&Key) -> bool,
) -> Option<WindowLine> {
    let (start, end, store, sku) = key;
    let mut parts = parts.into_iter();
    let (first_store, first) = parts.next()?;
    let mut line = WindowLine::of(start, end, first.measure, first.scope);
    (line.store, line.sku) = (store, sku);
    line.name = sku.map(|sku| match chain.store(first_store) {
        Some(store) => crate::chain::product_name(store, sku),
        None => sku.as_str().to_owned(),
    });
    let (mut sales, mut stage) = (first.sales, first.stage);
    let mut revision = Some(first.revision);
    let (mut change, mut updates) = stock_sums(first.stock);
    for (_, part) in parts {
        sales.merge(&part.sales);
        stage = stage_of(stage, part.stage);
        revision = None;
        let (more_change, more_updates) = stock_sums(part.stock);
        (change, updates) = (change + more_change, updates.saturating_add(more_updates));
    }
    (line.stage, line.revision) = (stage, revision);
    if first.measure != Measure::Stock {
        line.set_sales(&sales);
    }
    if let Some(stock) = first.stock {
        if partial(&key) {
            (line.change_units, line.updates) = (Some(change), Some(updates));
        } else {
            line.set_stock(&stock);
        }
    }
    Some(line)
}

fn stock_sums(stock: Option<StockFigures>) -> (i64, u32) {
    stock.map_or((0, 0), |stock| (stock.sums.change_units, stock.sums.updates))
}

/// A window is open as long as it is in any store, and corrected where it is in any.
fn stage_of(one: WindowStage, other: WindowStage) -> WindowStage {
    use WindowStage::{Corrected, Early, Final};
    match (one, other) {
        (Early, _) | (_, Early) => Early,
        (Corrected, _) | (_, Corrected) => Corrected,
        (Final, Final) => Final,
    }
}
