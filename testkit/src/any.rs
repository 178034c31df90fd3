//! Random days of a small shop, for property tests: every kind of event, absurd values, late,
//! repeated and out-of-order ones included. It makes events and knows no rule of the shop.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use shelf_domain::{
    Actor, AlertAct, AlertId, AlertVerb, BasisPoints, Body, Count, CustomerEvent, CustomerId, DAY,
    Day, Delivery, Event, FunnelStep, LocalClock, LotCode, MINUTE, MarkdownSchedule, Note,
    OpeningStock, OrderAct, OrderId, OrderVerb, Picking, Place, Policy, PolicyId, PriceChange,
    Promotion, Receipt, ReceiptId, ReceiptLine, Refill, RefillMode, Removal, RemovalCause,
    RemovalTime, SECOND, Scope, Sensor, Session, ShelfPlan, ShelfTouch, Sku, StoreId,
    StoreSettings, Supplier, SupplierId, TaskAct, TaskId, TaskVerb, Timestamp, Transfer,
    WarehouseOut, WeekSlot, WeightChange,
};

use crate::builders::{Shop, parse_date};

/// The skus of the shop, and one that it does not have.
const SKUS: [&str; 6] = ["BREAD", "FISH", "MILK", "RICE", "SALT", "GHOST"];
const UNIT_WEIGHT_G: u32 = 500;

/// One event, as it follows on the one before.
#[derive(Clone, Debug)]
pub struct Step {
    /// How much time passes before it, in seconds.
    pub pause_s: i64,
    /// How far its time lies before the moment at which it arrives (after it, where negative), in
    /// seconds.
    pub behind_s: i64,
    /// How often it comes.
    pub times: usize,
    /// What happens. Times inside are counted from its own time, days from the shop's first.
    pub body: Body,
}

/// The events of a shop in which `steps` happen.
pub fn events(steps: &[Step]) -> Vec<Event> {
    let mut shop = Shop::new("S001");
    shop.at("2026-03-27 06:00");
    let first_day = parse_date("2026-03-27").expect("a date");
    for (number, sku) in SKUS.iter().filter(|sku| **sku != "GHOST").enumerate() {
        shop.product(sku, |spec| {
            spec.product.shelf_life_days = 3 * number as u16;
            spec.product.supplier = Some(SupplierId::cut("FARM"));
            spec.shelf.sensor = if number == 3 { Sensor::WeightOnly } else { Sensor::Units };
            spec.shelf.expected_daily_milli = 5_000;
        });
        shop.opening(sku, "L1", "2026-03-28", 4 * number as u32, 10);
        shop.opening(sku, "L2", "2026-04-03", 5, 12);
    }
    let mut events = shop.events();
    let mut arrives_at = shop.now();
    for step in steps {
        arrives_at = arrives_at.plus(step.pause_s * SECOND);
        let at = arrives_at.plus(-step.behind_s * SECOND);
        let mut event = Event {
            id: shelf_domain::EventId(events.len() as u128 + 1),
            store: StoreId::cut("S001"),
            at,
            received_at: arrives_at,
            origin: shelf_domain::Origin::default(),
            body: step.body.clone(),
        };
        settle(&mut event.body, at, first_day);
        events.extend(std::iter::repeat_n(event, step.times));
    }
    events
}

/// Turns the times and days of a step into those of an event.
fn settle(body: &mut Body, at: Timestamp, first_day: Day) {
    let day = |day: &mut Day| *day = first_day.plus(day.0);
    match body {
        Body::Session(session) => session.exit_at = at.plus(session.exit_at.0),
        Body::AlertAct(act) => {
            if let AlertVerb::Snooze(until) = &mut act.act {
                *until = at.plus(until.0);
            }
        }
        Body::Delivery(delivery) => {
            delivery.received_day.iter_mut().for_each(day);
            delivery.expiry_day.iter_mut().for_each(day);
        }
        Body::OpeningStock(stock) => {
            day(&mut stock.received_day);
            stock.expiry_day.iter_mut().for_each(day);
        }
        Body::Promotion(promotion) => {
            day(&mut promotion.from_day);
            day(&mut promotion.until_day);
        }
        _ => {}
    }
}

/// Some steps: at most `most`.
pub fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 1..=most)
}

fn step() -> impl Strategy<Value = Step> {
    let pause_s = prop_oneof![
        6 => Just(0_i64),
        30 => 1..1_200_i64,
        20 => (0..40_i64).prop_map(|quarters| quarters * 900),
        2 => (1..4_i64).prop_map(|days| days * 86_400),
    ];
    let behind_s = prop_oneof![
        40 => Just(0_i64),
        4 => 1..1_800_i64,
        4 => (0..30_i64).prop_map(|quarters| quarters * 900),
        1 => Just(31 * 86_400),
        1 => -660..0_i64,
    ];
    let times = prop_oneof![9 => Just(1_usize), 1 => Just(2)];
    (pause_s, behind_s, times, body()).prop_map(|(pause_s, behind_s, times, body)| Step {
        pause_s,
        behind_s,
        times,
        body,
    })
}

fn body() -> impl Strategy<Value = Body> {
    prop_oneof![
        50 => on_the_floor(),
        30 => behind_the_floor(),
        8 => declared(),
        12 => acts(),
        3 => Just(Body::Clock),
        1 => Just(Body::Rejected(Box::default())),
    ]
}

fn on_the_floor() -> impl Strategy<Value = Body> {
    prop_oneof![
        6 => touch().prop_map(Body::Pickup),
        2 => touch().prop_map(Body::Putback),
        5 => (weigher(), sku(), weight()).prop_map(|(customer, sku, delta_g)| {
            Body::WeightChange(WeightChange { customer, sku, delta_g })
        }),
        5 => (customer(), vec(line(), 0..4)).prop_map(|(customer, lines)| {
            Body::Receipt(Box::new(Receipt {
                receipt: ReceiptId::cut("R"),
                customer,
                lines,
                ..Receipt::default()
            }))
        }),
        2 => customer().prop_map(Body::Exit),
        1 => customer().prop_map(Body::Entry),
        2 => (customer(), select(FunnelStep::ALL.as_slice()), option::of(sku())).prop_map(
            |(customer, step, sku)| Body::CustomerEvent(CustomerEvent { customer, step, sku }),
        ),
        1 => (customer(), -60..1_500_i64).prop_map(|(customer, minutes)| {
            let customer = customer.unwrap_or_default();
            Body::Session(Session { customer, exit_at: Timestamp(minutes * MINUTE) })
        }),
    ]
}

fn behind_the_floor() -> impl Strategy<Value = Body> {
    let delivery = (sku(), lot(), units(), option::of(-5..5), option::of(-1..9), order());
    prop_oneof![
        3 => delivery.prop_map(|(sku, lot, units, received, expiry, order)| {
            let (received_day, expiry_day) = (received.map(Day), expiry.map(Day));
            let lot = lot.unwrap_or(LotCode::cut("L9"));
            let actor = Actor::default();
            Body::Delivery(Delivery { order, sku, lot, units, received_day, expiry_day, actor })
        }),
        4 => (task(), sku(), lot(), units()).prop_map(|(task, sku, lot, units)| {
            Body::WarehouseOut(WarehouseOut { task, sku, lot, units })
        }),
        4 => (task(), sku(), lot(), units()).prop_map(|(task, sku, lot, units)| {
            Body::Refill(Refill { task, sku, lot, units })
        }),
        2 => (sku(), lot(), place(), units()).prop_map(|(sku, lot, place, units)| {
            let (cause, actor) = (RemovalCause::Damaged, Actor::cut("ann"));
            Body::Removal(Removal { sku, lot, place, units, cause, actor })
        }),
        3 => (sku(), place(), units()).prop_map(|(sku, place, units)| {
            Body::Count(Count { sku, place, units, actor: Actor::cut("ann") })
        }),
        1 => (sku(), lot(), units(), any::<bool>()).prop_map(|(sku, lot, units, named)| {
            let to = if named { StoreId::cut("S002") } else { StoreId::default() };
            Body::Transfer(Transfer { sku, lot, units, to })
        }),
        1 => (sku(), lot(), -5..1, option::of(-1..9), units(), units()).prop_map(
            |(sku, lot, received, expiry, floor_units, warehouse_units)| {
                let (received_day, expiry_day) = (Day(received), expiry.map(Day));
                let lot = lot.unwrap_or_default();
                Body::OpeningStock(OpeningStock {
                    sku, lot, received_day, expiry_day, floor_units, warehouse_units,
                    ..OpeningStock::default()
                })
            }
        ),
    ]
}

fn declared() -> impl Strategy<Value = Body> {
    prop_oneof![
        2 => settings().prop_map(|settings| Body::Store(Box::new(settings))),
        2 => product(),
        1 => shelf().prop_map(Body::Shelf),
        4 => policy().prop_map(|policy| Body::Policy(Box::new(policy))),
        1 => supplier().prop_map(|supplier| Body::Supplier(Box::new(supplier))),
        1 => (sku(), cents()).prop_map(|(sku, price_cents)| {
            Body::Price(PriceChange { sku, price_cents, ..PriceChange::default() })
        }),
        1 => (sku(), -3..9, 0..8, part()).prop_map(|(sku, from, days, cut)| {
            let (from_day, until_day) = (Day(from), Day(from + days - 1));
            Body::Promotion(Promotion { sku, from_day, until_day, cut, ..Promotion::default() })
        }),
    ]
}

fn acts() -> impl Strategy<Value = Body> {
    let alert = prop_oneof![
        Just(AlertVerb::Acknowledge),
        Just(AlertVerb::Assign(Actor::cut("bob"))),
        (-1..40 * 24_i64).prop_map(|hours| AlertVerb::Snooze(Timestamp(hours * DAY / 24))),
        Just(AlertVerb::Resolve),
        Just(AlertVerb::Dismiss),
        Just(AlertVerb::Note),
        Just(AlertVerb::Undo),
    ];
    let order = prop_oneof![
        Just(OrderVerb::Approve),
        Just(OrderVerb::Cancel),
        (sku(), units()).prop_map(|(sku, units)| OrderVerb::Change { sku, units }),
    ];
    let task = prop_oneof![Just(TaskVerb::Cancel), sku().prop_map(TaskVerb::Request)];
    let actor = || prop_oneof![8 => Just(Actor::cut("ann")), 1 => Just(Actor::default())];
    let note = Note::default();
    prop_oneof![
        4 => (0..30_u64, alert, actor()).prop_map(move |(alert, act, actor)| {
            Body::AlertAct(Box::new(AlertAct { alert: AlertId(alert), act, actor, note }))
        }),
        2 => (0..4_u64, order, actor()).prop_map(move |(order, act, actor)| {
            Body::OrderAct(Box::new(OrderAct { order: OrderId(order), act, actor, note }))
        }),
        3 => (0..12_u64, task, actor()).prop_map(|(task, act, actor)| {
            Body::TaskAct(TaskAct { task: TaskId(task), act, actor })
        }),
    ]
}

fn sku() -> impl Strategy<Value = Sku> {
    prop_oneof![
        12 => Just(Sku::cut("MILK")),
        6 => Just(Sku::cut("RICE")),
        8 => (0..SKUS.len() - 1).prop_map(|at| Sku::cut(SKUS[at])),
        1 => Just(Sku::cut("GHOST")),
    ]
}

/// Who a scale says it was.
fn weigher() -> impl Strategy<Value = Option<CustomerId>> {
    prop_oneof![2 => customer(), 2 => Just(None), 1 => Just(Some(CustomerId::cut("restock_bot")))]
}

fn customer() -> impl Strategy<Value = Option<CustomerId>> {
    let names = ["c1", "c2", "c3"].map(|name| Some(CustomerId::cut(name)));
    prop_oneof![
        9 => prop::sample::select(names.to_vec()),
        2 => Just(None),
        1 => Just(Some(CustomerId::default())),
    ]
}

fn lot() -> impl Strategy<Value = Option<LotCode>> {
    let codes = ["L1", "L2", "L3", "L4"].map(|code| Some(LotCode::cut(code)));
    prop_oneof![1 => Just(None), 1 => prop::sample::select(codes.to_vec())]
}

fn task() -> impl Strategy<Value = Option<TaskId>> {
    prop_oneof![3 => Just(None), 1 => (0..9_u64).prop_map(|task| Some(TaskId(task)))]
}

fn order() -> impl Strategy<Value = Option<OrderId>> {
    prop_oneof![3 => Just(None), 1 => (0..3_u64).prop_map(|order| Some(OrderId(order)))]
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![Just(Place::Floor), Just(Place::Warehouse)]
}

fn units() -> impl Strategy<Value = u32> {
    prop_oneof![
        60 => 1..6_u32,
        20 => 6..30_u32,
        2 => Just(0_u32),
        1 => prop::sample::select(vec![1_000_000, 1_000_001, u32::MAX]),
    ]
}

fn cents() -> impl Strategy<Value = i64> {
    let absurd = vec![-1, 100_000_001, i64::MAX, i64::MIN];
    prop_oneof![30 => 0..2_000_i64, 1 => prop::sample::select(absurd)]
}

fn part() -> impl Strategy<Value = BasisPoints> {
    prop_oneof![20 => (0..=100_u32).prop_map(BasisPoints::percent), 1 => Just(BasisPoints(10_001))]
}

fn touch() -> impl Strategy<Value = ShelfTouch> {
    let weight = prop_oneof![9 => Just(0_u32), 1 => Just(UNIT_WEIGHT_G), 1 => Just(u32::MAX)];
    (customer(), sku(), units(), weight).prop_map(|(customer, sku, units, unit_weight_g)| {
        ShelfTouch { customer, sku, units, unit_weight_g }
    })
}

fn weight() -> impl Strategy<Value = i64> {
    let absurd = vec![i64::MAX, i64::MIN, 1_000_000_000, -1_000_000_001];
    let unit = i64::from(UNIT_WEIGHT_G);
    let near = move |(units, off): (i64, i64)| units * unit + off;
    prop_oneof![
        30 => (-6..6_i64, -110..110_i64).prop_map(near),
        1 => prop::sample::select(absurd),
    ]
}

fn line() -> impl Strategy<Value = ReceiptLine> {
    let sign = prop_oneof![5 => Just(1_i64), 1 => Just(-1)];
    let discount = prop_oneof![15 => Just(BasisPoints::ZERO), 1 => part()];
    (sku(), units(), sign, cents(), discount, lot()).prop_map(
        |(sku, units, sign, unit_price_cents, discount, lot)| {
            let units = (sign * i64::from(units)).clamp(i32::MIN.into(), i32::MAX.into());
            let total_cents = units.saturating_mul(unit_price_cents);
            let units = units as i32;
            ReceiptLine { sku, units, unit_price_cents, discount, total_cents, lot }
        },
    )
}

fn settings() -> impl Strategy<Value = StoreSettings> {
    let opening = vec![
        vec![],
        vec![(7 * 60, 22 * 60); 7],
        vec![(0, 24 * 60); 7],
        vec![(0, 0); 7],
        vec![(22 * 60, 7 * 60); 7],
        vec![(7 * 60, 22 * 60); 3],
    ];
    let spring = Timestamp(20_541 * DAY + DAY / 24);
    let clocks = vec![
        vec![],
        vec![(Timestamp(0), 3_600), (spring, 7_200)],
        vec![(Timestamp(0), -36_000)],
        vec![(Timestamp(0), i32::MIN)],
    ];
    let refill = prop_oneof![Just(RefillMode::Confirmed), Just(RefillMode::Timed)];
    let first = Day::from_civil(2026, 3, 28).unwrap();
    let closed = vec![vec![], vec![first, first.plus(2)], vec![first.plus(1), first]];
    let select = (prop::sample::select(opening), prop::sample::select(closed));
    (select, prop::sample::select(clocks), refill).prop_map(
        |((opening, closed_days), offsets, refill)| StoreSettings {
            opening,
            closed_days,
            clock: LocalClock { offsets },
            refill,
            ..StoreSettings::default()
        },
    )
}

fn product() -> impl Strategy<Value = Body> {
    let weight = prop_oneof![Just(0), Just(UNIT_WEIGHT_G)];
    let known = prop_oneof![9 => sku(), 1 => Just(Sku::default())];
    (known, cents(), 0..9_u16, weight, units()).prop_map(
        |(sku, price_cents, shelf_life_days, unit_weight_g, pack_units)| {
            let product = shelf_domain::Product {
                sku,
                price_cents,
                shelf_life_days,
                unit_weight_g,
                pack_units,
                supplier: Some(SupplierId::cut("FARM")),
                ..shelf_domain::Product::default()
            };
            Body::Product(Box::new(product))
        },
    )
}

fn shelf() -> impl Strategy<Value = ShelfPlan> {
    let sensor = prop_oneof![Just(Sensor::Units), Just(Sensor::WeightOnly)];
    (sku(), units(), units(), sensor, 0..u32::MAX).prop_map(
        |(sku, capacity_units, warehouse_capacity_units, sensor, expected_daily_milli)| ShelfPlan {
            sku,
            capacity_units,
            warehouse_capacity_units,
            sensor,
            expected_daily_milli,
            ..ShelfPlan::default()
        },
    )
}

fn policy() -> impl Strategy<Value = Policy> {
    let scope = prop_oneof![Just(Scope::Global), sku().prop_map(Scope::Shelf)];
    let picking = prop_oneof![Just(Picking::SoonestExpiry), Just(Picking::FirstReceived)];
    let removal = prop_oneof![Just(RemovalTime::NextDay), Just(RemovalTime::SameDayEvening)];
    let travel = prop_oneof![0..3_600_u32, Just(9 * 3_600), Just(u32::MAX)];
    let names = prop_oneof![9 => Just("P"), 9 => Just("Q"), 1 => Just("")];
    let values = (
        option::of(picking),
        option::of(removal),
        option::of(travel),
        option::of(part()),
        option::of(units()),
        option::of(0..200_u16),
    );
    (names, scope, any::<bool>(), values).prop_map(|(name, scope, active, values)| Policy {
        policy: PolicyId::cut(name),
        scope,
        active,
        picking: values.0,
        removal: values.1,
        travel_seconds: values.2,
        refill_below: values.3,
        min_units: values.4,
        cooldown_minutes: values.5,
        markdown: Some(MarkdownSchedule::default()),
        ..Policy::default()
    })
}

fn supplier() -> impl Strategy<Value = Supplier> {
    let slots = || vec((0..8_u8, 0..1_440_u16), 0..4);
    let slot = |(weekday, minute)| WeekSlot { weekday, minute };
    (slots(), slots(), 0..3_000_u32).prop_map(move |(cutoffs, deliveries, lead_minutes)| Supplier {
        supplier: SupplierId::cut("FARM"),
        cutoffs: cutoffs.into_iter().map(slot).collect(),
        deliveries: deliveries.into_iter().map(slot).collect(),
        lead_minutes,
        ..Supplier::default()
    })
}
