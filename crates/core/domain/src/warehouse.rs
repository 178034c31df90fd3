//! Warehouse movements: deliveries in, units out to the floor, refills, removals, transfers,
//! counts.

use alloc::vec::Vec;

use crate::effect::{Cause, Effects, Reason};
use crate::event::{
    Count, Delivery, OpeningStock, Place, Refill, Removal, RemovalCause, Transfer, WarehouseOut,
};
use crate::floor::check_units;
use crate::ids::{LotCode, SkuIndex};
use crate::lot::{MAX_LOTS_PER_SKU, Onto, take};
use crate::quantity::MAX_EVENT_UNITS;
use crate::reference::{Picking, RefillMode};
use crate::store::Store;
use crate::tasks::TRANSIT_LIMIT_US;
use crate::time::{Day, SECOND, Timestamp};
use crate::timer::Timer;

impl Store {
    pub(crate) fn opening_stock(
        &mut self,
        stock: &OpeningStock,
        fx: &mut Effects,
    ) -> Result<(), Reason> {
        let index = self.find(stock.sku)?;
        check_units(stock.floor_units.saturating_add(stock.warehouse_units))?;
        self.check_room(index)?;
        let expiry_day = stock.expiry_day.unwrap_or(Day::NEVER);
        let onto = Onto::Named { code: stock.lot, received_day: stock.received_day, expiry_day };
        self.check_new_lot(index, stock.lot)?;
        if let Some(lot) = self.lots[index].onto(&onto) {
            lot.floor_units += stock.floor_units;
            lot.warehouse_units += stock.warehouse_units;
        }
        let shelf = &mut self.shelves[index];
        shelf.tracked = true;
        shelf.floor_units += stock.floor_units;
        shelf.warehouse_units += stock.warehouse_units;
        let units = u64::from(stock.floor_units) + u64::from(stock.warehouse_units);
        shelf.ledger.received += units;
        self.facts.sku(index).received += units;
        self.mark_down(index, fx);
        self.floor_changed(index, self.now, fx);
        self.warehouse_changed(index, fx);
        self.judge_expiry(index, fx);
        Ok(())
    }

    pub(crate) fn delivery(
        &mut self,
        delivery: &Delivery,
        at: Timestamp,
        fx: &mut Effects,
    ) -> Result<(), Reason> {
        let index = self.find(delivery.sku)?;
        check_units(delivery.units)?;
        self.check_room(index)?;
        if delivery.lot.is_empty() {
            return Err(Reason::EmptyId);
        }
        self.check_new_lot(index, delivery.lot)?;
        let received_day = delivery.received_day.unwrap_or(self.settings.clock.day(at));
        let expiry_day =
            delivery.expiry_day.unwrap_or_else(|| self.expiry_by_life(index, received_day));
        let onto = Onto::Named { code: delivery.lot, received_day, expiry_day };
        if let Some(lot) = self.lots[index].onto(&onto) {
            lot.warehouse_units += delivery.units;
        }
        let shelf = &mut self.shelves[index];
        let first = !core::mem::replace(&mut shelf.tracked, true);
        shelf.warehouse_units += delivery.units;
        shelf.ledger.received += u64::from(delivery.units);
        self.facts.sku(index).received += u64::from(delivery.units);
        self.order_received(delivery.order, index, delivery.units, fx);
        self.mark_down(index, fx);
        if first {
            self.floor_changed(index, at, fx);
        }
        self.warehouse_changed(index, fx);
        self.judge_expiry(index, fx);
        Ok(())
    }

    pub(crate) fn warehouse_out(
        &mut self,
        out: &WarehouseOut,
        at: Timestamp,
        fx: &mut Effects,
    ) -> Result<(), Reason> {
        let index = self.find(out.sku)?;
        check_units(out.units)?;
        self.check_room(index)?;
        out.lot.map_or(Ok(()), |code| self.check_new_lot(index, code))?;
        let swallowed = take(&mut self.shelves[index].ahead_units, out.units);
        let wanted = out.units - swallowed;
        let picking = self.shelves[index].rules.picking;
        let task = self.task_of(index);
        let mut rest = wanted;
        for code in self.lots[index].picking_order(picking, out.lot) {
            let Some(lot) = self.lots[index].get_mut(code) else { continue };
            let moved = take(&mut lot.warehouse_units, rest);
            lot.transit_units += moved;
            rest -= moved;
            if moved > 0 {
                self.task_left(task, index, code, moved);
                self.expect_arrival(index, task, code, moved, at);
            }
        }
        if rest > 0 {
            let onto = self.fallback_lot(index, out.lot, "UNKNOWN", at);
            if let Some(lot) = self.lots[index].onto(&onto) {
                lot.transit_units += rest;
                let code = lot.code;
                self.task_left(task, index, code, rest);
                self.expect_arrival(index, task, code, rest, at);
            }
        }
        let shelf = &mut self.shelves[index];
        shelf.warehouse_units -= wanted - rest;
        shelf.transit_units += wanted;
        let until = at.plus(TRANSIT_LIMIT_US);
        let until = shelf.transit_until.map_or(until, |last| last.max(until));
        shelf.transit_until = Some(until);
        self.timers.set(until, Timer::TransitDue(index));
        self.explain(index, -i64::from(rest), Cause::Mispicked, fx);
        self.release_overbooked(index, fx);
        self.report_task(task, fx);
        if rest > 0 {
            self.mark_down(index, fx);
        }
        self.warehouse_changed(index, fx);
        self.lots_left(index, fx);
        Ok(())
    }

    pub(crate) fn refill(
        &mut self,
        refill: &Refill,
        at: Timestamp,
        fx: &mut Effects,
    ) -> Result<(), Reason> {
        let index = self.find(refill.sku)?;
        check_units(refill.units)?;
        self.check_room(index)?;
        refill.lot.map_or(Ok(()), |code| self.check_new_lot(index, code))?;
        let picking = self.shelves[index].rules.picking;
        let task = self.task_of(index);
        let order = self.lots[index].picking_order(picking, refill.lot);
        let mut rest = refill.units;
        for &code in &order {
            let Some(lot) = self.lots[index].get_mut(code) else { continue };
            let moved = take(&mut lot.transit_units, rest);
            lot.floor_units += moved;
            rest -= moved;
            self.task_arrived(task, index, code, moved);
        }
        let from_transit = refill.units - rest;
        let ahead = rest;
        for &code in &order {
            let Some(lot) = self.lots[index].get_mut(code) else { continue };
            let moved = take(&mut lot.warehouse_units, rest);
            lot.floor_units += moved;
            rest -= moved;
            if moved > 0 {
                self.task_left(task, index, code, moved);
                self.task_arrived(task, index, code, moved);
            }
        }
        if rest > 0 {
            let onto = self.fallback_lot(index, refill.lot, "UNKNOWN", at);
            if let Some(lot) = self.lots[index].onto(&onto) {
                lot.floor_units += rest;
                let code = lot.code;
                self.task_left(task, index, code, rest);
                self.task_arrived(task, index, code, rest);
            }
        }
        let shelf = &mut self.shelves[index];
        shelf.tracked = true;
        shelf.transit_units -= from_transit;
        shelf.warehouse_units -= ahead - rest;
        shelf.floor_units += refill.units;
        shelf.ahead_units = (shelf.ahead_units + ahead).min(MAX_EVENT_UNITS);
        self.staff_brought(index, refill.units);
        self.explain(index, -i64::from(rest), Cause::Mispicked, fx);
        self.release_overbooked(index, fx);
        self.close_task(task, fx);
        if rest > 0 {
            self.mark_down(index, fx);
        }
        self.floor_changed(index, at, fx);
        self.judge_expiry(index, fx);
        Ok(())
    }

    pub(crate) fn removal(&mut self, removal: &Removal, fx: &mut Effects) -> Result<(), Reason> {
        let index = self.find(removal.sku)?;
        check_units(removal.units)?;
        match removal.place {
            Place::Floor => self.remove_floor(index, removal.units, removal.lot, fx),
            Place::Warehouse => {
                let order = Picking::SoonestExpiry;
                self.remove_warehouse(index, removal.units, removal.lot, order, fx);
            }
        }
        if removal.cause != RemovalCause::Transferred {
            self.count_waste(index, removal.units);
        }
        Ok(())
    }

    pub(crate) fn transfer(&mut self, transfer: &Transfer, fx: &mut Effects) -> Result<(), Reason> {
        let index = self.find(transfer.sku)?;
        check_units(transfer.units)?;
        if transfer.to.is_empty() {
            return Err(Reason::EmptyId);
        }
        let order = self.shelves[index].rules.picking;
        self.remove_warehouse(index, transfer.units, transfer.lot, order, fx);
        Ok(())
    }

    fn remove_floor(
        &mut self,
        index: SkuIndex,
        units: u32,
        lot: Option<LotCode>,
        fx: &mut Effects,
    ) {
        self.staff_take(index, units);
        let lacking = self.lots[index].take_floor(units, lot);
        let shelf = &mut self.shelves[index];
        let moved = take(&mut shelf.floor_units, units);
        shelf.ledger.removed += u64::from(units);
        self.facts.sku(index).removed += u64::from(units);
        shelf.lot_gap_units = (shelf.lot_gap_units + units - lacking).wrapping_sub(moved);
        self.weigh_count(index, i64::from(moved));
        self.explain(index, -i64::from(units - moved), Cause::RecordsShort, fx);
        self.floor_changed(index, self.now, fx);
        self.lots_left(index, fx);
    }

    fn remove_warehouse(
        &mut self,
        index: SkuIndex,
        units: u32,
        lot: Option<LotCode>,
        order: Picking,
        fx: &mut Effects,
    ) {
        let lacking = self.take_warehouse(index, units, lot, order);
        let shelf = &mut self.shelves[index];
        shelf.warehouse_units -= units - lacking;
        shelf.ledger.removed += u64::from(units);
        self.facts.sku(index).removed += u64::from(units);
        let (place, short) = (Place::Warehouse, -i64::from(lacking));
        self.explain_at(index, place, short, Cause::RecordsShort, fx);
        self.release_overbooked(index, fx);
        self.warehouse_changed(index, fx);
        self.lots_left(index, fx);
    }

    pub(crate) fn count_waste(&mut self, index: SkuIndex, units: u32) -> i64 {
        let cost = self.products[index].cost_cents * i64::from(units);
        let ledger = &mut self.shelves[index].ledger;
        ledger.waste_cents = ledger.waste_cents.saturating_add(cost);
        self.facts.wasted(index, units, cost);
        cost
    }

    pub(crate) fn count(
        &mut self,
        count: &Count,
        at: Timestamp,
        fx: &mut Effects,
    ) -> Result<(), Reason> {
        let index = self.find(count.sku)?;
        if count.units > MAX_EVENT_UNITS {
            return Err(Reason::TooManyUnits);
        }
        self.shelves[index].tracked = true;
        let difference = match count.place {
            Place::Floor => self.count_floor(index, count.units),
            Place::Warehouse => self.count_warehouse(index, count.units, at),
        };
        let facts = self.facts.sku(index);
        facts.counts += 1;
        facts.right_counts += u64::from(difference == 0);
        let cause = if difference < 0 { Cause::Phantom } else { Cause::Found };
        self.explain(index, -difference, cause, fx);
        self.settle(index, count.place, fx);
        self.release_overbooked(index, fx);
        if difference > 0 {
            self.mark_down(index, fx);
        }
        self.floor_changed(index, at, fx);
        self.warehouse_changed(index, fx);
        self.judge_expiry(index, fx);
        Ok(())
    }

    fn count_floor(&mut self, index: SkuIndex, units: u32) -> i64 {
        self.scale_counted(index);
        let shelf = &mut self.shelves[index];
        let difference = i64::from(units) - i64::from(shelf.floor_units);
        shelf.floor_units = units;
        let amount = difference.unsigned_abs() as u32;
        if difference < 0 {
            let lacking = self.lots[index].take_floor(amount, None);
            shelf.lot_gap_units = shelf.lot_gap_units.wrapping_sub(lacking);
        } else {
            shelf.lot_gap_units += self.lots[index].add_floor(amount, None);
        }
        difference
    }

    fn count_warehouse(&mut self, index: SkuIndex, units: u32, at: Timestamp) -> i64 {
        let difference = i64::from(units) - i64::from(self.shelves[index].warehouse_units);
        let amount = difference.unsigned_abs() as u32;
        if difference < 0 {
            self.take_warehouse(index, amount, None, Picking::SoonestExpiry);
        } else if difference > 0 {
            let onto = self.fallback_lot(index, None, "COUNT", at);
            if let Some(lot) = self.lots[index].onto(&onto) {
                lot.warehouse_units += amount;
            }
        }
        self.shelves[index].warehouse_units = units;
        difference
    }

    /// Takes units out of the warehouse's lots; returns what lacked.
    fn take_warehouse(
        &mut self,
        index: SkuIndex,
        units: u32,
        named: Option<LotCode>,
        order: Picking,
    ) -> u32 {
        let mut rest = units;
        for code in self.lots[index].picking_order(order, named) {
            if let Some(lot) = self.lots[index].get_mut(code) {
                rest -= take(&mut lot.warehouse_units, rest);
            }
        }
        rest
    }

    fn expiry_by_life(&self, index: SkuIndex, received_day: Day) -> Day {
        match self.products[index].shelf_life_days {
            0 => Day::NEVER,
            days => received_day.plus(i32::from(days)),
        }
    }

    /// The lot that units of no known lot go onto.
    fn fallback_lot(
        &self,
        index: SkuIndex,
        named: Option<LotCode>,
        prefix: &str,
        at: Timestamp,
    ) -> Onto {
        let received_day = self.settings.clock.day(at);
        let expiry_day = self.expiry_by_life(index, received_day);
        match named {
            Some(code) => Onto::Named { code, received_day, expiry_day },
            None => {
                let (year, month, day) = received_day.civil();
                let code = alloc::format!("{prefix}-{year:04}{month:02}{day:02}");
                Onto::Latest { code: LotCode::cut(&code), received_day, expiry_day }
            }
        }
    }

    fn check_new_lot(&self, index: SkuIndex, code: LotCode) -> Result<(), Reason> {
        if code.is_empty() {
            return Err(Reason::EmptyId);
        }
        let lots = &self.lots[index];
        if lots.len() >= MAX_LOTS_PER_SKU && lots.get(code).is_none() {
            return Err(Reason::LimitReached);
        }
        Ok(())
    }

    /// Units that nobody confirmed in time count as arrived.
    pub(crate) fn transit_due(&mut self, index: SkuIndex, fx: &mut Effects) {
        let shelf = &mut self.shelves[index];
        if shelf.transit_units == 0 || shelf.transit_until.is_none_or(|until| until > self.now) {
            return;
        }
        let units = core::mem::take(&mut shelf.transit_units);
        shelf.floor_units += units;
        let task = shelf.task;
        let mut arrived = Vec::new();
        for lot in self.lots[index].iter_mut().filter(|lot| lot.transit_units > 0) {
            let moved = core::mem::take(&mut lot.transit_units);
            lot.floor_units += moved;
            arrived.push((lot.code, moved));
        }
        for (code, moved) in arrived {
            self.task_arrived(task, index, code, moved);
        }
        self.staff_brought(index, units);
        self.dispute(index, Place::Floor, units, fx);
        self.close_task(task, fx);
        self.floor_changed(index, self.now, fx);
        self.judge_expiry(index, fx);
    }

    /// Units arrive that nobody confirms.
    pub(crate) fn arrive(
        &mut self,
        index: SkuIndex,
        task: Option<crate::TaskId>,
        code: LotCode,
        units: u32,
        fx: &mut Effects,
    ) {
        let Some(lot) = self.lots[index].get_mut(code) else { return };
        let moved = take(&mut lot.transit_units, units);
        lot.floor_units += moved;
        self.shelves[index].transit_units -= moved;
        self.shelves[index].floor_units += moved;
        self.staff_brought(index, moved);
        self.task_arrived(task, index, code, moved);
        self.close_task(task, fx);
        self.floor_changed(index, self.now, fx);
        self.judge_expiry(index, fx);
    }

    /// Has units arrive by themselves where nobody confirms arrivals.
    pub(crate) fn expect_arrival(
        &mut self,
        index: SkuIndex,
        task: Option<crate::TaskId>,
        lot: LotCode,
        units: u32,
        at: Timestamp,
    ) {
        if self.settings.refill == RefillMode::Timed {
            let travel = i64::from(self.shelves[index].rules.travel_seconds) * SECOND;
            self.timers.set(at.plus(travel), Timer::Arrival { sku: index, task, lot, units });
        }
    }
}
