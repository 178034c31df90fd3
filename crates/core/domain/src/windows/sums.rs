//! What panes add up, and what windows tell.

use alloc::boxed::Box;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::distinct::Distinct;
use super::plan::{Measure, WindowScope};
use crate::event::ReceiptLine;
use crate::ids::{Sku, SkuIndex, WindowName};
use crate::time::Timestamp;

/// Receipts, or the part of them that is one product's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SalesSums {
    /// Receipts.
    pub transactions: u32,
    /// Units sold.
    pub units: u32,
    /// Units brought back.
    pub returned_units: u32,
    /// What the lines come to before discount, in cents; returns count negative.
    pub gross_cents: i64,
    /// What the lines come to, in cents; returns count negative.
    pub net_cents: i64,
    /// Who bought, where the till knows.
    pub customers: Distinct,
}

impl SalesSums {
    /// Adds another sum to this one.
    pub fn merge(&mut self, other: &Self) {
        self.transactions = self.transactions.saturating_add(other.transactions);
        self.units = self.units.saturating_add(other.units);
        self.returned_units = self.returned_units.saturating_add(other.returned_units);
        self.gross_cents = self.gross_cents.saturating_add(other.gross_cents);
        self.net_cents = self.net_cents.saturating_add(other.net_cents);
        self.customers.merge(&other.customers);
    }

    /// What the discounts come to, in cents.
    pub fn discount_cents(&self) -> i64 {
        self.gross_cents.saturating_sub(self.net_cents)
    }

    pub(super) fn add_line(&mut self, line: &ReceiptLine) {
        let units = line.units.unsigned_abs();
        if line.units > 0 {
            self.units = self.units.saturating_add(units);
        } else {
            self.returned_units = self.returned_units.saturating_add(units);
        }
        let gross = line.unit_price_cents.saturating_mul(i64::from(line.units));
        self.gross_cents = self.gross_cents.saturating_add(gross);
        self.net_cents = self.net_cents.saturating_add(line.total_cents);
    }
}

/// The units on a shelf over some time: each change is one reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockSums {
    /// Units after the last change.
    pub last_units: i64,
    /// The fewest units after a change.
    pub min_units: i64,
    /// The most units after a change.
    pub max_units: i64,
    /// Units at the end less units at the start.
    pub change_units: i64,
    /// Changes.
    pub updates: u32,
    /// The units after each change, added up.
    pub sum_units: i64,
    /// Their squares, added up.
    pub sum_squares: i128,
}

impl StockSums {
    /// Adds what came right behind, for the same shelf. `other` counts from the level at which this
    /// one ends.
    fn follow(&mut self, other: &Self) {
        if other.updates == 0 {
            return;
        }
        let base = self.change_units;
        let (least, most) = (base + other.min_units, base + other.max_units);
        (self.min_units, self.max_units) = match self.updates {
            0 => (least, most),
            _ => (self.min_units.min(least), self.max_units.max(most)),
        };
        let shift = i128::from(base);
        let count = i128::from(other.updates);
        self.sum_squares +=
            other.sum_squares + 2 * shift * i128::from(other.sum_units) + count * shift * shift;
        self.sum_units += other.sum_units + i64::from(other.updates) * base;
        self.last_units = base + other.last_units;
        self.change_units = base + other.change_units;
        self.updates = self.updates.saturating_add(other.updates);
    }

    fn one(delta: i32) -> Self {
        let units = i64::from(delta);
        Self {
            last_units: units,
            min_units: units,
            max_units: units,
            change_units: units,
            updates: 1,
            sum_units: units,
            sum_squares: i128::from(units) * i128::from(units),
        }
    }

    /// The mean of the readings, in thousandths of a unit; `None` without any.
    pub fn mean_milli(&self) -> Option<i64> {
        let count = i128::from(self.updates);
        (count > 0).then(|| (i128::from(self.sum_units) * 1_000 / count) as i64)
    }

    /// The standard deviation of the readings (of all of them, not of a sample), in thousandths of
    /// a unit; `None` without any.
    pub fn volatility_milli(&self) -> Option<u64> {
        let count = i128::from(self.updates);
        if count == 0 {
            return None;
        }
        let sum = i128::from(self.sum_units);
        let spread = (count * self.sum_squares - sum * sum).max(0).unsigned_abs();
        Some((spread * 1_000_000).isqrt() as u64 / u64::from(self.updates))
    }
}

/// The changes of one shelf in one pane, in order of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Levels {
    /// The oldest ones, added up: an event from among them goes behind them.
    head: Option<Box<StockSums>>,
    /// The first of the others: microseconds from the start of the pane, and units. Most panes
    /// have no more.
    first: Option<(u32, i32)>,
    tail: Vec<(u32, i32)>,
}

/// The most changes of one pane that are kept one by one.
const MAX_TAIL: usize = 64;

impl Levels {
    pub(super) fn add(&mut self, offset_us: u32, delta: i32) {
        let Some(first) = self.first else {
            self.first = Some((offset_us, delta));
            return;
        };
        if first.0 > offset_us {
            self.first = Some((offset_us, delta));
            self.tail.insert(0, first);
        } else {
            let late = self.tail.last().is_some_and(|(last, _)| *last > offset_us);
            let place = if late {
                self.tail.partition_point(|(at, _)| *at <= offset_us)
            } else {
                self.tail.len()
            };
            self.tail.insert(place, (offset_us, delta));
        }
        if self.tail.len() >= MAX_TAIL {
            self.add_up();
        }
    }

    /// Adds the older half up.
    fn add_up(&mut self) {
        let mut head = self.head.take().unwrap_or_default();
        let oldest = self.first.into_iter().chain(self.tail.drain(..MAX_TAIL / 2));
        oldest.for_each(|(_, delta)| head.follow(&StockSums::one(delta)));
        self.head = Some(head);
        self.first = Some(self.tail.remove(0));
    }

    fn each(&self) -> impl Iterator<Item = i32> {
        self.first.iter().chain(&self.tail).map(|(_, delta)| *delta)
    }

    /// What it comes to, counted from the level at its start.
    pub(super) fn follow(&self, sums: &mut StockSums) {
        if let Some(head) = &self.head {
            sums.follow(head);
        }
        self.each().for_each(|delta| sums.follow(&StockSums::one(delta)));
    }

    /// By how much the level changes in it.
    pub(super) fn change(&self) -> i64 {
        let head = self.head.as_ref().map_or(0, |head| head.change_units);
        head + self.each().map(i64::from).sum::<i64>()
    }
}

/// Puts sums that were counted from the level at their start onto that level.
pub(super) fn lift(mut sums: StockSums, base: i64) -> StockSums {
    let (count, units) = (i128::from(sums.updates), i128::from(base));
    sums.sum_squares += 2 * units * i128::from(sums.sum_units) + count * units * units;
    sums.sum_units += i64::from(sums.updates) * base;
    sums.last_units += base;
    if sums.updates > 0 {
        sums.min_units += base;
        sums.max_units += base;
    } else {
        (sums.min_units, sums.max_units) = (base, base);
    }
    sums
}

/// How much there is on a shelf.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum StockStatus {
    /// Nothing.
    #[default]
    Out,
    /// Fewer units than its refill threshold.
    Low,
    /// As many, or more.
    In,
}

impl StockStatus {
    /// Its stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::Low => "low",
            Self::In => "in",
        }
    }
}

/// What a window says of one subject.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowRow {
    /// The product; `None` in a window of a whole store.
    pub sku: Option<Sku>,
    /// Its number in the store.
    pub index: Option<SkuIndex>,
    /// Its sales; nothing in a window of stock.
    pub sales: SalesSums,
    /// Its stock, where the window is about that. Most rows have none.
    pub stock: Option<Box<StockFigures>>,
}

impl WindowRow {
    /// Whether anything happened.
    pub(super) fn holds_anything(&self) -> bool {
        let updates = self.stock.as_ref().map_or(0, |stock| stock.sums.updates);
        self.sales.transactions > 0 || updates > 0
    }
}

/// The stock of a shelf in a window, beside what the shelf is made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockFigures {
    /// The units.
    pub sums: StockSums,
    /// The most units that the shelf holds; 0 where that is not known.
    pub capacity_units: u32,
    /// What the units at the end mean.
    pub status: StockStatus,
}

/// Why a window tells what it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum WindowStage {
    /// It is still open: some rows, as they stand.
    #[default]
    Early,
    /// It has ended: all rows.
    Final,
    /// An event came after its end, within the lateness: the rows that it changed.
    Corrected,
}

impl WindowStage {
    /// Its stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Early => "early",
            Self::Final => "final",
            Self::Corrected => "corrected",
        }
    }
}

/// What a window has, as far as it is known. A row is identified by store, window, start and sku;
/// of two with the same identity the one with the higher revision holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowResult {
    /// Which windows it is one of.
    pub window: WindowName,
    /// What it adds up.
    pub measure: Measure,
    /// What it is for.
    pub scope: WindowScope,
    /// Its start.
    pub start: Timestamp,
    /// Its end: the first moment that is not in it.
    pub end: Timestamp,
    /// Why it tells what it has.
    pub stage: WindowStage,
    /// Counts the results of a store.
    pub revision: u64,
    /// Whether it is kept in the log of effects.
    pub kept: bool,
    /// What it says of each subject.
    pub rows: Vec<WindowRow>,
}
