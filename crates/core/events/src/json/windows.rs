//! The declaration of windows as JSON.

use shelf_domain::{SECOND, WindowPlan, WindowSpec};

use super::error::{ErrorCode, JsonError};
use super::fields::{Field, Fields};
use super::get::{Result, need};
use super::write::Object;
use crate::names::Choice;

pub(super) fn plan(fields: &Fields<'_>) -> Result<WindowPlan> {
    let windows = fields.maybe_list(Field::Windows, spec)?;
    Ok(WindowPlan {
        windows: need(windows, &[Field::Windows])?,
        lateness_us: seconds(fields, Field::LatenessSeconds)?.unwrap_or(0),
    })
}

fn spec(fields: &Fields<'_>) -> Result<WindowSpec> {
    let (measure, scope) = (&[Field::Measure], &[Field::Scope]);
    let size_us = need(seconds(fields, Field::SizeSeconds)?, &[Field::SizeSeconds])?;
    Ok(WindowSpec {
        name: fields.name(&[Field::Name])?,
        measure: need(fields.maybe_choice(measure)?, measure)?,
        scope: need(fields.maybe_choice(scope)?, scope)?,
        size_us,
        slide_us: seconds(fields, Field::SlideSeconds)?.unwrap_or(size_us),
        early_us: seconds(fields, Field::EarlySeconds)?.unwrap_or(0),
        kept: fields.maybe_flag(&[Field::Kept])?.unwrap_or(true),
    })
}

/// A span of time in whole seconds, as microseconds.
fn seconds(fields: &Fields<'_>, field: Field) -> Result<Option<i64>> {
    let Some(seconds) = fields.maybe_int::<i64>(&[field])? else { return Ok(None) };
    match seconds.checked_mul(SECOND) {
        Some(micros) => Ok(Some(micros)),
        None => Err(JsonError::found(ErrorCode::OutOfRange, field.name(), &seconds.to_string())),
    }
}

pub(super) fn write_plan(plan: &WindowPlan, o: &mut Object<'_>) {
    o.scaled(Field::LatenessSeconds, plan.lateness_us / SECOND, 0);
    o.list(Field::Windows, &plan.windows, |o, spec| {
        o.name(Field::Name, &spec.name);
        o.text(Field::Measure, spec.measure.word());
        o.text(Field::Scope, spec.scope.word());
        o.scaled(Field::SizeSeconds, spec.size_us / SECOND, 0);
        o.scaled(Field::SlideSeconds, spec.slide_us / SECOND, 0);
        o.scaled(Field::EarlySeconds, spec.early_us / SECOND, 0);
        o.flag(Field::Kept, spec.kept);
    });
}
