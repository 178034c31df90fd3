//! `ops` and `analytics`: what the state machine concluded, and what people did about it.

use shelf_domain::{Day, Timestamp};

use crate::column::{Date, Flag, Maybe, Milli, Money, Number, Percent, Small, Text, Time};
use crate::table::table;
use crate::tables::raw::{EventHead, event_table};

/// What every row made from an effect begins with.
#[derive(Clone, Copy)]
pub(crate) struct EffectHead<'a> {
    pub(crate) store_id: &'a str,
    pub(crate) log_partition: i32,
    pub(crate) log_offset: i64,
    pub(crate) effect_no: i32,
    pub(crate) at: Timestamp,
    pub(crate) event_date: Day,
}

macro_rules! effect_table {
    (
        $(#[doc = $comment:literal])+
        $constant:ident = $schema:literal . $name:literal, $row:ident into $columns:ident,
        sorted by [$($sort:literal),*] $(, key also [$($key:literal),*])?;
        $($rest:tt)*
    ) => {
        table! {
            $(#[doc = $comment])+
            $constant = $schema.$name, $row into $columns, sorted by [$($sort),*],
            key ["log_partition", "log_offset", "effect_no" $($(, $key)*)?];
            /// The store.
            store_id: Text,
            /// The partition of the log that holds the event that led to it.
            log_partition: Small,
            /// The place of that event in its partition.
            log_offset: Number,
            /// Its place among what followed from that event, from 0.
            effect_no: Small,
            /// When it came about.
            at: Time,
            /// The store's own date of that.
            event_date: Date,
            $($rest)*
        }

        impl<'a> From<EffectHead<'a>> for $row<'a> {
            fn from(head: EffectHead<'a>) -> Self {
                Self {
                    store_id: head.store_id,
                    log_partition: head.log_partition,
                    log_offset: head.log_offset,
                    effect_no: head.effect_no,
                    at: head.at,
                    event_date: head.event_date,
                    ..Self::default()
                }
            }
        }
    };
}

effect_table! {
    /// Alerts with their life: one row for each change, and the last row of an id is how it stands.
    ALERTS = "ops"."alerts", AlertRow into Alerts,
    sorted by ["event_date", "store_id", "alert_id", "log_offset", "effect_no"];
    /// Its id within the store.
    alert_id: Text,
    /// The rule that it stands under.
    rule: Text,
    /// The product; none where it is about the whole store.
    sku: Maybe<Text>,
    /// floor or warehouse.
    place: Text,
    /// info, warning or critical.
    severity: Text,
    /// open, acknowledged, snoozed, resolved or dismissed.
    status: Text,
    /// When it opened.
    opened_at: Time,
    /// The store's own date of that.
    opened_date: Date,
    /// When the problem was last seen.
    last_seen_at: Time,
    /// When it last changed.
    changed_at: Time,
    /// How often the problem was seen.
    count: Number,
    /// The stock that it is about.
    stock_units: Number,
    /// The threshold of the rule.
    threshold: Number,
    /// What the place holds at most.
    capacity_units: Number,
    /// Units that it asks for.
    suggested_units: Number,
    /// Until when it is snoozed.
    snoozed_until: Maybe<Time>,
    /// Who takes care of it.
    owner: Maybe<Text>,
    /// Who changed it last.
    actor: Maybe<Text>,
    /// Their words.
    note: Maybe<Text>,
}

effect_table! {
    /// Restock tasks: one row for each change and lot, and one without a lot where none is
    /// allocated. The rows of the last change of an id are how it stands.
    RESTOCK_TASKS = "ops"."restock_tasks", TaskRow into Tasks,
    sorted by ["event_date", "store_id", "task_id", "log_offset", "effect_no"],
    key also ["lot_code"];
    /// Its id within the store.
    task_id: Text,
    /// The product.
    sku: Text,
    /// pending, issued, in_transit, done or cancelled.
    status: Text,
    /// Units asked for.
    wanted_units: Number,
    /// Of these, units that the warehouse does not have.
    backorder_units: Number,
    /// A lot that units are taken from.
    lot_code: Maybe<Text>,
    /// Units of the lot that are reserved.
    reserved_units: Number,
    /// Units of the lot between warehouse and shelf.
    in_transit_units: Number,
    /// Units of the lot that arrived.
    arrived_units: Number,
    /// When it was asked for.
    created_at: Time,
    /// When it last changed.
    changed_at: Time,
    /// When staff are sent.
    due_at: Time,
}

effect_table! {
    /// Supplier orders: one row for each change and line. The rows of the last change of an id are
    /// how it stands.
    SUPPLIER_ORDERS = "ops"."supplier_orders", OrderRow into Orders,
    sorted by ["event_date", "store_id", "order_id", "log_offset", "effect_no", "sku"],
    key also ["sku"];
    /// Its id within the store.
    order_id: Text,
    /// The supplier.
    supplier_id: Text,
    /// draft, approved, sent, received or cancelled.
    status: Text,
    /// Until when it may be changed.
    cutoff_at: Time,
    /// When it is to be delivered.
    delivery_at: Time,
    /// The store's own date of that.
    delivery_date: Date,
    /// When it was drafted.
    created_at: Time,
    /// When it last changed.
    changed_at: Time,
    /// The product of the line; none where the order has no lines.
    sku: Maybe<Text>,
    /// Units ordered.
    units: Number,
    /// Units received.
    received_units: Number,
    /// What the line costs.
    cost: Money,
    /// Units that the store's own sum proposed.
    proposed_units: Number,
}

effect_table! {
    /// Movements that settle a disagreement between two sources.
    DISCREPANCIES = "ops"."discrepancies", DiscrepancyRow into Discrepancies,
    sorted by ["event_date", "store_id", "sku", "log_offset", "effect_no"];
    /// The product.
    sku: Text,
    /// Why, as far as anybody can tell: a stable code.
    cause: Text,
    /// Units that left the books (positive) or came onto them (negative); for lot_gap the units
    /// that a lot got, which changes no sum.
    units: Number,
    /// What these units had cost; none where that is not known.
    cost: Maybe<Money>,
}

effect_table! {
    /// Units taken off the books other than by a sale, by the store's rules or by people.
    REMOVALS = "ops"."removals", RemovalRow into Removals,
    sorted by ["event_date", "store_id", "sku", "log_offset", "effect_no"];
    /// The product.
    sku: Text,
    /// The lot; none where a person did not say.
    lot_code: Maybe<Text>,
    /// floor or warehouse.
    place: Text,
    /// expired, damaged, recalled, transferred or stolen.
    cause: Text,
    /// Units.
    units: Number,
    /// What they had cost; none where that is not known.
    cost: Maybe<Money>,
    /// Whether a person or another system reported it; otherwise the store's own rule did.
    reported: Flag,
}

effect_table! {
    /// Prices, and markdowns of lots: each row holds until the next of the same product and lot.
    PRICES = "ops"."prices", PriceRow into Prices,
    sorted by ["event_date", "store_id", "sku", "log_offset", "effect_no"];
    /// The product.
    sku: Text,
    /// The lot whose markdown changed; none where the price of all changed.
    lot_code: Maybe<Text>,
    /// The list price of a unit.
    list_price: Money,
    /// The cut by plan, in per cent.
    promotion_percent: Percent,
    /// The cut because of expiry, in per cent.
    markdown_percent: Percent,
    /// What a unit costs the customer.
    price: Money,
}

event_table! {
    /// Deliveries for supplier orders: one row for each lot that came.
    SUPPLIER_RECEIPTS = "ops"."supplier_receipts", SupplierReceipt into SupplierReceipts,
    sorted by ["event_date", "store_id", "order_id", "log_offset"];
    /// The order.
    order_id: Text,
    /// The product.
    sku: Text,
    /// The lot.
    lot_code: Text,
    /// Units that came.
    units: Number,
}

event_table! {
    /// What people did about alerts, orders and tasks.
    ACTS = "ops"."acts", ActRow into Acts,
    sorted by ["event_date", "store_id", "event_at", "log_offset"];
    /// alert, order or task.
    about: Text,
    /// The id of what it is about; none for a task that is asked for.
    about_id: Maybe<Text>,
    /// What was done: acknowledge, assign, snooze, resolve, dismiss, note, undo, approve, cancel,
    /// change or request.
    act: Text,
    /// Who.
    actor: Maybe<Text>,
    /// Their words.
    note: Maybe<Text>,
    /// To whom an alert was assigned.
    assignee: Maybe<Text>,
    /// Until when an alert is snoozed.
    snoozed_until: Maybe<Time>,
    /// The product of an order's line that was changed, or of a task that was asked for.
    sku: Maybe<Text>,
    /// The new quantity of an order's line.
    units: Maybe<Number>,
}

effect_table! {
    /// What windows of sales and stock told when they ended, or were corrected. Of rows of one
    /// window, start and product the one with the highest revision holds.
    WINDOWS = "analytics"."windows", WindowRowOut into Windows,
    sorted by ["event_date", "store_id", "window_name", "start_at", "sku", "revision"],
    key also ["sku"];
    /// Which windows it is one of.
    window_name: Text,
    /// sales, stock or turnover.
    measure: Text,
    /// global, store, product or store_product.
    scope: Text,
    /// Its start.
    start_at: Time,
    /// Its end: the first moment that is not in it.
    end_at: Time,
    /// final or corrected.
    stage: Text,
    /// Counts the results of a store.
    revision: Number,
    /// The product; none where it is about more.
    sku: Maybe<Text>,
    /// Receipts.
    receipts: Number,
    /// Units sold.
    units: Number,
    /// Units brought back.
    returned_units: Number,
    /// Unit prices times units.
    gross: Money,
    /// What receipt lines came to.
    net: Money,
    /// Different customers.
    customers: Number,
    /// Units on the shelf at the end.
    last_units: Maybe<Number>,
    /// The fewest units on the shelf.
    min_units: Maybe<Number>,
    /// The most units on the shelf.
    max_units: Maybe<Number>,
    /// out, low or in.
    stock_status: Maybe<Text>,
}

effect_table! {
    /// Cuts because of expiry: one row for each lot whose cut changed.
    DAILY_DISCOUNTS = "analytics"."daily_discounts", DiscountRow into Discounts,
    sorted by ["event_date", "store_id", "sku", "log_offset", "effect_no"];
    /// The product.
    sku: Text,
    /// The lot.
    lot_code: Text,
    /// The cut, in per cent; 0 where it ended.
    discount_percent: Percent,
    /// What a unit of the lot costs the customer.
    price: Money,
}

effect_table! {
    /// Key figures of a store and day, worked out when the day had ended, and once more at the end
    /// of a later day on which late receipts changed it. Of rows of one store, day and figure the
    /// one with the highest offset holds.
    KPIS = "analytics"."kpis", KpiRow into Kpis,
    sorted by ["event_date", "store_id", "kpi", "log_offset"],
    key also ["event_date"];
    /// The figure.
    kpi: Text,
    /// What it is counted in: %, number, units, money or days.
    unit: Text,
    /// The figure; none where it is not known.
    value: Maybe<Milli>,
}

effect_table! {
    /// What cannot be seen in stock alone: how a product's shelf stood on a day that has ended.
    PRODUCT_DAYS = "analytics"."product_days", ProductDayRow into ProductDays,
    sorted by ["event_date", "store_id", "sku"], key also ["sku", "event_date"];
    /// The product.
    sku: Text,
    /// Minutes of the day in which the store was open and the shelf was in use.
    open_minutes: Number,
    /// Of these, minutes in which the shelf was empty.
    stock_out_minutes: Number,
    /// Units in the shop, on the mean of the day.
    mean_units: Maybe<Milli>,
}

table! {
    /// What the lake itself did: one row for each partition and round of commits.
    LAKE_COMMITS = "ops"."lake_commits", CommitRow into Commits,
    sorted by ["event_date", "committed_at", "log_partition"], key ["log_partition", "position"];
    /// When, by the clock.
    committed_at: Time,
    /// The date of that in UTC.
    event_date: Date,
    /// The partition of the log.
    log_partition: Small,
    /// The events of the partition below this offset are in all tables.
    position: Number,
    /// Events that the round took from the partition.
    events: Number,
    /// Rows that the round wrote, all tables and partitions together.
    rows: Number,
    /// How long the round took, in milliseconds.
    took_ms: Number,
    /// The time of the newest event of the round.
    newest_event_at: Maybe<Time>,
}
