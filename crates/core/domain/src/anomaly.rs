//! Rules over sales, stock and silence: what is out of the ordinary. They are data: the values come
//! from the policies, and each can be switched off there. `docs/design/anomalies.md` has them in
//! words.

use serde::{Deserialize, Serialize};

use crate::alert::{Rule, Severity};
use crate::alerts::{Facts, Subject};
use crate::effect::{Effect, Effects};
use crate::event::{Place, Receipt, ReceiptLine};
use crate::ids::SkuIndex;
use crate::policy::lay;
use crate::quantity::{BasisPoints, price_after};
use crate::store::Store;
use crate::time::{HOUR, MINUTE, Timestamp};
use crate::timer::Timer;
use crate::windows::{Depleted, Measure, WindowResult, WindowScope, WindowStage};

/// How long something that happened stands when it does not happen again.
pub const PASSING_US: i64 = HOUR;
/// So many windows are what the sales of a product are compared with.
pub const SPIKE_WINDOWS: usize = 11;
/// From so many units that the till sold without a word of the sensor on, the sensor counts as
/// silent.
pub const SILENT_UNITS: u32 = 3;
/// From so many customers who left without a receipt on, the tills count as silent.
pub const SILENT_EXITS: u32 = 5;

/// The values of the rules for some shelves; what is not set falls through to the next wider
/// policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnomalyPolicy {
    /// A spike lies so many standard deviations above the mean, in thousandths.
    pub spike_z_milli: Option<u32>,
    /// Fewer units in a window than this are no spike.
    pub spike_min_units: Option<u32>,
    /// A receipt of more than this is told, in cents.
    pub high_value_cents: Option<u32>,
    /// So many units in the shop, or fewer, are low.
    pub low_stock_units: Option<u32>,
    /// A shelf that loses more than this part in a window depletes.
    pub depletion: Option<BasisPoints>,
    /// A shelf that loses fewer units than this does not deplete.
    pub depletion_min_units: Option<u32>,
    /// More units in the shop than this are too many.
    pub overstock_units: Option<u32>,
    /// Fewer units in the shop than this are below the safety stock.
    pub safety_stock_units: Option<u32>,
    /// By so many cents a unit's price may be off.
    pub price_tolerance_cents: Option<u32>,
    /// For so many minutes a shelf's sensor may say nothing while the till sells.
    pub sensor_silent_minutes: Option<u16>,
    /// For so many minutes the tills may say nothing while customers leave.
    pub till_silent_minutes: Option<u16>,
    /// The rules that are switched off, by the bit of their number.
    pub off: Option<u32>,
}

/// What the policies come to for one shelf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnomalyRules {
    /// See [`AnomalyPolicy`].
    pub spike_z_milli: u32,
    /// See [`AnomalyPolicy`].
    pub spike_min_units: u32,
    /// See [`AnomalyPolicy`].
    pub high_value_cents: u32,
    /// See [`AnomalyPolicy`].
    pub low_stock_units: u32,
    /// See [`AnomalyPolicy`].
    pub depletion: BasisPoints,
    /// See [`AnomalyPolicy`].
    pub depletion_min_units: u32,
    /// See [`AnomalyPolicy`]; without one the capacity of shelf and warehouse.
    pub overstock_units: u32,
    /// See [`AnomalyPolicy`]; `None`: by the expected sales.
    pub safety_stock_units: Option<u32>,
    /// See [`AnomalyPolicy`].
    pub price_tolerance_cents: u32,
    /// See [`AnomalyPolicy`].
    pub sensor_silent_minutes: u16,
    /// See [`AnomalyPolicy`].
    pub till_silent_minutes: u16,
    /// See [`AnomalyPolicy`].
    pub off: u32,
}

impl Default for AnomalyRules {
    fn default() -> Self {
        Self {
            spike_z_milli: 3_000,
            spike_min_units: 8,
            high_value_cents: 100_000,
            low_stock_units: 10,
            depletion: BasisPoints::percent(50),
            depletion_min_units: 5,
            overstock_units: 200,
            safety_stock_units: None,
            price_tolerance_cents: 1,
            sensor_silent_minutes: 240,
            till_silent_minutes: 30,
            off: 0,
        }
    }
}

impl AnomalyPolicy {
    /// The bit of a rule in [`AnomalyPolicy::off`].
    pub fn bit(rule: Rule) -> u32 {
        1 << rule as u32
    }

    /// The bits of all rules about what is out of the ordinary.
    pub fn all_bits() -> u32 {
        let rules = Rule::ALL.into_iter().filter(|rule| *rule >= Rule::SalesSpike);
        rules.map(Self::bit).fold(0, |all, bit| all | bit)
    }

    /// Lays the values that `over` sets over these.
    pub(crate) fn overlay(&mut self, over: &Self) {
        lay(&mut self.spike_z_milli, over.spike_z_milli);
        lay(&mut self.spike_min_units, over.spike_min_units);
        lay(&mut self.high_value_cents, over.high_value_cents);
        lay(&mut self.low_stock_units, over.low_stock_units);
        lay(&mut self.depletion, over.depletion);
        lay(&mut self.depletion_min_units, over.depletion_min_units);
        lay(&mut self.overstock_units, over.overstock_units);
        lay(&mut self.safety_stock_units, over.safety_stock_units);
        lay(&mut self.price_tolerance_cents, over.price_tolerance_cents);
        lay(&mut self.sensor_silent_minutes, over.sensor_silent_minutes);
        lay(&mut self.till_silent_minutes, over.till_silent_minutes);
        lay(&mut self.off, over.off);
    }

    /// What it comes to for a shelf of this capacity, the warehouse included; 0 where that is not
    /// known.
    pub(crate) fn resolve(&self, capacity_units: u32) -> AnomalyRules {
        let defaults = AnomalyRules::default();
        let most = if capacity_units > 0 { capacity_units } else { defaults.overstock_units };
        AnomalyRules {
            spike_z_milli: self.spike_z_milli.unwrap_or(defaults.spike_z_milli),
            spike_min_units: self.spike_min_units.unwrap_or(defaults.spike_min_units),
            high_value_cents: self.high_value_cents.unwrap_or(defaults.high_value_cents),
            low_stock_units: self.low_stock_units.unwrap_or(defaults.low_stock_units),
            depletion: self.depletion.unwrap_or(defaults.depletion),
            depletion_min_units: self.depletion_min_units.unwrap_or(defaults.depletion_min_units),
            overstock_units: self.overstock_units.unwrap_or(most),
            safety_stock_units: self.safety_stock_units,
            price_tolerance_cents: self
                .price_tolerance_cents
                .unwrap_or(defaults.price_tolerance_cents),
            sensor_silent_minutes: self
                .sensor_silent_minutes
                .unwrap_or(defaults.sensor_silent_minutes),
            till_silent_minutes: self.till_silent_minutes.unwrap_or(defaults.till_silent_minutes),
            off: self.off.unwrap_or(defaults.off),
        }
    }
}

impl AnomalyRules {
    pub(crate) fn on(&self, rule: Rule) -> bool {
        self.off & AnomalyPolicy::bit(rule) == 0
    }
}

/// The last windows of a product that had sales, and since when it has any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SalesHistory {
    first_end: Option<Timestamp>,
    /// End and units of each.
    windows: alloc::collections::VecDeque<(Timestamp, u32)>,
}

impl SalesHistory {
    /// Takes note of a window, and says how many thousandths of a standard deviation its units lie
    /// above the mean of the windows before it; `None` while there are too few.
    ///
    /// Windows without sales count. The deviation is taken as no less than that of independent
    /// sales, the root of the mean, and no less than one unit: a flat series makes no spike of the
    /// next sale.
    fn note(&mut self, end: Timestamp, units: u32, size_us: i64) -> Option<u32> {
        let span = size_us * SPIKE_WINDOWS as i64;
        let from = end.plus(-span);
        while self.windows.front().is_some_and(|(old, _)| *old < from) {
            self.windows.pop_front();
        }
        let first = *self.first_end.get_or_insert(end);
        let sum: u64 = self.windows.iter().map(|(_, units)| u64::from(*units)).sum();
        let squares: u64 = self.windows.iter().map(|(_, units)| u64::from(*units).pow(2)).sum();
        self.windows.push_back((end, units));
        if end.since(first) < span {
            return None;
        }
        let count = SPIKE_WINDOWS as u64;
        // All of it times the number of windows, the deviation in thousandths.
        let variance = (count * squares).saturating_sub(sum * sum).max(count * sum);
        let deviation_milli =
            (u128::from(variance) * 1_000_000).isqrt().max(1_000 * u128::from(count));
        let above = u128::from((count * u64::from(units)).saturating_sub(sum));
        Some((above * 1_000_000 / deviation_milli).min(u128::from(u32::MAX)) as u32)
    }
}

/// What the store remembers for these rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Silence {
    /// The last receipt.
    receipt_at: Option<Timestamp>,
    /// Customers who have left since.
    exits: u32,
}

impl Store {
    fn shelf_facts(&self, index: SkuIndex, severity: Severity, threshold: u32) -> Facts {
        let shelf = &self.shelves[index];
        Facts {
            severity,
            stock_units: shelf.on_hand_units(),
            threshold,
            capacity_units: shelf.capacity_units + shelf.warehouse_capacity_units,
            suggested_units: 0,
        }
    }

    /// Something happened that is told while it is new.
    fn passing(&mut self, subject: impl Into<Subject>, rule: Rule, facts: Facts, fx: &mut Effects) {
        let subject = subject.into();
        let stood = self.alerts.last_seen(subject, rule).is_some();
        self.condition_holds(subject, rule, Place::Floor, facts, fx);
        if !stood && self.alerts.last_seen(subject, rule).is_some() {
            self.timers.set(self.now.plus(PASSING_US), Timer::Passed(subject, rule));
        }
    }

    /// Something that happened has not happened again for a while.
    pub(crate) fn passed(&mut self, subject: Subject, rule: Rule, fx: &mut Effects) {
        let quiet_at = self.alerts.last_seen(subject, rule).map(|seen| seen.plus(PASSING_US));
        match quiet_at.filter(|&quiet_at| quiet_at > self.now) {
            Some(quiet_at) => self.timers.set(quiet_at, Timer::Passed(subject, rule)),
            None => self.condition_ended(subject, rule, Place::Floor, fx),
        }
    }

    /// Looks at the units of a sku in the whole shop.
    pub(crate) fn judge_on_hand(&mut self, index: SkuIndex, fx: &mut Effects) {
        let shelf = &self.shelves[index];
        if !shelf.tracked {
            return;
        }
        let rules = shelf.rules.anomalies;
        let units = shelf.on_hand_units();
        let safety = rules.safety_stock_units.unwrap_or(shelf.safety_units);
        let margin = |threshold: u32| threshold.saturating_add(threshold.div_ceil(10));
        self.judge_level(
            index,
            Rule::OutOfStock,
            [units == 0, units > 0],
            (Severity::Critical, 1),
            fx,
        );
        let low = rules.low_stock_units;
        let held = [units > 0 && units <= low, units == 0 || units > margin(low)];
        self.judge_level(index, Rule::LowStock, held, (Severity::Warning, low), fx);
        let held = [units > 0 && units < safety, units == 0 || units >= margin(safety)];
        self.judge_level(index, Rule::BelowSafetyStock, held, (Severity::Info, safety), fx);
        let most = rules.overstock_units;
        let held = [units > most, units <= most - most / 20];
        self.judge_level(index, Rule::Overstock, held, (Severity::Info, most), fx);
    }

    /// A condition of a level: whether it begins to hold, and whether it ends.
    fn judge_level(
        &mut self,
        index: SkuIndex,
        rule: Rule,
        [holds, ends]: [bool; 2],
        (severity, threshold): (Severity, u32),
        fx: &mut Effects,
    ) {
        let bit = AnomalyPolicy::bit(rule);
        let shelf = &mut self.shelves[index];
        if holds && shelf.rules.anomalies.on(rule) {
            shelf.anomalies |= bit;
            let facts = self.shelf_facts(index, severity, threshold);
            self.condition_holds(index, rule, Place::Floor, facts, fx);
        } else if (ends || !shelf.rules.anomalies.on(rule)) && shelf.anomalies & bit != 0 {
            shelf.anomalies &= !bit;
            self.condition_ended(index, rule, Place::Floor, fx);
        }
    }

    /// Looks at what windows told behind `before`.
    pub(crate) fn judge_windows(&mut self, before: usize, fx: &mut Effects) {
        self.judge_depletion(fx);
        let told = fx.items.len();
        for place in before..told {
            let Some(effect) = fx.items.get_mut(place) else { return };
            if !matches!(effect, Effect::Window(result) if result.watched()) {
                continue;
            }
            // Its place is kept while the rules add to the effects behind it.
            let effect = core::mem::replace(effect, Effect::Duplicate);
            if let Effect::Window(result) = &effect {
                self.judge_spikes(result, fx);
            }
            if let Some(kept) = fx.items.get_mut(place) {
                *kept = effect;
            }
        }
    }

    fn judge_spikes(&mut self, result: &WindowResult, fx: &mut Effects) {
        let size_us = result.end.since(result.start);
        for row in &result.rows {
            let Some(index) = row.index else { continue };
            let units = row.sales.units;
            let Some(z_milli) = self.histories[index].note(result.end, units, size_us) else {
                continue;
            };
            let shelf = &self.shelves[index];
            let rules = shelf.rules.anomalies;
            let spike = z_milli > rules.spike_z_milli && units >= rules.spike_min_units;
            if spike && shelf.tracked && rules.on(Rule::SalesSpike) {
                let facts = self.shelf_facts(index, Severity::Warning, units);
                self.passing(index, Rule::SalesSpike, facts, fx);
            }
        }
    }

    /// Looks at the shelves that have lost units in the windows that have just ended.
    fn judge_depletion(&mut self, fx: &mut Effects) {
        let mut depleted = core::mem::take(&mut self.windows.depleted);
        for Depleted { index, lost, start_units } in depleted.drain(..) {
            let shelf = &self.shelves[index];
            let rules = shelf.rules.anomalies;
            let part = lost * 10_000 > start_units * i64::from(rules.depletion.0);
            let enough = lost >= i64::from(rules.depletion_min_units);
            if part && enough && shelf.tracked && rules.on(Rule::RapidDepletion) {
                let lost = lost.min(i64::from(u32::MAX)) as u32;
                let facts = self.shelf_facts(index, Severity::Warning, lost);
                self.passing(index, Rule::RapidDepletion, facts, fx);
            }
        }
        self.windows.depleted = depleted;
    }

    /// Looks at a receipt as a whole.
    pub(crate) fn judge_receipt(&mut self, receipt: &Receipt, fx: &mut Effects) {
        self.silence.receipt_at = Some(self.now);
        self.silence.exits = 0;
        self.condition_ended(Subject::Store, Rule::TillSilent, Place::Floor, fx);
        let rules = self.anomaly_rules;
        let total: i64 = receipt.lines.iter().map(|line| line.total_cents).sum();
        if total > i64::from(rules.high_value_cents) && rules.on(Rule::HighValueSale) {
            let facts = Facts {
                severity: Severity::Info,
                stock_units: 0,
                threshold: total.min(i64::from(u32::MAX)) as u32,
                capacity_units: 0,
                suggested_units: 0,
            };
            self.passing(Subject::Store, Rule::HighValueSale, facts, fx);
        }
    }

    /// Looks at the price of a line.
    pub(crate) fn judge_line(&mut self, index: SkuIndex, line: &ReceiptLine, fx: &mut Effects) {
        let shelf = &self.shelves[index];
        if !shelf.tracked || line.units <= 0 {
            return;
        }
        let rules = shelf.rules.anomalies;
        if rules.on(Rule::PriceAnomaly)
            && let Some(severity) = self.price_anomaly(index, line, rules.price_tolerance_cents)
        {
            let unit_cents = line.total_cents / i64::from(line.units);
            let threshold = unit_cents.clamp(0, i64::from(u32::MAX)) as u32;
            let facts = self.shelf_facts(index, severity, threshold);
            self.passing(index, Rule::PriceAnomaly, facts, fx);
        }
    }

    /// The till sold units that no sensor saw leave their shelf.
    pub(crate) fn sold_unseen(&mut self, index: SkuIndex, units: u32, fx: &mut Effects) {
        let now = self.now;
        let shelf = &mut self.shelves[index];
        let Some(sensor_at) = shelf.sensor_at.filter(|_| units > 0 && shelf.tracked) else {
            return;
        };
        let rules = shelf.rules.anomalies;
        shelf.unseen_units = shelf.unseen_units.saturating_add(units);
        let silent_us = i64::from(rules.sensor_silent_minutes) * MINUTE;
        let silent = shelf.unseen_units >= SILENT_UNITS && now.since(sensor_at) > silent_us;
        if silent && rules.on(Rule::SensorSilent) {
            let unseen = shelf.unseen_units;
            let facts = self.shelf_facts(index, Severity::Warning, unseen);
            self.condition_holds(index, Rule::SensorSilent, Place::Floor, facts, fx);
        }
    }

    /// Whether a line was sold off its price: off the list price without a promotion or markdown
    /// that explains it, or below cost without a markdown. How bad that is.
    fn price_anomaly(
        &self,
        index: SkuIndex,
        line: &ReceiptLine,
        tolerance_cents: u32,
    ) -> Option<Severity> {
        let product = &self.products[index];
        if product.price_cents == 0 {
            return None;
        }
        let units = i64::from(line.units);
        let promotion = self.shelves[index].promotion;
        let off = |markdown: BasisPoints| {
            let price = price_after(product.price_cents, promotion, markdown);
            (line.total_cents - price * units).abs() > units * i64::from(tolerance_cents)
        };
        let marked = self.lots[index].iter().map(|lot| lot.markdown).filter(|cut| cut.0 > 0);
        if marked.into_iter().any(|markdown| !off(markdown)) {
            return None;
        }
        if line.total_cents < product.cost_cents * units {
            return Some(Severity::Warning);
        }
        off(BasisPoints::ZERO).then_some(Severity::Info)
    }

    /// The sensor of a shelf has said something.
    pub(crate) fn sensor_spoke(&mut self, index: SkuIndex, fx: &mut Effects) {
        let shelf = &mut self.shelves[index];
        shelf.sensor_at = Some(self.now);
        if core::mem::take(&mut shelf.unseen_units) >= SILENT_UNITS {
            self.condition_ended(index, Rule::SensorSilent, Place::Floor, fx);
        }
    }

    /// A customer has left: the tills should have said something.
    pub(crate) fn judge_tills(&mut self, fx: &mut Effects) {
        self.silence.exits = self.silence.exits.saturating_add(1);
        let Some(receipt_at) = self.silence.receipt_at else { return };
        let rules = self.anomaly_rules;
        let silent_us = i64::from(rules.till_silent_minutes) * MINUTE;
        let silent_for = self.open_between(receipt_at, self.now);
        if self.silence.exits >= SILENT_EXITS
            && silent_for > silent_us
            && rules.on(Rule::TillSilent)
        {
            let facts = Facts {
                severity: Severity::Critical,
                stock_units: 0,
                threshold: (silent_for / MINUTE).min(i64::from(u32::MAX)) as u32,
                capacity_units: 0,
                suggested_units: 0,
            };
            self.condition_holds(Subject::Store, Rule::TillSilent, Place::Floor, facts, fx);
        }
    }
}

impl WindowResult {
    /// Whether rules look at it: the tumbling sales of each product.
    fn watched(&self) -> bool {
        let products = self.measure == Measure::Sales && self.scope == WindowScope::Product;
        products && self.stage == WindowStage::Final
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: i64 = 5 * MINUTE;

    fn z_of(units: &[u32], next: u32) -> Option<u32> {
        let mut history = SalesHistory::default();
        for (place, &units) in units.iter().enumerate() {
            if units > 0 {
                history.note(Timestamp(place as i64 * SIZE), units, SIZE);
            }
        }
        history.note(Timestamp(units.len() as i64 * SIZE), next, SIZE)
    }

    #[test]
    fn a_spike_is_told_against_the_windows_before_it() {
        let usual = [4, 6, 5, 4, 6, 5, 5, 4, 6, 5, 5];
        assert_eq!(z_of(&usual, 5), Some(0));
        assert_eq!(z_of(&usual, 12), Some(3_130)); // 7 above, deviation the root of 5
        assert!(z_of(&usual, 11).unwrap() < 3_000);
    }

    #[test]
    fn a_flat_series_makes_no_spike_of_the_next_sale() {
        let nothing = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        assert!(z_of(&nothing, 2).unwrap() < 3_000);
        let same = [9; 11];
        assert!(z_of(&same, 12).unwrap() < 3_000);
        assert!(z_of(&same, 19).unwrap() > 3_000);
        assert_eq!(z_of(&same[..5], 90), None);
    }
}
