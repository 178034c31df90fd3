//! Restock tasks: what is under way to a shelf, from the wish to the arrival.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::alert::Rule;
use crate::effect::{Effect, Effects, Reason};
use crate::event::{Place, TaskAct, TaskVerb};
use crate::ids::{LotCode, SkuIndex, TaskId};
use crate::lot::take;
use crate::restock::{Allocation, RestockTask, TaskStatus};
use crate::store::Store;
use crate::time::{HOUR, MINUTE, SECOND, Timestamp};
use crate::timer::Timer;

/// A task that staff have not begun after this is given up, and asked for anew where it is still
/// wanted.
pub const UNBEGUN_TASK_US: i64 = 12 * HOUR;
/// Units that left the warehouse and were not confirmed on the shelf after this count as arrived.
pub const TRANSIT_LIMIT_US: i64 = 6 * HOUR;

/// The tasks that stand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tasks {
    standing: BTreeMap<TaskId, RestockTask>,
    last: u64,
}

impl Tasks {
    pub(crate) fn get(&self, task: TaskId) -> Option<&RestockTask> {
        self.standing.get(&task)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &RestockTask> {
        self.standing.values()
    }
}

impl RestockTask {
    /// Units that are allocated or under way and have not arrived, and those that wait for stock.
    pub fn outstanding_units(&self) -> u32 {
        let open = |a: &Allocation| a.reserved_units + a.transit_units;
        self.backorder_units + self.allocations.iter().map(open).sum::<u32>()
    }

    fn allocation(&mut self, lot: LotCode) -> Option<&mut Allocation> {
        if !self.allocations.iter().any(|a| a.lot == lot) {
            let none = Allocation { lot, reserved_units: 0, transit_units: 0, arrived_units: 0 };
            self.allocations.push(none);
        }
        self.allocations.iter_mut().find(|a| a.lot == lot)
    }

    fn set(&mut self, status: TaskStatus, now: Timestamp) {
        self.status = status;
        self.changed_at = now;
    }
}

impl Store {
    /// Units that are on their way to a shelf, or asked for.
    pub(crate) fn under_way(&self, index: SkuIndex) -> u32 {
        let task = self.shelves[index].task.and_then(|task| self.tasks.get(task));
        task.map_or(self.shelves[index].transit_units, RestockTask::outstanding_units)
    }

    /// The task that a movement of a shelf's stock is for: the one that stands, whatever the
    /// movement says. What a task that has ended was to bring is a part of what the next one asks
    /// for.
    pub(crate) fn task_of(&self, index: SkuIndex) -> Option<TaskId> {
        self.shelves[index].task
    }

    /// The shelf is below its threshold: asks for a refill where none stands.
    pub(crate) fn want_refill(&mut self, index: SkuIndex, fx: &mut Effects) {
        let shelf = &self.shelves[index];
        let quiet = shelf.task_quiet_until.is_some_and(|until| until > self.now);
        if shelf.task.is_some() || quiet {
            return;
        }
        let coming = shelf.floor_units + shelf.transit_units;
        if coming < shelf.rules.refill_below_units {
            self.begin_task(index, shelf.rules.target_units, fx);
        }
    }

    /// Begins a task that fills a shelf up to `up_to_units`.
    fn begin_task(&mut self, index: SkuIndex, up_to_units: u32, fx: &mut Effects) {
        self.tasks.last += 1;
        let shelf = &mut self.shelves[index];
        shelf.refill_to_units = up_to_units;
        let wanted_units = up_to_units - shelf.floor_units - shelf.transit_units;
        let delay = i64::from(self.shelves[index].rules.restock_delay_seconds) * SECOND;
        let task = RestockTask {
            task: TaskId(self.tasks.last),
            sku: self.shelves[index].sku,
            status: TaskStatus::Pending,
            wanted_units,
            backorder_units: wanted_units,
            allocations: Vec::new(),
            created_at: self.now,
            changed_at: self.now,
            due_at: self.now.plus(delay),
        };
        self.shelves[index].task = Some(task.task);
        self.stats.tasks_begun += 1;
        self.timers.set(task.due_at, Timer::TaskDue(task.task));
        fx.push(Effect::Task(task.clone()));
        self.tasks.standing.insert(task.task, task);
    }

    /// Staff can be sent: takes the need of this moment, and allocates lots.
    pub(crate) fn task_due(&mut self, id: TaskId, fx: &mut Effects) {
        let Some(sku) = self.tasks.get(id).map(|task| task.sku) else { return };
        if let Ok(index) = self.find(sku) {
            self.fill_backorder(index, fx);
        }
    }

    /// What a task waits for is what the shelf lacks at this moment: since it was asked for, units
    /// may have come otherwise, or have been sold. Returns whether that has changed.
    fn renew_backorder(&mut self, index: SkuIndex) -> bool {
        let shelf = &self.shelves[index];
        let Some(task) = shelf.task.and_then(|id| self.tasks.standing.get_mut(&id)) else {
            return false;
        };
        if task.backorder_units == 0 {
            return false;
        }
        let reserved = task.allocations.iter().map(|a| a.reserved_units).sum::<u32>();
        let coming = shelf.floor_units + shelf.transit_units + reserved;
        let need = shelf.refill_to_units.saturating_sub(coming);
        let before = core::mem::replace(&mut task.backorder_units, need);
        task.wanted_units = task.wanted_units.saturating_sub(before).saturating_add(need);
        before != need
    }

    /// Allocates free units of the warehouse to what the shelf's task still lacks.
    pub(crate) fn fill_backorder(&mut self, index: SkuIndex, fx: &mut Effects) {
        let Some(id) = self.shelves[index].task else { return };
        if self.tasks.get(id).is_none_or(|task| task.due_at > self.now) {
            return;
        }
        let renewed = self.renew_backorder(index);
        let Some(task) = self.tasks.standing.get_mut(&id) else { return };
        let before = task.backorder_units;
        if before == 0 && !renewed {
            return self.close_task(Some(id), fx);
        }
        let picking = self.shelves[index].rules.picking;
        for code in self.lots[index].picking_order(picking, None) {
            let Some(lot) = self.lots[index].get_mut(code) else { continue };
            if lot.expiry_day < self.day || lot.free_units() == 0 {
                continue;
            }
            let units = take(&mut task.backorder_units, lot.free_units());
            lot.reserved_units += units;
            if units > 0
                && let Some(allocation) = task.allocation(code)
            {
                allocation.reserved_units += units;
            }
        }
        let allocated = before - task.backorder_units;
        if allocated > 0 && task.status == TaskStatus::Pending {
            task.set(TaskStatus::Issued, self.now);
            self.timers.set(self.now.plus(UNBEGUN_TASK_US), Timer::Overdue(id));
        }
        if (renewed || allocated > 0) && task.outstanding_units() > 0 {
            fx.push(Effect::Task(task.clone()));
        }
        self.close_task(Some(id), fx);
    }

    /// Units of a lot left the warehouse, for a task where one stands.
    pub(crate) fn task_left(
        &mut self,
        id: Option<TaskId>,
        index: SkuIndex,
        code: LotCode,
        units: u32,
    ) {
        let lots = &mut self.lots[index];
        let sku = self.shelves[index].sku;
        let task = id.and_then(|id| self.tasks.standing.get_mut(&id)).filter(|t| t.sku == sku);
        let Some(task) = task else { return };
        let Some(allocation) = task.allocation(code) else { return };
        allocation.transit_units += units;
        let mut rest = units - take(&mut allocation.reserved_units, units);
        if let Some(lot) = lots.get_mut(code) {
            lot.reserved_units -= units - rest;
        }
        // Another lot was taken than the one allocated: the allocation that it stands for is free
        // again.
        for other in &mut task.allocations {
            let freed = take(&mut other.reserved_units, rest);
            rest -= freed;
            if let Some(lot) = lots.get_mut(other.lot) {
                lot.reserved_units -= freed;
            }
        }
        task.backorder_units -= rest.min(task.backorder_units);
        if task.status != TaskStatus::InTransit {
            task.set(TaskStatus::InTransit, self.now);
        }
    }

    /// Units of a lot arrived on the shelf.
    pub(crate) fn task_arrived(
        &mut self,
        id: Option<TaskId>,
        index: SkuIndex,
        code: LotCode,
        units: u32,
    ) {
        let sku = self.shelves[index].sku;
        let task = id.and_then(|id| self.tasks.standing.get_mut(&id)).filter(|t| t.sku == sku);
        if units == 0 {
            return;
        }
        if let Some(allocation) = task.and_then(|task| task.allocation(code)) {
            allocation.arrived_units += units;
            allocation.transit_units -= units.min(allocation.transit_units);
        }
    }

    /// Ends a task of which nothing is under way any more; one that lacks stock waits for it.
    pub(crate) fn close_task(&mut self, id: Option<TaskId>, fx: &mut Effects) {
        let Some(id) = id else { return };
        let Some(task) = self.tasks.standing.get_mut(&id) else { return };
        if task.allocations.iter().any(|a| a.transit_units > 0) {
            return;
        }
        if task.allocations.iter().any(|a| a.reserved_units > 0) {
            if task.status == TaskStatus::InTransit {
                task.set(TaskStatus::Issued, self.now);
                self.timers.set(self.now.plus(UNBEGUN_TASK_US), Timer::Overdue(id));
                fx.push(Effect::Task(task.clone()));
            }
            return;
        }
        if task.backorder_units > 0 {
            if task.status != TaskStatus::Pending {
                task.set(TaskStatus::Pending, self.now);
                fx.push(Effect::Task(task.clone()));
            }
            return;
        }
        let arrived = task.allocations.iter().any(|a| a.arrived_units > 0);
        let status = if arrived { TaskStatus::Done } else { TaskStatus::Cancelled };
        self.end_task(id, status, fx);
    }

    fn end_task(&mut self, id: TaskId, status: TaskStatus, fx: &mut Effects) {
        let Some(mut task) = self.tasks.standing.remove(&id) else { return };
        if let Ok(index) = self.find(task.sku) {
            self.shelves[index].task = None;
            for allocation in &mut task.allocations {
                let freed = core::mem::take(&mut allocation.reserved_units);
                if let Some(lot) = self.lots[index].get_mut(allocation.lot) {
                    lot.reserved_units -= freed;
                }
            }
        }
        task.set(status, self.now);
        if status == TaskStatus::Done {
            self.stats.tasks_done += 1;
        }
        fx.push(Effect::Task(task));
    }

    /// Tells how a task stands after units left the warehouse for it.
    pub(crate) fn report_task(&mut self, id: Option<TaskId>, fx: &mut Effects) {
        if let Some(task) = id.and_then(|id| self.tasks.get(id)) {
            fx.push(Effect::Task(task.clone()));
        }
    }

    /// More of a lot is allocated than the warehouse holds of it: the rest of the allocation waits
    /// for stock.
    pub(crate) fn release_overbooked(&mut self, index: SkuIndex, fx: &mut Effects) {
        let id = self.shelves[index].task;
        let lots = &mut self.lots[index];
        if lots.iter().all(|lot| lot.reserved_units <= lot.warehouse_units) {
            return;
        }
        let Some(task) = id.and_then(|id| self.tasks.standing.get_mut(&id)) else { return };
        for lot in lots.iter_mut() {
            let over = lot.reserved_units.saturating_sub(lot.warehouse_units);
            if over > 0
                && let Some(allocation) = task.allocation(lot.code)
            {
                lot.reserved_units -= over;
                allocation.reserved_units -= over.min(allocation.reserved_units);
                task.backorder_units += over;
            }
        }
        let task = task.clone();
        fx.push(Effect::Task(task));
        self.fill_backorder(index, fx);
    }

    /// A task should have begun by now.
    pub(crate) fn task_overdue(&mut self, id: TaskId, fx: &mut Effects) {
        let Some(task) = self.tasks.get(id) else { return };
        let idle =
            task.status == TaskStatus::Issued && self.now.since(task.changed_at) >= UNBEGUN_TASK_US;
        let sku = task.sku;
        if idle {
            let arrived = task.allocations.iter().any(|a| a.arrived_units > 0);
            let status = if arrived { TaskStatus::Done } else { TaskStatus::Cancelled };
            self.end_task(id, status, fx);
            if let Ok(index) = self.find(sku) {
                self.judge_floor(index, fx);
            }
        }
    }

    pub(crate) fn task_act(&mut self, act: &TaskAct, fx: &mut Effects) -> Result<(), Reason> {
        if act.actor.is_empty() {
            return Err(Reason::EmptyId);
        }
        match act.act {
            TaskVerb::Request(sku) => {
                let index = self.find(sku)?;
                let shelf = &self.shelves[index];
                if shelf.task.is_some() {
                    return Err(Reason::WrongState);
                }
                let full = shelf.capacity_units.max(shelf.rules.target_units);
                if full <= shelf.floor_units + shelf.transit_units {
                    return Err(Reason::WrongState);
                }
                self.begin_task(index, full, fx);
            }
            TaskVerb::Cancel => {
                let task = self.tasks.get(act.task).ok_or(Reason::UnknownTask)?;
                let index = self.find(task.sku)?;
                self.end_task(act.task, TaskStatus::Cancelled, fx);
                let quiet = i64::from(self.shelves[index].rules.cooldown_minutes) * MINUTE;
                let until = self.now.plus(quiet);
                self.shelves[index].task_quiet_until = Some(until);
                let recheck = Timer::Recheck(index.into(), Rule::RefillRequest, Place::Floor);
                self.timers.set(until, recheck);
            }
        }
        Ok(())
    }
}
