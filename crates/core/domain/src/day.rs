//! The change of the day: expired lots leave, prices fall, books are brought in line, the next day
//! begins.

use alloc::vec::Vec;

use crate::alert::{Rule, Severity};
use crate::alerts::{Facts, Subject};
use crate::effect::{Cause, Effect, Effects, Explanation, RemovalNotice};
use crate::event::{Place, RemovalCause};
use crate::ids::{CustomerId, LotCode, SkuIndex};
use crate::reference::RemovalTime;
use crate::store::Store;
use crate::time::{Day, Timestamp};
use crate::timer::Timer;
use crate::visits::{CLOSING_GRACE_US, MAX_VISIT_US};

impl Store {
    /// Does what is due.
    pub(crate) fn fire(&mut self, timer: Timer, fx: &mut Effects) {
        match timer {
            Timer::DayChange(day) => self.change_day(day, fx),
            Timer::Evening(day) => self.evening(day, fx),
            Timer::Cart(customer) => self.cart_due(customer, fx),
            Timer::Leave(entered_at) => self.session_ends(entered_at, fx),
            Timer::Closed(at) => self.visits_lapse(at),
            Timer::Recheck(subject, rule, place) => self.recheck(subject, rule, place, fx),
            Timer::Passed(subject, rule) => self.passed(subject, rule, fx),
            Timer::Wake(alert) => self.wake(alert, fx),
            Timer::TaskDue(task) => self.task_due(task, fx),
            Timer::Arrival { sku, task, lot, units } => self.arrive(sku, task, lot, units, fx),
            Timer::TransitDue(index) => self.transit_due(index, fx),
            Timer::Overdue(task) => self.task_overdue(task, fx),
            Timer::Draft { supplier, generation } => self.draft_orders(supplier, generation, fx),
            Timer::Cutoff(order) => self.cut_off(order, fx),
            Timer::LateCheck(order) => self.late_check(order, fx),
            Timer::Close(order) => self.close_order(order, fx),
            Timer::WeightCheck(index) => self.weight_check(index, fx),
            Timer::Weighed(index) => self.weighed_due(index, fx),
        }
    }

    fn change_day(&mut self, day: Day, fx: &mut Effects) {
        self.write_off(CustomerId::default(), fx);
        let (from, to) = self.open_times(self.day);
        let open_us = to.since(from).max(0);
        for index in self.shelves.indexes() {
            self.close_shelf_day(index, open_us);
        }
        let midnight = self.settings.clock.at(day, 0);
        self.facts.change_day(day, midnight, self.now, open_us);
        self.day = day;
        self.stats.days += 1;
        self.visits_lapse(self.now.plus(-MAX_VISIT_US));
        self.visits.peak_today = self.visits.present;
        self.visits.entries_today = 0;
        self.funnel.change_day(day);
        self.expire_notices(Subject::Store, fx);
        for index in self.shelves.indexes() {
            self.expire_notices(Subject::Sku(index), fx);
            self.remove_expired(index, day, fx);
            self.align_lots(index, fx);
            self.lots[index].forget_empty();
            self.promote_today(index, fx);
            self.mark_down(index, fx);
            self.judge_expiry(index, fx);
        }
        self.set_day_timers();
    }

    /// Has the present day end, and its evening come.
    pub(crate) fn set_day_timers(&mut self) {
        let next = self.day.plus(1);
        let midnight = self.settings.clock.at(next, 0);
        let (opens, closes) = self.open_times(self.day);
        let closing = if opens < closes { closes } else { midnight };
        if closing > self.now {
            self.timers.set(closing, Timer::Evening(self.day));
        }
        if closing < midnight {
            self.timers.set(closing.plus(CLOSING_GRACE_US), Timer::Closed(closing));
        }
        self.timers.set(midnight, Timer::DayChange(next));
    }

    fn evening(&mut self, day: Day, fx: &mut Effects) {
        for index in self.shelves.indexes() {
            if self.shelves[index].rules.removal == RemovalTime::SameDayEvening {
                self.remove_expired(index, day.plus(1), fx);
                self.judge_expiry(index, fx);
            }
        }
    }

    /// When the store opens and closes on a day; the same moment twice where it stays closed.
    pub(crate) fn open_times(&self, day: Day) -> (Timestamp, Timestamp) {
        let clock = &self.settings.clock;
        if self.settings.closed_days.binary_search(&day).is_ok() {
            return (clock.at(day, 0), clock.at(day, 0));
        }
        match self.settings.opening.get(usize::from(day.weekday())) {
            Some(&(from, to)) => (clock.at(day, from), clock.at(day, to)),
            None if self.settings.opening.is_empty() => {
                (clock.at(day, 0), clock.at(day.plus(1), 0))
            }
            None => (clock.at(day, 0), clock.at(day, 0)),
        }
    }

    /// The time between two moments of today in which the store was open, in microseconds.
    pub(crate) fn open_between(&self, from: Timestamp, to: Timestamp) -> i64 {
        let (opens, closes) = self.open_times(self.day);
        to.min(closes).since(from.max(opens)).max(0)
    }

    fn close_shelf_day(&mut self, index: SkuIndex, open_us: i64) {
        let now = self.now;
        if let Some(since) = self.shelves[index].empty_since {
            let empty = self.open_between(since, now);
            self.shelves[index].demand.empty_today_us += empty;
            self.shelves[index].empty_since = Some(now);
        }
        let shelf = &mut self.shelves[index];
        if open_us == 0 {
            // Nobody could buy: the day says nothing about the demand, whatever was booked on it.
            shelf.demand.skip_day();
        } else if shelf.tracked {
            self.stats.shelf_open_us += open_us;
            let empty_us = shelf.demand.empty_today_us.min(open_us);
            self.stats.shelf_empty_us += empty_us;
            shelf.demand.close_day(open_us);
            // The root of what a day sells, and half as much again: as orders reckon it.
            let daily = u64::from(shelf.demand.units_in(1_000));
            shelf.safety_units = (daily * 9).isqrt().div_ceil(2) as u32;
            let facts = self.facts.sku(index);
            facts.open_us += open_us;
            facts.empty_us += empty_us;
            facts.shelf_days += 1;
            facts.empty_days += u64::from(empty_us > 0);
        }
    }

    /// Lots that expired before `day` leave the books.
    fn remove_expired(&mut self, index: SkuIndex, day: Day, fx: &mut Effects) {
        let expired = |lot: &&mut crate::Lot| lot.expiry_day < day && lot.units() > 0;
        let shelf = &mut self.shelves[index];
        let mut removed: Vec<(LotCode, Place, u32)> = Vec::new();
        let (mut on_floor, mut reduced) = (0, 0);
        for lot in self.lots[index].iter_mut().filter(expired) {
            let floor = lot.floor_units.min(shelf.floor_units);
            lot.floor_units -= floor;
            shelf.floor_units -= floor;
            on_floor += floor;
            removed.push((lot.code, Place::Floor, floor));
            let warehouse = core::mem::take(&mut lot.warehouse_units);
            shelf.warehouse_units -= warehouse;
            removed.push((lot.code, Place::Warehouse, warehouse));
            if lot.markdown.0 > 0 {
                reduced += u64::from(floor + warehouse);
            }
        }
        removed.retain(|&(_, _, units)| units > 0);
        if removed.is_empty() {
            return;
        }
        self.facts.sku(index).reduced_expired += reduced;
        self.staff_will_take(index, on_floor);
        for &(code, place, units) in &removed {
            self.shelves[index].ledger.removed += u64::from(units);
            self.facts.sku(index).removed += u64::from(units);
            let cost_cents = self.count_waste(index, units);
            fx.push(Effect::Removed(RemovalNotice {
                sku: self.shelves[index].sku,
                lot: code,
                place,
                units,
                cause: RemovalCause::Expired,
                cost_cents,
            }));
        }
        for place in [Place::Floor, Place::Warehouse] {
            self.announce_removal(index, place, &removed, fx);
        }
        self.release_overbooked(index, fx);
        self.floor_changed(index, self.now, fx);
        self.warehouse_changed(index, fx);
    }

    fn announce_removal(
        &mut self,
        index: SkuIndex,
        place: Place,
        removed: &[(LotCode, Place, u32)],
        fx: &mut Effects,
    ) {
        let units = removed.iter().filter(|r| r.1 == place).map(|r| r.2).sum();
        if units == 0 {
            return;
        }
        let shelf = &self.shelves[index];
        let facts = Facts {
            severity: Severity::Warning,
            stock_units: shelf.floor_units,
            threshold: 0,
            capacity_units: shelf.capacity_units,
            suggested_units: units,
        };
        self.condition_holds(index, Rule::ExpiredRemoval, place, facts, fx);
    }

    /// Where nobody holds units of a sku, its lots can be brought in line with its shelf: what they
    /// did not know of lies on the lot received last.
    fn align_lots(&mut self, index: SkuIndex, fx: &mut Effects) {
        let shelf = &mut self.shelves[index];
        let gap = shelf.lot_gap_units;
        if gap == 0 || shelf.cart_units > 0 {
            return;
        }
        let lots = &mut self.lots[index];
        if let Some(lot) = lots.latest().and_then(|code| lots.get_mut(code)) {
            lot.floor_units += gap;
            shelf.lot_gap_units = 0;
            self.stats.lot_corrections += u64::from(gap);
            self.stats.explain(Cause::LotGap, u64::from(gap));
            let (sku, units) = (shelf.sku, i64::from(gap));
            fx.touched.push(index);
            fx.push(Effect::Explained(Explanation { sku, units, cause: Cause::LotGap }));
        }
    }
}
