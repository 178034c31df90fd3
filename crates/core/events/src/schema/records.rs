//! The fields of every state record and effect.

use shelf_domain::Rule;

use super::Kind::{
    Count, Date, Flag, Fraction, Id, Int, List, Money, Number, Percent, Text, Time, Words,
};
use super::{Spec, must, nullable};

const SHELF: Spec = must("shelf_id", Text(31));
const ITEM: Spec = must("item_id", Text(31));
const LOT: Spec = must("batch_code", Text(39));
const RECEIVED: Spec = must("received_date", Date);
const EXPIRY: Spec = nullable("expiry_date", Date);
const LAST_UPDATE: Spec = must("last_update_ts", Time);
const CREATED: Spec = must("created_at", Time);
const UPDATED: Spec = must("updated_at", Time);
const SUGGESTED: Spec = must("suggested_qty", Count);
const LOCATION: Spec = must("location", Words(&["store", "warehouse"]));
const TASK_STATUS: Spec =
    must("status", Words(&["pending", "issued", "in_transit", "done", "cancelled"]));
const ORDER_STATUS: Spec =
    must("status", Words(&["draft", "approved", "sent", "received", "cancelled"]));

/// Name, what it is, fields.
pub(super) const STATES: &[(&str, &str, &[Spec])] = &[
    (
        "shelf_state",
        "The stock on the floor.",
        &[SHELF, must("current_stock", Count), must("item_weight", Number), LAST_UPDATE],
    ),
    (
        "wh_state",
        "The stock in the warehouse.",
        &[SHELF, must("wh_current_stock", Count), LAST_UPDATE],
    ),
    (
        "shelf_batch_state",
        "A lot on the floor.",
        &[SHELF, LOT, RECEIVED, EXPIRY, must("batch_quantity_store", Count), LAST_UPDATE],
    ),
    (
        "wh_batch_state",
        "A lot in the warehouse and on the floor.",
        &[
            SHELF,
            LOT,
            RECEIVED,
            EXPIRY,
            must("batch_quantity_warehouse", Count),
            must("batch_quantity_store", Count),
            LAST_UPDATE,
        ],
    ),
    (
        "daily_discounts",
        "The cut of a shelf's price on a day.",
        &[SHELF, must("discount_date", Date), must("discount", Fraction), CREATED],
    ),
    (
        "shelf_restock_plan",
        "A restock task as the reference shows it.",
        &[must("plan_id", Id("T")), SHELF, SUGGESTED, TASK_STATUS, CREATED, UPDATED],
    ),
    (
        "wh_supplier_plan",
        "A line of a supplier order as the reference shows it.",
        &[
            must("supplier_plan_id", Id("O")),
            SHELF,
            SUGGESTED,
            nullable("standard_batch_size", Count),
            ORDER_STATUS,
            CREATED,
            UPDATED,
        ],
    ),
    (
        "shelf_policies",
        "What a policy says about the floor.",
        &[
            must("policy_id", Text(39)),
            nullable("shelf_id", Text(31)),
            nullable("item_category", Text(39)),
            nullable("item_subcategory", Text(47)),
            nullable("threshold_pct", Percent),
            nullable("min_qty", Count),
            must("active", Flag),
            nullable("updated_at", Time),
        ],
    ),
    (
        "wh_policies",
        "What a policy says about the warehouse.",
        &[
            must("policy_id", Text(39)),
            nullable("shelf_id", Text(31)),
            nullable("item_category", Text(39)),
            nullable("item_subcategory", Text(47)),
            nullable("reorder_point_qty", Count),
            must("active", Flag),
            must("notes", Text(119)),
            nullable("updated_at", Time),
        ],
    ),
    (
        "shelf_profiles",
        "The weight of a shelf's unit.",
        &[
            SHELF,
            must("item_weight", Number),
            nullable("created_at", Time),
            nullable("updated_at", Time),
        ],
    ),
    (
        "batch_catalog",
        "A lot and the pack that it came in.",
        &[LOT, SHELF, EXPIRY, nullable("standard_batch_size", Count), CREATED, UPDATED],
    ),
];

/// What every effect has.
pub(super) const ENVELOPE: &[Spec] = &[
    must("store_id", Text(23)),
    must("input_offset", Count),
    must("index", Count),
    must("timestamp", Time),
];

const ALERT: &[Spec] = &[
    must("event_type", Words(&Rule::CODES)),
    must("alert_id", Id("A")),
    nullable("shelf_id", Text(31)),
    LOCATION,
    must("severity", Words(&["info", "warning", "critical"])),
    must("status", Words(&["open", "acknowledged", "snoozed", "resolved", "dismissed"])),
    must("current_stock", Count),
    nullable("min_qty", Count),
    nullable("threshold_pct", Percent),
    nullable("stock_pct", Percent),
    nullable("near_expiry_days", Count),
    nullable("affected_qty", Count),
    nullable("affected_amount", Money),
    nullable("silent_minutes", Count),
    SUGGESTED,
    CREATED,
    UPDATED,
    must("last_seen_at", Time),
    must("count", Count),
    nullable("snoozed_until", Time),
    nullable("owner", Text(39)),
    nullable("actor", Text(39)),
    must("note", Text(119)),
];

const ALLOCATION: &[Spec] =
    &[LOT, must("reserved_qty", Count), must("transit_qty", Count), must("arrived_qty", Count)];

const ORDER_LINE: &[Spec] = &[
    ITEM,
    must("quantity", Count),
    must("received_qty", Count),
    must("unit_cost", Money),
    must("expected_daily_units", Number),
    must("cover_days", Number),
    must("need_qty", Count),
    must("safety_qty", Count),
    must("standing_qty", Count),
    nullable("sellable_qty", Count),
    must("usable_qty", Count),
    must("arriving_qty", Count),
    must("room_qty", Count),
    must("pack_units", Count),
    must("proposed_qty", Count),
];

const ORDER: &[Spec] = &[
    must("order_id", Id("O")),
    must("supplier_id", Text(31)),
    ORDER_STATUS,
    must("cutoff_at", Time),
    must("delivery_at", Time),
    must("delivery_date", Date),
    CREATED,
    UPDATED,
    must("items", List(ORDER_LINE)),
];

const PRICE: &[Spec] = &[
    ITEM,
    nullable("batch_code", Text(39)),
    must("list_price", Money),
    must("promotion", Fraction),
    must("markdown", Fraction),
    must("price", Money),
];

const CAUSES: &[&str] = &[
    "unscanned",
    "paid_late",
    "misplaced",
    "records_short",
    "oversold",
    "phantom",
    "found",
    "sensor_drift",
    "mispicked",
    "lot_gap",
];

const WINDOW_ROW: &[Spec] = &[
    nullable("item_id", Text(31)),
    nullable("transactions", Count),
    nullable("units", Count),
    nullable("returned_units", Count),
    nullable("gross_revenue", Money),
    nullable("net_revenue", Money),
    nullable("discount", Money),
    nullable("average_basket", Number),
    nullable("average_unit_price", Number),
    nullable("customers", Count),
    nullable("customers_exact", Flag),
    nullable("last_units", Int),
    nullable("min_units", Int),
    nullable("max_units", Int),
    nullable("change_units", Int),
    nullable("updates", Count),
    nullable("mean_units", Number),
    nullable("volatility_units", Number),
    nullable("capacity_pct", Number),
    nullable("stock_status", Words(&["in", "low", "out"])),
    nullable("turnover", Number),
];

const WINDOW: &[Spec] = &[
    must("window", Text(31)),
    must("measure", Words(&["sales", "stock", "turnover"])),
    must("scope", Words(&["global", "store", "product", "store_product"])),
    must("window_start", Time),
    must("window_end", Time),
    must("stage", Words(&["early", "final", "corrected"])),
    must("revision", Count),
    must("rows", List(WINDOW_ROW)),
];

/// `effect`, what it is, its own fields.
pub(super) const EFFECTS: &[(&str, &str, &[Spec])] = &[
    ("duplicate", "The event was known already; nothing changed.", &[]),
    (
        "quarantined",
        "The event breaks a rule; nothing changed.",
        &[must("reason", Text(119)), must("hint", Text(119))],
    ),
    ("alert", "An alert as it stands.", ALERT),
    (
        "restock_task",
        "A restock task as it stands.",
        &[
            must("task_id", Id("T")),
            SHELF,
            TASK_STATUS,
            must("wanted_qty", Count),
            must("backorder_qty", Count),
            must("allocations", List(ALLOCATION)),
            CREATED,
            UPDATED,
            must("due_at", Time),
        ],
    ),
    ("supplier_order", "A supplier order as it stands.", ORDER),
    ("price", "The price of a sku, or of one of its lots, from now on.", PRICE),
    (
        "removal",
        "Units that staff are to carry out.",
        &[
            ITEM,
            LOT,
            LOCATION,
            must("quantity", Count),
            must("cause", Words(super::events::REMOVAL_CAUSES)),
            must("cost", Money),
        ],
    ),
    (
        "explanation",
        "A movement that settles a disagreement between two sources.",
        &[ITEM, must("quantity", Int), must("cause", Words(CAUSES))],
    ),
    ("window", "A window has ended, tells early, or is corrected.", WINDOW),
];
