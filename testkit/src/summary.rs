//! The plain picture of a store's stock that tests compare. The model fills it, and so does the
//! core: it must never know how either of them works.

use std::fmt;

use shelf_domain::Day;

/// The sums of one sku, or of a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stock {
    /// Units ever received.
    pub received: i64,
    /// Units ever returned by customers.
    pub returned: i64,
    /// Units ever sold.
    pub sold: i64,
    /// Units ever taken out other than by a sale.
    pub removed: i64,
    /// Units that left the books without a sale or removal; negative where they came onto them.
    pub unexplained: i64,
    /// Units on the shelf.
    pub floor: i64,
    /// Units picked and not paid.
    pub carts: i64,
    /// Units in the warehouse.
    pub warehouse: i64,
    /// Units between warehouse and shelf.
    pub transit: i64,
    /// Floor and carts less the lots' floor units.
    pub lot_gap: i64,
    /// The sum of the receipt lines' totals, in cents.
    pub revenue_cents: i64,
}

impl Stock {
    /// Adds each sum of `other`.
    pub fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.returned += other.returned;
        self.sold += other.sold;
        self.removed += other.removed;
        self.unexplained += other.unexplained;
        self.floor += other.floor;
        self.carts += other.carts;
        self.warehouse += other.warehouse;
        self.transit += other.transit;
        self.lot_gap += other.lot_gap;
        self.revenue_cents += other.revenue_cents;
    }
}

/// One lot with units.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LotSummary {
    /// Its code.
    pub code: String,
    /// When it was received.
    pub received_day: Day,
    /// When it expires; [`Day::NEVER`] where it does not.
    pub expiry_day: Day,
    /// Units on the floor, those in carts included.
    pub floor: i64,
    /// Units in the warehouse.
    pub warehouse: i64,
    /// Units between warehouse and shelf.
    pub transit: i64,
}

/// One sku.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SkuSummary {
    /// The sku.
    pub sku: String,
    /// Its sums.
    pub stock: Stock,
    /// Its lots with units, by code.
    pub lots: Vec<LotSummary>,
}

/// One store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreSummary {
    /// Its skus, by code.
    pub skus: Vec<SkuSummary>,
}

impl StoreSummary {
    /// Brings `skus` into the one form that can be compared: sorted, and without lots that have no
    /// units.
    pub fn new(mut skus: Vec<SkuSummary>) -> Self {
        skus.sort_by(|a, b| a.sku.cmp(&b.sku));
        for sku in &mut skus {
            sku.lots.retain(|lot| (lot.floor, lot.warehouse, lot.transit) != (0, 0, 0));
            sku.lots.sort();
        }
        Self { skus }
    }

    /// The sums over all skus.
    pub fn total(&self) -> Stock {
        let mut total = Stock::default();
        for sku in &self.skus {
            total.add(&sku.stock);
        }
        total
    }
}

/// Amounts that are 0 are left out; where all are, it says `nothing`.
impl fmt::Display for Stock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = amounts(&[
            ("floor", self.floor),
            ("carts", self.carts),
            ("warehouse", self.warehouse),
            ("transit", self.transit),
            ("lot gap", self.lot_gap),
        ]);
        let books = amounts(&[
            ("received", self.received),
            ("returned", self.returned),
            ("sold", self.sold),
            ("removed", self.removed),
            ("unexplained", self.unexplained),
        ]);
        let mut parts = vec![places, books];
        if self.revenue_cents != 0 {
            parts.push(format!("revenue {}", money(self.revenue_cents)));
        }
        parts.retain(|part| !part.is_empty());
        if parts.is_empty() { f.write_str("nothing") } else { f.write_str(&parts.join("; ")) }
    }
}

impl fmt::Display for LotSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = amounts(&[
            ("floor", self.floor),
            ("warehouse", self.warehouse),
            ("transit", self.transit),
        ]);
        let (received, expiry) = (date(self.received_day), date(self.expiry_day));
        write!(f, "{} ({received} to {expiry}): {units}", self.code)
    }
}

impl fmt::Display for StoreSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for sku in &self.skus {
            writeln!(f, "{}: {}", sku.sku, sku.stock)?;
            for lot in &sku.lots {
                writeln!(f, "  {lot}")?;
            }
        }
        Ok(())
    }
}

/// `2026-01-05`, or `never`.
pub fn date(day: Day) -> String {
    if day == Day::NEVER {
        return "never".to_owned();
    }
    let (year, month, day_of_month) = day.civil();
    format!("{year:04}-{month:02}-{day_of_month:02}")
}

/// `1.99` for 199 cents.
pub fn money(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", cents.unsigned_abs() / 100, cents.unsigned_abs() % 100)
}

fn amounts(named: &[(&str, i64)]) -> String {
    let shown = named.iter().filter(|(_, units)| *units != 0);
    shown.map(|(name, units)| format!("{name} {units}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_shows_what_is_not_zero_in_one_order() {
        let stock = Stock { floor: 7, lot_gap: -1, sold: 3, revenue_cents: -5, ..Stock::default() };
        let full = LotSummary { code: "L1".to_owned(), floor: 8, ..LotSummary::default() };
        let empty = LotSummary { code: "L0".to_owned(), ..LotSummary::default() };
        let milk = SkuSummary { sku: "MILK".to_owned(), stock, lots: vec![full, empty] };
        let bread = SkuSummary { sku: "BREAD".to_owned(), ..SkuSummary::default() };
        let summary = StoreSummary::new(vec![milk, bread]);
        let text = "BREAD: nothing\n\
                    MILK: floor 7, lot gap -1; sold 3; revenue -0.05\n  \
                    L1 (1970-01-01 to 1970-01-01): floor 8\n";
        assert_eq!(summary.to_string(), text);
        assert_eq!(summary.total(), stock);
    }
}
