//! Whatever events come, in whatever order: what must always hold does.

use shelf_domain::{Body, Event, Place, RemovalTime};

use super::{Model, check_conservation};
use crate::builders::{Shop, receipt_line};

const SEEDS: u64 = 40;
const EVENTS: u64 = 1_500;
const SKUS: [&str; 3] = ["BREAD", "MILK", "SALT"];

/// A xorshift generator.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % bound
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}

fn random_event(shop: &mut Shop, chance: &mut Chance) {
    let sku = chance.one(&SKUS);
    let customer = chance.one(&["", "c1", "c2", "c3"]);
    let lot = chance.one(&[None, None, Some("L1"), Some("L2"), Some("L3")]);
    let units = chance.below(6) as u32 + 1;
    let place = chance.one(&[Place::Floor, Place::Warehouse]);
    match chance.below(20) {
        0 => shop.delivery(sku, lot.unwrap_or("L4"), 4 * units, None),
        1 => shop.wh_out(sku, lot, 2 * units),
        2 | 3 => shop.refill(sku, lot, 2 * units),
        4..=7 => shop.pickup(customer, sku, units),
        8 => shop.putback(customer, sku, units),
        9 => shop.removal(sku, place, lot, units),
        10 => shop.transfer(sku, lot, units, "S002"),
        11 => shop.count(sku, place, 3 * units - 3),
        12 | 13 => shop.exit(customer),
        14 => shop.entry(customer),
        15 => shop.again(),
        _ => {
            let sign = chance.one(&[1, 1, 1, -1]);
            let line = receipt_line(sku, sign * units as i32, 100, lot);
            let other = receipt_line(chance.one(&SKUS), units as i32, 250, None);
            shop.receipt_of(customer, vec![line, other])
        }
    };
}

fn random_events(seed: u64) -> Vec<Event> {
    let mut chance = Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let mut shop = Shop::new("S001");
    for (index, sku) in SKUS.into_iter().enumerate() {
        shop.product(sku, |spec| spec.product.shelf_life_days = 2 * index as u16);
        shop.opening(sku, "L1", "2026-01-02", 5, 10);
    }
    shop.policy("P", |policy| policy.removal = Some(RemovalTime::SameDayEvening));
    let mut latest_minute = 6 * 60;
    for _ in 0..EVENTS {
        latest_minute += chance.below(12);
        let behind = chance.one(&[0, 0, 0, 0, 1, 20, 300]);
        let minute = latest_minute.max(behind) - behind;
        let (day, minute) = (minute / 1_440 + 1, minute % 1_440);
        shop.at(&format!("2026-01-{day:02} {:02}:{:02}", minute / 60, minute % 60));
        random_event(&mut shop, &mut chance);
    }
    shop.events()
}

#[test]
fn nothing_is_lost_whatever_comes() {
    let mut seen = super::Stock::default();
    let mut gaps = 0;
    for seed in 1..=SEEDS {
        let mut model = Model::new();
        for event in random_events(seed) {
            model.apply(&event);
            if let Err(broken) = check_conservation(&model) {
                panic!("seed {seed}, after {event:?}: {broken}");
            }
            let smallest = SKUS.iter().map(|sku| model.stock(sku).lot_gap).min();
            assert!(smallest >= Some(0), "seed {seed}, after {event:?}: lots know too much");
            gaps += i64::from(model.total().lot_gap > 0);
        }
        seen.add(&model.total());
        assert!(model.counts().late > 0 && model.counts().duplicates > 0, "seed {seed}");
        assert_eq!(model.counts().quarantined, 0, "seed {seed}");
    }
    assert!(seen.removed > 0 && seen.returned > 0 && seen.sold > 0 && gaps > 0, "{seen:?}");
}

#[test]
fn clocks_and_repetitions_change_nothing() {
    let events = random_events(7);
    let once = Model::of(&events);
    assert_eq!(format!("{:?}", Model::of(&events)), format!("{once:?}"));
    let clock = |event: &Event| Event { body: Body::Clock, ..event.clone() };
    let thrice = |event: &Event| [event.clone(), event.clone(), clock(event)];
    let repeated: Vec<Event> = events.iter().flat_map(thrice).collect();
    assert_eq!(Model::of(&repeated).summary(), once.summary());
}
