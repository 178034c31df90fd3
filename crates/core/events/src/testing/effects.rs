//! Effects.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use shelf_domain::{
    Alert, AlertId, AlertStatus, Allocation, Cause, CustomerId, Distinct, Effect, Explanation,
    LineReason, MINUTE, Measure, OrderId, OrderLine, OrderStatus, PriceNotice, Reason,
    RemovalNotice, RestockTask, Rule, SalesSums, Severity, StockFigures, StockStatus, StockSums,
    SupplierOrder, TaskId, TaskStatus, WindowName, WindowResult, WindowRow, WindowScope,
    WindowStage,
};

use super::events::{places, removal_causes};
use super::{
    actors, cents, days, lot_codes, notes, parts, skus, store_ids, supplier_ids, timestamps, units,
};
use crate::OutputRecord;

/// Any record of the output log.
pub fn outputs() -> BoxedStrategy<OutputRecord> {
    (store_ids(), any::<u64>(), any::<u32>(), timestamps(), effects())
        .prop_map(|(store, input_offset, index, at, effect)| OutputRecord {
            store,
            input_offset,
            index,
            at,
            effect,
        })
        .boxed()
}

/// Any effect: every variant as often as any other.
pub fn effects() -> BoxedStrategy<Effect> {
    let price = (skus(), of(lot_codes()), cents(), parts(), parts(), cents()).prop_map(
        |(sku, lot, list_cents, promotion, markdown, price_cents)| PriceNotice {
            sku,
            lot,
            list_cents,
            promotion,
            markdown,
            price_cents,
        },
    );
    let removed = (skus(), lot_codes(), places(), units(), removal_causes(), cents()).prop_map(
        |(sku, lot, place, units, cause, cost_cents)| RemovalNotice {
            sku,
            lot,
            place,
            units,
            cause,
            cost_cents,
        },
    );
    let explained = (skus(), any::<i64>(), select(Cause::ALL.to_vec()))
        .prop_map(|(sku, units, cause)| Explanation { sku, units, cause });
    prop_oneof![
        Just(Effect::Duplicate),
        select(Reason::ALL.to_vec()).prop_map(Effect::Quarantined),
        alerts().prop_map(Effect::Alert),
        tasks().prop_map(Effect::Task),
        windows().prop_map(|result| Effect::Window(Box::new(result))),
        orders().prop_map(Effect::Order),
        price.prop_map(Effect::Price),
        removed.prop_map(Effect::Removed),
        explained.prop_map(Effect::Explained),
    ]
    .boxed()
}

fn alerts() -> BoxedStrategy<Alert> {
    let severity = select(vec![Severity::Info, Severity::Warning, Severity::Critical]);
    let status = select(vec![
        AlertStatus::Open,
        AlertStatus::Acknowledged,
        AlertStatus::Snoozed,
        AlertStatus::Resolved,
        AlertStatus::Dismissed,
    ]);
    let what = (any::<u64>(), select(Rule::ALL.to_vec()), of(skus()), places(), severity, status);
    let times = (timestamps(), timestamps(), timestamps(), of(timestamps()));
    let numbers = (units(), units(), units(), units(), units());
    (what, times, numbers, of(actors()), of(actors()), notes())
        .prop_map(|(what, times, numbers, owner, actor, note)| Alert {
            alert: AlertId(what.0),
            rule: what.1,
            sku: what.2,
            place: what.3,
            severity: what.4,
            status: what.5,
            opened_at: times.0,
            last_seen_at: times.1,
            changed_at: times.2,
            snoozed_until: times.3,
            count: numbers.0,
            stock_units: numbers.1,
            threshold: numbers.2,
            capacity_units: numbers.3,
            suggested_units: numbers.4,
            owner,
            actor,
            note,
        })
        .boxed()
}

fn tasks() -> BoxedStrategy<RestockTask> {
    let status = select(vec![
        TaskStatus::Pending,
        TaskStatus::Issued,
        TaskStatus::InTransit,
        TaskStatus::Done,
        TaskStatus::Cancelled,
    ]);
    let allocation = (lot_codes(), units(), units(), units()).prop_map(
        |(lot, reserved_units, transit_units, arrived_units)| Allocation {
            lot,
            reserved_units,
            transit_units,
            arrived_units,
        },
    );
    let times = (timestamps(), timestamps(), timestamps());
    (any::<u64>(), skus(), status, units(), units(), vec(allocation, 0..4), times)
        .prop_map(|(task, sku, status, wanted_units, backorder_units, allocations, times)| {
            RestockTask {
                task: TaskId(task),
                sku,
                status,
                wanted_units,
                backorder_units,
                allocations,
                created_at: times.0,
                changed_at: times.1,
                due_at: times.2,
            }
        })
        .boxed()
}

fn orders() -> BoxedStrategy<SupplierOrder> {
    let status = select(vec![
        OrderStatus::Draft,
        OrderStatus::Approved,
        OrderStatus::Sent,
        OrderStatus::Received,
        OrderStatus::Cancelled,
    ]);
    let line = (skus(), units(), units(), cents(), proptest::array::uniform10(units())).prop_map(
        |(sku, units, received_units, cost_cents, [a, b, c, d, e, f, g, h, i, j])| OrderLine {
            sku,
            units,
            received_units,
            cost_cents,
            reason: LineReason {
                daily_milli: a,
                cover_milli_days: b,
                need_units: c,
                safety_units: d,
                standing_units: e,
                sellable_units: (j % 2 == 0).then_some(j),
                usable_units: f,
                arriving_units: g,
                room_units: h,
                pack_units: i,
                proposed_units: j,
            },
        },
    );
    let times = (timestamps(), timestamps(), timestamps(), timestamps());
    (any::<u64>(), supplier_ids(), status, times, days(), vec(line, 0..4))
        .prop_map(|(order, supplier, status, times, delivery_day, lines)| SupplierOrder {
            order: OrderId(order),
            supplier,
            status,
            cutoff_at: times.0,
            delivery_at: times.1,
            created_at: times.2,
            changed_at: times.3,
            delivery_day,
            lines,
        })
        .boxed()
}

fn windows() -> impl Strategy<Value = WindowResult> {
    let measure = select(vec![Measure::Sales, Measure::Stock, Measure::Turnover]);
    let stage = select(vec![WindowStage::Early, WindowStage::Final, WindowStage::Corrected]);
    let scope = select(vec![WindowScope::Store, WindowScope::StoreProduct]);
    (measure, scope, timestamps(), stage, any::<u64>(), vec(window_rows(), 0..3)).prop_map(
        |(measure, scope, start, stage, revision, rows)| WindowResult {
            window: WindowName::cut("any_1m"),
            measure,
            scope,
            start,
            end: start.plus(MINUTE),
            stage,
            revision,
            kept: true,
            rows,
        },
    )
}

fn window_rows() -> impl Strategy<Value = WindowRow> {
    let sales = (0..1_000_u32, 0..1_000_u32, 0..10_u32, cents(), cents(), 0..4_u32).prop_map(
        |(transactions, units, returned_units, gross_cents, net_cents, many)| {
            let mut customers = Distinct::default();
            (0..many).for_each(|n| customers.add(CustomerId::cut(&format!("c{n}"))));
            SalesSums { transactions, units, returned_units, gross_cents, net_cents, customers }
        },
    );
    let stock = (0..100_i64, 0..100_i64, 1..9_u32, 0..200_u32).prop_map(
        |(min_units, more, updates, capacity_units)| StockFigures {
            sums: StockSums {
                last_units: min_units,
                min_units,
                max_units: min_units + more,
                change_units: -more,
                updates,
                sum_units: min_units * i64::from(updates),
                sum_squares: i128::from(min_units * min_units) * i128::from(updates),
            },
            capacity_units,
            status: StockStatus::Low,
        },
    );
    (of(skus()), sales, of(stock)).prop_map(|(sku, sales, stock)| WindowRow {
        sku,
        index: None,
        sales,
        stock: stock.map(Box::new),
    })
}
