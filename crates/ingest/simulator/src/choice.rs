//! Which product a customer wants: in proportion to pull, season, list price and discount.

use shelf_domain::SkuIndex;

use crate::calendar::over_the_year;
use crate::catalogue::Item;
use crate::chance::Dice;
use crate::stock::Stock;
use crate::town::StoreTown;

/// Weights are kept in whole numbers of this part, so that every machine sums them alike.
const SCALE: f64 = 65_536.0;
/// The most by which a list price that is not the catalogue's changes what customers want.
const PRICE_EFFECT: (f64, f64) = (0.1, 10.0);

/// The running sums of the skus' weights. It follows from the state alone and is never saved.
#[derive(Clone, Debug, Default)]
pub(crate) struct Choice {
    sums: Vec<u64>,
    fresh: bool,
}

impl Choice {
    /// The weights have changed: they are summed again before the next choice.
    pub(crate) fn outdate(&mut self) {
        self.fresh = false;
    }

    fn rebuild(&mut self, weights: impl Iterator<Item = f64>) {
        self.sums.clear();
        let mut sum = 0;
        self.sums.extend(weights.map(|weight| {
            sum += (weight * SCALE) as u64;
            sum
        }));
        self.fresh = true;
    }

    fn choose(&self, dice: &mut Dice) -> SkuIndex {
        let whole = self.sums.last().copied().unwrap_or(0);
        let point = dice.between(0, whole.saturating_sub(1) as i64) as u64;
        SkuIndex(self.sums.partition_point(|&sum| sum <= point) as u32)
    }
}

/// How a change of the list price changes the pull: an elasticity of one, so that a price of half
/// is wanted twice as much, and one of double half as much.
fn price_effect(item: &Item, stock: &Stock) -> f64 {
    let (least, most) = PRICE_EFFECT;
    (item.price_cents as f64 / stock.list_cents.max(1) as f64).clamp(least, most)
}

impl StoreTown {
    /// The sku that a customer has in mind.
    pub(crate) fn choose(&mut self) -> SkuIndex {
        if !self.choice.fresh {
            let day = self.state.today.day;
            let items = self.world.catalogue.items.iter().zip(&self.state.stock);
            self.choice.rebuild(items.map(|(item, stock)| {
                let discount = f64::from(stock.seen_cut.0) / 10_000.0;
                let season = over_the_year(item.season, day);
                item.pull * season * price_effect(item, stock) * (1.0 + discount)
            }));
        }
        self.choice.choose(&mut self.state.dice.customers)
    }

    /// Another sku of the same subcategory that lies on its shelf.
    pub(crate) fn substitute(&mut self, wanted: SkuIndex) -> Option<SkuIndex> {
        let (first, count) = self.item(wanted)?.kin;
        let start = self.state.dice.customers.below(count);
        let kin = (0..count).map(|step| SkuIndex(first + (start + step) % count));
        kin.into_iter()
            .find(|index| self.state.stock.get(index.at()).is_some_and(|stock| stock.floor > 0))
    }

    /// Looks at all prices again, as customers will from now on.
    pub(crate) fn look_at_prices(&mut self) {
        for stock in &mut self.state.stock {
            stock.look_at_prices();
        }
        self.choice.outdate();
    }
}
