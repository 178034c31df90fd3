-- What a day's figures stand beside when people learn from them: the shelf as it was when the day
-- had ended. Null where that is not known.
ALTER TABLE analytics.features_store
    ADD COLUMN shelf_capacity bigint,
    ADD COLUMN warehouse_capacity bigint,
    ADD COLUMN standard_batch_size bigint,
    ADD COLUMN min_expiration_days bigint;

-- Figures that are not known are 0 for whoever learns from them, a pack is 1, and what never
-- expires does so in 9999 days. Whether the next day saw the shelf empty stays null until it ends.
CREATE OR REPLACE VIEW analytics.v_ml_features AS
SELECT f.store_id, f.feature_date, f.shelf_id, f.foot_traffic, f.sales_qty, f.returned_qty,
       f.received_qty, f.removed_qty, f.revenue, f.stockout_events, f.stockout_minutes,
       f.open_minutes,
       CASE WHEN n.store_id IS NULL THEN NULL ELSE (n.stockout_events > 0)::integer END
           AS label_next_day_stockout,
       coalesce(f.shelf_capacity, 0) AS shelf_capacity,
       coalesce(f.warehouse_capacity, 0) AS warehouse_capacity,
       greatest(coalesce(f.standard_batch_size, 1), 1) AS standard_batch_size,
       coalesce(f.min_expiration_days, 9999) AS min_expiration_days
FROM analytics.features_store f
LEFT JOIN analytics.features_store n
       ON n.store_id = f.store_id AND n.shelf_id = f.shelf_id
      AND n.feature_date = f.feature_date + 1;

-- Of these, what has a place in the warehouse, so that there is something to order.
CREATE VIEW analytics.v_ml_train AS
SELECT * FROM analytics.v_ml_features WHERE warehouse_capacity > 0;
