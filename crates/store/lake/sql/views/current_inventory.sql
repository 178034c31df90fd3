-- The stock of each store and product after the last day of the facts, by what a shelf sells in
-- a day: critical where less than one day is left, low where less than three are.
--
-- store_id text: The store.
-- sku text: The product.
-- name text: The product's name for people.
-- category text: The product's category.
-- event_date date: The last day of the facts.
-- on_hand_units bigint: Units in the shop at the end of that day.
-- daily_units double precision: Units sold in a day, on average of the last 14 days.
-- status text: out, critical, low or normal.
WITH newest AS (
    SELECT
        store_id, sku, product_key, event_date, close_units, stock_out_minutes,
        ROW_NUMBER() OVER (PARTITION BY store_id, sku ORDER BY event_date DESC) AS place,
        AVG(sold_units) OVER (
            PARTITION BY store_id, sku ORDER BY event_date ROWS BETWEEN 13 PRECEDING AND CURRENT ROW
        ) AS daily_units
    FROM curated.fact_inventory
)
SELECT
    newest.store_id,
    newest.sku,
    product.name,
    product.category,
    newest.event_date,
    newest.close_units AS on_hand_units,
    newest.daily_units,
    CASE
        WHEN newest.close_units = 0 THEN 'out'
        WHEN newest.close_units < newest.daily_units THEN 'critical'
        WHEN newest.close_units < 3 * newest.daily_units THEN 'low'
        ELSE 'normal'
    END AS status
FROM newest
JOIN curated.dim_product AS product ON product.product_key = newest.product_key
WHERE newest.place = 1
