//! What is looked at before an event may move the store's time: whether it can be about this store
//! at all.

use crate::effect::Reason;
use crate::event::Body;
use crate::floor::check_units;
use crate::ids::Sku;
use crate::store::Store;

impl Store {
    /// Whether the skus of an event are known and its units in range. An event that names what is
    /// not there says nothing about the store, its time included. Each sku is noted, so that the
    /// most frequent events, those of sensors and tills, look it up only here.
    pub(crate) fn admit(&mut self, body: &Body) -> Result<(), Reason> {
        self.named.clear();
        if let Body::Receipt(receipt) = body {
            for line in &receipt.lines {
                let index = self.find(line.sku)?;
                self.named.push(index);
            }
            return Ok(());
        }
        let Some((sku, units)) = named(body) else { return Ok(()) };
        let index = self.find(sku)?;
        self.named.push(index);
        units.map_or(Ok(()), check_units)
    }
}

/// The sku of an event, and its units where it must have some.
fn named(body: &Body) -> Option<(Sku, Option<u32>)> {
    Some(match body {
        Body::Pickup(touch) | Body::Putback(touch) => (touch.sku, Some(touch.units)),
        Body::Refill(refill) => (refill.sku, Some(refill.units)),
        Body::Delivery(delivery) => (delivery.sku, Some(delivery.units)),
        Body::WarehouseOut(out) => (out.sku, Some(out.units)),
        Body::Removal(removal) => (removal.sku, Some(removal.units)),
        Body::Transfer(transfer) => (transfer.sku, Some(transfer.units)),
        Body::WeightChange(change) => (change.sku, None),
        Body::Count(count) => (count.sku, None),
        Body::OpeningStock(stock) => (stock.sku, None),
        Body::Shelf(plan) => (plan.sku, None),
        Body::Price(change) => (change.sku, None),
        Body::Promotion(promotion) => (promotion.sku, None),
        _ => return None,
    })
}
