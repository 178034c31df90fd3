//! The part of a policy that says what is out of the ordinary, as JSON.

use shelf_domain::{AnomalyPolicy, Rule};

use super::error::{ErrorCode, JsonError};
use super::fields::{Field, Fields};
use super::get::Result;
use super::write::Object;

pub(super) fn read(fields: &Fields<'_>) -> Result<AnomalyPolicy> {
    let minutes = |field: Field| fields.maybe_int::<u16>(&[field]);
    let cents = |field: Field| match fields.maybe_money(&[field])? {
        None => Ok(None),
        Some(cents) => u32::try_from(cents)
            .map(Some)
            .map_err(|_| JsonError::found(ErrorCode::OutOfRange, field.name(), &cents.to_string())),
    };
    Ok(AnomalyPolicy {
        spike_z_milli: fields.maybe_scaled(&[Field::SpikeZ], 3)?,
        spike_min_units: fields.maybe_units(&[Field::SpikeMinQty])?,
        high_value_cents: cents(Field::HighValue)?,
        low_stock_units: fields.maybe_units(&[Field::LowStockQty])?,
        depletion: fields.maybe_part(&[Field::DepletionPct], 2)?,
        depletion_min_units: fields.maybe_units(&[Field::DepletionMinQty])?,
        overstock_units: fields.maybe_units(&[Field::OverstockQty])?,
        safety_stock_units: fields.maybe_units(&[Field::SafetyStockQty])?,
        price_tolerance_cents: cents(Field::PriceTolerance)?,
        sensor_silent_minutes: minutes(Field::SensorSilentMinutes)?,
        till_silent_minutes: minutes(Field::TillSilentMinutes)?,
        off: rules_off(fields)?,
    })
}

/// The rules that are switched off, by their codes.
fn rules_off(fields: &Fields<'_>) -> Result<Option<u32>> {
    let Some(codes) = fields.maybe_texts(Field::RulesOff)? else { return Ok(None) };
    let mut off = 0;
    for code in &codes {
        let rule = Rule::ALL.into_iter().find(|rule| rule.code() == code.as_ref());
        let name = Field::RulesOff.name();
        let unknown = || JsonError::found(ErrorCode::BadChoice, name, code);
        off |= AnomalyPolicy::bit(rule.ok_or_else(unknown)?);
    }
    Ok(Some(off))
}

pub(super) fn write(policy: &AnomalyPolicy, o: &mut Object<'_>) {
    if let Some(z_milli) = policy.spike_z_milli {
        o.scaled(Field::SpikeZ, i64::from(z_milli), 3);
    }
    o.maybe_number(Field::SpikeMinQty, policy.spike_min_units);
    if let Some(cents) = policy.high_value_cents {
        o.money(Field::HighValue, i64::from(cents));
    }
    o.maybe_number(Field::LowStockQty, policy.low_stock_units);
    o.percent(Field::DepletionPct, policy.depletion);
    o.maybe_number(Field::DepletionMinQty, policy.depletion_min_units);
    o.maybe_number(Field::OverstockQty, policy.overstock_units);
    o.maybe_number(Field::SafetyStockQty, policy.safety_stock_units);
    if let Some(cents) = policy.price_tolerance_cents {
        o.money(Field::PriceTolerance, i64::from(cents));
    }
    o.maybe_number(Field::SensorSilentMinutes, policy.sensor_silent_minutes);
    o.maybe_number(Field::TillSilentMinutes, policy.till_silent_minutes);
    if let Some(off) = policy.off {
        let rules = Rule::ALL.into_iter().filter(|rule| off & AnomalyPolicy::bit(*rule) != 0);
        o.texts(Field::RulesOff, rules.map(Rule::code));
    }
}
