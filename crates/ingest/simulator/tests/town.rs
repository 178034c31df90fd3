//! What a town must do whatever its core decides, seen from outside.

use std::collections::{BTreeMap, BTreeSet};

use shelf_domain::{Body, Event, LocalClock, Sku, StoreSettings};
use shelf_events::{Defaults, encode_event, parse_event};
use shelf_simulator::{Faults, Message, PlannerEstimate, Realism, StoreTown, TownOptions};

#[path = "stand_in/core.rs"]
mod stand_in;
use stand_in::StandIn;

const DAY_TICKS: u32 = 1_440;

/// A town and its stand-in core, in lock step.
#[derive(Clone)]
struct Run {
    town: StoreTown,
    core: StandIn,
    messages: Vec<Message>,
}

impl Run {
    fn new(options: &TownOptions, index: u32) -> Self {
        let town = StoreTown::new(options, index);
        Self { town, core: StandIn::default(), messages: Vec::new() }
    }

    fn ticks(&mut self, ticks: u32, mut see: impl FnMut(&StoreTown, &[Message])) {
        for _ in 0..ticks {
            self.messages.clear();
            self.town.tick(&mut self.messages);
            for message in &self.messages {
                if let Message::Event(event) = message {
                    self.core.step(event);
                }
            }
            for effect in self.core.effects.drain(..) {
                self.town.observe(&effect);
            }
            see(&self.town, &self.messages);
        }
    }

    fn bytes(&mut self, ticks: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.ticks(ticks, |_, messages| {
            for message in messages {
                match message {
                    Message::Event(event) => encode_event(event, &mut bytes),
                    Message::Line(line) => bytes.extend_from_slice(line),
                }
            }
        });
        bytes
    }
}

fn events(messages: &[Message]) -> impl Iterator<Item = &Event> {
    messages.iter().filter_map(|message| match message {
        Message::Event(event) => Some(event),
        Message::Line(_) => None,
    })
}

fn faulty() -> TownOptions {
    TownOptions { faults: Faults::ALL, ..TownOptions::default() }
}

#[test]
fn the_same_options_give_the_same_bytes_and_other_stores_others() {
    let of = |seed, index| Run::new(&TownOptions { seed, ..faulty() }, index).bytes(2 * DAY_TICKS);
    let one = of(7, 0);
    assert!(one == of(7, 0), "seed 7, store 0, twice");
    assert!(one != of(7, 1));
    assert!(one != of(8, 0));
}

#[test]
fn a_town_saved_in_the_middle_of_a_day_goes_on_as_if_it_had_not_been() {
    let mut straight = Run::new(&faulty(), 3);
    straight.ticks(DAY_TICKS + 437, |_, _| {});
    let saved = postcard::to_allocvec(&straight.town).unwrap();
    let mut resumed = straight.clone();
    resumed.town = postcard::from_bytes(&saved).unwrap();
    assert!(saved.len() < 1_000_000, "{} bytes", saved.len());
    assert!(straight.bytes(DAY_TICKS) == resumed.bytes(DAY_TICKS));
    let ends = [&straight, &resumed].map(|run| postcard::to_allocvec(&run.town).unwrap());
    assert!(ends[0] == ends[1]);
}

#[test]
fn units_are_conserved_and_nobody_takes_what_is_not_there() {
    let mut run = Run::new(&TownOptions::default(), 0);
    run.ticks(5 * DAY_TICKS, |town, _| {
        let truth = town.truth();
        let came = truth.opening_units + truth.delivered_units;
        let left = truth.sold_units + truth.stolen_units + truth.broken_units + truth.expired_units;
        assert_eq!(came, left + town.whole_stock().units(), "at {:?}", town.now());
    });
}

#[test]
fn without_realism_the_sensors_tell_the_truth() {
    let options = TownOptions { realism: Realism::NONE, ..TownOptions::default() };
    let mut run = Run::new(&options, 0);
    let mut floor: BTreeMap<Sku, i64> = BTreeMap::new();
    run.ticks(3 * DAY_TICKS, |town, messages| {
        for event in events(messages) {
            let (sku, units) = match &event.body {
                Body::OpeningStock(stock) => (stock.sku, i64::from(stock.floor_units)),
                Body::Pickup(touch) => (touch.sku, -i64::from(touch.units)),
                Body::Putback(touch) => (touch.sku, i64::from(touch.units)),
                Body::Refill(refill) => (refill.sku, i64::from(refill.units)),
                Body::Count(count) => {
                    // Counts follow from what the stand-in core has given up.
                    floor.insert(count.sku, i64::from(count.units));
                    continue;
                }
                _ => continue,
            };
            let units_there = floor.entry(sku).or_default();
            *units_there += units;
            assert!(*units_there >= 0, "{sku}");
        }
        if town.now().0 % 3_600_000_000 == 0 && town.truth().expired_units == 0 {
            for sku in town.skus() {
                let there = town.shelf_stock(&sku).unwrap().floor_units;
                assert_eq!(floor[&sku], i64::from(there), "{sku}");
            }
        }
    });
    let truth = run.town.truth();
    assert_eq!(truth.stolen_units + truth.misplaced_units + truth.unseen_acts, 0);
    assert_eq!(truth.late_orders + truth.short_lines + truth.over_lines + truth.broken_units, 0);
}

#[test]
fn customers_keep_the_opening_hours_and_days_have_the_stated_size() {
    let mut run = Run::new(&TownOptions::default(), 1);
    let mut settings = StoreSettings::default();
    let mut daily: BTreeMap<i32, u32> = BTreeMap::new();
    let mut before = shelf_domain::Timestamp(0);
    run.ticks(8 * DAY_TICKS, |town, messages| {
        for event in events(messages) {
            if let Body::Store(store) = &event.body {
                settings = (**store).clone();
            }
            let clock: &LocalClock = &settings.clock;
            let (day, minute) = (clock.day(event.at), clock.minute_of_day(event.at));
            *daily.entry(day.0).or_default() += 1;
            let (opens, closes) = settings.opening[usize::from(day.weekday())];
            let customer = match &event.body {
                Body::Entry(_) | Body::Session(_) | Body::Exit(_) | Body::Receipt(_) => true,
                Body::Pickup(touch) | Body::Putback(touch) => touch.customer.is_some(),
                _ => false,
            };
            assert!(!customer || (opens..closes).contains(&minute), "{event:?}");
            assert!(event.received_at >= event.at && event.received_at >= before);
            assert!(event.at <= town.now());
            before = event.received_at;
        }
        let last = messages.last();
        assert!(
            matches!(last, Some(Message::Event(e)) if e.body == Body::Clock && e.at == town.now())
        );
    });
    let whole: Vec<u32> = daily.values().copied().skip(1).take(6).collect();
    assert!(whole.iter().all(|events| (14_000..38_000).contains(events)), "{whole:?}");
    let mean = whole.iter().sum::<u32>() / whole.len() as u32;
    assert!((20_000..30_000).contains(&mean), "{mean}");
}

#[test]
fn a_year_keeps_selling_perishables_included() {
    let estimate = PlannerEstimate::Exact;
    let mut run = Run::new(&TownOptions { estimate, ..TownOptions::default() }, 0);
    let mut months = [[0_i64; 2]; 12];
    for month in &mut months {
        run.ticks(30 * DAY_TICKS, |_, messages| {
            for event in events(messages) {
                let Body::Receipt(receipt) = &event.body else { continue };
                for line in &receipt.lines {
                    let fresh = ["FRU", "REF", "FRO", "MEA", "FIS"]
                        .iter()
                        .any(|head| line.sku.as_str().starts_with(head));
                    month[usize::from(fresh)] += i64::from(line.units);
                }
            }
        });
    }
    for part in [0, 1] {
        let sold = months.map(|month| month[part]);
        let (least, most) = (sold.iter().min().unwrap(), sold.iter().max().unwrap());
        assert!(*least > 40_000 && most < &(2 * least), "{months:?}");
    }
    let truth = run.town.truth();
    assert!(truth.lost_units * 10 < truth.demand_units, "{truth:?}");
    assert!(truth.expired_units > 0 && truth.expired_units * 20 < truth.sold_units, "{truth:?}");
}

#[test]
fn every_kind_of_realism_happens_and_is_counted() {
    let realism = Realism { late_order: 0.3, over_line: 0.05, ..Realism::default() };
    let mut run = Run::new(&TownOptions { realism, ..TownOptions::default() }, 0);
    run.ticks(8 * DAY_TICKS, |_, _| {});
    let truth = run.town.truth();
    let counted = [
        truth.stolen_units,
        truth.misplaced_units,
        truth.tidied_units,
        truth.unseen_acts,
        truth.late_orders,
        truth.short_lines,
        truth.over_lines,
        truth.broken_units,
        truth.substitute_units,
        truth.counts,
        truth.sessions,
    ];
    assert!(counted.iter().all(|&count| count > 0), "{counted:?}");
    let stolen = truth.stolen_units as f64 / truth.picked_units as f64;
    assert!((0.001..0.006).contains(&stolen), "{stolen}");
}

#[test]
fn customers_take_and_put_back_as_stated() {
    let realism = Realism::NONE;
    let mut run = Run::new(&TownOptions { realism, ..TownOptions::default() }, 0);
    let (mut taken, mut put_back) = ([0_u32; 3], 0);
    run.ticks(4 * DAY_TICKS, |_, messages| {
        for event in events(messages) {
            match &event.body {
                Body::Pickup(touch) => taken[touch.units as usize - 1] += 1,
                Body::Putback(_) => put_back += 1,
                _ => {}
            }
        }
    });
    let pickups: u32 = taken.iter().sum();
    let near = |part: u32, whole: u32, stated: f64| {
        let part = f64::from(part) / f64::from(whole);
        assert!((part - stated).abs() < 0.012, "{part}, {stated} stated: {taken:?} {put_back}");
    };
    // Of 13.3 acts, 0.15 would put something back and find the cart empty.
    near(pickups, pickups + put_back, 0.85 * 13.3 / 13.15);
    for (count, stated) in taken.into_iter().zip([0.6, 0.3, 0.1]) {
        near(count, pickups, stated);
    }
    let acts = f64::from(pickups + put_back) / run.town.truth().visits as f64;
    assert!((12.7..13.4).contains(&acts), "{acts}");
}

/// Pickups whose weight is not that of their units: how many, and the most by which one is off, in
/// millionths of its weight.
fn off_by_weight(realism: Realism, days: u32) -> (u32, i64) {
    let mut run = Run::new(&TownOptions { realism, ..TownOptions::default() }, 0);
    let (mut off, mut most) = (0, 0);
    run.ticks(days * DAY_TICKS, |_, messages| {
        let all: Vec<_> = events(messages).collect();
        for two in all.windows(2) {
            if let [first, second] = two
                && let (Body::Pickup(touch), Body::WeightChange(weight)) =
                    (&first.body, &second.body)
            {
                let exact = i64::from(touch.units) * i64::from(touch.unit_weight_g);
                let wrong_g = (weight.delta_g + exact).abs();
                off += u32::from(wrong_g > 0);
                most = most.max(wrong_g * 1_000_000 / exact.max(1));
            }
        }
    });
    (off, most)
}

#[test]
fn weights_are_off_by_noise_alone_by_drift_alone_or_not_at_all() {
    let of = |weight_noise_g, drift_ppm_daily, days| {
        off_by_weight(Realism { weight_noise_g, drift_ppm_daily, ..Realism::NONE }, days)
    };
    assert_eq!(of(0, 0, 3), (0, 0));
    let (noisy, _) = of(1, 0, 3);
    assert!(noisy > 10_000, "{noisy}");
    // A scale moves by 0.4 % a day at most: the light things show nothing, the heavy ones do.
    let (drifted, most) = of(0, 4_000, 3);
    assert!(drifted > 5_000 && (4_000..=12_000).contains(&most), "{drifted}, {most} ppm");
    let (soon, later) = (of(0, 4_000, 1), of(0, 4_000, 6));
    assert!(soon.1 <= 4_000 && later.1 > 10_000, "{soon:?} {later:?}");
    // However long it lasts, no scale is off by more than 2 %.
    let (_, most) = of(0, 20_000, 6);
    assert!((15_000..=20_000).contains(&most), "{most} ppm");
}

#[test]
fn a_part_of_the_visits_is_told_in_one_message() {
    for (sessions, least, most) in [(0.0, 0.0, 0.0), (0.05, 0.035, 0.065), (1.0, 1.0, 1.0)] {
        let realism = Realism { sessions, ..Realism::default() };
        let mut run = Run::new(&TownOptions { realism, ..TownOptions::default() }, 0);
        let (mut exits, mut entries, mut whole) = (0, BTreeSet::new(), BTreeMap::new());
        // Until the night after two days: nobody is in the store.
        run.ticks(2 * DAY_TICKS - 5 * 60, |town, messages| {
            for event in events(messages) {
                match &event.body {
                    Body::Entry(customer) => {
                        entries.insert(customer.unwrap());
                    }
                    Body::Session(session) => {
                        assert!(session.exit_at > event.at && event.at <= town.now());
                        whole.insert(session.customer, (event.at, session.exit_at));
                    }
                    Body::Exit(customer) => {
                        exits += 1;
                        assert!(entries.contains(&customer.unwrap()));
                    }
                    Body::Pickup(touch) if whole.contains_key(&touch.customer.unwrap()) => {
                        let (entry_at, exit_at) = whole[&touch.customer.unwrap()];
                        assert!((entry_at..exit_at).contains(&event.at));
                    }
                    _ => {}
                }
            }
        });
        let truth = run.town.truth();
        assert_eq!(entries.len(), exits);
        assert_eq!(whole.len() as u64, truth.sessions);
        assert_eq!((entries.len() + whole.len()) as u64, truth.visits);
        let part = whole.len() as f64 / truth.visits as f64;
        assert!((least..=most).contains(&part), "{sessions}: {part}");
    }
}

#[test]
fn every_kind_of_fault_happens_and_is_counted() {
    let mut run = Run::new(&faulty(), 0);
    let (mut lines, mut late, mut seen, mut twice) = (0, 0, BTreeSet::new(), 0);
    run.ticks(2 * DAY_TICKS, |town, messages| {
        for message in messages {
            match message {
                Message::Event(event) => {
                    late += u64::from(event.received_at > event.at);
                    twice += u64::from(!seen.insert(event.id));
                }
                Message::Line(line) => {
                    lines += 1;
                    let defaults = Defaults { store: Some(town.store()), received_at: town.now() };
                    let read = parse_event(line, &defaults);
                    assert!(read.is_err(), "{}", String::from_utf8_lossy(line));
                }
            }
        }
    });
    let counts = run.town.truth().faults;
    assert_eq!(lines, counts.malformed + counts.truncated);
    assert!(counts.sent_again > lines / 4 && counts.sent_again < lines);
    // The day's last ones may still be under way.
    assert!(twice > 0 && counts.duplicate - twice < 20);
    let delayed = counts.late + counts.out_of_order + counts.duplicate + counts.sent_again;
    assert!(delayed - late < 40, "{delayed} {late}");
    let each = [counts.duplicate, counts.late, counts.out_of_order, counts.malformed];
    assert!(each.iter().all(|&count| count > 0), "{counts:?}");
}
