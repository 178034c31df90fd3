//! The part of a policy that says what is out of the ordinary, in the log.

use shelf_domain::{AnomalyPolicy, BasisPoints};

use super::wire::{DecodeError, Reader, Writer};

type Result<T> = core::result::Result<T, DecodeError>;

pub(super) fn write(policy: &AnomalyPolicy, w: &mut Writer<'_>) {
    w.maybe(policy.spike_z_milli, Writer::number);
    w.maybe(policy.spike_min_units, Writer::number);
    w.maybe(policy.high_value_cents, Writer::number);
    w.maybe(policy.low_stock_units, Writer::number);
    w.maybe(policy.depletion, |w, part| w.number(part.0));
    w.maybe(policy.depletion_min_units, Writer::number);
    w.maybe(policy.overstock_units, Writer::number);
    w.maybe(policy.safety_stock_units, Writer::number);
    w.maybe(policy.price_tolerance_cents, Writer::number);
    w.maybe(policy.sensor_silent_minutes, Writer::number);
    w.maybe(policy.till_silent_minutes, Writer::number);
    w.maybe(policy.off, Writer::number);
}

pub(super) fn read(r: &mut Reader<'_>) -> Result<AnomalyPolicy> {
    Ok(AnomalyPolicy {
        spike_z_milli: r.maybe(Reader::number)?,
        spike_min_units: r.maybe(Reader::number)?,
        high_value_cents: r.maybe(Reader::number)?,
        low_stock_units: r.maybe(Reader::number)?,
        depletion: r.maybe(|r| r.number().map(BasisPoints))?,
        depletion_min_units: r.maybe(Reader::number)?,
        overstock_units: r.maybe(Reader::number)?,
        safety_stock_units: r.maybe(Reader::number)?,
        price_tolerance_cents: r.maybe(Reader::number)?,
        sensor_silent_minutes: r.maybe(Reader::number)?,
        till_silent_minutes: r.maybe(Reader::number)?,
        off: r.maybe(Reader::number)?,
    })
}
