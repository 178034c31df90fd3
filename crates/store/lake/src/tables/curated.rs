//! `curated`: the star schema. Dimensions say what there is, facts what happened; keys are
//! numbers that follow from the natural keys and are the same in every build.

use crate::column::{Date, Flag, Maybe, Money, Number, Percent, Small, Text, Time};
use crate::table::built_table;

built_table! {
    /// Days, from the first year of the log to the end of the year after the last.
    DIM_DATE = "dim_date", Whole, sorted by ["date_key"], key ["date_key"];
    /// The day as a number: 20260131.
    date_key: Small,
    /// The day.
    full_date: Date,
    /// The year.
    year: Small,
    /// The quarter, from 1.
    quarter: Small,
    /// The month, from 1.
    month: Small,
    /// The month's name.
    month_name: Text,
    /// The week of the year by ISO 8601.
    week: Small,
    /// The day of the month.
    day_of_month: Small,
    /// The day of the week, Monday 1.
    day_of_week: Small,
    /// The day's name.
    day_name: Text,
    /// Whether it is a Saturday or a Sunday.
    weekend: Flag,
    /// Whether it is a public holiday of Italy.
    holiday: Flag,
    /// Which one.
    holiday_name: Maybe<Text>,
}

built_table! {
    /// Stores, as they were declared last.
    DIM_STORE = "dim_store", Whole, sorted by ["store_id"], key ["store_key"];
    /// The key.
    store_key: Number,
    /// The store.
    store_id: Text,
    /// Its name for people.
    name: Text,
    /// The name of its time zone.
    time_zone: Text,
    /// When it was declared first.
    opened_at: Time,
}

built_table! {
    /// Products of stores with their history: a row holds from `valid_from` to before `valid_to`,
    /// for one price, shelf life, category and what else is declared.
    DIM_PRODUCT = "dim_product", Whole, sorted by ["store_id", "sku", "valid_from"],
    key ["product_key"];
    /// The key.
    product_key: Number,
    /// The store.
    store_id: Text,
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
    /// From when on it holds; the first row of a product holds from 1970 on.
    valid_from: Time,
    /// From when on it does not; none for the row that holds at present.
    valid_to: Maybe<Time>,
    /// Whether it holds at present.
    current: Flag,
    /// The store's day on which it began to hold; the first row of a product holds from 1970 on.
    valid_from_date: Maybe<Date>,
    /// The store's day from which on it does not.
    valid_to_date: Maybe<Date>,
}

built_table! {
    /// Categories of products.
    DIM_CATEGORY = "dim_category", Whole, sorted by ["category"], key ["category_key"];
    /// The key.
    category_key: Number,
    /// The category.
    category: Text,
}

built_table! {
    /// Brands of products.
    DIM_BRAND = "dim_brand", Whole, sorted by ["brand"], key ["brand_key"];
    /// The key.
    brand_key: Number,
    /// The brand; empty where none is given.
    brand: Text,
}

built_table! {
    /// Suppliers, as they were declared last.
    DIM_SUPPLIER = "dim_supplier", Whole, sorted by ["supplier_id"], key ["supplier_key"];
    /// The key.
    supplier_key: Number,
    /// The supplier; unknown where nobody says who delivers.
    supplier_id: Text,
    /// Its name for people.
    name: Text,
    /// From cut-off to the earliest delivery, in minutes.
    lead_minutes: Maybe<Number>,
}

built_table! {
    /// Ways to pay.
    DIM_PAYMENT_METHOD = "dim_payment_method", Whole, sorted by ["payment_method"],
    key ["payment_method_key"];
    /// The key.
    payment_method_key: Number,
    /// The way; unknown where the till does not say.
    payment_method: Text,
}

built_table! {
    /// Kinds of customers.
    DIM_CUSTOMER_TYPE = "dim_customer_type", Whole, sorted by ["customer_type"],
    key ["customer_type_key"];
    /// The key.
    customer_type_key: Number,
    /// The kind; unknown where the till does not say.
    customer_type: Text,
}

built_table! {
    /// Sales: one row for each line of a receipt.
    FACT_SALES = "fact_sales", Months,
    sorted by ["event_date", "store_id", "sku", "sold_at", "log_offset", "line_no"],
    key ["log_partition", "log_offset", "line_no"];
    /// The store's own date of the sale.
    event_date: Date,
    /// The same as a number, which dim_date has.
    date_key: Small,
    /// When.
    sold_at: Time,
    /// The store, in dim_store.
    store_key: Number,
    /// The product as it was at that time, in dim_product.
    product_key: Number,
    /// The product's category, in dim_category.
    category_key: Number,
    /// The product's brand, in dim_brand.
    brand_key: Number,
    /// The way to pay, in dim_payment_method.
    payment_method_key: Number,
    /// The kind of customer, in dim_customer_type.
    customer_type_key: Number,
    /// The store.
    store_id: Text,
    /// The product.
    sku: Text,
    /// The receipt.
    receipt_id: Text,
    /// The customer, where the till knows.
    customer_id: Maybe<Text>,
    /// The partition of the log that holds the receipt.
    log_partition: Small,
    /// The receipt's place in it.
    log_offset: Number,
    /// The line's place on the receipt.
    line_no: Small,
    /// Units: negative for a return.
    units: Number,
    /// The price of one unit before the discount.
    unit_price: Money,
    /// The discount, in per cent.
    discount_percent: Percent,
    /// Unit price times units.
    gross: Money,
    /// What the line came to.
    revenue: Money,
    /// What the units had cost; none where that is not known.
    cost: Maybe<Money>,
    /// Revenue less cost; none where the cost is not known.
    profit: Maybe<Money>,
}

built_table! {
    /// Stock: one row for each store, product and day, from the product's first day on.
    /// open + received + returned - sold - removed - unexplained = close.
    FACT_INVENTORY = "fact_inventory", Months,
    sorted by ["event_date", "store_id", "sku"], key ["event_date", "store_id", "sku"];
    /// The store's own date.
    event_date: Date,
    /// The same as a number, which dim_date has.
    date_key: Small,
    /// The store, in dim_store.
    store_key: Number,
    /// The product as it is at the end of the day, in dim_product.
    product_key: Number,
    /// The store.
    store_id: Text,
    /// The product.
    sku: Text,
    /// Units in the shop at the start of the day.
    open_units: Number,
    /// Units that came into the shop.
    received_units: Number,
    /// Units sold.
    sold_units: Number,
    /// Units that customers brought back.
    returned_units: Number,
    /// Units taken out other than by a sale.
    removed_units: Number,
    /// Units that left the books unexplained, less those that came onto them.
    unexplained_units: Number,
    /// Units in the shop at the end of the day, or at present.
    close_units: Number,
    /// Minutes of opening time in which the shelf was empty; none before the day has ended.
    stock_out_minutes: Maybe<Number>,
}

built_table! {
    /// Deliveries: one row for each lot that came into a warehouse.
    FACT_DELIVERIES = "fact_deliveries", Months,
    sorted by ["event_date", "store_id", "sku", "log_offset"], key ["log_partition", "log_offset"];
    /// The store's own date of the delivery.
    event_date: Date,
    /// The same as a number, which dim_date has.
    date_key: Small,
    /// When.
    delivered_at: Time,
    /// The store, in dim_store.
    store_key: Number,
    /// The product as it was at that time, in dim_product.
    product_key: Number,
    /// Who delivers the product, in dim_supplier.
    supplier_key: Number,
    /// The store.
    store_id: Text,
    /// The product.
    sku: Text,
    /// The lot.
    lot_code: Maybe<Text>,
    /// The order, where that is known.
    order_id: Maybe<Text>,
    /// The partition of the log that holds the delivery.
    log_partition: Small,
    /// The delivery's place in it.
    log_offset: Number,
    /// Units that came.
    units: Number,
    /// What they cost; none where that is not known.
    cost: Maybe<Money>,
    /// When they expire, where that is given.
    expiry_date: Maybe<Date>,
}

built_table! {
    /// Alerts: one row each, on the day on which it opened, as it stands.
    FACT_ALERTS = "fact_alerts", Months,
    sorted by ["event_date", "store_id", "alert_id"], key ["store_id", "alert_id"];
    /// The store's own date on which it opened.
    event_date: Date,
    /// The same as a number, which dim_date has.
    date_key: Small,
    /// The store, in dim_store.
    store_key: Number,
    /// The product as it was at that time, in dim_product; none where it is about the store.
    product_key: Maybe<Number>,
    /// The store.
    store_id: Text,
    /// Its id within the store.
    alert_id: Text,
    /// The rule.
    rule: Text,
    /// info, warning or critical.
    severity: Text,
    /// floor or warehouse.
    place: Text,
    /// The product.
    sku: Maybe<Text>,
    /// open, acknowledged, snoozed, resolved or dismissed.
    status: Text,
    /// When it opened.
    opened_at: Time,
    /// When it was first acknowledged.
    acknowledged_at: Maybe<Time>,
    /// When it was resolved or dismissed.
    ended_at: Maybe<Time>,
    /// From opening to end, in minutes.
    open_minutes: Maybe<Number>,
    /// How often the problem was seen.
    count: Number,
}

built_table! {
    /// Waste: units taken out because they were expired, damaged, recalled or stolen.
    FACT_WASTE = "fact_waste", Months,
    sorted by ["event_date", "store_id", "sku", "log_offset", "effect_no"],
    key ["log_partition", "log_offset", "effect_no"];
    /// The store's own date.
    event_date: Date,
    /// The same as a number, which dim_date has.
    date_key: Small,
    /// When.
    wasted_at: Time,
    /// The store, in dim_store.
    store_key: Number,
    /// The product as it was at that time, in dim_product.
    product_key: Number,
    /// The store.
    store_id: Text,
    /// The product.
    sku: Text,
    /// The lot; none where nobody said.
    lot_code: Maybe<Text>,
    /// floor or warehouse.
    place: Text,
    /// expired, damaged, recalled or stolen.
    cause: Text,
    /// The partition of the log that holds the event that led to it.
    log_partition: Small,
    /// The event's place in it.
    log_offset: Number,
    /// Its place among what followed from the event.
    effect_no: Small,
    /// Units.
    units: Number,
    /// What they had cost; none where that is not known.
    cost: Maybe<Money>,
}
