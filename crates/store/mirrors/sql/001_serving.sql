-- What is served: reference data, the state of this moment, what happened, and what days came to.
-- Whoever follows the log writes these tables; people and their tools read them.

CREATE SCHEMA ref;
CREATE SCHEMA state;
CREATE SCHEMA ops;
CREATE SCHEMA analytics;

COMMENT ON SCHEMA ref IS 'reference data as it holds';
COMMENT ON SCHEMA state IS 'the state of this moment';
COMMENT ON SCHEMA ops IS 'what happened and what follows from it';
COMMENT ON SCHEMA analytics IS 'what days came to';

-- How far each partition of the log has been followed: written with the rows, in one transaction.
CREATE TABLE shelf.positions (
    log_partition integer PRIMARY KEY,
    position bigint NOT NULL CHECK (position >= 0)
);

CREATE TABLE ref.stores (
    store_id text PRIMARY KEY,
    name text NOT NULL,
    time_zone text NOT NULL,
    refill_confirmed boolean NOT NULL,
    orders_automatic boolean NOT NULL
);

CREATE TABLE ref.products (
    store_id text,
    shelf_id text,
    name text NOT NULL,
    brand text NOT NULL,
    item_category text NOT NULL,
    item_subcategory text NOT NULL,
    item_price numeric(22,2) NOT NULL,
    cost numeric(22,2),
    item_weight bigint,
    standard_batch_size bigint NOT NULL,
    shelf_life_days bigint,
    supplier_id text,
    maximum_stock bigint,
    warehouse_maximum_stock bigint,
    sensor text NOT NULL,
    PRIMARY KEY (store_id, shelf_id)
);
CREATE INDEX ON ref.products (item_category, item_subcategory);

CREATE TABLE ref.suppliers (
    store_id text,
    supplier_id text,
    name text NOT NULL,
    lead_minutes bigint NOT NULL,
    minimum_order numeric(22,2) NOT NULL,
    PRIMARY KEY (store_id, supplier_id)
);

CREATE TABLE ref.policies (
    store_id text,
    policy_id text,
    shelf_id text,
    item_category text,
    item_subcategory text,
    active boolean NOT NULL,
    notes text NOT NULL,
    threshold_pct numeric(5,2),
    min_qty bigint,
    target_pct numeric(5,2),
    hysteresis_pct numeric(5,2),
    reorder_point_qty bigint,
    cover_days bigint,
    near_expiry_floor_days bigint,
    near_expiry_warehouse_days bigint,
    cooldown_minutes bigint,
    PRIMARY KEY (store_id, policy_id)
);
CREATE INDEX ON ref.policies (store_id, shelf_id, item_category, item_subcategory) WHERE active;

CREATE TABLE state.shelf_state (
    store_id text,
    shelf_id text,
    category text NOT NULL,
    subcategory text NOT NULL,
    current_stock bigint NOT NULL,
    cart_units bigint NOT NULL,
    shelf_weight numeric(12,3) NOT NULL,
    price numeric(22,2) NOT NULL,
    last_update_ts timestamptz,
    PRIMARY KEY (store_id, shelf_id)
);

CREATE TABLE state.wh_state (
    store_id text,
    shelf_id text,
    category text NOT NULL,
    subcategory text NOT NULL,
    wh_current_stock bigint NOT NULL,
    in_transit_units bigint NOT NULL,
    last_update_ts timestamptz,
    PRIMARY KEY (store_id, shelf_id)
);

CREATE TABLE state.shelf_batch_state (
    store_id text,
    shelf_id text,
    batch_code text,
    category text NOT NULL,
    subcategory text NOT NULL,
    received_date date,
    expiry_date date,
    batch_quantity_store bigint NOT NULL,
    last_update_ts timestamptz,
    PRIMARY KEY (store_id, shelf_id, batch_code)
);
CREATE INDEX ON state.shelf_batch_state (expiry_date);

CREATE TABLE state.wh_batch_state (
    store_id text,
    shelf_id text,
    batch_code text,
    category text NOT NULL,
    subcategory text NOT NULL,
    received_date date,
    expiry_date date,
    batch_quantity_warehouse bigint NOT NULL,
    batch_quantity_store bigint NOT NULL,
    in_transit_units bigint NOT NULL,
    reserved_units bigint NOT NULL,
    last_update_ts timestamptz,
    PRIMARY KEY (store_id, shelf_id, batch_code)
);
CREATE INDEX ON state.wh_batch_state (expiry_date);

CREATE TABLE ops.shelf_restock_plan (
    store_id text,
    plan_id text,
    shelf_id text NOT NULL,
    suggested_qty bigint NOT NULL CHECK (suggested_qty >= 0),
    backorder_qty bigint NOT NULL,
    status text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    due_at timestamptz,
    PRIMARY KEY (store_id, plan_id)
);
CREATE INDEX ON ops.shelf_restock_plan (store_id, shelf_id, updated_at);
CREATE INDEX ON ops.shelf_restock_plan (status);

CREATE TABLE ops.wh_supplier_plan (
    store_id text,
    supplier_plan_id text,
    shelf_id text,
    supplier_id text NOT NULL,
    suggested_qty bigint NOT NULL CHECK (suggested_qty >= 0),
    received_qty bigint NOT NULL,
    standard_batch_size bigint,
    cost numeric(22,2) NOT NULL,
    status text NOT NULL,
    cutoff_at timestamptz,
    delivery_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (store_id, supplier_plan_id, shelf_id)
);
CREATE INDEX ON ops.wh_supplier_plan (store_id, shelf_id, updated_at);
CREATE INDEX ON ops.wh_supplier_plan (status);

-- Alerts as they stand; their life is in ops.alert_changes.
CREATE TABLE ops.alerts (
    store_id text,
    alert_id text,
    event_type text NOT NULL,
    shelf_id text,
    location text NOT NULL,
    severity text NOT NULL,
    status text NOT NULL,
    current_stock bigint NOT NULL,
    max_stock bigint NOT NULL,
    threshold bigint NOT NULL,
    suggested_qty bigint NOT NULL,
    seen_count bigint NOT NULL,
    owner text,
    actor text,
    note text,
    snoozed_until timestamptz,
    created_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (store_id, alert_id)
);
CREATE INDEX ON ops.alerts (store_id, shelf_id);
CREATE INDEX ON ops.alerts (created_at);
CREATE INDEX ON ops.alerts (status, severity);

CREATE TABLE ops.alert_changes (
    log_partition integer,
    log_offset bigint,
    effect_no integer,
    store_id text NOT NULL,
    alert_id text NOT NULL,
    status text NOT NULL,
    severity text NOT NULL,
    current_stock bigint NOT NULL,
    owner text,
    actor text,
    note text,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (log_partition, log_offset, effect_no)
);
CREATE INDEX ON ops.alert_changes (store_id, alert_id, changed_at);

-- A receipt is known by its place in the log: two tills may give two receipts one number.
CREATE TABLE ops.pos_transactions (
    log_partition integer,
    log_offset bigint,
    store_id text NOT NULL,
    transaction_id text NOT NULL,
    customer_id text,
    "timestamp" timestamptz NOT NULL,
    total_items bigint NOT NULL,
    total_amount numeric(22,2) NOT NULL,
    payment_method text,
    PRIMARY KEY (log_partition, log_offset)
);
CREATE INDEX ON ops.pos_transactions (store_id, transaction_id);
CREATE INDEX ON ops.pos_transactions ("timestamp");

CREATE TABLE ops.pos_transaction_items (
    log_partition integer,
    log_offset bigint,
    line_no integer,
    store_id text NOT NULL,
    transaction_id text NOT NULL,
    shelf_id text NOT NULL,
    quantity bigint NOT NULL,
    unit_price numeric(22,2) NOT NULL,
    discount numeric(10,4) NOT NULL,
    total_price numeric(22,2) NOT NULL,
    batch_code text,
    PRIMARY KEY (log_partition, log_offset, line_no),
    FOREIGN KEY (log_partition, log_offset) REFERENCES ops.pos_transactions ON DELETE CASCADE
);
CREATE INDEX ON ops.pos_transaction_items (store_id, shelf_id);

CREATE TABLE ops.wh_events (
    log_partition integer,
    log_offset bigint,
    effect_no integer,
    event_id uuid NOT NULL,
    store_id text NOT NULL,
    event_type text NOT NULL,
    shelf_id text NOT NULL,
    batch_code text,
    qty bigint NOT NULL CHECK (qty >= 0),
    "timestamp" timestamptz NOT NULL,
    location text NOT NULL,
    plan_id text,
    reason text,
    received_date date,
    expiry_date date,
    PRIMARY KEY (log_partition, log_offset, effect_no)
);
CREATE INDEX ON ops.wh_events ("timestamp");
CREATE INDEX ON ops.wh_events (store_id, plan_id);
CREATE INDEX ON ops.wh_events (store_id, shelf_id, "timestamp");

CREATE TABLE analytics.daily_discounts (
    store_id text,
    shelf_id text,
    discount_date date,
    discount numeric(10,4) NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (store_id, shelf_id, discount_date)
);

CREATE TABLE analytics.kpis (
    store_id text,
    day date,
    kpi text,
    unit text NOT NULL,
    value numeric(24,3),
    PRIMARY KEY (store_id, day, kpi)
);

CREATE TABLE analytics.features_store (
    store_id text,
    feature_date date,
    shelf_id text,
    foot_traffic bigint NOT NULL,
    sales_qty bigint NOT NULL,
    returned_qty bigint NOT NULL,
    received_qty bigint NOT NULL,
    removed_qty bigint NOT NULL,
    revenue numeric(22,2) NOT NULL,
    stockout_events bigint NOT NULL,
    stockout_minutes bigint NOT NULL,
    open_minutes bigint NOT NULL,
    PRIMARY KEY (store_id, feature_date, shelf_id)
);
CREATE INDEX ON analytics.features_store (store_id, shelf_id, feature_date);

CREATE VIEW ops.open_alerts AS
SELECT * FROM ops.alerts WHERE status IN ('open', 'acknowledged', 'snoozed');

CREATE VIEW ref.store_inventory_snapshot AS
SELECT now() AS snapshot_ts, p.store_id, p.shelf_id, p.item_weight, p.item_category,
       p.item_subcategory, p.maximum_stock, s.current_stock, s.price AS item_price
FROM ref.products p LEFT JOIN state.shelf_state s USING (store_id, shelf_id);

CREATE VIEW ref.warehouse_inventory_snapshot AS
SELECT now() AS snapshot_ts, p.store_id, p.shelf_id, p.item_weight, p.item_category,
       p.item_subcategory, p.warehouse_maximum_stock AS maximum_stock,
       s.wh_current_stock AS current_stock, p.item_price
FROM ref.products p LEFT JOIN state.wh_state s USING (store_id, shelf_id);

CREATE VIEW ref.store_batches_snapshot AS
SELECT now() AS snapshot_ts, b.store_id, b.shelf_id, b.batch_code, b.category AS item_category,
       b.subcategory AS item_subcategory, p.standard_batch_size, b.received_date, b.expiry_date,
       b.batch_quantity_store + b.batch_quantity_warehouse AS batch_quantity_total,
       b.batch_quantity_store, b.batch_quantity_warehouse, 'store' AS location
FROM state.wh_batch_state b LEFT JOIN ref.products p USING (store_id, shelf_id)
WHERE b.batch_quantity_store > 0;

CREATE VIEW ref.warehouse_batches_snapshot AS
SELECT now() AS snapshot_ts, b.store_id, b.shelf_id, b.batch_code, b.category AS item_category,
       b.subcategory AS item_subcategory, p.standard_batch_size, b.received_date, b.expiry_date,
       b.batch_quantity_store + b.batch_quantity_warehouse AS batch_quantity_total,
       b.batch_quantity_store, b.batch_quantity_warehouse, 'warehouse' AS location
FROM state.wh_batch_state b LEFT JOIN ref.products p USING (store_id, shelf_id)
WHERE b.batch_quantity_warehouse > 0;

-- A day with what the next one came to, where that has ended.
CREATE VIEW analytics.v_ml_features AS
SELECT f.*, CASE WHEN n.store_id IS NULL THEN NULL ELSE (n.stockout_events > 0)::integer END
       AS label_next_day_stockout
FROM analytics.features_store f
LEFT JOIN analytics.features_store n
       ON n.store_id = f.store_id AND n.shelf_id = f.shelf_id
      AND n.feature_date = f.feature_date + 1;

-- Days whose next seven have all ended, with what these sold.
CREATE VIEW analytics.v_train_demand_next7d AS
SELECT * FROM (
    SELECT f.*,
           sum(sales_qty) OVER next7 AS y_sales_next_7d,
           count(*) OVER next7 AS days_ahead
    FROM analytics.features_store f
    WINDOW next7 AS (PARTITION BY store_id, shelf_id ORDER BY feature_date
                     RANGE BETWEEN INTERVAL '1 day' FOLLOWING AND INTERVAL '7 days' FOLLOWING)
) ahead
WHERE days_ahead = 7;

-- Empties what is served; whoever follows the log fills it again from the beginning.
CREATE FUNCTION shelf.forget() RETURNS void LANGUAGE sql AS $$
    TRUNCATE shelf.positions,
             ref.stores,
             ref.products,
             ref.suppliers,
             ref.policies,
             state.shelf_state,
             state.wh_state,
             state.shelf_batch_state,
             state.wh_batch_state,
             ops.shelf_restock_plan,
             ops.wh_supplier_plan,
             ops.alerts,
             ops.alert_changes,
             ops.pos_transactions,
             ops.pos_transaction_items,
             ops.wh_events,
             analytics.daily_discounts,
             analytics.kpis,
             analytics.features_store;
$$;
