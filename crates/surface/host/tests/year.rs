//! A year of one town of the default options with the real core: what a supermarket must show over
//! its seasons, in the records and in what really lies there, and what moves demand by how much.

use std::sync::OnceLock;

use shelf_domain::{Body, Day, Event, EventId, PriceChange};

#[path = "fixture/year.rs"]
mod fixture;
use fixture::{Flow, Life, Seen, day, days, month};

/// The categories that the reference lets spoil.
const PERISHABLE: [&str; 5] = ["FRUITS AND VEGETABLES", "REFRIGERATED", "FROZEN", "MEAT", "FISH"];
/// The least part of the shelves that hold something, of all skus and of each perishable category.
const LEAST_AVAILABLE: (f64, f64) = (0.95, 0.85);
/// Units of perishables thrown away after their day, as a part of those sold: of all of them in a
/// year, and at most in one month or of one category.
const SPOILED: core::ops::Range<f64> = 0.002..0.05;
const MOST_SPOILED: f64 = 0.1;

/// The year, lived once for all tests.
fn year() -> &'static Seen {
    static YEAR: OnceLock<Seen> = OnceLock::new();
    YEAR.get_or_init(|| {
        let mut year = Seen::new();
        year.live(365);
        year.check();
        year
    })
}

fn perishable(category: &str) -> bool {
    PERISHABLE.contains(&category)
}

/// What happened in each month to the skus of some categories.
fn months(wanted: impl Fn(&str) -> bool) -> Vec<Flow> {
    (1..=12).map(|number| year().of(&wanted, &month(number))).collect()
}

#[test]
fn a_month_sells_at_most_twice_what_another_does() {
    for (kind, months) in [("all", months(|_| true)), ("perishable", months(perishable))] {
        let sold: Vec<u32> = months.iter().map(|month| month.sold).collect();
        let (least, most) = (sold.iter().min().unwrap(), sold.iter().max().unwrap());
        assert!(*least > 0 && *most <= 2 * least, "{kind}: {sold:?}");
    }
}

#[test]
fn perishables_come_and_sell_all_year() {
    for category in PERISHABLE {
        let months = months(|other| other == category);
        assert!(months.iter().all(|m| m.sold > 0 && m.delivered > 0), "{category}: {months:?}");
    }
    for life in year().lives.values().filter(|life| perishable(life.category.as_str())) {
        for number in 1..=12 {
            let sold = life.on(&month(number)).sold;
            assert!(sold > 0, "{} in month {number}", life.sku);
        }
        for quarter in [day(1, 1), day(4, 1), day(7, 1), day(10, 1)] {
            let came = life.on(&days(quarter, 91)).delivered;
            assert!(came > 0, "{} from {quarter:?} on", life.sku);
        }
    }
}

#[test]
fn shelves_hold_something_and_little_spoils() {
    let months = [months(|_| true), months(perishable)];
    assert!(months[0].iter().all(|m| m.available() > LEAST_AVAILABLE.0), "{:?}", months[0]);
    assert!(months[1].iter().all(|m| m.spoiled_part() < MOST_SPOILED), "{:?}", months[1]);
    assert!(SPOILED.contains(&Flow::sum(&months[1]).spoiled_part()), "{:?}", months[1]);
    for category in PERISHABLE {
        let sum = year().of(|other| other == category, &days(day(1, 1), 365));
        assert!(sum.available() > LEAST_AVAILABLE.1, "{category}: {sum:?}");
        assert!(sum.spoiled_part() < MOST_SPOILED, "{category}: {sum:?}");
    }
}

/// The records say what really happened, but for what nobody told them.
#[test]
fn the_records_of_a_year_are_true() {
    let (store, truth) = (year().store(), year().town.truth());
    let units = store.units();
    assert_eq!(units.sold.unsigned_abs(), truth.sold_units);
    assert_eq!(units.received, truth.opening_units + truth.delivered_units);
    assert_eq!(store.revenue_cents(), truth.revenue_cents);
    let unexplained = units.unexplained as f64 / truth.stolen_units as f64;
    assert!((0.9..1.1).contains(&unexplained), "{units:?} {truth:?}");
    assert!(truth.lost_units * 50 < truth.demand_units, "{truth:?}");
    let known = f64::from(store.on_shelf_availability().unwrap().0) / 10_000.0;
    let seen = year().of(|_| true, &days(day(1, 1), 365)).available();
    assert!((known - seen).abs() < 0.01, "{known} by the records, {seen} by the look of it");
}

/// Mondays of weeks without a holiday in months whose traffic is close to the mean.
fn ordinary_weeks() -> Vec<Day> {
    let mondays = (0..51).map(|week| day(1, 5).plus(7 * week));
    let ordinary = mondays.filter(|day| matches!(day.civil().1, 2 | 3 | 5 | 7 | 9 | 10));
    ordinary.filter(|&monday| ![day(3, 30), day(10, 26)].contains(&monday)).collect()
}

#[test]
fn weekdays_have_the_customers_that_the_reference_states() {
    let mondays = ordinary_weeks();
    let each = |weekday: i32| mondays.iter().map(|day| day.plus(weekday)).collect::<Vec<_>>();
    for (weekday, stated) in (0..).zip([691.0, 654.0, 795.0, 713.0, 914.0, 988.0, 847.0]) {
        let mean = year().customers(&each(weekday)) / mondays.len() as f64;
        assert!((mean / stated - 1.0).abs() < 0.05, "weekday {weekday}: {mean}");
    }
    let sold = |weekday| f64::from(year().of(|_| true, &each(weekday)).sold);
    let (tuesday, saturday) = (sold(1), sold(5));
    assert!((1.35..1.65).contains(&(saturday / tuesday)), "{tuesday} {saturday}");
}

#[test]
fn each_season_sells_what_belongs_to_it() {
    // How much more is picked on a day of one month than on one of another.
    let more = |category: &str, one: u32, other: u32| {
        let daily = |number| {
            let days = month(number);
            f64::from(year().of(|name| name == category, &days).picked) / days.len() as f64
        };
        daily(one) / daily(other)
    };
    let daily = |number| year().customers(&month(number)) / month(number).len() as f64;
    let customers = daily(12) / daily(2);
    let feast = more("SPIRITS AND APERITIFS", 12, 2) / customers;
    let beer = more("BEERS", 7, 2);
    assert!((1.03..1.2).contains(&customers), "{customers}");
    assert!((1.5..2.2).contains(&feast), "{feast}");
    assert!((1.35..1.8).contains(&beer), "{beer}");
}

#[test]
fn holidays_are_quiet_or_closed_and_the_days_before_busy() {
    for (what, day, least, most) in [
        ("Christmas Day", day(12, 25), 0.0, 0.0),
        ("Easter Sunday", day(4, 5), 0.0, 0.0),
        ("Easter Monday", day(4, 6), 0.55, 0.85),
        ("the first of May", day(5, 1), 0.6, 0.9),
        ("mid-August", day(8, 15), 0.45, 0.75),
        ("the second of June", day(6, 2), 0.6, 0.9),
        ("Maundy Thursday", day(4, 2), 1.05, 1.5),
    ] {
        let around = [-14, 14, 21, 28].map(|ahead| day.plus(ahead)).map(|day| [day]);
        let around = around.iter().filter(|day| day[0].civil().0 == 2026);
        let usual: Vec<f64> = around.map(|day| year().customers(day)).collect();
        let part = year().customers(&[day]) * usual.len() as f64 / usual.iter().sum::<f64>();
        assert!((least..=most).contains(&part), "{what}: {part}");
        assert_eq!(year().of(|_| true, &[day]).sold > 0, most > 0.0, "{what}");
    }
}

#[test]
fn a_promoted_sku_sells_more_by_its_cut() {
    let (mut promoted, mut usual, mut stated) = (0.0, 0.0, 0.0);
    for life in year().lives.values() {
        for &(from, cut) in &life.promotions {
            if !(day(1, 12)..day(12, 7)).contains(&from) {
                continue;
            }
            let week = |ahead| f64::from(life.on(&days(from.plus(ahead), 7)).picked);
            let mean = f64::midpoint(week(-7), week(7));
            promoted += week(0);
            usual += mean;
            stated += mean * f64::from(cut.0) / 10_000.0;
        }
    }
    let (uplift, stated) = (promoted / usual - 1.0, stated / usual);
    assert!((0.15..0.25).contains(&stated), "{stated}");
    assert!((uplift - stated).abs() < 0.03, "{uplift}, and {stated} stated");
}

/// A price event reaches customers through the core: a quarter dearer, a fifth less wanted.
#[test]
fn a_dearer_sku_is_wanted_less_and_a_cheaper_one_more() {
    let (mut usual, mut changed) = (Seen::new(), Seen::new());
    usual.live(1);
    changed.live(1);
    let (dearer, cheaper) = (|at: usize| at % 10 == 3, |at: usize| at % 10 == 7);
    let now = changed.town.now();
    for (at, life) in usual.lives.values().enumerate() {
        let price_cents = match at {
            at if dearer(at) => life.list_cents * 5 / 4,
            at if cheaper(at) => life.list_cents * 4 / 5,
            _ => continue,
        };
        let body =
            Body::Price(PriceChange { sku: life.sku, price_cents, ..PriceChange::default() });
        let (id, store) = (EventId(at as u128 + 1), changed.town.store());
        let origin = shelf_domain::Origin::default();
        changed.step(&Event { id, store, at: now, received_at: now, origin, body });
    }
    usual.live(6);
    changed.live(6);
    let week = days(day(1, 2), 6);
    let part = |which: fn(usize) -> bool| {
        let picked = |seen: &Seen| {
            let some = seen.lives.values().enumerate().filter(|(at, _)| which(*at));
            some.map(|(_, life): (_, &Life)| life.on(&week).picked).sum::<u32>()
        };
        f64::from(picked(&changed)) / f64::from(picked(&usual))
    };
    let parts = [part(dearer), part(cheaper), part(|at| at % 10 == 5)];
    for (part, stated) in parts.into_iter().zip([0.8, 1.25, 1.0]) {
        assert!((part / stated - 1.0).abs() < 0.06, "{parts:?}");
    }
}
