//! Reference data in the log: store, product, shelf, supplier, policy.

use shelf_domain::{
    Actor, BasisPoints, Day, LocalClock, MarkdownSchedule, Policy, Product, Scope, ShelfPlan,
    StoreSettings, Supplier, Timestamp, WeekSlot,
};

use super::anomalies;
use super::wire::{DecodeError, Reader, Writer};

type Result<T> = core::result::Result<T, DecodeError>;

pub(super) fn write_store(settings: &StoreSettings, w: &mut Writer<'_>) {
    w.name(&settings.name);
    w.name(&settings.time_zone);
    w.list(&settings.clock.offsets, |w, &(from, seconds)| {
        w.signed(from.0);
        w.signed(seconds);
    });
    w.list(&settings.opening, |w, &(open, close)| {
        w.number(open);
        w.number(close);
    });
    w.list(&settings.closed_days, |w, day| w.signed(day.0));
    w.choice(settings.refill);
    w.choice(settings.approval);
}

pub(super) fn read_store(r: &mut Reader<'_>) -> Result<StoreSettings> {
    Ok(StoreSettings {
        name: r.name()?,
        time_zone: r.name()?,
        clock: LocalClock {
            offsets: r.list(|r| Ok((Timestamp(r.signed()?), r.signed_number()?)))?,
        },
        opening: r.list(|r| Ok((r.number()?, r.number()?)))?,
        closed_days: r.list(|r| r.signed_number().map(Day))?,
        refill: r.choice()?,
        approval: r.choice()?,
        actor: Actor::default(),
    })
}

pub(super) fn write_product(product: &Product, w: &mut Writer<'_>) {
    w.name(&product.sku);
    w.name(&product.name);
    w.name(&product.brand);
    w.name(&product.category);
    w.name(&product.subcategory);
    w.signed(product.price_cents);
    w.signed(product.cost_cents);
    w.number(product.unit_weight_g);
    w.number(product.pack_units);
    w.number(product.shelf_life_days);
    w.maybe_name(product.supplier.as_ref());
}

pub(super) fn read_product(r: &mut Reader<'_>) -> Result<Product> {
    Ok(Product {
        sku: r.name()?,
        name: r.name()?,
        brand: r.name()?,
        category: r.name()?,
        subcategory: r.name()?,
        price_cents: r.signed()?,
        cost_cents: r.signed()?,
        unit_weight_g: r.number()?,
        pack_units: r.number()?,
        shelf_life_days: r.number()?,
        supplier: r.maybe_name()?,
        actor: Actor::default(),
    })
}

pub(super) fn write_shelf(shelf: &ShelfPlan, w: &mut Writer<'_>) {
    w.name(&shelf.sku);
    w.number(shelf.capacity_units);
    w.number(shelf.warehouse_capacity_units);
    w.choice(shelf.sensor);
    w.number(shelf.expected_daily_milli);
}

pub(super) fn read_shelf(r: &mut Reader<'_>) -> Result<ShelfPlan> {
    Ok(ShelfPlan {
        sku: r.name()?,
        capacity_units: r.number()?,
        warehouse_capacity_units: r.number()?,
        sensor: r.choice()?,
        expected_daily_milli: r.number()?,
        actor: Actor::default(),
    })
}

pub(super) fn write_supplier(supplier: &Supplier, w: &mut Writer<'_>) {
    w.name(&supplier.supplier);
    w.name(&supplier.name);
    w.list(&supplier.cutoffs, write_slot);
    w.list(&supplier.deliveries, write_slot);
    w.number(supplier.lead_minutes);
    w.signed(supplier.minimum_order_cents);
}

pub(super) fn read_supplier(r: &mut Reader<'_>) -> Result<Supplier> {
    Ok(Supplier {
        supplier: r.name()?,
        name: r.name()?,
        cutoffs: r.list(read_slot)?,
        deliveries: r.list(read_slot)?,
        lead_minutes: r.number()?,
        minimum_order_cents: r.signed()?,
        actor: Actor::default(),
    })
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the writer of an element of a list")]
fn write_slot(w: &mut Writer<'_>, slot: &WeekSlot) {
    w.byte(slot.weekday);
    w.number(slot.minute);
}

fn read_slot(r: &mut Reader<'_>) -> Result<WeekSlot> {
    Ok(WeekSlot { weekday: r.byte()?, minute: r.number()? })
}

pub(super) fn write_policy(policy: &Policy, w: &mut Writer<'_>) {
    w.name(&policy.policy);
    w.byte(policy.scope.rank());
    match &policy.scope {
        Scope::Global => {}
        Scope::Category(category) => w.name(category),
        Scope::Subcategory(category, subcategory) => {
            w.maybe_name(category.as_ref());
            w.name(subcategory);
        }
        Scope::Shelf(sku) => w.name(sku),
    }
    w.byte(u8::from(policy.active));
    w.name(&policy.notes);
    w.maybe(policy.refill_below, |w, part| w.number(part.0));
    w.maybe(policy.min_units, Writer::number);
    w.maybe(policy.target, |w, part| w.number(part.0));
    w.maybe(policy.hysteresis, |w, part| w.number(part.0));
    w.maybe(policy.reorder_point_units, Writer::number);
    w.maybe(policy.cover_days, Writer::number);
    w.maybe(policy.near_expiry_floor_days, Writer::number);
    w.maybe(policy.near_expiry_warehouse_days, Writer::number);
    w.maybe(policy.cooldown_minutes, Writer::number);
    w.maybe(policy.restock_delay_seconds, Writer::number);
    w.maybe(policy.travel_seconds, Writer::number);
    w.maybe(policy.picking, Writer::choice);
    w.maybe(policy.rounding, Writer::choice);
    w.maybe(policy.markdown, |w, schedule| {
        for (days, cut) in schedule.steps {
            w.number(days);
            w.number(cut.0);
        }
    });
    w.maybe(policy.removal, Writer::choice);
    anomalies::write(&policy.anomalies, w);
}

pub(super) fn read_policy(r: &mut Reader<'_>) -> Result<Policy> {
    let part = |r: &mut Reader<'_>| r.number().map(BasisPoints);
    Ok(Policy {
        policy: r.name()?,
        scope: match r.byte()? {
            0 => Scope::Global,
            1 => Scope::Category(r.name()?),
            2 => Scope::Subcategory(r.maybe_name()?, r.name()?),
            3 => Scope::Shelf(r.name()?),
            other => return Err(DecodeError::UnknownChoice(other)),
        },
        active: r.flag()?,
        notes: r.name()?,
        refill_below: r.maybe(part)?,
        min_units: r.maybe(Reader::number)?,
        target: r.maybe(part)?,
        hysteresis: r.maybe(part)?,
        reorder_point_units: r.maybe(Reader::number)?,
        cover_days: r.maybe(Reader::number)?,
        near_expiry_floor_days: r.maybe(Reader::number)?,
        near_expiry_warehouse_days: r.maybe(Reader::number)?,
        cooldown_minutes: r.maybe(Reader::number)?,
        restock_delay_seconds: r.maybe(Reader::number)?,
        travel_seconds: r.maybe(Reader::number)?,
        picking: r.maybe(Reader::choice)?,
        rounding: r.maybe(Reader::choice)?,
        markdown: r.maybe(read_markdown)?,
        removal: r.maybe(Reader::choice)?,
        anomalies: anomalies::read(r)?,
        actor: Actor::default(),
    })
}

fn read_markdown(r: &mut Reader<'_>) -> Result<MarkdownSchedule> {
    let mut schedule = MarkdownSchedule::NONE;
    for step in &mut schedule.steps {
        *step = (r.number()?, BasisPoints(r.number()?));
    }
    Ok(schedule)
}
