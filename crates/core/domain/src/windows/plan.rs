//! Which windows a store keeps: declared in settings, told by an event.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::effect::Reason;
use crate::ids::WindowName;
use crate::time::{DAY, HOUR, MINUTE, SECOND};

/// The most windows that a store may declare.
pub const MAX_WINDOWS: usize = 16;
/// The longest window.
pub const MAX_WINDOW_US: i64 = DAY;
/// The most that an event may come after a window and still correct it.
pub const MAX_LATENESS_US: i64 = DAY;
/// The most panes that are kept for any window: the longest window and the lateness, in panes.
pub const MAX_PANES: i64 = 8_192;

/// What a window adds up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Measure {
    /// Receipts: transactions, units, money, customers.
    #[default]
    Sales,
    /// The units on the shelf: last, least, most, change.
    Stock,
    /// Units sold beside the units on the shelf.
    Turnover,
}

/// What a window is for. A store keeps the part of its own: readers merge those of all stores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum WindowScope {
    /// The whole chain.
    #[default]
    Global,
    /// Each store.
    Store,
    /// Each product, over all stores.
    Product,
    /// Each product of each store.
    StoreProduct,
}

/// One kind of window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowSpec {
    /// Its name.
    pub name: WindowName,
    /// What it adds up.
    pub measure: Measure,
    /// What it is for.
    pub scope: WindowScope,
    /// How long it is, in microseconds.
    pub size_us: i64,
    /// From the start of one to the start of the next, in microseconds; the size where windows
    /// tumble. It divides the size.
    pub slide_us: i64,
    /// How often an open window tells what it has, in microseconds; 0: only when it ends.
    pub early_us: i64,
    /// Whether it tells its results, to be kept in the log of effects. What the others have can be
    /// read while it is recent, and made again from the log of events.
    pub kept: bool,
}

impl WindowSpec {
    /// The end of the first window that holds this moment.
    pub(crate) fn first_end(&self, at: i64) -> i64 {
        (at.div_euclid(self.slide_us) + 1) * self.slide_us
    }

    /// The end of the last window that holds this moment.
    pub(crate) fn last_end(&self, at: i64) -> i64 {
        self.first_end(at) - self.slide_us + self.size_us
    }

    /// Whether its results are told: to be kept, or because rules look at them.
    pub(crate) fn told(&self) -> bool {
        self.kept || (self.measure == Measure::Sales && self.scope == WindowScope::Product)
    }

    pub(crate) fn by_product(&self) -> bool {
        matches!(self.scope, WindowScope::Product | WindowScope::StoreProduct)
    }

    fn check(&self) -> Result<(), Reason> {
        if self.name.is_empty() {
            return Err(Reason::EmptyId);
        }
        let whole = |part: i64, of: i64| part > 0 && of % part == 0;
        let sizes = (SECOND..=MAX_WINDOW_US).contains(&self.size_us)
            && whole(self.slide_us, self.size_us)
            && self.slide_us % SECOND == 0
            && (self.early_us == 0 || (self.early_us >= SECOND && self.early_us < self.size_us));
        if !sizes {
            return Err(Reason::AbsurdTime);
        }
        if self.measure != Measure::Sales && !self.by_product() {
            return Err(Reason::AbsurdPart);
        }
        Ok(())
    }
}

/// The windows of a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowPlan {
    /// The windows, each with a name of its own.
    pub windows: Vec<WindowSpec>,
    /// How long after its end a window is still corrected, in microseconds.
    pub lateness_us: i64,
}

impl Default for WindowPlan {
    /// The windows that the reference systems have, and ten minutes of lateness.
    fn default() -> Self {
        use Measure::{Sales, Stock, Turnover};
        use WindowScope::{Global, Product, Store, StoreProduct};
        let row = |name: &str, measure, scope, size_us, slide_us, early_us, kept| WindowSpec {
            name: WindowName::cut(name),
            measure,
            scope,
            size_us,
            slide_us,
            early_us,
            kept,
        };
        let windows = [
            row("global_30s", Sales, Global, 30 * SECOND, 30 * SECOND, 10 * SECOND, true),
            row("store_1m", Sales, Store, MINUTE, MINUTE, 20 * SECOND, true),
            row("store_product_5m", Sales, StoreProduct, 5 * MINUTE, MINUTE, 0, false),
            row("product_5m", Sales, Product, 5 * MINUTE, 5 * MINUTE, MINUTE, true),
            row("stock_10m", Stock, StoreProduct, 10 * MINUTE, 2 * MINUTE, 0, false),
            row("turnover_30m", Turnover, StoreProduct, 30 * MINUTE, 5 * MINUTE, 0, false),
        ];
        Self { windows: windows.to_vec(), lateness_us: 10 * MINUTE }
    }
}

impl WindowPlan {
    /// No windows at all.
    pub const NONE: Self = Self { windows: Vec::new(), lateness_us: 0 };

    /// Whether a store can keep these windows.
    pub fn check(&self) -> Result<(), Reason> {
        if self.windows.len() > MAX_WINDOWS {
            return Err(Reason::LimitReached);
        }
        if !(0..=MAX_LATENESS_US).contains(&self.lateness_us) {
            return Err(Reason::AbsurdTime);
        }
        self.windows.iter().try_for_each(WindowSpec::check)?;
        let named = |spec: &WindowSpec| {
            self.windows.iter().filter(|other| other.name == spec.name).count() == 1
        };
        if !self.windows.iter().all(named) {
            return Err(Reason::WrongState);
        }
        let lanes = [self.store_pane_us(), self.product_pane_us(), self.stock_pane_us()];
        let panes = |width: i64| self.reach_us() / width;
        if lanes.into_iter().flatten().any(|width| panes(width) > MAX_PANES) {
            return Err(Reason::LimitReached);
        }
        Ok(())
    }

    /// For how long a moment can still change a window, in microseconds.
    pub(crate) fn reach_us(&self) -> i64 {
        let longest = self.windows.iter().map(|spec| spec.size_us).max().unwrap_or(0);
        longest + self.lateness_us
    }

    /// The width of the panes of sales of the whole store.
    pub(crate) fn store_pane_us(&self) -> Option<i64> {
        self.pane_us(|spec| spec.measure == Measure::Sales && !spec.by_product())
    }

    /// The width of the panes of sales of each product.
    pub(crate) fn product_pane_us(&self) -> Option<i64> {
        self.pane_us(|spec| spec.measure != Measure::Stock && spec.by_product())
    }

    /// The width of the panes of the units on each shelf.
    pub(crate) fn stock_pane_us(&self) -> Option<i64> {
        self.pane_us(|spec| spec.measure != Measure::Sales)
    }

    /// The widest pane of which all slides of some windows are made, at most an hour.
    fn pane_us(&self, of: impl Fn(&WindowSpec) -> bool) -> Option<i64> {
        let slides = self.windows.iter().filter(|spec| of(spec)).map(|spec| spec.slide_us);
        slides.reduce(common_divisor).map(|width| common_divisor(width, HOUR))
    }
}

fn common_divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl Fn(&mut WindowSpec)) -> Result<(), Reason> {
        let mut plan = WindowPlan::default();
        plan.windows.iter_mut().skip(2).take(1).for_each(change);
        plan.check()
    }

    #[test]
    fn the_windows_of_the_references_can_be_kept() {
        let plan = WindowPlan::default();
        assert_eq!(plan.check(), Ok(()));
        assert_eq!(WindowPlan::NONE.check(), Ok(()));
        assert_eq!(plan.store_pane_us(), Some(30 * SECOND));
        assert_eq!(plan.product_pane_us(), Some(MINUTE));
        assert_eq!(plan.stock_pane_us(), Some(MINUTE));
    }

    #[test]
    fn windows_that_cannot_be_kept_are_refused() {
        assert_eq!(with(|spec| spec.slide_us = 2 * MINUTE), Err(Reason::AbsurdTime));
        assert_eq!(with(|spec| spec.slide_us = 0), Err(Reason::AbsurdTime));
        assert_eq!(with(|spec| spec.slide_us = 10 * MINUTE), Err(Reason::AbsurdTime));
        assert_eq!(with(|spec| spec.size_us = 2 * DAY), Err(Reason::AbsurdTime));
        assert_eq!(with(|spec| spec.early_us = 5 * MINUTE), Err(Reason::AbsurdTime));
        assert_eq!(with(|spec| spec.name = WindowName::default()), Err(Reason::EmptyId));
        assert_eq!(with(|spec| spec.name = WindowName::cut("store_1m")), Err(Reason::WrongState));
        let store = |spec: &mut WindowSpec| {
            (spec.measure, spec.scope) = (Measure::Stock, WindowScope::Store);
        };
        assert_eq!(with(store), Err(Reason::AbsurdPart));
        let fine = |spec: &mut WindowSpec| (spec.size_us, spec.slide_us) = (DAY, SECOND);
        assert_eq!(with(fine), Err(Reason::LimitReached));
    }

    #[test]
    fn a_moment_is_in_the_windows_that_begin_at_or_before_it() {
        let plan = WindowPlan::default();
        let spec = plan.windows.get(2).unwrap();
        let at = 7 * MINUTE;
        assert_eq!((spec.first_end(at), spec.last_end(at)), (8 * MINUTE, 12 * MINUTE));
        assert_eq!(spec.first_end(at - 1), 7 * MINUTE);
    }
}
