//! What the windows of a store's sales have told of its money, kept apart from their panes: so a
//! cent that a window lost is found.

use alloc::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::ending::Span;
use super::{Measure, WindowRow, WindowSpec, Windows};
use crate::ids::WindowName;
use crate::store::Store;

/// The revenue of a store's receipts against that of its windows of one name, in cents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WindowBalance {
    /// What the receipts came to since the windows were declared, times the windows that each
    /// moment is in.
    pub receipts_cents: i64,
    /// What the windows that have ended told, corrections included.
    pub told_cents: i64,
    /// What the open windows hold.
    pub open_cents: i64,
    /// What came too late for its windows.
    pub missed_cents: i64,
}

impl WindowBalance {
    /// What the receipts came to and no window has; negative where windows have more.
    pub fn lost_cents(&self) -> i64 {
        let windows = self.told_cents.saturating_add(self.open_cents);
        self.receipts_cents.saturating_sub(windows.saturating_add(self.missed_cents))
    }
}

/// What the windows of one kind have told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Told {
    net_cents: i64,
    /// The end of each window that can still be corrected, in order, with what it told last.
    recent: VecDeque<(i64, i64)>,
}

impl Told {
    fn tell(&mut self, end: i64, net_cents: i64) {
        let before = match self.recent.binary_search_by_key(&end, |(end, _)| *end) {
            Ok(place) => self.recent.get_mut(place).map(|told| &mut told.1),
            Err(place) => {
                self.recent.insert(place, (end, 0));
                self.recent.get_mut(place).map(|told| &mut told.1)
            }
        };
        if let Some(before) = before {
            let more = net_cents.saturating_sub(*before);
            self.net_cents = self.net_cents.saturating_add(more);
            *before = net_cents;
        }
    }

    fn forget(&mut self, before: i64) {
        while self.recent.front().is_some_and(|(end, _)| *end < before) {
            self.recent.pop_front();
        }
    }
}

/// Whether the windows have one row each, the whole store's sales, and tell it.
fn of_whole_store(spec: &WindowSpec) -> bool {
    spec.measure == Measure::Sales && !spec.by_product() && spec.kept
}

impl Windows {
    /// A window has ended at `end`, or was corrected, and told these rows at `now`.
    pub(super) fn note_told(&mut self, place: usize, end: i64, now: i64, rows: &[WindowRow]) {
        let (Some(spec), Some(told)) = (self.plan.windows.get(place), self.told.get_mut(place))
        else {
            return;
        };
        if of_whole_store(spec) {
            told.forget(now - self.plan.lateness_us);
            for row in rows {
                told.tell(end, row.sales.net_cents);
            }
        }
    }

    fn open_cents(&self, spec: &WindowSpec, now: i64) -> i64 {
        let Some(lane) = &self.store else { return 0 };
        let (mut end, mut cents) = (spec.first_end(now), 0_i64);
        let last = end + spec.size_us - spec.slide_us;
        while end <= last {
            let Span { start, end: until, .. } = Span::of(spec, end);
            let panes = lane.of(0, start, until).map(|pane| pane.sums.net_cents);
            cents = cents.saturating_add(panes.fold(0, i64::saturating_add));
            end += spec.slide_us;
        }
        cents
    }
}

impl Store {
    /// The revenue of the receipts against that of the windows of a name; `None` where there are
    /// none, or they are not of the sales of the whole store.
    pub fn window_balance(&self, window: WindowName) -> Option<WindowBalance> {
        let windows = &self.windows;
        let place = windows.plan.windows.iter().position(|spec| spec.name == window)?;
        let spec = windows.plan.windows.get(place).filter(|spec| of_whole_store(spec))?;
        let since = self.takings_cents.saturating_sub(windows.takings_before_cents);
        Some(WindowBalance {
            receipts_cents: since.saturating_mul(spec.size_us / spec.slide_us),
            told_cents: windows.told.get(place)?.net_cents,
            open_cents: windows.open_cents(spec, self.now.0),
            missed_cents: windows.progress.get(place)?.missed.net_cents,
        })
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::event::{Body, Event, Receipt, ReceiptLine};
    use crate::ids::{EventId, Sku, StoreId};
    use crate::reference::{Product, StoreSettings};
    use crate::time::{HOUR, MINUTE, SECOND, Timestamp};
    use crate::windows::{WindowPlan, WindowScope};
    use crate::{Effects, Origin, Outcome};

    const START: Timestamp = Timestamp::EARLIEST;

    fn step(store: &mut Store, at: i64, body: Body) {
        let at = START.plus(at);
        let id = EventId(store.stats.accepted as u128 + 1);
        let (store_id, origin) = (store.id, Origin::default());
        let event = Event { id, store: store_id, at, received_at: at, origin, body };
        let outcome = store.step(&event, &mut Effects::default());
        assert!(matches!(outcome, Outcome::Accepted | Outcome::Late), "{outcome:?}");
    }

    fn sell(store: &mut Store, at: i64, total_cents: i64) {
        let sku = Sku::cut("MILK");
        let line = ReceiptLine { sku, units: 1, total_cents, ..ReceiptLine::default() };
        let receipt = Receipt { lines: alloc::vec![line], ..Receipt::default() };
        step(store, at, Body::Receipt(receipt.into()));
    }

    /// A store with an overlapping window of its own beside the others.
    fn store() -> Store {
        let mut store = Store::new(StoreId::cut("S001"), START);
        step(&mut store, 0, Body::Store(StoreSettings::default().into()));
        let product = Product { sku: Sku::cut("MILK"), ..Product::default() };
        step(&mut store, 0, Body::Product(product.into()));
        sell(&mut store, SECOND, 5_000);
        let mut plan = WindowPlan::default();
        plan.windows.push(WindowSpec {
            name: WindowName::cut("store_5m"),
            measure: Measure::Sales,
            scope: WindowScope::Store,
            size_us: 5 * MINUTE,
            slide_us: MINUTE,
            early_us: 0,
            kept: true,
        });
        step(&mut store, 2 * SECOND, Body::WindowPlan(plan.into()));
        store
    }

    const NAMES: [&str; 3] = ["global_30s", "store_1m", "store_5m"];

    fn lost(store: &Store) -> Vec<i64> {
        let balance = |name: &str| store.window_balance(WindowName::cut(name)).unwrap();
        NAMES.iter().map(|name| balance(name).lost_cents()).collect()
    }

    #[test]
    fn windows_and_receipts_agree_to_the_cent_after_every_event() {
        let mut store = store();
        // In order, late within the lateness, at the same moment, hours late, returned.
        let times = [10, 70, 71, 65, 20, 600, 600, 130, 599, 1_500, 900, 40, 8_000, 100, 7_999];
        for (number, at) in (1..).zip(times) {
            sell(&mut store, at * SECOND, 100 + 7 * number);
            assert_eq!(lost(&store), [0, 0, 0], "after the event at {at} s");
        }
        let balance = store.window_balance(WindowName::cut("store_1m")).unwrap();
        assert!(balance.told_cents > 0 && balance.open_cents > 0 && balance.missed_cents > 0);
        step(&mut store, 9 * HOUR, Body::Clock);
        assert_eq!(lost(&store), [0, 0, 0]);
        assert_eq!(store.window_balance(WindowName::cut("store_1m")).unwrap().open_cents, 0);
        assert_eq!(store.window_balance(WindowName::cut("product_5m")), None);
        assert_eq!(store.window_balance(WindowName::cut("none")), None);
    }

    #[test]
    fn a_cent_that_a_window_lost_is_found() {
        let mut store = store();
        sell(&mut store, 70 * SECOND, 900);
        let at = START.plus(70 * SECOND).0;
        store.windows.store.as_mut().unwrap().touch(0, at).1.sums.net_cents -= 1;
        assert_eq!(lost(&store), [1, 1, 5]);
        step(&mut store, HOUR, Body::Clock);
        assert_eq!(lost(&store), [1, 1, 5]);
    }

    #[test]
    fn a_window_that_is_never_told_is_found() {
        let mut store = store();
        sell(&mut store, 70 * SECOND, 900);
        store
            .windows
            .progress
            .iter_mut()
            .for_each(|progress| progress.next_end = super::super::NEVER);
        store.windows.next_at = super::super::NEVER;
        step(&mut store, HOUR, Body::Clock);
        assert_eq!(lost(&store), [900, 900, 4_500]);
    }

    #[test]
    fn what_a_window_told_is_kept_only_while_it_can_be_corrected() {
        let mut store = store();
        for minute in 0..600 {
            sell(&mut store, minute * MINUTE + 5 * SECOND, 100);
        }
        assert_eq!(lost(&store), [0, 0, 0]);
        assert!(store.windows.told.iter().all(|told| told.recent.len() <= 24));
    }
}
