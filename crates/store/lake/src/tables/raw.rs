//! `raw` and `quarantine`: every event that was accepted, once, and every event that was not.

use shelf_domain::{Day, Timestamp};

use crate::column::{Bytes, Date, Flag, Maybe, Milli, Money, Number, Percent, Small, Text, Time};
use crate::table::table;

/// What every row made from an event begins with.
#[derive(Clone, Copy)]
pub(crate) struct EventHead<'a> {
    pub(crate) event_id: &'a str,
    pub(crate) store_id: &'a str,
    pub(crate) log_partition: i32,
    pub(crate) log_offset: i64,
    pub(crate) event_at: Timestamp,
    pub(crate) event_date: Day,
    pub(crate) received_at: Timestamp,
    pub(crate) source: Option<&'a str>,
    pub(crate) source_line: Option<i64>,
}

macro_rules! event_table {
    (
        $(#[doc = $comment:literal])+
        $constant:ident = $schema:literal . $name:literal, $row:ident into $columns:ident,
        sorted by [$($sort:literal),*] $(, key also [$($key:literal),*])?;
        $($rest:tt)*
    ) => {
        table! {
            $(#[doc = $comment])+
            $constant = $schema.$name, $row into $columns, sorted by [$($sort),*],
            key ["log_partition", "log_offset" $($(, $key)*)?];
            /// The id of the event.
            event_id: Text,
            /// The store.
            store_id: Text,
            /// The partition of the log that holds the event.
            log_partition: Small,
            /// The place of the event in its partition; with log_partition it is unique.
            log_offset: Number,
            /// When it happened.
            event_at: Time,
            /// The date on which it happened, by the store's own clock.
            event_date: Date,
            /// When it reached the log.
            received_at: Time,
            /// Where it came from: a file, the simulated environment, a person, a sender.
            source: Maybe<Text>,
            /// Its line there.
            source_line: Maybe<Number>,
            $($rest)*
        }

        impl<'a> From<EventHead<'a>> for $row<'a> {
            fn from(head: EventHead<'a>) -> Self {
                Self {
                    event_id: head.event_id,
                    store_id: head.store_id,
                    log_partition: head.log_partition,
                    log_offset: head.log_offset,
                    event_at: head.event_at,
                    event_date: head.event_date,
                    received_at: head.received_at,
                    source: head.source,
                    source_line: head.source_line,
                    ..Self::default()
                }
            }
        }
    };
}

pub(crate) use event_table;

event_table! {
    /// What shelf sensors and staff tell of shelves: pickups, putbacks, weights, refills.
    SHELF_EVENTS = "raw"."shelf_events", ShelfEvent into ShelfEvents,
    sorted by ["event_date", "store_id", "event_at", "log_offset"];
    /// pickup, putback, weight_change or refill.
    event_type: Text,
    /// The shelf's product.
    sku: Text,
    /// Who, where the sensor knows.
    customer_id: Maybe<Text>,
    /// Units taken, put back or refilled; none for a weight.
    units: Maybe<Number>,
    /// The weight of one unit as the sensor reports it, in grams.
    unit_weight_g: Maybe<Number>,
    /// By how many grams the weight changed.
    delta_weight_g: Maybe<Number>,
    /// The lot of a refill.
    lot_code: Maybe<Text>,
    /// The restock task of a refill.
    task_id: Maybe<Text>,
}

event_table! {
    /// Receipts, one row each.
    POS_TRANSACTIONS = "raw"."pos_transactions", PosTransaction into PosTransactions,
    sorted by ["event_date", "store_id", "event_at", "log_offset"];
    /// The receipt's id.
    receipt_id: Text,
    /// Whose cart it pays, where the till knows.
    customer_id: Maybe<Text>,
    /// What kind of customer, where the till says.
    customer_type: Maybe<Text>,
    /// How it was paid, where the till says.
    payment_method: Maybe<Text>,
    /// How many lines it has.
    lines: Number,
    /// Units sold less units brought back.
    units: Number,
    /// Unit prices times units.
    gross: Money,
    /// What the lines come to.
    total: Money,
}

event_table! {
    /// Receipts, one row for each line.
    POS_LINES = "raw"."pos_lines", PosLine into PosLines,
    sorted by ["event_date", "store_id", "event_at", "log_offset", "line_no"],
    key also ["line_no"];
    /// The receipt's id.
    receipt_id: Text,
    /// The line's place on the receipt, from 1.
    line_no: Small,
    /// Whose cart the receipt pays, where the till knows.
    customer_id: Maybe<Text>,
    /// What kind of customer, where the till says.
    customer_type: Maybe<Text>,
    /// How it was paid, where the till says.
    payment_method: Maybe<Text>,
    /// The product.
    sku: Text,
    /// Units: negative for a return.
    units: Number,
    /// The price of one unit before the discount.
    unit_price: Money,
    /// The discount, in per cent.
    discount_percent: Percent,
    /// What the line comes to: negative for a return.
    total: Money,
    /// The lot, where the till read it.
    lot_code: Maybe<Text>,
}

event_table! {
    /// Customers who come in and leave.
    FOOT_TRAFFIC = "raw"."foot_traffic", FootTraffic into FootTrafficRows,
    sorted by ["event_date", "store_id", "event_at", "log_offset"];
    /// entry, exit or session (a visit whose end is known when it begins).
    event_type: Text,
    /// Who, where that is known.
    customer_id: Maybe<Text>,
    /// When a session ends.
    exit_at: Maybe<Time>,
}

event_table! {
    /// What comes into the warehouse and leaves it: `wh_in`, `wh_out`, transfers to other stores.
    WH_EVENTS = "raw"."wh_events", WhEvent into WhEvents,
    sorted by ["event_date", "store_id", "sku", "event_at", "log_offset"];
    /// wh_in, wh_out or transfer.
    event_type: Text,
    /// The product.
    sku: Text,
    /// The lot, where that is known.
    lot_code: Maybe<Text>,
    /// Units moved.
    units: Number,
    /// The supplier order of a delivery, where that is known.
    order_id: Maybe<Text>,
    /// The restock task of units for the floor, where that is known.
    task_id: Maybe<Text>,
    /// The date that a delivery counts as received, where it is given.
    received_date: Maybe<Date>,
    /// The expiry date of a delivery, where it is given.
    expiry_date: Maybe<Date>,
    /// The store that a transfer goes to.
    to_store_id: Maybe<Text>,
}

event_table! {
    /// What else changes the books of stock: opening stock, removals, counts by people.
    INVENTORY_UPDATES = "raw"."inventory_updates", InventoryUpdate into InventoryUpdates,
    sorted by ["event_date", "store_id", "sku", "event_at", "log_offset"];
    /// opening_stock, removal or count.
    event_type: Text,
    /// The product.
    sku: Text,
    /// The lot, where that is known.
    lot_code: Maybe<Text>,
    /// floor or warehouse, for a removal or a count.
    place: Maybe<Text>,
    /// Units removed or counted; of opening stock all.
    units: Number,
    /// Opening stock on the floor.
    floor_units: Maybe<Number>,
    /// Opening stock in the warehouse.
    warehouse_units: Maybe<Number>,
    /// Why units were removed.
    cause: Maybe<Text>,
    /// Who removed or counted.
    actor: Maybe<Text>,
    /// When opening stock was received.
    received_date: Maybe<Date>,
    /// When opening stock expires.
    expiry_date: Maybe<Date>,
}

event_table! {
    /// New list prices, and promotions by plan.
    PRICE_CHANGES = "raw"."price_changes", PriceChangeRow into PriceChanges,
    sorted by ["event_date", "store_id", "sku", "event_at", "log_offset"];
    /// price or promotion.
    event_type: Text,
    /// The product.
    sku: Text,
    /// The new list price.
    price: Maybe<Money>,
    /// The cut of a promotion, in per cent.
    cut_percent: Maybe<Percent>,
    /// The first day of a promotion.
    from_date: Maybe<Date>,
    /// The last day of a promotion.
    until_date: Maybe<Date>,
}

event_table! {
    /// Steps of visits, as an entrance, an app or a web shop tells them.
    CUSTOMER_EVENTS = "raw"."customer_events", CustomerStep into CustomerEvents,
    sorted by ["event_date", "store_id", "event_at", "log_offset"];
    /// entrance, view, cart_add, cart_remove, checkout or abandon.
    event_type: Text,
    /// Who, where that is known.
    customer_id: Maybe<Text>,
    /// About which product.
    sku: Maybe<Text>,
}

event_table! {
    /// Products as they were declared: each row holds from its moment on.
    PRODUCTS = "raw"."products", ProductRow into Products,
    sorted by ["event_date", "store_id", "sku", "event_at", "log_offset"];
    /// The product.
    sku: Text,
    /// Its name for people.
    name: Text,
    /// Its brand.
    brand: Text,
    /// Its category.
    category: Text,
    /// Its subcategory.
    subcategory: Text,
    /// The list price of a unit.
    price: Money,
    /// What a unit costs the shop; none where that is not known.
    cost: Maybe<Money>,
    /// The weight of a unit, in grams or millilitres; none where that is not known.
    unit_weight_g: Maybe<Number>,
    /// Units in the supplier's pack.
    pack_units: Number,
    /// Days from delivery to expiry; none where it does not expire.
    shelf_life_days: Maybe<Small>,
    /// Who delivers it.
    supplier_id: Maybe<Text>,
}

event_table! {
    /// Shelves as they were declared: each row holds from its moment on.
    SHELVES = "raw"."shelves", ShelfRow into Shelves,
    sorted by ["event_date", "store_id", "sku", "event_at", "log_offset"];
    /// The product of the shelf.
    sku: Text,
    /// The most units that the shelf holds; none where that is not known.
    capacity_units: Maybe<Number>,
    /// The most units that the warehouse holds of it; none where that is not known.
    warehouse_capacity_units: Maybe<Number>,
    /// units or weight_only.
    sensor: Text,
    /// Units that it is expected to sell a day, until its own sales say.
    expected_daily_units: Maybe<Milli>,
}

event_table! {
    /// Stores as they were declared: each row holds from its moment on.
    STORES = "raw"."stores", StoreRow into StoresRows,
    sorted by ["event_date", "store_id", "event_at", "log_offset"];
    /// Its name for people.
    name: Text,
    /// The name of its time zone.
    time_zone: Text,
    /// Whether an event says that units have arrived on the shelf; otherwise they count as
    /// arrived after a travel time.
    refill_confirmed: Flag,
    /// Whether drafts of supplier orders are sent without a person.
    orders_automatic: Flag,
    /// Its opening hours, offsets from UTC and closed days, as JSON.
    settings: Text,
}

event_table! {
    /// Suppliers as they were declared: each row holds from its moment on.
    SUPPLIERS = "raw"."suppliers", SupplierRow into Suppliers,
    sorted by ["event_date", "store_id", "supplier_id", "event_at", "log_offset"];
    /// The supplier.
    supplier_id: Text,
    /// Its name for people.
    name: Text,
    /// From cut-off to the earliest delivery, in minutes.
    lead_minutes: Number,
    /// The least value of an order.
    minimum_order: Money,
    /// Its calendar, as JSON.
    settings: Text,
}

event_table! {
    /// Policies and plans of windows as they were declared: each row holds from its moment on.
    SETTINGS = "raw"."settings", SettingsRow into SettingsRows,
    sorted by ["event_date", "store_id", "event_at", "log_offset"];
    /// policy or window_plan.
    event_type: Text,
    /// The policy's id.
    policy_id: Maybe<Text>,
    /// All of it, as JSON.
    settings: Text,
}

event_table! {
    /// What was not accepted, with the reason and the bytes: nothing is lost.
    QUARANTINE = "quarantine"."events", QuarantineRow into QuarantineRows,
    sorted by ["event_date", "store_id", "event_at", "log_offset"];
    /// What kind of event it would have been; unreadable where nobody can tell.
    stream: Text,
    /// Why: a stable code.
    reason: Text,
    /// More about unreadable bytes: a stable code of its own.
    detail: Maybe<Text>,
    /// The source that unreadable bytes name themselves.
    raw_source: Maybe<Text>,
    /// Their line there.
    raw_line: Maybe<Number>,
    /// How many bytes there were.
    raw_bytes: Number,
    /// The bytes, up to the limit of the border; of a readable event its JSON.
    raw: Bytes,
}
