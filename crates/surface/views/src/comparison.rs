//! What was sold in some days beside the same days a week earlier.

use std::collections::BTreeMap;

use serde::Serialize;
use shelf_domain::{Day, FACT_DAYS, Kpi, STORE_FACT_DAYS, Sku, Store};

use crate::chain::Chain;
use crate::form;
use crate::kpis::{KpiBy, KpiFilter, KpiRow, KpisView, of_product};

/// So many days before.
const WEEK: i32 = 7;

/// A figure beside what it was a week earlier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Compared {
    /// The figure. Money is in currency units.
    pub value: f64,
    /// The same of the days a week earlier; `None` where not all of these are known.
    pub week_before: Option<f64>,
    /// By how much of that it has changed, in per cent; `None` too where it was nothing.
    pub change_percent: Option<f64>,
}

impl Compared {
    fn new(value: f64, week_before: Option<f64>) -> Self {
        // A fall that rounds to nothing is nothing, not less than that.
        let percent = |was: f64| ((value - was) / was * 1_000.0).round() / 10.0 + 0.0;
        let change_percent = week_before.filter(|was| *was > 0.0).map(percent);
        Self { value, week_before, change_percent }
    }

    /// The change as people read it: `+4.2 %`.
    pub fn change(&self) -> String {
        self.change_percent.map_or_else(|| "–".to_owned(), |percent| format!("{percent:+.1} %"))
    }
}

/// What was sold of one thing, beside a week earlier.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct SalesRow {
    /// Its id: of a store, a category, a sku; `chain` for all.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Receipts with it.
    pub transactions: Compared,
    /// Net revenue.
    pub revenue: Compared,
    /// Different customers, as far as receipts name one.
    pub customers: Compared,
    /// Units sold; what customers brought back is not taken off.
    pub units: Compared,
}

/// What was sold in some days beside the same days a week earlier.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct SalesView {
    /// The first day.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub from_date: Day,
    /// The last day.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub to_date: Day,
    /// The first day a week earlier.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub week_before_from_date: Day,
    /// The last day a week earlier.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub week_before_to_date: Day,
    /// What the rows are about.
    pub by: KpiBy,
    /// The rows.
    pub rows: Vec<SalesRow>,
    /// How many there are.
    pub total: u64,
}

impl SalesView {
    /// What the rows can be about.
    pub const BY: [KpiBy; 4] = [KpiBy::Chain, KpiBy::Store, KpiBy::Category, KpiBy::Product];

    /// The sales of the stores of a chain. A day that is not over has sold less than the whole day
    /// a week before: who compares asks for days that have ended.
    pub fn new(chain: &Chain<'_>, filter: &KpiFilter) -> Self {
        let (from, to) = (filter.from_day.plus(-WEEK), filter.to_day.plus(-WEEK));
        let now = KpisView::new(chain, filter);
        let earlier = KpiFilter { from_day: from, to_day: to, sort: None, limit: None, ..*filter };
        let stores = chain.select(filter.store);
        let before = match filter.by {
            // Of a long list only those that are shown.
            KpiBy::Product => {
                let of = |row: &KpiRow| of_product(&stores, &earlier, Sku::cut(&row.id));
                now.rows.iter().map(of).collect()
            }
            _ => KpisView::new(chain, &earlier).rows,
        };
        let before: BTreeMap<&str, &KpiRow> =
            before.iter().map(|row| (row.id.as_str(), row)).collect();
        let kept = match filter.by {
            KpiBy::Chain | KpiBy::Store => STORE_FACT_DAYS,
            KpiBy::Category | KpiBy::Product | KpiBy::Day => FACT_DAYS,
        };
        let row = |row: &KpiRow| {
            let of_row = |store: &Store| filter.by != KpiBy::Store || store.id().as_str() == row.id;
            let known =
                |kept| stores.iter().filter(|s| of_row(s)).all(|store| knows(store, from, kept));
            let was = before.get(row.id.as_str()).copied();
            // Revenue and units are summed over the products, whose days are forgotten first.
            sales_row(row, was.filter(|_| known(kept)), was.filter(|_| known(FACT_DAYS)))
        };
        Self {
            from_date: filter.from_day,
            to_date: filter.to_day,
            week_before_from_date: from,
            week_before_to_date: to,
            by: filter.by,
            rows: now.rows.iter().map(row).collect(),
            total: now.total,
        }
    }
}

impl SalesRow {
    /// Whether all of it stands beside a week earlier.
    pub fn known(&self) -> bool {
        self.revenue.week_before.and(self.customers.week_before).is_some()
    }
}

/// Whether a store knows a day and all after it, of facts that are kept for so many days.
fn knows(store: &Store, day: Day, kept: i32) -> bool {
    let first = store.store_days().next().map(|(first, _)| first);
    first.is_some_and(|first| first <= day) && store.day().since(day) < kept
}

/// A row beside that of a week earlier: who bought, and what was sold, each where it is known.
fn sales_row(row: &KpiRow, buyers: Option<&KpiRow>, sold: Option<&KpiRow>) -> SalesRow {
    let of = |row: &KpiRow, kpi: Kpi| row.figures.get(kpi.code()).copied().flatten();
    let compared = |kpi: Kpi, before: Option<&KpiRow>| {
        let was = before.map(|before| of(before, kpi).unwrap_or(0.0));
        Compared::new(of(row, kpi).unwrap_or(0.0), was)
    };
    let units = |row: &KpiRow| row.sold_units as f64;
    SalesRow {
        id: row.id.clone(),
        name: row.name.clone(),
        transactions: compared(Kpi::Receipts, buyers),
        revenue: compared(Kpi::NetRevenue, sold),
        customers: compared(Kpi::Customers, buyers),
        units: Compared::new(units(row), sold.map(units)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_that_rounds_to_nothing_has_no_sign_of_a_fall() {
        let change = |value: f64| Compared::new(value, Some(10_000.0)).change();
        assert_eq!((change(9_999.0).as_str(), change(10_001.0).as_str()), ("+0.0 %", "+0.0 %"));
        assert_eq!((change(9_900.0).as_str(), change(10_100.0).as_str()), ("-1.0 %", "+1.0 %"));
    }
}
