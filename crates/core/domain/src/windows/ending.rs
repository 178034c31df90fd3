//! Windows end, tell early, and are corrected.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::lane::Lane;
use super::sums::{Levels, lift};
use super::{
    Depleted, LaneKind, Late, Measure, NEVER, SalesPane, SalesSums, StockFigures, StockStatus,
    StockSums, WindowResult, WindowRow, WindowSpec, WindowStage, Windows,
};
use crate::effect::{Effect, Effects};
use crate::ids::{SkuIndex, WindowName};
use crate::shelf::Shelf;
use crate::store::Store;
use crate::table::Table;
use crate::time::Timestamp;

/// A window of one kind, and the subjects that it is asked about.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) start: i64,
    pub(super) end: i64,
    /// Only subjects with something from here on count.
    changed_from: i64,
}

impl Span {
    pub(super) fn of(spec: &WindowSpec, end: i64) -> Self {
        let start = end - spec.size_us;
        Self { start, end, changed_from: start }
    }
}

/// Only a shelf that loses one unit of this many, or more, is looked at.
const LEAST_PART: i64 = 20;

impl Store {
    /// Has the windows tell what they have at `at`: the store's time has come to it.
    pub(crate) fn windows_due(&mut self, at: Timestamp, fx: &mut Effects) {
        let Self { windows, shelves, .. } = self;
        for place in 0..windows.plan.windows.len() {
            windows.spec_due(place, at.0, shelves, fx);
        }
        let forgotten = at.0 - windows.plan.reach_us();
        if let Some(lane) = &mut windows.store {
            lane.forget(forgotten);
        }
        if let Some(lane) = &mut windows.products {
            lane.forget(forgotten);
        }
        if let Some(lane) = &mut windows.stock {
            lane.forget(forgotten);
        }
        let times = windows.progress.iter().map(|next| next.next_end.min(next.next_early));
        windows.next_at = times.min().unwrap_or(NEVER);
    }

    /// Has the windows that ended before something came tell it, or count it as missed.
    pub(crate) fn correct_windows(&mut self, fx: &mut Effects) {
        if self.windows.late.is_empty() {
            return;
        }
        let now = self.now.0;
        let Self { windows, shelves, .. } = self;
        let mut late = core::mem::take(&mut windows.late);
        for change in &late {
            windows.count_missed(change, now);
        }
        late.sort_unstable_by_key(|late| (late.lane, late.subject, late.at));
        late.dedup_by_key(|late| (late.lane, late.subject, late.at));
        for change in &late {
            windows.correct(change, now, shelves, fx);
        }
        late.clear();
        windows.late = late;
    }

    /// Ends the windows that are open, before their time.
    pub(super) fn end_open_windows(&mut self, fx: &mut Effects) {
        let now = self.now.0;
        let Self { windows, shelves, .. } = self;
        for place in 0..windows.plan.windows.len() {
            let Some(&spec) = windows.plan.windows.get(place) else { continue };
            let mut end = spec.first_end(now);
            while end < spec.first_end(now) + spec.size_us {
                windows.end(place, end, now, shelves, fx);
                end += spec.slide_us;
            }
        }
    }

    /// The windows of a name that hold something and can still change or are open, the newest
    /// first, at most `limit`.
    pub fn recent_windows(&self, name: WindowName, limit: usize) -> Vec<WindowResult> {
        let windows = &self.windows;
        let Some(spec) = windows.plan.windows.iter().find(|spec| spec.name == name) else {
            return Vec::new();
        };
        let now = self.now.0;
        let mut end = spec.first_end(now) + spec.size_us - spec.slide_us;
        let mut found = Vec::new();
        while end + windows.plan.lateness_us >= now && found.len() < limit {
            let rows = windows.rows_at(spec, end, &self.shelves);
            if !rows.is_empty() {
                let stage = if end > now { WindowStage::Early } else { WindowStage::Final };
                found.push(windows.result(spec, end, stage, rows));
            }
            end -= spec.slide_us;
        }
        found
    }
}

impl Windows {
    fn spec_due(&mut self, place: usize, at: i64, shelves: &Table<Shelf>, fx: &mut Effects) {
        let (Some(&spec), Some(&next)) = (self.plan.windows.get(place), self.progress.get(place))
        else {
            return;
        };
        let mut after = next;
        if next.next_early == at && spec.told() {
            let mut end = spec.first_end(at);
            let last = end + spec.size_us - spec.slide_us;
            while end <= last {
                let changed_from = (at - spec.early_us).max(end - spec.size_us);
                let span = Span { changed_from, ..Span::of(&spec, end) };
                self.tell(&spec, span, WindowStage::Early, shelves, fx);
                end += spec.slide_us;
            }
        }
        if next.next_early == at {
            after.next_early = at + spec.early_us;
        }
        if next.next_end == at {
            self.find_depleted(&spec, Span::of(&spec, at));
            self.end(place, at, at, shelves, fx);
            let from = at + spec.slide_us - spec.size_us;
            after.next_end = match self.first_from(&spec, from) {
                Some(start) => spec.first_end(start).max(at + spec.slide_us),
                None => NEVER,
            };
        }
        if after.next_end == NEVER {
            after.next_early = NEVER;
        }
        if let Some(progress) = self.progress.get_mut(place) {
            *progress = after;
        }
    }

    /// A window ends, and tells what it has.
    fn end(&mut self, place: usize, end: i64, now: i64, shelves: &Table<Shelf>, fx: &mut Effects) {
        let Some(&spec) = self.plan.windows.get(place) else { return };
        self.tell(&spec, Span::of(&spec, end), WindowStage::Final, shelves, fx);
        if let Some(Effect::Window(told)) = fx.items.last()
            && told.window == spec.name
            && told.end.0 == end
        {
            self.note_told(place, end, now, &told.rows);
        }
    }

    /// The first pane from a moment on that holds something for these windows.
    fn first_from(&self, spec: &WindowSpec, from: i64) -> Option<i64> {
        let lane = |kind| spec.reads(kind);
        let store = self.store.as_ref().filter(|_| lane(LaneKind::Store));
        let products = self.products.as_ref().filter(|_| lane(LaneKind::Products));
        let stock = self.stock.as_ref().filter(|_| lane(LaneKind::Stock));
        let sales = [store, products].into_iter().flatten().filter_map(|l| l.first_from(from));
        sales.chain(stock.and_then(|lane| lane.first_from(from))).min()
    }

    /// Tells what a window has, where it has anything.
    fn tell(
        &mut self,
        spec: &WindowSpec,
        span: Span,
        stage: WindowStage,
        shelves: &Table<Shelf>,
        fx: &mut Effects,
    ) {
        if !spec.told() {
            return;
        }
        let rows = self.rows(spec, span, shelves);
        if rows.is_empty() {
            return;
        }
        self.revision += 1;
        let result = self.result(spec, span.end, stage, rows);
        fx.push(Effect::Window(Box::new(result)));
    }

    /// Notes the shelves that have lost units in a window of stock that ends.
    fn find_depleted(&mut self, spec: &WindowSpec, span: Span) {
        let (Measure::Stock, Some(lane)) = (spec.measure, &mut self.stock) else { return };
        let Self { floor, depleted, .. } = self;
        lane.each_subject(span.start, span.end, |lane, subject| {
            let (mut lost, mut since) = (0, 0);
            for (start, levels) in lane.newest(subject, span.start) {
                let change = levels.change();
                if start < span.end {
                    lost -= change;
                }
                since += change;
            }
            let units = floor.get(subject as usize).map_or(0, |units| i64::from(*units));
            let start_units = units - since;
            // What loses little is of no interest to any rule.
            if lost > 0 && lost * LEAST_PART >= start_units {
                depleted.push(Depleted { index: SkuIndex(subject), lost, start_units });
            }
        });
    }

    fn result(
        &self,
        spec: &WindowSpec,
        end: i64,
        stage: WindowStage,
        rows: Vec<WindowRow>,
    ) -> WindowResult {
        WindowResult {
            window: spec.name,
            measure: spec.measure,
            scope: spec.scope,
            start: Timestamp(end - spec.size_us),
            end: Timestamp(end),
            stage,
            revision: self.revision,
            kept: spec.kept,
            rows,
        }
    }

    /// The rows of a window for the subjects that it is asked about.
    fn rows(&mut self, spec: &WindowSpec, span: Span, shelves: &Table<Shelf>) -> Vec<WindowRow> {
        let mut rows = Vec::new();
        let Self { store, products, stock, floor, .. } = self;
        match (spec.measure, spec.by_product()) {
            (Measure::Sales, false) => {
                let lane = store.as_ref();
                let changed =
                    |l: &&Lane<SalesPane>| l.of(0, span.changed_from, span.end).any(|_| true);
                if let Some(lane) = lane.filter(changed) {
                    rows.push(store_row(lane, span));
                }
            }
            (Measure::Sales, true) => {
                if let Some(lane) = products {
                    rows.reserve(lane.most_subjects(span.changed_from, span.end));
                    lane.each_subject(span.changed_from, span.end, |lane, subject| {
                        rows.push(sales_row(lane, subject, span, shelves));
                    });
                }
            }
            (Measure::Stock, _) => {
                if let Some(lane) = stock {
                    lane.each_subject(span.changed_from, span.end, |lane, subject| {
                        rows.push(stock_row(lane, subject, span, shelves, floor));
                    });
                }
            }
            (Measure::Turnover, _) => {
                let subjects = turnover_subjects(products.as_ref(), stock.as_ref(), span);
                for subject in subjects {
                    rows.push(turnover_row(
                        products.as_ref(),
                        stock.as_ref(),
                        subject,
                        span,
                        shelves,
                        floor,
                    ));
                }
            }
        }
        rows
    }

    /// All rows of a window, in order of sku number.
    fn rows_at(&self, spec: &WindowSpec, end: i64, shelves: &Table<Shelf>) -> Vec<WindowRow> {
        let span = Span::of(spec, end);
        let (products, stock) = (self.products.as_ref(), self.stock.as_ref());
        let subjects = match (spec.measure, spec.by_product()) {
            (Measure::Sales, false) => {
                let lane = self.store.as_ref();
                let held = lane.is_some_and(|lane| lane.of(0, span.start, end).any(|_| true));
                return lane
                    .filter(|_| held)
                    .map(|lane| store_row(lane, span))
                    .into_iter()
                    .collect();
            }
            (Measure::Sales, true) => turnover_subjects(products, None, span),
            (Measure::Stock, _) => turnover_subjects(None, stock, span),
            (Measure::Turnover, _) => turnover_subjects(products, stock, span),
        };
        let subjects = subjects.into_iter();
        subjects.map(|subject| self.row(spec, subject, span, shelves)).collect()
    }

    /// What a window has of one subject.
    fn row(
        &self,
        spec: &WindowSpec,
        subject: u32,
        span: Span,
        shelves: &Table<Shelf>,
    ) -> WindowRow {
        let (products, stock) = (self.products.as_ref(), self.stock.as_ref());
        match (spec.measure, spec.by_product()) {
            (Measure::Sales, false) => {
                let row = self.store.as_ref().map(|lane| store_row(lane, span));
                row.unwrap_or_default()
            }
            (Measure::Sales, true) => {
                turnover_row(products, None, subject, span, shelves, &self.floor)
            }
            (Measure::Stock, _) => turnover_row(None, stock, subject, span, shelves, &self.floor),
            (Measure::Turnover, _) => {
                turnover_row(products, stock, subject, span, shelves, &self.floor)
            }
        }
    }

    fn count_missed(&mut self, late: &Late, now: i64) {
        let lateness = self.plan.lateness_us;
        for (spec, progress) in self.plan.windows.iter().zip(&mut self.progress) {
            if !spec.reads(late.lane) {
                continue;
            }
            let mut end = spec.first_end(late.at);
            while end <= spec.last_end(late.at) && end + lateness < now {
                progress.missed.changes += 1;
                progress.missed.units += late.units;
                progress.missed.net_cents =
                    progress.missed.net_cents.saturating_add(late.net_cents);
                end += spec.slide_us;
            }
        }
    }

    fn correct(&mut self, late: &Late, now: i64, shelves: &Table<Shelf>, fx: &mut Effects) {
        for place in 0..self.plan.windows.len() {
            let Some(&spec) = self.plan.windows.get(place) else { continue };
            if !spec.reads(late.lane) || !spec.told() {
                continue;
            }
            // A change of a shelf shifts the units of all that comes behind it.
            let last = match late.lane {
                LaneKind::Stock => now,
                _ => spec.last_end(late.at).min(now),
            };
            let oldest = spec.first_end(now - self.plan.lateness_us - 1);
            let mut end = spec.first_end(late.at).max(oldest);
            while end <= last {
                let row = self.row(&spec, late.subject, Span::of(&spec, end), shelves);
                if row.holds_anything() {
                    self.revision += 1;
                    let rows = alloc::vec![row];
                    self.note_told(place, end, now, &rows);
                    let result = self.result(&spec, end, WindowStage::Corrected, rows);
                    fx.push(Effect::Window(Box::new(result)));
                }
                end += spec.slide_us;
            }
        }
    }
}

fn sales(lane: &Lane<SalesPane>, subject: u32, span: Span) -> SalesSums {
    let panes = lane.newest(subject, span.start).filter(|(start, _)| *start < span.end);
    let mut panes = panes.map(|(_, pane)| pane);
    let mut sums = panes.next().map(|pane| pane.sums.clone()).unwrap_or_default();
    panes.for_each(|pane| sums.merge(&pane.sums));
    sums
}

fn sales_row(
    lane: &Lane<SalesPane>,
    subject: u32,
    span: Span,
    shelves: &Table<Shelf>,
) -> WindowRow {
    let index = SkuIndex(subject);
    let sku = Some(shelves[index].sku);
    WindowRow { sku, index: Some(index), sales: sales(lane, subject, span), stock: None }
}

fn store_row(lane: &Lane<SalesPane>, span: Span) -> WindowRow {
    WindowRow { sales: sales(lane, 0, span), ..WindowRow::default() }
}

/// The units of a shelf in a window. What is on it now less what has changed since the window's
/// start is what was on it then.
fn stock_row(
    lane: &Lane<Levels>,
    subject: u32,
    span: Span,
    shelves: &Table<Shelf>,
    floor: &[u32],
) -> WindowRow {
    let index = SkuIndex(subject);
    let shelf = &shelves[index];
    let stock = Some(Box::new(stock(lane, subject, span, shelf, floor)));
    WindowRow { sku: Some(shelf.sku), index: Some(index), stock, ..WindowRow::default() }
}

fn stock(
    lane: &Lane<Levels>,
    subject: u32,
    span: Span,
    shelf: &Shelf,
    floor: &[u32],
) -> StockFigures {
    let since: i64 = lane.newest(subject, span.start).map(|(_, levels)| levels.change()).sum();
    let base = floor.get(subject as usize).map_or(0, |units| i64::from(*units)) - since;
    let mut sums = StockSums::default();
    lane.of(subject, span.start, span.end).for_each(|levels| levels.follow(&mut sums));
    let sums = lift(sums, base);
    let status = match sums.last_units {
        ..=0 => StockStatus::Out,
        units if units < i64::from(shelf.rules.refill_below_units) => StockStatus::Low,
        _ => StockStatus::In,
    };
    StockFigures { sums, capacity_units: shelf.capacity_units, status }
}

fn turnover_subjects(
    products: Option<&Lane<SalesPane>>,
    stock: Option<&Lane<Levels>>,
    span: Span,
) -> Vec<u32> {
    let mut subjects = Vec::new();
    if let Some(lane) = products {
        lane.list_subjects(span.changed_from, span.end, &mut subjects);
    }
    if let Some(lane) = stock {
        lane.list_subjects(span.changed_from, span.end, &mut subjects);
    }
    subjects.sort_unstable();
    subjects.dedup();
    subjects
}

fn turnover_row(
    products: Option<&Lane<SalesPane>>,
    stock_lane: Option<&Lane<Levels>>,
    subject: u32,
    span: Span,
    shelves: &Table<Shelf>,
    floor: &[u32],
) -> WindowRow {
    let index = SkuIndex(subject);
    let shelf = &shelves[index];
    WindowRow {
        sku: Some(shelf.sku),
        index: Some(index),
        sales: products.map(|lane| sales(lane, subject, span)).unwrap_or_default(),
        stock: stock_lane.map(|lane| Box::new(stock(lane, subject, span, shelf, floor))),
    }
}
