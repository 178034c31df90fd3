//! The rows of what followed from an event.

use std::fmt::Write as _;

use shelf_domain::{Alert, Effect, RestockTask, Store, SupplierOrder, WindowResult, WindowStage};

use super::{Recorder, Scratch, Step, given, known, put, words};
use crate::tables::ops::{
    AlertRow, DiscountRow, DiscrepancyRow, EffectHead, OrderRow, PriceRow, RemovalRow, TaskRow,
    WindowRowOut,
};

/// The place among effects of what an event itself reports.
const REPORTED: i32 = -1;

impl Recorder {
    /// What a row begins with that an event itself reports.
    pub(super) fn reported<'a>(step: &Step<'a>, store: &Store) -> EffectHead<'a> {
        Self::effect_head(step, store, REPORTED)
    }

    fn effect_head<'a>(step: &Step<'a>, store: &Store, effect_no: i32) -> EffectHead<'a> {
        let at = store.now();
        EffectHead {
            store_id: step.event.store.as_str(),
            log_partition: step.partition as i32,
            log_offset: step.offset as i64,
            effect_no,
            at,
            event_date: store.day(),
        }
    }

    pub(super) fn record_effects(&mut self, step: &Step<'_>, store: &Store, scratch: &mut Scratch) {
        for (effect_no, effect) in (0..).zip(&step.effects.items) {
            let head = Self::effect_head(step, store, effect_no);
            match effect {
                Effect::Duplicate | Effect::Quarantined(_) => {}
                Effect::Alert(alert) => self.record_alert(step, store, alert, head, scratch),
                Effect::Task(task) => self.record_task(step, task, head, scratch),
                Effect::Order(order) => self.record_order(step, order, head, scratch),
                Effect::Window(result) => self.record_window(step, result, head),
                Effect::Price(notice) => {
                    let row = PriceRow {
                        sku: notice.sku.as_str(),
                        lot_code: notice.lot.as_ref().map(shelf_domain::LotCode::as_str),
                        list_price: notice.list_cents,
                        promotion_percent: notice.promotion,
                        markdown_percent: notice.markdown,
                        price: notice.price_cents,
                        ..PriceRow::from(head)
                    };
                    put(&mut self.gathered.prices, &mut self.bytes, step, row);
                    if let Some(lot) = &notice.lot {
                        let row = DiscountRow {
                            sku: notice.sku.as_str(),
                            lot_code: lot.as_str(),
                            discount_percent: notice.markdown,
                            price: notice.price_cents,
                            ..DiscountRow::from(head)
                        };
                        put(&mut self.gathered.daily_discounts, &mut self.bytes, step, row);
                    }
                }
                Effect::Removed(notice) => {
                    let row = RemovalRow {
                        sku: notice.sku.as_str(),
                        lot_code: Some(notice.lot.as_str()),
                        place: words::place(notice.place),
                        cause: words::removal_cause(notice.cause),
                        units: notice.units.into(),
                        cost: known(notice.cost_cents),
                        reported: false,
                        ..RemovalRow::from(head)
                    };
                    put(&mut self.gathered.removals, &mut self.bytes, step, row);
                }
                Effect::Explained(found) => {
                    let product = store.sku(found.sku).and_then(|index| store.product(index));
                    let cost = product.and_then(|product| known(product.cost_cents));
                    let row = DiscrepancyRow {
                        sku: found.sku.as_str(),
                        cause: found.cause.code(),
                        units: found.units,
                        cost: cost.map(|cost| cost.saturating_mul(found.units)),
                        ..DiscrepancyRow::from(head)
                    };
                    put(&mut self.gathered.discrepancies, &mut self.bytes, step, row);
                }
            }
        }
    }

    fn record_alert(
        &mut self,
        step: &Step<'_>,
        store: &Store,
        alert: &Alert,
        head: EffectHead<'_>,
        scratch: &mut Scratch,
    ) {
        scratch.text.clear();
        // Writing to a string cannot fail.
        let _ = write!(scratch.text, "{}", alert.alert);
        let row = AlertRow {
            alert_id: &scratch.text,
            rule: alert.rule.code(),
            sku: alert.sku.as_ref().map(shelf_domain::Sku::as_str),
            place: words::place(alert.place),
            severity: alert.severity.code(),
            status: alert.status.code(),
            opened_at: alert.opened_at,
            opened_date: store.settings().clock.day(alert.opened_at),
            last_seen_at: alert.last_seen_at,
            changed_at: alert.changed_at,
            count: alert.count.into(),
            stock_units: alert.stock_units.into(),
            threshold: alert.threshold.into(),
            capacity_units: alert.capacity_units.into(),
            suggested_units: alert.suggested_units.into(),
            snoozed_until: alert.snoozed_until,
            owner: alert.owner.as_ref().map(shelf_domain::Actor::as_str),
            actor: alert.actor.as_ref().map(shelf_domain::Actor::as_str),
            note: given(alert.note.as_str()),
            ..AlertRow::from(head)
        };
        put(&mut self.gathered.alerts, &mut self.bytes, step, row);
    }

    fn record_task(
        &mut self,
        step: &Step<'_>,
        task: &RestockTask,
        head: EffectHead<'_>,
        scratch: &mut Scratch,
    ) {
        scratch.text.clear();
        // Writing to a string cannot fail.
        let _ = write!(scratch.text, "{}", task.task);
        let lots = task.allocations.iter().map(Some);
        let none = std::iter::once(None).filter(|_| task.allocations.is_empty());
        for lot in lots.chain(none) {
            let row = TaskRow {
                task_id: &scratch.text,
                sku: task.sku.as_str(),
                status: task.status.code(),
                wanted_units: task.wanted_units.into(),
                backorder_units: task.backorder_units.into(),
                lot_code: lot.map(|lot| lot.lot.as_str()),
                reserved_units: lot.map_or(0, |lot| lot.reserved_units.into()),
                in_transit_units: lot.map_or(0, |lot| lot.transit_units.into()),
                arrived_units: lot.map_or(0, |lot| lot.arrived_units.into()),
                created_at: task.created_at,
                changed_at: task.changed_at,
                due_at: task.due_at,
                ..TaskRow::from(head)
            };
            put(&mut self.gathered.restock_tasks, &mut self.bytes, step, row);
        }
    }

    fn record_order(
        &mut self,
        step: &Step<'_>,
        order: &SupplierOrder,
        head: EffectHead<'_>,
        scratch: &mut Scratch,
    ) {
        scratch.text.clear();
        // Writing to a string cannot fail.
        let _ = write!(scratch.text, "{}", order.order);
        let lines = order.lines.iter().map(Some);
        let none = std::iter::once(None).filter(|_| order.lines.is_empty());
        for line in lines.chain(none) {
            let row = OrderRow {
                order_id: &scratch.text,
                supplier_id: order.supplier.as_str(),
                status: order.status.code(),
                cutoff_at: order.cutoff_at,
                delivery_at: order.delivery_at,
                delivery_date: order.delivery_day,
                created_at: order.created_at,
                changed_at: order.changed_at,
                sku: line.map(|line| line.sku.as_str()),
                units: line.map_or(0, |line| line.units.into()),
                received_units: line.map_or(0, |line| line.received_units.into()),
                cost: line.map_or(0, |line| line.cost_cents),
                proposed_units: line.map_or(0, |line| line.reason.proposed_units.into()),
                ..OrderRow::from(head)
            };
            put(&mut self.gathered.supplier_orders, &mut self.bytes, step, row);
        }
    }

    fn record_window(&mut self, step: &Step<'_>, result: &WindowResult, head: EffectHead<'_>) {
        // What an open window tells early is replaced by what it tells in the end.
        if result.stage == WindowStage::Early {
            return;
        }
        for told in &result.rows {
            let (sales, stock) = (&told.sales, told.stock.as_ref());
            let row = WindowRowOut {
                window_name: result.window.as_str(),
                measure: words::measure(result.measure),
                scope: words::window_scope(result.scope),
                start_at: result.start,
                end_at: result.end,
                stage: result.stage.code(),
                revision: result.revision as i64,
                sku: told.sku.as_ref().map(shelf_domain::Sku::as_str),
                receipts: sales.transactions.into(),
                units: sales.units.into(),
                returned_units: sales.returned_units.into(),
                gross: sales.gross_cents,
                net: sales.net_cents,
                customers: sales.customers.count() as i64,
                last_units: stock.map(|stock| stock.sums.last_units),
                min_units: stock.map(|stock| stock.sums.min_units),
                max_units: stock.map(|stock| stock.sums.max_units),
                stock_status: stock.map(|stock| stock.status.code()),
                ..WindowRowOut::from(head)
            };
            put(&mut self.gathered.windows, &mut self.bytes, step, row);
        }
    }
}
