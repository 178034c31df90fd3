//! Windows: what happened in each bucket of time, by the time of the events.
//!
//! An event is added to one pane of each lane that it concerns. A window ends when the store's time
//! reaches its end: its panes are put together, and its result is told. An event that comes later
//! is added to its pane all the same; the windows that have ended and are still within the lateness
//! tell the row that it changed once more, with a higher revision, and those beyond it count it as
//! missed. `docs/design/windows.md` has the rules in words.

mod distinct;
mod ending;
mod lane;
mod plan;
mod sums;
mod told;

pub(crate) use distinct::customer_hash;
pub use distinct::{Distinct, EXACT_CUSTOMERS};
pub use plan::{
    MAX_LATENESS_US, MAX_PANES, MAX_WINDOW_US, MAX_WINDOWS, Measure, WindowPlan, WindowScope,
    WindowSpec,
};
pub use sums::{
    SalesSums, StockFigures, StockStatus, StockSums, WindowResult, WindowRow, WindowStage,
};
pub use told::WindowBalance;

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use self::lane::{Lane, Touched};
use self::sums::Levels;
use self::told::Told;
use crate::effect::{Effects, Reason};
use crate::event::ReceiptLine;
use crate::ids::{CustomerId, SkuIndex, WindowName};
use crate::store::Store;
use crate::time::Timestamp;

/// A time that never comes.
const NEVER: i64 = i64::MAX;

/// What came too late for a window: the window does not have it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed {
    /// Changes: lines of receipts, receipts, or changes of a shelf.
    pub changes: u64,
    /// Units sold less units brought back.
    pub units: i64,
    /// What the lines come to, in cents.
    pub net_cents: i64,
}

/// Where the windows of one kind are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Progress {
    /// The end of the next window that has anything.
    next_end: i64,
    /// When the open windows next tell what they have.
    next_early: i64,
    missed: Missed,
}

impl Default for Progress {
    fn default() -> Self {
        Self { next_end: NEVER, next_early: NEVER, missed: Missed::default() }
    }
}

/// The sales of one subject in one pane.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct SalesPane {
    sums: SalesSums,
    /// The last receipt that was added: its lines count as one transaction.
    receipt: u64,
}

/// Which lane something is added to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum LaneKind {
    Store,
    Products,
    Stock,
}

impl WindowSpec {
    fn reads(&self, lane: LaneKind) -> bool {
        match self.measure {
            Measure::Sales if self.by_product() => lane == LaneKind::Products,
            Measure::Sales => lane == LaneKind::Store,
            Measure::Stock => lane == LaneKind::Stock,
            Measure::Turnover => lane != LaneKind::Store,
        }
    }
}

/// A change that came behind the end of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Late {
    lane: LaneKind,
    subject: u32,
    at: i64,
    units: i64,
    net_cents: i64,
}

/// The windows of one store.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Windows {
    plan: WindowPlan,
    progress: Vec<Progress>,
    told: Vec<Told>,
    store: Option<Lane<SalesPane>>,
    products: Option<Lane<SalesPane>>,
    stock: Option<Lane<Levels>>,
    /// The units on each shelf as the windows know them.
    floor: Vec<u32>,
    /// The next time at which a window has something to tell.
    next_at: i64,
    revision: u64,
    /// What the receipts had come to when the windows were declared, in cents.
    takings_before_cents: i64,
    /// Receipts, and who paid the present one.
    receipts: u64,
    #[serde(skip)]
    customer: Option<u64>,
    /// Of the present step.
    #[serde(skip)]
    late: Vec<Late>,
    /// Shelves that have lost units in the windows that have just ended.
    #[serde(skip)]
    pub(crate) depleted: Vec<Depleted>,
}

/// A shelf that has lost units in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Depleted {
    pub(crate) index: SkuIndex,
    /// Units at the start of the window less units at its end.
    pub(crate) lost: i64,
    pub(crate) start_units: i64,
}

impl Default for Windows {
    fn default() -> Self {
        Self::new(WindowPlan::default())
    }
}

impl Windows {
    fn new(plan: WindowPlan) -> Self {
        Self {
            progress: plan.windows.iter().map(|_| Progress::default()).collect(),
            told: plan.windows.iter().map(|_| Told::default()).collect(),
            store: plan.store_pane_us().map(Lane::new),
            products: plan.product_pane_us().map(Lane::new),
            stock: plan.stock_pane_us().map(Lane::new),
            floor: Vec::new(),
            next_at: NEVER,
            revision: 0,
            takings_before_cents: 0,
            receipts: 0,
            customer: None,
            late: Vec::new(),
            depleted: Vec::new(),
            plan,
        }
    }

    /// The next time at which a window has something to tell.
    pub(crate) fn next_at(&self) -> Timestamp {
        Timestamp(self.next_at)
    }

    /// A receipt begins; its lines follow.
    pub(crate) fn begin_receipt(&mut self, customer: CustomerId) {
        self.receipts += 1;
        self.customer = customer_hash(customer);
    }

    /// A line of the present receipt.
    pub(crate) fn sell(&mut self, index: SkuIndex, line: &ReceiptLine, at: i64, now: i64) {
        for (kind, subject) in [(LaneKind::Store, 0), (LaneKind::Products, index.0)] {
            let lane = match kind {
                LaneKind::Store => &mut self.store,
                _ => &mut self.products,
            };
            let Some(lane) = lane else { continue };
            if at < now {
                let units = i64::from(line.units);
                let net_cents = line.total_cents;
                let late = Late { lane: kind, subject, at, units, net_cents };
                if !note_late(&self.plan, &mut self.late, late, now) {
                    continue;
                }
            }
            let (touched, pane) = lane.touch(subject, at);
            if pane.receipt != self.receipts {
                pane.receipt = self.receipts;
                pane.sums.transactions = pane.sums.transactions.saturating_add(1);
                if let Some(customer) = self.customer {
                    pane.sums.customers.insert(customer);
                }
            }
            pane.sums.add_line(line);
            if touched == Touched::Newly {
                self.arm(kind, at, now);
            }
        }
    }

    /// The units on a shelf, after anything that may have changed them.
    pub(crate) fn level(&mut self, index: SkuIndex, floor_units: u32, at: i64, now: i64) {
        let Some(lane) = &mut self.stock else { return };
        if self.floor.len() <= index.at() {
            self.floor.resize(index.at() + 1, 0);
        }
        let known = core::mem::replace(&mut self.floor[index.at()], floor_units);
        let delta = (i64::from(floor_units) - i64::from(known)) as i32;
        if delta == 0 {
            return;
        }
        if at < now {
            let late = Late { lane: LaneKind::Stock, subject: index.0, at, units: 0, net_cents: 0 };
            if !note_late(&self.plan, &mut self.late, late, now) {
                return;
            }
        }
        let offset = at.rem_euclid(lane.width_us()) as u32;
        let (touched, levels) = lane.touch(index.0, at);
        levels.add(offset, delta);
        if touched == Touched::Newly {
            self.arm(LaneKind::Stock, at, now);
        }
    }

    /// A pane has its first entry: the windows that hold it will end, and may tell early.
    fn arm(&mut self, lane: LaneKind, at: i64, now: i64) {
        for (spec, progress) in self.plan.windows.iter().zip(&mut self.progress) {
            let end = spec.first_end(at).max(spec.first_end(now));
            if !spec.reads(lane) || end > spec.last_end(at) {
                continue;
            }
            progress.next_end = progress.next_end.min(end);
            if spec.early_us > 0 {
                let early = (now.div_euclid(spec.early_us) + 1) * spec.early_us;
                progress.next_early = progress.next_early.min(early);
            }
            self.next_at = self.next_at.min(progress.next_end).min(progress.next_early);
        }
    }
}

/// Notes a change before the store's present, where a window that holds it has ended. Returns
/// whether any window can still take it.
fn note_late(plan: &WindowPlan, noted: &mut Vec<Late>, late: Late, now: i64) -> bool {
    let mut wanted = false;
    let mut behind = false;
    for spec in plan.windows.iter().filter(|spec| spec.reads(late.lane)) {
        behind |= spec.first_end(late.at) <= now;
        wanted |= spec.last_end(late.at).saturating_add(plan.lateness_us) >= now;
    }
    if behind {
        noted.push(late);
    }
    wanted
}

impl Store {
    /// Declares the windows of the store anew: those that are open end with what they hold.
    pub(crate) fn set_window_plan(
        &mut self,
        plan: &WindowPlan,
        fx: &mut Effects,
    ) -> Result<(), Reason> {
        plan.check()?;
        if self.windows.plan == *plan {
            return Ok(());
        }
        self.end_open_windows(fx);
        let old = core::mem::replace(&mut self.windows, Windows::new(plan.clone()));
        self.windows.revision = old.revision;
        self.windows.receipts = old.receipts;
        self.windows.takings_before_cents = self.takings_cents;
        self.windows.floor = self.shelves.iter().map(|shelf| shelf.floor_units).collect();
        Ok(())
    }

    /// Notes the units on the shelves that were touched behind `before`, which was at `at`. What
    /// one event changes on a shelf is one change.
    pub(crate) fn note_levels(&mut self, fx: &mut Effects, before: usize, at: Timestamp) {
        for place in before..fx.touched.len() {
            let Some(&index) = fx.touched.get(place) else { return };
            let shelf = &self.shelves[index];
            self.windows.level(index, shelf.floor_units, at.0, self.now.0);
            if self.facts.level(index, shelf.on_hand_units(), self.now) {
                self.judge_on_hand(index, fx);
            }
        }
    }

    /// The windows that the store keeps.
    pub fn window_plan(&self) -> &WindowPlan {
        &self.windows.plan
    }

    /// What came too late for the windows of a name; `None` where there are none.
    pub fn missed(&self, window: WindowName) -> Option<Missed> {
        let place = self.windows.plan.windows.iter().position(|spec| spec.name == window)?;
        self.windows.progress.get(place).map(|progress| progress.missed)
    }
}
