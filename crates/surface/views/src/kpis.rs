//! Key figures of some days: of the chain, its stores, its categories or its products.

use std::collections::BTreeMap;

use serde::Serialize;
use shelf_domain::{
    Category, Day, FactScope, Kpi, PeriodFacts, Sku, SkuFacts, SkuIndex, Store, StoreId,
};

use crate::chain::{Chain, product_name, store_name};
use crate::form;

/// What a row of figures is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KpiBy {
    /// All stores together.
    #[default]
    Chain,
    /// Each store.
    Store,
    /// Each category, over all stores; each has one zone.
    Category,
    /// Each product, over all stores.
    Product,
    /// Each day of the whole stores.
    Day,
}

impl KpiBy {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Chain, Self::Store, Self::Category, Self::Product, Self::Day];

    /// Its stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Chain => "chain",
            Self::Store => "store",
            Self::Category => "category",
            Self::Product => "product",
            Self::Day => "day",
        }
    }
}

/// Which figures are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KpiFilter {
    /// One store; all where there is none.
    pub store: Option<StoreId>,
    /// What the rows are about.
    pub by: KpiBy,
    /// The first day.
    pub from_day: Day,
    /// The last day.
    pub to_day: Day,
    /// The figure by which rows are in order, the highest first; their own order without one.
    pub sort: Option<Kpi>,
    /// The most rows.
    pub limit: Option<usize>,
}

/// The figures of one store, category, product or day.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct KpiRow {
    /// Its id: of a store, a category, a sku, a date; `chain` for all.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Each figure by its code; `null` where it is not known. Money is in currency units.
    #[schema(value_type = Object)]
    pub figures: BTreeMap<&'static str, Option<f64>>,
    /// Units sold; what customers brought back is not taken off.
    pub sold_units: u64,
}

/// How a figure is worked out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct KpiNote {
    /// Its code.
    pub kpi: &'static str,
    /// What it is counted in.
    pub unit: &'static str,
    /// How it is worked out.
    pub formula: &'static str,
    /// From what.
    pub source: &'static str,
}

/// Key figures of some days.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct KpisView {
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
    pub rows: Vec<KpiRow>,
    /// How many there are.
    pub total: u64,
    /// The figures, in order of the columns.
    pub notes: Vec<KpiNote>,
}

impl KpisView {
    /// The figures of the stores of a chain.
    pub fn new(chain: &Chain<'_>, filter: &KpiFilter) -> Self {
        let stores = chain.select(filter.store);
        let mut rows = match filter.by {
            KpiBy::Chain => whole(&stores, filter),
            KpiBy::Store => stores.iter().flat_map(|store| of_store(store, filter)).collect(),
            KpiBy::Category => by_category(&stores, filter),
            KpiBy::Product => by_product(&stores, filter),
            KpiBy::Day => by_day(&stores, filter),
        };
        let total = rows.len() as u64;
        if let Some(kpi) = filter.sort {
            let figure = |row: &KpiRow| row.figures.get(kpi.code()).copied().flatten();
            let key = |row: &KpiRow| figure(row).unwrap_or(f64::NEG_INFINITY);
            rows.sort_by(|a, b| key(b).total_cmp(&key(a)));
        }
        rows.truncate(filter.limit.unwrap_or(usize::MAX));
        let (from_date, to_date) = (filter.from_day, filter.to_day);
        Self { from_date, to_date, by: filter.by, rows, total, notes: kpi_notes() }
    }
}

/// How each figure is worked out.
pub fn kpi_notes() -> Vec<KpiNote> {
    let note = |kpi: &Kpi| KpiNote {
        kpi: kpi.code(),
        unit: kpi.unit().code(),
        formula: kpi.formula(),
        source: kpi.source(),
    };
    Kpi::ALL.iter().map(note).collect()
}

fn row(id: &str, name: String, facts: &PeriodFacts, of_store: bool) -> KpiRow {
    let figure = |kpi: &Kpi| {
        let milli = kpi.milli(facts, of_store);
        let scale = if kpi.unit() == shelf_domain::Unit::Money { 100_000.0 } else { 1_000.0 };
        (kpi.code(), milli.map(|milli| milli as f64 / scale))
    };
    let figures = Kpi::ALL.iter().map(figure).collect();
    KpiRow { id: id.to_owned(), name, figures, sold_units: facts.skus.sold }
}

fn sum<'a>(
    stores: &[&'a Store],
    filter: &KpiFilter,
    scope: impl Fn(&'a Store) -> Option<FactScope>,
) -> PeriodFacts {
    let mut all = PeriodFacts::default();
    for store in stores {
        if let Some(scope) = scope(store) {
            all.merge(&store.facts(scope, filter.from_day, filter.to_day));
        }
    }
    all
}

fn whole(stores: &[&Store], filter: &KpiFilter) -> Vec<KpiRow> {
    let facts = sum(stores, filter, |_| Some(FactScope::Store));
    vec![row("chain", together(stores, filter.store), &facts, true)]
}

/// The name of the stores that are summed: of the one that was chosen, its own.
pub(crate) fn together(stores: &[&Store], chosen: Option<StoreId>) -> String {
    match (chosen, stores) {
        (Some(_), [store]) => store_name(store),
        _ => "all stores".to_owned(),
    }
}

fn of_store(store: &Store, filter: &KpiFilter) -> Vec<KpiRow> {
    let facts = store.facts(FactScope::Store, filter.from_day, filter.to_day);
    vec![row(store.id().as_str(), store_name(store), &facts, true)]
}

fn by_category(stores: &[&Store], filter: &KpiFilter) -> Vec<KpiRow> {
    let mut categories: Vec<Category> = stores.iter().flat_map(|s| s.categories()).collect();
    categories.sort_unstable();
    categories.dedup();
    let of = |category: &Category| {
        let facts = sum(stores, filter, |_| Some(FactScope::Category(*category)));
        row(category.as_str(), category.as_str().to_owned(), &facts, false)
    };
    categories.iter().map(of).collect()
}

fn by_product(stores: &[&Store], filter: &KpiFilter) -> Vec<KpiRow> {
    let mut skus: BTreeMap<Sku, Vec<(&Store, SkuIndex)>> = BTreeMap::new();
    for store in stores {
        for index in store.skus() {
            if let Some(shelf) = store.shelf(index) {
                skus.entry(shelf.sku).or_default().push((store, index));
            }
        }
    }
    let of = |(sku, places): (&Sku, &Vec<(&Store, SkuIndex)>)| {
        let mut facts = PeriodFacts::default();
        for (store, index) in places {
            let scope = FactScope::Product(*index);
            facts.merge(&store.facts(scope, filter.from_day, filter.to_day));
        }
        let name = places.first().map(|(store, _)| product_name(store, *sku));
        row(sku.as_str(), name.unwrap_or_default(), &facts, false)
    };
    skus.iter().map(of).collect()
}

/// The products with the most of a sum of their own days, the most first: what
/// [`KpisView`] says of them, found without working out the figures of all others.
pub fn best_products(
    chain: &Chain<'_>,
    filter: &KpiFilter,
    sum: impl Fn(&SkuFacts) -> i64,
) -> Vec<KpiRow> {
    let stores = chain.select(filter.store);
    let mut sums: BTreeMap<Sku, i64> = BTreeMap::new();
    for store in &stores {
        for index in store.skus() {
            let Some(shelf) = store.shelf(index) else { continue };
            let days = store.sku_days(index);
            let asked = days.filter(|(day, _)| (filter.from_day..=filter.to_day).contains(day));
            let of_days: i64 = asked.map(|(_, facts)| sum(&facts)).sum();
            let all = sums.entry(shelf.sku).or_default();
            *all = all.saturating_add(of_days);
        }
    }
    let mut best: Vec<(Sku, i64)> = sums.into_iter().filter(|(_, sum)| *sum > 0).collect();
    best.sort_by_key(|(sku, sum)| (std::cmp::Reverse(*sum), *sku));
    best.truncate(filter.limit.unwrap_or(usize::MAX));
    best.iter().map(|(sku, _)| of_product(&stores, filter, *sku)).collect()
}

/// The figures of one product, over these stores.
pub(crate) fn of_product(stores: &[&Store], filter: &KpiFilter, sku: Sku) -> KpiRow {
    let mut facts = PeriodFacts::default();
    let mut name = None;
    for store in stores {
        let Some(index) = store.sku(sku) else { continue };
        let scope = FactScope::Product(index);
        facts.merge(&store.facts(scope, filter.from_day, filter.to_day));
        name.get_or_insert_with(|| product_name(store, sku));
    }
    row(sku.as_str(), name.unwrap_or_default(), &facts, false)
}

fn by_day(stores: &[&Store], filter: &KpiFilter) -> Vec<KpiRow> {
    let mut days: Vec<Day> = stores.iter().flat_map(|s| s.store_days()).map(|(d, _)| d).collect();
    days.retain(|day| (filter.from_day..=filter.to_day).contains(day));
    days.sort_unstable();
    days.dedup();
    let of = |day: &Day| {
        let one = KpiFilter { from_day: *day, to_day: *day, ..*filter };
        let facts = sum(stores, &one, |_| Some(FactScope::Store));
        let date = crate::wording::date(*day);
        row(&date, date.clone(), &facts, true)
    };
    days.iter().map(of).collect()
}
