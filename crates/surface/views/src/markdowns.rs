//! What cuts in price before expiry did: what sold for a cut price, what it would have come to
//! before, and what expired all the same. Only receipts that name the lot say so.

use serde::Serialize;
use shelf_domain::{Category, Day, FactScope, SkuFacts, Store};

use crate::chain::{Chain, store_name};
use crate::form;
use crate::kpis::{KpiBy, KpiFilter, together};

/// What cuts in price did, for a store, a category or a day.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct MarkdownRow {
    /// Its id: of a store, a category, a date; `chain` for all.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Units sold from lots that were cut in price; `null` where units were sold and no receipt
    /// names a lot.
    pub sold_units: Option<u64>,
    /// What these come to before discount, in cents.
    pub list_cents: Option<i64>,
    /// What these come to, in cents.
    pub net_cents: Option<i64>,
    /// What was given away: the difference, in cents.
    pub given_cents: Option<i64>,
    /// Units that expired although their lot was cut in price.
    pub expired_units: u64,
    /// Of the units of cut lots that were sold or expired, those that were sold, in per cent;
    /// `null` where there are none.
    pub saved_percent: Option<f64>,
    /// Of the units sold, those whose receipt names the lot, in per cent; `null` where none sold.
    pub lot_read_percent: Option<f64>,
}

/// What cuts in price did in some days.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct MarkdownsView {
    /// The first day.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub from_date: Day,
    /// The last day.
    #[serde(serialize_with = "form::text")]
    #[schema(value_type = String)]
    pub to_date: Day,
    /// What the rows are about.
    pub by: KpiBy,
    /// The rows.
    pub rows: Vec<MarkdownRow>,
    /// How many there are.
    pub total: u64,
}

fn percent(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 * 100.0 / whole as f64)
}

impl MarkdownRow {
    fn new(id: String, name: String, facts: &SkuFacts) -> Self {
        let known = facts.lot_sold > 0 || facts.sold == 0;
        let (list, net) = (facts.reduced_gross_cents, facts.reduced_net_cents);
        let at_stake = facts.reduced_sold + facts.reduced_expired;
        Self {
            id,
            name,
            sold_units: known.then_some(facts.reduced_sold),
            list_cents: known.then_some(list),
            net_cents: known.then_some(net),
            given_cents: known.then_some(list.saturating_sub(net)),
            expired_units: facts.reduced_expired,
            saved_percent: percent(facts.reduced_sold, at_stake).filter(|_| known),
            lot_read_percent: percent(facts.lot_sold, facts.sold),
        }
    }

    /// Whether anything was cut in price, as far as is known.
    fn anything(&self) -> bool {
        self.sold_units.is_none_or(|units| units > 0) || self.expired_units > 0
    }
}

impl MarkdownsView {
    /// What the stores of a chain tell of the days of the filter, by chain, store, category or day;
    /// by product it says nothing. Days and stores all have a row, categories where there is
    /// something to tell, the most sold first.
    pub fn new(chain: &Chain<'_>, filter: &KpiFilter) -> Self {
        let stores = chain.select(filter.store);
        let days = (filter.from_day, filter.to_day);
        let mut rows = match filter.by {
            KpiBy::Chain => {
                let facts = sum(&stores, FactScope::Store, days);
                let name = together(&stores, filter.store);
                vec![MarkdownRow::new("chain".to_owned(), name, &facts)]
            }
            KpiBy::Store => stores.iter().map(|store| of_store(store, days)).collect(),
            KpiBy::Category => by_category(&stores, days),
            KpiBy::Day => by_day(&stores, days),
            KpiBy::Product => Vec::new(),
        };
        let total = rows.len() as u64;
        rows.truncate(filter.limit.unwrap_or(usize::MAX));
        let (from_date, to_date) = days;
        Self { from_date, to_date, by: filter.by, rows, total }
    }
}

fn sum(stores: &[&Store], scope: FactScope, (from, to): (Day, Day)) -> SkuFacts {
    let mut all = SkuFacts::default();
    for store in stores {
        all.merge(&store.facts(scope, from, to).skus);
    }
    all
}

fn of_store(store: &Store, days: (Day, Day)) -> MarkdownRow {
    let facts = sum(&[store], FactScope::Store, days);
    MarkdownRow::new(store.id().to_string(), store_name(store), &facts)
}

fn by_category(stores: &[&Store], days: (Day, Day)) -> Vec<MarkdownRow> {
    let mut categories: Vec<Category> = stores.iter().flat_map(|s| s.categories()).collect();
    categories.sort_unstable();
    categories.dedup();
    let of = |category: &Category| {
        let facts = sum(stores, FactScope::Category(*category), days);
        MarkdownRow::new(category.to_string(), category.to_string(), &facts)
    };
    let mut rows: Vec<MarkdownRow> = categories.iter().map(of).collect();
    rows.retain(MarkdownRow::anything);
    rows.sort_by_key(|row| std::cmp::Reverse((row.sold_units, row.expired_units)));
    rows
}

fn by_day(stores: &[&Store], (from, to): (Day, Day)) -> Vec<MarkdownRow> {
    let mut days: Vec<Day> = stores.iter().flat_map(|s| s.store_days()).map(|(d, _)| d).collect();
    days.retain(|day| (from..=to).contains(day));
    days.sort_unstable();
    days.dedup();
    let of = |day: &Day| {
        let date = crate::wording::date(*day);
        MarkdownRow::new(date.clone(), date, &sum(stores, FactScope::Store, (*day, *day)))
    };
    days.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(facts: SkuFacts) -> MarkdownRow {
        MarkdownRow::new(String::new(), String::new(), &facts)
    }

    #[test]
    fn what_was_given_away_and_what_was_saved() {
        let facts = SkuFacts {
            sold: 40,
            lot_sold: 30,
            reduced_sold: 6,
            reduced_gross_cents: 1_200,
            reduced_net_cents: 700,
            reduced_expired: 2,
            ..SkuFacts::default()
        };
        let told = row(facts);
        assert_eq!((told.sold_units, told.given_cents), (Some(6), Some(500)));
        assert_eq!((told.saved_percent, told.lot_read_percent), (Some(75.0), Some(75.0)));
    }

    #[test]
    fn where_no_receipt_names_a_lot_nothing_is_known() {
        let told = row(SkuFacts { sold: 40, reduced_expired: 2, ..SkuFacts::default() });
        assert_eq!((told.sold_units, told.list_cents, told.saved_percent), (None, None, None));
        assert_eq!((told.expired_units, told.lot_read_percent), (2, Some(0.0)));
        assert!(told.anything());
        let none = row(SkuFacts::default());
        assert_eq!(
            (none.sold_units, none.saved_percent, none.lot_read_percent),
            (Some(0), None, None)
        );
        assert!(!none.anything());
    }
}
