//! The shelf sensors: what they see of a touch, and what they weigh.

use shelf_domain::{Body, CustomerId, ShelfTouch, SkuIndex, Timestamp, WeightChange};

use crate::town::StoreTown;

impl StoreTown {
    /// Somebody took units from a shelf (negative) or put them back: the count and the weight, or
    /// the weight alone, unless the sensor misses it.
    pub(crate) fn sense(
        &mut self,
        at: Timestamp,
        customer: Option<CustomerId>,
        index: SkuIndex,
        units: i64,
    ) {
        let grams = self.item(index).map_or(0, |item| i64::from(item.unit_g)) * units;
        self.sense_grams(at, customer, index, units, grams);
    }

    /// The same where what was touched does not weigh what the shelf's own product does.
    pub(crate) fn sense_grams(
        &mut self,
        at: Timestamp,
        customer: Option<CustomerId>,
        index: SkuIndex,
        units: i64,
        grams: i64,
    ) {
        if self.state.dice.sensors.chance(self.state.options.realism.sensor_miss) {
            self.state.truth.unseen_acts += 1;
            return;
        }
        if self.state.stock.get(index.at()).is_some_and(|stock| stock.only_weighs) {
            return self.weigh(at, customer, index, grams);
        }
        let Some(item) = self.item(index) else { return };
        let touch = ShelfTouch {
            customer,
            sku: item.sku,
            units: units.unsigned_abs() as u32,
            unit_weight_g: item.unit_g,
        };
        let body = if units < 0 { Body::Pickup(touch) } else { Body::Putback(touch) };
        self.tell(at, body);
        self.weigh(at, customer, index, grams);
    }

    /// The weight on a shelf changed.
    pub(crate) fn weigh(
        &mut self,
        at: Timestamp,
        customer: Option<CustomerId>,
        index: SkuIndex,
        grams: i64,
    ) {
        let Some(item) = self.world.catalogue.item(index) else { return };
        let Some(stock) = self.state.stock.get(index.at()) else { return };
        let noise = i64::from(self.state.options.realism.weight_noise_g);
        let noise = if noise == 0 { 0 } else { self.state.dice.sensors.between(-noise, noise) };
        let delta_g = grams + grams * i64::from(stock.scale_ppm) / 1_000_000 + noise;
        self.tell(at, Body::WeightChange(WeightChange { customer, sku: item.sku, delta_g }));
    }
}
