//! From the fields of an object to reference data: store, product, shelf, supplier, policy, prices.

use shelf_domain::{
    BasisPoints, Day, LocalClock, MarkdownSchedule, Policy, PriceChange, Product, Promotion, Scope,
    ShelfPlan, Sku, StoreSettings, Supplier, WeekSlot,
};

use super::anomalies;
use super::error::{ErrorCode, JsonError};
use super::fields::{Field, Fields};
use super::get::{Result, SKU, need};
use super::time::parse_minute;
use crate::names::WEEKDAYS;

/// The shelf of a policy that is for all.
const GLOBAL: &str = "__GLOBAL__";
const ACTOR: &[Field] = &[Field::Actor];
const NAME: &[Field] = &[Field::Name];
const CATEGORY: &[Field] = &[Field::Category, Field::ItemCategory];
const SUBCATEGORY: &[Field] = &[Field::Subcategory, Field::ItemSubcategory];

pub(super) fn store(fields: &Fields<'_>) -> Result<StoreSettings> {
    let offsets = fields.maybe_list(Field::UtcOffsets, |offset| {
        let (from, seconds) = (&[Field::From], &[Field::OffsetSeconds]);
        let from_at = need(offset.maybe_time(from)?, from)?;
        Ok((from_at, need(offset.maybe_int(seconds)?, seconds)?))
    })?;
    Ok(StoreSettings {
        name: fields.name_or_empty(NAME)?,
        time_zone: fields.name_or_empty(&[Field::TimeZone])?,
        clock: LocalClock { offsets: offsets.unwrap_or_default() },
        opening: opening(fields)?,
        closed_days: closed_days(fields)?,
        refill: fields.maybe_choice(&[Field::RefillMode])?.unwrap_or_default(),
        approval: fields.maybe_choice(&[Field::OrderApproval])?.unwrap_or_default(),
        actor: fields.name_or_empty(ACTOR)?,
    })
}

/// Opening hours by weekday; a day that is not listed is closed.
fn opening(fields: &Fields<'_>) -> Result<Vec<(u16, u16)>> {
    let listed = fields.maybe_list(Field::OpeningHours, |day| {
        Ok((weekday(day)?, minute(day, Field::Open)?, minute(day, Field::Close)?))
    })?;
    let listed = listed.unwrap_or_default();
    if listed.is_empty() {
        return Ok(Vec::new());
    }
    let mut week = vec![None; WEEKDAYS.len()];
    for (day, open, close) in listed {
        match week.get_mut(usize::from(day)) {
            Some(hours @ None) => *hours = Some((open, close)),
            _ => return Err(JsonError::new(ErrorCode::DuplicateField, Field::Weekday.name())),
        }
    }
    Ok(week.into_iter().map(Option::unwrap_or_default).collect())
}

/// The days on which the store stays closed, in order.
fn closed_days(fields: &Fields<'_>) -> Result<Vec<Day>> {
    let mut days = fields.maybe_days(Field::ClosedDays)?.unwrap_or_default();
    days.sort_unstable();
    days.dedup();
    Ok(days)
}

fn weekday(fields: &Fields<'_>) -> Result<u8> {
    let names = &[Field::Weekday];
    let (field, word) = need(fields.maybe_text(names)?, names)?;
    match WEEKDAYS.iter().position(|day| *day == word) {
        Some(day) => Ok(day as u8),
        None => Err(JsonError::found(ErrorCode::BadChoice, field.name(), &word)),
    }
}

fn minute(fields: &Fields<'_>, field: Field) -> Result<u16> {
    let (_, text) = need(fields.maybe_text(&[field])?, &[field])?;
    parse_minute(&text).ok_or_else(|| JsonError {
        detail: format!("{text} is not HH:MM"),
        ..JsonError::new(ErrorCode::OutOfRange, field.name())
    })
}

pub(super) fn product(fields: &Fields<'_>) -> Result<Product> {
    let price = &[Field::Price];
    let weight = &[Field::UnitWeightG, Field::Weight, Field::ItemWeight];
    let pack = &[Field::PackUnits, Field::StandardBatchSize];
    Ok(Product {
        sku: fields.name(SKU)?,
        name: fields.name_or_empty(NAME)?,
        brand: fields.name_or_empty(&[Field::Brand])?,
        category: fields.name(CATEGORY)?,
        subcategory: fields.name_or_empty(SUBCATEGORY)?,
        price_cents: need(fields.maybe_money(price)?, price)?,
        cost_cents: fields.maybe_money(&[Field::Cost])?.unwrap_or(0),
        unit_weight_g: fields.maybe_scaled(weight, 0)?.unwrap_or(0),
        pack_units: fields.maybe_units(pack)?.unwrap_or(0),
        shelf_life_days: fields.maybe_int(&[Field::ShelfLifeDays])?.unwrap_or(0),
        supplier: fields.maybe_name(&[Field::SupplierId])?,
        actor: fields.name_or_empty(ACTOR)?,
    })
}

pub(super) fn shelf(fields: &Fields<'_>) -> Result<ShelfPlan> {
    let capacity = &[Field::CapacityUnits, Field::MaximumStock];
    let expected = &[Field::ExpectedDailyUnits];
    Ok(ShelfPlan {
        sku: fields.name(SKU)?,
        capacity_units: fields.maybe_units(capacity)?.unwrap_or(0),
        warehouse_capacity_units: fields
            .maybe_units(&[Field::WarehouseCapacityUnits])?
            .unwrap_or(0),
        sensor: fields.maybe_choice(&[Field::Sensor])?.unwrap_or_default(),
        expected_daily_milli: fields.maybe_scaled(expected, 3)?.unwrap_or(0),
        actor: fields.name_or_empty(ACTOR)?,
    })
}

pub(super) fn supplier(fields: &Fields<'_>) -> Result<Supplier> {
    let slot = |slot: &Fields<'_>| {
        Ok(WeekSlot { weekday: weekday(slot)?, minute: minute(slot, Field::Time)? })
    };
    Ok(Supplier {
        supplier: fields.name(&[Field::SupplierId])?,
        name: fields.name_or_empty(NAME)?,
        cutoffs: fields.maybe_list(Field::Cutoffs, slot)?.unwrap_or_default(),
        deliveries: fields.maybe_list(Field::Deliveries, slot)?.unwrap_or_default(),
        lead_minutes: fields.maybe_int(&[Field::LeadMinutes])?.unwrap_or(0),
        minimum_order_cents: fields.maybe_money(&[Field::MinimumOrder])?.unwrap_or(0),
        actor: fields.name_or_empty(ACTOR)?,
    })
}

pub(super) fn price(fields: &Fields<'_>) -> Result<PriceChange> {
    let price = &[Field::Price];
    Ok(PriceChange {
        sku: fields.name(SKU)?,
        price_cents: need(fields.maybe_money(price)?, price)?,
        actor: fields.name_or_empty(ACTOR)?,
    })
}

pub(super) fn promotion(fields: &Fields<'_>) -> Result<Promotion> {
    let (from, until) = (&[Field::FromDate], &[Field::UntilDate]);
    let discount = &[Field::Discount];
    Ok(Promotion {
        sku: fields.name(SKU)?,
        from_day: need(fields.maybe_day(from)?, from)?,
        until_day: need(fields.maybe_day(until)?, until)?,
        cut: need(fields.maybe_part(discount, 4)?, discount)?,
        actor: fields.name_or_empty(ACTOR)?,
    })
}

/// A policy. The reference's `shelf_policies` and `wh_policies` records are a part of it each.
pub(super) fn policy(fields: &Fields<'_>) -> Result<Policy> {
    let percent = |field: Field| fields.maybe_part(&[field], 2);
    let seconds = |field: Field| fields.maybe_int::<u32>(&[field]);
    let small = |field: Field| fields.maybe_int::<u16>(&[field]);
    Ok(Policy {
        policy: fields.name(&[Field::PolicyId])?,
        scope: scope(fields)?,
        active: fields.maybe_flag(&[Field::Active])?.unwrap_or(true),
        notes: fields.name_or_empty(&[Field::Notes])?,
        refill_below: percent(Field::ThresholdPct)?,
        min_units: fields.maybe_units(&[Field::MinQty])?,
        target: percent(Field::TargetPct)?,
        hysteresis: percent(Field::HysteresisPct)?,
        reorder_point_units: fields.maybe_units(&[Field::ReorderPointQty])?,
        cover_days: small(Field::CoverDays)?,
        near_expiry_floor_days: small(Field::NearExpiryFloorDays)?,
        near_expiry_warehouse_days: small(Field::NearExpiryWarehouseDays)?,
        cooldown_minutes: small(Field::CooldownMinutes)?,
        restock_delay_seconds: seconds(Field::RestockDelaySeconds)?,
        travel_seconds: seconds(Field::TravelSeconds)?,
        picking: fields.maybe_choice(&[Field::Picking])?,
        rounding: fields.maybe_choice(&[Field::Rounding])?,
        markdown: markdown(fields)?,
        removal: fields.maybe_choice(&[Field::RemovalTime])?,
        anomalies: anomalies::read(fields)?,
        actor: fields.name_or_empty(ACTOR)?,
    })
}

/// The narrowest scope that is given; a subcategory without a category is one of any.
fn scope(fields: &Fields<'_>) -> Result<Scope> {
    if let Some(sku) = fields.maybe_name::<Sku>(SKU)?
        && sku.as_str() != GLOBAL
    {
        return Ok(Scope::Shelf(sku));
    }
    if let Some(subcategory) = fields.maybe_name(SUBCATEGORY)? {
        return Ok(Scope::Subcategory(fields.maybe_name(CATEGORY)?, subcategory));
    }
    Ok(fields.maybe_name(CATEGORY)?.map_or(Scope::Global, Scope::Category))
}

fn markdown(fields: &Fields<'_>) -> Result<Option<MarkdownSchedule>> {
    let steps = fields.maybe_list(Field::Markdown, |step| {
        let (within, cut) = (&[Field::WithinDays], &[Field::CutPct]);
        let cut_part: BasisPoints = need(step.maybe_part(cut, 2)?, cut)?;
        Ok((need(step.maybe_int(within)?, within)?, cut_part))
    })?;
    let Some(steps) = steps else { return Ok(None) };
    let mut schedule = MarkdownSchedule::NONE;
    if steps.len() > schedule.steps.len() {
        let detail = format!("at most {} steps", schedule.steps.len());
        let error = JsonError::new(ErrorCode::OutOfRange, Field::Markdown.name());
        return Err(JsonError { detail, ..error });
    }
    for (slot, step) in schedule.steps.iter_mut().zip(steps) {
        *slot = step;
    }
    Ok(Some(schedule))
}
