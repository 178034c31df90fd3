//! The independent model of a store: what `docs/design/stock-rules.md` says, done the slow and
//! obvious way.
//!
//! It keeps units, lots, carts and money, and no alerts, orders, tasks or prices. It must never be
//! tuned to agree with the core: where the two differ, one of them is wrong or the page is unclear.
//! Known bounds: the horizon of known ids never forgets; acts on alerts, orders and tasks move time
//! and nothing else, and are neither counted nor remembered.

mod book;
mod carts;
mod policies;
mod receipts;
mod rules;
mod timers;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_carts;
#[cfg(test)]
mod tests_random;
#[cfg(test)]
mod tests_time;

use std::collections::{BTreeMap, BTreeSet};

use shelf_domain::{Body, DAY, Day, Event, LocalClock, MINUTE, SECOND, StoreSettings, Timestamp};

use crate::summary::{LotSummary, SkuSummary, Stock, StoreSummary};
use book::Book;
use carts::Cart;
use policies::Policies;
use rules::check_settings;
use timers::{Arrival, Today};

const LATE_AFTER: i64 = 60 * SECOND;
const FUTURE_AFTER: i64 = 10 * MINUTE;
const TOO_OLD_AFTER: i64 = 30 * DAY;

/// Why an event changed nothing, as a stable code.
type Reason = &'static str;

/// How many events were not simply applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events whose id was known.
    pub duplicates: i64,
    /// Events that were applied though they were more than a minute behind.
    pub late: i64,
    /// Events that changed nothing for a reason.
    pub quarantined: i64,
}

/// One store.
#[derive(Clone, Debug, Default)]
pub struct Model {
    now: i64,
    settings: Option<StoreSettings>,
    /// The running day, and when it closes and ends.
    today: Today,
    known_ids: BTreeSet<u128>,
    books: BTreeMap<String, Book>,
    /// By customer; the nameless cart is that of no customer.
    carts: BTreeMap<Option<String>, Cart>,
    policies: Policies,
    arrivals: Vec<Arrival>,
    counts: Counts,
    quarantine: Vec<(u128, Reason)>,
    /// The last event, where it changed nothing for a reason.
    refused: Option<u128>,
}

impl Model {
    /// A store of which nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// A store after `events`.
    pub fn of(events: &[Event]) -> Self {
        let mut model = Self::new();
        for event in events {
            model.apply(event);
        }
        model
    }

    /// Does with `event` what the page says, whatever its store.
    pub fn apply(&mut self, event: &Event) {
        self.refused = None;
        let remembered = !matches!(event.body, Body::Clock) && !is_act(&event.body);
        if remembered && self.known_ids.contains(&event.id.0) {
            self.counts.duplicates += 1;
            return;
        }
        let reason = match event.body {
            Body::Rejected(_) => Some("unreadable"),
            Body::Store(ref settings) if self.settings.is_none() => check_settings(settings).err(),
            _ if self.settings.is_none() => Some("unknown_store"),
            _ => None,
        };
        let refused = reason.or_else(|| self.untimely(event)).or_else(|| self.misfit(event));
        if let Some(reason) = refused {
            self.reject(event, reason);
            return;
        }
        let reached = self.now.max(event.at.0);
        self.fire_timers(reached);
        self.now = reached;
        if let Err(reason) = self.enact(event) {
            self.reject(event, reason);
            return;
        }
        if remembered {
            self.known_ids.insert(event.id.0);
        }
        if !is_act(&event.body) && event.at.0 < self.now - LATE_AFTER {
            self.counts.late += 1;
        }
    }

    /// The sums of `sku`; all zero where it is unknown.
    pub fn stock(&self, sku: &str) -> Stock {
        self.books.get(sku).map_or_else(Stock::default, |book| Stock {
            received: book.received,
            returned: book.returned,
            sold: book.sold,
            removed: book.removed,
            unexplained: book.unexplained,
            floor: book.floor,
            carts: self.units_in_carts(sku),
            warehouse: book.warehouse,
            transit: book.transit,
            lot_gap: book.lot_gap,
            revenue_cents: book.revenue_cents,
        })
    }

    /// The lots of `sku` that have units, by code.
    pub fn lots(&self, sku: &str) -> Vec<LotSummary> {
        let mut lots = Vec::new();
        for (code, lot) in self.books.get(sku).iter().flat_map(|book| &book.lots) {
            if !lot.empty() {
                lots.push(LotSummary {
                    code: code.clone(),
                    received_day: Day(lot.received_day),
                    expiry_day: Day(lot.expiry_day),
                    floor: lot.floor,
                    warehouse: lot.warehouse,
                    transit: lot.transit,
                });
            }
        }
        lots
    }

    /// Units of `sku` that arrived on the shelf before their `wh_out` was seen.
    pub fn ahead(&self, sku: &str) -> i64 {
        self.books.get(sku).map_or(0, |book| book.ahead)
    }

    /// The known skus.
    pub fn skus(&self) -> Vec<String> {
        self.books.keys().cloned().collect()
    }

    /// The picture that tests compare.
    pub fn summary(&self) -> StoreSummary {
        let sku = |sku: String| SkuSummary { stock: self.stock(&sku), lots: self.lots(&sku), sku };
        StoreSummary::new(self.skus().into_iter().map(sku).collect())
    }

    /// The sums over all skus.
    pub fn total(&self) -> Stock {
        self.summary().total()
    }

    /// How many events were not simply applied.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The ids of the events in quarantine, each with its reason.
    pub fn quarantine(&self) -> &[(u128, &'static str)] {
        &self.quarantine
    }

    /// Whether `event`, the last one, changed nothing for a reason.
    pub fn refused(&self, event: &Event) -> bool {
        self.refused == Some(event.id.0)
    }

    /// The highest event time that the store has seen.
    pub fn now(&self) -> Timestamp {
        Timestamp(self.now)
    }

    fn untimely(&self, event: &Event) -> Option<Reason> {
        let at = event.at;
        if at < Timestamp::EARLIEST {
            return Some("time_too_old");
        }
        if at.0 < self.now - TOO_OLD_AFTER {
            return Some("time_too_old");
        }
        if at >= Timestamp::LATEST || at.0 > event.received_at.0.saturating_add(FUTURE_AFTER) {
            return Some("time_in_future");
        }
        None
    }

    fn reject(&mut self, event: &Event, reason: Reason) {
        self.refused = Some(event.id.0);
        if !is_act(&event.body) {
            self.counts.quarantined += 1;
            self.quarantine.push((event.id.0, reason));
        }
    }

    fn clock(&self) -> LocalClock {
        self.settings.as_ref().map_or_else(LocalClock::default, |settings| settings.clock.clone())
    }
}

/// Several stores, each by itself.
#[derive(Clone, Debug, Default)]
pub struct Models {
    stores: BTreeMap<String, Model>,
}

impl Models {
    /// No store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Applies `event` to its store.
    pub fn apply(&mut self, event: &Event) {
        self.stores.entry(event.store.as_str().to_owned()).or_default().apply(event);
    }

    /// A store of which an event was seen.
    pub fn store(&self, store: &str) -> Option<&Model> {
        self.stores.get(store)
    }

    /// All stores of which an event was seen, by name.
    pub fn stores(&self) -> impl Iterator<Item = (&str, &Model)> {
        self.stores.iter().map(|(name, model)| (name.as_str(), model))
    }
}

/// Whether what must always hold does: nothing is lost, nothing is negative, the lots add up.
pub fn check_conservation(model: &Model) -> Result<(), String> {
    for (sku, book) in &model.books {
        let stock = model.stock(sku);
        let came = stock.received + stock.returned;
        let here = stock.floor + stock.carts + stock.warehouse + stock.transit;
        let went = stock.sold + stock.removed + stock.unexplained;
        if came != here + went {
            return Err(format!("{sku}: {came} came, {here} here, {went} went: {stock}"));
        }
        let sum = |units: fn(&book::Lot) -> i64| book.lots.values().map(units).sum::<i64>();
        for (place, in_lots, in_book) in [
            ("floor", sum(|lot| lot.floor), stock.floor + stock.carts - stock.lot_gap),
            ("warehouse", sum(|lot| lot.warehouse), stock.warehouse),
            ("transit", sum(|lot| lot.transit), stock.transit),
        ] {
            if in_lots != in_book {
                return Err(format!("{sku}: lots have {in_lots} in {place}, not {in_book}"));
            }
        }
        let lot_units = book.lots.values().flat_map(|lot| [lot.floor, lot.warehouse, lot.transit]);
        let cart_units = model.carts.values().flat_map(|cart| cart.units_of(sku));
        let own = [stock.received, stock.returned, stock.sold, stock.removed, stock.floor];
        let places = [stock.carts, stock.warehouse, stock.transit, book.ahead];
        let mut all = own.into_iter().chain(places).chain(lot_units).chain(cart_units);
        if let Some(units) = all.find(|units| *units < 0) {
            return Err(format!("{sku}: {units} units somewhere: {book:?}"));
        }
    }
    let nameless = model.carts.get(&None);
    if nameless.is_some_and(|cart| cart.lines.values().any(|l| l.paid_ahead + l.written_off != 0)) {
        return Err(format!("the nameless cart keeps more than held units: {nameless:?}"));
    }
    Ok(())
}

fn is_act(body: &Body) -> bool {
    matches!(body, Body::AlertAct(_) | Body::OrderAct(_) | Body::TaskAct(_))
}
