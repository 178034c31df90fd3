//! Reference data as canonical JSON.

use shelf_domain::{Body, Policy, Product, Scope, ShelfPlan, StoreSettings, Supplier, WeekSlot};

use super::anomalies;
use super::fields::Field;
use super::time::write_minute;
use super::write::Object;
use crate::names::{Choice, WEEKDAYS};

/// Appends the fields of a body of reference data; nothing for other bodies.
pub(super) fn write(body: &Body, o: &mut Object<'_>) {
    match body {
        Body::Store(settings) => write_store(settings, o),
        Body::Product(product) => write_product(product, o),
        Body::Shelf(shelf) => write_shelf(shelf, o),
        Body::OpeningStock(stock) => {
            o.name(Field::ShelfId, &stock.sku);
            o.name(Field::BatchCode, &stock.lot);
            o.day(Field::ReceivedDate, stock.received_day);
            o.maybe_day(Field::ExpiryDate, stock.expiry_day);
            o.number(Field::FloorUnits, stock.floor_units);
            o.number(Field::WarehouseUnits, stock.warehouse_units);
        }
        Body::Supplier(supplier) => write_supplier(supplier, o),
        Body::Policy(policy) => write_policy(policy, o),
        Body::Price(change) => {
            o.name(Field::ItemId, &change.sku);
            o.money(Field::Price, change.price_cents);
        }
        Body::Promotion(promotion) => {
            o.name(Field::ItemId, &promotion.sku);
            o.day(Field::FromDate, promotion.from_day);
            o.day(Field::UntilDate, promotion.until_day);
            o.scaled(Field::Discount, i64::from(promotion.cut.0), 4);
        }
        _ => {}
    }
    if let Some(actor) = body.set_by() {
        o.name(Field::Actor, actor);
    }
}

fn write_store(settings: &StoreSettings, o: &mut Object<'_>) {
    o.name_unless_empty(Field::Name, &settings.name);
    o.name_unless_empty(Field::TimeZone, &settings.time_zone);
    if !settings.clock.offsets.is_empty() {
        o.list(Field::UtcOffsets, &settings.clock.offsets, |o, &(from, seconds)| {
            o.time(Field::From, from);
            o.scaled(Field::OffsetSeconds, i64::from(seconds), 0);
        });
    }
    if !settings.opening.is_empty() {
        let days: Vec<_> = WEEKDAYS.iter().zip(&settings.opening).collect();
        o.list(Field::OpeningHours, &days, |o, (weekday, (open, close))| {
            o.text(Field::Weekday, weekday);
            minute(o, Field::Open, *open);
            minute(o, Field::Close, *close);
        });
    }
    if !settings.closed_days.is_empty() {
        o.days(Field::ClosedDays, &settings.closed_days);
    }
    o.text(Field::RefillMode, settings.refill.word());
    o.text(Field::OrderApproval, settings.approval.word());
}

fn minute(o: &mut Object<'_>, field: Field, minute: u16) {
    let mut text = Vec::with_capacity(5);
    write_minute(minute, &mut text);
    o.text(field, str::from_utf8(&text).unwrap_or(""));
}

fn write_product(product: &Product, o: &mut Object<'_>) {
    o.name(Field::ItemId, &product.sku);
    o.name_unless_empty(Field::Name, &product.name);
    o.name_unless_empty(Field::Brand, &product.brand);
    o.name(Field::Category, &product.category);
    o.name_unless_empty(Field::Subcategory, &product.subcategory);
    o.money(Field::Price, product.price_cents);
    o.money(Field::Cost, product.cost_cents);
    o.number(Field::UnitWeightG, product.unit_weight_g);
    o.number(Field::PackUnits, product.pack_units);
    o.number(Field::ShelfLifeDays, product.shelf_life_days);
    o.maybe_name(Field::SupplierId, product.supplier.as_ref());
}

fn write_shelf(shelf: &ShelfPlan, o: &mut Object<'_>) {
    o.name(Field::ShelfId, &shelf.sku);
    o.number(Field::CapacityUnits, shelf.capacity_units);
    o.number(Field::WarehouseCapacityUnits, shelf.warehouse_capacity_units);
    o.text(Field::Sensor, shelf.sensor.word());
    o.scaled(Field::ExpectedDailyUnits, i64::from(shelf.expected_daily_milli), 3);
}

fn write_supplier(supplier: &Supplier, o: &mut Object<'_>) {
    o.name(Field::SupplierId, &supplier.supplier);
    o.name_unless_empty(Field::Name, &supplier.name);
    o.list(Field::Cutoffs, &supplier.cutoffs, write_slot);
    o.list(Field::Deliveries, &supplier.deliveries, write_slot);
    o.number(Field::LeadMinutes, supplier.lead_minutes);
    o.money(Field::MinimumOrder, supplier.minimum_order_cents);
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the writer of an element of a list")]
fn write_slot(o: &mut Object<'_>, slot: &WeekSlot) {
    o.text(Field::Weekday, WEEKDAYS.get(usize::from(slot.weekday)).copied().unwrap_or(""));
    minute(o, Field::Time, slot.minute);
}

fn write_policy(policy: &Policy, o: &mut Object<'_>) {
    o.name(Field::PolicyId, &policy.policy);
    match &policy.scope {
        Scope::Global => {}
        Scope::Category(category) => o.name(Field::ItemCategory, category),
        Scope::Subcategory(category, subcategory) => {
            o.maybe_name(Field::ItemCategory, category.as_ref());
            o.name(Field::ItemSubcategory, subcategory);
        }
        Scope::Shelf(sku) => o.name(Field::ShelfId, sku),
    }
    o.flag(Field::Active, policy.active);
    o.name_unless_empty(Field::Notes, &policy.notes);
    o.percent(Field::ThresholdPct, policy.refill_below);
    o.maybe_number(Field::MinQty, policy.min_units);
    o.percent(Field::TargetPct, policy.target);
    o.percent(Field::HysteresisPct, policy.hysteresis);
    o.maybe_number(Field::ReorderPointQty, policy.reorder_point_units);
    o.maybe_number(Field::CoverDays, policy.cover_days);
    o.maybe_number(Field::NearExpiryFloorDays, policy.near_expiry_floor_days);
    o.maybe_number(Field::NearExpiryWarehouseDays, policy.near_expiry_warehouse_days);
    o.maybe_number(Field::CooldownMinutes, policy.cooldown_minutes);
    o.maybe_number(Field::RestockDelaySeconds, policy.restock_delay_seconds);
    o.maybe_number(Field::TravelSeconds, policy.travel_seconds);
    if let Some(picking) = policy.picking {
        o.text(Field::Picking, picking.word());
    }
    if let Some(rounding) = policy.rounding {
        o.text(Field::Rounding, rounding.word());
    }
    if let Some(schedule) = &policy.markdown {
        let used = schedule.steps.iter().rposition(|&(days, cut)| days > 0 || cut.0 > 0);
        let steps = schedule.steps.get(..used.map_or(0, |last| last + 1)).unwrap_or(&[]);
        o.list(Field::Markdown, steps, |o, &(days, cut)| {
            o.number(Field::WithinDays, days);
            o.percent(Field::CutPct, Some(cut));
        });
    }
    if let Some(removal) = policy.removal {
        o.text(Field::RemovalTime, removal.word());
    }
    anomalies::write(&policy.anomalies, o);
}
