//! Windows worked out plainly: everything that happened is kept, sorted by its time, and each
//! window is added up from the list. Slow, obvious, and written from `docs/design/windows.md`
//! alone.

use std::collections::{BTreeMap, BTreeSet};

use shelf_domain::{
    Body, Effects, Event, Measure, Outcome, Sku, Store, WindowPlan, WindowResult, WindowRow,
    WindowScope, WindowSpec, WindowStage,
};

/// What a window has of one subject.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlainRow {
    /// Receipts, by their place in the order of arrival.
    receipts: BTreeSet<usize>,
    customers: BTreeSet<String>,
    units: i64,
    returned_units: i64,
    gross_cents: i64,
    net_cents: i64,
    stock: Option<PlainStock>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct PlainStock {
    start_units: i64,
    levels: Vec<i64>,
}

/// A window of a name by its end, and the sku that a row is about.
pub type RowKey = (String, i64, Option<Sku>);

struct Sale {
    at: i64,
    seen_at: i64,
    receipt: usize,
    customer: Option<String>,
    sku: Sku,
    units: i64,
    unit_price_cents: i64,
    total_cents: i64,
}

struct Change {
    at: i64,
    seen_at: i64,
    sku: Sku,
    delta: i64,
}

/// Everything that windows are about, in the order in which it arrived.
#[derive(Default)]
pub struct PlainWindows {
    sales: Vec<Sale>,
    changes: Vec<Change>,
    floors: BTreeMap<Sku, u32>,
    receipts: usize,
}

impl PlainWindows {
    /// Takes note of an event that `store` has stepped. What its timers did must have been done by
    /// a clock event at their time.
    pub fn note(&mut self, event: &Event, outcome: Outcome, store: &Store, effects: &Effects) {
        let seen_at = store.now().0;
        if let Body::Receipt(receipt) = &event.body
            && matches!(outcome, Outcome::Accepted | Outcome::Late)
        {
            self.receipts += 1;
            for line in &receipt.lines {
                self.sales.push(Sale {
                    at: event.at.0,
                    seen_at,
                    receipt: self.receipts,
                    customer: receipt.customer.map(|customer| customer.as_str().to_owned()),
                    sku: line.sku,
                    units: i64::from(line.units),
                    unit_price_cents: line.unit_price_cents,
                    total_cents: line.total_cents,
                });
            }
        }
        for shelf in effects.touched.iter().filter_map(|&index| store.shelf(index)) {
            let known = self.floors.insert(shelf.sku, shelf.floor_units).unwrap_or(0);
            let delta = i64::from(shelf.floor_units) - i64::from(known);
            if delta != 0 {
                let at = event.at.0;
                self.changes.push(Change { at, seen_at, sku: shelf.sku, delta });
            }
        }
    }

    /// All rows of the windows that have ended by `now`.
    pub fn rows(&self, plan: &WindowPlan, now: i64) -> BTreeMap<RowKey, PlainRow> {
        let mut rows = BTreeMap::new();
        for spec in &plan.windows {
            if spec.measure != Measure::Stock {
                self.add_sales(plan, spec, now, &mut rows);
            }
            if spec.measure != Measure::Sales {
                self.add_stock(plan, spec, now, &mut rows);
            }
        }
        rows
    }

    fn add_sales(
        &self,
        plan: &WindowPlan,
        spec: &WindowSpec,
        now: i64,
        rows: &mut BTreeMap<RowKey, PlainRow>,
    ) {
        let whole = matches!(spec.scope, WindowScope::Global | WindowScope::Store);
        for sale in &self.sales {
            for end in ends(spec, sale.at) {
                if end > now || sale.seen_at > end + plan.lateness_us {
                    continue;
                }
                let sku = (!whole).then_some(sale.sku);
                let row = rows.entry((spec.name.as_str().to_owned(), end, sku)).or_default();
                row.receipts.insert(sale.receipt);
                row.customers.extend(sale.customer.clone());
                row.units += sale.units.max(0);
                row.returned_units += (-sale.units).max(0);
                row.gross_cents += sale.units * sale.unit_price_cents;
                row.net_cents += sale.total_cents;
            }
        }
    }

    fn add_stock(
        &self,
        plan: &WindowPlan,
        spec: &WindowSpec,
        now: i64,
        rows: &mut BTreeMap<RowKey, PlainRow>,
    ) {
        let mut by_sku: BTreeMap<Sku, Vec<&Change>> = BTreeMap::new();
        for change in &self.changes {
            by_sku.entry(change.sku).or_default().push(change);
        }
        for (sku, mut changes) in by_sku {
            changes.sort_by_key(|change| change.at);
            let mut all: BTreeSet<i64> = changes.iter().flat_map(|c| ends(spec, c.at)).collect();
            // A window of sales alone tells the stock beside them.
            let sold = rows.keys().filter(|key| key.0 == spec.name.as_str() && key.2 == Some(sku));
            all.extend(sold.map(|key| key.1));
            for end in all.into_iter().filter(|&end| end <= now) {
                let stock = plain_stock(plan, spec, end, &changes);
                let key = (spec.name.as_str().to_owned(), end, Some(sku));
                if !stock.levels.is_empty() || rows.contains_key(&key) {
                    rows.entry(key).or_default().stock = Some(stock);
                }
            }
        }
        for (key, row) in rows.iter_mut().filter(|(key, _)| key.0 == spec.name.as_str()) {
            let floor = self.floors.get(&key.2.unwrap_or_default()).copied().unwrap_or(0);
            let start_units = i64::from(floor);
            row.stock.get_or_insert_with(|| PlainStock { start_units, levels: Vec::new() });
        }
    }
}

fn plain_stock(plan: &WindowPlan, spec: &WindowSpec, end: i64, changes: &[&Change]) -> PlainStock {
    let mut stock = PlainStock::default();
    let in_time = |change: &&&Change| change.at < end && change.seen_at <= end + plan.lateness_us;
    for change in changes.iter().filter(in_time) {
        if change.at < end - spec.size_us {
            stock.start_units += change.delta;
        } else {
            let level = stock.levels.last().copied().unwrap_or(stock.start_units);
            stock.levels.push(level + change.delta);
        }
    }
    stock
}

/// The ends of the windows that hold a moment.
fn ends(spec: &WindowSpec, at: i64) -> impl Iterator<Item = i64> + use<> {
    let (size, slide) = (spec.size_us, spec.slide_us);
    let last_start = at.div_euclid(slide) * slide;
    (0..size / slide).map(move |back| last_start - back * slide + size)
}

/// The results that a store has told, the latest of each row.
#[derive(Default)]
pub struct ToldWindows {
    rows: BTreeMap<RowKey, (u64, WindowRow)>,
    finals: BTreeSet<RowKey>,
}

impl ToldWindows {
    /// Takes note of a result. A revision must be higher than the ones before, and a row has one
    /// final result at most.
    pub fn note(&mut self, result: &WindowResult) {
        for row in &result.rows {
            let key = (result.window.as_str().to_owned(), result.end.0, row.sku);
            if result.stage == WindowStage::Final {
                assert!(self.finals.insert(key.clone()), "{key:?} is final twice");
            }
            let before = self.rows.insert(key, (result.revision, row.clone()));
            assert!(before.is_none_or(|(revision, _)| revision < result.revision));
        }
    }

    /// Compares what was told of the windows that ended by `now` with the plain windows.
    pub fn compare(&self, plain: &BTreeMap<RowKey, PlainRow>, now: i64) -> Result<usize, String> {
        let told: BTreeMap<&RowKey, &WindowRow> = self
            .rows
            .iter()
            .filter(|(key, _)| key.1 <= now)
            .map(|(key, (_, row))| (key, row))
            .collect();
        for (key, row) in &told {
            let expected = plain.get(*key).ok_or_else(|| format!("{key:?} was made up"))?;
            compare_row(expected, row).map_err(|what| format!("{key:?}: {what}"))?;
        }
        match plain.keys().find(|key| !told.contains_key(key)) {
            Some(lacking) => Err(format!("{lacking:?} was never told")),
            None => Ok(told.len()),
        }
    }

    /// The net revenue of the windows of a name that ended by `now`, in cents.
    pub fn net_of_ended(&self, window: &str, now: i64) -> i64 {
        let rows = self.rows.iter().filter(|(key, _)| key.0 == window && key.1 <= now);
        rows.map(|(_, (_, row))| row.sales.net_cents).sum()
    }
}

fn compare_row(expected: &PlainRow, row: &WindowRow) -> Result<(), String> {
    let sales = &row.sales;
    let told = (
        sales.transactions as usize,
        sales.customers.count() as usize,
        i64::from(sales.units),
        i64::from(sales.returned_units),
        sales.gross_cents,
        sales.net_cents,
    );
    let plain = (
        expected.receipts.len(),
        expected.customers.len(),
        expected.units,
        expected.returned_units,
        expected.gross_cents,
        expected.net_cents,
    );
    if told != plain {
        return Err(format!("told {told:?}, it is {plain:?}"));
    }
    let told = row.stock.as_deref().map(|stock| {
        let sums = stock.sums;
        let (min, max) = (sums.min_units, sums.max_units);
        let (sum, squares) = (sums.sum_units, sums.sum_squares);
        (sums.last_units, min, max, sums.change_units, sums.updates as usize, sum, squares)
    });
    let plain = expected.stock.as_ref().map(|stock| {
        let start = stock.start_units;
        let last = stock.levels.last().copied().unwrap_or(start);
        let min = stock.levels.iter().min().copied().unwrap_or(start);
        let max = stock.levels.iter().max().copied().unwrap_or(start);
        let sum: i64 = stock.levels.iter().sum();
        let squares = stock.levels.iter().map(|&level| i128::from(level * level)).sum::<i128>();
        (last, min, max, last - start, stock.levels.len(), sum, squares)
    });
    if told != plain {
        return Err(format!("told {told:?}, it is {plain:?} of {:?}", expected.stock));
    }
    Ok(())
}
