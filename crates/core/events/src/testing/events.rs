//! Events.

use proptest::collection::{btree_set, vec};
use proptest::option::of;
use proptest::prelude::*;
use shelf_domain::{
    AlertAct, AlertId, AlertVerb, AnomalyPolicy, Approval, Body, Count, CustomerEvent, Delivery,
    Event, EventId, FunnelStep, LocalClock, MarkdownSchedule, Measure, OpeningStock, OrderAct,
    OrderId, OrderVerb, Origin, Picking, Place, Policy, PriceChange, Product, Promotion, Receipt,
    ReceiptLine, Refill, RefillMode, Rejected, Removal, RemovalCause, RemovalTime, Rounding, Rule,
    SECOND, Scope, Sensor, Session, ShelfPlan, ShelfTouch, SourceId, StoreSettings, Supplier,
    TaskAct, TaskId, TaskVerb, Transfer, WarehouseOut, WeekSlot, WeightChange, WindowName,
    WindowPlan, WindowScope, WindowSpec,
};

use super::{
    actors, categories, cents, customer_ids, customer_types, days, lot_codes, notes, parts,
    payment_methods, policy_ids, receipt_ids, skus, store_ids, subcategories, supplier_ids,
    timestamps, units,
};

/// Any valid event.
pub fn events() -> BoxedStrategy<Event> {
    let origin = (any::<u32>(), any::<u32>())
        .prop_map(|(source, line)| Origin { source: SourceId(source), line });
    (any::<u128>(), store_ids(), timestamps(), timestamps(), origin, bodies())
        .prop_map(|(id, store, at, received_at, origin, body)| Event {
            id: EventId(id),
            store,
            at,
            received_at,
            origin,
            body,
        })
        .boxed()
}

/// Any valid body: every variant as often as any other.
pub fn bodies() -> BoxedStrategy<Body> {
    prop_oneof![shelf_bodies(), trade_bodies(), people_bodies(), reference_bodies()].boxed()
}

fn shelf_bodies() -> BoxedStrategy<Body> {
    let touch = || {
        (of(customer_ids()), skus(), units(), units()).prop_map(
            |(customer, sku, units, unit_weight_g)| ShelfTouch {
                customer,
                sku,
                units,
                unit_weight_g,
            },
        )
    };
    let weight = (of(customer_ids()), skus(), -1_000_000..1_000_000_i64)
        .prop_map(|(customer, sku, delta_g)| WeightChange { customer, sku, delta_g });
    let refill = (of(any::<u64>()), skus(), of(lot_codes()), units())
        .prop_map(|(task, sku, lot, units)| Refill { task: task.map(TaskId), sku, lot, units });
    let session = (customer_ids(), timestamps())
        .prop_map(|(customer, exit_at)| Session { customer, exit_at });
    let step = (of(customer_ids()), steps(), of(skus()))
        .prop_map(|(customer, step, sku)| CustomerEvent { customer, step, sku });
    prop_oneof![
        step.prop_map(Body::CustomerEvent),
        touch().prop_map(Body::Pickup),
        touch().prop_map(Body::Putback),
        weight.prop_map(Body::WeightChange),
        refill.prop_map(Body::Refill),
        of(customer_ids()).prop_map(Body::Entry),
        of(customer_ids()).prop_map(Body::Exit),
        session.prop_map(Body::Session),
    ]
    .boxed()
}

fn trade_bodies() -> BoxedStrategy<Body> {
    let line = (skus(), any::<i32>(), cents(), parts(), cents(), of(lot_codes())).prop_map(
        |(sku, units, unit_price_cents, discount, total_cents, lot)| ReceiptLine {
            sku,
            units,
            unit_price_cents,
            discount,
            total_cents,
            lot,
        },
    );
    let receipt =
        (receipt_ids(), of(customer_ids()), payment_methods(), customer_types(), vec(line, 0..6))
            .prop_map(|(receipt, customer, payment_method, customer_type, lines)| Receipt {
                receipt,
                customer,
                payment_method,
                customer_type,
                lines,
            });
    let delivery =
        (of(any::<u64>()), skus(), lot_codes(), units(), of(days()), of(days()), actors())
            .prop_map(|(order, sku, lot, units, received_day, expiry_day, actor)| Delivery {
                order: order.map(OrderId),
                sku,
                lot,
                units,
                received_day,
                expiry_day,
                actor,
            });
    let out =
        (of(any::<u64>()), skus(), of(lot_codes()), units()).prop_map(|(task, sku, lot, units)| {
            WarehouseOut { task: task.map(TaskId), sku, lot, units }
        });
    let transfer = (skus(), of(lot_codes()), units(), store_ids())
        .prop_map(|(sku, lot, units, to)| Transfer { sku, lot, units, to });
    prop_oneof![
        receipt.prop_map(|receipt| Body::Receipt(Box::new(receipt))),
        delivery.prop_map(Body::Delivery),
        out.prop_map(Body::WarehouseOut),
        transfer.prop_map(Body::Transfer),
    ]
    .boxed()
}

fn steps() -> impl Strategy<Value = FunnelStep> {
    proptest::sample::select(FunnelStep::ALL.as_slice())
}

pub(super) fn places() -> impl Strategy<Value = Place> {
    prop_oneof![Just(Place::Floor), Just(Place::Warehouse)]
}

pub(super) fn removal_causes() -> impl Strategy<Value = RemovalCause> {
    prop_oneof![
        Just(RemovalCause::Expired),
        Just(RemovalCause::Damaged),
        Just(RemovalCause::Recalled),
        Just(RemovalCause::Transferred),
        Just(RemovalCause::Stolen),
    ]
}

fn people_bodies() -> BoxedStrategy<Body> {
    let removal = (skus(), of(lot_codes()), places(), units(), removal_causes(), actors())
        .prop_map(|(sku, lot, place, units, cause, actor)| Removal {
            sku,
            lot,
            place,
            units,
            cause,
            actor,
        });
    let count = (skus(), places(), units(), actors())
        .prop_map(|(sku, place, units, actor)| Count { sku, place, units, actor });
    let rejected = (notes(), notes(), any::<u32>(), vec(any::<u8>(), 0..60)).prop_map(
        |(reason, source, line, raw)| Rejected {
            reason,
            source,
            line: u64::from(line),
            raw_len: raw.len() as u64,
            raw,
        },
    );
    prop_oneof![
        removal.prop_map(Body::Removal),
        count.prop_map(Body::Count),
        alert_acts().prop_map(|act| Body::AlertAct(Box::new(act))),
        order_acts().prop_map(|act| Body::OrderAct(Box::new(act))),
        task_acts().prop_map(Body::TaskAct),
        window_plans().prop_map(|plan| Body::WindowPlan(Box::new(plan))),
        Just(Body::Clock),
        rejected.prop_map(|rejected| Body::Rejected(Box::new(rejected))),
    ]
    .boxed()
}

fn alert_acts() -> BoxedStrategy<AlertAct> {
    let assignees = actors().prop_filter("nobody", |actor| !actor.is_empty());
    let verb = prop_oneof![
        Just(AlertVerb::Acknowledge),
        assignees.prop_map(AlertVerb::Assign),
        timestamps().prop_map(AlertVerb::Snooze),
        Just(AlertVerb::Resolve),
        Just(AlertVerb::Dismiss),
        Just(AlertVerb::Note),
        Just(AlertVerb::Undo),
    ];
    (any::<u64>(), verb, actors(), notes())
        .prop_map(|(alert, act, actor, note)| AlertAct { alert: AlertId(alert), act, actor, note })
        .boxed()
}

fn order_acts() -> impl Strategy<Value = OrderAct> {
    let verb = prop_oneof![
        Just(OrderVerb::Approve),
        Just(OrderVerb::Cancel),
        (skus(), units()).prop_map(|(sku, units)| OrderVerb::Change { sku, units }),
    ];
    (any::<u64>(), verb, actors(), notes()).prop_map(|(order, act, actor, note)| OrderAct {
        order: OrderId(order),
        act,
        actor,
        note,
    })
}

fn task_acts() -> impl Strategy<Value = TaskAct> {
    let verb = prop_oneof![skus().prop_map(TaskVerb::Request), Just(TaskVerb::Cancel)];
    (any::<u64>(), verb, actors()).prop_map(|(task, act, actor)| TaskAct {
        task: TaskId(task),
        act,
        actor,
    })
}

fn window_plans() -> impl Strategy<Value = WindowPlan> {
    let measure = proptest::sample::select(vec![Measure::Sales, Measure::Stock, Measure::Turnover]);
    let scope = proptest::sample::select(vec![
        WindowScope::Global,
        WindowScope::Store,
        WindowScope::Product,
        WindowScope::StoreProduct,
    ]);
    let seconds = || (0..100_000_i64).prop_map(|seconds| seconds * SECOND);
    let spec = (any::<u32>(), measure, scope, seconds(), seconds(), seconds(), any::<bool>())
        .prop_map(|(name, measure, scope, size_us, slide_us, early_us, kept)| WindowSpec {
            name: WindowName::cut(&format!("window-{name}")),
            measure,
            scope,
            size_us,
            slide_us,
            early_us,
            kept,
        });
    (vec(spec, 0..4), seconds())
        .prop_map(|(windows, lateness_us)| WindowPlan { windows, lateness_us })
}

fn reference_bodies() -> BoxedStrategy<Body> {
    let sensor = prop_oneof![Just(Sensor::Units), Just(Sensor::WeightOnly)];
    let shelf = (skus(), units(), units(), sensor, units(), actors()).prop_map(
        |(sku, capacity_units, warehouse_capacity_units, sensor, expected_daily_milli, actor)| {
            ShelfPlan {
                sku,
                capacity_units,
                warehouse_capacity_units,
                sensor,
                expected_daily_milli,
                actor,
            }
        },
    );
    let stock = (skus(), lot_codes(), days(), of(days()), units(), units(), actors()).prop_map(
        |(sku, lot, received_day, expiry_day, floor_units, warehouse_units, actor)| OpeningStock {
            sku,
            lot,
            received_day,
            expiry_day,
            floor_units,
            warehouse_units,
            actor,
        },
    );
    let price = (skus(), cents(), actors()).prop_map(|(sku, price_cents, actor)| PriceChange {
        sku,
        price_cents,
        actor,
    });
    let promotion = (skus(), days(), days(), parts(), actors()).prop_map(
        |(sku, from_day, until_day, cut, actor)| Promotion { sku, from_day, until_day, cut, actor },
    );
    prop_oneof![
        stores().prop_map(|store| Body::Store(Box::new(store))),
        products().prop_map(|product| Body::Product(Box::new(product))),
        shelf.prop_map(Body::Shelf),
        stock.prop_map(Body::OpeningStock),
        suppliers().prop_map(|supplier| Body::Supplier(Box::new(supplier))),
        policies().prop_map(|policy| Body::Policy(Box::new(policy))),
        price.prop_map(Body::Price),
        promotion.prop_map(Body::Promotion),
    ]
    .boxed()
}

fn stores() -> BoxedStrategy<StoreSettings> {
    let hours = vec((0..=1_440_u16, 0..=1_440_u16), 7);
    let opening = prop_oneof![Just(Vec::new()), hours];
    let refill = prop_oneof![Just(RefillMode::Confirmed), Just(RefillMode::Timed)];
    let approval = prop_oneof![Just(Approval::Automatic), Just(Approval::ByPerson)];
    let offsets = vec((timestamps(), -50_400..50_400_i32), 0..4);
    let closed = btree_set(days(), 0..4).prop_map(Vec::from_iter);
    (notes(), notes(), offsets, opening, closed, refill, approval, actors())
        .prop_map(|(name, time_zone, offsets, opening, closed, refill, approval, actor)| {
            StoreSettings {
                name,
                time_zone,
                clock: LocalClock { offsets },
                opening,
                closed_days: closed,
                refill,
                approval,
                actor,
            }
        })
        .boxed()
}

fn products() -> BoxedStrategy<Product> {
    let texts = (skus(), notes(), notes(), categories(), subcategories(), of(supplier_ids()));
    let numbers = (cents(), cents(), units(), units(), any::<u16>());
    (texts, numbers, actors())
        .prop_map(
            |(
                (sku, name, brand, category, subcategory, supplier),
                (price_cents, cost_cents, unit_weight_g, pack_units, shelf_life_days),
                actor,
            )| Product {
                sku,
                name,
                brand,
                category,
                subcategory,
                price_cents,
                cost_cents,
                unit_weight_g,
                pack_units,
                shelf_life_days,
                supplier,
                actor,
            },
        )
        .boxed()
}

fn suppliers() -> BoxedStrategy<Supplier> {
    let slots = || {
        vec((0..7_u8, 0..=1_440_u16), 0..4).prop_map(|slots| {
            slots.into_iter().map(|(weekday, minute)| WeekSlot { weekday, minute }).collect()
        })
    };
    (supplier_ids(), notes(), slots(), slots(), any::<u32>(), cents(), actors())
        .prop_map(
            |(supplier, name, cutoffs, deliveries, lead_minutes, minimum_order_cents, actor)| {
                Supplier {
                    supplier,
                    name,
                    cutoffs,
                    deliveries,
                    lead_minutes,
                    minimum_order_cents,
                    actor,
                }
            },
        )
        .boxed()
}

fn policies() -> BoxedStrategy<Policy> {
    let scope = prop_oneof![
        Just(Scope::Global),
        categories().prop_map(Scope::Category),
        (of(categories()), subcategories())
            .prop_map(|(category, subcategory)| Scope::Subcategory(category, subcategory)),
        skus().prop_map(Scope::Shelf),
    ];
    let whole = (policy_ids(), scope, any::<bool>(), notes(), actors());
    let stock = (of(parts()), of(units()), of(parts()), of(parts()), of(units()));
    let days = || of(any::<u16>());
    let seconds = || of(any::<u32>());
    let times = (days(), days(), days(), days(), seconds(), seconds());
    let picking = prop_oneof![Just(Picking::SoonestExpiry), Just(Picking::FirstReceived)];
    let rounding = prop_oneof![Just(Rounding::Up), Just(Rounding::Nearest), Just(Rounding::Down)];
    let removal = prop_oneof![Just(RemovalTime::NextDay), Just(RemovalTime::SameDayEvening)];
    let markdown = proptest::array::uniform4((any::<u16>(), parts()))
        .prop_map(|steps| MarkdownSchedule { steps });
    let markdown = prop_oneof![markdown, Just(MarkdownSchedule::NONE)];
    let small = || of(0..100_000_u32);
    let anomalies = (
        (small(), small(), small(), small(), of(parts()), small()),
        (small(), small(), small(), of(any::<u16>()), of(any::<u16>())),
        of(0..(1_u32 << Rule::COUNT)),
    )
        .prop_map(|(first, second, off)| AnomalyPolicy {
            spike_z_milli: first.0,
            spike_min_units: first.1,
            high_value_cents: first.2,
            low_stock_units: first.3,
            depletion: first.4,
            depletion_min_units: first.5,
            overstock_units: second.0,
            safety_stock_units: second.1,
            price_tolerance_cents: second.2,
            sensor_silent_minutes: second.3,
            till_silent_minutes: second.4,
            off,
        });
    let ways = (of(picking), of(rounding), of(markdown), of(removal), anomalies);
    (whole, stock, times, ways)
        .prop_map(|(whole, stock, times, ways)| Policy {
            policy: whole.0,
            scope: whole.1,
            active: whole.2,
            notes: whole.3,
            refill_below: stock.0,
            min_units: stock.1,
            target: stock.2,
            hysteresis: stock.3,
            reorder_point_units: stock.4,
            cover_days: times.0,
            near_expiry_floor_days: times.1,
            near_expiry_warehouse_days: times.2,
            cooldown_minutes: times.3,
            restock_delay_seconds: times.4,
            travel_seconds: times.5,
            picking: ways.0,
            rounding: ways.1,
            markdown: ways.2,
            removal: ways.3,
            anomalies: ways.4,
            actor: whole.4,
        })
        .boxed()
}
