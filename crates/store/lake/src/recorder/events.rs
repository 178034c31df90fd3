//! The rows of `raw` and `quarantine`.

use std::fmt::Write as _;

use shelf_domain::{Body, Reason, Receipt, RemovalCause, Stream};
use shelf_events::write_event;

use super::{Recorder, Scratch, Step, given, known, put, words};
use crate::tables::ops::{RemovalRow, SupplierReceipt};
use crate::tables::raw::{
    CustomerStep, EventHead, FootTraffic, InventoryUpdate, PosLine, PosTransaction, PriceChangeRow,
    QuarantineRow, ShelfEvent, WhEvent,
};

impl Recorder {
    /// What happens on the floor.
    pub(super) fn record_floor(
        &mut self,
        step: &Step<'_>,
        head: EventHead<'_>,
        scratch: &mut Scratch,
    ) {
        let (gathered, bytes) = (&mut self.gathered, &mut self.bytes);
        let row = ShelfEvent::from(head);
        let row = match &step.event.body {
            Body::Pickup(touch) | Body::Putback(touch) => {
                let pickup = matches!(step.event.body, Body::Pickup(_));
                ShelfEvent {
                    event_type: if pickup { "pickup" } else { "putback" },
                    sku: touch.sku.as_str(),
                    customer_id: touch.customer.as_ref().map(shelf_domain::CustomerId::as_str),
                    units: Some(i64::from(touch.units)),
                    unit_weight_g: known(touch.unit_weight_g),
                    ..row
                }
            }
            Body::WeightChange(change) => ShelfEvent {
                event_type: "weight_change",
                sku: change.sku.as_str(),
                customer_id: change.customer.as_ref().map(shelf_domain::CustomerId::as_str),
                delta_weight_g: Some(change.delta_g),
                ..row
            },
            Body::Refill(refill) => {
                scratch.text.clear();
                let named = refill.task.map(|task| write!(scratch.text, "{task}"));
                ShelfEvent {
                    event_type: "refill",
                    sku: refill.sku.as_str(),
                    units: Some(i64::from(refill.units)),
                    lot_code: refill.lot.as_ref().map(shelf_domain::LotCode::as_str),
                    task_id: named.map(|_| scratch.text.as_str()),
                    ..row
                }
            }
            Body::Receipt(receipt) => return self.record_receipt(step, receipt, head),
            _ => return,
        };
        put(&mut gathered.shelf_events, bytes, step, row);
    }

    /// Who comes in and leaves, and the steps of visits.
    pub(super) fn record_traffic(&mut self, step: &Step<'_>, head: EventHead<'_>) {
        let (gathered, bytes) = (&mut self.gathered, &mut self.bytes);
        match &step.event.body {
            Body::Entry(customer) | Body::Exit(customer) => {
                let entry = matches!(step.event.body, Body::Entry(_));
                let row = FootTraffic {
                    event_type: if entry { "entry" } else { "exit" },
                    customer_id: customer.as_ref().map(shelf_domain::CustomerId::as_str),
                    ..FootTraffic::from(head)
                };
                put(&mut gathered.foot_traffic, bytes, step, row);
            }
            Body::Session(session) => {
                let row = FootTraffic {
                    event_type: "session",
                    customer_id: Some(session.customer.as_str()),
                    exit_at: Some(session.exit_at),
                    ..FootTraffic::from(head)
                };
                put(&mut gathered.foot_traffic, bytes, step, row);
            }
            Body::CustomerEvent(told) => {
                let row = CustomerStep {
                    event_type: words::funnel_step(told.step),
                    customer_id: told.customer.as_ref().map(shelf_domain::CustomerId::as_str),
                    sku: told.sku.as_ref().map(shelf_domain::Sku::as_str),
                    ..CustomerStep::from(head)
                };
                put(&mut gathered.customer_events, bytes, step, row);
            }
            _ => {}
        }
    }

    fn record_receipt(&mut self, step: &Step<'_>, receipt: &Receipt, head: EventHead<'_>) {
        let (gathered, bytes) = (&mut self.gathered, &mut self.bytes);
        let customer_id = receipt.customer.as_ref().map(shelf_domain::CustomerId::as_str);
        let customer_type = given(receipt.customer_type.as_str());
        let payment_method = given(receipt.payment_method.as_str());
        let receipt_id = receipt.receipt.as_str();
        let (mut units, mut gross, mut total) = (0_i64, 0_i64, 0_i64);
        for (line_no, line) in (1..).zip(&receipt.lines) {
            units += i64::from(line.units);
            let full = line.unit_price_cents.saturating_mul(line.units.into());
            gross = gross.saturating_add(full);
            total = total.saturating_add(line.total_cents);
            let row = PosLine {
                receipt_id,
                line_no,
                customer_id,
                customer_type,
                payment_method,
                sku: line.sku.as_str(),
                units: line.units.into(),
                unit_price: line.unit_price_cents,
                discount_percent: line.discount,
                total: line.total_cents,
                lot_code: line.lot.as_ref().map(shelf_domain::LotCode::as_str),
                ..PosLine::from(head)
            };
            put(&mut gathered.pos_lines, bytes, step, row);
        }
        let row = PosTransaction {
            receipt_id,
            customer_id,
            customer_type,
            payment_method,
            lines: receipt.lines.len() as i64,
            units,
            gross,
            total,
            ..PosTransaction::from(head)
        };
        put(&mut gathered.pos_transactions, bytes, step, row);
    }

    /// What moves stock other than on the floor, and what it costs.
    pub(super) fn record_stock(
        &mut self,
        step: &Step<'_>,
        head: EventHead<'_>,
        scratch: &mut Scratch,
    ) {
        match &step.event.body {
            Body::Price(change) => {
                let row = PriceChangeRow {
                    event_type: "price",
                    sku: change.sku.as_str(),
                    price: Some(change.price_cents),
                    ..PriceChangeRow::from(head)
                };
                put(&mut self.gathered.price_changes, &mut self.bytes, step, row);
            }
            Body::Promotion(promotion) => {
                let row = PriceChangeRow {
                    event_type: "promotion",
                    sku: promotion.sku.as_str(),
                    cut_percent: Some(promotion.cut),
                    from_date: Some(promotion.from_day),
                    until_date: Some(promotion.until_day),
                    ..PriceChangeRow::from(head)
                };
                put(&mut self.gathered.price_changes, &mut self.bytes, step, row);
            }
            Body::OpeningStock(_) | Body::Removal(_) | Body::Count(_) => {
                self.record_update(step, head);
            }
            _ => self.record_movement(step, head, scratch),
        }
    }

    fn record_update(&mut self, step: &Step<'_>, head: EventHead<'_>) {
        let row = InventoryUpdate::from(head);
        let row = match &step.event.body {
            Body::OpeningStock(stock) => InventoryUpdate {
                event_type: "opening_stock",
                sku: stock.sku.as_str(),
                lot_code: Some(stock.lot.as_str()),
                units: i64::from(stock.floor_units) + i64::from(stock.warehouse_units),
                floor_units: Some(stock.floor_units.into()),
                warehouse_units: Some(stock.warehouse_units.into()),
                received_date: Some(stock.received_day),
                expiry_date: stock.expiry_day,
                ..row
            },
            Body::Removal(removal) => InventoryUpdate {
                event_type: "removal",
                sku: removal.sku.as_str(),
                lot_code: removal.lot.as_ref().map(shelf_domain::LotCode::as_str),
                place: Some(words::place(removal.place)),
                units: removal.units.into(),
                cause: Some(words::removal_cause(removal.cause)),
                actor: given(removal.actor.as_str()),
                ..row
            },
            Body::Count(count) => InventoryUpdate {
                event_type: "count",
                sku: count.sku.as_str(),
                place: Some(words::place(count.place)),
                units: count.units.into(),
                actor: given(count.actor.as_str()),
                ..row
            },
            _ => return,
        };
        put(&mut self.gathered.inventory_updates, &mut self.bytes, step, row);
        if let (Body::Removal(removal), Some(store)) = (&step.event.body, step.store) {
            let row = RemovalRow {
                sku: removal.sku.as_str(),
                lot_code: removal.lot.as_ref().map(shelf_domain::LotCode::as_str),
                place: words::place(removal.place),
                cause: words::removal_cause(removal.cause),
                units: removal.units.into(),
                cost: unit_cost(store, removal.sku, removal.units),
                reported: true,
                ..Self::reported(step, store).into()
            };
            put(&mut self.gathered.removals, &mut self.bytes, step, row);
        }
    }

    fn record_movement(&mut self, step: &Step<'_>, head: EventHead<'_>, scratch: &mut Scratch) {
        scratch.text.clear();
        let row = WhEvent::from(head);
        let row = match &step.event.body {
            Body::Delivery(delivery) => {
                let named = delivery.order.map(|order| write!(scratch.text, "{order}"));
                WhEvent {
                    event_type: "wh_in",
                    sku: delivery.sku.as_str(),
                    lot_code: Some(delivery.lot.as_str()),
                    units: delivery.units.into(),
                    order_id: named.map(|_| scratch.text.as_str()),
                    received_date: delivery.received_day,
                    expiry_date: delivery.expiry_day,
                    ..row
                }
            }
            Body::WarehouseOut(out) => {
                let named = out.task.map(|task| write!(scratch.text, "{task}"));
                WhEvent {
                    event_type: "wh_out",
                    sku: out.sku.as_str(),
                    lot_code: out.lot.as_ref().map(shelf_domain::LotCode::as_str),
                    units: out.units.into(),
                    task_id: named.map(|_| scratch.text.as_str()),
                    ..row
                }
            }
            Body::Transfer(transfer) => WhEvent {
                event_type: "transfer",
                sku: transfer.sku.as_str(),
                lot_code: transfer.lot.as_ref().map(shelf_domain::LotCode::as_str),
                units: transfer.units.into(),
                to_store_id: Some(transfer.to.as_str()),
                ..row
            },
            _ => return,
        };
        put(&mut self.gathered.wh_events, &mut self.bytes, step, row);
        match (&step.event.body, step.store) {
            (Body::Delivery(delivery), _) if delivery.order.is_some() => {
                let row = SupplierReceipt {
                    order_id: &scratch.text,
                    sku: delivery.sku.as_str(),
                    lot_code: delivery.lot.as_str(),
                    units: delivery.units.into(),
                    ..SupplierReceipt::from(head)
                };
                put(&mut self.gathered.supplier_receipts, &mut self.bytes, step, row);
            }
            (Body::Transfer(transfer), Some(store)) => {
                let row = RemovalRow {
                    sku: transfer.sku.as_str(),
                    lot_code: transfer.lot.as_ref().map(shelf_domain::LotCode::as_str),
                    place: "warehouse",
                    cause: words::removal_cause(RemovalCause::Transferred),
                    units: transfer.units.into(),
                    cost: unit_cost(store, transfer.sku, transfer.units),
                    reported: true,
                    ..Self::reported(step, store).into()
                };
                put(&mut self.gathered.removals, &mut self.bytes, step, row);
            }
            _ => {}
        }
    }

    pub(super) fn record_quarantine(
        &mut self,
        step: &Step<'_>,
        reason: Reason,
        head: EventHead<'_>,
        scratch: &mut Scratch,
    ) {
        if !self.gathered.quarantine.wants(step.partition, step.offset) {
            return;
        }
        let stream = Stream::of(&step.event.body).code();
        let row = QuarantineRow { stream, reason: reason.code(), ..QuarantineRow::from(head) };
        let row = match &step.event.body {
            Body::Rejected(rejected) => QuarantineRow {
                detail: given(rejected.reason.as_str()),
                raw_source: given(rejected.source.as_str()),
                raw_line: known(rejected.line as i64),
                raw_bytes: rejected.raw_len as i64,
                raw: &rejected.raw,
                ..row
            },
            _ => {
                scratch.json.clear();
                write_event(step.event, &mut scratch.json);
                QuarantineRow { raw_bytes: scratch.json.len() as i64, raw: &scratch.json, ..row }
            }
        };
        put(&mut self.gathered.quarantine, &mut self.bytes, step, row);
    }
}

/// What units of a product had cost; none where that is not known.
pub(super) fn unit_cost(
    store: &shelf_domain::Store,
    sku: shelf_domain::Sku,
    units: u32,
) -> Option<i64> {
    let product = store.sku(sku).and_then(|index| store.product(index));
    product.and_then(|product| known(product.cost_cents)).map(|cost| cost * i64::from(units))
}
