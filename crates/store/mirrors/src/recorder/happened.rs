//! The rows of what happened and of what followed from it.

use shelf_domain::{
    Actor, Alert, Body, Day, Effect, FactScope, Kpi, MINUTE, Place, Receipt, RemovalCause,
    RestockTask, SkuIndex, Store, StoreId, SupplierOrder, Timestamp, Unit,
};
use shelf_events::{DailyDiscount, write_event_id};

use super::{Recorder, Step};
use crate::table::Name;

/// The place among effects of what an event itself reports.
const REPORTED: i32 = -1;

/// The day on which the first lot of a product expires, of those that hold anything.
fn first_expiry(store: &Store, index: SkuIndex) -> Option<Day> {
    let lots = store.lots(index).filter(|lot| lot.units() > 0);
    lots.map(|lot| lot.expiry_day).filter(|day| *day != Day::NEVER).min()
}

/// Where units are, in the words of the reference.
fn location(place: Place) -> &'static str {
    match place {
        Place::Floor => "store",
        Place::Warehouse => "warehouse",
    }
}

fn removal_cause(cause: RemovalCause) -> &'static str {
    match cause {
        RemovalCause::Expired => "expired",
        RemovalCause::Damaged => "damaged",
        RemovalCause::Recalled => "recalled",
        RemovalCause::Transferred => "transferred",
        RemovalCause::Stolen => "stolen",
    }
}

/// A movement of units into the warehouse, out of it, or out of the shop.
#[derive(Default)]
struct Movement<'a> {
    effect_no: i32,
    kind: &'static str,
    sku: &'a str,
    lot: Option<&'a str>,
    units: u32,
    location: &'static str,
    plan: Option<String>,
    reason: Option<&'a str>,
    received_day: Option<shelf_domain::Day>,
    expiry_day: Option<shelf_domain::Day>,
}

impl Recorder {
    pub(super) fn record_event(&mut self, step: &Step<'_>) {
        let reported =
            Movement { effect_no: REPORTED, location: "warehouse", ..Movement::default() };
        let movement = match &step.event.body {
            Body::Receipt(receipt) => return self.record_receipt(step, receipt),
            Body::Delivery(delivery) => {
                // What the event does not say, the store has worked out.
                let lot = step.store.and_then(|store| {
                    let index = store.sku(delivery.sku)?;
                    store.lots(index).find(|lot| lot.code == delivery.lot)
                });
                Movement {
                    kind: "wh_in",
                    sku: delivery.sku.as_str(),
                    lot: Some(delivery.lot.as_str()),
                    units: delivery.units,
                    plan: delivery.order.map(|order| order.to_string()),
                    reason: Some("supplier_delivery"),
                    received_day: delivery.received_day.or(lot.map(|lot| lot.received_day)),
                    expiry_day: delivery.expiry_day.or(lot.map(|lot| lot.expiry_day)),
                    ..reported
                }
            }
            Body::WarehouseOut(out) => Movement {
                kind: "wh_out",
                sku: out.sku.as_str(),
                lot: out.lot.as_ref().map(shelf_domain::LotCode::as_str),
                units: out.units,
                plan: out.task.map(|task| task.to_string()),
                ..reported
            },
            Body::Transfer(transfer) => Movement {
                kind: "transfer",
                sku: transfer.sku.as_str(),
                lot: transfer.lot.as_ref().map(shelf_domain::LotCode::as_str),
                units: transfer.units,
                reason: Some(transfer.to.as_str()),
                ..reported
            },
            Body::Removal(removal) => Movement {
                kind: "removal",
                sku: removal.sku.as_str(),
                lot: removal.lot.as_ref().map(shelf_domain::LotCode::as_str),
                units: removal.units,
                location: location(removal.place),
                reason: Some(removal_cause(removal.cause)),
                ..reported
            },
            _ => return,
        };
        self.record_movement(step, &movement, step.event.at);
    }

    fn record_movement(&mut self, step: &Step<'_>, movement: &Movement<'_>, at: Timestamp) {
        let mut id = Vec::new();
        write_event_id(step.event.id, &mut id);
        let line = self.line.begin();
        line.int(step.partition).int(step.offset as i64).int(movement.effect_no);
        line.text(std::str::from_utf8(&id).unwrap_or_default()).text(step.event.store.as_str());
        line.text(movement.kind).text(movement.sku).maybe(movement.lot).int(movement.units);
        line.time(at).text(movement.location).maybe(movement.plan.as_deref());
        line.maybe(movement.reason).day(movement.received_day).day(movement.expiry_day);
        self.gathered.add(Name::WH_EVENTS, &mut self.line);
    }

    fn record_receipt(&mut self, step: &Step<'_>, receipt: &Receipt) {
        let units: i64 = receipt.lines.iter().map(|line| i64::from(line.units)).sum();
        let cents = receipt.lines.iter().map(|line| line.total_cents);
        let total = cents.fold(0, i64::saturating_add);
        let store = step.event.store;
        let line = self.line.begin();
        line.int(step.partition).int(step.offset as i64).text(store.as_str());
        line.text(receipt.receipt.as_str());
        line.maybe(receipt.customer.as_ref().map(shelf_domain::CustomerId::as_str));
        line.time(step.event.at).int(units).cents(total);
        line.maybe(Some(receipt.payment_method.as_str()));
        self.gathered.add(Name::POS_TRANSACTIONS, &mut self.line);
        for (line_no, item) in (1_i32..).zip(&receipt.lines) {
            // A till says the lot; when that expires is what the store knows.
            let lot = step.store.zip(item.lot).and_then(|(store, code)| {
                store.lots(store.sku(item.sku)?).find(|lot| lot.code == code)
            });
            let line = self.line.begin();
            line.int(step.partition).int(step.offset as i64).int(line_no).text(store.as_str());
            line.text(receipt.receipt.as_str()).text(item.sku.as_str()).int(item.units);
            line.cents(item.unit_price_cents).part(item.discount).cents(item.total_cents);
            line.maybe(item.lot.as_ref().map(shelf_domain::LotCode::as_str));
            line.day(lot.map(|lot| lot.expiry_day));
            self.gathered.add(Name::POS_TRANSACTION_ITEMS, &mut self.line);
        }
    }

    /// What stands in a store of what happened: alerts, tasks, orders, and what prices are cut by.
    pub(super) fn record_standing(&mut self, store: &Store) {
        for alert in store.alerts() {
            self.record_alert(store.id(), alert);
        }
        for task in store.tasks() {
            self.record_task(store, task);
        }
        for order in store.orders() {
            self.record_order(store, order);
        }
        for index in store.skus() {
            self.record_discount(store, index);
        }
        self.gathered.whole.push((store.id(), store.now()));
    }

    pub(super) fn record_effects(&mut self, step: &Step<'_>, store: &Store) {
        // With a promotion or markdown, and with a lot that brings its markdown to the floor.
        for &index in &step.effects.touched {
            self.record_discount(store, index);
        }
        for (effect_no, effect) in (0..).zip(&step.effects.items) {
            match effect {
                Effect::Alert(alert) => {
                    self.record_alert(step.event.store, alert);
                    self.record_alert_change(step, effect_no, alert);
                }
                Effect::Task(task) => self.record_task(store, task),
                Effect::Order(order) => self.record_order(store, order),
                Effect::Removed(notice) => {
                    let movement = Movement {
                        effect_no,
                        kind: "removal",
                        sku: notice.sku.as_str(),
                        lot: Some(notice.lot.as_str()),
                        units: notice.units,
                        location: location(notice.place),
                        reason: Some(removal_cause(notice.cause)),
                        ..Movement::default()
                    };
                    self.record_movement(step, &movement, store.now());
                }
                Effect::Duplicate
                | Effect::Price(_)
                | Effect::Quarantined(_)
                | Effect::Explained(_)
                | Effect::Window(_) => {}
            }
        }
    }

    fn record_alert(&mut self, store: StoreId, alert: &Alert) {
        let line = self.line.begin();
        line.text(store.as_str()).text(&alert.alert.to_string()).text(alert.rule.code());
        line.maybe(alert.sku.as_ref().map(shelf_domain::Sku::as_str)).text(location(alert.place));
        line.text(alert.severity.code()).text(alert.status.code()).int(alert.stock_units);
        line.int(alert.capacity_units).int(alert.threshold).int(alert.suggested_units);
        line.int(alert.count).maybe(alert.owner.as_ref().map(Actor::as_str));
        line.maybe(alert.actor.as_ref().map(Actor::as_str)).maybe(Some(alert.note.as_str()));
        line.maybe_time(alert.snoozed_until).time(alert.opened_at).time(alert.last_seen_at);
        line.time(alert.changed_at);
        self.gathered.set(Name::ALERTS, &mut self.line);
    }

    fn record_alert_change(&mut self, step: &Step<'_>, effect_no: i32, alert: &Alert) {
        let line = self.line.begin();
        line.int(step.partition).int(step.offset as i64).int(effect_no);
        line.text(step.event.store.as_str()).text(&alert.alert.to_string());
        line.text(alert.status.code()).text(alert.severity.code()).int(alert.stock_units);
        line.maybe(alert.owner.as_ref().map(Actor::as_str));
        line.maybe(alert.actor.as_ref().map(Actor::as_str)).maybe(Some(alert.note.as_str()));
        line.time(alert.changed_at);
        self.gathered.add(Name::ALERT_CHANGES, &mut self.line);
    }

    fn record_task(&mut self, store: &Store, task: &RestockTask) {
        let line = self.line.begin();
        line.text(store.id().as_str()).text(&task.task.to_string()).text(task.sku.as_str());
        line.int(task.wanted_units).int(task.backorder_units).text(task.status.code());
        line.time(task.created_at).time(task.changed_at).time(task.due_at);
        self.gathered.set(Name::SHELF_RESTOCK_PLAN, &mut self.line);
    }

    /// An order with its lines; a line that was struck is gone.
    fn record_order(&mut self, store: &Store, order: &SupplierOrder) {
        let (store, id) = (store.id(), order.order.to_string());
        self.line.begin().text(store.as_str()).text(&id);
        self.gathered.clear(Name::WH_SUPPLIER_PLAN, &self.line);
        for item in &order.lines {
            let line = self.line.begin();
            line.text(store.as_str()).text(&id).text(item.sku.as_str());
            line.text(order.supplier.as_str()).int(item.units).int(item.received_units);
            line.known(item.reason.pack_units).cents(item.cost_cents).text(order.status.code());
            line.time(order.cutoff_at).time(order.delivery_at).time(order.created_at);
            line.time(order.changed_at);
            self.gathered.add(Name::WH_SUPPLIER_PLAN, &mut self.line);
        }
    }

    /// What the price of a shelf is cut by on the present day.
    fn record_discount(&mut self, store: &Store, index: SkuIndex) {
        let Some(cut) = DailyDiscount::of(store, index) else { return };
        let line = self.line.begin();
        line.text(store.id().as_str()).text(cut.shelf_id.as_str()).day(Some(cut.discount_date));
        line.part(cut.discount).time(cut.created_at);
        self.gathered.set(Name::DAILY_DISCOUNTS, &mut self.line);
    }

    /// What a day that has ended came to, and the cuts that the next one begins with.
    pub(super) fn record_day(&mut self, store: &Store, day: Day) {
        let id = store.id();
        let facts = store.facts(FactScope::Store, day, day);
        for kpi in Kpi::ALL {
            let money = kpi.unit() == Unit::Money;
            // Money is in thousandths of cents there, and in units of the currency in a table.
            let milli =
                kpi.milli(&facts, true).map(|milli| if money { milli / 100 } else { milli });
            let line = self.line.begin();
            line.text(id.as_str()).day(Some(day)).text(kpi.code()).text(kpi.unit().code());
            line.milli(milli);
            self.gathered.set(Name::KPIS, &mut self.line);
        }
        let visits = facts.store.visits as i64;
        for index in store.skus() {
            self.record_discount(store, index);
            let Some(shelf) = store.shelf(index) else { continue };
            let days = store.sku_days(index);
            let Some((_, facts)) = days.filter(|(of, _)| *of == day).last() else { continue };
            let line = self.line.begin();
            line.text(id.as_str()).day(Some(day)).text(shelf.sku.as_str()).int(visits);
            line.int(facts.sold as i64).int(facts.returned as i64).int(facts.received as i64);
            line.int(facts.removed as i64).cents(facts.net_cents).int(facts.empty_days as i64);
            line.int(facts.empty_us / MINUTE).int(facts.open_us / MINUTE);
            line.known(shelf.capacity_units).known(shelf.warehouse_capacity_units);
            line.known(store.product(index).map_or(0, |product| product.pack_units));
            line.maybe_int(first_expiry(store, index).map(|expiry| expiry.0 - day.0));
            self.gathered.set(Name::FEATURES_STORE, &mut self.line);
        }
    }
}
