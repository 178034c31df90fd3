//! Prices: the list price, cut by plan and because of expiry.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::effect::{Effect, Effects, PriceNotice, Reason};
use crate::event::{PriceChange, Promotion};
use crate::ids::{LotCode, SkuIndex};
use crate::quantity::{BasisPoints, MAX_PRICE_CENTS, price_after};
use crate::store::Store;
use crate::table::Table;

/// The most promotions that one sku may have ahead of it.
pub const MAX_PROMOTIONS_PER_SKU: usize = 256;

/// The promotions that have not ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Promotions {
    ahead: Table<Vec<Promotion>>,
}

impl Promotions {
    pub(crate) fn add_sku(&mut self) {
        self.ahead.push(Vec::new());
    }

    pub(crate) fn of(&self, index: SkuIndex) -> &[Promotion] {
        &self.ahead[index]
    }
}

impl Store {
    pub(crate) fn set_price(
        &mut self,
        change: &PriceChange,
        fx: &mut Effects,
    ) -> Result<(), Reason> {
        let index = self.find(change.sku)?;
        if !(0..=MAX_PRICE_CENTS).contains(&change.price_cents) {
            return Err(Reason::AbsurdMoney);
        }
        if self.products[index].price_cents != change.price_cents {
            self.products[index].price_cents = change.price_cents;
            self.announce_prices(index, fx);
        }
        Ok(())
    }

    pub(crate) fn promote(
        &mut self,
        promotion: &Promotion,
        fx: &mut Effects,
    ) -> Result<(), Reason> {
        let index = self.find(promotion.sku)?;
        if promotion.cut > BasisPoints::WHOLE {
            return Err(Reason::AbsurdPart);
        }
        if promotion.until_day < promotion.from_day {
            return Err(Reason::AbsurdTime);
        }
        let ahead = &mut self.promotions.ahead[index];
        if ahead.len() >= MAX_PROMOTIONS_PER_SKU {
            return Err(Reason::LimitReached);
        }
        ahead.push(*promotion);
        self.promote_today(index, fx);
        Ok(())
    }

    /// The promotion of today is the deepest that covers it.
    pub(crate) fn promote_today(&mut self, index: SkuIndex, fx: &mut Effects) {
        let today = self.day;
        let ahead = &mut self.promotions.ahead[index];
        ahead.retain(|promotion| promotion.until_day >= today);
        let covers = |p: &&Promotion| p.from_day <= today;
        let cut = ahead.iter().filter(covers).map(|p| p.cut).max().unwrap_or_default();
        if self.shelves[index].promotion != cut {
            self.shelves[index].promotion = cut;
            self.announce_prices(index, fx);
        }
    }

    /// Cuts the price of each lot by its days to expiry.
    pub(crate) fn mark_down(&mut self, index: SkuIndex, fx: &mut Effects) {
        let schedule = self.shelves[index].rules.markdown;
        let today = self.day;
        let mut changed = Vec::new();
        for lot in self.lots[index].iter_mut() {
            let cut = schedule.cut(lot.expiry_day.since(today));
            if lot.markdown != cut && lot.units() > 0 {
                lot.markdown = cut;
                changed.push((lot.code, cut));
            }
        }
        for (code, cut) in changed {
            self.announce_price(index, Some(code), cut, fx);
        }
    }

    /// Tells the price of a sku, and of those of its lots that have their own.
    pub(crate) fn announce_prices(&mut self, index: SkuIndex, fx: &mut Effects) {
        self.announce_price(index, None, BasisPoints::ZERO, fx);
        let own = |lot: &&crate::Lot| lot.markdown.0 > 0 && lot.units() > 0;
        let lots: Vec<_> =
            self.lots[index].iter().filter(own).map(|lot| (lot.code, lot.markdown)).collect();
        for (code, cut) in lots {
            self.announce_price(index, Some(code), cut, fx);
        }
    }

    fn announce_price(
        &self,
        index: SkuIndex,
        lot: Option<LotCode>,
        markdown: BasisPoints,
        fx: &mut Effects,
    ) {
        fx.touched.push(index);
        let list_cents = self.products[index].price_cents;
        let promotion = self.shelves[index].promotion;
        fx.push(Effect::Price(PriceNotice {
            sku: self.shelves[index].sku,
            lot,
            list_cents,
            promotion,
            markdown,
            price_cents: price_after(list_cents, promotion, markdown),
        }));
    }
}
