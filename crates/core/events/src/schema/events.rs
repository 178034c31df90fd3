//! The fields of every event type.

use shelf_domain::Rule;

use super::Kind::{
    AllOf, AnyText, Count, Date, Dates, Flag, Fraction, Id, IgnoredDate, Int, List, Minute, Money,
    Number, Percent, Text, Time, Words,
};
use super::{Spec, also, may, must};

const ITEM: Spec = also(must("item_id", Text(31)), &["shelf_id", "sku"]);
const SHELF: Spec = also(must("shelf_id", Text(31)), &["item_id", "sku"]);
const QUANTITY: Spec = also(must("quantity", Count), &["qty", "units"]);
const QTY: Spec = also(must("qty", Count), &["quantity", "units"]);
const CUSTOMER: Spec = may("customer_id", Text(39));
const LOT: Spec = also(may("batch_code", Text(39)), &["lot"]);
const THE_LOT: Spec = also(must("batch_code", Text(39)), &["lot"]);
const STEP: Spec =
    must("step", Words(&["entrance", "view", "cart_add", "cart_remove", "checkout", "abandon"]));
pub(super) const REMOVAL_CAUSES: &[&str] =
    &["expired", "damaged", "recalled", "transferred", "stolen"];
const ACTOR: Spec = may("actor", Text(39));
const NOTE: Spec = may("note", Text(119));
const NAME: Spec = may("name", Text(119));
const LOCATION: Spec = must("location", Words(&["store", "warehouse"]));
const WEIGHT: Spec = also(may("weight", Number), &["unit_weight_g", "item_weight"]);
const CATEGORY: Spec = also(must("category", Text(39)), &["item_category"]);
const SUBCATEGORY: Spec = also(may("subcategory", Text(47)), &["item_subcategory"]);
const WEEKDAY: Spec = must("weekday", Words(&["mon", "tue", "wed", "thu", "fri", "sat", "sun"]));
const SLOT: &[Spec] = &[WEEKDAY, must("time", Minute)];
/// A plan's id: a task's or an order's number; the reference's UUIDs are read and name nothing
/// here.
const PLAN: Spec = may("plan_id", AnyText);

/// What the reference's movements say, and nobody here needs to read.
const UNIT: Spec = may("unit", AnyText);
const FIFO: Spec = may("fifo", Flag);

const WINDOW_SPEC: &[Spec] = &[
    must("name", Text(31)),
    must("measure", Words(&["sales", "stock", "turnover"])),
    must("scope", Words(&["global", "store", "product", "store_product"])),
    must("size_seconds", Count),
    may("slide_seconds", Count),
    may("early_seconds", Count),
    may("kept", Flag),
];
const WINDOW_PLAN: &[Spec] = &[may("lateness_seconds", Count), must("windows", List(WINDOW_SPEC))];

const COMMON: &[Spec] = &[
    may("event_id", AnyText),
    may("store_id", Text(23)),
    may("received_at", Time),
    also(must("timestamp", Time), &["time", "at"]),
];
const POLICY_COMMON: &[Spec] = &[
    may("event_id", AnyText),
    may("store_id", Text(23)),
    may("received_at", Time),
    also(must("timestamp", Time), &["time", "at", "updated_at", "created_at"]),
];
const SESSION_COMMON: &[Spec] = &[
    may("event_id", AnyText),
    may("store_id", Text(23)),
    may("received_at", Time),
    must("entry_time", Time),
];

/// The fields that an event of this type has beside its own.
pub(super) fn envelope(kind: &str) -> &'static [Spec] {
    match kind {
        "policy" => POLICY_COMMON,
        "foot_traffic" => SESSION_COMMON,
        _ => COMMON,
    }
}

const TOUCH: &[Spec] = &[CUSTOMER, ITEM, QUANTITY, WEIGHT];

const RECEIPT_LINE: &[Spec] = &[
    ITEM,
    also(must("quantity", Int), &["qty", "units"]),
    must("unit_price", Money),
    may("discount", Fraction),
    may("total_price", Money),
    LOT,
    may("expiry_date", IgnoredDate),
];

const POLICY: &[Spec] = &[
    must("policy_id", Text(39)),
    also(may("shelf_id", Text(31)), &["item_id", "sku"]),
    also(may("item_category", Text(39)), &["category"]),
    also(may("item_subcategory", Text(47)), &["subcategory"]),
    may("active", Flag),
    may("notes", Text(119)),
    may("threshold_pct", Percent),
    may("min_qty", Count),
    may("target_pct", Percent),
    may("hysteresis_pct", Percent),
    may("reorder_point_qty", Count),
    may("cover_days", Count),
    may("near_expiry_floor_days", Count),
    may("near_expiry_warehouse_days", Count),
    may("cooldown_minutes", Count),
    may("restock_delay_seconds", Count),
    may("travel_seconds", Count),
    may("picking", Words(&["soonest_expiry", "first_received"])),
    may("rounding", Words(&["up", "nearest", "down"])),
    may("markdown", List(&[must("within_days", Count), must("cut_pct", Percent)])),
    may("removal_time", Words(&["next_day", "same_day_evening"])),
    may("spike_z", Number),
    may("spike_min_qty", Count),
    may("high_value", Money),
    may("low_stock_qty", Count),
    may("depletion_pct", Percent),
    may("depletion_min_qty", Count),
    may("overstock_qty", Count),
    may("safety_stock_qty", Count),
    may("price_tolerance", Money),
    may("sensor_silent_minutes", Count),
    may("till_silent_minutes", Count),
    may("rules_off", AllOf(&Rule::CODES)),
    ACTOR,
];

const STORE: &[Spec] = &[
    NAME,
    may("time_zone", Text(119)),
    may("utc_offsets", List(&[must("from", Time), must("offset_seconds", Int)])),
    may("opening_hours", List(&[WEEKDAY, must("open", Minute), must("close", Minute)])),
    may("closed_days", Dates),
    may("refill_mode", Words(&["confirmed", "timed"])),
    may("order_approval", Words(&["automatic", "by_person"])),
    ACTOR,
];

const PRODUCT: &[Spec] = &[
    ITEM,
    NAME,
    may("brand", Text(119)),
    CATEGORY,
    SUBCATEGORY,
    must("price", Money),
    may("cost", Money),
    also(may("unit_weight_g", Number), &["weight", "item_weight"]),
    also(may("pack_units", Count), &["standard_batch_size"]),
    may("shelf_life_days", Count),
    may("supplier_id", Text(31)),
    ACTOR,
];

const SHELF_PLAN: &[Spec] = &[
    SHELF,
    also(may("capacity_units", Count), &["maximum_stock"]),
    may("warehouse_capacity_units", Count),
    may("sensor", Words(&["units", "weight_only"])),
    may("expected_daily_units", Number),
    ACTOR,
];

const OPENING_STOCK: &[Spec] = &[
    SHELF,
    THE_LOT,
    must("received_date", Date),
    may("expiry_date", Date),
    also(may("floor_units", Count), &["batch_quantity_store"]),
    also(may("warehouse_units", Count), &["batch_quantity_warehouse"]),
    ACTOR,
];

const SUPPLIER: &[Spec] = &[
    must("supplier_id", Text(31)),
    NAME,
    may("cutoffs", List(SLOT)),
    may("deliveries", List(SLOT)),
    may("lead_minutes", Count),
    may("minimum_order", Money),
    ACTOR,
];

const ALERT_ACT: &[Spec] = &[
    must("alert_id", Id("A")),
    must("act", Words(&["acknowledge", "assign", "snooze", "resolve", "dismiss", "note", "undo"])),
    may("assignee", Text(39)),
    may("until", Time),
    ACTOR,
    NOTE,
];

const ORDER_ACT: &[Spec] = &[
    must("order_id", Id("O")),
    must("act", Words(&["approve", "cancel", "change"])),
    also(may("item_id", Text(31)), &["shelf_id", "sku"]),
    also(may("quantity", Count), &["qty", "units"]),
    ACTOR,
    NOTE,
];

const TASK_ACT: &[Spec] = &[
    may("task_id", Id("T")),
    must("act", Words(&["request", "cancel"])),
    also(may("item_id", Text(31)), &["shelf_id", "sku"]),
    ACTOR,
];

const REJECTED: &[Spec] = &[
    must("reason", Text(119)),
    may("source", Text(119)),
    may("line", Count),
    may("raw_len", Count),
    may("raw", AnyText),
    may("raw_base64", AnyText),
];

const WH_IN: &[Spec] = &[
    PLAN,
    may("order_id", Id("O")),
    SHELF,
    THE_LOT,
    QTY,
    may("received_date", Date),
    may("expiry_date", Date),
    UNIT,
    FIFO,
    may("reason", AnyText),
    ACTOR,
];

/// `event_type`, what it is, its own fields.
pub(super) const EVENTS: &[(&str, &str, &[Spec])] = &[
    ("pickup", "A customer took units from a shelf.", TOUCH),
    (
        "putback",
        "A customer put units back on a shelf; by restock_bot it is a refill.",
        &[CUSTOMER, ITEM, QUANTITY, WEIGHT, PLAN, may("task_id", Id("T")), LOT],
    ),
    (
        "weight_change",
        "A shelf's weight changed, in grams: negative when something was taken.",
        &[CUSTOMER, ITEM, must("delta_weight", Number)],
    ),
    (
        "refill",
        "Staff put units on a shelf.",
        &[also(may("task_id", Id("T")), &["plan_id"]), ITEM, LOT, QUANTITY],
    ),
    ("entry", "A customer came in.", &[CUSTOMER]),
    ("exit", "A customer left.", &[CUSTOMER]),
    (
        "foot_traffic",
        "A customer came in, and is known to leave at a later time.",
        &[
            must("customer_id", Text(39)),
            must("exit_time", Time),
            may("trip_duration_minutes", Count),
            may("weekday", AnyText),
            may("time_slot", AnyText),
        ],
    ),
    (
        "customer_event",
        "A step of a visit, as an entrance, an app or a web shop tells it.",
        &[CUSTOMER, STEP, also(may("item_id", Text(31)), &["shelf_id", "sku"])],
    ),
    (
        "pos_transaction",
        "A point-of-sale transaction; a line of negative quantity is a return.",
        &[
            must("transaction_id", Text(39)),
            CUSTOMER,
            may("payment_method", Text(23)),
            also(may("customer_type", Text(23)), &["client_type"]),
            must("items", List(RECEIPT_LINE)),
        ],
    ),
    ("wh_in", "Units came into the warehouse.", WH_IN),
    (
        "wh_out",
        "Units left the warehouse for the floor.",
        &[PLAN, may("task_id", Id("T")), SHELF, LOT, QTY, UNIT, FIFO],
    ),
    (
        "removal",
        "Units were taken out of the shop other than by a sale.",
        &[ITEM, LOT, LOCATION, QUANTITY, must("cause", Words(REMOVAL_CAUSES)), ACTOR],
    ),
    ("count", "A person counted.", &[ITEM, LOCATION, QUANTITY, ACTOR]),
    (
        "transfer",
        "Units left the warehouse for another store.",
        &[ITEM, LOT, QUANTITY, must("to_store", Text(23))],
    ),
    ("store", "The store, or a change of how it runs.", STORE),
    ("product", "A product, or a change of one.", PRODUCT),
    ("shelf", "A shelf, or a change of one.", SHELF_PLAN),
    ("opening_stock", "Stock that was there before the log began.", OPENING_STOCK),
    ("supplier", "A supplier, or a change of one.", SUPPLIER),
    ("policy", "A policy, or a change of one.", POLICY),
    ("price", "A new list price.", &[ITEM, must("price", Money), ACTOR]),
    (
        "promotion",
        "A price cut by plan.",
        &[
            ITEM,
            must("from_date", Date),
            must("until_date", Date),
            must("discount", Fraction),
            ACTOR,
        ],
    ),
    ("alert_act", "What a person did about an alert.", ALERT_ACT),
    ("order_act", "What a person did about a supplier order.", ORDER_ACT),
    ("task_act", "What a person did about a restock task.", TASK_ACT),
    ("window_plan", "The windows that the store keeps from this time on.", WINDOW_PLAN),
    ("clock", "Nothing but that this time has come.", &[]),
    ("rejected", "Bytes that are not an event, with the reason.", REJECTED),
];
