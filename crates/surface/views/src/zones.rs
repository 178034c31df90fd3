//! The floor plan with what is the matter in each zone.

use serde::Serialize;
use shelf_domain::{BasisPoints, HOUR, Severity, Shelf, SkuIndex, Store};

use crate::chain::{self, Opening};
use crate::floor_plan::{Bounds, FLOOR_PLAN, Zone, zone_of};
use crate::shelves::ShelfState;
use crate::tally::{ExpiryTally, SeverityTally};
use crate::wording;

/// One zone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ZoneRow {
    /// Its stable name: that of the reference layout, or the category where it has no zone there.
    pub zone: String,
    /// The category that lies in it.
    pub category: String,
    /// Three letters, for where there is no room.
    pub code: String,
    /// A word, for where there is little room.
    pub label: String,
    /// Its place on the floor; `None` where the category has no zone of the reference layout.
    pub bounds: Option<Bounds>,
    /// Its shelves that have ever been given stock.
    pub shelves: u64,
    /// Of these, those that are empty.
    pub empty_shelves: u64,
    /// Of these, those that are below their refill threshold and not empty.
    pub low_shelves: u64,
    /// Units on its shelves.
    pub floor_units: u64,
    /// How full its shelves are together; `None` where no capacity is known.
    pub fill_percent: Option<f64>,
    /// The alerts that stand for its shelves.
    pub alerts: SeverityTally,
    /// Units on the floor that expire within the days of each shelf's policy.
    pub near_expiry_units: u64,
    /// Units sold today.
    pub sold_today_units: u64,
    /// Of these in an hour of opening; `None` before the stores open.
    pub sold_per_hour: Option<f64>,
    /// Units in customers' carts.
    pub cart_units: u64,
    #[serde(skip)]
    capacity_units: u64,
    #[serde(skip)]
    held_units: u64,
}

impl ZoneRow {
    fn add(&mut self, store: &Store, index: SkuIndex, shelf: &Shelf, expiring: &ExpiryTally) {
        for alert in store.alerts_of(index) {
            self.alerts.add(alert.severity);
        }
        self.sold_today_units += u64::from(shelf.demand.sold_today);
        self.cart_units += u64::from(shelf.cart_units);
        match ShelfState::of(shelf) {
            ShelfState::Untracked => return,
            ShelfState::Empty => self.empty_shelves += 1,
            ShelfState::Low => self.low_shelves += 1,
            ShelfState::Stocked => {}
        }
        self.shelves += 1;
        self.floor_units += u64::from(shelf.floor_units);
        if shelf.capacity_units > 0 {
            self.capacity_units += u64::from(shelf.capacity_units);
            self.held_units += u64::from(shelf.floor_units.min(shelf.capacity_units));
        }
        self.near_expiry_units += expiring.floor_units;
    }

    /// The worst alert that stands in it.
    pub fn worst(&self) -> Option<Severity> {
        self.alerts.worst()
    }
}

/// The zones of the reference layout, in order of their names, then the categories without one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ZonesView {
    /// The rows.
    pub zones: Vec<ZoneRow>,
}

impl ZonesView {
    /// The zones of these stores together.
    pub fn new(stores: &[&Store]) -> Self {
        Self::with_each(stores, |_, _, _, _| {})
    }

    /// The zones of these stores together. `also` gets each shelf on the way, so that who needs
    /// more of them does not walk through all again: behind the number of its store among these,
    /// and with what of it expires soon.
    pub(crate) fn with_each(
        stores: &[&Store],
        mut also: impl FnMut(usize, SkuIndex, &Shelf, &ExpiryTally),
    ) -> Self {
        let mut zones = of_the_plan();
        let planned = zones.len();
        for (number, store) in stores.iter().enumerate() {
            // Where the row of each category stands: looked for once for all of its products.
            let mut places = vec![None; store.categories().count()];
            for index in store.skus() {
                let Some(shelf) = store.shelf(index) else { continue };
                let expiring = ExpiryTally::of(store, index, shelf);
                also(number, index, shelf, &expiring);
                let mut row = || row_of(&mut zones, chain::category(store, index));
                let known = store.category_number(index).and_then(|at| places.get_mut(at));
                let place = match known {
                    Some(known) => *known.get_or_insert_with(row),
                    None => row(),
                };
                if let Some(row) = zones.get_mut(place) {
                    row.add(store, index, shelf, &expiring);
                }
            }
        }
        let open_us = stores.iter().map(|store| Opening::of(store).until_us(store.now()));
        let open_us = open_us.max().unwrap_or(0);
        let hours = open_us as f64 / HOUR as f64;
        for row in &mut zones {
            let sold = row.sold_today_units as f64;
            row.sold_per_hour = (open_us > 0).then(|| (sold / hours * 10.0).round() / 10.0);
            let fill = BasisPoints::ratio(row.held_units, row.capacity_units);
            row.fill_percent = (row.capacity_units > 0).then(|| wording::per_cent(fill));
        }
        if let Some(elsewhere) = zones.get_mut(planned..) {
            elsewhere.sort_by(|a, b| a.category.cmp(&b.category));
        }
        Self { zones }
    }
}

/// The zones of the reference layout, with nothing in them yet.
fn of_the_plan() -> Vec<ZoneRow> {
    let row = |zone: &Zone| ZoneRow {
        zone: zone.zone.to_owned(),
        category: zone.category.to_owned(),
        code: zone.code.to_owned(),
        label: zone.label.to_owned(),
        bounds: Some(zone.bounds),
        ..ZoneRow::default()
    };
    FLOOR_PLAN.iter().map(row).collect()
}

/// The place of a category's row, made where there is none.
fn row_of(zones: &mut Vec<ZoneRow>, category: &str) -> usize {
    let known = match zone_of(category) {
        Some(zone) => zones.iter().position(|row| row.zone == zone.zone),
        None => zones.iter().position(|row| row.bounds.is_none() && row.category == category),
    };
    known.unwrap_or_else(|| {
        let letters = category.chars().filter(|letter| letter.is_alphanumeric()).take(3);
        zones.push(ZoneRow {
            zone: category.to_lowercase().replace(' ', "_"),
            category: category.to_owned(),
            label: wording::sentence_case(category),
            code: letters.collect::<String>().to_uppercase(),
            ..ZoneRow::default()
        });
        zones.len() - 1
    })
}
