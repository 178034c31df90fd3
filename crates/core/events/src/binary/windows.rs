//! The declaration of windows in the log.

use shelf_domain::{WindowPlan, WindowSpec};

use super::wire::{DecodeError, Reader, Writer};

type Result<T> = core::result::Result<T, DecodeError>;

pub(super) fn write_plan(plan: &WindowPlan, w: &mut Writer<'_>) {
    w.signed(plan.lateness_us);
    w.list(&plan.windows, |w, spec| {
        w.name(&spec.name);
        w.choice(spec.measure);
        w.choice(spec.scope);
        w.signed(spec.size_us);
        w.signed(spec.slide_us);
        w.signed(spec.early_us);
        w.byte(u8::from(spec.kept));
    });
}

pub(super) fn read_plan(r: &mut Reader<'_>) -> Result<WindowPlan> {
    let lateness_us = r.signed()?;
    let windows = r.list(|r| {
        Ok(WindowSpec {
            name: r.name()?,
            measure: r.choice()?,
            scope: r.choice()?,
            size_us: r.signed()?,
            slide_us: r.signed()?,
            early_us: r.signed()?,
            kept: r.flag()?,
        })
    })?;
    Ok(WindowPlan { windows, lateness_us })
}
