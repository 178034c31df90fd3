//! What one day came to, for the report of the next morning.

use std::collections::BTreeMap;

use serde::Serialize;
use shelf_domain::{
    AlertId, AlertStatus, Cause, Day, Effect, Kpi, OrderStatus, Rule, Severity, Store, StoreId,
};
use shelf_events::OutputRecord;

use crate::chain::{self, Chain};
use crate::kpis::{KpiBy, KpiFilter, KpiRow, KpisView};
use crate::{form, wording};

/// So many products stand in the lists of the best and the last.
const LISTED: usize = 10;

/// Alerts of one rule within a day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DayAlerts {
    /// The rule.
    pub rule: &'static str,
    /// Opened.
    pub opened: u64,
    /// Of these, critical ones.
    pub critical: u64,
    /// Ended, and not brought back within the day.
    pub ended: u64,
}

/// Units of one cause within a day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DayCause {
    /// The cause.
    pub cause: &'static str,
    /// How often.
    pub times: u64,
    /// Units.
    pub units: i64,
    /// What they had cost, in cents, where that is known.
    pub cost_cents: i64,
}

/// What became of the orders within a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DayOrders {
    /// Sent.
    pub sent: u64,
    /// Units of these.
    pub sent_units: u64,
    /// What they cost, in cents, as far as costs are known.
    pub sent_cents: i64,
    /// Received to the end.
    pub received: u64,
    /// Cancelled.
    pub cancelled: u64,
}

/// What one day came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DayReport {
    /// The day.
    #[serde(serialize_with = "form::text")]
    pub date: Day,
    /// The store; `None` where several are told together.
    pub store: Option<StoreId>,
    /// Its name, or how many there are.
    pub title: String,
    /// The key figures of the day.
    pub figures: Option<KpiRow>,
    /// The same of the day a week before; `None` where it is not known.
    pub week_before: Option<KpiRow>,
    /// Each store, by revenue.
    pub stores: Vec<KpiRow>,
    /// Each category, by revenue.
    pub categories: Vec<KpiRow>,
    /// The products with the most revenue.
    pub best_products: Vec<KpiRow>,
    /// Of the products that were there to be sold, those with the least revenue.
    pub last_products: Vec<KpiRow>,
    /// The alerts, by rule; rules without any are left out.
    pub alerts: Vec<DayAlerts>,
    /// Orders.
    pub orders: DayOrders,
    /// What was taken out, by cause.
    pub removals: Vec<DayCause>,
    /// Where records and world disagreed, by cause.
    pub discrepancies: Vec<DayCause>,
    /// Alerts that stand when the report is made.
    pub alerts_standing: crate::tally::SeverityTally,
}

impl DayReport {
    /// The report of a day of one store, or of all together. `effects` are those of the log; of
    /// other days they do no harm.
    pub fn new(
        chain: &Chain<'_>,
        store: Option<StoreId>,
        date: Day,
        effects: &[OutputRecord],
    ) -> Self {
        let stores = chain.select(store);
        let rows = |by, date: Day, sort| {
            let filter = KpiFilter { store, by, from_day: date, to_day: date, sort, limit: None };
            KpisView::new(chain, &filter).rows
        };
        let sort = Some(Kpi::NetRevenue);
        let products = rows(KpiBy::Product, date, sort);
        let sellable = |row: &&KpiRow| figure(row, Kpi::Availability) != Some(0.0);
        let last = products.iter().rev().filter(sellable).take(LISTED).cloned().collect();
        let mut alerts_standing = crate::tally::SeverityTally::default();
        for alert in stores.iter().flat_map(|store| store.alerts_standing()) {
            alerts_standing.add(alert.severity);
        }
        let mut report = Self {
            date,
            store,
            title: title(&stores),
            figures: rows(KpiBy::Day, date, None).into_iter().next(),
            week_before: rows(KpiBy::Day, date.plus(-7), None).into_iter().next(),
            stores: rows(KpiBy::Store, date, sort),
            categories: rows(KpiBy::Category, date, sort),
            best_products: products.iter().take(LISTED).cloned().collect(),
            last_products: last,
            alerts: Vec::new(),
            orders: DayOrders::default(),
            removals: Vec::new(),
            discrepancies: Vec::new(),
            alerts_standing,
        };
        report.add_effects(&stores, effects);
        report
    }

    fn add_effects(&mut self, stores: &[&Store], effects: &[OutputRecord]) {
        let mut alerts: BTreeMap<&'static str, DayAlerts> = BTreeMap::new();
        // An end can be taken back, and come again: the last word about an alert counts.
        let mut ended: BTreeMap<(StoreId, AlertId), (&'static str, bool)> = BTreeMap::new();
        let mut removals: BTreeMap<&'static str, DayCause> = BTreeMap::new();
        let mut explained: BTreeMap<&'static str, DayCause> = BTreeMap::new();
        for record in effects {
            let store = stores.iter().find(|store| store.id() == record.store);
            if store.is_none_or(|store| store.settings().clock.day(record.at) != self.date) {
                continue;
            }
            match &record.effect {
                Effect::Alert(alert) => {
                    let code = Rule::code(alert.rule);
                    let row = alerts.entry(code).or_default();
                    row.rule = code;
                    let opens = alert.status == AlertStatus::Open && alert.count == 1;
                    if opens && alert.opened_at == record.at && alert.actor.is_none() {
                        row.opened += 1;
                        row.critical += u64::from(alert.severity == Severity::Critical);
                    }
                    let last = (code, !alert.status.standing());
                    ended.insert((record.store, alert.alert), last);
                }
                Effect::Order(order) => match order.status {
                    OrderStatus::Sent if order.changed_at == record.at => {
                        self.orders.sent += 1;
                        let units = order.lines.iter().map(|line| u64::from(line.units));
                        self.orders.sent_units += units.sum::<u64>();
                        self.orders.sent_cents += order.cost_cents();
                    }
                    OrderStatus::Received => self.orders.received += 1,
                    OrderStatus::Cancelled => self.orders.cancelled += 1,
                    _ => {}
                },
                Effect::Removed(notice) => {
                    let code = wording::removal_cause(notice.cause);
                    let row = removals.entry(code).or_default();
                    row.add(code, i64::from(notice.units), notice.cost_cents);
                }
                Effect::Explained(movement) => {
                    let code = Cause::code(movement.cause);
                    explained.entry(code).or_default().add(code, movement.units, 0);
                }
                _ => {}
            }
        }
        for (code, ended) in ended.into_values() {
            alerts.entry(code).or_default().ended += u64::from(ended);
        }
        self.alerts = alerts.into_values().filter(|row| row.opened + row.ended > 0).collect();
        self.removals = removals.into_values().collect();
        self.discrepancies = explained.into_values().collect();
    }
}

impl DayCause {
    fn add(&mut self, cause: &'static str, units: i64, cost_cents: i64) {
        self.cause = cause;
        self.times += 1;
        self.units += units;
        self.cost_cents = self.cost_cents.saturating_add(cost_cents);
    }
}

fn figure(row: &KpiRow, kpi: Kpi) -> Option<f64> {
    row.figures.get(kpi.code()).copied().flatten()
}

fn title(stores: &[&Store]) -> String {
    match stores {
        [only] => chain::store_name(only),
        several => wording::counted(several.len() as u64, "store"),
    }
}
