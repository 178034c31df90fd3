//! The rows of what is declared: stores, products, shelves, suppliers, policies, windows.

use shelf_domain::{Approval, Body, RefillMode};
use shelf_events::write_event;

use super::{Recorder, Scratch, Step, known, put, words};
use crate::tables::raw::{EventHead, ProductRow, SettingsRow, ShelfRow, StoreRow, SupplierRow};

impl Recorder {
    pub(super) fn record_reference(
        &mut self,
        step: &Step<'_>,
        head: EventHead<'_>,
        scratch: &mut Scratch,
    ) {
        let (gathered, bytes) = (&mut self.gathered, &mut self.bytes);
        scratch.json.clear();
        write_event(step.event, &mut scratch.json);
        let whole = std::str::from_utf8(&scratch.json).unwrap_or_default();
        match &step.event.body {
            Body::Store(settings) => {
                let row = StoreRow {
                    name: settings.name.as_str(),
                    time_zone: settings.time_zone.as_str(),
                    refill_confirmed: settings.refill == RefillMode::Confirmed,
                    orders_automatic: settings.approval == Approval::Automatic,
                    settings: whole,
                    ..StoreRow::from(head)
                };
                put(&mut gathered.stores, bytes, step, row);
            }
            Body::Supplier(supplier) => {
                let row = SupplierRow {
                    supplier_id: supplier.supplier.as_str(),
                    name: supplier.name.as_str(),
                    lead_minutes: supplier.lead_minutes.into(),
                    minimum_order: supplier.minimum_order_cents,
                    settings: whole,
                    ..SupplierRow::from(head)
                };
                put(&mut gathered.suppliers, bytes, step, row);
            }
            Body::Policy(policy) => {
                let row = SettingsRow {
                    event_type: "policy",
                    policy_id: Some(policy.policy.as_str()),
                    settings: whole,
                    ..SettingsRow::from(head)
                };
                put(&mut gathered.settings, bytes, step, row);
            }
            Body::WindowPlan(_) => {
                let (event_type, settings) = ("window_plan", whole);
                let row = SettingsRow { event_type, settings, ..SettingsRow::from(head) };
                put(&mut gathered.settings, bytes, step, row);
            }
            _ => {}
        }
    }

    /// Products and their shelves.
    pub(super) fn record_product(&mut self, step: &Step<'_>, head: EventHead<'_>) {
        let (gathered, bytes) = (&mut self.gathered, &mut self.bytes);
        match &step.event.body {
            Body::Product(product) => {
                let life = product.shelf_life_days;
                let row = ProductRow {
                    sku: product.sku.as_str(),
                    name: product.name.as_str(),
                    brand: product.brand.as_str(),
                    category: product.category.as_str(),
                    subcategory: product.subcategory.as_str(),
                    price: product.price_cents,
                    cost: known(product.cost_cents),
                    unit_weight_g: known(product.unit_weight_g),
                    pack_units: product.pack_units.max(1).into(),
                    shelf_life_days: (life > 0).then_some(i32::from(life)),
                    supplier_id: product.supplier.as_ref().map(shelf_domain::SupplierId::as_str),
                    ..ProductRow::from(head)
                };
                put(&mut gathered.products, bytes, step, row);
            }
            Body::Shelf(plan) => {
                let row = ShelfRow {
                    sku: plan.sku.as_str(),
                    capacity_units: known(plan.capacity_units),
                    warehouse_capacity_units: known(plan.warehouse_capacity_units),
                    sensor: words::sensor(plan.sensor),
                    expected_daily_units: known(plan.expected_daily_milli),
                    ..ShelfRow::from(head)
                };
                put(&mut gathered.shelves, bytes, step, row);
            }
            _ => {}
        }
    }
}
