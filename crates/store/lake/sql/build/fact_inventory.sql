-- Stock of the days from $from to $to. The books of a day's end are the last change row up to it,
-- and what happened on a day is the difference of two ends.
WITH ended AS (
    -- The last row of each day within the range, and of all days before it.
    SELECT store_id, sku, day, on_hand_units, received_units, sold_units, returned_units,
        removed_units, unexplained_units
    FROM (
        SELECT
            state.*,
            ROW_NUMBER() OVER (PARTITION BY store_id, sku, day ORDER BY log_offset DESC) AS newest
        FROM (
            SELECT
                *,
                CASE WHEN event_date < DATE '$from' THEN DATE '$from' - INTERVAL '1 day'
                    ELSE event_date END AS day
            FROM cleansed.product_total_state
            WHERE event_date <= DATE '$to'
        ) AS state
    )
    WHERE newest = 1
),
spans AS (
    -- Each end holds until the day before the next one.
    SELECT
        ended.*,
        LEAD(day) OVER (PARTITION BY store_id, sku ORDER BY day) AS next_day,
        LAG(on_hand_units) OVER earlier AS on_hand_before,
        LAG(received_units) OVER earlier AS received_before,
        LAG(sold_units) OVER earlier AS sold_before,
        LAG(returned_units) OVER earlier AS returned_before,
        LAG(removed_units) OVER earlier AS removed_before,
        LAG(unexplained_units) OVER earlier AS unexplained_before
    FROM ended
    WINDOW earlier AS (PARTITION BY store_id, sku ORDER BY day)
),
last_days AS (
    -- A store's days end with the last one on which it changed.
    SELECT store_id, MAX(day) AS last_day FROM ended GROUP BY store_id
),
grid AS (
    SELECT date.full_date, spans.*
    FROM spans
    JOIN last_days ON last_days.store_id = spans.store_id
    JOIN curated.dim_date AS date
        ON date.full_date >= spans.day
        AND date.full_date <= last_days.last_day
        AND (spans.next_day IS NULL OR date.full_date < spans.next_day)
    WHERE date.full_date BETWEEN DATE '$from' AND DATE '$to'
)
SELECT
    grid.full_date AS event_date,
    CAST(date_format(grid.full_date, '%Y%m%d') AS INTEGER) AS date_key,
    natural_key(grid.store_id) AS store_key,
    product.product_key,
    grid.store_id,
    grid.sku,
    CASE WHEN changed THEN coalesce(on_hand_before, 0) ELSE on_hand_units END AS open_units,
    CASE WHEN changed THEN received_units - coalesce(received_before, 0) ELSE 0 END
        AS received_units,
    CASE WHEN changed THEN sold_units - coalesce(sold_before, 0) ELSE 0 END AS sold_units,
    CASE WHEN changed THEN returned_units - coalesce(returned_before, 0) ELSE 0 END
        AS returned_units,
    CASE WHEN changed THEN removed_units - coalesce(removed_before, 0) ELSE 0 END
        AS removed_units,
    CASE WHEN changed THEN unexplained_units - coalesce(unexplained_before, 0) ELSE 0 END
        AS unexplained_units,
    on_hand_units AS close_units,
    days.stock_out_minutes
FROM (SELECT grid.*, full_date = day AS changed FROM grid) AS grid
JOIN (
    -- The product as it is at the end of the day: the last version that began by then.
    SELECT store_id, sku, product_key, valid_from_date, valid_to_date FROM curated.dim_product
) AS product
    ON product.store_id = grid.store_id
    AND product.sku = grid.sku
    AND product.valid_from_date <= grid.full_date
    AND (product.valid_to_date IS NULL OR product.valid_to_date > grid.full_date)
LEFT JOIN (
    SELECT store_id, sku, event_date, MAX(stock_out_minutes) AS stock_out_minutes
    FROM analytics.product_days
    WHERE event_date BETWEEN DATE '$from' AND DATE '$to'
    GROUP BY store_id, sku, event_date
) AS days
    ON days.store_id = grid.store_id
    AND days.sku = grid.sku
    AND days.event_date = grid.full_date
