//! Care for the floor: expired lots leave, shelves are counted, what lies wrong or broke is put
//! right.

use serde::{Deserialize, Serialize};
use shelf_domain::{
    Actor, Body, Count, MINUTE, Place, Removal, RemovalCause, RemovalNotice, Rule, SECOND,
    SkuIndex, Timestamp,
};

use crate::agenda::Action;
use crate::crew::{Expired, ToCount, badge};
use crate::stock::Stock;
use crate::town::StoreTown;

/// Shelves counted after closing, whatever their state: every shelf comes up once in two months.
const COUNTED_DAILY: u32 = 20;

/// Units that lie on a shelf that is not theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stray {
    pub(crate) on: SkuIndex,
    pub(crate) index: SkuIndex,
    pub(crate) lot: u32,
    pub(crate) units: u32,
}

impl StoreTown {
    /// The core has given up an expired lot: somebody must take it away.
    pub(crate) fn note_removal(&mut self, notice: &RemovalNotice) {
        let Some(index) = self.world.catalogue.find(&notice.sku) else { return };
        if notice.cause != RemovalCause::Expired {
            return;
        }
        let (lot, place, booked) = (notice.lot, notice.place, notice.units);
        self.state.crew.removals.push_back(Expired { index, lot, place, booked });
    }

    /// Looks through shelves and warehouse for expired lots of which nobody said anything.
    pub(crate) fn expiry_round(&mut self) {
        let today = self.state.today.day;
        let crew = &mut self.state.crew;
        for (at, stock) in self.state.stock.iter().enumerate() {
            let index = SkuIndex(at as u32);
            for lot in stock.lots.iter().take_while(|lot| lot.expiry < today) {
                for place in [Place::Floor, Place::Warehouse] {
                    let known = crew
                        .removals
                        .iter()
                        .any(|one| (one.index, one.lot, one.place) == (index, lot.code, place));
                    if lot.units(place) > 0 && !known {
                        let lot = lot.code;
                        crew.removals.push_back(Expired { index, lot, place, booked: 0 });
                    }
                }
            }
        }
    }

    /// Takes an expired lot away. What the records do not know yet is told, and the scale tells it
    /// all; where they gave up more than there was, the place is counted.
    pub(crate) fn remove(&mut self, at: Timestamp, expired: Expired, actor: Actor) {
        let Expired { index, lot, place, booked } = expired;
        let Some((sku, unit_g)) = self.item(index).map(|item| (item.sku, item.unit_g)) else {
            return;
        };
        let Some(stock) = self.stock_mut(index) else { return };
        let number = stock.by_code(&lot).map(|lot| lot.number);
        let found = number.map_or(0, |number| stock.clear(number, place));
        self.state.truth.expired_units += u64::from(found);
        let more = found.saturating_sub(booked);
        if more > 0 {
            let (lot, cause) = (Some(lot), RemovalCause::Expired);
            let removal = Removal { sku, lot, place, units: more, cause, actor };
            self.tell(at, Body::Removal(removal));
        }
        if found > 0 && place == Place::Floor {
            self.weigh(at, None, index, -i64::from(found) * i64::from(unit_g));
        }
        if found < booked {
            self.count(at, ToCount { index, place, alert: None }, actor);
        }
        let alerts = self.state.alerts.standing(Rule::ExpiredRemoval, index, place);
        for alert in alerts {
            self.state.agenda.plan(at.plus(30 * SECOND), Action::Attend(alert));
        }
    }

    /// Counts a place of a sku; strays on the shelf are taken home first.
    pub(crate) fn count(&mut self, at: Timestamp, asked: ToCount, actor: Actor) {
        let ToCount { index, place, alert } = asked;
        if place == Place::Floor {
            while let Some(nth) = self.state.strays.iter().position(|stray| stray.on == index) {
                self.take_home(at, nth, actor);
            }
        }
        self.report(at, index, place, actor);
        if let Some(alert) = alert {
            self.state.agenda.plan(at.plus(15 * MINUTE), Action::Attend(alert));
        }
    }

    /// Looks for shelves that are empty although the warehouse holds something and nobody was
    /// sent: the records must be wrong.
    pub(crate) fn gap_round(&mut self) {
        for (at, stock) in self.state.stock.iter().enumerate() {
            if stock.floor == 0 && !stock.task_stands && stock.warehouse() > 0 {
                let index = SkuIndex(at as u32);
                let place = Place::Floor;
                self.state.crew.counts.push_back(ToCount { index, place, alert: None });
            }
        }
    }

    /// Asks for the next shelves of the round of counting.
    pub(crate) fn cycle_count(&mut self) {
        let skus = self.state.stock.len().max(1) as u32;
        let crew = &mut self.state.crew;
        for _ in 0..COUNTED_DAILY {
            let index = SkuIndex(crew.next_count % skus);
            crew.next_count = (crew.next_count + 1) % skus;
            crew.counts.push_back(ToCount { index, place: Place::Floor, alert: None });
        }
    }

    /// After closing: clears one shelf of strays, and comes back for the next.
    pub(crate) fn tidy(&mut self, at: Timestamp) {
        let Some(on) = self.state.strays.first().map(|stray| stray.on) else { return };
        self.count(at, ToCount { index: on, place: Place::Floor, alert: None }, badge(0));
        let walk = self.state.dice.staff.between(15 * SECOND, 40 * SECOND);
        self.state.agenda.plan(at.plus(walk), Action::Tidy);
    }

    /// Brings a stray to its own shelf. The sensors of a shelf at which staff work do not report;
    /// staff say what lies there instead.
    fn take_home(&mut self, at: Timestamp, nth: usize, actor: Actor) {
        if nth >= self.state.strays.len() {
            return;
        }
        let Stray { index, lot, units, .. } = self.state.strays.remove(nth);
        if let Some(stock) = self.stock_mut(index) {
            stock.put(lot, units);
        }
        self.state.truth.tidied_units += u64::from(units);
        self.report(at, index, Place::Floor, actor);
    }

    /// Says how many units lie in a place.
    fn report(&mut self, at: Timestamp, index: SkuIndex, place: Place, actor: Actor) {
        let Some(sku) = self.item(index).map(|item| item.sku) else { return };
        let Some(stock) = self.stock_mut(index) else { return };
        let units = match place {
            Place::Floor => stock.floor,
            Place::Warehouse => stock.warehouse(),
        };
        // Whoever counts also sets the scale right.
        stock.scale_ppm = 0;
        self.state.truth.counts += 1;
        self.tell(at, Body::Count(Count { sku, place, units, actor }));
    }

    /// Something falls from a shelf and breaks.
    pub(crate) fn break_something(&mut self, at: Timestamp) {
        let skus = self.state.stock.len() as u32;
        let index = SkuIndex(self.state.dice.quirks.below(skus));
        let worker = self.state.dice.quirks.below(u32::from(self.state.options.crew.max(1))) as u8;
        let Some((sku, unit_g)) = self.item(index).map(|item| (item.sku, item.unit_g)) else {
            return;
        };
        let Some(lot) = self.stock_mut(index).and_then(Stock::break_one) else { return };
        self.state.truth.broken_units += 1;
        let (cause, actor) = (RemovalCause::Damaged, badge(worker));
        let removal = Removal { sku, lot: Some(lot), place: Place::Floor, units: 1, cause, actor };
        self.tell(at, Body::Removal(removal));
        self.weigh(at, None, index, -i64::from(unit_g));
    }
}
