//! Facts of several days, of a part of a store or of several stores.

use super::{Buyers, Days, SkuFacts, StoreFacts};
use crate::ids::{Category, SkuIndex};
use crate::store::Store;
use crate::time::Day;

/// Which part of a store facts are asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactScope {
    /// All of it.
    Store,
    /// The products of a category, which has one zone.
    Category(Category),
    /// One product.
    Product(SkuIndex),
}

/// What some days came to, for a part of a store, and what is there now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeriodFacts {
    /// What the products did.
    pub skus: SkuFacts,
    /// Who bought.
    pub buyers: Buyers,
    /// What the store did as a whole: visits, lines, times.
    pub store: StoreFacts,
    /// Units in the shop now.
    pub on_hand_units: u64,
    /// Units in the shop when the first of the days began.
    pub start_units: u64,
    /// The mean units in the shop over the time, in thousandths; `None` without any time.
    pub mean_stock_milli: Option<u64>,
    /// Shelves that are tracked, and those of them that are empty now.
    pub shelves: u64,
    /// See `shelves`.
    pub empty_shelves: u64,
    /// Days with facts.
    pub days: u64,
}

impl PeriodFacts {
    /// Adds another store's facts of the same days to these.
    pub fn merge(&mut self, other: &Self) {
        self.skus.merge(&other.skus);
        self.buyers.merge(&other.buyers);
        let (elapsed_ms, days) = (self.store.elapsed_ms, self.days);
        self.store.merge(&other.store);
        // Stores run side by side.
        self.store.elapsed_ms = elapsed_ms.max(other.store.elapsed_ms);
        self.days = days.max(other.days);
        self.on_hand_units += other.on_hand_units;
        self.start_units += other.start_units;
        self.mean_stock_milli = match (self.mean_stock_milli, other.mean_stock_milli) {
            (Some(one), Some(more)) => Some(one + more),
            (one, more) => one.or(more),
        };
        self.shelves += other.shelves;
        self.empty_shelves += other.empty_shelves;
    }
}

/// What a store came to since a day, without what has to be looked up product by product.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// Units sold, those brought back taken off.
    pub units: i64,
    /// What the receipts come to, in cents.
    pub net_cents: i64,
    /// How long the days are known, in milliseconds.
    pub elapsed_ms: u64,
    /// Units of order lines that have ended.
    pub ordered: u64,
    /// Of these, units that came, over-delivery left out.
    pub delivered: u64,
    /// What wasted units had cost, in cents.
    pub waste_cents: i64,
}

fn within<T>(days: &Days<T>, from: Day, to: Day) -> impl Iterator<Item = &T> {
    let asked = move |(day, _): &&(Day, T)| *day >= from && *day <= to;
    days.iter().filter(asked).map(|(_, facts)| facts)
}

impl Store {
    /// What the days from `from` to `to` came to, for a part of the store. Products and categories
    /// are known for [`FACT_DAYS`](crate::FACT_DAYS), the store as a whole for
    /// [`STORE_FACT_DAYS`](crate::STORE_FACT_DAYS).
    pub fn facts(&self, scope: FactScope, from: Day, to: Day) -> PeriodFacts {
        let (store, days) = self.store_facts(from, to);
        let mut facts = PeriodFacts { store, days, ..PeriodFacts::default() };
        let book = &self.facts;
        match scope {
            FactScope::Store => facts.buyers = facts.store.buyers.clone(),
            FactScope::Category(category) => {
                let named = book.categories.iter().find(|(name, _)| *name == category);
                for buyers in named.into_iter().flat_map(|(_, days)| within(days, from, to)) {
                    facts.buyers.merge(buyers);
                }
            }
            FactScope::Product(index) => {
                if let Some(sku) = book.skus.get(index) {
                    let asked = sku.past.iter().filter(|past| past.day >= from && past.day <= to);
                    asked.for_each(|past| facts.buyers.merge(&past.buyers));
                    if self.day >= from && self.day <= to {
                        facts.buyers.merge(&sku.buyers);
                    }
                }
            }
        }
        for index in self.shelves.indexes().filter(|&index| self.covers(scope, index)) {
            self.add_sku_facts(index, from, to, &mut facts);
        }
        let elapsed = u128::from(facts.store.elapsed_ms);
        facts.mean_stock_milli =
            (elapsed > 0).then(|| (facts.skus.stock_ms * 1_000 / elapsed.max(1)) as u64);
        facts
    }

    /// What the store did as a whole in the days from `from` to `to`, and how many of them have
    /// facts.
    pub fn store_facts(&self, from: Day, to: Day) -> (StoreFacts, u64) {
        let (mut facts, mut days) = (StoreFacts::default(), 0);
        let book = &self.facts;
        for store in within(&book.store, from, to) {
            facts.merge(store);
            days += 1;
        }
        if to >= self.day {
            let since = self.now.since(book.counted_until) / 1_000;
            facts.elapsed_ms += since.max(0) as u64;
            facts.open_us += self.open_between(book.counted_until, self.now);
        }
        (facts, days)
    }

    /// What the store came to from the day `from` on, with today; `from` is one of the last
    /// [`FACT_DAYS`](crate::FACT_DAYS). A page of many stores asks for it all the time: it reads
    /// days, not products.
    pub fn flow_since(&self, from: Day) -> Flow {
        let book = &self.facts;
        let since = self.now.since(book.counted_until) / 1_000;
        let mut flow = Flow { elapsed_ms: since.max(0) as u64, ..Flow::default() };
        for (_, day) in book.store.iter().rev().take_while(|(day, _)| *day >= from) {
            flow.units += day.units;
            flow.net_cents = flow.net_cents.saturating_add(day.net_cents);
            flow.elapsed_ms += day.elapsed_ms;
        }
        for supply in book.supply.range(from..).map(|(_, supply)| supply) {
            flow.ordered += supply.ordered;
            flow.delivered += supply.delivered;
            flow.waste_cents = flow.waste_cents.saturating_add(supply.waste_cents);
        }
        flow
    }

    fn covers(&self, scope: FactScope, index: SkuIndex) -> bool {
        match scope {
            FactScope::Store => true,
            FactScope::Category(category) => self.products[index].category == category,
            FactScope::Product(one) => one == index,
        }
    }

    fn add_sku_facts(&self, index: SkuIndex, from: Day, to: Day, facts: &mut PeriodFacts) {
        let (sku, shelf) = (&self.facts.skus[index], &self.shelves[index]);
        let mut since = SkuFacts::default();
        let past = sku.past.iter().map(|past| (past.day, past.facts()));
        let days = past.chain([(self.day, sku.today)]);
        for (day, done) in days.filter(|(day, _)| *day >= from) {
            since.merge(&done);
            if day <= to {
                facts.skus.merge(&done);
            }
        }
        // What is there now, less what came and plus what went since the first of the days.
        let came = since.received + since.returned;
        let went = (since.sold + since.removed) as i64 + since.unexplained;
        let start = i64::from(shelf.on_hand_units()) - came as i64 + went;
        facts.start_units += start.max(0) as u64;
        if to >= self.day {
            let held_ms = (self.now.since(sku.since) / 1_000).max(0) as u128;
            facts.skus.stock_ms += u128::from(sku.units) * held_ms;
        }
        facts.on_hand_units += u64::from(shelf.on_hand_units());
        facts.shelves += u64::from(shelf.tracked);
        facts.empty_shelves += u64::from(shelf.tracked && shelf.floor_units == 0);
    }

    /// Earlier days whose facts receipts changed that came late, on this day.
    pub fn reopened_on(&self, day: Day) -> impl Iterator<Item = Day> {
        self.facts.reopened.iter().filter(move |(on, _)| *on == day).map(|(_, of)| *of)
    }

    /// What each day of the store as a whole came to, the oldest first.
    pub fn store_days(&self) -> impl Iterator<Item = (Day, &StoreFacts)> {
        self.facts.store.iter().map(|(day, facts)| (*day, facts))
    }

    /// What each day of a product came to, the oldest first, the present one last.
    pub fn sku_days(&self, index: SkuIndex) -> impl Iterator<Item = (Day, SkuFacts)> {
        let sku = self.facts.skus.get(index);
        let past = sku.into_iter().flat_map(|sku| &sku.past);
        let past = past.map(|past| (past.day, past.facts()));
        past.chain(sku.map(|sku| (self.day, sku.today)))
    }

    /// The categories of the store's products, in order of first appearance.
    pub fn categories(&self) -> impl Iterator<Item = Category> {
        self.facts.categories.iter().map(|(category, _)| *category)
    }

    /// The number of a product's category among [`categories`](Self::categories).
    pub fn category_number(&self, index: SkuIndex) -> Option<usize> {
        self.facts.skus.get(index).map(|sku| sku.category as usize)
    }
}
