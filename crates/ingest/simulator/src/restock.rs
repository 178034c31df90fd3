//! Restocking: staff carry out the core's restock tasks with what they really find.

use shelf_domain::{
    Body, Place, Refill, RestockTask, SkuIndex, TaskId, TaskStatus, Timestamp, WarehouseOut,
};

use crate::crew::{Armful, Job, TaskMemo, ToCount};
use crate::town::StoreTown;

impl StoreTown {
    /// Takes note of a task. Units allocated since staff last went are something to do.
    pub(crate) fn note_task(&mut self, task: &RestockTask) {
        let Some(index) = self.world.catalogue.find(&task.sku) else { return };
        let standing = task.status.standing();
        if let Some(stock) = self.stock_mut(index) {
            stock.task_stands = standing;
        }
        let crew = &mut self.state.crew;
        if !standing {
            crew.tasks.remove(&task.task);
            crew.ready.retain(|other| *other != task.task);
            return;
        }
        if task.status == TaskStatus::Pending {
            return;
        }
        let memo = crew.tasks.entry(task.task).or_insert_with(|| TaskMemo {
            index,
            lots: Vec::new(),
            queued: false,
        });
        for one in &task.allocations {
            let allocated = one.reserved_units + one.transit_units + one.arrived_units;
            match memo.lots.iter_mut().find(|(code, ..)| *code == one.lot) {
                Some(lot) => lot.1 = allocated,
                None => memo.lots.push((one.lot, allocated, 0)),
            }
        }
        if memo.has_work() && !memo.queued {
            memo.queued = true;
            crew.ready.push(task.task);
        }
    }

    /// A staff member is at the warehouse: takes what is there of the allocated lots.
    pub(crate) fn fetch(&mut self, at: Timestamp, task: TaskId) -> Option<Job> {
        let memo = self.state.crew.tasks.get_mut(&task)?;
        memo.queued = false;
        let index = memo.index;
        let mut to_do = Vec::new();
        for (code, allocated, tried) in &mut memo.lots {
            if *allocated > *tried {
                to_do.push((*code, *allocated - *tried));
                *tried = *allocated;
            }
        }
        let sku = self.item(index)?.sku;
        let stock = self.stock_mut(index)?;
        let mut hands: Vec<Armful> = Vec::new();
        let mut missing = 0;
        for (code, wanted) in to_do {
            let (number, taken) = stock.carry_out(&code, wanted).unwrap_or_default();
            missing += wanted - taken;
            if taken > 0 {
                hands.push((number, code, taken));
            }
        }
        if missing > 0 {
            // What was asked for is not there: whatever there is of the product will do.
            while missing > 0
                && let Some(code) = stock.lots.iter().find(|l| l.warehouse > 0).map(|l| l.code)
                && let Some((number, taken)) = stock.carry_out(&code, missing)
            {
                missing -= taken;
                hands.push((number, code, taken));
            }
            let place = Place::Warehouse;
            self.state.crew.counts.push_back(ToCount { index, place, alert: None });
        }
        for &(_, code, units) in &hands {
            let out = WarehouseOut { task: Some(task), sku, lot: Some(code), units };
            self.tell(at, Body::WarehouseOut(out));
        }
        (!hands.is_empty()).then_some(Job::Bring(task, index, hands))
    }

    /// A staff member is at the shelf with units in hand.
    pub(crate) fn shelve(
        &mut self,
        at: Timestamp,
        task: TaskId,
        index: SkuIndex,
        hands: &[Armful],
    ) {
        let Some((sku, unit_g)) = self.item(index).map(|item| (item.sku, item.unit_g)) else {
            return;
        };
        for &(number, code, units) in hands {
            if let Some(stock) = self.stock_mut(index) {
                stock.put(number, units);
            }
            self.state.truth.refilled_units += u64::from(units);
            let refill = Refill { task: Some(task), sku, lot: Some(code), units };
            self.tell(at, Body::Refill(refill));
            self.weigh(at, None, index, i64::from(units) * i64::from(unit_g));
        }
        // Units may have been allocated while the staff member was on the way.
        let crew = &mut self.state.crew;
        if let Some(memo) = crew.tasks.get_mut(&task)
            && memo.has_work()
            && !memo.queued
        {
            memo.queued = true;
            crew.ready.push(task);
        }
    }
}
