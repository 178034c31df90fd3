//! Key figures: each a formula over the sums of days, so that a figure of many stores, products or
//! days is made from their sums and never from their figures. `docs/kpis.md` is made from this
//! table.

use crate::facts::PeriodFacts;
use crate::time::{DAY, HOUR};

/// What a figure is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    /// Parts of a hundred.
    Percent,
    /// A plain number.
    Number,
    /// Units of a product.
    Units,
    /// Cents.
    Money,
    /// Days.
    Days,
}

impl Unit {
    /// Its stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Percent => "%",
            Self::Number => "number",
            Self::Units => "units",
            Self::Money => "money",
            Self::Days => "days",
        }
    }
}

macro_rules! kpis {
    ($($kpi:ident = $code:literal, $unit:ident, $formula:literal, $source:literal;)*) => {
        /// A key figure.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kpi {
            $(#[doc = $formula] $kpi,)*
        }

        impl Kpi {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$kpi),*];

            /// Its stable name.
            pub fn code(self) -> &'static str {
                match self { $(Self::$kpi => $code,)* }
            }

            /// What it is counted in.
            pub fn unit(self) -> Unit {
                match self { $(Self::$kpi => Unit::$unit,)* }
            }

            /// How it is worked out.
            pub fn formula(self) -> &'static str {
                match self { $(Self::$kpi => $formula,)* }
            }

            /// What it is worked out from.
            pub fn source(self) -> &'static str {
                match self { $(Self::$kpi => $source,)* }
            }
        }
    };
}

kpis! {
    Availability = "on_shelf_availability", Percent,
        "(open shelf time - open time in which the shelf was empty) / open shelf time",
        "shelf sensors, refills, opening hours; days that have ended";
    StockOutRate = "stock_out_rate", Percent,
        "days on which a shelf stood empty at some open time / open days of shelves",
        "shelf sensors, refills, opening hours; days that have ended";
    EmptyShelves = "empty_shelves", Percent,
        "shelves that are empty now / shelves",
        "the stock of this moment";
    FillRate = "fill_rate", Percent,
        "units delivered, over-delivery left out / units ordered",
        "supplier orders that have ended, wh_in";
    Turnover = "turnover", Number,
        "units sold, returns taken off / mean units in the shop",
        "receipts, stock over time";
    DaysOfCover = "days_of_cover", Days,
        "units in the shop now / units sold a day, returns taken off",
        "the stock of this moment, receipts";
    SellThrough = "sell_through", Percent,
        "units sold, returns taken off / (units in the shop at the start + units received)",
        "receipts, wh_in, opening stock, the stock of this moment";
    WasteUnits = "waste_units", Units,
        "units taken out because they were expired, damaged, recalled or stolen",
        "removals, expiry at day change";
    WasteShare = "waste_share", Percent,
        "what wasted units had cost / net revenue",
        "removals, expiry at day change, receipts, product cost";
    Shrink = "shrink", Percent,
        "what unexplained units had cost / net revenue",
        "unexplained movements, receipts, product cost";
    ShrinkUnits = "shrink_units", Units,
        "units that left the books unexplained, less those that came onto them",
        "unexplained movements";
    GrossMargin = "gross_margin", Percent,
        "(net revenue - cost of the units sold) / net revenue, of products whose cost is known",
        "receipts, product cost";
    NetRevenue = "net_revenue", Money,
        "sum of the totals of receipt lines",
        "receipts";
    Discount = "discount", Money,
        "unit prices times units, less net revenue",
        "receipts";
    Receipts = "receipts", Number,
        "receipts; of a product or category, those with a line of it",
        "receipts";
    AverageBasket = "average_basket", Money,
        "net revenue / receipts",
        "receipts";
    BasketSize = "basket_size", Units,
        "units sold, returns taken off / receipts",
        "receipts";
    Customers = "customers", Number,
        "different customers on receipts, exact up to 1,024, then within 1.6 %",
        "receipts";
    Visits = "visits", Number,
        "customers who came in",
        "door counters";
    Conversion = "conversion", Percent,
        "receipts / visits",
        "receipts, door counters";
    RevenuePerHour = "revenue_per_hour", Money,
        "net revenue / open hours",
        "receipts, opening hours";
    RecordAccuracy = "stock_record_accuracy", Percent,
        "counts by a person that found what the records said / counts by a person",
        "counts";
}

/// A figure in thousandths of its unit (of a per cent, a cent, a day).
pub type Milli = i64;

fn ratio(part: i128, whole: i128, scale: i128) -> Option<Milli> {
    (whole > 0).then(|| {
        let twice = 2 * part * scale + whole;
        twice.div_euclid(2 * whole).clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
    })
}

const PERCENT: i128 = 100_000;
const WHOLE: i128 = 1_000;

impl Kpi {
    /// The figure of some days of a part of a chain, in thousandths of its unit, rounded to the
    /// nearest; `None` where it is not known. `of_store`: whether they are those of whole stores.
    pub fn milli(self, facts: &PeriodFacts, of_store: bool) -> Option<Milli> {
        let (skus, buyers, store) = (&facts.skus, &facts.buyers, &facts.store);
        let sold = i128::from(skus.sold) - i128::from(skus.returned);
        let net = i128::from(skus.net_cents);
        let receipts = i128::from(buyers.receipts);
        let whole = |value: i128| ratio(value, 1, WHOLE);
        match self {
            Self::Availability => {
                let open = i128::from(skus.open_us);
                ratio(open - i128::from(skus.empty_us), open, PERCENT)
            }
            Self::StockOutRate => ratio(skus.empty_days.into(), skus.shelf_days.into(), PERCENT),
            Self::EmptyShelves => ratio(facts.empty_shelves.into(), facts.shelves.into(), PERCENT),
            Self::FillRate => ratio(skus.delivered.into(), skus.ordered.into(), PERCENT),
            Self::Turnover => {
                let mean_milli = i128::from(facts.mean_stock_milli.unwrap_or(0));
                ratio(sold * 1_000, mean_milli, WHOLE)
            }
            Self::DaysOfCover => {
                let elapsed_us = i128::from(store.elapsed_ms) * 1_000;
                let on_hand = i128::from(facts.on_hand_units);
                ratio(on_hand * elapsed_us, sold * i128::from(DAY), WHOLE)
            }
            Self::SellThrough => {
                let had = i128::from(facts.start_units) + i128::from(skus.received);
                ratio(sold, had, PERCENT)
            }
            Self::WasteUnits => whole(skus.wasted.into()),
            Self::WasteShare => ratio(skus.waste_cents.into(), net, PERCENT),
            Self::Shrink => ratio(skus.unexplained_cents.into(), net, PERCENT),
            Self::ShrinkUnits => whole(skus.unexplained.into()),
            Self::GrossMargin => {
                let costed = i128::from(skus.costed_net_cents);
                ratio(costed - i128::from(skus.cost_cents), costed, PERCENT)
            }
            Self::NetRevenue => whole(net),
            Self::Discount => whole(i128::from(skus.gross_cents) - net),
            Self::Receipts => whole(receipts),
            Self::AverageBasket => ratio(net, receipts, WHOLE),
            Self::BasketSize => ratio(sold, receipts, WHOLE),
            Self::Customers => whole(buyers.customers.count().into()),
            Self::Visits if of_store => whole(store.visits.into()),
            Self::Conversion if of_store => ratio(receipts, store.visits.into(), PERCENT),
            Self::RevenuePerHour => ratio(net * i128::from(HOUR), store.open_us.into(), WHOLE),
            Self::RecordAccuracy => ratio(skus.right_counts.into(), skus.counts.into(), PERCENT),
            Self::Visits | Self::Conversion => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::SkuFacts;

    fn facts() -> PeriodFacts {
        let skus = SkuFacts {
            sold: 100,
            returned: 4,
            received: 80,
            wasted: 3,
            unexplained: 2,
            gross_cents: 20_000,
            net_cents: 19_200,
            cost_cents: 9_600,
            costed_net_cents: 19_200,
            waste_cents: 300,
            unexplained_cents: 200,
            ordered: 90,
            delivered: 81,
            open_us: 1_000,
            empty_us: 30,
            shelf_days: 20,
            empty_days: 1,
            counts: 8,
            right_counts: 6,
            ..SkuFacts::default()
        };
        let mut facts = PeriodFacts { skus, ..PeriodFacts::default() };
        facts.buyers.receipts = 24;
        facts.store.visits = 40;
        facts.store.elapsed_ms = 2 * 24 * 3_600_000;
        facts.store.open_us = 8 * HOUR;
        facts.on_hand_units = 72;
        facts.start_units = 91;
        facts.mean_stock_milli = Some(80_000);
        (facts.shelves, facts.empty_shelves) = (20, 3);
        facts
    }

    #[test]
    fn each_figure_is_its_formula() {
        let facts = facts();
        let of = |kpi: Kpi| kpi.milli(&facts, true).unwrap();
        assert_eq!(of(Kpi::Availability), 97_000);
        assert_eq!(of(Kpi::StockOutRate), 5_000);
        assert_eq!(of(Kpi::EmptyShelves), 15_000);
        assert_eq!(of(Kpi::FillRate), 90_000);
        assert_eq!(of(Kpi::Turnover), 1_200);
        assert_eq!(of(Kpi::DaysOfCover), 1_500);
        assert_eq!(of(Kpi::SellThrough), 56_140); // 96 / 171
        assert_eq!(of(Kpi::WasteShare), 1_563);
        assert_eq!(of(Kpi::Shrink), 1_042);
        assert_eq!(of(Kpi::GrossMargin), 50_000);
        assert_eq!(of(Kpi::Discount), 800_000);
        assert_eq!(of(Kpi::AverageBasket), 800_000);
        assert_eq!(of(Kpi::BasketSize), 4_000);
        assert_eq!(of(Kpi::Conversion), 60_000);
        assert_eq!(of(Kpi::RevenuePerHour), 2_400_000);
        assert_eq!(of(Kpi::RecordAccuracy), 75_000);
    }

    #[test]
    fn a_figure_of_nothing_is_not_known() {
        let nothing = PeriodFacts::default();
        for &kpi in Kpi::ALL {
            let value = kpi.milli(&nothing, true);
            assert!(value.is_none_or(|value| value == 0), "{}: {value:?}", kpi.code());
        }
        assert_eq!(Kpi::Availability.milli(&nothing, true), None);
        assert_eq!(Kpi::Conversion.milli(&facts(), false), None);
    }

    #[test]
    fn two_stores_are_one_sum_and_not_a_mean_of_figures() {
        let (one, mut other) = (facts(), facts());
        other.buyers.receipts = 240;
        other.skus.net_cents = 19_200;
        let mut both = one.clone();
        both.merge(&other);
        assert_eq!(Kpi::AverageBasket.milli(&both, true), Some(145_455)); // 384.00 / 264
        assert_eq!(Kpi::DaysOfCover.milli(&both, true), Some(1_500));
        assert_eq!(Kpi::Turnover.milli(&both, true), Some(1_200));
    }
}
