//! What happens because time has come: closing, the day change, arrivals on the shelf, carts that
//! are due.
//!
//! The model keeps no queue: it looks at everything that could be due and takes the earliest.
//! Timers of the same time fire in the order of [`Timer`].

use shelf_domain::{Day, HOUR, RemovalTime, SECOND, Sku, Timestamp};

use super::Model;
use super::book::Taken;

const END_OF_DAY: u16 = 24 * 60;
pub(super) const TRANSIT_LIMIT: i64 = 6 * HOUR;

/// The running day. What it says was settled when the day began.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Today {
    day: i32,
    /// When the store closes, where that is still to come.
    closing: Option<i64>,
    end: i64,
}

/// What can be due.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Closing,
    DayChange,
    Arrival(usize),
    TransitDue(String),
    CartDue(Option<String>),
    CartForgotten(Option<String>),
    Weighed(String),
}

/// Units that arrive on the shelf by themselves, where nobody confirms it.
#[derive(Clone, Debug)]
pub(super) struct Arrival {
    due: i64,
    sku: Sku,
    lots: Taken,
}

impl Arrival {
    pub(super) fn new(left: Timestamp, travel_seconds: i64, sku: Sku, lots: Taken) -> Self {
        Self { due: left.0 + travel_seconds * SECOND, sku, lots }
    }
}

impl Model {
    /// From the first declaration of the store on, days begin and end.
    pub(super) fn begin_days(&mut self) {
        self.begin_day(self.clock().day(Timestamp(self.now)));
    }

    fn begin_day(&mut self, day: Day) {
        let closing = Some(self.closing_time(day)).filter(|closing| *closing > self.now);
        self.today = Today { day: day.0, closing, end: self.clock().at(day.plus(1), 0).0 };
    }

    /// Fires all timers that are due at or before `reached`, those included that they set.
    pub(super) fn fire_timers(&mut self, reached: i64) {
        while let Some((due, timer)) = self.next_timer().filter(|(due, _)| *due <= reached) {
            self.now = self.now.max(due);
            self.fire(timer);
        }
    }

    fn next_timer(&self) -> Option<(i64, Timer)> {
        let mut timers = Vec::new();
        if self.settings.is_some() {
            timers.extend(self.today.closing.map(|closing| (closing, Timer::Closing)));
            timers.push((self.today.end, Timer::DayChange));
        }
        for (number, arrival) in self.arrivals.iter().enumerate() {
            timers.push((arrival.due, Timer::Arrival(number)));
        }
        for (sku, book) in &self.books {
            let due = book.transit_until.filter(|_| book.transit > 0);
            timers.extend(due.map(|due| (due, Timer::TransitDue(sku.clone()))));
            if book.weighed_in > 0 {
                timers.push((book.weighed_until, Timer::Weighed(sku.clone())));
            }
        }
        for (key, cart) in &self.carts {
            let due = cart.deadline.map(|due| (due, Timer::CartDue(key.clone())));
            let end = cart.forgotten_at().map(|due| (due, Timer::CartForgotten(key.clone())));
            timers.extend(due.into_iter().chain(end));
        }
        timers.into_iter().min()
    }

    fn fire(&mut self, timer: Timer) {
        match timer {
            Timer::Closing => self.close(),
            Timer::DayChange => self.change_day(),
            Timer::Arrival(number) => self.arrive(number),
            Timer::TransitDue(sku) => self.all_arrive(&sku),
            Timer::CartDue(key) => self.write_off(key),
            Timer::CartForgotten(key) => {
                self.carts.remove(&key);
            }
            Timer::Weighed(sku) => self.nobody_told(&sku),
        }
    }

    /// When the store closes on `day`; its end, where the store does not close or does not open.
    fn closing_time(&self, day: Day) -> i64 {
        let opening = self.settings.as_ref().map_or(&[][..], |settings| &settings.opening);
        let minutes = opening.get(usize::from(day.weekday()));
        let closed = self.settings.as_ref().is_some_and(|of| of.closed_days.contains(&day));
        match minutes {
            Some((open, close)) if open < close && !closed => self.clock().at(day, *close).0,
            _ => self.clock().at(day, END_OF_DAY).0,
        }
    }

    fn close(&mut self) {
        self.today.closing = None;
        for book in self.books.values_mut() {
            if self.policies.removal(&book.product) == RemovalTime::SameDayEvening {
                let today = self.today.day;
                remove_expired(book, self.now, |expiry_day| expiry_day <= today);
            }
        }
    }

    fn change_day(&mut self) {
        self.begin_day(Day(self.today.day + 1));
        self.write_off(None);
        for (sku, book) in &mut self.books {
            let today = self.today.day;
            remove_expired(book, self.now, |expiry_day| expiry_day < today);
            let carts = self.carts.values().filter_map(|cart| cart.lines.get(sku));
            if carts.map(|line| line.held).sum::<i64>() == 0 {
                correct_lots(book);
            }
            book.lots.retain(|_, lot| !lot.empty());
        }
    }

    fn all_arrive(&mut self, sku: &str) {
        let book = self.books.get_mut(sku).unwrap();
        book.staff_brought(book.transit, self.now);
        all_move_to_the_floor(book);
    }

    fn arrive(&mut self, number: usize) {
        let arrival = self.arrivals.remove(number);
        let book = self.books.get_mut(arrival.sku.as_str()).unwrap();
        for (code, units) in arrival.lots {
            if let Some(lot) = book.lots.get_mut(&code) {
                let units = units.min(lot.transit);
                lot.transit -= units;
                lot.floor += units;
                book.transit -= units;
                book.floor += units;
                book.staff_brought(units, self.now);
            }
        }
    }

    /// Staff did not tell of what a scale told: somebody laid it there.
    fn nobody_told(&mut self, sku: &str) {
        let units = std::mem::take(&mut self.books.get_mut(sku).unwrap().weighed_in);
        self.lay_down(None, sku, units);
    }
}

fn all_move_to_the_floor(book: &mut super::book::Book) {
    for lot in book.lots.values_mut() {
        lot.floor += lot.transit;
        lot.transit = 0;
    }
    book.floor += book.transit;
    book.transit = 0;
}

fn remove_expired(book: &mut super::book::Book, now: i64, expired: impl Fn(i32) -> bool) {
    for code in book.order(shelf_domain::Picking::SoonestExpiry) {
        let lot = book.lots.get_mut(&code).unwrap();
        if expired(lot.expiry_day) {
            let on_floor = lot.floor.min(book.floor);
            book.removed += lot.warehouse + on_floor;
            book.warehouse -= lot.warehouse;
            lot.warehouse = 0;
            book.floor -= on_floor;
            lot.floor -= on_floor;
            book.staff_takes(on_floor, now);
        }
    }
}

fn correct_lots(book: &mut super::book::Book) {
    if book.lot_gap == 0 {
        return;
    }
    if let Some(code) = book.received_last() {
        book.lots.get_mut(&code).unwrap().floor += book.lot_gap;
        book.lot_gap = 0;
    }
}
