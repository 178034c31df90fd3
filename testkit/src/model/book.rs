//! What is kept for one sku, and how units are taken from its lots and added to them.

use std::collections::BTreeMap;

use shelf_domain::{Day, HOUR, Picking, Product, Sensor, Timestamp};

const WEIGHT_AWAITED: i64 = 24 * HOUR;
const MOST_AWAITED: i64 = 1_000_000;

/// One lot.
#[derive(Clone, Debug, Default)]
pub(super) struct Lot {
    pub(super) received_day: i32,
    pub(super) expiry_day: i32,
    pub(super) floor: i64,
    pub(super) warehouse: i64,
    pub(super) transit: i64,
}

impl Lot {
    pub(super) fn empty(&self) -> bool {
        self.floor == 0 && self.warehouse == 0 && self.transit == 0
    }
}

/// Units that staff told of and the scale not yet.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Awaited {
    units: i64,
    until: i64,
}

impl Awaited {
    /// How many of `units` weighed at `now` were awaited: they are no longer.
    pub(super) fn comes(&mut self, units: i64, now: i64) -> i64 {
        let awaited = if now > self.until { 0 } else { self.units };
        let come = units.min(awaited);
        self.units = awaited - come;
        come
    }

    fn more(&mut self, units: i64, now: i64) {
        if units > 0 {
            let awaited = if now > self.until { 0 } else { self.units };
            self.units = MOST_AWAITED.min(awaited + units);
            self.until = self.until.max(now + WEIGHT_AWAITED);
        }
    }
}

/// Which of a lot's units are meant.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pile {
    Floor,
    Warehouse,
    Transit,
}

impl Lot {
    pub(super) fn pile(&mut self, pile: Pile) -> &mut i64 {
        match pile {
            Pile::Floor => &mut self.floor,
            Pile::Warehouse => &mut self.warehouse,
            Pile::Transit => &mut self.transit,
        }
    }
}

/// What was taken of which lot.
pub(super) type Taken = Vec<(String, i64)>;

/// One sku.
#[derive(Clone, Debug, Default)]
pub(super) struct Book {
    pub(super) product: Product,
    pub(super) sensor: Sensor,
    pub(super) received: i64,
    pub(super) returned: i64,
    pub(super) sold: i64,
    pub(super) removed: i64,
    pub(super) unexplained: i64,
    pub(super) floor: i64,
    pub(super) warehouse: i64,
    pub(super) transit: i64,
    pub(super) lot_gap: i64,
    pub(super) ahead: i64,
    /// Units that a scale told of, and nobody yet.
    pub(super) weighed_in: i64,
    /// When they count as put back.
    pub(super) weighed_until: i64,
    pub(super) awaited_in: Awaited,
    pub(super) awaited_out: Awaited,
    pub(super) revenue_cents: i64,
    /// When units that are still in transit count as arrived.
    pub(super) transit_until: Option<i64>,
    pub(super) lots: BTreeMap<String, Lot>,
}

impl Book {
    /// The codes of all lots in the order in which they are used.
    pub(super) fn order(&self, picking: Picking) -> Vec<String> {
        let mut codes: Vec<String> = self.lots.keys().cloned().collect();
        codes.sort_by_key(|code| {
            let lot = &self.lots[code];
            match picking {
                Picking::SoonestExpiry => (lot.expiry_day, lot.received_day, code.clone()),
                Picking::FirstReceived => (lot.received_day, lot.expiry_day, code.clone()),
            }
        });
        codes
    }

    /// The code of the lot received last; of equals the one that expires last, then the greatest
    /// code.
    pub(super) fn received_last(&self) -> Option<String> {
        self.order(Picking::FirstReceived).pop()
    }

    /// Takes up to `units` from one pile of the lots: the named one first, then in `picking` order.
    /// Returns what was taken of which lot, and what lacked.
    pub(super) fn take(
        &mut self,
        pile: Pile,
        units: i64,
        named: Option<&str>,
        picking: Picking,
    ) -> (Taken, i64) {
        let named = named.map(str::to_owned).into_iter();
        let order = named.chain(self.order(picking));
        let mut taken = Vec::new();
        let mut lacking = units;
        for code in order {
            if let Some(lot) = self.lots.get_mut(&code) {
                let here = lot.pile(pile);
                let part = lacking.min(*here);
                *here -= part;
                lacking -= part;
                taken.push((code, part));
            }
        }
        taken.retain(|(_, part)| *part > 0);
        (taken, lacking)
    }

    /// Staff brought units that the scale tells of, or told of.
    pub(super) fn staff_brought(&mut self, units: i64, now: i64) {
        if self.sensor == Sensor::WeightOnly {
            let told = units.min(self.weighed_in);
            self.weighed_in -= told;
            self.awaited_in.more(units - told, now);
        }
    }

    /// Staff take units, or will, of which the scale has not told.
    pub(super) fn staff_takes(&mut self, units: i64, now: i64) {
        if self.sensor == Sensor::WeightOnly {
            self.awaited_out.more(units, now);
        }
    }

    /// A touch tells the unit weight of a product that has none.
    pub(super) fn learn_weight(&mut self, unit_weight_g: u32) {
        if self.product.unit_weight_g == 0 {
            self.product.unit_weight_g = unit_weight_g;
        }
    }

    /// `take_floor` of the page: returns what the lots lack.
    pub(super) fn take_floor(&mut self, units: i64, named: Option<&str>) -> i64 {
        self.take(Pile::Floor, units, named, Picking::SoonestExpiry).1
    }

    /// `add_floor` of the page: returns what no lot took.
    pub(super) fn add_floor(&mut self, units: i64, named: Option<&str>) -> i64 {
        let known = named.filter(|code| self.lots.contains_key(*code)).map(str::to_owned);
        let soonest = || {
            let order = self.order(Picking::SoonestExpiry);
            order.into_iter().find(|code| self.lots[code].floor > 0)
        };
        let Some(code) = known.or_else(soonest) else { return units };
        self.lots.get_mut(&code).unwrap().floor += units;
        0
    }

    /// `take_warehouse` of the page, the book's own sum included.
    pub(super) fn take_warehouse(
        &mut self,
        units: i64,
        named: Option<&str>,
        picking: Picking,
    ) -> (Taken, i64) {
        let (taken, lacking) = self.take(Pile::Warehouse, units, named, picking);
        self.warehouse -= units - lacking;
        (taken, lacking)
    }

    /// The lot called `code`: as it is, or made with the dates given.
    pub(super) fn lot(&mut self, code: &str, received_day: i32, expiry_day: i32) -> &mut Lot {
        let made = Lot { received_day, expiry_day, ..Lot::default() };
        self.lots.entry(code.to_owned()).or_insert(made)
    }

    /// When a lot received on `received_day` expires by the product's shelf life.
    pub(super) fn expiry_by_shelf_life(&self, received_day: i32) -> i32 {
        match self.product.shelf_life_days {
            0 => Day::NEVER.0,
            days => received_day.saturating_add(i32::from(days)),
        }
    }

    /// The code of the lot that takes units of which nobody knows where they came from; it is made
    /// where needed.
    pub(super) fn fallback(&mut self, named: Option<&str>, prefix: &str, day: Day) -> String {
        let code = match (named, self.received_last()) {
            (Some(code), _) => code.to_owned(),
            (None, Some(code)) => code,
            (None, None) => {
                let (year, month, day_of_month) = day.civil();
                format!("{prefix}-{year:04}{month:02}{day_of_month:02}")
            }
        };
        let expiry_day = self.expiry_by_shelf_life(day.0);
        self.lot(&code, day.0, expiry_day);
        code
    }
}

/// Where and when an event happened, as the rules need it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) at: Timestamp,
    /// The local date of `at`.
    pub(super) day: Day,
}
