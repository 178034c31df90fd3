//! The stable words of choices, as they stand in the tables.

use shelf_domain::{
    FunnelStep, Measure, OrderVerb, Place, RemovalCause, Sensor, TaskVerb, WindowScope,
};

pub(super) fn place(place: Place) -> &'static str {
    match place {
        Place::Floor => "floor",
        Place::Warehouse => "warehouse",
    }
}

pub(super) fn removal_cause(cause: RemovalCause) -> &'static str {
    match cause {
        RemovalCause::Expired => "expired",
        RemovalCause::Damaged => "damaged",
        RemovalCause::Recalled => "recalled",
        RemovalCause::Transferred => "transferred",
        RemovalCause::Stolen => "stolen",
    }
}

pub(super) fn funnel_step(step: FunnelStep) -> &'static str {
    match step {
        FunnelStep::Entrance => "entrance",
        FunnelStep::View => "view",
        FunnelStep::CartAdd => "cart_add",
        FunnelStep::CartRemove => "cart_remove",
        FunnelStep::Checkout => "checkout",
        FunnelStep::Abandon => "abandon",
    }
}

pub(super) fn sensor(sensor: Sensor) -> &'static str {
    match sensor {
        Sensor::Units => "units",
        Sensor::WeightOnly => "weight_only",
    }
}

pub(super) fn measure(measure: Measure) -> &'static str {
    match measure {
        Measure::Sales => "sales",
        Measure::Stock => "stock",
        Measure::Turnover => "turnover",
    }
}

pub(super) fn window_scope(scope: WindowScope) -> &'static str {
    match scope {
        WindowScope::Global => "global",
        WindowScope::Store => "store",
        WindowScope::Product => "product",
        WindowScope::StoreProduct => "store_product",
    }
}

pub(super) fn order_verb(verb: &OrderVerb) -> &'static str {
    match verb {
        OrderVerb::Approve => "approve",
        OrderVerb::Cancel => "cancel",
        OrderVerb::Change { .. } => "change",
    }
}

pub(super) fn task_verb(verb: &TaskVerb) -> &'static str {
    match verb {
        TaskVerb::Request(_) => "request",
        TaskVerb::Cancel => "cancel",
    }
}
