//! The lots of a shelf, in the order in which they expire.

use serde::Serialize;
use shelf_domain::{Day, Lot, LotCode, SkuIndex, Store};

use crate::{form, wording};

/// One lot.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LotRow {
    /// Its code.
    pub lot: LotCode,
    /// When it was received.
    #[serde(serialize_with = "form::text")]
    pub received_day: Day,
    /// When it expires; `None` where it does not.
    #[serde(serialize_with = "form::maybe")]
    pub expiry_day: Option<Day>,
    /// Days from today to that: 0 is today, negative is past.
    pub days_left: Option<i32>,
    /// Units on the floor, those in carts included.
    pub floor_units: u32,
    /// Units in the warehouse.
    pub warehouse_units: u32,
    /// Of these, units that a restock task will take.
    pub reserved_units: u32,
    /// Units between warehouse and shelf.
    pub transit_units: u32,
    /// The cut because it expires soon.
    pub markdown_percent: f64,
    /// What a unit of it costs the customer, in cents.
    pub price_cents: i64,
}

/// The lots of a sku that have units, the soonest to expire first.
pub(crate) fn rows(store: &Store, index: SkuIndex) -> Vec<LotRow> {
    let with_units = store.lots(index).filter(|lot| lot.units() > 0);
    with_units.map(|lot| row(store, index, lot)).collect()
}

fn row(store: &Store, index: SkuIndex, lot: &Lot) -> LotRow {
    let expiry_day = Some(lot.expiry_day).filter(|day| *day != Day::NEVER);
    LotRow {
        lot: lot.code,
        received_day: lot.received_day,
        expiry_day,
        days_left: expiry_day.map(|day| day.since(store.day())),
        floor_units: lot.floor_units,
        warehouse_units: lot.warehouse_units,
        reserved_units: lot.reserved_units,
        transit_units: lot.transit_units,
        markdown_percent: wording::per_cent(lot.markdown),
        price_cents: store.price_cents(index, Some(lot)),
    }
}
