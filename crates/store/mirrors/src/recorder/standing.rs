//! The rows of what stands: reference data, stock, lots.

use shelf_domain::{
    Approval, Day, Lot, Policy, Product, RefillMode, Scope, Sensor, Shelf, SkuIndex, Store,
    SupplierId,
};

use super::Recorder;
use crate::table::Name;

impl Recorder {
    /// A store with its suppliers and policies.
    pub(super) fn record_reference(&mut self, store: &Store) {
        let (id, settings) = (store.id(), store.settings());
        let line = self.line.begin();
        line.text(id.as_str()).text(settings.name.as_str()).text(settings.time_zone.as_str());
        line.flag(settings.refill == RefillMode::Confirmed);
        line.flag(settings.approval == Approval::Automatic);
        self.gathered.set(Name::STORES, &mut self.line);
        self.line.begin().text(id.as_str());
        self.gathered.clear(Name::SUPPLIERS, &self.line);
        self.gathered.clear(Name::POLICIES, &self.line);
        for supplier in store.suppliers() {
            let line = self.line.begin();
            line.text(id.as_str()).text(supplier.supplier.as_str()).text(supplier.name.as_str());
            line.int(supplier.lead_minutes).cents(supplier.minimum_order_cents);
            self.gathered.add(Name::SUPPLIERS, &mut self.line);
        }
        for policy in store.policies() {
            self.record_policy(store, policy);
        }
    }

    fn record_policy(&mut self, store: &Store, policy: &Policy) {
        let (mut shelf, mut of_category, mut of_subcategory) = (None, None, None);
        match &policy.scope {
            Scope::Global => {}
            Scope::Category(category) => of_category = Some(category.as_str()),
            Scope::Subcategory(category, subcategory) => {
                of_category = category.as_ref().map(shelf_domain::Category::as_str);
                of_subcategory = Some(subcategory.as_str());
            }
            Scope::Shelf(sku) => shelf = Some(sku.as_str()),
        }
        let line = self.line.begin();
        line.text(store.id().as_str()).text(policy.policy.as_str()).maybe(shelf);
        line.maybe(of_category).maybe(of_subcategory).flag(policy.active);
        line.text(policy.notes.as_str()).percent(policy.refill_below).maybe_int(policy.min_units);
        line.percent(policy.target).percent(policy.hysteresis);
        line.maybe_int(policy.reorder_point_units).maybe_int(policy.cover_days);
        line.maybe_int(policy.near_expiry_floor_days);
        line.maybe_int(policy.near_expiry_warehouse_days).maybe_int(policy.cooldown_minutes);
        self.gathered.add(Name::POLICIES, &mut self.line);
    }

    /// A product with its shelf, its stock and its lots.
    pub(super) fn record_sku(&mut self, store: &Store, index: SkuIndex) {
        let (Some(shelf), Some(product)) = (store.shelf(index), store.product(index)) else {
            return;
        };
        self.record_product(store, shelf, product);
        let (id, sku) = (store.id(), shelf.sku);
        let (category, subcategory) = (product.category, product.subcategory);
        let line = self.line.begin();
        line.text(id.as_str()).text(sku.as_str()).text(category.as_str());
        line.text(subcategory.as_str()).int(shelf.floor_units).int(shelf.cart_units);
        line.int(product.unit_weight_g).cents(store.price_cents(index, None));
        line.maybe_time(shelf.changed_at);
        self.gathered.set(Name::SHELF_STATE, &mut self.line);
        let line = self.line.begin();
        line.text(id.as_str()).text(sku.as_str()).text(category.as_str());
        line.text(subcategory.as_str()).int(shelf.warehouse_units).int(shelf.transit_units);
        line.maybe_time(shelf.changed_at);
        self.gathered.set(Name::WH_STATE, &mut self.line);
        self.line.begin().text(id.as_str()).text(sku.as_str());
        self.gathered.clear(Name::SHELF_BATCH_STATE, &self.line);
        self.gathered.clear(Name::WH_BATCH_STATE, &self.line);
        for lot in store.lots(index).filter(|lot| held(lot)) {
            self.record_lot(store, shelf, product, lot);
        }
    }

    fn record_product(&mut self, store: &Store, shelf: &Shelf, product: &Product) {
        let line = self.line.begin();
        line.text(store.id().as_str()).text(shelf.sku.as_str()).text(product.name.as_str());
        line.text(product.brand.as_str()).text(product.category.as_str());
        line.text(product.subcategory.as_str()).cents(product.price_cents);
        line.known_cents(product.cost_cents).known(product.unit_weight_g);
        line.int(product.pack_units.max(1)).known(product.shelf_life_days);
        line.maybe(product.supplier.as_ref().map(SupplierId::as_str));
        line.known(shelf.capacity_units).known(shelf.warehouse_capacity_units);
        line.text(match shelf.sensor {
            Sensor::Units => "units",
            Sensor::WeightOnly => "weight_only",
        });
        self.gathered.set(Name::PRODUCTS, &mut self.line);
    }

    fn record_lot(&mut self, store: &Store, shelf: &Shelf, product: &Product, lot: &Lot) {
        let expiry = Some(lot.expiry_day).filter(|day| *day != Day::NEVER);
        for table in [Name::SHELF_BATCH_STATE, Name::WH_BATCH_STATE] {
            let line = self.line.begin();
            line.text(store.id().as_str()).text(shelf.sku.as_str()).text(lot.code.as_str());
            line.text(product.category.as_str()).text(product.subcategory.as_str());
            line.day(Some(lot.received_day)).day(expiry);
            if table == Name::WH_BATCH_STATE {
                line.int(lot.warehouse_units).int(lot.floor_units).int(lot.transit_units);
                line.int(lot.reserved_units);
            } else {
                line.int(lot.floor_units);
            }
            line.maybe_time(shelf.changed_at);
            self.gathered.add(table, &mut self.line);
        }
    }
}

/// Whether a lot holds anything: the store forgets the others at some later moment, which is no
/// change of stock.
fn held(lot: &Lot) -> bool {
    lot.units() > 0 || lot.reserved_units > 0
}
