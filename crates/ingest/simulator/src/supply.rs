//! Suppliers: they bring what was ordered, at its slot, mostly.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shelf_domain::{
    Actor, Body, DAY, Delivery, HOUR, LotCode, MINUTE, Note, OrderAct, OrderId, OrderStatus,
    OrderVerb, SECOND, SkuIndex, SupplierOrder, Timestamp,
};

use crate::agenda::Action;
use crate::alerts::CLERK;
use crate::town::StoreTown;

/// After this long nothing is known of an order any more.
const FORGET_US: i64 = 60 * DAY;

/// An order that a supplier has accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Accepted {
    accepted_at: Timestamp,
    /// What is still to unload, the last first.
    lines: Vec<(SkuIndex, u32)>,
    short: bool,
}

/// The orders that suppliers have accepted and the core has not closed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OrderBook {
    accepted: BTreeMap<OrderId, Accepted>,
}

impl StoreTown {
    /// Takes note of an order: once sent, it will be delivered.
    pub(crate) fn note_order(&mut self, order: &SupplierOrder) {
        let now = self.state.now;
        let book = &mut self.state.orders.accepted;
        match order.status {
            OrderStatus::Sent if !book.contains_key(&order.order) => {}
            OrderStatus::Cancelled => {
                book.remove(&order.order);
                return;
            }
            OrderStatus::Received => {
                if book.get(&order.order).is_some_and(|known| known.lines.is_empty()) {
                    book.remove(&order.order);
                }
                return;
            }
            OrderStatus::Sent | OrderStatus::Draft | OrderStatus::Approved => return,
        }
        book.retain(|_, known| now.since(known.accepted_at) < FORGET_US);
        let find = |line: &shelf_domain::OrderLine| {
            self.world.catalogue.find(&line.sku).map(|index| (index, line.units))
        };
        let lines = order.lines.iter().rev().filter_map(find).filter(|&(_, units)| units > 0);
        let accepted = Accepted { accepted_at: now, lines: lines.collect(), short: false };
        book.insert(order.order, accepted);
        self.state.truth.orders += 1;
        let dice = &mut self.state.dice.suppliers;
        let mut comes_at = order.delivery_at.plus(dice.between(0, 15 * MINUTE));
        if dice.chance(self.state.options.realism.late_order) {
            self.state.truth.late_orders += 1;
            comes_at = comes_at.plus(DAY);
        }
        self.state.agenda.plan(comes_at.max(now), Action::Unload(order.order));
    }

    /// The next line of an order comes into the warehouse.
    pub(crate) fn unload(&mut self, at: Timestamp, order: OrderId) {
        let Some(known) = self.state.orders.accepted.get_mut(&order) else { return };
        let Some((index, units)) = known.lines.pop() else { return };
        let last = known.lines.is_empty();
        let comes = self.weigh_up(index, units);
        if comes < units
            && let Some(known) = self.state.orders.accepted.get_mut(&order)
        {
            known.short = true;
        }
        if comes > 0 {
            self.bring(at, order, index, comes);
        }
        if !last {
            let next = at.plus(self.state.dice.suppliers.between(3 * SECOND, 8 * SECOND));
            self.state.agenda.plan(next, Action::Unload(order));
        } else if self.state.orders.accepted.get(&order).is_some_and(|known| known.short) {
            let wait = self.state.dice.staff.between(20 * HOUR, 28 * HOUR);
            let asked_at = self.in_shift(at.plus(wait));
            self.state.agenda.plan(asked_at, Action::CloseOrder(order));
        }
    }

    /// How many units of a line really come.
    fn weigh_up(&mut self, index: SkuIndex, units: u32) -> u32 {
        let pack = self.item(index).map_or(1, |item| item.pack_units.max(1));
        let realism = &self.state.options.realism;
        let (short, over) = (realism.short_line, realism.over_line);
        let dice = &mut self.state.dice.suppliers;
        if dice.chance(short) {
            self.state.truth.short_lines += 1;
            return dice.below(units.div_ceil(pack)) * pack;
        }
        if dice.chance(over) {
            self.state.truth.over_lines += 1;
            return units + pack;
        }
        units
    }

    fn bring(&mut self, at: Timestamp, order: OrderId, index: SkuIndex, units: u32) {
        let today = self.day(at);
        let Some(item) = self.world.catalogue.item(index) else { return };
        let age = self.state.dice.suppliers.below(u32::from(item.life_days) / 5 + 1);
        let expiry = today.plus((i32::from(item.life_days) - age as i32).max(1));
        let Some(stock) = self.state.stock.get_mut(index.at()) else { return };
        let (day, number) = &mut stock.last_delivery;
        *number = if *day == today { *number + 1 } else { 1 };
        *day = today;
        let (year, month, date) = today.civil();
        let code = format!("SUP-{year:04}{month:02}{date:02}-{}-{number}", item.sku);
        let lot = LotCode::cut(&code);
        stock.receive(lot, expiry, 0, units);
        self.state.truth.delivered_units += u64::from(units);
        let delivery = Delivery {
            order: Some(order),
            sku: item.sku,
            lot,
            units,
            received_day: Some(today),
            expiry_day: Some(expiry),
            ..Delivery::default()
        };
        self.tell(at, Body::Delivery(delivery));
    }

    /// The clerk closes an order that came short, where the core still waits for the rest.
    pub(crate) fn close_order(&mut self, at: Timestamp, order: OrderId) {
        if self.state.orders.accepted.contains_key(&order) {
            let note = Note::cut("the supplier will not bring the rest");
            let (act, actor) = (OrderVerb::Cancel, Actor::cut(CLERK));
            self.tell(at, Body::OrderAct(Box::new(OrderAct { order, act, actor, note })));
        }
    }
}
