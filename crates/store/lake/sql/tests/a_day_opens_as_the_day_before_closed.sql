-- Each day of a product begins with the units with which the day before ended.
SELECT event_date, store_id, sku FROM (
    SELECT
        event_date, store_id, sku, open_units,
        LAG(event_date) OVER before AS day_before,
        LAG(close_units) OVER before AS closed_units
    FROM curated.fact_inventory
    WINDOW before AS (PARTITION BY store_id, sku ORDER BY event_date)
)
WHERE (day_before IS NULL AND open_units <> 0)
    OR closed_units <> open_units
    OR day_before <> event_date - INTERVAL '1 day'
